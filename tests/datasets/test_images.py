"""Users' own pictures: every kind comes out as uint8 RGB, and what cannot be read says why."""

import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from pixelgrad.datasets import DataError, load_image, resize_image, save_image


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def noise(H=12, W=17, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (H, W, 3), dtype=np.uint8)


def saved(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


def empty_png(path, width, height):
    """A PNG file with a header and no pixels: only its size can be read."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + end)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "ppm"])
def test_rgb_comes_out_as_it_is(tmp_path, suffix):
    image = load_image(saved(tmp_path / f"a.{suffix}", noise()))
    assert image.dtype == np.uint8 and image.flags.writeable
    np.testing.assert_array_equal(image, noise())


def test_jpeg_is_what_pillow_decodes(tmp_path):
    path = saved(tmp_path / "a.jpg", noise())
    np.testing.assert_array_equal(load_image(str(path)), np.asarray(Image.open(path)))


def test_grey_becomes_three_equal_channels(tmp_path):
    grey = noise()[..., 0]
    image = load_image(saved(tmp_path / "a.png", grey))
    np.testing.assert_array_equal(image, np.stack([grey] * 3, axis=2))


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_16_bits_are_scaled_and_not_clipped(tmp_path, suffix):
    grey = np.linspace(0, 65535, 100, dtype=np.uint16).reshape(10, 10)
    image = load_image(saved(tmp_path / f"a.{suffix}", grey))
    np.testing.assert_array_equal(image[..., 0], np.rint(grey / 257).astype(np.uint8))
    assert (image[..., 0] == image[..., 2]).all()


def test_32_bit_and_floating_point_pixels_are_refused(tmp_path):
    for pixels in (np.full((9, 9), 10**6, np.int32), np.ones((9, 9), np.float32)):
        with pytest.raises(DataError, match="unknown range|no MaxSampleValue tells their range"):
            load_image(saved(tmp_path / "a.tiff", pixels))


def test_one_bit_and_palette_pictures(tmp_path):
    bits = Image.fromarray(noise()[..., 0]).convert("1")
    bits.save(tmp_path / "bits.png")
    np.testing.assert_array_equal(load_image(tmp_path / "bits.png")[..., 1], np.asarray(bits) * np.uint8(255))
    palette = Image.fromarray(noise()).quantize(16)
    palette.save(tmp_path / "a.gif")
    np.testing.assert_array_equal(load_image(tmp_path / "a.gif"), np.asarray(palette.convert("RGB")))


def test_cmyk_comes_out_as_rgb(tmp_path):
    red = np.tile(np.array([0, 255, 255, 0], np.uint8), (16, 16, 1))
    Image.frombytes("CMYK", (16, 16), red.tobytes()).save(tmp_path / "a.jpg")
    image = load_image(tmp_path / "a.jpg").astype(int)
    assert abs(image - [255, 0, 0]).max() < 10


def test_transparency_shows_white(tmp_path):
    rgba = np.zeros((9, 9, 4), np.uint8)
    rgba[:, :3] = [200, 100, 0, 255]  # opaque
    rgba[:, 3:6] = [200, 100, 0, 51]  # a fifth
    image = load_image(saved(tmp_path / "a.png", rgba))
    np.testing.assert_array_equal(image[0, 0], [200, 100, 0])
    np.testing.assert_allclose(image[0, 4], [244, 224, 204], atol=1)
    np.testing.assert_array_equal(image[0, 8], [255, 255, 255])


@pytest.mark.parametrize("mode", ["P", "RGB", "L", "LA"])
def test_every_kind_of_transparency_is_seen(tmp_path, mode):
    if mode == "LA":
        Image.new("LA", (9, 9), (0, 0)).save(tmp_path / "a.png")
    else:
        colour = (0, 0, 0) if mode == "RGB" else 0
        Image.new(mode, (9, 9), colour).save(tmp_path / "a.png", transparency=colour)
    assert (load_image(tmp_path / "a.png") == 255).all()


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_the_cameras_rotation_is_applied(tmp_path, orientation, turns):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", noise(), exif=exif)
    np.testing.assert_array_equal(load_image(path), np.rot90(noise(), turns))


def test_size_means_height_and_width(tmp_path):
    path = saved(tmp_path / "a.png", noise(40, 30))
    assert load_image(path, size=16).shape == (16, 16, 3)
    assert load_image(path, size=(10, 20)).shape == (10, 20, 3)
    assert load_image(path, size=(np.int64(10), 20)).shape == (10, 20, 3)


def test_cropping_keeps_the_centre_and_squeezing_keeps_all():
    image = np.zeros((20, 60, 3), np.uint8)
    image[:, 20:40] = 255  # the middle third is white
    assert (resize_image(image, 20) == 255).all()
    squeezed = resize_image(image, 20, crop=False)
    assert squeezed[0, 0, 0] == 0 and squeezed[0, 10, 0] == 255
    tall = resize_image(image.transpose(1, 0, 2), 20)
    assert (tall == 255).all()


def test_load_with_size_equals_load_and_resize(tmp_path):
    path = saved(tmp_path / "a.png", noise(50, 31))
    for crop in (True, False):
        loaded = load_image(path, size=(9, 14), crop=crop)
        np.testing.assert_array_equal(loaded, resize_image(noise(50, 31), (9, 14), crop=crop))


def test_making_it_smaller_does_not_alias():
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255
    image = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    small = resize_image(image, 16).astype(int)
    assert abs(small - 127.5).max() < 8  # a fine chequerboard is grey, not black or white


def test_the_same_size_changes_nothing_and_the_input_is_left_alone():
    image = noise()
    kept = image.copy()
    np.testing.assert_array_equal(resize_image(image, (12, 17)), image)
    resize_image(image, 5)[:] = 0
    np.testing.assert_array_equal(image, kept)
    np.testing.assert_array_equal(resize_image(image[:, ::-1], (12, 17)), image[:, ::-1])


@pytest.mark.parametrize("size", [0, -4, 2.5, (3,), (3, 4, 5), (0, 4), "64", (10**5, 10**5), True])
def test_senseless_sizes_are_refused(tmp_path, size):
    with pytest.raises(ValueError, match="size is .*expected"):
        resize_image(noise(), size)
    with pytest.raises(ValueError, match="size is .*expected"):
        load_image(saved(tmp_path / "a.png", noise()), size=size)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nowhere\.png"):
        load_image(tmp_path / "nowhere.png")
    with pytest.raises(DataError, match="is a folder"):
        load_image(tmp_path)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"  # Pillow would start Ghostscript


def test_postscript_is_named_and_never_run(tmp_path):
    (tmp_path / "letter.jpg").write_bytes(EPS)
    with pytest.raises(DataError, match="is a PostScript document"):
        load_image(tmp_path / "letter.jpg")


@pytest.mark.parametrize("content", [b"Dear Sir or Madam", b""])
def test_a_text_file_called_jpg_is_no_picture(tmp_path, content):
    (tmp_path / "letter.jpg").write_bytes(content)
    with pytest.raises(DataError, match=r"letter\.jpg is not a picture.*save it as PNG"):
        load_image(tmp_path / "letter.jpg")


def test_a_picture_cut_short_is_damaged(tmp_path):
    path = saved(tmp_path / "a.jpg", noise(100, 100))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DataError, match=r"a\.jpg cannot be decoded"):
        load_image(path)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 100), (100, 7)])
def test_tiny_pictures_are_refused_and_8_pixels_are_not(tmp_path, width, height):
    with pytest.raises(DataError, match=f"{width}x{height} pixels, expected at least 8x8"):
        load_image(saved(tmp_path / "a.png", noise(height, width)))
    assert load_image(saved(tmp_path / "b.png", noise(8, 8))).shape == (8, 8, 3)


@pytest.mark.parametrize(("side", "said"), [(10_000, "10,000x10,000"), (60_000, "more than twice")])
def test_huge_pictures_are_refused_by_their_header_without_a_warning(tmp_path, side, said):
    with pytest.raises(DataError, match=f"{said}.*at most 50 million"):
        load_image(empty_png(tmp_path / "huge.png", side, side))


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".jpg", ".jpeg"])
def test_saving_and_loading(tmp_path, suffix):
    image = np.repeat(np.repeat(noise(4, 5), 8, axis=0), 8, axis=1)
    save_image(tmp_path / f"a{suffix}", image)
    back = load_image(tmp_path / f"a{suffix}").astype(int)
    assert abs(back - image).max() <= (0 if suffix.lower() == ".png" else 20)
    assert [p.name for p in tmp_path.iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("name", ["a.webp", "a", "a.png.txt"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"suffix.*expected one of \.png"):
        save_image(tmp_path / name, noise())


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, bool])
def test_saving_never_converts(tmp_path, dtype):
    with pytest.raises(TypeError, match=f"save_image: image is {np.dtype(dtype)}, expected a uint8"):
        save_image(tmp_path / "a.png", noise().astype(dtype))
    with pytest.raises(TypeError, match="a list"):
        save_image(tmp_path / "a.png", noise().tolist())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(9, 9), (9, 9, 4), (2, 9, 9, 3), (3, 9, 9), (0, 9, 3)])
def test_saving_takes_one_rgb_picture(tmp_path, shape):
    with pytest.raises(ValueError, match="expected one picture"):
        save_image(tmp_path / "a.png", np.zeros(shape, np.uint8))


def test_an_existing_file_is_only_overwritten_when_asked_for(tmp_path):
    save_image(tmp_path / "a.png", noise())
    with pytest.raises(FileExistsError):
        save_image(tmp_path / "a.png", noise(seed=1))
    np.testing.assert_array_equal(load_image(tmp_path / "a.png"), noise())
    save_image(tmp_path / "a.png", noise(seed=1), overwrite=True)
    np.testing.assert_array_equal(load_image(tmp_path / "a.png"), noise(seed=1))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        save_image(tmp_path / "nowhere" / "a.png", noise())


def test_what_deprocess_returns_for_one_picture_is_saved(tmp_path):
    picture = np.arange(9 * 8 * 3, dtype=np.uint8).reshape(1, 9, 8, 3)
    save_image(tmp_path / "a.png", picture)
    np.testing.assert_array_equal(load_image(tmp_path / "a.png"), picture[0])
    with pytest.raises(ValueError, match=r"shape \(2, 9, 8, 3\), expected one picture .*one by one"):
        save_image(tmp_path / "b.png", np.concatenate([picture, picture]))


def test_a_phones_photograph_with_helpers_beside_it_opens_without_a_warning(tmp_path):
    picture = Image.fromarray(np.full((20, 30, 3), 90, np.uint8))
    picture.save(tmp_path / "phone.jpg", "MPO", save_all=True, append_images=[picture])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_image(tmp_path / "phone.jpg").shape == (20, 30, 3)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_is_none_is_ignored(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(tmp_path / "a.jpg", exif=exif.tobytes())
    assert load_image(tmp_path / "a.jpg").shape == (20, 30, 3)


@pytest.mark.parametrize("exif", [b"Exif\0\0http://ns.adobe.com/xap/1.0/", b"Exif\0\0II*\0\xff\xff\xff\x7f"])
def test_camera_data_that_is_none_is_ignored(tmp_path, exif):
    Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    assert load_image(tmp_path / "a.jpg").shape == (20, 30, 3)
