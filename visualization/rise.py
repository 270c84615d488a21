"""RISE: hide random parts of an image, many times, and average the masks by what the network still sees.

V. Petsiuk, A. Das and K. Saenko, "RISE: randomized input sampling for explanation of black-box models", 2018,
section 3. It needs no gradient and no layer, only scores.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..layers.checks import check_choice
from .cam import upsample_maps
from .checks import check_images, check_labels, check_model, check_whole
from .occlusion import OBJECTIVES, class_value, fill_like


def rise(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    samples: int = 1000,
    grid: int = 7,
    keep: float = 0.5,
    fill: str = "grey",
    objective: str = "probability",
    batch_size: int = 64,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> Array:
    """The mean of random masks, each weighted by the class's probability in the masked image.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    samples : int
        Masks, the same for all images; the paper takes 4000 to 8000. The error falls with their square root.
    grid : int
        Cells of a mask along each side before it is enlarged.
    keep : float
        Probability that a cell is seen.
    fill : {"grey", "black", "mean", "blur", "noise"}
        What stands where nothing is seen; see `fill_like`.
    objective : {"probability", "score"}
    batch_size : int
        Masked images at a time; the result does not depend on it.
    rng : int or numpy.random.Generator, optional
        Draws the masks; a fixed seed by default.
    callback : callable, optional
        callback(t, maps, info) after each batch of masks, with the maps of those so far; info has "samples" (int).
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    ndarray (N, H, W)
        The expected value of the class, given that a pixel is seen.

    Notes
    -----
    ``map = 1 / (samples keep) sum over masks of value(image under the mask) mask`` (equation 6). Only differences
    within a map mean something: the value of a picture that is half hidden is in every pixel.

    Examples
    --------
    >>> rise(X, y, model, samples=32).shape
    (1, 64, 64)
    """
    op = "rise"
    check_model(op, model, X=X, y=y)
    check_images(op, X, model, size_matters=True)
    check_whole(op, 1, samples=samples, grid=grid, batch_size=batch_size)
    check_choice(op, "objective", objective, OBJECTIVES)
    if not 0 < keep < 1:
        raise ValueError(f"{op}: keep must lie between 0 and 1, got {keep!r}")
    rng = np.random.default_rng(0 if rng is None else rng)
    empty = fill_like(X, fill, model, sigma=min(X.shape[2:]) / 12, rng=rng)
    y = check_labels(op, y, len(X), model)

    total = np.zeros((len(X), *X.shape[2:]))

    def value_of(images, label):
        """Probability or score of a class in each of some images (M, 3, H, W): (M,)."""
        scores = model.scores(images.astype(X.dtype), batch_size=batch_size)
        return class_value(scores, np.full(len(images), label), objective)

    def drawn():
        """Masks (M, H, W), batch by batch."""
        with progress_bar(total=samples * len(X), progress=progress, desc="RISE", unit="image") as bar:
            for first in range(0, samples, batch_size):
                masks = random_masks(min(batch_size, samples - first), X.shape[2:], grid=grid, keep=keep, rng=rng)
                yield masks
                bar.update(len(masks) * len(X))
                if callback:
                    done = first + len(masks)
                    callback(first // batch_size, (total / (done * keep)).astype(X.dtype), {"samples": done})

    batches = drawn()
    ### BEGIN SOLUTION
    for masks in batches:
        for n in range(len(X)):
            seen = empty[n] + masks[:, None] * (X[n] - empty[n])  # (M, 3, H, W)
            total[n] += np.tensordot(value_of(seen, y[n]), masks, axes=1)
    maps = total / (samples * keep)
    ### END SOLUTION
    return maps.astype(X.dtype)


def random_masks(count, size, *, grid, keep, rng):
    """Smooth masks (count, H, W) of values 0..1: coarse random grids, enlarged, each cut out at a random offset.

    The grid has a cell more than asked for along each side, and the offset is less than a cell, so that the cells'
    borders lie elsewhere in every mask (section 3.2).
    """
    cell = [-(-side // grid) for side in size]  # pixels, rounded up
    coarse = (rng.random((count, grid + 1, grid + 1)) < keep).astype(np.float64)
    large = upsample_maps(coarse, [(grid + 1) * side for side in cell])
    offsets = [rng.integers(side, size=count) for side in cell]
    rows, columns = (offset[:, None] + np.arange(side) for offset, side in zip(offsets, size))
    return large[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
