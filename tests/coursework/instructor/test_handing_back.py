"""What goes out: import files, pages for students, tables without names; and the run of the whole command."""

import csv
import html.parser
import json
import subprocess
import sys

import pytest

from pixelgrad.cli import main
from pixelgrad.coursework.checker.judge import PASSED, WRONG, Verdict
from pixelgrad.coursework.exercises.catalogue import EXERCISES
from pixelgrad.coursework.instructor import grading
from pixelgrad.coursework.instructor.anonymous import anonymised
from pixelgrad.coursework.instructor.exports import write_export
from pixelgrad.coursework.instructor.feedback import page, without_answers, write_feedback
from pixelgrad.coursework.instructor.grades import ABSENT, UNGRADED, Grade
from pixelgrad.coursework.instructor.grading import grade
from pixelgrad.coursework.instructor.locking import locked
from pixelgrad.coursework.instructor.make import edition_texts
from pixelgrad.coursework.instructor.roster import Student

SOLVED = edition_texts([])
BASIC = SOLVED["layers/basic.py"]
RELU = EXERCISES["relu"].points


def graded(name, points, student, **options):
    status = PASSED if points else options.pop("status", WRONG)
    message = options.pop("message", "")
    verdict = Verdict("relu", status, points, RELU, None, message)
    return Grade(name, [verdict], options.pop("error", ""), student=student, **options)


FIELDS = {"Student": "Doe, Jane", "ID": "11", "SIS User ID": "S1", "SIS Login ID": "jane", "Section": "A"}
GRADES = [
    graded("jane", RELU, Student("Doe, Jane", ids=("11", "S1", "jane"), fields=FIELDS)),
    graded("bo", 0, Student("Bo Lee", "bo@uni.edu", ("12",), "12", "canvas")),
    graded("cy", 0, Student("Cy Kim", number="13", system="moodle"), state=UNGRADED, error="which?"),
    graded("di", 0, Student("Di No", ids=("14",), number="14", system="gradescope"), state=ABSENT),
    graded("unknown", RELU, Student()),
    graded("twice", RELU, Student("Ed", ids=("15",))),
    graded("twice (2)", 0, Student("Ed", ids=("15",))),
]


def exported(tmp_path, system):
    missing = write_export(tmp_path / "x.csv", system, GRADES, assignment="HW1 (77)")
    assert missing[0].startswith("unknown: ") and "twice, twice (2)" in missing[1]
    with open(tmp_path / "x.csv", newline="", encoding="utf-8") as f:
        return list(csv.reader(f))


def test_canvas_gets_its_gradebook(tmp_path):
    header, possible, *rows = exported(tmp_path, "canvas")
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "HW1 (77)"]
    assert possible[0].strip() == "Points Possible" and possible[-1] == str(RELU)
    assert rows[0] == ["Doe, Jane", "11", "S1", "jane", "A", str(RELU)]
    assert rows[1] == ["Bo Lee", "12", "", "bo@uni.edu", "", "0"]
    assert [row[-1] for row in rows[2:]] == ["", ""]  # a question is not a zero


def test_moodle_gets_its_worksheet(tmp_path):
    header, *rows = exported(tmp_path, "moodle")
    assert header[:2] == ["Identifier", "Full name"] and header[4:6] == ["Grade", "Maximum grade"]
    assert rows == [["Participant 13", "Cy Kim", "", "", "", str(RELU), "which?"]]
    missing = write_export(tmp_path / "x.csv", "moodle", GRADES, overwrite=True)
    assert [words.split(":")[0] for words in missing] == ["unknown", "Ed", "jane", "bo"]
    assert "grading worksheet as --roster" in missing[2]


def test_gradescope_gets_its_scores(tmp_path):
    header, *rows = exported(tmp_path, "gradescope")
    assert header == ["First Name", "Last Name", "SID", "Email", "Total Score", "Max Points", "Status"]
    assert rows[1] == ["Bo", "Lee", "12", "bo@uni.edu", "0", str(RELU), "Graded"]
    assert rows[3] == ["Di", "No", "14", "", "", str(RELU), "Missing"]


def test_an_unknown_system_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="canvas, moodle, gradescope"):
        write_export(tmp_path / "x.csv", "blackboard", GRADES)


# -- feedback ----------------------------------------------------------------------------------------------------------


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_a_page_says_what_is_wrong_and_gives_no_answer_away():
    message = "In the case 'plain': dx[0, 1] is 3.5; expected -4.25e-05. 2 of 9 entries are wrong.\nIt is right in: a."
    text = page(graded("jane", 0, Student(), message=message))
    assert "is 3.5" in text and "4.25" not in text and "2 of 9 entries are wrong" in text
    assert "expected another number" in text and EXERCISES["relu"].hints[0][:20] in text.replace("&#x27;", "'")
    assert f"0 of {RELU} points" in text


