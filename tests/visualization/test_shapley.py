"""KernelSHAP, superpixels and RISE: laws of games and of expectations."""

from itertools import permutations, product

import numpy as np
import pytest

from pixelgrad.visualization import kernel_shap, rise, superpixels
from pixelgrad.visualization.kernel_shap import _pairs_of_coalitions
from pixelgrad.visualization.occlusion import fill_like
from pixelgrad.visualization.rise import random_masks

PARTS = np.arange(5).repeat(6).reshape(5, 6)  # each row of the picture is a part


def linear_parts(linear, X, y):
    """What each row adds to the score of a linear model, beyond the grey that stands in its place."""
    each = (X - fill_like(X, "grey", linear)) * linear.W[..., y]
    return each.sum(axis=(1, 3))  # (N, H)


class Game:
    """A network whose score is a function of the mean brightness of its rows, as a game of five players."""

    pixel_scale, input_size, dtype, layer_names, num_classes = 1.0, (5, 6), np.dtype(np.float64), ["game"], 2

    def __init__(self, worth):
        self.worth = worth

    def scores(self, X, batch_size=64):
        there = X.mean(axis=(1, 3)) > 60  # grey is 27.5, white is 155: (N, 5)
        return np.stack([np.zeros(len(X)), [self.worth(row) for row in there]], axis=1)

    def forward(self, X):
        return self.scores(X), None

    def backward(self, dout, cache):
        raise AssertionError("KernelSHAP needs no gradient")

    def bounds(self, X):
        return np.full((1, 3, 1, 1), -100.0), np.full((1, 3, 1, 1), 155.0)


WHITE = np.full((1, 3, 5, 6), 155.0)


def shapley_by_definition(worth, P=5):
    values = np.zeros(P)
    for order in permutations(range(P)):
        there = np.zeros(P, bool)
        for player in order:
            before = worth(there)
            there[player] = True
            values[player] += worth(there) - before
    return values / np.prod(np.arange(1, P + 1))


@pytest.fixture
def linear_model(linear):
    linear.scores = lambda X, batch_size=64: linear.forward(X)[0]
    return linear


def test_an_additive_game_is_shared_out_exactly_whether_enumerated_or_sampled(linear_model):
    X = np.random.default_rng(0).uniform(-90, 150, (2, 3, 5, 6))
    expected = np.stack([linear_parts(linear_model, X, y)[n] for n, y in enumerate((3, 1))])
    for samples, exact in ((30, True), (12, False)):
        result = kernel_shap(X, [3, 1], linear_model, segments=PARTS, samples=samples)
        assert result.exact is exact
        np.testing.assert_allclose(result.values, expected, rtol=1e-8)
        np.testing.assert_allclose(result.errors, 0, atol=1e-8 * abs(expected).max())


@pytest.mark.parametrize(
    "worth",
    [
        lambda s: float(s[0] and s[1]),  # two who need each other, three who do nothing
        lambda s: float(s.sum() >= 3),  # a majority
        lambda s: float(s[0] * 2 + s[1:3].any() * 3 - (s[3] and s[4])),
    ],
)
def test_a_game_of_all_coalitions_has_its_shapley_values(worth):
    result = kernel_shap(WHITE, 1, Game(worth), segments=PARTS, samples=30)
    np.testing.assert_allclose(result.values[0], shapley_by_definition(worth), atol=1e-9)
    np.testing.assert_allclose(result.values.sum(), result.difference[0])
    assert result.exact and not result.errors.any()


def test_symmetry_and_null_players():
    values = kernel_shap(WHITE, 1, Game(lambda s: float(s[0] and s[1])), segments=PARTS, samples=30).values[0]
    np.testing.assert_allclose(values, [0.5, 0.5, 0, 0, 0], atol=1e-9)


def test_sampled_values_always_add_up_to_the_difference(model, images):
    result = kernel_shap(images, [0, 4], model, segments=4, samples=64)
    assert not result.exact
    np.testing.assert_allclose(result.values.sum(axis=1), result.difference)
    np.testing.assert_allclose(result.maps.sum(axis=(1, 2)), result.difference)
    assert (result.errors > 0).all()


