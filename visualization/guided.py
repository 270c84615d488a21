"""Guided backpropagation and the deconvnet: what a score or a neuron responds to, drawn in colour.

Both are backpropagation with a different rule at the ReLUs.

- J. Springenberg et al., "Striving for simplicity: the all convolutional net", 2015, section 3.4 (guided)
- M. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", 2014, section 2.1 (deconvnet)

They are not gradients. J. Adebayo et al., "Sanity checks for saliency maps", 2018, show that guided backpropagation
hardly changes when the upper layers are randomised: see `sanity_check`.
"""

import numpy as np

from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..classifiers.scores import one_hot
from ..layers.checks import RELU_RULES, check_choice
from .checks import check_images, check_labels, check_model, check_whole
from .saliency import class_gradient

UPSTREAM = ("one", "activation")


def guided_backprop(X: Array, y: IntArray | int, model: Network) -> Array:
    """Guided backpropagation of the score of class y: only what is positive and was active goes back.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network

    Returns
    -------
    ndarray (N, 3, H, W)
        `channel_map` makes maps of it.

    Examples
    --------
    >>> guided_backprop(X, y, model).shape
    (1, 3, 64, 64)
    """
    check_images("guided_backprop", X, model, size_matters=True)
    y = check_labels("guided_backprop", y, len(X), model)
    ### BEGIN SOLUTION
    scores, cache = model.forward(X)
    dX, _ = model.backward(one_hot(y, scores), cache, relu_rule="guided")
    return dX
    ### END SOLUTION


def deconvnet(X: Array, y: IntArray | int, model: Network) -> Array:
    """The deconvnet of the score of class y: only what is positive goes back, active or not.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network

    Returns
    -------
    ndarray (N, 3, H, W)
        The image matters only through the positions of max pooling; without these the result is the same for every
        image.

    Examples
    --------
    >>> deconvnet(X, y, model).shape
    (1, 3, 64, 64)
    """
    check_images("deconvnet", X, model, size_matters=True)
    return class_gradient(X, y, model, relu_rule="deconv")


def neuron_gradient(
    X: Array,
    layer: int | str,
    model: Network,
    *,
    channel: int,
    position: tuple[int, int] | str | None = None,
    relu_rule: str = "guided",
    upstream: str = "one",
) -> Array:
    """What a neuron, or a whole channel, of any layer responds to.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    layer : int or str
        Layer index or name.
    model : Network
    channel : int
        Of the layer's maps; of a layer without maps, the unit.
    position : (int, int), "strongest" or None
        Row and column of a neuron in the channel; each image's neuron with the largest activation; or None, all
        neurons of the channel together. A layer without maps has no positions.
    relu_rule : {"guided", "standard", "deconv"}
        What a ReLU sends back, that of the layer itself included.
    upstream : {"one", "activation"}
        What each neuron sends back: 1, so that with "standard" the result is the gradient of their sum, or its
        activation, as in the deconvnet (Zeiler and Fergus, section 2.1).

    Returns
    -------
    ndarray (N, 3, H, W)

    Raises
    ------
    ValueError, TypeError
        X is not a batch of images; layer, channel, position or an option is out of range.

    Examples
    --------
    >>> neuron_gradient(X, "conv3", model, channel=5).shape
    (1, 3, 64, 64)
    """
    op = "neuron_gradient"
    check_model(op, model, X=X, layer=layer)
    check_images(op, X, model, size_matters=True)
    check_choice(op, "relu_rule", relu_rule, RELU_RULES)
    check_choice(op, "upstream", upstream, UPSTREAM)
    layer = model.layer_index(layer)
    features, cache = model.forward(X, end=layer)  # (N, C, h, w) or (N, C)
    chosen = _neurons(op, features, channel, position, model.layer_names[layer])
    dout = chosen * (features if upstream == "activation" else 1)
    dX, _ = model.backward(dout.astype(features.dtype), cache, relu_rule=relu_rule)
    return dX


def _neurons(op, features, channel, position, name):
    """1 at the neurons asked for, 0 elsewhere: of the shape of the features."""
    check_whole(op, 0, channel=channel)
    if channel >= features.shape[1]:
        raise ValueError(f"{op}: {name} has the channels 0 to {features.shape[1] - 1}, got {channel}")
    chosen = np.zeros_like(features)
    if position is None:
        chosen[:, channel] = 1
        return chosen
    if features.ndim != 4:
        raise ValueError(f"{op}: {name} has no maps, so that its units have no position; leave it out")
    h, w = features.shape[2:]
    if isinstance(position, str):
        check_choice(op, "position", position, ("strongest",))
        rows, columns = np.divmod(features[:, channel].reshape(len(features), -1).argmax(axis=1), w)
    else:
        if np.shape(position) != (2,):
            raise ValueError(f"{op}: position is a row and a column, 'strongest' or None; got {position!r}")
        rows, columns = position
        check_whole(op, 0, row=rows, column=columns)
        if rows >= h or columns >= w:
            raise ValueError(f"{op}: the maps of {name} have {h} rows and {w} columns, got position {tuple(position)}")
    chosen[np.arange(len(features)), channel, rows, columns] = 1
    return chosen
