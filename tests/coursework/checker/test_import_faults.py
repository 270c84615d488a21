"""Files that cannot be imported: who is at fault, who waits for it, and who imports what students write."""

import subprocess
import sys

import numpy as np
import pytest

from pixelgrad.coursework.checker import runner
from pixelgrad.coursework.checker.judge import BLOCKED, PASSED, WRONG
from pixelgrad.coursework.checker.runner import command, run_exercises
from pixelgrad.coursework.exercises.catalogue import EXERCISES


def append(project, file, text):
    project.text(file, project.text(file) + text)
    return project.text(file).count("\n")


# What goes wrong when a file is imported, and the message about it.
FAULTS = [
    ("def relu_forward(x:\n    pass\n", "SyntaxError in line {before}: "),
    ("nonsense\n", "NameError in line {last}: name 'nonsense' is not defined"),
    ("del relu_forward\n", "ImportError: cannot import name 'relu_forward' from 'pixelgrad.layers.basic'"),
    ("import os; os._exit(0)\n", "it ends the whole program (exit code 0). Is there an exit() outside"),
    ("while True: pass\n", "it does not finish in time, and is at line {last}. Is there a loop outside"),
]
RARER_FAULTS = [
    (" x = 1\n", "IndentationError in line {last}: "),
    ("return 1\n", "SyntaxError in line {last}: 'return' outside function"),
    ("raise ValueError\n", "ValueError in line {last}"),
    ("check_float('me', 'x', 3)\n", "TypeError in line {last}: "),  # raised in a file that is not theirs
    ("from .checks import nonsense\n", "ImportError in line {last}: cannot import name 'nonsense' from "),
    ("import sys; sys.exit()\n", "SystemExit in line {last}: it ends the whole program; do not call exit()"),
    ("raise BaseException('no')\n", "BaseException in line {last}: no"),
    ("import ctypes; ctypes.string_at(0)\n", "it ends the whole program (signal 11)."),
    ("x = 1 + \0\n", "SyntaxError: source code string cannot contain null bytes"),
]


@pytest.mark.parametrize("text, words", FAULTS + [pytest.param(*f, marks=pytest.mark.slow) for f in RARER_FAULTS])
def test_a_file_that_cannot_be_imported_is_its_own_fault_and_others_wait_for_it(project, check, text, words):
    last = append(project.solve(*EXERCISES), "layers/basic.py", text)
    verdicts, _ = check(project, "affine", "relu", "softmax", "saliency", seconds=2)
    assert [v.status for v in verdicts.values()] == [WRONG, WRONG, BLOCKED, BLOCKED]
    words = "layers/basic.py: cannot be imported: " + words.format(last=last, before=last - 1)
    assert [v.message for v in verdicts.values()] == [verdicts["affine"].message] * 4
    message = verdicts["affine"].message
    assert message.startswith(words)
    assert message.count("\n") == 0 and str(project.path) not in message and len(message) < 500


def test_what_can_be_imported_is_run(project, check):
    """A loop in one package keeps another from nothing; nor does what ends the program there."""
    append(project.solve(*EXERCISES), "visualization/cam.py", "import os; os._exit(0)\n")
    append(project, "visualization/total_variation.py", "def f(:\n")
    verdicts, _ = check(project, "relu", "saliency", "guided", "cam", "tv")
    assert [v.status for v in verdicts.values()] == [PASSED, BLOCKED, BLOCKED, WRONG, WRONG]
    assert verdicts["cam"].message.startswith("visualization/cam.py: ") and "line" not in verdicts["cam"].message
    assert verdicts["tv"].message.startswith("visualization/total_variation.py: ")
    assert len({v.message for v in verdicts.values()}) == 3


