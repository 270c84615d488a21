"""Isolation: what a submission cannot reach, and what Gradescope's autograder holds."""

import ast
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pixelgrad.cli import main
from pixelgrad.coursework.checker import runner
from pixelgrad.coursework.checker.runner import run_exercises
from pixelgrad.coursework.exercises.catalogue import EXERCISES, ROOT, exercise_files
from pixelgrad.coursework.instructor import grading, isolation
from pixelgrad.coursework.instructor.answers import draw_inputs
from pixelgrad.coursework.instructor.autograder import write_autograder
from pixelgrad.coursework.instructor.grading import LIMITS
from pixelgrad.coursework.instructor.isolation import find_isolation
from tests.coursework.instructor.submitted import (
    ALL,
    POINTS,
    SOLVED,
    STUBS,
    WRONG,
    only_root,
    write,
)

_spec = importlib.util.spec_from_file_location("hostile", Path(__file__).parents[1].joinpath("hostile.py"))
hostile = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hostile)


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
