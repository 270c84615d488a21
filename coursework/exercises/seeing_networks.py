"""Networks and images as plain numbers, for the inputs of the track *Seeing*."""

import numpy as np

from ..._language import translated as _
from .registry import ReturnError

MEAN = (120.0, 116.0, 104.0)  # of the pixels, in grey levels
H, W = 10, 12  # of the images


def network(c):
    """The network of a case, from its plain numbers. It has no room for notes: nothing can be kept on it."""
    # Imported here: a network needs the student's layers, which only the child process may run.
    from ...classifiers.network import Network

    class Sealed(Network):
        def __setattr__(self, name, value):
            if "sealed" in vars(self) and name not in vars(self):
                raise ReturnError(_("a function writes {name!r} onto the model: keep nothing between calls", name=name))
            super().__setattr__(name, value)

    Sealed.__name__ = Sealed.__qualname__ = "Network"
    model = Sealed(**c["network"], dtype=np.float64)
    model.sealed = True
    return model


def linear_network(rng, units=4, size=(5, 6)):
    """One affine layer: every law can be written down."""
    return {
        "architecture": [{"type": "affine", "units": units}],
        "params": {"W1": 0.1 * rng.standard_normal((3 * size[0] * size[1], units)), "b1": rng.standard_normal(units)},
        "input_size": list(size),
        "pixel_mean": list(MEAN),
    }


def convolutional_network(rng, filters=(6, 8), units=5, head=True, size=(H, W), strides=(2, 1)):
    """Convolutions with batch norm and ReLU, as after training, then global average pooling and an affine layer."""
    conv = {"type": "conv", "size": 3, "pad": 1, "bias": False, "batchnorm": True}
    architecture = [conv | {"filters": F, "stride": s} for F, s in zip(filters, strides)]
    architecture += [{"type": "global_avg_pool"}] + ([{"type": "affine", "units": units}] if head else [])
    params, C, variance = {}, 3, 60.0**2
    for n, F in enumerate(filters, 1):
        params[f"W{n}"] = np.sqrt(2 / (9 * C)) * rng.standard_normal((F, C, 3, 3))
        params[f"gamma{n}"] = rng.uniform(0.7, 1.3, F)
        params[f"beta{n}"] = rng.uniform(-0.2, 0.5, F)
        params[f"running_mean{n}"] = 0.3 * np.sqrt(variance) * rng.standard_normal(F)
        params[f"running_var{n}"] = 2 * variance * rng.uniform(0.5, 1.5, F)
        C, variance = F, 1.0
    if head:
        n = len(filters) + 1
        params |= {f"W{n}": rng.standard_normal((C, units)), f"b{n}": 0.5 * rng.standard_normal(units)}
    return {"architecture": architecture, "params": params, "input_size": list(size), "pixel_mean": list(MEAN)}


def plain_network(rng, filters=(4, 5), units=3, size=(H, W)):
    """Each layer does one thing, as LRP wants it: convolutions with biases, ReLUs, the mean and an affine layer."""
    conv = {"type": "conv", "relu": False, "batchnorm": False}
    first, second = filters
    architecture = [
        conv | {"filters": first, "size": 3, "stride": 2, "pad": 1},
        {"type": "relu"},
        conv | {"filters": second, "size": 3, "stride": 1, "pad": 0},
        {"type": "relu"},
        {"type": "global_avg_pool"},
        {"type": "affine", "units": units},
    ]
    params = {
        "W1": 0.02 * rng.standard_normal((first, 3, 3, 3)),
        "b1": rng.standard_normal(first),
        "W2": 0.4 * rng.standard_normal((second, first, 3, 3)),
        "b2": rng.standard_normal(second),
        "W3": rng.standard_normal((second, units)),
        "b3": rng.standard_normal(units),
    }
    return {"architecture": architecture, "params": params, "input_size": list(size), "pixel_mean": list(MEAN)}


def with_silent_outputs(net, x):
    """The linear network with first two units that are exactly 0 for the image x of whole numbers.

    Nothing reaches the first. What reaches the second cancels.
    """
    W, b = net["params"]["W1"].copy(), net["params"]["b1"].copy()
    W[:, :2] = b[:2] = 0
    i, j = np.flatnonzero(x)[:2]
    W[[i, j], 1] = x.ravel()[j], -x.ravel()[i]
    return with_params(net, W1=W, b1=b)


def with_params(net, **changed):
    """The network with some parameters replaced; the others are shared."""
    return net | {"params": net["params"] | changed}


def without_last_relu(net):
    """The network with a last convolution whose maps have both signs."""
    architecture = [dict(block) for block in net["architecture"]]
    last = max(k for k, block in enumerate(architecture) if block["type"] == "conv")
    architecture[last] |= {"batchnorm": False, "relu": False}
    extra = tuple(f"{name}{last + 1}" for name in ("gamma", "beta", "running_mean", "running_var"))
    params = {name: value for name, value in net["params"].items() if name not in extra}
    return net | {"architecture": architecture, "params": params}


def with_dead_layer(net):
    """The network with a first layer whose ReLUs never let anything through."""
    return with_params(net, beta1=np.full_like(net["params"]["beta1"], -1e3))


def pictures(rng, N, size=(H, W)):
    """Pictures with coarse structure and some noise, (N, 3, H, W) in model space, away from black and white."""
    coarse = rng.uniform(60, 190, (N, 3, -(-size[0] // 3), -(-size[1] // 3))).repeat(3, axis=2).repeat(3, axis=3)
    fine = rng.uniform(-40, 40, (N, 3, *size))
    return coarse[:, :, : size[0], : size[1]] + fine - np.array(MEAN).reshape(1, 3, 1, 1)


def scores_of(net, X):
    return network({"network": net}).scores(X)


def class_order(net, X):
    """Classes by score, lowest first: (N, K)."""
    return scores_of(net, X).argsort(axis=1)


def with_negative_scores(net, X):
    """The network with biases so low that all scores of X are negative."""
    name = [name for name in net["params"] if name.startswith("b")][-1]
    return with_params(net, **{name: net["params"][name] - scores_of(net, X).max() - 2.0})


def with_far_scores(net, factor=200.0):
    """The network with scores so far apart that all probabilities are near 0 or 1."""
    name = [name for name in net["params"] if name.startswith("W")][-1]
    return with_params(net, **{name: factor * net["params"][name]})
