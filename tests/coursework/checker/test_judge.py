"""What the judge says, and in which order."""

import itertools

import numpy as np
import pytest

from pixelgrad.coursework.checker import diagnosis
from pixelgrad.coursework.checker.judge import (
    BLOCKED,
    ENDLESS,
    PASSED,
    TODO,
    TOO_LONG,
    WRONG,
    Answers,
    StageVerdict,
    Verdict,
    judge,
)

# -- faults, in the order in which they are reported -----------------------------------------------------------


def returns_nothing(o):
    o["raised"] = {"type": "ReturnError", "message": "blur_forward returned None", "line": None, "function": None}


def is_a_list(o):
    o["kinds"]["dx"] = "a list"


def lacks_an_output(o):
    del o["outputs"]["dx"]


def has_another_shape(o):
    o["outputs"]["dx"] = o["outputs"]["dx"].reshape(-1)


def has_integers(o):
    o["outputs"]["dx"] = o["outputs"]["dx"].astype(np.int64)


def holds_nan(o):
    o["outputs"]["dx"][..., 1] = np.nan


def changes_inputs(o):
    o["changed"] = {"x": "blur_forward"}


def is_wrong_forward(o):
    o["outputs"]["out"][0, 0, 1, 2] += 1


def is_wrong_backward(o):
    o["outputs"]["dx"].flat[0] += 1


FAULTS = [
    (returns_nothing, "blur_forward returned None."),
    (is_a_list, "dx is a list; expected an array of float64 with the shape ("),
    (lacks_an_output, "dx was not returned; expected an array of float64 with the shape ("),
    (has_another_shape, "; expected ("),
    (has_integers, "dx is an array of int64 with the shape ("),
    (holds_nan, "dx holds NaN or infinity in "),
    (changes_inputs, "The input x has changed: blur_forward writes to its arguments"),
    (is_wrong_forward, "out[0, 0, 1, 2] is "),
    (is_wrong_backward, "dx[0, 0, 0, 0] is "),
]


@pytest.mark.parametrize("fault, words", FAULTS, ids=lambda f: getattr(f, "__name__", ""))
def test_each_fault_is_said(fault, words, changed, judged):
    verdict = judged(changed(fault))
    assert (verdict.status, verdict.points, verdict.max_points, verdict.mistake) == (WRONG, 0, 4, None)
    first = verdict.message.splitlines()[0]
    assert first.startswith("In the case 'plain': ") and words in first
    if fault is has_another_shape:
        assert "dx has the shape (20,); expected (1, 1, 4, 5)." in first  # both are shown


PAIRS = itertools.combinations(FAULTS, 2)
# What lacks cannot be anything else, and what has integers holds no NaN.
PAIRS = [(a, b) for a, b in PAIRS if a[0] is not lacks_an_output and (a[0], b[0]) != (has_integers, holds_nan)]


@pytest.mark.parametrize("first, second", PAIRS, ids=lambda pair: pair[0].__name__)
def test_the_first_fault_is_said_first(first, second, changed, judged):
    for faults in ((first, second), (second, first)):
        with_both = changed(*(fault for fault, _ in faults))
        assert first[1] in judged(with_both).message.splitlines()[0]


@pytest.mark.parametrize("first, second", PAIRS, ids=lambda pair: pair[0].__name__)
def test_the_case_with_the_first_fault_is_shown(first, second, changed, judged):
    outcomes = changed(second[0], cases=("plain", "stride 2"))
    outcomes["several images"] = changed(first[0])["several images"]
    same_rank = {first[0], second[0]} <= {is_a_list, lacks_an_output, has_another_shape, has_integers}
    plain = same_rank or first[0] is holds_nan  # what is wrong in the plainest case is no matter of large numbers
    assert judged(outcomes).message.startswith(f"In the case {'plain' if plain else 'several images'!r}: ")


def test_among_equals_the_first_case_is_shown(changed, judged):
    assert "In the case 'plain'" in judged(changed(is_wrong_forward)).message
    assert "In the case 'stride 2'" in judged(changed(is_wrong_forward, cases=("several images", "stride 2"))).message


