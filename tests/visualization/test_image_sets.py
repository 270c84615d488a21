"""Image sets: batches that do not show, features as the network gives them, and crops that come from where they say."""

import numpy as np
import pytest

from pixelgrad.datasets import resize_image, sample_names
from pixelgrad.visualization.image_sets import (
    as_pictures,
    batches,
    check_image_set,
    features_of,
    in_model_space,
    random_crops,
    sample_crops,
)


@pytest.fixture
def pixels():
    """Seven images as data sets have them, uint8 (7, 3, 32, 36)."""
    return np.random.default_rng(0).integers(0, 256, (7, 3, 32, 36), dtype=np.uint8)


@pytest.fixture
def photographs():
    """Two pictures without a colour in common: red and green rise with rows and columns, blue says which it is."""
    rows, columns = np.mgrid[:60, :90].astype(np.uint8)
    return [np.stack([rows * 4, columns * 2, np.full_like(rows, blue)], axis=-1) for blue in (40, 200)]


# -- sets -------------------------------------------------------------------------------------------------------------


def test_pixels_and_model_space_are_the_same_set(model, pixels):
    X = model.preprocess(pixels.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(in_model_space(pixels, model), X)
    assert in_model_space(X, model) is X
    pictures = pixels.transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(as_pictures(pixels, model), pictures)
    np.testing.assert_array_equal(as_pictures(X, model), pictures)
    for layer in (None, "conv2", -1):
        np.testing.assert_array_equal(features_of(pixels, layer, model), features_of(X, layer, model))


def test_pictures_are_a_copy(model, pixels):
    before = pixels.copy()
    as_pictures(pixels, model)[:] = 0
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 50])
def test_batches_are_the_set_in_its_order(model, pixels, batch_size):
    parts = list(batches("op", pixels, model, batch_size=batch_size))
    assert [first for first, _ in parts] == list(range(0, 7, batch_size))
    np.testing.assert_array_equal(np.concatenate([X for _, X in parts]), in_model_space(pixels, model))


def test_a_memory_map_is_read_a_batch_at_a_time(model, pixels, tmp_path):
    np.save(tmp_path / "set.npy", pixels)
    mapped = np.load(tmp_path / "set.npy", mmap_mode="r")
    read = []

    class Counted(np.memmap):
        def __getitem__(self, index):
            read.append(index)
            return super().__getitem__(index)

    features_of(mapped.view(Counted), "conv1", model, batch_size=3)
    assert [index for index in read if isinstance(index, slice)] == [slice(0, 3), slice(3, 6), slice(6, 9)]


@pytest.mark.parametrize("layer", ["conv1", 1, "global_avg_pool", "affine1", None])
def test_features_are_the_layers_outputs_as_rows(model, pixels, layer):
    X = in_model_space(pixels, model)
    expected = X if layer is None else model.forward(X, end=layer)[0]
    for batch_size in (2, 7):
        found = features_of(pixels, layer, model, batch_size=batch_size)
        assert found.dtype == model.dtype
        np.testing.assert_allclose(found, expected.reshape(7, -1), rtol=1e-12, atol=1e-12)


def test_the_bar_counts_batches(model, pixels, capsys):
    features_of(pixels, "conv1", model, batch_size=3)
    assert capsys.readouterr().err == ""
    features_of(pixels, "conv1", model, batch_size=3, progress=True)
    assert "features_of" in (err := capsys.readouterr().err) and "3/3" in err


@pytest.mark.parametrize(
    ("images", "error", "words"),
    [
        (np.zeros((2, 3, 8, 8), dtype=int), TypeError, "op: images must be an array of uint8 .* got int64"),
        ([[1]], TypeError, "got list"),
        (np.zeros((2, 8, 8, 3), np.uint8), ValueError, r"\(N, 3, H, W\) with N at least 1, got \(2, 8, 8, 3\)"),
        (np.zeros((3, 8, 8), np.uint8), ValueError, r"got \(3, 8, 8\)"),
        (np.zeros((0, 3, 8, 8), np.uint8), ValueError, "N at least 1"),
    ],
)
def test_what_is_no_set_is_refused(model, images, error, words):
    with pytest.raises(error, match=words):
        check_image_set("op", images)
    with pytest.raises(error, match=words):
        next(batches("op", images, model))


