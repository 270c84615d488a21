"""The microscope: the sum behind one number of a layer, and the sum behind its gradient, term by term.

Forward: a neuron's window in the layer before, its filter, their products and what is done with the sum. Backward: the
neurons of the next layer that it feeds, and how much gradient each of them sends. Everything is computed again in
float64, layers and gradients by the readable im2col engine; the terms are written out here, so that the two can be
compared. `TOLERANCE` is how far the network's own float32 value may be away.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._typing import Array
from ..classifiers.blocks import BN_EPS, Affine, Conv, Fire, GlobalAvgPool, Pool, Relu
from ..classifiers.network import Network
from ..layers.basic import relu_backward
from ..layers.im2col import conv_backward_im2col, conv_forward_im2col
from ..visualization.patches import receptive_field
from .street import Street, entry, one_hot_like

TOLERANCE = 1e-4
Position = tuple[int, int]


@dataclass
class Terms:
    """A sum of products, and the steps from that sum to the value that a layer returns.

    Attributes
    ----------
    kind : {"products", "mean", "max", "copy"}
        What is done with the window.
    window, weights : ndarray (C, HH, WW)
        The values in the layer before, zeros of the padding included, and what each is multiplied by; a maximum has
        weights of 0 and 1.
    origin : (int, int)
        Row and column of the window's first value in the layer before; negative in the padding.
    steps : list of dict
        "name" and "value" after each step, and the numbers that it uses.
    inner : bool
        The window lies in the squeeze maps of a Fire module, not in the layer before.
    below : (int, int, int) or None
        Then, of the layer before, channel, row and column of the neuron that the strongest squeeze map owes most to.
    first_channel : int
        Of the layer before, that of `window[0]`.
    view : str
        The name of the explanation that fits.
    """

    kind: str
    window: Array
    weights: Array
    origin: Position
    steps: list[dict[str, Any]] = field(default_factory=list)
    inner: bool = False
    below: tuple[int, int, int] | None = None
    first_channel: int = 0
    view: str = "value"

    @property
    def value(self) -> float:
        """What the steps end in."""
        return self.steps[-1]["value"]


@dataclass
class Sent:
    """What the neurons of the next layer send to one below them, and the steps to it, each (F, HH, WW).

    For a convolution by filter and kernel position; NaN where a kernel position would lie outside of the maps.
    ``gradient * gate * scale`` is the gradient at a neuron's sum, and that times the weight is what is sent.

    Attributes
    ----------
    gradient : ndarray
        Of the target with respect to what the neuron above returns.
    gate : ndarray
        What its ReLU lets pass of that, 0 or 1, by the ReLU rule; 1 without a ReLU.
    scale : ndarray
        gamma / sqrt(var + eps) of its batch norm; 1 without one.
    weights : ndarray
        Between the neuron above and this one.
    total : float
        The gradient of this neuron, by `Network.backward`; what is sent adds up to it.
    """

    gradient: Array
    gate: Array
    scale: Array
    weights: Array
    total: float = 0.0

    @property
    def at_sum(self) -> Array:
        """The gradient at the sum of products of each neuron above."""
        return self.gradient * self.gate * self.scale

    @property
    def sent(self) -> Array:
        """What of it comes here."""
        return self.at_sum * self.weights

    def largest(self, most: int, silent: int) -> list[dict[str, Any]]:
        """The neurons above that send most, and those that would without their ReLU, with their kernel position."""
        sent, open_ = np.abs(self.sent), np.abs(self.gradient * self.scale * self.weights)
        found = []
        for strength, count in ((sent, most), (np.where(self.gate == 0, open_, 0), silent)):
            order = np.argsort(-np.nan_to_num(strength), axis=None, kind="stable")[:count]
            found += [k for k in order if strength.flat[k] > 0]
        if not found and np.isfinite(sent).any():
            found = [int(np.nanargmax(sent))]
        terms = []
        for f, i, j in zip(*np.unravel_index(np.array(found, int), sent.shape)):
            names = ("gradient", "gate", "scale", "at_sum", "weights", "sent")
            terms.append({"channel": int(f), "at": [int(i), int(j)]})
            terms[-1] |= {name: float(getattr(self, name)[f, i, j]) for name in names}
        return terms


class Microscope:
    """An image under a network, in float64 and by the im2col engine.

    Parameters
    ----------
    model : Network
    X : ndarray (1, 3, H, W)
        In model space.
    """

    def __init__(self, model: Network, X: Array) -> None:
        self.model = model.astype(np.float64).with_engine("im2col")
        self.street = Street(self.model, X.astype(np.float64))
        self._blocks = [block for _, block in self.model.named_blocks()]
        self._gradients: dict[Any, dict[int, Array]] = {}  # of the newest target

    def forward_terms(self, layer: int, channel: int, position: Position | None) -> Terms:
        """Where a value of a layer comes from; `position` is None in a layer without maps."""
        before = self._before(layer)
        one_hot_like(self.street.outs[layer], channel, position)  # complains of what is not there
        block, params = self._blocks[layer], self.model.params
        if isinstance(block, Fire):
            squeeze, expand1, expand3 = fire_convs(block)
            inner = _conv(squeeze, before, params)
            part, index = (expand1, channel) if channel < block.expand1 else (expand3, channel - block.expand1)
            terms = _conv_terms(part, inner, params, index, _placed(position))
            terms.inner, terms.below = True, _through_squeeze(terms, params[f"W{squeeze.number}"], before)
            return terms
        if isinstance(block, Conv):
            return _conv_terms(block, before, params, channel, _placed(position))
        if isinstance(block, Affine):
            x = before[0].reshape(-1, *((1, 1) if before.ndim == 2 else before.shape[2:]))
            weights = params[f"W{block.number}"][:, channel].reshape(x.shape)
            steps = _steps(block, params, channel, float((x * weights).sum()))
            return Terms("products", x, weights, (0, 0), steps, view="value-affine")
        return _window_terms(block, before, channel, position)

    def backward_terms(
        self,
        layer: int,
        channel: int,
        position: Position | None,
        *,
        target: tuple[int, int, Position | None],
        relu_rule: str = "standard",
    ) -> Sent:
        """Who sends how much gradient of the target (layer, channel, position) to a neuron of a layer below it."""
        if layer >= target[0]:
            raise ValueError(f"a gradient comes from above: layer {layer} is not below layer {target[0]}")
        if (target, relu_rule) not in self._gradients:
            self._gradients = {(target, relu_rule): dict(self.street.backward(*target, relu_rule=relu_rule))}
        gradients = self._gradients[target, relu_rule]
        x = self.street.outs[layer] if layer >= 0 else self.street.X
        one_hot_like(x, channel, position)  # complains of what is not there
        found = self._sent(layer + 1, x, gradients[layer + 1], channel, position, relu_rule)
        found.total = entry(gradients[layer], channel, position)
        return found

    def passed_on(self, layer: int, channel: int, position: Position | None, relu_rule: str) -> dict[str, float] | None:
        """From a neuron's gradient, of the newest target, to that at its sum; None without ReLU and batch norm."""
        block = self._blocks[layer] if layer >= 0 else None
        if not isinstance(block, Conv | Affine) or not (block.relu or block.batchnorm):
            return None
        (gradients,) = self._gradients.values()
        gate, scale = _gate_and_scale(block, self.model.params, gradients[layer], self.street.outs[layer], relu_rule)
        g = entry(gradients[layer], channel, position)
        numbers = {"gate": entry(gate, channel, position), "scale": entry(scale, channel, position)}
        return numbers | {"gradient": g, "at_sum": g * numbers["gate"] * numbers["scale"]}

    def windows(self, layer: int) -> dict[str, Any]:
        """Of a layer, where its windows lie: which of its neurons a kernel position belongs to."""
        block = self._blocks[layer]
        kernel = isinstance(block, Conv)
        place = {"stride": block.stride, "pad": block.pad} if kernel else {"stride": 1, "pad": 0}
        views = {Affine: "sent-affine", GlobalAvgPool: "sent-mean", Relu: "sent-relu"}
        view = f"sent-{block.kind}" if isinstance(block, Pool) else views.get(type(block), "sent")
        return {"kernel": kernel, "squeeze": isinstance(block, Fire), "sent_view": view, **place}

    def strongest_gradient(self, layer: int, position: Position) -> list[int]:
        """The neuron at a position of a layer with the newest target's largest gradient: channel, row, column."""
        (gradients,) = self._gradients.values()
        row, column = position
        return [int(np.abs(gradients[layer][0, :, row, column]).argmax()), row, column]

    def map_size(self, layer: int) -> list[int]:
        """Height and width of a layer's maps, of the image for -1; empty where a layer has none."""
        return list((self.street.outs[layer] if layer >= 0 else self.street.X).shape[2:])

    def field(self, layer: int, position: Position | None) -> tuple[int, int, int, int]:
        """The receptive field on the photograph: top, bottom, left, right in pixels, bottom and right excluded."""
        size = self.street.X.shape[2:]
        if layer < 0:
            row, column = _placed(position)
            return row, row + 1, column, column + 1
        return receptive_field(self.model, layer).box(position or (0, 0), (int(size[0]), int(size[1])))

    def _before(self, layer):
        """What the layer is given; runs the layers up to it."""
        for i, _ in self.street.forward():
            if i == layer:
                break
        return self.street.outs[layer - 1] if layer else self.street.X

    def _sent(self, layer, x, dout, channel, position, rule):
        """The terms of the gradient at x, the layer's input."""
        block, params = self._blocks[layer], self.model.params
        if isinstance(block, Fire):
            block, dout, out = self._squeeze(block, x, dout, rule)
        else:
            out = self.street.outs[layer]
        if isinstance(block, Conv | Affine):
            steps = (dout, *_gate_and_scale(block, params, dout, out, rule))
        if isinstance(block, Affine):
            index = np.ravel_multi_index((channel, *(position or ())), x.shape[1:])
            parts = (*(step[0] for step in steps), params[f"W{block.number}"][index])
            return Sent(*(part[:, None, None] for part in parts))
        if isinstance(block, Conv):
            return _conv_sent(block, params, steps, channel, position)
        return self._linear_sent(layer, x, dout, channel, position, rule)

    def _squeeze(self, block, x, dout, rule):
        """A Fire module's first convolution, the gradient that reaches its output, and that output."""
        squeeze, expand1, expand3 = fire_convs(block)
        inner = _conv(squeeze, x, self.model.params)
        dinner: Any = 0
        for part, dpart in ((expand1, dout[:, : block.expand1]), (expand3, dout[:, block.expand1 :])):
            w, b = (self.model.params[f"{letter}{part.number}"] for letter in "Wb")
            a, cache = conv_forward_im2col(inner, w, b, {"stride": 1, "pad": part.pad})
            dinner = dinner + conv_backward_im2col(relu_backward(dpart, a, rule), cache)[0]
        return squeeze, dinner, inner

    def _linear_sent(self, layer, x, dout, channel, position, rule):
        """Pooling and the like: the gradient of one neuron above at a time, for the few that see this one."""
        out, cache = self.model.forward(x, start=layer, end=layer)
        arriving, weights = np.full(out.shape[1:], np.nan), np.full(out.shape[1:], np.nan)
        for place in _seeing(self._blocks[layer], channel, position, out.shape[2:]):
            one, g = np.zeros_like(dout), dout[0][place]
            one[0][place] = g or 1
            dx, _ = self.model.backward(one, cache, relu_rule=rule)
            arriving[place], weights[place] = g, entry(dx, channel, position) / (g or 1)
        shape = (out.shape[1], *(out.shape[2:] or (1, 1)))
        ones = np.ones(shape)
        return Sent(arriving.reshape(shape), ones, ones, weights.reshape(shape))


