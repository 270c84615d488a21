"""How good a network is on labelled images."""

from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from ..layers.losses import softmax_loss


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


def evaluate(model, X, y, *, batch_size=128, progress=False):
    """Run a network over images in batches.

    Parameters
    ----------
    model : Network
    X : ndarray (N, 3, H, W) of uint8, or a memory map
    y : ndarray (N,) of int
    batch_size : int
    progress : bool
        A bar on standard error.

    Returns
    -------
    Evaluation
    """
    y = np.asarray(y)
    if len(X) == 0 or len(X) != len(y):
        raise ValueError(f"evaluate: {len(X)} images and {len(y)} labels; expected as many, above 0")
    batches = range(0, len(X), batch_size)
    scores = np.concatenate(
        [
            model.loss(model.preprocess(X[n : n + batch_size].transpose(0, 2, 3, 1)))
            for n in tqdm(batches, unit="batch", desc="evaluating", disable=not progress)
        ]
    )
    loss, _ = softmax_loss(scores, y)
    # Of equal scores the lower index comes first, as in argmax: a network that tells nothing apart earns nothing.
    hits = np.argsort(-scores, axis=1, kind="stable")[:, :5] == y[:, None]
    return Evaluation(scores, y, loss, float(hits[:, 0].mean()), float(hits.any(axis=1).mean()))
