"""Fire modules and SqueezeNet: against plain correlations, differences, and PyTorch on the real weights."""

import numpy as np
import pytest
from scipy.signal import correlate

from pixelgrad.classifiers import (
    Network,
    PretrainedCNN,
    SqueezeNet,
    WeightsError,
    convert_squeezenet,
    read_torchvision,
    squeezenet_architecture,
)
from pixelgrad.datasets import load_class_names, load_imagenet_val
from pixelgrad.layers import check_projection

FIRE = [
    {"type": "conv", "filters": 6, "size": 3, "stride": 2, "relu": False},
    {"type": "relu"},
    {"type": "max_pool", "size": 3, "stride": 2, "ceil_mode": True},
    {"type": "fire", "squeeze": 3, "expand1": 4, "expand3": 5},
    {"type": "fire", "squeeze": 2, "expand1": 3, "expand3": 3},
    {"type": "conv", "filters": 7, "size": 1, "relu": False},
    {"type": "relu"},
    {"type": "global_avg_pool"},
]


@pytest.fixture
def fire(make_network):
    return make_network(FIRE, input_size=(21, 26), dtype=np.float64)


def pictures(N=2, size=(21, 26)):
    return np.random.default_rng(1).standard_normal((N, 3, *size))


def plain_convolution(x, w, b, pad):
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    return np.array([[correlate(image, f, "valid")[0] for f in w] for image in x]) + b[:, None, None]


def test_a_fire_module_is_three_convolutions(fire):
    x = np.random.default_rng(2).standard_normal((2, 6, 5, 7))
    out, _ = fire.forward(x, start="fire1", end="fire1")
    p = fire.params
    inner = np.maximum(plain_convolution(x, p["W2"], p["b2"], 0), 0)
    ones, threes = plain_convolution(inner, p["W3"], p["b3"], 0), plain_convolution(inner, p["W4"], p["b4"], 1)
    np.testing.assert_allclose(out, np.maximum(np.concatenate([ones, threes], axis=1), 0), rtol=1e-12, atol=1e-12)


def test_names_shapes_and_work(fire):
    names = ["conv1", "relu1", "max_pool", "fire1", "fire2", "conv2", "relu2", "global_avg_pool"]
    assert fire.layer_names == names
    assert [f"W{n}" in fire.params for n in range(1, 10)] == [True] * 8 + [False]
    assert fire.output_shapes()["fire1"] == (9, 5, 6) and fire.num_classes == 7
    X = pictures()
    for name, shape in fire.output_shapes().items():
        assert fire.forward(X, end=name)[0].shape == (2, *shape)
    block = dict(fire.named_blocks())["fire1"]
    assert block.multiply_adds((6, 5, 6)) == 5 * 6 * (6 * 3 + 3 * 4 + 3 * 5 * 9)


@pytest.mark.parametrize("mode", ["test", "train"])
def test_gradients_equal_differences(fire, mode):
    X = pictures()
    out, cache = fire.forward(X, mode=mode)
    dout = np.random.default_rng(5).standard_normal(out.shape)
    dX, grads = fire.backward(dout, cache, param_grads=True)
    assert list(sorted(grads)) == sorted(fire.params)
    check_projection(lambda Z: np.sum(fire.forward(Z, mode=mode)[0] * dout), X, dX, rng=1)
    for name, gradient in grads.items():
        value = fire.params[name]

        def at_parameter(z, name=name, value=value):
            fire.params[name] = z
            try:
                return np.sum(fire.forward(X, mode=mode)[0] * dout)
            finally:
                fire.params[name] = value

        check_projection(at_parameter, value, gradient, rng=2, name=name)


