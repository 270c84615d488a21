"""Normalisation and dropout in the manner of CS231n's students: see `dialect`."""
# ruff: noqa: NPY002 (students draw from the global generator)

import numpy as np
from dialect import right, wrong

# -- batchnorm ---------------------------------------------------------------------------------------------------------

BATCHNORM = ("batchnorm", "batchnorm_forward", "batchnorm_backward")


def make_forward(
    *,
    train=lambda x, mean, var, eps: (x - mean) / np.sqrt(var + eps),
    test=lambda x, mean, var, eps: (x - mean) / np.sqrt(var + eps),
    average=lambda momentum, old, new: momentum * old + (1 - momentum) * new,
    kept_var=lambda var, eps: var,
):
    """batchnorm_forward as the assignment lays it out, with places for what students put there."""

    def batchnorm_forward(x, gamma, beta, bn_param):
        mode = bn_param["mode"]
        eps = bn_param.get("eps", 1e-5)
        momentum = bn_param.get("momentum", 0.9)
        N, D = x.shape
        running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
        running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
        out, cache = None, None
        if mode == "train":
            sample_mean, sample_var = np.mean(x, axis=0), np.var(x, axis=0)
            x_hat = train(x, sample_mean, sample_var, eps)
            out = gamma * x_hat + beta
            running_mean = average(momentum, running_mean, sample_mean)
            running_var = average(momentum, running_var, kept_var(sample_var, eps))
            cache = (x, x_hat, sample_mean, sample_var, gamma, beta, eps)
        elif mode == "test":
            x_hat = test(x, running_mean, running_var, eps)
            out = gamma * x_hat + beta
        else:
            raise ValueError(f"Invalid forward batchnorm mode {mode}")
        bn_param["running_mean"] = running_mean
        bn_param["running_var"] = running_var
        return out, cache

    return batchnorm_forward


batchnorm_forward = make_forward()


def batchnorm_backward(dout, cache):
    x, x_hat, mean, var, gamma, beta, eps = cache
    N = x.shape[0]
    dgamma = np.sum(dout * x_hat, axis=0)
    dbeta = np.sum(dout, axis=0)
    dx_hat = dout * gamma
    dvar = np.sum(dx_hat * (x - mean) * -0.5 * (var + eps) ** -1.5, axis=0)
    dmean = np.sum(-dx_hat / np.sqrt(var + eps), axis=0) + dvar * np.mean(-2 * (x - mean), axis=0)
    dx = dx_hat / np.sqrt(var + eps) + dvar * 2 * (x - mean) / N + dmean / N
    return dx, dgamma, dbeta


@right(*BATCHNORM)
def batchnorm_by_the_paper():
    return batchnorm_forward, batchnorm_backward


@right(*BATCHNORM)
def batchnorm_by_the_graph():
    def forward(x, gamma, beta, bn_param):
        if bn_param["mode"] == "test":
            scale = gamma / np.sqrt(bn_param["running_var"] + bn_param.get("eps", 1e-5))
            return x * scale + (beta - bn_param["running_mean"] * scale), None
        N, D = x.shape
        eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        mu = 1.0 / N * np.sum(x, axis=0)
        xmu = x - mu
        var = 1.0 / N * np.sum(xmu**2, axis=0)
        sqrtvar = np.sqrt(var + eps)
        ivar = 1.0 / sqrtvar
        xhat = xmu * ivar
        out = gamma * xhat + beta
        bn_param["running_mean"] = momentum * bn_param.get("running_mean", np.zeros(D)) + (1 - momentum) * mu
        bn_param["running_var"] = momentum * bn_param.get("running_var", np.zeros(D)) + (1 - momentum) * var
        return out, (xhat, gamma, xmu, ivar, sqrtvar, var, eps)

    def backward(dout, cache):
        xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
        N, D = dout.shape
        dbeta = np.sum(dout, axis=0)
        dgamma = np.sum(dout * xhat, axis=0)
        dxhat = dout * gamma
        divar = np.sum(dxhat * xmu, axis=0)
        dxmu1 = dxhat * ivar
        dsqrtvar = -1.0 / (sqrtvar**2) * divar
        dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
        dsq = 1.0 / N * np.ones((N, D)) * dvar
        dxmu2 = 2 * xmu * dsq
        dx1 = dxmu1 + dxmu2
        dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
        dx2 = 1.0 / N * np.ones((N, D)) * dmu
        return dx1 + dx2, dgamma, dbeta

    return forward, backward


