"""Between pictures for people and pictures for a network.

A picture for people is uint8, RGB, (H, W, 3). "Model space" is what a network was trained on: channels first,
minus a mean, divided by a standard deviation. Pixel values 0 and 255 are bounds in model space, too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from .._typing import Array, Images
from ..layers.checks import check_float


@dataclass(frozen=True)
class Pixels:
    """A network's pixel conversion: ``X = (image - mean) / std`` in grey levels 0..255.

    Attributes
    ----------
    mean_image : ndarray (3, H, W) or None
        Mean of the training images, for images of exactly this size.
    mean : ndarray (3,) or None
        Mean pixel, for all other sizes.
    std : ndarray (3,)
        Standard deviations; ones where the network was trained without.
    """

    mean_image: np.ndarray | None
    mean: np.ndarray | None
    std: np.ndarray

    @property
    def scale(self) -> float:
        """Model-space units in one grey level (mean over the channels)."""
        return float(np.mean(1 / self.std))

    def preprocess(self, images: Images, dtype: DTypeLike = np.float32) -> Array:
        """uint8 (H, W, 3) or (N, H, W, 3) -> model space (N, 3, H, W). Never resizes."""
        images = np.asarray(images)
        if images.dtype != np.uint8:
            raise TypeError(
                f"preprocess: images must be uint8 with values 0..255, got {images.dtype}; "
                "load_image() returns such, and deprocess() turns model space back into them"
            )
        if images.ndim not in (3, 4) or images.shape[-1] != 3:
            raise ValueError(f"preprocess: images must have the shape (H, W, 3) or (N, H, W, 3), got {images.shape}")
        if images.ndim == 3:
            images = images[None]
        X = images.transpose(0, 3, 1, 2).astype(dtype)
        X -= self._mean_for(X.shape, "preprocess").astype(dtype)
        X /= self.std.astype(dtype)[:, None, None]
        return X

    def deprocess(self, X: Array, *, rescale: bool = False) -> Images:
        """Model space (N, 3, H, W) -> uint8 (N, H, W, 3), clipped to 0..255 and rounded.

        rescale=True stretches each image to the full range instead, which shows differences and noise.
        """
        X = np.asarray(X)
        check_float("deprocess", "X", X)
        if X.ndim not in (3, 4) or X.shape[-3] != 3:
            raise ValueError(f"deprocess: X must have the shape (N, 3, H, W), got {X.shape}")
        if X.ndim == 3:
            X = X[None]
        if not np.all(np.isfinite(X)):
            raise ValueError("deprocess: X holds NaN or infinity; a step was too large, or X was never filled")
        images = X * self.std.astype(X.dtype)[:, None, None] + self._mean_for(X.shape, "deprocess").astype(X.dtype)
        if rescale:
            lo = images.min(axis=(1, 2, 3), keepdims=True)
            span = images.max(axis=(1, 2, 3), keepdims=True) - lo
            images = (images - lo) * (255 / np.where(span > 0, span, 1))
        return np.clip(np.rint(images), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)

    def bounds(self, X: Array) -> tuple[Array, Array]:
        """What grey levels 0 and 255 are in model space: arrays lo, hi that broadcast against X (N, 3, H, W)."""
        X = np.asarray(X)
        dtype = X.dtype if np.issubdtype(X.dtype, np.floating) else np.float32
        # In X's own type, so that preprocess() of black and white lies exactly on the bounds.
        mean, std = self._mean_for(X.shape, "bounds").astype(dtype), self.std.astype(dtype)[:, None, None]
        return ((0 - mean) / std)[None], ((255 - mean) / std)[None]

    def _mean_for(self, shape, op):
        """The mean image where the size is its own, the mean pixel (3, 1, 1) otherwise."""
        if self.mean_image is not None and tuple(shape[-3:]) == self.mean_image.shape:
            return self.mean_image
        if self.mean is None:
            raise ValueError(
                f"{op}: this network's weights file has no mean image, and pixels cannot be converted without; "
                "give one: PretrainedCNN(h5_file=..., mean_image=load_tiny_imagenet(...)['mean_image'])"
            )
        return self.mean[:, None, None]


def make_pixels(mean_image=None, mean=None, std=None):
    """Check and complete the three arrays; the mean pixel follows from a mean image where it is not given.

    Raises ValueError on wrong shapes, values that are not finite, or standard deviations that are not positive.
    """
    if mean_image is not None:
        mean_image = np.asarray(mean_image, dtype=np.float32)
        if mean_image.ndim != 3 or mean_image.shape[0] != 3 or not np.all(np.isfinite(mean_image)):
            raise ValueError(f"mean_image must be finite and of the shape (3, H, W), got {mean_image.shape}")
        if mean is None:
            mean = mean_image.mean(axis=(1, 2))
    std = np.ones(3) if std is None else std
    vectors = {}
    for name, vector in (("pixel_mean", mean), ("pixel_std", std)):
        if vector is not None:
            vector = np.asarray(vector, dtype=np.float32)
            if vector.shape != (3,) or not np.all(np.isfinite(vector)):
                raise ValueError(f"{name} must be three finite numbers, one a channel; got {vector}")
        vectors[name] = vector
    if not np.all(vectors["pixel_std"] > 0):
        raise ValueError(f"pixel_std must be positive, got {vectors['pixel_std']}")
    return Pixels(mean_image, vectors["pixel_mean"], vectors["pixel_std"])
