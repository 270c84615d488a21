"""What students of CS231n write: right by its contract, it passes the core; wrong, it fails, and is told why."""

import importlib
import sys
from collections import Counter
from pathlib import Path

import pytest

from pixelgrad.coursework.checker.harness import run_case, student_functions
from pixelgrad.coursework.checker.judge import OPEN, PARTLY, PASSED, judge
from pixelgrad.coursework.exercises.catalogue import EXERCISES

sys.path.insert(0, str(Path(__file__).parents[1]))
entries = importlib.import_module("dialect").ENTRIES
for name in ("dialect_layers", "dialect_norm", "dialect_seeing"):
    importlib.import_module(name)
RIGHT = [entry for entry in entries if not entry.told]
WRONG = [entry for entry in entries if entry.told]


def judged(entry, answers, mistakes=False):
    exercise, answer = EXERCISES[entry.exercise], answers(entry.exercise, mistakes)
    functions = student_functions(exercise) | entry.functions
    outcomes = {case: run_case(exercise, inputs, functions) for case, inputs in answer.inputs.items()}
    return judge(exercise, answer, outcomes)


def statuses(verdict):
    return {stage.id: stage.status for stage in verdict.stages}


@pytest.mark.parametrize("entry", RIGHT, ids=lambda e: e.title)
def test_what_is_right_in_cs231n_passes_the_core(entry, answers):
    verdict = judged(entry, answers)
    assert statuses(verdict)["core"] == PASSED, verdict.message
    assert verdict.status in (PASSED, PARTLY)


@pytest.mark.parametrize("entry", WRONG, ids=lambda e: e.title)
def test_what_is_wrong_fails_its_stage(entry, answers):
    assert statuses(judged(entry, answers))[entry.stage] != PASSED


@pytest.mark.slow
def test_most_of_what_is_wrong_is_named(answers):
    unnamed = []
    for entry in WRONG:
        verdict = judged(entry, answers, mistakes=True)
        if not any(words in (verdict.mistake or "") or words in verdict.message for words in entry.told):
            unnamed.append(f"{entry.exercise}: {entry.title} -> {verdict.mistake}")
    assert len(unnamed) <= 0.15 * len(WRONG), unnamed


def test_there_are_enough_of_them():
    assert len(entries) >= 150
    assert {"affine", "relu", "softmax", "svm", "conv", "max_pool", "batchnorm", "dropout"} <= {
        entry.exercise for entry in RIGHT
    }
    assert max(Counter((e.exercise, e.title) for e in entries).values()) == 1


def test_a_core_solution_names_what_is_open(answers):
    (entry,) = [e for e in RIGHT if e.title == "pool by mask"]
    verdict = judged(entry, answers)
    assert verdict.status == PARTLY and verdict.open_stages == ["floor", "ties", "ceil-mode"][1:]
    assert (verdict.points, verdict.max_points) == (5, 7)
    assert "ties asks for the whole gradient at the first" in verdict.message


def test_an_argument_that_a_function_does_not_take_is_told(answers):
    (entry,) = [e for e in RIGHT if e.title == "relu as in the notes"]
    verdict = judged(entry, answers)
    assert verdict.open_stages == ["rules"] and "So far there is no argument 'rule'." in verdict.message
    assert "TypeError" not in verdict.message


def test_only_the_stages_that_are_asked_for_count(answers):
    (entry,) = [e for e in RIGHT if e.title == "pool by mask"]
    exercise, answer = EXERCISES["max_pool"], answers("max_pool")
    outcomes = {case: run_case(exercise, inputs, entry.functions) for case, inputs in answer.inputs.items()}
    alone = judge(exercise, answer, outcomes, ("core",))
    assert (alone.status, alone.points, alone.max_points, alone.message) == (PASSED, 4, 4, "")
    ties = judge(exercise, answer, outcomes, ("core", "ties"))
    assert (ties.status, ties.points, ties.max_points, ties.open_stages) == (PARTLY, 4, 5, ["ties"])
    assert [stage.status for stage in ties.stages] == [PASSED, OPEN]
