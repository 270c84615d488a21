"""The commands whose answers are not maps: concepts, counterfactual."""

from pathlib import Path

import numpy as np

from .options import above_zero, add_common, at_least, fraction
from .shared import (
    CLASS_HELP,
    FIGURES,
    IMAGE_HELP,
    Latest,
    add_command,
    add_model,
    add_model_and_size,
    check_output,
    end_with_ctrl_c,
    layer_of,
    load_model,
    picture_of,
    save_figure,
    say,
    stopped_by_ctrl_c,
)

KNOWN = 0.6  # accuracy below which a classifier is hardly better than chance
RANDOM = 300  # images of a data set to draw counterparts from, or three for each of the concept's


def add_concept_commands(commands):
    p = add_command(
        commands, "concepts", concepts, "does a class depend on something that you have pictures of? (TCAV)"
    )
    p.add_argument("data", metavar="DATA", help="TinyImageNet: its folder or its zip file")
    p.add_argument("--class", dest="label", metavar="CLASS", required=True, help=CLASS_HELP)
    p.add_argument(
        "--concept",
        dest="concepts",
        nargs="+",
        metavar="FOLDER",
        required=True,
        help="folders of pictures, one for each concept; some 30 pictures or more",
    )
    p.add_argument(
        "--random",
        metavar="FOLDER",
        help="folder of pictures without the concepts, at least twice as many (default: training images of other "
        "classes, drawn by --seed)",
    )
    p.add_argument("--images", type=at_least(1), metavar="N", help="validation images of the class (default: all)")
    p.add_argument("--layer", default="-4", help="index or name, where the concept is looked for (default: -4)")
    p.add_argument("--runs", type=at_least(2), default=10, help="how often counterparts are drawn (default: 10)")
    p.add_argument("--cache", metavar="DIR", help="folder for the decoded images (default: beside the data)")
    add_model(p)
    add_common(p, out="concepts.png", out_help="picture to write", by_options=True)

    text = "what would have to be different in a picture for the network to see another class"
    p = add_command(commands, "counterfactual", run_counterfactual, text)
    p.add_argument("image", metavar="IMAGE", help=IMAGE_HELP)
    p.add_argument("--target", metavar="CLASS", required=True, help=CLASS_HELP)
    p.add_argument(
        "--confidence", type=fraction, default=0.9, help="probability of the target to arrive at (default: 0.9)"
    )
    p.add_argument(
        "--step",
        type=above_zero,
        default=0.25,
        help="length of a step, where pixels go from 0 to 1, over all pixels and colours (default: 0.25)",
    )
    p.add_argument("--max-steps", type=at_least(1), default=60, help="(default: 60)")
    add_model_and_size(p, default="robust")
    add_common(p, out="counterfactual.png", out_help="picture to write", seed=False, by_options=True)


