"""Give the hints of an exercise one at a time; the hints themselves stand in coursework/exercises.

A file in the project's folder counts how many were given for each exercise.
"""

import json
from contextlib import suppress

from ..._language import translated as _
from ..exercises.catalogue import ROOT
from .board import known_exercise

GIVEN = ".pixelgrad-hints.json"


def next_hint(name, *, root=ROOT):
    """The next hint for an exercise; after the last, all of them again, and where to read more."""
    exercise = known_exercise(name)
    path, given, count = root / GIVEN, {}, 0
    with suppress(OSError, ValueError, TypeError):  # missing, or not what we wrote
        given = dict(json.loads(path.read_text(encoding="utf-8")))
        count = min(max(0, int(given.get(name, 0))), len(exercise.hints))
    if count == len(exercise.hints):
        lines = [
            _("Hint {number} to {exercise}: {hint}", number=n, exercise=name, hint=_(hint))
            for n, hint in enumerate(exercise.hints, 1)
        ]
        return "\n".join([*lines, _("These are all. Read: {reading}", reading=_(exercise.reading))])
    with suppress(OSError):  # a read-only folder: the same hint comes again
        path.write_text(json.dumps({**given, name: count + 1}), encoding="utf-8")
    return _(
        "Hint {number} of {all} to {exercise}: {hint}",
        number=count + 1,
        all=len(exercise.hints),
        exercise=name,
        hint=_(exercise.hints[count]),
    )
