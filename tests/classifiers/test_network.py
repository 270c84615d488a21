"""A network: spans, modes, gradients, and what stays unchanged."""

import copy

import numpy as np
import pytest

from pixelgrad.classifiers import Network
from pixelgrad.layers import softmax_loss

NAMES = ["conv1", "conv2", "max_pool", "conv3", "conv4", "avg_pool", "affine1", "affine2", "affine3"]


# -- spans ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["test", "train"])
@pytest.mark.parametrize("k", range(8))
def test_two_spans_chain_to_the_whole(make_network, k, mode, inputs):
    whole, halves = make_network(), make_network()
    X = inputs()
    out, cache = whole.forward(X, mode=mode)
    middle, first = halves.forward(X, end=k, mode=mode)
    end, second = halves.forward(middle, start=k + 1, mode=mode)
    assert np.array_equal(end, out)
    dout = np.random.default_rng(1).standard_normal(out.shape).astype(np.float32)
    dX, grads = whole.backward(dout, cache)
    dmiddle, grads2 = halves.backward(dout, second)
    assert dmiddle.shape == middle.shape
    dX12, grads1 = halves.backward(dmiddle, first)
    assert np.array_equal(dX12, dX)
    assert not grads1.keys() & grads2.keys() and (grads1 | grads2).keys() == grads.keys()
    for name, gradient in (grads1 | grads2).items():
        assert np.array_equal(gradient, grads[name]), name
    for name in whole.params:
        assert np.array_equal(whole.params[name], halves.params[name]), name


def test_start_and_end_are_inclusive_and_a_span_may_be_one_layer(model, inputs):
    X = inputs()
    out = X
    for i in range(9):
        out, cache = model.forward(out, start=i, end=i)
        assert np.array_equal(out, model.forward(X, end=i)[0])
        dX, _ = model.backward(np.ones_like(out), cache)
        assert dX.dtype == np.float32
    assert np.array_equal(out, model.loss(X))


def test_layers_are_found_by_index_name_and_from_the_end(model, inputs):
    assert model.layer_names == NAMES
    for i, name in enumerate(NAMES):
        assert model.layer_index(name) == model.layer_index(i) == model.layer_index(i - 9) == i
        assert model.layer_index(np.int64(i)) == i
    X = inputs()
    expected = model.forward(X, end=3)[0]
    for layer in ("conv3", -6, np.int32(3)):
        assert np.array_equal(model.forward(X, end=layer)[0], expected)
    assert np.array_equal(model.forward(expected, start="conv4")[0], model.loss(X))


@pytest.mark.parametrize("layer", ["conv9", "Conv1", 9, -10, 2.0, True, ("conv1",)])
def test_an_unknown_layer_gets_the_list_of_all(model, layer, inputs):
    with pytest.raises(ValueError) as caught:
        model.forward(inputs(), end=layer)
    assert repr(layer) in str(caught.value)
    for i, name in enumerate(NAMES):
        assert f"{i} {name}" in str(caught.value)


def test_a_span_that_runs_backward_is_refused_by_name(model, inputs):
    with pytest.raises(ValueError, match=r"start, layer 3 \(conv3\), comes after end, layer 1 \(conv2\)"):
        model.forward(inputs(), start="conv3", end=1)


def test_a_type_that_occurs_twice_is_numbered(make_network):
    pool = {"type": "max_pool", "size": 2, "stride": 2}
    names = Network([pool, pool, {"type": "global_avg_pool"}, {"type": "affine", "units": 2}]).layer_names
    assert names == ["max_pool1", "max_pool2", "global_avg_pool", "affine1"]


# -- modes and gradients -------------------------------------------------------------------------------------------


def test_after_test_mode_the_parameters_are_frozen_unless_asked_for(model, inputs):
    out, cache = model.forward(inputs())
    dX, grads = model.backward(np.ones_like(out), cache)
    assert grads == {}
    same_dX, grads = model.backward(np.ones_like(out), cache, param_grads=True)
    assert np.array_equal(same_dX, dX)
    assert set(grads) == {name for name in model.params if not name.startswith("running")}
    assert all(grads[name].shape == model.params[name].shape for name in grads)


