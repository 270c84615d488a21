"""What runs in the child process: calls a student's functions on given inputs, and records what they return.

Nothing here knows the right answers. Each case of an exercise gives an outcome, a dictionary:

- "outputs": {name: array}, as far as the functions got;
- "kinds": {name: what was returned instead of an array};
- "raised": None, or {"type", "message", "line", "function"};
- "changed": {name of an input that has changed: the function after whose call it was first different}.
"""

import faulthandler
import functools
import importlib
import traceback
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..._language import in_language, marked
from ..._language import translated as _
from ...todo import Todo
from ..exercises.catalogue import ROOT
from ..exercises.registry import ReturnError
from .comparing import alike
from .given import REMEMBERED, decoys, refusing
from .packing import copied, pack, same, unpack
from .texts import exception_name, exception_text

# Entries of one output, and of all outputs of an exercise. The right ones have an eighth of it at most: what is larger
# is wrong, and nobody reads it.
MOST_OF_ONE, MOST_OF_ALL = 100_000, 1_000_000
# Files that tell the parent where we are; the first names the exercise file that is being imported.
STARTED, IMPORTED, WHERE = "started", "imported", "where"


class Outputs(dict):
    """Collects what a function returns, and raises ReturnError where that is not what was promised."""

    def __init__(self):
        super().__init__()
        self.kinds = {}

    def take(self, function, value, *names):
        """Keep the values a function returned under these names; "_" is kept for the caller only. Returns them."""
        values = self.checked(function, value, *names)
        for name, one in zip(names, (values,) if len(names) == 1 else values):
            if name != "_":
                self._keep(name, one)
        return values

    def checked(self, function, value, *names):
        """The values a function returned, and nothing kept; ReturnError unless they are as many as the names."""
        values = (value,) if len(names) == 1 else value
        wanted = f"({', '.join('cache' if name == '_' else name for name in names)})" if len(names) > 1 else names[0]
        if value is None:
            raise ReturnError(
                _(
                    "{function} returned None instead of {wanted}; does it end in a return?",
                    function=function,
                    wanted=wanted,
                )
            )
        if len(names) > 1 and (not isinstance(value, tuple | list) or len(value) != len(names)):
            several = isinstance(value, tuple | list)
            got = _("{count} values", count=len(value)) if several else _("one value, {kind}", kind=_kind(value))
            raise ReturnError(
                _("{function} returned {got}; {wanted} was expected", function=function, got=got, wanted=wanted)
            )
        return values[0] if len(names) == 1 else values

    def _keep(self, name, value):
        if isinstance(value, int | np.integer):  # a loss is a number, and 0 is one
            value = float(value)
        if type(value) is not np.ndarray and not isinstance(value, float | np.number):
            self.kinds[name] = _kind(value)
        if value is None:
            return
        try:
            array = np.asarray(value)
        except (ValueError, TypeError):  # a list or tuple of all sorts of things
            return
        if type(array) is not np.ndarray or array.dtype.kind not in "fiub":
            self.kinds[name] = _kind(value)
        elif array.size > MOST_OF_ONE:
            words = _("an array of {dtype} with the shape {shape}", dtype=array.dtype, shape=array.shape)
            self.kinds[name] = _("{array}, far too large", array=words)[:500]
        else:
            self[name] = array.copy()


def run_case(exercise, inputs, namespace, *, careful=True):
    """The outcome of one case: see the module's docstring.

    Parameters
    ----------
    exercise : Exercise
    inputs : dict
    namespace : dict
        The student's functions by name.
    careful : bool
        Run it before with calls of other inputs in between: what depends on them was remembered. They come first, so
        that what a function remembers is wrong.
    """
    with in_language("en"):  # known mistakes are compared by these words, too
        return _run_carefully(exercise, inputs, namespace, careful)


