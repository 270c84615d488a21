"""Write docs/model.md and its pictures: the two shipped networks, how they were trained, and how good they are.

    PYTHONPATH=. python docs/make_model_page.py tiny-imagenet-100-A.zip --history FIRST.csv THEN.csv --judge FOLDER

The words stand in docs/_templates/model.md. Every figure comes from the weights files, from the training's history, or
from an evaluation made here, but for `BROUGHT` and `ONE_PART`, whose trainings take days. FOLDER has SqueezeNet's
weights and the names of its classes, as for `python -m benchmarks.recognition`.
"""

import argparse
import csv
import shlex
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.recognition import load_judge, recognition
from pixelgrad._files import written_beside
from pixelgrad.classifiers import Adversary, Network, PretrainedCNN, cs231n_architecture, evaluate
from pixelgrad.classifiers.evaluation import Evaluation
from pixelgrad.cli.commands import make_parser
from pixelgrad.datasets import load_tiny_imagenet, resize_image, sample_image, shipped_weights
from pixelgrad.visualization import compute_saliency_maps, create_class_visualization, make_fooling_image
from pixelgrad.visualization.gallery.build import PARTS
from pixelgrad.visualization.plots.pictures import (
    plot_evaluation,
    plot_history,
    plot_images,
    plot_saliency_columns,
    short_name,
)

DOCS = Path(__file__).resolve().parent
ATTACK = Adversary(1.0, 10)  # radius 1 in units where pixels are 0..1
PHOTOGRAPHS = ("coffee", "cat", "rocket")
FOOLED = "banana"
SHOWN = ("goldfish", "monarch", "king penguin", "golden retriever", "teapot", "school bus")

# Trainings of the standard network: what was done, top-1 and top-5 on the 2500 validation images.
BROUGHT = (
    ("1.57 million, 28 epochs without CutMix (`--widths 32 64 96 128 192 256 256 --epochs 28`)", 62.6, 85.3),
    ("1.99 million, 40 epochs with CutMix (the first command above), parameters of the last step", 64.5, 85.6),
    ("... their moving average", 64.6, 85.9),
    ("... and 3 epochs without CutMix (`--epochs 3 --learning-rate 0.006 --average 0.998`)", 64.8, 86.3),
    ("... or 4 epochs at a constant rate (the second command), parameters of the last step", 61.4, 84.7),
    ("... their moving average: what ships", 65.1, 86.1),
)

# Short trainings that differ in one part: what was changed, its options, and in percent the top-1 on the validation
# images by the parameters of the last step and by their moving average, and that on the last epoch's training images.
ONE_PART = (
    ("nothing", "", 47.0, 46.0, 47.1),
    ("narrower: 1.57 million parameters", "`--widths 32 64 96 128 192 256 256`", 45.1, 44.9, 45.8),
    ("CutMix in half of the batches", "`--cutmix 0.5`", 41.2, 40.6, 33.2),
)


@dataclass
class Shipped:
    """A shipped network and what was measured on it."""

    name: str
    model: Network
    clean: Evaluation
    attacked: Evaluation
    images: np.ndarray  # class visualisations of all classes, uint8 (K, H, W, 3)
    chances: np.ndarray  # what the network itself thinks of them
    places: np.ndarray  # in SqueezeNet's order


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", metavar="DATA", help="TinyImageNet-100-A: its folder or its zip file")
    parser.add_argument(
        "--history",
        nargs="+",
        required=True,
        metavar="CSV",
        help="history.csv of each training of the standard one",
    )
    parser.add_argument("--judge", required=True, metavar="FOLDER", help="SqueezeNet's weights and classes")
    parser.add_argument("--cache", metavar="DIR", help="folder for the decoded images (default: beside the data)")
    args = parser.parse_args()

    data = load_tiny_imagenet(args.data, cache_dir=args.cache, progress=True)
    judge = load_judge(Path(args.judge))
    standard, robust = (measured(name, data, judge) for name in ("standard", "robust"))
    histories = [read_history(path) for path in args.history]

    save(plot_history(joined(histories)), "training.png")
    save(plot_evaluation(standard.clean, standard.model.class_names), "classes.png")
    save(saliency_of(standard, robust), "twin-saliency.png")
    save(classes_of(standard, robust), "twin-classes.png")
    changes = save_fooled(standard, robust)
    for shipped, name in ((standard, "contact-sheet.png"), (robust, "contact-sheet-robust.png")):
        names = [
            f"{k} {short_name(label)}\np = {p:.2f}"
            for k, (label, p) in enumerate(zip(shipped.model.class_names, shipped.chances))
        ]
        save(plot_images(shipped.images, names, columns=10, tile=1.35), name)
    with written_beside(DOCS / "model.md", overwrite=True) as temporary:
        Path(temporary).write_text(page(standard, robust, histories, changes), encoding="utf-8")