def test_where_it_is_wrong(changed, judged):
    verdict = judged(changed(is_wrong_forward, cases=("stride 2",)))
    assert "It is right in 2 of 3 cases. Wrong: stride 2." in verdict.message
    assert "It is wrong in every case." in judged(changed(is_wrong_forward)).message


def test_the_border(changed, judged):
    def border(o):
        o["outputs"]["out"][..., 0, 1:3] += 1

    def inside(o):
        o["outputs"]["out"][..., 1:-1, 1:-1] += 1

    def both(o):
        o["outputs"]["out"][..., :2, :2] += 1

    assert "2 of 20 entries are wrong, all of them at the border." in judged(changed(border)).message
    assert "6 of 20 entries are wrong, none of them at the border." in judged(changed(inside)).message
    assert "4 of 20 entries are wrong.\n" in judged(changed(both)).message


def test_the_values_are_shown(blur, changed, judged):
    verdict = judged(changed(is_wrong_forward))
    right = blur.right["plain"]["outputs"]["out"][0, 0, 1, 2]
    assert f"out[0, 0, 1, 2] is {right + 1:.6g}; expected {right:.6g}." in verdict.message


def test_a_relation_is_said_where_no_mistake_is_known(changed, judged, known):
    def wrong_sign(o):
        o["outputs"]["dx"] *= -1

    assert "\ndx has the wrong sign everywhere.\n" in judged(changed(wrong_sign)).message
    assert "sign" not in judged(changed(wrong_sign), [known(changed(wrong_sign))]).message


def test_a_relation_is_that_of_the_output_in_the_message(changed, judged):
    def wrong_sign(o):
        o["outputs"]["dx"] *= -1

    def wrong_forward(o):
        o["outputs"]["out"] **= 3

    outcomes = changed(wrong_forward)
    outcomes["several images"] = changed(wrong_sign)["several images"]
    assert "sign" not in judged(outcomes).message  # dx is right in the case that is shown
    assert "sign" not in judged(changed(wrong_forward, wrong_sign)).message  # the way back starts from the forward pass
    assert "sign" not in judged(changed(changes_inputs, wrong_sign)).message  # and may be what the change made of it


def test_the_second_call_is_said_to_be_one(blur):
    right = blur.right["plain"]["outputs"]["dx"]
    outcomes = {"plain": blur.outcome(blur.images(1), right)}
    outcomes["plain"]["outputs"]["dx_again"] = right + 1
    answers = {"plain": outcomes["plain"] | {"outputs": outcomes["plain"]["outputs"] | {"dx_again": right}}}
    verdict = judge(blur.exercise, Answers({"plain": blur.inputs["plain"]}, answers, []), outcomes)
    assert "A second call with the same cache gives a different dx: dx[0, 0, 0, 0] is " in verdict.message
    assert "again" not in verdict.message


def test_zero_has_no_sign(changed, judged):
    def negative_zero(o):
        o["outputs"]["out"][0, 0, 1, 2] = -0.0

    assert "out[0, 0, 1, 2] is 0; expected" in judged(changed(negative_zero)).message


def test_a_crash_says_where(blur, judged):
    raised = {"type": "ValueError", "message": "bad axes", "line": 12, "function": "blur_forward (basic.py)"}
    outcomes = {case: blur.outcome(None, None, raised=raised) | {"outputs": {}} for case in blur.right}
    message = judged(outcomes).message
    assert message.startswith("In the case 'plain': ValueError in blur_forward (basic.py), line 12: bad axes\n")


# -- known mistakes, Todo, endless loops -------------------------------------------------------------------------------


