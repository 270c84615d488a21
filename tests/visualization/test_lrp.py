"""Laws of layer-wise relevance propagation, in float64."""

import numpy as np
import pytest

from pixelgrad.classifiers import Network, fold_batchnorm
from pixelgrad.classifiers.scores import one_hot
from pixelgrad.visualization import gradient_x_input, lrp
from pixelgrad.visualization.saliency import class_gradient


@pytest.fixture
def deep():
    """Every kind of layer that relevance passes, with random biases and running averages."""
    architecture = [
        {"type": "conv", "filters": 5, "size": 3, "stride": 2, "bias": False, "batchnorm": True},
        {"type": "max_pool", "size": 2, "stride": 1},
        {"type": "fire", "squeeze": 3, "expand1": 4, "expand3": 2},
        {"type": "avg_pool", "size": 2, "stride": 2},
        {"type": "affine", "units": 7, "batchnorm": True, "relu": True},
        {"type": "affine", "units": 4},
    ]
    rng = np.random.default_rng(3)
    network = Network(architecture, input_size=(15, 17), pixel_mean=[110.0] * 3, dtype=np.float64, rng=3)
    for name, value in network.params.items():
        if name.startswith(("b", "beta", "running_mean")):
            network.params[name] = 0.5 * rng.standard_normal(value.shape)
    network.params["running_var1"] *= 5000
    network.params["W6"] *= 100
    return network


@pytest.fixture
def X():
    return np.random.default_rng(4).uniform(-105, 140, (3, 3, 15, 17))


Y = np.array([2, 0, 3])


def bias_terms(network, X, y):
    """The sum over all biases of b ds/db, of each image."""
    folded, total = fold_batchnorm(network), []
    for n in range(len(X)):
        scores, cache = folded.forward(X[n : n + 1])
        _, grads = folded.backward(one_hot(y[n : n + 1], scores), cache, param_grads=True)
        total.append(sum((folded.params[name] * grads[name]).sum() for name in grads if name.startswith("b")))
    return np.array(total)


def test_lrp_0_is_gradient_times_input(deep, X):
    result = lrp(X, Y, deep, rules="0")
    expected = X * class_gradient(X, Y, deep)
    np.testing.assert_allclose(result.relevance, expected, rtol=1e-6, atol=1e-9 * abs(expected).max())
    np.testing.assert_allclose(result.maps, gradient_x_input(X, Y, deep), atol=1e-8 * abs(expected).max())


def test_lrp_0_and_the_biases_add_up_to_the_score(deep, X):
    result, biases = lrp(X, Y, deep, rules="0"), bias_terms(deep, X, Y)
    assert (abs(biases) > 0.05 * abs(result.score)).all()  # else the test would prove little
    np.testing.assert_allclose(result.totals[-1] + biases, result.score, rtol=1e-9)
    np.testing.assert_allclose(result.score, deep.scores(X)[np.arange(3), Y])


def without_biases(network):
    for name, value in network.params.items():
        if name.startswith(("b", "beta", "running_mean")):
            network.params[name] = np.zeros_like(value)
    return network


@pytest.mark.parametrize("rules", ["0", "gamma"])
def test_without_biases_relevance_is_conserved_in_every_layer(deep, X, rules):
    result = lrp(X, Y, without_biases(deep), rules=rules)
    np.testing.assert_allclose(result.totals, np.broadcast_to(result.score, result.totals.shape), rtol=1e-9)


def test_z_plus_and_zb_conserve_with_biases_too(deep, X):
    for name in deep.params:  # a positive weight into each neuron: no denominator is 0
        if name.startswith("W"):
            deep.params[name] = abs(deep.params[name])
    result = lrp(X, Y, deep, rules="z+")
    np.testing.assert_allclose(result.totals, np.broadcast_to(result.score, result.totals.shape), rtol=1e-9)
    assert (result.relevance * np.sign(result.score)[:, None, None, None] >= -1e-12).all()


def test_epsilon_takes_what_it_adds_to_the_denominators():
    """One affine layer, by the formula: R_j = a_j w_j / (z + epsilon |z|) z, with z its own root mean square."""
    network = Network([{"type": "affine", "units": 1}], input_size=(2, 3), pixel_mean=[100.0] * 3, dtype=np.float64)
    x = np.random.default_rng(0).uniform(-90, 90, (2, 3, 2, 3))
    z = network.scores(x)
    result = lrp(x, 0, network, rules="epsilon", epsilon=0.5)
    w = network.params["W1"].reshape(3, 2, 3)
    np.testing.assert_allclose(result.relevance, x * w / 1.5, rtol=1e-12)
    absorbed = result.score - result.totals[0]
    np.testing.assert_allclose(absorbed, z[:, 0] * 0.5 / 1.5 + network.params["b1"] / 1.5, rtol=1e-9)


