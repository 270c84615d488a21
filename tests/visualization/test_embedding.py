"""PCA and t-SNE against their definitions, written as loops; the map of thumbnails without overlaps."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from pixelgrad.layers.gradient_check import eval_numerical_gradient
from pixelgrad.visualization import embedding
from pixelgrad.visualization.embedding import (
    joint_probabilities,
    kl_divergence,
    kl_gradient,
    pca,
    squared_distances,
    tsne,
)
from pixelgrad.visualization.thumbnails import grid_cells, thumbnail_map


def cloud(N=40, D=7, seed=0):
    """Points that vary differently in each direction, away from 0."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, D)) @ rng.standard_normal((D, D)) + 5


def clusters(dtype=np.float64, each=20):
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(4), each)
    return (8 * rng.standard_normal((4, 10))[labels] + rng.standard_normal((len(labels), 10))).astype(dtype), labels


# -- PCA --------------------------------------------------------------------------------------------------------------


def test_pca_is_the_eigenvectors_of_the_covariance():
    x = cloud()
    result = pca(x, dims=3)
    values, vectors = np.linalg.eigh(np.cov(x.T))
    np.testing.assert_allclose(result.variance, values[::-1][:3])
    np.testing.assert_allclose(result.share, values[::-1][:3] / values.sum())
    np.testing.assert_allclose(np.abs(result.components @ vectors[:, ::-1][:, :3]), np.eye(3), atol=1e-9)
    np.testing.assert_allclose(result.points, (x - x.mean(axis=0)) @ result.components.T, atol=1e-9)
    np.testing.assert_allclose(result.mean, x.mean(axis=0))


def test_all_components_give_the_points_back():
    x = cloud(N=5, D=9)
    result = pca(x, dims=5)
    np.testing.assert_allclose(result.points @ result.components + result.mean, x, atol=1e-9)


def test_the_sign_of_a_component_is_settled():
    """Mirroring the data mirrors the components' data, not their sign convention."""
    for x in (cloud(), -cloud(), cloud()[::-1].copy()):
        components = pca(x, dims=4).components
        assert all(row[np.abs(row).argmax()] > 0 for row in components)
    np.testing.assert_allclose(pca(-cloud(), dims=4).points, -pca(cloud(), dims=4).points, atol=1e-9)


def test_pca_keeps_dtype_and_points_that_are_all_the_same():
    assert pca(cloud().astype(np.float32)).points.dtype == np.float32
    result = pca(np.ones((6, 3)))
    assert (result.points == 0).all() and (result.share == 0).all()


# -- t-SNE ------------------------------------------------------------------------------------------------------------


def test_squared_distances_are_those_of_scipy():
    x = cloud()
    np.testing.assert_allclose(squared_distances(x), cdist(x, x, "sqeuclidean"), atol=1e-9)
    assert (squared_distances(np.ones((4, 2)) * 1e6) == 0).all()


@pytest.mark.parametrize("perplexity", [2.0, 5.0, 30.0])
def test_each_point_has_the_neighbours_asked_for(perplexity):
    """The conditional probabilities, put together again from the definition, have that perplexity."""
    d = squared_distances(cloud())
    np.fill_diagonal(d, np.inf)
    p = embedding._conditional(d, np.log(perplexity))
    np.testing.assert_allclose(p.sum(axis=1), 1)
    logs = np.log2(np.where(p > 0, p, 1))
    np.testing.assert_allclose(2 ** -(p * logs).sum(axis=1), perplexity, rtol=1e-5)
    ratio = -np.log(p[3, 5] / p[3, 8]) / (d[3, 5] - d[3, 8])
    assert -np.log(p[3, 1] / p[3, 8]) == pytest.approx(ratio * (d[3, 1] - d[3, 8]), rel=1e-6), "a Gaussian"


