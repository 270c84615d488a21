"""Mistakes that students make: each is written out here, and our checks must let none of them through.

A mistake is tried on the cases that the layer's own tests use: `check_layer` on asymmetric shapes, and the forward
pass against the definition. The right implementations pass all of these cases (`test_the_checks_accept`).
"""

import numpy as np
import pytest

from pixelgrad import layers as right
from pixelgrad.layers import check_gradient, check_layer

# Forward and backward of each exercise; a mistake replaces one or both.
EXERCISES = {
    "affine": (right.affine_forward, right.affine_backward),
    "relu": (right.relu_forward, right.relu_backward),
    "conv": (right.conv_forward_naive, right.conv_backward_naive),
    "max_pool": (right.max_pool_forward_naive, right.max_pool_backward_naive),
    "batchnorm": (right.batchnorm_forward, right.batchnorm_backward),
    "spatial_batchnorm": (right.spatial_batchnorm_forward, right.spatial_batchnorm_backward),
    "dropout": (right.dropout_forward, right.dropout_backward),
    "softmax": (right.softmax_loss, None),
}
MISTAKES = {}


def mistake(exercise, part):
    """Register a wrong forward, backward, or pair (a function that returns both)."""

    def register(f):
        forward, backward = EXERCISES[exercise]
        MISTAKES[f"{exercise}: {f.__name__}"] = (
            exercise,
            *{"forward": (f, backward), "backward": (forward, f), "pair": f() if part == "pair" else None}[part],
        )
        return f

    return register


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


# -- the checks ----------------------------------------------------------------------------------------------------


def check_affine(forward, backward):
    x, w, b = normal(3, 2, 4), normal(8, 5, seed=1), normal(5, seed=2)
    check_layer(forward, backward, x, w, b)
    np.testing.assert_allclose(forward(x, w, b)[0], np.einsum("nd,dm->nm", x.reshape(3, 8), w) + b, rtol=1e-12)


def check_relu(forward, backward):
    x = normal(3, 4)
    x[np.abs(x) < 0.01] = 0.5
    check_layer(forward, backward, x)
    np.testing.assert_array_equal(forward(x)[0], np.where(x > 0, x, 0))


def check_conv(forward, backward):
    for stride, pad in ((1, 0), (2, 1), (3, 2)):
        x, w, b = normal(2, 2, 5, 7), normal(3, 2, 3, 2, seed=1), normal(3, seed=2)
        conv_param = {"stride": stride, "pad": pad}
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad))), (3, 2), axis=(2, 3)
        )[:, :, ::stride, ::stride]
        expected = np.einsum("nchwij,fcij->nfhw", windows, w) + b[:, None, None]
        out, _ = forward(x, w, b, conv_param)
        assert out.shape == expected.shape
        np.testing.assert_allclose(out, expected, rtol=1e-10, atol=1e-12)
        check_layer(forward, backward, x, w, b, conv_param)


def check_max_pool(forward, backward):
    for height, width, stride in ((2, 3, 1), (3, 2, 2), (2, 2, 2)):
        pool_param = {"pool_height": height, "pool_width": width, "stride": stride}
        values = np.random.default_rng(0).permutation(2 * 3 * 5 * 6) * 0.1 - 20  # distinct, and all negative
        x = values.reshape(2, 3, 5, 6)
        windows = np.lib.stride_tricks.sliding_window_view(x, (height, width), axis=(2, 3))[:, :, ::stride, ::stride]
        out, _ = forward(x, pool_param)
        np.testing.assert_array_equal(out, windows.max(axis=(4, 5)))
        check_layer(forward, backward, x, pool_param)
        out, cache = forward(np.ones((1, 1, 4, 6)), pool_param)  # at ties the gradient keeps its sum
        np.testing.assert_allclose(backward(np.ones(out.shape), cache).sum(), out.size)


