"""All exercises, in the order in which they are best done; in a student edition, those that were chosen."""

import json
from pathlib import Path

from . import layers, seeing

ROOT = Path(__file__).resolve().parents[2]  # of the project: exercises name their files from here
EDITION = "coursework/edition.json"  # from the root, in student editions only

EXERCISES = {exercise.id: exercise for exercise in (*layers.EXERCISES, *seeing.EXERCISES)}
if (_edition := ROOT / EDITION).is_file():
    EXERCISES = {name: EXERCISES[name] for name in json.loads(_edition.read_text(encoding="utf-8"))["exercises"]}


def exercise_files():
    """The files that hold exercises, from the project's root, in order (list of str)."""
    return list(dict.fromkeys(file for exercise in EXERCISES.values() for file in exercise.files.values()))
