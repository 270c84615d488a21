"""Adversarial training: inside the radius, inside the pixel bounds, and plain training where the radius is 0."""

import numpy as np
import pytest

from pixelgrad.classifiers import Adversary, Augmentation, Network, Solver, evaluate
from pixelgrad.classifiers.adversary import direction, length, project, random_in_ball
from pixelgrad.layers import softmax_loss

ARCHITECTURE = [
    {"type": "conv", "filters": 6, "size": 3, "stride": 2, "pad": 1, "bias": False, "batchnorm": True},
    {"type": "global_avg_pool"},
    {"type": "affine", "units": 4},
]


def network(seed=0):
    model = Network(ARCHITECTURE, input_size=(9, 12), pixel_mean=(120, 110, 100), pixel_std=(60, 50, 70), rng=seed)
    rng = np.random.default_rng(seed)
    model.params["W2"] = rng.standard_normal(model.params["W2"].shape).astype(np.float32)
    return model


def batch(model, N=5, size=(9, 12), seed=1):
    rng = np.random.default_rng(seed)
    return model.preprocess(rng.integers(0, 256, (N, *size, 3), dtype=np.uint8)), rng.integers(0, 4, N)


def loss_of(y):
    return lambda scores: softmax_loss(scores, y)


def change_in_pixels(model, X, moved):
    """In units where pixels are 0..1."""
    lo, hi = model.bounds(X)
    return ((moved - X) / (hi - lo)).astype(np.float64)


def loss(model, X, y):
    return softmax_loss(model.scores(X), y)[0]


@pytest.mark.parametrize("norm, eps", [("l2", 0.7), ("linf", 0.03)])
@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize("random_start", [True, False])
def test_changes_stay_in_the_ball_and_in_the_bounds_and_raise_the_loss(norm, eps, steps, random_start):
    model = network()
    X, y = batch(model)
    moved = Adversary(eps, steps, norm=norm, random_start=random_start).perturb(X, loss_of(y), model)
    size = length(change_in_pixels(model, X, moved), norm)
    assert np.all(size <= eps * (1 + 1e-5)) and np.all(size > 0.3 * eps)
    lo, hi = model.bounds(X)
    assert np.all(moved >= lo) and np.all(moved <= hi) and moved.dtype == X.dtype
    assert loss(model, moved, y) > loss(model, X, y) + 1e-3


def test_more_steps_raise_the_loss_more_and_random_changes_hardly():
    model = network()
    X, y = batch(model, N=20)
    rises = [loss(model, Adversary(1.0, steps).perturb(X, loss_of(y), model), y) for steps in (1, 10)]
    noise = random_in_ball(X.shape, "l2", 1.0, np.random.default_rng(0)).astype(np.float32)
    lo, hi = model.bounds(X)
    noisy = loss(model, np.clip(X + (hi - lo) * noise, lo, hi), y)
    before = loss(model, X, y)
    assert rises[1] >= rises[0] > before and abs(noisy - before) < 0.3 * (rises[0] - before)


def test_one_l2_step_without_random_start_goes_along_the_gradient():
    """In units of 0..1, whatever the standard deviations of the channels."""
    model = network()
    images = np.full((2, 9, 12, 3), 128, dtype=np.uint8)  # far from black and white: nothing is clipped
    X, y = model.preprocess(images), np.array([0, 3])
    scores, cache = model.forward(X)
    dX, _ = model.backward(softmax_loss(scores, y)[1], cache)
    lo, hi = model.bounds(X)
    moved = Adversary(0.4, random_start=False).perturb(X, loss_of(y), model)
    change, along = change_in_pixels(model, X, moved), dX * (hi - lo)
    for mine, gradient in zip(change, along):
        np.testing.assert_allclose(mine, 0.4 * gradient / np.linalg.norm(gradient), atol=1e-5)


def test_what_a_bound_takes_away_is_free_for_other_pixels():
    """Half of the pixels are white and cannot become brighter: the rest takes the whole radius."""
    model = network()
    images = np.full((3, 9, 12, 3), 128, dtype=np.uint8)
    images[:, :, ::2] = 255
    X, y = model.preprocess(images), np.array([0, 1, 3])
    moved = Adversary(0.5, 20).perturb(X, loss_of(y), model)
    np.testing.assert_allclose(length(change_in_pixels(model, X, moved), "l2"), 0.5, rtol=0.01)


def test_a_radius_of_zero_returns_the_images_themselves():
    model = network()
    X, y = batch(model)
    assert Adversary(0.0, 3).perturb(X, loss_of(y), model) is X


def test_an_l2_radius_shrinks_with_the_side_of_a_crop_and_a_linf_radius_does_not():
    model = network()
    assert Adversary(1.0).radius(model, (7, 3, 9, 12)) == 1
    assert Adversary(1.0).radius(model, (7, 3, 3, 4)) == pytest.approx(1 / 3)
    assert Adversary(1.0, norm="linf").radius(model, (7, 3, 3, 4)) == 1


@pytest.mark.parametrize("statistics", ["running", "batch"])
def test_model_images_and_running_averages_are_unchanged(statistics):
    model = network()
    X, y = batch(model)
    params, X_before = {name: value.copy() for name, value in model.params.items()}, X.copy()
    names = list(model.params)
    moved = Adversary(0.5, 2, statistics=statistics).perturb(X, loss_of(y), model)
    assert list(model.params) == names and all(np.array_equal(model.params[n], params[n]) for n in names)
    assert np.array_equal(X, X_before) and not np.array_equal(moved, X)


