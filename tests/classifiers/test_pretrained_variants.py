"""The two shipped networks: the same data and architecture, other weights."""

from functools import partial

import numpy as np
import pytest

from pixelgrad.classifiers import Adversary, PretrainedCNN, evaluate
from pixelgrad.datasets import SHIPPED, load_tiny_imagenet, sample_image, shipped_weights
from pixelgrad.layers import softmax_loss


def test_both_are_there_and_differ_in_their_weights_only():
    standard, robust = (PretrainedCNN(variant=variant) for variant in SHIPPED)
    assert standard.architecture == robust.architecture and standard.class_names == robust.class_names
    assert np.array_equal(standard.pixels.mean_image, robust.pixels.mean_image)
    assert not np.allclose(standard.params["W1"], robust.params["W1"])
    assert "--adversarial-eps" in robust.provenance["command"]
    assert "--adversarial-eps" not in standard.provenance["command"]
    assert np.array_equal(PretrainedCNN().params["W1"], standard.params["W1"])


def test_both_files_are_small():
    sizes = [shipped_weights(variant).stat().st_size for variant in SHIPPED]
    assert max(sizes) <= 4 * 2**20 and sum(sizes) <= 8 * 2**20


def test_a_small_change_moves_the_standard_network_more():
    """Of the photograph that both recognise, an attack takes more of the standard network's certainty."""
    drops = {}
    for variant in SHIPPED:
        model = PretrainedCNN(variant=variant)
        X = model.preprocess(sample_image("portrait", size=64))
        y = model.scores(X).argmax(axis=1)

        moved = Adversary(2.0, 10).perturb(X, partial(softmax_loss, y=y), model)
        drops[variant] = model.probabilities(X)[0, y[0]] / model.probabilities(moved)[0, y[0]]
    assert drops["standard"] > 100 and drops["robust"] < 4


def test_what_makes_no_sense_is_refused(tmp_path):
    with pytest.raises(ValueError, match="variant must be one of 'standard', 'robust', got 'strong'"):
        PretrainedCNN(variant="strong")
    with pytest.raises(ValueError, match="not both"):
        PretrainedCNN(tmp_path / "w.h5", variant="robust")
    with pytest.raises(ValueError, match="variant must be one of standard, robust"):
        shipped_weights("strong")


@pytest.mark.slow
def test_the_accuracies_that_the_files_claim(shared_data):
    data = load_tiny_imagenet(shared_data("tiny-imagenet-100-A.zip"))
    adversary = Adversary(1.0, 10)
    some = slice(0, None, 10)
    for variant in SHIPPED:
        model = PretrainedCNN(variant=variant)
        plain = evaluate(model, data["X_val"], data["y_val"])
        assert abs(plain.top1 - model.provenance["val_top1"]) < 0.002
        attacked = evaluate(model, data["X_val"][some], data["y_val"][some], adversary=adversary).top1
        assert attacked > 0.2 if variant == "robust" else attacked < 0.1
