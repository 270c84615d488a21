"""Argument checks shared by the layers: one sentence with the operation, what came and what was expected."""

import numpy as np

from .._typing import Array

RELU_RULES = ("standard", "guided", "deconv")


def check_array(op, name, x, letters):
    """Raise unless x is a floating-point array with one axis per shape letter, such as "N C H W"."""
    check_float(op, name, x)
    if x.ndim != len(letters.split()):
        raise ValueError(f"{op}: {name} must have the shape ({', '.join(letters.split())}), got {x.shape}")


def check_float(op: str, name: str, x: Array) -> None:
    """Raise unless x is a floating-point array."""
    if not isinstance(x, np.ndarray):
        raise TypeError(f"{op}: {name} must be an array, got {type(x).__name__}")
    if x.dtype.kind != "f":
        raise TypeError(
            f"{op}: {name} must be float32 or float64, got {x.dtype} of the shape {x.shape}; "
            f"convert it with {name}.astype(np.float32)"
        )


def check_scores(op, name, x):
    """Raise unless all scores are finite, and so far below the largest number that no difference or sum overflows."""
    lo, hi = float(x.min()), float(x.max())  # NaN where there is one
    if not (np.isfinite(lo) and np.isfinite(hi)):
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(f"{op}: {name}[{row}, {column}] is {x[row, column]}; what was it computed from?")
    if hi - lo > float(np.finfo(x.dtype).max) / x.size:
        raise ValueError(
            f"{op}: {name} goes from {lo:.3g} to {hi:.3g}, and {x.dtype} has no room for the loss; a step was too large"
        )


def same_shape(op, name, x, shape):
    """Raise unless x is an array of exactly this shape."""
    if np.shape(x) != tuple(shape):
        raise ValueError(f"{op}: {name} must have the shape {tuple(shape)}, got {np.shape(x)}")


def check_options(op, name, options, allowed, needed=()):
    """Raise if the dictionary has a key that the operation does not know, or lacks one that it needs."""
    unknown = sorted(set(options) - set(allowed))
    if unknown:
        raise ValueError(f"{op}: {name} has no option {unknown[0]!r}; it knows {', '.join(sorted(allowed))}")
    for key in needed:
        if key not in options:
            raise ValueError(f"{op}: {name} needs {key!r}")


def check_choice(op, name, value, choices):
    """Raise unless value is one of the choices."""
    if value not in choices:
        raise ValueError(f"{op}: {name} must be one of {', '.join(map(repr, choices))}, got {value!r}")


def whole_number(op, name, value, least):
    """Return value as an int; raise unless it is a whole number and not below `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{op}: {name} must be a whole number, at least {least}; got {value!r}")
    return int(value)


def check_affine(op, x, w):
    """Check the arguments of a fully connected layer; return the number of features."""
    check_float(op, "x", x)
    if x.ndim < 2:
        raise ValueError(f"{op}: x must have the shape (N, d_1, ..., d_k), got {x.shape}")
    check_array(op, "w", w, "D M")
    D = int(np.prod(x.shape[1:]))
    if D != w.shape[0]:
        raise ValueError(f"{op}: x has {D} features but w expects {w.shape[0]} (x {x.shape}, w {w.shape})")
    return D


def check_batchnorm(op, D, gamma, beta, bn_param):
    """Check the arguments of batch normalisation of D features; return its mode."""
    same_shape(op, "gamma", gamma, (D,))
    same_shape(op, "beta", beta, (D,))
    known = ("mode", "eps", "momentum", "running_mean", "running_var")
    check_options(op, "bn_param", bn_param, known, needed=("mode",))
    check_choice(op, "mode", bn_param["mode"], ("train", "test"))
    for name in ("running_mean", "running_var"):
        if name in bn_param:
            same_shape(op, name, bn_param[name], (D,))
        elif bn_param["mode"] == "test":
            raise ValueError(f"{op}: test mode needs bn_param[{name!r}]; train first, or load the running averages")
    return bn_param["mode"]


def conv_output_size(op, x, w, b, conv_param):
    """Check the arguments of a convolution; return stride, pad, HO, WO."""
    check_array(op, "x", x, "N C H W")
    check_array(op, "w", w, "F C HH WW")
    check_options(op, "conv_param", conv_param, ("stride", "pad"))
    stride = whole_number(op, "stride", conv_param.get("stride", 1), 1)
    pad = whole_number(op, "pad", conv_param.get("pad", 0), 0)
    if x.shape[1] != w.shape[1]:
        raise ValueError(f"{op}: x has {x.shape[1]} channels but w expects {w.shape[1]} (x {x.shape}, w {w.shape})")
    if b is not None:
        same_shape(op, "b", b, (w.shape[0],))
    H, W = x.shape[2] + 2 * pad, x.shape[3] + 2 * pad
    if H < w.shape[2] or W < w.shape[3]:
        raise ValueError(
            f"{op}: the padded image, {H}x{W}, is smaller than the filter, {w.shape[2]}x{w.shape[3]} "
            f"(x {x.shape}, w {w.shape}, pad {pad})"
        )
    return stride, pad, (H - w.shape[2]) // stride + 1, (W - w.shape[3]) // stride + 1


def pool_output_size(op, x, pool_param):
    """Check the arguments of a pooling layer; return height, width, stride, HO, WO.

    With ``ceil_mode`` a last window may hang over the border, as long as it starts inside the image.
    """
    check_array(op, "x", x, "N C H W")
    size = ("pool_height", "pool_width")
    check_options(op, "pool_param", pool_param, (*size, "stride", "ceil_mode"), needed=size)
    height = whole_number(op, "pool_height", pool_param["pool_height"], 1)
    width = whole_number(op, "pool_width", pool_param["pool_width"], 1)
    stride = whole_number(op, "stride", pool_param.get("stride", 1), 1)
    ceil_mode = pool_param.get("ceil_mode", False)
    check_choice(op, "ceil_mode", ceil_mode, (False, True))
    H, W = x.shape[2:]
    if H < height or W < width:
        raise ValueError(f"{op}: the image, {H}x{W}, is smaller than the window, {height}x{width} (x {x.shape})")

    def count(size, window):
        if not ceil_mode:
            return (size - window) // stride + 1
        n = -(-(size - window) // stride) + 1
        return n if (n - 1) * stride < size else n - 1

    return height, width, stride, count(H, height), count(W, width)
