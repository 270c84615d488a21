"""Nearest neighbours in feature space: which images a layer finds similar.

A. Krizhevsky, I. Sutskever and G. Hinton, "ImageNet classification with deep convolutional neural networks", 2012,
section 6.1: images whose last hidden layers are close show the same things, in other poses and colours; images that
are close in pixels merely have the same colours in the same places.
"""

from typing import NamedTuple

import numpy as np

from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..layers.checks import check_choice
from .checks import check_finite, check_model, check_whole
from .image_sets import batches, check_image_set, features_of


class Neighbours(NamedTuple):
    """For each of Q queries its M nearest images, nearest first.

    Attributes
    ----------
    images : ndarray (Q, M) of int
        Indices into the images that were searched.
    distances : ndarray (Q, M)
    """

    images: np.ndarray
    distances: np.ndarray


def nearest_neighbours(
    queries: Array,
    images: Array,
    layer: int | str | None,
    model: Network,
    *,
    count: int = 5,
    metric: str = "euclidean",
    own_index: IntArray | None = None,
    batch_size: int = 64,
    progress: bool | None = None,
) -> "Neighbours":
    """Look through many images for those whose features are closest to those of the queries.

    Only a batch of features and the best so far are in memory.

    Parameters
    ----------
    queries : ndarray (Q, 3, H, W)
        uint8 with values 0..255, or in model space; not modified.
    images : ndarray (N, 3, H, W)
        Likewise; a memory map works.
    layer : int or str, or None
        Whose features are compared; None for the pixels themselves, in model space.
    model : Network
    count : int
        Neighbours for each query.
    metric : {"euclidean", "cosine"}
        Distance of features a and b: ``||a - b||``, or ``1 - <a, b> / (||a|| ||b||)``, which ignores how strong
        features are and compares their proportions only. The cosine of a zero vector counts as 0.
    own_index : ndarray (Q,) of int, optional
        Where each query is among the images itself, so that it is left out; -1 where it is not among them.
    batch_size : int
        Images at a time.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    Neighbours
        Equally distant images in their order.

    Raises
    ------
    ValueError, TypeError
        No image sets, sizes with different numbers of features, an option out of range, or fewer images than
        neighbours asked for.

    Examples
    --------
    >>> images = np.concatenate([X, X[..., ::-1], 0 * X])
    >>> nearest_neighbours(X, images, "conv7", model, count=2).images
    array([[0, 1]])
    """
    op = "nearest_neighbours"
    check_model(op, model, queries=queries, images=images, layer=layer)
    check_image_set(op, queries, "queries")
    check_image_set(op, images)
    check_whole(op, 1, count=count)
    check_choice(op, "metric", metric, ("euclidean", "cosine"))
    own_index = _checked_own(op, own_index, len(queries), len(images))
    available = len(images) - int((own_index >= 0).any())
    if count > available:
        raise ValueError(f"{op}: count is {count}, but there are {available} images beside the query")
    distance = _euclidean if metric == "euclidean" else _cosine

    wanted = features_of(queries, layer, model, batch_size=batch_size)  # (Q, D)
    Q = len(wanted)
    nearest, distances = np.empty((Q, 0), dtype=np.int64), np.empty((Q, 0))
    for first, X in batches(op, images, model, batch_size=batch_size, progress=progress):
        feats = features_of(X, layer, model, batch_size=batch_size, progress=False)  # (B, D)
        if feats.shape[1] != wanted.shape[1]:
            raise ValueError(
                f"{op}: the queries have {wanted.shape[1]} features, the images {feats.shape[1]}; make them one size"
            )
        index = np.arange(first, first + len(X))
        apart = distance(wanted, feats)  # (Q, B)
        check_finite(op, "the distances", apart)
        found = np.where(index == own_index[:, None], np.inf, apart)
        nearest = np.concatenate([nearest, np.broadcast_to(index, found.shape)], axis=1)
        distances = np.concatenate([distances, found], axis=1)
        order = np.argsort(distances, axis=1, kind="stable")[:, :count]
        nearest, distances = (np.take_along_axis(a, order, axis=1) for a in (nearest, distances))
    return Neighbours(nearest, distances)


def _euclidean(a, b):
    """Distances (Q, B) of vectors (Q, D) and (B, D), by differences: exactly 0 for equal ones."""
    return np.array([np.sqrt(((b - row) ** 2).sum(axis=1, dtype=np.float64)) for row in a])


def _cosine(a, b):
    """Cosine distances (Q, B) of vectors (Q, D) and (B, D)."""
    a, b = (v.astype(np.float64) for v in (a, b))
    a, b = (v / np.where((norm := np.linalg.norm(v, axis=1, keepdims=True)) > 0, norm, 1) for v in (a, b))
    return 1 - a @ b.T


def _checked_own(op, own_index, Q, N):
    """own_index as an array (Q,), -1 where there is none."""
    own = np.full(Q, -1) if own_index is None else np.asarray(own_index)
    if own.shape != (Q,) or not np.issubdtype(own.dtype, np.integer):
        raise ValueError(f"{op}: own_index must be {Q} whole numbers, one for each query, got {own_index!r}")
    if own.min() < -1 or own.max() >= N:
        raise ValueError(f"{op}: own_index must be from 0 to {N - 1}, or -1, got {own_index!r}")
    return own
