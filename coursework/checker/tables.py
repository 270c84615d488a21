"""Small arrays drawn side by side: the inputs of a case, what came, and what should have come."""

import numpy as np

from ..._language import marked
from ..._language import translated as _
from .comparing import close
from .messages import first_wrong
from .texts import columns as width_of
from .texts import padded

_MOST = 24  # entries of an array that is drawn
_WIDTH = 100


def drawn_case(exercise, answers, outcomes, failing, shown):
    """The case shown (str), or else the smallest failing one in which the same output is wrong, in numbers.

    Empty where arrays are too large to look at, or something else than numbers is wrong.
    """
    name = first_wrong(exercise, answers, outcomes, shown)
    if name is None or not exercise.drawn or not _comparable(answers.right[shown], outcomes[shown], name):
        return ""
    cases = [case for case in failing if _draws(answers.right[case], outcomes.get(case), name)]
    if not cases:
        return ""
    case = min(cases, key=lambda one: (one != shown, answers.right[one]["outputs"][name].size))
    title = marked("The case {case!r} in numbers:") if case == shown else marked("Another case, {case!r}, in numbers:")
    expected, got = answers.right[case]["outputs"][name], outcomes[case]["outputs"][name]
    digits = _telling_digits(expected, got)
    columns = [
        _column(title, array, 3 if np.all(abs(array) < 100) else 6) for title, array in _arrays(answers.inputs[case])
    ]
    if not columns and expected.ndim == 0:
        return ""
    columns += [
        _column(words, array, digits)
        for words, array in ((_("your {name}", name=name), got), (_("right {name}", name=name), expected))
    ]
    return "\n".join([_(title, case=case), *(f"    {line}".rstrip() for line in _bands(columns))])


def _arrays(inputs):
    """Yield (name, array) of the small arrays among inputs, and in dictionaries among them."""
    for name, value in inputs.items():
        if isinstance(value, dict):
            yield from _arrays(value)
        elif _fits(value):
            yield name, value
        elif isinstance(value, float):
            yield name, np.asarray(value)


def _bands(columns):
    """Lines with the columns side by side, in as many bands as the width asks for; what was returned is the last."""
    lines, band = [], []
    for k, column in enumerate(columns):
        rest = columns[k:] if k == len(columns) - 2 else [column]  # the last two belong together
        if band and sum(width_of(one[0]) + 3 for one in [*band, *rest]) > _WIDTH:
            lines, band = [*lines, *_side_by_side(band)], []
        band.append(column)
    return [*lines, *_side_by_side(band)]


def _side_by_side(columns):
    height = max(map(len, columns))
    columns = [column + [" " * width_of(column[0])] * (height - len(column)) for column in columns]
    return ["   ".join(parts) for parts in zip(*columns)]


def _telling_digits(expected, got):
    """How many digits show the largest difference."""
    where = np.unravel_index(np.argmax(np.nan_to_num(abs(got.astype(float) - expected), nan=np.inf)), expected.shape)
    for digits in range(3, 9):
        if _text(expected[where], digits) != _text(got[where], digits):
            return digits
    return 9


def _comparable(right, got, name):
    """Whether an output is there, and of the right shape: else the message says all there is."""
    return name in got["outputs"] and got["outputs"][name].shape == right["outputs"][name].shape


def _draws(right, got, name):
    """Whether both arrays are there, differ, and can be drawn."""
    if got is None or name not in got["outputs"] or name not in right["outputs"]:
        return False
    if not _comparable(right, got, name):
        return False
    expected, value = right["outputs"][name], got["outputs"][name]
    return _fits(expected) and _fits(value) and not close(expected, value)


def _fits(value):
    return isinstance(value, np.ndarray) and 0 < value.size <= _MOST and sum(n > 1 for n in value.shape) <= 2


def _column(title, array, digits):
    """Lines of equal width: the title with the shape, and below it the rows."""
    rows = np.atleast_1d(np.squeeze(array))
    rows = rows.reshape(1, -1) if rows.ndim == 1 else rows
    cells = [[_text(value, digits) for value in row] for row in rows]
    wide = max(len(text) for row in cells for text in row)
    lines = [
        f"{title} {array.shape}" if array.ndim else title,
        *(" ".join(t.rjust(wide) for t in row) for row in cells),
    ]
    width = max(map(width_of, lines))
    return [padded(line, width) for line in lines]


def _text(value, digits):
    return f"{float(value) + 0.0:.{digits}g}"