@pytest.mark.parametrize("layer", ["relu1", "fire1"])
def test_caches_serve_again_and_inputs_stay(fire, layer):
    x = np.random.default_rng(3).standard_normal(fire.forward(pictures(), end=fire.layer_index(layer) - 1)[0].shape)
    before = x.copy()
    out, cache = fire.forward(x, start=layer, end=layer)
    dout = np.random.default_rng(4).standard_normal(out.shape)
    first, _ = fire.backward(dout, cache)
    out -= 100  # what is handed out may be changed
    second, _ = fire.backward(dout, cache)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(x, before)


def test_the_three_relu_rules_differ_and_follow_their_definitions(fire):
    x = np.random.default_rng(6).standard_normal((1, 6, 4, 5))
    out, cache = fire.forward(x, start="relu1", end="relu1")
    dout = np.random.default_rng(7).standard_normal(out.shape)
    expected = {
        "standard": dout * (x > 0),
        "guided": np.maximum(dout, 0) * (x > 0),
        "deconv": np.maximum(dout, 0),
    }
    for rule, dx in expected.items():
        np.testing.assert_array_equal(fire.backward(dout, cache, relu_rule=rule)[0], dx)
    X = pictures()
    scores, cache = fire.forward(X)
    maps = [fire.backward(np.ones_like(scores), cache, relu_rule=rule)[0] for rule in expected]
    assert not np.allclose(maps[0], maps[1]) and not np.allclose(maps[1], maps[2])


def test_a_network_with_fire_modules_survives_its_file(fire, tmp_path):
    fire.save(tmp_path / "fire.h5", dtype=np.float64)
    again = PretrainedCNN(tmp_path / "fire.h5", dtype=np.float64)
    np.testing.assert_array_equal(again.scores(pictures()), fire.scores(pictures()))


@pytest.mark.parametrize("setting", [{}, {"squeeze": 2, "expand1": 0, "expand3": 2}, {"squeeze": 2, "size": 3}])
def test_a_fire_module_with_wrong_settings_is_an_error(setting):
    with pytest.raises(ValueError, match="architecture: block 0 .fire"):
        Network([{"type": "fire", **setting}, {"type": "global_avg_pool"}])


# -- SqueezeNet -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def made_up():
    """Arrays under torchvision's names, as if trained, for ten classes."""
    rng, arrays = np.random.default_rng(0), {}

    def conv(name, F, C, size):
        arrays[f"{name}.weight"] = (rng.standard_normal((F, C, size, size)) * np.sqrt(2 / (C * size**2))).astype("f4")
        arrays[f"{name}.bias"] = rng.uniform(0, 0.1, F).astype("f4")

    conv("features.0", 64, 3, 3)
    C = 64
    for layer, s in zip((3, 4, 6, 7, 9, 10, 11, 12), (16, 16, 32, 32, 48, 48, 64, 64)):
        conv(f"features.{layer}.squeeze", s, C, 1)
        conv(f"features.{layer}.expand1x1", 4 * s, s, 1)
        conv(f"features.{layer}.expand3x3", 4 * s, s, 3)
        C = 8 * s
    conv("classifier.1", 10, 512, 1)
    return arrays


@pytest.fixture
def squeezenet_file(made_up, tmp_path):
    convert_squeezenet(made_up, provenance={"source": "made up"}).save(tmp_path / "squeezenet.h5")
    return tmp_path / "squeezenet.h5"


def test_layers_0_to_12_are_torchvisions_features(squeezenet_file, made_up):
    model = SqueezeNet(squeezenet_file)
    kinds = [name.rstrip("0123456789") for name in model.layer_names]
    fires = ["fire"] * 2
    assert kinds[:13] == ["conv", "relu", "max_pool", *fires, "max_pool", *fires, "max_pool", *fires, *fires]
    assert kinds[13:] == ["conv", "relu", "global_avg_pool"]
    assert model.provenance == {"source": "made up"} and model.class_names[3] == "class 3"
    np.testing.assert_array_equal(model.params["W4"], made_up["features.3.expand3x3.weight"])
    np.testing.assert_array_equal(model.params["b26"], made_up["classifier.1.bias"])
    np.testing.assert_allclose(model.pixel_scale, np.mean(1 / (255 * np.array([0.229, 0.224, 0.225]))), rtol=1e-6)
    X = np.random.default_rng(1).standard_normal((2, 3, 67, 83)).astype(np.float32)
    features = model.extract_features(X)
    assert len(features) == 13
    for layer in (0, 1, 4, 12):
        np.testing.assert_allclose(features[layer], model.forward(X, end=layer)[0], rtol=1e-4, atol=1e-5)


