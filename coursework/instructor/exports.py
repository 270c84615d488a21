"""Grades in the form in which course systems import them.

A row that could not be graded, and one of a student who handed in nothing, stays empty: an import must not turn a
question into a zero.
"""

import csv

from ..._files import written_beside
from .grades import ABSENT, GRADED, cell

SYSTEMS = ("canvas", "moodle", "gradescope")


def write_export(path, system, grades, *, assignment="pixelgrad", overwrite=False):
    """Write the import file of a course system.

    Parameters
    ----------
    path : str or Path
        A .csv file.
    system : {"canvas", "moodle", "gradescope"}
        Canvas's gradebook, Moodle's grading worksheet, or Gradescope's table of scores.
    grades : list of Grade
    assignment : str
        The name of Canvas's column; "Name (12345)" as Canvas exports it fills an assignment that exists.
    overwrite : bool

    Returns
    -------
    list of str
        Why points of some submissions are not in the file, a sentence for each.

    Raises
    ------
    ValueError
        There is no such system.
    """
    if system not in SYSTEMS:
        raise ValueError(f"export: there is no course system {system!r}; choose one of {', '.join(SYSTEMS)}")
    rows, missing = _rows_of(grades)
    header, line = _FORMS[system]
    most = max((one.max_points for one in grades), default=0)
    with written_beside(path, overwrite=overwrite) as temporary:
        with temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as f:
            table = csv.writer(f)
            table.writerow([title.format(assignment=assignment) for title in header])
            if system == "canvas":
                table.writerow(["    Points Possible", "", "", "", "", most])
            for one in rows:
                cells = line(one, one.points if one.state == GRADED else "")
                if system != "moodle" or cells[0]:
                    table.writerow([cell(str(value)) for value in cells])
                elif one.state != ABSENT:
                    missing.append(
                        f"{one.submission}: Moodle's number is not known; give Moodle's grading worksheet as --roster"
                    )
    return missing


def _rows_of(grades):
    """One grade for each student who can be told, and sentences about the others."""
    missing, by_student = [], {}
    for one in grades:
        student = one.student
        if not (student.number or student.ids or student.email or student.name):
            missing.append(f"{one.submission}: no student is known by this name; give the course's list with --roster")
        else:
            key = (student.name, student.email, student.ids)
            by_student.setdefault(key, []).append(one)
    rows = []
    for several in by_student.values():
        if len(several) > 1:
            names = ", ".join(one.submission for one in several)
            missing.append(f"{several[0].student.name or names}: there are several submissions ({names}); keep one")
        else:
            rows += several
    return rows, missing


def _canvas(one, points):
    field, student = one.student.fields.get, one.student
    number = field("ID") or (student.number if student.system == "canvas" else "")
    sis, login = field("SIS User ID", ""), field("SIS Login ID", "")
    return field("Student") or student.name, number, sis, login or student.email, field("Section", ""), points


def _moodle(one, points):
    field, student = one.student.fields.get, one.student
    number = field("Identifier") or (f"Participant {student.number}" if student.system == "moodle" else "")
    name, email = field("Full name") or student.name, field("Email address") or student.email
    comments = "" if one.state == GRADED else one.error
    return number, name, field("ID number", ""), email, points, one.max_points, comments


def _gradescope(one, points):
    field, student = one.student.fields.get, one.student
    first, _, last = student.name.rpartition(" ")
    sid = field("SID") or (student.number if student.system == "gradescope" else "") or next(iter(student.ids), "")
    first, last = field("First Name") or first, field("Last Name") or last
    return first, last, sid, student.email, points, one.max_points, "Graded" if points != "" else "Missing"


_FORMS = {
    "canvas": (("Student", "ID", "SIS User ID", "SIS Login ID", "Section", "{assignment}"), _canvas),
    "moodle": (
        (
            "Identifier",
            "Full name",
            "ID number",
            "Email address",
            "Grade",
            "Maximum grade",
            "Feedback comments",
        ),
        _moodle,
    ),
    "gradescope": (
        ("First Name", "Last Name", "SID", "Email", "Total Score", "Max Points", "Status"),
        _gradescope,
    ),
}
