"""Counterfactuals: what would have to be different in an image for the network to see another class?

The image walks towards the class in small L2 steps (S. Santurkar et al., "Image synthesis with a single (robust)
classifier", 2019, section 3; for the question S. Wachter, B. Mittelstadt and C. Russell, "Counterfactual explanations
without opening the black box", 2018). On a standard network the difference is noise, an attack. On one that was trained
against attacks it is something that people see, too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..classifiers.scores import one_hot, softmax
from .checks import check_converging, check_images, check_labels, check_model, check_positive, check_whole
from .image_ops import clip, unit


@dataclass(frozen=True)
class Counterfactual:
    """N images, and others near them that belong to other classes.

    Attributes
    ----------
    images : ndarray (N, 3, H, W)
        In model space.
    probability : ndarray (N, T + 1)
        Of the class asked for, at the start and after each step; it stays where an image has arrived.
    steps : ndarray (N,) of int
        Taken by each image.
    distance : ndarray (N,)
        L2, in units where pixels are 0..1.
    reached : ndarray (N,) of bool
        Whether the probability asked for was reached.
    """

    images: np.ndarray
    probability: np.ndarray
    steps: np.ndarray
    distance: np.ndarray
    reached: np.ndarray


def counterfactual(
    X: Array,
    target_y: IntArray | int,
    model: Network,
    *,
    confidence: float = 0.9,
    step: float = 0.25,
    max_steps: int = 60,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> "Counterfactual":
    """Walk from images towards another class, until the network is confident.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    target_y : ndarray (N,) of int, or int
        The class to arrive at, one for each image or one for all.
    model : Network
        Best one that was trained against attacks: ``PretrainedCNN(variant="robust")``.
    confidence : float
        Probability of the class at which an image stops, between 0 and 1.
    step : float
        Length of a step, L2, in units where pixels are 0..1.
    max_steps : int
    callback : callable, optional
        callback(t, X, info) after each step; info has "probability" (N,).
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    Counterfactual

    Examples
    --------
    >>> result = counterfactual(X, y, model, max_steps=3)
    >>> bool(result.probability[0, -1] > result.probability[0, 0])
    True
    """
    op = "counterfactual"
    check_model(op, model, X=X, target_y=target_y)
    check_images(op, X, model, size_matters=True)
    check_positive(op, step=step)
    check_whole(op, 1, max_steps=max_steps)
    if not 0 < confidence < 1:
        raise ValueError(f"{op}: confidence must lie between 0 and 1, got {confidence!r}")
    y = check_labels(op, target_y, len(X), model)
    bounds = model.bounds(X)
    span = bounds[1] - bounds[0]  # model-space units from black to white

    Z, steps, probability = X, np.zeros(len(X), dtype=int), []
    for t in progress_bar(range(max_steps + 1), progress=progress, desc="counterfactual", unit="step"):
        scores, cache = model.forward(Z)
        p = softmax(scores.astype(np.float64))
        probability.append(p[np.arange(len(X)), y])
        walking = probability[-1] < confidence
        if callback and t:
            callback(t - 1, Z, {"probability": probability[-1]})
        if t == max_steps or not walking.any():
            break
        dlog = (one_hot(y, scores) - p).astype(X.dtype)  # of the log probability, by the scores
        dX, _ = model.backward(dlog, cache)
        # In units of 0..1, x / span, the gradient is dX span, and a step goes back by span again.
        moved = clip(Z + step * unit(dX * span) * span, bounds).astype(X.dtype)
        check_converging(op, t, moved)
        Z = np.where(walking[:, None, None, None], moved, Z)
        steps += walking
    distance = np.sqrt((((Z - X) / span) ** 2).sum(axis=(1, 2, 3)))
    return Counterfactual(Z, np.stack(probability, axis=1), steps, distance, ~walking)
