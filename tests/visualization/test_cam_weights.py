import numpy as np
import pytest

from pixelgrad.classifiers import Network
from pixelgrad.classifiers.scores import one_hot, softmax
from pixelgrad.visualization import (
    ablation_cam,
    class_activation_maps,
    eigen_cam,
    grad_cam,
    grad_cam_plus_plus,
    hires_cam,
    layer_cam,
    score_cam,
    xgrad_cam,
)
from pixelgrad.visualization.cam import upsample_maps

BY_GRADIENT = [grad_cam_plus_plus, layer_cam, hires_cam, xgrad_cam]
ALL = [*BY_GRADIENT, score_cam, ablation_cam]
RAW = {"relu": False, "upsample": False}
Y = np.array([0, 4])


def features_and_gradient(model, X, y, layer):
    A, _ = model.forward(X, end=layer)
    scores, cache = model.forward(A, start=model.layer_index(layer) + 1)
    return A, model.backward(one_hot(y, scores), cache)[0]


@pytest.mark.parametrize("method", [hires_cam, grad_cam, xgrad_cam])
def test_before_global_average_pooling_they_are_cam_divided_by_the_number_of_positions(model, images, method):
    _, h, w = model.output_shapes()["conv2"]
    cam = class_activation_maps(images, Y, model, upsample=False)
    np.testing.assert_allclose(method(images, Y, model, **RAW), cam / (h * w), rtol=1e-9)


def test_the_sum_of_hires_cam_is_the_score_less_the_bias(model, images):
    maps = hires_cam(images, Y, model, **RAW)
    expected = model.scores(images)[[0, 1], Y] - model.params["b3"][Y]
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), expected, rtol=1e-9)


def test_at_an_early_layer_each_is_its_formula(model, images):
    A, g = features_and_gradient(model, images, Y, "conv1")
    total = A.sum(axis=(2, 3), keepdims=True)
    alpha = g**2 / (2 * g**2 + total * g**3 + (g == 0))
    expected = {
        hires_cam: g,
        layer_cam: np.maximum(g, 0),
        xgrad_cam: (A * g).sum(axis=(2, 3), keepdims=True) / np.where(total > 0, total, 1),
        grad_cam_plus_plus: (alpha * np.maximum(g, 0)).sum(axis=(2, 3), keepdims=True),
    }
    maps = {}
    for method, weights in expected.items():
        maps[method] = method(images, Y, model, layer="conv1", **RAW)
        np.testing.assert_allclose(maps[method], (weights * A).sum(axis=1), rtol=1e-9, atol=1e-12)
    assert abs(maps[hires_cam] - maps[xgrad_cam]).max() > 1e-3 * abs(maps[hires_cam]).max()


def test_ablation_cam_weighs_by_what_is_lost(model, images):
    A, _ = model.forward(images, end="conv2")
    y, score = 3, model.scores(images)[:, 3]
    weights = np.empty(A.shape[:2])
    for c in range(A.shape[1]):
        without = A.copy()
        without[:, c] = 0
        weights[:, c] = (score - model.forward(without, start="global_avg_pool")[0][:, y]) / abs(score)
    expected = (weights[:, :, None, None] * A).sum(axis=1)
    np.testing.assert_allclose(ablation_cam(images, y, model, **RAW), expected, rtol=1e-9)


def test_ablation_cam_of_a_linear_head_is_cam_divided_by_the_score(model, images):
    """The score is linear in the channels there: a channel's loss costs what it added, its weight times its mean.

    So a channel counts with its mean, and is weighted by it once more in the sum.
    """
    A, _ = model.forward(images, end="conv2")
    mean = A.mean(axis=(2, 3))
    weights = mean * model.params["W3"][:, Y].T / abs(model.scores(images)[[0, 1], Y])[:, None]
    np.testing.assert_allclose(ablation_cam(images, Y, model, **RAW), np.einsum("nc,nchw->nhw", weights, A), rtol=1e-8)


def test_score_cam_by_its_definition(model, images):
    X, y = images[:1], 3
    A = model.forward(X, end="conv2")[0][0]
    increase = []
    for a in A:
        mask = upsample_maps(((a - a.min()) / (a.max() - a.min()))[None], X.shape[2:])
        increase.append(model.scores(X * mask)[0, y] - model.scores(0 * X)[0, y])
    expected = np.einsum("c,chw->hw", softmax(np.array([increase]))[0], A)
    np.testing.assert_allclose(score_cam(X, y, model, **RAW)[0], expected, rtol=1e-9)


