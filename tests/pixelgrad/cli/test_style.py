"""style, texture and convert, as a user calls them."""

import numpy as np
import pytest
from PIL import Image

from pixelgrad.classifiers import PretrainedCNN, SqueezeNet, squeezenet_architecture
from pixelgrad.cli import main
from pixelgrad.visualization import style_transfer

SMALL = ["--image-size", "48", "--num-iterations", "3", "-q"]


@pytest.fixture
def run(tmp_path, monkeypatch, weights):
    """run(*arguments) -> exit code, in an empty folder, with the tiny network."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: main([*map(str, arguments), "--model", str(weights)])


@pytest.fixture
def other(tmp_path):
    path = tmp_path / "other.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(path)
    return path


def picture(path):
    return np.asarray(Image.open(path))


def test_style_paints_what_the_function_paints(run, photo, other, weights, tmp_path):
    assert run("style", photo, other, *SMALL, "--out", "a.png", "--style-weight", 7, "--tv-weight", 3, "--seed", 1) == 0
    a = picture(tmp_path / "a.png")
    assert a.shape == (32, 48, 3)
    from pixelgrad.datasets import load_image, resize_image

    model = PretrainedCNN(weights)
    content, style = (
        model.preprocess(resize_image(load_image(p), s)) for p, s in ((photo, (32, 48)), (other, (38, 48)))
    )
    X = style_transfer(content, style, model, style_weights=7.0, tv_weight=3.0, num_iterations=3)
    np.testing.assert_array_equal(a, model.deprocess(X)[0])


@pytest.mark.parametrize(
    "options",
    [
        ["--style-scale", "0.6"],
        ["--content-weight", "90"],
        ["--style-weight", "1"],
        ["--tv-weight", "9000"],
        ["--content-layer", "conv1"],
        ["--style-layers", "conv1"],
        ["--init", "noise"],
        ["--optimizer", "adam"],
        ["--optimizer", "adam", "--learning-rate", "2"],
        ["--num-iterations", "6"],
        ["--original-colors"],
        ["--scales", "1", "--image-size", "64"],
    ],
)
def test_each_option_of_style_changes_the_picture(options, run, photo, other, tmp_path):
    assert run("style", photo, other, *SMALL, "--out", "plain.png") == 0
    assert run("style", photo, other, *SMALL, "--out", "changed.png", *options) == 0
    plain, changed = picture(tmp_path / "plain.png"), picture(tmp_path / "changed.png")
    assert plain.shape != changed.shape or (plain != changed).any()


def test_several_styles_their_shares_and_pictures_on_the_way(run, photo, other, tmp_path, capsys):
    assert run("style", photo, other, photo, *SMALL, "--out", "a.png", "--style-blend-weights", "1,0") == 0
    assert run("style", photo, other, *SMALL, "--out", "b.png", "--save-iter", 2) == 0
    np.testing.assert_array_equal(picture(tmp_path / "a.png"), picture(tmp_path / "b.png"))
    assert sorted(p.name for p in tmp_path.glob("b*.png")) == ["b-2.png", "b.png"]
    assert run("style", photo, other, *SMALL, "--out", "c.png", "--style-blend-weights", "1,x") == 2
    assert "--style-blend-weights: expected numbers" in capsys.readouterr().err


def test_style_never_overwrites_and_names_its_output_by_the_pictures(run, photo, other, tmp_path, capsys):
    assert run("style", photo, other, *SMALL) == 0
    made = [p.name for p in tmp_path.glob("style-*.png")]
    assert len(made) == 1 and "photo" in made[0] and "other" in made[0]
    assert run("style", photo, other, *SMALL) == 2
    assert "--force" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("command", ["style", "texture"])
def test_ctrl_c_keeps_the_picture_so_far(command, run, photo, other, tmp_path, monkeypatch, capsys):
    from pixelgrad.visualization import optimizers

    real, calls = optimizers.clip, []

    def clip(*arguments):
        calls.append(1)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(optimizers, "clip", clip)
    pictures = [photo, other] if command == "style" else [photo, "--sample-size", 32, "--optimizer", "adam"]
    assert run(command, *pictures, "--num-iterations", 20, "--out", "a.png", "-q") == 130
    assert picture(tmp_path / "a.png").ndim == 3
    assert "the picture so far is in a.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [[], ["--layers", "conv1"], ["--optimizer", "adam", "--learning-rate", "3"], ["--weighting", "gatys"]]
)
def test_texture_by_gram_matrices(options, run, photo, tmp_path):
    small = ["--sample-size", 32, "--size", 40, "--num-iterations", 3, "-q"]
    assert run("texture", photo, *small, "--out", "a.png", *options) == 0
    assert picture(tmp_path / "a.png").shape == (40, 40, 3)
    if options:
        assert run("texture", photo, *small, "--out", "b.png") == 0
        assert (picture(tmp_path / "a.png") != picture(tmp_path / "b.png")).any()


@pytest.mark.slow
def test_texture_sweep_and_growing(run, photo, tmp_path):
    assert run("texture", photo, "--sample-size", 32, "--sweep", "--num-iterations", 2, "-q", "--out", "sweep.png") == 0
    assert picture(tmp_path / "sweep.png").shape[1] > 500  # a figure with three pictures
    grow = ["texture", photo, "--sample-size", 32, "--size", 24, "--method", "grow", "--window", 5, "-q"]
    assert run(*grow, "--out", "a.png") == 0
    for n, options in enumerate((["--seed", 1], ["--order", "scan"], ["--tolerance", 2], ["--scales", 1])):
        assert run(*grow, "--out", f"{n}.png", *options) == 0
        assert (picture(tmp_path / "a.png") != picture(tmp_path / f"{n}.png")).any()
    sample = {tuple(p) for p in picture(tmp_path / "a.png").reshape(-1, 3)}
    assert len(sample) > 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "grow", "--layers", "conv1"], "--layers has no effect with --method grow; it is for gram"),
        (["--method", "grow", "--num-iterations", 3], "--num-iterations has no effect"),
        (["--method", "grow", "--save-iter", 3], "--save-iter has no effect"),
        (["--method", "grow", "--weighting", "gatys"], "--weighting has no effect"),
        (["--method", "grow", "--sweep"], "--sweep has no effect"),
        (["--window", 7], "--window has no effect with --method gram; it is for grow"),
        (["--order", "scan"], "--order has no effect"),
        (["--sweep", "--save-iter", 3], "--save-iter has no effect with --sweep"),
    ],
)
def test_options_that_the_method_of_texture_does_not_have_are_refused(options, message, run, photo, capsys):
    assert run("texture", photo, *options) == 2
    assert message in capsys.readouterr().err


# -- convert ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def npz(tmp_path):
    """Arrays under torchvision's names for three classes, nearly all of them zero."""
    from pixelgrad.classifiers.blocks import make_blocks, param_shapes
    from pixelgrad.classifiers.torchvision import _torchvision_names

    shapes = param_shapes(make_blocks(squeezenet_architecture(3)), (224, 224))
    arrays = {theirs: np.zeros(shapes[ours], np.float32) for ours, theirs in _torchvision_names().items()}
    arrays["classifier.1.bias"][:] = [1, 3, 2]
    np.savez(tmp_path / "weights.npz", **arrays)
    return tmp_path / "weights.npz"


