"""The command line: `pixelgrad COMMAND ...`, or `python -m pixelgrad COMMAND ...`.

Each command is a function that takes the parsed arguments and returns an exit code (None counts as 0). What a
user did wrong ends in one line on standard error and exit code 2; Ctrl-C in 130; `--debug` shows the traceback.
"""

import argparse
import difflib
import os
import re
import signal
import sys
import traceback

from .. import __version__
from .._language import in_language
from ..todo import Todo
from .reports import settle_reports


def console():
    """What the console command and `python -m pixelgrad` start.

    Pictures come from many small matrix products. A second BLAS thread gains nothing on them, and loses a lot when
    another program is busy: then the threads wait for each other. Training and evaluation have large products and keep
    all threads. This must be settled before NumPy is imported; OPENBLAS_NUM_THREADS in the environment goes first.
    """
    if not {"train", "evaluate"} & set(sys.argv[1:]):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Figures are drawn without a window. A notebook hands its own backend on to its commands.
    os.environ.pop("MPLBACKEND", None)
    # tqdm takes defaults from the environment, and stops at those that it cannot use.
    for name in [name for name in os.environ if name.startswith("TQDM_")]:
        del os.environ[name]
    settle_reports()
    signal.signal(signal.SIGTERM, _interrupt)
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _interrupt(*_):
    """What ends a program from outside ends it as Ctrl-C does: the picture so far is kept."""
    raise KeyboardInterrupt


def _missing(error):
    """The message for a missing module: which one imports it, if it is not a dependency of ours."""
    needed = {"numpy", "scipy", "matplotlib", "h5py", "tqdm", "threadpoolctl", "PIL", "skimage"}
    name = (error.name or "").split(".")[0]
    if name in needed:
        return f"{name} is not installed; pip install -e . installs what is needed"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    return f"{frames[-1].filename}, line {frames[-1].lineno}: {error}"


def main(argv=None):
    """Run a command; return its exit code (0 fine, 1 failed, 2 misuse or bad input, 130 interrupted)."""
    args = None
    try:
        args = make_parser().parse_args(argv)
        return _run(args)
    except KeyboardInterrupt as stop:
        print(f"pixelgrad: stopped{': ' + str(stop) if str(stop) else ''}", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        if args is not None and args.debug:
            raise
        print(f"pixelgrad: {_missing(error)}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        return 0
    except Todo as error:
        if args is None or args.debug:
            raise
        exercise, _, function = str(error).partition(": ")
        words = f"{exercise} comes first: {function} is still to do" if function else f"still to do: {error}"
        print(
            f"pixelgrad {args.command}: {words}; pixelgrad check {exercise if function else ''}".rstrip(),
            file=sys.stderr,
        )
        return 2
    except Exception as error:
        if args is None or args.debug:
            raise
        from .layer_comparison import LayerFault
        from .shared import one_line

        words, code = one_line(error), 2
        if isinstance(error, LayerFault):
            code = 1
        elif not isinstance(error, ValueError | TypeError | OSError | FloatingPointError | MemoryError):
            words, code = f"unexpected {type(error).__name__}: {words}; --debug shows where", 1  # a mistake of ours
        print(f"pixelgrad {args.command}: {words}", file=sys.stderr)
        return code


def _run(args):
    """Run a command; an error that a layer of the engine asked for made becomes one that names the layer."""
    from .layer_comparison import LayerFault, layer_fault

    try:
        with in_language(getattr(args, "lang", None)):
            return args.run(args) or 0
    except (LayerFault, Todo):
        raise
    except Exception as error:
        if fault := layer_fault(args, error):
            raise fault from error
        raise


class _Parser(argparse.ArgumentParser):
    """A parser that names the nearest choices when one is misspelt: there may be dozens of them."""

    def error(self, message):
        if wrong := re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message):
            names = [name.strip("' ") for name in wrong[2].split(",")]
            plain = {name.lower().replace("-", "_"): name for name in names}
            if near := difflib.get_close_matches(wrong[1].lower().replace("-", "_"), plain):
                message += f"; did you mean {' or '.join(plain[name] for name in near)}?"
        super().error(message)


def make_parser():
    """The parser with all commands."""
    # Imported here, so that Ctrl-C and missing packages are dealt with while NumPy and h5py load.
    from .attacks import add_attack_commands
    from .check import add_check_commands
    from .concepts import add_concept_commands
    from .convert import add_convert
    from .coursework import add_coursework_commands
    from .download import add_download
    from .evaluate import add_evaluate
    from .explore import add_explore
    from .features import add_feature_commands
    from .maps import add_map_commands
    from .pictures import add_picture_commands
    from .ranking import add_rank_maps
    from .style import add_style_commands
    from .train import add_train

    parser = _Parser(
        prog="pixelgrad", description="What a convolutional network sees, computed by hand in plain NumPy."
    )
    parser.add_argument("--version", action="version", version=f"pixelgrad {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    looking = (add_picture_commands, add_feature_commands, add_map_commands, add_attack_commands, add_style_commands)
    for add in (
        *looking,
        add_concept_commands,
        add_explore,
        add_download,
        add_convert,
        add_train,
        add_evaluate,
        add_rank_maps,
        add_check_commands,
        add_coursework_commands,
    ):
        add(commands)
    return parser
