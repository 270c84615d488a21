"""The network runs on what a student wrote: which exercise comes first, which layer differs, and that all agrees."""

import pytest

from pixelgrad.coursework.checker.board import NETWORK, board, your_network
from pixelgrad.coursework.checker.judge import PASSED, TODO, Verdict
from pixelgrad.coursework.exercises.catalogue import EXERCISES


def verdicts(*passed):
    return [Verdict(name, PASSED if name in passed else TODO, 1, 1, None, "to do") for name in EXERCISES]


def predict(project, **options):
    return project.run("predict", "portrait", "--engine", "naive", **options)


def test_the_board_names_what_comes_first():
    assert your_network(verdicts()).startswith("affine comes first (`pixelgrad check affine`); then `pixelgrad predict")
    assert your_network(verdicts("affine", "relu", "batchnorm")).startswith("conv comes first")
    assert your_network(verdicts(*NETWORK)).startswith("it runs on your layers")
    assert "Your network: it runs on your layers" in board(verdicts(*NETWORK))
    assert your_network(verdicts()[:1]) is None and "Your network" not in board(verdicts()[:1])


def test_an_empty_edition_says_which_exercise_comes_first(project):
    done = predict(project, check=2)
    words = "pixelgrad predict: conv comes first: conv_forward_naive is still to do; pixelgrad check conv\n"
    assert done.stderr == words and done.stdout == ""
    assert project.run("predict", "portrait", check=0).stdout  # the fast engine does not wait


@pytest.mark.slow
def test_it_goes_through_the_exercises_one_by_one(project):
    solved = []
    for name in ("conv", "spatial_batchnorm", "batchnorm", "relu", "affine"):
        project.solve(*solved)
        assert f"predict: {name} comes first: " in predict(project, check=2).stderr
        solved.append(name)
    project.solve(*solved)
    assert "engine naive: every layer's forward pass agrees with the fast" in predict(project, check=0).stdout


@pytest.mark.slow
def test_a_backward_that_is_to_do_is_named_when_it_is_needed(project):
    project.solve(*NETWORK, "saliency")
    text = project.text("layers/naive.py")
    first = next(line for line in text.splitlines() if line.startswith("    x, w, b, conv_param = cache"))
    text = text.replace(first, "    raise Todo('conv: conv_backward_naive')")
    project.text(
        "layers/naive.py", text.replace("import numpy as np", "import numpy as np\nfrom pixelgrad.todo import Todo")
    )
    assert "every layer's forward pass agrees" in predict(project, check=0).stdout
    done = project.run("saliency", "portrait", "--engine", "naive", check=2)
    assert "conv comes first: conv_backward_naive is still to do" in done.stderr


@pytest.mark.parametrize(
    "old, new, words",
    [
        (
            "np.sum(window * w[f])",
            "np.sum(window * w[f, :, ::-1])",
            "engine naive: conv1 is the first layer that differs, by ",
        ),
        (
            "np.zeros((N, F, HO, WO)",
            "np.zeros((N, F, HO, WO + 1)",
            "engine naive: conv1 is the first layer that differs: it returns the shape (1, 32, 32, 33)",
        ),
        (
            "np.zeros((N, F, HO, WO)",
            "np.zeros((N, F + 1, HO, WO)",
            "engine naive: conv1 fails: ValueError: spatial_batchnorm_forward: gamma",
        ),
        (
            "    return out, (x, w, b, conv_param)",
            "    pass",
            "a layer returned something that the next step cannot use",
        ),
        ("out[n, f] += b[f]", "out[n, f] += b[f]\n    1 / 0", "conv_forward_naive (layers/naive.py, line NEXT)"),
    ],
)
def test_a_wrong_layer_is_named(project, old, new, words):
    project.solve(*EXERCISES)
    text = project.text("layers/naive.py")
    assert text.count(old) == 1
    project.text("layers/naive.py", text.replace(old, new))
    words = words.replace("NEXT", str(text[: text.index(old)].count("\n") + 2))  # the line after the one replaced
    done = project.run("predict", "portrait", "--engine", "naive", "-q", check=1)
    assert words in done.stderr and "pixelgrad check" in done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""


def test_a_picture_that_no_layer_takes_is_not_blamed_on_a_layer(project):
    project.solve(*EXERCISES)
    done = project.run("predict", "portrait", "--model", "nothing.h5", "--engine", "naive", check=2)
    assert "nothing.h5" in done.stderr and "pixelgrad check" not in done.stderr
