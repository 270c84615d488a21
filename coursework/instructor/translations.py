"""Message catalogues: what is to be translated, gathered from the code, the exercises and the chapters.

``python -m pixelgrad.coursework.instructor.translations`` brings the files of every language up to date: new texts are
added, those that are gone are left out, and the compiled files beside them are written anew. It lists what has no
translation yet.
"""

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from ..._files import written_beside
from ..._language import DOMAINS, FOLDER, LANGUAGES
from ...classifiers import PretrainedCNN
from ..exercises.catalogue import EXERCISES, ROOT
from .chapters import LOCALE, chapter_files, read, translatable
from .mistakes import MISTAKES

KEYWORDS = {"_": None, "marked": None}


def messages(domain):
    """The texts of a domain and where each comes from (dict of str to str), in order."""
    found = {}
    if domain == "checker":
        parts = (ROOT / "coursework" / "checker", ROOT / "coursework" / "exercises")
        for path in [
            *(file for part in parts for file in sorted(part.glob("*.py"))),
            ROOT / "pixelgrad" / "cli" / "check.py",
        ]:
            for _line, text, *_rest in extract_from_file("python", path, keywords=KEYWORDS):
                found.setdefault(text, path.relative_to(ROOT).as_posix())
        given = "**Given in this edition:** {names}."
        for text in ("Layers", "Seeing", "Seeing inside convolutional networks", given):
            found.setdefault(text, "coursework/exercises")
    elif domain == "exercises":
        for name, exercise in EXERCISES.items():
            texts = [exercise.title, *exercise.instructions.values(), *exercise.hints, exercise.reading]
            texts += [stage.asks for stage in exercise.extensions]
            for text in texts:
                found.setdefault(text, name)
    elif domain == "mistakes":
        for mistake in MISTAKES:
            found.setdefault(mistake.hint, mistake.exercise)
    elif domain == "classes":
        for name in PretrainedCNN().class_names:
            found.setdefault(name.split(",")[0], "datasets")
    elif domain == "chapters":
        for path in chapter_files():
            for text in translatable(read(path)):
                found.setdefault(text, path.name)
    return found


def folder(domain, language):
    """Where a domain's files for a language lie."""
    return (LOCALE if domain == "chapters" else FOLDER) / language / "LC_MESSAGES"


def catalogue(domain, language):
    """The catalogue of today's texts, with the translations that there are."""
    path = folder(domain, language) / f"{domain}.po"
    old = read_po(io.BytesIO(path.read_bytes()), locale=language) if path.is_file() else Catalog(locale=language)
    new = Catalog(locale=language, project="pixelgrad", fuzzy=False, charset="utf-8")
    for text, place in messages(domain).items():
        known = old.get(text)
        new.add(text, known.string if known else "", locations=[(place, None)])
    new.creation_date = new.revision_date = old.creation_date if path.is_file() else new.creation_date
    return new


def missing(domain, language):
    """The texts without a translation (list of str)."""
    return [message.id for message in catalogue(domain, language) if message.id and not message.string]


def compiled(catalogue):
    """The bytes of a compiled catalogue."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def main():
    """Update all catalogues, and list what is to be translated."""
    for language in LANGUAGES[1:]:
        for domain in (*DOMAINS, "chapters"):
            new = catalogue(domain, language)
            place = folder(domain, language)
            place.mkdir(parents=True, exist_ok=True)
            with written_beside(place / f"{domain}.po", overwrite=True) as temporary, open(temporary, "wb") as file:
                write_po(file, new, width=0, include_lineno=False, ignore_obsolete=True, omit_header=False)
            with written_beside(place / f"{domain}.mo", overwrite=True) as temporary:
                Path(temporary).write_bytes(compiled(new))
            open_ones = [message for message in new if message.id and not message.string]
            print(f"{language}, {domain}: {len(new)} texts, {len(open_ones)} without a translation")
            for message in open_ones[:3]:
                print(f"    {message.id[:100]!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
