"""Downloads from the addresses that CS231n publishes: resumable, checked, and never half-finished.

A download grows in `NAME.part`, with a note beside it (`NAME.part.json`) of which version of the file it is.
If it is interrupted, the next call asks the server for the rest of that same version (HTTP's Range and
If-Range). Only a complete and checked file gets its final name.
"""

import hashlib
import http.client
import json
import os
import shutil
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pixelgrad._files import check_destination, written_beside

from .._progress import progress_bar
from .errors import DataError
from .unpack import open_zip

CHUNK = 1 << 18  # bytes read at a time


@dataclass(frozen=True)
class Entry:
    """One file that can be downloaded; `size` in bytes and `sha256`, or its first digits, are None if not known."""

    url: str
    filename: str
    size: int | None = None
    sha256: str | None = None


DOWNLOADS = {
    # CS231n assignment 3, get_tiny_imagenet_a.sh. No published size or checksum: the zip file's own list of
    # members, at its end, tells whether it is complete, and its CRCs are checked when the pictures are read.
    "tiny-imagenet-100-A": Entry("http://cs231n.stanford.edu/tiny-imagenet-100-A.zip", "tiny-imagenet-100-A.zip"),
    # Size and checksum as recorded by many projects that use it.
    "tiny-imagenet-200": Entry(
        "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        "tiny-imagenet-200.zip",
        size=248_100_043,
        sha256="6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
    ),
    # CS231n assignment 3, get_pretrained_model.sh. Cut-short copies of it are common; the size tells.
    "cs231n-pretrained": Entry(
        "http://cs231n.stanford.edu/pretrained_model.h5", "pretrained_model.h5", size=46_308_080
    ),
    # torchvision's weights; the file name holds the first digits of its SHA-256, and those are checked.
    "squeezenet": Entry(
        "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
        "squeezenet1_1-b8a52dc0.pth",
        sha256="b8a52dc0",
    ),
    # CS231n assignments since 2017, get_imagenet_val.sh. Size and checksum of a copy whose members are dated
    # 4 May 2017.
    "imagenet-val-25": Entry(
        "http://cs231n.stanford.edu/imagenet_val_25.npz",
        "imagenet_val_25.npz",
        size=3_940_548,
        sha256="35141609d22457c791e8fbe10c2d3b09ed0d6a04b669173e9fbebb0b4915cd3c",
    ),
}


def download(
    name: str,
    folder: str | Path,
    *,
    overwrite: bool = False,
    url: str | None = None,
    progress: bool | None = None,
    timeout: float = 30,
) -> Path:
    """Download a data set or a weights file; go on where an interrupted download stopped.

    Parameters
    ----------
    name : {"tiny-imagenet-100-A", "tiny-imagenet-200", "cs231n-pretrained", "squeezenet", "imagenet-val-25"}
    folder : str or Path
        Where to put it; made if missing.
    overwrite : bool
        Replace an existing file. Otherwise one that is known to be right (by its SHA-256) is left as it is
        and any other is an error.
    url : str, optional
        Another address of the same file, http: or https:.
    progress : bool, optional
        Show a progress bar on stderr.
    timeout : float
        Seconds without an answer after which to give up.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        There is no download of that name, or `url` is not a web address.
    ConnectionError
        The server cannot be reached or stopped answering; what has arrived is kept for the next call.
    DataError
        What arrived is not the expected file.
    FileExistsError
        The file exists, may not be overwritten, and is not known to be right.

    Examples
    --------
    >>> path = download("tiny-imagenet-100-A", "data", progress=True)  # doctest: +SKIP
    """
    if name not in DOWNLOADS:
        raise ValueError(f"download: nothing is called {name!r}; expected one of {', '.join(DOWNLOADS)}")
    entry = DOWNLOADS[name]
    url = entry.url if url is None else url
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"download: url is {url!r}, expected one that starts with http:// or https://")
    folder = Path(folder)
    target = folder / entry.filename
    if not overwrite and _is_right(target, entry):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    check_destination(target, overwrite=overwrite)
    transfer = _Transfer(url, target, entry.size, timeout)
    transfer.run(progress)
    try:
        _verify(transfer.part, entry, url)
    except DataError:
        transfer.discard()  # to go on from wrong bytes would never end well
        raise
    check_destination(target, overwrite=overwrite)
    os.replace(transfer.part, target)
    transfer.discard()
    return target


