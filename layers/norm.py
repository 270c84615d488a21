"""Batch normalisation (Ioffe and Szegedy 2015), for features and for images, and layer normalisation (Ba et al. 2016).

In training mode batch normalisation takes the mean and variance of each feature over the batch (biased, as in CS231n)
and keeps running averages of both. In test mode it uses these averages: then the layer is linear, each image is on its
own, and the backward pass is another, much simpler one. Visualisation happens in test mode.
"""

from typing import Any

import numpy as np

from .._typing import Array, Cache
from .checks import check_array, check_batchnorm, check_options, same_shape


def batchnorm_forward(x: Array, gamma: Array, beta: Array, bn_param: dict[str, Any]) -> tuple[Array, Cache]:
    """Normalise each feature, then scale by gamma and shift by beta.

    Parameters
    ----------
    x : ndarray (N, D)
    gamma, beta : ndarray (D,)
    bn_param : dict
        "mode": "train" or "test". "eps" (1e-5) is added to the variance. "momentum" (0.9) is the part of the
        running averages that stays. "running_mean", "running_var", (D,): needed in test mode; in training mode
        they start at zero if absent, and their new values are written into bn_param. That is the only thing
        written: the old arrays are left alone.

    Returns
    -------
    out : ndarray (N, D)
    cache : tuple

    Examples
    --------
    >>> bn_param = {"mode": "train"}
    >>> out, cache = batchnorm_forward(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1), bn_param)
    >>> out.round(3)
    array([[-1.],
           [ 1.]])
    >>> bn_param["running_mean"].round(3)
    array([0.2])
    """
    op = "batchnorm_forward"
    check_array(op, "x", x, "N D")
    mode = check_batchnorm(op, x.shape[1], gamma, beta, bn_param)
    eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    if mode == "train" and x.shape[0] == 0:
        raise ValueError(f"{op}: the batch is empty (x {x.shape}); it has no mean and variance")

    ### BEGIN SOLUTION
    if mode == "test":
        inv_std = 1 / np.sqrt(bn_param["running_var"] + eps)
        xhat = ((x - bn_param["running_mean"]) * inv_std).astype(x.dtype)
    else:
        mean, var = x.mean(axis=0), x.var(axis=0)
        inv_std = 1 / np.sqrt(var + eps)
        xhat = (x - mean) * inv_std
        for name, batch in (("running_mean", mean), ("running_var", var)):
            running = bn_param.get(name, np.zeros_like(batch))
            bn_param[name] = (momentum * running + (1 - momentum) * batch).astype(batch.dtype)
    out = gamma * xhat + beta
    return out, (mode, xhat, gamma, inv_std.astype(x.dtype))
    ### END SOLUTION


