"""Messages: what is wrong with outcomes, which fault comes first, and the case that shows it."""

import re

import numpy as np

from ..._language import marked, retranslated
from ..._language import translated as _
from .comparing import close, mistyped, near
from .diagnosis import CHANGED, KINDS, RAISED, explained
from .relations import relation

TO_PASTE = marked("To see it in Python:")
CODE = "    "  # before lines of code within a message
_INPUT = re.compile(r'c\["(\w+)"\]')
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
    if got is None:
        return _("In the case {case!r}: {what}", case=case, what=_("no result arrived."))
    changes = " ".join(
        _(
            "The input {name} has changed: {function} writes to its arguments. Work on a copy.",
            name=name,
            function=function or _("a function"),
        )
        for name, function in got["changed"].items()
    )
    first = _first_fault(exercise, right, got) or changes or _("the result is not the right one.")
    both = first if first == changes or not changes else f"{first}\n{changes}"
    return _("In the case {case!r}: {what}", case=case, what=both)


def _first_fault(exercise, right, got):
    """The fault to report first; None where a changed input is the only one."""
    if got["raised"]:
        return _crash(got["raised"])
    for name, kind in got["kinds"].items():
        return _is_not(name, retranslated(kind), _described(right["outputs"].get(name)))
    for name, expected in right["outputs"].items():
        value = got["outputs"].get(name)
        if value is None:
            return _("{name} was not returned; expected {expected}.", name=name, expected=_described(expected))
        if value.shape != expected.shape:
            return _(
                "{name} has the shape {got}; expected {expected}.", name=name, got=value.shape, expected=expected.shape
            )
        if mistyped(expected, value):
            return _is_not(name, _described(value), _described(expected))
    for name, expected in right["outputs"].items():
        value = got["outputs"][name]
        if not np.isfinite(value).all() and np.isfinite(expected).all():
            count = int((~np.isfinite(value)).sum())
            return _(
                "{name} holds NaN or infinity in {count} of {size} places.", name=name, count=count, size=value.size
            )
    if got["changed"]:
        return None
    for forward in (True, False):
        for name, expected in right["outputs"].items():
            if (name in exercise.forward) == forward and not close(expected, got["outputs"][name]):
                if not exercise.drawn:  # the numbers are not quite the student's own
                    return _("{name} is not what it should be.", name=name)
                return _difference(name, expected, got["outputs"][name])
    return None


def _is_not(name, got, expected):
    return _("{name} is {got}; expected {expected}.", name=name, got=got, expected=expected)


def _described(array):
    """What an array is, in words."""
    if array is None or array.ndim == 0 and array.dtype.kind == "f":
        return _("a number")
    if array.ndim == 0:
        return _("a number of {dtype}", dtype=array.dtype)
    return _("an array of {dtype} with the shape {shape}", dtype=array.dtype, shape=array.shape)


def _crash(raised):
    if raised["type"] == "ReturnError":
        words = retranslated(raised["message"])
        return words if words.endswith(("?", "\uff1f")) else _("{words}.", words=words)
    if raised["type"] == "BdbQuit":
        return _("a debugger was started, and the checker has no keyboard: start it on the lines below.")
    place = _(" in {function}", function=raised["function"]) if raised["function"] else ""
    place += _(", line {line}", line=raised["line"]) if raised["line"] else ""
    words = raised["message"]
    if words.startswith("(in "):  # what a function of ours was given stands before its error
        given, end, rest = words.partition(")) ")
        words = f"{retranslated(given + '))')} {rest}" if end else words
    return f"{raised['type']}{place}: {words}"