def check_batchnorm(forward, backward, shape=(6, 3)):
    gamma, beta = np.array([1.5, -0.5, 2.0]), np.array([0.3, -1, 0.1])
    mean, var = np.array([0.5, -1, 2.0]), np.array([0.5, 2, 1.5])
    x = 2 * normal(*shape) + 1
    axes = (0, 2, 3)[: x.ndim - 1] if x.ndim == 4 else (0,)
    column = (3, 1, 1) if x.ndim == 4 else (3,)
    for mode in ("train", "test"):
        bn_param = {"mode": mode, "momentum": 0.8, "eps": 1e-3, "running_mean": mean, "running_var": var}
        batch_mean, batch_var = x.mean(axis=axes), x.var(axis=axes)
        m, v = (batch_mean, batch_var) if mode == "train" else (mean, var)
        xhat = (x - m.reshape(column)) / np.sqrt(v.reshape(column) + 1e-3)
        written = dict(bn_param)
        out, _ = forward(x, gamma, beta, written)
        np.testing.assert_allclose(out, gamma.reshape(column) * xhat + beta.reshape(column), rtol=1e-9, atol=1e-11)
        keep = 0.8 if mode == "train" else 1
        np.testing.assert_allclose(written["running_mean"], keep * mean + (1 - keep) * batch_mean)
        np.testing.assert_allclose(written["running_var"], keep * var + (1 - keep) * batch_var)
        check_layer(forward, backward, x, gamma, beta, bn_param)


def check_dropout(forward, backward):
    x = normal(40, 50) + 10
    options = {"p": 0.7, "mode": "train", "seed": np.random.default_rng(1)}
    out, cache = forward(x, options)
    np.testing.assert_allclose(backward(np.ones_like(x), cache), out / x, rtol=1e-12)
    assert abs(np.mean(out != 0) - 0.7) < 0.06
    np.testing.assert_allclose(out[out != 0], x[out != 0] / 0.7)
    np.testing.assert_array_equal(forward(x, {"p": 0.7, "mode": "test"})[0], x)
    check_layer(forward, backward, normal(3, 4), {"p": 0.7, "mode": "train", "seed": 3})


def check_softmax(forward, _):
    x, y = normal(4, 5), np.array([0, 2, 4, 4])
    loss, dx = forward(x, y)
    check_gradient(lambda z: forward(z, y)[0], x, dx)
    exact = np.mean([np.log(np.exp(row).sum()) - row[k] for row, k in zip(x, y)])
    np.testing.assert_allclose(loss, exact, rtol=1e-12)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(forward(1e4 * np.eye(2), np.array([0, 0]))[0], 5e3)


CHECKS = {
    "affine": check_affine,
    "relu": check_relu,
    "conv": check_conv,
    "max_pool": check_max_pool,
    "batchnorm": check_batchnorm,
    "spatial_batchnorm": lambda forward, backward: check_batchnorm(forward, backward, shape=(2, 3, 4, 5)),
    "dropout": check_dropout,
    "softmax": check_softmax,
}


# -- affine --------------------------------------------------------------------------------------------------------


@mistake("affine", "backward")
def dx_keeps_the_flat_shape(dout, cache):
    x, w, _ = cache
    return dout @ w.T, x.reshape(len(x), -1).T @ dout, dout.sum(axis=0)


@mistake("affine", "backward")
def db_is_a_row(dout, cache):
    dx, dw, _ = right.affine_backward(dout, cache)
    return dx, dw, dout.sum(axis=0, keepdims=True)


@mistake("affine", "backward")
def db_is_a_mean(dout, cache):
    dx, dw, _ = right.affine_backward(dout, cache)
    return dx, dw, dout.mean(axis=0)


@mistake("affine", "backward")
def gradients_in_another_order(dout, cache):
    dx, dw, db = right.affine_backward(dout, cache)
    return dw, dx, db


@mistake("affine", "forward")
def bias_forgotten(x, w, b):
    return x.reshape(len(x), -1) @ w, (x, w, b)


# -- relu ----------------------------------------------------------------------------------------------------------


@mistake("relu", "forward")
def clips_x_in_place(x):
    x[x < 0] = 0
    return x, x


@mistake("relu", "backward")
def zeroes_dout_in_place(dout, x):
    dout[x <= 0] = 0
    return dout


@mistake("relu", "backward")
def gates_with_dout(dout, x):
    return dout * (dout > 0)


@mistake("relu", "backward")
def multiplies_by_the_output(dout, x):
    return dout * np.maximum(x, 0)


# -- convolution ---------------------------------------------------------------------------------------------------


