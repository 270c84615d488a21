"""Which patches of images excite a channel most: what a channel stands for, in real photographs.

M. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", 2014, section 4 and figure 2;
J. Springenberg et al., "Striving for simplicity", 2015, section 4. A channel is applied at every position of every
image; where it responds most strongly, the part of the image that it sees there, its receptive field, is cut out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._typing import Array, Images, IntArray
from ..classifiers.blocks import Affine, Conv, Fire, GlobalAvgPool, Pool, Relu
from ..classifiers.network import Network
from .checks import check_model, check_whole
from .image_sets import as_pictures, batches, check_image_set


class ReceptiveField(NamedTuple):
    """What one unit of a layer sees of the image, in pixels; the same in both directions.

    Attributes
    ----------
    size : int or None
        Side of the square; None for the whole image.
    stride : int or None
        How far apart the squares of neighbouring units are.
    start : int or None
        Row and column of the first pixel of unit (0, 0)'s square; negative where it begins in the padding.
    """

    size: int | None
    stride: int | None
    start: int | None

    @property
    def whole_image(self):
        """Whether each unit sees everything."""
        return self.size is None

    @property
    def centre(self):
        """Row and column of the middle of unit (0, 0)'s square, in pixels; a half where the size is even."""
        return None if self.whole_image else self.start + (self.size - 1) / 2

    def box(self, position, image_size):
        """The square of the unit at `position` (row, column): top, bottom, left, right; bottom and right excluded.

        Parts of it may lie outside the image. `image_size` (H, W) is the answer where units see the whole image.
        """
        if self.whole_image:
            return 0, image_size[0], 0, image_size[1]
        top, left = (self.start + self.stride * int(i) for i in position)
        return top, top + self.size, left, left + self.size


WHOLE_IMAGE = ReceptiveField(None, None, None)


def receptive_field(model: Network, layer: int | str) -> "ReceptiveField":
    """What a unit of a layer sees of the image, computed from the layers up to it.

    Parameters
    ----------
    model : Network
    layer : int or str

    Returns
    -------
    ReceptiveField
        From global pooling or an affine layer on a unit sees the whole image: then all entries are None.

    Raises
    ------
    ValueError
        An unknown layer.
    TypeError
        A kind of layer with unknown windows.

    Notes
    -----
    A layer with windows of k pixels, stride s and padding p, on top of units that see r pixels, d apart, from pixel a
    on: its units see r + (k - 1) d pixels, s d apart, from pixel a - p d on.

    Of the square, pixels at the border count less than those in the middle, since fewer paths lead there: what matters
    is smaller (W. Luo et al., "Understanding the effective receptive field", 2016).

    Examples
    --------
    >>> field = receptive_field(model, "conv3")
    >>> field.size, field.stride
    (20, 4)
    """
    check_model("receptive_field", model, layer=layer)
    size, stride, start = 1, 1, 0
    for name, block in model.named_blocks()[: model.layer_index(layer) + 1]:
        if isinstance(block, Affine | GlobalAvgPool):
            return WHOLE_IMAGE
        if isinstance(block, Relu):
            continue
        if isinstance(block, Fire):  # its 3x3 filters, which see the most
            start, size = start - stride, size + 2 * stride
            continue
        if not isinstance(block, Conv | Pool):
            raise TypeError(f"receptive_field: layer {name} is a {type(block).__name__}, whose windows are unknown")
        start -= getattr(block, "pad", 0) * stride
        size += (block.size - 1) * stride
        stride *= block.stride
    return ReceptiveField(size, stride, start)


@dataclass(frozen=True)
class TopPatches:
    """The patches that excite some channels most, strongest first.

    Attributes
    ----------
    layer : str
    channels : ndarray (M,) of int
    scores : ndarray (M, T)
        Activations.
    images : ndarray (M, T) of int
        Index of the image each patch is from.
    positions : ndarray (M, T, 2) of int
        Row and column in the channel's map.
    field : ReceptiveField
    patches : ndarray (M, T, S, S, 3) uint8
        Pictures for people. What lies outside the image is grey (128).
    """

    layer: str
    channels: np.ndarray
    scores: np.ndarray
    images: np.ndarray
    positions: np.ndarray
    field: ReceptiveField
    patches: np.ndarray


