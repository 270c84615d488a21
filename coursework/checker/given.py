"""A solution must be a solution: what is given is refused while a student's function runs.

An exercise is not passed through the package's own kernels (in the layers track), its gradients by differences, a ready
function for the whole task (`Exercise.ready`), or what an earlier call left behind. A function is refused wherever it
was imported and under whatever name, since its code itself is exchanged for the time being.
"""

import sys
from contextlib import contextmanager
from types import FunctionType

import numpy as np

from ..._language import marked
from ..._language import translated as _
from ..exercises.registry import ReturnError

_KERNELS = ("pixelgrad.layers.fast.", "pixelgrad.layers.im2col")
_DIFFERENCES = "pixelgrad.layers.gradient_check"
_HOOKS = {"_after_fork"}  # no student calls it: Python does, in a process that was forked
_PLACE = "what refuses"
REFUSED = marked("{function} calls {given}, which is given and solves the exercise: write it yourself")
REMEMBERED = marked(
    "{function} returns something else once {first} was called with other inputs: what it needs comes "
    "from its arguments; keep nothing between calls"
)


@contextmanager
def refusing(exercise, function, own):
    """While the block runs, what solves an exercise raises ReturnError where it is called.

    Parameters
    ----------
    exercise : Exercise
    function : str
        The student's function that runs, for the message.
    own : collection of str
        Modules that hold exercises: what a student wrote is the student's.

    Yields
    ------
    list of str
        The messages of all calls that were refused, also where the error was caught.
    """
    said, kept = [], []

    def refuse(name):
        said.append(_(REFUSED, function=function, given=name))
        raise ReturnError(said[-1])

    try:
        for name, given in _given(exercise, own):
            kept.append((given, given.__code__))
            given.__code__ = _refusal(given, lambda name=name: refuse(name))
        yield said
    finally:
        for given, code in kept:
            given.__code__ = code


def _given(exercise, own):
    """Yield (name, function) of what is refused, as far as it is loaded."""
    for module in [*sys.modules]:
        kernel = exercise.track == "layers" and module.startswith(_KERNELS) and module not in own
        if kernel or module == _DIFFERENCES:
            for name, value in [*vars(sys.modules[module]).items()]:
                if isinstance(value, FunctionType) and value.__module__ == module and name not in _HOOKS:
                    yield f"{module}.{name}", value
    for full in exercise.ready:
        module, _, name = full.rpartition(".")
        value = getattr(sys.modules.get(module), name, None)
        if isinstance(value, FunctionType):
            yield full, value


def _refusal(given, refuse):
    """Code that fits into a function, and calls `refuse` in its place. A constant may be any object."""
    code = _template.__code__
    constants = tuple(refuse if one == _PLACE else one for one in code.co_consts)
    return code.replace(co_consts=constants, co_freevars=given.__code__.co_freevars)


def _template(*args, **kwargs):
    refuse = "what refuses"
    return refuse()


def decoys(arguments):
    """Arguments of the same shapes, for the same classes, with other numbers; a callback hears nothing."""
    if isinstance(arguments, dict):
        return {name: _deaf if name == "callback" else decoys(value) for name, value in arguments.items()}
    if isinstance(arguments, list | tuple):
        return type(arguments)(decoys(value) for value in arguments)
    if isinstance(arguments, np.ndarray) and arguments.dtype.kind == "f":
        return 0.5 - 0.75 * arguments[..., ::-1] if arguments.ndim else 0.5 - 0.75 * arguments
    return arguments


def _deaf(*args, **kwargs):
    """In place of a callback."""
