"""With `--engine naive` or `--engine im2col`: which layer computes something else than the fast engine.

A wrong shape or value is usually noticed later, by the next layer's check or not at all. So each layer is compared on
the fast engine's input: the first one that differs is itself at fault.
"""

import traceback
from pathlib import Path

import numpy as np

from ..todo import Todo
from .shared import one_line

_CHECK = "`pixelgrad check` says which of your layers is wrong, and how"
_AGREES = 1e-4  # of a layer's largest value


class LayerFault(Exception):
    """A layer fails, or returns another shape or other values than the fast engine; the text says which layer."""


def compare_engines(model, X):
    """Compare the forward pass of each layer with the fast engine's.

    Parameters
    ----------
    model : Network
    X : ndarray (N, 3, H, W)
        Images in model space.

    Returns
    -------
    float
        The largest difference in a layer, as a part of the layer's largest value.

    Raises
    ------
    LayerFault
        At the first layer that does not.
    Todo
        A layer is still to do.
    ValueError, TypeError
        The fast engine does not take these images either.
    """
    fast, largest = model.with_engine("fast"), 0.0
    for layer in model.layer_names:
        out, _ = fast.forward(X, start=layer, end=layer)
        try:
            mine, _ = model.forward(X, start=layer, end=layer)
        except Todo:
            raise
        except Exception as error:
            words = _place(error) or f"{type(error).__name__}: {one_line(error)}; {_CHECK}"
            raise LayerFault(f"engine {model.engine}: {layer} fails: {words}") from error
        if np.shape(mine) != out.shape:
            raise LayerFault(
                f"engine {model.engine}: {layer} is the first layer that differs: it returns the shape "
                f"{np.shape(mine)}, not {out.shape}{_holds(model, layer)}; {_CHECK}"
            )
        difference = float(np.abs(mine - out).max() / max(np.abs(out).max(), 1e-30))
        if not difference < _AGREES:  # NaN differs, too
            raise LayerFault(
                f"engine {model.engine}: {layer} is the first layer that differs, by {difference:.2g} of its largest "
                f"value{_holds(model, layer)}; {_CHECK}"
            )
        largest, X = max(largest, difference), out
    return largest


def _holds(model, layer):
    """What a layer holds besides what its name says: "; conv1 holds batch norm and ReLU, too"."""
    block = dict(model.named_blocks())[layer]
    parts = [words for part, words in (("batchnorm", "batch norm"), ("relu", "ReLU")) if getattr(block, part, False)]
    return f"; {layer} holds {' and '.join(parts)}, too" if parts else ""


def layer_fault(args, error):
    """The LayerFault behind an error of a command; None if it is the user's input or something else.

    The layers are compared on noise of the size that the command works on. Where they agree, an error in a function of
    the engine is a layer's, most often in its backward pass. An error in a check of arguments is a layer's in the
    backward pass only: the images have gone forward by then.
    """
    model = getattr(args, "network", None)
    places = [_parts(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    if model is None or model.engine == "fast" or not any(map(_in_engine, places)):
        return None
    height, width = _size(args, model)
    X = np.random.default_rng(0).normal(0, 50, (1, 3, height, width)).astype(model.dtype)
    try:
        compare_engines(model, X)
    except LayerFault as fault:
        return fault
    except Exception:  # not even the fast engine takes images of this size, or a later layer is still to do
        pass
    words = _place(error)
    return words and LayerFault(f"engine {model.engine}: {words}")


def _size(args, model):
    """Height and width of the images that a command works on."""
    size = getattr(args, "size", None) or model.input_size
    return (size, size) if np.ndim(size) == 0 else size


def _place(error):
    """In which of the layers' functions an engine failed, and at what line; None if it refused what it was given."""
    frames = traceback.extract_tb(error.__traceback__)
    backward = any(frame.name == "backward" and _parts(frame.filename) == _NETWORK for frame in frames)
    for frame in reversed(frames):
        folder, file = _parts(frame.filename)
        if not _in_engine((folder, file)):
            continue
        words = f"{type(error).__name__}: {one_line(error)}"
        if file == "checks.py":
            if not backward:
                return None
            words = f"a layer's backward pass returned something that the next step refuses ({words})"
        elif file == "engines.py":
            words = f"a layer returned something that the next step cannot use ({words}, at `{frame.line}`)"
        else:
            words = f"{frame.name} ({folder}/{file}, line {frame.lineno}) failed: {words}, at `{frame.line}`"
        return f"{words}; `pixelgrad check` says what is wrong, --debug shows more"
    return None


_NETWORK = ("classifiers", "network.py")


def _parts(filename):
    """The folder and the name of a file."""
    path = Path(filename)
    return path.parent.name, path.name


def _in_engine(place):
    return place[0] == "layers" or place == ("classifiers", "engines.py")
