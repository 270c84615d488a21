import numpy as np
import pytest

from pixelgrad.classifiers import Network
from pixelgrad.visualization import create_class_visualization
from pixelgrad.visualization.image_ops import blur, noise, resize, takes

PLAIN = {"max_jitter": 0, "blur_every": 0, "num_iterations": 1}


def test_one_raw_step_is_the_gradient_of_score_minus_penalty(linear):
    X = np.random.default_rng(0).uniform(-50, 50, (1, 3, 5, 6))
    out = create_class_visualization(2, linear, X_init=X, learning_rate=0.1, normalize=False, l2_reg=0.25, **PLAIN)
    np.testing.assert_allclose(out - X, 0.1 * (linear.W[..., 2] - 2 * 0.25 * X[0])[None], rtol=1e-10)


def test_a_negative_score_is_pushed_up_as_well(linear):
    X = -linear.W[..., 1][None]
    out = create_class_visualization(1, linear, X_init=X, l2_reg=0, **PLAIN)
    assert linear.forward(out)[0][0, 1] > linear.forward(X)[0][0, 1]


def test_jitter_shifts_there_and_back(linear):
    """With learning steps too small to see, shifting must leave the image where it was."""
    X = np.random.default_rng(0).uniform(-50, 50, (1, 3, 5, 6))
    out = create_class_visualization(
        0, linear, X_init=X, learning_rate=1e-12, num_iterations=9, max_jitter=4, blur_every=0, l2_reg=0
    )
    np.testing.assert_allclose(out, X, atol=1e-9)


def test_the_penalty_belongs_to_the_shifted_image(linear):
    """Score and penalty are of the same, shifted image: shifted back, the pull to zero is that of X itself."""
    X, shrink = np.random.default_rng(0).uniform(-50, 50, (1, 3, 5, 6)), 0.1
    linear.W[...] = 0
    out = create_class_visualization(
        0,
        linear,
        X_init=X,
        learning_rate=1.0,
        normalize=False,
        l2_reg=shrink,
        num_iterations=1,
        max_jitter=2,
        blur_every=0,
    )
    np.testing.assert_allclose(out, X * (1 - 2 * shrink), rtol=1e-10)


def test_blur_comes_every_so_many_steps_but_not_after_the_last(linear):
    X = np.random.default_rng(0).uniform(-50, 50, (1, 3, 5, 6))
    options = {"X_init": X, "learning_rate": 1e-12, "max_jitter": 0, "blur_sigma": 0.7, "l2_reg": 0}
    for iterations, blurs in ((2, 0), (3, 0), (4, 1), (6, 1), (7, 2)):
        expected = X
        for _ in range(blurs):
            expected = blur(expected, 0.7)
        out = create_class_visualization(0, linear, num_iterations=iterations, blur_every=3, **options)
        np.testing.assert_allclose(out, expected, atol=1e-9)


def test_every_class_of_a_batch_gains(model):
    chances = []
    create_class_visualization(
        [0, 3], model, num_iterations=60, callback=lambda t, X, i: chances.append((i["score"], i["probability"]))
    )
    (first_score, first), (last_score, last) = chances[0], chances[-1]
    assert (last_score > first_score + 1).all() and (last > first).all()


def test_size_and_number_of_images(model):
    assert create_class_visualization(1, model, num_iterations=1).shape == (1, 3, 48, 54), "3/2 of the network's own"
    assert create_class_visualization([1, 1, 4], model, num_iterations=1, size=(30, 41)).shape == (3, 3, 30, 41)


def test_octaves_are_single_sizes_one_after_the_other(model):
    """Two octaves give what two calls give, the second starting from the first's result; t counts through both."""
    options, seen = {"num_iterations": 3, "blur_every": 2, "size": (40, 44)}, []
    rng = np.random.default_rng(4)
    small = create_class_visualization([1, 2], model, **(options | {"size": (29, 31)}), num_octaves=1, rng=rng)
    large = create_class_visualization(
        [1, 2], model, **options, num_octaves=1, rng=rng, X_init=resize(small, (40, 44), model)
    )
    both = create_class_visualization(
        [1, 2],
        model,
        **options,
        num_octaves=2,
        rng=4,
        callback=lambda t, X, info: seen.append((t, X.shape[2:], len(info["score"]))),
    )
    np.testing.assert_array_equal(both, large)
    assert seen == [(t, (29, 31) if t < 3 else (40, 44), 2) for t in range(6)]


