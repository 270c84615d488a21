"""Many images on one page: features of hundreds of dimensions become positions in the plane.

PCA keeps the directions in which the features vary most. t-SNE (L. van der Maaten and G. Hinton, "Visualizing data
using t-SNE", 2008) keeps neighbours together instead and gives up distances: the sizes of clusters and the distances
between them mean little. This is the exact method, over all pairs of points; a few thousand take a minute or two.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._progress import progress_bar
from .._typing import Array
from ..layers.checks import check_choice
from .checks import check_converging, check_features, check_positive, check_whole

_BLOCK = 1 << 18  # entries of a block of rows: such a block of each temporary stays in the processor's cache


class PCA(NamedTuple):
    """Points in the directions in which they vary most.

    Attributes
    ----------
    points : ndarray (N, M)
        Coordinates of the points, the mean at 0.
    components : ndarray (M, D)
        The directions, orthonormal. The entry of each that is largest in absolute value is positive.
    variance : ndarray (M,)
        Variance of the points along each direction, largest first (sum of squares over N - 1).
    share : ndarray (M,)
        Of the variance along all directions.
    mean : ndarray (D,)
    """

    points: np.ndarray
    components: np.ndarray
    variance: np.ndarray
    share: np.ndarray
    mean: np.ndarray


def pca(features: Array, *, dims: int = 2) -> "PCA":
    """Principal components by singular value decomposition.

    Parameters
    ----------
    features : ndarray (N, D)
        A point in each row; not modified.
    dims : int
        How many components, at most min(N, D).

    Returns
    -------
    PCA
        In the features' dtype.

    Raises
    ------
    ValueError, TypeError
        features is not a table of finite numbers, or dims is out of range.

    Examples
    --------
    >>> found = pca(rng.normal(size=(50, 4)) * [5, 1, 1, 1], dims=2)
    >>> found.points.shape, bool(found.share[0] > 0.5)
    ((50, 2), True)
    """
    op = "pca"
    check_features(op, features)
    N, D = features.shape
    check_whole(op, 1, dims=dims)
    if dims > min(N, D):
        raise ValueError(f"{op}: {N} points of {D} features have {min(N, D)} components, dims is {dims}")
    mean = features.mean(axis=0)
    U, S, Vt = np.linalg.svd(features - mean, full_matrices=False)  # (N, R), (R,), (R, D)
    # A singular vector's sign is arbitrary, and libraries differ in it.
    largest = np.abs(Vt).argmax(axis=1)
    sign = np.where(Vt[np.arange(len(Vt)), largest] < 0, -1, 1).astype(features.dtype)
    variance = S**2 / (N - 1)
    total = variance.sum()
    return PCA(
        points=(U * (S * sign))[:, :dims],
        components=(Vt * sign[:, None])[:dims],
        variance=variance[:dims],
        share=variance[:dims] / (total if total > 0 else 1),
        mean=mean,
    )


@np.errstate(over="ignore", invalid="ignore")  # check_converging says it
def tsne(
    features: Array,
    *,
    perplexity: float = 30.0,
    dims: int = 2,
    num_iterations: int = 1000,
    learning_rate: float | None = None,
    early_exaggeration: float = 12.0,
    exaggeration_steps: int = 250,
    init: str = "pca",
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> Array:
    """t-SNE: points in the plane, close together where the features are.

    Parameters
    ----------
    features : ndarray (N, D)
        A point in each row; not modified. Reduce many dimensions to about 50 by `pca` first, which removes
        noise (2008, section 4.2).
    perplexity : float
        The effective number of neighbours of a point; above 1 and below N - 1.
    dims : int
        Dimensions of the result.
    num_iterations : int
    learning_rate : float, optional
        By default N / (4 early_exaggeration), but at least 50 (A. Belkina et al. 2019, Automated optimized parameters
        for t-SNE; their gradient lacks the factor 4).
    early_exaggeration : float
        The attraction is this many times stronger in the first steps, so that clusters form; at least 1.
    exaggeration_steps : int
        How many steps; until then the momentum is 0.5, afterwards 0.8.
    init : {"pca", "random"}
        Where to start: the first principal components, made small, which keeps the large-scale arrangement (D. Kobak
        and P. Berens 2019, The art of using t-SNE for single-cell transcriptomics), or noise as small.
    rng : int or numpy.random.Generator, optional
        For the noise; a fixed seed by default. Has no effect with init="pca".
    callback : callable, optional
        callback(t, Y, info) after each step; info has "gradient_norm" (float), of the gradient before the step.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    Y : ndarray (N, dims)
        In the features' dtype, the mean at 0. `kl_divergence(Y, joint_probabilities(features))` says how good it is.

    Raises
    ------
    ValueError, TypeError
        features is not a table of finite numbers, or an option is out of range.

    Notes
    -----
    Gradient descent on the Kullback-Leibler divergence with momentum and gains: each coordinate has its own factor,
    which grows by 0.2 while the gradient keeps pushing where the coordinate is moving, and shrinks to 0.8 of itself
    otherwise (R. Jacobs 1988; 2008, section 3.4).

    Examples
    --------
    >>> tsne(rng.normal(size=(30, 5)), perplexity=5, num_iterations=20).shape
    (30, 2)
    """
    op = "tsne"
    check_features(op, features)
    N = len(features)
    check_choice(op, "init", init, ("pca", "random"))
    check_whole(op, 1, dims=dims)
    check_whole(op, 0, num_iterations=num_iterations, exaggeration_steps=exaggeration_steps)
    if not 1 <= early_exaggeration < np.inf:
        raise ValueError(f"{op}: early_exaggeration must be at least 1, got {early_exaggeration}")
    learning_rate = max(N / (4 * early_exaggeration), 50) if learning_rate is None else learning_rate
    check_positive(op, learning_rate=learning_rate)
    P = joint_probabilities(features, perplexity=perplexity)  # (N, N)

    Y = _start(features, dims, init, np.random.default_rng(0 if rng is None else rng))
    velocity, gains = np.zeros_like(Y), np.ones_like(Y)
    for t in progress_bar(range(num_iterations), progress=progress, desc="t-SNE", unit="step"):
        early = t < exaggeration_steps
        dY = kl_gradient(Y, P, exaggeration=early_exaggeration if early else 1.0)
        onward = (dY > 0) != (velocity > 0)  # downhill, the way it is going
        gains = np.maximum(np.where(onward, gains + 0.2, gains * 0.8), 0.01).astype(Y.dtype)
        velocity = Y.dtype.type(0.5 if early else 0.8) * velocity - Y.dtype.type(learning_rate) * gains * dY
        Y = Y + velocity
        Y -= Y.mean(axis=0)
        check_converging(op, t, Y)
        if callback:
            callback(t, Y, {"gradient_norm": float(np.linalg.norm(dY))})
    return Y


def joint_probabilities(features: Array, *, perplexity: float = 30.0) -> Array:
    """How similar each pair of points is: t-SNE's P.

    Parameters
    ----------
    features : ndarray (N, D)
    perplexity : float
        Above 1 and below N - 1. The width of each point's Gaussian is found by bisection, so that 2 to the power of
        its entropy in bits is this number.

    Returns
    -------
    P : ndarray (N, N)
        Symmetric, the diagonal 0, the sum 1; in the features' dtype.

    Raises
    ------
    ValueError, TypeError
        features is not a table of finite numbers, or there are too few points for the perplexity.

    Notes
    -----
    With squared distances d_ij, p_j|i is proportional to exp(-beta_i d_ij), and P = (p_j|i + p_i|j) / 2N.
    """
    op = "joint_probabilities"
    check_features(op, features)
    N = len(features)
    if not 1 < perplexity < N - 1:
        raise ValueError(f"{op}: perplexity must be above 1 and below N - 1, which is {N - 1}; got {perplexity}")
    d = squared_distances(features)
    np.fill_diagonal(d, np.inf)
    for rows in _row_blocks(N):
        d[rows] = _conditional(d[rows], np.log(perplexity))
    P = d
    P += P.T.copy()
    P /= 2 * N
    return P.astype(features.dtype)


def squared_distances(features):
    """Squared distances of all pairs of rows, by the Gram matrix: (N, D) -> (N, N), float64, never negative."""
    x = features.astype(np.float64)
    x -= x.mean(axis=0)  # the nearer to 0, the less the difference of large numbers loses
    squares = (x**2).sum(axis=1)
    d = x @ x.T
    d *= -2
    d += squares[:, None]
    d += squares
    np.maximum(d, 0, out=d)
    np.fill_diagonal(d, 0)
    return d


def kl_divergence(Y, P):
    """What t-SNE minimises: sum over pairs of P log(P / Q), in nats (float).

    Q_ij is proportional to 1 / (1 + ||y_i - y_j||^2), its sum 1.
    """
    q = 1 / (1 + squared_distances(Y))
    np.fill_diagonal(q, 0)
    pairs = P > 0
    p, q = P[pairs].astype(np.float64), q[pairs] / q.sum()
    return float((p * np.log(p / q)).sum())


def kl_gradient(Y: Array, P: Array, *, exaggeration: float = 1.0) -> Array:
    """Gradient of `kl_divergence` with regard to Y, with the attraction multiplied by `exaggeration`.

    Parameters
    ----------
    Y : ndarray (N, dims)
    P : ndarray (N, N)
        From `joint_probabilities`.
    exaggeration : float

    Returns
    -------
    dY : ndarray (N, dims)

    Notes
    -----
    With w_ij = 1 / (1 + ||y_i - y_j||^2), w_ii = 0 and Z their sum (2008, equation 5)::

        dY_i = 4 sum_j (P_ij - w_ij / Z) w_ij (y_i - y_j)

    Attraction and repulsion are summed separately, so that Z is needed only at the end and one pass over blocks of rows
    is enough: of the (N, N) arrays only P is ever in memory.
    """
    N, squares = len(Y), (Y**2).sum(axis=1)
    attraction, repulsion, Z = np.empty_like(Y), np.empty_like(Y), 0.0
    for rows in _row_blocks(N):
        w = (-2 * Y[rows]) @ Y.T  # (B, N)
        w += squares[rows, None]
        w += squares
        np.maximum(w, 0, out=w)
        w += 1
        np.reciprocal(w, out=w)
        w[np.arange(len(w)), np.arange(N)[rows]] = 0
        Z += w.sum(dtype=np.float64)
        pull = P[rows] * w
        attraction[rows] = pull.sum(axis=1)[:, None] * Y[rows] - pull @ Y
        w *= w
        repulsion[rows] = w.sum(axis=1)[:, None] * Y[rows] - w @ Y
    return 4 * (Y.dtype.type(exaggeration) * attraction - repulsion / Y.dtype.type(Z))


def _start(features, dims, init, rng):
    """Where t-SNE starts: (N, dims), the first coordinate with a standard deviation of 1e-4."""
    if init == "random":
        return (1e-4 * rng.standard_normal((len(features), dims))).astype(features.dtype)
    Y = pca(features, dims=dims).points
    return Y / (1e4 * Y[:, 0].std() or 1)


def _conditional(d, entropy):
    """p_j|i of rows of squared distances (B, N) for an entropy in nats; own distances are infinite."""
    nearest = d.min(axis=1, keepdims=True)
    d = d - nearest  # the nearest neighbour has exp(0): nothing underflows altogether
    finite = np.where(np.isinf(d), 0, d)
    low, high = np.zeros(len(d)), np.full(len(d), np.inf)
    mean = finite.sum(axis=1) / (d.shape[1] - 1)
    beta = 1 / np.where(mean > 0, mean, 1)
    for _ in range(64):
        p = np.exp(-beta[:, None] * d)
        total = p.sum(axis=1)
        excess = np.log(total) + beta * (p * finite).sum(axis=1) / total - entropy  # above 0: too broad
        if (np.abs(excess) < 1e-6).all():
            break
        low, high = np.where(excess > 0, beta, low), np.where(excess > 0, high, beta)
        beta = np.where(np.isinf(high), 2 * beta, (low + high) / 2)
    return p / total[:, None]


def _row_blocks(N):
    """Slices of so many rows that a block (rows, N) stays in the cache."""
    count = max(1, _BLOCK // N)
    return [slice(n, min(n + count, N)) for n in range(0, N, count)]
