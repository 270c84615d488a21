import numpy as np
import pytest
from scipy.stats import spearmanr

from pixelgrad.classifiers import Network
from pixelgrad.visualization import compute_saliency_maps
from pixelgrad.visualization.faithfulness import (
    METHODS,
    area_under_curve,
    insertion_deletion,
    rank_correlation,
    sanity_check,
)
from pixelgrad.visualization.guided import guided_backprop
from pixelgrad.visualization.occlusion import fill_like


@pytest.fixture
def affine():
    """scores = x . W: what each pixel adds is known."""
    network = Network([{"type": "affine", "units": 4}], input_size=(5, 6), pixel_mean=[100.0] * 3, dtype=np.float64)
    return network, network.params["W1"].reshape(3, 5, 6, 4)


@pytest.fixture
def pixels():
    return np.random.default_rng(2).uniform(-90, 150, (2, 3, 5, 6))


# -- insertion and deletion -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fill", ["black", "grey", "noise", "blur"])
def test_curves_of_a_linear_network_are_running_sums_of_what_the_pixels_add(affine, pixels, fill):
    network, W = affine
    maps = np.random.default_rng(0).permutation(60).reshape(2, 5, 6)
    options = {"deletion_fill": fill, "insertion_fill": fill, "objective": "score", "blur_sigma": 1.5, "steps": 30}
    result = insertion_deletion(maps, pixels, [3, 1], network, rng=4, **options)
    rng = np.random.default_rng(4)
    rng.random(30)  # the ties
    hidden = [fill_like(pixels, fill, network, sigma=1.5, rng=rng) for _ in range(2)]
    for n, k in ((0, 3), (1, 1)):
        order = np.argsort(-maps[n].ravel())
        for curve, other, sign in ((result.deletion, hidden[0], -1), (result.insertion, hidden[1], 1)):
            adds = (W[..., k] * (pixels[n] - other[n])).sum(axis=0).ravel()[order]
            start = network.scores((pixels if sign < 0 else other)[n : n + 1])[0, k]
            np.testing.assert_allclose(curve[n], start + sign * np.r_[0, adds.cumsum()], atol=1e-10)


def test_curves_begin_and_end_with_the_image_and_with_what_hides_it(model, images):
    maps = compute_saliency_maps(images, 2, model)
    result = insertion_deletion(maps, images, 2, model)
    whole, grey, blurred = (
        model.probabilities(Z)[:, 2]
        for Z in (images, fill_like(images, "grey", model), fill_like(images, "blur", model, sigma=32 / 12))
    )
    np.testing.assert_allclose(result.deletion[:, [0, -1]], np.stack([whole, grey], axis=1))
    np.testing.assert_allclose(result.insertion[:, [0, -1]], np.stack([blurred, whole], axis=1))
    assert result.fraction.shape == (33,) and result.deletion.shape == result.insertion.shape == (2, 33)


def test_the_best_order_has_the_best_areas_and_its_reverse_the_worst(affine, pixels):
    network, W = affine
    grey = fill_like(pixels, "grey", network)
    best = (W[..., 2] * (pixels - grey)).sum(axis=1)
    options = {"objective": "score", "insertion_fill": "grey", "steps": 30}
    areas = [
        insertion_deletion(maps, pixels, 2, network, **options)
        for maps in (best, np.random.default_rng(0).random(best.shape), -best)
    ]
    for n in range(2):
        assert areas[0].deletion_auc[n] < areas[1].deletion_auc[n] < areas[2].deletion_auc[n]
        assert areas[0].insertion_auc[n] > areas[1].insertion_auc[n] > areas[2].insertion_auc[n]


def test_only_the_order_of_a_map_counts(model, images):
    maps = compute_saliency_maps(images, 2, model)
    a, b = (insertion_deletion(m, images, 2, model) for m in (maps, np.exp(3 * maps / maps.max()) - 7))
    np.testing.assert_array_equal(a.deletion, b.deletion)