def test_pooling_with_and_without_ceil_differs(squeezenet_file):
    ceil, floor = SqueezeNet(squeezenet_file), SqueezeNet(squeezenet_file, pool_ceil=False)
    assert ceil.output_shapes((224, 224))["max_pool1"] == (64, 55, 55)
    assert ceil.output_shapes((226, 231))["max_pool1"] == (64, 56, 57)
    assert floor.output_shapes((226, 231))["max_pool1"] == (64, 55, 57)
    X = np.random.default_rng(1).standard_normal((1, 3, 68, 84)).astype(np.float32)
    assert not np.allclose(ceil.scores(X), floor.scores(X))
    floor.save(squeezenet_file.with_name("floor.h5"))  # a file of either kind serves for both
    np.testing.assert_array_equal(SqueezeNet(squeezenet_file.with_name("floor.h5")).scores(X), ceil.scores(X))


def test_other_networks_are_refused(tmp_path):
    Network(FIRE).save(tmp_path / "other.h5")
    with pytest.raises(WeightsError, match="holds another network than SqueezeNet 1.1"):
        SqueezeNet(tmp_path / "other.h5")
    with pytest.raises(WeightsError, match="does not exist"):
        SqueezeNet(tmp_path / "none.h5")


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda a: a.pop("features.3.squeeze.bias"), "missing: features.3.squeeze.bias"),
        (lambda a: a.update({"features.99.weight": np.zeros(3)}), "extra: features.99.weight"),
        (lambda a: a.update({"features.0.bias": np.zeros(63, "f4")}), r"features.0.bias has the shape \(63,\)"),
        (lambda a: a.update({"features.0.bias": np.full(64, np.nan, "f4")}), "NaN or infinite"),
    ],
)
def test_wrong_arrays_are_refused(made_up, spoil, message):
    arrays = dict(made_up)
    spoil(arrays)
    with pytest.raises(WeightsError, match=message):
        convert_squeezenet(arrays)


def test_arrays_are_read_from_npz_and_pth(made_up, tmp_path):
    np.savez(tmp_path / "weights.npz", **made_up)
    read = read_torchvision(tmp_path / "weights.npz")
    assert list(read) == list(made_up)
    torch = pytest.importorskip("torch")
    torch.save({name: torch.tensor(value) for name, value in made_up.items()}, tmp_path / "weights.pth")
    for name, value in read_torchvision(tmp_path / "weights.pth").items():
        np.testing.assert_array_equal(value, made_up[name])


def test_files_that_are_no_weights(tmp_path, monkeypatch):
    for name, content, message in (
        ("a.npz", b"nonsense", "cannot be read"),
        ("a.txt", b"nonsense", "expected torchvision's weights as .npz or .pth"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WeightsError, match=message):
            read_torchvision(tmp_path / name)
    with pytest.raises(WeightsError, match="does not exist"):
        read_torchvision(tmp_path / "none.npz")
    np.savez(tmp_path / "objects.npz", a=np.array({"no": "array"}, dtype=object))
    with pytest.raises(WeightsError, match="cannot be read"):
        read_torchvision(tmp_path / "objects.npz")
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    (tmp_path / "a.pth").write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="PyTorch is needed to read .pth files"):
        read_torchvision(tmp_path / "a.pth")


# -- the real weights -------------------------------------------------------------------------------------------------


