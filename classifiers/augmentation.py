"""Training batches: random flips and shifted crops of TinyImageNet's images, and pairs of images in one."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._typing import Array, IntArray


@dataclass(frozen=True)
class Augmentation:
    """How a training image is varied.

    Attributes
    ----------
    flip : bool
        Mirror half of the images left to right.
    pad : int
        Pixels of zero (the mean image, in model space) around the image before a crop of its own size is drawn:
        shifts by up to `pad` in each direction. One offset serves a whole batch.
    early_crop, early_pad : int
        In the first `early_epochs` epochs a smaller square crop, drawn from the image padded by `early_pad`: much less
        work, and a network that ends in global average pooling does not mind. 0 turns it off.
    early_epochs : int
    cutmix : float
        Probability that a batch is mixed: a random rectangle of each image is taken from another one, and so is that
        share of its label (S. Yun et al., "CutMix: regularization strategy to train strong classifiers with localizable
        features", 2019, section 3.1, the rectangle's area evenly distributed).

    Examples
    --------
    >>> augmentation = Augmentation(flip=True, pad=4)
    >>> augmentation.cutmix
    0.0
    """

    flip: bool = True
    pad: int = 4
    early_crop: int = 0
    early_pad: int = 2
    early_epochs: int = 0
    cutmix: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.cutmix <= 1:
            raise ValueError(f"Augmentation: cutmix is a probability, 0 to 1; got {self.cutmix}")

    def apply(self, X: Array, epoch: int, rng: np.random.Generator) -> Any:
        """A varied copy of a batch.

        Parameters
        ----------
        X : ndarray (N, 3, H, W), model space
        epoch : int
            From 0.
        rng : numpy.random.Generator

        Returns
        -------
        ndarray (N, 3, H, W), or (N, 3, early_crop, early_crop) in the early epochs
        """
        N, _, H, W = X.shape
        early = self.early_crop and epoch < self.early_epochs
        h, w, pad = (self.early_crop, self.early_crop, self.early_pad) if early else (H, W, self.pad)
        if h > H + 2 * pad or w > W + 2 * pad:
            raise ValueError(f"augmentation: a crop of {h}x{w} does not fit into {H}x{W} images padded by {pad}")
        top, left = rng.integers(-pad, H + pad - h + 1), rng.integers(-pad, W + pad - w + 1)
        mirrored = rng.random(N) < 0.5 if self.flip else np.zeros(N, dtype=bool)

        out = np.zeros((N, X.shape[1], h, w), dtype=X.dtype)
        r0, c0 = max(top, 0), max(left, 0)
        r1, c1 = max(r0, min(top + h, H)), max(c0, min(left + w, W))  # equal where the crop misses the image
        out[:, :, r0 - top : r1 - top, c0 - left : c1 - left] = X[:, :, r0:r1, c0:c1]
        out[mirrored] = out[mirrored, :, :, ::-1]
        return out

    def mix(self, X: Array, rng: np.random.Generator) -> tuple[Array, IntArray, float]:
        """Put a rectangle of another image into each image, or leave a batch as it is.

        Parameters
        ----------
        X : ndarray (N, 3, H, W)
        rng : numpy.random.Generator

        Returns
        -------
        X : ndarray (N, 3, H, W)
            A new array where the batch is mixed.
        partner : ndarray (N,) of int
            Which image of the batch the rectangle comes from.
        share : float
            The part of each image that is still its own, 0 to 1.
        """
        N, _, H, W = X.shape
        if self.cutmix == 0 or rng.random() >= self.cutmix:
            return X, np.arange(N), 1.0
        partner = rng.permutation(N)
        side = np.sqrt(1 - rng.random())  # of the rectangle, relative to the image's
        h, w = int(side * H), int(side * W)
        row, column = rng.integers(H), rng.integers(W)  # the centre: the border may cut a part off
        rows = slice(max(0, row - h // 2), min(H, row + h - h // 2))
        columns = slice(max(0, column - w // 2), min(W, column + w - w // 2))
        out = X.copy()
        out[:, :, rows, columns] = X[partner, :, rows, columns]
        return out, partner, 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / (H * W)
