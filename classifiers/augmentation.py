"""Training batches: random flips and shifted crops of TinyImageNet's images."""

from dataclasses import dataclass

import numpy as np


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
    """

    flip: bool = True
    pad: int = 4
    early_crop: int = 0
    early_pad: int = 2
    early_epochs: int = 0

    def apply(self, X, epoch, rng):
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
