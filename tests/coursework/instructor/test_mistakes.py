"""Known mistakes are mistakes of students: a fragment of code that is broken itself would teach the checker nothing."""

import pytest

from pixelgrad.coursework.exercises.catalogue import EXERCISES
from pixelgrad.coursework.instructor.answers import draw_inputs, wrong_outcomes
from pixelgrad.coursework.instructor.mistakes import MISTAKES

BROKEN = {"ImportError", "ModuleNotFoundError", "NameError", "UnboundLocalError", "SyntaxError"}
# What a student runs into who makes this mistake: the name is bound only where there is a content to look for.
MEANT = {("style_transfer", "content always looked for")}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXERCISES)
def test_no_known_mistake_is_a_broken_fragment(name):
    exercise = EXERCISES[name]
    inputs, broken = draw_inputs(exercise), {}
    for mistake in MISTAKES:
        if mistake.exercise != name or mistake.endless or (name, mistake.name) in MEANT:
            continue
        for outcome in wrong_outcomes(exercise, mistake, inputs).values():
            if outcome["raised"] and outcome["raised"]["type"] in BROKEN:
                broken[mistake.name] = outcome["raised"]["message"]
    assert not broken


def test_exceptions_are_known_mistakes():
    assert {(mistake.exercise, mistake.name) for mistake in MISTAKES} >= MEANT
