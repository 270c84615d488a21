"""Small arrays drawn side by side: the inputs of a case, what came, and what should have come."""

import numpy as np

from .comparing import close

_MOST = 24  # entries of an array that is drawn
_WIDTH = 100


def drawn_case(exercise, answers, outcomes, failing, shown):
    """The smallest failing case in which the output goes wrong that is wrong in the one shown (str).

    Empty where arrays are too large to look at, or something else than numbers is wrong.
    """
    name = _wrong_output(exercise, answers, outcomes, shown)
    if name is None:
        return ""
    cases = [case for case in failing if _draws(answers.right[case], outcomes.get(case), name)]
    if not cases:
        return ""
    case = min(cases, key=lambda one: answers.right[one]["outputs"][name].size)
    expected, got = answers.right[case]["outputs"][name], outcomes[case]["outputs"][name]
    inputs = [(key, value) for key, value in answers.inputs[case].items() if _fits(value)]
    columns = [_column(title, array) for title, array in (*inputs, (f"your {name}", got), (f"right {name}", expected))]
    while len(columns) > 2 and sum(len(column[0]) + 3 for column in columns) > _WIDTH:
        columns.pop(-3)
    height = max(map(len, columns))
    columns = [column + [" " * len(column[0])] * (height - len(column)) for column in columns]
    lines = ["   ".join(parts).rstrip() for parts in zip(*columns)]
    return "\n".join([f"The case {case!r} in numbers:", *(f"    {line}" for line in lines)])


def _wrong_output(exercise, answers, outcomes, case):
    """The output that a message about this case speaks of; None where it is not about numbers."""
    right, got = answers.right[case]["outputs"], outcomes.get(case)
    if got is None or got["raised"]:
        return None
    names = sorted(right, key=lambda name: name not in exercise.forward)
    return next((n for n in names if n in got["outputs"] and not close(right[n], got["outputs"][n])), None)


def _draws(right, got, name):
    """Whether both arrays are there, differ, and can be drawn."""
    if got is None or name not in got["outputs"] or name not in right["outputs"]:
        return False
    expected, value = right["outputs"][name], got["outputs"][name]
    return _fits(expected) and _fits(value) and not close(expected, value)


def _fits(value):
    return isinstance(value, np.ndarray) and 0 < value.size <= _MOST and sum(n > 1 for n in value.shape) <= 2


def _column(title, array):
    """Lines of equal width: the title with the shape, and below it the rows."""
    rows = np.atleast_1d(np.squeeze(array))
    rows = rows.reshape(1, -1) if rows.ndim == 1 else rows
    cells = [[_text(value) for value in row] for row in rows]
    wide = max(len(text) for row in cells for text in row)
    lines = [
        f"{title} {array.shape}" if array.ndim else title,
        *(" ".join(t.rjust(wide) for t in row) for row in cells),
    ]
    width = max(map(len, lines))
    return [line.ljust(width) for line in lines]


def _text(value):
    return f"{float(value) + 0.0:.4g}"
