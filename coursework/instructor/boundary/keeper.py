"""The keeper: a process between the grader and one job, which holds the limits of the job and ends all of it.

Limits of single processes do not add up to a limit: three children use three times the memory. The keeper counts what
all processes below it use. As their subreaper it remains the ancestor of every process that a job starts, whatever
session it is in and whether its parent lives. When the job is done, a limit is passed or the grader itself is gone
(its pipe closes), the keeper ends them all, and then itself.

It runs before any library is imported, and never a line of a submission.
"""

import ctypes
import json
import os
import select
import signal
import sys
import time
from contextlib import suppress

from . import namespaces
from .watching import Usage, descendants, disk, memory, processes_of, threads_of

KEPT = 1 << 16  # bytes of output that the grader gets to see
_SUBREAPER, _DUMPABLE = 36, 4
_STEP, _DISK_STEP = 0.02, 0.5  # seconds
_END_WITHIN = 20  # seconds


def main():
    """Run the job that the first argument describes (JSON); report to the file descriptor that the second names."""
    job, report = json.loads(sys.argv[1]), int(sys.argv[2])
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(_DUMPABLE, 0, 0, 0, 0)  # its memory and files are closed to other processes of the same user
    keeper = _Keeper(job)
    over = keeper.watch()
    keeper.end()
    os.write(report, json.dumps({"code": keeper.code, "over": over}).encode())


class _Keeper:
    def __init__(self, job):
        self.job, self.code, self.usage = job, None, Usage()
        self.printed = 0
        if job["new_root"]:
            namespaces.new_processes()
        self.output, write = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            try:
                _become(job, write)
            except BaseException as error:
                os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(127)
        os.close(write)
        os.set_blocking(self.output, False)

    def watch(self):
        """Wait for the end. Returns in words which limit was passed, or nothing."""
        checked = 0.0
        while True:
            # The grader writes nothing; its end of the pipe closes.
            ready, _, _ = select.select([0, self.output] if self.output else [0], [], [], _STEP)
            if 0 in ready:
                return ""
            self._take_output()
            if over := self._over(time.monotonic() - checked > _DISK_STEP):
                return over
            if time.monotonic() - checked > _DISK_STEP:
                checked = time.monotonic()
            self._reap()
            if self.code is not None:
                self._take_output()
                return ""

    def _over(self, also_disk):
        """The limit that the job has passed, in words; empty while there is none."""
        job, pids = self.job, self._processes()
        if memory(pids, job["memory"] << 20) > job["memory"] << 20:
            return f"{job['memory']} MiB of memory"
        if self.usage.seconds(pids) > job["seconds"]:
            return f"{job['seconds']:.0f} s of processor time"
        if len(pids) > job["processes"]:
            return f"{job['processes']} processes"
        if self.printed > job["output"] << 20:
            return f"{job['output']} MiB of output"
        if also_disk:
            size, count = disk(job["writable"], job["files"])
            if size > job["disk"] << 20:
                return f"{job['disk']} MiB of files"
            if count > job["files"]:
                return f"{job['files']} files"
        return ""

    def _processes(self):
        return descendants(os.getpid())

    def _take_output(self):
        """Pass on the beginning of what the job prints, and read all of it: a full pipe would stop it."""
        for _ in range(64):
            try:
                chunk = os.read(self.output, 1 << 16) if self.output else b""
            except BlockingIOError:
                return
            if not chunk:
                if self.output:
                    os.close(self.output)
                    self.output = 0
                return
            if self.printed < KEPT:
                with suppress(OSError):
                    os.write(1, chunk[: KEPT - self.printed])
            self.printed += len(chunk)

    def _reap(self):
        """Take the exit codes of what has ended. Returns whether any process is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.child:
                self.code = os.waitstatus_to_exitcode(status)

    def end(self):
        """End every process of the job; return when there is none."""
        until = time.monotonic() + _END_WITHIN
        while time.monotonic() < until:
            # Stopped first, so that none of them starts another while its neighbour is ended.
            for kind in (signal.SIGSTOP, signal.SIGSTOP, signal.SIGKILL):
                self._signal_all(kind)
            if not self._reap() and not (self.job["user"] and processes_of(self.job["user"])):
                break
            time.sleep(0.001)
        self._take_output()

    def _signal_all(self, kind):
        user = self.job["user"]
        if user and not self.job["new_root"] and kind == signal.SIGKILL:
            # All that this user may signal is the job, and the kernel lets none of it escape by forking.
            pid = os.fork()
            if pid == 0:
                with suppress(OSError):
                    os.setresuid(user, user, user)
                    os.kill(-1, signal.SIGKILL)
                os._exit(0)
            os.waitpid(pid, 0)
        for pid in self._processes():
            with suppress(OSError):
                os.kill(pid, kind)


def _become(job, output):
    """What the forked child does: take its place behind the boundary, and become the job's command."""
    import resource

    os.setsid()
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as f:
        f.write("1000")  # where memory runs out after all, the kernel begins here
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, 256)
    if not job["user"]:  # then the number is counted together with our own
        most = threads_of(os.getuid()) + job["processes"]
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    if job["new_root"]:
        namespaces.enter(job["new_root"], job["readable"], [job["writable"]])
    os.chdir(job["writable"])
    os.execve(job["command"][0], job["command"], job["environment"])
