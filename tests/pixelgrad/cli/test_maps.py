"""The commands that make maps: what they write, what they say, and how they refuse."""

import argparse
import sys

import numpy as np
import pytest
from PIL import Image

from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.cli import commands, main
from pixelgrad.cli.attribution import ALL_METHODS, MEASURED
from pixelgrad.cli.maps import add_map_commands
from pixelgrad.visualization.occlusion import occlusion_cost

QUICK = {
    "occlude": ["--window", "16", "--stride", "16"],
    "attribute": [],
    "segment": [],
    "cam": [],
    "faithfulness": ["--methods", "saliency", "grad_cam", "--steps", "3"],
}


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, weights):
    """run(*arguments) -> exit code, standard output, standard error; in an empty folder, with the tiny network."""

    def make_parser():
        parser = argparse.ArgumentParser(prog="pixelgrad")
        add_map_commands(parser.add_subparsers(dest="command", required=True))
        return parser

    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(commands, "make_parser", make_parser)

    def run(*arguments):
        try:
            code = commands.main([*(str(a) for a in arguments), "--model", str(weights)])
        except SystemExit as stop:  # argparse's own refusals
            code = stop.code
        out, err = capsys.readouterr()
        return code, out, err

    run.folder = folder
    return run


def is_one_line(err, *words):
    assert err.count("\n") == 1 and "Traceback" not in err, err
    for word in words:
        assert word in err, err
    return True


@pytest.mark.parametrize("command", QUICK)
def test_a_photograph_becomes_a_picture(run, photo, command):
    code, out, err = run(command, photo, *QUICK[command], "--out", "made.png")
    assert code == 0, err
    assert "made.png" in out
    assert np.asarray(Image.open(run.folder / "made.png").convert("L")).std() > 5


def test_the_default_names_differ_and_quiet_says_nothing(run, photo):
    for command, options in QUICK.items():
        assert run(command, photo, *options, "-q") == (0, "", "")
    names = {path.stem for path in run.folder.iterdir()}
    stems = {"occlusion", "attribution", "segmentation", "cam", "faithfulness"}
    assert {name.split("-photo-")[0] for name in names} == stems
    assert len(names) == 6 and sum(name.endswith("-sanity") for name in names) == 1


@pytest.mark.parametrize("command", QUICK)
def test_nothing_is_overwritten_unless_forced(run, photo, command):
    target = run.folder / "made.png"
    target.write_text("precious")
    code, _, err = run(command, photo, *QUICK[command], "--out", target)
    assert code == 2 and is_one_line(err, "exists", "--force") and target.read_text() == "precious"
    assert run(command, photo, *QUICK[command], "--out", target, "--force", "-q")[0] == 0
    assert target.read_bytes().startswith(b"\x89PNG")


def test_the_sanity_picture_is_not_overwritten_either(run, photo):
    (run.folder / "faithfulness-sanity.png").write_text("precious")
    out = ["--out", "faithfulness.png"]
    code, _, err = run("faithfulness", photo, *QUICK["faithfulness"], *out)
    assert code == 2 and is_one_line(err, "faithfulness-sanity.png", "--force")
    assert not (run.folder / "faithfulness.png").exists()
    assert run("faithfulness", photo, *QUICK["faithfulness"], *out, "--sanity", "no", "-q")[0] == 0
    assert (run.folder / "faithfulness-sanity.png").read_text() == "precious"


@pytest.mark.parametrize("command", QUICK)
@pytest.mark.parametrize(("out", "word"), [("noext", "end in"), ("none/x.png", "does not exist")])
def test_a_bad_destination_is_refused_before_the_work(run, photo, monkeypatch, command, out, word):
    monkeypatch.setattr("pixelgrad.classifiers.PretrainedCNN", lambda *_: pytest.fail("worked all the same"))
    code, _, err = run(command, photo, *QUICK[command], "--out", out)
    assert code == 2 and is_one_line(err, word)


@pytest.mark.parametrize("command", QUICK)
def test_what_is_misspelt_gets_an_answer_in_one_line(run, photo, command):
    code, _, err = run(command, photo, *QUICK[command], "--class", "Egiptian cat")
    assert code == 2 and is_one_line(err, "Egyptian cat")
    code, _, err = run(command, "cta", *QUICK[command])
    assert code == 2 and is_one_line(err, "portrait")
    code, _, err = run(command, photo, *QUICK[command], "--clas", "lemon")
    assert code == 2 and "usage:" in err


