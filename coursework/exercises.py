"""All exercises, in the order in which they are best done; in a student edition, those that were chosen."""

import json
from pathlib import Path

from . import layers_track, seeing_track

EDITION = "edition.json"  # beside this file, in student editions only

EXERCISES = {exercise.id: exercise for exercise in (*layers_track.EXERCISES, *seeing_track.EXERCISES)}
if (_edition := Path(__file__).with_name(EDITION)).is_file():
    EXERCISES = {name: EXERCISES[name] for name in json.loads(_edition.read_text(encoding="utf-8"))["exercises"]}


def exercise_files():
    """The files that hold exercises, from the project's root, in order (list of str)."""
    return list(dict.fromkeys(home for exercise in EXERCISES.values() for home in exercise.homes.values()))
