"""What a job must be able to read: Python, its libraries, and nothing else of this machine.

An allow-list: a checkout of the solutions, wherever it lies, is not on it; nor is a copy of this package that is
installed beside the libraries.
"""

import json
import os
import site
import subprocess
import sys
import sysconfig
from functools import cache
from importlib import metadata
from pathlib import Path

LIBRARIES = ("numpy", "scipy", "h5py", "matplotlib", "tqdm", "threadpoolctl")  # and all that these require
_SYSTEM = ("/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo/UTC")

# Prints the files that are mapped once the libraries are loaded: from there the loader takes shared objects.
_MAPPED = """
import json, h5py, numpy, scipy.linalg, scipy.ndimage
with open("/proc/self/maps") as f:
    print(json.dumps(sorted({line.split(None, 5)[5].strip() for line in f if "/" in line})))
"""


@cache
def readable():
    """Files and folders that a job may read: a tuple of str, none of them inside another."""
    return tuple(_outermost(str(path) for path in [*_python(), *_libraries(), *_shared_objects(), *_SYSTEM]))


def _python():
    """The interpreter and its standard library, without the libraries that are installed inside it."""
    for executable in {sys.executable, getattr(sys, "_base_executable", sys.executable)}:
        path = Path(executable)
        yield from (path, path.resolve(), path.parent.parent / "pyvenv.cfg")
        while path.is_symlink():
            path = path.parent / os.readlink(path)
            yield path
    for name in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}:
        if Path(name).is_dir():
            yield from (entry for entry in sorted(Path(name).iterdir()) if not entry.name.endswith("-packages"))


def _libraries():
    """The top-level files and folders of the libraries and of all that they require."""
    waiting, known = list(LIBRARIES), set()
    while waiting:
        name = waiting.pop()
        if name in known:
            continue
        known.add(name)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # only required elsewhere, or copied by hand
            yield from _by_name(name)
            continue
        waiting += [_name(line) for line in found.requires or () if "extra ==" not in line]
        files = found.files or ()
        tops = {found.locate_file(file.parts[0]) for file in files if file.parts[0] not in ("..", "__pycache__")}
        yield from sorted(Path(str(top)) for top in tops)
        yield from _by_name(name)


def _by_name(name):
    for folder in {*site.getsitepackages(), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        yield Path(folder) / name.replace("-", "_")


def _name(requirement):
    """numpy>=1.24; python_version > "3" -> numpy"""
    end = next((n for n, c in enumerate(requirement) if not (c.isalnum() or c in "-_.")), len(requirement))
    return requirement[:end]


def _shared_objects():
    """Shared objects outside the libraries' own folders, and where the loader looks for them."""
    if not sys.platform.startswith("linux"):
        return
    done = subprocess.run([sys.executable, "-c", _MAPPED], capture_output=True, text=True, cwd="/")
    mapped = json.loads(done.stdout) if done.returncode == 0 else []
    for path in map(Path, mapped):
        if ".so" in path.name:
            yield path
            # Other names of the same file, such as libz.so.1 for libz.so.1.2.13, and the loader itself.
            yield from path.parent.glob(path.name.split(".so")[0] + ".so*")
    for folder in ("/lib64", "/lib"):
        yield from Path(folder).glob("ld-linux*")


def _outermost(paths):
    """The paths that exist, without those that lie in another of them."""
    kept = set()
    for path in sorted({path for path in paths if os.path.exists(path)}, key=lambda path: path.count("/")):
        if not any(str(parent) in kept for parent in Path(path).parents):
            kept.add(path)
    return sorted(kept)
