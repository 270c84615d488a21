"""Convolution or affine layer, batch normalisation and ReLU in one: what the networks are made of.

The results are those of the separate layers one after the other; the tests hold them together. Joined they can do
less work:

- Shift and rectifier of test mode, and the sums for mean and variance in training mode, are done to each block of a
  convolution's output while the block is in the processor's cache. So is the scale of test mode, unless the filters
  are fewer numbers than what they give: then it becomes a part of them.
- In training mode the remaining passes over memory are shared, over blocks of rows.
- What is not needed (parameter gradients of a frozen network, the gradient to the training images) is left out.

`relu_rule` in the backward functions is as in `relu_backward`. Caches hold the rectifier's mask, not its output: what
is handed out may be changed, as feature inversion does when it subtracts a target, without harm to the gradients.
"""

import math

import numpy as np

from ..checks import (
    RELU_RULES,
    check_affine,
    check_array,
    check_batchnorm,
    check_choice,
    conv_output_size,
    same_shape,
)
from .conv import conv_backward, convolve
from .parallel import deal, pieces, total
from .relu import REPEAT_FROM, gate, relugate, repeated


def conv_relu_forward(x, w, b, conv_param):
    """`conv_forward`, then ReLU: (N, C, H, W) -> (N, F, HO, WO)."""
    stride, pad, *size = conv_output_size("conv_forward", x, w, b, conv_param)
    out, active = _convolve_relu(x, w, stride, pad, size, None, b)
    return out, ((x, w, b, stride, pad), active)


def conv_relu_backward(dout, cache, *, relu_rule="standard", param_grads=True, input_grad=True):
    """Gradients of `conv_relu_forward`: dx, dw, db. What is not asked for is None."""
    conv_cache, active = cache
    same_shape("conv_relu_backward", "dout", dout, active.shape)
    da = relugate(dout, active, relu_rule)
    return conv_backward(da, conv_cache, param_grads=param_grads, input_grad=input_grad)


def affine_relu_forward(x, w, b):
    """Affine layer, then ReLU: (N, d_1, ..., d_k) -> (N, M)."""
    out, cache = linear_forward(x, w, b)
    np.maximum(out, 0, out=out)
    return out, (cache, out > 0)


def affine_relu_backward(dout, cache, *, relu_rule="standard", param_grads=True, input_grad=True):
    """Gradients of `affine_relu_forward`: dx, dw, db. What is not asked for is None."""
    linear_cache, active = cache
    same_shape("affine_relu_backward", "dout", dout, active.shape)
    da = relugate(dout, active, relu_rule)
    return linear_backward(da, linear_cache, param_grads=param_grads, input_grad=input_grad)


def conv_bn_relu_forward(x, w, b, gamma, beta, conv_param, bn_param):
    """Convolution, spatial batch normalisation, ReLU.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
    w : ndarray (F, C, HH, WW)
    b : ndarray (F,) or None
        Biases of the convolution; batch normalisation makes them superfluous.
    gamma, beta : ndarray (F,)
    conv_param, bn_param : dict
        As in `conv_forward` and `batchnorm_forward`.

    Returns
    -------
    out : ndarray (N, F, HO, WO)
    cache : tuple
    """
    op = "conv_bn_relu_forward"
    check_array(op, "w", w, "F C HH WW")
    mode = check_batchnorm(op, w.shape[0], gamma, beta, bn_param)
    stride, pad, *size = conv_output_size("conv_forward", x, w, b, conv_param)
    conv_cache = x, w, b, stride, pad
    if mode == "test":
        scale, shift, inv_std = _scale_and_shift(b, gamma, beta, bn_param)
        fold = len(x) * math.prod(size) * len(w) > w.size
        filters = w * scale.astype(w.dtype, copy=False)[:, None, None, None] if fold else w
        own_scale = None if fold else scale  # what is not in the filters
        out, active = _convolve_relu(x, filters, stride, pad, size, own_scale, shift)
        return out, ("test", conv_cache, active, (filters, own_scale, scale, inv_std, bn_param["running_mean"]))

    moments = {}

    def finish(y, where):
        if b is not None:
            y += b[where[2]]
        images, rows, filters = where
        n, h, W, f = y.shape
        moments[filters.start, images.start, rows.start] = _moments(y.reshape(n * h, W * f), f)

    if len(x) == 0:
        raise ValueError("batch normalisation: the batch is empty; it has no mean and variance")
    a = convolve(x, w, stride, pad, finish)
    rows = _channels_last(a).reshape(-1, len(gamma))
    # In one order, whichever thread was first.
    moments = [[moments[place] for place in sorted(moments) if place[0] == f] for f in sorted({p[0] for p in moments})]
    out, bn_cache = _bn_relu_forward(rows, moments, gamma, beta, bn_param)
    return _images(out, a.shape), ("train", conv_cache, _images(bn_cache[1], a.shape), bn_cache)


