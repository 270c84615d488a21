"""The track *Seeing*: its cases tell right from wrong, and one mistake from another."""

import ast
import importlib.util
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from pixelgrad.coursework.checker import markers
from pixelgrad.coursework.checker.comparing import alike, close
from pixelgrad.coursework.checker.harness import run_case
from pixelgrad.coursework.checker.messages import calls
from pixelgrad.coursework.checker.packing import pack, same, unpack
from pixelgrad.coursework.exercises.seeing import EXERCISES
from pixelgrad.coursework.instructor.answers import (
    ROOT,
    draw_inputs,
    mistaken_functions,
    right_outcomes,
    wrong_outcomes,
)
from pixelgrad.coursework.instructor.mistakes_seeing import MISTAKES
from pixelgrad.todo import Todo

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
IDS = """saliency fooling class_visualization inversion dream occlusion guided cam grad_cam layer_cam rise lrp content
gram style tv style_transfer""".split()
SEEDS = (0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2)))
# Pairs that no case can tell apart, by exercise; at most one mistake in ten.
INDISTINGUISHABLE = {}

_spec = importlib.util.spec_from_file_location(
    "variants_seeing", Path(__file__).parents[1].joinpath("variants_seeing.py")
)
variants_seeing = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(variants_seeing)

each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=IDS)


def mistakes_of(exercise):
    return [mistake for mistake in MISTAKES if mistake.exercise == exercise.id]


@pytest.fixture(scope="module")
def answers():
    """answers(exercise, seed) -> inputs and right outcomes, computed once."""
    known = {}

    def of(exercise, seed):
        if (exercise.id, seed) not in known:
            inputs = draw_inputs(exercise, seed)
            known[exercise.id, seed] = inputs, right_outcomes(exercise, inputs)
        return known[exercise.id, seed]

    return of


def test_the_exercises_are_all_there():
    assert [exercise.id for exercise in EXERCISES] == IDS
    assert all(exercise.track == "seeing" and exercise.points > 0 for exercise in EXERCISES)
    assert all(need in IDS[: IDS.index(exercise.id)] for exercise in EXERCISES for need in exercise.needs)


@each_exercise
def test_right_solutions_raise_nothing_and_change_nothing(exercise, answers):
    inputs, right = answers(exercise, 0)
    for case, outcome in right.items():
        assert outcome["raised"] is None and not outcome["changed"] and not outcome["kinds"], (case, outcome)
        assert outcome["outputs"] and all(np.isfinite(value).all() for value in outcome["outputs"].values())
        assert all(value.dtype == np.float64 for value in outcome["outputs"].values())
    again = right_outcomes(exercise, inputs)
    assert all(same(right[case], again[case]) for case in right)


@each_exercise
def test_cases_have_names_of_their_own_and_travel_as_plain_data(exercise, answers):
    inputs, right = answers(exercise, 0)
    assert list(inputs) == list(answers(exercise, 1)[0])
    assert not any("," in case for case in inputs)  # names are told in lists
    assert same(unpack(pack(inputs)), inputs)
    travelled = right_outcomes(exercise, unpack(pack(inputs)))
    assert all(same(right[case], travelled[case]) for case in right)


@each_exercise
def test_inputs_depend_on_the_seed(exercise, answers):
    (_, one), (_, other) = answers(exercise, 0), answers(exercise, 1)
    assert not all(alike(one[case], other[case]) for case in one)


LONG = ("class_visualization", "inversion", "fooling")


@pytest.mark.parametrize(
    "exercise", [pytest.param(e, marks=[pytest.mark.slow] if e.id in LONG else [], id=e.id) for e in EXERCISES]
)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_mistake_fails_and_none_looks_like_another(exercise, seed, answers):
    mistakes = [mistake for mistake in mistakes_of(exercise) if not mistake.endless]
    inputs, right = answers(exercise, seed)
    wrong = {mistake.name: wrong_outcomes(exercise, mistake, inputs) for mistake in mistakes}
    passing = [name for name, outcomes in wrong.items() if all(alike(right[case], outcomes[case]) for case in right)]
    assert not passing, f"no case catches {passing}"
    twins = {
        (one, other)
        for one, other in combinations(wrong, 2)
        if all(alike(wrong[one][case], wrong[other][case]) for case in right)
    }
    assert twins == set(INDISTINGUISHABLE.get(exercise.id, ()))