@right(*BATCHNORM)
def batchnorm_in_one_line():
    def backward(dout, cache):
        x, x_hat, mean, var, gamma, beta, eps = cache
        N = len(x)
        dgamma, dbeta = (dout * x_hat).sum(0), dout.sum(0)
        dx = (1.0 / N) * gamma * (var + eps) ** (-0.5) * (N * dout - dbeta - x_hat * dgamma)
        return dx, dgamma, dbeta

    return batchnorm_forward, backward


@right(*BATCHNORM)
def batchnorm_with_a_dictionary_as_cache():
    def forward(x, gamma, beta, bn_param):
        out, cache = batchnorm_forward(x, gamma, beta, bn_param)
        return out, None if cache is None else {"all": cache, "mode": "train"}

    return forward, lambda dout, cache: batchnorm_backward(dout, cache["all"])


@right(*BATCHNORM)
def batchnorm_with_averages_in_place():
    def forward(x, gamma, beta, bn_param):
        if bn_param["mode"] == "train":
            momentum = bn_param.get("momentum", 0.9)
            mean = bn_param.setdefault("running_mean", np.zeros(x.shape[1]))
            var = bn_param.setdefault("running_var", np.zeros(x.shape[1]))
            mean *= momentum
            mean += (1 - momentum) * x.mean(axis=0)
            var *= momentum
            var += (1 - momentum) * x.var(axis=0)
            out, cache = batchnorm_forward(x, gamma, beta, {"mode": "train", "eps": bn_param.get("eps", 1e-5)})
            return out, cache
        return batchnorm_forward(x, gamma, beta, bn_param)

    return forward, batchnorm_backward


@wrong(*BATCHNORM, told="eps outside the")
def batchnorm_eps_outside_in_test_mode():
    return make_forward(test=lambda x, mean, var, eps: (x - mean) / (np.sqrt(var) + eps)), batchnorm_backward


@wrong(*BATCHNORM, told="(1, D)")
def batchnorm_running_rows():
    return make_forward(average=lambda m, old, new: m * old + (1 - m) * new[None]), batchnorm_backward


@wrong(*BATCHNORM, told="eps")
def batchnorm_running_variance_with_eps():
    return make_forward(kept_var=lambda var, eps: var + eps), batchnorm_backward


@wrong(*BATCHNORM, told="momentum the wrong way round")
def batchnorm_momentum_swapped():
    return make_forward(average=lambda m, old, new: (1 - m) * old + m * new), batchnorm_backward


@wrong(*BATCHNORM, told="divided by the variance")
def batchnorm_divides_by_the_variance():
    return (
        make_forward(train=lambda x, m, v, e: (x - m) / (v + e), test=lambda x, m, v, e: (x - m) / (v + e)),
        batchnorm_backward,
    )


@wrong(*BATCHNORM, told="batch statistics at test time")
def batchnorm_batch_statistics_in_test_mode():
    return (
        make_forward(test=lambda x, m, v, e: (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + e)),
        batchnorm_backward,
    )


@wrong(*BATCHNORM, told="test mode", stage="test-backward")
def batchnorm_no_cache_in_test_mode():
    return batchnorm_forward, batchnorm_backward


@wrong(*BATCHNORM, told="path through the mean")
def batchnorm_forgets_the_mean():
    def backward(dout, cache):
        x, x_hat, mean, var, gamma, beta, eps = cache
        N = len(x)
        dgamma, dbeta = (dout * x_hat).sum(0), dout.sum(0)
        return gamma / np.sqrt(var + eps) * (dout - x_hat * dgamma / N), dgamma, dbeta

    return batchnorm_forward, backward


@wrong(*BATCHNORM, told="sign")
def batchnorm_a_sign_in_backward():
    def backward(dout, cache):
        x, x_hat, mean, var, gamma, beta, eps = cache
        N = len(x)
        dgamma, dbeta = (dout * x_hat).sum(0), dout.sum(0)
        return gamma / np.sqrt(var + eps) * (dout - dbeta / N + x_hat * dgamma / N), dgamma, dbeta

    return batchnorm_forward, backward


@wrong(*BATCHNORM, told="eps")
def batchnorm_no_eps_in_backward():
    def backward(dout, cache):
        x, x_hat, mean, var, gamma, beta, eps = cache
        return batchnorm_backward(dout, (x, x_hat, mean, var, gamma, beta, 0.0))

    return batchnorm_forward, backward


