"""Every public function has an example that runs, and shows what it says."""

import doctest
import importlib
import inspect

import numpy as np
import pytest

from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.datasets import sample_image

PACKAGES = ["layers", "classifiers", "visualization", "visualization.plots", "datasets"]
ELSEWHERE = {
    "layers.im2col": ["im2col", "col2im"],
    "visualization.objectives": ["activation", "mixture", "guided"],
    "visualization.image_sets": ["features_of", "random_crops", "batches"],
}
# Their examples need a download.
NEED_DATA = {
    *("convert_squeezenet", "download", "load_imagenet_val", "load_tiny_imagenet", "read_torchvision", "unpack_zip"),
    "load_tiny_imagenet_boxes",
}


def documented():
    """(name, object) of all that the packages export, without exceptions and records."""
    for package in PACKAGES:
        module = importlib.import_module(f"pixelgrad.{package}")
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isfunction(thing) or ">>>" in (thing.__doc__ or ""):
                yield name, thing
    for package, names in ELSEWHERE.items():
        for name in names:
            yield name, getattr(importlib.import_module(f"pixelgrad.{package}"), name)


LONG = {"attack", "integrated_gradients", "plot_sanity", "sanity_check", "transfer_matrix"}
THINGS = [
    pytest.param(name, thing, id=name, marks=[pytest.mark.slow] if name in LONG else [])
    for name, thing in documented()
    if name not in NEED_DATA
]


@pytest.fixture(scope="module")
def names():
    """What examples take for granted: the reference says so, too."""
    given = {}
    for package in PACKAGES:
        module = importlib.import_module(f"pixelgrad.{package}")
        given |= {name: getattr(module, name) for name in module.__all__}
    model, picture = PretrainedCNN(), sample_image("portrait", size=64)
    return given | {"np": np, "model": model, "picture": picture, "X": model.preprocess(picture), "y": 3}


@pytest.mark.parametrize("name, thing", THINGS)
def test_the_example_is_there_and_true(name, thing, names):
    thing = inspect.unwrap(thing)
    own = importlib.import_module(thing.__module__).__dict__
    rng = np.random.default_rng(0)
    (test,) = doctest.DocTestFinder(recurse=False).find(thing, name, globs={**own, **names, "rng": rng})
    examples = [example for example in test.examples if doctest.SKIP not in example.options]
    assert examples, f"{name} has no example"
    assert any(name in example.source for example in examples), f"the example of {name} does not call it"
    said = []
    doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert not said, "".join(said)


def test_a_false_example_would_be_found():
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "false", None, 0)
    said = []
    doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert "Expected" in "".join(said)
