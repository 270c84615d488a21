"""The command that shows what is typical of classes: visualize, and with --facets the kinds of images in a class."""

import numpy as np

from .options import add_common, at_least, not_negative
from .shared import (
    CLASS_HELP,
    FIGURES,
    Latest,
    add_command,
    add_model,
    add_step_options,
    as_pair,
    check_output,
    end_with_ctrl_c,
    layer_of,
    load_model,
    save_figure,
    say,
    stopped_by_ctrl_c,
)

FACET_STEP = 4  # grey levels: means of images are weak, and the usual steps would soon make them all alike


def add_visualize(commands):
    p = add_command(
        commands, "visualize", visualize, "the image most typical of a class, or one for each of its facets"
    )
    p.add_argument("labels", nargs="+", metavar="CLASS", help=CLASS_HELP)
    p.add_argument(
        "--facets",
        type=at_least(1),
        metavar="K",
        help="so many images of each class, begun with means of alike images that --data has of it",
    )
    p.add_argument("--data", metavar="PATH", help="with --facets: TinyImageNet, its folder or its zip file")
    p.add_argument("--cache", metavar="DIR", help="with --data: folder for the decoded images")
    p.add_argument("--facet-layer", metavar="LAYER", help="by whose features images are alike (default: by pixels)")
    p.add_argument(
        "--objective",
        choices=("score", "log_odds"),
        default="score",
        help="what to maximize; log_odds tells the class from its near relatives (default: score)",
    )
    p.add_argument("--iterations", type=at_least(1), help="steps in each octave (default: 40; 30 with --facets)")
    p.add_argument("--octaves", type=at_least(1), help="sizes of the picture (default: 3; 1 with --facets)")
    p.add_argument("--octave-scale", type=float, default=1.4, help="from one to the next (default: 1.4)")
    p.add_argument(
        "--size",
        type=at_least(8),
        metavar="PIXELS",
        help="side of the square (default: 1.5 times the network's own, where it takes any size)",
    )
    p.add_argument(
        "--l2-reg",
        type=not_negative,
        help="weight of the L2 penalty (default: by the network's pixel scale; 0 with --facets)",
    )
    p.add_argument("--max-jitter", type=at_least(0), default=8, help="pixels (default: 8)")
    p.add_argument("--blur-every", type=at_least(0), default=8, help="steps; 0 for never (default: 8)")
    add_step_options(p)
    add_model(p)
    add_common(p, out="class.png", out_help="picture to write", by_options=True)


def visualize(args):
    from ..visualization import create_class_visualization
    from ..visualization.image_ops import grey_levels
    from ..visualization.plots.pictures import plot_images, short_name

    check_output(args, args.out, suffixes=FIGURES)
    model = load_model(args)
    target = np.array([model.class_index(label) for label in args.labels])
    starts = _starts(args, model, target)
    options = {"num_iterations": 40, "num_octaves": 3, "l2_reg": None, "learning_rate": None}
    options["size"] = None if args.size is None else as_pair(args.size)
    if starts is not None:
        target = np.repeat(target, args.facets)
        rate = None if args.raw else grey_levels(model, starts[0].X, FACET_STEP)
        options = {"num_iterations": 30, "num_octaves": 1, "l2_reg": 0.0, "learning_rate": rate}
        options["X_init"] = np.concatenate([facets.X for facets in starts])
    asked = {
        "num_iterations": args.iterations,
        "num_octaves": args.octaves,
        "l2_reg": args.l2_reg,
        "learning_rate": args.learning_rate,
    }
    options |= {name: value for name, value in asked.items() if value is not None}
    latest = Latest()
    interrupted = stopped_by_ctrl_c(
        lambda: create_class_visualization(
            target,
            model,
            normalize=not args.raw,
            objective=args.objective,
            octave_scale=args.octave_scale,
            max_jitter=args.max_jitter,
            blur_every=args.blur_every,
            rng=args.seed,
            callback=latest,
            progress=not args.quiet,
            **options,
        )
    )
    X = latest.finished()
    chances = model.probabilities(X)[np.arange(len(target)), target]
    names = [short_name(model.class_names[k]) for k in target]
    if starts is None:
        figure = plot_images(model.deprocess(X), [f"{name}\np = {p:.3f}" for name, p in zip(names, chances)])
    else:
        names = [f"{name}, facet {k % args.facets + 1}" for k, name in enumerate(names)]
        figure = _plot_facets(model, starts, X, names, chances)
    save_figure(args, figure)
    say(args, f"{', '.join(f'{name} (p = {p:.3f})' for name, p in zip(names, chances))} in {args.out}")
    end_with_ctrl_c(interrupted, args.out)


def _starts(args, model, target):
    """For each class the Facets of its images in --data; None without --facets."""
    from ..datasets import load_tiny_imagenet
    from ..visualization.facets import facet_starts

    if args.facets is None:
        for option in ("data", "cache", "facet_layer"):
            if getattr(args, option) is not None:
                raise ValueError(f"--{option.replace('_', '-')} has an effect with --facets only")
        return None
    if args.size is not None:
        raise ValueError("--facets begins with images of the network's own size; leave out --size")
    if args.data is None:
        raise ValueError("--facets begins with images of the class: name a TinyImageNet by --data PATH")
    layer = None if args.facet_layer is None else layer_of(model, args.facet_layer)
    data = load_tiny_imagenet(args.data, cache_dir=args.cache, progress=not args.quiet)
    starts = []
    for k in target:
        images = _images_of(args, model, data, k)
        starts.append(facet_starts(images, model, num_facets=args.facets, layer=layer, rng=args.seed))
    return starts


def _images_of(args, model, data, k):
    """The training images that the data set has of the network's class k, uint8 (N, 3, H, W)."""
    own, theirs = (model.class_names, data["class_names"]) if model.wnids is None else (model.wnids, data["wnids"])
    if own[k] not in theirs:
        raise ValueError(f"{args.data} has no images of {model.class_names[k]!r}; --facets needs a data set that has")
    return np.asarray(data["X_train"][data["y_train"] == theirs.index(own[k])])


def _plot_facets(model, starts, X, names, chances):
    """For each class two rows: the means, and what they became."""
    from ..visualization.plots.pictures import plot_images

    means = [model.deprocess(facets.X) for facets in starts]
    became = np.split(model.deprocess(X), len(starts))
    titles = np.split(np.array([f"{name}\np = {p:.3f}" for name, p in zip(names, chances)]), len(starts))
    pictures, lines = [], []
    for facets, *rows, row_titles in zip(starts, means, became, titles):
        sizes = np.bincount(facets.labels)
        begun = [f"start: mean of {len(n)}\nof {size} similar images" for n, size in zip(facets.nearest, sizes)]
        pictures += [*rows[0], *rows[1]]
        lines += [*begun, *row_titles]
    return plot_images(pictures, lines, columns=len(starts[0].X))
