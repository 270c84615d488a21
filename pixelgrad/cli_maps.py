"""The commands that map what a class depends on: occlude, attribute, segment, cam, faithfulness."""

from pathlib import Path

import numpy as np

from ._files import check_destination, written_beside
from .cli_options import above_zero, add_common, at_least, fraction, not_negative
from .cli_pictures import (
    _CLASS,
    _IMAGE,
    FIGURES,
    _command,
    _layer,
    _load_model,
    _model_and_size,
    _picture,
    _save_figure,
    _say,
)

FILLS = ("black", "grey", "mean", "blur", "noise")
CHANNELS = ("max", "sum", "l2")
ATTRIBUTION = (
    "saliency",
    "smoothgrad",
    "gradient_x_input",
    "integrated_gradients",
    "guided",
    "deconvnet",
    "guided_grad_cam",
)
IN_COLOUR = ("guided", "deconvnet", "guided_grad_cam")  # usually shown as a gradient in colour
MEASURED = (*ATTRIBUTION, "grad_cam")
# Options that only some methods have; given with another they are refused, not ignored.
METHOD_OPTIONS = {
    "samples": ("smoothgrad",),
    "noise": ("smoothgrad",),
    "seed": ("smoothgrad",),
    "baseline": ("integrated_gradients",),
    "steps": ("integrated_gradients",),
    "layer": ("guided_grad_cam", "grad_cam"),
}


def add_map_commands(commands):
    p = _map_command(commands, "occlude", occlude, "hide parts of a picture and see how much of the class goes")
    p.add_argument("--window", type=at_least(1), default=16, metavar="PIXELS", help="side of the square (default: 16)")
    p.add_argument("--stride", type=at_least(1), default=4, metavar="PIXELS", help="of the square (default: 4)")
    p.add_argument("--fill", choices=FILLS, default="grey", help="what stands in the square (default: grey)")
    p.add_argument("--objective", choices=("score", "probability"), default="score", help="what drops (default: score)")
    p.add_argument("--seed", type=at_least(0), help="of the random numbers, with --fill noise (default: 0)")
    add_common(p, out="occlusion.png", out_help="picture to write", seed=False)

    p = _map_command(commands, "attribute", attribute, "how much each pixel counts for a class")
    _method_options(p, ATTRIBUTION, "saliency")
    p.add_argument(
        "--channels", choices=CHANNELS, help="how the colours become one number (default: sum where signed, else max)"
    )
    p.add_argument(
        "--signed",
        choices=("yes", "no"),
        help="for and against the class apart (default: yes for gradient_x_input and integrated_gradients)",
    )
    add_common(p, out="attribution.png", out_help="picture to write", seed=False)

    p = _map_command(commands, "segment", segment, "cut the object out of a picture, by a threshold on a map")
    _method_options(p, MEASURED, "grad_cam")
    p.add_argument(
        "--threshold", type=_threshold, default="otsu", help='"otsu", or a quantile of the map, 0 to 1 (default: otsu)'
    )
    p.add_argument("--sigma", type=not_negative, metavar="PIXELS", help="of the blur (default: 4 %% of the picture)")
    p.add_argument("--all-regions", action="store_true", help="keep every region, not only the heaviest")
    add_common(p, out="segmentation.png", out_help="picture to write", seed=False)

    p = _map_command(commands, "cam", cam, "where the last layers see a class: CAM and Grad-CAM")
    p.add_argument("--method", choices=("cam", "grad_cam"), default="grad_cam", help="(default: grad_cam)")
    p.add_argument("--layer", help="index or name, for grad_cam (default: the last layer with maps)")
    p.add_argument("--signed", action="store_true", help="show also what speaks against the class")
    add_common(p, out="cam.png", out_help="picture to write", seed=False)

    text = "which maps show what the network uses: insertion, deletion and a sanity check"
    p = _map_command(commands, "faithfulness", faithfulness, text)
    p.add_argument(
        "--methods", nargs="+", choices=MEASURED, default=list(MEASURED), metavar="METHOD", help="(default: all)"
    )
    p.add_argument("--steps", type=at_least(1), default=32, help="parts the pixels go and come in (default: 32)")
    p.add_argument("--sanity", choices=("yes", "no"), default="yes", help="randomise the layers, too (default: yes)")
    add_common(p, out="faithfulness.png", out_help="curves to write; the sanity check goes to NAME-sanity.png beside")


def _map_command(commands, name, run, text):
    p = _command(commands, name, run, text)
    p.add_argument("image", metavar="IMAGE", help=_IMAGE)
    p.add_argument("--class", dest="label", metavar="CLASS", help=f"{_CLASS}; by default what the network sees")
    _model_and_size(p)
    return p


