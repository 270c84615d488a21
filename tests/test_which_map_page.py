"""docs/which-map.md: what its lists and its rule say follows from a result of rank-maps."""

import csv
import importlib.util
import json
from types import SimpleNamespace

import numpy as np
import pytest

from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.cli.ranking import fingerprint
from pixelgrad.cli.ranking_results import write_results
from pixelgrad.coursework.exercises.catalogue import ROOT
from pixelgrad.visualization.methods import METHODS
from pixelgrad.visualization.ranking import METRICS

DOCS = ROOT / "docs"
PAGE = (DOCS / "which-map.md").read_text(encoding="utf-8")


def script(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


page = script("make_which_map_page")
GOOD = {"pointing": 1, "energy": 0.9, "insertion": 0.8, "deletion": 0.1, "road": 0.5, "infidelity": 0.5}
GOOD |= {"max_sensitivity": 0.02, "randomised": 0.1, "other_class": 0.2, "sparseness": 0.5, "complexity": 0.9}
BLOB = {"pointing": 0.8, "energy": 0.7, "insertion": 0.5, "deletion": 0.2, "road": 0.3, "infidelity": 0.8}
BLOB |= {"max_sensitivity": 0, "randomised": 1, "other_class": 1, "sparseness": 0.4, "complexity": 0.97, "seconds": 0}
NOISE = BLOB | {"insertion": 0.3, "road": 0, "deletion": 0.3}
ROWS = {
    "saliency": GOOD | {"deletion": 0.25, "seconds": 0.001},
    "lrp": GOOD | {"insertion": 0.7, "seconds": 0.02},
    "cam": GOOD | {"seconds": 0.01},
    "grad_cam": GOOD | {"seconds": 0.03},
    "eigen_cam": GOOD | {"insertion": 0.6, "other_class": 1, "seconds": 0.005},
    "rise": GOOD | {"insertion": 0.65, "randomised": 0.7, "max_sensitivity": 0.3, "seconds": 0.5},
    "random": NOISE,
    "centre": BLOB,
}


def write(folder, rows_of, images=8):
    """A result of rank-maps in which every image has nearly the same numbers."""
    jitter = 1e-4 * np.random.default_rng(0).random(images)  # of the picture: the same for all methods
    with open(folder / "images.csv", "w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(["network", "method", "image", *METRICS])
        for network, rows in rows_of.items():
            for name, row in rows.items():
                for n in range(images):
                    values = [row[c] + (0 if METRICS[c].fixed else jitter[n]) for c in METRICS]
                    writer.writerow([network, name, n, *values])
    prints = {network: fingerprint(PretrainedCNN(variant=network)) for network in rows_of}
    settings = {"images": images, "few": 3, "seed": 7, "data": "photos.zip", "networks": prints}
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    args = SimpleNamespace(quiet=True)
    write_results(args, folder, folder / "images.csv", list(rows_of), list(ROWS), settings)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """A folder as rank-maps writes it; on the robust network LRP is not better than the blob in ROAD."""
    folder = tmp_path_factory.mktemp("rank-maps")
    write(folder, {"standard": ROWS, "robust": ROWS | {"lrp": ROWS["lrp"] | {"road": 0.3}}})
    return folder


@pytest.fixture(scope="module")
def texts(result, tmp_path_factory):
    docs = tmp_path_factory.mktemp("docs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["make_which_map_page.py", str(result), "--docs", str(docs)])
        page.main()
    assert len(list((docs / "pictures").glob("which-map*.png"))) == 4
    return {path.stem: path.read_text(encoding="utf-8") for path in (docs / "_tables").glob("*.md")}


def test_the_page_has_a_line_for_every_method_and_every_column_and_includes_what_the_script_writes(texts):
    for method in METHODS.values():
        assert f"| [{method.title}](techniques/" in PAGE and f") | {method.family} | " in PAGE, method.title
    for metric in METRICS.values():
        arrow = {1: " ↑", -1: " ↓", 0: ""}[metric.better]
        assert f"| {metric.title}{arrow} |" in PAGE, metric.title
    for name in texts:
        assert f"{{include}} _tables/{name}.md" in PAGE and (DOCS / "_tables" / f"{name}.md").exists()


def test_the_facts_say_which_images_and_how_fine_maps_are(texts):
    assert "holds 8 images, drawn with seed 7 from the validation images of photos" in texts["which-map-facts"]
    assert (
        "sMPRT and second class need many maps for each image: these columns are of the first 3"
        in (texts["which-map-facts"])
    )
    assert "8 x 8 positions" in texts["which-map-facts"]


def test_lists_name_the_methods_that_the_table_tells_apart(texts):
    standard, robust = texts["which-map-findings"].split("**Robust network**")
    assert "**Identical rows** on both networks: CAM, Grad-CAM.\n" in standard
    line = "Better than the blob in insertion, deletion and ROAD:"
    assert f"{line} LRP, CAM (and Grad-CAM), EigenCAM, RISE.\n" in standard
    assert f"{line} CAM (and Grad-CAM), EigenCAM, RISE.\n" in robust
    for text in (standard, robust):
        assert "Worse than the blob in deletion: saliency.\n" in text
        assert "Worse than the blob in ROAD: none.\n" in text
        assert "second class above 0.9: EigenCAM.\n" in text and "sMPRT above 0.5: RISE.\n" in text
        assert "class-blind or keeping its map: EigenCAM.\n" in text
        assert "hits the box in 80 % of the images" in text
    assert "LRP 100 %" in standard and "LRP 0 %" in robust and "saliency 0 %" in standard


def test_pairs_and_networks_are_compared_image_by_image(texts):
    findings = texts["which-map-findings"]
    assert "ROAD: lower on the robust network for 1 of 5 methods" in findings
    assert "DeepLIFT" not in findings  # it was not measured
    result = page.Result("standard", *({},) * 3)
    assert page._pairs([result]).count("\n") == 1  # the head only


def test_the_rule_takes_the_cheapest_of_those_that_pass_on_both_networks(texts):
    choice = texts["which-map-choice"]
    assert choice.startswith("Over all methods: **CAM (and Grad-CAM)** (0.010 s). No other method passes.")
    rows = {
        cells[0]: cells[1:] for cells in (line.strip("| ").split(" | ") for line in choice.splitlines()) if cells[1:]
    }
    assert rows["LRP"] == ["both", "both", "standard", "both", "both", "0.020"]
    assert rows["EigenCAM"] == ["both", "both", "both", "neither", "both", "0.005"]
    assert rows["RISE"][4] == "neither" and rows["saliency"][1] == "neither"
    assert list(rows)[1:3] == ["CAM (and Grad-CAM)", "LRP"]


def test_where_no_method_passes_the_nearest_are_named(tmp_path):
    rows = {name: row | {"road": min(row["road"], 0.3)} for name, row in ROWS.items()}
    write(tmp_path, {"standard": rows, "robust": rows})
    results = [page.read(tmp_path, network) for network in page.NETWORKS]
    choice = page.choice(results, page.one_map(results))
    expected = "no method passes. Nearest, by their cost: CAM (and Grad-CAM) (fails ROAD), LRP (fails ROAD)."
    assert choice.startswith(f"Over all methods: {expected}")


def test_agreement_lists_pairs_that_are_clear(texts):
    assert "**Standard network**" in texts["which-map-agreement"]
    pairs = {("insertion", "deletion"): (0.8, 0.6, 0.9), ("insertion", "road"): (0.3, -0.1, 0.6)}
    pairs |= {("deletion", "road"): (-0.4, -0.6, -0.2)}
    other = pairs | {("insertion", "deletion"): (0.4, 0.2, 0.9)}
    text = page.agreements([page.Result("standard", {}, {}, pairs), page.Result("robust", {}, {}, other)])
    standard, robust = text.split("**Robust network**")
    assert "Above 0.5: insertion and deletion 0.80." in standard and "Above 0.5: none." in robust
    assert "Below 0, with the whole interval: deletion and ROAD -0.40." in standard
    assert "The interval contains 0: 1 of 3 pairs." in standard
    assert text.endswith("Above 0.5 on both networks: none.")


def test_a_result_of_other_networks_is_refused(result, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["make_which_map_page.py", str(result), "--docs", str(tmp_path)])
    monkeypatch.setattr(page, "fingerprint", lambda model: "another")
    with pytest.raises(SystemExit):
        page.main()
    assert "measured on another standard network than the one that is shipped" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
