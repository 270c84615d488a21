"""The figure of the comparison of methods: one chart a metric, with intervals; and how far the metrics agree."""

import numpy as np

from ..ranking import BASELINES, CANDIDATES, METRICS, agreement
from .figure import Figure
from .panels import DPI

FAMILIES = {
    "gradient": "tab:blue",
    "path": "tab:cyan",
    "rule": "tab:purple",
    "cam": "tab:orange",
    "perturbation": "tab:green",
    "baseline": "black",
}
ARROWS = {1: "larger is better", -1: "smaller is better", 0: "neither is better"}


def plot_ranking(table: dict[str, dict[str, tuple[float, float, float]]], *, heading: str | None = None) -> Figure:
    """A chart for each metric: every method's mean with its interval, ordered by the first metric that was measured.

    Parameters
    ----------
    table : dict of str to dict of str to (float, float, float)
        {method: {metric: (mean, low, high)}}, as `summarise` gives them.
    heading : str, optional

    Returns
    -------
    Figure
        The dashed lines are the two maps that know nothing, where they are in the table; colours are families of
        methods.

    Examples
    --------
    >>> figure = plot_ranking({"lrp": {"energy": (0.6, 0.5, 0.7)}, "random": {"energy": (0.5, 0.4, 0.6)}})
    """
    if not table:
        raise ValueError("plot_ranking: no methods")
    columns = [c for c in METRICS if any(np.isfinite(row.get(c, (np.nan,))[0]) for row in table.values())]
    if not columns:
        raise ValueError("plot_ranking: nothing was measured")
    lead = next(c for c in ("insertion", *columns) if c in columns)
    names = sorted(table, key=lambda name: np.nan_to_num(table[name].get(lead, (np.nan,))[0]))
    rows = -(-len(columns) // 4)
    width = min(4, len(columns))
    figure = Figure(figsize=(2.2 + 2.6 * width, rows * (0.9 + 0.19 * len(names)) + (0.4 if heading else 0)), dpi=DPI)
    figure.set_layout_engine("constrained")
    axes = figure.subplots(rows, width, squeeze=False, sharey=True)
    for axis in axes.flat[len(columns) :]:
        axis.set_axis_off()
    families = list(dict.fromkeys(CANDIDATES[name].family for name in names))
    for axis in axes.flat[len(columns) : len(columns) + 1]:  # a cell that is left over says what the colours mean
        for family in families:
            axis.plot([], [], "o-", color=FAMILIES[family], label=family)
        axis.legend(loc="center", fontsize=8, frameon=False)
    for axis, column in zip(axes.flat, columns):
        for place, name in enumerate(names):
            mean, low, high = table[name].get(column, (np.nan,) * 3)
            colour = FAMILIES[CANDIDATES[name].family]
            axis.plot([low, high], [place, place], color=colour, lw=1.5)
            axis.plot(mean, place, "o", color=colour, ms=4)
            if name in BASELINES and np.isfinite(mean):
                axis.axvline(mean, color="black", lw=0.8, ls="--" if name == "random" else ":")
        axis.set_title(f"{METRICS[column].title}\n({ARROWS[METRICS[column].better]})", fontsize=8)
        axis.set_yticks(range(len(names)), [CANDIDATES[name].title for name in names], fontsize=7)
        axis.tick_params(axis="x", labelsize=7)
        axis.grid(alpha=0.3, axis="x")
        if column == "seconds":
            axis.set_xscale("log")
    if heading:
        figure.suptitle(heading, fontsize=11)
    return figure


def plot_agreement(means: dict[str, dict[str, float]], *, heading: str | None = None) -> Figure:
    """How far the metrics order the methods alike, as a square of rank correlations.

    Parameters
    ----------
    means : dict of str to dict of str to float
        {method: {metric: mean over images}}, at least two methods and two metrics.
    heading : str, optional

    Returns
    -------
    Figure

    Examples
    --------
    >>> rows = {"a": {"insertion": 0.5, "deletion": 0.1}, "b": {"insertion": 0.4, "deletion": 0.2}}
    >>> figure = plot_agreement(rows)
    """
    pairs = agreement(means)
    columns = list(dict.fromkeys(column for pair in pairs for column in pair))
    if not columns:
        raise ValueError("plot_agreement: fewer than two metrics were measured for all methods")
    square = np.eye(len(columns))
    for (a, b), value in pairs.items():
        i, j = columns.index(a), columns.index(b)
        square[i, j] = square[j, i] = value
    side = 1.8 + 0.62 * len(columns)
    figure = Figure(figsize=(side + 0.8, side + (0.4 if heading else 0)), dpi=DPI)
    figure.set_layout_engine("constrained")
    axis = figure.subplots()
    drawn = axis.imshow(square, cmap="RdBu_r", vmin=-1, vmax=1)
    for (i, j), value in np.ndenumerate(square):
        axis.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color="w" if abs(value) > 0.6 else "k")
    titles = [METRICS[column].title for column in columns]
    axis.set_xticks(range(len(columns)), titles, rotation=40, ha="right", fontsize=8)
    axis.set_yticks(range(len(columns)), titles, fontsize=8)
    figure.colorbar(drawn, ax=axis, fraction=0.046, label="rank correlation over methods")
    if heading:
        figure.suptitle(heading, fontsize=11)
    return figure
