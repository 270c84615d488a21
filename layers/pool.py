"""Fast pooling: a loop over the few offsets inside a window, whole images at a time.

For the offset (i, j) the strided slice ``x[:, :, i::stride, j::stride]`` holds that entry of every window. The
order of the axes in memory is kept, so that channels-last arrays (see `conv.py`) stay so.
"""

import numpy as np

from .checks import check_array, pool_output_size, same_shape
from .threads import cut, deal, length, pieces, threads


def max_pool_forward(x, pool_param):
    """The largest value of each window; arguments and result as in `max_pool_forward_naive`."""
    height, width, stride, HO, WO = pool_output_size("max_pool_forward", x, pool_param)
    N, C = x.shape[:2]
    out = np.empty_like(x[:, :, :HO, :WO])
    # The larger the number, the earlier in the window; 0 is no entry of it.
    winner = np.zeros_like(out, dtype=np.min_scalar_type(height * width))

    def worker(block):
        images, rows = block
        part, image = out[images, :, rows], x[images, :, rows.start * stride :]
        part[...] = image[:, :, : stride * length(rows) : stride, : stride * WO : stride]
        for i, j in np.ndindex(height, width):
            entry, seen = _entry(image, i, j, stride, part)
            np.maximum(seen, entry, out=seen)  # NaN stays NaN: it must not vanish in a layer
        for k, (i, j) in enumerate(np.ndindex(height, width)):
            entry, largest = _entry(image, i, j, stride, part)
            first = winner[images, :, rows][:, :, : entry.shape[2], : entry.shape[3]]
            is_largest = ~(entry < largest)
            np.maximum(first, is_largest * winner.dtype.type(height * width - k), out=first)

    deal(pieces(N, HO, C * x.shape[3] * stride), lambda: worker)
    return out, (x, winner, height, width, stride)


def max_pool_backward(dout, cache):
    """Gradient of `max_pool_forward`: all of it goes to the first largest value of each window.

    Parameters
    ----------
    dout : ndarray (N, C, HO, WO)

    Returns
    -------
    dx : ndarray (N, C, H, W)
    """
    x, winner, height, width, stride = cache
    same_shape("max_pool_backward", "dout", dout, winner.shape)
    dx = np.zeros_like(x, dtype=dout.dtype)
    N, C = x.shape[:2]

    def worker(block):
        images, channels = block
        target, place = dx[images, channels], winner[images, channels]
        for k, (i, j) in enumerate(np.ndindex(height, width)):
            entry, share = _entry(target, i, j, stride, dout[images, channels])
            entry += share * (place[:, :, : share.shape[2], : share.shape[3]] == height * width - k)

    # Windows overlap, so that rows cannot be shared among threads; images and channels can.
    images = [images for images, _ in pieces(N, 1, x[0].size)]
    channels = cut(C, threads() if N == 1 else 1)
    deal([(part, some) for part in images for some in channels], lambda: worker)
    return dx


def avg_pool_forward(x, pool_param):
    """The mean of each window; arguments as in `max_pool_forward_naive`.

    A window that hangs over the border (ceil_mode) is divided by the number of pixels it has inside the image.

    Returns
    -------
    out : ndarray (N, C, HO, WO)
    cache : tuple
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


def avg_pool_backward(dout, cache):
    """Gradient of `avg_pool_forward`: every pixel of a window gets an equal share.

    Parameters
    ----------
    dout : ndarray (N, C, HO, WO)

    Returns
    -------
    dx : ndarray (N, C, H, W)
    """
    x, area, height, width, stride = cache
    same_shape("avg_pool_backward", "dout", dout, x.shape[:2] + area.shape)
    share = dout / area.astype(dout.dtype)
    dx = np.zeros_like(x, dtype=dout.dtype)
    for i, j in np.ndindex(height, width):
        entry, part = _entry(dx, i, j, stride, share)
        entry += part
    return dx


def global_avg_pool_forward(x):
    """The mean of each map: (N, C, H, W) -> (N, C), so that a network takes images of any size.

    Lin et al. 2014, Network in network, section 3.2.
    """
    check_array("global_avg_pool_forward", "x", x, "N C H W")
    return x.mean(axis=(2, 3)), x.shape


def global_avg_pool_backward(dout, cache):
    """Gradient of `global_avg_pool_forward`: dout / (H W) at every position, (N, C) -> (N, C, H, W)."""
    N, C, H, W = cache
    same_shape("global_avg_pool_backward", "dout", dout, (N, C))
    dx = np.empty((N, H, W, C), dtype=dout.dtype).transpose(0, 3, 1, 2)
    dx[...] = (dout / dout.dtype.type(H * W))[:, :, None, None]
    return dx


def _entry(x, i, j, stride, out):
    """Views of entry (i, j) of every window of x, and of those windows' places in out.

    Windows that hang over the border lack their last entries, so that both views leave those windows out.
    """
    rows = min(out.shape[2], -(-(x.shape[2] - i) // stride))
    columns = min(out.shape[3], -(-(x.shape[3] - j) // stride))
    entry = x[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride]
    return entry[:, :, :rows, :columns], out[:, :, :rows, :columns]
