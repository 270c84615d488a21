"""Batch normalisation inside a fused layer: as scale and shift in test mode, in passes over blocks of rows in training.

What it works on are the outputs of a convolution or an affine layer with the channels last, as matrices (rows, F).
"""

import math

import numpy as np

from ..checks import RELU_RULES, check_choice
from .parallel import parallel_for, parallel_sum, split_blocks
from .relu import relu_grad_into


def scale_and_shift(b, gamma, beta, bn_param):
    """Batch normalisation in test mode as scale and shift of the output of a layer without its bias b.

    gamma (a + b - mean) / std + beta  =  scale a + shift,  scale = gamma / std,  shift = scale (b - mean) + beta

    Returns scale, shift and 1 / std, which `unscale` cannot recover from the scale where gamma is 0.
    """
    inv_std = 1 / np.sqrt(bn_param["running_var"] + bn_param.get("eps", 1e-5))
    scale = gamma * inv_std
    bias = 0 if b is None else b
    shift = scale * (bias - bn_param["running_mean"]) + beta
    return tuple(vector.astype(gamma.dtype, copy=False) for vector in (scale, shift, inv_std))


def unscale(dw, dshift, w, b, scale, inv_std, running_mean):
    """Gradients of w, b, gamma, beta in test mode.

    `dw` and `dshift` are the gradients of a layer whose filters include the scale and whose bias is the shift; the
    first axis is the filter's.
    """
    bias = 0 if b is None else b
    column = (-1,) + (1,) * (w.ndim - 1)
    dscale = (dw * w).reshape(len(scale), -1).sum(axis=1) + dshift * (bias - running_mean)
    return dw * scale.reshape(column), None if b is None else dshift * scale, dscale * inv_std, dshift


def bn_relu_forward(a, moments, gamma, beta, bn_param, blocking):
    """Batch normalisation in training mode and ReLU on rows (M, F), given the moments of all parts of the rows."""
    M, F = a.shape
    if M == 0:
        raise ValueError("batch normalisation: the batch is empty; it has no mean and variance")
    mean, var = (np.concatenate(m).astype(a.dtype) for m in zip(*map(_merge, moments)))
    momentum = bn_param.get("momentum", 0.9)
    for name, batch in (("running_mean", mean), ("running_var", var)):
        running = bn_param.get(name, np.zeros_like(batch))
        bn_param[name] = (momentum * running + (1 - momentum) * batch).astype(batch.dtype)
    inv_std = 1 / np.sqrt(var + a.dtype.type(bn_param.get("eps", 1e-5)))
    out, active = np.empty_like(a), np.empty(a.shape, bool)
    lines, repeat = _lines(M, F, blocking)
    a_lines, out_lines, active_lines = lines(a), lines(out), lines(active)
    shift, scale, beta = repeat(mean), repeat(gamma * inv_std), repeat(beta)
    zero = np.zeros_like(shift)

    def worker(block):
        y = np.subtract(a_lines[block], shift, out=out_lines[block])
        y *= scale
        y += beta
        np.maximum(y, zero, out=y)
        np.greater(y, 0, out=active_lines[block])

    parallel_for(_row_blocks(a_lines, blocking), lambda: worker)
    return out, (a, active, mean, inv_std, gamma)


def bn_relu_backward(dout, cache, relu_rule, blocking):
    """Gradients of `bn_relu_forward`: da (M, F), dgamma (F,), dbeta (F,); the formula is in `batchnorm_backward`."""
    a, active, mean, inv_std, gamma = cache
    M, F = a.shape
    check_choice("relu backward", "relu_rule", relu_rule, RELU_RULES)
    da = np.empty_like(a)
    lines, repeat = _lines(M, F, blocking)
    dout_lines, active_lines, a_lines, da_lines = lines(dout), lines(active), lines(a), lines(da)
    blocks = _row_blocks(a_lines, blocking)
    shift, scale = repeat(mean), repeat(gamma * inv_std)

    def first(block):
        dy = relu_grad_into(dout_lines[block], active_lines[block], relu_rule, da_lines[block])
        centred = a_lines[block] - shift
        centred *= dy
        return np.array([_column_sums(dy, F), _column_sums(centred, F)])

    dbeta, dgamma = parallel_sum(blocks, lambda: first)
    dgamma *= inv_std
    dmean, slope = repeat((dbeta / M).astype(a.dtype)), repeat((inv_std * dgamma / M).astype(a.dtype))

    def second(block):
        dy = da_lines[block]
        centred = a_lines[block] - shift
        centred *= slope
        dy -= centred
        dy -= dmean
        dy *= scale

    parallel_for(blocks, lambda: second)
    return da, dgamma.astype(a.dtype), dbeta.astype(a.dtype)


def moments_of(lines, F):
    """Number, mean and sum of squared deviations of F features; lines (M, k * F) hold k samples each. In float64.

    Sums are taken in the lines' own precision, after a first mean has been subtracted.
    """
    M = lines.size // F
    if M == 0:
        return 0, np.zeros(F), np.zeros(F)
    first = (_column_sums(lines, F) / M).astype(lines.dtype)
    centred = lines - np.tile(first, lines.shape[1] // F)
    rest = _column_sums(centred, F) / M
    centred *= centred
    return M, first + rest, _column_sums(centred, F) - M * rest**2


def _merge(moments):
    """Mean and variance of all parts from their moments (Chan, Golub and LeVeque 1983, equation 1.5)."""
    M = sum(m for m, _, _ in moments)
    mean = sum(m * mean for m, mean, _ in moments) / M
    return mean, sum(squares + m * (part - mean) ** 2 for m, part, squares in moments) / M


def _column_sums(lines, F):
    """Sums over all samples of F features, as float64. A product with ones is the fastest way."""
    return (np.ones(len(lines), lines.dtype) @ lines).reshape(-1, F).sum(axis=0, dtype=np.float64)


def _lines(M, F, blocking):
    """Functions that reshape rows (M, F) to lines of k samples each, and repeat a vector (F,) for a line.

    See `Blocking.repeat_from`.
    """
    k = math.gcd(M, 64) if M * F > blocking.repeat_from else 1
    return lambda rows: rows.reshape(M // k, k * F), lambda vector: np.tile(vector, k)


def _row_blocks(lines, blocking):
    return [images for images, _ in split_blocks(len(lines), 1, lines.shape[1], blocking=blocking)]


def channels_last(images):
    return images.transpose(0, 2, 3, 1)


def as_images(rows, shape):
    """Rows (N * H * W, C), or an array (N, H, W, C), as images of a shape (N, C, H, W)."""
    N, C, H, W = shape
    return rows.reshape(N, H, W, C).transpose(0, 3, 1, 2)
