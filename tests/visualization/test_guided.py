import numpy as np
import pytest

from pixelgrad.classifiers import Network
from pixelgrad.layers import eval_numerical_gradient
from pixelgrad.visualization.guided import deconvnet, guided_backprop, neuron_gradient
from pixelgrad.visualization.occlusion import fill_like
from pixelgrad.visualization.saliency import class_gradient


def one_pixel_network():
    """Three pixels 1, 2, 3 (in the three channels), three ReLU units, one score.

    h1 = x0 + x1 = 3, weight 2: active, positive; h2 = x2 - x0 = 2, weight -1: active, negative; h3 = x0 - x2 = -2,
    weight 3: not active, positive.
    """
    network = Network(
        [{"type": "affine", "units": 3, "relu": True}, {"type": "affine", "units": 1}],
        input_size=(1, 1),
        dtype=np.float64,
        pixel_mean=[0.0] * 3,
    )
    network.params |= {
        "W1": np.array([[1.0, -1, 1], [1, 0, 0], [0, 1, -1]]),
        "b1": np.zeros(3),
        "W2": np.array([[2.0], [-1], [3]]),
        "b2": np.zeros(1),
    }
    return network, np.array([1.0, 2, 3]).reshape(1, 3, 1, 1)


def test_the_three_rules_on_an_example_worked_by_hand():
    network, X = one_pixel_network()
    plain = 2 * np.array([1, 1, 0]) - np.array([-1, 0, 1])  # what was active
    guided = 2 * np.array([1, 1, 0])  # and arrives positive
    deconv = 2 * np.array([1, 1, 0]) + 3 * np.array([1, 0, -1])  # all that arrives positive
    assert plain.tolist() == [3, 2, -1] and guided.tolist() == [2, 2, 0] and deconv.tolist() == [5, 2, -3]
    for result, expected in (
        (class_gradient(X, 0, network), plain),
        (guided_backprop(X, 0, network), guided),
        (deconvnet(X, 0, network), deconv),
    ):
        np.testing.assert_allclose(result.ravel(), expected)


@pytest.fixture
def positive(model):
    """The small network with all weights, shifts and images above zero: every ReLU is active all the way."""
    for name, value in model.params.items():
        model.params[name] = -abs(value) if name.startswith("running_mean") else abs(value)
    return model


def test_guided_and_deconv_equal_plain_on_an_all_positive_network(positive, images):
    X = abs(images)
    plain = class_gradient(X, [0, 4], positive)
    np.testing.assert_allclose(guided_backprop(X, [0, 4], positive), plain, rtol=1e-12)
    np.testing.assert_allclose(deconvnet(X, [0, 4], positive), plain, rtol=1e-12)
    assert abs(plain).max() > 0


def test_the_rules_differ_on_a_network_that_is_not_positive(model, images):
    plain, guided, deconv = (f(images, 2, model) for f in (class_gradient, guided_backprop, deconvnet))
    for a, b in ((plain, guided), (plain, deconv), (guided, deconv)):
        assert not np.allclose(a, b, atol=1e-3 * abs(a).max())


def test_without_max_pooling_the_deconvnet_sees_no_image(model, images):
    np.testing.assert_allclose(*deconvnet(images, 2, model))


