import numpy as np
import pytest

from pixelgrad.layers import check_projection
from pixelgrad.visualization import deepdream
from pixelgrad.visualization.image_ops import octave_sizes

PLAIN = {"num_octaves": 1, "max_jitter": 0, "num_iterations": 1}


@pytest.mark.parametrize("layer", [0, "conv2", 3])
def test_a_raw_step_is_the_gradient_of_half_the_squared_activations(model, images, layer):
    X = images * 0.9
    step = deepdream(X, layer, model, normalize=False, learning_rate=1e-3, **PLAIN) - X
    check_projection(lambda Z: 0.5 * (model.forward(Z, end=layer)[0] ** 2).sum(), X, step / 1e-3, h=1e-4, rtol=1e-3)


def test_the_layer_reacts_more_and_more(model, images):
    seen = []
    deepdream(images, 1, model, num_octaves=1, callback=lambda t, X, i: seen.append(i["product"]))
    assert (seen[-1] > 1.5 * seen[0]).all()


def test_the_product_of_features_and_gradient_is_the_sum_of_squares(model, images):
    seen = []
    deepdream(images, 1, model, callback=lambda t, X, info: seen.append(info["product"]), **PLAIN)
    np.testing.assert_allclose(seen[0], (model.forward(images, end=1)[0] ** 2).sum(axis=(1, 2, 3)), rtol=1e-12)


def test_octaves_grow_to_the_size_of_the_image():
    assert octave_sizes((100, 61), 3, 1.4) == [(51, 31), (71, 44), (100, 61)]
    assert octave_sizes((30, 40), 3, 1.4) == [(30, 40)], "no octave below 24 pixels"
    assert octave_sizes((10, 10), 2, 1.4) == [(10, 10)], "but the image itself is never left out"
    assert octave_sizes((64, 64), 1, 1.4) == [(64, 64)]


def test_without_steps_the_octaves_give_the_photograph_back(model, images):
    """What is carried from octave to octave is the dream, not a blurred photograph."""
    for size in ((61, 47), (32, 36)):  # the second has the mean image's size, where smaller octaves have the mean pixel
        X = np.random.default_rng(0).uniform(-60, 60, (1, 3, *size))
        out = deepdream(X, 1, model, num_iterations=0, num_octaves=2, octave_scale=1.2)
        np.testing.assert_allclose(out, X, atol=1e-3)


def test_a_small_octave_shows_in_the_result(model):
    X = np.random.default_rng(0).uniform(-60, 60, (1, 3, 64, 60))
    one, three = (deepdream(X, 1, model, num_octaves=n, num_iterations=4) for n in (1, 3))
    assert one.shape == three.shape == X.shape
    assert np.abs(three - X).mean() > 1.2 * np.abs(one - X).mean()


def test_the_callback_counts_through_all_octaves(model):
    seen = []
    X = np.random.default_rng(0).uniform(-60, 60, (2, 3, 64, 60))
    out = deepdream(
        X,
        1,
        model,
        num_octaves=2,
        num_iterations=3,
        callback=lambda t, Z, i: seen.append((t, Z.shape[2:], i["octave"])),
    )
    assert [t for t, _, _ in seen] == list(range(6))
    assert seen[0][1:] == ((46, 43), 0) and seen[-1][1:] == ((64, 60), 1) and out.shape == X.shape


def test_a_dead_layer_changes_nothing(model, images):
    model.params["gamma2"][:] = 0
    model.params["beta2"][:] = -1
    np.testing.assert_array_equal(deepdream(images, "conv2", model, num_octaves=1), images)


@pytest.mark.parametrize(
    "option",
    [
        {"learning_rate": 3.0},
        {"normalize": False, "learning_rate": 3.0},
        {"max_jitter": 2},
        {"num_iterations": 6},
        {"num_octaves": 1},
        {"octave_scale": 1.15},
        {"rng": 9},
    ],
)
def test_every_option_has_an_effect(model, option):
    X = np.random.default_rng(0).uniform(-60, 60, (1, 3, 40, 44))
    base = deepdream(X, 1, model, num_iterations=4, num_octaves=2)
    other = deepdream(X, 1, model, **({"num_iterations": 4, "num_octaves": 2} | option))
    assert np.abs(base - other).max() > 1e-6


def test_bounds_and_untouched_photograph(model, images):
    kept = images.copy()
    X = deepdream(images, 1, model, learning_rate=1e5)
    lo, hi = model.bounds(X)
    assert (X >= lo).all() and (X <= hi).all()
    np.testing.assert_array_equal(images, kept)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layer": "conv3"}, "0 conv1, 1 conv2"),
        ({"layer": 1, "octave_scale": 0.9}, "octave_scale"),
        ({"layer": 1, "num_octaves": 0}, "num_octaves"),
        ({"layer": 1, "normalize": False}, "give a learning_rate"),
        ({"layer": 1, "learning_rate": 0.0}, "learning_rate"),
    ],
)
def test_impossible_options_are_refused(model, images, options, words):
    with pytest.raises(ValueError, match=words):
        deepdream(images, model=model, **options)


# -- objectives -------------------------------------------------------------------------------------------------------


def test_the_loop_asks_the_objective_at_the_shifted_image_and_follows_it(model, images):
    asked = []

    def objective(feats):
        asked.append({k: a.shape for k, a in feats.items()})
        return {k: np.ones_like(a) for k, a in feats.items()}

    X = images * 0.9
    step = deepdream(X, ["conv2", 0], model, objective=objective, normalize=False, learning_rate=1e-3, **PLAIN) - X
    check_projection(
        lambda Z: model.forward(Z, end=0)[0].sum() + model.forward(Z, end=1)[0].sum(), X, step / 1e-3, h=1e-4, rtol=1e-3
    )
    (shapes,) = asked
    assert shapes == {k: model.forward(X, end=k)[0].shape for k in (0, 1)}


@pytest.mark.parametrize("layer", [{"conv2": 1.0}, []])
def test_a_mixture_is_an_objective_and_no_layer(layer, model, images):
    with pytest.raises(ValueError, match=r"one layer or several.*objective=mixture"):
        deepdream(images, layer, model)


def test_an_objective_that_does_not_name_its_layers_needs_them(model, images):
    with pytest.raises(ValueError, match="layer must be one layer or several, got None"):
        deepdream(images, None, model)


def test_a_gradient_at_other_layers_than_the_features_is_refused(model, images):
    for objective, words in (
        (lambda feats: {0: feats[0]}, "dfeats has the layers conv1, but the features are those of conv1, conv2"),
        (lambda feats: feats | {2: feats[1]}, "dfeats has the layers conv1, conv2, .*, but the features"),
        (lambda feats: {}, "dfeats has the layers none, but"),
    ):
        with pytest.raises(ValueError, match=words):
            deepdream(images, [0, 1], model, objective=objective, **PLAIN)
