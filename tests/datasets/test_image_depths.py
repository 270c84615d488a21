"""Integer depths and kinds of grey: files written here byte by byte, so that the right pixels are known."""

import struct
import warnings

import numpy as np
import pytest
from PIL import Image

from pixelgrad.datasets import DataError, load_image

H, W = 9, 11
RAMP = np.linspace(0, 1, H * W).reshape(H, W)
MAX_SAMPLE_VALUE = 281


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def tiff(path, values, bits, *, order="<", white_is_zero=False, largest=None, signed=False):
    """An uncompressed grey TIFF (TIFF 6.0, section 4): header, pixels, one directory of tags."""
    kind = {8: "u1", 16: "u2", 32: "u4"}[bits]
    pixels = values.astype(order + (kind.replace("u", "i") if signed else kind)).tobytes()
    pixels += b"\0" * (len(pixels) % 2)
    tags = [(256, 4, W), (257, 4, H), (258, 3, bits), (259, 3, 1), (262, 3, 0 if white_is_zero else 1), (273, 4, 8)]
    tags += [(277, 3, 1), (278, 4, H), (279, 4, len(pixels))]
    tags += [] if largest is None else [(MAX_SAMPLE_VALUE, 4 if largest > 65535 else 3, largest)]
    tags += [(339, 3, 2 if signed else 1)]
    entries = b""
    for tag, type_, value in tags:
        entries += struct.pack(order + "HHI", tag, type_, 1)
        entries += struct.pack(order + ("HH" if type_ == 3 else "I"), *((value, 0) if type_ == 3 else (value,)))
    header = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8 + len(pixels))
    path.write_bytes(header + pixels + struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", 0))
    return path


def load_or_refuse(path):
    """The picture, or None where it is refused as what it is."""
    try:
        return load_image(path)
    except DataError as error:
        assert "is a TIFF file of an unusual kind; convert it" in str(error)
        return None


def expected(values, top):
    return np.stack([np.floor(values * 255.0 / top + 0.5).astype(np.uint8)] * 3, axis=2)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_every_byte_order_and_both_kinds_of_grey(tmp_path, order, white_is_zero, bits):
    values = np.rint(RAMP * (2**bits - 1))
    path = tiff(tmp_path / "a.tif", values, bits, order=order, white_is_zero=white_is_zero)
    image = load_or_refuse(path)
    if image is None:
        assert (order, white_is_zero, bits) == (">", True, 16)  # Pillow cannot open these
        return
    shown = 2**bits - 1 - values if white_is_zero else values
    np.testing.assert_array_equal(image, expected(shown, 2**bits - 1))


@pytest.mark.parametrize("bits, largest", [(16, 4095), (16, 1023), (32, 255), (32, 65535), (32, 4095), (32, 2**20)])
@pytest.mark.parametrize("white_is_zero", [False, True])
def test_the_range_is_what_max_sample_value_says(tmp_path, bits, largest, white_is_zero):
    values = np.rint(RAMP * largest)
    path = tiff(tmp_path / "a.tif", values, bits, largest=largest, white_is_zero=white_is_zero)
    image = load_or_refuse(path)
    if image is None:
        assert (white_is_zero, bits) == (True, 32)  # Pillow cannot open these
        return
    np.testing.assert_array_equal(image, expected(largest - values if white_is_zero else values, largest))


def test_32_bits_of_no_stated_range_are_refused(tmp_path):
    with pytest.raises(DataError, match="32-bit integers, and no MaxSampleValue tells their range"):
        load_image(tiff(tmp_path / "a.tif", np.rint(RAMP * 255), 32))


def test_pixels_beyond_the_stated_range_are_refused(tmp_path):
    with pytest.raises(DataError, match="go from 0 to 4095, beyond the stated range of 0 to 1023"):
        load_image(tiff(tmp_path / "a.tif", np.rint(RAMP * 4095), 16, largest=1023))


def test_12_bits_in_16_that_say_nothing_are_warned_of_once(tmp_path):
    values = np.rint(RAMP * 4095)
    with pytest.warns(UserWarning, match="16-bit pixels of at most 4095, and comes out dark") as caught:
        image = load_image(tiff(tmp_path / "a.tif", values, 16))
    assert len(caught) == 1 and caught[0].filename == __file__
    np.testing.assert_array_equal(image, expected(values, 65535))


def test_16_bit_png_is_scaled_by_its_depth(tmp_path):
    values = np.rint(RAMP * 65535).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    np.testing.assert_array_equal(load_image(tmp_path / "a.png"), expected(values, 65535))


def test_pgm_of_any_maximum_is_scaled_to_white(tmp_path):
    for top in (15, 255, 1023, 65535):
        values = np.rint(RAMP * top).astype(">u2" if top > 255 else "u1")
        (tmp_path / "a.pgm").write_bytes(f"P5 {W} {H} {top}\n".encode() + values.tobytes())
        image = load_image(tmp_path / "a.pgm")
        assert np.abs(image.astype(int) - expected(values.astype(float), top)).max() <= 1


def test_lab_becomes_rgb(tmp_path):
    lab = np.zeros((H, W, 3), np.uint8)
    lab[:, :4] = [255, 0, 0]  # white; a and b are signed
    lab[:, 4:8] = [136, 80, 67]  # the red of sRGB: L 53, a 80, b 67
    image = Image.frombytes("LAB", (W, H), lab.tobytes())
    image.save(tmp_path / "a.tif")
    loaded = load_image(tmp_path / "a.tif").astype(int)
    assert loaded[0, 0].min() > 250 and loaded[0, 9].max() < 5
    assert loaded[0, 5, 0] > 240 and loaded[0, 5, 1:].max() < 40


def test_the_first_frame_of_an_animation_is_taken_and_said(tmp_path):
    frames = [Image.new("L", (W, H), level) for level in (40, 90, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match="has 3 frames; the first one was taken"):
        assert abs(int(load_image(tmp_path / "a.gif")[0, 0, 0]) - 40) <= 1


@pytest.mark.parametrize(
    "name, head, words",
    [
        ("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC photograph; convert it"),
        ("a.jpg", b"\0\0\0\x18ftypheix\0\0\0\0mif1", "a HEIC photograph; convert it"),
        ("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture; convert it"),
        ("a.j2k", b"\xff\x4f\xff\x51\0\x2f", "a JPEG 2000 picture; convert it"),
        ("a.jxl", b"\xff\x0a\xfa\x7f", "a JPEG XL picture; convert it"),
        ("a.psd", b"8BPS\0\x01", "a Photoshop document; export it"),
        ("a.pdf", b"%PDF-1.7\n", "a PDF document; export the page"),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg">', "an SVG drawing; convert it"),
        ("b.svg", b'\xef\xbb\xbf<?xml version="1.0"?>\n<svg width="9">', "an SVG drawing; convert it"),
        ("a.cr3", b"\0\0\0\x18ftypcrx \0\0\0\x01", "a Canon RAW photograph"),
        ("a.raf", b"FUJIFILMCCD-RAW ", "a camera's RAW file"),
        ("a.png", b"<!DOCTYPE html><html>", "a web page, not the picture on it"),
    ],
)
def test_what_cannot_be_read_is_named_with_a_way_out(tmp_path, name, head, words):
    (tmp_path / name).write_bytes(head + b"\0" * 600)
    with pytest.raises(DataError, match=f"{name} is {words}"):
        load_image(tmp_path / name)
