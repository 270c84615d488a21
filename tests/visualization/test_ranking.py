"""The comparison of methods: columns, intervals, agreement."""

import numpy as np
import pytest

from pixelgrad.visualization import (
    agreement,
    class_sensitivity,
    identical_methods,
    insertion_deletion,
    max_sensitivity,
    measure_maps,
    pointing_game,
    ranking,
    smooth_sanity_check,
    summarise,
)
from pixelgrad.visualization.methods import METHODS, Method
from pixelgrad.visualization.plots import plot_agreement, plot_ranking
from pixelgrad.visualization.plots.ranking import MARKERS
from pixelgrad.visualization.ranking import BASELINES, CANDIDATES, METRICS
from pixelgrad.visualization.ranking_statistics import verdict

Y, BOXES = np.array([0, 4]), np.array([[0, 0, 32, 18], [4, 4, 20, 30]])


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_one_signature_and_repeats_with_a_seed(model, images, name):
    a, b = (METHODS[name].maps(images, Y, model, rng=3) for _ in range(2))
    assert a.shape == (2, 32, 36) and np.isfinite(a).all()
    np.testing.assert_array_equal(a, b)


def test_the_columns_are_the_metrics(model, images):
    measured = measure_maps("grad_cam", images, Y, BOXES, model, few=1, steps=3)
    assert list(measured) == list(METRICS)
    maps = METHODS["grad_cam"].maps(images, Y, model)
    np.testing.assert_array_equal(measured["pointing"], pointing_game(maps, BOXES))
    curves = insertion_deletion(maps, images, Y, model, steps=3)
    np.testing.assert_allclose(measured["insertion"], curves.insertion_auc)
    for column, metric in METRICS.items():
        assert np.isfinite(measured[column][0]) and np.isnan(measured[column][1]) == metric.few, column


def test_columns_of_few_images_are_what_the_functions_say(model, images):
    method = METHODS["gradient_x_input"].maps
    for few in (1, 2):  # with all images, maps that are there are not computed again
        measured = measure_maps("gradient_x_input", images, Y, BOXES, model, few=few, steps=2)
        some = images[:few], Y[:few], model
        expected = class_sensitivity(*some, method)
        assert (abs(expected) < 1).all()
        np.testing.assert_allclose(measured["other_class"][:few], expected)
        np.testing.assert_allclose(measured["max_sensitivity"][:few], max_sensitivity(*some, method, samples=2))
        check = smooth_sanity_check(*some, method, samples=2, stages="all", absolute=True)
        np.testing.assert_allclose(measured["randomised"][:few], abs(check.correlation[0]))


def test_a_map_of_the_opposite_order_is_alike_for_smprt(model, images, monkeypatch):
    rows = np.arange(32.0)[:, None] + np.ones(36)
    opposite = Method(
        "opposite", "rule", lambda X, y, m, rng=None: np.stack([rows if m is model else 40 - rows] * len(X))
    )
    monkeypatch.setitem(ranking.CANDIDATES, "opposite", opposite)
    measured = measure_maps("opposite", images, Y, BOXES, model, steps=2)
    np.testing.assert_allclose(measured["randomised"], 1)


def test_the_maps_that_know_nothing_are_stable_and_untouched_by_randomised_layers_and_other_classes(model, images):
    for name in BASELINES:
        measured = measure_maps(name, images, Y, BOXES, model, steps=2)
        assert not measured["max_sensitivity"].any() and (measured["randomised"] == 1).all()
        assert (measured["other_class"] == 1).all()
    assert (measure_maps("eigen_cam", images, Y, BOXES, model, steps=2)["other_class"] == 1).all()
    with pytest.raises(ValueError, match="name must be one of .*'centre'.*got 'magic'"):
        measure_maps("magic", images, Y, BOXES, model)


def test_the_interval_is_that_of_the_mean():
    values = np.random.default_rng(0).normal(5, 2, 400)
    mean, low, high = summarise(np.append(values, np.nan))
    assert mean == pytest.approx(values.mean()) and low < mean < high
    assert (high - low) / 2 == pytest.approx(1.96 * 2 / 20, rel=0.15)
    assert summarise(values, rng=1) != summarise(values, rng=2) and summarise(values) == summarise(values)
    assert all(np.isnan(summarise(np.array([np.nan]))))


def test_paired_differences_are_told_apart_where_means_are_not():
    rng = np.random.default_rng(0)
    blob = rng.normal(0.5, 0.2, 60)
    method = blob + 0.03 + rng.normal(0, 0.05, 60)
    assert summarise(method)[1] < summarise(blob)[2]  # the intervals overlap
    difference = summarise(method - blob)
    assert difference[0] == pytest.approx(method.mean() - blob.mean()) and difference[1] > 0
    assert verdict("insertion", difference) == 1 and verdict("deletion", difference) == -1
    assert verdict("insertion", summarise(blob - method)) == -1 and verdict("deletion", summarise(blob - method)) == 1
    for column in METRICS:
        assert verdict(column, (0.1, -0.1, 0.3)) == 0
    assert verdict("sparseness", difference) == 0


def of_images(rows, images=4):
    """{method: {metric: the same value for each image}}"""
    return {name: {c: np.full(images, float(v)) for c, v in row.items()} for name, row in rows.items()}


def test_agreement_counts_smaller_as_better_where_it_is():
    rows = {k: {"insertion": x, "deletion": -x, "road": -x, "sparseness": x} for k, x in zip("abcd", (1.0, 2, 4, 3))}
    pairs = agreement(of_images(rows))
    assert pairs == {
        ("insertion", "deletion"): (1, 1, 1),
        ("insertion", "road"): (-1, -1, -1),
        ("deletion", "road"): (-1, -1, -1),
    }