def test_a_sample_photograph_goes_by_its_name(run):
    assert run("cam", "portrait", "-q")[0] == 0


# -- what the commands say --------------------------------------------------------------------------------------------


def test_occlude_tells_the_cost_before_and_the_drop_after(run, photo, weights):
    code, out, _ = run("occlude", photo, "--window", "10", "--stride", "7", "--class", "lemon")
    cost = occlusion_cost((1, 3, 32, 32), window=10, stride=7)
    assert code == 0 and out.startswith(f"{cost} pictures") and "'lemon': score" in out and "5x5 places" in out


def test_integrated_gradients_report_sum_and_difference(run, photo):
    out = run("attribute", photo, "--method", "integrated_gradients")[1]
    total, difference = (float(part.split(")")[0].split(",")[0].split()[-1]) for part in out.split("sum ")[1].split(
        "differ by "))  # fmt: skip
    assert abs(total - difference) <= max(0.01 * abs(difference), 0.02)


def test_segment_reports_the_box(run, photo):
    out = run("segment", photo)[1]
    assert "rows" in out and "columns" in out and "% of the picture" in out


def test_faithfulness_is_a_table_best_insertion_first_with_a_random_order(run, photo):
    code, out, err = run("faithfulness", photo, "--steps", "4")
    lines = out.splitlines()
    assert code == 0, err
    rows = [line for line in lines if line.count("0.") + line.count("1.") >= 2]
    assert len(rows) == len(MEASURED) + 1 and any(row.startswith("random order") for row in rows)
    insertion = [float(row[24:].split()[1]) for row in rows]
    assert insertion == sorted(insertion, reverse=True)


def test_the_title_names_class_and_probability(run, photo, weights, monkeypatch):
    from pixelgrad.visualization.plots import maps

    titles, plot = [], maps.plot_maps
    monkeypatch.setattr(maps, "plot_maps", lambda i, m, t, **o: titles.extend(t) or plot(i, m, t, **o))
    assert run("cam", photo, "--class", "lemon", "-q")[0] == 0
    model = PretrainedCNN(weights)
    from pixelgrad.datasets import load_image

    X = model.preprocess(load_image(photo, size=32))
    assert titles == [f"lemon\np = {model.probabilities(X)[0, 4]:.3f}"]


# -- options ----------------------------------------------------------------------------------------------------------

