import numpy as np
import pytest

from pixelgrad.layers import check_projection
from pixelgrad.visualization import invert_features
from pixelgrad.visualization.inversion import invert_layers
from pixelgrad.visualization.total_variation import tv_beta_loss

PLAIN = {"blur_every": 0, "num_iterations": 1}


def objective(model, X, target, layer, l2_reg):
    feats, _ = model.forward(X, end=layer)
    return ((feats - target) ** 2).sum() / (target**2).sum() + l2_reg * (X**2).sum()


@pytest.mark.parametrize("layer", [0, "conv2", 2, 3])
def test_a_raw_step_goes_down_the_gradient_of_the_objective(model, images, layer):
    target, _ = model.forward(images[:1], end=layer)
    X, l2_reg = images[1:] * 0.9, 1e-6
    step = (
        invert_features(target, layer, model, X_init=X, normalize=False, learning_rate=1e-3, l2_reg=l2_reg, **PLAIN) - X
    )
    check_projection(lambda Z: objective(model, Z, target, layer, l2_reg), X, -step / 1e-3, h=1e-4, rtol=1e-3)


@pytest.mark.parametrize("beta", [1.5, 2.0, 3.0])
def test_total_variation_is_part_of_the_objective(beta, model, images):
    target, _ = model.forward(images[:1], end=1)
    X = images[1:] * 0.9 + np.random.default_rng(0).standard_normal(images[1:].shape)
    options = {"normalize": False, "learning_rate": 1e-3, "l2_reg": 0.0, "tv_weight": 1e-5, "tv_beta": beta}
    step = invert_features(target, 1, model, X_init=X, **options, **PLAIN) - X

    def with_variation(Z):
        return objective(model, Z, target, 1, 0.0) + tv_beta_loss(Z, 1e-5, beta)[0]

    check_projection(with_variation, X, -step / 1e-3, h=1e-4, rtol=1e-3)


def test_the_sweep_rebuilds_from_each_layer_as_one_by_one(model, images):
    built, loss = invert_layers(images, model, ["conv2", 0], num_iterations=5, l2_reg=1e-9)
    assert list(built) == list(loss) == ["conv2", "conv1"]
    for name, X in built.items():
        target, _ = model.forward(images, end=name)
        alone = invert_features(target, name, model, num_iterations=5, l2_reg=1e-9)
        np.testing.assert_allclose(X, alone, atol=1e-9)
        distance = ((model.forward(X, end=name)[0] - target) ** 2).sum(axis=(1, 2, 3)) / (target**2).sum(axis=(1, 2, 3))
        np.testing.assert_allclose(loss[name], distance)
    assert list(invert_layers(images, model, num_iterations=1)[0]) == model.layer_names


def test_features_the_image_already_has_leave_only_the_penalty(model, images):
    feats, _ = model.forward(images, end="conv2")
    same = invert_features(feats, "conv2", model, X_init=images, l2_reg=0, num_iterations=5)
    np.testing.assert_array_equal(same, images)
    smaller = invert_features(
        feats, "conv2", model, X_init=images, l2_reg=0.01, normalize=False, learning_rate=1.0, **PLAIN
    )
    np.testing.assert_allclose(smaller, images * (1 - 2 * 0.01), rtol=1e-10)


def test_the_loss_falls_and_the_photograph_comes_nearer(model, images):
    losses = []
    feats, _ = model.forward(images, end=0)
    X = invert_features(feats, 0, model, callback=lambda t, X, i: losses.append(i["loss"]))
    assert (losses[0] / losses[-1] > 5).all()
    assert np.abs(X - images).mean() < 0.95 * np.abs(images).mean()


def test_the_loss_is_one_where_all_features_are_zero(linear):
    """x = 0 has no features in a linear model, so that the distance to the target is the target itself."""
    losses = []
    target = np.array([[3.0, -1.0, 2.0, 0.5]])
    invert_features(
        target,
        0,
        linear,
        X_init=np.zeros((1, 3, 5, 6)),
        learning_rate=0.05,
        blur_every=0,
        callback=lambda t, X, i: losses.append(i["loss"]),
    )
    assert losses[0] == pytest.approx(1.0)
    assert losses[-1] < 1e-3


def test_images_do_not_influence_each_other(model, images):
    feats, _ = model.forward(images, end=1)
    X = images[::-1] * 0.5
    together = invert_features(feats, 1, model, X_init=X, num_iterations=5)
    alone = [invert_features(feats[i : i + 1], 1, model, X_init=X[i : i + 1], num_iterations=5)[0] for i in range(2)]
    np.testing.assert_allclose(together, alone, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    "option",
    [
        {"learning_rate": 3.0},
        {"normalize": False, "learning_rate": 3.0},
        {"num_iterations": 9},
        {"tv_weight": 1e-3},
        {"l2_reg": 1e-3},
        {"blur_every": 2},
        {"blur_every": 2, "blur_sigma": 2.0},
        {"rng": 9},
    ],
)
def test_every_option_has_an_effect(model, images, option):
    feats, _ = model.forward(images, end=1)
    base = invert_features(feats, 1, model, num_iterations=8, blur_every=4)
    other = invert_features(feats, 1, model, **({"num_iterations": 8, "blur_every": 4} | option))
    assert np.abs(base - other).max() > 1e-6


def test_features_of_a_dead_layer_do_no_harm(model, images):
    feats, _ = model.forward(images, end=1)
    assert np.isfinite(invert_features(0 * feats, 1, model, num_iterations=3)).all()


def test_arguments_stay_as_they_are(model, images):
    feats, _ = model.forward(images, end=1)
    kept, kept_X = feats.copy(), images.copy()
    invert_features(feats, 1, model, X_init=images, num_iterations=3)
    np.testing.assert_array_equal(feats, kept)
    np.testing.assert_array_equal(images, kept_X)


def test_features_that_do_not_fit_are_refused_with_both_shapes(model, images):
    feats, _ = model.forward(images, end=1)
    with pytest.raises(ValueError, match=r"conv1.*\(2, 6, 16, 18\).*\(2, 8, 16, 18\)"):
        invert_features(feats, 0, model)
    with pytest.raises(ValueError, match="0 conv1, 1 conv2"):
        invert_features(feats, "conv9", model)
    with pytest.raises(ValueError, match="learning_rate"):
        invert_features(feats, 1, model, normalize=False)
