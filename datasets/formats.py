"""What an unreadable file is, by its first bytes, and how to convert it to a picture that can be read."""

from pathlib import Path

HEAD = 512  # bytes that are looked at

_CONVERT = "convert it, for example with ImageMagick: magick {name} {stem}.png"
_BRANDS = {  # of the ISO base media format: bytes 8 to 12, after "ftyp"
    b"heic": "a HEIC photograph",
    b"heix": "a HEIC photograph",
    b"hevc": "a HEIC sequence",
    b"mif1": "a HEIF photograph",
    b"msf1": "a HEIF sequence",
    b"crx ": "a Canon RAW photograph",
    b"avif": "an AVIF picture",
}
_RAW_SUFFIXES = (".cr2", ".nef", ".arw", ".dng", ".orf", ".raf", ".rw2", ".pef", ".srw")


def unreadable_format(head: bytes, path: Path) -> str | None:
    """The name of a known kind of file, with the way to convert it; None if the file is of no such kind.

    Parameters
    ----------
    head : bytes
        The first HEAD bytes of the file.
    path : Path

    Returns
    -------
    str or None
        Such as "a PDF document; export the page as PNG".
    """
    how = _CONVERT.format(name=path.name, stem=path.stem)
    if head[4:8] == b"ftyp" and head[8:12] in _BRANDS:
        kind = _BRANDS[head[8:12]]
        return f"{kind}; {how}, or share it from the phone as JPEG" if "HE" in kind else f"{kind}; {how}"
    if path.suffix.lower() in _RAW_SUFFIXES and head[:4] in (b"II*\0", b"MM\0*", b"IIRO", b"IIU\0", b"FUJI"):
        return f"a camera's RAW file ({path.suffix}); develop it, or take the JPEG that the camera wrote beside it"
    if head[:4] in (b"II*\0", b"MM\0*"):
        return f"a TIFF file of an unusual kind; {how}"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for start, words in (
        (b"\0\0\0\x0cjP  ", f"a JPEG 2000 picture; {how}"),
        (b"\xff\x4f\xff\x51", f"a JPEG 2000 picture; {how}"),
        (b"\0\0\0\x0cJXL ", f"a JPEG XL picture; {how}"),
        (b"\xff\x0a", f"a JPEG XL picture; {how}"),
        (b"8BPS", "a Photoshop document; export it as PNG"),
        (b"%PDF", "a PDF document; export the page as PNG: pdftoppm -png -r 150 FILE page"),
        (b"%!PS", "a PostScript document; export it as PNG"),
        (b"<svg", f"an SVG drawing; {how}"),
    ):
        if text.startswith(start) or head.startswith(start):
            return words
    if text.startswith((b"<?xml", b"<!DOCTYPE svg")) and b"<svg" in head:
        return f"an SVG drawing; {how}"
    if text[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page, not the picture on it; save the picture itself"
    return None
