"""The softmax and hinge losses."""

import numpy as np
import pytest
from scipy.special import log_softmax

from pixelgrad.layers import check_gradient, softmax_loss, svm_loss

Y = np.array([2, 0, 4, 4])


def scores(scale=1.0, dtype=np.float64):
    return (scale * np.random.default_rng(0).standard_normal((4, 5))).astype(dtype)


@pytest.mark.parametrize("scale", [1, 30, 1e4])
def test_softmax_equals_scipys(scale):
    x = scores(scale)
    loss, dx = softmax_loss(x, Y)
    expected = log_softmax(x, axis=1)
    np.testing.assert_allclose(loss, -expected[np.arange(4), Y].mean(), rtol=1e-12)
    np.testing.assert_allclose(dx, (np.exp(expected) - np.eye(5)[Y]) / 4, atol=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_softmax_gradient_equals_differences(smoothing):
    x = scores()
    _, dx = softmax_loss(x, Y, label_smoothing=smoothing)
    check_gradient(lambda z: softmax_loss(z, Y, label_smoothing=smoothing)[0], x, dx)
    np.testing.assert_allclose(dx.sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_label_smoothing_is_the_cross_entropy_of_the_smoothed_targets(smoothing):
    x = scores(3)
    target = (1 - smoothing) * np.eye(5)[Y] + smoothing / 5
    np.testing.assert_allclose(target.sum(axis=1), 1)
    loss, dx = softmax_loss(x, Y, label_smoothing=smoothing)
    np.testing.assert_allclose(loss, -(target * log_softmax(x, axis=1)).sum() / 4, rtol=1e-12)
    np.testing.assert_allclose(dx, (np.exp(log_softmax(x, axis=1)) - target) / 4, atol=1e-14)


def test_even_scores_cost_the_logarithm_of_the_number_of_classes():
    loss, _ = softmax_loss(np.full((3, 7), 123.0), np.array([0, 3, 6]))
    assert loss == pytest.approx(np.log(7), rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_of_ten_thousand_neither_overflow_nor_warn(dtype):
    x = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1e4]], dtype=dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss, dx = softmax_loss(x, np.array([1, 0]), label_smoothing=0.1)
    assert np.isfinite(loss) and loss > 1e4 and np.all(np.isfinite(dx))
    right, _ = softmax_loss(x[:1], np.array([0]))
    assert right == 0


def test_a_shift_of_all_scores_changes_nothing():
    x = scores()
    loss, dx = softmax_loss(x, Y)
    shifted_loss, shifted_dx = softmax_loss(x + 1000, Y)
    np.testing.assert_allclose(shifted_loss, loss, rtol=1e-11)
    np.testing.assert_allclose(shifted_dx, dx, atol=1e-12)


@pytest.mark.parametrize("loss_of", [softmax_loss, svm_loss])
def test_losses_are_means_over_the_batch(loss_of):
    x = scores()
    loss, dx = loss_of(x, Y)
    singles = [loss_of(x[n : n + 1], Y[n : n + 1]) for n in range(4)]
    np.testing.assert_allclose(loss, np.mean([s[0] for s in singles]), rtol=1e-13)
    np.testing.assert_allclose(dx, np.concatenate([s[1] for s in singles]) / 4, rtol=1e-12, atol=1e-15)
    twice_loss, twice_dx = loss_of(np.concatenate([x, x]), np.concatenate([Y, Y]))
    np.testing.assert_allclose(twice_loss, loss, rtol=1e-13)
    np.testing.assert_allclose(twice_dx[:4], dx / 2, rtol=1e-12)


def test_hinge_loss_on_a_hand_worked_example():
    # Row 0: margins 2 - 3 + 1 = 0 (met) and 2.5 - 3 + 1 = 0.5. Row 1: 4 - 1 + 1 = 4 and 0.5 - 1 + 1 = 0.5.
    loss, dx = svm_loss(np.array([[3.0, 2, 2.5], [4, 1, 0.5]]), np.array([0, 1]))
    assert loss == (0.5 + 4.5) / 2
    assert dx.tolist() == [[-0.5, 0, 0.5], [0.5, -1, 0.5]]


def test_hinge_gradient_equals_differences():
    x = scores(2)
    check_gradient(lambda z: svm_loss(z, Y)[0], x, svm_loss(x, Y)[1])


def test_labels_may_come_as_a_list_or_any_whole_number_type():
    x = scores()
    for y in (list(map(int, Y)), Y.astype(np.uint8), Y.astype(np.int16)):
        assert softmax_loss(x, y)[0] == softmax_loss(x, Y)[0]
        assert svm_loss(x, y)[0] == svm_loss(x, Y)[0]
