"""A student edition, and what to do with it."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest

from pixelgrad.coursework.checker import board
from pixelgrad.coursework.checker.runner import Limits
from pixelgrad.coursework.checker.store import write_answers
from pixelgrad.coursework.exercises.catalogue import EXERCISES
from pixelgrad.coursework.instructor.answers import make_answers
from pixelgrad.coursework.instructor.make import edition_texts, make_edition


class Project:
    """A student edition that a test may change."""

    def __init__(self, path):
        self.path = path

    def solve(self, *names):
        """Put the solutions of these exercises back, and of no others."""
        for file, text in edition_texts([name for name in EXERCISES if name not in names]).items():
            (self.path / file).write_text(text, encoding="utf-8")
        return self

    def text(self, file, new=None):
        """The text of a file, or a new one for it."""
        if new is not None:
            (self.path / file).write_text(new, encoding="utf-8")
        return (self.path / file).read_text(encoding="utf-8")

    def run(self, *arguments, check=None, **options):
        """`pixelgrad ...` as a student calls it; with `check` its exit code must be that."""
        command = [sys.executable, "-m", "pixelgrad", *map(str, arguments)]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= options.pop("env", {})
        options = {"capture_output": True, "text": True, "timeout": 120, "encoding": "utf-8"} | options
        done = subprocess.run(command, cwd=self.path, env=environment, **options)
        assert check is None or done.returncode == check, done.stdout + done.stderr
        return done


@pytest.fixture
def used_less_than():
    """used_less_than(seconds): children that end within the block used less processor time, however long it took."""

    @contextmanager
    def measure(seconds):
        before = os.times()
        yield
        after = os.times()
        assert after.children_user + after.children_system - before.children_user - before.children_system < seconds

    return measure


@pytest.fixture(scope="session")
def edition(tmp_path_factory, answers):
    """A student edition with all exercises; not to be changed."""
    made = make_edition(tmp_path_factory.mktemp("edition") / "course", answers=False)
    write_answers(made / "coursework" / "checker" / "answers.h5", {name: answers(name) for name in EXERCISES})
    return Project(made)


@pytest.fixture
def project(edition, tmp_path):
    """A copy of the student edition."""

    def copy(source, target):
        (os.link if os.stat(source).st_size > 10**5 else shutil.copy)(source, target)  # weights: nobody writes to them

    shutil.copytree(edition.path, tmp_path / "course", copy_function=copy)
    return Project(tmp_path / "course")


@pytest.fixture
def make_project(tmp_path):
    """make_project(**options) -> a new edition as a Project."""
    return lambda **options: Project(make_edition(tmp_path / "other", **options))


@pytest.fixture(scope="session")
def answers():
    """answers(exercise) -> Answers, computed once; known mistakes, which take long, only on request."""
    known = {}

    def of(name, mistakes=False):
        if (name, mistakes) not in known:
            known[name, mistakes] = make_answers([name], mistakes=mistakes)[name]
        return known[name, mistakes]

    return of


@pytest.fixture
def check(answers):
    """check(project, *names, **limits) -> {exercise: verdict}, printed; the project's code runs in the child only."""

    def run(project, *names, **limits):
        names = names or tuple(EXERCISES)
        known = {name: answers(name) for name in board.with_needs(names)}
        verdicts, printed = board.check(names, root=project.path, answers=known, limits=Limits(**limits))
        return {verdict.exercise: verdict for verdict in verdicts}, printed

    return run
