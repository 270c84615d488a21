"""The core of the exercises that change an image step by step: what CS231n's notebooks of 2016 ask for.

They leave the learning rate, the first image and the generator of random numbers to the student. So the networks here
are linear, where the right result does not depend on these: the direction of a sum of gradients, or the one image at
which a penalised objective is stationary.
"""

import builtins
import inspect
from contextlib import contextmanager
from functools import partial

import numpy as np

from ..._language import marked
from ..._language import translated as _
from .registry import ReturnError
from .seeing_networks import MEAN, network, pictures

SIZE = (64, 64)  # of the images; the notebooks write it into their functions
_SEED = 2  # of NumPy's global generator
_NEVER = 10**6  # steps until the next blur


def linear_convolution(rng, scale, layers=1):
    """Filters of 4 x 4 pixels side by side, no ReLU: orthogonal, of length `scale`; then the mean and three scores."""
    filters = np.linalg.qr(rng.standard_normal((48, 3)))[0].T
    conv = {"type": "conv", "filters": 3, "bias": False, "relu": False, "batchnorm": False}
    architecture = [conv | {"size": 4, "stride": 4, "pad": 0}]
    params = {"W1": scale * filters.reshape(3, 3, 4, 4)}
    for n in range(2, layers + 1):
        architecture.append(conv | {"size": 1, "stride": 1, "pad": 0})
        params[f"W{n}"] = np.linalg.qr(rng.standard_normal((3, 3)))[0].reshape(3, 3, 1, 1)
    architecture += [{"type": "global_avg_pool"}, {"type": "affine", "units": 3}]
    params |= {f"W{layers + 1}": np.linalg.qr(rng.standard_normal((3, 3)))[0], f"b{layers + 1}": np.zeros(3)}
    return {"architecture": architecture, "params": params, "input_size": list(SIZE), "pixel_mean": list(MEAN)}


def with_options(function, options):
    """The function with the options that it takes: those of its parameters, or all of them where it takes any."""
    parameters = inspect.signature(function).parameters
    any_name = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return partial(function, **{name: value for name, value in options.items() if any_name or name in parameters})


def as_checked(function, options):
    """The function with the options that it takes, and what else the checker gives it; its last input is a network.

    That is the seed of NumPy's global generator, and the names of `notebook`.
    """

    def call(*inputs):
        with notebook(inputs[-1]):
            np.random.seed(_SEED)  # noqa: NPY002
            return with_options(function, options)(*inputs)

    return call


class _Anything:
    """Stands for matplotlib.pyplot: takes every call and shows nothing."""

    def __getattr__(self, name):
        return lambda *args, **kwargs: self


@contextmanager
def notebook(model):
    """While the block runs, names that a function may have from its notebook mean something here, too."""
    mean_image = np.broadcast_to(np.reshape(MEAN, (3, 1, 1)), (3, *SIZE)).copy()
    class_names = [[f"class {k}"] for k in range(model.num_classes)]

    def blur_image(X, *args, **kwargs):
        return X  # it may be called before the first step, which nothing here asks for

    def deprocess_image(X, *args, **kwargs):
        return model.deprocess(X)[0]

    names = {
        "data": {"mean_image": mean_image, "class_names": class_names},
        "blur_image": blur_image,
        "deprocess_image": deprocess_image,
        "plt": _Anything(),
        "xrange": range,
    }
    added = [name for name in names if not hasattr(builtins, name)]
    for name in added:
        setattr(builtins, name, names[name])
    try:
        yield
    finally:
        for name in added:
            delattr(builtins, name)


def _first_image():
    """The image that the notebooks' line np.random.randn(1, 3, 64, 64) draws here."""
    return np.random.RandomState(_SEED).randn(1, 3, *SIZE)


def direction(after, before):
    """The change of an image, divided by its length: a unit vector."""
    change = np.asarray(after, dtype=float) - before
    return change / (np.linalg.norm(change) or 1.0)


def rounded(X):
    """An image to a billionth of a grey level: what has decayed to nothing is nothing."""
    return np.round(X, 9) + 0.0 if isinstance(X, np.ndarray) and X.dtype.kind == "f" else X


def image(out, function, value, shape):
    """What a function returned, or None where it is not an image of this shape: then it is kept as it is."""
    name = "X_fooling" if function == "make_fooling_image" else "X"
    out.checked(function, value, name)
    if isinstance(value, np.ndarray) and value.shape == tuple(shape) and value.dtype.kind == "f":
        return value
    out.take(function, value, name)
    return None


# -- fooling -----------------------------------------------------------------------------------------------------------


def fooling_cases(rng):
    """The target is a little below the highest score: whatever the learning rate, it is soon above."""
    net = linear_convolution(rng, 0.5)
    X = pictures(rng, 1, SIZE)

    def case(scores):
        bias = np.array(scores) - network({"network": net | {"params": net["params"] | {"b2": np.zeros(3)}}}).scores(X)
        return {"network": net | {"params": net["params"] | {"b2": bias[0]}}, "X": X, "target_y": 1}

    return {
        "any learning rate": case([0.3, 0.26, -0.5]),
        "any learning rate and negative scores": case([-1.3, -1.34, -1.5]),
    }


# For functions with such parameters, which CS231n's has not. The rate is too small to reach black or white.
_FOOLING_OPTIONS = {"learning_rate": 5.0, "normalize": True, "max_iterations": 100}


