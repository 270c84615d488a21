"""How good a map is: numbers that need the map, and a box around the object, only.

- `pointing_game`: J. Zhang et al., "Top-down neural attention by excitation backprop", 2018, section 5.1
- `energy_inside`: H. Wang et al., "Score-CAM", 2020, section 4.3 (the energy-based pointing game)
- `sparseness`: P. Chalasani et al., "Concise explanations of neural networks using adversarial training", 2020,
  section 3 (Gini index)
- `complexity`: U. Bhatt, A. Weller and J. Moura, "Evaluating and aggregating feature-based model explanations", 2020,
  section 3.3 (entropy)

The first two ask whether a map agrees with a person's box. That is not the same as what the network uses: a network may
look at the water under a boat. Compare with chance: a box that covers half of the picture is hit half of the time. The
other two ask whether a map is easy to read, which a wrong map can be, too.
"""

import numpy as np

from .._typing import Array, IntArray
from .checks import check_finite, check_whole


def pointing_game(maps: Array, boxes: IntArray, *, tolerance: int = 0) -> Array:
    """Whether the largest value of each map lies inside the box.

    Parameters
    ----------
    maps : ndarray (N, H, W)
    boxes : ndarray (N, 4) of int
        Rows top..bottom-1 and columns left..right-1 as (top, left, bottom, right); `load_tiny_imagenet_boxes` has them.
    tolerance : int
        Pixels that the box is widened on all sides; the paper takes 15 where pictures are some 224 wide.

    Returns
    -------
    ndarray (N,)
        1 for a hit, 0 for a miss; where several pixels are equally large, the part of them that hit. A constant map
        gets the part of the picture that the box covers.

    Examples
    --------
    >>> maps = np.zeros((1, 4, 4))
    >>> maps[0, 1, 2] = 5
    >>> pointing_game(maps, np.array([[0, 2, 3, 4]]))
    array([1.])
    """
    maps, inside = _checked("pointing_game", maps, boxes, tolerance)
    largest = maps == maps.max(axis=(1, 2), keepdims=True)
    return (largest & inside).sum(axis=(1, 2)) / largest.sum(axis=(1, 2))


def energy_inside(maps: Array, boxes: IntArray) -> Array:
    """Which part of the sum of each map lies inside the box; what is negative counts as 0.

    Parameters
    ----------
    maps : ndarray (N, H, W)
    boxes : ndarray (N, 4) of int
        As in `pointing_game`.

    Returns
    -------
    ndarray (N,)
        0 to 1. A map without positive values gets the part of the picture that the box covers.

    Examples
    --------
    >>> energy_inside(np.ones((1, 4, 4)), np.array([[0, 2, 2, 4]]))
    array([0.25])
    """
    maps, inside = _checked("energy_inside", maps, boxes, 0)
    positive = np.maximum(maps, 0).astype(np.float64)
    total = positive.sum(axis=(1, 2))
    share = np.divide((positive * inside).sum(axis=(1, 2)), total, out=np.zeros(len(maps)), where=total > 0)
    return np.where(total > 0, share, inside.mean(axis=(1, 2)))


def sparseness(maps: Array) -> Array:
    """The Gini index of each map's magnitudes: 0 if all pixels count the same, nearly 1 if a single one counts.

    Parameters
    ----------
    maps : ndarray (N, H, W)

    Returns
    -------
    ndarray (N,)
        0 for a map of zeros.

    Examples
    --------
    >>> sparseness(np.array([[[1.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]]]))
    array([0.  , 0.75])
    """
    a = np.sort(abs(_maps("sparseness", maps).reshape(len(maps), -1)), axis=1)
    D, total = a.shape[1], a.sum(axis=1)
    weights = 2 * np.arange(1, D + 1) - D - 1
    return np.divide(a @ weights, D * total, out=np.zeros(len(a)), where=total > 0)


def complexity(maps: Array) -> Array:
    """The entropy of each map's magnitudes, as a part of the largest possible: 1 if all pixels count the same.

    Parameters
    ----------
    maps : ndarray (N, H, W)

    Returns
    -------
    ndarray (N,)
        0 if a single pixel counts; 1 for a map of zeros, in which nothing stands out.

    Examples
    --------
    >>> complexity(np.array([[[1.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]]]))
    array([1., 0.])
    """
    a = abs(_maps("complexity", maps).reshape(len(maps), -1))
    total = a.sum(axis=1, keepdims=True)
    share = np.divide(a, total, out=np.full_like(a, 1 / a.shape[1]), where=total > 0)
    logarithm = np.log(share, out=np.zeros_like(share), where=share > 0)
    return abs(-(share * logarithm).sum(axis=1) / np.log(a.shape[1]))  # abs: never -0


def centred_blob(size: tuple[int, int], *, width: float = 0.25) -> Array:
    """A Gaussian in the middle of the picture: what a map reaches that only knows where photographers aim.

    Parameters
    ----------
    size : (int, int)
        H, W.
    width : float
        Its standard deviation, as a part of the sides.

    Returns
    -------
    ndarray (H, W)

    Examples
    --------
    >>> centred_blob((64, 64)).argmax() in (31 * 64 + 31, 31 * 64 + 32, 32 * 64 + 31, 32 * 64 + 32)
    True
    """
    if not width > 0:
        raise ValueError(f"centred_blob: width must be above 0, got {width!r}")
    y, x = (((np.arange(side) + 0.5) / side - 0.5) / width for side in size)
    return np.exp(-(y[:, None] ** 2 + x**2) / 2)


def _maps(op, maps):
    maps = np.asarray(maps, dtype=np.float64)
    if maps.ndim != 3 or maps.size == 0:
        raise ValueError(f"{op}: expected maps (N, H, W), got the shape {maps.shape}")
    check_finite(op, "a map", maps)
    return maps


def _checked(op, maps, boxes, tolerance):
    """The maps, and which of their pixels lie in the boxes (N, H, W)."""
    maps, boxes = _maps(op, maps), np.asarray(boxes)
    check_whole(op, 0, tolerance=tolerance)
    N, H, W = maps.shape
    if boxes.shape != (N, 4) or not np.issubdtype(boxes.dtype, np.integer):
        raise ValueError(f"{op}: {N} maps need boxes ({N}, 4) of whole numbers, got {boxes.dtype} {boxes.shape}")
    top, left, bottom, right = boxes.T[..., None]
    if (top >= bottom).any() or (left >= right).any() or (boxes < 0).any() or (bottom > H).any() or (right > W).any():
        raise ValueError(f"{op}: boxes are (top, left, bottom, right) within {H} x {W} pixels, and not empty")
    rows, columns = np.arange(H), np.arange(W)
    down = (rows >= top - tolerance) & (rows < bottom + tolerance)  # (N, H)
    across = (columns >= left - tolerance) & (columns < right + tolerance)
    return maps, down[:, :, None] & across[:, None, :]
