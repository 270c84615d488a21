"""The chapters: run and stored with their outputs for instructors, without outputs and model answers for students.

``python -m pixelgrad.coursework.instructor.chapters [PART OF A NAME ...]`` runs them from the first cell to the last
and stores what they show. Answers to the inline questions are Markdown cells with the tag "answer"; `coursework make`
leaves an empty cell in their place.
"""

import argparse
import base64
import copy
import gettext
import io
import json
import os
import re
import sys
import time
from pathlib import Path

from ..._language import language
from ..._language import translated as _
from ..exercises.catalogue import EXERCISES, ROOT

FOLDER = "notebooks"
_FUNCTIONS = {function for exercise in EXERCISES.values() for function in exercise.functions}
_EXERCISE, _CODE = re.compile(r"\*\*(Exercise\.|练习.?)\*\*"), re.compile(r"`([^`]+)`")
LOCALE = Path(__file__).resolve().parent / "locale"  # the chapters in other languages
ANSWER = "answer"  # the tag of a cell with a model answer
BLANK = "*Your answer:*"


def chapter_files(root=ROOT):
    """The chapters of a project, in order."""
    return sorted((root / FOLDER).glob("*.ipynb"))


def is_answer(cell):
    """Whether a cell holds a model answer."""
    return ANSWER in cell["metadata"].get("tags", [])


def read(path):
    """A notebook (dict)."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def translatable(notebook):
    """The texts of a chapter that its readers see: Markdown cells, without the model answers."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown" and not is_answer(cell)]
    return [*("".join(cell["source"]) for cell in cells), BLANK]


def for_students(notebook, *, outputs=False, translated=str):
    """A chapter (dict) without its model answers and, by default, without outputs; `translated` is given each text."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook["cells"]:
        if is_answer(cell):
            cell["source"], cell["metadata"] = [BLANK], {}
        if cell["cell_type"] == "markdown":
            cell["source"] = translated("".join(cell["source"])).splitlines(keepends=True)
        if cell["cell_type"] == "code" and not outputs:
            cell["outputs"], cell["execution_count"] = [], None
    return notebook


def write_for_students(path, source=None, *, outputs=False, exercises=EXERCISES):
    """Write a chapter as students get it, in the language in use; what they are not to write is said to be given."""
    catalogue = gettext.translation("chapters", LOCALE, [language()], fallback=True)
    functions = {function for name in exercises for function in EXERCISES[name].functions}

    def translated(text):
        return "\n\n".join(_asked(paragraph, functions) for paragraph in catalogue.gettext(text).split("\n\n"))

    write(path, for_students(read(source or path), outputs=outputs, translated=translated))


def _asked(paragraph, functions):
    """A paragraph that begins "**Exercise.** Write `name`": as it is if one of these functions is asked for in it."""
    named = _CODE.findall(paragraph)
    if not _EXERCISE.match(paragraph) or not (given := [name for name in named if name in _FUNCTIONS - functions]):
        return paragraph
    words = _("**Given in this edition:** {names}.", names=", ".join(f"`{name}`" for name in given))
    return f"{paragraph} {words}" if functions & {*named} else words


def write(path, notebook):
    """Write a notebook as Jupyter does, so that a change of one line is one line of difference."""
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
    Path(path).write_text(text + "\n", encoding="utf-8", newline="\n")


def run_chapter(path, *, root=None, folder=None, say=None):
    """Run a chapter in a kernel of its own.

    Parameters
    ----------
    path : Path
    root : Path, optional
        The project whose pixelgrad it imports; by default the one that the chapter lies in.
    folder : Path, optional
        Where it runs; by default where it lies.
    say : callable (cell, seconds), optional
        Called after each cell of code.

    Returns
    -------
    NotebookNode
        With outputs, but without progress bars and times.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
    """
    import nbformat
    from nbclient import NotebookClient

    notebook, began = nbformat.read(path, as_version=4), [0.0]
    root = Path(path).resolve().parent.parent if root is None else root
    environment = {name: value for name, value in os.environ.items() if name not in ("MPLBACKEND", "PIXELGRAD_DATA")}
    # One thread of BLAS: sums are made in one order, and other busy programs disturb less.
    environment |= {"PYTHONPATH": str(root), "OPENBLAS_NUM_THREADS": "1"}
    client = NotebookClient(
        notebook,
        timeout=900,
        iopub_timeout=120,  # what a busy kernel says late is not lost
        raise_on_iopub_timeout=True,
        record_timing=False,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder or Path(path).parent)}},
        on_cell_start=lambda cell, cell_index: began.__setitem__(0, time.monotonic()),
        on_cell_executed=lambda cell, cell_index, execute_reply: say and say(cell, time.monotonic() - began[0]),
    )
    client.execute(env=environment)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def main(arguments=None):
    """Run chapters and store their outputs."""
    parser = argparse.ArgumentParser(description="Run the chapters and store their outputs.")
    parser.add_argument("names", nargs="*", metavar="PART", help="parts of the names of chapters; all by default")
    names = parser.parse_args(arguments).names
    chosen = [path for path in chapter_files() if not names or any(name in path.stem for name in names)]
    if not chosen:
        parser.error(f"no chapter's name holds {' or '.join(names)}")
    for path in chosen:
        taken = []

        def say(cell, seconds, taken=taken):
            taken.append(seconds)
            if seconds > 2:
                print(f"  {seconds:5.1f} s  {cell.source.splitlines()[0][:80]}", file=sys.stderr, flush=True)

        notebook = run_chapter(path, say=say)
        write(path, _packed(notebook))
        print(f"{path.name}: {sum(taken):.0f} s, {path.stat().st_size / 1e6:.2f} MB", flush=True)
    return 0


def _packed(notebook):
    """As it is stored: pictures with 256 colours of their own, sources and texts as lists of lines."""
    import nbformat

    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = _smaller(output.data["image/png"])
    return json.loads(nbformat.writes(notebook, version=4))


def _smaller(picture):
    """A PNG (base64) with a palette: a third of the size, and no difference that one sees."""
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    # Maximum coverage keeps colours that few pixels have, such as those of a plot's points; median cut merges them.
    image = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")


if __name__ == "__main__":
    raise SystemExit(main())
