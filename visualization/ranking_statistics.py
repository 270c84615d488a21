"""What the measurements of `ranking` amount to: means, differences, identical methods, and whether metrics agree.

Every method is measured on the same images, so methods are compared image by image: the interval of a mean difference
is narrower than those of the two means suggest. All intervals are from the bootstrap over images (B. Efron, "Bootstrap
methods: another look at the jackknife", 1979).
"""

import numpy as np

from .._typing import Array
from .checks import check_whole
from .ranking import BASELINES, METRICS


def summarise(values: Array, *, resamples: int = 2000, rng: int | np.random.Generator | None = None) -> tuple:
    """The mean over images, and a 95 % interval for it by the bootstrap (percentiles).

    Parameters
    ----------
    values : ndarray (N,)
        NaN counts as not measured. For a paired comparison, the differences of two methods on the same images.
    resamples : int
        How often N images are drawn from the N with replacement.
    rng : int or numpy.random.Generator, optional
        Draws them; a fixed seed by default, and then the same images for all methods.

    Returns
    -------
    mean, low, high : float
        NaN if nothing was measured.

    Examples
    --------
    >>> summarise(np.array([2.0, 2.0, 2.0]))
    (2.0, 2.0, 2.0)
    """
    check_whole("summarise", 1, resamples=resamples)
    values = np.asarray(values, dtype=np.float64)
    values = values[~np.isnan(values)]
    if not len(values):
        return (float("nan"),) * 3
    rng = np.random.default_rng(0 if rng is None else rng)
    means = values[rng.integers(len(values), size=(resamples, len(values)))].mean(axis=1)
    return float(values.mean()), *(float(q) for q in np.quantile(means, (0.025, 0.975)))


def verdict(column, difference):
    """Whether a paired difference (mean, low, high) is for the better: 1, for the worse: -1, or not clear: 0."""
    _, low, high = difference
    return METRICS[column].better * (int(low > 0) - int(high < 0))


def identical_methods(measured: dict[str, dict[str, Array]], *, tolerance: float = 0.001) -> "list[list[str]]":
    """Methods whose maps get the same numbers image by image: different names for one map.

    Parameters
    ----------
    measured : dict of str to dict of str to ndarray (N,)
        {method: {metric: a value for each image}}, NaN where nothing was measured. Costs are not compared.
    tolerance : float
        How far two values may differ. On one image in a hundred they may differ by more: rounding can exchange two
        pixels that are nearly equal.

    Returns
    -------
    list of list of str
        All methods in groups, both in the order in which they came; a method like no other is a group of its own.

    Examples
    --------
    >>> road = {"cam": np.ones(2), "lrp": np.zeros(2), "hires_cam": np.ones(2)}
    >>> identical_methods({name: {"road": values} for name, values in road.items()})
    [['cam', 'hires_cam'], ['lrp']]
    """
    groups: list[list[str]] = []
    for name, row in measured.items():
        for group in groups:
            first = measured[group[0]]
            columns = [column for column in METRICS if column != "seconds" and column in row and column in first]
            same = [np.isclose(row[c], first[c], rtol=0, atol=tolerance, equal_nan=True) for c in columns]
            if columns and np.logical_and.reduce(same).mean() >= 0.99:
                group.append(name)
                break
        else:
            groups.append([name])
    return groups


def agreement(
    measured: dict[str, dict[str, Array]], *, resamples: int = 1000, rng: int | np.random.Generator | None = None
) -> "dict[tuple[str, str], tuple[float, float, float]]":
    """How far metrics order methods alike: Spearman's rank correlation of each pair of metrics that have a better end.

    Parameters
    ----------
    measured : dict of str to dict of str to ndarray (N,)
        {method: {metric: a value for each image}}, the same images for all methods; NaN where nothing was measured.
    resamples : int
        How often images are drawn with replacement: the correlation is of means over images, and other images would
        give others.
    rng : int or numpy.random.Generator, optional
        Draws them; a fixed seed by default.

    Returns
    -------
    dict of (str, str) to (float, float, float)
        By the names of two metrics, the correlation and its 95 % interval: 1 if both put the methods in the same order
        from good to bad. Identical methods count once, and maps that know nothing do not count.

    Examples
    --------
    >>> rows = {"lrp": {"insertion": 0.5, "deletion": 0.1}, "rise": {"insertion": 0.4, "deletion": 0.2}}
    >>> agreement({name: {c: np.full(3, v) for c, v in row.items()} for name, row in rows.items()})
    {('insertion', 'deletion'): (1.0, 1.0, 1.0)}
    """
    check_whole("agreement", 1, resamples=resamples)
    rng = np.random.default_rng(0 if rng is None else rng)
    names = [group[0] for group in identical_methods(measured) if group[0] not in BASELINES]
    values = {
        column: np.array([measured[name][column] for name in names], dtype=np.float64)  # (M, N)
        for column, metric in METRICS.items()
        if metric.better and names and all(column in measured[name] for name in names)
    }
    there = {column: np.all(np.isfinite(array), axis=0) for column, array in values.items()}
    values = {column: array for column, array in values.items() if there[column].any()}
    counts = _drawn([there[column] for column in values], resamples, rng)  # (R, N), how often each image was drawn
    ranks = {}
    for column, array in values.items():
        weights = np.vstack([np.ones(counts.shape[1]), counts])[:, there[column]]  # first the images as they are
        total = np.maximum(weights.sum(axis=1, keepdims=True), 1)
        means = weights @ array[:, there[column]].T / total  # (1 + R, M)
        ranks[column] = _standardised_ranks(METRICS[column].better * means)
    pairs, columns = {}, list(ranks)
    for i, a in enumerate(columns):
        for b in columns[i + 1 :]:
            correlation = (ranks[a] * ranks[b]).sum(axis=1)
            low, high = np.quantile(correlation[1:], (0.025, 0.975))
            pairs[a, b] = round(float(correlation[0]), 10), round(float(low), 10), round(float(high), 10)
    return pairs


def _drawn(there, resamples, rng):
    """How often each image is drawn (R, N): N in all, and always as many from those that all metrics have."""
    if not there:
        return np.zeros((resamples, 0))
    all_have = np.logical_and.reduce(there)
    counts = np.zeros((resamples, len(all_have)))
    for part in (np.flatnonzero(all_have), np.flatnonzero(~all_have)):
        if len(part):
            drawn = rng.integers(len(part), size=(resamples, len(part)))
            np.add.at(counts, (np.arange(resamples)[:, None], part[drawn]), 1)
    return counts


def _standardised_ranks(values):
    """The ranks in each row (R, M), with mean 0 and norm 1, so that products add up to correlations; 0 if all tie."""
    from scipy.stats import rankdata  # half a second to import, and few need it

    ranks = rankdata(values.round(12), axis=1)
    ranks = ranks - ranks.mean(axis=1, keepdims=True)
    norm = np.sqrt((ranks**2).sum(axis=1, keepdims=True))
    return np.divide(ranks, norm, out=np.zeros_like(ranks), where=norm > 0)
