"""Grading: many submissions, each run in a child process, judged here.

Expected answers are computed from the solutions with the instructor's seed, and live in this process only. Finished
grades are kept in a folder beside the table (NAME.csv.parts), so an interrupted run continues where it stopped.
"""

import hashlib
import json
import os
import secrets
import shutil
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path

from tqdm import tqdm

from ..._files import check_destination, written_beside
from ..._language import translated as _
from ..checker.board import after_needs, known_exercise, with_needs
from ..checker.folders import remove_folder, scratch_folder
from ..checker.importing import CANNOT, import_fault
from ..checker.judge import BLOCKED, PASSED, StageVerdict, Verdict, judge
from ..checker.runner import Limits
from ..checker.texts import exception_name, exception_text, plain_text
from ..exercises.catalogue import EXERCISES, ROOT, STAGES, check_stages
from .adjustments import adjusted, read_overrides
from .anonymous import anonymised, write_key
from .answers import make_answers
from .boundary.boundary import ENOUGH, find_boundary
from .grades import ABSENT, UNGRADED, Grade, results_json, write_summary, write_table
from .intake import take_in
from .locking import locked
from .make import edition_texts, make_edition
from .roster import match, read_roster

SCRATCH = "pixelgrad-grading-"
LIMITS = Limits(seconds=10, memory=2048, file_size=64)


def grade(
    submissions,
    out,
    *,
    exercises=None,
    stages=STAGES,
    seed=None,
    jobs=1,
    limits=LIMITS,
    single=False,
    roster=None,
    anonymous=False,
    overrides=None,
    late_percent=0,
    unprotected=False,
    overwrite=False,
    progress=False,
    say=print,
):
    """Grade submissions; every student gets a row, and what cannot be graded says why.

    Parameters
    ----------
    submissions : str or Path
        What a course system delivers, as an archive or unpacked: see `intake`; a folder in which each folder, archive
        or Python file is a submission; or a single one of these.
    out : str or Path
        The table to write, a .csv file. Beside it come NAME.html, what mistakes the class made, and for each
        submission NAME.csv.parts/SUBMISSION.json, in the form of Gradescope's results.json.
    exercises : sequence of str, optional
        All by default.
    stages : sequence of str, optional
        The extensions that are asked for beside the core, by name; ("core",) for none of them. All by default.
    seed : int, optional
        Draws the inputs. By default a random one, which is kept with the results; an interrupted run continues with
        its own.
    jobs : int
        Submissions at a time.
    limits : Limits
    single : bool
        The path is one submission, even where it contains nothing that belongs in one.
    roster : str or Path, optional
        A table of all students: whoever handed in nothing has a row, too.
    anonymous : bool
        Number the rows in place of names; NAME.key.csv tells who is who.
    overrides : str or Path, optional
        A table of the instructor's decisions: see `adjustments`.
    late_percent : float
        What submissions that are late lose of their points.
    unprotected : bool
        Grade also where submissions cannot be kept from what is ours, one at a time.
    overwrite : bool
        Replace a finished table.
    progress : bool
        A bar on standard error.
    say : callable (str)
        Called with what is not protected, what is left out and who is not on the roster, before anything starts.

    Returns
    -------
    list of Grade

    Raises
    ------
    FileExistsError
        There is a finished table at `out`, and overwrite is False.
    PermissionError
        Something would be unprotected here, and `unprotected` is False.
    BoundaryError
        Submissions would run as root.
    BlockingIOError
        Another grader is at work on this table.
    ValueError
        There is no submission, a name is not that of an exercise, or the roster is not a table of students.
    """
    submissions, out = Path(submissions), Path(out)
    names = [name for name in EXERCISES if exercises is None or name in exercises]
    for name in exercises or ():
        known_exercise(name)
    check_stages(stages)
    check_destination(out, overwrite=overwrite, suffixes=(".csv",))
    students = None if roster is None else read_roster(roster)
    taken = take_in(submissions, single=single)
    decided = [] if overrides is None else read_overrides(overrides, names)
    people = {} if students is None else match(students, taken.submissions)
    empty = {name: Grade(name, _nothing(names, "", stages), "") for name in taken.submissions}
    adjusted(
        _with_people(empty, taken.submissions, people, students or [], names, stages), decided
    )  # told before the work
    parts = out.with_name(out.name + ".parts")
    parts.mkdir(exist_ok=True)
    with locked(parts / "lock", out):
        seed = _seed_of(parts, names, seed)
        run = {
            "seed": seed,
            "exercises": names,
            "stages": stages and sorted(stages),
            "seconds": limits.seconds,
        }  # what a grade depends on
        hidden = [ROOT, out.parent, *([] if single else [submissions]), *([] if roster is None else [Path(roster)])]
        for words in taken.skipped:
            say(f"Left out: {words}.")
        for name in taken.submissions if students is not None else ():
            if name not in people:
                say(f"Not on the roster: {name}.")
        behind = {"hidden": hidden, "unprotected": unprotected, "limits": limits, "jobs": jobs}
        graded = _grade_each(taken.submissions, parts, run, behind, say, progress)
        rows = adjusted(
            _with_people(graded, taken.submissions, people, students or [], names, stages), decided, late_percent
        )
        if anonymous:
            rows, key = anonymised(rows, seed)
            write_key(out.with_suffix(".key.csv"), key)
        write_table(out, rows, names, overwrite=overwrite)
        write_summary(out.with_suffix(".html"), rows, names)
    return rows


