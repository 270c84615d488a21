"""The boundary: what separates a submission from everything else while it is graded.

Behind it a job sees Python, its libraries and its own project (an allow-list, see `readable`), opens no sockets, leaves
nothing behind, and shares one set of limits among all its processes (see `keeper`). There are several ways to build it,
depending on who grades and what the system offers; the first that works is taken:

- "namespaces", as root: an own view of the file system and of the processes, and a user id for each job;
- "user", as root without the right to make namespaces: a user id for each job, and the sandbox of `checker.sandbox`;
- "bubblewrap", as an ordinary user: namespaces made by that program, and the sandbox;
- "sandbox", as an ordinary user on Linux since 6.2: the sandbox alone;
- "none": limits only. Submissions run as the user who grades.

Each is tried out from inside before it is used (see `probe`), and what is open all the same must be accepted first.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ...checker.runner import Child, Limits, environment, run_exercises
from ...checker.sandbox import landlock_version
from ...exercises.catalogue import ROOT
from . import probe
from .bubblewrap import bubblewrap
from .keeper import __name__ as KEEPER
from .readable import readable
from .users import Users, remove_files_of
from .watching import activity, descendants

PROCESSES, DISK, FILES, OUTPUT = 64, 256, 10_000, 64  # of a job: processes, MiB of files, files, MiB of output
LINUX = sys.platform.startswith("linux")
START = 20  # seconds of processor time until the first exercise
_END_WITHIN = 30  # seconds for the keeper to end a job
ENOUGH = "Linux since 6.2, bubblewrap, or root in a container would protect you"


class BoundaryError(RuntimeError):
    """Submissions cannot be graded here without running as root."""


@dataclass(frozen=True)
class Boundary:
    """One way to keep jobs apart.

    Attributes
    ----------
    kind : {"namespaces", "user", "bubblewrap", "sandbox", "none"}
    open : frozenset of str
        What a job was seen to be able to do all the same, in words.
    users : Users or None
        Where each job has a user id of its own.
    """

    kind: str
    open: frozenset = frozenset()
    users: Users | None = field(default=None, compare=False)

    @property
    def unprotected(self):
        """What must be accepted before anything is graded, in words; empty where nothing must."""
        # Apart from what is ours a machine holds little that helps: libraries, and other users' open folders.
        grave = self.open - ({probe.ANY_FILE, probe.PROCESSES, probe.WRITE} if self.kind == "user" else set())
        return f"submissions can {'; '.join(sorted(grave))}" if grave else ""

    @property
    def remark(self):
        """What else is open, in words."""
        slight = self.open - {probe.WRITE}
        return f"submissions can {'; '.join(sorted(slight))}" if slight and not self.unprotected else ""

    def run(self, inputs, project, folder, limits, **more):
        """Run exercises (see `run_exercises`) behind the boundary, of a project that lies in `folder`."""
        job = _Job(self, project, limits, len(inputs))
        os.chmod(folder, 0o700)
        try:
            job.admit(folder)
            return run_exercises(inputs, root=project, limits=job.limits, start=job.start, folder=folder, **more)
        finally:
            job.clean()


class _Job:
    """The children that run one submission."""

    def __init__(self, boundary, project, limits, exercises=1):
        self.boundary, self.exercises = boundary, exercises
        self.user = None if boundary.users is None else boundary.users.new()
        sees = None if boundary.kind == "none" else (*readable(), str(project))
        self.limits = replace(limits, user=self.user, readable=sees, processes=None if self.user is None else PROCESSES)

    def admit(self, folder, mode=0o710):
        """Let the job's user through a folder that is closed to all others."""
        if self.user is not None:
            os.chown(folder, 0, self.user)
            os.chmod(folder, mode)

    def start(self, command, place):
        """Start a child behind the boundary; see `run_exercises`."""
        if not LINUX:
            return Child(command, place)
        job, seen = place.folder / "job.npz", (*(self.limits.readable or ()), str(place.folder / "job.npz"))
        self.admit(place.folder)
        self.admit(job, 0o640)
        if self.user is not None:
            os.chown(place.results, self.user, self.user)
        new_root = place.folder / "root"
        new_root.mkdir(mode=0o700)
        results = str(place.results)
        if self.boundary.kind == "bubblewrap":
            command = bubblewrap(command, seen, results)
        return KeptChild(
            {
                "command": command,
                "environment": environment(place.results),
                "user": self.user,
                "new_root": str(new_root) if self.boundary.kind == "namespaces" else "",
                "readable": seen,
                "writable": results,
                "memory": self.limits.memory,
                "seconds": START + self.exercises * self.limits.seconds,
                "processes": PROCESSES,
                "disk": DISK,
                "files": FILES,
                "output": OUTPUT,
            }
        )

    def clean(self):
        """Remove what it left outside of its place."""
        if self.boundary.kind == "user":
            remove_files_of(self.user)