EFFECTS = [
    ("occlude", [], ["--window", "9"]),
    ("occlude", [], ["--stride", "8"]),
    ("occlude", [], ["--objective", "probability"]),
    *(("occlude", [], ["--fill", fill]) for fill in ("black", "mean", "blur", "noise")),
    ("occlude", ["--fill", "noise"], ["--fill", "noise", "--seed", "5"]),
    ("occlude", [], ["--class", "lemon"]),
    ("occlude", [], ["--size", "40"]),
    *(("attribute", [], ["--method", method]) for method in ALL_METHODS if method != "saliency"),
    ("attribute", [], ["--channels", "l2"]),
    ("attribute", [], ["--channels", "sum"]),
    ("attribute", [], ["--signed", "yes"]),
    ("attribute", ["--method", "gradient_x_input"], ["--method", "gradient_x_input", "--signed", "no"]),
    ("attribute", ["--method", "gradient_x_input"], ["--method", "gradient_x_input", "--channels", "l2"]),
    ("attribute", ["--method", "guided"], ["--method", "guided", "--channels", "max"]),
    ("attribute", ["--method", "smoothgrad"], ["--method", "smoothgrad", "--samples", "3"]),
    ("attribute", ["--method", "smoothgrad"], ["--method", "smoothgrad", "--noise", "0.5"]),
    ("attribute", ["--method", "smoothgrad"], ["--method", "smoothgrad", "--seed", "5"]),
    ("attribute", ["--method", "smoothgrad"], ["--method", "smoothgrad", "--signed", "yes"]),
    (
        "attribute",
        ["--method", "integrated_gradients"],
        ["--method", "integrated_gradients", "--baseline", "blur"],
    ),
    ("attribute", ["--method", "integrated_gradients"], ["--method", "integrated_gradients", "--steps", "1500"]),
    ("attribute", ["--method", "guided_grad_cam"], ["--method", "guided_grad_cam", "--layer", "conv1"]),
    *(
        ("attribute", ["--method", method], ["--method", method, *option])
        for method, *option in (
            ("lrp", "--rules", "z+"),
            ("lrp", "--gamma", "2"),
            ("lrp", "--signed", "no"),
            ("vargrad", "--noise", "0.4"),
            ("rise", "--grid", "3"),
            ("rise", "--samples", "20"),
            ("rise", "--baseline", "black"),
            ("kernel_shap", "--superpixels", "9"),
            ("kernel_shap", "--grid", "3"),
            ("blur_integrated_gradients", "--max-sigma", "2"),
            ("guided_integrated_gradients", "--max-distance", "0.9"),
            ("deep_lift", "--baseline", "grey"),
            ("expected_gradients", "--seed", "4"),
            ("layer_cam", "--layer", "conv1"),
            ("hires_cam", "--signed", "yes"),
        )
    ),
    (
        "attribute",
        ["--method", "lrp", "--rules", "epsilon"],
        ["--method", "lrp", "--rules", "epsilon", "--epsilon", "2"],
    ),
    *(("segment", [], ["--method", method]) for method in ("grad_cam", "integrated_gradients", "smoothgrad")),
    ("segment", [], ["--threshold", "0.9"]),
    ("segment", [], ["--threshold", "otsu"]),
    ("segment", [], ["--sigma", "6"]),
    ("segment", ["--method", "grad_cam"], ["--method", "grad_cam", "--layer", "0"]),
    ("segment", ["--sigma", "0"], ["--sigma", "0", "--all-regions"]),
    ("cam", [], ["--method", "cam"]),
    ("cam", [], ["--layer", "conv1"]),
    ("cam", [], ["--signed"]),
    ("cam", ["--method", "cam"], ["--method", "cam", "--signed"]),
    ("faithfulness", ["--methods", "saliency"], ["--methods", "guided"]),
    ("faithfulness", ["--methods", "saliency"], ["--methods", "saliency", "--steps", "7"]),
    ("faithfulness", ["--methods", "smoothgrad"], ["--methods", "smoothgrad", "--seed", "3"]),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "one", "other"), EFFECTS, ids=lambda value: value if isinstance(value, str) else " ".join(value) or "-"
)
def test_every_option_shows_in_the_picture(run, photo, once, command, one, other):
    def made(options, name):
        base = ["--sanity", "no"] if command == "faithfulness" else []
        code, _, err = run(command, photo, *base, *options, "--out", name, "-q")
        assert code == 0 and not err, err
        return np.asarray(Image.open(run.folder / name))

    pictures = once((command, *one), lambda: made(one, "a.png")), made(other, "b.png")
    assert pictures[0].shape != pictures[1].shape or not np.array_equal(*pictures)


@pytest.mark.parametrize(
    ("command", "one", "other"), EFFECTS, ids=lambda value: value if isinstance(value, str) else " ".join(value) or "-"
)
def test_every_option_shows_in_the_default_name(default_name, command, one, other):
    assert default_name(command, "photo.png", *one) != default_name(command, "photo.png", *other)


