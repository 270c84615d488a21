"""Thousands of images at a time: in batches through a network, and crops of photographs where there is no data set.

Functions that look through many images take an *image set*: an array (N, 3, H, W), either uint8 with values 0..255, as
in data sets (a memory map works: only a batch is read at a time), or floats in model space.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._progress import progress_bar
from .._typing import Array, Images, IntArray
from ..classifiers.network import Network
from .checks import check_finite, check_whole


class ImageSet(NamedTuple):
    """Images (N, 3, H, W) uint8 to look through, a label for each, and the labels' names."""

    images: np.ndarray
    labels: np.ndarray
    names: list


def check_image_set(op: str, images: Images | Array, name: str = "images") -> None:
    """Raise unless images is an image set: (N, 3, H, W), of uint8 or in model space."""
    kind = getattr(images, "dtype", type(images).__name__)
    if not isinstance(images, np.ndarray) or not (kind == np.uint8 or np.issubdtype(kind, np.floating)):
        raise TypeError(f"{op}: {name} must be an array of uint8 (0..255) or of floats in model space, got {kind}")
    if images.ndim != 4 or images.shape[1] != 3 or len(images) == 0:
        raise ValueError(f"{op}: {name} must have the shape (N, 3, H, W) with N at least 1, got {images.shape}")


def in_model_space(images, model):
    """Some images of a set in model space, (N, 3, H, W)."""
    return model.preprocess(images.transpose(0, 2, 3, 1)) if images.dtype == np.uint8 else images


def as_pictures(images, model):
    """Some images of a set as pictures for people, uint8 (N, H, W, 3)."""
    return np.array(images.transpose(0, 2, 3, 1)) if images.dtype == np.uint8 else model.deprocess(images)


def batches(
    op: str, images: Array, model: Network, *, batch_size: int = 64, progress: bool | None = None
) -> Iterator[Any]:
    """Go through an image set.

    Parameters
    ----------
    op : str
        The technique's name, for messages and the bar.
    images : ndarray (N, 3, H, W)
        An image set.
    model : Network
    batch_size : int
        Images at a time.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Yields
    ------
    first : int
        Index of the batch's first image.
    X : ndarray (up to batch_size, 3, H, W)
        In model space.

    Examples
    --------
    >>> [part.shape for first, part in batches("example", np.concatenate([X, X, X]), model, batch_size=2)]
    [(2, 3, 64, 64), (1, 3, 64, 64)]
    """
    check_image_set(op, images)
    check_whole(op, 1, batch_size=batch_size)
    for first in progress_bar(range(0, len(images), batch_size), progress=progress, desc=op, unit="batch"):
        X = in_model_space(images[first : first + batch_size], model)
        check_finite(op, "images", X)
        yield first, X


def features_of(
    images: Array, layer: int | str | None, model: Network, *, batch_size: int = 64, progress: bool | None = None
) -> Array:
    """The features of each image at a layer, as one vector per image.

    Parameters
    ----------
    images : ndarray (N, 3, H, W)
        An image set.
    layer : int or str, or None
        None for the pixels themselves, in model space.
    model : Network
    batch_size : int
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    ndarray (N, D)
        In the network's dtype; D is C*H*W of the layer.

    Examples
    --------
    >>> features_of(X, "global_avg_pool", model).shape
    (1, 384)
    """
    op = "features_of"
    end = None if layer is None else model.layer_index(layer)
    out: Any = None
    for first, X in batches(op, images, model, batch_size=batch_size, progress=progress):
        feats = (X if end is None else model.forward(X, end=end)[0]).reshape(len(X), -1)
        if out is None:
            out = np.empty((len(images), feats.shape[1]), dtype=feats.dtype)
        out[first : first + len(X)] = feats
    return out


def random_crops(
    pictures: Sequence[Images],
    count: int,
    *,
    size: int | tuple[int, int],
    smallest: float = 0.25,
    rng: int | np.random.Generator | None = None,
) -> tuple[Images, IntArray]:
    """Random square crops of a few pictures, for use without a data set.

    Parameters
    ----------
    pictures : sequence of ndarray (H, W, 3) uint8
        Of any size; the crops are shared out equally among them.
    count : int
        How many crops.
    size : int or (H, W)
        Their size in pixels, after resizing.
    smallest : float
        The shorter side of a crop is drawn between this part of the picture's (at most 1) and all of it.
    rng : int or numpy.random.Generator, optional
        A fixed seed by default.

    Returns
    -------
    images : ndarray (count, 3, H, W) uint8
    source : ndarray (count,) of int
        Which picture each crop is from.

    Examples
    --------
    >>> images, source = random_crops([picture, picture[:, ::-1]], 4, size=32)
    >>> images.shape, source
    ((4, 3, 32, 32), array([0, 1, 0, 1]))
    """
    from ..datasets import resize_image

    op = "random_crops"
    pictures = list(pictures)
    if not pictures:
        raise ValueError(f"{op}: no pictures to cut crops from")
    check_whole(op, 1, count=count)
    if not 0 < smallest <= 1:
        raise ValueError(f"{op}: smallest must be above 0 and at most 1, got {smallest}")
    rng = np.random.default_rng(0 if rng is None else rng)
    height, width = (size, size) if isinstance(size, int | np.integer) else size
    images, source = np.empty((count, 3, height, width), dtype=np.uint8), np.arange(count) % len(pictures)
    for image, k in zip(images, source):
        H, W, _ = pictures[k].shape
        scale = rng.uniform(smallest, 1) * min(H / height, W / width)
        h, w = max(1, round(scale * height)), max(1, round(scale * width))
        top, left = rng.integers(0, H - h + 1), rng.integers(0, W - w + 1)
        crop = pictures[k][top : top + h, left : left + w]
        if rng.integers(2):
            crop = crop[:, ::-1]
        image[...] = resize_image(crop, (height, width)).transpose(2, 0, 1)
    return images, source


def sample_crops(count, *, size, rng=None):
    """Crops of all sample photographs on this computer, as `random_crops` returns them."""
    from ..datasets import sample_image, sample_names

    return random_crops([sample_image(name) for name in sample_names()], count, size=size, rng=rng)
