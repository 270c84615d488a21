"""Inputs of the track *Seeing*, and how its functions are called.

Every case carries a small network as plain numbers, in float64; `network` builds it. Steps are few and where random
numbers matter their seed is given, so that results are the same everywhere.
"""

from contextlib import suppress

import numpy as np

from ..._language import marked
from ..._language import translated as _
from . import seeing_core as core
from .registry import ReturnError, Stage
from .seeing_networks import (
    class_order,
    convolutional_network,
    linear_network,
    network,
    pictures,
    plain_network,
    with_dead_layer,
    with_far_scores,
    with_negative_scores,
    with_params,
    with_silent_outputs,
    without_last_relu,
)

OF_IMAGE = marked("the objective")  # what perceptual_objective returns, in words about what that returns

# -- running -----------------------------------------------------------------------------------------------------------


def _hand_back(c, model):
    """Parameters that a function changed are an input that it changed."""
    given = c["network"]["params"]
    if given.keys() != model.params.keys() or any(not np.array_equal(given[k], model.params[k]) for k in given):
        c["network"]["params"] = dict(model.params)


class _Trace:
    """What a callback is told, kept where the case asks for it: a row of numbers for each call."""

    def __init__(self, c, name):
        self.name, self.rows = name, []
        self.options = {"callback": self} if c.get("callback") else {}

    def __call__(self, t, X, info):
        self.rows.append(np.concatenate([[t], np.ravel(info[self.name])]).astype(np.float64))

    def keep(self, function, out):
        if self.options:
            if not self.rows:
                raise ReturnError(_("{function} never told the callback anything", function=function))
            out.take(function, np.array(self.rows), "callback")


# -- saliency ----------------------------------------------------------------------------------------------------------


def saliency_cases(rng):
    linear, net = linear_network(rng), convolutional_network(rng)
    few, X, one = pictures(rng, 3, (5, 6)), pictures(rng, 3), pictures(rng, 1, (5, 6))
    order = class_order(net, X)
    guided = {"network": net, "X": X[:1], "y": order[:1, 1], "relu_rule": "guided"}
    return {
        "one image": {"network": linear, "X": one, "y": class_order(linear, one)[:, 1]},
        "several images": {"network": linear, "X": few, "y": np.array([2, 0, 3])},
        "convolutions and batch norm": {"network": net, "X": X[:1], "y": order[:1, 0]},
        "several images through batch norm": {"network": net, "X": X, "y": order[[0, 1, 2], [1, 4, 2]]},
        "confident network": {"network": with_far_scores(net), "X": X, "y": order[:, -1]},
        "negative scores": {"network": with_negative_scores(net, X), "X": X, "y": order[:, 0]},
        "one class for all": {"network": linear, "X": few, "y": 1},
        "rule standard": {"network": net, "X": X, "y": order[[0, 1, 2], [1, 4, 2]], "relu_rule": "standard"},
        "rule deconv": guided | {"relu_rule": "deconv"},
        "rule guided": guided,
    }


SALIENCY_STAGES = (
    Stage("one-class", 1, ("one class for all",), "one class for all images: y may be a single number"),
    Stage("gradient", 1, ("rule standard", "rule deconv", "rule guided"), "class_gradient, under each of the rules"),
)


def run_saliency(f, c, out):
    model = network(c)
    if "relu_rule" in c:
        out.take("class_gradient", f.class_gradient(c["X"], c["y"], model, relu_rule=c["relu_rule"]), "dX")
    else:
        gradient = None
        with suppress(Exception):  # it may be to do, or fail: the maps may do without it
            gradient = f.class_gradient(c["X"], c["y"], model)
        if isinstance(gradient, tuple):
            words = marked(
                "class_gradient returned {count} values; dX was expected: model.backward returns dX and a dictionary"
            )
            raise ReturnError(_(words, count=len(gradient)))
        out.take("compute_saliency_maps", f.compute_saliency_maps(c["X"], c["y"], model), "saliency")
    _hand_back(c, model)


# -- fooling -----------------------------------------------------------------------------------------------------------


