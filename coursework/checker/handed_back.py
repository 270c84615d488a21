"""What a child hands back, read with care: the child may be hostile.

It writes a file of outcomes for each exercise, and short texts that say how far it has come; see `harness`. A file may
be a link, a pipe, or an archive that unpacks to far more than the memory holds. Its words may control a terminal.
"""

import math
import os
import stat
import zipfile
from contextlib import suppress

import numpy as np

from ..._language import marked
from ..._language import translated as _
from .harness import MOST_OF_ALL, MOST_OF_ONE
from .packing import DESCRIPTION, unpack
from .texts import plain_text

UNREADABLE = marked("What it returned cannot be read.")
_MOST_ARRAYS, _MOST_WORDS = 10_000, 2**20  # of all that an exercise returns; bytes of what describes it
_MOST_TEXT = 2**14  # bytes of other texts


def text_in(path):
    """The end of a short text that a child wrote; empty, if there is none."""
    with suppress(OSError), open(path, "rb", opener=_open_plain) as f:
        if stat.S_ISREG(os.fstat(f.fileno()).st_mode):
            f.seek(max(0, os.fstat(f.fileno()).st_size - _MOST_TEXT))
            return f.read(_MOST_TEXT).decode(errors="replace")
    return ""


def outcomes_in(path):
    """The outcomes in a child's file, or words if it is not what it should be."""
    try:
        with open(path, "rb", opener=_open_plain) as f:
            if not stat.S_ISREG(os.fstat(f.fileno()).st_mode):
                return _(UNREADABLE)
            with zipfile.ZipFile(f) as archive:
                if not _is_small(archive):
                    return _(UNREADABLE)
            f.seek(0)
            with np.load(f, allow_pickle=False) as archive:
                arrays = dict(archive)
        outcomes = unpack(arrays)
        if not all(_is_outcome(outcome) for outcome in outcomes.values()):
            return _(UNREADABLE)
        # An array may stand in many places, and is looked at in each of them.
        if sum(array.size for outcome in outcomes.values() for array in outcome["outputs"].values()) > MOST_OF_ALL:
            return _(UNREADABLE)
        return {case: _plain(outcome) for case, outcome in outcomes.items()}
    except Exception:  # whatever such a file makes the readers raise
        return _(UNREADABLE)


def _is_small(archive):
    """Whether all arrays of an archive are numbers, and few enough, as their headers say; none of them is read."""
    entries = 0
    if len(archive.infolist()) > _MOST_ARRAYS:
        return False
    for member in archive.infolist():
        with archive.open(member) as f:
            version = np.lib.format.read_magic(f)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
            shape, _, dtype = read(f)
        size = math.prod(shape)
        if member.filename == f"{DESCRIPTION}.npy":
            if size > _MOST_WORDS or dtype != np.uint8:
                return False
            continue
        entries += size
        if dtype.kind not in "fiub" or size > MOST_OF_ONE or entries > MOST_OF_ALL:
            return False
        if member.file_size > size * dtype.itemsize + _MOST_TEXT:
            return False
    return True


def _open_plain(path, flags):
    """Open neither a link to somewhere else, nor a pipe that would keep us waiting."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _is_outcome(outcome):
    """Whether this is a dictionary as `harness.run_case` makes them, and not something that looks like one."""
    raised = outcome["raised"]
    return (
        outcome.keys() == {"outputs", "kinds", "raised", "changed"}
        and all(isinstance(a, np.ndarray) and a.dtype.kind in "fiub" for a in outcome["outputs"].values())
        and all(_is_word(w) for words in (outcome["kinds"], outcome["changed"]) for w in (*words, *words.values()))
        and (
            raised is None
            or raised.keys() == {"type", "message", "line", "function"}
            and all(_is_word(raised[name]) for name in ("type", "message"))
            and (raised["line"] is None or type(raised["line"]) is int and abs(raised["line"]) < 10**6)
            and (raised["function"] is None or _is_word(raised["function"]))
        )
    )


def _plain(outcome):
    """An outcome whose words control no terminal."""

    def words(value):
        if isinstance(value, dict):
            return {plain_text(name): words(one) for name, one in value.items()}
        return plain_text(value) if isinstance(value, str) else value

    return outcome | {name: words(outcome[name]) for name in ("kinds", "raised", "changed")}


def _is_word(value):
    return isinstance(value, str) and len(value) <= 500
