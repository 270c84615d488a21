"""From a picture file to a map in one line: the picture at the right size, a network, and what it sees."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..._typing import Array, Images
from ...classifiers.network import Network
from ...classifiers.predictions import Predictions
from ...classifiers.pretrained import PretrainedCNN
from ...datasets import load_image, sample_image, sample_names
from ...layers.checks import check_choice
from ..cam import grad_cam
from ..checks import check_model
from ..faithfulness import METHODS
from .faithfulness import METHOD_NAMES
from .figure import Figure
from .maps import plot_maps
from .pictures import short_name


class Look:
    """A picture as a network sees it.

    Parameters
    ----------
    picture : ndarray (H, W, 3) uint8
    model : Network

    Attributes
    ----------
    picture, model
    X : ndarray (1, 3, H, W)
        The picture in model space, for all techniques.
    predictions : list of list of Prediction
        What the network sees; it prints as a table.
    """

    def __init__(self, picture: Images, model: Network) -> None:
        check_model("Look", model, picture=picture)
        self.picture, self.model = picture, model
        self.X: Array = model.preprocess(picture)
        self.predictions: Predictions = model.predict(self.X)

    def map(self, label: int | str | None = None, *, method: str = "grad_cam") -> Array:
        """Which pixels speak for a class.

        Parameters
        ----------
        label : int or str, optional
            A class by index, name or WordNet id; by default what the network sees.
        method : {"grad_cam", "saliency", "smoothgrad", "gradient_x_input", "integrated_gradients", "guided", ...}

        Returns
        -------
        ndarray (H, W)
        """
        check_choice("map", "method", method, tuple(METHODS))
        make: Callable[..., Any] = grad_cam if method == "grad_cam" else METHODS[method]
        return np.asarray(make(self.X, self._index(label), self.model))[0]

    def plot(self, label: int | str | None = None, *, method: str = "grad_cam") -> Figure:
        """The picture, its map, and both together; parameters as in `map`."""
        k = self._index(label)
        title = f"{short_name(self.model.class_names[k])}\np = {self.model.probabilities(self.X)[0, k]:.3f}"
        map_ = self.map(k, method=method)
        return plot_maps(self.picture[None], map_[None], [title], label=METHOD_NAMES[method])

    def __repr__(self) -> str:
        height, width = self.picture.shape[:2]
        return f"a picture of {width}x{height} pixels; the network sees\n{self.predictions!r}"

    def _repr_html_(self) -> str:
        return self.predictions._repr_html_()

    def _index(self, label):
        return self.predictions[0][0].index if label is None else self.model.class_index(label)


def open_picture(source: str | Path | Images, model: Network | None = None) -> Look:
    """Look at a picture through a network; `pixelgrad.open` is this function.

    Parameters
    ----------
    source : str, Path, or ndarray (H, W, 3) uint8
        A picture file or the name of a sample photograph, cut and resized to the network's own size; or a picture, as
        it is.
    model : Network, optional
        By default the network that ships with the package.

    Returns
    -------
    Look

    Raises
    ------
    FileNotFoundError, DataError
        There is no such file, or it is not a picture.

    Examples
    --------
    >>> look = open_picture("portrait")
    >>> look.picture.shape
    (64, 64, 3)
    """
    model = PretrainedCNN() if model is None else model
    check_model("open", model, source=source)
    if isinstance(source, np.ndarray):
        return Look(source, model)
    if not Path(source).suffix and source in sample_names():
        return Look(sample_image(str(source), size=model.input_size), model)
    return Look(load_image(source, size=model.input_size), model)
