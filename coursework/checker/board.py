"""The student's side of the checker: run exercises, and show the results."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..._language import marked
from ..._language import translated as _
from ..exercises.catalogue import EXERCISES, ROOT, STAGES, check_stages
from ..exercises.registry import CORE
from .importing import CANNOT
from .judge import BLOCKED, PARTLY, PASSED, TODO, WRONG, Answers, Verdict, judge
from .messages import CODE
from .packing import copied
from .runner import Limits, run_exercises
from .store import read_answers
from .texts import padded, wrapped

NETWORK = ("affine", "relu", "conv", "batchnorm", "spatial_batchnorm")  # exercises that the shipped network consists of
_COLOURS = {PASSED: 32, PARTLY: 36, WRONG: 31, TODO: 33, BLOCKED: 2}  # of a terminal
SIGNS = {
    PASSED: marked("✓ passed"),
    PARTLY: marked("✓ partly"),
    WRONG: marked("✗ wrong"),
    TODO: marked("· to do"),
    BLOCKED: marked("– blocked"),
}


def check(
    names: Sequence[str] | None = None,
    *,
    root: Path = ROOT,
    answers: dict[str, Answers] | None = None,
    stages: Sequence[str] | None = STAGES,
    limits: Limits | None = None,
    done: Callable[..., Any] | None = None,
) -> tuple[list[Verdict], str]:
    """Check exercises.

    Parameters
    ----------
    names : sequence of str, optional
        Exercises; all by default.
    root : Path
        The project to check.
    answers : dict of str to Answers, optional
        By default those of the file that comes with the project.
    stages : sequence of str, optional
        The extensions that are asked for beside the core, by name; ("core",) for none of them. All by default.
    limits : Limits, optional
    done : callable (exercise), optional
        Called when an exercise is finished.

    Returns
    -------
    verdicts : list of Verdict
        In the order of the exercises.
    printed : str
        What the functions printed.

    Raises
    ------
    ValueError
        A name is not that of an exercise, or of a stage.
    """
    for name in names or ():
        known_exercise(name)
    check_stages(stages)
    wanted = [name for name in EXERCISES if not names or name in names]
    needed = with_needs(wanted)
    answers = read_answers(needed) if answers is None else answers
    run = run_exercises({name: answers[name].inputs for name in needed}, root=root, limits=limits, done=done)
    verdicts = {name: judge(EXERCISES[name], answers[name], run.outcomes[name], stages) for name in needed}
    return [after_needs(verdicts[name], verdicts) for name in wanted], run.printed


def with_needs(names):
    """These exercises, and those that they call."""
    return [name for name in EXERCISES if name in names or any(name in EXERCISES[other].needs for other in names)]


def after_needs(verdict, verdicts):
    """An exercise whose core is wrong, and which calls one whose core is not right yet, is blocked by that one.

    One that is blocked itself is passed over: what it waits for may be this one's own file.
    """
    needs = EXERCISES[verdict.exercise].needs
    unsolved = [name for name in needs if name in verdicts and verdicts[name].status not in (PASSED, PARTLY, BLOCKED)]
    if verdict.status == WRONG and unsolved:
        stages = tuple(replace(s, status=BLOCKED) if s.id == CORE else s for s in verdict.stages)
        return replace(
            verdict, status=BLOCKED, mistake=None, message=f"{unsolved[0]}: " + _("not right yet"), stages=stages
        )
    return verdict


def load_case(exercise: str, case: str) -> dict[str, Any]:
    """The inputs of one case of an exercise: {name: value}.

    Raises
    ------
    ValueError
        There is no such exercise or case; the message lists what there is.
    """
    known_exercise(exercise)
    inputs = read_answers([exercise])[exercise].inputs
    if case not in inputs:
        raise ValueError(f"load_case: {exercise} has no case {case!r}; its cases are {', '.join(map(repr, inputs))}")
    return copied(inputs[case])


def known_exercise(name):
    """The exercise of this name; ValueError, with a list, if there is none."""
    if name not in EXERCISES:
        near = _(" or ").join(difflib.get_close_matches(name.lower(), EXERCISES))
        hint = _(". Did you mean {names}?", names=near) if near else ""
        words = _("there is no exercise {name!r}; the exercises are {names}", name=name, names=", ".join(EXERCISES))
        raise ValueError(words + hint)
    return EXERCISES[name]


def board(verdicts, *, width=100, colour=False):
    """The verdicts as text: a line for each exercise, what is wrong, and what to do next."""
    lines, track, shown, as_above = [], None, set(), _("as above")
    for verdict in verdicts:
        exercise = EXERCISES[verdict.exercise]
        if exercise.track != track:
            track = exercise.track
            lines += ["", _(track.capitalize())]
        points = f"{verdict.points}/{verdict.max_points}"
        sign = _coloured(padded(_(SIGNS[verdict.status]), 10), _COLOURS[verdict.status], colour)
        lines.append(f"  {sign} {verdict.exercise:20s} {points:>6s}  {_(exercise.title)}")
        if verdict.status == PARTLY:
            each = ", ".join(f"{stage.id} {stage.points}/{stage.max_points}" for stage in verdict.stages)
            still = _(
                "core passed; still open: {stages} ({points})", stages=", ".join(verdict.open_stages), points=each
            )
            lines.append(f"      {still}")
        if verdict.status in (PARTLY, WRONG, TODO):
            words = verdict.message.splitlines()
            if verdict.status == TODO:  # the first line only repeats which one
                words = words[1:]
            elif verdict.message in shown:  # a file that cannot be imported is the same for all that stands in it
                words = [as_above]
            shown.add(verdict.message)
            for line in words:  # code begins at the margin: Python does not take it otherwise
                code = line.startswith(CODE)
                lines += [line.removeprefix(CODE)] if code else wrapped(line, width, " " * 6)
            lines += [f"      {line}" for line in verdict.example.splitlines() if words != [as_above]]
            for line in verdict.later.splitlines():
                lines += wrapped(line, width, " " * 6)
        elif verdict.status == BLOCKED:
            # Why a file cannot be imported is said once, also where no exercise of that file is shown.
            new = _(CANNOT) in verdict.message and verdict.message not in shown
            words = verdict.message if new else verdict.message.split(":")[0]
            lines += wrapped(_("waits for {what}", what=words), width, " " * 6)
            shown.add(verdict.message)
    if words := your_network(verdicts):
        lines += ["", _("Your network: {words}", words=words)]
    points, most = sum(v.points for v in verdicts), sum(v.max_points for v in verdicts)
    lines += ["", _("{points} of {most} points. {next}", points=points, most=most, next=_next(verdicts))]
    return "\n".join(lines[1:] if lines[0] == "" else lines)


def _coloured(text, code, colour):
    """Text in a colour of the terminal."""
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text


def your_network(verdicts):
    """Whether the shipped network runs on what was written; None where its layers are not exercises, or not checked."""
    statuses = {v.exercise: v.status for v in verdicts}
    layers = [name for name in NETWORK if name in EXERCISES]
    if not layers or not set(layers) <= set(statuses):
        return None
    first = next((name for name in layers if statuses[name] not in (PASSED, PARTLY)), None)
    photograph = "coffee" if find_spec("skimage") else "portrait"
    run = f"pixelgrad predict {photograph} --engine naive"
    if first is None:
        return _("it runs on your layers; see `{command}`.", command=run)
    words = marked("{first} comes first (`pixelgrad check {first}`); then `{command}` runs on your layers.")
    return _(words, first=first, command=run)


def as_dict(verdicts):
    """The verdicts as `pixelgrad check --json` prints them."""
    return {
        "exercises": [
            {
                "id": v.exercise,
                "status": v.status,
                "points": v.points,
                "max_points": v.max_points,
                "mistake": v.mistake,
                "message": v.message,
                "stages": [asdict(stage) for stage in v.stages],
            }
            for v in verdicts
        ],
        "points": sum(v.points for v in verdicts),
        "max_points": sum(v.max_points for v in verdicts),
    }


def _next(verdicts):
    for status, words in (
        (WRONG, marked("Next: fix {exercise} ({files}); `{command}` helps.")),
        (TODO, marked("Next: write {exercise} ({files}); `{command}` helps.")),
        (PARTLY, marked("Next: extend {exercise} ({files}); `{command}` helps.")),
    ):
        for verdict in verdicts:
            if verdict.status == status:
                exercise = EXERCISES[verdict.exercise]
                files = ", ".join(dict.fromkeys(exercise.files.values()))
                command = f"pixelgrad check {verdict.exercise} --hint"
                return _(words, exercise=verdict.exercise, files=files, command=command)
    waiting = next((v.message.split(":")[0] for v in verdicts if v.status == BLOCKED), None)
    if waiting:
        return _("Next: {exercise}.", exercise=waiting)
    if len(verdicts) < len(EXERCISES):
        return _("All right; `pixelgrad check` shows what is left.")
    return _("Everything passes.")
