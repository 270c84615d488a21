"""Receptive fields against gradients; the best patches against a search by hand."""

import numpy as np
import pytest

from pixelgrad.classifiers import Network
from pixelgrad.visualization.image_sets import features_of, random_crops, sample_crops
from pixelgrad.visualization.patches import ReceptiveField, cut_patches, receptive_field, top_patches


def conv(size, stride=1, pad=0):
    return {"type": "conv", "filters": 2, "size": size, "stride": stride, "pad": pad}


def pool(kind, size, stride, **more):
    return {"type": f"{kind}_pool", "size": size, "stride": stride, **more}


ARCHITECTURES = {
    "one pixel": [conv(1)],
    "odd, padded, strided": [conv(5, 2, 2), conv(3, 2, 1), conv(3, 1, 1)],
    "even sizes": [conv(6, 2, 2), conv(4, 2, 1)],
    "unpadded": [conv(4, 3), conv(2, 1)],
    "stride 1, more padding than half": [conv(3, 1, 2), conv(2, 1, 1)],
    "average pooling": [conv(3, 1, 1), pool("avg", 2, 2), conv(3, 2, 1)],
    "overlapping average pooling": [conv(2, 2), pool("avg", 3, 2), pool("avg", 2, 1)],
    "max pooling": [conv(3, 1, 1), pool("max", 3, 2), conv(3, 1, 1)],
    "max pooling up to the border": [conv(3, 2), pool("max", 3, 2, ceil_mode=True)],
}


