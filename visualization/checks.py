"""Checks of the arguments that techniques share."""

import numbers
from typing import Any

import numpy as np

from .._typing import Array
from ..classifiers.network import Network


def check_images(op: str, X: Array, model: Network) -> None:
    """Raise unless X is a batch of images in model space for this network."""
    if not isinstance(X, np.ndarray) or not np.issubdtype(X.dtype, np.floating):
        raise TypeError(
            f"{op}: X must be a float array in model space, got {getattr(X, 'dtype', type(X).__name__)}; "
            "use model.preprocess(images)"
        )
    if X.ndim != 4 or X.shape[1] != 3 or X.shape[0] == 0:
        raise ValueError(f"{op}: X must have the shape (N, 3, H, W) with N at least 1, got {X.shape}")
    check_finite(op, "X", X)


def check_finite(op: str, name: str, x: Array, *, power: float = 1) -> None:
    """Raise if an array holds NaN or infinity, or numbers whose `power` overflows when they are summed up."""
    x = np.asarray(x)
    if x.size == 0:
        return
    largest = max(-float(x.min()), float(x.max()))  # NaN where there is one
    if not np.isfinite(largest):
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise ValueError(f"{op}: {name} holds NaN or infinity (first at {place}); what was it made from?")
    if power > 1 and largest > (float(np.finfo(x.dtype).max) / (8 * x.size)) ** (1 / power):
        raise ValueError(
            f"{op}: {name} holds numbers up to {largest:.3g}, and {x.dtype} has no room for their powers; scale them"
        )


def check_converging(op: str, t: int, x: Array) -> None:
    """Raise if the result is not finite after step t."""
    if not np.isfinite(x).all():
        raise ValueError(f"{op}: the result is no longer finite after step {t}; take a smaller learning_rate")


def check_labels(op, y, N, K):
    """y as an array (N,) of class indices; one number stands for all images. Raises if one is out of range."""
    labels = np.asarray(y)
    if labels.dtype == bool or not np.issubdtype(labels.dtype, np.integer):
        raise TypeError(f"{op}: classes must be whole numbers, got {y!r}; model.class_index(name) finds them by name")
    if labels.shape not in ((), (N,)):
        raise ValueError(f"{op}: {N} images need {N} classes or one for all, got an array of the shape {labels.shape}")
    labels = np.broadcast_to(labels, (N,))
    if labels.min() < 0 or labels.max() >= K:
        raise ValueError(f"{op}: classes go from 0 to {K - 1}, got {labels.min()} to {labels.max()}")
    return labels


def check_whole(op, least, **numbers):
    """Raise unless every number is a whole one and not below `least`."""
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{op}: {name} must be a whole number of at least {least}, got {value!r}")


def check_positive(op: str, **values: Any) -> None:
    """Raise unless every number is finite and above zero."""
    for name, value in values.items():
        if not _is_number(value) or not 0 < value < np.inf:
            raise ValueError(f"{op}: {name} must be above 0, and a finite number; got {value!r}")


def check_not_negative(op: str, **values: Any) -> None:
    """Raise unless every number is finite and not below zero."""
    for name, value in values.items():
        if not _is_number(value) or not 0 <= value < np.inf:
            raise ValueError(f"{op}: {name} must not be negative, and a finite number; got {value!r}")


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
