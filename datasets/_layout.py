"""TinyImageNet's layout on disk or in a zip file: which pictures there are and what their labels are.

    wnids.txt                         the classes, one WordNet ID a line; line i is label i
    words.txt                         WordNet ID, tab, names; all of WordNet
    train/WNID/images/*.JPEG          (train/WNID/WNID_boxes.txt is not needed and not read)
    val/images/*.JPEG                 with val/val_annotations.txt: file, tab, WordNet ID, box
    test/images/*.JPEG                with test/test_annotations.txt, if there are labels

`FolderSource` and `ZipSource` make the two look the same: names relative to the data set's top folder, with
slashes, and `read(name) -> bytes`.
"""

import os
import re
import threading
import zipfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import DataError
from .unpack import open_zip

PICTURES = (".jpeg", ".jpg", ".png")
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Plan:
    """What to decode: for each split the names of its pictures, in order, and their labels (or None)."""

    wnids: list
    class_names: list
    names: dict  # split -> list of str
    labels: dict  # split -> int64 array (N,) or None


class FolderSource:
    """A data set unpacked in a folder, or in the only folder inside that folder that has a wnids.txt."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        tops = [p for p in (self.path, *sorted(self.path.iterdir())) if (p / "wnids.txt").is_file()]
        if not tops:
            raise _no_wnids(self.path)
        self._top = tops[0]

    def __enter__(self):
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def signature(self):
        """Changes when a file is added, removed or written to: a checksum of all names, sizes and times."""
        checksum, count = 0, 0
        for name, info in sorted(_walk(self._top, "")):
            count += 1
            checksum = zlib.crc32(f"{name} {info.st_size} {info.st_mtime_ns}\n".encode(), checksum)
        return {"kind": "folder", "files": count, "checksum": checksum}

    def listing(self):
        """The names of all files, in no particular order."""
        return [name for name, _ in _walk(self._top, "")]

    def read(self, name):
        """The bytes of one file."""
        try:
            return (self._top / name).read_bytes()
        except OSError as error:
            raise DataError(f"cannot read {self.where(name)}: {error.strerror or error}") from error

    def where(self, name):
        """The file's name for error messages."""
        return str(self._top / name)


class ZipSource:
    """A data set in its zip file, read in place. Opened by `with`: the list of members takes a moment."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._stack = ExitStack()
        self._lock = threading.Lock()  # zipfile's count of its readers is not safe between threads

    def __enter__(self):
        self._archive = self._stack.enter_context(open_zip(self.path))
        names = self._archive.namelist()
        tops = [n for n in names if n.split("/")[-1] == "wnids.txt" and n.count("/") <= 1]
        tops = [n[: -len("wnids.txt")] for n in tops if not n.startswith("__MACOSX")]
        if len(tops) != 1:
            self._stack.close()
            raise _no_wnids(self.path)
        self._top = tops[0]
        return self

    def __exit__(self, *_: Any) -> None:
        self._stack.close()

    def signature(self):
        """The zip file's size and time: needs no look inside."""
        info = self.path.stat()
        return {"kind": "zip", "size": info.st_size, "mtime_ns": info.st_mtime_ns}

    def listing(self):
        """The names of all files, in no particular order."""
        names = self._archive.namelist()
        return [n[len(self._top) :] for n in names if n.startswith(self._top) and not n.endswith("/")]

    def read(self, name):
        """The bytes of one file. May be called from several threads."""
        try:
            with self._lock:
                return self._archive.read(self._top + name)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
            raise DataError(f"{self.where(name)} is damaged ({error}); download {self.path.name} again") from error

    def where(self, name):
        """The file's name for error messages."""
        return f"{self._top}{name} in {self.path}"


def open_source(path):
    """`FolderSource` or `ZipSource`, whichever `path` is."""
    path = Path(path)
    if path.is_dir():
        return FolderSource(path)
    if path.is_file():
        return ZipSource(path)
    raise FileNotFoundError(
        f"load_tiny_imagenet: {path} does not exist; give the folder or zip file of TinyImageNet, or get one "
        "with pixelgrad.datasets.download('tiny-imagenet-100-A', folder)"
    )


