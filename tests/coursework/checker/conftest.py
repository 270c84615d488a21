"""A solved project for what a student may write in relu_forward, and an exercise for the judge."""

from types import SimpleNamespace

import numpy as np
import pytest

from pixelgrad.coursework.checker.fingerprints import with_fingerprints
from pixelgrad.coursework.checker.judge import Answers, KnownMistake, judge
from pixelgrad.coursework.exercises.registry import Exercise

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


@pytest.fixture
def relu(project):
    """relu(body) -> a solved project in which relu_forward begins with the body, in line `relu.line` of its file."""
    project.solve("affine", "relu", "softmax")
    text = project.text("layers/basic.py")
    at = text.index("def relu_forward")
    at = text.index('"""\n', text.index('"""', at) + 3) + 4
    line = text[:at].count("\n") + 1

    def write(body, head=""):
        indented = "".join(f"    {line}\n" for line in body.splitlines())
        project.text("layers/basic.py", head + text[:at] + indented + text[at:])
        return project

    write.line = line
    return write


@pytest.fixture(scope="session")
def blur():
    """A small exercise: its inputs and right outcomes, and how one is made."""
    return SimpleNamespace(exercise=EXERCISE, inputs=INPUTS, right=RIGHT, images=images, outcome=outcome)


@pytest.fixture(scope="session")
def changed():
    """changed(*faults, cases=all) -> the right outcomes, but with faults in some cases."""

    def changed(*faults, cases=tuple(RIGHT)):
        made = {}
        for case, right in RIGHT.items():
            made[case] = outcome(**{name: a.copy() for name, a in right["outputs"].items()})
            for fault in faults if case in cases else ():
                fault(made[case])
        return made

    return changed


@pytest.fixture(scope="session")
def judged():
    """judged(outcomes, mistakes) -> Verdict."""

    def judged(outcomes, mistakes=()):
        return judge(EXERCISE, Answers(INPUTS, RIGHT, list(mistakes)), outcomes)

    return judged


@pytest.fixture(scope="session")
def known():
    """known(outcomes, name, hint) -> KnownMistake."""

    def known(outcomes, name="a name", hint="A hint."):
        if isinstance(outcomes, dict):
            outcomes = {case: with_fingerprints(o) for case, o in outcomes.items()}
        return KnownMistake(name, hint, outcomes)

    return known
