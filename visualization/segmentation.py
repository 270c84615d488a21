"""Segmentation: the object of a picture, cut out where a map is large.

`segment_object` makes mask, cut-out and box from any map: by a threshold on it (Otsu 1979), or by colour models of the
pixels where it is largest and smallest (K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks:
visualising image classification models and saliency maps", 2014, section 3.2).
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_fill_holes, find_objects, gaussian_filter, label

from .._typing import Array, Images
from ..layers.checks import check_choice
from .checks import check_finite, check_not_negative, check_whole

OBJECT, BACKGROUND = 0.95, 0.3  # quantiles of a map: from the first on it is surely object, up to the second not (2014)
EVEN = 0.7  # quantile at which the map alone leaves it open: objects are smaller than their surroundings
COLOUR_WIDTH = 20.0  # grey levels: colours so far apart are alike


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels: rows top..bottom-1, columns left..right-1."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Segmentation:
    """An object in a picture.

    Attributes
    ----------
    mask : ndarray (H, W) of bool
        Its pixels; none where the map tells no object.
    cutout : ndarray (H, W, 3) uint8
        The picture with everything else in one grey.
    box : Box or None
        The smallest rectangle around the mask; None around an empty one.
    threshold : float
        Above which the smoothed map was taken for object; for "colours" that is 0, in log odds.
    """

    mask: np.ndarray
    cutout: np.ndarray
    box: Box | None
    threshold: float


def segment_object(
    picture: Images,
    map_: Array,
    *,
    threshold: str | float = "otsu",
    sigma: float | None = None,
    largest: bool = True,
    background: int = 255,
) -> "Segmentation":
    """Cut out of a picture the object that a map points at.

    Parameters
    ----------
    picture : ndarray (H, W, 3) uint8
    map_ : ndarray (H, W)
        Large where the object is, such as a saliency map. Negative values of signed maps count as background.
    threshold : "otsu", "colours" or float
        Where to cut the smoothed map: by N. Otsu's method ("A threshold selection method from gray-level histograms",
        1979: the two parts differ most), or at a quantile, 0 to 1 (0.8: the brightest fifth). "colours" cuts where the
        odds are even that a pixel is object, by its colour and by its rank in the map; see Notes.
    sigma : float, optional
        Of a Gaussian that joins the grains of the map, in pixels; 4 % of the shorter side by default.
    largest : bool
        Of several connected regions keep that with the largest sum of the map.
    background : int
        Grey of what is cut away, 0..255.

    Returns
    -------
    Segmentation
        Holes in the object are filled.

    Raises
    ------
    ValueError, TypeError
        The picture is not uint8, picture and map differ in size, the map holds NaN, or an option is out of range.

    Notes
    -----
    A map lights up the most telling parts only; colours carry it over to the rest of the object. With q a pixel's rank
    in the smoothed map, 0 to 1, and c its colour, the logarithm of the odds is::

        log p(c | q > 0.95) - log p(c | q < 0.3) + log(q / (1 - q)) - log(0.7 / 0.3)

    where the densities are sums of Gaussians of 20 grey levels around the colours of those pixels. The part that the
    colours have is blurred by one pixel, in place of the paper's graph cut.

    Examples
    --------
    >>> found = segment_object(picture, compute_saliency_maps(X, y, model)[0])
    >>> found.mask.shape, found.cutout.shape
    ((64, 64), (64, 64, 3))
    """
    op = "segment_object"
    picture, map_ = np.asarray(picture), np.asarray(map_, dtype=np.float64)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise TypeError(
            f"{op}: the picture must be uint8 (H, W, 3), got {picture.dtype} {picture.shape}; call {op}(picture, map_)"
        )
    if map_.shape != picture.shape[:2]:
        raise ValueError(f"{op}: the map has the shape {map_.shape}, the picture {picture.shape[:2]}")
    check_finite(op, "the map", map_, power=2)
    check_whole(op, 0, background=background)
    if background > 255:
        raise ValueError(f"{op}: background must be a grey of 0 to 255, got {background}")
    sigma = 0.04 * min(map_.shape) if sigma is None else sigma
    check_not_negative(op, sigma=sigma)

    smooth = gaussian_filter(np.maximum(map_, 0), sigma)
    # Of a constant map nothing stands out; smoothing leaves it constant but for rounding.
    flat = np.ptp(smooth) <= 1e-9 * smooth.max()
    if isinstance(threshold, str) and threshold == "colours":
        smooth, cut = _log_odds(picture, smooth), 0.0
    else:
        cut = _threshold(op, smooth, threshold)
    mask = (smooth > cut) & ~flat
    if largest and mask.any():
        regions, count = label(mask)
        weights = np.bincount(regions.ravel(), weights=smooth.ravel(), minlength=count + 1)
        mask = regions == 1 + weights[1:].argmax()
    mask = binary_fill_holes(mask)
    cutout = np.where(mask[..., None], picture, np.uint8(background))
    return Segmentation(mask, cutout, _box(mask), float(cut))


def _threshold(op, smooth, threshold):
    """The number at which to cut a map."""
    if isinstance(threshold, str):
        check_choice(op, "threshold", threshold, ("otsu", "colours"))
        return _otsu(smooth)
    if not 0 <= threshold <= 1:
        raise ValueError(f"{op}: threshold is 'otsu', 'colours' or a quantile from 0 to 1, got {threshold!r}")
    return np.quantile(smooth, threshold)


def _log_odds(picture, smooth):
    """How likely each pixel is object, by its colour and its rank in the map: (H, W), 0 for even odds."""
    from scipy.stats import rankdata  # half a second to import, and few need it

    colours, rank = picture.reshape(-1, 3).astype(np.float64), (rankdata(smooth).ravel() - 0.5) / smooth.size
    likely = [_density(colours, colours[chosen]) for chosen in (rank > OBJECT, rank < BACKGROUND)]
    by_colour = np.log(likely[0]) - np.log(likely[1])
    by_rank = np.log(rank / (1 - rank)) - np.log(EVEN / (1 - EVEN))
    return gaussian_filter(by_colour.reshape(smooth.shape), 1) + by_rank.reshape(smooth.shape)


def _density(colours, seeds):
    """How many of the seeds are of nearly each colour, as a part of them: (P, 3), (S, 3) -> (P,), above 0."""
    seeds = seeds[:: max(1, len(seeds) // 300)]  # a few hundred tell as much as all
    total = np.full(len(colours), 1e-4 * max(1, len(seeds)))  # of a colour that neither part has: no evidence
    for seed in seeds:
        total += np.exp(-((colours - seed) ** 2).sum(axis=1) / (2 * COLOUR_WIDTH**2))
    return total / max(1, len(seeds))


def _otsu(values):
    """The cut that makes the variance between the two parts largest (Otsu 1979, equation 18)."""
    counts, edges = np.histogram(values, 256)
    below = np.cumsum(counts)[:-1] / counts.sum()
    centres = (edges[1:] + edges[:-1]) / 2
    mean_below = np.cumsum(counts * centres)[:-1] / counts.sum()  # times the share below
    mean = (counts * centres).sum() / counts.sum()
    both = below * (1 - below)
    between = np.divide((mean * below - mean_below) ** 2, both, out=np.zeros_like(both), where=both > 0)
    return edges[1:-1][between.argmax()]


def _box(mask):
    if not mask.any():
        return None
    rows, columns = find_objects(mask.astype(np.uint8))[0]
    return Box(rows.start, columns.start, rows.stop, columns.stop)
