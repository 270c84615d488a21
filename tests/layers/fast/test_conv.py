"""Convolution: against SciPy's correlation, against the plain loops, and against differences."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from pixelgrad.layers import check_layer, conv_backward, conv_backward_naive, conv_forward, conv_forward_naive
from pixelgrad.layers.fast import parallel, winograd
from pixelgrad.layers.fast.conv import BACKWARD_METHODS, FORWARD_METHODS, channels_last_filters
from pixelgrad.layers.fast.parallel import BLOCKING, Blocking

FORWARD = {"fast": conv_forward, "naive": conv_forward_naive}
PAIRS = {"fast": (conv_forward, conv_backward), "naive": (conv_forward_naive, conv_backward_naive)}
# H, W, HH, WW, stride, pad: no two alike, windows that do not tile the image, a stride larger than the filter.
SHAPES = [
    (5, 7, 3, 2, 1, 0),
    (6, 5, 2, 3, 2, 1),
    (7, 4, 3, 1, 3, 2),
    (4, 6, 4, 6, 1, 0),
    (5, 4, 1, 2, 3, 0),
    (3, 5, 1, 1, 1, 0),
    (3, 5, 1, 1, 2, 1),
    (4, 7, 5, 3, 2, 2),
    (2, 3, 2, 2, 5, 0),
]


def arrays(H, W, HH, WW, *, N=2, C=3, F=4, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    shapes = (N, C, H, W), (F, C, HH, WW), (F,)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def correlation(x, w, b, stride, pad):
    """The same numbers by SciPy: all positions, of which every stride-th is kept."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    return np.stack(
        [
            [correlate(image, filters, "valid", "direct")[0, ::stride, ::stride] + bias for filters, bias in zip(w, b)]
            for image in x
        ]
    )


@pytest.mark.parametrize("kind", FORWARD)
@pytest.mark.parametrize("H, W, HH, WW, stride, pad", SHAPES)
def test_convolution_equals_scipys_correlation(kind, H, W, HH, WW, stride, pad):
    x, w, b = arrays(H, W, HH, WW)
    out, _ = FORWARD[kind](x, w, b, {"stride": stride, "pad": pad})
    expected = correlation(x, w, b, stride, pad)
    assert out.shape == expected.shape
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("H, W, HH, WW, stride, pad", SHAPES)
def test_gradients_equal_differences(kind, H, W, HH, WW, stride, pad):
    forward, backward = PAIRS[kind]
    x, w, b = arrays(H, W, HH, WW, C=2, F=3)
    check_layer(forward, backward, x, w, b, {"stride": stride, "pad": pad})


@pytest.mark.parametrize("kind", PAIRS)
def test_a_hand_worked_example(kind):
    forward, backward = PAIRS[kind]
    x = np.array([[[[1.0, 2, 3], [4, 5, 6]]]])
    w = np.array([[[[1.0, 0], [0, -1]]]])
    out, cache = forward(x, w, np.array([10.0]), {})
    assert out.tolist() == [[[[1 - 5 + 10, 2 - 6 + 10]]]]
    dx, dw, db = backward(np.array([[[[1.0, 100]]]]), cache)
    assert dx.tolist() == [[[[1, 100, 0], [0, -1, -100]]]]
    assert dw.tolist() == [[[[1 + 200, 2 + 300], [4 + 500, 5 + 600]]]]
    assert db.tolist() == [101]


def in_memory_order(x, order):
    """Equal values, laid out differently."""
    if order == "channels last":
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    if order == "slice":
        N, C, H, W = x.shape
        big = np.full((N, C + 1, 2 * H, W + 3), np.nan, dtype=x.dtype)
        view = big[:, 1:, ::2, 2 : 2 + W]
        view[...] = x
        return view
    if order == "reversed":
        return x[:, ::-1, ::-1].copy()[:, ::-1, ::-1]
    if order == "broadcast image":
        return np.broadcast_to(x[:1], x.shape)
    return np.ascontiguousarray(x)


