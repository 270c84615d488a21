"""The import of the exercise files in the child process: once, before any exercise runs, and which file is at fault.

One file that cannot be imported keeps its whole package from being imported, and so exercises in other files. They are
not wrong: they wait for that file.
"""

import importlib
import sys
import traceback
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path

from ..exercises.catalogue import ROOT, exercise_files

NOT_IMPORTED = "not imported"  # in the place of an exception's type: the message names the file, and what is wrong
CANNOT = ": cannot be imported: "  # between a file and what is wrong with it


def import_homes(homes, stopped, begins):
    """Import exercise files, and say of those that cannot be imported why.

    Parameters
    ----------
    homes : collection of str
        From the project's root: layers/basic.py.
    stopped : dict of str to str
        Files at whose import an earlier process came to its end, and how: nobody tries them again.
    begins : callable (home)
        Told before anything is done with an exercise file: it may be the last that we do.

    Returns
    -------
    dict of str to (str, str)
        For each of `homes` that cannot be imported: the file at fault, and what is wrong with it.
    """
    known = dict(stopped)
    for home in exercise_files():  # all syntax errors are found, not only the first
        begins(home)
        try:
            compile((ROOT / home).read_bytes(), str(ROOT / home), "exec")
        except Exception as error:
            known[home] = _said(error, getattr(error, "lineno", None))
    sys.meta_path.insert(0, onlooker := _Onlooker(known, begins))
    failures, tried = {}, {}
    for home in homes:
        # Where the package cannot be imported it is needless to try each of its files.
        for module in (_module(home).rpartition(".")[0], _module(home)):
            if module not in tried:
                tried[module] = _failure(module, known)
            if home not in failures and tried[module]:
                failures[home] = (home, known[home]) if home in known else tried[module]
    with suppress(ValueError):  # a student's file may have emptied the list
        sys.meta_path.remove(onlooker)
    return failures


def not_imported(cases, file, words):
    """The outcomes of an exercise that cannot be called, since this file cannot be imported."""
    raised = {"type": NOT_IMPORTED, "message": f"{file}: {words}"[:500], "line": None, "function": None}
    return {case: {"outputs": {}, "kinds": {}, "raised": raised, "changed": {}} for case in cases}


def import_fault(outcomes):
    """The file that kept an exercise from being called, and what is wrong with it; None if it was called."""
    for outcome in outcomes.values() if isinstance(outcomes, dict) else ():
        if outcome["raised"] and outcome["raised"]["type"] == NOT_IMPORTED:
            file, _, words = outcome["raised"]["message"].partition(": ")
            return file, words
    return None


def _failure(module, known):
    """Import a module; the file at fault and what is wrong with it, or None. What is `known` is said as it was."""
    try:
        importlib.import_module(module)
    except BaseException as error:  # whatever a student's file raises
        file, words = _fault(error)
        return file, known.setdefault(file, words)
    return None


class _Onlooker:
    """Tells which exercise file is running while modules are imported, and refuses those known to fail.

    A second try would run a file again; and in a half-imported package it may meet another error, not the cause.
    """

    def __init__(self, refused, begins):
        self.refused, self.begins, self.running = refused, begins, ""
        self.homes = {_module(home): home for home in exercise_files()}

    def find_spec(self, name, path=None, target=None):
        """What the ordinary finder says, but the loader runs the module under our eyes; None for all other modules."""
        home = self.homes.get(name)
        if home in self.refused:
            raise ImportError(self.refused[home], path=str(ROOT / home))
        spec = home and PathFinder.find_spec(name, path, target)
        if not spec:
            return None
        execute = spec.loader.exec_module

        def exec_module(module):
            outer, self.running = self.running, home
            try:
                self.begins(home)
                execute(module)
            finally:  # exercise files import each other
                self.running = outer
                self.begins(outer)

        spec.loader.exec_module = exec_module
        return spec


def _module(home):
    return "pixelgrad." + home[:-3].replace("/", ".")


def _fault(error):
    """The file in which an import failed, and how: the innermost of ours whose own lines were running."""
    if isinstance(error, SyntaxError) and (file := _ours(error.filename)):
        return file, _said(error, error.lineno)
    # A file that is refused; or that lacks a name which others ask it for.
    if isinstance(error, ImportError) and (file := _ours(error.path)) in exercise_files():
        return file, _said(error)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.name == "<module>" and (file := _ours(frame.filename)):
            return file, _said(error, frame.lineno)
    return "an exercise file", _said(error)


def _ours(path):
    """A file's path from the project's root, or None where it lies elsewhere."""
    path = Path(path or "/").resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) and path != ROOT else None


def _said(error, line=None):
    """An exception in one line, without the paths of this machine."""
    words = str(error)
    if isinstance(error, SystemExit):
        words = "it ends the whole program; no exit() may stand outside of the functions"
    elif isinstance(error, ImportError):
        words = words.rsplit(" (", 1)[0]
    elif isinstance(error, SyntaxError | OSError):
        words = str(error.msg if isinstance(error, SyntaxError) else error.strerror)
    place = f" in line {line}" if line else ""
    return f"{type(error).__name__}{place}: {' '.join(words.split())}".removesuffix(": ")[:400]