def _difference(name, expected, got):
    """How an output differs: precision, or the first wrong place."""
    if name.endswith(AGAIN):
        first = name.removesuffix(AGAIN)
        return _(
            "A second call with the same cache gives a different {name}: {difference}",
            name=first,
            difference=_difference(first, expected, got),
        )
    if got.dtype.itemsize < expected.dtype.itemsize:
        return _(
            "{name} is {got}, although the inputs are {expected}: precision was lost on the way.",
            name=name,
            got=got.dtype,
            expected=expected.dtype,
        )
    wrong = ~near(expected, got)
    if expected.ndim == 0:
        return _is_not(name, _number(got), _number(expected))
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    index = ", ".join(map(str, place))
    where = _border(wrong)
    first = _is_not(f"{name}[{index}]", _number(got[place]), _number(expected[place]))
    count = int(wrong.sum())
    if count == 1:
        return (
            first
            if wrong.size == 1
            else _("{first} It is the only wrong one of {size} entries.", first=first, size=wrong.size)
        )
    return _(
        "{first} {count} of {size} entries are wrong{where}.", first=first, count=count, size=wrong.size, where=where
    )


def _number(value):
    return f"{float(value) + 0.0:.6g}"  # -0 would look like a sign that matters


def _border(wrong):
    """Words for wrong entries that all lie at the border of images, or all but the border."""
    if wrong.ndim < 3 or min(wrong.shape[-2:]) < 4:  # a matrix has no border, and a small image little else
        return ""
    inside = int(wrong[..., 1:-1, 1:-1].sum())
    if inside == 0:
        return _(", all of them at the border")
    return _(", none of them at the border") if inside == wrong.sum() else ""


def where(failing, cases, stage=None):
    """How many cases are right, and which are wrong; of an extension's cases, if its name is given."""
    if len(failing) == len(cases):
        if len(failing) == 1:
            return ""
        return _("It is wrong in every case of {stage}.", stage=stage) if stage else _("It is wrong in every case.")
    more = len(failing) - _MOST_CASES + 1
    shown = failing if more <= 1 else [*failing[: _MOST_CASES - 1], _("and {count} more", count=more)]
    return _(
        "It is right in {right} of {all} cases. Wrong: {cases}.",
        right=len(cases) - len(failing),
        all=len(cases),
        cases="; ".join(shown),
    )


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
            return _("{name} {found}.", name=name, found=found)
    return None


def _of_another_case(answers, pairs, name):
    """Words for results that are right for other inputs: something was kept from call to call."""
    others = {case: right["outputs"][name] for case, right in answers.right.items() if name in right["outputs"]}
    for expected, got, *_rest in pairs:
        if expected.size < 2 or got.shape != expected.shape:
            return None
        if not any(close(other, got) and not close(other, expected) for other in others.values()):
            return None
    return _("is the right result for other inputs, those of another case: is something kept from call to call?")


def calls(exercise, inputs):
    """The lines of an exercise's text to paste that a case has all inputs for."""
    return [line for line in exercise.paste.strip().splitlines() if set(_INPUT.findall(line)) <= inputs.keys()]


def first_wrong(exercise, answers, outcomes, case):
    """The output that a message about this case speaks of; None where it is not about numbers."""
    right, got = answers.right[case]["outputs"], outcomes.get(case)
    if got is None or got["raised"]:
        return None
    names = sorted(right, key=lambda name: name not in exercise.forward)
    return next(
        (name for name in names if name in got["outputs"] and not close(right[name], got["outputs"][name])), None
    )


def paste(exercise, case, inputs, wrong=None):
    """The failing case, to be pasted into Python; it prints the output that is wrong, where it has a name there."""
    modules = {}
    for function, file in exercise.files.items():
        modules.setdefault(file[:-3].replace("/", "."), []).append(function)
    lines = [f"from pixelgrad.{module} import {', '.join(names)}" for module, names in modules.items()]
    code = ["from pixelgrad.coursework import load_case", *lines, f"c = load_case({exercise.id!r}, {case!r})"]
    code += calls(exercise, inputs)
    if wrong is not None and any(re.match(rf"(\w+, )*{re.escape(wrong)}\b[\w, ]*=", line) for line in code):
        code.append(f"print({wrong})")
    return f"{_(TO_PASTE)}\n" + "\n".join(f"{CODE}{line}" for line in code)
