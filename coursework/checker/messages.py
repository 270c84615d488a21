"""Messages: what is wrong with outcomes, which fault comes first, and the case that shows it."""

import re

import numpy as np

from .comparing import close, mistyped, near
from .diagnosis import CHANGED, KINDS, RAISED, explained
from .relations import relation

_INPUT = re.compile(r'c\["(\w+)"\]')
TO_PASTE = "To see it in Python:"
_MOST_CASES = 4  # that are listed
AGAIN = "_again"  # behind an output's name: of a second call with the same cache


def rank(exercise, answers, outcomes, case):
    """The order of faults within an exercise: the lower, the earlier it is reported."""
    right, got = answers.right[case], outcomes.get(case)
    if got is None or got["raised"]:
        return 0
    if got["kinds"] or any(mistyped(right["outputs"][name], got["outputs"].get(name)) for name in right["outputs"]):
        return 1
    if any(not np.all(np.isfinite(value)) for value in got["outputs"].values() if value.dtype.kind == "f"):
        return 2
    if got["changed"]:
        return 3
    wrong = {name for name in right["outputs"] if not close(right["outputs"][name], got["outputs"][name])}
    return 4 if wrong & set(exercise.forward) else 5


def shown_case(exercise, answers, outcomes, failing):
    """The failing case to show.

    Of equally bad ones the first: cases begin with the plainest, and what is special about a later one would mislead.
    NaN comes last where the first case is wrong without it: large numbers then only make worse what is wrong anyway.
    """

    def order(case):
        place = rank(exercise, answers, outcomes, case)
        return 6 if place == 2 and failing[0] == next(iter(answers.right)) and case != failing[0] else place

    return min(failing, key=order)


def mistake_example(exercise, answers, outcomes, failing, mistake):
    """The case that shows a known mistake, and its message about nothing else; (None, "") where none does."""
    cases = {case: names for case, names in explained(mistake, answers, outcomes).items() if case in failing}
    if not cases:
        return None, ""
    case = min((one for one in failing if one in cases), key=lambda name: rank(exercise, answers, outcomes, name))
    right, got = answers.right[case], outcomes[case]
    if not cases[case] & {RAISED, CHANGED, KINDS}:
        right, got = ({**one, "raised": None, "changed": {}, "kinds": {}} for one in (right, got))
        for one in (right, got):
            one["outputs"] = {name: value for name, value in one["outputs"].items() if name in cases[case]}
    return case, case_message(exercise, right, got, case)


def case_message(exercise, right, got, case):
    """The first fault of one case. A changed input is always reported, too: it may be the cause."""
    at = f"In the case {case!r}: "
    if got is None:
        return f"{at}no result arrived."
    changes = " ".join(
        f"The input {name} has changed: {function or 'a function'} writes to its arguments. Work on a copy."
        for name, function in got["changed"].items()
    )
    first = _first_fault(exercise, right, got) or changes or "the result is not the right one."
    return at + (first if first == changes or not changes else f"{first}\n{changes}")


def _first_fault(exercise, right, got):
    """The fault to report first; None where a changed input is the only one."""
    if got["raised"]:
        return _crash(got["raised"])
    for name, kind in got["kinds"].items():
        return f"{name} is {kind}; expected {_described(right['outputs'].get(name))}."
    for name, expected in right["outputs"].items():
        value = got["outputs"].get(name)
        if value is None:
            return f"{name} was not returned; expected {_described(expected)}."
        if value.shape != expected.shape:
            return f"{name} has the shape {value.shape}; expected {expected.shape}."
        if mistyped(expected, value):
            return f"{name} is {_described(value)}; expected {_described(expected)}."
    for name, expected in right["outputs"].items():
        value = got["outputs"][name]
        if not np.isfinite(value).all() and np.isfinite(expected).all():
            count = int((~np.isfinite(value)).sum())
            return f"{name} holds NaN or infinity in {count} of {value.size} places."
    if got["changed"]:
        return None
    for forward in (True, False):
        for name, expected in right["outputs"].items():
            if (name in exercise.forward) == forward and not close(expected, got["outputs"][name]):
                return _difference(name, expected, got["outputs"][name])
    return None


def _described(array):
    """What an array is, in words."""
    if array is None or array.ndim == 0:
        return "a number" if array is None or array.dtype.kind == "f" else f"a number of {array.dtype}"
    return f"an array of {array.dtype} with the shape {array.shape}"


