"""The lines of code that the page shows: found in the files that run, so that they cannot be out of date.

In a student edition the body of an exercise is still to write. Then the page shows where it will stand.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..classifiers.network import Network
from ..classifiers.pixels import Pixels
from ..layers import basic, im2col, naive
from ..visualization import class_visualization, dreaming, fooling, inversion
from .attribution import METHODS

# For each view: a function, and a part of the line in it that matters most: a short one, since editions hold this file,
# and what it points at may be for students to write. A view "name-more" is shown after "name".
CODE: dict[str, tuple[Callable[..., Any], str]] = {
    "forward": (Network.forward, "self._blocks[i].forward("),
    "forward-more": (im2col.conv_forward_im2col, "out = rows @ w"),
    "gradient": (Network.backward, "self._blocks[i].backward("),
    "gradient-more": (im2col.conv_backward_im2col, "drows = drows_out @ w"),
    "value": (im2col.conv_forward_im2col, "out = rows @ w"),
    "value-inactive": (im2col.conv_forward_im2col, "out = rows @ w"),
    "value-affine": (basic.affine_forward, "out = x.reshape("),
    "value-mean": (naive.global_avg_pool_forward_naive, "return x.mean("),
    "value-max": (naive.max_pool_forward_naive, "window.max()"),
    "value-avg": (naive.avg_pool_forward_naive, "window.mean("),
    "value-relu": (basic.relu_forward, "return np.maximum("),
    "value-pixel": (Pixels.preprocess, "X -= self._mean_for("),
    "value-pixel-std": (Pixels.preprocess, "X /= self.std"),
    "sent": (im2col.conv_backward_im2col, "drows = drows_out @ w"),
    "sent-guided": (basic.relu_backward, "0) * ("),
    "sent-deconv": (basic.relu_backward, "dout, 0)\n"),
    "sent-affine": (basic.affine_backward, "dx = (dout @ w.T)"),
    "sent-mean": (naive.global_avg_pool_backward_naive, "return np.zeros("),
    "sent-max": (naive.max_pool_backward_naive, "+="),
    "sent-avg": (naive.avg_pool_backward_naive, "+="),
    "sent-relu": (basic.relu_backward, "return dout"),
    "sent-relu-guided": (basic.relu_backward, "0) * ("),
    "sent-relu-deconv": (basic.relu_backward, "dout, 0)\n"),
    "paint": (Network.scores, "block.forward(part"),
    "fool": (fooling.make_fooling_image, "moved = clip(step("),
    "class": (class_visualization.create_class_visualization, "dX, _ = model.backward("),
    "dream": (dreaming.deepdream, "dfeats = objective(feats)"),
    "inversion": (inversion.invert_features, "model.backward(2 * difference"),
}
MAIN_LINES = {
    "saliency": "np.abs(dX).max(",
    "smoothgrad": "total[n] += class_gradient(",
    "vargrad": "squares[n] += ((dX",
    "gradient_x_input": "X * ",
    "full_gradient": "maps += _part(",
    "integrated_gradients": "attributions[n] = ",
    "expected_gradients": "attributions[n] += ",
    "blur_integrated_gradients": "attributions[n] += ",
    "guided_integrated_gradients": "attributions += ",
    "deep_lift": "m = m * _slope(",
    "lrp": "R = _share_out(",
    "guided": "model.backward(",
    "deconvnet": "class_gradient(",
    "cam": "np.einsum(",
    "grad_cam": "alpha = dA.mean(",
    "grad_cam_plus_plus": "return _by_gradient(",
    "layer_cam": "return _by_gradient(",
    "hires_cam": "return _by_gradient(",
    "xgrad_cam": "return np.divide((A * g)",
    "score_cam": "left[part] = model.scores(",
    "ablation_cam": "weights = (score - left)",
    "eigen_cam": "np.linalg.svd(",
    "guided_grad_cam": "guided_backprop(X, y, model) *",
    "occlusion": "drop[part] = ",
    "rise": "total[n] += ",
    "kernel_shap": "values[n], errors[n] = _regression(",
}


def code_of_views() -> dict[str, dict[str, Any]]:
    """For each view and method: the file, the line's number and text, and the whole function around it."""
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
    end = _end_of_statement("".join(lines), found)
    text = textwrap.dedent("".join(lines[found : end + 1])).strip()
    parts = (range(found), range(found, end + 1), range(end + 1, len(lines)))
    hidden = _docstring("".join(lines)) | {n for n, line in enumerate(lines) if "### " in line}
    whole = [[lines[n].rstrip() for n in part if n not in hidden] for part in parts]
    return {"file": _name(function), "line": first + found, "text": text, "function": ["\n".join(p) for p in whole]}


def _docstring(source):
    """The lines of a function's docstring, counted from 0; the page has room for the code."""
    first = ast.parse(textwrap.dedent(source)).body[0].body[0]
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return set(range(first.lineno - 1, first.end_lineno)) if is_text else set()


def _end_of_statement(source, start):
    """The last line of the statement that begins or stands at a line, both counted from 0; a call is not cut in two."""
    for node in ast.walk(ast.parse(textwrap.dedent(source))):
        if isinstance(node, ast.stmt) and not hasattr(node, "body") and node.lineno == start + 1:
            return (node.end_lineno or node.lineno) - 1
    return start
