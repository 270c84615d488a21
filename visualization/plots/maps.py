"""Figures of maps: occlusion, attribution, class activation, segmentation.

As in `pictures`: pictures are uint8 (H, W, 3), every function gives back a matplotlib Figure and neither shows nor
saves it. Maps are drawn with a colour bar. What has a sign is red where it speaks for the class and blue where against
it, with white at zero and the same range on both sides.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from ..._typing import Array, Images
from ...layers.checks import check_choice
from ..occlusion import Occlusion
from ..segmentation import Segmentation
from .figure import Figure
from .panels import aspect_of, check_pictures, lit, show, tile_axes, titles_for

SIGNED, UNSIGNED = "RdBu_r", "inferno"
UNMEASURED = "#8c8c8c"  # a grey that neither has
LEGEND = (
    "dark to bright:\nhow much a pixel counts\n\nred: for the class\nwhite: does not count\nblue: against the class"
)
OVERLAYS = ("heat", "lit")


def plot_maps(
    images: Images,
    maps: Array,
    titles: Sequence[str] | None = None,
    *,
    signed: bool | None = None,
    overlay: str = "heat",
    label: str = "",
    percentile: float = 99.5,
    heading: str | None = None,
) -> Figure:
    """For each picture a row: the picture, its map, and both together.

    Parameters
    ----------
    images : ndarray (N, H, W, 3) uint8
    maps : ndarray (N, H, W)
    titles : sequence of str, optional
        One a picture, such as "goldfish, p = 0.93".
    signed : bool, optional
        Colours on both sides of zero; by default where a map has negative values.
    overlay : {"heat", "lit"}
        The map's colours over the picture in grey, or the picture bright where the map is large (in magnitude).
    label : str
        What the map is, above it.
    percentile : float
        Of the map's magnitudes, at which the colours end, so that single pixels do not leave the rest in the dark.
    heading : str, optional

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = plot_maps(picture[None], grad_cam(X, y, model), label="Grad-CAM")
    """
    op = "plot_maps"
    maps = _maps_for(op, images, maps)
    check_choice(op, "overlay", overlay, OVERLAYS)
    titles = titles_for(op, images, titles)
    signed = bool((maps < 0).any()) if signed is None else signed
    figure, axes = tile_axes(len(images), 3, heading, aspect_of(images))
    for row, image, map_, title in zip(axes, images, maps, titles):
        show(row[0], image, title)
        drawn = _draw_map(figure, row[1], map_, signed, percentile, label)
        if overlay == "heat":
            show(row[2], _heat(image, map_, drawn), "the map over the picture")
        else:
            show(row[2], _lit(image, map_, drawn), "the picture, lit by the map")
    return figure


def plot_methods(
    image: Images,
    maps: dict[str, Array],
    *,
    title: str = "",
    signed: bool | None = None,
    columns: int = 5,
    percentile: float = 99.5,
    heading: str | None = None,
) -> Figure:
    """A picture, and beside it the maps of several methods.

    Parameters
    ----------
    image : ndarray (H, W, 3) uint8
    maps : dict of str to ndarray (H, W)
        By the names that go above them.
    title : str
        Of the picture.
    signed : bool, optional
        Of all maps; by default of each that has negative values.
    columns : int
    percentile : float
        As in `plot_maps`.
    heading : str, optional

    Returns
    -------
    Figure
        A cell that is left over says what the colours mean.

    Examples
    --------
    >>> figure = plot_methods(picture, {"saliency": compute_saliency_maps(X, y, model)[0]})
    """
    columns = min(columns, 1 + len(maps))
    figure, axes = tile_axes(
        -(-(1 + len(maps)) // columns), columns, heading, 0.85 * aspect_of([image])
    )  # bars take width
    show(axes.flat[0], image, title)
    for axis, (name, map_) in zip(axes.flat[1:], maps.items()):
        (map_,) = _maps_for("plot_methods", [image], [map_])
        _draw_map(figure, axis, map_, bool((map_ < 0).any()) if signed is None else signed, percentile, name)
    for axis in axes.flat[1 + len(maps) : 2 + len(maps)]:
        axis.text(0.5, 0.5, LEGEND, ha="center", va="center", fontsize=8, transform=axis.transAxes)
    return figure


def plot_gradient_pictures(
    images: Images,
    gradients: Sequence[Any],
    titles: Sequence[str] | None = None,
    *,
    labels: Sequence[Any] | None = None,
    percentile: float = 99.5,
    heading: str | None = None,
) -> Figure:
    """Gradients in colour, as guided backpropagation and the deconvnet are usually shown.

    Parameters
    ----------
    images : ndarray (N, H, W, 3) uint8
    gradients : sequence of M ndarrays (N, 3, H, W)
        One for each rule or method.
    titles : sequence of N str, optional
        Of the pictures.
    labels : sequence of M str, optional
        Of the methods.
    percentile : float
        Of the magnitudes, that becomes black or white. Middle grey is zero, in each picture for itself.
    heading : str, optional

    Returns
    -------
    Figure
        A row for each picture: the picture, and a column for each method.

    Examples
    --------
    >>> figure = plot_gradient_pictures(picture[None], [guided_backprop(X, y, model)], labels=["guided"])
    """
    op = "plot_gradient_pictures"
    titles = titles_for(op, images, titles)
    labels = titles_for(op, gradients, labels)
    for dX in gradients:
        if np.ndim(dX) != 4 or len(dX) != len(images):
            raise ValueError(f"{op}: expected gradients ({len(images)}, 3, H, W), got the shape {np.shape(dX)}")
    figure, axes = tile_axes(len(images), 1 + len(gradients), heading, aspect_of(images))
    for n, (row, image, title) in enumerate(zip(axes, images, titles)):
        show(row[0], image, title)
        for axis, dX, label in zip(row[1:], gradients, labels):
            show(axis, gradient_picture(dX[n], percentile=percentile), label)
    return figure


def gradient_picture(dX, *, percentile=99.5):
    """A gradient (3, H, W) as a uint8 picture (H, W, 3): zero is middle grey, a percentile of it black or white."""
    top = np.percentile(abs(dX), percentile) or abs(dX).max() or 1.0
    return np.clip(np.rint(127.5 + 127.5 * dX / top), 0, 255).astype(np.uint8).transpose(1, 2, 0)


def plot_occlusion(
    images: Images,
    occlusion: Occlusion,
    titles: Sequence[str] | None = None,
    *,
    window: int,
    label: str = "drop of the score",
    heading: str | None = None,
) -> Figure:
    """Occlusion maps: the picture with one window drawn in, the coarse grid, the map, and the map over the picture.

    Parameters
    ----------
    images : ndarray (N, H, W, 3) uint8
    occlusion : Occlusion
        From `occlusion_maps`; if it is not finished, what has not been measured is grey, and the titles say so.
    titles : sequence of str, optional
        One a picture.
    window : int
        Side of the window, in pixels; it is drawn where hiding it costs most.
    label : str
        What drops.
    heading : str, optional

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = plot_occlusion(picture[None], occlusion_maps(X, y, model, window=32, stride=32), window=32)
    """
    maps = _maps_for("plot_occlusion", images, occlusion.maps, unfinished=True)
    titles = titles_for("plot_occlusion", images, titles)
    figure, axes = tile_axes(len(images), 4, heading, aspect_of(images))
    for row, image, grid, map_, title in zip(axes, images, occlusion.grid, maps, titles):
        show(row[0], image, title)
        if np.isfinite(grid).any():
            i, j = np.unravel_index(np.nanargmax(grid), grid.shape)
            _rectangle(row[0], occlusion.tops[i], occlusion.lefts[j], window, window)
        note = "" if np.isfinite(grid).all() else "\ngrey: not measured"
        _draw_map(figure, row[1], grid, True, 100, f"{label}, by window{note}")
        drawn = _draw_map(figure, row[2], map_, True, 100, f"{label}, mean by pixel{note}")
        show(row[3], _heat(image, map_, drawn), "the map over the picture")
    return figure


def plot_segmentation(
    images: Images,
    maps: Array,
    segmentations: Sequence[Segmentation],
    titles: Sequence[str] | None = None,
    *,
    heading: str | None = None,
) -> Figure:
    """For each picture a row: the picture with the box, the map, the mask, and the object cut out.

    Parameters
    ----------
    images : ndarray (N, H, W, 3) uint8
    maps : ndarray (N, H, W)
    segmentations : sequence of N Segmentation
        From `segment_object`.
    titles : sequence of str, optional
        One a picture.
    heading : str, optional

    Returns
    -------
    Figure

    Examples
    --------
    >>> maps = compute_saliency_maps(X, y, model)
    >>> figure = plot_segmentation(picture[None], maps, [segment_object(picture, maps[0])])
    """
    maps = _maps_for("plot_segmentation", images, maps)
    titles = titles_for("plot_segmentation", images, titles)
    figure, axes = tile_axes(len(images), 4, heading, aspect_of(images))
    for row, image, map_, found, title in zip(axes, images, maps, segmentations, titles):
        show(row[0], image, title)
        box = found.box
        if box is not None:
            _rectangle(row[0], box.top, box.left, box.bottom - box.top, box.right - box.left)
        _draw_map(figure, row[1], map_, bool((map_ < 0).any()), 99.5, "map")
        show(row[2], found.mask.astype(np.uint8) * 255, f"mask, {found.mask.mean():.0%} of the picture")
        show(row[3], found.cutout, "cut out")
    return figure


def _maps_for(op, images, maps, unfinished=False):
    """The maps as an array (N, H, W), one of each picture's size; only unfinished ones may hold NaN."""
    if len(images) != len(maps):
        raise ValueError(f"{op}: {len(images)} images but {len(maps)} maps")
    check_pictures(op, images, "maps, ...")
    for image, map_ in zip(images, maps):
        if np.shape(map_) != np.shape(image)[:2]:
            raise ValueError(f"{op}: a map of the shape {np.shape(map_)} for a picture of {np.shape(image)[:2]}")
        if not (np.isfinite(map_) | (unfinished & np.isnan(map_))).all():
            raise ValueError(f"{op}: a map holds NaN or infinity; what was it made from?")
    return np.asarray(maps)


