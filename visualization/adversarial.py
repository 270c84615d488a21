"""Adversarial images: small changes, measured and limited, that change what a network sees.

One loop covers the family: C. Szegedy et al., "Intriguing properties of neural networks", 2014 (gradient steps);
I. Goodfellow et al., "Explaining and harnessing adversarial examples", 2015, section 4 (FGSM: one step of the
gradient's sign); A. Kurakin et al., "Adversarial examples in the physical world", 2017, section 2 (the same in small
steps); A. Madry et al., "Towards deep learning models resistant to adversarial attacks", 2018, section 2.1 (PGD: from
a random start, projected back into the permitted ball). What is maximized is the margin between two scores (N. Carlini
and D. Wagner, "Towards evaluating the robustness of neural networks", 2017, section 5.1, f6), whose gradient does not
vanish where the network is sure of its answer.

Sizes are those of adversarial training (`classifiers.adversary`), in units where pixels go from 0 to 1: for the L2 norm
the length of the whole change, over all pixels and channels, for Linf the largest change of any. A radius is called
`eps`. An L2 change of 1 is one by 2.3 grey levels (root mean square) on an image of 64x64 pixels.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..classifiers.scores import softmax
from ..layers.checks import check_choice
from .checks import check_images, check_labels, check_not_negative, check_positive, check_whole
from .image_ops import blur, clip

NORMS = ("l2", "linf")
STEPS = {"l2": 0.5, "linf": 1.0}  # grey levels, root mean square or largest
ROUNDING = 1e-4  # grey levels, likewise: what float32 may add to a change of exactly eps


@dataclass(frozen=True)
class Attack:
    """The result of an attack on N images.

    Attributes
    ----------
    X : ndarray (N, 3, H, W)
        The changed images, in model space.
    fooled : ndarray (N,) of bool
        Whether the network sees what it should, and is as sure of it as `confidence` asks: the target, or for an
        untargeted attack any other class.
    fooled_as_png : ndarray (N,) of bool
        Whether it sees that, sure or not, after rounding to whole grey levels, which is what a PNG file keeps.
    reason : list of N str
        Why it stopped: "fooled", "at the limit" (the change is as large as permitted) or "out of steps".
    steps : ndarray (N,) of int
        Steps taken.
    l2, linf : ndarray (N,)
        Size of the change in both norms, where pixels go from 0 to 1.
    predicted : ndarray (N,) of int
        The class seen in the end.
    trace : dict of str to ndarray (T, N)
        Before each step and at the end: "margin" (score of the class that should win minus the best of the others) and
        "probability" (of the target; untargeted: of the class to get away from). Values stay constant for images
        that are done.
    """

    X: np.ndarray
    fooled: np.ndarray
    fooled_as_png: np.ndarray
    reason: list
    steps: np.ndarray
    l2: np.ndarray
    linf: np.ndarray
    predicted: np.ndarray
    trace: dict

    @property
    def rms(self) -> Array:
        """The change's root mean square in grey levels of 0..255, (N,): what the L2 norm is for the eye."""
        return 255 * self.l2 / np.sqrt(self.X[0].size)


