"""Class visualisation: the image that a network finds most typical of a class.

K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks", 2014, section 2: maximise the score
of the class minus an L2 penalty. Jitter (A. Mordvintsev et al., "Inceptionism", 2015) and a periodic blur
(J. Yosinski et al., "Understanding neural networks through deep visualization", 2015, section 3) keep the image
smooth enough for people to recognise something in it. Octaves, from a small image to a large one, settle the large
shapes first and add details to them.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..classifiers.scores import one_hot, softmax
from ..layers.checks import check_choice
from .checks import check_images, check_labels, check_model, check_not_negative, check_whole
from .image_ops import blur, clip, jitter, noise, octave_sizes, resize, step, step_length, takes


def create_class_visualization(
    target_y: int | IntArray,
    model: Network,
    *,
    learning_rate: float | None = None,
    normalize: bool = True,
    objective: str = "score",
    num_iterations: int = 40,
    num_octaves: int = 3,
    octave_scale: float = 1.4,
    size: tuple[int, int] | None = None,
    l2_reg: float | None = None,
    max_jitter: int = 8,
    blur_every: int = 8,
    blur_sigma: float = 0.5,
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
        default). By default a step changes pixels by 3 grey levels (root mean square).
    normalize : bool
        Step by ``learning_rate * dX / ||dX||_2`` for each image; False: by ``learning_rate * dX``.
    objective : {"score", "log_odds"}
        What to maximize: the score of the class, or its log odds log(p / (1 - p)), which also lowers the scores of the
        classes it could be confused with. An image with the highest score of a Labrador is one of retrievers in
        general; one with the highest odds shows what only Labradors have.
    num_iterations : int
        Steps in each octave.
    num_octaves : int
        Sizes of the image, from the smallest to its own. Octaves smaller than 24 pixels are left out, and so are sizes
        that the network cannot take.
    octave_scale : float
        Each octave is so much larger than the one before; 1 to 10.
    size : (int, int), optional
        Height and width of the image in pixels. By default one and a half times the network's input size, where it
        takes images of any size, or else its input size.
    l2_reg : float, optional
        Weight of the penalty ``l2_reg * ||X||^2`` in model space. By default 1e-7 / pixel_scale^2: for networks on
        standardised pixels a third of CS231n's 1e-3.
    max_jitter : int
        Before each step the image is shifted by up to so many pixels in both directions, and back after it.
    blur_every : int
        Blur after every so many steps; 0 for never: then the images have more grain, and more detail.
    blur_sigma : float
        Of the blur, in pixels.
    X_init : ndarray (N, 3, H, W), optional
        Where to start, in model space, in place of noise; the result has its size.
    rng : int or numpy.random.Generator, optional
        For the noise and the jitter; a fixed seed by default.
    callback : callable, optional
        callback(t, X, info) after each step, t counting through all octaves; X is of the octave's size. info has the
        arrays "score" and "probability" of the class in the shifted image before the step, each (N,).
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

    Examples
    --------
    >>> made = create_class_visualization(y, model, num_iterations=2, num_octaves=1, size=(64, 64))
    >>> made.shape
    (1, 3, 64, 64)
    """
    op = "create_class_visualization"
    check_model(op, model, target_y=target_y)
    rng = np.random.default_rng(0 if rng is None else rng)
    check_choice(op, "objective", objective, ("score", "log_odds"))
    check_whole(op, 0, max_jitter=max_jitter, blur_every=blur_every, num_iterations=num_iterations)
    X, *larger = _octaves(op, target_y, model, X_init, size, num_octaves, octave_scale, rng)
    for octave, here in enumerate(larger):  # this function itself, at one size
        X = create_class_visualization(
            target_y,
            model,
            learning_rate=learning_rate,
            normalize=normalize,
            objective=objective,
            num_iterations=num_iterations,
            num_octaves=1,
            l2_reg=l2_reg,
            max_jitter=max_jitter,
            blur_every=blur_every,
            blur_sigma=blur_sigma,
            X_init=X,
            rng=rng,
            callback=callback and partial(_later, callback, octave * num_iterations),
            progress=progress,
        )
        X = resize(X, here, model)
    check_images(op, X, model)
    y = check_labels(op, target_y, len(X), model)
    learning_rate = step_length(op, model, X, learning_rate, normalize=normalize, rms=3)
    l2_reg = 1e-7 / model.pixel_scale**2 if l2_reg is None else l2_reg
    check_not_negative(op, l2_reg=l2_reg, blur_sigma=blur_sigma)
    bounds = model.bounds(X)
    X = clip(X, bounds)
    steps = progress_bar(range(num_iterations), progress=progress, desc="class visualisation", unit="step")

    def report(t, X, scores):
        """What the callback is told."""
        if callback:
            rows = np.arange(len(y))
            t += len(larger) * num_iterations
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


def _octaves(op, target_y, model, X_init, size, num_octaves, octave_scale, rng):
    """The images to start from, at the size of the smallest octave, and the sizes of the larger ones."""
    check_whole(op, 1, num_octaves=num_octaves)
    if not 1 <= octave_scale <= 10:
        raise ValueError(f"{op}: octave_scale must be from 1 to 10, got {octave_scale}")
    if X_init is not None:
        check_images(op, X_init, model)
        if size is not None and tuple(size) != X_init.shape[2:]:
            raise ValueError(f"{op}: the images have the size of X_init, {X_init.shape[2:]}; leave out size={size}")
        size = X_init.shape[2:]
    elif size is None:
        larger = tuple(3 * n // 2 for n in model.input_size)
        size = larger if takes(model, larger) else model.input_size
    check_whole(op, 1, height=size[0], width=size[1])
    *smaller, size = octave_sizes(size, num_octaves, octave_scale)
    sizes = [*(one for one in smaller if takes(model, one)), size]
    if X_init is None:
        return noise(model, (np.size(target_y), 3, *sizes[0]), rng), *sizes[1:]
    return X_init if len(sizes) == 1 else resize(X_init, sizes[0], model), *sizes[1:]


def _later(callback, steps, t, X, info):
    """Call back for a step of a later octave, after so many steps in the smaller ones."""
    callback(steps + t, X, info)