def test_after_train_mode_the_gradients_are_complete_unless_refused(model, inputs):
    out, cache = model.forward(inputs(), mode="train")
    dX, grads = model.backward(np.ones_like(out), cache)
    assert set(grads) == {name for name in model.params if not name.startswith("running")}
    assert all(grads[name].dtype == np.float32 for name in grads)
    frozen_dX, none = model.backward(np.ones_like(out), cache, param_grads=False)
    assert none == {} and np.array_equal(frozen_dX, dX)
    no_dX, same = model.backward(np.ones_like(out), cache, input_grad=False)
    assert no_dX is None
    assert all(np.array_equal(same[name], grads[name]) for name in grads)


def test_test_mode_changes_no_parameter_and_train_mode_the_running_averages_only(model, inputs):
    before = copy.deepcopy(model.params)
    out, cache = model.forward(inputs())
    model.backward(np.ones_like(out), cache, param_grads=True)
    model.loss(inputs(), np.zeros(3, int), mode="test")
    model.predict(inputs())
    for name, value in model.params.items():
        assert np.array_equal(value, before[name]), name
    held = dict(model.params)
    out, cache = model.forward(inputs(), mode="train")
    model.backward(np.ones_like(out), cache)
    for name, value in model.params.items():
        assert np.array_equal(value, before[name]) != name.startswith("running"), name
        assert np.array_equal(held[name], before[name])  # written anew, never in place


def test_running_averages_move_a_tenth_of_the_way(make_network, inputs):
    model = make_network([{"type": "conv", "filters": 2, "size": 1, "batchnorm": True}, {"type": "affine", "units": 2}])
    X = inputs()
    old = dict(model.params)
    model.forward(X, mode="train")
    a = np.einsum("fc,nchw->nfhw", old["W1"][:, :, 0, 0], X) + old["b1"][:, None, None]
    expected = 0.9 * old["running_mean1"] + 0.1 * a.mean(axis=(0, 2, 3))
    np.testing.assert_allclose(model.params["running_mean1"], expected, rtol=1e-5)
    expected = 0.9 * old["running_var1"] + 0.1 * a.var(axis=(0, 2, 3))
    np.testing.assert_allclose(model.params["running_var1"], expected, rtol=1e-5)


@pytest.mark.parametrize("mode", ["test", "train"])
def test_a_cache_serves_any_number_of_backward_calls_and_nothing_is_changed(model, mode, inputs):
    X = inputs()
    X_before = X.copy()
    out, cache = model.forward(X, mode=mode)
    dout = np.random.default_rng(1).standard_normal(out.shape).astype(np.float32)
    kept_dout, kept_out, kept_params = dout.copy(), out.copy(), copy.deepcopy(model.params)
    results = [
        model.backward(dout, cache, rule, param_grads=True) for rule in ("standard", "guided", "deconv", "standard")
    ]
    assert np.array_equal(results[0][0], results[3][0])
    assert not np.allclose(results[0][0], results[1][0]) and not np.allclose(results[1][0], results[2][0])
    assert all(np.array_equal(results[0][1][name], results[3][1][name]) for name in results[0][1])
    assert np.array_equal(X, X_before) and np.array_equal(dout, kept_dout) and np.array_equal(out, kept_out)
    assert all(np.array_equal(model.params[name], kept_params[name]) for name in kept_params)


@pytest.mark.parametrize("mode", ["test", "train"])
@pytest.mark.parametrize("layer", NAMES)
def test_every_relu_of_the_network_follows_the_rule(model, layer, mode, inputs):
    i = NAMES.index(layer)
    X = inputs() if i == 0 else model.forward(inputs(), end=i - 1)[0]
    out, cache = model.forward(X, start=i, end=i, mode=mode)
    dout = np.random.default_rng(1).standard_normal(out.shape).astype(np.float32)
    plain, guided, deconv = (model.backward(dout, cache, rule)[0] for rule in ("standard", "guided", "deconv"))
    if layer in ("conv1", "conv2", "conv3", "affine1", "affine2"):
        # Guided is plain with dout's negative entries cut off beforehand; with the ReLU open, deconv is guided.
        assert np.array_equal(guided, model.backward(np.maximum(dout, 0), cache)[0])
        assert not np.allclose(plain, guided) and not np.allclose(guided, deconv)
        assert np.array_equal(deconv, model.backward(np.maximum(dout, 0), cache, "deconv")[0])
    else:
        assert np.array_equal(plain, guided) and np.array_equal(plain, deconv)


