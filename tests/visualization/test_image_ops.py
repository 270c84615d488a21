import numpy as np
import pytest

from pixelgrad.visualization.image_ops import blur, clip, grey_levels, jitter, noise, resize, step, unit

rng = np.random.default_rng(2)
U, V = rng.standard_normal((2, 2, 3, 7, 9))


def test_jitter_is_adjoined_by_jitter_back():
    assert np.vdot(jitter(U, 2, -3), V) == pytest.approx(np.vdot(U, jitter(V, -2, 3)))
    np.testing.assert_array_equal(jitter(jitter(U, 2, -3), -2, 3), U)
    assert jitter(U, 1, 0)[0, 0, 1, 4] == U[0, 0, 0, 4]


@pytest.mark.parametrize("sigma", [0.3, 0.5, 1.0])
def test_blur_is_its_own_adjoint(sigma):
    assert np.vdot(blur(U, sigma), V) == pytest.approx(np.vdot(U, blur(V, sigma)))


def test_blur_keeps_constants_channels_and_images_apart():
    np.testing.assert_allclose(blur(np.full((1, 3, 5, 6), 7.0), 2), 7)
    single = np.zeros((2, 3, 5, 6))
    single[0, 1, 2, 3] = 1
    out = blur(single, 1)
    assert out[0, 1].sum() == pytest.approx(1) and out[0, 1].max() < 0.5
    assert out[1].max() == out[0, 0].max() == out[0, 2].max() == 0
    np.testing.assert_array_equal(blur(U, 0), U)
    with pytest.raises(ValueError, match="sigma"):
        blur(U, -1)


def test_unit_has_length_one_and_leaves_zero_alone():
    both = np.stack([U[0], np.zeros_like(U[0])])
    out = unit(both)
    assert np.linalg.norm(out[0]) == pytest.approx(1)
    np.testing.assert_array_equal(out[1], 0)


def test_steps():
    np.testing.assert_allclose(step(U, V, 0.1, normalize=False), U + 0.1 * V)
    np.testing.assert_allclose(step(U, V, 0.1, normalize=True), U + 0.1 * unit(V))
    assert step(U.astype(np.float32), V.astype(np.float32), 0.1, normalize=True).dtype == np.float32


def test_clip_keeps_to_the_bounds(model):
    X = 1e3 * np.random.default_rng(0).standard_normal((2, 3, 32, 36))
    lo, hi = model.bounds(X)
    out = clip(X, (lo, hi))
    np.testing.assert_array_equal(out, np.minimum(np.maximum(X, lo), hi))


def test_grey_levels_measure_alike_at_all_sizes(model):
    for shape in ((1, 3, 8, 8), (2, 3, 32, 20)):
        X = np.zeros(shape)
        assert grey_levels(model, X, rms=3) == pytest.approx(np.linalg.norm(np.full(shape[1:], 3.0)))


def test_noise_has_the_strength_asked_for(model):
    X = noise(model, (4, 3, 50, 50), np.random.default_rng(0), rms=10)
    assert np.sqrt((X**2).mean()) == pytest.approx(10, rel=0.05)


def test_resize_keeps_grey_levels_across_the_mean_image(model):
    """At the mean image's own size another mean is subtracted; the picture must not notice."""
    picture = np.full((1, 64, 72, 3), 90, dtype=np.uint8)
    X = resize(model.preprocess(picture), (32, 36), model)
    np.testing.assert_allclose(model.deprocess(X), 90)
    np.testing.assert_allclose(model.deprocess(resize(X, (50, 41), model)), 90)


def test_resize_of_a_ramp_stays_a_ramp(model):
    ramp = np.broadcast_to(np.linspace(0, 240, 61), (1, 3, 61, 61))
    X = ramp + model.bounds(ramp)[0]
    out = resize(X, (31, 31), model) - model.bounds(np.zeros((1, 3, 31, 31)))[0]
    np.testing.assert_allclose(np.diff(out[0, 0, 5], 2)[3:-3], 0, atol=0.01)  # float32 inside
    assert out.dtype == X.dtype
