"""Training: it learns, repeats bit for bit, tells its history, and every option has an effect."""

import copy
import csv

import numpy as np
import pytest

from pixelgrad.classifiers import Augmentation, Network, Solver
from pixelgrad.classifiers import solver as solver_module
from pixelgrad.classifiers.solver import HISTORY
from pixelgrad.layers import softmax_loss

BIASED = [{"type": "conv", "filters": 4, "size": 3, "stride": 2, "batchnorm": True}, {"type": "affine", "units": 4}]


# -- learning ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule, rate", [("nesterov", 0.2), ("sgd", 0.2), ("adam", 0.02)])
def test_fifty_images_are_learnt_by_heart(rule, rate, small_data, small_network):
    model = Network(
        [{**small_network().architecture[0], "filters": 24}, {"type": "affine", "units": 4}],
        input_size=(8, 8),
        pixel_mean=(128,) * 3,
        pixel_std=(64,) * 3,
    )
    solver = Solver(
        model, small_data(50), update_rule=rule, learning_rate=rate, batch_size=25, num_epochs=30, label_smoothing=0.0
    )
    history = solver.train()
    assert history is solver.history and len(history) == 30
    assert history[-1]["train_top1"] == 1 and history[-1]["train_loss"] < 0.2 < 1.3 < history[0]["train_loss"] < 1.6
    assert history[-1]["val_top1"] < 0.8  # random labels cannot be guessed


def test_one_step_is_forward_loss_backward_update(small_data, small_network, trained):
    model, by_hand, d = small_network(), small_network(), small_data(4, val=0)
    solver = trained(
        d, model=model, num_epochs=1, schedule="constant", warmup=0.0, learning_rate=0.5, update_rule="sgd",
        momentum=0.0, weight_decay=0.1, label_smoothing=0.2, augmentation=None,
    )  # fmt: skip
    assert solver.step == solver.total_steps == 1
    X = by_hand.preprocess(d["X_train"].transpose(0, 2, 3, 1))
    scores, cache = by_hand.forward(X, mode="train")
    loss, dscores = softmax_loss(scores, d["y_train"], label_smoothing=0.2)
    _, grads = by_hand.backward(dscores, cache)
    for name, gradient in grads.items():
        w = by_hand.params[name]
        decay = 0.1 if name in ("W1", "W2") else 0  # never on b2, gamma1, beta1
        np.testing.assert_allclose(model.params[name], w - 0.5 * (gradient + decay * w), rtol=1e-5, atol=1e-6)
    assert np.array_equal(model.params["running_mean1"], by_hand.params["running_mean1"])
    assert solver.history[0]["train_loss"] == pytest.approx(loss)
    assert solver.history[0]["train_top1"] == np.mean(scores.argmax(axis=1) == d["y_train"])


def test_weight_decay_leaves_biases_and_batchnorm_alone(monkeypatch, small_network, trained):
    seen = {}

    def update(w, dw, state, *, learning_rate, momentum, weight_decay):
        seen[len(seen)] = (w.shape, weight_decay)
        return w, state

    monkeypatch.setitem(solver_module.UPDATE_RULES, "sgd", update)
    solver = trained(model=small_network(BIASED), update_rule="sgd", weight_decay=0.25, num_epochs=1)
    params = solver.model.params
    assert {shape for shape, decay in seen.values() if decay} == {params["W1"].shape, params["W2"].shape}
    assert {decay for _, decay in seen.values()} == {0.0, 0.25}
    names = {name for name in params if not name.startswith("running")}
    assert len(seen) == len(names) * solver.total_steps


