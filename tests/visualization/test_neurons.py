"""Activation maximization: single steps against the gradient, silent and dead neurons."""

import numpy as np
import pytest

from pixelgrad.classifiers import Network, PretrainedCNN
from pixelgrad.visualization import deepdream
from pixelgrad.visualization.neurons import CONTRAST, neuron_activation, visualize_neuron
from pixelgrad.visualization.total_variation import tv_beta_loss

PLAIN = {"max_jitter": 0, "blur_every": 0, "num_iterations": 1, "l2_reg": 0.0}
RAW = PLAIN | {"normalize": False, "learning_rate": 0.1}


def inside(images):
    """Images far enough from black and white that a small step is not clipped."""
    return 0.5 * images


def gradient(model, X, end, units):
    feats, cache = model.forward(X, end=end)
    return model.backward(np.broadcast_to(units, feats.shape).copy(), cache)[0]


def trace(*args, **options):
    """The image and the info of every step."""
    seen = []
    X = visualize_neuron(*args, callback=lambda t, X, info: seen.append(info), **options)
    return X, seen


# -- what is maximized ------------------------------------------------------------------------------------------------


def test_a_raw_step_is_the_gradient_of_the_mean_over_a_channels_map(model, images):
    X = inside(images)
    units = np.zeros((8, 16, 18))
    units[5] = 1 / (16 * 18)
    out = visualize_neuron("conv2", model, channel=5, X_init=X, **RAW)
    np.testing.assert_allclose(out - X, 0.1 * gradient(model, X, "conv2", units), atol=1e-12)


def test_a_neuron_is_one_place_of_the_map(model, images):
    X = inside(images)
    units = np.zeros((8, 16, 18))
    units[2, 3, 11] = 1
    feats, _ = model.forward(X, end="conv2")
    assert (feats[:, 2, 3, 11] > 0).all(), "this test wants a neuron that is awake"
    out, (info,) = trace("conv2", model, channel=2, position=(3, 11), X_init=X, **RAW)
    np.testing.assert_allclose(out - X, 0.1 * gradient(model, X, "conv2", units), atol=1e-12)
    np.testing.assert_allclose(info["activation"], feats[:, 2, 3, 11])
    centre, at = (visualize_neuron(1, model, channel=2, position=p, X_init=X, **RAW) for p in ("centre", (8, 9)))
    np.testing.assert_array_equal(centre, at)


def test_a_whole_layer_is_maximized_as_in_a_dream(model, images):
    X = inside(images)
    out = visualize_neuron(1, model, X_init=X, learning_rate=5.0, **PLAIN)
    dream = deepdream(X, 1, model, learning_rate=5.0, num_octaves=1, num_iterations=1, max_jitter=0)
    np.testing.assert_allclose(out, dream, atol=1e-9)


def test_a_unit_of_the_last_layer_is_a_class(model, images):
    X = inside(images)
    out = visualize_neuron("affine1", model, channel=3, X_init=X, **RAW)
    np.testing.assert_allclose(out - X, 0.1 * gradient(model, X, "affine1", np.eye(5)[3]), atol=1e-12)


@pytest.mark.parametrize(
    ("layer", "options"),
    [
        ("conv2", {"channel": [2, 4]}),
        ("conv2", {"channel": 2, "position": (3, 11)}),
        ("conv1", {}),
        (3, {"channel": 1}),
    ],
)
def test_what_is_maximized_can_be_asked_for(model, images, layer, options):
    _, (info,) = trace(layer, model, X_init=images, num_iterations=1, max_jitter=0, **options)
    np.testing.assert_allclose(neuron_activation(images, layer, model, **options), info["activation"])


def test_each_image_maximizes_its_own_channel(model, images):
    both = visualize_neuron("conv2", model, channel=[1, 6], X_init=images, num_iterations=3, max_jitter=0)
    for n, c in enumerate((1, 6)):
        alone = visualize_neuron("conv2", model, channel=c, X_init=images[[n]], num_iterations=3, max_jitter=0)
        np.testing.assert_allclose(both[[n]], alone, atol=1e-9)
    shared = visualize_neuron("conv2", model, channel=[1, 6], X_init=images[:1], num_iterations=1)
    assert shared.shape == images.shape and not np.array_equal(shared[0], shared[1])


# -- penalties and steps ----------------------------------------------------------------------------------------------


