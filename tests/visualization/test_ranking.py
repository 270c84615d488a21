"""The comparison of methods: columns, intervals, agreement."""

import numpy as np
import pytest

from pixelgrad.visualization import agreement, insertion_deletion, measure_maps, pointing_game, summarise
from pixelgrad.visualization.methods import METHODS
from pixelgrad.visualization.plots import plot_agreement, plot_ranking
from pixelgrad.visualization.ranking import BASELINES, CANDIDATES, METRICS

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


def test_the_maps_that_know_nothing_are_stable_and_untouched_by_randomised_layers(model, images):
    for name in BASELINES:
        measured = measure_maps(name, images, Y, BOXES, model, steps=2)
        assert not measured["max_sensitivity"].any() and (measured["randomised"] == 1).all()
    with pytest.raises(ValueError, match="name must be one of .*'centre'.*got 'magic'"):
        measure_maps("magic", images, Y, BOXES, model)


def test_the_interval_is_that_of_the_mean():
    values = np.random.default_rng(0).normal(5, 2, 400)
    mean, low, high = summarise(np.append(values, np.nan))
    assert mean == pytest.approx(values.mean()) and low < mean < high
    assert (high - low) / 2 == pytest.approx(1.96 * 2 / 20, rel=0.15)
    assert summarise(values, rng=1) != summarise(values, rng=2) and summarise(values) == summarise(values)
    assert all(np.isnan(summarise(np.array([np.nan]))))


def test_agreement_counts_smaller_as_better_where_it_is():
    rows = {k: {"insertion": x, "deletion": -x, "road": -x, "sparseness": x} for k, x in zip("abcd", (1.0, 2, 4, 3))}
    assert agreement(rows) == {("insertion", "deletion"): 1, ("insertion", "road"): -1, ("deletion", "road"): -1}


def test_figures_show_every_metric_and_every_method():
    table = {
        name: {column: (0.5, 0.4, 0.6) for column in METRICS} | {"infidelity": (np.nan,) * 3} for name in CANDIDATES
    }
    figure = plot_ranking(table, heading="a network")
    titles = [axis.get_title().split("\n")[0] for axis in figure.axes if axis.get_title()]
    assert titles == [metric.title for column, metric in METRICS.items() if column != "infidelity"]
    assert len(figure.axes[0].get_yticklabels()) == len(CANDIDATES)
    means = {name: {"insertion": k, "deletion": -k} for k, name in enumerate(("lrp", "rise", "random"))}
    assert len(plot_agreement(means).axes[0].texts) == 4
    for nothing in ({}, {"lrp": {"energy": (np.nan,) * 3}}):
        with pytest.raises(ValueError, match="plot_ranking: no"):
            plot_ranking(nothing)
    with pytest.raises(ValueError, match="fewer than two metrics"):
        plot_agreement({"lrp": {"energy": 1.0}})
