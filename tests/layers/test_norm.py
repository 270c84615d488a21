"""Batch normalisation: against its definition in loops, in both modes, and what it may write."""

import numpy as np
import pytest

from pixelgrad.layers import (
    batchnorm_backward,
    batchnorm_forward,
    check_layer,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
)

D = 4


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def parameters(mode, **options):
    rng = np.random.default_rng(5)
    gamma = np.array([1.5, -0.5, 0.0, 2.0])
    bn_param = {"mode": mode, "running_mean": rng.standard_normal(D), "running_var": rng.uniform(0.5, 2, D), **options}
    return gamma, rng.standard_normal(D), bn_param


def by_definition(x, gamma, beta, mean, var, eps):
    """Entry by entry."""
    out = np.empty_like(x)
    for index in np.ndindex(x.shape):
        d = index[1]
        out[index] = gamma[d] * (x[index] - mean[d]) / (var[d] + eps) ** 0.5 + beta[d]
    return out


@pytest.mark.parametrize("mode", ["train", "test"])
@pytest.mark.parametrize("shape", [(7, D), (2, D, 3, 5)])
@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_it_is_its_definition(mode, shape, eps):
    x = 3 * normal(*shape) + 2
    gamma, beta, bn_param = parameters(mode, eps=eps)
    if mode == "train":
        samples = [np.moveaxis(x, 1, 0)[d].ravel() for d in range(D)]
        mean = [sum(s) / len(s) for s in samples]
        var = [sum((v - m) ** 2 for v in s) / len(s) for s, m in zip(samples, mean)]
    else:
        mean, var = bn_param["running_mean"], bn_param["running_var"]
    forward = batchnorm_forward if len(shape) == 2 else spatial_batchnorm_forward
    out, _ = forward(x, gamma, beta, dict(bn_param))
    assert out.shape == shape
    np.testing.assert_allclose(out, by_definition(x, gamma, beta, mean, var, eps), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("mode", ["train", "test"])
def test_gradients_equal_differences(mode):
    gamma, beta, bn_param = parameters(mode, eps=1e-3)
    check_layer(batchnorm_forward, batchnorm_backward, normal(5, D), gamma, beta, bn_param)
    check_layer(spatial_batchnorm_forward, spatial_batchnorm_backward, normal(2, D, 3, 4), gamma, beta, bn_param)


def test_the_default_eps_and_momentum_are_cs231ns():
    gamma, beta, bn_param = parameters("train")
    x = 1e-3 * normal(5, D)
    explicit = {**bn_param, "eps": 1e-5, "momentum": 0.9}
    assert np.array_equal(
        batchnorm_forward(x, gamma, beta, bn_param)[0], batchnorm_forward(x, gamma, beta, explicit)[0]
    )
    assert np.array_equal(bn_param["running_mean"], explicit["running_mean"])


def test_training_output_has_mean_beta_and_standard_deviation_gamma():
    gamma, beta, bn_param = parameters("train", eps=1e-12)
    out, _ = spatial_batchnorm_forward(5 * normal(3, D, 4, 5) + 9, gamma, beta, bn_param)
    np.testing.assert_allclose(out.mean(axis=(0, 2, 3)), beta, atol=1e-10)
    np.testing.assert_allclose(out.std(axis=(0, 2, 3)), np.abs(gamma), atol=1e-10)


def test_in_test_mode_it_is_affine_and_each_sample_is_on_its_own():
    gamma, beta, bn_param = parameters("test")
    x, y = normal(3, D), normal(3, D, seed=1)

    def f(z):
        return batchnorm_forward(z, gamma, beta, bn_param)[0]

    np.testing.assert_allclose(f(2 * x - 3 * y), 2 * f(x) - 3 * f(y) + 2 * f(np.zeros_like(x)), atol=1e-12)
    np.testing.assert_allclose(np.concatenate([f(row[None]) for row in x]), f(x), rtol=1e-14)
    u = normal(3, D, seed=2)
    _, cache = batchnorm_forward(x, gamma, beta, bn_param)
    dx, _, _ = batchnorm_backward(u, cache)
    np.testing.assert_allclose(np.sum((f(x) - f(np.zeros_like(x))) * u), np.sum(x * dx), rtol=1e-12)


def test_in_training_a_shift_or_scale_of_the_input_changes_nothing():
    gamma, beta, bn_param = parameters("train", eps=1e-14)
    x = normal(6, D)
    out, cache = batchnorm_forward(x, gamma, beta, dict(bn_param))
    other, _ = batchnorm_forward(7 * x + 3, gamma, beta, dict(bn_param))
    np.testing.assert_allclose(out, other, atol=1e-10)
    dx, _, _ = batchnorm_backward(normal(6, D, seed=1), cache)
    np.testing.assert_allclose(dx.sum(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("momentum", [0.9, 0.25, 0.0, 1.0])
def test_training_writes_new_running_averages_and_nothing_else(momentum):
    gamma, beta, bn_param = parameters("train", momentum=momentum)
    x = normal(6, D) + 1
    old = dict(bn_param)
    kept = {name: np.array(value) for name, value in bn_param.items() if isinstance(value, np.ndarray)}
    batchnorm_forward(x, gamma, beta, bn_param)
    # momentum is the part that stays; the variance is the biased one.
    np.testing.assert_allclose(bn_param["running_mean"], momentum * kept["running_mean"] + (1 - momentum) * x.mean(0))
    np.testing.assert_allclose(bn_param["running_var"], momentum * kept["running_var"] + (1 - momentum) * x.var(0))
    assert set(bn_param) == set(old) and bn_param["mode"] == "train" and bn_param["momentum"] == momentum
    for name, value in kept.items():
        assert np.array_equal(old[name], value)  # the old arrays are left alone


def test_running_averages_start_at_zero():
    bn_param = {"mode": "train"}
    x = normal(2, D, 3, 5) + 4
    spatial_batchnorm_forward(x, np.ones(D), np.zeros(D), bn_param)
    np.testing.assert_allclose(bn_param["running_mean"], 0.1 * x.mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(bn_param["running_var"], 0.1 * x.var(axis=(0, 2, 3)))


def test_test_mode_writes_nothing():
    gamma, beta, bn_param = parameters("test")
    kept = dict(bn_param)
    batchnorm_forward(normal(3, D), gamma, beta, bn_param)
    assert kept.keys() == bn_param.keys() and all(bn_param[name] is kept[name] for name in kept)


def test_spatial_statistics_are_per_channel():
    x = np.zeros((2, 3, 4, 5)) + np.array([1.0, 10, 100])[:, None, None]
    bn_param = {"mode": "train", "momentum": 0.0}
    out, _ = spatial_batchnorm_forward(x, np.ones(3), np.zeros(3), bn_param)
    assert bn_param["running_mean"].tolist() == [1, 10, 100] and not bn_param["running_var"].any()
    assert not out.any()


def test_running_averages_are_written_in_the_type_of_the_batch():
    gamma, beta, bn_param = parameters("train")  # float64
    x = normal(6, D).astype(np.float32)
    batchnorm_forward(x, gamma.astype(np.float32), beta.astype(np.float32), bn_param)
    assert bn_param["running_mean"].dtype == bn_param["running_var"].dtype == np.float32
