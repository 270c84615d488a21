"""What course systems deliver: who handed in what, from the whole download or from its folder.

Known are Moodle's and Canvas's downloads, Gradescope's exports and GitHub Classroom's clones. Everything else is a
folder or an archive with one folder, archive or file for each student. Everything that may be a submission gets an
entry, whether or not it can be read; what cannot be one is listed.
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from ..checker.texts import plain_text
from ..exercises.catalogue import exercise_files
from .archives import Unreadable, file_at, files_below, is_archive, opened, stem
from .gradescope import METADATA, read_metadata
from .roster import Student, participant
from .submissions import Reading, defines_exercises, ignored, name_without_copy, read_submission

MOST_OF_A_CLASS = 1_000_000  # files in a whole download

_MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<rest>.*))?", re.DOTALL)
_CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>late_)?(?P<id>\d+)_(?:(?P<number>\d+)_(?P<rest>.+)|text\.html?)", re.I)
_AGAIN = re.compile(r".+-(?P<count>\d{1,4})\.[^.]+(?:\.gz)?")
_NO_SUBMISSION = (".csv", ".yml", ".yaml", ".html", ".json", ".md", ".log")  # what lies beside submissions


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    Attributes
    ----------
    name : str
        Of its row; no other has it.
    listed : callable () -> list of File
        Lists its files; may raise.
    student : Student
        As far as the course system tells.
    late : bool
        The course system calls it late.
    notes : tuple of str
    """

    name: str
    listed: Callable
    student: Student = field(default_factory=Student)
    late: bool = False
    notes: tuple = ()

    def read(self):
        """The exercise files (Reading); every kind of damage ends in a Reading with an error."""
        try:
            listed = self.listed()
        except Exception as error:  # a damaged or hostile archive makes its readers raise almost anything
            words = " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
            return Reading({}, plain_text(f"cannot be read: {words}")[:300])
        reading = read_submission(listed)
        return replace(reading, notes=(*self.notes, *(("late",) if self.late else ()), *reading.notes))


@dataclass(frozen=True)
class Intake:
    """All that came in: submissions by name; what was left out, in words; and which system delivered it."""

    submissions: dict
    skipped: tuple
    system: str = ""


@dataclass(frozen=True)
class _Top:
    """What lies at the top of a download: a folder or a file, and its files when asked."""

    name: str
    folder: bool
    listed: Callable  # paths begin inside the folder
    place: Path | None = None  # of a folder on this machine


def take_in(path, *, single=False):
    """All submissions in a folder, an archive or a file.

    Parameters
    ----------
    path : str or Path
    single : bool
        The path is one submission, whatever it holds.

    Returns
    -------
    Intake

    Raises
    ------
    ValueError
        There is nothing that may be a submission, or nothing at all.
    """
    path = Path(path)
    if not path.is_dir() and not path.is_file():
        raise ValueError(f"{path} is neither a submission nor a folder of submissions; give a folder, or a file in it")
    alone = Intake({_alone(path): Submission(_alone(path), lambda: _files_of(path))}, ())
    if single or (path.is_file() and not is_archive(path.name)):
        return alone
    try:
        tops, skipped = _tops_of_folder(path) if path.is_dir() else _tops_of_archive(file_at(path))
    except Exception as error:
        if path.is_file():  # the archive is damaged: its row says so
            return alone
        raise ValueError(f"{path} cannot be read ({error}); check who may read it") from error
    taken = _known_system(tops, skipped) or _inside(tops, skipped)
    if taken is None and (_is_one(tops) if path.is_dir() else not _is_class(tops)):
        return alone
    taken = taken or _plain(tops, skipped)
    if not taken.submissions:
        raise ValueError(f"{path} holds no submissions: expected a folder, an archive or a Python file for each")
    return taken


def _alone(path):
    return path.resolve().name if path.is_dir() else stem(path.name)


def _files_of(path):
    return [file_at(path)] if path.is_file() else files_below(path, ignored=ignored)