@wrong(*BATCHNORM, told=("normalised", "dgamma"))
def batchnorm_caches_x_for_x_hat():
    def forward(x, gamma, beta, bn_param):
        out, cache = batchnorm_forward(x, gamma, beta, bn_param)
        return out, None if cache is None else (x, x, *cache[2:])

    return forward, batchnorm_backward


# -- spatial batchnorm -------------------------------------------------------------------------------------------------

SPATIAL = ("spatial_batchnorm", "spatial_batchnorm_forward", "spatial_batchnorm_backward")


@right(*SPATIAL)
def spatial_by_transposing():
    def forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        flat = x.transpose(0, 2, 3, 1).reshape((N * H * W, C))
        out, cache = batchnorm_forward(flat, gamma, beta, bn_param)
        return out.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache

    def backward(dout, cache):
        N, C, H, W = dout.shape
        dx, dgamma, dbeta = batchnorm_backward(dout.transpose(0, 2, 3, 1).reshape(-1, C), cache)
        return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta

    return forward, backward


@right(*SPATIAL)
def spatial_by_moveaxis():
    def forward(x, gamma, beta, bn_param):
        last = np.moveaxis(x, 1, -1)
        out, cache = batchnorm_forward(last.reshape(-1, x.shape[1]), gamma, beta, bn_param)
        return np.moveaxis(out.reshape(last.shape), -1, 1), (cache, last.shape)

    def backward(dout, cache):
        inner, shape = cache
        dx, dgamma, dbeta = batchnorm_backward(np.moveaxis(dout, 1, -1).reshape(-1, shape[-1]), inner)
        return np.moveaxis(dx.reshape(shape), -1, 1), dgamma, dbeta

    return forward, backward


@right(*SPATIAL)
def spatial_channels_first():
    def forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        rows = x.swapaxes(0, 1).reshape(C, -1).T
        out, cache = batchnorm_forward(rows, gamma, beta, bn_param)
        return out.T.reshape(C, N, H, W).swapaxes(0, 1), cache

    def backward(dout, cache):
        N, C, H, W = dout.shape
        dx, dgamma, dbeta = batchnorm_backward(dout.swapaxes(0, 1).reshape(C, -1).T, cache)
        return dx.T.reshape(C, N, H, W).swapaxes(0, 1), dgamma, dbeta

    return forward, backward


@wrong(*SPATIAL, told="reshape without transpose")
def spatial_reshape_only():
    def forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        out, cache = batchnorm_forward(x.reshape(-1, C), gamma, beta, bn_param)
        return out.reshape(N, C, H, W), cache

    def backward(dout, cache):
        N, C, H, W = dout.shape
        dx, dgamma, dbeta = batchnorm_backward(dout.reshape(-1, C), cache)
        return dx.reshape(N, C, H, W), dgamma, dbeta

    return forward, backward


@wrong(*SPATIAL, told="rows and columns exchanged")
def spatial_transposes_back_to_w_h():
    def forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        out, cache = batchnorm_forward(x.transpose(0, 2, 3, 1).reshape(-1, C), gamma, beta, bn_param)
        return out.reshape(N, W, H, C).transpose(0, 3, 2, 1), cache

    def backward(dout, cache):
        N, C, H, W = dout.shape
        dx, dgamma, dbeta = batchnorm_backward(dout.transpose(0, 2, 3, 1).reshape(-1, C), cache)
        return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta

    return forward, backward


# -- layernorm ---------------------------------------------------------------------------------------------------------

LAYERNORM = ("layernorm", "layernorm_forward", "layernorm_backward")


def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param.get("eps", 1e-5)
    mu = x.mean(axis=1, keepdims=True)
    var = x.var(axis=1, keepdims=True)
    x_hat = (x - mu) / np.sqrt(var + eps)
    return gamma * x_hat + beta, (x, x_hat, mu, var, gamma, eps)


def layernorm_backward(dout, cache):
    x, x_hat, mu, var, gamma, eps = cache
    D = x.shape[1]
    dgamma, dbeta = np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)
    dx_hat = dout * gamma
    std = np.sqrt(var + eps)
    dx = (
        (D * dx_hat - dx_hat.sum(axis=1, keepdims=True) - x_hat * (dx_hat * x_hat).sum(axis=1, keepdims=True)) / D / std
    )
    return dx, dgamma, dbeta


@right(*LAYERNORM)
def layernorm_with_keepdims():
    return layernorm_forward, layernorm_backward


