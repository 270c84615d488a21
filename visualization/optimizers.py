"""Optimizers for an image: gradient descent, Adam and L-BFGS.

D. Kingma and J. Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1. L-BFGS with bounds is SciPy's
(R. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for bound constrained optimization", 1995).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import Bounds, minimize
from threadpoolctl import threadpool_limits

from .._progress import progress_bar
from .._typing import Array
from ..classifiers.network import Network
from ..layers.fast.parallel import one_blas_thread
from .image_ops import clip, grey_levels, step

OPTIMIZERS = ("adam", "sgd", "lbfgs")
_ADAM_STEP = 10  # grey levels
_SGD_STEP = 6


def descend(
    objective: Callable[..., Any],
    X: Array,
    bounds: tuple[Array, Array],
    model: Network,
    *,
    optimizer: str,
    learning_rate: float | None,
    num_iterations: int,
    callback: Callable[..., Any] | None,
    progress: bool | None,
    desc: str,
) -> Array:
    """Follow the gradient of an objective downhill, within bounds.

    Parameters
    ----------
    objective : callable (X) -> loss (float), dX (ndarray, like X), info (dict)
    X : ndarray (N, 3, H, W)
        Where to start; not modified.
    bounds : (lo, hi)
        As `model.bounds(X)` returns them.
    model : Network
        For the default learning rate.
    optimizer : {"adam", "sgd", "lbfgs"}
        "sgd" takes steps of one length along the gradient, "adam" steps of about one length in each pixel; both get
        shorter along a straight line, so that the descent settles. "lbfgs" chooses its own.
    learning_rate : float, optional
        In model space: the L2 length of the first step for "sgd" (by default that of 6 grey levels, root mean square),
        the change of a pixel for "adam" (by default 10 grey levels). "lbfgs" takes none.
    num_iterations : int
    callback : callable or None
        callback(t, X, info) after each step; info is the objective's, before the step ("lbfgs": after it), and "loss".
    progress : bool, optional
    desc : str
        Name on the progress bar.

    Returns
    -------
    ndarray (N, 3, H, W)
    """
    if optimizer == "lbfgs" and learning_rate is not None:
        raise ValueError(f"{desc}: lbfgs finds its own steps; leave out learning_rate")
    X = clip(X, bounds)
    if num_iterations == 0:  # SciPy would take a step all the same
        return X
    # Whatever the objective multiplies itself: BLAS's threads would stay awake between products, in the layers' way.
    with one_blas_thread(), progress_bar(total=num_iterations, progress=progress, desc=desc, unit="step") as bar:
        if optimizer == "lbfgs":
            return _lbfgs(objective, X, bounds, num_iterations, callback, bar)
        if learning_rate is None:
            adam = _ADAM_STEP * model.pixel_scale
            learning_rate = adam if optimizer == "adam" else grey_levels(model, X, _SGD_STEP)
        first, second = np.zeros_like(X), np.zeros_like(X)
        for t in range(num_iterations):
            loss, dX, info = objective(X)
            rate = learning_rate * (1 - t / num_iterations)
            if optimizer == "sgd":
                X = clip(step(X, -dX, rate, normalize=True), bounds)
            else:
                first = 0.9 * first + 0.1 * dX
                second = 0.999 * second + 0.001 * dX**2
                mean, square = first / (1 - 0.9 ** (t + 1)), second / (1 - 0.999 ** (t + 1))
                # Gradients may be tiny as a whole: what is small is measured beside the largest.
                tiny = 1e-6 * np.sqrt(square.max()) + np.finfo(X.dtype).tiny
                X = clip(X - X.dtype.type(rate) * mean / (np.sqrt(square) + tiny), bounds)
            bar.update()
            if callback:
                callback(t, X, {**info, "loss": loss})
    return X


def _lbfgs(objective, X, bounds, num_iterations, callback, bar):
    """SciPy's L-BFGS-B on pixels in units of their range, where its first step is neither tiny nor huge."""
    lo, hi = (np.broadcast_to(b, X.shape).astype(np.float64) for b in bounds)
    span = hi - lo

    def image(u):
        return (lo + u.reshape(X.shape) * span).astype(X.dtype)

    latest = {"t": 0}

    def loss_and_gradient(u):
        loss, dX, latest["info"] = objective(image(u))
        scale = latest.setdefault("scale", 1 / max(loss, np.finfo(np.float64).tiny))  # it stops by absolute numbers
        latest["loss"] = loss
        return loss * scale, (dX * span).ravel().astype(np.float64) * scale

    def after(u):
        bar.update()
        if callback:
            callback(latest["t"], image(u), {**latest["info"], "loss": latest["loss"]})
        latest["t"] += 1

    with threadpool_limits(1, user_api="blas"):  # SciPy has a BLAS of its own
        result = minimize(
            loss_and_gradient,
            ((X - lo) / span).ravel(),
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(0, 1),
            callback=after,
            options={"maxiter": num_iterations, "maxfun": 2 * num_iterations + 20, "ftol": 0, "gtol": 0, "maxcor": 10},
        )
    return clip(image(result.x), bounds)