def test_the_standard_errors_are_the_scatter_between_repetitions():
    def worth(s):
        return float(s[0] * s[1] * s[2] * 4 - s[1] * s[2] * s[3] * 3 + s[4] * s[0] * s[3] * s[1] * 5 + s[1])

    runs = [kernel_shap(WHITE, 1, Game(worth), segments=PARTS, samples=28, rng=seed) for seed in range(200)]
    values = np.array([run.values[0] for run in runs])
    truth = shapley_by_definition(worth)
    scatter = values.std(axis=0, ddof=1)
    assert (abs(values.mean(axis=0) - truth) < 4 * scatter / np.sqrt(200) + 0.01).all()
    assert (scatter > 0.05).all()  # of games of two at a time pairs make no error at all
    told = np.sqrt((np.array([run.errors[0] for run in runs]) ** 2).mean(axis=0))
    assert ((told > 0.5 * scatter - 1e-9) & (told < 2 * scatter + 1e-9)).all()


def test_sampled_coalitions_come_with_their_complements_and_in_proportion():
    Z, weights = _pairs_of_coalitions(6, 20000, np.random.default_rng(0))
    np.testing.assert_array_equal(Z[::2], ~Z[1::2])
    sizes = np.bincount(Z.sum(axis=1), minlength=7)[1:6] / len(Z)
    expected = 1 / (np.arange(1, 6) * np.arange(5, 0, -1))
    np.testing.assert_allclose(sizes, expected / expected.sum(), atol=0.01)
    assert (weights == 1).all()


def test_of_segments_each_pixel_has_its_share(model, images):
    segments = np.zeros((32, 36), int)
    segments[:, 30:] = 1
    result = kernel_shap(images, 1, model, segments=segments, samples=2)
    assert result.exact and result.values.shape == (2, 2)
    np.testing.assert_allclose(result.maps[:, 0, 35] * 6 * 32, result.values[:, 1])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"samples": 40, "segments": 5}, "25 parts need an even number of samples, at least 50"),
        ({"samples": 51, "segments": 5}, "even number"),
        ({"segments": 40}, "are too many"),
        ({"segments": np.zeros((4, 4), int)}, r"\(32, 36\) or \(2, 32, 36\)"),
        ({"segments": np.zeros((32, 36), int)}, "numbered from 0, and at least two"),
        ({"objective": "loss"}, "objective must be one of"),
        ({"fill": "red"}, "fill must be one of"),
    ],
)
def test_what_kernel_shap_refuses(model, images, options, words):
    with pytest.raises(ValueError, match=words):
        kernel_shap(images, 1, model, **options)


@pytest.mark.parametrize(
    "option", [{"segments": 3}, {"samples": 40}, {"fill": "black"}, {"objective": "probability"}, {"rng": 3}]
)
def test_every_option_of_kernel_shap_has_an_effect(model, images, option):
    usual = {"segments": 4, "samples": 34}
    assert abs(kernel_shap(images, 1, model, **usual | option).maps - kernel_shap(images, 1, model, **usual).maps).max()


def test_kernel_shap_in_batches_and_image_by_image_is_the_same(model, images):
    together = kernel_shap(images, [0, 4], model, segments=4, samples=34, batch_size=5)
    for n, k in enumerate((0, 4)):
        alone = kernel_shap(images[n : n + 1], k, model, segments=4, samples=34)
        np.testing.assert_allclose(together.values[n], alone.values[0], rtol=1e-7)


def test_superpixels_follow_a_border_between_colours(model):
    picture = np.full((1, 32, 36, 3), 40, np.uint8)
    picture[:, :, 11:] = 220
    X = model.preprocess(picture)
    parts = superpixels(X, model, count=9, compactness=0.05)
    left, right = set(parts[0, :, :11].ravel()), set(parts[0, :, 11:].ravel())
    assert not left & right and parts.min() == 0 and parts.max() <= 8
    squares = superpixels(X, model, count=9, compactness=1000)
    assert len(np.unique(squares)) == 9 and (squares[0, :10, :11] == squares[0, 0, 0]).all()


# -- RISE -------------------------------------------------------------------------------------------------------------


