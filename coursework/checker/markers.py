"""Solution regions: what is between `### BEGIN SOLUTION` and `### END SOLUTION` inside a function.

The instructor copy holds the solutions. A student edition has `raise Todo(...)` in place of each region, below its
instructions; restoring the region's text restores the file of the instructor copy.
"""

import ast
from dataclasses import dataclass

from .texts import wrapped

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
IMPORT = "from pixelgrad.todo import Todo"


class MarkerError(ValueError):
    """A file whose markers are not in order: which file, which line, what is wrong."""


@dataclass(frozen=True)
class Region:
    """One solution: the function it stands in, and its lines (first to last, both included, markers among them)."""

    function: str
    first: int
    last: int
    indent: str


def regions(text, name="file"):
    """All solution regions of a file, in order.

    Raises
    ------
    MarkerError
        A region is unclosed, nested, empty, outside a function, or the second in its function.
    """
    try:
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    except SyntaxError as error:
        raise MarkerError(f"{name}, line {error.lineno}: not Python: {error.msg}") from error
    found, begun = [], None
    for number, line in enumerate(text.splitlines(), 1):
        marker = line.strip()
        if marker == BEGIN:
            if begun is not None:
                raise MarkerError(f"{name}, line {number}: a solution begins inside the one that began in line {begun}")
            begun = number
        elif marker == END:
            if begun is None:
                raise MarkerError(f"{name}, line {number}: a solution ends that never began")
            if number == begun + 1:
                raise MarkerError(f"{name}, line {begun}: the solution is empty")
            # A function ends with its last statement, and the marker may stand in the line behind it.
            around = [f for f in functions if f.lineno < begun and number <= f.end_lineno + 1]
            if not around:
                raise MarkerError(f"{name}, line {begun}: a solution must be inside one function")
            function = max(around, key=lambda f: f.lineno)
            if any(region.function == function.name for region in found):
                raise MarkerError(f"{name}, line {begun}: {function.name} has a second solution")
            found.append(Region(function.name, begun, number, line[: len(line) - len(line.lstrip())]))
            begun = None
        elif "BEGIN SOLUTION" in line or "END SOLUTION" in line:
            raise MarkerError(f"{name}, line {number}: expected {BEGIN!r} or {END!r} alone in a line, got {marker!r}")
    if begun is not None:
        raise MarkerError(f"{name}, line {begun}: this solution never ends")
    return found


def stub(text, instructions, name="file"):
    """The file as students get it.

    Parameters
    ----------
    text : str
    instructions : dict of str to (str, str)
        For each function with a solution to leave out: the exercise's id, and what to do. Other regions stay, without
        their markers.
    """
    lines, out, last = text.splitlines(), [], 0
    for region in regions(text, name):
        out += lines[last : region.first - 1]
        if region.function in instructions:
            exercise, what = instructions[region.function]
            width = 118 - len(region.indent)
            comment = [f"{region.indent}# {line}" for line in wrapped(f"TODO ({exercise}): {what}", width)]
            out += [*comment, f'{region.indent}raise Todo("{exercise}: {region.function}")']
        else:
            out += lines[region.first : region.last - 1]
        last = region.last
    text = "\n".join([*out, *lines[last:]]) + "\n"
    return with_import(text) if "raise Todo(" in text else text


def solution(text, function, name="file"):
    """The text of a function's solution, without the markers."""
    for region in regions(text, name):
        if region.function == function:
            return "\n".join(text.splitlines()[region.first : region.last - 1]) + "\n"
    raise MarkerError(f"{name}: {function} has no solution")


def changed(text, functions, changes, name="file"):
    """The file with changes made to the solutions of some functions.

    Parameters
    ----------
    text : str
    functions : collection of str
    changes : sequence of (old, new)
        `old` occurs exactly once in these functions' solutions.
    """
    lines = text.splitlines(keepends=True)
    for old, new in changes:
        where = [r for r in regions("".join(lines), name) if r.function in functions]
        parts = ["".join(lines[r.first : r.last - 1]) for r in where]
        count = sum(part.count(old) for part in parts)
        if count != 1:
            raise MarkerError(
                f"{name}: {old!r} occurs {count} times in the solutions of {', '.join(functions)}, not once"
            )
        for region, part in zip(where, parts):
            if old in part:
                lines[region.first : region.last - 1] = part.replace(old, new).splitlines(keepends=True)
                break
    return "".join(lines)


def with_import(text):
    """The file with Todo imported, behind its last import at the top level."""
    tree = ast.parse(text)
    imports = [node.end_lineno for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    docstring = [tree.body[0].end_lineno] if ast.get_docstring(tree) else [0]
    after = max(imports, default=docstring[0])
    lines = text.split("\n")
    blank = [] if imports else [""]
    return "\n".join([*lines[:after], *blank, IMPORT, *lines[after:]])