def test_penalties_are_measured_against_a_contrast_of_fifty_grey_levels(model, images):
    X = inside(images)
    pull = visualize_neuron(1, model, channel=2, X_init=X, **(PLAIN | {"learning_rate": 10.0}))
    size = CONTRAST * np.sqrt(X[0].size)
    out = visualize_neuron(1, model, channel=2, X_init=X, **(PLAIN | {"learning_rate": 10.0, "l2_reg": 0.7}))
    np.testing.assert_allclose(out, pull - 10 * 0.7 * X / size, atol=1e-9)
    options = PLAIN | {"learning_rate": 10.0, "tv_weight": 0.3, "tv_beta": 1.5}
    out = visualize_neuron(1, model, channel=2, X_init=X, **options)
    _, roughness = tv_beta_loss(X / CONTRAST, 0.3, 1.5)
    np.testing.assert_allclose(out, pull - 10 * roughness / np.sqrt(X[0].size), atol=1e-9)


def test_only_neurons_that_see_much_are_blurred_by_default(model):
    for layer, blur_every in (("conv2", 0), ("global_avg_pool", 0), ("affine1", 4)):
        a, b = (visualize_neuron(layer, model, channel=2, num_iterations=9, blur_every=e) for e in (None, blur_every))
        np.testing.assert_array_equal(a, b)


def test_noise_is_held_back_by_default_and_an_image_is_not(model, images):
    step = {"num_iterations": 1, "max_jitter": 0, "channel": 2}
    for start, l2_reg in ((None, 0.5), (images, 0.0)):
        a, b = (visualize_neuron(1, model, X_init=start, l2_reg=l2, **step) for l2 in (None, l2_reg))
        np.testing.assert_array_equal(a, b)


def test_the_default_step_is_four_grey_levels_of_what_the_neuron_sees(model, images):
    X = inside(images)
    everywhere = visualize_neuron(1, model, channel=5, X_init=X, **PLAIN) - X
    np.testing.assert_allclose(np.sqrt((everywhere**2).mean(axis=(1, 2, 3))), 4, rtol=1e-6)
    local = visualize_neuron(1, model, channel=5, position=(3, 11), X_init=X, **PLAIN) - X
    seen = local[:, :, 3 : 3 + 7, 19 : 19 + 7]  # 2 * position - 3, and 7 pixels on
    np.testing.assert_allclose(np.sqrt((seen**2).mean(axis=(1, 2, 3))), 4, rtol=1e-6)
    local[:, :, 3 : 3 + 7, 19 : 19 + 7] = 0
    assert (local == 0).all()


def test_jitter_shifts_there_and_back(model, images):
    out = visualize_neuron(
        1, model, channel=5, X_init=images, learning_rate=1e-12, l2_reg=0, num_iterations=9, blur_every=0
    )
    np.testing.assert_allclose(out, images, atol=1e-6)


def test_activations_rise(model):
    X, seen = trace("conv2", model, channel=np.arange(8), num_iterations=40)
    assert X.shape == (8, 3, 32, 36)
    assert (seen[-1]["activation"] > 1.5 * seen[0]["activation"]).all()
    assert not any(info["dead"].any() or info["restarts"].any() for info in seen)


def test_a_neuron_at_a_place_is_not_jittered_unless_asked(model):
    base = {"channel": 5, "position": "centre", "num_iterations": 4}
    same, still, moved = (visualize_neuron(1, model, **base, **o) for o in ({}, {"max_jitter": 0}, {"max_jitter": 4}))
    np.testing.assert_array_equal(same, still)
    assert not np.array_equal(same, moved)


@pytest.mark.parametrize(
    "option",
    [
        {"channel": 4},
        {"channel": None},
        {"position": (2, 3)},
        {"learning_rate": 3.0},
        {"normalize": False, "learning_rate": 3.0},
        {"num_iterations": 9},
        {"l2_reg": 1.0},
        {"tv_weight": 0.1},
        {"tv_weight": 0.1, "tv_beta": 1.0},
        {"max_jitter": 2},
        {"blur_every": 2},
        {"blur_sigma": 2.0},
        {"rng": 9},
    ],
)
def test_every_option_has_an_effect(model, option):
    base = {"channel": 5, "num_iterations": 8}
    if "blur_sigma" in option:
        base["blur_every"] = 4
    if "tv_beta" in option:
        base["tv_weight"] = 0.1
    a, b = (visualize_neuron("conv2", model, **(base | o)) for o in ({}, option))
    assert np.abs(a - b).max() > 1e-6


