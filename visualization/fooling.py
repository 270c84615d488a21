"""Fooling images: a barely visible change, and the network sees a different class.

C. Szegedy et al., "Intriguing properties of neural networks", 2014, section 4. Here by plain gradient ascent on the
target's score, as in CS231n.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..classifiers.scores import one_hot, softmax
from .checks import check_images, check_labels, check_whole
from .image_ops import clip, step, step_length


def make_fooling_image(
    X: Array,
    target_y: int | IntArray,
    model: Network,
    *,
    learning_rate: float | None = None,
    normalize: bool = True,
    max_iterations: int = 100,
    confidence: float = 0.0,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> Array:
    """Change images until the network takes them for target_y.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space; not modified. Noise works as well.
    target_y : int, or ndarray (N,) of int
        The class each shall be taken for.
    model : Network
    learning_rate : float, optional
        Length of a step in model space (with normalize), or the factor of the gradient (without). By default a
        step changes pixels by half a grey level (root mean square); without normalize there is no default.
    normalize : bool
        Step by ``learning_rate * dX / ||dX||_2`` for each image; False: by ``learning_rate * dX``.
    max_iterations : int
        Give up after so many steps; the image made so far is returned.
    confidence : float
        Go on until the target's probability is also at least this, 0..1.
    callback : callable, optional
        callback(t, X_fooling, info) before each step and once at the end; info has the arrays "score" and
        "probability" of the target and "fooled", each (N,).
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    X_fooling : ndarray (N, 3, H, W)
        Within the pixel bounds of the network. An image stays as it is from the moment it fools the network.

    Raises
    ------
    ValueError, TypeError
        X is not a batch of images, a class or an option is out of range.

    Examples
    --------
    >>> X_fooling = make_fooling_image(X, model.class_index("banana"), model, max_iterations=3)
    >>> X_fooling.shape, bool((X_fooling != X).any())
    ((1, 3, 64, 64), True)
    """
    op = "make_fooling_image"
    check_images(op, X, model, size_matters=True)
    check_whole(op, 0, max_iterations=max_iterations)
    if not 0 <= confidence <= 1:
        raise ValueError(f"{op}: confidence is a probability, 0 to 1; got {confidence}")
    learning_rate = step_length(op, model, X, learning_rate, normalize=normalize, rms=0.5)
    target = check_labels(op, target_y, len(X), model)
    bounds = model.bounds(X)
    steps = progress_bar(range(max_iterations + 1), progress=progress, desc="fooling", unit="step")

    def look(t, X_fooling, scores):
        """Which images fool the network, (N,); and what the callback is told."""
        rows = np.arange(len(X))
        probability = softmax(scores)[rows, target]
        fooled = (scores.argmax(axis=1) == target) & (probability >= confidence)
        if callback:
            callback(t, X_fooling, {"score": scores[rows, target], "probability": probability, "fooled": fooled})
        return fooled

    ### BEGIN SOLUTION
    X_fooling = X.copy()
    for t in steps:
        scores, cache = model.forward(X_fooling)
        fooled = look(t, X_fooling, scores)
        if fooled.all() or t == max_iterations:
            break
        dX, _ = model.backward(one_hot(target, scores), cache)
        moved = clip(step(X_fooling, dX, learning_rate, normalize=normalize), bounds)
        X_fooling = np.where(fooled[:, None, None, None], X_fooling, moved)
    return X_fooling
    ### END SOLUTION
