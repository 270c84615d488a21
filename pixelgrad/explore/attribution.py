"""The attribution methods that the page offers, in one table: a new method is a new line.

Each takes images, a class, a network and a callback, and returns maps (N, H, W). The callback may be ignored; those who
call it let the page show how far they are.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._typing import Array
from ..classifiers.network import Network
from ..visualization import attribution, cam, faithfulness, guided, occlusion, saliency


class Method(NamedTuple):
    """A method of the page.

    Attributes
    ----------
    maps : callable (X, y, model, callback) -> ndarray (N, H, W)
    signed : bool
        Whether its maps have a sign: for the class and against it.
    function : callable
        Whose code the page shows.
    """

    maps: Callable[..., Array]
    signed: bool
    function: Callable[..., Any]


def _table(name):
    """A method of `visualization.faithfulness.METHODS`, where each stands in its usual form."""
    return lambda X, y, model, callback: faithfulness.METHODS[name](X, y, model)


def _smoothgrad(X, y, model, callback):
    return attribution.smoothgrad(X, y, model, samples=25, callback=callback)


def _occlusion(X, y, model, callback):
    side = min(X.shape[2:])
    window, stride = max(side // 4, 1), max(side // 16, 1)
    return occlusion.occlusion_maps(X, y, model, window=window, stride=stride, batch_size=16, callback=callback).maps


METHODS = {
    "saliency": Method(_table("saliency"), False, saliency.compute_saliency_maps),
    "smoothgrad": Method(_smoothgrad, False, attribution.smoothgrad),
    "gradient_x_input": Method(_table("gradient_x_input"), True, attribution.gradient_x_input),
    "integrated_gradients": Method(_table("integrated_gradients"), True, attribution.integrated_gradients),
    "guided": Method(_table("guided"), False, guided.guided_backprop),
    "deconvnet": Method(_table("deconvnet"), False, guided.deconvnet),
    "grad_cam": Method(_table("grad_cam"), False, cam.grad_cam),
    "guided_grad_cam": Method(_table("guided_grad_cam"), False, cam.guided_grad_cam),
    "occlusion": Method(_occlusion, True, occlusion.occlusion_maps),
}


def attribution_map(
    name: str, X: Array, label: int, model: Network, callback: Callable[..., Any] | None = None
) -> Array:
    """The map (H, W) of a method of the table for one image (1, 3, H, W) and a class."""
    if name not in METHODS:
        raise ValueError(f"there is no method {name!r}; known are {', '.join(METHODS)}")
    (map_,) = METHODS[name].maps(X, label, model, callback)
    return np.asarray(map_, dtype=np.float32)
