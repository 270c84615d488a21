import numpy as np
import pytest

from pixelgrad.classifiers import Network
from pixelgrad.visualization import compute_saliency_maps
from pixelgrad.visualization.attribution import (
    channel_map,
    gradient_x_input,
    integrated_gradients,
    smoothgrad,
)
from pixelgrad.visualization.occlusion import fill_like
from pixelgrad.visualization.saliency import class_gradient

METHODS = {
    "smoothgrad": lambda X, y, model, **o: smoothgrad(X, y, model, samples=3, **o),
    "gradient_x_input": gradient_x_input,
    "integrated_gradients": lambda X, y, model, **o: integrated_gradients(X, y, model, steps=4, max_steps=4, **o).maps,
}


@pytest.fixture
def affine():
    """scores = x . W, and W as (3, H, W, K)."""
    network = Network([{"type": "affine", "units": 4}], input_size=(5, 6), pixel_mean=[100.0] * 3, dtype=np.float64)
    return network, network.params["W1"].reshape(3, 5, 6, 4)


@pytest.fixture
def pixels():
    return np.random.default_rng(2).uniform(-90, 150, (2, 3, 5, 6))


# -- reducing channels ------------------------------------------------------------------------------------------------

ONE_PIXEL = np.array([3.0, -4.0, 0.5]).reshape(1, 3, 1, 1)


@pytest.mark.parametrize(
    ("channels", "signed", "expected"),
    [
        ("max", False, 4),
        ("max", True, -4),
        ("sum", False, 7.5),
        ("sum", True, -0.5),
        ("l2", False, np.sqrt(9 + 16 + 0.25)),
    ],
)
def test_three_channels_become_one_number(channels, signed, expected):
    assert channel_map(ONE_PIXEL, channels=channels, signed=signed).item() == pytest.approx(expected)


def test_what_channel_map_refuses():
    with pytest.raises(ValueError, match="'l2' has no sign"):
        channel_map(ONE_PIXEL, channels="l2", signed=True)
    with pytest.raises(ValueError, match="must be one of 'max', 'sum', 'l2'.*, got 'mean'"):
        channel_map(ONE_PIXEL, channels="mean")
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        channel_map(ONE_PIXEL[0])


def test_the_plain_gradient_reduced_is_the_saliency_map(model, images):
    maps = channel_map(class_gradient(images, [0, 4], model))
    np.testing.assert_array_equal(maps, compute_saliency_maps(images, [0, 4], model))


# -- laws -------------------------------------------------------------------------------------------------------------


def test_a_linear_network_is_attributed_exactly(affine, pixels):
    network, W = affine
    y = [3, 1]
    w = W[..., y].transpose(3, 0, 1, 2)  # (N, 3, H, W)
    np.testing.assert_allclose(smoothgrad(pixels, y, network, samples=5), abs(w).max(axis=1), rtol=1e-12)
    np.testing.assert_allclose(gradient_x_input(pixels, y, network), (w * pixels).sum(axis=1), rtol=1e-9)
    black = integrated_gradients(pixels, y, network, steps=1)
    np.testing.assert_allclose(black.attributions, w * (pixels + 100), rtol=1e-9)
    np.testing.assert_allclose(black.gap, 0, atol=1e-9)
    assert black.complete.all() and (black.steps == 1).all()


def test_without_noise_smoothgrad_is_the_gradient(model, images):
    np.testing.assert_allclose(
        smoothgrad(images, [0, 4], model, samples=3, noise_level=0), compute_saliency_maps(images, [0, 4], model)
    )


