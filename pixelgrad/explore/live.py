"""Images that grow while you watch: the loops of `visualization`, and their callbacks, which show each step.

To go on after a stop, a loop starts from the image that it had.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .._typing import Array, Images
from ..classifiers.network import Network
from ..visualization.class_visualization import create_class_visualization
from ..visualization.dreaming import deepdream
from ..visualization.inversion import invert_features

PAUSE = 0.05  # seconds from one picture to the next: more than that nobody sees
MOST_STEPS = 1000


class Growing:
    """A callback for the loops: hands on the image as a picture, at most every PAUSE seconds.

    Parameters
    ----------
    model : Network
    show : callable (picture, t, value)
        picture uint8 (H, W, 3), the step, and the number that the loop drives up or down.
    key : str
        Under which the loop's `info` has that number.
    """

    def __init__(self, model: Network, show: Callable[[Images, int, float], None], key: str) -> None:
        self.model, self.show, self.key = model, show, key
        self.shown = 0.0

    def __call__(self, t: int, X: Array, info: dict[str, Any]) -> None:
        if time.monotonic() - self.shown >= PAUSE:
            self.finish(t, X, float(np.ravel(info[self.key])[0]))

    def finish(self, t: int, X: Array, value: float) -> None:
        """Show an image in any case, as the last one must be."""
        self.show(self.model.deprocess(X)[0], t, value)
        self.shown = time.monotonic()


def grow(
    what: str,
    model: Network,
    X: Array,
    show: Callable[[Images, int, float], None],
    *,
    label: int = 0,
    layer: int = 0,
    steps: int = 100,
    start: Array | None = None,
    pace: float = 0,
) -> None:
    """Class visualisation, DeepDream or inversion, with every step shown.

    Parameters
    ----------
    what : {"class", "dream", "inversion"}
    model : Network
    X : ndarray (1, 3, H, W)
        The photograph, which a dream starts from and an inversion rebuilds.
    show : callable
        See `Growing`.
    label, layer : int
        The class to show; the layer that dreams or whose features are inverted.
    steps : int
    start : ndarray (1, 3, h, w), optional
        To go on from.
    pace : float
        Seconds that a step takes at least, so that one can watch.
    """
    if not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"steps must be 1 to {MOST_STEPS}, got {steps}")
    last: dict[str, Any] = {}

    def remember(t, X, info):
        last.update(t=t, info=info)
        growing(t, X, info)
        time.sleep(max(0.0, last.get("next", 0.0) - time.monotonic()))
        last["next"] = time.monotonic() + pace

    if what == "class":
        growing = Growing(model, show, "score")
        octaves = 3 if start is None else 1
        made = create_class_visualization(
            label, model, num_iterations=-(-steps // octaves), num_octaves=octaves, X_init=start, callback=remember
        )
    elif what == "dream":
        growing = Growing(model, show, "product")
        octaves = 3 if start is None else 1
        made = deepdream(
            X if start is None else start,
            layer,
            model,
            num_iterations=-(-steps // octaves),
            num_octaves=octaves,
            callback=remember,
        )
    elif what == "inversion":
        growing = Growing(model, show, "loss")
        feats, _ = model.forward(X, end=layer)
        made = invert_features(feats, layer, model, num_iterations=steps, X_init=start, callback=remember)
    else:
        raise ValueError(f"there is no loop {what!r}; known are class, dream and inversion")
    growing.finish(last["t"], made, float(np.ravel(last["info"][growing.key])[0]))