def _run_carefully(exercise, inputs, namespace, careful):
    disturbed = _run_once(exercise, inputs, namespace, between=True)[0] if careful else None
    outcome, functions = _run_once(exercise, inputs, namespace)  # what the first run has imported is refused, too
    if disturbed and outcome["raised"] is None:
        if disturbed["raised"] and disturbed["raised"]["type"] == "ReturnError":
            return disturbed
        if not alike(outcome, disturbed) and alike(outcome, _run_once(exercise, inputs, namespace)[0]):
            words = _(REMEMBERED, function=functions.latest, first=exercise.functions[0])
            outcome["raised"] = {"type": "ReturnError", "message": words, "line": None, "function": None}
    return outcome


def _run_once(exercise, inputs, namespace, between=False):
    """The outcome of a case, and the functions that it called; with calls of other inputs in between on request."""
    given, outputs, raised, changed = copied(inputs), Outputs(), None, {}

    def compare(function):
        for name in inputs:
            if name not in (*changed, *exercise.may_change) and not same(inputs[name], given[name]):
                changed[name] = function

    functions = _Functions(exercise, namespace, compare, between)
    try:
        with np.errstate(all="ignore"):
            exercise.run(functions, given, outputs)
    except Todo as error:
        raised = {"type": "Todo", "message": exception_text(error)[:500], "line": None, "function": None}
    except ReturnError as error:
        raised = {"type": "ReturnError", "message": str(error), "line": None, "function": None}
    except BaseException as error:
        raised = _described(error)
    if functions.refused:
        raised = {"type": "ReturnError", "message": functions.refused[0], "line": None, "function": None}
    compare(functions.latest)  # parameters of a network are put into the inputs afterwards
    return {"outputs": dict(outputs), "kinds": outputs.kinds, "raised": raised, "changed": changed}, functions


class _Functions:
    """A student's functions by name; after each call the inputs are compared with what they were."""

    def __init__(self, exercise, namespace, compare, between):
        self.latest, self.refused = "", []
        self._exercise, self._compare = exercise, compare
        from ..exercises.catalogue import exercise_files

        self._own = {f"pixelgrad.{file[:-3].replace('/', '.')}" for file in exercise_files()}
        self._earlier = {} if between else None
        for name, function in namespace.items():
            setattr(self, name, self._watched(name, function))

    def _watched(self, name, function):
        @functools.wraps(function)
        def call(*args, **kwargs):
            self.latest = name
            if self._earlier is not None:
                state = np.random.get_state()  # noqa: NPY002
                self._earlier[name] = function, decoys(copied((args, kwargs)))
                for other, (earlier, decoy) in self._earlier.items():
                    with suppress(Exception), refusing(self._exercise, other, self._own):
                        earlier(*copied(decoy[0]), **copied(decoy[1]))
                np.random.set_state(state)  # noqa: NPY002
            try:
                with refusing(self._exercise, name, self._own) as refused:
                    return function(*args, **kwargs)
            finally:
                self.refused += refused
                self._compare(name)

        return call


def student_functions(exercise):
    """The functions of an exercise, from the installed package."""
    namespace = {}
    for name in exercise.functions:
        module = importlib.import_module("pixelgrad." + exercise.file(name)[:-3].replace("/", "."))
        namespace[name] = getattr(module, name)
    return namespace


