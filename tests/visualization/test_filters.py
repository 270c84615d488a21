"""Filters and activation maps: the numbers of the network itself, in the right places."""

import numpy as np
import pytest

from pixelgrad.visualization.filters import activation_maps, first_layer_filters, layer_filters, tile_grid


def test_a_first_layer_filter_is_the_picture_of_its_weights(model):
    w = model.params["W1"]
    tiles = first_layer_filters(model)
    assert tiles.shape == (6, 3, 3, 3) and tiles.dtype == np.uint8
    for f, y, x, c in np.ndindex(*tiles.shape):
        assert abs(tiles[f, y, x, c] - (128 + 127 * w[f, c, y, x] / np.abs(w[f]).max())) <= 0.5
    assert all(abs(tile.astype(int) - 128).max() == 127 for tile in tiles)


def test_on_a_shared_scale_weak_filters_are_pale(model):
    model.params["W1"][2] *= 1e-3
    tiles = first_layer_filters(model, shared_scale=True)
    assert (tiles[2] == 128).all() and np.abs(tiles.astype(int) - 128).max() == 127
    assert first_layer_filters(model)[2].std() > 20


def test_dead_filters_are_grey(model):
    model.params["W1"][1] = 0
    assert (first_layer_filters(model)[1] == 128).all()


def test_deeper_filters_are_those_with_the_largest_weights(model):
    w = model.params["W2"]  # (8, 6, 3, 3)
    w[[1, 6]] *= 100
    w[:, [0, 4]] *= 100
    kept = w.copy()
    tiles, filters, channels = layer_filters(model, "conv2", max_filters=2, max_channels=2)
    assert list(filters) == [1, 6] and list(channels) == [0, 4] and tiles.shape == (2, 2, 3, 3)
    expected = 128 + 127 * w[6, 4] / max(np.abs(w[6, c]).max() for c in (0, 4))
    assert np.abs(tiles[1, 1] - expected).max() <= 0.5
    np.testing.assert_array_equal(w, kept)
    assert layer_filters(model, 1)[0].shape == (8, 6, 3, 3), "all there are"


def test_layers_without_filters_are_refused(model):
    with pytest.raises(ValueError, match="layer_filters: layer affine1 is not a convolution.*conv1, conv2"):
        layer_filters(model, "affine1")
    with pytest.raises(ValueError, match="unknown layer 'conv9'"):
        layer_filters(model, "conv9")
    with pytest.raises(ValueError, match="max_filters must be a whole number"):
        layer_filters(model, "conv2", max_filters=0)


@pytest.mark.parametrize("by", ["mean", "max"])
def test_the_most_active_maps_come_first(model, images, by):
    kept = images.copy()
    feats, _ = model.forward(images, end=1)
    result = activation_maps(images, "conv2", model, top=3, by=by)
    assert result.maps.shape == (2, 3, 16, 18) and result.layer == "conv2"
    for n in range(2):
        activity = getattr(feats[n], by)(axis=(1, 2))
        assert sorted(activity)[::-1][:3] == pytest.approx(list(result.activity[n]))
        for maps, c in zip(result.maps[n], result.channels[n]):
            np.testing.assert_array_equal(maps, feats[n, c])
    np.testing.assert_array_equal(images, kept)


def test_mean_and_maximum_order_differently(model, images):
    a, b = (activation_maps(images, 0, model, top=6, by=by).channels for by in ("mean", "max"))
    assert not np.array_equal(a, b) and np.array_equal(np.sort(a), np.sort(b))


def test_layers_without_maps_are_maps_of_a_pixel(model, images):
    scores = model.scores(images)
    result = activation_maps(images, "affine1", model, top=99)
    assert result.maps.shape == (2, 5, 1, 1)
    np.testing.assert_allclose(result.maps[..., 0, 0], -np.sort(-scores, axis=1))


def test_impossible_maps_are_refused(model, images):
    with pytest.raises(ValueError, match="activation_maps: by must be one of 'mean', 'max', got 'sum'"):
        activation_maps(images, 0, model, by="sum")
    with pytest.raises(ValueError, match="top must be a whole number"):
        activation_maps(images, 0, model, top=0)
    with pytest.raises(TypeError, match="model.preprocess"):
        activation_maps(images.astype(np.uint8), 0, model)
    with pytest.raises(TypeError):
        activation_maps(images, 0, model, tops=1)


def test_a_grid_holds_every_tile_where_it_belongs():
    tiles = np.random.default_rng(0).integers(0, 200, (5, 2, 3, 3), dtype=np.uint8)
    grid = tile_grid(tiles, columns=3, magnify=2, gap=4, background=250)
    assert grid.shape == (4 + 2 * 8, 4 + 3 * 10, 3)
    for n, tile in enumerate(tiles):
        top, left = 4 + 8 * (n // 3), 4 + 10 * (n % 3)
        np.testing.assert_array_equal(grid[top : top + 4 : 2, left : left + 6 : 2], tile)
        np.testing.assert_array_equal(grid[top + 1 : top + 4 : 2, left + 1 : left + 6 : 2], tile)
    assert (grid[:4] == 250).all() and (grid[12:, 24:] == 250).all() and (grid[:, :4] == 250).all()
    assert tile_grid(tiles[..., 0]).shape == (2 * 3 + 1, 3 * 4 + 1)


def test_a_grid_of_what_is_no_tile_is_refused():
    with pytest.raises(ValueError, match="tile_grid: tiles must be uint8"):
        tile_grid(np.zeros((3, 4, 4, 3)))
    with pytest.raises(ValueError, match="columns must be a whole number of at least 1"):
        tile_grid(np.zeros((3, 4, 4), np.uint8), columns=0)
