"""How good a network is on labelled images."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from .._progress import progress_bar
from .._typing import Array, Images, IntArray
from ..layers.losses import softmax_loss
from .adversary import Adversary
from .network import Network


@dataclass(frozen=True)
class Evaluation:
    """Scores of a network on N labelled images.

    Attributes
    ----------
    scores : ndarray (N, K)
    y : ndarray (N,)
    loss : float
        Mean softmax loss.
    top1, top5 : float
        Fraction of images whose class is the first, or among the first five; equal scores in the order of the index.
    """

    scores: np.ndarray
    y: np.ndarray
    loss: float
    top1: float
    top5: float

    @property
    def confusion(self) -> IntArray:
        """How often images of class i (row) were taken for class j (column): (K, K) of int."""
        K = self.scores.shape[1]
        return np.bincount(K * self.y + self.scores.argmax(axis=1), minlength=K * K).reshape(K, K)

    def per_class(self) -> "list[ClassResult]":
        """The same fractions for each class that has images.

        Returns
        -------
        list of ClassResult
            In the order of the index.
        """
        hits, confusion = _top_hits(self.scores, self.y), self.confusion
        results = []
        for k in np.unique(self.y):
            of_class = hits[self.y == k]
            others = confusion[k].copy()
            others[k] = 0
            mistaken = int(others.argmax()) if others.any() else None
            times = int(others.max())
            top1, top5 = float(of_class[:, 0].mean()), float(of_class.any(axis=1).mean())
            results.append(ClassResult(int(k), len(of_class), top1, top5, mistaken, times))
        return results

    def worst_pairs(self, count: int = 10) -> list[tuple[int, int, int]]:
        """The classes most often taken for one another: [(i, j, times)], i < j, both directions counted."""
        confusion = self.confusion
        both = np.triu(confusion + confusion.T, 1)
        order = np.argsort(-both, axis=None, kind="stable")[:count]
        pairs = zip(*np.unravel_index(order, both.shape))
        return [(int(i), int(j), int(both[i, j])) for i, j in pairs if both[i, j]]


class ClassResult(NamedTuple):
    """One class's line of an `Evaluation`; `mistaken_for` is what its images are most often taken for, or None."""

    index: int  # type: ignore[assignment]  # tuple.index is not used here
    images: int
    top1: float
    top5: float
    mistaken_for: int | None
    times: int


def evaluate(
    model: Network,
    X: Images | Array,
    y: IntArray,
    *,
    batch_size: int = 128,
    adversary: Adversary | None = None,
    rng: int | np.random.Generator | None = None,
    progress: bool | None = None,
) -> "Evaluation":
    """Run a network over images in batches.

    Parameters
    ----------
    model : Network
    X : ndarray (N, 3, H, W) of uint8, or a memory map
    y : ndarray (N,) of int
    batch_size : int
    adversary : Adversary, optional
        Attacks every image first, so that the result is the network's robust accuracy.
    rng : int or numpy.random.Generator, optional
        For the attack; a fixed seed by default.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    Evaluation

    Examples
    --------
    >>> images = np.repeat(picture.transpose(2, 0, 1)[None], 4, axis=0)
    >>> evaluate(model, images, np.array([0, 1, 2, 3])).top1 in (0.0, 0.25)
    True
    """
    if not hasattr(model, "preprocess"):
        kind = f"an array {model.shape}" if isinstance(model, np.ndarray) else f"a {type(model).__name__}"
        raise TypeError(f"evaluate: model is {kind}, expected a network: call evaluate(model, X, y)")
    y = np.asarray(y)
    if len(X) == 0 or len(X) != len(y):
        raise ValueError(f"evaluate: {len(X)} images and {len(y)} labels; expected as many, above 0")
    rng = np.random.default_rng(0 if rng is None else rng)
    parts = []
    for n in progress_bar(range(0, len(X), batch_size), unit="batch", desc="evaluating", progress=progress):
        batch = model.preprocess(X[n : n + batch_size].transpose(0, 2, 3, 1))
        if adversary is not None:
            objective = partial(softmax_loss, y=y[n : n + batch_size])
            batch = adversary.perturb(batch, objective, model, rng=rng)
        parts.append(model.loss(batch))
    scores = np.concatenate(parts)
    loss, _ = softmax_loss(scores, y)
    hits = _top_hits(scores, y)
    return Evaluation(scores, y, loss, float(hits[:, 0].mean()), float(hits.any(axis=1).mean()))


def _top_hits(scores, y):
    """Whether each of an image's five best classes is its own, (N, 5).

    Of equal scores the lower index comes first, as in argmax: a network that tells nothing apart earns nothing.
    """
    return np.argsort(-scores, axis=1, kind="stable")[:, :5] == y[:, None]