def run_fooling(f, c, out):
    model = network(c)
    before = c["X"].copy()
    parameters = inspect.signature(f.make_fooling_image).parameters.values()
    needed = {p.name for p in parameters if p.default is p.empty or p.name == "learning_rate"}
    options = {name: value for name, value in _FOOLING_OPTIONS.items() if name in needed}
    with notebook(model):
        X = f.make_fooling_image(c["X"], c["target_y"], model, **options)
        X = image(out, "make_fooling_image", X, before.shape)
    if X is not None:
        out.take("make_fooling_image", direction(X, before), "(X_fooling - X) / norm")
        scores, y = model.forward(X)[0], c["target_y"]
        if scores.argmax() != y:
            risen = scores[0, y] > model.forward(before)[0][0, y]
            words = (
                marked(
                    "make_fooling_image ends before the network is fooled: the target's score has risen, but it is not "
                    "the highest yet"
                )
                if risen
                else marked("make_fooling_image does not fool the network: the target's score has not risen")
            )
            raise ReturnError(_(words))
    return model


# -- class visualisation -----------------------------------------------------------------------------------------------


def class_visualization_cases(rng):
    """Steps and penalty are such that every start ends at one image, w / (2 l2_reg), as far as pixels go."""
    net = linear_convolution(rng, 0.5)
    options = {
        "learning_rate": 2.5e4,
        "l2_reg": 1e-5,
        "num_iterations": 40,
        "max_jitter": 0,
        "blur_every": _NEVER,
        "show_every": _NEVER,
        "normalize": False,
        "num_octaves": 1,
        "blur_sigma": 0.7,
        "objective": "score",
        "rng": 3,
        "X_init": _first_image(),
    }
    one = {"network": net, "target_y": 1, "core_options": options}
    low = net | {"params": net["params"] | {"b2": np.full(3, -5.0)}}
    return {
        "until it settles": one,
        "until it settles with negative scores": one | {"network": low, "target_y": 2},
        "until it settles at black and white": one
        | {"target_y": 0, "core_options": options | {"l2_reg": 1e-6, "learning_rate": 2.5e5}},
    }


def run_class_visualization(f, c, out):
    model = network(c)
    function = f.create_class_visualization
    with notebook(model):
        np.random.seed(_SEED)  # noqa: NPY002
        X = with_options(function, c["core_options"])(c["target_y"], model)
    out.take("create_class_visualization", rounded(X), "X")
    return model


# -- inversion ---------------------------------------------------------------------------------------------------------


def inversion_cases(rng):
    """Features of length 1, so that it is the same whether their distance is normalised, and a penalty that decides."""
    net = linear_convolution(rng, 1e-3, layers=2)
    target = rng.standard_normal((1, 3, SIZE[0] // 4, SIZE[1] // 4))
    target /= np.linalg.norm(target)
    options = {
        "learning_rate": 2.5e5,
        "l2_reg": 1e-6,
        "num_iterations": 60,
        "blur_every": _NEVER,
        "show_every": _NEVER,
        "max_jitter": 0,
        "normalize": False,
        "tv_weight": 0.0,
        "blur_sigma": 0.7,
        "X_init": _first_image(),
    }
    one = {"network": net, "target_feats": target, "layer": 0, "core_options": options}
    return {"until it settles": one, "until it settles with a deeper layer": one | {"layer": 1}}


def run_inversion(f, c, out):
    model = network(c)
    function = f.invert_features
    with notebook(model):
        np.random.seed(_SEED)  # noqa: NPY002
        X = with_options(function, c["core_options"])(c["target_feats"], c["layer"], model)
    out.take("invert_features", rounded(X), "X")
    return model


# -- dreaming ----------------------------------------------------------------------------------------------------------


def dream_cases(rng):
    """What the layer sees grows, and the rest of the image stays: the direction is the same at every rate."""
    net = linear_convolution(rng, 0.01, layers=2)
    options = {
        "learning_rate": 5.0,
        "num_iterations": 5,
        "max_jitter": 0,
        "show_every": _NEVER,
        "normalize": False,
        "num_octaves": 1,
        "octave_scale": 1.4,
        "rng": 5,
    }
    one = {"network": net, "X": pictures(rng, 1, SIZE), "layer": 0, "core_options": options}
    return {
        "any learning rate": one,
        "any learning rate and a deeper layer": one | {"layer": 1, "core_options": options | {"num_iterations": 1}},
        "black and white": one | {"core_options": options | {"learning_rate": 1e6}},
    }


def run_dream(f, c, out):
    from ...visualization.objectives import activation

    model, function = network(c), f.deepdream
    before, options = c["X"].copy(), c["core_options"] | {"objective": activation}
    with notebook(model):
        np.random.seed(_SEED)  # noqa: NPY002
        value = with_options(function, options)(c["X"], c["layer"], model)
    X = image(out, "deepdream", value, before.shape)
    if X is None:
        return model
    low, high = model.bounds(before)
    beyond = (X < low - 1e-6) | (X > high + 1e-6)
    if c["core_options"]["learning_rate"] > 1e3:
        out.take("deepdream", float(beyond.sum()), "pixels beyond black and white")
    else:
        out.take("deepdream", direction(X, before), "(result - X) / norm")
    return model