def test_the_same_command_makes_the_same_picture(run, photo):
    for name in ("a.png", "b.png"):
        assert run("attribute", photo, "--method", "smoothgrad", "--out", name, "-q")[0] == 0
    assert np.array_equal(*(np.asarray(Image.open(run.folder / name)) for name in ("a.png", "b.png")))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["attribute", "--samples", "3"], ["--samples has no effect on saliency", "smoothgrad"]),
        (["attribute", "--method", "guided", "--seed", "3"], ["--seed has no effect on guided"]),
        (["attribute", "--baseline", "grey"], ["--baseline has no effect", "integrated_gradients"]),
        (["attribute", "--method", "eigen_cam", "--class", "lemon"], ["--class has no effect", "for all classes"]),
        (["attribute", "--method", "rise", "--channels", "sum"], ["--channels has no effect on rise", "one number"]),
        (["attribute", "--method", "vargrad", "--signed", "yes"], ["vargrad is never negative"]),
        (["attribute", "--method", "kernel_shap", "--signed", "no"], ["--signed no", "it matters"]),
        (["attribute", "--method", "lrp", "--rules", "0", "--gamma", "1"], ["--gamma has no effect with --rules 0"]),
        (["attribute", "--method", "cam", "--layer", "0"], ["--layer has no effect on cam"]),
        (["attribute", "--method", "deep_lift", "--steps", "4"], ["--steps has no effect on deep_lift"]),
        (["attribute", "--method", "kernel_shap", "--grid", "4", "--superpixels", "9"], ["give one of them"]),
        (["attribute", "--method", "kernel_shap", "--samples", "33"], ["even number of samples"]),
        (["segment", "--method", "saliency", "--layer", "0"], ["--layer has no effect on saliency"]),
        (["segment", "--steps", "4"], ["--steps has no effect on saliency"]),
        (["attribute", "--signed", "yes", "--channels", "l2"], ["no sign"]),
        (["occlude", "--seed", "3"], ["--fill noise only"]),
        (["occlude", "--window", "33"], ["33 pixels does not fit", "32"]),
        (["occlude", "--window", "4", "--stride", "5"], ["left out"]),
        (["cam", "--method", "cam", "--layer", "0"], ["grad_cam only"]),
        (["cam", "--layer", "conv9"], ["0 conv1", "1 conv2"]),
        (["cam", "--layer", "affine1"], ["layers with maps are 0 conv1, 1 conv2"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_options_without_effect_or_sense_are_refused(run, photo, arguments, words):
    code, _, err = run(arguments[0], photo, *arguments[1:])
    assert code == 2 and is_one_line(err, *words) and list(run.folder.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["attribute", "--method", "magic"],
        ["occlude", "--fill", "pink"],
        ["occlude", "--window", "0"],
        ["segment", "--threshold", "2"],
        ["segment", "--threshold", "mean"],
        ["faithfulness", "--methods", "magic"],
        ["cam", "--seed", "1"],
    ],
    ids=" ".join,
)
def test_misuse_is_refused_by_usage(run, photo, arguments):
    code, _, err = run(arguments[0], photo, *arguments[1:])
    assert code == 2 and "usage:" in err


# -- Ctrl-C -----------------------------------------------------------------------------------------------------------


def stop_at(monkeypatch, where, name, call):
    """Let the function raise KeyboardInterrupt when it is called for the so-manyeth time."""
    calls, function = [], getattr(where, name)

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return function(*args, **kwargs)

    monkeypatch.setattr(where, name, interrupted)


def test_ctrl_c_keeps_the_places_that_were_occluded(run, photo, monkeypatch):
    from pixelgrad.visualization import occlusion
    from pixelgrad.visualization.plots import maps

    seen, plot = [], maps.plot_occlusion
    monkeypatch.setattr(
        maps, "plot_occlusion", lambda i, result, *a, **o: seen.append(result) or plot(i, result, *a, **o)
    )
    options = ["--stride", "1", "--out"]
    assert run("occlude", photo, *options, "whole.png", "-q")[0] == 0
    stop_at(monkeypatch, occlusion, "class_value", 4)  # of the whole image, and of three batches of 64
    code, _, err = run("occlude", photo, *options, "made.png", "-q")
    assert code == 130 and is_one_line(err, "128 of 289 places were measured", "so far is in made.png")
    whole, part = (result.grid.ravel() for result in seen)
    np.testing.assert_array_equal(part[:128], whole[:128])
    assert np.isnan(part[128:]).all() and (run.folder / "made.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("command", "where", "name", "call"),
    [
        (["occlude"], "occlusion", "class_value", 2),
        (["attribute", "--method", "smoothgrad"], "attribution", "class_gradient", 1),
        (["segment", "--method", "smoothgrad"], "attribution", "class_gradient", 1),
        (["attribute", "--method", "guided"], "guided", "guided_backprop", 1),
        (["faithfulness"], "faithfulness", "sanity_check", 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_ctrl_c_before_anything_is_done_writes_nothing(run, photo, monkeypatch, command, where, name, call):
    import pixelgrad.visualization  # noqa: F401

    stop_at(monkeypatch, sys.modules[f"pixelgrad.visualization.{where}"], name, call)
    code, _, err = run(command[0], photo, *command[1:], "-q")
    assert code == 130 and is_one_line(err, "nothing was written") and list(run.folder.iterdir()) == []


def test_ctrl_c_keeps_the_mean_of_the_noisy_copies_so_far(run, photo, monkeypatch):
    from pixelgrad.visualization import attribution
    from pixelgrad.visualization.plots import maps

    seen, plot = [], maps.plot_maps
    monkeypatch.setattr(maps, "plot_maps", lambda i, maps, *a, **o: seen.append(maps) or plot(i, maps, *a, **o))
    options = ["--method", "smoothgrad", "--samples"]
    assert run("attribute", photo, *options, "32", "--out", "whole.png", "-q")[0] == 0
    stop_at(monkeypatch, attribution, "class_gradient", 2)
    code, out, err = run("attribute", photo, *options, "90", "--out", "made.png")
    assert code == 130 and "so far is in made.png" in err and "(mean of 32 noisy copies)" in out
    np.testing.assert_array_equal(*seen)


def test_ctrl_c_keeps_the_integral_before_its_steps_are_doubled(run, photo, monkeypatch):
    from pixelgrad.visualization import attribution

    mean_gradient = attribution._mean_gradient
    monkeypatch.setattr(attribution, "_mean_gradient", lambda *args: 2 * mean_gradient(*args))  # never near enough
    stop_at(monkeypatch, attribution, "_mean_gradient", 2)
    code, out, err = run("attribute", photo, "--method", "integrated_gradients", "--out", "made.png")
    assert code == 130 and "so far is in made.png" in err and "scores differ by" in out
    assert (run.folder / "made.png").read_bytes().startswith(b"\x89PNG")


def test_ctrl_c_keeps_the_methods_that_were_measured(run, photo, monkeypatch):
    from pixelgrad.visualization import faithfulness

    stop_at(monkeypatch, faithfulness, "sanity_check", 3)
    methods = ["--methods", "saliency", "guided", "grad_cam", "--steps", "3"]
    code, out, err = run("faithfulness", photo, *methods, "--out", "made.png")
    assert code == 130 and "2 of 3 methods were measured" in err and "so far is in made.png and made-sanity.png" in err
    assert all(name in out for name in ("saliency", "guided backpropagation", "random order"))
    assert "Grad-CAM" not in out and (run.folder / "made-sanity.png").exists()


def test_attribute_shows_what_a_channel_or_a_neuron_responds_to(weights, photo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    common = ["attribute", str(photo), "--model", str(weights)]
    made = {}
    for n, options in enumerate(
        (
            ["--method", "guided"],
            ["--method", "guided", "--layer", "conv2", "--channel", "3"],
            ["--method", "guided", "--layer", "conv2", "--channel", "4"],
            ["--method", "guided", "--layer", "conv1", "--channel", "3"],
            ["--method", "deconvnet", "--layer", "conv2", "--channel", "3"],
            ["--method", "guided", "--layer", "conv2", "--channel", "3", "--position", "strongest"],
            ["--method", "guided", "--layer", "conv2", "--channel", "3", "--position", "2,5"],
        )
    ):
        assert main([*common, *options, "--out", f"{n}.png"]) == 0
        made[n] = (tmp_path / f"{n}.png").read_bytes()
    assert len(set(made.values())) == len(made)
    assert "conv2, channel 3, strongest" in capsys.readouterr().out
    for options, message in (
        (["--method", "guided", "--channel", "3"], "--channel needs --layer"),
        (["--method", "smoothgrad", "--channel", "3", "--layer", "conv2"], "one of the methods"),
        (["--method", "guided", "--position", "2,5"], "--position is that of a neuron"),
        (["--method", "guided", "--layer", "conv2", "--channel", "3", "--position", "x"], "expected ROW,COLUMN"),
        (["--method", "guided", "--layer", "conv2", "--channel", "99"], "channels 0 to 7"),
    ):
        assert main([*common, *options, "--out", "bad.png"]) == 2
        assert message in capsys.readouterr().err
