"""Grading: the table, what is resumed, and what comes in."""

import csv
import importlib.util
import json
import os
import random
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from pixelgrad.cli import main
from pixelgrad.coursework.checker.packing import same
from pixelgrad.coursework.exercises.catalogue import EXERCISES
from pixelgrad.coursework.instructor import grading
from pixelgrad.coursework.instructor.answers import draw_inputs
from pixelgrad.coursework.instructor.grades import Grade, write_table
from pixelgrad.coursework.instructor.grading import LIMITS
from pixelgrad.coursework.instructor.intake import take_in
from pixelgrad.coursework.instructor.submissions import read_submission
from tests.coursework.instructor.submitted import ALL, MORE, NAMES, POINTS, SOLVED, STUBS, WRONG, rows, write, write_zip

_spec = importlib.util.spec_from_file_location("hostile", Path(__file__).parents[1].joinpath("hostile.py"))
hostile = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hostile)


# -- the table and all that comes with it ------------------------------------------------------------------------------


def test_a_class_is_graded(place, run, tmp_path):
    write(place / "right", SOLVED)
    write(place / "stub", STUBS)
    write(place / "wrong", WRONG)
    write(place / "half" / "project", {"layers/basic.py": SOLVED["layers/basic.py"]})  # one folder deep, one file
    write_zip(place / "zipped.zip", SOLVED | {"__MACOSX/layers/basic.py": "raise SystemExit"}, "my work/")
    write_zip(write(place / "moodle", {"readme.txt": "x"}) / "submission.zip", SOLVED)
    (place / "nothing").mkdir()
    (place / ".hidden").mkdir()
    (place / "notes.txt").write_text("not a submission")
    write(tmp_path / "elsewhere", SOLVED)
    (place / "linked").symlink_to(tmp_path / "elsewhere")
    table = run(place, jobs=2)

    with open(tmp_path / "grades.csv", newline="", encoding="utf-8") as f:
        assert next(csv.reader(f)) == ["submission", "points", "max_points", *NAMES, "error", *MORE]
    assert list(table) == ["half", "moodle", "nothing", "right", "stub", "wrong", "zipped"]
    assert {row["max_points"] for row in table.values()} == {str(ALL)}
    full = {name: str(points) for name, points in POINTS.items()}
    for name in ("right", "zipped", "moodle"):
        none = dict.fromkeys(["error", *MORE], "")
        assert table[name] == {"submission": name, "points": str(ALL), "max_points": str(ALL), **full, **none}
    assert table["stub"]["points"] == table["nothing"]["points"] == "0" and table["stub"]["error"] == ""
    assert (
        table["nothing"]["error"]
        == "holds none of the exercise files (layers/basic.py, layers/losses.py, layers/naive.py, ...); it is empty; "
        "hand in what `pixelgrad submit` makes"
    )
    assert [table["wrong"][name] for name in NAMES] == ["0", full["relu"], full["softmax"]]
    assert [table["half"][name] for name in NAMES] == [full["affine"], full["relu"], "0"]

    results = json.loads((tmp_path / "grades.csv.parts" / "wrong.json").read_text(encoding="utf-8"))
    assert results["score"] == ALL - POINTS["affine"] and results["output_format"] == "text" and results["output"] == ""
    assert {tuple(test) for test in results["tests"]} == {("name", "score", "max_score", "status", "output")}
    names = ["affine", "relu", "relu: zero", "relu: rules", "softmax", "softmax: extremes", "softmax: smoothing"]
    assert [test["name"] for test in results["tests"]] == names  # a test for each stage
    assert sum(test["score"] for test in results["tests"]) == results["score"]
    affine, relu = results["tests"][:2]
    assert (affine["name"], affine["score"], affine["max_score"]) == ("affine", 0, POINTS["affine"])
    assert affine["status"] == "failed" and relu["status"] == "passed" and "in another order" in affine["output"]

    page = (tmp_path / "grades.html").read_text(encoding="utf-8")
    assert "1 &times; gradients in the order dw, dx, db" in page and "7 submissions, " in page
    assert "<tr><td>affine</td><td>4</td><td>0</td><td>1</td><td>1</td><td>1</td>" in page
    assert "<tr><td>nothing</td><td>holds none of the exercise files (layers/basic.py, " in page


