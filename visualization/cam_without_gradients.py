"""The family of Grad-CAM without a gradient: how much a channel counts is tried, or read off the maps themselves.

- by trying: Score-CAM (H. Wang et al., "Score-CAM: score-weighted visual explanations for convolutional neural
  networks", 2020, section 3) and Ablation-CAM (S. Desai and H. Ramaswamy, "Ablation-CAM: visual explanations for deep
  convolutional network via gradient-free localization", 2020, section 3)
- by the maps alone: EigenCAM (M. Muhammad and M. Yeasin, "Eigen-CAM: class activation map using principal components",
  2020, section III)
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..classifiers.scores import softmax
from .cam import Layer, layer_features, upsample_maps, weighted_maps
from .checks import check_model, check_whole


def score_cam(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    layer: Layer = None,
    channels: int | None = None,
    relu: bool = True,
    upsample: bool = True,
    batch_size: int = 64,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> Array:
    """Score-CAM: each channel's map, enlarged, is laid over the image as a mask; its weight is the score that is left.

    Parameters
    ----------
    X, y, model, layer, relu, upsample
        As in `grad_cam_plus_plus`. Weights come out of a softmax over the channels tried, and are never negative.
    channels : int, optional
        Try only so many channels of each image, those whose maps vary most over it; the others get no weight. By
        default, as in the paper, all are tried.
    batch_size : int
        Masked images at a time; the result does not depend on it.
    callback : callable, optional
        callback(n, map, info) after image n, with its map (1, H, W) or (1, h, w); info has "weights" (C,).
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    maps : ndarray (N, H, W), or (N, h, w)

    Notes
    -----
    As many forward passes for an image as channels are tried. The mask runs from 0 to 1, and multiplies the image
    in model space, where 0 is the mean of the training set. The paper counts the increase over the score of an image of
    zeros (section 3.2, definition 3, and algorithm 1); it is the same for all channels, and the softmax cancels it.

    Examples
    --------
    >>> score_cam(X, y, model, layer="conv1").shape
    (1, 64, 64)
    """
    op = "score_cam"
    layer, y, A = layer_features(op, X, y, model, layer)
    channels = A.shape[1] if channels is None else channels
    check_whole(op, 1, batch_size=batch_size, channels=channels)
    count = min(channels, A.shape[1])
    maps = []
    with progress_bar(total=len(X) * count, progress=progress, desc="Score-CAM", unit="image") as bar:
        for n in range(len(X)):
            tried = np.sort(np.argsort(-A[n].std(axis=(1, 2)), kind="stable")[:count])
            low, high = A[n].min(axis=(1, 2)), A[n].max(axis=(1, 2))
            spread = np.where(high > low, high - low, 1)
            left = np.full(A.shape[1], -np.inf)
            for first in range(0, count, batch_size):
                part = tried[first : first + batch_size]
                masks = upsample_maps((A[n, part] - low[part, None, None]) / spread[part, None, None], X.shape[2:])
                masked = (X[n] * masks[:, None]).astype(X.dtype)
                left[part] = model.scores(masked, batch_size=batch_size)[:, y[n]]
                bar.update(len(masked))
            weights = softmax(left[None])[0].astype(A.dtype)  # (C,)
            maps.append(weighted_maps(A[n : n + 1], weights[None, :, None, None], relu, upsample, X.shape[2:]))
            if callback:
                callback(n, maps[-1], {"weights": weights})
    return np.concatenate(maps)


def ablation_cam(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    layer: Layer = None,
    relu: bool = True,
    upsample: bool = True,
    batch_size: int = 64,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> Array:
    """Ablation-CAM: each channel is set to zero, and weighted by the part of the score that is lost.

    Parameters
    ----------
    X, y, model, layer, relu, upsample
        As in `grad_cam_plus_plus`.
    batch_size : int
        Ablated copies of the layer at a time; the result does not depend on it.
    callback : callable, optional
        callback(n, map, info) after image n, with its map (1, H, W) or (1, h, w); info has "weights" (C,).
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    maps : ndarray (N, H, W), or (N, h, w)

    Notes
    -----
    ``weight = (score - score without the channel) / |score|`` (equation 5; there without the magnitude, which
    would turn the map of a class with a negative score upside down). Only the layers behind `layer` run for each
    channel.

    Examples
    --------
    >>> ablation_cam(X, y, model, upsample=False).shape
    (1, 8, 8)
    """
    op = "ablation_cam"
    layer, y, A = layer_features(op, X, y, model, layer)
    check_whole(op, 1, batch_size=batch_size)
    channels, maps = A.shape[1], []
    with progress_bar(total=len(X) * channels, progress=progress, desc="Ablation-CAM", unit="channel") as bar:
        for n in range(len(X)):
            score = model.forward(A[n : n + 1], start=layer + 1)[0][0, y[n]]
            left = np.empty(channels, A.dtype)
            for first in range(0, channels, batch_size):
                ablated = np.repeat(A[n : n + 1], min(batch_size, channels - first), axis=0)
                ablated[np.arange(len(ablated)), first + np.arange(len(ablated))] = 0
                left[first : first + batch_size] = model.forward(ablated, start=layer + 1)[0][:, y[n]]
                bar.update(len(ablated))
            weights = (score - left) / (abs(score) or 1)
            maps.append(weighted_maps(A[n : n + 1], weights[None, :, None, None], relu, upsample, X.shape[2:]))
            if callback:
                callback(n, maps[-1], {"weights": weights})
    return np.concatenate(maps)


def eigen_cam(X: Array, model: Network, *, layer: Layer = None, relu: bool = True, upsample: bool = True) -> Array:
    """EigenCAM: the projection of a layer's features on their first principal direction. It knows no class.

    Parameters
    ----------
    X, model, layer, relu, upsample
        As in `grad_cam_plus_plus`.

    Returns
    -------
    maps : ndarray (N, H, W), or (N, h, w)

    Notes
    -----
    The features of an image are a matrix with a row for each position; its first right singular vector gives the
    weights of the channels (equations 3 and 4). Its sign is the one that makes the map's sum positive.

    Examples
    --------
    >>> eigen_cam(X, model, upsample=False).shape
    (1, 8, 8)
    """
    op = "eigen_cam"
    check_model(op, model, X=X)
    layer, _, A = layer_features(op, X, 0, model, layer)
    positions = A.reshape(*A.shape[:2], -1).transpose(0, 2, 1)  # (N, h*w, C)
    weights = np.linalg.svd(positions, full_matrices=False)[2][:, 0]  # (N, C)
    sign = np.where(np.einsum("npc,nc->n", positions, weights) < 0, -1, 1)
    weights = (weights * sign[:, None]).astype(A.dtype)
    return weighted_maps(A, weights[..., None, None], relu, upsample, X.shape[2:])
