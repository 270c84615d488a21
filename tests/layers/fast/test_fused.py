"""The fused layers equal the separate ones: forward, backward and every gradient, in both modes."""

import itertools
from functools import partial

import numpy as np
import pytest

from pixelgrad.layers import (
    affine_backward,
    affine_bn_relu_backward,
    affine_bn_relu_forward,
    affine_forward,
    affine_relu_backward,
    affine_relu_forward,
    batchnorm_backward,
    batchnorm_forward,
    check_layer,
    conv_backward_naive,
    conv_bn_relu_backward,
    conv_bn_relu_forward,
    conv_forward_naive,
    conv_relu_backward,
    conv_relu_forward,
    relu_backward,
    relu_forward,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
)
from pixelgrad.layers.fast import relu
from pixelgrad.layers.fast.parallel import Blocking

F = 5
CONV_PARAM = {"stride": 2, "pad": 1}
RULES = ("standard", "guided", "deconv")
NAMES = ("dx", "dw", "db", "dgamma", "dbeta")


def arguments(kind, bias, dtype=np.float64):
    rng = np.random.default_rng(0)
    x_shape, w_shape = ((3, 2, 5, 7), (F, 2, 3, 2)) if kind == "conv" else ((4, 2, 3), (6, F))
    x, w, b = (rng.standard_normal(shape).astype(dtype) for shape in (x_shape, w_shape, (F,)))
    gamma = np.array([1.5, -0.7, 0.0, 2.0, -1.1], dtype=dtype)  # negative and zero, too
    beta = np.array([0.3, -0.2, 0.5, 0.1, -0.4], dtype=dtype)
    return x, w, b if bias else None, gamma, beta


def bn_params(mode, dtype=np.float64):
    rng = np.random.default_rng(1)
    mean, var = rng.standard_normal(F).astype(dtype), rng.uniform(0.5, 3, F).astype(dtype)
    return {"mode": mode, "eps": 0.01, "momentum": 0.8, "running_mean": mean, "running_var": var}


def separately(kind, x, w, b, gamma=None, beta=None, bn_param=None):
    """The layers one after the other, and a function that runs them backward under a rule."""
    bias = np.zeros(F) if b is None else b
    if kind == "conv":
        a, first = conv_forward_naive(x, w, bias, CONV_PARAM)
        back, norm, norm_back = conv_backward_naive, spatial_batchnorm_forward, spatial_batchnorm_backward
    else:
        a, first = affine_forward(x, w, bias)
        back, norm, norm_back = affine_backward, batchnorm_forward, batchnorm_backward
    y, second = (a, None) if gamma is None else norm(a, gamma, beta, bn_param)
    out, third = relu_forward(y)

    def backward(dout, rule):
        dy = relu_backward(dout, third, rule=rule)
        da, *rest = (dy,) if gamma is None else norm_back(dy, second)
        dx, dw, db = back(da, first)
        return dx, dw, None if b is None else db, *rest

    return out, backward


def fused(kind, *args, bn_param=None, **options):
    """Output and cache of a fused layer, and its backward function."""
    if kind == "conv":
        if bn_param is None:
            return conv_relu_forward(*args, CONV_PARAM, **options), partial(conv_relu_backward, **options)
        return conv_bn_relu_forward(*args, CONV_PARAM, bn_param, **options), partial(conv_bn_relu_backward, **options)
    if bn_param is None:
        return affine_relu_forward(*args, **options), partial(affine_relu_backward, **options)
    return affine_bn_relu_forward(*args, bn_param, **options), partial(affine_bn_relu_backward, **options)


def assert_same_gradients(found, expected, tolerance=1e-11):
    assert len(found) == len(expected)
    for name, a, b in zip(NAMES, found, expected):
        assert (a is None) == (b is None), name
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=name)


CASES = list(itertools.product(("conv", "affine"), (True, False), RULES))


