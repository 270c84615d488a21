"""Strange failures are told as they are: odd exceptions, escape sequences, stopped processes, files in other "
"encodings."""

import sys

import pytest

from pixelgrad.coursework.checker.judge import WRONG
from pixelgrad.coursework.exercises.catalogue import EXERCISES

STRANGE = {
    "not imported": 'raise type("not imported", (Exception,), {})("layers/losses.py: nonsense")',
    "str raises": 'raise type("Mute", (Exception,), {"__str__": lambda self: 1 / 0})()',
    "str exits": 'raise type("Mute", (Exception,), {"__str__": lambda self: exit(3)})()',
    "nobody catches": 'raise BaseException("too high")',
    "escapes": 'raise ValueError("\\x1b[31m red \\u202e backwards")',
    "prints": 'print("\\x1b]0;title\\x07 one\\r two", flush=True)\n    raise ValueError("printed")',
    "large": "return np.ones((1000, 1000, 3)) * np.random.rand(), x",
    "stops": "import os, signal\n    os.kill(os.getpid(), signal.SIGSTOP)",
}


@pytest.mark.slow
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
    assert "with the shape (1000, 1000, 3), far too large" in told["large"]
    assert told["stops"].startswith("It came to a halt")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_file_in_another_encoding_is_explained(project, check, encoding):
    path = project.path / "layers/basic.py"
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    message = check(project, "relu")[0]["relu"].message
    assert f"it is saved as {encoding[:6].upper()}" in message and "save it as UTF-8" in message