def _tops_of_folder(path):
    tops, skipped = [], []
    for entry in sorted(path.iterdir(), key=lambda entry: os.fsencode(entry.name)):
        if entry.name.startswith((".", "__MACOSX")):
            continue
        if entry.is_symlink():
            skipped.append(f"{entry.name} is a link; links are not followed")
        elif entry.is_dir():
            tops.append(_Top(entry.name, True, lambda entry=entry: files_below(entry, ignored=ignored), entry))
        elif entry.is_file():
            tops.append(_Top(entry.name, False, lambda entry=entry: [file_at(entry)]))
        else:
            skipped.append(f"{entry.name} is neither a file nor a folder")
    return tops, skipped


def _tops_of_archive(archive):
    """The tops of an archive; files in folders that are ignored are not among their files."""
    inside, folders = {}, set()
    for file in opened(archive, most=MOST_OF_A_CLASS):
        if not file.parts[0].startswith((".", "__MACOSX")):
            deep = len(file.parts) > 1
            one = replace(file, parts=file.parts[1:]) if deep else file
            inside.setdefault(file.parts[0], [])
            folders |= {file.parts[0]} if deep else set()
            if not ignored(one.parts):
                inside[file.parts[0]].append(one)
    return [_Top(name, name in folders, lambda files=files: files) for name, files in sorted(inside.items())], []


def _known_system(tops, skipped):
    """The intake of a download that a course system made; None for all others."""
    if any(top.name == METADATA for top in tops):
        return _from_gradescope(tops, skipped)
    for system, pattern in (("moodle", _MOODLE), ("canvas", _CANVAS)):
        if any(pattern.fullmatch(top.name) for top in tops):
            return _by_pattern(system, pattern, tops, skipped)
    return None


def _inside(tops, skipped):
    """The intake where all lies in one folder or archive that a course system made, beside nothing else."""
    if len(tops) != 1:
        return None
    with suppress(Exception):  # damaged: then it is no download, but a submission
        if tops[0].place is not None:
            inner, _ = _tops_of_folder(tops[0].place)
        elif tops[0].folder:
            below = {}
            for file in tops[0].listed():
                below.setdefault(file.parts[0], []).append(file)
            inner = [_below(name, files) for name, files in below.items()]
        elif is_archive(tops[0].name):
            inner, _ = _tops_of_archive(tops[0].listed()[0])
        else:
            return None
        return _known_system(inner, skipped)
    return None


def _below(name, files):
    folder = any(len(file.parts) > 1 for file in files)
    files = [replace(file, parts=file.parts[1:]) if folder else file for file in files]
    return _Top(name, folder, lambda: files)


def _by_pattern(system, pattern, tops, skipped):
    """One submission for each student whose name and number stand in the names of files or folders."""
    groups, skipped = {}, list(skipped)
    for top in tops:
        found = pattern.fullmatch(top.name)
        if found:
            groups.setdefault((found["name"], found["id"]), []).append((top, found))
        else:
            skipped.append(f"{top.name} does not have a name that {system.capitalize()} gives to submissions")
    names = [name for name, _ in groups]
    submissions = {}
    for (name, number), members in sorted(groups.items()):
        row = f"{name} {number}" if names.count(name) > 1 else name
        row = _free(plain_text(row), submissions)
        late = system == "canvas" and any(found["late"] for _, found in members)
        ids = participant(number) if system == "moodle" else (number,)
        student = Student(name=name, ids=ids, number=number, system=system)
        submissions[row] = Submission(row, _lister(system, members), student, late)
    return Intake(submissions, tuple(map(plain_text, skipped)), system)


def _lister(system, members):
    """Lists the files of one student, with the names that they had; Canvas's with their place among the attempts."""

    def listed():
        files = []
        for top, found in members:
            rest, attempt = found["rest"] or top.name, ()
            if system == "canvas" and found["number"]:
                again = _AGAIN.fullmatch(rest)
                attempt = (int(found["number"]), int(again["count"]) if again else 0)
            for file in top.listed():
                parts = file.parts if top.folder else (*file.parts[:-1], rest)
                files.append(replace(file, parts=parts, attempt=attempt))
        return files

    return listed


