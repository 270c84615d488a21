"""What all of the gallery's figures share: the photographs they are about, what a figure is, and how it is titled."""

from dataclasses import dataclass, field

import numpy as np

from ...classifiers.network import Network
from ...datasets import resize_image
from ..plots.pictures import short_name


@dataclass(frozen=True)
class Subject:
    """What the gallery is about: photographs with names, the first being the main one.

    Attributes
    ----------
    names : list of str
    pictures : list of ndarray (H, W, 3) uint8
        Of any size.
    twin : Network, optional
        Shown beside the network wherever the difference teaches something.
    full : bool
        Whether figures may take minutes.
    """

    names: list
    pictures: list
    twin: Network | None = None
    full: bool = False

    def networks(self, model):
        """The networks to show side by side, as {name: network}; a single one has no name."""
        return {"": model} if self.twin is None else {"standard network": model, "robust network": self.twin}

    def square(self, model):
        """All of them at the network's input size, uint8 (N, H, W, 3)."""
        return np.stack([resize_image(picture, model.input_size) for picture in self.pictures])


@dataclass(frozen=True)
class GalleryFigure:
    """One picture of the gallery.

    Attributes
    ----------
    figure : Figure
    caption : str
        What the figure shows, in two sentences.
    arrays : dict of str to ndarray
        Results in model space, and what belongs to them.
    options : dict
        What the technique was called with, where it differs from the defaults.
    before, after : list
        Predictions for the images that went in and came out; see `Network.predict`.
    """

    figure: object
    caption: str
    arrays: dict
    options: dict = field(default_factory=dict)
    before: list = field(default_factory=list)
    after: list = field(default_factory=list)


def prediction_title(prediction):
    """A line for a title: the class and its probability."""
    return f"{short_name(prediction.name)}, p = {prediction.probability:.2f}"


def map_layers(model, count):
    """Up to `count` layers whose output is a stack of maps, evenly from the first to the last."""
    layers = [name for name, shape in model.output_shapes().items() if len(shape) == 3]
    if not layers:
        raise ValueError("make_gallery: this network has no convolutions, and so no maps to look into")
    return [layers[i] for i in np.unique(np.linspace(0, len(layers) - 1, count).round().astype(int))]
