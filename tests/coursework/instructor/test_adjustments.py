"""The instructor's decisions: points by hand, extensions, and what being late costs."""

import pytest

from pixelgrad.coursework.checker.judge import BLOCKED, PASSED, Verdict
from pixelgrad.coursework.exercises.catalogue import EXERCISES
from pixelgrad.coursework.instructor.adjustments import Override, adjusted, read_overrides
from pixelgrad.coursework.instructor.grades import GRADED, UNGRADED, Grade

AFFINE, RELU = EXERCISES["affine"].points, EXERCISES["relu"].points


def grades():
    """One who has solved all and was late, one who could not be graded."""
    right = [Verdict("affine", PASSED, AFFINE, AFFINE), Verdict("relu", PASSED, RELU, RELU)]
    nothing = [Verdict("affine", BLOCKED, 0, AFFINE, None, "?"), Verdict("relu", BLOCKED, 0, RELU, None, "?")]
    return [Grade("jane", right, "", notes=("late",)), Grade("bo", nothing, "which?", state=UNGRADED)]


def test_late_submissions_lose_a_part_of_their_points():
    jane, bo = adjusted(grades(), [], 10)
    assert jane.points == round(0.9 * (AFFINE + RELU), 2) and jane.notes == ("late", "10 % off for being late")
    assert adjusted(grades(), [])[0].points == AFFINE + RELU and bo.points == 0


def test_an_extension_takes_that_back():
    (jane, _) = adjusted(grades(), [Override("jane", late=False, reason="ill")], 10)
    assert jane.points == AFFINE + RELU and jane.notes == ("not late by the instructor (ill)",)
    (_, bo) = adjusted(grades(), [Override("bo", late=True), Override("bo", "relu", RELU)], 100)
    assert bo.points == 0 and "late" in bo.notes


def test_points_by_hand_are_noted_and_make_a_grade():
    (_, bo) = adjusted(grades(), [Override("bo", "relu", 1), Override("bo", "relu", RELU, reason="oral")])
    assert bo.points == RELU and bo.state == GRADED and bo.verdicts[1].status == PASSED
    assert bo.notes[-1] == f"relu: {RELU} points by the instructor (oral)"


def test_a_name_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match="there is no submission 'janet'"):
        adjusted(grades(), [Override("janet", late=False)])


def test_the_table_is_read(tmp_path):
    path = tmp_path / "overrides.csv"
    path.write_bytes("\ufeffsubmission,exercise,points,late,reason\r\njane,relu,1,,oral\r\nbo,,,NO,\r\n".encode())
    assert read_overrides(path, ["relu"]) == [Override("jane", "relu", 1, reason="oral"), Override("bo", late=False)]
    path.write_text("submission,late\njane,yes\n")
    assert read_overrides(path, ["relu"]) == [Override("jane", late=True)]


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "its columns are none"),
        ("submission,grade\nx,1\n", "its columns are submission, grade; expected some of"),
        ("submission,exercise,points\nx,relu,\n", "line 2: an exercise and its points belong together"),
        ("submission,exercise,points\nx,tv,1\n", "line 2: 'tv' is not graded"),
        ("submission,exercise,points\nx,relu,99\n", "line 2: '99' points for relu; expected 0 to"),
        ("submission,exercise,points\nx,relu,-1\n", "line 2: '-1' points for relu"),
        ("submission,late\nx,maybe\n", "line 2: late is 'maybe'; expected yes or no"),
    ],
)
def test_what_is_no_decision_says_so(tmp_path, text, words):
    (tmp_path / "overrides.csv").write_text(text)
    with pytest.raises(ValueError, match=words):
        read_overrides(tmp_path / "overrides.csv", ["relu"])
