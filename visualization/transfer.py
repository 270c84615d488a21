"""Transfer: do images that fool one network also fool another, which the attack has never seen?

C. Szegedy et al., "Intriguing properties of neural networks", 2014, section 4.2.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._typing import Array, Images, IntArray
from ..classifiers.network import Network
from ..datasets import resize_image
from .adversarial import attack


def transfer_matrix(
    networks: dict[str, Network],
    pictures: Images,
    y: IntArray,
    *,
    attack_with: Callable[..., Any] = attack,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
    **options: Any,
) -> Array:
    """Make images that fool each network and show them to all.

    Parameters
    ----------
    networks : dict of str to Network
        At least one; with the same classes in the same order.
    pictures : ndarray (N, H, W, 3) uint8
        Photographs of one size; each network gets them at its own input size.
    y : ndarray (N,) of int
        Their classes.
    attack_with : callable
        `attack`, `pgd`, or another with their arguments; the attack is untargeted.
    callback : callable, optional
        callback(a, matrix, info) once network a's images have been shown to all, with the rows so far; the others hold
        NaN. info is empty.
    progress : bool, optional
    **options
        For the attack, such as ``eps=3.5``.

    Returns
    -------
    ndarray (A, B)
        Of the images that networks A and B both classify correctly and that fool A after rounding to whole grey levels,
        the part that also fools B; NaN where there are no such images.

    Examples
    --------
    >>> networks = {"a": model, "b": model}
    >>> transfer_matrix(networks, picture[None], np.array([y]), max_iterations=2).shape
    (2, 2)
    """
    if not networks:
        raise ValueError("transfer_matrix: give at least one network")
    if len({tuple(model.class_names) for model in networks.values()}) > 1:
        raise ValueError("transfer_matrix: the networks must have the same classes in the same order")
    models, y = list(networks.values()), np.asarray(y)
    right = [_seen(model, pictures) == y for model in models]
    matrix = np.full((len(models), len(models)), np.nan)
    for a, source in enumerate(models):
        X = source.preprocess(_sized(pictures, source.input_size))
        made = source.deprocess(attack_with(X, y, source, progress=progress, **options).X)
        fooled = right[a] & (_seen(source, made) != y)
        for b, model in enumerate(models):
            both = fooled & right[b]
            if both.any():
                matrix[a, b] = (_seen(model, made)[both] != y[both]).mean()
        if callback:
            callback(a, matrix.copy(), {})
    return matrix


def _seen(model, pictures):
    return model.scores(model.preprocess(_sized(pictures, model.input_size))).argmax(axis=1)


def _sized(pictures, size):
    if pictures.shape[1:3] == tuple(size):
        return pictures
    return np.stack([resize_image(picture, size) for picture in pictures])
