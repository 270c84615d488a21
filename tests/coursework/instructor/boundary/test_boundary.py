"""What a submission cannot reach, in every way to build a boundary that this machine offers."""

import ast
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pixelgrad.coursework.checker.folders import remove_folder, scratch_folder
from pixelgrad.coursework.checker.runner import Limits
from pixelgrad.coursework.exercises.catalogue import EXERCISES, ROOT
from pixelgrad.coursework.instructor.answers import draw_inputs
from pixelgrad.coursework.instructor.boundary import boundary as boundaries
from pixelgrad.coursework.instructor.boundary.boundary import Boundary
from pixelgrad.coursework.instructor.boundary.users import USERS, Users
from pixelgrad.coursework.instructor.grading import LIMITS
from tests.coursework.instructor.submitted import SOLVED, is_root, write

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="boundaries are Linux's")
KINDS = ("namespaces", "user") if is_root else ("bubblewrap", "sandbox")


@pytest.fixture(scope="module")
def working(edition, tmp_path_factory):
    """The kinds of boundary that work here, with what they leave open."""
    folder, found = tmp_path_factory.mktemp("trials"), {}
    passable(edition.path)
    passable(folder)
    for kind in KINDS:
        boundary = Boundary(kind, users=Users() if is_root else None)
        opened, _ = boundaries._tried(boundary, edition.path, Limits(), [ROOT / "setup.py"], folder)
        if opened is not None:
            found[kind] = replace(boundary, open=frozenset(opened))
    return found


@pytest.fixture(params=KINDS)
def boundary(request, working):
    """Each boundary that works here."""
    if request.param not in working:
        pytest.skip("it does not work on this machine, or for this user")
    return working[request.param]


@pytest.fixture
def jobs():
    """A folder for the folders of jobs, which pytest could not remove: some are a thousand deep."""
    with scratch_folder("of-a-test-") as folder:
        passable(folder)
        yield folder


@pytest.fixture
def behind(boundary, edition, jobs):
    """behind(body, **limits) -> what relu_forward raised, with this body, and what was printed."""

    def run(body, head="", **limits):
        folder = Path(tempfile.mkdtemp(dir=jobs))
        project = folder / "project"
        shutil.copytree(edition.path, project, copy_function=lambda a, b: os.link(a, b))
        passable(folder)
        path = project / "layers" / "basic.py"
        text = path.read_text()
        path.unlink()
        indented = "".join(f"    {line}\n" for line in body.splitlines())
        path.write_text(f"{text}\n{head}\ndef relu_forward(x):\n{indented}")
        path.chmod(0o644)
        inputs = {"relu": {"plain": draw_inputs(EXERCISES["relu"])["plain"]}}
        outcomes = boundary.run(inputs, project, folder, replace(LIMITS, **{"seconds": 5} | limits)).outcomes["relu"]
        if isinstance(outcomes, str):
            return outcomes
        return (outcomes["plain"]["raised"] or {"message": "nothing"})["message"]

    return run


def passable(folder):
    """Let other users through to a folder of the tests."""
    for path in (folder, *folder.parents):
        if os.stat(path).st_uid == os.getuid() and not os.stat(path).st_mode & 0o001 and path.is_relative_to("/tmp"):
            path.chmod(0o711)
    for path in folder.rglob("*"):
        if not os.stat(path).st_mode & 0o004:
            path.chmod(0o755 if path.is_dir() else 0o644)


def seen(text):
    return ast.literal_eval(text)


def job(code, folder, **limits):
    """What a keeper is told, for a Python program without any boundary."""
    told = {"command": [sys.executable, "-c", code], "environment": {}, "user": None, "new_root": "", "readable": []}
    told |= {"memory": 999, "seconds": 60, "processes": 9, "disk": 9, "files": 99, "output": 9}
    return told | {"writable": str(folder)} | limits


