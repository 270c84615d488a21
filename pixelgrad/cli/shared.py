"""What the commands about pictures share: the network, pictures, output files, and Ctrl-C."""

import os
import re
from functools import partial
from pathlib import Path

import numpy as np

from .._files import check_destination, written_beside
from .options import above_zero, at_least, name_by_options

FIGURES = (".png", ".jpg", ".jpeg", ".pdf", ".svg")  # what a figure can be saved as
IMAGE_HELP = "a picture file, or the name of a sample photograph (cat, portrait, ...)"
MORE_SAMPLES = ' (cat, coffee, ... come with scikit-image: pip install "pixelgrad[gallery]")'
_MODEL = (
    "weights file; standard or robust for the shipped ones, robust being trained on attacked images; squeezenet for "
)
_MODEL += "squeezenet1_1.h5"
ENGINES = ("fast", "im2col", "naive")  # as in classifiers.engines, which parsing the arguments need not import
WRITTEN = ("out", "stem", "feedback", "gradescope", "run_folder", "cache")  # options that name what is written
CLASS_HELP = "a class: name, WordNet id or index; index:5 or name:5 where classes have numbers for names"


class Latest:
    """A callback that keeps the newest image or other result, so that Ctrl-C does not lose it."""

    def __init__(self, X=None):
        self.t, self.X, self.info = 0, X, {}

    def __call__(self, t, X, info):
        self.t, self.X, self.info = t, X, info

    def finished(self):
        """The newest result; goes on with Ctrl-C if there is none yet."""
        if self.X is None:
            raise KeyboardInterrupt("before the first step was done; nothing was written")
        return self.X


def stopped_by_ctrl_c(technique):
    """Run a technique; True if it was stopped by Ctrl-C."""
    try:
        technique()
    except KeyboardInterrupt:
        return True
    return False


def end_with_ctrl_c(interrupted, out, done=""):
    """Go on with Ctrl-C, now that what had been `done` is written."""
    if interrupted:
        raise KeyboardInterrupt(f"{done and done + '; '}the picture so far is in {out}")


def add_command(commands, name, run, text):
    """A parser for a command; once its options are read, run(args) is called with a name for the output in args.out."""
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
    parser.set_defaults(run=partial(_start, parser, run))
    return parser


def _start(parser, run, args):
    if getattr(args, "out", "") is None:
        args.out = name_by_options(parser, args)
    try:
        return run(args)
    except FileExistsError as error:  # functions name their argument; here it is called --force
        raise FileExistsError(str(error).replace(" (overwrite=True)", "")) from error


def only_for(parser, methods, *options):
    """Say that options have an effect with some values of --method only; `check_method` refuses them with others."""
    of_methods = parser.get_default("of_methods") or {}
    named = {option: (methods, parser.get_default(option)) for option in options}
    parser.set_defaults(of_methods=of_methods | named)


def check_method(args):
    """Raise if an option was given that has no effect with the --method asked for."""
    for option, (methods, usual) in args.of_methods.items():
        if args.method not in methods and getattr(args, option) != usual:
            option = option.replace("_", "-")
            raise ValueError(f"--{option} has no effect with --method {args.method}; it is for {' and '.join(methods)}")


def add_model(parser, *, engine=True, default=None):
    usual = "standard" if default is None else default
    parser.add_argument("--model", metavar="FILE", default=default, help=f"{_MODEL} (default: {usual})")
    if engine:
        parser.add_argument(
            "--engine",
            choices=ENGINES,
            default="fast",
            help="what computes the layers: fast kernels, matrix products, or the plain loops that students write "
            "(default: fast)",
        )


def add_model_and_size(parser, *, default=None):
    add_model(parser, default=default)
    parser.add_argument(
        "--size",
        type=at_least(8),
        metavar="PIXELS",
        help="side of the square the picture becomes (default: the network's)",
    )


def add_step_options(parser):
    parser.add_argument(
        "--learning-rate",
        type=above_zero,
        metavar="STEP",
        help="length of a step, in model space (default: by the technique and the network's pixel scale)",
    )
    parser.add_argument(
        "--raw", action="store_true", help="step by learning rate x gradient, not normalised; needs --learning-rate"
    )


def load_model(args):
    from ..classifiers import PretrainedCNN, SqueezeNet

    if getattr(args, "raw", False) and args.learning_rate is None:
        raise ValueError("--raw needs --learning-rate, the factor of the gradient")
    engine = getattr(args, "engine", "fast")
    if args.model == "squeezenet":
        model = SqueezeNet(engine=engine)
    elif args.model in ("standard", "robust"):
        model = PretrainedCNN(variant=args.model, engine=engine)
    else:
        model = PretrainedCNN(args.model, engine=engine)
    args.network = model  # for what an error has to say about its layers
    return model


def layer_of(model, text):
    return model.layer_index(int(text) if re.fullmatch("-?[0-9]+", text) else text)


def mixture_of(model, text):
    """What `deepdream` takes as layer from LAYER[/CHANNEL][:WEIGHT],..."""
    mixture = {}
    for part in text.split(","):
        match = re.fullmatch(r"\s*(-?[^/:]+?)(?:/([0-9]+))?(?::([-+0-9.eE]+))?\s*", part)
        if match is None:
            raise ValueError(f"--layer: {part!r} is not LAYER[/CHANNEL][:WEIGHT], such as conv5/17:20")
        layer, channel, weight = layer_of(model, match[1]), match[2], float(match[3] or 1)
        mixture[layer if channel is None else (layer, int(channel))] = weight
    return mixture


def picture_of(name, size):
    """A user's file or a sample photograph as uint8 (H, W, 3)."""
    from ..datasets import load_image, sample_image, sample_names

    if not os.path.isfile(name) and name in sample_names():
        return sample_image(name, size=size)
    if not os.path.exists(name) and not Path(name).suffix:
        raise FileNotFoundError(
            f"there is no file {name}, and no sample photograph of that name; the samples are "
            f"{', '.join(sample_names())}" + ("" if "cat" in sample_names() else MORE_SAMPLES)
        )
    return load_image(name, size=size)


def as_pair(size):
    return (size, size) if np.ndim(size) == 0 else tuple(size)


def noise_like(model, X, seed):
    from ..visualization.image_ops import noise

    return noise(model, X.shape, np.random.default_rng(seed), rms=5)


def check_output(args, path, *, suffixes=None):
    """Raise unless a command can write to `path`: before the work, for each name that it will write.

    As `check_destination`, with --force; and what the command reads is never overwritten, not even with --force.
    """
    check_destination(path, overwrite=args.force, suffixes=suffixes)
    keep_input(args, path)


def keep_input(args, path):
    """Raise if a command would overwrite what it reads."""
    for name in _read_by(args):
        if os.path.exists(path) and os.path.samefile(name, path):
            raise FileExistsError(f"cannot write {path}: the command reads this file; choose another name by --out")


def _read_by(args):
    """The files among a command's arguments, without the ones that it writes."""
    for option, value in vars(args).items():
        for text in value if isinstance(value, list | tuple) else [value]:
            if option not in WRITTEN and isinstance(text, str) and os.path.isfile(text):
                yield text


def save_figure(args, figure):
    with written_beside(args.out, overwrite=args.force) as temporary:
        figure.savefig(temporary)


def say(args, text):
    if not args.quiet:
        print(text)


def one_line(error):
    text = " ".join(str(error).split()).replace(" (overwrite=True)", "")  # here it is called --force
    return text or type(error).__name__
