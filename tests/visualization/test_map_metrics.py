"""Metrics on maps whose value is known: perfect ones, constant ones, random ones."""

import numpy as np
import pytest

from pixelgrad.visualization import (
    centred_blob,
    class_sensitivity,
    complexity,
    energy_inside,
    gradient_x_input,
    infidelity,
    kernel_shap,
    max_sensitivity,
    pointing_game,
    road,
    sanity_check,
    smooth_sanity_check,
    sparseness,
)
from pixelgrad.visualization.imputation import NEIGHBOURS, fill_smoothly
from pixelgrad.visualization.occlusion import fill_like

BOX = np.array([[2, 3, 6, 8]])  # 4 x 5 of 8 x 10 pixels: a quarter
INSIDE = np.zeros((1, 8, 10))
INSIDE[0, 2:6, 3:8] = 1


def test_a_perfect_map_a_wrong_one_and_a_constant_one():
    for maps, expected in ((INSIDE, 1), (1 - INSIDE, 0), (np.ones_like(INSIDE), 0.25), (0 * INSIDE, 0.25)):
        np.testing.assert_allclose(pointing_game(maps, BOX), expected)
        np.testing.assert_allclose(energy_inside(maps, BOX), expected)


def test_random_maps_get_the_boxs_part_of_the_picture():
    maps = np.random.default_rng(0).random((4000, 8, 10))
    boxes = BOX.repeat(4000, axis=0)
    assert abs(pointing_game(maps, boxes).mean() - 0.25) < 0.03
    assert abs(energy_inside(maps, boxes).mean() - 0.25) < 0.01


def test_negative_values_have_no_energy_and_a_tolerance_widens_the_box():
    maps = 2.0 * INSIDE
    maps[0, 0, 0] = -100
    np.testing.assert_allclose(energy_inside(maps, BOX), 1)
    maps[0, 1, 2] = 5  # one pixel off the corner
    assert pointing_game(maps, BOX) == 0 and pointing_game(maps, BOX, tolerance=1) == 1


def test_boxes_that_are_none_are_refused():
    for boxes in (np.array([[2, 3, 2, 8]]), np.array([[2, 3, 9, 8]]), np.array([[-1, 3, 6, 8]])):
        with pytest.raises(ValueError, match="within 8 x 10 pixels, and not empty"):
            energy_inside(INSIDE, boxes)
    with pytest.raises(ValueError, match=r"1 maps need boxes \(1, 4\)"):
        pointing_game(INSIDE, BOX[0])
    with pytest.raises(ValueError, match="NaN"):
        pointing_game(INSIDE * np.nan, BOX)


def test_sparseness_and_complexity_of_known_maps():
    one, flat, zero = np.zeros((1, 4, 5)), np.full((1, 4, 5), -3.0), np.zeros((1, 4, 5))
    one[0, 1, 1] = -7
    half = np.zeros((1, 4, 5))
    half.flat[:10] = 2
    np.testing.assert_allclose(sparseness(np.concatenate([one, flat, zero, half])), [0.95, 0, 0, 0.5], atol=1e-12)
    expected = [0, 1, 1, np.log(10) / np.log(20)]
    np.testing.assert_allclose(complexity(np.concatenate([one, flat, zero, half])), expected, atol=1e-12)
    maps = np.random.default_rng(0).standard_normal((3, 4, 5))
    np.testing.assert_allclose(sparseness(maps), sparseness(100 * maps))  # units do not count
    np.testing.assert_allclose(complexity(maps), complexity(-0.1 * maps))


def test_the_blob_is_in_the_middle():
    blob = centred_blob((8, 10))
    np.testing.assert_allclose(blob, blob[::-1, ::-1])
    assert blob[0, 0] < blob[3, 0] < blob[3, 4] <= 1 and centred_blob((8, 10), width=2)[0, 0] > blob[0, 0]


# -- filling in -------------------------------------------------------------------------------------------------------


def test_missing_pixels_are_the_weighted_means_of_their_neighbours():
    rng = np.random.default_rng(0)
    image, missing = rng.random((3, 7, 9)), rng.random((7, 9)) < 0.6
    filled = fill_smoothly(image, missing)
    np.testing.assert_array_equal(filled[:, ~missing], image[:, ~missing])
    for y, x in np.argwhere(missing):
        near = [(w, y + dy, x + dx) for dy, dx, w in NEIGHBOURS if 0 <= y + dy < 7 and 0 <= x + dx < 9]
        mean = sum(w * filled[:, i, j] for w, i, j in near) / sum(w for w, _, _ in near)
        np.testing.assert_allclose(filled[:, y, x], mean, rtol=1e-9)


