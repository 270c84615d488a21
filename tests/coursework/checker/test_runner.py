"""Whatever a student's code does, there is a plain report, and the next exercise is run."""

import io
import json
import os
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

from pixelgrad.coursework.checker import runner
from pixelgrad.coursework.checker.harness import Outputs, run_case, student_functions
from pixelgrad.coursework.checker.judge import BLOCKED, PASSED, TOO_LONG, WRONG, judge
from pixelgrad.coursework.checker.packing import pack, unpack
from pixelgrad.coursework.checker.runner import UNREADABLE, run_exercises
from pixelgrad.coursework.exercises.catalogue import EXERCISES
from pixelgrad.coursework.exercises.registry import ReturnError


@pytest.fixture
def relu(project):
    """relu(body) -> a solved project in which relu_forward begins with the body, in line `relu.line` of its file."""
    project.solve("affine", "relu", "softmax")
    text = project.text("layers/basic.py")
    at = text.index("def relu_forward")
    at = text.index('"""\n', text.index('"""', at) + 3) + 4
    line = text[:at].count("\n") + 1

    def write(body, head=""):
        indented = "".join(f"    {line}\n" for line in body.splitlines())
        project.text("layers/basic.py", head + text[:at] + indented + text[at:])
        return project

    write.line = line
    return write


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
    started = time.monotonic()
    verdicts, _ = check(relu(body), "affine", "relu", "softmax", seconds=1, memory=1024)
    assert time.monotonic() - started < 8  # also where it is the first exercise that never ends
    assert [verdict.status for verdict in verdicts.values()] == [PASSED, WRONG, PASSED]
    assert words.format(line=relu.line) in verdicts["relu"].message
    assert max(map(len, verdicts["relu"].message.splitlines())) < 700


def test_an_endless_loop_in_the_first_exercise_is_found_as_soon(relu, check):
    started = time.monotonic()
    verdicts, _ = check(relu("while True: pass"), "relu", seconds=0.5)
    assert verdicts["relu"].message.startswith(TOO_LONG) and time.monotonic() - started < 3


def test_an_endless_loop_is_said_with_its_line(relu, check):
    project = relu("while True: pass")
    where = f"It was at line {relu.line} of layers/basic.py (relu_forward)."
    verdicts, _ = check(project, "affine", "relu", "softmax", seconds=1)
    assert verdicts["relu"].message == f"{TOO_LONG} {where}" and verdicts["softmax"].status == PASSED
    relu("while True: check_float('me', 'x', x)")  # the line of theirs that called ours
    assert check(project, "relu", seconds=1)[0]["relu"].message == f"{TOO_LONG} {where}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        "import os; os.remove('where'); os.symlink('/etc/passwd', 'where')",
        "import os; os.remove('where'); os.mkfifo('where')",
        "import os; os.remove('where'); os.mkdir('where')",
        "import faulthandler; faulthandler.cancel_dump_traceback_later()\n"
        "open('where', 'w').write('File \"/layers/basic.py\", line 1 in <b>bold</b>\\n' * 10**6)",
        "import faulthandler; faulthandler.cancel_dump_traceback_later()\n"
        "open('where', 'w').write('File \"/etc/passwd\", line 1 in f\\n')",
        "import os; os.closerange(3, 99)",
    ],
)
def test_what_is_no_place_is_not_said(relu, check, body):
    verdicts, _ = check(relu(f"{body}\nwhile True: pass"), "relu", "softmax", seconds=0.5)
    assert verdicts["relu"].message == TOO_LONG and verdicts["softmax"].status == PASSED


def test_what_is_printed_is_kept_but_not_all_of_it(relu, check):
    verdicts, printed = check(relu("print('é→', x.shape)"), "relu")
    assert verdicts["relu"].status == PASSED and printed.splitlines()[0] == "é→ (1, 4)"
    verdicts, printed = check(relu("print('x' * 10**7)"), "relu", "softmax")
    assert {v.status for v in verdicts.values()} == {PASSED} and len(printed) <= 4000


def test_a_process_that_is_left_behind_holds_nobody_up(relu, check):
    started = time.monotonic()
    body = "import subprocess\nsubprocess.Popen(['sleep', '6'], start_new_session=True)"
    verdicts, _ = check(relu(body), "relu")
    assert verdicts["relu"].status == PASSED and time.monotonic() - started < 5


