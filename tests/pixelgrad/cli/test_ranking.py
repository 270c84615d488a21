"""`pixelgrad rank-maps` on a data set of four pictures: files, resuming, refusals."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from pixelgrad.classifiers import Network
from pixelgrad.cli import main, ranking
from pixelgrad.visualization.ranking import CANDIDATES


@pytest.fixture
def bright(tmp_path):
    """Weights of a network that tells the data's two classes by their brightness."""
    conv = {"type": "conv", "filters": 4, "size": 3, "stride": 4, "pad": 1}
    network = Network(
        [conv, {"type": "global_avg_pool"}, {"type": "affine", "units": 2}],
        input_size=(64, 64),
        pixel_mean=[110.0] * 3,
        class_names=["Egyptian cat", "goldfish"],
        wnids=["n02124075", "n01443537"],  # in another order than the data's
        rng=0,
    )
    network.params["W1"] = np.abs(network.params["W1"]) * 0.01
    network.params["b1"] = np.full(4, 10.0, np.float32)
    network.params["W2"] = np.array([[1.0, -1.0]] * 4, np.float32)
    network.params["b2"] = np.array([-40.0, 40.0], np.float32)
    network.save(tmp_path / "bright.h5")
    return tmp_path / "bright.h5"


@pytest.fixture
def run(data, bright, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ranking, "CHUNK", 2)

    def run(*options, methods=("saliency", "lrp"), jobs=1):
        common = ["rank-maps", data, "--model", bright, "--images", 4, "--few", 1, "--jobs", jobs, "--out", "out"]
        code = main([*map(str, common), "--methods", *methods, *map(str, options)])
        return code, *capsys.readouterr()

    return run


def rows(tmp_path, name="images.csv"):
    with open(tmp_path / "out" / name, newline="") as f:
        return list(csv.DictReader(f))


def test_a_row_for_each_method_and_image_and_a_table_with_intervals(run, tmp_path):
    code, out, err = run()
    assert code == 0, err
    measured = rows(tmp_path)
    assert {row["method"] for row in measured} == {"saliency", "lrp", "random", "centre"} and len(measured) == 16
    assert sum(row["infidelity"] != "nan" for row in measured) == 4  # of one image of each
    for row in rows(tmp_path, "table.csv"):
        values = [float(r[row["metric"]]) for r in measured if r["method"] == row["method"]]
        assert float(row["mean"]) == pytest.approx(np.nanmean(values), rel=1e-4)
        assert float(row["low"]) <= float(row["mean"]) + 1e-5 and float(row["mean"]) <= float(row["high"]) + 1e-5
    table = (tmp_path / "out" / "table.md").read_text(encoding="utf-8")
    assert "### bright network, 4 images (1 for infidelity" in table and table in out
    assert "▲ better, ▼ worse" in table and "Max-sensitivity, sMPRT and second class have no signs" in table
    assert "| centred blob |" in table and "pointing game ↑" in table
    for name in ("bright.png", "bright-agreement.png"):
        assert Image.open(tmp_path / "out" / name).size[0] > 300


def test_methods_are_compared_with_the_blob_on_the_same_images(run, tmp_path):
    code, out, err = run("--few", 4)
    assert code == 0, err
    measured = {(row["method"], row["image"]): row for row in rows(tmp_path)}
    images = {image for _, image in measured}
    signs = {"better": "▲", "worse": "▼", "not told apart": "≈"}
    cells, seen = {}, set()
    for line in out.splitlines():
        first, *others = line.strip("| ").split(" | ")
        cells.setdefault(first, others)  # of the first of two tables
    compared = ["pointing", "energy", "insertion", "deletion", "road", "infidelity"]
    for row in rows(tmp_path, "table.csv"):
        column = row["metric"]
        if row["method"] == "centre" or column in ("sparseness", "complexity", "seconds"):
            assert row["difference"] == row["blob"] == ""
            continue
        pairs = [float(measured[row["method"], i][column]) - float(measured["centre", i][column]) for i in images]
        assert float(row["difference"]) == pytest.approx(np.mean(pairs), abs=1e-5)
        low, high = float(row["difference_low"]), float(row["difference_high"])
        better = -1 if column in ("deletion", "infidelity", "max_sensitivity", "randomised", "other_class") else 1
        clear = 1 if low > 0 else -1 if high < 0 else 0
        assert row["blob"] == {1: "better", -1: "worse", 0: "not told apart"}[better * clear]
        if column in compared:
            cell = cells[CANDIDATES[row["method"]].title][compared.index(column)]
            assert cell.startswith(f"{float(row['mean']):.2f}±") and cell.endswith(signs[row["blob"]])
            seen.add(row["blob"])
    assert len(seen) > 1
    pair = rows(tmp_path, "agreement.csv")[0]
    assert set(pair) == {"network", "metric", "other", "correlation", "low", "high"}


@pytest.mark.slow
def test_processes_do_not_show(run, tmp_path):
    assert run(jobs=2)[0] == 0
    both = sorted(rows(tmp_path), key=lambda row: (row["method"], row["image"]))
    assert run("--force")[0] == 0
    one = sorted(rows(tmp_path), key=lambda row: (row["method"], row["image"]))
    for a, b in zip(both, one, strict=True):
        assert a.pop("seconds") and b.pop("seconds") and a == b


@pytest.mark.slow
def test_what_was_stopped_goes_on_and_measures_nothing_twice(run, tmp_path, monkeypatch):
    calls, measure = [], ranking._measure

    def counted(item):
        calls.append(item)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return measure(item)

    monkeypatch.setattr(ranking, "_measure", counted)
    code, _, err = run("-q")
    assert code == 130 and "the same command goes on from there" in err and len(rows(tmp_path)) == 6
    code, _, err = run("-q")
    assert code == 0, err
    assert len(rows(tmp_path)) == 16 and len(calls) == 4 + 5  # of eight parts three were there
    assert run("-q")[0] == 0 and len(calls) == 9
    path = tmp_path / "out" / "images.csv"
    path.write_text(path.read_text()[:-9])  # the last line was cut short: its part is measured anew
    assert run("-q")[0] == 0 and len(calls) == 10
    assert len({(row["method"], row["image"]) for row in rows(tmp_path)}) == 16
    assert run("-q", methods=("saliency", "lrp", "grad_cam"))[0] == 0 and len(calls) == 12


@pytest.mark.slow
def test_other_settings_need_another_folder(run, tmp_path):
    assert run("-q")[0] == 0
    code, _, err = run("-q", "--seed", 5)
    assert code == 2 and "holds other images, networks or settings" in err and len(rows(tmp_path)) == 16
    assert run("-q", "--seed", 5, "--force")[0] == 0
    assert json.loads((tmp_path / "out" / "settings.json").read_text())["seed"] == 5


def test_methods_and_networks_that_there_are_not(run):
    code, _, err = run(methods=("magic",))
    assert code == 2 and "there is no method 'magic'; they are saliency, smoothgrad" in err
    code, _, err = run("--model", "nowhere.h5")
    assert code == 2 and "nowhere.h5" in err


@pytest.mark.slow
def test_images_that_a_network_gets_wrong_are_left_out(run, bright, tmp_path):
    network = Network.load(bright)
    network.params["b2"] = np.array([-1e6, 1e6], np.float32)  # everything is a goldfish
    network.save(bright, overwrite=True)
    assert run("-q")[0] == 0
    assert {row["image"] for row in rows(tmp_path)} == {"0", "1"}
