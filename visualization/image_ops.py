"""What the techniques share: small pure functions on images in model space, (N, C, H, W).

Where a function is linear its adjoint is known, so that a gradient can be carried back through it: `jitter` by
(dy, dx) is undone and adjoined by `jitter` by (-dy, -dx), and `blur` is its own adjoint.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from ..classifiers.blocks import param_shapes
from .checks import check_positive

SMALLEST_OCTAVE = 24  # pixels of the shorter side


def jitter(X, dy, dx):
    """Shift images by dy rows and dx columns; pixels that leave on one side come back on the other."""
    return np.roll(X, (dy, dx), axis=(2, 3))


def blur(X, sigma):
    """Gaussian blur of every channel, sigma in pixels; borders are mirrored, so that brightness is preserved."""
    if sigma < 0:
        raise ValueError(f"blur: sigma must not be negative, got {sigma}")
    return gaussian_filter(X, sigma=(0, 0, sigma, sigma), mode="reflect")


def clip(X, bounds):
    """Limit pixels to (lo, hi), as `model.bounds(X)` returns them: the result is an image that can be shown."""
    lo, hi = bounds
    X = np.clip(X, lo, hi)
    if X.size and np.isnan(X.min()):
        raise ValueError("clip: the image holds NaN; a learning rate, or the weight of a penalty, is too large")
    return X


def unit(dX):
    """Each image's gradient divided by its L2 norm; a gradient of zero stays zero."""
    norms = np.sqrt((dX.astype(np.float64) ** 2).sum(axis=(1, 2, 3), keepdims=True))  # float32 could under- or overflow
    return dX / np.where(norms > 0, norms, 1).astype(dX.dtype)


def step(X, dX, learning_rate, *, normalize):
    """Move along a gradient: by ``learning_rate * dX / ||dX||`` for each image, or by ``learning_rate * dX``."""
    return X + X.dtype.type(learning_rate) * (unit(dX) if normalize else dX)


def grey_levels(model, X, rms):
    """The L2 length, in model space, of a change of one image by `rms` grey levels on average (root mean square).

    A step of that length looks alike on every network and at every image size.
    """
    return float(rms * model.pixel_scale * np.sqrt(np.prod(X.shape[1:])))


def step_length(op, model, X, learning_rate, *, normalize, rms):
    """The learning rate of a technique: the one given, or a change by `rms` grey levels where steps are normalised.

    Raises ValueError if it is not above 0, or if there is none and steps are not normalised.
    """
    if learning_rate is None:
        if not normalize:
            raise ValueError(f"{op}: with normalize=False give a learning_rate, the factor of the gradient")
        return grey_levels(model, X, rms)
    check_positive(op, learning_rate=learning_rate)
    return learning_rate


def noise(model, shape, rng, *, rms=25.0):
    """Normally distributed noise around the mean colour, `rms` grey levels strong: (N, C, H, W) in model space."""
    X = (rms * model.pixel_scale * rng.standard_normal(shape)).astype(model.dtype)
    return clip(X, model.bounds(X))


def resize(X, size, model):
    """Images in model space at another size (H, W), by bicubic interpolation with antialiasing.

    A mean image is subtracted at one size only, so the distance from black is interpolated: black stays black at
    either size.
    """
    height, width = size
    above_black = (X - model.bounds(X)[0]).astype(np.float32)
    out = np.empty((*X.shape[:2], height, width), dtype=X.dtype)
    for n, c in np.ndindex(*X.shape[:2]):
        out[n, c] = Image.fromarray(above_black[n, c]).resize((width, height), Image.Resampling.BICUBIC)
    return out + model.bounds(out)[0]


def octave_sizes(size, num_octaves, octave_scale):
    """Image sizes (H, W) from the smallest octave to `size` itself; octaves with a side too short are left out."""
    sizes = [tuple(round(n / octave_scale**k) for n in size) for k in reversed(range(num_octaves))]
    return [s for s in sizes[:-1] if min(s) >= SMALLEST_OCTAVE] + [tuple(size)]


def takes(model, size):
    """Whether a network can be given images of a size (H, W): one with an affine layer on its maps takes one only."""
    try:
        shapes = param_shapes(model.named_blocks(), size)
    except ValueError:
        return False
    return all(model.params[name].shape == shape for name, shape in shapes.items())
