"""The three engines compute the same network: scores, gradients, running averages, for every ReLU rule."""

import importlib.util
import sys

import numpy as np
import pytest

from pixelgrad.classifiers import Network, PretrainedCNN, Solver, squeezenet_architecture, tinyimagenet_architecture
from pixelgrad.classifiers.engines import ENGINES
from pixelgrad.layers import naive
from pixelgrad.layers.checks import RELU_RULES

TOLERANCE = {np.float64: 1e-10, np.float32: 1e-5}  # of the largest entry
OTHERS = ["im2col", "naive"]
TINY = [
    {"type": "conv", "filters": 8, "size": 3, "stride": 2, "pad": 1, "bias": False, "batchnorm": True},
    {"type": "conv", "filters": 16, "size": 3, "stride": 2, "pad": 1, "bias": False, "batchnorm": True},
    {"type": "affine", "units": 4, "bias": False},
]


def copied(model, engine):
    """The same network on another engine, with parameters and running averages of its own."""
    return model.with_params({name: value.copy() for name, value in model.params.items()}).with_engine(engine)


def close(mine, right, tolerance, what):
    difference = np.abs(np.asarray(mine) - right).max() / max(np.abs(right).max(), 1e-30)
    assert np.shape(mine) == np.shape(right) and difference <= tolerance, f"{what}: {difference:.1e}"


def agree(model, engine, X, mode, rules=RELU_RULES):
    fast, other = copied(model, "fast"), copied(model, engine)
    tolerance = TOLERANCE[X.dtype.type]
    (right, right_cache), (mine, my_cache) = fast.forward(X, mode=mode), other.forward(X, mode=mode)
    close(mine, right, tolerance, "scores")
    dout = np.random.default_rng(7).standard_normal(right.shape).astype(X.dtype)
    for rule in rules:
        right_dX, right_grads = fast.backward(dout, right_cache, rule, param_grads=True)
        my_dX, my_grads = other.backward(dout, my_cache, rule, param_grads=True)
        close(my_dX, right_dX, tolerance, f"dX, {rule}")
        assert list(my_grads) == list(right_grads)
        for name in right_grads:
            # Before batch norm in training mode a bias has no effect: both gradients are rounding errors.
            if np.abs(right_grads[name]).max() > 1e-3 * np.abs(right_dX).max():
                close(my_grads[name], right_grads[name], tolerance, f"{name}, {rule}")
    for name in model.params:
        close(other.params[name], fast.params[name], tolerance, name)
        assert mode == "train" or np.array_equal(other.params[name], model.params[name])
    changed = [name for name in model.params if not np.array_equal(other.params[name], model.params[name])]
    assert bool(changed) == (mode == "train" and any(name.startswith("running") for name in model.params))


def pictures(N, size, dtype, seed=3):
    return np.random.default_rng(seed).standard_normal((N, 3, *size)).astype(dtype)


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("mode", ["test", "train"])
@pytest.mark.parametrize("dtype", list(TOLERANCE))
def test_engines_agree_on_a_network_with_every_block(make_network, engine, mode, dtype):
    agree(make_network(dtype=dtype), engine, pictures(8, (12, 15), dtype), mode)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("mode", ["test", "train"])
