import json
import struct

import numpy as np
import pytest

from pixelgrad.explore.messages import pack, unpack


def test_what_is_packed_is_unpacked():
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(1, 2, 3),
        "b": np.arange(5, dtype=np.uint8),
        "c": np.array(2.5),
        "d": np.zeros((0, 3), np.int32),
    }
    header, found = unpack(pack({"kind": "x", "text": "ä <"}, arrays))
    assert header == {"kind": "x", "text": "ä <"} and list(found) == list(arrays)
    for name, value in arrays.items():
        assert found[name].dtype == value.dtype and np.array_equal(found[name], value)


def test_data_begins_at_multiples_of_8():
    frame = pack({"k": "abc"}, {"a": np.zeros(3, np.uint8), "b": np.zeros(2)})
    header_size, data_size = struct.unpack_from("<II", frame)
    listed = json.loads(frame[8 : 8 + header_size])["arrays"]
    assert (8 + header_size) % 8 == 0 == data_size % 8 and all(entry["offset"] % 8 == 0 for entry in listed)


def framed(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", len(text), len(data)) + text + data


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\0" * 7,
        struct.pack("<II", 2**32 - 1, 2**32 - 1),
        framed(b"\xff\xfe"),
        framed(b"[" * 100_000),
        framed([1, 2]),
        framed({"arrays": [{"name": "a", "dtype": "float32", "shape": [4], "offset": 0}]}, b"\0" * 8),
        framed({"arrays": [{"name": "a", "dtype": "float32", "shape": [-1], "offset": 0}]}, b"\0" * 8),
        framed({"arrays": [{"name": "a", "dtype": "float32", "shape": [2**40, 2**40], "offset": 0}]}, b"\0" * 8),
        framed({"arrays": [{"name": "a", "dtype": "object", "shape": [1], "offset": 0}]}, b"\0" * 8),
        framed({"arrays": [{"name": "a", "dtype": "uint8", "shape": [1], "offset": -1}]}, b"\0" * 8),
        framed({"arrays": [{"name": "a", "dtype": "uint8", "shape": "11", "offset": 0}]}, b"\0" * 8),
        framed({"arrays": 7}),
        framed({}) + b"more",
    ],
)
def test_a_frame_that_is_none_is_refused(frame):
    with pytest.raises(ValueError, match="unpack"):
        unpack(frame)


def test_other_types_are_not_packed():
    with pytest.raises(TypeError, match="complex128"):
        pack({}, {"a": np.zeros(1, complex)})
