"""Whatever a student's code does, there is a plain report, and the next exercise is run."""

import time

import pytest

from pixelgrad.coursework.checker.judge import PASSED, TOO_LONG, WRONG
from pixelgrad.coursework.checker.runner import HALTED


@pytest.mark.slow
@pytest.mark.parametrize(
    "body, words",
    [
        ("while True: pass", TOO_LONG),
        ("import os; os._exit(0)", "It ended the whole program (exit code 0)."),
        ("import sys; sys.exit(3)", "SystemExit in relu_forward (basic.py), line {line}: 3"),
        ("import ctypes; ctypes.string_at(0)", "The program died (signal 11)"),
        ("np.ones(10**11)", "MemoryError in relu_forward (basic.py), line {line}: Unable to allocate"),
        ("raise ValueError('bad ' * 999)", "ValueError in relu_forward (basic.py), line {line}: bad bad"),
        ("np.pad(x, -1)", "ValueError in relu_forward (basic.py), line {line}: "),  # raised in a file of numpy's
        ("return relu_forward(x)", "RecursionError in relu_forward (basic.py), line {line}: "),
        ("raise BaseException('no')", "BaseException in relu_forward (basic.py), line {line}: no"),
    ],
)
def test_it_ends_in_a_plain_report_and_the_next_exercise_runs(relu, check, body, words):
    verdicts, _ = check(relu(body), "affine", "relu", "softmax", seconds=2, memory=1024)
    assert [verdict.status for verdict in verdicts.values()] == [PASSED, WRONG, PASSED]
    assert words.format(line=relu.line) in verdicts["relu"].message
    assert max(map(len, verdicts["relu"].message.splitlines())) < 700


def test_an_endless_loop_in_the_first_exercise_is_found_as_soon(relu, check, used_less_than):
    with used_less_than(25):  # a start may take 30
        verdicts, _ = check(relu("while True: pass"), "relu", seconds=2)
    assert verdicts["relu"].message.startswith(TOO_LONG)


def test_an_endless_loop_is_said_with_its_line(relu, check):
    project = relu("while True: pass")
    where = f"It was at line {relu.line} of layers/basic.py (relu_forward)."
    verdicts, _ = check(project, "affine", "relu", "softmax", seconds=2)
    assert verdicts["relu"].message == f"{TOO_LONG} {where}" and verdicts["softmax"].status == PASSED
    relu("while True: check_float('me', 'x', x)")  # the line of theirs that called ours
    assert check(project, "relu", seconds=2)[0]["relu"].message == f"{TOO_LONG} {where}"


def test_of_several_places_the_last_is_said(relu, check):
    verdicts, _ = check(relu("import time; time.sleep(1.9)\nwhile True: pass"), "relu", seconds=2)
    assert f"It was at line {relu.line + 1} of layers/basic.py" in verdicts["relu"].message


WRITES_A_PLACE = "import faulthandler; faulthandler.cancel_dump_traceback_later()\nopen('where', 'w').write('{}\\n'{})"


@pytest.mark.slow
@pytest.mark.parametrize(
    "body, words",
    [
        ("import os; os.remove('where'); os.symlink('/etc/passwd', 'where')", HALTED),
        ("import os; os.remove('where'); os.mkfifo('where')", HALTED),
        ("import os; os.remove('where'); os.mkdir('where')", HALTED),
        ("import os; os.closerange(3, 99)", HALTED),
        (WRITES_A_PLACE.format('File "/layers/basic.py", line 1 in <b>bold</b>', " * 10**6"), TOO_LONG),
        (WRITES_A_PLACE.format('File "/etc/passwd", line 1 in f', ""), TOO_LONG),
    ],
)
def test_what_is_no_place_is_not_said(relu, check, body, words):
    verdicts, _ = check(relu(f"{body}\nwhile True: pass"), "relu", "softmax", seconds=2)
    assert verdicts["relu"].message == words and verdicts["softmax"].status == PASSED


def test_what_is_printed_is_kept_but_not_all_of_it(relu, check):
    verdicts, printed = check(relu("print('é→', x.shape)"), "relu")
    assert verdicts["relu"].status == PASSED and printed.splitlines()[0] == "é→ (1, 4)"
    verdicts, printed = check(relu("print('x' * 10**7)"), "relu", "softmax")
    assert {v.status for v in verdicts.values()} == {PASSED} and len(printed) <= 4000
    verdicts, printed = check(relu("print('before')\nwhile True: pass"), "relu", seconds=2)
    assert verdicts["relu"].message.startswith(TOO_LONG) and printed == "before\n"  # of a child that was ended, too


def test_a_process_that_is_left_behind_holds_nobody_up(relu, check):
    started = time.monotonic()
    body = "import subprocess\nsubprocess.Popen(['sleep', '120'], start_new_session=True)"
    verdicts, _ = check(relu(body), "relu")
    assert verdicts["relu"].status == PASSED and time.monotonic() - started < 110


def test_closed_files_and_changed_folders_are_survived(relu, check):
    body = "import os; os.chdir('/'); os.closerange(0, 99)"
    verdicts, _ = check(relu(body), "relu", "softmax")
    assert verdicts["softmax"].status == PASSED
