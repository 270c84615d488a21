"""What the instructor decides: points by hand, extensions, and what being late costs."""

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path

from ..checker.judge import PASSED, WRONG, Verdict
from ..checker.texts import plain_text, source_text
from ..exercises.catalogue import EXERCISES
from .grades import GRADED

_COLUMNS = ("submission", "exercise", "points", "late", "reason")
_YES, _NO = ("yes", "1", "true"), ("no", "0", "false")


@dataclass(frozen=True)
class Override:
    """A decision about one submission: points for an exercise, or whether it is late; None leaves it as it is."""

    submission: str
    exercise: str = ""
    points: int | None = None
    late: bool | None = None
    reason: str = ""


def read_overrides(path, names):
    """The decisions in a table (list of Override).

    Parameters
    ----------
    path : str or Path
        A CSV file with the columns submission, exercise, points, late (yes or no) and reason; those that are not
        needed may be left out.
    names : sequence of str
        The exercises that are graded.

    Raises
    ------
    ValueError
        A line is not a decision; the message says which, and why.
    """
    table = csv.DictReader(io.StringIO(source_text(Path(path).read_bytes()), newline=""))
    unknown = [title for title in table.fieldnames or () if title not in _COLUMNS]
    if unknown or "submission" not in (table.fieldnames or ()):
        given = ", ".join(map(plain_text, table.fieldnames or ())) or "none"
        raise ValueError(f"overrides {path}: its columns are {given}; expected some of {', '.join(_COLUMNS)}")
    overrides = []
    for line, row in enumerate(table, 2):
        cells = {title: (row[title] or "").strip() for title in table.fieldnames}
        overrides.append(_override(cells, f"overrides {path}, line {line}", names))
    return overrides


def _override(row, where, names):
    exercise, points, late = row.get("exercise", ""), row.get("points", ""), row.get("late", "").lower()
    if bool(exercise) != bool(points):
        raise ValueError(f"{where}: an exercise and its points belong together; got {exercise!r} and {points!r}")
    if exercise and exercise not in names:
        raise ValueError(f"{where}: {exercise!r} is not graded; the exercises are {', '.join(names)}")
    if points and not (points.isdecimal() and int(points) <= EXERCISES[exercise].points):
        raise ValueError(f"{where}: {points!r} points for {exercise}; expected 0 to {EXERCISES[exercise].points}")
    if late not in (*_YES, *_NO, ""):
        raise ValueError(f"{where}: late is {late!r}; expected yes or no")
    value = None if not late else late in _YES
    return Override(row["submission"], exercise, int(points) if points else None, value, row.get("reason", ""))


def adjusted(grades, overrides, late_percent=0):
    """The grades with the instructor's decisions, each of which is noted in its row.

    Parameters
    ----------
    grades : list of Grade
    overrides : list of Override
        Later ones replace earlier ones.
    late_percent : float
        What late submissions lose of their points.

    Raises
    ------
    ValueError
        There is no such submission.
    """
    rows = {one.submission: one for one in grades}
    for override in overrides:
        if override.submission not in rows:
            raise ValueError(
                f"overrides: there is no submission {override.submission!r}; its names are those of the table's rows"
            )
        rows[override.submission] = _decided(rows[override.submission], override)
    return [_late(one, late_percent) for one in rows.values()]


def _decided(one, override):
    reason = f" ({plain_text(override.reason)})" if override.reason else ""
    notes = one.notes
    if override.late is not None:
        notes = tuple(note for note in notes if note != "late") + (("late",) if override.late else ())
        notes += (f"{'late' if override.late else 'not late'} by the instructor{reason}",)
    if override.points is None:
        return replace(one, notes=notes)
    verdicts = [_with_points(v, override.points) if v.exercise == override.exercise else v for v in one.verdicts]
    notes += (f"{override.exercise}: {override.points} points by the instructor{reason}",)
    return replace(one, verdicts=verdicts, notes=notes, state=GRADED)


def _with_points(verdict, points):
    status = PASSED if points == verdict.max_points else WRONG
    message = "" if status == PASSED else verdict.message
    return Verdict(
        verdict.exercise, status, points, verdict.max_points, None, message
    )  # stages: the sum is what counts


def _late(one, percent):
    if "late" not in one.notes or not percent:
        return one
    lost = round(one.points * percent / 100, 2)
    return replace(one, deduction=lost, notes=(*one.notes, f"{percent:g} % off for being late"))
