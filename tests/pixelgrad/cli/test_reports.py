"""Reports never decide: closed, full and abandoned streams, inherited variables, and signals from outside."""

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from pixelgrad.cli.reports import Report

posix = pytest.mark.skipif(os.name != "posix", reason="needs a shell and signals")
PIXELGRAD = f"{sys.executable} -m pixelgrad"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def shell(tmp_path, photo, weights):
    """shell(command) -> the finished process; PIXELGRAD, PHOTO and MODEL in it are filled in."""

    def run(command, **options):
        command = command.replace("PIXELGRAD", PIXELGRAD).replace("PHOTO", str(photo)).replace("MODEL", str(weights))
        environment = {**os.environ, "PYTHONPATH": str(ROOT)} | options.pop("env", {})
        options |= {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True, "timeout": 120}
        return subprocess.run(["bash", "-c", command], **options)

    return run


SALIENCY = "PIXELGRAD saliency PHOTO --model MODEL --out a.png"
STREAMS = {
    "stderr closed": f"{SALIENCY} 2>&-",
    "stdout closed": f"{SALIENCY} >&-",
    "both closed": f"{SALIENCY} >&- 2>&-",
    "stdin closed too": f"{SALIENCY} <&- >&- 2>&-",
    "stderr full": f"{SALIENCY} 2>/dev/full",
    "stdout full": f"{SALIENCY} >/dev/full",
    "both full": f"{SALIENCY} >/dev/full 2>&1",
    "the reader is gone": f"{SALIENCY} 2>&1 | true; exit ${{PIPESTATUS[0]}}",
    "progress for a reader that goes": "PIXELGRAD occlude PHOTO --model MODEL --size 16 --out a.png 2>&1 | head -c1; "
    "exit ${PIPESTATUS[0]}",
    "a dream without stderr": "PIXELGRAD dream PHOTO --model MODEL --layer 1 --iterations 2 --size 24 --out a.png 2>&-",
}


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in list(STREAMS)[1:]]


@pytest.mark.slow
@posix
@pytest.mark.parametrize("case", [*list(STREAMS)[:1], *SLOW])
def test_the_picture_is_made_whatever_becomes_of_the_report(shell, tmp_path, case):
    done = shell(STREAMS[case])
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "a.png").size[0] >= 16
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


@posix
@pytest.mark.slow
def test_the_exit_code_of_a_failure_is_told_without_words(shell):
    assert shell("PIXELGRAD saliency nothing.png --model MODEL 2>&-").returncode == 2
    assert shell("PIXELGRAD saliency nothing.png --model MODEL 2>/dev/full").returncode == 2


@pytest.mark.slow
@posix
@pytest.mark.parametrize("backend", ["module://nowhere_to_be_found.backend", "TkAgg", "nonsense"])
def test_the_way_a_notebook_draws_is_not_ours(shell, tmp_path, backend):
    done = shell(SALIENCY, env={"MPLBACKEND": backend})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.png").is_file()


@posix
@pytest.mark.slow
def test_sigterm_keeps_the_picture_so_far(tmp_path, photo, weights):
    command = [sys.executable, "-m", "pixelgrad", "dream", str(photo), "--model", str(weights), "--layer", "1"]
    command += ["--iterations", "100000", "--size", "24", "--out", "dream.png"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        shown = ""
        while not re.search(r"[1-9]\d*/100000", shown):  # until there is a picture
            shown += process.stderr.read(1) or pytest.fail(shown)
        process.send_signal(signal.SIGTERM)
        err = process.stderr.read()
    assert process.returncode == 130 and "the picture so far is in" in err
    assert Image.open(tmp_path / "dream.png").size[0] >= 16


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("name", ["\u732b", "\U0001f408 cat", "caf\udce9"])
def test_what_the_terminal_cannot_show_is_written_as_escapes_and_the_rest_follows(name, encoding):
    raw = io.BytesIO()
    report = Report(io.TextIOWrapper(raw, encoding=encoding))
    print(f"saliency of {name}", file=report)
    print("the next line", file=report, flush=True)
    shown = raw.getvalue().decode(encoding)
    assert shown.splitlines()[1] == "the next line"
    assert shown.startswith("saliency of ") and (name in shown or "\\" in shown)


@pytest.mark.slow
@posix
@pytest.mark.parametrize(
    "environment",
    [
        {"TQDM_ASCII": "#"},  # a division by zero in tqdm
        {"TQDM_MININTERVAL": "often"},  # cannot be read as a number, when tqdm is imported
        {"TQDM_BAR_FORMAT": "{nothing}"},
        {"HOME": "/proc/nobody", "XDG_CONFIG_HOME": "/proc/nobody", "XDG_CACHE_HOME": "/proc/nobody"},
    ],
    ids=lambda environment: next(iter(environment)),
)
def test_what_other_packages_take_from_the_environment_does_not_decide(environment, shell, tmp_path):
    command = "unset MPLCONFIGDIR; PIXELGRAD occlude PHOTO --model MODEL --size 16 --out a.png"
    done = shell(command, env=environment | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.png").is_file()
    assert "Traceback" not in done.stderr and "Matplotlib" not in done.stderr and "mkdir" not in done.stderr
