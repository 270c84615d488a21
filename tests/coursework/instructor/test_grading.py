"""Grading: the table, what is resumed, what comes in, and what a submission cannot reach."""

import ast
import csv
import importlib.util
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import zipfile
import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pixelgrad.cli import main
from pixelgrad.coursework.checker import runner
from pixelgrad.coursework.checker.packing import same
from pixelgrad.coursework.checker.runner import run_exercises
from pixelgrad.coursework.exercises.catalogue import EXERCISES, ROOT, exercise_files
from pixelgrad.coursework.instructor import grading, isolation
from pixelgrad.coursework.instructor.answers import draw_inputs
from pixelgrad.coursework.instructor.autograder import write_autograder
from pixelgrad.coursework.instructor.grades import Grade, write_table
from pixelgrad.coursework.instructor.grading import LIMITS, grade
from pixelgrad.coursework.instructor.intake import take_in
from pixelgrad.coursework.instructor.isolation import find_isolation
from pixelgrad.coursework.instructor.make import edition_texts
from pixelgrad.coursework.instructor.submissions import read_submission

_spec = importlib.util.spec_from_file_location("hostile", Path(__file__).parents[1].joinpath("hostile.py"))
hostile = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hostile)

NAMES = ["affine", "relu", "softmax"]
MORE = ["notes", "student", "id", "email"]
POINTS = {name: EXERCISES[name].points for name in NAMES}
ALL = sum(POINTS.values())
SOLVED, STUBS = edition_texts([]), edition_texts(list(EXERCISES))
WRONG = SOLVED | {"layers/basic.py": SOLVED["layers/basic.py"].replace("return dx, dw, db", "return dw, dx, db")}
is_root = hasattr(os, "geteuid") and os.geteuid() == 0
only_root = pytest.mark.skipif(not is_root or sys.platform != "linux", reason="needs root on Linux")
assert WRONG != SOLVED


def write(folder, texts):
    for file, text in texts.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def write_zip(path, texts, inside=""):
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in texts.items():
            archive.writestr(inside + file, text)
    return path


@pytest.fixture
def place(tmp_path):
    """A folder for submissions; the table goes beside it."""
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def run(tmp_path):
    """run(folder, **options) -> {submission: row of the table}, after grading three exercises."""

    def graded(folder, **options):
        options = {"exercises": NAMES, "seed": 5, "say": lambda words: None} | options
        grade(folder, tmp_path / "grades.csv", **options)
        return rows(tmp_path / "grades.csv")

    return graded


def rows(path):
    with open(path, newline="", encoding="utf-8") as f:
        return {row["submission"]: row for row in csv.DictReader(f)}


# -- the table and all that comes with it ------------------------------------------------------------------------------


