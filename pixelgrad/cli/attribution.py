"""The commands that attribute a class to pixels: attribute, segment; and what all commands that make maps share."""

from .map_methods import MORE, SIGNED, add_more_options, check_more, given, run_more
from .options import above_zero, add_common, at_least, fraction, not_negative
from .shared import (
    CLASS_HELP,
    FIGURES,
    IMAGE_HELP,
    Latest,
    add_command,
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
ALL_METHODS = (*ATTRIBUTION, *MORE)
IN_COLOUR = ("guided", "deconvnet", "guided_grad_cam")  # usually shown as a gradient in colour
MEASURED = (*ATTRIBUTION, "grad_cam")
# With --channel: what a channel of --layer, or one of its neurons, responds to, by the ReLU rule of the method.
NEURON_RULES = {"saliency": "standard", "guided": "guided", "deconvnet": "deconv"}


def add_attribution_commands(commands):
    p = map_command(commands, "attribute", attribute, "how much each pixel counts for a class")
    _method_options(p, ALL_METHODS, "saliency")
    add_more_options(p)
    p.add_argument(
        "--channels", choices=CHANNELS, help="how the colours become one number (default: sum where signed, else max)"
    )
    p.add_argument(
        "--signed",
        choices=("yes", "no"),
        help="keep the sign: for or against the class (default: yes where the map adds up to a difference of scores)",
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

    p = map_command(commands, "segment", segment, "cut the object out of a picture, by a threshold on a map")
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


def _method_options(parser, methods, default):
    parser.add_argument("--method", choices=methods, default=default, help=f"(default: {default})")
    parser.add_argument("--samples", type=at_least(1), help="noisy copies, baselines, masks or coalitions")
    parser.add_argument(
        "--noise",
        type=above_zero,
        metavar="LEVEL",
        help="part of the pixels' range, for smoothgrad and vargrad (default: 0.15)",
    )
    parser.add_argument("--seed", type=at_least(0), help="of the random numbers, where there are any (default: 0)")
    parser.add_argument("--baseline", choices=FILLS, help="start of a path (black), or what hides parts (grey)")
    parser.add_argument(
        "--steps", type=at_least(1), help="of a path (default: 32, doubled if integrated_gradients need it)"
    )
    parser.add_argument("--layer", help="index or name, for the CAMs (default: the last layer with maps)")


def _threshold(text):
    return text if text in ("otsu", "colours") else fraction(text)


# -- commands ---------------------------------------------------------------------------------------------------------


def attribute(args):
    from ..visualization.plots.maps import plot_gradient_pictures, plot_maps

    if args.signed == "yes" and args.channels == "l2":
        raise ValueError("--channels l2 has no sign; take sum or max, or --signed no")
    _check_method_options(args)
    model, picture, X, label, title = subject_of(args)
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
        figure = plot_gradient_pictures(picture[None], [gradients], [title], labels=[method_name(args.method)])
    else:
        map_, signed = _reduced(args, gradients)
        overlay = "heat" if signed else "lit"
        label_ = method_name(args.method)
        figure = plot_maps(picture[None], map_, [title], signed=signed, overlay=overlay, label=label_)
    save_figure(args, figure)
    say(args, f"{method_name(args.method)} of {what}{report} in {args.out}")
    end_with_ctrl_c(interrupted, args.out)


def segment(args):
    from ..visualization.plots.maps import plot_segmentation
    from ..visualization.segmentation import segment_object

    _check_method_options(args)
    model, picture, X, label, title = subject_of(args)
    gradients, _, interrupted = _attributions(args, model, X, label)
    (map_,), _ = _reduced(args, gradients)
    found = segment_object(picture, map_, threshold=args.threshold, sigma=args.sigma, largest=not args.all_regions)
    save_figure(args, plot_segmentation(picture[None], map_[None], [found], [title]))
    box = found.box
    where = "no object" if box is None else f"rows {box.top}-{box.bottom - 1}, columns {box.left}-{box.right - 1}"
    say(args, f"{model.class_names[label]!r}: {where}, {found.mask.mean():.0%} of the picture, in {args.out}")
    end_with_ctrl_c(interrupted, args.out)


def _check_method_options(args):
    """An option that the method does not have is refused."""
    if getattr(args, "channel", None) is not None:
        if args.method not in NEURON_RULES or args.layer is None or args.label is not None:
            raise ValueError(
                f"--channel needs --layer, no --class, and one of the methods {', '.join(NEURON_RULES)}; "
                f"the method is {args.method}"
            )
        return
    if getattr(args, "position", None) is not None:
        raise ValueError("--position is that of a neuron in a --channel of a --layer; give both")
    check_more(args)


def _attributions(args, model, X, label):
    """The method's result, (1, 3, H, W) or a map (1, H, W); a note about it for the report; whether Ctrl-C came."""
    if args.method in MORE and hasattr(args, "channels"):
        notes, latest = [], Latest()
        interrupted = stopped_by_ctrl_c(lambda: _more(args, model, X, label, latest, notes))
        return latest.finished(), "".join(notes), interrupted
    from ..visualization import attribution, cam, guided, saliency

    layer = None if args.layer is None else layer_of(model, args.layer)
    latest, progress = Latest(), not args.quiet
    smooth = given(samples=args.samples, noise_level=args.noise, rng=args.seed)
    path = given(baseline=args.baseline, steps=args.steps)
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


def _more(args, model, X, label, latest, notes):
    result, note = run_more(args, model, X, label, latest, not args.quiet)
    latest(0, result, {})
    notes.append(note)


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
    usual = args.method in SIGNED and channels != "l2"
    signed = usual if asked is None else asked == "yes"
    return {"signed": signed, "channels": channels or ("sum" if signed else "max")}


# -- what all commands that make maps share ---------------------------------------------------------------------------


def map_command(commands, name, run, text):
    p = add_command(commands, name, run, text)
    p.add_argument("image", metavar="IMAGE", help=IMAGE_HELP)
    p.add_argument("--class", dest="label", metavar="CLASS", help=f"{CLASS_HELP}; by default what the network sees")
    add_model_and_size(p)
    return p


def subject_of(args):
    """The network, the picture, the picture in model space, the class, and a title with its probability."""
    from ..visualization.plots.pictures import short_name

    check_output(args, args.out, suffixes=FIGURES)
    model = load_model(args)
    picture = picture_of(args.image, args.size or model.input_size)
    X = model.preprocess(picture)
    (chances,) = model.probabilities(X)
    label = int(chances.argmax()) if args.label is None else model.class_index(args.label)
    return model, picture, X, label, f"{short_name(model.class_names[label])}\np = {chances[label]:.3f}"


def method_name(method):
    """A method's name for people: "guided_grad_cam" -> "guided Grad-CAM"."""
    from ..visualization.methods import METHODS

    return METHODS[method].title
