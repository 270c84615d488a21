"""The rooms of the house: imports run down only, without circles, and every edition is an allow-list."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# From the top: a module may import what stands below its own room, and its own room.
ROOMS = [
    "pixelgrad.cli",
    "pixelgrad.explore",
    "coursework.instructor",
    "coursework.checker",
    "coursework.exercises",
    "visualization.gallery",
    "visualization.plots",
    "visualization",
    "classifiers",
    "datasets",
    "layers.fast",
    "layers",
    "pixelgrad",
]
FILES = sorted(
    path
    for folder in ("pixelgrad", "layers", "classifiers", "visualization", "datasets", "coursework")
    for path in (ROOT / folder).rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py") and "edition" not in path.parts
)


def module_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def room_of(module):
    return next(
        room for room in sorted(ROOMS, key=len, reverse=True) if module == room or module.startswith(f"{room}.")
    )


def resolved(package, name):
    """A module's file, whatever was imported from it; names of a package are taken from its own __init__."""
    folder = ROOT.joinpath(*package.split("."))
    if (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file():
        return f"{package}.{name}"
    return package


def imports_of(path):
    """The modules of ours that a file imports, anywhere in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    here = module_of(path).split(".")
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level:
            base = here[: len(here) - node.level]
            package = ".".join(base + (node.module.split(".") if node.module else []))
        else:
            package = (node.module or "").removeprefix("pixelgrad.")
        package = package or "pixelgrad"
        if package.split(".")[0] in ("todo", "_files"):  # what stands directly in pixelgrad/ is at the bottom
            package = f"pixelgrad.{package}"
        place = ROOT.joinpath(*package.split("."))
        if place.exists() or place.with_suffix(".py").exists():
            yield from {resolved(package, alias.name) for alias in node.names}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_run_down_only(path):
    mine = ROOMS.index(room_of(module_of(path)))
    up = {module for module in imports_of(path) if ROOMS.index(room_of(module)) < mine}
    assert not up


def test_no_circle_of_imports():
    graph = {module_of(path): set(imports_of(path)) - {module_of(path)} for path in FILES}
    done = set()

    def visit(module, trail):
        assert module not in trail, " -> ".join([*trail[trail.index(module) :], module])
        if module not in done:
            for other in graph.get(module, ()):
                visit(other, [*trail, module])
            done.add(module)

    for module in graph:
        visit(module, [])


def test_the_layout_test_sees_imports():
    assert {"layers.checks", "layers.fast.winograd"} <= set(imports_of(ROOT / "layers" / "fast" / "conv.py"))
    assert "visualization.plots.pictures" in set(imports_of(ROOT / "visualization" / "gallery" / "pictures.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_imports_what_is_private_to_another(path):
    nodes = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)]
    private = [alias.name for node in nodes for alias in node.names if alias.name.startswith("_")]
    assert not [name for name in private if not name.startswith("__")]
