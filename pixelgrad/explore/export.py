"""The explorer as one HTML file: the same page, with the answers to some requests computed beforehand.

The file opens without a server and without any network. Scripts stand inside it, since a browser imports no modules
from ``file://``; requests are looked up in what was recorded. Maps are recorded with 8 bits and a scale for each
channel, gradients with 6 bits, which colours do not show; what the microscope adds up is recorded as it is.
"""

import base64
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .._files import check_destination, written_beside
from .._progress import progress_bar
from .._typing import Array
from ..datasets import sample_names
from ..layers.checks import RELU_RULES
from .answers import Answers
from .messages import Arrays, pack
from .page import STATIC, page_html, page_settings

LIMIT = 6 * 2**20  # bytes of the file
MOST_ACTIVATIONS = 250_000  # of a network whose answers fit into it
SECOND = ("coffee", "portrait", "cat")  # the second photograph is the first of these that is not the first
LEVELS = {"maps": 127, "gradient": 31, "map": 127, "direction": 127}  # of what is recorded by whole numbers
STEPS = {"class": 120, "dream": 30, "inversion": 200}
FRAMES = 9  # of a recorded loop
RECORDED = (
    "saliency",
    "smoothgrad",
    "gradient_x_input",
    "integrated_gradients",
    "guided",
    "deconvnet",
    "grad_cam",
    "guided_grad_cam",
    "occlusion",
)  # methods
CSP = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
Frame = tuple[dict[str, Any], Arrays]


