"""pixelgrad.datasets as a whole: light to import, complete, and silent."""

import subprocess
import sys
from pathlib import Path

from pixelgrad import datasets

ROOT = Path(__file__).parents[2]


def test_importing_it_loads_neither_matplotlib_nor_scikit_image_nor_pillow():
    code = "import sys, pixelgrad.datasets; print(*{m.split('.')[0] for m in sys.modules})"
    command = [sys.executable, "-W", "error::DeprecationWarning", "-c", code]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.split()
    assert "numpy" in loaded
    assert not {"matplotlib", "skimage", "PIL"} & set(loaded)


def test_everything_public_is_exported_and_documented():
    for name in datasets.__all__:
        assert getattr(datasets, name).__doc__, name
    assert issubclass(datasets.DataError, ValueError)


def test_the_shipped_weights_lie_in_the_package():
    path = datasets.shipped_weights()
    assert path == ROOT / "datasets" / "weights" / "tinyimagenet100.h5"


def test_no_module_prints():
    for file in (ROOT / "datasets").glob("*.py"):
        assert "print(" not in file.read_text(encoding="utf-8"), file