def test_every_option_changes_the_result():
    model = network()
    X, y = batch(model)

    def run(rng=0, **options):
        return Adversary(**{"eps": 0.5} | options).perturb(X, loss_of(y), model, rng=rng)

    base = run()
    assert np.array_equal(base, run())
    changes = {"eps": 0.6, "steps": 2, "step_size": 0.1, "norm": "linf", "random_start": False, "statistics": "batch"}
    others = [run(rng=1), *(run(**{name: value}) for name, value in changes.items())]
    assert not any(np.array_equal(base, other) for other in others)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"norm": "l1"}, "norm must be l2 or linf, got 'l1'"),
        ({"statistics": "all"}, "statistics must be running or batch"),
        ({"eps": -1.0}, "eps must be a number, 0 or above"),
        ({"eps": float("nan")}, "eps must be a number, 0 or above"),
        ({"steps": 0}, "steps must be a whole number"),
        ({"steps": 1.5}, "steps must be a whole number"),
        ({"step_size": 0.0}, "step_size must be a number above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Adversary(**options)


def test_geometry():
    rng = np.random.default_rng(0)
    change = rng.standard_normal((4, 3, 5, 6))
    assert np.allclose(length(direction(change, "l2"), "l2"), 1) and np.all(direction(0 * change, "l2") == 0)
    assert np.allclose(length(project(change, "l2", 0.3), "l2"), 0.3)
    assert np.array_equal(project(change, "l2", 100), change)
    assert length(project(change, "linf", 0.2), "linf").max() == 0.2
    for norm in ("l2", "linf"):
        sizes = length(random_in_ball((500, 1, 1, 2), norm, 2.0, rng), norm)
        assert sizes.max() <= 2 and 0.2 < np.mean(sizes < 1) < 0.3  # of a disc's, or a square's, area


# -- in training -------------------------------------------------------------------------------------------------------


def data(N=22, val=6):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (N + val, 3, 9, 12), dtype=np.uint8), rng.integers(0, 4, N + val)
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


def solver(**options):
    options = {"batch_size": 4, "num_epochs": 2, "augmentation": Augmentation(pad=1, cutmix=0.5)} | options
    return Solver(network(), data(), **options)


def same(a, b):
    return all(np.array_equal(a.params[name], b.params[name]) for name in a.params)


def test_radius_zero_is_plain_training_bit_for_bit():
    plain, zero, attacked = solver(), solver(adversary=Adversary(0.0)), solver(adversary=Adversary(0.5))
    for s in (plain, zero, attacked):
        s.train()
    assert same(plain.model, zero.model) and not same(plain.model, attacked.model)


def test_an_interrupted_training_goes_on_bit_for_bit(tmp_path, monkeypatch):
    options = {"adversary": Adversary(0.5, 2), "average": 0.9}
    whole = solver(**options)
    whole.train()
    step = Solver._train_step

    def interrupted(self, indices):
        if self.step == 7:
            raise KeyboardInterrupt
        step(self, indices)

    first = solver(checkpoint=tmp_path / "c.h5", **options)
    monkeypatch.setattr(Solver, "_train_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        first.train()
    monkeypatch.setattr(Solver, "_train_step", step)
    second = solver(checkpoint=tmp_path / "c.h5", **options)
    second.resume()
    second.train()
    assert same(whole.model, second.model) and same(whole.trained, second.trained)
    assert not same(second.model, second.trained)
    other = solver(checkpoint=tmp_path / "c.h5", adversary=Adversary(0.6, 2), average=0.9)
    with pytest.raises(ValueError, match=r"other settings \(adversary\)"):
        other.resume()


def test_averages_are_those_of_the_definition_and_are_what_is_evaluated(monkeypatch):
    seen, take = [], Solver._take_step

    def watched(self, indices):
        take(self, indices)
        seen.append({name: value.copy() for name, value in self.model.params.items()})

    monkeypatch.setattr(Solver, "_take_step", watched)
    s = solver(average=0.6)
    history = s.train()
    for name, value in s.trained.params.items():
        average = seen[0][name]
        for t, params in enumerate(seen[1:], 1):
            decay = min(0.6, (1 + t) / (10 + t))
            average = decay * average + (1 - decay) * params[name]
        np.testing.assert_allclose(value, average, rtol=1e-4, atol=1e-6)
    scores = s.trained.scores(s.trained.preprocess(s.data["X_val"].transpose(0, 2, 3, 1)))
    assert history[-1]["val_top1"] == np.mean(scores.argmax(axis=1) == s.data["y_val"])
    assert solver().trained.params is not None and solver(average=0.0).train() is not None
    with pytest.raises(ValueError, match="average is a decay"):
        solver(average=1.0)


def test_robust_accuracy_is_that_of_the_attacked_images():
    model, d = network(), data()
    plain = evaluate(model, d["X_train"], d["y_train"], batch_size=8)
    adversary = Adversary(1.5, 5)
    attacked = evaluate(model, d["X_train"], d["y_train"], batch_size=8, adversary=adversary)
    assert attacked.loss > plain.loss + 0.1 and attacked.top1 <= plain.top1
    rng, scores = np.random.default_rng(0), []
    for n in range(0, 22, 8):
        X, y = model.preprocess(d["X_train"][n : n + 8].transpose(0, 2, 3, 1)), d["y_train"][n : n + 8]
        scores.append(model.scores(adversary.perturb(X, loss_of(y), model, rng=rng)))
    np.testing.assert_allclose(attacked.scores, np.concatenate(scores), rtol=1e-5, atol=1e-6)
    other = evaluate(model, d["X_train"], d["y_train"], batch_size=8, adversary=adversary, rng=1)
    assert not np.array_equal(other.scores, attacked.scores)
