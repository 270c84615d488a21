"""Texture synthesis without a network: each pixel is copied from a place in the sample with similar neighbours.

A. Efros and T. Leung, "Texture synthesis by non-parametric sampling", 1999: a pixel's known neighbours are compared
with every place in the sample, and one of the places that fit about as well as the best gives the new pixel.
L.-Y. Wei and M. Levoy, "Fast texture synthesis using tree-structured vector quantization", 2000: the same in scan
order and in a pyramid, where a pixel must also fit the coarser picture at its place, so that small windows suffice.
Instead of their trees, all places are searched for many pixels at once, which is a product of matrices.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter

from .._progress import progress_bar
from .._typing import Images
from ..layers.checks import check_choice
from .checks import check_not_negative, check_whole

_ROUNDING = 1e-5  # of a query's sum of squares: float32 distances are off by up to a quarter of it


def grow_texture(
    image: Images,
    *,
    size: int | tuple[int, int],
    window: int = 11,
    levels: int = 2,
    order: str = "outward",
    tolerance: float = 0.1,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> Images:
    """Grow a texture of any size from a sample of it.

    Parameters
    ----------
    image : ndarray (H, W, 3) uint8
        The sample; not modified. Some 64 to 200 pixels a side, with several of the texture's elements (bricks,
        pebbles) in it; time and memory grow with the number of pixels.
    size : int or (H, W)
        Of the result, in pixels.
    window : int
        Width in pixels of the square of neighbours to compare, odd, at least 3. On the coarsest level it should be
        about as wide as the texture's elements: in a smaller one they fall apart.
    levels : int
        Of the pyramid, each half as wide as the one before; 1 for the picture alone. The sample must still be as
        wide as the window on the coarsest.
    order : {"outward", "scan"}
        In rings around the middle (Efros and Leung), or row by row from the top left (Wei and Levoy). Rings look
        better but copy larger pieces unchanged. Rows know only the half above: they take less time, and need
        more context (window=15, levels=3).
    tolerance : float
        Copy from a random one of the places whose distance is at most 1 + tolerance times the smallest; 0 for the
        best (a random one of equally good ones).
    rng : int or numpy.random.Generator, optional
        A fixed seed by default.
    callback : callable, optional
        callback(t, picture, info) each time that a row's worth of pixels of a level is done. picture is the result so
        far, uint8 of the full size, with what is missing taken from the coarser level (grey on the coarsest). info has
        "level" (int, 0 the finest) and "done" (float, the part of that level's pixels).
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    ndarray (H, W, 3) uint8
        Each pixel is one of the sample's. The picture has a border, it does not wrap around: pixels there are compared
        by those neighbours that are inside. In the sample only places with the whole window inside count.

    Raises
    ------
    TypeError, ValueError
        image is not a picture, smaller than the window on some level, or an option is out of range.

    Notes
    -----
    For a pixel p with the known neighbours K, a place s in the sample has the distance (1999, section 2.1)::

        d(p, s) = sum over k in K of g_k ||result[p + k] - sample[s + k]||^2

    with a Gaussian g, its standard deviation window / 6.4. On all levels but the coarsest (2000, section 2.3), the
    same sum over every second pixel of the whole square in the coarser level, enlarged to this size, is added.

    Examples
    --------
    >>> grow_texture(picture[:24, :24], size=(28, 28), window=3, levels=1).shape
    (28, 28, 3)
    """
    op = "grow_texture"
    if np.shape(size) not in ((), (2,)):
        raise ValueError(f"{op}: size must be a number or (H, W), got {size}")
    height, width = (size, size) if isinstance(size, int | np.integer) else size
    _check_sample(op, image, window, levels)
    check_whole(op, 1, height=height, width=width)
    check_choice(op, "order", order, ("outward", "scan"))
    check_not_negative(op, tolerance=tolerance)
    rng = np.random.default_rng(0 if rng is None else rng)

    grey = np.rint(image.mean(axis=(0, 1))).astype(np.float32)  # the nearer to 0, the less the distances lose
    samples, shapes = [image.astype(np.float32) - grey], [(height, width)]
    for _ in range(1, levels):
        samples.append(gaussian_filter(samples[-1], (1, 1, 0))[::2, ::2])
        height, width = shapes[-1]
        shapes.append((-(-height // 2), -(-width // 2)))

    picture, rows = np.zeros((*shapes[-1], 3), dtype=np.float32), 0
    with progress_bar(total=sum(H * W for H, W in shapes), progress=progress, desc="growing", unit="pixel") as bar:
        for level in reversed(range(levels)):
            below, before = None, np.float32(0)
            if level < levels - 1:
                before = _enlarge(picture, 2, shapes[level])
                below = _enlarge(samples[level + 1], 2, samples[level].shape), before
            for picture, known, new in _growth(samples[level], below, shapes[level], window, order, tolerance, rng):
                bar.update(new)
                done, W = int(known.sum()), known.shape[1]
                if callback and done // W > (done - new) // W:
                    so_far = _enlarge(np.where(known[..., None], picture, before), 2**level, shapes[0])
                    callback(rows, _as_picture(so_far, grey), {"level": level, "done": done / known.size})
                    rows += 1
    return _as_picture(picture, grey)


def _growth(sample, below, shape, window, order, tolerance, rng):
    """Grow one level, from nothing; after each step comes (picture (H, W, 3), known (H, W), number of new pixels).

    below is the coarser level enlarged to this one's size, (sample, picture), or None. The pixels of a step are so far
    apart that none is in another's window: the result is that of taking them one by one.
    """
    half = window // 2
    picture, known = np.zeros((*shape, 3), dtype=np.float32), np.zeros(shape, dtype=bool)
    around, around_below = _square(half), 2 * _square(half // 2)  # below, every second pixel will do
    if order == "scan":
        around = around[: len(around) // 2]  # what comes later is not known yet
    weights = np.concatenate([_gaussian(around, window), _gaussian(around_below, window)])

    def neighbours(picture, known, below, ys, xs):
        values, seen = _look(picture, known, ys, xs, around)
        if below is None:
            return values, seen * weights[: len(around)]
        more, more_seen = _look(below, True, ys, xs, around_below)
        return np.concatenate([values, more], axis=1), np.concatenate([seen, more_seen], axis=1) * weights

    places = np.indices((sample.shape[0] - 2 * half, sample.shape[1] - 2 * half)).reshape(2, -1) + half  # (2, S)
    table, _ = neighbours(sample, True, below and below[0], *places)  # (S, P, 3)
    colours = sample[tuple(places)]  # (S, 3)
    # d = sum g s^2 - 2 g q s + g q^2 as one product, where s are the sample's values, q the result's.
    table = np.concatenate([(table**2).sum(axis=2), table.reshape(len(table), -1)], axis=1)  # (S, P + 3P)
    luck = rng.random(shape)  # a number for each pixel
    for ys, xs in _steps(shape, half, order):
        q, g = neighbours(picture, known, below and below[1], ys, xs)  # (B, P, 3), (B, P)
        gq = g[..., None] * q
        squares = (gq * q).sum(axis=(1, 2))  # (B,)
        d = np.concatenate([g, -2 * gq.reshape(len(q), -1)], axis=1) @ table.T  # (B, S)
        d += squares[:, None]
        limits = (1 + tolerance) * np.maximum(d.min(axis=1), 0) + _ROUNDING * squares
        for y, x, row, limit in zip(ys, xs, d, limits):
            fits = np.flatnonzero(row <= limit)
            picture[y, x] = colours[fits[int(luck[y, x] * len(fits))]]
        known[ys, xs] = True
        yield picture, known, len(ys)


def _steps(shape, half, order):
    """Which pixels to grow in each step: a list of (ys, xs), each pixel farther than `half` from others of its step."""
    H, W = shape
    ys, xs = np.indices(shape).reshape(2, -1)
    if order == "scan":  # a row follows the one above at a distance: it has to see half a window to the right
        when = xs + (half + 1) * ys
    else:  # ring after ring; in a ring each of some pieces is walked along
        y, x = ys - H // 2, xs - W // 2
        ring = np.maximum(np.abs(y), np.abs(x))
        along = np.lexsort((np.arctan2(y, x), ring))
        ring = ring[along]
        first, count = np.searchsorted(ring, ring), np.bincount(ring)[ring]
        pieces = np.maximum(count // (2 * half + 2), 1)  # so long that they are far apart even around a corner
        place = (np.arange(H * W) - first + 3 * ring) % count  # seams of pieces should not meet those of the next ring
        when = np.empty(H * W, dtype=int)
        when[along] = ring * (H * W) + place * pieces % count // pieces
    turn = np.argsort(when, kind="stable")
    return [(ys[now], xs[now]) for now in np.split(turn, np.flatnonzero(np.diff(when[turn])) + 1)]


def _look(picture, known, ys, xs, around):
    """Values (B, P, 3) and whether they are known (B, P) at offsets (P, 2) from some pixels; outside they are not."""
    H, W, _ = picture.shape
    y, x = ys[:, None] + around[:, 0], xs[:, None] + around[:, 1]  # (B, P)
    seen = (y >= 0) & (y < H) & (x >= 0) & (x < W)
    y, x = np.clip(y, 0, H - 1), np.clip(x, 0, W - 1)
    return picture[y, x], seen & (known if known is True else known[y, x])


def _square(half):
    """Offsets (P, 2) of a square, row by row: down, right."""
    return np.indices((2 * half + 1, 2 * half + 1)).reshape(2, -1).T - half


def _gaussian(around, width):
    sigma = width / 6.4
    return np.exp(-(around**2).sum(axis=1) / (2 * sigma**2)).astype(np.float32)


def _enlarge(picture, scale, shape):
    """A coarser level (h, w, 3) at a size (H, W) by cubic splines: pixel i lies at scale * i, as when it was halved."""
    return affine_transform(picture, (1 / scale, 1 / scale, 1), output_shape=(*shape[:2], 3), order=3, mode="nearest")


def _as_picture(x, grey):
    return np.clip(np.rint(x + grey), 0, 255).astype(np.uint8)


def _check_sample(op, image, window, levels):
    if getattr(image, "dtype", None) != np.uint8:
        raise TypeError(f"{op}: image must be uint8 (0..255), got {getattr(image, 'dtype', type(image).__name__)}")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"{op}: image must have the shape (H, W, 3), got {image.shape}")
    check_whole(op, 3, window=window)
    check_whole(op, 1, levels=levels)
    if window % 2 == 0:
        raise ValueError(f"{op}: window must be odd, so that it has a middle, got {window}")
    smallest = tuple(-(-n // 2 ** (levels - 1)) for n in image.shape[:2])
    if min(smallest) < window:
        raise ValueError(
            f"{op}: the sample is {smallest[0]} x {smallest[1]} on the coarsest of {levels} levels, smaller than the "
            f"window of {window}; take fewer levels, a smaller window, or a larger sample"
        )
