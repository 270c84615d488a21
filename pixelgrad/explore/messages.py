"""Messages between the page, the server and the computation: a header in JSON, and arrays as they lie in memory.

A frame is two numbers (uint32, little endian: the bytes of the header and of the data), the header as UTF-8, filled up
with spaces so that the data begins at a multiple of 8, and the data. The header lists the arrays under "arrays", each
with name, type, shape and offset. A browser looks at such an array without copying or parsing it.
"""

import json
import struct
from typing import Any, TypeAlias

import numpy as np

Arrays: TypeAlias = dict[str, np.ndarray[Any, Any]]  # of any of these types

PREFIX = struct.Struct("<II")
ALIGN = 8
DTYPES = {"uint8": "<u1", "int32": "<i4", "float32": "<f4", "float64": "<f8"}


def pack(header: dict[str, Any], arrays: Arrays | None = None) -> bytes:
    """A frame of a header and arrays of the types uint8, int32, float32 or float64."""
    listed, parts, offset = [], [], 0
    for name, value in (arrays or {}).items():
        if value.dtype.name not in DTYPES:
            raise TypeError(f"pack: {name} is {value.dtype}, expected one of {', '.join(DTYPES)}")
        raw = np.ascontiguousarray(value).astype(DTYPES[value.dtype.name], copy=False).tobytes()
        listed.append({"name": name, "dtype": value.dtype.name, "shape": list(value.shape), "offset": offset})
        padding = -len(raw) % ALIGN
        parts += [raw, bytes(padding)]
        offset += len(raw) + padding
    text = json.dumps({**header, "arrays": listed}, allow_nan=False).encode()
    text += b" " * (-(PREFIX.size + len(text)) % ALIGN)
    return b"".join([PREFIX.pack(len(text), offset), text, *parts])


def unpack(frame: bytes) -> tuple[dict[str, Any], Arrays]:
    """The header and the arrays of a frame; ValueError if it is not exactly one frame."""
    if len(frame) < PREFIX.size:
        raise ValueError(f"unpack: {len(frame)} bytes are not a message")
    header_size, data_size = PREFIX.unpack_from(frame)
    if PREFIX.size + header_size + data_size != len(frame):
        raise ValueError(f"unpack: a message of {len(frame)} bytes says that it has {header_size} + {data_size}")
    start = PREFIX.size + header_size
    try:
        header = json.loads(frame[PREFIX.size : start])
        listed = header.pop("arrays", [])
        arrays = {str(entry["name"]): _array(frame, start, data_size, entry) for entry in listed}
    except (UnicodeDecodeError, RecursionError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"unpack: the header of a message cannot be read ({error})") from error
    return header, arrays


def _array(frame, start, data_size, entry):
    dtype, shape, offset = np.dtype(DTYPES[entry["dtype"]]), entry["shape"], entry["offset"]
    if not all(isinstance(n, int) and n >= 0 for n in [offset, *shape]) or len(shape) > 5:
        raise ValueError("shape or offset is not made of whole numbers")
    count = 1
    for side in shape:
        count *= side
    if offset + count * dtype.itemsize > data_size:
        raise ValueError("an array is longer than the data")
    return np.frombuffer(frame, dtype, count, start + offset).reshape(shape)
