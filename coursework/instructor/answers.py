"""Right answers and known mistakes, as numbers: computed in the master, from the solutions."""

import importlib
import sys
import types

import numpy as np

from ..checker import markers
from ..checker.fingerprints import printed
from ..checker.harness import run_case, student_functions
from ..checker.judge import ENDLESS, Answers, KnownMistake
from ..exercises.catalogue import EXERCISES, ROOT
from .mistakes import MISTAKES


def draw_inputs(exercise, seed=0):
    """The inputs of every case of an exercise: {case: {name: value}}."""
    # Exercises draw from streams of their own: what one draws must not depend on which others are asked for.
    number = int.from_bytes(exercise.id.encode(), "little")
    return exercise.cases(np.random.default_rng([seed, number % 2**63]))


def right_outcomes(exercise, inputs):
    """What the master's own functions make of the inputs: {case: outcome}; see `harness.run_case`."""
    namespace = student_functions(exercise)
    return {case: run_case(exercise, values, namespace) for case, values in inputs.items()}


def wrong_outcomes(exercise, mistake, inputs):
    """The same of a known mistake; `inputs` of the exercise's cases."""
    namespace = mistaken_functions(exercise, mistake.changes)
    return {case: run_case(exercise, values, namespace) for case, values in inputs.items()}


def mistaken_functions(exercise, changes):
    """The exercise's functions with changes made to their solutions, loaded beside the right ones."""
    namespace, modules, texts = {}, {}, {}
    for home in dict.fromkeys(exercise.homes.values()):
        texts[home] = "".join(
            markers.solution((ROOT / home).read_text(encoding="utf-8"), f, home)
            for f in exercise.functions
            if exercise.home(f) == home
        )
    for old, _ in changes:
        if sum(old in text for text in texts.values()) != 1:
            raise markers.MarkerError(f"{exercise.id}: {old!r} is not in the solution of exactly one file")
    for name in exercise.functions:
        home = exercise.home(name)
        if home not in modules:
            own = [f for f in exercise.functions if exercise.home(f) == home]
            text = (ROOT / home).read_text(encoding="utf-8")
            there = [(old, new) for old, new in changes if old in texts[home]]
            modules[home] = _load(home, markers.changed(text, own, there, home))
        namespace[name] = getattr(modules[home], name)
    return namespace


def _load(home, text):
    """A module of the package with another text, under a name of its own that nobody else sees."""
    real = importlib.import_module("pixelgrad." + home[:-3].replace("/", "."))
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
                    outcomes = {case: printed(outcome) for case, outcome in outcomes.items()}
                known.append(KnownMistake(mistake.name, mistake.hint, outcomes))
        answers[name] = Answers(inputs, right_outcomes(exercise, inputs), known)
    return answers
