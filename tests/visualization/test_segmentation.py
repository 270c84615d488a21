"""Segmentation: rectangles of maps are found, by thresholds and by colours."""

import numpy as np
import pytest

from pixelgrad.visualization.segmentation import Box, segment_object

PICTURE = np.random.default_rng(0).integers(0, 200, (20, 30, 3), dtype=np.uint8)


def rectangle(*boxes, value=1.0):
    map_ = np.zeros((20, 30))
    for top, left, bottom, right in boxes:
        map_[top:bottom, left:right] = value
    return map_


@pytest.mark.parametrize("threshold", ["otsu", 0.8])
def test_a_bright_rectangle_is_the_object(threshold):
    map_ = rectangle((3, 5, 9, 16))
    result = segment_object(PICTURE, map_, threshold=threshold, sigma=0)
    np.testing.assert_array_equal(result.mask, map_ > 0)
    assert result.box == Box(3, 5, 9, 16) and 0 <= result.threshold < 1
    np.testing.assert_array_equal(result.cutout[3:9, 5:16], PICTURE[3:9, 5:16])
    assert (result.cutout[~result.mask] == 255).all()


def test_otsu_parts_two_heaps_whatever_their_level():
    rng = np.random.default_rng(0)
    map_ = 5 + 0.3 * rng.random((20, 30)) + 4 * rectangle((3, 5, 9, 16))
    np.testing.assert_array_equal(segment_object(PICTURE, map_, sigma=0).mask, map_ > 7)


def test_colours_carry_the_object_to_where_the_map_is_weak():
    """The map is bright at one end of a red bar on a green ground; the bar, but for single pixels, is cut out."""
    picture = np.full((40, 50, 3), (20, 120, 40), dtype=np.uint8)
    picture[10:20, 5:45] = (200, 30, 20)
    map_ = 0.3 * np.random.default_rng(0).random((40, 50))
    map_[10:20, 5:45] += 0.2
    map_[11:19, 6:20] = 1
    bar = picture[..., 0] == 200
    mask = segment_object(picture, map_, threshold="colours", sigma=1).mask
    assert mask[bar].mean() > 0.95 and mask[~bar].mean() < 0.01
    assert segment_object(picture, map_, threshold="otsu", sigma=1).mask[bar].mean() < 0.6


def test_where_all_colours_are_alike_the_map_decides():
    picture, map_ = np.full((40, 50, 3), 99, dtype=np.uint8), np.arange(2000.0).reshape(40, 50)
    found = segment_object(picture, map_, threshold="colours", sigma=0)
    assert np.array_equal(found.mask, map_ > 1399.5) and found.threshold == 0


def test_a_quantile_says_how_much_is_kept():
    map_ = np.random.default_rng(1).random((20, 30))
    mask = segment_object(PICTURE, map_, threshold=0.9, sigma=0, largest=False).mask
    assert 60 <= mask.sum() <= 66, "600 pixels, a tenth of them, and holes"


def test_of_two_regions_the_heavier_is_kept_and_its_hole_filled():
    map_ = rectangle((2, 2, 9, 9), (12, 15, 18, 28))
    map_[14:16, 18:22] = 0
    one = segment_object(PICTURE, map_, sigma=0)
    assert one.box == Box(12, 15, 18, 28) and one.mask.sum() == 6 * 13
    assert segment_object(PICTURE, map_, sigma=0, largest=False).box == Box(2, 2, 18, 28)


def test_smoothing_joins_grains():
    map_ = np.zeros((20, 30))
    map_[4:14:3, 8:20:3] = 1
    assert segment_object(PICTURE, map_, sigma=0).mask.sum() == 1
    assert segment_object(PICTURE, map_, sigma=2).mask.sum() > 60


def test_the_background_is_the_grey_asked_for():
    result = segment_object(PICTURE, rectangle((3, 5, 9, 16)), background=7)
    assert (result.cutout[~result.mask] == 7).all()


@pytest.mark.parametrize("value", [0.0, 3.7, -2.0])
def test_a_constant_map_shows_no_object(value):
    for options in ({}, {"threshold": 0.5}, {"sigma": 0}):
        result = segment_object(PICTURE, np.full((20, 30), value), **options)
        assert not result.mask.any() and result.box is None and (result.cutout == 255).all()


def test_negative_evidence_is_no_object():
    map_ = rectangle((3, 5, 9, 16)) + rectangle((12, 15, 18, 28), value=-5.0)
    assert segment_object(PICTURE, map_, sigma=0).box == Box(3, 5, 9, 16)


def test_what_segmentation_refuses():
    map_ = rectangle((3, 5, 9, 16))
    with pytest.raises(TypeError, match="uint8"):
        segment_object(PICTURE / 255, map_)
    with pytest.raises(ValueError, match=r"\(30, 20\), the picture \(20, 30\)"):
        segment_object(PICTURE, map_.T)
    with pytest.raises(ValueError, match="NaN"):
        segment_object(PICTURE, map_ * np.nan)
    for options, words in (
        ({"threshold": 1.5}, "quantile from 0 to 1"),
        ({"threshold": "mean"}, "must be one of 'otsu'.*, got 'mean'"),
        ({"sigma": -1}, "sigma"),
        ({"background": 256}, "0 to 255"),
    ):
        with pytest.raises(ValueError, match=words):
            segment_object(PICTURE, map_, **options)
