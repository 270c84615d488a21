"""What is refused, and that the message names the operation, what came, and what was expected."""

import numpy as np
import pytest

from pixelgrad.layers import (
    affine_backward,
    affine_bn_relu_backward,
    affine_bn_relu_forward,
    affine_forward,
    affine_relu_backward,
    affine_relu_forward,
    avg_pool_backward,
    avg_pool_forward,
    batchnorm_backward,
    batchnorm_forward,
    concat_backward,
    concat_forward,
    conv_backward,
    conv_backward_naive,
    conv_bn_relu_backward,
    conv_bn_relu_forward,
    conv_forward,
    conv_forward_naive,
    conv_relu_backward,
    conv_relu_forward,
    dropout_backward,
    dropout_forward,
    global_avg_pool_backward,
    global_avg_pool_forward,
    max_pool_backward,
    max_pool_backward_naive,
    max_pool_forward,
    max_pool_forward_naive,
    relu_backward,
    relu_forward,
    softmax_loss,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
    svm_loss,
)

X = np.ones((2, 3, 4, 5))
W = np.ones((6, 3, 2, 3))
B = np.ones(6)
ROWS = np.ones((2, 60))
POOL = {"pool_height": 2, "pool_width": 3, "stride": 1}
CONVS = (conv_forward, conv_forward_naive, conv_relu_forward)
POOLS = (max_pool_forward, max_pool_forward_naive, avg_pool_forward)


def refused(call, *fragments, error=ValueError):
    """The call raises, and its message holds all fragments."""
    with pytest.raises(error) as caught:
        call()
    for fragment in fragments:
        assert fragment in str(caught.value)


def op_name(f):
    return {"conv_relu_forward": "conv_forward"}.get(f.__name__, f.__name__)


@pytest.mark.parametrize("conv", CONVS)
@pytest.mark.parametrize(
    "x, w, b, conv_param, fragments",
    [
        (X[0], W, B, {}, ["x must have the shape (N, C, H, W)", "(3, 4, 5)"]),
        (X, W[0], B, {}, ["w must have the shape (F, C, HH, WW)", "(3, 2, 3)"]),
        (X[:, :2], W, B, {}, ["x has 2 channels but w expects 3", "(2, 2, 4, 5)", "(6, 3, 2, 3)"]),
        (X, W, B[:5], {}, ["b must have the shape (6,)", "(5,)"]),
        (X, W, B[None], {}, ["b must have the shape (6,)", "(1, 6)"]),
        (X, W, B, {"padding": 1}, ["conv_param has no option 'padding'", "pad, stride"]),
        (X, W, B, {"stride": 0}, ["stride must be a whole number, at least 1", "0"]),
        (X, W, B, {"stride": 1.0}, ["stride must be a whole number", "1.0"]),
        (X, W, B, {"stride": True}, ["stride must be a whole number", "True"]),
        (X, W, B, {"pad": -1}, ["pad must be a whole number, at least 0", "-1"]),
        (X[:, :, :1], W, B, {}, ["1x5", "smaller than the filter, 2x3", "pad 0"]),
        (X[:, :, :, :1], W, B, {"pad": 0}, ["4x1", "smaller than the filter, 2x3"]),
    ],
)
def test_convolutions_refuse(conv, x, w, b, conv_param, fragments):
    refused(lambda: conv(x, w, b, conv_param), op_name(conv), *fragments)


