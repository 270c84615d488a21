"""Submissions as they come from a course system: folders and zip files, of which only the exercise files are read."""

import stat
import zipfile
from pathlib import Path, PurePosixPath

from ..exercises.catalogue import exercise_files

MOST_BYTES = 1_000_000  # of an exercise file
MOST_MEMBERS = 10_000  # of a zip file


def find_submissions(path, *, single=False):
    """The submissions in a folder, {name: path}: folders and zip files; or one of either itself.

    With `single` the path is one submission, whatever it holds.
    """
    path = Path(path)
    if path.is_file():
        return {path.stem: path}
    if not path.is_dir():
        raise ValueError(f"{path} is neither a submission nor a folder of submissions")
    files = {PurePosixPath(file) for file in exercise_files()}
    if single or any((path / file).is_file() for file in files):  # the folder itself is a submission
        return {path.resolve().name: path}
    entries = {}
    for entry in sorted(path.iterdir()):
        hidden = entry.name.startswith((".", "__MACOSX"))
        if not hidden and not entry.is_symlink() and (entry.is_dir() or entry.suffix.lower() == ".zip"):
            name = entry.name if entry.is_dir() else entry.stem
            entries[name if name not in entries else entry.name] = entry
    if not entries:
        raise ValueError(f"{path} holds no submissions: expected a folder or a zip file for each")
    return entries


def read_submission(path):
    """The exercise files of a submission, {path from the root: bytes}, and what is wrong with it, in words.

    Nothing else is unpacked: no links, no path that leads elsewhere, nothing larger than a megabyte.
    """
    files = exercise_files()
    try:
        found = _from_zip(path, files) if Path(path).is_file() else _from_folder(Path(path), files)
    except Exception as error:  # a damaged or hostile zip file makes its readers raise almost anything
        return {}, f"cannot be read: {' '.join(str(error).split())[:200] or type(error).__name__}"
    return found, "" if found else f"holds none of the exercise files ({', '.join(files[:3])}, ...)"


def _from_zip(path, files):
    found = {}
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise ValueError(f"the zip file has {len(members)} members")
        # The same file may be there twice, in the project and in a copy inside it: the outermost counts.
        for parts, member in sorted(((_steps(member), member) for member in members), key=lambda pair: len(pair[0])):
            file = _exercise_file_of(parts, files)
            if file is None or file in found or stat.S_ISLNK(member.external_attr >> 16):
                continue
            if member.file_size > MOST_BYTES:
                raise ValueError(f"{member.filename} would be {member.file_size:,} bytes large")
            with archive.open(member) as f:
                content = f.read(MOST_BYTES + 1)
            if len(content) > MOST_BYTES:
                raise ValueError(f"{member.filename} is larger than it says")
            found[file] = content
    return found


def _from_folder(path, files):
    found = {}
    tops = [path, *(p for p in sorted(path.iterdir()) if p.is_dir() and not p.is_symlink())]
    for file in files:
        for top in tops:
            source = top / file
            inside = [top.joinpath(*Path(file).parts[:n]) for n in range(1, len(Path(file).parts) + 1)]
            if any(p.is_symlink() for p in inside) or not source.is_file():
                continue
            if source.stat().st_size > MOST_BYTES:
                raise ValueError(f"{file} is {source.stat().st_size:,} bytes large")
            found.setdefault(file, source.read_bytes())
    zips = [p for p in sorted(path.iterdir()) if p.suffix.lower() == ".zip" and p.is_file() and not p.is_symlink()]
    if found or not zips:
        return found
    if len(zips) > 1:
        raise ValueError(f"it holds {len(zips)} zip files, and nothing else that belongs in a submission")
    return _from_zip(zips[0], files)


def _steps(member):
    return PurePosixPath(member.filename.replace("\\", "/")).parts


def _exercise_file_of(parts, files):
    """The exercise file that a member of a zip file is, whatever folder the whole lies in; None for all else."""
    if ".." in parts or (parts and parts[0] in ("/", "__MACOSX")):
        return None
    for file in files:
        wanted = PurePosixPath(file).parts
        if parts[-len(wanted) :] == wanted and len(parts) - len(wanted) <= 2:
            return file
    return None
