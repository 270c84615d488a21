"""Convolution or affine layer, batch normalisation and ReLU in one: what the networks are made of.

The results are those of the separate layers one after the other; the tests hold them together. Joined they can do
less work:

- In test mode batch normalisation is a fixed scale and shift per filter. It is *folded* into the filters
  beforehand, and costs nothing on the images.
- In training mode the passes over memory for mean, variance, scale, shift and rectifier are shared, over blocks
  of rows that fit into the processor's cache.
- What is not needed (parameter gradients of a frozen network, the gradient to the training images) is left out.

`relu_rule` in the backward functions is as in `relu_backward`. Caches hold the rectifier's mask, not its output: what
is handed out may be changed, as feature inversion does when it subtracts a target, without harm to the gradients.
"""

import numpy as np

from .checks import RELU_RULES, check_affine, check_array, check_batchnorm, check_choice, same_shape
from .conv import conv_backward, conv_forward

_BLOCK_FLOATS = 65_536  # 256 KiB of float32: several such arrays fit into a second-level cache


def conv_relu_forward(x, w, b, conv_param):
    """`conv_forward`, then ReLU: (N, C, H, W) -> (N, F, HO, WO)."""
    out, conv_cache = conv_forward(x, w, b, conv_param)
    np.maximum(out, 0, out=out)
    return out, (conv_cache, out > 0)


def conv_relu_backward(dout, cache, *, relu_rule="standard", param_grads=True, input_grad=True):
    """Gradients of `conv_relu_forward`: dx, dw, db. What is not asked for is None."""
    conv_cache, active = cache
    same_shape("conv_relu_backward", "dout", dout, active.shape)
    da = relu_gate(dout, active, relu_rule)
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
    da = relu_gate(dout, active, relu_rule)
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
    if check_batchnorm(op, w.shape[0], gamma, beta, bn_param) == "test":
        scale, shift, inv_std = _fold(b, gamma, beta, bn_param)
        out, conv_cache = conv_forward(x, w * scale[:, None, None, None], shift, conv_param)
        np.maximum(out, 0, out=out)
        return out, ("test", conv_cache, out > 0, (w, b, scale, inv_std, bn_param["running_mean"]))
    a, conv_cache = conv_forward(x, w, b, conv_param)
    N, F, HO, WO = a.shape
    rows, bn_cache = _bn_relu_forward(a.transpose(0, 2, 3, 1).reshape(-1, F), gamma, beta, bn_param)
    out = rows.reshape(N, HO, WO, F).transpose(0, 3, 1, 2)
    return out, ("train", conv_cache, bn_cache[1].reshape(N, HO, WO, F).transpose(0, 3, 1, 2), bn_cache)


def conv_bn_relu_backward(dout, cache, *, relu_rule="standard", param_grads=True, input_grad=True):
    """Gradients of `conv_bn_relu_forward`: dx, dw, db, dgamma, dbeta. What is not asked for is None."""
    mode, conv_cache, active, rest = cache
    same_shape("conv_bn_relu_backward", "dout", dout, active.shape)
    if mode == "test":
        da = relu_gate(dout, active, relu_rule)
        dx, dw, db = conv_backward(da, conv_cache, param_grads=param_grads, input_grad=input_grad)
        return dx, *(_unfold(dw, db, rest) if param_grads else (None,) * 4)
    N, F, HO, WO = dout.shape
    drows = dout.transpose(0, 2, 3, 1).reshape(-1, F)
    da, dgamma, dbeta = _bn_relu_backward(drows, rest, relu_rule)
    da = da.reshape(N, HO, WO, F).transpose(0, 3, 1, 2)
    dx, dw, db = conv_backward(da, conv_cache, param_grads=param_grads, input_grad=input_grad)
    return dx, dw, db, *((dgamma, dbeta) if param_grads else (None, None))


def affine_bn_relu_forward(x, w, b, gamma, beta, bn_param):
    """Affine layer, batch normalisation, ReLU: (N, d_1, ..., d_k) -> (N, M); w is (D, M), the rest (M,)."""
    op = "affine_bn_relu_forward"
    check_array(op, "w", w, "D M")
    if check_batchnorm(op, w.shape[1], gamma, beta, bn_param) == "test":
        scale, shift, inv_std = _fold(b, gamma, beta, bn_param)
        out, linear_cache = linear_forward(x, w * scale, shift)
        np.maximum(out, 0, out=out)
        return out, ("test", linear_cache, out > 0, (w.T, b, scale, inv_std, bn_param["running_mean"]))
    a, linear_cache = linear_forward(x, w, b)
    out, bn_cache = _bn_relu_forward(a, gamma, beta, bn_param)
    return out, ("train", linear_cache, bn_cache[1], bn_cache)


