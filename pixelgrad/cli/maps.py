"""The commands that map what a class depends on: occlude, attribute, segment, cam, faithfulness."""

from pathlib import Path

import numpy as np

from .._files import check_destination, written_beside
from .options import above_zero, add_common, at_least, fraction, not_negative
from .shared import (
    CLASS_HELP,
    FIGURES,
    IMAGE_HELP,
    Latest,
    add_command,
    add_model_and_size,
    end_with_ctrl_c,
    layer_of,
    load_model,
    picture_of,
    save_figure,
    say,
    stopped_by_ctrl_c,
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
# With --channel: what a channel of --layer, or one of its neurons, responds to, by the ReLU rule of the method.
NEURON_RULES = {"saliency": "standard", "guided": "guided", "deconvnet": "deconv"}


HOW_TO_READ = """
deletion: the pixels that the map ranks highest are taken away first; the sooner the class vanishes, the smaller the
area; insertion: they are brought into a blurred picture first; the sooner the class appears, the larger the area"""
ALL_LAYERS_RANDOM = """
all layers random: rank correlation of the map with the one made after all layers were randomised; near 0 the map shows
what the network has learnt, near 1 only edges of the picture"""


def add_map_commands(commands):
    p = _map_command(commands, "occlude", occlude, "hide parts of a picture and see how much the class's score drops")
    p.add_argument("--window", type=at_least(1), default=16, metavar="PIXELS", help="side of the square (default: 16)")
    p.add_argument("--stride", type=at_least(1), default=4, metavar="PIXELS", help="of the square (default: 4)")
    p.add_argument("--fill", choices=FILLS, default="grey", help="what stands in the square (default: grey)")
    p.add_argument("--objective", choices=("score", "probability"), default="score", help="what drops (default: score)")
    p.add_argument("--seed", type=at_least(0), help="of the random numbers, with --fill noise (default: 0)")
    add_common(p, out="occlusion.png", out_help="picture to write", seed=False, by_options=True)

    p = _map_command(commands, "attribute", attribute, "how much each pixel counts for a class")
    _method_options(p, ATTRIBUTION, "saliency")
    p.add_argument(
        "--channels", choices=CHANNELS, help="how the colours become one number (default: sum where signed, else max)"
    )
    p.add_argument(
        "--signed",
        choices=("yes", "no"),
        help="keep the sign: for or against the class (default: yes for gradient_x_input and integrated_gradients)",
    )
    p.add_argument(
        "--channel",
        type=at_least(0),
        metavar="C",
        help=f"of --layer: what this channel responds to, instead of a class; with {', '.join(NEURON_RULES)}",
    )
    p.add_argument(
        "--position",
        metavar="ROW,COLUMN",
        help="one neuron of the channel, or strongest (default: all of them together)",
    )
    add_common(p, out="attribution.png", out_help="picture to write", seed=False, by_options=True)

    p = _map_command(commands, "segment", segment, "cut the object out of a picture, by a threshold on a map")
    _method_options(p, MEASURED, "saliency")
    p.add_argument(
        "--threshold",
        type=_threshold,
        default="colours",
        help='"colours": the map, and colour models of where it is largest and smallest; "otsu"; or a quantile of the '
        "map, 0 to 1 (default: colours)",
    )
    p.add_argument("--sigma", type=not_negative, metavar="PIXELS", help="of the blur (default: 4 %% of the picture)")
    p.add_argument("--all-regions", action="store_true", help="keep every region, not only the heaviest")
    add_common(p, out="segmentation.png", out_help="picture to write", seed=False, by_options=True)

    p = _map_command(commands, "cam", cam, "where the last layers see a class: CAM and Grad-CAM")
    p.add_argument("--method", choices=("cam", "grad_cam"), default="grad_cam", help="(default: grad_cam)")
    p.add_argument("--layer", help="index or name, for grad_cam (default: the last layer with maps)")
    p.add_argument("--signed", action="store_true", help="show also what speaks against the class")
    add_common(p, out="cam.png", out_help="picture to write", seed=False, by_options=True)

    text = "which maps show what the network uses: insertion, deletion and a sanity check"
    p = _map_command(commands, "faithfulness", faithfulness, text)
    p.add_argument(
        "--methods", nargs="+", choices=MEASURED, default=list(MEASURED), metavar="METHOD", help="(default: all)"
    )
    p.add_argument("--steps", type=at_least(1), default=32, help="parts the pixels go and come in (default: 32)")
    p.add_argument("--sanity", choices=("yes", "no"), default="yes", help="randomise the layers, too (default: yes)")
    add_common(
        p,
        out="faithfulness.png",
        out_help="curves to write; the sanity check goes to NAME-sanity.png beside",
        by_options=True,
    )


def _map_command(commands, name, run, text):
    p = add_command(commands, name, run, text)
    p.add_argument("image", metavar="IMAGE", help=IMAGE_HELP)
    p.add_argument("--class", dest="label", metavar="CLASS", help=f"{CLASS_HELP}; by default what the network sees")
    add_model_and_size(p)
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
    return text if text in ("otsu", "colours") else fraction(text)


# -- commands ---------------------------------------------------------------------------------------------------------


def occlude(args):
    from ..visualization.occlusion import occlusion_cost, occlusion_maps
    from ..visualization.plots.maps import plot_occlusion

    if args.seed is not None and args.fill != "noise":
        raise ValueError("--seed has an effect with --fill noise only")
    model, picture, X, label, title = _subject(args)
    cost = occlusion_cost(X.shape, window=args.window, stride=args.stride)
    say(args, f"{cost} pictures to look at")
    latest = Latest()
    interrupted = stopped_by_ctrl_c(
        lambda: occlusion_maps(
            X,
            label,
            model,
            window=args.window,
            stride=args.stride,
            fill=args.fill,
            objective=args.objective,
            rng=args.seed,
            callback=latest,
            progress=not args.quiet,
        )
    )
    result = latest.finished()
    figure = plot_occlusion(picture[None], result, [title], window=args.window, label=f"drop of the {args.objective}")
    save_figure(args, figure)
    (rows, columns), largest = result.grid.shape[1:], np.nanmax(result.grid)
    say(
        args,
        f"{model.class_names[label]!r}: {args.objective} {result.value[0]:.3g}, at most {largest:.3g} less "
        f"in {rows}x{columns} places, in {args.out}",
    )
    end_with_ctrl_c(
        interrupted, args.out, f"{latest.info['measured']} of {latest.info['windows']} places were measured"
    )


def attribute(args):
    from ..visualization.plots.maps import plot_gradient_pictures, plot_maps

    if args.signed == "yes" and args.channels == "l2":
        raise ValueError("--channels l2 has no sign; take sum or max, or --signed no")
    model, picture, X, label, title = _subject(args)
    if args.channel is None:
        gradients, report, interrupted = _attributions(args, model, X, label)
        what = repr(model.class_names[label])
    else:
        gradients, report, interrupted = _of_neuron(args, model, X), "", False
        what = f"{model.layer_names[layer_of(model, args.layer)]}, channel {args.channel}"
        what += "" if args.position is None else f", {args.position}"
        title = what
    in_colour = args.method in IN_COLOUR and args.channels is None and args.signed is None
    if in_colour:
        figure = plot_gradient_pictures(picture[None], [gradients], [title], labels=[_spoken(args.method)])
    else:
        map_, signed = _reduced(args, gradients)
        overlay = "heat" if signed else "lit"
        label_ = _spoken(args.method)
        figure = plot_maps(picture[None], map_, [title], signed=signed, overlay=overlay, label=label_)
    save_figure(args, figure)
    say(args, f"{_spoken(args.method)} of {what}{report} in {args.out}")
    end_with_ctrl_c(interrupted, args.out)


def segment(args):
    from ..visualization.plots.maps import plot_segmentation
    from ..visualization.segmentation import segment_object

    model, picture, X, label, title = _subject(args)
    gradients, _, interrupted = _attributions(args, model, X, label)
    (map_,), _ = _reduced(args, gradients)
    found = segment_object(picture, map_, threshold=args.threshold, sigma=args.sigma, largest=not args.all_regions)
    save_figure(args, plot_segmentation(picture[None], map_[None], [found], [title]))
    box = found.box
    where = "no object" if box is None else f"rows {box.top}-{box.bottom - 1}, columns {box.left}-{box.right - 1}"
    say(args, f"{model.class_names[label]!r}: {where}, {found.mask.mean():.0%} of the picture, in {args.out}")
    end_with_ctrl_c(interrupted, args.out)


def cam(args):
    from ..visualization.cam import class_activation_maps, grad_cam
    from ..visualization.plots.maps import plot_maps

    if args.layer is not None and args.method == "cam":
        raise ValueError("--layer has an effect with --method grad_cam only; cam is made of the last maps")
    model, picture, X, label, title = _subject(args)
    if args.method == "cam":
        map_, name = class_activation_maps(X, label, model, relu=not args.signed), "CAM"
    else:
        layer = None if args.layer is None else layer_of(model, args.layer)
        map_ = grad_cam(X, label, model, layer=layer, relu=not args.signed)
        name = "Grad-CAM" if layer is None else f"Grad-CAM of {model.layer_names[layer]}"
    save_figure(args, plot_maps(picture[None], map_, [title], signed=args.signed, label=name))
    say(args, f"{name}: {model.class_names[label]!r} in {args.out}")


def faithfulness(args):
    from tqdm import tqdm

    from ..visualization.faithfulness import METHODS, insertion_deletion, sanity_check
    from ..visualization.plots.maps import RANDOM_ORDER, plot_insertion_deletion, plot_sanity

    out = Path(args.out)
    sanity_out = out.with_name(f"{out.stem}-sanity{out.suffix}")
    if args.sanity == "yes":
        check_destination(sanity_out, overwrite=args.force)
    model, _, X, label, title = _subject(args)
    methods = {name: METHODS[name] for name in dict.fromkeys(args.methods)}
    if "smoothgrad" in methods:
        methods["smoothgrad"] = lambda X, y, model: METHODS["smoothgrad"](X, y, model, rng=args.seed)
    options = {"steps": args.steps, "rng": args.seed}
    # A map without order: pixels go and come at random. A map that is not better shows nothing.
    at_random = insertion_deletion(np.zeros((1, *X.shape[2:])), X, label, model, **options)
    curves, checks = {}, {}

    def measure():
        for name, method in tqdm(methods.items(), disable=args.quiet, desc="faithfulness", unit="method"):
            curve = insertion_deletion(method(X, label, model), X, label, model, **options)
            if args.sanity == "yes":
                checks[_spoken(name)] = sanity_check(X, label, model, method, rng=args.seed)
            curves[_spoken(name)] = curve

    interrupted = stopped_by_ctrl_c(measure)
    if not curves:
        raise KeyboardInterrupt("before the first method was done; nothing was written")
    done = f"{len(curves)} of {len(methods)} methods were measured"
    curves[RANDOM_ORDER] = at_random

    heading = title.replace("\n", ", ")
    save_figure(args, plot_insertion_deletion(curves, heading=heading))
    if checks:
        with written_beside(sanity_out, overwrite=args.force) as temporary:
            plot_sanity(checks, heading=heading).savefig(temporary)
    say(args, f"{'areas under the curves':24s} deletion  insertion{'  all layers random' if checks else ''}")
    for name in sorted(curves, key=lambda name: -curves[name].insertion_auc[0]):
        result = curves[name]
        last = f"{checks[name].correlation[-1, 0]:19.2f}" if name in checks else ""
        say(args, f"{name:24s} {result.deletion_auc[0]:8.3f}  {result.insertion_auc[0]:9.3f}{last}")
    say(args, HOW_TO_READ + (ALL_LAYERS_RANDOM if checks else ""))
    written = f"{args.out}{f' and {sanity_out}' if checks else ''}"
    say(args, written)
    end_with_ctrl_c(interrupted, written, done)


# -- what they share --------------------------------------------------------------------------------------------------


def _subject(args):
    """The network, the picture, the picture in model space, the class, and a title with its probability."""
    from ..visualization.plots.pictures import short_name

    check_destination(args.out, overwrite=args.force, suffixes=FIGURES)
    _check_method_options(args)
    model = load_model(args)
    picture = picture_of(args.image, args.size or model.input_size)
    X = model.preprocess(picture)
    (chances,) = model.probabilities(X)
    label = int(chances.argmax()) if args.label is None else model.class_index(args.label)
    return model, picture, X, label, f"{short_name(model.class_names[label])}\np = {chances[label]:.3f}"


def _check_method_options(args):
    """An option that the method does not have is refused."""
    if args.command not in ("attribute", "segment"):
        return
    if getattr(args, "channel", None) is not None:
        if args.method not in NEURON_RULES or args.layer is None or args.label is not None:
            raise ValueError(
                f"--channel needs --layer, no --class, and one of the methods {', '.join(NEURON_RULES)}; "
                f"the method is {args.method}"
            )
        return
    if getattr(args, "position", None) is not None:
        raise ValueError("--position is that of a neuron in a --channel of a --layer; give both")
    for option, methods in METHOD_OPTIONS.items():
        if getattr(args, option) is not None and args.method not in methods:
            raise ValueError(f"--{option} has no effect on {args.method}; it is for {' and '.join(methods)}")


def _attributions(args, model, X, label):
    """The method's result, (1, 3, H, W) or a map (1, H, W); a note about it for the report; whether Ctrl-C came."""
    from ..visualization import attribution, cam, guided, saliency

    layer = None if args.layer is None else layer_of(model, args.layer)
    latest, progress = Latest(), not args.quiet
    smooth = _given(samples=args.samples, noise_level=args.noise, rng=args.seed)
    path = _given(baseline=args.baseline, steps=args.steps)
    path["max_steps"] = max(1024, path.get("steps", 0))
    methods = {
        "saliency": lambda: saliency.class_gradient(X, label, model),
        "smoothgrad": lambda: attribution.smoothgrad(
            X, label, model, **_channels(args), **smooth, callback=latest, progress=progress
        ),
        "gradient_x_input": lambda: X * saliency.class_gradient(X, label, model),
        "integrated_gradients": lambda: (
            attribution.integrated_gradients(
                X, label, model, **path, callback=lambda n, dX, info: latest(n, dX[None], info), progress=progress
            ).attributions
        ),
        "guided": lambda: guided.guided_backprop(X, label, model),
        "deconvnet": lambda: guided.deconvnet(X, label, model),
        "grad_cam": lambda: cam.grad_cam(X, label, model, layer=layer),
        "guided_grad_cam": lambda: cam.guided_grad_cam(X, label, model, layer=layer),
    }
    interrupted = stopped_by_ctrl_c(lambda: latest(0, methods[args.method](), latest.info))
    gradients, report, info = latest.finished(), "", latest.info
    if args.method == "integrated_gradients":
        report = f" (sum {info['difference'] + info['gap']:.3f}, scores differ by {info['difference']:.3f})"
    elif interrupted:
        report = f" (mean of {info['samples']} noisy copies)"
    return gradients, report, interrupted


def _of_neuron(args, model, X):
    """What a channel, or one of its neurons, responds to: (1, 3, H, W)."""
    from ..visualization.guided import neuron_gradient

    position = args.position
    if position not in (None, "strongest"):
        try:
            position = tuple(int(part) for part in position.split(","))
        except ValueError as error:
            raise ValueError(f"--position: expected ROW,COLUMN or strongest, got {position!r}") from error
    rule, layer = NEURON_RULES[args.method], layer_of(model, args.layer)
    return neuron_gradient(X, layer, model, channel=args.channel, position=position, relu_rule=rule)


def _reduced(args, gradients):
    """A map (1, H, W) of gradients (1, 3, H, W), and whether it has a sign."""
    from ..visualization.attribution import channel_map

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
    from ..visualization.plots.maps import METHOD_NAMES

    return METHOD_NAMES[method]