def blocks_of(floats):
    """Blocks of at most so many floats, and nothing too small to be split."""
    return Blocking(block_floats=floats, least_floats=0, least_product=0, least_product_for_blas=0)


BLOCKINGS = {
    "one block": BLOCKING,
    "blocks": blocks_of(300),
    "bands": blocks_of(40),
    "rows": blocks_of(1),
    "filters": replace(blocks_of(300), few_windows=1_000_000),
    "channels side by side": replace(blocks_of(300), planar_channels=0),
}


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(1, 5)),
    st.integers(1, 4),
    st.integers(0, 3),
    st.sampled_from((np.float32, np.float64)),
    st.sampled_from(("NCHW", "channels last", "slice", "reversed", "broadcast image")),
    st.sampled_from(("NCHW", "channels last", "slice")),
    st.booleans(),
    st.sampled_from(sorted(BLOCKINGS)),
    st.sampled_from(BACKWARD_METHODS),
    st.sampled_from((None, (3, 1), (2, 1), (4, 2), (6, 2))),
    st.booleans(),
    st.integers(0, 99),
)
def test_fast_equals_naive(
    counts, sizes, stride, pad, dtype, order, dout_order, bias, blocks, method, winograd_shape, own_order, seed
):
    N, C, F = counts
    H, W, HH, WW = sizes
    if winograd_shape is not None:  # what Winograd's method is for
        HH, stride = winograd_shape
        H, W, WW = H + HH - 1, W + HH - 1, HH
    HH, WW = min(HH, H + 2 * pad), min(WW, W + 2 * pad)
    x, w, b = arrays(H, W, HH, WW, N=N, C=C, F=F, seed=seed, dtype=dtype)
    x, b = in_memory_order(x, order), b if bias else None
    conv_param = {"stride": stride, "pad": pad}
    w = channels_last_filters(w) if own_order else w
    blocking = BLOCKINGS[blocks]
    if method == "winograd" and not winograd.applies(w, stride):
        method = "auto"
    forward_method = method if method in FORWARD_METHODS else "auto"
    fast, fast_cache = conv_forward(x, w, b, conv_param, method=forward_method, blocking=blocking)
    slow, slow_cache = conv_forward_naive(x, w, b, conv_param)
    dout = np.random.default_rng(seed + 1).standard_normal(slow.shape).astype(dtype)
    gradients = conv_backward(in_memory_order(dout, dout_order), fast_cache, method=method, blocking=blocking)
    results = [fast, *gradients]
    tolerance = 1e-4 if dtype == np.float32 else 1e-11
    for name, a, b in zip(("out", "dx", "dw", "db"), results, [slow, *conv_backward_naive(dout, slow_cache)]):
        assert (a is None) == (b is None), name
        if a is not None:
            assert a.shape == b.shape and a.dtype == b.dtype == dtype, name
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("H, W, HH, WW, stride, pad", SHAPES)
def test_backward_is_the_adjoint_in_the_image_and_in_the_filters(H, W, HH, WW, stride, pad):
    x, w, _ = arrays(H, W, HH, WW)
    out, cache = conv_forward(x, w, None, {"stride": stride, "pad": pad})
    u = np.random.default_rng(1).standard_normal(out.shape)
    dx, dw, db = conv_backward(u, cache)
    assert db is None
    np.testing.assert_allclose([np.sum(x * dx), np.sum(w * dw)], np.sum(out * u), rtol=1e-12)


def test_gradients_that_are_not_asked_for_are_none_and_the_others_unchanged():
    x, w, b = arrays(5, 6, 3, 2)
    out, cache = conv_forward(x, w, b, {"stride": 2, "pad": 1})
    dout = np.random.default_rng(2).standard_normal(out.shape)
    dx, dw, db = conv_backward(dout, cache)
    only_dx = conv_backward(dout, cache, param_grads=False)
    only_parameters = conv_backward(dout, cache, input_grad=False)
    assert np.array_equal(only_dx[0], dx) and only_dx[1:] == (None, None)
    assert only_parameters[0] is None
    assert np.array_equal(only_parameters[1], dw) and np.array_equal(only_parameters[2], db)