@right(*LAYERNORM)
def layernorm_transposed():
    def forward(x, gamma, beta, ln_param):
        xt = x.T
        mu, var = np.mean(xt, axis=0), np.var(xt, axis=0)
        std = np.sqrt(var + ln_param.get("eps", 1e-5))
        hat = (xt - mu) / std
        return (gamma.reshape(-1, 1) * hat + beta.reshape(-1, 1)).T, (hat, std, gamma)

    def backward(dout, cache):
        hat, std, gamma = cache
        dt = dout.T * gamma[:, None]
        D = len(gamma)
        dxt = (dt - dt.sum(axis=0) / D - hat * (dt * hat).sum(axis=0) / D) / std
        return dxt.T, np.sum(dout.T * hat, axis=1), np.sum(dout.T, axis=1)

    return forward, backward


@wrong(*LAYERNORM, told="means over the batch")
def layernorm_over_the_batch():
    def forward(x, gamma, beta, ln_param):
        eps = ln_param.get("eps", 1e-5)
        mu, var = x.mean(axis=0), x.var(axis=0)
        x_hat = (x - mu) / np.sqrt(var + eps)
        return gamma * x_hat + beta, (x, x_hat, mu, var, gamma, eps)

    return forward, layernorm_backward


@wrong(*LAYERNORM, told="gamma forgotten in dx")
def layernorm_no_gamma_in_dx():
    def backward(dout, cache):
        x, x_hat, mu, var, gamma, eps = cache
        dx, _, _ = layernorm_backward(dout / gamma, cache)
        return dx, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)

    return layernorm_forward, backward


@wrong(*LAYERNORM, told=("sum over the features", "axis", "shape"))
def layernorm_dgamma_over_features():
    def backward(dout, cache):
        dx, dgamma, dbeta = layernorm_backward(dout, cache)
        return dx, np.sum(dout * cache[1], axis=1), np.sum(dout, axis=1)

    return layernorm_forward, backward


# -- dropout -----------------------------------------------------------------------------------------------------------

DROPOUT = ("dropout", "dropout_forward", "dropout_backward")


def make_dropout(draw, test=lambda x, p: x):
    """dropout_forward as the assignment lays it out."""

    def dropout_forward(x, dropout_param):
        p, mode = dropout_param["p"], dropout_param["mode"]
        if "seed" in dropout_param:
            np.random.seed(dropout_param["seed"])
        mask, out = None, None
        if mode == "train":
            mask = draw(x, p)
            out = x * mask
        elif mode == "test":
            out = test(x, p)
        cache = (dropout_param, mask)
        out = out.astype(x.dtype, copy=False)
        return out, cache

    return dropout_forward


def dropout_backward(dout, cache):
    dropout_param, mask = cache
    mode = dropout_param["mode"]
    dx = None
    if mode == "train":
        dx = dout * mask
    elif mode == "test":
        dx = dout
    return dx


@right(*DROPOUT)
def dropout_with_rand():
    return make_dropout(lambda x, p: (np.random.rand(*x.shape) < p) / p), dropout_backward


@right(*DROPOUT)
def dropout_with_random_sample():
    return make_dropout(lambda x, p: (np.random.random_sample(x.shape) < p) / p), dropout_backward


@right(*DROPOUT)
def dropout_with_binomial():
    return make_dropout(lambda x, p: np.random.binomial(1, p, size=x.shape) / p), dropout_backward


@right(*DROPOUT)
def dropout_with_uniform_above():
    return make_dropout(lambda x, p: (np.random.uniform(size=x.shape) > 1 - p).astype(x.dtype) / p), dropout_backward


@right(*DROPOUT)
def dropout_with_choice():
    return make_dropout(lambda x, p: np.random.choice([0, 1], size=x.shape, p=[1 - p, p]) / p), dropout_backward


@right(*DROPOUT)
def dropout_with_a_generator():
    def forward(x, dropout_param):
        if dropout_param["mode"] == "test":
            return x, None
        rng = np.random.RandomState(dropout_param["seed"])
        keep = rng.rand(*x.shape) <= dropout_param["p"]
        return np.where(keep, x / dropout_param["p"], 0), (keep, dropout_param["p"])

    def backward(dout, cache):
        if cache is None:
            return dout
        keep, p = cache
        return np.where(keep, dout / p, 0)

    return forward, backward


@wrong(*DROPOUT, told="no scaling by the keep probability")
def dropout_not_scaled():
    return make_dropout(lambda x, p: np.random.rand(*x.shape) < p), dropout_backward


@wrong(*DROPOUT, told="probability of dropping")
def dropout_p_drops():
    return make_dropout(lambda x, p: (np.random.rand(*x.shape) >= p) / (1 - p)), dropout_backward


