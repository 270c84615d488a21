"""Affine, ReLU, dropout and concatenation."""

import numpy as np
import pytest

from pixelgrad.layers import (
    affine_backward,
    affine_forward,
    check_layer,
    concat_backward,
    concat_forward,
    dropout_backward,
    dropout_forward,
    relu_backward,
    relu_forward,
)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


# -- affine -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 6), (2, 3, 4), (4, 2, 1, 3), (1, 5), (0, 4)])
def test_affine_is_one_sum_per_score(shape):
    x, w, b = normal(*shape), normal(int(np.prod(shape[1:])), 5, seed=1), normal(5, seed=2)
    out, _ = affine_forward(x, w, b)
    expected = [[sum(row.ravel() * column) + bias for column, bias in zip(w.T, b)] for row in x]
    np.testing.assert_allclose(out, np.reshape(expected, (shape[0], 5)), rtol=1e-12)


@pytest.mark.parametrize("shape", [(3, 6), (2, 3, 4), (4, 2, 1, 3)])
def test_affine_gradients_equal_differences(shape):
    check_layer(affine_forward, affine_backward, normal(*shape), normal(int(np.prod(shape[1:])), 5, seed=1), normal(5))


def test_affine_gradients_are_adjoint():
    x, w = normal(3, 2, 4), normal(8, 5, seed=1)
    out, cache = affine_forward(x, w, np.zeros(5))
    u = normal(3, 5, seed=2)
    dx, dw, db = affine_backward(u, cache)
    np.testing.assert_allclose([np.sum(x * dx), np.sum(w * dw)], np.sum(out * u), rtol=1e-12)
    assert dx.shape == x.shape and db.shape == (5,)


# -- relu ---------------------------------------------------------------------------------------------------------


def test_relu_clips_below_zero_and_passes_nan():
    x = np.array([[-2.0, -0.0, 0.0, 3.0, np.nan, -np.inf, np.inf]])
    out, _ = relu_forward(x)
    np.testing.assert_array_equal(out, [[0, 0, 0, 3, np.nan, 0, np.inf]])


def test_relu_gradient_equals_differences_away_from_the_kink():
    x = normal(3, 4, 5)
    x[np.abs(x) < 0.01] = 0.5
    check_layer(relu_forward, relu_backward, x)


@pytest.mark.parametrize(
    "rule, expected",
    [("standard", [0, 0, -3, 4, 0]), ("guided", [0, 0, 0, 4, 0]), ("deconv", [0, 2, 0, 4, 5])],
)
def test_relus_three_rules_on_a_hand_worked_example(rule, expected):
    _, cache = relu_forward(np.array([-1.0, -1, 1, 1, 0]))
    assert relu_backward(np.array([-1.0, 2, -3, 4, 5]), cache, rule=rule).tolist() == expected


# -- dropout ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_dropout_keeps_the_fraction_p_and_the_expectation(p):
    x = np.full((300, 400), 2.0)
    out, _ = dropout_forward(x, {"p": p, "mode": "train", "seed": 1})
    kept = out != 0
    assert abs(kept.mean() - p) < 5 * np.sqrt(p * (1 - p) / x.size)
    np.testing.assert_allclose(out[kept], 2 / p, rtol=1e-15)
    assert abs(out.mean() - 2) < 10 * np.sqrt((1 - p) / p / x.size)


def test_dropouts_backward_uses_the_mask_of_its_forward():
    x, dout = normal(4, 5, 6) + 10, normal(4, 5, 6, seed=1)
    for seed in (3, np.random.default_rng(3)):
        out, cache = dropout_forward(x, {"p": 0.4, "mode": "train", "seed": seed})
        np.testing.assert_allclose(dropout_backward(dout, cache), dout * (out / x), rtol=1e-12)
    check_layer(dropout_forward, dropout_backward, x, {"p": 0.4, "mode": "train", "seed": 3})


def test_a_seed_repeats_the_mask_and_a_generator_draws_new_ones():
    x = np.ones((10, 10))

    def mask(seed):
        return dropout_forward(x, {"p": 0.5, "mode": "train", "seed": seed})[0]

    assert np.array_equal(mask(1), mask(1)) and not np.array_equal(mask(1), mask(2))
    assert np.array_equal(dropout_forward(x, {"p": 0.5, "mode": "train"})[0], mask(0))
    rng = np.random.default_rng(1)
    assert not np.array_equal(mask(rng), mask(rng))


@pytest.mark.parametrize(
    "dropout_param", [{"p": 0.3, "mode": "test"}, {"p": 1.0, "mode": "train"}, {"p": 1, "mode": "train"}]
)
def test_dropout_does_nothing_in_test_mode_and_at_p_one(dropout_param):
    x, dout = normal(3, 4), normal(3, 4, seed=1)
    out, cache = dropout_forward(x, dropout_param)
    assert np.array_equal(out, x) and out is not x
    back = dropout_backward(dout, cache)
    assert np.array_equal(back, dout) and back is not dout


def test_a_tiny_p_scales_up_what_is_left():
    out, _ = dropout_forward(np.ones(100_000), {"p": 1e-3, "mode": "train"})
    assert 0 < np.count_nonzero(out) < 200
    np.testing.assert_allclose(out.max(), 1000)


# -- concat -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [1, 0, 3, -1, -3])
def test_concat_joins_and_its_backward_cuts_at_the_same_places(axis):
    shapes = [[2, 3, 4, 5] for _ in range(3)]
    for size, shape in zip((1, 4, 2), shapes):
        shape[axis] = size
    xs = [normal(*shape, seed=i) for i, shape in enumerate(shapes)]
    out, cache = concat_forward(xs, axis=axis)
    assert np.array_equal(out, np.concatenate(xs, axis=axis))
    for x, back in zip(xs, concat_backward(out, cache)):
        assert np.array_equal(x, back)


def test_concat_gradient_equals_differences():
    def forward(*xs):
        return concat_forward(xs)

    check_layer(forward, concat_backward, normal(2, 1, 3, 2), normal(2, 3, 3, 2, seed=1), normal(2, 2, 3, 2, seed=2))


def test_concat_joins_channels_by_default():
    out, _ = concat_forward((normal(2, 1, 3, 4), normal(2, 2, 3, 4)))
    assert out.shape == (2, 3, 3, 4)
