"""The commands that look into a network: predict, summary, saliency, fool, visualize, invert, dream, gallery."""

import os
from pathlib import Path

import numpy as np

from .layer_comparison import compare_engines
from .options import above_zero, add_common, at_least, fraction, not_negative
from .shared import (
    CLASS_HELP,
    FIGURES,
    IMAGE_HELP,
    Latest,
    add_command,
    add_model,
    add_model_and_size,
    add_step_options,
    as_pair,
    check_output,
    end_with_ctrl_c,
    keep_input,
    layer_of,
    load_model,
    mixture_of,
    noise_like,
    picture_of,
    save_figure,
    say,
    stopped_by_ctrl_c,
)
from .visualize import add_visualize

SEARCHED = 2000  # images of a data set, at most
GUIDE_SIZE = 128  # pixels of a side
LONGEST_SIDE = 512  # pixels; larger photographs are made smaller before they are dreamt about


def add_picture_commands(commands):
    p = add_command(commands, "predict", predict, "what the network sees in pictures")
    p.add_argument("images", nargs="+", metavar="IMAGE", help=IMAGE_HELP)
    p.add_argument("--top", type=at_least(1), default=5, help="how many classes to name (default: 5)")
    add_model_and_size(p)
    add_common(p, out_help=None, seed=False)

    p = add_command(commands, "summary", summary, "the layers of the network, and where it comes from")
    p.add_argument("--classes", action="store_true", help="list the classes: index, WordNet id, name")
    add_model(p, engine=False)
    add_common(p, out_help=None, seed=False)

    p = add_command(commands, "saliency", saliency, "which pixels a class score depends on")
    p.add_argument("image", metavar="IMAGE", help=IMAGE_HELP)
    p.add_argument("--class", dest="label", metavar="CLASS", help=f"{CLASS_HELP}; by default what the network sees")
    add_model_and_size(p)
    add_common(p, out="saliency.png", out_help="picture to write", seed=False, by_options=True)

    p = add_command(commands, "fool", fool, "a barely visible change that makes the network see a different class")
    p.add_argument("image", metavar="IMAGE", help=f'{IMAGE_HELP}; or "noise"')
    p.add_argument("--target", required=True, metavar="CLASS", help=CLASS_HELP)
    p.add_argument("--confidence", type=fraction, default=0.9, help="probability to reach (default: 0.9)")
    p.add_argument("--max-iterations", type=at_least(0), default=100, help="give up after so many steps (default: 100)")
    add_step_options(p)
    add_model_and_size(p)
    add_common(
        p,
        out="fooling.png",
        out_help="comparison to write; the image itself goes to NAME-image.png beside it",
        by_options=True,
    )

    add_visualize(commands)

    p = add_command(commands, "invert", invert, "rebuild a picture from a layer's features")
    p.add_argument("image", metavar="IMAGE", help=IMAGE_HELP)
    p.add_argument("--layer", default="2", help="layer index or name, or all: from each in turn (default: 2)")
    p.add_argument("--iterations", type=at_least(1), default=300, help="steps (default: 300)")
    p.add_argument(
        "--tv-weight", type=not_negative, default=0.0, help="weight of the total variation, from 1e-8 on (default: 0)"
    )
    p.add_argument("--tv-beta", type=above_zero, default=2.0, help="its exponent (default: 2)")
    p.add_argument(
        "--l2-reg", type=not_negative, help="weight of the L2 penalty (default: by the network's pixel scale)"
    )
    p.add_argument("--blur-every", type=at_least(0), default=20, help="steps; 0 for never (default: 20)")
    add_step_options(p)
    add_model_and_size(p)
    add_common(p, out="inversion.png", out_help="picture to write", by_options=True)

    p = add_command(commands, "dream", dream, "amplify what a layer sees in a picture of any size")
    p.add_argument("image", metavar="IMAGE", help=IMAGE_HELP)
    p.add_argument(
        "--layer",
        default="4",
        help="layer index or name; or a mixture of layers and channels with weights: conv4,conv5/17:20 (default: 4)",
    )
    p.add_argument("--guide", metavar="IMAGE", help="picture whose features are to appear in the dream")
    p.add_argument("--iterations", type=at_least(1), default=20, help="steps in each octave (default: 20)")
    p.add_argument("--octaves", type=at_least(1), default=3, help="sizes of the picture (default: 3)")
    p.add_argument("--octave-scale", type=float, default=1.4, help="from one to the next (default: 1.4)")
    p.add_argument("--max-jitter", type=at_least(0), default=8, help="pixels (default: 8)")
    add_step_options(p)
    add_model(p)
    p.add_argument(
        "--size",
        type=at_least(8),
        metavar="PIXELS",
        help=f"longer side of the dream (default: the picture's own, up to {LONGEST_SIDE})",
    )
    add_common(p, out="dream.png", out_help="picture to write", by_options=True)

    p = add_command(commands, "gallery", gallery, "every technique on a photograph, and a page that explains them")
    p.add_argument("--image", metavar="FILE", help="your photograph (default: those that installed packages carry)")
    p.add_argument(
        "--data", metavar="DATA", help=f"TinyImageNet: {SEARCHED} of its images are looked through for likeness"
    )
    p.add_argument("--cache", metavar="DIR", help="with --data: folder for the decoded images")
    p.add_argument("--only", nargs="+", metavar="NAME", help="these techniques only, such as saliency deepdream")
    p.add_argument("--full", action="store_true", help="larger pictures, and more of them; takes minutes")
    p.add_argument(
        "--jobs",
        type=at_least(1),
        default=os.cpu_count() or 1,
        help="techniques at the same time, each in a process of its own (default: one per core)",
    )
    add_model(p)
    add_common(p, out="pictures", out_help="folder to write to")


