"""The gallery: every technique on a photograph, as pictures, arrays, a manifest and one page that explains them."""

import json
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ... import __version__
from ..._files import check_destination, written_beside
from ..._typing import Images
from ...classifiers.network import Network
from ...datasets import sample_image, sample_names
from . import features, maps, pictures, style
from .figure import Subject, map_layers
from .page import write_page

FIGURES = pictures.FIGURES | maps.FIGURES | features.FIGURES | style.FIGURES


def make_gallery(
    out: str | Path,
    model: Network,
    *,
    image: Images | None = None,
    image_name: str = "your photograph",
    seed: int = 0,
    overwrite: bool = False,
    progress: bool = False,
) -> Path:
    """Run every technique and write what comes out into a folder.

    Parameters
    ----------
    out : str or Path
        Folder; made if need be. For each technique it gets NAME.png and NAME.npz (the arrays); besides
        manifest.json and index.html, a page that holds all pictures and needs no network.
    model : Network
    image : ndarray (H, W, 3) uint8, optional
        Photograph to work on; by default those that installed packages carry.
    image_name : str
        What to call it.
    seed : int
    overwrite : bool
        Replace files of an earlier gallery.
    progress : bool
        Bars on standard error: one for the whole, and, where that is a terminal, one for each technique.

    Returns
    -------
    Path
        Of index.html.

    Raises
    ------
    FileExistsError
        There is a gallery in the folder already, and `overwrite` is False.
    KeyboardInterrupt
        On Ctrl-C, after the page has been written with the figures that are done.
    """
    out = Path(out)
    index = out / "index.html"
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"gallery: {out} is a file; give a folder")
    if model.num_classes < 2:
        raise ValueError(f"gallery: the network knows {model.num_classes} class, but needs two or more to be fooled")
    map_layers(model, 1)
    out.mkdir(parents=True, exist_ok=True)
    for path in (
        index,
        out / "manifest.json",
        *(out / f"{name}{end}" for name in FIGURES for end in (".png", ".npz")),
    ):
        check_destination(path, overwrite=overwrite)
    subject = _sample_subject() if image is None else Subject([image_name], [np.asarray(image)])

    manifest = {"format": "pixelgrad gallery", "seed": seed, "versions": _versions(), "network": model.provenance}
    manifest |= {"photographs": subject.names, "classes": model.num_classes, "figures": {}}
    sections, interrupted = [], False
    of_each = progress and sys.stderr.isatty()  # nested bars clutter a log file
    for name, (title, make) in (bar := tqdm(FIGURES.items(), disable=not progress, unit="technique")):
        bar.set_description(title)
        started = time.perf_counter()
        try:
            made = make(subject, model, np.random.default_rng(seed), of_each)
            seconds = time.perf_counter() - started
            _write_figure(out, name, made, overwrite)
        except KeyboardInterrupt:
            interrupted = True
            break
        manifest["figures"][name] = {
            "seconds": round(seconds, 2),
            "options": made.options,
            "predictions_before": [[p._asdict() for p in best] for best in made.before],
            "predictions_after": [[p._asdict() for p in best] for best in made.after],
        }
        sections.append((name, title, made.caption, out / f"{name}.png", seconds))
    with written_beside(out / "manifest.json", overwrite=overwrite) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    write_page(index, sections, manifest, overwrite=overwrite)
    if interrupted:
        raise KeyboardInterrupt(f"{len(sections)} of {len(FIGURES)} techniques are in {index}")
    return index


def _sample_subject():
    """The photographs that are on this computer; all but the portrait need the `gallery` extra."""
    names = [name for name in ("coffee", "cat", "portrait", "rocket") if name in sample_names()]
    return Subject(names, [sample_image(name) for name in names])


def _versions():
    packages = {name: version(name) for name in ("numpy", "scipy", "matplotlib", "h5py", "pillow")}
    return {"pixelgrad": __version__, "python": platform.python_version(), **packages}


def _write_figure(out, name, made, overwrite):
    """Both files or, if Ctrl-C comes in between, none."""
    with written_beside(out / f"{name}.png", overwrite=overwrite) as picture:
        made.figure.savefig(picture)
        with written_beside(out / f"{name}.npz", overwrite=overwrite) as arrays:
            np.savez_compressed(arrays, **made.arrays)
