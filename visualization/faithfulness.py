"""Does a saliency map show what the network uses? Two measurements that do not depend on human judgement.

- `insertion_deletion`: remove the pixels that the map ranks highest, and the probability should fall quickly; insert
  them first, and it should rise quickly (V. Petsiuk et al., "RISE: randomized input sampling for explanation of
  black-box models", 2018, section 4)
- `sanity_check`: the map of a network with randomised parameters should look different (J. Adebayo et al., "Sanity
  checks for saliency maps", 2018, section 3)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers import Network
from ..layers.checks import check_choice
from .attribution import channel_map, gradient_x_input, integrated_gradients, smoothgrad
from .cam import grad_cam, guided_grad_cam
from .checks import check_finite, check_images, check_labels, check_model, check_whole
from .guided import deconvnet, guided_backprop
from .occlusion import OBJECTIVES, class_value, fill_like
from .saliency import compute_saliency_maps

# Maps (N, H, W) of images, classes and a network, each in its usual form.
METHODS = {
    "saliency": compute_saliency_maps,
    "smoothgrad": smoothgrad,
    "gradient_x_input": gradient_x_input,
    "integrated_gradients": lambda X, y, model: integrated_gradients(X, y, model, steps=32, max_steps=32).maps,
    "guided": lambda X, y, model: channel_map(guided_backprop(X, y, model)),
    "deconvnet": lambda X, y, model: channel_map(deconvnet(X, y, model)),
    "grad_cam": grad_cam,
    "guided_grad_cam": lambda X, y, model: channel_map(guided_grad_cam(X, y, model)),
}


@dataclass(frozen=True)
class InsertionDeletion:
    """The probability of a class while pixels are removed or inserted, the most important first.

    Attributes
    ----------
    fraction : ndarray (T,)
        Part of the pixels that are removed (deletion) or inserted (insertion), 0 to 1.
    deletion, insertion : ndarray (N, T)
        Probability or score of the class.
    deletion_auc, insertion_auc : ndarray (N,)
        Areas under the curves, by the trapezoidal rule. Of a good map the first is small and the second large.
    """

    fraction: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray
    deletion_auc: np.ndarray
    insertion_auc: np.ndarray


def insertion_deletion(
    maps: Array,
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    steps: int = 32,
    deletion_fill: str = "grey",
    insertion_fill: str = "blur",
    blur_sigma: float | None = None,
    objective: str = "probability",
    batch_size: int = 64,
    rng: int | np.random.Generator | None = None,
    progress: bool | None = None,
) -> "InsertionDeletion":
    """Delete the pixels a map ranks highest, and insert them, step by step.

    Parameters
    ----------
    maps : ndarray (N, H, W)
        Any saliency maps; only the order of their pixels counts.
    X : ndarray (N, 3, H, W)
        The images they belong to, in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    steps : int
        Number of equal parts in which the pixels are removed or inserted.
    deletion_fill, insertion_fill : {"grey", "black", "mean", "blur", "noise"}
        What deleted pixels become, and what the image is before pixels are inserted; see `fill_like`. A blurred
        image to start from has no sharp edges that the network could mistake for something (section 4).
    blur_sigma : float, optional
        Of "blur", in pixels; a twelfth of the image's shorter side by default.
    objective : {"probability", "score"}
    batch_size : int
        Images at a time; the result does not depend on it.
    rng : int or numpy.random.Generator, optional
        Decides between pixels of equal rank, and draws "noise"; a fixed seed by default.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    InsertionDeletion

    Raises
    ------
    ValueError, TypeError
        X is not a batch of images, the maps are not of its size or hold NaN, a class or an option is out of range.

    Examples
    --------
    >>> result = insertion_deletion(compute_saliency_maps(X, y, model), X, y, model, steps=4)
    >>> result.deletion_auc.shape
    (1,)
    """
    op = "insertion_deletion"
    check_model(op, model, maps=maps, X=X, y=y)
    check_images(op, X, model, size_matters=True)
    maps = np.asarray(maps)
    if maps.shape != (X.shape[0], *X.shape[2:]):
        raise ValueError(f"{op}: the maps have the shape {maps.shape}, expected {(X.shape[0], *X.shape[2:])}")
    check_finite(op, "a map", maps)
    check_whole(op, 1, steps=steps, batch_size=batch_size)
    check_choice(op, "objective", objective, OBJECTIVES)
    y = check_labels(op, y, len(X), model)
    rng = np.random.default_rng(0 if rng is None else rng)
    ties = rng.random(maps[0].size)
    sigma = min(X.shape[2:]) / 12 if blur_sigma is None else blur_sigma
    gone = fill_like(X, deletion_fill, model, sigma=sigma, rng=rng)
    start = fill_like(X, insertion_fill, model, sigma=sigma, rng=rng)

    fraction = np.linspace(0, 1, steps + 1)
    counts = np.rint(fraction * maps[0].size).astype(int)
    deletion, insertion = np.empty((2, len(X), steps + 1))
    options = (model, objective, batch_size)
    for n in progress_bar(range(len(X)), progress=progress, desc="insertion and deletion", unit="image"):
        rank = np.empty(maps[n].size, dtype=int)
        rank[np.lexsort((ties, -maps[n].ravel()))] = np.arange(rank.size)  # 0 for the most important pixel
        rank = rank.reshape(maps[n].shape)
        deletion[n] = _curve(X[n], gone[n], rank, counts, y[n], *options)
        insertion[n] = _curve(start[n], X[n], rank, counts, y[n], *options)
    areas = (area_under_curve(fraction, curve) for curve in (deletion, insertion))
    return InsertionDeletion(fraction, deletion, insertion, *areas)


def area_under_curve(x, curves):
    """The area under curves (..., T) at the points x (T,), by the trapezoidal rule: (...)."""
    return ((curves[..., 1:] + curves[..., :-1]) / 2 * np.diff(x)).sum(axis=-1)


def _curve(before, after, rank, counts, y, model, objective, batch_size):
    """The value of class y while pixels change from one image to the other, `counts` of them: (T,)."""
    values = []
    for first in range(0, len(counts), batch_size):
        changed = rank < counts[first : first + batch_size, None, None]  # (T, H, W)
        Z = np.where(changed[:, None], after, before)
        values.append(class_value(model.scores(Z, batch_size=batch_size), np.full(len(Z), y), objective))
    return np.concatenate(values)


@dataclass(frozen=True)
class SanityCheck:
    """Maps of N images while a network's layers are randomised, from the last one down.

    Attributes
    ----------
    layers : list of L str
        In the order in which they were randomised; each network has lost all layers up to this one.
    correlation : ndarray (L, N)
        Spearman's rank correlation with the map of the network as it was. A method that shows what the network has
        learnt comes close to 0. A constant map has no order; it counts as 0.
    original : ndarray (N, H, W)
        Maps of the network as it was.
    maps : ndarray (L, N, H, W)
        Maps of the randomised ones.
    """

    layers: list
    correlation: np.ndarray
    original: np.ndarray
    maps: np.ndarray


def sanity_check(
    X: Array,
    y: IntArray | int,
    model: Network,
    method: str | Callable[..., Any],
    *,
    absolute: bool = False,
    rng: int | np.random.Generator | None = None,
    progress: bool | None = None,
) -> "SanityCheck":
    """Cascading randomisation: draw the layers' parameters anew, from the last layer down, and compare the maps.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
        Is not modified.
    method : str or callable
        A name in METHODS, or method(X, y, model) -> maps (N, H, W).
    absolute : bool
        Compare the maps' magnitudes: if a signed map only changed its sign, its rank correlation is far from 0.
    rng : int or numpy.random.Generator, optional
        Draws the parameters, as for a new network (section 3.1); a fixed seed by default.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    SanityCheck

    Examples
    --------
    >>> check = sanity_check(X, y, model, "saliency")
    >>> check.layers[0], check.correlation.shape
    ('affine1', (8, 1))
    """
    op = "sanity_check"
    check_model(op, model, X=X, y=y, method=method)
    check_images(op, X, model, size_matters=True)
    if isinstance(method, str):
        check_choice(op, "method", method, METHODS)
        method = METHODS[method]
    y = check_labels(op, y, len(X), model)
    rng = np.random.default_rng(0 if rng is None else rng)
    drawn = Network(model.architecture, input_size=model.input_size, dtype=model.dtype, rng=rng).params
    original = map_of(op, method, X, y, model)

    layers, maps, randomised = [], [], model.astype(model.dtype)
    for name, params in progress_bar(
        layers_with_parameters(model)[::-1], progress=progress, desc="sanity check", unit="layer"
    ):
        randomised.params.update({param: drawn[param] for param in params})
        layers.append(name)
        maps.append(map_of(op, method, X, y, randomised))
    maps = np.stack(maps)
    correlation = [[rank_correlation(*_pair(a, b, absolute)) for a, b in zip(original, row)] for row in maps]
    return SanityCheck(layers, np.array(correlation), original, maps)


def rank_correlation(a, b):
    """Spearman's correlation of two arrays of one shape: Pearson's of the ranks. 0 if either is constant."""
    from scipy.stats import rankdata  # half a second to import, and few need it

    a, b = rankdata(a) - (np.size(a) + 1) / 2, rankdata(b) - (np.size(b) + 1) / 2
    norm = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / norm) if norm > 0 else 0.0


def map_of(op, method, X, y, model):
    """The maps (N, H, W) that a method makes, checked."""
    maps = np.asarray(method(X, y, model))
    if maps.shape != (X.shape[0], *X.shape[2:]):
        raise ValueError(f"{op}: the method gave maps of the shape {maps.shape}, not {(X.shape[0], *X.shape[2:])}")
    check_finite(op, "a map of the method", maps)
    return maps


def _pair(a, b, absolute):
    return (abs(a).ravel(), abs(b).ravel()) if absolute else (a.ravel(), b.ravel())


def layers_with_parameters(model):
    """The layers that have parameters, first to last: (name, names of the parameters)."""
    layers, shape = [], (3, *model.input_size)
    for (name, block), after in zip(model.named_blocks(), model.output_shapes().values()):
        layers.append((name, list(block.param_shapes(shape))))
        shape = after
    return [(name, params) for name, params in layers if params]
