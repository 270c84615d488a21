"""The documentation: ``python -m sphinx -W docs build/docs``. It needs the `docs` extra, and no internet.

The chapters are copied here from `notebooks/` without the model answers. They are not executed: their stored outputs
are shown, and the pages about techniques take their pictures from them. A cell with the tag "picture:NAME" gives
NAME.png.
"""

import base64
import importlib
import json
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from numpydoc.xref import DEFAULT_LINKS  # noqa: E402

import pixelgrad  # noqa: E402
from pixelgrad.coursework.instructor.chapters import chapter_files, for_students, write  # noqa: E402
from pixelgrad.datasets import default_sample  # noqa: E402
from pixelgrad.explore.export import export_page  # noqa: E402

project = "pixelgrad"
author = "the pixelgrad developers"
version = release = pixelgrad.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_nb",
]
exclude_patterns = ["_build", "_tables", "_templates", "_extra"]
html_extra_path = ["_extra"]
default_role = "py:obj"
templates_path = ["_templates"]

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"

autosummary_generate = True
autodoc_typehints = "none"  # the types, with their shapes, stand in the docstrings
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
# numpydoc's own links lead to Python's and NumPy's sites, which are not read here: the build needs no internet.
numpydoc_xref_aliases = {word: word for word in DEFAULT_LINKS} | {
    "Network": "pixelgrad.classifiers.Network",
    "PretrainedCNN": "pixelgrad.classifiers.PretrainedCNN",
    "Figure": "pixelgrad.visualization.plots.Figure",
}
numpydoc_xref_ignore = "all"

html_theme = "pydata_sphinx_theme"
html_title = f"pixelgrad {release}"
html_static_path: list[str] = []
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": False,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "logo": {"text": "pixelgrad"},
}


def _copy_chapters() -> None:
    """Chapters without model answers, and the pictures that their cells show under a name."""
    chapters, pictures = HERE / "chapters", HERE / "_pictures"
    for folder in (chapters, pictures):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    for path in chapter_files(ROOT):
        notebook = for_students(json.loads(path.read_text(encoding="utf-8")), outputs=True)
        write(chapters / path.name, notebook)
        for cell in notebook["cells"]:
            names = [tag.removeprefix("picture:") for tag in cell["metadata"].get("tags", []) if "picture:" in tag]
            shown = [o["data"]["image/png"] for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]
            for name, picture in zip(names, shown):
                (pictures / f"{name}.png").write_bytes(base64.b64decode("".join(picture)))
    names = "\n".join(path.stem for path in chapter_files(ROOT))
    (chapters / "index.md").write_text(INDEX.replace("NAMES", names), encoding="utf-8")


INDEX = """# The course

Seven chapters in the order of a lecture. Each derives what it uses, calls the exercises where they are needed, and ends
with experiments. They are notebooks: in a student edition they lie in `notebooks/` without outputs, and every cell that
waits for an exercise says which.

```{toctree}
:maxdepth: 1

NAMES
```
"""


def _write_reference() -> None:
    """A page for each package: all that it exports, and what stands in modules of its own."""
    for page, (title, modules) in REFERENCE.items():
        lines = [title, "=" * len(title), ""]
        for name in modules:
            module = importlib.import_module(f"pixelgrad.{name}")
            exported = getattr(module, "__all__", None) or EXTRA[name]
            words = (module.__doc__ or "").strip().splitlines()[0]
            heading = f"``pixelgrad.{name}``"
            lines += [heading, "-" * len(heading), "", words, "", f".. currentmodule:: pixelgrad.{name}", ""]
            lines += [".. autosummary::", "   :toctree: generated", ""]
            lines += [*(f"   {function}" for function in exported), ""]
        (HERE / "reference" / f"{page}.rst").write_text("\n".join(lines), encoding="utf-8")


REFERENCE = {
    "layers": ("Layers", ["layers", "layers.im2col"]),
    "classifiers": ("Networks and training", ["classifiers"]),
    "visualization": ("Techniques", ["visualization", "visualization.objectives", "visualization.image_sets"]),
    "plots": ("Figures", ["visualization.plots"]),
    "datasets": ("Pictures and data", ["datasets"]),
}
EXTRA = {
    "layers.im2col": ["im2col", "col2im"],
    "visualization.objectives": ["activation", "mixture", "guided"],
    "visualization.image_sets": ["features_of", "random_crops", "batches"],
}


def _export_explorer() -> None:
    """The explorer as one page, which its own page links to; made anew when its modules have changed."""
    page = HERE / "_extra" / "explorer-page.html"
    page.parent.mkdir(exist_ok=True)
    newest = max(path.stat().st_mtime for path in (ROOT / "pixelgrad" / "explore").rglob("*.*"))
    if not page.exists() or page.stat().st_mtime < newest:
        export_page(page, {"image": default_sample()}, overwrite=True)


_copy_chapters()
_write_reference()
_export_explorer()
