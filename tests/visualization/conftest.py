"""Small networks for the techniques: exact ones, and one with every kind of layer."""

import numpy as np
import pytest

from pixelgrad.classifiers import Network


class LinearModel:
    """scores = x . W, pixels in 0..255 minus 100: every law can be written down."""

    pixel_scale, input_size, dtype, layer_names, num_classes = 1.0, (5, 6), np.dtype(np.float64), ["affine1"], 4

    def __init__(self, rng):
        self.W = rng.standard_normal((3, 5, 6, 4))

    def layer_index(self, layer):
        if layer not in (0, "affine1"):
            raise ValueError(f"unknown layer {layer!r}")
        return 0

    def forward(self, X, start=None, end=None, mode="test"):
        return np.einsum("nchw,chwk->nk", X, self.W), X.shape

    def backward(self, dout, cache, relu_rule="standard"):
        return np.einsum("nk,chwk->nchw", dout, self.W), {}

    def bounds(self, X):
        return np.full((1, 3, 1, 1), -100.0), np.full((1, 3, 1, 1), 155.0)


@pytest.fixture
def linear():
    return LinearModel(np.random.default_rng(3))


@pytest.fixture
def model():
    """A small convolutional network in float64 with random weights and running averages."""
    rng = np.random.default_rng(5)
    conv = {"type": "conv", "pad": 1, "bias": False, "batchnorm": True}
    architecture = [
        conv | {"filters": 6, "size": 3, "stride": 2},
        conv | {"filters": 8, "size": 3},
        {"type": "global_avg_pool"},
        {"type": "affine", "units": 5},
    ]
    mean_image = rng.uniform(80, 160, (3, 32, 36))
    network = Network(architecture, input_size=(32, 36), mean_image=mean_image, dtype=np.float64, rng=7)
    for name in network.params:
        if name.startswith(("beta", "running_mean")):
            network.params[name] = 0.3 * rng.standard_normal(network.params[name].shape)
        elif name.startswith(("gamma", "running_var")):
            network.params[name] = rng.uniform(0.5, 1.5, network.params[name].shape)
    network.params["W3"] *= 1000
    network.params["running_var1"] *= 5000  # pixels are 0..255: keep the activations near 1
    return network


@pytest.fixture
def images(model):
    """Two smooth random pictures in model space, (2, 3, 32, 36)."""
    coarse = np.random.default_rng(11).integers(0, 256, (2, 8, 9, 3), dtype=np.uint8)
    return model.preprocess(coarse.repeat(4, axis=1).repeat(4, axis=2))
