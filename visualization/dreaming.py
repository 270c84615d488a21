"""DeepDream: amplify whatever a layer sees in an image.

A. Mordvintsev, C. Olah and M. Tyka, "Inceptionism: going deeper into neural networks", 2015: gradient ascent on half
the squared activations of a layer, whose gradient at the layer is the activations themselves. Octaves, from a small
copy of the image to the full size, give the dream details of every size. Several layers, or single channels of them,
may dream together; and another image may guide the dream: then what grows at each position is the likeness to whichever
of the guide's features is nearest (their notebook, "Controlling dreams").
"""

import numpy as np
from tqdm import tqdm

from .checks import check_images, check_whole
from .image_ops import clip, jitter, resize, step, step_length
from .multilayer import backward_spans, forward_spans

SMALLEST_OCTAVE = 24  # pixels of the shorter side


def deepdream(
    X,
    layer,
    model,
    *,
    learning_rate=None,
    normalize=True,
    max_jitter=8,
    num_iterations=20,
    num_octaves=3,
    octave_scale=1.4,
    guide=None,
    rng=None,
    callback=None,
    progress=False,
):
    """Change images so that a layer reacts more strongly.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images of any size, in model space; not modified.
    layer : int or str, or dict
        One layer; or a mixture of layers and channels with their weights, such as ``{"conv4": 1, ("conv5", 17): 20}``.
    model : Network
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
    guide : ndarray (1, 3, h, w), optional
        An image of any size, in model space, whose features are to appear in the dream.
    rng : int or numpy.random.Generator, optional
        For the jitter; a fixed seed by default.
    callback : callable, optional
        callback(t, X, info) after each step, t counting through all octaves; X is of the octave's size. info has
        "octave" and the array "activation" (N,): before the step, half the weighted sum of squared activations; with a
        guide the weighted sum of likenesses.
    progress : bool
        A bar on standard error.

    Returns
    -------
    X : ndarray (N, 3, H, W)
        In model space, within the pixel bounds of the network.

    Raises
    ------
    ValueError, TypeError
        X is no batch of images, an unknown layer, an option out of range.
    """
    op = "deepdream"
    check_images(op, X, model)
    weights = _weights(op, layer, model, X)
    check_whole(op, 0, max_jitter=max_jitter, num_iterations=num_iterations)
    check_whole(op, 1, num_octaves=num_octaves)
    if not 1 <= octave_scale <= 10:
        raise ValueError(f"{op}: octave_scale must be from 1 to 10, got {octave_scale}")
    step_length(op, model, X, learning_rate, normalize=normalize, rms=1)  # complain before the first octave
    rng = np.random.default_rng(0 if rng is None else rng)

    guides = None
    if guide is not None:
        check_images(op, guide, model)
        if len(guide) != 1:
            raise ValueError(f"{op}: one image can guide, got {len(guide)}")
        guides, _ = forward_spans(model, guide, weights)

    sizes = octave_sizes(X.shape[2:], num_octaves, octave_scale)
    dream, before = None, None
    with tqdm(total=len(sizes) * num_iterations, disable=not progress, desc="dreaming", unit="step") as bar:
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
                feats, caches = forward_spans(model, shifted, weights)
                if guides is None:  # the gradient of half the weighted sum of squares
                    dfeats = {k: w * feats[k] for k, w in weights.items()}
                else:
                    dfeats = {k: w * _nearest(w * feats[k], guides[k]) for k, w in weights.items()}
                dX = backward_spans(model, dfeats, caches)
                shifted = step(shifted, dX, rate, normalize=normalize)
                dream = clip(jitter(shifted, -dy, -dx), bounds)
                ### END SOLUTION
                bar.update()
                if callback:
                    info = {"octave": octave, "activation": _activation(feats, dfeats, guides)}
                    callback(octave * num_iterations + t, dream, info)
    return dream


def octave_sizes(size, num_octaves, octave_scale):
    """Image sizes (H, W) from the smallest octave to `size` itself; octaves with a side too short are left out."""
    sizes = [tuple(round(n / octave_scale**k) for n in size) for k in reversed(range(num_octaves))]
    return [s for s in sizes[:-1] if min(s) >= SMALLEST_OCTAVE] + [tuple(size)]


def _weights(op, layer, model, X):
    """What dreams: {layer index: weights of its channels}, (C, 1, 1), or (C,) where the layer has no maps."""
    mixture = layer if isinstance(layer, dict) else {layer: 1}
    if not mixture:
        raise ValueError(f"{op}: the mixture of layers is empty")
    shapes, weights = list(model.output_shapes(X.shape[2:]).values()), {}
    for wanted, weight in mixture.items():
        name, channel = wanted if isinstance(wanted, tuple) else (wanted, None)
        k = model.layer_index(name)
        C = shapes[k][0]
        of_layer = weights.setdefault(k, np.zeros(C))
        if not np.isfinite(weight):
            raise ValueError(f"{op}: the weight of {wanted!r} must be finite, got {weight}")
        if channel is None:
            of_layer += weight
        elif 0 <= channel < C:
            of_layer[channel] += weight
        else:
            raise ValueError(f"{op}: layer {name} has channels 0 to {C - 1}, got {channel}")
    dtype = np.result_type(X, model.dtype)
    return {k: w.astype(dtype).reshape(-1, *[1] * (len(shapes[k]) - 1)) for k, w in weights.items()}


def _activation(feats, dfeats, guides):
    """The objective of each image (N,), from features and its gradient there: linear with a guide, else quadratic."""
    factor = 0.5 if guides is None else 1
    return sum((factor * d * feats[k]).sum(axis=tuple(range(1, d.ndim))) for k, d in dfeats.items())


def _nearest(a, guide):
    """For each position of features (N, C, ...) those of the guide (1, C, ...) with the largest product."""
    N, C = a.shape[:2]
    candidates = guide.reshape(C, -1).T  # (positions, C)
    here = np.moveaxis(a, 1, -1).reshape(-1, C)
    best = candidates[(here @ candidates.T).argmax(axis=1)]
    return np.moveaxis(best.reshape(N, *a.shape[2:], C), -1, 1)
