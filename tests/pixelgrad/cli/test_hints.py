"""Hints of the command line: pictures far too large, and classes with numbers for names."""

import warnings

from pixelgrad.classifiers import Network, PretrainedCNN
from pixelgrad.datasets import load_image
from pixelgrad.visualization import grad_cam


def test_a_picture_far_too_large_gets_one_hint_with_what_to_write(run, photo):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        assert run("faithfulness", photo, "--methods", "saliency", "guided", "--size", 120, "--steps", 2)[0] == 0
    hints = {str(w.message) for w in caught if "the network was trained on 32x32" in str(w.message)}
    assert len(hints) == 1 and "--size 32" in hints.pop()


def test_numbers_as_names_are_refused_until_it_is_said_which(run, photo, tmp_path):
    path = tiny(tmp_path)
    model = Network.load(path)
    assert model.class_names == ["1", "2", "3", "4", "5"]
    assert run("saliency", photo, "--class", "3", model=path)[0] == 2
    assert "write index:3 or name:3" in run("saliency", photo, "--class", "3", model=path)[2]
    assert "saliency of '4'" in run("saliency", photo, "--class", "index:3", model=path)[1]
    assert "saliency of '3'" in run("saliency", photo, "--class", "name:3", model=path)[1]


def tiny(folder):
    """A weights file whose classes are called "1" to "5"."""
    path = folder / "numbers.h5"
    Network(
        [{"type": "conv", "filters": 3, "size": 3}, {"type": "global_avg_pool"}, {"type": "affine", "units": 5}],
        input_size=(32, 32),
        class_names=[str(k) for k in range(1, 6)],
        pixel_mean=(120, 120, 120),
    ).save(path)
    return path


def test_a_map_that_is_empty_says_why(run, photo):
    model = PretrainedCNN()
    X = model.preprocess(load_image(photo, size=64))
    empty = [k for k in range(100) if not grad_cam(X, k, model).any()]
    full = next(k for k in range(100) if k not in empty)
    hint = "the map is 0 everywhere: all that the layer sees speaks against the class; --signed shows it"
    assert hint in run("cam", photo, "--class", empty[0], "--out", "a.png", model=None)[1]
    assert hint not in run("cam", photo, "--class", full, "--out", "b.png", model=None)[1]
    assert hint not in run("cam", photo, "--class", empty[0], "--signed", "--out", "c.png", model=None)[1]
