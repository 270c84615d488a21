"""Concepts: does a class depend on something that people have a word for, such as stripes?

B. Kim et al., "Interpretability beyond feature attribution: quantitative testing with concept activation vectors
(TCAV)", 2018, section 3. Images that show the concept and others that do not are told apart by a linear classifier on
the features of a layer; its normal is the concept's vector. The score of the concept is the part of a class's images
whose score rises in that direction. Any two sets of images have such a vector, so the whole is repeated with other
random images, and compared with vectors between random images.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.network import Network
from ..classifiers.scores import one_hot
from .checks import check_features, check_images, check_labels, check_model, check_not_negative, check_whole
from .image_sets import check_image_set, features_of


@dataclass(frozen=True)
class ConceptTest:
    """Whether a class depends on a concept.

    Attributes
    ----------
    scores : ndarray (R,)
        For each run the part of the images whose class score rises towards the concept.
    control : ndarray (R,)
        The same for vectors between random images.
    accuracy : ndarray (R,)
        Of the classifiers, on images they were not fitted to. Near one half the layer does not know the concept, and
        the scores mean nothing.
    p_value : float
        Of Welch's t-test that both have the same mean, two-sided.
    vectors : ndarray (R, D)
        The concept's vectors, of length 1, for the layer's features as one row.
    """

    scores: np.ndarray
    control: np.ndarray
    accuracy: np.ndarray
    p_value: float
    vectors: np.ndarray


def concept_vector(features: Array, others: Array, *, l2: float = 0.01) -> Array:
    """The direction from other features to those of a concept: the normal of a logistic regression.

    Parameters
    ----------
    features, others : ndarray (N, D), ndarray (M, D)
        Features of images with and without the concept.
    l2 : float
        Weight decay, for features scaled to a mean square of 1.

    Returns
    -------
    ndarray (D,)
        Of length 1.

    Examples
    --------
    >>> features = rng.normal(size=(40, 3)) + np.array([5.0, 0, 0])
    >>> vector = concept_vector(features, rng.normal(size=(40, 3)))
    >>> bool(vector[0] > 0.9)
    True
    """
    op = "concept_vector"
    check_features(op, features)
    check_features(op, others, "others")
    check_not_negative(op, l2=l2)
    if features.shape[1] != others.shape[1]:
        raise ValueError(f"{op}: features have {features.shape[1]} columns, others {others.shape[1]}")
    w, _ = _logistic_regression(features, others, l2)
    length = np.linalg.norm(w)
    return w / length if length > 0 else w


def concept_test(
    X: Array,
    y: IntArray | int,
    model: Network,
    concept: Array,
    others: Array,
    *,
    layer: int | str = -4,
    runs: int = 10,
    l2: float = 0.01,
    batch_size: int = 64,
    rng: int | np.random.Generator | None = None,
    progress: bool | None = None,
) -> "ConceptTest":
    """TCAV: the part of a class's images whose score rises towards a concept, and whether chance would do the same.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images of the class, in model space.
    y : ndarray (N,) of int, or int
        The class whose score is meant, one for each image or one for all.
    model : Network
    concept : ndarray (P, 3, H, W)
        An image set that shows the concept, uint8 or in model space; some 30 or more.
    others : ndarray (Q, 3, H, W)
        An image set without it, to draw counterparts from; at least twice as many.
    layer : int or str
        Whose features; by default the last but one layer with maps of the shipped network. At the last one, which
        feeds global average pooling, the gradient is the same for all images, and each run's score 0 or 1.
    runs : int
        How often counterparts are drawn, at least 2.
    l2 : float
        Weight decay of the classifiers.
    batch_size : int
        Images at a time.
    rng : int or numpy.random.Generator, optional
        Draws the counterparts; a fixed seed by default.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    ConceptTest

    Notes
    -----
    ``score = part of the images with (gradient of the score to the layer) . vector > 0`` (section 3.3, equation 2). A
    third of the images in each run measures the classifier's accuracy.

    Examples
    --------
    >>> sets = np.random.default_rng(0).integers(0, 255, (40, 3, 64, 64), dtype=np.uint8)
    >>> result = concept_test(X, y, model, sets[:10], sets[10:], runs=2)
    >>> result.scores.shape, bool(0 <= result.p_value <= 1)
    ((2,), True)
    """
    op = "concept_test"
    check_model(op, model, X=X, y=y, concept=concept, others=others)
    check_images(op, X, model)
    check_image_set(op, concept, "concept")
    check_image_set(op, others, "others")
    check_whole(op, 2, runs=runs)
    check_not_negative(op, l2=l2)
    index, P = model.layer_index(layer), len(concept)
    if P < 6 or len(others) < 2 * P:
        raise ValueError(f"{op}: needs 6 images of the concept and twice as many others, got {P} and {len(others)}")
    y = check_labels(op, y, len(X), model)
    rng = np.random.default_rng(0 if rng is None else rng)

    gradients = _gradients_at(X, y, model, index, batch_size)  # (N, D)
    with_it, without = (features_of(images, index, model, batch_size=batch_size) for images in (concept, others))
    scores, control, accuracy, vectors = np.empty(runs), np.empty(runs), np.empty(runs), []
    for run in progress_bar(range(runs), progress=progress, desc="concept test", unit="run"):
        drawn = rng.permutation(len(others))[: 2 * P]
        vector, accuracy[run] = _fitted(with_it[rng.permutation(P)], without[drawn[:P]], l2)
        vectors.append(vector)
        chance, _ = _fitted(without[drawn[P:]], without[drawn[:P]], l2)
        scores[run], control[run] = ((gradients @ v > 0).mean() for v in (vector, chance))
    return ConceptTest(scores, control, accuracy, _p_value(scores, control), np.stack(vectors))


def _fitted(features, others, l2):
    """The vector from two thirds of the features, and the accuracy on the last third."""
    cut = -(-2 * len(features) // 3)
    w, b = _logistic_regression(features[:cut], others[:cut], l2)
    right = [(part @ w + b > 0) == there for part, there in ((features[cut:], True), (others[cut:], False))]
    return w / (np.linalg.norm(w) or 1), np.concatenate(right).mean()


def _logistic_regression(features, others, l2):
    """Weights (D,) and bias of the classifier that tells features (1) from others (0)."""
    A = np.concatenate([features, others]).astype(np.float64)
    sign = np.concatenate([np.ones(len(features)), -np.ones(len(others))])
    mean = A.mean(axis=0)
    scale = np.sqrt(((A - mean) ** 2).mean()) or 1.0
    A = (A - mean) / scale

    def loss(parameters):
        w, b = parameters[:-1], parameters[-1]
        margin = sign * (A @ w + b)
        push = -sign / (1 + np.exp(np.minimum(margin, 500))) / len(A)
        value = np.logaddexp(0, -margin).mean() + l2 / 2 * (w @ w)
        return value, np.append(A.T @ push + l2 * w, push.sum())

    found = minimize(loss, np.zeros(A.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 100}).x
    w = found[:-1] / scale
    return w, found[-1] - mean @ w


def _gradients_at(X, y, model, index, batch_size):
    """The gradient of each image's score to the features of a layer, as rows (N, D)."""
    rows = []
    for first in range(0, len(X), batch_size):
        part = slice(first, first + batch_size)
        A, _ = model.forward(X[part], end=index)
        scores, cache = model.forward(A, start=index + 1)
        rows.append(model.backward(one_hot(y[part], scores), cache)[0].reshape(len(A), -1))
    return np.concatenate(rows)


def _p_value(a, b):
    """Of Welch's t-test; 1 if both are constant and equal, 0 if constant and different."""
    from scipy.stats import t  # half a second to import, and few need it

    (u, v), (m, n) = (x.var(ddof=1) / len(x) for x in (a, b)), (len(a), len(b))
    if u + v == 0:
        return float(a.mean() == b.mean())
    freedom = (u + v) ** 2 / (u**2 / (m - 1) + v**2 / (n - 1))
    return float(2 * t.sf(abs(a.mean() - b.mean()) / np.sqrt(u + v), freedom))
