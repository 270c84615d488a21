"""Attribution: methods that refine the plain gradient.

- `smoothgrad`: the mean gradient over noisy copies (D. Smilkov et al., "SmoothGrad: removing noise by adding noise",
  2017, section 2)
- `gradient_x_input`: the gradient times what it acts on (A. Shrikumar et al., "Not just a black box", 2016)
- `integrated_gradients`: the gradient along the line from a baseline to the image, whose sum is the difference of
  the scores (M. Sundararajan et al., "Axiomatic attribution for deep networks", 2017, section 3)

All are made of saliency's `class_gradient`, (N, 3, H, W), and reduced to one number a pixel by `channel_map`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..layers.checks import check_choice
from .checks import check_finite, check_images, check_labels, check_not_negative, check_whole
from .occlusion import FILLS, class_value, fill_like
from .saliency import class_gradient

CHANNELS = ("max", "sum", "l2")


def channel_map(dX: Array, *, channels: str = "max", signed: bool = False) -> Array:
    """Reduce the three channels of each pixel to one number.

    Parameters
    ----------
    dX : ndarray (N, 3, H, W)
        Gradients or attributions.
    channels : {"max", "sum", "l2"}
        The largest magnitude, the sum (of magnitudes, unless signed), or the root of the sum of squares.
    signed : bool
        Keep the sign: of the channel with the largest magnitude, or of the sum. "l2" has none to keep.

    Returns
    -------
    ndarray (N, H, W)
    """
    check_choice("channel_map", "channels", channels, CHANNELS)
    if np.ndim(dX) != 4:
        raise ValueError(f"channel_map: expected an array (N, 3, H, W), got the shape {np.shape(dX)}")
    if channels == "l2":
        if signed:
            raise ValueError("channel_map: 'l2' has no sign; take channels='sum' or 'max', or signed=False")
        return np.linalg.norm(dX, axis=1)
    if channels == "sum":
        return (dX if signed else abs(dX)).sum(axis=1)
    largest = np.take_along_axis(dX, abs(dX).argmax(axis=1, keepdims=True), axis=1)[:, 0]
    return largest if signed else abs(largest)


def smoothgrad(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    samples: int = 50,
    noise_level: float = 0.15,
    channels: str = "max",
    signed: bool = False,
    batch_size: int = 32,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> Array:
    """The mean gradient over noisy copies of an image: what neighbouring images share remains, noise averages out.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    samples : int
        Noisy copies of each image.
    noise_level : float
        Standard deviation of the noise as a fraction of the range of the image's pixels, largest less smallest; the
        paper recommends 0.1 to 0.2. With 0 it is the plain gradient.
    channels, signed
        As in `channel_map`; the gradients are averaged with their signs in any case.
    batch_size : int
        Copies at a time; the result does not depend on it.
    rng : int or numpy.random.Generator, optional
        Draws the noise, the same for all images; a fixed seed by default.
    callback : callable, optional
        callback(t, maps, info) after each batch of copies, with the maps (N, H, W) of those so far; info has "samples"
        (int), how many they are.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    ndarray (N, H, W)
        Score per unit of model space.

    Examples
    --------
    >>> smoothgrad(X, y, model, samples=4).shape
    (1, 64, 64)
    """
    op = "smoothgrad"
    check_images(op, X, model, size_matters=True)
    check_whole(op, 1, samples=samples, batch_size=batch_size)
    check_not_negative(op, noise_level=noise_level)
    y = _classes(op, y, X, model)
    rng = np.random.default_rng(0 if rng is None else rng)
    sigma = noise_levels(X, model, noise_level)  # (N,)

    total = np.zeros(X.shape)
    with progress_bar(total=samples * len(X), progress=progress, desc="SmoothGrad", unit="image") as bar:
        for first in range(0, samples, batch_size):
            noise = rng.standard_normal((min(batch_size, samples - first), *X.shape[1:]))
            for n in range(len(X)):
                noisy = (X[n] + sigma[n] * noise).astype(X.dtype)
                total[n] += class_gradient(noisy, y[n], model).sum(axis=0, dtype=np.float64)
                bar.update(len(noisy))
            done = first + len(noise)
            if callback:
                maps = channel_map((total / done).astype(X.dtype), channels=channels, signed=signed)
                callback(first // batch_size, maps, {"samples": done})
    return channel_map((total / samples).astype(X.dtype), channels=channels, signed=signed)


def noise_levels(X, model, noise_level):
    """The standard deviation of the noise for each image, (N,): a fraction of the range of its pixels."""
    pixels = X - model.bounds(X)[0]  # distance from black
    return noise_level * (pixels.max(axis=(1, 2, 3)) - pixels.min(axis=(1, 2, 3)))


def gradient_x_input(
    X: Array, y: IntArray | int, model: Network, *, channels: str = "sum", signed: bool = True
) -> Array:
    """The gradient times the image: what each pixel adds to the score, if the network were linear.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space: a pixel of the training set's mean counts nothing.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    channels, signed
        As in `channel_map`. By default the sum over the channels, with its sign.

    Returns
    -------
    ndarray (N, H, W)
        In units of the score.

    Examples
    --------
    >>> gradient_x_input(X, y, model).shape
    (1, 64, 64)
    """
    check_images("gradient_x_input", X, model, size_matters=True)
    return channel_map(X * class_gradient(X, y, model), channels=channels, signed=signed)


@dataclass(frozen=True)
class IntegratedGradients:
    """What the pixels of N images contribute to a score.

    Attributes
    ----------
    maps : ndarray (N, H, W)
        The attributions, reduced to one number a pixel as asked for.
    attributions : ndarray (N, 3, H, W)
        In units of the score; their sum should be `difference`.
    difference : ndarray (N,)
        Score of the image less that of the baseline.
    gap : ndarray (N,)
        Sum of the attributions less `difference`: the error of the integral.
    complete : ndarray (N,) of bool
        Whether the gap is as small as asked for.
    steps : ndarray (N,) of int
        Points of the path that were used.
    """

    maps: np.ndarray
    attributions: np.ndarray
    difference: np.ndarray
    gap: np.ndarray
    complete: np.ndarray
    steps: np.ndarray


def integrated_gradients(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    baseline: str | Array = "black",
    steps: int = 32,
    max_steps: int = 1024,
    tolerance: float = 0.01,
    floor: float = 0.01,
    channels: str = "sum",
    signed: bool = True,
    batch_size: int = 32,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> "IntegratedGradients":
    """Integrate the gradient along the straight line from a baseline to each image.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    baseline : {"black", "grey", "mean", "blur", "noise"}, or ndarray
        An image that shows nothing: one of `fill_like`'s, or your own in model space, (3, H, W) or (N, 3, H, W).
    steps : int
        Points on the line, at the midpoints of equal parts (midpoint rule).
    max_steps : int
        While an image's gap is too large its steps are doubled, up to this many.
    tolerance, floor : float
        A gap is small enough below `tolerance` times the difference of the scores, or below `floor` in units of the
        score: where the scores are nearly equal, a fraction of their difference is too little to ask for.
    channels, signed
        As in `channel_map`. By default the sum over the channels, with its sign, whose sum over the pixels is the
        difference of the scores.
    batch_size : int
        Points at a time; the result does not depend on it.
    rng : int or numpy.random.Generator, optional
        Of the baseline "noise"; a fixed seed by default.
    callback : callable, optional
        callback(n, attributions, info) each time image n has been integrated, before its steps are doubled if they are;
        attributions (3, H, W) are the image's, info has its "difference", "gap" (float) and "steps" (int).
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    IntegratedGradients

    Notes
    -----
    ``attribution = (x - x0) * mean over a of dscore/dx at x0 + a (x - x0)``, section 3, equation 1.

    Examples
    --------
    >>> result = integrated_gradients(X, y, model, steps=8, max_steps=8)
    >>> result.maps.shape
    (1, 64, 64)
    """
    op = "integrated_gradients"
    check_images(op, X, model, size_matters=True)
    check_whole(op, 1, steps=steps, batch_size=batch_size)
    check_whole(op, steps, max_steps=max_steps)
    check_not_negative(op, tolerance=tolerance, floor=floor)
    y = _classes(op, y, X, model)
    X0 = baseline_image(op, X, baseline, model, rng)
    values = [class_value(model.scores(Z, batch_size=batch_size), y, "score") for Z in (X, X0)]
    difference = values[0] - values[1]
    enough = np.maximum(tolerance * abs(difference), floor)

    attributions, used = np.empty(X.shape), np.empty(len(X), dtype=int)
    for n in progress_bar(range(len(X)), progress=progress, desc="integrated gradients", unit="image"):
        used[n] = steps
        while True:
            attributions[n] = (X[n] - X0[n]) * _mean_gradient(X0[n], X[n], y[n], model, used[n], batch_size)
            gap = attributions[n].sum() - difference[n]
            if callback:
                info = {"difference": difference[n], "gap": gap, "steps": int(used[n])}
                callback(n, attributions[n].astype(X.dtype), info)
            if abs(gap) <= enough[n] or 2 * used[n] > max_steps:
                break
            used[n] *= 2
    gap = attributions.sum(axis=(1, 2, 3)) - difference
    maps = channel_map(attributions, channels=channels, signed=signed).astype(X.dtype)
    return IntegratedGradients(maps, attributions.astype(X.dtype), difference, gap, abs(gap) <= enough, used)


def _mean_gradient(x0, x, y, model, steps, batch_size):
    """The mean of the class's gradient at the middles of `steps` equal parts of the way from x0 to x: (3, H, W)."""
    total, share = np.zeros(x.shape), (np.arange(steps) + 0.5) / steps
    for first in range(0, steps, batch_size):
        part = share[first : first + batch_size, None, None, None]
        on_the_way = (x0 + part * (x - x0)).astype(x.dtype)
        total += class_gradient(on_the_way, y, model).sum(axis=0, dtype=np.float64)
    return total / steps


def _classes(op, y, X, model):
    """The classes as an array (N,), checked against the network's number of classes."""
    return check_labels(op, y, len(X), model)


def baseline_image(op, X, baseline, model, rng):
    """What a path starts from, (N, 3, H, W): one of `fill_like`'s images, or the user's own."""
    if isinstance(baseline, str):
        check_choice(op, "baseline", baseline, FILLS)
        return fill_like(X, baseline, model, rng=rng)
    baseline = np.asarray(baseline)
    if baseline.shape not in (X.shape, X.shape[1:]):
        raise ValueError(f"{op}: the baseline has the shape {baseline.shape}, expected {X.shape[1:]} or {X.shape}")
    check_finite(op, "the baseline", baseline)
    return np.broadcast_to(baseline, X.shape).astype(X.dtype)
