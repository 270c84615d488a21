"""Layer normalisation: the definition, its symmetries, gradient checks."""

import numpy as np
import pytest

from pixelgrad.layers import check_layer, layernorm_backward, layernorm_forward


def arrays(N=4, D=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, D)) * 3 + 1, rng.uniform(0.5, 2, D), rng.standard_normal(D)


@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_rows_equal_the_definition(eps):
    x, gamma, beta = arrays()
    out, _ = layernorm_forward(x, gamma, beta, {"eps": eps})
    for row, result in zip(x, out):
        mean = sum(row) / len(row)
        var = sum((value - mean) ** 2 for value in row) / len(row)
        np.testing.assert_allclose(result, gamma * (row - mean) / np.sqrt(var + eps) + beta, rtol=1e-12)


def test_the_usual_eps_is_a_hundred_thousandth():
    x, gamma, beta = arrays()
    np.testing.assert_array_equal(
        layernorm_forward(x, gamma, beta, {})[0], layernorm_forward(x, gamma, beta, {"eps": 1e-5})[0]
    )


def test_a_row_does_not_depend_on_the_others():
    x, gamma, beta = arrays()
    out, cache = layernorm_forward(x, gamma, beta, {})
    dout = arrays(seed=1)[0]
    dx, _, _ = layernorm_backward(dout, cache)
    for n in range(len(x)):
        alone, alone_cache = layernorm_forward(x[n : n + 1], gamma, beta, {})
        np.testing.assert_allclose(alone[0], out[n], rtol=1e-12)
        np.testing.assert_allclose(layernorm_backward(dout[n : n + 1], alone_cache)[0][0], dx[n], rtol=1e-10)


@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_gradients_equal_differences(eps):
    check_layer(layernorm_forward, layernorm_backward, *arrays(), {"eps": eps})


def test_shifting_a_row_changes_nothing_so_its_gradient_sums_to_zero():
    x, gamma, beta = arrays()
    shifted, _ = layernorm_forward(x + 7, gamma, beta, {})
    out, cache = layernorm_forward(x, gamma, beta, {})
    np.testing.assert_allclose(shifted, out, rtol=1e-10)
    np.testing.assert_allclose(layernorm_backward(arrays(seed=2)[0], cache)[0].sum(axis=1), 0, atol=1e-12)


def test_what_makes_no_sense_is_refused():
    x, gamma, beta = arrays()
    for call, words in (
        (lambda: layernorm_forward(x[0], gamma, beta, {}), r"x must have the shape \(N, D\)"),
        (lambda: layernorm_forward(x, gamma[:3], beta, {}), r"gamma must have the shape \(5,\), got \(3,\)"),
        (lambda: layernorm_forward(x, gamma, beta[None], {}), "beta must have the shape"),
        (lambda: layernorm_forward(x, gamma, beta, {"mode": "train"}), "ln_param has no option 'mode'"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