def test_closed_files_and_changed_folders_are_survived(relu, check):
    body = "import os; os.chdir('/'); os.closerange(0, 99)"
    verdicts, _ = check(relu(body), "relu", "softmax")
    assert verdicts["softmax"].status == PASSED


# -- files that cannot be imported -------------------------------------------------------------------------------------


def append(project, file, text):
    project.text(file, project.text(file) + text)
    return project.text(file).count("\n")


# What goes wrong when a file is imported, and the message about it.
FAULTS = [
    ("def relu_forward(x:\n    pass\n", "SyntaxError in line {before}: "),
    ("nonsense\n", "NameError in line {last}: name 'nonsense' is not defined"),
    ("del relu_forward\n", "ImportError: cannot import name 'relu_forward' from 'pixelgrad.layers.basic'"),
    ("import os; os._exit(0)\n", "it ends the whole program (exit code 0). Is there an exit() outside"),
    ("while True: pass\n", "it does not finish in time, and is at line {last}. Is there a loop outside"),
]
RARER_FAULTS = [
    (" x = 1\n", "IndentationError in line {last}: "),
    ("return 1\n", "SyntaxError in line {last}: 'return' outside function"),
    ("raise ValueError\n", "ValueError in line {last}"),
    ("check_float('me', 'x', 3)\n", "TypeError in line {last}: "),  # raised in a file that is not theirs
    ("from .checks import nonsense\n", "ImportError in line {last}: cannot import name 'nonsense' from "),
    ("import sys; sys.exit()\n", "SystemExit in line {last}: it ends the whole program; do not call exit()"),
    ("raise BaseException('no')\n", "BaseException in line {last}: no"),
    ("import ctypes; ctypes.string_at(0)\n", "it ends the whole program (signal 11)."),
    ("x = 1 + \0\n", "SyntaxError: source code string cannot contain null bytes"),
]


@pytest.mark.parametrize("text, words", FAULTS + [pytest.param(*f, marks=pytest.mark.slow) for f in RARER_FAULTS])
def test_a_file_that_cannot_be_imported_is_its_own_fault_and_others_wait_for_it(project, check, text, words):
    last = append(project.solve(*EXERCISES), "layers/basic.py", text)
    started = time.monotonic()
    verdicts, _ = check(project, "affine", "relu", "softmax", "saliency", seconds=1)
    assert time.monotonic() - started < 5  # a loop costs its time once
    assert [v.status for v in verdicts.values()] == [WRONG, WRONG, BLOCKED, BLOCKED]
    words = "layers/basic.py: cannot be imported: " + words.format(last=last, before=last - 1)
    assert [v.message for v in verdicts.values()] == [verdicts["affine"].message] * 4
    message = verdicts["affine"].message
    assert message.startswith(words)
    assert message.count("\n") == 0 and str(project.path) not in message and len(message) < 500


def test_what_can_be_imported_is_run(project, check):
    """A loop in one package keeps another from nothing; nor does what ends the program there."""
    append(project.solve(*EXERCISES), "visualization/cam.py", "import os; os._exit(0)\n")
    append(project, "visualization/total_variation.py", "def f(:\n")
    verdicts, _ = check(project, "relu", "saliency", "guided", "cam", "tv")
    assert [v.status for v in verdicts.values()] == [PASSED, BLOCKED, BLOCKED, WRONG, WRONG]
    assert verdicts["cam"].message.startswith("visualization/cam.py: ") and "line" not in verdicts["cam"].message
    assert verdicts["tv"].message.startswith("visualization/total_variation.py: ")
    assert len({v.message for v in verdicts.values()}) == 3


def test_each_of_several_broken_files_is_named(project, check):
    project.solve(*EXERCISES)
    for file in ("layers/losses.py", "layers/naive.py", "visualization/cam.py"):
        append(project, file, "def f(:\n")
    (project.path / "layers" / "basic.py").unlink()
    verdicts, _ = check(project, "relu", "softmax", "conv", "cam", "batchnorm")
    waits = verdicts.pop("batchnorm")
    files = [v.message.split(": cannot be imported: ")[0] for v in verdicts.values()]
    assert files == ["layers/basic.py", "layers/losses.py", "layers/naive.py", "visualization/cam.py"]
    assert waits.status == BLOCKED and {v.status for v in verdicts.values()} == {WRONG}
    assert verdicts["relu"].message.endswith("FileNotFoundError: No such file or directory")