def attack(
    X: Array,
    y: int | IntArray,
    model: Network,
    *,
    targeted: bool = False,
    norm: str = "l2",
    eps: float | None = None,
    at_limit: str = "project",
    step_size: float | None = None,
    max_iterations: int = 100,
    random_start: float = 0.0,
    confidence: float = 0.0,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> "Attack":
    """Change images step by step until the network sees another class in them.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Photographs or noise, in model space; not modified.
    y : int, or ndarray (N,) of int
        With `targeted` the classes to be seen, otherwise the classes to get away from.
    model : Network
    targeted : bool
    norm : {"l2", "linf"}
        How changes are measured, and steps taken: along the gradient, or along its sign.
    eps : float, optional
        The largest change permitted.
    at_limit : {"project", "stop"}
        What to do when a step leads beyond eps: project back onto it and continue (PGD), or stop before.
    step_size : float, optional
        In the unit of eps. By default what changes pixels by half a grey level on average (L2), or by one (Linf).
    max_iterations : int
    random_start : float
        Start from a random change of this size, and within eps.
    confidence : float
        Continue until the probability of the target is at least this as well; untargeted: until that of y is at most
        1 - confidence.
    rng : int or numpy.random.Generator, optional
        For the random start; a fixed seed by default.
    callback : callable, optional
        callback(t, X, info) before each step and once at the end; info has "margin", "probability" and "fooled", (N,).
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    Attack

    Raises
    ------
    ValueError, TypeError
        X is not a batch of images, a class or an option is out of range.

    Examples
    --------
    >>> result = attack(X, model.predict(X)[0][0].index, model, eps=1.5, max_iterations=5)
    >>> bool(result.l2[0] <= 1.501)
    True
    """
    op = "attack"
    check_images(op, X, model)
    check_choice(op, "norm", norm, NORMS)
    check_choice(op, "at_limit", at_limit, ("project", "stop"))
    check_whole(op, 0, max_iterations=max_iterations)
    check_not_negative(op, random_start=random_start)
    if not 0 <= confidence <= 1:
        raise ValueError(f"{op}: confidence is a probability, 0 to 1; got {confidence}")
    level = size_of(np.full((1, *X.shape[1:]), 1 / 255), norm)[0]  # of a change by one grey level everywhere
    step_size = STEPS[norm] * level if step_size is None else step_size
    check_positive(op, step_size=step_size, eps=np.finfo(float).max if eps is None else eps)
    y = check_labels(op, y, len(X), model)
    if norm == "linf" and eps is not None and eps > 1:
        raise ValueError(f"{op}: pixels go from 0 to 1 here, got eps {eps:g}; {eps:g} grey levels are {eps / 255:.3g}")
    rng = np.random.default_rng(0 if rng is None else rng)

    N = len(X)
    bounds = model.bounds(X)
    unit = bounds[1] - bounds[0]  # from black to white, in model space
    change = random_change(X.shape, rng, norm, random_start).astype(X.dtype)
    if eps is not None:
        change = project(change, norm, eps)
    X_now = clip(X + unit * change, bounds)
    active, steps = np.ones(N, bool), np.zeros(N, int)
    reason, trace = np.full(N, "out of steps", dtype=object), dict[str, list[Any]](margin=[], probability=[])
    for t in progress_bar(range(max_iterations + 1), progress=progress, desc="attack", unit="step"):
        scores, cache = model.forward(X_now)
        margin, dscores = _margin(scores, y, targeted)
        probability = softmax(scores)[np.arange(N), y]
        sure = probability >= confidence if targeted else probability <= 1 - confidence
        fooled = (margin > 0) & sure
        trace["margin"].append(margin)
        trace["probability"].append(probability)
        if callback:
            callback(t, X_now, {"margin": margin, "probability": probability, "fooled": fooled})
        reason[active & fooled] = "fooled"
        active &= ~fooled
        if not active.any() or t == max_iterations:
            break
        dX, _ = model.backward(dscores, cache)
        change = (X_now - X) / unit + step_size * _direction(dX * unit, norm)
        if eps is not None and at_limit == "stop":
            beyond = size_of(change, norm) > eps + ROUNDING * level
            reason[active & beyond] = "at the limit"
            active &= ~beyond
        elif eps is not None:
            change = project(change, norm, eps)
        moved = clip(X + unit * change, bounds)
        X_now = np.where(active[:, None, None, None], moved, X_now)
        steps += active
    change = (X_now - X) / unit
    if eps is not None:
        reason[(reason == "out of steps") & (size_of(change, norm) > 0.999 * eps)] = "at the limit"
    return Attack(
        X=X_now,
        fooled=fooled,
        fooled_as_png=_fooled_as_png(X_now, y, model, targeted),
        reason=list(reason),
        steps=steps,
        l2=size_of(change, "l2"),
        linf=size_of(change, "linf"),
        predicted=scores.argmax(axis=1),
        trace={name: np.array(rows) for name, rows in trace.items()},
    )


def fgsm(X: Array, y: int | IntArray, model: Network, *, eps: float, targeted: bool = False) -> "Attack":
    """The fast gradient sign method: one step that changes every pixel by eps (white is 1). See `attack`.

    Examples
    --------
    >>> result = fgsm(X, model.predict(X)[0][0].index, model, eps=2 / 255)
    >>> bool(abs(result.X - X).max() <= 2.001)
    True
    """
    check_images("fgsm", X, model)
    options: dict[str, Any] = {"norm": "linf", "eps": eps, "step_size": eps, "max_iterations": 1}
    return attack(X, y, model, targeted=targeted, **options)


def pgd(
    X: Array,
    y: int | IntArray,
    model: Network,
    *,
    eps: float,
    norm: str = "linf",
    targeted: bool = False,
    step_size: float | None = None,
    max_iterations: int = 40,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> "Attack":
    """Projected gradient descent: from a random start within eps, steps of a tenth of it. See `attack`.

    Examples
    --------
    >>> result = pgd(X, model.predict(X)[0][0].index, model, eps=2 / 255, max_iterations=3)
    >>> bool(abs(result.X - X).max() <= 2.001)
    True
    """
    check_images("pgd", X, model)
    return attack(
        X,
        y,
        model,
        targeted=targeted,
        norm=norm,
        eps=eps,
        step_size=eps / 10 if step_size is None else step_size,
        max_iterations=max_iterations,
        random_start=eps / 2,
        rng=rng,
        callback=callback,
        progress=progress,
    )


def random_control(
    result: Attack, X: Array, model: Network, *, norm: str = "l2", rng: int | np.random.Generator | None = None
) -> Array:
    """The same images with random changes of the size of an attack's, to compare with.

    Parameters
    ----------
    result : Attack
    X : ndarray (N, 3, H, W)
        What was attacked.
    model : Network
    norm : {"l2", "linf"}
        In which the changes are equally large.
    rng : int or numpy.random.Generator, optional

    Returns
    -------
    ndarray (N, 3, H, W)
        In model space, within the pixel bounds, which may make changes a little smaller.

    Examples
    --------
    >>> result = fgsm(X, y, model, eps=2 / 255)
    >>> random_control(result, X, model).shape
    (1, 3, 64, 64)
    """
    check_images("random_control", X, model)
    check_choice("random_control", "norm", norm, NORMS)
    rng = np.random.default_rng(0 if rng is None else rng)
    bounds = model.bounds(X)
    unit = bounds[1] - bounds[0]
    size = getattr(result, norm)[:, None, None, None]
    change = random_change(X.shape, rng, norm, 1.0) * size
    return clip((X + unit * change).astype(X.dtype), bounds)


def defend(X: Array, model: Network, method: str, strength: float) -> Array:
    """Preprocess images in a way that may destroy an attack.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        In model space.
    model : Network
    method : {"blur", "grey_levels", "jpeg"}
        A Gaussian blur; fewer grey levels (W. Xu et al., "Feature squeezing", 2018, section III); saving as JPEG
        (G. Dziugaite et al., "A study of the effect of JPG compression on adversarial images", 2016).
    strength : float
        "blur": sigma in pixels. "grey_levels": how many of 256 remain. "jpeg": quality, 1 to 95.

    Returns
    -------
    ndarray (N, 3, H, W)

    Examples
    --------
    >>> defend(X, model, "blur", 1.0).shape
    (1, 3, 64, 64)
    """
    check_images("defend", X, model)
    check_choice("defend", "method", method, ("blur", "grey_levels", "jpeg"))
    check_positive("defend", strength=strength)
    if method == "blur":
        return blur(X, strength)
    pictures = model.deprocess(X)
    if method == "grey_levels":
        if not 2 <= strength <= 256:
            raise ValueError(f"defend: grey_levels leaves 2 to 256 levels, got {strength}")
        level = 255 / (int(strength) - 1)
        return model.preprocess(np.rint(np.rint(pictures / level) * level).astype(np.uint8))
    if not 1 <= strength <= 95:
        raise ValueError(f"defend: jpeg has a quality from 1 to 95, got {strength}")
    return model.preprocess(np.stack([_through_jpeg(picture, int(strength)) for picture in pictures]))


def project(change, norm, eps):
    """The nearest change (N, ...) that is within eps."""
    if norm == "linf":
        return np.clip(change, -eps, eps)
    size = size_of(change, "l2").reshape(-1, *[1] * (change.ndim - 1))
    return change * np.minimum(1, eps / np.where(size > 0, size, 1)).astype(change.dtype)


def size_of(change, norm):
    """Size of each image's change (N, ...), in its own unit: its length ("l2") or its largest pixel ("linf")."""
    flat = change.reshape(len(change), -1).astype(np.float64)
    return np.sqrt((flat**2).sum(axis=1)) if norm == "l2" else np.abs(flat).max(axis=1)


def random_change(shape, rng, norm, size):
    """Random changes (N, ...) of exactly this size: normally distributed ("l2"), or signs ("linf")."""
    if norm == "linf":
        return size * rng.choice([-1.0, 1.0], shape)
    change = rng.standard_normal(shape)
    return size * change / size_of(change, "l2").reshape(-1, *[1] * (len(shape) - 1))


def _direction(dX, norm):
    """A step of size 1 along the gradient; nowhere where the gradient is zero."""
    if norm == "linf":
        return np.sign(dX)
    size = size_of(dX, "l2")[:, None, None, None]
    return dX / np.where(size > 0, size, 1).astype(dX.dtype)


def _margin(scores, y, targeted):
    """Score of the class that should win minus the best other score, (N,), and its gradient to the scores (N, K)."""
    n = np.arange(len(scores))
    others = scores.copy()
    others[n, y] = -np.inf
    rival = others.argmax(axis=1)
    sign = 1 if targeted else -1
    dscores = np.zeros_like(scores)
    dscores[n, y], dscores[n, rival] = sign, -sign
    return sign * (scores[n, y] - scores[n, rival]), dscores


def _fooled_as_png(X, y, model, targeted):
    scores = model.scores(model.preprocess(model.deprocess(X)))
    return (scores.argmax(axis=1) == y) == targeted


def _through_jpeg(picture, quality):
    with io.BytesIO() as file:
        Image.fromarray(picture).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))