def test_pixels_that_the_stride_skips_get_no_gradient():
    x, w, b = arrays(5, 8, 1, 2)
    out, cache = conv_forward(x, w, b, {"stride": 3})
    dx, _, _ = conv_backward(np.ones_like(out), cache)
    assert not dx[:, :, 1:3].any() and not dx[:, :, :, 2].any()
    assert dx[:, :, ::3, ::3].all()


def test_the_result_lies_channels_last_in_memory():
    x, w, b = arrays(5, 8, 3, 3)
    out, cache = conv_forward(x, w, b, {"pad": 1})
    dx, dw, _ = conv_backward(out, cache)
    assert out.transpose(0, 2, 3, 1).flags.c_contiguous
    assert dx.transpose(0, 2, 3, 1).flags.c_contiguous
    assert dw.transpose(2, 3, 1, 0).flags.c_contiguous, "filters: (HH, WW, C, F)"


def test_a_large_batch_in_float32_keeps_the_digits_of_the_bias_gradient():
    x, w = np.zeros((1, 1, 1000, 1000), dtype=np.float32), np.ones((2, 1, 1, 1), dtype=np.float32)
    out, cache = conv_forward(x, w, np.zeros(2, dtype=np.float32), {})
    dout = np.full(out.shape, 0.1, dtype=np.float32)
    _, _, db = conv_backward(dout, cache, input_grad=False)
    np.testing.assert_allclose(db, 1e6 * np.float64(np.float32(0.1)), rtol=1e-6)


@pytest.mark.parametrize(
    "size, stride, taken", [(3, 1, True), (4, 2, True), (3, 2, False), (5, 1, False), (8, 2, False)]
)
def test_winograds_method_is_chosen_where_it_saves_enough(size, stride, taken):
    w = np.zeros((32, 48, size, size), np.float32)
    with parallel.one_blas_thread():
        assert winograd.pays(w, stride, (32, 16, 16, 32)) == taken
        assert not winograd.pays(w, stride, (4000, 1, 1, 32))  # a tile for each output
        assert not winograd.pays(w[:, :3], stride, (1000, 16, 16, 32))  # few channels


def test_a_method_that_is_unknown_or_cannot_compute_this_is_an_error():
    x, w, b = arrays(6, 7, 3, 2)
    with pytest.raises(ValueError, match="conv_forward: method must be one of 'auto', 'im2col', 'winograd', got 'fft'"):
        conv_forward(x, w, b, {}, method="fft")
    with pytest.raises(ValueError, match="square filters 2 or 3 strides wide, got 3x2 at stride 1; use 'auto'"):
        conv_forward(x, w, b, {}, method="winograd")
    out, cache = conv_forward(x, w, b, {})
    with pytest.raises(ValueError, match="conv_backward: method must be one of .*'col2im'.*, got 'phases'"):
        conv_backward(out, cache, method="phases")
    for gradients in ({"param_grads": False}, {"input_grad": False}):
        with pytest.raises(ValueError, match="square filters"):
            conv_backward(out, cache, method="winograd", **gradients)


@pytest.mark.parametrize("stride, size", [(1, 1), (2, 3), (1, 3)])
def test_results_do_not_depend_on_how_the_filters_lie_in_memory(stride, size):
    """To the last bit: a resumed training reads its filters in another order than an uninterrupted one has them."""
    x, w, b = arrays(8, 8, size, size, N=5, C=24, F=16, dtype=np.float32)
    results = []
    for filters in (w, channels_last_filters(w)):
        out, cache = conv_forward(x, filters, b, {"stride": stride, "pad": size // 2})
        results.append((out, *conv_backward(out, cache)))
    for a, b in zip(*results):
        np.testing.assert_array_equal(a, b)
