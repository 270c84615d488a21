"""The figure of concept tests: how a class's score reacts to each concept, and what chance would give."""

import numpy as np

from ..concepts import ConceptTest
from .figure import Figure, printable
from .panels import DPI


def plot_concepts(tests: dict[str, ConceptTest], *, heading: str | None = None) -> Figure:
    """For each concept the scores of all runs and their mean, beside those of vectors between random images.

    Parameters
    ----------
    tests : dict of str to ConceptTest
        By the concept's name.
    heading : str, optional

    Returns
    -------
    Figure

    Examples
    --------
    >>> sets = np.random.default_rng(0).integers(0, 255, (30, 3, 64, 64), dtype=np.uint8)
    >>> figure = plot_concepts({"noise": concept_test(X, y, model, sets[:8], sets[8:], runs=2)})
    """
    if not tests:
        raise ValueError("plot_concepts: no concepts")
    figure = Figure(figsize=(2 + 1.5 * len(tests), 3.4), dpi=DPI)
    figure.set_layout_engine("constrained")
    axis = figure.subplots()
    for side, values, colour, label in (
        (-0.2, [test.scores for test in tests.values()], "tab:blue", "concept"),
        (0.2, [test.control for test in tests.values()], "tab:gray", "random images"),
    ):
        places = np.arange(len(tests)) + side
        axis.bar(places, [runs.mean() for runs in values], 0.36, color=colour, alpha=0.5, label=label)
        for place, runs in zip(places, values):
            axis.plot(place + np.linspace(-0.12, 0.12, len(runs)), runs, "o", color=colour, ms=2.5)
    names = [
        f"{printable(name)}\np = {test.p_value:.2g}\nclassifiers {test.accuracy.mean():.0%} right"
        for name, test in tests.items()
    ]
    axis.set_xticks(range(len(tests)), names, fontsize=8)
    axis.set_xlim(-0.6, len(tests) - 0.4)
    axis.set_ylim(-0.05, 1.25)  # room for the legend
    axis.set_yticks(np.linspace(0, 1, 6))
    axis.set_ylabel("images whose score rises", fontsize=8)
    axis.tick_params(axis="y", labelsize=8)
    axis.grid(alpha=0.3, axis="y")
    axis.legend(fontsize=8, loc="upper center", ncols=2)
    if heading:
        figure.suptitle(printable(heading), fontsize=10)
    return figure