def conv_bn_relu_backward(dout, cache, *, relu_rule="standard", param_grads=True, input_grad=True):
    """Gradients of `conv_bn_relu_forward`: dx, dw, db, dgamma, dbeta. What is not asked for is None."""
    mode, conv_cache, active, rest = cache
    same_shape("conv_bn_relu_backward", "dout", dout, active.shape)
    dx = dw = db = dgamma = dbeta = None
    if mode == "test":
        x, w, b, stride, pad = conv_cache
        filters, own_scale, *batchnorm = rest
        if param_grads:
            da = relugate(dout, active, relu_rule)
            dw = conv_backward(da, conv_cache, input_grad=False)[1]
            dshift = da.sum(axis=(0, 2, 3), dtype=np.float64).astype(da.dtype)
            dw, db, dgamma, dbeta = _unscale(dw, dshift, w, b, *batchnorm)
        if input_grad:
            da = relugate(dout, active, relu_rule, own_scale)
            dx = conv_backward(da, (x, filters, None, stride, pad), param_grads=False)[0]
        return dx, dw, db, dgamma, dbeta
    drows = _channels_last(dout).reshape(-1, dout.shape[1])
    da, dgamma, dbeta = _bn_relu_backward(drows, rest, relu_rule)
    da = _images(da, dout.shape)
    dx, dw, db = conv_backward(da, conv_cache, param_grads=param_grads, input_grad=input_grad)
    return dx, dw, db, *((dgamma, dbeta) if param_grads else (None, None))


def affine_bn_relu_forward(x, w, b, gamma, beta, bn_param):
    """Affine layer, batch normalisation, ReLU: (N, d_1, ..., d_k) -> (N, M); w is (D, M), the rest (M,)."""
    op = "affine_bn_relu_forward"
    check_array(op, "w", w, "D M")
    mode = check_batchnorm(op, w.shape[1], gamma, beta, bn_param)
    if mode == "test":
        scale, shift, inv_std = _scale_and_shift(b, gamma, beta, bn_param)
        out = linear_forward(x, w, None)[0] * scale + shift
        np.maximum(out, 0, out=out)
        return out, ("test", (x, w, b), out > 0, (scale, inv_std, bn_param["running_mean"]))
    a, linear_cache = linear_forward(x, w, b)
    out, bn_cache = _bn_relu_forward(a, [[_moments(a, a.shape[1])]], gamma, beta, bn_param)
    return out, ("train", linear_cache, bn_cache[1], bn_cache)


def affine_bn_relu_backward(dout, cache, *, relu_rule="standard", param_grads=True, input_grad=True):
    """Gradients of `affine_bn_relu_forward`: dx, dw, db, dgamma, dbeta. What is not asked for is None."""
    mode, linear_cache, active, rest = cache
    same_shape("affine_bn_relu_backward", "dout", dout, active.shape)
    dx = dw = db = dgamma = dbeta = None
    if mode == "test":
        w, b = linear_cache[1:]
        da = relugate(dout, active, relu_rule)
        if param_grads:
            dw = linear_backward(da, linear_cache, input_grad=False)[1]
            dw, db, dgamma, dbeta = _unscale(dw.T, da.sum(axis=0), w.T, b, *rest)
            dw = dw.T
        if input_grad:
            dx = linear_backward(da * rest[0], linear_cache, param_grads=False)[0]
        return dx, dw, db, dgamma, dbeta
    da, dgamma, dbeta = _bn_relu_backward(dout, rest, relu_rule)
    dx, dw, db = linear_backward(da, linear_cache, param_grads=param_grads, input_grad=input_grad)
    return dx, dw, db, *((dgamma, dbeta) if param_grads else (None, None))


def linear_forward(x, w, b):
    """The networks' own affine layer; see `affine_forward`, which students write."""
    D = check_affine("affine layer", x, w)
    out = x.reshape(x.shape[0], D) @ w
    if b is not None:
        same_shape("affine layer", "b", b, (w.shape[1],))
        out += b
    return out, (x, w, b)


def linear_backward(dout, cache, *, param_grads=True, input_grad=True):
    """Gradients of `linear_forward`: dx, dw, db. What is not asked for is None."""
    x, w, b = cache
    same_shape("affine layer", "dout", dout, (x.shape[0], w.shape[1]))
    dx = dw = db = None
    if input_grad:
        dx = np.reshape(np.matmul(dout, w.T), x.shape)
    if param_grads:
        dw = np.matmul(np.reshape(x, (len(x), -1)).T, dout)
        db = None if b is None else np.sum(dout, axis=0)
    return dx, dw, db


def _convolve_relu(x, w, stride, pad, size, scale, shift):
    """ReLU of scale * convolution + shift (where not None), and the rectifier's mask, both (N, F, HO, WO)."""
    active = np.empty((len(x), *size, len(w)), bool)
    width = size[1] if active.size > REPEAT_FROM else 1
    scale, shift = (None if vector is None else repeated(vector, width) for vector in (scale, shift))
    zero = np.zeros((width, len(w)), x.dtype)  # an array is compared faster than a number

    def finish(y, where):
        images, rows, filters = where
        if scale is not None:
            y *= scale[:, filters]
        if shift is not None:
            y += shift[:, filters]
        np.maximum(y, zero[:, filters], out=y)
        np.greater(y, 0, out=active[images, rows, :, filters])

    return convolve(x, w, stride, pad, finish), active.transpose(0, 3, 1, 2)


