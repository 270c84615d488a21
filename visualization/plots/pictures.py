"""Figures for what the techniques return.

Every function takes pictures for people (uint8, (H, W, 3), as `model.deprocess` returns them), gives back a matplotlib
Figure, and neither shows nor saves it: ``figure.savefig("out.png")`` does, and a notebook draws what a cell returns. No
display is needed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._language import translated
from ..._typing import Array, Images
from ...classifiers.evaluation import Evaluation
from ..checks import check_finite
from .figure import Figure, drawable, printable
from .panels import DPI, TILE, around_grey, aspect_of, check_pictures, lit, magnification, show, tile_axes, titles_for


def short_name(name):
    """The first of a class's names: "goldfish, Carassius auratus" -> "goldfish"; in Chinese "goldfish 金鱼".

    The English name stays, since commands take it; the other follows where an installed font can draw it.
    """
    short = name.split(",")[0]
    words = translated(short)
    return f"{short} {words}" if words != short and drawable(words) else short


def plot_images(
    images: Sequence[Images] | Images,
    titles: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    heading: str | None = None,
    tile: float = TILE,
) -> Figure:
    """A grid of pictures.

    Parameters
    ----------
    images : sequence of ndarray (H, W, 3) uint8, or (H, W) for grey
        Sizes may differ.
    titles : sequence of str, optional
        One a picture; long ones are wrapped.
    columns : int, optional
        By default a row for up to six pictures, else nearly square.
    heading : str, optional
        Above the whole.
    tile : float
        Width of a picture in the figure, in inches.

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = plot_images([picture, picture[:, ::-1]], ["a picture", "mirrored"])
    """
    images = list(images)
    titles = titles_for("plot_images", images, titles)
    columns = columns or (len(images) if len(images) <= 6 else int(np.ceil(np.sqrt(len(images)))))
    figure, axes = tile_axes(-(-len(images) // columns), columns, heading, aspect_of(images), tile)
    for axis, image, title in zip(axes.flat, images, titles):
        show(axis, image, title, width=round(28 * min(1, tile / TILE)))
    return figure


def plot_saliency(
    images: Images, saliency: Array, titles: Sequence[str] | None = None, *, heading: str | None = None
) -> Figure:
    """For each picture a row: the picture, its saliency map, and the picture lit by the map.

    Parameters
    ----------
    images : ndarray (N, H, W, 3) uint8
    saliency : ndarray (N, H, W)
        As from `compute_saliency_maps`.
    titles : sequence of str, optional
        One a picture.
    heading : str, optional

    Returns
    -------
    Figure
        The maps' colours run from 0 to each map's 99.5th percentile, so that single pixels do not darken the rest.

    Examples
    --------
    >>> figure = plot_saliency(picture[None], compute_saliency_maps(X, y, model))
    """
    if len(images) != len(saliency):
        raise ValueError(f"plot_saliency: {len(images)} images but {len(saliency)} maps")
    check_pictures("plot_saliency", images, "saliency")
    check_finite("plot_saliency", "saliency", saliency)
    titles = titles_for("plot_saliency", images, titles)
    figure, axes = tile_axes(len(images), 3, heading, aspect_of(images))
    for row, image, map_, title in zip(axes, images, saliency, titles):
        top = np.percentile(map_, 99.5) or 1.0
        share = np.clip(map_ / top, 0, 1)
        show(row[0], image, title)
        drawn = row[1].imshow(map_, cmap="inferno", vmin=0, vmax=top)
        row[1].set_title("|d score / d pixel|", fontsize=9)
        figure.colorbar(drawn, ax=row[1], fraction=0.046, pad=0.03).ax.tick_params(labelsize=7)
        show(row[2], lit(image, np.sqrt(share)), "photograph, lit by the map")
    return figure


def plot_saliency_columns(
    images: Images,
    columns: dict[str, tuple[Array, Sequence[str]]],
    titles: Sequence[str] | None = None,
    *,
    heading: str | None = None,
) -> Figure:
    """For each picture a row: the picture, the saliency maps of several networks, and the picture lit by the last.

    Parameters
    ----------
    images : ndarray (N, H, W, 3) uint8
    columns : dict of str to (ndarray (N, H, W), sequence of N str)
        For each network, by its name, the maps and their titles.
    titles : sequence of N str, optional
        Of the pictures.
    heading : str, optional

    Returns
    -------
    Figure
        The maps' colours run from 0 to each map's 99.5th percentile.
    """
    titles = titles_for("plot_saliency_columns", images, titles)
    figure, axes = tile_axes(len(images), 2 + len(columns), heading, aspect_of(images))
    for n, (row, image) in enumerate(zip(axes, images)):
        show(row[0], image, titles[n])
        for axis, (name, (maps, lines)) in zip(row[1:], columns.items()):
            top = np.percentile(maps[n], 99.5) or 1.0
            axis.imshow(maps[n], cmap="inferno", vmin=0, vmax=top)
            axis.set_title("\n".join(filter(None, (name, lines[n]))), fontsize=9)
        show(row[-1], lit(image, np.sqrt(np.clip(maps[n] / top, 0, 1))), "lit by the map on its left")
    return figure


def plot_fooling(
    original: Array | Images,
    fooling: Array | Images,
    titles: tuple[str, str] | Sequence[Any] = ("original", "fooling image"),
    *,
    magnify: float | None = None,
    heading: str | None = None,
) -> Figure:
    """Original, fooling image, their difference, and the difference magnified.

    Parameters
    ----------
    original, fooling : ndarray (N, H, W, 3) or (H, W, 3), uint8
        A row for each pair.
    titles : pair of str, or sequence of N such pairs
        For original and fooling image.
    magnify : float, optional
        Of the last picture. Grey stands for no change. By default one factor for all rows, 10 at most: the largest that
        clips at most a twentieth of the values.

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = plot_fooling(picture[None], picture[None, ::-1])
    """
    original, fooling = (a[None] if a.ndim == 3 else a for a in (np.asarray(original), np.asarray(fooling)))
    if original.shape != fooling.shape:
        raise ValueError(f"plot_fooling: the pictures have different shapes, {original.shape} and {fooling.shape}")
    pairs = [titles] * len(original) if isinstance(titles[0], str) else titles_for("plot_fooling", original, titles)
    magnify = magnification(fooling.astype(np.float64) - original) if magnify is None else magnify
    figure, axes = tile_axes(len(original), 4, heading, aspect_of(original))
    for row, before, after, (title_before, title_after) in zip(axes, original, fooling, pairs):
        change = after.astype(np.float64) - before
        rms = np.sqrt((change**2).mean())
        show(row[0], before, title_before)
        show(row[1], after, title_after)
        show(row[2], around_grey(change), f"difference\nRMS {rms:.1f} grey levels")
        show(row[3], around_grey(magnify * change), f"difference x {magnify:g}")
    return figure


def plot_progress(images: Sequence[Images], labels: Sequence[str], *, heading: str | None = None) -> Figure:
    """A strip of pictures that shows how an image came about.

    Parameters
    ----------
    images : sequence of ndarray (H, W, 3) uint8
        In the order of time; sizes may differ, as with DeepDream's octaves.
    labels : sequence of str
        One a picture, such as "step 20, p = 0.31".

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = plot_progress([picture, picture], ["step 0", "step 10"])
    """
    return plot_images(images, labels, columns=len(images), heading=heading)


def plot_evaluation(evaluation: Evaluation, class_names: list[str], *, heading: str | None = None) -> Figure:
    """How well each class is recognised, and what it is confused with.

    Parameters
    ----------
    evaluation : Evaluation
        From `pixelgrad.classifiers.evaluate`.
    class_names : list of str
    heading : str, optional

    Returns
    -------
    Figure
        Left: top-1 (dark) and top-5 (light) of each class, best first. Right: the confusion matrix in the same order,
        rows of one class; its colours run to the largest entry off the diagonal.

    Examples
    --------
    >>> images = np.repeat(picture.transpose(2, 0, 1)[None], 4, axis=0)
    >>> figure = plot_evaluation(evaluate(model, images, np.array([0, 1, 2, 3])), model.class_names)
    """
    results = sorted(evaluation.per_class(), key=lambda r: (-r.top1, -r.top5, r.index))
    order = [r.index for r in results]
    names, rows = [printable(short_name(class_names[k])) for k in order], np.arange(len(order))
    side = max(4, 0.16 * len(order))  # inches: a class needs so many for its name to be read
    figure = Figure(figsize=(1.35 * side + 5, side + 2.5), dpi=DPI)
    figure.set_layout_engine("constrained")
    bars, matrix = figure.subplots(1, 2, width_ratios=(1, 4))
    bars.barh(rows, [r.top5 for r in results], height=0.8, color="#bcd4e6", label="among the first five")
    bars.barh(rows, [r.top1 for r in results], height=0.8, color="#2f6690", label="first")
    bars.set_yticks(rows, names, fontsize=9)
    bars.set_ylim(len(order) - 0.4, -0.6)
    bars.set_xlim(0, 1)
    bars.set_xlabel("fraction of the class's images")
    bars.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=8)
    confusion = evaluation.confusion[np.ix_(order, order)] / np.array([r.images for r in results])[:, None]
    off_diagonal = confusion[~np.eye(len(order), dtype=bool)]
    drawn = matrix.imshow(confusion, cmap="magma", vmin=0, vmax=max(off_diagonal.max(initial=0), 0.01))
    matrix.set_yticks(rows, names, fontsize=9)
    matrix.set_xticks(rows, names, fontsize=9, rotation=90)
    matrix.set_xlabel("taken for")
    matrix.set_ylabel("class")
    figure.colorbar(drawn, ax=matrix, fraction=0.04, pad=0.02, extend="max", label="fraction of the row's images")
    if heading:
        figure.suptitle(heading)
    return figure


def plot_history(history: list[dict[str, Any]], *, heading: str | None = None) -> Figure:
    """Loss, accuracy and learning rate over a training's epochs.

    Parameters
    ----------
    history : list of dict
        `Solver.history`, or the rows of its history.csv as numbers.
    heading : str, optional

    Returns
    -------
    Figure
        Without top-5 accuracy where that is 1 throughout.

    Examples
    --------
    >>> row = dict.fromkeys(("learning_rate", "train_loss", "train_top1", "val_loss", "val_top1", "val_top5"), 0.5)
    >>> figure = plot_history([row | {"epoch": 1}, row | {"epoch": 2}])
    """
    if not history:
        raise ValueError("plot_history: the history is empty; train for an epoch first")
    figure = Figure(figsize=(12, 3.6), dpi=DPI)
    figure.set_layout_engine("constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    _curves(loss, history, {"train_loss": "training, augmented and smoothed", "val_loss": "validation"})
    curves = {"train_top1": "training", "val_top1": "validation", "val_top5": "validation, top-5"}
    if all(row.get("val_top5") == 1 for row in history):  # as always with five classes
        del curves["val_top5"]
    _curves(accuracy, history, curves)
    _curves(rate, history, {"learning_rate": "at the end of the epoch"})
    for axis, title in ((loss, "loss"), (accuracy, "accuracy"), (rate, "learning rate")):
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("epoch")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    accuracy.set_ylim(0, 1)
    if heading:
        figure.suptitle(heading, fontsize=11)
    return figure


def _curves(axis, history, labels):
    for key, label in labels.items():
        rows = [row for row in history if row.get(key) not in (None, "")]
        axis.plot([row["epoch"] for row in rows], [row[key] for row in rows], marker=".", label=label)
