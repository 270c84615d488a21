"""The checks themselves: right gradients pass, wrong ones are named with function, index and both values."""

import numpy as np
import pytest

from pixelgrad.layers import (
    GradientError,
    affine_backward,
    affine_forward,
    check_gradient,
    check_layer,
    check_projection,
    compare_gradients,
    eval_numerical_gradient,
    eval_numerical_gradient_array,
    rel_error,
    relu_backward,
    relu_forward,
)


def cubes(x):
    return np.sum(x**3)


X = np.array([[0.5, -1.5, 2.0], [1.0, 3.0, -0.25]])
RIGHT = 3 * X**2


def rejected(call, *fragments):
    with pytest.raises(GradientError) as caught:
        call()
    for fragment in fragments:
        assert fragment in str(caught.value), str(caught.value)


def test_differences_of_a_cubic():
    np.testing.assert_allclose(eval_numerical_gradient(cubes, X.copy()), RIGHT, rtol=1e-8)
    # For a cubic, central differences are off by exactly h^2: they are central, and h is the step.
    np.testing.assert_allclose(eval_numerical_gradient(cubes, X.copy(), h=0.1), RIGHT + 0.01, rtol=1e-12)


def test_differences_of_an_array_are_weighted_with_df():
    df = np.random.default_rng(0).standard_normal((2, 2))
    matrix = np.random.default_rng(1).standard_normal((3, 2))
    numerical = eval_numerical_gradient_array(lambda x: x @ matrix, X.copy(), df)
    np.testing.assert_allclose(numerical, df @ matrix.T, rtol=1e-9)


def test_differences_reach_functions_that_find_x_by_themselves():
    x = X.copy()
    np.testing.assert_allclose(eval_numerical_gradient(lambda _: cubes(x), x), RIGHT, rtol=1e-8)
    assert np.array_equal(x, X)


def test_differences_of_views_and_of_single_numbers():
    view = np.repeat(X, 2, axis=1)[:, ::2]
    np.testing.assert_allclose(eval_numerical_gradient(cubes, view), RIGHT, rtol=1e-8)
    np.testing.assert_allclose(eval_numerical_gradient(cubes, np.array(2.0)), 12, rtol=1e-8)
    assert eval_numerical_gradient(cubes, np.zeros((0, 3))).shape == (0, 3)


def test_a_function_that_returns_its_own_buffer_is_read_in_time():
    buffer = np.zeros_like(X)

    def f(x):
        buffer[...] = x**3
        return buffer

    np.testing.assert_allclose(eval_numerical_gradient_array(f, X.copy(), np.ones_like(X)), RIGHT, rtol=1e-8)


@pytest.mark.parametrize("fails_at", [1, 2, 5])
def test_x_is_restored_even_when_the_function_raises(fails_at):
    x, calls = X.copy(), []

    def f(z):
        calls.append(1)
        if len(calls) == fails_at:
            raise RuntimeError("stop")
        return cubes(z)

    with pytest.raises(RuntimeError, match="stop"):
        eval_numerical_gradient(f, x)
    assert np.array_equal(x, X)


def test_numerical_gradients_need_floating_point_and_matching_shapes():
    with pytest.raises(TypeError, match=r"int64.*astype\(np.float64\)"):
        eval_numerical_gradient(cubes, np.array([1, 2]))
    with pytest.raises(TypeError, match="list"):
        eval_numerical_gradient(cubes, [1.0])
    with pytest.raises(ValueError, match=r"f\(x\) has the shape \(2, 3\) but df \(3,\)"):
        eval_numerical_gradient_array(lambda x: x, X.copy(), np.ones(3))


def test_rel_error_is_cs231ns():
    assert rel_error([1.0, 2], [1.0, 2]) == 0
    assert rel_error([1.0, 2], [1.0, 3]) == pytest.approx(1 / 5)
    assert rel_error([1.0], [-1.0]) == 1
    assert rel_error([0.0], [1e-9]) == pytest.approx(0.1)  # the denominator is at least 1e-8
    assert rel_error(np.zeros((0, 2)), np.zeros((0, 2))) == 0
    with pytest.raises(ValueError, match=r"\(1, 3\) and \(3,\)"):
        rel_error(np.ones((1, 3)), np.ones(3))


# -- check_gradient and check_projection ---------------------------------------------------------------------------

