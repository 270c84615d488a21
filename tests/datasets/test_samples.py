"""Photographs inside installed packages: real ones, and never a download."""

import importlib.util
import socket
import sys

import numpy as np
import pytest

from pixelgrad.datasets import default_sample, sample_image, sample_names, samples

GALLERY = ["cat", "coffee", "astronaut", "rocket", "brick", "grass", "gravel", "tissue", "galaxies"]
needs_gallery = pytest.mark.skipif(
    importlib.util.find_spec("skimage") is None, reason="scikit-image (the gallery extra) is not installed"
)


@pytest.fixture
def no_gallery(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "skimage" else real(name))


def test_the_portrait_is_always_there(no_gallery):
    image = sample_image("portrait")
    assert image.shape == (600, 512, 3) and image.dtype == np.uint8
    assert image.std() > 30
    assert sample_names() == ["portrait"] and default_sample() == "portrait"


@needs_gallery
def test_every_name_gives_another_real_photograph(monkeypatch):
    monkeypatch.setattr(socket, "socket", None)  # a download would fail
    assert sample_names() == ["portrait", *GALLERY] and default_sample() == "cat"
    small = [sample_image(name, size=32) for name in sample_names()]
    for image in small:
        assert image.shape == (32, 32, 3) and image.dtype == np.uint8 and image.std() > 5
    assert len({image.tobytes() for image in small}) == len(small)


@needs_gallery
def test_samples_are_scikit_images_pictures():
    data = pytest.importorskip("skimage.data")
    np.testing.assert_array_equal(sample_image("cat"), data.chelsea())
    np.testing.assert_array_equal(sample_image("brick")[..., 2], data.brick())


def test_size_may_be_height_and_width():
    assert sample_image("portrait", size=(40, 50)).shape == (40, 50, 3)


def test_names_of_the_gallery_say_how_to_get_it(no_gallery):
    with pytest.raises(ValueError, match=r'"pixelgrad\[gallery\]".*portrait'):
        sample_image("cat")
    with pytest.raises(ValueError, match=r"dog.*expected one of portrait.*gallery.*cat"):
        sample_image("dog")


def test_a_gallery_without_its_files_counts_as_absent(monkeypatch, tmp_path):
    class Spec:
        origin = str(tmp_path / "skimage" / "__init__.py")

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: Spec)
    assert sample_names() == ["portrait"]
    (tmp_path / "skimage" / "data").mkdir(parents=True)
    (tmp_path / "skimage" / "data" / "coffee.png").touch()
    assert sample_names() == ["portrait", "coffee"]


@needs_gallery
def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="portrait, cat, coffee"):
        sample_image("dog")


def test_scikit_image_itself_is_not_imported():
    assert "skimage" not in vars(samples)
    if "skimage" not in sys.modules:
        sample_names()
        assert "skimage" not in sys.modules
