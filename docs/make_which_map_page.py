"""Put a result of `pixelgrad rank-maps` into the documentation.

    pixelgrad rank-maps tiny-imagenet-100-A.zip --images 500 --seed 0 --out rank-maps
    python docs/make_which_map_page.py rank-maps
    python docs/make_map_pictures.py which-map-example

It copies the table to docs/_tables/which-map.md and the figures to docs/pictures/, and writes what follows from the
table to docs/_tables/which-map-*.md: lists, comparisons, and the choice of a method by a rule. docs/which-map.md
includes all of that; its own words hold whatever the numbers are, except those under
"Surprises", which were written for the table of two networks and 500 images.
"""

import argparse
import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pixelgrad._files import written_beside
from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.cli.ranking import fingerprint
from pixelgrad.cli.ranking_results import SIGNS, measurements
from pixelgrad.visualization import identical_methods, summarise
from pixelgrad.visualization.faithfulness import rank_correlation
from pixelgrad.visualization.ranking import BASELINES, CANDIDATES, METRICS
from pixelgrad.visualization.ranking_statistics import verdict

DOCS = Path(__file__).resolve().parent
NETWORKS = ("standard", "robust")
COPIES = {
    "table.md": "_tables/which-map.md",
    "standard.png": "pictures/which-map-standard.png",
    "robust.png": "pictures/which-map-robust.png",
    "standard-agreement.png": "pictures/which-map-agreement-standard.png",
    "robust-agreement.png": "pictures/which-map-agreement-robust.png",
}
REMOVAL = ("insertion", "deletion", "road")
BLIND, KEPT, STABLE, AGREE = 0.9, 0.5, 0.05, 0.5  # where lists begin
PAIRS = {
    ("expected_gradients", "integrated_gradients"): "the same integral, from photographs instead of black",
    ("blur_integrated_gradients", "integrated_gradients"): "the same integral, from a blurred copy instead of black",
    ("lrp", "deep_lift"): "LRP's composite, against DeepLIFT, whose values add up to a difference of scores exactly",
    ("smoothgrad", "saliency"): "16 noisy copies instead of the picture alone",
    ("guided_grad_cam", "guided"): "multiplied by Grad-CAM, and not",
    ("layer_cam", "grad_cam"): "weights for each position, positive only, instead of one weight a channel",
    ("occlusion", "kernel_shap"): "one window at a time, against random halves of a grid",
}


