"""What functions return, and which of their inputs they change."""

import numpy as np
import pytest

from pixelgrad.coursework.checker.harness import Outputs, run_case, student_functions
from pixelgrad.coursework.checker.judge import judge
from pixelgrad.coursework.checker.packing import pack, unpack
from pixelgrad.coursework.exercises.catalogue import EXERCISES
from pixelgrad.coursework.exercises.registry import ReturnError


@pytest.mark.parametrize(
    "value, words",
    [
        (lambda x: None, "relu_forward returned None instead of (out, cache); does it end in a return?"),
        (lambda x: x, "relu_forward returned one value, an array of float64; (out, cache) was expected"),
        (
            lambda x: (np.ma.array(x), x),
            "out is a numpy.MaskedArray; expected an array of float64 with the shape (1, 4)",
        ),
        (lambda x: (x.astype(int), x), "out is an array of int64 with the shape (1, 4); expected an array of float64"),
        (lambda x: (np.zeros(2**24), x), "shape (16777216,), far too large; expected an array of float64"),
        (lambda x: ("out", x), "out is a str; expected an array of float64"),
        (lambda x: ((x, {"w": x}), x), "out is a tuple; expected an array of float64"),
    ],
)
def test_what_is_returned_is_said(answers, value, words):
    functions = student_functions(EXERCISES["relu"]) | {"relu_forward": value}
    answer = answers("relu")
    outcomes = {case: run_case(EXERCISES["relu"], inputs, functions) for case, inputs in answer.inputs.items()}
    assert words in judge(EXERCISES["relu"], answer, outcomes).message


def reshaped_in_place(features, normalize):
    features.shape = (*features.shape[:2], -1)
    return features @ features.transpose(0, 2, 1) / (features[0].size if normalize else 1)


def doubled_in_place(features, normalize):
    features *= 2
    return features.reshape(*features.shape[:2], -1)[..., 0] * np.ones((1, features.shape[1], 1))


@pytest.mark.parametrize("forward", [reshaped_in_place, doubled_in_place])
def test_the_function_that_changed_an_input_is_named(answers, forward):
    """Also where the next one is the one that fails, or returns something wrong."""
    exercise, answer = EXERCISES["gram"], answers("gram")
    functions = student_functions(exercise) | {"gram_matrix": forward}
    outcomes = {case: run_case(exercise, inputs, functions) for case, inputs in answer.inputs.items()}
    assert {tuple(outcome["changed"].items()) for outcome in outcomes.values()} == {(("features", "gram_matrix"),)}
    message = judge(exercise, answer, outcomes).message
    assert "The input features has changed: gram_matrix writes to its arguments." in message


def test_a_change_of_the_backward_is_its_own(answers):
    exercise, answer = EXERCISES["gram"], answers("gram")
    right = student_functions(exercise)

    def backward(dgram, features, normalize):
        dgram += dgram.transpose(0, 2, 1)
        return right["gram_matrix_backward"](dgram / 2, features, normalize)

    functions = right | {"gram_matrix_backward": backward}
    outcome = run_case(exercise, answer.inputs["one image"], functions)
    assert outcome["changed"] == {"dgram": "gram_matrix_backward"} and outcome["raised"] is None


def test_parameters_that_a_function_changed_are_said(answers):
    exercise, answer = EXERCISES["guided"], answers("guided")

    def changes(X, y, model):
        model.params["b3"] = model.params["b3"] + 1
        return student_functions(exercise)["guided_backprop"](X, y, model)

    outcome = run_case(exercise, answer.inputs["one image"], {"guided_backprop": changes})
    assert outcome["changed"] == {"network": "guided_backprop"}


def test_returned_values_are_taken_as_promised():
    out = Outputs()
    assert out.take("f", (np.ones(2), "anything"), "out", "_")[1] == "anything"
    assert set(out) == {"out"} and not out.kinds
    for value, words in [
        (None, "f returned None instead of (a, cache); does it end in a return?"),
        (np.ones(2), "f returned one value, an array of float64; (a, cache) was expected"),
        ((1, 2, 3), "f returned 3 values; (a, cache) was expected"),
    ]:
        with pytest.raises(ReturnError) as caught:
            out.take("f", value, "a", "_")
        assert str(caught.value) == words
    out.take("f", ([1.0], None, np.array(["x"])), "list", "none", "words")
    assert out.kinds == {"list": "a list", "none": "None", "words": "an array of <U1"}


def test_arrays_are_copied_when_they_are_taken():
    out, a = Outputs(), np.ones(2)
    out.take("f", a, "a")
    a[0] = 7
    assert out["a"][0] == 1


def test_packing_takes_an_array_once():
    a = np.arange(3.0)
    packed = pack({"x": a, "y": a.copy(), "z": a.astype(np.float32)})
    assert len(packed) == 3
    tree = unpack(packed)
    assert tree["x"] is tree["y"] and tree["z"].dtype == np.float32