def _grade_each(submissions, parts, run, behind, say, progress):
    """The grade of each submission by its name: those of an earlier run of the same kind, and new ones."""
    names, grades = run["exercises"], {}
    answers = make_answers(with_needs(names), seed=run["seed"])
    _remove_abandoned()
    with scratch_folder(SCRATCH) as folder, ExitStack() as stack:
        stack.enter_context(locked(folder / "lock", folder))
        os.chmod(folder, 0o711)
        base = make_edition(folder / "base", exercises=with_needs(names), answers=False)
        for path in (base, *base.rglob("*")):  # whatever our umask is, the user of a job must be able to read it
            path.chmod(0o755 if path.is_dir() else 0o644)
        boundary, jobs = _boundary(base, folder, say, **behind)
        grader = _Grader(base, run, answers, boundary, behind["limits"], folder)
        grader.try_solutions()
        bar = stack.enter_context(tqdm(total=len(submissions), disable=not progress, unit="submission"))
        with ThreadPoolExecutor(jobs) as pool:
            waiting = {}
            for name, submission in submissions.items():
                done = _finished(_part(parts, name), submission, run)
                if done is not None:
                    grades[name] = done
                    bar.update()
                else:
                    waiting[pool.submit(grader.grade, name, submission)] = (name, submission)
            try:
                for future in as_completed(waiting):
                    name, submission = waiting[future]
                    grades[name] = future.result()
                    _write_part(_part(parts, name), grades[name], submission, run)
                    bar.update()
            except BaseException:
                for future in waiting:
                    future.cancel()
                raise
    return grades


def _remove_abandoned():
    """Remove the folders of graders that were killed: nobody holds their locks."""
    for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"):
        with suppress(OSError):
            if (folder / "lock").exists():  # others' folders cannot be opened
                with locked(folder / "lock", folder):
                    remove_folder(folder)


def _boundary(base, folder, say, *, hidden, unprotected, limits, jobs):
    """The boundary that works here, and how many jobs may run at a time; PermissionError where it is not accepted."""
    boundary = find_boundary(base, hidden, folder, limits=limits)
    if boundary.unprotected and not unprotected:
        raise PermissionError(
            f"grade: not protected here: {boundary.unprotected}; {ENOUGH}. If you trust the submissions, accept it "
            "with --unprotected"
        )
    if boundary.unprotected:
        say(f"Not protected: {boundary.unprotected}.")
        return boundary, 1
    if boundary.remark:
        say(f"Protected, but {boundary.remark}.")
    return boundary, jobs


def _with_people(grades, submissions, people, roster, names, stages):
    """The rows of the table: the submissions, with their students, and those on the roster who handed in nothing."""
    rows = []
    for name, submission in submissions.items():
        student = submission.student
        if name in people:
            known = roster[people[name]]
            student = replace(known, number=student.number or next(iter(known.ids), ""), system=student.system)
        again = [other for other in people if other != name and people[other] == people.get(name, -1)]
        notes = (f"the same student as {', '.join(again)}",) if again else ()
        rows.append(replace(grades[name], student=student, notes=(*grades[name].notes, *notes)))
    taken, handed_in = set(submissions), set(people.values())
    for place, student in enumerate(roster):
        if place not in handed_in:
            name = plain_text(student.name or student.email or student.ids[0])
            name = name if name not in taken else f"{name} ({student.email or place + 1})"
            taken.add(name)
            nothing = _nothing(names, "handed in nothing", stages)
            student = replace(student, number=next(iter(student.ids), ""))
            rows.append(Grade(name, nothing, "handed in nothing", student=student, state=ABSENT))
    return rows


def _nothing(names, words, stages):
    """Verdicts for what was not graded."""
    most = {name: sum(stage.points for stage in EXERCISES[name].stages((), stages)) for name in names}
    return [Verdict(name, BLOCKED, 0, most[name], None, words) for name in names]


