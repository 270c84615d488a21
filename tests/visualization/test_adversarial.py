"""Attacks: exact steps on a linear network, limits that hold, honest reports."""

import io

import numpy as np
import pytest
from PIL import Image

from pixelgrad.visualization.adversarial import (
    attack,
    defend,
    fgsm,
    pgd,
    project,
    random_change,
    random_control,
    size_of,
)
from pixelgrad.visualization.black_box import METHODS, black_box_attack, of_network


class Scored:
    """The linear network, which has no batched scores of its own, made a network in full."""

    def __init__(self, linear):
        self.linear = linear

    def __getattr__(self, name):
        return getattr(self.linear, name)

    def scores(self, X):
        return self.forward(X)[0]

    def deprocess(self, X):
        return np.rint(np.clip(X + 100, 0, 255)).astype(np.uint8).transpose(0, 2, 3, 1)

    def preprocess(self, pictures):
        return pictures.transpose(0, 3, 1, 2).astype(np.float64) - 100


@pytest.fixture
def flat(linear):
    return Scored(linear)


@pytest.fixture
def X(linear):
    return np.random.default_rng(0).uniform(-40, 60, (3, 3, 5, 6))


def grey(levels, X, norm="l2"):
    """The size of a change by so many grey levels, on average or the largest, where pixels go from 0 to 1."""
    return levels / 255 * (np.sqrt(X[0].size) if norm == "l2" else 1)


def seen(model, X):
    return model.scores(X).argmax(axis=1)


# -- sizes and projections --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_projection_is_within_the_limit_nearest_and_leaves_alone_what_is_within(norm):
    change = np.random.default_rng(0).standard_normal((4, 3, 5, 6)) * np.array([0.1, 1, 5, 20])[:, None, None, None]
    projected = project(change, norm, 1.5)
    assert np.all(size_of(projected, norm) <= 1.5 + 1e-12)
    within = size_of(change, norm) <= 1.5
    assert within.any() and not within.all()
    np.testing.assert_array_equal(projected[within], change[within])
    np.testing.assert_allclose(size_of(projected[~within], norm), 1.5)
    if norm == "l2":
        np.testing.assert_allclose(projected[3] / change[3], (projected[3] / change[3]).flat[0])
    else:
        np.testing.assert_array_equal(projected, np.clip(change, -1.5, 1.5))


def test_sizes_by_hand_and_random_changes_of_a_size():
    change = np.array([[3.0, -4.0, 0, 0], [1, 1, 1, 1]])
    np.testing.assert_allclose(size_of(change, "l2"), [5, 2])
    np.testing.assert_allclose(size_of(change, "linf"), [4, 1])
    for norm in ("l2", "linf"):
        random = random_change((2, 3, 8, 9), np.random.default_rng(0), norm, 2.5)
        np.testing.assert_allclose(size_of(random, norm), 2.5)
        assert abs(random.mean()) < 0.5


# -- exact steps ------------------------------------------------------------------------------------------------------


def test_fgsm_is_one_step_of_the_sign_and_loses_the_margin_it_must(flat, X):
    y = seen(flat, X)
    result = fgsm(X, y, flat, eps=2 / 255)
    scores = flat.scores(X)
    rival = np.argsort(-scores, axis=1)[:, 1]
    n = np.arange(3)
    slope = (flat.W[..., rival] - flat.W[..., y]).transpose(3, 0, 1, 2)
    np.testing.assert_allclose(result.X, X + 2 * np.sign(slope))
    np.testing.assert_allclose(result.linf, 2 / 255) and np.testing.assert_array_equal(result.steps, 1)
    before, after = result.trace["margin"]
    np.testing.assert_allclose(before, scores[n, rival] - scores[n, y])
    reached = flat.scores(result.X)
    assert np.all(after >= before) and after[0] == pytest.approx(np.delete(reached[0], y[0]).max() - reached[0, y[0]])


