"""The command `explore`: what it refuses, and how it ends."""

import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from pixelgrad.cli import main


@pytest.fixture
def quiet_server(monkeypatch):
    """The calls of `serve`, which does nothing."""
    pytest.importorskip("starlette")
    calls = []
    monkeypatch.setattr("pixelgrad.explore.serve.serve", lambda *given, **named: calls.append((given, named)))
    return calls


def test_without_the_extra_the_error_says_what_to_install(run, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "uvicorn" else find_spec(name, *rest)
    )
    code, _, err = run("explore", "portrait")
    assert code == 2 and len(err.splitlines()) == 1 and 'uvicorn; pip install "pixelgrad[explore]"' in err


def test_a_photograph_and_a_weights_file_are_handed_on(run, photo, weights, quiet_server):
    assert run("explore", photo, "--no-browser", "--port", "7000")[0] == 0
    (((settings, options), named),) = quiet_server
    assert (
        options == {"image": str(photo), "weights": str(weights), "language": "en"} and settings["given"] == "photo.png"
    )
    assert settings["model"] == "file" and "file" in settings["networks"]
    assert (named["port"], named["browser"]) == (7000, False)
    assert str(photo) not in str(settings)  # the page learns no paths


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["nosuch.png"], "nosuch.png"),
        (["portrait", "--port", "70000"], "70000"),
        (["portrait", "--export", "page.png"], ".html"),
        (["portrait", "--export", "none/page.html"], "does not exist"),
        (["portrait", "--export", "page.html", "--engine", "naive"], "--engine has no effect"),
        (["portrait", "--export", "page.html", "--no-browser"], "--no-browser has no effect"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(run, quiet_server, arguments, words):
    code, _, err = run("explore", *arguments)
    assert code == 2 and words in err and len(err.splitlines()) == 1 and not quiet_server


def test_a_busy_port_is_said_to_be_busy(capsys):
    pytest.importorskip("uvicorn")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["explore", "portrait", "--no-browser", "--port", str(port)]) == 2
    err = capsys.readouterr().err
    assert f"port {port}" in err and len(err.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to a process")
def test_ctrl_c_ends_it_and_nothing_is_left():
    pytest.importorskip("uvicorn")
    command = [sys.executable, "-m", "pixelgrad", "explore", "portrait", "--no-browser"]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    address = re.search(r"http://127\.0\.0\.1:\d+/[\w-]{30,}/", running.stdout.readline())[0]
    assert b"pixelgrad explorer" in urllib.request.urlopen(address, timeout=20).read()
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to the computing process, too
    out, err = running.communicate(timeout=20)
    assert running.returncode == 0 and err == "", err
    for _ in range(100):  # what has ended may stay in the table of processes for a moment
        try:
            os.killpg(running.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("a process is left")


@pytest.mark.slow
def test_the_page_is_written_as_one_file(run, photo):
    code, out, err = run("explore", photo, "--export", "page.html", "-q")
    assert code == 0, err
    html = (run.folder / "page.html").read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>") and 'src="' not in html and str(photo.parent) not in html
    assert run("explore", photo, "--export", "page.html")[0] == 2
