"""What a network has learnt, seen directly: its filters, and its activations for an image.

The filters of the first layer act on colours, so that each is a small picture: edges, blobs of colour, gratings
(A. Krizhevsky, I. Sutskever and G. Hinton, "ImageNet classification with deep convolutional neural networks", 2012,
figure 3). Filters of deeper layers act on channels, each of which stands for its own pattern; without these
patterns their weights tell you little (M. Zeiler and R. Fergus, "Visualizing and understanding convolutional
networks", 2014, section 1.1). Still, they are shown as grey tiles: you can tell whether they are smooth,
noisy or dead. What a deep channel stands for is better seen from its activations and from `top_patches`.
"""

from dataclasses import dataclass

import numpy as np

from .._typing import Array, Images, IntArray
from ..classifiers.network import Network
from ..layers.checks import check_choice
from .checks import check_images, check_model, check_whole


@dataclass(frozen=True)
class ActivationMaps:
    """The maps of a layer for one or more images, most active channels first.

    Attributes
    ----------
    maps : ndarray (N, M, H, W)
        The M most active channels of each image; H = W = 1 where the layer has no maps (global pooling, affine).
    channels : ndarray (N, M) of int
        Which ones they are.
    activity : ndarray (N, M)
        What they were ordered by.
    layer : str
    """

    maps: np.ndarray
    channels: np.ndarray
    activity: np.ndarray
    layer: str


def first_layer_filters(model: Network, *, shared_scale: bool = False) -> Images:
    """The filters of the first layer as colour pictures.

    Parameters
    ----------
    model : Network
        Its first layer must be a convolution.
    shared_scale : bool
        True draws all filters on one scale, so that weak ones are pale; by default each has its own.

    Returns
    -------
    tiles : ndarray (F, HH, WW, 3) uint8
        Grey (128) stands for a weight of zero, 255 and 1 for the largest absolute weight.

    Raises
    ------
    ValueError
        The first layer is not a convolution.

    Examples
    --------
    >>> first_layer_filters(model).shape
    (32, 6, 6, 3)
    """
    check_model("first_layer_filters", model)
    w = _weights("first_layer_filters", model, 0)  # (F, 3, HH, WW)
    largest = np.abs(w).max(axis=None if shared_scale else (1, 2, 3), keepdims=True)
    return _around_grey(w, largest).transpose(0, 2, 3, 1)


def layer_filters(
    model: Network, layer: int | str, *, max_filters: int = 16, max_channels: int = 16
) -> tuple[Images, IntArray, IntArray]:
    """The weights of a layer's filters as grey tiles, one for each filter and input channel.

    They tell little: see the head of this module.

    Parameters
    ----------
    model : Network
    layer : int or str
        A convolution.
    max_filters, max_channels : int
        How many at most; those with the largest weights (sum of squares), over all filters, in the order of the index.

    Returns
    -------
    tiles : ndarray (M, L, HH, WW) uint8
        Grey (128) stands for a weight of zero; each filter has its own scale, so that its channels can be compared.
    filters : ndarray (M,) of int
    channels : ndarray (L,) of int
        Which filters and input channels they are.

    Raises
    ------
    ValueError
        The layer is not a convolution.

    Examples
    --------
    >>> tiles, filters, channels = layer_filters(model, "conv2", max_filters=4, max_channels=3)
    >>> tiles.shape
    (4, 3, 4, 4)
    """
    op = "layer_filters"
    check_model(op, model, layer=layer)
    check_whole(op, 1, max_filters=max_filters, max_channels=max_channels)
    w = _weights(op, model, model.layer_index(layer))
    energy = w.astype(np.float64) ** 2
    filters = _largest(energy.sum(axis=(1, 2, 3)), max_filters)
    channels = _largest(energy[filters].sum(axis=(0, 2, 3)), max_channels)
    w = w[np.ix_(filters, channels)]  # (M, L, HH, WW)
    return _around_grey(w, np.abs(w).max(axis=(1, 2, 3), keepdims=True)), filters, channels


