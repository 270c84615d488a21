"""Right answers and known mistakes, as numbers: computed in the instructor copy, from the solutions."""

import importlib
import sys
import types

import numpy as np

from ..checker import markers
from ..checker.diagnosis import ENDLESS
from ..checker.fingerprints import with_fingerprints
from ..checker.harness import run_case, student_functions
from ..checker.judge import Answers, KnownMistake
from ..exercises.catalogue import EXERCISES, ROOT
from .mistakes import MISTAKES


def draw_inputs(exercise, seed=0):
    """The inputs of every case of an exercise: {case: {name: value}}."""
    # Exercises draw from streams of their own: what one draws must not depend on which others are asked for.
    number = int.from_bytes(exercise.id.encode(), "little")
    return exercise.cases(np.random.default_rng([seed, number % 2**63]))


def right_outcomes(exercise, inputs):
    """The outcomes of the solutions for these inputs: {case: outcome}; see `harness.run_case`."""
    namespace = student_functions(exercise)
    return {case: run_case(exercise, values, namespace) for case, values in inputs.items()}


def wrong_outcomes(exercise, mistake, inputs):
    """The same for a known mistake."""
    namespace = mistaken_functions(exercise, mistake.changes)
    return {case: run_case(exercise, values, namespace) for case, values in inputs.items()}


def mistaken_functions(exercise, changes):
    """The exercise's functions with changes made to their solutions, loaded beside the right ones."""
    namespace, modules, texts = {}, {}, {}
    for file in dict.fromkeys(exercise.files.values()):
        texts[file] = "".join(
            markers.solution((ROOT / file).read_text(encoding="utf-8"), f, file)
            for f in exercise.functions
            if exercise.file(f) == file
        )
    for old, _ in changes:
        if sum(old in text for text in texts.values()) != 1:
            raise markers.MarkerError(f"{exercise.id}: {old!r} is not in the solution of exactly one file")
    for name in exercise.functions:
        file = exercise.file(name)
        if file not in modules:
            own = [f for f in exercise.functions if exercise.file(f) == file]
            text = (ROOT / file).read_text(encoding="utf-8")
            there = [(old, new) for old, new in changes if old in texts[file]]
            modules[file] = _load(file, markers.changed(text, own, there, file))
        namespace[name] = getattr(modules[file], name)
    return namespace


def _load(file, text):
    """A module of the package with another text, under a name of its own that nobody else sees."""
    real = importlib.import_module("pixelgrad." + file[:-3].replace("/", "."))
    module = types.ModuleType(real.__name__)
    module.__package__, module.__file__ = real.__package__, real.__file__
    # Dataclasses look their module up by name; it is the real one, which does no harm.
    assert real.__name__ in sys.modules
    exec(compile(text, f"{real.__file__} (changed)", "exec"), module.__dict__)
    return module


def make_answers(names=None, *, seed=0, mistakes=True):
    """The answers of exercises: {exercise: Answers}.

    Parameters
    ----------
    names : sequence of str, optional
        All exercises by default.
    seed : int
        Draws the inputs; instructors grade with another than the students check with.
    mistakes : bool
        The known mistakes' outcomes, too.
    """
    answers = {}
    for name in names or EXERCISES:
        exercise, inputs = EXERCISES[name], draw_inputs(EXERCISES[name], seed)
        known = []
        for mistake in MISTAKES if mistakes else ():
            if mistake.exercise == name:
                outcomes = ENDLESS if mistake.endless else wrong_outcomes(exercise, mistake, inputs)
                if not mistake.endless:
                    outcomes = {case: with_fingerprints(outcome) for case, outcome in outcomes.items()}
                known.append(KnownMistake(mistake.name, mistake.hint, outcomes))
        answers[name] = Answers(inputs, right_outcomes(exercise, inputs), known)
    return answers
