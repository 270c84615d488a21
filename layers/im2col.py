"""Convolution as a matrix product, and max pooling on the same rows: a step between the loops and the kernels.

A convolution is the same dot product at every window. So `im2col` copies each window into a row of a matrix, and one
product with the filters replaces the four loops of `naive.py`. The product with the transposed matrix computes the
gradient, and `col2im` adds each row of it to the pixels that the row was copied from (K. Chellapilla et al., "High
performance convolutional neural networks for document processing", 2006, section 4). At stride 1 the rows take HH * WW
times the memory of the image. That is the price, and the reason for the kernels in `fast/`.

`im2col` and `col2im` are imported from here; the package exports the layers made of them.
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .._typing import Array, Cache
from .checks import conv_output_size, pool_output_size, same_shape


def im2col(x: Array, HH: int, WW: int, stride: int) -> Array:
    """Every window of a batch as a row.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
        With its padding, if any.
    HH, WW : int
        Height and width of a window, in pixels.
    stride : int
        Pixels from a window to the next.

    Returns
    -------
    rows : ndarray (N * HO * WO, C * HH * WW)
        HO = (H - HH) // stride + 1, WO likewise. Rows go through images, then down, then right; within a row the
        channel comes first, as in a filter (C, HH, WW).

    Examples
    --------
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> im2col(x, 2, 2, 1)
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.],
           [3., 4., 6., 7.],
           [4., 5., 7., 8.]])
    """
    ### BEGIN SOLUTION
    windows = sliding_window_view(x, (HH, WW), axis=(2, 3))[:, :, ::stride, ::stride]  # (N, C, HO, WO, HH, WW)
    N, C, HO, WO = windows.shape[:4]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * HO * WO, C * HH * WW)
    ### END SOLUTION


def col2im(rows: Array, shape: tuple[int, int, int, int], HH: int, WW: int, stride: int) -> Array:
    """The adjoint of `im2col`: add every row to the pixels that its window covers.

    Parameters
    ----------
    rows : ndarray (N * HO * WO, C * HH * WW)
    shape : (N, C, H, W)
        Of the images.
    HH, WW, stride : int
        As in `im2col`.

    Returns
    -------
    x : ndarray (N, C, H, W)

    Examples
    --------
    >>> col2im(np.ones((4, 4)), (1, 1, 3, 3), 2, 2, 1)[0, 0]  # in how many windows each pixel is
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    ### BEGIN SOLUTION
    N, C, H, W = shape
    HO, WO = (H - HH) // stride + 1, (W - WW) // stride + 1
    windows = rows.reshape(N, HO, WO, C, HH, WW).transpose(0, 3, 4, 5, 1, 2)  # (N, C, HH, WW, HO, WO)
    x = np.zeros(shape, dtype=rows.dtype)
    for i in range(HH):
        for j in range(WW):  # entry (i, j) of all windows: no two of them are the same pixel
            x[:, :, i : i + stride * HO : stride, j : j + stride * WO : stride] += windows[:, :, i, j]
    return x
    ### END SOLUTION


def conv_forward_im2col(x: Array, w: Array, b: Array | None, conv_param: dict[str, Any]) -> tuple[Array, Cache]:
    """Convolution as one product; arguments and result as in `conv_forward_naive`.

    Examples
    --------
    >>> x, w, conv_param = rng.normal(size=(2, 3, 8, 8)), rng.normal(size=(4, 3, 3, 3)), {"stride": 2, "pad": 1}
    >>> out, cache = conv_forward_im2col(x, w, None, conv_param)
    >>> bool(np.allclose(out, conv_forward_naive(x, w, None, conv_param)[0]))
    True
    """
    stride, pad, HO, WO = conv_output_size("conv_forward_im2col", x, w, b, conv_param)
    N, (F, _, HH, WW) = x.shape[0], w.shape
    ### BEGIN SOLUTION
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows = im2col(padded, HH, WW, stride)  # (N * HO * WO, C * HH * WW)
    out = rows @ w.reshape(F, -1).T  # (N * HO * WO, F)
    if b is not None:
        out = out + b
    return out.reshape(N, HO, WO, F).transpose(0, 3, 1, 2), (rows, x, w, b, conv_param)
    ### END SOLUTION


