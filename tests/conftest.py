"""What the tests of several folders share."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def shared_data():
    """`shared_data(name) -> Path` of a data file that is not in the repository; skips where it is absent."""

    def find(name):
        folder = Path(os.environ.get("PIXELGRAD_DATA") or ROOT.parent / "shared" / "data")
        path = folder / name
        if not path.exists():
            pytest.skip(f"{name} is not in {folder}; set PIXELGRAD_DATA to the folder that holds it")
        return path

    return find
