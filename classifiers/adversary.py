"""Adversarial training: each batch is replaced by nearby images that the network finds harder.

A. Madry et al., "Towards deep learning models resistant to adversarial attacks", 2018, section 2.1: the network is
trained on the worst images within a ball around the training images, found by projected gradient descent (PGD).
E. Wong et al., "Fast is better than free: revisiting adversarial training", 2020, section 4: one step is enough where
it starts from a random point in the ball.

Changes are measured in units where pixels go from 0 to 1: for the L2 norm the length of the whole change, over all
pixels and channels, for Linf the largest change of any.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._typing import Array
from .network import Network

NORMS = ("l2", "linf")


@dataclass(frozen=True)
class Adversary:
    """An attack that training or evaluation runs on every batch.

    Attributes
    ----------
    eps : float
        Radius of the ball: the largest change, in units where pixels are 0..1. It is meant for images of the network's
        own size. For a smaller crop an L2 radius shrinks with the crop's side, which keeps the change per pixel.
        0 leaves images as they are.
    steps : int
        Gradient steps, at least 1.
    step_size : float, optional
        Length of a step, in the unit of `eps`. By default 1.25 eps for a single step (Wong et al. 2020, section 4.3),
        2.5 eps / steps for several (Madry et al. 2018).
    norm : {"l2", "linf"}
    random_start : bool
        Start from a random point in the ball; otherwise from the image.
    statistics : {"running", "batch"}
        What batch norm uses during the attack. Running averages are only read, either way.
    """

    eps: float = 1.0
    steps: int = 1
    step_size: float | None = None
    norm: str = "l2"
    random_start: bool = True
    statistics: str = "running"

    def __post_init__(self) -> None:
        for name, choices in (("norm", NORMS), ("statistics", ("running", "batch"))):
            if getattr(self, name) not in choices:
                raise ValueError(f"Adversary: {name} must be {' or '.join(choices)}, got {getattr(self, name)!r}")
        if not (np.isfinite(self.eps) and self.eps >= 0):
            raise ValueError(f"Adversary: eps must be a number, 0 or above, got {self.eps}")
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 1:
            raise ValueError(f"Adversary: steps must be a whole number, at least 1, got {self.steps!r}")
        if self.step_size is not None and not (np.isfinite(self.step_size) and self.step_size > 0):
            raise ValueError(f"Adversary: step_size must be a number above 0, got {self.step_size}")

    def radius(self, model: Network, shape: tuple[int, ...]) -> float:
        """The radius for a batch of this shape (N, 3, H, W), in units where pixels are 0..1."""
        if self.norm == "linf":
            return self.eps
        return self.eps * float(np.sqrt(np.prod(shape[-2:]) / np.prod(model.input_size)))

    def perturb(
        self, X: Array, objective: Callable[..., Any], model: Network, *, rng: int | np.random.Generator | None = None
    ) -> Array:
        """Harder images near a batch.

        Parameters
        ----------
        X : ndarray (N, 3, H, W), model space
            Not modified.
        objective : callable
            objective(scores) -> (loss, dscores): what the attack increases, such as `softmax_loss` of the labels.
        model : Network
        rng : int or numpy.random.Generator, optional
            For the random start; a fixed seed by default.

        Returns
        -------
        ndarray (N, 3, H, W)
            Within the radius, and within the pixel bounds, or as far outside of them as X is.
        """
        if self.eps == 0:
            return X
        rng = np.random.default_rng(0 if rng is None else rng)
        radius = self.radius(model, X.shape)
        step = 1.25 * radius if self.steps == 1 else 2.5 * radius / self.steps
        if self.step_size is not None:
            step = self.step_size * radius / self.eps
        lo, hi = model.bounds(X)
        unit = hi - lo  # model-space units from black to white, in each channel
        lo, hi = np.minimum(lo, X), np.maximum(hi, X)  # a crop's mean differs a little from the image's
        mode = "test" if self.statistics == "running" else "train"
        model = model.with_params(dict(model.params))  # training mode would put its averages into the original

        def moved(change):
            return np.clip(X + unit * change, lo, hi)

        X_now = moved(random_in_ball(X.shape, self.norm, radius, rng).astype(X.dtype)) if self.random_start else X
        for _ in range(self.steps):
            scores, cache = model.forward(X_now, mode=mode)
            _, dscores = objective(scores)
            dX, _ = model.backward(dscores, cache, param_grads=False)
            # From the clipped image: what a bound takes away is free for other pixels.
            change = (X_now - X) / unit + step * direction(dX * unit, self.norm)
            X_now = moved(project(change, self.norm, radius))
        return X_now


def length(change, norm):
    """Size of each change (N, ...): its L2 norm, or its largest absolute value ("linf"); float64 (N,)."""
    flat = change.reshape(len(change), -1)
    if norm == "linf":
        return np.abs(flat).max(axis=1).astype(np.float64)
    return np.sqrt(np.einsum("ni,ni->n", flat, flat, dtype=np.float64))


def direction(gradient, norm):
    """The step of size 1 that goes up fastest (N, ...); zero where the gradient is zero."""
    if norm == "linf":
        return np.sign(gradient)
    size = length(gradient, norm)
    return gradient * _per_image(1 / np.where(size > 0, size, 1), gradient)


def project(change, norm, radius):
    """The nearest change (N, ...) within the radius."""
    if norm == "linf":
        return np.clip(change, -radius, radius)
    size = length(change, norm)
    return change * _per_image(np.minimum(1, radius / np.where(size > 0, size, 1)), change)


def random_in_ball(shape, norm, radius, rng):
    """Random changes (N, ...), evenly distributed in the ball."""
    if norm == "linf":
        return rng.uniform(-radius, radius, shape)
    dimensions = int(np.prod(shape[1:]))
    change = rng.standard_normal(shape)
    size = radius * rng.random(shape[0]) ** (1 / dimensions)
    return change * _per_image(size / length(change, norm), change)


def _per_image(values, like):
    return values.astype(like.dtype).reshape(-1, *[1] * (like.ndim - 1))
