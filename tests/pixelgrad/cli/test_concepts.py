"""The commands `concepts` and `counterfactual` on a tiny network."""

import numpy as np
import pytest
from PIL import Image

from pixelgrad.classifiers import Network, PretrainedCNN
from pixelgrad.cli import main
from pixelgrad.cli.commands import make_parser


@pytest.fixture
def red(tmp_path):
    """Weights of a network whose first class is the mean of red, and the second that of green."""
    conv = {"type": "conv", "filters": 3, "size": 1}
    architecture = [conv, {"type": "global_avg_pool"}, {"type": "affine", "units": 2}]
    names = {"class_names": ["Egyptian cat", "goldfish"], "wnids": ["n02124075", "n01443537"]}
    network = Network(architecture, input_size=(16, 16), pixel_mean=[100.0] * 3, **names)
    network.params["W1"][...] = np.eye(3).reshape(3, 3, 1, 1)
    network.params["b1"] = np.full(3, 200.0, np.float32)
    network.params["W2"][...] = np.eye(3)[:, :2]
    network.save(tmp_path / "red.h5")
    return tmp_path / "red.h5"


def folder(path, count, red, seed):
    """A folder of pictures, with so much red in them."""
    path.mkdir()
    for k, picture in enumerate(np.random.default_rng(seed).integers(60, 150, (count, 16, 16, 3))):
        picture[..., 0] += red
        Image.fromarray(picture.astype(np.uint8)).save(path / f"{k}.png")
    return path


@pytest.fixture
def run(data, red, tmp_path, monkeypatch, capsys):
    """run(*options) -> exit code, standard output, standard error of `pixelgrad concepts` for the first class."""
    monkeypatch.chdir(tmp_path)

    def run(*options, others=True):
        words = ["concepts", data, "--class", "Egyptian cat", "--layer", "conv1", "--model", red, "--out", "made.png"]
        if others:
            words += ["--random", tmp_path / "others"]
        code = main([str(word) for word in (*words, *options)])
        return code, *capsys.readouterr()

    folder(tmp_path / "others", 36, 0, 0)
    return run


def test_a_concept_that_the_class_is_made_of_is_significant(run, tmp_path):
    reds, noise = folder(tmp_path / "reds", 10, 80, 1), folder(tmp_path / "noise", 10, 0, 2)
    code, out, err = run("--concept", reds, noise, "--runs", 14)
    assert code == 0 and "Traceback" not in err
    first, second, last = out.splitlines()
    assert first.startswith("reds: score 1.00") and "100% right: significant (p < 0.025)" in first
    assert second.startswith("noise: ") and "significant (p < " not in second
    assert last == "'Egyptian cat', conv1, in made.png"
    assert Image.open("made.png").size[0] > 300


def test_quiet_is_quiet_and_counterparts_come_from_the_data(run, tmp_path, monkeypatch):
    seen = []

    def watched(X, y, model, concept, others, **options):
        seen.append((X.shape, y, concept.shape, others.shape, options["layer"], options["runs"]))
        raise KeyboardInterrupt

    monkeypatch.setattr("pixelgrad.visualization.concepts.concept_test", watched)
    reds = folder(tmp_path / "reds", 6, 80, 1)
    code, out, err = run("--concept", reds, "--images", 1, "-q", others=False)
    assert (code, out) == (130, "") and "nothing was written" in err
    assert seen == [((1, 3, 16, 16), 0, (6, 3, 16, 16), (6, 3, 16, 16), 0, 10)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--concept", "nowhere"], "nowhere is not a folder; a concept is a folder of pictures"),
        (["--concept", "empty"], "there are no pictures in empty"),
        (["--concept", "few"], "needs 6 images of the concept and twice as many others, got 3 and 36"),
        (["--concept", "few", "few"], "two folders are called 'few'"),
        (["--concept", "few", "--layer", "conv9"], "conv9"),
    ],
)
def test_what_is_refused_in_one_line(run, tmp_path, options, words):
    (tmp_path / "empty").mkdir()
    folder(tmp_path / "few", 3, 0, 3)
    code, out, err = run(*options)
    told = [line for line in err.replace("\r", "\n").splitlines() if line.startswith("pixelgrad concepts: ")]
    assert code == 2 and not out and len(told) == 1 and words in told[0]


# -- counterfactuals --------------------------------------------------------------------------------------------------


def test_a_counterfactual_reaches_its_target_and_says_how_far_it_is(weights, photo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model = PretrainedCNN(weights)
    target = model.class_names[int(model.scores(model.preprocess(np.asarray(Image.open(photo))[:32, :32])).argmin())]
    words = ["counterfactual", str(photo), "--target", target, "--model", str(weights), "--confidence", "0.6"]
    assert main([*words, "--step", "2", "--max-steps", "200", "--out", "made.png"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"reached: {target!r} with p = 0.") and "(L2) from" in out and "made.png" in out
    assert Image.open("made.png").size[0] > 800
    assert main([*words, "--out", "made.png"]) == 2 and "--force" in capsys.readouterr().err
    assert main([*words, "--step", "1e-6", "--max-steps", "2", "-q"]) == 1
    assert capsys.readouterr().out == ""


def test_a_target_that_is_seen_already_is_refused(weights, photo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["counterfactual", str(photo), "--target", "0", "--model", str(weights), "--confidence", "1e-12"]
    assert main(words) == 2
    assert "already, with p = " in capsys.readouterr().err and list(tmp_path.glob("*.png")) == [photo]


def test_counterfactuals_are_of_the_robust_network_where_nothing_else_is_said():
    assert make_parser().parse_args(["counterfactual", "cat", "--target", "teapot"]).model == "robust"
