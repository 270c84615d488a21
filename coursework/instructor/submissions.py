"""The exercise files of a submission, found by their place, their name, or what they define.

A student may hand in the project, a part of it, loose files, or archives of any of these. Where two files could be the
same exercise file and differ, the newest attempt counts if there is an order of attempts; else the instructor decides.
"""

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from ..checker.texts import plain_text, source_encoding, source_text
from ..exercises.catalogue import EXERCISES, ROOT, exercise_files
from .archives import (
    MOST_BYTES,
    MOST_DEPTH,
    MOST_MEMBERS,
    MOST_UNPACKED,
    File,
    Unreadable,
    file_at,
    files_below,
    is_archive,
    opened,
)

MOST_SOURCES = 50_000_000  # bytes of all Python files that may be exercise files
REPORT = "report.json"  # which `pixelgrad submit` puts into its zip file; it tells when that was made
_SOURCES = (".py", ".txt", ".pyw")  # what may be Python; some browsers and course systems append .txt
_NOT_OURS = {"__macosx", "__pycache__", "site-packages", "node_modules", "build", "dist", "venv", "env", "stubs"}
_DEFINED = re.compile(r"^(?:(?:async[ \t]+)?def[ \t]+(\w+)|(\w+)[ \t]*=(?!=))", re.MULTILINE)
_COPY = re.compile(r"(?:[ _-]*\(\d+\)|-\d+|[ _-]+(?:copy|kopie)(?:[ _-]*\d+)?)$", re.IGNORECASE)  # basic (1), basic-1
_ATTEMPT = re.compile(r"(?:attempt|version|try|versuch)[ _-]*(\d{1,6})", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """What a submission holds.

    Attributes
    ----------
    files : dict of str to bytes
        Exercise files by their path from the project's root, in UTF-8.
    error : str
        Why there are none.
    notes : tuple of str
        What the instructor should know, such as which of several attempts counts.
    """

    files: dict
    error: str = ""
    notes: tuple = ()


@dataclass(frozen=True)
class _Candidate:
    """A file that may be an exercise file, by `rank`: 0 its place, 1 its name, 2 what it defines."""

    file: File
    rank: int
    content: bytes
    attempt: tuple  # (kind of order, place in it), or empty
    unit: str  # the archive or folder that makes up the attempt


def ignored(parts):
    """Whether a path is of what systems and tools put beside a student's work."""
    return any(part.startswith(".") or part.lower() in _NOT_OURS for part in parts)


def name_without_copy(name):
    """A file's name in lower case, without what is put behind the names of copies: Basic (1).py -> basic.py."""
    text = PurePosixPath(name.lower().removesuffix(".txt"))
    return f"{_COPY.sub('', text.stem)}.py" if text.suffix in ("", ".py", ".pyw") else text.name


def defines_exercises(file):
    """Whether a file of whatever name defines a function of an exercise."""
    with suppress(OSError, Unreadable):
        return bool(_defined(_as_utf8(file.read())) & {f for e in EXERCISES.values() for f in e.functions})
    return False


def read_submission(submission):
    """The exercise files of a submission; every kind of damage ends in a Reading with an error.

    Parameters
    ----------
    submission : str, Path or iterable of File
        A folder, an archive or a file; or all files of it.

    Returns
    -------
    Reading
    """
    try:
        return _read(_listed(submission))
    except Exception as error:  # a damaged or hostile archive makes its readers raise almost anything
        words = " ".join(str(error).split()) or type(error).__name__
        return Reading({}, plain_text(f"cannot be read: {words}")[:300])


def _listed(submission):
    if isinstance(submission, Iterable) and not isinstance(submission, str):
        return list(submission)
    path = Path(submission)
    return [file_at(path)] if path.is_file() else files_below(path, ignored=ignored)


def _read(listed):
    files, problems = _expanded(listed)
    dates = _dates(files)
    sources = [file.size for file, _ in files if file.name.lower().endswith(_SOURCES) and file.size <= MOST_BYTES]
    if sum(sources) > MOST_SOURCES:
        raise Unreadable(f"its Python files have more than {MOST_SOURCES:,} bytes; hand in fewer")
    candidates = {}
    for file, unit in files:
        for name, rank, content in _meanings(file):
            one = _Candidate(file, rank, content, *_attempt(file, unit, dates))
            candidates.setdefault(name, []).append(one)
    found, questions, notes, units = {}, [], [], set()
    for name in exercise_files():
        chosen, words, question = _choose(name, candidates.get(name, []))
        if chosen is not None:
            found[name] = chosen.content
            units |= {chosen.unit} if chosen.attempt and chosen.unit != chosen.file.path else set()
        notes += words
        questions += question
    if len(units) > 1:
        notes.append(f"its files come from several attempts: {', '.join(sorted(units))}")
    notes = [plain_text(note) for note in dict.fromkeys(notes)]
    if questions:
        return Reading({}, plain_text("; ".join(questions))[:1000], tuple(notes))
    if found:
        return Reading(found, "", (*notes, *(plain_text(problem) for problem in problems)))
    return Reading({}, plain_text(_nothing([file for file, _ in files], problems))[:1000])


def _expanded(listed):
    """All files, also those in archives: a list of (File, path of the innermost archive); and what cannot be opened."""
    files, problems, budget, count = [], [], MOST_UNPACKED, len(listed)
    waiting = [(file, "", 0) for file in listed]
    while waiting:
        file, unit, depth = waiting.pop(0)
        if not is_archive(file.name):
            files.append((file, unit))
            continue
        if depth == MOST_DEPTH:
            problems.append(f"{file.path} lies in {depth} archives; hand in one zip file of the exercise files")
            continue
        in_memory = 0 if file.place is not None else file.size
        try:
            inside = [one for one in opened(file) if not ignored(one.parts)]
        except Exception as error:  # see read_submission
            words = " ".join(str(error).split()) or type(error).__name__
            clear = isinstance(error, Unreadable)
            problems.append(words if clear else f"{file.name} is damaged ({words}); hand it in again")
            continue
        if not file.name.lower().endswith(".zip"):  # tar files are unpacked in memory
            in_memory += sum(one.size for one in inside)
        budget, count = budget - in_memory, count + len(inside)
        if budget < 0:
            raise Unreadable(f"its archives unpack to more than {MOST_UNPACKED:,} bytes; hand in one zip file")
        if count > MOST_MEMBERS:
            raise Unreadable(f"its archives hold more than {MOST_MEMBERS:,} files; hand in the exercise files alone")
        folder = file.parts[:-1]
        for one in inside:
            attempt = one.attempt or file.attempt
            waiting.append((replace(one, parts=(*folder, *one.parts), attempt=attempt), file.path, depth + 1))
    return files, problems


def _dates(files):
    """When each archive was made: as `submit` says, or its newest Python file."""
    dates = {}
    for file, unit in files:
        if unit and file.name.lower().endswith(_SOURCES):
            dates[unit] = max(dates.get(unit, 0.0), file.modified)
    for file, unit in files:
        if unit and file.name == REPORT:
            with suppress(Exception):  # whatever stands in such a file
                dates[unit] = datetime.fromisoformat(json.loads(file.read())["made"]).timestamp()
    return dates


def _attempt(file, unit, dates):
    """The place of a file in the order of attempts, and the words for the attempt."""
    if file.attempt:
        return ("system", file.attempt), file.path if not unit else unit
    for part in file.parts[:-1]:
        if found := _ATTEMPT.fullmatch(part):
            return ("folder", (int(found[1]),)), part
    if unit and dates.get(unit):
        return ("date", (dates[unit],)), unit
    return (), unit or file.path


def _meanings(file):
    """Yield (exercise file, rank, content) for each exercise file that this may be."""
    lower = [part.lower() for part in file.parts]
    if not lower[-1].endswith(_SOURCES):
        return
    names = exercise_files()
    base = name_without_copy(lower[-1])
    placed = next((name for name in names if _ends_with([*lower[:-1], base], name)), None)
    if placed is None and (_of_the_project(lower) or file.size > MOST_BYTES):
        return
    content = _as_utf8(file.read())
    if placed is not None:
        yield placed, 0, content
        return
    defined = _defined(content)
    owned = [name for name in names if defined & _functions(name)]
    named = [name for name in owned if PurePosixPath(name).name == base]
    for name in named or owned:
        yield name, 1 if named else 2, content


def _defined(content):
    return {one or other for one, other in _DEFINED.findall(content.decode(errors="replace"))}


def _ends_with(parts, name):
    wanted = name.split("/")
    return parts[-len(wanted) :] == wanted


def _functions(name):
    return {f for exercise in EXERCISES.values() for f in exercise.functions if exercise.file(f) == name}


def _of_the_project(parts):
    """Whether a path ends like another file of the project, which has its own place: layers/fast/relu.py."""
    return any((ROOT / "/".join(parts[-n:])).is_file() for n in range(2, min(len(parts), 5) + 1))


def _as_utf8(content):
    """A source as Python reads it: without a mark, in UTF-8; ends of lines as on Unix."""
    if source_encoding(content) is not None or b"\r" in content:
        return source_text(content).encode(errors="surrogateescape")
    return content


def _choose(name, candidates):
    """Which candidate counts (or None), notes on that, and a question to the instructor where nothing decides."""
    if not candidates:
        return None, [], []
    named = {one.attempt for one in candidates if one.rank < 2}
    candidates = [one for one in candidates if one.rank < 2 or one.attempt not in named]
    chosen, notes = candidates[0], []
    if len({one.content for one in candidates}) > 1:
        kinds, latest = {one.attempt[:1] for one in candidates}, max(one.attempt for one in candidates)
        newest = [one for one in candidates if one.attempt == latest]
        if len(kinds) > 1 or () in kinds or len({one.content for one in newest}) > 1:
            paths = ", ".join(sorted(_place(one) for one in candidates)[:5])
            return None, [], [f"which is {name}? These differ: {paths}; leave the one that counts and grade again"]
        chosen = newest[0]
        units = dict.fromkeys(one.unit for one in sorted(candidates, key=lambda one: one.attempt))
        notes.append(f"attempts: {', '.join(units)}; the newest counts ({chosen.unit})")
    if chosen.file.parts[-len(name.split("/")) :] != tuple(name.split("/")):
        notes.append(f"{chosen.file.path} counts as {name}")
    return chosen, notes, []


def _place(one):
    return one.file.path if one.unit in ("", one.file.path) else f"{one.file.path} in {one.unit}"


def _nothing(files, problems):
    """Why there is no exercise file, and what to hand in instead."""
    wanted = ", ".join(exercise_files()[:3])
    notebooks = [file.path for file in files if file.name.lower().endswith(".ipynb")]
    if notebooks:
        more = f"; {'; '.join(problems)}" if problems else ""
        return (
            f"holds a notebook ({notebooks[0]}) in place of the exercise files; hand in the files themselves "
            f"({wanted}, ...), or what `pixelgrad submit` makes{more}"
        )
    if problems:
        return f"cannot be read: {'; '.join(problems)}"
    there = sorted(file.path for file in files)
    seen = f"; it holds {', '.join(there[:3])}{', ...' if len(there) > 3 else ''}" if there else "; it is empty"
    return f"holds none of the exercise files ({wanted}, ...){seen}; hand in what `pixelgrad submit` makes"
