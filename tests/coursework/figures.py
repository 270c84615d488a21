"""What the coursework promises, in figures: `python tests/coursework/figures.py` prints and checks them.

- every known mistake fails its exercise, and nearly all are named as themselves;
- of two mistakes in one exercise most are named both;
- in the manner of CS231n's students: what is right passes the core, what is wrong fails its stage and is mostly named;
- no right variant is rejected;
- whatever course systems and students deliver is accepted or explained;
- hostile submissions earn nothing, stop nothing, leave nothing behind and spoil nobody else's grade, whoever grades;
- how many submissions a minute are graded.
"""

import argparse
import csv
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path

import dialect_layers
import dialect_norm
import dialect_seeing
import hostile
import shapes
import variants_layers
import variants_seeing
from dialect import ENTRIES
from tqdm import tqdm

from pixelgrad.coursework.checker import markers
from pixelgrad.coursework.checker.diagnosis import differing
from pixelgrad.coursework.checker.fingerprints import with_fingerprints
from pixelgrad.coursework.checker.harness import run_case, student_functions
from pixelgrad.coursework.checker.judge import ENDLESS, PASSED, judge
from pixelgrad.coursework.exercises.catalogue import EXERCISES, ROOT
from pixelgrad.coursework.instructor import grading
from pixelgrad.coursework.instructor.answers import make_answers, mistaken_functions, wrong_outcomes
from pixelgrad.coursework.instructor.boundary import probe
from pixelgrad.coursework.instructor.boundary.users import USERS
from pixelgrad.coursework.instructor.grading import LIMITS, grade
from pixelgrad.coursework.instructor.intake import take_in
from pixelgrad.coursework.instructor.make import edition_texts
from pixelgrad.coursework.instructor.mistakes import MISTAKES

assert dialect_layers and dialect_norm and dialect_seeing  # importing them fills ENTRIES
VARIANTS = [*variants_layers.VARIANTS, *variants_seeing.VARIANTS]
FOUR = ("affine", "relu", "softmax", "conv")
FAILED_AT_LEAST, NAMED_AT_LEAST = 1.0, 0.9


def mistakes(answers):
    """How many known mistakes fail, and how many are named as themselves: (failed, named, all), and the others."""
    failed = named = 0
    confused = []
    for mistake in MISTAKES:
        exercise, answer = EXERCISES[mistake.exercise], answers[mistake.exercise]
        outcomes = ENDLESS if mistake.endless else wrong_outcomes(exercise, mistake, answer.inputs)
        verdict = judge(exercise, answer, outcomes)
        failed += verdict.status != PASSED
        named += verdict.mistake == mistake.name
        if verdict.mistake != mistake.name:
            confused.append(f"{mistake.exercise}: {mistake.name} -> {verdict.mistake or verdict.status}")
    return failed, named, len(MISTAKES), confused


def pairs(answers, count=200):
    """Random pairs of mistakes of one exercise: (named both, at least one of them, all), and others that were named.

    Only pairs that compose, and whose result is neither that of one of them alone nor the right one.
    """
    rng, both, one, tried, confused = random.Random(0), 0, 0, 0, []
    while tried < count:
        first = rng.choice(MISTAKES)
        second = rng.choice([m for m in MISTAKES if m.exercise == first.exercise and m is not first])
        exercise, answer = EXERCISES[first.exercise], answers[first.exercise]
        if first.endless or second.endless:
            continue
        try:
            functions = mistaken_functions(exercise, (*first.changes, *second.changes))
        except (markers.MarkerError, SyntaxError):
            continue
        outcomes = {case: run_case(exercise, inputs, functions) for case, inputs in answer.inputs.items()}
        known = {m.name: m.outcomes for m in answer.mistakes}
        right = {case: with_fingerprints(outcome) for case, outcome in answer.right.items()}
        seen = {case: with_fingerprints(outcome) for case, outcome in outcomes.items()}
        broken = any(o["raised"] and o["raised"]["type"] in ("NameError", "UnboundLocalError") for o in seen.values())
        if broken or not all(differing(seen, x) for x in (right, known[first.name], known[second.name])):
            continue
        named = set((judge(exercise, answer, outcomes).mistake or "").split(" + ")) - {""}
        tried += 1
        both += {first.name, second.name} <= named
        one += bool(named & {first.name, second.name})
        if named - {first.name, second.name}:
            confused.append(f"{exercise.id}: {first.name} + {second.name} -> {' + '.join(named)}")
    return both, one, tried, confused


