"""Right answers and known mistakes, as numbers: computed in the instructor copy, from the solutions."""

import ast
import importlib
from contextlib import suppress
from functools import cache
from itertools import combinations

import numpy as np

from ..checker import markers
from ..checker.diagnosis import ENDLESS, differing
from ..checker.fingerprints import with_fingerprints
from ..checker.harness import run_case, student_functions
from ..checker.judge import Answers, KnownMistake, KnownPair
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
    return {case: run_case(exercise, values, namespace, careful=False) for case, values in inputs.items()}


def wrong_outcomes(exercise, mistake, inputs):
    """The same for a known mistake."""
    namespace = mistaken_functions(exercise, mistake.changes)
    return {case: run_case(exercise, values, namespace, careful=False) for case, values in inputs.items()}


def mistaken_functions(exercise, changes):
    """The exercise's functions with changes made to their solutions, loaded beside the right ones."""
    sources, namespace, modules = _sources(exercise), {}, {}
    solutions = {name: own for name, (_, own, _) in sources.items()}
    for old, new in changes:
        where = [name for name, own in solutions.items() if old in own]
        count = sum(own.count(old) for own in solutions.values())
        if count != 1:
            raise markers.MarkerError(f"{exercise.id}: {old!r} occurs {count} times in the solutions, not once")
        solutions[where[0]] = solutions[where[0]].replace(old, new)
    for name, (before, _, after) in sources.items():
        file = exercise.file(name)
        if file not in modules:
            # A namespace of its own that nobody else sees: there the functions of a file find one another.
            modules[file] = dict(vars(importlib.import_module("pixelgrad." + file[:-3].replace("/", "."))))
        exec(compile(before + solutions[name] + after, f"{ROOT / file} (changed)", "exec"), modules[file])
    for name in exercise.functions:
        namespace[name] = modules[exercise.file(name)][name]
    return namespace


@cache
def _sources(exercise):
    """The text of each function: {name: (what is before its solution, the solution, what is behind it)}."""
    sources = {}
    for name in exercise.functions:
        file = exercise.file(name)
        text = (ROOT / file).read_text(encoding="utf-8")
        (node,) = [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == name]
        whole = "\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno]) + "\n"
        own = markers.solution(text, name, file)
        before, after = whole.split(own)
        sources[name] = before, own, after
    return sources


def _together(exercise, some, others):
    """The functions with the changes of two mistakes, in the order in which that is possible; None where neither is."""
    for changes in ((*some, *others), (*others, *some)):
        with suppress(markers.MarkerError, SyntaxError):  # they change the same words
            return mistaken_functions(exercise, changes)
    return None


def known_pairs(exercise, inputs, known):
    """What two mistakes give together, where that is neither's result and both show in one case (list of KnownPair)."""
    right = {case: with_fingerprints(outcome) for case, outcome in right_outcomes(exercise, inputs).items()}
    mistakes = {mistake.name: mistake for mistake in MISTAKES if mistake.exercise == exercise.id}
    does = {m.name: differing(right, m.outcomes) for m in known if not isinstance(m.outcomes, str)}
    results = {m.name: m.outcomes for m in known}
    cases = sorted(inputs, key=lambda case: ("core_options" in inputs[case], -list(inputs).index(case)))
    pairs = []
    for one, other in combinations(does, 2):
        both = {case for case, _ in does[one]} & {case for case, _ in does[other]}
        case = next((case for case in cases if case in both), None)
        if case is None:
            continue
        functions = _together(exercise, mistakes[one].changes, mistakes[other].changes)
        if functions is None:
            continue
        outcome = with_fingerprints(run_case(exercise, inputs[case], functions, careful=False))
        here = {case: outcome}
        cells = differing({case: right[case]}, here)
        told = [cells & does[name] - differing(here, {case: results[name][case]}) for name in (one, other)]
        if cells - told[0] - told[1]:  # otherwise each cell tells which of the two it is from
            pairs.append(KnownPair((one, other), case, outcome))
    return pairs


def make_answers(names=None, *, seed=0, mistakes=True):
    """The answers of exercises: {exercise: Answers}.

    Parameters
    ----------
    names : sequence of str, optional
        All exercises by default.
    seed : int
        Draws the inputs; instructors grade with another than the students check with.
    mistakes : bool
        The known mistakes' outcomes, too, and those of two mistakes together.
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
        answers[name] = Answers(
            inputs, right_outcomes(exercise, inputs), known, known_pairs(exercise, inputs, known) if mistakes else ()
        )
    return answers
