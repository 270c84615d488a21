"""The commands that paint: style (style transfer) and texture (more of the same texture)."""

from pathlib import Path

from .options import above_zero, add_common, at_least, not_negative
from .shared import (
    IMAGE_HELP,
    Latest,
    add_command,
    add_model,
    check_method,
    check_output,
    end_with_ctrl_c,
    layer_of,
    load_model,
    only_for,
    picture_of,
    save_figure,
    say,
    stopped_by_ctrl_c,
)

PICTURES = (".png", ".jpg", ".jpeg")


def add_style_commands(commands):
    p = add_command(commands, "style", style, "paint a picture in the style of another")
    p.add_argument("content", metavar="CONTENT", help=IMAGE_HELP)
    p.add_argument("styles", nargs="+", metavar="STYLE", help="picture whose style it shall have; or several")
    p.add_argument(
        "--image-size",
        type=at_least(16),
        default=384,
        metavar="PIXELS",
        help="longer side of the result (default: 384)",
    )
    p.add_argument(
        "--style-scale",
        type=above_zero,
        default=1.0,
        help="size of the style picture beside the result's; larger ones make larger strokes (default: 1)",
    )
    p.add_argument("--style-blend-weights", metavar="W,W,...", help="shares of several styles (default: equal ones)")
    p.add_argument("--content-weight", type=not_negative, default=1.0, help="weight of the content (default: 1)")
    p.add_argument("--style-weight", type=not_negative, default=40.0, help="weight of the style (default: 40)")
    p.add_argument("--tv-weight", type=not_negative, default=20.0, help="weight of the total variation (default: 20)")
    p.add_argument("--content-layer", metavar="LAYER", help="layer index or name (default: by the network)")
    p.add_argument("--style-layers", metavar="LAYER,...", help="layer indices or names (default: by the network)")
    p.add_argument("--init", choices=("content", "noise"), default="content", help="where to start (default: content)")
    p.add_argument("--original-colors", action="store_true", help="keep the colours of the content picture")
    _descent_options(p, optimizer="lbfgs", iterations=40, scales=2)
    add_common(p, out="style.png", out_help="picture to write", by_options=True)

    p = add_command(commands, "texture", texture, "make a new picture with the texture of a sample")
    p.add_argument("image", metavar="SAMPLE", help=IMAGE_HELP)
    p.add_argument(
        "--method",
        choices=("gram", "grow"),
        default="gram",
        help="gram: match what the network sees; grow: pixel by pixel, no network (default: gram)",
    )
    p.add_argument(
        "--sample-size",
        type=at_least(16),
        default=192,
        metavar="PIXELS",
        help="shorter side of the sample (default: 192)",
    )
    p.add_argument("--size", type=at_least(16), metavar="PIXELS", help="side of the result (default: the sample's)")
    p.add_argument(
        "--layers", metavar="LAYER,...", help="layers to match (default: all to an eighth of the resolution)"
    )
    p.add_argument(
        "--sweep",
        action="store_true",
        help="a picture for each layer: matched are all layers up to it, shallow to deep",
    )
    p.add_argument(
        "--tv-weight", type=not_negative, default=0.005, help="weight of the total variation (default: 0.005)"
    )
    p.add_argument(
        "--weighting",
        choices=("relative", "gatys"),
        default="relative",
        help="relative: all layers count alike; gatys: as much as their activations are large (default: relative)",
    )
    p.add_argument(
        "--window", type=at_least(3), default=11, help="grow: side of the neighbourhood in pixels, odd (default: 11)"
    )
    p.add_argument(
        "--order",
        choices=("outward", "scan"),
        default="outward",
        help="grow: in rings around the middle, or row by row (default: outward)",
    )
    p.add_argument(
        "--tolerance",
        type=not_negative,
        default=0.1,
        help="grow: draw among all places that fit at most so much worse than the best (default: 0.1)",
    )
    _descent_options(p, optimizer="lbfgs", iterations=100, scales=None)
    descent = ("optimizer", "learning_rate", "num_iterations", "save_iter")
    only_for(p, ("gram",), "layers", "sweep", "weighting", "tv_weight", *descent)
    only_for(p, ("grow",), "window", "order", "tolerance")
    add_common(p, out="texture.png", out_help="picture to write", by_options=True)


def _descent_options(p, *, optimizer, iterations, scales):
    p.add_argument(
        "--optimizer", choices=("adam", "sgd", "lbfgs"), default=optimizer, help=f"way downhill (default: {optimizer})"
    )
    p.add_argument(
        "--learning-rate",
        type=above_zero,
        metavar="STEP",
        help="in model space (default: by the network's pixel scale)",
    )
    p.add_argument(
        "--num-iterations", type=at_least(1), default=iterations, help=f"steps at each scale (default: {iterations})"
    )
    p.add_argument(
        "--scales",
        type=at_least(1),
        default=scales,
        help=f"sizes, each twice the one before (default: {scales or '3; 2 to grow'})",
    )
    p.add_argument(
        "--save-iter",
        type=at_least(1),
        metavar="T",
        help="also save the picture every T steps, as NAME-T.png beside it",
    )
    add_model(p, default="robust")  # what its layers answer to is what people see as strokes and textures


