"""Folders that are removed afterwards, whatever a student's code left in them."""

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def scratch_folder(prefix):
    """A new folder while the block runs, then none; what cannot be removed stays, and raises nothing."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        remove_folder(folder)


def remove_folder(folder):
    """Remove a folder and all in it, without following links and without recursion.

    Folders inside folders are first moved to the top, one after the other: neither a thousand levels nor a path longer
    than the system takes can stop it.
    """
    number = 0
    while inner := _inner_folder(folder):
        with suppress(OSError):
            os.chmod(inner, 0o700)
        moved = False
        for entry in _entries(inner):
            with suppress(OSError):
                if _is_folder(entry):
                    number += 1
                    os.chmod(entry.path, 0o700)
                    os.rename(entry.path, os.path.join(folder, f".moved-{os.getpid()}-{number}"))
                else:
                    os.unlink(entry.path)
                moved = True
        try:
            os.rmdir(inner)
        except OSError:
            if not moved:  # it is not ours to remove
                return
    for entry in _entries(folder):
        with suppress(OSError):
            os.unlink(entry.path)
    with suppress(OSError):
        os.rmdir(folder)


def _inner_folder(folder):
    return next((entry.path for entry in _entries(folder) if _is_folder(entry)), None)


def _entries(folder):
    with suppress(OSError):
        with os.scandir(folder) as entries:
            return list(entries)
    return []


def _is_folder(entry):
    with suppress(OSError):
        return entry.is_dir(follow_symlinks=False)
    return False
