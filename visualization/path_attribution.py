"""Integrated gradients along other paths, and from many baselines.

Integrated gradients go from one baseline to the image along a straight line. Here are three other choices:

- `expected_gradients`: straight lines from many images in place of one baseline (G. Erion et al., "Improving
  performance of deep learning models with axiomatic attribution priors and expected gradients", 2021, section
  "Expected gradients")
- `blur_integrated_gradients`: from a blurred image to the sharp one (S. Xu, S. Venugopalan and M. Sundararajan,
  "Attribution in scale and space", 2020, section 3)
- `guided_integrated_gradients`: pixels with the smallest gradient move first (A. Kapishnikov et al., "Guided integrated
  gradients: an adaptive path method for removing noise", 2021, section 4)

Along any path the sum of the attributions is the difference of the scores, up to the error of the steps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.network import Network
from .attribution import baseline_image, channel_map
from .checks import check_images, check_labels, check_model, check_positive, check_whole
from .image_ops import blur
from .image_sets import check_image_set, in_model_space, sample_crops
from .occlusion import class_value
from .saliency import class_gradient


@dataclass(frozen=True)
class Attribution:
    """What the pixels of N images contribute to the difference of two scores.

    Attributes
    ----------
    maps : ndarray (N, H, W)
        The attributions, reduced to one number a pixel as asked for.
    attributions : ndarray (N, 3, H, W)
        In units of the score; their sum should be `difference`.
    difference : ndarray (N,)
        Score of the image less that of its baseline, or the mean over its baselines.
    gap : ndarray (N,)
        Sum of the attributions less `difference`: the error of the steps or of the sample.
    """

    maps: np.ndarray
    attributions: np.ndarray
    difference: np.ndarray
    gap: np.ndarray


def expected_gradients(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    background: Array | None = None,
    samples: int = 100,
    channels: str = "sum",
    signed: bool = True,
    batch_size: int = 32,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> "Attribution":
    """Integrated gradients, averaged over baselines that are images themselves: no colour counts as nothing.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    background : ndarray (B, 3, H, W), optional
        An image set to draw baselines from, uint8 or in model space, of X's size: best a part of the training set. By
        default crops of the photographs that installed packages carry.
    samples : int
        Pairs of a baseline and a point on the way from it, for each image.
    channels, signed
        As in `channel_map`. By default the sum over the channels, with its sign.
    batch_size : int
        Points at a time; the result does not depend on it.
    rng : int or numpy.random.Generator, optional
        Draws baselines and points, the same for all images; a fixed seed by default.
    callback : callable, optional
        callback(n, attributions, info) after image n, (3, H, W); info has "difference" and "gap".
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    Attribution
        `difference` is against the mean score of the baselines that were drawn.

    Notes
    -----
    ``mean over x0 and a of (x - x0) dscore/dx at x0 + a (x - x0)``. The points a are stratified: one in each of
    `samples` equal parts of 0..1, which lowers the variance and leaves the mean as it is.

    Examples
    --------
    >>> result = expected_gradients(X, y, model, samples=8)
    >>> result.maps.shape
    (1, 64, 64)
    """
    op = "expected_gradients"
    check_model(op, model, X=X, y=y)
    check_images(op, X, model, size_matters=True)
    check_whole(op, 1, samples=samples, batch_size=batch_size)
    y = check_labels(op, y, len(X), model)
    rng = np.random.default_rng(0 if rng is None else rng)
    if background is None:
        background, _ = sample_crops(min(samples, 100), size=X.shape[2:], rng=0)
    check_image_set(op, background, "background")
    if background.shape[2:] != X.shape[2:]:
        raise ValueError(f"{op}: the background's images are {background.shape[2:]}, X's are {X.shape[2:]}")
    drawn = rng.integers(len(background), size=samples)
    share = (rng.permutation(samples) + rng.random(samples)) / samples
    X0 = np.asarray(in_model_space(background[np.sort(drawn)], model), dtype=X.dtype)  # (S, 3, H, W)
    empty = model.scores(X0, batch_size=batch_size).astype(np.float64).mean(axis=0)  # (K,)
    difference = class_value(model.scores(X, batch_size=batch_size), y, "score") - empty[y]

    attributions = np.zeros(X.shape)
    with progress_bar(total=samples * len(X), progress=progress, desc="expected gradients", unit="image") as bar:
        for n in range(len(X)):
            for first in range(0, samples, batch_size):
                part = slice(first, first + batch_size)
                points = (X0[part] + share[part, None, None, None] * (X[n] - X0[part])).astype(X.dtype)
                gradients = class_gradient(points, y[n], model)
                attributions[n] += ((X[n] - X0[part]) * gradients).sum(axis=0, dtype=np.float64) / samples
                bar.update(len(points))
            if callback:
                callback(n, attributions[n].astype(X.dtype), _info(attributions[n], difference[n]))
    return _attribution(attributions, difference, X.dtype, channels, signed)


def blur_integrated_gradients(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    max_sigma: float | None = None,
    steps: int = 32,
    channels: str = "sum",
    signed: bool = True,
    batch_size: int = 32,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> "Attribution":
    """Integrate the gradient while a blurred image becomes sharp: at which scale, and where, does the class appear?

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    max_sigma : float, optional
        Of the Gaussian at the start, in pixels; a quarter of the image's shorter side by default.
    steps : int
        Parts of the path. They are shorter near the sharp image, where little blur removes much.
    channels, signed
        As in `channel_map`. By default the sum over the channels, with its sign.
    batch_size : int
        Points at a time; the result does not depend on it.
    callback : callable, optional
        callback(n, attributions, info) after image n, (3, H, W); info has "difference" and "gap".
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    Attribution
        `difference` is against the image at its most blurred.

    Notes
    -----
    Each step contributes the gradient at its middle times the change of the image, ``blur(x, s_t) - blur(x, s_t-1)``;
    the sigmas fall with the square of the part of the path that is left.

    Examples
    --------
    >>> result = blur_integrated_gradients(X, y, model, steps=8)
    >>> result.maps.shape
    (1, 64, 64)
    """
    op = "blur_integrated_gradients"
    check_model(op, model, X=X, y=y)
    check_images(op, X, model, size_matters=True)
    check_whole(op, 1, steps=steps, batch_size=batch_size)
    max_sigma = min(X.shape[2:]) / 4 if max_sigma is None else max_sigma
    check_positive(op, max_sigma=max_sigma)
    y = check_labels(op, y, len(X), model)
    sigmas = max_sigma * np.linspace(1, 0, 2 * steps + 1) ** 2  # ends and middles of the steps
    black = model.bounds(X)[0]

    attributions, difference = np.zeros(X.shape), np.empty(len(X))
    with progress_bar(total=steps * len(X), progress=progress, desc="blur integrated gradients", unit="image") as bar:
        for n in range(len(X)):
            light = X[n : n + 1] - black  # blurred as people see it: a mean image is not part of the picture
            path = np.concatenate([black + (blur(light, s) if s > 0 else light) for s in sigmas]).astype(X.dtype)
            change = path[2::2] - path[:-2:2]  # (T, 3, H, W)
            ends = model.scores(path[[0, -1]])[:, y[n]].astype(np.float64)
            difference[n] = ends[1] - ends[0]
            for first in range(0, steps, batch_size):
                part = slice(first, first + batch_size)
                gradients = class_gradient(path[1::2][part], y[n], model)
                attributions[n] += (change[part] * gradients).sum(axis=0, dtype=np.float64)
                bar.update(len(gradients))
            if callback:
                callback(n, attributions[n].astype(X.dtype), _info(attributions[n], difference[n]))
    return _attribution(attributions, difference, X.dtype, channels, signed)


def guided_integrated_gradients(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    baseline: str | Array = "black",
    steps: int = 32,
    max_distance: float = 0.1,
    channels: str = "sum",
    signed: bool = True,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> "Attribution":
    """Integrate along a path on which the pixels that the score depends on least move first.

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
        All images take a step together; each costs a gradient. In each, the image comes nearer by 1 / `steps` of its L1
        distance from the baseline.
    max_distance : float
        How far, 0 to 1, a pixel may run ahead of the straight line or stay behind it. With 0 the path is the straight
        line of `integrated_gradients`; with 1 nothing limits it.
    channels, signed
        As in `channel_map`. By default the sum over the channels, with its sign.
    rng : int or numpy.random.Generator, optional
        Of the baseline "noise"; a fixed seed by default.
    callback : callable, optional
        callback(t, attributions, info) after each step, with those so far, (N, 3, H, W); info has "way" (float), the
        part of the path that is done.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    Attribution

    Notes
    -----
    Algorithm 1 with the bounds of section 4.2 as a band around the whole line. In each step the values move in the
    order of their gradient's magnitude, each as far as it may, until the distance is used up; the paper moves them in
    groups. A step counts with the mean of the gradients at its two ends: one alone is smallest just where values were
    chosen for their small gradient, and the sum would fall far from the difference. With more steps the gap goes to
    what is left by the jumps of single values, which are as long as `max_distance` lets them.

    Examples
    --------
    >>> result = guided_integrated_gradients(X, y, model, steps=8)
    >>> result.maps.shape
    (1, 64, 64)
    """
    op = "guided_integrated_gradients"
    check_model(op, model, X=X, y=y)
    check_images(op, X, model, size_matters=True)
    check_whole(op, 1, steps=steps)
    if not 0 <= max_distance <= 1:
        raise ValueError(f"{op}: max_distance must be a number from 0 to 1, got {max_distance!r}")
    y = check_labels(op, y, len(X), model)
    X0 = baseline_image(op, X, baseline, model, rng)
    ends = [class_value(model.scores(Z), y, "score") for Z in (X, X0)]
    difference = ends[0] - ends[1]

    way = (X.astype(np.float64) - X0).reshape(len(X), -1)  # (N, D)
    done = np.zeros_like(way)  # of each value's own way, 0 to 1
    attributions = np.zeros_like(way)

    def gradient():
        Z = (X0 + (done * way).reshape(X.shape)).astype(X.dtype)
        return class_gradient(Z, y, model).reshape(way.shape).astype(np.float64)

    g = gradient()
    for t in progress_bar(range(steps), progress=progress, desc="guided integrated gradients", unit="step"):
        line = (t + 1) / steps  # where all values would be on the straight line
        low, high = max(line - max_distance, 0), min(line + max_distance, 1)
        before = done
        done = np.maximum(done, low)  # the stragglers first
        left = line * abs(way).sum(axis=1) - (done * abs(way)).sum(axis=1)  # (N,): distance still to go in this step
        order = np.argsort(abs(g), axis=1, kind="stable")
        room = np.take_along_axis(np.maximum(high - done, 0) * abs(way), order, axis=1)
        ahead = np.cumsum(room, axis=1) - room  # what the values before this one use up
        part = np.clip(np.divide(left[:, None] - ahead, room, out=np.zeros_like(room), where=room > 0), 0, 1)
        moved = np.zeros_like(way)
        np.put_along_axis(moved, order, part, axis=1)
        done = done + moved * np.maximum(high - done, 0)
        g_before, g = g, gradient()
        attributions += (g_before + g) / 2 * (done - before) * way
        if callback:
            callback(t, attributions.reshape(X.shape).astype(X.dtype), {"way": line})
    return _attribution(attributions.reshape(X.shape), difference, X.dtype, channels, signed)


def _info(attributions, difference):
    return {"difference": float(difference), "gap": float(attributions.sum() - difference)}


def _attribution(attributions, difference, dtype, channels, signed):
    maps = channel_map(attributions, channels=channels, signed=signed).astype(dtype)
    gap = attributions.sum(axis=(1, 2, 3)) - difference
    return Attribution(maps, attributions.astype(dtype), difference, gap)
