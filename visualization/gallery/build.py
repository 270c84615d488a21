"""The gallery: every technique on a photograph, as pictures, arrays, a manifest and one page that explains them."""

import json
import platform
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ... import __version__
from ..._files import check_destination, written_beside
from ..._progress import progress_bar
from ..._typing import Images
from ...classifiers.network import Network
from ...datasets import sample_image, sample_names
from ..checks import check_whole
from ..image_sets import ImageSet
from . import attribution, counterfactuals, features, maps, pictures, style
from .figure import Subject, map_layers
from .page import write_page

# What takes longest is begun first, behind the first picture: no process is to wait for it in the end.
LONGEST = ("textures", "style-transfer", "class-visualization", "inversion", "deepdream", "neurons")
# The cat's face: the middle of the photograph, in its full height, is a golden retriever to the standard network.
PARTS = {"cat": (slice(0, 280), slice(70, 350))}
SEARCHES = ("patches", "neighbours", "embedding")  # look through many images
FIGURES = pictures.FIGURES | maps.FIGURES | features.FIGURES | style.FIGURES
MORE_FIGURES = attribution.FIGURES | counterfactuals.FIGURES  # with full=True, or by name


def make_gallery(
    out: str | Path,
    model: Network,
    *,
    twin: Network | None = None,
    image: Images | None = None,
    image_name: str = "your photograph",
    data: ImageSet | None = None,
    only: Sequence[str] | None = None,
    full: bool = False,
    jobs: int = 1,
    seed: int = 0,
    overwrite: bool = False,
    progress: bool = False,
) -> Path:
    """Run every technique and write what comes out into a folder.

    Parameters
    ----------
    out : str or Path
        Folder; made if need be. For each technique it gets NAME.png and NAME.npz (the arrays); besides
        manifest.json and index.html, a page that holds all pictures so far and needs no network.
    model : Network
    twin : Network, optional
        A network to show beside the first one, trained on the same data in another way.
    image : ndarray (H, W, 3) uint8, optional
        Photograph to work on; by default those that installed packages carry.
    image_name : str
        What to call it.
    data : ImageSet, optional
        Images of a data set, to look through for patches, neighbours and the map by t-SNE.
    only : sequence of str, optional
        Names of techniques, keys of `FIGURES` or `MORE_FIGURES`; by default those of `FIGURES`, or all with `full`.
    full : bool
        Larger pictures, and more of them, every attribution method and counterfactuals; takes minutes.
    jobs : int
        How many techniques may run at the same time, each in a process with one thread. Results do not depend on it.
    seed : int
    overwrite : bool
        Replace files of an earlier gallery.
    progress : bool
        Bars on standard error: one for the whole, and, with one job on a terminal, one for each technique.

    Returns
    -------
    Path
        Of index.html.

    Raises
    ------
    FileExistsError
        There is a gallery in the folder already, and `overwrite` is False.
    ValueError
        `only` names a technique that there is not, or the network cannot be looked into.
    KeyboardInterrupt
        On Ctrl-C; the page holds the figures that are done.
    """
    out = Path(out)
    index = out / "index.html"
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"make_gallery: {out} is a file; give a folder")
    if model.num_classes < 2:
        raise ValueError(
            f"make_gallery: the network knows {model.num_classes} class, but needs two or more to be fooled"
        )
    map_layers(model, 1)
    check_whole("make_gallery", 1, jobs=jobs)
    known = _known()
    unknown = sorted(set(only or ()) - set(known))
    if unknown:
        raise ValueError(f"make_gallery: no technique is called {', '.join(unknown)}; there are {', '.join(known)}")
    usual = known if full else FIGURES
    names = [name for name in known if (name in usual if only is None else name in only)]
    out.mkdir(parents=True, exist_ok=True)
    for path in (index, out / "manifest.json", *(out / f"{name}{end}" for name in names for end in (".png", ".npz"))):
        check_destination(path, overwrite=overwrite)
    subject = replace(
        _sample_subject() if image is None else Subject([image_name], [np.asarray(image)]), twin=twin, full=full
    )
    given = replace(subject, data=data)  # large: only what looks through it is sent to its process

    manifest: dict[str, Any] = {"format": "pixelgrad gallery", "seed": seed, "full": full, "versions": _versions()}
    manifest |= {"network": model.provenance, "twin": twin and twin.provenance}
    manifest |= {"photographs": subject.names, "classes": model.num_classes, "figures": {}}
    made: dict[str, Any] = {}  # entry in the manifest and caption, by name
    of_each = progress and jobs == 1 and sys.stderr.isatty()  # nested bars clutter a log file
    order = [*names[:1], *sorted(names[1:], key=lambda name: name not in LONGEST)] if jobs > 1 else names
    options = {"out": out, "model": model, "seed": seed, "progress": of_each, "overwrite": overwrite}
    work = {
        name: partial(_write_figure, name, subject=given if name in SEARCHES else subject, **options) for name in names
    }
    with progress_bar(total=len(names), progress=progress, unit="technique") as bar:
        try:
            for name, entry, caption in _in_processes(work, order, jobs) if jobs > 1 else _one_by_one(work, order, bar):
                made[name] = entry, caption
                manifest["figures"] = {n: made[n][0] for n in names if n in made}
                with written_beside(out / "manifest.json", overwrite=True) as temporary:
                    temporary.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
                sections = [
                    (n, known[n][0], made[n][1], out / f"{n}.png", shown["seconds"])
                    for n, shown in manifest["figures"].items()
                ]
                write_page(index, sections, manifest, overwrite=True)
                bar.update()
                bar.set_description(f"{known[name][0]} done")
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{len(made)} of {len(names)} techniques are in {index}") from None
    return index


