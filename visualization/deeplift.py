"""DeepLIFT: differences from a baseline, carried back through the network instead of derivatives.

A. Shrikumar, P. Greenside and A. Kundaje, "Learning important features through propagating activation differences",
2017, section 3, with the rescale rule of section 3.5. Every layer hands back multipliers m, so that the differences of
its inputs, each times its multiplier, sum up to the difference of its outputs ("summation to delta"). At a ReLU that is
the slope between the two activations, where a gradient has the slope at one of them.
"""

import numpy as np

from .._typing import Array, IntArray
from ..classifiers.blocks import Pool, Relu
from ..classifiers.folding import fold_batchnorm
from ..classifiers.network import Network
from ..classifiers.scores import one_hot
from .attribution import baseline_image, channel_map
from .checks import check_images, check_labels, check_model
from .path_attribution import Attribution


def deep_lift(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    baseline: str | Array = "black",
    channels: str = "sum",
    signed: bool = True,
    rng: int | np.random.Generator | None = None,
) -> "Attribution":
    """How much each pixel's difference from a baseline contributes to the difference of the scores, in one pass.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    baseline : {"black", "grey", "mean", "blur", "noise"}, or ndarray
        An image that shows nothing: one of `fill_like`'s, or your own in model space, (3, H, W) or (N, 3, H, W).
    channels, signed
        As in `channel_map`. By default the sum over the channels, with its sign.
    rng : int or numpy.random.Generator, optional
        Of the baseline "noise"; a fixed seed by default.

    Returns
    -------
    Attribution
        `gap` is rounding only: no step is too long here.

    Notes
    -----
    Linear layers carry multipliers back as they carry gradients. A ReLU multiplies by (difference of its outputs) /
    (difference of its inputs), and by its derivative where both activations are equal. Max pooling gives the difference
    of a window's two maxima to the position that made the larger one.

    Examples
    --------
    >>> result = deep_lift(X, y, model)
    >>> bool(abs(result.gap[0]) < 1e-3 * abs(result.difference[0]))
    True
    """
    op = "deep_lift"
    check_model(op, model, X=X, y=y)
    check_images(op, X, model, size_matters=True)
    y = check_labels(op, y, len(X), model)
    X0 = baseline_image(op, X, baseline, model, rng)
    net = fold_batchnorm(model)

    pairs = [(X, X0)]  # the inputs of each layer, for the images and for the baselines
    for i in range(len(net.layer_names)):
        a, a0 = pairs[-1]
        pairs.append((net.forward(a, start=i, end=i)[0], net.forward(a0, start=i, end=i)[0]))
    m = one_hot(y, pairs[-1][0])
    for i, (_, block) in reversed(list(enumerate(net.named_blocks()))):
        a, a0 = pairs[i]
        if isinstance(block, Relu):
            m = m * _slope(a, a0)
        elif isinstance(block, Pool) and block.kind == "max":
            m = _max_pool_multipliers(net, i, m, a, a0, *pairs[i + 1])
        else:
            m, _ = net.backward(m, net.forward(a, start=i, end=i)[1])
    attributions = (X - X0) * m
    difference = (pairs[-1][0] - pairs[-1][1])[np.arange(len(X)), y].astype(np.float64)
    gap = attributions.sum(axis=(1, 2, 3), dtype=np.float64) - difference
    return Attribution(channel_map(attributions, channels=channels, signed=signed), attributions, difference, gap)


def _slope(a, a0):
    """Of the ReLU between two inputs."""
    change = a - a0
    # Where both are nearly equal a quotient of differences is rounding noise; the derivative is its limit.
    near = abs(change) <= 16 * np.finfo(a.dtype).eps * np.maximum(abs(a), abs(a0))
    slope = np.divide(np.maximum(a, 0) - np.maximum(a0, 0), change, out=np.zeros_like(a), where=~near)
    return np.where(near, (a > 0).astype(a.dtype), slope)


def _max_pool_multipliers(net, i, m, a, a0, out, out0):
    """m (out - out0) goes to the winner among `a` where its maximum is larger, among `a0` where that is."""
    rise = np.maximum(out, out0)
    to_winner = net.backward(m * (rise - out0), net.forward(a, start=i, end=i)[1])[0]
    to_winner0 = net.backward(m * (out - rise), net.forward(a0, start=i, end=i)[1])[0]
    change = a - a0
    return np.divide(to_winner + to_winner0, change, out=np.zeros_like(a), where=change != 0)
