"""`pixelgrad rank-maps`: every attribution method by every metric, on many images, with intervals."""

import csv
import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from multiprocessing import active_children, get_context
from pathlib import Path

import numpy as np

from .._files import written_beside
from .options import add_common, at_least
from .ranking_results import KEYS, write_results
from .shared import ENGINES, keep_input

CHUNK = 20  # images that a process measures at a time


def add_rank_maps(commands):
    text = "which attribution method is right: all of them by all metrics, on validation images with boxes"
    p = commands.add_parser("rank-maps", help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
    p.add_argument("data", metavar="DATA", help="TinyImageNet: its folder or its zip file")
    p.add_argument(
        "--images",
        type=at_least(2),
        default=200,
        metavar="N",
        help="validation images that all networks classify correctly (default: 200)",
    )
    p.add_argument(
        "--few",
        type=at_least(0),
        default=20,
        metavar="N",
        help="of them, the first ones: infidelity, max-sensitivity, sMPRT and second class need many maps each "
        "(default: 20)",
    )
    p.add_argument("--methods", nargs="+", metavar="METHOD", help="names as in attribute --method (default: all)")
    p.add_argument(
        "--model",
        nargs="+",
        default=["standard", "robust"],
        metavar="FILE",
        help="weights files; standard and robust for the shipped ones (default: both)",
    )
    p.add_argument("--engine", choices=ENGINES, default="fast", help="what computes the layers (default: fast)")
    p.add_argument("--jobs", type=at_least(1), help="processes, of one thread each (default: one for each core)")
    p.add_argument("--cache", metavar="DIR", help="folder for the decoded images (default: beside the data)")
    add_common(
        p,
        out="rank-maps",
        out_help="folder for images.csv, table.csv, agreement.csv, table.md and figures; resumes there",
    )
    p.set_defaults(run=rank_maps)


def rank_maps(args):
    from ..datasets import load_tiny_imagenet, load_tiny_imagenet_boxes
    from ..visualization.ranking import BASELINES, CANDIDATES, METRICS

    names = list(dict.fromkeys(args.methods or CANDIDATES))
    unknown = [name for name in names if name not in CANDIDATES]
    if unknown:
        raise ValueError(f"--methods: there is no method {unknown[0]!r}; they are {', '.join(CANDIDATES)}")
    names += [name for name in BASELINES if name not in names]
    networks = list(dict.fromkeys(args.model))
    out = Path(args.out)
    keep_input(args, out)
    out.mkdir(parents=True, exist_ok=True)
    data = load_tiny_imagenet(args.data, cache_dir=args.cache, progress=not args.quiet)
    boxes = load_tiny_imagenet_boxes(args.data)
    models = {name: _network(name, args.engine) for name in networks}
    chosen = _images_all_get_right(models, data, args.images, args.seed)
    settings = {
        "images": len(chosen),
        "few": args.few,
        "seed": args.seed,
        "data": Path(args.data).name,
        "networks": {name: fingerprint(model) for name, model in models.items()},
    }
    columns = [*KEYS, *METRICS]
    path = out / "images.csv"
    done = _resume(args, path, out / "settings.json", settings, columns)

    starts = range(0, len(chosen), CHUNK)
    work = [
        (n, m, s)
        for s in starts
        for n in networks
        for m in names
        if not all((n, m, int(image)) in done for image in chosen[s : s + CHUNK])
    ]
    labels = {n: _labels_as(models[n], data) for n in networks}

    def task(network, method, start):
        """All that a process needs to measure one method on one chunk of images."""
        part = chosen[start : start + CHUNK]
        few = int(np.clip(args.few - start, 0, CHUNK))
        images = np.array(data["X_val"][part])
        return network, args.engine, method, images, labels[network][part], boxes[part], few, args.seed

    jobs = min(args.jobs or os.cpu_count() or 1, max(1, len(work)))
    interrupted = _measure_all(args, work, task, jobs, path, columns, chosen)
    write_results(args, out, path, networks, names, settings)
    if interrupted:
        raise KeyboardInterrupt(f"what was measured is in {out}; the same command goes on from there")


def _measure_all(args, work, task, jobs, path, columns, chosen):
    """Measure what is still missing, and append it to the file as it comes; True if Ctrl-C stopped it."""
    from tqdm import tqdm

    with (
        open(path, "a", newline="") as f,
        tqdm(total=len(work), disable=args.quiet, desc="rank-maps", unit="part", smoothing=0.05) as bar,
    ):
        writer = csv.writer(f)
        try:
            for (network, method, start), measured in _results(work, task, jobs):
                for n, image in enumerate(chosen[start : start + CHUNK]):
                    writer.writerow([network, method, image, *(f"{measured[c][n]:.6g}" for c in columns[3:])])
                f.flush()
                bar.update()
        except KeyboardInterrupt:
            return True
    return False


def _results(work, task, jobs):
    """What was measured, as it comes: ((network, method, first image), columns)."""
    if jobs == 1:
        yield from ((item, _measure(task(*item))) for item in work)
        return
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin)
    try:
        futures = {pool.submit(_measure, task(*item)): item for item in work}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BaseException:
        for process in active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin():
    import signal

    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one sees to it
    threadpool_limits(1)