def test_areas():
    x = np.array([0, 0.25, 1])
    np.testing.assert_allclose(area_under_curve(x, np.array([[1, 1, 1], [0, 0.25, 1], [0, 1, 0]])), [1, 0.5, 0.5])


def test_a_constant_map_takes_pixels_in_a_random_order(model, images):
    flat = np.ones((2, 32, 36))
    a, b, c = (insertion_deletion(flat, images, 2, model, rng=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.deletion, b.deletion)
    assert not np.allclose(a.deletion, c.deletion)
    raster = -np.arange(32.0 * 36).reshape(32, 36)
    assert not np.allclose(a.deletion, insertion_deletion(np.stack([raster] * 2), images, 2, model).deletion)


@pytest.mark.parametrize(
    "option",
    [
        {"steps": 8},
        {"deletion_fill": "black"},
        {"insertion_fill": "grey"},
        {"blur_sigma": 9},
        {"objective": "score"},
        {"deletion_fill": "noise"},
    ],
    ids=str,
)
def test_every_option_has_an_effect(model, images, option):
    maps = compute_saliency_maps(images, 2, model)
    a, b = (insertion_deletion(maps, images, 2, model, **options) for options in ({}, option))
    assert not (np.allclose(a.deletion_auc, b.deletion_auc) and np.allclose(a.insertion_auc, b.insertion_auc))


def test_batches_do_not_show_and_images_stay_apart(model, images):
    maps = compute_saliency_maps(images, [2, 3], model)
    options = {"deletion_fill": "noise"}
    together = insertion_deletion(maps, images, [2, 3], model, **options)
    for n, k in ((0, 2), (1, 3)):
        part = slice(n, n + 1)
        alone = insertion_deletion(maps[part], images[part], k, model, batch_size=5, **options)
        np.testing.assert_allclose(together.deletion[part], alone.deletion, rtol=1e-9)
        np.testing.assert_allclose(together.insertion_auc[part], alone.insertion_auc, rtol=1e-9)


# -- sanity check -----------------------------------------------------------------------------------------------------


def test_rank_correlation_is_spearmans():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 9, 200).astype(float)
    b = a + 3 * rng.standard_normal(200)
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert rank_correlation(a, np.exp(a)) == pytest.approx(1) and rank_correlation(a, -a) == pytest.approx(-1)
    assert rank_correlation(a, np.zeros(200)) == 0


def test_layers_are_randomised_from_the_last_one_down_each_with_those_above(model, images):
    seen = []

    def method(X, y, network):
        seen.append({name: value.copy() for name, value in network.params.items()})
        return compute_saliency_maps(X, y, network)

    result = sanity_check(images, 1, model, method)
    assert result.layers == ["affine1", "conv2", "conv1"] and result.correlation.shape == (3, 2)
    changed = [{name for name in seen[0] if not np.array_equal(after[name], seen[0][name])} for after in seen]
    by_number = [{name[-1] for name in names} for names in changed]
    assert by_number == [set(), {"3"}, {"3", "2"}, {"3", "2", "1"}]
    assert {"W3", "W2", "gamma2", "beta2", "running_mean2", "running_var2"} <= changed[2]
    assert all(seen[3][name] is not None and np.isfinite(seen[3][name]).all() for name in seen[3])


def test_the_given_network_is_never_modified(model, images):
    params = {name: (value, value.copy()) for name, value in model.params.items()}
    kept = images.copy()
    sanity_check(images, 1, model, "guided")
    assert all(model.params[name] is value for name, (value, _) in params.items())
    assert all(np.array_equal(value, copy) for value, copy in params.values())
    np.testing.assert_array_equal(images, kept)


def test_a_method_that_does_not_look_at_the_network_fails_the_check(model, images):
    result = sanity_check(images, 1, model, lambda X, y, network: abs(X).sum(axis=1))
    np.testing.assert_allclose(result.correlation, 1)


