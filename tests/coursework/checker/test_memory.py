"""What a function keeps from call to call does not pass, wherever it keeps it."""

import numpy as np

from pixelgrad.coursework.checker.comparing import alike
from pixelgrad.coursework.checker.harness import run_case, student_functions
from pixelgrad.coursework.exercises.catalogue import EXERCISES


def onehot(scores, y):
    dscores = np.zeros_like(scores)
    dscores[np.arange(len(scores)), y] = 1
    return dscores


def by_shape_and_class():
    kept = {}

    def compute_saliency_maps(X, y, model):
        key = (X.shape, tuple(np.ravel(y)))
        if key not in kept:
            scores, cache = model.forward(X)
            kept[key] = np.abs(model.backward(onehot(scores, y), cache)[0]).max(axis=1)
        return kept[key]

    return compute_saliency_maps


def on_the_model():
    def compute_saliency_maps(X, y, model):
        scores, cache = model.forward(X)
        if not hasattr(model, "dscores"):
            model.dscores = onehot(scores, y)
        return np.abs(model.backward(model.dscores, cache)[0]).max(axis=1)

    return compute_saliency_maps


def among_the_parameters():
    def compute_saliency_maps(X, y, model):
        scores, cache = model.forward(X)
        model.params["dscores"] = onehot(scores, y)
        return np.abs(model.backward(model.params["dscores"], cache)[0]).max(axis=1)

    return compute_saliency_maps


def nowhere():
    def compute_saliency_maps(X, y, model):
        scores, cache = model.forward(X)
        return np.abs(model.backward(onehot(scores, y), cache)[0]).max(axis=1)

    return compute_saliency_maps


def outcome_of(function, answers):
    exercise, inputs = EXERCISES["saliency"], answers("saliency").inputs["convolutions and batch norm"]
    return run_case(exercise, inputs, student_functions(exercise) | {"compute_saliency_maps": function})


def test_notes_on_the_model_are_told(answers):
    raised = outcome_of(on_the_model(), answers)["raised"]
    assert raised["type"] == "ReturnError" and "writes 'dscores' onto the model: keep nothing" in raised["message"]


def test_a_memory_by_shape_and_class_is_wrong(answers):
    assert not alike(
        answers("saliency").right["convolutions and batch norm"], outcome_of(by_shape_and_class(), answers)
    )


def test_notes_among_the_parameters_are_a_changed_input(answers):
    assert "network" in outcome_of(among_the_parameters(), answers)["changed"]


def test_who_keeps_nothing_is_not_accused(answers):
    outcome = outcome_of(nowhere(), answers)
    assert outcome["raised"] is None and not outcome["changed"]


def test_a_layer_that_remembers_by_shape_is_wrong(answers):
    kept = {}

    def affine_forward(x, w, b):
        if x.shape not in kept:
            kept[x.shape] = x.reshape(len(x), -1) @ w + b
        return kept[x.shape].copy(), (x, w, b)

    exercise = EXERCISES["affine"]
    functions = student_functions(exercise) | {"affine_forward": affine_forward}
    for case, inputs in answers("affine").inputs.items():
        assert not alike(answers("affine").right[case], run_case(exercise, inputs, functions))
