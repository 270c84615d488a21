"""The coursework's known mistakes: the checks of this library let none of them through.

Each mistake meets `check_layer` on asymmetric shapes, and the forward pass is compared with its definition. Where
differences say nothing (ties, ReLU at 0, other rules than the gradient's), the definition is checked, too. The right
implementations pass. The coursework's checker has its own cases; these tests show that `check_layer` and a definition
suffice to find every mistake.
"""

import numpy as np
import pytest

from pixelgrad import layers as right
from pixelgrad.coursework.exercises.layers import EXERCISES
from pixelgrad.coursework.instructor.answers import mistaken_functions
from pixelgrad.coursework.instructor.mistakes_layers import MISTAKES
from pixelgrad.layers import check_gradient, check_layer

BY_ID = {exercise.id: exercise for exercise in EXERCISES}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def assert_equal(found, expected, rtol=1e-10, atol=1e-12):
    """Equal in shape, type and, up to rounding, values."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol)


# -- the checks ----------------------------------------------------------------------------------------------------


def check_affine(forward, backward):
    x, w, b = normal(3, 2, 4), normal(8, 5, seed=1), normal(5, seed=2)
    check_layer(forward, backward, x, w, b)
    assert_equal(forward(x, w, b)[0], np.einsum("nd,dm->nm", x.reshape(3, 8), w) + b)


def check_relu(forward, backward):
    x, dout = normal(5, 8), normal(5, 8, seed=1)
    x[np.abs(x) < 0.01] = 0.5
    check_layer(forward, backward, x)
    assert_equal(forward(x)[0], np.where(x > 0, x, 0))
    x[0] = 0  # where differences say nothing: no gradient
    for rule, passes in (("standard", x > 0), ("guided", (x > 0) & (dout > 0)), ("deconv", dout > 0)):
        assert_equal(backward(dout, forward(x)[1], rule), np.where(passes, dout, 0))


def check_conv(forward, backward):
    for stride, pad in ((1, 0), (2, 1), (3, 2)):
        x, w, b = normal(2, 2, 5, 7), normal(3, 2, 3, 2, seed=1), normal(3, seed=2)
        conv_param = {"stride": stride, "pad": pad}
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad))), (3, 2), axis=(2, 3)
        )[:, :, ::stride, ::stride]
        expected = np.einsum("nchwij,fcij->nfhw", windows, w)
        assert_equal(forward(x, w, b, conv_param)[0], expected + b[:, None, None])
        check_layer(forward, backward, x, w, b, conv_param)
    out, cache = forward(x, w, None, conv_param)
    assert_equal(out, expected)
    assert backward(out, cache)[2] is None


def check_max_pool(forward, backward):
    for height, width, stride in ((2, 3, 1), (3, 2, 2), (2, 2, 2)):
        pool_param = {"pool_height": height, "pool_width": width, "stride": stride}
        values = np.random.default_rng(0).permutation(2 * 3 * 5 * 6) * 0.1 - 20  # distinct, and all negative
        x = values.reshape(2, 3, 5, 6)
        windows = np.lib.stride_tricks.sliding_window_view(x, (height, width), axis=(2, 3))[:, :, ::stride, ::stride]
        assert_equal(forward(x, pool_param)[0], windows.max(axis=(4, 5)))
        check_layer(forward, backward, x, pool_param)
    # Where differences say nothing: of tied maxima the first, row by row, gets the whole gradient.
    x = np.zeros((1, 1, 4, 6))
    x[0, 0, 0, 1] = x[0, 0, 1, 0] = 1
    out, cache = forward(x, {"pool_height": 4, "pool_width": 3, "stride": 3})
    expected = np.zeros(x.shape)
    expected[0, 0, 0, 1], expected[0, 0, 0, 3] = 1, 2
    assert_equal(backward(np.array([[[[1.0, 2.0]]]]), cache), expected)
    # A window may extend beyond the border, where there is nothing, not even zeros.
    x = values[:15].reshape(1, 1, 3, 5)
    pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2, "ceil_mode": True}
    blocks = [[x[0, 0, i : i + 2, j : j + 2].max() for j in (0, 2, 4)] for i in (0, 2)]
    assert_equal(forward(x, pool_param)[0], np.array([[blocks]]))
    check_layer(forward, backward, x, pool_param)


def check_batchnorm(forward, backward, shape=(6, 3)):
    gamma, beta = np.array([1.5, -0.5, 2.0]), np.array([0.3, -1, 0.1])
    mean, var = np.array([0.5, -1, 2.0]), np.array([0.5, 2, 1.5])
    x = 2 * normal(*shape) + 1
    axes = (0, 2, 3)[: x.ndim - 1] if x.ndim == 4 else (0,)
    column = (3, 1, 1) if x.ndim == 4 else (3,)
    batch_mean, batch_var = x.mean(axis=axes), x.var(axis=axes)
    for mode in ("train", "test"):
        bn_param = {"mode": mode, "momentum": 0.8, "eps": 1e-3, "running_mean": mean, "running_var": var}
        m, v = (batch_mean, batch_var) if mode == "train" else (mean, var)
        xhat = (x - m.reshape(column)) / np.sqrt(v.reshape(column) + 1e-3)
        written, kept = dict(bn_param), (mean.copy(), var.copy())
        out, _ = forward(x, gamma, beta, written)
        assert_equal(out, gamma.reshape(column) * xhat + beta.reshape(column), rtol=1e-9, atol=1e-11)
        keep = 0.8 if mode == "train" else 1
        assert_equal(written["running_mean"], keep * mean + (1 - keep) * batch_mean)
        assert_equal(written["running_var"], keep * var + (1 - keep) * batch_var)
        assert_equal(mean, kept[0])  # the old arrays are left alone
        assert_equal(var, kept[1])
        assert written["mode"] == mode
        check_layer(forward, backward, x, gamma, beta, bn_param)
    first = {"mode": "train"}  # averages start at 0; defaults of eps and momentum
    out, _ = forward(x, gamma, beta, first)
    assert_equal(first["running_mean"], 0.1 * batch_mean)
    assert_equal(first["running_var"], 0.1 * batch_var)


def check_dropout(forward, backward):
    x = normal(40, 50) + 10
    options = {"p": 0.7, "mode": "train", "seed": np.random.default_rng(1)}
    out, cache = forward(x, options)
    assert_equal(backward(np.ones_like(x), cache) * x, out)
    assert abs(np.mean(out != 0) - 0.7) < 0.06
    assert_equal(out[out != 0], x[out != 0] / 0.7)
    assert len({tuple(row) for row in out != 0}) == 40  # a mask for each image
    # The mask is where the seed's numbers, uniform from 0 to 1, are below p.
    drawn = np.random.default_rng(3).random(x.shape) < 0.7
    np.testing.assert_array_equal(forward(x, {"p": 0.7, "mode": "train", "seed": 3})[0] != 0, drawn)
    out, cache = forward(x, {"p": 0.7, "mode": "test"})
    assert_equal(out, x)
    assert_equal(backward(out, cache), x)
    check_layer(forward, backward, normal(3, 4), {"p": 0.7, "mode": "train", "seed": 3})
    check_layer(forward, backward, normal(3, 4), {"p": 0.7, "mode": "test"})


def check_softmax(forward):
    x, y = normal(4, 5), np.array([0, 2, 4, 4])
    kept = x.copy()
    for smoothing in (0.0, 0.2):
        target = (1 - smoothing) * np.eye(5)[y] + smoothing / 5
        loss, dx = forward(x, y, label_smoothing=smoothing)
        assert_equal(loss, np.sum(target * (np.log(np.exp(x).sum(axis=1, keepdims=True)) - x)) / 4)
        check_gradient(lambda z: forward(z, y, label_smoothing=smoothing)[0], x, dx)  # noqa: B023
        assert dx.dtype == x.dtype
    np.testing.assert_array_equal(x, kept)
    with np.errstate(all="ignore"):
        # Large scores, of both signs, in one image or in different ones.
        for scores, label, exact in (
            ([1e4, 0.0], 0, 0.0),
            ([1e4, 0.0], 1, 1e4),
            ([-1e4, -1e4], 0, np.log(2)),
            ([-1e4, 1.0], 1, 0.0),
            ([60.0, 0.0], 1, 60.0),
        ):
            loss, dx = forward(np.array([scores, [0.0, 0.0]]), np.array([label, 0]))
            assert_equal(loss, (exact + np.log(2)) / 2)
            p = np.exp(np.array(scores) - max(scores))
            assert_equal(dx[0], (p / p.sum() - np.eye(2)[label]) / 2)


def check_svm(forward):
    x, y = normal(4, 5), np.array([0, 2, 4, 4])
    x[3] = [5, -5, 4.5, 0, 3.7]  # two classes in, one exactly right
    loss, dx = forward(x, y)
    assert_equal(
        loss, np.mean([sum(max(0, s - row[k] + 1) for j, s in enumerate(row) if j != k) for row, k in zip(x, y)])
    )
    check_gradient(lambda z: forward(z, y)[0], x, dx)
    assert dx.dtype == x.dtype


def check_im2col(im2col, col2im, forward, backward):
    for HH, WW, stride in ((3, 2, 1), (2, 3, 2), (1, 2, 3)):
        x = normal(2, 3, 5, 6)
        windows = np.lib.stride_tricks.sliding_window_view(x, (HH, WW), axis=(2, 3))[:, :, ::stride, ::stride]
        rows = [windows[n, :, i, j].ravel() for n in range(2) for i, j in np.ndindex(windows.shape[2:4])]
        assert_equal(im2col(x, HH, WW, stride), np.array(rows))
        drows = normal(*np.shape(rows), seed=1)
        image = col2im(drows, x.shape, HH, WW, stride)
        assert image.shape == x.shape
        for probe in (x, x**2, normal(*x.shape, seed=2)):  # the adjoint: <im2col(x), rows> = <x, col2im(rows)>
            assert_equal(np.sum(im2col(probe, HH, WW, stride) * drows), np.sum(probe * image), rtol=1e-9)
    check_conv(forward, backward)


def check_layernorm(forward, backward):
    x, gamma, beta = 2 * normal(3, 5) + 1, np.array([1.5, -0.5, 2.0, 0.7, 1]), np.array([0.3, -1, 0.1, 0, 2])
    for options in ({"eps": 0.3}, {}):
        rows = [(row - row.mean()) / np.sqrt(row.var() + options.get("eps", 1e-5)) for row in x]
        assert_equal(forward(x, gamma, beta, options)[0], gamma * np.array(rows) + beta)
        check_layer(forward, backward, x, gamma, beta, options)


CHECKS = {
    "affine": check_affine,
    "relu": check_relu,
    "softmax": check_softmax,
    "svm": check_svm,
    "conv": check_conv,
    "max_pool": check_max_pool,
    "im2col": check_im2col,
    "batchnorm": check_batchnorm,
    "spatial_batchnorm": lambda forward, backward: check_batchnorm(forward, backward, shape=(2, 3, 4, 5)),
    "layernorm": check_layernorm,
    "dropout": check_dropout,
}


# -- the claims ----------------------------------------------------------------------------------------------------


def test_every_exercise_has_a_check():
    assert list(CHECKS) == [exercise.id for exercise in EXERCISES]


@pytest.mark.parametrize("exercise", CHECKS)
def test_the_checks_accept_the_right_layers(exercise):
    functions = mistaken_functions(BY_ID[exercise], ())
    CHECKS[exercise](*(functions[name] for name in BY_ID[exercise].functions))


@pytest.mark.parametrize("pair", ["conv", "max_pool"])
def test_the_checks_accept_the_fast_versions(pair):
    CHECKS[pair](getattr(right, f"{pair}_forward"), getattr(right, f"{pair}_backward"))


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.exercise}: {mistake.name}")
def test_the_checks_catch(mistake):
    exercise = BY_ID[mistake.exercise]
    functions = mistaken_functions(exercise, mistake.changes)
    with pytest.raises((AssertionError, ValueError, TypeError, IndexError)):
        CHECKS[mistake.exercise](*(functions[name] for name in exercise.functions))
