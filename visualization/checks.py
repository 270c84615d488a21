"""Checks of the arguments that techniques share."""

import inspect
import numbers
import sys
from typing import Any

import numpy as np

from .._typing import Array
from ..classifiers.checks import warn_of_size


def check_model(op: str, model: Any, **others: Any) -> None:
    """Raise if model is not a network, or one of the other arguments is: they were given in another order."""
    exchanged = [name for name, value in others.items() if _is_network(value)]
    if _is_network(model) and not exchanged:
        return
    kinds = {"model": model} | {name: others[name] for name in exchanged}
    came = " and ".join(f"{name} is {_kind(value)}" for name, value in kinds.items())
    raise TypeError(f"{op}: {came}; {'they are exchanged' if exchanged else 'expected a network'}: call {_call(op)}")


def check_images(op: str, X: Any, model: Any, *, size_matters: bool = False) -> None:
    """Raise unless X is a batch of images in model space for this network.

    With size_matters, images far larger than the network's own get a warning: what the technique shows of them is fine
    grain, not objects.
    """
    check_model(op, model, X=X)
    if not isinstance(X, np.ndarray) or not np.issubdtype(X.dtype, np.floating):
        what = f"{X.dtype} of the shape {X.shape}" if isinstance(X, np.ndarray) else _kind(X)
        raise TypeError(
            f"{op}: X must be a float array in model space, got {what}; use model.preprocess(images), and call "
            f"{_call(op)}"
        )
    if X.ndim != 4 or X.shape[1] != 3 or X.shape[0] == 0:
        raise ValueError(f"{op}: X must have the shape (N, 3, H, W) with N at least 1, got {X.shape}")
    check_finite(op, "X", X)
    if size_matters:
        warn_of_size(X, model.input_size)


def _is_network(value):
    return hasattr(value, "forward") and hasattr(value, "backward")


def _kind(value):
    """What came, in words."""
    return f"an array {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"


def _call(op):
    """How a technique is called, such as "grad_cam(X, y, model)"."""
    function = getattr(sys.modules[__package__], op, None)
    parameters = [] if function is None else inspect.signature(function).parameters.values()
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    return f"{op}({', '.join(names) if names else '...'})"


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


def check_labels(op, y, N, model):
    """y as an array (N,) of class indices; one class stands for all images.

    A class is an index, or a name or WordNet id as `model.class_index` knows them. Raises if one is not a class.
    """
    labels = np.asarray(y)
    if labels.dtype.kind == "U" or (labels.dtype == object and all(isinstance(k, str) for k in labels.flat)):
        labels = np.array([model.class_index(str(name)) for name in labels.flat]).reshape(labels.shape)
    if labels.dtype == bool or not np.issubdtype(labels.dtype, np.integer):
        what = f"an array of {labels.dtype}" if labels.ndim else repr(y)
        raise TypeError(f"{op}: classes are whole numbers, names or WordNet ids, got {what}; call {_call(op)}")
    if labels.shape not in ((), (N,)):
        raise ValueError(f"{op}: {N} images need {N} classes or one for all, got an array of the shape {labels.shape}")
    labels, K = np.broadcast_to(labels, (N,)), model.num_classes
    if labels.min() < 0 or labels.max() >= K:
        raise ValueError(f"{op}: classes go from 0 to {K - 1}, got {labels.min()} to {labels.max()}")
    return labels


def check_whole(op, least, **numbers):
    """Raise unless every number is a whole one and not below `least`."""
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{op}: {name} must be a whole number of at least {least}, got {_shown(value)}")


def check_positive(op: str, **values: Any) -> None:
    """Raise unless every number is finite and above zero."""
    for name, value in values.items():
        if not _is_number(value) or not 0 < value < np.inf:
            raise ValueError(f"{op}: {name} must be above 0, and a finite number; got {_shown(value)}")


def check_not_negative(op: str, **values: Any) -> None:
    """Raise unless every number is finite and not below zero."""
    for name, value in values.items():
        if not _is_number(value) or not 0 <= value < np.inf:
            raise ValueError(f"{op}: {name} must not be negative, and a finite number; got {_shown(value)}")


def _shown(value):
    return _kind(value) if isinstance(value, np.ndarray) and value.size > 1 else repr(value)


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)


def check_features(op, x, name="features", least=2):
    if not isinstance(x, np.ndarray) or not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"{op}: {name} must be a float array, got {getattr(x, 'dtype', type(x).__name__)}")
    if x.ndim != 2 or len(x) < least or x.shape[1] == 0:
        raise ValueError(f"{op}: {name} must have the shape (N, D) with N at least {least}, got {x.shape}")
    check_finite(op, name, x, power=2)
