"""The chapters in `notebooks/`: exercises are checked inline, and a cell whose exercise is still to do says which.

IPython tells us of every exception and of the end of every cell. So a `Todo` costs one line in place of a traceback,
and so does a name that a cell above should have made; the cells below run on. Any other exception is shown as usual.
"""

import ast
import sys
import time
from typing import Any

from ..._language import translated as _
from ...todo import Todo
from ..exercises.catalogue import EXERCISES, ROOT
from .board import board, check

_STARTED = time.time()


def start() -> None:
    """Prepare a notebook: cells that wait for an exercise say so in one line. Elsewhere this does nothing."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        _Waiting(shell)


def report(*names: str) -> None:
    """Check exercises and print the board; those that the edition does not ask for are said to be given.

    Parameters
    ----------
    *names : str
        Exercises, such as "affine".
    """
    if changed := _changed_since_import(names):
        print(_("Restart the kernel: {files} changed after it was imported here.", files=", ".join(changed)))
    asked = [name for name in names if name in EXERCISES]
    given = [name for name in names if name not in EXERCISES]
    if asked:
        verdicts, printed = check(asked)
        print(board(verdicts), *filter(None, [printed]), sep="\n")
    if given:
        print(_("Given in this edition: {exercises}.", exercises=", ".join(given)))


def _changed_since_import(names):
    """The files of exercises that the kernel has imported, and that were saved since this module was."""
    files = [file for name in names if name in EXERCISES for file in EXERCISES[name].files.values()]
    imported = [file for file in files if f"pixelgrad.{file[:-3].replace('/', '.')}" in sys.modules]
    return [file for file in dict.fromkeys(imported) if (ROOT / file).stat().st_mtime > _STARTED]


def waiting_line(exercise: str) -> str:
    """What a cell says whose exercise is still to do."""
    files = ", ".join(dict.fromkeys(EXERCISES[exercise].files.values())) if exercise in EXERCISES else ""
    if not files:
        return _("To do first: {exercise}", exercise=exercise)
    return _("To do first: {exercise} ({files}). Then restart the kernel.", exercise=exercise, files=files)


class _Waiting:
    """Which exercises cells wait for, and the names that these cells would have made."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.names: dict[str, str] = {}
        self.source = ""
        self.excused = False
        self.before: set[str] = set()
        shell.set_custom_exc((Todo, NameError), self._excuse)
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    def _begin(self, info):
        self.source, self.excused, self.before = info.raw_cell, False, set(self.shell.user_ns)

    def _excuse(self, shell, kind, error, traceback, tb_offset=None):
        """Called by IPython in place of showing a traceback."""
        if isinstance(error, Todo):
            exercise = str(error).split(":")[0]
        else:
            exercise = self.names.get(getattr(error, "name", None) or "")
        if exercise is None:
            shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)
            return
        self.excused = True
        assigned, others = _made_by(self.source)
        for name in assigned & set(shell.user_ns) - self.before:  # half-made, such as a list that a loop began to fill
            del shell.user_ns[name]
        self.names |= dict.fromkeys(assigned | others, exercise)
        if "matplotlib.pyplot" in sys.modules:  # no empty axes below the line
            sys.modules["matplotlib.pyplot"].close("all")
        print(waiting_line(exercise))

    def _end(self, result):
        if self.excused:  # the cell is done: "run all" goes on
            result.error_in_exec = None


def _made_by(source):
    """The names that a cell assigns, and those that it imports or defines."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set(), set()
    nodes = list(ast.walk(tree))
    assigned = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    others = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            others |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return assigned, others
