"""Objectives: each is the gradient of what it says it makes grow."""

import tracemalloc

import numpy as np
import pytest

from pixelgrad.layers import check_projection
from pixelgrad.visualization import deepdream, objectives
from pixelgrad.visualization.objectives import activation, guided, layers_of, mixture

RAW = {"num_octaves": 1, "max_jitter": 0, "num_iterations": 1, "normalize": False, "learning_rate": 1e-3}


def raw_step(X, layers, model, objective):
    """What a step follows, and the product of features and gradient."""
    seen = []
    options = {"objective": objective, "callback": lambda t, X, info: seen.append(info["product"])}
    return (deepdream(X, layers, model, **options, **RAW) - X) / 1e-3, seen[0]


def test_the_gradient_of_half_the_squares_is_the_activations(model, images):
    feats = {k: model.forward(images, end=k)[0] for k in (0, 1)}
    dfeats = activation(feats)
    assert list(dfeats) == [0, 1] and all(np.array_equal(dfeats[k], feats[k]) for k in feats)


@pytest.mark.parametrize(
    "weights", [{0: 1.0, "conv2": 0.3}, {(0, 2): 2.0, (1, 5): 1.0, 1: 0.1}, {("conv1", 1): 1.0, 3: 0.5}]
)
def test_a_mixture_adds_up_half_the_weighted_squares(weights, model, images):
    X = images * 0.9

    def value(Z):
        total = 0
        for wanted, weight in weights.items():
            name, channel = wanted if isinstance(wanted, tuple) else (wanted, slice(None))
            total += 0.5 * weight * (model.forward(Z, end=name)[0][:, channel] ** 2).sum()
        return total

    step, told = raw_step(X, layers_of(weights, model), model, mixture(weights, model))
    check_projection(value, X, step, h=1e-4, rtol=1e-3)
    assert told.sum() == pytest.approx(2 * value(X), rel=1e-12)


def test_one_layer_is_a_mixture_of_one(model, images):
    expected = deepdream(images, "conv2", model, num_iterations=3)
    for weights in ({1: 1.0}, {("conv2", c): 1.0 for c in range(8)}):
        dream = deepdream(images, 1, model, objective=mixture(weights, model), num_iterations=3)
        np.testing.assert_allclose(dream, expected, atol=1e-9)


def test_the_layers_of_a_mixture_are_each_named_once(model):
    assert layers_of({"conv2": 1, ("conv2", 3): 2, 0: 1}, model) == [0, 1]


def test_a_guide_pulls_towards_the_product_with_its_nearest_features(model, images):
    X, guide = images[:1] * 0.9, images[1:, :, :20, :28] * 0.8
    candidates = model.forward(guide, end=1)[0].reshape(8, -1)

    def value(Z):
        here = model.forward(Z, end=1)[0].reshape(8, -1)
        return (here.T @ candidates).max(axis=1).sum()

    objective = guided(guide, 1, model)
    step, told = raw_step(X, 1, model, objective)
    check_projection(value, X, step, h=1e-5, rtol=1e-3)
    assert told[0] == pytest.approx(value(X), rel=1e-12)
    free, dream = (deepdream(X, 1, model, objective=o, num_iterations=4) for o in (activation, objective))
    assert np.abs(free - dream).max() > 1


def test_a_guide_and_weights_go_together_place_by_place(model, images):
    weights = {"conv1": 0.3, "conv2": 1.0, ("conv2", 3): 5.0}
    feats = {k: model.forward(images, end=k)[0] for k in (0, 1)}
    guide = images[:1, :, :9, :8]
    dfeats = guided(guide, weights, model)(feats)
    for k, w in ((0, np.full(feats[0].shape[1], 0.3)), (1, 1.0 + 5.0 * (np.arange(8) == 3))):
        w = w[:, None, None]
        expected = w * nearest_by_loops(w * feats[k], model.forward(guide, end=k)[0][0])
        np.testing.assert_allclose(dfeats[k], expected, rtol=1e-12)


def test_mixtures_and_guides_know_their_layers(model, images):
    weights = {"conv2": 1, ("conv2", 3): 2, 0: 1}
    for objective in (mixture(weights, model), guided(images[:1], weights, model)):
        assert objective.layers == [0, 1]
        dreams = [deepdream(images, layer, model, objective=objective, **RAW) for layer in (None, ["conv1", 1])]
        assert np.array_equal(*dreams)
    assert guided(images[:1], "conv2", model).layers == [1]


@pytest.mark.parametrize(("layer", "wanted"), [("conv1", "conv1"), (["conv2", 0], "conv1, conv2")])
def test_layers_that_are_not_the_objectives_are_named(layer, wanted, model, images):
    for objective in (mixture({"conv2": 1}, model), guided(images[:1], "conv2", model)):
        with pytest.raises(ValueError, match=f"layer is {wanted}, but the objective takes the features of conv2; "):
            deepdream(images, layer, model, objective=objective)


def test_many_positions_are_compared_in_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    a, guide = rng.normal(size=(2, 4, 5, 6)), rng.normal(size=(1, 4, 3, 7))
    expected = nearest_by_loops(a, guide[0])
    for block in (1, 50, 2**22):
        monkeypatch.setattr(objectives, "LARGEST_BLOCK", block)
        np.testing.assert_array_equal(objectives._nearest(a, guide), expected)
    monkeypatch.undo()
    early = rng.normal(size=(1, 2, 100, 100)).astype(np.float32)
    tracemalloc.start()
    try:
        objectives._nearest(early, early)
        assert tracemalloc.get_traced_memory()[1] < 50e6, "all products at once take 400 MB"
    finally:
        tracemalloc.stop()


def nearest_by_loops(A, guide):
    out = np.empty_like(A)
    for n, *place in np.ndindex(A.shape[0], *A.shape[2:]):
        here = A[(n, slice(None), *place)]
        products = np.tensordot(here, guide, axes=1)
        best = np.unravel_index(products.argmax(), products.shape)
        out[(n, slice(None), *place)] = guide[(slice(None), *best)]
    return out


def test_objectives_keep_the_type_of_the_features(model, images):
    feats = {1: model.forward(images, end=1)[0].astype(np.float32)}
    for objective in (activation, mixture({1: 0.3}, model)):
        assert objective(feats)[1].dtype == np.float32


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({}, "mixture of layers is empty"),
        ({("conv2", 8): 1}, "channels 0 to 7, got 8"),
        ({"conv9": 1}, "0 conv1, 1 conv2"),
        ({1: np.nan}, "must be finite"),
    ],
)
def test_impossible_mixtures_are_refused(weights, words, model, images):
    for make in (lambda: mixture(weights, model), lambda: guided(images[:1], weights, model)):
        with pytest.raises(ValueError, match=words):
            make()


def test_one_image_guides(model):
    with pytest.raises(ValueError, match="one image can guide, got 2"):
        guided(np.zeros((2, 3, 32, 36)), 1, model)