class _Transfer:
    """The bytes on their way from `url` to `target`.part."""

    def __init__(self, url, target, size, timeout):
        self.url, self.target, self.size, self.timeout = url, target, size, timeout
        self.part = target.with_name(target.name + ".part")
        self.note = target.with_name(target.name + ".part.json")

    def discard(self):
        """Forget what has arrived."""
        for path in (self.part, self.note):
            with suppress(FileNotFoundError):
                path.unlink()

    def run(self, progress):
        """Fetch what is missing of the part file."""
        start, validator = self._resume_point()
        response = self._open(start, validator)
        if response is None:
            return  # everything had arrived already
        if response.status == 206 and not _continues(response, start, validator):
            response.close()  # a part, but not the one that is missing
            start, response = 0, self._open(0, None)
        with response:
            if response.status != 206:
                start = 0  # the server ignores ranges, or has another version by now: it sends everything
            total = self._total(response, start)
            if start == 0:
                self.discard()  # before noting the new version: its mark must never stand beside old bytes
            self._remember(response)
            options = {"desc": self.target.name, "unit": "B", "unit_scale": True, "progress": progress}
            with progress_bar(total=total, initial=start, **options) as bar:
                received = start + self._copy(response, start, bar)
        if total is not None and received < total:
            raise self._broken_off(f"{received:,} of {total:,}")

    def _resume_point(self):
        """How many bytes there are and the mark (ETag or date) of the version they belong to."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            size = self.part.stat().st_size
            if note["url"] == self.url and note["validator"]:
                return size, note["validator"]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # no note, or not one of ours: start from the beginning
        return 0, None

    def _remember(self, response):
        with written_beside(self.note, overwrite=True) as temporary:
            note = {"url": self.url, "validator": _mark(response)}
            temporary.write_text(json.dumps(note), encoding="utf-8")

    def _open(self, start, validator):
        """The server's answer to a request for the bytes from `start` on; None if there are none left."""
        headers = {"User-Agent": "pixelgrad", "Accept-Encoding": "identity"}
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": validator}
        try:
            request = urllib.request.Request(self.url, headers=headers)
            return urllib.request.urlopen(request, timeout=self.timeout)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416 and start:
                    if error.headers.get("Content-Range") == f"bytes */{start}":
                        return None
                    self.discard()  # more bytes here than there: not the same file
                    return self._open(0, None)
                raise self._unreachable(f"the server answers {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(getattr(error, "reason", None) or error) from error

    def _unreachable(self, reason):
        return ConnectionError(
            f"download: cannot get {self.url} ({reason}); try again later, or download it with a browser and "
            f"put it at {self.target}"
        )

    def _broken_off(self, where):
        return ConnectionError(
            f"download: {self.url} broke off after {where} bytes; run the same again, it goes on from there"
        )

    def _total(self, response, start):
        """The size of the whole file in bytes, None if the server does not say; checks it and the disk."""
        if response.headers.get_content_type() == "text/html":
            raise DataError(
                f"download: {self.url} sends a web page instead of {self.target.name}, perhaps the login "
                f"page of a network; download it with a browser and put it at {self.target}"
            )
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else None
        if None not in (total, self.size) and total != self.size:
            raise DataError(
                f"download: {self.url} offers {total:,} bytes, expected {self.size:,}: it is not the file it "
                "used to be; pass another address as url="
            )
        free = shutil.disk_usage(self.target.parent).free
        if total is not None and total - start > free:
            raise OSError(
                f"download: {self.target} needs {(total - start) / 1e6:,.0f} MB, but its disk has only "
                f"{free / 1e6:,.0f} MB free"
            )
        return total

    def _copy(self, response, start, bar):
        received = 0
        with open(self.part, "ab" if start else "wb") as file:
            while True:
                try:
                    chunk = response.read(CHUNK)
                except http.client.IncompleteRead as error:  # raised by some versions of Python only
                    chunk = error.partial
                except (OSError, http.client.HTTPException) as error:
                    raise self._broken_off(f"{start + received:,}") from error
                if not chunk:
                    return received
                file.write(chunk)
                received += len(chunk)
                bar.update(len(chunk))


def _mark(response):
    """What tells one version of a file from another: its ETag or date, None if the server gives neither."""
    etag = response.headers.get("ETag", "")
    # HTTP does not allow weak marks (W/"...") for ranges: they do not promise equal bytes.
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def _continues(response, start, validator):
    ranged = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
    return start > 0 and ranged and _mark(response) in (validator, None)  # the mark may be left out of a 206


def _is_right(path, entry):
    return entry.sha256 is not None and path.is_file() and _sha256(path).startswith(entry.sha256)


def _sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _verify(path, entry, url):
    size = path.stat().st_size
    if entry.size is not None and size != entry.size:
        raise DataError(f"download: {url} sent {size:,} bytes, expected {entry.size:,}; try again, or another url=")
    if entry.sha256 is not None and not _sha256(path).startswith(entry.sha256):
        raise DataError(
            f"download: what {url} sent has another SHA-256 than expected ({entry.sha256}): it was damaged "
            "on the way or is another file; try again, or another url="
        )
    if entry.filename.endswith((".zip", ".npz")):
        try:
            with open_zip(path):
                pass
        except DataError as error:
            raise DataError(f"download: what {url} sent cannot be used: {error}") from error
