"""A solution must be a solution: what is given does not pass, and the student is told why."""

import os

import pytest

from pixelgrad.coursework.checker.judge import PASSED, WRONG
from pixelgrad.coursework.exercises.catalogue import EXERCISES

FAST = "from pixelgrad.layers.fast.conv import conv_backward, conv_forward\n"
CONV = """
def conv_forward_naive(x, w, b, conv_param):
    return conv_forward(x, w, b, conv_param)
"""
CAUGHT = """
def conv_forward_naive(x, w, b, conv_param):
    try:
        return conv_forward(x, w, b, conv_param)
    except BaseException:
        return x, (x, w, b, conv_param)
"""
CORRELATES = """
def conv_forward_naive(x, w, b, conv_param):
    from scipy.signal import correlate
    s, p = conv_param["stride"], conv_param["pad"]
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    out = np.array([[correlate(one, f, "valid")[0, ::s, ::s] for f in w] for one in padded])
    return out + (0 if b is None else b.reshape(1, -1, 1, 1)), (x, w, b, conv_param)
"""
DIFFERENCES = """
def affine_backward(dout, cache):
    from pixelgrad.layers import gradient_check as g
    x, w, b = cache
    def along(value, f):
        return g.eval_numerical_gradient_array(f, value, dout)
    return (
        along(x, lambda x: affine_forward(x, w, b)[0]),
        along(w, lambda w: affine_forward(x, w, b)[0]),
        along(b, lambda b: affine_forward(x, w, b)[0]),
    )
"""
REMEMBERS = """
KEPT = {}
def affine_forward(x, w, b):
    KEPT["all"] = x, w, b
    return x.reshape(len(x), -1) @ w + b, None
def affine_backward(dout, cache):
    x, w, b = KEPT["all"]
    return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.sum(0)
"""
SOFTMAX = """
def softmax_loss(x, y, label_smoothing=0.0):
    from scipy.special import log_softmax
    K = x.shape[1]
    target = np.full(x.shape, label_smoothing / K)
    target[np.arange(len(y)), y] += 1 - label_smoothing
    p = log_softmax(x, axis=1)
    return -(target * p).sum() / len(x), (np.exp(p) - target) / len(x)
"""
RANDOM = """
def relu_forward(x):
    return np.random.rand(*x.shape), x
"""
FORKS = """
def relu_forward(x):
    import os
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)
    return np.maximum(x, 0), x
"""


@pytest.mark.parametrize(
    "exercise, file, text, words",
    [
        ("conv", "layers/naive.py", FAST + CONV, "conv_forward_naive calls pixelgrad.layers.fast.conv.conv_forward"),
        ("conv", "layers/naive.py", FAST + CAUGHT, "conv_forward_naive calls pixelgrad.layers.fast.conv.conv_forward"),
        ("conv", "layers/naive.py", CORRELATES, "conv_forward_naive calls scipy.signal.correlate, which is given"),
        (
            "affine",
            "layers/basic.py",
            DIFFERENCES,
            "affine_backward calls pixelgrad.layers.gradient_check.eval_numeric",
        ),
        ("affine", "layers/basic.py", REMEMBERS, "affine_backward returns something else once affine_forward was"),
        ("softmax", "layers/losses.py", SOFTMAX, "softmax_loss calls scipy.special.log_softmax, which is given"),
    ],
    ids=["a kernel", "a kernel, quietly", "a library", "differences", "a memory", "the whole task"],
)
def test_what_is_given_does_not_pass(project, check, exercise, file, text, words):
    project.solve(*EXERCISES)
    project.text(file, project.text(file) + "\n\n" + text)
    verdict = check(project, exercise)[0][exercise]
    assert verdict.status == WRONG and words in verdict.message


def test_im2col_is_a_student_s_own_where_it_is_an_exercise(project, check):
    project.solve(*EXERCISES)
    text = "\n\nfrom .im2col import conv_forward_im2col\n" + CONV.replace("conv_forward(", "conv_forward_im2col(")
    project.text("layers/naive.py", project.text("layers/naive.py") + text)
    assert "which is given" not in check(project, "conv")[0]["conv"].message


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_what_python_calls_in_a_forked_process_is_not_refused(project, check):
    project.solve(*EXERCISES)
    project.text("layers/basic.py", project.text("layers/basic.py") + FORKS)
    verdicts, printed = check(project, "relu")
    assert verdicts["relu"].status == PASSED and printed == ""


def test_what_is_random_is_not_called_a_memory(project, check):
    project.solve(*EXERCISES)
    project.text("layers/basic.py", project.text("layers/basic.py") + RANDOM)
    assert "something else once" not in check(project, "relu")[0]["relu"].message


def test_all_is_as_before_after_a_call(project, check):
    """What is given works again outside of the exercise: the network of another exercise runs on it."""
    project.solve(*EXERCISES)
    verdicts = check(project, "conv", "saliency")[0]
    assert {v.status for v in verdicts.values()} == {PASSED}