@wrong(*DROPOUT, told="test mode")
def dropout_scales_at_test_time():
    return make_dropout(lambda x, p: np.random.rand(*x.shape) < p, test=lambda x, p: x * p), dropout_backward


@wrong(*DROPOUT, told="one mask for the whole batch")
def dropout_one_mask():
    return make_dropout(lambda x, p: (np.random.rand(*x.shape[1:]) < p) / p * np.ones(x.shape)), dropout_backward


@wrong(*DROPOUT, told="seed")
def dropout_without_a_seed():
    def forward(x, dropout_param):
        if dropout_param["mode"] == "test":
            return x, (dropout_param, None)
        mask = (np.random.rand(*x.shape) < dropout_param["p"]) / dropout_param["p"]
        return x * mask, (dropout_param, mask)

    return forward, dropout_backward


@wrong(*DROPOUT, told="normal")
def dropout_with_normal_numbers():
    return make_dropout(lambda x, p: (np.random.randn(*x.shape) < p) / p), dropout_backward


@wrong(*DROPOUT, told="passes everywhere")
def dropout_gradient_unmasked():
    return make_dropout(lambda x, p: (np.random.rand(*x.shape) < p) / p), lambda dout, cache: dout.copy()


@wrong(*DROPOUT, told="test mode")
def dropout_no_gradient_in_test_mode():
    def backward(dout, cache):
        return dout * cache[1]

    return make_dropout(lambda x, p: (np.random.rand(*x.shape) < p) / p), backward


# -- im2col ------------------------------------------------------------------------------------------------------------

IM2COL = ("im2col", "im2col", "col2im", "conv_forward_im2col", "conv_backward_im2col")


def im2col(x, HH, WW, stride):
    N, C, H, W = x.shape
    rows = []
    for n in range(N):
        for i in range(0, H - HH + 1, stride):
            for j in range(0, W - WW + 1, stride):
                rows.append(x[n, :, i : i + HH, j : j + WW].reshape(-1))
    return np.array(rows)


def col2im(rows, shape, HH, WW, stride):
    N, C, H, W = shape
    x, k = np.zeros(shape), 0
    for n in range(N):
        for i in range(0, H - HH + 1, stride):
            for j in range(0, W - WW + 1, stride):
                x[n, :, i : i + HH, j : j + WW] += rows[k].reshape(C, HH, WW)
                k += 1
    return x


def im2col_forward(x, w, b, conv_param):
    p, s = conv_param["pad"], conv_param["stride"]
    F, _, HH, WW = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), mode="constant")
    rows = im2col(xp, HH, WW, s)
    HO, WO = (xp.shape[2] - HH) // s + 1, (xp.shape[3] - WW) // s + 1
    out = rows.dot(w.reshape(F, -1).T) + b
    return out.reshape(len(x), HO, WO, F).transpose(0, 3, 1, 2), (x, w, b, conv_param, rows, xp.shape)


def im2col_backward(dout, cache):
    x, w, b, conv_param, rows, shape = cache
    p, s = conv_param["pad"], conv_param["stride"]
    F, C, HH, WW = w.shape
    flat = dout.transpose(0, 2, 3, 1).reshape(-1, F)
    dxp = col2im(flat.dot(w.reshape(F, -1)), shape, HH, WW, s)
    return dxp[:, :, p : p + x.shape[2], p : p + x.shape[3]], flat.T.dot(rows).reshape(w.shape), flat.sum(axis=0)


@right(*IM2COL)
def im2col_in_loops_without_none():
    return im2col, col2im, im2col_forward, im2col_backward


@wrong(*IM2COL, told="last window")
def col2im_assigns():
    def assigning(rows, shape, HH, WW, stride):
        N, C, H, W = shape
        x, k = np.zeros(shape), 0
        for n in range(N):
            for i in range(0, H - HH + 1, stride):
                for j in range(0, W - WW + 1, stride):
                    x[n, :, i : i + HH, j : j + WW] = rows[k].reshape(C, HH, WW)
                    k += 1
        return x

    return im2col, assigning, im2col_forward, im2col_backward


@wrong(*IM2COL, told=("reshaped", "order"))
def im2col_out_reshaped():
    def forward(x, w, b, conv_param):
        out, cache = im2col_forward(x, w, b, conv_param)
        N, F, HO, WO = out.shape
        return out.transpose(0, 2, 3, 1).reshape(N, F, HO, WO), cache

    return im2col, col2im, forward, im2col_backward
