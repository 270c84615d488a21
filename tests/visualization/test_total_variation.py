"""Total variation: the loss by hand, the gradient by finite differences."""

import numpy as np
import pytest

from pixelgrad.layers.gradient_check import eval_numerical_gradient
from pixelgrad.visualization.total_variation import tv_beta_loss, tv_loss

BETAS = [0.5, 1.0, 1.5, 2.0, 3.0]


@pytest.fixture
def img():
    return np.random.default_rng(0).standard_normal((2, 3, 4, 5))


def test_the_loss_is_the_sum_of_squared_differences(img):
    total = 0.0
    for n, c, i, j in np.ndindex(*img.shape):
        if i + 1 < 4:
            total += (img[n, c, i + 1, j] - img[n, c, i, j]) ** 2
        if j + 1 < 5:
            total += (img[n, c, i, j + 1] - img[n, c, i, j]) ** 2
    assert tv_loss(img, 0.7)[0] == pytest.approx(0.7 * total, rel=1e-12)


@pytest.mark.parametrize("beta", BETAS)
def test_the_loss_with_an_exponent_by_hand(img, beta):
    total = 0.0
    for n, c, i, j in np.ndindex(*img.shape):
        down = img[n, c, i + 1, j] - img[n, c, i, j] if i + 1 < 4 else 0
        right = img[n, c, i, j + 1] - img[n, c, i, j] if j + 1 < 5 else 0
        total += (down**2 + right**2) ** (beta / 2)
    assert tv_beta_loss(img, 0.7, beta)[0] == pytest.approx(0.7 * total, rel=1e-12)


def test_the_gradient_is_that_of_the_loss(img):
    numerical = eval_numerical_gradient(lambda x: tv_loss(x, 0.7)[0], img.copy())
    np.testing.assert_allclose(tv_loss(img, 0.7)[1], numerical, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("beta", BETAS)
def test_the_gradient_with_an_exponent_is_that_of_the_loss(img, beta):
    numerical = eval_numerical_gradient(lambda x: tv_beta_loss(x, 0.7, beta)[0], img.copy())
    np.testing.assert_allclose(tv_beta_loss(img, 0.7, beta)[1], numerical, rtol=1e-6, atol=1e-7)


def test_with_an_exponent_of_two_both_are_one(img):
    (loss, dimg), (other, dother) = tv_loss(img, 0.3), tv_beta_loss(img, 0.3, 2)
    assert loss == pytest.approx(other, rel=1e-12)
    np.testing.assert_allclose(dimg, dother, rtol=1e-12)


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_images_have_neither_loss_nor_gradient(beta, dtype):
    img = np.full((1, 3, 4, 6), 7, dtype)
    with np.errstate(all="raise"):
        for loss, dimg in (tv_loss(img, 1.0), tv_beta_loss(img, 1.0, beta)):
            assert loss == 0 and (dimg == 0).all() and dimg.dtype == dtype


@pytest.mark.parametrize("beta", BETAS)
def test_tiny_differences_have_a_finite_gradient_in_float32(beta):
    img = np.zeros((1, 3, 5, 5), np.float32)
    img[0, :, 2, 2] = 1e-30
    assert np.isfinite(tv_beta_loss(img, 1.0, beta)[1]).all()


def test_an_edge_costs_as_much_as_a_slope_with_an_exponent_of_one():
    edge, slope = np.zeros((1, 1, 1, 9)), np.linspace(0, 1, 9).reshape(1, 1, 1, 9)
    edge[..., 4:] = 1
    ratio = {beta: tv_beta_loss(edge, 1, beta)[0] / tv_beta_loss(slope, 1, beta)[0] for beta in (0.5, 1, 2)}
    assert ratio[0.5] < 0.9 and ratio[1] == pytest.approx(1) and ratio[2] == pytest.approx(8)


def test_shifts_of_brightness_and_mirrors_change_nothing(img):
    loss = tv_loss(img, 1)[0]
    for other in (img + 9, img[..., ::-1], img[:, :, ::-1], -img):
        assert tv_loss(np.ascontiguousarray(other), 1)[0] == pytest.approx(loss)


def test_the_weight_is_a_factor_and_the_image_stays(img):
    kept = img.copy()
    for f in (tv_loss, lambda x, w: tv_beta_loss(x, w, 1.5)):
        (loss, dimg), (double, ddouble) = f(img, 1.0), f(img, 2.0)
        assert double == pytest.approx(2 * loss)
        np.testing.assert_allclose(ddouble, 2 * dimg)
        assert f(img, 0.0)[0] == 0
    np.testing.assert_array_equal(img, kept)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((np.zeros((3, 4, 4)), 1.0, 1.0), ValueError, r"img must have the shape \(N, C, H, W\)"),
        ((np.zeros((1, 3, 4, 4), int), 1.0, 1.0), TypeError, "img must be a float array"),
        ((np.zeros((1, 3, 4, 4)), -1.0, 1.0), ValueError, "tv_weight must not be negative"),
        ((np.zeros((1, 3, 4, 4)), 1.0, 0), ValueError, "beta must be above 0"),
    ],
)
def test_impossible_arguments_are_refused(arguments, error, words):
    with pytest.raises(error, match=f"tv_beta_loss: {words}"):
        tv_beta_loss(*arguments)
    if "beta must" not in words:
        with pytest.raises(error, match=f"tv_loss: {words}"):
            tv_loss(*arguments[:2])
