"""Attacks that see only a network's answers, and neither weights nor gradients.

"random_search": C. Guo et al., "Simple black-box adversarial attacks", 2019, algorithm 1: add or subtract a random
direction, and keep what helps. Directions are cosines over the image, of low frequency first (section 3.2).
"finite_differences": A. Ilyas et al., "Black-box adversarial attacks with limited queries and information", 2018,
section 2.1: the gradient is estimated from pairs of answers at random points on both sides, then followed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.fft import idctn

from .._progress import progress_bar
from .._typing import Array
from ..layers.checks import check_choice
from .adversarial import project, size_of
from .checks import check_positive, check_whole

METHODS = ("random_search", "finite_differences")


@dataclass(frozen=True)
class BlackBoxAttack:
    """The result of an attack on one picture.

    Attributes
    ----------
    picture : ndarray (H, W, 3) of float64, 0..255
    fooled : bool
    queries : int
        Number of answers asked for.
    l2, linf : float
        Size of the change in both norms, where pixels go from 0 to 1.
    trace : ndarray (T, 2)
        Queries so far and the margin, at the start and after each step that was kept.
    """

    picture: np.ndarray
    fooled: bool
    queries: int
    l2: float
    linf: float
    trace: np.ndarray


def black_box_attack(
    picture: Array,
    y: int,
    predict: Callable[..., Any],
    *,
    targeted: bool = False,
    method: str = "random_search",
    budget: int = 5000,
    eps: float = 5.0,
    step_size: float | None = None,
    frequencies: float = 0.5,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> "BlackBoxAttack":
    """Change a picture until a function that returns scores gives another answer.

    Parameters
    ----------
    picture : ndarray (H, W, 3)
        0..255, uint8 or float; not modified.
    y : int
        With `targeted` the class to be seen, otherwise the class to get away from.
    predict : callable
        Pictures (N, H, W, 3) of float64, 0..255 -> scores or probabilities (N, K). `of_network` makes one.
    targeted : bool
    method : {"random_search", "finite_differences"}
    budget : int
        Queries: how many pictures `predict` may be called with.
    eps : float
        The largest change permitted, in the L2 norm where pixels go from 0 to 1.
    step_size : float, optional
        In the unit of eps. By default what changes pixels by 0.6 (random search) or 1 grey level (finite differences),
        root mean square.
    frequencies : float
        Part of the frequencies along each axis that directions are made of, 0 to 1; low ones need fewer queries.
    rng : int or numpy.random.Generator, optional
        A fixed seed by default.
    callback : callable, optional
        callback(t, picture, info) before the first step and after each; info has "queries" (int), asked so far, and
        "margin" (float), log-odds of what shall be seen: above 0 the picture fools.
    progress : bool, optional
        A bar on standard error, in queries.

    Returns
    -------
    BlackBoxAttack

    Examples
    --------
    >>> answers = lambda P: model.probabilities(model.preprocess(np.rint(P).astype(np.uint8)))
    >>> result = black_box_attack(picture, y, answers, budget=20)
    >>> type(result).__name__
    'BlackBoxAttack'
    """
    op = "black_box_attack"
    original = np.asarray(picture, dtype=np.float64)
    if original.ndim != 3 or original.shape[2] != 3 or original.min() < 0 or original.max() > 255:
        raise ValueError(f"{op}: picture must be (H, W, 3) with values 0..255, got {original.shape}")
    check_choice(op, "method", method, METHODS)
    check_whole(op, 1, budget=budget)
    level = np.sqrt(original.size) / 255  # the size of a change by one grey level everywhere
    step_size = {"random_search": 0.6, "finite_differences": 1.0}[method] * level if step_size is None else step_size
    check_positive(op, eps=eps, step_size=step_size, frequencies=frequencies)
    if frequencies > 1:
        raise ValueError(f"{op}: frequencies is a part of 1, got {frequencies}")
    rng = np.random.default_rng(0 if rng is None else rng)

    with progress_bar(total=budget, progress=progress, desc="black box", unit="query") as bar:
        ask = _Counter(predict, y, targeted, budget, bar)
        now, (margin,) = original, ask(original[None])
        trace, t = [(ask.queries, margin)], 0

        def report():
            if callback:
                callback(t, now, {"queries": ask.queries, "margin": float(margin)})

        report()
        directions = _directions(original.shape, frequencies, rng)
        step = {"random_search": _random_step, "finite_differences": _estimated_step}[method]
        while margin <= 0 and ask.left:
            moved, moved_margin = step(now, margin, original, ask, directions, step_size / level, 255 * eps)
            if moved_margin > margin:
                now, margin = moved, moved_margin
                trace.append((ask.queries, margin))
            t += 1
            report()
    change = (now - original)[None] / 255
    l2, linf = float(size_of(change, "l2")[0]), float(size_of(change, "linf")[0])
    return BlackBoxAttack(now, bool(margin > 0), ask.queries, l2, linf, np.array(trace))


def of_network(model):
    """A predict function that reveals nothing of a network but its probabilities."""

    def predict(pictures):
        black = model.bounds(model.preprocess(np.zeros((1, *pictures.shape[1:]), np.uint8)))
        lo, hi = black
        X = lo + (hi - lo) * (pictures.transpose(0, 3, 1, 2) / 255).astype(model.dtype)
        return model.probabilities(X.astype(model.dtype))

    return predict


class _Counter:
    """Asks for margins and counts the queries; never more than the budget."""

    def __init__(self, predict, y, targeted, budget, bar):
        self.predict, self.y, self.sign, self.left, self.bar = predict, y, 1 if targeted else -1, budget, bar
        self.queries = 0

    def __call__(self, pictures):
        """The margin of each picture that the budget still allows: log-odds against the best other class."""
        pictures = pictures[: self.left]
        self.left -= len(pictures)
        self.queries += len(pictures)
        self.bar.update(len(pictures))
        scores = np.asarray(self.predict(pictures), dtype=np.float64)
        if scores.ndim != 2 or len(scores) != len(pictures) or not 0 <= self.y < scores.shape[1]:
            raise ValueError(
                f"black_box_attack: predict gave {scores.shape} for {len(pictures)} pictures; "
                f"expected (N, K) with K above the class {self.y}"
            )
        if scores.min() >= 0 and scores.max() <= 1:
            scores = np.log(np.maximum(scores, 1e-300))  # differences of probabilities vanish where it is sure
        others = np.delete(scores, self.y, axis=1).max(axis=1)
        return self.sign * (scores[:, self.y] - others)


def _directions(shape, frequencies, rng):
    """Endless random cosines (H, W, 3) with a root mean square of 1."""
    H, W, _ = shape
    highest = max(1, round(frequencies * H)), max(1, round(frequencies * W))
    while True:
        coefficients = np.zeros(shape)
        coefficients[rng.integers(highest[0]), rng.integers(highest[1]), rng.integers(3)] = np.sqrt(H * W * 3)
        yield idctn(coefficients, axes=(0, 1), norm="ortho")


def _within(picture, original, radius):
    change = project((picture - original)[None], "l2", radius)[0]
    return np.clip(original + change, 0, 255)


def _random_step(now, margin, original, ask, directions, rms, radius):
    direction = rms * next(directions)
    best, best_margin = now, margin
    for sign in (1, -1):
        tried = _within(now + sign * direction, original, radius)
        if not ask.left:
            break
        (tried_margin,) = ask(tried[None])
        if tried_margin > best_margin:
            return tried, tried_margin
    return best, best_margin


def _estimated_step(now, margin, original, ask, directions, rms, radius, pairs=20, spread=2.0):
    several = np.stack([next(directions) for _ in range(min(pairs, max(1, ask.left // 2)))])
    both = np.concatenate([now + spread * several, now - spread * several])
    answers = ask(np.clip(both, 0, 255))
    if len(answers) < len(both) or not ask.left:
        return now, margin
    slopes = answers[: len(several)] - answers[len(several) :]
    gradient = np.tensordot(slopes, several, 1)
    size = np.sqrt((gradient**2).mean())
    moved = _within(now + rms * gradient / (size if size > 0 else 1), original, radius)
    (moved_margin,) = ask(moved[None])
    return moved, moved_margin
