"""TinyImageNet: 64x64 colour photographs of 100 or 200 of ImageNet's classes, as used by CS231n.

References
----------
Fei-Fei Li, Andrej Karpathy, Justin Johnson: CS231n, Convolutional Neural Networks for Visual Recognition,
Stanford, 2015 and 2016: assignment 3 (TinyImageNet-100-A) and the class's challenge (TinyImageNet-200).
"""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .._progress import progress_bar
from .._typing import IntArray
from ._cache import cache_paths, first_writable, read_cache, write_cache
from ._layout import SPLITS, open_source, read_boxes, read_plan
from .errors import DataError

CHUNK = 64  # pictures decoded by one thread at a time


def load_tiny_imagenet(
    path: str | Path,
    *,
    subtract_mean: bool = False,
    dtype: DTypeLike = np.float32,
    cache_dir: str | Path | None = None,
    progress: bool | None = None,
) -> dict[str, Any]:
    """Load TinyImageNet-100-A, -100-B or -200 from its folder or from its zip file.

    The first call decodes all JPEGs into a cache file; later calls map that file into memory and take well
    under a second. The cache lies beside the data, or in the user's cache folder where that place is
    read-only, and is made anew when the data has changed. Pictures are read from disk when they are used.

    Parameters
    ----------
    path : str or Path
        The data set's top folder (with wnids.txt) or the original zip file, which need not be unpacked.
    subtract_mean : bool
        Return the pictures as CS231n does: floats, less `mean_image`. That takes 49 kB of memory a picture in
        float32, 2.8 GB for TinyImageNet-100-A.
    dtype : dtype
        The floating-point type of the pictures when `subtract_mean` is True; otherwise they are uint8.
    cache_dir : str or Path, optional
        Folder for the cache file; made if missing.
    progress : bool, optional
        Show a progress bar on stderr while decoding.

    Returns
    -------
    dict
        ======================== ===========================================================================
        class_names              list of str, K entries: "goldfish, Carassius auratus"; [i] is for label i
        wnids                    list of str, K entries: "n01443537", the order of wnids.txt
        X_train, X_val, X_test   (N, 3, 64, 64) uint8, RGB, 0..255, read-only; grey pictures in three equal
                                 channels
        y_train, y_val, y_test   (N,) int64, labels 0..K-1; y_test is None where there are no labels
        mean_image               (3, 64, 64) float32, the mean over X_train, 0..255
        ======================== ===========================================================================

        Training pictures come class by class, validation pictures in the order of val_annotations.txt, test
        pictures by number.

    Raises
    ------
    FileNotFoundError
        There is nothing at `path`.
    DataError
        It is not TinyImageNet in its original layout, or a picture is damaged; the message names it.
    OSError
        There is no room for the cache file.

    Examples
    --------
    >>> data = load_tiny_imagenet("tiny-imagenet-100-A.zip", progress=True)  # doctest: +SKIP
    >>> data["X_train"].shape  # doctest: +SKIP
    (50000, 3, 64, 64)
    """
    dtype = np.dtype(dtype)
    if not np.issubdtype(dtype, np.floating):
        raise TypeError(f"load_tiny_imagenet: dtype is {dtype}, expected a floating-point type like float32")
    data = _cached(path, cache_dir, progress)
    if subtract_mean:
        mean = data["mean_image"].astype(dtype)
        for split in SPLITS:
            data[f"X_{split}"] = np.subtract(data[f"X_{split}"], mean, dtype=dtype)
            data[f"X_{split}"] = np.asarray(data[f"X_{split}"])  # a plain array, not a memmap without a file
    return data


def load_tiny_imagenet_boxes(path: str | Path) -> IntArray:
    """Where the objects of the validation pictures are: one box a picture, drawn by people.

    Parameters
    ----------
    path : str or Path
        As for `load_tiny_imagenet`.

    Returns
    -------
    ndarray (N, 4) of int64
        Rows top..bottom-1 and columns left..right-1 as (top, left, bottom, right), in the order of `X_val`. On average
        a box covers half of the picture.

    Raises
    ------
    FileNotFoundError, DataError
        As `load_tiny_imagenet`, or a line has no box.

    Examples
    --------
    >>> load_tiny_imagenet_boxes("tiny-imagenet-100-A.zip")[0]  # doctest: +SKIP
    array([19,  0, 48, 64])
    """
    with open_source(path) as source:
        return read_boxes(source, "val")


def _cached(path, cache_dir, progress):
    source = open_source(path)
    signature = source.signature()
    places = cache_paths(path, cache_dir)
    for place in places:
        data = read_cache(place, signature)
        if data is not None:
            return data
    with source:
        plan = read_plan(source)
        count = sum(len(names) for names in plan.names.values())
        place = first_writable(places, needed_bytes=count * 3 * 64 * 64 + 2**20)
        with progress_bar(total=count, desc=f"decoding {source.path.name}", unit="img", progress=progress) as bar:
            try:
                write_cache(place, signature, plan, lambda split: _batches(source, plan.names[split], bar))
            except PermissionError:
                # Windows: another process finished first and has its cache mapped. That one is as good.
                if read_cache(place, signature) is None:
                    raise
    data = read_cache(place, signature)
    if data is None:
        raise DataError(f"load_tiny_imagenet: {place} was changed while being written; try again")
    return data


def _batches(source, names, bar):
    """Yield decoded pictures, uint8 (n, 3, 64, 64), in order; decode on all cores, a few chunks ahead."""
    chunks = [names[i : i + CHUNK] for i in range(0, len(names), CHUNK)]
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        for i in range(0, len(chunks), 4 * threads):
            for batch in pool.map(lambda chunk: _decode_chunk(source, chunk), chunks[i : i + 4 * threads]):
                yield batch
                bar.update(len(batch))


def _decode_chunk(source, names):
    X = np.empty((len(names), 3, 64, 64), np.uint8)
    for x, name in zip(X, names):
        x[...] = decode_picture(source.read(name), source.where(name))
    return X


def decode_picture(data, where):
    """Decode one 64x64 picture from a file's bytes: uint8 (3, 64, 64). `where` names it in errors."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=["JPEG", "PNG"]) as image:
            size = image.size
            if size == (64, 64):
                return np.asarray(image.convert("RGB")).transpose(2, 0, 1)  # (3, 64, 64)
    except Exception as error:  # Pillow's decoders raise many types: OSError, SyntaxError, struct.error, ...
        reason = "not a JPEG at all" if type(error).__name__ == "UnidentifiedImageError" else error
        raise DataError(
            f"{where} is damaged ({reason}); replace this picture, or unpack or download the data set again"
        ) from error
    raise DataError(f"{where} is {size[0]}x{size[1]} pixels, expected 64x64; is this TinyImageNet?")
