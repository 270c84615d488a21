"""The check of a layer as a whole: gradients of all arguments, and that nothing it is given changes."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from .gradient_check import SEED, GradientError, compare_gradients, eval_numerical_gradient_array, function_name


def check_layer(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *args: Any,
    rng: int | np.random.Generator | None = None,
    h: float = 1e-5,
    rtol: float = 1e-6,
    atol: float = 1e-8,
) -> None:
    """Check a forward/backward pair as a whole, with a random upstream gradient.

    Every floating-point array among the arguments must get its gradient, in order, of its own type. Also checked:
    two backward calls agree, and neither the arguments, nor dout, nor the cache's arrays are changed.

    Parameters
    ----------
    forward : callable
        ``forward(*args) -> (out, cache)``.
    backward : callable
        backward(dout, cache) -> gradient, or tuple or list of gradients.
    *args : Any
        Arguments; dictionaries are copied for each evaluation, since batch norm writes into its own.

    Raises
    ------
    GradientError

    Examples
    --------
    >>> check_layer(affine_forward, affine_backward, rng.normal(size=(3, 4)), rng.normal(size=(4, 2)), np.zeros(2))
    """
    rng = np.random.default_rng(SEED if rng is None else rng)
    positions = [i for i, a in enumerate(args) if isinstance(a, np.ndarray) and np.issubdtype(a.dtype, np.floating)]
    kept_args = copy.deepcopy(args)

    def out_of(*arguments):
        return forward(*[dict(a) if isinstance(a, dict) else a for a in arguments])

    out, cache = out_of(*args)
    dout = rng.standard_normal(out.shape)
    kept_dout, kept_cache = dout.copy(), copy.deepcopy(cache)
    # Copied at once: a backward that hands out its own buffer would change the first result along with the second.
    first, second = (copy.deepcopy(_as_tuple(backward(dout, cache))) for _ in range(2))
    name = function_name(backward)
    if len(first) != len(positions):
        raise GradientError(f"{name}: {len(first)} gradients for {len(positions)} arrays")
    if not _same(dout, kept_dout):
        raise GradientError(f"{name}: dout was changed in place")
    for i, (a, kept) in enumerate(zip(args, kept_args)):
        if not _same(a, kept):
            raise GradientError(f"{function_name(forward)} or {name}: argument {i} was changed in place")
    if not _same(cache, kept_cache):
        raise GradientError(f"{name}: the cache was changed in place")
    for a, b in zip(first, second):
        if not _same(a, b):
            raise GradientError(f"{name}: a second call with the same cache gives another gradient")
    for i, gradient in zip(positions, first):

        def f(z, i=i):
            return out_of(*args[:i], z, *args[i + 1 :])[0]

        numerical = eval_numerical_gradient_array(f, args[i].copy(), dout, h)
        compare_gradients(f"{name}: gradient of argument {i}", gradient, numerical, rtol=rtol, atol=atol)
        if (found := np.asarray(gradient).dtype) != args[i].dtype:
            raise GradientError(f"{name}: gradient of argument {i} is {found}, expected {args[i].dtype}")


def _as_tuple(gradients):
    return tuple(gradients) if isinstance(gradients, tuple | list) else (gradients,)


def _same(a, b):
    """Whether two nests of tuples, lists and dictionaries hold equal arrays; anything but arrays is ignored."""
    if isinstance(a, np.ndarray):
        return np.shape(a) == np.shape(b) and bool(np.all((a == b) | ((a != a) & (b != b))))  # NaN equals NaN
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(_same(u, v) for u, v in zip(a, b))
    return True