def _known():
    """All figures that there are: {name: (title, function)}."""
    return FIGURES | MORE_FIGURES


def _sample_subject():
    """The photographs that are on this computer; all but the portrait need the `gallery` extra."""
    names = [name for name in ("coffee", "cat", "portrait", "rocket") if name in sample_names()]
    return Subject(names, [sample_image(name) for name in names], PARTS)


def _versions():
    packages = {name: version(name) for name in ("numpy", "scipy", "matplotlib", "h5py", "pillow")}
    return {"pixelgrad": __version__, "python": platform.python_version(), **packages}


def _write_figure(name, *, out, subject, model, seed, progress, overwrite):
    """Make one figure and write both its files or, if Ctrl-C comes in between, none.

    Returns its name, its entry in the manifest and its caption.
    """
    started = time.perf_counter()
    with threadpool_limits(1):  # another number of threads would round differently
        made = _known()[name][1](subject, model, np.random.default_rng(seed), progress)
    seconds = time.perf_counter() - started
    with written_beside(out / f"{name}.png", overwrite=overwrite) as picture:
        made.figure.savefig(picture)
        with written_beside(out / f"{name}.npz", overwrite=overwrite) as arrays:
            np.savez_compressed(arrays, **made.arrays)
    entry = {
        "seconds": round(seconds, 2),
        "options": made.options,
        "predictions_before": [[p._asdict() for p in best] for best in made.before],
        "predictions_after": [[p._asdict() for p in best] for best in made.after],
    }
    return name, entry, made.caption


def _one_by_one(work, names, bar):
    for name in names:
        bar.set_description(_known()[name][0])
        yield work[name]()


def _in_processes(work, names, jobs):
    """The results as they come. Ctrl-C, or an error in one of the processes, ends all of them."""
    workers = ProcessPoolExecutor(min(jobs, len(names)), get_context("spawn"), initializer=_leave_ctrl_c)
    try:
        for future in as_completed([workers.submit(work[name]) for name in names]):
            yield future.result()
    except BrokenProcessPool:
        raise ChildProcessError("make_gallery: a process was ended from outside; out of memory? try --jobs 1") from None
    except BaseException:
        for process in active_children():
            process.terminate()
        raise
    finally:
        workers.shutdown(cancel_futures=True)


def _leave_ctrl_c():
    """Ctrl-C reaches every process of a terminal; the one that started the others sees to it, and ends them tidily."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # temporary files are removed on the way out
