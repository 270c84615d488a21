"""What follows from the scores (N, K) of a batch: probabilities, and the derivative of one score by all of them."""

import numpy as np

from .._typing import Array, IntArray


def softmax(scores: Array) -> Array:
    """Class probabilities.

    Parameters
    ----------
    scores : ndarray (N, K)

    Returns
    -------
    ndarray (N, K)
        ``exp(s_k) / sum_j exp(s_j)``; each row sums to 1. The largest score of a row is subtracted first, so that
        nothing overflows.
    """
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def one_hot(y: IntArray, scores: Array) -> Array:
    """1 at the class of each image and 0 elsewhere: the derivative of the score of class y by all scores.

    Parameters
    ----------
    y : ndarray (N,) of int
        A class for each image.
    scores : ndarray (N, K)
        The result has its shape and type.

    Returns
    -------
    ndarray (N, K)
    """
    out = np.zeros_like(scores)
    out[np.arange(len(y)), y] = 1
    return out
