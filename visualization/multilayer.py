"""Several layers at once: forward from one to the next, and back, where each adds its own gradient."""

from collections.abc import Iterable
from typing import Any

from .._typing import Array
from ..classifiers.network import Network


def forward_layers(model: Network, X: Array, layers: Iterable[int]) -> tuple[dict[int, Array], list[Any]]:
    """Features of several layers in one forward pass.

    Parameters
    ----------
    model : Network
    X : ndarray (N, 3, H, W)
    layers : iterable of int
        Layer indices, in any order.

    Returns
    -------
    feats : dict of int to ndarray
    caches : list
        For `backward_layers`.
    """
    feats, caches, start = {}, [], None
    for layer in sorted(set(layers)):
        X, cache = model.forward(X, start=start, end=layer)
        feats[layer] = X
        caches.append((layer, cache))
        start = layer + 1
    return feats, caches


def backward_layers(model, dfeats, caches):
    """The gradient to the images of a loss whose gradients at the layers are `dfeats`, a dict of int to ndarray.

    Raises
    ------
    ValueError
        `dfeats` has gradients at other layers than those that `forward_layers` returned.
    """
    layers = [layer for layer, _ in caches]
    if sorted(dfeats) != layers:
        names = [", ".join(model.layer_names[k] for k in which) or "none" for which in (sorted(dfeats), layers)]
        raise ValueError(f"backward_layers: dfeats has the layers {names[0]}, but the features are those of {names[1]}")
    dX = None
    for layer, cache in reversed(caches):
        dX = dfeats[layer] if dX is None else dX + dfeats[layer]
        dX, _ = model.backward(dX, cache)
    return dX
