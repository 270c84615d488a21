"""Not finite is an error, at the door and in what is returned, and NumPy's raw warnings are never all that is said."""

import warnings

import numpy as np
import pytest

from pixelgrad.visualization import (
    compute_saliency_maps,
    content_loss,
    create_class_visualization,
    grad_cam,
    gram_matrix,
    gram_matrix_backward,
    invert_features,
    nearest_neighbours,
    pca,
    segment_object,
    style_loss,
    tsne,
    tv_beta_loss,
    tv_loss,
)
from pixelgrad.visualization.checks import check_not_negative, check_positive
from pixelgrad.visualization.plots import plot_saliency

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(30, 5))
FEATS = RNG.normal(size=(1, 3, 4, 5))
GRAM = gram_matrix(FEATS)

SPOILT = {
    "tsne": lambda bad: tsne(POINTS * bad, perplexity=5, num_iterations=5),
    "pca": lambda bad: pca(POINTS * bad),
    "content_loss": lambda bad: content_loss(1.0, FEATS * bad, FEATS),
    "content_loss of the original": lambda bad: content_loss(1.0, FEATS, FEATS * bad),
    "gram_matrix": lambda bad: gram_matrix(FEATS * bad),
    "gram_matrix_backward": lambda bad: gram_matrix_backward(GRAM, FEATS * (bad * 1e200)),
    "style_loss": lambda bad: style_loss({0: FEATS * bad}, [0], [GRAM], [1.0]),
    "style_loss of the target": lambda bad: style_loss({0: FEATS}, [0], [GRAM * bad], [1.0]),
    "tv_loss": lambda bad: tv_loss(FEATS * bad, 1.0),
    "tv_beta_loss": lambda bad: tv_beta_loss(FEATS * bad, 1.0, 3.0),
    "segment_object": lambda bad: segment_object(np.zeros((4, 5, 3), np.uint8), FEATS[0, 0] * bad),
    "plot_saliency": lambda bad: plot_saliency(np.zeros((1, 4, 5, 3), np.uint8), FEATS[0, :1] * (bad * 1e200)),
}


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
@pytest.mark.parametrize("call", SPOILT)
def test_numbers_that_are_not_finite_or_too_large_are_refused(call, bad):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"holds NaN or infinity \(first at|has no room for their powers"):
            SPOILT[call](bad)


def test_a_step_too_large_is_said_by_tsne():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"no longer finite after step \d+; take a smaller learning_rate"):
            tsne(POINTS, perplexity=5, num_iterations=50, learning_rate=1e300)


def test_a_penalty_too_large_is_said(model):
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="NaN; a learning rate, or the weight of a penalty"):
        create_class_visualization(1, model.astype(np.float32), l2_reg=1e38, num_iterations=3)


def test_targets_too_large_are_refused_by_inversion(model, images):
    feats, _ = model.forward(images, end=0)
    with pytest.raises(ValueError, match="target_feats holds numbers up to"):
        invert_features(feats * 1e160, 0, model, num_iterations=2)


def test_distances_too_large_are_refused(model, images):
    X = np.full_like(images, 1e200)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="the distances holds NaN or infinity"):
        nearest_neighbours(X, images, None, model, count=1)


@pytest.mark.parametrize("technique", [compute_saliency_maps, grad_cam])
def test_a_parameter_that_is_not_finite_is_named_by_the_techniques(technique, model, images):
    spoilt = model.with_params({**model.params, "gamma2": model.params["gamma2"] * np.nan})
    with pytest.raises(ValueError, match="layer conv2 is not finite: parameter gamma2 holds NaN"):
        technique(images, 1, spoilt)


@pytest.mark.parametrize("check", [check_positive, check_not_negative])
@pytest.mark.parametrize("value", [np.nan, np.inf, -1, "0.5", None, True, [1]])
def test_numbers_are_checked_for_their_kind_too(check, value):
    with pytest.raises(ValueError, match="op: rate must .*, and a finite number; got"):
        check("op", rate=value)
