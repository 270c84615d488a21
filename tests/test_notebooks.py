"""The notebooks run from the first cell to the last, on the solutions."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells(path, kind):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_hold_no_results_and_compile(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4 and len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
            compile("".join(cell["source"]), path.name, "exec")
    assert len(NOTEBOOKS) == 3 and cells(path, "markdown")[0].startswith("# ")


def shows_a_plot(cell):
    return cell.source.rstrip().splitlines()[-1].startswith("plot_")


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run_and_show_each_figure_once(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env={k: v for k, v in os.environ.items() if k != "MPLBACKEND"} | {"PYTHONPATH": str(ROOT)})
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = [sum("image/png" in output.get("data", {}) for output in cell.outputs) for cell in code]
    assert [n for n, cell in zip(shown, code) if shows_a_plot(cell)] == [1] * sum(map(shows_a_plot, code))
    assert sum(shown) >= 3
