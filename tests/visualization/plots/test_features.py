"""Figures of filters, maps, patches, neighbours and embeddings: with what they are asked to show in them."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pixelgrad.visualization.filters import ActivationMaps, tile_grid
from pixelgrad.visualization.patches import WHOLE_IMAGE, ReceptiveField, TopPatches
from pixelgrad.visualization.plots.features import (
    plot_activations,
    plot_embedding,
    plot_filters,
    plot_layer_filters,
    plot_neighbours,
    plot_neurons,
    plot_patches,
)

rng = np.random.default_rng(0)
PICTURES = rng.integers(0, 256, (6, 20, 30, 3), dtype=np.uint8)
TILES = rng.integers(0, 256, (7, 5, 5, 3), dtype=np.uint8)
GREY = rng.integers(0, 256, (3, 4, 5, 5), dtype=np.uint8)
MAPS = ActivationMaps(
    rng.random((2, 5, 6, 9)), np.array([[9, 4, 0, 2, 1], [3, 8, 7, 5, 6]]), rng.random((2, 5)), "conv3"
)
Y = rng.standard_normal((30, 2))
LABELS = np.arange(30) % 3
NAMES = ["goldfish, Carassius auratus", "banana", "lemon"]
FOUND = {
    "conv7": (PICTURES[[[0, 1], [2, 3]]], [["0.11", "0.12"], ["0.13", "0.14"]]),
    "pixels": (PICTURES[[[4, 5], [1, 2]]], [["0.21", "0.22"], ["0.23", "0.24"]]),
}


def patches(field=None):
    field = field or ReceptiveField(7, 2, -3)
    scores = [[3.25, 2.5, 1.125], [0, 0, 0]]
    zeros = np.zeros((2, 3), int)
    cut = rng.integers(0, 256, (2, 3, 7, 7, 3), dtype=np.uint8)
    return TopPatches("conv5", np.array([12, 40]), np.array(scores), zeros, np.zeros((2, 3, 2), int), field, cut)


def shown(figure):
    return [np.asarray(axis.images[0].get_array()) for axis in figure.axes if axis.images]


def words(figure):
    """Everything that is written in a figure."""
    FigureCanvasAgg(figure).draw()
    texts = [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]
    return " ".join(" ".join(texts).split())


EVERY = [
    lambda: plot_filters(TILES, heading="head"),
    lambda: plot_layer_filters(GREY, [1, 5, 6], [0, 2, 3, 9], "conv2", heading="head"),
    lambda: plot_activations(PICTURES[0], MAPS, heading="head"),
    lambda: plot_patches(patches(), heading="head"),
    lambda: plot_neighbours(PICTURES[:2], FOUND, heading="head"),
    lambda: plot_embedding(Y, PICTURES[0], LABELS, NAMES, heading="head"),
    lambda: plot_neurons(PICTURES, list("abcdef"), np.arange(6.0), heading="head"),
]


@pytest.mark.parametrize("plot", EVERY)
def test_every_plot_is_a_figure_that_can_be_drawn(plot):
    figure = plot()
    assert isinstance(figure, Figure) and "head" in words(figure)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert np.asarray(canvas.buffer_rgba()).std() > 5


def test_filters_are_all_there_in_their_order():
    (grid,) = shown(plot_filters(TILES, columns=4))
    magnify = 300 // (4 * 5)
    np.testing.assert_array_equal(grid, tile_grid(TILES, columns=4, magnify=magnify, gap=magnify))
    figure = plot_filters(TILES, columns=4)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["0", "4"]
    rows = figure.axes[0].get_yticks()
    assert (grid[int(rows[1]), magnify + 1] == TILES[4, 2, 0]).all(), "the number is beside its filter's middle"
    assert "grey: weight 0" in words(figure)


def test_deeper_filters_say_which_and_why_they_say_little():
    figure = plot_layer_filters(GREY, [1, 5, 6], [0, 2, 3, 9], "conv2")
    text = words(figure)
    for word in ("conv2", "act on channels, not on colours", "weight / largest weight"):
        assert word in text
    axis, bar = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["1", "5", "6"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0", "2", "3", "9"]
    assert [label.get_text() for label in bar.get_yticklabels()] == ["-1", "0", "1"]
    grid = shown(figure)[0]
    row, column = int(axis.get_yticks()[2]), int(axis.get_xticks()[3])
    assert grid[row, column] == GREY[2, 3, 2, 2], "the numbers are at the middle of their tiles"


def test_maps_share_one_scale_and_name_their_channels():
    figure = plot_activations(PICTURES[0], MAPS, index=1)
    picture, *maps = shown(figure)[:6]
    np.testing.assert_array_equal(picture, PICTURES[0])
    for map_, expected in zip(maps, MAPS.maps[1]):
        np.testing.assert_array_equal(map_, expected)
    assert len({axis.images[0].get_clim() for axis in figure.axes[1:6]}) == 1
    assert figure.axes[1].images[0].get_clim()[0] == 0
    text = words(figure)
    for word in ("conv3", "channel 3", f"{MAPS.activity[1, 0]:.3g}", "activation"):
        assert word in text


def test_maps_without_any_activity_are_drawn():
    silent = ActivationMaps(0 * MAPS.maps, MAPS.channels, 0 * MAPS.activity, "conv3")
    assert np.isfinite(shown(plot_activations(PICTURES[0], silent))[1]).all()


def test_patches_have_their_channel_and_their_scores():
    result = patches()
    figure = plot_patches(result)
    text = words(figure)
    for word in ("conv5", "7 x 7 pixels", "channel 12", "channel 40 never active", "3.25", "2.5", "1.12"):
        assert word in text, text
    grid = shown(figure)[0]
    magnify = 600 // (3 * 7)
    gap = magnify * 7 // 16
    np.testing.assert_array_equal(grid, tile_grid(result.patches[0], columns=3, magnify=magnify, gap=gap))
    assert "the whole image" in words(plot_patches(patches(field=WHOLE_IMAGE)))


def test_neighbours_stand_side_by_side():
    figure = plot_neighbours(PICTURES[:2], FOUND, ["cat", "dog"])
    assert len(figure.axes) == 2 * 5
    expected = [PICTURES[i] for i in (0, 0, 1, 4, 5, 1, 2, 3, 1, 2)]
    for picture, original in zip(shown(figure), expected):
        np.testing.assert_array_equal(picture, original)
    text = words(figure)
    for word in ("query cat", "query dog", "conv7 1 0.11", "pixels 2 0.24"):
        assert word in text


def test_an_embedding_has_every_point_in_the_colour_of_its_class():
    figure = plot_embedding(Y, PICTURES[0], LABELS, NAMES)
    points, map_ = figure.axes
    for k, drawn in enumerate(points.collections):
        np.testing.assert_array_equal(drawn.get_offsets(), Y[LABELS == k])
    assert len({tuple(c.get_facecolor()[0]) for c in points.collections}) == 3
    assert [text.get_text() for text in points.get_legend().get_texts()] == ["goldfish", "banana", "lemon"]
    np.testing.assert_array_equal(map_.images[0].get_array(), PICTURES[0])
    plain = plot_embedding(Y)
    assert len(plain.axes) == 1 and plain.axes[0].get_legend() is None
    many = plot_embedding(Y, labels=np.arange(30), names=[str(n) for n in range(30)])
    assert many.axes[0].get_legend() is None
    assert len({tuple(c.get_facecolor()[0]) for c in many.axes[0].collections}) == 30


def test_an_embedding_says_how_to_read_it():
    text = words(plot_embedding(Y, PICTURES[0], LABELS, NAMES))
    assert "Left: each image is a point, coloured as the legend says; near points" in text
    assert "Right: the images themselves, each moved to a free cell" in text
    plain = words(plot_embedding(Y))
    assert "Each image is a point; near points" in plain and "Right" not in plain
    many = words(plot_embedding(Y, labels=np.arange(30), names=[str(n) for n in range(30)]))
    assert "one colour for each of 30 classes" in many


def test_grey_borders_of_patches_are_explained():
    inside = patches()
    assert "grey" not in words(plot_patches(inside))
    for edge in (np.s_[1, 2, 0], np.s_[0, 0, -1], np.s_[1, 1, :, 0], np.s_[0, 1, :, -1]):
        beyond = patches()
        beyond.patches[edge] = 128
        assert "(grey: outside the image)" in words(plot_patches(beyond))


def test_neurons_that_stay_silent_are_explained():
    text = words(plot_neurons(PICTURES[:2], ["channel 3", "channel 4"], [0.0, 0.01]))
    assert "channel 3 activation 0: not woken in these" in text and text.count("woken") == 1


def test_neurons_say_how_active_they_are_and_which_are_dead():
    figure = plot_neurons(PICTURES[:2], ["channel 3", "channel 4"], [5.25, 0.0], dead=[False, True], columns=1)
    text = words(figure)
    assert "channel 3 activation 5.25" in text and "channel 4 dead: no start had a gradient" in text
    np.testing.assert_array_equal(shown(figure)[1], PICTURES[1])


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="2 images but 1 titles"):
        plot_neighbours(PICTURES[:2], FOUND, ["cat"])
    with pytest.raises(ValueError, match="plot_neurons: 2 pictures but 3 activations"):
        plot_neurons(PICTURES[:2], ["a", "b"], [1, 2, 3])
    with pytest.raises(TypeError, match="must be uint8"):
        plot_activations(PICTURES[0] / 255, MAPS)


def test_no_global_figures_and_no_display():
    code = (
        "import sys, numpy as np\n"
        "from pixelgrad.visualization.plots.features import plot_filters\n"
        "plot_filters(np.zeros((9, 5, 5, 3), np.uint8))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PATH": "", "PYTHONPATH": ":".join(sys.path)})