def test_an_l2_step_goes_along_the_margins_gradient_by_the_step_size(flat, X):
    result = attack(X, seen(flat, X), flat, max_iterations=1, step_size=0.07)
    np.testing.assert_allclose(result.l2, 0.07)
    np.testing.assert_allclose(result.rms, 255 * 0.07 / np.sqrt(90))
    targeted = attack(X, 2, flat, targeted=True, max_iterations=1, step_size=0.001)
    scores = flat.scores(X)
    for n in np.flatnonzero(seen(flat, X) != 2):
        slope = flat.W[..., 2] - flat.W[..., np.argmax(np.where(np.arange(4) == 2, -np.inf, scores[n]))]
        expected = 255 * 0.001 * slope / np.linalg.norm(slope)
        np.testing.assert_allclose((targeted.X - X)[n], expected, rtol=1e-9, atol=1e-12)


# -- on a network -----------------------------------------------------------------------------------------------------


def test_it_fools_and_tells_the_truth_about_it(model, images):
    y, kept = seen(model, images), images.copy()
    target = (y + 1) % 5
    for result, fooled in (
        (attack(images, y, model), lambda k: k != y),
        (attack(images, target, model, targeted=True), lambda k: k == target),
    ):
        assert result.fooled.all() and result.reason == ["fooled"] * 2
        np.testing.assert_array_equal(result.predicted, seen(model, result.X))
        assert fooled(result.predicted).all()
        lo, hi = model.bounds(images)
        assert np.all(result.X >= lo) and np.all(result.X <= hi)
        change = result.X - images  # one grey level is one unit here
        np.testing.assert_allclose(result.l2, np.sqrt((change**2).sum(axis=(1, 2, 3))) / 255)
        np.testing.assert_allclose(result.rms, np.sqrt((change**2).mean(axis=(1, 2, 3))))
        np.testing.assert_allclose(result.linf, abs(change).max(axis=(1, 2, 3)) / 255)
        png = model.preprocess(model.deprocess(result.X))
        np.testing.assert_array_equal(result.fooled_as_png, fooled(seen(model, png)))
        assert result.trace["margin"].shape == result.trace["probability"].shape == (result.steps.max() + 1, 2)
        assert np.all(result.trace["margin"][0] <= 0) and np.all(result.trace["margin"][-1] > 0)
    np.testing.assert_array_equal(images, kept)


def test_what_is_done_stays_as_it_is_and_a_batch_is_its_images_one_by_one(model, images):
    y = seen(model, images)
    together = attack(images, y, model, confidence=0.9)
    assert together.steps[0] != together.steps[1]
    for n in range(2):
        alone = attack(images[n : n + 1], y[n : n + 1], model, confidence=0.9)
        np.testing.assert_allclose(alone.X[0], together.X[n], rtol=1e-9, atol=1e-9)
        assert alone.steps[0] == together.steps[n]


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_limits_hold_and_the_reason_says_so(norm, model, images):
    y, eps, step = seen(model, images), grey(0.05, images, norm), grey(0.02, images, norm)
    assert not attack(images, y, model, norm=norm, eps=grey(1e-3, images, norm)).fooled.any()
    for at_limit in ("project", "stop"):
        result = attack(images, y, model, norm=norm, eps=eps, step_size=step, at_limit=at_limit, confidence=0.999)
        assert np.all(getattr(result, norm) <= eps + 1e-9)
        assert result.reason == ["at the limit"] * 2
        assert (result.steps < 100).all() == (at_limit == "stop")
    short = attack(images, y, model, norm=norm, max_iterations=1, step_size=grey(1e-4, images, norm))
    assert short.reason == ["out of steps"] * 2 and not short.fooled.any()


def test_a_change_of_exactly_the_limit_is_permitted_in_float32_too(model, images):
    model, X = model.astype(np.float32), images.astype(np.float32)
    options = {"norm": "linf", "eps": 2 / 255, "step_size": 1 / 255, "confidence": 1.0}
    result = attack(X, seen(model, X), model, at_limit="stop", max_iterations=5, **options)
    assert list(result.steps) == [2, 2] and result.reason == ["at the limit"] * 2


def test_confidence_is_reached(model, images):
    y = seen(model, images)
    target = (y + 2) % 5
    sure = attack(images, target, model, targeted=True, confidence=0.95, max_iterations=500)
    assert np.all(sure.trace["probability"][-1] >= 0.95)
    away = attack(images, y, model, confidence=0.95)
    assert np.all(away.trace["probability"][-1] <= 0.05)
    assert np.all(away.l2 > attack(images, y, model).l2)


