"""Stopping and resuming: a resumed training equals an uninterrupted one, bit for bit."""

import csv
import json

import h5py
import numpy as np
import pytest

from pixelgrad.classifiers import Augmentation, Network, Solver, WeightsError
from pixelgrad.classifiers import solver as solver_module


def stop(function, at):
    """The function, with Ctrl-C instead of its nth call."""
    calls = []

    def stopping(*args, **options):
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return function(*args, **options)

    return stopping


@pytest.fixture
def interrupted(tmp_path, monkeypatch, small_data, small_network, trained):
    """interrupted(where, at, **options): train until a function's nth call is interrupted; the solver that finished."""

    def interrupted(where, at, **options):
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
        solver = Solver(small_network(rng=99), small_data(), **options)
        solver.resume()
        solver.train()
        return solver

    return interrupted


@pytest.fixture
def assert_same_training(same_params):
    def assert_same_training(a, b):
        assert same_params(a.model, b.model)
        assert a.step == b.step == a.total_steps
        for mine, other in zip(a.history, b.history):
            assert {k: v for k, v in mine.items() if k != "seconds"} == {
                k: v for k, v in other.items() if k != "seconds"
            }
        assert len(a.history) == len(b.history)
        assert a._state.keys() == b._state.keys()
        for name, state in a._state.items():
            for key in state:
                assert np.array_equal(state[key], b._state[name][key])

    return assert_same_training


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
def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(
    tmp_path, rule, where, at, trained, interrupted, assert_same_training
):
    options = {"update_rule": rule, "learning_rate": 0.05}
    resumed = interrupted(where, at, **options)
    assert_same_training(resumed, trained(**options))
    with open(tmp_path / "history.csv", newline="") as f:
        assert [row["epoch"] for row in csv.DictReader(f)] == ["1", "2"]


def test_an_error_in_a_step_leaves_everything_as_before_it(monkeypatch, small_data, small_network):
    solver = Solver(small_network(), small_data(), batch_size=4)
    before = dict(solver.model.params)
    monkeypatch.setattr(Network, "backward", stop(Network.backward, 1))
    with pytest.raises(KeyboardInterrupt):
        solver.train()
    assert all(np.array_equal(solver.model.params[name], before[name]) for name in before)
    assert solver.step == 0 and solver._state == {} and solver._sums["seen"] == 0


def test_an_interruption_at_the_very_end_of_a_step_undoes_all_of_it(monkeypatch, trained):
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


def test_every_step_has_its_own_random_numbers(monkeypatch, trained):
    drawn = []
    monkeypatch.setattr(Augmentation, "apply", lambda self, X, epoch, rng: drawn.append((epoch, rng.random())) or X)
    trained(seed=1)
    trained(seed=2)
    assert [epoch for epoch, _ in drawn] == 2 * ([0] * 5 + [1] * 5)
    assert len({number for _, number in drawn}) == 20


def test_a_checkpoint_is_written_at_the_end_and_every_so_many_seconds(tmp_path, monkeypatch, trained):
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


def test_a_finished_training_resumes_to_its_history(tmp_path, small_data, small_network, trained, same_params):
    first = trained(checkpoint=tmp_path / "c.h5")
    again = Solver(
        small_network(rng=5),
        small_data(),
        batch_size=4,
        num_epochs=2,
        augmentation=Augmentation(pad=1),
        checkpoint=tmp_path / "c.h5",
    )
    again.resume()
    assert again.train() == first.history and same_params(first.model, again.model)
    assert again.seconds == pytest.approx(first.seconds)


def test_the_seconds_of_a_resumed_training_go_on(small_data, small_network):
    solver = Solver(small_network(), small_data(), batch_size=4, num_epochs=1)
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
def test_resuming_with_another_setting_is_refused_by_name(tmp_path, name, small_data, small_network, trained):
    trained(checkpoint=tmp_path / "c.h5")
    options = {"batch_size": 4, "num_epochs": 2, "augmentation": Augmentation(pad=1), "checkpoint": tmp_path / "c.h5"}
    options |= {name: OTHER_SETTINGS[name]} if name in OTHER_SETTINGS else {}
    model = small_network([{"type": "affine", "units": 4}]) if name == "architecture" else small_network()
    solver = Solver(model, small_data(23 if name == "num_train" else 22), **options)
    before = dict(model.params)
    with pytest.raises(WeightsError, match=rf"other settings \({name}\); resume with the same ones") as caught:
        solver.resume()
    assert "c.h5" in str(caught.value)
    assert solver.step == 0 and all(model.params[key] is before[key] for key in before)


def test_what_is_no_checkpoint_is_refused(tmp_path, small_data, small_network, trained):
    def solver(path):
        return Solver(
            small_network(), small_data(), batch_size=4, num_epochs=2, augmentation=Augmentation(pad=1), checkpoint=path
        )

    with pytest.raises(ValueError, match="resume.. needs the checkpoint file"):
        solver(None).resume()
    path = tmp_path / "c.h5"
    with pytest.raises(WeightsError, match="does not exist"):
        solver(path).resume()
    small_network().save(path)
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


def test_a_checkpoint_is_no_weights_file(tmp_path, trained):
    trained(checkpoint=tmp_path / "c.h5")
    with pytest.raises(WeightsError, match="'pixelgrad checkpoint'"):
        Network.load(tmp_path / "c.h5")
    with h5py.File(tmp_path / "c.h5") as f:
        assert json.loads(f.attrs["step"]) == 10
