"""The student's commands: check, reset, submit."""

import json
import sys
import time

from .cli_options import above_zero


def add_check_commands(commands):
    p = commands.add_parser(
        "check",
        help="check the exercises, and say what is wrong",
        description="Check exercises: which are right, which wrong and how, and what to do next.",
        allow_abbrev=False,
    )
    p.add_argument("exercises", nargs="*", metavar="EXERCISE", help="which (default: all)")
    p.add_argument("--watch", action="store_true", help="check again whenever a file is saved; Ctrl-C ends it")
    p.add_argument(
        "--hint", action="store_true", help="a hint to the first exercise that does not pass; each time more"
    )
    p.add_argument("--list", action="store_true", help="list the exercises, with their files, without checking them")
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    p.add_argument("--timeout", type=above_zero, default=5.0, help="seconds an exercise may take (default: 5)")
    p.add_argument("--debug", action="store_true", help="show a traceback instead of one line on errors")
    p.set_defaults(run=check)

    p = commands.add_parser(
        "reset",
        help="take an exercise back to its beginning",
        description="Restore the stub of an exercise's functions; what was there is kept in a file beside it.",
        allow_abbrev=False,
    )
    p.add_argument("exercise", metavar="EXERCISE")
    p.add_argument("--debug", action="store_true", help="show a traceback instead of one line on errors")
    p.set_defaults(run=reset)

    p = commands.add_parser(
        "submit",
        help="pack the exercises for handing in",
        description="Pack the files of the exercises, and a report of what passes, into a zip file.",
        allow_abbrev=False,
    )
    p.add_argument("--out", default="submission.zip", metavar="FILE", help="file to write (default: submission.zip)")
    p.add_argument("--force", action="store_true", help="overwrite what is there")
    p.add_argument("--debug", action="store_true", help="show a traceback instead of one line on errors")
    p.set_defaults(run=submit)


def check(args):
    from .coursework.board import EXERCISES, known_exercise

    for name in args.exercises:
        known_exercise(name)
    if args.list:
        for exercise in EXERCISES.values():
            if not args.exercises or exercise.id in args.exercises:
                files = ", ".join(dict.fromkeys(exercise.homes.values()))
                print(f"{exercise.id:20s} {exercise.points:3d} points  {exercise.title}  [{files}]")
        return 0
    code = _check_once(args)
    while args.watch:
        _wait_for_a_change(args.exercises)
        code = _check_once(args)
    return code


def _check_once(args):
    from tqdm import tqdm

    from .coursework import board
    from .coursework.runner import Limits

    count = len(args.exercises) or len(board.EXERCISES)
    with tqdm(total=count, disable=args.json or None, desc="checking", unit="exercise", leave=False, delay=2) as bar:
        verdicts, printed = board.check(
            args.exercises, limits=Limits(seconds=args.timeout), done=lambda name: bar.update()
        )
    if args.json:
        print(json.dumps(board.as_dict(verdicts), indent=1))
    else:
        print(board.board(verdicts))
        if printed.strip():
            print("\nYour code printed:\n" + printed.rstrip())
        if args.hint:
            print(_hint(verdicts))
    return 0 if all(v.status == board.PASSED for v in verdicts) else 1


def _hint(verdicts):
    from .coursework.hints import next_hint

    for verdict in verdicts:
        if verdict.status not in ("passed", "blocked"):
            return "\n" + next_hint(verdict.exercise)
    return "\nNo hint is needed."


def _wait_for_a_change(names):
    """Until a file of the exercises changes: looked at every half second, which works on every system."""
    from .coursework.board import EXERCISES
    from .coursework.runner import ROOT

    files = {ROOT / home for name, e in EXERCISES.items() if not names or name in names for home in e.homes.values()}

    def times():
        return {path: path.stat().st_mtime_ns for path in files if path.exists()}

    before = times()
    print("\nwaiting for a file to be saved; Ctrl-C ends it", file=sys.stderr)
    while times() == before:
        time.sleep(0.5)


def reset(args):
    from .coursework.student import reset_exercise

    for path, kept in reset_exercise(args.exercise):
        print(f"{path} has its stub again; what was there is in {kept}")


def submit(args):
    from .coursework.student import write_submission

    path, verdicts = write_submission(args.out, overwrite=args.force)
    points, most = sum(v.points for v in verdicts), sum(v.max_points for v in verdicts)
    print(f"{path}: the exercises' files and a report; {points} of {most} points pass here")
