"""Intake: every shape of submission is read or explained, and every student gets a row."""

import gzip
import importlib.util
import io
import os
import random
import tarfile
import zipfile
from pathlib import Path

import pytest

from pixelgrad.coursework.instructor import archives, submissions
from pixelgrad.coursework.instructor.gradescope import read_metadata
from pixelgrad.coursework.instructor.intake import take_in
from pixelgrad.coursework.instructor.make import edition_texts
from pixelgrad.coursework.instructor.submissions import read_submission

_spec = importlib.util.spec_from_file_location("shapes", Path(__file__).parents[1].joinpath("shapes.py"))
shapes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shapes)

SOLVED = edition_texts([])
BASIC = SOLVED["layers/basic.py"]


def readings(path):
    return {name: one.read() for name, one in take_in(path).submissions.items()}


@pytest.mark.parametrize("name", shapes.SHAPES)
def test_every_shape_is_read_or_explained(name, tmp_path):
    path, expected = shapes.SHAPES[name](tmp_path, SOLVED)
    found = readings(path)
    assert set(found) == set(expected)
    for row, wanted in expected.items():
        if wanted == shapes.ALL or isinstance(wanted, list):
            files = SOLVED if wanted == shapes.ALL else {file: SOLVED[file] for file in wanted}
            assert found[row].error == "" and found[row].files == {f: t.encode() for f, t in files.items()}, found[row]
        else:
            assert found[row].files == {} and wanted in found[row].error
            assert "\n" not in found[row].error
            assert any(words in found[row].error for words in ("hand in", "hand it in", "grade again", "export"))


def test_there_are_many_shapes():
    assert len(shapes.SHAPES) >= 25


def test_attempts_are_listed(tmp_path):
    path, _ = shapes.SHAPES["canvas unpacked"](tmp_path, SOLVED)
    taken = take_in(path)
    assert taken.submissions["doejane"].read().notes == (
        "attempts: submission.zip, submission-1.zip, submission-2.zip; the newest counts (submission-2.zip)",
    )
    assert taken.submissions["leebo"].late and "late" in taken.submissions["leebo"].read().notes


def test_files_from_several_attempts_are_told(tmp_path):
    """A later attempt replaces what an earlier one holds, and nothing else."""
    losses = SOLVED["layers/losses.py"]
    first = shapes.zipped({"layers/basic.py": "old = 1", "layers/losses.py": losses})
    second = shapes.zipped({"layers/basic.py": BASIC}, when=(2027, 1, 2, 0, 0, 0))
    reading = read_submission(shapes.write(tmp_path, {"a.zip": first, "b.zip": second}))
    assert reading.files == {"layers/basic.py": BASIC.encode(), "layers/losses.py": losses.encode()}
    assert "attempts: a.zip, b.zip; the newest counts (b.zip)" in reading.notes
    assert "its files come from several attempts: a.zip, b.zip" in reading.notes


def test_names_and_numbers_are_those_of_the_course_system(tmp_path):
    moodle = take_in(shapes.write(tmp_path / "m", {"Doe Jane_7_assignsubmission_file_/basic.py": BASIC}))
    student = moodle.submissions["Doe Jane"].student
    assert (moodle.system, student.name, student.number) == ("moodle", "Doe Jane", "7")
    canvas = take_in(shapes.write(tmp_path / "c", {"doejane_11_12_basic.py": BASIC, "readme.pdf": "x"}))
    assert (canvas.system, canvas.submissions["doejane"].student.number) == ("canvas", "11")
    assert canvas.skipped == ("readme.pdf does not have a name that Canvas gives to submissions",)
    hub = take_in(shapes.write(tmp_path / "g", {"hw-a/basic.py": BASIC, "hw-b-c/basic.py": BASIC}))
    assert [one.student.ids for one in hub.submissions.values()] == [("a",), ("b-c",)]


def test_who_handed_in_together_is_told():
    people = read_metadata(shapes.METADATA)
    assert [(s.name, s.number, s.email) for s in people["submission_501"]] == [
        ("Jane Doe", "31001", "jane@uni.edu"),
        ("Bo O'Lee", "31002", "bo@uni.edu"),
    ]
    assert [s.name for s in people["submission_502"]] == ["Cy Kim"] and people["submission_502"][0].ids == ()


def test_what_is_left_out_is_listed(tmp_path):
    shapes.write(tmp_path, {"doe/basic.py": BASIC, "notes.txt": "x", "roster.csv": "name", "work.txt": BASIC})
    (tmp_path / "link").symlink_to(tmp_path / "doe")
    os.mkfifo(tmp_path / "pipe")
    taken = take_in(tmp_path)
    assert list(taken.submissions) == ["doe", "work"] and len(taken.skipped) == 4
    assert "link is a link; links are not followed" in taken.skipped


@pytest.mark.parametrize("path, words", [("nowhere", "neither a submission nor a folder"), (".", "no submissions")])
def test_nothing_to_grade_is_an_error(tmp_path, path, words):
    with pytest.raises(ValueError, match=words):
        take_in(tmp_path / path)


def test_a_file_is_the_better_candidate_where_it_has_its_name(tmp_path):
    """Scratch files that define the same do not matter where the file itself is there."""
    shapes.write(tmp_path, {"layers/basic.py": BASIC, "scratch.py": "def relu_forward(x): return x"})
    assert read_submission(tmp_path).files == {"layers/basic.py": BASIC.encode()}