# -- neurons ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["conv1", 1])
def test_with_the_standard_rule_it_is_the_numerical_gradient_of_the_neuron(model, images, layer):
    X = images[:1, :, :12, :14] + 0.123
    features, _ = model.forward(X, end=layer)
    row, column = np.argwhere(features[0, 3] > 0)[0]

    def neuron(Z):
        return model.forward(Z, end=layer)[0][0, 3, row, column]

    dX = neuron_gradient(X, layer, model, channel=3, position=(row, column), relu_rule="standard")
    assert abs(dX).max() > 0
    np.testing.assert_allclose(dX, eval_numerical_gradient(neuron, X.copy(), h=1e-3), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("rule", ["standard", "guided", "deconv"])
def test_a_unit_of_the_last_layer_is_a_class(model, images, rule):
    for layer in ("affine1", -1):
        np.testing.assert_array_equal(
            neuron_gradient(images, layer, model, channel=3, relu_rule=rule),
            class_gradient(images, 3, model, relu_rule=rule),
        )


def test_a_channel_is_the_sum_of_its_neurons(model, images):
    options = {"channel": 2, "relu_rule": "standard"}
    whole = neuron_gradient(images, "conv2", model, **options)
    _, h, w = model.output_shapes()["conv2"]
    parts = sum(neuron_gradient(images, "conv2", model, position=place, **options) for place in np.ndindex(h, w))
    np.testing.assert_allclose(whole, parts, atol=1e-10)


def test_the_strongest_neuron_is_found_for_each_image(model, images):
    features, _ = model.forward(images, end="conv2")
    strongest = neuron_gradient(images, "conv2", model, channel=5, position="strongest")
    places = [np.unravel_index(f.argmax(), f.shape) for f in features[:, 5]]
    assert places[0] != places[1], "the images must differ for this test"
    for n, place in enumerate(places):
        one = neuron_gradient(images[n : n + 1], "conv2", model, channel=5, position=place)
        np.testing.assert_allclose(strongest[n], one[0], rtol=1e-10, atol=1e-14)


def test_a_neuron_sees_its_receptive_field_only(model, images):
    dX = neuron_gradient(images, "conv1", model, channel=1, position=(4, 6), relu_rule="deconv")
    rows, columns = np.nonzero(abs(dX[0]).max(axis=0))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (7, 9, 11, 13), "3x3, stride 2, pad 1"


def test_upstream_by_activation_is_in_proportion_to_it(model, images):
    features, _ = model.forward(images, end="conv2")
    options = {"channel": 5, "position": "strongest"}
    one = neuron_gradient(images, "conv2", model, **options)
    weighted = neuron_gradient(images, "conv2", model, upstream="activation", **options)
    np.testing.assert_allclose(weighted, one * features[:, 5].max(axis=(1, 2))[:, None, None, None], rtol=1e-10)


@pytest.mark.parametrize(
    "option", [{"channel": 1}, {"position": (2, 3)}, {"relu_rule": "deconv"}, {"upstream": "activation"}], ids=str
)
def test_every_option_has_an_effect(model, images, option):
    options = {"channel": 5, "position": "strongest"}
    a = neuron_gradient(images, "conv2", model, **options)
    b = neuron_gradient(images, "conv2", model, **options | option)
    assert not np.allclose(a, b, atol=1e-6 * abs(a).max())


METHODS = [guided_backprop, deconvnet, lambda X, y, model: neuron_gradient(X, "conv2", model, channel=1)]


@pytest.mark.parametrize("method", METHODS)
def test_arguments_stay_as_they_are_and_images_apart(model, images, method):
    kept, params = images.copy(), {k: v.copy() for k, v in model.params.items()}
    together = method(images, 1, model)
    alone = np.concatenate([method(images[n : n + 1], 1, model) for n in range(2)])
    np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-13)
    assert together.shape == images.shape and np.isfinite(method(fill_like(images, "grey", model), 1, model)).all()
    np.testing.assert_array_equal(images, kept)
    assert all(np.array_equal(model.params[k], v) for k, v in params.items())


@pytest.mark.parametrize(
    ("layer", "options", "words"),
    [
        ("conv9", {}, "unknown layer 'conv9'"),
        ("conv2", {"channel": 8}, "conv2 has the channels 0 to 7, got 8"),
        ("conv2", {"channel": -1}, "channel must be a whole number"),
        ("conv2", {"position": (8, 0)}, "8 rows and 9 columns"),
        ("conv2", {"position": (0, -1)}, "column must be a whole number"),
        ("conv2", {"position": 3}, "a row and a column"),
        ("conv2", {"position": "weakest"}, "must be one of 'strongest'.*, got 'weakest'"),
        ("affine1", {"position": (0, 0)}, "affine1 has no maps"),
        ("conv2", {"relu_rule": "leaky"}, "must be one of.*, got 'leaky'"),
        ("conv2", {"upstream": "two"}, "must be one of.*, got 'two'"),
    ],
)
def test_what_is_not_there_is_refused(model, images, layer, options, words):
    if "8 rows" in words:
        _, h, w = model.output_shapes()["conv2"]
        options, words = {"position": (h, 0)}, f"{h} rows and {w} columns"
    with pytest.raises(ValueError, match=words):
        neuron_gradient(images, layer, model, **{"channel": 1} | options)


def test_what_is_no_image_is_refused(model, images):
    for method in METHODS:
        with pytest.raises(TypeError, match="preprocess"):
            method(model.deprocess(images), 0, model)
    with pytest.raises(ValueError, match="from 0 to 4"):
        guided_backprop(images, 5, model)
