"""Convolution and pooling with plain loops: they read like their definitions.

Slow on purpose. `im2col.py` does the same with one matrix product, `fast/` with kernels; both are checked against
these.
"""

from typing import Any

import numpy as np

from .._typing import Array, Cache
from .checks import check_array, conv_output_size, pool_output_size, same_shape


def conv_forward_naive(x: Array, w: Array, b: Array | None, conv_param: dict[str, Any]) -> tuple[Array, Cache]:
    """Slide every filter over every image: ``out[n, f, h, w] = sum(window * w[f]) + b[f]``.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
    w : ndarray (F, C, HH, WW)
    b : ndarray (F,) or None
    conv_param : dict
        ``{"stride": s, "pad": p}``: pixels between windows and zeros added on each of the four sides.

    Returns
    -------
    out : ndarray (N, F, HO, WO)
        HO = (H + 2 pad - HH) // stride + 1, and WO likewise.
    cache : tuple

    Examples
    --------
    >>> x, w = np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2))
    >>> out, cache = conv_forward_naive(x, w, None, {"stride": 1, "pad": 0})
    >>> out[0, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    stride, pad, HO, WO = conv_output_size("conv_forward_naive", x, w, b, conv_param)
    N, F = x.shape[0], w.shape[0]
    HH, WW = w.shape[2:]
    ### BEGIN SOLUTION
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((N, F, HO, WO), dtype=np.result_type(x, w))
    for n in range(N):
        for f in range(F):
            for i in range(HO):
                for j in range(WO):
                    window = padded[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                    out[n, f, i, j] = np.sum(window * w[f])
            if b is not None:
                out[n, f] += b[f]
    return out, (x, w, b, conv_param)
    ### END SOLUTION


def conv_backward_naive(dout: Array, cache: Cache) -> tuple[Array, Array, Array | None]:
    """Gradients of `conv_forward_naive`: each window passes its gradient to the pixels and weights that produced it.

    Parameters
    ----------
    dout : ndarray (N, F, HO, WO)

    Returns
    -------
    dx : ndarray (N, C, H, W)
    dw : ndarray (F, C, HH, WW)
    db : ndarray (F,) or None

    Examples
    --------
    >>> x, w = np.zeros((1, 1, 3, 3)), np.ones((1, 1, 2, 2))
    >>> out, cache = conv_forward_naive(x, w, None, {"stride": 1, "pad": 0})
    >>> dx, dw, db = conv_backward_naive(np.ones((1, 1, 2, 2)), cache)
    >>> dx[0, 0]  # in how many windows each pixel is
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    ### BEGIN SOLUTION
    x, w, b, conv_param = cache
    stride, pad, HO, WO = conv_output_size("conv_backward_naive", x, w, b, conv_param)
    N, F = x.shape[0], w.shape[0]
    HH, WW = w.shape[2:]
    same_shape("conv_backward_naive", "dout", dout, (N, F, HO, WO))
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dpadded = np.zeros(padded.shape, dtype=np.result_type(dout, w))
    dw = np.zeros(w.shape, dtype=np.result_type(dout, x))
    for n in range(N):
        for f in range(F):
            for i in range(HO):
                for j in range(WO):
                    rows, columns = slice(i * stride, i * stride + HH), slice(j * stride, j * stride + WW)
                    dpadded[n, :, rows, columns] += w[f] * dout[n, f, i, j]
                    dw[f] += padded[n, :, rows, columns] * dout[n, f, i, j]
    # padded[pad : pad + H], not [pad : -pad], which would be empty without padding
    dx = dpadded[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]].copy()
    db = None if b is None else dout.sum(axis=(0, 2, 3))
    return dx, dw, db
    ### END SOLUTION


