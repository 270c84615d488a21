"""Writing files so that nothing is ever half-written and nothing is overwritten unasked."""

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def written_beside(path, *, overwrite=False):
    """Write a file under a temporary name in its own folder, then rename it into place.

    Use as ``with written_beside("out.h5") as temporary: ...`` and write to ``temporary``. If the block
    raises (Ctrl-C and a full disk included) the temporary file is removed and `path` is as it was.

    Parameters
    ----------
    path : str or Path
        Where the file shall be in the end. Its folder must exist.
    overwrite : bool
        Replace an existing file.

    Yields
    ------
    Path
        The temporary name, with the same suffix as `path`.

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is False, or it is not a regular file.
    OSError
        The folder is missing or read-only, or the disk is full; the message names `path`.
    """
    path = Path(path)
    check_destination(path, overwrite=overwrite)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        yield Path(temporary)
        check_destination(path, overwrite=overwrite)  # it may have appeared in the meantime
        os.replace(temporary, path)
        temporary = None
    except FileExistsError:
        raise
    except OSError as error:
        raise type(error)(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)


def check_destination(path, *, overwrite=False, suffixes=None):
    """Raise unless a file can be written to `path`: call it before long work, not only after it.

    Parameters
    ----------
    path : str or Path
    overwrite : bool
        Whether an existing file may be replaced. Anything but a regular file never is.
    suffixes : sequence of str, optional
        The endings that are allowed, such as ".png".

    Raises
    ------
    FileExistsError
        There is something already.
    FileNotFoundError, NotADirectoryError
        Its folder is missing, or is not a folder.
    ValueError
        Another suffix.
    """
    path = Path(path)
    if path.is_dir():
        raise FileExistsError(f"cannot write {path}: it is a folder; give the name of a file in it")
    if suffixes and path.suffix.lower() not in suffixes:
        raise ValueError(f"cannot write {path}: its name must end in {' or '.join(suffixes)}")
    if os.path.lexists(path):
        if not path.is_file():
            raise FileExistsError(f"cannot write {path}: it is not a regular file; choose another name")
        if not overwrite:
            raise FileExistsError(
                f"{path} exists already; choose another name, or overwrite it with --force (overwrite=True)"
            )
    if path.parent.exists() and not path.parent.is_dir():
        raise NotADirectoryError(f"cannot write {path}: {path.parent} is a file, not a folder; choose another place")
    if path.parent.is_dir() and not os.access(path.parent, os.W_OK):
        raise PermissionError(f"cannot write {path}: the folder {path.parent} is read-only; choose another place")
    if not path.parent.exists():
        raise FileNotFoundError(f"cannot write {path}: the folder {path.parent} does not exist; make it first")


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
