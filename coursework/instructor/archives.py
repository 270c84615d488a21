"""Files as they come in: folders and archives are listed without unpacking them, and read within limits.

A list of `File` is all that the rest of the intake sees, whether they lie in a folder, a zip file or a tar file. Links,
devices and paths that lead elsewhere are left out.
"""

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

MOST_BYTES = 1_000_000  # of an exercise file
MOST_MEMBERS = 10_000  # of a folder or archive
MOST_UNPACKED = 2**27  # bytes of all archives in a submission together, once a tar file is unpacked
MOST_DEPTH = 3  # archives inside archives
MOST_FOLDERS = 40  # folders inside folders

_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".gz", ".bz2", ".xz")
_CLOSED = {".7z": b"7z\xbc\xaf\x27\x1c", ".rar": b"Rar!\x1a\x07"}  # kinds that Python cannot open
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


class Unreadable(ValueError):
    """A file or archive that cannot be read; the message says why, and what to hand in instead."""


@dataclass(frozen=True)
class File:
    """A file that came in.

    Attributes
    ----------
    parts : tuple of str
        Its path.
    size : int
        In bytes, as it says itself.
    modified : float
        Seconds; 0 where nobody knows.
    load : callable (int) -> bytes
        Reads at most so many bytes.
    place : Path or None
        Where it lies, if it is a file of its own on this machine.
    attempt : tuple of int
        Its place in the order of a student's attempts, if the course system tells; else empty.
    """

    parts: tuple
    size: int
    modified: float
    load: Callable
    place: Path | None = None
    attempt: tuple = ()

    @property
    def path(self):
        """The path as text."""
        return "/".join(self.parts)

    @property
    def name(self):
        """The last part of the path."""
        return self.parts[-1]

    def read(self, most=MOST_BYTES):
        """All of its bytes; Unreadable if it is larger than `most`."""
        if self.size > most:
            raise Unreadable(f"{self.path} is {self.size:,} bytes large; at most {most:,} are read")
        content = self.load(most + 1)
        if len(content) > most:
            raise Unreadable(f"{self.path} is larger than {most:,} bytes, the most that is read")
        return content


def is_archive(name):
    """Whether a file is an archive by its name, of a kind that can be opened or not."""
    return name.lower().endswith((*_ENDINGS, *_CLOSED))


def stem(name):
    """A file's name without its ending: both endings of .tar.gz."""
    ending = max((e for e in _ENDINGS if name.lower().endswith(e)), key=len, default=os.path.splitext(name)[1])
    return name[: len(name) - len(ending)] or name


def file_at(path):
    """A file on this machine as a File; its path is its name."""
    path = Path(path)
    info = path.stat()
    return File((path.name,), info.st_size, info.st_mtime, lambda most: _read(path, most), path)


def files_below(folder, *, ignored=lambda parts: False, most=MOST_MEMBERS):
    """All files in a folder and its folders, as a list of File.

    Parameters
    ----------
    folder : Path
    ignored : callable (tuple of str) -> bool
        Paths, of folders too, that are left out.
    most : int
        Raise Unreadable for more files.
    """
    found, waiting, seen = [], [((), Path(folder))], 0
    while waiting:
        parts, here = waiting.pop()
        for entry in sorted(os.scandir(here), key=lambda entry: entry.name):
            below = (*parts, entry.name)
            seen += 1
            if seen > most:
                raise Unreadable(f"it holds more than {most:,} files; hand in the exercise files alone")
            if ignored(below) or entry.is_symlink():
                continue
            if entry.is_dir(follow_symlinks=False):
                if len(below) <= MOST_FOLDERS:
                    waiting.append((below, Path(entry.path)))
            elif entry.is_file(follow_symlinks=False):
                found.append(replace(file_at(entry.path), parts=below))
    return sorted(found, key=lambda file: file.parts)