def fire_convs(block: Fire) -> tuple[Conv, Conv, Conv]:
    """The three convolutions of a Fire module: squeeze, and the two that expand."""
    n = block.number
    return (
        Conv(block.squeeze, 1, number=n),
        Conv(block.expand1, 1, number=n + 1),
        Conv(block.expand3, 3, pad=1, number=n + 2),
    )


def _through_squeeze(terms, weights, x):
    """From the strongest product in the squeeze maps to the neuron below: channel, row, column."""
    products = np.abs(terms.window * terms.weights)
    s, i, j = np.unravel_index(products.argmax(), products.shape)
    row, column = (min(max(o + k, 0), n - 1) for o, k, n in zip(terms.origin, (int(i), int(j)), x.shape[2:]))
    return int(np.abs(weights[s, :, 0, 0] * x[0, :, row, column]).argmax()), row, column


def _seeing(block, channel, position, size):
    """The neurons of a pooling layer or ReLU, and the like, that see one in the layer before."""
    if isinstance(block, GlobalAvgPool):
        return [(channel,)]
    if not isinstance(block, Pool):
        return [(channel, *(position or ()))]
    sides = [
        [i for i in range(n) if i * block.stride <= p < i * block.stride + block.size] for p, n in zip(position, size)
    ]
    return [(channel, i, j) for i in sides[0] for j in sides[1]]


