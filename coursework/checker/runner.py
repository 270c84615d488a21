"""Student code in a child process: started, watched, and ended when it takes too long.

The child gets a file with inputs and returns a file of plain arrays for each exercise as soon as it is finished; see
`harness`. If the child hangs or dies, the exercise it was running is to blame, and another child continues with the
next. If it was importing an exercise file, the other child skips that file, and exercises that need it cannot run.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..._language import VARIABLE, marked
from ..._language import translated as _
from ..exercises.catalogue import ROOT, exercise_files
from .diagnosis import ENDLESS
from .folders import scratch_folder
from .handed_back import outcomes_in, text_in
from .harness import IMPORTED, STARTED, WHERE
from .importing import not_imported
from .packing import pack
from .texts import plain_text

ENDED = marked("It ended the whole program ({what}). A function must return, and never call exit().")
OVER = marked("It used more than it may: {what}. What it starts counts, too.")
HALTED = marked(
    "It came to a halt: nothing tells where it is. Does it stop its own process (SIGSTOP), or close files that it did "
    "not open?"
)
DIED = marked("The program died ({what}): did it ask for far too much memory?")
IMPORT_ENDLESS = marked("it does not finish in time{what}. Is there a loop outside the functions?")
IMPORT_HALTED = marked(
    "it comes to a halt, and nothing tells where. Does it stop its own process, outside the functions?"
)
IMPORT_OVER = marked("it uses more than it may ({what}), outside the functions")
IMPORT_ENDED = marked("it ends the whole program ({what}). Is there an exit() outside the functions?")
_POLL = 0.01  # seconds
_MOST_IDLE = 30  # looks at a child in a row at which it does nothing
_MOST_BETWEEN = 0.5  # seconds between two looks that count: a longer gap is a machine that stood still
_MOST_PRINTED = 4000  # characters
_FRAME = re.compile(r'File "([^"\n]+)", line ([0-9]{1,6}) in ([A-Za-z_][A-Za-z0-9_]{0,60}|<module>)$', re.MULTILINE)


@dataclass(frozen=True)
class Limits:
    """What a child may use: seconds an exercise, seconds to start, MiB of memory and of files; see also `confine`."""

    seconds: float = 5.0
    start_seconds: float = 30.0
    memory: int = 4096
    file_size: int = 256
    processes: int | None = None
    user: int | None = None
    readable: tuple | None = None

    def as_json(self):
        """What the child is told; see `confine`."""
        told = {name: value for name, value in asdict(self).items() if name != "start_seconds" and value is not None}
        return json.dumps(told)


@dataclass(frozen=True)
class Place:
    """Where a child works: its folder, with the job's file, and in it the one for its results."""

    folder: Path

    @property
    def results(self):
        return self.folder / "results"


class Child:
    """A child process of our own, ended with its process group.

    Attributes
    ----------
    stdout : file
        What it prints.
    most_slowed : int
        Times as long as alone that it may take on a busy machine.
    """

    most_slowed = 20

    def __init__(self, arguments, place):
        self._process = subprocess.Popen(
            arguments,
            cwd=place.results,
            env=environment(place.results),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.stdout = self._process.stdout

    def ended(self):
        """Whether it has come to its end."""
        return self._process.poll() is not None

    def used(self):
        """Seconds of processor time so far, and whether it runs or reads; None where the system does not tell."""
        with suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), fields[0] in "RD"
        return None

    def end(self):
        """End it. Returns its exit code, negative for a signal, and in words which limit it went over."""
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(ProcessLookupError, PermissionError):
            self._process.kill()
        return self._process.wait(), ""


class Patience:
    """How long a child may go on. Processor time counts: on a busy machine a slow import is slow, not endless.

    A child that does nothing, or whose processor time nobody tells, is measured by the clock.
    """

    def __init__(self, child):
        self._tell, self._most_slowed = getattr(child, "used", lambda: None), getattr(child, "most_slowed", 1)
        self.begin()

    def begin(self):
        """Something has been finished: from here on anew."""
        self._elapsed, self._looked, self._idle = 0.0, time.monotonic(), 0
        told = self._tell()
        self._before = told[0] if told else 0.0

    def ends(self, seconds):
        """Whether it has used up its seconds."""
        now = time.monotonic()
        self._elapsed += min(now - self._looked, _MOST_BETWEEN)
        self._looked = now
        if self._elapsed <= seconds:
            return False
        told = self._tell()
        if told is None or self._elapsed > self._most_slowed * seconds:
            return True
        self._idle = 0 if told[1] else self._idle + 1
        return told[0] - self._before > seconds or self._idle > _MOST_IDLE


@dataclass(frozen=True)
class Run:
    """The result of a run: outcomes by exercise (or, in words, why there are none), and what was printed."""

    outcomes: dict
    printed: str