def test_joint_probabilities_are_symmetric_and_sum_to_one():
    P = joint_probabilities(cloud(), perplexity=6)
    np.testing.assert_array_equal(P, P.T)
    assert P.sum() == pytest.approx(1) and (np.diag(P) == 0).all() and (P >= 0).all()
    assert joint_probabilities(cloud().astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_probabilities_do_not_depend_on_the_unit(scale):
    np.testing.assert_allclose(joint_probabilities(scale * cloud()), joint_probabilities(cloud()), atol=1e-8)


def test_many_equal_points_are_no_trouble():
    x = np.concatenate([np.ones((20, 3)), cloud(10, 3)])
    with np.errstate(all="raise", under="ignore"):
        P = joint_probabilities(x, perplexity=4)
    assert np.isfinite(P).all() and P.sum() == pytest.approx(1)
    assert np.isfinite(tsne(x, perplexity=4, num_iterations=20)).all()


def test_the_divergence_is_its_definition():
    x, Y = cloud(9), np.random.default_rng(1).standard_normal((9, 2))
    P = joint_probabilities(x, perplexity=3)
    w = np.array([[0 if i == j else 1 / (1 + ((Y[i] - Y[j]) ** 2).sum()) for j in range(9)] for i in range(9)])
    Q = w / w.sum()
    expected = sum(P[i, j] * np.log(P[i, j] / Q[i, j]) for i in range(9) for j in range(9) if i != j)
    assert kl_divergence(Y, P) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("block", [1, 20, 1 << 18])
def test_the_gradient_is_that_of_the_divergence(monkeypatch, dims, block):
    monkeypatch.setattr(embedding, "_BLOCK", block)
    P = joint_probabilities(cloud(9), perplexity=3)
    Y = np.random.default_rng(1).standard_normal((9, dims))
    numerical = eval_numerical_gradient(lambda y: kl_divergence(y, P), Y.copy())
    np.testing.assert_allclose(kl_gradient(Y, P), numerical, rtol=1e-6, atol=1e-9)


def test_exaggeration_multiplies_the_attraction_only():
    P = joint_probabilities(cloud(9), perplexity=3)
    Y = np.random.default_rng(1).standard_normal((9, 2))
    one, two, three = (kl_gradient(Y, P, exaggeration=e) for e in (1.0, 2.0, 3.0))
    np.testing.assert_allclose(two - one, three - two, atol=1e-12)
    np.testing.assert_allclose(two - one, kl_gradient(Y, P) - kl_gradient(Y, 0 * P), atol=1e-12)


def test_a_descent_written_out_takes_the_same_steps():
    """Momentum, gains and exaggeration, coordinate by coordinate."""
    x, _ = clusters(each=3)
    P, seen = joint_probabilities(x, perplexity=4), []
    options = {"perplexity": 4, "learning_rate": 30.0, "early_exaggeration": 3.0, "exaggeration_steps": 4}
    tsne(x, num_iterations=9, init="random", rng=1, callback=lambda t, Y, info: seen.append(Y.copy()), **options)
    Y = 1e-4 * np.random.default_rng(1).standard_normal((12, 2))
    velocity, gains = np.zeros((12, 2)), np.ones((12, 2))
    for t in range(9):
        dY = kl_gradient(Y, P, exaggeration=3.0 if t < 4 else 1.0)
        for i, k in np.ndindex(12, 2):
            same = dY[i, k] * velocity[i, k] > 0 or (dY[i, k] <= 0 and velocity[i, k] == 0)
            gains[i, k] = gains[i, k] * 0.8 if same else gains[i, k] + 0.2
            velocity[i, k] = (0.5 if t < 4 else 0.8) * velocity[i, k] - 30 * gains[i, k] * dY[i, k]
        Y = Y + velocity
        Y -= Y.mean(axis=0)
        np.testing.assert_allclose(seen[t], Y, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("init", ["pca", "random"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clusters_stay_together(init, dtype):
    x, labels = clusters(dtype)
    kept = x.copy()
    Y = tsne(x, perplexity=10, num_iterations=400, init=init)
    assert Y.shape == (80, 2) and Y.dtype == dtype and np.abs(Y.mean(axis=0)).max() < 1e-4 * np.abs(Y).max()
    nearest = squared_distances(Y) + np.diag(np.full(80, np.inf))
    assert (labels[nearest.argmin(axis=1)] == labels).all()
    np.testing.assert_array_equal(x, kept)


def test_the_divergence_falls():
    x, _ = clusters()
    P, seen = joint_probabilities(x, perplexity=10), []
    Y = tsne(x, perplexity=10, num_iterations=500, callback=lambda t, Y, info: seen.append((kl_divergence(Y, P), info)))
    assert len(seen) == 500 and seen[-1][0] < 0.5 * seen[0][0] and seen[-1][0] == kl_divergence(Y, P)
    assert seen[-1][1]["gradient_norm"] < 1e-2


@pytest.mark.parametrize(
    "option",
    [
        {"perplexity": 5.0},
        {"num_iterations": 31},
        {"learning_rate": 20.0},
        {"early_exaggeration": 4.0},
        {"exaggeration_steps": 10},
        {"init": "random"},
        {"dims": 3},
    ],
)
def test_every_option_has_an_effect(option):
    x, _ = clusters()
    base, other = (tsne(x, **({"perplexity": 10, "num_iterations": 30} | o)) for o in ({}, option))
    assert base.shape != other.shape or np.abs(base - other).max() > 1e-8 * np.abs(base).max()


def test_the_seed_decides_where_noise_starts():
    x, _ = clusters()
    a, b, c = (tsne(x, init="random", num_iterations=5, rng=seed) for seed in (0, 0, 1))
    assert np.array_equal(a, b) and not np.array_equal(a, c)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"perplexity": 79}, ValueError, "perplexity must be above 1 and below N - 1, which is 79"),
        ({"perplexity": 1}, ValueError, "perplexity must be above 1"),
        ({"dims": 0}, ValueError, "dims must be a whole number"),
        ({"dims": 11}, ValueError, "have 10 components, dims is 11"),
        ({"num_iterations": -1}, ValueError, "num_iterations"),
        ({"learning_rate": 0}, ValueError, "learning_rate must be above 0"),
        ({"early_exaggeration": 0.5}, ValueError, "early_exaggeration must be at least 1"),
        ({"init": "umap"}, ValueError, "must be one of 'pca', 'random'.*, got 'umap'"),
        ({"features": np.zeros((4, 3, 2))}, ValueError, r"features must have the shape \(N, D\)"),
        ({"features": np.zeros((40, 3), int)}, TypeError, "features must be a float array"),
        ({"features": np.full((80, 3), np.nan)}, ValueError, "NaN"),
        ({"perplexities": 3}, TypeError, "perplexities"),
    ],
)
def test_impossible_options_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        tsne(**({"features": clusters()[0]} | options))