@pytest.mark.slow
def test_what_cannot_be_run_is_said_in_the_table_and_on_the_page(place, run, tmp_path):
    """And is not counted among what is still to do."""
    basic = SOLVED["layers/basic.py"]
    lines = basic.count("\n") + 1
    broken = {
        "exits": "import os; os._exit(0)\n",
        "exits politely": "raise SystemExit\n",
        "loops": "while True: pass\n",
        "no Python": "def f(:\n",
        "raises": "nonsense < 1\n",
    }
    for name, text in broken.items():
        write(place / name, SOLVED | {"layers/basic.py": basic + text})
    (place / "bad zip.zip").write_bytes(b"PK nonsense")
    (place / "empty").mkdir()
    table = run(place, jobs=2, limits=replace(LIMITS, seconds=2))
    errors = {name: row["error"] for name, row in table.items()}
    assert errors["exits"].startswith("layers/basic.py: cannot be imported: it ends the whole program (exit code 0).")
    assert errors["exits politely"].startswith(f"layers/basic.py: cannot be imported: SystemExit in line {lines}: it")
    assert errors["loops"].startswith(
        "layers/basic.py: cannot be imported: it does not finish in time, and is at line "
    )
    assert errors["no Python"] == f"layers/basic.py: cannot be imported: SyntaxError in line {lines}: invalid syntax"
    assert errors["raises"].startswith(f"layers/basic.py: cannot be imported: NameError in line {lines}: name ")
    assert errors["bad zip"] == "cannot be read: bad zip.zip is damaged: it is not a zip file; hand it in again"
    assert errors["empty"].startswith("holds none of the exercise files")
    assert {row["points"] for row in table.values()} == {"0"}

    page = (tmp_path / "grades.html").read_text(encoding="utf-8")
    assert "<tr><td>affine</td><td>0</td><td>0</td><td>5</td><td>0</td><td>2</td>" in page
    assert all(f"<tr><td>{name}</td><td>" in page for name in table) and "name &#x27;nonsense&#x27; is not" in page
    result = json.loads((tmp_path / "grades.csv.parts" / "raises.json").read_text(encoding="utf-8"))
    assert result["output"] == errors["raises"]


def test_an_error_is_no_formula(tmp_path):
    write_table(tmp_path / "grades.csv", [Grade("@me", [], "=cmd|' /C calc'!A0")], [])
    assert rows(tmp_path / "grades.csv")["'@me"]["error"].startswith("'=cmd")


@pytest.mark.slow
def test_the_seed_decides_about_the_inputs(place, run, monkeypatch):
    """The same seed grades the same; another draws other inputs, so that stored answers are worth nothing."""
    one, again, other = (draw_inputs(EXERCISES["relu"], seed) for seed in (5, 5, 6))
    assert same(one, again) and not same(one, other)
    write(place / "student", SOLVED)
    used = []
    monkeypatch.setattr(grading, "make_answers", lambda names, seed: used.append(seed) or _answers(names, seed=seed))
    for options in ({"seed": None}, {"seed": None}, {"seed": 5}):  # at first a random one, which stays
        run(place, exercises=["relu"], overwrite=True, **options)
    assert used[0] == used[1] and used[0] > 5 and used[2] == 5


_answers = grading.make_answers


