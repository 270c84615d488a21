"""The family of Grad-CAM: maps of a layer, weighted in seven other ways.

Every method here says only how the maps are weighted, by channel or by channel and position; what follows is shared:
the weighted sum over the channels, the ReLU, and the enlargement to the image. By the gradient:

- Grad-CAM++: A. Chattopadhyay et al., "Grad-CAM++: generalized gradient-based visual explanations for deep
  convolutional networks", 2018, section 3
- LayerCAM: P.-T. Jiang et al., "LayerCAM: exploring hierarchical class activation maps for localization", 2021,
  section III
- HiResCAM: R. Draelos and L. Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural
  networks", 2020, section 3
- XGrad-CAM: R. Fu et al., "Axiom-based Grad-CAM: towards accurate visualization and explanation of CNNs", 2020,
  section 3

By trying: Score-CAM (H. Wang et al., "Score-CAM: score-weighted visual explanations for convolutional neural
networks", 2020, section 3) and Ablation-CAM (S. Desai and H. Ramaswamy, "Ablation-CAM: visual explanations for deep
convolutional network via gradient-free localization", 2020, section 3). By the maps alone: EigenCAM (M. Muhammad and
M. Yeasin, "Eigen-CAM: class activation map using principal components", 2020, section III).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..classifiers.scores import one_hot, softmax
from .cam import layer_with_maps, upsample_maps
from .checks import check_images, check_labels, check_model, check_whole

Layer = int | str | None


def grad_cam_plus_plus(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    layer: Layer = None,
    relu: bool = True,
    upsample: bool = True,
) -> Array:
    """Grad-CAM++: positions where the gradient is positive, weighted so that small objects count as much as large ones.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    layer : int or str, optional
        A layer that has maps, and others after it; by default the last whose maps are features, not classes.
    relu : bool
        Leave out what is negative. Weights are never negative here, so behind a ReLU this changes nothing.
    upsample : bool
        To the size of the image, bilinearly; False: as the layer has it.

    Returns
    -------
    maps : ndarray (N, H, W), or (N, h, w)

    Examples
    --------
    >>> grad_cam_plus_plus(X, y, model, upsample=False).shape
    (1, 8, 8)
    """
    return _by_gradient("grad_cam_plus_plus", X, y, model, layer, relu, upsample, grad_cam_plus_plus_weights)


def grad_cam_plus_plus_weights(A: Array, g: Array) -> Array:
    """How Grad-CAM++ weights each channel.

    Parameters
    ----------
    A : ndarray (N, C, h, w)
        A layer's maps.
    g : ndarray (N, C, h, w)
        The gradient of the score to them.

    Returns
    -------
    ndarray (N, C, 1, 1)

    Notes
    -----
    ``sum over positions of alpha max(g, 0)``, ``alpha = g^2 / (2 g^2 + sum(A) g^3)``, with the sum of the channel's map
    (equations 14 and 19, for the exponential of the score). Where the denominator is 0, so is alpha.
    """
    ### BEGIN SOLUTION
    below = 2 * g**2 + A.sum(axis=(2, 3), keepdims=True) * g**3
    alpha = np.divide(g**2, below, out=np.zeros_like(g), where=below != 0)
    return (alpha * np.maximum(g, 0)).sum(axis=(2, 3), keepdims=True)
    ### END SOLUTION


def layer_cam(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    layer: Layer = None,
    relu: bool = True,
    upsample: bool = True,
) -> Array:
    """LayerCAM: every position has a weight of its own, its gradient where that is positive.

    Parameters
    ----------
    X, y, model, layer, relu, upsample
        As in `grad_cam_plus_plus`.

    Returns
    -------
    maps : ndarray (N, H, W), or (N, h, w)

    Notes
    -----
    ``map = max(0, sum over channels of max(g, 0) A)`` (equations 5 and 6): usable at early layers, too, where the mean
    of the gradient over all positions says little.

    Examples
    --------
    >>> layer_cam(X, y, model, layer="conv3").shape
    (1, 64, 64)
    """
    return _by_gradient("layer_cam", X, y, model, layer, relu, upsample, layer_cam_weights)


def layer_cam_weights(A: Array, g: Array) -> Array:
    """How LayerCAM weights each position of each channel.

    Parameters
    ----------
    A, g
        As in `grad_cam_plus_plus_weights`.

    Returns
    -------
    ndarray (N, C, h, w)
        The gradient where it is positive, 0 elsewhere.
    """
    ### BEGIN SOLUTION
    return np.maximum(g, 0)
    ### END SOLUTION


def hires_cam(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    layer: Layer = None,
    relu: bool = True,
    upsample: bool = True,
) -> Array:
    """HiResCAM: activation times gradient, position by position, summed over the channels.

    Parameters
    ----------
    X, y, model, layer, relu, upsample
        As in `grad_cam_plus_plus`.

    Returns
    -------
    maps : ndarray (N, H, W), or (N, h, w)

    Notes
    -----
    ``map = sum over channels of g A`` (equation 5). In front of global average pooling and one affine layer it equals
    Grad-CAM, and CAM divided by the number of positions; its sum is then the score less the bias.

    Examples
    --------
    >>> maps = hires_cam(X, y, model, relu=False, upsample=False)
    >>> bool(np.allclose(maps.sum() + model.params["b8"][y], model.scores(X)[0, y], rtol=1e-3))
    True
    """
    return _by_gradient("hires_cam", X, y, model, layer, relu, upsample, lambda A, g: g)


def xgrad_cam(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    layer: Layer = None,
    relu: bool = True,
    upsample: bool = True,
) -> Array:
    """XGrad-CAM: each channel weighted by the mean of its gradient, taken where the channel is active.

    Parameters
    ----------
    X, y, model, layer, relu, upsample
        As in `grad_cam_plus_plus`.

    Returns
    -------
    maps : ndarray (N, H, W), or (N, h, w)

    Notes
    -----
    ``weight = sum over positions of A g / sum over positions of A`` (equation 8). A channel that is 0 everywhere
    gets 0.

    Examples
    --------
    >>> xgrad_cam(X, y, model, upsample=False).shape
    (1, 8, 8)
    """

    def weights(A, g):
        total = A.sum(axis=(2, 3), keepdims=True)
        return np.divide((A * g).sum(axis=(2, 3), keepdims=True), total, out=np.zeros_like(total), where=total != 0)

    return _by_gradient("xgrad_cam", X, y, model, layer, relu, upsample, weights)


def score_cam(
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
    """Score-CAM: each channel's map, enlarged, is laid over the image as a mask; its weight is the score that is left.

    Parameters
    ----------
    X, y, model, layer, relu, upsample
        As in `grad_cam_plus_plus`. Weights come out of a softmax over the channels, and are never negative.
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
    As many forward passes for an image as the layer has channels. The mask runs from 0 to 1, and multiplies the image
    in model space, where 0 is the mean of the training set. The paper counts the increase over the score of an image of
    zeros (section 3.2, definition 3, and algorithm 1); it is the same for all channels, and the softmax cancels it.

    Examples
    --------
    >>> score_cam(X, y, model, layer="conv1").shape
    (1, 64, 64)
    """
    op = "score_cam"
    layer, y, A = _features(op, X, y, model, layer)
    check_whole(op, 1, batch_size=batch_size)
    maps = []
    with progress_bar(total=A.shape[0] * A.shape[1], progress=progress, desc="Score-CAM", unit="image") as bar:
        for n in range(len(X)):
            low, high = A[n].min(axis=(1, 2)), A[n].max(axis=(1, 2))
            spread = np.where(high > low, high - low, 1)[:, None, None]
            left = np.empty(A.shape[1])
            for first in range(0, len(left), batch_size):
                part = slice(first, first + batch_size)
                masks = upsample_maps((A[n, part] - low[part, None, None]) / spread[part], X.shape[2:])
                masked = (X[n] * masks[:, None]).astype(X.dtype)
                left[part] = model.scores(masked, batch_size=batch_size)[:, y[n]]
                bar.update(len(masked))
            weights = softmax(left[None])[0].astype(A.dtype)  # (C,)
            maps.append(_weighted(A[n : n + 1], weights[None, :, None, None], relu, upsample, X.shape[2:]))
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
    layer, y, A = _features(op, X, y, model, layer)
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
            maps.append(_weighted(A[n : n + 1], weights[None, :, None, None], relu, upsample, X.shape[2:]))
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
    layer, _, A = _features(op, X, 0, model, layer)
    positions = A.reshape(*A.shape[:2], -1).transpose(0, 2, 1)  # (N, h*w, C)
    weights = np.linalg.svd(positions, full_matrices=False)[2][:, 0]  # (N, C)
    sign = np.where(np.einsum("npc,nc->n", positions, weights) < 0, -1, 1)
    weights = (weights * sign[:, None]).astype(A.dtype)
    return _weighted(A, weights[..., None, None], relu, upsample, X.shape[2:])


# -- what they share --------------------------------------------------------------------------------------------------


def _by_gradient(op, X, y, model, layer, relu, upsample, weights):
    """A map of the layer's features A and the gradient g of the score to them, both (N, C, h, w)."""
    layer, y, A = _features(op, X, y, model, layer)
    scores, cache = model.forward(A, start=layer + 1)
    g, _ = model.backward(one_hot(y, scores), cache)
    return _weighted(A, weights(A, g), relu, upsample, X.shape[2:])


def _features(op, X, y, model, layer):
    """The layer's index, the classes (N,), and the layer's features (N, C, h, w)."""
    check_model(op, model, X=X, y=y)
    check_images(op, X, model, size_matters=True)
    layer = layer_with_maps(op, layer, model, X.shape[2:])
    return layer, check_labels(op, y, len(X), model), model.forward(X, end=layer)[0]


def _weighted(A, weights, relu, upsample, size):
    """The sum over the channels, weights (N, C, 1, 1) or (N, C, h, w); then the ReLU, and then the enlargement."""
    maps = (weights * A).sum(axis=1)
    if relu:
        maps = np.maximum(maps, 0)
    return upsample_maps(maps, size) if upsample else maps