def _method_options(parser, methods, default):
    parser.add_argument("--method", choices=methods, default=default, help=f"(default: {default})")
    parser.add_argument("--samples", type=at_least(1), help="noisy copies, for smoothgrad (default: 50)")
    parser.add_argument(
        "--noise", type=above_zero, metavar="LEVEL", help="part of the pixels' range, for smoothgrad (default: 0.15)"
    )
    parser.add_argument("--seed", type=at_least(0), help="of the random numbers, for smoothgrad (default: 0)")
    parser.add_argument("--baseline", choices=FILLS, help="start of integrated_gradients (default: black)")
    parser.add_argument("--steps", type=at_least(1), help="of integrated_gradients, doubled if needed (default: 32)")
    parser.add_argument("--layer", help="index or name, for Grad-CAM's part (default: the last layer with maps)")


def _threshold(text):
    return text if text == "otsu" else fraction(text)


# -- commands ---------------------------------------------------------------------------------------------------------


def occlude(args):
    from .visualization.occlusion import occlusion_cost, occlusion_maps
    from .visualization.plots_maps import plot_occlusion

    if args.seed is not None and args.fill != "noise":
        raise ValueError("--seed has an effect with --fill noise only")
    model, picture, X, label, title = _subject(args)
    cost = occlusion_cost(X.shape, window=args.window, stride=args.stride)
    _say(args, f"{cost} pictures to look at")
    result = occlusion_maps(
        X,
        label,
        model,
        window=args.window,
        stride=args.stride,
        fill=args.fill,
        objective=args.objective,
        rng=args.seed,
        progress=not args.quiet,
    )
    figure = plot_occlusion(picture[None], result, [title], window=args.window, label=f"drop of the {args.objective}")
    _save_figure(args, figure)
    rows, columns = result.grid.shape[1:]
    _say(
        args,
        f"{model.class_names[label]!r}: {args.objective} {result.value[0]:.3g}, at most {result.grid.max():.3g} less "
        f"in {rows}x{columns} places, in {args.out}",
    )


def attribute(args):
    from .visualization.plots_maps import plot_gradient_pictures, plot_maps

    if args.signed == "yes" and args.channels == "l2":
        raise ValueError("--channels l2 has no sign; take sum or max, or --signed no")
    model, picture, X, label, title = _subject(args)
    gradients, report = _attributions(args, model, X, label)
    in_colour = args.method in IN_COLOUR and args.channels is None and args.signed is None
    if in_colour:
        figure = plot_gradient_pictures(picture[None], [gradients], [title], labels=[_spoken(args.method)])
    else:
        map_, signed = _reduced(args, gradients)
        overlay = "heat" if signed else "lit"
        label_ = _spoken(args.method)
        figure = plot_maps(picture[None], map_, [title], signed=signed, overlay=overlay, label=label_)
    _save_figure(args, figure)
    _say(args, f"{_spoken(args.method)} of {model.class_names[label]!r}{report} in {args.out}")


def segment(args):
    from .visualization.attribution import segment_object
    from .visualization.plots_maps import plot_segmentation

    model, picture, X, label, title = _subject(args)
    gradients, _ = _attributions(args, model, X, label)
    (map_,), _ = _reduced(args, gradients)
    found = segment_object(picture, map_, threshold=args.threshold, sigma=args.sigma, largest=not args.all_regions)
    _save_figure(args, plot_segmentation(picture[None], map_[None], [found], [title]))
    box = found.box
    where = "no object" if box is None else f"rows {box.top}-{box.bottom - 1}, columns {box.left}-{box.right - 1}"
    _say(args, f"{model.class_names[label]!r}: {where}, {found.mask.mean():.0%} of the picture, in {args.out}")


def cam(args):
    from .visualization.cam import class_activation_maps, grad_cam
    from .visualization.plots_maps import plot_maps

    if args.layer is not None and args.method == "cam":
        raise ValueError("--layer has an effect with --method grad_cam only; cam is made of the last maps")
    model, picture, X, label, title = _subject(args)
    if args.method == "cam":
        map_, name = class_activation_maps(X, label, model, rectify=not args.signed), "CAM"
    else:
        layer = None if args.layer is None else _layer(model, args.layer)
        map_ = grad_cam(X, label, model, layer=layer, rectify=not args.signed)
        name = "Grad-CAM" if layer is None else f"Grad-CAM of {model.layer_names[layer]}"
    _save_figure(args, plot_maps(picture[None], map_, [title], signed=args.signed, label=name))
    _say(args, f"{name}: {model.class_names[label]!r} in {args.out}")


