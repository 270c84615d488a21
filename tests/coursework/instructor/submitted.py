"""Submissions to grade: right, wrong and empty ones, written as folders or zip files; rows of the table."""

import csv
import os
import sys
import zipfile

import pytest

from pixelgrad.coursework.exercises.catalogue import EXERCISES
from pixelgrad.coursework.instructor.make import edition_texts

NAMES = ["affine", "relu", "softmax"]
MORE = ["notes", "student", "id", "email"]
POINTS = {name: EXERCISES[name].points for name in NAMES}
ALL = sum(POINTS.values())
SOLVED, STUBS = edition_texts([]), edition_texts(list(EXERCISES))
WRONG = SOLVED | {"layers/basic.py": SOLVED["layers/basic.py"].replace("return dx, dw, db", "return dw, dx, db")}
is_root = hasattr(os, "geteuid") and os.geteuid() == 0
only_root = pytest.mark.skipif(not is_root or sys.platform != "linux", reason="needs root on Linux")
assert WRONG != SOLVED


def write(folder, texts):
    for file, text in texts.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def write_zip(path, texts, inside=""):
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in texts.items():
            archive.writestr(inside + file, text)
    return path


def rows(path):
    with open(path, newline="", encoding="utf-8") as f:
        return {row["submission"]: row for row in csv.DictReader(f)}
