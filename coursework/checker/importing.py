"""Importing the exercise files in the child process: once, before any exercise runs, and which file is at fault.

One file that cannot be imported keeps its whole package from being imported, and so exercises in other files. They are
not wrong: they wait for that file.
"""

import importlib
import re
import sys
import traceback
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path

from ..._language import marked, retranslated
from ..._language import translated as _
from ..exercises.catalogue import ROOT, exercise_files
from .texts import exception_name, exception_text, source_encoding

NOT_IMPORTED = "not imported"  # in place of an exception's type; the message names the file, and what is wrong
CANNOT = marked(": cannot be imported: ")  # between a file and what is wrong with it


def import_files(files, stopped, begins):
    """Import exercise files; return why some cannot be imported.

    Parameters
    ----------
    files : collection of str
        From the project's root: layers/basic.py.
    stopped : dict of str to str
        Files whose import ended an earlier process, and how: they are not tried again.
    begins : callable (file)
        Called before anything is done with an exercise file: it may be the last thing we do.

    Returns
    -------
    dict of str to (str, str)
        For each of `files` that cannot be imported: the file at fault, and what is wrong with it.
    """
    known = dict(stopped)
    for file in exercise_files():  # to find all syntax errors, not only the first
        begins(file)
        try:
            source = (ROOT / file).read_bytes()
            if (encoding := source_encoding(source)) not in (None, "utf-8"):
                known[file] = _saved_as(encoding)
                continue
            compile(source, str(ROOT / file), "exec")
        except Exception as error:
            known[file] = _one_line(error, getattr(error, "lineno", None))
    sys.meta_path.insert(0, onlooker := _Onlooker(known, begins))
    failures, tried = {}, {}
    for file in files:
        # Where the package cannot be imported, there is no point in trying each of its files.
        for module in (_module(file).rpartition(".")[0], _module(file)):
            if module not in tried:
                tried[module] = _failure(module, known)
            if tried[module]:
                failures[file] = (file, known[file]) if file in known else tried[module]
                break
    with suppress(ValueError):  # a student's file may have emptied the list
        sys.meta_path.remove(onlooker)
    return failures


def not_imported(cases, file, words):
    """The outcomes of an exercise that cannot be called, because this file cannot be imported."""
    raised = {"type": NOT_IMPORTED, "message": f"{file}: {words}"[:500], "line": None, "function": None}
    return {case: {"outputs": {}, "kinds": {}, "raised": raised, "changed": {}} for case in cases}


def import_fault(outcomes):
    """The file that kept an exercise from being called, and what is wrong with it; None if it was called."""
    for outcome in outcomes.values() if isinstance(outcomes, dict) else ():
        if outcome["raised"] and outcome["raised"]["type"] == NOT_IMPORTED:
            file, _, words = outcome["raised"]["message"].partition(": ")
            return retranslated(file), _retold(words)
    return None


def _failure(module, known):
    """Import a module; the file at fault and what is wrong with it, or None. Faults in `known` keep their words."""
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
        self.files = {_module(file): file for file in exercise_files()}

    def find_spec(self, name, path=None, target=None):
        """The ordinary finder's spec with a loader that reports to us; None for all other modules."""
        file = self.files.get(name)
        if file in self.refused:
            raise ImportError(self.refused[file], path=str(ROOT / file))
        spec = file and PathFinder.find_spec(name, path, target)
        if not spec:
            return None
        execute = spec.loader.exec_module

        def exec_module(module):
            outer, self.running = self.running, file
            try:
                self.begins(file)
                execute(module)
            finally:  # exercise files import each other
                self.running = outer
                self.begins(outer)

        spec.loader.exec_module = exec_module
        return spec


def _module(file):
    return "pixelgrad." + file[:-3].replace("/", ".")


def _fault(error):
    """The file in which an import failed, and how: the innermost of ours whose own lines were running."""
    if isinstance(error, SyntaxError) and (file := _ours(error.filename)):
        return file, _one_line(error, error.lineno)
    # A file that is refused; or that lacks a name which others ask it for.
    if isinstance(error, ImportError) and (file := _ours(error.path)) in exercise_files():
        return file, _one_line(error)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.name == "<module>" and (file := _ours(frame.filename)):
            return file, _one_line(error, frame.lineno)
    return _("an exercise file"), _one_line(error)


def _ours(path):
    """A file's path from the project's root, or None where it lies elsewhere."""
    path = Path(path or "/").resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) and path != ROOT else None


def _one_line(error, line=None):
    """An exception in one line, without the paths of this machine."""
    words = exception_text(error)
    if isinstance(error, SystemExit):
        words = _("it ends the whole program; do not call exit() outside the functions")
    elif isinstance(error, ImportError):
        words = words.rsplit(" (", 1)[0]
    elif isinstance(error, SyntaxError | OSError):
        words = str(error.msg if isinstance(error, SyntaxError) else error.strerror)
    place = _(" in line {line}", line=line) if line else ""
    return f"{exception_name(error)}{place}: {' '.join(words.split())}".removesuffix(": ")[:400]


def _retold(words):
    """Words of `_one_line`, or others about a file, in the language in use."""
    if parts := re.fullmatch(r"([^\s:]+)( in line \d+)?(?:: (.*))?", words, re.DOTALL):
        kind, place, what = parts.groups("")
        return f"{kind}{retranslated(place)}: {_(what)}".removesuffix(": ")  # most of the time it is not ours
    return retranslated(words)


def _saved_as(encoding):
    """Why Python does not read a file."""
    name = encoding[:6].upper()
    return _(
        "it is saved as {encoding}, which Python does not read; save it as UTF-8 (in the editor: Save with Encoding)",
        encoding=name,
    )
