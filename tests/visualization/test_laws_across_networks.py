"""The same pictures from the same network, whatever units its model space has; and what the shipped one must do."""

import numpy as np
import pytest

from pixelgrad.classifiers import Network, PretrainedCNN
from pixelgrad.datasets import sample_image
from pixelgrad.visualization import (
    compute_saliency_maps,
    create_class_visualization,
    deepdream,
    invert_features,
    make_fooling_image,
)

STD = 57.0  # about SqueezeNet's, in grey levels


def rescaled(model):
    """The same function of pixels, for a model space divided by STD."""
    params = {name: value.copy() for name, value in model.params.items()}
    params["W1"] = params["W1"] * STD
    mean = np.array([118.0, 110.0, 100.0])
    size = {"input_size": model.input_size, "dtype": np.float64, "pixel_mean": mean}
    return (
        Network(model.architecture, model.params, **size),
        Network(model.architecture, params, pixel_std=[STD] * 3, **size),
    )


@pytest.mark.parametrize(
    "technique",
    [
        lambda model, X: make_fooling_image(X, 2, model, max_iterations=15, confidence=1.0),
        lambda model, X: create_class_visualization([1, 3], model, num_iterations=8),
        lambda model, X: invert_features(model.forward(X, end=1)[0], 1, model, num_iterations=8),
        lambda model, X: deepdream(X, 1, model, num_iterations=4),
    ],
    ids=["fooling", "class visualisation", "inversion", "dream"],
)
def test_defaults_mean_the_same_in_any_pixel_scale(model, technique):
    """Steps, penalties and noise are given in grey levels: the pictures agree where the padding cannot tell."""
    a, b = rescaled(model)
    rng = np.random.default_rng(4)
    picture = rng.integers(0, 256, (2, *model.input_size, 3), dtype=np.uint8)
    results = [technique(m, m.preprocess(picture)) for m in (a, b)]
    np.testing.assert_allclose(STD * results[1], results[0], atol=1e-4)  # octaves are resized in float32


def test_saliency_is_per_unit_of_model_space(model):
    a, b = rescaled(model)
    X = np.random.default_rng(4).uniform(-50, 50, (2, 3, 32, 36))
    maps = compute_saliency_maps(X, 1, a), compute_saliency_maps(X / STD, 1, b)
    np.testing.assert_allclose(maps[1], STD * maps[0], rtol=1e-9)


@pytest.fixture(scope="module")
def shipped():
    return PretrainedCNN()


@pytest.fixture(scope="module")
def portrait(shipped):
    return shipped.preprocess(sample_image("portrait", size=64))


def test_shipped_targets_are_reached_within_100_steps_and_8_grey_levels(shipped, portrait):
    X = np.repeat(portrait, 10, axis=0)
    seen = shipped.loss(portrait).argmax()
    target = np.array([k for k in range(0, 100, 9) if k != seen][:10])
    X_fooling = make_fooling_image(X, target, shipped)
    rms = np.sqrt(((X_fooling - X) ** 2).mean(axis=(1, 2, 3)))
    assert (shipped.loss(X_fooling).argmax(axis=1) == target).sum() >= 9 and np.median(rms) < 8


def test_shipped_noise_can_be_made_to_fool(shipped):
    X = np.random.default_rng(0).normal(0, 25, (1, 3, 64, 64)).astype(np.float32)
    assert shipped.loss(make_fooling_image(X, 46, shipped)).argmax() == 46


@pytest.mark.slow
def test_shipped_class_visualisations_convince(shipped):
    target = np.array([4, 15, 43, 46, 60, 75])
    X = create_class_visualization(target, shipped)
    assert (shipped.probabilities(X)[np.arange(6), target] > 0.99).all() and X.dtype == np.float32


@pytest.mark.parametrize("layer", ["conv1", "conv2", "conv3"])
def test_shipped_an_early_layer_gives_the_photograph_back(shipped, portrait, layer):
    losses = []
    feats, _ = shipped.forward(portrait, end=layer)
    X = invert_features(feats, layer, shipped, callback=lambda t, X, info: losses.append(info["loss"][0]))
    assert losses[0] / losses[-1] > 20, "the portrait is the hardest of the samples"
    assert np.corrcoef(X.ravel(), portrait.ravel())[0, 1] > 0.85


def test_shipped_a_dream_larger_than_the_training_images(shipped):
    X = shipped.preprocess(sample_image("portrait", size=(96, 130)))
    seen = []
    out = deepdream(X, "conv5", shipped, callback=lambda t, X, info: seen.append(info["product"][0]))
    assert out.shape == X.shape and seen[-1] > 1.3 * seen[40]


def test_features_changed_in_place_leave_the_gradient_alone(shipped, portrait):
    """`feats -= target` is what one writes first; the cache must not notice."""
    for end in ("conv3", "affine1"):
        feats, cache = shipped.forward(portrait, end=end)
        dout = np.ones_like(feats)
        expected, _ = shipped.backward(dout, cache)
        feats -= 1
        np.testing.assert_array_equal(shipped.backward(dout, cache)[0], expected)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_no_numbers_are_refused(model, images, value):
    images[0, 0, 3, 4] = value
    for technique in (
        lambda: compute_saliency_maps(images, 0, model),
        lambda: make_fooling_image(images, 0, model),
        lambda: deepdream(images, 0, model),
        lambda: create_class_visualization([0, 1], model, X_init=images),
        lambda: invert_features(np.full((2, 6, 16, 18), value), 0, model),
    ):
        with pytest.raises(ValueError, match="NaN or infinity"):
            technique()


def test_one_class_for_a_whole_batch_of_starting_images(model, images):
    assert create_class_visualization(3, model, X_init=images, num_iterations=1).shape == images.shape


def test_without_steps_one_gets_a_copy(model, images):
    for out in (
        create_class_visualization(3, model, X_init=images, num_iterations=0),
        deepdream(images, 0, model, num_iterations=0),
        invert_features(model.forward(images, end=0)[0], 0, model, X_init=images, num_iterations=0),
    ):
        np.testing.assert_allclose(out, images, atol=1e-4)
        assert not np.shares_memory(out, images)
