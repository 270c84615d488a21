"""The networks' own ReLU, block by block and channels last in memory; `relu_forward` is the one students write."""

import numpy as np

from ..checks import RELU_RULES, check_choice, check_float, same_shape
from .parallel import deal, pieces

# In arrays with more numbers than this, vectors with a number a channel are repeated for each pixel of a row: long runs
# of memory are what NumPy is fast on.
REPEAT_FROM = 100_000


def rectify_forward(x):
    """``max(x, 0)``; images come out channels last in memory.

    Parameters
    ----------
    x : ndarray, of any shape

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

    deal(pieces(*xl.shape[:2], zero.size), lambda: worker)
    return out.transpose(0, 3, 1, 2), active.transpose(0, 3, 1, 2)


def rectify_backward(dout, cache, *, relu_rule="standard"):
    """Gradient of `rectify_forward`."""
    same_shape("relu layer", "dout", dout, cache.shape)
    return relugate(dout, cache, relu_rule)


def relugate(dout, active, rule, scale=None):
    """What a rectifier sends back under a rule of `relu_backward`; `active` says where its input was positive.

    For images the result lies channels last in memory. `scale`, one number a channel, is multiplied in.
    """
    check_choice("relu backward", "relu_rule", rule, RELU_RULES)
    if dout.ndim != 4:
        return gate(dout, active, rule, np.empty_like(dout), scale)
    N, F, H, W = dout.shape
    da = np.empty((N, H, W, F), dout.dtype)
    dl, active = dout.transpose(0, 2, 3, 1), active.transpose(0, 2, 3, 1)
    if scale is not None and da.size > REPEAT_FROM:
        scale = repeated(scale, W)

    def worker(block):
        gate(dl[block], active[block], rule, da[block], scale)

    deal(pieces(N, H, W * F), lambda: worker)
    return da.transpose(0, 3, 1, 2)


def gate(dout, active, rule, out, scale=None):
    """What `relugate` does, to one array of any shape, into `out`."""
    if rule != "standard":
        dout = np.maximum(dout, 0, out=out)
    if rule != "deconv":
        dout = np.multiply(dout, active, out=out)
    if scale is not None:
        np.multiply(dout, scale, out=out)
    return out


def repeated(vector, width):
    """A vector with a number a channel as rows (width, channels), one for each pixel of a row of images."""
    rows = np.empty((width, len(vector)), vector.dtype)
    rows[...] = vector  # np.tile takes several times as long
    return rows