# -- the map ----------------------------------------------------------------------------------------------------------


def test_points_on_a_grid_get_the_cells_where_they_lie():
    rows, columns = np.divmod(np.random.default_rng(0).permutation(12), 4)
    Y = np.stack([10.0 * columns, -3.0 * rows], axis=1)  # rows count from the top, the second coordinate upwards
    np.testing.assert_array_equal(grid_cells(Y, shape=(3, 4)), np.stack([rows, columns], axis=1))


@pytest.mark.parametrize("shape", [None, (8, 6), (9, 9)])
def test_no_two_points_share_a_cell_and_none_is_outside(shape):
    cells = grid_cells(np.random.default_rng(1).standard_normal((45, 2)), shape=shape)
    assert len(np.unique(cells, axis=0)) == 45 and (cells >= 0).all()
    assert (cells < (shape or (7, 7))).all()


def test_equal_points_get_cells_too():
    assert len(np.unique(grid_cells(np.zeros((10, 2))), axis=0)) == 10


def test_every_thumbnail_is_in_its_cell():
    pictures = np.random.default_rng(0).integers(0, 200, (3, 4, 5, 3), dtype=np.uint8)
    cells = np.array([[0, 1], [2, 0], [1, 1]])
    map_ = thumbnail_map(pictures, cells, gap=2, background=251)
    assert map_.shape == (3 * 6 - 2, 2 * 7 - 2, 3)
    for picture, (row, column) in zip(pictures, cells):
        np.testing.assert_array_equal(map_[6 * row : 6 * row + 4, 7 * column : 7 * column + 5], picture)
    assert (map_[:4, :5] == 251).all() and (map_ == 251).sum() == map_.size - pictures.size
    assert thumbnail_map(pictures, cells, shape=(4, 6), gap=0).shape == (16, 30, 3)


def test_impossible_maps_are_refused():
    pictures = np.zeros((2, 4, 5, 3), np.uint8)
    for call, words in (
        (lambda: grid_cells(np.zeros((5, 2)), shape=(2, 2)), "2 x 2 cells is too small for 5 points"),
        (lambda: grid_cells(np.zeros((5, 3))), r"Y must have the shape \(N, 2\)"),
        (lambda: thumbnail_map(pictures, np.array([[0, 0], [0, 0]])), "cells must differ"),
        (lambda: thumbnail_map(pictures, np.array([[0, 0], [0, 3]]), shape=(2, 2)), "lie in the grid of 2 x 2"),
        (lambda: thumbnail_map(pictures, np.array([[0, 0]])), "2 pictures need as many cells"),
        (lambda: thumbnail_map(pictures / 255, np.array([[0, 0], [0, 1]])), "pictures must be uint8"),
        (lambda: pca(cloud(), dims=8), "40 points of 7 features have 7 components, dims is 8"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