@pytest.fixture
def real(shared_data, tmp_path):
    names, wnids = load_class_names(shared_data("imagenet_classes.txt"))
    arrays = read_torchvision(shared_data("squeezenet1_1.npz"))
    convert_squeezenet(arrays, class_names=names, wnids=wnids).save(tmp_path / "real.h5")
    return SqueezeNet(tmp_path / "real.h5"), arrays


def torch_squeezenet(torch, arrays):
    """The same network in PyTorch, written from the paper's table and the names of the arrays."""
    functional = torch.nn.functional
    weights = {name: torch.tensor(value) for name, value in arrays.items()}

    def conv(x, name, **options):
        return functional.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], **options)

    def run(x):
        outs = []
        for layer in range(13):
            if layer == 0:
                x = conv(x, "features.0", stride=2)
            elif layer == 1:
                x = functional.relu(x)
            elif layer in (2, 5, 8):
                x = functional.max_pool2d(x, 3, 2, ceil_mode=True)
            else:
                name = f"features.{layer}"
                x = functional.relu(conv(x, f"{name}.squeeze"))
                ones, threes = conv(x, f"{name}.expand1x1"), conv(x, f"{name}.expand3x3", padding=1)
                x = torch.cat([functional.relu(ones), functional.relu(threes)], 1)
            outs.append(x)
        scores = functional.relu(conv(x, "classifier.1")).mean((2, 3))
        return outs, scores

    return run


def test_every_layer_and_the_image_gradient_equal_pytorchs(real, shared_data):
    torch = pytest.importorskip("torch")
    model, arrays = real
    X, y, _ = load_imagenet_val(3, path=shared_data("imagenet_val_25.npz"))
    X = model.preprocess(X)
    outs, _ = torch_squeezenet(torch, arrays)(torch.tensor(X))
    for layer, (ours, expected) in enumerate(zip(model.extract_features(X), outs)):
        assert np.abs(ours - expected.numpy()).max() <= 1e-4 * expected.abs().max(), layer

    # The gradient in float64, and with a little noise: in a white sky all entries of a pooling window are alike, and
    # near a kink rounding decides where the gradient goes.
    model, X = model.astype(np.float64), X + np.random.default_rng(0).normal(0, 0.01, X.shape)
    x = torch.tensor(X, requires_grad=True)
    _, theirs = torch_squeezenet(torch, {name: value.astype(np.float64) for name, value in arrays.items()})(x)
    scores, cache = model.forward(X)
    np.testing.assert_allclose(scores, theirs.detach().numpy(), rtol=1e-9)
    dscores = np.zeros_like(scores)
    dscores[np.arange(3), y] = 1
    theirs[torch.arange(3), torch.tensor(y)].sum().backward()
    dX, expected = model.backward(dscores, cache)[0], x.grad.numpy()
    assert np.linalg.norm(dX - expected) <= 1e-9 * np.linalg.norm(expected)


def test_predictions_on_the_25_pictures(real, shared_data):
    model, arrays = real
    X, y, names = load_imagenet_val(path=shared_data("imagenet_val_25.npz"))
    X = model.preprocess(X)
    scores = model.scores(X)
    top1, top5 = (scores.argmax(1) == y).mean(), (np.argsort(-scores, axis=1)[:, :5] == y[:, None]).any(axis=1).mean()
    assert top1 >= 0.5 and top5 >= 0.7  # published for all 50,000: 58 % and 81 %
    assert names[int(y[0])].split(",")[0] == model.class_names[y[0]].split(",")[0]
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        _, theirs = torch_squeezenet(torch, arrays)(torch.tensor(X))
    np.testing.assert_array_equal(scores.argmax(1), theirs.numpy().argmax(1))


def test_the_architecture_is_a_copy_each_time():
    first, second = squeezenet_architecture(), squeezenet_architecture(pool_ceil=False)
    assert first != second and first == squeezenet_architecture(1000)
    assert Network(first, input_size=(64, 64)).num_classes == 1000
