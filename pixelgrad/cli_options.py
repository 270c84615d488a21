"""Options that several commands share, and the numbers they take."""

import argparse


def add_common(parser, *, out=None, out_help="where the result goes", seed=True):
    """--out, --force, --seed, -q and --debug, which follow every command."""
    if out_help:
        parser.add_argument("--out", default=out, metavar="PATH", help=f"{out_help} (default: {out})")
        parser.add_argument("--force", action="store_true", help="overwrite what is there")
    if seed:
        parser.add_argument("--seed", type=at_least(0), default=0, help="seed of the random numbers (default: 0)")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress, no report")
    parser.add_argument("--debug", action="store_true", help="show a traceback instead of one line on errors")


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
