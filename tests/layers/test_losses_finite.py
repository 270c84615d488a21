"""Losses of scores that are not finite, or that leave no room for a loss, are errors; no raw warning of NumPy's."""

import warnings

import numpy as np
import pytest

from pixelgrad.layers import softmax_loss, svm_loss

Y = np.zeros(4, dtype=int)


@pytest.mark.parametrize("loss", [softmax_loss, svm_loss])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_place_is_said(loss, value):
    x = np.zeros((4, 3))
    x[2, 1] = value
    with pytest.raises(ValueError, match=rf"{loss.__name__}: x\[2, 1\] is {value}"):
        loss(x, Y)


@pytest.mark.parametrize("loss", [softmax_loss, svm_loss])
@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 3e38), (np.float64, 1.7e308)])
def test_scores_that_leave_no_room_are_refused(loss, dtype, size):
    x = np.array([[size, -size, 0]] * 4, dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="has no room for the loss"):
            loss(x, Y)
    assert np.isfinite(loss(x / 1e3, Y)[0])
