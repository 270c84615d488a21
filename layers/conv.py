"""Fast convolution: matrix products on channels-last memory.

The definition of a convolution is in `naive.py`; this module computes the same numbers quickly, without keeping
anything between calls. Four ideas:

1. *Channels last.* Arrays have the shape (N, C, H, W) everywhere in pixelgrad, but a shape says nothing about
   the order in memory. Here the channels of one pixel lie side by side, so that a window of the image is a few
   long runs of numbers. What comes out keeps that order, and the next layer finds it without copying. Filters
   are best kept in the order (HH, WW, C, F), see `channels_last_filters`: then the matrix of idea 2 is a view.
2. *A convolution is a matrix product.* Each window becomes a row ("im2col", Chellapilla et al. 2006, High
   performance convolutional neural networks for document processing, section 3.1), the filters are the columns
   of a matrix. BLAS does the rest. A few images, or a band of one, are treated at a time, so that their rows stay
   in the processor's cache and the memory needed grows neither with the batch nor with the image.
3. *The gradient to the image is a convolution, too.* For stride s, the pixels whose row is r and whose column is c
   modulo s are touched only by the filter taps i = r + s k, j = c + s l. Each of the s*s "phases" of the image is
   therefore an ordinary stride-1 correlation of dout with that part of the filter, flipped: no scattering,
   no multiplication by zeros.
4. *Few windows, many filters:* flipping the filters then costs more than the product. Instead the product is
   taken with the filters as they lie, and each tap's part of it is added where it belongs ("col2im").
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .checks import conv_output_size, same_shape

# Size of a block of windows: enough to keep BLAS busy, small enough for the block to stay in cache (floats).
_BLOCK_FLOATS = 1_000_000
# Below so many windows per filter, idea 4 is the faster way.
_FEW_WINDOWS = 4


def conv_forward(x, w, b, conv_param):
    """Convolve images with filters.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
        Images, float32 or float64, in any memory order.
    w : ndarray (F, C, HH, WW)
        Filters.
    b : ndarray (F,) or None
        Biases; None for a convolution without.
    conv_param : dict
        ``{"stride": s, "pad": p}``: pixels between windows and zeros added on each of the four sides.

    Returns
    -------
    out : ndarray (N, F, HO, WO)
        HO = (H + 2 pad - HH) // stride + 1, and WO likewise. Channels last in memory.
    cache : tuple
        For `conv_backward`.

    Raises
    ------
    ValueError
        Wrong rank, channels that do not match, a filter larger than the padded image, an unknown option.
    """
    stride, pad, HO, WO = conv_output_size("conv_forward", x, w, b, conv_param)
    N = x.shape[0]
    F, C, HH, WW = w.shape
    wmat = _filter_matrix(w)
    out = np.empty((N, HO, WO, F), dtype=np.result_type(x, w))
    xl = x.transpose(0, 2, 3, 1)  # (N, H, W, C)
    for images, first, count in _blocks(N, HO, WO * HH * WW * C):
        rows = _rows(xl[images], (first * stride - pad, count, stride), (-pad, WO, stride), HH, WW)
        np.matmul(rows, wmat, out=out[images, first : first + count].reshape(-1, F))
    if b is not None:
        out += b
    return out.transpose(0, 3, 1, 2), (x, w, b, stride, pad)


def conv_backward(dout, cache, *, param_grads=True, input_grad=True):
    """Gradients of a convolution.

    Parameters
    ----------
    dout : ndarray (N, F, HO, WO)
        Upstream gradient.
    cache : tuple
        From `conv_forward`.
    param_grads, input_grad : bool
        What to compute; the rest is returned as None. A frozen network needs no gradients of its filters, the
        first layer in training none of its images.

    Returns
    -------
    dx : ndarray (N, C, H, W)
    dw : ndarray (F, C, HH, WW)
    db : ndarray (F,), or None for a convolution without biases
    """
    x, w, b, stride, pad = cache
    HO = (x.shape[2] + 2 * pad - w.shape[2]) // stride + 1
    WO = (x.shape[3] + 2 * pad - w.shape[3]) // stride + 1
    same_shape("conv_backward", "dout", dout, (x.shape[0], w.shape[0], HO, WO))
    dl = np.ascontiguousarray(dout.transpose(0, 2, 3, 1))  # (N, HO, WO, F)
    dx = _input_gradient(dl, x, w, stride, pad) if input_grad else None
    dw = db = None
    if param_grads:
        dw = _filter_gradient(dl, x, w, stride, pad)
        if b is not None:
            db = dl.sum(axis=(0, 1, 2), dtype=np.float64).astype(dl.dtype)
    return dx, dw, db


def channels_last_filters(w):
    """The same filters (F, C, HH, WW), in the order of memory (HH, WW, C, F) that convolution needs no copy of."""
    return np.ascontiguousarray(w.transpose(2, 3, 1, 0)).transpose(3, 2, 0, 1)


def _filter_matrix(w):
    """Filters (F, C, HH, WW) as the columns of a matrix (HH * WW * C, F).

    Always in C order, which for `channels_last_filters` is a view: BLAS rounds differently for a transposed matrix, and
    results must not depend on how filters lie in memory.
    """
    F, C, HH, WW = w.shape
    return np.ascontiguousarray(w.transpose(2, 3, 1, 0).reshape(HH * WW * C, F))


def _filter_gradient(dl, x, w, stride, pad):
    """Sum over all windows of (window) x (dout at that window); dl is dout, channels last."""
    N, HO, WO, F = dl.shape
    _, C, HH, WW = w.shape
    xl = x.transpose(0, 2, 3, 1)
    dtype = np.result_type(x, dl)
    dwmat = np.zeros((HH * WW * C, F), dtype=dtype)
    for images, first, count in _blocks(N, HO, WO * HH * WW * C):
        rows = _rows(xl[images], (first * stride - pad, count, stride), (-pad, WO, stride), HH, WW)
        dwmat += rows.T @ dl[images, first : first + count].reshape(-1, F)
    return dwmat.reshape(HH, WW, C, F).transpose(3, 2, 0, 1)


def _input_gradient(dl, x, w, stride, pad):
    """The gradient to the images; dl is dout, channels last."""
    N, HO, WO, F = dl.shape
    few = N * HO * WO < _FEW_WINDOWS * F
    dx = (_gather_taps if few else _correlate_phases)(dl, x.shape, w, stride, pad)
    return dx.transpose(0, 3, 1, 2)


def _gather_taps(dl, shape, w, stride, pad):
    """One product with the filters as they lie, then each tap's part is added to the pixels it has seen."""
    N, C, H, W = shape
    _, HO, WO, F = dl.shape
    HH, WW = w.shape[2:]
    wmat = _filter_matrix(w)
    windows = (dl.reshape(-1, F) @ wmat.T).reshape(N, HO, WO, HH, WW, C)
    padded = np.zeros((N, H + 2 * pad, W + 2 * pad, C), dtype=windows.dtype)
    for i, j in np.ndindex(HH, WW):
        padded[:, i : i + stride * HO : stride, j : j + stride * WO : stride] += windows[:, :, :, i, j]
    return np.ascontiguousarray(padded[:, pad : pad + H, pad : pad + W])


