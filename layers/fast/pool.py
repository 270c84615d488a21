"""Fast pooling, channels last in memory as in `conv.py`.

The maximum of a window is the maximum of its rows' maxima. Rows of an image are long runs of memory: each is compared
with itself, shifted by a pixel, and every stride-th pixel of the result is kept; then the same along columns. A number
for each window, the winner, tells which of its entries was the first largest. The backward pass adds the windows'
gradients for `stride` x `stride` entries of the window at a time, again over whole rows. The sums are `stride` x
`stride` images, which are interleaved in the end.

Average pooling is a loop over the few offsets inside a window: for the offset (i, j) the strided slice
``x[:, :, i::stride, j::stride]`` holds that entry of every window.
"""

from typing import Any

import numpy as np

from ..._typing import Array, Cache
from ..checks import check_array, pool_output_size, same_shape
from .parallel import BLOCKING, Blocking, length, parallel_for, split_blocks


def max_pool_forward(x: Array, pool_param: dict[str, Any], *, blocking: Blocking = BLOCKING) -> tuple[Array, Cache]:
    """The largest value of each window; arguments and result as in `max_pool_forward_naive`.

    `blocking` (Blocking) says how the work is split.

    Examples
    --------
    >>> out, cache = max_pool_forward(rng.normal(size=(1, 3, 8, 8)), {"pool_height": 2, "pool_width": 2, "stride": 2})
    >>> out.shape
    (1, 3, 4, 4)
    """
    height, width, stride, HO, WO = pool_output_size("max_pool_forward", x, pool_param)
    N, C, H, W = x.shape
    xl = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    out = np.empty((N, HO, WO, C), x.dtype)
    code = np.min_scalar_type(height * width - 1).type
    winner = np.empty(out.shape, code)  # i * width + j

    def worker(block):
        images, rows = block
        n, h = length(images), length(rows)
        seen = xl[images, rows.start * stride : (rows.stop - 1) * stride + height]
        lines = seen.reshape(n, seen.shape[1], W * C)
        largest, column = lines.copy(), np.zeros(lines.shape, code)
        for j in range(1, width):
            before, entry = largest[:, :, : (W - j) * C], lines[:, :, j * C :]  # a window may extend beyond the border
            _keep_larger(before, entry, column[:, :, : (W - j) * C], code(j))
        # (n, rows, WO, C): for every row of the image the largest of a window's row.
        largest, column = (
            np.ascontiguousarray(a.reshape(seen.shape)[:, :, : stride * WO : stride]) for a in (largest, column)
        )
        part, place = out[images, rows], winner[images, rows]
        part[...] = largest[:, : stride * h : stride]
        place[...] = column[:, : stride * h : stride]
        for i in range(1, height):
            entry = largest[:, i : i + stride * h : stride][:, :h]
            some = entry.shape[1]
            number = column[:, i : i + stride * h : stride][:, :h] + code(i * width)
            _keep_larger(part[:, :some], entry, place[:, :some], number)

    parallel_for(split_blocks(N, HO, W * C * stride, blocking=blocking), lambda: worker)
    return out.transpose(0, 3, 1, 2), (x.shape, winner, height, width, stride)


def _keep_larger(largest, entry, winner, number):
    """Write the larger of two into `largest`; where that is the entry, write its number into `winner`.

    Numbers increase from call to call.

    NaN stays the largest, since it must not vanish in a layer, but it is not a winner.
    """
    later = entry > largest
    np.maximum(winner, later.view(np.uint8) * number, out=winner)
    np.maximum(largest, entry, out=largest)


