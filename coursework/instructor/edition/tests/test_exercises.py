"""Every exercise as a test: `pytest`, or `pytest -k saliency`."""

import pytest

from pixelgrad.coursework import check
from pixelgrad.coursework.exercises.catalogue import EXERCISES


@pytest.mark.parametrize("name", list(EXERCISES))
def test_exercise(name):
    (verdict,), printed = check([name])
    print(printed)
    if verdict.status != "passed":
        pytest.fail(f"{verdict.status}: {verdict.message}", pytrace=False)