def test_each_of_several_broken_files_is_named(project, check):
    project.solve(*EXERCISES)
    for file in ("layers/losses.py", "layers/naive.py", "visualization/cam.py"):
        append(project, file, "def f(:\n")
    (project.path / "layers" / "basic.py").unlink()
    verdicts, _ = check(project, "relu", "softmax", "conv", "cam", "batchnorm")
    waits = verdicts.pop("batchnorm")
    files = [v.message.split(": cannot be imported: ")[0] for v in verdicts.values()]
    assert files == ["layers/basic.py", "layers/losses.py", "layers/naive.py", "visualization/cam.py"]
    assert waits.status == BLOCKED and {v.status for v in verdicts.values()} == {WRONG}
    assert verdicts["relu"].message.endswith("FileNotFoundError: No such file or directory")


def test_nothing_waits_for_itself_where_what_it_needs_cannot_be_imported(project, check):
    append(project.solve(*EXERCISES), "visualization/style_transfer.py", "nonsense\n")
    verdicts, _ = check(project, "gram", "style_transfer")
    assert [v.status for v in verdicts.values()] == [BLOCKED, WRONG]
    assert verdicts["gram"].message == verdicts["style_transfer"].message


def test_another_file_of_the_project_is_nobody_s_exercise(project, check):
    last = append(project.solve(*EXERCISES), "layers/checks.py", "nonsense\n")
    verdicts, _ = check(project, "relu", "saliency")
    assert [v.status for v in verdicts.values()] == [BLOCKED, BLOCKED]
    assert verdicts["relu"].message.startswith(f"layers/checks.py: cannot be imported: NameError in line {last}: ")


@pytest.mark.slow
def test_a_loop_costs_its_time_once(project, check, monkeypatch):
    project.solve(*EXERCISES)
    append(project, "layers/losses.py", "while True: pass\n")
    children = []
    monkeypatch.setattr(runner, "command", lambda *of: children.append(of) or command(*of))
    verdicts, _ = check(project, seconds=3)
    assert len(children) == 2 and {v.status for v in verdicts.values()} == {WRONG, BLOCKED}
    assert [name for name, v in verdicts.items() if v.status == WRONG] == ["softmax", "svm"]


@pytest.mark.slow
def test_who_calls_at_import_what_never_ends_is_at_fault(project, check):
    append(project.solve(*EXERCISES), "layers/basic.py", "def relu_forward(x):\n    while True:\n        pass\n")
    last = append(project, "layers/losses.py", "from .basic import relu_forward\nrelu_forward(1)\n")
    verdicts, _ = check(project, "affine", "softmax", seconds=2)
    assert [v.status for v in verdicts.values()] == [BLOCKED, WRONG]
    assert f"layers/losses.py: cannot be imported: it does not finish in time, and is at line {last}." in (
        verdicts["softmax"].message
    )


def test_who_empties_the_finders_keeps_the_others_from_nothing(project, check):
    append(project.solve(*EXERCISES), "layers/losses.py", "import sys\nsys.meta_path = list(sys.meta_path)\n")
    append(project, "layers/losses.py", "sys.meta_path.pop(0)\n")
    verdicts, _ = check(project, "affine", "softmax")
    assert [v.status for v in verdicts.values()] == [PASSED, PASSED]


@pytest.mark.slow
def test_the_parent_never_imports_what_students_write(project):
    """Neither to check nor to list, to reset or to give a hint."""
    project.text("layers/basic.py", "raise SystemExit('imported')\n")
    code = (
        "import sys\nfrom pixelgrad.cli import main\ncodes = [main(a.split()) for a in sys.argv[1:]]\n"
        "print(codes, [m for m in sys.modules if m.startswith(('pixelgrad.layers', 'pixelgrad.vis'))])"
    )
    arguments = ["check relu tv", "check --list", "check --hint relu", "reset relu"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=project.path, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[1, 0, 1, 0] []", done.stdout + done.stderr


def test_only_the_child_imports_them(edition):
    """The children get another project than the tests do."""
    inputs = {"relu": {"plain": {"x": np.ones((1, 2)), "dout": np.ones((1, 2)), "options": {}}}}
    assert run_exercises(inputs, root=edition.path).outcomes["relu"]["plain"]["raised"]["type"] == "Todo"
    assert run_exercises(inputs).outcomes["relu"]["plain"]["raised"] is None