@pytest.mark.parametrize("conv", CONVS)
def test_convolutions_refuse_what_is_no_float_array(conv):
    refused(
        lambda: conv(X.astype(np.uint8), W, B, {}), op_name(conv), "uint8", "(2, 3, 4, 5)", "astype", error=TypeError
    )
    refused(lambda: conv(X, W.astype(int), B, {}), op_name(conv), "w must be float32 or float64", error=TypeError)
    refused(lambda: conv(X.tolist(), W, B, {}), op_name(conv), "x must be an array, got list", error=TypeError)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(
    "x, changes, fragments",
    [
        (X[0], {}, ["x must have the shape (N, C, H, W)", "(3, 4, 5)"]),
        (X, {"pool_height": None}, ["pool_height must be a whole number", "None"]),
        (X, {"pool_width": 0}, ["pool_width must be a whole number, at least 1", "0"]),
        (X, {"stride": 0}, ["stride must be a whole number, at least 1"]),
        (X, {"size": 2}, ["pool_param has no option 'size'", "ceil_mode, pool_height, pool_width, stride"]),
        (X, {"pool_height": 5}, ["4x5", "smaller than the window, 5x3", "(2, 3, 4, 5)"]),
        (X, {"pool_width": 6}, ["4x5", "smaller than the window, 2x6"]),
        (X, {"ceil_mode": "yes"}, ["ceil_mode must be one of False, True", "'yes'"]),
    ],
)
def test_pooling_refuses(pool, x, changes, fragments):
    refused(lambda: pool(x, POOL | changes), pool.__name__, *fragments)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("key", ["pool_height", "pool_width"])
def test_pooling_needs_the_size_of_its_window(pool, key):
    incomplete = {k: v for k, v in POOL.items() if k != key}
    refused(lambda: pool(X, incomplete), pool.__name__, f"pool_param needs '{key}'")
    refused(lambda: pool(X.astype(int), POOL), pool.__name__, "int64", error=TypeError)


@pytest.mark.parametrize("affine, name", [(affine_forward, "affine_forward"), (affine_relu_forward, "affine layer")])
def test_affine_refuses(affine, name):
    w, b = np.ones((60, 7)), np.ones(7)
    refused(lambda: affine(X[:, :, :, :2], w, b), name, "x has 24 features but w expects 60", "(2, 3, 4, 2)", "(60, 7)")
    refused(lambda: affine(X.ravel(), w, b), name, "(N, d_1, ..., d_k)", "(120,)")
    refused(lambda: affine(X, w[None], b), name, "w must have the shape (D, M)", "(1, 60, 7)")
    refused(lambda: affine(X, w, b[None]), name, "b must have the shape (7,)", "(1, 7)")
    refused(lambda: affine(X.astype(int), w, b), name, "int64", error=TypeError)
    refused(lambda: affine(X.tolist(), w, b), name, "list", error=TypeError)


def test_dropout_refuses():
    for p in (0, -0.1, 1.5, float("nan")):
        refused(lambda p=p: dropout_forward(X, {"p": p, "mode": "train"}), "dropout_forward", "(0, 1]", str(p))
    refused(lambda: dropout_forward(X, {"mode": "train"}), "dropout_forward", "dropout_param needs 'p'")
    refused(lambda: dropout_forward(X, {"p": 0.5}), "dropout_forward", "dropout_param needs 'mode'")
    refused(lambda: dropout_forward(X, {"p": 0.5, "mode": "eval"}), "dropout_forward", "'train', 'test'", "'eval'")
    refused(
        lambda: dropout_forward(X, {"p": 0.5, "mode": "test", "keep": 1}), "dropout_forward", "'keep'", "mode, p, seed"
    )
    refused(
        lambda: dropout_forward(X.astype(int), {"p": 0.5, "mode": "train"}), "dropout_forward", "int64", error=TypeError
    )


def test_concat_refuses():
    refused(lambda: concat_forward([]), "concat_forward", "nothing")
    refused(lambda: concat_forward([X, X[:, :, :3]]), "concat_forward", "axis 1", "(2, 3, 4, 5)", "(2, 3, 3, 5)")
    refused(lambda: concat_forward([X, X[0]]), "concat_forward", "rank", "(3, 4, 5)")
    for axis in (4, -5):
        refused(lambda axis=axis: concat_forward([X, X], axis=axis), "concat_forward", f"axis {axis}", "(2, 3, 4, 5)")
    _, cache = concat_forward([X, X[:, :1]])
    for wrong in (X, np.ones((2, 4, 5, 4)), np.ones((1, 4, 4, 5))):
        refused(lambda wrong=wrong: concat_backward(wrong, cache), "concat_backward", "(2, 4, 4, 5)", str(wrong.shape))


def bn(**changes):
    return {"mode": "train", "running_mean": np.zeros(3), "running_var": np.ones(3), **changes}


