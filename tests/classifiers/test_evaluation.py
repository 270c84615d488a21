"""Accuracy and loss on labelled images."""

import numpy as np
import pytest

from pixelgrad.classifiers import evaluate
from pixelgrad.layers import softmax_loss


class Table:
    """A stand-in for a network: image n's first pixel says which row of a table its scores are."""

    def __init__(self, scores):
        self.scores, self.batches = np.array(scores, dtype=np.float64), []

    def preprocess(self, images):
        assert images.shape[1:] == (2, 2, 3) and images.dtype == np.uint8
        return images

    def loss(self, images):
        self.batches.append(len(images))
        return self.scores[images[:, 0, 0, 0]]


def pictures(N):
    X = np.zeros((N, 3, 2, 2), dtype=np.uint8)
    X[:, 0, 0, 0] = np.arange(N)
    return X


SCORES = [
    [9, 8, 7, 6, 5, 4, 3],  # class 0: first
    [9, 8, 7, 6, 5, 4, 3],  # class 4: fifth
    [9, 8, 7, 6, 5, 4, 3],  # class 5: sixth
    [0, 1, 2, 3, 4, 5, 6],  # class 6: first
    [0, 1, 2, 3, 4, 5, 6],  # class 2: fifth
]
Y = [0, 4, 5, 6, 2]


def test_top_1_and_top_5_by_hand():
    result = evaluate(Table(SCORES), pictures(5), Y)
    assert result.top1 == 2 / 5 and result.top5 == 4 / 5
    assert result.loss == softmax_loss(np.array(SCORES, dtype=float), np.array(Y))[0]
    assert np.array_equal(result.scores, SCORES) and np.array_equal(result.y, Y)


@pytest.mark.parametrize("batch_size, batches", [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (100, [5])])
def test_the_batch_size_does_not_matter(batch_size, batches):
    table = Table(SCORES)
    result = evaluate(table, pictures(5), Y, batch_size=batch_size)
    assert table.batches == batches
    assert (result.top1, result.top5) == (2 / 5, 4 / 5) and np.array_equal(result.scores, SCORES)


def test_confusion_classes_and_pairs_by_hand():
    # Classes 0 and 6 are seen as themselves; 4 and 5 are taken for 0, 2 for 6.
    result = evaluate(Table(SCORES), pictures(5), Y)
    expected = np.zeros((7, 7), int)
    expected[[0, 4, 5, 6, 2], [0, 0, 0, 6, 6]] = 1
    assert np.array_equal(result.confusion, expected)
    lines = {r.index: r for r in result.per_class()}
    assert list(lines) == [0, 2, 4, 5, 6] and all(r.images == 1 for r in lines.values())
    assert lines[0] == (0, 1, 1.0, 1.0, None, 0)
    assert lines[2] == (2, 1, 0.0, 1.0, 6, 1)
    assert lines[5] == (5, 1, 0.0, 0.0, 0, 1)
    assert result.worst_pairs() == [(0, 4, 1), (0, 5, 1), (2, 6, 1)]
    assert result.worst_pairs(1) == [(0, 4, 1)]


def test_the_classes_fractions_add_up_to_the_whole():
    rng = np.random.default_rng(0)
    result = evaluate(Table(rng.standard_normal((50, 6))), pictures(50), rng.integers(0, 6, 50))
    classes = result.per_class()
    assert sum(r.images * r.top1 for r in classes) == pytest.approx(50 * result.top1)
    assert sum(r.images * r.top5 for r in classes) == pytest.approx(50 * result.top5)
    assert np.trace(result.confusion) == pytest.approx(50 * result.top1) and result.confusion.sum() == 50
    pairs = result.worst_pairs(100)
    assert sum(times for *_, times in pairs) == 50 - np.trace(result.confusion)
    assert [times for *_, times in pairs] == sorted((times for *_, times in pairs), reverse=True)
    for r in classes:
        others = [n for k, n in enumerate(result.confusion[r.index]) if k != r.index]
        assert r.times == max(others) and result.confusion[r.index, r.mistaken_for] == r.times


def test_equal_scores_earn_nothing_but_the_order_of_the_classes():
    result = evaluate(Table(np.zeros((7, 7))), pictures(7), np.arange(7))
    assert result.top1 == pytest.approx(1 / 7) and result.top5 == pytest.approx(5 / 7)
    result = evaluate(Table(np.tile(np.arange(90) % 7, (5, 1))), pictures(5), [6, 13, 20, 27, 34])
    assert result.top1 == 1 / 5 and result.top5 == 1


def test_nan_scores_are_no_success():
    with pytest.raises(ValueError, match=r"x\[0, 0\] is nan"):
        evaluate(Table(np.full((7, 7), np.nan)), pictures(7), np.arange(7))


def test_fewer_than_five_classes_are_enough():
    result = evaluate(Table([[1, 2], [2, 1]]), pictures(2), [0, 0])
    assert (result.top1, result.top5) == (0.5, 1.0)


def test_a_real_network_sees_channels_first_images(make_network, images):
    model = make_network(pixel_mean=(120, 120, 120))
    pixels = images(5)
    result = evaluate(model, pixels.transpose(0, 3, 1, 2), [0] * 5, batch_size=2)
    np.testing.assert_allclose(result.scores, model.loss(model.preprocess(pixels)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("images, labels", [(0, 0), (3, 2), (0, 1)])
def test_no_images_or_another_number_of_labels_are_refused(images, labels):
    with pytest.raises(ValueError, match=f"evaluate: {images} images and {labels} labels"):
        evaluate(Table(SCORES), pictures(images), Y[:labels])
