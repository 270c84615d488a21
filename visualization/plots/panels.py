"""What all figures are made of: rows and columns of pictures under their titles."""

import textwrap

import numpy as np

from .figure import Figure

TILE = 2.3  # inches a tile takes in a figure
DPI = 110


def titles_for(op, images, titles):
    """A title for each picture; empty ones where none are given."""
    if len(images) == 0:
        raise ValueError(f"{op}: no images")
    if any(isinstance(image, str) for image in images):
        raise TypeError(f"{op}: images are strings, expected uint8 arrays: call {op}(images, titles)")
    titles = [""] * len(images) if titles is None else list(titles)
    if len(titles) != len(images):
        raise ValueError(f"{op}: {len(images)} images but {len(titles)} titles")
    return titles


def check_pictures(op, images, name):
    """Raise if maps were given in place of pictures."""
    kind = np.asarray(images).dtype
    if kind.kind == "f":
        raise TypeError(f"{op}: images are {kind}, not uint8 as model.deprocess returns: call {op}(images, {name})")


def legend_label(name):
    """A name as a label that a legend shows: matplotlib leaves out those that begin with an underscore."""
    return f" {name}" if name.startswith("_") else name


def around_grey(change):
    """A difference in grey levels as a picture around middle grey, clipped."""
    return np.clip(np.rint(128 + change), 0, 255).astype(np.uint8)


def magnification(change):
    """The largest of 10, 5, 3, 2 and 1 by which a difference in grey levels can be multiplied, so that at most a
    twentieth of it leaves the range of `around_grey`; 1 where none does that.
    """
    return next((by for by in (10, 5, 3, 2) if np.mean(np.abs(by * change) > 128) <= 0.05), 1)


def lit(image, share, *, dark=0.2):
    """A picture that keeps its brightness where the share (H, W), 0..1, is 1, and only `dark` of it where that is 0."""
    return np.rint(image * (dark + (1 - dark) * share[..., None])).astype(np.uint8)


def tile_axes(rows, columns, heading, aspect, tile=TILE):
    """A figure of rows x columns tiles without axes, each so many inches wide: the figure, and its axes (2d array)."""
    figure = Figure(figsize=(columns * tile, rows * (tile * aspect + 0.45) + (0.4 if heading else 0)), dpi=DPI)
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.05)  # inches: titles keep off the edge
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    if heading:
        figure.suptitle(heading, fontsize=11)
    return figure, axes


def aspect_of(images):
    """Height over width of the tallest picture."""
    return max(np.shape(image)[0] / np.shape(image)[1] for image in images)


def show(axis, image, title="", width=28):
    """A picture under its title, wrapped after so many characters."""
    image = np.asarray(image)
    if image.dtype != np.uint8:
        raise TypeError(f"show: pictures must be uint8, got {image.dtype}; model.deprocess(X) returns such")
    # Small pictures are shown pixel by pixel; smoothing would hide what the gradient does to single pixels.
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest" if max(image.shape[:2]) <= 128 else None)
    lines = [textwrap.fill(line, width) for line in str(title).split("\n")]
    axis.set_title("\n".join(lines), fontsize=9)