def fooling_cases(rng):
    net = convolutional_network(rng)
    X = pictures(rng, 2)
    order = class_order(net, X)
    low = order[:, 0]
    sure = with_far_scores(net)
    border = np.where(rng.random(X.shape) < 0.5, -0.99, 0.99) * 100
    options = {"learning_rate": 40.0, "normalize": True, "max_iterations": 1}
    three = options | {"max_iterations": 3}
    # A step of this length goes beyond black and white in a good part of the pixels.
    far = options | {"learning_rate": 2000.0, "max_iterations": 2, "confidence": 1.0}
    one = {"network": net, "X": X[:1], "target_y": int(low[0]), "options": options}
    both = one | {"X": X, "target_y": low, "options": three}
    return core.fooling_cases(rng) | {
        "one step": one,
        "several steps": one | {"options": three},
        "several images": both,
        "one target for all": both | {"target_y": int(low[0])},
        "negative scores": both | {"network": with_negative_scores(net, X)},
        "without normalising": both | {"options": three | {"normalize": False, "learning_rate": 4000.0}},
        "confident network": both | {"network": sure},
        "already fooled": one | {"target_y": int(order[0, -1]), "options": three},
        "one is fooled before the other": both | {"target_y": np.array([order[0, -1], low[1]])},
        "more confidence asked for": one | {"target_y": int(order[0, -1]), "options": three | {"confidence": 1.0}},
        "beyond black and white": both | {"X": border, "options": far},
        "with a callback": both | {"callback": True},
        "already fooled and with a callback": one | {"target_y": int(order[0, -1]), "options": three, "callback": True},
    }


FOOLING_STAGES = (
    Stage(
        "steps",
        1,
        (
            "one step",
            "several steps",
            "without normalising",
            "already fooled",
            "more confidence asked for",
        ),
        "the exact steps of the docstring",
    ),
    Stage(
        "batches",
        1,
        (
            "several images",
            "one target for all",
            "negative scores",
            "confident network",
            "one is fooled before the other",
            "beyond black and white",
        ),
        "several images at a time; those that fool the network stay as they are",
    ),
    Stage(
        "callback",
        1,
        (
            "with a callback",
            "already fooled and with a callback",
        ),
        "a callback that is told about every step",
    ),
)


def run_fooling(f, c, out):
    if "options" not in c:
        return _hand_back(c, core.run_fooling(f, c, out))
    model, trace = network(c), _Trace(c, "score")
    X_fooling = f.make_fooling_image(c["X"], c["target_y"], model, **c["options"], **trace.options)
    out.take("make_fooling_image", X_fooling, "X_fooling")
    trace.keep("make_fooling_image", out)
    _hand_back(c, model)


# -- class visualisation -----------------------------------------------------------------------------------------------


def class_visualization_cases(rng):
    net = convolutional_network(rng)
    X = pictures(rng, 3)
    order = class_order(net, X)
    options = {
        "learning_rate": 60.0,
        "normalize": True,
        "num_iterations": 1,
        "l2_reg": 0.0,
        "max_jitter": 0,
        "blur_every": 0,
        "blur_sigma": 0.7,
        "objective": "score",
        "rng": 3,
    }
    three, regularised = options | {"num_iterations": 3}, {"l2_reg": 1e-5, "num_iterations": 3}
    one = {"network": net, "X_init": X[:1], "target_y": int(order[0, -1]), "options": options}
    several = one | {"X_init": X, "target_y": order[[0, 1, 2], [1, 4, 2]], "options": three}
    raw = three | {"normalize": False, "learning_rate": 4e3}
    return core.class_visualization_cases(rng) | {
        "one step": one,
        "several steps": one | {"options": three},
        "several classes": several,
        "negative scores": several | {"network": with_negative_scores(net, X)},
        "confident network": several | {"network": with_far_scores(net)},
        "regularised": several | {"options": options | regularised},
        "without normalising": several | {"options": raw | regularised},
        "jitter": one | {"options": three | {"max_jitter": 3}},
        "jitter and regularised": one | {"options": options | regularised | {"max_jitter": 3}},
        "blurred": one | {"options": options | {"num_iterations": 4, "blur_every": 2}},
        "blurred after every third step": one | {"options": options | {"num_iterations": 7, "blur_every": 3}},
        "log odds": several | {"options": three | {"objective": "log_odds"}},
        "log odds without normalising": several | {"options": raw | {"objective": "log_odds"}},
        "beyond black and white": one | {"options": three | {"learning_rate": 2500.0}},
        "with a callback": several | {"callback": True},
    }


