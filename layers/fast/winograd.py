"""Filters with fewer multiplications: Winograd's F(2x2, 3x3) and F(3x3, 2x2).

Two neighbouring outputs of a filter (g0, g1, g2) on d0, d1, d2, d3 take six multiplications; four are enough:

    y0 = d0 g0 + d1 g1 + d2 g2 = m0 + m1 + m2        m0 = (d0 - d2) g0        m1 = (d1 + d2) (g0 + g1 + g2) / 2
    y1 = d1 g0 + d2 g1 + d3 g2 = m1 - m2 - m3        m3 = (d1 - d3) g2        m2 = (d2 - d1) (g0 - g1 + g2) / 2

The same sums of the same four pixels give three outputs of a filter (g0, g1), instead of six multiplications:

    y0 = d0 g0 + d1 g1 = m0 + m1 + m2                m0 = (d0 - d2) g0        m1 = (d1 + d2) (g0 + g1) / 2
    y1 = d1 g0 + d2 g1 = m1 - m2                     m3 = (d1 - d3) g1        m2 = (d2 - d1) (g0 - g1) / 2
    y2 = d2 g0 + d3 g1 = m1 + m2 - m3

Along rows and columns at once, the 36 multiplications of a tile of outputs become 16. The sums over d depend only on
the image, so all filters share them; those over g depend only on the filters, so all images share them. Between them
are 16 products of matrices (tiles x channels) (channels x filters), which BLAS computes. The outputs of a tile share
sums, so NaN and infinity in a pixel may reach outputs of its tile that do not see the pixel. With the filter (g0, g1)
rounding errors may, too.

A 4x4 filter that moves by 2 is a 2x2 filter that moves by 1 over an image in which each 2x2 pixels have become one with
four times the channels. So the method is for all filters of `size` = 3 or 2 times their stride.

Lavin and Gray 2016, Fast algorithms for convolutional neural networks, section 4.1.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .parallel import BLOCKING, least_product, length, parallel_for, parallel_sum, split_blocks

# Filters of the key's size (in strides) -> their factors in m0 ... m3.
_FILTERS = {
    3: np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]),
    2: np.array([[1, 0], [0.5, 0.5], [0.5, -0.5], [0, 1]]),
}
# With fewer tiles or channels than these, or fewer multiplications saved, the sums are not worth it.
_LEAST_TILES = 100
_LEAST_CHANNELS = 16
_LEAST_SPARED = 1.5


def applies(w, stride):
    """Whether this module can compute a convolution with filters w (F, C, HH, WW)."""
    HH, WW = w.shape[2:]
    r, rest = divmod(HH, stride)
    return HH == WW and not rest and r in _FILTERS


def pays(w, stride, shape, blocking=BLOCKING):
    """Whether it is the faster way to outputs (N, HO, WO, F) of filters w (F, C, HH, WW), and to their gradients."""
    if not applies(w, stride):
        return False
    N, HO, WO, F = shape
    C, r = w.shape[1], w.shape[2] // stride
    m = 5 - r
    tiles = -(-HO // m) * -(-WO // m)
    spared = HO * WO * r**2 / (16 * tiles)
    enough = N * tiles >= _LEAST_TILES and min(C, F) >= _LEAST_CHANNELS and spared >= _LEAST_SPARED
    return enough and N * HO * WO * w.size >= least_product(blocking)


def forward(xl, w, stride, pad, out, finish=None, *, blocking=BLOCKING):
    """The convolution of images (N, H, W, C) with filters w (F, C, HH, WW), into out; see `conv.convolve`."""
    factors, r = _transform_filters(w, stride, out.dtype, blocking), w.shape[2] // stride
    _correlate(xl, factors, r, stride, -pad, -pad, out, finish, blocking=blocking)


def input_gradient(dl, w, stride, pad, shape, *, blocking=BLOCKING):
    """The gradient to the images (N, H, W, C), channels last; dl is that of the outputs, (N, HO, WO, F).

    A correlation of dl with the filters turned by 180 degrees, which gives stride x stride pixels side by side.
    """
    N, C, H, W = shape
    r, dtype = w.shape[2] // stride, np.result_type(dl, w)
    factors = _transform_filters(w, stride, dtype, blocking, turned=True).transpose(0, 2, 1)  # (16, F, stride**2 * C)
    first, beside = divmod(pad, stride)
    rows, columns = -(-(pad + H) // stride) - first, -(-(pad + W) // stride) - first
    dx = np.empty((N, rows * stride, columns * stride, C), dtype)
    pixels = dx.reshape(N, rows, stride, columns, stride * C).transpose(0, 1, 3, 2, 4)
    _correlate(dl, factors, r, 1, first - r + 1, first - r + 1, pixels, blocking=blocking)
    return dx[:, beside : beside + H, beside : beside + W]


def filter_gradient(xl, dl, w, stride, pad, *, blocking=BLOCKING):
    """The gradient to the filters, (HH, WW, C, F); dl is that of the outputs, (N, HO, WO, F).

    The forward pass reversed: each matrix that transformed sums is applied transposed.
    """
    N, HO, WO, F = dl.shape
    C, r = w.shape[1] * stride**2, w.shape[2] // stride
    m = 5 - r
    TH, TW = -(-HO // m), -(-WO // m)
    dtype = np.result_type(xl, dl)
    blocks = split_blocks(N, TH, 16 * TW * max(C, F), blocking=blocking)

    def new_worker():
        tiles = _most_tiles(blocks, TW)
        space = _space(tiles, TW, C, m, dtype)
        d_spaces = np.empty((2, 16 * tiles * F), dtype)

        def worker(block):
            images, rows = block
            n, h = length(images), length(rows)
            T = n * h * TW
            dout = padded(dl[images], m * rows.start, m * rows.stop, 0, m * TW)
            dy = d_spaces[0, : m * m * T * F].reshape(m, m, n, h, TW, F)
            for i, j in np.ndindex(m, m):
                dy[i, j] = dout[:, i::m, j::m]
            half = d_spaces[1, : 4 * m * T * F].reshape(4, m, T * F)
            dm = d_spaces[0, : 16 * T * F].reshape(4, 4, T * F)
            _transform_products_back(dy.reshape(m, m, T * F), half)
            _transform_products_back(half.transpose(1, 0, 2), dm.transpose(1, 0, 2))
            result = np.empty((4, 4, C, F), dtype)
            for j, part in _transformed_tiles(xl[images], rows.start, -pad, -pad, stride, h, TW, m, space):
                np.matmul(part.transpose(0, 2, 1), dm[:, j].reshape(4, T, F), out=result[:, j])
            return result

        return worker

    dfactors = parallel_sum(blocks, new_worker).reshape(16, C * F)
    matrix = np.kron(_FILTERS[r], _FILTERS[r]).astype(dtype)
    dkernel = np.empty((r * r, C * F), dtype)

    def worker(block):
        np.matmul(matrix.T, dfactors[:, block[1]], out=dkernel[:, block[1]])

    parallel_for(split_blocks(1, C * F, 16, blocking=blocking), lambda: worker)
    dkernel = dkernel.reshape(r, r, stride, -1).transpose(0, 2, 1, 3)
    return dkernel.reshape(r * stride, r * stride, w.shape[1], F)


def padded(xl, top, bottom, left, right):
    """Rows top..bottom and columns left..right of images (N, H, W, C), with zeros where they leave the image.

    The channels of a pixel, and the pixels of a row, lie side by side in the result; if they already do, nothing is
    copied.
    """
    N, H, W, C = xl.shape
    beside = xl.strides[3] == xl.itemsize and xl.strides[2] == C * xl.itemsize
    if beside and top >= 0 and left >= 0 and bottom <= H and right <= W:
        return xl[:, top:bottom, left:right]
    result = np.zeros((N, bottom - top, right - left, C), dtype=xl.dtype)
    h0, w0 = max(top, 0), max(left, 0)
    h1, w1 = max(h0, min(bottom, H)), max(w0, min(right, W))  # the band may lie entirely beside the image
    result[:, h0 - top : h1 - top, w0 - left : w1 - left] = xl[:, h0:h1, w0:w1]
    return result


def spaced_rows(count, length, dtype):
    """Memory for a few long rows, with gaps between them.

    Rows that begin a multiple of 4096 bytes apart compete for the same cache lines: a product takes twice the time.
    """
    return np.empty((count, -(-length // 64) * 64 + 16), dtype)[:, :length]


def strided(x, shape, strides):
    """Another view of an array, for reading only."""
    if x.flags.c_contiguous:
        return np.ndarray(shape, x.dtype, x, 0, strides)  # like `as_strided`, with a check, and ten times as fast
    return as_strided(x, shape, strides, writeable=False)


def _correlate(xl, factors, r, stride, top, left, out, finish=None, *, blocking):
    """The outputs of filters that are given by their factors.

    Parameters
    ----------
    xl : ndarray (N, H, W, C)
    factors : ndarray (16, stride**2 * C, F)
    r : int
        Size of the filters, in strides.
    stride : int
    top, left : int
        Where the first window starts; where a window extends beyond the image it sees zeros.
    out : ndarray (N, HO, WO, F), or the same with the last axis split into several
        Written; may be a view with gaps.
    finish : callable, optional
        As in `conv.convolve`.
    """
    N, HO, WO, *inner = out.shape
    _, C, F = factors.shape
    m = 5 - r
    TH, TW = -(-HO // m), -(-WO // m)
    factors = factors.reshape(4, 4, C, F)
    blocks = split_blocks(N, TH, 16 * TW * max(C, F), blocking=blocking)

    def new_worker():
        tiles = _most_tiles(blocks, TW)
        space = _space(tiles, TW, C, m, out.dtype, least=4 * m * tiles * F)
        m_space = np.empty(16 * tiles * F, out.dtype)

        def worker(block):
            images, rows = block
            n, h = length(images), length(rows)
            T = n * h * TW
            products = m_space[: 16 * T * F].reshape(4, 4, T, F)
            for j, part in _transformed_tiles(xl[images], rows.start, top, left, stride, h, TW, m, space):
                np.matmul(part, factors[:, j], out=products[:, j])
            half = space[: 4 * m * T * F].reshape(m, 4, T * F)
            y = m_space[: m * m * T * F].reshape(m, m, T * F)
            _transform_products(products.reshape(4, 4, T * F), half)
            _transform_products(half.transpose(1, 0, 2), y.transpose(1, 0, 2))
            place = images, slice(m * rows.start, min(m * rows.stop, HO)), slice(0, F)
            part = out[place[:2]]
            for i, j in np.ndindex(m, m):
                entry = part[:, i::m, j::m]
                entry[...] = y[i, j].reshape(n, h, TW, *inner)[:, : entry.shape[1], : entry.shape[2]]
            if finish is not None:
                finish(part, place)

        return worker

    parallel_for(blocks, new_worker)


def _most_tiles(blocks, TW):
    """Tiles in the largest of the blocks (images, rows of tiles)."""
    return TW * max(length(images) * length(rows) for images, rows in blocks)


def _space(tiles, TW, C, m, dtype, least=0):
    """Memory for `_transformed_tiles`, at least `least` numbers."""
    return np.empty(max(4 * (tiles // TW) * (2 * m * TW + 4 - m) * C, least), dtype)


def _transformed_tiles(xl, first, top, left, stride, h, TW, m, space):
    """The sums over pixels for rows of tiles, one column of factors after the other.

    Parameters
    ----------
    xl : ndarray (n, H, W, C)
    first, h : int
        The first row of tiles, and how many there are; row 0 has its first window at `top`.
    top, left, stride, TW, m, space
        Window positions; tiles in a row, outputs along a tile; memory.

    Yields
    ------
    j, part : int, ndarray (4, n * h * TW, stride**2 * C)
        What the factors j of four rows are multiplied with; use it before you ask for the next. Adding long runs of
        memory is much faster than adding short ones, so the sums are taken for every pixel of a row, and part is a view
        with gaps.
    """
    rows, columns = m * h + 4 - m, m * TW + 4 - m
    start = top + first * m * stride
    image = padded(xl, start, start + rows * stride, left, left + columns * stride)
    n, C = len(image), xl.shape[3] * stride**2
    if stride > 1:  # pixels side by side
        image = np.ascontiguousarray(image.reshape(n, rows, stride, columns, -1).transpose(0, 1, 3, 2, 4))
    lines = image.reshape(n, rows, columns * C)
    d = [lines[:, k : k + m * (h - 1) + 1 : m] for k in range(4)]  # (n, h, columns * C)
    size = n * h * columns * C
    v, rest = space[: 4 * size].reshape(4, n, h, columns * C), space[4 * size :]
    np.subtract(d[0], d[2], out=v[0])
    np.add(d[1], d[2], out=v[1])
    np.subtract(d[2], d[1], out=v[2])
    np.subtract(d[1], d[3], out=v[3])
    v = v.reshape(4, n * h, columns * C)
    sums = rest[: 4 * n * h * m * TW * C].reshape(4, n * h, m * TW * C)
    entries = sums.reshape(4, n * h * TW, m * C)
    some = (m * TW - m + 2) * C  # the last tile's unused pixels may not exist
    np.subtract(v[:, :, :some], v[:, :, 2 * C : 2 * C + some], out=sums[:, :, :some])
    yield 0, entries[:, :, :C]
    yield 3, entries[:, :, C : 2 * C]
    some = (m * TW - m + 1) * C
    left, right = v[:, :, C : C + some], v[:, :, 2 * C : 2 * C + some]
    np.add(left, right, out=sums[:, :, :some])
    yield 1, entries[:, :, :C]
    np.subtract(right, left, out=sums[:, :, :some])
    yield 2, entries[:, :, :C]


def _transform_filters(w, stride, dtype, blocking, turned=False):
    """Filters (F, C, HH, WW), or the same turned by 180 degrees -> their factors (16, stride**2 * C, F)."""
    F, r = len(w), w.shape[2] // stride
    matrix = _FILTERS[r][:, ::-1] if turned else _FILTERS[r]
    matrix = np.kron(matrix, matrix).astype(dtype)
    kernel = np.ascontiguousarray(w.transpose(2, 3, 1, 0))  # (HH, WW, C, F)
    rows = kernel.reshape(r, stride, r, -1).transpose(0, 2, 1, 3).reshape(r * r, -1)
    factors = spaced_rows(16, rows.shape[1], dtype)

    def worker(block):
        np.matmul(matrix, rows[:, block[1]], out=factors[:, block[1]])

    parallel_for(split_blocks(1, rows.shape[1], 16, blocking=blocking), lambda: worker)
    return factors.reshape(16, -1, F)


def _transform_products(m, out):
    """m0 ... m3 -> two or three outputs."""
    np.add(m[1], m[2], out=out[0])
    np.subtract(m[1], m[2], out=out[1])
    np.subtract(out[-1] if len(out) == 2 else out[0], m[3], out=out[-1])
    out[0] += m[0]


def _transform_products_back(dy, out):
    """Its transpose: gradients of two or three outputs -> those of m0 ... m3."""
    even = dy[0] + dy[2] if len(dy) == 3 else dy[0]
    out[0] = dy[0]
    np.add(even, dy[1], out=out[1])
    np.subtract(even, dy[1], out=out[2])
    np.negative(dy[-1], out=out[3])