def export_page(
    path: str | Path,
    options: dict[str, Any],
    *,
    model: str = "standard",
    overwrite: bool = False,
    progress: bool | None = None,
) -> int:
    """Write the page.

    Parameters
    ----------
    path : str or Path
    options : dict
        Of `Answers`: the photograph, and the weights file if there is one.
    model : str
        The network to begin with; beside it stands the other one of the two that ship with the package.
    overwrite : bool
        Replace an existing file.
    progress : bool, optional
        A bar on standard error.

    Returns
    -------
    int
        The size of the file in bytes.
    """
    check_destination(path, overwrite=overwrite)
    recorder = Recorder(options, model)
    recorder.check_size()
    for _ in progress_bar(recorder.record(), progress=progress, desc="computing", unit="answer"):
        pass
    packed = base64.b64encode(zlib.compress(b"".join(recorder.frames), 9)).decode()
    settings = page_settings(networks=recorder.networks, model=model, sample=recorder.photographs[0])
    settings |= {"engines": ["fast"], "samples": recorder.photographs, "recorded": recorder.manifest}
    settings["methods"] = list(RECORDED)
    html = page_html(
        settings,
        style=f"<style>\n{(STATIC / 'explorer.css').read_text(encoding='utf-8')}</style>",
        script=f'<script type="module">\n{bundled_scripts()}</script>',
        extra=f'<script type="application/octet-stream" id="recordings">{packed}</script>',
    )
    html = html.replace("<head>", f'<head>\n<meta http-equiv="Content-Security-Policy" content="{CSP}">')
    data = html.encode()
    if len(data) > LIMIT:
        raise ValueError(
            f"the page would have {len(data) / 2**20:.1f} MB, more than {LIMIT // 2**20}; take a smaller network"
        )
    with written_beside(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(data)
    return len(data)


class Recorder:
    """Asks what the page will ask, and keeps the answers.

    Attributes
    ----------
    frames : list of bytes
        Frames with the "key" of their request.
    manifest : dict
        What was recorded, for the page to offer nothing else.
    """

    def __init__(self, options: dict[str, Any], model: str) -> None:
        self.answers = Answers(**options)
        image = options["image"]
        name = image if image in sample_names() else Path(image).name
        self._given = name if name not in sample_names() else None
        second = [other for other in SECOND if other in sample_names() and other != name]
        self.photographs = [name, *second[:1]]
        self.networks = [model, "robust" if model != "robust" else "standard"]
        if model not in ("standard", "robust"):  # a network of other classes and sizes stays alone
            self.networks = [model]
        self.frames: list[bytes] = []
        self.manifest: dict[str, Any] = {"walks": {}, "classes": {}, "targets": [], "steps": STEPS}
        self._pictures: dict[Any, Array] = {}
        self._answered: dict[str, list[Frame]] = {}

    def check_size(self) -> None:
        """Raise if the network is too large for the page, before anything is computed."""
        count = self.answers.activations(self.networks[0])
        if count > MOST_ACTIVATIONS:
            raise ValueError(
                f"--export: this network has {count:,} activations for a photograph, and a page of {LIMIT // 2**20} MB "
                f"holds networks of at most {MOST_ACTIVATIONS:,}; look at it live, without --export"
            )

    def record(self) -> Iterator[str]:
        """Record everything; yields the kind of each request that was answered."""
        chances = {}
        for network in self.networks:
            self._ask({"kind": "describe", "model": network}, "")
            yield "describe"
            for photograph in self.photographs:
                self._load(network, photograph)
                yield "picture"
                chances[network, photograph] = self._forward(network, photograph)
                yield "forward"
        self._choose_targets(chances[self.networks[0], self.photographs[0]])
        for photograph in self.photographs:
            best = [int(chances[network, photograph].argmax()) for network in self.networks]
            # What any of the networks sees, so that a class can be chosen whichever of them is looked at.
            self.manifest["classes"][photograph] = list(dict.fromkeys([*best, self.manifest["targets"][0]]))
            for network, own in zip(self.networks, best):
                yield from self._photograph(network, photograph, own)

    def _forward(self, network, photograph):
        """Record the activations and scores; returns the probabilities."""
        self._about(network, photograph, kind="scores")
        return self._about(network, photograph, kind="forward")[-1][1]["probabilities"]

    def _photograph(self, network, photograph, own):
        """The answers about one photograph and one network; `own` is the class that it sees."""
        layers = self._ask({"kind": "describe", "model": network}, "")[0][0]["layers"]
        last = len(layers) - 1
        with_maps = [i for i, layer in enumerate(layers) if len(layer["shape"]) == 3]
        for label in self.manifest["classes"][photograph]:
            rules = RELU_RULES if label == own else RELU_RULES[:1]
            for rule in rules:
                self._about(network, photograph, kind="gradient", target=[last, label], rule=rule)
                yield "gradient"
            for method in RECORDED:
                self._about(network, photograph, kind="attribute", method=method, label=label)
                yield "attribute"
            yield from self._walk(network, photograph, with_maps[-1], [last, label])
        for label in self.manifest["targets"]:
            self._about(network, photograph, kind="fool", label=label)
            yield "fool"
        layer = self.manifest["layer"] = with_maps[-3] if len(with_maps) > 2 else with_maps[-1]
        for what in STEPS:
            rest = {"label": self.manifest["targets"][0]} if what == "class" else {"layer": layer}
            self._about(network, photograph, kind="grow", what=what, steps=STEPS[what], **rest)
            yield "grow"

    def _choose_targets(self, chances):
        """Classes to fool the network into and to visualise: ones that it does not see."""
        names = [layer.split(",")[0] for layer in self.answers.class_names(self.networks[0])]
        wanted = [names.index(name) for name in ("banana", "school bus") if name in names]
        order = np.argsort(-chances)
        self.manifest["targets"] = [k for k in wanted if k != order[0]] or [int(order[len(order) // 4])]

    def _walk(self, network, photograph, layer, target):
        """The microscope along the strongest way: from a neuron down to the photograph, and up to the class."""
        maps = self._about(network, photograph, kind="forward")[layer][1]["maps"]
        start = [layer, *(int(n) for n in np.unravel_index(maps.argmax(), maps.shape))]
        walk = self.manifest["walks"][f"{network}/{photograph}/{target[1]}"] = []
        neuron = start
        while neuron is not None:
            walk.append(neuron)
            found = self._value(network, photograph, neuron, target)
            yield "value"
            neuron = strongest_below(neuron, *found) if neuron[0] >= 0 else None
        neuron = strongest_above(start, self._value(network, photograph, start, target)[0])
        while neuron is not None:
            walk.append(neuron)
            found = self._value(network, photograph, neuron, target)
            yield "value"
            neuron = strongest_above(neuron, found[0])

    def _value(self, network, photograph, neuron, target):
        (found,) = self._about(network, photograph, kind="value", neuron=neuron, target=target, rule="standard")
        return found

    def _load(self, network, photograph):
        """Record the photograph at the network's size, and keep it for the other requests."""
        request = {"kind": "picture", "model": network, "name": photograph}
        asked = {**request, "name": ""} if photograph == self._given else request
        (frame,) = self._ask(request, "", asked=asked)
        self._pictures[network, photograph] = frame[1]["picture"]

    def _about(self, network, photograph, **request):
        whole = {"model": network, "engine": "fast", **request}
        return self._ask(whole, photograph, {"picture": self._pictures[network, photograph]})

    def _ask(self, request, photograph, arrays=None, asked=None):
        """The frames of an answer; they are recorded unless the same request was recorded before."""
        key = request_key(request, photograph)
        if key in self._answered:
            return self._answered[key]
        frames: list[Frame] = []
        self.answers.answer(
            asked or request, arrays or {}, lambda header, values: frames.append((header, dict(values)))
        )
        self._answered[key] = frames
        kept = thinned(frames) if request["kind"] == "grow" else frames
        self.frames += [pack({"key": key, **header}, values) for header, values in map(quantized, kept)]
        return frames


def request_key(request: dict[str, Any], photograph: str) -> str:
    """A request as text, its keys in order: the same in the page (client.js)."""
    entries = [*sorted(request.items()), ("photograph", photograph)]
    return json.dumps(entries, separators=(",", ":"), ensure_ascii=False)


def thinned(frames: list[Frame]) -> list[Frame]:
    """A few of a loop's frames, evenly, the last one included."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(FRAMES, len(frames))).astype(int))
    return [frames[i] for i in chosen]


def quantized(frame: Frame) -> Frame:
    """Maps as whole numbers and a scale for each channel; float64 as float32."""
    header, arrays = frame
    scales: dict[str, list[float]] = {}
    found = {}
    for name, value in arrays.items():
        if name in LEVELS and value.dtype == np.float32:
            rows = value.reshape(len(value) if value.ndim == 3 and name != "direction" else 1, -1)
            largest = np.abs(rows).max(axis=1)
            unit = np.where(largest > 0, largest, 1) / LEVELS[name]
            found[name] = np.rint(rows / unit[:, None]).astype(np.int8).view(np.uint8).reshape(value.shape)
            scales[name] = [float(f"{u * 127:.6g}") for u in unit]  # the page divides by 127
        else:
            found[name] = value.astype(np.float32) if value.dtype == np.float64 else value
    return ({**header, "scales": scales} if scales else header), found


def strongest_below(neuron: list[int], header: dict[str, Any], arrays: Arrays) -> list[int]:
    """The neuron in the layer before whose product is largest: where the page's left arrow key leads."""
    products = np.abs(arrays["window"] * arrays["weights"])
    c, i, j = (int(n) for n in np.unravel_index(products.argmax(), products.shape))
    layer, channel = neuron[0] - 1, header["first_channel"] + c
    if header["inner"]:
        return [layer, *header["below"]]
    if not header["maps_before"]:
        return [layer, channel]
    sides = header["maps_before"]
    place = (min(max(o + k, 0), n - 1) for o, k, n in zip(header["origin"], (i, j), sides))
    return [layer, channel, *place]


def strongest_above(neuron: list[int], header: dict[str, Any]) -> list[int] | None:
    """The neuron in the next layer that sends the most gradient: where the page's right arrow key leads."""
    if not header.get("above"):
        return None
    term = header["above"][0]
    layer, channel = neuron[0] + 1, term["channel"]
    if not header["maps_above"]:
        return [layer, channel]
    if header["squeeze"]:
        return [layer, *header["up"]]
    if not header["kernel"]:
        return [layer, channel, *term["at"]]
    place = ((p + header["pad"] - k) // header["stride"] for p, k in zip(neuron[2:], term["at"]))
    return [layer, channel, *place]


def bundled_scripts() -> str:
    """All modules of the page as one script: without imports and exports, each after those that it imports."""
    done: list[str] = []

    def visit(name):
        text = (STATIC / name).read_text(encoding="utf-8")
        for other in re.findall(r'^import .* from "\./([\w.]+)";$', text, re.M):
            if other not in done:
                visit(other)
        if name not in done:
            done.append(name)

    visit("main.js")
    parts = []
    for name in done:
        text = (STATIC / name).read_text(encoding="utf-8")
        text = re.sub(r'^import .* from "\./[\w.]+";\n', "", text, flags=re.M)
        parts.append(re.sub(r"^export (?=(?:async )?(?:function|class|const|let))", "", text, flags=re.M))
    script = "\n".join(parts)
    if "</script" in script:
        raise ValueError("a script of the page holds the end of a script element")
    return script