class KeptChild:
    """A child below a keeper. As `runner.Child`, but all of it ends, and its limits are those of the whole job."""

    most_slowed = 4  # fewer: a submission that works only now and then must not hold up the grader for long

    def __init__(self, job):
        self._report, report = os.pipe()
        start = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from {KEEPER} import main; main()"
        try:
            self._keeper = subprocess.Popen(
                [sys.executable, "-ISs", "-c", start, json.dumps(job), str(report)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the grader, whose end the keeper notices
                pass_fds=[report],
            )
        finally:
            os.close(report)
        self.stdout = self._keeper.stdout
        self._seconds = {}  # of processor time, by process, also of those that have ended

    def ended(self):
        """Whether the job has come to its end."""
        return self._keeper.poll() is not None

    def used(self):
        """Seconds of processor time of all its processes, and whether one runs or reads; see `Child.used`."""
        found = activity(descendants(self._keeper.pid))
        self._seconds |= {pid: seconds for pid, (seconds, _) in found.items()}
        return (sum(self._seconds.values()), any(works for _, works in found.values())) if found else None

    def end(self):
        """End the job; see `Child.end`."""
        self._keeper.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._keeper.wait(_END_WITHIN)
        self._keeper.kill()
        self._keeper.wait()
        with os.fdopen(self._report, "rb") as f:
            words = f.read()
        try:
            report = json.loads(words)
        except ValueError:
            return -9, ""
        return -9 if report["code"] is None else report["code"], report["over"]


def find_boundary(base, hidden, folder, *, limits=None):
    """The best boundary that works here.

    Parameters
    ----------
    base : Path
        A project without solutions, which every job may read.
    hidden : sequence of Path
        What a submission must not see: the solutions, the submissions, the grades.
    folder : Path
        For the trials.

    Raises
    ------
    BoundaryError
        We are root, and cannot become another user. Submissions never run as root.
    """
    limits, secrets = limits or Limits(), probe.secrets_in(hidden)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    said = ""
    for kind in _candidates(root):
        boundary = Boundary(kind, users=Users() if root else None)
        found, said = _tried(boundary, base, limits, secrets, folder)
        if found is not None and not (found and kind in ("namespaces", "bubblewrap")):
            return replace(boundary, open=frozenset(found))
    if root:
        raise BoundaryError(
            f"submissions would run as root here, and so they do not run: another user cannot start {sys.executable} "
            f"({said.strip().splitlines()[-1] if said.strip() else 'no word why'}). Give others the right to read "
            "Python's folders and those above (chmod o+rx), or grade as an ordinary user"
        )
    everything = {probe.OURS, probe.NETWORK, probe.SIGNALS}
    return Boundary("none", frozenset(everything))


def _candidates(root):
    if not LINUX:
        return
    if root:
        yield from ("namespaces", "user")
        return
    if shutil.which("bwrap"):
        yield "bubblewrap"
    if landlock_version():
        yield "sandbox"


def _tried(boundary, base, limits, secrets, folder):
    """What a job can do behind a boundary, or None where it does not work; and what was printed."""
    job = _Job(boundary, base, limits)
    place = folder / f"probe-{boundary.kind}-{time.monotonic_ns()}"
    place.mkdir()
    job.admit(place)
    try:
        return probe.probe(job.start, base, job.limits, secrets, place)
    except (OSError, subprocess.SubprocessError) as error:
        return None, str(error)
    finally:
        job.clean()
