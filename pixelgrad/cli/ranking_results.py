"""What `pixelgrad rank-maps` writes of its measurements: table.csv, agreement.csv, table.md and figures."""

import csv
from pathlib import Path

import numpy as np

from .._files import written_beside
from .shared import say

KEYS = ("network", "method", "image")
BLOB = "centre"
SIGNS = {1: "▲", -1: "▼", 0: "≈"}
ARROWS = {1: " ↑", -1: " ↓", 0: ""}
LEGEND = """\
↑: larger is better, ↓: smaller is better. A number after ± is half of a 95 % bootstrap interval over images. Signs
compare with the centred blob image by image: ▲ better, ▼ worse, ≈ not told apart (the 95 % interval of the mean paired
difference contains 0). {fixed} have no signs, since a map that never changes has a fixed
value there. Rows are in the order of insertion."""


def write_results(args, out, path, networks, names, settings):
    """Write the results of all that has been measured so far."""
    from ..visualization.plots.ranking import plot_agreement, plot_ranking
    from ..visualization.ranking import METRICS
    from ..visualization.ranking_statistics import agreement, summarise

    with open(path, newline="") as f:
        rows = list({tuple(row[key] for key in KEYS): row for row in csv.DictReader(f)}.values())  # the last one counts
    table_rows, agreement_rows, texts = [], [], []
    for network in networks:
        measured = measurements(rows, network, names)
        if not measured:
            continue
        table = {name: {c: summarise(row[c]) for c in METRICS} for name, row in measured.items()}
        differences = differences_to_blob(measured)
        label = Path(network).stem
        heading = _heading(label, len(next(iter(measured.values()))["seconds"]), settings["few"])
        with written_beside(out / f"{label}.png", overwrite=True) as temporary:
            plot_ranking(table, differences, heading=heading).savefig(temporary)
        pairs = agreement(measured)
        if pairs and len(measured) > 3:
            with written_beside(out / f"{label}-agreement.png", overwrite=True) as temporary:
                plot_agreement(pairs, heading=heading).savefig(temporary)
            agreement_rows += [(network, a, b, *map(_short, values)) for (a, b), values in pairs.items()]
        table_rows += _csv_rows(network, table, differences)
        texts.append(f"### {heading}\n\n{_markdown(table, differences)}")
    if not texts:
        say(args, "nothing has been measured yet")
        return
    head = ("network", "method", "metric", "mean", "low", "high")
    head += ("difference", "difference_low", "difference_high", "blob")
    _write_csv(out / "table.csv", head, table_rows)
    _write_csv(out / "agreement.csv", ("network", "metric", "other", "correlation", "low", "high"), agreement_rows)
    fixed = [metric.title for metric in METRICS.values() if metric.fixed]
    fixed = f"{', '.join(fixed[:-1])} and {fixed[-1]}"
    texts.insert(0, LEGEND.format(fixed=fixed[0].upper() + fixed[1:]))
    with written_beside(out / "table.md", overwrite=True) as temporary:
        Path(temporary).write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    say(args, "\n\n".join(texts))
    say(args, f"\n{path}, {out / 'table.csv'}, {out / 'agreement.csv'}, {out / 'table.md'} and figures beside them")


def measurements(rows, network, names):
    """Rows of images.csv as {method: {metric: a value for each image}}, the same images for all; NaN where missing."""
    from ..visualization.ranking import METRICS

    rows = [row for row in rows if row["network"] == network]
    places = {image: n for n, image in enumerate(dict.fromkeys(row["image"] for row in rows))}
    measured = {}
    for name in names:
        mine = [row for row in rows if row["method"] == name]
        if mine:
            measured[name] = {column: np.full(len(places), np.nan) for column in METRICS}
            for row in mine:
                for column in METRICS:
                    measured[name][column][places[row["image"]]] = float(row[column] or "nan")
    return measured


def differences_to_blob(measured):
    """{method: {metric: (mean, low, high)}} of paired differences, for metrics that have a better end."""
    from ..visualization.ranking import METRICS
    from ..visualization.ranking_statistics import summarise

    columns = [column for column, metric in METRICS.items() if metric.better]
    return {
        name: {column: summarise(row[column] - measured[BLOB][column]) for column in columns}
        for name, row in measured.items()
        if name != BLOB and BLOB in measured
    }


def _heading(label, images, few):
    if few >= images:
        return f"{label} network, {images} images"
    return f"{label} network, {images} images ({few} for infidelity, max-sensitivity, sMPRT and second class)"


def _csv_rows(network, table, differences):
    """A row for each method and metric; the last column says how the method compares with the blob."""
    from ..visualization.ranking_statistics import verdict

    words = {1: "better", -1: "worse", 0: "not told apart"}
    for name, row in table.items():
        for column, values in row.items():
            difference = differences.get(name, {}).get(column, (np.nan,) * 3)
            known = np.isfinite(difference[0])
            word = words[verdict(column, difference)] if known else ""
            yield network, name, column, *map(_short, (*values, *difference)), word


def _short(value):
    return f"{value:.6g}" if np.isfinite(value) else ""


def _write_csv(path, head, rows):
    with written_beside(path, overwrite=True) as temporary, open(temporary, "w", newline="") as f:
        csv.writer(f).writerows([head, *rows])


def _markdown(table, differences):
    """The means as two Markdown tables, of what is compared with the blob and of the rest; rows by insertion."""
    from ..visualization.ranking import CANDIDATES, METRICS

    names = sorted(table, key=lambda name: -np.nan_to_num(table[name]["insertion"][0]))
    compared = [column for column, metric in METRICS.items() if metric.better and not metric.fixed]
    texts = []
    for columns in (compared, [column for column in METRICS if column not in compared]):
        head = ["method", *(METRICS[column].title + ARROWS[METRICS[column].better] for column in columns)]
        lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
        for name in names:
            cells = [_cell(column, table[name][column], differences.get(name, {}).get(column)) for column in columns]
            lines.append(f"| {' | '.join([CANDIDATES[name].title, *cells])} |")
        texts.append("\n".join(lines))
    return "\n\n".join(texts)


def _cell(column, values, difference):
    from ..visualization.ranking import METRICS
    from ..visualization.ranking_statistics import verdict

    mean, low, high = values
    if not np.isfinite(mean):
        return ""
    if column == "seconds":
        return f"{mean:.3f}"
    text = f"{round(mean, 2) + 0.0:.2f}±{(high - low) / 2:.2f}"  # 0.0: never -0.00
    if METRICS[column].fixed or difference is None or not np.isfinite(difference[0]):
        return text
    return f"{text}\N{NO-BREAK SPACE}{SIGNS[verdict(column, difference)]}"
