"""`pixelgrad evaluate` on a data set of a few pictures."""

import csv

import numpy as np
import pytest
from PIL import Image

from pixelgrad.classifiers import Adversary, Network, PretrainedCNN, evaluate
from pixelgrad.cli import main
from pixelgrad.datasets import load_tiny_imagenet


@pytest.fixture
def run(data, weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *options: main(["evaluate", str(data), "--model", str(weights), *map(str, options)])


def test_table_file_and_picture_say_what_evaluate_says(run, data, weights, capsys):
    assert run() == 0
    model, contents = PretrainedCNN(weights), load_tiny_imagenet(data)
    # The network knows five classes in another order; the data's two are its second and its first.
    y = np.array([1, 0])[contents["y_val"]]
    expected = evaluate(model, contents["X_val"], y)
    with open("evaluation.csv", newline="") as f:
        rows = list(csv.DictReader(f))
    assert [row["name"] for row in rows] == ["Egyptian cat", "goldfish, Carassius auratus"]
    assert [row["wnid"] for row in rows] == ["n02124075", "n01443537"]
    for row, r in zip(rows, expected.per_class()):
        assert (int(row["index"]), int(row["images"])) == (r.index, 2)
        assert (float(row["top1"]), float(row["top5"]), int(row["times"])) == (r.top1, r.top5, r.times)
        assert row["mistaken_for"] == ("" if r.mistaken_for is None else model.class_names[r.mistaken_for])
    assert Image.open("evaluation.png").size[0] > 800
    out = capsys.readouterr().out
    assert f"top-1 {expected.top1:.1%}, top-5 {expected.top5:.1%}" in out and "4 validation images" in out
    assert "hardest classes" in out and "taken for one another" in out and "evaluation.csv" in out


def test_options(run, tmp_path, capsys):
    assert run("--out", "a.csv", "--worst", 0, "--cache", tmp_path / "cache") == 0
    assert (tmp_path / "a.png").exists() and "hardest" not in capsys.readouterr().out
    assert (tmp_path / "cache").exists()
    assert run("--out", "b.csv", "-q") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert run("--out", "a.csv") == 2 and "--force" in capsys.readouterr().err
    (tmp_path / "a.csv").unlink()
    assert run("--out", "a.csv") == 2, "the picture would be lost"
    assert run("--out", "a.csv", "--force") == 0
    assert run("--out", "a.txt") == 2 and ".csv" in capsys.readouterr().err


def test_a_network_for_other_classes_is_refused(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    head = [{"type": "global_avg_pool"}, {"type": "affine", "units": 3}]
    mean = np.full((3, 64, 64), 100.0)
    Network(head, mean_image=mean, wnids=["n00000001", "n00000002", "n01443537"]).save("other.h5")
    Network(head, mean_image=mean).save("nameless.h5")
    assert main(["evaluate", str(data), "--model", "other.h5"]) == 2
    assert "does not know 1 of the data's classes, such as n02124075" in capsys.readouterr().err
    assert main(["evaluate", str(data), "--model", "nameless.h5"]) == 2
    assert "the network has 3 classes, the data 2" in capsys.readouterr().err
    assert not (tmp_path / "evaluation.csv").exists()


def test_accuracy_under_attack_is_said_to_be_that(run, data, weights, capsys):
    model, contents = PretrainedCNN(weights), load_tiny_imagenet(data)
    y = np.array([1, 0])[contents["y_val"]]
    expected = evaluate(model, contents["X_val"], y, adversary=Adversary(2.0, 3), rng=4)
    assert run("--attack", "l2", "--eps", 2, "--steps", 3, "--seed", 4, "-q") == 0
    out = capsys.readouterr().out
    assert f"loss {expected.loss:.3f}" in out and "attacked: l2 of 2, 3 steps" in out
    assert run("--eps", 2, "--force") == 2 and "no effect without --attack" in capsys.readouterr().err
