"""The commands that try to fool a network: attack, transfer."""

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
    as_pair,
    check_method,
    check_output,
    end_with_ctrl_c,
    load_model,
    only_for,
    picture_of,
    save_figure,
    say,
    stopped_by_ctrl_c,
)

BLACK_BOX = ("random_search", "finite_differences")
EPS = {"l2": 3.5, "linf": 0.03}  # about 8 grey levels, on average over 64x64 pixels or in any one
DEFENCES = (("blur", 0.7), ("grey_levels", 8), ("jpeg", 50))


def add_attack_commands(commands):
    p = add_command(commands, "attack", run_attack, "fool the network by a measured and limited change")
    p.add_argument("image", metavar="IMAGE", help=f'{IMAGE_HELP}; or "noise"')
    p.add_argument("--target", metavar="CLASS", help=f"{CLASS_HELP}; by default any but what the network sees")
    p.add_argument(
        "--method",
        choices=("gradient", "fgsm", "pgd", *BLACK_BOX),
        default="gradient",
        help="the last two see only the network's answers (default: gradient)",
    )
    p.add_argument("--norm", choices=("l2", "linf"), default="l2", help="how changes are measured (default: l2)")
    p.add_argument(
        "--eps",
        type=above_zero,
        metavar="RADIUS",
        help="largest change, where pixels go from 0 to 1: with l2 its length over all pixels and colours; with linf, "
        "and in fgsm, that of any single one (default: 3.5 with l2, 0.03 with linf)",
    )
    p.add_argument(
        "--at-limit",
        choices=("project", "stop"),
        default="project",
        help="where the change is as large as eps: go on within it, or stop there (default: project)",
    )
    p.add_argument("--confidence", type=fraction, default=0.0, help="go on until the network is as sure (default: 0)")
    p.add_argument("--max-iterations", type=at_least(1), default=100, help="steps (default: 100)")
    p.add_argument("--budget", type=at_least(1), default=5000, help="questions to a black box (default: 5000)")
    only_for(p, ("gradient",), "confidence")
    only_for(p, ("gradient",), "at_limit")
    only_for(p, ("gradient", "pgd"), "max_iterations")
    only_for(p, BLACK_BOX, "budget")
    add_model_and_size(p)
    add_common(
        p,
        out="attack.png",
        out_help="comparison to write; the picture itself goes to NAME-image.png beside it",
        by_options=True,
    )

    p = add_command(commands, "transfer", run_transfer, "do pictures that fool one network fool another?")
    p.add_argument("data", metavar="DATA", help="TinyImageNet: its folder or its zip file")
    p.add_argument("others", nargs="+", metavar="FILE", help="weights files of other networks for the same classes")
    p.add_argument("--images", type=at_least(1), default=50, help="validation images to try (default: 50)")
    p.add_argument(
        "--eps",
        type=above_zero,
        default=EPS["l2"],
        metavar="RADIUS",
        help="largest change where pixels go from 0 to 1: its length over all pixels and colours (default: 3.5)",
    )
    p.add_argument("--cache", metavar="DIR", help="folder for the decoded images (default: beside the data)")
    add_model(p)
    add_common(p, out="transfer.png", out_help="picture to write", by_options=True)


def run_attack(args):
    from ..datasets import save_image
    from ..visualization.adversarial import defend, size_of
    from ..visualization.image_ops import noise
    from ..visualization.plots.attacks import plot_attack
    from ..visualization.plots.pictures import short_name

    out = Path(args.out)
    check_output(args, out, suffixes=FIGURES)
    image_out = out.with_name(f"{out.stem}-image.png")
    check_output(args, image_out)
    check_method(args)
    if args.method in BLACK_BOX and args.norm != "l2":
        raise ValueError("a black box is attacked with --norm l2")
    model = load_model(args)
    size = args.size or model.input_size
    if args.image == "noise":
        (picture,) = model.deprocess(noise(model, (1, 3, *as_pair(size)), np.random.default_rng(args.seed)))
    else:
        picture = picture_of(args.image, size)
    X = model.preprocess(picture)
    seen = int(model.scores(X)[0].argmax())
    target = None if args.target is None else model.class_index(args.target)
    if target == seen:
        raise ValueError(f"the network sees {model.class_names[seen]!r} already; give another --target")
    y = seen if target is None else target

    after, trace, labels, why, interrupted = _attack(args, model, picture, X, y, target is not None)
    X_saved = model.preprocess(after)
    (was,), (now,) = model.predict(X, top=1), model.predict(X_saved, top=1)
    fooled = now[0].index == target if target is not None else now[0].index != seen
    titles = [f"{short_name(p[0].name)}\np = {p[0].probability:.3f}" for p in (was, now)]
    save_figure(args, plot_attack(picture, after, trace, titles, **labels))
    save_image(image_out, after, overwrite=args.force)

    change = (after.astype(float) - picture)[None]
    length, largest = size_of(change / 255, "l2")[0], size_of(change, "linf")[0]
    rms = 255 * length / np.sqrt(change.size)
    verdict = "fooled" if fooled else "NOT fooled"
    say(args, f"{verdict} ({why}): {now[0].name!r} with p = {now[0].probability:.3f} in the saved picture")
    say(args, f"changed by {length:.2f} (L2): {rms:.2f} grey levels (RMS), one by {largest:.0f}; {out} and {image_out}")
    rng = np.random.default_rng(args.seed)
    by_largest = args.method == "fgsm" or (args.norm == "linf" and args.method not in BLACK_BOX)
    noise = largest * rng.choice([-1, 1], picture.shape) if by_largest else rms * rng.standard_normal(picture.shape)
    noisy = np.clip(picture + noise, 0, 255).round().astype(np.uint8)
    where = " everywhere" if by_largest else ""
    say(args, f"random noise of the same size{where}: {_first(model, model.preprocess(noisy))}")
    for method, strength in DEFENCES:
        say(args, f"after {method} {strength:g}: {_first(model, defend(X_saved, model, method, strength))}")
    end_with_ctrl_c(interrupted, out)
    return 0 if fooled else 1