def dialect_set(answers):
    """The set of `dialect`: for each exercise, how many are right, accepted, wrong, failing, named; and exceptions."""
    rows, exceptions = {}, []
    for entry in ENTRIES:
        exercise, answer = EXERCISES[entry.exercise], answers[entry.exercise]
        functions = student_functions(exercise) | entry.functions
        with redirect_stdout(None):  # some report their steps, as students do
            outcomes = {case: run_case(exercise, inputs, functions) for case, inputs in answer.inputs.items()}
        verdict, row = judge(exercise, answer, outcomes), rows.setdefault(entry.exercise, Counter())
        passed = {stage.id for stage in verdict.stages if stage.status == PASSED}
        words = f"{verdict.mistake} {verdict.message}"
        if entry.told:
            row.update(
                wrong=1, failing=int(entry.stage not in passed), named=int(any(told in words for told in entry.told))
            )
            fine = entry.stage not in passed and any(told in words for told in entry.told)
        else:
            row.update(right=1, accepted=int("core" in passed))
            fine = "core" in passed
        exceptions += [] if fine else [f"{entry.exercise}: {entry.title} -> {verdict.status}, {verdict.mistake}"]
    return rows, exceptions


def variants(answers):
    """Right variants that pass, all of them, and the names of the rejected ones."""
    rejected = []
    for name, title, functions in VARIANTS:
        answer = answers[name]
        outcomes = {case: run_case(EXERCISES[name], inputs, functions) for case, inputs in answer.inputs.items()}
        if judge(EXERCISES[name], answer, outcomes).status != PASSED:
            rejected.append(f"{name}: {title}")
    return len(VARIANTS) - len(rejected), len(VARIANTS), rejected


def solved_texts():
    """The exercise files with all solutions, as a perfect student hands them in: {path: text}."""
    return edition_texts([])


def shapes_of_submission():
    """Shapes that are accepted or explained as they should be, all of them, students in them, and what went wrong."""
    solved, problems, students = solved_texts(), [], 0
    for name, make in shapes.SHAPES.items():
        with tempfile.TemporaryDirectory() as folder:
            path, expected = make(Path(folder), solved)
            try:
                found = {row: one.read() for row, one in take_in(path).submissions.items()}
            except Exception as error:
                found = {}
                problems.append(f"{name}: {type(error).__name__}: {error}")
            students += len(expected)
            wrong = [row for row in expected if row not in found or not as_expected(found[row], expected[row], solved)]
            wrong += [row for row in found if row not in expected]
            if wrong and found:
                problems.append(f"{name}: {', '.join(wrong)}")
    return len(shapes.SHAPES) - len(problems), len(shapes.SHAPES), students, problems


def as_expected(reading, wanted, solved):
    """Whether a reading holds these files, byte for byte, or this explanation."""
    if wanted != shapes.ALL and isinstance(wanted, str):
        return not reading.files and wanted in reading.error
    files = {file: solved[file].encode() for file in (solved if wanted == shapes.ALL else wanted)}
    return reading.files == files and not reading.error


def write_submission(folder, texts):
    """A folder with these files."""
    for file, text in texts.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def write_hostile(folder):
    """All hostile submissions, and two honest ones among them; returns the names of the hostile ones."""
    solved = solved_texts()
    write_submission(folder / "aaa honest", solved)
    write_submission(folder / "zzz honest", solved)
    for name, text in hostile.HOSTILE.items():
        write_submission(folder / name, solved | {"layers/basic.py": text})
    return [*hostile.HOSTILE, *hostile.hostile_zips(folder, solved)]


def read_table(path):
    """The rows of a table of grades by submission."""
    with open(path, newline="", encoding="utf-8") as f:
        return {row["submission"]: row for row in csv.DictReader(f)}


@contextmanager
def things_to_reach():
    """What hostile submissions look for: a checkout that every user may read, and services that answer."""
    hostile.CHECKOUT.parent.mkdir(mode=0o755, exist_ok=True)
    hostile.CHECKOUT.write_text(solved_texts()["layers/basic.py"], encoding="utf-8")
    hostile.CHECKOUT.chmod(0o644)
    local = Path(hostile.SOCKET)
    local.unlink(missing_ok=True)
    with socket.create_server(("127.0.0.1", hostile.PORT)), socket.socket(socket.AF_UNIX) as server:
        server.bind(str(local))
        local.chmod(0o777)
        server.listen()
        yield
    local.unlink()
    shutil.rmtree(hostile.CHECKOUT.parent)