@pytest.mark.parametrize("number", ["3", "-3.25", "1e-05", "6.02e+23", "nan", "-inf", "0"])
def test_no_number_is_given_away(number):
    assert without_answers(f"loss is 2.5; expected {number}.") == "loss is 2.5; expected another number."
    shape = "dx has the shape (2, 3); expected (3, 2)."
    assert without_answers(shape) == shape


def test_what_is_to_do_is_named():
    text = page(graded("jane", 0, Student(), status="todo", message="relu: relu_forward"))
    assert "Still to do: relu_forward" in text


def test_pages_are_safe_whatever_students_write():
    evil = "<script>alert(1)</script>\x1b[31m\u202e"
    text = page(graded(evil, 0, Student(evil), message=evil, error=evil + "!"))
    assert "<script" not in text and "\x1b" not in text and "\u202e" not in text
    assert not {"script", "img", "a", "iframe"} & set(Tags(text).tags) and "href" not in Tags(text).attributes


def test_each_student_has_a_page_of_its_own(tmp_path):
    names = ["a/b", "a_b", "A_B", "..", "x" * 250, "con\n", "jane"]
    grades = [graded(name, 0, Student()) for name in names] + [graded("absent", 0, Student(), state=ABSENT)]
    paths = write_feedback(tmp_path / "pages", grades)
    assert len({path.name.casefold() for path in paths}) == len(names) == len(list((tmp_path / "pages").iterdir()))
    assert write_feedback(tmp_path / "pages", grades) == paths  # again, over the old ones
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="choose another place"):
        write_feedback(tmp_path / "file", grades)


def test_names_are_gone_and_the_key_leads_back():
    error = "which is layers/basic.py? These differ: jane doe/basic.py"
    jane = graded("Jane Doe", 0, Student("Jane Doe", "j@uni.edu"), error=error, state=UNGRADED, notes=("late", "x"))
    rows, key = anonymised([jane, *GRADES], seed=3)
    assert [one.submission for one in rows] == [f"student {n:02d}" for n in range(1, len(GRADES) + 2)] == list(key)
    name = next(name for name, one in key.items() if one is jane)
    hidden = next(one for one in rows if one.submission == name)
    assert "jane" not in (hidden.error + str(hidden.notes) + str(hidden.student)).lower()
    assert hidden.notes == ("late",) and hidden.points == 0 and "layers/basic.py" in hidden.error
    assert anonymised([jane, *GRADES], seed=3)[0] == rows


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path):
    """Moodle's download of a course with a roster; returns the arguments to grade it."""
    place = tmp_path / "in"
    for name, text in (("Doe Jane_7", BASIC), ("Lee Bo_8", "# mine\n" + BASIC), ("Kim Cy_9", "x = 1\n")):
        folder = place / f"{name}_assignsubmission_file_"
        folder.mkdir(parents=True)
        (folder / "basic.py").write_text(text, encoding="utf-8")
    (place / "Lee Bo_8_assignsubmission_file_" / "basic (1).py").write_text(BASIC, encoding="utf-8")
    roster = "Identifier,Full name,Email address\nParticipant 7,Jane Doe,j@u.edu\nParticipant 5,Di No,d@u.edu\n"
    (tmp_path / "roster.csv").write_text(roster + "Participant 8,Bo Lee,b@u.edu\n")
    arguments = ["grade", str(place), "--out", str(tmp_path / "grades.csv"), "--roster", str(tmp_path / "roster.csv")]
    return [*arguments, "--exercises", "relu", "--seed", "5"]


