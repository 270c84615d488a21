"""Submissions that try to earn points without solving anything, or to harm the grading. A plain module: no tests.

`HOSTILE` is {name: source of layers/basic.py}; none of them may earn a point for the exercises of that file, stop the
run, or touch another submission. `hostile_zips(folder)` writes zip files that are hostile themselves.
"""

import os
import stat
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The functions of the file; {body} is what each of them does.
FILE = """
import numpy as np
{head}

def affine_forward(x, w, b):
    {body}

def affine_backward(dout, cache):
    {body}

def relu_forward(x):
    {body}

def relu_backward(dout, cache, rule="standard"):
    {body}

def dropout_forward(x, dropout_param):
    {body}

def dropout_backward(dout, cache):
    {body}

def concat_forward(xs, axis=1):
    return np.concatenate(xs, axis=axis), (axis, [x.shape for x in xs])

def concat_backward(dout, cache):
    axis, shapes = cache
    return np.split(dout, np.cumsum([s[axis] for s in shapes])[:-1], axis=axis)
"""


def _in_functions(body, head=""):
    return FILE.format(body=body.strip().replace("\n", "\n    "), head=head)


def _at_import(head):
    return FILE.format(body="return None", head=head)


_FORGED = """
import json, os, sys
for folder in (".", "..", "/tmp", os.path.dirname(os.getcwd()), {out!r}):
    for name in ("results.json", "grades.csv", "relu.npz", "affine.npz", "grades.csv.parts/run.txt"):
        try:
            with open(os.path.join(folder, name), "w") as f:
                f.write("submission,points\\nme,1000\\n")
        except OSError:
            pass
"""

_SOLUTIONS = f"""
import os
SOURCE = ""
for path in ({str(ROOT / "layers" / "basic.py")!r}, {str(ROOT / "layers" / "fast" / "fused.py")!r}):
    try:
        with open(path) as f:
            SOURCE = SOURCE or f.read()
    except OSError:
        pass
if "def affine_forward" in SOURCE:
    SOURCE = SOURCE.replace("from .checks", "from pixelgrad.layers.checks")
    exec(SOURCE)
"""

_PATCHED = """
import numpy, sys
numpy.allclose = numpy.isclose = numpy.array_equal = lambda *a, **k: True
numpy.savez = lambda *a, **k: None
import pixelgrad.coursework.checker.harness as harness
import pixelgrad.coursework.checker.packing as packing
harness.run_case = lambda *a: {"outputs": {}, "kinds": {}, "raised": None, "changed": {}}
packing.same = harness.same = lambda a, b: True
try:
    import pixelgrad.coursework.checker.judge as judge
    judge.alike = judge.close = lambda *a: True
except Exception:
    pass
"""

_EQUAL = """
class Equal(np.ndarray):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __array_function__(self, *a): return True
    shape = property(lambda self: Any())
class Any:
    def __eq__(self, other): return True
    def __len__(self): return 2
"""

_ANSWERS = """
import glob, os, sys
FOUND = []
for pattern in ("/tmp/**/*.h5", "/tmp/**/job.npz", "/**/answers.h5"):
    FOUND += glob.glob(pattern, recursive=True)[:50] if pattern.startswith("/tmp") else []
for path in FOUND:
    try:
        open(path, "rb").read(); open(path, "wb").write(b"")
    except OSError:
        pass
"""

HOSTILE = {
    "exits at once": _in_functions("import os\nos._exit(0)"),
    "exits politely": _in_functions("import sys\nsys.exit(0)"),
    "exits at import": _at_import("import os\nos._exit(0)"),
    "never ends": _in_functions("while True: pass"),
    "sleeps": _in_functions("import time\ntime.sleep(10**6)"),
    "fork bomb": _in_functions("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
    "100 GB of memory": _in_functions("x = np.ones(100 * 2**30 // 8)\nreturn x, x, x"),
    "memory by and by": _in_functions("kept = []\nwhile True: kept.append(np.ones(2**22))"),
    "endless output": _in_functions("while True: print('x' * 10000)"),
    "10 GB file": _in_functions("with open('big', 'wb') as f:\n    for _ in range(10000): f.write(bytes(2**20))"),
    "writes grades itself": _at_import(_FORGED.format(out=os.environ.get("HOSTILE_OUT", "/nowhere"))),
    "patches numpy and our modules": _at_import(_PATCHED),
    "array that equals everything": _in_functions(
        "return np.zeros(3).view(Equal), np.zeros(3).view(Equal), np.zeros(3).view(Equal)", _EQUAL
    ),
    "reads the solutions": _at_import("") + _SOLUTIONS,
    "looks for answers": _at_import(_ANSWERS),
    "kills its parent": _in_functions("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"),
    "kills everybody": _in_functions("import os, signal\nos.kill(-1, signal.SIGKILL)"),
    "crashes": _in_functions("import ctypes\nctypes.string_at(0)"),
    "closes its files": _in_functions("import os\nos.closerange(0, 100)"),
    "raises what nobody catches": _in_functions("raise BaseException('x' * 10**7)"),
    "recursion without end": _in_functions("return relu_forward(x) if 'x' in dir() else affine_forward(1, 2, 3)"),
    "a pipe for a result": _at_import(
        "import os\nfor n in ('affine', 'relu', 'dropout'):\n    os.path.exists(n + '.npz') or os.mkfifo(n + '.npz')"
    ),
    "a link for a result": _at_import("import os\nos.symlink('/dev/zero', 'affine.npz')"),
    "replaces other exercises": _at_import(
        "import pixelgrad.coursework.exercises.catalogue as e\n"
        "for x in e.EXERCISES.values(): object.__setattr__(x, 'run', lambda f, c, out: None)"
    ),
    "folders without end": _at_import("import os\nfor i in range(1500):\n    os.mkdir('d')\n    os.chdir('d')"),
    "no Python": "def affine_forward(:\n",
    "binary": "\0\0\0",
    "leaves a process behind": _in_functions(
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\nreturn None"
    ),
}
FREE_OF_POINTS = ("affine", "relu", "dropout")


def hostile_zips(folder, honest):
    """Zip files that climb, link, or swell; `honest` is {path: text} of a whole solution. Returns their names."""
    folder = Path(folder)
    with zipfile.ZipFile(folder / "climbs.zip", "w") as archive:
        archive.writestr("../../layers/basic.py", "raise SystemExit")
        archive.writestr("/layers/basic.py", "raise SystemExit")
        archive.writestr("x/../../../layers/basic.py", "raise SystemExit")
    with zipfile.ZipFile(folder / "links.zip", "w") as archive:
        info = zipfile.ZipInfo("layers/basic.py")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, str(ROOT / "layers" / "basic.py"))
    with zipfile.ZipFile(folder / "swells.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("layers/basic.py", b"#" * 300_000_000)
    (folder / "damaged.zip").write_bytes(b"PK\x03\x04 nonsense")
    linked = folder / "linked"
    (linked / "layers").mkdir(parents=True)
    (linked / "layers" / "basic.py").symlink_to(ROOT / "layers" / "basic.py")
    return ["climbs", "links", "swells", "damaged", "linked"]
