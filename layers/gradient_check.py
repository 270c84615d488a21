"""Gradient checks: the derivative you wrote against differences of the function itself.

Do it in float64: in float32 the differences are mostly rounding. Keep away from kinks and ties (ReLU at 0, equal
values in a pooling window), where a function has no derivative and differences say nothing.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._typing import Array

# Not 0, with which everyone draws the arguments: dout would equal x, and that hides mistakes (gating by dout's sign).
SEED = 8128


class GradientError(AssertionError):
    """A gradient differs from the numerical one, or a function changed what it must not change."""


def eval_numerical_gradient(f: Callable[..., Any], x: Array, h: float = 1e-5) -> Array:
    """Gradient of a scalar function by central differences, entry by entry.

    Parameters
    ----------
    f : callable
        f(x) -> float.
    x : ndarray of float64
        Where. It is perturbed in place, one entry at a time, and restored: functions that find x through a model
        or a closure see the change, as in CS231n.
    h : float
        Step, in the units of x.

    Returns
    -------
    grad : ndarray, of x's shape

    Examples
    --------
    >>> eval_numerical_gradient(lambda x: (x**2).sum(), np.array([1.0, -3.0])).round(6)
    array([ 2., -6.])
    """
    return eval_numerical_gradient_array(f, x, np.ones(()), h)


def eval_numerical_gradient_array(f: Callable[..., Any], x: Array, df: Array, h: float = 1e-5) -> Array:
    """Gradient of ``sum(f(x) * df)`` by central differences: f returns an array, df is its upstream gradient.

    Parameters
    ----------
    f : callable
        f(x) -> ndarray.
    x : ndarray of float64
        Perturbed in place and restored.
    df : ndarray, of f(x)'s shape
    h : float

    Returns
    -------
    grad : ndarray, of x's shape

    Examples
    --------
    >>> eval_numerical_gradient_array(lambda x: x**2, np.array([1.0, -3.0]), np.array([1.0, 10.0])).round(6)
    array([  2., -60.])
    """
    if not isinstance(x, np.ndarray) or not np.issubdtype(x.dtype, np.floating):
        raise TypeError(
            f"numerical gradient: x must be a floating-point array, got {getattr(x, 'dtype', type(x).__name__)}; "
            "use x.astype(np.float64)"
        )
    grad = np.zeros(x.shape, dtype=np.float64)
    for index in np.ndindex(x.shape):
        old = x[index]
        try:
            x[index] = old + h
            plus = np.array(f(x), dtype=np.float64)
            x[index] = old - h
            minus = np.array(f(x), dtype=np.float64)
        finally:
            x[index] = old
        if plus.shape != np.shape(df):
            raise ValueError(f"numerical gradient: f(x) has the shape {plus.shape} but df {np.shape(df)}")
        grad[index] = np.sum((plus - minus) * df) / (2 * h)
    return grad


def rel_error(x: Array, y: Array) -> float:
    """CS231n's largest relative error: ``max(|x - y| / max(1e-8, |x| + |y|))``. Shapes must be equal.

    Examples
    --------
    >>> rel_error(np.array([1.0, 2.0]), np.array([1.0, 2.2]))
    0.04761904761904766
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.shape != y.shape:
        raise ValueError(f"rel_error: the shapes differ, {x.shape} and {y.shape}")
    if x.size == 0:
        return 0.0
    return float(np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y))))