def faithfulness(args):
    from tqdm import tqdm

    from .visualization.faithfulness import METHODS, insertion_deletion, sanity_check
    from .visualization.plots_maps import plot_insertion_deletion, plot_sanity

    out = Path(args.out)
    sanity_out = out.with_name(f"{out.stem}-sanity{out.suffix}")
    if args.sanity == "yes":
        check_destination(sanity_out, overwrite=args.force)
    model, _, X, label, title = _subject(args)
    methods = {name: METHODS[name] for name in dict.fromkeys(args.methods)}
    if "smoothgrad" in methods:
        methods["smoothgrad"] = lambda X, y, model: METHODS["smoothgrad"](X, y, model, rng=args.seed)
    options = {"steps": args.steps, "rng": args.seed}
    curves, checks = {}, {}
    for name, method in tqdm(methods.items(), disable=args.quiet, desc="faithfulness", unit="method"):
        curves[_spoken(name)] = insertion_deletion(method(X, label, model), X, label, model, **options)
        if args.sanity == "yes":
            checks[_spoken(name)] = sanity_check(X, label, model, method, rng=args.seed)
    # A map without order: pixels go and come at random. What is no better shows nothing.
    curves["random order"] = insertion_deletion(np.zeros((1, *X.shape[2:])), X, label, model, **options)

    heading = title.replace("\n", ", ")
    _save_figure(args, plot_insertion_deletion(curves, heading=heading))
    if checks:
        with written_beside(sanity_out, overwrite=args.force) as temporary:
            plot_sanity(checks, heading=heading).savefig(temporary)
    _say(args, f"{'areas under the curves':24s} deletion  insertion{'  all layers random' if checks else ''}")
    for name in sorted(curves, key=lambda name: -curves[name].insertion_auc[0]):
        result = curves[name]
        last = f"{checks[name].correlation[-1, 0]:19.2f}" if name in checks else ""
        _say(args, f"{name:24s} {result.deletion_auc[0]:8.3f}  {result.insertion_auc[0]:9.3f}{last}")
    _say(args, f"{args.out}{f' and {sanity_out}' if checks else ''}")


# -- what they share --------------------------------------------------------------------------------------------------


def _subject(args):
    """The network, the picture, the picture in model space, the class, and a title with its probability."""
    from .visualization.plotting import short_name

    check_destination(args.out, overwrite=args.force, suffixes=FIGURES)
    _check_method_options(args)
    model = _load_model(args)
    picture = _picture(args.image, args.size or model.input_size)
    X = model.preprocess(picture)
    (chances,) = model.probabilities(X)
    label = int(chances.argmax()) if args.label is None else model.class_index(args.label)
    return model, picture, X, label, f"{short_name(model.class_names[label])}\np = {chances[label]:.3f}"


def _check_method_options(args):
    """An option that the method does not have is refused."""
    if args.command not in ("attribute", "segment"):
        return
    for option, methods in METHOD_OPTIONS.items():
        if getattr(args, option) is not None and args.method not in methods:
            raise ValueError(f"--{option} has no effect on {args.method}; it is for {' and '.join(methods)}")


def _attributions(args, model, X, label):
    """What the method gives, (1, 3, H, W) or for grad_cam a map (1, H, W), and what is to be said about it."""
    from .visualization import attribution, cam, guided

    layer = None if args.layer is None else _layer(model, args.layer)
    progress = {"progress": not args.quiet}
    if args.method == "smoothgrad":
        given = _given(samples=args.samples, noise_level=args.noise, rng=args.seed)
        return attribution.smoothgrad(X, label, model, **_channels(args), **given, **progress), ""
    if args.method == "integrated_gradients":
        given = _given(baseline=args.baseline, steps=args.steps)
        given["max_steps"] = max(1024, given.get("steps", 0))
        result = attribution.integrated_gradients(X, label, model, **given, **progress)
        gap = f" (sum {result.difference[0] + result.gap[0]:.3f}, scores differ by {result.difference[0]:.3f})"
        return result.attributions, gap
    if args.method == "gradient_x_input":
        return X * attribution.class_gradient(X, label, model), ""
    if args.method == "guided_grad_cam":
        return cam.guided_grad_cam(X, label, model, layer=layer), ""
    if args.method == "grad_cam":
        return cam.grad_cam(X, label, model, layer=layer), ""
    technique = {
        "guided": guided.guided_backprop,
        "deconvnet": guided.deconvnet,
        "saliency": attribution.class_gradient,
    }
    return technique[args.method](X, label, model), ""


def _reduced(args, gradients):
    """A map (1, H, W) of gradients (1, 3, H, W), and whether it has a sign."""
    from .visualization.attribution import channel_map

    options = _channels(args)
    if gradients.ndim == 3:  # reduced already
        return gradients, options["signed"]
    return channel_map(gradients, **options), options["signed"]


def _channels(args):
    """--signed and --channels, or what is usual for the method; `segment` has neither."""
    asked, channels = getattr(args, "signed", None), getattr(args, "channels", None)
    usual = args.method in ("gradient_x_input", "integrated_gradients") and channels != "l2"
    signed = usual if asked is None else asked == "yes"
    return {"signed": signed, "channels": channels or ("sum" if signed else "max")}


def _given(**options):
    return {name: value for name, value in options.items() if value is not None}


def _spoken(method):
    """A method's name for people: "guided_grad_cam" -> "guided Grad-CAM"."""
    names = {"smoothgrad": "SmoothGrad", "gradient_x_input": "gradient x input", "guided": "guided backpropagation"}
    return names.get(method, method.replace("grad_cam", "Grad-CAM").replace("_", " "))
