"""Saliency maps: which pixels does the score of a class depend on?

K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks: visualising image classification
models and saliency maps", 2014, section 3. The score is that before the softmax: behind it, the gradient of a class
the network is sure of is almost zero.
"""

import numpy as np

from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..classifiers.scores import one_hot
from .checks import check_images, check_labels


def class_gradient(X: Array, y: IntArray | int, model: Network, *, relu_rule: str = "standard") -> Array:
    """The gradient of the score of class y to the pixels.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    relu_rule : {"standard", "guided", "deconv"}
        What a ReLU sends back; see `relu_backward`. Only "standard" makes it a gradient.

    Returns
    -------
    ndarray (N, 3, H, W)
        Score per unit of model space.

    Raises
    ------
    ValueError, TypeError
        X is not a batch of images, a class or the rule is out of range.
    """
    check_images("class_gradient", X, model)
    y = check_labels("class_gradient", y, len(X), model)
    ### BEGIN SOLUTION
    scores, cache = model.forward(X)
    dscores = one_hot(y, scores)  # the derivative of "score of class y" by all scores
    dX, _ = model.backward(dscores, cache, relu_rule=relu_rule)
    return dX
    ### END SOLUTION


def compute_saliency_maps(X: Array, y: IntArray | int, model: Network) -> Array:
    """How strongly the score of class y reacts to each pixel.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network

    Returns
    -------
    saliency : ndarray (N, H, W)
        The largest magnitude over the channels of the score's gradient; never negative. Score per unit of model
        space.

    Raises
    ------
    ValueError, TypeError
        X is not a batch of images, or a class is out of range.

    Examples
    --------
    >>> saliency = compute_saliency_maps(X, y, model)
    >>> saliency.shape, bool((saliency >= 0).all())
    ((1, 64, 64), True)
    """
    check_images("compute_saliency_maps", X, model, size_matters=True)
    y = check_labels("compute_saliency_maps", y, len(X), model)
    ### BEGIN SOLUTION
    dX = class_gradient(X, y, model)
    return np.abs(dX).max(axis=1)
    ### END SOLUTION
