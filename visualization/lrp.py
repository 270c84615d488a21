"""Layer-wise relevance propagation: the score, handed back layer by layer to what it was computed from.

S. Bach et al., "On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance propagation",
2015; the rules and their composite by depth follow G. Montavon et al., "Layer-wise relevance propagation: an overview",
2019, sections 10.2 and 10.3 (tables and equations are theirs).

A neuron's relevance R_k goes to its inputs in proportion to what they contributed, a_j w_jk of z_k::

    R_j = sum_k a_j w_jk / z_k R_k,    z_k = sum_j a_j w_jk + b_k

All rules are this step with other weights, or another denominator. Batch normalisation is folded into the weights
first, ReLUs pass relevance on, and max pooling gives it to the winner.
"""

from dataclasses import dataclass

import numpy as np

from .._typing import Array, IntArray
from ..classifiers.blocks import Affine, Conv, GlobalAvgPool, Pool
from ..classifiers.folding import fold_batchnorm
from ..classifiers.network import Network
from ..classifiers.scores import one_hot
from ..layers.checks import check_choice
from .attribution import channel_map
from .checks import check_images, check_labels, check_model, check_not_negative

RULES = ("0", "epsilon", "gamma", "z+", "zb")
PRESETS = ("composite", *RULES[:-1])


@dataclass(frozen=True)
class Relevance:
    """How the scores of N images are shared out among their pixels.

    Attributes
    ----------
    maps : ndarray (N, H, W)
        Relevance of the pixels, one number each as asked for.
    relevance : ndarray (N, 3, H, W)
        In units of the score.
    score : ndarray (N,)
        What was shared out.
    layers : list of L str
        Of the network without batch normalisation, the last one first.
    totals : ndarray (L, N)
        The sum of the relevances at the input of each of these layers. Where it falls from one layer to the next,
        biases and epsilon have taken something, or a neuron had nothing to hand its relevance to.
    """

    maps: np.ndarray
    relevance: np.ndarray
    score: np.ndarray
    layers: list
    totals: np.ndarray


def lrp(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    rules: str | dict[str, str] = "composite",
    epsilon: float = 0.25,
    gamma: float = 0.25,
    channels: str = "sum",
    signed: bool = True,
) -> "Relevance":
    """Share the score of class y out among the pixels, from layer to layer.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    rules : {"composite", "0", "epsilon", "gamma", "z+"}, or dict
        "0" and "epsilon" apply to all layers. "gamma" and "z+" are for inputs that are not negative: the layer that
        reads the pixels gets "zb" instead. "composite" takes "zb" at the pixels, "gamma" in the lower half of the
        layers, "epsilon" above and "0" in affine layers (section 10.3). A dictionary {layer: rule} changes the
        composite at single layers of `fold_batchnorm(model)`: {"conv1": "epsilon"}.
    epsilon : float
        Is added to the denominators, with their sign: a part of their root mean square in the layer, for each image.
    gamma : float
        How much more positive weights count.
    channels, signed
        As in `channel_map`. By default the sum over the channels, with its sign.

    Returns
    -------
    Relevance

    Raises
    ------
    ValueError, TypeError
        A rule does not fit its layer, there is no such layer, X is not a batch of images, or a class is out of range.

    Notes
    -----
    ======== =========================================================================== ==================
    rule     each input's share                                                          conserves
    ======== =========================================================================== ==================
    0        a w / z                                                                     all but biases
    epsilon  a w / (z + epsilon sign(z))                                                 less than "0"
    gamma    the same as "0" with w + gamma max(w, 0) and b + gamma max(b, 0)            all but biases
    z+       the same as "0" with max(w, 0) and no bias                                  all
    zb       x w - lo max(w, 0) - hi min(w, 0) over its sum, pixels lying in lo..hi      all
    ======== =========================================================================== ==================

    With "0" everywhere relevance is the gradient times the input, whatever the depth of the network.

    Examples
    --------
    >>> result = lrp(X, y, model, rules="z+")
    >>> result.maps.shape, bool((result.maps >= 0).all() or result.score[0] < 0)
    ((1, 64, 64), True)
    """
    op = "lrp"
    check_model(op, model, X=X, y=y)
    check_images(op, X, model, size_matters=True)
    check_not_negative(op, epsilon=epsilon, gamma=gamma)
    y = check_labels(op, y, len(X), model)
    net = fold_batchnorm(model)
    rule_of = _rules_by_layer(op, net, rules)

    inputs = [X]
    for i in range(len(net.layer_names)):
        inputs.append(net.forward(inputs[-1], start=i, end=i)[0])
    scores = inputs.pop()
    R = one_hot(y, scores) * scores
    totals = []
    for i, (name, block) in reversed(list(enumerate(net.named_blocks()))):
        a = inputs[i]
        if isinstance(block, Conv | Affine):
            R = _share_out(op, net, i, a, R, rule_of[name], epsilon, gamma)
        elif isinstance(block, GlobalAvgPool) or (isinstance(block, Pool) and block.kind == "avg"):
            R = _proportional(net, i, a, R)
        elif isinstance(block, Pool):  # winner takes all
            R, _ = net.backward(R, net.forward(a, start=i, end=i)[1])
        totals.append(R.reshape(len(X), -1).sum(axis=1, dtype=np.float64))
    maps = channel_map(R, channels=channels, signed=signed)
    return Relevance(maps, R, scores[np.arange(len(X)), y], net.layer_names[::-1], np.array(totals))


