"""The verdict on an exercise, stage by stage: passed, or what is wrong, from known mistakes, messages and relations.

The judge sees arrays only: what the student's functions returned, what the right ones return, and what known mistakes
return on the same inputs. It never runs a student's code.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..._language import marked
from ..._language import translated as _
from ..exercises.catalogue import STAGES
from ..exercises.registry import CORE
from .comparing import alike
from .diagnosis import ENDLESS, does_something, known_mistakes
from .importing import CANNOT, import_fault
from .messages import TO_PASTE, case_message, first_wrong, mistake_example, paste, related, shown_case, where
from .tables import drawn_case

TOO_LONG = marked("It did not finish in time. Is there a loop that never ends, or one far longer than necessary?")
PASSED, PARTLY, WRONG, TODO, BLOCKED = "passed", "partly", "wrong", "todo", "blocked"
OPEN = "open"  # an extension that does not pass, or waits for the core


@dataclass(frozen=True)
class KnownMistake:
    """A mistake as numbers: its name, its hint, and the fingerprints of its outcome in every case (or ENDLESS)."""

    name: str
    hint: str
    outcomes: dict


@dataclass(frozen=True)
class KnownPair:
    """Two mistakes made together: their names, and the outcome, with fingerprints, in the one case that tells."""

    names: tuple
    case: str
    outcome: dict


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
    pairs : list of KnownPair
        What two mistakes give together where it is neither's result.
    """

    inputs: dict
    right: dict
    mistakes: list
    pairs: tuple | list = ()

    def of(self, cases):
        """The answers of some cases."""
        inputs, right = ({case: table[case] for case in cases if case in table} for table in (self.inputs, self.right))
        mistakes = [
            m if isinstance(m.outcomes, str) else replace(m, outcomes={case: m.outcomes[case] for case in right})
            for m in self.mistakes
        ]
        return Answers(inputs, right, mistakes, [pair for pair in self.pairs if pair.case in right])


@dataclass(frozen=True)
class StageVerdict:
    """The checker's result for a stage: of the core as of an exercise, of an extension PASSED or OPEN."""

    id: str
    status: str
    points: int
    max_points: int


@dataclass(frozen=True)
class Verdict:
    """The checker's result for an exercise."""

    exercise: str
    status: str  # PASSED, PARTLY, WRONG, TODO or BLOCKED
    points: int
    max_points: int
    mistake: str | None = None  # several, joined by " + "
    message: str = ""
    stages: tuple = ()  # of StageVerdict
    example: str = ""  # arrays of a failing case, drawn; they hold right results
    later: str = ""  # hints to extensions, for when the core passes

    @property
    def open_stages(self):
        """The extensions that do not pass (list of str)."""
        return [stage.id for stage in self.stages if stage.status == OPEN]


def judge(exercise, answers, outcomes, stages=STAGES):
    """The verdict on what a student's functions returned.

    Parameters
    ----------
    exercise : Exercise
    answers : Answers
    outcomes : dict of str to dict, or str
        By case; or ENDLESS, and where it was; or, in words, why there are none.
    stages : collection of str, optional
        The extensions that are asked for beside the core; all by default.

    Returns
    -------
    Verdict
    """
    wanted = exercise.stages(answers.right, stages)
    with np.errstate(all="ignore"):  # of any numbers at all
        core, *extensions = wanted
        asked = answers.of([case for stage in wanted for case in stage.cases])
        everything = [] if isinstance(outcomes, str) else known_mistakes(exercise, asked, outcomes)
        status, message, mistake, example = _judge(exercise, asked, outcomes, core, everything)
        found = [StageVerdict(CORE, status, core.points if status == PASSED else 0, core.points)]
        texts, mistakes, told_later = [message], [mistake], []
        if mistake:  # what extensions show besides is told last, as theirs
            others = [known for known in everything if known.name not in mistake.split(" + ")]
            later = [(known, _stage_of(known, asked, extensions)) for known in others]
            words = marked("Once the core passes, for the extension {stage} ({points} more): {hint}")
            told_later = [
                _(words, stage=stage.id, points=stage.points, hint=_(known.hint)) for known, stage in later if stage
            ]
            mistakes += [known.name for known in others]
        if status == TODO and "\n" not in message:  # nothing is said of the core yet
            texts += filter(None, (_already(exercise, asked, outcomes, stage, everything) for stage in extensions))
        for stage in extensions:
            passed, text = False, ""
            if status == PASSED:
                one, text, mistake, drawn = _judge(exercise, asked, outcomes, stage, everything)
                example = example or drawn
                passed = one == PASSED
                mistakes += [] if passed else [mistake]
                if not passed:  # one case to paste is enough
                    code = _(TO_PASTE)
                    text = text.split(code)[0].rstrip() if any(code in told for told in texts) else text
                    about = (
                        f"{stage.id}:" if mistake else _("{stage} asks for {what}.", stage=stage.id, what=_(stage.asks))
                    )
                    texts.append(f"{about}{' ' if mistake else chr(10)}{text}")
            found.append(StageVerdict(stage.id, PASSED if passed else OPEN, passed * stage.points, stage.points))
    if status == PASSED and any(stage.status == OPEN for stage in found):
        status = PARTLY
    points, most = sum(stage.points for stage in found), sum(stage.max_points for stage in found)
    name = " + ".join(dict.fromkeys(one for several in mistakes if several for one in several.split(" + ")))
    text = "\n".join(filter(None, texts))
    return Verdict(exercise.id, status, points, most, name or None, text, tuple(found), example, "\n".join(told_later))


