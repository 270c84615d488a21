"""Texture synthesis: new pictures of the same texture.

L. Gatys, A. Ecker and M. Bethge, "Texture synthesis using convolutional neural networks", 2015, sections 2 and 3: from
noise towards the Gram matrices of a sample at several layers. Shallow layers fix colours and grain; the deeper
the layers that are matched, the larger the structures that come back, until whole bricks lie where bricks may lie.
Each Gram matrix is divided by its own number of positions, so that the result may have another size than the sample.

Beyond the paper the descent goes from coarse to fine: a layer sees more of a small picture than of a large one, and so
structures may be larger than what the layers can see at full size.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._typing import Array
from ..classifiers.network import Network
from ..layers.checks import check_choice
from .checks import check_model, check_not_negative, check_whole
from .image_ops import clip, noise, octave_sizes
from .multilayer import forward_layers
from .optimizers import OPTIMIZERS, descend
from .style_losses import gram_matrix
from .style_transfer import (
    at_size,
    check_one,
    counting_on,
    layer_weights,
    layers_by_resolution,
    maps_only,
    perceptual_objective,
)

WEIGHTINGS = ("relative", "gatys")
NOISE = 8  # grey levels, at the start


def synthesize_texture(
    image: Array,
    model: Network,
    *,
    size: tuple[int, int] | int | None = None,
    layers: Sequence[int] | str | None = None,
    weights: float | Sequence[float] = 1.0,
    weighting: str = "relative",
    tv_weight: float = 0.005,
    X_init: Array | None = None,
    learning_rate: float | None = None,
    num_iterations: int = 100,
    num_scales: int = 3,
    optimizer: str = "lbfgs",
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
    rng: int | np.random.Generator | None = None,
) -> Array:
    """Make a new picture with the texture of a sample.

    Parameters
    ----------
    image : ndarray (1, 3, h, w)
        The sample, in model space; not modified.
    model : Network
    size : (int, int) or int, optional
        Height and width of the result in pixels; the sample's by default.
    layers : sequence of int or str, optional
        Where Gram matrices are matched; by default all layers down to an eighth of the image's resolution.
    weights : float or sequence of float
        One weight for each layer; a single number is shared among them equally.
    weighting : {"relative", "gatys"}
        What the weights are beside. "relative": each layer's loss is measured beside the squared length of its Gram
        matrix, so that all layers count alike, and weights mean the same on every network. "gatys": the paper's sum
        (section 3, equations 3 and 4), in which a layer counts as much as its activations are large, beside its value
        for a picture without any texture.
    tv_weight : float
        Weight of the total variation, a mean over the pixels in units of their range.
    X_init : ndarray (1, 3, H, W), optional
        Where to start, in model space, at the size of the result. By default weak noise about the sample's mean colour:
        the part of it that the layers hardly see stays in the picture.
    learning_rate : float, optional
        In model space; see `descend`. "lbfgs" takes none.
    num_iterations : int
        Steps at each scale.
    num_scales : int
        From coarse to fine: each scale is twice as large as the one before, and starts from its result. Scales with a
        side below 24 pixels are left out.
    optimizer : {"lbfgs", "adam", "sgd"}
    callback : callable, optional
        callback(t, X, info) after each step, t counting through all scales; X is of the scale's size; info has "loss"
        and its parts "style" and "tv".
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
        The sample is not a single image in model space, a layer is unknown or has no maps, an option is out of range.

    Examples
    --------
    >>> made = synthesize_texture(X, model, num_iterations=2, num_scales=1)
    >>> made.shape
    (1, 3, 64, 64)
    """
    op = "synthesize_texture"
    check_model(op, model, image=image)
    check_one(op, image, model)
    check_whole(op, 0, num_iterations=num_iterations)
    check_whole(op, 1, num_scales=num_scales)
    check_choice(op, "optimizer", optimizer, OPTIMIZERS)
    check_choice(op, "weighting", weighting, WEIGHTINGS)
    check_not_negative(op, tv_weight=tv_weight)
    size = image.shape[2:] if size is None else (size, size) if isinstance(size, int | np.integer) else tuple(size)
    if len(size) != 2:
        raise ValueError(f"{op}: size must be (height, width) or one number for both, got {size}")
    check_whole(op, 16, height=size[0], width=size[1])
    if layers is None:
        layers = sum(layers_by_resolution(model, image.shape[2:]).values(), [])
    layers = maps_only(op, model, image.shape[2:], layers)
    weights = layer_weights(op, weights, layers)
    rng = np.random.default_rng(0 if rng is None else rng)
    X = _start(image, size, model, rng) if X_init is None else X_init
    check_one(op, X, model)
    if X.shape[2:] != size:
        raise ValueError(f"{op}: X_init must have the size of the result, {size}, got {X.shape[2:]}")

    sizes = octave_sizes(size, num_scales, 2)
    for scale, here in enumerate(sizes):
        sample = at_size(image, [max(16, round(n * here[0] / size[0])) for n in image.shape[2:]], model)
        feats, _ = forward_layers(model, sample, layers)
        grams = [gram_matrix(feats[layer]) for layer in layers]
        own = _beside_each_other(weights, grams) if weighting == "gatys" else weights
        # Noise must be as strong at every size, so that a smaller picture is cut out, not shrunk.
        X = X[:, :, : here[0], : here[1]] if scale == 0 and X_init is None else at_size(X, here, model)
        X = descend(
            perceptual_objective(model, None, (layers, grams, own), tv_weight, normalize=True),
            X,
            model.bounds(X),
            model,
            optimizer=optimizer,
            learning_rate=learning_rate,
            num_iterations=num_iterations,
            callback=counting_on(callback, scale * num_iterations),
            progress=progress,
            desc="texture",
        )
    return X


def _beside_each_other(weights, grams):
    """Weights of losses that are relative to their Gram matrices, such that absolute ones are added.

    Gatys' loss of a layer with C channels and M positions is the squared distance of the sums over positions, divided
    by 4 C^2 M^2; that is a fourth of the squared distance of matrices that are divided by C M, as `gram_matrix` does.
    """
    shares = np.array([w * float(np.vdot(gram, gram)) for w, gram in zip(weights, grams)])
    return (shares * (sum(weights) / shares.sum())).tolist() if shares.any() else weights


def _start(image, size, model, rng):
    """Weak noise about the mean colour of a sample. A colour is a distance from black, which need not be one number."""
    X = noise(model, (1, 3, *size), rng, rms=NOISE)
    mean = (image - model.bounds(image)[0]).mean(axis=(2, 3), keepdims=True)
    return clip((X + mean + model.bounds(X)[0]).astype(model.dtype), model.bounds(X))
