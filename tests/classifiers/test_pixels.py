"""Pictures to model space and back."""

import numpy as np
import pytest

from pixelgrad.classifiers.pixels import make_pixels

MEAN_IMAGE = np.random.default_rng(9).uniform(80, 160, (3, 12, 15)).astype(np.float32)
STD = (58.395, 57.12, 57.375)
KINDS = {
    "mean image": {"mean_image": MEAN_IMAGE},
    "mean pixel": {"mean": (123.7, 116.3, 103.5)},
    "mean pixel and std": {"mean": (123.7, 116.3, 103.5), "std": STD},
    "mean image and std": {"mean_image": MEAN_IMAGE, "std": STD},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(12, 15), (15, 12), (64, 64), (1, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_deprocess_undoes_preprocess_exactly(kind, size, dtype):
    pixels = make_pixels(**KINDS[kind])
    levels = np.arange(256, dtype=np.uint8).repeat(3)  # every grey level at least once
    images = np.resize(levels, (3, *size, 3))
    images[0, 0, 0], images[-1, -1, -1] = 0, 255
    X = pixels.preprocess(images, dtype)
    assert X.shape == (3, 3, *size) and X.dtype == dtype
    back = pixels.deprocess(X)
    assert back.dtype == np.uint8 and np.array_equal(back, images)


def test_model_space_is_the_image_minus_the_mean_over_the_standard_deviation(images):
    picture = images(1)[0]
    picture_before = picture.copy()
    std = np.array(STD, dtype=np.float32)
    for kind, options in KINDS.items():
        X = make_pixels(**options).preprocess(picture)
        for c, h, w in ((0, 0, 0), (1, 3, 7), (2, 11, 14)):
            mean = MEAN_IMAGE[c, h, w] if "image" in kind else (123.7, 116.3, 103.5)[c]
            expected = (float(picture[h, w, c]) - mean) / (std[c] if "std" in kind else 1)
            assert X[0, c, h, w] == pytest.approx(expected, rel=1e-5), kind
    assert np.array_equal(picture, picture_before)


def test_the_mean_image_counts_at_its_own_size_only_and_its_mean_pixel_elsewhere():
    pixels = make_pixels(MEAN_IMAGE)
    black = np.zeros((1, 12, 15, 3), np.uint8)
    assert np.array_equal(pixels.preprocess(black)[0], -MEAN_IMAGE)
    other = pixels.preprocess(np.zeros((15, 12, 3), np.uint8))
    np.testing.assert_allclose(
        other[0], -np.broadcast_to(MEAN_IMAGE.mean((1, 2))[:, None, None], (3, 15, 12)), rtol=1e-6
    )
    given = make_pixels(MEAN_IMAGE, mean=(1, 2, 3)).preprocess(np.zeros((5, 5, 3), np.uint8))
    assert given[0, :, 0, 0].tolist() == [-1, -2, -3]


def test_deprocess_clips_and_never_wraps_around():
    pixels = make_pixels(mean=(100, 100, 100))
    X = np.array([160.0, -105, 155, -100, 1e9, -1e9, 0.4, 0.6], np.float32)
    levels = pixels.deprocess(np.broadcast_to(X, (1, 3, 1, 8)))[0, 0, :, 0]
    assert levels.tolist() == [255, 0, 255, 0, 255, 0, 100, 101]


@pytest.mark.filterwarnings("error")  # no 0/0 for a picture of one colour
def test_rescale_stretches_each_image_to_the_full_range():
    pixels = make_pixels(mean=(100, 100, 100), std=(2, 2, 2))
    X = np.random.default_rng(0).uniform(-1, 1, (2, 3, 5, 4))
    X[1] *= 1e-3
    images = pixels.deprocess(X, rescale=True)
    assert images.min(axis=(1, 2, 3)).tolist() == [0, 0] and images.max(axis=(1, 2, 3)).tolist() == [255, 255]
    stretched = 255 * (X[0] - X[0].min()) / (X[0].max() - X[0].min())
    np.testing.assert_allclose(images[0], stretched.transpose(1, 2, 0), atol=0.5001)
    assert not pixels.deprocess(np.full((1, 3, 2, 2), 7.0), rescale=True).any()
    assert pixels.deprocess(X[1:]).max() <= 101


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(12, 15), (7, 5)])
def test_bounds_are_where_black_and_white_lie(kind, dtype, size):
    pixels = make_pixels(**KINDS[kind])
    black, white = (pixels.preprocess(np.full((2, *size, 3), level, np.uint8), dtype) for level in (0, 255))
    lo, hi = pixels.bounds(black)
    assert lo.dtype == hi.dtype == dtype and lo.ndim == hi.ndim == 4
    assert np.array_equal(np.broadcast_to(lo, black.shape), black)
    assert np.array_equal(np.broadcast_to(hi, white.shape), white)


