"""Figures: drawn without a display, with what they are asked to show in them."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pixelgrad.classifiers import Evaluation
from pixelgrad.visualization.plots.pictures import (
    plot_evaluation,
    plot_fooling,
    plot_history,
    plot_images,
    plot_progress,
    plot_saliency,
    short_name,
)

rng = np.random.default_rng(0)
PICTURES = rng.integers(0, 256, (3, 20, 30, 3), dtype=np.uint8)
MAPS = rng.random((3, 20, 30))
EVALUATION = Evaluation(np.eye(3)[[0, 1, 1, 2, 0]] + 0.1, np.array([0, 0, 1, 2, 2]), 0.5, 0.6, 1.0)
NAMES = ["goldfish, Carassius auratus", "banana", "lemon"]
HISTORY = [
    {"epoch": 1, "train_loss": 4.0, "train_top1": 0.1, "val_loss": 3.5, "val_top1": 0.2, "val_top5": 0.4},
    {"epoch": 2, "train_loss": 3.0, "train_top1": 0.3, "val_loss": 2.5, "val_top1": 0.4, "val_top5": 0.6},
]
for _row in HISTORY:
    _row["learning_rate"] = 0.1 / _row["epoch"]


def shown(figure):
    """The pictures of a figure, in order, as arrays."""
    return [np.asarray(axis.images[0].get_array()) for axis in figure.axes if axis.images]


def words(figure):
    heading = figure.get_suptitle()
    return " ".join([heading, *(axis.get_title().replace("\n", " ") for axis in figure.axes)])


def drawn(figure):
    """The figure as pixels, by the renderer that needs no display."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


@pytest.mark.parametrize(
    "figure",
    [
        plot_images(PICTURES, ["a", "b", "c"], heading="head"),
        plot_saliency(PICTURES, MAPS, ["a", "b", "c"], heading="head"),
        plot_fooling(PICTURES, PICTURES[::-1], heading="head"),
        plot_progress(PICTURES, ["a", "b", "c"], heading="head"),
        plot_evaluation(EVALUATION, NAMES, heading="head"),
        plot_history(HISTORY, heading="head"),
    ],
)
def test_every_plot_is_a_figure_that_can_be_drawn(figure):
    assert isinstance(figure, Figure) and "head" in words(figure)
    assert drawn(figure).std() > 5


def test_pictures_are_shown_as_they_are_with_their_titles():
    figure = plot_images(list(PICTURES), ["one", "two", "three"])
    for picture, original in zip(shown(figure), PICTURES):
        np.testing.assert_array_equal(picture, original)
    assert words(figure).split() == ["one", "two", "three"]


def test_columns_shape_the_grid():
    assert len(plot_images(PICTURES, columns=2).axes) == 4, "two rows of two"
    assert len(plot_images(PICTURES, columns=1).axes) == 3
    assert len(plot_images([PICTURES[0]] * 9).axes) == 9, "nearly square"


def test_saliency_shows_picture_map_and_both_together():
    figure = plot_saliency(PICTURES[:1], MAPS[:1], ["cat"])
    picture, map_, lit = shown(figure)[:3]
    np.testing.assert_array_equal(picture, PICTURES[0])
    np.testing.assert_array_equal(map_, MAPS[0])
    bright, dark = MAPS[0] > np.percentile(MAPS[0], 99.6), MAPS[0] < 0.02
    np.testing.assert_array_equal(lit[bright], PICTURES[0][bright])
    assert (lit[dark] < 0.5 * PICTURES[0][dark] + 1).all()


def test_an_empty_saliency_map_is_drawn_without_a_fuss():
    assert np.isfinite(drawn(plot_saliency(PICTURES[:1], 0 * MAPS[:1]))).all()


def test_the_difference_is_magnified_around_grey_and_never_wraps():
    after = PICTURES[0].copy()
    before = np.full_like(after, 100)
    after[...] = 100
    after[0, 0], after[0, 1] = 103, 60
    *_, difference, magnified = shown(plot_fooling(before, after, magnify=10))
    assert difference[0, 0, 0] == 131 and difference[0, 1, 0] == 88 and difference[5, 5, 0] == 128
    assert magnified[0, 0, 0] == 158 and magnified[0, 1, 0] == 0 and magnified[5, 5, 0] == 128


