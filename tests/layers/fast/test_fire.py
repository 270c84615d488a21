"""The Fire module in one pass: against its three convolutions, as plain loops give them."""

import numpy as np
import pytest

from pixelgrad.layers import conv_forward_naive
from pixelgrad.layers.fast.fire import fire_backward, fire_forward
from pixelgrad.layers.fast.fused import conv_relu_backward, conv_relu_forward
from pixelgrad.layers.fast.parallel import Blocking


def module(C=5, S=3, F1=4, F3=2, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [
        ((rng.standard_normal((F, c, k, k)) / k).astype(dtype), rng.uniform(-0.3, 0.5, F).astype(dtype))
        for F, c, k in ((S, C, 1), (F1, S, 1), (F3, S, 3))
    ]


def images(N, C, H, W, dtype=np.float64):
    return np.random.default_rng(1).standard_normal((N, C, H, W)).astype(dtype)


def separate(x, parts, dout=None, rule="standard"):
    """Three convolutions, each with its own gradient."""
    (squeeze, expand1, expand3), one, three = parts, {"stride": 1, "pad": 0}, {"stride": 1, "pad": 1}
    inner, cache = conv_relu_forward(x, *squeeze, one)
    a, cache1 = conv_relu_forward(inner, *expand1, one)
    b, cache3 = conv_relu_forward(inner, *expand3, three)
    out = np.concatenate([a, b], axis=1)
    if dout is None:
        return out
    F1 = a.shape[1]
    d = conv_relu_backward(dout[:, :F1], cache1, relu_rule=rule, param_grads=False)[0]
    d = d + conv_relu_backward(dout[:, F1:], cache3, relu_rule=rule, param_grads=False)[0]
    return out, conv_relu_backward(d, cache, relu_rule=rule, param_grads=False)[0]


def test_forward_equals_the_definition_with_plain_loops():
    x, parts = images(2, 5, 4, 6), module()
    inner = np.maximum(conv_forward_naive(x, *parts[0], {"stride": 1, "pad": 0})[0], 0)
    ones = conv_forward_naive(inner, *parts[1], {"stride": 1, "pad": 0})[0]
    threes = conv_forward_naive(inner, *parts[2], {"stride": 1, "pad": 1})[0]
    expected = np.maximum(np.concatenate([ones, threes], axis=1), 0)
    np.testing.assert_allclose(fire_forward(x, *parts)[0], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rule", ["standard", "guided", "deconv"])
@pytest.mark.parametrize("shape", [(1, 5, 1, 1), (1, 5, 1, 7), (2, 5, 6, 3), (3, 5, 2, 2), (1, 5, 13, 17)])
def test_both_ways_equal_the_separate_convolutions(shape, rule):
    x, parts = images(*shape), module()
    dout = np.random.default_rng(2).standard_normal((shape[0], 6, *shape[2:]))
    expected, dx = separate(x, parts, dout, rule)
    out, cache = fire_forward(x, *parts)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)
    for _ in range(2):  # the cache serves again
        np.testing.assert_allclose(fire_backward(dout, cache, relu_rule=rule), dx, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bands_of_one_image_and_several_images_for_several_threads(dtype):
    blocking = Blocking(block_floats=250, least_floats=200)
    parts = module(dtype=dtype)
    for shape in ((1, 5, 23, 9), (4, 5, 7, 8)):
        x = images(*shape, dtype=dtype)
        dout = np.random.default_rng(2).standard_normal((shape[0], 6, *shape[2:])).astype(dtype)
        expected, dx = separate(x, parts, dout)
        out, cache = fire_forward(x, *parts, blocking=blocking)
        rtol = 1e-5 if dtype == np.float32 else 1e-10
        assert out.dtype == dtype
        np.testing.assert_allclose(out, expected, rtol=rtol, atol=rtol)
        np.testing.assert_allclose(fire_backward(dout, cache, blocking=blocking), dx, rtol=rtol, atol=rtol)


def test_gradient_equals_differences():
    from pixelgrad.layers import check_projection

    x, parts = images(2, 5, 5, 4), module()
    out, cache = fire_forward(x, *parts)
    dout = np.random.default_rng(3).standard_normal(out.shape)
    check_projection(lambda z: np.sum(fire_forward(z, *parts)[0] * dout), x, fire_backward(dout, cache))


def test_what_is_given_stays_and_what_is_handed_out_may_change():
    x, parts = images(1, 5, 4, 4), module()
    out, cache = fire_forward(x, *parts)
    dout = np.random.default_rng(3).standard_normal(out.shape)
    copies, first = (x.copy(), dout.copy()), fire_backward(dout, cache)
    out[...] = -1
    np.testing.assert_array_equal(fire_backward(dout, cache), first)
    np.testing.assert_array_equal(x, copies[0])
    np.testing.assert_array_equal(dout, copies[1])


def test_wrong_arguments():
    x, parts = images(1, 4, 4, 4), module()
    with pytest.raises(ValueError, match="the squeezing filters must have the shape"):
        fire_forward(x, *parts)
    out, cache = fire_forward(images(1, 5, 4, 4), *parts)
    with pytest.raises(ValueError, match="fire_backward: dout must have the shape"):
        fire_backward(out[:, :3], cache)
    with pytest.raises(ValueError, match="relu_rule"):
        fire_backward(out, cache, relu_rule="x")
