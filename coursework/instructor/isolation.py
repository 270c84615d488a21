"""Isolation: what separates a submission from the rest of the machine while it is graded.

Limits on time, memory, file size and processes apply everywhere (see `confine`). Beyond them we use what the system
offers:

- as root on Linux, as in Gradescope's container: a user of its own for each job, and a view of the file system from
  which the solutions, the submissions and the grades are gone, without network and with its own list of processes;
- otherwise bubblewrap, where it is installed: a view that holds Python, the project and nothing else.

Without either, `find_isolation` says what is not protected.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

USERS = range(20_000, 60_000)  # ids that nobody has, mostly; one for each job, apart from those of other graders
MOST_JOBS = 64
PROCESSES = 64
_ALONE = (
    "submissions run as you: they can read and change your files, and use the network; only time, memory, file size "
    "and output are limited"
)


@dataclass(frozen=True)
class Isolation:
    """How child processes are kept apart.

    Attributes
    ----------
    kind : {"namespaces", "user", "bubblewrap", "none"}
    unprotected : str
        What is not protected, as a message before grading starts; empty where everything is.
    command : callable (arguments, results, project) -> arguments, or None
        Wraps the command line of a child.
    first_user : int or None
        The user id of the first job's children; those of others follow. None for our own.
    """

    kind: str
    unprotected: str
    command: Callable | None
    first_user: int | None = None

    def user(self, job):
        """The user id of a job's children; None for our own."""
        return None if self.first_user is None else self.first_user + job


def find_isolation(hidden):
    """The best isolation that works here.

    Parameters
    ----------
    hidden : sequence of Path
        Folders that a submission must not see: the solutions, the submissions, the grades.

    Returns
    -------
    Isolation
    """
    hidden = _outermost(Path(path).resolve() for path in hidden)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Where Python itself lies in a closed folder, such as /root, that is replaced by one that holds nothing else.
        closed = [top for path in _python_folders() if (top := _closed(path)) is not None]
        wrap, user = _namespaces(_outermost([*hidden, *closed])), _free_user()
        if _works(wrap, user=user):
            return Isolation("namespaces", "", wrap, user)
        if not _works(lambda arguments, *_: arguments, user=user):
            return Isolation("none", f"other users cannot run {sys.executable}; {_ALONE}", None)
        readable = [str(path) for path in hidden if _others_may_enter(path)]
        missing = f"; submissions can read {', '.join(readable)}: chmod 700 would prevent it" if readable else ""
        return Isolation(
            "user", f"mounts cannot be made private here: submissions can use the network{missing}", None, user
        )
    if shutil.which("bwrap") and _works(_bubblewrap):
        return Isolation("bubblewrap", "", _bubblewrap)
    return Isolation("none", f"{_ALONE}. Run this as root in a container, or install bubblewrap", None)


def _free_user():
    """The first of user ids in a row that have no name here; another for each grader that runs at the same time."""
    import pwd  # there is none on Windows

    def taken(user):
        with suppress(KeyError):
            return bool(pwd.getpwuid(user))

    blocks = [*range(USERS.start, USERS.stop - MOST_JOBS, MOST_JOBS)]
    start = os.getpid() % len(blocks)
    for first in blocks[start:] + blocks[:start]:
        if not any(taken(user) for user in range(first, first + MOST_JOBS)):
            return first
    return blocks[start]


def _namespaces(hidden):
    """Mounts, network and processes of its own (`unshare` of util-linux), with nothing where the hidden folders are."""
    keep = [path for path in _python_folders() if any(path.is_relative_to(h) for h in hidden)]

    def wrap(arguments, results, project):
        # What must stay visible inside a hidden folder (a virtual environment in the checkout) is held aside meanwhile.
        lines, aside = ["set -e", "mount --make-rprivate /", "mount -t tmpfs tmpfs /mnt"], []
        for n, path in enumerate([*keep, Path(project), Path(results).parent]):
            aside.append((f"/mnt/{n}", path))
            lines += [f"mkdir /mnt/{n}", f"mount --bind {shlex.quote(str(path))} /mnt/{n}"]
        for path in hidden:
            if path.is_dir():
                lines.append(f"mount -t tmpfs -o mode=755 tmpfs {shlex.quote(str(path))}")
        for place, path in aside:
            if any(path.is_relative_to(h) for h in hidden):
                lines += [f"mkdir -p {shlex.quote(str(path))}", f"mount --bind {place} {shlex.quote(str(path))}"]
        lines += ["mount -t proc proc /proc", f"cd {shlex.quote(str(results))}", 'exec "$@"']
        unshare = ["unshare", "--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child"]
        return [*unshare, "sh", "-c", "\n".join(lines), "sh", *arguments]

    return wrap


def _bubblewrap(arguments, results, project):
    """A file system that holds Python and the project to read, and one folder to write."""
    seen = ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", *map(str, _python_folders()), str(project)]
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--proc", "/proc", "--dev", "/dev"]
    command += ["--tmpfs", "/tmp"]
    for path in dict.fromkeys(seen):
        command += ["--ro-bind-try", path, path]
    place = str(Path(results).parent)
    return [
        *command,
        "--ro-bind",
        place,
        place,
        "--bind",
        str(results),
        str(results),
        "--chdir",
        str(results),
        *arguments,
    ]


def _works(wrap, user=None):
    """Whether a child that is wrapped so starts, here and now, and gets as far as NumPy as another user."""
    code = "import os, sys; u = int(sys.argv[1]); u >= 0 and (os.setgid(u), os.setuid(u)); import traceback, numpy"
    try:
        with tempfile.TemporaryDirectory() as here:
            arguments = [sys.executable, "-c", code, str(-1 if user is None else user)]
            arguments = wrap(arguments, Path(here) / "a" / "b", Path(here))
            (Path(here) / "a" / "b").mkdir(parents=True)
            done = subprocess.run(arguments, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
        return done.returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _python_folders():
    """Where Python and its packages are."""
    return list(dict.fromkeys(Path(path).resolve() for path in (sys.prefix, sys.base_prefix, sys.exec_prefix)))


def _outermost(paths):
    """The folders without those that lie in another of them."""
    paths = sorted(set(paths), key=lambda path: len(path.parts))
    kept = []
    for path in paths:
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return kept


def _closed(path):
    """The outermost folder above (or at) this one that other users may not enter, or None."""
    return next((p for p in (*reversed(path.parents), path) if not os.stat(p).st_mode & 0o001), None)


def _others_may_enter(path):
    """Whether any user may look into a folder."""
    return all(os.stat(p).st_mode & 0o001 for p in (path, *path.parents)) and bool(os.stat(path).st_mode & 0o004)