def left_behind():
    """Files and processes that a hostile submission left on this machine."""
    shared = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock")
    found = [str(path) for folder in shared for path in Path(folder).glob("left-by-*")]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if path.stat().st_uid in USERS or b"time.sleep(600)" in path.read_bytes():
                found.append(f"process {path.parent.name}")
    return found


def hostile_run(jobs, seconds):
    """Grade the hostile submissions: (the boundary's kind, stopped, all, what went wrong, seconds taken)."""
    kinds, real = [], grading.find_boundary
    grading.find_boundary = lambda *a, **k: kinds.append(real(*a, **k)) or kinds[-1]
    with tempfile.TemporaryDirectory() as folder, things_to_reach():
        submissions, out = Path(folder) / "in", Path(folder) / "out" / "grades.csv"
        out.parent.mkdir()
        names, problems = write_hostile(submissions), []
        started = time.monotonic()
        limits = replace(LIMITS, seconds=seconds)
        chosen = ["affine", "relu", "dropout", "softmax"]
        grade(submissions, out, jobs=jobs, limits=limits, exercises=chosen, progress=True)
        took, rows = time.monotonic() - started, read_table(out)
        open_anyway = probe.ANY_FILE in kinds[0].open  # said before the start, and so not counted
        names = [name for name in names if not (open_anyway and name == "any other checkout")]
        for name in names:
            earned = {e: rows[name][e] for e in hostile.FREE_OF_POINTS if rows[name][e] != "0"}
            if earned:
                problems.append(f"{name}: earned {earned}")
        for name in ("aaa honest", "zzz honest"):
            if rows[name]["points"] != rows[name]["max_points"]:
                problems.append(f"{name}: {rows[name]['points']} of {rows[name]['max_points']} points")
        problems += [f"left behind: {what}" for what in left_behind()]
    stopped = len(names) - sum("earned" in problem for problem in problems)
    return kinds[0], stopped, len(names), problems, took


def attacks(args):
    """Print how many attacks are stopped here, for this user; returns whether all are."""
    boundary, stopped, count, problems, took = hostile_run(args.jobs, args.timeout)
    print(f"attacks, boundary {boundary.kind}: {stopped} of {count} stopped, in {took:.0f} s {boundary.remark}")
    for line in problems:
        print(f"    {line}")
    return not problems and count >= 45


def modes():
    """The ways to run a grader that this machine offers: (words, command line before Python's, environment).

    The last one is unprotected: the grader must refuse to go on.
    """
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    without = {"PATH": "/nowhere"}  # no bubblewrap is found there
    if os.geteuid() != 0:
        return [("ordinary user", [], {}), ("ordinary user without bubblewrap", [], without)]
    limited = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
    plain = [("ordinary user", nobody, {}), ("ordinary user without bubblewrap", nobody, without)]
    older = [*limited, sys.executable, str(Path(__file__).with_name("without_landlock.py"))]
    return [
        ("root", [], {}),
        ("root without namespaces", limited, {}),
        ("root without namespaces and Landlock", older, {}),
        *plain,
        ("ordinary user without bubblewrap and Landlock", [*nobody, *older[-2:]], without),
    ]