def compare_gradients(name: str, analytic: Array, numerical: Array, *, rtol: float = 1e-6, atol: float = 1e-8) -> None:
    """Raise GradientError unless two gradients agree; say where they differ most.

    Parameters
    ----------
    name : str
        What is being checked, such as "conv_backward: dw".
    analytic, numerical : ndarray
        Entries agree if ``|difference| <= atol + rtol * (|analytic| + |numerical|)``.

    Examples
    --------
    >>> compare_gradients("dx", np.array([1.0, 2.0]), np.array([1.0, 2.0]))  # nothing is said: they agree
    """
    if analytic is None:
        raise GradientError(f"{name}: got None instead of a gradient of the shape {numerical.shape}")
    analytic = np.asarray(analytic)
    if analytic.shape != numerical.shape:
        raise GradientError(f"{name}: the gradient has the shape {analytic.shape}, expected {numerical.shape}")
    if not np.all(np.isfinite(analytic)):
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(analytic))[0])
        raise GradientError(f"{name}: the gradient at {index} is {analytic[index]}")
    if not np.all(np.isfinite(numerical)):
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(numerical))[0])
        raise GradientError(
            f"{name}: the function itself is not finite, its differences at {index} are "
            f"{numerical[index]} (analytic gradient {analytic[index]:.9g})"
        )
    difference = np.abs(analytic - numerical)
    excess = difference - (atol + rtol * (np.abs(analytic) + np.abs(numerical)))
    if excess.size and excess.max() > 0:
        index = tuple(int(i) for i in np.unravel_index(excess.argmax(), excess.shape))
        raise GradientError(
            f"{name}: wrong at {np.count_nonzero(excess > 0)} of {excess.size} entries, most at index {index}: "
            f"analytic {analytic[index]:.9g}, numerical {numerical[index]:.9g}, "
            f"relative error {rel_error(analytic[index], numerical[index]):.2g}"
        )


def check_gradient(
    f: Callable[..., Any],
    x: Array,
    grad: Array,
    *,
    name: str | None = None,
    h: float = 1e-5,
    rtol: float = 1e-6,
    atol: float = 1e-8,
) -> None:
    """Check the gradient of a scalar function entry by entry.

    Parameters
    ----------
    f : callable
        f(x) -> float.
    x : ndarray of float64
    grad : ndarray, of x's shape
        The gradient to check.
    name : str, optional
        For the message; f's name by default.

    Raises
    ------
    GradientError
        With the name, the index, the analytic and the numerical value.

    Examples
    --------
    >>> x = np.array([1.0, -3.0])
    >>> check_gradient(lambda x: (x**2).sum(), x, 2 * x)  # nothing is said: it is right
    """
    compare_gradients(name or function_name(f), grad, eval_numerical_gradient(f, x, h=h), rtol=rtol, atol=atol)


def check_projection(
    f: Callable[..., Any],
    x: Array,
    grad: Array,
    *,
    rng: np.random.Generator | None = None,
    name: str | None = None,
    h: float = 1e-6,
    rtol: float = 1e-5,
    atol: float = 1e-9,
) -> None:
    """Check a gradient along one random direction: two evaluations of f, however large x is.

    Parameters
    ----------
    f : callable
        f(x) -> float.
    x : ndarray of float64
    grad : ndarray, of x's shape
    rng : numpy.random.Generator, optional
        Draws the direction, a unit vector. A fixed seed by default.

    Raises
    ------
    GradientError
        With the name, the analytic and the numerical slope.

    Examples
    --------
    >>> x = rng.normal(size=(100, 100))
    >>> check_projection(lambda x: (x**2).sum(), x, 2 * x)  # nothing is said: it is right
    """
    name = name or function_name(f)
    if grad is None or np.shape(grad) != x.shape:
        raise GradientError(f"{name}: the gradient has the shape {np.shape(grad)}, expected {x.shape}")
    direction = np.random.default_rng(SEED if rng is None else rng).standard_normal(x.shape)
    direction /= np.linalg.norm(direction)
    numerical = (float(f(x + h * direction)) - float(f(x - h * direction))) / (2 * h)
    analytic = float(np.sum(grad * direction))
    if not abs(analytic - numerical) <= atol + rtol * (abs(analytic) + abs(numerical)):
        raise GradientError(
            f"{name}: along a random direction the gradient says {analytic:.9g}, differences say {numerical:.9g}"
        )


def function_name(f):
    """What a failed check calls a function."""
    return getattr(f, "__name__", type(f).__name__)
