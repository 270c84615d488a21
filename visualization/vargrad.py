"""VarGrad: where the gradient changes most from one noisy copy of an image to the next.

J. Adebayo et al., "Local explanation methods for deep neural networks lack sensitivity to parameter values", 2018,
section 2; compared with others in S. Hooker et al., "A benchmark for interpretability methods in deep neural networks",
2019, section 4.1. The noise is SmoothGrad's.
"""

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.network import Network
from .attribution import channel_map, noise_levels
from .checks import check_images, check_labels, check_model, check_not_negative, check_whole
from .saliency import class_gradient


def vargrad(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    samples: int = 50,
    noise_level: float = 0.15,
    channels: str = "max",
    batch_size: int = 32,
    rng: int | np.random.Generator | None = None,
    progress: bool | None = None,
) -> Array:
    """The variance of the gradient over noisy copies of an image.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    samples : int
        Noisy copies of each image, at least 2.
    noise_level : float
        Standard deviation of the noise as a fraction of the range of the image's pixels. With 0 there is no variance.
    channels : {"max", "sum", "l2"}
        As in `channel_map`; a variance has no sign.
    batch_size : int
        Copies at a time; the result does not depend on it.
    rng : int or numpy.random.Generator, optional
        Draws the noise, the same for all images; a fixed seed by default.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    ndarray (N, H, W)
        The square of score per unit of model space; never negative. Unbiased: the sum of squares is divided by
        `samples` - 1.

    Examples
    --------
    >>> vargrad(X, y, model, samples=4).shape
    (1, 64, 64)
    """
    op = "vargrad"
    check_model(op, model, X=X, y=y)
    check_images(op, X, model, size_matters=True)
    check_whole(op, 2, samples=samples)
    check_whole(op, 1, batch_size=batch_size)
    check_not_negative(op, noise_level=noise_level)
    y = check_labels(op, y, len(X), model)
    rng = np.random.default_rng(0 if rng is None else rng)
    sigma = noise_levels(X, model, noise_level)  # (N,)

    mean, squares, seen = np.zeros(X.shape), np.zeros(X.shape), 0
    with progress_bar(total=samples * len(X), progress=progress, desc="VarGrad", unit="image") as bar:
        for first in range(0, samples, batch_size):
            noise = rng.standard_normal((min(batch_size, samples - first), *X.shape[1:]))
            seen += len(noise)
            for n in range(len(X)):
                dX = class_gradient((X[n] + sigma[n] * noise).astype(X.dtype), y[n], model).astype(np.float64)
                # Chan, Golub and LeVeque 1983: the sum of squares around a mean that moves with every batch.
                step = dX.mean(axis=0) - mean[n]
                mean[n] += step * len(noise) / seen
                squares[n] += ((dX - dX.mean(axis=0)) ** 2).sum(axis=0)
                squares[n] += step**2 * (seen - len(noise)) * len(noise) / seen
                bar.update(len(noise))
    return channel_map((squares / (samples - 1)).astype(X.dtype), channels=channels)
