"""pixelgrad.layers stands alone, and nothing in the library prints or plots."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("layers", "classifiers", "datasets", "visualization")


def modules():
    return [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("**/*.py"))]


def loaded_after(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
        ).stdout.split()
    )


def test_importing_pixelgrad_loads_neither_numpy_nor_matplotlib():
    assert not {"numpy", "matplotlib", "h5py", "torch"} & loaded_after("import pixelgrad")


def test_layers_import_nothing_of_ours_and_nothing_but_numpy():
    loaded = loaded_after("import pixelgrad.layers")
    ours = {name for name in loaded if name.startswith("pixelgrad.")}
    assert ours and all(name.split(".")[1] in ("layers", "_typing") for name in ours)
    assert not {"scipy", "h5py", "matplotlib", "torch", "tqdm"} & loaded


def test_the_networks_need_neither_matplotlib_nor_pytorch():
    loaded = loaded_after("import pixelgrad.classifiers")
    assert not {"matplotlib", "torch", "skimage"} & loaded
    assert not {name for name in loaded if name.startswith("pixelgrad.visualization")}


def imports(tree):
    """(absolute or relative name, level) of everything that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module or ''}.{alias.name}", node.level) for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_no_library_module_prints_or_plots_or_needs_pytorch(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {name for name, level in imports(tree) if level == 0}
    if path.name != "torchvision.py":  # the converter, which says so when PyTorch is not there
        assert not any(name.split(".")[0] == "torch" for name in names)
    if path.parent.name not in ("plots", "gallery"):
        assert not any("pyplot" in name for name in names)
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not any(isinstance(f, ast.Name) and f.id == "print" for f in calls)


@pytest.mark.parametrize("path", sorted((ROOT / "layers").glob("*.py")), ids=lambda p: p.name)
def test_layers_look_at_no_other_folder(path):
    for name, level in imports(ast.parse(path.read_text(encoding="utf-8"))):
        if name.startswith("_typing."):  # names of types, nothing that runs
            continue
        assert level <= 1, f"{path.name} imports {name}"
        assert level == 1 or name.split(".")[0] in {"numpy", "threadpoolctl", *sys.stdlib_module_names}


@pytest.mark.parametrize("path", sorted((ROOT / "classifiers").glob("*.py")), ids=lambda p: p.name)
def test_classifiers_look_at_layers_and_datasets_only(path):
    for name, level in imports(ast.parse(path.read_text(encoding="utf-8"))):
        assert level < 2 or name.split(".")[0] in ("layers", "datasets", "_files", "_progress", "_typing"), (
            f"{path.name} imports {name}"
        )