def _from_gradescope(tops, skipped):
    """One submission for each student that the export's list names; a group's work counts for each of them."""
    text = next(top for top in tops if top.name == METADATA).listed()[0].read(50_000_000).decode(errors="replace")
    people, submissions, skipped = read_metadata(text), {}, list(skipped)
    for top in tops:
        students = people.get(top.name) or people.get(stem(top.name))
        if top.name == METADATA:
            continue
        if not students and not top.name.startswith("submission_"):
            skipped.append(f"{top.name} is not named in {METADATA}")
            continue
        for student in students or (Student(),):
            others = [other.name for other in students or () if other is not student]
            row = _free(plain_text(student.name or top.name), submissions)
            notes = (f"handed in together with {', '.join(others)}",) if others else ()
            submissions[row] = Submission(row, top.listed, student, notes=tuple(map(plain_text, notes)))
    missing = [name for name in people if name not in {top.name for top in tops} | {stem(top.name) for top in tops}]
    for name in missing:
        for student in people[name]:
            row = _free(plain_text(student.name or name), submissions)
            submissions[row] = Submission(row, _missing(name), student)
    return Intake(submissions, tuple(map(plain_text, skipped)), "gradescope")


def _missing(name):
    def listed():
        raise Unreadable(f"the export has no folder {name}; export the submissions again")

    return listed


def _plain(tops, skipped):
    """A submission for each folder, archive and Python file."""
    submissions, skipped = {}, list(skipped)
    users = _classroom_users(tops)
    for top in tops:
        if not top.folder and not _may_be_submission(top):
            skipped.append(f"{top.name} is neither a folder, an archive nor a Python file")
            continue
        name = plain_text(top.name if top.folder else stem(top.name))
        name = _free(name if name not in submissions else plain_text(top.name), submissions)
        user = users.get(top.name, "")
        student = Student(ids=(user,) if user else ())
        submissions[name] = Submission(name, top.listed, student)
    return Intake(submissions, tuple(map(plain_text, skipped)), "github" if users else "")


def _may_be_submission(top):
    ending = PurePosixPath(top.name).suffix.lower()
    if is_archive(top.name) or ending in (".py", ".pyw", ".ipynb"):
        return True
    return ending not in _NO_SUBMISSION and defines_exercises(top.listed()[0])


def _classroom_users(tops):
    """The users of GitHub Classroom's folders, assignment-user, where the assignment is the same in all of them."""
    names = [top.name for top in tops if top.folder]
    prefix = os.path.commonprefix(names)
    prefix = prefix[: prefix.rfind("-") + 1]
    return {name: name[len(prefix) :] for name in names} if prefix and len(names) > 1 else {}


def _is_one(tops):
    """Whether these lie in one student's folder: the exercise files, in their folders or loose."""
    folders = {file.split("/")[0] for file in exercise_files()}
    if any(top.folder and top.name.lower() in folders for top in tops):
        return True
    loose = {file.split("/")[-1] for file in exercise_files()}
    files = [top for top in tops if not top.folder]
    sources = [top for top in files if top.name.lower().endswith(".py")]
    archives = any(is_archive(top.name) for top in files)
    named = bool(sources) and all(name_without_copy(top.name) in loose for top in sources)
    return named and not archives and not any(_holds_work(top) for top in tops if top.folder)


def _is_class(tops):
    """Whether an archive holds the work of several students: archives, or folders with exercise files in each."""
    work = [top for top in tops if is_archive(top.name) or (top.folder and _holds_work(top))]
    return len(work) > 1 and not _is_one(tops)


def _holds_work(folder):
    """Whether a folder holds a file with an exercise file's name."""
    names = {file.split("/")[-1] for file in exercise_files()}
    with suppress(Exception):  # too large, or not ours to read
        return any(name_without_copy(file.name) in names for file in folder.listed())
    return False


def _free(name, taken):
    """The name, or one with a number behind it: each row has its own."""
    number, free = 2, name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free
