"""Affine, ReLU, dropout and concatenation: each forward with its backward directly beneath it.

Every `x_forward` returns ``(out, cache)``; ``x_backward(dout, cache)`` returns the gradients in the order of the
forward's arguments. Neither changes what it is given, and a cache serves any number of backward calls.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._typing import Array, Cache
from .checks import RELU_RULES, check_affine, check_choice, check_float, check_options, same_shape


def affine_forward(x: Array, w: Array, b: Array | None = None) -> tuple[Array, Cache]:
    """A fully connected layer: ``out = x w + b``.

    Parameters
    ----------
    x : ndarray (N, d_1, ..., d_k)
        Inputs; the axes after the first are flattened to D = d_1 * ... * d_k features.
    w : ndarray (D, M)
    b : ndarray (M,), optional
        None stands for zeros.

    Returns
    -------
    out : ndarray (N, M)
    cache : tuple

    Examples
    --------
    >>> x, w, b = np.ones((1, 2)), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, 0.5])
    >>> out, cache = affine_forward(x, w, b)
    >>> out
    array([[4.5, 6.5]])
    """
    D = check_affine("affine_forward", x, w)
    b = np.zeros(w.shape[1], w.dtype) if b is None else b
    same_shape("affine_forward", "b", b, (w.shape[1],))
    ### BEGIN SOLUTION
    out = x.reshape(x.shape[0], D) @ w + b
    return out, (x, w, b)
    ### END SOLUTION


def affine_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Gradients of `affine_forward`.

    Parameters
    ----------
    dout : ndarray (N, M)

    Returns
    -------
    dx : ndarray (N, d_1, ..., d_k)
    dw : ndarray (D, M)
    db : ndarray (M,)

    Examples
    --------
    >>> out, cache = affine_forward(np.ones((1, 2)), np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros(2))
    >>> dx, dw, db = affine_backward(np.array([[1.0, 0.0]]), cache)
    >>> dx
    array([[1., 3.]])
    """
    ### BEGIN SOLUTION
    x, w, _ = cache
    same_shape("affine_backward", "dout", dout, (x.shape[0], w.shape[1]))
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], w.shape[0]).T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db
    ### END SOLUTION


def relu_forward(x: Array) -> tuple[Array, Cache]:
    """ReLU, the rectified linear unit ``max(x, 0)``, for an array of any shape.

    Examples
    --------
    >>> out, cache = relu_forward(np.array([-1.0, 2.0]))
    >>> out
    array([0., 2.])
    """
    ### BEGIN SOLUTION
    return np.maximum(x, 0), x
    ### END SOLUTION


def relu_backward(dout: Array, cache: Array, rule: str = "standard") -> Array:
    """Gradient of `relu_forward`, or what guided backpropagation and the deconvnet put in its place.

    Parameters
    ----------
    dout : ndarray
        Upstream gradient, of x's shape.
    cache : ndarray
        From `relu_forward`.
    rule : {"standard", "guided", "deconv"}
        "standard" is the derivative: dout passes where x was positive. "deconv" (Zeiler and Fergus 2014,
        section 2.1) passes dout where dout is positive. "guided" (Springenberg et al. 2015, section 3.4) asks
        for both.

    Returns
    -------
    dx : ndarray

    Examples
    --------
    >>> _, cache = relu_forward(np.array([-1.0, 2.0, 3.0]))
    >>> relu_backward(np.array([5.0, 5.0, -5.0]), cache)
    array([ 0.,  5., -5.])
    >>> relu_backward(np.array([5.0, 5.0, -5.0]), cache, rule="guided")
    array([0., 5., 0.])
    """
    check_choice("relu_backward", "rule", rule, RELU_RULES)
    ### BEGIN SOLUTION
    x = cache
    same_shape("relu_backward", "dout", dout, x.shape)
    if rule == "standard":
        return dout * (x > 0)
    if rule == "guided":
        return np.maximum(dout, 0) * (x > 0)
    return np.maximum(dout, 0)
    ### END SOLUTION


