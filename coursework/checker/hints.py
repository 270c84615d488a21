"""Give the hints of an exercise one at a time; the hints themselves stand in coursework/exercises.

A file in the project's folder counts how many were given for each exercise.
"""

import json
from contextlib import suppress

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
        lines = [f"Hint {n} to {name}: {hint}" for n, hint in enumerate(exercise.hints, 1)]
        return "\n".join([*lines, f"These are all. Read: {exercise.reading}"])
    with suppress(OSError):  # a read-only folder: the same hint comes again
        path.write_text(json.dumps({**given, name: count + 1}), encoding="utf-8")
    return f"Hint {count + 1} of {len(exercise.hints)} to {name}: {exercise.hints[count]}"