def test_a_network_for_one_size_gets_no_other():
    architecture = [{"type": "conv", "filters": 4, "size": 3, "stride": 2}, {"type": "affine", "units": 3}]
    fixed_size, seen = Network(architecture, input_size=(32, 36), mean_image=np.zeros((3, 1, 1)), rng=0), []
    assert takes(fixed_size, (32, 36)) and not takes(fixed_size, (48, 54)) and not takes(fixed_size, (1, 1))
    X = create_class_visualization(1, fixed_size, num_iterations=1, callback=lambda t, X, info: seen.append(X.shape))
    assert X.shape == (1, 3, 32, 36) and seen == [(1, 3, 32, 36)]


def test_a_start_is_made_smaller_for_the_first_octave(model):
    start, seen = noise(model, (1, 3, 40, 44), np.random.default_rng(0)), []
    create_class_visualization(
        1,
        model,
        X_init=start,
        num_octaves=2,
        num_iterations=1,
        learning_rate=1e-9,
        blur_every=0,
        l2_reg=0,
        callback=lambda t, X, info: seen.append(X),
    )
    np.testing.assert_allclose(seen[0], resize(start, (29, 31), model), atol=1e-6)


def test_the_seed_decides(model):
    a, b, c = (create_class_visualization(1, model, num_iterations=3, rng=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize(
    "option",
    [
        {"learning_rate": 3.0},
        {"normalize": False, "learning_rate": 3.0},
        {"objective": "log_odds"},
        {"num_iterations": 9},
        {"l2_reg": 0.5},
        {"max_jitter": 3},
        {"blur_every": 2},
        {"blur_sigma": 2.0},
        {"rng": 9},
        {"num_octaves": 1},
        {"octave_scale": 1.2},
    ],
)
def test_every_option_has_an_effect(model, option):
    base = create_class_visualization(1, model, num_iterations=8, blur_every=4)
    other = create_class_visualization(1, model, **({"num_iterations": 8, "blur_every": 4} | option))
    assert np.abs(base - other).max() > 1e-6


def test_the_penalty_makes_images_smaller(model):
    sizes = [
        np.linalg.norm(create_class_visualization(1, model, num_iterations=60, num_octaves=1, l2_reg=l2))
        for l2 in (0, 1e-5, 1e-3)
    ]
    assert sizes[0] > sizes[1] > sizes[2]


def test_bounds_callback_and_untouched_start(model):
    X_init = noise(model, (1, 3, 32, 36), np.random.default_rng(1))
    kept, seen = X_init.copy(), []
    X = create_class_visualization(
        2,
        model,
        X_init=X_init,
        num_iterations=5,
        num_octaves=1,
        learning_rate=1e5,
        callback=lambda t, X, i: seen.append((t, X, i)),
    )
    lo, hi = model.bounds(X)
    assert (X >= lo).all() and (X <= hi).all()
    assert [t for t, _, _ in seen] == [0, 1, 2, 3, 4] and seen[-1][1] is X
    assert set(seen[0][2]) == {"score", "probability"} and seen[0][2]["score"].shape == (1,)
    np.testing.assert_array_equal(X_init, kept)


def test_log_odds_lower_the_rivals_too(linear):
    """One raw step from x = 0, where all four scores are equal: up with class 2, down with the mean of the others."""
    out = create_class_visualization(
        2,
        linear,
        X_init=np.zeros((1, 3, 5, 6)),
        learning_rate=1.0,
        normalize=False,
        objective="log_odds",
        l2_reg=0,
        **PLAIN,
    )
    np.testing.assert_allclose(out[0], linear.W[..., 2] - linear.W[..., [0, 1, 3]].mean(axis=-1), rtol=1e-10)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target_y": 5}, "from 0 to 4"),
        ({"target_y": 0, "l2_reg": -1}, "l2_reg"),
        ({"target_y": 0, "objective": "loss"}, "'score', 'log_odds'"),
        ({"target_y": 0, "learning_rate": -1}, "learning_rate"),
        ({"target_y": 0, "normalize": False}, "give a learning_rate"),
        ({"target_y": 0, "max_jitter": -1}, "max_jitter"),
        ({"target_y": 0, "num_octaves": 0}, "num_octaves"),
        ({"target_y": 0, "octave_scale": 0.5}, "octave_scale must be from 1 to 10"),
        ({"target_y": 0, "size": (0, 9)}, "height"),
        ({"target_y": 0, "size": (9, 9), "X_init": np.zeros((1, 3, 9, 8))}, "the images have the size of X_init"),
        ({"target_y": 0, "X_init": np.zeros((3, 4, 4))}, r"\(N, 3, H, W\)"),
    ],
)
def test_impossible_options_are_refused(model, options, words):
    with pytest.raises(ValueError, match=words):
        create_class_visualization(model=model, **options)
