import numpy as np
import pytest

from pixelgrad.classifiers import Network
from pixelgrad.visualization import deep_lift, full_gradient, integrated_gradients
from pixelgrad.visualization.occlusion import fill_like
from pixelgrad.visualization.saliency import class_gradient


@pytest.fixture
def deep():
    """With max pooling in the middle and biases."""
    architecture = [
        {"type": "conv", "filters": 5, "size": 3, "stride": 2, "batchnorm": True},
        {"type": "max_pool", "size": 3, "stride": 2},
        {"type": "conv", "filters": 6, "size": 2},
        {"type": "affine", "units": 7, "relu": True},
        {"type": "affine", "units": 4},
    ]
    rng = np.random.default_rng(3)
    network = Network(architecture, input_size=(15, 17), pixel_mean=[110.0] * 3, dtype=np.float64, rng=3)
    for name, value in network.params.items():
        if name.startswith(("b", "beta", "running_mean")):
            network.params[name] = 0.5 * rng.standard_normal(value.shape)
    network.params["running_var1"] *= 5000
    network.params["W4"] *= 100
    return network


X, Y = np.random.default_rng(4).uniform(-105, 140, (3, 3, 15, 17)), np.array([2, 0, 3])


@pytest.mark.parametrize("baseline", ["black", "grey", "mean", "blur", "noise"])
def test_the_attributions_add_up_to_the_difference_of_the_scores(deep, baseline):
    result = deep_lift(X, Y, deep, baseline=baseline)
    X0 = fill_like(X, baseline, deep)
    difference = (deep.scores(X) - deep.scores(X0))[np.arange(3), Y]
    np.testing.assert_allclose(result.difference, difference, rtol=1e-9)
    np.testing.assert_allclose(result.attributions.sum(axis=(1, 2, 3)), difference, rtol=1e-8)
    np.testing.assert_allclose(result.gap, 0, atol=1e-8 * abs(difference).max())


def test_of_one_relu_the_multiplier_is_the_slope_between_image_and_baseline():
    relu = [{"type": "affine", "units": 1, "relu": True}, {"type": "affine", "units": 1}]
    network = Network(relu, input_size=(1, 1), pixel_mean=[100.0] * 3, dtype=np.float64)
    network.params |= {"W1": np.ones((3, 1)), "b1": np.array([-10.0]), "W2": np.ones((1, 1)), "b2": np.zeros(1)}
    x, x0 = np.array([10.0, 20, 0]).reshape(1, 3, 1, 1), np.array([-5.0, 0, 5]).reshape(1, 3, 1, 1)
    result = deep_lift(x, 0, network, baseline=x0)
    np.testing.assert_allclose(result.attributions, (20 - 0) / (20 + 10) * (x - x0))  # inputs of the ReLU: 20 and -10


def test_near_the_baseline_it_is_gradient_times_difference(deep):
    X0 = X - 1e-7 * np.random.default_rng(0).standard_normal(X.shape)
    expected = (X - X0) * class_gradient(X, Y, deep)
    np.testing.assert_allclose(deep_lift(X, Y, deep, baseline=X0).attributions, expected, rtol=1e-2, atol=1e-12)


def test_of_a_linear_network_it_is_integrated_gradients():
    network = Network([{"type": "affine", "units": 4}], input_size=(15, 17), pixel_mean=[110.0] * 3, dtype=np.float64)
    expected = integrated_gradients(X, Y, network, steps=1, baseline="grey").attributions
    np.testing.assert_allclose(deep_lift(X, Y, network, baseline="grey").attributions, expected, rtol=1e-9)


def test_an_image_that_is_its_own_baseline_gets_nothing(deep):
    result = deep_lift(X, Y, deep, baseline=X)
    assert not result.attributions.any() and not result.difference.any()


def test_a_batch_is_one_image_after_the_other(deep):
    together = deep_lift(X, Y, deep)
    for n in range(3):
        np.testing.assert_allclose(together.maps[n], deep_lift(X[n : n + 1], Y[n], deep).maps[0], rtol=1e-8, atol=1e-12)


def test_deep_lifts_options_have_effects_and_nonsense_is_refused(deep):
    usual = deep_lift(X, Y, deep).maps
    for option in ({"baseline": "noise"}, {"channels": "max"}, {"signed": False}):
        assert abs(deep_lift(X, Y, deep, **option).maps - usual).max() > 0
    assert abs(deep_lift(X, Y, deep, baseline="noise", rng=5).maps - deep_lift(X, Y, deep, baseline="noise").maps).max()
    with pytest.raises(ValueError, match="baseline must be one of"):
        deep_lift(X, Y, deep, baseline="white")


# -- FullGrad ---------------------------------------------------------------------------------------------------------


def test_the_full_gradient_is_the_score(deep):
    parts = full_gradient(X, Y, deep)
    total = parts.input.sum(axis=(1, 2, 3)) + sum(part.reshape(3, -1).sum(axis=1) for part in parts.biases.values())
    np.testing.assert_allclose(total, deep.scores(X)[np.arange(3), Y], rtol=1e-9)
    np.testing.assert_allclose(parts.score, deep.scores(X)[np.arange(3), Y])
    np.testing.assert_allclose(parts.input, X * class_gradient(X, Y, deep), rtol=1e-9, atol=1e-12)
    assert list(parts.biases) == ["affine2", "affine1", "conv2", "conv1"]
    assert abs(parts.biases["conv1"]).max() > 0 and parts.biases["conv1"].shape == (3, 5, 7, 8)


def test_full_gradient_maps_are_the_sum_of_rescaled_magnitudes(deep):
    """Without convolutions the map has one part: that of the pixels."""
    network = Network([{"type": "affine", "units": 4}], input_size=(15, 17), pixel_mean=[110.0] * 3, dtype=np.float64)
    parts = full_gradient(X, Y, network)
    magnitude = abs(parts.input)
    low, high = magnitude.min(axis=(1, 2, 3), keepdims=True), magnitude.max(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(parts.maps, ((magnitude - low) / (high - low)).sum(axis=1), rtol=1e-9)
    assert (full_gradient(X, Y, deep).maps >= 0).all()


def test_full_gradients_of_a_batch_are_those_of_its_images(deep):
    together = full_gradient(X, Y, deep)
    for n in range(3):
        np.testing.assert_allclose(together.maps[n], full_gradient(X[n : n + 1], Y[n], deep).maps[0], rtol=1e-8)
