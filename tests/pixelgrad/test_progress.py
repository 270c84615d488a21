"""Bars are shown where they are asked for, and in a notebook where a call takes long."""

import sys
import types

import pytest

from pixelgrad import _progress
from pixelgrad._progress import in_notebook, progress_bar


@pytest.fixture
def notebook(monkeypatch):
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(_progress, "NOTEBOOK_DELAY", 1e-9)


def shown(capsys, **options):
    for _ in progress_bar(range(3), desc="bar", mininterval=0, **options):
        pass
    return "bar" in capsys.readouterr().err


def test_a_script_shows_what_it_asks_for(capsys):
    assert shown(capsys, progress=True)
    assert not shown(capsys, progress=False)
    assert not shown(capsys, progress=None)


def test_a_notebook_shows_long_calls_by_default(notebook, capsys):
    assert in_notebook()
    assert shown(capsys, progress=None)
    assert not shown(capsys, progress=False)


def test_short_calls_stay_silent(notebook, capsys, monkeypatch):
    monkeypatch.setattr(_progress, "NOTEBOOK_DELAY", 60.0)
    assert not shown(capsys, progress=None)


@pytest.mark.parametrize("shell", [None, types.SimpleNamespace()], ids=["a script", "a terminal"])
def test_ipython_in_a_terminal_is_not_a_notebook(shell, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert not in_notebook()