def test_agreement_counts_identical_methods_once_and_baselines_never():
    rows = {"a": {"insertion": 1, "road": 2}, "b": {"insertion": 2, "road": 1}, "c": {"insertion": 3, "road": 3}}
    expected = agreement(of_images(rows))
    assert expected["insertion", "road"][0] == 0.5
    more = rows | {"again": rows["c"], "third": rows["c"], "centre": {"insertion": 9, "road": 0}}
    assert agreement(of_images(more)) == expected
    assert agreement(of_images(rows | {"d": {"insertion": 9, "road": 0}})) != expected


def test_the_interval_of_agreement_is_over_images():
    rng = np.random.default_rng(0)
    quality = np.arange(12.0)[:, None]

    def interval(images, few):
        noise = rng.normal(0, 8, (2, 12, images))
        values = {"insertion": quality + noise[0], "infidelity": -quality + noise[1]}
        values["infidelity"][:, few:] = np.nan
        measured = {str(m): {column: array[m] for column, array in values.items()} for m in range(12)}
        return agreement(measured)["insertion", "infidelity"]

    value, low, high = interval(400, 400)
    assert low <= value <= high and value > 0.9 and high - low < 0.15
    wide = interval(400, 10)
    assert wide[2] - wide[1] > 2 * (high - low)
    alone = {"a": {"insertion": np.full(3, np.nan)}, "b": {"insertion": np.ones(3)}}
    assert agreement(alone) == {} and agreement({}) == {}


def test_identical_methods_are_found_by_their_values():
    rows = {"a": {"road": 1, "seconds": 1}, "b": {"road": 2, "seconds": 1}, "c": {"road": 1.0005, "seconds": 7}}
    measured = of_images(rows, images=200)
    assert identical_methods(measured) == [["a", "c"], ["b"]]
    assert identical_methods(measured, tolerance=0.0001) == [["a"], ["b"], ["c"]]
    measured["c"]["road"][:2] = 3  # on one image of a hundred
    assert identical_methods(measured) == [["a", "c"], ["b"]]
    measured["c"]["road"][:3] = 3
    assert identical_methods(measured) == [["a"], ["b"], ["c"]]


def test_class_activation_maps_with_other_names_are_found(model, images):
    names = ("cam", "grad_cam", "hires_cam", "xgrad_cam", "layer_cam", "saliency")
    measured = {name: measure_maps(name, images, Y, BOXES, model, few=0, steps=4) for name in names}
    assert identical_methods(measured)[0] == list(names[:4])  # the network ends in average pooling and one affine layer


def test_figures_show_every_metric_that_has_a_better_end_and_every_method():
    table = {
        name: {column: (0.5, 0.4, 0.6) for column in METRICS} | {"infidelity": (np.nan,) * 3} for name in CANDIDATES
    }
    figure = plot_ranking(table, heading="a network")
    titles = [axis.get_title().split("\n")[0] for axis in figure.axes if axis.get_title()]
    shown = {column: metric.title for column, metric in METRICS.items() if metric.better and column != "infidelity"}
    assert titles == list(shown.values())
    assert len(figure.axes[0].get_yticklabels()) == len(CANDIDATES)
    assert "rows in the order of insertion" in figure.get_suptitle()
    (legend,) = figure.legends
    words = " ".join(text.get_text() for text in legend.get_texts())
    assert "perturbation: scores of changed pictures" in words and "centred blob" in words and "worse" not in words
    for nothing in ({}, {"lrp": {"energy": (np.nan,) * 3}}, {"lrp": {"sparseness": (0.5, 0.4, 0.6)}}):
        with pytest.raises(ValueError, match="plot_ranking: no"):
            plot_ranking(nothing)


def test_the_figure_says_how_methods_compare_with_the_blob():
    table = {name: {"deletion": (0.5, 0.4, 0.6)} for name in ("lrp", "rise", "saliency", "centre")}
    differences = {"lrp": (-0.1, -0.2, -0.05), "rise": (0.1, 0.05, 0.2), "saliency": (0.0, -0.1, 0.1)}
    figure = plot_ranking(table, {name: {"deletion": value} for name, value in differences.items()})
    markers = {line.get_marker(): line.get_ydata()[0] for line in figure.axes[0].lines if len(line.get_ydata()) == 1}
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert {names[place]: marker for marker, place in markers.items()} == {
        "LRP": MARKERS[1][0],
        "RISE": MARKERS[-1][0],
        "saliency": MARKERS[0][0],
        "centred blob": ".",
    }
    assert "not told apart from the blob" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_best_method_is_at_the_top():
    for lead, best in (("insertion", "rise"), ("deletion", "lrp")):
        table = {"lrp": {lead: (0.2, 0.1, 0.3)}, "rise": {lead: (0.5, 0.4, 0.6)}}
        axis = plot_ranking(table).axes[0]
        assert axis.get_yticklabels()[-1].get_text() == CANDIDATES[best].title
        assert axis.get_ylim()[0] < axis.get_ylim()[1]


def test_the_square_of_metrics_shows_each_pair_with_its_interval():
    axis = plot_agreement({("insertion", "deletion"): (0.9, 0.8, 0.95)}).axes[0]
    assert [text.get_text() for text in axis.texts] == ["0.90\n0.80 to 0.95"] * 2
    with pytest.raises(ValueError, match="fewer than two metrics"):
        plot_agreement({})