@dataclass(frozen=True)
class Result:
    """What one network's table says."""

    network: str
    measured: dict  # {method: {metric: (N,)}}
    rows: dict  # {method: {metric: row of table.csv}}
    pairs: dict  # {(metric, metric): (correlation, low, high)}

    def mean(self, name, column):
        return float(self.rows[name][column]["mean"] or "nan")

    def blob(self, name, column):
        """How a method compares with the centred blob: better, worse or not told apart."""
        return self.rows[name][column]["blob"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("result", metavar="FOLDER", help="what rank-maps wrote, for both shipped networks")
    parser.add_argument("--docs", metavar="FOLDER", default=DOCS, help="where the documentation is (default: here)")
    args = parser.parse_args()
    folder, docs = Path(args.result), Path(args.docs)
    missing = [name for name in (*COPIES, "table.csv", "agreement.csv") if not (folder / name).is_file()]
    if missing:
        parser.error(f"{folder} lacks {', '.join(missing)}; run rank-maps with standard and robust")
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    models = {network: PretrainedCNN(variant=network) for network in NETWORKS}
    for network, model in models.items():
        if settings["networks"][network] != fingerprint(model):
            parser.error(f"{folder} was measured on another {network} network than the one that is shipped")
    results = [read(folder, network) for network in NETWORKS]
    for source, target in COPIES.items():
        (docs / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / source, docs / target)
    same = one_map(results)
    texts = {
        "facts": facts(results, settings, models["standard"]),
        "findings": findings(results, same),
        "agreement": agreements(results),
        "choice": choice(results, same),
    }
    for name, text in texts.items():
        with written_beside(docs / "_tables" / f"which-map-{name}.md", overwrite=True) as temporary:
            Path(temporary).write_text(text + "\n", encoding="utf-8")


def read(folder, network):
    rows, pairs = {}, {}
    for row in _csv(folder / "table.csv"):
        if row["network"] == network:
            rows.setdefault(row["method"], {})[row["metric"]] = row
    for row in _csv(folder / "agreement.csv"):
        if row["network"] == network:
            pairs[row["metric"], row["other"]] = tuple(float(row[c]) for c in ("correlation", "low", "high"))
    return Result(network, measurements(_csv(folder / "images.csv"), network, list(rows)), rows, pairs)


def _csv(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def one_map(results):
    """Methods in groups that have the same numbers on every image and network, baselines left out."""
    merged = {}
    for result in results:
        for name, row in result.measured.items():
            if name not in BASELINES:
                for column, values in row.items():
                    merged.setdefault(name, {}).setdefault(column, []).append(values)
    return identical_methods(
        {name: {column: np.concatenate(parts) for column, parts in row.items()} for name, row in merged.items()}
    )


# -- words ------------------------------------------------------------------------------------------------------------


def title(group):
    """A group of methods under the name of its first one."""
    first, *others = (CANDIDATES[name].title for name in group)
    return f"{first} (and {', '.join(others)})" if others else first


def listed(things):
    things = list(things)
    return ", ".join(things) if things else "none"


def those(same, test):
    """The groups whose first method passes, as words."""
    return listed(title(group) for group in same if test(group[0]))


def signed(difference, column):
    mean, low, high = difference
    return f"{mean:+.2f} ({low:.2f} to {high:.2f}) {SIGNS[verdict(column, difference)]}"


def table_of(line, *rest):
    """A table in Markdown of rows of words, the first one its head."""
    return "\n".join([f"| {' | '.join(line)} |", f"|{'---|' * len(line)}", *(f"| {' | '.join(row)} |" for row in rest)])


def facts(results, settings, model):
    """What was measured, and how fine the maps of the last layer are."""
    images = len(next(iter(results[0].measured.values()))["seconds"])
    few = min(settings["few"], images)
    last = [shape for shape in model.output_shapes().values() if len(shape) == 3 and shape[1:] != (1, 1)][-1]
    height, width = model.input_size
    *columns, last_column = (metric.title for metric in METRICS.values() if metric.few)
    columns = f"{', '.join(columns)} and {last_column}"
    columns = columns[0].upper() + columns[1:]
    return (
        f"The table holds {images} images, drawn with seed {settings['seed']} from the validation images of "
        f"{settings['data'].removesuffix('.zip')} that both networks classify correctly. {columns} need many maps for "
        f"each image: these columns are of the first {few} in this random order.\n\n"
        f"The networks see {height} x {width} pixels, and their last convolution gives {last[0]} maps of {last[1]} x "
        f"{last[2]} positions. A map of the family *cam* is made of these {last[1] * last[2]} numbers, enlarged to "
        f"{height} x {width}: it shows a region and no detail. (Guided Grad-CAM multiplies it by a map of pixels.)"
    )


def findings(results, same):
    parts = [f"**Identical rows** on both networks: {_identical(same)}."]
    parts += [_of_network(result, same) for result in results]
    parts += [
        "**Pairs of methods, image by image**: the first less the second; here ▲ means that the first is better, ▼ "
        "that it is worse, ≈ that they are not told apart.\n\n" + _pairs(results),
        _networks(results, same),
    ]
    return "\n\n".join(parts)


def _identical(same):
    return "; ".join(", ".join(CANDIDATES[name].title for name in group) for group in same if len(group) > 1) or "none"


def _of_network(result, same):
    def better(name, columns):
        return all(result.blob(name, column) == "better" for column in columns)

    def blind(name):
        return result.mean(name, "other_class") > BLIND

    def kept(name):
        return result.mean(name, "randomised") > KEPT

    def stable(name):
        return result.mean(name, "max_sensitivity") < STABLE

    count, blob = len(same), result.rows["centre"]
    lines = [
        f"The centred blob hits the box in {100 * float(blob['pointing']['mean']):.0f} % of the images, and reaches "
        + ", ".join(f"{float(blob[c]['mean']):.2f} in {METRICS[c].title}" for c in REMOVAL)
        + "."
    ]
    for column in ("pointing", "energy"):
        number = sum(better(group[0], [column]) for group in same)
        names = those(same, lambda name, column=column: better(name, [column]))
        lines.append(f"Better than the blob in {METRICS[column].title}: {number} of {count} ({names}).")
    lines.append(f"Better than the blob in insertion, deletion and ROAD: {those(same, lambda n: better(n, REMOVAL))}.")
    for column in REMOVAL:
        names = those(same, lambda name, column=column: result.blob(name, column) == "worse")
        lines.append(f"Worse than the blob in {METRICS[column].title}: {names}.")
    lines += [
        f"Class-blind, second class above {BLIND}: {those(same, blind)}.",
        f"Keeps its map when all weights are random, sMPRT above {KEPT}: {those(same, kept)}.",
        f"Stable under noise, max-sensitivity below {STABLE}, and yet class-blind or keeping its map: "
        f"{those(same, lambda name: stable(name) and (blind(name) or kept(name)))}.",
        f"Images on which a method beats the blob in insertion, deletion and ROAD at once: {_wins(result, same)}.",
    ]
    return f"**{result.network.capitalize()} network**\n\n" + "\n".join(f"- {line}" for line in lines)


def _wins(result, same):
    shares = {}
    for group in same:
        gains = [METRICS[c].better * (result.measured[group[0]][c] - result.measured["centre"][c]) > 0 for c in REMOVAL]
        shares[title(group)] = np.logical_and.reduce(gains).mean()
    best = sorted(shares, key=lambda name: -shares[name])
    return f"{', '.join(f'{name} {100 * shares[name]:.0f} %' for name in best[:5])}; the others on as many or fewer"


def _pairs(results):
    columns = (*REMOVAL, "infidelity")
    rows = []
    for (first, second), words in PAIRS.items():
        for result in results:
            if {first, second} <= set(result.measured):
                cells = [summarise(result.measured[first][c] - result.measured[second][c]) for c in columns]
                name = f"{CANDIDATES[first].title} less {CANDIDATES[second].title}: {words}"
                name = name if result is results[0] else ""
                values = [signed(cell, c) if np.isfinite(cell[0]) else "" for cell, c in zip(cells, columns)]
                rows.append([name, result.network, *values])
    return table_of(["pair", "network", *(METRICS[c].title for c in columns)], *rows)


def _networks(results, same):
    """The robust network's table against the standard one's."""
    standard, robust = results
    lines = []
    for column in ("max_sensitivity", *REMOVAL):
        values = np.array([[r.mean(group[0], column) for group in same] for r in (standard, robust)])
        if np.isfinite(values).all():
            count, (first, second) = (values[1] < values[0]).sum(), np.median(values, axis=1)
            lines.append(
                f"{METRICS[column].title}: lower on the robust network for {count} of {len(same)} methods, median "
                f"{second:.2f} against {first:.2f}; rank correlation of the two orders {rank_correlation(*values):.2f}."
            )
    return "**The two networks**\n\n" + "\n".join(f"- {line}" for line in lines)


def agreements(results):
    parts = []
    for result in results:

        def pairs(test, result=result):
            chosen = [(pair, values) for pair, values in result.pairs.items() if test(*values)]
            chosen.sort(key=lambda item: -abs(item[1][0]))
            return listed(f"{METRICS[a].title} and {METRICS[b].title} {v[0]:.2f}" for (a, b), v in chosen)

        unclear = sum(low <= 0 <= high for _, low, high in result.pairs.values())
        parts.append(
            f"**{result.network.capitalize()} network**\n\n"
            f"- Above {AGREE}: {pairs(lambda value, low, high: value > AGREE)}.\n"
            f"- Below 0, with the whole interval: {pairs(lambda value, low, high: high < 0)}.\n"
            f"- The interval contains 0: {unclear} of {len(result.pairs)} pairs."
        )
    both = [pair for pair in results[0].pairs if all(r.pairs.get(pair, (0,))[0] > AGREE for r in results)]
    words = listed(f"{METRICS[a].title} and {METRICS[b].title}" for a, b in both)
    return "\n\n".join([*parts, f"Above {AGREE} on both networks: {words}."])


# -- the rule ---------------------------------------------------------------------------------------------------------

CONDITIONS = {
    **{
        METRICS[column].title: lambda result, name, column=column: result.blob(name, column) == "better"
        for column in REMOVAL
    },
    "class": lambda result, name: result.mean(name, "other_class") <= BLIND,
    "weights": lambda result, name: result.mean(name, "randomised") <= KEPT,
}


def choice(results, same):
    """Which methods pass the rule, the cheapest first, and what the others fail."""
    passed = {
        group[0]: {c: [r.network for r in results if test(r, group[0])] for c, test in CONDITIONS.items()}
        for group in same
    }
    cost = {name: float(np.mean([r.mean(name, "seconds") for r in results])) for name in passed}
    titles = {group[0]: title(group) for group in same}

    def failed(name):
        return sum(len(results) - len(networks) for networks in passed[name].values())

    order = sorted(passed, key=lambda name: (failed(name), cost[name]))
    everywhere = {len(results): "both", 0: "neither"}
    rows = [
        [titles[n], *(everywhere.get(len(v), listed(v)) for v in passed[n].values()), f"{cost[n]:.3f}"] for n in order
    ]
    coarse = {name for name in order if CANDIDATES[name].family in ("cam", "perturbation")} - {"guided_grad_cam"}
    regions, pixels = ([name for name in order if (name in coarse) == wanted] for wanted in (True, False))

    def chosen(names):
        return _chosen(names, failed, passed, cost, titles, len(results))

    return "\n\n".join(
        [
            f"Over all methods: {chosen(order)}",
            f"For a region (families cam and perturbation): {chosen(regions)}",
            f"For single pixels (the others, and guided Grad-CAM): {chosen(pixels)}",
            "On which networks each condition holds; the methods that fail least at the top:",
            table_of(["method", *CONDITIONS, "CPU s a map"], *rows),
        ]
    )


def _chosen(order, failed, passed, cost, titles, networks):
    winners = [name for name in order if not failed(name)]
    if winners:
        first, *rest = winners
        more = f"Others that pass, by their cost: {listed(f'{titles[n]} ({cost[n]:.3f} s)' for n in rest)}."
        return f"**{titles[first]}** ({cost[first]:.3f} s). {more if rest else 'No other method passes.'}"
    nearest = [name for name in order if failed(name) == failed(order[0])]
    words = [
        f"{titles[name]} (fails {', '.join(c for c, v in passed[name].items() if len(v) < networks)})"
        for name in nearest
    ]
    return f"no method passes. Nearest, by their cost: {listed(words)}."


if __name__ == "__main__":
    main()
