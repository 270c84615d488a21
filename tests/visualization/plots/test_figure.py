"""Figures show themselves in notebooks, and text from data is drawn as it is."""

import io
import warnings

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager, rc_context
from matplotlib.text import Text

from pixelgrad.classifiers.evaluation import Evaluation
from pixelgrad.visualization.plots import plot_attack, plot_embedding, plot_evaluation, plot_images, plot_transfer

PICTURE = np.full((16, 16, 3), 90, np.uint8)
MATHS = [r"$\frac{78$", "$5 and $10", "a_$b_c$", r"\$x$y$", "100 % $^$"]


def saved(figure, kind="png"):
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()


def drawn(figure):
    """The figure after it was drawn; a raw warning of matplotlib's is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        saved(figure)
    return figure


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
@pytest.mark.parametrize("name", MATHS)
def test_titles_are_never_mathematics(name, kind):
    assert saved(plot_images([PICTURE], [name], heading=name), kind)


@pytest.mark.parametrize("name", MATHS)
def test_class_names_at_ticks_and_in_legends_are_never_mathematics(name):
    drawn(plot_transfer(np.eye(2), [name, "other"]))
    drawn(plot_embedding(np.random.default_rng(0).normal(size=(6, 2)), labels=np.arange(6) % 2, names=[name, "b"]))
    scores = np.eye(3)
    drawn(plot_evaluation(Evaluation(scores, np.arange(3), 0.1, 1.0, 1.0), [name, "b", "c"]))


def test_text_between_dollars_keeps_its_dollars():
    with_maths, plain = saved(plot_images([PICTURE], ["$x$"])), saved(plot_images([PICTURE], ["x"]))
    assert with_maths != plain
    figure = drawn(plot_images([PICTURE], ["$x$"]))
    assert "$x$" in [text.get_text() for text in figure.findobj(Text)]


def test_a_style_that_asks_for_latex_does_not_typeset_class_names():
    with rc_context({"text.usetex": True}):
        saved(plot_images([PICTURE], ["100_%_of & #"]))


def test_numbers_at_ticks_keep_their_power_of_ten():
    trace = {"score": (np.arange(3), np.array([0.0, 2e9, 4e9]))}
    with rc_context({"axes.formatter.use_mathtext": True}):
        figure = plot_attack(PICTURE, PICTURE, trace, ("a", "b"))
        saved(figure)
    assert figure.axes[-1].yaxis.get_offset_text().get_parse_math()


@pytest.mark.parametrize("name", ["_private", "__", "_"])
def test_a_class_whose_name_begins_with_an_underscore_stands_in_the_legend(name):
    figure = drawn(
        plot_embedding(np.random.default_rng(0).normal(size=(6, 2)), labels=np.arange(6) % 2, names=[name, "b"])
    )
    assert [text.get_text().strip() for text in figure.axes[0].get_legend().get_texts()] == [name, "b"]
    figure = drawn(plot_attack(PICTURE, PICTURE, {name: ([0, 1], [0, 1])}, ("a", "b")))
    assert [text.get_text().strip() for text in figure.axes[-1].get_legend().get_texts()] == [name]


@pytest.mark.parametrize("name", ["caf\udce9", "bell\x07", "a\x00b", "tab\tb", "escape\x1b[31m"])
def test_bytes_that_are_not_characters_do_not_break_a_title(name):
    drawn(plot_images([PICTURE], [name], heading=name))
    drawn(plot_transfer(np.eye(2), [name, "b"]))


# The characters differ from test to test, since each set of them is said once.
@pytest.mark.parametrize("name", ["\u732b", "\u0e41\u0e21\u0e27", "\U0001f408"])
def test_a_script_that_no_font_has_is_said_once_and_plainly(name, monkeypatch):
    monkeypatch.setattr(font_manager.fontManager, "ttflist", without_fallbacks())
    with pytest.warns(UserWarning) as caught:
        for _ in range(2):
            saved(plot_images([PICTURE] * 2, [name, name]))
        saved(plot_images([PICTURE], [name]), "pdf")
    assert len(caught) == 1
    assert "no installed font has the characters" in str(caught[0].message) and "Noto" in str(caught[0].message)


@pytest.mark.parametrize("where", ["title", "ticks"])
def test_a_script_is_drawn_in_an_installed_font_that_has_it(where, tmp_path, monkeypatch):
    character = {"title": "\u72ac", "ticks": "\u9e1f"}[where]
    fonts = without_fallbacks()
    monkeypatch.setattr(font_manager.fontManager, "ttflist", fonts)
    fonts.append(font_manager.ttfFontProperty(font_manager.get_font(font_with(tmp_path / "own.ttf", character))))
    figure = plot_images([PICTURE], [f"dog {character}"]) if where == "title" else plot_transfer(np.eye(1), [character])
    drawn(figure)
    (text, *_) = [text for text in figure.findobj(Text) if character in text.get_text()]
    assert text.get_fontfamily()[-1] == "Own Script"


def without_fallbacks():
    return [entry for entry in font_manager.fontManager.ttflist if entry.name.startswith(("DejaVu", "STIX", "cm"))]


def font_with(path, character):
    """A font file that has one character, a square."""
    pen = TTGlyphPen(None)
    for n, point in enumerate([(100, 0), (100, 700), (800, 700), (800, 0)]):
        (pen.moveTo if n == 0 else pen.lineTo)(point)
    pen.closePath()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "own"])
    font.setupCharacterMap({ord(character): "own"})
    font.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "own": pen.glyph()})
    font.setupHorizontalMetrics({".notdef": (1000, 0), "own": (1000, 100)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Own Script", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)
    return str(path)


def test_showing_a_figure_does_not_change_what_is_saved():
    figure = plot_images([PICTURE], ["$x$ \u72ac"])
    before = saved(figure)
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert saved(figure) == before == saved(plot_images([PICTURE], ["$x$ \u72ac"]))


def test_show_outside_a_notebook_says_how_to_write_the_figure():
    with pytest.raises(RuntimeError, match=r"no notebook.*savefig"):
        plot_images([PICTURE]).show()