def alive(mark):
    """Whether there is a process with these words in its command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if mark in path.read_bytes().decode(errors="replace"):
                return True
    return False


# -- what it sees ------------------------------------------------------------------------------------------------------


def test_the_best_boundary_leaves_nothing_open(working):
    best = next((working[kind] for kind in KINDS if kind in working), None)
    if best is None:
        pytest.skip("there is none here")
    assert best.open == frozenset() and best.unprotected == best.remark == ""


READS = """
found = {}
for path in PATHS:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path).close()
        found[path] = "read"
    except OSError:
        pass
    try:
        open(os.path.join(path, "written") if os.path.isdir(path) else path, "a").close()
        found[path] = "written"
    except OSError:
        pass
raise ValueError(repr(found))
"""


def test_it_reads_python_and_its_project_and_nothing_else(behind, tmp_path):
    """Also nothing that every user may read, as another checkout of the solutions."""
    other = write(tmp_path / "other", {"layers/basic.py": "def relu_forward(x): ..."})
    passable(other)
    shared = [path for path in ("/tmp", "/var/tmp", "/dev/shm", "/run/lock") if os.path.isdir(path)]
    paths = [str(ROOT / "setup.py"), str(other / "layers/basic.py"), "/etc/passwd", "/home", *shared]
    found = seen(behind(READS, f"import os\nPATHS = {paths!r}"))
    assert not found.keys() - {"/home", *shared} and not {"/home"} & {k for k, v in found.items() if v == "written"}
    assert not [path for path in shared if os.path.exists(f"{path}/written")]


def test_it_opens_no_sockets(behind, tmp_path):
    with socket.socket(socket.AF_UNIX) as server, tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        server.bind(f"{folder}/s")
        os.chmod(f"{folder}/s", 0o777)
        server.listen()
        body = f"import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect({folder + '/s'!r})\nraise ValueError('in')"
        assert "in" != behind(body)
    assert "Operation not permitted" in behind("import socket\nsocket.create_connection(('127.0.0.1', 9))")


def test_it_sees_and_reaches_no_other_process(behind):
    body = f"import os\nfound = []\nfor action in ACTIONS:\n{TRIES}\nraise ValueError(repr(found))"
    pid = os.getpid()
    actions = f"""