def test_direct_neighbours_count_twice():
    image, missing = np.zeros((1, 3, 3)), np.zeros((3, 3), bool)
    image[0, 0, 1], image[0, 2, 2], missing[1, 1] = 6, 60, True
    assert fill_smoothly(image, missing)[0, 1, 1] == pytest.approx(6 / 6 + 60 / 12)


def test_a_constant_picture_stays_and_a_ramp_goes_on():
    missing = np.zeros((8, 8), bool)
    missing[2:6, 2:6] = True
    np.testing.assert_allclose(fill_smoothly(np.full((1, 8, 8), 3.0), missing), 3)
    ramp = np.arange(8.0)[None, None].repeat(8, axis=1)
    np.testing.assert_allclose(fill_smoothly(ramp, missing), ramp)
    assert not fill_smoothly(ramp, np.ones((8, 8), bool)).any()
    np.testing.assert_array_equal(fill_smoothly(ramp, np.zeros((8, 8), bool)), ramp)


# -- metrics that ask the network -------------------------------------------------------------------------------------

Y = np.array([0, 4])


def test_road_replaces_what_the_map_ranks_highest(model, images):
    maps = np.zeros((2, 32, 36))
    maps[:, :8] = np.arange(8 * 36).reshape(8, 36) + 1  # the upper quarter counts
    result = road(maps, images, Y, model, fractions=(0.25,), noise=0, objective="score")
    black = model.bounds(images)[0]
    for n in range(2):
        filled = fill_smoothly(images[n] - black[0], maps[n] > 0) + black[0]
        np.testing.assert_allclose(result.most[n, 0], model.scores(filled[None])[0, Y[n]])
    np.testing.assert_allclose(result.score, (result.least - result.most).mean(axis=1))
    opposite = road(-maps + np.arange(36) * 1e-6, images, Y, model, fractions=(0.75,), noise=0, objective="score")
    assert result.score.shape == opposite.score.shape


def test_road_of_a_map_and_of_its_opposite_are_opposite(model, images):
    maps = np.random.default_rng(0).random((2, 32, 36))
    a, b = (road(m, images, Y, model) for m in (maps, -maps))
    np.testing.assert_allclose(a.score, -b.score, rtol=1e-8)
    assert abs(a.score).max() > 0


@pytest.mark.parametrize("option", [{"fractions": (0.4,)}, {"noise": 0.2}, {"objective": "score"}, {"rng": 3}])
def test_every_option_of_road_has_an_effect(model, images, option):
    maps = np.zeros((2, 32, 36))
    usual = {"fractions": (0.2,)}
    assert abs(road(maps, images, 1, model, **usual | option).score - road(maps, images, 1, model, **usual).score).max()
    with pytest.raises(ValueError, match="fractions must be numbers between 0 and 1"):
        road(maps, images, 1, model, fractions=(0.2, 1.0))


@pytest.fixture
def linear_model(linear):
    linear.scores = lambda X, batch_size=64: linear.forward(X)[0]
    return linear


def test_infidelity_is_zero_for_what_each_pixel_adds_to_a_linear_model(linear_model):
    X = np.random.default_rng(0).uniform(-90, 150, (2, 3, 5, 6))
    perfect = ((X - fill_like(X, "grey", linear_model)) * linear_model.W[..., 2]).sum(axis=1)
    options = {"grid": 4, "samples": 40}
    np.testing.assert_allclose(infidelity(perfect, X, 2, linear_model, scale=False, **options), 0, atol=1e-12)
    np.testing.assert_allclose(infidelity(7 * perfect, X, 2, linear_model, **options), 0, atol=1e-12)
    assert (infidelity(7 * perfect, X, 2, linear_model, scale=False, **options) > 0.1).all()
    np.testing.assert_allclose(infidelity(0 * perfect, X, 2, linear_model, **options), 1)
    worse = infidelity(np.random.default_rng(1).standard_normal(perfect.shape), X, 2, linear_model, **options)
    assert (worse > 0.05).all() and (worse <= 1).all()


def test_infidelity_tells_a_measured_map_from_a_random_one(model, images):
    measured = kernel_shap(images, Y, model, segments=4, samples=512).maps
    noise = np.random.default_rng(0).standard_normal(measured.shape)
    assert (infidelity(measured, images, Y, model) < infidelity(noise, images, Y, model)).all()


