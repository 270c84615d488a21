"""The gallery's page: one HTML file with the pictures inside, to be opened without a network."""

import base64
import html
from pathlib import Path
from typing import Any

from ..._files import written_beside

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fafaf8; max-width: 62rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.9rem; margin-bottom: 0; } h2 { margin: 2.6rem 0 0.3rem; } p { max-width: 46rem; }
img { max-width: 100%; height: auto; background: white; border: 1px solid #ddd; }
.small { color: #666; font-size: 0.85rem; } nav a { margin-right: 1rem; } code { background: #eee; padding: 0 0.2rem; }
"""


def write_page(path: Path, sections: list[Any], manifest: dict[str, Any], *, overwrite: bool = False) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
    sections : list of (name, title, caption, picture path, seconds)
    manifest : dict
        As in manifest.json; versions, seed, network and photographs go into the page's foot.
    """
    links = " ".join(f'<a href="#{name}">{html.escape(title)}</a>' for name, title, *_ in sections)
    body = "\n".join(_section(*section) for section in sections)
    versions = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())
    network = manifest["network"]
    accuracy = f", {network['val_top1']:.1%} top-1 on validation images" if network.get("val_top1") else ""
    text = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>pixelgrad gallery</title><style>{_STYLE}</style></head><body>
<h1>What a convolutional network sees</h1>
<p>Every picture here was computed in plain NumPy, by running a trained network forward to some layer and a gradient
back to the pixels. Photographs: {html.escape(", ".join(manifest["photographs"]))}. The network knows
{manifest["classes"]} classes of things and nothing else: whatever it is shown, it names the nearest of them,
with a probability p.</p>
<nav>{links}</nav>
{body}
<p class="small">Seed {manifest["seed"]}; {html.escape(versions)}{accuracy}. The arrays behind each picture are in the
<code>.npz</code> files beside this page, all settings and predictions in <code>manifest.json</code>.</p>
</body></html>
"""
    with written_beside(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _section(name, title, caption, picture, seconds):
    encoded = base64.b64encode(picture.read_bytes()).decode("ascii")
    return f"""<section id="{name}"><h2>{html.escape(title)}</h2>
<p>{html.escape(caption)}</p>
<img alt="{html.escape(title)}" src="data:image/png;base64,{encoded}">
<p class="small">{seconds:.1f} seconds</p></section>"""