def test_smoothgrad_is_the_mean_over_noisy_copies(model, images):
    """Written out for one image, with noise in proportion to the range of the pixels as a person sees them."""
    X = images[:1]
    picture = model.deprocess(X).astype(float)
    noise = np.random.default_rng(8).standard_normal((5, *X.shape[1:]))
    noisy = X + 0.2 * np.ptp(picture) * noise
    expected = sum(class_gradient(Z[None], 2, model) for Z in noisy) / 5
    options = {"samples": 5, "noise_level": 0.2, "rng": 8, "signed": True}
    np.testing.assert_allclose(smoothgrad(X, 2, model, **options), channel_map(expected, signed=True), rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_batches_do_not_show(model, images, dtype):
    model, X = model.astype(dtype), images.astype(dtype)
    scale = compute_saliency_maps(X, 1, model).max()
    for method, options in ((smoothgrad, {"samples": 7}), (integrated_gradients, {"steps": 7, "max_steps": 7})):
        a, b, c = (method(X, 1, model, batch_size=size, **options) for size in (1, 3, 64))
        a, b, c = (getattr(result, "maps", result) for result in (a, b, c))
        atol = (1e-12 if dtype == np.float64 else 1e-5) * max(scale, abs(a).max())
        np.testing.assert_allclose(a, b, atol=atol, rtol=0)
        np.testing.assert_allclose(a, c, atol=atol, rtol=0)
        assert a.dtype == dtype


def test_smoothgrads_callback_gets_the_mean_so_far(model, images):
    parts, options = [], {"batch_size": 3, "rng": 1, "signed": True, "channels": "sum"}
    whole = smoothgrad(images, 2, model, samples=7, **options, callback=lambda *given: parts.append(given))
    assert [(t, info["samples"]) for t, _, info in parts] == [(0, 3), (1, 6), (2, 7)]
    for _, maps, info in parts:
        np.testing.assert_array_equal(maps, smoothgrad(images, 2, model, samples=info["samples"], **options))
    np.testing.assert_array_equal(parts[-1][1], whole)


def test_integrated_gradients_callback_gets_each_image_each_time(model, images):
    parts, options = [], {"steps": 1, "tolerance": 0, "floor": 0}
    whole = integrated_gradients(images, 2, model, max_steps=4, **options, callback=lambda *given: parts.append(given))
    assert [(n, info["steps"]) for n, _, info in parts] == [(n, steps) for n in (0, 1) for steps in (1, 2, 4)]
    for n, attributions, info in parts:
        alone = integrated_gradients(
            images[[n]], 2, model, **(options | {"steps": info["steps"]}), max_steps=info["steps"]
        )
        np.testing.assert_array_equal(attributions, alone.attributions[0])
        np.testing.assert_allclose([info["gap"], info["difference"]], [alone.gap[0], alone.difference[0]])
    np.testing.assert_array_equal(parts[-1][1], whole.attributions[1])


@pytest.mark.parametrize("method", METHODS)
def test_images_do_not_influence_each_other(model, images, method):
    together = METHODS[method](images, [0, 4], model)
    alone = [METHODS[method](images[n : n + 1], k, model)[0] for n, k in ((0, 0), (1, 4))]
    np.testing.assert_allclose(together, alone, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("baseline", ["black", "grey", "mean", "blur", "noise"])
def test_integrated_gradients_are_complete_to_one_percent(model, images, baseline):
    y = np.array([0, 4])
    result = integrated_gradients(images, y, model, baseline=baseline, floor=1e-3)
    X0 = fill_like(images, baseline, model)
    difference = (model.scores(images) - model.scores(X0))[[0, 1], y]
    np.testing.assert_allclose(result.difference, difference)
    total = result.attributions.sum(axis=(1, 2, 3))
    np.testing.assert_allclose(result.maps.sum(axis=(1, 2)), total)
    np.testing.assert_allclose(result.gap, total - difference)
    assert result.complete.all() and (abs(total - difference) <= np.maximum(0.01 * abs(difference), 1e-3)).all()


def test_the_integral_is_taken_at_the_middles_of_equal_parts(model, images):
    X, X0 = images[:1], fill_like(images[:1], "black", model)
    points = np.concatenate([X0 + share * (X - X0) for share in (1 / 6, 3 / 6, 5 / 6)])
    expected = (X - X0) * class_gradient(points, 2, model).mean(axis=0)
    result = integrated_gradients(X, 2, model, steps=3, max_steps=3, batch_size=2)
    np.testing.assert_allclose(result.attributions, expected, rtol=1e-9, atol=1e-14)


def test_steps_are_doubled_until_the_gap_is_small_and_not_beyond_the_limit(model, images):
    few = integrated_gradients(images, 1, model, steps=1, max_steps=40, tolerance=0, floor=0)
    assert list(few.steps) == [32, 32] and not few.complete.any()
    enough = integrated_gradients(images, 1, model, steps=1, max_steps=4096, tolerance=1e-3, floor=0)
    assert enough.complete.all() and (abs(enough.gap) < abs(few.gap)).all() and (enough.steps > 32).all()
    assert (integrated_gradients(images, 1, model, steps=1, tolerance=0, floor=1e6).steps == 1).all()


def test_your_own_baseline(model, images):
    own = images[1] * 0.5
    a = integrated_gradients(images, 1, model, baseline=own).maps
    b = integrated_gradients(images, 1, model, baseline=np.stack([own, own])).maps
    np.testing.assert_array_equal(a, b)
    same = integrated_gradients(images, 1, model, baseline=images)
    np.testing.assert_allclose(same.maps, 0)
    assert same.complete.all() and (same.difference == 0).all()


# -- options and arguments --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "option"),
    [
        (smoothgrad, {"samples": 9}),
        (smoothgrad, {"noise_level": 0.4}),
        (smoothgrad, {"rng": 3}),
        *((smoothgrad, o) for o in ({"channels": "sum"}, {"channels": "l2"}, {"signed": True})),
        *((gradient_x_input, o) for o in ({"channels": "max"}, {"channels": "l2", "signed": False})),
        (gradient_x_input, {"signed": False}),
        (integrated_gradients, {"baseline": "blur"}),
        (integrated_gradients, {"baseline": "noise"}),
        (integrated_gradients, {"steps": 5}),
        (integrated_gradients, {"channels": "max"}),
        (integrated_gradients, {"signed": False}),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_every_option_has_an_effect(model, images, method, option):
    a, b = (method(images, 1, model, **options) for options in ({}, option))
    assert not np.allclose(getattr(a, "maps", a), getattr(b, "maps", b))


@pytest.mark.parametrize("method", METHODS)
def test_arguments_stay_as_they_are_and_results_repeat(model, images, method):
    kept, params = images.copy(), {k: v.copy() for k, v in model.params.items()}
    a, b = (METHODS[method](images, 1, model) for _ in range(2))
    assert a.shape == (2, 32, 36)
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(images, kept)
    assert all(np.array_equal(model.params[k], v) for k, v in params.items())


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_image_is_nothing_special(model, images, method):
    assert np.isfinite(METHODS[method](fill_like(images, "grey", model), 1, model)).all()
    assert np.isfinite(METHODS[method](fill_like(images, "black", model), 1, model)).all()


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        (smoothgrad, {"samples": 0}, "smoothgrad: samples"),
        (smoothgrad, {"noise_level": -0.1}, "noise_level must not be negative"),
        (smoothgrad, {"batch_size": 0}, "batch_size"),
        (smoothgrad, {"signed": True, "channels": "l2"}, "no sign"),
        (integrated_gradients, {"baseline": "white"}, "must be one of 'black'.*, got 'white'"),
        (integrated_gradients, {"baseline": np.zeros((3, 4, 4))}, r"baseline has the shape \(3, 4, 4\)"),
        (integrated_gradients, {"baseline": np.full((3, 32, 36), np.nan)}, "NaN"),
        (integrated_gradients, {"steps": 0}, "steps must be"),
        (integrated_gradients, {"steps": 9, "max_steps": 8}, "max_steps must be a whole number of at least 9"),
        (integrated_gradients, {"tolerance": -1}, "tolerance"),
        (gradient_x_input, {"channels": "mean"}, "must be one of"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)[:30]),
)
def test_impossible_options_are_refused(model, images, method, options, words):
    with pytest.raises(ValueError, match=words):
        method(images, 1, model, **options)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_no_image_and_no_class_is_refused(model, images, method):
    with pytest.raises(TypeError, match="preprocess"):
        METHODS[method](model.deprocess(images), 0, model)
    with pytest.raises(ValueError, match="from 0 to 4"):
        METHODS[method](images, 5, model)
    with pytest.raises(TypeError, match="sampels"):
        METHODS[method](images, 0, model, sampels=3)


def test_progress_counts_images(model, images, capsys):
    smoothgrad(images, 1, model, samples=5, progress=True)
    assert "10/10" in capsys.readouterr().err
    integrated_gradients(images, 1, model, progress=True)
    assert "2/2" in capsys.readouterr().err
