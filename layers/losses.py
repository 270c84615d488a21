"""Losses over class scores: each returns its value and its gradient to the scores."""

import numpy as np

from .._typing import Array, IntArray
from .checks import check_array, check_scores


def softmax_loss(x: Array, y: IntArray, *, label_smoothing: float = 0.0) -> tuple[float, Array]:
    """Cross-entropy of the softmax, averaged over the batch.

    Parameters
    ----------
    x : ndarray (N, K)
        Scores.
    y : ndarray (N,) of int
        Right classes, 0 <= y < K.
    label_smoothing : float
        The target is 1 - label_smoothing on the right class plus label_smoothing / K on every class
        (Szegedy et al. 2016, section 7).

    Returns
    -------
    loss : float
    dx : ndarray (N, K)

    Raises
    ------
    ValueError, TypeError
        x is not a float array (N, K) of finite numbers, or y is not a class for each row.

    Examples
    --------
    >>> loss, dx = softmax_loss(np.zeros((1, 4)), np.array([2]))
    >>> round(loss, 4)  # the logarithm of 4
    1.3863
    >>> dx
    array([[ 0.25,  0.25, -0.75,  0.25]])
    """
    y = _check_labels("softmax_loss", x, y)
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"softmax_loss: label_smoothing must be in [0, 1), got {label_smoothing}")
    ### BEGIN SOLUTION
    N, K = x.shape
    shifted = x - x.max(axis=1, keepdims=True)  # exp cannot overflow, and the softmax stays the same
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    target = np.full((N, K), label_smoothing / K, dtype=x.dtype)
    target[np.arange(N), y] += 1 - label_smoothing
    loss = -(target * log_probs).sum() / N
    dx = (np.exp(log_probs) - target) / N
    return float(loss), dx
    ### END SOLUTION


def svm_loss(x: Array, y: IntArray) -> tuple[float, Array]:
    """The multi-class hinge loss with margin 1 (Weston and Watkins 1999), averaged over the batch.

    Parameters
    ----------
    x : ndarray (N, K)
        Scores.
    y : ndarray (N,) of int
        Right classes, 0 <= y < K.

    Returns
    -------
    loss : float
    dx : ndarray (N, K)

    Raises
    ------
    ValueError, TypeError
        x is not a float array (N, K) of finite numbers, or y is not a class for each row.

    Examples
    --------
    >>> loss, dx = svm_loss(np.array([[3.0, 2.5, 0.0]]), np.array([0]))
    >>> loss, dx
    (0.5, array([[-1.,  1.,  0.]]))
    """
    y = _check_labels("svm_loss", x, y)
    ### BEGIN SOLUTION
    N = x.shape[0]
    rows = np.arange(N)
    margins = np.maximum(0, x - x[rows, y][:, None] + 1)
    margins[rows, y] = 0
    loss = margins.sum() / N
    dx = (margins > 0).astype(x.dtype)
    dx[rows, y] = -dx.sum(axis=1)
    return float(loss), dx / x.dtype.type(N)
    ### END SOLUTION


def _check_labels(op, x, y):
    check_array(op, "x", x, "N K")
    y = np.asarray(y)
    N, K = x.shape
    if N == 0:
        raise ValueError(f"{op}: the batch is empty (x {x.shape})")
    check_scores(op, "x", x)
    if y.shape != (N,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError(f"{op}: y must be {N} whole numbers, one a row of x {x.shape}; got {y.dtype} {y.shape}")
    if y.min() < 0 or y.max() >= K:
        raise ValueError(f"{op}: y must be from 0 to {K - 1}, got {y.min()} to {y.max()}")
    return y
