"""What the judge says, and in which order; and that nothing which can arrive makes it stumble."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pixelgrad.coursework.checker import board, diagnosis, markers
from pixelgrad.coursework.checker.comparing import alike
from pixelgrad.coursework.checker.fingerprints import with_fingerprints
from pixelgrad.coursework.checker.harness import run_case, student_functions
from pixelgrad.coursework.checker.judge import (
    BLOCKED,
    ENDLESS,
    PASSED,
    TODO,
    TOO_LONG,
    WRONG,
    Answers,
    KnownMistake,
    Verdict,
    judge,
)
from pixelgrad.coursework.exercises.catalogue import EXERCISES, ROOT
from pixelgrad.coursework.exercises.registry import Exercise
from pixelgrad.coursework.instructor.mistakes import MISTAKES
from pixelgrad.todo import Todo

RNG = np.random.default_rng(3)
EXERCISE = Exercise(
    id="blur",
    track="layers",
    title="A layer",
    files={"blur_forward": "layers/basic.py", "blur_backward": "layers/losses.py"},
    points=4,
    cases=None,
    run=None,
    forward=("out",),
    paste="out = blur_forward(c['x'])",
    instructions={},
    hints=("a", "b", "c"),
    reading="",
)


def outcome(out, dx, raised=None, **more):
    return {"outputs": {"out": out, "dx": dx}, "kinds": {}, "raised": raised, "changed": {}} | more


def images(N):
    return RNG.normal(size=(N, 1, 4, 5))


INPUTS = {"plain": {"x": images(1)}, "stride 2": {"x": images(1), "n": 2}, "several images": {"x": images(3)}}
RIGHT = {case: outcome(images(len(c["x"])), images(len(c["x"]))) for case, c in INPUTS.items()}


def changed(*faults, cases=tuple(RIGHT)):
    """The right outcomes, but with faults in some cases."""
    made = {}
    for case, right in RIGHT.items():
        made[case] = outcome(**{name: a.copy() for name, a in right["outputs"].items()})
        for fault in faults if case in cases else ():
            fault(made[case])
    return made


def judged(outcomes, mistakes=()):
    return judge(EXERCISE, Answers(INPUTS, RIGHT, list(mistakes)), outcomes)


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
def test_each_fault_is_said(fault, words):
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
def test_the_first_fault_is_said_first(first, second):
    for faults in ((first, second), (second, first)):
        with_both = changed(*(fault for fault, _ in faults))
        assert first[1] in judged(with_both).message.splitlines()[0]


@pytest.mark.parametrize("first, second", PAIRS, ids=lambda pair: pair[0].__name__)
def test_the_case_with_the_first_fault_is_shown(first, second):
    outcomes = changed(second[0], cases=("plain", "stride 2"))
    outcomes["several images"] = changed(first[0])["several images"]
    same_rank = {first[0], second[0]} <= {is_a_list, lacks_an_output, has_another_shape, has_integers}
    assert judged(outcomes).message.startswith(f"In the case {'plain' if same_rank else 'several images'!r}: ")


def test_among_equals_the_first_case_is_shown():
    assert "In the case 'plain'" in judged(changed(is_wrong_forward)).message
    assert "In the case 'stride 2'" in judged(changed(is_wrong_forward, cases=("several images", "stride 2"))).message


def test_where_it_is_wrong():
    verdict = judged(changed(is_wrong_forward, cases=("stride 2",)))
    assert "It is right in: plain, several images. It is wrong in: stride 2." in verdict.message
    assert "It is wrong in every case." in judged(changed(is_wrong_forward)).message


def test_the_border():
    def border(o):
        o["outputs"]["out"][..., 0, 1] += 1

    def inside(o):
        o["outputs"]["out"][..., 1:-1, 1:-1] += 1

    def both(o):
        o["outputs"]["out"][..., :2, :2] += 1

    assert "1 of 20 entries are wrong, all of them at the border." in judged(changed(border)).message
    assert "6 of 20 entries are wrong, none of them at the border." in judged(changed(inside)).message
    assert "4 of 20 entries are wrong.\n" in judged(changed(both)).message


def test_the_values_are_shown():
    verdict = judged(changed(is_wrong_forward))
    right = RIGHT["plain"]["outputs"]["out"][0, 0, 1, 2]
    assert f"out[0, 0, 1, 2] is {right + 1:.6g}; expected {right:.6g}." in verdict.message


def test_a_relation_is_said_where_no_mistake_is_known():
    def wrong_sign(o):
        o["outputs"]["dx"] *= -1

    assert "\ndx has the wrong sign everywhere.\n" in judged(changed(wrong_sign)).message
    assert "sign" not in judged(changed(wrong_sign), [known(changed(wrong_sign))]).message


def test_a_relation_is_that_of_the_output_in_the_message():
    def wrong_sign(o):
        o["outputs"]["dx"] *= -1

    def wrong_forward(o):
        o["outputs"]["out"] **= 3

    outcomes = changed(wrong_forward)
    outcomes["several images"] = changed(wrong_sign)["several images"]
    assert "sign" not in judged(outcomes).message  # dx is right in the case that is shown
    assert "sign" not in judged(changed(wrong_forward, wrong_sign)).message  # the way back starts from the forward pass
    assert "sign" not in judged(changed(changes_inputs, wrong_sign)).message  # and may be what the change made of it


def test_the_second_call_is_said_to_be_one():
    right = RIGHT["plain"]["outputs"]["dx"]
    outcomes = {"plain": outcome(images(1), right)}
    outcomes["plain"]["outputs"]["dx_again"] = right + 1
    answers = {"plain": outcomes["plain"] | {"outputs": outcomes["plain"]["outputs"] | {"dx_again": right}}}
    verdict = judge(EXERCISE, Answers({"plain": INPUTS["plain"]}, answers, []), outcomes)
    assert "A second call with the same cache gives a different dx: dx[0, 0, 0, 0] is " in verdict.message
    assert "again" not in verdict.message


def test_zero_has_no_sign():
    def negative_zero(o):
        o["outputs"]["out"][0, 0, 1, 2] = -0.0

    assert "out[0, 0, 1, 2] is 0; expected" in judged(changed(negative_zero)).message


def test_a_crash_says_where():
    raised = {"type": "ValueError", "message": "bad axes", "line": 12, "function": "blur_forward (basic.py)"}
    outcomes = {case: outcome(None, None, raised=raised) | {"outputs": {}} for case in RIGHT}
    message = judged(outcomes).message
    assert message.startswith("In the case 'plain': ValueError in blur_forward (basic.py), line 12: bad axes\n")


# -- known mistakes, Todo, endless loops -------------------------------------------------------------------------------


def known(outcomes, name="a name", hint="A hint."):
    outcomes = {case: with_fingerprints(o) for case, o in outcomes.items()} if isinstance(outcomes, dict) else outcomes
    return KnownMistake(name, hint, outcomes)


def test_a_known_mistake_is_named():
    wrong, other = changed(is_wrong_forward), changed(is_wrong_forward, cases=("plain",))
    verdict = judged(wrong, [known(other), known(wrong)])
    assert verdict.mistake == "a name" and verdict.message.startswith("A hint.\nIn the case 'plain': out[0")
    assert judged(other, [known(wrong)]).mistake is None  # it must be the same in every case
    wrong["plain"]["outputs"]["out"] *= 1 + 1e-9
    assert judged(wrong, [known(changed(is_wrong_forward))]).mistake == "a name"
    wrong["plain"]["outputs"]["out"] *= 1 + 1e-4
    assert judged(wrong, [known(changed(is_wrong_forward))]).mistake is None


def test_a_crash_is_known_by_its_type():
    def crash(o, kind="IndexError"):
        o["raised"] = {"type": kind, "message": "of this machine", "line": 3, "function": None}
        o["outputs"] = {}

    verdict = judged(changed(crash), [known(changed(crash))])
    assert verdict.mistake == "a name"
    assert judged(changed(lambda o: crash(o, "TypeError")), [known(changed(crash))]).mistake is None


def test_endless_and_other_words():
    assert judged(ENDLESS).message == TOO_LONG
    verdict = judged(ENDLESS, [known(ENDLESS)])
    assert (verdict.mistake, verdict.message) == ("a name", f"{TOO_LONG}\nA hint.")
    at = f"{ENDLESS} It was at line 3 of layers/basic.py (blur_forward)."
    verdict = judged(at, [known(ENDLESS)])
    assert (verdict.mistake, verdict.message) == ("a name", f"{TOO_LONG}{at.removeprefix(ENDLESS)}\nA hint.")
    assert judged("It ended.", [known(ENDLESS)]) == Verdict("blur", WRONG, 0, 4, None, "It ended.")


@pytest.mark.parametrize(
    "text, status", [("blur: blur_forward", TODO), ("affine: affine_forward", BLOCKED), ("", BLOCKED)]
)
def test_todo_is_not_wrong(text, status):
    def todo(o):
        o["raised"] = {"type": "Todo", "message": text, "line": None, "function": None}

    verdict = judged(changed(todo, cases=("several images",)))
    assert (verdict.status, verdict.message.partition("\n")[0], verdict.points) == (status, text, 0)


FORWARD, BACKWARD = (
    known(changed(fault), *words) for fault, *words in ((is_wrong_forward, "f", "F?"), (is_wrong_backward, "b", "B?"))
)
BOTH = changed(is_wrong_forward, is_wrong_backward)


def test_two_mistakes_are_named_both():
    verdict = judged(BOTH, [BACKWARD, FORWARD])
    assert verdict.mistake == "b + f" and verdict.message.startswith("B?\nF?\nIn the case 'plain': out[0, 0, 1, 2] is ")
    assert judged(BOTH, [BACKWARD, FORWARD, known(BOTH, "both")]).mistake == "both"  # one that explains everything
    changes = known(changed(changes_inputs), "c")
    assert judged(
        changed(is_wrong_forward, is_wrong_backward, changes_inputs), [FORWARD, changes, BACKWARD]
    ).mistake == ("f + c + b")


def test_what_no_mistake_explains_keeps_the_others_from_being_named():
    assert judged(BOTH, [BACKWARD]).mistake is None  # a wrong forward pass, and nobody knows which
    other = known(changed(is_wrong_forward, cases=("plain",)), "in one case only")
    assert judged(BOTH, [other, BACKWARD]).mistake is None


def test_of_two_that_explain_the_same_output_none_is_taken_for_the_other():
    one = known(changed(is_wrong_forward, is_wrong_backward), "one")
    other = known(changed(is_wrong_backward, changes_inputs), "other")
    outcomes = changed(is_wrong_forward, is_wrong_backward, changes_inputs)
    assert judged(outcomes, [one, other]).mistake == "one"  # all that is wrong in the forward pass


def test_a_mistake_that_would_be_seen_elsewhere_is_not_named():
    """Its gradient is that of the student, but it would do something to the output, too, which is right here."""
    elsewhere = known(changed(is_wrong_backward, is_wrong_forward), "elsewhere")
    assert (
        judged(changed(is_wrong_backward, changes_inputs), [elsewhere, known(changed(changes_inputs))]).mistake is None
    )


def test_the_forward_mistake_alone_is_named_where_it_spoils_the_backward():
    spoilt = changed(is_wrong_forward, lambda o: o["outputs"]["dx"].fill(3))
    assert judged(spoilt, [FORWARD, BACKWARD]).mistake == "f"
    twin = known(changed(is_wrong_forward, holds_nan), "looks the same forward")
    assert judged(spoilt, [FORWARD, BACKWARD, twin]).mistake is None
    zeros = [
        known(changed(lambda o, n=n: o["outputs"].update(out=0 * o["outputs"]["out"], dx=np.full(n, 1.0))), f"{n}")
        for n in (1, 2)
    ]
    assert judged(changed(lambda o: o["outputs"].update(out=0 * o["outputs"]["out"])), zeros).mistake is None


def test_arrays_of_another_shape_are_not_even_looked_at(monkeypatch):

    looked = []
    monkeypatch.setattr(
        diagnosis,
        "fingerprint",
        lambda a: looked.append(a.shape) or {"shape": list(a.shape), "sort": "", "numbers": np.zeros(9)},
    )
    judged(changed(lambda o: o["outputs"].update(dx=np.zeros(99))), [FORWARD, BACKWARD])
    assert looked and (99,) not in looked


# -- half an exercise --------------------------------------------------------------------------------------------------


def stops(o, text="blur: blur_backward"):
    o["raised"] = {"type": "Todo", "message": text, "line": None, "function": None}
    del o["outputs"]["dx"]


def test_a_right_forward_is_told_though_the_backward_is_still_to_do():
    verdict = judged(changed(stops))
    assert (verdict.status, verdict.points, verdict.mistake) == (TODO, 0, None)
    assert verdict.message == "blur: blur_backward\nblur_forward is right so far; blur_backward is still to do."


def test_a_wrong_forward_is_told_though_the_backward_is_still_to_do():
    verdict = judged(changed(is_wrong_forward, stops, cases=("stride 2",)) | {"plain": changed(stops)["plain"]})
    lines = verdict.message.splitlines()
    assert (verdict.status, verdict.points) == (TODO, 0)
    assert lines[1] == "blur_backward is still to do, and what is there is not right yet:"
    assert lines[2].startswith("In the case 'stride 2': out[0, 0, 1, 2] is ")
    verdict = judged(changed(is_wrong_forward, stops), [BACKWARD, FORWARD])
    assert verdict.message.splitlines()[2] == "F?" and verdict.mistake is None


def test_nothing_is_told_where_nothing_is_written():
    def nothing(o):
        stops(o, "blur: blur_forward")
        o["outputs"].clear()

    assert judged(changed(nothing)).message == "blur: blur_forward"


@pytest.mark.parametrize("name", ["affine", "gram", "batchnorm"])
def test_half_of_a_real_exercise(name, answers):
    exercise, answer = EXERCISES[name], answers(name, mistakes=True)
    forward, backward = exercise.functions

    def todo(*args):
        raise Todo(f"{name}: {backward}")

    functions = student_functions(exercise) | {backward: todo}
    outcomes = {case: run_case(exercise, inputs, functions) for case, inputs in answer.inputs.items()}
    verdict = judge(exercise, answer, outcomes)
    assert verdict.status == TODO and verdict.message.endswith(
        f"\n{forward} is right so far; {backward} is still to do."
    )
    functions[forward] = lambda *args: None
    outcomes = {case: run_case(exercise, inputs, functions) for case, inputs in answer.inputs.items()}
    assert judge(exercise, answer, outcomes).status == WRONG  # the forward has nothing to do with a Todo


@pytest.mark.parametrize("name", ["affine", "relu"])
def test_real_pairs_of_mistakes_are_named(name, answers):
    from pixelgrad.coursework.instructor.answers import mistaken_functions

    exercise, answer = EXERCISES[name], answers(name, mistakes=True)
    sides = [[], []]
    for mistake in (m for m in MISTAKES if m.exercise == name and not m.endless):
        for function, side in zip(exercise.functions, sides):
            file = exercise.file(function)
            text = markers.solution((ROOT / file).read_text(encoding="utf-8"), function, file)
            if all(old in text for old, _ in mistake.changes):
                side.append(mistake)
    named = wrongly = 0
    for one, other in zip(sides[0], sides[1]):
        functions = mistaken_functions(exercise, (*one.changes, *other.changes))
        outcomes = {case: run_case(exercise, inputs, functions) for case, inputs in answer.inputs.items()}
        verdict = judge(exercise, answer, outcomes)
        names = set((verdict.mistake or one.name).split(" + "))
        named += names == {one.name, other.name} and one.hint in verdict.message and other.hint in verdict.message
        wrongly += not names <= {one.name, other.name}
    assert named >= 3 and wrongly == 0


def test_what_calls_a_wrong_exercise_is_blocked_by_it():
    verdicts = {
        "gram": Verdict("gram", WRONG, 0, 6, "x", "wrong"),
        "style": Verdict("style", WRONG, 0, 5, "y", "wrong"),
    }
    blocked = board.after_needs(verdicts["style"], verdicts)
    assert (blocked.status, blocked.mistake, blocked.message) == (BLOCKED, None, "gram: not right yet")
    assert board.after_needs(verdicts["gram"], verdicts) is verdicts["gram"]
    verdicts["gram"] = Verdict("gram", PASSED, 6, 6)
    assert board.after_needs(verdicts["style"], verdicts) is verdicts["style"]


def test_the_right_outcome_passes_up_to_rounding():
    assert judged(RIGHT) == Verdict("blur", PASSED, 4, 4)
    nearly = changed(lambda o: o["outputs"].update(out=o["outputs"]["out"] * (1 + 1e-9)))
    assert judged(nearly).status == PASSED
    assert judged(changed(lambda o: o["outputs"].update(out=o["outputs"]["out"] + 1e-4))).status == WRONG
    assert judged(changed(lambda o: o["outputs"].update(out=o["outputs"]["out"] * (1 + 1e-5)))).status == WRONG
    assert judged(changed(lambda o: o["outputs"].update(more=np.zeros(2)))).status == WRONG


# -- of the real exercises ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXERCISES)
def test_what_is_to_be_pasted_runs_and_shows_the_case_of_the_message(name, answers, monkeypatch):
    monkeypatch.setattr(board, "read_answers", lambda names: {n: answers(n) for n in names})
    exercise, answer = EXERCISES[name], answers(name)
    wrong = {}
    for case, right in answer.right.items():
        wrong[case] = right | {"outputs": {key: a + 1.5 for key, a in right["outputs"].items()}}
    verdict = judge(exercise, answer, wrong)
    case = verdict.message.split("In the case '")[1].split("'")[0]
    code = [line[4:] for line in verdict.message.splitlines() if line.startswith("    ")]
    names = {}
    exec("\n".join(code), names)
    assert names["c"].keys() == answer.inputs[case].keys()
    assert f"load_case('{name}', '{case}')" in verdict.message
    assert not set(exercise.functions) - set(names)


@pytest.mark.parametrize("name", ["relu", "svm", "tv", "content"])
def test_real_mistakes_are_named(name, answers):
    from pixelgrad.coursework.instructor.answers import wrong_outcomes

    for mistake in [m for m in MISTAKES if m.exercise == name and not m.endless][:4]:
        answer = answers(name, mistakes=True)
        verdict = judge(EXERCISES[name], answer, wrong_outcomes(EXERCISES[name], mistake, answer.inputs))
        assert (verdict.status, verdict.mistake) == (WRONG, mistake.name)
        assert verdict.message.startswith(mistake.hint)


def test_a_loss_of_zero_may_be_a_whole_number(answers):
    """A sum that begins with 0 and to which nothing is added."""
    functions = student_functions(EXERCISES["svm"])

    def svm_loss(x, y):
        loss, dx = functions["svm_loss"](x, y)
        return (0 if loss == 0 else loss), dx

    answer, case = answers("svm"), "right class far ahead"
    assert answer.right[case]["outputs"]["loss"] == 0
    assert alike(answer.right[case], run_case(EXERCISES["svm"], answer.inputs[case], {"svm_loss": svm_loss}))


# -- whatever arrives --------------------------------------------------------------------------------------------------

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3) | st.sampled_from([(1, 1, 4, 5), (20,)])
TYPES = st.sampled_from(["f2", "f4", "f8", "g", "i1", "i8", "u1", "u8", "?", ">f8"])
ARRAYS = TYPES.flatmap(lambda dtype: hnp.arrays(np.dtype(dtype), SHAPES))
RAISED = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["Todo", "ReturnError", "ValueError", ""]),
        "message": st.text(max_size=9),
        "line": st.none() | st.integers(),
        "function": st.none() | st.text(max_size=5),
    }
)
NAMES = st.sampled_from(["out", "dx", "more", ""])
OUTCOMES = st.fixed_dictionaries(
    {
        "outputs": st.dictionaries(NAMES, ARRAYS),
        "kinds": st.dictionaries(NAMES, st.text(max_size=5), max_size=1),
        "raised": st.none() | st.none() | RAISED,
        "changed": st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(["f", ""]), max_size=2),
    }
)
FLOATS = hnp.arrays(np.float64, SHAPES, elements=st.floats(-1e3, 1e3))


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*RIGHT, "no such case"]), OUTCOMES) | st.text(max_size=5),
    st.dictionaries(st.sampled_from([*RIGHT]), st.builds(outcome, FLOATS, FLOATS), min_size=1),
)
@pytest.mark.filterwarnings("error")
def test_nothing_that_arrives_makes_the_judge_stumble(outcomes, right):
    mistakes = [known(changed(is_wrong_forward, holds_nan)), known(ENDLESS)]
    verdict = judge(EXERCISE, Answers({case: INPUTS[case] for case in right}, right, mistakes), outcomes)
    assert verdict.status in (PASSED, WRONG, TODO, BLOCKED)
    assert verdict.points == (4 if verdict.status == PASSED else 0)
    if verdict.status == PASSED:
        assert all(alike(right[case], outcomes[case]) for case in right)
    else:
        assert verdict.message or verdict.status == BLOCKED or isinstance(outcomes, str)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["out", "dx"]), ARRAYS), st.sampled_from(["plain", "several images"]))
@pytest.mark.filterwarnings("error")
def test_wrong_arrays_of_any_sort_are_wrong(outputs, case):
    outcomes = changed()
    outcomes[case]["outputs"] |= outputs
    right = alike(RIGHT[case], outcomes[case])
    assert judged(outcomes).status == (PASSED if right else WRONG)