def conv_loops(dout, cache, *, stride=None, swap=False, assign=False, flip=False, crop=None):
    """A backward pass with room for mistakes."""
    x, w, _, conv_param = cache
    s, pad = conv_param["stride"] if stride is None else stride, conv_param["pad"]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    HH, WW = w.shape[2:]
    for n, f, i, j in np.ndindex(dout.shape):
        if swap:
            i, j = j % dout.shape[2], i % dout.shape[3]
        rows, columns = slice(i * s, i * s + HH), slice(j * s, j * s + WW)
        filters = w[f, :, ::-1, ::-1] if flip else w[f]
        if assign:
            dpadded[n, :, rows, columns] = filters * dout[n, f, i, j]
        else:
            dpadded[n, :, rows, columns] += filters * dout[n, f, i, j]
        dw[f] += padded[n, :, rows, columns] * dout[n, f, i, j]
    H, W = x.shape[2:]
    dx = dpadded[:, :, pad : pad + H, pad : pad + W] if crop is None else crop(dpadded, pad, H, W)
    return dx, dw, dout.sum(axis=(0, 2, 3))


def test_the_loops_without_a_mistake_are_right():
    check_conv(right.conv_forward_naive, conv_loops)


@mistake("conv", "backward")
def stride_forgotten(dout, cache):
    return conv_loops(dout, cache, stride=1)


@mistake("conv", "backward")
def crop_from_pad_to_minus_pad(dout, cache):
    return conv_loops(dout, cache, crop=lambda d, pad, H, W: d[:, :, pad:-pad, pad:-pad])


@mistake("conv", "backward")
def crop_forgotten(dout, cache):
    return conv_loops(dout, cache, crop=lambda d, pad, H, W: d[:, :, :H, :W])


@mistake("conv", "backward")
def height_for_width(dout, cache):
    return conv_loops(dout, cache, swap=True)


@mistake("conv", "backward")
def only_the_last_window_counts(dout, cache):
    return conv_loops(dout, cache, assign=True)


@mistake("conv", "backward")
def filter_flipped_in_dx(dout, cache):
    return conv_loops(dout, cache, flip=True)


@mistake("conv", "backward")
def conv_db_is_a_row(dout, cache):
    dx, dw, db = conv_loops(dout, cache)
    return dx, dw, db[None]


@mistake("conv", "backward")
def db_over_the_batch_only(dout, cache):
    dx, dw, _ = conv_loops(dout, cache)
    return dx, dw, dout.sum(axis=0)[:, 0, 0]


@mistake("conv", "forward")
def bias_once_per_channel(x, w, b, conv_param):
    out, (_, _, _, param) = right.conv_forward_naive(x, w, x.shape[1] * b, conv_param)
    return out, (x, w, b, param)


@mistake("conv", "forward")
def output_height_for_width(x, w, b, conv_param):
    out, cache = right.conv_forward_naive(x, w, b, conv_param)
    side = min(out.shape[2:])
    return out[:, :, :side, :side], cache


@mistake("conv", "pair")
def a_true_convolution_with_the_filter_flipped():
    def forward(x, w, b, conv_param):
        return right.conv_forward_naive(x, w[:, :, ::-1, ::-1], b, conv_param)

    def backward(dout, cache):
        dx, dw, db = right.conv_backward_naive(dout, cache)
        return dx, dw[:, :, ::-1, ::-1], db

    return forward, backward


@mistake("conv", "pair")
def padding_with_the_border_instead_of_zeros():
    def forward(x, w, b, conv_param):
        pad, width = conv_param["pad"], [(0, 0), (0, 0), (conv_param["pad"],) * 2, (conv_param["pad"],) * 2]
        out, cache = right.conv_forward_naive(np.pad(x, width, mode="edge"), w, b, {**conv_param, "pad": 0})
        return out, (cache, x.shape, pad)

    def backward(dout, cache):
        inner, (_, _, H, W), pad = cache
        dpadded, dw, db = right.conv_backward_naive(dout, inner)
        return dpadded[:, :, pad : pad + H, pad : pad + W], dw, db

    return forward, backward


# -- max pooling ---------------------------------------------------------------------------------------------------