@each_exercise
def test_every_case_and_every_word_is_there(exercise):
    mistakes = mistakes_of(exercise)
    names = [mistake.name for mistake in mistakes]
    assert len(names) >= 4 and len(set(names)) == len(names)
    assert set(exercise.instructions) == set(exercise.functions)
    assert len(exercise.hints) == 3 and exercise.reading and all(len(hint) > 40 for hint in exercise.hints)
    assert not [m.name for m in mistakes if len(m.hint) <= 40 or not m.hint.endswith((".", "?"))]
    ast.parse(exercise.paste)


def test_known_mistakes_are_many():
    assert len(MISTAKES) >= 65 and {mistake.exercise for mistake in MISTAKES} == set(IDS)
    assert sum(map(len, INDISTINGUISHABLE.values())) <= len(MISTAKES) / 10


@pytest.mark.parametrize("mistake", [m for m in MISTAKES if m.endless], ids=lambda m: m.name)
def test_endless_mistakes_are_python(mistake):
    assert mistaken_functions(BY_ID[mistake.exercise], mistake.changes)


def test_markers_stand_around_exactly_the_exercises():
    wanted = {}
    for exercise in EXERCISES:
        for function, file in exercise.files.items():
            wanted.setdefault(file, set()).add(function)
    found = {}
    for path in sorted((ROOT / "visualization").glob("*.py")):
        regions = markers.regions(path.read_text(encoding="utf-8"), path.name)
        if regions:
            found[f"visualization/{path.name}"] = {region.function for region in regions}
    assert found == wanted


@each_exercise
def test_stubs_compile_and_raise_todo(exercise, answers):
    changes = []
    for function, file in exercise.files.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        changes.append(
            (markers.solution(text, function, file), f'{_indent(text, function)}raise Todo("{exercise.id}: x")\n')
        )
        stub = markers.stub(text, {function: (exercise.id, exercise.instructions[function])}, file)
        compile(stub, file, "exec")
        assert f'raise Todo("{exercise.id}: {function}")' in stub and "SOLUTION" not in stub
        assert max(map(len, stub.splitlines())) <= 120
        assert "\nimport numpy as np\n" in stub
    namespace = mistaken_functions(exercise, changes)
    for function in namespace.values():
        function.__globals__["Todo"] = Todo
    case = next(iter(answers(exercise, 0)[0].items()))
    assert run_case(exercise, case[1], namespace)["raised"]["type"] == "Todo"


def _indent(text, function):
    return next(region.indent for region in markers.regions(text) if region.function == function)


@pytest.mark.parametrize("exercise, name, functions", variants_seeing.VARIANTS, ids=lambda value: str(value)[:24])
def test_other_right_solutions_are_right(exercise, name, functions, answers):
    assert set(functions) == set(BY_ID[exercise].functions)
    for seed in (0, 1):
        inputs, right = answers(BY_ID[exercise], seed)
        for case, given in inputs.items():
            outcome = run_case(BY_ID[exercise], given, functions)
            assert alike(right[case], outcome), (case, outcome["raised"], outcome["changed"], outcome["kinds"])


@each_exercise
def test_what_is_to_be_pasted_runs(exercise, answers):
    inputs, right = answers(exercise, 0)
    for case, c in inputs.items():
        names = {"c": c}
        for function, file in exercise.files.items():
            exec(f"from pixelgrad.{file[:-3].replace('/', '.')} import {function}", names)
        exec("\n".join(calls(exercise, c)), names)
        outputs = right[case]["outputs"]
        shared = [name for name in outputs if isinstance(names.get(name), np.ndarray | float)]
        assert shared or exercise.id == "occlusion" or "options" not in c  # what is judged there is a direction
        assert all(close(outputs[name], np.asarray(names[name])) for name in shared), case
