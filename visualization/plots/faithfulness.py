"""Figures of how faithful maps are: insertion and deletion, and the sanity check. In all else as in `maps`."""

from matplotlib import colormaps

from ..faithfulness import InsertionDeletion, SanityCheck
from .figure import Figure
from .panels import legend_label, tile_axes

# What people call the methods, and the colours they have in all charts.
METHOD_NAMES = {
    "saliency": "saliency",
    "smoothgrad": "SmoothGrad",
    "gradient_x_input": "gradient x input",
    "integrated_gradients": "integrated gradients",
    "guided": "guided backpropagation",
    "deconvnet": "deconvnet",
    "grad_cam": "Grad-CAM",
    "guided_grad_cam": "guided Grad-CAM",
}
RANDOM_ORDER = "random order"
COLOURS = dict(zip(METHOD_NAMES.values(), [colormaps["tab10"](k) for k in range(10)])) | {RANDOM_ORDER: "black"}
READING = (
    "Deletion takes the pixels away that a map ranks highest, insertion brings them into a blurred picture: the better "
    "the map, the sooner the class vanishes\non the left and appears on the right. The dashed curves are what a map "
    "reaches that says nothing."
)
SANITY_READING = (
    "A map of what the network has learnt loses its likeness as layers are randomised;\n"
    "one that stays near 1 hardly depends on what the network has learnt."
)


def plot_insertion_deletion(
    results: dict[str, InsertionDeletion], *, ylabel: str = "probability of the class", heading: str | None = None
) -> Figure:
    """The curves of several methods, deletion on the left and insertion on the right.

    Parameters
    ----------
    results : dict of str to InsertionDeletion
        By the methods' names. Of several images the mean is drawn.
    ylabel, heading : str, optional

    Returns
    -------
    Figure
        The areas under the curves stand in the legends, best first; below, how to read them. A method has the same
        colour here and in `plot_sanity`.

    Examples
    --------
    >>> maps = compute_saliency_maps(X, y, model)
    >>> figure = plot_insertion_deletion({"saliency": insertion_deletion(maps, X, y, model, steps=4)})
    """
    if not results:
        raise ValueError("plot_insertion_deletion: no results")
    figure, axes = _charts(2, heading)
    colours = _colours(results)
    for axis, what, better in zip(axes, ("deletion", "insertion"), ("smaller is better", "larger is better")):
        areas = {name: float(getattr(result, f"{what}_auc").mean()) for name, result in results.items()}
        for name in sorted(areas, key=lambda name: areas[name], reverse=what == "insertion"):
            result = results[name]
            curve = getattr(result, what).mean(axis=0)
            style = {"color": colours[name], "ls": "--" if name == RANDOM_ORDER else "-", "lw": 1.5}
            axis.plot(100 * result.fraction, curve, label=f"{areas[name]:.3f}  {name}", **style)
        axis.set_title(f"{what}: area under the curve, {better}", fontsize=10)
        axis.set_xlabel("% of the pixels " + ("taken away" if what == "deletion" else "brought in"))
        axis.set_ylabel(ylabel)
        axis.grid(alpha=0.3)
        _legend(axis)
    figure.supxlabel(READING, fontsize=9)
    return figure


def plot_sanity(results: dict[str, SanityCheck], *, heading: str | None = None) -> Figure:
    """Rank correlation with the original map, while layers are randomised from the last one down.

    Parameters
    ----------
    results : dict of str to SanityCheck
        By the methods' names. Of several images the mean is drawn.
    heading : str, optional

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = plot_sanity({"saliency": sanity_check(X, y, model, "saliency")})
    """
    if not results:
        raise ValueError("plot_sanity: no results")
    figure, (axis,) = _charts(1, heading)
    colours = _colours(results)
    for name, result in results.items():
        axis.plot(
            range(len(result.layers) + 1),
            [1, *result.correlation.mean(axis=1)],
            marker=".",
            color=colours[name],
            label=legend_label(name),
            lw=1.5,
        )
    axis.set_xticks(range(len(result.layers) + 1), ["none", *result.layers], rotation=30, ha="right")
    axis.set_xlabel("randomised down to this layer")
    axis.set_ylabel("rank correlation with the original map")
    axis.axhline(0, color="black", lw=0.8)
    axis.grid(alpha=0.3)
    _legend(axis)
    figure.supxlabel(SANITY_READING, fontsize=9)
    return figure


# -- what they share --------------------------------------------------------------------------------------------------


def _charts(count, heading):
    figure, axes = tile_axes(1, count, heading, 0.55, 6.8)
    for axis in axes.flat:
        axis.set_axis_on()
    return figure, list(axes.flat)


def _legend(axis):
    """Beside the curves, never over them."""
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)


def _colours(names):
    """A colour for each name: that of the method, or one that no method has."""
    others = iter(colormaps["Dark2"].colors * len(names))
    return {name: COLOURS.get(name) or next(others) for name in names}
