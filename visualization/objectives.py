"""Objectives: what an image is changed for, told by the gradient at the layers that are read.

An objective is a function ``feats -> dfeats``: from the features of some layers, a dict of layer index to array
(N, C, ...), to the gradient of what shall grow by these features, a dict of the same keys and shapes. A loop such as
`deepdream` goes forward to the layers, asks the objective, and goes back; which objective it is, it does not know (as
in lucid's `objectives.py`). A function of your own serves as well::

    def one_channel(feats):
        return {k: a * (np.arange(a.shape[1]) == 17)[:, None, None] for k, a in feats.items()}

- `activation`: half the squared activations of the layers, DeepDream's own
- `mixture`: the same with a weight for each layer or channel
- `guided`: the likeness to the features of another image (A. Mordvintsev, C. Olah and M. Tyka, "Inceptionism: going
  deeper into neural networks", 2015, with its notebook's section "Controlling dreams")
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._typing import Array
from ..classifiers.network import Network
from .checks import check_images
from .multilayer import forward_layers


def activation(feats: dict[int, Array]) -> dict[int, Array]:
    """Half the squared activations, summed over the layers: the gradient is the activations themselves.

    Parameters
    ----------
    feats : dict of int to ndarray (N, C, ...)

    Returns
    -------
    dict of int to ndarray
    """
    return dict(feats)


def mixture(weights, model):
    """Half the weighted sum of squared activations of several layers, or of single channels of them.

    Parameters
    ----------
    weights : dict of int, str or (int or str, int) to float
        By layer, or by layer and channel: ``{"conv4": 1, ("conv5", 17): 20}``. The weights of a layer and of a channel
        of it add up.
    model : Network

    Returns
    -------
    callable feats -> dfeats

    Raises
    ------
    ValueError
        There is nothing in it, a layer or channel is unknown, or a weight is not finite.

    Examples
    --------
    >>> weights = {"conv4": 1, ("conv5", 17): 20}
    >>> deepdream(X, layers_of(weights, model), model, objective=mixture(weights, model))       # doctest: +SKIP
    """
    channels = _channel_weights("mixture", weights, model)
    return lambda feats: {k: w.astype(feats[k].dtype) * feats[k] for k, w in channels.items()}


def guided(guide: Array, weights: int | str | dict[str, Any], model: Network) -> Callable[..., Any]:
    """The weighted product of each position's features with those of the guide's features that are nearest to them.

    Parameters
    ----------
    guide : ndarray (1, 3, h, w)
        An image of any size, in model space.
    weights : int or str, or dict
        One layer; or a mixture, as in `mixture`.
    model : Network

    Returns
    -------
    callable feats -> dfeats

    Raises
    ------
    ValueError, TypeError
        The guide is not one image in model space, or the mixture is not one of this network.

    Examples
    --------
    >>> deepdream(X, "conv5", model, objective=guided(guide, "conv5", model))       # doctest: +SKIP
    """
    op = "guided"
    check_images(op, guide, model)
    if len(guide) != 1:
        raise ValueError(f"{op}: one image can guide, got {len(guide)}")
    channels = _channel_weights(op, weights if isinstance(weights, dict) else {weights: 1}, model)
    guides, _ = forward_layers(model, guide, channels)

    def objective(feats):
        dfeats = {}
        for k, w in channels.items():
            w = w.astype(feats[k].dtype)
            dfeats[k] = w * _nearest(w * feats[k], guides[k])  # the product's derivative by the features
        return dfeats

    return objective


def layers_of(weights, model):
    """The indices of the layers of a mixture, in ascending order."""
    return sorted(_channel_weights("layers_of", weights, model))


def _channel_weights(op, weights, model):
    """{layer index: weights of its channels}, (C, 1, 1), or (C,) where the layer has no maps; float64."""
    if not weights:
        raise ValueError(f"{op}: the mixture of layers is empty")
    shapes, channels = list(model.output_shapes().values()), {}
    for wanted, weight in weights.items():
        name, channel = wanted if isinstance(wanted, tuple) else (wanted, None)
        k = model.layer_index(name)
        C = shapes[k][0]
        of_layer = channels.setdefault(k, np.zeros(C))
        if not np.isfinite(weight):
            raise ValueError(f"{op}: the weight of {wanted!r} must be finite, got {weight}")
        if channel is None:
            of_layer += weight
        elif 0 <= channel < C:
            of_layer[channel] += weight
        else:
            raise ValueError(f"{op}: layer {name} has channels 0 to {C - 1}, got {channel}")
    return {k: w.reshape(-1, *[1] * (len(shapes[k]) - 1)) for k, w in channels.items()}


def _nearest(a, guide):
    """For each position of features (N, C, ...) those of the guide (1, C, ...) with the largest product."""
    N, C = a.shape[:2]
    candidates = guide.reshape(C, -1).T  # (positions, C)
    here = np.moveaxis(a, 1, -1).reshape(-1, C)
    best = candidates[(here @ candidates.T).argmax(axis=1)]
    return np.moveaxis(best.reshape(N, *a.shape[2:], C), -1, 1)