CLASS_VISUALIZATION_STAGES = (
    Stage(
        "steps",
        1,
        (
            "one step",
            "several steps",
            "beyond black and white",
        ),
        "the exact steps of the docstring",
    ),
    Stage(
        "batches",
        1,
        (
            "several classes",
            "negative scores",
            "confident network",
            "regularised",
            "without normalising",
        ),
        "several images at a time, each with a class of its own",
    ),
    Stage(
        "jitter-and-blur",
        1,
        (
            "jitter",
            "jitter and regularised",
            "blurred",
            "blurred after every third step",
        ),
        "jitter from the given generator, and blur after every so many steps",
    ),
    Stage(
        "log-odds",
        1,
        (
            "log odds",
            "log odds without normalising",
        ),
        'the objective "log_odds"',
    ),
    Stage("callback", 1, ("with a callback",), "a callback that is told about every step"),
)


def run_class_visualization(f, c, out):
    if "options" not in c:
        return _hand_back(c, core.run_class_visualization(f, c, out))
    model, trace = network(c), _Trace(c, "score")
    X = f.create_class_visualization(c["target_y"], model, X_init=c["X_init"], **c["options"], **trace.options)
    out.take("create_class_visualization", X, "X")
    trace.keep("create_class_visualization", out)
    _hand_back(c, model)


# -- inversion ---------------------------------------------------------------------------------------------------------


def inversion_cases(rng):
    net = convolutional_network(rng)
    X, start = pictures(rng, 2), 0.3 * pictures(rng, 2)
    X[1] *= 0.4  # targets of different lengths
    model = network({"network": net})
    even = convolutional_network(rng, filters=(6, 6, 6), strides=(2, 1, 1))
    middle, _ = network({"network": even}).forward(X[:1], end="conv2")
    first, second, scores = (model.forward(X, end=end)[0] for end in ("conv1", "conv2", "affine1"))
    options = {
        "learning_rate": 60.0,
        "normalize": True,
        "num_iterations": 1,
        "l2_reg": 0.0,
        "tv_weight": 0.0,
        "blur_every": 0,
        "blur_sigma": 0.7,
    }
    three = options | {"num_iterations": 3}
    one = {"network": net, "target_feats": first[:1], "layer": 0, "X_init": start[:1], "options": options}
    both = one | {"target_feats": first, "X_init": start, "options": three}
    raw = three | {"normalize": False, "learning_rate": 2e4}
    return core.inversion_cases(rng) | {
        "one step": one,
        "several steps": one | {"options": three},
        "several images": both,
        "deeper layer": both | {"target_feats": second, "layer": "conv2"},
        "layers of one shape": one | {"network": even, "target_feats": middle, "layer": "conv2"},
        "layer without maps": both | {"target_feats": scores, "layer": "affine1"},
        "without normalising": both | {"options": raw},
        "regularised": both | {"options": three | {"l2_reg": 3e-6}},
        "regularised without normalising": both | {"options": raw | {"l2_reg": 3e-6}},
        "total variation": both | {"options": three | {"tv_weight": 1e-6}},
        "blurred": one | {"options": options | {"num_iterations": 4, "blur_every": 2}},
        "blurred after every third step": one | {"options": options | {"num_iterations": 7, "blur_every": 3}},
        "beyond black and white": one | {"options": three | {"learning_rate": 2500.0}},
        "features of zero": one | {"target_feats": np.zeros_like(first[:1]), "options": three},
        "dead layer": one | {"network": with_dead_layer(net), "options": three},
        "with a callback": both | {"callback": True},
    }


INVERSION_STAGES = (
    Stage(
        "steps",
        1,
        (
            "one step",
            "several steps",
            "layers of one shape",
            "beyond black and white",
            "features of zero",
            "dead layer",
        ),
        "the exact steps of the docstring",
    ),
    Stage(
        "batches",
        1,
        (
            "several images",
            "deeper layer",
            "layer without maps",
            "without normalising",
        ),
        "several images at a time, each with features of its own",
    ),
    Stage(
        "regularisers",
        1,
        (
            "regularised",
            "regularised without normalising",
            "total variation",
        ),
        "the regularisers beside the normalised distance",
    ),
    Stage(
        "blur",
        1,
        (
            "blurred",
            "blurred after every third step",
        ),
        "blur after every so many steps",
    ),
    Stage("callback", 1, ("with a callback",), "a callback that is told about every step"),
)


def run_inversion(f, c, out):
    if "options" not in c:
        return _hand_back(c, core.run_inversion(f, c, out))
    model, trace = network(c), _Trace(c, "loss")
    options = c["options"] | trace.options
    X = f.invert_features(c["target_feats"], c["layer"], model, X_init=c["X_init"], **options)
    out.take("invert_features", X, "X")
    trace.keep("invert_features", out)
    _hand_back(c, model)