def top_patches(
    images: Array,
    layer: int | str,
    model: Network,
    *,
    channels: int | Sequence[int] | None = None,
    top: int = 9,
    per_image: int = 1,
    batch_size: int = 64,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> "TopPatches":
    """Look through many images for the patches that excite channels of a layer most.

    Only a batch of images and the best patches so far are in memory.

    Parameters
    ----------
    images : ndarray (N, 3, H, W)
        uint8 with values 0..255, a memory map will do, or floats in model space; not modified.
    layer : int or str
        From global pooling on the patches are whole images.
    model : Network
    channels : int or sequence of int, optional
        All channels by default.
    top : int
        Patches for each channel.
    per_image : int
        How many of a channel's patches may come from one image: one by default, since neighbouring positions see
        nearly the same.
    batch_size : int
        Images at a time.
    callback : callable, optional
        callback(t, result, info) after each batch, once there are `top` patches a channel; result is the TopPatches of
        the images so far, their number is info["images"].
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    TopPatches
        Equal scores in the order of images, then positions. A channel whose scores are all 0 responds to none of the
        images; its patches mean nothing.

    Raises
    ------
    ValueError, TypeError
        No image set, an unknown layer or channel, fewer images than patches asked for.

    Examples
    --------
    >>> images = np.concatenate([X, X[..., ::-1]])
    >>> top_patches(images, "conv2", model, channels=[0, 1], top=2).patches.shape
    (2, 2, 12, 12, 3)
    """
    op = "top_patches"
    check_model(op, model, images=images, layer=layer)
    check_image_set(op, images)
    check_whole(op, 1, top=top, per_image=per_image)
    end = model.layer_index(layer)
    field = receptive_field(model, end)
    shape = model.output_shapes(images.shape[2:])[model.layer_names[end]]  # (C, HO, WO) or (C,)
    channels = check_channels(op, channels, shape[0], model.layer_names[end])
    per_image = min(per_image, int(np.prod(shape[1:])))
    if top > len(images) * per_image:
        raise ValueError(f"{op}: {len(images)} images have {len(images) * per_image} patches to offer, top is {top}")

    def result():
        sources, units = where[..., 0], where[..., 1]
        positions = np.stack(np.unravel_index(units, shape[1:] or (1,)), axis=-1)
        positions = positions if positions.shape[-1] == 2 else np.zeros((M, top, 2), dtype=np.int64)
        pictures = as_pictures(images[sources.ravel()], model)
        patches = cut_patches(pictures, field, positions.reshape(-1, 2))
        return TopPatches(
            layer=model.layer_names[end],
            channels=channels,
            scores=scores,
            images=sources,
            positions=positions,
            field=field,
            patches=patches.reshape(M, top, *patches.shape[1:]),
        )

    M = len(channels)
    scores, where = np.empty((M, 0), dtype=model.dtype), np.empty((M, 0, 2), dtype=np.int64)  # (image, unit) of each
    for first, X in batches(op, images, model, batch_size=batch_size, progress=progress):
        feats, _ = model.forward(X, end=end)
        feats = feats.reshape(*feats.shape[:2], -1)[:, channels].transpose(1, 0, 2)  # (M, B, HO*WO)
        units = _largest_first(feats, per_image)  # (M, B, per_image)
        index = np.broadcast_to(np.arange(first, first + len(X))[None, :, None], units.shape)
        scores = np.concatenate([scores, np.take_along_axis(feats, units, axis=2).reshape(M, -1)], axis=1)
        where = np.concatenate([where, np.stack([index, units], axis=-1).reshape(M, -1, 2)], axis=1)
        best = _largest_first(scores, top)  # (M, up to top)
        scores = np.take_along_axis(scores, best, axis=1)
        where = np.take_along_axis(where, best[..., None], axis=1)
        if callback and scores.shape[1] == top:
            callback(first // batch_size, result(), {"images": first + len(X)})
    return result()


def cut_patches(pictures: Images, field: ReceptiveField, positions: IntArray, *, fill: int = 128) -> Images:
    """Cut the receptive field of one unit out of each picture.

    Parameters
    ----------
    pictures : ndarray (N, H, W, 3) uint8
    field : ReceptiveField
    positions : ndarray (N, 2) of int
        Row and column of each unit in its layer.
    fill : int
        Grey level of what lies outside the picture.

    Returns
    -------
    ndarray (N, S, S, 3) uint8
        S is the field's size, or (N, H, W, 3) where it is the whole image.
    """
    H, W = pictures.shape[1:3]
    boxes = [field.box(position, (H, W)) for position in positions]
    top, bottom, left, right = boxes[0]
    out = np.full((len(pictures), bottom - top, right - left, 3), fill, dtype=np.uint8)
    for patch, picture, (top, bottom, left, right) in zip(out, pictures, boxes):
        rows, columns = slice(max(top, 0), max(min(bottom, H), 0)), slice(max(left, 0), max(min(right, W), 0))
        inside = picture[rows, columns]
        y, x = max(-top, 0), max(-left, 0)
        patch[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return out


def check_channels(op, channels, C, layer):
    """Channels of a layer as an array (M,) of int; None stands for all. Raises if one is out of range."""
    if channels is None:
        return np.arange(C)
    out = np.atleast_1d(np.asarray(channels))
    if out.dtype == bool or not np.issubdtype(out.dtype, np.integer) or out.ndim != 1 or not len(out):
        raise TypeError(f"{op}: channels must be whole numbers, at least one, got {channels!r}")
    if out.min() < 0 or out.max() >= C:
        raise ValueError(f"{op}: layer {layer} has the channels 0 to {C - 1}, got {channels!r}")
    return out


def _largest_first(values, count):
    """Indices along the last axis of the `count` largest values, equal ones in their order."""
    if count == 1:
        return values.argmax(axis=-1)[..., None]
    return np.argsort(-values, axis=-1, kind="stable")[..., :count]
