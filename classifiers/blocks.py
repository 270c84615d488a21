"""The building blocks of a network: what an entry of its architecture does, forward and backward.

An architecture is a list of dictionaries, such as
``{"type": "conv", "filters": 64, "size": 3, "stride": 2, "pad": 1, "batchnorm": True}``. `make_blocks` turns it
into blocks. A block holds its settings and the names of its parameters, never the parameters themselves: these are
handed to ``forward(x, params, mode, engine)``, which returns ``(out, cache)``, and
``backward(dout, cache, engine, relu_rule=, param_grads=, input_grad=)``, which returns ``(dx, {name: gradient})``. The
engine does the arithmetic; see `engines`.
"""

from dataclasses import MISSING, dataclass, field, fields
from typing import Any

import numpy as np

from ..layers.basic import concat_backward, concat_forward
from ..layers.checks import conv_output_size, pool_output_size
from ..layers.fast.fire import fire_backward, fire_forward

BN_MOMENTUM = 0.9
BN_EPS = 1e-5


@dataclass(frozen=True)
class Conv:
    """Convolution, then optionally batch normalisation and ReLU."""

    filters: int
    size: int
    stride: int = 1
    pad: int = 0
    bias: bool = True
    batchnorm: bool = False
    relu: bool = True
    number: int = field(default=0, kw_only=True)

    def param_shapes(self, shape):
        return _param_shapes(self, (self.filters, shape[0], self.size, self.size), self.filters)

    def output_shape(self, shape):
        _, _, HO, WO = conv_output_size("convolution", _stand_in(shape), *self._stand_in_weights(shape), self._param())
        return (self.filters, HO, WO)

    def multiply_adds(self, shape):
        F, HO, WO = self.output_shape(shape)
        return F * HO * WO * shape[0] * self.size**2

    def forward(self, x, params, mode, engine):
        w, b = params[f"W{self.number}"], params.get(f"b{self.number}")
        if self.batchnorm:
            forward = engine.conv_bn_relu_forward
            return _with_running_averages(forward, self.number, mode, params, x, w, b, conv_param=self._param())
        forward = engine.conv_relu_forward if self.relu else engine.conv_forward
        return forward(x, w, b, self._param())

    def backward(self, dout, cache, engine, *, relu_rule, param_grads, input_grad):
        wanted = {"param_grads": param_grads, "input_grad": input_grad}
        if not self.relu:
            backward = engine.conv_backward
        else:
            backward = engine.conv_bn_relu_backward if self.batchnorm else engine.conv_relu_backward
            wanted["relu_rule"] = relu_rule
        dx, *gradients = backward(dout, cache, **wanted)
        return dx, _named(gradients, self.number)

    def _param(self):
        return {"stride": self.stride, "pad": self.pad}

    def _stand_in_weights(self, shape):
        return np.broadcast_to(np.float32(0), (self.filters, shape[0], self.size, self.size)), None


@dataclass(frozen=True)
class Affine:
    """Fully connected layer on the flattened input, then optionally batch normalisation and ReLU."""

    units: int
    bias: bool = True
    batchnorm: bool = False
    relu: bool = False
    number: int = field(default=0, kw_only=True)

    def param_shapes(self, shape):
        return _param_shapes(self, (int(np.prod(shape)), self.units), self.units)

    def output_shape(self, shape):
        return (self.units,)

    def multiply_adds(self, shape):
        return int(np.prod(shape)) * self.units

    def forward(self, x, params, mode, engine):
        w, b = params[f"W{self.number}"], params.get(f"b{self.number}")
        if self.batchnorm:
            forward = engine.affine_bn_relu_forward
            return _with_running_averages(forward, self.number, mode, params, x, w, b)
        forward = engine.affine_relu_forward if self.relu else engine.affine_forward
        return forward(x, w, b)

    def backward(self, dout, cache, engine, *, relu_rule, param_grads, input_grad):
        wanted = {"param_grads": param_grads, "input_grad": input_grad}
        if not self.relu:
            backward = engine.affine_backward
        else:
            backward = engine.affine_bn_relu_backward if self.batchnorm else engine.affine_relu_backward
            wanted["relu_rule"] = relu_rule
        dx, *gradients = backward(dout, cache, **wanted)
        if not self.bias:  # that of the zeros in its place
            gradients[1] = None
        return dx, _named(gradients, self.number)


