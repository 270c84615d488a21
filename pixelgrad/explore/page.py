"""The page's own files, and the page itself: one HTML document that is told at its start what there is to explore."""

import json
from pathlib import Path
from typing import Any

from .. import __version__
from .._language import language
from ..classifiers.engines import ENGINES
from ..datasets import sample_names
from ..layers.checks import RELU_RULES
from .attribution import METHODS
from .sources import code_of_views
from .texts import TEXTS

UPLOAD_LIMIT = 32 * 2**20  # bytes of a photograph
STATIC = Path(__file__).resolve().parent / "static"
STYLE = '<link rel="stylesheet" href="static/explorer.css">'
SCRIPT = '<script type="module" src="static/main.js"></script>'


def static_files() -> dict[str, bytes]:
    """The scripts and the style of the page, by name."""
    return {path.name: path.read_bytes() for path in sorted(STATIC.iterdir()) if path.suffix in (".js", ".css", ".svg")}


def page_settings(
    *, networks: list[str], model: str = "standard", engine: str = "fast", sample: str = "", given: str = ""
) -> dict[str, Any]:
    """What the page is told at its start.

    Parameters
    ----------
    networks : list of str
        That can be chosen.
    model, engine : str
        Chosen at first.
    sample : str
        The photograph to begin with, if it is a sample.
    given : str
        The name of the picture that the command was given, if it is not a sample.
    """
    return {
        "version": __version__,
        "texts": TEXTS[language()],
        "code": code_of_views(),
        "networks": networks,
        "model": model,
        "engine": engine,
        "engines": list(ENGINES),
        "rules": list(RELU_RULES),
        "methods": list(METHODS),
        "families": {name: method.family for name, method in METHODS.items()},
        "language": language(),
        "samples": sample_names(),
        "sample": sample,
        "given": given,
        "uploadLimit": UPLOAD_LIMIT,
    }


def page_html(settings: dict[str, Any], *, style: str = STYLE, script: str = SCRIPT, extra: str = "") -> str:
    """The document; style and script are links to the server, or the text itself in an exported page."""
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    data = f'<script type="application/json" id="settings">{script_json(settings)}</script>'
    html = html.replace('lang="en"', f'lang="{settings["language"]}"')
    for mark, text in (("<!-- style -->", style), ("<!-- data -->", data + extra), ("<!-- script -->", script)):
        html = html.replace(mark, text)
    return html


def script_json(value: Any) -> str:
    """JSON that can stand inside a script element: nothing in it ends the element."""
    return json.dumps(value).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