def test_rise_of_a_linear_model_has_the_expectation_that_the_masks_imply(linear_model):
    """E[score m_i] / keep = (score of grey) + sum over j of d_j E[m_i m_j] / keep, for d the difference from grey."""
    X = np.random.default_rng(0).uniform(-90, 150, (1, 3, 5, 6))
    grey = fill_like(X, "grey", linear_model)
    d = ((X - grey) * linear_model.W[..., 2]).sum(axis=1)[0].ravel()
    moments, mean = exact_moments(grid=1, keep=0.3, size=(5, 6))
    expected = (linear_model.scores(grey)[0, 2] * mean + moments @ d) / 0.3
    options = {"grid": 1, "keep": 0.3, "objective": "score"}
    runs = np.array([rise(X, 2, linear_model, samples=2000, rng=seed, **options).ravel() for seed in range(20)])
    error = runs.std(axis=0, ddof=1) / np.sqrt(20)
    assert (abs(runs.mean(axis=0) - expected) < 4.5 * error).all()
    assert np.ptp(expected) > 10 * error.max()


def exact_moments(grid, keep, size):
    """E[m m'] and E[m] of masks, by going through all coarse grids and all offsets."""
    from pixelgrad.visualization.cam import upsample_maps

    cell = [-(-side // grid) for side in size]
    second, first, D = 0, 0, size[0] * size[1]
    for bits in product((0, 1), repeat=(grid + 1) ** 2):
        chance = keep ** sum(bits) * (1 - keep) ** (len(bits) - sum(bits)) / (cell[0] * cell[1])
        coarse = np.array(bits, float).reshape(1, grid + 1, grid + 1)
        (large,) = upsample_maps(coarse, [(grid + 1) * side for side in cell])
        for top, left in product(range(cell[0]), range(cell[1])):
            m = large[top : top + size[0], left : left + size[1]].reshape(D)
            second, first = second + chance * np.outer(m, m), first + chance * m
    return second, first


def test_masks_are_smooth_fractions_of_the_right_mean():
    masks = random_masks(3000, (32, 36), grid=4, keep=0.3, rng=np.random.default_rng(0))
    assert masks.shape == (3000, 32, 36) and masks.min() >= 0 and masks.max() <= 1
    np.testing.assert_allclose(masks.mean(axis=0), 0.3, atol=0.05)
    assert abs(np.diff(masks, axis=1)).max() <= 1 / 8 + 1e-9  # of a cell of 8 pixels


def test_the_mean_of_masks_weighted_by_hand(model, images):
    rng = np.random.default_rng(5)
    masks = random_masks(6, (32, 36), grid=4, keep=0.4, rng=rng)
    grey = fill_like(images, "grey", model)
    seen = grey[:1] + masks[:, None] * (images[:1] - grey[:1])
    expected = np.tensordot(model.probabilities(seen)[:, 3], masks, axes=1) / (6 * 0.4)
    got = rise(images[:1], 3, model, samples=6, grid=4, keep=0.4, rng=5)
    np.testing.assert_allclose(got[0], expected, rtol=1e-7)


def test_rise_shows_no_batches_and_no_neighbours(model, images):
    together = rise(images, [0, 4], model, samples=10)
    alone = np.concatenate([rise(images[n : n + 1], k, model, samples=10) for n, k in enumerate((0, 4))])
    np.testing.assert_allclose(together, alone, rtol=1e-7)


@pytest.mark.parametrize(
    "option",
    [{"samples": 9}, {"grid": 3}, {"keep": 0.7}, {"fill": "black"}, {"objective": "score"}, {"rng": 4}],
)
def test_every_option_of_rise_has_an_effect(model, images, option):
    usual = {"samples": 8}
    assert abs(rise(images, 1, model, **usual | option) - rise(images, 1, model, **usual)).max() > 0


def test_what_rise_refuses(model, images):
    for options, words in (
        ({"keep": 1}, "between 0 and 1"),
        ({"samples": 0}, "samples"),
        ({"objective": "x"}, "one of"),
    ):
        with pytest.raises(ValueError, match=words):
            rise(images, 1, model, **options)


def test_rises_callback_gets_the_maps_so_far(model, images):
    seen = []
    whole = rise(images, 1, model, samples=7, batch_size=3, callback=lambda *given: seen.append(given))
    assert [(t, info["samples"]) for t, _, info in seen] == [(0, 3), (1, 6), (2, 7)]
    np.testing.assert_array_equal(seen[-1][1], whole)