def test_nothing_waits_for_itself_where_what_it_needs_cannot_be_imported(project, check):
    append(project.solve(*EXERCISES), "visualization/style_transfer.py", "nonsense\n")
    verdicts, _ = check(project, "gram", "style_transfer")
    assert [v.status for v in verdicts.values()] == [BLOCKED, WRONG]
    assert verdicts["gram"].message == verdicts["style_transfer"].message


def test_another_file_of_the_project_is_nobody_s_exercise(project, check):
    last = append(project.solve(*EXERCISES), "layers/checks.py", "nonsense\n")
    verdicts, _ = check(project, "relu", "saliency")
    assert [v.status for v in verdicts.values()] == [BLOCKED, BLOCKED]
    assert verdicts["relu"].message.startswith(f"layers/checks.py: cannot be imported: NameError in line {last}: ")


@pytest.mark.slow
def test_a_loop_costs_its_time_once(project, check):
    project.solve(*EXERCISES)
    append(project, "layers/losses.py", "while True: pass\n")
    started = time.monotonic()
    verdicts, _ = check(project, seconds=1)
    assert time.monotonic() - started < 5 and {v.status for v in verdicts.values()} == {WRONG, BLOCKED}
    assert [name for name, v in verdicts.items() if v.status == WRONG] == ["softmax", "svm"]


def test_who_calls_at_import_what_never_ends_is_at_fault(project, check):
    append(project.solve(*EXERCISES), "layers/basic.py", "def relu_forward(x):\n    while True:\n        pass\n")
    last = append(project, "layers/losses.py", "from .basic import relu_forward\nrelu_forward(1)\n")
    verdicts, _ = check(project, "affine", "softmax", seconds=1)
    assert [v.status for v in verdicts.values()] == [BLOCKED, WRONG]
    assert f"layers/losses.py: cannot be imported: it does not finish in time, and is at line {last}." in (
        verdicts["softmax"].message
    )


def test_who_empties_the_finders_keeps_the_others_from_nothing(project, check):
    append(project.solve(*EXERCISES), "layers/losses.py", "import sys\nsys.meta_path = list(sys.meta_path)\n")
    append(project, "layers/losses.py", "sys.meta_path.pop(0)\n")
    verdicts, _ = check(project, "affine", "softmax")
    assert [v.status for v in verdicts.values()] == [PASSED, PASSED]