def test_a_set_with_nan_or_a_wrong_batch_size_is_refused(model, pixels):
    X = in_model_space(pixels, model)
    X[4, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="images"):
        list(batches("op", X, model, batch_size=2))
    with pytest.raises(ValueError, match="batch_size"):
        next(batches("op", pixels, model, batch_size=0))
    with pytest.raises(ValueError, match="conv9"):
        features_of(pixels, "conv9", model)


# -- crops ------------------------------------------------------------------------------------------------------------


def test_crops_are_of_the_size_and_the_picture_that_they_say(photographs):
    images, source = random_crops(photographs, 7, size=(10, 14), rng=1)
    assert images.shape == (7, 3, 10, 14) and images.dtype == np.uint8
    assert source.tolist() == [0, 1, 0, 1, 0, 1, 0], "shared out equally"
    for image, k in zip(images, source):
        assert abs(image[2].astype(int) - (40, 200)[k]).max() <= 1
    assert random_crops(photographs, 2, size=9)[0].shape == (2, 3, 9, 9)


def test_crops_lie_in_the_picture_upright_and_some_are_mirrored(photographs):
    images, _ = random_crops(photographs, 60, size=16, rng=2)
    down = np.diff(images[:, 0].astype(int).mean(axis=2), axis=1)
    across = np.diff(images[:, 1].astype(int).mean(axis=1), axis=1)
    assert (down >= 0).all(), "never upside down"
    mirrored = across.mean(axis=1) < 0
    assert 10 < mirrored.sum() < 50


def test_smallest_is_the_least_part_of_the_shorter_side(photographs):
    """Red rises by 4 a row: the span of a crop tells its height."""

    def heights(smallest):
        images, _ = random_crops(photographs, 200, size=30, smallest=smallest, rng=3)
        return np.ptp(images[:, 0].astype(int), axis=(1, 2)) / 4 + 1

    assert 0.45 * 60 < heights(0.5).min() < 0.6 * 60 and heights(0.5).max() > 0.9 * 60
    assert heights(0.1).min() < 0.2 * 60


def test_with_smallest_1_a_square_picture_comes_back_whole(photographs):
    square = photographs[0][:, :60]
    images, _ = random_crops([square], 8, size=20, smallest=1, rng=0)
    whole = resize_image(square, (20, 20)).transpose(2, 0, 1)
    mirrored = resize_image(square[:, ::-1], (20, 20)).transpose(2, 0, 1)
    assert all(np.array_equal(image, whole) or np.array_equal(image, mirrored) for image in images)


def test_crops_repeat_with_the_seed_and_leave_the_pictures_alone(photographs):
    before = [picture.copy() for picture in photographs]
    a, b, c = (random_crops(photographs, 4, size=12, rng=seed)[0] for seed in (None, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    for picture, was in zip(photographs, before):
        np.testing.assert_array_equal(picture, was)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"count": 0}, "count"),
        ({"smallest": 0}, "above 0 and at most 1, got 0"),
        ({"smallest": 1.5}, "got 1.5"),
        ({"pictures": []}, "no pictures"),
    ],
)
def test_crops_that_cannot_be_are_refused(photographs, options, words):
    given = {"pictures": photographs, "count": 3, "size": 8} | options
    with pytest.raises(ValueError, match=f"random_crops: .*{words}"):
        random_crops(given.pop("pictures"), given.pop("count"), **given)


def test_sample_crops_are_of_all_samples_in_their_order():
    names = sample_names()
    images, source = sample_crops(2 * len(names), size=8, rng=4)
    assert images.shape == (2 * len(names), 3, 8, 8) and source.tolist() == [*range(len(names))] * 2
