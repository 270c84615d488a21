"""The networks' own ReLU, block by block and channels last in memory; students write that of `basic.py`."""

import numpy as np

from ..._typing import Array, Cache
from ..checks import RELU_RULES, check_choice, check_float, same_shape
from .parallel import BLOCKING, Blocking, parallel_for, split_blocks


def relu_forward(x: Array, *, blocking: Blocking = BLOCKING) -> tuple[Array, Cache]:
    """``max(x, 0)``; images come out channels last in memory.

    Parameters
    ----------
    x : ndarray, of any shape
    blocking : Blocking
        How the work is split.

    Returns
    -------
    out : ndarray
    cache : ndarray of bool
        Where x was positive.
    """
    check_float("relu layer", "x", x)
    if x.ndim != 4:
        return np.maximum(x, 0), x > 0
    xl = x.transpose(0, 2, 3, 1)
    out, active = np.empty(xl.shape, x.dtype), np.empty(xl.shape, bool)
    zero = np.zeros(xl.shape[2:], x.dtype)  # an array is compared faster than a number

    def worker(block):
        np.maximum(xl[block], zero, out=out[block])
        np.greater(xl[block], 0, out=active[block])

    parallel_for(split_blocks(xl.shape[0], xl.shape[1], zero.size, blocking=blocking), lambda: worker)
    return out.transpose(0, 3, 1, 2), active.transpose(0, 3, 1, 2)


def relu_backward(dout: Array, cache: Cache, *, relu_rule: str = "standard", blocking: Blocking = BLOCKING) -> Array:
    """Gradient of `relu_forward`."""
    same_shape("relu layer", "dout", dout, cache.shape)
    return relu_grad(dout, cache, relu_rule, blocking=blocking)


def relu_grad(dout, active, rule, scale=None, *, blocking=BLOCKING):
    """The gradient of a ReLU whose input was positive where `active` says, under a rule of `relu_backward`.

    For images the result lies channels last in memory. It is multiplied by `scale`, one number per channel.
    """
    check_choice("relu backward", "relu_rule", rule, RELU_RULES)
    if dout.ndim != 4:
        return relu_grad_into(dout, active, rule, np.empty_like(dout), scale)
    N, F, H, W = dout.shape
    da = np.empty((N, H, W, F), dout.dtype)
    dl, active = dout.transpose(0, 2, 3, 1), active.transpose(0, 2, 3, 1)
    if scale is not None and da.size > blocking.repeat_from:
        scale = repeated(scale, W)

    def worker(block):
        relu_grad_into(dl[block], active[block], rule, da[block], scale)

    parallel_for(split_blocks(N, H, W * F, blocking=blocking), lambda: worker)
    return da.transpose(0, 3, 1, 2)


def relu_grad_into(dout, active, rule, out, scale=None):
    """`relu_grad` for one array of any shape, written into `out`."""
    if rule != "standard":
        dout = np.maximum(dout, 0, out=out)
    if rule != "deconv":
        dout = np.multiply(dout, active, out=out)
    if scale is not None:
        np.multiply(dout, scale, out=out)
    return out


def repeated(vector, width):
    """A vector with one number per channel as rows (width, channels), one for each pixel of a row of images."""
    rows = np.empty((width, len(vector)), vector.dtype)
    rows[...] = vector  # np.tile takes several times as long
    return rows