# -- commands ---------------------------------------------------------------------------------------------------------


def predict(args):
    model = load_model(args)
    difference = 0.0
    for name in args.images:
        picture = picture_of(name, args.size or model.input_size)
        X = model.preprocess(picture)
        if args.engine != "fast":
            difference = max(difference, compare_engines(model, X))
        (best,) = model.predict(X, top=args.top)
        if len(args.images) > 1:
            print(name)
        for p in best:
            print(f"{p.probability:7.1%}  {p.index:3d}  {p.name}")
    if args.engine != "fast":
        say(
            args,
            f"engine {args.engine}: every layer's forward pass agrees with the fast engine's, to {difference:.0e} of "
            "the layer's largest value",
        )


def summary(args):
    model = load_model(args)
    print(model.summary())
    for key, value in model.provenance.items():
        print(f"{key}: {value}")
    if args.classes:
        wnids = model.wnids or [""] * model.num_classes
        for k, (wnid, name) in enumerate(zip(wnids, model.class_names)):
            print(f"{k:4d}  {wnid:9s}  {name}")


def saliency(args):
    from ..visualization import compute_saliency_maps
    from ..visualization.plots.pictures import plot_saliency, short_name

    check_output(args, args.out, suffixes=FIGURES)
    model = load_model(args)
    picture = picture_of(args.image, args.size or model.input_size)
    X = model.preprocess(picture)
    (chances,) = model.probabilities(X)
    label = chances.argmax() if args.label is None else model.class_index(args.label)
    probability = chances[label]
    map_ = compute_saliency_maps(X, label, model)
    title = f"{short_name(model.class_names[label])}\np = {probability:.3f}"
    save_figure(args, plot_saliency(picture[None], map_, [title]))
    say(args, f"saliency of {model.class_names[label]!r} (p = {probability:.3f}) in {args.out}")


def fool(args):
    from ..datasets import save_image
    from ..visualization import make_fooling_image
    from ..visualization.image_ops import noise
    from ..visualization.plots.pictures import plot_fooling, short_name

    out = Path(args.out)
    check_output(args, out, suffixes=FIGURES)
    image_out = out.with_name(f"{out.stem}-image.png")
    check_output(args, image_out)
    model = load_model(args)
    target = model.class_index(args.target)
    rng = np.random.default_rng(args.seed)
    size = args.size or model.input_size
    if args.image == "noise":
        X = noise(model, (1, 3, *as_pair(size)), rng)
    else:
        X = model.preprocess(picture_of(args.image, size))
    latest = Latest(X)
    interrupted = stopped_by_ctrl_c(
        lambda: make_fooling_image(
            X,
            target,
            model,
            learning_rate=args.learning_rate,
            normalize=not args.raw,
            max_iterations=args.max_iterations,
            confidence=args.confidence,
            callback=latest,
            progress=not args.quiet,
        )
    )
    # What counts is the picture that is saved: rounded to whole grey levels.
    before, after = model.deprocess(X), model.deprocess(latest.X)
    X_saved = model.preprocess(after)
    (was,), (now,) = model.predict(X), model.predict(X_saved)
    reached = model.probabilities(X_saved)[0, target]
    titles = [
        f"{short_name(was[0].name)}\np = {was[0].probability:.3f}",
        f"{short_name(now[0].name)}\np = {now[0].probability:.3f}",
    ]
    save_figure(args, plot_fooling(before, after, titles))
    save_image(image_out, after[0], overwrite=args.force)
    fooled = now[0].index == target
    rms = np.sqrt(np.mean((after.astype(float) - before) ** 2))
    say(
        args,
        f"{'fooled' if fooled else 'NOT fooled'} after {latest.t} steps: {model.class_names[target]!r} has p = "
        f"{reached:.3f} in the saved picture, changed by {rms:.1f} grey levels (RMS); {out} and {image_out}",
    )
    end_with_ctrl_c(interrupted, out)
    return 0 if fooled else 1