@dataclass(frozen=True)
class Pool:
    """Max or average pooling with square windows."""

    size: int
    stride: int
    ceil_mode: bool = False
    kind: str = field(default="max", kw_only=True)

    def param_shapes(self, shape):
        return {}

    def output_shape(self, shape):
        _, _, _, HO, WO = pool_output_size("pooling", _stand_in(shape), self._param())
        return (shape[0], HO, WO)

    def multiply_adds(self, shape):
        return 0

    def forward(self, x, params, mode, engine):
        return (engine.max_pool_forward if self.kind == "max" else engine.avg_pool_forward)(x, self._param())

    def backward(self, dout, cache, engine, **_):
        return (engine.max_pool_backward if self.kind == "max" else engine.avg_pool_backward)(dout, cache), {}

    def _param(self):
        return {
            "pool_height": self.size,
            "pool_width": self.size,
            "stride": self.stride,
            "ceil_mode": self.ceil_mode,
        }


@dataclass(frozen=True)
class Relu:
    """ReLU as a layer of its own, for networks that count it as one."""

    def param_shapes(self, shape):
        return {}

    def output_shape(self, shape):
        return shape

    def multiply_adds(self, shape):
        return 0

    def forward(self, x, params, mode, engine):
        return engine.relu_forward(x)

    def backward(self, dout, cache, engine, *, relu_rule, **_):
        return engine.relu_backward(dout, cache, relu_rule=relu_rule), {}


@dataclass(frozen=True)
class Fire:
    """SqueezeNet's module: 1x1 filters squeeze the channels, 1x1 and 3x3 filters side by side expand them again.

    F. Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", 2016, section 3.2. Each of the
    three convolutions has a bias and a ReLU; the maps of the 1x1 filters come first.
    """

    squeeze: int
    expand1: int
    expand3: int
    number: int = field(default=0, kw_only=True)

    def param_shapes(self, shape):
        squeeze, *expand = self._convs()
        inner = squeeze.output_shape(shape)
        return squeeze.param_shapes(shape) | expand[0].param_shapes(inner) | expand[1].param_shapes(inner)

    def output_shape(self, shape):
        return (self.expand1 + self.expand3, *shape[1:])

    def multiply_adds(self, shape):
        squeeze, *expand = self._convs()
        inner = squeeze.output_shape(shape)
        return squeeze.multiply_adds(shape) + sum(conv.multiply_adds(inner) for conv in expand)

    def forward(self, x, params, mode, engine):
        if mode == "train" or not engine.one_pass_fire:
            return self._separate(x, params, engine)
        n = self.number
        squeeze, expand1, expand3 = ((params[f"W{i}"], params[f"b{i}"]) for i in (n, n + 1, n + 2))
        out, cache = fire_forward(x, squeeze, expand1, expand3)
        own = {f"{name}{i}": params[f"{name}{i}"] for name in "Wb" for i in (n, n + 1, n + 2)}
        return out, ("joined", x, own, cache)

    def backward(self, dout, cache, engine, *, relu_rule, param_grads, input_grad):
        if cache[0] == "joined":
            _, x, params, joined_cache = cache
            if not param_grads:
                return fire_backward(dout, joined_cache, relu_rule=relu_rule) if input_grad else None, {}
            cache = self._separate(x, params, engine)[1]
        squeeze, *expand = self._convs()
        _, squeeze_cache, caches, concat_cache = cache
        wanted = {"relu_rule": relu_rule, "param_grads": param_grads}
        dinner, gradients = 0, {}
        for conv, part, conv_cache in zip(expand, concat_backward(dout, concat_cache), caches):
            d, grads = conv.backward(part, conv_cache, engine, input_grad=True, **wanted)
            dinner = dinner + d
            gradients |= grads
        dx, grads = squeeze.backward(dinner, squeeze_cache, engine, input_grad=input_grad, **wanted)
        return dx, grads | gradients

    def _separate(self, x, params, engine):
        """The three convolutions one after the other, with all that the parameters' gradients need."""
        squeeze, *expand = self._convs()
        inner, squeeze_cache = squeeze.forward(x, params, "train", engine)
        outs, caches = zip(*(conv.forward(inner, params, "train", engine) for conv in expand))
        out, concat_cache = concat_forward(outs)
        return out, ("separate", squeeze_cache, caches, concat_cache)

    def _convs(self):
        n = self.number
        return (
            Conv(self.squeeze, 1, number=n),
            Conv(self.expand1, 1, number=n + 1),
            Conv(self.expand3, 3, pad=1, number=n + 2),
        )


@dataclass(frozen=True)
class GlobalAvgPool:
    """The mean of each map: (C, H, W) -> (C,)."""

    def param_shapes(self, shape):
        return {}

    def output_shape(self, shape):
        return (shape[0],)

    def multiply_adds(self, shape):
        return 0

    def forward(self, x, params, mode, engine):
        return engine.global_avg_pool_forward(x)

    def backward(self, dout, cache, engine, **_):
        return engine.global_avg_pool_backward(dout, cache), {}


BLOCKS = {
    "conv": Conv,
    "affine": Affine,
    "relu": Relu,
    "fire": Fire,
    "max_pool": Pool,
    "avg_pool": Pool,
    "global_avg_pool": GlobalAvgPool,
}