def style(args):
    from ..visualization import style_transfer

    out = Path(args.out)
    _check_outputs(args)
    model = load_model(args)
    content = model.preprocess(_of_side(picture_of(args.content, None), args.image_size, max))
    styles = [
        model.preprocess(_of_side(picture_of(name, None), round(args.image_size * args.style_scale), max))
        for name in args.styles
    ]
    keep = _Keep(model, args)
    interrupted = stopped_by_ctrl_c(
        lambda: keep.result(
            style_transfer(
                content,
                styles,
                model,
                content_layer=None if args.content_layer is None else layer_of(model, args.content_layer),
                content_weight=args.content_weight,
                style_layers=_layers(model, args.style_layers),
                style_weights=args.style_weight,
                style_blend=_numbers("--style-blend-weights", args.style_blend_weights),
                tv_weight=args.tv_weight,
                init=args.init,
                learning_rate=args.learning_rate,
                num_iterations=args.num_iterations,
                num_scales=args.scales,
                optimizer=args.optimizer,
                preserve_colors=args.original_colors,
                callback=keep,
                progress=not args.quiet,
                rng=args.seed,
            )
        )
    )
    height, width = keep.save(out)
    say(args, f"{Path(args.content).stem} in the style of {_and(args.styles)}, {width}x{height} pixels, in {out}")
    end_with_ctrl_c(interrupted, out)


def texture(args):
    _check_outputs(args)
    check_method(args)
    if args.sweep and args.save_iter:
        raise ValueError("--save-iter has no effect with --sweep, which shows finished pictures")
    sample = _of_side(picture_of(args.image, None), args.sample_size, min)
    side = args.size or args.sample_size
    make = _grown if args.method == "grow" else _sweep if args.sweep else _synthesized
    interrupted = make(args, sample, side)
    what = "textures" if make is _sweep else "texture"
    say(args, f"the {what} of {Path(args.image).stem}, {side}x{side} pixels, in {args.out}")
    end_with_ctrl_c(interrupted, args.out)


def _synthesized(args, sample, side):
    from ..visualization import synthesize_texture

    model = load_model(args)
    X, options = model.preprocess(sample), _texture_options(args, side)
    keep = _Keep(model, args)
    interrupted = stopped_by_ctrl_c(
        lambda: keep.result(synthesize_texture(X, model, layers=_layers(model, args.layers), callback=keep, **options))
    )
    keep.save(args.out)
    return interrupted


def _sweep(args, sample, side):
    from ..visualization import synthesize_texture
    from ..visualization.plots import plot_images
    from ..visualization.style_transfer import layers_by_resolution

    model = load_model(args)
    X, options = model.preprocess(sample), _texture_options(args, side)
    layers = _layers(model, args.layers) or sum(layers_by_resolution(model, X.shape[2:]).values(), [])
    pictures, titles = [sample], ["sample"]

    def work():
        for count in range(1, len(layers) + 1):
            made = synthesize_texture(X, model, layers=layers[:count], **options)
            pictures.append(model.deprocess(made)[0])
            last = model.layer_names[layers[count - 1]]
            titles.append(f"up to {last}" if count > 1 else f"{last} alone")

    interrupted = stopped_by_ctrl_c(work)
    if len(pictures) == 1:
        raise KeyboardInterrupt("before the first layer was done; nothing was written")
    save_figure(args, plot_images(pictures, titles, columns=min(4, len(pictures)), heading="Layers matched"))
    return interrupted


def _texture_options(args, side):
    return {
        "size": (side, side),
        "weighting": args.weighting,
        "tv_weight": args.tv_weight,
        "learning_rate": args.learning_rate,
        "num_iterations": args.num_iterations,
        "num_scales": args.scales or 3,
        "optimizer": args.optimizer,
        "progress": not args.quiet,
        "rng": args.seed,
    }


def _grown(args, sample, side):
    from ..datasets import save_image
    from ..visualization import grow_texture

    keep = Latest()

    def work():
        keep.X = grow_texture(
            sample,
            size=(side, side),
            window=args.window,
            levels=args.scales or 2,
            order=args.order,
            tolerance=args.tolerance,
            callback=keep,
            progress=not args.quiet,
            rng=args.seed,
        )

    interrupted = stopped_by_ctrl_c(work)
    save_image(args.out, keep.finished(), overwrite=args.force)
    return interrupted


class _Keep(Latest):
    """Keeps the newest image, and saves one every --save-iter steps."""

    def __init__(self, model, args):
        super().__init__()
        self.model, self.args = model, args

    def __call__(self, t, X, info):
        super().__call__(t, X, info)
        if self.args.save_iter and (t + 1) % self.args.save_iter == 0:
            self.save(_after(self.args.out, t + 1))

    def result(self, X):
        self.X = X

    def save(self, path):
        """Write the newest image; return its height and width."""
        from ..datasets import save_image

        (picture,) = self.model.deprocess(self.finished())
        save_image(path, picture, overwrite=self.args.force)
        return picture.shape[:2]


def _check_outputs(args):
    """Raise unless the picture, and with --save-iter each of those on the way to it, can be written."""
    check_output(args, args.out, suffixes=PICTURES)
    if args.save_iter:
        for steps in range(args.save_iter, args.num_iterations * (args.scales or 3) + 1, args.save_iter):
            check_output(args, _after(args.out, steps))


def _after(out, steps):
    """The name of the picture after so many steps, beside the finished one."""
    out = Path(out)
    return out.with_name(f"{out.stem}-{steps}{out.suffix}")


def _of_side(picture, pixels, which):
    """A picture whose longer (max) or shorter (min) side has so many pixels."""
    from ..datasets import resize_image

    scale = pixels / which(picture.shape[:2])
    return resize_image(picture, tuple(max(16, round(n * scale)) for n in picture.shape[:2]))


def _layers(model, text):
    return None if text is None else [layer_of(model, part.strip()) for part in text.split(",")]


def _numbers(option, text):
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise ValueError(f"{option}: expected numbers with commas between them, got {text!r}") from error


def _and(names):
    return " and ".join(Path(name).stem for name in names)
