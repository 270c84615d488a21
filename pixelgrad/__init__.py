"""pixelgrad: what a convolutional network sees, computed by hand, every gradient in plain NumPy.

The library lives in five folders that are imported under this one name:

- `pixelgrad.layers`: forward/backward pairs, losses, gradient checks
- `pixelgrad.classifiers`: networks, weights files, the training loop
- `pixelgrad.visualization`: one module per technique, plots, the gallery
- `pixelgrad.datasets`: TinyImageNet, photographs, downloads, the shipped weights
- `pixelgrad.coursework`: exercises, the checker, the student edition, grading
"""

from pathlib import Path

__version__ = "0.1.0"

# In a checkout the five folders lie beside this one, so that they can be found at the top of the
# repository. Adding that place to the package's path makes `python -m pixelgrad` and the tests work from
# the repository's root without installing anything. (An installed copy has them inside the package.)
_root = Path(__file__).resolve().parent.parent
if (_root / "setup.py").is_file() and (_root / "layers").is_dir():
    __path__.append(str(_root))


def open(source, model=None):
    """Look at a picture through a network: ``pixelgrad.open("photo.jpg").plot("Egyptian cat")``.

    Parameters
    ----------
    source : str, Path, or ndarray (H, W, 3) uint8
        A picture file or the name of a sample photograph, at the network's own size; or a picture, as it is.
    model : Network, optional
        By default the network that ships with the package.

    Returns
    -------
    pixelgrad.visualization.plots.Look
    """
    # Imported here: the command line settles its threads before NumPy is imported.
    from .visualization.plots.look import open_picture

    return open_picture(source, model)
