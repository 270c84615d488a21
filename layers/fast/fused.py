"""Fused layers: convolution or affine layer, batch normalisation and ReLU in one. The networks consist of these.

The results are those of the separate layers one after the other; tests verify that they agree. Fused layers do less
work:

- In test mode shift and ReLU, in training mode the sums for mean and variance, are applied to each block of a
  convolution's output while the block is in the processor's cache. So is the scale of test mode, unless there are fewer
  filter weights than outputs: then the scale is multiplied into the filters.
- In training mode the remaining passes over memory are fused, over blocks of rows.
- What is not needed (parameter gradients of a frozen network, the gradient to the training images) is not computed.

`relu_rule` in the backward functions is as in `relu_backward`, and `blocking` (Blocking) says how the work is split.
Caches keep the ReLU's mask, not its output: you may change the output, as feature inversion does when it subtracts a
target, without harm to the gradients.
"""

import math
from typing import Any

import numpy as np

from ..._typing import Array, Cache
from ..checks import check_affine, check_array, check_batchnorm, conv_output_size, same_shape
from .batchnorm import as_images, bn_relu_backward, bn_relu_forward, channels_last, moments_of, scale_and_shift, unscale
from .conv import conv_backward, convolve
from .parallel import BLOCKING, Blocking
from .relu import relu_grad, repeated


def conv_relu_forward(
    x: Array, w: Array, b: Array | None, conv_param: dict[str, Any], *, blocking: Blocking = BLOCKING
) -> tuple[Array, Cache]:
    """`conv_forward`, then ReLU: (N, C, H, W) -> (N, F, HO, WO).

    Examples
    --------
    >>> x, w = rng.normal(size=(2, 3, 8, 8)), rng.normal(size=(4, 3, 3, 3))
    >>> out, cache = conv_relu_forward(x, w, np.zeros(4), {"stride": 1, "pad": 1})
    >>> out.shape, bool((out >= 0).all())
    ((2, 4, 8, 8), True)
    """
    stride, pad, *size = conv_output_size("conv_forward", x, w, b, conv_param)
    out, active = _convolve_relu(x, w, stride, pad, size, None, b, blocking)
    return out, ((x, w, b, stride, pad), active)


def conv_relu_backward(
    dout: Array,
    cache: Cache,
    *,
    relu_rule: str = "standard",
    param_grads: bool = True,
    input_grad: bool = True,
    blocking: Blocking = BLOCKING,
) -> tuple[Array | None, Array | None, Array | None]:
    """Gradients of `conv_relu_forward`: dx, dw, db. What is not asked for is None.

    Examples
    --------
    >>> x, w = rng.normal(size=(2, 3, 8, 8)), rng.normal(size=(4, 3, 3, 3))
    >>> out, cache = conv_relu_forward(x, w, np.zeros(4), {"stride": 1, "pad": 1})
    >>> [gradient.shape for gradient in conv_relu_backward(out, cache)]
    [(2, 3, 8, 8), (4, 3, 3, 3), (4,)]
    """
    conv_cache, active = cache
    same_shape("conv_relu_backward", "dout", dout, active.shape)
    da = relu_grad(dout, active, relu_rule, blocking=blocking)
    return conv_backward(da, conv_cache, param_grads=param_grads, input_grad=input_grad, blocking=blocking)


def affine_relu_forward(x: Array, w: Array, b: Array | None) -> tuple[Array, Cache]:
    """Affine layer, then ReLU: (N, d_1, ..., d_k) -> (N, M).

    Examples
    --------
    >>> out, cache = affine_relu_forward(np.array([[1.0, -2.0]]), np.eye(2), np.zeros(2))
    >>> out
    array([[1., 0.]])
    """
    out, cache = affine_forward(x, w, b)
    np.maximum(out, 0, out=out)
    return out, (cache, out > 0)


def affine_relu_backward(
    dout: Array, cache: Cache, *, relu_rule: str = "standard", param_grads: bool = True, input_grad: bool = True
) -> tuple[Array | None, Array | None, Array | None]:
    """Gradients of `affine_relu_forward`: dx, dw, db. What is not asked for is None.

    Examples
    --------
    >>> out, cache = affine_relu_forward(np.array([[1.0, -2.0]]), np.eye(2), np.zeros(2))
    >>> dx, dw, db = affine_relu_backward(np.ones((1, 2)), cache)
    >>> dx
    array([[1., 0.]])
    """
    linear_cache, active = cache
    same_shape("affine_relu_backward", "dout", dout, active.shape)
    da = relu_grad(dout, active, relu_rule)
    return affine_backward(da, linear_cache, param_grads=param_grads, input_grad=input_grad)


