"""Photographs that are on disk already, inside installed packages: nothing is downloaded, ever.

matplotlib always brings a portrait of Grace Hopper. With the `gallery` extra, scikit-image brings a cat, a
cup of coffee, an astronaut, a rocket, three textures, and two pictures whose style is worth painting in.
scikit-image's own functions may start a download when a file is not there; so its data folder is looked at directly,
and scikit-image itself is never imported.
"""

import importlib.util
from pathlib import Path

from .._typing import Images
from .images import load_image, resize_image

# File names in scikit-image's data folder. These have been inside the package in all versions since 0.20.
_GALLERY = {
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "astronaut": "astronaut.png",
    "rocket": "rocket.jpg",
    "brick": "brick.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
    "tissue": "ihc.png",
    "galaxies": "hubble_deep_field.jpg",
}


def sample_names() -> list[str]:
    """The names that `sample_image` knows on this computer (list of str): "portrait" and maybe more.

    Examples
    --------
    >>> "portrait" in sample_names()
    True
    """
    return ["portrait", *(name for name in _GALLERY if _gallery_file(name))]


def default_sample() -> str:
    """The sample for examples that need just any photograph: "cat" where there is one, else "portrait".

    Examples
    --------
    >>> default_sample() in sample_names()
    True
    """
    return "cat" if _gallery_file("cat") else "portrait"


def sample_image(name: str, *, size: int | tuple[int, int] | None = None) -> Images:
    """A real photograph or texture from an installed package.

    Parameters
    ----------
    name : {"portrait", "cat", "coffee", "astronaut", "rocket", "brick", "grass", "gravel", "tissue", "galaxies"}
        All but "portrait" need the `gallery` extra. "brick", "grass" and "gravel" are grey textures, "tissue" (under
        the microscope) and "galaxies" (the Hubble deep field) pictures for style transfer.
    size : int or (H, W), optional
        Crop the centre to that aspect ratio and resize to that many pixels; an int means a square.

    Returns
    -------
    array (H, W, 3), uint8
        RGB, 0..255.

    Raises
    ------
    ValueError
        There is no sample of that name, or it needs the `gallery` extra.

    Examples
    --------
    >>> sample_image("portrait", size=64).shape
    (64, 64, 3)
    """
    if name == "portrait":
        path = _portrait_file()
    elif name in _GALLERY:
        path = _gallery_file(name)
        if path is None:
            raise ValueError(
                f"sample_image: {name!r} comes with scikit-image, which is not installed or lacks that file; "
                f'run: pip install "pixelgrad[gallery]" (available now: {", ".join(sample_names())})'
            )
    else:
        extra = [other for other in _GALLERY if not _gallery_file(other)]
        more = f' (and, with pip install "pixelgrad[gallery]": {", ".join(extra)})' if extra else ""
        known = ", ".join(sample_names())
        raise ValueError(f"sample_image: no sample is called {name!r}; expected one of {known}{more}")
    image = load_image(path)
    return image if size is None else resize_image(image, size)


def _gallery_file(name):
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "data" / _GALLERY[name]
    return path if path.is_file() else None


def _portrait_file():
    from matplotlib.cbook import get_sample_data  # knows where distributions put it; needs no pyplot

    return get_sample_data("grace_hopper.jpg", asfileobj=False)
