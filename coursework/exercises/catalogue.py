"""All exercises, in the order in which they are best done; in a student edition, those that were chosen."""

import json
from pathlib import Path

from . import layers, seeing
from .registry import CORE

ROOT = Path(__file__).resolve().parents[2]  # of the project: exercises name their files from here
EDITION = "coursework/edition.json"  # from the root, in student editions only

EXERCISES = {exercise.id: exercise for exercise in (*layers.EXERCISES, *seeing.EXERCISES)}
STAGES = None  # the stages that are asked for where nothing else is said; None for all
if (_edition := ROOT / EDITION).is_file():
    _chosen = json.loads(_edition.read_text(encoding="utf-8"))
    EXERCISES = {name: EXERCISES[name] for name in _chosen["exercises"]}
    STAGES = _chosen.get("stages")


def check_stages(stages):
    """Raise ValueError unless these are names of stages."""
    known = list(dict.fromkeys([CORE, *(stage.id for e in EXERCISES.values() for stage in e.extensions)]))
    for name in stages or ():
        if name not in known:
            raise ValueError(f"there is no stage {name!r}; the stages are {', '.join(known)}")


def exercise_files():
    """The files that hold exercises, from the project's root, in order (list of str)."""
    return list(dict.fromkeys(file for exercise in EXERCISES.values() for file in exercise.files.values()))