@pytest.mark.parametrize("rms, factor", [(3, 10), (10, 5), (25, 2), (120, 1)])
def test_a_difference_is_magnified_as_far_as_little_of_it_is_clipped(rms, factor):
    change = np.random.default_rng(0).normal(0, rms, (2, 20, 30, 3))
    before = np.full(change.shape, 128, np.uint8)
    after = np.clip(128 + change, 0, 255).astype(np.uint8)
    figure = plot_fooling(before, after)
    assert words(figure).count(f"difference x {factor}") == 2
    clipped = np.isin(shown(figure)[3], (0, 255))
    assert factor == 1 or clipped.mean() <= 0.06


def test_the_strength_of_the_change_is_in_the_title():
    before = np.full((6, 6, 3), 100, np.uint8)
    assert "RMS 3.0" in words(plot_fooling(before, before + np.uint8(3)))


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="3 images but 2 titles"):
        plot_images(PICTURES, ["a", "b"])
    with pytest.raises(ValueError, match="no images"):
        plot_images([])
    with pytest.raises(TypeError, match="deprocess"):
        plot_images(PICTURES.astype(np.float32))
    with pytest.raises(ValueError, match="3 images but 2 maps"):
        plot_saliency(PICTURES, MAPS[:2])
    with pytest.raises(ValueError, match="different shapes"):
        plot_fooling(PICTURES, PICTURES[:2])


def test_short_names():
    assert short_name("goldfish, Carassius auratus") == "goldfish"


def test_no_global_figures_and_no_display():
    code = (
        "import sys, numpy as np\n"
        "from pixelgrad.visualization.plots.pictures import plot_images\n"
        "plot_images([np.zeros((9, 9, 3), np.uint8)])\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PATH": "", "PYTHONPATH": ":".join(sys.path)})


def test_the_evaluation_shows_every_class_best_first_and_what_it_is_taken_for():
    bars, matrix, _ = plot_evaluation(EVALUATION, NAMES).axes
    order = ["banana", "goldfish", "lemon"]  # right in 1 of 1, 1 of 2, 1 of 2
    assert [label.get_text() for label in bars.get_yticklabels()] == order
    assert [label.get_text() for label in matrix.get_xticklabels()] == order
    widths = [bar.get_width() for bar in bars.patches]
    assert widths == [1, 1, 1, 1, 0.5, 0.5]  # top-5, then top-1
    np.testing.assert_allclose(matrix.images[0].get_array(), [[1, 0, 0], [0.5, 0.5, 0], [0, 0.5, 0.5]])
    assert matrix.images[0].get_clim() == (0, 0.5)


def test_the_history_shows_what_it_is_given():
    loss, accuracy, rate = plot_history(HISTORY).axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[4, 3], [3.5, 2.5]]
    assert [list(line.get_ydata()) for line in accuracy.lines] == [[0.1, 0.3], [0.2, 0.4], [0.4, 0.6]]
    assert list(rate.lines[0].get_ydata()) == [0.1, 0.05] and list(rate.lines[0].get_xdata()) == [1, 2]
    without = [{k: v for k, v in row.items() if not k.startswith("val")} for row in HISTORY]
    assert len(plot_history(without).axes[0].lines[1].get_xdata()) == 0
    five_classes = [row | {"val_top5": 1.0} for row in HISTORY]
    assert [line.get_label() for line in plot_history(five_classes).axes[1].lines] == ["training", "validation"]
    with pytest.raises(ValueError, match="plot_history: the history is empty"):
        plot_history([])


@pytest.mark.slow
def test_the_names_of_a_hundred_classes_can_be_read():
    """At least 9 points high, and no name over its neighbour."""
    evaluation = Evaluation(np.eye(100), np.arange(100), 0.5, 1.0, 1.0)
    figure = plot_evaluation(evaluation, [f"long name of class {k}" for k in range(100)])
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    bars, matrix, _ = figure.axes
    for labels, side in ((bars.get_yticklabels(), 1), (matrix.get_yticklabels(), 1), (matrix.get_xticklabels(), 0)):
        boxes = [label.get_window_extent(canvas.get_renderer()).get_points()[:, side] for label in labels]
        low, high = np.sort(boxes, axis=0).T
        assert (low[1:] >= high[:-1] - 2).all(), "pixels"
        assert min(label.get_fontsize() for label in labels) >= 9