BATCHNORMS = {
    "batchnorm_forward": lambda g, b, p, n=2: batchnorm_forward(np.ones((n, 3)), g, b, p),
    "spatial_batchnorm_forward": lambda g, b, p, n=2: spatial_batchnorm_forward(X[:n], g, b, p),
    "conv_bn_relu_forward": lambda g, b, p, n=2: conv_bn_relu_forward(X[:n], W[:3], None, g, b, {}, p),
    "affine_bn_relu_forward": lambda g, b, p, n=2: affine_bn_relu_forward(X[:n], np.ones((60, 3)), None, g, b, p),
}
GAMMA = np.ones(3)


@pytest.mark.parametrize("name", BATCHNORMS)
def test_batchnorm_refuses(name):
    f = BATCHNORMS[name]
    refused(lambda: f(GAMMA[:2], GAMMA, bn()), name, "gamma must have the shape (3,)", "(2,)")
    refused(lambda: f(GAMMA, GAMMA[None], bn()), name, "beta must have the shape (3,)", "(1, 3)")
    refused(lambda: f(GAMMA, GAMMA, bn(mode="eval")), name, "mode must be one of 'train', 'test'", "'eval'")
    refused(lambda: f(GAMMA, GAMMA, {}), name, "bn_param needs 'mode'")
    refused(lambda: f(GAMMA, GAMMA, bn(epsilon=1)), name, "bn_param has no option 'epsilon'", "eps, mode, momentum")
    for average in ("running_mean", "running_var"):
        missing = {key: value for key, value in bn(mode="test").items() if key != average}
        refused(lambda missing=missing: f(GAMMA, GAMMA, missing), name, average, "test mode", "train first")
        for mode in ("train", "test"):
            wrong = bn(mode=mode, **{average: np.ones(4)})
            refused(lambda wrong=wrong: f(GAMMA, GAMMA, wrong), name, f"{average} must have the shape (3,)", "(4,)")


@pytest.mark.parametrize("name", BATCHNORMS)
def test_an_empty_batch_has_no_statistics(name):
    refused(lambda: BATCHNORMS[name](GAMMA, GAMMA, bn(), n=0), "batch is empty", "mean and variance")


def test_batchnorm_refuses_wrong_ranks_and_types():
    one = np.ones(3)
    refused(lambda: batchnorm_forward(X, one, one, bn()), "batchnorm_forward", "(N, D)", "(2, 3, 4, 5)")
    refused(
        lambda: spatial_batchnorm_forward(X[0], one, one, bn()),
        "spatial_batchnorm_forward",
        "(N, C, H, W)",
        "(3, 4, 5)",
    )
    refused(
        lambda: batchnorm_forward(np.ones((2, 3), int), one, one, bn()), "batchnorm_forward", "int64", error=TypeError
    )
    refused(lambda: conv_bn_relu_forward(X, W[0], None, one, one, {}, bn()), "conv_bn_relu_forward", "(F, C, HH, WW)")
    refused(lambda: affine_bn_relu_forward(X, one, None, one, one, bn()), "affine_bn_relu_forward", "(D, M)", "(3,)")


def test_global_pooling_refuses():
    refused(lambda: global_avg_pool_forward(ROWS), "global_avg_pool_forward", "(N, C, H, W)", "(2, 60)")
    refused(lambda: global_avg_pool_forward(X.astype(np.uint8)), "global_avg_pool_forward", "uint8", error=TypeError)


def test_an_unknown_relu_rule_is_refused():
    refused(lambda: relu_backward(X, X, rule="guide"), "relu_backward", "'standard', 'guided', 'deconv'", "'guide'")
    _, cache = conv_relu_forward(X, W, B, {})
    dout = np.ones((2, 6, 3, 3))
    refused(lambda: conv_relu_backward(dout, cache, relu_rule="guide"), "relu_rule", "'guide'", "'guided'")


