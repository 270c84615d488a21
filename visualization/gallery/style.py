"""The gallery's figures that paint: texture synthesis and style transfer.

The robust network paints where there is one: what its layers answer to is what people see as strokes and textures.
"""

import numpy as np

from ...datasets import resize_image, sample_image, sample_names
from ..dreaming import deepdream
from ..image_ops import grey_levels
from ..plots.pictures import plot_images
from ..style_transfer import style_transfer
from ..texture import synthesize_texture
from ..texture_growing import grow_texture
from .figure import GalleryFigure, map_layers

TEXTURES, TEXTURES_FULL = ("brick", "tissue"), ("brick", "tissue", "gravel", "grass")
SAMPLE = 80  # pixels of a side; the samples' bricks and stones are then small enough for many to fit
PAINTED_SIDE, PAINTED_SIDE_FULL = 256, 400  # pixels of the longer side of a painting
STEPS, STEPS_FULL = {"texture": 45, "style": 30}, {"texture": 50, "style": 40}
# How strong a style is beside the content: the dream's strokes are, those of photographs are not.
DREAM_WEIGHT, STYLE_WEIGHT = 20.0, 40.0


def _textures(subject, model, rng, progress):
    painter = subject.twin or model
    wanted = TEXTURES_FULL if subject.full else TEXTURES
    names = [name for name in wanted if name in sample_names()]
    if names:
        samples = [_shrunk_corner(sample_image(name)) for name in names]
    else:  # no textures on this computer: the middle of the photograph
        names, samples = subject.names[:1], [resize_image(subject.pictures[0], SAMPLE)]
    synthesized, grown = [], []
    options = {"num_iterations": (STEPS_FULL if subject.full else STEPS)["texture"], "rng": rng, "progress": progress}
    for sample in samples:
        X = synthesize_texture(painter.preprocess(sample), painter, **options)
        synthesized.append(painter.deprocess(X)[0])
        grown.append(grow_texture(sample, size=SAMPLE, rng=rng, progress=progress))
    caption = (
        "A texture made anew from a sample. In the middle an image was made from noise until the Gram matrices of the "
        "network's layers (which features occur together, no matter where) are those of the sample; on the right no "
        "network is involved: pixel by pixel, the sample is searched for the neighbourhood most like what is there "
        "already, which copies whole pieces of it."
    )
    pictures = [picture for row in zip(samples, synthesized, grown) for picture in row]
    titles = [t for name in names for t in (f"{name}, sample", "by Gram matrices", "grown by neighbourhoods")]
    figure = plot_images(pictures, titles, columns=3, tile=3)
    arrays = {"samples": np.stack(samples), "synthesized": np.stack(synthesized), "grown": np.stack(grown)}
    return GalleryFigure(figure, caption, arrays, {"samples": names})


def _style_transfer(subject, model, rng, progress):
    painter, side = subject.twin or model, PAINTED_SIDE_FULL if subject.full else PAINTED_SIDE
    main = subject.names.index("cat") if "cat" in subject.names else 0
    content = _of_side(subject.pictures[main], side)
    styles = {"the network's own dream": (_dream(painter, side, content, rng), DREAM_WEIGHT)}
    if "tissue" in sample_names():
        styles["tissue"] = (_of_side(sample_image("tissue"), side), STYLE_WEIGHT)
    if subject.full or "tissue" not in styles:
        others = [n for n in range(len(subject.pictures)) if n != main][:1]
        styles |= {subject.names[n]: (_of_side(subject.pictures[n], side), STYLE_WEIGHT) for n in others}
    options = {"num_iterations": (STEPS_FULL if subject.full else STEPS)["style"], "rng": rng, "progress": progress}
    X = painter.preprocess(content)
    pictures, titles, arrays = [], [], {"X": X}
    for name, (style, weight) in styles.items():
        result = style_transfer(X, painter.preprocess(style), painter, style_weights=weight, **options)
        arrays[f"X_{name}"] = result
        shape = content.shape[:2]  # panels of one size, so that they stand in line
        pictures += [content, resize_image(style, shape), painter.deprocess(result)[0]]
        titles += [f"{subject.names[main]}, content", f"{name}, style", f"{subject.names[main]} in that style"]
    caption = (
        "The photograph painted in the style of another picture: one layer holds on to what is where (the content), "
        "the Gram matrices of several pull towards the colours and strokes of the style. The image began as the "
        "photograph. One style was painted by the network itself: it is a dream, as in DeepDream, of "
        f"{'tissue under a microscope' if 'tissue' in sample_names() else 'the photograph'}."
    )
    figure = plot_images(pictures, titles, columns=3, tile=3.4)
    return GalleryFigure(figure, caption, arrays, {"styles": list(styles)})


def _dream(painter, side, instead, rng):
    """A colourful picture to take the style from: a dream of tissue, or of the photograph where there is none."""
    start = painter.preprocess(_of_side(sample_image("tissue"), side) if "tissue" in sample_names() else instead)
    rate = grey_levels(painter, start, 1.5)
    layer = map_layers(painter, 4)[-2:][0]
    return painter.deprocess(deepdream(start, layer, painter, num_octaves=4, learning_rate=rate, rng=rng))[0]


def _shrunk_corner(texture):
    """A square of SAMPLE pixels out of the texture at half its size."""
    shrunk = resize_image(texture, tuple(n // 2 for n in texture.shape[:2]))
    return shrunk[:SAMPLE, :SAMPLE]


def _of_side(picture, side):
    scale = side / max(picture.shape[:2])
    return resize_image(picture, tuple(max(64, round(n * scale)) for n in picture.shape[:2]))


FIGURES = {
    "textures": ("Texture synthesis", _textures),
    "style-transfer": ("Style transfer", _style_transfer),
}
