"""Figures of what layers, channels and neurons have learnt, in the manner of `pictures`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._typing import Array, Images, IntArray
from ..filters import ActivationMaps, tile_grid
from ..patches import TopPatches
from .figure import Figure
from .panels import DPI, aspect_of, legend_label, show, tile_axes, titles_for
from .pictures import plot_images, short_name

CAPTION_DEEP = (
    "Each row is a filter, each column one of the channels it reads. These weights act on channels, not on colours:\n"
    "what a channel stands for is not in this picture, so that little can be read from it but whether filters are\n"
    "smooth, noisy or dead."
)
_PIXELS = 300  # about so many pixels wide are small tiles drawn, so that they stay squares


def plot_filters(tiles: Images, *, columns: int | None = None, heading: str | None = None) -> Figure:
    """First-layer filters as one grid of colour tiles.

    Parameters
    ----------
    tiles : ndarray (F, HH, WW, 3) uint8
        From `first_layer_filters`.
    columns : int, optional
        Nearly square by default.
    heading : str, optional

    Returns
    -------
    Figure
        Filters in the order of their index, row by row; the number of each row's first filter is beside it.

    Examples
    --------
    >>> figure = plot_filters(first_layer_filters(model))
    """
    columns = int(np.ceil(np.sqrt(len(tiles)))) if columns is None else columns
    magnify = max(1, _PIXELS // (columns * tiles.shape[2]))
    grid = tile_grid(tiles, columns=columns, magnify=magnify, gap=magnify)
    figure, axis = _one_axis(heading, grid, 4.5, "grey: weight 0; each filter is stretched to its largest weight")
    rows = -(-len(tiles) // columns)
    pitch = (tiles.shape[1] + 1) * magnify
    axis.set_yticks(magnify + pitch * np.arange(rows) + (pitch - magnify) / 2, columns * np.arange(rows), fontsize=8)
    return figure


def plot_layer_filters(
    tiles: Images, filters: IntArray, channels: IntArray, layer: str, *, heading: str | None = None
) -> Figure:
    """Weights of a deeper layer's filters as grey tiles, with a caption that says why they say little.

    Parameters
    ----------
    tiles : ndarray (M, L, HH, WW) uint8
    filters, channels : ndarray (M,), (L,) of int
        All three from `layer_filters`.
    layer : str
    heading : str, optional
        "filters of `layer`" by default.

    Returns
    -------
    Figure
        With a bar of the scale: shares of each filter's largest absolute weight.

    Examples
    --------
    >>> figure = plot_layer_filters(*layer_filters(model, "conv2", max_filters=2, max_channels=2), "conv2")
    """
    M, L, HH, WW = tiles.shape
    magnify = max(1, 2 * _PIXELS // (L * WW))
    grid = tile_grid(tiles.reshape(M * L, HH, WW), columns=L, magnify=magnify, gap=magnify)
    figure, axis = _one_axis(heading or f"filters of {layer}", grid, 8, CAPTION_DEEP)
    drawn = axis.images[0]
    rows, columns = (magnify * (1 + (side + 1) * np.arange(n) + side / 2) for side, n in ((HH, M), (WW, L)))
    axis.set_yticks(rows, filters, fontsize=7)
    axis.set_xticks(columns, channels, fontsize=7)
    axis.set_ylabel("filter")
    axis.xaxis.set_label_position("top")
    axis.xaxis.tick_top()
    bar = figure.colorbar(drawn, ax=axis, fraction=0.03, pad=0.02, ticks=[1, 128, 255])
    bar.ax.set_yticklabels(["-1", "0", "1"])
    bar.set_label("weight / largest weight of the filter", fontsize=8)
    return figure


def plot_activations(
    picture: Images,
    activations: ActivationMaps,
    *,
    index: int = 0,
    columns: int | None = None,
    heading: str | None = None,
) -> Figure:
    """A picture and a layer's maps for it, the most active channels first, on one scale.

    Parameters
    ----------
    picture : ndarray (H, W, 3) uint8
    activations : ActivationMaps
        From `activation_maps`.
    index : int
        Which of its images.
    columns : int, optional
    heading : str, optional
        The layer's name by default.

    Returns
    -------
    Figure
        Colours run from the least activation shown, at most 0, to the 99.5th percentile: a bar says which.

    Examples
    --------
    >>> figure = plot_activations(picture, activation_maps(X, "conv4", model, top=3))
    >>> type(figure).__name__
    'Figure'
    """
    maps, channels, activity = (a[index] for a in (activations.maps, activations.channels, activations.activity))
    columns = columns or int(np.ceil(np.sqrt(len(maps) + 1)))
    rows = -(-(len(maps) + 1) // columns)
    figure, axes = tile_axes(rows, columns, heading or activations.layer, aspect_of([picture]), 1.6)
    show(axes.flat[0], picture, "photograph")
    low, high = min(0.0, float(maps.min())), float(np.percentile(maps, 99.5))
    high = high if high > low else low + 1
    for axis, map_, channel, value in zip(axes.flat[1:], maps, channels, activity):
        drawn = axis.imshow(map_, cmap="inferno", vmin=low, vmax=high, interpolation="nearest")
        axis.set_title(f"channel {channel}\n{value:.3g}", fontsize=9)
    figure.colorbar(drawn, ax=axes, fraction=0.02, pad=0.02, extend="max", label="activation")
    return figure


def plot_patches(result: TopPatches, *, heading: str | None = None) -> Figure:
    """For each channel a row: the patches that excite it most, their activations below.

    Parameters
    ----------
    result : TopPatches
        From `top_patches`.
    heading : str, optional
        Layer and size of the receptive field by default, and what is grey.

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = plot_patches(top_patches(X, "conv2", model, channels=[0, 1], top=1))
    """
    M, T, H, W, _ = result.patches.shape
    seen = "the whole image" if result.field.whole_image else f"{H} x {W} pixels"
    heading = heading or f"{result.layer}: what excites a channel most, {seen} each{_of_grey(result.patches)}"
    figure, axes = tile_axes(M, 1, heading, H / W / T, 7.5)
    magnify = max(1, 2 * _PIXELS // (T * W))
    gap = max(1, magnify * W // 16)
    for axis, channel, patches, scores in zip(axes.flat, result.channels, result.patches, result.scores):
        axis.set_axis_on()
        axis.set_frame_on(False)
        grid = tile_grid(patches, columns=T, magnify=magnify, gap=gap)
        axis.imshow(grid, interpolation="nearest")
        name = f"channel {channel}" + ("" if scores.max() > 0 else "\nnever active")
        axis.set_ylabel(name, fontsize=9, rotation=0, ha="right", va="center")
        places = gap + (magnify * W + gap) * np.arange(T) + magnify * W / 2
        axis.set_xticks(places, [f"{score:.3g}" for score in scores], fontsize=7)
        axis.set_yticks([])
        axis.tick_params(length=0, pad=1)
    return figure


def plot_neighbours(
    queries: Sequence[Any], found: dict[str, Any], titles: Sequence[str] | None = None, *, heading: str | None = None
) -> Figure:
    """For each query a row: the query, and its nearest images by each measure, side by side.

    Parameters
    ----------
    queries : sequence of Q ndarray (H, W, 3) uint8
    found : dict of str to (pictures, labels)
        By the measure's name, such as "conv7" and "pixels": pictures (Q, M, H, W, 3) uint8, nearest first, and for each
        of them a label (Q, M), such as distance or class.
    titles : sequence of str, optional
        One a query.
    heading : str, optional

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = plot_neighbours([picture], {"conv7": (picture[None, None], [["itself"]])})
    """
    titles = titles_for("plot_neighbours", queries, titles)
    counts = {name: np.shape(pictures)[1] for name, (pictures, _) in found.items()}
    figure, axes = tile_axes(len(queries), 1 + sum(counts.values()), heading, aspect_of(queries), 1.4)
    for q, (row, query, title) in enumerate(zip(axes, queries, titles)):
        show(row[0], query, f"query\n{title}" if title else "query")
        for side in row[0].spines.values():
            side.set_linewidth(2)
        column = 1
        for name, (pictures, labels) in found.items():
            for m, (picture, label) in enumerate(zip(pictures[q], labels[q])):
                show(row[column], picture, f"{name} {m + 1}\n{label}")
                column += 1
    return figure


def plot_embedding(
    Y: Array,
    thumbnails: Images | None = None,
    labels: IntArray | None = None,
    names: list[str] | None = None,
    *,
    heading: str | None = None,
) -> Figure:
    """Points in the plane by class, and beside them a map of their pictures.

    Parameters
    ----------
    Y : ndarray (N, 2)
    thumbnails : ndarray (H, W, 3) uint8, optional
        From `thumbnail_map`.
    labels : ndarray (N,) of int, optional
        Colours.
    names : list of str, optional
        Of the labels; a legend is drawn for up to 20 labels, beyond that colours would not tell them apart.
    heading : str, optional

    Returns
    -------
    Figure
        Below it a sentence says how to read it.

    Examples
    --------
    >>> figure = plot_embedding(rng.normal(size=(20, 2)), labels=np.arange(20) % 2, names=["a", "b"])
    """
    panels = 1 if thumbnails is None else 2
    figure = Figure(figsize=(6.5 * panels, 6.5), dpi=DPI)
    figure.set_layout_engine("constrained")
    axes = np.atleast_1d(figure.subplots(1, panels))
    present = [None] if labels is None else np.unique(labels)
    many = len(present) > 20
    for n, label in enumerate(present):
        which = slice(None) if label is None else labels == label
        colour = f"C{n}" if len(present) <= 10 else _colours(n / max(1, len(present) - 1), n)
        name = None if label is None or names is None or many else legend_label(short_name(names[label]))
        axes[0].scatter(*Y[which].T, s=max(3, min(30, 6000 / len(Y))), color=colour, label=name, linewidths=0)
    if labels is not None and names is not None and not many:
        axes[0].legend(fontsize=7, markerscale=1.5, loc="best", framealpha=0.7)
    axes[0].set_xticks([])
    axes[0].set_yticks([])
    axes[0].set_aspect("equal", adjustable="datalim")
    if thumbnails is not None:
        axes[1].imshow(thumbnails, interpolation="antialiased")
        axes[1].set_axis_off()
    coloured = f", one colour for each of {len(present)} classes" if many else ", coloured as the legend says"
    coloured = "" if labels is None or names is None else coloured
    where = "Left: each" if panels == 2 else "Each"
    caption = f"{where} image is a point{coloured}; near points are images that the network takes for alike."
    if panels == 2:
        caption += "\nRight: the images themselves, each moved to a free cell of a grid near its point."
    figure.supxlabel(caption, fontsize=9)
    if heading:
        figure.suptitle(heading, fontsize=11)
    return figure


def plot_neurons(
    pictures: Sequence[Images],
    names: Sequence[str],
    activations: Sequence[float],
    *,
    dead: Sequence[bool] | None = None,
    columns: int | None = None,
    heading: str | None = None,
) -> Figure:
    """Images made for neurons by activation maximization, with their activations.

    Parameters
    ----------
    pictures : sequence of N ndarray (H, W, 3) uint8
    names : sequence of str
        Such as "channel 12".
    activations : sequence of float
    dead : sequence of bool, optional
        Of these neurons the title says that no start had a gradient. Of others whose activation is 0 it says that they
        were not woken: their images show what would, or nothing yet.
    columns : int, optional
    heading : str, optional

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = plot_neurons([picture, picture], ["channel 0", "channel 1"], [0.5, 1.5])
    """
    names = titles_for("plot_neurons", pictures, names)
    dead = [False] * len(names) if dead is None else dead
    if not len(activations) == len(dead) == len(names):
        raise ValueError(
            f"plot_neurons: {len(names)} pictures but {len(activations)} activations and {len(dead)} entries of dead"
        )
    titles = [
        f"{name}\nactivation {value:.3g}{': not woken in these steps' if value == 0 else ''}"
        if not gone
        else f"{name}\ndead: no start had a gradient"
        for name, value, gone in zip(names, activations, dead)
    ]
    return plot_images(pictures, titles, columns=columns, heading=heading)


def _of_grey(patches):
    """What to say about grey borders of patches (..., H, W, 3), as `cut_patches` leaves them."""
    edges = (patches[..., 0, :, :], patches[..., -1, :, :], patches[..., :, 0, :], patches[..., :, -1, :])
    grey = any((edge == 128).all(axis=(-1, -2)).any() for edge in edges)
    return " (grey: outside the image)" if grey else ""


def _one_axis(heading, grid, width, caption):
    """A figure with one large picture, tick labels without ticks, and a caption below."""
    height = width * grid.shape[0] / grid.shape[1]
    figure = Figure(figsize=(width, height + (0.8 if heading else 0.4)), dpi=DPI)
    figure.set_layout_engine("constrained")
    axis = figure.subplots()
    axis.imshow(grid, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_frame_on(False)
    axis.tick_params(length=0, pad=2)
    figure.supxlabel(caption, fontsize=7)
    if heading:
        figure.suptitle(heading, fontsize=11)
    return figure, axis


def _colours(share, n):
    """A colour of a wheel of hues; every other one darker."""
    from matplotlib.colors import hsv_to_rgb

    return tuple(hsv_to_rgb((0.92 * share, 0.85, 0.95 if n % 2 else 0.6)))
