"""The coursework: exercises, a checker that names the mistake, a student edition, and grading.

- `check`: run exercises in a child process, and say of each what is wrong with it
- `load_case`: the inputs of one case of an exercise, to try it by hand
"""

__all__ = ["check", "load_case"]


def __getattr__(name):
    """Nothing is imported before it is asked for: a child process must be confined first."""
    if name in __all__:
        from .checker import board

        return getattr(board, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
