"""What the page may ask, and who answers: a table from the kind of a request to a method of `Answers`.

A request is a header and arrays. The picture comes along with every request as uint8 (H, W, 3), so nothing has to be
remembered from one request to the next but what saves time: loaded networks, and the newest activations. Nothing in a
request names a file.
"""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .._language import in_language, translated
from ..classifiers import PretrainedCNN, SqueezeNet
from ..classifiers.engines import ENGINES
from ..classifiers.network import Network
from ..classifiers.scores import softmax
from ..datasets import load_image, sample_image, sample_names, squeezenet_weights
from ..datasets.errors import DataError
from ..layers.checks import RELU_RULES
from ..todo import Todo
from .attribution import METHODS, attribution_map
from .fooling import fooling_direction, fooling_line
from .live import MOST_STEPS, grow
from .messages import Arrays
from .microscope import Microscope
from .street import Street, entry

LARGEST_SIDE = 512  # pixels of a picture in a request
KEPT = 3  # streets in memory
TERMS, SILENT = 12, 4  # senders of gradient that are named, and silent ones; the page adds up the others

Emit = Callable[[dict[str, Any], Arrays], None]


class Answers:
    """Answers the page's requests, one at a time.

    Parameters
    ----------
    image : str, optional
        The picture that the command was given: a file, or the name of a sample.
    weights : str, optional
        The weights file that the command was given, which the page calls "file".
    folder : str, optional
        For the files that photographs are while they are opened; whoever gives it also removes it.
    language : str, optional
        Of the names of classes; English ones stay in front.
    """

    def __init__(
        self,
        image: str | None = None,
        weights: str | None = None,
        folder: str | None = None,
        language: str | None = None,
    ) -> None:
        self.image, self.weights, self.folder, self.language = image, weights, folder, language
        self._networks: dict[str, Network] = {}
        self._streets: dict[Any, Street] = {}
        self._microscopes: dict[Any, Microscope] = {}
        self._kinds = {
            "describe": self._describe,
            "picture": self._picture,
            "upload": self._upload,
            "forward": self._forward,
            "gradient": self._gradient,
            "value": self._value,
            "scores": self._scores,
            "fool": self._fool,
            "attribute": self._attribute,
            "grow": self._grow,
        }

    def answer(self, request: dict[str, Any], arrays: Arrays, emit: Emit) -> None:
        """Answer one request by one or several calls ``emit(header, arrays)``.

        Raises
        ------
        ValueError
            The request cannot be understood.
        """
        kind = request.get("kind")
        if not isinstance(kind, str) or kind not in self._kinds:
            raise ValueError(f"there is no request {kind!r}; known are {', '.join(self._kinds)}")
        self._kinds[kind](request, arrays, emit)

    # -- networks and pictures --------------------------------------------------------------------------------------

    def networks(self) -> list[str]:
        """The names of the networks that can be asked for."""
        names = ["standard", "robust"]
        return names + ["squeezenet"] * (squeezenet_weights() is not None) + ["file"] * (self.weights is not None)

    def class_names(self, name: str) -> list[str]:
        """The classes of a network."""
        return self._network({"model": name}).class_names

    def activations(self, name: str) -> int:
        """How many numbers the layers of a network return for one image."""
        shapes = self._network({"model": name}).output_shapes().values()
        return sum(int(np.prod(shape)) for shape in shapes)

    def _network(self, request):
        name, engine = request.get("model", "standard"), request.get("engine", "fast")
        if name not in self.networks():
            raise ValueError(f"there is no network {name!r}; known are {', '.join(self.networks())}")
        if engine not in ENGINES:
            raise ValueError(f"there is no engine {engine!r}; known are {', '.join(ENGINES)}")
        if name not in self._networks:
            if name == "squeezenet":
                self._networks[name] = SqueezeNet()
            else:
                self._networks[name] = PretrainedCNN(self.weights) if name == "file" else PretrainedCNN(variant=name)
        return self._networks[name].with_engine(engine)

    def _describe(self, request, arrays, emit):
        model = self._network(request)
        shapes = model.output_shapes()
        layers = [
            {"name": name, "kind": type(block).__name__, "words": _words(block), "after": _after(block)}
            | {"shape": list(shapes[name])}
            for name, block in model.named_blocks()
        ]
        with in_language(self.language):
            classes = [_shown(name.split(",")[0]) for name in model.class_names]
        sizes = {"size": list(model.input_size), "std": [float(std) for std in model.pixels.std]}
        emit({"layers": layers, "classes": classes, **sizes}, {})

    def _picture(self, request, arrays, emit):
        """The picture that the command was given, or a sample photograph, at the network's size."""
        name, size = request.get("name"), self._network(request).input_size
        if name == "":
            name = self.image
            given = load_image(name, size=size) if name not in sample_names() else sample_image(name, size=size)
            emit({"name": Path(name).name}, {"picture": given})
        elif name in sample_names():
            emit({"name": name}, {"picture": sample_image(name, size=size)})
        else:
            raise ValueError(f"there is no photograph {name!r}; known are {', '.join(sample_names())}")

    def _upload(self, request, arrays, emit):
        """A file's bytes as a picture; the file that the loader needs is gone before the answer is sent."""
        data, size = _array(arrays, "file", 1), self._network(request).input_size
        with (
            tempfile.TemporaryDirectory(prefix="pixelgrad-", dir=self.folder) as folder,
            warnings.catch_warnings(record=True) as notes,
        ):
            warnings.simplefilter("always")
            path = Path(folder) / "photograph"
            path.write_bytes(data.tobytes())
            try:
                picture = load_image(path, size=size)
            except DataError as error:
                raise ValueError(_without_path(error, path)) from None
        emit({"notes": [_without_path(note.message, path) for note in notes]}, {"picture": picture})

    def _image(self, request, arrays):
        """The network, and the picture of a request in its model space."""
        model, picture = self._network(request), _array(arrays, "picture", 3)
        H, W, channels = picture.shape
        if channels != 3 or not (8 <= H <= LARGEST_SIDE and 8 <= W <= LARGEST_SIDE):
            raise ValueError(
                f"a picture must have 8 to {LARGEST_SIDE} pixels a side and 3 colours, got {picture.shape}"
            )
        return model, model.preprocess(picture)

    # -- the street -------------------------------------------------------------------------------------------------

    def _street(self, request, arrays):
        model, X = self._image(request, arrays)
        key = (request.get("model", "standard"), model.engine, X.tobytes())
        return self._kept(self._streets, key, lambda: Street(model, X), KEPT)

    def _kept(self, store, key, make, most):
        """What was made for a key, the newest few of them."""
        made = store.pop(key, None) or make()
        store[key] = made  # the newest stand last
        while len(store) > most:
            del store[next(iter(store))]
        return made

    def _forward(self, request, arrays, emit):
        street = self._street(request, arrays)
        names, i = street.model.layer_names, -1
        try:
            for i, out in street.forward():
                emit({"layer": names[i], "index": i}, {"maps": out[0]})
        except (Todo, MemoryError):
            raise
        except Exception as error:  # a student's own layer, perhaps
            raise ValueError(f"{names[i + 1]} fails, {type(error).__name__}: {error}") from error
        emit({"scores": True}, _ranked(street.outs[-1]))

    def _gradient(self, request, arrays, emit):
        street = self._street(request, arrays)
        target, rule = _neuron(request, street.model, "target"), _choice(request, "rule", RELU_RULES)
        for i, dout in street.backward(*target, relu_rule=rule):
            emit({"index": i}, {"gradient": dout[0]})

    def _value(self, request, arrays, emit):
        """One neuron under the microscope, and with a target also its gradient."""
        model, X = self._image(request, arrays)
        key = (request.get("model", "standard"), X.tobytes())
        scope = self._kept(self._microscopes, key, lambda: Microscope(model, X), 1)
        layer, channel, position = _neuron(request, model, "neuron", lowest=-1)
        header: dict[str, Any] = {"field": list(map(int, scope.field(layer, position)))}
        sent: Arrays = {}
        if layer >= 0:
            street = self._street(request, arrays)
            for i, _ in street.forward():
                if i == layer:
                    break
            terms = scope.forward_terms(layer, channel, position)
            header |= {
                "value": entry(street.outs[layer], channel, position),
                "terms": terms.kind,
                "steps": terms.steps,
                "origin": list(terms.origin),
                "inner": terms.inner,
                "below": None if terms.below is None else list(terms.below),
                "first_channel": terms.first_channel,
                "view": terms.view,
                "maps_before": scope.map_size(layer - 1),
            }
            sent |= {"window": terms.window, "weights": terms.weights}
        else:
            header["value"] = entry(X, channel, position)
        target = _neuron(request, model, "target") if request.get("target") else None
        if target is not None and layer < target[0]:
            rule = _choice(request, "rule", RELU_RULES)
            given = scope.backward_terms(layer, channel, position, target=target, relu_rule=rule)
            header |= {"gradient": given.total, "senders": int(np.isfinite(given.sent).sum())}
            header |= scope.windows(layer + 1) | {"passed": scope.passed_on(layer, channel, position, rule)}
            if header["squeeze"]:
                header["up"] = scope.strongest_gradient(layer + 1, position)
            header |= {"maps_above": scope.map_size(layer + 1), "above": given.largest(TERMS, SILENT)}
            header["rest"] = float(np.nansum(given.sent)) - sum(term["sent"] for term in header["above"])
        emit(header, sent)

    # -- hands on ---------------------------------------------------------------------------------------------------

    def _scores(self, request, arrays, emit):
        model, X = self._image(request, arrays)
        emit({}, _ranked(model.scores(X)))

    def _fool(self, request, arrays, emit):
        model, X = self._image(request, arrays)
        direction, length = fooling_direction(X, _label(request, model), model)
        amounts, probabilities = fooling_line(X, direction, length, model)
        pixels = direction * model.pixels.std.astype(X.dtype)[:, None, None]
        found = {"amounts": amounts, "probabilities": probabilities.astype(np.float32)}
        emit({"length": length}, found | {"direction": pixels[0].transpose(1, 2, 0)})

    def _attribute(self, request, arrays, emit):
        model, X = self._image(request, arrays)
        method = _choice(request, "method", METHODS)
        map_ = attribution_map(method, X, _label(request, model), model)
        emit({"signed": METHODS[method].signed}, {"map": map_})

    def _grow(self, request, arrays, emit):
        model, X = self._image(request, arrays)
        start = model.preprocess(_array(arrays, "start", 3)) if "start" in arrays else None
        grow(
            _choice(request, "what", ("class", "dream", "inversion")),
            model,
            X,
            lambda picture, t, value: emit({"t": int(t), "value": value}, {"picture": picture}),
            label=_label(request, model) if request.get("what") == "class" else 0,
            layer=_whole(request, "layer", 0, len(model.layer_names) - 1) if request.get("what") != "class" else 0,
            steps=_whole(request, "steps", 1, MOST_STEPS),
            pace=_whole(request, "pace", 0, 1000) / 1000 if "pace" in request else 0,
            start=start,
        )


