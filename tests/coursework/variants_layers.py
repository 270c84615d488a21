"""Right solutions of the *Layers* track that look different: loops, other formulas, other caches, other memory.

A checker that rejects one of them is wrong. VARIANTS holds (exercise, name, {function name: function}).
"""

import math

import numpy as np
from scipy import special

from pixelgrad.layers import batchnorm_backward, batchnorm_forward

VARIANTS = []


def variant(exercise, *functions):
    """Register the functions that a factory returns; its name tells what is different."""

    def register(make):
        VARIANTS.append((exercise, make.__name__.replace("_", " "), dict(zip(functions, make(), strict=True))))
        return make

    return register


# -- affine --------------------------------------------------------------------------------------------------------


@variant("affine", "affine_forward", "affine_backward")
def loops_and_a_list_as_cache():
    def forward(x, w, b):
        out = np.zeros((len(x), w.shape[1]))
        for n in range(len(x)):
            for m in range(w.shape[1]):
                out[n, m] = b[m] + sum(float(v) * float(w[d, m]) for d, v in enumerate(x[n].ravel()))
        return [out, [x, w, b]]

    def backward(dout, cache):
        x, w, b = cache
        dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(b.shape)
        for n in range(len(x)):
            for m in range(w.shape[1]):
                for d, place in enumerate(np.ndindex(x.shape[1:])):
                    dx[(n, *place)] += dout[n, m] * w[d, m]
                    dw[d, m] += dout[n, m] * x[(n, *place)]
                db[m] += dout[n, m]
        return [dx, dw, db]

    return forward, backward


@variant("affine", "affine_forward", "affine_backward")
def einsum_and_a_dictionary_as_cache():
    def forward(x, w, b):
        rows = x.reshape(len(x), -1)
        return np.einsum("nd,dm->nm", rows, w) + b, {"rows": rows, "shape": x.shape, "w": w}

    def backward(dout, cache):
        dx = np.einsum("nm,dm->nd", dout, cache["w"]).reshape(cache["shape"])
        return dx, np.einsum("nm,nd->dm", dout, cache["rows"]), np.einsum("nm->m", dout)

    return forward, backward


@variant("affine", "affine_forward", "affine_backward")
def arrays_in_column_order():
    def forward(x, w, b):
        return np.asfortranarray((w.T @ x.reshape(len(x), -1).T).T + b), (x, w)

    def backward(dout, cache):
        x, w = cache
        dx = np.asfortranarray((w @ dout.T).T.reshape(x.shape))
        return dx, (dout.T @ x.reshape(len(x), -1)).T, np.ones(len(x)) @ dout

    return forward, backward


# -- relu ----------------------------------------------------------------------------------------------------------


@variant("relu", "relu_forward", "relu_backward")
def where_and_a_mask_as_cache():
    def forward(x):
        return np.where(x > 0, x, 0.0), x > 0

    def backward(dout, cache, rule="standard"):
        passes = {"standard": cache, "guided": cache & (dout > 0), "deconv": dout > 0}[rule]
        return np.where(passes, dout, 0.0)

    return forward, backward


@variant("relu", "relu_forward", "relu_backward")
def a_copy_with_zeros_written_in_and_the_output_as_cache():
    def forward(x):
        out = x.copy()
        out[out < 0] = 0
        return out, out

    def backward(dout, cache, rule="standard"):
        dx = dout.copy()
        if rule != "deconv":
            dx[cache <= 0] = 0
        if rule != "standard":
            dx[dx < 0] = 0
        return dx

    return forward, backward


@variant("relu", "relu_forward", "relu_backward")
def half_of_x_plus_its_absolute_value():
    def forward(x):
        return (x + np.abs(x)) / 2, x

    def backward(dout, cache, rule="standard"):
        gate = (np.sign(cache) + 1) // 2 * (cache != 0)
        up = (dout + np.abs(dout)) / 2
        return {"standard": dout * gate, "guided": up * gate, "deconv": up}[rule]

    return forward, backward


