"""The decoded cache: one HDF5 file of uint8 pictures, made once and memory-mapped ever after.

Decoding 57,500 JPEGs takes many seconds, mapping the decoded pictures takes milliseconds and hardly any
memory. HDF5 keeps each array in one uncompressed block; its offset in the file is all that np.memmap needs.
The header (a JSON attribute) says which source, in which state, the pictures came from. The file is written
under a temporary name and renamed at the end: readers and other writers see a whole one or none.
"""

import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pixelgrad._files import written_beside

from ._layout import SPLITS, Plan
from .hdf5 import open_hdf5

FORMAT = "pixelgrad TinyImageNet cache"
VERSION = 1


def cache_paths(source_path, cache_dir=None):
    """Where the cache of `source_path` may lie, best place first (list of Path)."""
    source_path = Path(os.path.abspath(source_path))
    name = f"{source_path.name}.pixelgrad-cache.h5"
    if cache_dir is not None:
        return [Path(cache_dir) / name]
    # The user's folder holds caches of data from all over the place: the path tells equal names apart.
    tag = hashlib.sha256(str(source_path).encode()).hexdigest()[:8]
    return [source_path.parent / name, user_cache_folder() / f"{tag}-{name}"]


def user_cache_folder():
    """The folder for caches of this user and this package, by the custom of the operating system."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(base) / "pixelgrad" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "pixelgrad"
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "pixelgrad"


def first_writable(paths, needed_bytes):
    """The first of `paths` in whose folder a new file of `needed_bytes` can be written; makes the folder."""
    problems = []
    for path in paths:
        problem = _why_not_writable(path.parent, needed_bytes)
        if problem is None:
            return path
        problems.append(f"{path.parent} {problem}")
    raise OSError(
        f"load_tiny_imagenet: no place for the decoded pictures ({needed_bytes / 1e6:,.0f} MB): "
        f"{'; '.join(problems)}; pass cache_dir= with a folder that has room"
    )


def _why_not_writable(folder, needed_bytes):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A folder marked read-only is meant so, also where root could write all the same.
        if not os.stat(folder).st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
            return "is marked read-only"
        with tempfile.TemporaryFile(dir=folder):  # os.access knows nothing of Windows' access lists
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return f"cannot be written ({error.strerror or error})"
    return None if free > needed_bytes else f"has only {free / 1e6:,.0f} MB free"


def write_cache(path: Path, signature: dict[str, Any], plan: Plan, batches: Callable[..., Any]) -> None:
    """Write the cache file `path`, replacing what is there.

    Parameters
    ----------
    path : Path
    signature : dict
        The state of the source: another signature makes the cache out of date.
    plan : Plan
    batches : callable
        ``batches(split)`` yields uint8 arrays (n, 3, 64, 64) of that split, in order.
    """
    checks: dict[str, Any] = {}
    header = {"format": FORMAT, "version": VERSION, "source": signature}
    header |= {"wnids": plan.wnids, "class_names": plan.class_names, "checks": checks}
    with written_beside(path, overwrite=True) as temporary, open_hdf5(temporary, "w") as h5:
        total = np.zeros((3, 64, 64), np.int64)
        for split in SPLITS:
            X = h5.create_dataset(f"X_{split}", (len(plan.names[split]), 3, 64, 64), np.uint8)
            start = 0
            for batch in batches(split):
                X[start : start + len(batch)] = batch
                start += len(batch)
                if split == "train":
                    total += batch.sum(axis=0, dtype=np.int64)
            checks[split] = _check_value(X)
            if plan.labels[split] is not None:
                h5[f"y_{split}"] = plan.labels[split]
        h5["mean_image"] = (total / len(plan.names["train"])).astype(np.float32)
        h5.attrs["header"] = json.dumps(header)


def read_cache(path, signature):
    """Map the cache file `path`; None if it is missing, damaged, foreign or out of date.

    Returns
    -------
    dict or None
        The dictionary that `load_tiny_imagenet` returns, pictures as read-only np.memmap.
    """
    try:
        with open_hdf5(path) as h5:
            header = json.loads(h5.attrs["header"])
            if (header["format"], header["version"], header["source"]) != (FORMAT, VERSION, signature):
                return None
            data = {"class_names": header["class_names"], "wnids": header["wnids"]}
            for split in SPLITS:
                X = _map(path, h5[f"X_{split}"])
                if _check_value(X) != header["checks"][split]:
                    return None
                data[f"X_{split}"] = X
                data[f"y_{split}"] = h5[f"y_{split}"][()] if f"y_{split}" in h5 else None
            data["mean_image"] = h5["mean_image"][()]
    except (OSError, KeyError, ValueError, TypeError, AttributeError):
        return None  # whatever is wrong with it, it will be made anew
    return data


def _map(path, dataset):
    if dataset.size == 0:
        return np.zeros(dataset.shape, np.uint8)  # there is no such thing as an empty map
    if dataset.dtype != np.uint8 or dataset.shape[1:] != (3, 64, 64):
        raise ValueError("not pictures")
    return np.memmap(path, np.uint8, "r", offset=dataset.id.get_offset(), shape=dataset.shape)


def _check_value(X):
    # A look at every 997th picture: enough to notice blocks that never reached the disk, and instant.
    return zlib.crc32(np.ascontiguousarray(X[::997]).tobytes()) if len(X) else 0
