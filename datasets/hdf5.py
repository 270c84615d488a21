"""HDF5 files without locks: home folders on a network often have none, and HDF5 then refuses to open a file.

A lock is not needed here. Files are read, or written under a temporary name that nobody else knows and renamed when
they are complete: nobody ever reads a file that changes.
"""

from pathlib import Path
from typing import Any

import h5py

LOCKED = (
    "another program holds a lock on it, or its file system has no locks (a home folder on a network); close the other "
    "program, or set the environment variable HDF5_USE_FILE_LOCKING=FALSE"
)


def open_hdf5(path: str | Path, mode: str = "r") -> Any:
    """Open an HDF5 file without a lock, where this h5py can.

    Parameters
    ----------
    path : str or Path
    mode : {"r", "w"}
        "w" is for temporary names, see `written_beside`.

    Returns
    -------
    h5py.File

    Raises
    ------
    OSError
        As h5py raises it; `is_locked` tells whether a lock is the reason.
    """
    try:
        return h5py.File(path, mode, locking=False)
    except (TypeError, ValueError):  # this h5py, or the HDF5 that it was built with, does not know the option
        return h5py.File(path, mode)


def is_locked(error: BaseException) -> bool:
    """Whether HDF5 could not open a file because of a lock."""
    return "lock file" in str(error) or "file locking" in str(error)
