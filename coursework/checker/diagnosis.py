"""Diagnosis: which known mistakes a student made, one that explains everything or several that explain a part each.

The mistakes and their hints come from the file of answers (`store`). They are written in coursework/instructor, in
`mistakes.py` and beside it, and `pixelgrad coursework answers` runs each of them and stores what it returns.

What differs from the right result is looked at cell by cell: a cell is an output in a case, or what a case raises,
changes or returns in place of an array.
"""

from itertools import combinations

from .comparing import RTOL, alike, raised_kind
from .fingerprints import fingerprint, same_fingerprint, with_fingerprints

ENDLESS = "endless"  # in place of outcomes, followed by words for the place: it did not finish in time
RAISED, CHANGED, KINDS = "what is raised", "what is changed", "what is not an array"
_MOST_TOGETHER = 3


def known_mistakes(exercise, answers, outcomes, whole=None):
    """The known mistakes of a student (list of KnownMistake); empty where none explains the outcomes.

    The first of these that is found: one mistake with the student's outcomes in every case; several mistakes that
    explain every cell that is wrong; the one mistake that explains everything that is wrong in the forward pass,
    whatever follows from it in the backward pass; one that explains all that is wrong in some outputs, and nothing of
    others.

    Parameters
    ----------
    exercise : Exercise
    answers : Answers
    outcomes : dict of str to dict, or str
        See `judge`.
    whole : (Answers, dict), optional
        Of more cases than these. Of mistakes that look alike here, the one is meant that fits there best.
    """
    found = [k for k, mistake in enumerate(answers.mistakes) if _is(mistake, answers, outcomes)]
    if len(found) > 1 and whole is not None:
        found.sort(key=lambda k: -_count_alike(whole[0].mistakes[k], *whole))
    if found:
        return [answers.mistakes[found[0]]]
    if isinstance(outcomes, str) or any(case not in outcomes for case in answers.right):
        return []
    table = _Table(answers, outcomes)
    forward = set(exercise.forward)
    return table.several(forward) or table.forward_alone(forward) or table.one_of_several()


def does_something(mistake, answers):
    """Whether a mistake shows in these cases."""
    if isinstance(mistake.outcomes, str):
        return True
    return bool(differing({c: with_fingerprints(o) for c, o in answers.right.items()}, mistake.outcomes))


def explained(mistake, answers, outcomes):
    """The cells in which a student's outcomes are wrong in the way of a mistake: {case: names}."""
    if isinstance(mistake.outcomes, str) or any(case not in outcomes for case in answers.right):
        return {}
    table, found = _Table(replace_mistakes(answers, [mistake]), outcomes), {}
    for case, name in table.hits[0]:
        found.setdefault(case, set()).add(name)
    return found


def replace_mistakes(answers, mistakes):
    """The answers with other mistakes."""
    return type(answers)(answers.inputs, answers.right, mistakes)  # pairs are told by their mistakes' names


