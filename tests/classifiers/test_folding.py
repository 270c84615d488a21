import numpy as np
import pytest

from pixelgrad.classifiers import Network, PretrainedCNN, fold_batchnorm
from pixelgrad.classifiers.blocks import Affine, Conv

DEEP = [
    {"type": "conv", "filters": 5, "size": 3, "stride": 2, "bias": False, "batchnorm": True},
    {"type": "max_pool", "size": 2, "stride": 1},
    {"type": "fire", "squeeze": 3, "expand1": 4, "expand3": 2},
    {"type": "conv", "filters": 6, "size": 2, "batchnorm": True},
    {"type": "avg_pool", "size": 2, "stride": 2},
    {"type": "affine", "units": 7, "batchnorm": True, "relu": True},
    {"type": "affine", "units": 4},
]


def deep_network(seed=0):
    """Every kind of layer, in float64, with random biases and running averages."""
    rng = np.random.default_rng(seed)
    network = Network(DEEP, input_size=(15, 17), pixel_mean=[110.0] * 3, dtype=np.float64, rng=seed)
    for name, value in network.params.items():
        if name.startswith(("b", "beta", "running_mean")):
            network.params[name] = 0.5 * rng.standard_normal(value.shape)
        elif name.startswith(("gamma", "running_var")):
            network.params[name] = rng.uniform(0.5, 1.5, value.shape)
    network.params["running_var1"] *= 5000  # pixels are 0..255: keep the activations near 1
    network.params["W7"] *= 100
    return network


@pytest.mark.parametrize("engine", ["fast", "im2col"])
def test_the_folded_network_is_the_same_function(engine):
    network = deep_network().with_engine(engine)
    X = np.random.default_rng(1).uniform(-100, 140, (3, 3, 15, 17))
    folded = fold_batchnorm(network)
    np.testing.assert_allclose(folded.scores(X), network.scores(X), rtol=1e-10)
    (scores, cache), (_, other_cache) = network.forward(X), folded.forward(X)
    dout = np.random.default_rng(2).standard_normal(scores.shape)
    np.testing.assert_allclose(folded.backward(dout, other_cache)[0], network.backward(dout, cache)[0], rtol=1e-8)
    np.testing.assert_array_equal(folded.bounds(X)[0], network.bounds(X)[0])


def test_every_layer_does_one_thing():
    folded = fold_batchnorm(deep_network())
    assert not any(getattr(block, "batchnorm", False) for _, block in folded.named_blocks())
    assert not any(block.relu for _, block in folded.named_blocks() if isinstance(block, Conv | Affine))
    assert folded.layer_names[:5] == ["conv1", "relu1", "max_pool", "conv2", "relu2"]


def test_a_convolution_without_bias_and_normalisation_stays_without():
    network = Network([{"type": "conv", "filters": 2, "size": 3, "bias": False}, {"type": "affine", "units": 3}])
    assert sorted(fold_batchnorm(network).params) == ["W1", "W2", "b2"]


def test_the_shipped_network_keeps_its_names_and_is_not_modified():
    model = PretrainedCNN()
    kept = {name: value.copy() for name, value in model.params.items()}
    folded = fold_batchnorm(model)
    assert folded.class_names == model.class_names and folded.wnids == model.wnids
    assert all(np.array_equal(model.params[name], value) for name, value in kept.items())


def test_what_is_no_network_is_refused():
    with pytest.raises(TypeError, match="model is a ndarray, expected a network"):
        fold_batchnorm(np.zeros(3))
