"""A small network with every block, and small labelled pictures."""

import numpy as np
import pytest

from pixelgrad.classifiers import Augmentation, Network, Solver

# Every block and every option; for images of 12 x 15 and any other size up to the global pooling.
SMALL = [
    {"type": "conv", "filters": 4, "size": 3, "stride": 2, "pad": 1, "bias": False, "batchnorm": True},
    {"type": "conv", "filters": 5, "size": 3, "pad": 1, "batchnorm": True},
    {"type": "max_pool", "size": 2, "stride": 2, "ceil_mode": True},
    {"type": "conv", "filters": 6, "size": 2, "pad": 1},
    {"type": "conv", "filters": 4, "size": 1, "relu": False},
    {"type": "avg_pool", "size": 2, "stride": 1},
    {"type": "affine", "units": 16, "batchnorm": True, "relu": True},
    {"type": "affine", "units": 12, "relu": True},
    {"type": "affine", "units": 7},
]
SMALL_SIZE = (12, 15)
POOLED = [SMALL[0], SMALL[1], SMALL[2], {"type": "global_avg_pool"}, {"type": "affine", "units": 7}]
CLASS_NAMES = [
    "goldfish, Carassius auratus",
    "Egyptian cat",
    "tabby, tabby cat",
    "bullfrog",
    "frog, toad",
    "toad",
    "hog",
]
WNIDS = [f"n0000000{k}" for k in range(7)]
# What is trained, on pictures of 8 x 8.
TINY = [
    {"type": "conv", "filters": 8, "size": 3, "stride": 2, "pad": 1, "bias": False, "batchnorm": True},
    {"type": "global_avg_pool"},
    {"type": "affine", "units": 4},
]


def with_random_params(model, seed=0):
    """Parameters as after a training: nothing is zero or one any more."""
    rng = np.random.default_rng(seed)
    for name, value in model.params.items():
        if name.startswith("running_var"):
            new = rng.uniform(0.5, 2, value.shape)
        elif name.startswith("gamma"):
            new = rng.uniform(0.5, 1.5, value.shape)
        elif name.startswith("W"):
            fan_in = np.prod(value.shape[1:]) if value.ndim == 4 else value.shape[0]
            new = rng.standard_normal(value.shape) * np.sqrt(2 / fan_in)
        else:
            new = 0.4 + 0.3 * rng.standard_normal(value.shape)  # above 0, so that few ReLUs are dead
        model.params[name] = new.astype(model.dtype)
    return model


@pytest.fixture
def make_network():
    """`make_network(architecture, **options)`: with parameters as after a training."""

    def make(architecture=SMALL, *, input_size=SMALL_SIZE, seed=0, **options):
        return with_random_params(Network(architecture, input_size=input_size, **options), seed)

    return make


@pytest.fixture
def images():
    """`images(N)` -> uint8 (N, 12, 15, 3)."""

    def make(N=3, size=SMALL_SIZE, seed=0):
        return np.random.default_rng(seed).integers(0, 256, (N, *size, 3), dtype=np.uint8)

    return make


@pytest.fixture
def model(make_network):
    return make_network()


@pytest.fixture
def named(make_network):
    return make_network(class_names=CLASS_NAMES, wnids=WNIDS)


@pytest.fixture
def inputs():
    """`inputs(N)` -> (N, 3, 12, 15) in model space."""

    def make(N=3, size=SMALL_SIZE, dtype=np.float32, seed=0):
        return np.random.default_rng(seed).standard_normal((N, 3, *size)).astype(dtype)

    return make


@pytest.fixture
def small_data():
    """`small_data(N)`: random pictures of 8 x 8 with labels of four classes."""

    def make(N=22, size=8, seed=0, val=9):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 4, N + val)
        X = rng.integers(0, 256, (N + val, 3, size, size), dtype=np.uint8)
        return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}

    return make


@pytest.fixture
def small_network():
    """`small_network(architecture, **options)`: for `small_data`."""

    def make(architecture=TINY, **options):
        return Network(architecture, input_size=(8, 8), pixel_mean=(128, 128, 128), pixel_std=(64, 64, 64), **options)

    return make


@pytest.fixture
def trained(small_data, small_network):
    """`trained(**options)`: five steps an epoch (of 22 images, four at a time, two are left over), two epochs."""

    def train(data=None, *, model=None, **options):
        options = {"batch_size": 4, "num_epochs": 2, "augmentation": Augmentation(pad=1)} | options
        solver = Solver(model or small_network(), data or small_data(), **options)
        solver.train()
        return solver

    return train


@pytest.fixture
def same_params():
    """`same_params(a, b)`: two networks have the same numbers."""
    return lambda a, b: all(np.array_equal(a.params[name], b.params[name]) for name in a.params)