def max_pool_backward(dout: Array, cache: Cache, *, blocking: Blocking = BLOCKING) -> Array:
    """Gradient of `max_pool_forward`: all of it goes to the first largest value of each window.

    Parameters
    ----------
    dout : ndarray (N, C, HO, WO)
    cache : tuple
    blocking : Blocking
        How the work is split.

    Returns
    -------
    dx : ndarray (N, C, H, W)

    Examples
    --------
    >>> x = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> out, cache = max_pool_forward(x, {"pool_height": 2, "pool_width": 2, "stride": 2})
    >>> max_pool_backward(np.ones((1, 1, 1, 1)), cache)[0, 0]
    array([[0., 0.],
           [0., 1.]])
    """
    (N, C, H, W), winner, height, width, stride = cache
    HO, WO = winner.shape[1:3]
    same_shape("max_pool_backward", "dout", dout, (N, C, HO, WO))
    dl = np.ascontiguousarray(dout.transpose(0, 2, 3, 1))
    dx = np.empty((N, H, W, C), dout.dtype)
    columns = -(-W // stride)  # steps of the stride across the image
    entries = np.arange(height * width, dtype=winner.dtype).reshape(height, width)

    def worker(block):
        images, rows = block  # of steps
        # sums[r, q, :, k, l] is the gradient of the pixel (stride k + r, stride l + q), k from the block on.
        sums = np.zeros((stride, stride, length(images), length(rows), columns, C), dout.dtype)
        for k, l in np.ndindex(-(-height // stride), -(-width // stride)):
            numbers = entries[k * stride : (k + 1) * stride, l * stride : (l + 1) * stride]
            first, last, some = max(0, rows.start - k), min(HO, rows.stop - k), min(WO, columns - l)
            if first < last and some > 0:
                hit = winner[images, first:last, :some] == numbers[..., None, None, None, None]
                share = dl[images, first:last, :some] * hit
                place = sums[: numbers.shape[0], : numbers.shape[1], :, first + k - rows.start : last + k - rows.start]
                place[:, :, :, :, l : l + some] += share
        for r, q in np.ndindex(stride, stride):
            target = dx[images, rows.start * stride + r : rows.stop * stride : stride, q::stride]
            target[...] = sums[r, q, :, : target.shape[1], : target.shape[2]]

    parallel_for(split_blocks(N, -(-H // stride), W * C * stride, blocking=blocking), lambda: worker)
    return dx.transpose(0, 3, 1, 2)


def avg_pool_forward(x: Array, pool_param: dict[str, Any]) -> tuple[Array, Cache]:
    """The mean of each window; arguments as in `max_pool_forward_naive`.

    The sum of a window that extends beyond the border (ceil_mode) is divided by the number of its pixels inside.

    Returns
    -------
    out : ndarray (N, C, HO, WO)
    cache : tuple

    Examples
    --------
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> out, cache = avg_pool_forward(x, {"pool_height": 2, "pool_width": 2, "stride": 2})
    >>> out[0, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    height, width, stride, HO, WO = pool_output_size("avg_pool_forward", x, pool_param)
    H, W = x.shape[2:]
    rows = np.minimum(height, H - stride * np.arange(HO))  # pixels of each window inside the image
    columns = np.minimum(width, W - stride * np.arange(WO))
    area = np.outer(rows, columns).astype(x.dtype)  # (HO, WO)
    out = np.zeros_like(x[:, :, :HO, :WO])
    for i, j in np.ndindex(height, width):
        entry, total = _entry(x, i, j, stride, out)
        total += entry
    out /= area
    return out, (x, area, height, width, stride)


def avg_pool_backward(dout: Array, cache: Cache) -> Array:
    """Gradient of `avg_pool_forward`: every pixel of a window gets an equal share.

    Parameters
    ----------
    dout : ndarray (N, C, HO, WO)

    Returns
    -------
    dx : ndarray (N, C, H, W)

    Examples
    --------
    >>> out, cache = avg_pool_forward(np.zeros((1, 1, 2, 2)), {"pool_height": 2, "pool_width": 2, "stride": 2})
    >>> avg_pool_backward(np.ones((1, 1, 1, 1)), cache)[0, 0]
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    x, area, height, width, stride = cache
    same_shape("avg_pool_backward", "dout", dout, x.shape[:2] + area.shape)
    share = dout / area.astype(dout.dtype)
    dx = np.zeros_like(x, dtype=dout.dtype)
    for i, j in np.ndindex(height, width):
        entry, part = _entry(dx, i, j, stride, share)
        entry += part
    return dx


def global_avg_pool_forward(x: Array) -> tuple[Array, Cache]:
    """The mean of each map: (N, C, H, W) -> (N, C), so that a network takes images of any size.

    Lin et al. 2014, Network in network, section 3.2.

    Examples
    --------
    >>> out, cache = global_avg_pool_forward(np.arange(8.0).reshape(1, 2, 2, 2))
    >>> out
    array([[1.5, 5.5]])
    """
    check_array("global_avg_pool_forward", "x", x, "N C H W")
    return x.mean(axis=(2, 3)), x.shape


def global_avg_pool_backward(dout: Array, cache: Cache) -> Array:
    """Gradient of `global_avg_pool_forward`: dout / (H W) at every position, (N, C) -> (N, C, H, W).

    Examples
    --------
    >>> out, cache = global_avg_pool_forward(np.zeros((1, 1, 2, 2)))
    >>> global_avg_pool_backward(np.ones((1, 1)), cache)[0, 0]
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    N, C, H, W = cache
    same_shape("global_avg_pool_backward", "dout", dout, (N, C))
    dx = np.empty((N, H, W, C), dtype=dout.dtype).transpose(0, 3, 1, 2)
    dx[...] = (dout / dout.dtype.type(H * W))[:, :, None, None]
    return dx


def _entry(x, i, j, stride, out):
    """Views of entry (i, j) of every window of x, and of those windows' places in out.

    Windows that extend beyond the border lack their last entries; both views leave those windows out.
    """
    rows = min(out.shape[2], -(-(x.shape[2] - i) // stride))
    columns = min(out.shape[3], -(-(x.shape[3] - j) // stride))
    entry = x[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride]
    return entry[:, :, :rows, :columns], out[:, :, :rows, :columns]
