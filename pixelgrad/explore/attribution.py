"""The attribution methods that the page offers: those of `visualization.methods`, all quick on a small photograph."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import visualization
from .._typing import Array
from ..classifiers.network import Network
from ..visualization import methods

NAMES = {  # of functions that are called otherwise than their method
    "saliency": "compute_saliency_maps",
    "guided": "guided_backprop",
    "cam": "class_activation_maps",
    "occlusion": "occlusion_maps",
}
SIGNED = {
    "gradient_x_input",
    "integrated_gradients",
    "expected_gradients",
    "blur_integrated_gradients",
    "guided_integrated_gradients",
    "deep_lift",
    "lrp",
    "occlusion",
    "kernel_shap",
}


class Method(NamedTuple):
    """A method of the page.

    Attributes
    ----------
    family : str
        Methods of a family stand together.
    signed : bool
        Whether its maps have a sign: for the class and against it.
    function : callable
        Whose code the page shows.
    """

    family: str
    signed: bool
    function: Callable[..., Any]


METHODS = {
    name: Method(found.family, name in SIGNED, getattr(visualization, NAMES.get(name, name)))
    for name, found in methods.METHODS.items()
}


def attribution_map(name: str, X: Array, label: int, model: Network) -> Array:
    """The map (H, W) of a method of the table for one image (1, 3, H, W) and a class; what is drawn, always alike."""
    if name not in METHODS:
        raise ValueError(f"there is no method {name!r}; known are {', '.join(METHODS)}")
    (map_,) = methods.METHODS[name].maps(X, np.array([label]), model, rng=0)
    return np.asarray(map_, dtype=np.float32)
