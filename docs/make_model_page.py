"""Write docs/model.md and its pictures: what the shipped network is, how it was trained, and how good it is.

    python docs/make_model_page.py tiny-imagenet-100-A.zip --history runs/tinyimagenet100/history.csv

Every figure on the page comes from the weights file, from the training's history, from an evaluation made here, or from
the file that `python -m benchmarks` writes; the last may be missing.
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

from pixelgrad._files import written_beside
from pixelgrad.classifiers import Network, PretrainedCNN, cs231n_architecture, evaluate
from pixelgrad.datasets import load_tiny_imagenet, shipped_weights
from pixelgrad.visualization import create_class_visualization
from pixelgrad.visualization.plots.pictures import plot_evaluation, plot_history, plot_images, short_name

DOCS = Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", metavar="DATA", help="TinyImageNet-100-A: its folder or its zip file")
    parser.add_argument("--history", required=True, metavar="CSV", help="history.csv of the training")
    parser.add_argument("--benchmark", metavar="JSON", default="runs/benchmark.json")
    parser.add_argument("--cache", metavar="DIR", help="folder for the decoded images (default: beside the data)")
    args = parser.parse_args()

    model = PretrainedCNN()
    data = load_tiny_imagenet(args.data, cache_dir=args.cache, progress=True)
    with open(args.history, newline="") as f:
        history = [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(f)]
    result = evaluate(model, data["X_val"], data["y_val"], progress=True)
    benchmark = json.loads(Path(args.benchmark).read_text()) if Path(args.benchmark).exists() else None

    save(plot_history(history), "training.png")
    save(plot_evaluation(result, model.class_names), "classes.png")
    images, chances = class_images(model)
    names = [f"{k} {short_name(name)}\np = {p:.2f}" for k, (name, p) in enumerate(zip(model.class_names, chances))]
    save(plot_images(images, names, columns=10, tile=1.35), "contact-sheet.png")
    with written_beside(DOCS / "model.md", overwrite=True) as temporary:
        Path(temporary).write_text(page(model, history, result, chances, benchmark), encoding="utf-8")


def class_images(model):
    """Class visualisations of all classes with the defaults, uint8 (K, H, W, 3), and their probabilities."""
    classes = np.arange(model.num_classes)
    X = create_class_visualization(classes, model, progress=True)
    return model.deprocess(X), model.probabilities(X)[classes, classes]


def page(model, history, result, chances, benchmark):
    p, original = model.provenance, Network(cs231n_architecture(), mean_image=np.zeros((3, 64, 64)))
    size = Path(shipped_weights()).stat().st_size
    names = [short_name(name) for name in model.class_names]
    classes = sorted(result.per_class(), key=lambda r: (-r.top1, -r.top5))
    return TEXT.format(
        layers=model.summary(),
        parameters=count(model),
        size=f"{size / 1e6:.1f} MB",
        work=work(model),
        top1=f"{result.top1:.1%}",
        top5=f"{result.top5:.1%}",
        images=len(result.y),
        command=p["command"],
        commit=(p.get("commit") or "")[:12],
        seed=p["seed"],
        epochs=p["epochs"],
        hours=p["hours"],
        date=p["date"],
        seconds_per_epoch=", ".join(epoch_costs(history)),
        train_top1=f"{history[-1]['train_top1']:.1%}",
        original_parameters=count(original),
        original_work=work(original),
        benchmark=costs(benchmark),
        best="\n".join(class_line(r, names) for r in classes[:8]),
        worst="\n".join(class_line(r, names) for r in classes[:-9:-1]),
        pairs="\n".join(f"| {names[i]} and {names[j]} | {n} |" for i, j, n in result.worst_pairs(12)),
        sure=int((chances > 0.99).sum()),
        doubtful=", ".join(f"{names[k]} ({chances[k]:.2f})" for k in np.argsort(chances)[:6]),
    )


def epoch_costs(history):
    """Seconds of an epoch on small and on full crops, from the time that had passed after each."""
    seconds = np.diff([0.0] + [row["seconds"] for row in history])
    early = len(seconds) * 5 // 7
    for what, part in (("48x48", seconds[:early]), ("64x64", seconds[early:])):
        yield f"{np.median(part):.0f} s on {what} crops"


def costs(benchmark):
    if benchmark is None:
        return "No benchmark was at hand when this page was written; `python -m benchmarks` measures."
    rows = {row["workload"]["name"]: row for row in benchmark["workloads"]}
    lines = ["| | pixelgrad | PyTorch |", "|---|---|---|"]
    for name, row in rows.items():
        torch = row["pytorch_best"]
        theirs = f"{1000 * row['seconds'][torch]:.3g} ms" if torch else "-"
        lines.append(f"| {name} | {1000 * row['seconds']['pixelgrad']:.3g} ms | {theirs} |")
    train = next((row for row in rows.values() if row["workload"]["kind"] == "train"), None)
    if train and train["pytorch_best"]:
        steps = 50_000 // train["workload"]["images"]
        ours, theirs = (train["seconds"][k] * steps for k in ("pixelgrad", train["pytorch_best"]))
        lines.append(
            f"\nAn epoch of {steps} such steps takes {ours:.0f} s, and {theirs:.0f} s in PyTorch on the same cores."
        )
    return "\n".join(lines)


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


TEXT = """\
# The shipped network

It sees 100 classes of photographs of 64x64 pixels (TinyImageNet-100-A), and was trained from nothing but NumPy by the
command below. This page, its figures and its pictures are written by `docs/make_model_page.py`.

```
{layers}
```

Convolution blocks are convolution, batch normalisation, ReLU. Filters have an even size where their stride is 2, so
that every pixel is seen by equally many of them: with odd sizes gradients to the image show a grid (Odena et al. 2016,
Deconvolution and checkerboard artifacts, Distill).

| | shipped network | CS231n's original |
|---|---|---|
| parameters | {parameters} | {original_parameters} |
| file | {size} | 46.3 MB |
| multiply-adds for an image | {work} | {original_work} |
| top-1 on validation images | {top1} of {images} | 57.6 %, over samples in 25 published notebooks |
| top-5 | {top5} | not known |
| how to get it | in the package | download |

## Training

```sh
{command}
```

Seed {seed}, {epochs} epochs, {hours} hours, {date}, at commit {commit}; all of this stands in the file, and
`pixelgrad summary` shows it. The recipe: batches of 128; SGD with Nesterov momentum 0.9; a one-cycle schedule, up to
0.15 during the first 15 % of the steps, then down along a cosine; weight decay 5e-4 on weights only; label smoothing
0.1; horizontal flips; 48x48 crops for the first five sevenths of the epochs, 64x64 crops of the padded image for the
rest. An epoch took {seconds_per_epoch}, on two cores that also did other things.

![loss, accuracy and learning rate](pictures/training.png)

At the end {train_top1} of the augmented training images are seen as what they are.

{benchmark}

## What it tells apart, and what it does not

`pixelgrad evaluate tiny-imagenet-100-A.zip` prints these figures and writes all of them.

![accuracy by class, and the confusion matrix](pictures/classes.png)

| best classes | top-1 | top-5 | most often taken for |
|---|---|---|---|
{best}

| hardest classes | top-1 | top-5 | most often taken for |
|---|---|---|---|
{worst}

| most often taken for one another | times |
|---|---|
{pairs}

## What it finds typical of each class

Class visualisations with the defaults and one seed, none chosen or left out. In {sure} of 100 the network sees the
class with a probability above 0.99; least sure it is of {doubtful}.

![class visualisations of all 100 classes](pictures/contact-sheet.png)
"""


if __name__ == "__main__":
    main()
