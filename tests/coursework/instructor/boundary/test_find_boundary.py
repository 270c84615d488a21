"""Which boundary is taken, what must be accepted first, and what one submission cannot do to the others."""

import sys

import pytest

from pixelgrad.coursework.checker.runner import run_exercises
from pixelgrad.coursework.instructor import grading
from pixelgrad.coursework.instructor.boundary import boundary as boundaries
from pixelgrad.coursework.instructor.boundary import probe
from pixelgrad.coursework.instructor.boundary.boundary import Boundary, BoundaryError, find_boundary
from pixelgrad.coursework.instructor.boundary.users import USERS, Users
from tests.coursework.instructor.submitted import ALL, SOLVED, is_root, write

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="boundaries are Linux's")


def tried(**found):
    """In place of the trial: what a job could do in each kind of boundary; kinds that are missing do not work."""
    return lambda boundary, *_: (found.get(boundary.kind), "no word")


def test_as_root_namespaces_come_before_the_user_and_root_itself_never(monkeypatch, tmp_path):
    monkeypatch.setattr(boundaries.os, "geteuid", lambda: 0)
    monkeypatch.setattr(boundaries, "_tried", tried(namespaces=set(), user=set()))
    assert find_boundary(tmp_path, [], tmp_path).kind == "namespaces"
    monkeypatch.setattr(boundaries, "_tried", tried(namespaces={probe.NETWORK}, user=set()))
    assert find_boundary(tmp_path, [], tmp_path).kind == "user"
    monkeypatch.setattr(boundaries, "_tried", tried())
    with pytest.raises(BoundaryError, match="would run as root here, and so they do not run.*no word.*chmod o\\+rx"):
        find_boundary(tmp_path, [], tmp_path)


def test_as_an_ordinary_user(monkeypatch, tmp_path):
    monkeypatch.setattr(boundaries.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(boundaries.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(boundaries, "landlock_version", lambda: 7)
    monkeypatch.setattr(boundaries, "_tried", tried(bubblewrap=set(), sandbox=set()))
    assert find_boundary(tmp_path, [], tmp_path).kind == "bubblewrap"
    monkeypatch.setattr(boundaries, "_tried", tried(bubblewrap={probe.OURS}, sandbox=set()))
    assert find_boundary(tmp_path, [], tmp_path).kind == "sandbox"
    monkeypatch.setattr(boundaries, "_tried", tried())
    found = find_boundary(tmp_path, [], tmp_path)
    assert found.kind == "none" and "read your files" in found.unprotected


def test_what_matters_must_be_accepted_and_the_rest_is_said():
    slight = Boundary("user", frozenset({probe.ANY_FILE, probe.PROCESSES}))
    assert slight.unprotected == "" and "read what every user" in slight.remark
    assert "read your files" in Boundary("user", frozenset({probe.OURS})).unprotected
    assert "use the network" in Boundary("user", frozenset({probe.NETWORK})).unprotected
    assert "read what every user" in Boundary("sandbox", frozenset({probe.ANY_FILE})).unprotected


@pytest.mark.slow
def test_unprotected_grading_must_be_accepted_and_runs_one_at_a_time(place, run, monkeypatch):
    monkeypatch.setattr(boundaries.os, "geteuid", lambda: 1000, raising=False)
    monkeypatch.setattr(boundaries, "_tried", tried())
    for name in ("a", "b"):
        write(place / name, SOLVED)
    with pytest.raises(PermissionError, match="not protected here: submissions can .*--unprotected"):
        run(place, jobs=2)
    events, running = [], []
    real = run_exercises

    def watched(*args, **kwargs):
        running.append(1)
        events.append(len(running))
        try:
            return real(*args, **kwargs)
        finally:
            running.pop()

    monkeypatch.setattr(boundaries, "run_exercises", watched)
    table = run(place, jobs=2, unprotected=True, say=events.append)
    assert events[0].startswith("Not protected: submissions can end or stop your programs; read your files")
    assert set(events[1:]) == {1} and {row["points"] for row in table.values()} == {str(ALL)}


@pytest.mark.skipif(not is_root, reason="needs root")
def test_users_are_nobody(monkeypatch):
    import pwd

    users = Users()
    first = users.new()
    assert first in USERS
    with pytest.raises(KeyError):
        pwd.getpwuid(first)
    real = pwd.getpwuid
    monkeypatch.setattr(pwd, "getpwuid", lambda user: "somebody" if user == first + 1 else real(user))
    assert users.new() == first + 2


@pytest.mark.slow
def test_a_grader_that_stumbles_over_one_submission_grades_the_others(place, run, monkeypatch):
    for name in ("a", "b", "c"):
        write(place / name, SOLVED)
    real = grading._Grader._graded

    def stumbles(self, name, files):
        if name == "b":
            raise OSError("no space left")
        return real(self, name, files)

    monkeypatch.setattr(grading._Grader, "_graded", stumbles)
    table = run(place, exercises=["relu"], unprotected=True)
    assert [table[name]["relu"] for name in "abc"] == ["5", "0", "5"]
    assert "the grader itself failed here (OSError: no space left)" in table["b"]["error"]
