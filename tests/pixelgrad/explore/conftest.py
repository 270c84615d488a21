import numpy as np
import pytest

from pixelgrad.classifiers import Network, PretrainedCNN
from pixelgrad.datasets import sample_image


@pytest.fixture(scope="package")
def model():
    return PretrainedCNN()


@pytest.fixture(scope="package")
def picture():
    return sample_image("portrait", size=64)


@pytest.fixture(scope="package")
def networks(model):
    """Networks with every kind of layer, beside the shipped one: {name: (network, image in model space)}."""
    conv = {"type": "conv", "size": 3, "stride": 2, "pad": 1}
    fire = {"type": "fire", "squeeze": 4, "expand1": 5, "expand3": 6}
    pools = [
        {"type": "max_pool", "size": 3, "stride": 2, "ceil_mode": True},
        {"type": "avg_pool", "size": 2, "stride": 1},
    ]
    squeeze = [conv | {"filters": 6, "relu": False}, {"type": "relu"}, pools[0], fire, pools[1], fire]
    squeeze += [{"type": "conv", "filters": 7, "size": 1}, {"type": "global_avg_pool"}]
    plain = [conv | {"filters": 5, "batchnorm": True}]
    plain += [{"type": "affine", "units": 9, "batchnorm": True, "relu": True}, {"type": "affine", "units": 4}]
    found = {"shipped": (model, model.preprocess(sample_image("portrait", size=64)))}
    for name, architecture, size in (("fire", squeeze, 33), ("affine", plain, 16)):
        network = Network(architecture, input_size=(size, size), rng=3, pixel_mean=[100, 110, 120])
        rng = np.random.default_rng(1)
        for key, value in network.params.items():  # running averages and betas that are not 0 and 1
            if key[0] in "bgr":
                network.params[key] = (value + rng.random(value.shape)).astype(np.float32)
        found[name] = network, network.preprocess(sample_image("portrait", size=size))
    return found