def _placed(position):
    if position is None:
        raise ValueError("this layer has maps; give a row and a column")
    return position


def _conv(block, x, params):
    """A convolution with bias and ReLU, as Fire modules have them."""
    w, b = params[f"W{block.number}"], params[f"b{block.number}"]
    return np.maximum(conv_forward_im2col(x, w, b, {"stride": block.stride, "pad": block.pad})[0], 0)


def _conv_terms(block, x, params, channel, position):
    weights = params[f"W{block.number}"][channel]  # (C, HH, WW)
    top, left = (p * block.stride - block.pad for p in position)
    padded = np.pad(x[0], ((0, 0), (block.pad, block.pad), (block.pad, block.pad)))
    rows, columns = (slice(p * block.stride, p * block.stride + block.size) for p in position)
    window = padded[:, rows, columns]
    total = float((window * weights).sum())
    return Terms("products", window, weights, (top, left), _steps(block, params, channel, total))


def _steps(block, params, channel, total):
    """From the sum of the products to what the layer returns: bias, batch norm, ReLU."""
    n = block.number
    steps: list[dict[str, Any]] = [{"name": "sum", "value": total}]
    value = total
    if f"b{n}" in params:
        bias = float(params[f"b{n}"][channel])
        value += bias
        steps.append({"name": "bias", "bias": bias, "value": value})
    if block.batchnorm:
        names = {"mean": "running_mean", "var": "running_var", "gamma": "gamma", "beta": "beta"}
        numbers = {name: float(params[f"{stored}{n}"][channel]) for name, stored in names.items()}
        normed = (value - numbers["mean"]) / np.sqrt(numbers["var"] + BN_EPS)
        value = float(numbers["gamma"] * normed + numbers["beta"])
        steps.append({"name": "batchnorm", **numbers, "eps": BN_EPS, "normed": float(normed), "value": value})
    if block.relu:
        value = max(value, 0.0)
        steps.append({"name": "relu", "value": value})
    return steps


