"""Gradescope's export: folders submission_123, and a list of who handed them in."""

import re

from .roster import Student

METADATA = "submission_metadata.yml"
_ENTRY = re.compile(r"(submission_\d+|[^\s:#-][^:]*):\s*")
_FIELD = re.compile(r"\s*(?:- )?:?(name|sid|email):\s*(.*)")
_SECTION = re.compile(r"  :?(\w+):.*")


def read_metadata(text):
    """The students of each submission, {folder: (Student, ...)}.

    The file is YAML, as one program writes it; reading the few lines that count needs no YAML library.
    """
    people, entry, inside = {}, None, False
    for line in text.removeprefix("\ufeff").splitlines():
        if found := _ENTRY.fullmatch(line):
            entry, inside = _unquoted(found[1]), False
            people[entry] = []
        elif entry is not None and not line.startswith("  -") and (found := _SECTION.fullmatch(line)):
            inside = found[1] == "submitters"
        elif entry is not None and inside:
            if line.lstrip().startswith("- "):
                people[entry].append({})
            if (found := _FIELD.fullmatch(line)) and people[entry]:
                people[entry][-1][found[1]] = _unquoted(found[2])
    return {name: tuple(_student(one) for one in submitters) for name, submitters in people.items()}


def _student(fields):
    sid, email = fields.get("sid", ""), fields.get("email", "")
    return Student(fields.get("name", ""), email, tuple(filter(None, (sid,))), number=sid, system="gradescope")


def _unquoted(text):
    """A scalar of YAML: plain, or in quotes; null is nothing."""
    text = text.strip()
    if text in ("null", "~"):
        return ""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        escapes = r'\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|["\\/])'
        return re.sub(escapes, lambda m: chr(int(m[1][1:], 16)) if m[1][0] in "xu" else m[1], text[1:-1])
    return text
