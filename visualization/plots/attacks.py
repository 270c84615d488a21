"""Figures of attacks: what changed, by how much, and how the network's answer followed."""

from typing import Any

import numpy as np

from ..._typing import Array, Images
from .figure import Figure, printable
from .panels import DPI, TILE, around_grey, legend_label, magnification, show


def plot_attack(
    original: Images,
    attacked: Images,
    trace: dict[str, Any],
    titles: tuple[str, str],
    *,
    magnify: float | None = None,
    heading: str | None = None,
    xlabel: str = "step",
    ylabel: str = "probability",
) -> Figure:
    """Photograph, attacked picture, magnified difference, and the trace, in one row.

    Parameters
    ----------
    original, attacked : ndarray (H, W, 3) uint8
    trace : dict of str to (x, y)
        Curves by label, such as the probability after each step.
    titles : pair of str
        For the two pictures: class and probability.
    magnify : float, optional
        Of the difference; grey stands for no change. By default the largest factor up to 10 that clips at most a
        twentieth of the values.
    heading, xlabel, ylabel : str

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = plot_attack(picture, picture, {"target": ([0, 1, 2], [0.1, 0.5, 0.9])}, ["original", "attacked"])
    """
    if np.shape(original) != np.shape(attacked):
        raise ValueError(f"plot_attack: the pictures have shapes {np.shape(original)} and {np.shape(attacked)}")
    figure = Figure(figsize=(5 * TILE, TILE + 0.9), dpi=DPI)
    figure.set_layout_engine("constrained", h_pad=0.15, w_pad=0.05)
    *tiles, curve = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.5))
    change = attacked.astype(np.float64) - original
    magnify = magnification(change) if magnify is None else magnify
    rms, largest = np.sqrt((change**2).mean()), np.abs(change).max()
    difference = f"difference x {magnify:g}\ngrey levels: RMS {rms:.1f}, max {largest:.0f}"
    for axis, image, title in zip(tiles, (original, attacked, around_grey(magnify * change)), (*titles, difference)):
        show(axis, image, title)
        axis.set_axis_off()
    for label, (x, y) in trace.items():
        curve.plot(x, y, marker=".", label=legend_label(label))
    curve.set_xlabel(xlabel, fontsize=8)
    curve.set_ylabel(ylabel, fontsize=8)
    curve.tick_params(labelsize=8)
    curve.grid(alpha=0.3)
    curve.legend(fontsize=8)
    if heading:
        figure.suptitle(heading, fontsize=11)
    return figure


def plot_transfer(matrix: Array, names: list[str], *, heading: str | None = None) -> Figure:
    """Which part of the images made for one network (row) fools another (column).

    Parameters
    ----------
    matrix : ndarray (A, A)
        From `transfer_matrix`.
    names : list of str
    heading : str, optional

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = plot_transfer(np.eye(2), ["standard", "robust"])
    """
    names = [printable(name) for name in names]
    figure = Figure(figsize=(2.2 + 1.1 * len(names), 1.6 + 0.8 * len(names)), dpi=DPI)
    figure.set_layout_engine("constrained")
    axis = figure.subplots()
    drawn = axis.imshow(matrix, cmap="viridis", vmin=0, vmax=1)
    for (a, b), value in np.ndenumerate(matrix):
        text = "none" if np.isnan(value) else f"{value:.0%}"
        axis.text(b, a, text, ha="center", va="center", color="white" if not value > 0.6 else "black", fontsize=10)
    axis.set_xticks(range(len(names)), names, rotation=30, ha="right", fontsize=9)
    axis.set_yticks(range(len(names)), names, fontsize=9)
    axis.set_xlabel("shown to")
    axis.set_ylabel("made for")
    figure.colorbar(drawn, ax=axis, fraction=0.046, label="part that fools")
    if heading:
        figure.suptitle(heading, fontsize=11)
    return figure
