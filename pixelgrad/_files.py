"""Writing files so that nothing is ever half-written and nothing is overwritten unasked."""

import os
import stat
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".pixelgrad-"  # of temporary names: short, so that a name that fits has a temporary name that fits
RANDOM = 8  # letters that tempfile puts after it


@contextmanager
def written_beside(path, *, overwrite=False):
    """Write a file under a temporary name in its own folder, then rename it into place.

    Use as ``with written_beside("out.h5") as temporary: ...`` and write to ``temporary``. If the block
    raises (Ctrl-C and a full disk included) the temporary file is removed and `path` is as it was. If `path` is a
    symbolic link, what it points to is written. A file that is replaced keeps its permissions.

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
        The folder is missing or read-only, the name is too long, or the disk is full; the message names `path`.
    """
    path = Path(path)
    check_destination(path, overwrite=overwrite)
    target = Path(os.path.realpath(path))
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=PREFIX, suffix=target.suffix, dir=target.parent)
        os.close(handle)
        yield Path(temporary)
        check_destination(path, overwrite=overwrite)  # it may have appeared in the meantime
        with suppress(OSError):  # some file systems know no permissions
            os.chmod(temporary, _mode_for(target))  # mkstemp makes files that only their owner can read
        os.replace(temporary, target)
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
        Of a symbolic link, what it points to is checked.
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
    PermissionError
        Its folder is read-only.
    OSError
        The name, or the whole path, is longer than the file system takes.
    ValueError
        Another suffix.
    """
    path = Path(path)
    # os.path, not Path's methods: those raise where a name is too long.
    if os.path.isdir(path):
        raise FileExistsError(f"cannot write {path}: it is a folder; give the name of a file in it")
    if suffixes and path.suffix.lower() not in suffixes:
        raise ValueError(f"cannot write {path}: its name must end in {' or '.join(suffixes)}")
    if os.path.exists(path) and not os.path.isfile(path):
        raise FileExistsError(f"cannot write {path}: it is not a regular file; choose another name")
    if os.path.isfile(path) and not overwrite:
        raise FileExistsError(
            f"{path} exists already; choose another name, or overwrite it with --force (overwrite=True)"
        )
    target = Path(os.path.realpath(path))
    if os.path.islink(target):  # it leads back to itself
        raise FileExistsError(f"cannot write {path}: it is a link that leads nowhere; choose another name")
    folder = path.parent if target == path.absolute() else target.parent
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise NotADirectoryError(f"cannot write {path}: {folder} is a file, not a folder; choose another place")
    _check_length(path, target)
    if not os.path.exists(folder):
        raise FileNotFoundError(f"cannot write {path}: the folder {folder} does not exist; make it first")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"cannot write {path}: the folder {folder} is read-only; choose another place")


def name_size(name):
    """How long a file's name is as file systems count: bytes, or on Windows units of UTF-16."""
    return len(name.encode("utf-16-le", "surrogatepass")) // 2 if sys.platform == "win32" else len(os.fsencode(name))


def _check_length(path, target):
    """Raise if the name or the path, or those of the temporary file beside it, are too long for the file system."""
    longest_name, longest_path = _limits(target.parent)
    size, unit = name_size(target.name), "characters" if sys.platform == "win32" else "bytes"
    temporary = len(PREFIX) + RANDOM + name_size(target.suffix)
    if max(size, temporary) > longest_name:
        raise OSError(
            f"cannot write {path.name[:40]}...{path.name[-12:]}: the name has {size} {unit}, the file system takes at "
            f"most {longest_name}; choose a shorter one"
        )
    whole = name_size(str(target.parent)) + 1 + max(size, temporary)
    if whole >= longest_path:  # a zero byte ends it
        raise OSError(
            f"cannot write {path.name}: its whole path has {whole} {unit}, the file system takes at most "
            f"{longest_path - 1}; choose a folder with a shorter path"
        )


def _limits(folder):
    """The longest name and the longest path in a folder."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX"), os.pathconf(folder, "PC_PATH_MAX")
    except (AttributeError, OSError, ValueError):  # Windows has no pathconf; the folder may be missing
        return 255, 32767 if sys.platform == "win32" else 4096


def _mode_for(target):
    """The permissions of the file that is replaced, or those of a new file."""
    if os.path.exists(target):
        return stat.S_IMODE(os.stat(target).st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