def test_the_parent_never_imports_what_students_write(project):
    """Neither to check nor to list, to reset or to give a hint."""
    project.text("layers/basic.py", "raise SystemExit('imported')\n")
    code = (
        "import sys\nfrom pixelgrad.cli import main\ncodes = [main(a.split()) for a in sys.argv[1:]]\n"
        "print(codes, [m for m in sys.modules if m.startswith(('pixelgrad.layers', 'pixelgrad.vis'))])"
    )
    arguments = ["check relu tv", "check --list", "check --hint relu", "reset relu"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=project.path, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[1, 0, 1, 0] []", done.stdout + done.stderr


def test_only_the_child_imports_them(edition):
    """The children get another project than the tests do."""
    inputs = {"relu": {"plain": {"x": np.ones((1, 2)), "dout": np.ones((1, 2)), "rule": "standard"}}}
    assert run_exercises(inputs, root=edition.path).outcomes["relu"]["plain"]["raised"]["type"] == "Todo"
    assert run_exercises(inputs).outcomes["relu"]["plain"]["raised"] is None


# -- what a child hands back -------------------------------------------------------------------------------------------

OUTCOMES = {"plain": {"outputs": {"out": np.ones(3)}, "kinds": {"dx": "a list"}, "raised": None, "changed": {"x": "f"}}}
RAISED = {"type": "E", "message": "m", "line": 1, "function": None}


def handed_back(path, tree=None, **arrays):
    np.savez(path, **({} if tree is None else pack(tree)) | arrays)


def with_outcome(**changes):
    return {"plain": OUTCOMES["plain"] | changes}


def test_what_is_in_order_is_read(tmp_path):
    handed_back(tmp_path / "x.npz", OUTCOMES)
    np.testing.assert_equal(runner._read(tmp_path / "x.npz"), OUTCOMES)
    handed_back(tmp_path / "y.npz", with_outcome(raised=RAISED))
    assert runner._read(tmp_path / "y.npz")["plain"]["raised"] == RAISED


@pytest.mark.parametrize(
    "tree",
    [
        [1, 2],
        {"plain": None},
        {"plain": {}},
        with_outcome(more=1),
        with_outcome(outputs={"out": 3.0}),
        with_outcome(outputs={"out": np.array(["text"])}),
        with_outcome(outputs={"out": np.zeros(2, complex)}),
        with_outcome(outputs=[1]),
        with_outcome(kinds={"out": ["a"]}),
        with_outcome(kinds={"out": "a" * 501}),
        with_outcome(kinds={"a" * 501: "out"}),
        with_outcome(changed=["x"]),
        with_outcome(changed={"x": 1}),
        with_outcome(changed={"x": "f" * 501}),
        with_outcome(changed=1),
        with_outcome(raised=True),
        with_outcome(raised={"type": "E"}),
        with_outcome(raised=RAISED | {"message": 1}),
        with_outcome(raised=RAISED | {"message": "m" * 501}),
        with_outcome(raised=RAISED | {"line": 10**9}),
        with_outcome(raised=RAISED | {"line": "1"}),
        with_outcome(raised=RAISED | {"function": ["f"]}),
    ],
    ids=lambda tree: str(tree)[:60],
)
def test_another_structure_is_not_taken(tmp_path, tree):
    handed_back(tmp_path / "x.npz", tree)
    assert runner._read(tmp_path / "x.npz") == UNREADABLE


def _npy(header, content=b""):
    header = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


def a_truncated_file(path):
    handed_back(path, OUTCOMES)
    path.write_bytes(path.read_bytes()[:-40])


def a_damaged_file(path):
    handed_back(path, OUTCOMES)
    content = bytearray(path.read_bytes())
    content[200:220] = b"\0" * 20
    path.write_bytes(content)


def no_archive(path):
    path.write_bytes(b"\x80\x04K\x01.")  # a pickle


def an_archive_without_description(path):
    handed_back(path, None, a0=np.ones(2))


def objects_that_run_code(path):
    handed_back(path, OUTCOMES, a0=np.array([{"a": print}], dtype=object))


def a_pipe(path):
    os.mkfifo(path)


def a_link(path):
    handed_back(path.with_name("other.npz"), OUTCOMES)
    path.symlink_to(path.with_name("other.npz"))


def a_link_to_zeros(path):
    path.symlink_to("/dev/zero")


def a_link_to_itself(path):
    path.symlink_to(path)


def a_folder(path):
    path.mkdir()


def nothing(path):
    pass


def an_array_that_swells(path):
    np.savez_compressed(path, **pack(OUTCOMES) | {"more": np.zeros(2**26)})


def a_description_that_swells(path):
    tree = with_outcome(kinds={f"output {n}": "a list" for n in range(200_000)})
    np.savez_compressed(path, **pack(tree))


def a_description_that_is_too_deep(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("json", "[" * 200_000)


def an_array_larger_than_its_file(path):
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in pack(OUTCOMES).items():
            with archive.open(f"{name}.npy", "w") as f:
                np.save(f, array)
        archive.writestr("more.npy", _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (70000000000,), }"))


def too_many_arrays(path):
    handed_back(path, OUTCOMES, **{f"more{n}": np.zeros(0) for n in range(10_001)})


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        a_truncated_file,
        a_damaged_file,
        no_archive,
        an_archive_without_description,
        objects_that_run_code,
        a_pipe,
        a_link,
        a_link_to_zeros,
        a_link_to_itself,
        a_folder,
        nothing,
        an_array_that_swells,
        a_description_that_swells,
        a_description_that_is_too_deep,
        an_array_larger_than_its_file,
        too_many_arrays,
    ],
    ids=lambda make: make.__name__.replace("_", " "),
)
def test_damaged_and_hostile_files_are_not_taken(tmp_path, make):
    started = time.monotonic()
    make(tmp_path / "x.npz")
    made = time.monotonic()
    assert runner._read(tmp_path / "x.npz") == UNREADABLE
    assert time.monotonic() - made < 2, made - started