def attacks_in_all_modes(args):
    """Print the attacks that are stopped in each mode; returns whether all are, as far as the modes exist here."""
    fine = True
    for words, prefix, environment in modes():
        if prefix:
            prefix = [shutil.which(prefix[0]) or prefix[0], *prefix[1:]]
        run = [*prefix, sys.executable, __file__, "--attacks", "--jobs", str(args.jobs), "--timeout", str(args.timeout)]
        home = {"HOME": "/tmp", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(run, env=os.environ | home | environment, capture_output=True, text=True)
        print(f"as {words}: {done.stdout.strip() or 'not graded here: ' + done.stderr.strip().splitlines()[-1]}")
        fine &= done.returncode == 0 or not done.stdout
    return fine


def class_run(count, jobs):
    """Grade a class in which each has made one mistake in four exercises: submissions a minute."""
    solved, files = solved_texts(), {file for exercise in EXERCISES.values() for file in exercise.files.values()}
    wrong = [m for m in MISTAKES if not m.endless and m.exercise in FOUR]
    with tempfile.TemporaryDirectory() as folder:
        submissions, out = Path(folder) / "in", Path(folder) / "out" / "grades.csv"
        out.parent.mkdir()
        for n in range(count):
            mistake, texts = wrong[n * 7 % len(wrong)], dict(solved)
            exercise = EXERCISES[mistake.exercise]
            for file in files & set(exercise.files.values()):
                own = [f for f in exercise.functions if exercise.file(f) == file]
                text = (ROOT / file).read_text(encoding="utf-8")
                here = "".join(markers.solution(text, f, file) for f in own)
                changes = [(old, new) for old, new in mistake.changes if old in here]
                texts[file] = markers.stub(markers.changed(text, own, changes, file), {}, file)
            write_submission(submissions / f"student {n:03d}", texts)
        started = time.monotonic()
        grades = grade(submissions, out, jobs=jobs, exercises=FOUR, progress=True)
        minutes = (time.monotonic() - started) / 60
        right = sum(Counter(v.status for v in g.verdicts)[PASSED] < len(g.verdicts) for g in grades)
        return count / minutes, right, count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--submissions", type=int, default=20, help="of the class that is graded (default: 20)")
    parser.add_argument("--jobs", type=int, default=2, help="submissions at a time (default: 2)")
    parser.add_argument("--timeout", type=float, default=3, help="seconds an exercise of hostile ones may take (3)")
    parser.add_argument("--attacks", action="store_true", help="only the attacks, in the mode of this user")
    args = parser.parse_args()
    if args.attacks:
        return 0 if attacks(args) else 1
    answers = {name: make_answers([name])[name] for name in tqdm(EXERCISES, desc="answers")}
    fine = True

    failed, named, count, confused = mistakes(answers)
    print(
        f"known mistakes: {count} over {len(EXERCISES)} exercises; {failed} fail, {named} named ({named / count:.0%})"
    )
    for line in confused:
        print(f"    {line}")
    fewest = min(Counter(m.exercise for m in MISTAKES).values())
    fine &= failed / count >= FAILED_AT_LEAST and named / count >= NAMED_AT_LEAST and count >= 100 and fewest >= 3
    fine &= all(m.outcomes == ENDLESS or set(m.outcomes) == set(a.right) for a in answers.values() for m in a.mistakes)

    both, one, count, confused = pairs(answers)
    print(f"pairs of mistakes: of {count}, {both} are named both ({both / count:.0%}), {one} at least one of the two")
    for line in confused:
        print(f"    {line}")
    fine &= both >= 0.85 * count and len(confused) <= count / 20

    rows, exceptions = dialect_set(answers)
    total = sum(rows.values(), Counter())
    for name, row in rows.items():
        print(
            f"in the manner of students, {name}: {row['accepted']} of {row['right']} right ones accepted; of "
            f"{row['wrong']} wrong ones {row['failing']} rejected, {row['named']} named"
        )
    print(
        f"in the manner of students: {total['accepted']} of {total['right']} right ones accepted at core; of "
        f"{total['wrong']} wrong ones {total['failing']} fail their stage, {total['named']} named"
    )
    for line in exceptions:
        print(f"    {line}")
    fine &= total["accepted"] >= 0.98 * total["right"] and total["failing"] == total["wrong"]
    fine &= total["named"] >= 0.85 * total["wrong"] and total["right"] + total["wrong"] >= 150

    accepted, count, rejected = variants(answers)
    print(f"right variants: {accepted} of {count} accepted {rejected or ''}")
    fine &= accepted == count >= 20

    fitting, count, students, problems = shapes_of_submission()
    print(f"shapes of submission accepted or explained: {fitting} of {count}, with {students} students")
    for line in problems:
        print(f"    {line}")
    fine &= fitting == count >= 35

    fine &= attacks_in_all_modes(args)

    rate, right, count = class_run(args.submissions, args.jobs)
    print(
        f"grading: {rate:.0f} submissions a minute ({', '.join(FOUR)}; {args.jobs} jobs); "
        f"{right} of {count} wrong ones lost points"
    )
    fine &= right == count  # the rate depends on what else runs here
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