def test_a_known_mistake_is_named(changed, judged, known):
    wrong, other = changed(is_wrong_forward), changed(is_wrong_forward, cases=("plain",))
    verdict = judged(wrong, [known(other), known(wrong)])
    assert verdict.mistake == "a name" and verdict.message.startswith("A hint.\nIn the case 'plain': out[0")
    assert judged(other, [known(wrong)]).mistake is None  # it must be the same in every case
    wrong["plain"]["outputs"]["out"] *= 1 + 1e-9
    assert judged(wrong, [known(changed(is_wrong_forward))]).mistake == "a name"
    wrong["plain"]["outputs"]["out"] *= 1 + 1e-4
    assert judged(wrong, [known(changed(is_wrong_forward))]).mistake is None


def test_a_crash_is_known_by_its_type(changed, judged, known):
    def crash(o, kind="IndexError"):
        o["raised"] = {"type": kind, "message": "of this machine", "line": 3, "function": None}
        o["outputs"] = {}

    verdict = judged(changed(crash), [known(changed(crash))])
    assert verdict.mistake == "a name"
    assert judged(changed(lambda o: crash(o, "TypeError")), [known(changed(crash))]).mistake is None


def test_endless_and_other_words(judged, known):
    assert judged(ENDLESS).message == TOO_LONG
    verdict = judged(ENDLESS, [known(ENDLESS)])
    assert (verdict.mistake, verdict.message) == ("a name", f"{TOO_LONG}\nA hint.")
    at = f"{ENDLESS} It was at line 3 of layers/basic.py (blur_forward)."
    verdict = judged(at, [known(ENDLESS)])
    assert (verdict.mistake, verdict.message) == ("a name", f"{TOO_LONG}{at.removeprefix(ENDLESS)}\nA hint.")
    assert judged("It ended.", [known(ENDLESS)]) == Verdict(
        "blur", WRONG, 0, 4, None, "It ended.", (StageVerdict("core", WRONG, 0, 4),)
    )


@pytest.mark.parametrize(
    "text, status", [("blur: blur_forward", TODO), ("affine: affine_forward", BLOCKED), ("", BLOCKED)]
)
def test_todo_is_not_wrong(text, status, changed, judged):
    def todo(o):
        o["raised"] = {"type": "Todo", "message": text, "line": None, "function": None}

    verdict = judged(changed(todo, cases=("several images",)))
    assert (verdict.status, verdict.message.partition("\n")[0], verdict.points) == (status, text, 0)


@pytest.fixture
def forward(known, changed):
    return known(changed(is_wrong_forward), "f", "F?")


@pytest.fixture
def backward(known, changed):
    return known(changed(is_wrong_backward), "b", "B?")


@pytest.fixture
def both(changed):
    return changed(is_wrong_forward, is_wrong_backward)


def test_two_mistakes_are_named_both(changed, judged, known, forward, backward, both):
    verdict = judged(both, [backward, forward])
    lines = verdict.message.splitlines()
    assert verdict.mistake == "f + b" and lines[0] == "F?" and lines[2] == "B?"
    assert lines[1].startswith("In the case 'plain': out[0, 0, 1, 2] is ")  # each hint with an example of its own
    assert lines[3].startswith("In the case 'plain': dx[0, 0, 0, 0] is ")
    assert judged(both, [backward, forward, known(both, "both")]).mistake == "both"  # one that explains everything
    changes = known(changed(changes_inputs), "c")
    assert judged(
        changed(is_wrong_forward, is_wrong_backward, changes_inputs), [forward, changes, backward]
    ).mistake == ("f + c + b")


def test_what_no_mistake_explains_keeps_others_of_that_output_from_being_named(changed, judged, known, backward, both):
    assert judged(both, [backward]).mistake == "b"  # a wrong forward pass, and nobody knows which
    other = known(changed(is_wrong_forward, cases=("plain",)), "in one case only")
    assert judged(both, [other, backward]).mistake == "b"
    assert judged(both, [other]).mistake is None


def test_two_that_explain_the_same_output_are_named_both_if_each_explains_another_one(changed, judged, known):
    one = known(changed(is_wrong_forward, is_wrong_backward), "one")
    other = known(changed(is_wrong_backward, changes_inputs), "other")
    outcomes = changed(is_wrong_forward, is_wrong_backward, changes_inputs)
    assert judged(outcomes, [one, other]).mistake == "one + other"


