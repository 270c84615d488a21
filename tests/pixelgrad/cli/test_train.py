"""`pixelgrad train` on a data set of a few pictures."""

import json
import shutil
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest

from pixelgrad.classifiers import PretrainedCNN, Solver
from pixelgrad.cli import main, train

ROOT = Path(__file__).resolve().parents[3]
SMALL = ["--epochs", "2", "--batch-size", "4", "--early-crop", "0", "-q"]


def test_it_writes_weights_that_load_with_provenance_and_history(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", str(data), "--out", "w.h5", *SMALL]) == 0
    model = PretrainedCNN("w.h5")
    assert model.class_names == ["goldfish", "Egyptian cat"] and model.num_classes == 2
    assert model.provenance["epochs"] == 2 and model.provenance["seed"] == 0 and "val_top1" in model.provenance
    lines = (tmp_path / "runs" / "w" / "history.csv").read_text().splitlines()
    assert len(lines) == 3 and lines[0].startswith("epoch,learning_rate,train_loss")
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(not (ROOT / ".git").exists() or not shutil.which("git"), reason="needs git and a clone")
def test_the_commit_is_the_checkouts():
    head = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True)
    assert train._commit().removesuffix("-dirty") == head.stdout.strip() != ""


@pytest.mark.slow
def test_an_interrupted_training_goes_on_to_the_same_weights(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(["train", str(data), "--out", "whole.h5", *SMALL])
    step, calls = Solver._train_step, []

    def interrupted(self, indices):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        step(self, indices)

    monkeypatch.setattr(Solver, "_train_step", interrupted)
    assert main(["train", str(data), "--out", "parts.h5", *SMALL]) == 130
    assert "--resume" in capsys.readouterr().err and not (tmp_path / "parts.h5").exists()
    monkeypatch.setattr(Solver, "_train_step", step)
    assert main(["train", str(data), "--out", "parts.h5", *SMALL]) == 2, "neither --resume nor --force"
    resumed = ["train", str(data), "--out", "parts.h5", "--resume", *SMALL]
    monkeypatch.setattr("sys.argv", ["pixelgrad", *resumed])
    assert main(resumed) == 0
    with h5py.File("whole.h5") as whole, h5py.File("parts.h5") as parts:
        assert set(whole) == set(parts)
        for name in whole:
            np.testing.assert_array_equal(whole[name][()], parts[name][()])
        provenances = [json.loads(f.attrs["provenance"]) for f in (parts, whole)]
    assert provenances[0]["val_top1"] == provenances[1]["val_top1"]
    assert "--resume" not in provenances[0]["command"] and "--epochs 2" in provenances[0]["command"]


def test_existing_weights_are_refused_before_the_training(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.h5").write_text("precious")
    monkeypatch.setattr(Solver, "train", lambda self: pytest.fail("trained all the same"))
    assert main(["train", str(data), "--out", "w.h5", *SMALL]) == 2
    assert "--force" in capsys.readouterr().err and (tmp_path / "w.h5").read_text() == "precious"


def test_data_that_is_no_data(tmp_path, capsys):
    assert main(["train", str(tmp_path / "nothing.zip"), "--out", str(tmp_path / "w.h5"), "-q"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "nothing.zip" in err


@pytest.mark.slow
def test_attacked_images_other_weights_and_averages_each_have_an_effect(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = {
        "plain": [],
        "attacked": ["--adversarial-eps", "0.5", "--adversarial-steps", "2"],
        "linf": ["--adversarial-eps", "0.5", "--adversarial-norm", "linf"],
        "averaged": ["--average", "0.5"],
        "mixed": ["--cutmix", "1"],
        "wide": ["--widths", "4", "4", "4", "4", "4", "4", "6"],
        "goes on": ["--init", "plain.h5"],
    }
    models = {}
    for name, options in runs.items():
        arguments = ["train", str(data), "--out", f"{name}.h5", "--run-folder", str(tmp_path / name), *SMALL, *options]
        monkeypatch.setattr("sys.argv", ["pixelgrad", *arguments])
        assert main(arguments) == 0
        models[name] = PretrainedCNN(f"{name}.h5")
    assert models["wide"].params["W7"].shape == (6, 4, 3, 3)
    assert models["goes on"].provenance["started_from"] == models["plain"].provenance["command"]
    assert "started_from" not in models["plain"].provenance
    plain = models.pop("plain").params["W1"]
    assert not any(np.array_equal(plain, model.params["W1"]) for model in models.values())
    command = models["attacked"].provenance["command"]
    assert "--adversarial-eps 0.5" in command and "--run-folder attacked" in command and str(tmp_path) not in command
    assert "-q" in SMALL and " -q" not in command, "says nothing about the weights"


def test_training_options_that_do_not_go_together(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    widths = ["--widths", *"1111111"]
    for options, words in (
        ([*widths, "--architecture", "cs231n"], "--widths goes with"),
        (["--init", "nothing.h5"], "nothing.h5"),
        (["--adversarial-steps", "2"], "--adversarial-eps"),
        (["--adversarial-norm", "linf"], "--adversarial-eps"),
    ):
        assert main(["train", str(data), "--out", "w.h5", *SMALL, *options]) == 2
        err = capsys.readouterr().err
        assert words in err and err.count("\n") == 1
    assert not (tmp_path / "w.h5").exists()
