"""What students do with files: restore the stub of an exercise, and hand in."""

import ast
import json
import zipfile
from datetime import datetime
from pathlib import Path

from ..._files import check_destination, written_beside
from ..exercises.catalogue import EDITION, ROOT, exercise_files
from .board import as_dict, check, known_exercise
from .importing import import_fault
from .markers import with_import
from .runner import run_exercises
from .texts import source_text

STUBS = "coursework/stubs"  # the exercise files as they were at first, with .txt behind their names
REPORT = "report.json"


def reset_exercise(name, *, root=ROOT):
    """Restore the stubs of an exercise's functions; everything else in the files stays.

    Parameters
    ----------
    name : str
    root : Path

    Returns
    -------
    list of (str, str)
        Each file that was changed, and the file beside it that keeps what was there.

    Raises
    ------
    ValueError
        There is no such exercise.
    FileNotFoundError
        This project has no stubs: it is not a student edition.
    """
    exercise, done = known_exercise(name), []
    for file in dict.fromkeys(exercise.files.values()):
        stub_file, path = root / STUBS / f"{file}.txt", root / file
        if not stub_file.is_file():
            raise FileNotFoundError(f"{stub_file} is missing: only a student edition has stubs to go back to")
        stub = stub_file.read_text(encoding="utf-8")
        old = source_text(path.read_bytes()) if path.is_file() else ""  # in whatever encoding it was saved
        functions = [function for function in exercise.functions if exercise.file(function) == file]
        if path.is_file() and old == _with_functions_of(old, stub, functions):
            continue  # they are stubs already
        kept = _free_name(path)
        kept.write_bytes(path.read_bytes() if path.is_file() else b"")
        with written_beside(path, overwrite=True) as temporary:
            text = _with_functions_of(old, stub, functions)
            temporary.write_text(text, encoding="utf-8", errors="surrogateescape")
        done.append((file, str(kept.relative_to(root))))
    return done


def still_broken(name, *, root=ROOT):
    """The file that still keeps an exercise from being imported, and what is wrong with it; None where nothing does."""
    only_import = {name: {"no inputs": {}}}
    return import_fault(run_exercises(only_import, root=root).outcomes[name])


def write_submission(out, *, root=ROOT, overwrite=False):
    """Zip the exercise files, and a report of what passes here.

    Returns
    -------
    path : Path
    verdicts : list of Verdict

    Raises
    ------
    FileNotFoundError
        This is not a student edition: its exercise files hold the solutions.
    """
    if not (root / EDITION).is_file():
        raise FileNotFoundError(
            f"{root} is pixelgrad's own repository, whose exercise files hold the solutions: only a student edition "
            "has something to hand in; run this in its folder"
        )
    check_destination(out, overwrite=overwrite, suffixes=(".zip",))
    files = [file for file in exercise_files() if (root / file).is_file()]
    verdicts, _ = check(root=root)
    report = {"made": datetime.now().astimezone().isoformat(timespec="seconds"), **as_dict(verdicts)}
    with (
        written_beside(out, overwrite=overwrite) as temporary,
        zipfile.ZipFile(temporary, "w", strict_timestamps=False) as archive,
    ):
        for file in files:
            archive.write(root / file, file, zipfile.ZIP_DEFLATED)
        archive.writestr(REPORT, json.dumps(report, indent=1))
    return Path(out), verdicts


def _with_functions_of(text, stub, functions):
    """A file with some functions as the stub has them; the whole stub, where the file is not Python or lacks one."""
    for function in functions:
        here, there = _span(text, function), _span(stub, function)
        if here is None:
            return stub
        lines = text.split("\n")  # as Python counts them; splitlines knows other ends of lines, too
        text = "\n".join([*lines[: here[0]], *stub.split("\n")[there[0] : there[1]], *lines[here[1] :]])
    return text if "import Todo" in text else with_import(text)


def _span(text, function):
    """The lines of a function at the top level, as (first, one past the last), or None."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1, node.end_lineno
    return None


def _free_name(path):
    """A name beside a file that is not taken: basic.py -> basic.py.mine-1."""
    number = 1
    while (kept := path.with_name(f"{path.name}.mine-{number}")).exists():
        number += 1
    return kept