def test_a_class_is_graded(place, run, tmp_path):
    write(place / "right", SOLVED)
    write(place / "stub", STUBS)
    write(place / "wrong", WRONG)
    write(place / "half" / "project", {"layers/basic.py": SOLVED["layers/basic.py"]})  # one folder deep, one file
    write_zip(place / "zipped.zip", SOLVED | {"__MACOSX/layers/basic.py": "raise SystemExit"}, "my work/")
    write_zip(write(place / "moodle", {"readme.txt": "x"}) / "submission.zip", SOLVED)
    (place / "nothing").mkdir()
    (place / ".hidden").mkdir()
    (place / "notes.txt").write_text("not a submission")
    write(tmp_path / "elsewhere", SOLVED)
    (place / "linked").symlink_to(tmp_path / "elsewhere")
    table = run(place, jobs=2)

    with open(tmp_path / "grades.csv", newline="", encoding="utf-8") as f:
        assert next(csv.reader(f)) == ["submission", "points", "max_points", *NAMES, "error", *MORE]
    assert list(table) == ["half", "moodle", "nothing", "right", "stub", "wrong", "zipped"]
    assert {row["max_points"] for row in table.values()} == {str(ALL)}
    full = {name: str(points) for name, points in POINTS.items()}
    for name in ("right", "zipped", "moodle"):
        none = dict.fromkeys(["error", *MORE], "")
        assert table[name] == {"submission": name, "points": str(ALL), "max_points": str(ALL), **full, **none}
    assert table["stub"]["points"] == table["nothing"]["points"] == "0" and table["stub"]["error"] == ""
    assert (
        table["nothing"]["error"]
        == "holds none of the exercise files (layers/basic.py, layers/losses.py, layers/naive.py, ...); it is empty; "
        "hand in what `pixelgrad submit` makes"
    )
    assert [table["wrong"][name] for name in NAMES] == ["0", full["relu"], full["softmax"]]
    assert [table["half"][name] for name in NAMES] == [full["affine"], full["relu"], "0"]

    results = json.loads((tmp_path / "grades.csv.parts" / "wrong.json").read_text(encoding="utf-8"))
    assert results["score"] == ALL - POINTS["affine"] and results["output_format"] == "text" and results["output"] == ""
    assert [list(test) for test in results["tests"]] == [["name", "score", "max_score", "status", "output"]] * 3
    affine, relu, _ = results["tests"]
    assert (affine["name"], affine["score"], affine["max_score"]) == ("affine", 0, POINTS["affine"])
    assert affine["status"] == "failed" and relu["status"] == "passed" and "order of the docstring" in affine["output"]

    page = (tmp_path / "grades.html").read_text(encoding="utf-8")
    assert "1 &times; gradients in the order dw, dx, db" in page and "7 submissions, " in page
    assert "<tr><td>affine</td><td>4</td><td>1</td><td>1</td><td>1</td>" in page
    assert "<tr><td>nothing</td><td>holds none of the exercise files (layers/basic.py, " in page


@pytest.mark.slow
def test_what_cannot_be_run_is_said_in_the_table_and_on_the_page(place, run, tmp_path):
    """And is not counted among what is still to do."""
    basic = SOLVED["layers/basic.py"]
    lines = basic.count("\n") + 1
    broken = {
        "exits": "import os; os._exit(0)\n",
        "exits politely": "raise SystemExit\n",
        "loops": "while True: pass\n",
        "no Python": "def f(:\n",
        "raises": "nonsense < 1\n",
    }
    for name, text in broken.items():
        write(place / name, SOLVED | {"layers/basic.py": basic + text})
    (place / "bad zip.zip").write_bytes(b"PK nonsense")
    (place / "empty").mkdir()
    table = run(place, jobs=2, limits=replace(LIMITS, seconds=2))
    errors = {name: row["error"] for name, row in table.items()}
    assert errors["exits"].startswith("layers/basic.py: cannot be imported: it ends the whole program (exit code 0).")
    assert errors["exits politely"].startswith(f"layers/basic.py: cannot be imported: SystemExit in line {lines}: it")
    assert errors["loops"].startswith(
        "layers/basic.py: cannot be imported: it does not finish in time, and is at line "
    )
    assert errors["no Python"] == f"layers/basic.py: cannot be imported: SyntaxError in line {lines}: invalid syntax"
    assert errors["raises"].startswith(f"layers/basic.py: cannot be imported: NameError in line {lines}: name ")
    assert errors["bad zip"] == "cannot be read: bad zip.zip is damaged: it is not a zip file; hand it in again"
    assert errors["empty"].startswith("holds none of the exercise files")
    assert {row["points"] for row in table.values()} == {"0"}

    page = (tmp_path / "grades.html").read_text(encoding="utf-8")
    assert "<tr><td>affine</td><td>0</td><td>5</td><td>0</td><td>2</td>" in page
    assert all(f"<tr><td>{name}</td><td>" in page for name in table) and "name &#x27;nonsense&#x27; is not" in page
    result = json.loads((tmp_path / "grades.csv.parts" / "raises.json").read_text(encoding="utf-8"))
    assert result["output"] == errors["raises"]


def test_an_error_is_no_formula(tmp_path):
    write_table(tmp_path / "grades.csv", [Grade("@me", [], "=cmd|' /C calc'!A0")], [])
    assert rows(tmp_path / "grades.csv")["'@me"]["error"].startswith("'=cmd")


