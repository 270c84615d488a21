"""The gallery's figures that paint: texture synthesis and style transfer."""

import numpy as np

from ...classifiers import PretrainedCNN, SqueezeNet
from ...datasets import resize_image, sample_image, sample_names, squeezenet_weights
from ..plots.pictures import plot_images
from ..style_transfer import style_transfer
from ..texture import synthesize_texture
from ..texture_growing import grow_texture
from .figure import GalleryFigure

TEXTURES = ("brick", "grass", "gravel")
SAMPLE = 128  # pixels of a side; the samples' bricks and stones are then small enough for many to fit
STYLES = ("tissue", "galaxies")
PAINTED_SIDE = 256  # pixels of the longer side of a painting


def _painter(model):
    """SqueezeNet, where its weights are there and no other network but the shipped one was asked for."""
    shipped = isinstance(model, PretrainedCNN) and model.input_size == (64, 64)
    path = squeezenet_weights() if shipped else None
    return (model, "the network") if path is None else (SqueezeNet(path), "SqueezeNet")


def _textures(subject, model, rng, progress):
    model, name_of_model = _painter(model)
    names = [name for name in TEXTURES if name in sample_names()]
    if names:
        samples = [_shrunk_corner(sample_image(name)) for name in names]
    else:  # no textures on this computer: the middle of the photograph
        names, samples = subject.names[:1], [resize_image(subject.pictures[0], SAMPLE)]
    synthesized, grown = [], []
    for sample in samples:
        X = synthesize_texture(model.preprocess(sample), model, rng=rng, progress=progress)
        synthesized.append(model.deprocess(X)[0])
        grown.append(grow_texture(sample, size=SAMPLE, rng=rng, progress=progress))
    caption = (
        "More of the same texture. In the middle an image was made from noise until the Gram matrices of the network's "
        "layers (which features occur together, no matter where) are those of the sample; on the right no network is "
        "involved: pixel by pixel, the sample is searched for the neighbourhood most like what is there already."
    )
    pictures = [picture for row in zip(samples, synthesized, grown) for picture in row]
    by_grams = f"Gram matrices of {name_of_model}"
    titles = [title for name in names for title in (f"{name}, sample", by_grams, "grown by neighbourhoods")]
    figure = plot_images(pictures, titles, columns=3, tile=3)
    arrays = {"samples": np.stack(samples), "synthesized": np.stack(synthesized), "grown": np.stack(grown)}
    return GalleryFigure(figure, caption, arrays, {"samples": names})


def _style_transfer(subject, model, rng, progress):
    model, name_of_model = _painter(model)
    content = _of_side(subject.pictures[0])
    styles = {name: sample_image(name) for name in STYLES if name in sample_names()}
    if not styles:  # none on this computer: another photograph, or this one upside down
        styles = {subject.names[-1]: subject.pictures[-1][::-1]}
    X = model.preprocess(content)
    painted = {
        name: style_transfer(X, model.preprocess(_of_side(style)), model, rng=rng, progress=progress)
        for name, style in styles.items()
    }
    caption = (
        "The photograph painted in the style of another picture: one layer holds on to what is where (the content), "
        "the Gram matrices of several pull towards the colours and strokes of the style. The image began as the "
        "photograph and went 200 steps downhill, on " + name_of_model + "."
    )
    pictures, titles = [content], [f"{subject.names[0]}, content"]
    for name, result in painted.items():
        pictures += [_of_side(styles[name]), model.deprocess(result)[0]]
        titles += [f"{name}, style", f"{subject.names[0]} in the style of {name}"]
    figure = plot_images(pictures, titles, columns=len(pictures), tile=3)
    arrays = {"X": X, **{f"X_{name}": result for name, result in painted.items()}}
    return GalleryFigure(figure, caption, arrays, {"styles": list(styles)})


def _shrunk_corner(texture):
    """A square of SAMPLE pixels out of the texture at half its size."""
    shrunk = resize_image(texture, tuple(n // 2 for n in texture.shape[:2]))
    return shrunk[:SAMPLE, :SAMPLE]


def _of_side(picture):
    scale = PAINTED_SIDE / max(picture.shape[:2])
    return resize_image(picture, tuple(max(64, round(n * scale)) for n in picture.shape[:2]))


FIGURES = {
    "textures": ("Texture synthesis", _textures),
    "style-transfer": ("Style transfer", _style_transfer),
}
