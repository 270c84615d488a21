"""Windows as rows: the adjoint law, the loops, scipy's correlation, and gradient checks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import correlate

from pixelgrad.layers import (
    avg_pool_backward,
    avg_pool_backward_naive,
    avg_pool_forward,
    avg_pool_forward_naive,
    check_layer,
    conv_backward_im2col,
    conv_backward_naive,
    conv_forward_im2col,
    conv_forward_naive,
    global_avg_pool_backward_naive,
    global_avg_pool_forward_naive,
    max_pool_backward_im2col,
    max_pool_backward_naive,
    max_pool_forward_im2col,
    max_pool_forward_naive,
)
from pixelgrad.layers.im2col import col2im, im2col

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(4, 7), st.integers(4, 8))
WINDOWS = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))


def draw(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in shapes]


@given(SHAPES, WINDOWS)
def test_col2im_is_the_adjoint_of_im2col(shape, window):
    """<im2col(x), r> = <x, col2im(r)>."""
    (x,) = draw(shape)
    rows = im2col(x, *window)
    (r,) = draw(rows.shape, seed=1)
    np.testing.assert_allclose(np.vdot(rows, r), np.vdot(x, col2im(r, shape, *window)), rtol=1e-10, atol=1e-10)


def test_a_row_is_a_window_in_a_filters_order():
    x = np.arange(2 * 3 * 5 * 6.0).reshape(2, 3, 5, 6)
    rows = im2col(x, 3, 2, 2)  # HO = 2, WO = 3
    assert rows.shape == (2 * 2 * 3, 3 * 3 * 2)
    np.testing.assert_array_equal(rows[1 * 6 + 1 * 3 + 2], x[1, :, 2:5, 4:6].ravel())


def test_forward_is_scipys_correlation():
    x, w, b = draw((2, 3, 6, 7), (4, 3, 3, 2), (4,))
    out, _ = conv_forward_im2col(x, w, b, {"stride": 2, "pad": 1})
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    right = [[correlate(image, f, "valid")[0, ::2, ::2] for f in w] for image in padded]
    np.testing.assert_allclose(out, np.array(right) + b[:, None, None], rtol=1e-12, atol=1e-12)


@given(SHAPES, WINDOWS, st.integers(0, 2), st.booleans())
def test_convolution_equals_the_loops(shape, window, pad, biased):
    HH, WW, stride = window
    x, w, b = draw(shape, (2, shape[1], HH, WW), (2,))
    arguments = (x, w, b if biased else None, {"stride": stride, "pad": pad})
    (out, cache), (right, right_cache) = conv_forward_im2col(*arguments), conv_forward_naive(*arguments)
    np.testing.assert_allclose(out, right, rtol=1e-10, atol=1e-10)
    (dout,) = draw(out.shape, seed=1)
    for mine, theirs in zip(conv_backward_im2col(dout, cache), conv_backward_naive(dout, right_cache)):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-10)


@given(SHAPES, WINDOWS, st.booleans(), st.integers(1, 100))
def test_max_pooling_equals_the_loops_also_at_ties(shape, window, ceil_mode, levels):
    x = np.random.default_rng(2).integers(-levels, levels, shape).astype(float)
    pool_param = {"pool_height": window[0], "pool_width": window[1], "stride": window[2], "ceil_mode": ceil_mode}
    (out, cache), (right, right_cache) = max_pool_forward_im2col(x, pool_param), max_pool_forward_naive(x, pool_param)
    np.testing.assert_array_equal(out, right)
    (dout,) = draw(out.shape, seed=1)
    np.testing.assert_allclose(max_pool_backward_im2col(dout, cache), max_pool_backward_naive(dout, right_cache))


@given(SHAPES, WINDOWS, st.booleans())
def test_plain_average_pooling_equals_the_fast_one(shape, window, ceil_mode):
    (x,) = draw(shape)
    pool_param = {"pool_height": window[0], "pool_width": window[1], "stride": window[2], "ceil_mode": ceil_mode}
    (out, cache), (right, right_cache) = avg_pool_forward_naive(x, pool_param), avg_pool_forward(x, pool_param)
    np.testing.assert_allclose(out, right, rtol=1e-12)
    (dout,) = draw(out.shape, seed=1)
    np.testing.assert_allclose(avg_pool_backward_naive(dout, cache), avg_pool_backward(dout, right_cache), rtol=1e-12)


POOL = {"pool_height": 2, "pool_width": 3, "stride": 2, "ceil_mode": True}
PAIRS = {
    "conv": (
        conv_forward_im2col,
        conv_backward_im2col,
        draw((2, 3, 5, 6), (4, 3, 3, 2), (4,)),
        [{"stride": 2, "pad": 1}],
    ),
    "max_pool": (
        max_pool_forward_im2col,
        max_pool_backward_im2col,
        [np.random.default_rng(0).permutation(2 * 3 * 5 * 6).reshape(2, 3, 5, 6) / 10],
        [POOL],
    ),
    "avg_pool": (avg_pool_forward_naive, avg_pool_backward_naive, draw((2, 3, 5, 6)), [POOL]),
    "global": (global_avg_pool_forward_naive, global_avg_pool_backward_naive, draw((2, 3, 5, 6)), []),
}


@pytest.mark.parametrize("name", PAIRS)
def test_gradients_equal_differences(name):
    forward, backward, arrays, options = PAIRS[name]
    check_layer(lambda *a: forward(*a, *options), backward, *arrays)


def test_a_gradient_of_the_wrong_shape_is_refused():
    _, cache = conv_forward_im2col(*draw((2, 3, 5, 6), (4, 3, 3, 2), (4,)), {"stride": 2, "pad": 1})
    with pytest.raises(
        ValueError, match=r"conv_backward_im2col: dout must have the shape \(2, 4, 3, 4\), got \(2, 4, 3, 3\)"
    ):
        conv_backward_im2col(np.zeros((2, 4, 3, 3)), cache)
    _, cache = max_pool_forward_im2col(*draw((2, 3, 5, 6)), POOL)
    with pytest.raises(ValueError, match="max_pool_backward_im2col: dout must have the shape"):
        max_pool_backward_im2col(np.zeros((2, 3, 3, 9)), cache)
