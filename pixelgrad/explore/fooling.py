"""A fooling image, and the straight line that leads there from the photograph: what the fooling slider moves through.

`visualization.make_fooling_image` finds the image. All points of the line go through the network in one batch, so that
the slider answers at once.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._typing import Array
from ..classifiers.network import Network
from ..classifiers.scores import softmax
from ..visualization.fooling import make_fooling_image
from ..visualization.image_ops import clip

CONFIDENCE = 0.5
MAX_ITERATIONS = 60
BEYOND = 1.5  # the line goes on behind the fooling image
AMOUNTS = 31  # points of the line; that of index 20 is the fooling image


def fooling_direction(
    X: Array, target: int, model: Network, *, callback: Callable[..., Any] | None = None
) -> tuple[Array, float]:
    """The change from the photograph to a fooling image of the class `target`.

    Returns
    -------
    direction : ndarray (1, 3, H, W)
        In model space, with a root mean square of one grey level; zero if the network takes the photograph for the
        target already.
    length : float
        How many grey levels away the fooling image is.
    """
    made = make_fooling_image(
        X, target, model, confidence=CONFIDENCE, max_iterations=MAX_ITERATIONS, callback=callback, progress=False
    )
    change = (made - X) / model.pixel_scale
    length = float(np.sqrt((change**2).mean()))
    return (made - X) / (length or 1), length


def fooling_line(X: Array, direction: Array, length: float, model: Network) -> tuple[Array, Array]:
    """Amounts (A,) in grey levels, and the probabilities (A, K) of the photograph changed by so much."""
    amounts = np.linspace(0, BEYOND * (length or 1), AMOUNTS, dtype=np.float32)
    line = clip((X + amounts[:, None, None, None] * direction).astype(X.dtype), model.bounds(X))
    return amounts, softmax(model.scores(line).astype(np.float64))
