"""Probabilities and marks of classes."""

import numpy as np
from scipy.special import softmax as scipy_softmax

from pixelgrad.classifiers.scores import one_hot, softmax


def test_softmax_equals_scipys_and_does_not_overflow():
    scores = np.random.default_rng(0).standard_normal((4, 7)) * [[1], [10], [1e4], [0]]
    np.testing.assert_allclose(softmax(scores), scipy_softmax(scores, axis=1), rtol=1e-12)
    assert softmax(scores.astype(np.float32)).dtype == np.float32


def test_one_hot_marks_the_class_of_each_image():
    scores = np.full((3, 4), 9, dtype=np.float32)
    marks = one_hot(np.array([2, 0, 3]), scores)
    np.testing.assert_array_equal(marks, np.eye(4)[[2, 0, 3]])
    assert marks.dtype == np.float32 and (scores == 9).all()
