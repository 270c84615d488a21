"""How good a map is, asked of the network: what happens when pixels are removed.

- `road`: remove pixels so that nothing tells where they were (Y. Rong et al., "A consistent and efficient evaluation
  strategy for attribution methods", 2022, section 4: remove and debias)
- `infidelity`: does the map predict what the score loses? (C.-K. Yeh et al., "On the (in)fidelity and sensitivity of
  explanations", 2019, section 2)

`map_comparisons` compares maps with maps.
"""

from dataclasses import dataclass

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers import Network
from ..layers.checks import check_choice
from .checks import (
    check_finite,
    check_images,
    check_labels,
    check_model,
    check_not_negative,
    check_whole,
)
from .imputation import fill_smoothly
from .occlusion import OBJECTIVES, class_value, fill_like


@dataclass(frozen=True)
class Road:
    """The probability of a class while pixels are replaced by what surrounds them.

    Attributes
    ----------
    fraction : ndarray (T,)
        Part of the pixels that is replaced.
    most, least : ndarray (N, T)
        Probability or score of the class when the most and the least important pixels are replaced.
    score : ndarray (N,)
        The mean of `least` less `most`: large for a good map, 0 on average for a random one.
    """

    fraction: np.ndarray
    most: np.ndarray
    least: np.ndarray
    score: np.ndarray


def road(
    maps: Array,
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    fractions: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7),
    noise: float = 0.01,
    objective: str = "probability",
    batch_size: int = 64,
    rng: int | np.random.Generator | None = None,
    progress: bool | None = None,
) -> "Road":
    """Replace the pixels a map ranks highest, and those it ranks lowest, by a mixture of their neighbours.

    Parameters
    ----------
    maps : ndarray (N, H, W)
        Only the order of their pixels counts.
    X : ndarray (N, 3, H, W)
        The images they belong to, in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    fractions : sequence of float
        Parts of the pixels, between 0 and 1.
    noise : float
        Standard deviation of the noise on replaced pixels, as a part of the range from black to white.
    objective : {"probability", "score"}
    batch_size : int
        Images at a time; the result does not depend on it.
    rng : int or numpy.random.Generator, optional
        Decides between pixels of equal rank, and draws the noise; a fixed seed by default.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    Road

    Notes
    -----
    A grey square in place of an object has the object's outline, and a network can tell the class from that. Here each
    replaced pixel is the weighted mean of its eight neighbours (direct ones count twice), which is a system of linear
    equations; see `imputation`. What is left is a picture that the network was not trained on, still.

    Examples
    --------
    >>> result = road(compute_saliency_maps(X, y, model), X, y, model, fractions=(0.2,))
    >>> result.score.shape
    (1,)
    """
    op = "road"
    check_model(op, model, maps=maps, X=X, y=y)
    check_images(op, X, model, size_matters=True)
    maps = _maps_for(op, maps, X)
    check_whole(op, 1, batch_size=batch_size)
    check_choice(op, "objective", objective, OBJECTIVES)
    check_not_negative(op, noise=noise)
    fraction = np.asarray(fractions, dtype=np.float64)
    if fraction.ndim != 1 or not len(fraction) or not ((fraction > 0) & (fraction < 1)).all():
        raise ValueError(f"{op}: fractions must be numbers between 0 and 1, got {fractions!r}")
    y = check_labels(op, y, len(X), model)
    rng = np.random.default_rng(0 if rng is None else rng)
    ties = rng.random(maps[0].size)
    black, white = model.bounds(X)
    grain = noise * (white - black) * rng.standard_normal((1, *X.shape[1:]))

    counts = np.rint(fraction * maps[0].size).astype(int)
    values = np.empty((2, len(X), len(counts)))
    for n in progress_bar(range(len(X)), progress=progress, desc="ROAD", unit="image"):
        order = np.lexsort((ties, -maps[n].ravel()))
        rank = np.empty(order.size, dtype=int)
        rank[order] = np.arange(order.size)
        replaced = [rank < count for count in counts] + [rank >= rank.size - count for count in counts]
        images = np.stack(
            [
                fill_smoothly(X[n] - black[0], gone.reshape(maps[n].shape))
                + black[0]
                + grain[0] * gone.reshape(maps[n].shape)
                for gone in replaced
            ]
        ).astype(X.dtype)
        scores = model.scores(images, batch_size=batch_size)
        values[:, n] = class_value(scores, np.full(len(images), y[n]), objective).reshape(2, -1)
    return Road(fraction, values[0], values[1], (values[1] - values[0]).mean(axis=1))


