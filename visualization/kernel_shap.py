"""KernelSHAP: Shapley values of the parts of an image, by a weighted linear regression.

S. Lundberg and S.-I. Lee, "A unified approach to interpreting model predictions", 2017, section 4.1; sampling in pairs
and standard errors follow I. Covert and S.-I. Lee, "Improving KernelSHAP: practical Shapley value estimation via linear
regression", 2021, sections 3 and 4. The players of the game are cells of a grid or superpixels, a coalition is the
image with the other players filled, and the game is worth the class's score.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import comb
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..layers.checks import check_choice
from .checks import check_images, check_labels, check_model, check_whole
from .occlusion import OBJECTIVES, class_value, fill_like


@dataclass(frozen=True)
class ShapleyValues:
    """What the parts of N images contribute to a score.

    Attributes
    ----------
    maps : ndarray (N, H, W)
        Each pixel has its part's value, divided by the part's number of pixels: the sum of a map is `difference`.
    values : ndarray (N, P)
        The Shapley value of each part, in units of the score.
    errors : ndarray (N, P)
        Their standard errors; 0 where all coalitions were tried.
    segments : ndarray (N, H, W) of int
        Which part each pixel belongs to, 0..P-1.
    difference : ndarray (N,)
        Value of the whole image less that of the filled one; the sum of the values.
    exact : bool
        Whether all coalitions were tried.
    """

    maps: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    segments: np.ndarray
    difference: np.ndarray
    exact: bool


def kernel_shap(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    segments: int | IntArray = 6,
    samples: int = 512,
    fill: str = "grey",
    objective: str = "score",
    batch_size: int = 64,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> "ShapleyValues":
    """Shapley values of the cells of a grid, or of superpixels, with standard errors.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    segments : int, or ndarray of int (H, W) or (N, H, W)
        Cells of a grid along each side, or the part of each pixel, as `superpixels` gives it: 0..P-1, each used.
    samples : int
        Coalitions, beside the empty and the full one; if there are no more than that, all are tried, and the result is
        exact. Otherwise an even number of at least twice the parts.
    fill : {"grey", "black", "mean", "blur", "noise"}
        What stands in place of parts that are not in a coalition; see `fill_like`.
    objective : {"score", "probability"}
    batch_size : int
        Coalitions at a time; the result does not depend on it.
    rng : int or numpy.random.Generator, optional
        Draws the coalitions, the same for all images; a fixed seed by default.
    callback : callable, optional
        callback(n, map, info) after image n; info has "values" and "errors" (P,).
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    ShapleyValues

    Notes
    -----
    The values minimise ``sum over coalitions of k(s) (v(S) - v(none) - sum of values in S)^2`` under the condition that
    all values sum up to the difference, with ``k(s) = (P - 1) / (C(P, s) s (P - s))`` for s of P parts. Coalitions are
    drawn in proportion to k, each with its complement; errors come from the scatter of these pairs (sandwich formula).

    Examples
    --------
    >>> result = kernel_shap(X, y, model, segments=2)
    >>> result.exact, bool(np.isclose(result.values.sum(), result.difference[0]))
    (True, True)
    """
    op = "kernel_shap"
    check_model(op, model, X=X, y=y)
    check_images(op, X, model, size_matters=True)
    check_whole(op, 2, samples=samples)
    check_whole(op, 1, batch_size=batch_size)
    check_choice(op, "objective", objective, OBJECTIVES)
    y = check_labels(op, y, len(X), model)
    parts = _segments(op, segments, X.shape)
    P = int(parts.max()) + 1
    rng = np.random.default_rng(0 if rng is None else rng)
    empty = fill_like(X, fill, model, sigma=min(X.shape[2:]) / 12, rng=rng)
    exact = P <= 20 and 2**P - 2 <= samples
    if not exact and (samples % 2 or samples < 2 * P):
        raise ValueError(
            f"{op}: {P} parts need an even number of samples, at least {2 * P}, or all {2**P - 2} coalitions; "
            f"got {samples}"
        )
    Z, weights = _all_coalitions(P) if exact else _pairs_of_coalitions(P, samples, rng)
    whole, nothing = (class_value(model.scores(A, batch_size=batch_size), y, objective) for A in (X, empty))

    values, errors = np.zeros((2, len(X), P))
    maps = np.zeros(parts.shape, X.dtype)
    with progress_bar(total=len(Z) * len(X), progress=progress, desc="KernelSHAP", unit="image") as bar:
        for n in range(len(X)):
            worth = np.empty(len(Z))
            for first in range(0, len(Z), batch_size):
                part = slice(first, first + batch_size)
                inside = Z[part][:, parts[n]]  # (B, H, W)
                images = np.where(inside[:, None], X[n], empty[n]).astype(X.dtype)
                scores = model.scores(images, batch_size=batch_size)
                worth[part] = class_value(scores, np.full(len(images), y[n]), objective)
                bar.update(len(images))
            values[n], errors[n] = _regression(Z, weights, worth - nothing[n], whole[n] - nothing[n], exact)
            maps[n] = (values[n] / np.maximum(np.bincount(parts[n].ravel(), minlength=P), 1))[parts[n]]
            if callback:
                callback(n, maps[n], {"values": values[n], "errors": errors[n]})
    return ShapleyValues(maps, values, errors, parts, whole - nothing, exact)


def superpixels(X: Array, model: Network, *, count: int = 36, compactness: float = 2.0, steps: int = 10) -> IntArray:
    """Parts of images that are about equally large and of one colour (k-means in colour and place).

    R. Achanta et al., "SLIC superpixels compared to state-of-the-art superpixel methods", 2012, section 3, without its
    restriction to neighbours, which only saves time.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    model : Network
        Says where black and white are.
    count : int
        Parts at most: the clusters start on a square grid of the largest number of cells that is not above it.
    compactness : float
        How much the place counts beside the colour: at 0 parts are colours wherever they are, at 10 they are squares.
    steps : int
        Of k-means.

    Returns
    -------
    segments : ndarray (N, H, W) of int
        As `kernel_shap` takes them for each image alone. All images have the same number of parts; one may be empty.

    Examples
    --------
    >>> superpixels(X, model, count=16).shape
    (1, 64, 64)
    """
    op = "superpixels"
    check_model(op, model, X=X)
    check_images(op, X, model)
    check_whole(op, 1, count=count, steps=steps)
    if not compactness >= 0:
        raise ValueError(f"{op}: compactness must not be negative, got {compactness!r}")
    (H, W), side = X.shape[2:], int(count**0.5)
    black, white = model.bounds(X)
    rows, columns = np.mgrid[:H, :W]
    place = np.stack([rows * side / H, columns * side / W])  # a cell of the grid is 1 long
    start = _grid(side, H, W)
    labels = np.empty((len(X), H, W), dtype=int)
    for n, colour in enumerate((X - black) / (white - black)):
        points = np.concatenate([10 * colour, compactness * place]).reshape(5, -1).T.astype(np.float64)  # (H*W, 5)
        label = start.ravel()
        for _ in range(steps):
            sizes = np.bincount(label, minlength=side * side)
            sums = np.stack([np.bincount(label, points[:, d], minlength=side * side) for d in range(5)], axis=1)
            centres = sums[sizes > 0] / sizes[sizes > 0, None]
            kept = np.flatnonzero(sizes > 0)
            distances = (centres**2).sum(axis=1) - 2 * points @ centres.T  # less what is the same for all centres
            label = kept[distances.argmin(axis=1)]
        labels[n] = label.reshape(H, W)
    return labels


def _grid(side, H, W):
    """The cell of each pixel, (H, W), in a grid of side x side cells."""
    return (np.arange(H) * side // H)[:, None] * side + np.arange(W) * side // W


def _segments(op, segments, shape):
    """The parts as an array (N, H, W), checked."""
    N, _, H, W = shape
    if isinstance(segments, int | np.integer) and not isinstance(segments, bool):
        check_whole(op, 2, segments=segments)
        if segments > min(H, W):
            raise ValueError(f"{op}: {segments} cells along a side of {min(H, W)} pixels are too many")
        segments = _grid(segments, H, W)
    segments = np.asarray(segments)
    if segments.shape not in ((H, W), (N, H, W)) or not np.issubdtype(segments.dtype, np.integer):
        raise ValueError(
            f"{op}: segments must be a whole number or an array of whole numbers ({H}, {W}) or ({N}, {H}, {W}), "
            f"got {segments.dtype} {segments.shape}"
        )
    if segments.min() < 0 or segments.max() < 1:
        raise ValueError(f"{op}: segments must be numbered from 0, and at least two; got {np.unique(segments)[:5]}")
    return np.broadcast_to(segments, (N, H, W))


def _all_coalitions(P):
    """All but the empty and the full one, (2^P - 2, P) of bool, and their weights."""
    Z = np.array(list(product((False, True), repeat=P)))[1:-1]
    sizes = Z.sum(axis=1)
    return Z, np.array([(P - 1) / (comb(P, int(s)) * s * (P - s)) for s in sizes])


def _pairs_of_coalitions(P, samples, rng):
    """Coalitions drawn in proportion to their weight, each followed by its complement; then all weigh the same."""
    sizes = np.arange(1, P)
    chances = 1 / (sizes * (P - sizes))
    drawn = rng.choice(sizes, size=samples // 2, p=chances / chances.sum())
    half = rng.random((samples // 2, P)).argsort(axis=1) < drawn[:, None]
    return np.stack([half, ~half], axis=1).reshape(samples, P), np.ones(samples)


def _regression(Z, weights, worth, total, exact):
    """Shapley values and their standard errors from the worth of coalitions, less that of nothing."""
    # The last value is what the others leave of the total: the condition holds, and no equation is singular.
    A = Z[:, :-1].astype(np.float64) - Z[:, -1:]
    b = worth - Z[:, -1] * total
    normal = (A * weights[:, None]).T @ A
    inverse = np.linalg.pinv(normal)
    free = inverse @ (A * weights[:, None]).T @ b
    values = np.append(free, total - free.sum())
    if exact:
        return values, np.zeros(len(values))
    # A pair says one thing: the complement's equation is the same but for its sign and its worth. n pairs, p unknowns.
    pull = (A * (weights * (b - A @ free))[:, None]).reshape(-1, 2, len(free)).sum(axis=1)  # (n, p)
    each = pull @ inverse * np.sqrt(len(pull) / (len(pull) - len(free)))
    return values, np.sqrt(np.append((each**2).sum(axis=0), (each.sum(axis=1) ** 2).sum()))
