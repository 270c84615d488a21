"""FullGrad: the gradient of the input, and that of every bias.

S. Srinivas and F. Fleuret, "Full-gradient representation for neural network visualization", 2019, sections 3 and 4. A
network of ReLUs is linear around each image, and its score is exactly the sum of input times gradient and of biases
times their gradients. The gradient at the pixels shows the first part only; batch normalisation, folded into the
biases, makes the second the larger one.
"""

from dataclasses import dataclass

import numpy as np

from .._typing import Array, IntArray
from ..classifiers.folding import fold_batchnorm
from ..classifiers.network import Network
from ..classifiers.scores import one_hot
from .cam import upsample_maps
from .checks import check_images, check_labels, check_model


@dataclass(frozen=True)
class FullGradient:
    """The scores of N images, taken apart.

    Attributes
    ----------
    maps : ndarray (N, H, W)
        The magnitudes of all parts that have positions, each part between 0 and 1, enlarged and added up.
    input : ndarray (N, 3, H, W)
        Input times gradient.
    biases : dict of str to ndarray
        Bias times gradient, by layer of `fold_batchnorm(model)`: (N, F, h, w) for convolutions, (N, M) for affine
        layers.
    score : ndarray (N,)
        The sum of `input` and of all `biases`.
    """

    maps: np.ndarray
    input: np.ndarray
    biases: dict
    score: np.ndarray


def full_gradient(X: Array, y: IntArray | int, model: Network) -> "FullGradient":
    """Take a score apart into what the pixels and what the biases add to it.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network

    Returns
    -------
    FullGradient

    Notes
    -----
    ``score = sum(x dscore/dx) + sum over layers of sum(b dscore/dz)`` (equation 2). For the map, the magnitudes of each
    part are stretched to 0..1, enlarged, and summed over channels and layers (equation 5): that part is not exact.

    Examples
    --------
    >>> parts = full_gradient(X, y, model)
    >>> total = parts.input.sum() + sum(part.sum() for part in parts.biases.values())
    >>> bool(np.isclose(total, parts.score[0], rtol=1e-2))
    True
    """
    op = "full_gradient"
    check_model(op, model, X=X, y=y)
    check_images(op, X, model, size_matters=True)
    y = check_labels(op, y, len(X), model)
    net = fold_batchnorm(model)

    caches, out = [], X
    for i in range(len(net.layer_names)):
        out, cache = net.forward(out, start=i, end=i)
        caches.append(cache)
    g, biases = one_hot(y, out), {}
    maps = np.zeros((len(X), *X.shape[2:]), X.dtype)
    for i, (name, block) in reversed(list(enumerate(net.named_blocks()))):
        b = net.params.get(f"b{getattr(block, 'number', 0)}")
        if b is not None:
            biases[name] = g * b.reshape(1, -1, *[1] * (g.ndim - 2))  # (N, F, h, w) or (N, M)
            if g.ndim == 4:
                maps += _part(biases[name], X.shape[2:])
        g, _ = net.backward(g, caches[i])
    return FullGradient(maps + _part(X * g, X.shape[2:]), X * g, biases, out[np.arange(len(X)), y])


def _part(part, size):
    """The magnitudes of a part (N, C, h, w) between 0 and 1 in each image, summed over the channels: (N, H, W)."""
    magnitude = abs(part)
    low = magnitude.min(axis=(1, 2, 3), keepdims=True)
    spread = magnitude.max(axis=(1, 2, 3), keepdims=True) - low
    share = np.divide(magnitude - low, spread, out=np.zeros_like(magnitude), where=spread > 0)
    return upsample_maps(share.sum(axis=1), size)  # enlarging is linear: after the sum it costs less
