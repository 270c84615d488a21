"""Similarity: pairs of submissions whose solutions are alike beyond what the exercise forces.

Solutions are compared as tokens, with names of variables made alike, by fingerprints (S. Schleimer, D. Wilkerson and
A. Aiken, "Winnowing: local algorithms for document fingerprinting", 2003, section 3). What the edition gave, what the
solution of the course has as well, and what much of the class has does not count: that much is forced.
"""

import ast
import builtins
import difflib
import html
import io
import keyword
import tokenize
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations

from ..._files import written_beside
from ..exercises.catalogue import EXERCISES
from .grades import as_html
from .make import edition_texts

GRAM = 8  # tokens in what is fingerprinted: an expression or two
WINDOW = 4  # of so many neighbouring hashes one is kept, so that GRAM + WINDOW - 1 tokens alike are always found
LEAST = 12  # shared fingerprints below which nothing is said: two or three lines may be alike by chance
SHARE = 0.5  # of the smaller one's fingerprints
_KEPT = {*keyword.kwlist, *dir(builtins), "np", "numpy"}
_LEFT_OUT = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
_STYLE = (
    "body{font-family:sans-serif;max-width:90em;margin:2em auto;padding:0 1em;line-height:1.4}p{max-width:50em}"
    ".both{display:grid;grid-template-columns:1fr 1fr;gap:1em}pre{overflow-x:auto;background:#f4f4f4;padding:.6em;"
    "margin:0}mark{background:#fd9}td,th{padding:.2em .8em;text-align:left;border-bottom:1px solid #ccc}"
)
_INTRODUCTION = (
    "<p>Solutions are compared as sequences of tokens; names of variables, comments and layout do not count. What the "
    "edition gave, what the course's solution has as well and what much of the class has is left out. Marked lines are "
    "alike in both.</p><p><strong>What this page cannot know:</strong> who wrote first; whether the two worked "
    "together where that is allowed; whether both took it from the same book, page or assistant; whether a short "
    "solution is alike by chance. It does not see ideas that were written anew. It is a reason to talk with both, and "
    "no proof.</p>"
)


@dataclass(frozen=True)
class Pair:
    """Two submissions that are alike.

    Attributes
    ----------
    names : (str, str)
    shared : int
        Fingerprints that both have.
    share : float
        Of the fingerprints of the one that has fewer.
    exercises : tuple of str
        Where they were found, the most first.
    """

    names: tuple
    shared: int
    share: float
    exercises: tuple


