"""The roster: tables of every course system, and who on them handed in what."""

import pytest

from pixelgrad.coursework.instructor.intake import Submission
from pixelgrad.coursework.instructor.roster import Student, match, participant, read_roster

TABLES = {
    "plain": "name,id,e-mail\nJane Doe,31001,jane@uni.edu\nBo Lee,31002,bo@uni.edu\n",
    "semicolons": "Name;ID;E-Mail\nJane Doe;31001;jane@uni.edu\nBo Lee;31002;bo@uni.edu\n",
    "canvas": (
        'Student,ID,SIS User ID,SIS Login ID,Section,HW1 (77)\n"    Points Possible",,,,,10\n'
        '"Doe, Jane",31001,S1,jane@uni.edu,A,\n"Lee, Bo",31002,S2,bo@uni.edu,A,\n"Student, Test",9,,x,A,\n'
    ),
    "moodle": (
        "Identifier,Full name,ID number,Email address,Status,Grade\n"
        "Participant 31001,Jane Doe,S1,jane@uni.edu,Submitted,\nParticipant 31002,Bo Lee,S2,bo@uni.edu,,\n"
    ),
    "moodle participants": '"First name","Last name","Email address"\nJane,Doe,jane@uni.edu\nBo,Lee,bo@uni.edu\n',
    "gradescope": "First Name,Last Name,SID,Email,Section\nJane,Doe,31001,jane@uni.edu,\nBo,Lee,31002,bo@uni.edu,\n",
}


@pytest.mark.parametrize("system", TABLES)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_tables_of_every_system_are_read(tmp_path, system, encoding):
    (tmp_path / "roster.csv").write_bytes(TABLES[system].replace("\n", "\r\n").encode(encoding))
    jane, bo = read_roster(tmp_path / "roster.csv")
    assert jane.name in ("Jane Doe", "Doe, Jane") and bo.name in ("Bo Lee", "Lee, Bo")
    assert "jane@uni.edu" in (jane.email, *jane.ids)
    if "participants" not in system:
        assert any("31001" in one for one in jane.ids)


@pytest.mark.parametrize(
    "text, words",
    [("", "the first line must name the columns"), ("a,b\n1,2\n", "none of its columns"), ("name\n\n", "no student")],
)
def test_what_is_no_roster_says_so(tmp_path, text, words):
    (tmp_path / "roster.csv").write_text(text)
    with pytest.raises(ValueError, match=words) as error:
        read_roster(tmp_path / "roster.csv")
    assert str(error.value).startswith("roster ") and "\n" not in str(error.value)


ROSTER = [
    Student("Doe, Jane", "jane.d@uni.edu", ("31001",)),
    Student("Müller, Anna Maria", "am@uni.edu", ("31002",)),
    Student("Bo Lee", "bo@uni.edu", ("31003", "bo-lee")),
    Student("Bo Lee", "bo2@uni.edu", ("31004",)),
]


@pytest.mark.parametrize(
    "name, student, place",
    [
        ("Jane Doe", Student(), 0),
        ("jane doe (2)", Student("JANE DOE"), 0),
        ("31002", Student(), 1),
        ("jane.d", Student(), 0),
        ("am@uni.edu", Student(), 1),
        ("hw1_31001", Student(), 0),
        ("hw1-bo-lee", Student(ids=("bo-lee",)), 2),
        ("Muller Anna Maria", Student(), 1),
        ("mullerannamaria", Student("mullerannamaria", system="canvas"), 1),
        ("Bo Lee", Student(), None),  # there are two
        ("Bo Lee", Student("Bo Lee", ids=("31004",), system="gradescope"), 3),
        ("Cy Kim", Student("Cy Kim", ids=participant("31001"), system="moodle"), None),  # a number of another kind
        ("Bo Smith", Student(), None),  # somebody else's user name is bo
        ("Doe_Jane", Student(), 0),
        ("nobody", Student(), None),
    ],
)
def test_submissions_find_their_students(name, student, place):
    found = match(ROSTER, {name: Submission(name, list, student)})
    assert found == ({} if place is None else {name: place})
