"""Gradescope's autograder: what it holds, and what it writes."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from contextlib import suppress

import pytest

from pixelgrad.cli import main
from pixelgrad.coursework.exercises.catalogue import exercise_files
from pixelgrad.coursework.instructor.autograder import write_autograder
from tests.coursework.instructor.submitted import POINTS, SOLVED, WRONG, is_root, write


def test_the_autograder_holds_what_grades(tmp_path):
    path = write_autograder(tmp_path / "auto.zip", exercises=["relu", "tv"], seed=3)
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        for name in ("setup.sh", "run_autograder"):
            assert archive.getinfo(name).external_attr >> 16 & 0o777 == 0o755
            assert archive.read(name).startswith(b"#!/usr/bin/env bash\n") and b"\r" not in archive.read(name)
        script = archive.read("run_autograder").decode()
    assert {f"coursework/instructor/{name}.py" for name in ("mistakes", "grading", "boundary/keeper")} <= names and set(
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


LIMITED = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]


def others_can_run_python():
    with suppress(OSError):
        nobody = {"user": 65534, "group": 65534, "extra_groups": []}
        return shutil.which("setpriv") and not subprocess.run([sys.executable, "-c", ""], **nobody).returncode
    return False


@pytest.mark.slow
@pytest.mark.parametrize("prefix", [[], LIMITED], ids=["as it is", "as root that may not make namespaces"])
def test_the_autograder_grades(tmp_path, prefix):
    """What Gradescope does, in another place: unpack, run, read results.json."""
    if prefix and not (is_root and others_can_run_python()):
        pytest.skip("needs root, and a Python that other users can run")
    place = tmp_path / "autograder"
    with zipfile.ZipFile(write_autograder(tmp_path / "auto.zip", exercises=["affine", "relu"], seed=3)) as archive:
        archive.extractall(place / "source")
    (place / "results").mkdir()
    script = (place / "source" / "run_autograder").read_text()
    script = script.replace("/autograder/venv/bin/python", sys.executable).replace("/autograder/", f"{place}/")
    script = script.replace("/tmp/grades", f"{tmp_path}/grades")
    for path in place.parents:  # as in the container: only what is ours is closed
        if path.is_relative_to("/tmp") and path.owner() == "root":
            path.chmod(path.stat().st_mode | 0o011)
    subprocess.run(["chmod", "-R", "go-rwx", str(place / "source")], check=True)
    submission = place / "submission"
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    write(submission, WRONG)
    done = subprocess.run([*prefix, "bash", "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = json.loads((place / "results" / "results.json").read_text())
    names = ["affine", "relu", "relu: zero", "relu: rules"]
    assert results["score"] == POINTS["relu"] and [test["name"] for test in results["tests"]] == names
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