def similar_pairs(solutions, given, *, least=LEAST, share=SHARE):
    """The pairs that are alike, the most alike first.

    Parameters
    ----------
    solutions : dict of str to dict of str to str
        For each submission the source of its solution of each exercise.
    given : dict of str to sequence of str
        For each exercise the sources whose fingerprints do not count.
    least : int
        Pairs with fewer shared fingerprints are left out.
    share : float
        As are those that share less.

    Returns
    -------
    list of Pair
    """
    common = max(5, len(solutions) // 4)  # what more submissions have is forced
    totals, shared = Counter(), defaultdict(Counter)
    for exercise in {e for one in solutions.values() for e in one}:
        free = set().union(*map(fingerprints, given.get(exercise, ())))
        holders = defaultdict(set)
        for name, one in solutions.items():
            for print_ in fingerprints(one.get(exercise, "")) - free:
                holders[print_].add(name)
        for names in holders.values():
            if len(names) <= common:
                totals.update(names)
                for pair in combinations(sorted(names), 2):
                    shared[pair][exercise] += 1
    pairs = []
    for names, counts in shared.items():
        count = sum(counts.values())
        of_all = count / min(totals[name] for name in names)
        if count >= least and of_all >= share:
            pairs.append(Pair(names, count, of_all, tuple(e for e, _ in counts.most_common())))
    return sorted(pairs, key=lambda pair: (-pair.share, -pair.shared, pair.names))


def fingerprints(source):
    """The fingerprints of a text: hashes of GRAM tokens, of WINDOW neighbours the smallest one (set of int)."""
    words = [word for line in normalised(source) for word in line]
    hashes = [zlib.crc32(" ".join(words[k : k + GRAM]).encode()) for k in range(len(words) - GRAM + 1)]
    return {min(hashes[k : k + WINDOW]) for k in range(max(len(hashes) - WINDOW + 1, min(len(hashes), 1)))}


def normalised(source):
    """The tokens of each line: variables are all called `v`, strings are empty; comments and docstrings are gone."""
    lines = [[] for _ in source.splitlines()]
    before, at_start = "", True
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type in _LEFT_OUT:
                at_start = at_start or token.type != tokenize.COMMENT
                continue
            word = token.string
            if token.type == tokenize.STRING:
                word = "" if at_start else "''"
            elif token.type == tokenize.NAME and word not in _KEPT and before != ".":
                word = "v"
            at_start, before = False, word
            if word:
                lines[token.start[0] - 1].append(word)
    except (tokenize.TokenError, SyntaxError):
        pass  # what could be read up to there is compared
    return lines


def solutions_of(files, exercises):
    """The source of each exercise's functions in the files of one submission: {exercise: text}."""
    functions = {}
    for file, content in files.items():
        text = content if isinstance(content, str) else content.decode(errors="replace")
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                functions[file, node.name] = ast.get_source_segment(text, node) or ""
    found = {}
    for name in exercises:
        texts = [
            functions[file, function]
            for function, file in EXERCISES[name].files.items()
            if (file, function) in functions
        ]
        if texts:
            found[name] = "\n\n".join(texts)
    return found


def write_similarity(path, submissions, exercises, *, overwrite=False):
    """Compare all submissions and write a page with the pairs that are alike, both texts side by side.

    Parameters
    ----------
    path : str or Path
    submissions : dict of str to Submission
        From `take_in`.
    exercises : sequence of str
    overwrite : bool

    Returns
    -------
    list of Pair
    """
    solutions = {name: solutions_of(one.read().files, exercises) for name, one in submissions.items()}
    sources = [solutions_of(edition_texts(chosen), exercises) for chosen in (exercises, [])]
    given = {name: [one[name] for one in sources if name in one] for name in exercises}
    pairs = similar_pairs(solutions, given)
    with written_beside(path, overwrite=overwrite) as temporary:
        temporary.write_text(_page(pairs, solutions), encoding="utf-8")
    return pairs


def _page(pairs, solutions):
    compared = sum(map(bool, solutions.values()))
    rows = "".join(
        f"<tr><td><a href='#p{k}'>{as_html(pair.names[0])}, {as_html(pair.names[1])}</a></td><td>{pair.share:.0%}</td>"
        f"<td>{', '.join(html.escape(EXERCISES[e].title) for e in pair.exercises)}</td></tr>"
        for k, pair in enumerate(pairs)
    )
    table = f"<table><tr><th>submissions</th><th>alike</th><th>in</th></tr>{rows}</table>" if pairs else ""
    words = f"Submissions compared: {compared}. Pairs that are alike beyond what the exercises force: {len(pairs)}."
    sections = "".join(_section(k, pair, solutions) for k, pair in enumerate(pairs))
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Similar solutions</title>"
        f"<style>{_STYLE}</style></head><body><h1>Similar solutions</h1>{_INTRODUCTION}<p>{words}</p>{table}{sections}"
        "</body></html>\n"
    )


def _section(k, pair, solutions):
    left, right = pair.names
    parts = [f"<h2 id='p{k}'>{as_html(left)}, {as_html(right)}: {pair.share:.0%} alike</h2>"]
    for exercise in pair.exercises:
        texts = [solutions[name][exercise] for name in pair.names]
        marked = _marked(*texts)
        parts.append(f"<h3>{html.escape(EXERCISES[exercise].title)}</h3><div class='both'>")
        parts += [f"<pre>{one}</pre>" for one in marked]
        parts.append("</div>")
    return "".join(parts)


def _marked(*texts):
    """Both texts as HTML, with the lines marked that are alike."""
    lines = [text.splitlines() for text in texts]
    alike = [set(), set()]
    words = [[" ".join(line) for line in normalised(text)] for text in texts]
    for i, j, size in difflib.SequenceMatcher(None, *words, autojunk=False).get_matching_blocks():
        alike[0].update(n for n in range(i, i + size) if words[0][n])
        alike[1].update(n for n in range(j, j + size) if words[1][n])
    for side, marks in zip(lines, alike):
        shown = [as_html(line) for line in side]
        yield "\n".join(f"<mark>{line}</mark>" if n in marks else line for n, line in enumerate(shown))
