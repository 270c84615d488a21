"""What a job can reach in spite of its boundary: a trial from inside, before anything is graded.

A boundary is trusted for what it was seen to stop on this machine, not for what its tools promise.
"""

import json
import os
import socket
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

from ...checker.runner import Place

# What it can find, and in which words.
OURS = "read your files: the solutions, the submissions, the grades"
ANY_FILE = "read what every user of this machine may read"
NETWORK = "use the network"
SOCKETS = "talk to services of this machine through sockets"
SIGNALS = "end or stop your programs"
PROCESSES = "see which programs run"
WRITE = "leave files in folders that all users share"

_PROBE = """
import json, os, socket, sys
sys.path.insert(0, {base!r})
from pixelgrad.coursework.checker.confine import confine
results, limits = sys.argv[1], json.loads(sys.argv[2])
limits.pop("seconds")
confine(results, **limits)
import h5py, numpy, scipy.ndimage

def can(action, *arguments):
    try:
        action(*arguments)
    except OSError:
        return False
    return True

def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(2)
        s.connect(address)

def read(path):
    os.listdir(path) if os.path.isdir(path) else open(path, "rb").close()

def write(folder):
    path = os.path.join(folder, "probe-%d" % os.getpid())
    open(path, "w").close()
    os.unlink(path)

alone = os.getpid() == {grader}  # in a namespace of its own
found = {{
    {OURS!r}: any([can(read, path) for path in {secrets!r}]),
    {ANY_FILE!r}: can(read, {common!r}),
    {NETWORK!r}: can(connect, socket.AF_INET, ("127.0.0.1", {port})),
    {SOCKETS!r}: can(connect, socket.AF_UNIX, {address!r}),
    {SIGNALS!r}: not alone and can(os.kill, {grader}, 0),
    {PROCESSES!r}: not alone and can(read, "/proc/{grader}/cmdline"),
    {WRITE!r}: can(write, {shared!r}),
}}
with open("found.json", "w") as f:
    json.dump({{"user": os.geteuid(), "found": [name for name in found if found[name]]}}, f)
"""


def probe(start, base, limits, secrets, folder):
    """Run the trial.

    Parameters
    ----------
    start : callable (list of str, Place) -> Child
    base : Path
        A project with `pixelgrad`, which the job may read.
    limits : Limits
        As the job has them.
    secrets : sequence of Path
        What must not be readable.
    folder : Path
        For the job's place.

    Returns
    -------
    found : set of str or None
        What it can do, in words; None if it could not even start.
    said : str
        What it printed, for the instructor where it could not start.
    """
    place = Place(Path(tempfile.mkdtemp(dir=folder)))
    place.results.mkdir()
    (place.folder / "job.npz").touch()
    with ExitStack() as stack:
        common = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        common.chmod(0o755)
        (common / "file").touch(0o644)
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        local = stack.enter_context(socket.socket(socket.AF_UNIX)) if hasattr(socket, "AF_UNIX") else None
        if local is not None:
            local.bind(str(common / "socket"))
            os.chmod(common / "socket", 0o777)
            local.listen()
        code = _PROBE.format(
            base=str(base),
            grader=os.getpid(),
            secrets=[str(path) for path in secrets],
            common=str(common / "file"),
            port=server.getsockname()[1],
            address=str(common / "socket"),
            shared=tempfile.gettempdir(),
            OURS=OURS,
            ANY_FILE=ANY_FILE,
            NETWORK=NETWORK,
            SOCKETS=SOCKETS,
            SIGNALS=SIGNALS,
            PROCESSES=PROCESSES,
            WRITE=WRITE,
        )
        child = start([sys.executable, "-c", code, str(place.results), limits.as_json()], place)
        said = child.stdout.read().decode(errors="replace")  # until its end
        child.end()
    with suppress(OSError, ValueError):
        found = json.loads((place.results / "found.json").read_text())
        if hasattr(os, "geteuid") and os.geteuid() == 0 == found["user"]:
            return None, "it still runs as root"
        return set(found["found"]), said
    return None, said


def secrets_in(folders):
    """Some paths that must stay unreadable: the folders, and the first file of each."""
    found = []
    for folder in folders:
        found.append(folder)
        if folder.is_dir():
            found += next(((Path(top) / names[0],) for top, _, names in os.walk(folder) if names), ())
    return found
