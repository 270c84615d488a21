"""When two outcomes are the same: arrays up to rounding, everything else exactly."""

import numpy as np

RTOL = 1e-6  # beside the largest magnitude of an array


def alike(a, b, same=None):
    """Whether two outcomes are the same: outputs as `same` (by default `close`) says, everything else exactly."""
    if b is None:
        return False
    if (
        raised_kind(a["raised"]) != raised_kind(b["raised"])
        or a["changed"] != b["changed"]
        or a["kinds"].keys() != b["kinds"].keys()
    ):
        return False
    return a["outputs"].keys() == b["outputs"].keys() and all(
        (same or close)(a["outputs"][name], b["outputs"][name]) for name in a["outputs"]
    )


def raised_kind(raised):
    """What was raised, without words that depend on how the code was written; for a wrong return, its message."""
    if raised is None:
        return None
    return raised["type"], raised["message"] if raised["type"] == "ReturnError" else None


def close(expected, got):
    """Whether an array has the shape and sort of another, and its values up to rounding."""
    if expected.shape != got.shape or (expected.dtype.kind == "f") != (got.dtype.kind == "f"):
        return False
    if got.dtype.itemsize < expected.dtype.itemsize and expected.dtype.kind == "f":
        return False
    return bool(near(expected, got).all())


def near(expected, got):
    """Where an array has the values of another of the same shape, up to rounding."""
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    return np.isclose(got, expected, rtol=RTOL, atol=RTOL * scale, equal_nan=True)


def mistyped(expected, got):
    """Whether an output is missing, or of another shape or sort of numbers."""
    return got is None or got.shape != expected.shape or (got.dtype.kind == "f") != (expected.dtype.kind == "f")
