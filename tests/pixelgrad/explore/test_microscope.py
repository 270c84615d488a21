"""The terms that the microscope shows add up to the network's own values and gradients, layer by layer."""

import numpy as np
import pytest

from pixelgrad.explore.microscope import TOLERANCE, Microscope
from pixelgrad.explore.street import Street, one_hot_like
from pixelgrad.explore.texts import VIEWS


def some_neurons(shape, rng, count=4):
    """(channel, position or None) of a layer's output (1, C, h, w) or (1, C), corners included."""
    if len(shape) == 2:
        return [(int(c), None) for c in rng.integers(shape[1], size=count)]
    corners = [(0, 0), (shape[2] - 1, shape[3] - 1)]
    places = corners + [(int(rng.integers(shape[2])), int(rng.integers(shape[3]))) for _ in range(count - 2)]
    return [(int(rng.integers(shape[1])), place) for place in places]


@pytest.mark.parametrize("name", ["shipped", "fire", "affine"])
def test_products_add_up_to_the_networks_value(networks, name):
    model, X = networks[name]
    scope, rng = Microscope(model, X), np.random.default_rng(0)
    out = X
    for layer in range(len(model.layer_names)):
        out, _ = model.forward(out, start=layer, end=layer)
        for channel, position in some_neurons(out.shape, rng):
            terms = scope.forward_terms(layer, channel, position)
            value = out[(0, channel, *(position or ()))]
            assert abs(terms.value - value) <= TOLERANCE * max(1, abs(value)), (layer, channel, position)
            assert np.isclose((terms.window * terms.weights).sum(), terms.steps[0]["value"], atol=1e-12)


@pytest.mark.parametrize("name", ["shipped", "fire", "affine"])
@pytest.mark.parametrize("rule", ["standard", "guided", "deconv"])
def test_what_is_sent_adds_up_to_the_networks_gradient(networks, name, rule):
    model, X = networks[name]
    scope, rng = Microscope(model, X), np.random.default_rng(0)
    exact = model.astype(np.float64)
    last = len(model.layer_names) - 1
    scores, cache = exact.forward(X.astype(np.float64))
    dX, _ = exact.backward(one_hot_like(scores, 2), cache, relu_rule=rule)
    for layer in range(-1, last):
        shape = X.shape if layer < 0 else scope.street.outs[layer].shape
        for channel, position in some_neurons(shape, rng, count=3):
            found = scope.backward_terms(layer, channel, position, target=(last, 2, None), relu_rule=rule)
            gradient = found.total
            assert np.isclose(np.nansum(found.sent), gradient, rtol=1e-9, atol=1e-12), (layer, channel, position)
            if layer < 0:
                assert np.isclose(gradient, dX[0, channel][position], rtol=1e-6, atol=1e-9)


def test_senders_are_the_neurons_whose_windows_hold_the_pixel(networks):
    model, X = networks["shipped"]
    scope = Microscope(model, X)
    found = scope.backward_terms(-1, 0, (0, 0), target=(8, 3, None))
    # conv1 has 6x6 windows, stride 2, pad 2: the corner pixel lies in two windows of each side, at places 2 and 0.
    at = {(int(i), int(j)) for _, i, j in np.argwhere(np.isfinite(found.sent))}
    assert at == {(i, j) for i in (2, 0) for j in (2, 0)} and found.gradient.shape == (32, 6, 6)


def test_a_window_at_the_border_holds_the_zeros_of_the_padding(networks):
    model, X = networks["shipped"]
    terms = Microscope(model, X).forward_terms(0, 5, (0, 0))
    assert terms.origin == (-2, -2) and not terms.window[:, :2].any() and terms.window[:, 2:, 2:].any()
    assert np.allclose(terms.window[:, 2:, 2:], X[0, :, :4, :4])


