"""Fingerprints of arrays: enough to recognise the result of a known mistake, too little to reproduce it.

Hundreds of mistakes with every array that they return would be megabytes; a few weighted sums of each array suffice.
The weights are cosines, the same with every version of NumPy.
"""

import numpy as np

_RATES = np.sqrt([2.0, 3.0, 5.0, 7.0])  # irrational, and so are their ratios


def fingerprint(a):
    """The fingerprint of an array: its shape and type, how much of it is not finite, its largest magnitude, and sums.

    Parameters
    ----------
    a : ndarray

    Returns
    -------
    dict
        "shape", "sort" (list, str) and "numbers" (ndarray).
    """
    values = a.astype(np.float64).ravel()
    finite = np.isfinite(values)
    bad = [np.isnan(values).sum(), np.flatnonzero(~finite).sum(), np.sign(values[~finite & ~np.isnan(values)]).sum()]
    values = np.where(finite, values, 0)
    weights = np.cos(np.outer(_RATES, np.arange(1, len(values) + 1)))
    numbers = np.concatenate([bad, [np.abs(values).max(initial=0)], weights @ values])
    return {"shape": list(a.shape), "sort": f"{a.dtype.kind}{a.dtype.itemsize}", "numbers": numbers.astype(np.float32)}


def same_fingerprint(a, b, rtol):
    """Whether two fingerprints are those of one array, up to rounding of `rtol` beside its largest magnitude."""
    if a["shape"] != b["shape"] or a["sort"] != b["sort"] or not np.array_equal(a["numbers"][:3], b["numbers"][:3]):
        return False
    # Errors of single entries add up like a random walk.
    allowed = rtol * a["numbers"][3] * np.sqrt(max(1, np.prod(a["shape"])))
    return bool(np.all(np.abs(a["numbers"][3:] - b["numbers"][3:]) <= allowed))


def with_fingerprints(outcome):
    """An outcome (see `harness`) with fingerprints in place of its outputs."""
    return outcome | {"outputs": {name: fingerprint(a) for name, a in outcome["outputs"].items()}}
