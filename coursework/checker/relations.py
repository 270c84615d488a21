"""Relations between a wrong array and the right one that show what went wrong, without looking at the code."""

import itertools

import numpy as np

from ..._language import translated as _

NEAR = 1e-6


def relation(pairs):
    """The words for a relation that holds for every pair, or None.

    Parameters
    ----------
    pairs : list of (expected, got, inputs)
        Arrays that are not the same, and the inputs of their case by name.

    Returns
    -------
    str or None
        Follows the output's name: "has the wrong sign everywhere".
    """
    with np.errstate(all="ignore"):
        if all(_rounded(expected, got) for expected, got, inputs in pairs):
            kind = pairs[0][1].dtype
            return _("is right except for its precision, {dtype}: was something cast on the way?", dtype=kind)
        pairs = [(expected.astype(float), got.astype(float), inputs) for expected, got, inputs in pairs]
        if any(_near(expected, got) for expected, got, inputs in pairs):  # wrong is only what sort of numbers they are
            return None
        for find in _ALL:
            first, *others = ([*find(*pair)] for pair in pairs)
            for words in first:
                if all(words in other for other in others):
                    return words
        for find in _CERTAIN:  # that hold by no accident, and so say something where they hold in most cases
            first, *others = ([*find(*pair)] for pair in pairs)
            for words in first:
                count = 1 + sum(words in other for other in others)
                if len(pairs) > 2 and count >= 2 * len(pairs) / 3 and pairs[0][0].size > 2:
                    return _(
                        "{words}, in {count} of the {all} cases where it is wrong",
                        words=words,
                        count=count,
                        all=len(pairs),
                    )
    return None


def _near(a, b):
    scale = np.abs(a).max(initial=0)
    return a.shape == b.shape and 0 < scale < np.inf and np.allclose(b, a, rtol=NEAR, atol=NEAR * scale)


def _rounded(expected, got):
    """Whether these are the same floating-point numbers with fewer digits."""
    if expected.shape != got.shape or got.dtype.kind != "f" or got.dtype.itemsize >= expected.dtype.itemsize:
        return False
    return np.allclose(got, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max(initial=0))


# Each of these yields words for everything that holds for one pair; a relation is reported if it holds for every pair.


def _sign(expected, got, inputs):
    if _near(-expected, got):
        yield _("has the wrong sign everywhere")


def _factor(expected, got, inputs):
    """A constant factor, with a name where the shapes of the inputs give it one."""
    if expected.shape != got.shape or not np.any(expected):
        return
    factor = float(np.vdot(expected, got) / np.vdot(expected, expected))
    if factor == 0 or not _near(factor * expected, got):
        return
    for value, name in ((2, "2"), (1 / 2, "1/2"), (4, "4"), (1 / 4, "1/4"), *_sizes(inputs)):
        if abs(abs(factor) / value - 1) < NEAR:
            yield _("is {factor} times what it should be", factor=f"{'-' if factor < 0 else ''}{name}")
    if np.count_nonzero(expected) > 1:  # any number is some multiple of any other
        yield _("is {factor} times what it should be", factor=f"{factor:.4g}")


def _sizes(inputs):
    """Factors that come from the shape of the input with the most axes: (value, name) of N, 1/N, and so on."""
    arrays = [value for value in inputs.values() if isinstance(value, np.ndarray)]
    shape = max(arrays, key=np.ndim).shape if arrays else ()
    letters = {2: "ND", 3: "CHW", 4: "NCHW"}.get(len(shape), "")
    for count in (1, 2, 3):
        for axes in itertools.combinations(range(len(letters)), count):
            size, name = int(np.prod([shape[i] for i in axes])), " * ".join(letters[i] for i in axes)
            if size > 1:
                yield size, name
                yield 1 / size, f"1/({name})" if count > 1 else f"1/{name}"


def _transposed(expected, got, inputs):
    """The right numbers with their axes in another order."""
    if expected.size != got.size:
        return
    if expected.shape != got.shape and _near(expected.reshape(-1), got.reshape(-1)):
        yield _("holds the right numbers in another shape")
    if not 2 <= expected.ndim <= 4:
        return
    for order in itertools.permutations(range(expected.ndim)):
        turned = expected.transpose(order)
        if _near(turned, got):
            yield _("is transposed") if expected.ndim == 2 else _("has its axes in another order, {order}", order=order)
        elif order != tuple(range(expected.ndim)) and _near(turned.reshape(-1), got.reshape(-1)):
            yield _("holds the right numbers in a wrong order: a reshape where axes had to be exchanged first?")


def _flipped(expected, got, inputs):
    for count in range(1, min(expected.ndim, 2) + 1):
        for axes in itertools.combinations(range(expected.ndim), count):
            if _near(np.flip(expected, axes), got):
                yield _("is flipped along axis {axes}", axes=_(" and ").join(map(str, axes)))


def _shifted(expected, got, inputs):
    """All but the entries at one end stand one place further on; what is at that end may be anything."""
    if expected.shape != got.shape:
        return
    for axis in range(expected.ndim):
        right, wrong = np.moveaxis(expected, axis, 0), np.moveaxis(got, axis, 0)
        if len(right) > 2 and not _near(right[1:], right[:-1]):
            if _near(right[:-1], wrong[1:]) or _near(right[1:], wrong[:-1]):
                yield _("is shifted by one along axis {axis}", axis=axis)


def _batch_mixed(expected, got, inputs):
    if expected.ndim < 2 or expected.shape != got.shape or len(expected) < 2:
        return
    if _near(np.broadcast_to(expected.mean(axis=0), expected.shape), got):
        yield _("is the mean over the batch everywhere")
    if _near(np.broadcast_to(expected.sum(axis=0), expected.shape), got):
        yield _("is the sum over the batch everywhere")
    if _near(expected[:1], got[:1]) and not np.any(got[1:]):
        yield _("is right for the first of the batch and zero for the others")


def _missing_term(expected, got, inputs):
    """A constant too much or too little everywhere: a term that does not depend on the place."""
    if expected.shape != got.shape or expected.size < 3:
        return
    difference, width = got - expected, expected.shape[-1]
    if _near(expected, got - difference.flat[0]):
        yield _("is off by the same number everywhere: a term is missing, or there is one too many")
    if expected.size > width and _near(expected, got - difference.reshape(-1, width)[0]):
        yield _("is off by the same row everywhere: a term is missing, or there is one too many")


def _signs_lost(expected, got, inputs):
    """Magnitudes, squares, or what is positive alone, in place of numbers of both signs."""
    if expected.shape != got.shape or expected.size < 2:
        return
    for made, words in (
        (np.abs(expected), _("holds the magnitudes of what it should")),
        (expected**2, _("holds the squares of what it should")),
        (np.maximum(expected, 0), _("is right where it should be positive, and 0 elsewhere")),
    ):
        if _near(made, got):
            yield words


def _nearly(expected, got, inputs):
    """Right but for something small: no rounding error is so large."""
    if expected.shape != got.shape or not np.isfinite(got).all():
        return
    scale = np.abs(expected).max(initial=0)
    if scale and np.abs(got - expected).max() < 1e-3 * scale:
        yield _("is nearly right: a small constant, such as eps, is left out, or added where it does not belong")


_CERTAIN = (_sign, _factor, _transposed, _signs_lost)
_ALL = (_sign, _factor, _transposed, _flipped, _shifted, _batch_mixed, _missing_term, _signs_lost, _nearly)