def test_what_is_not_there_is_refused(networks):
    model, X = networks["shipped"]
    scope = Microscope(model, X)
    for layer, channel, position in ((0, 32, (0, 0)), (0, 0, (0, 32)), (0, 0, None), (8, 100, None)):
        with pytest.raises(ValueError):
            scope.forward_terms(layer, channel, position)
    with pytest.raises(ValueError, match="above"):
        scope.backward_terms(3, 0, (0, 0), target=(3, 0, None))


def test_the_street_gives_the_networks_activations_and_gradients(networks):
    for model, X in networks.values():
        street = Street(model, X)
        outs = dict(street.forward())
        for layer in outs:
            assert np.allclose(outs[layer], model.forward(X, end=layer)[0], rtol=1e-5, atol=1e-6)
        last = len(outs) - 1
        scores, cache = model.forward(X)
        dX, _ = model.backward(one_hot_like(scores, 1), cache)
        gradients = dict(street.backward(last, 1))
        assert list(gradients) == [*range(last, -2, -1)]
        assert np.allclose(gradients[-1], dX, rtol=1e-4, atol=1e-6 * np.abs(dX).max())
        feats, cache = model.forward(X, end=0)
        one = one_hot_like(feats, 2, (1, 3))
        assert np.allclose(dict(street.backward(0, 2, (1, 3)))[-1], model.backward(one, cache)[0], atol=1e-6)


@pytest.mark.parametrize("rule", ["standard", "guided", "deconv"])
def test_each_senders_row_holds_its_own_gradient_and_every_factor(networks, rule):
    """What a row says of a neuron above is what the microscope says when one goes there."""
    model, X = networks["shipped"]
    scope, seen = Microscope(model, X), set()
    for layer, channel, position in ((1, 10, (3, 7)), (4, 3, (2, 2)), (0, 5, (9, 9))):
        found = scope.backward_terms(layer, channel, position, target=(8, 3, None), relu_rule=rule)
        terms = found.largest(12, 4)
        assert abs(found.sent[np.isfinite(found.sent)]).max() == abs(terms[0]["sent"])
        for term in terms:
            product = term["gradient"] * term["gate"] * term["scale"]
            assert np.isclose(product, term["at_sum"]) and np.isclose(product * term["weights"], term["sent"])
            place = tuple(p + 1 - k for p, k in zip(position, term["at"]))  # of a 3x3 kernel with stride 1, pad 1
            if model.output_shapes()[model.layer_names[layer + 1]][1:] != scope.street.outs[layer].shape[2:]:
                continue
            above = scope.backward_terms(layer + 1, term["channel"], place, target=(8, 3, None), relu_rule=rule)
            passed = scope.passed_on(layer + 1, term["channel"], place, rule)
            assert np.isclose(above.total, term["gradient"]) and np.isclose(passed["at_sum"], term["at_sum"])
            assert np.isclose(passed["gate"], term["gate"]) and np.isclose(passed["scale"], term["scale"])
            seen.add(term["gate"])
    assert seen == {0, 1}  # silent senders are among them


def test_a_neuron_whose_relu_is_closed_has_a_gradient_but_passes_none_on(networks):
    model, X = networks["shipped"]
    scope = Microscope(model, X)
    for _ in scope.street.forward():
        pass
    maps, gradients = scope.street.outs[1][0], dict(scope.street.backward(8, 3))
    c, i, j = np.argwhere((maps == 0) & (gradients[1][0] != 0))[0]
    found = scope.backward_terms(1, int(c), (int(i), int(j)), target=(8, 3, None))
    passed = scope.passed_on(1, int(c), (int(i), int(j)), "standard")
    assert found.total != 0 and passed == {**passed, "gate": 0, "at_sum": 0}


def test_every_kind_of_layer_is_explained_by_a_text_of_its_own(networks):
    seen = set()
    for model, X in networks.values():
        scope = Microscope(model, X)
        for layer, shape in enumerate(model.output_shapes().values()):
            seen.add(scope.forward_terms(layer, 0, (0, 0) if len(shape) == 3 else None).view)
    assert seen == {"value", "value-affine", "value-mean", "value-max", "value-avg", "value-relu"} <= set(VIEWS)
