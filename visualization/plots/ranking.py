"""Figures of the comparison of methods: one chart a metric, with intervals; and how far the metrics agree."""

import numpy as np

from ..ranking import BASELINES, CANDIDATES, METRICS
from ..ranking_statistics import verdict
from .figure import Figure
from .panels import DPI

FAMILIES = {
    "gradient": ("tab:blue", "the gradient, or a mean over noisy copies"),
    "path": ("tab:cyan", "gradients added up on the way from a baseline"),
    "rule": ("tab:purple", "a backward pass with changed rules"),
    "cam": ("tab:orange", "a weighted sum of a layer's maps"),
    "perturbation": ("tab:green", "scores of changed pictures only"),
    "baseline": ("black", "knows neither picture nor network"),
}
ARROWS = {1: "larger is better", -1: "smaller is better"}
MARKERS = {
    1: ("^", "better than the centred blob, image by image"),
    -1: ("v", "worse than the blob"),
    0: ("o", "not told apart from the blob"),
}
LINES = {"random": "--", "centre": ":"}
Interval = tuple[float, float, float]


def plot_ranking(
    table: dict[str, dict[str, Interval]],
    differences: dict[str, dict[str, Interval]] | None = None,
    *,
    heading: str | None = None,
) -> Figure:
    """A chart for each metric that has a better end: every method's mean with its interval.

    Parameters
    ----------
    table : dict of str to dict of str to (float, float, float)
        {method: {metric: (mean, low, high)}}, as `summarise` gives them.
    differences : dict of str to dict of str to (float, float, float), optional
        The same of the paired differences to the centred blob: they decide which sign a mean gets, as the legend says.
    heading : str, optional

    Returns
    -------
    Figure
        Methods are ordered by insertion, or by the first metric that was measured. Vertical lines are the two maps
        that know nothing, where they are in the table; colours are families of methods.

    Examples
    --------
    >>> figure = plot_ranking({"lrp": {"energy": (0.6, 0.5, 0.7)}, "random": {"energy": (0.5, 0.4, 0.6)}})
    """
    if not table:
        raise ValueError("plot_ranking: no methods")
    columns = [c for c in METRICS if METRICS[c].better and any(np.isfinite(_of(row, c)[0]) for row in table.values())]
    if not columns:
        raise ValueError("plot_ranking: nothing was measured")
    lead = next(c for c in ("insertion", *columns) if c in columns)
    names = sorted(table, key=lambda name: METRICS[lead].better * np.nan_to_num(_of(table[name], lead)[0]))
    width = min(3, len(columns))
    rows = -(-len(columns) // width)
    size = 2.2 + 2.3 * width, rows * (0.75 + 0.2 * len(names)) + 1.9
    figure = Figure(figsize=size, dpi=DPI)
    figure.set_layout_engine("constrained")
    axes = figure.subplots(rows, width, squeeze=False, sharey=True)
    for axis in axes.flat[len(columns) :]:
        axis.set_axis_off()
    for axis, column in zip(axes.flat, columns):
        _chart(axis, column, names, table, differences or {})
    figure.legend(
        handles=_handles(names, bool(differences)), loc="outside lower center", fontsize=9, frameon=False, ncols=2
    )
    order = f"mean and 95 % interval over images; rows in the order of {METRICS[lead].title}, the best at the top"
    figure.suptitle(f"{heading}\n{order}" if heading else order, fontsize=11)
    return figure


def _of(row, column):
    return row.get(column, (np.nan,) * 3)


def _chart(axis, column, names, table, differences):
    """One metric: a line from low to high for each method, and a sign at the mean."""
    for place, name in enumerate(names):
        mean, low, high = _of(table[name], column)
        colour = FAMILIES[CANDIDATES[name].family][0]
        difference = _of(differences.get(name, {}), column)
        compared = np.isfinite(difference[0]) and not METRICS[column].fixed
        marker = MARKERS[verdict(column, difference)][0] if compared else "." if differences else "o"
        filled = "white" if compared and marker == "o" else colour
        axis.plot([low, high], [place, place], color=colour, lw=1.5, zorder=2)
        axis.plot(mean, place, marker, color=colour, ms=5.5, mfc=filled, zorder=3)
        if name in BASELINES and np.isfinite(mean):
            axis.axvline(mean, color="black", lw=0.9, ls=LINES[name], zorder=1)
    axis.set_title(f"{METRICS[column].title}\n({ARROWS[METRICS[column].better]})", fontsize=10)
    axis.set_yticks(range(len(names)), [CANDIDATES[name].title for name in names], fontsize=9)
    axis.set_ylim(-0.7, len(names) - 0.3)
    axis.locator_params(axis="x", nbins=5)
    axis.tick_params(axis="x", labelsize=8)
    axis.grid(alpha=0.3, axis="both")


def _handles(names, compared):
    """What colours, lines and signs mean, of those that are there."""
    from matplotlib.lines import Line2D

    families = list(dict.fromkeys(CANDIDATES[name].family for name in names))
    handles = [
        Line2D([], [], color=colour, lw=3, label=f"{family}: {words}")
        for family, (colour, words) in FAMILIES.items()
        if family in families
    ]
    handles += [
        Line2D([], [], color="black", lw=0.9, ls=LINES[name], label=CANDIDATES[name].title)
        for name in BASELINES
        if name in names
    ]
    if compared:
        handles += [
            Line2D([], [], color="grey", ls="", marker=marker, mfc="white" if marker == "o" else "grey", label=words)
            for marker, words in MARKERS.values()
        ]
        handles.append(Line2D([], [], color="grey", ls="", marker=".", label="not compared with the blob"))
    return handles


def plot_agreement(pairs: dict[tuple[str, str], Interval], *, heading: str | None = None) -> Figure:
    """How far the metrics order the methods alike, as a square of rank correlations with their intervals.

    Parameters
    ----------
    pairs : dict of (str, str) to (float, float, float)
        As `agreement` gives them, of at least two metrics.
    heading : str, optional

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = plot_agreement({("insertion", "deletion"): (0.9, 0.8, 0.95)})
    """
    columns = list(dict.fromkeys(column for pair in pairs for column in pair))
    if not columns:
        raise ValueError("plot_agreement: fewer than two metrics were measured for all methods")
    square, texts = np.eye(len(columns)), {}
    for (a, b), (value, low, high) in pairs.items():
        for i, j in ((columns.index(a), columns.index(b)), (columns.index(b), columns.index(a))):
            first, *rest = (f"{round(number, 2) + 0.0:.2f}" for number in (value, low, high))  # 0.0: never -0.00
            square[i, j], texts[i, j] = value, f"{first}\n{' to '.join(rest)}"
    side = 1.5 + 0.85 * len(columns)
    figure = Figure(figsize=(side, side + 0.3), dpi=DPI)
    figure.set_layout_engine("constrained")
    axis = figure.subplots()
    drawn = axis.imshow(square, cmap="RdBu_r", vmin=-1, vmax=1)
    for (i, j), text in texts.items():
        colour = "w" if abs(square[i, j]) > 0.6 else "k"
        axis.text(j, i, text, ha="center", va="center", fontsize=8, color=colour, linespacing=1.4)
    titles = [METRICS[column].title for column in columns]
    axis.set_xticks(range(len(columns)), titles, rotation=35, ha="right", fontsize=10)
    axis.set_yticks(range(len(columns)), titles, fontsize=10)
    bar = figure.colorbar(drawn, ax=axis, orientation="horizontal", fraction=0.03, aspect=40)
    bar.set_label("rank correlation over methods, and its 95 % interval over images", fontsize=9)
    if heading:
        figure.suptitle(heading, fontsize=11)
    return figure
