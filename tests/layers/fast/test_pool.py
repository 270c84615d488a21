"""Pooling: windows counted by hand and by PyTorch's rule, ties, NaN, borders, and gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from pixelgrad.layers import (
    avg_pool_backward,
    avg_pool_forward,
    check_layer,
    global_avg_pool_backward,
    global_avg_pool_forward,
    max_pool_backward,
    max_pool_backward_naive,
    max_pool_forward,
    max_pool_forward_naive,
)
from pixelgrad.layers.fast.parallel import BLOCKING, Blocking

PAIRS = {
    "max": (max_pool_forward, max_pool_backward),
    "naive max": (max_pool_forward_naive, max_pool_backward_naive),
    "mean": (avg_pool_forward, avg_pool_backward),
}
MAX_PAIRS = ["max", "naive max"]
# H, W, window height and width, stride, ceil_mode
SHAPES = [
    (5, 7, 2, 3, 1, False),
    (6, 5, 3, 2, 2, False),
    (6, 5, 3, 2, 2, True),
    (7, 8, 2, 3, 3, False),
    (7, 8, 2, 3, 3, True),
    (4, 3, 4, 3, 1, True),
    (5, 9, 1, 2, 4, True),
    (7, 10, 3, 4, 2, True),
]


def options(height, width, stride, ceil_mode=False):
    return {"pool_height": height, "pool_width": width, "stride": stride, "ceil_mode": ceil_mode}


def distinct(shape, seed=0):
    """Values of a shuffled grid: no ties, and far apart next to a difference's step."""
    count = int(np.prod(shape))
    values = np.random.default_rng(seed).permutation(count) - count / 2
    return (0.1 * values).reshape(shape)


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("H, W, height, width, stride, ceil_mode", SHAPES)
def test_gradients_equal_differences(kind, H, W, height, width, stride, ceil_mode):
    check_layer(*PAIRS[kind], distinct((2, 3, H, W)), options(height, width, stride, ceil_mode))


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("H, W, height, width, stride, ceil_mode", SHAPES)
def test_pooling_equals_numpys_windows(kind, H, W, height, width, stride, ceil_mode):
    x = distinct((2, 3, H, W))
    ceil = -(-(H - height) // stride), -(-(W - width) // stride)
    floor = (H - height) // stride, (W - width) // stride
    last = ceil if ceil_mode else floor
    if ceil_mode:  # no window starts outside the image
        last = [n - 1 if n * stride >= size else n for n, size in zip(last, (H, W))]
    padded = np.full((2, 3, H + height, W + width), np.nan)
    padded[:, :, :H, :W] = x
    windows = sliding_window_view(padded, (height, width), axis=(2, 3))[:, :, ::stride, ::stride]
    windows = windows[:, :, : last[0] + 1, : last[1] + 1]
    expected = (np.nanmean if kind == "mean" else np.nanmax)(windows, axis=(4, 5))
    out, _ = PAIRS[kind][0](x, options(height, width, stride, ceil_mode))
    assert out.shape == expected.shape
    np.testing.assert_allclose(out, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("kind", MAX_PAIRS)
def test_a_hand_worked_maximum_with_windows_over_the_border(kind):
    x = np.array([[[[1.0, 2, 3, 4, 9], [5, 6, 7, 8, 0], [-1, -2, -3, -4, -5]]]])
    forward, backward = PAIRS[kind]
    out, cache = forward(x, options(2, 2, 2, True))
    assert out.tolist() == [[[[6, 8, 9], [-1, -3, -5]]]]
    dx = backward(np.array([[[[1.0, 2, 3], [4, 5, 6]]]]), cache)
    assert dx.tolist() == [[[[0, 0, 0, 0, 3], [0, 1, 0, 2, 0], [4, 0, 5, 0, 6]]]]
    assert forward(x, options(2, 2, 2))[0].tolist() == [[[[6, 8]]]]
    assert forward(x, {"pool_height": 2, "pool_width": 2})[0].shape == (1, 1, 2, 4)


def test_a_hand_worked_mean_divides_by_the_pixels_inside_the_image():
    x = np.array([[[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]]])
    out, cache = avg_pool_forward(x, options(2, 2, 2, True))
    assert out.tolist() == [[[[3, 4.5], [7.5, 9]]]]
    dx = avg_pool_backward(np.array([[[[4.0, 20], [200, 1000]]]]), cache)
    assert dx.tolist() == [[[[1, 1, 10], [1, 1, 10], [100, 100, 1000]]]]


def test_ceil_mode_makes_no_window_that_starts_outside():
    # Windows of 1, stride 2. In 4 pixels ceil((4 - 1) / 2) + 1 = 3 windows, of which the third would start outside.
    for size, count in ((3, 2), (4, 2), (5, 3)):
        out, _ = max_pool_forward(np.zeros((1, 1, size, 1)), options(1, 1, 2, True))
        assert out.shape == (1, 1, count, 1)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.booleans()),
    st.sampled_from((np.float32, np.float64)),
    st.sampled_from(("NCHW", "channels last", "slice")),
    st.booleans(),
    # Everything at once, bands of rows, single rows.
    st.sampled_from((BLOCKING, Blocking(block_floats=40, least_floats=0), Blocking(block_floats=1, least_floats=0))),
)
def test_fast_maximum_equals_naive(shape, window, dtype, order, ties, blocking):
    N, C, H, W = shape
    height, width, stride, ceil_mode = window
    pool_param = options(min(height, H), min(width, W), stride, ceil_mode)
    rng = np.random.default_rng(H)
    x = (rng.integers(-2, 2, shape) if ties else rng.standard_normal(shape)).astype(dtype)
    if order == "channels last":
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    elif order == "slice":
        x = np.repeat(x, 2, axis=3)[:, :, :, ::2]
    slow, slow_cache = max_pool_forward_naive(x, pool_param)
    dout = rng.standard_normal(slow.shape).astype(dtype)
    fast, fast_cache = max_pool_forward(x, pool_param, blocking=blocking)
    dx = max_pool_backward(dout, fast_cache, blocking=blocking)
    assert fast.dtype == dtype and np.array_equal(fast, slow)
    assert dx.dtype == dtype
    np.testing.assert_allclose(dx, max_pool_backward_naive(dout, slow_cache), rtol=1e-6, atol=1e-6)