def test_a_mistake_that_would_be_seen_elsewhere_is_not_named(changed, judged, known):
    """Its gradient is that of the student, but it would do something to the output, too, which is right here."""
    elsewhere = known(changed(is_wrong_backward, is_wrong_forward), "elsewhere")
    outcomes = changed(is_wrong_backward, changes_inputs)
    assert judged(outcomes, [elsewhere]).mistake is None
    assert judged(outcomes, [elsewhere, known(changed(changes_inputs), "writes")]).mistake == "writes"


def test_the_forward_mistake_alone_is_named_where_it_spoils_the_backward(changed, judged, known, forward, backward):
    spoilt = changed(is_wrong_forward, lambda o: o["outputs"]["dx"].fill(3))
    assert judged(spoilt, [forward, backward]).mistake == "f"
    twin = known(changed(is_wrong_forward, holds_nan), "looks the same forward")
    assert judged(spoilt, [forward, backward, twin]).mistake is None
    zeros = [
        known(changed(lambda o, n=n: o["outputs"].update(out=0 * o["outputs"]["out"], dx=np.full(n, 1.0))), f"{n}")
        for n in (1, 2)
    ]
    assert judged(changed(lambda o: o["outputs"].update(out=0 * o["outputs"]["out"])), zeros).mistake is None


def test_arrays_of_another_shape_are_not_even_looked_at(monkeypatch, changed, judged, forward, backward):

    looked = []
    monkeypatch.setattr(
        diagnosis,
        "fingerprint",
        lambda a: looked.append(a.shape) or {"shape": list(a.shape), "sort": "", "numbers": np.zeros(9)},
    )
    judged(changed(lambda o: o["outputs"].update(dx=np.zeros(99))), [forward, backward])
    assert looked and (99,) not in looked


# -- half an exercise --------------------------------------------------------------------------------------------------


def stops(o, text="blur: blur_backward"):
    o["raised"] = {"type": "Todo", "message": text, "line": None, "function": None}
    del o["outputs"]["dx"]


def test_a_right_forward_is_told_though_the_backward_is_still_to_do(changed, judged):
    verdict = judged(changed(stops))
    assert (verdict.status, verdict.points, verdict.mistake) == (TODO, 0, None)
    assert verdict.message == "blur: blur_backward\nblur_forward is right so far; blur_backward is still to do."


def test_a_wrong_forward_is_told_though_the_backward_is_still_to_do(changed, judged, forward, backward):
    verdict = judged(changed(is_wrong_forward, stops, cases=("stride 2",)) | {"plain": changed(stops)["plain"]})
    lines = verdict.message.splitlines()
    assert (verdict.status, verdict.points) == (TODO, 0)
    assert lines[1] == "blur_backward is still to do, and what is there is not right yet:"
    assert lines[2].startswith("In the case 'stride 2': out[0, 0, 1, 2] is ")
    verdict = judged(changed(is_wrong_forward, stops), [backward, forward])
    assert verdict.message.splitlines()[2] == "F?" and verdict.mistake is None


def test_nothing_is_told_where_nothing_is_written(changed, judged):
    def nothing(o):
        stops(o, "blur: blur_forward")
        o["outputs"].clear()

    assert judged(changed(nothing)).message == "blur: blur_forward"


def test_the_right_outcome_passes_up_to_rounding(blur, changed, judged):
    assert judged(blur.right) == Verdict("blur", PASSED, 4, 4, stages=(StageVerdict("core", PASSED, 4, 4),))
    nearly = changed(lambda o: o["outputs"].update(out=o["outputs"]["out"] * (1 + 1e-9)))
    assert judged(nearly).status == PASSED
    assert judged(changed(lambda o: o["outputs"].update(out=o["outputs"]["out"] + 1e-4))).status == WRONG
    assert judged(changed(lambda o: o["outputs"].update(out=o["outputs"]["out"] * (1 + 1e-5)))).status == WRONG
    assert judged(changed(lambda o: o["outputs"].update(more=np.zeros(2)))).status == WRONG