def conv_bn_relu_forward(
    x: Array,
    w: Array,
    b: Array | None,
    gamma: Array,
    beta: Array,
    conv_param: dict[str, Any],
    bn_param: dict[str, Any],
    *,
    blocking: Blocking = BLOCKING,
) -> tuple[Array, Cache]:
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
    blocking : Blocking
        How the work is split.

    Returns
    -------
    out : ndarray (N, F, HO, WO)
    cache : tuple

    Examples
    --------
    >>> x, w = rng.normal(size=(2, 3, 8, 8)), rng.normal(size=(4, 3, 3, 3))
    >>> bn_param = {"mode": "train"}
    >>> out, cache = conv_bn_relu_forward(x, w, None, np.ones(4), np.zeros(4), {"stride": 2, "pad": 1}, bn_param)
    >>> out.shape
    (2, 4, 4, 4)
    """
    op = "conv_bn_relu_forward"
    check_array(op, "w", w, "F C HH WW")
    mode = check_batchnorm(op, w.shape[0], gamma, beta, bn_param)
    stride, pad, *size = conv_output_size("conv_forward", x, w, b, conv_param)
    conv_cache = x, w, b, stride, pad
    if mode == "test":
        scale, shift, inv_std = scale_and_shift(b, gamma, beta, bn_param)
        fold = len(x) * math.prod(size) * len(w) > w.size
        filters = w * scale.astype(w.dtype, copy=False)[:, None, None, None] if fold else w
        own_scale = None if fold else scale  # what is not in the filters
        out, active = _convolve_relu(x, filters, stride, pad, size, own_scale, shift, blocking)
        return out, ("test", conv_cache, active, (filters, own_scale, scale, inv_std, bn_param["running_mean"]))

    moments = {}

    def finish(y, where):
        if b is not None:
            y += b[where[2]]
        images, rows, filters = where
        n, h, W, f = y.shape
        moments[filters.start, images.start, rows.start] = moments_of(y.reshape(n * h, W * f), f)

    if len(x) == 0:
        raise ValueError("batch normalisation: the batch is empty; it has no mean and variance")
    a = convolve(x, w, stride, pad, finish, blocking=blocking)
    rows = channels_last(a).reshape(-1, len(gamma))
    # Always in the same order, whichever thread was first.
    moments = [[moments[place] for place in sorted(moments) if place[0] == f] for f in sorted({p[0] for p in moments})]
    out, bn_cache = bn_relu_forward(rows, moments, gamma, beta, bn_param, blocking)
    return as_images(out, a.shape), ("train", conv_cache, as_images(bn_cache[1], a.shape), bn_cache)


def conv_bn_relu_backward(
    dout: Array,
    cache: Cache,
    *,
    relu_rule: str = "standard",
    param_grads: bool = True,
    input_grad: bool = True,
    blocking: Blocking = BLOCKING,
) -> tuple[Array | None, Array | None, Array | None, Array | None, Array | None]:
    """Gradients of `conv_bn_relu_forward`: dx, dw, db, dgamma, dbeta. What is not asked for is None.

    Examples
    --------
    >>> x, w = rng.normal(size=(2, 3, 8, 8)), rng.normal(size=(4, 3, 3, 3))
    >>> bn_param = {"mode": "train"}
    >>> out, cache = conv_bn_relu_forward(x, w, None, np.ones(4), np.zeros(4), {"stride": 2, "pad": 1}, bn_param)
    >>> dx, dw, db, dgamma, dbeta = conv_bn_relu_backward(out, cache)
    >>> dx.shape, dw.shape, db
    ((2, 3, 8, 8), (4, 3, 3, 3), None)
    """
    mode, conv_cache, active, rest = cache
    same_shape("conv_bn_relu_backward", "dout", dout, active.shape)
    dx = dw = db = dgamma = dbeta = None
    if mode == "test":
        x, w, b, stride, pad = conv_cache
        filters, own_scale, *batchnorm = rest
        if param_grads:
            da = relu_grad(dout, active, relu_rule, blocking=blocking)
            dw = conv_backward(da, conv_cache, input_grad=False, blocking=blocking)[1]
            dshift = da.sum(axis=(0, 2, 3), dtype=np.float64).astype(da.dtype)
            dw, db, dgamma, dbeta = unscale(dw, dshift, w, b, *batchnorm)
        if input_grad:
            da = relu_grad(dout, active, relu_rule, own_scale, blocking=blocking)
            dx = conv_backward(da, (x, filters, None, stride, pad), param_grads=False, blocking=blocking)[0]
        return dx, dw, db, dgamma, dbeta
    drows = channels_last(dout).reshape(-1, dout.shape[1])
    da, dgamma, dbeta = bn_relu_backward(drows, rest, relu_rule, blocking)
    da = as_images(da, dout.shape)
    dx, dw, db = conv_backward(da, conv_cache, param_grads=param_grads, input_grad=input_grad, blocking=blocking)
    return dx, dw, db, *((dgamma, dbeta) if param_grads else (None, None))


def affine_bn_relu_forward(
    x: Array,
    w: Array,
    b: Array | None,
    gamma: Array,
    beta: Array,
    bn_param: dict[str, Any],
    *,
    blocking: Blocking = BLOCKING,
) -> tuple[Array, Cache]:
    """Affine layer, batch normalisation, ReLU: (N, d_1, ..., d_k) -> (N, M); w is (D, M), the rest (M,).

    Examples
    --------
    >>> x, w = rng.normal(size=(5, 4)), rng.normal(size=(4, 3))
    >>> out, cache = affine_bn_relu_forward(x, w, None, np.ones(3), np.zeros(3), {"mode": "train"})
    >>> out.shape
    (5, 3)
    """
    op = "affine_bn_relu_forward"
    check_array(op, "w", w, "D M")
    mode = check_batchnorm(op, w.shape[1], gamma, beta, bn_param)
    if mode == "test":
        scale, shift, inv_std = scale_and_shift(b, gamma, beta, bn_param)
        out = affine_forward(x, w, None)[0] * scale + shift
        np.maximum(out, 0, out=out)
        return out, ("test", (x, w, b), out > 0, (scale, inv_std, bn_param["running_mean"]))
    a, linear_cache = affine_forward(x, w, b)
    out, bn_cache = bn_relu_forward(a, [[moments_of(a, a.shape[1])]], gamma, beta, bn_param, blocking)
    return out, ("train", linear_cache, bn_cache[1], bn_cache)


def affine_bn_relu_backward(
    dout: Array,
    cache: Cache,
    *,
    relu_rule: str = "standard",
    param_grads: bool = True,
    input_grad: bool = True,
    blocking: Blocking = BLOCKING,
) -> tuple[Array | None, Array | None, Array | None, Array | None, Array | None]:
    """Gradients of `affine_bn_relu_forward`: dx, dw, db, dgamma, dbeta. What is not asked for is None.

    Examples
    --------
    >>> x, w = rng.normal(size=(5, 4)), rng.normal(size=(4, 3))
    >>> out, cache = affine_bn_relu_forward(x, w, None, np.ones(3), np.zeros(3), {"mode": "train"})
    >>> affine_bn_relu_backward(out, cache)[0].shape
    (5, 4)
    """
    mode, linear_cache, active, rest = cache
    same_shape("affine_bn_relu_backward", "dout", dout, active.shape)
    dx = dw = db = dgamma = dbeta = None
    if mode == "test":
        w, b = linear_cache[1:]
        da = relu_grad(dout, active, relu_rule)
        if param_grads:
            dw = affine_backward(da, linear_cache, input_grad=False)[1]
            dw, db, dgamma, dbeta = unscale(dw.T, da.sum(axis=0), w.T, b, *rest)
            dw = dw.T
        if input_grad:
            dx = affine_backward(da * rest[0], linear_cache, param_grads=False)[0]
        return dx, dw, db, dgamma, dbeta
    da, dgamma, dbeta = bn_relu_backward(dout, rest, relu_rule, blocking)
    dx, dw, db = affine_backward(da, linear_cache, param_grads=param_grads, input_grad=input_grad)
    return dx, dw, db, *((dgamma, dbeta) if param_grads else (None, None))


def affine_forward(x, w, b):
    """The networks' own affine layer; see `affine_forward`, which students write."""
    D = check_affine("affine layer", x, w)
    out = x.reshape(x.shape[0], D) @ w
    if b is not None:
        same_shape("affine layer", "b", b, (w.shape[1],))
        out += b
    return out, (x, w, b)


def affine_backward(dout, cache, *, param_grads=True, input_grad=True):
    """Gradients of `affine_forward`: dx, dw, db. What is not asked for is None."""
    x, w, b = cache
    same_shape("affine layer", "dout", dout, (x.shape[0], w.shape[1]))
    dx = dw = db = None
    if input_grad:
        dx = np.reshape(np.matmul(dout, w.T), x.shape)
    if param_grads:
        dw = np.matmul(np.reshape(x, (len(x), -1)).T, dout)
        db = None if b is None else np.sum(dout, axis=0)
    return dx, dw, db


def _convolve_relu(x, w, stride, pad, size, scale, shift, blocking):
    """ReLU of scale * convolution + shift (where not None), and where it is positive, both (N, F, HO, WO)."""
    active = np.empty((len(x), *size, len(w)), bool)
    width = size[1] if active.size > blocking.repeat_from else 1
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

    return convolve(x, w, stride, pad, finish, blocking=blocking), active.transpose(0, 3, 1, 2)