CAN_BACK = {
    "affine_backward": (affine_backward, affine_forward, [X, np.ones((60, 7)), np.ones(7)]),
    "affine_relu_backward": (affine_relu_backward, affine_relu_forward, [X, np.ones((60, 7)), np.ones(7)]),
    "relu_backward": (relu_backward, relu_forward, [X]),
    "dropout_backward": (dropout_backward, dropout_forward, [X, {"p": 0.5, "mode": "train"}]),
    "conv_backward": (conv_backward, conv_forward, [X, W, B, {}]),
    "conv_relu_backward": (conv_relu_backward, conv_relu_forward, [X, W, B, {}]),
    "conv_backward_naive": (conv_backward_naive, conv_forward_naive, [X, W, B, {}]),
    "max_pool_backward": (max_pool_backward, max_pool_forward, [X, POOL]),
    "max_pool_backward_naive": (max_pool_backward_naive, max_pool_forward_naive, [X, POOL]),
    "avg_pool_backward": (avg_pool_backward, avg_pool_forward, [X, POOL]),
    "global_avg_pool_backward": (global_avg_pool_backward, global_avg_pool_forward, [X]),
    "concat_backward": (concat_backward, concat_forward, [[X, X]]),
}
for _mode in ("train", "test"):
    _conv, _affine = [X, W[:3], None, GAMMA, GAMMA, {}], [X, np.ones((60, 3)), None, GAMMA, GAMMA]
    CAN_BACK |= {
        f"batchnorm_backward, {_mode}": (
            batchnorm_backward,
            batchnorm_forward,
            [X[0, :, :, 0].T, GAMMA, GAMMA, bn(mode=_mode)],
        ),
        f"spatial_batchnorm_backward, {_mode}": (
            spatial_batchnorm_backward,
            spatial_batchnorm_forward,
            [X, GAMMA, GAMMA, bn(mode=_mode)],
        ),
        f"conv_bn_relu_backward, {_mode}": (conv_bn_relu_backward, conv_bn_relu_forward, [*_conv, bn(mode=_mode)]),
        f"affine_bn_relu_backward, {_mode}": (
            affine_bn_relu_backward,
            affine_bn_relu_forward,
            [*_affine, bn(mode=_mode)],
        ),
    }


@pytest.mark.parametrize("case", CAN_BACK)
def test_a_dout_of_another_shape_is_refused_even_where_it_would_broadcast(case):
    backward, forward, args = CAN_BACK[case]
    out, cache = forward(*args)
    name = case.split(",")[0]
    for wrong in (np.ones(()), np.ones((1,) * out.ndim), out[:1], out[..., :1], np.ones(out.shape[::-1])):
        if wrong.shape == out.shape:
            continue
        refused(
            lambda wrong=wrong: backward(wrong, cache),
            name,
            "dout must have the shape",
            str(out.shape),
            str(wrong.shape),
        )
    backward(np.ones(out.shape), cache)


@pytest.mark.parametrize("loss", [softmax_loss, svm_loss])
def test_losses_refuse(loss):
    x, y, name = np.ones((3, 5)), np.array([0, 1, 4]), loss.__name__
    refused(lambda: loss(x, np.array([0, 1, 5])), name, "from 0 to 4", "0 to 5")
    refused(lambda: loss(x, np.array([0, -1, 4])), name, "from 0 to 4", "-1")
    refused(lambda: loss(x, y[:2]), name, "3 whole numbers", "(3, 5)", "(2,)")
    refused(lambda: loss(x, y[:, None]), name, "whole numbers", "(3, 1)")
    refused(lambda: loss(x, y.astype(float)), name, "whole numbers", "float64")
    refused(lambda: loss(x, np.array([True, False, True])), name, "whole numbers", "bool")
    refused(lambda: loss(x[:0], y[:0]), name, "batch is empty", "(0, 5)")
    refused(lambda: loss(x[0], y), name, "(N, K)", "(5,)")
    refused(lambda: loss(x.astype(int), y), name, "int64", error=TypeError)


def test_label_smoothing_outside_its_range_is_refused():
    for value in (-0.1, 1.0, float("nan")):
        refused(
            lambda v=value: softmax_loss(np.ones((1, 2)), [0], label_smoothing=v), "softmax_loss", "[0, 1)", str(value)
        )