def test_the_penalty_makes_images_smaller_and_total_variation_smoother(model):
    base = {"channel": 5, "num_iterations": 60, "blur_every": 0}
    sizes = [np.linalg.norm(visualize_neuron(1, model, **base, l2_reg=l2)) for l2 in (0, 0.5, 2.0)]
    assert sizes[0] > sizes[1] > sizes[2]
    rough = []
    for weight in (0, 0.1, 0.3):
        X = visualize_neuron(1, model, **base, tv_weight=weight)
        rough.append(tv_beta_loss(X, 1, 2)[0] / (X**2).sum())
    assert rough[0] > rough[1] > rough[2]


def test_bounds_callback_and_untouched_start(model, images):
    kept, seen = images.copy(), []
    params = {name: value.copy() for name, value in model.params.items()}
    X = visualize_neuron(
        1,
        model,
        channel=2,
        X_init=images,
        num_iterations=3,
        learning_rate=1e5,
        callback=lambda t, X, info: seen.append((t, X, info)),
    )
    lo, hi = model.bounds(X)
    assert (X >= lo).all() and (X <= hi).all() and [t for t, _, _ in seen] == [0, 1, 2] and seen[-1][1] is X
    assert set(seen[0][2]) == {"activation", "silent", "restarts", "dead"}
    assert all(value.shape == (2,) for value in seen[0][2].values())
    np.testing.assert_array_equal(images, kept)
    assert all(np.array_equal(model.params[name], value) for name, value in params.items())
    same = visualize_neuron(1, model, X_init=images, num_iterations=0)
    np.testing.assert_allclose(same, images)
    assert not np.shares_memory(same, images)


# -- silent and dead neurons ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", [(4, 5), (8, 9)])
def test_below_the_relu_a_silent_neuron_has_the_gradient_it_would_have_awake(model, images, position):
    X = inside(images)
    model.params["beta2"][5] += 1000  # awake everywhere
    awake, (info,) = trace(1, model, channel=5, position=position, X_init=X, **RAW)
    assert not info["silent"].any()
    model.params["beta2"][5] -= 2000
    silent, (info,) = trace(1, model, channel=5, position=position, X_init=X, **RAW)
    assert info["silent"].all() and (info["activation"] == 0).all() and not info["dead"].any()
    np.testing.assert_allclose(silent, awake, atol=1e-9)
    if position == (8, 9):  # the middle stands for a silent channel
        channel, (info,) = trace(1, model, channel=5, X_init=X, **RAW)
        assert info["silent"].all()
        np.testing.assert_array_equal(channel, silent)


@pytest.mark.parametrize("channel", range(8))
@pytest.mark.parametrize("layer", ["conv2", "global_avg_pool"])
def test_a_silent_channel_wakes(model, channel, layer):
    start = 1e-3 * np.random.default_rng(0).standard_normal((1, 3, 32, 36))
    model.params["beta2"][channel] -= model.forward(start, end=1)[0][0, channel].max() + 0.1
    assert (model.forward(start, end=1)[0][0, channel] == 0).all(), "this test wants a channel that sleeps"
    _, seen = trace(layer, model, channel=channel, X_init=start, num_iterations=60, l2_reg=0.5)
    assert seen[0]["silent"].all() and not seen[-1]["silent"].any() and seen[-1]["activation"] > 0
    assert not seen[-1]["restarts"].any()


@pytest.mark.parametrize("position", [None, (2, 3)])
def test_below_pooling_it_is_the_same(position):
    conv = {"type": "conv", "filters": 4, "size": 3, "pad": 1, "batchnorm": True}
    layers = [conv, {"type": "avg_pool", "size": 2, "stride": 2}, {"type": "affine", "units": 3}]
    model = Network(layers, input_size=(12, 14), pixel_mean=[120, 110, 100], dtype=np.float64, rng=3)
    model.params["beta1"][2] = -1000
    X = np.random.default_rng(0).uniform(-50, 50, (1, 3, 12, 14))
    out, (info,) = trace("avg_pool", model, channel=2, position=position, X_init=X, **RAW)
    assert info["silent"].all() and not info["restarts"].any()
    model.params["beta1"][2] = 1000
    awake, (info,) = trace("avg_pool", model, channel=2, position=position or "centre", X_init=X, **RAW)
    assert not info["silent"].any()
    np.testing.assert_allclose(out, awake, atol=1e-9)


