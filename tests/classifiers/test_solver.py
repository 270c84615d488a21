"""Training: it learns, repeats bit for bit, resumes bit for bit, and every option has an effect."""

import copy
import csv
import json

import h5py
import numpy as np
import pytest

from pixelgrad.classifiers import Augmentation, Network, Solver, WeightsError
from pixelgrad.classifiers import solver as solver_module
from pixelgrad.classifiers.solver import HISTORY
from pixelgrad.layers import softmax_loss

TINY = [
    {"type": "conv", "filters": 8, "size": 3, "stride": 2, "pad": 1, "bias": False, "batchnorm": True},
    {"type": "global_avg_pool"},
    {"type": "affine", "units": 4},
]
BIASED = [{"type": "conv", "filters": 4, "size": 3, "stride": 2, "batchnorm": True}, {"type": "affine", "units": 4}]


def data(N=22, size=8, seed=0, val=9):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, N + val)
    X = rng.integers(0, 256, (N + val, 3, size, size), dtype=np.uint8)
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


def network(architecture=TINY, **options):
    return Network(architecture, input_size=(8, 8), pixel_mean=(128, 128, 128), pixel_std=(64, 64, 64), **options)


def trained(data_=None, *, model=None, **options):
    """Five steps an epoch (of 22 images, four at a time, two are left over), two epochs."""
    options = {"batch_size": 4, "num_epochs": 2, "augmentation": Augmentation(pad=1)} | options
    solver = Solver(model or network(), data_ or data(), **options)
    solver.train()
    return solver


def same_params(a, b):
    return all(np.array_equal(a.params[name], b.params[name]) for name in a.params)


# -- learning ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule, rate", [("nesterov", 0.2), ("sgd", 0.2), ("adam", 0.02)])
def test_fifty_images_are_learnt_by_heart(rule, rate):
    model = Network(
        [{**TINY[0], "filters": 24}, {"type": "affine", "units": 4}],
        input_size=(8, 8),
        pixel_mean=(128,) * 3,
        pixel_std=(64,) * 3,
    )
    solver = Solver(
        model, data(50), update_rule=rule, learning_rate=rate, batch_size=25, num_epochs=30, label_smoothing=0.0
    )
    history = solver.train()
    assert history is solver.history and len(history) == 30
    assert history[-1]["train_top1"] == 1 and history[-1]["train_loss"] < 0.2 < 1.3 < history[0]["train_loss"] < 1.6
    assert history[-1]["val_top1"] < 0.8  # random labels cannot be guessed


def test_one_step_is_forward_loss_backward_update():
    model, by_hand, d = network(), network(), data(4, val=0)
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


def test_weight_decay_leaves_biases_and_batchnorm_alone(monkeypatch):
    seen = {}

    def update(w, dw, state, *, learning_rate, momentum, weight_decay):
        seen[len(seen)] = (w.shape, weight_decay)
        return w, state

    monkeypatch.setitem(solver_module.UPDATE_RULES, "sgd", update)
    solver = trained(model=network(BIASED), update_rule="sgd", weight_decay=0.25, num_epochs=1)
    params = solver.model.params
    assert {shape for shape, decay in seen.values() if decay} == {params["W1"].shape, params["W2"].shape}
    assert {decay for _, decay in seen.values()} == {0.0, 0.25}
    names = {name for name in params if not name.startswith("running")}
    assert len(seen) == len(names) * solver.total_steps


def test_an_epoch_visits_no_image_twice_and_the_order_changes(monkeypatch):
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


