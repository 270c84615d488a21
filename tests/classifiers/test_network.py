"""A network: spans, modes, what stays unchanged, names, predictions, and its summary."""

import copy

import numpy as np
import pytest

from pixelgrad.classifiers import Network, Prediction, cs231n_architecture, tinyimagenet_architecture
from pixelgrad.layers import softmax_loss

NAMES = ["conv1", "conv2", "max_pool", "conv3", "conv4", "avg_pool", "affine1", "affine2", "affine3"]


@pytest.fixture
def model(make_network):
    return make_network()


def inputs(N=3, size=(12, 15), dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal((N, 3, *size)).astype(dtype)


# -- spans ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["test", "train"])
@pytest.mark.parametrize("k", range(8))
def test_two_spans_chain_to_the_whole(make_network, k, mode):
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


def test_start_and_end_are_inclusive_and_a_span_may_be_one_layer(model):
    X = inputs()
    out = X
    for i in range(9):
        out, cache = model.forward(out, start=i, end=i)
        assert np.array_equal(out, model.forward(X, end=i)[0])
        dX, _ = model.backward(np.ones_like(out), cache)
        assert dX.dtype == np.float32
    assert np.array_equal(out, model.loss(X))


def test_layers_are_found_by_index_name_and_from_the_end(model):
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
def test_an_unknown_layer_gets_the_list_of_all(model, layer):
    with pytest.raises(ValueError) as caught:
        model.forward(inputs(), end=layer)
    assert repr(layer) in str(caught.value)
    for i, name in enumerate(NAMES):
        assert f"{i} {name}" in str(caught.value)


def test_a_span_that_runs_backward_is_refused_by_name(model):
    with pytest.raises(ValueError, match=r"start, layer 3 \(conv3\), comes after end, layer 1 \(conv2\)"):
        model.forward(inputs(), start="conv3", end=1)


def test_a_type_that_occurs_twice_is_numbered(make_network):
    pool = {"type": "max_pool", "size": 2, "stride": 2}
    names = Network([pool, pool, {"type": "global_avg_pool"}, {"type": "affine", "units": 2}]).layer_names
    assert names == ["max_pool1", "max_pool2", "global_avg_pool", "affine1"]


# -- modes and gradients -------------------------------------------------------------------------------------------


def test_after_test_mode_the_parameters_are_frozen_unless_asked_for(model):
    out, cache = model.forward(inputs())
    dX, grads = model.backward(np.ones_like(out), cache)
    assert grads == {}
    same_dX, grads = model.backward(np.ones_like(out), cache, param_grads=True)
    assert np.array_equal(same_dX, dX)
    assert set(grads) == {name for name in model.params if not name.startswith("running")}
    assert all(grads[name].shape == model.params[name].shape for name in grads)


def test_after_train_mode_the_gradients_are_complete_unless_refused(model):
    out, cache = model.forward(inputs(), mode="train")
    dX, grads = model.backward(np.ones_like(out), cache)
    assert set(grads) == {name for name in model.params if not name.startswith("running")}
    assert all(grads[name].dtype == np.float32 for name in grads)
    frozen_dX, none = model.backward(np.ones_like(out), cache, param_grads=False)
    assert none == {} and np.array_equal(frozen_dX, dX)
    no_dX, same = model.backward(np.ones_like(out), cache, input_grad=False)
    assert no_dX is None
    assert all(np.array_equal(same[name], grads[name]) for name in grads)


def test_test_mode_changes_no_parameter_and_train_mode_the_running_averages_only(model):
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


def test_running_averages_move_a_tenth_of_the_way(make_network):
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
def test_a_cache_serves_any_number_of_backward_calls_and_nothing_is_changed(model, mode):
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
def test_every_relu_of_the_network_follows_the_rule(model, layer, mode):
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


def test_in_test_mode_a_batch_is_its_images_one_by_one(model):
    X = inputs(4)
    out, cache = model.forward(X)
    dX, _ = model.backward(np.ones_like(out), cache)
    for n in range(4):
        single, cache = model.forward(X[n : n + 1])
        np.testing.assert_allclose(single[0], out[n], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(model.backward(np.ones_like(single), cache)[0][0], dX[n], rtol=1e-4, atol=1e-5)


def test_loss_with_labels_is_the_softmax_loss_and_its_gradients(make_network):
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


def test_wrong_inputs_are_refused_with_a_way_out(model):
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


def test_an_unknown_relu_rule_is_refused_even_where_there_is_no_relu(model):
    for start in (None, "affine3"):
        X = inputs() if start is None else np.zeros((2, 12), np.float32)
        out, cache = model.forward(X, start=start)
        with pytest.raises(ValueError, match="relu_rule must be one of 'standard', 'guided', 'deconv', got 'guide'"):
            model.backward(np.ones_like(out), cache, relu_rule="guide")


def test_a_dout_of_another_shape_is_refused(model):
    for end in NAMES:
        out, cache = model.forward(inputs(), end=end)
        with pytest.raises(ValueError, match="dout must have the shape"):
            model.backward(np.ones((1, *out.shape[1:]), np.float32), cache)


@pytest.mark.parametrize("size", [(12, 15), (7, 9), (31, 20)])
def test_convolutional_spans_take_images_of_any_size(make_network, size):
    out, cache = make_network().forward(inputs(size=size), end="avg_pool")
    assert out.shape[:2] == (3, 4)
    assert make_network().backward(np.ones_like(out), cache)[0].shape == (3, 3, *size)
    pooled = make_network(
        [*make_network().architecture[:3], {"type": "global_avg_pool"}, {"type": "affine", "units": 7}]
    )
    assert pooled.loss(inputs(size=size)).shape == (3, 7)


# -- classes and predictions ---------------------------------------------------------------------------------------

CLASS_NAMES = [
    "goldfish, Carassius auratus",
    "Egyptian cat",
    "tabby, tabby cat",
    "bullfrog",
    "frog, toad",
    "toad",
    "hog",
]
WNIDS = [f"n0000000{k}" for k in range(7)]


@pytest.fixture
def named(make_network):
    return make_network(class_names=CLASS_NAMES, wnids=WNIDS)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_scores_are_those_of_forward_whatever_the_batch(batch_size, make_network):
    model = make_network()
    X = np.random.default_rng(0).standard_normal((5, 3, 12, 15))
    expected = model.forward(X)[0]
    kept = X.copy()
    np.testing.assert_allclose(model.scores(X, batch_size=batch_size), expected, rtol=1e-12, atol=1e-12)
    assert np.array_equal(X, kept)


def test_scores_refuse(make_network):
    model = make_network()
    for batch_size in (0, 1.5):
        with pytest.raises(
            ValueError, match=f"scores: batch_size must be a whole number, at least 1; got {batch_size}"
        ):
            model.scores(np.zeros((2, 3, 12, 15)), batch_size=batch_size)
    with pytest.raises(ValueError, match="batch is empty"):
        model.scores(np.zeros((0, 3, 12, 15)))
    with pytest.raises(ValueError, match=r"\(4, 12, 15\)"):
        model.scores(np.zeros((4, 12, 15)))


def test_predictions_are_sorted_probabilities(named):
    X = inputs(5)
    scores = named.loss(X)
    predictions = named.predict(X, top=7)
    assert len(predictions) == 5
    for row, best in zip(scores.astype(float), predictions):
        assert all(isinstance(p, Prediction) for p in best)
        assert sum(p.probability for p in best) == pytest.approx(1, abs=1e-12)
        assert [p.index for p in best] == sorted(range(7), key=lambda k: -row[k])
        expected = np.exp(row) / np.exp(row).sum()
        for p in best:
            assert p.name == CLASS_NAMES[p.index]
            assert p.probability == pytest.approx(expected[p.index], rel=1e-9)
    assert [len(p) for p in named.predict(X, top=2)] == [2] * 5
    assert named.predict(X, top=2)[0] == predictions[0][:2]
    assert len(named.predict(X)[0]) == 5


def test_predictions_survive_scores_of_ten_thousand_and_put_equal_ones_in_order(named):
    named.params["W3" if "W7" not in named.params else "W7"][...] = 0
    named.params["b7"][...] = [1e4, 0, 1e4, -1e4, 0, 0, 0]
    best = named.predict(inputs(1), top=3)[0]
    assert [(p.index, p.probability) for p in best] == [(0, 0.5), (2, 0.5), (1, 0)]


def test_of_many_equal_scores_the_first_classes_come_first(make_network):
    model = make_network([{"type": "affine", "units": 90}])
    model.params["W1"][...] = 0
    model.params["b1"][...] = np.arange(90) % 2
    assert [p.index for p in model.predict(inputs(1))[0]] == [1, 3, 5, 7, 9]


@pytest.mark.parametrize(
    "label, index",
    [
        (3, 3),
        (np.int64(6), 6),
        ("5", 5),
        ("n00000002", 2),
        ("Egyptian cat", 1),
        ("  egyptian CAT ", 1),
        ("goldfish", 0),
        ("carassius auratus", 0),
        ("goldfish, Carassius auratus", 0),
        ("tabby cat", 2),
        ("hog", 6),
        ("frog", 4),
    ],
)
def test_a_class_is_found_by_index_wnid_or_one_of_its_names(named, label, index):
    assert named.class_index(label) == index


def test_the_error_for_an_unknown_class_helps(named):
    for label, expected in (("goldfsh", "0 goldfish"), ("cat", "1 Egyptian cat"), ("egyptian kat", "1 Egyptian cat")):
        with pytest.raises(ValueError, match=f"unknown class '{label}'; did you mean") as caught:
            named.class_index(label)
        assert expected in str(caught.value)
    with pytest.raises(ValueError, match="1 Egyptian cat, 2 tabby, tabby cat"):
        named.class_index("cat")
    with pytest.raises(ValueError, match="4 frog, toad, 5 toad"):  # a name of two classes
        named.class_index("toad")
    with pytest.raises(ValueError, match="unknown class 'xyzzy'; .*lists all"):
        named.class_index("xyzzy")
    for label in (7, -1, "7", "100"):
        with pytest.raises(ValueError, match=f"class {label} is out of range: the network has classes 0 to 6"):
            named.class_index(label)


def test_without_names_the_classes_are_numbered(model):
    assert model.class_names == [f"class {k}" for k in range(7)] and model.wnids is None
    assert model.class_index("class 3") == 3
    for what in ("class_names", "wnids"):
        with pytest.raises(ValueError, match=f"{what}: 2 entries, but the network has 7 classes"):
            Network(model.architecture, input_size=(12, 15), **{what: ["a", "b"]})


# -- what it is made of --------------------------------------------------------------------------------------------


def table(text):
    return [line.split() for line in text.splitlines()]


def test_the_summary_of_the_shipped_architecture():
    model = Network(tinyimagenet_architecture())
    rows = table(model.summary())
    assert rows[0] == ["layer", "output", "parameters", "multiply-adds"]
    assert rows[2][1] == "conv1" and rows[2][2:7] == ["32", "x", "32", "x", "32"]
    assert rows[2][-2:] == ["3,520", "3,538,944"]  # 32 * 108 weights, gamma and beta; 32 * 32 * 32 * 108
    assert rows[-1][0] == "total" and rows[-1][1] == "1,569,252"
    assert rows[-1][1] == f"{sum(v.size for n, v in model.params.items() if not n.startswith('running')):,}"
    works = [int(row[-1].replace(",", "")) for row in rows[2:]]
    assert works[-1] == sum(works[:-1])
    assert model.input_size == (64, 64) and model.num_classes == 100
    assert len({len(line) for line in model.summary().splitlines()}) == 1


def test_the_summary_for_another_image_size():
    model = Network(tinyimagenet_architecture(10))
    rows = table(model.summary((128, 96)))
    assert rows[1] == ["input", "3", "x", "128", "x", "96"]
    assert rows[2][2:7] == ["32", "x", "64", "x", "48"]
    assert rows[-2][-2:] == ["2,570", "2,560"]


def test_cs231ns_architecture_has_the_shapes_of_its_file():
    shapes = {name: value.shape for name, value in Network(cs231n_architecture()).params.items()}
    assert shapes["W1"] == (64, 3, 5, 5) and shapes["W9"] == (1024, 512, 3, 3)
    assert shapes["W10"] == (4096, 512) and shapes["W11"] == (512, 100)
    assert {name for name in shapes if name.startswith("gamma")} == {f"gamma{i}" for i in range(1, 11)}
    assert {name for name in shapes if name.startswith("b") and name[1:].isdigit()} == {f"b{i}" for i in range(1, 12)}


def test_a_network_without_an_affine_layer_has_as_many_classes_as_channels():
    model = Network([{"type": "conv", "filters": 5, "size": 3}, {"type": "global_avg_pool"}], input_size=(8, 9))
    assert model.num_classes == 5 and len(model.class_names) == 5
    assert model.loss(np.zeros((2, 3, 8, 9), np.float32)).shape == (2, 5)
    assert Network([{"type": "conv", "filters": 5, "size": 3}]).num_classes == 5
    assert Network([{"type": "max_pool", "size": 2, "stride": 2}]).params == {}


def test_drawn_parameters_follow_the_seed_and_he():
    one, same, other = (Network(tinyimagenet_architecture(), rng=seed) for seed in (1, 1, 2))
    default, zero = Network(tinyimagenet_architecture()), Network(tinyimagenet_architecture(), rng=0)
    generator = Network(tinyimagenet_architecture(), rng=np.random.default_rng(1))
    for name, value in one.params.items():
        assert value.dtype == np.float32
        assert np.array_equal(value, same.params[name]) and np.array_equal(value, generator.params[name])
        assert np.array_equal(default.params[name], zero.params[name])
        if name.startswith("W"):
            assert not np.array_equal(value, other.params[name])
            fan_in = np.prod(value.shape[1:]) if value.ndim == 4 else value.shape[0]
            last = 0.01 if name == "W8" else 1
            assert value.std() == pytest.approx(last * np.sqrt(2 / fan_in), rel=0.05)
        else:
            assert np.all(value == (1 if name.startswith(("gamma", "running_var")) else 0))


def test_astype_is_an_independent_copy(named):
    double = named.astype(np.float64)
    assert type(double) is type(named) and double.class_names == named.class_names
    assert {v.dtype for v in double.params.values()} == {np.dtype(np.float64)}
    X = inputs()
    scores = double.loss(X.astype(np.float64))
    assert scores.dtype == np.float64 and named.loss(X).dtype == np.float32
    np.testing.assert_allclose(named.loss(X), scores, rtol=1e-4, atol=1e-5)
    before = copy.deepcopy(named.params)
    double.params["W1"][...] = 0
    double.forward(X.astype(np.float64), mode="train")
    same = named.astype(np.float32)
    same.params["W1"][...] = 0
    same.provenance["seed"] = 1
    assert "seed" not in named.provenance
    assert all(np.array_equal(named.params[name], before[name]) for name in before)


def test_a_network_owns_copies_of_its_parameters_and_architecture(model):
    params, architecture = copy.deepcopy(model.params), copy.deepcopy(model.architecture)
    other = Network(architecture, params, input_size=(12, 15))
    params["W1"][...] = 0
    architecture[0]["filters"] = 99
    assert np.array_equal(other.params["W1"], model.params["W1"])
    assert other.architecture == model.architecture


def test_parameters_that_do_not_fit_are_named(model):
    missing = {name: value for name, value in model.params.items() if name != "gamma2"}
    with pytest.raises(ValueError, match="missing.*gamma2"):
        Network(model.architecture, missing, input_size=(12, 15))
    with pytest.raises(ValueError, match="extra.*W99"):
        Network(model.architecture, model.params | {"W99": np.zeros(1)}, input_size=(12, 15))
    with pytest.raises(ValueError, match=r"parameter b2 has the shape \(4,\), the architecture needs \(5,\)"):
        Network(model.architecture, model.params | {"b2": np.zeros(4)}, input_size=(12, 15))


# -- architectures -------------------------------------------------------------------------------------------------

AFFINE = {"type": "affine", "units": 3}


@pytest.mark.parametrize(
    "architecture, fragments",
    [
        ([], ["at least one"]),
        ({"type": "affine"}, ["list of blocks"]),
        (
            [{"type": "dense", "units": 3}],
            ["block 0", "'dense'", "conv, affine, relu, fire, max_pool, avg_pool, global_avg_pool"],
        ),
        ([AFFINE, "affine"], ["block 1", "None"]),
        ([{"type": "global_avg_pool"}, 5], ["block 1", "None"]),
        ([{"type": ["conv"]}], ["block 0", "['conv']"]),
        ([{"type": "conv", "size": 3}], ["block 0 (conv) lacks 'filters'"]),
        ([{"type": "affine"}], ["block 0 (affine) lacks 'units'"]),
        ([{"type": "max_pool", "size": 2}], ["block 0 (max_pool) lacks 'stride'"]),
        (
            [{"type": "conv", "filters": 3, "size": 3, "dilation": 2}],
            ["no setting 'dilation'", "filters, size, stride, pad"],
        ),
        ([{"type": "conv", "filters": 3, "size": 3, "number": 2}], ["no setting 'number'"]),
        ([{"type": "max_pool", "size": 2, "stride": 2, "kind": "avg"}], ["no setting 'kind'"]),
        ([{"type": "global_avg_pool", "size": 2}], ["no setting 'size'", "it knows none"]),
        ([{"type": "conv", "filters": 0, "size": 3}], ["filters must be a whole number, at least 1; got 0"]),
        ([{"type": "conv", "filters": 3, "size": 2.5}], ["size must be a whole number, at least 1; got 2.5"]),
        ([{"type": "conv", "filters": 3, "size": 3, "pad": -1}], ["pad must be a whole number, at least 0; got -1"]),
        ([{"type": "conv", "filters": True, "size": 3}], ["filters must be a whole number", "True"]),
        ([{"type": "conv", "filters": 3, "size": 3, "relu": 1}], ["relu must be true or false, got 1"]),
        ([{"type": "conv", "filters": 3, "size": 3, "batchnorm": True, "relu": False}], ["batchnorm without relu"]),
        ([{"type": "affine", "units": 3, "batchnorm": True}], ["block 0 (affine) has batchnorm without relu"]),
        ([{"type": "conv", "filters": 3, "size": 99}], ["conv1", "(3, 64, 64)", "smaller than the filter, 99x99"]),
        ([AFFINE, {"type": "conv", "filters": 3, "size": 1}], ["conv1", "(3,)", "(N, C, H, W)"]),
        ([AFFINE, {"type": "max_pool", "size": 2, "stride": 2}], ["max_pool", "(3,)", "(N, C, H, W)"]),
    ],
)
def test_an_impossible_architecture_is_refused_with_the_place(architecture, fragments):
    with pytest.raises(ValueError) as caught:
        Network(architecture)
    for fragment in fragments:
        assert fragment in str(caught.value)


@pytest.mark.parametrize("size", [(64, 64), (70, 51)])
def test_output_shapes_are_what_forward_returns(size):
    model = Network(tinyimagenet_architecture(7))
    X = np.zeros((1, 3, *size), dtype=np.float32)
    shapes = model.output_shapes(size)
    assert list(shapes) == model.layer_names
    for name, shape in shapes.items():
        assert model.forward(X, end=name)[0].shape == (1, *shape)