def _attack(args, model, picture, X, y, targeted):
    """The attacked picture, uint8, the trace, labels of its axes where they differ, why it stopped; if by Ctrl-C."""
    from ..visualization.adversarial import attack, fgsm, pgd
    from ..visualization.black_box import black_box_attack, of_network

    usual = EPS["linf" if args.method == "fgsm" else args.norm]
    options, latest, made = {"eps": args.eps or usual, "targeted": targeted}, Latest(), []
    values = []  # along the way: (queries, log-odds), or the probability before each step

    def note(t, X, info):
        latest(t, X, info)
        values.append((info["queries"], info["margin"]) if args.method in BLACK_BOX else info["probability"][0])

    def work():
        watched = options | {"callback": note, "progress": not args.quiet}
        if args.method in BLACK_BOX:
            asking = {"method": args.method, "budget": args.budget, "rng": args.seed}
            made.append(black_box_attack(picture, y, of_network(model), **asking, **watched))
        elif args.method == "fgsm":
            made.append(fgsm(X, y, model, **options))
            latest(made[0].steps[0], made[0].X, {})
            values.extend(made[0].trace["probability"][:, 0])
        else:
            stepping = {"norm": args.norm, "max_iterations": args.max_iterations}
            if args.method == "pgd":
                made.append(pgd(X, y, model, rng=args.seed, **stepping, **watched))
            else:
                made.append(
                    attack(X, y, model, confidence=args.confidence, at_limit=args.at_limit, **stepping, **watched)
                )

    interrupted = stopped_by_ctrl_c(work)
    after = latest.finished()
    if args.method in BLACK_BOX:
        queries, odds = np.array(values).T
        trace, labels = {"log-odds of what shall be seen": (queries, odds)}, {"xlabel": "queries", "ylabel": "log-odds"}
        return np.rint(after).astype(np.uint8), trace, labels, f"{latest.info['queries']} queries", interrupted
    name, steps = "target" if targeted else "what was seen", latest.t
    reason = made[0].reason[0] if made else "stopped"
    why = f"after {steps} step{'s' if steps != 1 else ''}" + ("" if reason == "fooled" else f", {reason}")
    trace = {f"probability of {name}": (np.arange(len(values)), np.array(values))}
    return model.deprocess(after)[0], trace, {}, why, interrupted


def _first(model, X):
    ((best, *_),) = model.predict(X, top=1)
    return f"{best.name!r}, p = {best.probability:.3f}"


def run_transfer(args):
    from ..classifiers import PretrainedCNN
    from ..datasets import load_tiny_imagenet
    from ..visualization.plots.attacks import plot_transfer
    from ..visualization.transfer import transfer_matrix

    check_output(args, args.out, suffixes=FIGURES)
    networks = {Path(args.model).stem if args.model else "shipped": load_model(args)}
    for path in args.others:
        name = Path(path).stem
        if name in networks:  # of another folder
            name = f"{Path(path).parent.name}/{name}"
        networks[name] = PretrainedCNN(path)
    data = load_tiny_imagenet(args.data, cache_dir=args.cache, progress=not args.quiet)
    chosen = np.sort(np.random.default_rng(args.seed).permutation(len(data["y_val"]))[: args.images])
    pictures = data["X_val"][chosen].transpose(0, 2, 3, 1)
    latest = Latest()
    options = {"eps": args.eps, "callback": latest, "progress": not args.quiet}
    interrupted = stopped_by_ctrl_c(lambda: transfer_matrix(networks, pictures, data["y_val"][chosen], **options))
    matrix = latest.finished()
    save_figure(args, plot_transfer(matrix, list(networks), heading=f"attacks of an L2 norm of at most {args.eps:g}"))
    for name, row in list(zip(networks, matrix))[: latest.t + 1]:
        say(args, f"made for {name}: " + ", ".join(f"{part:.0%} fool {other}" for other, part in zip(networks, row)))
    say(args, str(args.out))
    end_with_ctrl_c(interrupted, args.out, f"{latest.t + 1} of {len(networks)} networks were attacked")
