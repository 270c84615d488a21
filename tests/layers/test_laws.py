"""What every layer keeps: the type of its input, its arguments, its cache."""

import copy

import numpy as np
import pytest

from pixelgrad import layers

CONV = {"stride": 2, "pad": 1}
POOL = {"pool_height": 2, "pool_width": 3, "stride": 2, "ceil_mode": True}


def bn(mode):
    return {"mode": mode, "running_mean": np.array([0.5, -1, 2]), "running_var": np.array([1, 0.3, 2])}


def arrays(*shapes):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in shapes]


IMAGES = arrays((2, 3, 5, 6))
CONVOLUTION = arrays((2, 2, 5, 6), (3, 2, 3, 2), (3,))
AFFINE = arrays((4, 2, 5), (10, 3), (3,))
SCALE = [np.array([1.5, -0.5, 0.0]), np.array([0.5, 0.2, 0.3])]
# Name of the pair, arguments.
CASES = {
    "affine": ("affine", AFFINE),
    "relu": ("relu", IMAGES),
    "conv": ("conv", [*CONVOLUTION, CONV]),
    "conv without bias": ("conv", [*CONVOLUTION[:2], None, CONV]),
    "affine without bias": ("affine", [*AFFINE[:2], None]),
    "conv_naive": ("conv_naive", [*CONVOLUTION, CONV]),
    "conv_im2col": ("conv_im2col", [*CONVOLUTION, CONV]),
    "conv_im2col without bias": ("conv_im2col", [*CONVOLUTION[:2], None, CONV]),
    "max_pool": ("max_pool", [*IMAGES, POOL]),
    "max_pool_naive": ("max_pool_naive", [*IMAGES, POOL]),
    "max_pool_im2col": ("max_pool_im2col", [*IMAGES, POOL]),
    "avg_pool_naive": ("avg_pool_naive", [*IMAGES, POOL]),
    "global_avg_pool_naive": ("global_avg_pool_naive", IMAGES),
    "avg_pool": ("avg_pool", [*IMAGES, POOL]),
    "global_avg_pool": ("global_avg_pool", IMAGES),
    "dropout, train": ("dropout", [*IMAGES, {"p": 0.7, "mode": "train", "seed": 1}]),
    "dropout, test": ("dropout", [*IMAGES, {"p": 0.7, "mode": "test"}]),
    "concat": ("concat", [[*IMAGES, *arrays((2, 1, 5, 6))]]),
    "conv_relu": ("conv_relu", [*CONVOLUTION, CONV]),
    "affine_relu": ("affine_relu", AFFINE),
}
CASES["layernorm"] = ("layernorm", [*arrays((5, 3)), *SCALE, {"eps": 1e-3}])
for _mode in ("train", "test"):
    CASES |= {
        f"batchnorm, {_mode}": ("batchnorm", [*arrays((5, 3)), *SCALE, bn(_mode)]),
        f"spatial_batchnorm, {_mode}": ("spatial_batchnorm", [*IMAGES, *SCALE, bn(_mode)]),
        f"conv_bn_relu, {_mode}": ("conv_bn_relu", [*CONVOLUTION, *SCALE, CONV, bn(_mode)]),
        f"affine_bn_relu, {_mode}": ("affine_bn_relu", [*AFFINE, *SCALE, bn(_mode)]),
    }


def pair(name):
    end = next((end for end in ("_naive", "_im2col") if name.endswith(end)), "")
    name = name.removesuffix(end)
    return getattr(layers, f"{name}_forward{end}"), getattr(layers, f"{name}_backward{end}")


def mapped(value, f):
    """Apply f to every array in a nest."""
    if isinstance(value, np.ndarray):
        return f(value)
    if isinstance(value, dict):
        return {key: mapped(v, f) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(mapped(v, f) for v in value)
    return value


def leaves(value):
    found = []
    mapped(value, found.append)
    return found


def test_every_layer_is_among_the_cases():
    forwards = {name.replace("_forward", "") for name in layers.__all__ if "_forward" in name}
    assert forwards == {name for name, _ in CASES.values()}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_the_type_is_kept(case, dtype):
    name, args = CASES[case]
    forward, backward = pair(name)
    args = mapped(args, lambda a: a.astype(dtype))
    out, cache = forward(*args)
    assert out.dtype == dtype
    gradients = backward(np.ones(out.shape, dtype=dtype), cache)
    assert {g.dtype for g in leaves([gradients])} == {np.dtype(dtype)}
    assert {a.dtype for a in leaves(args)} == {np.dtype(dtype)}  # the new running averages, too


@pytest.mark.parametrize("case", CASES)
def test_float32_results_are_float64s_rounded(case):
    name, args = CASES[case]
    forward, backward = pair(name)
    results = []
    for dtype in (np.float32, np.float64):
        typed = mapped(copy.deepcopy(args), lambda a, dtype=dtype: a.astype(np.float32).astype(dtype))
        out, cache = forward(*typed)
        dout = np.random.default_rng(1).standard_normal(out.shape).astype(dtype)
        results.append([out, *leaves([backward(dout, cache)])])
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_arguments_dout_and_cache_are_unchanged_and_two_backward_calls_agree(case):
    name, args = CASES[case]
    forward, backward = pair(name)
    args = copy.deepcopy(args)
    args_before = leaves(copy.deepcopy(args))
    held = leaves(args)
    out, cache = forward(*args)
    dout = np.random.default_rng(1).standard_normal(out.shape)
    dout_before, cache_before, out_before = dout.copy(), copy.deepcopy(cache), out.copy()
    first = copy.deepcopy(leaves([backward(dout, cache)]))
    second = leaves([backward(dout, cache)])
    assert len(first) == len(second) > 0
    for a, b in zip(first, second):
        assert np.array_equal(a, b)
    for a, b in zip([*held, dout, out, *leaves(cache)], [*args_before, dout_before, out_before, *leaves(cache_before)]):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("case", CASES)
def test_read_only_arguments_are_enough(case):
    name, args = CASES[case]
    forward, backward = pair(name)

    def locked(a):
        a = a.copy()
        a.flags.writeable = False
        return a

    out, cache = forward(*mapped(args, locked))
    backward(locked(np.ones(out.shape)), cache)


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_no_windows_onto_the_arguments_or_the_cache(case):
    name, args = CASES[case]
    forward, backward = pair(name)
    out, cache = forward(*copy.deepcopy(args))
    gradients = leaves([backward(np.ones(out.shape), cache)])
    for gradient in gradients:
        assert not any(np.shares_memory(gradient, array) for array in leaves(cache))


# Training mode is about the batch as a whole.
@pytest.mark.parametrize("case", [case for case in CASES if "train" not in case])
def test_a_batch_gives_what_its_images_give_one_by_one(case):
    name, args = CASES[case]
    forward, _ = pair(name)
    out, _ = forward(*args)
    for n in range(len(out)):
        first = [x[n : n + 1] for x in args[0]] if name == "concat" else args[0][n : n + 1]
        single, _ = forward(first, *args[1:])
        np.testing.assert_allclose(single[0], out[n], rtol=1e-12, atol=1e-13)


def test_everything_public_is_documented_and_listed_once():
    assert len(set(layers.__all__)) == len(layers.__all__)
    assert list(layers.__all__) == sorted(layers.__all__)
    for name in layers.__all__:
        assert getattr(layers, name).__doc__, name
