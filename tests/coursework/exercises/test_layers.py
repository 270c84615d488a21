"""The exercises of the *Layers* track: right solutions pass, however written, and every known mistake is caught."""

import ast
import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest

from pixelgrad.coursework.checker import markers
from pixelgrad.coursework.checker.comparing import alike
from pixelgrad.coursework.checker.harness import run_case, student_functions
from pixelgrad.coursework.checker.messages import calls
from pixelgrad.coursework.checker.packing import pack, same, unpack
from pixelgrad.coursework.exercises.layers import EXERCISES
from pixelgrad.coursework.instructor.answers import ROOT, draw_inputs, right_outcomes, wrong_outcomes
from pixelgrad.coursework.instructor.mistakes_layers import MISTAKES
from pixelgrad.todo import Todo


def load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1].joinpath(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VARIANTS = load("variants_layers").VARIANTS
BY_ID = {exercise.id: exercise for exercise in EXERCISES}
FILES = sorted({file for exercise in EXERCISES for file in exercise.files.values()})
IDS = ["affine", "relu", "softmax", "svm", "conv", "max_pool", "im2col", "batchnorm", "spatial_batchnorm"]
IDS += ["layernorm", "dropout"]
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2024))]

each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
each_file = pytest.mark.parametrize("file", FILES)


def mistakes_of(exercise):
    return [mistake for mistake in MISTAKES if mistake.exercise == exercise.id]


def text_of(file):
    return (ROOT / file).read_text(encoding="utf-8")


def equal(a, b):
    """Whether the outcomes of all cases are the same."""
    return a.keys() == b.keys() and all(alike(a[case], b[case]) for case in a)


# -- the right solutions -------------------------------------------------------------------------------------------


@each_exercise
@pytest.mark.parametrize("seed", SEEDS)
def test_the_right_solution_raises_nothing_and_changes_nothing(exercise, seed):
    inputs = draw_inputs(exercise, seed)
    for case, outcome in right_outcomes(exercise, inputs).items():
        assert outcome["raised"] is None, (case, outcome["raised"])
        assert not outcome["changed"] and not outcome["kinds"], case
        for name, value in outcome["outputs"].items():
            assert value.dtype == np.float64 and np.isfinite(value).all(), (case, name)
        assert set(exercise.forward) & set(outcome["outputs"]), case


@each_exercise
def test_outcomes_are_the_same_in_every_run_and_after_packing(exercise):
    first, second = (right_outcomes(exercise, draw_inputs(exercise)) for _ in range(2))
    assert same(first, second)
    packed = unpack(pack(draw_inputs(exercise)))
    assert same(packed, draw_inputs(exercise))
    assert same(right_outcomes(exercise, packed), first)


@each_exercise
def test_cases_keep_their_names_and_shapes_with_another_seed(exercise):
    def shapes(inputs):
        return {
            case: {name: np.shape(value) for name, value in values.items()} | {"order": list(values)}
            for case, values in inputs.items()
        }

    assert list(draw_inputs(exercise, 1)) == list(draw_inputs(exercise, 2))
    assert shapes(draw_inputs(exercise, 1)) == shapes(draw_inputs(exercise, 2))
    assert next(iter(draw_inputs(exercise))) == "plain"
    assert not same(draw_inputs(exercise, 1), draw_inputs(exercise, 2))


@each_exercise
def test_the_text_to_paste_runs_and_gives_the_same(exercise):
    for case, inputs in draw_inputs(exercise).items():
        namespace = {"c": inputs}
        for function, file in exercise.files.items():
            exec(f"from pixelgrad.{file[:-3].replace('/', '.')} import {function}", namespace)
        right = right_outcomes(exercise, draw_inputs(exercise))[case]["outputs"]
        exec("\n".join(calls(exercise, inputs)), namespace)
        for name in ("out", "loss", "dx"):
            if name in right and exercise.id != "dropout":  # which draws its mask from the generator of its choice
                np.testing.assert_array_equal(namespace[name], right[name])


@pytest.mark.parametrize(("exercise", "name", "functions"), VARIANTS, ids=lambda v: v if isinstance(v, str) else "")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_right_solution_that_looks_different_is_accepted(exercise, name, functions, seed):
    exercise = BY_ID[exercise]
    assert set(functions) == set(exercise.functions)
    inputs = draw_inputs(exercise, seed)
    right = right_outcomes(exercise, inputs)
    for case, values in inputs.items():
        outcome = run_case(exercise, values, functions)
        assert outcome["raised"] is None, (case, outcome["raised"])
        assert alike(right[case], outcome), case