@variant("relu", "relu_forward", "relu_backward")
def a_product_with_the_mask():
    def forward(x):
        return x * (x > 0), x > 0

    def backward(dout, cache, rule="standard"):
        passes = {"standard": cache, "guided": cache & (dout > 0), "deconv": dout > 0}
        return dout * passes[rule]

    return forward, backward


# -- losses --------------------------------------------------------------------------------------------------------


@variant("softmax", "softmax_loss")
def one_image_at_a_time():
    def softmax_loss(x, y, *, label_smoothing=0.0):
        loss, dx = 0.0, np.zeros(x.shape)
        for n, row in enumerate(x):
            top = max(row)
            log_sum = top + math.log(sum(math.exp(v - top) for v in row))
            for k, v in enumerate(row):
                target = label_smoothing / len(row) + (1 - label_smoothing) * (k == y[n])
                loss -= target * (v - log_sum)
                dx[n, k] = math.exp(v - log_sum) - target
        return loss / len(x), dx / len(x)

    return (softmax_loss,)


@variant("softmax", "softmax_loss")
def logsumexp_of_scipy_and_a_mean():
    def softmax_loss(x, y, *, label_smoothing=0.0):
        logs = x - special.logsumexp(x, axis=1, keepdims=True)
        right = np.mean(logs[range(len(x)), y])
        loss = -(1 - label_smoothing) * right - label_smoothing * np.mean(logs)
        onehot = np.eye(x.shape[1])[y]
        return loss, (np.exp(logs) - onehot + label_smoothing * (onehot - 1 / x.shape[1])) / len(x)

    return (softmax_loss,)


@variant("softmax", "softmax_loss")
def another_shift_and_the_loss_as_an_array():
    def softmax_loss(x, y, *, label_smoothing=0.0):
        shifted = x - (x.max(axis=1, keepdims=True) - 3.5)
        log_sum = np.log(np.sum(np.exp(shifted), axis=1))
        target = np.full(x.shape, label_smoothing / x.shape[1])
        for n, k in enumerate(y):
            target[n, k] += 1 - label_smoothing
        loss = np.array(np.mean(log_sum - np.sum(target * shifted, axis=1)))
        return loss, np.asfortranarray(np.exp(shifted - log_sum[:, None]) - target) / len(x)

    return (softmax_loss,)


@variant("svm", "svm_loss")
def loops_that_skip_the_right_class():
    def svm_loss(x, y):
        loss, dx = 0.0, np.zeros_like(x)
        for n in range(len(x)):
            for k in range(x.shape[1]):
                margin = x[n, k] - x[n, y[n]] + 1
                if k != y[n] and margin > 0:
                    loss += margin
                    dx[n, k] += 1
                    dx[n, y[n]] -= 1
        return loss / len(x), dx / len(x)

    return (svm_loss,)


@variant("svm", "svm_loss")
def one_subtracted_from_the_loss():
    def svm_loss(x, y):
        right = np.take_along_axis(x, y[:, None], axis=1)
        violations = np.clip(x - right + 1, 0, None)
        active = violations > 0  # the right class, too: it takes part in both terms, which cancel
        onehot = np.eye(x.shape[1])[y]
        dx = active - active.sum(axis=1, keepdims=True) * onehot
        return np.mean(violations.sum(axis=1)) - 1, dx / len(x)

    return (svm_loss,)


# -- convolution ---------------------------------------------------------------------------------------------------