def test_pgd_starts_at_random_within_its_limit_and_repeats_by_seed(model, images):
    y = seen(model, images)
    a, b, c = (pgd(images, y, model, eps=2 / 255, rng=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a.X, b.X)
    assert not np.array_equal(a.X, c.X) and np.all(a.linf <= 2 / 255 + 1e-9)
    start = attack(images, y, model, norm="linf", max_iterations=0, random_start=1 / 255)
    np.testing.assert_allclose(abs(start.X - images).max(axis=(1, 2, 3)), 1)
    wide = attack(images, y, model, norm="linf", max_iterations=0, random_start=0.02, eps=0.002)
    assert np.all(wide.linf <= 0.002 + 1e-12)


def test_from_noise_and_with_callback(model):
    X = np.random.default_rng(0).standard_normal((1, 3, 32, 36))
    calls = []
    result = attack(X, 3, model, targeted=True, callback=lambda t, X, info: calls.append((t, X.copy(), info)))
    assert result.fooled.all() and [t for t, *_ in calls] == list(range(result.steps[0] + 1))
    np.testing.assert_array_equal(calls[0][1], X) and np.testing.assert_array_equal(calls[-1][1], result.X)
    assert calls[-1][2]["fooled"].all() and not calls[0][2]["fooled"].any()


def test_the_random_control_is_as_large_as_the_attack(model, images):
    result = attack(images, seen(model, images), model, confidence=0.9)
    for norm in ("l2", "linf"):
        control = random_control(result, images, model, norm=norm)
        size = size_of((control - images) / 255, norm)
        assert np.all(size <= getattr(result, norm) + 1e-9) and np.all(size > 0.8 * getattr(result, norm))
    assert not np.array_equal(control, random_control(result, images, model, norm=norm, rng=1))


def test_defences_are_what_they_say(model, images):
    pictures = model.deprocess(images)
    from scipy.ndimage import gaussian_filter

    np.testing.assert_allclose(defend(images, model, "blur", 1.2), gaussian_filter(images, (0, 0, 1.2, 1.2)))
    few = model.deprocess(defend(images, model, "grey_levels", 4))
    assert set(np.unique(few)) <= {0, 85, 170, 255}
    assert abs(few.astype(int) - pictures).max() <= 43
    with io.BytesIO() as file:
        Image.fromarray(pictures[1]).save(file, "JPEG", quality=30)
        expected = np.asarray(Image.open(file))
    np.testing.assert_array_equal(model.deprocess(defend(images, model, "jpeg", 30))[1], expected)
    for method, weak, strong in (("blur", 0.1, 3), ("grey_levels", 256, 3), ("jpeg", 95, 5)):
        changes = [np.abs(defend(images, model, method, s) - images).mean() for s in (weak, strong)]
        assert changes[0] < changes[1]


@pytest.mark.parametrize(
    "options, fragment",
    [
        ({"norm": "l1"}, "must be one of 'l2', 'linf'.*, got 'l1'"),
        ({"at_limit": "bounce"}, "'bounce'"),
        ({"eps": -1}, "eps must be above 0"),
        ({"eps": 8, "norm": "linf"}, "8 grey levels are 0.0314"),
        ({"step_size": 0}, "step_size must be above 0"),
        ({"confidence": 2}, "confidence is a probability"),
        ({"max_iterations": -1}, "max_iterations"),
        ({"random_start": -1}, "random_start"),
    ],
)
def test_bad_options(options, fragment, model, images):
    with pytest.raises(ValueError, match=f"attack: .*{fragment}"):
        attack(images, 1, model, **options)


def test_bad_classes_and_defences(model, images):
    with pytest.raises(ValueError, match="classes go from 0 to 4"):
        attack(images, 5, model)
    with pytest.raises(ValueError, match="'magic'"):
        defend(images, model, "magic", 1)
    for method, strength in (("grey_levels", 1), ("grey_levels", 300), ("jpeg", 96)):
        with pytest.raises(ValueError, match=f"defend: {method}"):
            defend(images, model, method, strength)


# -- black box --------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture(model, images):
    return model.deprocess(images)[0]


def test_the_hidden_network_answers_as_the_open_one(model, picture):
    predict = of_network(model)
    expected = model.probabilities(model.preprocess(picture))
    np.testing.assert_allclose(predict(picture[None].astype(float)), expected)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("targeted", [False, True])
def test_a_black_box_is_fooled_within_budget_and_limit(method, targeted, model, picture):
    predict, asked = of_network(model), []

    def counting(pictures):
        assert pictures.min() >= 0 and pictures.max() <= 255
        asked.append(len(pictures))
        return predict(pictures)

    kept, first = picture.copy(), int(predict(picture[None].astype(float)).argmax())
    y = (first + 1) % 5 if targeted else first
    result = black_box_attack(picture, y, counting, targeted=targeted, method=method, eps=14.0, step_size=0.7)
    assert result.fooled and (predict(result.picture[None]).argmax() == y) == targeted
    assert result.queries == sum(asked) <= 5000 and result.l2 <= 14
    assert result.l2 == pytest.approx(np.sqrt(((result.picture / 255 - picture / 255) ** 2).sum()))
    assert np.all(np.diff(result.trace, axis=0) > 0) and result.trace[-1, 1] > 0 > result.trace[0, 1]
    np.testing.assert_array_equal(picture, kept)
    again = black_box_attack(picture, y, predict, targeted=targeted, method=method, eps=14.0, step_size=0.7)
    np.testing.assert_array_equal(again.picture, result.picture)


@pytest.mark.parametrize("method", METHODS)
def test_a_black_box_attack_goes_as_far_as_eps_and_no_further(method, model, picture):
    y = int(model.scores(model.preprocess(picture)).argmax())
    result = black_box_attack(picture, y, of_network(model), method=method, eps=0.05, step_size=0.04, budget=300)
    assert not result.fooled and 0.045 < result.l2 <= 0.05 + 1e-9


@pytest.mark.parametrize("method", METHODS)
def test_the_budget_is_never_exceeded(method, model, picture):
    predict, asked = of_network(model), []
    y = int(predict(picture[None].astype(float)).argmax())
    for budget in (1, 2, 7, 60):
        asked.clear()
        result = black_box_attack(
            picture, y, lambda p: asked.append(len(p)) or predict(p), method=method, budget=budget, step_size=1e-6
        )
        assert not result.fooled and sum(asked) == result.queries <= budget


@pytest.mark.parametrize("method", METHODS)
def test_the_callback_of_a_black_box_is_told_every_step(method, model, picture):
    y, told = int(model.scores(model.preprocess(picture)).argmax()), []
    result = black_box_attack(
        picture, y, of_network(model), method=method, budget=90, eps=0.1, callback=lambda *step: told.append(step)
    )
    assert [t for t, _, _ in told] == list(range(len(told))) and len(told) > 2
    np.testing.assert_array_equal(told[0][1], picture)
    np.testing.assert_array_equal(told[-1][1], result.picture)
    assert told[-1][2]["queries"] == result.queries
    kept = np.flatnonzero(np.diff([info["margin"] for _, _, info in told]))
    assert len(kept) + 1 == len(result.trace)


def test_raw_scores_do_as_well_and_options_have_effect(model, picture):
    def scores(pictures):
        return 10 * model.scores(model.preprocess(np.rint(pictures).astype(np.uint8)))

    y = int(scores(picture[None]).argmax())
    base = black_box_attack(picture, y, scores, eps=14.0)
    assert base.fooled
    for options in ({"step_size": 0.5}, {"frequencies": 0.1}, {"rng": 5}, {"eps": 0.002, "budget": 50}):
        other = black_box_attack(picture, y, scores, **({"eps": 14.0} | options))
        assert not np.array_equal(other.picture, base.picture), options


def test_black_box_refuses(picture):
    good = np.array([[0.2, 0.8]])
    for bad, fragment in (
        (lambda: black_box_attack(picture[..., 0], 0, lambda p: good), "picture must be"),
        (lambda: black_box_attack(picture, 2, lambda p: good), "above the class 2"),
        (lambda: black_box_attack(picture, 0, lambda p: good[0]), r"predict gave \(2,\)"),
        (lambda: black_box_attack(picture, 0, lambda p: good, method="guess"), "'guess'"),
        (lambda: black_box_attack(picture, 0, lambda p: good, budget=0), "budget"),
        (lambda: black_box_attack(picture, 0, lambda p: good, frequencies=2), "frequencies"),
    ):
        with pytest.raises(ValueError, match=f"black_box_attack: .*{fragment}"):
            bad()
