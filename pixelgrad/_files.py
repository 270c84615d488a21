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
        `path` exists and `overwrite` is False.
    OSError
        The folder is missing or read-only, or the disk is full; the message names `path`.
    """
    path = Path(path)
    refuse_existing(path, overwrite=overwrite)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: the folder {path.parent} does not exist; make it first")
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        yield Path(temporary)
        refuse_existing(path, overwrite=overwrite)  # it may have appeared in the meantime
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


def refuse_existing(path, *, overwrite=False):
    """Raise FileExistsError if `path` exists and may not be overwritten: call it before long work."""
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(f"{path} exists already; choose another name, or overwrite it (overwrite=True, --force)")


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
