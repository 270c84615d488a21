"""Checks of what a network is made of and given: one sentence with what came and what was expected."""

from typing import Any

import numpy as np


def check_parameters(params, shapes):
    """Raise ValueError unless these are the parameters that an architecture needs, each in its shape."""
    missing, extra = [n for n in shapes if n not in params], [n for n in params if n not in shapes]
    if missing or extra:
        raise ValueError(f"parameters do not fit the architecture: missing {missing[:8]}, extra {extra[:8]}")
    for name, shape in shapes.items():
        if np.shape(params[name]) != shape:
            raise ValueError(f"parameter {name} has the shape {np.shape(params[name])}, the architecture needs {shape}")


def checked_labels(what: str, labels: Any, num_classes: int) -> list[str] | None:
    """Class names or WordNet ids as a list of str, or None; ValueError unless there is one for each class."""
    if labels is None:
        return None
    if len(labels) != num_classes:
        raise ValueError(f"{what}: {len(labels)} entries, but the network has {num_classes} classes")
    return [str(label) for label in labels]


def check_input(X: Any, first: int, name: str) -> None:
    """Raise unless X is what the layer at index `first`, called `name`, can be given."""
    if not isinstance(X, np.ndarray) or not np.issubdtype(X.dtype, np.floating):
        raise TypeError(
            f"forward: the input of layer {name} must be a float array, "
            f"got {getattr(X, 'dtype', type(X).__name__)}; "
            "model.preprocess(images) turns uint8 pictures into model space"
        )
    if X.ndim == 0 or X.shape[0] == 0:
        raise ValueError(f"forward: the batch is empty (input of the shape {X.shape})")
    if first == 0 and (X.ndim != 4 or X.shape[1] != 3):
        raise ValueError(
            f"forward: X must have the shape (N, 3, H, W), got {X.shape}; model.preprocess(images) returns such"
        )


def check_finite_scores(op: str, scores: Any, X: Any) -> None:
    """Raise unless all scores (N, K) are finite; the message says which image, and whether its pixels are to blame."""
    if np.all(np.isfinite(scores)):
        return
    image = int(np.argmax(~np.isfinite(scores).all(axis=1)))
    if np.all(np.isfinite(X[image])):
        raise ValueError(f"{op}: the scores of image {image} are not finite, though its pixels are: a parameter is not")
    bad = np.count_nonzero(~np.isfinite(X[image]))
    raise ValueError(
        f"{op}: image {image} holds {bad} values that are NaN or infinite; a step was too large, or X was never filled"
    )
