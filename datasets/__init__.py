"""Pictures to look through a network at: TinyImageNet, photographs, downloads, and the shipped weights.

- `load_tiny_imagenet`: TinyImageNet-100-A, -100-B or -200 as CS231n's dictionary, memory-mapped;
  `load_tiny_imagenet_boxes`: where its objects are
- `load_imagenet_val`, `load_class_names`: CS231n's 25 pictures of ImageNet, and names of classes from a text file
- `load_image`, `resize_image`, `save_image`: pictures of your own
- `sample_image`, `sample_names`, `default_sample`: photographs inside installed packages, no download needed
- `download`, `unpack_zip`: data sets and weights from their official addresses, resumable and checked
- `shipped_weights`: the weights file that comes with the package; `squeezenet_weights`: yours, if it is there

What cannot be used raises `DataError`, a ValueError. Pictures are uint8, RGB: (H, W, 3) for people,
(N, 3, 64, 64) in data sets.
"""

import os
from pathlib import Path

from .download import download
from .errors import DataError
from .imagenet import load_class_names, load_imagenet_val
from .images import load_image, resize_image, save_image
from .samples import default_sample, sample_image, sample_names
from .tiny_imagenet import load_tiny_imagenet, load_tiny_imagenet_boxes
from .unpack import unpack_zip

__all__ = [
    "DataError",
    "default_sample",
    "download",
    "load_class_names",
    "load_image",
    "load_imagenet_val",
    "load_tiny_imagenet",
    "load_tiny_imagenet_boxes",
    "resize_image",
    "sample_image",
    "sample_names",
    "save_image",
    "shipped_weights",
    "squeezenet_weights",
    "unpack_zip",
]

SHIPPED = {"standard": "tinyimagenet100.h5", "robust": "tinyimagenet100-robust.h5"}


def shipped_weights(variant: str = "standard") -> Path:
    """The path of the TinyImageNet weights that come with the package.

    Parameters
    ----------
    variant : {"standard", "robust"}
        "robust" is the network trained on attacked images.

    Returns
    -------
    Path

    Examples
    --------
    >>> shipped_weights("robust").name
    'tinyimagenet100-robust.h5'
    """
    if variant not in SHIPPED:
        raise ValueError(f"shipped_weights: variant must be one of {', '.join(SHIPPED)}, got {variant!r}")
    return Path(__file__).resolve().parent / "weights" / SHIPPED[variant]


def squeezenet_weights() -> Path | None:
    """Where `squeezenet1_1.h5` lies (Path), or None: in the folder that PIXELGRAD_DATA names, or in the current one.

    It does not come with the package; `pixelgrad download squeezenet` and `pixelgrad convert` make it.

    Examples
    --------
    >>> squeezenet_weights() is None or squeezenet_weights().is_file()
    True
    """
    folders = [Path(folder) for folder in (os.environ.get("PIXELGRAD_DATA"), ".") if folder]
    return next((f / "squeezenet1_1.h5" for f in folders if (f / "squeezenet1_1.h5").is_file()), None)
