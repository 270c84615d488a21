"""SqueezeNet's Fire module in one pass, for frozen networks.

F. Iandola et al., "SqueezeNet", 2016, section 3.2: 1x1 filters squeeze the channels; 1x1 and 3x3 filters side by side
expand them again; each has a bias and a ReLU. As three convolutions the module spends most of its time on memory and on
starting threads, since each multiplies little. Here a band of rows goes through all three while it is in the
processor's cache: the few squeezed channels are computed for the band and for one more row on either side, and both
expansions write into one output, so there is nothing to concatenate. The backward pass does the same in reverse.

`blocks.Fire` keeps the three separate convolutions for training; tests verify that they agree.
"""

import numpy as np

from ..._typing import Array, Cache
from ..checks import RELU_RULES, check_array, check_choice, same_shape
from .parallel import Blocking, length, parallel_for, split_blocks
from .relu import relu_grad_into, repeated
from .winograd import strided

BLOCKING = Blocking(least_floats=30_000)


def fire_forward(
    x: Array,
    squeeze: tuple[Array, Array],
    expand1: tuple[Array, Array],
    expand3: tuple[Array, Array],
    *,
    blocking: Blocking = BLOCKING,
) -> tuple[Array, Cache]:
    """Squeeze, expand, concatenate.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
    squeeze, expand1, expand3 : (w, b)
        Filters (S, C, 1, 1), (F1, S, 1, 1) and (F3, S, 3, 3), and biases.
    blocking : Blocking
        How the work is split.

    Returns
    -------
    out : ndarray (N, F1 + F3, H, W)
        The maps of the 1x1 filters first; channels last in memory.
    cache : tuple
    """
    check_array("fire_forward", "x", x, "N C H W")
    (ws, bs), (w1, b1), (w3, b3) = squeeze, expand1, expand3
    N, C, H, W = x.shape
    S, F1, F3 = len(ws), len(w1), len(w3)
    same_shape("fire_forward", "the squeezing filters", ws, (S, C, 1, 1))
    xl = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    squeezing, ones, threes = _matrix(ws), _matrix(w1), _matrix(w3)
    # Repeated for every pixel of a row: NumPy is fast on long runs of memory.
    bs, bias = repeated(bs, W), repeated(np.concatenate([b1, b3]), W)
    zero_s, zero = np.zeros_like(bs), np.zeros_like(bias)  # an array is compared faster than a number
    out = np.empty((N, H, W, F1 + F3), np.result_type(x, ws))
    active, squeezed = np.empty(out.shape, bool), np.empty((N, H, W, S), bool)

    def worker(block):
        images, rows = block
        n, h = length(images), length(rows)
        top, bottom = max(rows.start - 1, 0), min(rows.stop + 1, H)
        inner = np.zeros((n, h + 2, W + 2, S), out.dtype)
        first = top - rows.start + 1
        middle = (xl[images, top:bottom].reshape(-1, C) @ squeezing).reshape(n, bottom - top, W, S)
        middle += bs
        np.maximum(middle, zero_s, out=middle)
        inner[:, first : first + bottom - top, 1:-1] = middle
        own = inner[:, 1:-1, 1:-1]
        np.greater(own, 0, out=squeezed[images, rows])
        part = out[images, rows].reshape(-1, F1 + F3)
        np.matmul(np.ascontiguousarray(own).reshape(-1, S), ones, out=part[:, :F1])
        np.matmul(_windows(inner), threes, out=part[:, F1:])
        part = out[images, rows]
        part += bias
        np.maximum(part, zero, out=part)
        np.greater(part, 0, out=active[images, rows])

    parallel_for(_bands(N, H, W, C, S, F1 + F3, blocking), lambda: worker)
    return out.transpose(0, 3, 1, 2), (x.shape, ws, w1, w3, active, squeezed)


def fire_backward(dout, cache, *, relu_rule="standard", blocking=BLOCKING):
    """The gradient of `fire_forward` to its images, (N, C, H, W)."""
    check_choice("fire_backward", "relu_rule", relu_rule, RELU_RULES)
    (N, C, H, W), ws, w1, w3, active, squeezed = cache
    S, F1, F3 = len(ws), len(w1), len(w3)
    same_shape("fire_backward", "dout", dout, (N, F1 + F3, H, W))
    dl = np.ascontiguousarray(dout.transpose(0, 2, 3, 1))
    squeezing, ones, threes = _matrix(ws), _matrix(w1), _matrix(w3)
    dx = np.empty((N, H, W, C), np.result_type(dout, ws))

    def worker(block):
        images, rows = block
        n, h = length(images), length(rows)
        top, bottom = max(rows.start - 1, 0), min(rows.stop + 1, H)
        seen = dl[images, top:bottom]
        da = relu_grad_into(seen, active[images, top:bottom], relu_rule, np.empty_like(seen))
        products = (da.reshape(-1, F1 + F3)[:, F1:] @ threes.T).reshape(n, bottom - top, W, 3, 3, S)
        # Kernel position (i, j) of the window around a pixel sees the pixel (i - 1, j - 1) away. Row 2 is the band's
        # first one, and column 1 the image's; what falls outside is dropped.
        inner = np.zeros((n, h + 4, W + 2, S), dx.dtype)
        first = top - rows.start + 1
        for i, j in np.ndindex(3, 3):
            inner[:, first + i : first + i + bottom - top, j : j + W] += products[:, :, :, i, j]
        own = da[:, rows.start - top : rows.start - top + h]
        dinner = np.ascontiguousarray(own).reshape(-1, F1 + F3)[:, :F1] @ ones.T
        dinner += inner[:, 2:-2, 1:-1].reshape(dinner.shape)
        relu_grad_into(dinner, squeezed[images, rows].reshape(dinner.shape), relu_rule, dinner)
        np.matmul(dinner, squeezing.T, out=dx[images, rows].reshape(-1, C))

    parallel_for(_bands(N, H, W, C, S, F1 + F3, blocking), lambda: worker)
    return dx.transpose(0, 3, 1, 2)


def _windows(padded):
    """The 3x3 windows of padded images (n, h + 2, W + 2, S) as rows (n * h * W, 9 * S)."""
    n, h, W, S = padded.shape[0], padded.shape[1] - 2, padded.shape[2] - 2, padded.shape[3]
    windows = np.empty((n, h, W, 3, 3 * S), padded.dtype)
    a, b, c, d = padded.strides
    # Three neighbouring pixels with all their channels are one run of memory.
    np.copyto(windows, strided(padded, windows.shape, (a, b, c, b, d)))
    return windows.reshape(n * h * W, 9 * S)


def _matrix(w):
    """Filters (F, C, HH, WW) as a matrix (HH * WW * C, F): a view where they lie as networks keep them."""
    return w.transpose(2, 3, 1, 0).reshape(-1, len(w))


def _bands(N, H, W, C, S, F, blocking):
    # Few large bands: neighbouring bands compute the rows between them twice. A third of the numbers belongs to the
    # products.
    return split_blocks(N, H, W * (C + 10 * S + 2 * F) // 3, blocking=blocking)
