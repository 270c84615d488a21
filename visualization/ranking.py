"""Which map is right? Every method by every metric, over many images.

`measure_maps` measures one method on some images; `ranking_statistics` makes a table of that. Two maps that know
nothing are measured with the others: noise, and a blob in the middle of the picture.
"""

import time
from dataclasses import dataclass

import numpy as np

from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..layers.checks import check_choice
from .checks import check_images, check_labels, check_model, check_whole
from .faithfulness import insertion_deletion
from .map_comparisons import class_sensitivity, max_sensitivity, smooth_sanity_check
from .map_metrics import centred_blob, complexity, energy_inside, pointing_game, sparseness
from .map_tests import infidelity, road
from .methods import METHODS, Method


@dataclass(frozen=True)
class Metric:
    """A column of the comparison."""

    title: str
    better: int  # 1: larger is better, -1: smaller is better, 0: neither, it says what a map is like
    few: bool = False  # measured on the first images only: it needs many maps for each
    fixed: bool = False  # a map that never changes gets the same value always, so the blob is no yardstick


METRICS = {
    "pointing": Metric("pointing game", 1),
    "energy": Metric("energy in box", 1),
    "insertion": Metric("insertion", 1),
    "deletion": Metric("deletion", -1),
    "road": Metric("ROAD", 1),
    "infidelity": Metric("infidelity", -1, few=True),
    "max_sensitivity": Metric("max-sensitivity", -1, few=True, fixed=True),
    "randomised": Metric("sMPRT", -1, few=True, fixed=True),
    "other_class": Metric("second class", -1, few=True, fixed=True),
    "sparseness": Metric("sparseness", 0),
    "complexity": Metric("complexity", 0),
    "seconds": Metric("CPU s a map", 0),
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
    steps: int = 5,
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
        How many images, the first ones, get the metrics that need many maps: infidelity, max-sensitivity, sMPRT and
        the comparison with the second class. All by default.
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

    Notes
    -----
    - "randomised" (sMPRT) is the absolute rank correlation of the maps' magnitudes before and after all layers were
      randomised: a map of opposite order or sign counts as alike, too.
    - "other_class" is `class_sensitivity` with the most probable class other than `y`; it keeps its sign.
    - "seconds" is processor time, not time on the clock: on a machine that does other things, too, it varies less.

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

    started = time.process_time()
    maps = method(X, y, model)
    seconds = (time.process_time() - started) / len(X)
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

        def again(Z, classes, network):
            """The method, which does not compute the maps that are there a second time."""
            if few == len(X) and Z is some[0] and network is model and np.array_equal(classes, y):
                return maps
            return method(Z, classes, network)

        measured["infidelity"][:few] = infidelity(maps[:few], *some, samples=32, rng=seed)
        measured["max_sensitivity"][:few] = max_sensitivity(*some, again, samples=2, rng=seed)
        check = smooth_sanity_check(*some, method, samples=2, stages="all", absolute=True, rng=seed)
        measured["randomised"][:few] = abs(check.correlation[0])
        measured["other_class"][:few] = class_sensitivity(*some, again)
    return measured