def max_pool_forward_naive(x: Array, pool_param: dict[str, Any]) -> tuple[Array, Cache]:
    """The largest value of each window, channel by channel.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
    pool_param : dict
        "pool_height", "pool_width", "stride" (1); "ceil_mode" (False): a last window may hang over the border.

    Returns
    -------
    out : ndarray (N, C, HO, WO)
        HO = (H - pool_height) // stride + 1, rounded up instead of down with ceil_mode.
    cache : tuple

    Examples
    --------
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> out, cache = max_pool_forward_naive(x, {"pool_height": 2, "pool_width": 2, "stride": 2})
    >>> out[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    height, width, stride, HO, WO = pool_output_size("max_pool_forward_naive", x, pool_param)
    N, C = x.shape[:2]
    ### BEGIN SOLUTION
    out = np.zeros((N, C, HO, WO), dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(HO):
                for j in range(WO):
                    window = x[n, c, i * stride : i * stride + height, j * stride : j * stride + width]
                    out[n, c, i, j] = window.max()
    return out, (x, pool_param)
    ### END SOLUTION


def max_pool_backward_naive(dout: Array, cache: Cache) -> Array:
    """Gradient of `max_pool_forward_naive`: all of it goes to the first largest value of each window.

    Parameters
    ----------
    dout : ndarray (N, C, HO, WO)

    Returns
    -------
    dx : ndarray (N, C, H, W)

    Examples
    --------
    >>> x = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> out, cache = max_pool_forward_naive(x, {"pool_height": 2, "pool_width": 2, "stride": 2})
    >>> max_pool_backward_naive(np.ones((1, 1, 1, 1)), cache)[0, 0]
    array([[0., 0.],
           [0., 1.]])
    """
    ### BEGIN SOLUTION
    x, pool_param = cache
    height, width, stride, HO, WO = pool_output_size("max_pool_backward_naive", x, pool_param)
    N, C = x.shape[:2]
    same_shape("max_pool_backward_naive", "dout", dout, (N, C, HO, WO))
    dx = np.zeros(x.shape, dtype=dout.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(HO):
                for j in range(WO):
                    window = x[n, c, i * stride : i * stride + height, j * stride : j * stride + width]
                    di, dj = np.unravel_index(window.argmax(), window.shape)
                    dx[n, c, i * stride + di, j * stride + dj] += dout[n, c, i, j]
    return dx
    ### END SOLUTION


def avg_pool_forward_naive(x: Array, pool_param: dict[str, Any]) -> tuple[Array, Cache]:
    """The mean of each window; arguments as in `max_pool_forward_naive`.

    A window that hangs over the border (ceil_mode) is divided by the number of pixels it has inside the image.

    Returns
    -------
    out : ndarray (N, C, HO, WO)
    cache : tuple

    Examples
    --------
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> out, cache = avg_pool_forward_naive(x, {"pool_height": 2, "pool_width": 2, "stride": 2})
    >>> out[0, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    height, width, stride, HO, WO = pool_output_size("avg_pool_forward_naive", x, pool_param)
    out = np.zeros((*x.shape[:2], HO, WO), dtype=x.dtype)
    for i in range(HO):
        for j in range(WO):
            window = x[:, :, i * stride : i * stride + height, j * stride : j * stride + width]
            out[:, :, i, j] = window.mean(axis=(2, 3))
    return out, (x.shape, (height, width, stride, HO, WO))


def avg_pool_backward_naive(dout: Array, cache: Cache) -> Array:
    """Gradient of `avg_pool_forward_naive`: every pixel of a window gets an equal share, dx (N, C, H, W).

    Examples
    --------
    >>> x = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> out, cache = avg_pool_forward_naive(x, {"pool_height": 2, "pool_width": 2, "stride": 2})
    >>> avg_pool_backward_naive(np.ones((1, 1, 1, 1)), cache)[0, 0]
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    shape, (height, width, stride, HO, WO) = cache
    same_shape("avg_pool_backward_naive", "dout", dout, (*shape[:2], HO, WO))
    dx = np.zeros(shape, dtype=dout.dtype)
    for i in range(HO):
        for j in range(WO):
            window = dx[:, :, i * stride : i * stride + height, j * stride : j * stride + width]
            window += dout[:, :, i : i + 1, j : j + 1] / (window.shape[2] * window.shape[3])
    return dx


def global_avg_pool_forward_naive(x: Array) -> tuple[Array, Cache]:
    """The mean of each map, (N, C, H, W) -> (N, C) (Lin et al. 2014, Network in network, section 3.2).

    Examples
    --------
    >>> out, cache = global_avg_pool_forward_naive(np.arange(8.0).reshape(1, 2, 2, 2))
    >>> out
    array([[1.5, 5.5]])
    """
    check_array("global_avg_pool_forward_naive", "x", x, "N C H W")
    return x.mean(axis=(2, 3)), x.shape


def global_avg_pool_backward_naive(dout: Array, cache: Cache) -> Array:
    """Gradient of `global_avg_pool_forward_naive`: dout / (H W) at every position, (N, C) -> (N, C, H, W).

    Examples
    --------
    >>> out, cache = global_avg_pool_forward_naive(np.zeros((1, 1, 2, 2)))
    >>> global_avg_pool_backward_naive(np.ones((1, 1)), cache)[0, 0]
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    N, C, H, W = cache
    same_shape("global_avg_pool_backward_naive", "dout", dout, (N, C))
    return np.zeros((N, C, H, W), dtype=dout.dtype) + dout[:, :, None, None] / (H * W)
