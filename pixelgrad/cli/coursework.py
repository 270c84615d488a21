"""The instructor's commands: coursework make, coursework autograder, grade."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

from .check import stage_names
from .options import above_zero, at_least, language_option, percent
from .shared import keep_input

SYSTEMS = ("canvas", "moodle", "gradescope")


def add_coursework_commands(commands):
    """The commands for instructors; a student edition lacks what they need, and so them."""
    (folder,) = find_spec("pixelgrad.coursework").submodule_search_locations
    if not Path(folder, "instructor").is_dir():
        return
    p = commands.add_parser(
        "coursework",
        help="make a student edition, or an autograder (for instructors)",
        description="Make what a course needs.",
        allow_abbrev=False,
    )
    parts = p.add_subparsers(dest="part", metavar="PART", required=True)

    p = parts.add_parser(
        "make",
        help="the student edition",
        description="Write a student edition: a complete project.",
        allow_abbrev=False,
    )
    p.add_argument("out", metavar="OUT", help="folder to make; with --zip, a zip file")
    _exercises(p)
    p.add_argument("--title", help="of its README")
    language_option(p)
    p.add_argument("--zip", action="store_true", help="make a zip file instead of a folder")
    p.add_argument("--seed", type=at_least(0), default=0, help="draws the inputs of the checks (default: 0)")
    _debug(p)
    p.set_defaults(run=make)

    p = parts.add_parser(
        "autograder",
        help="what Gradescope runs",
        description="Write the zip file that Gradescope takes as an autograder. It holds the solutions.",
        allow_abbrev=False,
    )
    p.add_argument("out", metavar="OUT.zip", help="file to write")
    _exercises(p)
    p.add_argument("--seed", type=at_least(0), help="draws the inputs (default: a random one, kept in the file)")
    p.add_argument("--force", action="store_true", help="overwrite what is there")
    _debug(p)
    p.set_defaults(run=autograder)

    p = parts.add_parser(
        "answers",
        help="the file of answers that the checker reads",
        description="Compute coursework/checker/answers.h5 anew, after a change of an exercise.",
        allow_abbrev=False,
    )
    _debug(p)
    p.set_defaults(run=answers)

    p = commands.add_parser(
        "grade",
        help="grade submissions (for instructors)",
        description="Grade submissions: points, mistakes, a table, and a page about the class. Downloads of Moodle, "
        "Canvas, Gradescope and GitHub Classroom are taken as they are. Exit code 1: something could not be graded.",
        allow_abbrev=False,
    )
    p.add_argument(
        "submissions",
        metavar="SUBMISSIONS",
        help="a course system's download, packed or unpacked; a folder with a folder, archive or file for each; or one",
    )
    p.add_argument("--out", default="grades.csv", metavar="FILE", help="table to write (default: grades.csv)")
    p.add_argument("--jobs", type=at_least(1), default=1, metavar="N", help="submissions at a time (default: 1)")
    p.add_argument("--seed", type=at_least(0), help="draws the inputs (default: a random one, kept beside the table)")
    p.add_argument("--timeout", type=above_zero, default=10.0, help="seconds an exercise may take (default: 10)")
    p.add_argument(
        "--gradescope", metavar="FILE", help="SUBMISSIONS is one submission: write Gradescope's results.json there, too"
    )
    p.add_argument("--roster", metavar="FILE.csv", help="all students: who handed in nothing has a row, too")
    p.add_argument("--export", choices=SYSTEMS, help="write the file that this system imports: NAME.SYSTEM.csv")
    p.add_argument(
        "--assignment", default="pixelgrad", metavar="NAME", help="the assignment's name in Canvas (default: pixelgrad)"
    )
    p.add_argument("--feedback", metavar="DIR", help="write a page for each student there")
    p.add_argument(
        "--late", type=percent, default=0.0, metavar="PERCENT", help="what late submissions lose of their points"
    )
    p.add_argument(
        "--overrides", metavar="FILE.csv", help="your decisions: columns submission, exercise, points, late, reason"
    )
    p.add_argument(
        "--unprotected",
        action="store_true",
        help="grade also where submissions cannot be kept from your files, one at a time: only if you trust them",
    )
    p.add_argument(
        "--similarity", metavar="FILE.html", help="write a page with the pairs of submissions that are alike there"
    )
    p.add_argument("--anonymous", action="store_true", help="number the students; NAME.key.csv tells who is who")
    _exercises(p)
    language_option(p)
    p.add_argument("--force", action="store_true", help="overwrite a finished table")
    p.add_argument("-q", "--quiet", action="store_true", help="no progress, no report")
    _debug(p)
    p.set_defaults(run=grade)


def _exercises(p):
    p.add_argument("--exercises", metavar="NAME,...", help="which exercises (default: all)")
    p.add_argument(
        "--stages",
        type=stage_names,
        metavar="NAME,...",
        help="which extensions to ask for beside the core; `core` for none (default: all)",
    )


def _debug(p):
    p.add_argument("--debug", action="store_true", help="show a traceback instead of one line on errors")


def _names(args):
    return None if args.exercises is None else [name.strip() for name in args.exercises.split(",") if name.strip()]


def make(args):
    from ..coursework.instructor.make import make_edition

    out = make_edition(
        args.out,
        exercises=_names(args),
        stages=args.stages,
        title=args.title,
        lang=args.lang,
        as_zip=args.zip,
        seed=args.seed,
    )
    print(f"{out}: a student edition; its README says what to do first")


def autograder(args):
    from ..coursework.instructor.autograder import write_autograder

    out = write_autograder(args.out, exercises=_names(args), stages=args.stages, seed=args.seed, overwrite=args.force)
    print(f"{out}: upload it as the autograder of a Gradescope assignment; it holds the solutions")


def answers(args):
    from ..coursework.checker.store import ANSWERS, write_answers
    from ..coursework.instructor.answers import make_answers

    write_answers(ANSWERS, make_answers(), overwrite=True)
    print(f"{ANSWERS}: {ANSWERS.stat().st_size:,} bytes")


def grade(args):
    from dataclasses import replace

    from .._files import check_destination, written_beside
    from ..coursework.exercises.catalogue import EXERCISES
    from ..coursework.instructor.exports import write_export
    from ..coursework.instructor.feedback import write_feedback
    from ..coursework.instructor.grades import ABSENT, UNGRADED, results_json
    from ..coursework.instructor.grading import LIMITS
    from ..coursework.instructor.grading import grade as grade_all
    from ..coursework.instructor.intake import take_in
    from ..coursework.instructor.similarity import write_similarity

    for stream in (sys.stdout, sys.stderr):  # names hold letters that not every console has
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    out = Path(args.out)
    if args.anonymous and args.export:
        raise ValueError("--export needs the names that --anonymous leaves out; use one of them")
    if args.anonymous and args.similarity:
        raise ValueError("--similarity shows the names that --anonymous leaves out; use one of them")
    export = out.with_suffix(f".{args.export}.csv")
    written = (out, out.with_suffix(".html"), out.with_suffix(".key.csv"), export)
    for path in (*written, args.gradescope or out, args.similarity or out):
        keep_input(args, path)
    if args.export:  # whatever cannot be written is told before the work, not after it
        check_destination(export, overwrite=args.force)
    if args.similarity:
        check_destination(args.similarity, overwrite=args.force, suffixes=(".html",))
    if args.feedback and not Path(args.feedback).is_dir():
        check_destination(args.feedback)
    grades = grade_all(
        args.submissions,
        args.out,
        exercises=_names(args),
        stages=args.stages,
        seed=args.seed,
        jobs=args.jobs,
        limits=replace(LIMITS, seconds=args.timeout),
        single=bool(args.gradescope),
        roster=args.roster,
        anonymous=args.anonymous,
        overrides=args.overrides,
        late_percent=args.late,
        unprotected=args.unprotected,
        overwrite=args.force,
        progress=not args.quiet,
    )
    if args.gradescope:
        with written_beside(args.gradescope, overwrite=True) as temporary:
            temporary.write_text(json.dumps(results_json(grades[0]), indent=1), encoding="utf-8")
    missing = []
    if args.export:
        missing = write_export(export, args.export, grades, assignment=args.assignment, overwrite=args.force)
    pairs = []
    if args.similarity:
        taken = take_in(Path(args.submissions), single=bool(args.gradescope)).submissions
        names = [name for name in EXERCISES if name in (_names(args) or EXERCISES)]
        pairs = write_similarity(args.similarity, taken, names, overwrite=args.force)
    pages = write_feedback(args.feedback, grades) if args.feedback else []
    if not args.quiet:
        came = [g for g in grades if g.state != ABSENT]
        mean = sum(g.points for g in came) / max(1, len(came))
        print(f"{args.out}: {len(came)} submissions, {mean:.1f} of {grades[0].max_points} points on average")
        print(f"{out.with_suffix('.html')}: which mistakes the class made")
        if args.export:
            print(f"{export}: for {args.export.capitalize()}")
        if args.similarity:
            print(f"{args.similarity}: pairs of submissions that are alike: {len(pairs)}")
        if pages:
            print(f"{args.feedback}: {len(pages)} pages of feedback")
        for g in grades:
            if g.state == ABSENT:
                print(f"Handed in nothing: {g.submission}")
    for words in missing:
        print(f"Not in {export}: {words}", file=sys.stderr)
    failed = [g for g in grades if g.state == UNGRADED]
    for g in failed:
        print(f"Not graded: {g.submission}: {g.error}", file=sys.stderr)
    # Gradescope reads the result, and takes another exit code for a crash of the autograder.
    return 1 if failed and not args.gradescope else 0
