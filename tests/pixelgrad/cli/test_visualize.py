"""`pixelgrad visualize --facets`: the kinds of images in a class, begun with means of its images."""

import numpy as np
import pytest

from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.cli import main
from pixelgrad.datasets import load_tiny_imagenet
from pixelgrad.visualization import facet_starts
from pixelgrad.visualization.plots import pictures

FACETS = ["goldfish", "Egyptian cat", "--facets", "2", "--data", "DATA", "--iterations", "3"]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, weights, data):
    """run(*arguments) -> exit code, output, errors, and what was drawn: pictures and titles."""
    monkeypatch.chdir(tmp_path)
    drawn, plot = [], pictures.plot_images
    monkeypatch.setattr(pictures, "plot_images", lambda p, t, **o: drawn.append((list(p), list(t))) or plot(p, t, **o))

    def run(*arguments):
        words = [str(data) if a == "DATA" else a for a in arguments]
        drawn.clear()
        code = main(["visualize", *words, "--model", str(weights), "--out", "made.png", "--force"])
        return code, *capsys.readouterr(), *(drawn or [None])

    return run


def test_each_class_has_a_row_of_means_and_a_row_of_facets(run, weights, data):
    code, out, _, (pictures, titles) = run(*FACETS)
    assert code == 0 and "Egyptian cat, facet 2 (p = " in out and len(pictures) == len(titles) == 8
    assert [title.split("\n")[0] for title in titles[2:4]] == ["goldfish, facet 1", "goldfish, facet 2"]
    model, loaded = PretrainedCNN(weights), load_tiny_imagenet(data)
    for k, wnid in ((0, "n01443537"), (1, "n02124075")):
        images = np.asarray(loaded["X_train"][loaded["y_train"] == loaded["wnids"].index(wnid)])
        starts = facet_starts(images, model, num_facets=2, rng=0)
        np.testing.assert_array_equal(pictures[4 * k : 4 * k + 2], model.deprocess(starts.X))
        sizes = np.bincount(starts.labels)
        assert titles[4 * k : 4 * k + 2] == [f"start: mean of {n}\nof {n} similar images" for n in sizes]


def test_a_facet_maximizes_its_own_class_from_its_own_mean(run, weights):
    pictures, _ = run(*FACETS, "--iterations", "20", "--max-jitter", "0", "--blur-every", "0")[3]
    model = PretrainedCNN(weights)
    scores = model.scores(model.preprocess(np.stack(pictures)))
    for row, label in ((0, 1), (4, 0)):
        assert (scores[row + 2 : row + 4, label] > scores[row : row + 2, label]).all()

    means_and_facets = np.array(run(*FACETS, "--max-jitter", "0", "--blur-every", "0")[3][0], dtype=float)
    for m1, m2, f1, f2 in np.split(means_and_facets, 2):
        own, other = abs(f1 - m1).mean() + abs(f2 - m2).mean(), abs(f1 - m2).mean() + abs(f2 - m1).mean()
        assert own < 0.7 * other, "each facet is near its own mean, and so they differ"


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [["--facets", "3"], ["--facet-layer", "0", "--seed", "1"], ["--iterations", "6"], ["--l2-reg", "1e-3"],
     ["--learning-rate", "900"], ["--learning-rate", "900", "--raw"], ["--objective", "log_odds"],
     ["--blur-every", "1"], ["--seed", "4"]],
    ids=" ".join,
)  # fmt: skip
def test_every_option_shows_in_the_facets(run, once, options):
    one, other = once("no options", lambda: run(*FACETS, "-q")[3][0]), run(*FACETS, *options, "-q")[3][0]
    assert len(one) != len(other) or not np.array_equal(one, other)


def test_by_whose_features_images_are_alike_matters(run, monkeypatch):
    layers, starts = [], facet_starts
    monkeypatch.setattr(
        "pixelgrad.visualization.facets.facet_starts", lambda *a, layer, **o: layers.append(layer) or starts(*a, **o)
    )
    run(*FACETS, "-q")
    run(*FACETS, "--facet-layer", "conv2", "-q")
    assert layers == [None, None, 1, 1]


def test_defaults_keep_the_means_colours(run, monkeypatch):
    """Fewer and shorter steps than from noise, and no pull towards grey."""
    import pixelgrad.visualization as visualization

    calls, create = [], visualization.create_class_visualization
    monkeypatch.setattr(visualization, "create_class_visualization", lambda *a, **o: calls.append(o) or create(*a, **o))
    run(*FACETS[:-2], "-q")
    assert calls[0]["num_iterations"] == 30 and calls[0]["l2_reg"] == 0
    assert calls[0]["learning_rate"] == pytest.approx(4 * np.sqrt(3 * 64 * 64))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["goldfish", "--facets", "2"], "--data"),
        (["lemon", "--facets", "2", "--data", "DATA"], "no images of 'lemon'"),
        (["goldfish", "--facets", "7", "--data", "DATA"], "6 different images"),
        (["goldfish", "--facets", "2", "--data", "nowhere"], "nowhere"),
        (["goldfish", "--data", "DATA"], "--data has an effect with --facets only"),
        (["goldfish", "--facets", "2", "--data", "DATA", "--size", "96"], "leave out --size"),
        (["goldfish", "--facet-layer", "0"], "--facet-layer has an effect with --facets only"),
        (["goldfish", "--facets", "2", "--data", "DATA", "--facet-layer", "conv9"], "0 conv1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_refused_in_one_line(run, tmp_path, options, words):
    code, _, err, drawn = run(*options, "-q")
    assert code == 2 and words in err and err.count("\n") == 1 and drawn is None
    assert not (tmp_path / "made.png").exists()


def test_ctrl_c_keeps_the_facets_so_far(run, tmp_path, monkeypatch):
    from pixelgrad.classifiers import Network

    calls, backward = [], Network.backward

    def interrupted(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return backward(self, *args, **kwargs)

    monkeypatch.setattr(Network, "backward", interrupted)
    code, _, err, (pictures, _) = run(*FACETS, "-q")
    assert code == 130 and "so far is in made.png" in err and len(pictures) == 8