# -- dreaming ----------------------------------------------------------------------------------------------------------


def dream_cases(rng):
    net = convolutional_network(rng)
    X = pictures(rng, 2)
    X[1] *= 0.4  # gradients of different lengths
    guide, small = pictures(rng, 1), pictures(rng, 1, (9, 8))
    large = (34, 40)
    whole = convolutional_network(rng, size=large)
    del whole["pixel_mean"]
    whole["mean_image"] = rng.uniform(90, 150, (3, *large))
    options = {
        "learning_rate": 60.0,
        "normalize": True,
        "num_iterations": 1,
        "max_jitter": 0,
        "num_octaves": 1,
        "octave_scale": 1.4,
        "rng": 5,
    }
    three = options | {"num_iterations": 3}
    one = {"network": net, "X": X[:1], "layer": 0, "options": options}
    both = one | {"X": X, "options": three}
    several = {"names": ["conv1", "conv2", "conv2"], "channels": [None, None, 3], "weights": [0.3, 1.0, 5.0]}
    octaves = {"network": whole, "X": pictures(rng, 1, large), "layer": "conv2"}
    return core.dream_cases(rng) | {
        "one step": one,
        "several steps": one | {"options": three},
        "several images": both,
        "deeper layer": both | {"layer": "conv2"},
        "layer without maps": both | {"layer": "affine1"},
        "without normalising": both | {"options": three | {"normalize": False, "learning_rate": 50.0}},
        "jitter": one | {"options": three | {"max_jitter": 3}},
        "beyond black and white": one | {"options": three | {"learning_rate": 2500.0}},
        "layers and channels together": both | {"layer": several},
        "with a guide": both | {"layer": several, "guide": guide},
        "with a guide of another size": one | {"guide": small},
        "dead layer": one | {"network": with_dead_layer(net), "options": three},
        "two octaves": octaves
        | {"options": options | {"num_octaves": 2, "num_iterations": 2, "learning_rate": 1500.0}},
        "with a callback": both | {"callback": True},
    }


DREAM_STAGES = (
    Stage(
        "steps",
        1,
        (
            "one step",
            "several steps",
            "beyond black and white",
            "dead layer",
        ),
        "the exact steps of the docstring",
    ),
    Stage(
        "batches",
        1,
        (
            "several images",
            "deeper layer",
            "layer without maps",
            "without normalising",
        ),
        "several images at a time",
    ),
    Stage("jitter", 1, ("jitter",), "jitter from the generator that is given"),
    Stage(
        "objectives",
        1,
        (
            "layers and channels together",
            "with a guide",
            "with a guide of another size",
        ),
        "an objective that is passed in, for several layers",
    ),
    Stage("octaves", 1, ("two octaves",), "octaves: the bounds of the size at which the step is taken"),
    Stage("callback", 1, ("with a callback",), "a callback that is told about every step"),
)


def run_dream(f, c, out):
    if "options" not in c:
        return _hand_back(c, core.run_dream(f, c, out))
    model, trace = network(c), _Trace(c, "product")
    layers, wanted = dream_objective(c, model)
    X = f.deepdream(c["X"], layers, model, objective=wanted, **c["options"], **trace.options)
    out.take("deepdream", X, "X")
    trace.keep("deepdream", out)
    _hand_back(c, model)


def dream_objective(c, model):
    """The layers of a case, and what grows there."""
    from ...visualization.objectives import guided, layers_of, mixture

    layer, guide = c["layer"], c.get("guide")
    if not isinstance(layer, dict):
        weights = {layer: 1.0}
    else:
        rows = zip(layer["names"], layer["channels"], layer["weights"])
        weights = {(name if channel is None else (name, channel)): weight for name, channel, weight in rows}
    wanted = mixture(weights, model) if guide is None else guided(guide, weights, model)
    return layers_of(weights, model), wanted


# -- occlusion ---------------------------------------------------------------------------------------------------------


