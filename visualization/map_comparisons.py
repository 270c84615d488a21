"""How good a method is: its map of an image compared with another map, of what should or should not change it.

- `max_sensitivity`: of an image that looks the same (C.-K. Yeh et al., "On the (in)fidelity and sensitivity of
  explanations", 2019, section 3)
- `smooth_sanity_check`: of a randomised network, averaged over noisy copies (A. Hedström et al., "Sanity checks
  revisited: an exploration to repair the model parameter randomisation test", 2024, section 4: sMPRT)
- `class_sensitivity`: of another class (L. Sixt, M. Granz and T. Landgraf, "When explanations lie: why many modified BP
  attributions fail", 2020; their random logit is the runner-up here)
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers import Network
from ..layers.checks import check_choice
from .attribution import noise_levels
from .checks import check_images, check_labels, check_model, check_not_negative, check_positive, check_whole
from .faithfulness import SanityCheck, layers_with_parameters, map_of, rank_correlation

STAGES = ("each", "all")


def max_sensitivity(
    X: Array,
    y: IntArray | int,
    model: Network,
    method: str | Callable[..., Any],
    *,
    radius: float = 0.02,
    samples: int = 10,
    rng: int | np.random.Generator | None = None,
    progress: bool | None = None,
) -> Array:
    """The largest change of a map, relative to the map, among images that differ by a little noise.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    method : str or callable
        A name in `METHODS`, or method(X, y, model) -> maps (N, H, W).
    radius : float
        Largest change of a value, in units where pixels are 0..1.
    samples : int
        Noisy copies of each image: the true maximum is larger.
    rng : int or numpy.random.Generator, optional
        Draws the noise, the same for all images; a fixed seed by default.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    ndarray (N,)
        0 for a method that looks at nothing, or not at the image. It says how stable a map is, not whether it is right.

    Notes
    -----
    ``max over noise of ||map(x + noise) - map(x)|| / ||map(x)||`` (definition 3.1, divided by the map's norm).

    Examples
    --------
    >>> max_sensitivity(X, y, model, "saliency", samples=2).shape
    (1,)
    """
    op = "max_sensitivity"
    check_model(op, model, X=X, y=y, method=method)
    check_images(op, X, model, size_matters=True)
    check_whole(op, 1, samples=samples)
    check_positive(op, radius=radius)
    method = method_called(op, method)
    y = check_labels(op, y, len(X), model)
    rng = np.random.default_rng(0 if rng is None else rng)
    black, white = model.bounds(X)
    original = map_of(op, method, X, y, model).astype(np.float64)
    norm = np.sqrt((original**2).sum(axis=(1, 2)))
    largest = np.zeros(len(X))
    for _ in progress_bar(range(samples), progress=progress, desc="max-sensitivity", unit="copy"):
        change = radius * (white - black) * rng.uniform(-1, 1, (1, *X.shape[1:]))
        noisy = np.clip(X + change, black, white).astype(X.dtype)
        difference = map_of(op, method, noisy, y, model) - original
        largest = np.maximum(largest, np.sqrt((difference**2).sum(axis=(1, 2))))
    return np.divide(largest, norm, out=largest.copy(), where=norm > 0)


def smooth_sanity_check(
    X: Array,
    y: IntArray | int,
    model: Network,
    method: str | Callable[..., Any],
    *,
    samples: int = 10,
    noise_level: float = 0.1,
    stages: str = "each",
    absolute: bool = False,
    rng: int | np.random.Generator | None = None,
    progress: bool | None = None,
) -> "SanityCheck":
    """`sanity_check` on maps that are means over noisy copies: noise in a map must not pass for a change.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
        Is not modified.
    method : str or callable
        A name in `METHODS`, or method(X, y, model) -> maps (N, H, W).
    samples : int
        Noisy copies of each image, as in `smoothgrad`.
    noise_level : float
        Of these copies, as in `smoothgrad`.
    stages : {"each", "all"}
        Compare after each layer, from the last one down, or only once all layers are random.
    absolute : bool
        Compare the maps' magnitudes.
    rng : int or numpy.random.Generator, optional
        Draws the parameters and the noise; a fixed seed by default.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    SanityCheck
        With "all", of a single stage.

    Examples
    --------
    >>> check = smooth_sanity_check(X, y, model, "saliency", samples=2, stages="all")
    >>> check.layers, check.correlation.shape
    (['all'], (1, 1))
    """
    op = "smooth_sanity_check"
    check_model(op, model, X=X, y=y, method=method)
    check_images(op, X, model, size_matters=True)
    check_whole(op, 1, samples=samples)
    check_not_negative(op, noise_level=noise_level)
    check_choice(op, "stages", stages, STAGES)
    method = method_called(op, method)
    y = check_labels(op, y, len(X), model)
    rng = np.random.default_rng(0 if rng is None else rng)
    drawn = Network(model.architecture, input_size=model.input_size, dtype=model.dtype, rng=rng).params
    noise = noise_levels(X, model, noise_level)[:, None, None, None] * rng.standard_normal((samples, 1, *X.shape[1:]))

    def smooth(network):
        return sum(map_of(op, method, (X + part).astype(X.dtype), y, network) for part in noise) / samples

    original = smooth(model)
    layers = layers_with_parameters(model)[::-1]
    if stages == "all":
        layers = [("all", [param for _, params in layers for param in params])]
    maps, randomised = [], model.astype(model.dtype)
    for _, params in progress_bar(layers, progress=progress, desc="smooth sanity check", unit="layer"):
        randomised.params.update({param: drawn[param] for param in params})
        maps.append(smooth(randomised))
    maps = np.stack(maps)
    seen = (abs(original), abs(maps)) if absolute else (original, maps)
    correlation = [[rank_correlation(a.ravel(), b.ravel()) for a, b in zip(seen[0], row)] for row in seen[1]]
    return SanityCheck([name for name, _ in layers], np.array(correlation), original, maps)


def class_sensitivity(
    X: Array,
    y: IntArray | int,
    model: Network,
    method: str | Callable[..., Any],
    *,
    other: IntArray | int | None = None,
) -> Array:
    """How alike a method's maps are for two classes of one image: their rank correlation.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all: the class that is seen.
    model : Network
    method : str or callable
        A name in `METHODS`, or method(X, y, model) -> maps (N, H, W).
    other : ndarray (N,) of int, or int, optional
        The class to compare with. By default the most probable one other than `y`: the network's second choice where
        `y` is its first.

    Returns
    -------
    ndarray (N,)
        Spearman's correlation: 1 for a method that knows no class, -1 for maps in opposite order. A constant map has
        no order; it counts as 0 beside another map.

    Notes
    -----
    Two classes may rest on the same pixels, so a good map need not come near 0. Near 1 the map says what is in the
    picture, but not what speaks for the class.

    Examples
    --------
    >>> class_sensitivity(X, y, model, lambda X, y, model: X.sum(axis=1))
    array([1.])
    """
    op = "class_sensitivity"
    check_model(op, model, X=X, y=y, method=method)
    check_images(op, X, model, size_matters=True)
    method = method_called(op, method)
    y = check_labels(op, y, len(X), model)
    if other is None:
        if model.num_classes < 2:
            raise ValueError(f"{op}: the network knows a single class; there is no other to compare with")
        scores = np.array(model.scores(X), dtype=np.float64)
        scores[np.arange(len(X)), y] = -np.inf
        other = scores.argmax(axis=1)
    other = check_labels(op, other, len(X), model)
    pairs = zip(map_of(op, method, X, y, model), map_of(op, method, X, other, model))
    return np.array([1.0 if (a == b).all() else rank_correlation(a.ravel(), b.ravel()) for a, b in pairs])


def method_called(op, method):
    """A method by its name in METHODS, or itself."""
    if isinstance(method, str):
        from .methods import METHODS  # imports every technique

        check_choice(op, "method", method, METHODS)
        return METHODS[method].maps
    return method
