"""Style transfer: the content of one picture in the style of another.

L. Gatys, A. Ecker and M. Bethge, "Image style transfer using convolutional neural networks", 2016. The image descends
towards the content image's features at one layer, the style image's Gram matrices at several, and little total
variation. All layers are read in one forward pass, in spans; on the way back each adds its gradient.

Losses are normalised: content by the squared length of the features sought, as in feature inversion, style by that of
the Gram matrix sought. So weights mean the same at every layer, on every network, and at any image size.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._typing import Array
from ..classifiers.network import Network
from ..layers.checks import check_choice
from .checks import check_images, check_model, check_not_negative, check_whole
from .image_ops import clip, noise, octave_sizes, resize
from .multilayer import backward_layers, forward_layers
from .optimizers import OPTIMIZERS, descend
from .style_losses import content_loss, gram_matrix, style_loss
from .total_variation import tv_loss

INITS = ("content", "noise")
_LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)


def style_transfer(
    content_image: Array,
    style_image: Array | Sequence[Any],
    model: Network,
    *,
    image_size: int | None = None,
    style_size: int | None = None,
    content_layer: int | str | None = None,
    content_weight: float = 1.0,
    style_layers: Sequence[int] | str | None = None,
    style_weights: float | Sequence[float] = 40.0,
    style_blend: Sequence[float] | None = None,
    tv_weight: float = 20.0,
    normalize: bool = True,
    init: str | Array = "content",
    learning_rate: float | None = None,
    num_iterations: int = 40,
    num_scales: int = 2,
    optimizer: str = "lbfgs",
    preserve_colors: bool = False,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
    rng: int | np.random.Generator | None = None,
) -> Array:
    """Paint a picture in the style of another, or of several.

    Parameters
    ----------
    content_image : ndarray (1, 3, H, W)
        In model space; not modified.
    style_image : ndarray (1, 3, h, w), or sequence of such
        In model space, of any size.
    model : Network
    image_size, style_size : int, optional
        Length of the shorter side to which content and style are scaled; as they are by default. The larger the
        style image, the larger its brush strokes in the result.
    content_layer : int or str, optional
        By default the last one at a quarter of the image's resolution; see `layers_by_resolution`.
    content_weight : float
        0 for a picture of style alone.
    style_layers : sequence of int or str, optional
        By default the last one at each resolution down to an eighth of the image's.
    style_weights : float or sequence of float
        One weight for each style layer; a single number is shared among them equally.
    style_blend : sequence of float, optional
        Shares of several style images; equal ones by default.
    tv_weight : float
        Weight of the total variation.
    normalize : bool
        Measure each loss beside the size of its target, and total variation as a mean over the pixels in units of
        their range. False: the sums of CS231n's assignment as they are, for its weights.
    init : {"content", "noise"} or ndarray (1, 3, H, W)
        Where to start.
    learning_rate : float, optional
        In model space; see `descend`.
    num_iterations : int
        Steps at each scale.
    num_scales : int
        From coarse to fine: each scale is twice as large as the one before, and starts from its result. Scales with a
        side below 24 pixels are left out.
    optimizer : {"lbfgs", "adam", "sgd"}
    preserve_colors : bool
        Give the result the content image's colours: only its lightness is kept (L. Gatys et al., "Preserving color in
        neural artistic style transfer", 2016, section 4).
    callback : callable, optional
        callback(t, X, info) after each step, t counting through all scales; X is of the scale's size, its colours are
        those of the result; info has "loss" and its parts "content", "style" and "tv".
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.
    rng : int or numpy.random.Generator, optional
        For the noise; a fixed seed by default.

    Returns
    -------
    X : ndarray (1, 3, H, W)
        In model space, within the pixel bounds of the network.

    Raises
    ------
    ValueError, TypeError
        An image is not a single image in model space, a layer is unknown or has no maps, an option is out of range.

    Examples
    --------
    >>> made = style_transfer(X, X[..., ::-1].copy(), model, num_iterations=2)
    >>> made.shape
    (1, 3, 64, 64)
    """
    op = "style_transfer"
    check_model(op, model, content_image=content_image, style_image=style_image)
    styles = [style_image] if isinstance(style_image, np.ndarray) else list(style_image)
    for X in (content_image, *styles):
        check_one(op, X, model)
    if not styles:
        raise ValueError(f"{op}: there is no style image")
    check_whole(op, 0, num_iterations=num_iterations)
    check_whole(op, 1, num_scales=num_scales)
    check_choice(op, "optimizer", optimizer, OPTIMIZERS)
    check_not_negative(op, content_weight=content_weight, tv_weight=tv_weight)
    content_image = _scaled(op, content_image, model, image_size=image_size)
    styles = [_scaled(op, X, model, style_size=style_size) for X in styles]
    blend = _shares(op, "style_blend", len(styles), style_blend)
    content_layer, style_layers = _layers(op, model, content_image, content_layer, style_layers)
    weights = layer_weights(op, style_weights, style_layers)
    rng = np.random.default_rng(0 if rng is None else rng)

    size = content_image.shape[2:]
    sizes = octave_sizes(size, num_scales, 2)
    X = _start(op, init, content_image, model, rng, sizes[0])
    for scale, (height, width) in enumerate(sizes):
        content = at_size(content_image, (height, width), model)
        X = at_size(X, (height, width), model)
        shrink = height / size[0]
        grams = _blended_grams(
            [at_size(S, _times(S.shape[2:], shrink), model) for S in styles], blend, style_layers, model
        )
        target = model.forward(content, end=content_layer)[0]
        objective = perceptual_objective(
            model, (content_layer, target, content_weight), (style_layers, grams, weights), tv_weight, normalize
        )
        X = descend(
            objective,
            X,
            model.bounds(X),
            model,
            optimizer=optimizer,
            learning_rate=learning_rate,
            num_iterations=num_iterations,
            callback=counting_on(_shown(callback, content, model, preserve_colors), scale * num_iterations),
            progress=progress,
            desc="style transfer",
        )
    return with_colors_of(content_image, X, model) if preserve_colors else X


def perceptual_objective(
    model: Network,
    content: tuple[int, Array, float] | None,
    style: tuple[list[int], list[Array], list[float]],
    tv_weight: float,
    normalize: bool,
) -> Callable[..., Any]:
    """The weighted sum of content loss, style loss and total variation, as a function of the image.

    Parameters
    ----------
    model : Network
    content : (int, ndarray, float) or None
        Layer index, features sought, weight.
    style : (list of int, list of ndarray, list of float)
        Layer indices, Gram matrices sought, weights.
    tv_weight : float
    normalize : bool
        See `style_transfer`.

    Returns
    -------
    callable (X) -> loss (float), dX (ndarray), info (dict with "content", "style", "tv")
    """
    style_layers, grams, style_weights = style
    if normalize:
        style_weights = [w / _squared_length(gram) for w, gram in zip(style_weights, grams)]
    if content is not None:
        content_layer, target, content_weight = content
        content_weight = content_weight / _squared_length(target) if normalize else content_weight
    layers = set(style_layers) | (set() if content is None else {content_layer})

    def tv_factor(X):
        return tv_weight * (1 / (X.size * (255 * model.pixel_scale) ** 2) if normalize else 1)

    ### BEGIN SOLUTION
    def objective(X):
        feats, caches = forward_layers(model, X, layers)
        parts, dfeats = {}, {}
        parts["style"], dstyle = style_loss(feats, style_layers, grams, style_weights)
        for layer, d in zip(style_layers, dstyle):
            dfeats[layer] = dfeats[layer] + d if layer in dfeats else d
        if content is not None:
            parts["content"], d = content_loss(content_weight, feats[content_layer], target)
            dfeats[content_layer] = dfeats[content_layer] + d if content_layer in dfeats else d
        dX = backward_layers(model, dfeats, caches)
        parts["tv"], dtv = tv_loss(X, tv_factor(X))
        return sum(parts.values()), dX + dtv, parts

    return objective
    ### END SOLUTION


def layers_by_resolution(model: Network, size: tuple[int, int]) -> dict[int, list[int]]:
    """Layers with maps by how many times smaller than the image these are: {1: [...], 2: [...], 4: [...], ...}.

    Parameters
    ----------
    model : Network
    size : (int, int)
        Of the images.

    Returns
    -------
    dict of int to list of int
        Layer indices, from fine to coarse. Beyond an eighth style and texture have nothing to gain.
    """
    layers: dict[int, list[int]] = {}
    for layer, shape in enumerate(model.output_shapes(size).values()):
        if len(shape) == 3:
            layers.setdefault(2 ** max(0, round(np.log2(size[0] / shape[1]))), []).append(layer)
    return {shrunk: some for shrunk, some in layers.items() if shrunk <= 8} or layers


def with_colors_of(content_image, X, model):
    """The picture X with its own lightness and the colours of another of its size; all in model space."""
    lo, hi = model.bounds(X)
    weights = np.array(_LUMINANCE, X.dtype).reshape(1, 3, 1, 1)
    lightness = (weights * (X - content_image) / (hi - lo)).sum(axis=1, keepdims=True)
    return clip(content_image + lightness * (hi - lo), (lo, hi))


def check_one(op: str, X: Array, model: Network) -> None:
    check_images(op, X, model)
    if len(X) != 1:
        raise ValueError(f"{op}: one image at a time, got a batch of {len(X)}")


def _scaled(op, X, model, **option):
    """An image with a shorter side of so many pixels, as an option by name says."""
    (shorter_side,) = option.values()
    if shorter_side is None:
        return X
    check_whole(op, 16, **option)
    return at_size(X, _times(X.shape[2:], shorter_side / min(X.shape[2:])), model)


def at_size(X, size, model):
    """The image at a size (H, W); itself where it has that."""
    return X if X.shape[2:] == tuple(size) else resize(X, size, model)


def _times(size, factor):
    return tuple(max(16, round(n * factor)) for n in size)


def _shares(op, name, count, shares):
    """Non-negative shares that add up to 1."""
    shares = np.ones(count) if shares is None else np.asarray(shares, dtype=np.float64)
    if shares.shape != (count,) or not np.all(shares >= 0) or not 0 < shares.sum() < np.inf:
        raise ValueError(f"{op}: {name} needs {count} numbers of at least 0, not all 0; got {shares.tolist()}")
    return shares / shares.sum()


def _layers(op, model, X, content_layer, style_layers):
    last = {shrunk: layers[-1] for shrunk, layers in layers_by_resolution(model, X.shape[2:]).items()}
    if content_layer is None:
        content_layer = last.get(4, max(last.values()))
    style_layers = list(last.values()) if style_layers is None else style_layers
    return model.layer_index(content_layer), maps_only(op, model, X.shape[2:], style_layers)


def maps_only(op, model, size, layers):
    """Indices of one layer or several, all of which must have maps."""
    shapes = list(model.output_shapes(size).values())
    layers = [layers] if isinstance(layers, str | int | np.integer) else layers
    indices = [model.layer_index(layer) for layer in layers]
    if not indices:
        raise ValueError(f"{op}: there is no layer to match")
    for index in indices:
        if len(shapes[index]) != 3:
            raise ValueError(f"{op}: layer {model.layer_names[index]} has no maps, its output is {shapes[index]}")
    return indices


def layer_weights(op, weights, layers):
    """One weight for each layer; a single number is shared among them."""
    if np.ndim(weights) == 0:
        weights = [weights / len(layers)] * len(layers)
    if len(weights) != len(layers):
        raise ValueError(f"{op}: {len(layers)} layers need as many weights, got {len(weights)}")
    for weight in weights:
        check_not_negative(op, weight=weight)
    return [float(weight) for weight in weights]


def _start(op, init, content_image, model, rng, first_size):
    if isinstance(init, np.ndarray):
        check_one(op, init, model)
        if init.shape != content_image.shape:
            raise ValueError(f"{op}: init must have the content image's shape {content_image.shape}, got {init.shape}")
        return init
    check_choice(op, "init", init, INITS)
    return content_image if init == "content" else noise(model, (1, 3, *first_size), rng)


def _blended_grams(styles, blend, layers, model):
    grams = []
    for X in styles:
        feats, _ = forward_layers(model, X, layers)
        grams.append([gram_matrix(feats[layer]) for layer in layers])
    return [
        sum(share * gram for share, gram in zip(blend, of_layer)).astype(of_layer[0].dtype) for of_layer in zip(*grams)
    ]


def _squared_length(x):
    """Of a target; 1 where it is zero, so that nothing is divided by 0."""
    return float(np.square(x, dtype=np.float64).sum()) or 1.0


def _shown(callback, content, model, preserve_colors):
    """The callback, told pictures as they are returned: with the content's colours, if those are kept."""
    if not (callback and preserve_colors):
        return callback
    return lambda t, X, info: callback(t, with_colors_of(content, X, model), info)


def counting_on(callback, first):
    return callback and (lambda t, X, info: callback(first + t, X, info))