def test_one_array_in_many_places_is_read_once(tmp_path):
    """A short description can ask for the same large array a thousand times."""
    large = np.zeros(2**20)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        tree = json.loads(bytes(pack({"c": with_outcome(outputs={"out": large})["plain"]})["json"]))
        tree["c"]["outputs"] |= {f"out{n}": tree["c"]["outputs"]["out"] for n in range(1000)}
        archive.writestr("json", json.dumps(tree))
        content = io.BytesIO()
        np.save(content, large)
        archive.writestr("a0.npy", content.getvalue())
    outputs = runner._read(tmp_path / "x.npz")["c"]["outputs"]
    assert len(outputs) == 1001 and outputs["out"] is outputs["out7"]


def test_a_forged_file_ends_nothing(relu, check):
    """Written before the exercise is run; the next exercises are run all the same."""
    project = relu("", "import os\nos.path.lexists('relu.npz') or os.mkfifo('relu.npz')\n")
    verdicts, _ = check(project, "relu", "softmax")
    assert verdicts["relu"].message == UNREADABLE and verdicts["softmax"].status == PASSED


# -- what functions return ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, words",
    [
        (lambda x: None, "relu_forward returned None instead of (out, cache); does it end in a return?"),
        (lambda x: x, "relu_forward returned one value, an array of float64; (out, cache) was expected"),
        (lambda x: (np.ma.array(x), x), "out is a MaskedArray; expected an array of float64 with the shape (1, 4)"),
        (lambda x: (x.astype(int), x), "out is an array of int64 with the shape (1, 4); expected an array of float64"),
        (lambda x: (np.zeros(2**24), x), "out is an array of 128 MiB; expected an array of float64"),
        (lambda x: ("out", x), "out is a str; expected an array of float64"),
        (lambda x: ((x, {"w": x}), x), "out is a tuple; expected an array of float64"),
    ],
)
def test_what_is_returned_is_said(answers, value, words):
    functions = student_functions(EXERCISES["relu"]) | {"relu_forward": value}
    answer = answers("relu")
    outcomes = {case: run_case(EXERCISES["relu"], inputs, functions) for case, inputs in answer.inputs.items()}
    assert words in judge(EXERCISES["relu"], answer, outcomes).message


def reshaped_in_place(features, normalize):
    features.shape = (*features.shape[:2], -1)
    return features @ features.transpose(0, 2, 1) / (features[0].size if normalize else 1)


def doubled_in_place(features, normalize):
    features *= 2
    return features.reshape(*features.shape[:2], -1)[..., 0] * np.ones((1, features.shape[1], 1))


@pytest.mark.parametrize("forward", [reshaped_in_place, doubled_in_place])
def test_the_function_that_changed_an_input_is_named(answers, forward):
    """Also where the next one is the one that fails, or returns something wrong."""
    exercise, answer = EXERCISES["gram"], answers("gram")
    functions = student_functions(exercise) | {"gram_matrix": forward}
    outcomes = {case: run_case(exercise, inputs, functions) for case, inputs in answer.inputs.items()}
    assert {tuple(outcome["changed"].items()) for outcome in outcomes.values()} == {(("features", "gram_matrix"),)}
    message = judge(exercise, answer, outcomes).message
    assert "The input features has changed: gram_matrix writes to its arguments." in message


def test_a_change_of_the_backward_is_its_own(answers):
    exercise, answer = EXERCISES["gram"], answers("gram")
    right = student_functions(exercise)

    def backward(dgram, features, normalize):
        dgram += dgram.transpose(0, 2, 1)
        return right["gram_matrix_backward"](dgram / 2, features, normalize)

    functions = right | {"gram_matrix_backward": backward}
    outcome = run_case(exercise, answer.inputs["one image"], functions)
    assert outcome["changed"] == {"dgram": "gram_matrix_backward"} and outcome["raised"] is None