def test_global_pooling_is_the_mean_over_the_maps(model, images):
    a, b = (visualize_neuron(layer, model, channel=2, X_init=images) for layer in ("conv2", "global_avg_pool"))
    np.testing.assert_allclose(a, b, atol=1e-9)


def test_a_layer_that_is_silent_altogether_is_maximized_too(model, images):
    model.params["beta1"][:] = -50
    X = 0.02 * images
    out, (info,) = trace(0, model, X_init=X, **PLAIN)
    assert info["silent"].all() and not np.allclose(out, X)


def test_where_nothing_comes_through_other_noise_is_tried(model):
    """A grey image silences the first layer, noise wakes it."""
    w = model.params["W1"]
    edge = w[:, :, 1, 1].copy()
    w[...] = 0
    w[:, :, 1, 1], w[:, :, 1, 2] = edge, -edge  # differences of neighbours, never at a border
    model.params["running_mean1"][:], model.params["beta1"][:] = 0, -0.01
    start = np.zeros((2, 3, 32, 36))
    start[1] = np.random.default_rng(0).normal(0, 25, (3, 32, 36))
    X, seen = trace("affine1", model, channel=1, X_init=start, num_iterations=20)
    assert list(seen[0]["restarts"]) == [1, 0] and list(seen[-1]["restarts"]) == [1, 0]
    assert not seen[-1]["dead"].any() and X[0].std() > 5


def test_a_dead_neuron_is_reported_and_stays_noise(model):
    model.params["beta1"][:] = -1e6  # nothing ever comes through the first layer
    X, seen = trace("conv2", model, channel=[1, 3], num_iterations=40)
    assert (seen[-1]["restarts"] == 3).all() and [info["dead"].all() for info in seen[:5]] == [False] * 3 + [True] * 2
    assert seen[-1]["dead"].all() and X.std() > 20, "neither grey nor an image"


def test_only_the_dead_stand_still(model):
    model.params["W2"][3] = 0
    X, seen = trace("conv2", model, channel=[1, 3], num_iterations=30)
    assert list(seen[-1]["dead"]) == [False, True] and seen[-1]["activation"][0] > seen[0]["activation"][0]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"layer": "conv9"}, ValueError, "unknown layer"),
        ({"channel": 8}, ValueError, "layer conv2 has the channels 0 to 7, got 8"),
        ({"channel": 1.5}, TypeError, "channels must be whole numbers"),
        ({"channel": [0, 1, 2], "X_init": np.zeros((2, 3, 32, 36))}, ValueError, "2 images need 2 channels or one"),
        ({"channel": None, "position": (0, 0)}, ValueError, "a position needs a channel"),
        ({"position": (16, 0)}, ValueError, r"from \(0, 0\) to \(15, 17\), or \"centre\"; got \(16, 0\)"),
        ({"position": "top"}, ValueError, "got 'top'"),
        ({"layer": "affine1", "position": (0, 0)}, ValueError, "layer affine1 has no map"),
        ({"X_init": np.zeros((3, 8, 8))}, ValueError, r"\(N, 3, H, W\)"),
        ({"normalize": False}, ValueError, "give a learning_rate"),
        ({"learning_rate": 0}, ValueError, "learning_rate must be above 0"),
        ({"l2_reg": -1}, ValueError, "l2_reg must not be negative"),
        ({"tv_weight": -1}, ValueError, "tv_weight must not be negative"),
        ({"tv_beta": 0}, ValueError, "tv_beta must be above 0"),
        ({"max_jitter": -1}, ValueError, "max_jitter"),
        ({"blur_every": -1}, ValueError, "blur_every"),
        ({"jitter": 3}, TypeError, "jitter"),
    ],
)
def test_impossible_options_are_refused(model, options, error, words):
    with pytest.raises(error, match=words):
        visualize_neuron(**({"layer": "conv2", "model": model, "channel": 1} | options))


@pytest.mark.slow
def test_shipped_channels_of_every_layer_are_maximized():
    shipped = PretrainedCNN()
    for layer in ("conv1", "conv4", "conv7"):
        X, seen = trace(layer, shipped, channel=[0, 7], num_iterations=25)
        assert (seen[-1]["activation"] > 2 * seen[0]["activation"]).all(), layer
        assert X.dtype == np.float32 and not seen[-1]["dead"].any()