def affine_bn_relu_backward(dout, cache, *, relu_rule="standard", param_grads=True, input_grad=True):
    """Gradients of `affine_bn_relu_forward`: dx, dw, db, dgamma, dbeta. What is not asked for is None."""
    mode, linear_cache, active, rest = cache
    same_shape("affine_bn_relu_backward", "dout", dout, active.shape)
    if mode == "test":
        da = relu_gate(dout, active, relu_rule)
        dx, dw, db = linear_backward(da, linear_cache, param_grads=param_grads, input_grad=input_grad)
        if not param_grads:
            return (dx,) + (None,) * 4
        dw, db, dgamma, dbeta = _unfold(dw.T, db, rest)
        return dx, dw.T, db, dgamma, dbeta
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
    dx = (dout @ w.T).reshape(x.shape) if input_grad else None
    dw = x.reshape(x.shape[0], -1).T @ dout if param_grads else None
    db = dout.sum(axis=0) if param_grads and b is not None else None
    return dx, dw, db


def relu_gate(dout, active, rule):
    """What a rectifier sends back under a rule of `relu_backward`; `active` says where its input was positive."""
    check_choice("relu backward", "relu_rule", rule, RELU_RULES)
    if rule == "standard":
        return dout * active
    if rule == "guided":
        return np.maximum(dout, 0) * active
    return np.maximum(dout, 0)


def _fold(b, gamma, beta, bn_param):
    """Scale of the weights, and bias, that do in one step what a layer and batch normalisation do in test mode.

    gamma (w x + b - mean) / std + beta  =  (scale w) x + (scale (b - mean) + beta),  scale = gamma / std

    Returns scale, bias and 1 / std, which `_unfold` could not get back from the scale where gamma is 0.
    """
    inv_std = 1 / np.sqrt(bn_param["running_var"] + bn_param.get("eps", 1e-5))
    scale = gamma * inv_std
    bias = 0 if b is None else b
    shift = scale * (bias - bn_param["running_mean"]) + beta
    return tuple(vector.astype(gamma.dtype, copy=False) for vector in (scale, shift, inv_std))


def _unfold(dfolded, dshift, rest):
    """Gradients of w, b, gamma, beta from those of the folded weights and bias; the first axis is the filter's."""
    w, b, scale, inv_std, running_mean = rest
    bias = 0 if b is None else b
    column = (-1,) + (1,) * (w.ndim - 1)
    dscale = (dfolded * w).reshape(len(scale), -1).sum(axis=1) + dshift * (bias - running_mean)
    return dfolded * scale.reshape(column), None if b is None else dshift * scale, dscale * inv_std, dshift


def _bn_relu_forward(a, gamma, beta, bn_param):
    """Batch normalisation in training mode and ReLU on rows (M, F), block by block."""
    M, F = a.shape
    if M == 0:
        raise ValueError("batch normalisation: the batch is empty; it has no mean and variance")
    blocks = _row_blocks(M, F)
    # Sums over blocks are added up in float64, so that a large batch loses no digits.
    mean = sum(a[block].sum(axis=0).astype(np.float64) for block in blocks) / M
    mean = mean.astype(a.dtype)
    var = np.zeros(F)
    for block in blocks:
        centred = a[block] - mean
        var += np.einsum("mf,mf->f", centred, centred)
    var = (var / M).astype(a.dtype)
    momentum = bn_param.get("momentum", 0.9)
    for name, batch in (("running_mean", mean), ("running_var", var)):
        running = bn_param.get(name, np.zeros_like(batch))
        bn_param[name] = (momentum * running + (1 - momentum) * batch).astype(batch.dtype)
    inv_std = 1 / np.sqrt(var + a.dtype.type(bn_param.get("eps", 1e-5)))
    scale = gamma * inv_std
    out = np.empty_like(a)
    for block in blocks:
        y = np.subtract(a[block], mean, out=out[block])
        y *= scale
        y += beta
        np.maximum(y, 0, out=y)
    return out, (a, out > 0, mean, inv_std, gamma)


def _bn_relu_backward(dout, cache, relu_rule):
    """Gradients of `_bn_relu_forward`: da (M, F), dgamma (F,), dbeta (F,); the formula is in `batchnorm_backward`."""
    a, active, mean, inv_std, gamma = cache
    M, F = a.shape
    blocks = _row_blocks(M, F)
    da = np.empty_like(a)
    dgamma, dbeta = np.zeros(F), np.zeros(F)
    for block in blocks:
        dy = da[block]
        dy[...] = relu_gate(dout[block], active[block], relu_rule)
        centred = a[block] - mean
        dbeta += dy.sum(axis=0)
        dgamma += np.einsum("mf,mf->f", dy, centred)
    dgamma = (dgamma * inv_std).astype(a.dtype)
    dbeta = dbeta.astype(a.dtype)
    for block in blocks:
        dy = da[block]
        centred = a[block] - mean
        centred *= inv_std * dgamma / M
        dy -= dbeta / M
        dy -= centred
        dy *= gamma * inv_std
    return da, dgamma, dbeta


def _row_blocks(M, F):
    step = max(1, _BLOCK_FLOATS // F)
    return [slice(m, m + step) for m in range(0, M, step)]
