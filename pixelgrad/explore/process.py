"""The server's side of the computing process: it is started, given requests, stopped, and replaced when it hangs."""

import asyncio
import multiprocessing
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from .messages import pack
from .worker import ANSWER, CANCEL, NUMBER, REQUEST, compute

GRACE = 1.5  # seconds that a cancelled computation may take to stop before its process is ended


class Job:
    """A request on its way: `frames` gives the frames of its answer, then None."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.cancelled = ""  # why


class Computation:
    """Runs requests in a process of their own, one at a time; the newest request ends the one before.

    Parameters
    ----------
    options : dict
        Of `Answers`.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        # What a process that was ended leaves behind is removed with this folder.
        self._folder = tempfile.TemporaryDirectory(prefix="pixelgrad-")
        self._options = {**options, "folder": self._folder.name}
        self._process: Any = None
        self._connection: Any = None
        self._reader: Any = None
        self._turn = asyncio.Lock()
        self._number = 0
        self._newest: Job | None = None
        self._running: Job | None = None
        self._messages: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending = threading.Lock()

    def submit(self, frame: bytes) -> Job:
        """Hand in a request; a computation that is still running is stopped."""
        if self._newest is not None:
            self.cancel(self._newest, "superseded")
        self._number += 1
        job = self._newest = Job(self._number)
        task = asyncio.get_running_loop().create_task(self._run(job, frame))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def cancel(self, job: Job, reason: str = "stopped") -> None:
        """Stop a job if it still runs: first politely, after GRACE seconds by ending its process."""
        if job.cancelled:
            return
        job.cancelled = reason
        if self._running is job:
            threading.Thread(target=self._send, args=(CANCEL, job.number), daemon=True).start()
            asyncio.get_running_loop().call_later(GRACE, self._end_if_running, job)

    def stop(self) -> None:
        """Stop whatever is being computed."""
        if self._newest is not None:
            self.cancel(self._newest)

    def start(self) -> None:
        """Start the process, so that the first request need not wait for it."""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=compute, args=(theirs, self._options), daemon=True)
        with _ctrl_c_ignored():  # inherited: Ctrl-C is for the server, which ends the process
            self._process.start()
        theirs.close()
        self._messages = asyncio.Queue()
        loop = asyncio.get_running_loop()
        arguments = self._connection, loop, self._messages
        self._reader = threading.Thread(target=_read, args=arguments, daemon=True)
        self._reader.start()

    def close(self) -> None:
        """End the process, and remove its files."""
        self._end_process()
        self._folder.cleanup()

    def _end_process(self):
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._reader.join(5)  # it has read to the end, and will not read from a connection of the same number
            self._connection.close()
            self._process = None

    async def _run(self, job, frame):
        """A job's turn: from the request to the end of its answer, or of the process."""
        async with self._turn:
            if not job.cancelled:
                if self._process is None or not self._process.is_alive():
                    self._end_process()
                    self.start()
                self._running = job
                await asyncio.get_running_loop().run_in_executor(None, self._send, REQUEST, job.number, frame)
                finished = await self._pass_on(job)
                self._running = None
                if not finished:
                    self._end_process()
                if not finished and not job.cancelled:
                    text = "the computation ended unexpectedly, perhaps for lack of memory; it starts anew"
                    job.frames.put_nowait(pack({"error": text, "reason": "ended"}))
            if job.cancelled:
                job.frames.put_nowait(pack({"error": job.cancelled, "reason": job.cancelled}))
            job.frames.put_nowait(None)

    async def _pass_on(self, job):
        """Hand on what the process says about a job; True at its end, False if the process is gone."""
        while (message := await self._messages.get()) is not None:
            if int.from_bytes(message[1 : 1 + NUMBER], "little") == job.number:
                if message[:1] != ANSWER:
                    return True
                job.frames.put_nowait(message[1 + NUMBER :])
        return False

    def _send(self, kind, number, frame=b""):
        with self._sending, suppress(OSError, ValueError):  # the process is gone; reading says so, too
            self._connection.send_bytes(kind + number.to_bytes(NUMBER, "little") + frame)

    def _end_if_running(self, job):
        if self._running is job and self._process is not None:
            self._process.kill()
            self._process.join()  # whoever asks next whether it lives is told the truth


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """Within the block Ctrl-C does nothing, here and in processes that are started."""
    if threading.current_thread() is not threading.main_thread():  # which alone may change this
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _read(connection, loop, messages):
    """Hand on what the process sends; None when it is gone."""
    with suppress(RuntimeError):  # the loop is closed
        with suppress(EOFError, OSError):
            while True:
                loop.call_soon_threadsafe(messages.put_nowait, connection.recv_bytes())
        loop.call_soon_threadsafe(messages.put_nowait, None)