@variant("conv", "conv_forward_naive", "conv_backward_naive")
def windows_and_einsum():
    def windows_of(padded, w, s):
        return np.lib.stride_tricks.sliding_window_view(padded, w.shape[2:], axis=(2, 3))[:, :, ::s, ::s]

    def forward(x, w, b, conv_param):
        p = conv_param["pad"]
        padded = np.zeros((*x.shape[:2], x.shape[2] + 2 * p, x.shape[3] + 2 * p))
        padded[:, :, p : p + x.shape[2], p : p + x.shape[3]] = x
        out = np.einsum("nchwij,fcij->nfhw", windows_of(padded, w, conv_param["stride"]), w)
        return out + (0 if b is None else b[:, None, None]), {"x": x, "padded": padded, "w": w, "param": conv_param}

    def backward(dout, cache):
        x, padded, w, param = cache.values()
        s, p = param["stride"], param["pad"]
        dpadded = np.zeros_like(padded)
        for i, j in np.ndindex(w.shape[2:]):
            rows, columns = slice(i, i + s * dout.shape[2], s), slice(j, j + s * dout.shape[3], s)
            dpadded[:, :, rows, columns] += np.einsum("nfhw,fc->nchw", dout, w[:, :, i, j])
        dw = np.einsum("nfhw,nchwij->fcij", dout, windows_of(padded, w, s))
        return dpadded[:, :, p : p + x.shape[2], p : p + x.shape[3]], dw, dout.sum((0, 2, 3))

    return forward, backward