def opened(file, most=MOST_MEMBERS):
    """The files in an archive, as a list of File whose paths begin inside it.

    Raises
    ------
    Unreadable
        It is not an archive that can be opened, or one with too much in it.
    """
    head = file.load(2**9)
    for ending, magic in _CLOSED.items():
        if head.startswith(magic) or file.name.lower().endswith(ending):
            raise Unreadable(f"{file.name} is a {ending} archive, which cannot be opened here; hand in a zip file")
    if head.startswith(_ZIP) or file.name.lower().endswith(".zip"):
        return _in_zip(file, most)
    data = _decompressed(file, head)
    try:
        return _in_tar(data, most)
    except tarfile.ReadError:
        if head[257:262] == b"ustar" or ".tar" in file.name.lower() or file.name.lower().endswith((".tgz", "z2")):
            raise Unreadable(f"{file.name} is damaged: it is not a tar file; hand in a zip file") from None
    single = File((stem(file.name),), len(data), file.modified, lambda most: data[:most])  # basic.py.gz
    return [single]


def _in_zip(file, most):
    try:
        archive = zipfile.ZipFile(file.place or io.BytesIO(file.read(MOST_UNPACKED)))
    except zipfile.BadZipFile:
        raise Unreadable(f"{file.name} is damaged: it is not a zip file; hand it in again") from None
    members = archive.infolist()
    if len(members) > most:
        raise Unreadable(f"{file.name} holds {len(members):,} files, more than {most:,}; hand in fewer")

    def load(info):
        def read(size):
            if info.flag_bits & 1:
                raise Unreadable(f"{file.name} is encrypted; hand it in without a password")
            with archive.open(info) as f:
                return f.read(size)

        return read

    found = []
    for info in members:
        parts = _parts(_zip_name(info))
        kind = stat.S_IFMT(info.external_attr >> 16)
        if parts and not info.is_dir() and kind in (0, stat.S_IFREG):
            found.append(File(parts, info.file_size, _zip_time(info), load(info), attempt=file.attempt))
    return found


def _in_tar(data, most):
    found = []
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for count, member in enumerate(archive):
            if count >= most:
                raise Unreadable(f"the tar file holds more than {most:,} files; hand in fewer")
            parts = _parts(member.name)
            if parts and member.type in tarfile.REGULAR_TYPES:
                content = data[member.offset_data : member.offset_data + member.size]
                load = lambda size, content=content: content[:size]  # noqa: E731
                found.append(File(parts, member.size, float(member.mtime), load))
    return found


def _decompressed(file, head):
    """The bytes of a tar file, plain or compressed; never more than MOST_UNPACKED of them."""
    try:
        data = file.read(MOST_UNPACKED)
        if head.startswith(b"\xfd7zXZ"):
            data = lzma.LZMADecompressor(memlimit=2**27).decompress(data, MOST_UNPACKED + 1)
        elif head.startswith((b"\x1f\x8b", b"BZh")):
            reader = gzip.open if head.startswith(b"\x1f") else bz2.open
            with reader(io.BytesIO(data)) as f:
                data = f.read(MOST_UNPACKED + 1)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise Unreadable(f"{file.name} is damaged ({error}); hand it in again") from error
    if len(data) > MOST_UNPACKED:
        raise Unreadable(f"{file.name} unpacks to more than {MOST_UNPACKED:,} bytes; hand in the exercise files alone")
    return data


def _parts(name):
    """A member's path as a tuple; None if it leads elsewhere."""
    parts = tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))
    climbs = name.startswith(("/", "\\")) or ".." in parts or (parts and parts[0].endswith(":"))
    return None if climbs or len(parts) > MOST_FOLDERS else parts


def _zip_name(info):
    """A member's name; many programs write UTF-8 and do not say so."""
    if not info.flag_bits & 0x800:
        with suppress(UnicodeError):
            return info.filename.encode("cp437").decode("utf-8")
    return info.filename


def _zip_time(info):
    with suppress(ValueError, OverflowError):
        return time.mktime((*info.date_time, 0, 0, -1))
    return 0.0


def _read(path, most):
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as f:
        return f.read(most)