def read_history(path):
    with open(path, newline="") as f:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(f)]


def joined(histories):
    """Trainings that began with each other's weights as one: epochs are counted through."""
    rows = [row for history in histories for row in history]
    return [row | {"epoch": epoch} for epoch, row in enumerate(rows, start=1)]


def measured(name, data, judge):
    model = PretrainedCNN(variant=name)
    clean = evaluate(model, data["X_val"], data["y_val"], progress=True)
    attacked = evaluate(model, data["X_val"], data["y_val"], adversary=ATTACK, progress=True)
    classes = np.arange(model.num_classes)
    X = create_class_visualization(classes, model, progress=True)
    images = model.deprocess(X)
    places = recognition(images, model.wnids, *judge)
    return Shipped(name, model, clean, attacked, images, model.probabilities(X)[classes, classes], places)


def saliency_of(*networks):
    """Saliency maps of the photographs on both networks, each for the class that the network sees."""
    pictures = np.stack([resize_image(sample_image(name)[PARTS.get(name, ...)], 64) for name in PHOTOGRAPHS])
    columns = {}
    for shipped in networks:
        X = shipped.model.preprocess(pictures)
        best = [prediction[0] for prediction in shipped.model.predict(X)]
        maps = compute_saliency_maps(X, np.array([one.index for one in best]), shipped.model)
        columns[shipped.name] = maps, [f"{short_name(one.name)}, p = {one.probability:.2f}" for one in best]
    return plot_saliency_columns(pictures, columns, PHOTOGRAPHS)


def classes_of(*networks):
    """The same classes as both networks see them."""
    indices = [networks[0].model.class_index(name) for name in SHOWN]
    pictures = [shipped.images[index] for shipped in networks for index in indices]
    names = [f"{shipped.name}: {name}" for shipped in networks for name in SHOWN]
    return plot_images(pictures, names, columns=len(SHOWN), tile=1.9)


def save_fooled(*networks):
    """How much the coffee must change until each network is sure of a banana, in grey levels; and the picture of it."""
    picture = sample_image("coffee", size=64)
    pictures, names, changes = [picture], ["the photograph"], {}
    for shipped in networks:
        X, model = shipped.model.preprocess(picture), shipped.model
        fooling = make_fooling_image(X, model.class_index(FOOLED), model, confidence=0.9, max_iterations=200)
        changes[shipped.name] = float(np.sqrt(((fooling - X) ** 2).mean()) / model.pixel_scale)
        best = model.predict(fooling)[0][0]
        pictures.append(model.deprocess(fooling)[0])
        names.append(f"{shipped.name}: {short_name(best.name)}, p = {best.probability:.2f}")
    save(plot_images(pictures, names, tile=2.2), "twin-fooling.png")
    return changes


def page(standard, robust, histories, changes):
    model, original = standard.model, Network(cs231n_architecture(), mean_image=np.zeros((3, 64, 64)))
    names = [short_name(name) for name in model.class_names]
    classes = sorted(standard.clean.per_class(), key=lambda r: (-r.top1, -r.top5))
    rows = [
        ("parameters", count(model), count(robust.model), count(original)),
        (
            "file",
            *(f"{Path(shipped_weights(one.name)).stat().st_size / 2**20:.2f} MiB" for one in (standard, robust)),
            "44.2 MiB",
        ),
        ("multiply-adds for an image", work(model), work(robust.model), work(original)),
        (
            "top-1 on validation images",
            *(f"{one.clean.top1:.1%}" for one in (standard, robust)),
            "57.6%, over samples in 25 published notebooks",
        ),
        ("top-5", *(f"{one.clean.top5:.1%}" for one in (standard, robust)), "not known"),
        ("top-1, attacked", *(f"{one.attacked.top1:.1%}" for one in (standard, robust)), "not known"),
        (
            "visualised classes that SqueezeNet recognises",
            *(recognised(one) for one in (standard, robust)),
            "not known",
        ),
        ("how to get it", "`PretrainedCNN()`", '`PretrainedCNN(variant="robust")`', "download"),
    ]
    return (
        (DOCS / "_templates" / "model.md")
        .read_text(encoding="utf-8")
        .format(
            layers=model.summary(),
            table="\n".join(f"| {' | '.join(row)} |" for row in rows),
            images=len(standard.clean.y),
            attack=f"L2 norm {ATTACK.eps:g} in units where pixels are 0..1, {ATTACK.steps} steps of PGD",
            top1=f"{standard.clean.top1:.0%}",
            cost=f"{100 * (standard.clean.top1 - robust.clean.top1):.1f}",
            broken=f"{standard.attacked.top1:.0%}",
            held=f"{robust.attacked.top1:.0%}",
            fooled=FOOLED,
            little=f"{changes['standard']:.0f}",
            much=f"{changes['robust']:.0f}",
            standard_recipe=recipe(model.provenance, commands(model.provenance)),
            robust_recipe=recipe(robust.model.provenance, commands(robust.model.provenance)[-1:]),
            first_epochs=len(histories[0]),
            first_hours=f"{histories[0][-1]['seconds'] / 3600:.1f}",
            seconds_per_epoch=epoch_costs(commands(model.provenance)[0], histories[0]),
            train_top1=f"{histories[-1][-1]['train_top1']:.1%}",
            brought="\n".join(f"| {what} | {top1}% | {top5}% |" for what, top1, top5 in BROUGHT),
            one_part="\n".join(f"| {what} | {how} | {a}% | {b}% | {c}% |" for what, how, a, b, c in ONE_PART),
            best="\n".join(class_line(r, names) for r in classes[:8]),
            worst="\n".join(class_line(r, names) for r in classes[:-9:-1]),
            pairs="\n".join(f"| {names[i]} and {names[j]} | {n} |" for i, j, n in standard.clean.worst_pairs(12)),
            sure=f"{(standard.chances > 0.99).sum()} and {(robust.chances > 0.99).sum()}",
        )
    )


