"""Whole networks against differences, Euler's identity, and PyTorch."""

import numpy as np
import pytest

from pixelgrad.classifiers import Network, PretrainedCNN, tinyimagenet_architecture
from pixelgrad.datasets import shipped_weights
from pixelgrad.layers import check_projection


@pytest.fixture
def model(make_network):
    return make_network(dtype=np.float64)


def inputs(N=3, size=(12, 15), seed=30, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal((N, 3, *size)).astype(dtype)


# Not of the same seed as any input: a direction along x would test one slope only.
DOUT = np.random.default_rng(11).standard_normal((3, 7))


@pytest.mark.parametrize("mode", ["test", "train"])
def test_gradients_of_the_whole_network_equal_differences(model, mode):
    X = inputs()
    out, cache = model.forward(X, mode=mode)
    dX, grads = model.backward(DOUT, cache, param_grads=True)

    def at_image(Z):
        return np.sum(model.forward(Z, mode=mode)[0] * DOUT)

    for seed in (1, 2, 3):
        check_projection(at_image, X, dX, rng=seed, name="dX")
        for name, gradient in grads.items():
            value = model.params[name]

            def at_parameter(z, name=name, value=value):
                model.params[name] = z
                try:
                    return at_image(X)
                finally:
                    model.params[name] = value

            check_projection(at_parameter, value, gradient, rng=seed, name=name, atol=1e-7)
            # In training mode a bias on the way to batch norm has no effect: the batch mean takes it away.
            if not (mode == "train" and name in ("b2", "b4", "b5")):
                assert np.linalg.norm(gradient) > 1e-3, name


@pytest.mark.parametrize("start, end", [("conv2", "conv3"), ("max_pool", "avg_pool"), ("affine1", None), (None, 0)])
def test_gradients_of_a_span_equal_differences(model, start, end):
    X = inputs()
    if start is not None:  # not what the layers before return: after a ReLU the zeros of a window tie
        X = np.random.default_rng(4).standard_normal(model.forward(X, end=model.layer_index(start) - 1)[0].shape)
    out, cache = model.forward(X, start=start, end=end)
    dout = np.random.default_rng(11).standard_normal(out.shape)
    dX, _ = model.backward(dout, cache)
    check_projection(lambda Z: np.sum(model.forward(Z, start=start, end=end)[0] * dout), X, dX)


def test_the_gradient_of_the_loss_equals_differences(model):
    X, y = inputs(), np.array([1, 6, 6])
    _, grads = model.loss(X, y, label_smoothing=0.1)
    for name, gradient in grads.items():
        value = model.params[name]

        def f(z, name=name, value=value):
            model.params[name] = z
            try:
                return model.loss(X, y, label_smoothing=0.1)[0]
            finally:
                model.params[name] = value

        check_projection(f, value, gradient, name=name, atol=1e-7)


def folded(model):
    """The same function as a network without batch normalisation, by the formula of the layer's definition."""
    architecture, params = [], {}
    for entry in model.architecture:
        plain = {key: value for key, value in entry.items() if key not in ("batchnorm", "bias")}
        if entry["type"] == "conv":
            plain.setdefault("relu", True)
        architecture.append(plain)
    n = 0
    for entry in model.architecture:
        if entry["type"] not in ("conv", "affine"):
            continue
        n += 1
        W = model.params[f"W{n}"]
        b = model.params.get(f"b{n}", np.zeros(entry.get("filters") or entry.get("units")))
        if entry.get("batchnorm"):
            scale = model.params[f"gamma{n}"] / np.sqrt(model.params[f"running_var{n}"] + 1e-5)
            W = W * (scale[:, None, None, None] if W.ndim == 4 else scale)
            b = scale * (b - model.params[f"running_mean{n}"]) + model.params[f"beta{n}"]
        params[f"W{n}"], params[f"b{n}"] = W, b
    return Network(architecture, params, input_size=model.input_size, dtype=np.float64)


@pytest.mark.parametrize("k", [0, 3, 6])
def test_eulers_identity_holds_with_batchnorm_folded(model, k):
    X = inputs(1)
    plain = folded(model)
    scores, cache = plain.forward(X)
    np.testing.assert_allclose(scores, model.loss(X), rtol=1e-10)
    dX, grads = plain.backward(np.eye(7)[k][None], cache, param_grads=True)
    assert np.linalg.norm(dX) > 0.1  # the ReLUs are not all shut, where the score would be a bias and nothing else
    biases = sum(np.sum(plain.params[name] * grads[name]) for name in grads if name.startswith("b"))
    np.testing.assert_allclose(np.sum(X * dX) + biases, scores[0, k], rtol=1e-10)
    same_dX, _ = model.backward(np.eye(7)[k][None], model.forward(X)[1])
    np.testing.assert_allclose(dX, same_dX, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rule", ["guided", "deconv"])
def test_guided_equals_plain_on_an_all_positive_network(make_network, rule):
    model = make_network(dtype=np.float64)
    for name, value in model.params.items():
        model.params[name] = np.abs(value) if not name.startswith("running_mean") else 0 * value
    X = np.abs(inputs())
    out, cache = model.forward(X)
    dout = np.abs(DOUT)
    np.testing.assert_allclose(model.backward(dout, cache, rule)[0], model.backward(dout, cache)[0], rtol=1e-12)


# -- PyTorch -------------------------------------------------------------------------------------------------------


def pytorch_layers(model, X):
    """Every layer's output by PyTorch, for tinyimagenet_architecture, and the image as a leaf."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    params = {name: torch.tensor(value) for name, value in model.params.items()}
    image = torch.tensor(X, requires_grad=True)
    x, outputs = image, []
    for n, (size, stride) in enumerate([(5, 2), (3, 2), (3, 1), (3, 2), (3, 1), (3, 1), (3, 1)], start=1):
        x = functional.conv2d(x, params[f"W{n}"], stride=stride, padding=size // 2)
        averages = params[f"running_mean{n}"], params[f"running_var{n}"]
        x = functional.batch_norm(x, *averages, params[f"gamma{n}"], params[f"beta{n}"], training=False, eps=1e-5)
        x = torch.relu(x)
        outputs.append(x)
    x = x.mean(dim=(2, 3))
    outputs.append(x)
    outputs.append(functional.linear(x, params["W8"].T, params["b8"]))
    return outputs, image


def assert_equals_pytorch(model, X, tolerance):
    outputs, image = pytorch_layers(model, X)
    assert len(outputs) == len(model.layer_names)
    out = X
    for i, expected in enumerate(outputs):
        expected = expected.detach().numpy()
        out, _ = model.forward(out, start=i, end=i)
        assert out.dtype == X.dtype
        error = np.abs(out - expected).max() / np.abs(expected).max()
        assert error < tolerance, f"{model.layer_names[i]}: relative error {error:.2g}"
    scores, cache = model.forward(X)
    dscores = np.random.default_rng(11).standard_normal(scores.shape).astype(X.dtype)
    dX, _ = model.backward(dscores, cache)
    outputs[-1].backward(pytest.importorskip("torch").tensor(dscores))
    expected = image.grad.numpy()
    error = np.abs(dX - expected).max() / np.abs(expected).max()
    assert error < tolerance, f"gradient to the image: relative error {error:.2g}"


@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 1e-4), (np.float64, 1e-9)])
@pytest.mark.parametrize("size", [(64, 64), (50, 77)])
def test_a_random_network_equals_pytorchs(make_network, dtype, tolerance, size):
    model = make_network(tinyimagenet_architecture(), input_size=(64, 64), dtype=dtype)
    assert_equals_pytorch(model, 50 * inputs(2, size, dtype=dtype), tolerance)


def shipped(dtype):
    if not shipped_weights().exists():
        pytest.skip(f"{shipped_weights().name} is not there yet: `pixelgrad train` makes it")
    return PretrainedCNN(dtype=dtype)


@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 1e-4), (np.float64, 1e-9)])
def test_the_shipped_network_equals_pytorchs(dtype, tolerance, images):
    model = shipped(dtype)
    assert_equals_pytorch(model, model.preprocess(images(2, (64, 64))), tolerance)


def test_the_shipped_network_is_what_its_documentation_says():
    model = shipped(np.float32)
    assert model.architecture == tinyimagenet_architecture() and model.input_size == (64, 64)
    assert len(set(model.class_names)) == len(set(model.wnids)) == 100
    assert model.pixels.mean_image.shape == (3, 64, 64) and model.pixel_scale == 1
    assert "1,987,876" in model.summary()
    assert {"command", "data", "epochs", "seed", "val_top1", "date"} <= model.provenance.keys()