def conv_backward_im2col(dout: Array, cache: Cache) -> tuple[Array, Array, Array | None]:
    """Gradients of `conv_forward_im2col`: dx (N, C, H, W), dw (F, C, HH, WW), db (F,) or None.

    Examples
    --------
    >>> x, w = rng.normal(size=(2, 3, 8, 8)), rng.normal(size=(4, 3, 3, 3))
    >>> out, cache = conv_forward_im2col(x, w, np.zeros(4), {"stride": 2, "pad": 1})
    >>> [gradient.shape for gradient in conv_backward_im2col(out, cache)]
    [(2, 3, 8, 8), (4, 3, 3, 3), (4,)]
    """
    ### BEGIN SOLUTION
    rows, x, w, b, conv_param = cache
    stride, pad, HO, WO = conv_output_size("conv_backward_im2col", x, w, b, conv_param)
    (N, C, H, W), (F, _, HH, WW) = x.shape, w.shape
    same_shape("conv_backward_im2col", "dout", dout, (N, F, HO, WO))
    drows_out = dout.transpose(0, 2, 3, 1).reshape(-1, F)  # (N * HO * WO, F)
    dw = (drows_out.T @ rows).reshape(w.shape)
    db = None if b is None else drows_out.sum(axis=0)
    drows = drows_out @ w.reshape(F, -1)  # (N * HO * WO, C * HH * WW)
    dpadded = col2im(drows, (N, C, H + 2 * pad, W + 2 * pad), HH, WW, stride)
    return dpadded[:, :, pad : pad + H, pad : pad + W].copy(), dw, db
    ### END SOLUTION


def max_pool_forward_im2col(x: Array, pool_param: dict[str, Any]) -> tuple[Array, Cache]:
    """Max pooling; arguments and result as in `max_pool_forward_naive`. Every channel counts as an image of its own.

    Examples
    --------
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> out, cache = max_pool_forward_im2col(x, {"pool_height": 2, "pool_width": 2, "stride": 2})
    >>> out[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    height, width, stride, HO, WO = pool_output_size("max_pool_forward_im2col", x, pool_param)
    N, C, H, W = x.shape
    # With ceil_mode the last windows hang over the border: -inf there is never the largest.
    PH, PW = (HO - 1) * stride + height, (WO - 1) * stride + width
    padded = np.full((N * C, 1, max(H, PH), max(W, PW)), -np.inf, dtype=x.dtype)
    padded[:, 0, :H, :W] = x.reshape(N * C, H, W)
    rows = im2col(padded[:, :, :PH, :PW], height, width, stride)  # (N * C * HO * WO, height * width)
    winner = rows.argmax(axis=1)  # the first largest
    out = rows[np.arange(len(rows)), winner].reshape(N, C, HO, WO)
    return out, (winner, x.shape, (height, width, stride, PH, PW))


def max_pool_backward_im2col(dout: Array, cache: Cache) -> Array:
    """Gradient of `max_pool_forward_im2col`: all of it goes to the first largest value of each window.

    Examples
    --------
    >>> x = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> out, cache = max_pool_forward_im2col(x, {"pool_height": 2, "pool_width": 2, "stride": 2})
    >>> max_pool_backward_im2col(np.ones((1, 1, 1, 1)), cache)[0, 0]
    array([[0., 0.],
           [0., 1.]])
    """
    winner, (N, C, H, W), (height, width, stride, PH, PW) = cache
    same_shape(
        "max_pool_backward_im2col", "dout", dout, (N, C, (PH - height) // stride + 1, (PW - width) // stride + 1)
    )
    drows = np.zeros((len(winner), height * width), dtype=dout.dtype)
    drows[np.arange(len(winner)), winner] = dout.reshape(-1)
    dpadded = col2im(drows, (N * C, 1, PH, PW), height, width, stride).reshape(N, C, PH, PW)
    dx = np.zeros((N, C, H, W), dtype=dout.dtype)
    dx[:, :, :PH, :PW] = dpadded[:, :, :H, :W]
    return dx
