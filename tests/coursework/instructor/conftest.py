"""What the tests of grading share."""

import pytest

from pixelgrad.coursework.instructor.grading import grade
from tests.coursework.instructor.submitted import NAMES, rows


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
