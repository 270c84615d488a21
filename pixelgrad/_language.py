"""The language of words for people: message catalogues (gettext) in `locale/`.

Code writes English: ``_("{name} is {what}.", name=name, what=what)``. A language's catalogues translate the text before
its fields are filled in; what they lack stays English. `pixelgrad.coursework.instructor.translations` keeps them up to
date.
"""

import gettext
import json
import locale
import os
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