def _crash(raised):
    if raised["type"] == "ReturnError":
        return raised["message"] + ("" if raised["message"].endswith("?") else ".")
    place = f" in {raised['function']}" if raised["function"] else ""
    place += f", line {raised['line']}" if raised["line"] else ""
    return f"{raised['type']}{place}: {raised['message']}"


def _difference(name, expected, got):
    """How an output differs: precision, or the first wrong place."""
    if name.endswith(AGAIN):
        first = name.removesuffix(AGAIN)
        return f"A second call with the same cache gives a different {first}: {_difference(first, expected, got)}"
    if got.dtype.itemsize < expected.dtype.itemsize:
        return f"{name} is {got.dtype}, although the inputs are {expected.dtype}: precision was lost on the way."
    wrong = ~near(expected, got)
    if expected.ndim == 0:
        return f"{name} is {_number(got)}; expected {_number(expected)}."
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    index = ", ".join(map(str, place))
    where = _border(wrong)
    return (
        f"{name}[{index}] is {_number(got[place])}; expected {_number(expected[place])}. "
        f"{int(wrong.sum())} of {wrong.size} entries are wrong{where}."
    )


def _number(value):
    return f"{float(value) + 0.0:.6g}"  # -0 would look like a sign that matters


def _border(wrong):
    """Words for wrong entries that all lie at the border of images, or all but the border."""
    if wrong.ndim < 3 or min(wrong.shape[-2:]) < 3:  # a matrix has no border
        return ""
    inside = int(wrong[..., 1:-1, 1:-1].sum())
    if inside == 0:
        return ", all of them at the border"
    return ", none of them at the border" if inside == wrong.sum() else ""


def where(failing, cases):
    """How many cases are right, and which are wrong."""
    if len(failing) == len(cases):
        return "" if len(failing) == 1 else "It is wrong in every case."
    shown = failing if len(failing) <= _MOST_CASES else [*failing[: _MOST_CASES - 1], "..."]
    return f"It is right in {len(cases) - len(failing)} of {len(cases)} cases. Wrong: {'; '.join(shown)}."


def related(exercise, answers, outcomes, failing, shown):
    """A relation between what came and what should have come, if it is the same in all failing cases.

    Of outputs that are wrong in the case that is shown; of gradients only where the forward pass is right, since the
    way back starts from it.
    """
    if outcomes.get(shown) is None or outcomes[shown]["changed"]:
        return None
    right, got = answers.right[shown]["outputs"], outcomes[shown]["outputs"]
    wrong = [name for name in right if name not in got or not close(right[name], got[name])]
    wrong = [name for name in wrong if not name.endswith(AGAIN)]
    for name in [name for name in wrong if name in exercise.forward] or wrong:
        pairs = []
        for case in failing:
            expected, outcome = answers.right[case]["outputs"].get(name), outcomes.get(case)
            got = outcome["outputs"].get(name) if outcome else None
            if expected is not None and got is not None and not close(expected, got):
                pairs.append((expected, got, answers.inputs[case]))
        found = (_of_another_case(answers, pairs, name) or relation(pairs)) if pairs else None
        if found is not None:
            return f"{name} {found}."
    return None


def _of_another_case(answers, pairs, name):
    """Words for results that are right for other inputs: something was kept from call to call."""
    others = {case: right["outputs"][name] for case, right in answers.right.items() if name in right["outputs"]}
    for expected, got, _ in pairs:
        if expected.size < 2 or got.shape != expected.shape:
            return None
        if not any(close(other, got) and not close(other, expected) for other in others.values()):
            return None
    return "is the right result for other inputs, those of another case: is something kept from call to call?"


def calls(exercise, inputs):
    """The lines of an exercise's text to paste that a case has all inputs for."""
    return [line for line in exercise.paste.strip().splitlines() if set(_INPUT.findall(line)) <= inputs.keys()]


def paste(exercise, case, inputs):
    """The failing case, to be pasted into Python."""
    modules = {}
    for function, file in exercise.files.items():
        modules.setdefault(file[:-3].replace("/", "."), []).append(function)
    lines = [f"from pixelgrad.{module} import {', '.join(names)}" for module, names in modules.items()]
    code = ["from pixelgrad.coursework import load_case", *lines, f"c = load_case({exercise.id!r}, {case!r})"]
    code += calls(exercise, inputs)
    return f"{TO_PASTE}\n" + "\n".join(f"    {line}" for line in code)