def test_score_cam_on_the_channels_that_vary_most(model, images):
    X, y = images[:1], 3
    A = model.forward(X, end="conv2")[0][0]
    seen = []
    few = score_cam(X, y, model, channels=3, callback=lambda n, map_, info: seen.append(info["weights"]), **RAW)
    tried = np.argsort(-A.std(axis=(1, 2)))[:3]
    assert set(np.flatnonzero(seen[0])) == set(tried) and np.isclose(seen[0].sum(), 1)
    # Among those tried, weights keep the ratios that they have among all: a softmax of fewer scores.
    score_cam(X, y, model, callback=lambda n, map_, info: seen.append(info["weights"]), **RAW)
    np.testing.assert_allclose(seen[0][tried], seen[1][tried] / seen[1][tried].sum(), rtol=1e-9)
    np.testing.assert_allclose(few[0], np.einsum("c,chw->hw", seen[0], A), rtol=1e-9)
    np.testing.assert_array_equal(score_cam(X, y, model, channels=99), score_cam(X, y, model))


def test_eigen_cam_is_the_best_map_of_rank_one(model, images):
    A, _ = model.forward(images, end="conv2")
    maps = eigen_cam(images, model, **RAW)
    for a, map_ in zip(A, maps):
        matrix = a.reshape(len(a), -1).T
        s = np.linalg.svd(matrix, compute_uv=False)
        np.testing.assert_allclose(np.linalg.norm(map_), s[0])  # the projection on it is the longest there is
        np.testing.assert_allclose(matrix @ (matrix.T @ map_.ravel()), s[0] ** 2 * map_.ravel(), rtol=1e-7)
        assert map_.sum() > 0


@pytest.mark.parametrize("method", ALL)
def test_images_do_not_influence_each_other_and_nothing_is_modified(model, images, method):
    kept, params = images.copy(), {name: value.copy() for name, value in model.params.items()}
    together = method(images, Y, model, layer="conv1")
    alone = np.concatenate([method(images[n : n + 1], k, model, layer="conv1") for n, k in enumerate(Y)])
    np.testing.assert_allclose(together, alone, rtol=1e-7, atol=1e-12)
    assert together.shape == (2, 32, 36)
    np.testing.assert_array_equal(images, kept)
    assert all(np.array_equal(model.params[name], value) for name, value in params.items())


@pytest.mark.parametrize("method", [*ALL, lambda X, y, model, **options: eigen_cam(X, model, **options)])
def test_relu_layer_and_upsample_are_those_of_grad_cam(model, images, method):
    signed = method(images, Y, model, **RAW)
    np.testing.assert_array_equal(method(images, Y, model, upsample=False), np.maximum(signed, 0))
    np.testing.assert_array_equal(method(images, Y, model), upsample_maps(np.maximum(signed, 0), images.shape[2:]))
    assert method(images, Y, model, layer="conv1", upsample=False).shape == (2, 16, 18)
    with pytest.raises(ValueError, match="has no maps"):
        method(images, Y, model, layer="global_avg_pool")


@pytest.mark.parametrize("method", [score_cam, ablation_cam])
def test_batches_do_not_show_and_the_callback_gets_each_map(model, images, method):
    seen = []
    maps = method(images, Y, model, batch_size=3, callback=lambda *given: seen.append(given))
    np.testing.assert_allclose(maps, method(images, Y, model), rtol=1e-9)
    assert [n for n, _, _ in seen] == [0, 1] and seen[0][2]["weights"].shape == (8,)
    np.testing.assert_array_equal(np.concatenate([map_ for _, map_, _ in seen]), maps)


def test_channels_that_are_dead_do_not_divide_by_zero():
    conv = {"type": "conv", "filters": 4, "size": 3}
    network = Network([conv, {"type": "affine", "units": 3}], input_size=(8, 9), pixel_mean=[0.0] * 3, dtype=np.float64)
    network.params["W1"][0] = 0
    network.params["b1"][0] = -1
    X = np.random.default_rng(0).uniform(1, 50, (2, 3, 8, 9))
    for method in (*ALL, lambda X, y, model: eigen_cam(X, model)):
        assert np.isfinite(method(X, 1, network)).all()
    network.params["b1"][:] = -1e6  # no channel is active
    for method in (*ALL, lambda X, y, model: eigen_cam(X, model)):
        np.testing.assert_array_equal(method(X, 1, network), 0)


@pytest.mark.parametrize("method", ALL)
def test_what_is_no_class_and_no_option_is_refused(model, images, method):
    with pytest.raises(ValueError, match="from 0 to 4"):
        method(images, 5, model)
    with pytest.raises(TypeError, match="upsampel"):
        method(images, 0, model, upsampel=True)
    if method in (score_cam, ablation_cam):
        with pytest.raises(ValueError, match="batch_size must be a whole number"):
            method(images, 0, model, batch_size=0)
    if method is score_cam:
        with pytest.raises(ValueError, match="channels must be a whole number of at least 1, got 2.5"):
            method(images, 0, model, channels=2.5)
