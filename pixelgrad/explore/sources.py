"""The lines of code that the page shows: found in the files that run, so that they cannot be out of date.

In a student edition the body of an exercise is still to write. Then the page shows where it will stand.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..classifiers.network import Network
from ..layers import im2col
from ..visualization import class_visualization, dreaming, fooling, inversion
from .attribution import METHODS

# For each view: a function, and a part of the line in it that matters most.
CODE: dict[str, tuple[Callable[..., Any], str]] = {
    "forward": (Network.forward, "self._blocks[i].forward("),
    "gradient": (Network.backward, "self._blocks[i].backward("),
    "value": (im2col.conv_forward_im2col, "out = rows @ w"),
    "sent": (im2col.conv_backward_im2col, "drows = drows_out @ w"),
    "paint": (Network.scores, "block.forward(part"),
    "fool": (fooling.make_fooling_image, "moved = clip(step("),
    "class": (class_visualization.create_class_visualization, "dX, _ = model.backward("),
    "dream": (dreaming.deepdream, "dfeats = objective(feats)"),
    "inversion": (inversion.invert_features, "model.backward(2 * difference"),
}
MAIN_LINES = {
    "saliency": "np.abs(dX).max(",
    "smoothgrad": "total[n] += class_gradient(",
    "gradient_x_input": "X * ",
    "integrated_gradients": "attributions[n] = ",
    "guided": "model.backward(",
    "deconvnet": "class_gradient(",
    "grad_cam": "alpha = dA.mean(",
    "guided_grad_cam": "guided_backprop(X, y, model) *",
    "occlusion": "drop[part] = ",
}


def code_of_views() -> dict[str, dict[str, Any]]:
    """For each view and method: the file, the line's number and text, and the whole function."""
    methods = {name: (method.function, MAIN_LINES.get(name, "return ")) for name, method in METHODS.items()}
    return {name: _code(function, part) for name, (function, part) in (CODE | methods).items()}


def source_files() -> dict[str, Path]:
    """The files that the page links to, by their name in the project."""
    functions = [function for function, _ in CODE.values()] + [method.function for method in METHODS.values()]
    return {_name(function): Path(inspect.getfile(inspect.unwrap(function))) for function in functions}


def _name(function):
    """A file's place in the project, such as "layers/im2col.py"."""
    return "/".join(inspect.unwrap(function).__module__.split(".")[1:]) + ".py"


def _code(function, part):
    lines, first = inspect.getsourcelines(inspect.unwrap(function))
    found = next((n for n, line in enumerate(lines) if part in line), 0)
    shown = [line.rstrip() for line in lines if "### " not in line]
    return {"file": _name(function), "line": first + found, "text": lines[found].strip(), "function": "\n".join(shown)}