def invert(args):
    from ..visualization import invert_features
    from ..visualization.plots.pictures import plot_progress

    check_output(args, args.out, suffixes=FIGURES)
    model = load_model(args)
    picture = picture_of(args.image, args.size or model.input_size)
    X = model.preprocess(picture)
    if args.layer == "all":
        return _invert_all(args, model, picture, X)
    layer = layer_of(model, args.layer)
    feats, _ = model.forward(X, end=layer)
    wanted = {round(args.iterations * part) - 1 for part in (0.02, 0.1, 0.3, 1.0)}
    strip, losses = [], []
    latest = Latest()

    def callback(t, X, info):
        latest(t, X, info)
        losses.append(float(info["loss"][0]))
        if t in wanted:
            strip.append((model.deprocess(X)[0], f"after {t + 1} steps"))

    interrupted = stopped_by_ctrl_c(
        lambda: invert_features(
            feats,
            layer,
            model,
            X_init=noise_like(model, X, args.seed),
            callback=callback,
            progress=not args.quiet,
            **_inversion_options(args),
        )
    )
    X_inverted = latest.finished()
    if interrupted:
        strip.append((model.deprocess(X_inverted)[0], f"stopped after {latest.t + 1} steps"))
    pictures, labels = zip((picture, "photograph"), *strip)
    save_figure(args, plot_progress(pictures, labels, heading=f"from the features of {model.layer_names[layer]}"))
    ratio = losses[0] / losses[-1] if losses[-1] > 0 else np.inf
    say(args, f"loss {losses[0]:.3g} -> {losses[-1]:.3g} (a factor of {ratio:.0f}) in {args.out}")
    end_with_ctrl_c(interrupted, args.out)


def _inversion_options(args):
    return {
        "learning_rate": args.learning_rate,
        "normalize": not args.raw,
        "num_iterations": args.iterations,
        "l2_reg": args.l2_reg,
        "tv_weight": args.tv_weight,
        "tv_beta": args.tv_beta,
        "blur_every": args.blur_every,
    }


def _invert_all(args, model, picture, X):
    """The photograph from each layer in turn; Ctrl-C keeps the layers that are done."""
    from ..visualization.inversion import invert_layers
    from ..visualization.plots.pictures import plot_images

    pictures, titles, start = [picture], ["photograph"], noise_like(model, X, args.seed)
    names, interrupted = iter(model.layer_names), False
    while not interrupted and (name := next(names, None)):
        done = []
        interrupted = stopped_by_ctrl_c(
            lambda name=name, done=done: done.append(
                invert_layers(X, model, [name], X_init=start, progress=not args.quiet, **_inversion_options(args))
            )
        )
        for images, loss in done:
            pictures.append(model.deprocess(images[name])[0])
            titles.append(f"{name}\nloss {loss[name][0]:.2g}")
    save_figure(args, plot_images(pictures, titles, heading="rebuilt from the features of each layer"))
    say(args, f"{len(pictures) - 1} layers in {args.out}")
    end_with_ctrl_c(interrupted, args.out)


def dream(args):
    from ..datasets import resize_image, save_image
    from ..visualization import deepdream
    from ..visualization.image_ops import resize
    from ..visualization.objectives import guided, mixture

    check_output(args, args.out, suffixes=(".png", ".jpg", ".jpeg"))
    model = load_model(args)
    weights = mixture_of(model, args.layer)
    if args.guide is None:
        objective = mixture(weights, model)
    else:
        objective = guided(model.preprocess(picture_of(args.guide, GUIDE_SIZE)), weights, model)
    picture = picture_of(args.image, None)
    side = max(picture.shape[:2])
    wanted = args.size or min(side, LONGEST_SIDE)
    if wanted != side:
        picture = resize_image(picture, tuple(max(8, round(n * wanted / side)) for n in picture.shape[:2]))
    X = model.preprocess(picture)
    latest = Latest()
    interrupted = stopped_by_ctrl_c(
        lambda: deepdream(
            X,
            None,  # the objective knows its layers
            model,
            objective=objective,
            learning_rate=args.learning_rate,
            normalize=not args.raw,
            max_jitter=args.max_jitter,
            num_iterations=args.iterations,
            num_octaves=args.octaves,
            octave_scale=args.octave_scale,
            rng=args.seed,
            callback=latest,
            progress=not args.quiet,
        )
    )
    result = latest.finished()
    if result.shape != X.shape:  # stopped in an early octave
        result = resize(result, X.shape[2:], model)
    save_image(args.out, model.deprocess(result)[0], overwrite=args.force)
    height, width = X.shape[2:]
    say(args, f"a dream of {args.layer}, {width}x{height} pixels, in {args.out}")
    end_with_ctrl_c(interrupted, args.out)


def gallery(args):
    from ..classifiers import PretrainedCNN
    from ..datasets import load_image
    from ..visualization.gallery.build import FIGURES as TECHNIQUES
    from ..visualization.gallery.build import make_gallery
    from .features import images_of_data

    for name in TECHNIQUES:
        keep_input(args, Path(args.out) / f"{name}.png")
    model = load_model(args)
    twin = PretrainedCNN(variant="robust", engine=args.engine) if args.model in (None, "standard") else None
    image = None if args.image is None else load_image(args.image)
    data = None
    if args.data is not None:
        data = images_of_data(args, SEARCHED, np.random.default_rng(args.seed))
    index = make_gallery(
        args.out,
        model,
        twin=twin,
        image=image,
        image_name=Path(args.image).name if args.image else "",
        data=data,
        only=args.only,
        full=args.full,
        jobs=args.jobs,
        seed=args.seed,
        overwrite=args.force,
        progress=not args.quiet,
    )
    say(args, f"open {index}")