def test_the_pixel_scale_is_one_grey_level_in_model_space():
    assert make_pixels(MEAN_IMAGE).scale == 1
    assert make_pixels(mean=(0, 0, 0), std=(50, 50, 50)).scale == pytest.approx(1 / 50)
    assert make_pixels(mean=(0, 0, 0), std=(1, 2, 4)).scale == pytest.approx((1 + 1 / 2 + 1 / 4) / 3)


def test_a_network_hands_on_its_pixels(make_network, images):
    model = make_network(mean_image=MEAN_IMAGE, pixel_std=STD)
    X = model.preprocess(images())
    assert X.dtype == np.float32 and model.astype(np.float64).preprocess(images()).dtype == np.float64
    assert np.array_equal(model.deprocess(X), images())
    assert np.array_equal(model.deprocess(X, rescale=True), model.pixels.deprocess(X, rescale=True))
    assert np.array_equal(model.bounds(X)[0], model.pixels.bounds(X)[0])
    assert model.pixel_scale == pytest.approx(np.mean(1 / np.array(STD)))


def test_one_image_may_come_without_its_batch_axis(images):
    pixels = make_pixels(MEAN_IMAGE)
    X = pixels.preprocess(images(1)[0])
    assert X.shape == (1, 3, 12, 15) and np.array_equal(X, pixels.preprocess(images(1)))
    assert np.array_equal(pixels.deprocess(X[0]), images(1))


def test_what_is_no_picture_is_refused(images):
    pixels = make_pixels(MEAN_IMAGE)
    for wrong in (images().astype(np.float32), images() / 255, images().astype(int)):
        with pytest.raises(TypeError, match=f"preprocess: images must be uint8 .*{wrong.dtype}"):
            pixels.preprocess(wrong)
    for shape in ((12, 15), (2, 3, 12, 15), (12, 15, 4), (1, 1, 12, 15, 3)):
        with pytest.raises(ValueError, match=r"preprocess: images must have the shape \(H, W, 3\)") as caught:
            pixels.preprocess(np.zeros(shape, np.uint8))
        assert str(shape) in str(caught.value)
    for shape in ((12, 15), (2, 12, 15, 3)):
        with pytest.raises(ValueError, match=r"deprocess: X must have the shape \(N, 3, H, W\)") as caught:
            pixels.deprocess(np.zeros(shape))
        assert str(shape) in str(caught.value)
    with pytest.raises(TypeError, match="deprocess: X must be float32 or float64, got uint8"):
        pixels.deprocess(np.zeros((1, 3, 12, 15), np.uint8))
    for value in (np.nan, np.inf):
        for rescale in (False, True):
            X = np.zeros((1, 3, 12, 15))
            X[0, 1, 2, 3] = value
            with pytest.raises(ValueError, match="NaN or infinity"):
                pixels.deprocess(X, rescale=rescale)


def test_without_a_mean_every_conversion_says_what_is_missing(images):
    pixels = make_pixels()
    for call in (
        lambda: pixels.preprocess(images()),
        lambda: pixels.deprocess(np.zeros((1, 3, 12, 15))),
        lambda: pixels.bounds(np.zeros((1, 3, 12, 15))),
    ):
        with pytest.raises(ValueError, match=r"(preprocess|deprocess|bounds): .*no mean image.*mean_image="):
            call()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"mean_image": MEAN_IMAGE[:2]}, r"mean_image must be finite .*\(2, 12, 15\)"),
        ({"mean_image": MEAN_IMAGE[0]}, r"mean_image"),
        ({"mean_image": MEAN_IMAGE + np.nan}, "mean_image must be finite"),
        ({"mean": (1, 2)}, "pixel_mean must be three finite numbers"),
        ({"mean": (1, 2, np.inf)}, "pixel_mean must be three finite numbers"),
        ({"mean": (1, 2, 3), "std": (1, 2)}, "pixel_std must be three finite numbers"),
        ({"mean": (1, 2, 3), "std": (1, 0, 2)}, "pixel_std must be positive"),
        ({"mean": (1, 2, 3), "std": (1, -1, 2)}, "pixel_std must be positive"),
    ],
)
def test_impossible_means_and_deviations_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_pixels(**options)