def _judge(exercise, asked, all_outcomes, stage, everything):
    """Status, message, mistake and drawn example for the cases of one stage; the others help to tell mistakes apart.

    Parameters
    ----------
    exercise : Exercise
    asked : Answers
    all_outcomes : dict or str
        Of all stages.
    stage : Stage
    everything : list of KnownMistake
        What explains the outcomes of all stages together; empty where nothing does.
    """
    answers, outcomes = asked.of(stage.cases), all_outcomes
    if not isinstance(outcomes, str):
        outcomes = {case: outcomes[case] for case in stage.cases if case in outcomes}
    if isinstance(outcomes, str):
        words, place = outcomes, outcomes.removeprefix(ENDLESS).strip()
        if outcomes.startswith(ENDLESS):
            words = _("{fault} {place}", fault=_(TOO_LONG), place=place) if place else _(TOO_LONG)
        known = known_mistakes(exercise, answers, outcomes)
        return WRONG, "\n".join([words, *(_(m.hint) for m in known)]), known[0].name if known else None, ""
    failing = [case for case in answers.right if not alike(answers.right[case], outcomes.get(case))]
    if not failing:
        return PASSED, "", None, ""
    fault = import_fault(outcomes)
    if fault is not None:
        own = fault[0] in exercise.files.values()
        return WRONG if own else BLOCKED, _(CANNOT).join(fault), None, ""
    todos = [o["raised"]["message"] for o in outcomes.values() if _is_todo(o)]
    if todos and stage.id != CORE:
        return TODO, _("It is still to do."), None, ""
    if todos:
        own = todos[0].split(":", 1)[0] == exercise.id
        so_far = _so_far(exercise, answers, outcomes, stage) if own else ""
        return TODO if own else BLOCKED, todos[0] + so_far, None, ""
    unknown = [_unknown_argument(outcomes.get(case)) for case in failing]
    if stage.id != CORE and all(unknown):
        return WRONG, _("So far there is no argument {name}.", name=unknown[0]), None, ""
    names = {known.name for known in everything}
    known = [mistake for mistake in answers.mistakes if mistake.name in names and does_something(mistake, answers)]
    known.sort(key=lambda mistake: [one.name for one in everything].index(mistake.name))
    known = known or known_mistakes(exercise, answers, outcomes, (asked, all_outcomes))
    lines, shown = [], None
    for mistake in known:
        case, words = mistake_example(exercise, answers, outcomes, failing, mistake)
        lines += [_(mistake.hint), words]
        shown = shown or case
    case = shown or shown_case(exercise, answers, outcomes, failing)
    if shown is None:
        lines.append(case_message(exercise, answers.right[case], outcomes.get(case), case))
        lines.append("" if known else related(exercise, answers, outcomes, failing, case))
    wrong, extension = first_wrong(exercise, answers, outcomes, case), None if stage.id == CORE else stage.id
    lines += [where(failing, answers.right, extension), paste(exercise, case, answers.inputs[case], wrong)]
    name = " + ".join(mistake.name for mistake in known)
    drawn = drawn_case(exercise, answers, outcomes, failing, case)
    return WRONG, "\n".join(line for line in lines if line), name or None, drawn


def _already(exercise, asked, outcomes, stage, everything):
    """What is to say of an extension where the core is to do: its own functions may be there."""
    status, text, *_rest = _judge(exercise, asked, outcomes, stage, everything)
    if status == PASSED:
        return _("{stage}: right so far.", stage=stage.id)
    return f"{stage.id}: {text}" if status == WRONG else ""


def _stage_of(mistake, answers, stages):
    """The first of these stages in which a mistake shows, or None."""
    return next((stage for stage in stages if does_something(mistake, answers.of(stage.cases))), None)


def _unknown_argument(outcome):
    """The argument that a function does not know, in quotes; empty where nothing of the kind was raised."""
    raised = outcome and outcome["raised"]
    if not raised or raised["type"] != "TypeError":
        return ""
    return raised["message"].partition("unexpected keyword argument ")[2]


def _is_todo(outcome):
    return bool(outcome["raised"]) and outcome["raised"]["type"] == "Todo"


def _so_far(exercise, answers, outcomes, stage):
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
    halved = replace(answers, right=part(answers.right), mistakes=mistakes, pairs=())
    status, message, *_rest = _judge(exercise, halved, part(outcomes), stage, [])
    texts = {outcomes[case]["raised"]["message"] for case in todo}
    missing = [name for name in exercise.functions if f"{exercise.id}: {name}" in texts]
    there = exercise.functions[: exercise.functions.index(missing[0])] if missing else ()
    rest = _(" and ").join(missing) or _("the rest")
    if status == PASSED:
        done = _(" and ").join(there) or _("What is there")
        return "\n" + _("{done} is right so far; {rest} is still to do.", done=done, rest=rest)
    return "\n" + _("{rest} is still to do, and what is there is not right yet:", rest=rest) + f"\n{message}"
