"""The commands about layers and neurons as their users meet them."""

import argparse

import numpy as np
import pytest
from PIL import Image

from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.cli.features import add_feature_commands

# Every command with its smallest arguments; PHOTO stands for a picture file, DATA for a data set.
COMMANDS = {
    "filters": [],
    "activations": ["PHOTO", "--layer", "1"],
    "patches": ["--layer", "1", "--images", "20"],
    "neighbours": ["PHOTO", "3", "--images", "20"],
    "embed": ["--images", "40", "--perplexity", "5", "--iterations", "20"],
    "neuron": ["--layer", "1", "--channel", "2", "--iterations", "4"],
}


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, weights, photo, data):
    """run(*arguments) -> exit code, standard output, standard error; in an empty folder, with the tiny network."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_feature_commands(parser.add_subparsers(dest="command"))

    def run(*arguments, model=weights):
        words = [str({"PHOTO": photo, "DATA": data}.get(a, a)) for a in arguments]
        args = parser.parse_args([*words, "--model", str(model)])
        code = args.run(args) or 0
        return code, *capsys.readouterr()

    run.folder = folder
    return run


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_picture_is_made_and_a_line_says_what_it_is(run, command):
    code, out, err = run(command, *COMMANDS[command], "--out", "made.png")
    assert code == 0 and "made.png" in out and "Traceback" not in err
    assert pixels(run.folder / "made.png").std() > 5


@pytest.mark.parametrize("command", COMMANDS)
def test_quiet_says_nothing_and_the_default_names_differ(run, command):
    assert run(command, *COMMANDS[command], "-q") == (0, "", "")
    name = {"embed": "embedding"}.get(command, command)
    (made,) = run.folder.iterdir()
    assert made.name.startswith(f"{name}-") and made.suffix == ".png"


EFFECTS = [
    ("filters", [], ["--shared-scale"]),
    ("filters", [], ["--layer", "conv2"]),
    ("activations", [], ["--layer", "0"]),
    ("activations", [], ["--top", "3"]),
    ("activations", [], ["--by", "max"]),
    ("activations", [], ["--size", "48"]),
    ("patches", [], ["--layer", "0"]),
    ("patches", ["--channel", "1", "2"], ["--channel", "1", "3"]),
    ("patches", [], ["--top", "4"]),
    ("patches", [], ["--per-image", "5"]),
    ("patches", [], ["--images", "30"]),
    ("patches", [], ["--seed", "1"]),
    ("patches", ["--channel", "1", "--top", "2"], ["--channel", "1", "--top", "2", "--data", "DATA", "--images", "4"]),
    ("neighbours", [], ["--layer", "0"]),
    ("neighbours", [], ["--count", "2"]),
    ("neighbours", [], ["--metric", "cosine"]),
    ("neighbours", [], ["--images", "30"]),
    ("neighbours", [], ["--seed", "1"]),
    ("embed", [], ["--method", "pca"]),
    ("embed", [], ["--layer", "0"]),
    ("embed", [], ["--perplexity", "9"]),
    ("embed", [], ["--iterations", "40"]),
    ("embed", [], ["--images", "30"]),
    ("embed", [], ["--seed", "1"]),
    ("neuron", [], ["--layer", "0"]),
    ("neuron", [], ["--channel", "3"]),
    ("neuron", [], ["--position", "3,4"]),
    ("neuron", [], ["--start", "PHOTO"]),
    ("neuron", [], ["--start", "portrait"]),
    ("neuron", [], ["--iterations", "8"]),
    ("neuron", [], ["--l2-reg", "5"]),
    ("neuron", ["--start", "PHOTO"], ["--start", "PHOTO", "--l2-reg", "0.5"]),
    ("neuron", [], ["--tv-weight", "0.5"]),
    ("neuron", ["--tv-weight", "0.5"], ["--tv-weight", "0.5", "--tv-beta", "1"]),
    ("neuron", [], ["--max-jitter", "0"]),
    ("neuron", ["--iterations", "9"], ["--iterations", "9", "--blur-every", "3"]),
    ("neuron", [], ["--learning-rate", "90"]),
    ("neuron", ["--learning-rate", "900"], ["--learning-rate", "900", "--raw"]),
    ("neuron", [], ["--size", "48"]),
    ("neuron", [], ["--seed", "5"]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("command", "one", "other"), EFFECTS, ids=lambda value: " ".join(value) if value else "-")
def test_every_option_shows_in_the_picture(run, once, command, one, other):
    def made(options, name):
        assert run(command, *COMMANDS[command], *options, "--out", name, "-q")[0] == 0
        return pixels(run.folder / name)

    pictures = once((command, *one), lambda: made(one, "a.png")), made(other, "b.png")
    assert pictures[0].shape != pictures[1].shape or not np.array_equal(*pictures)


@pytest.mark.parametrize(("command", "one", "other"), EFFECTS, ids=lambda value: " ".join(value) if value else "-")
def test_every_option_shows_in_the_default_name(default_name, command, one, other):
    names = [default_name(command, *COMMANDS[command], *options) for options in (one, other)]
    assert names[0] != names[1]


@pytest.mark.slow
def test_the_seed_repeats_a_result(run):
    for command in ("patches", "embed", "neuron"):
        for name in ("a.png", "b.png"):
            assert run(command, *COMMANDS[command], "--seed", "3", "--out", name, "--force", "-q")[0] == 0
        np.testing.assert_array_equal(*(pixels(run.folder / name) for name in ("a.png", "b.png")))


def test_a_data_set_gives_its_class_names(run):
    _, out, _ = run("neighbours", "0", "--data", "DATA", "--count", "1", "--out", "made.png")
    assert "goldfish: goldfish" in out, "the noise of the first class is brighter than that of the second"
    for command in ("patches", "embed"):
        options = ["--top", "3", "--layer", "1"] if command == "patches" else ["--method", "pca"]
        code, out, _ = run(command, "--data", "DATA", *options, "--out", f"{command}.png")
        assert code == 0 and "4 images" in out


def test_a_query_among_the_images_is_not_its_own_neighbour(run):
    _, out, _ = run("neighbours", "2", "--images", "12", "--count", "1")
    assert not any(line.endswith(", 0") for line in out.splitlines())


def test_classes_go_by_their_names(run):
    _, out, _ = run("neuron", "--channel", "lemon", "banana", "--iterations", "3")
    assert "affine1: lemon (" in out and "banana (" in out
    with pytest.raises(ValueError, match="unknown class 'lemmon'; did you mean"):
        run("neuron", "--channel", "lemmon", "--out", "x.png")


def test_a_neuron_at_a_place_is_shown_by_what_it_sees(run, monkeypatch):
    seen = []

    def plot(pictures, names, *args, **options):
        from pixelgrad.visualization.plots.pictures import plot_images

        seen.append((np.shape(pictures), names))
        return plot_images(pictures, names)

    monkeypatch.setattr("pixelgrad.visualization.plots.features.plot_neurons", plot)
    run("neuron", *COMMANDS["neuron"], "--position", "centre", "-q")
    run("neuron", *COMMANDS["neuron"], "--position", "1,2", "-q", "--force")
    assert seen == [((1, 7, 7, 3), ["channel 2, at 4,4"]), ((1, 7, 7, 3), ["channel 2, at 1,2"])]


def test_a_dead_neuron_is_reported_and_the_exit_code_is_1(run, weights, tmp_path):
    model = PretrainedCNN(weights)
    model.params["beta1"][:] = -1e6
    model.save(tmp_path / "dead.h5")
    code, out, _ = run("neuron", "--layer", "1", "--channel", "0", "--iterations", "9", model=tmp_path / "dead.h5")
    assert code == 1 and "channel 0 (dead)" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["filters", "--layer", "affine1"], "is not a convolution"),
        (["filters", "--layer", "1", "--shared-scale"], "first layer"),
        (["activations", "nothing.png"], "nothing.png"),
        (["patches", "--layer", "1", "--channel", "8", "--images", "9"], "channels 0 to 7"),
        (["patches", "--top", "30", "--images", "9", "--layer", "1"], "9 images have 9 patches"),
        (["patches", "--layer", "1", "--cache", "x"], "--cache is for the data set"),
        (["patches", "--layer", "1", "--data", "nowhere"], "nowhere"),
        (["neighbours", "20", "--images", "20"], "0 to 19"),
        (["embed", "--images", "20"], "perplexity must be above 1 and below N - 1"),
        (["neuron", "--layer", "1", "--channel", "9"], "channels 0 to 7"),
        (["neuron", "--layer", "1", "--channel", "lemon"], "go by their number, got 'lemon'"),
        (["neuron", "--layer", "1", "--position", "1,2"], "a position needs a channel"),
        (["neuron", "--raw"], "--raw needs --learning-rate"),
        (["neuron", "--layer", "conv9"], "0 conv1, 1 conv2"),
    ],
)
def test_what_cannot_be_done_is_refused(run, arguments, words):
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        run(*arguments, "-q")
    assert list(run.folder.iterdir()) == []


@pytest.mark.parametrize("arguments", [["neuron", "--position", "3"], ["embed", "--method", "umap"], ["patches", "-x"]])
def test_misuse_is_refused_by_usage(run, capsys, arguments):
    with pytest.raises(SystemExit):
        run(*arguments)
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_overwritten_unless_forced_and_before_the_work(run, monkeypatch, command):
    (run.folder / "made.png").write_text("precious")
    monkeypatch.setattr("pixelgrad.classifiers.PretrainedCNN", lambda *_: pytest.fail("worked all the same"))
    with pytest.raises(FileExistsError, match="--force"):
        run(command, *COMMANDS[command], "--out", "made.png")
    with pytest.raises(ValueError, match="end in"):
        run(command, *COMMANDS[command], "--out", "made.xyz")
    assert (run.folder / "made.png").read_text() == "precious"


def test_ctrl_c_keeps_the_picture_made_so_far(run, monkeypatch):
    from pixelgrad.classifiers import Network

    calls, backward = [], Network.backward

    def interrupted(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return backward(self, *args, **kwargs)

    monkeypatch.setattr(Network, "backward", interrupted)
    with pytest.raises(KeyboardInterrupt, match="so far is in made.png"):
        run("neuron", *COMMANDS["neuron"], "--out", "made.png", "-q")
    assert (run.folder / "made.png").read_bytes().startswith(b"\x89PNG")


def test_ctrl_c_keeps_the_points_where_they_are(run, monkeypatch):
    from pixelgrad.visualization import embedding
    from pixelgrad.visualization.plots import features

    calls, gradient, plot, seen = [], embedding.kl_gradient, features.plot_embedding, []

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return gradient(*args, **kwargs)

    monkeypatch.setattr(features, "plot_embedding", lambda Y, *a, **o: seen.append((Y, o)) or plot(Y, *a, **o))
    assert run("embed", *COMMANDS["embed"], "--iterations", "7", "--out", "seven.png", "-q")[0] == 0
    monkeypatch.setattr(embedding, "kl_gradient", interrupted)
    with pytest.raises(KeyboardInterrupt, match="7 of 20 steps were done; the picture so far is in made.png"):
        run("embed", *COMMANDS["embed"], "--out", "made.png", "-q")
    assert (run.folder / "made.png").read_bytes().startswith(b"\x89PNG")
    np.testing.assert_array_equal(seen[0][0], seen[1][0])
    assert "7 of 20 steps" in seen[1][1]["heading"] and "steps" not in seen[0][1]["heading"]
    calls[:] = [1] * 7
    with pytest.raises(KeyboardInterrupt, match="nothing was written"):
        run("embed", *COMMANDS["embed"], "--out", "none.png", "-q")
    assert not (run.folder / "none.png").exists()
