"""Techniques that show what a convolutional network sees, each a short loop over `model.forward` and `model.backward`.

- `compute_saliency_maps`: which pixels a class score depends on
- `make_fooling_image`: a change one hardly sees, another class
- `create_class_visualization`: the image most typical of a class
- `invert_features`: the image behind a layer's features
- `deepdream`: whatever a layer sees, amplified

Images go in and come out in model space, (N, 3, H, W). `callback(t, X, info)` follows a loop while it runs; drawing is
the business of `pixelgrad.visualization.plotting`.
"""

import importlib

from .class_visualization import create_class_visualization
from .dreaming import deepdream
from .fooling import make_fooling_image
from .inversion import invert_features
from .saliency import compute_saliency_maps

_DRAWING = {
    "make_gallery": "gallery",
    "plot_evaluation": "plotting",
    "plot_fooling": "plotting",
    "plot_history": "plotting",
    "plot_images": "plotting",
    "plot_progress": "plotting",
    "plot_saliency": "plotting",
}


def __getattr__(name):
    """What draws is imported when it is asked for: the techniques do not need matplotlib."""
    if name in _DRAWING:
        return getattr(importlib.import_module(f".{_DRAWING[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "compute_saliency_maps",
    "create_class_visualization",
    "deepdream",
    "invert_features",
    "make_fooling_image",
    *_DRAWING,
]
