"""Fast convolution: matrix products on channels-last memory, block by block.

`naive.py` defines a convolution; this module computes the same numbers quickly and keeps nothing between calls.
Five ideas:

1. *Channels last.* Arrays have the shape (N, C, H, W) everywhere in pixelgrad, but a shape says nothing about the order
   in memory. Here the channels of one pixel lie side by side, so a window of the image is a few long runs of numbers.
   The result keeps that order, and the next layer need not copy it. Filters are best kept in the order
   (HH, WW, C, F), see `channels_last_filters`: then the matrix of idea 2 is a view.
2. *A convolution is a matrix product.* Each window becomes a row ("im2col", Chellapilla et al. 2006, High performance
   convolutional neural networks for document processing, section 3.1), each filter a column. BLAS does the rest.
3. *Blocks.* We work on a few images at a time, or on a band of one, so that the rows stay in the processor's cache and
   the memory needed grows neither with the batch nor with the image. What follows a convolution (bias, normalisation,
   ReLU) is applied to each block while it is in the cache: `finish`. Several threads share the blocks, see
   `parallel.py`; a single block is left to the threads of BLAS.
4. *Fewer multiplications.* Filters three or two strides wide share work between neighbouring pixels: `winograd.py`.
5. *The gradient to the image is itself a convolution*, of dout with the flipped filters. For stride s, pixels in rows
   r + s m and columns c + s n see only the kernel positions i = r + s k, j = c + s l. So there are s*s convolutions,
   each with a part of the kernel, and no multiplications by zero. Where flipping the filters costs more than the
   product (few windows), or where dout has many more channels than the image (the first layer), each kernel position's
   product is added to the pixels it has seen instead ("col2im").

Which of the ideas 2, 4 and 5 is fastest depends on the shapes; ``method="auto"`` chooses. All give the same numbers.
"""

from itertools import product
from typing import Any

import numpy as np

from ..._typing import Array, Cache
from ..checks import check_choice, conv_output_size, same_shape
from . import winograd
from .parallel import (
    BLOCKING,
    Blocking,
    least_product,
    least_windows,
    length,
    parallel_for,
    parallel_sum,
    split_blocks,
    split_range,
    threads,
)
from .winograd import padded, spaced_rows, strided

# "auto" takes col2im for the gradient to the image where there are fewer windows per filter (and step of the stride)
# than the first number, or at least as many filters per channel as the second.
_FEW_WINDOWS = 4
_MANY_FILTERS = 3
FORWARD_METHODS = ("auto", "im2col", "winograd")
BACKWARD_METHODS = ("auto", "im2col", "col2im", "winograd")


def conv_forward(
    x: Array,
    w: Array,
    b: Array | None,
    conv_param: dict[str, Any],
    *,
    method: str = "auto",
    blocking: Blocking = BLOCKING,
) -> tuple[Array, Cache]:
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
    method : {"auto", "im2col", "winograd"}
        How to compute it; "auto" takes what is fastest. "winograd" is for square filters 2 or 3 strides wide.
    blocking : Blocking
        How the work is split.

    Returns
    -------
    out : ndarray (N, F, HO, WO)
        HO = (H + 2 pad - HH) // stride + 1, and WO likewise. Channels last in memory.
    cache : tuple
        For `conv_backward`.

    Raises
    ------
    ValueError
        Wrong rank, channels that do not match, a filter larger than the padded image, an unknown option or method, a
        method that cannot compute this convolution.

    Examples
    --------
    >>> conv_forward(np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3)), None, {"stride": 1, "pad": 0})[0]
    array([[[[9.]]]])
    """
    check_choice("conv_forward", "method", method, FORWARD_METHODS)
    stride, pad, *_ = conv_output_size("conv_forward", x, w, b, conv_param)
    add_bias = None if b is None else lambda y, where: np.add(y, b[where[2]], out=y)
    out = convolve(x, w, stride, pad, add_bias, method=method, blocking=blocking)
    return out, (x, w, b, stride, pad)


def conv_backward(
    dout: Array,
    cache: Cache,
    *,
    param_grads: bool = True,
    input_grad: bool = True,
    method: str = "auto",
    blocking: Blocking = BLOCKING,
) -> tuple[Array | Any, Array | Any, Array | None]:
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
    method : {"auto", "im2col", "col2im", "winograd"}
        How to compute dx and dw; "auto" takes for each what is fastest. "im2col" multiplies windows, for dx those of
        dout with the flipped filters; "col2im" does so for dw only, and for dx adds up products.
    blocking : Blocking
        How the work is split.

    Returns
    -------
    dx : ndarray (N, C, H, W)
    dw : ndarray (F, C, HH, WW)
    db : ndarray (F,), or None for a convolution without biases

    Examples
    --------
    >>> out, cache = conv_forward(np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3)), None, {"stride": 1, "pad": 0})
    >>> conv_backward(out, cache)[0].shape
    (1, 1, 3, 3)
    """
    x, w, b, stride, pad = cache
    HO = (x.shape[2] + 2 * pad - w.shape[2]) // stride + 1
    WO = (x.shape[3] + 2 * pad - w.shape[3]) // stride + 1
    same_shape("conv_backward", "dout", dout, (x.shape[0], w.shape[0], HO, WO))
    check_choice("conv_backward", "method", method, BACKWARD_METHODS)
    dl = np.ascontiguousarray(dout.transpose(0, 2, 3, 1))  # (N, HO, WO, F)
    dx = _input_gradient(dl, x.shape, w, stride, pad, method, blocking) if input_grad else None
    dw = db = None
    if param_grads:
        dw = _filter_gradient(dl, x, w, stride, pad, method, blocking)
        if b is not None:
            db = dl.sum(axis=(0, 1, 2), dtype=np.float64).astype(dl.dtype)
    return dx, dw, db


