"""The verdict on an exercise: passed, or what is wrong, from known mistakes, messages and general relations.

The judge sees arrays only: what the student's functions returned, what the right ones return, and what known mistakes
return on the same inputs. It never runs a student's code.
"""

from dataclasses import dataclass, replace

import numpy as np

from .comparing import alike
from .diagnosis import ENDLESS, known_mistakes
from .importing import CANNOT, import_fault
from .messages import case_message, paste, rank, related, where

TOO_LONG = "It did not finish in time. Is there a loop that never ends, or one far longer than necessary?"
PASSED, WRONG, TODO, BLOCKED = "passed", "wrong", "todo", "blocked"


@dataclass(frozen=True)
class KnownMistake:
    """A mistake as numbers: its name, its hint, and the fingerprints of its outcome in every case (or ENDLESS)."""

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
    """The checker's result for an exercise."""

    exercise: str
    status: str  # PASSED, WRONG, TODO or BLOCKED
    points: int
    max_points: int
    mistake: str | None = None  # several, joined by " + "
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
    if isinstance(outcomes, str):
        words = TOO_LONG + outcomes.removeprefix(ENDLESS) if outcomes.startswith(ENDLESS) else outcomes
        known = known_mistakes(exercise, answers, outcomes)
        return verdict(WRONG, "\n".join([words, *(m.hint for m in known)]), known[0].name if known else None)
    failing = [case for case in answers.right if not alike(answers.right[case], outcomes.get(case))]
    if not failing:
        return verdict(PASSED)
    fault = import_fault(outcomes)
    if fault is not None:
        own = fault[0] in exercise.files.values()
        return verdict(WRONG if own else BLOCKED, CANNOT.join(fault))
    todos = [o["raised"]["message"] for o in outcomes.values() if _is_todo(o)]
    if todos:
        own = todos[0].split(":", 1)[0] == exercise.id
        return verdict(TODO if own else BLOCKED, todos[0] + (_so_far(exercise, answers, outcomes) if own else ""))
    # Of equally bad ones the first: cases begin with the plainest, and what is special about a later one would mislead.
    case = min(failing, key=lambda name: rank(exercise, answers, outcomes, name))
    known = known_mistakes(exercise, answers, outcomes)
    lines = [mistake.hint for mistake in known]
    lines.append(case_message(exercise, answers.right[case], outcomes.get(case), case))
    if not known:
        lines.append(related(exercise, answers, outcomes, failing, case))
    lines += [where(failing, answers.right), paste(exercise, case)]
    name = " + ".join(mistake.name for mistake in known)
    return verdict(WRONG, "\n".join(line for line in lines if line), name or None)


def _is_todo(outcome):
    return bool(outcome["raised"]) and outcome["raised"]["type"] == "Todo"


def _so_far(exercise, answers, outcomes):
    """The message about the written part of an exercise, which is judged as if it were the whole."""
    cases = [case for case in answers.right if case in outcomes]
    todo = {case for case in cases if _is_todo(outcomes[case])}
    if not any(outcomes[case]["outputs"] or outcomes[case]["kinds"] for case in cases) and len(todo) == len(cases):
        return ""
    names = {case: outcomes[case]["outputs"].keys() | outcomes[case]["kinds"].keys() for case in todo}

    def part(given):
        """The outcomes without what stands behind a Todo."""
        made = {case: given[case] for case in cases}
        for case in todo:
            outputs = {name: value for name, value in given[case]["outputs"].items() if name in names[case]}
            made[case] = given[case] | {"outputs": outputs, "raised": None}
        return made

    mistakes = [replace(m, outcomes=part(m.outcomes)) for m in answers.mistakes if not isinstance(m.outcomes, str)]
    halved = replace(answers, right=part(answers.right), mistakes=mistakes)
    judged = judge(exercise, halved, part(outcomes))
    texts = {outcomes[case]["raised"]["message"] for case in todo}
    missing = [name for name in exercise.functions if f"{exercise.id}: {name}" in texts]
    there = exercise.functions[: exercise.functions.index(missing[0])] if missing else ()
    rest = f"{' and '.join(missing) or 'the rest'} is still to do"
    if judged.status == PASSED:
        return f"\n{' and '.join(there) or 'What is there'} is right so far; {rest}."
    return f"\n{rest}, and what is there is not right yet:\n{judged.message}"
