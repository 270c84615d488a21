"""The commands that map what a class depends on: occlude, cam, faithfulness; `attribution` has two more."""

from pathlib import Path

import numpy as np

from .._files import written_beside
from .attribution import FILLS, MEASURED, add_attribution_commands, map_command, method_name, subject_of
from .options import add_common, at_least
from .shared import (
    Latest,
    check_output,
    end_with_ctrl_c,
    layer_of,
    save_figure,
    say,
    stopped_by_ctrl_c,
)

HOW_TO_READ = """
deletion: the pixels that the map ranks highest are taken away first; the sooner the class vanishes, the smaller the
area; insertion: they are brought into a blurred picture first; the sooner the class appears, the larger the area"""
ALL_LAYERS_RANDOM = """
all layers random: rank correlation of the map with the one made after all layers were randomised; near 0 the map shows
what the network has learnt, near 1 only edges of the picture"""


def add_map_commands(commands):
    p = map_command(commands, "occlude", occlude, "hide parts of a picture and see how much the class's score drops")
    p.add_argument("--window", type=at_least(1), default=16, metavar="PIXELS", help="side of the square (default: 16)")
    p.add_argument("--stride", type=at_least(1), default=4, metavar="PIXELS", help="of the square (default: 4)")
    p.add_argument("--fill", choices=FILLS, default="grey", help="what stands in the square (default: grey)")
    p.add_argument("--objective", choices=("score", "probability"), default="score", help="what drops (default: score)")
    p.add_argument("--seed", type=at_least(0), help="of the random numbers, with --fill noise (default: 0)")
    add_common(p, out="occlusion.png", out_help="picture to write", seed=False, by_options=True)

    add_attribution_commands(commands)

    p = map_command(commands, "cam", cam, "where the last layers see a class: CAM and Grad-CAM")
    p.add_argument("--method", choices=("cam", "grad_cam"), default="grad_cam", help="(default: grad_cam)")
    p.add_argument("--layer", help="index or name, for grad_cam (default: the last layer with maps)")
    p.add_argument("--signed", action="store_true", help="show also what speaks against the class")
    add_common(p, out="cam.png", out_help="picture to write", seed=False, by_options=True)

    text = "which maps show what the network uses: insertion, deletion and a sanity check"
    p = map_command(commands, "faithfulness", faithfulness, text)
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


# -- commands ---------------------------------------------------------------------------------------------------------


def occlude(args):
    from ..visualization.occlusion import occlusion_cost, occlusion_maps
    from ..visualization.plots.maps import plot_occlusion

    if args.seed is not None and args.fill != "noise":
        raise ValueError("--seed has an effect with --fill noise only")
    model, picture, X, label, title = subject_of(args)
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


def cam(args):
    from ..visualization.cam import class_activation_maps, grad_cam
    from ..visualization.plots.maps import plot_maps

    if args.layer is not None and args.method == "cam":
        raise ValueError("--layer has an effect with --method grad_cam only; cam is made of the last maps")
    model, picture, X, label, title = subject_of(args)
    if args.method == "cam":
        map_, name = class_activation_maps(X, label, model, relu=not args.signed), "CAM"
    else:
        layer = None if args.layer is None else layer_of(model, args.layer)
        map_ = grad_cam(X, label, model, layer=layer, relu=not args.signed)
        name = "Grad-CAM" if layer is None else f"Grad-CAM of {model.layer_names[layer]}"
    save_figure(args, plot_maps(picture[None], map_, [title], signed=args.signed, label=name))
    say(args, f"{name}: {model.class_names[label]!r} in {args.out}")
    if not map_.any():
        say(args, "the map is 0 everywhere: all that the layer sees speaks against the class; --signed shows it")


def faithfulness(args):
    from tqdm import tqdm

    from ..visualization.faithfulness import METHODS, insertion_deletion, sanity_check
    from ..visualization.plots.faithfulness import RANDOM_ORDER, plot_insertion_deletion, plot_sanity

    out = Path(args.out)
    sanity_out = out.with_name(f"{out.stem}-sanity{out.suffix}")
    if args.sanity == "yes":
        check_output(args, sanity_out)
    model, _, X, label, title = subject_of(args)
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
                checks[method_name(name)] = sanity_check(X, label, model, method, rng=args.seed)
            curves[method_name(name)] = curve

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