def propagate_relevance(R: Array, a: Array, layer: int, model: Network, *, epsilon: float = 0.0) -> Array:
    """One layer: the relevance of its outputs goes to its inputs, to each what it contributed.

    Parameters
    ----------
    R : ndarray (N, ...)
        Relevance of the layer's outputs, of their shape.
    a : ndarray (N, ...)
        The layer's inputs.
    layer : int
        Index of a linear layer of `model`: a convolution or an affine layer without ReLU, or average pooling.
    model : Network
    epsilon : float
        Is added to the denominators, with their sign: a part of their root mean square in the layer, for each image.

    Returns
    -------
    ndarray (N, ...)
        Relevance of the inputs, of the shape of `a`. An output that is 0, after epsilon, hands nothing on.

    Notes
    -----
    ``R_j = a_j sum_k w_jk R_k / (z_k + epsilon rms(z) sign(z_k))``, where z are the layer's outputs, with their bias,
    and the sign of 0 counts as 1. The sum over k is the layer's backward pass.

    Examples
    --------
    >>> folded = fold_batchnorm(model)
    >>> a = folded.forward(X, end=-2)[0]
    >>> scores = folded.forward(a, start=-1)[0]
    >>> propagate_relevance(scores, a, len(folded.layer_names) - 1, folded).shape == a.shape
    True
    """
    ### BEGIN SOLUTION
    z, cache = model.forward(a, start=layer, end=layer)
    rms = np.sqrt((z**2).mean(axis=tuple(range(1, z.ndim)), keepdims=True))
    z = np.where(z < 0, z - epsilon * rms, z + epsilon * rms)
    # Where z is 0 nothing came in, so nothing can be handed back.
    ratio = np.divide(R, z, out=np.zeros_like(R), where=z != 0)
    back, _ = model.backward(ratio, cache)
    return a * back
    ### END SOLUTION


def _share_out(op, net, i, a, R, rule, epsilon, gamma):
    """One layer of weights: relevance of its outputs -> relevance of its inputs `a`."""
    number = net.named_blocks()[i][1].number
    W, b = net.params[f"W{number}"], net.params.get(f"b{number}")
    if rule in ("gamma", "z+") and (a < 0).any():
        raise ValueError(
            f"{op}: the rule {rule!r} needs inputs that are not negative, but {net.layer_names[i]} gets some below 0; "
            "take 'zb' for pixels, 'epsilon' elsewhere"
        )
    if rule == "zb":
        return _zb(net, i, a, R, W, number)
    if rule == "gamma":
        b = None if b is None else b + gamma * np.maximum(b, 0)
        return _proportional(net, i, a, R, number, W + gamma * np.maximum(W, 0), b)
    if rule == "z+":
        return _proportional(net, i, a, R, number, np.maximum(W, 0), None)
    return _proportional(net, i, a, R, number, W, b, epsilon if rule == "epsilon" else 0)


def _proportional(net, i, a, R, number=None, W=None, b=None, epsilon=0.0):
    """`propagate_relevance` with other weights in the layer, for rules that change them (section 10.4)."""
    return propagate_relevance(R, a, i, _with_weights(net, number, W, b), epsilon=epsilon)


def _zb(net, i, X, R, W, number):
    """Pixels contribute w times their distance from the bound that speaks least for the neuron: lo, or hi if w < 0."""
    lo, hi = (np.broadcast_to(bound, X.shape).astype(X.dtype) for bound in net.bounds(X))
    parts = [(X, W), (-lo, np.maximum(W, 0)), (-hi, np.minimum(W, 0))]
    runs = [_with_weights(net, number, w, None).forward(x, start=i, end=i) for x, w in parts]
    ratio = _ratio(R, sum(z for z, _ in runs))
    return sum(x * net.backward(ratio, cache)[0] for (x, _), (_, cache) in zip(parts, runs))


def _with_weights(net, number, W, b):
    """The network with other weights in one layer, and another bias there; without a bias it is zero."""
    if number is None:
        return net
    changed = {f"W{number}": W}
    if f"b{number}" in net.params:
        changed[f"b{number}"] = np.zeros_like(net.params[f"b{number}"]) if b is None else b
    return net.with_params(net.params | changed)


def _ratio(R, z):
    """R / z, and 0 where z is 0: nothing came in there, so nothing can be handed back."""
    return np.divide(R, z, out=np.zeros_like(R), where=z != 0)


def _rules_by_layer(op, net, rules):
    """{name of a layer with weights: its rule}."""
    weighted = [(name, block) for name, block in net.named_blocks() if isinstance(block, Conv | Affine)]
    given = rules if isinstance(rules, dict) else {}
    if not isinstance(rules, dict):
        check_choice(op, "rules", rules, PRESETS)
    chosen = {}
    for depth, (name, block) in enumerate(weighted):
        if rules in ("0", "epsilon"):
            rule = rules
        elif depth == 0 and net.layer_names[0] == name:
            rule = "zb"
        elif rules in ("gamma", "z+"):
            rule = rules
        elif isinstance(block, Affine):
            rule = "0"
        else:
            rule = "gamma" if depth < len(weighted) / 2 else "epsilon"
        chosen[name] = given.get(name, rule)
    unknown = [name for name in given if name not in chosen]
    if unknown:
        raise ValueError(f"{op}: no layer with weights is called {unknown[0]!r}; they are {', '.join(chosen)}")
    for name, rule in chosen.items():
        check_choice(op, f"the rule of {name}", rule, RULES)
        if rule == "zb" and name != net.layer_names[0]:
            raise ValueError(f"{op}: the rule 'zb' is for pixels, which lie between bounds; {name} does not read them")
    return chosen
