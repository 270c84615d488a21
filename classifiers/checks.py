"""Checks of what a network is made of and given: one sentence with what came and what was expected."""

import sys
import warnings
from typing import Any

import numpy as np

LARGE = 3  # times the network's own size: from there on maps of single pixels are confetti


def check_parameters(params, shapes):
    """Raise ValueError unless these are the parameters that an architecture needs, each in its shape."""
    missing, extra = [n for n in shapes if n not in params], [n for n in params if n not in shapes]
    if missing or extra:
        raise ValueError(f"parameters do not fit the architecture: missing {missing[:8]}, extra {extra[:8]}")
    for name, shape in shapes.items():
        if np.shape(params[name]) != shape:
            raise ValueError(f"parameter {name} has the shape {np.shape(params[name])}, the architecture needs {shape}")
        if not np.all(np.isfinite(params[name])):
            raise ValueError(f"parameter {name} holds NaN or infinity; the training that made it diverged")


def checked_dtype(op: str, dtype: Any) -> np.dtype[Any]:
    """The type of a network's parameters; ValueError unless it is float32 or float64."""
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"{op}: dtype must be float32 or float64, got {np.dtype(dtype)}")
    return np.dtype(dtype)


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


def is_finite(x: Any) -> bool:
    """Whether no value is NaN or infinite; without an array of answers, since this runs after every pass."""
    return bool(np.isfinite(x.max()) and np.isfinite(x.min()))


def check_finite_input(op: str, X: Any) -> None:
    """Raise unless all images of a batch are finite; the message says which is not."""
    if not is_finite(X):
        image = int(np.argmax(~np.isfinite(X).reshape(len(X), -1).all(axis=1)))
        bad = np.count_nonzero(~np.isfinite(X[image]))
        raise ValueError(
            f"{op}: image {image} holds {bad} values that are NaN or infinite; look for a division by 0, a step that "
            "was too large, or an array that was never filled"
        )


def check_finite_output(
    op: str, out: Any, X: Any, named_blocks: list[Any], params: dict[str, Any], engine: Any
) -> None:
    """Raise unless what blocks made of X is finite; the message names the image or the layer that is not."""
    if is_finite(out):
        return
    check_finite_input(op, X)
    name = ""
    for name, block in named_blocks:  # noqa: B007  # the layer where it begins
        X, _ = block.forward(X, params, "test", engine)
        if not is_finite(X):
            break
    raise ValueError(f"{op}: the output of layer {name} is not finite: {_why_not_finite(params, X.dtype)}")


def check_finite_gradient(dX: Any, dout: Any, name: str, params: dict[str, Any]) -> None:
    """Raise unless the gradient to the input of the layer called `name` is finite."""
    if not is_finite(dX):
        check_finite_input("backward: dout", dout)
        why = _why_not_finite(params, dX.dtype)
        raise ValueError(f"backward: the gradient to the input of layer {name} is not finite: {why}")


def _why_not_finite(params, dtype):
    bad = [name for name, value in params.items() if not is_finite(value)]
    return (
        f"parameter {bad[0]} holds NaN or infinity"
        if bad
        else f"its values are too large for {dtype}, or its function is wrong"
    )


def warn_of_size(X: Any, input_size: tuple[int, int]) -> None:
    """Warn if images (N, 3, H, W) are far larger than the network's own, and say what to write instead.

    The warning names the first line that is not this package's: there it is shown once.
    """
    (height, width), (own_height, own_width) = X.shape[2:], input_size
    if height * width <= LARGE**2 * own_height * own_width:
        return
    frame, depth = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("pixelgrad."):
        frame, depth = frame.f_back, depth + 1
    warnings.warn(
        f"the picture has {width}x{height} pixels, the network was trained on {own_width}x{own_height} and sees only "
        f"small parts of it: its maps will be confetti; load_image(path, size={own_height}), or --size {own_height} on "
        "the command line, fits the network",
        stacklevel=depth,
    )