def test_epsilon_0_is_the_rule_0_and_a_large_one_absorbs_nearly_all(deep, X):
    exact = lrp(X, Y, deep, rules="0").relevance
    np.testing.assert_allclose(lrp(X, Y, deep, rules="epsilon", epsilon=0).relevance, exact)
    assert (abs(lrp(X, Y, deep, rules="epsilon", epsilon=1e6).relevance) < 1e-6).all()


def test_gamma_0_is_the_rule_0_and_a_large_one_is_z_plus(deep, X):
    pixels = {"conv1": "zb"}
    rest = {name: "0" for name in ("conv2", "conv3", "affine1", "affine2")}
    np.testing.assert_allclose(
        lrp(X, Y, deep, rules="gamma", gamma=0).relevance, lrp(X, Y, deep, rules=pixels | rest).relevance
    )
    free = without_biases(deep)
    plus, large = lrp(X, Y, free, rules="z+").relevance, lrp(X, Y, free, rules="gamma", gamma=1e9).relevance
    np.testing.assert_allclose(large, plus, rtol=1e-5, atol=1e-6 * abs(plus).max())


def test_gamma_by_its_formula_with_a_bias():
    """A pool makes the inputs of the affine layer; pixels lighter than the mean keep them positive."""
    layers = [{"type": "avg_pool", "size": 1, "stride": 1}, {"type": "affine", "units": 2}]
    network = Network(layers, input_size=(2, 3), pixel_mean=[100.0] * 3, dtype=np.float64)
    network.params["b1"] = np.array([0.0, 3.0])
    x, w = np.random.default_rng(0).uniform(1, 90, (1, 3, 2, 3)), network.params["W1"][:, 1].reshape(1, 3, 2, 3)
    part = x * (w + 0.5 * np.maximum(w, 0))
    result = lrp(x, 1, network, rules={"affine1": "gamma"}, gamma=0.5)
    np.testing.assert_allclose(result.relevance, part / (part.sum() + 3 * 1.5) * result.score, rtol=1e-9)


def test_zb_by_its_formula():
    network = Network([{"type": "affine", "units": 2}], input_size=(2, 3), pixel_mean=[100.0] * 3, dtype=np.float64)
    x = np.random.default_rng(0).uniform(-90, 90, (1, 3, 2, 3))
    w, (lo, hi) = network.params["W1"][:, 1].reshape(1, 3, 2, 3), network.bounds(x)
    share = x * w - lo * np.maximum(w, 0) - hi * np.minimum(w, 0)
    assert (share >= 0).all()
    result = lrp(x, 1, network, rules={"affine1": "zb"})
    np.testing.assert_allclose(result.relevance, share / share.sum() * result.score, rtol=1e-9)


def test_the_composite_is_the_rules_it_names(model, images):
    rules = {"conv1": "zb", "conv2": "gamma", "affine1": "0"}
    np.testing.assert_array_equal(lrp(images, 1, model).relevance, lrp(images, 1, model, rules=rules).relevance)
    assert abs(lrp(images, 1, model, rules={"conv2": "epsilon"}).maps - lrp(images, 1, model).maps).max() > 0


@pytest.mark.parametrize("rules", ["composite", "0", "epsilon", "gamma", "z+"])
def test_a_batch_is_one_image_after_the_other_and_nothing_is_modified(model, images, rules):
    kept, params = images.copy(), {name: value.copy() for name, value in model.params.items()}
    together = lrp(images, [0, 4], model, rules=rules)
    for n, k in enumerate((0, 4)):
        alone = lrp(images[n : n + 1], k, model, rules=rules)
        np.testing.assert_allclose(together.relevance[n], alone.relevance[0], rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(together.totals[:, n], alone.totals[:, 0])
    np.testing.assert_array_equal(images, kept)
    assert all(np.array_equal(model.params[name], value) for name, value in params.items())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rules": "beta"}, "rules must be one of"),
        ({"rules": {"conv9": "0"}}, "no layer with weights is called 'conv9'; they are conv1, conv2, affine1"),
        ({"rules": {"conv1": "z"}}, "the rule of conv1 must be one of"),
        ({"rules": {"conv2": "zb"}}, "'zb' is for pixels"),
        ({"rules": {"conv1": "z+"}}, "conv1 gets some below 0; take 'zb' for pixels"),
        ({"epsilon": -1}, "epsilon must not be negative"),
        ({"channels": "l2"}, "no sign"),
    ],
)
def test_what_makes_no_sense_is_refused(model, images, options, words):
    with pytest.raises(ValueError, match=words):
        lrp(images, 1, model, **options)


@pytest.mark.parametrize("option", [{"gamma": 1.0}, {"channels": "max"}, {"signed": False}])
def test_every_option_has_an_effect(model, images, option):
    assert abs(lrp(images, 1, model, **option).maps - lrp(images, 1, model).maps).max() > 0
    few, many = (lrp(images, 1, model, rules="epsilon", epsilon=epsilon).maps for epsilon in (0.1, 1))
    assert abs(few - many).max() > 0
