"""What all of the gallery's figures share: the photographs they are about, what a figure is, and how it is titled."""

from dataclasses import dataclass, field

import numpy as np

from ...classifiers.network import Network
from ...datasets import resize_image
from ..image_sets import ImageSet, random_crops
from ..plots.pictures import short_name

CROPS = 400  # of the photographs: what is looked through where there is no data set


@dataclass(frozen=True)
class Subject:
    """What the gallery is about: photographs with names, the first being the main one.

    Attributes
    ----------
    names : list of str
    pictures : list of ndarray (H, W, 3) uint8
        Of any size.
    parts : dict of str to (slice, slice)
        For pictures by name, the part to show where the network's input size is needed; by default the middle.
    twin : Network, optional
        Shown beside the network wherever the difference teaches something.
    full : bool
        Whether figures may take minutes.
    data : ImageSet, optional
        Images to look through for neighbours and patches; without them crops of the photographs take their place.
    """

    names: list
    pictures: list
    parts: dict = field(default_factory=dict)
    twin: Network | None = None
    full: bool = False
    data: ImageSet | None = None

    def networks(self, model):
        """The networks to show side by side, as {name: network}; a single one has no name."""
        return {"": model} if self.twin is None else {"standard network": model, "robust network": self.twin}

    def square(self, model):
        """All of them at the network's input size, uint8 (N, H, W, 3)."""
        shown = (picture[self.parts.get(name, ...)] for name, picture in zip(self.names, self.pictures))
        return np.stack([resize_image(picture, model.input_size) for picture in shown])

    def busiest(self, model):
        """The index of the photograph whose typical pixel differs most from its neighbours.

        In fur a change is harder to see than in sky.
        """
        detail = [sum(np.median(abs(np.diff(p.astype(float), axis=k))) for k in (0, 1)) for p in self.square(model)]
        return int(np.argmax(detail))

    def image_set(self, model, rng):
        """What to look through at the network's input size: `data`, or else crops of the photographs."""
        if self.data is None:
            return ImageSet(*random_crops(self.pictures, CROPS, size=model.input_size, rng=rng), self.names)
        images = self.data.images
        if images.shape[2:] != tuple(model.input_size):
            resized = [resize_image(image.transpose(1, 2, 0), model.input_size) for image in images]
            images = np.stack(resized).transpose(0, 3, 1, 2)
        return self.data._replace(images=images)

    @property
    def looked_through(self):
        """The same in words."""
        return (
            f"{CROPS} crops of the photographs"
            if self.data is None
            else f"{len(self.data.images)} images of the data set"
        )


@dataclass(frozen=True)
class GalleryFigure:
    """One picture of the gallery.

    Attributes
    ----------
    figure : Figure
    caption : str
        What the figure shows, in a few sentences.
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