def pool_loops(dout, cache, put):
    x, p = cache
    h, w, s = p["pool_height"], p["pool_width"], p["stride"]
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        window = np.s_[n, c, i * s : i * s + h, j * s : j * s + w]
        put(dx[window], x[window], dout[n, c, i, j])
    return dx


@mistake("max_pool", "backward")
def overlapping_windows_overwrite(dout, cache):
    def put(dwindow, window, d):
        dwindow[np.unravel_index(window.argmax(), window.shape)] = d

    return pool_loops(dout, cache, put)


@mistake("max_pool", "backward")
def every_tied_maximum_gets_it_all(dout, cache):
    def put(dwindow, window, d):
        dwindow += d * (window == window.max())

    return pool_loops(dout, cache, put)


@mistake("max_pool", "backward")
def everyone_gets_it(dout, cache):
    def put(dwindow, window, d):
        dwindow += d / window.size

    return pool_loops(dout, cache, put)


@mistake("max_pool", "pair")
def height_and_width_exchanged_in_both_passes():
    def exchanged(pool_param):
        return {**pool_param, "pool_height": pool_param["pool_width"], "pool_width": pool_param["pool_height"]}

    return lambda x, p: right.max_pool_forward_naive(x, exchanged(p)), right.max_pool_backward_naive


@mistake("max_pool", "forward")
def running_maximum_starts_at_zero(x, pool_param):
    out, cache = right.max_pool_forward_naive(x, pool_param)
    return np.maximum(out, 0), cache


# -- batch normalisation -------------------------------------------------------------------------------------------


@mistake("batchnorm", "backward")
def path_through_the_mean_forgotten(dout, cache):
    mode, xhat, gamma, inv_std = cache
    dx, dgamma, dbeta = right.batchnorm_backward(dout, cache)
    return gamma * inv_std * (dout - xhat * dgamma / len(dout)) if mode == "train" else dx, dgamma, dbeta


@mistake("batchnorm", "backward")
def path_through_the_variance_forgotten(dout, cache):
    mode, _, gamma, inv_std = cache
    dx, dgamma, dbeta = right.batchnorm_backward(dout, cache)
    return gamma * inv_std * (dout - dbeta / len(dout)) if mode == "train" else dx, dgamma, dbeta


@mistake("batchnorm", "backward")
def training_formula_in_test_mode(dout, cache):
    return right.batchnorm_backward(dout, ("train", *cache[1:]))


@mistake("batchnorm", "forward")
def momentum_the_wrong_way_round(x, gamma, beta, bn_param):
    if bn_param["mode"] == "test":
        return right.batchnorm_forward(x, gamma, beta, bn_param)
    bn_param["momentum"] = 1 - bn_param["momentum"]
    return right.batchnorm_forward(x, gamma, beta, bn_param)


@mistake("batchnorm", "forward")
def batch_statistics_at_test_time(x, gamma, beta, bn_param):
    return right.batchnorm_forward(x, gamma, beta, {**bn_param, "mode": "train"})


@mistake("batchnorm", "forward")
def no_cache_at_test_time(x, gamma, beta, bn_param):
    out, cache = right.batchnorm_forward(x, gamma, beta, bn_param)
    return out, None if bn_param["mode"] == "test" else cache


@mistake("batchnorm", "forward")
def running_averages_also_written_at_test_time(x, gamma, beta, bn_param):
    result = right.batchnorm_forward(x, gamma, beta, bn_param)
    bn_param["running_mean"] = 0.9 * bn_param["running_mean"] + 0.1 * x.mean(axis=0)
    return result


@mistake("batchnorm", "forward")
def running_averages_updated_in_place(x, gamma, beta, bn_param):
    old = bn_param["running_mean"]
    result = right.batchnorm_forward(x, gamma, beta, bn_param)
    old[...] = bn_param["running_mean"]
    bn_param["running_mean"] = old
    return result


@mistake("batchnorm", "forward")
def eps_outside_the_root(x, gamma, beta, bn_param):
    eps = bn_param["eps"]
    out, cache = right.batchnorm_forward(x, gamma, beta, {**bn_param, "eps": eps**2})
    right.batchnorm_forward(x, gamma, beta, bn_param)
    return out, cache