def test_every_exercise_has_variants():
    assert {exercise for exercise, _, _ in VARIANTS} == set(IDS)
    assert len(VARIANTS) >= 20


# -- the mistakes --------------------------------------------------------------------------------------------------


@each_exercise
@pytest.mark.parametrize("seed", SEEDS)
def test_every_mistake_is_caught_and_no_two_look_the_same(exercise, seed):
    inputs = draw_inputs(exercise, seed)
    right = right_outcomes(exercise, inputs)
    wrong = {mistake.name: wrong_outcomes(exercise, mistake, inputs) for mistake in mistakes_of(exercise)}
    passed = [name for name, outcomes in wrong.items() if equal(right, outcomes)]
    assert not passed
    twins = [(a, b) for a, b in itertools.combinations(wrong, 2) if equal(wrong[a], wrong[b])]
    assert not twins


@each_exercise
def test_mistakes_have_names_and_hints_of_their_own(exercise):
    mistakes = mistakes_of(exercise)
    names, hints = [m.name for m in mistakes], [m.hint for m in mistakes]
    assert len(mistakes) >= 4
    assert len(set(names)) == len(names)
    assert all(len(hint) > 20 and hint[-1] in ".?)" for hint in hints)
    code = [hint for hint in hints if "np." in hint or "axis=" in hint or "keepdims" in hint or "transpose(" in hint]
    assert not code


def softmax_with_overflow(x, y, *, label_smoothing=0.0):
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    loss, dx, N = 0.0, p.copy(), len(y)
    for n in range(N):
        for k in range(x.shape[1]):
            target = label_smoothing / x.shape[1] + (1 - label_smoothing) * (k == y[n])
            loss -= target * np.log(p[n, k]) if target else 0
            dx[n, k] -= target
    return loss / N, dx / N


def hinge_with_the_right_class(x, y):
    loss, dx = 0.0, np.zeros_like(x)
    for n in range(len(x)):
        for k in range(x.shape[1]):
            if (margin := x[n, k] - x[n, y[n]] + 1) > 0:
                loss += margin
                dx[n, k] += 1
                dx[n, y[n]] -= 1
    return loss / len(x), dx / len(x)


def pooling_of_tied_maxima(dout, cache):
    x, pool_param = cache
    s, (height, width) = pool_param["stride"], (pool_param["pool_height"], pool_param["pool_width"])
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        rows, columns = slice(i * s, i * s + height), slice(j * s, j * s + width)
        part = x[n, c, rows, columns]
        dx[n, c, rows, columns] += (part == np.max(part)) * dout[n, c, i, j]
    return dx


