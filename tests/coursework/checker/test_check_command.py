"""The student's commands: check, hint, list, watch, reset, submit."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile

import numpy as np
import pytest

from pixelgrad.cli import check, main
from pixelgrad.coursework.checker import board, student
from pixelgrad.coursework.checker.comparing import alike
from pixelgrad.coursework.checker.hints import next_hint
from pixelgrad.coursework.checker.packing import same
from pixelgrad.coursework.checker.runner import run_exercises
from pixelgrad.coursework.checker.store import ANSWERS, read_answers
from pixelgrad.coursework.checker.student import reset_exercise, write_submission
from pixelgrad.coursework.exercises.catalogue import EXERCISES, exercise_files
from pixelgrad.coursework.instructor.answers import make_answers
from pixelgrad.coursework.instructor.make import edition_texts

has_answers = pytest.mark.skipif(not ANSWERS.is_file(), reason="`pixelgrad coursework answers` writes answers.h5")


# -- check -------------------------------------------------------------------------------------------------------------


@has_answers
def test_the_solutions_pass(capsys):
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert out.count("✓ passed") == len(EXERCISES) and out.endswith("Everything passes.\n")


@has_answers
def test_of_one_exercise_no_other_is_run(monkeypatch):
    asked = []
    monkeypatch.setattr(
        board, "run_exercises", lambda inputs, **how: asked.extend(inputs) or run_exercises(inputs, **how)
    )
    assert main(["check", "relu"]) == 0 and asked == ["relu"]


def test_json_has_exactly_what_is_promised(project):
    project.solve("affine")
    text = project.text("layers/basic.py").replace("return dx, dw, db", "return dx, dw, -db")
    project.text("layers/basic.py", text)
    done = project.run("check", "affine", "relu", "style", "--json", check=1)
    report = json.loads(done.stdout)
    assert list(report) == ["exercises", "points", "max_points"]
    keys = ["id", "status", "points", "max_points", "mistake", "message", "stages"]
    assert all(list(one) == keys for one in report["exercises"])
    assert [(one["id"], one["status"]) for one in report["exercises"]] == [
        ("affine", "wrong"),
        ("relu", "todo"),
        ("style", "todo"),
    ]
    assert (report["points"], report["max_points"]) == (
        0,
        sum(EXERCISES[n].points for n in ("affine", "relu", "style")),
    )
    affine, relu, _ = report["exercises"]
    assert affine["stages"] == [{"id": "core", "status": "wrong", "points": 0, "max_points": 5}]
    assert [(stage["id"], stage["status"]) for stage in relu["stages"]] == [
        ("core", "todo"),
        ("zero", "open"),
        ("rules", "open"),
    ]
    assert relu["mistake"] is None and relu["message"] == "relu: relu_forward" and "db" in affine["message"]


def test_exit_codes(project):
    out = project.solve("relu", "style").run("check", "relu", "--hint", check=0).stdout
    assert "All right; `pixelgrad check` shows what is left." in out and "No hint is needed." in out
    assert "waits for gram" in project.run("check", "style", check=1).stdout


@pytest.mark.parametrize("command", [["check"], ["check", "--list"], ["reset"]])
def test_an_unknown_exercise_is_misuse_and_the_list_is_shown(capsys, command):
    assert main([*command, "gelu"]) == 2
    shown, words = capsys.readouterr(), "there is no exercise 'gelu'; the exercises are affine, relu, softmax"
    assert shown.err.startswith(f"pixelgrad {command[0]}: {words}")
    assert shown.err.endswith(", style_transfer. Did you mean relu?\n")
    assert shown.err.count("\n") == 1 and shown.out == ""
    assert main([*command, "zzz"]) == 2 and "mean" not in capsys.readouterr().err


def test_the_board_says_what_is_next(project):
    out = project.run("check", "affine", "tv", check=1).stdout
    points = EXERCISES["affine"].points + EXERCISES["tv"].points
    assert out.index("Layers") < out.index("· to do    affine") < out.index("Seeing") < out.index("· to do    tv")
    assert out.endswith(
        f"0 of {points} points. Next: write affine (layers/basic.py); `pixelgrad check affine --hint` helps.\n"
    )
    project.solve("affine")
    project.text("visualization/total_variation.py", project.text("visualization/total_variation.py") + "\n1 / 0\n")
    out = project.run("check", "affine", "tv", check=1).stdout
    assert "✓ passed   affine" in out and "✗ wrong    tv" in out and "Next: fix tv" in out
    assert "visualization/total_variation.py: cannot be imported: ZeroDivisionError in line " in out
    project.text("layers/basic.py", "def f(:\n")
    out = project.run("check", "affine", "relu", "softmax", check=1).stdout
    assert out.count("layers/basic.py: cannot be imported: SyntaxError in line 1") == 1 and out.count("as above") == 1
    assert "waits for layers/basic.py\n" in out
    out = project.run("check", "softmax", "svm", check=1).stdout  # no exercise of that file is shown
    assert out.count("waits for layers/basic.py: cannot be imported: SyntaxError in line 1") == 1
    assert out.count("waits for layers/basic.py\n") == 1


def test_the_board_says_what_is_right_so_far(project):
    text = project.solve("affine").text("layers/basic.py")
    start = text.index("    dx = (dout @ w.T)")
    end = text.index("    return dx, dw, db")
    project.text("layers/basic.py", text[:start] + '    raise Todo("affine: affine_backward")\n' + text[end:])
    if "import Todo" not in text:
        project.text(
            "layers/basic.py",
            project.text("layers/basic.py").replace("import numpy", "from pixelgrad.todo import Todo\nimport numpy"),
        )
    out = project.run("check", "affine", check=1).stdout
    assert (
        "· to do    affine" in out and "      affine_forward is right so far; affine_backward is still to do.\n" in out
    )


def test_what_was_printed_is_shown(project):
    project.text("layers/basic.py", project.text("layers/basic.py") + "\nprint('hello')\n")
    assert "Your code printed:\nhello" in project.run("check", "relu").stdout
    json.loads(project.run("check", "relu", "--json").stdout)


def test_a_console_of_another_encoding_gets_what_it_can_show(edition):
    done = edition.run("check", "relu", env={"PYTHONIOENCODING": "ascii"}, check=1)
    assert "? to do    relu" in done.stdout


def test_the_list_runs_nothing(project):
    project.text("layers/naive.py", "raise SystemExit")
    lines = project.run("check", "--list", check=0).stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(EXERCISES)
    assert all(f"{e.points:3d} points (core " in line and e.title in line for e, line in zip(EXERCISES.values(), lines))
    (line,) = project.run("check", "conv", "--list", check=0).stdout.splitlines()
    assert line.endswith("[layers/naive.py]")


@pytest.mark.slow
def test_watching_checks_again_at_each_save(project):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pixelgrad", "check", "relu", "--watch"]
    options = {"cwd": project.path, "env": environment, "stdout": subprocess.PIPE, "text": True}
    if os.name != "nt":  # where the tests run in the background, Ctrl-C is ignored, and by their children, too
        options["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, **options) as watcher:
        patience = threading.Timer(200, watcher.kill)
        patience.start()
        try:
            shown = iter(watcher.stdout.readline, "")
            assert any("Next: write relu" in line for line in shown)
            project.solve("relu")
            assert any("All right; `pixelgrad check` shows what is left." in line for line in shown)
            project.solve()
            assert any("Next: write relu" in line for line in shown)
            watcher.send_signal(signal.SIGINT)
            assert watcher.wait(60) == 130
        finally:
            patience.cancel()
            watcher.kill()


def test_what_is_saved_during_a_check_is_checked_again(monkeypatch):
    saved, checks = [0], []

    def check_once(args):
        checks.append(args)
        saved[0] += len(checks) < 3  # a student who saves during the first two checks

    def wait(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "_saved", lambda names: list(saved))
    monkeypatch.setattr(check, "_check_once", check_once)
    monkeypatch.setattr(time, "sleep", wait)
    assert main(["check", "relu", "--watch"]) == 130 and len(checks) == 3


# -- hints -------------------------------------------------------------------------------------------------------------


def test_hints_come_one_by_one_and_then_all(project):
    hints, reading = EXERCISES["tv"].hints, EXERCISES["tv"].reading
    assert project.run("check", "tv", "--hint").stdout.endswith(f"\nHint 1 of 3 to tv: {hints[0]}\n")
    for number in (2, 3):
        assert next_hint("tv", root=project.path) == f"Hint {number} of 3 to tv: {hints[number - 1]}"
    for _ in range(2):
        out = next_hint("tv", root=project.path)
        assert all(hint in out for hint in hints) and out.endswith(f"These are all. Read: {reading}")
    assert next_hint("relu", root=project.path).startswith("Hint 1 of 3 to relu")


@pytest.mark.parametrize("kept", ["[1, 2]", "nonsense", '{"tv": "many"}', '{"tv": [1]}', '{"tv": -4}', "\x00\xff", "7"])
def test_a_damaged_count_begins_anew(tmp_path, kept):
    (tmp_path / ".pixelgrad-hints.json").write_text(kept, encoding="latin-1")
    assert [next_hint("tv", root=tmp_path).split(" to ")[0] for _ in range(2)] == ["Hint 1 of 3", "Hint 2 of 3"]


# -- reset -------------------------------------------------------------------------------------------------------------


def test_reset_takes_back_one_exercise_and_keeps_a_copy(project):
    stub = project.text("layers/basic.py")
    project.solve("affine", "relu", "dropout")
    mine = project.text("layers/basic.py") + "\n\ndef mine():\n    return 'ö\x0c'\n"
    project.text("layers/basic.py", mine)
    done = project.run("reset", "relu", check=0)
    assert (
        done.stdout == "layers/basic.py: relu has its stubs back, the rest is as it was; "
        f"what was there before is in {kept_name('layers/basic.py', 1)}\n"
    )
    assert project.text(kept_name("layers/basic.py", 1)) == mine
    expected = project.solve("affine", "dropout").text("layers/basic.py")
    reset_exercise("relu", root=project.path)
    assert project.text("layers/basic.py") == expected  # nothing to take back
    project.text("layers/basic.py", mine)
    reset_exercise("relu", root=project.path)
    assert project.text("layers/basic.py") == expected + "\n\ndef mine():\n    return 'ö\x0c'\n"
    for name in ("affine", "dropout"):
        reset_exercise(name, root=project.path)
    assert project.text("layers/basic.py") == stub + "\n\ndef mine():\n    return 'ö\x0c'\n"
    assert len(list((project.path / "layers").glob("basic.py.mine-*"))) == 4


def kept_name(file, number):
    return str(os.path.join(*f"{file}.mine-{number}".split("/")))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_reset_leaves_the_other_exercises_in_a_file_of_another_encoding(project, encoding):
    path = project.path / "layers" / "basic.py"
    mine = project.solve("affine", "relu").text("layers/basic.py")
    path.write_bytes(mine.replace("\n", "\r\n").encode(encoding))
    reset_exercise("relu", root=project.path)
    assert (project.path / kept_name("layers/basic.py", 1)).read_bytes() == mine.replace("\n", "\r\n").encode(encoding)
    assert project.text("layers/basic.py") == project.solve("affine").text("layers/basic.py")


@pytest.mark.slow
def test_every_exercise_can_be_reset(project):
    for name, exercise in EXERCISES.items():
        project.solve(*EXERCISES)
        reset_exercise(name, root=project.path)
        expected = edition_texts([name])
        for file in exercise.files.values():
            assert ast_of(project.text(file)) == ast_of(expected[file]), name


def ast_of(text):
    return ast.dump(ast.parse(text))


@pytest.mark.parametrize("damage", [b"def relu_forward(:\n", b"\xff\xfe\x00", b"", b"x = 1\n", None])
def test_reset_works_whatever_is_there(project, damage):
    stub, path = project.text("layers/basic.py"), project.path / "layers" / "basic.py"
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    reset_exercise("relu", root=project.path)
    assert project.text("layers/basic.py") == stub
    assert (project.path / kept_name("layers/basic.py", 1)).read_bytes() == (damage or b"")


def test_reset_says_what_still_keeps_the_file_from_being_imported(project):
    text = project.text("layers/basic.py") + "\nnonsense\n"
    project.text("layers/basic.py", text)
    out = project.run("reset", "relu", check=0).stdout
    lines = text.count("\n")
    assert f"\nBut layers/basic.py still cannot be imported: NameError in line {lines}: name 'nonsense' is not" in out
    assert out.endswith("\nFix that, or restore the whole file: copy coursework/stubs/layers/basic.py.txt over it\n")
    shutil.copy(project.path / "coursework" / "stubs" / "layers" / "basic.py.txt", project.path / "layers" / "basic.py")
    assert "But" not in project.run("reset", "relu", check=0).stdout
    project.text("layers/checks.py", "nonsense\n")
    assert "But layers/checks.py still cannot" in (out := project.run("reset", "relu").stdout)
    assert out.endswith("\nFix that\n")


def test_a_copy_is_kept_byte_by_byte(project):
    mine = project.text("layers/basic.py").replace("\n", "\r\n").encode() + b"# \xff\r\n"
    (project.path / "layers" / "basic.py").write_bytes(mine)
    reset_exercise("relu", root=project.path)
    assert (project.path / kept_name("layers/basic.py", 1)).read_bytes() == mine


def test_the_master_has_no_stubs_to_go_back_to(capsys):
    assert main(["reset", "relu"]) == 2
    assert "only a student edition" in capsys.readouterr().err


# -- submit ------------------------------------------------------------------------------------------------------------


def test_a_submission_holds_exactly_the_exercise_files_and_a_report(project):
    project.solve("relu")
    (project.path / "layers" / "notes.txt").write_text("mine")
    os.utime(project.path / "layers" / "basic.py", (0, 0))  # older than zip files can say
    done = project.run("submit", check=0)
    points = EXERCISES["relu"].points
    assert done.stdout.startswith(f"submission.zip: the exercises' files and a report; {points} of ")
    with zipfile.ZipFile(project.path / "submission.zip") as archive:
        assert archive.namelist() == [*exercise_files(), "report.json"]
        for file in exercise_files():
            assert archive.read(file) == (project.path / file).read_bytes()
        report = json.loads(archive.read("report.json"))
    assert list(report) == ["made", "exercises", "points", "max_points"] and report["points"] == points


def test_a_submission_is_not_overwritten_unasked(project, tmp_path, monkeypatch):
    path = tmp_path / "mine.zip"
    path.write_text("mine")
    monkeypatch.setattr(student, "check", None)  # it is said before the long check
    with pytest.raises(FileExistsError, match="exists already"):
        write_submission(path, root=project.path)
    assert path.read_text() == "mine"


def test_the_master_has_nothing_to_hand_in(tmp_path, capsys):
    """Its exercise files hold the solutions."""
    assert main(["submit", "--out", str(tmp_path / "x.zip")]) == 2
    error = capsys.readouterr().err
    assert "only a student edition has something to hand in" in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


# -- the file of answers -----------------------------------------------------------------------------------------------


@has_answers
def test_answers_are_there_for_every_exercise():
    kept = read_answers()
    assert set(kept) == set(EXERCISES)
    for name in ("relu", "saliency"):
        new = make_answers([name], mistakes=False)[name].inputs
        assert same(structure(kept[name].inputs), structure(new))
        # Some are scores of a network, which another processor rounds differently.
        for one, other in zip(arrays_of(kept[name].inputs), arrays_of(new), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@has_answers
@pytest.mark.slow
@pytest.mark.parametrize("name", EXERCISES)
def test_answers_are_those_of_the_solutions(name):
    kept, new = read_answers([name])[name], make_answers([name])[name]
    assert kept.inputs.keys() == new.inputs.keys() and same(structure(kept.inputs), structure(new.inputs))
    assert all(alike(new.right[case], kept.right[case]) for case in new.right)
    assert [(m.name, m.hint) for m in kept.mistakes] == [(m.name, m.hint) for m in new.mistakes]
    for one, other in zip(kept.mistakes, new.mistakes):
        assert type(one.outcomes) is type(other.outcomes)


def structure(tree):
    """The tree with shapes in the place of arrays."""
    if isinstance(tree, dict):
        return {name: structure(value) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [structure(value) for value in tree]
    return list(tree.shape) if hasattr(tree, "shape") else tree


def arrays_of(tree):
    """All arrays in the tree, in one order."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        return [array for value in tree for array in arrays_of(value)]
    return [tree] if hasattr(tree, "shape") else []


def test_missing_answers_are_said_in_one_line(project):
    (project.path / "coursework" / "checker" / "answers.h5").unlink()
    done = project.run("check", "relu", check=2)
    assert "answers.h5 is missing" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [["check"], ["reset", "relu"], ["submit"]])
def test_another_edition_in_this_folder_is_not_mistaken_for_ours(command, project, monkeypatch, capsys):
    from pixelgrad.cli import main

    monkeypatch.chdir(project.path)
    assert main(command) == 2
    assert "this folder is a student edition, but the pixelgrad that runs is that of" in capsys.readouterr().err
