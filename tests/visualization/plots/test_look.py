"""From a picture file to a map in one line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pixelgrad
from pixelgrad import visualization
from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.datasets import load_image
from pixelgrad.visualization import compute_saliency_maps, grad_cam, plots
from pixelgrad.visualization.plots.figure import Figure

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def shipped():
    return PretrainedCNN()


@pytest.fixture
def photo(tmp_path):
    coarse = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    path = tmp_path / "photo.jpg"
    Image.fromarray(coarse).resize((741, 500), Image.Resampling.BICUBIC).save(path)
    return path


def test_one_line_from_a_file_to_a_map(shipped, photo):
    look = pixelgrad.open(photo, shipped)
    X = shipped.preprocess(load_image(photo, size=64))
    np.testing.assert_array_equal(look.X, X)
    k = shipped.class_index("Egyptian cat")
    np.testing.assert_array_equal(look.map("Egyptian cat"), grad_cam(X, k, shipped)[0])
    np.testing.assert_allclose(look.map(k, method="saliency"), compute_saliency_maps(X, k, shipped)[0], rtol=1e-6)
    assert isinstance(look.plot("Egyptian cat"), Figure)
    seen = look.predictions[0][0].index
    np.testing.assert_array_equal(look.map(), grad_cam(X, seen, shipped)[0])
    assert look.predictions[0][0].name in repr(look) and "<table>" in look._repr_html_()


@pytest.mark.parametrize("source", ["portrait", np.full((64, 64, 3), 90, np.uint8)], ids=["sample", "array"])
def test_samples_and_arrays_open_too(source, shipped):
    assert pixelgrad.open(source, shipped).X.shape == (1, 3, 64, 64)


def test_the_network_that_ships_is_the_default(photo):
    assert pixelgrad.open(str(photo)).model.num_classes == 100


def test_wrong_arguments_say_so(shipped, photo):
    with pytest.raises(TypeError, match="source is a PretrainedCNN; they are exchanged"):
        pixelgrad.open(shipped, photo)
    with pytest.raises(FileNotFoundError, match="there is no file nothing.jpg"):
        pixelgrad.open("nothing.jpg", shipped)
    with pytest.raises(ValueError, match="method must be one of 'saliency'"):
        pixelgrad.open(photo, shipped).map(method="gradcam")


def test_visualization_shows_its_plot_functions():
    shown = dir(visualization)
    for name in plots.__all__:
        if name.startswith("plot_"):
            assert name in shown and getattr(visualization, name) is getattr(plots, name)
    with pytest.raises(AttributeError, match="has no attribute 'plot_nothing'"):
        _ = visualization.plot_nothing
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = visualization.nothing


def test_importing_stays_light():
    code = (
        "import sys, pixelgrad; assert 'numpy' not in sys.modules; import pixelgrad.visualization; "
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