def test_names_without_functions_are_no_exercise_files(tmp_path):
    assert read_submission(shapes.write(tmp_path, {"basic.py": "x = 1"})).error.startswith("holds none")


def test_a_broken_file_is_found_all_the_same(tmp_path):
    assert read_submission(shapes.write(tmp_path, {"basic.py": "def relu_forward(:\n"})).files


# -- protection --------------------------------------------------------------------------------------------------------


def tar_with(**members):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, fields in members.items():
            info = tarfile.TarInfo(fields.pop("name", name))
            content = fields.pop("content", b"")
            info.size = len(content)
            for field, value in fields.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def test_a_tar_file_neither_climbs_nor_links(tmp_path):
    bad = {"name": "../layers/basic.py", "content": b"x"}
    link = {"name": "layers/losses.py", "type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}
    hard = {"name": "layers/norm.py", "type": tarfile.LNKTYPE, "linkname": "layers/losses.py"}
    device = {"name": "layers/naive.py", "type": tarfile.CHRTYPE}
    absolute = {"name": "/layers/im2col.py", "content": b"x"}
    data = tar_with(a=bad, b=link, c=hard, d=device, e=absolute)
    shapes.write(tmp_path, {"x.tar": data})
    assert read_submission(tmp_path / "x.tar").error.startswith("holds none")


@pytest.mark.slow
def test_bombs_of_every_kind_are_refused(tmp_path):
    shapes.write(
        tmp_path,
        {
            "a.tar.gz": gzip.compress(bytes(archives.MOST_UNPACKED + 2**20)),
            "b.zip": shapes.zipped({"x.zip": shapes.zipped({"layers/basic.py": "#" * 2_000_000})}),
            "c.tar": tar_with(**{"layers/basic.py": {"content": b"#" * 1_000_001}}),
            "d.zip": shapes.zipped({f"{n}.txt": "" for n in range(10_001)}),
            "e.tar": tar_with(**{f"{n}.txt": {} for n in range(10_001)}),
            "f.zip": shapes.zipped(
                {f"{n}.zip": shapes.zipped({f"{k}.txt": "" for k in range(200)}) for n in range(60)}
            ),
        },
    )
    words = {"a": "unpacks to more", "b": "2,000,000 bytes", "c": "1,000,001 bytes", "d": "10,001 files"}
    words |= {"e": "more than 10,000 files", "f": "more than 10,000 files"}
    found = readings(tmp_path)
    assert set(found) == set(words)
    for name, part in words.items():
        assert found[name].files == {} and part in found[name].error, found[name].error


@pytest.mark.parametrize("name", ["moodle zip", "canvas zip", "gradescope export", "tar files", "zip in zip"])
def test_any_damage_to_an_archive_is_survived(tmp_path, name):
    """Every row can still be read or says why not; bad input raises nothing else than one clear ValueError."""
    small = {"basic": "def relu_forward(x): return x, x\n", "losses": "def svm_loss(x, y): return 0, x\n"}
    shapes.SHAPES[name](tmp_path, {f"layers/{file}.py": text for file, text in small.items()})
    whole = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    rng = random.Random(0)
    for _ in range(100):
        file, content = rng.choice(list(whole.items()))
        content = bytearray(content)
        for _ in range(rng.randrange(1, 20)):
            content[rng.choice((rng.randrange(len(content)), -rng.randrange(1, 99)))] = rng.randrange(256)
        (tmp_path / file).write_bytes(content[: rng.choice((None, -5, 500))])
        for row, one in take_in(tmp_path / file).submissions.items():
            reading = one.read()
            assert bool(reading.error) != bool(reading.files) and (row + reading.error).isprintable()


def test_many_large_sources_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "MOST_SOURCES", 3 * len(BASIC))
    shapes.write(tmp_path, {f"{n}/basic.py": BASIC for n in range(4)})
    assert "Python files have more than" in read_submission(tmp_path).error


def test_an_encrypted_zip_says_so(tmp_path):
    data = bytearray(shapes.zipped({"layers/basic.py": BASIC}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    shapes.write(tmp_path, {"x.zip": bytes(data)})
    assert (
        read_submission(tmp_path / "x.zip").error == "cannot be read: x.zip is encrypted; hand it in without a password"
    )


def test_umlauts_in_a_zip_are_read_whether_or_not_it_says_how(tmp_path):
    name = "Müller Anna_7_assignsubmission_file_/basic.py"
    data = bytearray(shapes.zipped({name: BASIC}))
    for mark, offset in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        data[data.index(mark) + offset] &= ~8 & 255
    shapes.write(tmp_path, {"x.zip": bytes(data)})
    assert zipfile.ZipFile(tmp_path / "x.zip").namelist() != [name]
    assert list(take_in(tmp_path / "x.zip").submissions) == ["Müller Anna"]


def test_control_characters_stay_out_of_rows_and_messages(tmp_path):
    shapes.write(tmp_path, {"\x1b[31mred\u202e/x\x07.txt": "", "a/basic\x1b(1).ipynb": ""})
    found = readings(tmp_path)
    assert list(found) == ["\\x1b[31mred\\u202e", "a"]
    assert all((name + one.error).isprintable() for name, one in found.items())
