"""Zip files from elsewhere: looking into them and unpacking them without trusting what they say.

A zip file is a list of names and contents that a stranger wrote. A name may climb out of the target folder
("../../.bashrc"), may be absolute, may be a symbolic link through which a later member is written, and a few
kilobytes may unpack to terabytes. `open_zip` refuses all of that before a single byte is written.
"""

import os
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import DataError

MAX_UNPACKED_BYTES = 8 * 1024**3  # thirty times TinyImageNet-200
MAX_RATIO = 200  # the densest honest members are text files, at about 20


@contextmanager
def open_zip(path: str | Path) -> Iterator[Any]:
    """Open a zip file for reading once every member's name and size has been checked.

    Parameters
    ----------
    path : str or Path
        The zip file.

    Yields
    ------
    zipfile.ZipFile

    Raises
    ------
    DataError
        Not a zip file, cut short, or with a member that is unsafe to unpack; the message names the member.
    FileNotFoundError
        There is no such file.
    """
    path = Path(path)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise DataError(f"{path} is not a complete zip file ({error}); delete it and download it again") from error
    with archive:
        for member in archive.infolist():
            _check_member(path, member)
        yield archive


def unpack_zip(path: str | Path, folder: str | Path, *, max_bytes: int = MAX_UNPACKED_BYTES) -> list[Path]:
    """Unpack a zip file into a folder, safely.

    Everything is unpacked under a temporary name in `folder` and moved into place at the end, so that an
    interrupted run leaves nothing half-unpacked. The "__MACOSX" entries of zips made on a Mac are left out.

    Parameters
    ----------
    path : str or Path
        The zip file.
    folder : str or Path
        Where to unpack it; made if missing.
    max_bytes : int
        The most it may unpack to, in bytes.

    Returns
    -------
    list of Path
        The top-level files and folders now in `folder`.

    Raises
    ------
    DataError
        Not a zip file, damaged, too large when unpacked, or with members outside `folder`, links, absolute
        or drive paths. Nothing is written then.
    FileExistsError
        Something it would unpack to exists already in `folder`.
    """
    path, folder = Path(path), Path(folder)
    with open_zip(path) as archive:
        members = [m for m in archive.infolist() if m.filename.split("/")[0] != "__MACOSX"]
        total = sum(m.file_size for m in members)
        if total > max_bytes:
            raise DataError(
                f"unpack_zip: {path} would unpack to {total:,} bytes, more than the limit of {max_bytes:,}; "
                "if you trust it, pass a larger max_bytes"
            )
        tops = list(dict.fromkeys(_parts(m.filename)[0] for m in members if _parts(m.filename)))
        folder.mkdir(parents=True, exist_ok=True)
        for top in tops:
            if os.path.lexists(folder / top):
                raise FileExistsError(
                    f"unpack_zip: {folder / top} exists already; move it away or unpack {path.name} elsewhere"
                )
        temporary = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder))
        try:
            for member in members:
                _extract(archive, member, temporary, path)
            for top in tops:
                os.rename(temporary / top, folder / top)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return [folder / top for top in tops]


def _parts(name):
    return [part for part in name.split("/") if part not in ("", ".")]


def _check_member(path, member):
    # orig_filename: on Windows, zipfile turns backslashes into slashes in filename.
    name = getattr(member, "orig_filename", member.filename)
    problem = None
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        problem = "has an absolute path"
    elif "\\" in name or "\0" in name or ":" in name:
        problem = "has a name that is not portable (a backslash, a colon or a null character)"
    elif ".." in name.split("/"):
        problem = "climbs out of the folder with '..'"
    elif stat.S_ISLNK(member.external_attr >> 16):
        problem = "is a symbolic link"
    elif member.flag_bits & 1:
        problem = "is encrypted"
    elif member.file_size > 2**20 and member.file_size > MAX_RATIO * member.compress_size:
        problem = f"claims to unpack from {member.compress_size:,} to {member.file_size:,} bytes (a zip bomb)"
    if problem:
        raise DataError(f"{path}: its member {name!r} {problem}; do not use this file, download it again")


def _extract(archive, member, folder, path):
    target = folder.joinpath(*_parts(member.filename))
    try:
        (target if member.is_dir() else target.parent).mkdir(parents=True, exist_ok=True)
        if member.is_dir():
            return
        # "x": a second member of the same name is an error. zipfile never yields more than file_size bytes
        # and checks the CRC at the end, so the sizes checked above are the sizes written here.
        with archive.open(member) as source, open(target, "xb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
    except (FileExistsError, NotADirectoryError) as error:
        raise DataError(
            f"{path}: its member {member.filename!r} is in the way of another; download it again"
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(f"{path}: {member.filename!r} is damaged ({error}); download it again") from error