def occlusion_cases(rng):
    linear, net = linear_network(rng, size=(6, 8)), convolutional_network(rng)
    few, X = pictures(rng, 3, (6, 8)), pictures(rng, 2)
    options = {"window": 2, "stride": 2, "fill": "grey"}
    one = {"network": linear, "X": few[:1], "y": 1, "options": options}
    several = one | {"X": few, "y": np.array([2, 0, 3])}
    convolutional = {"network": net, "X": X, "y": class_order(net, X)[[0, 1], [4, 0]]}
    return {
        "one image": one,
        "several images": several,
        "overlapping windows": one | {"options": options | {"window": 3, "stride": 1}},
        "the last windows overlap": one | {"options": options | {"window": 4, "stride": 3}},
        "filled with black": one | {"options": options | {"fill": "black"}},
        "filled with blur": several | {"options": options | {"fill": "blur"}},
        "small batches": several | {"options": options | {"batch_size": 5}},
        "convolutions and batch norm": convolutional | {"options": options | {"window": 4, "stride": 3}},
        "probability": convolutional | {"options": options | {"window": 4, "stride": 3, "objective": "probability"}},
    }


def run_occlusion(f, c, out):
    model = network(c)
    occlusion = f.occlusion_maps(c["X"], c["y"], model, **c["options"])
    out.take("occlusion_maps", (occlusion.maps, occlusion.grid), "maps", "grid")
    _hand_back(c, model)


# -- guided backpropagation --------------------------------------------------------------------------------------------


def guided_cases(rng):
    net = convolutional_network(rng)
    X = pictures(rng, 3)
    order = class_order(net, X)
    three = convolutional_network(rng, filters=(6, 5, 8), strides=(2, 1, 1))
    return {
        "one image": {"network": net, "X": X[:1], "y": order[:1, 1]},
        "several images": {"network": net, "X": X, "y": order[[0, 1, 2], [1, 4, 2]]},
        "one class for all": {"network": net, "X": X, "y": int(order[0, 0])},
        "confident network": {"network": with_far_scores(net), "X": X, "y": order[:, -1]},
        "negative scores": {"network": with_negative_scores(net, X), "X": X, "y": order[:, 0]},
        "more layers": {"network": three, "X": X[:1], "y": 2},
    }


def run_guided(f, c, out):
    model = network(c)
    out.take("guided_backprop", f.guided_backprop(c["X"], c["y"], model), "dX")
    _hand_back(c, model)


# -- class activation maps ---------------------------------------------------------------------------------------------


def cam_cases(rng):
    net = convolutional_network(rng)
    X = pictures(rng, 3)
    order = class_order(net, X)
    options = {"relu": False, "upsample": False}
    one = {"network": net, "X": X[:1], "y": order[:1, 1], "options": options}
    several = one | {"X": X, "y": order[[0, 1, 2], [1, 4, 2]]}
    against = with_params(net, W3=-np.abs(net["params"]["W3"]))
    return {
        "one image": one,
        "several images": several,
        "one class for all": several | {"y": 1},
        "with ReLU": several | {"options": options | {"relu": True}},
        "enlarged": several | {"options": options | {"upsample": True}},
        "with ReLU and enlarged": several | {"options": {"relu": True, "upsample": True}},
        "all-negative map": several | {"network": against, "options": options | {"relu": True}},
        "layer without ReLU": several | {"network": without_last_relu(net), "options": options | {"relu": True}},
        "as many maps as classes": several | {"network": convolutional_network(rng, filters=(6, 5))},
        "a map for each class": several | {"network": convolutional_network(rng, filters=(6, 5), head=False)},
    }


def run_cam(f, c, out):
    model = network(c)
    out.take("class_activation_maps", f.class_activation_maps(c["X"], c["y"], model, **c["options"]), "maps")
    _hand_back(c, model)


def grad_cam_cases(rng):
    net = convolutional_network(rng)
    X = pictures(rng, 3)
    order = class_order(net, X)
    options = {"layer": None, "relu": False, "upsample": False}
    one = {"network": net, "X": X[:1], "y": order[:1, 1], "options": options}
    several = one | {"X": X, "y": order[[0, 1, 2], [1, 4, 2]]}
    against = with_params(net, W3=-np.abs(net["params"]["W3"]))
    return {
        "one image": one,
        "several images": several,
        "one class for all": several | {"y": 1},
        "three maps": several | {"network": convolutional_network(rng, filters=(3, 3))},
        "layer without ReLU": several | {"network": without_last_relu(net)},
        "other layer": several | {"options": options | {"layer": "conv1"}},
        "with ReLU": several | {"options": options | {"relu": True}},
        "enlarged": several | {"options": options | {"upsample": True}},
        "with ReLU and enlarged": several | {"options": options | {"relu": True, "upsample": True}},
        "confident network": several | {"network": with_far_scores(net), "y": order[:, -1]},
        "negative scores": several | {"network": with_negative_scores(net, X)},
        "all-negative map": several | {"network": against, "options": options | {"relu": True}},
        "dead layer": one | {"network": with_dead_layer(net), "options": options | {"layer": "conv1"}},
    }


