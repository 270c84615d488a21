"""`pixelgrad convert`: weights of other libraries as a weights file of ours."""

import hashlib
from datetime import date
from pathlib import Path

from .options import add_common
from .shared import check_output


def add_convert(commands):
    p = commands.add_parser(
        "convert",
        help="make a weights file from torchvision's SqueezeNet 1.1",
        description="Make a weights file of pixelgrad's from torchvision's SqueezeNet 1.1.",
        allow_abbrev=False,
    )
    p.add_argument("weights", metavar="IN", help="torchvision's weights: .npz with an array a parameter, or .pth")
    p.add_argument("out", metavar="OUT.h5", help="weights file to write")
    p.add_argument(
        "--classes",
        metavar="FILE",
        help="names of the classes, a line each: WordNet id, space, names (default: they are called by number)",
    )
    p.add_argument("--half", action="store_true", help="store numbers in 16 bits, for half the size")
    p.add_argument("--force", action="store_true", help="overwrite what is there")
    add_common(p, out_help=None, seed=False)
    p.set_defaults(run=run_convert)


def run_convert(args):
    from ..classifiers import convert_squeezenet, read_torchvision
    from ..datasets import load_class_names

    check_output(args, args.out, suffixes=(".h5", ".hdf5"))
    class_names, wnids = (None, None) if args.classes is None else load_class_names(args.classes)
    arrays = read_torchvision(args.weights)
    source = Path(args.weights)
    provenance = {
        "source": f"torchvision's SqueezeNet 1.1, {source.name}",
        "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "data": "ImageNet",
        "command": " ".join(["pixelgrad convert", source.name, Path(args.out).name, *_options(args)]),
        "date": date.today().isoformat(),
    }
    model = convert_squeezenet(arrays, class_names=class_names, wnids=wnids, provenance=provenance)
    model.save(args.out, dtype="float16" if args.half else "float32", overwrite=args.force)
    if not args.quiet:
        print(f"{args.out}: SqueezeNet 1.1, {model.num_classes} classes, {Path(args.out).stat().st_size:,} bytes")


def _options(args):
    classes = [] if args.classes is None else ["--classes", Path(args.classes).name]
    return [*classes, *(["--half"] if args.half else [])]