def batchnorm_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Gradients of `batchnorm_forward`.

    Parameters
    ----------
    dout : ndarray (N, D)

    Returns
    -------
    dx : ndarray (N, D)
    dgamma, dbeta : ndarray (D,)

    Notes
    -----
    In training mode the mean and the variance depend on x too, and the gradient runs through both of them.

    Examples
    --------
    >>> x, gamma, beta = rng.normal(size=(5, 3)), np.ones(3), np.zeros(3)
    >>> out, cache = batchnorm_forward(x, gamma, beta, {"mode": "train"})
    >>> dx, dgamma, dbeta = batchnorm_backward(rng.normal(size=(5, 3)), cache)
    >>> bool(np.allclose(dx.sum(axis=0), 0))  # the layer would undo a change of the mean
    True
    """
    ### BEGIN SOLUTION
    mode, xhat, gamma, inv_std = cache
    same_shape("batchnorm_backward", "dout", dout, xhat.shape)
    dgamma = (dout * xhat).sum(axis=0)
    dbeta = dout.sum(axis=0)
    if mode == "test":
        return dout * (gamma * inv_std), dgamma, dbeta
    # Carrying the gradient through mean and variance leaves, with means over the batch,
    # dx = gamma / std * (dout - mean(dout) - xhat * mean(dout * xhat)).
    N = dout.shape[0]
    dx = gamma * inv_std * (dout - dbeta / N - xhat * (dgamma / N))
    return dx, dgamma, dbeta
    ### END SOLUTION


def spatial_batchnorm_forward(x: Array, gamma: Array, beta: Array, bn_param: dict[str, Any]) -> tuple[Array, Cache]:
    """Batch normalisation of images: one mean and variance per channel, over all images and positions.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
    gamma, beta : ndarray (C,)
    bn_param : dict
        As in `batchnorm_forward`.

    Returns
    -------
    out : ndarray (N, C, H, W)
    cache : tuple

    Examples
    --------
    >>> x = rng.normal(5, 2, size=(4, 3, 8, 8))
    >>> out, cache = spatial_batchnorm_forward(x, np.ones(3), np.zeros(3), {"mode": "train"})
    >>> bool(np.allclose(out.mean(axis=(0, 2, 3)), 0))
    True
    """
    op = "spatial_batchnorm_forward"
    check_array(op, "x", x, "N C H W")
    N, C, H, W = x.shape
    check_batchnorm(op, C, gamma, beta, bn_param)
    ### BEGIN SOLUTION
    rows = x.transpose(0, 2, 3, 1).reshape(N * H * W, C)  # every pixel is one sample of C features
    out, cache = batchnorm_forward(rows, gamma, beta, bn_param)
    return out.reshape(N, H, W, C).transpose(0, 3, 1, 2), (x.shape, cache)
    ### END SOLUTION


def spatial_batchnorm_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Gradients of `spatial_batchnorm_forward`: dx (N, C, H, W), dgamma (C,), dbeta (C,).

    Examples
    --------
    >>> x = rng.normal(size=(4, 3, 8, 8))
    >>> out, cache = spatial_batchnorm_forward(x, np.ones(3), np.zeros(3), {"mode": "train"})
    >>> [gradient.shape for gradient in spatial_batchnorm_backward(out, cache)]
    [(4, 3, 8, 8), (3,), (3,)]
    """
    ### BEGIN SOLUTION
    (N, C, H, W), rows_cache = cache
    same_shape("spatial_batchnorm_backward", "dout", dout, (N, C, H, W))
    rows = dout.transpose(0, 2, 3, 1).reshape(N * H * W, C)
    dx, dgamma, dbeta = batchnorm_backward(rows, rows_cache)
    return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta
    ### END SOLUTION


def layernorm_forward(x: Array, gamma: Array, beta: Array, ln_param: dict[str, Any]) -> tuple[Array, Cache]:
    """Normalise each row on its own, then scale by gamma and shift by beta.

    J. Ba et al., "Layer normalization", 2016, section 3. Mean and variance are those of a row's features, so that a row
    does not depend on the others, and training and test mode are the same.

    Parameters
    ----------
    x : ndarray (N, D)
    gamma, beta : ndarray (D,)
    ln_param : dict
        "eps" (1e-5) is added to the variance.

    Returns
    -------
    out : ndarray (N, D)
    cache : tuple

    Examples
    --------
    >>> out, cache = layernorm_forward(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2), {})
    >>> out.round(3)
    array([[-1.,  1.]])
    """
    op = "layernorm_forward"
    check_array(op, "x", x, "N D")
    check_options(op, "ln_param", ln_param, ("eps",))
    same_shape(op, "gamma", gamma, x.shape[1:])
    same_shape(op, "beta", beta, x.shape[1:])
    eps = ln_param.get("eps", 1e-5)
    ### BEGIN SOLUTION
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)  # (N, 1)
    inv_std = 1 / np.sqrt(var + eps)
    xhat = (x - mean) * inv_std
    return gamma * xhat + beta, (xhat, gamma, inv_std)
    ### END SOLUTION


def layernorm_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Gradients of `layernorm_forward`.

    Parameters
    ----------
    dout : ndarray (N, D)

    Returns
    -------
    dx : ndarray (N, D)
    dgamma, dbeta : ndarray (D,)

    Notes
    -----
    gamma differs between the features of a row. So dout is multiplied by gamma before the means over the row are taken.

    Examples
    --------
    >>> out, cache = layernorm_forward(rng.normal(size=(2, 4)), np.ones(4), np.zeros(4), {})
    >>> [gradient.shape for gradient in layernorm_backward(out, cache)]
    [(2, 4), (4,), (4,)]
    """
    ### BEGIN SOLUTION
    xhat, gamma, inv_std = cache
    same_shape("layernorm_backward", "dout", dout, xhat.shape)
    dgamma, dbeta = (dout * xhat).sum(axis=0), dout.sum(axis=0)
    dxhat = dout * gamma
    # As in batch normalisation, with means over the features of a row.
    mean, projection = dxhat.mean(axis=1, keepdims=True), (dxhat * xhat).mean(axis=1, keepdims=True)
    return inv_std * (dxhat - mean - xhat * projection), dgamma, dbeta
    ### END SOLUTION
