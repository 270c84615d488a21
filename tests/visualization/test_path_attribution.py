import numpy as np
import pytest

from pixelgrad.classifiers import Network
from pixelgrad.visualization import (
    blur_integrated_gradients,
    expected_gradients,
    guided_integrated_gradients,
    integrated_gradients,
    vargrad,
)
from pixelgrad.visualization.image_ops import blur
from pixelgrad.visualization.occlusion import fill_like
from pixelgrad.visualization.saliency import class_gradient

PATHS = [expected_gradients, blur_integrated_gradients, guided_integrated_gradients]
LOOK = {expected_gradients: "samples", blur_integrated_gradients: "steps", guided_integrated_gradients: "steps"}
Y = np.array([0, 4])


def own(background, images):
    return {"background": images} if background is expected_gradients else {}


@pytest.fixture
def affine():
    network = Network([{"type": "affine", "units": 4}], input_size=(5, 6), pixel_mean=[100.0] * 3, dtype=np.float64)
    return network, network.params["W1"].reshape(3, 5, 6, 4)


PIXELS = np.random.default_rng(2).uniform(-90, 150, (2, 3, 5, 6))


def test_of_a_linear_network_every_path_gives_weight_times_difference(affine):
    network, W = affine
    w = W[..., [3, 1]].transpose(3, 0, 1, 2)
    guided = guided_integrated_gradients(PIXELS, [3, 1], network, steps=3)
    np.testing.assert_allclose(guided.attributions, w * (PIXELS + 100), rtol=1e-9)
    blurred = blur_integrated_gradients(PIXELS, [3, 1], network, steps=3, max_sigma=2.0)
    np.testing.assert_allclose(blurred.attributions, w * (PIXELS - blur(PIXELS + 100, 2.0) + 100), rtol=1e-9)
    many = expected_gradients(PIXELS, [3, 1], network, samples=4, background=PIXELS[:1])
    np.testing.assert_allclose(many.attributions, w * (PIXELS - PIXELS[:1]), rtol=1e-9, atol=1e-9)
    for result in (guided, blurred, many):
        np.testing.assert_allclose(result.gap, 0, atol=1e-9)


@pytest.mark.parametrize(
    ("method", "narrow"), [(blur_integrated_gradients, {}), (guided_integrated_gradients, {"max_distance": 0.004})]
)
def test_with_more_steps_the_sum_becomes_the_difference_of_the_scores(model, images, method, narrow):
    few, many = (method(images, Y, model, steps=steps, **options) for steps, options in ((4, {}), (256, narrow)))
    assert (abs(many.gap) <= 0.02 * abs(many.difference) + 1e-3).all()
    assert abs(many.gap).sum() < abs(few.gap).sum()


def test_blur_integrated_gradients_written_out_for_two_steps(model, images):
    black = model.bounds(images)[0]
    path = [black + blur(images - black, sigma) for sigma in (4.0, 4 * 0.75**2, 1.0, 4 * 0.25**2)] + [images]
    expected = sum(
        (path[k + 1] - path[k - 1]) * np.concatenate([class_gradient(path[k][n : n + 1], Y[n], model) for n in (0, 1)])
        for k in (1, 3)
    )
    got = blur_integrated_gradients(images, Y, model, steps=2, max_sigma=4.0)
    np.testing.assert_allclose(got.attributions, expected, rtol=1e-7, atol=1e-12)


def test_differences_are_those_of_the_ends_of_the_path(model, images):
    scores = model.scores(images)[[0, 1], Y]
    start = blur(images - model.bounds(images)[0], 5.0) + model.bounds(images)[0]
    result = blur_integrated_gradients(images, Y, model, max_sigma=5.0)
    np.testing.assert_allclose(result.difference, scores - model.scores(start)[[0, 1], Y])
    result = guided_integrated_gradients(images, Y, model, baseline="grey")
    grey = model.scores(fill_like(images, "grey", model))[[0, 1], Y]
    np.testing.assert_allclose(result.difference, scores - grey)


def test_expected_gradients_from_one_baseline_are_integrated_gradients(model, images):
    X0 = fill_like(images[:1], "grey", model)
    exact = integrated_gradients(images, Y, model, baseline="grey", steps=512, max_steps=512).attributions
    got = expected_gradients(images, Y, model, background=X0, samples=512).attributions
    np.testing.assert_allclose(got, exact, atol=0.02 * abs(exact).max())


def test_expected_gradients_are_complete_on_average(model, images):
    background = images[::-1].repeat(3, axis=0) * np.linspace(0.2, 1, 6)[:, None, None, None]
    result = expected_gradients(images, Y, model, background=background, samples=1500)
    assert (abs(result.gap) <= 0.1 * abs(result.difference) + 0.02).all()
    expected = model.scores(images)[[0, 1], Y] - model.scores(background).mean(axis=0)[Y]
    np.testing.assert_allclose(result.difference, expected, atol=0.05 * abs(expected).max())


def test_a_background_of_pictures_is_the_same_in_uint8(model, images):
    pictures = model.deprocess(images).transpose(0, 3, 1, 2)
    a = expected_gradients(images, 1, model, samples=4, background=np.ascontiguousarray(pictures))
    same = model.preprocess(pictures.transpose(0, 2, 3, 1))
    b = expected_gradients(images, 1, model, samples=4, background=same)
    np.testing.assert_allclose(a.attributions, b.attributions, rtol=1e-9)
    with pytest.raises(ValueError, match=r"the background's images are \(5, 6\), X's are \(32, 36\)"):
        expected_gradients(images, 1, model, background=PIXELS)