def test_correlations_are_those_of_the_maps(model, images):
    result = sanity_check(images, [0, 4], model, "gradient_x_input")
    np.testing.assert_array_equal(result.original, METHODS["gradient_x_input"](images, [0, 4], model))
    magnitude = sanity_check(images, [0, 4], model, "gradient_x_input", absolute=True)
    for i, n in np.ndindex(result.correlation.shape):
        a, b = result.original[n].ravel(), result.maps[i, n].ravel()
        assert result.correlation[i, n] == pytest.approx(spearmanr(a, b).statistic)
        assert magnitude.correlation[i, n] == pytest.approx(spearmanr(abs(a), abs(b)).statistic)
    assert not np.allclose(result.correlation, magnitude.correlation)


def test_another_seed_draws_another_network(model, images):
    a, b, c = (sanity_check(images, 1, model, "saliency", rng=seed).correlation for seed in (None, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert not np.allclose(a, c)


def test_a_constant_map_correlates_with_nothing(model, images):
    result = sanity_check(images, 1, model, lambda X, y, network: np.zeros((2, 32, 36)))
    np.testing.assert_array_equal(result.correlation, 0)


# -- all methods ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_every_method_can_be_measured(model, images, name):
    maps = METHODS[name](images, [0, 4], model)
    assert maps.shape == (2, 32, 36)
    result = insertion_deletion(maps, images, [0, 4], model, steps=4)
    assert np.isfinite(result.deletion).all() and np.isfinite(sanity_check(images, 1, model, name).correlation).all()


def test_constant_images_are_nothing_special(model, images):
    grey = fill_like(images, "grey", model)
    result = insertion_deletion(METHODS["grad_cam"](grey, 1, model), grey, 1, model)
    np.testing.assert_allclose(result.deletion, np.broadcast_to(result.deletion[:, :1], result.deletion.shape))


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"steps": 0}, "steps must be a whole number"),
        ({"deletion_fill": "pink"}, "must be one of.*, got 'pink'"),
        ({"insertion_fill": "pink"}, "must be one of.*, got 'pink'"),
        ({"blur_sigma": -1}, "sigma must not be negative"),
        ({"objective": "loss"}, "must be one of.*, got 'loss'"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_impossible_options_are_refused(model, images, options, words):
    with pytest.raises(ValueError, match=words):
        insertion_deletion(np.zeros((2, 32, 36)), images, 1, model, **options)


def test_maps_that_do_not_fit_are_refused(model, images):
    with pytest.raises(ValueError, match=r"shape \(1, 32, 36\), expected \(2, 32, 36\)"):
        insertion_deletion(np.zeros((1, 32, 36)), images, 1, model)
    with pytest.raises(ValueError, match="a map holds NaN"):
        insertion_deletion(np.full((2, 32, 36), np.nan), images, 1, model)
    with pytest.raises(ValueError, match="from 0 to 4"):
        insertion_deletion(np.zeros((2, 32, 36)), images, 5, model)
    with pytest.raises(ValueError, match="must be one of 'saliency'.*, got 'gradcam'"):
        sanity_check(images, 1, model, "gradcam")
    with pytest.raises(ValueError, match=r"maps of the shape \(2, 3, 32, 36\)"):
        sanity_check(images, 1, model, guided_backprop)
    with pytest.raises(TypeError, match="preprocess"):
        sanity_check(model.deprocess(images), 1, model, "saliency")
    with pytest.raises(TypeError, match="sedd"):
        sanity_check(images, 1, model, "saliency", sedd=3)


def test_progress_is_shown_on_request(model, images, capsys):
    sanity_check(images, 1, model, "saliency", progress=True)
    assert "3/3" in capsys.readouterr().err
    insertion_deletion(np.zeros((2, 32, 36)), images, 1, model, progress=True)
    assert "2/2" in capsys.readouterr().err