def concepts(args):
    from ..datasets import load_tiny_imagenet
    from ..visualization.concepts import concept_test
    from ..visualization.plots.concepts import plot_concepts
    from ..visualization.plots.pictures import short_name

    check_output(args, args.out, suffixes=FIGURES)
    model = load_model(args)
    label, layer = model.class_index(args.label), layer_of(model, args.layer)
    folders = {}
    for name in args.concepts:
        if Path(name).name in folders:
            raise ValueError(
                f"--concept: two folders are called {Path(name).name!r}; give the concepts names of their own"
            )
        folders[Path(name).name] = _pictures_in(name, model.input_size)
    needed = 2 * max(len(pictures) for pictures in folders.values())
    data = load_tiny_imagenet(args.data, cache_dir=args.cache, progress=not args.quiet)
    X, others = _images_of(args, model, data, label, max(RANDOM, needed + needed // 2))
    if args.random is not None:
        others = _pictures_in(args.random, model.input_size)

    tests = {}

    def work():
        for name, pictures in folders.items():
            options = {"layer": layer, "runs": args.runs, "rng": args.seed, "progress": not args.quiet}
            tests[name] = concept_test(X, label, model, pictures, others, **options)

    interrupted = stopped_by_ctrl_c(work)
    if not tests:
        raise KeyboardInterrupt("before the first concept was done; nothing was written")
    where = f"{short_name(model.class_names[label])!r}, {model.layer_names[layer]}"
    save_figure(args, plot_concepts(tests, heading=f"{where}: {len(X)} images, {args.runs} runs"))
    needed_p = 0.05 / len(folders)  # Bonferroni: each concept is another chance to be wrong
    for name, test in tests.items():
        verdict = (
            f"significant (p < {needed_p:.2g})" if test.p_value < needed_p else f"not significant (p >= {needed_p:.2g})"
        )
        if test.accuracy.mean() < KNOWN:
            verdict = "the layer does not know the concept, and the score means nothing"
        say(
            args,
            f"{name}: score {test.scores.mean():.2f}, random images {test.control.mean():.2f}, p = {test.p_value:.2g}, "
            f"classifiers {test.accuracy.mean():.0%} right: {verdict}",
        )
    say(args, f"{where}, in {args.out}")
    end_with_ctrl_c(interrupted, args.out, f"{len(tests)} of {len(folders)} concepts were tested")


def _pictures_in(folder, size):
    """All picture files of a folder, by name, as an image set (N, 3, H, W) uint8."""
    from ..datasets import load_image

    if not Path(folder).is_dir():
        raise NotADirectoryError(f"{folder} is not a folder; a concept is a folder of pictures")
    files = [path for path in sorted(Path(folder).iterdir()) if path.is_file() and not path.name.startswith(".")]
    if not files:
        raise ValueError(f"there are no pictures in {folder}")
    return np.stack([load_image(path, size=size) for path in files]).transpose(0, 3, 1, 2)


def _images_of(args, model, data, label, count):
    """Validation images of the class, in model space, and `count` training images of other classes, uint8."""
    from ..datasets import DataError, resize_image

    number = label
    if model.wnids is not None:
        if model.wnids[label] not in data["wnids"]:
            raise DataError(f"{args.data} has no images of {model.class_names[label]!r}")
        number = data["wnids"].index(model.wnids[label])
    if data["y_val"] is None or not (data["y_val"] == number).any():
        raise DataError(f"{args.data} has no validation images of {model.class_names[label]!r}")
    rng = np.random.default_rng(args.seed)
    own = np.flatnonzero(data["y_val"] == number)
    own = np.sort(rng.permutation(own)[: args.images])
    rest = np.flatnonzero(data["y_train"] != number)
    rest = np.sort(rng.permutation(rest)[:count])
    shown, others = (
        np.stack([resize_image(picture, model.input_size) for picture in images.transpose(0, 2, 3, 1)])
        for images in (data["X_val"][own], data["X_train"][rest])
    )
    return model.preprocess(shown), others.transpose(0, 3, 1, 2)


def run_counterfactual(args):
    from ..visualization.counterfactuals import counterfactual
    from ..visualization.plots.attacks import plot_attack
    from ..visualization.plots.pictures import short_name

    check_output(args, args.out, suffixes=FIGURES)
    model = load_model(args)
    picture = picture_of(args.image, args.size or model.input_size)
    X = model.preprocess(picture)
    target = model.class_index(args.target)
    ((before, *_),) = model.predict(X, top=1)
    latest, chances = Latest(), [model.probabilities(X)[0, target]]
    if chances[0] >= args.confidence > 0:
        raise ValueError(
            f"the network sees {model.class_names[target]!r} already, with p = {chances[0]:.2f}; "
            "give another --target, or more --confidence"
        )

    def note(t, Z, info):
        latest(t, Z, info)
        chances.append(info["probability"][0])

    options = {"confidence": args.confidence, "step": args.step, "max_steps": args.max_steps}
    interrupted = stopped_by_ctrl_c(
        lambda: counterfactual(X, target, model, **options, callback=note, progress=not args.quiet)
    )
    Z, name = latest.finished(), short_name(model.class_names[target])
    after = model.deprocess(Z)[0]
    low, high = model.bounds(X)
    distance = np.sqrt((((Z - X) / (high - low)) ** 2).sum())
    titles = [f"{short_name(before.name)}\np = {before.probability:.3f}", f"{name}\np = {chances[-1]:.3f}"]
    trace = {f"probability of {name}": (np.arange(len(chances)), np.array(chances))}
    save_figure(args, plot_attack(picture, after, trace, titles, magnify=2))
    reached = chances[-1] >= args.confidence
    verdict = "reached" if reached else "NOT reached"
    say(
        args,
        f"{verdict}: {model.class_names[target]!r} with p = {chances[-1]:.3f}, {len(chances) - 1} steps and "
        f"{distance:.2f} (L2) from {before.name!r}; {args.out}",
    )
    end_with_ctrl_c(interrupted, args.out)
    return 0 if reached else 1
