"""What the shipped network must do on TinyImageNet's validation images; needs the data set."""

import numpy as np
import pytest

from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.datasets import load_tiny_imagenet
from pixelgrad.visualization.adversarial import attack


@pytest.mark.slow
def test_attacks_succeed_on_95_of_100_images_with_8_grey_levels(shared_data, tmp_path_factory):
    data = load_tiny_imagenet(shared_data("tiny-imagenet-100-A.zip"), cache_dir=tmp_path_factory.mktemp("cache"))
    model, rng = PretrainedCNN(), np.random.default_rng(0)
    X = model.preprocess(data["X_val"].transpose(0, 2, 3, 1))
    right = np.flatnonzero(model.scores(X).argmax(axis=1) == data["y_val"])
    chosen = rng.choice(right, 100, replace=False)
    y = data["y_val"][chosen]
    target = (y + rng.integers(1, 100, 100)) % 100
    result = attack(X[chosen], target, model, targeted=True, max_iterations=100, eps=3.5)
    assert np.all(result.l2 <= 3.5 + 1e-3) and np.all(result.steps <= 100)
    assert result.fooled.sum() >= 95 and result.fooled_as_png.sum() >= 95
