import numpy as np
import pytest

from pixelgrad.visualization import make_fooling_image
from pixelgrad.visualization.image_ops import grey_levels


def first_move(model, X, target, **options):
    """What a single step adds to X."""
    return make_fooling_image(X, target, model, max_iterations=1, confidence=1.0, **options) - X


def test_a_raw_step_on_a_linear_model_is_learning_rate_times_weights(linear):
    X = np.zeros((2, 3, 5, 6))
    moved = first_move(linear, X, [1, 2], learning_rate=0.5, normalize=False)
    np.testing.assert_allclose(moved, 0.5 * linear.W[..., [1, 2]].transpose(3, 0, 1, 2), rtol=1e-12)


def test_a_normalised_step_has_the_learning_rate_as_its_length(linear):
    X = np.zeros((2, 3, 5, 6))
    moved = first_move(linear, X, [1, 2], learning_rate=0.5)
    np.testing.assert_allclose(np.linalg.norm(moved.reshape(2, -1), axis=1), 0.5, rtol=1e-12)
    np.testing.assert_allclose(moved[0] / np.linalg.norm(linear.W[..., 1]) ** -1, 0.5 * linear.W[..., 1], rtol=1e-10)


def test_the_default_step_is_half_a_grey_level(linear):
    moved = first_move(linear, np.zeros((1, 3, 5, 6)), 1)
    np.testing.assert_allclose(np.sqrt((moved**2).mean()), 0.5, rtol=1e-12)
    assert grey_levels(linear, moved, rms=0.5) == pytest.approx(np.linalg.norm(moved))


@pytest.mark.parametrize("target", range(5))
def test_the_network_is_fooled(model, images, target):
    X_fooling = make_fooling_image(images, target, model, max_iterations=400)
    assert (model.loss(X_fooling).argmax(axis=1) == target).all()


def test_it_stops_as_soon_as_the_target_wins(model, images):
    sizes = []
    target = model.loss(images)[:1].argmin(axis=1)
    X = make_fooling_image(
        images[:1], target, model, max_iterations=400, callback=lambda t, X, i: sizes.append(i["fooled"][0])
    )
    assert sizes[-1] and not any(sizes[:-1]) and len(sizes) > 2
    before_last = make_fooling_image(images[:1], target, model, max_iterations=len(sizes) - 2)
    assert model.loss(before_last).argmax() != target[0] and model.loss(X).argmax() == target[0]


def test_an_image_that_fools_already_comes_back_as_it_is(model, images):
    X = make_fooling_image(images, model.loss(images).argmax(axis=1), model)
    np.testing.assert_array_equal(X, images)
    assert X is not images and not np.shares_memory(X, images)


def test_each_image_of_a_batch_is_fooled_as_if_it_were_alone(model, images):
    target = model.loss(images).argmin(axis=1)
    together = make_fooling_image(images, target, model, max_iterations=300)
    alone = [make_fooling_image(images[i : i + 1], target[i], model, max_iterations=300)[0] for i in range(2)]
    np.testing.assert_allclose(together, alone, rtol=1e-7, atol=1e-7)


def test_confidence_asks_for_more(model, images):
    target = int(model.loss(images)[0].argmin())
    modest = make_fooling_image(images[:1], target, model, max_iterations=600)
    sure = make_fooling_image(images[:1], target, model, max_iterations=600, confidence=0.95)
    chances = [next(p.probability for p in model.predict(X)[0] if p.index == target) for X in (modest, sure)]
    assert chances[0] < 0.95 <= chances[1]


def test_pixels_stay_within_the_bounds(model, images):
    X = make_fooling_image(images, 0, model, learning_rate=1e4, max_iterations=3, confidence=1.0)
    lo, hi = model.bounds(X)
    assert (X >= lo).all() and (X <= hi).all() and ((X == lo) | (X == hi)).any()


def test_it_gives_up_and_leaves_the_photograph_alone(model, images):
    kept, steps = images.copy(), []
    target = model.loss(images).argmin(axis=1)
    make_fooling_image(
        images, target, model, learning_rate=1e-9, max_iterations=7, callback=lambda t, X, i: steps.append(t)
    )
    assert steps == list(range(8))
    np.testing.assert_array_equal(images, kept)


def test_the_trace_of_scores_rises(model, images):
    scores = []
    make_fooling_image(
        images, 3, model, max_iterations=20, confidence=1.0, callback=lambda t, X, i: scores.append(i["score"])
    )
    assert (np.array(scores)[-1] > np.array(scores)[0]).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target_y": 9}, "from 0 to 4"),
        ({"target_y": 0, "learning_rate": 0}, "learning_rate"),
        ({"target_y": 0, "normalize": False}, "give a learning_rate"),
        ({"target_y": 0, "max_iterations": -1}, "max_iterations"),
    ],
)
def test_impossible_options_are_refused(model, images, options, words):
    with pytest.raises(ValueError, match=words):
        make_fooling_image(images, model=model, **options)


def test_an_unknown_option_is_an_error(model, images):
    with pytest.raises(TypeError, match="learning_rat"):
        make_fooling_image(images, 0, model, learning_rat=1)
