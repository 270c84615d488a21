"""Facets: the kinds of images that one neuron responds to.

A. Nguyen, J. Yosinski and J. Clune, "Multifaceted feature visualization", 2016: cluster images of a class, and start
activation maximization from the mean of each cluster. `facet_starts` makes these means; `visualize_neuron` does the
rest.
"""

from typing import NamedTuple

import numpy as np
from scipy.cluster.vq import ClusterError, kmeans2

from .._typing import Array
from ..classifiers.network import Network
from .checks import check_model, check_whole
from .embedding import pca
from .image_sets import check_image_set, features_of, in_model_space


class Facets(NamedTuple):
    """Where to start to find the kinds of images in a set.

    Attributes
    ----------
    X : ndarray (M, 3, H, W)
        A mean image for each cluster, in model space; the largest cluster first.
    labels : ndarray (N,) of int
        The cluster of each image.
    nearest : list of ndarray of int
        The images that each mean is of.
    """

    X: np.ndarray
    labels: np.ndarray
    nearest: list


def facet_starts(
    images: Array,
    model: Network,
    *,
    num_facets: int = 4,
    layer: int | str | None = None,
    nearest: int = 15,
    rng: int | np.random.Generator | None = None,
    batch_size: int = 64,
    progress: bool | None = None,
) -> "Facets":
    """Cluster images, such as those of one class, and average the most typical of each cluster.

    Activation maximization of one neuron from each, ``visualize_neuron(..., X_init=facets.X, num_iterations=30)``,
    shows its facets: lemons in a bowl, sliced, and on the tree. The more steps, the more alike they become.

    Parameters
    ----------
    images : ndarray (N, 3, H, W)
        uint8 with values 0..255, or in model space; not modified.
    model : Network
    num_facets : int
    layer : int or str, optional
        By whose features to cluster; by default by pixels, which gathers images by colours and layout.
    nearest : int
        A mean is taken over so many images next to the cluster's centre, or over all it has: a mean over hundreds is
        grey.
    rng : int or numpy.random.Generator, optional
        For the first centres; a fixed seed by default.
    batch_size : int
        Images at a time.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    Facets

    Raises
    ------
    ValueError, TypeError
        No image set, fewer different images than facets, an option out of range.

    Notes
    -----
    Features are reduced to 50 dimensions by PCA (2016, section 2.2, which goes on to t-SNE) and clustered by k-means,
    the best of ten starts.

    Examples
    --------
    >>> from pixelgrad.visualization.image_sets import random_crops
    >>> images, _ = random_crops([picture], 20, size=32)
    >>> facet_starts(images, model, num_facets=2).X.shape
    (2, 3, 32, 32)
    """
    op = "facet_starts"
    check_model(op, model, images=images)
    check_image_set(op, images)
    check_whole(op, 1, num_facets=num_facets, nearest=nearest)
    rng = np.random.default_rng(0 if rng is None else rng)
    x = features_of(images, layer, model, batch_size=batch_size, progress=progress).astype(np.float64)
    _, different = np.unique(x, axis=0, return_index=True)
    if len(different) < num_facets:
        raise ValueError(f"{op}: num_facets is {num_facets}, but there are {len(different)} different images")
    if len(x) > 1:
        x = pca(x, dims=min(50, *x.shape)).points
    centres, labels = _clusters(op, x, different, num_facets, rng)
    order = np.argsort(-np.bincount(labels, minlength=num_facets), kind="stable")
    labels, centres = np.argsort(order)[labels], centres[order]
    typical = []
    for k, centre in enumerate(centres):
        members = np.flatnonzero(labels == k)
        distance = ((x[members] - centre) ** 2).sum(axis=1)
        typical.append(members[np.argsort(distance, kind="stable")[:nearest]])
    return Facets(
        np.stack([in_model_space(images[members], model).mean(axis=0) for members in typical]), labels, typical
    )


def _clusters(op, x, different, count, rng):
    """k-means: centres (M, D) and the label of each point, the tightest of ten starts without empty clusters."""
    best = None
    for _ in range(10):
        start = x[rng.choice(different, count, replace=False)]
        try:
            _, labels = kmeans2(x, start, iter=50, minit="matrix", missing="raise")
        except ClusterError:  # one got empty
            continue
        centres = np.stack([x[labels == k].mean(axis=0) for k in range(count)])
        spread = ((x - centres[labels]) ** 2).sum()
        if best is None or spread < best[0]:
            best = spread, centres, labels
    if best is None:
        raise ValueError(f"{op}: the images do not fall into {count} clusters; ask for fewer facets")
    return best[1:]
