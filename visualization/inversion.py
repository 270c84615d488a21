"""Feature inversion: which image has these features?

A. Mahendran and A. Vedaldi, "Understanding deep image representations by inverting them", 2015: find X that minimises
``||f(X) - target||^2 / ||target||^2 + l2_reg * ||X||^2 + tv_weight * TV_beta(X)``. Early layers give back the
photograph; deep ones give back what the network has kept of it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array
from ..classifiers.network import Network
from .checks import check_finite, check_images, check_model, check_not_negative, check_positive, check_whole
from .image_ops import blur, clip, noise, step, step_length
from .total_variation import tv_beta_loss


def invert_features(
    target_feats: Array,
    layer: int | str,
    model: Network,
    *,
    learning_rate: float | None = None,
    normalize: bool = True,
    num_iterations: int = 300,
    l2_reg: float | None = None,
    tv_weight: float = 0.0,
    tv_beta: float = 2.0,
    blur_every: int = 20,
    blur_sigma: float = 0.5,
    X_init: Array | None = None,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> Array:
    """Start from noise and descend towards an image whose features at a layer are the given ones.

    Parameters
    ----------
    target_feats : ndarray (N, ...)
        ``model.forward(X, end=layer)[0]`` of the images sought.
    layer : int or str
    model : Network
    learning_rate : float, optional
        Length of the first step in model space (with normalize), or the factor of the gradient (without; then there
        is no default). By default a step changes pixels by 6 grey levels (root mean square). Steps shrink
        to zero along a straight line, so that the descent settles.
    normalize : bool
        Step by ``learning_rate * dX / ||dX||_2`` for each image; False: by ``learning_rate * dX``.
    num_iterations : int
    l2_reg : float, optional
        Weight of ``||X||^2`` in model space beside the normalised distance. By default 1e-10 / pixel_scale^2.
    tv_weight, tv_beta : float
        Weight and exponent of the total variation in model space, see `tv_beta_loss`; none by default. For
        TinyImageNet's network weights around 1e-8 begin to show.
    blur_every : int
        Blur after every so many steps; 0 for never: then the loss falls further, but pixel noise that the layer does
        not see stays.
    blur_sigma : float
        In pixels.
    X_init : ndarray (N, 3, H, W), optional
        Where to start, in model space. By default weak noise of the network's input size.
    rng : int or numpy.random.Generator, optional
        For the noise; a fixed seed by default.
    callback : callable, optional
        callback(t, X, info) after each step; info["loss"] (N,) is the normalised distance before the step, 1 where
        all features are zero and 0 where they are the target's.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    X : ndarray (N, 3, H, W)
        In model space, within the pixel bounds of the network.

    Raises
    ------
    ValueError, TypeError
        An unknown layer, features that do not fit the layer at this image size, an option out of range.

    Examples
    --------
    >>> feats, _ = model.forward(X, end="conv3")
    >>> invert_features(feats, "conv3", model, num_iterations=2).shape
    (1, 3, 64, 64)
    """
    op = "invert_features"
    check_model(op, model, target_feats=target_feats, layer=layer)
    rng = np.random.default_rng(0 if rng is None else rng)
    end = model.layer_index(layer)
    target_feats = np.asarray(target_feats)
    if target_feats.ndim < 2 or not len(target_feats):
        raise ValueError(f"{op}: target_feats must have the shape (N, ...) with N at least 1, got {target_feats.shape}")
    X = noise(model, (len(target_feats), 3, *model.input_size), rng, rms=5) if X_init is None else X_init
    check_images(op, X, model)
    target_feats = target_feats.astype(X.dtype)
    check_finite(op, "target_feats", target_feats, power=2)
    check_whole(op, 0, blur_every=blur_every, num_iterations=num_iterations)
    learning_rate = step_length(op, model, X, learning_rate, normalize=normalize, rms=6)
    l2_reg = 1e-10 / model.pixel_scale**2 if l2_reg is None else l2_reg
    check_not_negative(op, l2_reg=l2_reg, tv_weight=tv_weight, blur_sigma=blur_sigma)
    check_positive(op, tv_beta=tv_beta)
    if num_iterations:
        _check_features(op, model.forward(X[:1], end=end)[0].shape[1:], target_feats, X, model.layer_names[end])

    bounds = model.bounds(X)
    X = clip(X, bounds)
    per_image = tuple(range(1, target_feats.ndim))  # the axes of one image's features
    steps = progress_bar(range(num_iterations), progress=progress, desc="inversion", unit="step")

    def report(t, X, loss):
        """What the callback is told."""
        if callback:
            callback(t, X, {"loss": loss})

    ### BEGIN SOLUTION
    size = (target_feats**2).sum(axis=per_image, keepdims=True)  # ||target||^2 of each image
    size = np.where(size > 0, size, 1)
    for t in steps:
        feats, cache = model.forward(X, end=end)
        difference = feats - target_feats
        dX, _ = model.backward(2 * difference / size, cache)
        dX += 2 * l2_reg * X
        if tv_weight:
            dX += tv_beta_loss(X, tv_weight, tv_beta)[1]
        rate = learning_rate * (1 - t / num_iterations)
        X = clip(step(X, -dX, rate, normalize=normalize), bounds)
        if blur_every and (t + 1) % blur_every == 0 and t + 1 < num_iterations:
            X = blur(X, blur_sigma)
        report(t, X, (difference**2 / size).sum(axis=per_image))
    return X
    ### END SOLUTION


def _check_features(op, shape, target_feats, X, name):
    """Raise unless features of this shape, an image's at the layer, fit the target."""
    if (len(X), *shape) != target_feats.shape:
        raise ValueError(
            f"{op}: layer {name} has features {(len(X), *shape)} for images {X.shape}, "
            f"target_feats has {target_feats.shape}; give X_init of the image size that the features come from"
        )


def invert_layers(
    X: Array, model: Network, layers: Sequence[int] | str | None = None, *, progress: bool | None = None, **options: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Rebuild images from the features of each layer in turn.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Photographs in model space.
    model : Network
    layers : sequence of int or str, optional
        All by default.
    progress : bool, optional
    **options
        As in `invert_features`.

    Returns
    -------
    images : dict of str to ndarray (N, 3, H, W)
        By the layer's name.
    loss : dict of str to ndarray (N,)
        The normalised distance of the features in the end.

    Examples
    --------
    >>> images, feats = invert_layers(X, model, ["conv1", "conv2"], num_iterations=1)
    >>> list(images)
    ['conv1', 'conv2']
    """
    check_images("invert_layers", X, model)
    names = [model.layer_names[model.layer_index(k)] for k in (layers or range(len(model.layer_names)))]
    if "X_init" not in options:
        rng = np.random.default_rng(0 if options.get("rng") is None else options["rng"])
        options["X_init"] = noise(model, X.shape, rng, rms=5)
    images, loss = {}, {}
    for name in names:
        target, _ = model.forward(X, end=name)
        images[name] = invert_features(target, name, model, progress=progress, **options)
        feats, _ = model.forward(images[name], end=name)
        per_image = tuple(range(1, target.ndim))
        size = (target**2).sum(axis=per_image)
        loss[name] = ((feats - target) ** 2).sum(axis=per_image) / np.where(size > 0, size, 1)
    return images, loss