def positive(architecture, size=(40, 43)):
    """A network in which every path from pixel to unit counts."""
    layers = [*architecture, {"type": "affine", "units": 2}]
    model = Network(layers, input_size=size, pixel_mean=[120, 110, 100], dtype=np.float64, rng=1)
    for name in model.params:
        model.params[name] = np.abs(model.params[name]) + 0.1
    return model


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_formula_is_where_the_gradient_is(name):
    """Away from the borders the field is the bounding box of the pixels that a unit has a gradient to."""
    model = positive(ARCHITECTURES[name])
    X = np.random.default_rng(0).uniform(1, 2, (60, 3, 40, 43))  # of a max pooling's window one pixel gets the gradient
    for end in range(len(ARCHITECTURES[name])):
        feats, cache = model.forward(X, end=end)
        field = receptive_field(model, end)
        for unit in ((feats.shape[2] // 2, feats.shape[3] // 2), (feats.shape[2] // 2 - 1, feats.shape[3] // 2)):
            dout = np.zeros_like(feats)
            dout[:, 1, unit[0], unit[1]] = 1
            seen = np.abs(model.backward(dout, cache)[0]).sum(axis=(0, 1)) > 0
            rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
            top, bottom, left, right = field.box(unit, (40, 43))
            assert (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) == (top, bottom, left, right), (end, unit)
            assert 0 <= top and bottom <= 40 and 0 <= left and right <= 43, "this test wants units away from the border"
            assert bottom - top == right - left == field.size


def test_some_fields_worked_out_by_hand():
    model = positive(ARCHITECTURES["odd, padded, strided"])
    assert receptive_field(model, 0) == ReceptiveField(5, 2, -2) and receptive_field(model, 0).centre == 0
    assert receptive_field(model, "conv2") == ReceptiveField(9, 4, -4)
    assert receptive_field(model, 2) == ReceptiveField(17, 4, -8)
    even = receptive_field(positive(ARCHITECTURES["even sizes"]), 1)
    assert even == ReceptiveField(12, 4, -4) and even.centre == 1.5
    assert even.box((2, 0), (40, 43)) == (4, 16, -4, 8)


def test_behind_global_pooling_units_see_the_whole_image(model):
    for layer in ("global_avg_pool", "affine1"):
        field = receptive_field(model, layer)
        assert field.whole_image and field.centre is None and field.box((0, 0), (32, 36)) == (0, 32, 0, 36)
    assert not receptive_field(model, "conv2").whole_image


def test_unknown_layers_and_kinds_of_layers(model):
    with pytest.raises(ValueError, match="unknown layer 'conv9'"):
        receptive_field(model, "conv9")
    model._blocks[0] = object()
    with pytest.raises(TypeError, match="receptive_field: layer conv1 is a object"):
        receptive_field(model, 1)


def pictures(count=23, size=(32, 36)):
    return np.random.default_rng(8).integers(0, 256, (count, 3, *size), dtype=np.uint8)


@pytest.mark.parametrize("per_image", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_the_best_patches_are_those_of_a_search_by_hand(model, per_image, batch_size):
    images = pictures()
    result = top_patches(images, "conv2", model, channels=[5, 2], top=4, per_image=per_image, batch_size=batch_size)
    feats, _ = model.forward(model.preprocess(images.transpose(0, 2, 3, 1)), end="conv2")
    for m, c in enumerate((5, 2)):
        every = sorted(
            ((feats[n, c, i, j], n, i, j) for n, i, j in np.ndindex(len(images), *feats.shape[2:])),
            key=lambda entry: -entry[0],
        )
        expected, count = [], dict.fromkeys(range(len(images)), 0)
        for entry in every:
            if count[entry[1]] < per_image:
                expected.append(entry)
                count[entry[1]] += 1
        for t, (score, n, i, j) in enumerate(expected[:4]):
            assert (result.images[m, t], *result.positions[m, t]) == (n, i, j)
            assert result.scores[m, t] == pytest.approx(score, rel=1e-9)
    assert result.layer == "conv2" and list(result.channels) == [5, 2]


def test_a_patch_is_the_receptive_field_cut_out_with_grey_outside(model):
    images = pictures()
    result = top_patches(images, 1, model, top=6)
    assert result.patches.shape == (8, 6, 7, 7, 3) and result.patches.dtype == np.uint8
    padded = np.full((len(images), 3, 32 + 20, 36 + 20), 128, np.uint8)
    padded[:, :, 10:-10, 10:-10] = images
    for m, t in np.ndindex(8, 6):
        i, j = result.positions[m, t]
        top, left = 10 + 2 * i - 3, 10 + 2 * j - 3  # 3x3 with stride 2 and padding 1, then 3x3 with padding 1
        expected = padded[result.images[m, t], :, top : top + 7, left : left + 7]
        np.testing.assert_array_equal(result.patches[m, t], expected.transpose(1, 2, 0))
    assert (result.positions == 0).any(), "some are at the border"


def test_the_patch_alone_excites_the_channel_as_much():
    """What was cut out, put into the middle of any other image, gives the same activation."""
    model = positive([conv(4, 2), conv(3, 1)], size=(30, 34))
    images = pictures(9, (30, 34))
    X = images.astype(np.float64)
    result = top_patches(X - 128, 1, model, top=2)
    elsewhere = np.zeros((1, 3, 30, 34))
    for m, t in np.ndindex(2, 2):
        other = elsewhere.copy()
        i, j = result.positions[m, t]
        top, bottom, left, right = result.field.box((i, j), (30, 34))
        n = result.images[m, t]
        other[0, :, top:bottom, left:right] = X[n, :, top:bottom, left:right] - 128
        feats, _ = model.forward(other, end=1)
        assert feats[0, m, i, j] == pytest.approx(result.scores[m, t], rel=1e-12)


def test_units_that_see_everything_give_whole_images(model):
    images = pictures()
    result = top_patches(images, "affine1", model, channels=3, top=2)
    scores = model.scores(model.preprocess(images.transpose(0, 2, 3, 1)))[:, 3]
    assert list(result.images[0]) == list(np.argsort(-scores)[:2]) and result.patches.shape == (1, 2, 32, 36, 3)
    np.testing.assert_array_equal(result.patches[0, 0], images[result.images[0, 0]].transpose(1, 2, 0))
    assert (result.positions == 0).all()


def test_pictures_and_model_space_give_the_same(model):
    images = pictures()
    a = top_patches(images, 1, model, top=3)
    b = top_patches(model.preprocess(images.transpose(0, 2, 3, 1)), 1, model, top=3)
    for name in ("scores", "images", "positions", "patches"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_at_most_one_patch_an_image_unless_asked(model):
    images = pictures()
    assert all(len(set(row)) == 9 for row in top_patches(images, 0, model).images)
    assert any(len(set(row)) < 9 for row in top_patches(images, 0, model, per_image=9).images)


def test_images_stay_as_they_are(model):
    images = pictures()
    kept = images.copy()
    top_patches(images, 0, model, top=2)
    np.testing.assert_array_equal(images, kept)
    images.setflags(write=False)
    top_patches(images, 0, model, top=2)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"channels": 8}, ValueError, "layer conv2 has the channels 0 to 7, got 8"),
        ({"channels": [1.5]}, TypeError, "channels must be whole numbers"),
        ({"channels": []}, TypeError, "channels must be whole numbers"),
        ({"top": 24}, ValueError, "23 images have 23 patches to offer, top is 24"),
        ({"top": 0}, ValueError, "top must be a whole number"),
        ({"per_image": 0}, ValueError, "per_image must be a whole number"),
        ({"batch_size": 0}, ValueError, "batch_size must be a whole number"),
        ({"layer": "conv7"}, ValueError, "unknown layer"),
        ({"images": np.zeros((2, 3, 8, 8), int)}, TypeError, "array of uint8"),
        ({"images": np.zeros((2, 8, 8, 3), np.uint8)}, ValueError, r"\(N, 3, H, W\)"),
        ({"images": np.full((2, 3, 32, 36), np.nan), "top": 1}, ValueError, "NaN"),
        ({"topp": 3}, TypeError, "topp"),
    ],
)
def test_impossible_options_are_refused(model, options, error, words):
    with pytest.raises(error, match=words):
        top_patches(**({"images": pictures(), "layer": "conv2", "model": model} | options))


