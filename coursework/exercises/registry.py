"""Exercises and known mistakes as data, and the exception for a function that does not return what it should."""

from collections.abc import Callable
from dataclasses import dataclass, field


class ReturnError(Exception):
    """A student's function did not return what was promised."""


CORE = "core"


@dataclass(frozen=True)
class Stage:
    """A part of an exercise that earns points of its own: the core, or an extension of it.

    Attributes
    ----------
    id : str
        "core", or the extension's name, as on the command line.
    points : int
    cases : tuple of str
        The cases that belong to it.
    asks : str
        What it asks for, in words that follow "asks for".
    """

    id: str
    points: int
    cases: tuple
    asks: str


@dataclass(frozen=True, eq=False)
class Exercise:
    """One exercise of the coursework.

    Attributes
    ----------
    id : str
        Short name, as on the command line.
    track : {"layers", "seeing"}
    title : str
    files : dict of str to str
        The functions to write, and for each the file that holds it, from the repository's root: layers/basic.py.
    points : int
        Of all stages together.
    cases : callable (rng) -> dict of str to dict
        Draws the inputs of every case; the names of the cases say what is special about each. The first is the
        plainest.
    run : callable (f, c, out)
        Calls the functions, f.name, with the inputs c of one case, and keeps what they return by `out.take`.
    forward : tuple of str
        The outputs that are not gradients; messages speak of them first.
    paste : str
        The same calls as text, for a student to paste; inputs are c["name"]. A line that asks for an input which a
        case lacks is left out.
    instructions : dict of str to str
        What to do, function by function; it is printed above the TODO.
    hints : (str, str, str)
        From a nudge to the last step before the solution, asked for one by one.
    reading : str
        Where it is explained.
    needs : tuple of str
        Exercises that this one calls.
    may_change : tuple of str
        Inputs that the functions are meant to write to.
    ready : tuple of str
        Functions of the libraries that do the whole task, "scipy.special.softmax": a solution may not call them.
    drawn : bool
        Whether messages show small arrays as they are: not where what is compared is not what was returned.
    extensions : tuple of Stage
        What is asked for beyond the core. Cases that belong to none of them are the core's.
    """

    id: str
    track: str
    title: str
    files: dict
    points: int
    cases: Callable
    run: Callable
    forward: tuple
    paste: str
    instructions: dict
    hints: tuple
    reading: str
    needs: tuple = ()
    may_change: tuple = ()
    ready: tuple = ()
    extensions: tuple = ()
    drawn: bool = True

    @property
    def functions(self):
        """Names of the functions to write, in order."""
        return tuple(self.files)

    def file(self, function):
        """The file that holds a function."""
        return self.files[function]

    def stages(self, cases, wanted=None):
        """The stages that these cases make, the core first; with `wanted`, the core and the extensions named there."""
        extended = {case for stage in self.extensions for case in stage.cases}
        points = self.points - sum(stage.points for stage in self.extensions)
        core = Stage(CORE, points, tuple(case for case in cases if case not in extended), "what everything builds on")
        return core, *(stage for stage in self.extensions if wanted is None or stage.id in wanted)


@dataclass(frozen=True)
class Mistake:
    """A typical wrong implementation, as the smallest change to the right one.

    Attributes
    ----------
    exercise, name : str
        The name says in a few words what is wrong; instructors see it in their summary.
    old, new : str
        Text that occurs exactly once in the exercise's solution regions, and what stands there instead. Several
        changes: tuples of equal length.
    hint : str
        What the student reads: words that lead and do not solve.
    endless : bool
        It never ends.
    """

    exercise: str
    name: str
    old: str | tuple
    new: str | tuple
    hint: str
    endless: bool = field(default=False, kw_only=True)

    @property
    def changes(self):
        """The changes as pairs (old, new)."""
        old = (self.old,) if isinstance(self.old, str) else self.old
        new = (self.new,) if isinstance(self.new, str) else self.new
        return tuple(zip(old, new, strict=True))
