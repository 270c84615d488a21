"""The command that opens the explorer, or writes it as one file."""

import importlib.util
import os

from .options import add_common, at_least, language_option
from .shared import IMAGE_HELP, add_command, add_model, check_output, load_model, picture_of, say

NEEDED = ("starlette", "uvicorn")


def add_explore(commands):
    p = add_command(
        commands, "explore", explore, "look into a network in the browser: every number, forward and backward"
    )
    p.add_argument("image", metavar="IMAGE", nargs="?", help=f"{IMAGE_HELP} (default: cat where it is there)")
    add_model(p)
    p.add_argument("--port", type=at_least(0), default=0, help="that the page is served on (default: any free one)")
    p.add_argument("--no-browser", action="store_true", help="print the address only")
    p.add_argument("--export", metavar="FILE", help="write one HTML file with results computed beforehand, and end")
    p.add_argument("--force", action="store_true", help="overwrite the file of --export")
    language_option(p)
    add_common(p, out_help=None, seed=False)


def explore(args):
    from .._language import language
    from ..datasets import default_sample, sample_names

    if args.port > 65535:
        raise ValueError(f"--port: {args.port} is not one of 0 to 65535")
    if args.export:
        _check_export_options(args)
        check_output(args, args.export, suffixes=(".html", ".htm"))
    elif missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise ValueError(f'the explorer needs {" and ".join(missing)}; pip install "pixelgrad[explore]"')
    image = args.image or default_sample()
    model = load_model(args)  # complains now of what cannot be used, not in the browser
    picture_of(image, model.input_size)
    name = args.model or "standard"
    known = name if name in ("standard", "robust", "squeezenet") else "file"
    options = {"image": os.path.abspath(image) if os.path.isfile(image) else image}
    options["language"] = language()
    options["weights"] = os.path.abspath(name) if known == "file" else None
    if args.export:
        return _export(args, options, known)
    from ..explore.answers import Answers
    from ..explore.page import page_settings
    from ..explore.serve import serve

    is_sample = image in sample_names() and not os.path.isfile(image)
    settings = page_settings(
        networks=Answers(**options).networks(),
        model=known,
        engine=args.engine,
        sample=image if is_sample else "",
        given="" if is_sample else os.path.basename(image),
    )
    serve(settings, options, port=args.port, browser=not args.no_browser, quiet=args.quiet and not args.no_browser)


def _check_export_options(args):
    """What only a served page has is refused, not ignored."""
    for option, usual in (("port", 0), ("no_browser", False), ("engine", "fast")):
        if getattr(args, option) != usual:
            raise ValueError(f"--{option.replace('_', '-')} has no effect with --export; leave it out")


def _export(args, options, model):
    from ..explore.export import export_page

    size = export_page(args.export, options, model=model, overwrite=args.force, progress=None if args.quiet else True)
    say(args, f"one page of {size / 2**20:.1f} MB in {args.export}")