def activation_maps(X: Array, layer: int | str, model: Network, *, top: int = 16, by: str = "mean") -> "ActivationMaps":
    """The activations of a layer for images, the most active channels first.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space; not modified.
    layer : int or str
        Any layer; the units of a layer without maps count as maps of one pixel.
    model : Network
    top : int
        Channels for each image; fewer where the layer has fewer.
    by : {"mean", "max"}
        A channel's activity: the mean over its map, or the largest value in it. Broad patterns come first by the mean,
        rare ones by the maximum.

    Returns
    -------
    ActivationMaps

    Raises
    ------
    ValueError, TypeError
        X is not a batch of images, an unknown layer, an option out of range.

    Examples
    --------
    >>> found = activation_maps(X, "conv4", model, top=5)
    >>> found.maps.shape, found.channels.shape
    ((1, 5, 8, 8), (1, 5))
    """
    op = "activation_maps"
    check_images(op, X, model)
    check_whole(op, 1, top=top)
    check_choice(op, "by", by, ("mean", "max"))
    end = model.layer_index(layer)
    feats, _ = model.forward(X, end=end)
    maps = feats.reshape(*feats.shape[:2], *(feats.shape[2:] or (1, 1)))  # (N, C, H, W)
    activity = maps.mean(axis=(2, 3)) if by == "mean" else maps.max(axis=(2, 3))
    channels = np.argsort(-activity, axis=1, kind="stable")[:, :top]  # (N, M)
    rows = np.arange(len(X))[:, None]
    return ActivationMaps(maps[rows, channels], channels, activity[rows, channels], model.layer_names[end])


def tile_grid(
    tiles: Images, *, columns: int | None = None, magnify: int = 1, gap: int = 1, background: int = 255
) -> Images:
    """Put small pictures of one size side by side into a large one.

    Parameters
    ----------
    tiles : ndarray (N, H, W, 3) or (N, H, W), uint8
    columns : int, optional
        Nearly square by default.
    magnify : int
        Each pixel becomes a square of so many.
    gap : int
        Pixels between tiles and around them, after magnifying.
    background : int
        Grey level of the gaps, 0..255.

    Returns
    -------
    ndarray (rows * (H * magnify + gap) + gap, columns * (W * magnify + gap) + gap, 3 or none) uint8
    """
    op = "tile_grid"
    tiles = np.asarray(tiles)
    if tiles.dtype != np.uint8 or tiles.ndim not in (3, 4) or len(tiles) == 0:
        raise ValueError(f"{op}: tiles must be uint8 (N, H, W, 3) or (N, H, W), got {tiles.dtype} {tiles.shape}")
    columns = int(np.ceil(np.sqrt(len(tiles)))) if columns is None else columns
    check_whole(op, 1, columns=columns, magnify=magnify)
    check_whole(op, 0, gap=gap, background=background)
    tiles = tiles.repeat(magnify, axis=1).repeat(magnify, axis=2)
    H, W = tiles.shape[1] + gap, tiles.shape[2] + gap
    rows = -(-len(tiles) // columns)
    out = np.full((rows * H + gap, columns * W + gap, *tiles.shape[3:]), background, dtype=np.uint8)
    for n, tile in enumerate(tiles):
        top, left = gap + n // columns * H, gap + n % columns * W
        out[top : top + H - gap, left : left + W - gap] = tile
    return out


def _weights(op, model, index):
    """A convolution's weights (F, C, HH, WW)."""
    name, block = model.named_blocks()[index]
    w = model.params.get(f"W{getattr(block, 'number', None)}")
    if w is None or w.ndim != 4:
        kinds = [n for n, b in model.named_blocks() if np.ndim(model.params.get(f"W{getattr(b, 'number', None)}")) == 4]
        raise ValueError(
            f"{op}: layer {name} is not a convolution and has no filters; those with filters are "
            f"{', '.join(kinds) or 'none'}"
        )
    return w


def _largest(energy, count):
    """The indices of the largest entries, in the order of the index."""
    return np.sort(np.argsort(-energy, kind="stable")[:count])


def _around_grey(w, largest):
    """Weights as grey levels around 128; `largest` becomes 255 and -`largest` 1."""
    return np.rint(128 + 127 * (w / np.where(largest > 0, largest, 1))).astype(np.uint8)
