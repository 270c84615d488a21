"""The student's commands: check, reset, submit."""

import json
import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

from .._language import marked
from .._language import translated as _
from .options import above_zero, language_option

_MOST_LINES = 20  # of what a student's code prints


def stage_names(text):
    """An argument type: names, separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


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
    p.add_argument(
        "--stages",
        type=stage_names,
        metavar="NAME,...",
        help="which extensions to ask for beside the core; `core` for none (default: all, or what your course says)",
    )
    p.add_argument("--list", action="store_true", help="list the exercises, with their files, without checking them")
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    p.add_argument("--timeout", type=above_zero, default=5.0, help="seconds an exercise may take (default: 5)")
    language_option(p)
    p.add_argument("--debug", action="store_true", help="show a traceback instead of one line on errors")
    p.set_defaults(run=check)

    p = commands.add_parser(
        "reset",
        help="restore the stub of an exercise",
        description="Restore the stub of an exercise's functions; what was there is kept in a file beside it.",
        allow_abbrev=False,
    )
    p.add_argument("exercise", metavar="EXERCISE")
    language_option(p)
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
    language_option(p)
    p.add_argument("--debug", action="store_true", help="show a traceback instead of one line on errors")
    p.set_defaults(run=submit)


def check(args):
    from ..coursework.checker.board import EXERCISES, known_exercise
    from ..coursework.exercises.catalogue import STAGES, check_stages

    _here()
    args.stages = STAGES if args.stages is None else args.stages
    check_stages(args.stages)
    for name in args.exercises:
        known_exercise(name)
    if args.list:
        for exercise in EXERCISES.values():
            if not args.exercises or exercise.id in args.exercises:
                files = ", ".join(dict.fromkeys(exercise.files.values()))
                asked = exercise.stages((), args.stages)
                points, stages = sum(one.points for one in asked), ", ".join(f"{one.id} {one.points}" for one in asked)
                title = _(exercise.title)
                print(
                    f"{exercise.id:20s} "
                    + _(
                        "{points} points ({stages})  {title}  [{files}]",
                        points=f"{points:3d}",
                        stages=stages,
                        title=title,
                        files=files,
                    )
                )
        return 0
    if hasattr(sys.stdout, "reconfigure"):  # a console of another encoding gets ? for what it cannot show
        sys.stdout.reconfigure(errors="replace")
    while True:
        before = _saved(args.exercises)  # what is saved while we check must not be missed
        if args.watch:  # one board follows another
            print(f"\n── {time.strftime('%H:%M:%S')} {'─' * 60}")
        code = _check_once(args)
        if not args.watch:
            return code
        sys.stdout.flush()
        print("\n" + _("waiting for a file to be saved; Ctrl-C ends it"), file=sys.stderr)
        while _saved(args.exercises) == before:  # looking works on every system
            time.sleep(0.5)


def _here():
    """Raise if the folder we are in is another project than the one that would be checked."""
    from ..coursework.exercises.catalogue import EDITION, ROOT

    here = Path.cwd()
    if (here / EDITION).is_file() and here.resolve() != ROOT:
        raise ValueError(
            _(
                "this folder is a student edition, but the pixelgrad that runs is that of {root}; "
                "run `pip install -e .` here (best in a virtual environment of its own), or "
                "`python -m pixelgrad check`",
                root=ROOT,
            )
        )


def _check_once(args):
    from tqdm import tqdm

    from ..coursework.checker import board
    from ..coursework.checker.runner import Limits

    count = len(args.exercises) or len(board.EXERCISES)
    with tqdm(total=count, disable=args.json or None, desc="checking", unit="exercise", leave=False, delay=2) as bar:
        verdicts, printed = board.check(
            args.exercises, stages=args.stages, limits=Limits(seconds=args.timeout), done=lambda name: bar.update()
        )
    if args.json:
        print(json.dumps(board.as_dict(verdicts), indent=1))
    else:
        width = min(100, max(60, shutil.get_terminal_size().columns)) if sys.stdout.isatty() else 100
        print(board.board(verdicts, width=width, colour=_has_colour(sys.stdout)))
        if printed.strip():
            lines = printed.rstrip().splitlines()
            more = [_("... and more")] if len(lines) > _MOST_LINES else []
            print("\n".join(["", _("Your code printed:"), *lines[:_MOST_LINES], *more]))
        if args.hint:
            print(_hint(verdicts))
    return 0 if all(v.status == board.PASSED for v in verdicts) else 1


def _has_colour(stream):
    """Whether to write colours: to a terminal that knows them, unless NO_COLOR (no-color.org) is set."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb"
    return stream.isatty() and not plain


def _hint(verdicts):
    from ..coursework.checker.hints import next_hint

    for verdict in verdicts:
        if verdict.status not in ("passed", "blocked"):
            return "\n" + next_hint(verdict.exercise)
    return "\n" + _("No hint is needed.")


def _saved(names):
    """When the files of exercises, and of those that they call, were saved: {path: time}."""
    from ..coursework.checker.board import EXERCISES, with_needs
    from ..coursework.exercises.catalogue import ROOT

    times = {}
    for name in with_needs(names or EXERCISES):
        for file in EXERCISES[name].files.values():
            with suppress(OSError):  # while an editor puts a new file in its place there is none
                times[file] = (ROOT / file).stat().st_mtime_ns
    return times


def reset(args):
    _here()
    from ..coursework.checker.student import STUBS, reset_exercise, still_broken
    from ..coursework.exercises.catalogue import ROOT

    changed = reset_exercise(args.exercise)
    if not changed:
        print(_("{exercise} has its stubs already", exercise=args.exercise))
    for path, kept in changed:
        words = marked(
            "{file}: {exercise} has its stubs back, the rest is as it was; what was there before is in {kept}"
        )
        print(_(words, file=path, exercise=args.exercise, kept=kept))
    broken = still_broken(args.exercise)
    if broken:
        file, words = broken
        print(_("But {file} still cannot be imported: {words}", file=file, words=words))
        stub = f"{STUBS}/{file}.txt"
        there = (ROOT / stub).is_file()
        print(_("Fix that, or restore the whole file: copy {stub} over it", stub=stub) if there else _("Fix that"))


def submit(args):
    _here()
    from ..coursework.checker.student import write_submission

    path, verdicts = write_submission(args.out, overwrite=args.force)
    points, most = sum(v.points for v in verdicts), sum(v.max_points for v in verdicts)
    words = marked("{path}: the exercises' files and a report; {points} of {most} points pass here")
    print(_(words, path=path, points=points, most=most))
