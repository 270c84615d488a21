"""The command line as its users meet it: what it writes, what it says, and how it refuses."""

import importlib
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
from PIL import Image

from pixelgrad.cli import commands, main

# Every command that makes a picture, with its smallest arguments.
PICTURES = {
    "saliency": [],
    "fool": ["--target", "lemon", "--confidence", "0", "--max-iterations", "500"],
    "invert": ["--layer", "conv1", "--iterations", "5"],
    "dream": ["--layer", "1", "--iterations", "2"],
}


def is_one_line(err, *words):
    assert err.count("\n") == 1 and "Traceback" not in err, err
    for word in words:
        assert word in err, err
    return True


@pytest.mark.parametrize("command", PICTURES)
def test_a_photograph_becomes_a_picture(run, photo, command):
    code, out, err = run(command, photo, *PICTURES[command], "--out", "made.png")
    assert code == 0, err
    assert "made.png" in out
    with Image.open(run.folder / "made.png") as picture:
        assert picture.mode in ("RGB", "RGBA") and np.asarray(picture.convert("L")).std() > 5


def test_visualize_takes_several_classes(run):
    code, out, _ = run("visualize", "lemon", "n07753592", "0", "--iterations", "3", "-q")
    assert code == 0 and out == ""
    (made,) = run.folder.iterdir()
    assert made.name.startswith("class-lemon-n07753592-0-") and made.stat().st_size > 1000


def test_the_default_names_differ_and_quiet_says_nothing(run, photo):
    for command, options in PICTURES.items():
        code, out, err = run(command, photo, *options, "-q")
        assert (code, out, err) == (0, "", "")
    names = {path.name.split("-photo-")[0] for path in run.folder.iterdir()}
    assert names == {"saliency", "fooling", "inversion", "dream"} and len(list(run.folder.iterdir())) == 5


def test_predict_lists_classes_with_probabilities(run, photo):
    code, out, _ = run("predict", photo, "--top", "3")
    lines = out.splitlines()
    assert code == 0 and len(lines) == 3
    chances = [float(line.split("%")[0]) for line in lines]
    assert chances == sorted(chances, reverse=True) and sum(chances) <= 100.1
    assert any("Carassius" in line or "cat" in line or "bus" in line or "banana" in line for line in lines)


def test_summary_shows_layers_and_classes(run):
    code, out, _ = run("summary", "--classes")
    assert code == 0
    for word in ("conv2", "8 x 8 x 8", "multiply-adds", "n04146614", "school bus"):
        assert word in out


def test_a_sample_photograph_goes_by_its_name(run):
    assert run("predict", "portrait")[0] == 0
    (run.folder / "portrait").mkdir()
    assert run("predict", "portrait")[0] == 0, "a folder of that name is no picture"


@pytest.mark.parametrize("label", ["Egyptian cat", "egyptian CAT", "Carassius auratus", "n07753592", "4"])
def test_classes_go_by_name_wordnet_id_or_index(run, photo, label):
    assert run("saliency", photo, "--class", label)[0] == 0


def test_the_saved_fooling_image_is_what_the_report_is_about(run, photo, weights):
    from pixelgrad.classifiers import PretrainedCNN

    code, out, err = run(
        "fool", photo, "--target", "lemon", "--confidence", "0.5", "--max-iterations", "500", "--out", "fooling.png"
    )
    assert code == 0 and "fooled" in out and "NOT" not in out, (out, err)
    model = PretrainedCNN(weights)
    saved = np.asarray(Image.open(run.folder / "fooling-image.png"))
    ((best, *_),) = model.predict(model.preprocess(saved))
    assert saved.shape == (32, 32, 3) and best.name == "lemon" and f"{best.probability:.3f}" in out


def test_an_attack_that_fails_says_so_and_exits_with_1(run, photo):
    for target in ("lemon", "banana"):  # the network may see one of them anyway
        code, out, _ = run("fool", photo, "--target", target, "--max-iterations", "0", "--out", f"{target}.png")
        if code:
            break
    assert code == 1 and "NOT fooled" in out


