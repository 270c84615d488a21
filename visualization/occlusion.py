"""Occlusion maps: hide a part of the image, and see how much the score of the class drops.

M. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", 2014, section 4.2: a grey square moves
over the image. The method needs no gradient, and so checks techniques that use one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..classifiers.scores import softmax
from ..layers.checks import check_choice
from .checks import check_images, check_labels, check_not_negative, check_whole
from .image_ops import blur

FILLS = ("black", "grey", "mean", "blur", "noise")
OBJECTIVES = ("score", "probability")


@dataclass(frozen=True)
class Occlusion:
    """How hiding parts of N images changes a class's score.

    Attributes
    ----------
    maps : ndarray (N, H, W)
        The drop at each pixel: the mean over all windows that hide it. Negative where the class gains; NaN where, in
        a result that is not finished, nothing has been measured yet.
    grid : ndarray (N, rows, columns)
        The drop for each position of the window: the value of the whole image less that of the occluded one; NaN as
        above.
    tops, lefts : ndarray (rows,), (columns,)
        First row and first column of the windows, in pixels.
    value : ndarray (N,)
        Score or probability of the class in the whole image.
    """

    maps: np.ndarray
    grid: np.ndarray
    tops: np.ndarray
    lefts: np.ndarray
    value: np.ndarray


def occlusion_maps(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    window: int = 16,
    stride: int = 4,
    fill: str = "grey",
    blur_sigma: float | None = None,
    objective: str = "score",
    batch_size: int = 64,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> "Occlusion":
    """Move a window over images and note how much the score of class y drops.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    window : int
        Side of the square that is hidden, in pixels.
    stride : int
        From one position to the next, in pixels, at most `window`. The last row and column of windows end at the
        border of the image, whatever the stride.
    fill : {"grey", "black", "mean", "blur", "noise"}
        What stands in the window; see `fill_like`.
    blur_sigma : float, optional
        Of the fill "blur", in pixels; half a window by default.
    objective : {"score", "probability"}
        What drops: the score, or the probability behind the softmax.
    batch_size : int
        Occluded images at a time; the result does not depend on it.
    rng : int or numpy.random.Generator, optional
        Of the fill "noise"; a fixed seed by default.
    callback : callable, optional
        callback(t, occlusion, info) after each batch, with the Occlusion as far as it is known; info has "measured"
        and "windows" (int), how many are done and how many there are.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    Occlusion

    Raises
    ------
    ValueError, TypeError
        X is not a batch of images, the window is larger than they are, a class or an option is out of range.

    Examples
    --------
    >>> result = occlusion_maps(X, y, model, window=32, stride=16)
    >>> result.maps.shape, result.grid.shape
    ((1, 64, 64), (1, 3, 3))
    """
    op = "occlusion_maps"
    check_images(op, X, model, size_matters=True)
    check_choice(op, "objective", objective, OBJECTIVES)
    check_whole(op, 1, batch_size=batch_size)
    tops, lefts = (_starts(op, side, window, stride) for side in X.shape[2:])
    hidden = fill_like(X, fill, model, sigma=window / 2 if blur_sigma is None else blur_sigma, rng=rng)
    scores = model.scores(X, batch_size=batch_size)
    y = check_labels(op, y, len(X), model)
    value = class_value(scores, y, objective)

    places = [(n, top, left) for n in range(len(X)) for top in tops for left in lefts]
    drop = np.full(len(places), np.nan)

    def result():
        grid = drop.reshape(len(X), len(tops), len(lefts)).copy()
        return Occlusion(_spread(grid, tops, lefts, window, X.shape[2:]), grid, tops, lefts, value)

    with progress_bar(total=len(places), progress=progress, desc="occlusion", unit="image") as bar:
        for first in range(0, len(places), batch_size):
            part = slice(first, first + batch_size)
            image = np.array([n for n, _, _ in places[part]])
            ### BEGIN SOLUTION
            occluded = X[image]  # a copy
            for Z, (n, top, left) in zip(occluded, places[part]):
                square = (slice(None), slice(top, top + window), slice(left, left + window))
                Z[square] = hidden[n][square]
            scores = model.scores(occluded, batch_size=batch_size)
            drop[part] = value[image] - class_value(scores, y[image], objective)
            ### END SOLUTION
            bar.update(len(image))
            if callback:
                callback(first // batch_size, result(), {"measured": first + len(image), "windows": len(places)})
    return result()


def occlusion_cost(shape: tuple[int, int, int, int], *, window: int = 16, stride: int = 4) -> int:
    """How many images `occlusion_maps` will send through the network.

    Parameters
    ----------
    shape : (int, int, int, int)
        Of the images, (N, 3, H, W).
    window, stride : int
        As for `occlusion_maps`.

    Returns
    -------
    int
        The occluded images, and once each image as it is.

    Examples
    --------
    >>> occlusion_cost((1, 3, 64, 64), window=16, stride=8)
    50
    """
    if len(shape) != 4:
        raise ValueError(f"occlusion_cost: expected the shape of images (N, 3, H, W), got {tuple(shape)}")
    rows, columns = (len(_starts("occlusion_cost", side, window, stride)) for side in shape[2:])
    return int(shape[0] * (1 + rows * columns))


def fill_like(
    X: Array, fill: str, model: Network, *, sigma: float = 8.0, rng: int | np.random.Generator | None = None
) -> Array:
    """Images without what X shows, to put in place of hidden pixels or to start from.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    fill : {"black", "grey", "mean", "blur", "noise"}
        Black; the grey halfway between black and white; the mean colour of each image; the image blurred; or noise,
        every value evenly distributed between black and white, the same for all images.
    model : Network
    sigma : float
        Of "blur", in pixels.
    rng : int or numpy.random.Generator, optional
        Of "noise"; a fixed seed by default.

    Returns
    -------
    ndarray (N, 3, H, W)
        In model space, of X's type.
    """
    check_choice("fill_like", "fill", fill, FILLS)
    check_not_negative("fill_like", sigma=sigma)
    black, white = model.bounds(X)
    if fill == "black":
        out = black
    elif fill == "grey":
        out = (black + white) / 2
    elif fill == "mean":  # of the distance from black: where a mean image is subtracted, only that is a colour
        out = black + (X - black).mean(axis=(2, 3), keepdims=True)
    elif fill == "blur":
        out = black + blur(X - black, sigma)
    else:
        rng = np.random.default_rng(0 if rng is None else rng)
        out = black + (white - black) * rng.random((1, *X.shape[1:]))
    return np.broadcast_to(out, X.shape).astype(X.dtype)


def class_value(scores, y, objective):
    """The score or the probability of class y in each row of the scores (N, K): (N,), float64."""
    scores = scores.astype(np.float64)
    return (softmax(scores) if objective == "probability" else scores)[np.arange(len(y)), y]


def _starts(op, side, window, stride):
    """Where windows begin along a side: every `stride` pixels, and one that ends at the border."""
    check_whole(op, 1, window=window, stride=stride)
    if window > side:
        raise ValueError(f"{op}: a window of {window} pixels does not fit into an image side of {side}")
    if stride > window:
        raise ValueError(f"{op}: stride {stride} is larger than the window, {window}; pixels between would be left out")
    last = side - window
    return np.unique([*range(0, last, stride), last])


def _spread(grid, tops, lefts, window, size):
    """The mean, at each pixel, of the windows that hide it, NaN left out: (N, rows, columns) -> (N, H, W)."""
    down, across = (
        ((first[:, None] <= np.arange(side)) & (np.arange(side) < first[:, None] + window)).astype(np.float64)
        for first, side in zip((tops, lefts), size)
    )  # (rows, H), (columns, W)
    measured = ~np.isnan(grid)
    windows = down.T @ measured @ across  # (N, H, W): how many hide a pixel
    total = down.T @ np.where(measured, grid, 0) @ across
    return np.divide(total, windows, out=np.full(total.shape, np.nan), where=windows > 0)