def test_convert_makes_a_file_that_squeezenet_reads(npz, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "classes.txt").write_text("n01440764 tench\nn02124075 Egyptian cat\nn01443537 goldfish\n")
    assert main(["convert", str(npz), "squeezenet1_1.h5", "--classes", "classes.txt"]) == 0
    assert "SqueezeNet 1.1, 3 classes" in capsys.readouterr().out
    model = SqueezeNet()  # found in the current folder
    assert model.class_names == ["tench", "Egyptian cat", "goldfish"] and model.wnids[1] == "n02124075"
    assert model.provenance["source"].endswith("weights.npz") and len(model.provenance["sha256"]) == 64
    assert main(["predict", "portrait", "--model", "squeezenet", "--top", "1"]) == 0
    assert "Egyptian cat" in capsys.readouterr().out
    size = (tmp_path / "squeezenet1_1.h5").stat().st_size
    assert main(["convert", str(npz), "squeezenet1_1.h5"]) == 2  # never overwrites
    assert main(["convert", str(npz), "squeezenet1_1.h5", "--force", "--half"]) == 0
    assert (tmp_path / "squeezenet1_1.h5").stat().st_size < 0.6 * size
    assert SqueezeNet().class_names[2] == "class 2"


def test_convert_says_what_is_wrong(npz, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.txt").write_text("n01440764 tench\nn02124075 cat\n")
    for arguments, message in (
        (["none.npz", "a.h5"], "does not exist"),
        ([str(npz), "a.txt"], ".h5"),
        ([str(npz), "a.h5", "--classes", "two.txt"], "2 entries, but the network has 3 classes"),
    ):
        assert main(["convert", *arguments]) == 2
        assert message in capsys.readouterr().err
        assert not (tmp_path / "a.h5").exists()
    assert main(["predict", "portrait", "--model", "squeezenet"]) == 2
    assert "there is no squeezenet1_1.h5" in capsys.readouterr().err
