"""With `--engine naive`, the layer at fault is named: by its forward pass where that differs, else by its error."""

import numpy as np
import pytest

from pixelgrad.classifiers import Network, PretrainedCNN
from pixelgrad.classifiers.engines import ENGINES
from pixelgrad.cli import shared
from pixelgrad.cli.commands import main
from pixelgrad.cli.layer_comparison import LayerFault, compare_engines
from pixelgrad.layers import basic, naive

CONV = naive.conv_forward_naive
FILTERS = {6: "conv1", 8: "conv2"}


@pytest.fixture
def network(weights):
    return PretrainedCNN(weights, engine="naive")


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(0, 50, (2, 3, 32, 32)).astype(np.float32)


@pytest.fixture
def change(monkeypatch):
    """change(conv1=..., conv2=...): what the plain loops return for a layer is changed by these functions."""

    def put(**changes):
        def changed(x, w, b, conv_param):
            out, cache = CONV(x, w, b, conv_param)
            return changes.get(FILTERS[len(w)], lambda out: out)(out), cache

        monkeypatch.setattr(naive, "conv_forward_naive", changed)

    return put


@pytest.fixture
def run(capsys, photo, weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(command, *arguments, images=(photo,), model=weights):
        options = ["--engine", "naive", "--model", model, *arguments]
        code = main([command, *map(str, images), *map(str, options)])
        return code, *capsys.readouterr()

    return call


def narrower(out):
    return out[..., :-1]


def fewer_channels(out):
    return out[:, :-1]


def doubled(out):
    return out * 2


def test_the_command_line_offers_the_engines_of_networks():
    assert shared.ENGINES == tuple(ENGINES)


def test_layers_that_agree_say_how_closely(network, images):
    assert 0 <= compare_engines(network, images) < 1e-5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"conv1": doubled, "conv2": narrower}, "conv1 is the first layer that differs, by "),
        ({"conv1": narrower, "conv2": doubled}, "conv1 is the first layer that differs: it returns the shape"),
        ({"conv1": fewer_channels}, "conv1 fails: ValueError: spatial_batchnorm_forward"),
        ({"conv2": doubled}, "conv2 is the first"),
        (
            {"conv1": lambda out: out * np.nan},
            "conv1 fails: ValueError: forward: the output of layer conv1 is not finite",
        ),
    ],
)
def test_the_first_layer_that_differs_is_named(changes, words, network, images, change):
    change(**changes)
    with pytest.raises(LayerFault, match=words) as fault:
        compare_engines(network, images)
    assert "pixelgrad check" in str(fault.value)


def test_every_image_is_compared(run, photo, change):
    seen = []
    change(conv1=lambda out: seen.append(out[0, 0, 0, 0]) or out)
    code, out, _ = run("predict")
    assert code == 0 and "every layer's forward pass agrees" in out
    change(conv1=lambda out: out if out[0, 0, 0, 0] == seen[0] else 2 * out)
    assert run("predict")[0] == 0
    code, out, err = run("predict", "-q", images=("portrait", photo))
    assert code == 1 and "conv1 is the first layer that differs" in err and out == ""


@pytest.mark.parametrize("command", ["predict", "saliency"])
@pytest.mark.parametrize("wrong", [narrower, fewer_channels, lambda out: out[0]])
def test_a_wrong_shape_that_the_next_layer_notices_is_the_layers_fault(command, wrong, run, change):
    change(conv1=wrong)
    code, out, err = run(command, "-q")
    assert code == 1 and out == "" and len(err.splitlines()) == 1
    assert "conv1" in err and "pixelgrad check" in err


def test_a_backward_pass_that_the_next_layer_refuses_is_the_layers_fault(run, monkeypatch):
    relu_backward = basic.relu_backward
    monkeypatch.setattr(basic, "relu_backward", lambda *arguments: relu_backward(*arguments)[..., :-1])
    code, _, err = run("saliency")
    assert code == 1 and "a layer's backward pass returned something that the next step refuses" in err
    assert "pixelgrad check" in err


@pytest.mark.parametrize("command", ["predict", "saliency"])
def test_what_the_fast_engine_refuses_too_is_the_users(command, run, tmp_path):
    wide = tmp_path / "wide.h5"
    filters = {"type": "conv", "size": 9, "filters": 6}
    head = [{"type": "global_avg_pool"}, {"type": "affine", "units": 5}]
    Network([filters, *head], input_size=(32, 32), pixel_mean=[120.0] * 3, pixel_std=[1.0] * 3).save(wide)
    code, _, err = run(command, "--size", "8", model=wide)
    assert code == 2 and "8x8, is smaller than the filter" in err and "pixelgrad check" not in err


def test_an_option_that_is_wrong_is_not_blamed_on_a_layer(run, change):
    change(conv1=narrower)
    code, _, err = run("invert", "--layer", "conv9")
    assert code == 2 and "conv9" in err and "pixelgrad check" not in err


def test_an_error_in_a_file_without_a_folder_is_told(run, monkeypatch):
    def stop(*_, **__):
        exec(compile("raise ValueError('from nowhere')", "nowhere", "exec"))

    monkeypatch.setattr(PretrainedCNN, "predict", stop)
    code, _, err = run("predict")
    assert code == 2 and "from nowhere" in err