class _Grader:
    """Grades one submission after the other, several at a time."""

    def __init__(self, base, run, answers, boundary, limits, folder):
        self.base, self.answers, self.boundary = base, answers, boundary
        self.names, self.stages = run["exercises"], run["stages"]
        self.limits, self.folder = limits, folder

    def grade(self, name, submission):
        """The grade of a submission; every submission gets one, whatever it does, and no other waits for it."""
        try:
            reading = submission.read()
            if not reading.files:
                return Grade(
                    name, _nothing(self.names, reading.error, self.stages), reading.error, reading.notes, state=UNGRADED
                )
            graded = self._graded(name, reading.files)[0]
            return replace(graded, notes=reading.notes)
        except Exception as error:
            words = f"the grader itself failed here ({exception_name(error)}: {exception_text(error)}); grade it again"
            words = plain_text(words)[:300]
            traceback.print_exc()
            return Grade(name, _nothing(self.names, words, self.stages), words, state=UNGRADED)

    def _graded(self, name, files):
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            project = folder / "project"
            shutil.copytree(self.base, project, copy_function=shutil.copyfile if self.boundary.open else _link)
            for file, content in files.items():
                target = project / file
                target.unlink()
                target.write_bytes(content)
                target.chmod(0o644)
            inputs = {n: answer.inputs for n, answer in self.answers.items()}
            run = self.boundary.run(inputs, project, folder, self.limits)
            verdicts = {n: judge(EXERCISES[n], self.answers[n], run.outcomes[n], self.stages) for n in self.answers}
            faults = [_(CANNOT).join(f) for f in map(import_fault, run.outcomes.values()) if f]
            error = plain_text(" ".join("; ".join(dict.fromkeys(faults)).split()))
            shown = [after_needs(verdicts[n], verdicts) for n in self.names]
            shown = [replace(v, message=plain_text(v.message, keep="\n"), example="") for v in shown]
            return Grade(name, shown, error), run.printed
        finally:
            remove_folder(folder)

    def try_solutions(self):
        """RuntimeError unless the solutions themselves earn all points: otherwise nobody can be graded here."""
        solved = {file: text.encode() for file, text in edition_texts([]).items()}
        graded, printed = self._graded("the solutions", solved)
        if graded.points < graded.max_points:
            wrong = next(v for v in graded.verdicts if v.status != PASSED)
            raise RuntimeError(
                f"grading does not work here: the solution of {wrong.exercise} itself does not pass "
                f"({wrong.message.splitlines()[0]}) {' '.join(printed.split())[-300:]}"
            )


def _seed_of(parts, names, seed):
    """The seed of this run: the one given, that of an interrupted run, or a new one."""
    path = parts / "run.txt"
    with suppress(OSError, ValueError):
        before = json.loads(path.read_text(encoding="utf-8"))
        if seed is None and before["exercises"] == names:
            return int(before["seed"])
    seed = secrets.randbelow(2**31) if seed is None else seed
    path.write_text(json.dumps({"seed": seed, "exercises": names}), encoding="utf-8")
    return seed


def _part(parts, name):
    """The file that keeps a submission's grade; names may be as long as a file system takes, and so too long here."""
    long = len(os.fsencode(name)) > 200
    return parts / f"{name[:40] + hashlib.sha256(os.fsencode(name)).hexdigest() if long else name}.json"


def _link(source, target):
    """A second name for a file, or a copy where the file system knows no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _fingerprint(submission):
    """Tells whether a submission is still the same."""
    reading = submission.read()
    digest = hashlib.sha256("\0".join((reading.error, *reading.notes)).encode(errors="backslashreplace"))
    for file in sorted(reading.files):
        digest.update(file.encode() + b"\0" + reading.files[file])
    return digest.hexdigest()


def _finished(part, submission, run):
    """The grade of a submission from an earlier run of the same kind, or None."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(part.read_text(encoding="utf-8"))["pixelgrad"]
        if kept["run"] == run and kept["fingerprint"] == _fingerprint(submission):
            verdicts = [_verdict(**v) for v in kept["verdicts"]]
            return Grade(kept["submission"], verdicts, kept["error"], tuple(kept["notes"]), state=kept["state"])
    return None


def _verdict(stages, **kept):
    return Verdict(**kept, stages=tuple(StageVerdict(**stage) for stage in stages))


def _write_part(part, graded, submission, run):
    kept = {
        "run": run,
        "fingerprint": _fingerprint(submission),
        "submission": graded.submission,
        "verdicts": [asdict(v) for v in graded.verdicts],
        "error": graded.error,
        "notes": graded.notes,
        "state": graded.state,
    }
    with written_beside(part, overwrite=True) as temporary:
        temporary.write_text(json.dumps(results_json(graded) | {"pixelgrad": kept}, indent=1), encoding="utf-8")
