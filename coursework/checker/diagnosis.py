"""Diagnosis: which known mistakes a student made, one that explains everything or several that explain a part each.

The mistakes and their hints come from the file of answers (`store`). They are written in coursework/instructor, in
`mistakes.py` and beside it, and `pixelgrad coursework answers` runs each of them and stores what it returns.
"""

from itertools import combinations

from .comparing import RTOL, alike, raised_kind
from .fingerprints import fingerprint, same_fingerprint, with_fingerprints

ENDLESS = "endless"  # in place of outcomes, followed by words for the place: it did not finish in time
_MOST_TOGETHER = 3


def known_mistakes(exercise, answers, outcomes):
    """The known mistakes of a student (list of KnownMistake); empty where none explains the outcomes.

    The first of these that is found: one mistake with the student's outcomes in every case; several mistakes, each of
    which explains the outputs that it changes, and which together explain everything that is wrong; the one mistake
    that explains everything that is wrong in the forward pass, whatever follows from it in the backward pass.

    Parameters
    ----------
    exercise : Exercise
    answers : Answers
    outcomes : dict of str to dict, or str
        See `judge`.
    """
    for mistake in answers.mistakes:
        if _is(mistake, answers, outcomes):
            return [mistake]
    if isinstance(outcomes, str) or any(case not in outcomes for case in answers.right):
        return []
    right = {case: with_fingerprints(outcome) for case, outcome in answers.right.items()}
    known = [mistake for mistake in answers.mistakes if not isinstance(mistake.outcomes, str)]
    seen = {
        case: _with_fingerprints(outcomes[case], [right[case], *(m.outcomes[case] for m in known)]) for case in right
    }
    wrong = _differing(right, seen)
    does = [_differing(right, mistake.outcomes) for mistake in known]
    misses = [_differing(seen, mistake.outcomes) for mistake in known]

    there = [k for k in range(len(known)) if does[k] and not does[k] & misses[k]]
    for count in range(2, _MOST_TOGETHER + 1):
        found = [some for some in combinations(there, count) if _parted(wrong, [does[k] for k in some])]
        if len(found) == 1:
            return [known[k] for k in found[0]]
    # A wrong forward pass changes what the backward pass is given. Where several look alike none is named, nor where
    # an output is only missing.
    forward = wrong & set(exercise.forward)
    missing = {name for case in right for name in right[case]["outputs"].keys() - seen[case]["outputs"].keys()}
    alone = [does[k] & set(exercise.forward) == forward and not misses[k] & forward for k in range(len(known))]
    return [known[alone.index(True)]] if forward and not forward & missing and sum(alone) == 1 else []


def _is(mistake, answers, outcomes):
    """Whether the student's outcomes are those of a known mistake, in every case."""
    if isinstance(outcomes, str) or isinstance(mistake.outcomes, str):
        return isinstance(outcomes, str) and outcomes.startswith(ENDLESS) and mistake.outcomes == ENDLESS
    return all(alike(mistake.outcomes[case], outcomes.get(case), _has_fingerprint) for case in answers.right)


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


def _differing(some, others):
    """The names of everything that differs in some case: outputs, and what is raised, changed, or not an array."""
    names = set()
    for case in some:
        a, b = some[case], others[case]
        one, other = a["outputs"], b["outputs"]
        for name in one.keys() | other.keys():
            if name not in one or name not in other or not same_fingerprint(one[name], other[name], RTOL):
                names.add(name)
        names |= {"what is raised"} if raised_kind(a["raised"]) != raised_kind(b["raised"]) else set()
        names |= {"what is changed"} if a["changed"] != b["changed"] else set()
        names |= {"what is not an array"} if a["kinds"].keys() != b["kinds"].keys() else set()
    return names


def _parted(whole, parts):
    """Whether the parts have nothing in common, and together are the whole."""
    return set().union(*parts) == whole and sum(map(len, parts)) == len(whole)
