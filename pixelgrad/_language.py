"""The language of words for people: message catalogues (gettext) in `locale/`.

Code writes English: ``_("{name} is {what}.", name=name, what=what)``. A language's catalogues translate the text before
its fields are filled in; what they lack stays English. `pixelgrad.coursework.instructor.translations` keeps them up to
date.
"""

import gettext
import json
import locale
import os
import re
import string
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "zh")
FOLDER = Path(__file__).resolve().parent / "locale"
DOMAINS = ("checker", "exercises", "mistakes", "classes")  # files of FOLDER/zh/LC_MESSAGES
VARIABLE = "PIXELGRAD_LANG"
_EDITION = Path(__file__).resolve().parents[1] / "coursework" / "edition.json"  # in student editions only

_chosen: ContextVar[str | None] = ContextVar("language", default=None)


def language() -> str:
    """The language in use: of `in_language`, of PIXELGRAD_LANG, of the student edition, or of the system."""
    return _chosen.get() or known(os.environ.get(VARIABLE)) or _of_edition() or _of_system() or "en"


@contextmanager
def in_language(code: str | None) -> Iterator[None]:
    """Within the block words are in this language; None leaves it as it is."""
    token = _chosen.set(code or _chosen.get())
    try:
        yield
    finally:
        _chosen.reset(token)


def known(code: str | None) -> str | None:
    """The language of a code such as "zh_CN.UTF-8"; None where there is none, or we have no words in it."""
    start = (code or "").lower()
    start = "zh" if start.startswith("chinese") else start[:2]  # Windows writes out the names
    return start if start in LANGUAGES else None


def translated(text: str, /, **fields: object) -> str:
    """A text in the language in use, with its fields filled in."""
    words = text if language() == "en" or not text else _catalogue(language()).gettext(text)
    return words.format(**fields) if fields else words


def marked(text: str, /) -> str:
    """The same text, marked as one that is translated where it is shown."""
    return text


def retranslated(words: str) -> str:
    """Words that were made in English, by another process or long ago, in the language in use.

    The text is found by its form, and what stands in its fields is translated as well. Other words stay as they are.
    """
    if language() == "en" or translated(words) != words:
        return translated(words)
    for form, text in _forms(language()):
        if found := form.fullmatch(words):
            fields = {name: _Shown(retranslated(said)) for name, said in found.groupdict().items()}
            return translated(text).format(**fields)
    return words


class _Shown(str):
    """A field's value that was written out already, with quotes where the text asks for them."""

    def __repr__(self) -> str:
        return str(self)


@cache
def _forms(code: str) -> list[tuple[re.Pattern[str], str]]:
    """What texts with fields look like when these are filled in; those with most words of their own come first."""
    checker, forms = gettext.translation(DOMAINS[0], FOLDER, [code], fallback=True), []
    for text in filter(None, getattr(checker, "_catalog", {})):
        parts = [(literal, name) for literal, name, *_rest in string.Formatter().parse(text)]
        names = [name for _literal, name in parts if name]
        own = sum(character.isalpha() for literal, _name in parts for character in literal)
        if own and names and len(set(names)) == len(names):
            pattern = "".join(re.escape(literal) + (f"(?P<{name}>.*?)" if name else "") for literal, name in parts)
            forms.append((own, re.compile(pattern, re.DOTALL), text))
    return [(form, text) for _own, form, text in sorted(forms, key=lambda one: -one[0])]


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    catalogue = gettext.NullTranslations()
    for domain in DOMAINS:
        catalogue.add_fallback(gettext.translation(domain, FOLDER, [code], fallback=True))
    return catalogue


@cache
def _of_edition() -> str | None:
    if not _EDITION.is_file():
        return None
    return known(json.loads(_EDITION.read_text(encoding="utf-8")).get("lang"))


def _of_system() -> str | None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return known(os.environ[name])
    return known(locale.getlocale()[0])