def test_parameters_that_a_function_changed_are_said(answers):
    exercise, answer = EXERCISES["guided"], answers("guided")

    def changes(X, y, model):
        model.params["b3"] = model.params["b3"] + 1
        return student_functions(exercise)["guided_backprop"](X, y, model)

    outcome = run_case(exercise, answer.inputs["one image"], {"guided_backprop": changes})
    assert outcome["changed"] == {"network": "guided_backprop"}


def test_returned_values_are_taken_as_promised():
    out = Outputs()
    assert out.take("f", (np.ones(2), "anything"), "out", "_")[1] == "anything"
    assert set(out) == {"out"} and not out.kinds
    for value, words in [
        (None, "f returned None instead of (a, cache); does it end in a return?"),
        (np.ones(2), "f returned one value, an array of float64; (a, cache) was expected"),
        ((1, 2, 3), "f returned 3 values; (a, cache) was expected"),
    ]:
        with pytest.raises(ReturnError) as caught:
            out.take("f", value, "a", "_")
        assert str(caught.value) == words
    out.take("f", ([1.0], None, np.array(["x"])), "list", "none", "words")
    assert out.kinds == {"list": "a list", "none": "None", "words": "an array of <U1"}


def test_arrays_are_copied_when_they_are_taken():
    out, a = Outputs(), np.ones(2)
    out.take("f", a, "a")
    a[0] = 7
    assert out["a"][0] == 1


def test_packing_takes_an_array_once():
    a = np.arange(3.0)
    packed = pack({"x": a, "y": a.copy(), "z": a.astype(np.float32)})
    assert len(packed) == 3
    tree = unpack(packed)
    assert tree["x"] is tree["y"] and tree["z"].dtype == np.float32


# -- what is said of strange failures ----------------------------------------------------------------------------------

STRANGE = {
    "not imported": 'raise type("not imported", (Exception,), {})("layers/losses.py: nonsense")',
    "str raises": 'raise type("Mute", (Exception,), {"__str__": lambda self: 1 / 0})()',
    "str exits": 'raise type("Mute", (Exception,), {"__str__": lambda self: exit(3)})()',
    "nobody catches": 'raise BaseException("too high")',
    "escapes": 'raise ValueError("\\x1b[31m red \\u202e backwards")',
    "prints": 'print("\\x1b]0;title\\x07 one\\r two", flush=True)\n    raise ValueError("printed")',
    "large": "return np.ones((1000, 1000, 3)) * np.random.rand(), (x,)",
    "stops": "import os, signal\n    os.kill(os.getpid(), signal.SIGSTOP)",
}


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals and limits")
def test_strange_failures_are_told_as_they_are(project, check):
    text = project.solve(*EXERCISES).text("layers/basic.py")
    told, shown = {}, {}
    for name, body in STRANGE.items():
        relu = f"\n\ndef relu_forward(x):\n    {body}\n    return x, x\n"
        project.text("layers/basic.py", text + relu)
        verdicts, shown[name] = check(project, "relu", seconds=2, file_size=64)
        told[name] = verdicts["relu"].message
        assert verdicts["relu"].status == WRONG and verdicts["relu"].mistake is None, (name, told[name])
        assert told[name].replace("\n", "").isprintable()
    assert "exception 'not imported' in relu_forward (basic.py)" in told["not imported"]
    assert "Mute in relu_forward" in told["str raises"] and "__str__ raises ZeroDivisionError" in told["str raises"]
    assert "__str__ raises SystemExit" in told["str exits"] and "BaseException" in told["nobody catches"]
    assert "\\x1b[31m red \\u202e backwards" in told["escapes"]
    assert shown["prints"].startswith("\\x1b]0;title\\x07 one\n two\n")
    assert "MiB in all, too much to be kept (File too large)" in told["large"]
    assert told["stops"].startswith("It came to a halt")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_file_in_another_encoding_is_explained(project, check, encoding):
    path = project.path / "layers/basic.py"
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    message = check(project, "relu")[0]["relu"].message
    assert f"it is saved as {encoding[:6].upper()}" in message and "save it as UTF-8" in message
