"""DeepDream: amplify whatever a layer sees in an image.

A. Mordvintsev, C. Olah and M. Tyka, "Inceptionism: going deeper into neural networks", 2015: gradient ascent on half
the squared activations of a layer, whose gradient at the layer is the activations themselves. Octaves, from a small
copy of the image to the full size, give the dream details of every size. What to increase is an objective that you pass
in: see `objectives` for mixtures of layers and channels, and for dreams that another image guides.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array
from ..classifiers.network import Network
from .checks import check_images, check_whole
from .image_ops import clip, jitter, octave_sizes, resize, step, step_length
from .multilayer import backward_layers, forward_layers
from .objectives import activation


def deepdream(
    X: Array,
    layer: int | str | Sequence[Any] | None,
    model: Network,
    *,
    objective: Callable[..., Any] = activation,
    learning_rate: float | None = None,
    normalize: bool = True,
    max_jitter: int = 8,
    num_iterations: int = 20,
    num_octaves: int = 3,
    octave_scale: float = 1.4,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> Array:
    """Change images so that a layer reacts more strongly.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images of any size, in model space; not modified.
    layer : int or str, or sequence of these, or None
        One layer, or several that dream together. None where the objective names its layers, as `mixture` and `guided`
        do.
    model : Network
    objective : callable feats -> dfeats
        What to increase: given the features, a dict of layer index to array, it returns its gradient with respect to
        them. By default half the squared activations; `objectives` has others.
    learning_rate : float, optional
        Length of a step in model space (with normalize), or the factor of the gradient (without; then there is no
        default). By default a step changes pixels by one grey level (root mean square).
    normalize : bool
        Step by ``learning_rate * dX / ||dX||_2`` for each image; False: by ``learning_rate * dX``.
    max_jitter : int
        Before each step the image is shifted by up to so many pixels in both directions, and back after it.
    num_iterations : int
        Steps in each octave.
    num_octaves : int
        Sizes, the last being X's own. Octaves smaller than 24 pixels are left out.
    octave_scale : float
        Each octave is so much larger than the one before; 1 to 10.
    rng : int or numpy.random.Generator, optional
        For the jitter; a fixed seed by default.
    callback : callable, optional
        callback(t, X, info) after each step, t counting through all octaves; X is of the octave's size. info has
        "octave" and the array "product" (N,): before the step, the sum of the features times the objective's gradient
        with respect to them. For the default that is the sum of squared activations.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    X : ndarray (N, 3, H, W)
        In model space, within the pixel bounds of the network.

    Raises
    ------
    ValueError, TypeError
        X is not a batch of images, a layer is unknown or not one of the objective's, an option is out of range.

    Examples
    --------
    >>> dream = deepdream(X, "conv3", model, num_iterations=1, num_octaves=1)
    >>> dream.shape
    (1, 3, 64, 64)
    """
    op = "deepdream"
    check_images(op, X, model)
    layers = _layers(op, layer, model, objective)
    check_whole(op, 0, max_jitter=max_jitter, num_iterations=num_iterations)
    check_whole(op, 1, num_octaves=num_octaves)
    if not 1 <= octave_scale <= 10:
        raise ValueError(f"{op}: octave_scale must be from 1 to 10, got {octave_scale}")
    step_length(op, model, X, learning_rate, normalize=normalize, rms=1)  # complain before the first octave
    rng = np.random.default_rng(0 if rng is None else rng)

    sizes = octave_sizes(X.shape[2:], num_octaves, octave_scale)
    dream: Any = None
    before: Any = None
    with progress_bar(total=len(sizes) * num_iterations, progress=progress, desc="dreaming", unit="step") as bar:
        for octave, size in enumerate(sizes):
            photograph = X if size == X.shape[2:] else resize(X, size, model)
            if octave == 0:
                dream = photograph
            else:  # what has been dreamt so far is the difference to the photograph; it grows along
                dream = photograph + resize(dream, size, model) - resize(before, size, model)
            before = photograph
            bounds = model.bounds(dream)
            dream = clip(dream, bounds)
            rate = step_length(op, model, dream, learning_rate, normalize=normalize, rms=1)
            for t in range(num_iterations):
                dy, dx = rng.integers(-max_jitter, max_jitter + 1, size=2)
                ### BEGIN SOLUTION
                shifted = jitter(dream, dy, dx)
                feats, caches = forward_layers(model, shifted, layers)
                dfeats = objective(feats)
                dX = backward_layers(model, dfeats, caches)
                shifted = step(shifted, dX, rate, normalize=normalize)
                dream = clip(jitter(shifted, -dy, -dx), bounds)
                ### END SOLUTION
                bar.update()
                if callback:
                    info = {"octave": octave, "product": _product(feats, dfeats)}
                    callback(octave * num_iterations + t, dream, info)
    return dream


def _layers(op, layer, model, objective):
    """The indices of the layers that dream."""
    known = getattr(objective, "layers", None)
    if known is not None:
        known = sorted({model.layer_index(one) for one in known})
        if layer is None:
            return known
    layers = [layer] if isinstance(layer, int | np.integer | str) else list(layer or [])
    if not layers or isinstance(layer, dict):
        raise ValueError(
            f"{op}: layer must be one layer or several, got {layer!r}; weights go into objective=mixture(...)"
        )
    layers = sorted({model.layer_index(one) for one in layers})
    if known is not None and layers != known:
        names = [", ".join(model.layer_names[k] for k in which) for which in (layers, known)]
        raise ValueError(
            f"{op}: layer is {names[0]}, but the objective takes the features of {names[1]}; name the same layers, or "
            "pass layer=None"
        )
    return layers


def _product(feats, dfeats):
    """The sum of features times gradient, for each image (N,)."""
    return sum((d * feats[k]).sum(axis=tuple(range(1, d.ndim))) for k, d in dfeats.items())