# -- what a request holds ---------------------------------------------------------------------------------------------


def _whole(request, name, least, most):
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}, got {value!r}")
    return value


def _choice(request, name, allowed):
    value = request.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    return value


def _label(request, model):
    return _whole(request, "label", 0, len(model.class_names) - 1)


def _neuron(request, model, name, lowest=0):
    """(layer, channel, position or None) from a list of two or four numbers."""
    numbers = request.get(name)
    whole = isinstance(numbers, list) and all(isinstance(n, int) and not isinstance(n, bool) for n in numbers)
    if not whole or len(numbers) not in (2, 4) or not lowest <= numbers[0] < len(model.layer_names):
        raise ValueError(f"{name} must be [layer, channel] or [layer, channel, row, column], got {numbers!r}")
    return numbers[0], numbers[1], tuple(numbers[2:]) or None


def _array(arrays, name, ndim):
    value = arrays.get(name)
    if value is None or value.dtype != np.uint8 or value.ndim != ndim:
        raise ValueError(f"{name} must be an array of uint8 with {ndim} axes")
    return value


# -- what an answer holds ---------------------------------------------------------------------------------------------


def _ranked(scores):
    (chances,) = softmax(scores.astype(np.float64))
    return {"scores": scores[0], "probabilities": chances.astype(np.float32)}


def _shown(name):
    """A class's name, with the other language's behind the English."""
    other = translated(name)
    return name if other == name else f"{name} {other}"


def _words(block):
    """A layer's windows in short, such as "3x3, stride 2"."""
    size, stride = getattr(block, "size", None), getattr(block, "stride", 1)
    return ("" if size is None else f"{size}x{size}") + (f", stride {stride}" if stride > 1 else "")


def _after(block):
    """What follows the sum, such as "batch norm, ReLU"."""
    names = {"batchnorm": "batch norm", "relu": "ReLU"}
    return ", ".join(name for setting, name in names.items() if getattr(block, setting, False))


def _without_path(message, path):
    return " ".join(str(message).replace("load_image: ", "").replace(str(path), "the photograph").split())