def run_exercises(inputs, *, root=ROOT, limits=None, start=Child, folder=None, done=None):
    """Call the functions of exercises on their inputs, in a child process.

    Parameters
    ----------
    inputs : dict of str to dict
        {exercise: {case: {name: value}}}
    root : Path
        The project whose functions are called: the folder that holds `pixelgrad/`.
    limits : Limits, optional
    start : callable (list of str, Place) -> Child, optional
        Starts a child, given its command line and its place.
    folder : Path, optional
        Where the places are made; by default a new folder that is removed afterwards.
    done : callable (exercise), optional
        Called when an exercise is finished.

    Returns
    -------
    Run
    """
    if folder is None:
        with scratch_folder("pixelgrad-") as folder:
            return run_exercises(inputs, root=root, limits=limits, start=start, folder=folder, done=done)
    limits, outcomes, printed = limits or Limits(), {}, []
    waiting, stopped = list(inputs), {}
    while waiting:
        place = Place(Path(tempfile.mkdtemp(dir=folder)))
        place.results.mkdir()
        job = {"inputs": {name: inputs[name] for name in waiting}, "stopped": stopped}
        np.savez(place.folder / "job.npz", **pack(job))
        reason, file = _watch(place, waiting, root, limits, start, printed, outcomes, done)
        if file in exercise_files() and file not in stopped:
            stopped[file] = reason
            continue
        # The child did not come to its end: the exercise it was at is the cause, or we cannot even import them.
        for name in waiting[:1] if file is None else list(waiting):
            waiting.remove(name)
            outcomes[name] = reason if file is None else not_imported(inputs[name], file, reason)
            if done:
                done(None)
    lines = b"".join(printed).decode(errors="replace")[:_MOST_PRINTED].replace("\r\n", "\n").replace("\r", "\n")
    return Run(outcomes, plain_text(lines, keep="\n\t"))


def command(root, place, limits):
    """The command line of a child."""
    start = (
        f"import sys; sys.path.insert(0, {str(root)!r}); from pixelgrad.coursework.checker.confine import main; main()"
    )
    return [sys.executable, "-c", start, str(place.folder / "job.npz"), str(place.results), limits.as_json()]


def _watch(place, waiting, root, limits, start, printed, outcomes, done):
    """Run one child; take finished exercises from `waiting` into `outcomes`.

    Returns why it stopped, in words, and the file that it was importing; None if it had come as far as the exercises.
    """
    results = place.results
    child = start(command(root, place, limits), place)
    reader = threading.Thread(target=_collect, args=(child.stdout, printed), daemon=True)
    reader.start()
    endless, halted, reached, patience = False, False, set(), Patience(child)
    code, over = 0, ""
    try:
        while True:
            ended = child.ended()
            for stage in {STARTED, IMPORTED} - reached:
                if os.path.lexists(results / stage):
                    reached.add(stage)
                    patience.begin()
            while waiting and os.path.lexists(results / f"{waiting[0]}.npz"):
                name = waiting.pop(0)
                outcomes[name] = outcomes_in(results / f"{name}.npz")
                patience.begin()
                if done:
                    done(name)
            if not waiting or ended:
                break
            if patience.ends(limits.seconds if STARTED in reached else limits.start_seconds):
                endless = True
                halted = not _tells(results / WHERE)
                break
            time.sleep(_POLL)
    finally:
        code, over = child.end()
        _finish(reader, printed)
    ended = _("signal {number}", number=-code) if code < 0 else _("exit code {number}", number=code)
    if STARTED in reached and IMPORTED not in reached:
        file = text_in(results / STARTED)
        # What it calls may stand in another file, and be all right there.
        line = _where(results, [file])[1] if endless else None
        at = _(", and is at line {line}", line=line) if line else ""
        words = _(IMPORT_ENDLESS, what=at) if endless else _(IMPORT_ENDED, what=ended)
        words = _(IMPORT_HALTED) if halted else words
        words = _(IMPORT_OVER, what=over) if over else words
        return words, file if file in exercise_files() else _("an exercise file")
    if over:
        return _(OVER, what=over), None
    if halted and STARTED in reached:
        return _(HALTED), None
    if endless:
        file, line, function = _where(results, exercise_files())
        at = _("It was at line {line} of {file} ({function}).", line=line, file=file, function=function)
        return f"{ENDLESS} {at}" if file else ENDLESS, None
    return _(DIED if code < 0 else ENDED, what=ended), None


def _finish(reader, printed):
    """Wait for what an ended child had printed; not for what it left behind, which may hold the pipe open."""
    before = -1
    while reader.is_alive() and len(printed) != before:
        before = len(printed)
        reader.join(1)


def _tells(path):
    """Whether a child tells where it is. It should have by now; on a busy machine it may need another moment."""
    before = ""
    for _attempt in range(100):
        text = text_in(path)
        if text and text == before:  # all of it
            return True
        before = text
        time.sleep(_POLL)
    return bool(before)


def _where(results, files):
    """The innermost line of these files where the child last reports to be: (file, line, function), or Nones."""
    reports = [_FRAME.findall(report) for report in text_in(results / WHERE).split("Timeout (")]
    for path, line, function in next(filter(None, reversed(reports)), []):
        for file in files:
            if path.replace("\\", "/").endswith(f"/{file}"):
                return file, int(line), function
    return None, None, None


def _collect(stream, printed):
    """Read everything a child prints, and keep the beginning: a full pipe would stop the child."""
    room = _MOST_PRINTED
    with stream:
        while chunk := stream.read1(1 << 16):
            if room > 0:
                printed.append(chunk[:room])
                room -= len(chunk)


def environment(folder):
    """What a child needs to start, and nothing else of ours; one thread, since many run at the same time."""
    kept = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV", "LANG", "LC_ALL")
    ours = {name: os.environ[name] for name in kept if name in os.environ}
    home = {"HOME": str(folder), "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    python = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8:replace", VARIABLE: "en"}
    python |= {"PYTHONBREAKPOINT": "0"}  # there is no keyboard
    python |= {"PYTHONUNBUFFERED": "1"}  # what is printed is kept even of a child that is ended at once
    return ours | home | python | {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
