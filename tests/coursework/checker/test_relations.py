"""Relations are found where they hold, in every case, and nowhere else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelgrad.coursework.checker.relations import relation

RNG = np.random.default_rng(7)
MATRIX, IMAGES = RNG.normal(size=(4, 5)), RNG.normal(size=(3, 2, 6, 5))
X = {"x": np.zeros((3, 2, 6, 5)), "y": np.zeros(7)}


def said(expected, got, inputs=X):
    return relation([(expected, got, inputs)])


def with_nothing_at_the_end(a):
    return np.concatenate([0 * a[..., :1], a[..., :-1]], axis=-1)


@pytest.mark.parametrize(
    "expected, change, words",
    [
        (IMAGES, lambda a: -a, "has the wrong sign everywhere"),
        (IMAGES, lambda a: 2 * a, "is 2 times what it should be"),
        (IMAGES, lambda a: a / -2, "is -1/2 times what it should be"),
        (IMAGES, lambda a: 3 * a, "is N times what it should be"),
        (IMAGES, lambda a: a / 3, "is 1/N times what it should be"),
        (IMAGES, lambda a: a / 30, "is 1/(H * W) times what it should be"),
        (IMAGES, lambda a: 6 * a, "is H times what it should be"),
        (IMAGES, lambda a: 1.75 * a, "is 1.75 times what it should be"),
        (MATRIX, lambda a: a.T, "is transposed"),
        (MATRIX, lambda a: a.T.reshape(a.shape), "holds the right numbers in a wrong order"),
        (MATRIX, lambda a: a.reshape(5, 4), "holds the right numbers in another shape"),
        (MATRIX[0], lambda a: a[None], "holds the right numbers in another shape"),
        (IMAGES, lambda a: a.transpose(0, 2, 3, 1), "has its axes in another order, (0, 2, 3, 1)"),
        (IMAGES, lambda a: a[..., ::-1], "is flipped along axis 3"),
        (IMAGES, lambda a: a[:, :, ::-1, ::-1], "is flipped along axis 2 and 3"),
        (IMAGES, lambda a: np.roll(a, 1, axis=2), "is shifted by one along axis 2"),
        (IMAGES, with_nothing_at_the_end, "is shifted by one along axis 3"),
        (IMAGES, lambda a: a + 0.3, "is off by the same number everywhere"),
        (MATRIX, lambda a: a - np.arange(5.0), "is off by the same row everywhere"),
        (IMAGES, lambda a: 0 * a + a.mean(axis=0), "is the mean over the batch everywhere"),
        (IMAGES, lambda a: 0 * a + a.sum(axis=0), "is the sum over the batch everywhere"),
        (IMAGES, lambda a: a * (np.arange(3) == 0)[:, None, None, None], "is right for the first of the batch"),
        (IMAGES, lambda a: a.astype(np.float32), "is right except for its precision, float32"),
        (IMAGES * 1e-9, lambda a: a.astype(np.float32), "is right except for its precision, float32"),
        (np.array(2.5), lambda a: -a, "has the wrong sign everywhere"),
    ],
)  # fmt: skip
def test_it_is_found(expected, change, words):
    assert said(expected, change(expected)).startswith(words)


def test_the_number_of_channels():
    assert said(IMAGES, 5 * IMAGES, {"x": np.zeros((3, 5, 7, 7))}) == "is C times what it should be"


def test_sizes_are_those_of_the_first_input_with_the_most_axes():
    inputs = {"b": np.zeros(2), "x": np.zeros((3, 1, 4, 4)), "w": np.zeros((20, 1, 3, 3))}
    assert said(IMAGES, IMAGES / 3, inputs) == "is 1/N times what it should be"


def test_it_must_hold_in_every_case():
    small = {"x": np.zeros((2, 2, 6, 5))}
    pairs = [(IMAGES, 2 * IMAGES, X), (IMAGES, 2 * IMAGES, small)]
    assert relation(pairs) == "is 2 times what it should be"  # in one of them N is 2, too
    assert relation([(IMAGES, IMAGES / 3, X), (IMAGES, IMAGES / 2, small)]) == "is 1/N times what it should be"
    assert relation([(IMAGES, 3 * IMAGES, X), (IMAGES, -IMAGES, X)]) is None
    assert relation([(IMAGES, 1.3 * IMAGES, X), (IMAGES, 1.4 * IMAGES, X)]) is None
    cube = RNG.normal(size=(2, 2, 3))
    pairs = [(cube, cube[:, ::-1], X), (cube, cube[:, ::-1, ::-1], X)]
    assert relation(pairs) is None


@pytest.mark.parametrize("expected", [np.array(0.5), np.array([0.5]), np.array([0.0, 0.5, 0.0])], ids=str)
def test_one_number_is_no_multiple_of_another(expected):
    assert said(expected, 1.37 * expected) is None


def test_the_right_numbers_of_another_sort_are_no_relation():
    whole = np.arange(6.0).reshape(2, 3)
    assert said(whole, whole.astype(int)) is None
    assert said(whole, np.ones((2, 3), bool)) is None
    assert said(whole, whole.astype(np.float32) + 0.3) != "is right except for its precision, float32"


def test_constant_arrays_are_not_shifted():
    expected = np.ones((4, 4))
    got = expected.copy()
    got[0] = 7
    assert said(expected, got) is None


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 5), min_size=0, max_size=4))
def test_nothing_is_claimed_of_random_numbers(seed, shape):
    rng = np.random.default_rng(seed)
    expected, got = rng.normal(size=shape), rng.normal(size=shape)
    for other in (got, np.where(np.abs(expected) > 0.5, expected, got)):
        near = np.abs(other - expected).max() < 2e-3 * np.abs(expected).max()  # so that it is rightly said to be
        few = other is not got and expected.size < 4
        assert near or few or said(expected, other, {"x": expected}) is None


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e308, 0.0])
def test_nothing_is_claimed_of_extreme_numbers(value):
    assert said(IMAGES, np.full_like(IMAGES, value)) is None
    assert said(IMAGES * 1e-300, np.full_like(IMAGES, value)) is None
    assert said(np.zeros((0, 3)), np.zeros((3, 0))) is None