def pooling_of_a_border_of_zeros(x, pool_param):
    height, width, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    padded = np.pad(x, ((0, 0), (0, 0), (0, height - 1), (0, width - 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(2, 3))[:, :, ::s, ::s]
    over = (s - 1) * ("ceil_mode" in pool_param)
    HO, WO = (x.shape[2] - height + over) // s + 1, (x.shape[3] - width + over) // s + 1
    return windows[:, :, :HO, :WO].max(axis=(4, 5)), (x, pool_param)


def relu_gate_in_place(dout, cache, rule="standard"):
    if rule == "standard":
        dout[cache <= 0] = 0
        return dout
    return np.where((dout > 0) & ((cache > 0) | (rule == "deconv")), dout, 0)


def dropout_mask_of_zeros_and_ones(x, dropout_param):
    if dropout_param["mode"] == "test":
        return x, np.ones(x.shape)
    mask = np.random.default_rng(dropout_param["seed"]).random(x.shape) < dropout_param["p"]
    return mask * x, mask.astype(float)


def dropout_by_the_global_generator(x, dropout_param):
    if dropout_param["mode"] == "test":
        return x.copy(), np.ones(x.shape)
    p = dropout_param["p"]
    mask = (np.random.rand(*x.shape) < p) / p  # noqa: NPY002
    return mask * x, mask


@pytest.mark.parametrize(
    ("exercise", "name", "function", "wrong"),
    [
        ("softmax", "no shift by the maximum", "softmax_loss", softmax_with_overflow),
        ("svm", "right class counted in the loss", "svm_loss", hinge_with_the_right_class),
        ("max_pool", "every tied maximum gets the whole gradient", "max_pool_backward_naive", pooling_of_tied_maxima),
        ("max_pool", "padded with zeros", "max_pool_forward_naive", pooling_of_a_border_of_zeros),
        ("relu", "dout zeroed in place", "relu_backward", relu_gate_in_place),
        ("dropout", "numbers from the global generator", "dropout_forward", dropout_by_the_global_generator),
        ("dropout", "no scaling by the keep probability", "dropout_forward", dropout_mask_of_zeros_and_ones),
    ],
)
def test_a_mistake_in_another_style_is_the_same_mistake(exercise, name, function, wrong):
    exercise, inputs = BY_ID[exercise], draw_inputs(BY_ID[exercise])
    outcomes = {
        case: run_case(exercise, v, student_functions(exercise) | {function: wrong}) for case, v in inputs.items()
    }
    recognised = [m.name for m in mistakes_of(exercise) if equal(wrong_outcomes(exercise, m, inputs), outcomes)]
    assert recognised == [name]


@pytest.mark.parametrize("mistakes", ["layers", "seeing"])
def test_hints_say_nothing_of_what_they_cannot_know(mistakes):
    """A hint is told of one mistake, whatever else is wrong: it praises nothing, least of all the other function."""
    text = (ROOT / "coursework" / "instructor" / f"mistakes_{mistakes}.py").read_text(encoding="utf-8")
    words = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    praise = (
        "Forward is right",
        "pass is right",
        "mode is right",
        "All is right",
        "numbers are right",
        "Your backward",
    )
    praise += (
        "fit together",
        "in the loss but not",
        "in the gradient but not",
        "part of the loss but",
        "statistics are",
    )
    assert not [w for w in words if isinstance(w, str) and any(p in w for p in praise)]


def test_there_are_enough_mistakes():
    assert len(MISTAKES) >= 60
    assert {mistake.exercise for mistake in MISTAKES} == set(IDS)


# -- the exercises' texts and regions --------------------------------------------------------------------------------


def test_the_exercises():
    assert [exercise.id for exercise in EXERCISES] == IDS
    for position, exercise in enumerate(EXERCISES):
        assert set(exercise.needs) <= set(IDS[:position])


@each_exercise
def test_everything_is_said_that_a_student_needs(exercise):
    assert exercise.track == "layers" and exercise.points > 0
    assert set(exercise.instructions) == set(exercise.functions)
    assert all(len(text) > 60 and text.endswith(".") for text in exercise.instructions.values())
    assert len(exercise.hints) == 3 and len(set(exercise.hints)) == 3
    assert exercise.title and exercise.reading and exercise.forward
    ast.parse(exercise.paste)
    for function in exercise.functions:
        assert f"{function}(" in exercise.paste


@each_file
def test_the_regions_are_exactly_the_functions_of_the_exercises(file):
    functions = {f for exercise in EXERCISES for f in exercise.functions if exercise.file(f) == file}
    assert {region.function for region in markers.regions(text_of(file), file)} == functions


@each_file
def test_the_stub_imports_and_raises_todo(file):
    wanted = {
        function: (exercise.id, exercise.instructions[function])
        for exercise in EXERCISES
        for function in exercise.functions
        if exercise.file(function) == file
    }
    text = markers.stub(text_of(file), wanted, file)
    assert "SOLUTION" not in text
    assert max(map(len, text.splitlines())) <= 120
    namespace = {"__name__": f"pixelgrad.layers.{Path(file).stem}", "__package__": "pixelgrad.layers"}
    exec(compile(text, file, "exec"), namespace)
    raised = [ast.unparse(node.exc) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Raise)]
    for function, (name, _) in wanted.items():
        assert namespace[function].__doc__
        assert raised.count(f"Todo('{name}: {function}')") == 1
    for exercise in EXERCISES:
        if file in exercise.files.values():
            outcome = run_case(exercise, draw_inputs(exercise)["plain"], namespace)
            assert outcome["raised"]["type"] == "Todo"
            assert outcome["raised"]["message"] == f"{exercise.id}: {exercise.functions[0]}"
    assert namespace["Todo"] is Todo and namespace["np"] is np


@each_exercise
def test_one_solution_put_back_works_beside_stubs(exercise):
    """Functions of other exercises that are not yet written do not stand in the way, but those it needs do."""
    namespace = {}
    for file in dict.fromkeys(exercise.files.values()):
        todo = {
            function: (other.id, other.instructions[function])
            for other in EXERCISES
            for function in other.functions
            if other.file(function) == file and other.id != exercise.id and other.id not in exercise.needs
        }
        module = {"__name__": f"pixelgrad.layers.{Path(file).stem}", "__package__": "pixelgrad.layers"}
        exec(compile(markers.stub(text_of(file), todo, file), file, "exec"), module)
        namespace |= {function: module[function] for function in exercise.functions}
    inputs = draw_inputs(exercise)
    outcomes = {case: run_case(exercise, values, namespace) for case, values in inputs.items()}
    assert equal(right_outcomes(exercise, inputs), outcomes)
