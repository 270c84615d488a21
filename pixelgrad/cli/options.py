"""Options that several commands share, and the numbers they take."""

import argparse
import os
import re
import zlib
from pathlib import Path

from .._language import LANGUAGES

UNNAMED = ("out", "force", "quiet", "debug", "cache", "help")  # options that do not show in a result
LONGEST_NAME = 80  # bytes of the options in a default name; some file systems take names of 143 bytes at most


def add_common(parser, *, out=None, out_help="where the result goes", seed=True, by_options=False):
    """--out, --force, --seed, -q and --debug, which follow every command.

    With by_options, the default name is `out` with the picture and the options given in it: see `name_by_options`.
    """
    if out_help:
        default = f"{Path(out).stem}-...{Path(out).suffix}, after the options" if by_options else out
        parser.add_argument(
            "--out", default=None if by_options else out, metavar="PATH", help=f"{out_help} (default: {default})"
        )
        parser.set_defaults(stem=out)
        parser.add_argument("--force", action="store_true", help="overwrite what is there")
    if seed:
        parser.add_argument("--seed", type=at_least(0), default=0, help="seed of the random numbers (default: 0)")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress, no report")
    parser.add_argument("--debug", action="store_true", help="show a traceback instead of one line on errors")


def language_option(parser):
    """--lang, of commands whose words are translated."""
    parser.add_argument(
        "--lang", choices=LANGUAGES, help="the language of its words (default: the edition's, or the system's)"
    )


def name_by_options(parser, args):
    """A name for a command's output, such as "attribution-cat-method-guided.png".

    In it is what was given and may show in the result, so that another picture or another option makes another name.
    """
    words = []
    for action in parser._actions:
        value = getattr(args, action.dest, None)
        if action.dest in UNNAMED or value is None or value is False or value == action.default:
            continue
        if action.option_strings:
            words.append(max(action.option_strings, key=len).strip("-"))
        values = value if isinstance(value, list | tuple) else [] if value is True else [value]
        words += [
            f"{v:g}" if isinstance(v, float) else Path(v).stem if os.path.exists(str(v)) else str(v) for v in values
        ]
    name = "-".join(re.sub(r"[^\w.,+]+", "-", word).strip("-") for word in words)
    whole = os.fsencode(name)
    if len(whole) > LONGEST_NAME:  # cut between characters
        name = f"{whole[:LONGEST_NAME].decode(errors='ignore')}-{zlib.crc32(whole):08x}"
    out = Path(args.stem)
    return f"{out.stem}-{name}{out.suffix}" if name else str(out)


def at_least(least):
    """An argument type: a whole number, not below `least`."""
    return _number(int, lambda value: value >= least, f"a whole number of at least {least}")


def above_zero(text):
    """An argument type: a finite number above 0."""
    return _number(float, lambda value: 0 < value < float("inf"), "a number above 0")(text)


def not_negative(text):
    """An argument type: a finite number, 0 or above."""
    return _number(float, lambda value: 0 <= value < float("inf"), "a number of at least 0")(text)


def fraction(text):
    """An argument type: a number from 0 to 1."""
    return _number(float, lambda value: 0 <= value <= 1, "a number from 0 to 1")(text)


def percent(text):
    """An argument type: a number from 0 to 100."""
    return _number(float, lambda value: 0 <= value <= 100, "a number from 0 to 100")(text)


def _number(kind, fits, what):
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not fits(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return value

    return parse