def run_grad_cam(f, c, out):
    model = network(c)
    out.take("grad_cam", f.grad_cam(c["X"], c["y"], model, **c["options"]), "maps")
    _hand_back(c, model)


# -- LayerCAM and Grad-CAM++, RISE, LRP --------------------------------------------------------------------------------


def layer_cam_cases(rng):
    A = np.maximum(rng.standard_normal((3, 4, 5, 6)) + 0.3, 0)  # behind a ReLU
    g = 0.2 * rng.standard_normal(A.shape)
    one = {"A": A[:1], "g": g[:1]}
    zeros = np.where(rng.random(g.shape) < 0.4, 0.0, g)
    # Quarters, so that sums are exact: 2 g^2 + S g^3 is 0 where g is -2 / S.
    quarters = np.array([1.0, 2.0, -1.5, 2.5, 1.0, -1.0]).reshape(1, 1, 2, 3)
    slopes = np.array([0.5, -0.5, 0.25, -1.0, 1.0, 0.0]).reshape(1, 1, 2, 3)
    return {
        "one image": one,
        "several images": {"A": A, "g": g},
        "large gradients": {"A": A, "g": 20 * g},
        "gradient 0 in places": {"A": A, "g": zeros},
        "layer without ReLU": {"A": rng.standard_normal(A.shape), "g": g},
        "denominator 0": {"A": np.concatenate([quarters, -quarters]), "g": slopes.repeat(2, axis=0)},
        "all-negative gradient": one | {"g": -np.abs(g[:1])},
        "the same gradient everywhere": one | {"g": np.broadcast_to(g[:1, :, :1, :1], g[:1].shape).copy()},
        "one position": {"A": A[..., :1, :1], "g": g[..., :1, :1]},
        "dead layer": one | {"A": np.zeros_like(A[:1])},
    }


def run_layer_cam(f, c, out):
    out.take("layer_cam_weights", f.layer_cam_weights(c["A"], c["g"]), "LayerCAM")
    out.take("grad_cam_plus_plus_weights", f.grad_cam_plus_plus_weights(c["A"], c["g"]), "Grad-CAM++")


def rise_cases(rng):
    net = convolutional_network(rng)
    X = pictures(rng, 3)
    order = class_order(net, X)
    options = {"samples": 6, "grid": 3, "keep": 0.5, "fill": "grey", "rng": 7, "batch_size": 8}
    one = {"network": net, "X": X[:1], "y": order[:1, -1], "options": options}
    several = one | {"X": X, "y": order[[0, 1, 2], [4, 1, 3]]}
    return {
        "one image": one,
        "several images": several,
        "one class for all": several | {"y": 2},
        "a third is seen": one | {"options": options | {"keep": 0.3}},
        "filled with black": several | {"options": options | {"fill": "black"}},
        "filled with blur": several | {"options": options | {"fill": "blur"}},
        "small batches": several | {"options": options | {"samples": 7, "batch_size": 3}},
        "one mask": one | {"options": options | {"samples": 1}},
        "score": several | {"options": options | {"objective": "score"}},
        "negative scores": several
        | {"network": with_negative_scores(net, X), "options": options | {"objective": "score"}},
    }


def run_rise(f, c, out):
    model = network(c)
    out.take("rise", f.rise(c["X"], c["y"], model, **c["options"]), "maps")
    _hand_back(c, model)