@mistake("batchnorm", "forward")
def unbiased_variance(x, gamma, beta, bn_param):
    if bn_param["mode"] == "train":
        gamma = gamma * np.sqrt((len(x) - 1) / len(x))
    return right.batchnorm_forward(x, gamma, beta, bn_param)


@mistake("spatial_batchnorm", "pair")
def reshape_without_transpose():
    def forward(x, gamma, beta, bn_param):
        out, cache = right.batchnorm_forward(x.reshape(-1, x.shape[1]), gamma, beta, bn_param)
        return out.reshape(x.shape), (cache, x.shape)

    def backward(dout, cache):
        dx, dgamma, dbeta = right.batchnorm_backward(dout.reshape(-1, dout.shape[1]), cache[0])
        return dx.reshape(cache[1]), dgamma, dbeta

    return forward, backward


@mistake("spatial_batchnorm", "pair")
def one_mean_per_pixel_and_channel():
    def forward(x, gamma, beta, bn_param):
        N, C, H, W = x.shape
        spread = {key: np.repeat(v, H * W) if isinstance(v, np.ndarray) else v for key, v in bn_param.items()}
        out, cache = right.batchnorm_forward(x.reshape(N, -1), np.repeat(gamma, H * W), np.repeat(beta, H * W), spread)
        for name in ("running_mean", "running_var"):
            bn_param[name] = spread[name].reshape(C, -1).mean(axis=1)
        return out.reshape(x.shape), (cache, x.shape)

    def backward(dout, cache):
        inner, shape = cache
        dx, dgamma, dbeta = right.batchnorm_backward(dout.reshape(len(dout), -1), inner)
        return dx.reshape(shape), *(g.reshape(shape[1], -1).sum(axis=1) for g in (dgamma, dbeta))

    return forward, backward


# -- dropout -------------------------------------------------------------------------------------------------------


@mistake("dropout", "forward")
def no_scaling_by_the_keep_probability(x, dropout_param):
    out, mask = right.dropout_forward(x, dropout_param)
    return (x, None) if mask is None else (out * dropout_param["p"], mask * dropout_param["p"])


@mistake("dropout", "pair")
def mask_drawn_again_in_backward():
    def forward(x, dropout_param):
        return right.dropout_forward(x, dropout_param)[0], dropout_param

    def backward(dout, dropout_param):
        return right.dropout_forward(dout, dropout_param)[0]

    return forward, backward


@mistake("dropout", "forward")
def p_is_the_probability_of_dropping(x, dropout_param):
    return right.dropout_forward(x, {**dropout_param, "p": 1 - dropout_param["p"]})


@mistake("dropout", "forward")
def drops_at_test_time_too(x, dropout_param):
    return right.dropout_forward(x, {**dropout_param, "mode": "train"})


# -- softmax -------------------------------------------------------------------------------------------------------


@mistake("softmax", "forward")
def no_shift_by_the_maximum(x, y):
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(y)), y]).mean(), (p - np.eye(x.shape[1])[y]) / len(y)


@mistake("softmax", "forward")
def division_by_the_batch_forgotten_in_the_gradient(x, y):
    loss, dx = right.softmax_loss(x, y)
    return loss, dx * len(y)


@mistake("softmax", "forward")
def division_by_the_batch_forgotten_everywhere(x, y):
    loss, dx = right.softmax_loss(x, y)
    return loss * len(y), dx * len(y)


@mistake("softmax", "forward")
def one_is_not_subtracted(x, y):
    loss, dx = right.softmax_loss(x, y)
    return loss, dx + np.eye(x.shape[1])[y] / len(y)


# -- the claims ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_checks_accept(exercise):
    CHECKS[exercise](*EXERCISES[exercise])


@pytest.mark.parametrize("pair", ["conv", "max_pool"])
def test_the_checks_accept_the_fast_versions(pair):
    CHECKS[pair](getattr(right, f"{pair}_forward"), getattr(right, f"{pair}_backward"))


@pytest.mark.parametrize("name", MISTAKES)
def test_the_checks_catch(name):
    exercise, forward, backward = MISTAKES[name]
    with pytest.raises((AssertionError, ValueError, TypeError)):
        CHECKS[exercise](forward, backward)
