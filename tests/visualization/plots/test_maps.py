"""Figures of maps: what is asked for is in them, and colours mean what they say."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pixelgrad.visualization.faithfulness import InsertionDeletion, SanityCheck
from pixelgrad.visualization.occlusion import Occlusion
from pixelgrad.visualization.plots.faithfulness import (
    COLOURS,
    METHOD_NAMES,
    plot_insertion_deletion,
    plot_sanity,
)
from pixelgrad.visualization.plots.maps import (
    gradient_picture,
    plot_gradient_pictures,
    plot_maps,
    plot_methods,
    plot_occlusion,
    plot_segmentation,
)
from pixelgrad.visualization.segmentation import segment_object

rng = np.random.default_rng(0)
PICTURES = rng.integers(0, 256, (2, 20, 30, 3), dtype=np.uint8)
MAPS = rng.random((2, 20, 30))
SIGNED = MAPS - 0.7
TITLES = ["goldfish, p = 0.93", "lemon, p = 0.10"]
GRADIENTS = rng.standard_normal((2, 3, 20, 30))
OCCLUSION = Occlusion(SIGNED, SIGNED[:, ::4, ::5], np.arange(0, 17, 4), np.arange(0, 26, 5), np.ones(2))
FOUND = [segment_object(picture, map_) for picture, map_ in zip(PICTURES, MAPS)]
X_AXIS = np.linspace(0, 1, 5)
CURVES = {
    "one": InsertionDeletion(X_AXIS, 1 - X_AXIS[None], X_AXIS[None], np.array([0.5]), np.array([0.5])),
    "two": InsertionDeletion(X_AXIS, 0 * X_AXIS[None], X_AXIS[None] ** 0, np.array([0.0]), np.array([1.0])),
}
CHECKS = {"one": SanityCheck(["affine1", "conv1"], np.array([[0.5, 0.7], [0.1, -0.1]]), MAPS, np.stack([MAPS, MAPS]))}

FIGURES = {
    "maps": lambda: plot_maps(PICTURES, MAPS, TITLES, heading="head"),
    "signed maps": lambda: plot_maps(PICTURES, SIGNED, TITLES, heading="head"),
    "lit": lambda: plot_maps(PICTURES, SIGNED, TITLES, overlay="lit", heading="head"),
    "methods": lambda: plot_methods(PICTURES[0], {"a": MAPS[0], "b": SIGNED[0]}, title=TITLES[0], heading="head"),
    "gradients": lambda: plot_gradient_pictures(PICTURES, [GRADIENTS], TITLES, labels=["guided"], heading="head"),
    "occlusion": lambda: plot_occlusion(PICTURES, OCCLUSION, TITLES, window=4, heading="head"),
    "segmentation": lambda: plot_segmentation(PICTURES, MAPS, FOUND, TITLES, heading="head"),
    "curves": lambda: plot_insertion_deletion(CURVES, heading="head"),
    "sanity": lambda: plot_sanity(CHECKS, heading="head"),
}


def drawn(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def shown(figure):
    """The pictures and maps of a figure in order, colour bars left out."""
    return [np.asarray(axis.images[0].get_array()) for axis in figure.axes if axis.images]


def norms(figure):
    """(lowest, highest, name of the colour map) of each map."""
    images = [axis.images[0] for axis in figure.axes if axis.images]
    return [(i.norm.vmin, i.norm.vmax, i.cmap.name) for i in images if i.get_array().ndim == 2]


def words(figure):
    below = figure.get_supxlabel().replace("\n", " ")
    return " ".join([figure.get_suptitle(), below, *(axis.get_title().replace("\n", " ") for axis in figure.axes)])


@pytest.mark.parametrize("name", FIGURES)
def test_every_plot_is_a_figure_that_can_be_drawn(name):
    figure = FIGURES[name]()
    assert isinstance(figure, Figure) and "head" in words(figure)
    assert drawn(figure).std() > 5


@pytest.mark.parametrize("name", ["maps", "gradients", "occlusion", "segmentation"])
def test_titles_stand_above_the_pictures(name):
    figure = FIGURES[name]()
    assert all(title in words(figure) for title in TITLES)
    pictures = [a for a in shown(figure) if a.shape == PICTURES[0].shape]
    assert any(np.array_equal(a, PICTURES[0]) for a in pictures)
    assert any(np.array_equal(a, PICTURES[1]) for a in pictures)


def test_signed_maps_have_colours_symmetric_about_a_white_zero():
    ranges = norms(plot_maps(PICTURES, SIGNED))
    assert len(ranges) == 2 and all(name == "RdBu_r" and lo == -hi < 0 for lo, hi, name in ranges)
    assert all(hi == pytest.approx(np.percentile(abs(m), 99.5)) for (_, hi, _), m in zip(ranges, SIGNED))


def test_maps_that_are_never_negative_begin_at_zero_unless_signed_is_asked_for():
    assert [(lo, name) for lo, _, name in norms(plot_maps(PICTURES, MAPS))] == [(0, "inferno")] * 2
    assert all(name == "RdBu_r" and lo == -hi for lo, hi, name in norms(plot_maps(PICTURES, MAPS, signed=True)))
    assert norms(plot_maps(PICTURES, SIGNED, signed=False))[0][0] == 0


def test_every_map_has_a_colour_bar():
    for name, bars in (("maps", 2), ("methods", 2), ("occlusion", 4), ("segmentation", 2)):
        figure = FIGURES[name]()
        assert sum(axis.get_label() == "<colorbar>" for axis in figure.axes) == bars, name


def test_the_percentile_sets_the_end_of_the_colours():
    (_, low, _), *_ = norms(plot_maps(PICTURES, MAPS, percentile=50))
    (_, high, _), *_ = norms(plot_maps(PICTURES, MAPS, percentile=100))
    assert low == pytest.approx(np.median(MAPS[0])) and high == MAPS[0].max()


def test_lit_is_bright_where_the_map_is_far_from_zero_and_heat_coloured_there():
    map_ = np.zeros((20, 30))
    map_[3:6, 4:9] = -2
    map_[12:15, 4:9] = 2
    lit = shown(plot_maps(PICTURES[:1], map_[None], overlay="lit", percentile=100))[2]
    np.testing.assert_array_equal(lit[map_ != 0], PICTURES[0][map_ != 0])
    np.testing.assert_allclose(lit[map_ == 0], 0.2 * PICTURES[0][map_ == 0], atol=0.5)
    heat = shown(plot_maps(PICTURES[:1], map_[None], percentile=100))[2].astype(int)
    assert (heat[map_ > 0, 0] > heat[map_ > 0, 2]).all(), "red speaks for the class"
    assert (heat[map_ < 0, 2] > heat[map_ < 0, 0]).all(), "blue against it"


@pytest.mark.parametrize("value", [0.0, 3.0, -3.0])
def test_constant_maps_are_drawn_without_a_fuss(value, recwarn):
    flat = np.full((1, 20, 30), value)
    for overlay in ("heat", "lit"):
        drawn(plot_maps(PICTURES[:1], flat, overlay=overlay))
    drawn(plot_methods(PICTURES[0], {"flat": flat[0]}))
    drawn(plot_segmentation(PICTURES[:1], flat, [segment_object(PICTURES[0], flat[0])]))
    assert not recwarn.list


def test_a_gradient_picture_is_grey_at_zero_and_does_not_wrap():
    dX = np.zeros((3, 4, 5))
    dX[0, 1, 2], dX[2, 3, 4] = 2, -2
    picture = gradient_picture(dX, percentile=100)
    assert picture.shape == (4, 5, 3) and picture.dtype == np.uint8
    assert picture[1, 2].tolist() == [255, 128, 128] and picture[3, 4].tolist() == [128, 128, 0]
    assert (gradient_picture(0 * dX) == 128).all()
    assert gradient_picture(dX)[1, 2, 0] == 255, "single pixels beyond the percentile do not vanish"
    assert gradient_picture(GRADIENTS[0], percentile=50).std() > gradient_picture(GRADIENTS[0]).std()


def test_occlusion_frames_the_window_that_costs_most():
    figure = plot_occlusion(PICTURES[:1], Occlusion(*(a[:1] for a in (SIGNED, OCCLUSION.grid)), *(
        OCCLUSION.tops, OCCLUSION.lefts, np.ones(1))), window=4)  # fmt: skip
    i, j = np.unravel_index(OCCLUSION.grid[0].argmax(), OCCLUSION.grid[0].shape)
    frame = figure.axes[0].patches[-1]
    assert frame.get_xy() == (OCCLUSION.lefts[j] - 0.5, OCCLUSION.tops[i] - 0.5)
    assert (frame.get_width(), frame.get_height()) == (4, 4)
    assert shown(figure)[1].shape == OCCLUSION.grid[0].shape, "the coarse grid, as it was measured"


def test_an_unfinished_occlusion_is_grey_where_nothing_was_measured(recwarn):
    part = Occlusion(SIGNED.copy(), OCCLUSION.grid.copy(), OCCLUSION.tops, OCCLUSION.lefts, np.ones(2))
    part.maps[0, 12:], part.grid[0, 3:], part.maps[1], part.grid[1] = (np.nan,) * 4
    figure = plot_occlusion(PICTURES, part, TITLES, window=4)
    assert words(figure).count("grey: not measured") == 4
    maps = [axis.images[0] for axis in figure.axes if axis.images and axis.images[0].get_array().ndim == 2]
    for map_ in maps:
        rgba = map_.to_rgba(map_.get_array())
        grey = np.isclose(rgba[..., :3], 0x8C / 255, atol=0.01).all(axis=-1)
        assert np.array_equal(grey, np.ma.getmaskarray(map_.get_array()))
    i, j = np.unravel_index(OCCLUSION.grid[0, :3].argmax(), (3, 6))
    assert figure.axes[0].patches[-1].get_xy() == (OCCLUSION.lefts[j] - 0.5, OCCLUSION.tops[i] - 0.5)
    drawn(figure)
    assert not figure.axes[4].patches and not recwarn.list, "nothing measured, nothing framed"
    assert "grey" not in words(FIGURES["occlusion"]())


def test_segmentation_shows_mask_cutout_and_box():
    figure = plot_segmentation(PICTURES[:1], MAPS[:1], FOUND[:1])
    _, _, mask, cutout = shown(figure)[:4]
    np.testing.assert_array_equal(mask, 255 * FOUND[0].mask)
    np.testing.assert_array_equal(cutout, FOUND[0].cutout)
    frame, box = figure.axes[0].patches[-1], FOUND[0].box
    assert frame.get_xy() == (box.left - 0.5, box.top - 0.5) and frame.get_width() == box.right - box.left


def test_curves_have_their_areas_in_the_legend_best_first():
    deletion, insertion = plot_insertion_deletion(CURVES).axes
    for axis in (deletion, insertion):
        assert [t.get_text().split()[-1] for t in axis.get_legend().get_texts()] == ["two", "one"]
    assert insertion.get_legend().get_texts()[0].get_text().startswith("1.000")
    np.testing.assert_allclose(deletion.lines[1].get_ydata(), 1 - X_AXIS)
    assert deletion.lines[0].get_color() == insertion.lines[0].get_color(), "a method has one colour"


def test_a_method_has_one_colour_in_all_charts_whatever_else_is_shown():
    """Colours by the methods' names, not by their order."""

    def colours(figure):
        return {line.get_label().split("  ")[-1]: line.get_color() for axis in figure.axes for line in axis.lines}

    names = [*METHOD_NAMES.values(), "random order", "my own"]
    everything = colours(plot_insertion_deletion({name: CURVES["one"] for name in names}))
    assert len(set(everything.values())) == len(names) == 10, "no two alike"
    two = colours(plot_insertion_deletion({name: CURVES["one"] for name in ("Grad-CAM", "saliency")}))
    checks = colours(plot_sanity({name: CHECKS["one"] for name in reversed(names[:8])}))
    assert two.items() <= everything.items()
    assert {name: checks[name] for name in names[:8]} == {name: everything[name] for name in names[:8]}
    assert COLOURS["Grad-CAM"] == everything["Grad-CAM"]