def test_an_epoch_visits_no_image_twice_and_the_order_changes(monkeypatch, trained):
    visits = []
    step = Solver._train_step
    monkeypatch.setattr(
        Solver, "_train_step", lambda self, indices: visits.append(indices.tolist()) or step(self, indices)
    )
    trained()
    epochs = [sum(visits[:5], []), sum(visits[5:], [])]
    assert [len(v) for v in visits] == [4] * 10
    assert all(len(set(epoch)) == 20 and set(epoch) <= set(range(22)) for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_the_learning_rate_follows_the_schedule(monkeypatch, trained):
    rates = []
    monkeypatch.setitem(
        solver_module.UPDATE_RULES, "sgd", lambda w, dw, state, **o: rates.append(o["learning_rate"]) or (w, state)
    )
    trained(update_rule="sgd", learning_rate=2.0, schedule="cosine", warmup=0.2)
    per_step = rates[:: len(rates) // 10]
    expected = [0, 1, *(1 + np.cos(np.pi * np.arange(8) / 8))]
    np.testing.assert_allclose(per_step, expected, atol=1e-12)


def test_a_batch_larger_than_the_training_set_is_the_training_set(trained):
    solver = trained(batch_size=1000)
    assert solver.steps_per_epoch == 1 and solver.total_steps == 2 and solver.settings["batch_size"] == 22


# -- repeatability -------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(trained, same_params):
    a, b, other = trained(seed=1), trained(seed=1), trained(seed=2)
    assert same_params(a.model, b.model) and not same_params(a.model, other.model)
    strip = [{k: v for k, v in row.items() if k != "seconds"} for row in a.history]
    assert strip == [{k: v for k, v in row.items() if k != "seconds"} for row in b.history]


@pytest.mark.parametrize(
    "option",
    [
        {"update_rule": "sgd"},
        {"update_rule": "adam"},
        {"learning_rate": 0.1},
        {"momentum": 0.8},
        {"weight_decay": 0.01},
        {"label_smoothing": 0.0},
        {"schedule": "cosine"},
        {"schedule": "constant"},
        {"warmup": 0.5},
        {"batch_size": 5},
        {"num_epochs": 3},
        {"augmentation": None},
        {"augmentation": Augmentation(flip=False, pad=1)},
        {"augmentation": Augmentation(pad=2)},
        {"augmentation": Augmentation(pad=1, early_crop=5, early_epochs=1)},
        {"seed": 7},
    ],
    ids=str,
)
def test_every_option_changes_the_result(option, trained, same_params):
    assert not same_params(trained().model, trained(**option).model)


def test_training_changes_neither_the_data_nor_the_settings_given(small_data, trained):
    d = small_data()
    before = copy.deepcopy(d)
    trained(d)
    assert all(np.array_equal(d[key], before[key]) for key in d)
    trained({key: np.asarray(v) if "y" in key else np.asarray(v).view() for key, v in d.items()})


def test_labels_may_be_a_list_and_the_validation_half_missing(small_data, trained, same_params):
    d = small_data()
    lists = d | {"y_train": d["y_train"].tolist(), "y_val": d["y_val"].tolist()}
    assert same_params(trained(d).model, trained(lists).model)
    halved = trained({"X_train": d["X_train"], "y_train": d["y_train"]})
    assert "val_top1" not in halved.history[0]
    assert same_params(trained(d).model, halved.model)


# -- history -------------------------------------------------------------------------------------------------------


def test_the_history_has_one_row_an_epoch_in_memory_in_the_file_and_for_the_callback(tmp_path, trained):
    rows = []
    solver = trained(history_csv=tmp_path / "history.csv", callback=lambda s, row: rows.append((s.step, row)))
    assert [step for step, _ in rows] == [5, 10] and [row for _, row in rows] == solver.history
    with open(tmp_path / "history.csv", newline="") as f:
        lines = list(csv.DictReader(f))
    assert len(lines) == 2 and tuple(lines[0]) == HISTORY
    for line, row in zip(lines, solver.history):
        assert {name: float(value) for name, value in line.items()} == row
    assert [row["epoch"] for row in solver.history] == [1, 2]
    assert 0 < solver.history[0]["seconds"] < solver.history[1]["seconds"]
    assert solver.history[1]["learning_rate"] == pytest.approx(0, abs=1e-12)
    result = solver_module.evaluate(solver.model, solver.data["X_val"], solver.data["y_val"])
    assert solver.history[1]["val_top1"] == result.top1 and solver.history[1]["val_top5"] == 1
    assert solver.history[1]["val_loss"] == pytest.approx(result.loss)


def test_without_validation_images_the_columns_stay_empty(tmp_path, small_data, trained):
    d = small_data()
    trained({"X_train": d["X_train"], "y_train": d["y_train"]}, history_csv=tmp_path / "h.csv")
    with open(tmp_path / "h.csv", newline="") as f:
        line = next(csv.DictReader(f))
    assert tuple(line) == HISTORY and line["val_loss"] == line["val_top5"] == "" and line["train_loss"]


# -- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_nan_stops_with_step_and_learning_rate(small_data, small_network):
    model = small_network()
    solver = Solver(model, small_data(), learning_rate=1e30, schedule="constant", warmup=0.0, batch_size=4)
    with pytest.raises(
        FloatingPointError, match=r"the loss is (nan|inf) at step \d+ \(learning rate 1e\+30\); try a smaller"
    ):
        solver.train()
    assert all(np.all(np.isfinite(v)) for name, v in model.params.items() if name.startswith("running"))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"update_rule": "rmsprop"}, "update_rule must be one of sgd, nesterov, adam, got 'rmsprop'"),
        ({"schedule": "step"}, "schedule must be one of one_cycle, cosine, constant, got 'step'"),
        ({"batch_size": 0}, "batch_size and num_epochs must be at least 1, got 0 and 10"),
        ({"num_epochs": 0}, "batch_size and num_epochs must be at least 1, got 128 and 0"),
        ({"warmup": 1}, "0 <= warmup < 1; got 1"),
        ({"warmup": -0.1}, "0 <= warmup < 1; got -0.1"),
    ],
)
def test_impossible_settings_are_refused(options, message, small_data, small_network):
    with pytest.raises(ValueError, match=message):
        Solver(small_network(), small_data(), **options)


def test_images_and_labels_must_be_as_many(small_data, small_network, trained):
    d = small_data()
    with pytest.raises(ValueError, match="22 training images and 21 labels"):
        Solver(small_network(), d | {"y_train": d["y_train"][:-1]})
    with pytest.raises(ValueError, match="0 training images and 0 labels"):
        Solver(small_network(), {"X_train": d["X_train"][:0], "y_train": d["y_train"][:0]})
    with pytest.raises(TypeError, match="learning_rat"):
        Solver(small_network(), d, learning_rat=1)
    with pytest.raises(ValueError, match="y must be from 0 to 3, got"):
        trained(d | {"y_train": d["y_train"] + 1})
