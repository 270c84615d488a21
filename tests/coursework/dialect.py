"""Functions in the manner of students of CS231n, right ones and wrong ones, written for this purpose.

They keep to CS231n's contract: its signatures, its caches, its way to seed, its notebooks' names. A right one must pass
the core of its exercise. A wrong one must fail it, or the extension that is named, and be told by a known mistake or by
words that say what is wrong.
"""

from dataclasses import dataclass

CORE = "core"


@dataclass(frozen=True)
class Entry:
    """One implementation of an exercise.

    Attributes
    ----------
    exercise, title : str
    functions : dict of str to callable
    told : tuple of str
        Of a wrong one: one of these must stand in the known mistake's name or in the message. Empty for a right one.
    stage : str
        Of a wrong one: the stage that it fails.
    """

    exercise: str
    title: str
    functions: dict
    told: tuple = ()
    stage: str = CORE


ENTRIES: list[Entry] = []


def right(exercise, *names):
    """Register the functions that a factory returns, as a right implementation."""

    def register(make):
        made = make()
        made = made if isinstance(made, tuple) else (made,)
        ENTRIES.append(Entry(exercise, make.__name__.replace("_", " "), dict(zip(names, made, strict=True))))
        return make

    return register


def wrong(exercise, *names, told, stage=CORE):
    """Register the functions that a factory returns, as a wrong implementation."""

    def register(make):
        made = make()
        made = made if isinstance(made, tuple) else (made,)
        words = (told,) if isinstance(told, str) else tuple(told)
        functions = dict(zip(names, made, strict=True))
        ENTRIES.append(Entry(exercise, make.__name__.replace("_", " "), functions, words, stage))
        return make

    return register
