"""A network taken apart: batch normalisation folded into the weights, every ReLU a layer of its own.

In test mode batch normalisation is a linear map of each channel, so a convolution and the normalisation behind it are
one convolution with other weights and biases. Methods that go through a network layer by layer, such as layer-wise
relevance propagation, need no rule for batch normalisation then, and what they call a bias is all that a layer adds.
"""

from typing import Any

import numpy as np

from .blocks import BN_EPS
from .network import Network


def fold_batchnorm(model: Network) -> Network:
    """The same function of the pixels, made of convolutions, affine layers, ReLUs and pools only.

    Parameters
    ----------
    model : Network
        Is not modified.

    Returns
    -------
    Network
        Each layer does one thing. A Fire module becomes two convolutions: its 1x1 filters stand in the middle of 3x3
        filters of zeros, beside the others.

    Notes
    -----
    ``w' = w gamma / sqrt(running_var + eps)`` and
    ``b' = beta + (b - running_mean) gamma / sqrt(running_var + eps)``.

    Examples
    --------
    >>> folded = fold_batchnorm(model)
    >>> folded.layer_names[:4]
    ['conv1', 'relu1', 'conv2', 'relu2']
    >>> bool(np.allclose(folded.scores(X), model.scores(X), atol=1e-3))
    True
    """
    if not isinstance(model, Network):
        raise TypeError(f"fold_batchnorm: model is a {type(model).__name__}, expected a network: fold_batchnorm(model)")
    architecture: list[dict[str, Any]] = []
    params: dict[str, Any] = {}

    def add(entry, w, b, relu):
        architecture.append(entry | {"relu": False, "bias": b is not None})
        number = 1 + sum(name.startswith("W") for name in params)
        params[f"W{number}"] = w
        if b is not None:
            params[f"b{number}"] = b
        if relu:
            architecture.append({"type": "relu"})

    for entry, (_, block) in zip(model.architecture, model.named_blocks()):
        if entry["type"] in ("conv", "affine"):
            w, b = _folded(block, model.params)
            entry = {key: value for key, value in entry.items() if key != "batchnorm"}
            add(entry, w, b, block.relu)
        elif entry["type"] == "fire":
            n = block.number
            w1, w3 = model.params[f"W{n + 1}"], model.params[f"W{n + 2}"]
            expand = np.concatenate([np.pad(w1, ((0, 0), (0, 0), (1, 1), (1, 1))), w3])  # (E1 + E3, S, 3, 3)
            biases = np.concatenate([model.params[f"b{n + 1}"], model.params[f"b{n + 2}"]])
            squeeze = model.params[f"W{n}"], model.params[f"b{n}"]
            add({"type": "conv", "filters": len(squeeze[0]), "size": 1}, *squeeze, relu=True)
            add({"type": "conv", "filters": len(expand), "size": 3, "pad": 1}, expand, biases, relu=True)
        else:
            architecture.append(dict(entry))

    folded = Network(
        architecture,
        params,
        input_size=model.input_size,
        class_names=model.class_names,
        wnids=model.wnids,
        dtype=model.dtype,
        engine=model.engine,
    )
    folded.pixels = model.pixels
    return folded


def _folded(block, params):
    """Weights and biases of a convolution or affine layer with its batch normalisation in them; b may be None."""
    n = block.number
    w, b = params[f"W{n}"], params.get(f"b{n}")
    if not block.batchnorm:
        return w, b
    gamma, beta, mean, var = (
        params[f"{name}{n}"].astype(np.float64) for name in ("gamma", "beta", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(var + BN_EPS)
    shift = beta + ((0 if b is None else b) - mean) * scale
    # A filter is a row of a convolution's weights, and a column of an affine layer's.
    w_scale = scale.reshape(-1, 1, 1, 1) if w.ndim == 4 else scale
    return (w * w_scale).astype(w.dtype), shift.astype(w.dtype)