@pytest.mark.parametrize("engine", ["im2col", pytest.param("naive", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "architecture", [tinyimagenet_architecture(10), squeezenet_architecture(10)], ids=["tiny", "squeeze"]
)
def test_engines_agree_on_both_networks(make_network, architecture, engine, mode, dtype):
    model = make_network(architecture, input_size=(48, 48), dtype=dtype)
    agree(
        model, engine, pictures(2, (48, 48), dtype), mode, RELU_RULES if engine == "im2col" else ("standard", "guided")
    )


def test_the_engine_is_named_and_an_unknown_one_refused():
    assert Network(TINY).engine == "fast" and PretrainedCNN(engine="im2col").engine == "im2col"
    assert PretrainedCNN().with_engine("naive").engine == "naive"
    for make in (lambda e: Network(TINY, engine=e), Network(TINY).with_engine, lambda e: PretrainedCNN(engine=e)):
        with pytest.raises(ValueError, match="engine must be one of 'fast', 'im2col', 'naive', got 'quick'"):
            make("quick")


def test_a_view_on_another_engine_shares_parameters_and_running_averages(make_network):
    model = make_network()
    view = model.with_engine("im2col")
    before = model.params["running_mean1"]
    view.forward(pictures(3, (12, 15), np.float32), mode="train")
    assert view.params is model.params and model.params["running_mean1"] is not before
    assert model.engine == "fast"


@pytest.mark.parametrize("engine", OTHERS)
def test_a_loaded_network_runs_on_the_engine_asked_for(make_network, engine, tmp_path):
    make_network().save(tmp_path / "w.h5")
    assert Network.load(tmp_path / "w.h5", engine=engine).engine == engine


def test_a_cache_belongs_to_the_engine_that_made_it(make_network):
    model = make_network()
    for one in ENGINES:
        scores, cache = model.with_engine(one).forward(pictures(2, (12, 15), np.float32))
        for other in ENGINES:
            if other == one:
                model.with_engine(other).backward(scores, cache)
            else:
                with pytest.raises(ValueError, match=f"made by the engine '{one}', but the network runs on '{other}'"):
                    model.with_engine(other).backward(scores, cache)


@pytest.mark.parametrize("engine", OTHERS)
def test_caches_serve_several_backward_calls_and_inputs_stay(make_network, engine):
    model = make_network(dtype=np.float64, engine=engine)
    X = pictures(2, (12, 15), np.float64)
    before = X.copy()
    scores, cache = model.forward(X)
    dout = np.random.default_rng(0).standard_normal(scores.shape)
    first, _ = model.backward(dout, cache)
    again, _ = model.backward(dout.copy(), cache)
    assert np.array_equal(first, again) and np.array_equal(X, before)
    assert model.backward(dout, cache, input_grad=False, param_grads=True)[0] is None
    assert model.backward(dout, cache)[1] == {}


def test_what_stands_in_the_file_is_what_runs(monkeypatch, tmp_path):
    """A copy of naive.py with a wrong convolution gives other scores on `naive`, and on no other engine."""
    text = open(naive.__file__, encoding="utf-8").read()
    assert text.count("np.sum(window * w[f])") == 1
    path = tmp_path / "naive.py"
    path.write_text(text.replace("np.sum(window * w[f])", "np.sum(window * w[f, :, ::-1])"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("pixelgrad.layers.wrong_naive", path)
    wrong = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, wrong)
    spec.loader.exec_module(wrong)

    model = Network(TINY, input_size=(9, 11), rng=1)
    X = pictures(2, (9, 11), np.float32)
    right = {engine: model.with_engine(engine).scores(X) for engine in ENGINES}
    monkeypatch.setattr("pixelgrad.classifiers.engines.naive", wrong)
    for engine, scores in right.items():
        now = model.with_engine(engine).scores(X)
        assert np.array_equal(now, scores) == (engine != "naive")


def test_a_function_replaced_in_its_module_is_what_runs(monkeypatch):
    """Engines look functions up when they are called, so that a notebook can try another one."""
    model = Network(TINY, input_size=(9, 11), rng=1, engine="naive")
    X = pictures(1, (9, 11), np.float32)
    before, conv = model.scores(X), naive.conv_forward_naive
    monkeypatch.setattr(naive, "conv_forward_naive", lambda x, w, b, p: (0 * conv(x, w, b, p)[0], None))
    assert not np.array_equal(model.scores(X), before)


def test_my_layers_learn():
    """Two convolutions on the im2col engine overfit a few hundred images."""
    rng = np.random.default_rng(0)
    y = np.arange(256) % 4
    patterns = rng.integers(0, 256, (4, 3, 16, 16))
    noise = rng.normal(0, 60, (256, 3, 16, 16))
    X = np.clip(patterns[y] * 0.5 + 64 + noise, 0, 255).astype(np.uint8)
    model = Network(TINY, input_size=(16, 16), mean_image=X.mean(axis=0), engine="im2col")
    history = Solver(model, {"X_train": X, "y_train": y}, learning_rate=0.02, batch_size=32, num_epochs=15).train()
    assert history[-1]["train_top1"] > 0.98 > history[0]["train_top1"]