def test_pooling_equals_pytorchs():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    for H, W, height, width, stride, ceil_mode in SHAPES:
        x = distinct((2, 3, H, W))
        for kind, theirs in (("max", functional.max_pool2d), ("mean", functional.avg_pool2d)):
            X = torch.tensor(x, requires_grad=True)
            expected = theirs(X, (height, width), stride, ceil_mode=ceil_mode)
            forward, backward = PAIRS[kind]
            out, cache = forward(x, options(height, width, stride, ceil_mode))
            np.testing.assert_allclose(out, expected.detach().numpy(), rtol=1e-12)
            dout = np.random.default_rng(0).standard_normal(out.shape)
            expected.backward(torch.tensor(dout))
            np.testing.assert_allclose(backward(dout, cache), X.grad.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", MAX_PAIRS)
def test_a_tie_gives_all_of_the_gradient_to_the_first_and_creates_none(kind):
    forward, backward = PAIRS[kind]
    out, cache = forward(np.ones((1, 2, 4, 6)), options(2, 3, 2))
    dout = np.arange(1.0, out.size + 1).reshape(out.shape)
    dx = backward(dout, cache)
    assert dx.sum() == dout.sum()
    assert np.array_equal(dx[:, :, ::2, 0:3:2], dout) and np.count_nonzero(dx) == dout.size


def test_a_window_may_hold_more_than_256_pixels():
    x = distinct((1, 1, 18, 19))
    out, cache = max_pool_forward(x, options(18, 19, 1))
    dx = max_pool_backward(np.ones_like(out), cache)
    assert out.item() == x.max() and np.array_equal(dx != 0, x == x.max())


@pytest.mark.parametrize("shape", [(0, 2, 4, 5), (2, 0, 4, 5)])
@pytest.mark.parametrize("kind", ["max", "mean"])
def test_nothing_is_pooled_to_nothing(kind, shape):
    forward, backward = PAIRS[kind]
    out, cache = forward(np.zeros(shape), options(2, 3, 2))
    assert out.shape == (*shape[:2], 2, 2) and backward(out, cache).shape == shape


@pytest.mark.parametrize("kind", MAX_PAIRS)
def test_a_window_of_minus_infinity_still_has_a_first_pixel(kind):
    forward, backward = PAIRS[kind]
    out, cache = forward(np.full((1, 1, 2, 2), -np.inf), options(2, 2, 1))
    assert out.item() == -np.inf
    assert backward(np.ones((1, 1, 1, 1)), cache).tolist() == [[[[1, 0], [0, 0]]]]


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("place", [(0, 0), (1, 1), (2, 4)])
def test_nan_is_not_swallowed(kind, place):
    x = distinct((1, 1, 3, 5))
    x[0, 0][place] = np.nan
    out, _ = PAIRS[kind][0](x, options(2, 2, 1))
    holds_it = [[abs(i + 0.5 - place[0]) < 1 and abs(j + 0.5 - place[1]) < 1 for j in range(4)] for i in range(2)]
    assert np.array_equal(np.isnan(out[0, 0]), holds_it)


@pytest.mark.parametrize("forward", [max_pool_forward, max_pool_forward_naive, avg_pool_forward])
def test_height_and_width_of_the_window_are_not_exchanged(forward):
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, :, 1] = 6
    tall, _ = forward(x, options(4, 1, 1))
    wide, _ = forward(x, options(1, 4, 1))
    assert tall.shape == (1, 1, 1, 4) and tall[0, 0, 0].tolist() == [0, 6, 0, 0]
    assert wide.shape == (1, 1, 4, 1) and len(set(wide.ravel())) == 1


@pytest.mark.parametrize("H, W, height, width, stride, ceil_mode", SHAPES)
def test_mean_pooling_and_its_gradient_are_adjoint(H, W, height, width, stride, ceil_mode):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, H, W))
    out, cache = avg_pool_forward(x, options(height, width, stride, ceil_mode))
    u = rng.standard_normal(out.shape)
    np.testing.assert_allclose(np.sum(out * u), np.sum(x * avg_pool_backward(u, cache)), rtol=1e-12)


def test_global_pooling_is_the_mean_of_each_map():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    out, cache = global_avg_pool_forward(x)
    np.testing.assert_allclose(out, [[sum(m.ravel()) / 20 for m in image] for image in x], rtol=1e-12)
    check_layer(global_avg_pool_forward, global_avg_pool_backward, x)
    u = np.random.default_rng(1).standard_normal(out.shape)
    np.testing.assert_allclose(np.sum(out * u), np.sum(x * global_avg_pool_backward(u, cache)), rtol=1e-12)
    whole, _ = avg_pool_forward(x, options(4, 5, 1))
    np.testing.assert_allclose(whole[:, :, 0, 0], out, rtol=1e-12)