def test_guided_integrated_gradients_with_no_distance_take_the_straight_line(model, images):
    steps = 8
    X0 = fill_like(images, "black", model)
    points = [class_gradient(X0 + k / steps * (images - X0), Y, model) for k in range(steps + 1)]
    trapezoid = (sum(points) - (points[0] + points[-1]) / 2) / steps
    got = guided_integrated_gradients(images, Y, model, steps=steps, max_distance=0)
    np.testing.assert_allclose(got.attributions, (images - X0) * trapezoid, rtol=1e-7, atol=1e-12)


def test_guided_integrated_gradients_move_what_counts_least_first(affine):
    """One step of two: half of the way in L1 goes to the values with the smallest weights, one of them partly."""
    network, _ = affine
    W = np.zeros((90, 4))
    W[:, 0] = np.arange(90) / 90
    network.params["W1"] = W
    x = np.full((1, 3, 5, 6), 50.0)
    seen = []
    guided_integrated_gradients(
        x, 0, network, steps=2, max_distance=1, baseline=np.zeros((3, 5, 6)), callback=lambda *g: seen.append(g)
    )
    first = seen[0][1].ravel()
    np.testing.assert_allclose(first[:45], 50 * W[:45, 0])
    np.testing.assert_array_equal(first[45:], 0)
    assert [info["way"] for _, _, info in seen] == [0.5, 1.0]


@pytest.mark.parametrize("method", PATHS)
def test_images_do_not_influence_each_other_and_nothing_is_modified(model, images, method):
    kept, few = images.copy(), {LOOK[method]: 5} | own(method, images)
    together = method(images, Y, model, **few)
    for n, k in enumerate(Y):
        alone = method(images[n : n + 1], k, model, **few)
        np.testing.assert_allclose(together.attributions[n], alone.attributions[0], rtol=1e-7, atol=1e-12)
    np.testing.assert_array_equal(images, kept)


@pytest.mark.parametrize("method", [expected_gradients, blur_integrated_gradients])
def test_batches_do_not_show_and_the_callback_gets_each_image(model, images, method):
    few, seen = {LOOK[method]: 7} | own(method, images), []
    a = method(images, Y, model, batch_size=3, callback=lambda *given: seen.append(given), **few)
    np.testing.assert_allclose(a.maps, method(images, Y, model, **few).maps, rtol=1e-7, atol=1e-12)
    assert [n for n, _, _ in seen] == [0, 1]
    np.testing.assert_allclose([info["gap"] for _, _, info in seen], a.gap)


@pytest.mark.parametrize(
    ("method", "option"),
    [
        *((expected_gradients, o) for o in ({"samples": 6}, {"rng": 3}, {"background": PIXELS})),
        *((blur_integrated_gradients, o) for o in ({"steps": 6}, {"max_sigma": 2.0}, {"channels": "max"})),
        *((guided_integrated_gradients, o) for o in ({"steps": 6}, {"max_distance": 0.5}, {"baseline": "noise"})),
        *((method, {"signed": False}) for method in PATHS),
    ],
    ids=lambda value: getattr(value, "__name__", None) or next(iter(value)),
)
def test_every_option_has_an_effect(model, images, method, option):
    if "background" in option:
        option = {"background": images * 0.5}
    usual = {LOOK[method]: 5} | own(method, images)
    assert abs(method(images, Y, model, **usual | option).maps - method(images, Y, model, **usual).maps).max() > 0


@pytest.mark.parametrize(
    ("method", "option", "words"),
    [
        (expected_gradients, {"samples": 0}, "samples must be a whole number"),
        (blur_integrated_gradients, {"max_sigma": 0}, "max_sigma must be above 0"),
        (guided_integrated_gradients, {"max_distance": 2}, "max_distance must be a number from 0 to 1"),
        (guided_integrated_gradients, {"baseline": "white"}, "baseline must be one of"),
    ],
)
def test_what_makes_no_sense_is_refused(model, images, method, option, words):
    with pytest.raises(ValueError, match=words):
        method(images, 1, model, **option)


# -- VarGrad ----------------------------------------------------------------------------------------------------------


def test_vargrad_is_the_variance_of_the_gradients_of_noisy_copies(model, images):
    X, scale = images[:1], np.ptp(images[:1] - model.bounds(images)[0])
    noise = np.random.default_rng(8).standard_normal((7, *X.shape[1:]))
    gradients = class_gradient(X + 0.2 * scale * noise, 2, model)
    expected = gradients.var(axis=0, ddof=1).max(axis=0)
    for batch_size in (2, 3, 32):
        got = vargrad(X, 2, model, samples=7, noise_level=0.2, rng=8, batch_size=batch_size)
        np.testing.assert_allclose(got[0], expected, rtol=1e-8)


def test_vargrad_of_a_linear_network_is_zero(affine):
    network, _ = affine
    np.testing.assert_allclose(vargrad(PIXELS, 1, network, samples=5), 0, atol=1e-20)


@pytest.mark.parametrize("option", [{"samples": 5}, {"noise_level": 0.3}, {"channels": "sum"}, {"rng": 3}])
def test_every_option_of_vargrad_has_an_effect(model, images, option):
    assert abs(vargrad(images, 1, model, **{"samples": 4} | option) - vargrad(images, 1, model, samples=4)).max() > 0


def test_vargrad_refuses_a_single_sample_and_keeps_images_apart(model, images):
    with pytest.raises(ValueError, match="samples must be a whole number of at least 2"):
        vargrad(images, 1, model, samples=1)
    alone = np.concatenate([vargrad(images[n : n + 1], k, model, samples=3) for n, k in enumerate(Y)])
    np.testing.assert_allclose(vargrad(images, Y, model, samples=3), alone, rtol=1e-8)