def read_plan(source):
    """Find out from the lists in `source` which pictures are to be decoded.

    Training pictures come class by class in the order of wnids.txt and by number within a class, validation
    pictures in the order of val_annotations.txt, test pictures by number. What does not belong to the layout
    (.DS_Store, thumbnails, notes) is passed over.

    Raises
    ------
    DataError
        A list is missing or does not fit the pictures.
    """
    listing = source.listing()
    present = set(listing)
    wnids = _lines(source, "wnids.txt", present)
    if not wnids or len(set(wnids)) < len(wnids):
        raise DataError(f"{source.where('wnids.txt')} is empty or lists a class twice; download it again")
    words = dict(line.split("\t", 1) for line in _lines(source, "words.txt", present) if "\t" in line)
    nameless = [wnid for wnid in wnids if wnid not in words]
    if nameless:
        raise DataError(f"{source.where('words.txt')} has no name for {nameless[0]}; download the data again")
    label_of = {wnid: label for label, wnid in enumerate(wnids)}
    names, labels = {}, {}
    names["train"], labels["train"] = _training_pictures(source, listing, label_of)
    names["val"], labels["val"] = _annotated_pictures(source, "val", present, label_of)
    if "test/test_annotations.txt" in present:
        names["test"], labels["test"] = _annotated_pictures(source, "test", present, label_of)
    else:
        names["test"] = sorted(filter(_is_picture_in("test"), listing), key=_by_number)
        labels["test"] = None
    return Plan(wnids, [words[wnid].strip() for wnid in wnids], names, labels)


def _training_pictures(source, listing, label_of):
    of_class = {wnid: [] for wnid in label_of}
    for name in listing:
        match = re.fullmatch(r"train/(n\d+)/images/([^/.][^/]*)", name)
        if match and name.lower().endswith(PICTURES):
            if match[1] not in of_class:
                raise DataError(f"{source.where(name)}: {match[1]} is not in wnids.txt; add it or remove the folder")
            of_class[match[1]].append(name)
    for wnid, found in of_class.items():
        if not found:
            raise DataError(f"{source.where(f'train/{wnid}/images')} has no pictures; unpack the data again")
        found.sort(key=_by_number)
    labels = np.repeat(np.arange(len(of_class)), [len(found) for found in of_class.values()])
    return [name for found in of_class.values() for name in found], labels.astype(np.int64)


def _annotated_pictures(source, split, present, label_of):
    listed = f"{split}/{split}_annotations.txt"
    names, labels = [], []
    for number, line in enumerate(_lines(source, listed, present), start=1):
        fields = line.split("\t")
        name = f"{split}/images/{fields[0]}"
        if len(fields) < 2 or fields[1] not in label_of:
            raise DataError(f"{source.where(listed)}, line {number}: no class of wnids.txt in {line[:60]!r}")
        if name not in present:
            raise DataError(f"{source.where(name)} is missing, but {listed} lists it; unpack it again")
        names.append(name)
        labels.append(label_of[fields[1]])
    return names, np.array(labels, np.int64)


def read_boxes(source, split):
    """The boxes of a split's pictures, in the order of `read_plan`: (N, 4) of (top, left, bottom, right)."""
    listed = f"{split}/{split}_annotations.txt"
    boxes = []
    for number, line in enumerate(_lines(source, listed, set(source.listing())), start=1):
        fields = line.split("\t")[2:]
        if len(fields) != 4 or not all(field.strip().isdigit() for field in fields):
            raise DataError(f"{source.where(listed)}, line {number}: expected a box of four numbers in {line[:60]!r}")
        left, top, right, bottom = (int(field) for field in fields)  # of its first and last column and row
        if not (left <= right < 64 and top <= bottom < 64):
            raise DataError(f"{source.where(listed)}, line {number}: no box within 64 x 64 pixels in {line[:60]!r}")
        boxes.append((top, left, bottom + 1, right + 1))
    return np.array(boxes, np.int64).reshape(-1, 4)


def _lines(source, name, present):
    if name not in present:
        raise DataError(
            f"{source.where(name)} is missing; this is not TinyImageNet in its original layout, or not all "
            "of it: unpack or download it again"
        )
    try:
        text = source.read(name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{source.where(name)} is not text ({error}); download the data again") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _is_picture_in(split):
    pattern = re.compile(rf"{split}/images/[^/.][^/]*")
    return lambda name: bool(pattern.fullmatch(name)) and name.lower().endswith(PICTURES)


def _by_number(name):
    # test_2.JPEG before test_10.JPEG; the name itself settles ties such as 01 and 1.
    return [int(p) if p.isdigit() else p for p in re.split(r"([0-9]+)", name)], name


def _walk(folder, prefix):
    """Yield (name, stat) of all files under `folder`, hidden ones left out."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _walk(entry.path, f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name, entry.stat()


def _no_wnids(path):
    return DataError(
        f"load_tiny_imagenet: no wnids.txt in {path}; this is not TinyImageNet in its original layout, or "
        "not all of it: give the folder that holds wnids.txt, or the original zip file"
    )