def test_the_seed_repeats_a_result(run):
    pictures = []
    for name, seed in (("a.png", 1), ("b.png", 1), ("c.png", 2)):
        assert run("visualize", "2", "--iterations", "2", "--seed", seed, "--out", name)[0] == 0
        pictures.append(np.asarray(Image.open(run.folder / name)))
    assert np.array_equal(pictures[0], pictures[1]) and not np.array_equal(pictures[0], pictures[2])


def test_a_dream_keeps_the_photographs_shape(run, photo):
    run("dream", photo, *PICTURES["dream"], "--out", "dream.png")
    assert Image.open(run.folder / "dream.png").size == (90, 60)
    run("dream", photo, *PICTURES["dream"], "--size", "45", "--out", "dream.png", "--force")
    assert Image.open(run.folder / "dream.png").size == (45, 30)


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", PICTURES)
def test_nothing_is_overwritten_unless_forced(run, photo, command):
    target = run.folder / "made.png"
    target.write_text("precious")
    code, _, err = run(command, photo, *PICTURES[command], "--out", target)
    assert code == 2 and is_one_line(err, "exists", "--force") and target.read_text() == "precious"
    assert run(command, photo, *PICTURES[command], "--out", target, "--force", "-q")[0] == 0
    assert target.read_bytes().startswith(b"\x89PNG")


def damaged(kind, weights, tmp_path):
    path = tmp_path / f"{kind}.h5"
    if kind == "missing":
        return path
    path.write_bytes(weights.read_bytes())
    if kind == "truncated":
        path.write_bytes(weights.read_bytes()[:4000])
    elif kind == "text":
        path.write_text("not a network")
    else:
        with h5py.File(path, "r+") as f:
            if kind == "nan":
                f["W1"][0, 0, 0, 0] = np.nan
            elif kind == "misshapen":
                del f["W2"]
                f["W2"] = np.zeros((8, 6, 5, 5), np.float32)
            else:
                f.attrs["format"] = "another program"
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "does not exist"),
        ("truncated", "again"),
        ("text", "HDF5"),
        ("foreign", "format"),
        ("nan", "NaN"),
        ("misshapen", "(8, 6, 5, 5)"),
    ],
)
def test_a_weights_file_that_is_no_use(run, photo, weights, tmp_path, kind, words):
    code, _, err = run("predict", photo, model=damaged(kind, weights, tmp_path))
    assert code == 2 and is_one_line(err, words, f"{kind}.h5")


def test_pictures_that_are_none(run, tmp_path):
    (tmp_path / "text.jpg").write_text("hello")
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    huge = Image.new("1", (10_000, 10_000))
    huge.save(tmp_path / "huge.png")
    for name, word in (
        ("text.jpg", "text.jpg"),
        ("dot.png", "1x1"),
        ("huge.png", "10000x10000"),
        ("none.png", "none.png"),
    ):
        code, _, err = run("predict", tmp_path / name)
        assert code == 2 and is_one_line(err.replace(" x ", "x").replace("10,000", "10000"), word)


def test_a_misspelt_class_gets_the_nearest_names(run, photo):
    code, _, err = run("saliency", photo, "--class", "Egiptian cat")
    assert code == 2 and is_one_line(err, "Egyptian cat")
    code, _, err = run("saliency", photo, "--class", "7")
    assert code == 2 and is_one_line(err, "0 to 4")


def test_an_unknown_layer_lists_the_layers(run, photo):
    code, _, err = run("dream", photo, "--layer", "conv9")
    assert code == 2 and is_one_line(err, "0 conv1", "1 conv2")


def test_a_photograph_from_every_layer(run, photo):
    code, out, _ = run("invert", photo, "--layer", "all", "--iterations", "2", "--out", "inversion.png")
    assert code == 0 and "4 layers" in out and Image.open(run.folder / "inversion.png").size[0] > 500