def _window_terms(block, before, channel, position):
    """Layers that only look at one map: pooling, the mean of a map, a ReLU."""
    if isinstance(block, GlobalAvgPool):
        window = before[0, channel][None]  # (1, H, W)
        weights = np.full(window.shape, 1 / window.size)
        steps = [{"name": "mean", "value": float(window.mean())}]
        return Terms("mean", window, weights, (0, 0), steps, first_channel=channel, view="value-mean")
    if isinstance(block, Pool):
        row, column = (p * block.stride for p in _placed(position))
        window = before[0, channel, row : row + block.size, column : column + block.size][None]
        kind = block.kind if block.kind == "max" else "mean"
        if kind == "max":
            weights = np.zeros(window.shape)
            weights.flat[window.argmax()] = 1
        else:
            weights = np.full(window.shape, 1 / window.size)
        steps = [{"name": kind, "value": float((window * weights).sum())}]
        return Terms(kind, window, weights, (row, column), steps, first_channel=channel, view=f"value-{block.kind}")
    if isinstance(block, Relu):
        value = entry(before, channel, position)
        window = np.full((1, 1, 1), value)
        steps = [{"name": "copy", "value": value}, {"name": "relu", "value": max(value, 0.0)}]
        place = position or (0, 0)
        return Terms("copy", window, np.ones((1, 1, 1)), place, steps, first_channel=channel, view="value-relu")
    raise TypeError(f"the microscope does not know a {type(block).__name__}")


def _gate_and_scale(block, params, dout, out, rule):
    """What a layer's ReLU lets pass of a gradient, 0 or 1, and by what its batch norm multiplies it; shaped as dout."""
    gate, scale = np.ones(dout.shape), np.ones(dout.shape)
    if block.relu:  # a ReLU's output is positive exactly where its input is
        gate = relu_backward(np.where(dout > 0, 1.0, -1.0), out, rule)
        gate = np.where(dout > 0, gate, -gate if rule == "standard" else 0.0) + 0.0  # no -0
    if block.batchnorm:
        factor = params[f"gamma{block.number}"] / np.sqrt(params[f"running_var{block.number}"] + BN_EPS)
        scale = scale * factor.reshape(1, -1, *[1] * (dout.ndim - 2))
    return gate, scale


def _conv_sent(block, params, steps, channel, position):
    """By filter and kernel position: the neuron above whose window has this one at that place, if there is one."""
    weights = params[f"W{block.number}"][:, channel]  # (F, HH, WW)
    found = [np.full(weights.shape, np.nan) for _ in steps]
    HO, WO = steps[0].shape[2:]
    for kh in range(block.size):
        for kw in range(block.size):
            (i, down), (j, across) = (divmod(p + block.pad - k, block.stride) for p, k in zip(position, (kh, kw)))
            if down == 0 == across and 0 <= i < HO and 0 <= j < WO:
                for part, step in zip(found, steps):
                    part[:, kh, kw] = step[0, :, i, j]
    return Sent(*found, weights)
