"""What Gradescope runs: a zip file with this project, a script that sets it up, and one that grades."""

import secrets
import zipfile
from pathlib import Path

from ..._files import written_beside
from ..checker.board import known_exercise
from ..exercises.catalogue import EXERCISES, ROOT, check_stages
from .make import FILES, FOLDERS

SETUP = """#!/usr/bin/env bash
# Runs once, when Gradescope builds the image.
set -e
apt-get update
apt-get install -y python3 python3-pip python3-venv
python3 -m venv /autograder/venv
/autograder/venv/bin/pip install -e /autograder/source
# Submissions run as another user, who must not see the solutions.
chmod -R go-rwx /autograder/source
"""

RUN = """#!/usr/bin/env bash
# Runs for each submission.
cd /autograder/source
rm -rf /tmp/grades && mkdir -m 700 /tmp/grades
/autograder/venv/bin/python -m pixelgrad grade /autograder/submission --out /tmp/grades/grades.csv --quiet \\
    --seed {seed} --exercises {exercises} {stages}--gradescope /autograder/results/results.json --force
"""


def write_autograder(out, *, exercises=None, stages=None, seed=None, overwrite=False):
    """Write a Gradescope autograder: setup.sh, run_autograder, and the project with its solutions.

    Parameters
    ----------
    out : str or Path
        A .zip file.
    exercises : sequence of str, optional
        All by default.
    stages : sequence of str, optional
        The extensions that are asked for beside the core; all by default.
    seed : int, optional
        Draws the inputs; by default a random one, which stays in the file, so that all are graded alike.
    overwrite : bool

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        A name is not that of an exercise, or of a stage.
    """
    for name in exercises or ():
        known_exercise(name)
    if exercises is not None and not exercises:
        raise ValueError("no exercise was chosen")
    seed = secrets.randbelow(2**31) if seed is None else seed
    check_stages(stages)
    asked = f"--stages {','.join(stages)} " if stages else ""
    run = RUN.format(seed=seed, exercises=",".join(EXERCISES if exercises is None else exercises), stages=asked)
    with (
        written_beside(out, overwrite=overwrite) as temporary,
        zipfile.ZipFile(temporary, "w", strict_timestamps=False) as archive,
    ):
        for name, text in (("setup.sh", SETUP), ("run_autograder", run)):
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o755 << 16
            archive.writestr(info, text)
        for file in _project_files():
            archive.write(file, file.relative_to(ROOT), zipfile.ZIP_DEFLATED)
    return Path(out)


def _project_files():
    for name in (*(f for f in FILES if "/" not in f), "README.md"):
        yield ROOT / name
    for folder in (*FOLDERS, "coursework"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield file
