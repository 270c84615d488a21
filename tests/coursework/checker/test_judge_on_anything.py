"""Nothing that can arrive makes the judge stumble."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pixelgrad.coursework.checker.comparing import alike
from pixelgrad.coursework.checker.judge import (
    BLOCKED,
    ENDLESS,
    PASSED,
    TODO,
    WRONG,
    Answers,
    judge,
)

CASES = ("plain", "stride 2", "several images")  # of the exercise `blur`
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


def is_wrong(o):
    o["outputs"]["out"][0, 0, 1, 2] += 1
    o["outputs"]["dx"][..., 1] = np.nan


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    outcomes=st.dictionaries(st.sampled_from([*CASES, "no such case"]), OUTCOMES) | st.text(max_size=5),
    right=st.dictionaries(st.sampled_from(CASES), st.tuples(FLOATS, FLOATS), min_size=1),
)
@pytest.mark.filterwarnings("error")
def test_nothing_that_arrives_makes_the_judge_stumble(outcomes, right, blur, changed, known):
    right = {case: blur.outcome(out, dx) for case, (out, dx) in right.items()}
    mistakes = [known(changed(is_wrong)), known(ENDLESS)]
    verdict = judge(blur.exercise, Answers({case: blur.inputs[case] for case in right}, right, mistakes), outcomes)
    assert verdict.status in (PASSED, WRONG, TODO, BLOCKED)
    assert verdict.points == (4 if verdict.status == PASSED else 0)
    if verdict.status == PASSED:
        assert all(alike(right[case], outcomes[case]) for case in right)
    else:
        assert verdict.message or verdict.status == BLOCKED or isinstance(outcomes, str)


@settings(max_examples=100, deadline=None)
@given(
    outputs=st.dictionaries(st.sampled_from(["out", "dx"]), ARRAYS), case=st.sampled_from(["plain", "several images"])
)
@pytest.mark.filterwarnings("error")
def test_wrong_arrays_of_any_sort_are_wrong(outputs, case, blur, changed, judged):
    outcomes = changed()
    outcomes[case]["outputs"] |= outputs
    right = alike(blur.right[case], outcomes[case])
    assert judged(outcomes).status == (PASSED if right else WRONG)