def test_everyone_has_a_row_and_what_was_not_graded_is_told(course, tmp_path, capsys):
    feedback = tmp_path / "pages"
    assert main([*course, "--export", "moodle", "--feedback", str(feedback)]) == 1
    out, err = capsys.readouterr()
    with open(tmp_path / "grades.csv", newline="", encoding="utf-8") as f:
        rows = {row["submission"]: row for row in csv.DictReader(f)}
    assert list(rows) == ["Doe Jane", "Kim Cy", "Lee Bo", "Di No"]
    assert (rows["Doe Jane"]["points"], rows["Doe Jane"]["student"]) == (str(RELU), "Jane Doe")
    assert rows["Di No"]["error"] == "handed in nothing"
    assert "Not on the roster: Kim Cy." in out and "Handed in nothing: Di No\n" in out
    lines = [line for line in err.splitlines() if line.startswith("Not graded: ")]
    assert [line.split(": ")[1] for line in lines] == ["Kim Cy", "Lee Bo"] and "basic (1).py, basic.py" in lines[1]
    with open(tmp_path / "grades.moodle.csv", newline="", encoding="utf-8") as f:
        grades = {row["Identifier"]: row["Grade"] for row in csv.DictReader(f)}
    assert grades == {"Participant 7": str(RELU), "Participant 5": "", "Participant 8": "", "Participant 9": ""}
    assert {path.name for path in feedback.iterdir()} == {"Doe Jane.html", "Kim Cy.html", "Lee Bo.html"}
    assert "Who handed in nothing" in (tmp_path / "grades.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_an_anonymous_table_names_nobody(course, tmp_path, capsys):
    assert main([*course, "--anonymous", "--feedback", str(tmp_path / "pages"), "--quiet"]) == 1
    written = [tmp_path / "grades.csv", tmp_path / "grades.html", *(tmp_path / "pages").iterdir()]
    for path in written:
        text = path.read_text(encoding="utf-8").lower()
        assert not [word for word in ("jane", "kim cy", "lee bo", "u.edu") if word in text + path.name], path
    assert "Doe Jane" in (tmp_path / "grades.key.csv").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main([*course, "--anonymous", "--export", "blackboard"])
    assert main([*course, "--anonymous", "--export", "canvas", "--force"]) == 2
    assert "use one of them" in capsys.readouterr().err


def test_what_cannot_be_written_is_told_before_the_work(course, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(grading, "make_answers", lambda *a, **k: pytest.fail("began to work"))
    (tmp_path / "grades.canvas.csv").write_text("mine")
    (tmp_path / "pages").write_text("mine")
    (tmp_path / "bad.csv").write_text("a,b\n")
    for more in (
        ["--export", "canvas"],
        ["--feedback", str(tmp_path / "pages")],
        ["--roster", str(tmp_path / "bad.csv")],
    ):
        assert main([*course, *more]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert (tmp_path / "grades.canvas.csv").read_text() == (tmp_path / "pages").read_text() == "mine"


def test_a_second_grader_at_one_table_stops_before_it_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "make_answers", lambda *a, **k: pytest.fail("began to work"))
    (tmp_path / "in" / "jane").mkdir(parents=True)
    parts = tmp_path / "grades.csv.parts"
    parts.mkdir()
    with locked(parts / "lock", "the table"), pytest.raises(BlockingIOError, match="another grader is at work on"):
        grade(tmp_path / "in", tmp_path / "grades.csv", exercises=["relu"])
    assert not (parts / "run.txt").exists()


def test_the_lock_of_a_grader_that_died_is_open(tmp_path):
    code = f"""
import os
from pathlib import Path
from pixelgrad.coursework.instructor.locking import locked
with locked(Path({str(tmp_path / "lock")!r}), "x"):
    os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    with locked(tmp_path / "lock", "the table"):
        pass


@pytest.mark.slow
def test_escape_sequences_stay_out_of_all_that_is_written(tmp_path, capsys):
    place = tmp_path / "in" / "\x1b[31mred"
    place.mkdir(parents=True)
    (place / "basic.py").write_text(BASIC + '\nraise ValueError("\\x1b[31m\\x07\\u202e")\n', encoding="utf-8")
    out = tmp_path / "grades.csv"
    code = main(
        ["grade", str(tmp_path / "in"), "--out", str(out), "--exercises", "relu", "--feedback", str(tmp_path / "p")]
    )
    said = capsys.readouterr()
    parts = [
        json.loads(path.read_text(encoding="utf-8"))["output"]
        for path in (tmp_path / "grades.csv.parts").glob("*.json")
    ]
    pages = [path.read_text(encoding="utf-8") for path in (tmp_path / "p").iterdir()]
    texts = [
        said.out,
        out.read_text(encoding="utf-8"),
        out.with_suffix(".html").read_text(encoding="utf-8"),
        *pages,
        *parts,
    ]
    assert code == 0 and all(not {"\x1b", "\x07", "\u202e"} & set(text) for text in texts)
    assert "\\x1b[31m\\x07\\u202e" in texts[1]


@pytest.mark.slow
def test_decisions_are_carried_out_without_grading_again(course, tmp_path, monkeypatch, capsys):
    overrides = tmp_path / "overrides.csv"
    overrides.write_text("submission,exercise,points,late\nnobody,relu,1,\n")
    monkeypatch.setattr(grading, "make_answers", lambda *a, **k: pytest.fail("began to work"))
    assert main([*course, "--overrides", str(overrides)]) == 2
    assert "there is no submission 'nobody'" in capsys.readouterr().err
    monkeypatch.undo()
    assert main(course) == 1
    monkeypatch.setattr(grading._Grader, "grade", lambda *a: pytest.fail("graded again"))
    overrides.write_text("submission,exercise,points,late\nLee Bo,relu,1,\nKim Cy,relu,0,\nDoe Jane,,,yes\n")
    assert main([*course, "--overrides", str(overrides), "--late", "50", "--force"]) == 0
    with open(tmp_path / "grades.csv", newline="", encoding="utf-8") as f:
        points = {row["submission"]: float(row["points"]) for row in csv.DictReader(f)}
    assert points == {"Doe Jane": RELU / 2, "Lee Bo": 1, "Kim Cy": 0, "Di No": 0}