def infidelity(
    maps: Array,
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    samples: int = 64,
    grid: int = 4,
    fill: str = "grey",
    scale: bool = True,
    batch_size: int = 64,
    rng: int | np.random.Generator | None = None,
    progress: bool | None = None,
) -> Array:
    """The squared error when a map predicts how much the score drops while random parts of the image are removed.

    Parameters
    ----------
    maps : ndarray (N, H, W)
        What each pixel adds to the score.
    X : ndarray (N, 3, H, W)
        The images they belong to, in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    samples : int
        Removals, the same for all images: each takes out a random half of the cells of a grid.
    grid : int
        Cells along each side.
    fill : {"grey", "black", "mean", "blur", "noise"}
        What stands in place of removed cells; see `fill_like`.
    scale : bool
        Fit a factor and a constant to each map first, those that make its error smallest, and give the error as a part
        of the drops' variance: then maps in other units can be compared, and what counts is which removal costs more
        than another. False: the error as it is, in squared units of the score.
    batch_size : int
        Images at a time; the result does not depend on it.
    rng : int or numpy.random.Generator, optional
        Draws the removals; a fixed seed by default.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    ndarray (N,)
        0 for a map that predicts every drop. With `scale`, 1 for a map that predicts nothing.

    Notes
    -----
    ``mean over removals of (sum of the map where removed - drop of the score)^2`` (definition 2.1).

    Examples
    --------
    >>> infidelity(gradient_x_input(X, y, model), X, y, model, samples=8).shape
    (1,)
    """
    op = "infidelity"
    check_model(op, model, maps=maps, X=X, y=y)
    check_images(op, X, model, size_matters=True)
    maps = _maps_for(op, maps, X)
    check_whole(op, 1, samples=samples, grid=grid, batch_size=batch_size)
    y = check_labels(op, y, len(X), model)
    rng = np.random.default_rng(0 if rng is None else rng)
    empty = fill_like(X, fill, model, sigma=min(X.shape[2:]) / 12, rng=rng)
    rows, columns = (np.arange(side) * grid // side for side in X.shape[2:])
    half = rng.random((samples, grid * grid)).argsort(axis=1) < grid * grid // 2
    gone = half.reshape(samples, grid, grid)[:, rows[:, None], columns]  # (S, H, W)
    value = class_value(model.scores(X, batch_size=batch_size), y, "score")

    result = np.empty(len(X))
    for n in progress_bar(range(len(X)), progress=progress, desc="infidelity", unit="image"):
        drop = np.empty(samples)
        for first in range(0, samples, batch_size):
            part = slice(first, first + batch_size)
            images = np.where(gone[part, None], empty[n], X[n]).astype(X.dtype)
            left = model.scores(images, batch_size=batch_size)
            drop[part] = value[n] - class_value(left, np.full(len(images), y[n]), "score")
        predicted = np.tensordot(gone, maps[n], axes=2)
        if scale:
            predicted, drop = predicted - predicted.mean(), drop - drop.mean()
            power = predicted @ predicted
            predicted = predicted * (predicted @ drop / power if power > 0 else 0)
        error = ((predicted - drop) ** 2).mean()
        result[n] = error / ((drop**2).mean() or 1) if scale else error
    return result


def _maps_for(op, maps, X):
    maps = np.asarray(maps, dtype=np.float64)
    if maps.shape != (X.shape[0], *X.shape[2:]):
        raise ValueError(f"{op}: the maps have the shape {maps.shape}, expected {(X.shape[0], *X.shape[2:])}")
    check_finite(op, "a map", maps)
    return maps