def test_max_sensitivity_of_maps_that_are_known(model, images):
    np.testing.assert_array_equal(max_sensitivity(images, Y, model, lambda X, y, m: np.ones((2, 32, 36))), 0)
    calls = []

    def doubled(X, y, network):
        calls.append(X)
        return np.full((2, 32, 36), 1.0 if len(calls) == 1 else 3.0 if len(calls) == 2 else 2.0)

    np.testing.assert_allclose(max_sensitivity(images, Y, model, doubled, samples=3, radius=0.1), 2)
    lo, hi = model.bounds(images)
    assert all((abs(X - images) <= 25.5 + 1e-9).all() and (X >= lo).all() and (X <= hi).all() for X in calls)
    small, large = (max_sensitivity(images, Y, model, "gradient_x_input", radius=r, samples=3) for r in (0.001, 0.1))
    assert (0 < small).all() and (small < large).all()


def test_the_smooth_sanity_check_without_noise_is_the_sanity_check(model, images):
    smooth = smooth_sanity_check(images, Y, model, gradient_x_input, samples=2, noise_level=0)
    plain = sanity_check(images, Y, model, gradient_x_input)
    assert smooth.layers == plain.layers
    np.testing.assert_allclose(smooth.correlation, plain.correlation, rtol=1e-9)
    last = smooth_sanity_check(images, Y, model, gradient_x_input, samples=2, noise_level=0, stages="all")
    assert last.layers == ["all"]
    np.testing.assert_allclose(last.correlation[-1], plain.correlation[-1], rtol=1e-9)


def test_the_smooth_sanity_check_averages_over_noisy_copies(model, images):
    def method(X, y, network):
        return X.sum(axis=1)

    check = smooth_sanity_check(images, Y, model, method, samples=3, stages="all")
    np.testing.assert_allclose(check.correlation, 1)  # it never looks at the network
    assert abs(check.original - images.sum(axis=1)).max() > 1
    other = smooth_sanity_check(images, Y, model, "gradient_x_input", samples=3, stages="all", absolute=True)
    usual = smooth_sanity_check(images, Y, model, "gradient_x_input", samples=3, stages="all")
    assert abs(other.correlation - usual.correlation).max() > 0


def test_class_sensitivity_of_maps_that_are_known(model, images):
    rows = np.arange(32.0)[:, None] + np.zeros(36)
    known = {"blind": rows, "constant": np.ones((32, 36))}
    for name, expected in (("blind", 1), ("constant", 1)):
        blind = class_sensitivity(images, Y, model, lambda X, y, m, map_=known[name]: np.stack([map_] * len(X)))
        np.testing.assert_array_equal(blind, expected)

    def opposite(X, y, m):
        return np.where((y == Y)[:, None, None], rows, -rows)

    np.testing.assert_allclose(class_sensitivity(images, Y, model, opposite), -1)
    flat = class_sensitivity(images, Y, model, lambda X, y, m: opposite(X, y, m) * (y == Y)[:, None, None])
    np.testing.assert_array_equal(flat, 0)


def test_class_sensitivity_compares_with_the_most_probable_other_class(model, images):
    order = model.scores(images).argsort(axis=1)
    first, second, third = order[:, -1], order[:, -2], order[:, -3]
    seen = []

    def method(X, y, m):
        seen.append(y)
        return gradient_x_input(X, y, m)

    usual = class_sensitivity(images, first, model, method)
    np.testing.assert_array_equal(seen, [first, second])
    assert (usual < 1).all() and (usual != class_sensitivity(images, first, model, method, other=third)).all()
    class_sensitivity(images, third, model, method)
    np.testing.assert_array_equal(seen[-1], first)  # not the second, where y is neither
    with pytest.raises(ValueError, match="classes go from 0"):
        class_sensitivity(images, first, model, method, other=1000)


def test_methods_by_name_are_known_and_checked(model, images):
    for function in (max_sensitivity, smooth_sanity_check, class_sensitivity):
        with pytest.raises(ValueError, match="method must be one of .*'lrp'.*got 'magic'"):
            function(images, 1, model, "magic")
        with pytest.raises(ValueError, match="the method gave maps of the shape"):
            function(images, 1, model, lambda X, y, m: X)
    with pytest.raises(ValueError, match="the maps have the shape"):
        infidelity(images, images, 1, model)