def dropout_forward(x: Array, dropout_param: dict[str, Any]) -> tuple[Array, Cache]:
    """Inverted dropout (Srivastava et al. 2014): in training each entry is kept with probability p and divided by p.

    Parameters
    ----------
    x : ndarray, any shape
    dropout_param : dict
        "p": probability of keeping an entry, 0 < p <= 1. "mode": "train" or "test" (nothing happens).
        "seed": an int, or a `numpy.random.Generator` to draw new masks from; without it the mask is that of
        seed 0 at every call.

    Returns
    -------
    out : ndarray
    cache : tuple

    Examples
    --------
    >>> out, cache = dropout_forward(np.ones(1000), {"p": 0.5, "mode": "train"})
    >>> np.unique(out)
    array([0., 2.])
    """
    check_float("dropout_forward", "x", x)
    check_options("dropout_forward", "dropout_param", dropout_param, ("p", "mode", "seed"), needed=("p", "mode"))
    p, mode = dropout_param["p"], dropout_param["mode"]
    check_choice("dropout_forward", "mode", mode, ("train", "test"))
    if not 0 < p <= 1:
        raise ValueError(f"dropout_forward: p, the probability of keeping an entry, must be in (0, 1], got {p}")
    ### BEGIN SOLUTION
    if mode == "test":
        return x.copy(), None
    rng = np.random.default_rng(dropout_param.get("seed", 0))
    scaled_mask = ((rng.random(x.shape) < p) / p).astype(x.dtype)
    return x * scaled_mask, scaled_mask
    ### END SOLUTION


def dropout_backward(dout: Array, cache: Cache) -> Array:
    """Gradient of `dropout_forward`: the same mask, the same division by p.

    Examples
    --------
    >>> out, cache = dropout_forward(np.ones(1000), {"p": 0.5, "mode": "train"})
    >>> np.array_equal(dropout_backward(np.ones(1000), cache), out)
    True
    """
    ### BEGIN SOLUTION
    if cache is None:
        return dout.copy()
    same_shape("dropout_backward", "dout", dout, cache.shape)
    return dout * cache
    ### END SOLUTION


def concat_forward(xs: Sequence[Array], axis: int = 1) -> tuple[Array, Cache]:
    """Join arrays along an axis, the channels by default.

    Parameters
    ----------
    xs : sequence of ndarray
        Shapes alike but for `axis`.

    Returns
    -------
    out : ndarray
    cache : tuple

    Examples
    --------
    >>> out, cache = concat_forward([np.zeros((1, 2, 4, 4)), np.ones((1, 3, 4, 4))])
    >>> out.shape
    (1, 5, 4, 4)
    """
    xs = list(xs)
    if not xs:
        raise ValueError("concat_forward: nothing to join")
    shapes = [x.shape for x in xs]
    ranks = {len(shape) for shape in shapes}
    if len(ranks) > 1 or not -min(ranks) <= axis < min(ranks):
        raise ValueError(f"concat_forward: the arrays must have one rank and an axis {axis}, got {shapes}")
    axis %= len(shapes[0])
    if len({shape[:axis] + shape[axis + 1 :] for shape in shapes}) > 1:
        raise ValueError(f"concat_forward: the arrays must have one shape but for axis {axis}, got {shapes}")
    return np.concatenate(xs, axis=axis), (axis, shapes)


def concat_backward(dout: Array, cache: Cache) -> list[Array]:
    """Cut dout into the gradients of the joined arrays, a list in their order.

    Examples
    --------
    >>> out, cache = concat_forward([np.zeros((1, 2)), np.ones((1, 3))])
    >>> concat_backward(out, cache)
    [array([[0., 0.]]), array([[1., 1., 1.]])]
    """
    axis, shapes = cache
    sizes = [shape[axis] for shape in shapes]
    same_shape("concat_backward", "dout", dout, (*shapes[0][:axis], sum(sizes), *shapes[0][axis + 1 :]))
    return np.split(dout, np.cumsum(sizes)[:-1], axis=axis)
