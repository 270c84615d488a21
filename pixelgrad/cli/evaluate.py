"""`pixelgrad evaluate`: how good a network is on TinyImageNet's validation images."""

import csv
from pathlib import Path

import numpy as np

from .._files import written_beside
from .options import above_zero, add_common, at_least
from .shared import check_output

COLUMNS = ("index", "wnid", "name", "images", "top1", "top5", "mistaken_for", "times")


def add_evaluate(commands):
    text = "how good the network is on TinyImageNet: a table, a CSV file and a picture"
    p = commands.add_parser("evaluate", help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
    p.add_argument("data", metavar="DATA", help="TinyImageNet: its folder or its zip file")
    p.add_argument("--model", metavar="FILE", help="weights file, or robust (default: the shipped standard network)")
    p.add_argument("--attack", choices=("l2", "linf"), help="attack every image first (PGD), and measure what is left")
    p.add_argument(
        "--eps", type=above_zero, default=1.0, help="largest change, in units where pixels are 0..1 (default: 1)"
    )
    p.add_argument("--steps", type=at_least(1), default=10, help="steps of the attack (default: 10)")
    p.add_argument("--worst", type=at_least(0), default=10, help="classes and pairs to list (default: 10)")
    p.add_argument("--cache", metavar="DIR", help="folder for the decoded images (default: beside the data)")
    add_common(p, out="evaluation.csv", out_help="table to write, a row a class; the picture goes to NAME.png")
    p.set_defaults(run=run_evaluate)


def run_evaluate(args):
    from ..classifiers import Adversary, PretrainedCNN, evaluate
    from ..datasets import DataError, load_tiny_imagenet
    from ..visualization.plots.pictures import plot_evaluation, short_name

    out = Path(args.out)
    picture = out.with_suffix(".png")
    check_output(args, out, suffixes=(".csv",))
    check_output(args, picture)
    if not args.attack and (args.eps, args.steps) != (1.0, 10):
        raise ValueError("--eps and --steps have no effect without --attack")
    adversary = Adversary(args.eps, args.steps, norm=args.attack) if args.attack else None
    model = PretrainedCNN(variant="robust") if args.model == "robust" else PretrainedCNN(args.model)
    data = load_tiny_imagenet(args.data, cache_dir=args.cache, progress=not args.quiet)
    y = _labels_of(model, data, DataError)
    result = evaluate(model, data["X_val"], y, adversary=adversary, rng=args.seed, progress=not args.quiet)
    classes = result.per_class()
    names = [short_name(name) for name in model.class_names]
    wnids = model.wnids or [""] * model.num_classes

    with written_beside(out, overwrite=args.force) as temporary, open(temporary, "w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(COLUMNS)
        for r in classes:
            mistaken = "" if r.mistaken_for is None else model.class_names[r.mistaken_for]
            row = [r.index, wnids[r.index], model.class_names[r.index], r.images, r.top1, r.top5, mistaken, r.times]
            writer.writerow(row)
    heading = f"top-1 {result.top1:.1%}, top-5 {result.top5:.1%}, loss {result.loss:.3f}, {len(y)} validation images"
    if adversary:
        heading += f", attacked: {args.attack} of {args.eps:g}, {args.steps} steps"
    with written_beside(picture, overwrite=args.force) as temporary:
        plot_evaluation(result, model.class_names, heading=heading).savefig(temporary)

    print(heading)
    if args.quiet or not args.worst:
        return
    print(f"\n{'hardest classes':32s} {'top-1':>7s} {'top-5':>7s}  most often taken for")
    for r in sorted(classes, key=lambda r: r.top1)[: args.worst]:
        mistaken = "" if r.mistaken_for is None else f"{names[r.mistaken_for]} ({r.times})"
        print(f"{r.index:4d} {names[r.index]:27.27s} {r.top1:7.1%} {r.top5:7.1%}  {mistaken}")
    print("\nclasses most often taken for one another")
    for i, j, times in result.worst_pairs(args.worst):
        print(f"{times:4d} times  {names[i]} and {names[j]}")
    print(f"\nall classes: {out}, {picture}")


def _labels_of(model, data, error):
    """The validation labels as the network numbers its classes."""
    if data["y_val"] is None or not len(data["y_val"]):
        raise error("evaluate: the data has no validation images with labels")
    if model.wnids is None:
        if model.num_classes != len(data["wnids"]):
            raise error(f"evaluate: the network has {model.num_classes} classes, the data {len(data['wnids'])}")
        return data["y_val"]
    missing = [wnid for wnid in data["wnids"] if wnid not in model.wnids]
    if missing:
        raise error(
            f"evaluate: the network does not know {len(missing)} of the data's classes, such as {missing[0]}; "
            "is this the data set it was trained on?"
        )
    return np.array([model.wnids.index(wnid) for wnid in data["wnids"]])[data["y_val"]]
