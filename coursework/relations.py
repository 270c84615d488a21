"""Relations between a wrong array and the right one that tell what went wrong, without knowing the code."""

import itertools

import numpy as np

NEAR = 1e-6


def relation(pairs):
    """The words for a relation that holds for every pair, or None.

    Parameters
    ----------
    pairs : list of (expected, got, inputs)
        Arrays, and the inputs of their case by name.

    Returns
    -------
    str or None
        To be put behind the output's name: "has the wrong sign".
    """
    for find in (_precision, _sign, _factor, _transposed, _flipped, _shifted, _batch_mixed, _missing_term):
        words = [find(expected, got, inputs) for expected, got, inputs in pairs]
        if words[0] is not None and all(word == words[0] for word in words):
            return words[0]
    return None


def _near(a, b):
    scale = np.abs(a).max(initial=0)
    return a.shape == b.shape and scale > 0 and np.allclose(a, b, rtol=NEAR, atol=NEAR * scale)


def _precision(expected, got, inputs):
    if got.dtype.itemsize < expected.dtype.itemsize and np.allclose(got, expected, rtol=1e-4, atol=1e-5):
        return f"is right but for its precision, {got.dtype}: was something cast on the way?"
    return None


def _sign(expected, got, inputs):
    return "has the wrong sign everywhere" if _near(-expected, got) else None


def _factor(expected, got, inputs):
    """A constant factor, with a name where the shapes of the inputs give it one."""
    if expected.shape != got.shape or not np.any(expected):
        return None
    factor = float(np.vdot(expected, got) / np.vdot(expected, expected))
    if factor == 0 or not _near(factor * expected, got):
        return None
    names = {2.0: "2", 0.5: "1/2", 4.0: "4", 0.25: "1/4"} | _sizes(inputs)
    for value, name in names.items():
        for signed, sign in ((value, ""), (-value, "-")):
            if abs(factor / signed - 1) < 1e-6:
                return f"is {sign}{name} times what it should be"
    return "is right but for one constant factor"


def _sizes(inputs):
    """Factors that come from the shape of the largest input: N, 1/N, and so on."""
    arrays = [value for value in inputs.values() if isinstance(value, np.ndarray) and value.ndim >= 2]
    if not arrays:
        return {}
    shape = max(arrays, key=lambda a: (a.ndim, a.size)).shape
    letters = {2: "ND", 3: "CHW", 4: "NCHW"}.get(len(shape), "")
    named = {}
    for count in (1, 2, 3):
        for axes in itertools.combinations(range(len(letters)), count):
            size = float(np.prod([shape[i] for i in axes]))
            if size > 1:
                name = " * ".join(letters[i] for i in axes)
                named.setdefault(size, name)
                named.setdefault(1 / size, f"1/({name})" if count > 1 else f"1/{name}")
    return named


def _transposed(expected, got, inputs):
    """The right numbers with their axes in another order."""
    if expected.ndim < 2 or expected.ndim > 4 or expected.size != got.size:
        return None
    if _near(expected.reshape(-1), got.reshape(-1)) and expected.shape != got.shape:
        return "holds the right numbers in another shape"
    for order in itertools.permutations(range(expected.ndim)):
        if order == tuple(range(expected.ndim)):
            continue
        turned = expected.transpose(order)
        if _near(turned, got):
            return f"has its axes in another order, {order}"
        if turned.size == got.size and _near(turned.reshape(-1), got.reshape(-1)):
            return "holds the right numbers in a wrong order: a reshape where axes had to be exchanged first?"
    return None


def _flipped(expected, got, inputs):
    for count in range(1, min(expected.ndim, 2) + 1):
        for axes in itertools.combinations(range(expected.ndim), count):
            if _near(np.flip(expected, axes), got):
                return f"is flipped along axis {' and '.join(map(str, axes))}"
    return None


def _shifted(expected, got, inputs):
    if expected.shape != got.shape:
        return None
    for axis in range(expected.ndim):
        for shift in (1, -1):
            if expected.shape[axis] > 2 and _near(np.roll(expected, shift, axis), got):
                return f"is shifted by one along axis {axis}"
    return None


def _batch_mixed(expected, got, inputs):
    if expected.ndim < 2 or expected.shape != got.shape or len(expected) < 2:
        return None
    if _near(np.broadcast_to(expected.mean(axis=0), expected.shape), got):
        return "is the mean over the batch everywhere"
    if _near(np.broadcast_to(expected.sum(axis=0), expected.shape), got):
        return "is the sum over the batch everywhere"
    if _near(expected[:1], got[:1]) and not np.any(got[1:]):
        return "is right for the first of the batch and zero for the others"
    return None


def _missing_term(expected, got, inputs):
    """A constant too much or too little everywhere: a term that does not depend on the place."""
    if expected.shape != got.shape or expected.size < 3:
        return None
    difference = got - expected
    if _near(np.full_like(difference, difference.flat[0]), difference):
        return "is off by the same number everywhere: a term is missing, or there is one too many"
    if expected.ndim >= 2:
        row = difference.reshape(-1, expected.shape[-1])
        if len(row) > 1 and _near(np.broadcast_to(row[:1], row.shape), row):
            return "is off by the same row everywhere: a term is missing, or there is one too many"
    return None
