"""Small arrays beside a message, colours of the board, and how long a child may take."""

import io

import numpy as np
import pytest

from pixelgrad.cli.check import _has_colour
from pixelgrad.coursework.checker.board import board
from pixelgrad.coursework.checker.judge import PASSED, WRONG, Verdict
from pixelgrad.coursework.checker.runner import Patience


def is_wrong(o):
    o["outputs"]["dx"].flat[0] += 1


def test_the_smallest_failing_case_is_drawn(changed, judged):
    verdict = judged(changed(is_wrong, cases=("several images", "stride 2")))
    lines = verdict.example.splitlines()
    assert lines[0] == "The case 'stride 2' in numbers:"
    assert lines[1].split() == ["x", "(1,", "1,", "4,", "5)"]
    assert lines[6].split() == ["your", "dx", "(1,", "1,", "4,", "5)", "right", "dx", "(1,", "1,", "4,", "5)"]
    assert len(lines) == 1 + 2 * (1 + 4)  # two bands, a line for each row


def test_the_case_that_is_shown_is_drawn_if_it_can_be(changed, judged):
    verdict = judged(changed(is_wrong, cases=("plain", "stride 2")))
    assert "In the case 'plain'" in verdict.message and verdict.example.startswith("The case 'plain' in numbers:")


def test_a_small_difference_is_visible(changed, judged):
    def nearly(o):
        o["outputs"]["dx"] *= 1 + 1e-5

    *_, first = judged(changed(nearly, cases=("plain",))).example.splitlines()[-4:]
    left, right = first.split()[:5], first.split()[5:]
    assert left != right


def test_what_is_too_large_is_not_drawn(changed, judged):
    assert judged(changed(is_wrong, cases=("several images",))).example == ""
    assert judged(changed()).example == ""


@pytest.mark.parametrize("colour, sign", [(True, "\x1b[32m✓ passed"), (False, "✓ passed")])
def test_the_board_has_colour_on_request_only(colour, sign):
    text = board([Verdict("affine", PASSED, 5, 5), Verdict("relu", WRONG, 0, 5, None, "No.")], colour=colour)
    assert sign in text and ("\x1b[31m✗ wrong" in text) == colour and ("\x1b" in text) == colour


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_colour_is_for_terminals_that_want_it(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert _has_colour(Terminal()) and not _has_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not _has_colour(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not _has_colour(Terminal())


class Child:
    """A child whose processor time a test decides."""

    def __init__(self):
        self.told, self.most_slowed = (0.0, True), 20

    def used(self):
        return self.told


@pytest.fixture
def patience(monkeypatch):
    """patience(elapsed, told, step=0.1) -> whether a child that may take 5 seconds is ended before or at that time."""
    clock = [0.0]
    monkeypatch.setattr("pixelgrad.coursework.checker.runner.time.monotonic", lambda: clock[0])
    child = Child()
    one = Patience(child)

    def ends(elapsed, told, step=0.1):
        child.told, ended = told, False
        while clock[0] < elapsed and not ended:
            clock[0] += step
            ended = one.ends(5)
        return ended or any(one.ends(5) for _ in range(100))

    return ends


def test_a_slow_child_on_a_busy_machine_goes_on(patience):
    assert not patience(4, (9.0, True))  # several threads
    assert not patience(50, (4.0, True))


def test_the_time_of_a_machine_that_stood_still_is_not_counted(patience):
    assert not patience(1, (0.5, True))
    assert not patience(1000, (0.5, True), step=999)
    assert not patience(1003, None)
    assert patience(1005, None)


def test_a_child_that_used_its_time_or_does_nothing_is_ended(patience):
    assert patience(6, (5.5, True))
    assert patience(6, (0.1, False))
    assert patience(6, None)
    assert patience(101, (1.0, True))


def test_long_rows_do_not_hide_what_is_right(changed, judged):
    verdict = judged(changed(is_wrong))
    assert max(map(len, verdict.example.splitlines())) <= 110
    assert np.all(["right dx" in verdict.example, "your dx" in verdict.example])
