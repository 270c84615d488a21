"""3x3 filters with fewer multiplications: Winograd's F(2x2, 3x3).

Two neighbouring outputs of a filter (g0, g1, g2) on d0, d1, d2, d3 take six multiplications; four are enough:

    y0 = d0 g0 + d1 g1 + d2 g2 = m0 + m1 + m2        m0 = (d0 - d2) g0        m1 = (d1 + d2) (g0 + g1 + g2) / 2
    y1 = d1 g0 + d2 g1 + d3 g2 = m1 - m2 - m3        m3 = (d1 - d3) g2        m2 = (d2 - d1) (g0 - g1 + g2) / 2

Along rows and columns at once, the 36 multiplications of a tile of 2x2 outputs become 16. The sums over d depend on
the image only, those over g on the filters only, so that they are shared by all filters and by all images; what is
left between them are 16 products of matrices (tiles x channels) (channels x filters), work for BLAS. An output that a
pixel does not reach does not change with it by as much as a rounding error: y0 has no d3 and y1 no d0.

Lavin and Gray 2016, Fast algorithms for convolutional neural networks, section 4.1.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .threads import deal, least_product, length, pieces, total

_FILTERS = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])  # (g0, g1, g2) -> factors in m0 ... m3
# Fewer tiles or channels than these: not worth the sums.
_LEAST_TILES = 200
_LEAST_CHANNELS = 16


def pays(C, shape):
    """Whether this is the faster way to outputs (N, HO, WO, F) from C channels."""
    N, HO, WO, F = shape
    enough = N * HO * WO >= 4 * _LEAST_TILES and min(C, F) >= _LEAST_CHANNELS
    return enough and N * HO * WO * 9 * C * F >= least_product()


def correlate(xl, taps, top, left, out, finish=None):
    """As `conv._correlate`, for 3x3 taps and stride 1."""
    N, HO, WO, F = out.shape
    C = xl.shape[3]
    TH, TW = -(-HO // 2), -(-WO // 2)
    factors = _transform_filters(taps, out.dtype)  # (16, C, F)
    blocks = pieces(N, TH, 16 * TW * max(C, F))

    def new_worker():
        spaces = _spaces(blocks, TW, max(C, F), out.dtype)

        def worker(block):
            images, rows = block
            n, h = length(images), length(rows)
            T = n * h * TW
            pixels = _transformed_tiles(xl[images], top + 2 * rows.start, left, h, TW, spaces)
            m = spaces[1, : 16 * T * F]
            np.matmul(pixels.reshape(16, T, C), factors, out=m.reshape(16, T, F))
            half = spaces[0, : 8 * T * F].reshape(2, 4, T * F)
            y = spaces[1, : 4 * T * F].reshape(2, 2, T * F)
            _transform_products(m.reshape(4, 4, T * F), half)
            _transform_products(half.transpose(1, 0, 2), y.transpose(1, 0, 2))
            place = images, slice(2 * rows.start, min(2 * rows.stop, HO)), slice(0, F)
            part = out[place[:2]]
            for i, j in np.ndindex(2, 2):
                entry = part[:, i::2, j::2]
                entry[...] = y[i, j].reshape(n, h, TW, F)[:, : entry.shape[1], : entry.shape[2]]
            if finish is not None:
                finish(part, place)

        return worker

    deal(blocks, new_worker)


def filter_gradient(xl, dl, top, left):
    """Gradient of `correlate` to the taps, (3, 3, C, F); dl is that of its output, (N, HO, WO, F).

    The same way backward: a matrix that brought sums forward brings them back transposed.
    """
    N, HO, WO, F = dl.shape
    C = xl.shape[3]
    TH, TW = -(-HO // 2), -(-WO // 2)
    dtype = np.result_type(xl, dl)
    blocks = pieces(N, TH, 16 * TW * max(C, F))

    def new_worker():
        spaces = _spaces(blocks, TW, C, dtype)
        d_spaces = _spaces(blocks, TW, F, dtype)

        def worker(block):
            images, rows = block
            n, h = length(images), length(rows)
            T = n * h * TW
            pixels = _transformed_tiles(xl[images], top + 2 * rows.start, left, h, TW, spaces)
            dout = padded(dl[images], 2 * rows.start, 2 * rows.stop, 0, 2 * TW)
            dy = d_spaces[0, : 4 * T * F].reshape(2, 2, n, h, TW, F)
            for i, j in np.ndindex(2, 2):
                dy[i, j] = dout[:, i::2, j::2]
            half = d_spaces[1, : 8 * T * F].reshape(4, 2, T * F)
            dm = d_spaces[0, : 16 * T * F].reshape(4, 4, T * F)
            _transform_products_back(dy.reshape(2, 2, T * F), half)
            _transform_products_back(half.transpose(1, 0, 2), dm.transpose(1, 0, 2))
            return np.matmul(pixels.reshape(16, T, C).transpose(0, 2, 1), dm.reshape(16, T, F))

        return worker

    dfactors = total(blocks, new_worker)  # (16, C, F)
    matrix = np.kron(_FILTERS, _FILTERS).astype(dtype)
    dtaps = np.empty((9, C * F), dtype)

    def worker(block):
        np.matmul(matrix.T, dfactors.reshape(16, -1)[:, block[1]], out=dtaps[:, block[1]])

    deal(pieces(1, C * F, 16), lambda: worker)
    return dtaps.reshape(3, 3, C, F)


def padded(xl, top, bottom, left, right):
    """Rows top..bottom and columns left..right of images (N, H, W, C), with zeros where they leave the image.

    The channels of a pixel, and the pixels of a row, lie side by side in the result; no copy is made if they do anyway.
    """
    N, H, W, C = xl.shape
    beside = xl.strides[3] == xl.itemsize and xl.strides[2] == C * xl.itemsize
    if beside and top >= 0 and left >= 0 and bottom <= H and right <= W:
        return xl[:, top:bottom, left:right]
    result = np.zeros((N, bottom - top, right - left, C), dtype=xl.dtype)
    h0, w0 = max(top, 0), max(left, 0)
    h1, w1 = max(h0, min(bottom, H)), max(w0, min(right, W))  # the band may lie beside the image altogether
    result[:, h0 - top : h1 - top, w0 - left : w1 - left] = xl[:, h0:h1, w0:w1]
    return result


def _spaces(blocks, TW, channels, dtype):
    """Two buffers for 4x4 numbers a tile and channel, for the largest of the blocks."""
    tiles = TW * max(length(images) * length(rows) for images, rows in blocks)
    return np.empty((2, 16 * tiles * channels), dtype)


def _transformed_tiles(xl, top, left, h, TW, spaces):
    """The sums over pixels for h x TW tiles of each image, (4, 4, tiles * C); they lie in the first of the spaces."""
    n, C = len(xl), xl.shape[3]
    image = padded(xl, top, top + 2 * h + 2, left, left + 2 * TW + 2)
    sn, sh, sw, sc = image.strides
    tiles = strided(image, (4, 4, n, h, TW, C), (sh, sw, sn, 2 * sh, 2 * sw, sc))
    a, b = (space[: tiles.size].reshape(4, 4, -1) for space in spaces)
    np.copyto(a.reshape(tiles.shape), tiles)
    _transform_pixels(a, b)
    _transform_pixels(b.transpose(1, 0, 2), a.transpose(1, 0, 2))
    return a


def strided(x, shape, strides):
    """Another view of an array, to be read only."""
    if x.flags.c_contiguous:
        return np.ndarray(shape, x.dtype, x, 0, strides)  # as `as_strided`, in a tenth of the time, with a check
    return as_strided(x, shape, strides, writeable=False)


def _transform_filters(taps, dtype):
    """Taps (3, 3, C, F) -> their factors (16, C, F)."""
    C, F = taps.shape[2:]
    matrix = np.kron(_FILTERS, _FILTERS).astype(dtype)
    turned = abs(taps.strides[2]) < abs(taps.strides[3])  # as they lie in memory, so that nothing needs sorting
    rows = (taps.transpose(0, 1, 3, 2) if turned else taps).reshape(9, C * F)
    factors = np.empty((16, C * F), dtype)

    def worker(block):
        np.matmul(matrix, rows[:, block[1]], out=factors[:, block[1]])

    deal(pieces(1, C * F, 16), lambda: worker)
    return factors.reshape(16, F, C).transpose(0, 2, 1) if turned else factors.reshape(16, C, F)


def _transform_pixels(d, out):
    np.subtract(d[0], d[2], out=out[0])
    np.add(d[1], d[2], out=out[1])
    np.subtract(d[2], d[1], out=out[2])
    np.subtract(d[1], d[3], out=out[3])


def _transform_products(m, out):
    np.add(m[1], m[2], out=out[0])
    out[0] += m[0]
    np.subtract(m[1], m[2], out=out[1])
    out[1] -= m[3]


def _transform_products_back(dy, out):
    out[0] = dy[0]
    np.add(dy[0], dy[1], out=out[1])
    np.subtract(dy[0], dy[1], out=out[2])
    np.negative(dy[1], out=out[3])
