"""Convolution and max pooling with plain loops: they read like their definitions.

Slow on purpose. The fast versions in `conv.py` and `pool.py` are checked against these.
"""

import numpy as np

from .checks import conv_output_size, pool_output_size, same_shape


def conv_forward_naive(x, w, b, conv_param):
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


def conv_backward_naive(dout, cache):
    """Gradients of `conv_forward_naive`: every window gives and takes what it contributed.

    Parameters
    ----------
    dout : ndarray (N, F, HO, WO)

    Returns
    -------
    dx : ndarray (N, C, H, W)
    dw : ndarray (F, C, HH, WW)
    db : ndarray (F,) or None
    """
    x, w, b, conv_param = cache
    stride, pad, HO, WO = conv_output_size("conv_backward_naive", x, w, b, conv_param)
    N, F = x.shape[0], w.shape[0]
    HH, WW = w.shape[2:]
    same_shape("conv_backward_naive", "dout", dout, (N, F, HO, WO))
    ### BEGIN SOLUTION
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


def max_pool_forward_naive(x, pool_param):
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


def max_pool_backward_naive(dout, cache):
    """Gradient of `max_pool_forward_naive`: all of it goes to the first largest value of each window.

    Parameters
    ----------
    dout : ndarray (N, C, HO, WO)

    Returns
    -------
    dx : ndarray (N, C, H, W)
    """
    x, pool_param = cache
    height, width, stride, HO, WO = pool_output_size("max_pool_backward_naive", x, pool_param)
    N, C = x.shape[:2]
    same_shape("max_pool_backward_naive", "dout", dout, (N, C, HO, WO))
    ### BEGIN SOLUTION
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