import os, resource, signal
ACTIONS = {{
    "signal": lambda: os.kill({pid}, 0),
    "limits": lambda: resource.prlimit({pid}, resource.RLIMIT_NOFILE),
    "command": lambda: open("/proc/{pid}/cmdline").read(),
    "folder": lambda: os.listdir("/proc/{pid}/cwd"),
}}
"""
    assert seen(behind(body, actions)) == []


TRIES = "    try:\n        ACTIONS[action]()\n        found.append(action)\n    except OSError:\n        pass"


def test_nothing_of_our_environment_is_there(behind):
    names = seen(behind("import os\nraise ValueError(repr(sorted(os.environ)))"))
    assert not {"SSH_AUTH_SOCK", "USER", "PIXELGRAD_DATA", "PYTEST_CURRENT_TEST"} & set(names)


@pytest.mark.skipif(not is_root, reason="needs root")
def test_each_job_has_a_user_of_its_own(behind):
    first, second = (int(behind("import os\nraise ValueError(os.getuid())")) for _ in range(2))
    assert first in USERS and second in USERS and first != second


# -- limits of the whole job -------------------------------------------------------------------------------------------

OUTLIVES = """
import os, signal, subprocess, sys, time
code = "import os, sys, time\\nopen(sys.argv[1], 'w').close()\\nwhile True: time.sleep(0.1)  # MARK"
subprocess.Popen([sys.executable, "-c", code, "a"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-c", code, "b"])
    os._exit(0)
stopped = subprocess.Popen([sys.executable, "-c", code, "c"], start_new_session=True)
try:
    os.kill(stopped.pid, signal.SIGSTOP)
except OSError:
    pass
until = time.monotonic() + 4
while not (os.path.exists("a") and os.path.exists("b")) and time.monotonic() < until:
    time.sleep(0.01)
"""


def test_nothing_outlives_a_job(behind):
    """Neither new sessions nor double forks nor stopped processes."""
    mark = f"outlives {os.getpid()} {time.monotonic_ns()}"
    assert behind(OUTLIVES.replace("MARK", mark) + f"raise ValueError({mark!r})") == mark
    assert not alive(mark)


def test_a_grader_that_is_killed_leaves_no_job_behind(tmp_path):
    mark = f"orphan {os.getpid()} {time.monotonic_ns()}"
    sleeps = job(f"import signal; open('begun', 'w').close(); signal.pause()  # {mark}", tmp_path)
    start = f"import json, os, time\nfrom {boundaries.__name__} import KeptChild\n"
    start += f"c = KeptChild(json.loads({json.dumps(sleeps)!r}))\ntime.sleep(600)"
    grader = subprocess.Popen([sys.executable, "-c", start], cwd=ROOT)
    until = time.monotonic() + 30
    while not (tmp_path / "begun").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert alive(mark) and grader.poll() is None
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    until = time.monotonic() + 30
    while alive(mark) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(mark)


CHILDREN = """
import os, signal
for _ in range(3):
    if os.fork() == 0:
        kept = b"x" * (200 << 20)
        signal.pause()
signal.pause()
"""  # nothing here waits for a clock: on a virtual machine that is paused, a sleep may end at once


@pytest.mark.slow
def test_children_share_one_limit_of_memory(behind):
    assert "512 MiB of memory" in behind(CHILDREN, memory=512, seconds=20)


def test_children_share_one_limit_of_processor_time(tmp_path):
    child = boundaries.KeptChild(job("import os\nfor _ in range(3): os.fork()\nwhile True: pass", tmp_path, seconds=1))
    assert child.stdout.read() == b""  # until its end
    assert child.end() == (-9, "1 s of processor time")


def test_a_job_tells_what_its_processes_use(tmp_path):
    for code, works in (("import os\nos.fork()\nwhile True: pass", True), ("import time; time.sleep(60)", False)):
        child = boundaries.KeptChild(job(code, tmp_path, seconds=60))
        until = time.monotonic() + 60
        while not (look := child.used()) or look[1] != works or look[0] < works:  # a second of work, or none
            assert time.monotonic() < until, look
            time.sleep(0.01)
        child.end()
        assert child.used() is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "body, words",
    [
        ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", None),
        ("while True: print('x' * 10**6)", "64 MiB of output"),
        ("n = 0\nwhile True:\n    n += 1\n    open(str(n), 'wb').write(bytes(2**25))", "256 MiB of files"),
        ("n = 0\nwhile True:\n    n += 1\n    open(str(n), 'wb').close()", "10000 files"),
    ],
)
def test_it_is_stopped_by_the_limits_of_the_whole_job(behind, body, words):
    said = behind(body, seconds=30 if words else 3)
    assert (words or "") in said and said != "nothing"


CANNOT_BE_REMOVED = """
import os
os.makedirs("closed/inner")
os.mkdir(b"\xff\n\xfe")
os.chmod("closed", 0)
for _ in range(1500):
    os.mkdir("e")
    os.chdir("e")
"""


def test_whatever_it_leaves_is_removed(behind, jobs):
    behind(CANNOT_BE_REMOVED)
    remove_folder(jobs)
    assert not jobs.exists()


# -- attacks -----------------------------------------------------------------------------------------------------------

_spec = importlib.util.spec_from_file_location("hostile", Path(__file__).parents[2].joinpath("hostile.py"))
hostile = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hostile)
ATTACKS = ["exits at import", "patches numpy and our modules", "reads the solutions", "array that equals everything"]
ATTACKS += ["a huge result", "a new session", "another submission through proc", "kernels, quietly"]


@pytest.mark.slow
def test_hostile_submissions_earn_nothing_and_spoil_nothing(working, place, run):
    if not working:
        pytest.skip("there is no boundary here")
    for name in ATTACKS:
        write(place / name, SOLVED | {"layers/basic.py": hostile.HOSTILE[name]})
    write(place / "zzz honest", SOLVED)
    table = run(place, limits=replace(LIMITS, seconds=2), jobs=2)
    honest = table.pop("zzz honest")
    assert honest["points"] == honest["max_points"] and len(table) == len(ATTACKS)
    assert all(row[name] == "0" for row in table.values() for name in ("affine", "relu")), table