@pytest.mark.parametrize("mode", ["train", "test"])
@pytest.mark.parametrize("kind, bias, rule", CASES)
def test_with_batchnorm_the_fused_layer_equals_the_separate_ones(kind, bias, rule, mode):
    x, w, b, gamma, beta = arguments(kind, bias)
    one, two = bn_params(mode), bn_params(mode)
    expected, backward = separately(kind, x, w, b, gamma, beta, one)
    (out, cache), fused_backward = fused(kind, x, w, b, gamma, beta, bn_param=two)
    np.testing.assert_allclose(out, expected, atol=1e-12)
    for name in ("running_mean", "running_var"):
        np.testing.assert_allclose(one[name], two[name], rtol=1e-12)
    dout = np.random.default_rng(2).standard_normal(out.shape)
    assert_same_gradients(fused_backward(dout, cache, relu_rule=rule), backward(dout, rule))


@pytest.mark.parametrize("images, folded, repeat_from", [(3, True, 0), (1, False, 10**9), (1, False, 0)])
@pytest.mark.parametrize("rule", RULES)
def test_the_scale_goes_into_what_is_smaller(images, folded, repeat_from, rule):
    x, w, b, gamma, beta = arguments("conv", True)
    before = w.copy()
    expected, backward = separately("conv", x[:images], w, b, gamma, beta, bn_params("test"))
    (out, cache), fused_backward = fused(
        "conv", x[:images], w, b, gamma, beta, bn_param=bn_params("test"), blocking=Blocking(repeat_from=repeat_from)
    )
    filters, own_scale, *_ = cache[3]
    assert (own_scale is None) == (filters is not w) == folded
    np.testing.assert_allclose(out, expected, atol=1e-12)
    dout = np.random.default_rng(2).standard_normal(out.shape)
    for _ in range(2):  # the filters stay as they were
        assert_same_gradients(fused_backward(dout, cache, relu_rule=rule), backward(dout, rule))
    np.testing.assert_array_equal(w, before)


def test_a_scale_of_another_type_does_not_change_that_of_the_output():
    x, w, b, gamma, beta = arguments("conv", True, np.float32)
    for images in (3, 1):
        (out, cache), backward = fused(
            "conv", x[:images], w, b, gamma.astype(np.float64), beta, bn_param=bn_params("test", np.float32)
        )
        assert out.dtype == np.float32 and backward(out, cache, param_grads=False)[0].dtype == np.float32


@pytest.mark.parametrize("kind, bias, rule", CASES)
def test_without_batchnorm_the_fused_layer_equals_the_separate_ones(kind, bias, rule):
    x, w, b, _, _ = arguments(kind, bias)
    expected, backward = separately(kind, x, w, b)
    (out, cache), fused_backward = fused(kind, x, w, b)
    np.testing.assert_allclose(out, expected, atol=1e-12)
    dout = np.random.default_rng(2).standard_normal(out.shape)
    assert_same_gradients(fused_backward(dout, cache, relu_rule=rule), backward(dout, rule))


@pytest.mark.parametrize("mode", ["train", "test", None])
@pytest.mark.parametrize("kind", ["conv", "affine"])
def test_gradients_equal_differences(kind, mode):
    x, w, b, gamma, beta = arguments(kind, True)
    if mode is None:
        options = (CONV_PARAM,) if kind == "conv" else ()
        pair = (
            (conv_relu_forward, conv_relu_backward) if kind == "conv" else (affine_relu_forward, affine_relu_backward)
        )
        check_layer(*pair, x, w, b, *options)
    elif kind == "conv":
        check_layer(conv_bn_relu_forward, conv_bn_relu_backward, x, w, b, gamma, beta, CONV_PARAM, bn_params(mode))
    else:
        check_layer(affine_bn_relu_forward, affine_bn_relu_backward, x, w, b, gamma, beta, bn_params(mode))


