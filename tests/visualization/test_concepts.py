"""Concept vectors that are known, and counterfactuals."""

import numpy as np
import pytest

from pixelgrad.classifiers import Network
from pixelgrad.visualization import concept_test, concept_vector, counterfactual


@pytest.fixture
def red_or_not():
    """Class 0 is the mean of red, class 1 that of green; what lies before is the pixels, moved above zero."""
    conv = {"type": "conv", "filters": 3, "size": 1}
    architecture = [conv, {"type": "global_avg_pool"}, {"type": "affine", "units": 2}]
    network = Network(architecture, input_size=(8, 9), pixel_mean=[100.0] * 3, dtype=np.float64)
    network.params |= {"W1": np.eye(3).reshape(3, 3, 1, 1), "b1": np.full(3, 200.0)}
    network.params |= {"W2": np.eye(3)[:, :2].copy(), "b2": np.zeros(2)}
    return network


def pictures(count, red, seed):
    X = np.random.default_rng(seed).uniform(60, 150, (count, 3, 8, 9))
    X[:, 0] += red
    return X.astype(np.uint8)


def test_the_vector_points_from_the_others_to_the_concept():
    rng = np.random.default_rng(0)
    direction = np.array([0.6, 0, -0.8, 0])
    vector = concept_vector(rng.normal(size=(200, 4)) + 2 * direction, rng.normal(size=(200, 4)) - 2 * direction)
    np.testing.assert_allclose(np.linalg.norm(vector), 1)
    assert vector @ direction > 0.95
    moved = concept_vector(100 + 7 * rng.normal(size=(200, 4)) + 14 * direction, 100 + 7 * rng.normal(size=(200, 4)))
    assert moved @ direction > 0.9  # units and origin of the features do not count


def test_a_concept_that_a_class_is_made_of_is_significant(red_or_not):
    X = red_or_not.preprocess(pictures(9, 0, 1).transpose(0, 2, 3, 1))
    red, others = pictures(12, 80, 2), pictures(40, 0, 3)
    result = concept_test(X, 0, red_or_not, red, others, layer="conv1", runs=16)
    np.testing.assert_array_equal(result.scores, 1)
    assert result.p_value < 0.01 and (result.accuracy == 1).all() and result.vectors.shape == (16, 3 * 8 * 9)
    assert 0 < result.control.mean() < 1
    less = concept_test(X, 0, red_or_not, pictures(12, -50, 2), others, layer="conv1")
    np.testing.assert_array_equal(less.scores, 0)


def test_random_images_are_no_concept(red_or_not):
    X = red_or_not.preprocess(pictures(9, 0, 1).transpose(0, 2, 3, 1))
    values = [
        concept_test(X, 1, red_or_not, pictures(12, 0, 10 + seed), pictures(40, 0, 3), layer="conv1", rng=seed).p_value
        for seed in range(3)
    ]
    assert np.median(values) > 0.05


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"concept": pictures(5, 0, 0)}, "6 images of the concept and twice as many others, got 5 and 40"),
        ({"others": pictures(20, 0, 0)}, "got 12 and 20"),
        ({"runs": 1}, "runs must be a whole number of at least 2"),
        ({"layer": "conv9"}, "unknown layer"),
    ],
)
def test_what_a_concept_test_refuses(red_or_not, options, words):
    X = red_or_not.preprocess(pictures(2, 0, 1).transpose(0, 2, 3, 1))
    usual = {"concept": pictures(12, 80, 2), "others": pictures(40, 0, 3), "layer": "conv1"}
    with pytest.raises(ValueError, match=words):
        concept_test(X, 0, red_or_not, **usual | options)


# -- counterfactuals --------------------------------------------------------------------------------------------------


def test_images_arrive_at_the_class_by_steps_of_the_length_asked_for(model, images):
    kept = images.copy()
    y = np.array([2, 4])
    result = counterfactual(images, y, model, confidence=0.6, step=0.5, max_steps=200)
    assert result.reached.all() and (model.probabilities(result.images)[[0, 1], y] >= 0.6).all()
    assert (result.distance <= 0.5 * result.steps + 1e-9).all() and (result.steps > 0).all()
    np.testing.assert_allclose(result.probability[:, 0], model.probabilities(images)[[0, 1], y])
    lo, hi = model.bounds(images)
    assert (result.images >= lo).all() and (result.images <= hi).all()
    np.testing.assert_array_equal(images, kept)


def test_an_image_that_has_arrived_stays(model, images):
    y = model.scores(images).argmax(axis=1)
    result = counterfactual(images, y, model, confidence=1e-3, max_steps=3)
    np.testing.assert_array_equal(result.images, images)
    assert result.reached.all() and not result.steps.any() and not result.distance.any()


def test_images_walk_alone_and_the_callback_follows(model, images):
    seen = []
    options = {"max_steps": 4, "confidence": 0.99}
    together = counterfactual(images, [2, 4], model, **options, callback=lambda *given: seen.append(given))
    for n, k in enumerate((2, 4)):
        alone = counterfactual(images[n : n + 1], k, model, **options)
        np.testing.assert_allclose(together.images[n], alone.images[0], rtol=1e-9)
    assert [t for t, _, _ in seen] == [0, 1, 2, 3]
    np.testing.assert_array_equal(seen[-1][1], together.images)


@pytest.mark.parametrize("option", [{"step": 1.0}, {"max_steps": 2}, {"confidence": 0.3}])
def test_every_option_of_a_counterfactual_has_an_effect(model, images, option):
    usual = {"max_steps": 20, "confidence": 0.9}
    a, b = (counterfactual(images, 2, model, **options) for options in (usual, usual | option))
    assert abs(a.images - b.images).max() > 0
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
        counterfactual(images, 2, model, confidence=1)
