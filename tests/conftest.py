"""What the tests of several folders share."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Any machine may be busy, and no run may fail by chance; `pytest --hypothesis-profile=anew` draws anew each time.
_UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=_UNHURRIED)
settings.register_profile("anew", deadline=None, suppress_health_check=_UNHURRIED)
settings.load_profile("steady")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def own_history(tmp_path_factory):
    """Kernels of two processes that share the tests do not write to one database, which is in the home folder."""
    before = os.environ.get("IPYTHONDIR")
    os.environ["IPYTHONDIR"] = str(tmp_path_factory.mktemp("ipython"))
    yield
    os.environ.pop("IPYTHONDIR") if before is None else os.environ.update(IPYTHONDIR=before)


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


def pytest_collection_modifyitems(items):
    """Where several processes share the tests (`pytest -n 2 --dist loadgroup`), one of them does all the grading.

    Graders take users and look for what submissions leave behind: two at a time would find each other.
    """
    for item in items:
        if "instructor" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("grading"))