def test_the_learning_rate_follows_the_schedule(monkeypatch):
    rates = []
    monkeypatch.setitem(
        solver_module.UPDATE_RULES, "sgd", lambda w, dw, state, **o: rates.append(o["learning_rate"]) or (w, state)
    )
    trained(update_rule="sgd", learning_rate=2.0, schedule="cosine", warmup=0.2)
    per_step = rates[:: len(rates) // 10]
    expected = [0, 1, *(1 + np.cos(np.pi * np.arange(8) / 8))]
    np.testing.assert_allclose(per_step, expected, atol=1e-12)


def test_a_batch_larger_than_the_training_set_is_the_training_set():
    solver = trained(batch_size=1000)
    assert solver.steps_per_epoch == 1 and solver.total_steps == 2 and solver.settings["batch_size"] == 22


# -- repeatability -------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
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
def test_every_option_changes_the_result(option):
    assert not same_params(trained().model, trained(**option).model)


def test_training_changes_neither_the_data_nor_the_settings_given():
    d = data()
    before = copy.deepcopy(d)
    trained(d)
    assert all(np.array_equal(d[key], before[key]) for key in d)
    trained({key: np.asarray(v) if "y" in key else np.asarray(v).view() for key, v in d.items()})


def test_labels_may_be_a_list_and_the_validation_half_missing():
    d = data()
    lists = d | {"y_train": d["y_train"].tolist(), "y_val": d["y_val"].tolist()}
    assert same_params(trained(d).model, trained(lists).model)
    halved = trained({"X_train": d["X_train"], "y_train": d["y_train"]})
    assert "val_top1" not in halved.history[0]
    assert same_params(trained(d).model, halved.model)


# -- history -------------------------------------------------------------------------------------------------------


def test_the_history_has_one_row_an_epoch_in_memory_in_the_file_and_for_the_callback(tmp_path):
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


def test_without_validation_images_the_columns_stay_empty(tmp_path):
    d = data()
    trained({"X_train": d["X_train"], "y_train": d["y_train"]}, history_csv=tmp_path / "h.csv")
    with open(tmp_path / "h.csv", newline="") as f:
        line = next(csv.DictReader(f))
    assert tuple(line) == HISTORY and line["val_loss"] == line["val_top5"] == "" and line["train_loss"]


# -- stopping and resuming -----------------------------------------------------------------------------------------


def stop(function, at):
    """The function, with Ctrl-C instead of its nth call."""
    calls = []

    def stopping(*args, **options):
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return function(*args, **options)

    return stopping


def interrupted(tmp_path, monkeypatch, where, at, **options):
    """Train until a function's nth call is interrupted; the solver that resumed and finished."""
    options = {"checkpoint": tmp_path / "checkpoint.h5", "history_csv": tmp_path / "history.csv"} | options
    with monkeypatch.context() as patch:
        if where == "callback":
            options["callback"] = stop(lambda solver, row: None, at)
        elif where == "update":
            rule = options.get("update_rule", "nesterov")
            patch.setitem(solver_module.UPDATE_RULES, rule, stop(solver_module.UPDATE_RULES[rule], at))
        else:
            patch.setattr(*where, stop(getattr(*where), at))
        with pytest.raises(KeyboardInterrupt):
            trained(**options)
    options.pop("callback", None)
    # Other parameters than at the start, so that everything must come from the checkpoint.
    options = {"batch_size": 4, "num_epochs": 2, "augmentation": Augmentation(pad=1)} | options
    solver = Solver(network(rng=99), data(), **options)
    solver.resume()
    solver.train()
    return solver


def assert_same_training(a, b):
    assert same_params(a.model, b.model)
    assert a.step == b.step == a.total_steps
    for mine, other in zip(a.history, b.history):
        assert {k: v for k, v in mine.items() if k != "seconds"} == {k: v for k, v in other.items() if k != "seconds"}
    assert len(a.history) == len(b.history)
    assert a._state.keys() == b._state.keys()
    for name, state in a._state.items():
        for key in state:
            assert np.array_equal(state[key], b._state[name][key])


@pytest.mark.parametrize("rule", ["nesterov", "sgd", "adam"])
@pytest.mark.parametrize(
    "where, at",
    [
        ("callback", 1),  # at an epoch's end
        ("callback", 2),  # at the very end
        ((Solver, "_train_step"), 4),  # between two steps
        ((Solver, "_train_step"), 6),
        ((Network, "backward"), 3),  # in the middle of a step, the new running averages just written
        ((solver_module, "evaluate"), 1),  # while the validation images are looked at
        ((solver_module, "evaluate"), 2),
        ("update", 8),  # with half of the parameters updated
        ("update", 21),
    ],
    ids=str,
)
def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(tmp_path, monkeypatch, rule, where, at):
    options = {"update_rule": rule, "learning_rate": 0.05}
    resumed = interrupted(tmp_path, monkeypatch, where, at, **options)
    assert_same_training(resumed, trained(**options))
    with open(tmp_path / "history.csv", newline="") as f:
        assert [row["epoch"] for row in csv.DictReader(f)] == ["1", "2"]


def test_an_error_in_a_step_leaves_everything_as_before_it(monkeypatch):
    solver = Solver(network(), data(), batch_size=4)
    before = dict(solver.model.params)
    monkeypatch.setattr(Network, "backward", stop(Network.backward, 1))
    with pytest.raises(KeyboardInterrupt):
        solver.train()
    assert all(np.array_equal(solver.model.params[name], before[name]) for name in before)
    assert solver.step == 0 and solver._state == {} and solver._sums["seen"] == 0


def test_an_interruption_at_the_very_end_of_a_step_undoes_all_of_it(monkeypatch):
    class Scores(np.ndarray):
        def argmax(self, axis=None):
            raise KeyboardInterrupt

    solver = trained()
    before, state, sums = dict(solver.model.params), solver._state, solver._sums
    forward = Network.forward

    def forward_to_such_scores(self, X, **options):
        scores, cache = forward(self, X, **options)
        return scores.view(Scores), cache

    monkeypatch.setattr(Network, "forward", forward_to_such_scores)
    with pytest.raises(KeyboardInterrupt):
        solver._train_step(np.arange(4))
    assert solver.step == 10 and solver._state is state and solver._sums is sums
    assert all(solver.model.params[name] is before[name] for name in before)


def test_every_step_has_its_own_random_numbers(monkeypatch):
    drawn = []
    monkeypatch.setattr(Augmentation, "apply", lambda self, X, epoch, rng: drawn.append((epoch, rng.random())) or X)
    trained(seed=1)
    trained(seed=2)
    assert [epoch for epoch, _ in drawn] == 2 * ([0] * 5 + [1] * 5)
    assert len({number for _, number in drawn}) == 20


def test_a_checkpoint_is_written_at_the_end_and_every_so_many_seconds(tmp_path, monkeypatch):
    saves = []
    save = Solver.save_checkpoint
    monkeypatch.setattr(Solver, "save_checkpoint", lambda self: saves.append(self.step) or save(self))
    trained(checkpoint=tmp_path / "c.h5")
    assert saves == [10]
    saves.clear()
    trained(checkpoint=tmp_path / "c.h5", checkpoint_seconds=0)
    assert saves == list(range(1, 11))
    saves.clear()
    trained()
    assert saves == [] and [p.name for p in tmp_path.iterdir()] == ["c.h5"]


def test_a_finished_training_resumes_to_its_history(tmp_path):
    first = trained(checkpoint=tmp_path / "c.h5")
    again = Solver(
        network(rng=5),
        data(),
        batch_size=4,
        num_epochs=2,
        augmentation=Augmentation(pad=1),
        checkpoint=tmp_path / "c.h5",
    )
    again.resume()
    assert again.train() == first.history and same_params(first.model, again.model)
    assert again.seconds == pytest.approx(first.seconds)


def test_the_seconds_of_a_resumed_training_go_on():
    solver = Solver(network(), data(), batch_size=4, num_epochs=1)
    solver.seconds = 1000.0
    assert solver.train()[0]["seconds"] > 1000


OTHER_SETTINGS = {
    "update_rule": "adam",
    "learning_rate": 0.1,
    "momentum": 0.5,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "schedule": "cosine",
    "warmup": 0.3,
    "batch_size": 5,
    "num_epochs": 3,
    "augmentation": Augmentation(pad=2),
    "seed": 1,
}


@pytest.mark.parametrize("name", [*OTHER_SETTINGS, "num_train", "architecture"])
def test_resuming_with_another_setting_is_refused_by_name(tmp_path, name):
    trained(checkpoint=tmp_path / "c.h5")
    options = {"batch_size": 4, "num_epochs": 2, "augmentation": Augmentation(pad=1), "checkpoint": tmp_path / "c.h5"}
    options |= {name: OTHER_SETTINGS[name]} if name in OTHER_SETTINGS else {}
    model = network(BIASED if name == "architecture" else TINY)
    solver = Solver(model, data(23 if name == "num_train" else 22), **options)
    before = dict(model.params)
    with pytest.raises(WeightsError, match=rf"other settings \({name}\); resume with the same ones") as caught:
        solver.resume()
    assert "c.h5" in str(caught.value)
    assert solver.step == 0 and all(model.params[key] is before[key] for key in before)


def test_what_is_no_checkpoint_is_refused(tmp_path):
    def solver(path):
        return Solver(network(), data(), batch_size=4, num_epochs=2, augmentation=Augmentation(pad=1), checkpoint=path)

    with pytest.raises(ValueError, match="resume.. needs the checkpoint file"):
        solver(None).resume()
    path = tmp_path / "c.h5"
    with pytest.raises(WeightsError, match="does not exist"):
        solver(path).resume()
    network().save(path)
    with pytest.raises(WeightsError, match="not a training checkpoint"):
        solver(path).resume()
    trained(checkpoint=path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match="cut short"):
        solver(path).resume()
    for damage, message in (
        (lambda f: f.attrs.__delitem__("step"), "description cannot be read"),
        (lambda f: f.attrs.__setitem__("settings", "{"), "description cannot be read"),
        (lambda f: f.pop("params:W1"), "missing: W1"),
        (lambda f: f["params:W2"].__setitem__(0, np.nan), "W2 holds 4 values that are NaN"),
    ):
        path.write_bytes(content)
        with h5py.File(path, "r+") as f:
            damage(f)
        with pytest.raises(WeightsError, match=message):
            solver(path).resume()


def test_a_checkpoint_is_no_weights_file(tmp_path):
    trained(checkpoint=tmp_path / "c.h5")
    with pytest.raises(WeightsError, match="'pixelgrad checkpoint'"):
        Network.load(tmp_path / "c.h5")
    with h5py.File(tmp_path / "c.h5") as f:
        assert json.loads(f.attrs["step"]) == 10


# -- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_nan_stops_with_step_and_learning_rate():
    model = network()
    solver = Solver(model, data(), learning_rate=1e30, schedule="constant", warmup=0.0, batch_size=4)
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
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Solver(network(), data(), **options)


def test_images_and_labels_must_be_as_many():
    d = data()
    with pytest.raises(ValueError, match="22 training images and 21 labels"):
        Solver(network(), d | {"y_train": d["y_train"][:-1]})
    with pytest.raises(ValueError, match="0 training images and 0 labels"):
        Solver(network(), {"X_train": d["X_train"][:0], "y_train": d["y_train"][:0]})
    with pytest.raises(TypeError, match="learning_rat"):
        Solver(network(), d, learning_rat=1)
    with pytest.raises(ValueError, match="y must be from 0 to 3, got"):
        trained(d | {"y_train": d["y_train"] + 1})
