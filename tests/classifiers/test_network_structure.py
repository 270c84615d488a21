"""What a network is made of: its summary, its parameters, and the architectures that are refused."""

import copy

import numpy as np
import pytest

from pixelgrad.classifiers import Network, cs231n_architecture, tinyimagenet_architecture


def table(text):
    return [line.split() for line in text.splitlines()]


def test_the_summary_of_the_shipped_architecture():
    model = Network(tinyimagenet_architecture())
    rows = table(model.summary())
    assert rows[0] == ["layer", "output", "parameters", "multiply-adds"]
    assert rows[2][1] == "conv1" and rows[2][2:7] == ["32", "x", "32", "x", "32"]
    assert rows[2][-2:] == ["3,520", "3,538,944"]  # 32 * 108 weights, gamma and beta; 32 * 32 * 32 * 108
    assert rows[-1][0] == "total" and rows[-1][1] == "1,987,876"
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
    assert rows[-2][-2:] == ["3,850", "3,840"]


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


def test_astype_is_an_independent_copy(named, inputs):
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
