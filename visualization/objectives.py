"""Objectives: what DeepDream increases.

An objective says what to increase: given the features of some layers, it returns its gradient with respect to them.
It is a function ``feats -> dfeats``; both are dicts of layer index to array (N, C, ...), with the same keys and shapes.
A loop such as `deepdream` computes the features, calls the objective, and brings the gradient back to the pixels. The
loop does not depend on the objective (as in lucid's `objectives.py`), so you can write your own::

    def one_channel(feats):
        return {k: a * (np.arange(a.shape[1]) == 17)[:, None, None] for k, a in feats.items()}

- `activation`: half the squared activations of the layers, DeepDream's own
- `mixture`: the same with a weight for each layer or channel
- `guided`: the product with the features of another image (A. Mordvintsev, C. Olah and M. Tyka, "Inceptionism: going
  deeper into neural networks", 2015, with its notebook's section "Controlling dreams")
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._typing import Array
from ..classifiers.network import Network
from .checks import check_images
from .multilayer import forward_layers

Weights = Mapping[Any, float]  # {layer or (layer, channel): weight}
LARGEST_BLOCK = 2**22  # products that `guided` computes at once


@dataclass(frozen=True)
class LayerObjective:
    """An objective that knows its layers.

    Attributes
    ----------
    layers : list of int
        The indices of the layers whose features it takes, in ascending order.
    gradient : callable feats -> dfeats
    """

    layers: list[int]
    gradient: Callable[[dict[int, Array]], dict[int, Array]]

    def __call__(self, feats: dict[int, Array]) -> dict[int, Array]:
        return self.gradient(feats)


def activation(feats: dict[int, Array]) -> dict[int, Array]:
    """Half the squared activations, summed over the layers. The gradient is the activations themselves.

    Parameters
    ----------
    feats : dict of int to ndarray (N, C, ...)

    Returns
    -------
    dict of int to ndarray

    Examples
    --------
    >>> activation({3: np.ones((1, 2))})
    {3: array([[1., 1.]])}
    """
    return dict(feats)


def mixture(weights: Weights, model: Network) -> LayerObjective:
    """Half the weighted sum of squared activations of several layers, or of some of their channels.

    Parameters
    ----------
    weights : dict of int, str or (int or str, int) to float
        A weight for each layer, or layer and channel: ``{"conv4": 1, ("conv5", 17): 20}``. The weights of a layer and
        of one of its channels add up.
    model : Network

    Returns
    -------
    LayerObjective
        A callable feats -> dfeats.

    Raises
    ------
    ValueError
        The mixture is empty, a layer or channel is unknown, or a weight is not finite.

    Examples
    --------
    >>> objective = mixture({"conv4": 1.0, "conv5": 0.5}, model)
    >>> deepdream(X, None, model, objective=objective, num_iterations=1, num_octaves=1).shape
    (1, 3, 64, 64)
    """
    channels = _channel_weights("mixture", weights, model)

    def gradient(feats):
        return {k: w.astype(feats[k].dtype) * feats[k] for k, w in channels.items()}

    return LayerObjective(sorted(channels), gradient)


def guided(guide: Array, weights: int | str | Weights, model: Network) -> LayerObjective:
    """The product of the features with a guide's: at each position, the guide's features with the largest product.

    Parameters
    ----------
    guide : ndarray (1, 3, h, w)
        An image of any size, in model space.
    weights : int or str, or dict
        One layer; or weights for several, as in `mixture`.
    model : Network

    Returns
    -------
    LayerObjective
        A callable feats -> dfeats.

    Raises
    ------
    ValueError, TypeError
        The guide is not one image in model space, or the mixture is not one of this network.

    Examples
    --------
    >>> objective = guided(X, "conv3", model)
    >>> deepdream(X, None, model, objective=objective, num_iterations=1, num_octaves=1).shape
    (1, 3, 64, 64)
    """
    op = "guided"
    check_images(op, guide, model)
    if len(guide) != 1:
        raise ValueError(f"{op}: one image can guide, got {len(guide)}")
    channels = _channel_weights(op, weights if isinstance(weights, Mapping) else {weights: 1}, model)
    guides, _ = forward_layers(model, guide, channels)

    def gradient(feats):
        dfeats = {}
        for k, w in channels.items():
            w = w.astype(feats[k].dtype)
            dfeats[k] = w * _nearest(w * feats[k], guides[k])  # the product's gradient with respect to the features
        return dfeats

    return LayerObjective(sorted(channels), gradient)


def layers_of(weights: Weights, model: Network) -> list[int]:
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
    candidates = guide.reshape(C, -1).T  # (positions of the guide, C)
    here = np.moveaxis(a, 1, -1).reshape(-1, C)  # (positions, C)
    rows = max(1, LARGEST_BLOCK // len(candidates))
    blocks = [here[start : start + rows] for start in range(0, len(here), rows)]
    best = candidates[np.concatenate([(block @ candidates.T).argmax(axis=1) for block in blocks])]
    return np.moveaxis(best.reshape(N, *a.shape[2:], C), -1, 1)