@pytest.mark.parametrize("mode", ["train", "test", None])
@pytest.mark.parametrize("kind", ["conv", "affine"])
def test_gradients_that_are_not_asked_for_are_none_and_the_others_unchanged(kind, mode):
    x, w, b, gamma, beta = arguments(kind, True)
    args = (x, w, b) if mode is None else (x, w, b, gamma, beta)
    (out, cache), backward = fused(kind, *args, bn_param=None if mode is None else bn_params(mode))
    dout = np.random.default_rng(2).standard_normal(out.shape)
    everything = backward(dout, cache)
    assert len(everything) == len(args) and all(g.shape == a.shape for g, a in zip(everything, args))
    frozen = backward(dout, cache, param_grads=False)
    assert np.array_equal(frozen[0], everything[0]) and frozen[1:] == (None,) * (len(args) - 1)
    first_layer = backward(dout, cache, input_grad=False)
    assert first_layer[0] is None
    assert all(np.array_equal(a, b) for a, b in zip(first_layer[1:], everything[1:]))
    nothing = backward(dout, cache, param_grads=False, input_grad=False)
    assert nothing == (None,) * len(args)


@pytest.mark.parametrize("kind", ["conv", "affine"])
def test_a_gamma_of_zero_still_has_a_gradient_in_test_mode(kind):
    x, w, b, gamma, beta = arguments(kind, True)
    (out, cache), backward = fused(kind, x, w, b, gamma, beta, bn_param=bn_params("test"))
    dgamma = backward(np.ones_like(out), cache)[3]
    assert gamma[2] == 0 and beta[2] > 0 and abs(dgamma[2]) > 0.1


@pytest.mark.parametrize("rows_per_block", [1, 3, 7])
@pytest.mark.parametrize("kind", ["conv", "affine"])
def test_the_size_of_the_blocks_in_training_does_not_matter(kind, rows_per_block):
    x, w, b, gamma, beta = arguments(kind, True)
    results = []
    for block_floats in (400_000, rows_per_block * F):
        blocking = Blocking(block_floats=block_floats, least_floats=0, least_product=0, least_product_for_blas=0)
        bn_param = bn_params("train")
        (out, cache), backward = fused(kind, x, w, b, gamma, beta, bn_param=bn_param, blocking=blocking)
        results.append([out, *backward(np.cos(out), cache), bn_param["running_mean"], bn_param["running_var"]])
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", ["conv", "affine"])
def test_running_averages_start_at_zero_and_eps_and_momentum_have_defaults(kind):
    x, w, b, gamma, beta = arguments(kind, True)
    one, two = {"mode": "train"}, {"mode": "train"}
    expected, _ = separately(kind, x, w, b, gamma, beta, one)
    (out, _), _ = fused(kind, x, w, b, gamma, beta, bn_param=two)
    np.testing.assert_allclose(out, expected, atol=1e-12)
    assert one.keys() == two.keys()
    np.testing.assert_allclose(two["running_var"], one["running_var"], rtol=1e-12)
    one["mode"] = two["mode"] = "test"
    expected, _ = separately(kind, x, w, b, gamma, beta, one)
    (out, _), _ = fused(kind, x, w, b, gamma, beta, bn_param=two)
    np.testing.assert_allclose(out, expected, atol=1e-12)


def test_a_large_mean_loses_no_digits_in_float32():
    rng = np.random.default_rng(0)
    x = (1000 + rng.standard_normal((100_000, 16))).astype(np.float32)
    ones = np.ones(16, dtype=np.float32)
    bn_param = {"mode": "train", "momentum": 0.0}
    affine_bn_relu_forward(x, np.eye(16, dtype=np.float32), None, ones, 0 * ones, bn_param)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(bn_param["running_mean"], exact.mean(axis=0), rtol=5e-7)
    np.testing.assert_allclose(bn_param["running_var"], exact.var(axis=0), rtol=1e-5)


def test_relu_passes_no_gradient_to_zeros():
    for shape in ((2, 3), (2, 3, 4, 5)):
        x = np.zeros(shape)
        x.flat[0], x.flat[1] = 1, -1
        _, cache = relu.relu_forward(x)
        dx = relu.relu_backward(np.ones(shape), cache)
        assert dx.flat[0] == 1 and np.count_nonzero(dx) == 1
