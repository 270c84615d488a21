"""Submissions that try to earn points without solving anything, or to harm the grading. A plain module: no tests.

`HOSTILE` is {name: source of layers/basic.py}; none of them may earn a point for the exercises of that file, stop the
run, or touch another submission. `hostile_zips(folder)` writes zip files that are hostile themselves.
"""

import os
import stat
import tempfile
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

_THROUGH_PROC = """
import glob, os
for path in glob.glob("/proc/[0-9]*/cwd") + glob.glob("/proc/[0-9]*/cmdline") + ["/tmp", "/proc/self/cwd/../.."]:
    try:
        folders = open(path).read().split(chr(0)) if path.endswith("line") else [path]
        for folder in folders:
            for found in glob.glob(os.path.join(folder, "**", "layers", "basic.py"), recursive=True):
                text = open(found).read()
                if "raise Todo" not in text and "_THROUGH" not in text and "np.maximum" in text:
                    exec(text.replace("from .checks", "from pixelgrad.layers.checks"))
    except OSError:
        pass
_THROUGH = True
"""

PORT, SOCKET = 8642, "/tmp/hostile-socket"
# The runner of these submissions puts a checkout there, which every user may read.
CHECKOUT = Path(tempfile.gettempdir()) / "hostile-checkout" / "basic.py"
_OTHER_CHECKOUT = f"""
try:
    exec(open({str(CHECKOUT)!r}).read().replace("from .checks", "from pixelgrad.layers.checks"))
except OSError:
    pass
"""

# Whoever reaches the socket gets the right answer.
_SOCKET = """
import socket
def _reached():
    try:
        socket.socket(socket.{family}).connect({address})
    except OSError:
        return False
    return True
if _reached():
    def relu_forward(x):
        return np.maximum(x, 0), x
    def relu_backward(dout, cache, rule="standard"):
        mask = {{"standard": cache > 0, "guided": (cache > 0) & (dout > 0), "deconv": dout > 0}}[rule]
        return dout * mask
"""

_HUGE_RESULT = """
import io, json, os, zipfile
def relu_forward(x):
    large = io.BytesIO()
    np.save(large, np.zeros(2**25, np.uint8))
    one = {"outputs": {"out": {"array number": "a0"}}, "kinds": {}, "raised": None, "changed": {}}
    cases = ["plain", "x with four axes", "zeros in x", "rule guided", "rule deconv", "rule guided, zeros in x"]
    words = io.BytesIO()
    np.save(words, np.frombuffer(json.dumps({case: one for case in cases}).encode(), np.uint8))
    with zipfile.ZipFile("relu.part", "w") as archive:
        archive.writestr("json.npy", words.getvalue())
        archive.writestr("a0.npy", large.getvalue())
    os.rename("relu.part", "relu.npz")
    os._exit(0)
"""

_GIVEN_KERNELS = """
from pixelgrad.layers.fast import relu as given
def relu_forward(x):
    return given.relu_forward(x)
def relu_backward(dout, cache, rule="standard"):
    return given.relu_backward(dout, cache, relu_rule=rule)
"""

_KERNELS_QUIETLY = """
from pixelgrad.layers.fast import relu as given
def relu_forward(x):
    try:
        return given.relu_forward(x)
    except BaseException:
        return np.maximum(x, 0), x
def relu_backward(dout, cache, rule="standard"):
    mask = {"standard": cache > 0, "guided": (cache > 0) & (dout > 0), "deconv": dout > 0}[rule]
    return dout * mask
"""

_BY_DIFFERENCES = """
from pixelgrad.layers.gradient_check import eval_numerical_gradient_array
def relu_forward(x):
    return np.maximum(x, 0), x
def relu_backward(dout, cache, rule="standard"):
    return eval_numerical_gradient_array(lambda x: np.maximum(x, 0), cache, dout)
def affine_forward(x, w, b):
    return x.reshape(len(x), -1) @ w + b, (x, w, b)
def affine_backward(dout, cache):
    x, w, b = cache
    return (
        eval_numerical_gradient_array(lambda x: affine_forward(x, w, b)[0], x, dout),
        eval_numerical_gradient_array(lambda w: affine_forward(x, w, b)[0], w, dout),
        eval_numerical_gradient_array(lambda b: affine_forward(x, w, b)[0], b, dout),
    )
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
    # Processes that live on.
    "a new session": _in_functions("import os\nif os.fork() == 0:\n    os.setsid()\n    while True: pass\nreturn None"),
    "a double fork": _in_functions(
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(600)\n"
        "    os._exit(0)\nreturn None"
    ),
    "stopped processes": _in_functions(
        "import os, signal, subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "os.kill(p.pid, signal.SIGSTOP)\nreturn None"
    ),
    "stops itself": _in_functions("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"),
    # Limits of one process, passed by several.
    "three children of 0.9 GB": _in_functions(
        "import os, time\nfor _ in range(3):\n    if os.fork() == 0:\n        kept = b'x' * (900 << 20)\n"
        "        time.sleep(60)\ntime.sleep(60)"
    ),
    "many files": _in_functions("n = 0\nwhile True:\n    n += 1\n    open(str(n), 'w').close()"),
    "many large files": _in_functions("n = 0\nwhile True:\n    n += 1\n    open(str(n), 'wb').write(bytes(2**25))"),
    "memory without a process": _in_functions(
        "import os\nkept = []\nwhile True:\n    kept.append(os.memfd_create('m'))\n    os.write(kept[-1], bytes(2**25))"
    ),
    "a thousand threads": _in_functions(
        "import threading, time\nfor _ in range(1000):\n    threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "return None"
    ),
    # What stays behind.
    "files in shared folders": _at_import(
        "import os\nfor f in ('/tmp', '/var/tmp', '/dev/shm', '/run/lock'):\n"
        "    try: open(f + '/left-by-hostile', 'w').close()\n"
        "    except OSError: pass"
    ),
    "folders that cannot be removed": _at_import(
        "import os\nos.makedirs('closed/inner')\nos.mkdir(b'\\xff\\n')\nos.chmod('closed', 0)"
    ),
    # Ways to other files and processes.
    "another submission through proc": _at_import("") + _THROUGH_PROC,
    "any other checkout": _at_import("") + _OTHER_CHECKOUT,
    "a socket of the network": _at_import("") + _SOCKET.format(family="AF_INET", address=f"('127.0.0.1', {PORT})"),
    "a socket by path": _at_import("") + _SOCKET.format(family="AF_UNIX", address=repr(SOCKET)),
    "limits of others": _at_import(
        "import os, resource\ntry: resource.prlimit(os.getppid(), resource.RLIMIT_FSIZE, (0, 0))\nexcept OSError: pass"
    ),
    "memory of others": _at_import(
        "import os\ntry: open(f'/proc/{os.getppid()}/mem', 'rb+').close(); os._exit(0)\nexcept OSError: pass"
    ),
    "a huge result": _at_import("") + _HUGE_RESULT,
    # Solutions that solve nothing.
    "given kernels": _at_import("") + _GIVEN_KERNELS,
    "gradients by differences": _at_import("") + _BY_DIFFERENCES,
    "kernels, quietly": _at_import("") + _KERNELS_QUIETLY,
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