def _correlate_phases(dl, shape, w, stride, pad):
    """A correlation with the flipped filters for each phase of the stride."""
    N, C, H, W = shape
    F = dl.shape[3]
    dx = np.empty((N, H, W, C), dtype=np.result_type(dl, w))
    for r in range(min(stride, H)):
        for c in range(min(stride, W)):
            # Image row h = r + stride * k lies at h + pad in the padded image and meets the filter taps
            # i = a, a + stride, ... at the output rows (h + pad - i) / stride.
            a, top = (r + pad) % stride, (r + pad) // stride
            e, left = (c + pad) % stride, (c + pad) // stride
            taps = w[:, :, a::stride, e::stride]
            phase = dx[:, r::stride, c::stride]  # (N, h, w, C)
            _, h_out, w_out, _ = phase.shape
            ih, iw = taps.shape[2:]
            if ih == 0 or iw == 0:  # the stride skips these pixels
                phase[...] = 0
                continue
            wmat = _filter_matrix(taps[:, :, ::-1, ::-1].transpose(1, 0, 2, 3))
            for images, first, count in _blocks(N, h_out, w_out * ih * iw * F):
                rows = _rows(dl[images], (first + top - ih + 1, count, 1), (left - iw + 1, w_out, 1), ih, iw)
                band = phase[images, first : first + count]
                if stride == 1:
                    np.matmul(rows, wmat, out=band.reshape(-1, C))
                else:
                    band[...] = (rows @ wmat).reshape(band.shape)
    return dx


def _blocks(N, HO, floats_per_row):
    """Blocks of about _BLOCK_FLOATS numbers, whole images or bands of one: (images, first row, rows)."""
    images = _BLOCK_FLOATS // max(1, HO * floats_per_row)
    if images:
        return [(slice(n, n + images), 0, HO) for n in range(0, N, images)]
    count = max(1, _BLOCK_FLOATS // floats_per_row)
    return [(slice(n, n + 1), h, min(count, HO - h)) for n in range(N) for h in range(0, HO, count)]


def _rows(xl, vertical, horizontal, HH, WW):
    """Windows as the rows of a matrix; where they hang over the image they are zero.

    Parameters
    ----------
    xl : ndarray (N, H, W, C)
    vertical, horizontal : (first, count, step)
        The first window's first row (may be negative), how many windows there are, pixels between them.
    HH, WW : int
        Window size.

    Returns
    -------
    ndarray (N * rows * columns, HH * WW * C)
    """
    (top, HO, sh), (left, WO, sw) = vertical, horizontal
    N, H, W, C = xl.shape
    bottom, right = top + (HO - 1) * sh + HH, left + (WO - 1) * sw + WW  # where the last window ends
    if top < 0 or left < 0 or bottom > H or right > W or not xl.flags.c_contiguous:
        padded = np.zeros((N, bottom - top, right - left, C), dtype=xl.dtype)
        h0, w0 = max(top, 0), max(left, 0)
        h1, w1 = max(h0, min(bottom, H)), max(w0, min(right, W))  # a band may lie in the padding altogether
        padded[:, h0 - top : h1 - top, w0 - left : w1 - left] = xl[:, h0:h1, w0:w1]
        xl, top, left = padded, 0, 0
    if HH == WW == sh == sw == 1 and xl.shape[1:3] == (HO, WO):
        return xl.reshape(-1, C)
    n, h, w, _ = xl.strides
    # WW neighbouring pixels with all their channels are one run of memory, so that five axes do for six.
    shape, strides = (N, HO, WO, HH, WW * C), (n, sh * h, sw * w, h, xl.itemsize)
    windows = as_strided(xl[:, top:, left:], shape, strides, writeable=False)
    return windows.reshape(N * HO * WO, HH * WW * C)  # copies
