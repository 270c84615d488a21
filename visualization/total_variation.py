"""Total variation: how much neighbouring pixels differ. As a penalty it makes images smooth.

CS231n's is the sum of squared differences. Squares punish edges much harder than gentle slopes of the same height;
A. Mahendran and A. Vedaldi, "Understanding deep image representations by inverting them", 2015, section 3, raise the
squared length of each pixel's differences to the power beta / 2 instead: with beta = 1 an edge costs as much as a
slope, with beta = 2 it is the sum of squares.
"""

import numpy as np

from .._typing import Array
from .checks import check_finite, check_not_negative, check_positive


def tv_loss(img: Array, tv_weight: float) -> tuple[float, Array]:
    """Sum of squared differences of neighbouring pixels, and its gradient.

    Parameters
    ----------
    img : ndarray (N, C, H, W)
        Images in model space; not modified.
    tv_weight : float
        Factor of the loss.

    Returns
    -------
    loss : float
        ``tv_weight * (sum (x[i+1, j] - x[i, j])^2 + sum (x[i, j+1] - x[i, j])^2)`` over all images and channels.
    dimg : ndarray (N, C, H, W)

    Raises
    ------
    ValueError, TypeError
        img is not a batch of images, tv_weight is negative.

    Examples
    --------
    >>> loss, dimg = tv_loss(np.ones((1, 3, 4, 4)), 1.0)
    >>> loss
    0.0
    """
    _check("tv_loss", img, tv_weight)
    ### BEGIN SOLUTION
    down, right = img[:, :, 1:] - img[:, :, :-1], img[:, :, :, 1:] - img[:, :, :, :-1]
    loss = tv_weight * (np.square(down, dtype=np.float64).sum() + np.square(right, dtype=np.float64).sum())
    dimg = np.zeros_like(img)
    dimg[:, :, 1:] += down
    dimg[:, :, :-1] -= down
    dimg[:, :, :, 1:] += right
    dimg[:, :, :, :-1] -= right
    dimg *= 2 * tv_weight
    return float(loss), dimg
    ### END SOLUTION


def tv_beta_loss(img: Array, tv_weight: float, beta: float) -> tuple[float, Array]:
    """Total variation with an exponent, and its gradient.

    Parameters
    ----------
    img : ndarray (N, C, H, W)
        Images in model space; not modified.
    tv_weight : float
        Factor of the loss.
    beta : float
        Above 0. Below 2 edges become cheaper than slopes, above 2 more expensive; with 2 this is `tv_loss`.

    Returns
    -------
    loss : float
        ``tv_weight * sum ((x[i+1, j] - x[i, j])^2 + (x[i, j+1] - x[i, j])^2)^(beta/2)`` over all images, channels and
        pixels; a difference that would reach over the border is 0.
    dimg : ndarray (N, C, H, W)
        Where both differences are 0, their part of the gradient is 0: with beta <= 1 the loss has a kink (or a cusp)
        there, and 0 is the middle of the slopes around it. Constant images have a gradient of 0.

    Raises
    ------
    ValueError, TypeError
        img is not a batch of images, tv_weight is negative, beta not above 0.

    Examples
    --------
    >>> loss, dimg = tv_beta_loss(np.ones((1, 3, 4, 4)), 1.0, 2.0)
    >>> round(loss, 6)
    0.0
    """
    op = "tv_beta_loss"
    _check(op, img, tv_weight, power=max(2, beta))
    check_positive(op, beta=beta)
    down, right = np.zeros_like(img), np.zeros_like(img)
    down[:, :, :-1], right[:, :, :, :-1] = img[:, :, 1:] - img[:, :, :-1], img[:, :, :, 1:] - img[:, :, :, :-1]
    length = np.hypot(down, right)  # squares of tiny differences would underflow to 0 in float32
    loss = tv_weight * (length.astype(np.float64) ** beta).sum()
    # d length^beta / d down = beta length^(beta - 1) * (down / length); the last factor is at most 1.
    safe = np.where(length > 0, length, 1)
    slope = np.where(length > 0, tv_weight * beta * safe ** (beta - 1), 0).astype(img.dtype)
    down, right = slope * (down / safe), slope * (right / safe)
    dimg = -down - right
    dimg[:, :, 1:] += down[:, :, :-1]
    dimg[:, :, :, 1:] += right[:, :, :, :-1]
    return float(loss), dimg


def _check(op, img, tv_weight, power=2.0):
    if not isinstance(img, np.ndarray) or not np.issubdtype(img.dtype, np.floating):
        raise TypeError(f"{op}: img must be a float array, got {getattr(img, 'dtype', type(img).__name__)}")
    if img.ndim != 4:
        raise ValueError(f"{op}: img must have the shape (N, C, H, W), got {img.shape}")
    check_not_negative(op, tv_weight=tv_weight)
    check_finite(op, "img", img, power=power)
