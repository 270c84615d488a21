"""Neighbours against a search by scipy, and the laws of the two distances."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from pixelgrad.visualization.neighbours import nearest_neighbours


def pictures(count, seed=8):
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 32, 36), dtype=np.uint8)


def vectors(model, images, layer):
    X = model.preprocess(images.transpose(0, 2, 3, 1))
    return (X if layer is None else model.forward(X, end=layer)[0]).reshape(len(X), -1)


@pytest.mark.parametrize("layer", [None, 0, "conv2", "global_avg_pool", "affine1"])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("batch_size", [4, 64])
def test_they_are_the_nearest_of_all(model, layer, metric, batch_size):
    queries, images = pictures(3, 1), pictures(17)
    found = nearest_neighbours(queries, images, layer, model, count=6, metric=metric, batch_size=batch_size)
    distances = cdist(vectors(model, queries, layer), vectors(model, images, layer), metric)
    np.testing.assert_array_equal(found.images, np.argsort(distances, axis=1)[:, :6])
    np.testing.assert_allclose(found.distances, np.sort(distances, axis=1)[:, :6], rtol=1e-7, atol=1e-12)


def test_a_query_among_the_images_is_its_own_neighbour_unless_left_out(model):
    images = pictures(9)
    own = np.array([7, 2])
    found = nearest_neighbours(images[own], images, 1, model, count=3)
    assert list(found.images[:, 0]) == [7, 2] and (found.distances[:, 0] == 0).all()
    without = nearest_neighbours(images[own], images, 1, model, count=2, own_index=own)
    np.testing.assert_array_equal(without.images, found.images[:, 1:])
    only_one = nearest_neighbours(images[own], images, 1, model, count=3, own_index=[-1, 2])
    assert only_one.images[0, 0] == 7 and 2 not in only_one.images[1]


def test_a_duplicate_of_the_query_stays(model):
    images = pictures(9)
    images[5] = images[7]
    found = nearest_neighbours(images[[7]], images, 1, model, count=1, own_index=[7])
    assert found.images[0, 0] == 5 and found.distances[0, 0] == 0


def test_equally_near_images_come_in_their_order(model):
    images = pictures(1).repeat(5, axis=0)
    found = nearest_neighbours(pictures(1, 3), images, 0, model, count=4, batch_size=2)
    assert list(found.images[0]) == [0, 1, 2, 3]


def test_the_cosine_does_not_see_how_strong_features_are(model):
    """A picture with half the contrast is no neighbour in distance, and the same in proportion."""
    X = model.preprocess(pictures(6).transpose(0, 2, 3, 1))
    rng = np.random.default_rng(0)
    images = np.concatenate([X + 20 * rng.standard_normal(X.shape), 0.2 * X[:1]])
    euclid, cosine = (
        nearest_neighbours(X[:1], images, None, model, count=1, metric=m).images[0, 0] for m in ("euclidean", "cosine")
    )
    assert (euclid, cosine) == (0, 6)


def test_nothing_is_like_an_image_without_features(model):
    model.params["gamma1"][:] = 0
    model.params["beta1"][:] = -1
    found = nearest_neighbours(pictures(1), pictures(4), 0, model, count=2, metric="cosine")
    assert (found.distances == 1).all()


def test_pictures_and_model_space_give_the_same_and_stay_as_they_are(model):
    queries, images = pictures(2, 1), pictures(9)
    kept = images.copy()
    a = nearest_neighbours(queries, images, 1, model)
    b = nearest_neighbours(*(model.preprocess(x.transpose(0, 2, 3, 1)) for x in (queries, images)), 1, model)
    for one, other in zip(a, b):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(images, kept)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"count": 10}, ValueError, "count is 10, but there are 9 images"),
        ({"count": 9, "own_index": [0, 1]}, ValueError, "there are 8 images beside the query"),
        ({"count": 0}, ValueError, "count must be a whole number"),
        ({"metric": "manhattan"}, ValueError, "must be one of 'euclidean', 'cosine'.*, got 'manhattan'"),
        ({"own_index": [0]}, ValueError, "own_index must be 2 whole numbers"),
        ({"own_index": [0, 9]}, ValueError, "own_index must be from 0 to 8"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"layer": "conv9"}, ValueError, "unknown layer"),
        ({"queries": np.zeros((2, 3, 24, 24))}, ValueError, "make them one size"),
        ({"images": [1, 2]}, TypeError, "images must be an array"),
        ({"neighbours": 3}, TypeError, "neighbours"),
    ],
)
def test_impossible_options_are_refused(model, options, error, words):
    arguments = {"queries": pictures(2, 1), "images": pictures(9), "layer": 1, "model": model, "count": 1}
    with pytest.raises(error, match=words):
        nearest_neighbours(**(arguments | options))