def recognised(shipped):
    return f"{np.mean(shipped.places == 0):.0%} first, {np.mean(shipped.places < 5):.0%} among the first five"


def commands(provenance):
    """The commands that trained a network, the one that made the weights it began with first, if any."""
    return [provenance[key] for key in ("started_from", "command") if key in provenance]


def options_of(command):
    """The options of a command that trains, those by default, too."""
    return make_parser().parse_args(shlex.split(command)[1:])


def recipe(p, commands):
    """The commands of a training with provenance p, what their options mean, and how long the last one took."""
    steps = [f"```sh\n{command}\n```\n\n{meaning(options_of(command))}" for command in commands]
    made = f"{p['hours']} hours ({p['date']}, written at commit {(p.get('commit') or 'unknown')[:12]})."
    return "\n\nThen, from its weights:\n\n".join(steps) + f" {made}"


def meaning(o):
    """What the options of a training mean, in a sentence."""
    full = o.epochs - early_epochs(o)
    parts = [
        f"Batches of {o.batch_size}",
        "SGD with Nesterov momentum 0.9" if o.update_rule == "nesterov" else o.update_rule,
        f"a constant learning rate of {o.learning_rate:g}"
        if o.schedule == "constant"
        else f"a {o.schedule.replace('_', '-')} schedule with a peak of {o.learning_rate:g}",
        f"weight decay {o.weight_decay:g} on weights only",
        f"label smoothing {o.label_smoothing:g}",
        "horizontal flips",
        f"{early_epochs(o)} epochs on crops of {o.early_crop} pixels, {full} on whole ones"
        if early_epochs(o)
        else f"{full} epochs on whole images, padded and cropped",
    ]
    if o.cutmix:
        parts.append(f"CutMix (Yun et al. 2019) in {o.cutmix:.0%} of the batches")
    if o.average:
        parts.append(f"the moving average of the parameters is what is kept, with a decay of {o.average:g} a step")
    if o.adversarial_eps:
        steps = "one step" if o.adversarial_steps == 1 else f"{o.adversarial_steps} steps"
        norm = {"l2": "L2", "linf": "maximum"}[o.adversarial_norm]
        parts.append(
            f"each batch attacked by {steps} of radius {o.adversarial_eps:g} ({norm} norm) from a random start"
        )
    return "; ".join(parts) + "."


def early_epochs(options):
    if not options.early_crop:
        return 0
    return round(options.epochs * 5 / 7) if options.early_epochs is None else options.early_epochs


def epoch_costs(command, history):
    """Seconds of an epoch on small and on full crops, from the time that had passed after each."""
    seconds = np.diff([0.0] + [row["seconds"] for row in history])
    early = early_epochs(options_of(command))
    parts = (("small", seconds[:early]), ("full", seconds[early:]))
    return ", ".join(f"{np.median(part):.0f} s on {what} crops" for what, part in parts if len(part))


def class_line(r, names):
    mistaken = "" if r.mistaken_for is None else f"{names[r.mistaken_for]} ({r.times})"
    return f"| {names[r.index]} | {r.top1:.0%} | {r.top5:.0%} | {mistaken} |"


def count(model):
    return f"{sum(v.size for n, v in model.params.items() if not n.startswith('running')) / 1e6:.2f} million"


def work(model):
    shape, total = (3, *model.input_size), 0
    for _, block in model.named_blocks():
        total, shape = total + block.multiply_adds(shape), block.output_shape(shape)
    return f"{total / 1e6:.0f} million"


def save(figure, name):
    with written_beside(DOCS / "pictures" / name, overwrite=True) as temporary:
        figure.savefig(temporary)
        Image.open(temporary).convert("RGB").quantize(256).save(temporary, optimize=True)  # a third of the bytes


if __name__ == "__main__":
    main()
