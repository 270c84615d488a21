"""The command that shows what neurons respond to: neuron, by activation maximization."""

import argparse
import re
from pathlib import Path

import numpy as np

from .options import above_zero, add_common, at_least, not_negative
from .shared import (
    CLASS_HELP,
    FIGURES,
    IMAGE_HELP,
    Latest,
    add_command,
    add_model_and_size,
    add_step_options,
    as_pair,
    check_output,
    end_with_ctrl_c,
    layer_of,
    load_model,
    picture_of,
    save_figure,
    say,
    stopped_by_ctrl_c,
)


def add_neuron(commands):
    p = add_command(
        commands, "neuron", neuron, "the image that a neuron, a channel, a class or a layer responds to most"
    )
    p.add_argument(
        "--layer", default="-1", help="layer index or name (default: the last, whose channels are the classes)"
    )
    p.add_argument(
        "--channel",
        dest="channels",
        nargs="+",
        metavar="CHANNEL",
        help=f"one or several; of the last layer {CLASS_HELP} (default: the whole layer)",
    )
    p.add_argument(
        "--position", type=_position, metavar="ROW,COLUMN", help='one neuron of the channel, by its place; or "centre"'
    )
    p.add_argument("--start", default="noise", metavar="START", help=f'"noise", or {IMAGE_HELP} (default: noise)')
    p.add_argument("--iterations", type=at_least(1), default=100, help="steps (default: 100)")
    p.add_argument("--l2-reg", type=not_negative, help="pull towards the mean colour (default: 0.5 from noise, else 0)")
    p.add_argument("--tv-weight", type=not_negative, default=0.0, help="pull towards smooth images (default: 0)")
    p.add_argument("--tv-beta", type=above_zero, default=2.0, help="exponent of the total variation (default: 2)")
    p.add_argument("--max-jitter", type=at_least(0), help="pixels (default: 4; 0 with --position)")
    p.add_argument("--blur-every", type=at_least(0), help="steps; 0 for never (default: by what the neuron sees)")
    add_step_options(p)
    add_model_and_size(p)
    add_common(p, out="neuron.png", out_help="picture to write", by_options=True)


def neuron(args):
    from ..visualization.image_ops import noise
    from ..visualization.neurons import neuron_activation, visualize_neuron
    from ..visualization.patches import cut_patches, receptive_field
    from ..visualization.plots.features import plot_neurons

    check_output(args, args.out, suffixes=FIGURES)
    model = load_model(args)
    layer = layer_of(model, args.layer)
    channels, names = _channels(model, layer, args.channels)
    what = {"channel": channels, "position": args.position}
    rng = np.random.default_rng(args.seed)
    size = args.size or model.input_size
    if args.start == "noise":
        X = noise(model, (1 if channels is None else len(channels), 3, *as_pair(size)), rng)
    else:
        X = model.preprocess(picture_of(args.start, size))
    l2_reg = (0.5 if args.start == "noise" else 0.0) if args.l2_reg is None else args.l2_reg
    latest, dead = Latest(), []

    def callback(t, X, info):
        latest(t, X, info)
        dead[:] = info["dead"]

    interrupted = stopped_by_ctrl_c(
        lambda: visualize_neuron(
            layer,
            model,
            **what,
            X_init=X,
            learning_rate=args.learning_rate,
            normalize=not args.raw,
            num_iterations=args.iterations,
            l2_reg=l2_reg,
            tv_weight=args.tv_weight,
            tv_beta=args.tv_beta,
            max_jitter=args.max_jitter,
            blur_every=args.blur_every,
            rng=rng,
            callback=callback,
            progress=not args.quiet,
        )
    )
    X = latest.finished()
    activity = neuron_activation(X, layer, model, **what)
    pictures = model.deprocess(X)
    if args.position is not None:  # the neuron does not see the rest of the image
        maps = model.output_shapes(X.shape[2:])[model.layer_names[layer]][1:]
        place = tuple(n // 2 for n in maps) if args.position == "centre" else args.position
        names = [f"{name}, at {place[0]},{place[1]}" for name in names]
        pictures = cut_patches(pictures, receptive_field(model, layer), [place] * len(pictures))
    heading = f"activation maximization, {model.layer_names[layer]}, from {Path(args.start).stem}"
    save_figure(args, plot_neurons(pictures, names, activity, dead=dead, heading=heading))
    reports = [f"{name} ({'dead' if gone else f'{value:.3g}'})" for name, value, gone in zip(names, activity, dead)]
    say(args, f"{model.layer_names[layer]}: {', '.join(reports)} in {args.out}")
    end_with_ctrl_c(interrupted, args.out)
    return 1 if all(dead) else 0


def _channels(model, layer, texts):
    """Channels as an array or None, and what to call them."""
    from ..visualization.plots.pictures import short_name

    if texts is None:
        return None, [f"all of {model.layer_names[layer]}"]
    if layer == len(model.layer_names) - 1:
        channels = [model.class_index(text) for text in texts]
        return np.array(channels), [short_name(model.class_names[k]) for k in channels]
    for text in texts:
        if not re.fullmatch("[0-9]+", text):
            raise ValueError(f"channels of {model.layer_names[layer]} go by their number, got {text!r}")
    return np.array([int(text) for text in texts]), [f"channel {int(text)}" for text in texts]


def _position(text):
    """An argument type: "centre", or ROW,COLUMN."""
    if text == "centre":
        return text
    if not re.fullmatch("[0-9]+,[0-9]+", text):
        raise argparse.ArgumentTypeError(f'{text!r} is not ROW,COLUMN such as 3,4, nor "centre"')
    return tuple(int(n) for n in text.split(","))
