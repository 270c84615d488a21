"""ImageNet: the 25 validation pictures of CS231n's assignments, and the names of the 1000 classes."""

import io
import os
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np

from .._typing import Images, IntArray
from .errors import DataError

VAL_FILE = "imagenet_val_25.npz"


def load_imagenet_val(
    num: int | None = None, path: str | Path | None = None
) -> tuple[Images, IntArray, dict[int, str]]:
    """CS231n's 25 validation pictures of ImageNet.

    Parameters
    ----------
    num : int, optional
        How many, from the first on; all by default.
    path : str or Path, optional
        The file, or the folder that holds `imagenet_val_25.npz`; by default the folder that the environment variable
        PIXELGRAD_DATA names, or else the current one. `pixelgrad download imagenet-val-25` fetches it.

    Returns
    -------
    X : ndarray (N, 224, 224, 3) uint8
        Pictures for people; `model.preprocess` takes them as they are.
    y : ndarray (N,) of int
        Class indices.
    class_names : dict of int to str
        The names of the classes; the file lacks that of class 134 (the crane, a bird).

    Raises
    ------
    DataError
        The file is missing, or not what it should be.
    ValueError
        num is no whole number from 1 on.

    Notes
    -----
    The names are stored as a pickle, and a pickle may ask for any program to be run. This one is read by a reader that
    knows numbers, text, lists and dictionaries, and refuses everything else.
    """
    if num is not None and (isinstance(num, bool) or not isinstance(num, int | np.integer) or num < 1):
        raise ValueError(f"load_imagenet_val: num must be a whole number of at least 1, got {num!r}")
    path = Path(path if path is not None else os.environ.get("PIXELGRAD_DATA") or ".")
    path = path / VAL_FILE if path.is_dir() else path
    if not path.is_file():
        raise DataError(
            f"{path} does not exist; `pixelgrad download imagenet-val-25` fetches it, path= says where it is"
        )
    try:
        with np.load(path, allow_pickle=False) as f:
            X, y = f["X"], f["y"]
        with zipfile.ZipFile(path) as archive:
            names = _read_dictionary(archive.read("label_map.npy"))
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except Exception as error:  # what a damaged file makes NumPy's and zipfile's readers raise is of many kinds
        raise DataError(f"{path} cannot be read ({' '.join(str(error).split())[:200]}); download it again") from error
    if X.ndim != 4 or X.dtype != np.uint8 or X.shape[3] != 3 or y.shape != (len(X),) or y.dtype.kind not in "iu":
        raise DataError(
            f"{path} holds pictures {X.shape} {X.dtype} and labels {y.shape} {y.dtype}; expected (N, H, W, 3)"
        )
    return X[:num], y[:num].astype(np.int64), names


def load_class_names(path: str | Path) -> tuple[list[str], list[str]]:
    """Names and WordNet ids of classes, in the order of a network's scores.

    Parameters
    ----------
    path : str or Path
        A text file with a class a line: its WordNet id, a space, its names with commas between them.

    Returns
    -------
    class_names, wnids : list of str

    Raises
    ------
    DataError
        The file is missing, or a line is of another form.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "classes.txt"
    >>> path.write_text("n01443537 goldfish, Carassius auratus")
    37
    >>> load_class_names(path)
    (['goldfish, Carassius auratus'], ['n01443537'])
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a list of classes: {error}") from error
    while lines and not lines[-1].strip():
        lines.pop()
    matches = [re.fullmatch(r"(n\d{8})\s+(\S.*?)\s*", line) for line in lines]
    if not lines or None in matches:
        number = matches.index(None) + 1 if lines else 1
        raise DataError(
            f"{path}, line {number}: expected a WordNet id and names, such as 'n01443537 goldfish, Carassius auratus', "
            f"got {lines[number - 1][:60] if lines else 'an empty file'!r}"
        )
    found = [match for match in matches if match]
    return [match[2] for match in found], [match[1] for match in found]


class _Array:
    """Stands for a pickled array: keeps the list of its entries."""

    def __setstate__(self, state):
        self.entries = state[-1]


class _Type:
    """Stands for a NumPy type: keeps its code, such as U18 for text of 18 characters."""

    def __init__(self, code="", *_):
        self.code = code

    def __setstate__(self, state):
        pass


def _text(kind, raw):
    """A pickled NumPy string."""
    if not kind.code.startswith("U"):
        raise DataError(f"its pickle holds a value of the type {kind.code!r}, expected text")
    return raw.decode("utf-32-le").rstrip("\0")


class _Reader(pickle.Unpickler):
    """Reads a pickled array of plain Python objects; nothing that the pickle names is ever imported or called."""

    _STAND_INS = {
        "_reconstruct": lambda *_: _Array(),
        "ndarray": _Type,
        "dtype": _Type,
        "scalar": _text,
        "encode": lambda text, _: text.encode("latin1"),
    }

    def find_class(self, module, name):
        if module.split(".")[0] not in ("numpy", "_codecs") or name not in self._STAND_INS:
            raise DataError(f"its pickle asks for {module}.{name}; not read, since such a file can do harm")
        return self._STAND_INS[name]

    def persistent_load(self, _):
        raise DataError("its pickle refers to other files; not read")


def _read_dictionary(member):
    """The dictionary in a member of an .npz file, {int: str}."""
    f = io.BytesIO(member)
    np.lib.format.read_magic(f)
    np.lib.format.read_array_header_1_0(f)
    array = _Reader(f, encoding="latin1").load()
    names = array.entries[0] if isinstance(array, _Array) and len(array.entries) == 1 else None
    if not isinstance(names, dict) or not all(isinstance(k, int) and isinstance(v, str) for k, v in names.items()):
        raise DataError("its label_map is no dictionary from class index to name")
    return names