def _measure(task):
    """All metrics of one method on one chunk of images, by one network."""
    from ..visualization.ranking import measure_maps

    network, engine, method, images, y, boxes, few, seed = task
    model = _network(network, engine)
    X = model.preprocess(images.transpose(0, 2, 3, 1))
    return measure_maps(method, X, y, boxes, model, few=few, rng=seed)


@lru_cache(maxsize=2)
def _network(name, engine):
    from ..classifiers import PretrainedCNN

    if name in ("standard", "robust"):
        return PretrainedCNN(variant=name, engine=engine)
    return PretrainedCNN(name, engine=engine)


def fingerprint(model):
    """A checksum of a network's parameters."""
    import zlib

    checksum = 0
    for name in sorted(model.params):
        checksum = zlib.crc32(np.ascontiguousarray(model.params[name]), checksum)
    return f"{checksum:08x}"


def _labels_as(model, data):
    """The validation labels as the network numbers its classes."""
    if model.wnids is None:
        return data["y_val"]
    missing = [wnid for wnid in data["wnids"] if wnid not in model.wnids]
    if missing:
        raise ValueError(f"the network does not know the class {missing[0]}; was it trained on this data?")
    return np.array([model.wnids.index(wnid) for wnid in data["wnids"]])[data["y_val"]]


def _images_all_get_right(models, data, count, seed):
    """Validation images, in a random order, that every network classifies correctly: there is a decision to explain."""
    order, found = np.random.default_rng(seed).permutation(len(data["y_val"])), []
    for first in range(0, len(order), 64):
        part = order[first : first + 64]
        images, right = np.array(data["X_val"][np.sort(part)]).transpose(0, 2, 3, 1), np.ones(len(part), bool)
        for model in models.values():
            y = _labels_as(model, data)[np.sort(part)]
            right &= model.scores(model.preprocess(images)).argmax(axis=1) == y
        kept = set(np.sort(part)[right])
        found += [image for image in part if image in kept]
        if len(found) >= count:
            return np.array(found[:count])
    if len(found) < 2:
        raise ValueError("fewer than two validation images are classified correctly; nothing can be compared")
    return np.array(found)


def _resume(args, path, settings_path, settings, columns):
    """What an earlier run with the same settings has measured: {(network, method, image)}."""
    if path.exists() and not args.force:
        earlier = json.loads(settings_path.read_text()) if settings_path.exists() else None
        if earlier != settings:
            raise FileExistsError(f"{path} holds other images, networks or settings; choose another --out, or --force")
        whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
        rows = [row for row in csv.reader(whole.splitlines()) if len(row) == len(columns)][1:]
        with written_beside(path, overwrite=True) as temporary, open(temporary, "w", newline="") as f:
            csv.writer(f).writerows([columns, *rows])  # without a line that was cut short
        return {(row[0], row[1], int(row[2])) for row in rows}
    with written_beside(settings_path, overwrite=True) as temporary:
        Path(temporary).write_text(json.dumps(settings, indent=1), encoding="utf-8")
    with open(path, "w", newline="") as f:
        csv.writer(f).writerow(columns)
    return set()
