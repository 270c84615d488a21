"""Feedback: a page for each student, which says what is wrong and what helps, and gives no answer away."""

import hashlib
import html
import os
import re
from pathlib import Path

from ..._files import written_beside
from ..checker.judge import BLOCKED, PARTLY, PASSED, TODO
from ..exercises.catalogue import EXERCISES
from .grades import ABSENT, as_html

_WORDS = {PASSED: "passed", TODO: "to do", BLOCKED: "waits"}
# The numbers of a right result: the inputs of the grading are secret, and so are their results.
_EXPECTED = re.compile(r"; expected [-+]?(?:\d[\d.]*(?:e[-+]?\d+)?|nan|inf)\.(?=\s|$)")
_STYLE = (
    "body{font-family:sans-serif;max-width:50em;margin:2em auto;padding:0 1em;line-height:1.4}"
    "h2{margin:1.5em 0 .3em}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f4;padding:.6em}"
    "td,th{padding:.2em .8em;text-align:left;border-bottom:1px solid #ccc}"
    ".hint{border-left:4px solid #c80;padding:0 .8em}"
)


def write_feedback(folder, grades):
    """Write a page for each submission: points, what is wrong, a hint. Pages need no other file.

    Parameters
    ----------
    folder : str or Path
        Made if it does not exist; pages of an earlier run are replaced.
    grades : list of Grade

    Returns
    -------
    list of Path
    """
    folder, paths, taken = Path(folder), [], set()
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"feedback: {folder} is a file, not a folder; choose another place")
    folder.mkdir(exist_ok=True)
    for one in grades:
        if one.state == ABSENT:
            continue
        path = folder / f"{_file_name(one.submission, taken)}.html"
        with written_beside(path, overwrite=True) as temporary:
            temporary.write_text(page(one), encoding="utf-8")
        paths.append(path)
    return paths


def page(one):
    """The page of one grade, as text."""
    title = f"{as_html(one.submission)}: {one.points} of {one.max_points} points"
    rows = "".join(
        f"<tr><td>{html.escape(EXERCISES[v.exercise].title)}</td><td>{_result(v)}</td>"
        f"<td>{v.points} of {v.max_points}</td></tr>"
        for v in one.verdicts
    )
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>",
    ]
    if one.error:
        parts.append(f"<p><strong>{as_html(one.error)}</strong></p>")
    parts.append(f"<table><tr><th>exercise</th><th>result</th><th>points</th></tr>{rows}</table>")
    shown = set()
    for verdict in one.verdicts:
        if verdict.status != PASSED and verdict.message != one.error:
            parts.append(_section(verdict, shown))
            shown.add(verdict.message)
    return "".join(parts) + "</body></html>\n"


def _result(verdict):
    if verdict.status == PARTLY:
        return html.escape(f"passed; still open: {', '.join(verdict.open_stages)}")
    return _WORDS.get(verdict.status, "wrong")


def _section(verdict, shown):
    exercise = EXERCISES[verdict.exercise]
    words = "as above" if verdict.message in shown else without_answers(verdict.message)
    if verdict.status == TODO:  # the first line names the exercise and the function
        words = f"Still to do: {words.partition(': ')[2]}"
    if verdict.status == BLOCKED:
        words = f"It waits for {words}"
    lines = [f"<h2>{html.escape(exercise.title)}</h2><pre>{as_html(words, keep=chr(10))}</pre>"]
    if verdict.status != BLOCKED:
        lines.append(f"<p class='hint'>Hint: {html.escape(exercise.hints[0])}</p>")
        lines.append(f"<p>Read: {html.escape(exercise.reading)}</p>")
    return "".join(lines)


def without_answers(message):
    """A message without the numbers that a right function would return on the secret inputs."""
    return _EXPECTED.sub("; expected another number.", message)


def _file_name(name, taken):
    """A name for a file on every system, each its own."""
    plain = re.sub(r"[^\w .()@-]", "_", name).strip(" .") or "submission"
    if len(os.fsencode(plain)) > 120 or plain.casefold() in taken:
        plain = f"{plain[:30]} {hashlib.sha256(name.encode(errors='backslashreplace')).hexdigest()[:12]}"
    taken.add(plain.casefold())
    return plain