@variant("conv", "conv_forward_naive", "conv_backward_naive")
def seven_loops_without_a_padded_image():
    def places(x, w, shape, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        for n, f, i, j in np.ndindex(shape):
            for c, k, l in np.ndindex(w.shape[1:]):
                row, column = i * s + k - p, j * s + l - p
                if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                    yield (n, f, i, j), (f, c, k, l), (n, c, row, column)

    def forward(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        size = [(x.shape[k] + 2 * p - w.shape[k]) // s + 1 for k in (2, 3)]
        out = np.zeros((len(x), len(w), *size))
        for a, weight, pixel in places(x, w, out.shape, conv_param):
            out[a] += x[pixel] * w[weight]
        if b is not None:
            for f in range(len(w)):
                out[:, f] += b[f]
        return out, (x, w, b, conv_param)

    def backward(dout, cache):
        x, w, b, conv_param = cache
        dx, dw = np.zeros_like(x), np.zeros_like(w)
        for a, weight, pixel in places(x, w, dout.shape, conv_param):
            dx[pixel] += dout[a] * w[weight]
            dw[weight] += dout[a] * x[pixel]
        return dx, dw, None if b is None else np.array([dout[:, f].sum() for f in range(len(w))])

    return forward, backward


# -- max pooling ---------------------------------------------------------------------------------------------------


@variant("max_pool", "max_pool_forward_naive", "max_pool_backward_naive")
def a_running_maximum_and_its_place_in_the_cache():
    def forward(x, pool_param):
        height, width, s = (pool_param[key] for key in ("pool_height", "pool_width", "stride"))
        up = math.ceil if pool_param.get("ceil_mode") else math.floor
        size = [up((x.shape[2] - height) / s) + 1, up((x.shape[3] - width) / s) + 1]
        out, places = np.full((*x.shape[:2], *size), -np.inf), {}
        for n, c, i, j in np.ndindex(out.shape):
            for row in range(i * s, min(i * s + height, x.shape[2])):
                for column in range(j * s, min(j * s + width, x.shape[3])):
                    if x[n, c, row, column] > out[n, c, i, j]:
                        out[n, c, i, j] = x[n, c, row, column]
                        places[n, c, i, j] = (n, c, row, column)
        return out, {"shape": x.shape, "places": places}

    def backward(dout, cache):
        dx = np.zeros(cache["shape"])
        for a, pixel in cache["places"].items():
            dx[pixel] += dout[a]
        return dx

    return forward, backward


@variant("max_pool", "max_pool_forward_naive", "max_pool_backward_naive")
def all_images_and_channels_at_once():
    def windows(x, pool_param):
        height, width, s = (pool_param[key] for key in ("pool_height", "pool_width", "stride"))
        count = [x.shape[2] - height, x.shape[3] - width]
        count = [-(-n // s) if pool_param.get("ceil_mode") else n // s for n in count]
        for i, j in np.ndindex(count[0] + 1, count[1] + 1):
            yield i, j, i * s, j * s, x[:, :, i * s : i * s + height, j * s : j * s + width]

    def forward(x, pool_param):
        parts = list(windows(x, pool_param))
        out = np.empty((*x.shape[:2], parts[-1][0] + 1, parts[-1][1] + 1), order="F")
        for i, j, _, _, window in parts:
            out[:, :, i, j] = np.amax(window, axis=(2, 3))
        return out, [x, pool_param]

    def backward(dout, cache):
        dx = np.zeros_like(cache[0])
        n, c = np.indices(dout.shape[:2])
        for i, j, top, left, window in windows(*cache):
            first = window.reshape(*window.shape[:2], -1).argmax(axis=2)
            row, column = np.divmod(first, window.shape[3])
            dx[n, c, top + row, left + column] += dout[:, :, i, j]
        return dx

    return forward, backward


@variant("max_pool", "max_pool_forward_naive", "max_pool_backward_naive")
def a_border_of_minus_infinity():
    def places(x, pool_param):
        height, width, s = pool_param["pool_height"], pool_param["pool_width"], pool_param.get("stride", 1)
        over = (s - 1) * pool_param.get("ceil_mode", False)
        padded = np.pad(x, ((0, 0), (0, 0), (0, over), (0, over)), constant_values=-np.inf)
        for i, top in enumerate(range(0, padded.shape[2] - height + 1, s)):
            for j, left in enumerate(range(0, padded.shape[3] - width + 1, s)):
                window = padded[:, :, top : top + height, left : left + width].reshape(*x.shape[:2], -1)
                yield i, j, window, (top, left), width

    def forward(x, pool_param):
        values = {(i, j): window.max(axis=2) for i, j, window, _, _ in places(x, pool_param)}
        out = np.empty((*x.shape[:2], max(i for i, _ in values) + 1, max(j for _, j in values) + 1))
        for (i, j), value in values.items():
            out[:, :, i, j] = value
        return out, (x, pool_param)

    def backward(dout, cache):
        x, pool_param = cache
        dx = np.zeros_like(x)
        for i, j, window, (top, left), width in places(x, pool_param):
            di, dj = np.divmod(window.argmax(axis=2), width)
            for n, c in np.ndindex(x.shape[:2]):
                dx[n, c, top + di[n, c], left + dj[n, c]] += dout[n, c, i, j]
        return dx

    return forward, backward


# -- batch normalisation -------------------------------------------------------------------------------------------


def update(bn_param, mean, var):
    momentum = bn_param.get("momentum", 0.9)
    bn_param["running_mean"] = bn_param.get("running_mean", 0.0) * momentum + mean - mean * momentum
    bn_param["running_var"] = bn_param.get("running_var", 0.0) * momentum + var - var * momentum


@variant("batchnorm", "batchnorm_forward", "batchnorm_backward")
def in_stages_with_a_dictionary_as_cache():
    def forward(x, gamma, beta, bn_param):
        eps, train = bn_param.get("eps", 1e-5), bn_param["mode"] == "train"
        mean = np.mean(x, axis=0) if train else bn_param["running_mean"]
        centred = x - mean
        var = np.mean(centred**2, axis=0) if train else bn_param["running_var"]
        root = np.sqrt(var + eps)
        if train:
            update(bn_param, mean, var)
        cache = {"train": train, "centred": centred, "root": root, "gamma": gamma}
        return gamma * (centred / root) + beta, cache

    def backward(dout, cache):
        centred, root, gamma, N = cache["centred"], cache["root"], cache["gamma"], len(dout)
        dbeta = np.sum(dout, axis=0)
        dgamma = np.sum(dout * centred / root, axis=0)
        dxhat = dout * gamma
        if not cache["train"]:
            return dxhat / root, dgamma, dbeta
        dinverse = np.sum(dxhat * centred, axis=0)
        dcentred = dxhat / root
        droot = -dinverse / root**2
        dvar = 0.5 * droot / root
        dsquares = np.ones_like(dout) * dvar / N
        dcentred = dcentred + 2 * centred * dsquares
        dmean = -np.sum(dcentred, axis=0)
        return dcentred + np.ones_like(dout) * dmean / N, dgamma, dbeta

    return forward, backward


@variant("batchnorm", "batchnorm_forward", "batchnorm_backward")
def the_formula_with_one_over_N_in_front():
    def forward(x, gamma, beta, bn_param):
        mean, var = x.mean(0), np.mean(x**2, 0) - x.mean(0) ** 2
        if bn_param["mode"] == "train":
            update(bn_param, mean, var)
        else:
            mean, var = bn_param["running_mean"], bn_param["running_var"]
        std = (var + bn_param.get("eps", 1e-5)) ** 0.5
        slope = gamma / std
        return slope * x + (beta - slope * mean), [x, gamma, mean, std, bn_param["mode"]]

    def backward(dout, cache):
        x, gamma, mean, std, mode = cache
        xhat, N = (x - mean) / std, len(x)
        dbeta, dgamma = np.ones(N) @ dout, np.einsum("nd,nd->d", dout, xhat)
        if mode == "test":
            return gamma / std * dout, dgamma, dbeta
        return (1 / N) * gamma / std * (N * dout - dbeta - xhat * dgamma), dgamma, dbeta

    return forward, backward


@variant("batchnorm", "batchnorm_forward", "batchnorm_backward")
def the_jacobian_of_every_feature():
    def forward(x, gamma, beta, bn_param):
        eps, out = bn_param.get("eps", 1e-5), np.empty(x.shape, order="F")
        train, columns = bn_param["mode"] == "train", []
        means, variances = np.zeros(x.shape[1]), np.zeros(x.shape[1])
        for d, column in enumerate(x.T):
            mean = sum(column) / len(column) if train else bn_param["running_mean"][d]
            var = sum((v - mean) ** 2 for v in column) / len(column) if train else bn_param["running_var"][d]
            xhat = (column - mean) / math.sqrt(var + eps)
            out[:, d] = gamma[d] * xhat + beta[d]
            columns.append((xhat, math.sqrt(var + eps), gamma[d]))
            means[d], variances[d] = mean, var
        if train:
            update(bn_param, means, variances)
        return out, (train, columns)

    def backward(dout, cache):
        train, columns = cache
        dx, dgamma, dbeta = np.empty(dout.shape), np.empty(dout.shape[1]), np.empty(dout.shape[1])
        N = len(dout)
        for d, (xhat, std, gamma) in enumerate(columns):
            jacobian = np.eye(N)
            if train:
                jacobian = jacobian - 1 / N - np.outer(xhat, xhat) / N
            dx[:, d] = jacobian.T @ dout[:, d] * gamma / std
            dgamma[d], dbeta[d] = dout[:, d] @ xhat, sum(dout[:, d])
        return dx, dgamma, dbeta

    return forward, backward


@variant("spatial_batchnorm", "spatial_batchnorm_forward", "spatial_batchnorm_backward")
def channels_first_then_transposed():
    def forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        out, cache = batchnorm_forward(x.transpose(1, 0, 2, 3).reshape(C, -1).T, gamma, beta, bn_param)
        return out.T.reshape(C, N, H, W).transpose(1, 0, 2, 3), cache

    def backward(dout, cache):
        N, C, H, W = dout.shape
        dx, dgamma, dbeta = batchnorm_backward(dout.transpose(1, 0, 2, 3).reshape(C, -1).T, cache)
        return dx.T.reshape(C, N, H, W).swapaxes(0, 1), dgamma, dbeta

    return forward, backward


@variant("spatial_batchnorm", "spatial_batchnorm_forward", "spatial_batchnorm_backward")
def sums_over_three_axes_without_batchnorm():
    axes, column = (0, 2, 3), (1, -1, 1, 1)

    def forward(x, gamma, beta, bn_param):
        if bn_param["mode"] == "train":
            mean, var = x.mean(axes), x.var(axes)
            update(bn_param, mean, var)
        else:
            mean, var = bn_param["running_mean"], bn_param["running_var"]
        std = np.sqrt(var + bn_param.get("eps", 1e-5)).reshape(column)
        xhat = (x - mean.reshape(column)) / std
        cache = {"xhat": xhat, "std": std, "gamma": gamma, "mode": bn_param["mode"]}
        return gamma.reshape(column) * xhat + beta.reshape(column), cache

    def backward(dout, cache):
        xhat, std, gamma, mode = cache.values()
        dxhat = dout * gamma.reshape(column)
        if mode == "train":
            dxhat = dxhat - dxhat.mean(axes, keepdims=True) - xhat * (dxhat * xhat).mean(axes, keepdims=True)
        return dxhat / std, (dout * xhat).sum(axes), dout.sum(axes)

    return forward, backward


# -- dropout -------------------------------------------------------------------------------------------------------


@variant("dropout", "dropout_forward", "dropout_backward")
def where_and_a_dictionary_as_cache():
    def forward(x, dropout_param):
        p = dropout_param["p"]
        if dropout_param["mode"] == "test":
            return x, {"keep": np.ones(x.shape, bool), "p": 1.0}
        keep = np.random.default_rng(dropout_param.get("seed", 0)).random(x.shape) < p
        return np.where(keep, x / p, 0.0), {"keep": keep, "p": p}

    def backward(dout, cache):
        return np.where(cache["keep"], dout / cache["p"], 0.0)

    return forward, backward


@variant("dropout", "dropout_forward", "dropout_backward")
def zeros_written_into_a_copy():
    def forward(x, dropout_param):
        out = x.copy()
        if dropout_param["mode"] == "test":
            return out, (None, None)
        rng = np.random.default_rng(dropout_param.get("seed", 0))
        dropped = rng.random(x.size).reshape(x.shape) >= dropout_param["p"]
        out /= dropout_param["p"]
        out[dropped] = 0
        return out, (dropped, dropout_param["p"])

    def backward(dout, cache):
        dropped, p = cache
        if dropped is None:
            return dout
        dx = dout / p
        dx[dropped] = 0
        return dx

    return forward, backward


# -- im2col --------------------------------------------------------------------------------------------------------

IM2COL = ("im2col", "col2im", "conv_forward_im2col", "conv_backward_im2col")


def _window_loops(x_shape, HH, WW, stride):
    """Places of the windows, in the order of the rows."""
    N, _, H, W = x_shape
    HO, WO = (H - HH) // stride + 1, (W - WW) // stride + 1
    for row, (n, i, j) in enumerate(np.ndindex(N, HO, WO)):
        yield row, (n, slice(None), slice(i * stride, i * stride + HH), slice(j * stride, j * stride + WW))


@variant("im2col", *IM2COL)
def windows_one_by_one():
    def rows_of(x, HH, WW, stride):
        return np.array([x[place].ravel() for _, place in _window_loops(x.shape, HH, WW, stride)])

    def image_of(rows, shape, HH, WW, stride):
        x = np.zeros(shape)
        for row, place in _window_loops(shape, HH, WW, stride):
            x[place] += rows[row].reshape(shape[1], HH, WW)
        return x

    def forward(x, w, b, conv_param):
        s, p = conv_param["stride"], conv_param["pad"]
        F, _, HH, WW = w.shape
        padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        HO, WO = ((size - window) // s + 1 for size, window in zip(padded.shape[2:], (HH, WW)))
        out = np.zeros((len(x), F, HO, WO))
        for f in range(F):
            out[:, f] = (rows_of(padded, HH, WW, s) @ w[f].ravel()).reshape(len(x), HO, WO)
            if b is not None:
                out[:, f] += b[f]
        return out, {"padded": padded, "w": w, "bias": b is not None, "param": (s, p)}

    def backward(dout, cache):
        (s, p), w, padded = cache["param"], cache["w"], cache["padded"]
        F, _, HH, WW = w.shape
        rows, drows = rows_of(padded, HH, WW, s), 0
        dw = np.zeros(w.shape)
        for f in range(F):
            dcolumn = dout[:, f].reshape(-1)
            dw[f] = (dcolumn @ rows).reshape(w[f].shape)
            drows = drows + dcolumn[:, None] * w[f].ravel()
        dpadded = image_of(drows, padded.shape, HH, WW, s)
        H, W = padded.shape[2] - 2 * p, padded.shape[3] - 2 * p
        return dpadded[:, :, p : p + H, p : p + W], dw, dout.sum(axis=(0, 2, 3)) if cache["bias"] else None

    return rows_of, image_of, forward, backward


@variant("im2col", *IM2COL)
def index_arrays_as_in_cs231n():
    def places(shape, HH, WW, stride):
        _, C, H, W = shape
        HO, WO = (H - HH) // stride + 1, (W - WW) // stride + 1
        rows = np.repeat(stride * np.arange(HO), WO)[:, None] + np.tile(np.repeat(np.arange(HH), WW), C)
        columns = np.tile(stride * np.arange(WO), HO)[:, None] + np.tile(np.arange(WW), C * HH)
        return np.repeat(np.arange(C), HH * WW)[None], rows, columns

    def rows_of(x, HH, WW, stride):
        found = x[(slice(None), *places(x.shape, HH, WW, stride))]  # (N, HO * WO, C * HH * WW)
        return found.reshape(-1, found.shape[2])

    def image_of(rows, shape, HH, WW, stride):
        x, where = np.zeros(shape), places(shape, HH, WW, stride)
        np.add.at(x, (slice(None), *where), rows.reshape(shape[0], -1, rows.shape[1]))
        return x

    def forward(x, w, b, conv_param):
        stride, p = conv_param["stride"], conv_param["pad"]
        padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        N, _, H, W = padded.shape
        F, _, HH, WW = w.shape
        columns = rows_of(padded, HH, WW, stride).T
        product = w.reshape(F, -1) @ columns + (0 if b is None else b[:, None])
        out = product.reshape(F, N, (H - HH) // stride + 1, (W - WW) // stride + 1).transpose(1, 0, 2, 3)
        return out, [columns, padded.shape, w, b, stride, p]

    def backward(dout, cache):
        columns, shape, w, b, stride, p = cache
        dproduct = dout.transpose(1, 0, 2, 3).reshape(len(w), -1)
        dw = np.einsum("fp,kp->fk", dproduct, columns).reshape(w.shape)
        dpadded = image_of((w.reshape(len(w), -1).T @ dproduct).T, shape, *w.shape[2:], stride)
        dx = dpadded if p == 0 else dpadded[:, :, p:-p, p:-p]
        return dx, dw, None if b is None else dproduct.sum(axis=1)

    return rows_of, image_of, forward, backward


# -- layernorm -----------------------------------------------------------------------------------------------------


@variant("layernorm", "layernorm_forward", "layernorm_backward")
def batch_normalisation_of_the_transpose():
    def forward(x, gamma, beta, ln_param):
        out, cache = batchnorm_forward(x.T, np.ones(len(x)), np.zeros(len(x)), {"mode": "train"} | ln_param)
        return gamma * out.T + beta, {"cache": cache, "normed": out.T, "gamma": gamma}

    def backward(dout, cache):
        dx, _, _ = batchnorm_backward((dout * cache["gamma"]).T, cache["cache"])
        return dx.T, np.einsum("nd,nd->d", dout, cache["normed"]), np.add.reduce(dout)

    return forward, backward


@variant("layernorm", "layernorm_forward", "layernorm_backward")
def node_by_node():
    def forward(x, gamma, beta, ln_param):
        centred = x - x.mean(1)[:, None]
        std = np.sqrt((centred**2).mean(1) + ln_param.get("eps", 1e-5))
        return centred / std[:, None] * gamma + beta, (centred, std, gamma)

    def backward(dout, cache):
        centred, std, gamma = cache
        N, D = dout.shape
        dx, dgamma, dbeta = np.zeros((N, D)), np.zeros(D), np.zeros(D)
        for n in range(N):
            dnormed = dout[n] * gamma
            dcentred = dnormed / std[n] - centred[n] * (dnormed @ centred[n]) / (D * std[n] ** 3)
            dx[n] = dcentred - sum(dcentred) / D
            dgamma += dout[n] * centred[n] / std[n]
            dbeta += dout[n]
        return dx, dgamma, dbeta

    return forward, backward
