"""The judge on the real exercises: half of one, mistakes and pairs of them, and the case to be pasted."""

import numpy as np
import pytest

from pixelgrad.coursework.checker import board, markers
from pixelgrad.coursework.checker.comparing import alike
from pixelgrad.coursework.checker.harness import run_case, student_functions
from pixelgrad.coursework.checker.judge import (
    BLOCKED,
    PASSED,
    TODO,
    WRONG,
    Verdict,
    judge,
)
from pixelgrad.coursework.checker.store import read_answers
from pixelgrad.coursework.exercises.catalogue import EXERCISES, ROOT
from pixelgrad.coursework.instructor.mistakes import MISTAKES
from pixelgrad.todo import Todo


@pytest.mark.slow
@pytest.mark.parametrize("name", ["affine", "gram", "batchnorm"])
def test_half_of_a_real_exercise(name, answers):
    exercise, answer = EXERCISES[name], answers(name, mistakes=True)
    forward, backward = exercise.functions

    def todo(*args):
        raise Todo(f"{name}: {backward}")

    functions = student_functions(exercise) | {backward: todo}
    outcomes = {case: run_case(exercise, inputs, functions) for case, inputs in answer.inputs.items()}
    verdict = judge(exercise, answer, outcomes)
    assert verdict.status == TODO and verdict.message.endswith(
        f"\n{forward} is right so far; {backward} is still to do."
    )
    functions[forward] = lambda *args: None
    outcomes = {case: run_case(exercise, inputs, functions) for case, inputs in answer.inputs.items()}
    assert judge(exercise, answer, outcomes).status == WRONG  # the forward has nothing to do with a Todo


@pytest.mark.slow
@pytest.mark.parametrize("name", ["affine", "relu"])
def test_real_pairs_of_mistakes_are_named(name, answers):
    from pixelgrad.coursework.instructor.answers import mistaken_functions

    exercise, answer = EXERCISES[name], answers(name, mistakes=True)
    sides = [[], []]
    for mistake in (m for m in MISTAKES if m.exercise == name and not m.endless):
        for function, side in zip(exercise.functions, sides):
            file = exercise.file(function)
            text = markers.solution((ROOT / file).read_text(encoding="utf-8"), function, file)
            if all(old in text for old, _ in mistake.changes):
                side.append(mistake)
    named = wrongly = 0
    for one, other in zip(sides[0], sides[1]):
        functions = mistaken_functions(exercise, (*one.changes, *other.changes))
        outcomes = {case: run_case(exercise, inputs, functions) for case, inputs in answer.inputs.items()}
        verdict = judge(exercise, answer, outcomes)
        names = set((verdict.mistake or one.name).split(" + "))
        named += names == {one.name, other.name} and one.hint in verdict.message and other.hint in verdict.message
        wrongly += not names <= {one.name, other.name}
    assert named >= 3 and wrongly == 0


def test_what_calls_a_wrong_exercise_is_blocked_by_it():
    verdicts = {
        "gram": Verdict("gram", WRONG, 0, 6, "x", "wrong"),
        "style": Verdict("style", WRONG, 0, 5, "y", "wrong"),
    }
    blocked = board.after_needs(verdicts["style"], verdicts)
    assert (blocked.status, blocked.mistake, blocked.message) == (BLOCKED, None, "gram: not right yet")
    assert board.after_needs(verdicts["gram"], verdicts) is verdicts["gram"]
    verdicts["gram"] = Verdict("gram", PASSED, 6, 6)
    assert board.after_needs(verdicts["style"], verdicts) is verdicts["style"]


@pytest.mark.parametrize("name", EXERCISES)
def test_what_is_to_be_pasted_runs_and_shows_the_case_of_the_message(name, answers, monkeypatch):
    monkeypatch.setattr(board, "read_answers", lambda names: {n: answers(n) for n in names})
    exercise, answer = EXERCISES[name], answers(name)
    wrong = {}
    for case, right in answer.right.items():
        wrong[case] = right | {"outputs": {key: a + 1.5 for key, a in right["outputs"].items()}}
    verdict = judge(exercise, answer, wrong)
    case = verdict.message.split("In the case '")[1].split("'")[0]
    code = [line[4:] for line in verdict.message.splitlines() if line.startswith("    ")]
    names = {}
    exec("\n".join(code), names)
    assert names["c"].keys() == answer.inputs[case].keys()
    assert f"load_case('{name}', '{case}')" in verdict.message
    assert not set(exercise.functions) - set(names)


@pytest.mark.parametrize("name", ["relu", "svm", "tv", "content", "layer_cam"])
def test_real_mistakes_are_named(name, answers):
    from pixelgrad.coursework.instructor.answers import wrong_outcomes

    for mistake in [m for m in MISTAKES if m.exercise == name and not m.endless][:4]:
        answer = answers(name, mistakes=True)
        verdict = judge(EXERCISES[name], answer, wrong_outcomes(EXERCISES[name], mistake, answer.inputs))
        assert (verdict.status, verdict.mistake) == (WRONG, mistake.name)
        assert verdict.message.startswith(mistake.hint)


def test_a_loss_of_zero_may_be_a_whole_number(answers):
    """A sum that begins with 0 and to which nothing is added."""
    functions = student_functions(EXERCISES["svm"])

    def svm_loss(x, y):
        loss, dx = functions["svm_loss"](x, y)
        return (0 if loss == 0 else loss), dx

    answer, case = answers("svm"), "right class far ahead"
    assert answer.right[case]["outputs"]["loss"] == 0
    assert alike(answer.right[case], run_case(EXERCISES["svm"], answer.inputs[case], {"svm_loss": svm_loss}))


def test_a_shape_that_only_a_pair_of_mistakes_has_is_judged():
    """What two mistakes give together may have a shape that neither has; a student's array of that shape, too."""
    answers, tried = read_answers([*EXERCISES]), 0
    for name, answer in answers.items():
        for pair in answer.pairs:
            known = [m.outcomes[pair.case] for m in answer.mistakes if not isinstance(m.outcomes, str)]
            for output, kept in pair.outcome["outputs"].items():
                right = answer.right[pair.case]["outputs"]
                shapes = {tuple(k["outputs"][output]["shape"]) for k in known if output in k["outputs"]}
                shape = tuple(kept["shape"])
                if output in right and shape not in shapes | {right[output].shape}:
                    outcome = answer.right[pair.case] | {"outputs": right | {output: np.zeros(shape)}}
                    tried += judge(EXERCISES[name], answer, answer.right | {pair.case: outcome}).status != PASSED
                    break
    assert tried > 0
