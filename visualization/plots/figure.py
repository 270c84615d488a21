"""The figure that every plot is drawn on: a notebook shows it, and its text is text.

matplotlib's own Figure is a picture in a notebook only after ``%matplotlib inline``. It takes text between dollar signs
for mathematics, and draws a box and warns for each character that its font lacks. Names of classes and of files come
from data: they are drawn as they are, in any script that an installed font has.
"""

import io
import sys
import unicodedata
import warnings
from collections import Counter
from functools import cache, lru_cache
from typing import Any

from matplotlib import figure as mpl_figure
from matplotlib import font_manager
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter

LAST_RESORT = "Last Resort"  # matplotlib's font of boxes: it "has" every character


class Figure(mpl_figure.Figure):
    """A matplotlib Figure that a notebook shows as a picture, and whose text is never taken for mathematics.

    ``figure.savefig("out.png")`` writes it. A notebook shows the value of a cell's last line; ``figure.show()`` shows
    the figure from the middle of a cell. pyplot does not know it: ``plt.show()`` has no effect on it.
    """

    def draw(self, renderer: Any) -> None:
        """Draw everything on a renderer, as matplotlib calls it."""
        texts = _texts_from_data(self)
        for text in texts:
            text.set_parse_math(False)
        for text in self.findobj(Text):
            text.set_usetex(False)
        _choose_fonts(texts)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from")  # _choose_fonts has said so
            super().draw(renderer)

    def show(self, warn: bool = True) -> None:
        """Show the figure in a notebook, wherever in a cell the call stands.

        Raises
        ------
        RuntimeError
            This is not a notebook.
        """
        if "IPython" not in sys.modules or sys.modules["IPython"].get_ipython() is None:
            raise RuntimeError('show: there is no notebook to show the figure in; figure.savefig("out.png") writes it')
        sys.modules["IPython"].display.display(self)

    def _repr_png_(self) -> bytes:
        """What a notebook shows where matplotlib has registered nothing better."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def _texts_from_data(figure):
    """The texts with something in them, without those that matplotlib writes itself: the numbers at ticks."""
    texts = {text for text in figure.findobj(Text) if text.get_text()}
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            labels = axis.get_ticklabels()  # makes them, too
            given = isinstance(axis.get_major_formatter(), FixedFormatter | FuncFormatter)
            texts = texts.union(labels) if given else texts.difference(labels)
            texts.discard(axis.get_offset_text())
    return texts


def _choose_fonts(texts):
    """Give each text fonts that have its characters; what no font has becomes a box, and is said once."""
    lacking = set()
    for text in texts:
        plain = printable(text.get_text())
        if plain != text.get_text():
            text.set_text(plain)
        missing = frozenset(c for c in plain if ord(c) > 127 and not _has(text.get_fontproperties(), c))
        if missing:
            fallback, without = _fonts_for(missing)
            lacking |= without
            families = text.get_fontfamily()
            text.set_fontfamily([*families, *(name for name in fallback if name not in families)])
    if lacking:
        _say_lacking(frozenset(lacking))


@cache  # once for the same characters: a figure is drawn several times
def _say_lacking(characters):
    shown = ", ".join(sorted(characters)[:8]) + (", ..." if len(characters) > 8 else "")
    warnings.warn(
        f"no installed font has the characters {shown}: figures show boxes in their place; install a font that has "
        "them, such as Noto Sans CJK",
        stacklevel=2,
    )


def printable(text):
    """The text with spaces for control characters, and a mark for bytes that are not characters (in names of files)."""
    kinds = {"Cc": " ", "Cs": "\N{REPLACEMENT CHARACTER}"}
    return "".join(c if c == "\n" else kinds.get(unicodedata.category(c), c) for c in text)


def _has(properties, character):
    """Whether one of the fonts that matplotlib would take for these properties has a character."""
    families = properties.get_family()
    for family in families:
        one = properties.copy()
        one.set_family(family)
        try:
            path = font_manager.findfont(one, fallback_to_default=len(families) == 1)
        except ValueError:  # this family is not installed
            continue
        if ord(character) in _characters(path):
            return True
    return False


def drawable(text):
    """Whether installed fonts have all characters of a text."""
    return not _fonts_for(frozenset(text))[1]


@lru_cache(maxsize=256)
def _fonts_for(missing):
    """Installed families that have these characters, those with the most first; and the characters that none has."""
    found = Counter()
    for entry in font_manager.fontManager.ttflist:
        if not entry.name.startswith(LAST_RESORT):
            found[entry.name] = max(found[entry.name], sum(ord(c) in _characters(entry.fname) for c in missing))
    chosen, left = [], set(missing)
    for name, _ in found.most_common():
        paths = [entry.fname for entry in font_manager.fontManager.ttflist if entry.name == name]
        here = {c for c in left if any(ord(c) in _characters(path) for path in paths)}
        if here:
            chosen.append(name)
            left -= here
        if not left:
            break
    return tuple(chosen), frozenset(left)


@cache
def _characters(path):
    """The code points that a font file has; none where matplotlib cannot read it, as with most fonts of emoji."""
    try:
        return frozenset(font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()