def lrp_cases(rng):
    flat, net = linear_network(rng), plain_network(rng)
    X, small = pictures(rng, 3), pictures(rng, 3, (5, 6))
    model = network({"network": net})
    a, scale = [X], np.array([1.0, 0.1, 3.0])  # a[k]: what layer k reads
    for k in range(len(model.layer_names)):
        a.append(model.forward(a[-1], start=k, end=k)[0])
    conv, _relu, second, _relu, pool, affine = range(6)

    def case(layer, epsilon=0.25, images=3, inputs=None, of=net):
        inputs = a[layer] if inputs is None else inputs
        given = inputs[:images] * scale[:images].reshape(-1, *[1] * (inputs.ndim - 1))
        z = network({"network": of}).forward(given, start=layer, end=layer)[0]
        return {"network": of, "layer": layer, "a": given, "R": rng.standard_normal(z.shape), "epsilon": epsilon}

    silent = case(0, 0.0, inputs=np.round(small), images=1, of=with_silent_outputs(flat, np.round(small[0])))
    dark = np.maximum(a[second], 0)
    dark[1] = 0
    dark[2, :, :, :3] = 0
    unbiased = with_params(net, b2=np.zeros_like(net["params"]["b2"]))
    return {
        "affine layer": case(0, images=1, inputs=small, of=flat),
        "without epsilon": case(0, 0.0, images=1, inputs=small, of=flat),
        "several images": case(0, inputs=small, of=flat),
        "convolution": case(conv, images=1),
        "convolution of several images": case(conv),
        "convolution inside the network": case(second),
        "last layer": case(affine),
        "average pooling": case(pool),
        "large epsilon": case(second, 2.0),
        "denominator 0": silent,
        "denominator 0 but for epsilon": silent | {"epsilon": 0.5},
        "inputs that are 0": case(second, 0.0, inputs=dark, of=unbiased),
        "inputs that are 0 and epsilon": case(second, 0.25, inputs=dark, of=unbiased),
    }


def run_lrp(f, c, out):
    model = network(c)
    value = f.propagate_relevance(c["R"], c["a"], c["layer"], model, epsilon=c["epsilon"])
    out.take("propagate_relevance", value, "relevance")
    _hand_back(c, model)


# -- losses of style transfer ------------------------------------------------------------------------------------------


def content_cases(rng):
    current, original = rng.standard_normal((2, 3, 4, 5, 6))
    one = {"content_weight": 1.0, "content_current": current[:1], "content_original": original[:1]}
    return {
        "one image": one,
        "weighted": one | {"content_weight": 0.06},
        "several images": one | {"content_current": current, "content_original": original},
        "features without places": one
        | {"content_current": current[..., 0, 0], "content_original": original[..., 0, 0]},
        "the same features": one | {"content_original": current[:1].copy()},
    }


def run_content(f, c, out):
    value = f.content_loss(c["content_weight"], c["content_current"], c["content_original"])
    out.take("content_loss", value, "loss", "dcurrent")


def gram_cases(rng):
    features = rng.standard_normal((3, 4, 5, 7)) + 0.3
    dgram = rng.standard_normal((3, 4, 4))
    symmetric = dgram + dgram.transpose(0, 2, 1)
    one = {"features": features[:1], "dgram": symmetric[:1], "normalize": False}
    return {
        "one image": one,
        "normalised": one | {"normalize": True},
        "several images": one | {"features": features, "dgram": symmetric},
        "several images normalised": one | {"features": features, "dgram": symmetric, "normalize": True},
        "dgram not symmetric": one | {"dgram": dgram[:1]},
        "more channels than places": one | {"features": rng.standard_normal((1, 4, 1, 2))},
    }


def run_gram(f, c, out):
    out.take("gram_matrix", f.gram_matrix(c["features"], c["normalize"]), "gram")
    dfeatures = f.gram_matrix_backward(c["dgram"], c["features"], c["normalize"])
    out.take("gram_matrix_backward", dfeatures, "dfeatures")


def style_cases(rng):
    shapes = [(4, 8, 9), (6, 4, 5), (5, 2, 3), (3, 6, 4)]
    feats = [rng.standard_normal((2, *shape)) for shape in shapes]
    targets = [_targets(rng, 2, C) for C, _, _ in shapes]

    def case(N, layers, weights, of=None):
        sought = [targets[k][: of or N] for k in layers]
        return {"feats": [a[:N] for a in feats], "layers": layers, "targets": sought, "weights": weights}

    return {
        "one layer": case(1, [0], [1.0]),
        "another layer": case(1, [2], [1.0]),
        "weighted": case(1, [0], [3.0]),
        "several layers": case(1, [0, 1, 3], [1.0, 1.0, 1.0]),
        "several weighted layers": case(1, [0, 1, 3], [2.0, 30.0, 0.5]),
        "layers in another order": case(1, [3, 0, 2], [2.0, 3.0, 0.5]),
        "several images": case(2, [0, 1], [1.0, 2.0]),
        "one target for several images": case(2, [0, 1], [1.0, 2.0], of=1),
    }


def _targets(rng, N, C):
    """Symmetric, with a large positive diagonal: something that could be the style of a picture."""
    drawn = rng.uniform(-1, 1, (N, C, C))
    return 0.1 * (drawn + np.swapaxes(drawn, 1, 2) + 2 * C * np.eye(C))


