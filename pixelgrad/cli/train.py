"""`pixelgrad train`: from TinyImageNet to a weights file."""

import datetime
import platform
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np

from .. import __version__
from .options import above_zero, add_common, at_least, fraction, not_negative
from .shared import check_output

WITHOUT_EFFECT = ("--resume", "-q", "--quiet", "--force")  # options that the weights do not depend on


def add_train(commands):
    p = commands.add_parser(
        "train", help="train a network on TinyImageNet", description="Train a network.", allow_abbrev=False
    )
    p.add_argument("data", metavar="DATA", help="TinyImageNet: its folder or its zip file")
    p.add_argument("--architecture", choices=("tinyimagenet", "cs231n"), default="tinyimagenet")
    p.add_argument(
        "--widths", type=at_least(1), nargs=7, metavar="F", help="filters of the seven convolutions of tinyimagenet"
    )
    p.add_argument("--epochs", type=at_least(1), default=28)
    p.add_argument("--early-epochs", type=at_least(0), help="epochs on smaller crops (default: 5 of 7 epochs)")
    p.add_argument(
        "--early-crop", type=at_least(0), default=48, help="side of these crops in pixels, 0 for none (default: 48)"
    )
    p.add_argument("--batch-size", type=at_least(1), default=128)
    p.add_argument("--update-rule", choices=("nesterov", "sgd", "adam"), default="nesterov")
    p.add_argument("--learning-rate", type=above_zero, default=0.15, help="at its peak (default: 0.15)")
    p.add_argument("--schedule", choices=("one_cycle", "cosine", "constant"), default="one_cycle")
    p.add_argument("--weight-decay", type=not_negative, default=5e-4)
    p.add_argument("--label-smoothing", type=fraction, default=0.1)
    p.add_argument("--cutmix", type=fraction, default=0.0, help="part of the batches that are mixed (default: 0)")
    p.add_argument(
        "--average",
        type=fraction,
        default=0.0,
        metavar="DECAY",
        help="decay of the moving average of the parameters, such as 0.998 (default: 0, none)",
    )
    p.add_argument(
        "--adversarial-eps",
        type=not_negative,
        default=0.0,
        metavar="EPS",
        help="train on attacked images: largest change in units where pixels are 0..1 (default: 0, none)",
    )
    p.add_argument("--adversarial-steps", type=at_least(1), default=1, help="steps of the attack (default: 1)")
    p.add_argument(
        "--adversarial-norm",
        choices=("l2", "linf"),
        default="l2",
        help="what EPS limits: the length of the whole change, or the change of any pixel (default: l2)",
    )
    p.add_argument("--init", metavar="FILE", help="weights file to start from (default: random weights)")
    p.add_argument("--run-folder", metavar="DIR", help="for checkpoint and history (default: runs/NAME of --out)")
    p.add_argument("--resume", action="store_true", help="continue from the checkpoint in the run folder")
    p.add_argument("--cache", metavar="DIR", help="folder for the decoded images (default: beside the data)")
    add_common(p, out="weights.h5", out_help="weights file to write")
    p.set_defaults(run=train)


def train(args):
    from ..classifiers import (
        Adversary,
        Augmentation,
        Network,
        PretrainedCNN,
        Solver,
        cs231n_architecture,
        tinyimagenet_architecture,
    )
    from ..datasets import load_tiny_imagenet

    out = Path(args.out)
    check_output(args, out, suffixes=(".h5", ".hdf5"))
    folder = Path(args.run_folder) if args.run_folder else Path("runs") / out.stem
    checkpoint = folder / "checkpoint.h5"
    if checkpoint.exists() and not (args.resume or args.force):
        raise FileExistsError(f"{checkpoint} exists; --resume continues that training, --force starts anew")
    if args.resume and not checkpoint.exists():
        raise FileNotFoundError(f"there is no {checkpoint} to resume from; leave out --resume to start anew")

    data = load_tiny_imagenet(args.data, cache_dir=args.cache, progress=not args.quiet)
    folder.mkdir(parents=True, exist_ok=True)
    if args.widths and (args.architecture != "tinyimagenet" or args.init):
        raise ValueError("--widths goes with --architecture tinyimagenet, and without --init")
    start = PretrainedCNN(args.init) if args.init else None
    make = {"tinyimagenet": tinyimagenet_architecture, "cs231n": cs231n_architecture}[args.architecture]
    widths = {"widths": args.widths} if args.widths else {}
    model = Network(
        start.architecture if start else make(len(data["class_names"]), **widths),
        start.params if start else None,
        class_names=data["class_names"],
        wnids=data["wnids"],
        mean_image=data["mean_image"],
        rng=args.seed,
    )
    early = round(args.epochs * 5 / 7) if args.early_epochs is None else args.early_epochs
    solver = Solver(
        model,
        data,
        update_rule=args.update_rule,
        learning_rate=args.learning_rate,
        weight_decay=args.weight_decay,
        label_smoothing=args.label_smoothing,
        schedule=args.schedule,
        batch_size=args.batch_size,
        num_epochs=args.epochs,
        augmentation=Augmentation(early_crop=args.early_crop, early_epochs=early, cutmix=args.cutmix),
        adversary=_adversary(args, Adversary),
        average=args.average,
        seed=args.seed,
        checkpoint=checkpoint,
        history_csv=folder / "history.csv",
        progress=not args.quiet,
        callback=None if args.quiet else _report,
    )
    commit = _commit()  # now: the checkout may have moved on when the training ends
    if args.resume:
        solver.resume()
    try:
        solver.train()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"the training so far is in {checkpoint}; --resume continues it") from None
    last = solver.history[-1]
    trained = solver.trained
    paths = (args.data, args.init, args.cache, args.run_folder, args.out)
    trained.provenance = {
        # Files and folders by their names: where they lay on one computer says nothing to others. A training that was
        # resumed gives the weights of one that was not.
        "command": shlex.join(
            ["pixelgrad", *(Path(a).name if a in paths else a for a in sys.argv[1:] if a not in WITHOUT_EFFECT)]
        ),
        "commit": commit,
        **({"started_from": start.provenance.get("command", Path(args.init).name)} if start else {}),
        "data": f"{Path(args.data).stem}: {len(data['y_train'])} training images",
        "epochs": args.epochs,
        "seed": args.seed,
        "hours": round(solver.seconds / 3600, 2),
        "val_top1": last.get("val_top1"),
        "val_top5": last.get("val_top5"),
        "date": datetime.date.today().isoformat(),
        "versions": {"pixelgrad": __version__, "numpy": np.__version__, "python": platform.python_version()},
    }
    trained.save(out, dtype=np.float16, overwrite=args.force)
    if not args.quiet:
        print(f"{out}: {out.stat().st_size:,} bytes; {_accuracy(last)}")


def _adversary(args, make):
    if not args.adversarial_eps:
        if args.adversarial_steps != 1 or args.adversarial_norm != "l2":
            raise ValueError("--adversarial-steps and --adversarial-norm have no effect without --adversarial-eps")
        return None
    return make(args.adversarial_eps, args.adversarial_steps, norm=args.adversarial_norm)


def _report(solver, row):
    print(
        f"\nepoch {row['epoch']}: loss {row['train_loss']:.3f}, {_accuracy(row)}, {row['seconds'] / 60:.1f} min",
        file=sys.stderr,
    )


def _accuracy(row):
    if "val_top1" not in row:
        return f"training top-1 {row['train_top1']:.1%}"
    return f"validation top-1 {row['val_top1']:.1%}, top-5 {row['val_top5']:.1%}"


def _commit():
    """The checkout's commit, with a mark where files differ from it; None outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