def _scale_and_shift(b, gamma, beta, bn_param):
    """What batch normalisation in test mode does to the output of a layer without its bias b.

    gamma (a + b - mean) / std + beta  =  scale a + shift,  scale = gamma / std,  shift = scale (b - mean) + beta

    Returns scale, shift and 1 / std, which `_unscale` could not get back from the scale where gamma is 0.
    """
    inv_std = 1 / np.sqrt(bn_param["running_var"] + bn_param.get("eps", 1e-5))
    scale = gamma * inv_std
    bias = 0 if b is None else b
    shift = scale * (bias - bn_param["running_mean"]) + beta
    return tuple(vector.astype(gamma.dtype, copy=False) for vector in (scale, shift, inv_std))


def _unscale(dw, dshift, w, b, scale, inv_std, running_mean):
    """Gradients of w, b, gamma, beta in test mode.

    `dw` and `dshift` are the gradients for a layer of which the scale is already part of the filters and the bias
    is the shift; the first axis is the filter's.
    """
    bias = 0 if b is None else b
    column = (-1,) + (1,) * (w.ndim - 1)
    dscale = (dw * w).reshape(len(scale), -1).sum(axis=1) + dshift * (bias - running_mean)
    return dw * scale.reshape(column), None if b is None else dshift * scale, dscale * inv_std, dshift


def _bn_relu_forward(a, moments, gamma, beta, bn_param):
    """Batch normalisation in training mode and ReLU on rows (M, F); `moments` are those of all parts of the rows."""
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
    lines, repeat = _lines(M, F)
    a_lines, out_lines, active_lines = lines(a), lines(out), lines(active)
    shift, scale, beta = repeat(mean), repeat(gamma * inv_std), repeat(beta)
    zero = np.zeros_like(shift)

    def worker(block):
        y = np.subtract(a_lines[block], shift, out=out_lines[block])
        y *= scale
        y += beta
        np.maximum(y, zero, out=y)
        np.greater(y, 0, out=active_lines[block])

    deal(_row_blocks(a_lines), lambda: worker)
    return out, (a, active, mean, inv_std, gamma)


def _bn_relu_backward(dout, cache, relu_rule):
    """Gradients of `_bn_relu_forward`: da (M, F), dgamma (F,), dbeta (F,); the formula is in `batchnorm_backward`."""
    a, active, mean, inv_std, gamma = cache
    M, F = a.shape
    check_choice("relu backward", "relu_rule", relu_rule, RELU_RULES)
    da = np.empty_like(a)
    lines, repeat = _lines(M, F)
    dout_lines, active_lines, a_lines, da_lines = lines(dout), lines(active), lines(a), lines(da)
    blocks = _row_blocks(a_lines)
    shift, scale = repeat(mean), repeat(gamma * inv_std)

    def first(block):
        dy = gate(dout_lines[block], active_lines[block], relu_rule, da_lines[block])
        centred = a_lines[block] - shift
        centred *= dy
        return np.array([_column_sums(dy, F), _column_sums(centred, F)])

    dbeta, dgamma = total(blocks, lambda: first)
    dgamma *= inv_std
    dmean, slope = repeat((dbeta / M).astype(a.dtype)), repeat((inv_std * dgamma / M).astype(a.dtype))

    def second(block):
        dy = da_lines[block]
        centred = a_lines[block] - shift
        centred *= slope
        dy -= centred
        dy -= dmean
        dy *= scale

    deal(blocks, lambda: second)
    return da, dgamma.astype(a.dtype), dbeta.astype(a.dtype)


def _moments(lines, F):
    """Number, mean and sum of squared deviations of F features; lines (M, k * F) hold k samples each. In float64.

    Sums are taken in the lines' own precision, of what is left after a first mean was subtracted.
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
    """Sums over all samples of F features, as float64. A product with ones is the fastest way to them."""
    return (np.ones(len(lines), lines.dtype) @ lines).reshape(-1, F).sum(axis=0, dtype=np.float64)


def _lines(M, F):
    """Ways to see rows (M, F) as lines of k samples each, and to repeat a vector (F,) for a line; see `REPEAT_FROM`."""
    k = math.gcd(M, 64) if M * F > REPEAT_FROM else 1
    return lambda rows: rows.reshape(M // k, k * F), lambda vector: np.tile(vector, k)


def _row_blocks(lines):
    return [images for images, _ in pieces(len(lines), 1, lines.shape[1])]


def _channels_last(images):
    return images.transpose(0, 2, 3, 1)


def _images(rows, shape):
    """Rows (N * H * W, C), or an array (N, H, W, C), as images of a shape (N, C, H, W)."""
    N, C, H, W = shape
    return rows.reshape(N, H, W, C).transpose(0, 3, 1, 2)
