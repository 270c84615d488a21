"""A whole class: nobody is lost, whatever they hand in and however often the grader is killed."""

import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from pixelgrad.coursework.exercises.catalogue import ROOT
from tests.coursework.instructor.submitted import SOLVED, STUBS, WRONG, rows, write, write_zip

pytest.importorskip("resource")
COUNT = 300
ENDLESS = STUBS | {"layers/basic.py": STUBS["layers/basic.py"] + "\n\ndef relu_forward(x):\n    while True: pass\n"}
KILLS = STUBS | {"layers/basic.py": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"}

# A process that is started inherits its parent's peak: a small one stands between the tests and the grader.
MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def hand_in(place, name, n):
    """One of several shapes, by turns: folders, zip files, loose files, broken ones."""
    texts = (SOLVED, WRONG, STUBS)[n % 3]
    if n % 10 == 0:
        write_zip(place / f"{name}.zip", texts, inside="project/")
    elif n % 10 == 1:
        write(place / name, {"basic (1).py": texts["layers/basic.py"]})
    elif n % 10 == 2:
        (place / f"{name}.zip").write_bytes(b"PK damaged")
    elif n % 50 == 3:
        write(place / name, ENDLESS if n % 100 == 3 else KILLS)
    else:
        write(place / name, texts)


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.mark.slow
def test_a_class_of_300_with_a_grader_that_is_killed_twice(place, tmp_path, stack):
    names = [f"student {n:03d}" for n in range(COUNT)]
    for n, name in enumerate(names):
        hand_in(place, name, n)
    with open(tmp_path / "roster.csv", "w", newline="") as f:
        csv.writer(f).writerows(
            [["name", "email"], *([name, f"{n}@x.org"] for n, name in enumerate([*names, "absent"]))]
        )
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    scratch.chmod(0o711)
    options = {"cwd": ROOT, "env": {**os.environ, "TMPDIR": str(scratch)}}
    out = tmp_path / "out" / "grades.csv"
    out.parent.mkdir()
    command = [sys.executable, "-m", "pixelgrad", "grade", place, "--out", out, "--exercises", "relu", "--jobs", "2"]
    command += ["--timeout", "3", "--roster", tmp_path / "roster.csv", "--quiet"]
    for enough in (COUNT // 4, COUNT // 2):
        grader = subprocess.Popen([*map(str, command)], stderr=subprocess.DEVNULL, **options)
        while len([*Path(f"{out}.parts").glob("*.json")]) < enough and grader.poll() is None:
            time.sleep(0.1)
        grader.send_signal(signal.SIGKILL)
        assert grader.wait() == -signal.SIGKILL and not out.exists()
    measured = [sys.executable, "-c", MEASURE, *map(str, command)]
    done = subprocess.run(measured, capture_output=True, text=True, **options)
    assert done.returncode == 1, done.stderr  # some could not be graded
    table = rows(out)
    assert len(table) == COUNT + 1 and set(names) < set(table)
    points = [table[name]["relu"] for name in names]
    for n, name in enumerate(names):
        right = n % 3 < 2 and n % 10 != 2 and n % 50 != 3
        assert (table[name]["relu"] == "5") == right, (name, table[name])
    assert 0 < points.count("0") < COUNT
    peak = int(done.stdout.split()[-1]) / (1024 if sys.platform == "linux" else 2**20)
    assert peak < 500, f"{peak:.0f} MB"
    assert [*scratch.iterdir()] == []  # also of those that were killed
