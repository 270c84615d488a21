import numpy as np
import pytest

from pixelgrad.layers import eval_numerical_gradient
from pixelgrad.visualization import compute_saliency_maps


def test_saliency_of_a_linear_model_is_the_largest_absolute_weight(linear):
    X = np.random.default_rng(0).standard_normal((3, 3, 5, 6))
    y = np.array([2, 0, 3])
    expected = np.abs(linear.W).max(axis=0)[..., y].transpose(2, 0, 1)  # (N, H, W)
    np.testing.assert_allclose(compute_saliency_maps(X, y, linear), expected, rtol=1e-12)


def test_saliency_is_the_numerical_derivative_of_the_score(model, images):
    X = images[:1, :, :16, :20] + 0.123
    y = 3
    dX = eval_numerical_gradient(lambda Z: model.loss(Z)[0, y], X.copy(), h=1e-3)
    np.testing.assert_allclose(compute_saliency_maps(X, y, model), np.abs(dX).max(axis=1), rtol=1e-4, atol=1e-9)


def test_it_is_the_gradient_of_the_score_not_of_the_loss(model, images):
    """Where the network is sure, the gradient of the loss vanishes; that of the score does not."""
    model.params["b3"][2] += 1000
    assert compute_saliency_maps(images, 2, model).max() > 1e-5


def test_images_do_not_influence_each_other(model, images):
    together = compute_saliency_maps(images, [0, 4], model)
    alone = [compute_saliency_maps(images[i : i + 1], [y], model)[0] for i, y in enumerate((0, 4))]
    np.testing.assert_allclose(together, alone, rtol=1e-10)


def test_shape_sign_and_untouched_arguments(model, images):
    kept, params = images.copy(), {k: v.copy() for k, v in model.params.items()}
    maps = compute_saliency_maps(images, 1, model)
    assert maps.shape == (2, 32, 36) and maps.min() >= 0 and maps.dtype == images.dtype
    np.testing.assert_array_equal(images, kept)
    assert all(np.array_equal(model.params[k], v) for k, v in params.items())


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        (5, ValueError, "from 0 to 4"),
        (-1, ValueError, "from 0 to 4"),
        ([0, 1, 2], ValueError, "2 images need 2 classes"),
        (1.0, TypeError, "whole numbers"),
        ("cat", ValueError, "unknown class"),
    ],
)
def test_impossible_classes_are_refused(model, images, y, error, words):
    with pytest.raises(error, match=words):
        compute_saliency_maps(images, y, model)


def test_pictures_that_are_not_in_model_space_are_refused(model, images):
    with pytest.raises(TypeError, match="preprocess"):
        compute_saliency_maps(model.deprocess(images), 0, model)
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        compute_saliency_maps(images[0], 0, model)
    with pytest.raises(ValueError, match="N at least 1"):
        compute_saliency_maps(images[:0], 0, model)
