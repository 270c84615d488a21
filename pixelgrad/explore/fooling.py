"""A step along the gradient of another class's score, of any length: what the fooling slider moves through.

The direction is that of `visualization.make_fooling_image`, followed for a few steps; the slider then moves on the
straight line from the photograph to where they lead. All points of the line go through the network in one batch.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._typing import Array
from ..classifiers.network import Network
from ..classifiers.scores import one_hot, softmax
from ..visualization.image_ops import clip

STEPS = 12
AMOUNTS = 33
LARGEST = 8.0  # grey levels, root mean square


def fooling_direction(X: Array, target: int, model: Network, *, callback: Callable[..., Any] | None = None) -> Array:
    """A change (1, 3, H, W) in model space whose root mean square is one grey level, towards the class `target`."""
    moved = X
    bounds = model.bounds(X)
    for t in range(STEPS):
        scores, cache = model.forward(moved)
        dX, _ = model.backward(one_hot(np.array([target]), scores), cache)
        length = np.sqrt((dX**2).mean())
        moved = clip(moved + 0.25 * model.pixel_scale * dX / (length or 1), bounds)
        if callback:
            callback(t, moved, {})
    change = moved - X
    return change * (model.pixel_scale / (np.sqrt((change**2).mean()) or 1))


def fooling_line(X: Array, direction: Array, model: Network) -> tuple[Array, Array]:
    """Amounts (A,) in grey levels, 0 to LARGEST, and the probabilities (A, K) of the photograph changed by so much."""
    amounts = np.linspace(0, LARGEST, AMOUNTS, dtype=np.float32)
    line = clip((X + amounts[:, None, None, None] * direction).astype(X.dtype), model.bounds(X))
    return amounts, softmax(model.scores(line).astype(np.float64))
