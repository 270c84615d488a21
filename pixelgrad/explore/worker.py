"""The process in which everything is computed: one request at a time, and any of them can be stopped.

Three threads. One reads what the server sends, one sends answers, and the main thread computes. To stop a computation,
the reading thread interrupts the main one, which works inside of NumPy's loops and in a student's endless one. If even
that does not help, the server ends the process.
"""

import _thread
import os
import shutil
import signal
import threading
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any

from .messages import pack, unpack

# What a message between server and computation begins with, before its frame.
CANCEL, REQUEST, ANSWER, END = b"c", b"r", b"a", b"e"
NUMBER = 8  # bytes of a job's number, little endian


class _Jobs:
    """Which job is being computed, and up to which number they are cancelled; numbers only grow."""

    def __init__(self):
        self.current: int | None = None
        self.cancelled = -1

    def interrupted(self, *_):
        """On SIGINT: leave the computation if it was cancelled. Ctrl-C in the terminal is the server's business."""
        if self.current is not None and self.current <= self.cancelled:
            raise KeyboardInterrupt


def compute(connection: Any, options: dict[str, Any]) -> None:
    """Answer requests until the server closes the connection.

    Parameters
    ----------
    connection : multiprocessing.connection.Connection
    options : dict
        Of `Answers`.
    """
    jobs = _Jobs()
    signal.signal(signal.SIGINT, jobs.interrupted)
    inbox: SimpleQueue[tuple[int, bytes]] = SimpleQueue()
    outbox: SimpleQueue[bytes] = SimpleQueue()
    end = partial(_end, options.get("folder"))
    threading.Thread(target=_read, args=(connection, jobs, inbox, end), daemon=True).start()
    threading.Thread(target=_send, args=(connection, outbox, end), daemon=True).start()

    # They take a second; the threads are there already.
    from tqdm import tqdm

    from .answers import Answers

    # tqdm's own lock is one between processes, which a process that is killed leaves behind.
    tqdm.set_lock(threading.RLock())

    answers = Answers(**options)
    while True:
        number, frame = inbox.get()
        prefix = number.to_bytes(NUMBER, "little")
        with suppress(KeyboardInterrupt):
            try:
                jobs.current = number
                if number > jobs.cancelled:
                    for message in _messages(answers, frame, lambda m, p=prefix: outbox.put(ANSWER + p + m)):
                        outbox.put(ANSWER + prefix + message)
            finally:
                jobs.current = None
        outbox.put(END + prefix)


def _messages(answers, frame, put):
    """Compute an answer, which puts its frames itself; what went wrong comes back as a frame, too."""
    from ..todo import Todo

    try:
        request, arrays = unpack(frame)
        answers.answer(request, arrays, lambda header, values: put(pack(header, values)))
    except Todo as error:
        exercise = str(error).partition(": ")[0]
        yield pack({"error": f"still to do: {error}; run pixelgrad check {exercise}", "reason": "todo"})
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        if not isinstance(error, ValueError | TypeError | OSError | MemoryError | FloatingPointError):
            text = f"{type(error).__name__}: {text}"
        yield pack({"error": text, "reason": "failed"})


def _end(folder):
    """The server is gone, perhaps without the time to remove its folder."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _read(connection, jobs, inbox, end):
    """Take in requests and cancellations; without the server there is nothing left to do."""
    with suppress(EOFError, OSError):
        while True:
            message = connection.recv_bytes()
            number = int.from_bytes(message[1 : 1 + NUMBER], "little")
            if message[:1] == REQUEST:
                inbox.put((number, message[1 + NUMBER :]))
            else:
                jobs.cancelled = max(jobs.cancelled, number)
                if jobs.current is not None and jobs.current <= jobs.cancelled:
                    _thread.interrupt_main()
    end()


def _send(connection, outbox, end):
    with suppress(OSError):
        while True:
            connection.send_bytes(outbox.get())
    end()
