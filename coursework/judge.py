"""What is wrong with an outcome, in words: the order of complaints, known mistakes, and general relations.

The judge sees arrays only: what the student's functions returned, what the right ones return, and what known mistakes
return on the same inputs. It never runs a student's code.
"""

from dataclasses import dataclass

import numpy as np

from .importing import import_fault
from .prints import fingerprint, same_fingerprint
from .relations import relation

TOO_LONG = "It was not done in time. Is there a loop that never ends, or one far longer than it needs to be?"
RTOL = 1e-6  # beside the largest magnitude of an array
ENDLESS = "endless"  # in the place of outcomes, with words for the place behind it: it was not done in time
PASSED, WRONG, TODO, BLOCKED = "passed", "wrong", "todo", "blocked"


@dataclass(frozen=True)
class KnownMistake:
    """A mistake as numbers: its name, what to say, and its outcome in every case, in fingerprints (or ENDLESS)."""

    name: str
    hint: str
    outcomes: dict


@dataclass(frozen=True)
class Answers:
    """All that is needed to judge an exercise.

    Attributes
    ----------
    inputs : dict of str to dict
        By case.
    right : dict of str to dict
        Outcomes; see `harness`.
    mistakes : list of KnownMistake
    """

    inputs: dict
    right: dict
    mistakes: list


@dataclass(frozen=True)
class Verdict:
    """What the checker says of an exercise."""

    exercise: str
    status: str  # PASSED, WRONG, TODO or BLOCKED
    points: int
    max_points: int
    mistake: str | None = None
    message: str = ""


def judge(exercise, answers, outcomes):
    """The verdict on what a student's functions returned.

    Parameters
    ----------
    exercise : Exercise
    answers : Answers
    outcomes : dict of str to dict, or str
        By case; or ENDLESS, and where it was; or, in words, why there are none.

    Returns
    -------
    Verdict
    """

    def verdict(status, message="", mistake=None):
        points = exercise.points if status == PASSED else 0
        return Verdict(exercise.id, status, points, exercise.points, mistake, message)

    with np.errstate(all="ignore"):  # of any numbers at all
        return _judge(exercise, answers, outcomes, verdict)


def _judge(exercise, answers, outcomes, verdict):
    known = next((m for m in answers.mistakes if _is(m, answers, outcomes)), None)
    if isinstance(outcomes, str):
        words = TOO_LONG + outcomes.removeprefix(ENDLESS) if outcomes.startswith(ENDLESS) else outcomes
        return verdict(WRONG, f"{words}\n{known.hint}" if known else words, known and known.name)
    failing = [case for case in answers.right if not alike(answers.right[case], outcomes.get(case))]
    if not failing:
        return verdict(PASSED)
    fault = import_fault(outcomes)
    if fault is not None:
        file, words = fault
        return verdict(WRONG if file in exercise.homes.values() else BLOCKED, f"{file}: cannot be imported: {words}")
    todo = _todo(outcomes)
    if todo is not None:
        own, text = todo.split(":", 1)[0] == exercise.id, todo
        return verdict(TODO if own else BLOCKED, text)
    case = min(failing, key=lambda name: (_rank(exercise, answers, outcomes, name), _size(answers.inputs[name])))
    lines = [_complaint(exercise, answers.right[case], outcomes.get(case), case)]
    lines.append(_where(failing, answers.right))
    if known is not None:
        lines.insert(0, known.hint)
    elif (found := _related(exercise, answers, outcomes, failing)) is not None:
        lines.insert(1, found)
    lines.append(_paste(exercise, case))
    return verdict(WRONG, "\n".join(line for line in lines if line), known and known.name)


def alike(a, b, same=None):
    """Whether two outcomes are the same: outputs as `same` (by default `close`) says, and all else exactly."""
    if b is None:
        return False
    if (
        _kind(a["raised"]) != _kind(b["raised"])
        or a["changed"] != b["changed"]
        or a["kinds"].keys() != b["kinds"].keys()
    ):
        return False
    return a["outputs"].keys() == b["outputs"].keys() and all(
        (same or close)(a["outputs"][name], b["outputs"][name]) for name in a["outputs"]
    )


def _kind(raised):
    """What was raised, up to words that depend on how the code was written; of a wrong return what it was."""
    if raised is None:
        return None
    return raised["type"], raised["message"] if raised["type"] == "ReturnError" else None


def close(expected, got):
    """Whether an array has the shape and sort of another, and its values up to rounding."""
    if expected.shape != got.shape or (expected.dtype.kind == "f") != (got.dtype.kind == "f"):
        return False
    if got.dtype.itemsize < expected.dtype.itemsize and expected.dtype.kind == "f":
        return False
    return bool(_near(expected, got).all())


def _near(expected, got):
    """Where an array has the values of another of the same shape, up to rounding."""
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    return np.isclose(got, expected, rtol=RTOL, atol=RTOL * scale, equal_nan=True)


def _is(mistake, answers, outcomes):
    """Whether the student's outcomes are those of a known mistake, in every case."""
    if isinstance(outcomes, str) or isinstance(mistake.outcomes, str):
        return isinstance(outcomes, str) and outcomes.startswith(ENDLESS) and mistake.outcomes == ENDLESS
    return all(alike(mistake.outcomes[case], outcomes.get(case), _has_print) for case in answers.right)