@pytest.mark.slow
def test_an_interrupted_run_goes_on_where_it_was(place, run, tmp_path, monkeypatch):
    for n in range(4):
        write(place / f"student {n}", SOLVED if n else STUBS)
    real, calls = grading._Grader.grade, []

    def interrupted(self, name, path):
        calls.append(name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(self, name, path)

    monkeypatch.setattr(grading._Grader, "grade", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(place, exercises=["relu"])
    assert not (tmp_path / "grades.csv").exists() and calls[:3] == ["student 0", "student 1", "student 2"]
    write(place / "student 0", SOLVED)  # handed in again, in the meantime
    monkeypatch.setattr(grading._Grader, "grade", lambda *args: calls.append(args[1]) or real(*args))
    calls.clear()
    table = run(place, exercises=["relu"])
    assert sorted(calls) == ["student 0", "student 2", "student 3"]
    assert {row["points"] for row in table.values()} == {str(POINTS["relu"])}
    calls.clear()
    assert run(place, overwrite=True, exercises=["relu"]) == table and calls == []
    part = tmp_path / "grades.csv.parts" / "student 1.json"
    same_run = {"seed": 5, "exercises": ["relu"], "stages": None, "seconds": 10}
    student = take_in(place).submissions["student 1"]
    assert grading._finished(part, student, same_run)
    for other in ({"seed": 6}, {"exercises": ["relu", "svm"]}, {"seconds": 20}, {"stages": ["core"]}):
        assert grading._finished(part, student, same_run | other) is None


def test_a_finished_table_is_not_overwritten_unasked(place, run, tmp_path, monkeypatch):
    write(place / "student", SOLVED)
    (tmp_path / "grades.csv").write_text("mine")
    monkeypatch.setattr(grading, "make_answers", lambda *a, **k: pytest.fail("began to work"))
    with pytest.raises(FileExistsError, match="exists already"):
        run(place)
    assert (tmp_path / "grades.csv").read_text() == "mine" and not (tmp_path / "grades.csv.parts").exists()


def test_misuse_ends_in_one_line(place, tmp_path, capsys):
    out = str(tmp_path / "grades.csv")
    for arguments in (
        [str(place), "--out", out],
        [str(place / "nowhere"), "--out", out],
        [str(place), "--out", out, "--exercises", "gelu"],
        [str(place), "--out", str(tmp_path / "grades.txt")],
    ):
        assert main(["grade", *arguments]) == 2
        error = capsys.readouterr().err
        assert error.startswith("pixelgrad grade: ") and error.count("\n") == 1
    assert not (tmp_path / "grades.csv").exists()


@pytest.mark.slow
def test_strange_names_do_not_stop_the_run(place, run, tmp_path):
    write(place / "=1+1", STUBS)
    write(place / ("x" * 250), STUBS)
    write(place / 'a, "b"\n', STUBS)
    write(Path(os.fsdecode(os.fsencode(place) + b"/\xff")), STUBS)
    table = run(place, exercises=["relu"])
    assert set(table) == {"'=1+1", "x" * 250, 'a, "b"\\n', "\\udcff"}
    assert len(list((tmp_path / "grades.csv.parts").glob("*.json"))) == 4


@pytest.mark.slow
def test_where_the_solutions_do_not_pass_nobody_is_graded(place, run, monkeypatch):
    write(place / "student", SOLVED)
    monkeypatch.setattr(grading, "edition_texts", lambda chosen: STUBS)
    with pytest.raises(RuntimeError, match="grading does not work here: the solution of affine itself does not pass"):
        run(place)


# -- what comes in -----------------------------------------------------------------------------------------------------


def test_unsafe_submissions_are_read_safely(place):
    names = hostile.hostile_zips(place, SOLVED)
    found = {name: submission.read() for name, submission in take_in(place).submissions.items()}
    assert set(names) == set(found) and not any(reading.files for reading in found.values())
    large = "layers/basic.py is 300,000,000 bytes large; at most 1,000,000 are read"
    assert found["swells"].error == f"cannot be read: {large}"
    assert found["damaged"].error.startswith("cannot be read: ")
    for name in ("climbs", "links", "linked"):
        assert found[name].error.startswith("holds none of the exercise files")


def test_any_damage_to_a_zip_is_survived(place):
    whole = write_zip(place / "whole.zip", SOLVED).read_bytes()
    with zipfile.ZipFile(place / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("layers/basic.py", SOLVED["layers/basic.py"])
    packed, rng = (place / "packed.zip").read_bytes(), random.Random(0)
    broken = bytearray(packed)
    broken[60:90] = b"\xff" * 30
    with pytest.raises(zlib.error), zipfile.ZipFile(write_bytes(place / "x.zip", broken)) as archive:
        archive.read("layers/basic.py")  # an error of which zipfile says nothing
    for _ in range(300):
        content = bytearray(rng.choice((whole, packed)))
        for _ in range(rng.randrange(1, 20)):
            content[rng.choice((rng.randrange(len(content)), -rng.randrange(1, 99)))] = rng.randrange(256)
        read = read_submission(write_bytes(place / "x.zip", content[: rng.choice((None, -5, 500))]))
        assert (read.error == "") == bool(read.files) and len(read.error) < 1001 and "\n" not in read.error
    assert read_submission(write_bytes(place / "x.zip", broken)).error.startswith("cannot be read: ")


def write_bytes(path, content):
    path.write_bytes(content)
    return path


def test_files_are_found_in_folders_of_any_depth(place):
    with zipfile.ZipFile(place / "x.zip", "w") as archive:
        archive.writestr("course/build/layers/basic.py", "old")
        archive.writestr("course/layers/basic.py", "new")
        archive.writestr("course/a/b/layers/losses.py", "deep")
        archive.writestr("course\\layers\\naive.py", "from Windows")
        archive.writestr("course/mylayers/norm.py", "another file")
    read = read_submission(place / "x.zip")
    deep = {"layers/basic.py": b"new", "layers/naive.py": b"from Windows", "layers/losses.py": b"deep"}
    assert read.files == deep and read.error == ""


def test_files_that_are_none_are_left_out(place, tmp_path):
    write(tmp_path / "secret" / "layers", {"basic.py": "secret"})
    (place / "a").mkdir()
    (place / "a" / "layers").symlink_to(tmp_path / "secret" / "layers")
    write(place / "b", {"layers/losses.py": "fine"})
    os.mkfifo(place / "b" / "layers" / "basic.py")
    write(place / "c", {"layers/basic.py": "#" * 1_000_001})
    for n in range(2):
        write_zip(write(place / "d", {"x": ""}) / f"{n}.zip", SOLVED)
    assert read_submission(place / "a").files == {}
    assert read_submission(place / "b").files == {"layers/losses.py": b"fine"}
    large = "layers/basic.py is 1,000,001 bytes large; at most 1,000,000 are read"
    assert read_submission(place / "c").error == f"cannot be read: {large}"
    assert set(read_submission(place / "d").files) == set(SOLVED)  # twice the same


def test_one_submission_alone(place, tmp_path):
    assert list(take_in(write(place / "a", SOLVED)).submissions) == ["a"]
    assert list(take_in(write_zip(tmp_path / "b.zip", SOLVED)).submissions) == ["b"]
    write_zip(place / "a.zip", SOLVED)
    assert list(take_in(place).submissions) == ["a", "a.zip"]
    assert list(take_in(place, single=True).submissions) == ["in"]


@pytest.mark.slow
def test_core_alone_can_be_asked_for(place, run):
    text = SOLVED["layers/basic.py"].replace("return dout * (x > 0)", "return dout * (x >= 0)")
    write(place / "zero passes", SOLVED | {"layers/basic.py": text})
    assert run(place, exercises=["relu"])["zero passes"]["relu"] == "4"
    row = run(place, exercises=["relu"], stages=["core"], overwrite=True)["zero passes"]
    assert (row["relu"], row["max_points"]) == ("3", "3")