def test_charts_say_how_to_read_them():
    text = words(FIGURES["curves"]())
    for part in (
        "Deletion takes the pixels away that a map ranks highest",
        "insertion brings them",
        "vanishes on the left",
    ):
        assert part in text, text
    assert "loses its likeness as layers are randomised" in words(FIGURES["sanity"]())
    figure = plot_insertion_deletion({"random order": CURVES["one"], "saliency": CURVES["two"]})
    dashed = {line.get_label().split("  ")[-1]: line.get_linestyle() for line in figure.axes[0].lines}
    assert dashed == {"random order": "--", "saliency": "-"}, "the dashed curves are what the sentence calls so"


def test_a_cell_left_over_says_what_the_colours_mean():
    nine = plot_methods(PICTURES[0], {str(k): MAPS[0] for k in range(8)})
    (text,) = [text.get_text() for axis in nine.axes for text in axis.texts]
    assert "red: for the class" in text and "how much a pixel counts" in text
    full = plot_methods(PICTURES[0], {str(k): MAPS[0] for k in range(9)})
    assert not [text for axis in full.axes for text in axis.texts]


def test_the_sanity_check_begins_at_one_and_shows_the_mean():
    (axis,) = plot_sanity(CHECKS).axes
    np.testing.assert_allclose(axis.lines[0].get_ydata(), [1, 0.6, 0])
    assert [t.get_text() for t in axis.get_xticklabels()] == ["none", "affine1", "conv1"]


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="2 images but 1 maps"):
        plot_maps(PICTURES, MAPS[:1])
    with pytest.raises(ValueError, match=r"\(30, 20\) for a picture of \(20, 30\)"):
        plot_maps(PICTURES, MAPS.transpose(0, 2, 1))
    with pytest.raises(ValueError, match="NaN"):
        plot_maps(PICTURES, MAPS * np.nan)
    with pytest.raises(ValueError, match="must be one of 'heat', 'lit'.*, got 'glow'"):
        plot_maps(PICTURES, MAPS, overlay="glow")
    with pytest.raises(ValueError, match="2 images but 1 titles"):
        plot_maps(PICTURES, MAPS, ["a"])
    with pytest.raises(TypeError, match="deprocess"):
        plot_maps(PICTURES / 255, MAPS)
    with pytest.raises(ValueError, match=r"expected gradients \(2, 3, H, W\)"):
        plot_gradient_pictures(PICTURES, [GRADIENTS[0]])
    for plot in (plot_insertion_deletion, plot_sanity):
        with pytest.raises(ValueError, match="no results"):
            plot({})