def _has_print(kept, array):
    """Whether an array has this fingerprint; an array of another shape, which may be huge, is not even looked at."""
    return kept["shape"] == list(array.shape) and same_fingerprint(kept, fingerprint(array), RTOL)


def _todo(outcomes):
    """The text of a Todo that stopped the functions, if one did."""
    for outcome in outcomes.values():
        if outcome["raised"] and outcome["raised"]["type"] == "Todo":
            return outcome["raised"]["message"]
    return None


def _rank(exercise, answers, outcomes, case):
    """The order of complaints: the lower, the earlier."""
    right, got = answers.right[case], outcomes.get(case)
    if got is None or got["raised"]:
        return 0
    if got["kinds"] or any(_mistyped(right["outputs"][name], got["outputs"].get(name)) for name in right["outputs"]):
        return 1
    if any(not np.all(np.isfinite(value)) for value in got["outputs"].values() if value.dtype.kind == "f"):
        return 2
    if got["changed"]:
        return 3
    wrong = {name for name in right["outputs"] if not close(right["outputs"][name], got["outputs"][name])}
    return 4 if wrong & set(exercise.forward) else 5


def _mistyped(expected, got):
    """Whether an output is missing, or of another shape or sort of numbers."""
    return got is None or got.shape != expected.shape or (got.dtype.kind == "f") != (expected.dtype.kind == "f")


def _complaint(exercise, right, got, case):
    """The first thing that is wrong in one case; and always that an input was changed, which may be its cause."""
    at = f"In the case {case!r}: "
    if got is None:
        return f"{at}no result arrived."
    changes = " ".join(
        f"The input {name} is not what it was: {function or 'a function'} changed what it was given. Work on a copy."
        for name, function in got["changed"].items()
    )
    first = _first_fault(exercise, right, got) or changes or "the result is not the right one."
    return at + (first if first == changes or not changes else f"{first}\n{changes}")


def _first_fault(exercise, right, got):
    """What comes before everything else; None where nothing but a changed input is to be told."""
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
        if _mistyped(expected, value):
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
        return raised["message"] + "."
    place = f" in {raised['function']}" if raised["function"] else ""
    place += f", line {raised['line']}" if raised["line"] else ""
    return f"{raised['type']}{place}: {raised['message']}"


def _difference(name, expected, got):
    """How an output differs: precision, or the worst place."""
    if got.dtype.itemsize < expected.dtype.itemsize:
        return f"{name} is {got.dtype}, though the inputs are {expected.dtype}: precision was lost on the way."
    wrong = ~_near(expected, got)
    if expected.ndim == 0:
        return f"{name} is {float(got):.6g}; expected {float(expected):.6g}."
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    index = ", ".join(map(str, place))
    where = _border(wrong)
    return (
        f"{name}[{index}] is {got[place]:.6g}; expected {expected[place]:.6g}. "
        f"{int(wrong.sum())} of {wrong.size} entries are wrong{where}."
    )


def _border(wrong):
    """Words for wrong entries that all lie at the border of images, or all but the border."""
    if wrong.ndim < 3 or min(wrong.shape[-2:]) < 3:  # a matrix has no border
        return ""
    inside = int(wrong[..., 1:-1, 1:-1].sum())
    if inside == 0:
        return ", all of them at the border"
    return ", none of them at the border" if inside == wrong.sum() else ""


def _where(failing, cases):
    """Which cases are right, which wrong."""
    right = [case for case in cases if case not in failing]
    if not right:
        return "" if len(failing) == 1 else "It is wrong in every case."
    return f"It is right in: {', '.join(right)}. It is wrong in: {', '.join(failing)}."


def _related(exercise, answers, outcomes, failing):
    """A relation between what came and what should have come, if it is the same in all failing cases."""
    for name in answers.right[failing[0]]["outputs"]:
        pairs = []
        for case in failing:
            expected, outcome = answers.right[case]["outputs"].get(name), outcomes.get(case)
            got = outcome["outputs"].get(name) if outcome else None
            if expected is not None and got is not None and not close(expected, got):
                pairs.append((expected, got, answers.inputs[case]))
        found = relation(pairs) if pairs else None
        if found is not None:
            return f"{name} {found}."
    return None


def _size(inputs):
    """How much there is to look at in the inputs of a case."""
    if isinstance(inputs, dict):
        return sum(_size(value) for value in inputs.values())
    return np.size(inputs) if isinstance(inputs, np.ndarray) else 1


def _paste(exercise, case):
    """The failing case, to be pasted into Python."""
    modules = {}
    for function, home in exercise.homes.items():
        modules.setdefault(home[:-3].replace("/", "."), []).append(function)
    lines = [f"from pixelgrad.{module} import {', '.join(names)}" for module, names in modules.items()]
    code = ["from pixelgrad.coursework import load_case", *lines, f"c = load_case({exercise.id!r}, {case!r})"]
    code += exercise.paste.strip().splitlines()
    return "To see it in Python:\n" + "\n".join(f"    {line}" for line in code)