def run_style(f, c, out):
    value = f.style_loss(c["feats"], c["layers"], c["targets"], c["weights"])
    if not isinstance(value, list | tuple) or len(value) != 2:
        out.take("style_loss", value, "loss", "dfeats")  # raises ReturnError
    loss, dfeats = value
    out.take("style_loss", loss, "loss")
    if not isinstance(dfeats, list | tuple) or len(dfeats) != len(c["layers"]):
        several = isinstance(dfeats, list | tuple)
        got = _("a list of {count}", count=len(dfeats)) if several else f"a {type(dfeats).__name__}"
        raise ReturnError(
            _(
                "style_loss returned {got} as dfeats; a list of {count} was expected, one a layer",
                got=got,
                count=len(c["layers"]),
            )
        )
    for k, dfeat in enumerate(dfeats):
        out.take("style_loss", dfeat, f"dfeats[{k}]")


def tv_cases(rng):
    noise = 50 * rng.standard_normal((2, 3, 5, 7))
    rows, columns = np.mgrid[:5, :7]
    ramp = np.broadcast_to(3.0 * rows + 2.0 * columns + rng.uniform(0, 20), (1, 3, 5, 7)).copy()
    one = {"img": noise[:1], "tv_weight": 1.0}
    return {
        "noise": one,
        "weighted": one | {"tv_weight": 0.02},
        "several images": one | {"img": noise},
        "smooth ramp": one | {"img": ramp},
        "constant": one | {"img": np.full((1, 3, 5, 7), 17.0)},
        "one row": one | {"img": noise[:1, :, :1]},
        "one column": one | {"img": noise[:1, :, :, :1]},
    }


def run_tv(f, c, out):
    out.take("tv_loss", f.tv_loss(c["img"], c["tv_weight"]), "loss", "dimg")


# -- style transfer ----------------------------------------------------------------------------------------------------


def style_transfer_cases(rng):
    net = convolutional_network(rng, filters=(6, 8, 5), strides=(1, 2, 1))
    X, photograph = pictures(rng, 2)[:, None]
    model = network({"network": net})
    targets = [model.forward(photograph, end=k)[0] for k in range(3)]
    grams = [_targets(rng, 1, C) for C in (6, 8, 5)]

    def style(layers, weights):
        return {"layers": layers, "grams": [grams[k] for k in layers], "weights": weights}

    def content(layer, weight=2.0):
        return {"layer": layer, "target": targets[layer], "weight": weight}

    alone = {
        "network": net,
        "X": X,
        "content": None,
        "style": style([1], [1.0]),
        "tv_weight": 0.0,
        "normalize": False,
    }
    three = style([0, 1, 2], [5.0, 1.0, 8.0])
    return {
        "one style layer": alone,
        "several style layers": alone | {"style": three},
        "layers in another order": alone | {"style": style([2, 0], [5.0, 3.0])},
        "a layer twice": alone | {"style": style([1, 1], [5.0, 3.0])},
        "with total variation": alone | {"tv_weight": 1e-5},
        "with content": alone | {"content": content(2, 1.0)},
        "content in a style layer": alone | {"content": content(1, 1.0), "style": three},
        "normalised": alone | {"content": content(2), "style": three, "tv_weight": 20.0, "normalize": True},
        "everything": alone | {"content": content(1, 1.0), "style": three, "tv_weight": 1e-5},
    }


def objective(c, perceptual_objective):
    """The objective of a case: perceptual_objective with its arguments."""
    content, style = c["content"], c["style"]
    content = content and (content["layer"], content["target"], content["weight"])
    style = (style["layers"], style["grams"], style["weights"])
    return perceptual_objective(network(c), content, style, c["tv_weight"], c["normalize"])


def run_style_transfer(f, c, out):
    of_image = objective(c, f.perceptual_objective)
    if not callable(of_image):
        got = "None" if of_image is None else f"a {type(of_image).__name__}"
        raise ReturnError(_("perceptual_objective returned {got} instead of a function of the image", got=got))
    value = of_image(c["X"])
    if not isinstance(value, list | tuple) or len(value) != 3:
        out.take(OF_IMAGE, value, "loss", "dX", "info")  # raises ReturnError
    loss, dX, parts = value
    out.take(OF_IMAGE, (loss, dX), "loss", "dX")
    if not isinstance(parts, dict):
        raise ReturnError(_("the objective returned a {kind} as info; a dict was expected", kind=type(parts).__name__))
    for name in ("style", "content", "tv"):
        if name in parts:
            out.take(OF_IMAGE, parts[name], name)