class _Table:
    """Cells of a student's outcomes beside those of the right ones and of every mistake.

    Attributes
    ----------
    known : list of KnownMistake
    wrong : set of (case, name)
        Where the student's outcomes are not the right ones.
    does, hits : list of set of (case, name)
        For each mistake, where it differs from the right outcomes, and where the student's are wrong as it is.
    """

    def __init__(self, answers, outcomes):
        self.pairs = answers.pairs
        self.known = [mistake for mistake in answers.mistakes if not isinstance(mistake.outcomes, str)]
        right = {case: with_fingerprints(outcome) for case, outcome in answers.right.items()}
        kept = {case: [right[case], *(m.outcomes[case] for m in self.known)] for case in right}
        for pair in answers.pairs:
            kept[pair.case].append(pair.outcome)
        self.seen = {case: _with_fingerprints(outcomes[case], kept[case]) for case in right}
        self.wrong = differing(right, self.seen)
        self.does = [differing(right, mistake.outcomes) for mistake in self.known]
        self.hits = [
            (self.wrong & does) - differing(self.seen, mistake.outcomes) for does, mistake in zip(self.does, self.known)
        ]
        # After an exception nothing more comes: what is missing then says nothing of its own.
        self.lost = {
            (case, name)
            for case in right
            if self.seen[case]["raised"]
            for name in right[case]["outputs"].keys() - self.seen[case]["outputs"].keys()
        }

    def several(self, forward):
        """Two or three mistakes that explain every wrong cell, those of the forward pass first.

        Where several sets of them do equally well, those that are in all of them.
        """
        if pair := self._pair():
            return pair
        there = [k for k in range(len(self.known)) if self.hits[k] and not self.does[k] - self.wrong]
        for count in range(2, _MOST_TOGETHER + 1):
            sets = [some for some in combinations(there, count) if self._explains(some)]
            if sets:
                most = max(self._weight(some) for some in sets)
                best = [set(some) for some in sets if self._weight(some) == most]
                common = set.intersection(*best)
                first = {k: not any(name in forward for _, name in self.hits[k]) for k in common}
                return [self.known[k] for k in sorted(common, key=lambda k: (first[k], -len(self.hits[k])))]
        return []

    def _pair(self):
        """Two mistakes whose result together was computed before, in the one case that tells."""
        numbers = {mistake.name: k for k, mistake in enumerate(self.known)}
        for pair in self.pairs:
            some = [numbers[name] for name in pair.names if name in numbers]
            if len(some) == 2 and not differing({pair.case: self.seen[pair.case]}, {pair.case: pair.outcome}):
                elsewhere = {cell for cell in self.wrong - self.lost if cell[0] != pair.case}
                if elsewhere <= self.hits[some[0]] | self.hits[some[1]] | self._mixed(some):
                    return [self.known[k] for k in some]
        return []

    def _explains(self, some):
        """Whether each of these explains cells of its own, all together every cell, and nothing speaks against it.

        A cell that two of them change may hold neither's result.
        """
        cells = [cell for k in some for cell in self.hits[k]]
        if not self.wrong - self.lost <= set(cells) | self._mixed(some):
            return False
        for k in some:
            others = [n for n in some if n != k]
            if not self.hits[k] - set().union(*(self.hits[n] for n in others)):
                return False
            if self.does[k] - self.hits[k] - self.lost - set().union(*(self.does[n] for n in others)):
                return False
        return True

    def _mixed(self, some):
        return {cell for a, b in combinations(some, 2) for cell in self.does[a] & self.does[b]}

    def _weight(self, some):
        """How well these explain what is wrong: by the cells that they do, then by what they should do as well."""
        unseen = sum(len(self.does[k] - self.hits[k]) for k in some)
        return len(set().union(*(self.hits[k] for k in some))), -unseen

    def one_of_several(self):
        """The one mistake that is seen in full, and explains all that is wrong in the outputs that it changes."""
        full = []
        for k in range(len(self.known)):
            names = {name for _, name in self.does[k]}
            if self.does[k] and self.does[k] == self.hits[k]:
                full += [k] if {cell for cell in self.wrong if cell[1] in names} == self.hits[k] else []
        most = max((len(self.hits[k]) for k in full), default=0)
        best = [k for k in full if len(self.hits[k]) == most]
        alike = [k for k in range(len(self.known)) if best and self.hits[k] >= self.hits[best[0]]]
        return [self.known[best[0]]] if len(alike) == 1 else []

    def forward_alone(self, forward):
        """The one mistake that explains what is wrong in the forward pass: its result is what backward is given.

        Where several look alike none is named, nor where an output is only missing.
        """
        wrong = {(case, name) for case, name in self.wrong if name in forward}
        if not wrong or any(name not in self.seen[case]["outputs"] for case, name in wrong):
            return []
        alone = [
            k
            for k in range(len(self.known))
            if self.hits[k] >= wrong and {cell for cell in self.does[k] if cell[1] in forward} == wrong
        ]
        return [self.known[alone[0]]] if len(alone) == 1 else []


def _is(mistake, answers, outcomes):
    """Whether the student's outcomes are those of a known mistake, in every case."""
    if isinstance(outcomes, str) or isinstance(mistake.outcomes, str):
        return isinstance(outcomes, str) and outcomes.startswith(ENDLESS) and mistake.outcomes == ENDLESS
    return all(alike(mistake.outcomes[case], outcomes.get(case), _has_fingerprint) for case in answers.right)


def _count_alike(mistake, answers, outcomes):
    """In how many cases a student's outcome is that of a mistake."""
    if isinstance(outcomes, str) or isinstance(mistake.outcomes, str):
        return 0
    return sum(alike(mistake.outcomes[case], outcomes.get(case), _has_fingerprint) for case in answers.right)


def _has_fingerprint(kept, array):
    """Whether an array has this fingerprint. An array of another shape, which may be huge, is not read."""
    return kept["shape"] == list(array.shape) and same_fingerprint(kept, fingerprint(array), RTOL)


def _with_fingerprints(outcome, kept):
    """A student's outcome with fingerprints; only the shape of an array whose shape none of the kept ones has."""
    fingerprints = {}
    for name, array in outcome["outputs"].items():
        shape = list(array.shape)
        known = any(name in k["outputs"] and k["outputs"][name]["shape"] == shape for k in kept)
        fingerprints[name] = fingerprint(array) if known else {"shape": shape}
    return outcome | {"outputs": fingerprints}


def differing(some, others):
    """The cells (case, name) that differ: outputs, and what is raised, changed, or not an array."""
    cells = set()
    for case in some:
        a, b = some[case], others[case]
        one, other = a["outputs"], b["outputs"]
        for name in one.keys() | other.keys():
            if name not in one or name not in other or not same_fingerprint(one[name], other[name], RTOL):
                cells.add((case, name))
        cells |= {(case, RAISED)} if raised_kind(a["raised"]) != raised_kind(b["raised"]) else set()
        cells |= {(case, CHANGED)} if a["changed"] != b["changed"] else set()
        cells |= {(case, KINDS)} if a["kinds"].keys() != b["kinds"].keys() else set()
    return cells