def test_the_seed_decides_about_the_inputs(place, run, monkeypatch):
    """The same seed grades the same; another draws other inputs, so that stored answers are worth nothing."""
    one, again, other = (draw_inputs(EXERCISES["relu"], seed) for seed in (5, 5, 6))
    assert same(one, again) and not same(one, other)
    write(place / "student", SOLVED)
    used = []
    monkeypatch.setattr(grading, "make_answers", lambda names, seed: used.append(seed) or _answers(names, seed=seed))
    for options in ({"seed": None}, {"seed": None}, {"seed": 5}):  # at first a random one, which stays
        run(place, exercises=["relu"], overwrite=True, **options)
    assert used[0] == used[1] and used[0] > 5 and used[2] == 5


_answers = grading.make_answers


def test_an_interrupted_run_goes_on_where_it_was(place, run, tmp_path, monkeypatch):
    for n in range(4):
        write(place / f"student {n}", SOLVED if n else STUBS)
    real, calls = grading._Grader.grade, []

    def interrupted(self, name, path):
        calls.append(name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(self, name, path)

    monkeypatch.setattr(grading._Grader, "grade", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(place, exercises=["relu"])
    assert not (tmp_path / "grades.csv").exists() and calls[:3] == ["student 0", "student 1", "student 2"]
    write(place / "student 0", SOLVED)  # handed in again, in the meantime
    monkeypatch.setattr(grading._Grader, "grade", lambda *args: calls.append(args[1]) or real(*args))
    calls.clear()
    table = run(place, exercises=["relu"])
    assert sorted(calls) == ["student 0", "student 2", "student 3"]
    assert {row["points"] for row in table.values()} == {str(POINTS["relu"])}
    calls.clear()
    assert run(place, overwrite=True, exercises=["relu"]) == table and calls == []
    part, same_run = tmp_path / "grades.csv.parts" / "student 1.json", {"seed": 5, "exercises": ["relu"], "seconds": 10}
    student = take_in(place).submissions["student 1"]
    assert grading._finished(part, student, same_run)
    for other in ({"seed": 6}, {"exercises": ["relu", "svm"]}, {"seconds": 20}):
        assert grading._finished(part, student, same_run | other) is None


def test_a_finished_table_is_not_overwritten_unasked(place, run, tmp_path, monkeypatch):
    write(place / "student", SOLVED)
    (tmp_path / "grades.csv").write_text("mine")
    monkeypatch.setattr(grading, "make_answers", lambda *a, **k: pytest.fail("began to work"))
    with pytest.raises(FileExistsError, match="exists already"):
        run(place)
    assert (tmp_path / "grades.csv").read_text() == "mine" and not (tmp_path / "grades.csv.parts").exists()


def test_misuse_ends_in_one_line(place, tmp_path, capsys):
    out = str(tmp_path / "grades.csv")
    for arguments in (
        [str(place), "--out", out],
        [str(place / "nowhere"), "--out", out],
        [str(place), "--out", out, "--exercises", "gelu"],
        [str(place), "--out", str(tmp_path / "grades.txt")],
    ):
        assert main(["grade", *arguments]) == 2
        error = capsys.readouterr().err
        assert error.startswith("pixelgrad grade: ") and error.count("\n") == 1
    assert not (tmp_path / "grades.csv").exists()


def test_strange_names_do_not_stop_the_run(place, run, tmp_path):
    write(place / "=1+1", STUBS)
    write(place / ("x" * 250), STUBS)
    write(place / 'a, "b"\n', STUBS)
    write(Path(os.fsdecode(os.fsencode(place) + b"/\xff")), STUBS)
    table = run(place, exercises=["relu"])
    assert set(table) == {"'=1+1", "x" * 250, 'a, "b"\\n', "\\udcff"}
    assert len(list((tmp_path / "grades.csv.parts").glob("*.json"))) == 4


def test_where_the_solutions_do_not_pass_nobody_is_graded(place, run, monkeypatch):
    write(place / "student", SOLVED)
    monkeypatch.setattr(grading, "edition_texts", lambda chosen: STUBS)
    with pytest.raises(RuntimeError, match="grading does not work here: the solution of affine itself does not pass"):
        run(place)


# -- what comes in -----------------------------------------------------------------------------------------------------


def test_unsafe_submissions_are_read_safely(place):
    names = hostile.hostile_zips(place, SOLVED)
    found = {name: submission.read() for name, submission in take_in(place).submissions.items()}
    assert set(names) == set(found) and not any(reading.files for reading in found.values())
    large = "layers/basic.py is 300,000,000 bytes large; at most 1,000,000 are read"
    assert found["swells"].error == f"cannot be read: {large}"
    assert found["damaged"].error.startswith("cannot be read: ")
    for name in ("climbs", "links", "linked"):
        assert found[name].error.startswith("holds none of the exercise files")


def test_any_damage_to_a_zip_is_survived(place):
    whole = write_zip(place / "whole.zip", SOLVED).read_bytes()
    with zipfile.ZipFile(place / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("layers/basic.py", SOLVED["layers/basic.py"])
    packed, rng = (place / "packed.zip").read_bytes(), random.Random(0)
    broken = bytearray(packed)
    broken[60:90] = b"\xff" * 30
    with pytest.raises(zlib.error), zipfile.ZipFile(write_bytes(place / "x.zip", broken)) as archive:
        archive.read("layers/basic.py")  # an error of which zipfile says nothing
    for _ in range(300):
        content = bytearray(rng.choice((whole, packed)))
        for _ in range(rng.randrange(1, 20)):
            content[rng.choice((rng.randrange(len(content)), -rng.randrange(1, 99)))] = rng.randrange(256)
        read = read_submission(write_bytes(place / "x.zip", content[: rng.choice((None, -5, 500))]))
        assert (read.error == "") == bool(read.files) and len(read.error) < 1001 and "\n" not in read.error
    assert read_submission(write_bytes(place / "x.zip", broken)).error.startswith("cannot be read: ")


def write_bytes(path, content):
    path.write_bytes(content)
    return path


def test_files_are_found_in_folders_of_any_depth(place):
    with zipfile.ZipFile(place / "x.zip", "w") as archive:
        archive.writestr("course/build/layers/basic.py", "old")
        archive.writestr("course/layers/basic.py", "new")
        archive.writestr("course/a/b/layers/losses.py", "deep")
        archive.writestr("course\\layers\\naive.py", "from Windows")
        archive.writestr("course/mylayers/norm.py", "another file")
    read = read_submission(place / "x.zip")
    deep = {"layers/basic.py": b"new", "layers/naive.py": b"from Windows", "layers/losses.py": b"deep"}
    assert read.files == deep and read.error == ""


def test_files_that_are_none_are_left_out(place, tmp_path):
    write(tmp_path / "secret" / "layers", {"basic.py": "secret"})
    (place / "a").mkdir()
    (place / "a" / "layers").symlink_to(tmp_path / "secret" / "layers")
    write(place / "b", {"layers/losses.py": "fine"})
    os.mkfifo(place / "b" / "layers" / "basic.py")
    write(place / "c", {"layers/basic.py": "#" * 1_000_001})
    for n in range(2):
        write_zip(write(place / "d", {"x": ""}) / f"{n}.zip", SOLVED)
    assert read_submission(place / "a").files == {}
    assert read_submission(place / "b").files == {"layers/losses.py": b"fine"}
    large = "layers/basic.py is 1,000,001 bytes large; at most 1,000,000 are read"
    assert read_submission(place / "c").error == f"cannot be read: {large}"
    assert set(read_submission(place / "d").files) == set(SOLVED)  # twice the same


def test_one_submission_alone(place, tmp_path):
    assert list(take_in(write(place / "a", SOLVED)).submissions) == ["a"]
    assert list(take_in(write_zip(tmp_path / "b.zip", SOLVED)).submissions) == ["b"]
    write_zip(place / "a.zip", SOLVED)
    assert list(take_in(place).submissions) == ["a", "a.zip"]
    assert list(take_in(place, single=True).submissions) == ["in"]


# -- isolation ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_hostile_submissions_earn_nothing_and_spoil_nothing(place, run):
    quick = ["exits at import", "patches numpy and our modules", "reads the solutions", "array that equals everything"]
    for name in quick:
        write(place / name, SOLVED | {"layers/basic.py": hostile.HOSTILE[name]})
    write(place / "zzz honest", SOLVED)
    table = run(place, limits=replace(LIMITS, seconds=2), jobs=2)
    honest = table.pop("zzz honest")
    assert honest["points"] == honest["max_points"]
    assert len(table) == len(quick)
    assert all(row[name] == "0" for row in table.values() for name in ("affine", "relu"))


SPY = """
import os, socket, sys
def relu_forward(x):
    seen = {}
    for name, path in PATHS.items():
        try:
            seen[name] = sorted(os.listdir(path))[:9]
        except OSError as error:
            seen[name] = type(error).__name__
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=2)
        seen["network"] = True
    except OSError as error:
        seen["network"] = False
    seen["user"] = os.getuid()
    seen["processes"] = sorted(n for n in os.listdir("/proc") if n.isdigit())
    seen["environment"] = sorted(os.environ)
    for name, path in PATHS.items():
        try:
            open(os.path.join(path, "written"), "w")
            seen[name + " written"] = True
        except OSError:
            pass
    raise ValueError(repr(seen)[:480])
"""


@only_root
def test_a_submission_sees_nothing_of_ours(project, place, tmp_path):
    """No solutions, no submissions, no grades, no network, no other processes, nothing of the environment."""
    hidden = [ROOT, place, tmp_path / "out"]
    (tmp_path / "out").mkdir()
    write(place / "another student", SOLVED)
    found = find_isolation(hidden)
    if found.kind != "namespaces":
        pytest.skip("mounts cannot be made private here")
    assert found.unprotected == ""
    with socket.create_server(("127.0.0.1", 0)) as server:
        paths = {"root": str(ROOT), "in": str(place), "out": str(tmp_path / "out")}
        head = f"PATHS, PORT = {paths!r}, {server.getsockname()[1]}\n"
        project.text("layers/basic.py", project.text("layers/basic.py") + head + SPY)
        seen = spied(project, found)
    # Of the checkout there is nothing left but, where it lies inside, the Python that we run on.
    assert not {"layers", "coursework", "pixelgrad"} & set(seen["root"])
    assert seen["in"] == seen["out"] == [] and not any(name.endswith("written") for name in seen)
    assert seen["network"] is False and seen["user"] == found.user(0) != 0 and len(seen["processes"]) <= 2
    assert not {"SSH_AUTH_SOCK", "USER", "PIXELGRAD_DATA"} & set(seen["environment"])


def spied(project, found):
    inputs = {"relu": draw_inputs(EXERCISES["relu"])}
    os.chmod(project.path.parent, 0o755)
    for folder in project.path.parents:
        if not os.stat(folder).st_mode & 0o001:
            os.chmod(folder, 0o711)
    wrap = found.command and (lambda arguments, results: found.command(arguments, results, project.path))
    limits = replace(LIMITS, user=found.user(0))
    outcomes = run_exercises(inputs, root=project.path, limits=limits, command=wrap).outcomes["relu"]
    assert isinstance(outcomes, dict), outcomes
    return ast.literal_eval(outcomes["plain"]["raised"]["message"])


LEFT = """
def relu_forward(x):
    import subprocess, sys
    code = "import time; time.sleep(60)  # NAME"
    subprocess.Popen([sys.executable, "-c", code], start_new_session=True, close_fds=True)
    return x, x
"""


def alive(mark):
    """Whether there is a process with these words in its command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if mark in path.read_bytes().decode(errors="replace"):
                return True
    return False


@only_root
def test_processes_that_are_left_behind_are_dead_afterwards(place, run):
    mark = f"left behind by {os.getpid()}"
    if find_isolation([ROOT]).kind != "namespaces":
        pytest.skip("mounts cannot be made private here")
    write(place / "student", {"layers/basic.py": STUBS["layers/basic.py"] + LEFT.replace("NAME", mark)})
    assert run(place, exercises=["relu"])["student"]["error"] == "" and not alive(mark)


@only_root
def test_without_namespaces_all_processes_of_the_job_s_user_are_ended():
    user, options = isolation._free_user(), {"start_new_session": True, "stdout": subprocess.PIPE}
    child, other = (subprocess.Popen(["sleep", "60"], user=user, **options) for _ in range(2))
    ours = subprocess.Popen(["sleep", "60"])
    runner._kill(child, user)
    assert child.returncode == -9 and other.wait(5) == -9 and ours.poll() is None
    ours.kill()
    ours.wait()


def test_what_is_not_protected_is_said_before_anything_starts(place, run, monkeypatch):
    write(place / "student", SOLVED)
    events = []
    monkeypatch.setattr(isolation.os, "geteuid", lambda: 1000, raising=False)
    monkeypatch.setattr(isolation.shutil, "which", lambda name: None)
    real = grading.run_exercises
    monkeypatch.setattr(grading, "run_exercises", lambda *a, **k: events.append("runs") or real(*a, **k))
    table = run(place, say=events.append)
    assert events[0].startswith("Not protected: submissions run as you: they can read and change your files, and use")
    assert "install bubblewrap" in events[0] and events[1] == "runs" and table["student"]["points"] == str(ALL)


def test_what_is_found_without_root_and_without_tools(monkeypatch, tmp_path):
    monkeypatch.setattr(isolation.os, "geteuid", lambda: 1000, raising=False)
    monkeypatch.setattr(isolation.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(isolation, "_works", lambda wrap, user=None: True)
    found = find_isolation([tmp_path])
    assert (found.kind, found.unprotected, found.user(0)) == ("bubblewrap", "", None)
    monkeypatch.setattr(isolation, "_works", lambda wrap, user=None: False)
    assert find_isolation([tmp_path]).kind == "none"
    monkeypatch.delattr(isolation.os, "geteuid", raising=False)  # Windows
    assert find_isolation([tmp_path]).kind == "none"


@pytest.mark.skipif(sys.platform == "win32", reason="no such users")
def test_what_is_found_as_root_without_private_mounts(monkeypatch, tmp_path):
    monkeypatch.setattr(isolation.os, "geteuid", lambda: 0, raising=False)
    answers = iter([False, True])
    monkeypatch.setattr(isolation, "_works", lambda wrap, user=None: next(answers))
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "closed").mkdir(mode=0o700)
    monkeypatch.setattr(isolation, "_others_may_enter", lambda path: path.name == "open")
    found = find_isolation([tmp_path / "open", tmp_path / "closed"])
    assert found.kind == "user" and found.user(1) == found.user(0) + 1 in isolation.USERS
    assert "can use the network" in found.unprotected and "chmod 700" in found.unprotected
    assert f"{tmp_path / 'open'}:" in found.unprotected and "closed" not in found.unprotected
    monkeypatch.setattr(isolation, "_works", lambda wrap, user=None: False)
    found = find_isolation([tmp_path])
    assert found.kind == "none" and "other users cannot run" in found.unprotected and found.user(0) is None


@pytest.mark.skipif(sys.platform == "win32", reason="no such users")
def test_users_are_nobody(monkeypatch):
    import pwd

    first = isolation._free_user()
    assert first in isolation.USERS
    with pytest.raises(KeyError):
        pwd.getpwuid(first)
    real = pwd.getpwuid
    monkeypatch.setattr(pwd, "getpwuid", lambda user: "somebody" if user == first + 7 else real(user))
    assert isolation._free_user() != first


def test_bubblewrap_shows_python_and_the_project_only(tmp_path):
    command = isolation._bubblewrap(["python", "-c", "pass"], tmp_path / "job" / "results", tmp_path / "project")
    shown = [command[n + 1] for n, word in enumerate(command) if word in ("--ro-bind", "--ro-bind-try", "--bind")]
    assert command[0] == "bwrap" and "--unshare-all" in command and command[-3:] == ["python", "-c", "pass"]
    assert str(ROOT) not in shown and "/" not in shown and "/home" not in shown and str(tmp_path) not in shown
    assert [command[n + 1] for n, word in enumerate(command) if word == "--bind"] == [str(tmp_path / "job" / "results")]


@pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap")
def test_bubblewrap_keeps_a_submission_from_all_that_is_ours(project, place):
    if not isolation._works(isolation._bubblewrap):
        pytest.skip("bubblewrap may not make namespaces here")
    write(place / "another student", SOLVED)
    head = f"PATHS, PORT = {dict(root=str(ROOT), inside=str(place))!r}, 9\n"
    project.text("layers/basic.py", project.text("layers/basic.py") + head + SPY)
    seen = spied(project, isolation.Isolation("bubblewrap", "", isolation._bubblewrap))
    assert seen["root"] == "FileNotFoundError" or not {"layers", "coursework", "pixelgrad"} & set(seen["root"])
    assert seen["inside"] == "FileNotFoundError" and not any(name.endswith("written") for name in seen)
    assert seen["network"] is False and len(seen["processes"]) <= 2


# -- Gradescope --------------------------------------------------------------------------------------------------------


def test_the_autograder_holds_what_grades(tmp_path):
    path = write_autograder(tmp_path / "auto.zip", exercises=["relu", "tv"], seed=3)
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        for name in ("setup.sh", "run_autograder"):
            assert archive.getinfo(name).external_attr >> 16 & 0o777 == 0o755
            assert archive.read(name).startswith(b"#!/usr/bin/env bash\n") and b"\r" not in archive.read(name)
        script = archive.read("run_autograder").decode()
    assert {f"coursework/instructor/{name}.py" for name in ("mistakes", "grading", "isolation")} <= names and set(
        exercise_files()
    ) <= names
    assert {"setup.py", "pyproject.toml", "README.md", "coursework/instructor/edition/README.md"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith((".git", "tests/"))]
    assert "--seed 3 --exercises relu,tv" in script
    with pytest.raises(FileExistsError):
        write_autograder(path)
    with pytest.raises(ValueError, match="the exercises are affine"):
        write_autograder(tmp_path / "other.zip", exercises=["gelu"])
    with pytest.raises(ValueError, match="no exercise was chosen"):
        write_autograder(tmp_path / "other.zip", exercises=[])
    assert not (tmp_path / "other.zip").exists()


def test_the_autograder_grades(tmp_path):
    """What Gradescope does, in another place: unpack, run, read results.json."""
    place = tmp_path / "autograder"
    with zipfile.ZipFile(write_autograder(tmp_path / "auto.zip", exercises=["affine", "relu"], seed=3)) as archive:
        archive.extractall(place / "source")
    (place / "results").mkdir()
    script = (place / "source" / "run_autograder").read_text()
    script = script.replace("/autograder/venv/bin/python", sys.executable).replace("/autograder/", f"{place}/")
    script = script.replace("/tmp/grades", f"{tmp_path}/grades")
    submission = place / "submission"
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    write(submission, WRONG)
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = json.loads((place / "results" / "results.json").read_text())
    assert results["score"] == POINTS["relu"] and [test["name"] for test in results["tests"]] == ["affine", "relu"]
    assert set(results) == {"score", "output", "output_format", "tests"}


@pytest.mark.slow
def test_gradescope_gets_a_result_whatever_was_uploaded(place, tmp_path):
    write(place, {"one/x.txt": "", "two/x.txt": ""})
    arguments = ["grade", str(place), "--out", str(tmp_path / "grades.csv"), "--exercises", "relu", "--quiet"]
    assert main([*arguments, "--gradescope", str(tmp_path / "results.json")]) == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["score"] == 0 and results["output"].startswith("holds none of the exercise files")
    write(place, {"basic.py": SOLVED["layers/basic.py"]})  # as Gradescope's page takes single files
    assert main([*arguments, "--gradescope", str(tmp_path / "results.json"), "--force"]) == 0
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert results["score"] == POINTS["relu"] and results["output"] == ""
