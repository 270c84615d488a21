"""Class visualisation: the image that a network finds most typical of a class.

K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks", 2014, section 2: maximise the score
of the class minus an L2 penalty. Jitter (A. Mordvintsev et al., "Inceptionism", 2015) and a periodic blur
(J. Yosinski et al., "Understanding neural networks through deep visualization", 2015, section 3) keep the image
smooth enough for people to recognise something in it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..classifiers.scores import one_hot, softmax
from ..layers.checks import check_choice
from .checks import check_images, check_labels, check_model, check_not_negative, check_whole
from .image_ops import blur, clip, jitter, noise, step, step_length


def create_class_visualization(
    target_y: int | IntArray,
    model: Network,
    *,
    learning_rate: float | None = None,
    normalize: bool = True,
    objective: str = "score",
    num_iterations: int = 100,
    l2_reg: float | None = None,
    max_jitter: int = 8,
    blur_every: int = 2,
    blur_sigma: float = 0.7,
    X_init: Array | None = None,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> Array:
    """Start from noise and maximize the score of a class.

    Parameters
    ----------
    target_y : int, or ndarray (N,) of int
        One class, or a class for each image of a batch.
    model : Network
    learning_rate : float, optional
        Length of a step in model space (with normalize), or the factor of the gradient (without; then there is no
        default). By default a step changes pixels by 8 grey levels (root mean square).
    normalize : bool
        Step by ``learning_rate * dX / ||dX||_2`` for each image; False: by ``learning_rate * dX``.
    objective : {"score", "log_odds"}
        What to maximize: the score of the class, or its log odds log(p / (1 - p)), which also lowers the scores of the
        classes it could be confused with. An image with the highest score of a Labrador is one of retrievers in
        general; one with the highest odds shows what only Labradors have.
    num_iterations : int
    l2_reg : float, optional
        Weight of the penalty ``l2_reg * ||X||^2`` in model space. By default 3e-7 / pixel_scale^2, which is CS231n's
        1e-3 for networks on standardised pixels.
    max_jitter : int
        Before each step the image is shifted by up to so many pixels in both directions, and back after it.
    blur_every : int
        Blur after every so many steps; 0 for never.
    blur_sigma : float
        Of the blur, in pixels.
    X_init : ndarray (N, 3, H, W), optional
        Where to start, in model space. By default noise of the network's input size.
    rng : int or numpy.random.Generator, optional
        For the noise and the jitter; a fixed seed by default.
    callback : callable, optional
        callback(t, X, info) after each step; info has the arrays "score" and "probability" of the class in the
        shifted image before the step, each (N,).
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    X : ndarray (N, 3, H, W)
        In model space, within the pixel bounds of the network. N is the number of classes asked for.

    Raises
    ------
    ValueError, TypeError
        A class or an option is out of range.
    """
    op = "create_class_visualization"
    check_model(op, model, target_y=target_y)
    rng = np.random.default_rng(0 if rng is None else rng)
    X = noise(model, (np.size(target_y), 3, *model.input_size), rng) if X_init is None else X_init
    check_images(op, X, model)
    check_choice(op, "objective", objective, ("score", "log_odds"))
    check_whole(op, 0, max_jitter=max_jitter, blur_every=blur_every, num_iterations=num_iterations)
    learning_rate = step_length(op, model, X, learning_rate, normalize=normalize, rms=8)
    l2_reg = 3e-7 / model.pixel_scale**2 if l2_reg is None else l2_reg
    check_not_negative(op, l2_reg=l2_reg, blur_sigma=blur_sigma)
    y = check_labels(op, target_y, len(X), model)
    bounds = model.bounds(X)
    X = clip(X, bounds)
    steps = progress_bar(range(num_iterations), progress=progress, desc="class visualisation", unit="step")

    def report(t, X, scores):
        """What the callback is told."""
        if callback:
            rows = np.arange(len(y))
            callback(t, X, {"score": scores[rows, y], "probability": softmax(scores)[rows, y]})

    ### BEGIN SOLUTION
    for t in steps:
        dy, dx = rng.integers(-max_jitter, max_jitter + 1, size=2)
        shifted = jitter(X, dy, dx)
        scores, cache = model.forward(shifted)
        dscores = one_hot(y, scores)
        if objective == "log_odds":  # score minus the log of the sum of exp(score) over all other classes
            dscores -= softmax(np.where(dscores == 1, -np.inf, scores))
        dX, _ = model.backward(dscores, cache)
        dX -= 2 * l2_reg * shifted
        shifted = step(shifted, dX, learning_rate, normalize=normalize)
        X = clip(jitter(shifted, -dy, -dx), bounds)
        if blur_every and (t + 1) % blur_every == 0 and t + 1 < num_iterations:
            X = blur(X, blur_sigma)
        report(t, X, scores)
    return X
    ### END SOLUTION