one_wrong_entry = RIGHT.copy()
one_wrong_entry[1, 2] *= 1 + 1e-4
holds_nan = RIGHT.copy()
holds_nan[0, 1] = np.nan
WRONG = {
    "sign": -RIGHT,
    "factor 2": 2 * RIGHT,
    "factor 1 + 1e-5": (1 + 1e-5) * RIGHT,
    "zero": 0 * RIGHT,
    "offset": RIGHT + 1e-4,
    "one entry": one_wrong_entry,
    "NaN": holds_nan,
    "infinity": RIGHT + np.inf,
    "transposed": RIGHT.T,
    "one row": RIGHT[:1],
    "extra axis": RIGHT[None],
    "None": None,
    "sum": RIGHT.sum(),
}


def test_a_right_gradient_passes_both_checks():
    check_gradient(cubes, X.copy(), RIGHT)
    check_projection(cubes, X.copy(), RIGHT)
    check_gradient(cubes, X.copy(), RIGHT.astype(np.float32), rtol=1e-5)


@pytest.mark.parametrize("mistake", WRONG)
def test_check_gradient_rejects(mistake):
    rejected(lambda: check_gradient(cubes, X.copy(), WRONG[mistake]), "cubes")


@pytest.mark.parametrize("mistake", [name for name in WRONG if name not in ("factor 1 + 1e-5", "one entry", "offset")])
def test_check_projection_rejects(mistake):
    with np.errstate(invalid="ignore"):
        rejected(lambda: check_projection(cubes, X.copy(), WRONG[mistake]), "cubes")


def test_the_message_names_function_index_and_both_values():
    wrong = RIGHT.copy()
    wrong[1, 0] = 7.5
    rejected(
        lambda: check_gradient(cubes, X.copy(), wrong),
        "cubes",
        "wrong at 1 of 6 entries",
        "index (1, 0)",
        "analytic 7.5",
        "numerical 3",
        "relative error 0.43",
    )
    rejected(lambda: check_gradient(cubes, X.copy(), wrong, name="my layer: dw"), "my layer: dw: wrong at")
    rejected(lambda: check_gradient(cubes, X.copy(), holds_nan), "cubes", "(0, 1)", "nan")
    rejected(lambda: check_gradient(cubes, X.copy(), RIGHT.T), "(3, 2)", "expected (2, 3)")
    rejected(lambda: check_gradient(cubes, X.copy(), None), "None", "(2, 3)")
    rejected(
        lambda: check_projection(cubes, X.copy(), 2 * RIGHT, name="p"), "p: along a random direction", "differences say"
    )


def test_one_wrong_entry_in_a_large_array_is_found():
    x = np.random.default_rng(0).standard_normal((20, 30, 10))
    grad = 2 * x
    grad[13, 7, 5] += 1e-3
    rejected(lambda: check_gradient(lambda z: np.sum(z**2), x, grad, atol=1e-5), "1 of 6000", "(13, 7, 5)")
    grad[13, 7, 5] += 1
    rejected(lambda: check_projection(lambda z: np.sum(z**2), x, grad))


def test_a_function_that_is_nan_proves_nothing():
    rejected(lambda: check_gradient(lambda x: np.nan * np.sum(x), X.copy(), RIGHT), "not finite", "(0, 0)", "nan")
    rejected(lambda: check_projection(lambda x: np.nan * np.sum(x), X.copy(), RIGHT), "nan")


def test_the_projection_evaluates_twice_leaves_x_alone_and_takes_new_directions_from_rng():
    x, points = X.copy(), []

    def f(z):
        points.append(z.copy())
        return cubes(z)

    check_projection(f, x, RIGHT)
    assert len(points) == 2 and np.array_equal(x, X)
    assert np.linalg.norm(points[0] - points[1]) == pytest.approx(2e-6)
    check_projection(f, x, RIGHT)
    assert np.array_equal(points[2], points[0])
    check_projection(f, x, RIGHT, rng=np.random.default_rng(1))
    assert not np.allclose(points[4] - X, points[0] - X, atol=1e-9)


def test_tolerances_are_relative_and_absolute():
    compare_gradients("g", np.array([1.0]), np.array([1 + 1e-6]))
    rejected(lambda: compare_gradients("g", np.array([1.0]), np.array([1 + 1e-5])))
    compare_gradients("g", np.array([1.0]), np.array([1 + 1e-5]), rtol=1e-4)
    compare_gradients("g", np.array([5e-9]), np.array([0.0]))
    rejected(lambda: compare_gradients("g", np.array([5e-8]), np.array([0.0])))
    compare_gradients("g", np.array([5e-8]), np.array([0.0]), atol=1e-6)
    compare_gradients("g", np.zeros((0, 2)), np.zeros((0, 2)))


# -- check_layer ---------------------------------------------------------------------------------------------------

W = np.random.default_rng(1).standard_normal((3, 4))
B = np.random.default_rng(2).standard_normal(4)
Z = np.where(np.abs(X) < 0.1, 1.0, X)


