"""Cells that wait for an exercise say which, and other mistakes are shown as usual."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from pixelgrad.coursework.checker import notebook
from pixelgrad.todo import Todo


@pytest.fixture
def run(monkeypatch):
    """run(code) -> (result, what it printed), in a shell that is prepared like a chapter."""
    shell = InteractiveShell()
    shell.user_ns["Todo"] = Todo
    notebook._Waiting(shell)
    return shell.run_cell


def test_a_cell_that_waits_costs_one_line(run, capsys):
    assert run("maps = 1\nraise Todo('saliency: compute_saliency_maps')").success
    out, err = capsys.readouterr()
    assert out == "To do first: saliency (visualization/saliency.py). Then restart the kernel.\n" and err == ""


def test_so_does_a_name_that_such_a_cell_would_have_made(run, capsys):
    run("def wait(): raise Todo('conv: conv_forward_naive')\nimport math as m\nmaps, (a, b) = wait()\nthen = 1")
    for name in ("maps", "b", "then"):
        capsys.readouterr()
        assert run(f"other_{name} = {name}").success
        assert capsys.readouterr().out.startswith("To do first: conv (")
    assert run("x = other_maps").success and "To do first: conv" in capsys.readouterr().out


def test_what_such_a_cell_had_begun_to_make_is_taken_back(run, capsys):
    run("kept = 1\nmaps = 'of a cell above'")
    run("import math as m\nbegun, maps = [], 'new'\nbegun.append(1)\nraise Todo('conv: conv_forward_naive')")
    capsys.readouterr()
    assert run("begun[0]").success and capsys.readouterr().out.startswith("To do first: conv (")
    assert run("assert kept == 1 and maps == 'new' and m.pi > 3").success


def test_a_figure_that_was_begun_is_not_shown(run):
    import matplotlib.pyplot as plt

    run("import matplotlib.pyplot as plt\nfigure, axes = plt.subplots()\nraise Todo('softmax: softmax_loss')")
    assert plt.get_fignums() == []


def test_any_other_mistake_is_shown_as_usual(run, capsys):
    assert not run("raise ValueError('mine')").success
    assert "ValueError" in capsys.readouterr().out
    assert not run("y = never_made").success
    assert "never_made" in "".join(capsys.readouterr())
    run("raise Todo('conv: conv_forward_naive')")
    assert not run("raise ValueError('after')").success  # what was excused before does not count


def test_report_names_what_an_edition_gives(monkeypatch, capsys):
    monkeypatch.setattr(notebook, "EXERCISES", {})
    notebook.report("affine", "relu")
    assert capsys.readouterr().out == "Given in this edition: affine, relu.\n"


def test_start_outside_a_notebook_does_nothing():
    notebook.start()