def _draw_map(figure, axis, map_, signed, percentile, label):
    """A map with its colour bar; the range is symmetric where it has a sign. An empty map is drawn as zeros."""
    known = map_[np.isfinite(map_)] if np.isfinite(map_).any() else np.zeros(1)
    top = np.percentile(abs(known), percentile) or abs(known).max() or 1.0
    beyond = ("min" if signed and known.min() < -top else "") + ("max" if known.max() > top else "")
    drawn = axis.imshow(
        map_,
        cmap=colormaps[SIGNED if signed else UNSIGNED].with_extremes(bad=UNMEASURED),
        norm=Normalize(-top if signed else 0, top),
        interpolation="nearest" if max(map_.shape) <= 128 else None,
    )
    bar = figure.colorbar(
        drawn, ax=axis, fraction=0.046, pad=0.03, extend={"minmax": "both", "": "neither"}.get(beyond, beyond)
    )
    bar.ax.tick_params(labelsize=7)
    bar.formatter.set_powerlimits((-2, 3))
    bar.ax.yaxis.get_offset_text().set_fontsize(7)
    axis.set_title(label, fontsize=9)
    return drawn


def _heat(image, map_, drawn):
    """The map's colours over the picture in grey: the further from zero, the less of the picture is seen."""
    grey = np.repeat(np.asarray(image, dtype=np.float64).mean(axis=2, keepdims=True), 3, axis=2)
    colours = 255 * drawn.to_rgba(map_)[..., :3]
    strength = 0.25 + 0.55 * _share(map_, drawn)[..., None]
    return np.rint((1 - strength) * grey + strength * colours).astype(np.uint8)


def _lit(image, map_, drawn):
    """The picture, dark where the map is near zero."""
    return lit(image, np.sqrt(_share(map_, drawn)))


def _share(map_, drawn):
    """How far from zero, of the range of the colours, 0 to 1."""
    return np.clip(np.nan_to_num(abs(map_)) / drawn.norm.vmax, 0, 1)


def _rectangle(axis, top, left, height, width):
    """A frame around pixels; black under yellow, to be seen on any picture."""
    for colour, line in (("black", 2.6), ("#ffd000", 1.3)):
        axis.add_patch(
            Rectangle((left - 0.5, top - 0.5), width, height, fill=False, edgecolor=colour, lw=line, clip_on=False)
        )