def test_in_test_mode_a_batch_is_its_images_one_by_one(model, inputs):
    X = inputs(4)
    out, cache = model.forward(X)
    dX, _ = model.backward(np.ones_like(out), cache)
    for n in range(4):
        single, cache = model.forward(X[n : n + 1])
        np.testing.assert_allclose(single[0], out[n], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(model.backward(np.ones_like(single), cache)[0][0], dX[n], rtol=1e-4, atol=1e-5)


def test_loss_with_labels_is_the_softmax_loss_and_its_gradients(make_network, inputs):
    X, y = inputs(), np.array([0, 6, 2])
    for mode in ("train", "test"):
        model, other = make_network(), make_network()
        scores, cache = other.forward(X, mode=mode)
        expected, dscores = softmax_loss(scores, y, label_smoothing=0.2)
        loss, grads = model.loss(X, y, mode=mode, label_smoothing=0.2)
        assert loss == expected
        _, expected = other.backward(dscores, cache, param_grads=True)
        assert grads.keys() == expected.keys()
        assert all(np.array_equal(grads[name], expected[name]) for name in grads)
    default, train = make_network(), make_network()
    assert default.loss(X, y)[0] == train.loss(X, y, mode="train")[0] != model.loss(X, y, mode="test")[0]


def test_wrong_inputs_are_refused_with_a_way_out(model, inputs):
    for wrong in (np.zeros((2, 12, 15, 3), np.uint8), [[1.0]], None):
        with pytest.raises(TypeError, match=r"forward: the input of layer conv1 must be a float array.*preprocess"):
            model.forward(wrong)
    for shape in ((2, 12, 15, 3), (3, 12, 15), (2, 1, 12, 15)):
        with pytest.raises(ValueError, match=r"X must have the shape \(N, 3, H, W\), got .*preprocess") as caught:
            model.forward(np.zeros(shape, np.float32))
        assert str(shape) in str(caught.value)
    with pytest.raises(ValueError, match=r"batch is empty .*\(0, 3, 12, 15\)"):
        model.forward(inputs(0))
    with pytest.raises(ValueError, match="mode must be 'test' or 'train', got 'eval'"):
        model.forward(inputs(), mode="eval")
    with pytest.raises(ValueError, match=r"x has 2 channels but w expects 4 \(x \(3, 2, 6, 8\)"):
        model.forward(np.zeros((3, 2, 6, 8), np.float32), start="conv2")
    with pytest.raises(ValueError, match="features but w expects"):
        model.forward(inputs(size=(20, 20)))


def test_an_unknown_relu_rule_is_refused_even_where_there_is_no_relu(model, inputs):
    for start in (None, "affine3"):
        X = inputs() if start is None else np.zeros((2, 12), np.float32)
        out, cache = model.forward(X, start=start)
        with pytest.raises(ValueError, match="relu_rule must be one of 'standard', 'guided', 'deconv', got 'guide'"):
            model.backward(np.ones_like(out), cache, relu_rule="guide")


def test_a_dout_of_another_shape_is_refused(model, inputs):
    for end in NAMES:
        out, cache = model.forward(inputs(), end=end)
        with pytest.raises(ValueError, match="dout must have the shape"):
            model.backward(np.ones((1, *out.shape[1:]), np.float32), cache)


@pytest.mark.parametrize("size", [(12, 15), (7, 9), (31, 20)])
def test_convolutional_spans_take_images_of_any_size(make_network, size, inputs):
    out, cache = make_network().forward(inputs(size=size), end="avg_pool")
    assert out.shape[:2] == (3, 4)
    assert make_network().backward(np.ones_like(out), cache)[0].shape == (3, 3, *size)
    pooled = make_network(
        [*make_network().architecture[:3], {"type": "global_avg_pool"}, {"type": "affine", "units": 7}]
    )
    assert pooled.loss(inputs(size=size)).shape == (3, 7)
