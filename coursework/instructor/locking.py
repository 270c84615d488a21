"""A lock on a file, so that two graders never write to one table. The system opens it when its holder ends, however."""

from contextlib import contextmanager, suppress
from typing import Any

fcntl: Any = None
with suppress(ModuleNotFoundError):  # Windows has none
    import fcntl


@contextmanager
def locked(path, what):
    """Hold a lock while the block runs.

    Parameters
    ----------
    path : Path
        The file to lock; made where it is missing.
    what : object
        What it protects, for the message.

    Raises
    ------
    BlockingIOError
        Somebody else holds it.
    """
    with open(path, "a+b") as f:
        try:
            _lock(f)
        except OSError:
            raise BlockingIOError(
                f"grade: another grader is at work on {what}; wait until it has finished, or choose another table"
            ) from None
        try:
            yield
        finally:
            with suppress(OSError):
                _unlock(f)


def _lock(f):
    if fcntl is not None:
        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt

        f.seek(0)
        msvcrt.locking(f.fileno(), msvcrt.LK_NBLCK, 1)


def _unlock(f):
    if fcntl is not None:
        fcntl.flock(f, fcntl.LOCK_UN)
    else:
        import msvcrt

        f.seek(0)
        msvcrt.locking(f.fileno(), msvcrt.LK_UNLCK, 1)