@pytest.mark.parametrize("layer", ["conv1/99", "conv1:", "conv1/x", "conv7:2", ""])
def test_a_mixture_that_cannot_be_read_is_refused(layer, run, photo):
    code, _, err = run("dream", photo, "--layer", layer, "--iterations", "1")
    assert code == 2 and len(err.splitlines()) == 1


def test_features_without_an_image_are_no_place_to_dream(run, photo):
    assert run("dream", photo, "--layer", "affine1", "--iterations", "1")[0] == 0, (
        "a dream of the scores is one of all classes"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["saliency", "x.png", "--clas", "cat"],
        ["invert", "x.png", "--iterations", "0"],
        ["fool", "x.png"],
        ["paint", "x.png"],
        [],
    ],
)
def test_misuse_is_refused_by_usage(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and "usage:" in capsys.readouterr().err


def test_a_folder_that_is_missing_or_read_only(run, photo, monkeypatch):
    code, _, err = run("saliency", photo, "--out", "nowhere/made.png")
    assert code == 2 and is_one_line(err, "nowhere", "does not exist")

    def no(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pixelgrad._files.tempfile.mkstemp", no)
    code, _, err = run("saliency", photo, "--out", "made.png")
    assert code == 2 and is_one_line(err, "made.png", "Permission denied")


def test_a_full_disk_leaves_nothing_behind(run, photo, monkeypatch):
    def full(self, file, *_, **__):
        open(file, "wb").write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    code, _, err = run("saliency", photo, "--out", "made.png")
    assert code == 2 and is_one_line(err, "made.png", "No space left")
    assert list(run.folder.iterdir()) == []


@pytest.mark.parametrize("command", PICTURES)
@pytest.mark.parametrize(
    ("out", "word"), [("noext", "end in"), ("x.xyz", "end in"), (".", "folder"), ("none/x.png", "does not exist")]
)
def test_a_bad_destination_is_refused_before_the_work(run, photo, monkeypatch, command, out, word):
    monkeypatch.setattr("pixelgrad.classifiers.PretrainedCNN", lambda *_: pytest.fail("worked all the same"))
    code, _, err = run(command, photo, *PICTURES[command], "--out", out, "--force")
    assert code == 2 and is_one_line(err, word) and list(run.folder.iterdir()) == []


def test_a_device_is_never_replaced(run, photo):
    os.mkfifo(run.folder / "pipe.png")
    code, _, err = run("saliency", photo, "--out", "pipe.png", "--force")
    assert code == 2 and is_one_line(err, "not a regular file")


def test_a_sample_that_is_not_there_lists_those_that_are(run):
    code, _, err = run("predict", "cta")
    assert code == 2 and is_one_line(err, "cta", "portrait")


def test_raw_steps_need_a_learning_rate(run, photo):
    code, _, err = run("invert", photo, "--raw")
    assert code == 2 and is_one_line(err, "--learning-rate")


def test_a_mistake_of_ours_ends_in_one_line_too(run, photo, monkeypatch):
    monkeypatch.setattr("pixelgrad.classifiers.PretrainedCNN", lambda *_, **__: {}["nothing"])
    code, _, err = run("predict", photo)
    assert code == 1 and is_one_line(err, "KeyError", "--debug")


def test_the_same_command_again_is_refused_and_another_is_not(run, photo):
    assert run("saliency", photo, "-q")[0] == 0
    code, _, err = run("saliency", photo)
    assert code == 2 and is_one_line(err, "exists already", "--force") and "overwrite=True" not in err
    assert run("saliency", photo, "--class", "lemon", "-q")[0] == 0 == run("saliency", photo, "-q", "--force")[0]
    assert len(list(run.folder.iterdir())) == 2


def test_confidence_decides_when_the_attack_ends(run, photo):
    reports = []
    for confidence in ("0", "0.95"):
        name = f"{confidence}.png"
        options = ["--target", "lemon", "--max-iterations", "900", "--confidence", confidence, "--out", name]
        reports.append(run("fool", photo, *options)[1])
    steps = [int(report.split(" steps")[0].split()[-1]) for report in reports]
    assert steps[0] < steps[1], reports


def test_the_standard_network_by_its_name_has_a_twin_too(monkeypatch, tmp_path):
    twins = []
    monkeypatch.setattr(
        "pixelgrad.visualization.gallery.build.make_gallery", lambda out, model, *, twin, **_: twins.append(twin) or out
    )
    for model in ([], ["--model", "standard"], ["--model", "robust"]):
        assert main(["gallery", "--out", str(tmp_path / "g"), "-q", *model]) == 0
    assert [twin is not None for twin in twins] == [True, True, False]


def test_the_gallery_command_hands_its_options_on(run, photo, weights, monkeypatch):
    calls = []

    def make_gallery(out, model, **options):
        calls.append((out, options))
        return "index.html"

    monkeypatch.setattr("pixelgrad.visualization.gallery.build.make_gallery", make_gallery)
    assert run("gallery", "--image", photo, "--out", "g", "--seed", "4", "--force", "-q")[0] == 0
    ((out, options),) = calls
    assert out == "g" and options["image"].shape == (60, 90, 3) and options["image_name"] == "photo.png"
    assert (options["seed"], options["overwrite"], options["progress"]) == (4, True, False)


def test_the_download_command_hands_its_options_on(run, monkeypatch, tmp_path):
    calls = []

    def download(name, folder, **options):
        calls.append((name, folder, options))
        (tmp_path / "file").write_text("x")
        return tmp_path / "file"

    monkeypatch.setattr("pixelgrad.datasets.download", download)
    assert run("download", "cs231n-pretrained", "--out", "d", "--url", "http://127.0.0.1/x", "-q")[0] == 0
    assert calls == [("cs231n-pretrained", "d", {"overwrite": False, "url": "http://127.0.0.1/x", "progress": False})]


def test_debug_shows_the_traceback(run, photo):
    with pytest.raises(ValueError, match="conv9"):
        run("dream", photo, "--layer", "conv9", "--debug")


@pytest.mark.parametrize("command", ["fool", "visualize", "invert", "dream"])
def test_ctrl_c_keeps_the_picture_made_so_far(run, photo, monkeypatch, command):
    """The interrupt comes in the fourth backward pass."""
    from pixelgrad.classifiers import Network

    calls, backward = [], Network.backward

    def interrupted(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return backward(self, *args, **kwargs)

    monkeypatch.setattr(Network, "backward", interrupted)
    arguments = {
        "fool": [photo, "--target", "lemon", "--learning-rate", "1e-6"],
        "visualize": ["lemon"],
        "invert": [photo, "--layer", "0"],
        "dream": [photo, "--layer", "1"],
    }[command]
    code, _, err = run(command, *arguments, "--out", "made.png", "-q")
    assert code == 130 and is_one_line(err, "so far", "made.png")
    assert (run.folder / "made.png").read_bytes().startswith(b"\x89PNG")


def test_python_m_pixelgrad_is_the_same_command():
    done = subprocess.run([sys.executable, "-m", "pixelgrad", "--version"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("pixelgrad 0.")


def test_a_module_that_nobody_needs_is_not_said_to_be_uninstalled(monkeypatch, capsys):
    def parser():
        importlib.import_module(asked)

    monkeypatch.setattr(commands, "make_parser", parser)
    for asked, words in (("nonexistent", "No module named 'nonexistent'"), ("h5py.none", "h5py is not installed; pip")):
        assert main(["summary"]) == 2
        message = capsys.readouterr().err
        assert words in message and ("line" in message) == (asked == "nonexistent")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["salincy", "coffee"], "did you mean saliency?"),
        (["attribute", "coffee", "--method", "Grad-CAM"], "did you mean grad_cam"),
        (["attribute", "coffee", "--method", "xyz"], "kernel_shap')"),
    ],
)
def test_a_misspelt_choice_is_told_the_nearest(arguments, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    last = capsys.readouterr().err.rstrip().splitlines()[-1]
    assert stopped.value.code == 2 and (words in last if "did" in words else "did you mean" not in last)