def test_a_patch_quite_outside_is_grey():
    picture = np.zeros((1, 6, 6, 3), np.uint8)
    assert (cut_patches(picture, ReceptiveField(3, 1, -9), [(0, 0)], fill=77) == 77).all()
    assert (cut_patches(picture, ReceptiveField(3, 1, 9), [(0, 0)]) == 128).all()
    corner = cut_patches(picture, ReceptiveField(9, 1, -2), [(1, 0)])[0, ..., 0]
    assert (corner[1:7, 2:8] == 0).all() and (corner == 128).sum() == 81 - 36


def test_features_are_those_of_the_layer_one_row_an_image(model):
    images = pictures(5)
    X = model.preprocess(images.transpose(0, 2, 3, 1))
    np.testing.assert_allclose(
        features_of(images, 1, model, batch_size=2), model.forward(X, end=1)[0].reshape(5, -1), rtol=1e-9, atol=1e-12
    )
    np.testing.assert_array_equal(features_of(images, None, model), X.reshape(5, -1))


def test_crops_come_from_where_they_say_and_the_seed_decides():
    colours = [np.full((50, 70, 3), level, np.uint8) for level in (10, 90, 200)]
    images, source = random_crops(colours, 8, size=(12, 16), rng=3)
    assert images.shape == (8, 3, 12, 16) and list(source) == [0, 1, 2, 0, 1, 2, 0, 1]
    assert all((image == colours[k][0, 0, 0]).all() for image, k in zip(images, source))
    noisy = [np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)]
    a, b, c = (random_crops(noisy, 6, size=20, rng=seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(a, b) and not np.array_equal(a, c) and len({image.tobytes() for image in a}) == 6
    whole, _ = random_crops(noisy, 4, size=(50, 70), smallest=1, rng=0)
    for image in whole:
        assert min(np.abs(image.transpose(1, 2, 0).astype(int) - noisy[0][:, ::s]).max() for s in (1, -1)) == 0
    with pytest.raises(ValueError, match="no pictures"):
        random_crops([], 3, size=8)
    with pytest.raises(ValueError, match="smallest must be above 0 and at most 1"):
        random_crops(noisy, 3, size=8, smallest=2)


def test_crops_of_the_sample_photographs():
    images, source = sample_crops(20, size=24, rng=1)
    assert images.shape == (20, 3, 24, 24) and images.std() > 20 and len(source) == 20


def test_the_callback_gets_what_the_images_so_far_would_give(model, images):
    X, seen = np.concatenate([images, images[:, :, ::-1], 0.7 * images]), []
    options = {"channels": [0, 3], "top": 2, "batch_size": 2}
    last = top_patches(
        X, 1, model, callback=lambda t, result, info: seen.append((t, result, info["images"])), **options
    )
    assert [(t, count) for t, _, count in seen] == [(0, 2), (1, 4), (2, 6)]
    for _, result, count in seen:
        np.testing.assert_array_equal(result.scores, top_patches(X[:count], 1, model, **options).scores)
    np.testing.assert_array_equal(seen[-1][1].patches, last.patches)
