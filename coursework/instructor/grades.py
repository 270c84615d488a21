"""Grades on paper: the table, the page about the class, and Gradescope's format."""

import csv
import html
from collections import Counter
from dataclasses import dataclass, field

from ..._files import written_beside
from ..checker.judge import BLOCKED, PARTLY, PASSED, TODO, WRONG, StageVerdict
from ..checker.texts import plain_text
from ..exercises.catalogue import EXERCISES
from .roster import Student

GRADED, UNGRADED, ABSENT = "graded", "not graded", "absent"
_TITLES = ("exercise", "passed", "partly", "wrong", "to do", "blocked", "mistakes")


@dataclass(frozen=True)
class Grade:
    """The grade of a submission.

    Attributes
    ----------
    submission : str
        The name of its row.
    verdicts : list of Verdict
    error : str
        What could not be read or run.
    notes : tuple of str
        What the instructor should know: attempts, files found in other places, late.
    student : Student
    state : {"graded", "not graded", "absent"}
        Not graded: nothing could be judged, and the instructor must look. Absent: on the roster, handed in nothing.
    deduction : float
        Points lost for being late.
    """

    submission: str
    verdicts: list
    error: str
    notes: tuple = ()
    student: Student = field(default_factory=Student)
    state: str = GRADED
    deduction: float = 0

    @property
    def points(self):
        """The sum of all points, less what is lost for being late."""
        points = sum(v.points for v in self.verdicts) - self.deduction
        return int(points) if points == int(points) else round(points, 2)

    @property
    def max_points(self):
        """The most points there are."""
        return sum(v.max_points for v in self.verdicts)


def results_json(graded):
    """A grade in the form of Gradescope's results.json (dict)."""
    tests = [test for verdict in graded.verdicts for test in _tests(verdict)]
    return {"score": graded.points, "output": graded.error, "output_format": "text", "tests": tests}


def _tests(verdict):
    """An exercise as Gradescope's tests: one for each stage, the first of which says all there is to say."""
    stages = verdict.stages or (StageVerdict("", verdict.status, verdict.points, verdict.max_points),)
    for stage in stages:
        first = stage is stages[0]
        yield {
            "name": verdict.exercise if first else f"{verdict.exercise}: {stage.id}",
            "score": stage.points,
            "max_score": stage.max_points,
            "status": "passed" if stage.status == PASSED else "failed",
            "output": (verdict.message if first else "") or stage.status,
        }


def write_table(out, grades, names, *, overwrite=False):
    """The table: a row for each submission, a column for each exercise."""
    # Names of files are any bytes: what is not text is written as \\udcXX.
    text = {"newline": "", "encoding": "utf-8", "errors": "backslashreplace"}
    with written_beside(out, overwrite=overwrite) as temporary, temporary.open("w", **text) as f:
        table = csv.writer(f)
        table.writerow(["submission", "points", "max_points", *names, "error", "notes", "student", "id", "email"])
        for one in grades:
            points = [v.points for v in one.verdicts]
            student = one.student
            texts = (one.error, "; ".join(one.notes), student.name, student.number, student.email)
            table.writerow([cell(one.submission), one.points, one.max_points, *points, *map(cell, texts)])


def cell(text):
    """Text that a spreadsheet does not take for a formula; names and errors come from students."""
    text = plain_text(text)
    return "'" + text if text.startswith(tuple("=+-@")) else text


def write_summary(path, grades, names):
    """A page with, for each exercise, how many pass and which mistakes the others made; and what could not be run."""
    absent = [one for one in grades if one.state == ABSENT]
    grades = [one for one in grades if one.state != ABSENT]
    rows = []
    for k, name in enumerate(names):
        verdicts = [one.verdicts[k] for one in grades]
        counts = Counter(v.status for v in verdicts)
        made = [(v.mistake or "no known mistake").split(" + ") for v in verdicts if v.status in (WRONG, PARTLY)]
        mistakes = Counter(mistake for some in made for mistake in some).most_common()
        words = "; ".join(f"{count} &times; {html.escape(mistake)}" for mistake, count in mistakes)
        numbers = "".join(f"<td>{counts[status]}</td>" for status in (PASSED, PARTLY, WRONG, TODO, BLOCKED))
        rows.append(f"<tr><td>{html.escape(name)}</td>{numbers}<td>{words}</td></tr>")
    mean = sum(one.points for one in grades) / max(1, len(grades))
    most = grades[0].max_points if grades else sum(EXERCISES[name].points for name in names)
    head = "".join(f"<th>{title}</th>" for title in _TITLES)
    style = (
        "body{font-family:sans-serif;margin:2em}td,th{padding:.2em .8em;text-align:left;border-bottom:1px solid #ccc}"
    )
    average = f"{len(grades)} submissions, {mean:.1f} of {most} points on average."
    errors = "".join(
        f"<tr><td>{as_html(one.submission)}</td><td>{as_html(one.error)}</td></tr>" for one in grades if one.error
    )
    if errors:
        errors = f"<h2>What could not be run</h2><table><tr><th>submission</th><th>error</th></tr>{errors}</table>"
    if absent:
        errors += f"<h2>Who handed in nothing</h2><p>{', '.join(as_html(one.submission) for one in absent)}</p>"
    page = (
        f"<!doctype html><meta charset='utf-8'><title>What the class made of it</title><style>{style}</style>"
        f"<h1>What the class made of it</h1><p>{average}</p><table><tr>{head}</tr>{''.join(rows)}</table>{errors}\n"
    )
    with written_beside(path, overwrite=True) as temporary:
        temporary.write_text(page, encoding="utf-8")


def as_html(text, keep=""):
    """Text from students for a page."""
    return html.escape(plain_text(text, keep=keep))
