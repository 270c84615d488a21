"""Augmentation: flips only flip, crops reach every offset, the input stays."""

import numpy as np
import pytest

from pixelgrad.classifiers import Augmentation

X = np.arange(1, 1 + 6 * 3 * 4 * 5, dtype=np.float32).reshape(6, 3, 4, 5)


def runs(augmentation, count, epoch=0, X=X):
    return [augmentation.apply(X, epoch, np.random.default_rng(seed)) for seed in range(count)]


def test_flipping_only_flips():
    flipped = []
    for out in runs(Augmentation(flip=True, pad=0), 40):
        assert out.shape == X.shape and out.dtype == X.dtype
        for image, original in zip(out, X):
            flipped.append(np.array_equal(image, original[:, :, ::-1]))
            assert flipped[-1] or np.array_equal(image, original)
    assert 0.35 < np.mean(flipped) < 0.65
    assert len({tuple(row) for row in np.reshape(flipped, (40, 6))}) > 10  # each image on its own


def test_nothing_happens_without_flip_and_pad():
    for out in runs(Augmentation(flip=False, pad=0), 3):
        assert np.array_equal(out, X) and not np.shares_memory(out, X)


def test_shifts_reach_every_offset_and_no_other_and_fill_with_zero():
    padded = np.pad(X, ((0, 0), (0, 0), (2, 2), (2, 2)))
    seen = set()
    for out in runs(Augmentation(flip=False, pad=2), 300):
        fits = [(i, j) for i in range(5) for j in range(5) if np.array_equal(out, padded[:, :, i : i + 4, j : j + 5])]
        assert len(fits) == 1
        seen.update(fits)
    assert len(seen) == 25


def test_early_epochs_crop_smaller_from_the_padded_image():
    augmentation = Augmentation(flip=False, pad=0, early_crop=3, early_pad=1, early_epochs=2)
    padded = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
    seen = set()
    for epoch in (0, 1):
        for out in runs(augmentation, 150, epoch):
            assert out.shape == (6, 3, 3, 3)
            offsets = [(i, j) for i in range(4) for j in range(5)]
            fits = [(i, j) for i, j in offsets if np.array_equal(out, padded[:, :, i : i + 3, j : j + 3])]
            assert len(fits) == 1
            seen.update(fits)
    assert len(seen) == 20
    for out in runs(augmentation, 3, epoch=2):
        assert np.array_equal(out, X)
    assert runs(Augmentation(early_crop=0, early_epochs=9), 1)[0].shape == X.shape


def test_flip_and_crop_together_mirror_the_crop():
    for out in runs(Augmentation(flip=True, pad=1), 20):
        padded = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
        crops = [padded[:, :, i : i + 4, j : j + 5] for i in range(3) for j in range(3)]
        good = [
            all(np.array_equal(a, b) or np.array_equal(a, b[:, :, ::-1]) for a, b in zip(out, crop)) for crop in crops
        ]
        assert any(good)


def test_the_same_generator_gives_the_same_batch_and_the_input_is_unchanged():
    before = X.copy()
    augmentation = Augmentation(flip=True, pad=2)
    assert np.array_equal(runs(augmentation, 1)[0], runs(augmentation, 1)[0])
    assert len({out.tobytes() for out in runs(augmentation, 10)}) > 5
    assert np.array_equal(X, before)


def test_the_result_is_writable_and_shares_nothing_with_a_read_only_input():
    locked = X.copy()
    locked.flags.writeable = False
    out = Augmentation(pad=1).apply(locked, 0, np.random.default_rng(0))
    out += 1
    assert np.array_equal(locked, X)


def test_a_crop_larger_than_the_padded_image_is_refused():
    with pytest.raises(ValueError, match="a crop of 9x9 does not fit into 4x5 images padded by 2"):
        Augmentation(early_crop=9, early_pad=2, early_epochs=1).apply(X, 0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="a crop of 5x5 does not fit into 4x5 images padded by 0"):
        Augmentation(early_crop=5, early_pad=0, early_epochs=1).apply(X, 0, np.random.default_rng(0))


def test_a_shift_past_the_whole_image_leaves_zeros():
    outs = runs(Augmentation(flip=False, pad=7), 100)
    assert any(not out.any() for out in outs)
    assert all(set(out.ravel()) <= {0, *X.ravel()} for out in outs)


def test_cutmix_takes_a_rectangle_of_another_image_and_says_how_much():
    images = np.arange(1, 9, dtype=np.float32)[:, None, None, None] * np.ones((8, 3, 9, 7), np.float32)
    shares = []
    for seed in range(200):
        out, partner, share = Augmentation(cutmix=1.0).mix(images, np.random.default_rng(seed))
        shares.append(share)
        assert sorted(partner) == list(range(8)) and 0 <= share <= 1
        for n in range(8):
            own = out[n] == images[n]
            assert np.all(own | (out[n] == images[partner[n]]))
            rows, columns = np.nonzero(~own[0])
            if partner[n] != n and len(rows):
                area = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
                assert area == len(rows) == round((1 - share) * 63)  # a rectangle, the same in every channel
    assert 0.5 < np.mean(shares) < 0.75 and images[0, 0, 0, 0] == 1  # the border cuts rectangles off


def test_cutmix_mixes_as_many_batches_as_asked_for():
    mixed = [Augmentation(cutmix=0.3).mix(X, np.random.default_rng(seed))[2] < 1 for seed in range(400)]
    assert 0.2 < np.mean(mixed) < 0.4
    out, partner, share = Augmentation().mix(X, np.random.default_rng(0))
    assert out is X and share == 1 and np.array_equal(partner, np.arange(6))
    with pytest.raises(ValueError, match="cutmix is a probability"):
        Augmentation(cutmix=1.5)
