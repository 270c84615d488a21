"""Progress bars: shown where they are asked for, and in a notebook where a call takes long."""

import sys
from typing import Any

from tqdm import tqdm

NOTEBOOK_DELAY = 1.0  # seconds before a bar that nobody asked for appears


def in_notebook() -> bool:
    """Whether this code runs in a Jupyter kernel: then the reader waits before a cell, and sees nothing."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython is not None and hasattr(get_ipython(), "kernel")


def progress_bar(iterable: Any = None, *, progress: bool | None, **options: Any) -> Any:
    """A bar of tqdm's on standard error.

    Parameters
    ----------
    iterable : iterable, optional
        What the bar counts; without it, ``total`` and ``update`` do.
    progress : bool or None
        Whether to show it. None: in a notebook, after a second. It is text, not a widget: that works in every notebook,
        without ipywidgets.
    options
        Of tqdm: ``desc``, ``unit``, ``total``, ...

    Returns
    -------
    tqdm
    """
    if progress is None:
        return tqdm(iterable, disable=not in_notebook(), delay=NOTEBOOK_DELAY, **options)
    return tqdm(iterable, disable=not progress, **options)
