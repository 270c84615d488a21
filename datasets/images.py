"""Pictures of one's own: read any photograph as uint8 RGB, resize it, and save what came out.

A picture here is what people look at: uint8, (H, W, 3), RGB, 0..255. Networks want "model space";
`model.preprocess` makes that from this.
"""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from .._files import check_destination, written_beside
from .._typing import Images
from .errors import DataError
from .formats import HEAD, unreadable_format

MIN_SIDE = 8  # pixels; below that there is nothing to see and some networks have nothing left to pool
MAX_PIXELS = 50_000_000  # 150 MB as uint8 RGB; larger than what most cameras take

# Raster formats only: Pillow also "opens" formats that start other programs (EPS needs Ghostscript).
_FORMATS = ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "MPO", "AVIF"]
BITS_PER_SAMPLE, PHOTOMETRIC, MAX_SAMPLE_VALUE = 258, 262, 281  # tags of TIFF 6.0, section 8
WHITE_IS_ZERO = 0
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    ".png": {"format": "PNG"},
    ".jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
}


def load_image(path: str | Path, *, size: int | tuple[int, int] | None = None, crop: bool = True) -> Images:
    """Read a picture file as uint8 RGB, whatever kind of picture it holds.

    Grey becomes three equal channels. More than 8 bits are scaled to 0..255 by the range that the file states (TIFF's
    MaxSampleValue and BitsPerSample). Palettes, CMYK and LAB become RGB, transparent parts show white, and the rotation
    noted by cameras (EXIF) is applied. Colour profiles are not applied.

    A warning says what the file leaves open: the first frame of an animation was taken, or 16-bit pixels use so little
    of their range that they are probably of fewer bits.

    Parameters
    ----------
    path : str or Path
        A JPEG, PNG, GIF, BMP, TIFF, WebP or PPM file, at least 8x8 pixels and at most 50 megapixels.
    size : int or (H, W), optional
        Resize to that many pixels; an int means a square.
    crop : bool
        With `size`: True cuts away what does not fit its aspect ratio, equally on both sides; False squeezes.

    Returns
    -------
    array (H, W, 3), uint8
        RGB, 0..255.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DataError
        It is not a picture, is damaged, too small or too large.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.png"
    >>> save_image(path, picture)
    >>> load_image(path, size=32).shape
    (32, 32, 3)
    """
    path = Path(path)
    size = _checked_size(size)
    if not os.path.exists(path):  # Path.exists raises where a name is too long
        raise FileNotFoundError(f"load_image: there is no file {path}; check the path")
    if path.is_dir():
        raise DataError(f"load_image: {path} is a folder, expected a picture file")
    # The file is opened here and not by Pillow, so that "permission denied" stays what it is.
    notes: list[str] = []
    with open(path, "rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata and large pictures; see below for both
        image = _read(file, path, size, crop, notes)
    for note in notes:
        warnings.warn(f"load_image: {path} {note}", stacklevel=2)
    return image


def resize_image(image: Images, size: int | tuple[int, int], *, crop: bool = True) -> Images:
    """Resize a picture by Lanczos interpolation, without aliasing when it gets smaller.

    Parameters
    ----------
    image : array (H, W, 3), uint8
    size : int or (H2, W2)
        Pixels; an int means a square.
    crop : bool
        True cuts away what does not fit the new aspect ratio, equally on both sides; False squeezes.

    Returns
    -------
    array (H2, W2, 3), uint8

    Raises
    ------
    TypeError, ValueError
        `image` is not a uint8 picture, or `size` is not one.

    Examples
    --------
    >>> resize_image(np.zeros((300, 400, 3), dtype=np.uint8), 64).shape
    (64, 64, 3)
    """
    from PIL import Image

    _check_picture(image, "resize_image(image, size)")
    return _to_array(_resize(Image.fromarray(np.ascontiguousarray(image)), _checked_size(size), crop))


def save_image(path: str | Path, image: Images, *, overwrite: bool = False) -> None:
    """Save a picture as PNG (exact) or JPEG (quality 95), by the suffix of `path`.

    Parameters
    ----------
    path : str or Path
        Ends in .png, .jpg or .jpeg; its folder must exist.
    image : array (H, W, 3) or (1, H, W, 3), uint8
        RGB, 0..255, as `model.deprocess` returns it for one picture.
        Other types are refused, since converting them would have to guess their range.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    ValueError
        Another suffix or shape.
    TypeError
        `image` is not uint8.
    FileExistsError
        `path` exists and `overwrite` is False.
    OSError
        It cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.png"
    >>> save_image(path, picture)
    >>> bool((load_image(path) == picture).all())
    True
    """
    from PIL import Image

    if not isinstance(path, str | os.PathLike):
        kind = f"an array {path.shape}" if isinstance(path, np.ndarray) else f"a {type(path).__name__}"
        raise TypeError(f"save_image: path is {kind}, expected a file's name: call save_image(path, image)")
    path = Path(path)
    options = _SAVE_OPTIONS.get(path.suffix.lower())
    if options is None:
        raise ValueError(
            f"save_image: {path} has the suffix {path.suffix!r}, expected one of {', '.join(_SAVE_OPTIONS)}"
        )
    if isinstance(image, np.ndarray) and image.ndim == 4 and len(image) == 1:
        image = image[0]  # what model.deprocess returns for one picture
    _check_picture(image, "save_image(path, image)")
    check_destination(path, overwrite=overwrite)
    with written_beside(path, overwrite=overwrite) as temporary:
        Image.fromarray(np.ascontiguousarray(image)).save(temporary, **options)


def _read(file, path, size, crop, notes):
    from PIL import Image, UnidentifiedImageError

    Image.init()  # fills Image.OPEN with the formats that this build of Pillow has
    try:
        with Image.open(file, formats=[f for f in _FORMATS if f in Image.OPEN]) as image:
            _check_dimensions(path, *image.size)  # from the header: nothing is decoded yet
            # MPO is what phones write: a photograph, and beside it small helpers such as a depth map.
            if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
                notes.append(f"has {image.n_frames} frames; the first one was taken")
            image = _to_rgb(image, notes)
            return _to_array(image if size is None else _resize(image, size, crop))
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(_too_large(path, "more than twice that many")) from error
    except UnidentifiedImageError as error:
        file.seek(0)
        if (kind := unreadable_format(file.read(HEAD), path)) is not None:
            raise DataError(f"load_image: {path} is {kind}") from error
        raise DataError(
            f"load_image: {path} is not a picture, whatever its name says; expected a JPEG, PNG, GIF, BMP, "
            "TIFF, WebP or PPM file: open it in a picture viewer and save it as PNG"
        ) from error
    except Exception as error:  # Pillow's decoders raise many types: OSError, SyntaxError, struct.error, ...
        raise DataError(
            f"load_image: {path} cannot be decoded ({error}); it is damaged or of an unusual kind: open it "
            "in a picture viewer and save it as PNG"
        ) from error


def _check_dimensions(path, width, height):
    if min(width, height) < MIN_SIDE:
        raise DataError(
            f"load_image: {path} is {width}x{height} pixels, expected at least {MIN_SIDE}x{MIN_SIDE}; use a "
            "larger picture"
        )
    if width * height > MAX_PIXELS:
        raise DataError(_too_large(path, f"{width:,}x{height:,}"))


def _too_large(path, what):
    return (
        f"load_image: {path} has {what} pixels, expected at most {MAX_PIXELS // 10**6} million; make it "
        "smaller in a picture viewer first"
    )


def _to_rgb(image, notes):
    from PIL import Image, ImageOps

    tags = dict(getattr(image, "tag_v2", {}))  # of a TIFF file; asked for now: a rotated copy has none
    is_tiff, kind = image.format == "TIFF", image.mode
    image = ImageOps.exif_transpose(image)
    if kind.startswith("I"):  # grey of more than 8 bits; some versions of Pillow widen 16 to 32
        return Image.fromarray(_to_8_bits(np.asarray(image), tags, is_tiff, notes)).convert("RGB")
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers of unknown range")
    if image.mode == "LAB":
        return _lab_to_rgb(image)
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        if image.mode in ("RGBa", "La"):
            image = image.convert({"RGBa": "RGBA", "La": "LA"}[image.mode])
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _to_8_bits(values, tags, is_tiff, notes):
    """Grey levels of more than 8 bits as uint8, by the range that TIFF's tags state; other formats use 16 bits."""
    values = values.astype(np.int64)
    bits, largest = tags.get(BITS_PER_SAMPLE, (16,)), tags.get(MAX_SAMPLE_VALUE)
    bits = int(np.max(bits))
    stated = None if largest is None else int(np.max(largest))
    if stated is None and is_tiff and bits > 16:
        raise ValueError(f"its pixels are {bits}-bit integers, and no MaxSampleValue tells their range")
    top = stated or 2 ** min(bits, 16) - 1
    if values.min() < 0 or values.max() > top:
        raise ValueError(f"its pixels go from {values.min()} to {values.max()}, beyond the stated range of 0 to {top}")
    if stated is None and top == 65535 and 0 < values.max() < 4096:
        notes.append(
            f"has 16-bit pixels of at most {values.max()}, and comes out dark; if its pixels have 12 bits or fewer, "
            "save it with their full range, or as 8 bits"
        )
    if is_tiff and tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        values = top - values
    return ((values * 255 + top // 2) // top).astype(np.uint8)


def _lab_to_rgb(image):
    """CIELAB (D50, as ICC and TIFF have it) to sRGB by Pillow's colour management."""
    from PIL import ImageCms

    convert = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
    return ImageCms.applyTransform(image, convert)


def _resize(image, size, crop):
    from PIL import Image

    H, W = size
    w, h = image.size
    box = (0, 0, w, h)
    if crop:
        scale = min(w / W, h / H)  # source pixels per new pixel
        left, top = (w - W * scale) / 2, (h - H * scale) / 2
        # max and min: rounding must not put the box outside the picture
        box = (max(left, 0), max(top, 0), min(left + W * scale, w), min(top + H * scale, h))
    return image.resize((W, H), Image.Resampling.LANCZOS, box=box)


def _to_array(image):
    return np.array(image)  # (H, W, 3); a copy, since what Pillow hands out is read-only


def _checked_size(size):
    if size is None:
        return None
    sides = (size, size) if np.ndim(size) == 0 else tuple(size)
    valid = len(sides) == 2 and all(isinstance(s, (int, np.integer)) and s >= 1 for s in sides)
    if not valid or isinstance(size, bool) or sides[0] * sides[1] > MAX_PIXELS:
        raise ValueError(
            f"size is {size!r}, expected a number of pixels or (H, W), whole numbers, at least 1 and at most "
            f"{MAX_PIXELS // 10**6} million pixels in all"
        )
    return int(sides[0]), int(sides[1])


def _check_picture(image, call):
    caller = call.split("(")[0]
    if not isinstance(image, np.ndarray):
        raise TypeError(f"{caller}: image is a {type(image).__name__}, expected a uint8 array of 0..255: call {call}")
    if image.dtype != np.uint8:
        raise TypeError(
            f"{caller}: image is {image.dtype}, expected a uint8 array of 0..255; model.deprocess makes one from model "
            "space"
        )
    if image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        many = "; save them one by one" if image.ndim == 4 and caller == "save_image" else ""
        raise ValueError(f"{caller}: image has shape {image.shape}, expected one picture (H, W, 3){many}")