def test_check_layer_passes_right_layers():
    check_layer(affine_forward, affine_backward, X, W, B)
    check_layer(relu_forward, relu_backward, Z)


def twist(position, f):
    """affine_backward with one of its gradients changed."""

    def affine_backward_with_a_mistake(dout, cache):
        gradients = list(affine_backward(dout, cache))
        gradients[position] = f(gradients[position])
        return tuple(gradients)

    return affine_backward_with_a_mistake


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize(
    "f",
    [
        lambda g: -g,
        lambda g: 1.01 * g,
        lambda g: g[None],
        lambda g: g + np.nan,
        lambda g: None,
        lambda g: g.astype(np.float32),
        lambda g: 0 * g,
    ],
    ids=["sign", "factor", "shape", "NaN", "None", "type", "zero"],
)
def test_check_layer_rejects_a_wrong_gradient_and_says_which(position, f):
    wrong = twist(position, f)
    rejected(
        lambda: check_layer(affine_forward, wrong, X, W, B),
        "affine_backward_with_a_mistake",
        f"gradient of argument {position}",
    )


def test_check_layer_wants_a_gradient_for_every_array():
    rejected(lambda: check_layer(affine_forward, lambda d, c: affine_backward(d, c)[:2], X, W, B), "2 gradients for 3")


def test_check_layer_rejects_changes_in_place():
    def forward(x):
        return np.maximum(x, 0), x

    def forward_in_place(x):
        x[x < 0] = 0
        return x.copy(), x

    def backward_spoils_dout(dout, x):
        dout[x <= 0] = 0
        return dout

    def backward_spoils_x(dout, x):
        x[x < 0] = 0
        return dout * (x > 0)

    rejected(lambda: check_layer(forward_in_place, relu_backward, Z.copy()), "argument 0 was changed in place")
    rejected(lambda: check_layer(forward, backward_spoils_dout, Z.copy()), "dout was changed in place")
    rejected(lambda: check_layer(forward, backward_spoils_x, Z.copy()), "argument 0 was changed in place")


def test_check_layer_rejects_caches_that_serve_only_once():
    def forward(x):
        return np.maximum(x, 0), {"mask": (x > 0).astype(x.dtype), "x": [x]}

    def backward_spoils_its_cache(dout, cache):
        cache["mask"] *= dout
        return cache["mask"]

    def backward_counts(dout, cache):
        cache["calls"] = cache.get("calls", 0) + 1
        return dout * cache["mask"]

    def random_backward(dout, cache):
        return dout * cache["mask"] * np.random.default_rng().uniform()

    rejected(lambda: check_layer(forward, backward_spoils_its_cache, Z), "cache was changed in place")
    rejected(lambda: check_layer(forward, backward_counts, Z), "cache was changed in place")
    buffer = np.zeros_like(Z)

    def backward_adds_up_in_its_own_buffer(dout, cache):
        buffer[...] += dout * cache["mask"]
        return buffer

    rejected(lambda: check_layer(forward, random_backward, Z), "second call", "another gradient")
    rejected(lambda: check_layer(forward, backward_adds_up_in_its_own_buffer, Z), "second call", "another gradient")


def test_check_layer_hands_every_evaluation_its_own_dictionary_and_guards_the_arrays_in_it():
    def forward(x, options):
        options["calls"] = options.get("calls", 0) + 1
        return options["calls"] * x, x

    def forward_in_place(x, options):
        options["scale"] *= 2
        return x * 1.0, x

    check_layer(forward, lambda dout, x: dout, X, {})
    rejected(
        lambda: check_layer(forward_in_place, lambda dout, x: dout, X, {"scale": np.ones(2)}),
        "argument 1 was changed in place",
    )


def test_check_layer_draws_dout_at_random():
    # Wrong for every dout but a constant one.
    rejected(lambda: check_layer(lambda x: (2 * x, None), lambda dout, _: np.full_like(dout, 2 * dout.mean()), X))


def test_a_list_of_gradients_is_as_good_as_a_tuple():
    check_layer(affine_forward, lambda dout, cache: list(affine_backward(dout, cache)), X, W, B)


def test_dout_and_the_direction_differ_from_what_everyone_draws_with_seed_0():
    seen = []
    x = np.random.default_rng(0).standard_normal((3, 4))
    check_layer(lambda x: (x + 0, None), lambda dout, _: seen.append(dout) or dout, x)
    check_projection(lambda z: seen.append(z - x) or np.sum(z**2), x, 2 * x)
    for drawn in seen:
        assert abs(np.corrcoef(drawn.ravel(), x.ravel())[0, 1]) < 0.9
