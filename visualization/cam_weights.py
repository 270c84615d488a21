"""The family of Grad-CAM, by the gradient: maps of a layer, weighted in four other ways.

Every method here says only how the maps are weighted, by channel or by channel and position; what follows is shared
with those of `cam_without_gradients`: the weighted sum over the channels, the ReLU, and the enlargement to the image.

- Grad-CAM++: A. Chattopadhyay et al., "Grad-CAM++: generalized gradient-based visual explanations for deep
  convolutional networks", 2018, section 3
- LayerCAM: P.-T. Jiang et al., "LayerCAM: exploring hierarchical class activation maps for localization", 2021,
  section III
- HiResCAM: R. Draelos and L. Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural
  networks", 2020, section 3
- XGrad-CAM: R. Fu et al., "Axiom-based Grad-CAM: towards accurate visualization and explanation of CNNs", 2020,
  section 3
"""

import numpy as np

from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..classifiers.scores import one_hot
from .cam import Layer, layer_features, weighted_maps


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


def _by_gradient(op, X, y, model, layer, relu, upsample, weights):
    """A map of the layer's features A and the gradient g of the score to them, both (N, C, h, w)."""
    layer, y, A = layer_features(op, X, y, model, layer)
    scores, cache = model.forward(A, start=layer + 1)
    g, _ = model.backward(one_hot(y, scores), cache)
    return weighted_maps(A, weights(A, g), relu, upsample, X.shape[2:])
