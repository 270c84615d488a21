"""The losses of style transfer, each with its gradient.

L. Gatys, A. Ecker and M. Bethge, "Image style transfer using convolutional neural networks", 2016, section 2: the
content of a picture is a deep layer's features, place by place; its style, the products of all pairs of features summed
over all places, which forget where things are. Scales are those of CS231n's assignment. Total variation, the third
loss, is `tv_loss`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._typing import Array
from ..layers.checks import check_array, same_shape
from ..layers.fast.parallel import product
from .checks import check_finite, check_not_negative


def content_loss(content_weight: float, content_current: Array, content_original: Array) -> tuple[float, Array]:
    """How far features are from those of the content image, and the gradient.

    Parameters
    ----------
    content_weight : float
        Factor of the loss.
    content_current, content_original : ndarray, of one shape
        Features of the image in the making and of the content image.

    Returns
    -------
    loss : float
        ``content_weight * sum (current - original)^2``
    dcurrent : ndarray
        Of the features' shape.

    Raises
    ------
    ValueError
        The shapes differ, or the weight is negative.

    Examples
    --------
    >>> loss, dcurrent = content_loss(0.5, np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    >>> loss, dcurrent
    (2.0, array([0., 2.]))
    """
    check_not_negative("content_loss", content_weight=content_weight)
    same_shape("content_loss", "content_current", content_current, np.shape(content_original))
    check_finite("content_loss", "content_current", content_current, power=2)
    check_finite("content_loss", "content_original", content_original, power=2)
    ### BEGIN SOLUTION
    difference = content_current - content_original
    loss = content_weight * np.square(difference, dtype=np.float64).sum()
    difference *= 2 * content_weight
    return float(loss), difference
    ### END SOLUTION


def gram_matrix(features: Array, normalize: bool = True) -> Array:
    """The Gram matrix of features: for each pair of channels the sum of their products over all positions.

    Parameters
    ----------
    features : ndarray (N, C, H, W)
    normalize : bool
        Divide by C * H * W, so that images of any size compare.

    Returns
    -------
    gram : ndarray (N, C, C)
        Symmetric, and the same for any order of the positions.

    Raises
    ------
    ValueError, TypeError
        features is not a float array (N, C, H, W).

    Examples
    --------
    >>> features = rng.normal(size=(1, 3, 4, 5))
    >>> gram = gram_matrix(features)
    >>> gram.shape, bool(np.allclose(gram[0], gram[0].T))
    ((1, 3, 3), True)
    """
    check_array("gram_matrix", "features", features, "N C H W")
    check_finite("gram_matrix", "features", features, power=2)
    ### BEGIN SOLUTION
    N, C, H, W = features.shape
    rows = features.transpose(0, 2, 3, 1).reshape(N, H * W, C)  # a view where channels lie last in memory
    gram = product(rows.transpose(0, 2, 1), rows)  # (N, C, C)
    return gram / (C * H * W) if normalize else gram
    ### END SOLUTION


def gram_matrix_backward(dgram: Array, features: Array, normalize: bool = True) -> Array:
    """Gradient of `gram_matrix`.

    Parameters
    ----------
    dgram : ndarray (N, C, C)
        Upstream gradient; it need not be symmetric.
    features : ndarray (N, C, H, W)
    normalize : bool
        As in the forward pass.

    Returns
    -------
    dfeatures : ndarray (N, C, H, W)

    Examples
    --------
    >>> features = rng.normal(size=(1, 3, 4, 5))
    >>> gram_matrix_backward(np.ones((1, 3, 3)), features).shape
    (1, 3, 4, 5)
    """
    op = "gram_matrix_backward"
    check_array(op, "features", features, "N C H W")
    N, C, H, W = features.shape
    same_shape(op, "dgram", dgram, (N, C, C))
    check_finite(op, "dgram", dgram)
    check_finite(op, "features", features)
    ### BEGIN SOLUTION
    rows = features.transpose(0, 2, 3, 1).reshape(N, H * W, C)
    # With G = F F^T for features F (C, H * W) the gradient is (dG + dG^T) F.
    both = dgram + dgram.transpose(0, 2, 1)
    if normalize:
        both /= C * H * W
    dfeatures = product(rows, both)  # (N, H * W, C)
    return dfeatures.reshape(N, H, W, C).transpose(0, 3, 1, 2)
    ### END SOLUTION


def style_loss(
    feats: Sequence[Any] | dict[int, Any],
    style_layers: Sequence[int],
    style_targets: Sequence[Array] | Array,
    style_weights: Sequence[float],
) -> tuple[float, list[Array]]:
    """How far the Gram matrices of some layers are from those of the style image, and the gradients.

    Parameters
    ----------
    feats : sequence or dict of ndarray (N, C, H, W)
        Features by layer index, such as `SqueezeNet.extract_features` returns.
    style_layers : sequence of int
        Which layers count.
    style_targets : sequence of ndarray (N, C, C) or (1, C, C)
        Their Gram matrices (normalised) in the style image.
    style_weights : sequence of float
        Their factors.

    Returns
    -------
    loss : float
        ``sum over layers of weight * sum (gram - target)^2``
    dfeats : list of ndarray (N, C, H, W)
        The gradient at each style layer, in the order of `style_layers`.

    Raises
    ------
    ValueError, TypeError
        There are not as many targets or weights as layers, a target does not fit, or a weight is negative.

    Examples
    --------
    >>> feats = [rng.normal(size=(1, 3, 4, 4))]
    >>> loss, dfeats = style_loss(feats, [0], [gram_matrix(feats[0])], [1.0])
    >>> loss, dfeats[0].shape
    (0.0, (1, 3, 4, 4))
    """
    op = "style_loss"
    if not len(style_layers) == len(style_targets) == len(style_weights):
        raise ValueError(
            f"{op}: each layer needs a target and a weight, got {len(style_layers)} layers, "
            f"{len(style_targets)} targets and {len(style_weights)} weights"
        )
    for layer, target, weight in zip(style_layers, style_targets, style_weights):
        check_not_negative(op, style_weights=weight)
        check_array(op, f"feats[{layer!r}]", feats[layer], "N C H W")
        N, C = feats[layer].shape[:2]
        if np.shape(target) not in ((N, C, C), (1, C, C)):
            raise ValueError(
                f"{op}: the target of layer {layer} must have the shape {(N, C, C)}, got {np.shape(target)}"
            )
        check_finite(op, f"the target of layer {layer}", target, power=2)
    ### BEGIN SOLUTION
    loss, dfeats = 0.0, []
    for layer, target, weight in zip(style_layers, style_targets, style_weights):
        difference = gram_matrix(feats[layer]) - target
        loss += weight * np.square(difference, dtype=np.float64).sum()
        dfeats.append(gram_matrix_backward(2 * weight * difference, feats[layer]))
    return float(loss), dfeats
    ### END SOLUTION
