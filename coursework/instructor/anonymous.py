"""Grades without names: rows are numbered in an order that tells nothing, and a key stays with the instructor."""

import csv
import hashlib
import re
from dataclasses import replace

from ..._files import written_beside
from .grades import cell
from .roster import Student


def anonymised(grades, seed):
    """The grades under other names, in another order.

    Parameters
    ----------
    grades : list of Grade
    seed : int
        Of the run: the same run gives the same numbers.

    Returns
    -------
    grades : list of Grade
    key : dict of str to Grade
        The grades as they were, by their new names.
    """

    def order(one):
        return hashlib.sha256(f"{seed} {one.submission}".encode(errors="backslashreplace")).digest()

    ordered = sorted(grades, key=order)
    width = max(2, len(str(len(ordered))))
    key = {f"student {number:0{width}d}": one for number, one in enumerate(ordered, 1)}
    return [_without_name(name, one) for name, one in key.items()], key


def _without_name(name, one):
    """A grade in which nothing that we wrote names the student; file names in messages may."""
    words = {one.submission, one.student.name, one.student.email, *one.student.ids}
    words |= {word for whole in (one.submission, one.student.name) for word in re.findall(r"\w{3,}", whole)}
    pattern = "|".join(re.escape(word) for word in sorted(filter(None, words), key=len, reverse=True))

    def clean(text):
        return re.sub(pattern, "...", text, flags=re.IGNORECASE) if pattern else text

    # Notes name files and partners; errors say what is wrong, and must stay.
    error = clean(one.error)
    verdicts = [replace(v, message=error) if v.message == one.error else v for v in one.verdicts]
    notes = tuple(note for note in one.notes if note == "late")
    return replace(one, submission=name, student=Student(), error=error, notes=notes, verdicts=verdicts)


def write_key(path, key):
    """The table that leads from the new names back: for the instructor alone."""
    with written_beside(path, overwrite=True) as temporary:
        with temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as f:
            table = csv.writer(f)
            table.writerow(["name", "submission", "student", "email"])
            for name, one in key.items():
                table.writerow([name, *map(cell, (one.submission, one.student.name, one.student.email))])