def channels_last_filters(w):
    """The same filters (F, C, HH, WW), in the memory order (HH, WW, C, F): a convolution need not copy them."""
    return np.ascontiguousarray(w.transpose(2, 3, 1, 0)).transpose(3, 2, 0, 1)


def convolve(x, w, stride, pad, finish=None, *, method="auto", blocking=BLOCKING):
    """The convolution itself, for functions that add to it.

    Parameters
    ----------
    x, w, stride, pad, method, blocking
        As in `conv_forward`; shapes are checked there.
    finish : callable (y, where), optional
        Called with each part of the output, channels last, (n, h, WO, f), and changes it in place. `where` is the
        part's place in the whole, (images, rows, filters), three slices. Several threads may call it.

    Returns
    -------
    out : ndarray (N, F, HO, WO), channels last in memory
    """
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    out = np.empty((N, (H + 2 * pad - HH) // stride + 1, (W + 2 * pad - WW) // stride + 1, F), np.result_type(x, w))
    xl = x.transpose(0, 2, 3, 1)
    if _by_winograd(method, w, stride, out.shape, blocking):
        winograd.forward(xl, w, stride, pad, out, finish, blocking=blocking)
    else:
        _correlate(xl, w.transpose(2, 3, 1, 0), -pad, -pad, stride, out, finish, blocking=blocking)
    return out.transpose(0, 3, 1, 2)


def _by_winograd(method, w, stride, shape, blocking):
    """Whether to compute outputs of a shape (N, HO, WO, F), or their gradients, by `winograd`."""
    if method == "winograd" and not winograd.applies(w, stride):
        size = f"{w.shape[2]}x{w.shape[3]} at stride {stride}"
        raise ValueError(f"convolution: 'winograd' is for square filters 2 or 3 strides wide, got {size}; use 'auto'")
    return method == "winograd" or method == "auto" and winograd.pays(w, stride, shape, blocking)


def _correlate(xl, kernel, top, left, stride, out, finish=None, *, blocking):
    """Products of windows and filters.

    Parameters
    ----------
    xl : ndarray (N, H, W, C)
    kernel : ndarray (HH, WW, C, F)
        In any memory order.
    top, left : int
        Where the first window starts; where a window extends beyond the image it sees zeros.
    out : ndarray (N, HO, WO, F)
        Written; may be a view with gaps.
    """
    N, HO, WO, F = out.shape
    HH, WW, C = kernel.shape[:3]
    # Always in C order: BLAS rounds differently for a transposed matrix, and results must not depend on the filters'
    # memory order.
    wmat = np.ascontiguousarray(kernel.reshape(-1, F))
    every = slice(0, F)
    blocks = [(*block, every) for block in _window_blocks(N, HO, WO * len(wmat), F, blocking)]
    if len(blocks) > 1 and N * HO * WO < blocking.few_windows:
        blocks = [(slice(0, N), slice(0, HO), filters) for filters in split_range(F, threads())]

    def new_worker():
        size = max(length(images) * length(rows) for images, rows, _ in blocks) * WO
        space = np.empty((size, len(wmat)), xl.dtype)

        def worker(block):
            images, rows, filters = block
            part = out[images, rows, :, filters]
            first = top + rows.start * stride
            windows = _windows(xl[images], (first, length(rows), stride), (left, WO, stride), HH, WW, space)
            matrix = part.reshape(len(windows), length(filters))
            if matrix.base is part.base or matrix.base is part:
                np.matmul(windows, wmat[:, filters], out=matrix)
            else:
                part[...] = (windows @ wmat[:, filters]).reshape(part.shape)
            if finish is not None:
                finish(part, block)

        return worker

    parallel_for(blocks, new_worker)


def _window_blocks(N, HO, floats_per_row, F, blocking):
    """Blocks of windows, which are to be multiplied with F filters."""
    return split_blocks(N, HO, floats_per_row, least=least_windows(F, blocking), blocking=blocking)


def _filter_gradient(dl, x, w, stride, pad, method, blocking):
    """Sum over all windows of (window) x (dout at that window); dl is dout, channels last."""
    N, HO, WO, F = dl.shape
    _, C, HH, WW = w.shape
    xl = x.transpose(0, 2, 3, 1)
    if _by_winograd(method, w, stride, dl.shape, blocking):
        return winograd.filter_gradient(xl, dl, w, stride, pad, blocking=blocking).transpose(3, 2, 0, 1)
    K = HH * WW * C
    dtype = np.result_type(x, dl)

    blocks = _window_blocks(N, HO, WO * K, F, blocking)

    def new_worker():
        space = np.empty((max(length(images) * length(rows) for images, rows in blocks) * WO, K), dtype)

        def worker(block):
            images, rows = block
            first = rows.start * stride - pad
            windows = _windows(xl[images], (first, length(rows), stride), (-pad, WO, stride), HH, WW, space)
            return windows.T @ dl[images, rows].reshape(len(windows), F)

        return worker

    dw = parallel_sum(blocks, new_worker)
    return dw.reshape(HH, WW, C, F).transpose(3, 2, 0, 1)


def _input_gradient(dl, shape, w, stride, pad, method, blocking):
    """The gradient to the images (N, C, H, W); dl is dout, channels last."""
    N, HO, WO, F = dl.shape
    C = w.shape[1]
    if _by_winograd(method, w, stride, dl.shape, blocking):
        dx = winograd.input_gradient(dl, w, stride, pad, shape, blocking=blocking)
    elif method == "col2im" or method == "auto" and (N * HO * WO < _FEW_WINDOWS * stride * F or _MANY_FILTERS * C <= F):
        dx = _col2im(dl, shape, w, stride, pad, blocking)
    else:
        dx = _correlate_phases(dl, shape, w, stride, pad, blocking)
    return dx.transpose(0, 3, 1, 2)


def _col2im(dl, shape, w, stride, pad, blocking):
    """Multiply dout with the filters as they are, then add each kernel position's part to the pixels it has seen."""
    N, C, H, W = shape
    _, HO, WO, F = dl.shape
    HH, WW = w.shape[2:]
    kernel = w.transpose(2, 3, 1, 0)  # (HH, WW, C, F)
    planar = C < blocking.planar_channels
    dtype = np.result_type(dl, w)
    # A few channels side by side are short runs of memory; then one channel after the other is faster.
    dx = np.empty((N, C, H, W), dtype).transpose(0, 2, 3, 1) if planar else np.empty((N, H, W, C), dtype)
    if planar:
        blocks = [
            (*block, slice(0, C)) for block in split_blocks(N, H, -(-W * w[0].size // stride**2), blocking=blocking)
        ]
    else:
        count = 1 if N * HO * WO * w.size < least_product(blocking) else threads()
        blocks = [(slice(0, N), slice(0, H), channels) for channels in split_range(C, count)]

    def worker(block):
        images, rows, channels = block
        # These windows reach the rows.
        first = min(HO, max(0, -((HH - 1 - rows.start - pad) // stride)), (rows.start + pad) // stride)
        last = min(HO, (rows.stop - 1 + pad) // stride + 1)
        seen = dl[images, first:last]
        n, h = seen.shape[:2]
        part = kernel[:, :, channels]
        c = part.shape[2]
        if planar:
            products = spaced_rows(HH * WW * c, n * h * WO, dtype)
            np.matmul(part.reshape(-1, F), seen.reshape(-1, F).T, out=products)
            products = products.reshape(HH, WW, c, n, h, WO).transpose(0, 1, 3, 4, 5, 2)
        elif c == C:
            products = _times_transposed(seen.reshape(-1, F), part.reshape(-1, F))
            products = products.reshape(n, h, WO, HH, WW, c).transpose(3, 4, 0, 1, 2, 5)
        else:
            products = np.matmul(seen.reshape(-1, F), part.transpose(0, 1, 3, 2)).reshape(HH, WW, n, h, WO, c)
        # Pixel (stride k + i, stride l + j) of the padded image, from the first window's top left: sums[i, j, :, k, l].
        height = max((rows.stop - 1 + pad) // stride - first + 1, h + (HH - 1) // stride)
        width = max((W - 1 + pad) // stride + 1, WO + (WW - 1) // stride)
        if planar:
            sums = np.zeros((stride, stride, c, n, height, width), dtype).transpose(0, 1, 3, 4, 5, 2)
        else:
            sums = np.zeros((stride, stride, n, height, width, c), dtype)
        for i, j in product(range(0, HH, stride), range(0, WW, stride)):
            step = products[i : i + stride, j : j + stride]  # each goes to pixels of its own
            k, l = i // stride, j // stride
            sums[: step.shape[0], : step.shape[1], :, k : k + h, l : l + WO] += step
        for r, q in product(range(stride), range(stride)):
            top, left = rows.start + (r - rows.start - pad) % stride, (q - pad) % stride
            target = dx[images, top : rows.stop : stride, left::stride, channels]
            k, l = (top + pad) // stride - first, (left + pad) // stride
            target[...] = sums[r, q, :, k : k + target.shape[1], l : l + target.shape[2]]

    parallel_for(blocks, lambda: worker)
    return dx


def _times_transposed(a, b):
    """a @ b.T; where a has few rows, transposing the result is faster than having BLAS transpose b."""
    return np.ascontiguousarray((b @ np.ascontiguousarray(a.T)).T) if len(a) <= 16 else a @ b.T


def _correlate_phases(dl, shape, w, stride, pad, blocking):
    """A correlation with the flipped filters for each phase of the stride."""
    N, C, H, W = shape
    dx = np.empty((N, H, W, C), dtype=np.result_type(dl, w))
    for r in range(min(stride, H)):
        for c in range(min(stride, W)):
            # Image row h = r + stride * k lies at h + pad in the padded image and meets the kernel rows
            # i = a, a + stride, ... at the output rows (h + pad - i) / stride.
            a, top = (r + pad) % stride, (r + pad) // stride
            e, left = (c + pad) % stride, (c + pad) // stride
            part = w[:, :, a::stride, e::stride][:, :, ::-1, ::-1].transpose(2, 3, 0, 1)
            phase = dx[:, r::stride, c::stride]
            if part.size == 0:  # the stride skips these pixels
                phase[...] = 0
            else:
                first = top - part.shape[0] + 1, left - part.shape[1] + 1
                _correlate(dl, part, *first, 1, phase, blocking=blocking)
    return dx


def _windows(xl, vertical, horizontal, HH, WW, space):
    """Windows as the rows of a matrix; beyond the image they are zero.

    Parameters
    ----------
    xl : ndarray (N, H, W, C)
    vertical, horizontal : (first, count, step)
        The first window's first row (may be negative), how many windows there are, pixels between them.
    HH, WW : int
        Window size.
    space : ndarray (at least N * rows * columns, HH * WW * C)
        Where the matrix may be written.

    Returns
    -------
    ndarray (N * rows * columns, HH * WW * C)
        Part of the space, or of the image where that already is the matrix: windows of one pixel.
    """
    (top, HO, sh), (left, WO, sw) = vertical, horizontal
    bottom, right = top + (HO - 1) * sh + HH, left + (WO - 1) * sw + WW  # where the last window ends
    xl = padded(xl, top, bottom, left, right)
    N, _, _, C = xl.shape
    if HH == WW == sh == sw == 1 and xl.flags.c_contiguous:
        return xl.reshape(N * HO * WO, C)
    n, h, w, c = xl.strides
    rows = space[: N * HO * WO]
    # WW neighbouring pixels with all their channels are one run of memory, so five axes suffice for six.
    shape, strides = (N, HO, WO, HH, WW * C), (n, sh * h, sw * w, h, c)
    np.copyto(rows.reshape(shape), strided(xl, shape, strides))
    return rows
