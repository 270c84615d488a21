"""Weights files: HDF5, strict to read, never half-written.

Root attributes: ``format`` ("pixelgrad"), ``format_version``, ``architecture`` and ``provenance`` (JSON),
``input_size``, and, where known, ``class_names``, ``wnids``, ``pixel_mean``, ``pixel_std``. Datasets: the parameters by
name, and ``mean_image`` where there is one. Filters and matrices may be float16; vectors stay float32, since the
variance of raw pixels can exceed what float16 holds.
"""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .._files import written_beside
from ..datasets.hdf5 import LOCKED, is_locked, open_hdf5
from .blocks import make_blocks, param_shapes

FORMAT = "pixelgrad"
FORMAT_VERSION = 1
ORIGINAL = "CS231n's pretrained_model.h5 has 46,308,080 bytes when it is complete"


class WeightsError(ValueError):
    """A weights file that cannot be used: what was found, what was expected, what to do."""


def write_weights(
    path, *, params, architecture, input_size, class_names, wnids, pixels, provenance, dtype=np.float32, overwrite=False
):
    """Write a network's parameters and all that is needed to use them; see `Network.save`."""
    dtype = np.dtype(dtype)
    if dtype not in (np.float16, np.float32, np.float64):
        raise ValueError(f"weights file: dtype must be float16, float32 or float64, got {dtype}")
    with written_beside(path, overwrite=overwrite) as temporary, open_hdf5(temporary, "w") as f:
        f.attrs["format"] = FORMAT
        f.attrs["format_version"] = FORMAT_VERSION
        f.attrs["architecture"] = json.dumps(architecture)
        f.attrs["provenance"] = json.dumps(provenance)
        f.attrs["input_size"] = input_size
        for name, labels in (("class_names", class_names), ("wnids", wnids)):
            if labels is not None:
                f.attrs.create(name, labels, dtype=h5py.string_dtype())
        for name, vector in (("pixel_mean", pixels.mean), ("pixel_std", pixels.std)):
            if vector is not None:
                f.attrs[name] = vector
        for name, value in params.items():
            with np.errstate(over="ignore"):  # what does not fit becomes infinite, and an error of ours
                stored = value.astype(dtype if value.ndim > 1 or dtype == np.float64 else np.float32)
            if not np.all(np.isfinite(stored)):
                raise WeightsError(f"cannot save {path}: {name} holds NaN, infinity, or values too large for {dtype}")
            _write(f, name, stored)
        if pixels.mean_image is not None:
            _write(f, "mean_image", pixels.mean_image.astype(np.float32))


def _write(f, name, stored):
    """An array with a checksum, which HDF5 verifies when it reads.

    Checksums need chunks, and the last of each row of chunks is padded; a single one takes no more than the array.
    """
    f.create_dataset(name, data=stored, chunks=stored.shape, fletcher32=True)


def read_weights(path: str | Path) -> dict[str, Any]:
    """Read a weights file that pixelgrad wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict
        The keyword arguments of `Network`: architecture, params, input_size, class_names, wnids, mean_image,
        pixel_mean, pixel_std, provenance.

    Raises
    ------
    WeightsError
        The file is missing, truncated, not HDF5 or not pixelgrad's; an array is missing, extra, misshapen or not
        finite, or a running variance negative.
    """
    attributes, arrays = read_hdf5(path)
    if attributes.get("format") != FORMAT:
        raise WeightsError(
            f"{path} is an HDF5 file, but not a weights file of pixelgrad (its format is {attributes.get('format')!r}, "
            f"expected {FORMAT!r}); PretrainedCNN(h5_file=...) also reads CS231n's pretrained_model.h5"
        )
    version = attributes.get("format_version")
    if version != FORMAT_VERSION:
        raise WeightsError(
            f"{path} has format version {version}, this pixelgrad reads version {FORMAT_VERSION}; "
            "install the pixelgrad that wrote it"
        )
    try:
        architecture = json.loads(attributes["architecture"])
        provenance = json.loads(attributes["provenance"])
        input_size = tuple(int(n) for n in attributes["input_size"])
        expected = param_shapes(make_blocks(architecture), input_size)
        labels = {
            name: [str(label) for label in attributes[name]] if name in attributes else None
            for name in ("class_names", "wnids")
        }
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: its description cannot be read ({error}); make or download it again") from error
    mean_image = arrays.pop("mean_image", None)
    check_arrays(path, arrays, expected)
    return {
        "architecture": architecture,
        "params": arrays,
        "input_size": input_size,
        "mean_image": mean_image,
        "pixel_mean": attributes.get("pixel_mean"),
        "pixel_std": attributes.get("pixel_std"),
        "provenance": provenance,
        **labels,
    }


def read_hdf5(path):
    """All root attributes and datasets of an HDF5 file; WeightsError if it is missing, truncated or something else."""
    try:
        with open_hdf5(path) as f:
            attributes = dict(f.attrs)
            groups = [name for name in f if not isinstance(f[name], h5py.Dataset)]
            if groups:
                raise WeightsError(f"{path}: expected arrays only, found the group {groups[0]!r}; not a weights file")
            return attributes, {str(name): f[name][()] for name in f}  # a damaged name is bytes
    except FileNotFoundError as error:
        raise WeightsError(f"weights file {path} does not exist; check the path") from error
    except WeightsError:
        raise
    except Exception as error:  # from a damaged file h5py raises KeyError, ValueError, MemoryError and others
        with_size = _describe(path)
        if "truncated" in str(error):
            raise WeightsError(f"{path} is cut short{with_size}; download or make it again ({ORIGINAL})") from error
        if "Fletcher32" in str(error) or "filter returned failure" in str(error):
            raise WeightsError(
                f"{path}: an array does not match its checksum{with_size}; the file was damaged: download or make it "
                f"again"
            ) from error
        if is_locked(error):
            raise WeightsError(f"{path} cannot be opened: {LOCKED}") from error
        if "signature" in str(error):
            raise WeightsError(f"{path} is not an HDF5 file{with_size}; expected a weights file (.h5)") from error
        raise WeightsError(f"{path} cannot be read as a weights file{with_size}: {error}") from error


def check_arrays(path, arrays, expected):
    """Raise WeightsError unless the arrays have exactly these names and shapes and usable values."""
    missing, extra = [n for n in expected if n not in arrays], [n for n in arrays if n not in expected]
    if missing or extra:
        found = [f"{what}: {', '.join(n)}" for what, n in (("missing", missing), ("extra", extra)) if n]
        raise WeightsError(
            f"{path} does not hold the arrays of its architecture ({'; '.join(found)}); make or download it again"
        )
    for name, shape in expected.items():
        value = arrays[name]
        if np.shape(value) != shape:
            raise WeightsError(f"{path}: {name} has the shape {np.shape(value)}, expected {shape}")
        if not np.issubdtype(value.dtype, np.floating):
            raise WeightsError(f"{path}: {name} has the type {value.dtype}, expected floating-point numbers")
        bad = np.count_nonzero(~np.isfinite(value))
        if bad:
            raise WeightsError(f"{path}: {name} holds {bad} values that are NaN or infinite; the file is of no use")
        if name.startswith("running_var") and value.min() < 0:
            raise WeightsError(f"{path}: {name} has a negative variance, {value.min():.3g}; the file is damaged")


def _describe(path):
    try:
        with open(path, "rb") as f:
            f.seek(0, 2)
            return f" ({f.tell():,} bytes)"
    except OSError:
        return ""
