"""Update rules by hand and against PyTorch; schedules at their corners."""

import numpy as np
import pytest

from pixelgrad.classifiers.optim import SCHEDULES, UPDATE_RULES, adam, constant, cosine, nesterov, one_cycle, sgd

W, G1, G2 = np.array([2.0, -1.0]), np.array([1.0, 0.5]), np.array([-2.0, 0.25])


def two_steps(rule, **options):
    w, state = rule(W, G1, {}, **options)
    return w, *rule(w, G2, state, **options)


def test_sgd_by_hand():
    # v1 = g1 + 0.1 w0 = (1.2, 0.4); w1 = w0 - 0.5 v1; v2 = 0.9 v1 + g2 + 0.1 w1
    w1, w2, state = two_steps(sgd, learning_rate=0.5, momentum=0.9, weight_decay=0.1)
    np.testing.assert_allclose(w1, [1.4, -1.2])
    v2 = [0.9 * 1.2 - 2 + 0.14, 0.9 * 0.4 + 0.25 - 0.12]
    np.testing.assert_allclose(state["v"], v2)
    np.testing.assert_allclose(w2, [1.4 - 0.5 * v2[0], -1.2 - 0.5 * v2[1]])


def test_nesterov_by_hand():
    # v1 = (1.2, 0.4); the step looks ahead: d1 + 0.9 v1 = (2.28, 0.76)
    w1, w2, state = two_steps(nesterov, learning_rate=0.5, momentum=0.9, weight_decay=0.1)
    np.testing.assert_allclose(w1, [2 - 1.14, -1 - 0.38])
    d2 = np.array([-2 + 0.086, 0.25 - 0.138])
    v2 = 0.9 * np.array([1.2, 0.4]) + d2
    np.testing.assert_allclose(state["v"], v2)
    np.testing.assert_allclose(w2, w1 - 0.5 * (d2 + 0.9 * v2))


def test_adam_by_hand():
    # The first step of Adam is the sign of the gradient, whatever its size.
    w1, w2, state = two_steps(adam, learning_rate=0.1, momentum=0.9)
    np.testing.assert_allclose(w1, W - 0.1, rtol=1e-7)
    m = (0.9 * 0.1 * G1 + 0.1 * G2) / (1 - 0.81)
    v = (0.999 * 0.001 * G1**2 + 0.001 * G2**2) / (1 - 0.999**2)
    np.testing.assert_allclose(w2, w1 - 0.1 * m / (np.sqrt(v) + 1e-8))
    assert state["t"] == 2


def test_adams_weight_decay_is_decoupled_from_the_gradient():
    plain, _ = adam(W, G1, {}, learning_rate=0.1)
    decayed, _ = adam(W, G1, {}, learning_rate=0.1, weight_decay=0.5)
    np.testing.assert_allclose(decayed, plain - 0.1 * 0.5 * W)


@pytest.mark.parametrize("name", UPDATE_RULES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_update_rules_are_pure_and_keep_the_type(name, dtype):
    rule = UPDATE_RULES[name]
    w, g = W.astype(dtype), G1.astype(dtype)
    w1, state = rule(w, g, {}, learning_rate=0.1, momentum=0.9, weight_decay=0.1)
    kept = {key: np.array(value) for key, value in state.items()}
    w2, new = rule(w1, g, state, learning_rate=0.1, momentum=0.9, weight_decay=0.1)
    assert w1.dtype == w2.dtype == dtype
    assert all(np.array_equal(state[key], kept[key]) for key in kept) and new.keys() == state.keys()
    assert all(value.dtype == dtype for key, value in new.items() if key != "t")
    assert np.array_equal(w, W.astype(dtype)) and np.array_equal(g, G1.astype(dtype))


@pytest.mark.parametrize("name", UPDATE_RULES)
def test_update_rules_equal_pytorchs(name):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    w = rng.standard_normal(50)
    theirs = torch.tensor(w, requires_grad=True)
    if name == "adam":
        optimiser = torch.optim.AdamW([theirs], lr=0.05, betas=(0.8, 0.999), eps=1e-8, weight_decay=0.1)
    else:
        optimiser = torch.optim.SGD([theirs], lr=0.05, momentum=0.8, weight_decay=0.1, nesterov=name == "nesterov")
    state = {}
    for _ in range(5):
        gradient = rng.standard_normal(50)
        theirs.grad = torch.tensor(gradient)
        optimiser.step()
        w, state = UPDATE_RULES[name](w, gradient, state, learning_rate=0.05, momentum=0.8, weight_decay=0.1)
        np.testing.assert_allclose(w, theirs.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    "schedule, warmup, values",
    [
        (one_cycle, 0.2, {0: 0.04, 0.1: 0.52, 0.2: 1, 0.6: 0.5, 1: 0}),
        (one_cycle, 0.0, {0: 1, 0.5: 0.5, 1: 0}),
        (cosine, 0.2, {0: 0, 0.1: 0.5, 0.2: 1, 0.6: 0.5, 1: 0}),
        (cosine, 0.0, {0: 1, 1 / 3: 0.75, 0.5: 0.5, 1: 0}),
        (constant, 0.2, {0: 0, 0.1: 0.5, 0.2: 1, 0.6: 1, 1: 1}),
        (constant, 0.0, {0: 1, 0.5: 1, 1: 1}),
    ],
)
def test_schedules_at_their_corners(schedule, warmup, values):
    for done, value in values.items():
        assert schedule(done, warmup=warmup) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_rise_until_the_end_of_the_warmup_and_never_after(name):
    values = [float(SCHEDULES[name](done, warmup=0.25)) for done in np.linspace(0, 1, 101)]
    assert all(a < b for a, b in zip(values[:25], values[1:26]))
    assert all(a >= b for a, b in zip(values[25:], values[26:]))
    assert max(values) == values[25] == 1 and min(values) >= 0
