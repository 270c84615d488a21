"""A real Jupyter kernel shows every figure, once, however matplotlib was imported."""

import hashlib
import inspect
import io
import os
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from pixelgrad.visualization import plots
from pixelgrad.visualization.plots.figure import Figure

ROOT = Path(__file__).resolve().parents[3]
PLOT = """import numpy as np
from pixelgrad.visualization.plots import plot_images
picture = np.full((16, 16, 3), 90, np.uint8)
"""
# What a notebook did before: nothing, and what Jupyter's users, VS Code and Colab do.
BEGINNINGS = {
    "fresh": "",
    "inline": "%matplotlib inline",
    "pyplot": "import matplotlib.pyplot as plt",
    "colab": "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.rcParams['figure.dpi'] = 72",
    "svg": "%matplotlib inline\n%config InlineBackend.figure_formats = ['svg']",
}


def outputs_of(cells, folder):
    """The outputs of each cell, run in a new kernel."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    environment = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"} | {"PYTHONPATH": str(ROOT)}
    client = NotebookClient(
        notebook,
        timeout=120,
        iopub_timeout=120,
        raise_on_iopub_timeout=True,
        resources={"metadata": {"path": str(folder)}},
    )
    with client.setup_kernel(env=environment):
        for n, cell in enumerate(notebook.cells):
            client.execute_cell(cell, n)
    return [cell.outputs for cell in notebook.cells]


def pictures(outputs):
    return sum("image/png" in output.get("data", {}) for output in outputs)


def printed(outputs):
    """What a cell printed. A kernel may hand over a line and its end one after the other, as two outputs."""
    return "".join(output["text"] for output in outputs if output["output_type"] == "stream")


@pytest.mark.parametrize(
    "beginning", ["fresh", "inline", *(pytest.param(b, marks=pytest.mark.slow) for b in ("pyplot", "colab"))]
)
def test_a_notebook_shows_each_figure_once(beginning, tmp_path):
    cells = [
        BEGINNINGS[beginning] + "\n" + PLOT,
        "plot_images([picture])",  # the last line
        "plot_images([picture], ['$x$']).show()\nprint('afterwards')",  # the middle of a cell
        "figure = plot_images([picture])",  # not asked for
        "figure",
        "for k in range(3):\n    plot_images([picture]).show()",
        "import hashlib\nplot_images([picture], ['a']).savefig('out.png')\n"
        "print(hashlib.sha256(open('out.png', 'rb').read()).hexdigest())",
    ]
    outputs = outputs_of(cells, tmp_path)
    assert [pictures(output) for output in outputs] == [0, 1, 1, 0, 1, 3, 0]
    buffer = io.BytesIO()
    plots.plot_images([np.full((16, 16, 3), 90, np.uint8)], ["a"]).savefig(buffer)
    assert printed(outputs[-1]).strip() == hashlib.sha256(buffer.getvalue()).hexdigest()


@pytest.mark.slow
def test_a_notebook_that_asks_for_svg_gets_one_output(tmp_path):
    (*_, shown) = outputs_of([BEGINNINGS["svg"] + "\n" + PLOT, "plot_images([picture])"], tmp_path)
    assert len(shown) == 1 and "image/svg+xml" in shown[0]["data"]


@pytest.mark.parametrize("name", [name for name in plots.__all__ if name.startswith("plot_")])
def test_every_plot_returns_a_figure_that_shows_itself(name):
    assert inspect.signature(getattr(plots, name)).return_annotation is Figure
