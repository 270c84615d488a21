"""Transfer of attacks between networks, and the figures of attacks."""

import numpy as np
import pytest

from pixelgrad.classifiers import Network
from pixelgrad.visualization.adversarial import pgd
from pixelgrad.visualization.plots.attacks import plot_attack, plot_transfer
from pixelgrad.visualization.transfer import transfer_matrix


@pytest.fixture
def pictures():
    coarse = np.random.default_rng(2).integers(0, 256, (6, 8, 9, 3), dtype=np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


def other(model, **changes):
    return Network(model.architecture, model.params | changes, input_size=model.input_size, **SAME(model))


def SAME(model):
    return {"mean_image": model.pixels.mean_image, "dtype": np.float64}


def test_a_twin_is_fooled_by_all_and_a_stranger_by_few(model, pictures):
    y = model.scores(model.preprocess(pictures)).argmax(axis=1)
    twin = other(model)
    # Adding the same to every score changes nothing; a huge bias for each class in turn makes networks nobody fools.
    deaf = other(model, b3=1e6 * (np.arange(5) == y[0]))
    matrix = transfer_matrix({"a": model, "twin": twin, "deaf": deaf}, pictures, y, eps=5)
    np.testing.assert_array_equal(matrix[:2, :2], 1)
    assert np.all(matrix[:2, 2] == 0) and np.isnan(matrix[2]).all()


def test_the_attack_and_its_options_are_the_callers(model, pictures):
    y = model.scores(model.preprocess(pictures)).argmax(axis=1)
    assert np.isnan(transfer_matrix({"a": model}, pictures, y, eps=1e-6)).all()
    assert transfer_matrix({"a": model}, pictures, y, attack_with=pgd, eps=0.08) == 1
    smaller = pictures[:, ::2, ::2]
    assert transfer_matrix({"a": model}, smaller, y, eps=1e-6).shape == (1, 1), "pictures of another size will do"


def test_transfer_refuses(model, pictures):
    with pytest.raises(ValueError, match="at least one network"):
        transfer_matrix({}, pictures, np.zeros(6, int))
    named = Network(model.architecture, model.params, class_names=list("abcde"), **SAME(model), input_size=(32, 36))
    with pytest.raises(ValueError, match="same classes"):
        transfer_matrix({"a": model, "b": named}, pictures, np.zeros(6, int))


def test_figures_show_what_they_are_given(pictures):
    change = np.clip(pictures[0].astype(int) + 2, 0, 255).astype(np.uint8)
    figure = plot_attack(pictures[0], change, {"p": ([0, 1], [0.9, 0.1])}, ("cat", "dog"), heading="head")
    first, second, difference, curve = figure.axes
    np.testing.assert_array_equal(first.images[0].get_array(), pictures[0])
    np.testing.assert_array_equal(second.images[0].get_array(), change)
    assert "grey levels: RMS 2.0, max 2" in difference.get_title().replace("\n", " ") and list(
        curve.lines[0].get_ydata()
    ) == [0.9, 0.1]
    assert (first.get_title(), second.get_title(), figure.get_suptitle()) == ("cat", "dog", "head")
    with pytest.raises(ValueError, match="plot_attack: the pictures have shapes"):
        plot_attack(pictures[0], change[1:], {}, ("a", "b"))
    axis = plot_transfer(np.array([[1, 0.25], [np.nan, 0]]), ["A", "B"], heading="head").axes[0]
    assert [text.get_text() for text in axis.texts] == ["100%", "25%", "none", "0%"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["A", "B"]