_WEIGHT_LAYERS = {"conv": 1, "affine": 1, "fire": 3}  # how many weights a block has: W1, W2, ... are counted through


def make_blocks(architecture: list[dict[str, Any]]) -> list[Any]:
    """Turn an architecture into named blocks.

    Parameters
    ----------
    architecture : list of dict
        Each with a "type" from BLOCKS and that block's settings.

    Returns
    -------
    list of (str, block)
        Names are the type and a count within the type (`conv1`, `conv2`, ..., `affine1`); a type that occurs once
        and has no parameters goes without a number.

    Raises
    ------
    ValueError
        An unknown type, or an unknown, missing or impossible setting.
    """
    if not isinstance(architecture, list) or not architecture:
        raise ValueError("architecture: expected a list of blocks, at least one")
    blocks, weights = [], 0
    kinds = [entry.get("type") if isinstance(entry, dict) else None for entry in architecture]
    for position, entry in enumerate(architecture):
        kind = kinds[position]
        if not isinstance(kind, str) or kind not in BLOCKS:
            raise ValueError(f"architecture: block {position} has the type {kind!r}; known are {', '.join(BLOCKS)}")
        settings = {key: value for key, value in entry.items() if key != "type"}
        _check_settings(position, kind, settings)
        if kind in _WEIGHT_LAYERS:
            block = BLOCKS[kind](**settings, number=weights + 1)
            weights += _WEIGHT_LAYERS[kind]
            if kind != "fire" and block.batchnorm and not block.relu:
                raise ValueError(f"architecture: block {position} ({kind}) has batchnorm without relu; it needs both")
        elif BLOCKS[kind] is Pool:
            block = Pool(**settings, kind=kind.split("_")[0])
        else:
            block = BLOCKS[kind](**settings)
        count = kinds[: position + 1].count(kind)
        alone = kind not in _WEIGHT_LAYERS and kinds.count(kind) == 1
        blocks.append((kind if alone else f"{kind}{count}", block))
    return blocks


def param_shapes(blocks, input_size):
    """Names and shapes of all parameters of a network for images (3, H, W), in order."""
    shapes, shape = {}, (3, *input_size)
    for name, block in blocks:
        try:
            block_shapes, shape_after = block.param_shapes(shape), block.output_shape(shape)
        except ValueError as error:
            raise ValueError(f"architecture: {name} cannot follow on an input of {shape}: {error}") from error
        shapes |= block_shapes
        shape = shape_after
    return shapes


def _check_settings(position, kind, settings):
    """Every setting known, of the right sort, and large enough; none missing."""
    known = {f.name: f for f in fields(BLOCKS[kind]) if not f.kw_only}
    where = f"architecture: block {position} ({kind})"
    for name, value in settings.items():
        if name not in known:
            raise ValueError(f"{where} has no setting {name!r}; it knows {', '.join(known) or 'none'}")
        if known[name].type in (int, "int"):
            least = 0 if name == "pad" else 1
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{where}: {name} must be a whole number, at least {least}; got {value!r}")
        elif not isinstance(value, bool):
            raise ValueError(f"{where}: {name} must be true or false, got {value!r}")
    missing = [name for name, f in known.items() if f.default is MISSING and name not in settings]
    if missing:
        raise ValueError(f"{where} lacks {missing[0]!r}")


def _param_shapes(block, weight_shape, F):
    """Names and shapes of a weight layer's parameters, in the order of the file."""
    n = block.number
    shapes = {f"W{n}": weight_shape}
    if block.bias:
        shapes[f"b{n}"] = (F,)
    if block.batchnorm:
        shapes |= {f"{name}{n}": (F,) for name in ("gamma", "beta", "running_mean", "running_var")}
    return shapes


def _named(gradients, number):
    """Gradients in the order w, b, gamma, beta under their parameters' names; None is left out."""
    names = (f"{name}{number}" for name in ("W", "b", "gamma", "beta"))
    return {name: gradient for name, gradient in zip(names, gradients) if gradient is not None}


def _with_running_averages(forward, number, mode, params, x, w, b, **options):
    """Run a layer with batch normalisation; in training mode keep the new running averages in params."""
    running = ("running_mean", "running_var")
    bn_param = {"mode": mode, "eps": BN_EPS, "momentum": BN_MOMENTUM}
    bn_param |= {name: params[f"{name}{number}"] for name in running}
    gamma, beta = params[f"gamma{number}"], params[f"beta{number}"]
    out, cache = forward(x, w, b, gamma, beta, bn_param=bn_param, **options)
    if mode == "train":
        for name in running:
            params[f"{name}{number}"] = bn_param[name]
    return out, cache


def _stand_in(shape):
    """An array of one image of this shape that takes no memory, to ask a layer for its output shape."""
    return np.broadcast_to(np.float32(0), (1, *shape))