def main(job, results, seconds):
    """Import the exercises of a job file and run them; write an outcome file for each as soon as it is done.

    Whatever takes nearly `seconds` has its place in the program written to the file WHERE.
    """
    from ..exercises.catalogue import EXERCISES
    from .importing import import_files, not_imported

    results = Path(results)
    with np.load(job, allow_pickle=False) as f:
        job = unpack(f)
    wanted, where = job["inputs"], open(results / WHERE, "w")
    files = dict.fromkeys(file for name in wanted for file in EXERCISES[name].files.values())
    if any(not file.startswith("layers/") for file in files):
        # These take longest to import, on a cold disk very long: a student's file must not be blamed for them.
        for module in ("scipy.stats", "h5py", "PIL.Image", "tqdm"):
            importlib.import_module(module)
    (results / STARTED).touch()  # from here on it is the student's time
    _watch(where, seconds)
    failures = import_files(files, job["stopped"], (results / STARTED).write_text)
    (results / IMPORTED).touch()
    for name, cases in wanted.items():
        _watch(where, seconds)
        exercise, outcomes = EXERCISES[name], {}
        failed = [failures[file] for file in exercise.files.values() if file in failures]
        if failed:
            outcomes = not_imported(cases, *failed[0])
        else:
            namespace = student_functions(exercise)
            for case, inputs in cases.items():
                outcomes[case] = run_case(exercise, inputs, namespace)
        try:
            _write(results / f"{name}.npz", outcomes)
        except (OSError, MemoryError, ReturnError) as error:  # larger than a file may be, most of the time
            _write(results / f"{name}.npz", _not_kept(outcomes, error))


def _write(target, outcomes):
    if sum(array.size for outcome in outcomes.values() for array in outcome["outputs"].values()) > MOST_OF_ALL:
        raise ReturnError("too large")
    with open(target.with_suffix(".part"), "wb") as f:
        np.savez(f, **pack(outcomes))
    target.with_suffix(".part").replace(target)


def _not_kept(outcomes, error):
    """Outcomes without their arrays, which say why these are not there."""
    arrays = [array for outcome in outcomes.values() for array in outcome["outputs"].values()]
    size = sum(array.size for array in arrays)
    reason = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
    words = _(
        "what the functions return has {size} entries in all, too much to be kept{reason}",
        size=f"{size:,}",
        reason=reason,
    )
    raised = {"type": "ReturnError", "message": words, "line": None, "function": None}
    return {case: {"outputs": {}, "kinds": {}, "raised": raised, "changed": {}} for case in outcomes}


def _watch(where, seconds):
    """Have the place in the program recorded shortly before the parent's time limit, and again while it is patient."""
    with suppress(OSError, ValueError, RuntimeError):  # a student's code may have closed the file
        where.seek(0)
        where.truncate()
        faulthandler.dump_traceback_later(0.9 * seconds, repeat=True, file=where)


def _described(error):
    """An exception as text, with the last line of it that lies in an exercise file; else, that is not ours."""
    from ..exercises.catalogue import exercise_files

    calls = [*traceback.walk_tb(error.__traceback__)]
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if Path(frame.filename).as_posix().endswith(tuple(exercise_files()))]
    others = [frame for frame in frames if "coursework" not in Path(frame.filename).parts[-3:-1]]
    frame = next(iter([*reversed(theirs), *reversed(others)]), None)
    if isinstance(error, SyntaxError):
        place = {"line": error.lineno, "function": Path(error.filename or "").name}
    else:
        place = {"line": frame and frame.lineno, "function": frame and f"{frame.name} ({Path(frame.filename).name})"}
    words = exception_text(error)
    if theirs and not isinstance(error, SyntaxError):
        called = max(k for k, one in enumerate(frames) if one is theirs[-1]) + 1
        if called < len(frames):
            words = f"{_what_was_given(calls[called][0], frames[called])}{words}"
    return {"type": exception_name(error), "message": words[:500], **place}


def _what_was_given(frame, summary):
    """Words about the arrays that one of our functions was given, in which the error was raised; empty for others."""
    if not Path(summary.filename).is_relative_to(ROOT):
        return ""
    code = frame.f_code
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    given = [f"{name} {value.shape}" for name in names if isinstance(value := frame.f_locals.get(name), np.ndarray)]
    words = marked("(in {function}, which was given {arrays})")
    return words.format(function=summary.name, arrays=", ".join(given)) + " " if given else ""


def _kind(value):
    if type(value) is np.ndarray:
        return _("an array of {dtype}", dtype=value.dtype)
    name = type(value).__name__
    return "None" if value is None else _("a {kind}", kind=f"numpy.{name}" if isinstance(value, np.ndarray) else name)
