"""Facets: clusters of a set of images, and the means that activation maximization starts from."""

import numpy as np
import pytest

from pixelgrad.visualization import facet_starts, visualize_neuron


def coloured():
    """Ten bluish and six reddish pictures, mixed, as a set; and which are which."""
    rng = np.random.default_rng(4)
    red = rng.permutation(16) < 6
    images = rng.integers(0, 60, (16, 3, 32, 36))
    images[red, 0] += 150
    images[~red, 2] += 150
    return images.astype(np.uint8), red


@pytest.mark.parametrize("layer", [None, "conv2"])
def test_facets_are_means_of_images_alike_the_largest_cluster_first(model, layer):
    images, red = coloured()
    kept = images.copy()
    facets = facet_starts(images, model, num_facets=2, layer=layer, nearest=99)
    np.testing.assert_array_equal(facets.labels, red.astype(int))
    X = model.preprocess(images.transpose(0, 2, 3, 1))
    for mean, members, group in zip(facets.X, facets.nearest, (~red, red)):
        assert sorted(members) == list(np.flatnonzero(group))
        np.testing.assert_allclose(mean, X[group].mean(axis=0))
    np.testing.assert_array_equal(images, kept)


def test_a_mean_is_over_the_most_typical_ones(model):
    images, red = coloured()
    facets = facet_starts(images, model, num_facets=2, nearest=3)
    X = model.preprocess(images.transpose(0, 2, 3, 1))
    for k, members in enumerate(facets.nearest):
        own = np.flatnonzero(facets.labels == k)
        distance = ((X[own] - X[own].mean(axis=0)) ** 2).sum(axis=(1, 2, 3))
        assert list(members) == list(own[np.argsort(distance)[:3]])
        np.testing.assert_allclose(facets.X[k], X[members].mean(axis=0))


def test_facets_repeat_and_the_layer_and_the_number_count(model):
    images = np.random.default_rng(0).integers(0, 256, (30, 3, 32, 36), dtype=np.uint8)
    a, b = (facet_starts(images, model, num_facets=3, rng=1) for _ in range(2))
    np.testing.assert_array_equal(a.X, b.X)
    assert facet_starts(images, model, num_facets=5).X.shape == (5, 3, 32, 36)
    assert not np.array_equal(a.labels, facet_starts(images, model, num_facets=3, layer="conv2", rng=1).labels)
    assert not np.array_equal(a.labels, facet_starts(images, model, num_facets=3, rng=2).labels)
    assert facet_starts(images[:1], model, num_facets=1).X.shape == (1, 3, 32, 36)


def test_impossible_facets_are_refused(model):
    images, _ = coloured()
    for options, words in (
        ({"num_facets": 17}, "num_facets is 17, but there are 16 different images"),
        ({"num_facets": 0}, "num_facets must be a whole number"),
        ({"nearest": 0}, "nearest must be a whole number"),
        ({"images": images[:1].repeat(5, axis=0), "num_facets": 2}, "there are 1 different images"),
        ({"layer": "conv9"}, "unknown layer"),
    ):
        with pytest.raises(ValueError, match=words):
            facet_starts(**({"images": images, "model": model} | options))


def test_facets_lead_to_different_images_of_the_same_class(model):
    images, _ = coloured()
    starts = facet_starts(images, model, num_facets=2).X
    seen = []
    options = {"num_iterations": 20, "blur_every": 0, "callback": lambda t, X, info: seen.append(info)}
    X = visualize_neuron("affine1", model, channel=1, X_init=starts, **options)
    assert (seen[-1]["activation"] > seen[0]["activation"]).all() and np.abs(X[0] - X[1]).mean() > 5
