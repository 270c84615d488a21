"""The two-way street: what every layer makes of an image, and the gradient that comes back through the same layers.

`Network.forward` takes spans, so running it layer by layer gives every activation and every cache. The way back is the
same list reversed: `Network.backward` of each cache in turn.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._typing import Array, Cache
from ..classifiers.network import Network


class Street:
    """A network's layers, an image (1, 3, H, W) in model space, and what has been computed so far."""

    def __init__(self, model: Network, X: Array) -> None:
        self.model, self.X = model, X
        self._done: list[tuple[Array, Cache]] = []  # one list, so that an interruption leaves no half of a pair

    @property
    def outs(self) -> list[Array]:
        """What each layer returned, first to last, as far as it was run."""
        return [out for out, _ in self._done]

    def forward(self) -> Iterator[tuple[int, Array]]:
        """Run every layer once: pairs of its index and its activations (1, C, h, w) or (1, C)."""
        for i in range(len(self.model.layer_names)):
            if i == len(self._done):
                x = self._done[-1][0] if self._done else self.X
                self._done.append(self.model.forward(x, start=i, end=i))
            yield i, self._done[i][0]

    def backward(
        self, layer: int, channel: int, position: tuple[int, int] | None = None, relu_rule: str = "standard"
    ) -> Iterator[tuple[int, Array]]:
        """Send the gradient of one number back: pairs of a layer's index, from `layer` on down, and the gradient.

        The number is a neuron of `layer`, or the sum of a channel where no position is given. Index -1 stands for the
        image itself.
        """
        for i, _ in self.forward():
            if i == layer:
                break
        dout = one_hot_like(self.outs[layer], channel, position)
        yield layer, dout
        for i in reversed(range(layer + 1)):
            dout, _ = self.model.backward(dout, self._done[i][1], relu_rule=relu_rule)
            yield i - 1, dout


def one_hot_like(out: Array, channel: int, position: tuple[int, int] | None = None) -> Array:
    """1 at a neuron of a layer's activations, or at all positions of a channel, and 0 elsewhere.

    Raises
    ------
    ValueError
        There is no such channel or position.
    """
    maps = out.shape[2:]
    if not 0 <= channel < out.shape[1]:
        raise ValueError(f"channel {channel} is not one of 0 to {out.shape[1] - 1}")
    if position is not None and (not maps or not all(0 <= p < side for p, side in zip(position, maps))):
        raise ValueError(f"position {position} lies outside of maps of {maps}")
    chosen = np.zeros_like(out)
    where: Any = (0, channel) if position is None else (0, channel, *position)
    chosen[where] = 1
    return chosen


def entry(out: Array, channel: int, position: tuple[int, int] | None = None) -> float:
    """One number of a layer's activations or of a gradient, (1, C, h, w) or (1, C)."""
    place = (0, channel, *(position or ()))
    return float(out[place])
