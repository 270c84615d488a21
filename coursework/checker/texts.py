"""Text from elsewhere: what students write, made safe to show and readable as Python."""

import codecs
import re
import textwrap
import unicodedata

# The marks at the beginning of a file. UTF-32's first one begins like UTF-16's: the order matters.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# What a line is made of: a wide character with the punctuation that must not begin a line, or a word with its space.
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_CLOSING = "\u3001\u3002\uff0c\uff1a\uff1b\uff1f\uff01\uff09\u300b\u201d\u300d"
_PIECES = re.compile(rf"[\u201c\u300a\uff08\u300c]*[{_WIDE}][{_CLOSING}]*\s*|[^\s{_WIDE}]+[{_CLOSING}]*\s*|\s+")


def plain_text(text, keep=""):
    """Text without characters that control a terminal, reorder a line, or are no characters; they are shown escaped.

    Parameters
    ----------
    text : str
    keep : str
        Control characters to leave as they are, such as "\\n".

    Examples
    --------
    >>> plain_text("red: \\x1b[31m")
    'red: \\\\x1b[31m'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or not _controls(c) else c.encode("unicode_escape").decode() for c in text)


def _controls(character):
    if character in "\u00ad\u200c\u200d":  # invisible, but part of how words and names are written
        return False
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def exception_name(error):
    """The name of an exception's class; a class may call itself anything, also by names that mean something here."""
    name = type.__dict__["__name__"].__get__(type(error))
    return name if name.isidentifier() else f"exception {name!r}"


def exception_text(error):
    """An exception's message in one line, also where its own way to tell it fails."""
    try:
        text = str.__getitem__(str(error), slice(0, 2000))
    except BaseException as failure:
        return f"(its message cannot be shown: __str__ raises {exception_name(failure)})"
    return " ".join(text.split())


def source_encoding(data):
    """The encoding of a file, if a mark or its zeros give it away; else None: Python decides."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    if b"\0" in data[:200]:
        for encoding in ("utf-16-le", "utf-16-be"):
            words = data[:2000].decode(encoding, errors="replace")
            if "def " in words or "import " in words:
                return encoding
    return None


def source_text(data):
    """The text of a Python file, without a byte-order mark and with plain ends of lines.

    Bytes that are not UTF-8 are kept as surrogates: write them with ``errors="surrogateescape"``.
    """
    encoding = source_encoding(data)
    text = data.decode(encoding or "utf-8", errors="surrogateescape" if encoding in (None, "utf-8") else "replace")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def padded(text, width):
    """A text filled with spaces to a width in columns of a terminal, where a Chinese character takes two."""
    return text + " " * (width - columns(text))


def columns(text):
    """How many columns of a terminal a text takes."""
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in text)


def wrapped(text, width, indent=""):
    """The lines of a text in a width in columns. Chinese breaks between any two characters but before punctuation.

    Returns
    -------
    list of str
        Each begins with `indent`.
    """
    if columns(text) == len(text):
        return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent)
    lines, line = [], ""
    for piece in _PIECES.findall(text):
        if line.strip() and columns(indent + line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece if line else piece.lstrip()
    return [indent + one for one in [*lines, line.rstrip()] if one]
