"""Which map is right? Every method by every metric, over many images.

`measure_maps` measures one method on some images, `summarise` makes means with bootstrap intervals of the numbers of
all images, and `agreement` says how far the metrics order the methods alike. Two maps that know nothing are measured
with the others: noise, and a blob in the middle of the picture.
"""

import time
from dataclasses import dataclass

import numpy as np

from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..layers.checks import check_choice
from .checks import check_images, check_labels, check_model, check_whole
from .faithfulness import insertion_deletion, rank_correlation
from .map_metrics import centred_blob, complexity, energy_inside, pointing_game, sparseness
from .map_tests import infidelity, max_sensitivity, road, smooth_sanity_check
from .methods import METHODS, Method


@dataclass(frozen=True)
class Metric:
    """A column of the comparison."""

    title: str
    better: int  # 1: larger is better, -1: smaller is better, 0: neither, it says what a map is like
    few: bool = False  # measured on the first images only: it needs many maps for each


METRICS = {
    "pointing": Metric("pointing game", 1),
    "energy": Metric("energy in box", 1),
    "insertion": Metric("insertion", 1),
    "deletion": Metric("deletion", -1),
    "road": Metric("ROAD", 1),
    "infidelity": Metric("infidelity", -1, few=True),
    "max_sensitivity": Metric("max-sensitivity", -1, few=True),
    "randomised": Metric("sMPRT", -1, few=True),
    "sparseness": Metric("sparseness", 0),
    "complexity": Metric("complexity", 0),
    "seconds": Metric("s a map", 0),
}


def _noise(X, y, model, rng=None):
    """The same noise for all images: it depends neither on them nor on the network."""
    noise = np.random.default_rng(0 if rng is None else rng).random(X.shape[2:])
    return np.broadcast_to(noise, (len(X), *X.shape[2:]))


def _blob(X, y, model, rng=None):
    return np.broadcast_to(centred_blob(X.shape[2:]), (len(X), *X.shape[2:]))


BASELINES = {
    "random": Method("chance: noise", "baseline", _noise),
    "centre": Method("centred blob", "baseline", _blob),
}
CANDIDATES = METHODS | BASELINES


def measure_maps(
    name: str,
    X: Array,
    y: IntArray | int,
    boxes: IntArray,
    model: Network,
    *,
    few: int | None = None,
    steps: int = 8,
    fractions: tuple[float, ...] = (0.2, 0.5),
    rng: int | None = None,
) -> "dict[str, Array]":
    """All metrics of one method on some images.

    Parameters
    ----------
    name : str
        In `CANDIDATES`: a name in `METHODS`, "random" or "centre".
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    boxes : ndarray (N, 4) of int
        As in `pointing_game`.
    model : Network
    few : int, optional
        How many images, the first ones, get the metrics that need many maps: infidelity, max-sensitivity and sMPRT.
        All by default.
    steps : int
        Of insertion and deletion.
    fractions : sequence of float
        Of ROAD.
    rng : int, optional
        A seed; 0 by default.

    Returns
    -------
    dict of str to ndarray (N,)
        By the names in `METRICS`; NaN where a metric was left out.

    Examples
    --------
    >>> measured = measure_maps("grad_cam", X, y, np.array([[8, 8, 56, 56]]), model, few=0, steps=2)
    >>> bool(0 <= measured["energy"][0] <= 1), bool(np.isnan(measured["infidelity"][0]))
    (True, True)
    """
    op = "measure_maps"
    check_model(op, model, X=X, y=y, boxes=boxes, name=name)
    check_images(op, X, model)
    check_choice(op, "name", name, CANDIDATES)
    few = len(X) if few is None else min(few, len(X))
    check_whole(op, 0, few=few)
    y = check_labels(op, y, len(X), model)
    seed = 0 if rng is None else rng

    def method(X, y, model):
        return CANDIDATES[name].maps(X, y, model, rng=seed)

    started = time.perf_counter()
    maps = method(X, y, model)
    seconds = (time.perf_counter() - started) / len(X)
    curves = insertion_deletion(maps, X, y, model, steps=steps, rng=seed)
    measured = {
        "pointing": pointing_game(maps, boxes),
        "energy": energy_inside(maps, boxes),
        "insertion": curves.insertion_auc,
        "deletion": curves.deletion_auc,
        "road": road(maps, X, y, model, fractions=fractions, rng=seed).score,
        **{column: np.full(len(X), np.nan) for column, metric in METRICS.items() if metric.few},
        "sparseness": sparseness(maps),
        "complexity": complexity(maps),
        "seconds": np.full(len(X), seconds),
    }
    if few:
        some = X[:few], y[:few], model
        measured["infidelity"][:few] = infidelity(maps[:few], *some, samples=32, rng=seed)
        measured["max_sensitivity"][:few] = max_sensitivity(*some, method, samples=2, rng=seed)
        check = smooth_sanity_check(*some, method, samples=2, stages="all", absolute=True, rng=seed)
        measured["randomised"][:few] = check.correlation[0]
    return measured


def summarise(values: Array, *, resamples: int = 2000, rng: int | np.random.Generator | None = None) -> tuple:
    """The mean over images, and a 95 % interval for it by the bootstrap (B. Efron, 1979; percentiles).

    Parameters
    ----------
    values : ndarray (N,)
        NaN counts as not measured.
    resamples : int
        How often N images are drawn from the N with replacement.
    rng : int or numpy.random.Generator, optional
        Draws them; a fixed seed by default.

    Returns
    -------
    mean, low, high : float
        NaN if nothing was measured.

    Examples
    --------
    >>> summarise(np.array([2.0, 2.0, 2.0]))
    (2.0, 2.0, 2.0)
    """
    check_whole("summarise", 1, resamples=resamples)
    values = np.asarray(values, dtype=np.float64)
    values = values[~np.isnan(values)]
    if not len(values):
        return (float("nan"),) * 3
    rng = np.random.default_rng(0 if rng is None else rng)
    means = values[rng.integers(len(values), size=(resamples, len(values)))].mean(axis=1)
    return float(values.mean()), *(float(q) for q in np.quantile(means, (0.025, 0.975)))


def agreement(means: dict[str, dict[str, float]]) -> "dict[tuple[str, str], float]":
    """How far metrics order methods alike: Spearman's rank correlation of each pair of metrics that have a better end.

    Parameters
    ----------
    means : dict of str to dict of str to float
        {method: {metric: mean over images}}.

    Returns
    -------
    dict of (str, str) to float
        By the names of two metrics: 1 if both put the methods in the same order from good to bad.

    Examples
    --------
    >>> agreement({"a": {"insertion": 0.5, "deletion": 0.1}, "b": {"insertion": 0.4, "deletion": 0.2}})
    {('insertion', 'deletion'): 1.0}
    """
    columns = [
        column
        for column, metric in METRICS.items()
        if metric.better and all(np.isfinite(row.get(column, np.nan)) for row in means.values())
    ]
    good = {column: np.array([METRICS[column].better * row[column] for row in means.values()]) for column in columns}
    return {
        (a, b): round(rank_correlation(good[a], good[b]), 10) for i, a in enumerate(columns) for b in columns[i + 1 :]
    }
