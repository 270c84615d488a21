"""Typical mistakes of the *Layers* track, each as the smallest change to the right solution.

A mistake is recognised by its numbers, so names and hints are about what was computed, not about how it was written.
"""

from ..exercises.registry import Mistake

MISTAKES: list[Mistake] = []


def _of(exercise, *mistakes):
    """Register mistakes (name, old, new, hint) of one exercise."""
    MISTAKES.extend(Mistake(exercise, *mistake) for mistake in mistakes)


# Hints that more than one exercise uses.
ORDER = "All gradients are there, but in another order. Return them in the order of forward's arguments: dx, dw, db."
FLOAT32 = "The inputs are float64, but what comes back is float32: half of the digits were thrown away on the way."
AFFINE_OUT = "x.reshape(x.shape[0], D) @ w + b"
AFFINE_DX = "(dout @ w.T).reshape(x.shape)"
AFFINE_DW = "x.reshape(x.shape[0], w.shape[0]).T @ dout"

_of(
    "affine",
    (
        "dx keeps the flat shape",
        AFFINE_DX,
        "dout @ w.T",
        "The numbers of dx are right, but x came with more axes than two, and its gradient has to look like x itself.",
    ),
    (
        "db is a row (1, M)",
        "db = dout.sum(axis=0)",
        "db = dout.sum(axis=0, keepdims=True)",
        "The bias gradient has the shape (1, M), b has (M,): what is left when you sum over the batch and keep "
        "that axis? Sums hide it by broadcasting, until `b -= learning_rate * db` stops with an error.",
    ),
    (
        "dw of the last image only",
        "dw = x.reshape(x.shape[0], w.shape[0]).T @ dout",
        "dw = x.reshape(x.shape[0], w.shape[0])[-1:].T @ dout[-1:]",
        "dw is that of the last image alone. In a loop over the images each adds its part: = writes over what is "
        "there.",
    ),
    (
        "db of the last image only",
        "db = dout.sum(axis=0)",
        "db = dout[-1].copy()",
        "db is that of the last image alone. In a loop over the images each adds its part: = writes over what is "
        "there.",
    ),
    (
        "db is a mean over the batch",
        "db = dout.sum(axis=0)",
        "db = dout.mean(axis=0)",
        "db is N times too small. All images use the same bias, so their gradients are added. A mean belongs to "
        "the loss, and dout has it already.",
    ),
    (
        "db sums over the outputs",
        "db = dout.sum(axis=0)",
        "db = dout.sum(axis=1)",
        "db has one number per image. Which axis of dout does b share, and which one has to go?",
    ),
    (
        "db is one number",
        "db = dout.sum(axis=0)",
        "db = dout.sum()",
        "db is a single number, but there are M biases, each with a gradient of its own. Over which axis is the sum?",
    ),
    ("gradients in the order dw, dx, db", "return dx, dw, db", "return dw, dx, db", ORDER),
    ("gradients in the order dx, db, dw", "return dx, dw, db", "return dx, db, dw", ORDER),
    (
        "bias forgotten",
        AFFINE_OUT,
        "x.reshape(x.shape[0], D) @ w",
        "out is off by the same row for every image. What does the layer have besides the weights?",
    ),
    (
        "x not flattened",
        AFFINE_OUT,
        "x @ w + b",
        "It works as long as x has two axes. Images have more: what has to happen before the product?",
    ),
    (
        "x flattened in another order",
        AFFINE_OUT,
        'x.reshape(x.shape[0], D, order="F") @ w + b',
        "x is flattened, but its numbers come in another order than they lie in: the first axis after the images has "
        "to vary slowest, the last fastest.",
    ),
    (
        "reshape where a transposition belongs",
        AFFINE_OUT,
        "x.reshape(D, x.shape[0]).T @ w + b",
        "With several images their features get mixed up. A reshape keeps the numbers in their order in memory; "
        "it does not exchange axes.",
    ),
    (
        "w not transposed in dx",
        AFFINE_DX,
        "(dout @ w).reshape(x.shape)",
        "dx multiplies dout by w as if it were x. Look at the shapes: dout (N, M) has to become (N, D). It only "
        "seems to work where D = M.",
    ),
    (
        "x not transposed in dw",
        AFFINE_DW,
        "x.reshape(x.shape[0], w.shape[0]) @ dout",
        "For dw the images have to disappear in the product. Which axis of x meets the N of dout in yours? It only "
        "seems to work where N, D and M are the same.",
    ),
    (
        "dw transposed",
        AFFINE_DW,
        "dout.T @ x.reshape(x.shape[0], w.shape[0])",
        "dw is (M, D), w is (D, M): the right numbers, with the two factors the other way round.",
    ),
    (
        "dw divided by the batch",
        AFFINE_DW,
        AFFINE_DW + " / x.shape[0]",
        "dw is N times too small. The mean over the images belongs to the loss, and dout has it already.",
    ),
    (
        "all gradients divided by the batch",
        "return dx, dw, db",
        "return dx / len(x), dw / len(x), db / len(x)",
        "All three gradients are N times too small. The mean over the images belongs to the loss, and dout has it "
        "already.",
    ),
    ("float32 on the way", AFFINE_OUT, "(" + AFFINE_OUT + ").astype(np.float32)", FLOAT32),
    (
        "no return",
        "    return out, (x, w, b)",
        "    cache = (x, w, b)",
        "affine_forward computes, and keeps the result to itself: it returns None.",
    ),
    (
        "db not returned",
        "return dx, dw, db",
        "return dx, dw",
        "affine_backward returns fewer gradients than forward has arguments.",
    ),
)

RELU_STANDARD = "return dout * (x > 0)"
RELU_GUIDED = "return np.maximum(dout, 0) * (x > 0)"
_of(
    "relu",
    (
        "x zeroed in place",
        "return np.maximum(x, 0), x",
        "x[x < 0] = 0\n    return x, x",
        "x itself has been overwritten: whoever handed it in finds it ruined. An assignment to entries of x changes "
        "the caller's array.",
    ),
    (
        "dout zeroed in place",
        RELU_STANDARD,
        "dout[x <= 0] = 0\n        return dout",
        "dout itself has been overwritten. Where the network branches, another layer still needs it.",
    ),
    (
        "gate looks at dout",
        RELU_STANDARD,
        "return dout * (dout > 0)",
        "Under the rule 'standard' the gradient is stopped where dout is negative. In forward the sign of x "
        "decided what passes, and backward has to follow it.",
    ),
    (
        "dout multiplied by the output",
        RELU_STANDARD,
        "return dout * np.maximum(x, 0)",
        "dx is dout times the output of forward. What is the slope of ReLU where x is positive?",
    ),
    (
        "gradient passes at zero",
        RELU_STANDARD,
        "return dout * (x >= 0)",
        "The gradient passes where x is exactly 0: there the docstring lets nothing pass.",
    ),
    (
        "gradient passes at zero, also under guided",
        (RELU_STANDARD, RELU_GUIDED),
        ("return dout * (x >= 0)", "return np.maximum(dout, 0) * (x >= 0)"),
        "The gradient passes where x is exactly 0, under 'standard' and under 'guided': there the docstring lets "
        "nothing "
        "pass.",
    ),
    (
        "gradient passes everywhere",
        RELU_STANDARD,
        "return 1.0 * dout",
        "dx is dout. What about the entries that forward set to 0: does the loss notice if they change a little?",
    ),
    (
        "gate the wrong way round",
        RELU_STANDARD,
        "return dout * (x <= 0)",
        "dx lets pass exactly what it should stop, and stops what should pass.",
    ),
    (
        "passes where x is negative",
        RELU_STANDARD,
        "return dout * (x < 0)",
        "dx lets pass what it should stop, where x is negative, and stops what should pass.",
    ),
    (
        "dout forgotten",
        RELU_STANDARD,
        "return 1.0 * (x > 0)",
        "dx is ReLU's own slope, 0 or 1. The chain rule has a second factor.",
    ),
    (
        "mask of true and false returned",
        RELU_STANDARD,
        "return x > 0",
        "dx holds true and false: that says where the gradient passes, and not what passes there.",
    ),
    (
        "leaky ReLU",
        "return np.maximum(x, 0), x",
        "return np.maximum(x, 0.01 * x), x",
        "Negative entries leak through with a hundredth of their size. That is a useful layer too, but another one.",
    ),
    (
        "absolute value",
        "return np.maximum(x, 0), x",
        "return np.abs(x), x",
        "Negative entries come out positive. ReLU drops them.",
    ),
    (
        "negative part kept",
        "return np.maximum(x, 0), x",
        "return np.minimum(x, 0), x",
        "The positive entries are dropped and the negative ones kept: the wrong one of the two.",
    ),
    (
        "step instead of ramp",
        "return np.maximum(x, 0), x",
        "return 1.0 * (x > 0), x",
        "out is 1 where x is positive. How large should it be there?",
    ),
    (
        "guided asks for dout only",
        RELU_GUIDED,
        "return np.maximum(dout, 0)",
        "'guided' does what 'deconv' should do: for guided backpropagation the sign of x counts, too.",
    ),
    (
        "guided asks for x only",
        RELU_GUIDED,
        "return dout * (x > 0)",
        "'guided' does what 'standard' does: for guided backpropagation the sign of dout counts, too.",
    ),
    (
        "guided asks for equal signs",
        RELU_GUIDED,
        "return dout * (x * dout > 0)",
        "'guided' lets pass where x and dout have the same sign: the product of two negative numbers is positive, too.",
    ),
    (
        "deconv asks for x too",
        "* (x > 0)\n    return np.maximum(dout, 0)",
        "* (x > 0)\n    return np.maximum(dout, 0) * (x > 0)",
        "'deconv' does what 'guided' should do. A deconvnet does not look at x on the way back.",
    ),
    (
        "deconv does what standard does",
        "return np.maximum(dout, 0)\n",
        "return dout * (x > 0)\n",
        "'deconv' does what 'standard' does. A deconvnet looks at dout in place of x.",
    ),
    (
        "rules guided and deconv exchanged",
        'if rule == "guided":',
        'if rule == "deconv":',
        "'guided' and 'deconv' do each other's work. Which one asks for both signs?",
    ),
    (
        "rule ignored",
        'if rule == "standard":',
        "if True:",
        "The rule makes no difference: the other two give the same as 'standard'. They should not.",
    ),
    ("float32 on the way", "return np.maximum(x, 0), x", "return np.maximum(x, 0).astype(np.float32), x", FLOAT32),
    (
        "cache not returned",
        "return np.maximum(x, 0), x",
        "return np.maximum(x, 0)",
        "relu_forward returns out alone. How is backward to know where x was positive?",
    ),
)

SHIFTED = "shifted = x - x.max(axis=1, keepdims=True)"
LOG_PROBS = "log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))"
PROBS = "log_probs = np.log(np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True))"
LOSS = "loss = -(target * log_probs).sum() / N"
LOSS_OF_TARGETS = "loss = -np.where(target > 0, target * log_probs, 0).sum() / N"  # without 0 * inf
SMOOTHED = "np.full((N, K), label_smoothing / K, dtype=x.dtype)"
TARGET = "target[np.arange(N), y] += 1 - label_smoothing"
DX = "dx = (np.exp(log_probs) - target) / N"
NO_MEAN = "is N times what it should be: the loss is a mean over the images, and its gradient follows it."
_of(
    "softmax",
    (
        "no shift by the maximum",
        (SHIFTED, LOG_PROBS, LOSS),
        ("shifted = x", PROBS, LOSS_OF_TARGETS),
        "Large scores overflow: exp(1000) is infinity, and infinity divided by infinity is not a number. What can you "
        "do to all scores of an image without changing its probabilities?",
    ),
    (
        "no shift by the maximum, with logarithms",
        (SHIFTED, LOSS),
        ("shifted = x", LOSS_OF_TARGETS),
        "Large scores overflow in the sum of exponentials: exp(1000) is infinity. What can you do to all scores of an "
        "image without changing its probabilities?",
    ),
    (
        "no shift by the maximum, with the logarithm of a sum",
        (SHIFTED, LOSS, DX),
        ("shifted = x", LOSS_OF_TARGETS, "dx = (np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) - target) / N"),
        "Large scores overflow: exp(1000) is infinity, also inside a logarithm. What can you do to all scores of an "
        "image without changing its probabilities?",
    ),
    (
        "gradient of the probability",
        DX,
        "dx = np.exp(log_probs) * (1 - np.exp(log_probs)) / N",
        "dx is p (1 - p), the derivative of a probability by its own score. The loss is a logarithm, and every score "
        "has a part in it.",
    ),
    (
        "one shift for the whole batch",
        (SHIFTED, LOG_PROBS, LOSS),
        ("shifted = x - x.max()", PROBS, LOSS_OF_TARGETS),
        "The scores are shifted by the largest of the whole batch. An image whose own scores lie far below it ends up "
        "with 0 divided by 0. Whose maximum should it be?",
    ),
    (
        "shift by the maximum of each class",
        SHIFTED,
        "shifted = x - x.max(axis=0, keepdims=True)",
        "From each class its largest score in the batch is subtracted, so that the scores of one image are shifted by "
        "different numbers. Along which axis must the maximum go, for the probabilities to stay the same?",
    ),
    (
        "one shift for the whole batch, with logarithms",
        SHIFTED,
        "shifted = x - x.max()",
        "The scores are shifted by the largest of the whole batch. For an image whose own scores lie far below it all "
        "exponentials vanish. Whose maximum should it be?",
    ),
    *(
        (name + how, (SHIFTED, *old), (shifted, *new), hint)
        for how, old, new in (
            ("", (LOG_PROBS, LOSS), (PROBS, LOSS_OF_TARGETS)),
            (", with logarithms", (), ()),
        )
        for name, shifted, hint in (
            (
                "search for the maximum begins at 0",
                "shifted = x - np.maximum(x.max(axis=1, keepdims=True), 0)",
                "Where all scores of an image are far below zero its exponentials vanish: they are never shifted up. "
                "With what does your search for the largest begin?",
            ),
            (
                "shift by the largest magnitude",
                "shifted = x - np.abs(x).max(axis=1, keepdims=True)",
                "Where the largest magnitude is that of a negative score all exponentials vanish. The largest of -3 "
                "and -1 is -1.",
            ),
        )
    ),
    (
        "logarithm of a probability that vanished",
        (LOG_PROBS, LOSS),
        (PROBS, LOSS_OF_TARGETS),
        "Where the right class is very improbable its probability is rounded to 0, and the logarithm of 0 is infinite. "
        "The logarithm can be had without the probability: it is the logarithm of a fraction.",
    ),
    (
        "small number added inside the logarithm",
        LOSS,
        "loss = -(target * np.log(np.exp(log_probs) + 1e-8)).sum() / N",
        "A small number inside the logarithm keeps it finite, and wrong: for improbable classes the loss stops growing "
        "and no longer belongs to its gradient. There is an exact way.",
    ),
    *(
        (
            f"a number as small as {small} inside the logarithm",
            LOSS,
            f"loss = -(target * np.log(np.exp(log_probs) + {small})).sum() / N",
            f"For a class less probable than {small} the loss stops growing: a small number inside the logarithm keeps "
            "it finite, and wrong. There is an exact way.",
        )
        for small in ("1e-12", "1e-10", "1e-9", "1e-15", "1e-16", "1e-20")
    ),
    (
        "shift in place",
        SHIFTED,
        "x -= x.max(axis=1, keepdims=True)\n    shifted = x",
        "The scores themselves have been shifted: x has changed.",
    ),
    (
        "division by N forgotten in the gradient",
        DX,
        "dx = np.exp(log_probs) - target",
        "dx " + NO_MEAN,
    ),
    ("division by N forgotten in the loss", LOSS, "loss = -(target * log_probs).sum()", "The loss " + NO_MEAN),
    (
        "division by N forgotten",
        (LOSS, DX),
        ("loss = -(target * log_probs).sum()", "dx = np.exp(log_probs) - target"),
        "Loss and gradient are N times what they should be: the loss is a mean over the images.",
    ),
    (
        "only the probabilities divided by N",
        DX,
        "dx = np.exp(log_probs) / N - target",
        "In dx only one of the two parts is divided by N. Does a row of it still sum to zero?",
    ),
    (
        "loss averaged over the classes too",
        LOSS,
        "loss = -(target * log_probs).mean()",
        "The loss is K times too small: a mean over all entries also divides by the number of classes.",
    ),
    (
        "gradient is the probabilities",
        DX,
        "dx = np.exp(log_probs) / N",
        "dx holds only the probabilities: the right class does not occur in it. Every row of dx should sum to 0; "
        "what is missing?",
    ),
    (
        "gradient of the right class only",
        DX,
        "dx = np.where(target > label_smoothing, np.exp(log_probs) - target, 0) / N",
        "Only the right class gets a gradient. The other scores stand in the sum below the fraction, too.",
    ),
    (
        "loss with the wrong sign",
        LOSS,
        "loss = (target * log_probs).sum() / N",
        "The loss is negative: the logarithm of a probability is never above 0, and a loss is something to make small.",
    ),
    (
        "gradient with the wrong sign",
        DX,
        "dx = (target - np.exp(log_probs)) / N",
        "dx has the wrong sign: a step against it would make the right class less probable.",
    ),
    (
        "probability instead of its logarithm",
        LOSS,
        "loss = -(target * np.exp(log_probs)).sum() / N",
        "The loss is minus the probability of the right class. What is missing between the two?",
    ),
    (
        "logarithm to the base 2",
        LOSS,
        "loss = -(target * log_probs).sum() / np.log(2) / N",
        "The loss is off by a constant factor, 1.4427: that is 1 / log(2). Which logarithm is it?",
    ),
    (
        "logarithm to the base 10",
        LOSS,
        "loss = -(target * log_probs).sum() / np.log(10) / N",
        "The loss is off by a constant factor, 0.4343: that is 1 / log(10). Which logarithm is it?",
    ),
    (
        "loss not averaged: one per image",
        (LOSS, "return float(loss), dx"),
        ("loss = -(target * log_probs).sum(axis=1)", "return loss, dx"),
        "The loss comes as one number per image. An optimiser needs a single number.",
    ),
    (
        "normalised over the batch",
        LOG_PROBS,
        "log_probs = shifted - np.log(np.exp(shifted).sum(axis=0, keepdims=True))",
        "The probabilities of a class sum to 1 over the images. For one image, what should sum to 1?",
    ),
    (
        "normalised over everything",
        LOG_PROBS,
        "log_probs = shifted - np.log(np.exp(shifted).sum())",
        "All probabilities of the whole batch together sum to 1. For one image, what should sum to 1?",
    ),
    (
        "sums of other images, for want of keepdims",
        LOG_PROBS,
        "log_probs = shifted - np.log(np.exp(shifted).sum(axis=1))",
        "The sums over the classes have the shape (N,), and against (N, K) NumPy lays them along the classes: it only "
        "fits where N = K, and there each class gets the sum of another image.",
    ),
    (
        "labels off by one",
        TARGET,
        "target[np.arange(N), y - 1] += 1 - label_smoothing",
        "The class before the right one is taken for the right one. Labels count from 0.",
    ),
    (
        "labels of all images in every row",
        TARGET,
        "target[:, y] += 1 - label_smoothing",
        "Every image is given the labels of all images: a slice and a list of labels pick whole columns. What pairs "
        "each row with its own label?",
    ),
    (
        "label smoothing ignored",
        (SMOOTHED, TARGET),
        ("np.zeros((N, K), dtype=x.dtype)", "target[np.arange(N), y] = 1"),
        "label_smoothing has no effect: the result is the same as without it.",
    ),
    # What is not smoothed yet may be wrong in other ways already, and should not hide them.
    (
        "smoothing leaves out the right class",
        TARGET,
        "target[np.arange(N), y] = 1 - label_smoothing",
        "With label smoothing the targets of an image sum to less than 1: every class gets its part, also the right "
        "one.",
    ),
    (
        "smoothing spread over the wrong classes only",
        ("label_smoothing / K", TARGET),
        ("label_smoothing / (K - 1)", "target[np.arange(N), y] = 1 - label_smoothing"),
        "The smoothing is shared out among the wrong classes only. In the docstring's version every class gets a part "
        "of it.",
    ),
    (
        "smoothing in the loss only",
        DX,
        "dx = (np.exp(log_probs) - (target > label_smoothing)) / N",
        "With label smoothing the gradient still thinks of one right class.",
    ),
    ("gradient in float32", "return float(loss), dx", "return float(loss), dx.astype(np.float32)", FLOAT32),
    (
        "gradient not returned",
        "return float(loss), dx",
        "return float(loss)",
        "softmax_loss returns the loss alone; the gradient is asked for, too.",
    ),
)

MARGINS = "margins = np.maximum(0, x - x[rows, y][:, None] + 1)"
SVM_RIGHT = "dx[rows, y] = -dx.sum(axis=1)"
SVM_ACTIVE = "dx = (margins > 0).astype(x.dtype)"
SVM_RETURN = "return float(loss), dx / x.dtype.type(N)"
_of(
    "svm",
    (
        "right class counted in the loss",
        "loss = margins.sum() / N",
        "loss = margins.sum() / N + 1",
        "The loss is too large by exactly 1. What is the margin of the right class to itself?",
    ),
    (
        "right class counted in loss and gradient",
        "    margins[rows, y] = 0\n",
        "",
        "The right class competes with itself: its margin to itself is 1, which is in the loss and is counted as a "
        "violation in dx.",
    ),
    (
        "margin 0",
        MARGINS,
        "margins = np.maximum(0, x - x[rows, y][:, None])",
        "A wrong class costs nothing as soon as it is below the right one. By how much should it be below?",
    ),
    (
        "margin subtracted",
        MARGINS,
        "margins = np.maximum(0, x - x[rows, y][:, None] - 1)",
        "A wrong class may even be 1 above the right one before it costs anything: on which side is the margin?",
    ),
    (
        "difference the wrong way round",
        MARGINS,
        "margins = np.maximum(0, x[rows, y][:, None] - x + 1)",
        "The loss is large where the right class is far ahead: which of the two scores is subtracted from the other?",
    ),
    (
        "not cut off at zero",
        MARGINS,
        "margins = x - x[rows, y][:, None] + 1",
        "Classes that keep their margin lower the loss, which may even be negative. They should count for nothing.",
    ),
    (
        "absolute value instead of cutting off",
        MARGINS,
        "margins = np.abs(x - x[rows, y][:, None] + 1)",
        "Classes that keep their margin with room to spare are punished for it. They should count for nothing.",
    ),
    (
        "only the worst class counts",
        "loss = margins.sum() / N",
        "loss = margins.max(axis=1).sum() / N",
        "Only the largest violation of an image is in the loss. That is a hinge loss, too (Crammer and Singer), but "
        "here all wrong classes are summed up.",
    ),
    (
        "squared hinge",
        ("loss = margins.sum() / N", SVM_ACTIVE),
        ("loss = (margins**2).sum() / N", "dx = 2 * margins"),
        "The violations are squared. That is a hinge loss, too, but here they count as they are.",
    ),
    (
        "loss averaged over the classes too",
        "loss = margins.sum() / N",
        "loss = margins.mean()",
        "The loss is K times too small: a mean over all entries also divides by the number of classes.",
    ),
    (
        "division by N forgotten in the loss",
        "loss = margins.sum() / N",
        "loss = margins.sum()",
        "The loss is N times what it should be: it is a mean over the images.",
    ),
    (
        "division by N forgotten in the gradient",
        SVM_RETURN,
        "return float(loss), dx",
        "dx is N times what it should be: the loss is a mean over the images, and its gradient follows it.",
    ),
    (
        "division by N forgotten",
        ("loss = margins.sum() / N", SVM_RETURN),
        ("loss = margins.sum()", "return float(loss), dx"),
        "Loss and gradient are N times what they should be: the loss is a mean over the images.",
    ),
    (
        "right class gets -1",
        SVM_RIGHT,
        "dx[rows, y] = -1",
        "The right class always gets -1. It is pulled at once by every class within the margin; how many are they?",
    ),
    (
        "right class gets nothing",
        SVM_RIGHT,
        "dx[rows, y] = 0",
        "The right class gets no gradient, although its score stands in every violated margin.",
    ),
    (
        "right class with the wrong sign",
        SVM_RIGHT,
        "dx[rows, y] = dx.sum(axis=1)",
        "The right class is pushed down together with the others. Does a row of dx sum to zero?",
    ),
    (
        "gradient with the wrong sign",
        SVM_RETURN,
        "return float(loss), -dx / x.dtype.type(N)",
        "dx has the wrong sign: a step against it would make the loss larger.",
    ),
    (
        "gradient weighted by the violation",
        SVM_ACTIVE,
        "dx = margins.copy()",
        "dx grows with the size of the violation. The loss is linear there: what is its slope?",
    ),
    (
        "all classes counted as violations",
        SVM_ACTIVE,
        "dx = (margins >= 0).astype(x.dtype)\n    dx[rows, y] = 0",
        "Classes that keep their margin get a gradient, too. The loss does not notice them: after cutting off, they "
        "are 0, which is not above 0.",
    ),
    (
        "labels off by one",
        "rows = np.arange(N)",
        "rows, y = np.arange(N), y - 1",
        "The class before the right one is taken for the right one. Labels count from 0.",
    ),
    (
        "right scores of all images in every row",
        MARGINS,
        "margins = np.maximum(0, x - x[rows, y] + 1)",
        "The N scores of the right classes are laid along the classes instead of along the images: it only fits where "
        "N = K or N = 1. One axis is missing.",
    ),
    (
        "gradient in whole numbers",
        (SVM_ACTIVE, SVM_RETURN),
        ("dx = (margins > 0).astype(int)", "return float(loss), dx // N"),
        "dx holds whole numbers, and a division of those loses what is behind the point.",
    ),
    ("gradient in float32", SVM_RETURN, "return float(loss), (dx / N).astype(np.float32)", FLOAT32),
    (
        "gradient not returned",
        SVM_RETURN,
        "return float(loss)",
        "svm_loss returns the loss alone; the gradient is asked for, too.",
    ),
)

FORWARD_PAD = "padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))\n    out"
BACKWARD_PAD = "padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))\n    dpadded"
FORWARD_WINDOW = "padded[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]"
BACKWARD_WINDOW = "slice(i * stride, i * stride + HH), slice(j * stride, j * stride + WW)"
CROP = "dpadded[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]].copy()"
DPADDED = "dpadded[n, :, rows, columns] += w[f] * dout[n, f, i, j]"
CONV_DW = "dw[f] += padded[n, :, rows, columns] * dout[n, f, i, j]"
CONV_DB = "None if b is None else dout.sum(axis=(0, 2, 3))"
CONV_BIAS = "out[n, f] += b[f]"
PRODUCT = "out[n, f, i, j] = np.sum(window * w[f])"
FLIPPED = "A filter is laid on the image as it is, not turned by 180 degrees"
_of(
    "conv",
    (
        "stride forgotten in forward",
        FORWARD_WINDOW,
        "padded[n, :, i : i + HH, j : j + WW]",
        "out is right with stride 1 only: its neighbours look at windows that are one pixel apart.",
    ),
    (
        "stride forgotten in backward",
        BACKWARD_WINDOW,
        "slice(i, i + HH), slice(j, j + WW)",
        "The windows of backward are one pixel apart, whatever the stride. Which window did out[n, f, i, j] see "
        "with stride 2?",
    ),
    (
        "padding cut off by pad:-pad",
        CROP,
        "dpadded[:, :, pad:-pad, pad:-pad].copy()",
        "Without padding dx is empty. What does a slice from 0 to -0 hold?",
    ),
    (
        "padding not cut off",
        CROP,
        "dpadded",
        "dx has the shape of the padded image. The padding is not part of x.",
    ),
    (
        "cut off at one side only",
        CROP,
        "dpadded[:, :, : x.shape[2], : x.shape[3]].copy()",
        "dx has the right shape, but it is shifted: it begins with the gradient of the padding. Where in the padded "
        "image does x begin?",
    ),
    (
        "height for width in cutting off",
        CROP,
        "dpadded[:, :, pad : pad + x.shape[2], pad : pad + x.shape[2]].copy()",
        "dx comes out square. Where does the width of x enter?",
    ),
    (
        "height for width in forward's window",
        FORWARD_WINDOW,
        "padded[n, :, i * stride : i * stride + HH, j * stride : j * stride + HH]",
        "It works with square filters only: the window is as wide as the filter is high.",
    ),
    (
        "height for width in forward's loop",
        "for j in range(WO):\n                    window",
        "for j in range(min(HO, WO)):\n                    window",
        "It works with square images only: in wider ones the columns at the right of out are never computed. How many "
        "columns does out have?",
    ),
    (
        "height for width in backward's loop",
        "for j in range(WO):\n                    rows",
        "for j in range(min(HO, WO)):\n                    rows",
        "In images that are wider than high backward never visits the windows at the right.",
    ),
    (
        "rows and columns exchanged",
        FORWARD_WINDOW,
        "padded[n, :, j * stride : j * stride + HH, i * stride : i * stride + WW]",
        "out has its rows and columns exchanged. Which of i and j walks down the image, and which along it?",
    ),
    (
        "dout read with rows and columns exchanged",
        (DPADDED, CONV_DW),
        (
            "dpadded[n, :, rows, columns] += w[f] * dout[n, f, j, i]",
            "dw[f] += padded[n, :, rows, columns] * dout[n, f, j, i]",
        ),
        "Backward reads dout with its rows and columns exchanged.",
    ),
    (
        "bias added once per channel",
        CONV_BIAS,
        "out[n, f] += x.shape[1] * b[f]",
        "With several channels the bias is in out several times. The products are summed over the channels, and the "
        "bias belongs to the filter.",
    ),
    (
        "bias added once per product",
        CONV_BIAS,
        "out[n, f] += w[f].size * b[f]",
        "The bias is in out once for every weight of the filter: is it inside the sum?",
    ),
    (
        "bias forgotten",
        CONV_BIAS,
        "out[n, f] += 0",
        "out is off by one number per filter. What does a filter have besides its weights?",
    ),
    (
        "bias None not allowed for",
        "if b is not None:\n                out[n, f]",
        "if True:\n                out[n, f]",
        "b may be None: then there is no bias to add, and none to return a gradient of.",
    ),
    (
        "filter flipped in forward",
        PRODUCT,
        "out[n, f, i, j] = np.sum(window * w[f, :, ::-1, ::-1])",
        FLIPPED + ". Mathematicians call only the turned one a convolution; networks do without.",
    ),
    (
        "filter flipped in both passes",
        (PRODUCT, DPADDED, CONV_DW),
        (
            "out[n, f, i, j] = np.sum(window * w[f, :, ::-1, ::-1])",
            "dpadded[n, :, rows, columns] += w[f, :, ::-1, ::-1] * dout[n, f, i, j]",
            "dw[f] += padded[n, :, rows, columns][:, ::-1, ::-1] * dout[n, f, i, j]",
        ),
        FLIPPED + ". Mathematicians call only the turned one a convolution; networks do without.",
    ),
    (
        "filter flipped in dx",
        DPADDED,
        "dpadded[n, :, rows, columns] += w[f, :, ::-1, ::-1] * dout[n, f, i, j]",
        "dx is made with the filter turned by 180 degrees. That belongs to the formula that slides the filter over "
        "dout; where each window gets its share back, the weights go where they came from.",
    ),
    (
        "dx holds the last window only",
        DPADDED,
        "dpadded[n, :, rows, columns] = w[f] * dout[n, f, i, j]",
        "In dx each pixel knows only of the last window that covered it. What becomes of the earlier ones' shares?",
    ),
    (
        "dw holds the last window only",
        CONV_DW,
        "dw[f] = padded[n, :, rows, columns] * dout[n, f, i, j]",
        "dw knows only of the last window of the last image. What becomes of the earlier ones' shares?",
    ),
    (
        "dw of the last image only",
        "for f in range(F):\n            for i in range(HO):\n                for j in range(WO):\n"
        "                    rows",
        "for f in range(F):\n            dw[f] = 0\n            for i in range(HO):\n"
        "                for j in range(WO):\n                    rows",
        "Of several images only the last one counts in dw. When does dw start from zero?",
    ),
    (
        "dw divided by the batch",
        "return dx, dw, db",
        "return dx, dw / N, db",
        "dw is N times too small. The mean over the images belongs to the loss, and dout has it already.",
    ),
    (
        "dx from the first filter only",
        DPADDED,
        "dpadded[n, :, rows, columns] += w[0] * dout[n, f, i, j]",
        "With several filters dx takes the weights of the first one for all of them.",
    ),
    (
        "db keeps the summed axes",
        CONV_DB,
        "None if b is None else dout.sum(axis=(0, 2, 3), keepdims=True)",
        "The numbers of db are right, but the axes that were summed over are still there, with length 1. b has the "
        "shape (F,).",
    ),
    (
        "db is a row (1, F)",
        CONV_DB,
        "None if b is None else dout.sum(axis=(0, 2, 3))[None]",
        "db has the shape (1, F), b has (F,). Sums hide it by broadcasting, until `b -= learning_rate * db` stops"
        " with an error.",
    ),
    (
        "db over the batch only",
        CONV_DB,
        "None if b is None else dout.sum(axis=0)",
        "db still has rows and columns: over which axes of dout (N, F, HO, WO) was the same bias added?",
    ),
    (
        "db over the positions only",
        CONV_DB,
        "None if b is None else dout.sum(axis=(2, 3))",
        "db still has one row per image: over which axes of dout (N, F, HO, WO) was the same bias added?",
    ),
    (
        "db is a mean",
        CONV_DB,
        "None if b is None else dout.mean(axis=(0, 2, 3))",
        "db is a mean over images and positions. All of them use the same bias: what becomes of their gradients?",
    ),
    (
        "db is one number",
        CONV_DB,
        "None if b is None else dout.sum()",
        "db is a single number, but there are F biases, each with a gradient of its own.",
    ),
    ("gradients in the order dw, dx, db", "return dx, dw, db", "return dw, dx, db", ORDER),
    (
        "padded with the border's pixels",
        (FORWARD_PAD, BACKWARD_PAD),
        (
            'padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="edge")\n    out',
            'padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="edge")\n    dpadded',
        ),
        "The padding repeats the image's border. Which numbers should stand there?",
    ),
    (
        "padded at the top and left only",
        FORWARD_PAD,
        "padded = np.pad(x, ((0, 0), (0, 0), (2 * pad, 0), (2 * pad, 0)))\n    out",
        "All of the padding is above and left of the image, none below and right of it.",
    ),
    (
        "padded on all four axes",
        FORWARD_PAD,
        "padded = np.pad(x, pad)\n    out",
        "The padding went around the batch and the channels, too: there are new images and new channels of zeros. "
        "Which axes of x are rows and columns?",
    ),
    (
        "no padding in forward",
        FORWARD_PAD,
        "padded = x\n    out",
        "out is computed without the padding: its windows run over the border of x.",
    ),
    (
        "dw without the padding",
        BACKWARD_PAD,
        "padded = np.pad(x, ((0, 0), (0, 0), (0, 2 * pad), (0, 2 * pad)))\n    dpadded",
        "dw looks at other windows than those of the padded image: shifted by the padding.",
    ),
    (
        "padded image in the cache",
        "return out, (x, w, b, conv_param)",
        "return out, (padded, w, b, conv_param)",
        "The cache holds the padded image in the place of x: what backward takes for x is larger than x.",
    ),
    (
        "first channel only",
        FORWARD_WINDOW,
        FORWARD_WINDOW.replace("n, :,", "n, :1,"),
        "With several channels out sees the first one only, again and again. Each channel has weights of its own.",
    ),
    (
        "first image only",
        FORWARD_WINDOW,
        FORWARD_WINDOW.replace("n, :,", "0, :,"),
        "All images give the out of the first one.",
    ),
    (
        "mean instead of sum",
        PRODUCT,
        "out[n, f, i, j] = np.mean(window * w[f])",
        "The products are averaged over the window. They should be summed.",
    ),
    (
        "out in whole numbers",
        "np.zeros((N, F, HO, WO), dtype=np.result_type(x, w))",
        "np.zeros((N, F, HO, WO), dtype=int)",
        "out holds whole numbers: what is written into such an array loses all that is behind the point.",
    ),
    (
        "out in float32",
        "np.zeros((N, F, HO, WO), dtype=np.result_type(x, w))",
        "np.zeros((N, F, HO, WO), dtype=np.float32)",
        FLOAT32,
    ),
    (
        "no return",
        "    return dx, dw, db\n",
        "",
        "conv_backward_naive computes, and keeps the result to itself: it returns None.",
    ),
)

POOL_WINDOW = "window = x[n, c, i * stride : i * stride + height, j * stride : j * stride + width]\n"
POOL_FORWARD = POOL_WINDOW + "                    out"
POOL_BACKWARD = POOL_WINDOW + "                    di"
PADDED_WINDOW = (
    POOL_WINDOW
    + f"""{20 * " "}missing = height - window.shape[0], width - window.shape[1]
{20 * " "}window = np.pad(window, ((0, missing[0]), (0, missing[1])))
"""
)
MAXIMUM = "out[n, c, i, j] = window.max()"
PLACE = "di, dj = np.unravel_index(window.argmax(), window.shape)"
GIVE = "dx[n, c, i * stride + di, j * stride + dj] += dout[n, c, i, j]"
DWINDOW = "dx[n, c, i * stride : i * stride + height, j * stride : j * stride + width]"
_of(
    "max_pool",
    (
        "overlapping windows overwrite each other",
        GIVE,
        GIVE.replace("+=", "="),
        "Where windows overlap, a pixel that is the largest of several gets the gradient of the last one only.",
    ),
    (
        "a window overwrites the gradient of its neighbours",
        GIVE,
        f"{DWINDOW} = 0\n                    {GIVE}",
        "Each window writes its gradient, zeros included, over what is there already. Where windows overlap, something "
        "is there.",
    ),
    (
        "a window overwrites the gradient of its neighbours, and ties get all of it",
        GIVE,
        f"{DWINDOW} = dout[n, c, i, j] * (window == window.max())",
        "Each window writes its gradient, zeros included, over what is there already. Where windows overlap, something "
        "is there. (Of several equally large pixels, only the first should get the gradient.)",
    ),
    (
        "every tied maximum gets the whole gradient",
        GIVE,
        f"{DWINDOW} += dout[n, c, i, j] * (window == window.max())",
        "Where several pixels are equally large, each gets the whole gradient, and more flows back than came in. Only "
        "the first of them should.",
    ),
    (
        "tied maxima share the gradient",
        GIVE,
        f"{DWINDOW} += dout[n, c, i, j] * (window == window.max()) / (window == window.max()).sum()",
        "Where several pixels are equally large they share the gradient. A reasonable choice, but the docstring makes "
        "another: the first one gets it all.",
    ),
    (
        "last tied maximum",
        PLACE,
        "di, dj = np.argwhere(window == window.max())[-1]",
        "Where several pixels are equally large, the last of them gets the gradient. It should be the first.",
    ),
    (
        "first tied maximum by columns",
        PLACE,
        "dj, di = np.unravel_index(window.T.argmax(), window.T.shape)",
        "Where several pixels are equally large, you find the first one column by column. It should be row by row.",
    ),
    (
        "every pixel gets a share",
        GIVE,
        f"{DWINDOW} += dout[n, c, i, j] / window.size",
        "The gradient is spread over the window, as if forward had averaged. Which pixels of the window did out depend "
        "on?",
    ),
    (
        "every pixel gets the whole gradient",
        GIVE,
        f"{DWINDOW} += dout[n, c, i, j]",
        "Every pixel of the window gets the gradient. Which pixels of the window did out depend on?",
    ),
    (
        "height and width exchanged",
        (POOL_FORWARD, POOL_BACKWARD),
        (
            POOL_FORWARD.replace("+ height", "+ WIDTH").replace("+ width", "+ height").replace("+ WIDTH", "+ width"),
            POOL_BACKWARD.replace("+ height", "+ WIDTH").replace("+ width", "+ height").replace("+ WIDTH", "+ width"),
        ),
        "The windows are as high as they should be wide.",
    ),
    (
        "square windows",
        (POOL_FORWARD, POOL_BACKWARD),
        (POOL_FORWARD.replace("+ width", "+ height"), POOL_BACKWARD.replace("+ width", "+ height")),
        "The windows are as wide as they are high. pool_param has a width of its own.",
    ),
    (
        "height for width in the loop",
        "for j in range(WO):\n                    " + POOL_FORWARD,
        "for j in range(min(HO, WO)):\n                    " + POOL_FORWARD,
        "In images that are wider than high the columns at the right of out are never computed.",
    ),
    (
        "running maximum starts at 0",
        MAXIMUM,
        "out[n, c, i, j] = max(0, window.max())",
        "Where all pixels of a window are negative out is 0. With what does your search for the largest begin?",
    ),
    (
        "padded with zeros",
        POOL_FORWARD,
        PADDED_WINDOW + "                    out",
        "Windows that hang over the border see zeros there, which win where all pixels of the image are negative. What "
        "lies outside the image should not count at all.",
    ),
    (
        "padded with zeros in both passes",
        (POOL_FORWARD, POOL_BACKWARD, GIVE),
        (
            PADDED_WINDOW + "                    out",
            PADDED_WINDOW + "                    di",
            f"if i * stride + di < x.shape[2] and j * stride + dj < x.shape[3]:\n{24 * ' '}{GIVE}",
        ),
        "Windows that hang over the border see zeros there, which win where all pixels of the image are negative, and "
        "take the gradient with them. What lies outside the image should not count at all.",
    ),
    (
        "padded with zeros in backward",
        (POOL_BACKWARD, GIVE),
        (
            PADDED_WINDOW + "                    di",
            f"if i * stride + di < x.shape[2] and j * stride + dj < x.shape[3]:\n{24 * ' '}{GIVE}",
        ),
        "In backward, windows that hang over the border see zeros there, which take the gradient where all pixels "
        "of the image are negative. What lies outside the image should not count at all.",
    ),
    (
        "largest absolute value",
        (MAXIMUM, PLACE),
        (
            "out[n, c, i, j] = window.flat[np.abs(window).argmax()]",
            "di, dj = np.unravel_index(np.abs(window).argmax(), window.shape)",
        ),
        "Negative pixels win by their absolute value. The largest of -3 and -1 is -1.",
    ),
    (
        "smallest instead of largest",
        (MAXIMUM, PLACE),
        ("out[n, c, i, j] = window.min()", "di, dj = np.unravel_index(window.argmin(), window.shape)"),
        "out holds the smallest of each window.",
    ),
    (
        "average instead of maximum",
        MAXIMUM,
        "out[n, c, i, j] = window.mean()",
        "out holds the mean of each window.",
    ),
    (
        "stride forgotten in forward",
        POOL_FORWARD,
        POOL_FORWARD.replace("i * stride", "i").replace("j * stride", "j"),
        "out is right with stride 1 only: its neighbours look at windows that are one pixel apart.",
    ),
    (
        "stride forgotten in backward",
        (POOL_BACKWARD, GIVE),
        (
            POOL_BACKWARD.replace("i * stride", "i").replace("j * stride", "j"),
            "dx[n, c, i + di, j + dj] += dout[n, c, i, j]",
        ),
        "Backward takes windows that are one pixel apart.",
    ),
    (
        "windows side by side, whatever the stride",
        (POOL_FORWARD, POOL_BACKWARD, GIVE),
        (
            POOL_FORWARD.replace("i * stride", "i * height").replace("j * stride", "j * width"),
            POOL_BACKWARD.replace("i * stride", "i * height").replace("j * stride", "j * width"),
            "dx[n, c, i * height + di, j * width + dj] += dout[n, c, i, j]",
        ),
        "The windows lie side by side, as if the stride were their size. Windows may also overlap, or leave gaps.",
    ),
    (
        "place within the window taken for that in the image",
        GIVE,
        "dx[n, c, di, dj] += dout[n, c, i, j]",
        "All of the gradient ends up in the first window: a row and a column of the window are not yet those of the "
        "image.",
    ),
    (
        "row and column of the maximum exchanged",
        PLACE,
        "dj, di = np.unravel_index(window.argmax(), window.shape)",
        "Row and column of the maximum are exchanged: the gradient goes to a neighbour of the pixel that was largest.",
    ),
    (
        "gradient multiplied by the maximum",
        GIVE,
        "dx[n, c, i * stride + di, j * stride + dj] += window.max() * dout[n, c, i, j]",
        "The gradient comes out multiplied by the pixel it goes to. If that pixel grows by a little, by how much does "
        "out?",
    ),
    (
        "dout forgotten",
        GIVE,
        "dx[n, c, i * stride + di, j * stride + dj] += 1",
        "dx only counts of how many windows a pixel is the largest. The chain rule has a second factor.",
    ),
    (
        "maximum over the channels too",
        MAXIMUM,
        MAXIMUM.replace(
            "window",
            "x[n, :, i * stride : i * stride + height, j * stride : j * stride + width]",
        ),
        "All channels of out are the same: the maximum is taken over the channels as well.",
    ),
    (
        "first image only",
        POOL_FORWARD,
        POOL_FORWARD.replace("x[n, c", "x[0, c"),
        "All images give the out of the first one.",
    ),
    (
        "gradients written into x",
        "dx = np.zeros(x.shape, dtype=dout.dtype)",
        "dx = x",
        "dx is another name for x, not a new array: the gradients are added to the image itself.",
    ),
    (
        "dx in whole numbers",
        "dx = np.zeros(x.shape, dtype=dout.dtype)",
        "dx = np.zeros(x.shape, dtype=int)",
        "dx is an array of whole numbers; gradients do not fit into it.",
    ),
    (
        "dx in float32",
        "dx = np.zeros(x.shape, dtype=dout.dtype)",
        "dx = np.zeros(x.shape, dtype=np.float32)",
        FLOAT32,
    ),
    (
        "no return",
        "    return out, (x, pool_param)\n",
        "",
        "max_pool_forward_naive computes, and keeps the result to itself: it returns None.",
    ),
)

TEST_FORWARD = """        inv_std = 1 / np.sqrt(bn_param["running_var"] + eps)
        xhat = ((x - bn_param["running_mean"]) * inv_std).astype(x.dtype)
"""
RUNNING = "bn_param[name] = (momentum * running + (1 - momentum) * batch).astype(batch.dtype)"
STATISTICS = "mean, var = x.mean(axis=0), x.var(axis=0)"
TRAIN_STD = "inv_std = 1 / np.sqrt(var + eps)"
BN_DX = "dx = gamma * inv_std * (dout - dbeta / N - xhat * (dgamma / N))"
BN_RETURN = "return out, (mode, xhat, gamma, inv_std.astype(x.dtype))"
DGAMMA = "dgamma = (dout * xhat).sum(axis=0)"
BN_GRADIENTS = ("return dout * (gamma * inv_std), dgamma, dbeta", "return dx, dgamma, dbeta")
TEST_BACKWARD = """    if mode == "test":
        return dout * (gamma * inv_std), dgamma, dbeta
"""
_of(
    "batchnorm",
    (
        "path through the mean forgotten",
        BN_DX,
        "dx = gamma * inv_std * (dout - xhat * (dgamma / N))",
        "dx misses a term: the mean of the batch depends on x, too, and every row depends on the mean.",
    ),
    (
        "path through the variance forgotten",
        BN_DX,
        "dx = gamma * inv_std * (dout - dbeta / N)",
        "dx misses a term: x also moves the variance of the batch.",
    ),
    (
        "paths through mean and variance forgotten",
        BN_DX,
        "dx = gamma * inv_std * dout",
        "In training mode dx treats mean and variance as if they were constants. They depend on x.",
    ),
    (
        "sums for means in dx",
        BN_DX,
        "dx = gamma * inv_std * (dout - dbeta - xhat * dgamma)",
        "dx takes away too much: what goes through mean and variance is shared by the N rows of the batch.",
    ),
    (
        "gamma missing in dx",
        BN_DX,
        "dx = inv_std * (dout - dbeta / N - xhat * (dgamma / N))",
        "In training mode dx does not depend on gamma. Where does the gradient meet gamma first on its way back?",
    ),
    (
        "standard deviation missing in dx",
        BN_DX,
        "dx = gamma * (dout - dbeta / N - xhat * (dgamma / N))",
        "In training mode dx is off by one factor per feature: what was x divided by?",
    ),
    (
        "training formula in test mode",
        TEST_BACKWARD,
        "",
        "In test mode mean and variance are constants: which terms of dx are left?",
    ),
    (
        "standard deviation missing in test mode's dx",
        TEST_BACKWARD,
        TEST_BACKWARD.replace("(gamma * inv_std)", "gamma"),
        "In test mode dx is off by one factor per feature: what was x divided by?",
    ),
    (
        "gamma missing in test mode's dx",
        TEST_BACKWARD,
        TEST_BACKWARD.replace("(gamma * inv_std)", "inv_std"),
        "In test mode dx is off by one factor per feature: what was the normalised x multiplied by?",
    ),
    (
        "gamma missing in dx, in both modes",
        (BN_DX, TEST_BACKWARD),
        (
            "dx = inv_std * (dout - dbeta / N - xhat * (dgamma / N))",
            TEST_BACKWARD.replace("(gamma * inv_std)", "inv_std"),
        ),
        "In neither mode does dx depend on gamma. Where does the gradient meet gamma first on its way back?",
    ),
    (
        "momentum the wrong way round",
        RUNNING,
        "bn_param[name] = ((1 - momentum) * running + momentum * batch).astype(batch.dtype)",
        "The running averages are not right: which of old and new does the momentum of 0.9 belong to? Yours would "
        "jump with every batch.",
    ),
    (
        "momentum ignored: the averages are the last batch's",
        RUNNING,
        "bn_param[name] = batch",
        "The running averages are those of the last batch alone.",
    ),
    (
        "momentum always 0.9",
        RUNNING,
        "bn_param[name] = (0.9 * running + 0.1 * batch).astype(batch.dtype)",
        "The running averages are right only for a momentum of 0.9. bn_param may ask for another.",
    ),
    (
        "running averages added up",
        RUNNING,
        "bn_param[name] = (running + (1 - momentum) * batch).astype(batch.dtype)",
        "The running averages grow and grow: the old one keeps its full weight. The two weights should sum to 1.",
    ),
    (
        "running averages not stored",
        RUNNING,
        "running = (momentum * running + (1 - momentum) * batch).astype(batch.dtype)",
        "The new running averages are not in bn_param afterwards: a new value for a variable does not reach the "
        "dictionary.",
    ),
    (
        "running averages start with the first batch",
        "running = bn_param.get(name, np.zeros_like(batch))",
        "running = bn_param.get(name, batch)",
        "Where bn_param has no running averages yet, yours start with the first batch. They should start at zero.",
    ),
    (
        "running averages written into the old arrays",
        RUNNING,
        "running *= momentum\n            running += (1 - momentum) * batch\n            bn_param[name] = running",
        "The old running averages were overwritten in place; whoever kept them finds them changed.",
    ),
    (
        "running averages written in test mode",
        TEST_FORWARD,
        TEST_FORWARD
        + """        bn_param["running_mean"] = momentum * bn_param["running_mean"] + (1 - momentum) * x.mean(axis=0)
        bn_param["running_var"] = momentum * bn_param["running_var"] + (1 - momentum) * x.var(axis=0)
""",
        "In test mode the running averages change. There they are only to be used.",
    ),
    (
        "running standard deviation for the variance",
        '("running_var", var)',
        '("running_var", np.sqrt(var))',
        "running_var holds an average of standard deviations. Test mode expects variances.",
    ),
    (
        "unbiased variance in the running average",
        '("running_var", var)',
        '("running_var", x.var(axis=0, ddof=1))',
        "running_var gets the unbiased variance, divided by N - 1. (Some frameworks do that. Here both are the "
        "biased one.)",
    ),
    (
        "unbiased variance",
        STATISTICS,
        "mean, var = x.mean(axis=0), x.var(axis=0, ddof=1)",
        "The variance is divided by N - 1. Here it is the mean of the squared deviations, divided by N.",
    ),
    (
        "batch statistics at test time",
        TEST_FORWARD,
        """        inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
        xhat = (x - x.mean(axis=0)) * inv_std
""",
        "In test mode out still depends on the batch's own mean and variance, so that an image's result changes "
        "with the others in the batch. What were the running averages kept for?",
    ),
    (
        "mode ignored: always training",
        'if mode == "test":\n        inv_std',
        'mode = "train"\n    if mode == "test":\n        inv_std',
        "Test mode does all that training mode does, statistics of the batch and new running averages. What were the "
        "old ones kept for?",
    ),
    (
        "no cache in test mode",
        BN_RETURN,
        'return out, None if mode == "test" else (mode, xhat, gamma, inv_std)',
        "Test mode gives no cache, so there is no way back. Visualisations need gradients in test mode, too.",
    ),
    (
        "eps outside the square root",
        (TRAIN_STD, TEST_FORWARD),
        (
            "inv_std = 1 / (np.sqrt(var) + eps)",
            TEST_FORWARD.replace('np.sqrt(bn_param["running_var"] + eps)', '(np.sqrt(bn_param["running_var"]) + eps)'),
        ),
        "With a large eps it shows: eps is added to the standard deviation. To what should it be added?",
    ),
    (
        "eps outside the square root in test mode",
        TEST_FORWARD,
        TEST_FORWARD.replace('np.sqrt(bn_param["running_var"] + eps)', '(np.sqrt(bn_param["running_var"]) + eps)'),
        "In test mode eps is added to the standard deviation, in training mode to the variance. Which is right?",
    ),
    (
        "running averages are rows (1, D)",
        RUNNING,
        RUNNING.replace(".astype(batch.dtype)", ".astype(batch.dtype)[None]"),
        "The running averages have the shape (1, D) instead of (D,): a mean that keeps its axis makes rows, and "
        "broadcasting hides it.",
    ),
    (
        "running variance includes eps",
        '("running_var", var)',
        '("running_var", var + eps)',
        "running_var holds eps already, and in test mode it is added again: average the variance alone.",
    ),
    (
        "sign of the variance's term in dx",
        BN_DX,
        BN_DX.replace("- xhat", "+ xhat"),
        "The term of dx that comes through the variance has the wrong sign.",
    ),
    (
        "sign of the mean's term in dx",
        BN_DX,
        BN_DX.replace("- dbeta", "+ dbeta"),
        "The term of dx that comes through the mean has the wrong sign.",
    ),
    (
        "eps forgotten in backward",
        BN_RETURN,
        "return out, (mode, xhat, gamma, (1 / np.sqrt(1 / inv_std**2 - eps)).astype(x.dtype))",
        "Backward divides by a standard deviation without eps; forward had it below the root.",
    ),
    (
        "eps forgotten in all of backward",
        (BN_RETURN, BN_DX),
        (
            "return out, (mode, xhat, gamma, (1 / np.sqrt(1 / inv_std**2 - eps)).astype(x.dtype))",
            "dx = gamma * inv_std * (dout - dbeta / N - xhat / xhat.var(axis=0) * (dgamma / N))",
        ),
        "Backward divides by a standard deviation without eps; forward had it below the root.",
    ),
    (
        "cache holds x for the normalised x",
        BN_RETURN,
        "return out, (mode, x, gamma, inv_std.astype(x.dtype))",
        "The gradients are computed with x where they ask for the normalised x. What did forward put into the cache?",
    ),
    (
        "eps forgotten",
        (TRAIN_STD, TEST_FORWARD),
        ("inv_std = 1 / np.sqrt(var)", TEST_FORWARD.replace(" + eps", "")),
        "eps is missing: a feature that is the same in the whole batch would be divided by zero.",
    ),
    (
        "eps forgotten in test mode",
        TEST_FORWARD,
        TEST_FORWARD.replace(" + eps", ""),
        "In test mode something small is missing below the square root.",
    ),
    (
        "eps always 1e-5",
        (TRAIN_STD, TEST_FORWARD),
        ("inv_std = 1 / np.sqrt(var + 1e-5)", TEST_FORWARD.replace(" + eps", " + 1e-5")),
        "eps is always the usual one. bn_param may ask for another.",
    ),
    (
        "divided by the variance",
        (TRAIN_STD, TEST_FORWARD),
        (
            "inv_std = 1 / (var + eps)",
            TEST_FORWARD.replace('np.sqrt(bn_param["running_var"] + eps)', '(bn_param["running_var"] + eps)'),
        ),
        "x is divided by its variance, which is in units of x squared. What has the units of x?",
    ),
    (
        "mean not subtracted",
        "xhat = (x - mean) * inv_std",
        "xhat = x * inv_std",
        "In training mode the features come out scaled, but not centred.",
    ),
    (
        "statistics of each row",
        STATISTICS,
        "mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)",
        "Mean and variance are taken over the features of each image. (That is layer normalisation.) Over which axis "
        "is the batch?",
    ),
    (
        "one mean and variance for all features",
        STATISTICS,
        "mean, var = np.full(x.shape[1], x.mean()), np.full(x.shape[1], x.var())",
        "All features share one mean and one variance. Each should have its own.",
    ),
    (
        "gamma and beta exchanged",
        "out = gamma * xhat + beta",
        "out = beta * xhat + gamma",
        "gamma and beta have changed places in out: which of them scales, which shifts?",
    ),
    (
        "beta forgotten",
        "out = gamma * xhat + beta",
        "out = gamma * xhat",
        "out is right as long as beta is 0.",
    ),
    (
        "gamma forgotten",
        "out = gamma * xhat + beta",
        "out = xhat + beta",
        "out is right as long as gamma is 1.",
    ),
    (
        "dgamma without the normalised x",
        BN_GRADIENTS,
        (
            "return dout * (gamma * inv_std), dbeta, dbeta",
            "return dx, dbeta, dbeta",
        ),
        "dgamma is the same as dbeta. gamma was multiplied by something before it reached out.",
    ),
    (
        "dgamma with x before it was normalised",
        (BN_RETURN, "mode, xhat, gamma, inv_std = cache", *BN_GRADIENTS),
        (
            "return out, (mode, xhat, gamma, inv_std, x)",
            "mode, xhat, gamma, inv_std, x = cache",
            "return dout * (gamma * inv_std), (dout * x).sum(axis=0), dbeta",
            "return dx, (dout * x).sum(axis=0), dbeta",
        ),
        "dgamma is summed with x as it came. By what was gamma multiplied?",
    ),
    (
        "dgamma multiplied by the output",
        (BN_RETURN, "mode, xhat, gamma, inv_std = cache", *BN_GRADIENTS),
        (
            "return out, (mode, xhat, gamma, inv_std, out)",
            "mode, xhat, gamma, inv_std, out = cache",
            "return dout * (gamma * inv_std), (dout * out).sum(axis=0), dbeta",
            "return dx, (dout * out).sum(axis=0), dbeta",
        ),
        "dgamma is summed with out, which has gamma and beta in it already. By what was gamma multiplied?",
    ),
    (
        "dgamma and dbeta are means",
        BN_GRADIENTS,
        (
            "return dout * (gamma * inv_std), dgamma / len(dout), dbeta / len(dout)",
            "return dx, dgamma / len(dout), dbeta / len(dout)",
        ),
        "dgamma and dbeta are N times too small: what do gradients do that meet in one parameter?",
    ),
    (
        "dgamma and dbeta are rows (1, D)",
        BN_GRADIENTS,
        (
            "return dout * (gamma * inv_std), dgamma[None], dbeta[None]",
            "return dx, dgamma[None], dbeta[None]",
        ),
        "dgamma and dbeta have the shape (1, D), gamma and beta have (D,): what is left when you sum over the batch "
        "and keep that axis?",
    ),
    (
        "gradients in the order dx, dbeta, dgamma",
        BN_GRADIENTS,
        (
            "return dout * (gamma * inv_std), dbeta, dgamma",
            "return dx, dbeta, dgamma",
        ),
        ORDER,
    ),
    (
        "cache changed in backward",
        BN_DX,
        "xhat *= dgamma / N\n    dx = gamma * inv_std * (dout - dbeta / N - xhat)",
        "A second backward with the same cache gives something else than the first: something in the cache was "
        "changed in place.",
    ),
    (
        "dout changed in place",
        BN_DX,
        "dout -= dbeta / N + xhat * (dgamma / N)\n    dx = gamma * inv_std * dout",
        "dout itself has been overwritten. Where the network branches, another layer still needs it.",
    ),
    (
        "x centred in place",
        "xhat = (x - mean) * inv_std",
        "x -= mean\n        xhat = x * inv_std",
        "x itself has been overwritten, and whoever handed it in finds it changed.",
    ),
    ("out in float32", "out = gamma * xhat + beta", "out = (gamma * xhat + beta).astype(np.float32)", FLOAT32),
    (
        "cache not returned",
        BN_RETURN,
        "return out",
        "batchnorm_forward returns out alone, without a cache for backward.",
    ),
)

SPATIAL_ROWS = "rows = x.transpose(0, 2, 3, 1).reshape(N * H * W, C)"
SPATIAL_OUT = "return out.reshape(N, H, W, C).transpose(0, 3, 1, 2), (x.shape, cache)"
SPATIAL_DROWS = "rows = dout.transpose(0, 2, 3, 1).reshape(N * H * W, C)"
SPATIAL_DX = "return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta"
SPATIAL_CALL = "out, cache = batchnorm_forward(rows, gamma, beta, bn_param)"
NO_EXCHANGE = (
    "the channels are mixed. A reshape keeps the numbers in their order in memory, and cannot move the channel "
    "axis to the end. What can?"
)
_of(
    "spatial_batchnorm",
    (
        "reshape without transpose",
        (SPATIAL_ROWS, SPATIAL_OUT, SPATIAL_DROWS, SPATIAL_DX),
        (
            "rows = x.reshape(N * H * W, C)",
            "return out.reshape(N, C, H, W), (x.shape, cache)",
            "rows = dout.reshape(N * H * W, C)",
            "return dx.reshape(N, C, H, W), dgamma, dbeta",
        ),
        "The shapes fit, but " + NO_EXCHANGE,
    ),
    (
        "reshape without transpose on the way in",
        SPATIAL_ROWS,
        "rows = x.reshape(N * H * W, C)",
        "On the way into batchnorm_forward " + NO_EXCHANGE,
    ),
    (
        "reshape without transpose on the way out",
        SPATIAL_OUT,
        "return out.reshape(N, C, H, W), (x.shape, cache)",
        "On the way back to (N, C, H, W) " + NO_EXCHANGE,
    ),
    (
        "dout reshaped without transpose",
        SPATIAL_DROWS,
        "rows = dout.reshape(N * H * W, C)",
        "On the way into batchnorm_backward " + NO_EXCHANGE,
    ),
    (
        "dx reshaped without transpose",
        SPATIAL_DX,
        "return dx.reshape(N, C, H, W), dgamma, dbeta",
        "On the way of dx back to (N, C, H, W) " + NO_EXCHANGE,
    ),
    (
        "batch mixed into the channels",
        SPATIAL_ROWS,
        "rows = x.reshape(C, N * H * W).T",
        "With several images the first axis of x is not that of the channels, and a reshape to (C, ...) counts "
        "images as channels.",
    ),
    (
        "rows and columns exchanged on the way out",
        SPATIAL_OUT,
        "return out.reshape(N, W, H, C).transpose(0, 3, 2, 1), (x.shape, cache)",
        "In forward, after the normalisation: out has the right shape, and its rows and columns are exchanged. "
        "Undo the reshape and the transposition of the way in, axis by axis.",
    ),
    (
        "rows and columns exchanged in dx",
        SPATIAL_DX,
        "return dx.reshape(N, W, H, C).transpose(0, 3, 2, 1), dgamma, dbeta",
        "dx has the right shape, and its rows and columns are exchanged. Undo the reshape and the transposition "
        "of dout, axis by axis.",
    ),
    (
        "channels left at the end",
        SPATIAL_OUT,
        "return out.reshape(N, H, W, C), (x.shape, cache)",
        "out is (N, H, W, C). The channels went to the end for batchnorm_forward; they have to come back.",
    ),
    (
        "channels of dx left at the end",
        SPATIAL_DX,
        "return dx.reshape(N, H, W, C), dgamma, dbeta",
        "dx is (N, H, W, C). The channels went to the end for batchnorm_backward; they have to come back.",
    ),
    (
        "out left flat",
        SPATIAL_OUT,
        "return out, (x.shape, cache)",
        "out is still the table that went through batchnorm_forward. It has to look like x again.",
    ),
    (
        "dx left flat",
        SPATIAL_DX,
        "return dx, dgamma, dbeta",
        "dx is still the table that came from batchnorm_backward. It has to look like x again.",
    ),
    (
        "statistics of every image alone",
        (SPATIAL_CALL, "dx, dgamma, dbeta = batchnorm_backward(rows, rows_cache)"),
        (
            """parts = [batchnorm_forward(part, gamma, beta, bn_param) for part in np.split(rows, N)]
    out, cache = np.concatenate([part[0] for part in parts]), [part[1] for part in parts]""",
            """parts = [batchnorm_backward(part, cache) for part, cache in zip(np.split(rows, N), rows_cache)]
    dx = np.concatenate([part[0] for part in parts])
    dgamma, dbeta = (sum(part[k] for part in parts) for k in (1, 2))""",
        ),
        "Each image is normalised with its own mean and variance. (That is instance normalisation.) A batch has one "
        "per channel, over all images.",
    ),
    (
        "statistics of every position alone",
        (SPATIAL_CALL, SPATIAL_OUT, "dx, dgamma, dbeta = batchnorm_backward(rows, rows_cache)", SPATIAL_DX),
        (
            """every = {k: np.repeat(v, H * W) if isinstance(v, np.ndarray) else v for k, v in bn_param.items()}
    spread = np.repeat(gamma, H * W), np.repeat(beta, H * W)
    out, cache = batchnorm_forward(x.reshape(N, C * H * W), *spread, every)
    for name in ("running_mean", "running_var"):
        bn_param[name] = every[name].reshape(C, H * W).mean(axis=1)""",
            "return out.reshape(N, C, H, W), (x.shape, cache)",
            """dx, dgamma, dbeta = batchnorm_backward(dout.reshape(N, C * H * W), rows_cache)
    dgamma, dbeta = (g.reshape(C, H * W).sum(axis=1) for g in (dgamma, dbeta))""",
            "return dx.reshape(N, C, H, W), dgamma, dbeta",
        ),
        "Every position of a channel is normalised with its own mean and variance, taken over the images only. How "
        "many means does a channel have, and which numbers does each of them summarise?",
    ),
    (
        "running averages lost",
        SPATIAL_CALL,
        "out, cache = batchnorm_forward(rows, gamma, beta, dict(bn_param))",
        "The new running averages are not in bn_param afterwards: they were written into a copy.",
    ),
    (
        "test mode treated as training",
        SPATIAL_CALL,
        'bn_param["mode"] = "train"\n    out, cache = batchnorm_forward(rows, gamma, beta, bn_param)',
        "Test mode uses the statistics of the batch all the same. Where does the mode get lost?",
    ),
    (
        "gamma and beta exchanged",
        SPATIAL_CALL,
        "out, cache = batchnorm_forward(rows, beta, gamma, bn_param)",
        "gamma and beta have changed places on their way to batchnorm_forward.",
    ),
    (
        "dgamma and dbeta are means over the positions",
        SPATIAL_DX,
        SPATIAL_DX.replace("dgamma, dbeta", "dgamma / (H * W), dbeta / (H * W)"),
        "dgamma and dbeta are H * W times too small: every position of a channel shares one gamma and one beta. What "
        "do gradients do that meet?",
    ),
    (
        "dgamma and dbeta keep four axes",
        SPATIAL_DX,
        SPATIAL_DX.replace("dgamma, dbeta", "dgamma.reshape(1, C, 1, 1), dbeta.reshape(1, C, 1, 1)"),
        "dgamma and dbeta have axes of length 1; gamma and beta have the shape (C,).",
    ),
    (
        "gradients in the order dx, dbeta, dgamma",
        SPATIAL_DX,
        SPATIAL_DX.replace("dgamma, dbeta", "dbeta, dgamma"),
        ORDER,
    ),
    (
        "cache not returned",
        SPATIAL_OUT,
        SPATIAL_OUT.replace(", (x.shape, cache)", ""),
        "spatial_batchnorm_forward returns out alone, without a cache for backward.",
    ),
)

DRAW = "scaled_mask = ((rng.random(x.shape) < p) / p).astype(x.dtype)"
KEEP = "return x * scaled_mask, scaled_mask"
TEST_DROPOUT = "return x.copy(), None"
NO_MASK = """    if cache is None:
        return dout.copy()
    same_shape("dropout_backward", "dout", dout, cache.shape)
"""
_of(
    "dropout",
    (
        "no scaling by the keep probability",
        DRAW,
        "scaled_mask = (rng.random(x.shape) < p).astype(x.dtype)",
        "In training nothing makes up for what is dropped: what is kept has to grow, so that the mean stays that of x.",
    ),
    (
        "no scaling in training, but in test mode",
        (DRAW, TEST_DROPOUT),
        ("scaled_mask = (rng.random(x.shape) < p).astype(x.dtype)", "return x * p, None"),
        "You scale by p in test mode. That is dropout as it was first published; inverted dropout scales in training, "
        "so that test mode is free of it.",
    ),
    (
        "scaled in test mode, too",
        TEST_DROPOUT,
        "return x * p, None",
        "In test mode x is scaled once more; what was the scaling in training for?",
    ),
    (
        "scaled twice",
        KEEP,
        "return x * scaled_mask / p, scaled_mask",
        "What is kept is divided by p twice.",
    ),
    (
        "multiplied by p",
        DRAW,
        "scaled_mask = ((rng.random(x.shape) < p) * p).astype(x.dtype)",
        "What is kept is multiplied by p, which makes out even smaller. It should make up for what was dropped.",
    ),
    (
        "scaled by the probability of dropping",
        DRAW,
        "scaled_mask = ((rng.random(x.shape) < p) / (1 - p)).astype(x.dtype)",
        "The scale is 1 / (1 - p). Which of the two probabilities is p?",
    ),
    (
        "p is the probability of dropping",
        DRAW,
        "scaled_mask = ((rng.random(x.shape) < 1 - p) / (1 - p)).astype(x.dtype)",
        "p is taken for the probability of dropping an entry. In the docstring it is that of keeping one.",
    ),
    (
        "normal instead of uniform numbers",
        DRAW,
        DRAW.replace("rng.random(x.shape)", "rng.standard_normal(x.shape)"),
        "The numbers come from a normal distribution; which part of those lies below p? For uniform ones it is p.",
    ),
    (
        "one mask for the whole batch",
        DRAW,
        "scaled_mask = ((rng.random(x.shape[1:]) < p) / p).astype(x.dtype) * np.ones_like(x)",
        "All images lose the same entries: one mask is drawn for an image, and used for all. Each entry of x "
        "needs a number of its own.",
    ),
    (
        "seed ignored",
        'np.random.default_rng(dropout_param.get("seed", 0))',
        "np.random.default_rng(0)",
        "The mask is always that of seed 0, whatever dropout_param says.",
    ),
    (
        "numbers from the global generator",
        DRAW,
        DRAW.replace("rng.random(x.shape)", "np.random.random(x.shape)"),
        "The seed in dropout_param is not used: nobody can draw the same mask again.",
    ),
    (
        "mask drawn again in backward",
        (KEEP, "return dout * cache"),
        (
            "cache = ((rng.random(x.shape) < p) / p).astype(x.dtype)\n    return x * scaled_mask, cache",
            "return dout * (1.0 * cache)",
        ),
        "Backward has another mask than forward: it was drawn a second time. The gradient belongs to what was kept in "
        "forward.",
    ),
    (
        "another mask at every backward",
        (KEEP, NO_MASK, "return dout * cache"),
        (
            "return x * scaled_mask, (rng, p)",
            "    if cache is None:\n        return dout.copy()\n    rng, p = cache\n",
            "return dout * (rng.random(dout.shape) < p) / p",
        ),
        "Backward draws a mask of its own, and another one each time. The gradient belongs to what was kept in "
        "forward.",
    ),
    (
        "gradient passes everywhere",
        "return dout * cache",
        "return 1.0 * dout",
        "dx is dout. What about the entries that forward dropped: does the loss notice if they change?",
    ),
    (
        "gradient not scaled",
        "return dout * cache",
        "return dout * (cache > 0)",
        "The mask is in dx, the scale is not. Inverted dropout multiplies by both.",
    ),
    (
        "gradient scaled twice",
        "return dout * cache",
        "return dout * cache * cache",
        "dx is scaled twice: the scale is in the mask already.",
    ),
    (
        "dout forgotten",
        "return dout * cache",
        "return 1.0 * cache",
        "dx is the mask. The chain rule has a second factor.",
    ),
    (
        "drops in test mode, too",
        '    if mode == "test":\n        return x.copy(), None\n',
        "",
        "In test mode entries are dropped all the same. The mode says when nothing should happen.",
    ),
    (
        "modes exchanged",
        'if mode == "test":',
        'if mode == "train":',
        "Nothing happens in training, and in test mode entries are dropped: it is the other way round.",
    ),
    (
        "backward fails in test mode",
        NO_MASK,
        "",
        "In test mode there is no mask, and backward does not expect that. Visualisations need gradients in test "
        "mode, too.",
    ),
    (
        "x masked in place",
        KEEP,
        "x *= scaled_mask\n    return x, scaled_mask",
        "x itself has been overwritten, and whoever handed it in finds it changed.",
    ),
    (
        "dout masked in place",
        "return dout * cache",
        "dout *= cache\n    return dout",
        "dout itself has been overwritten: whoever needs it next finds it changed.",
    ),
    (
        "float32 on the way",
        KEEP,
        "return (x * scaled_mask).astype(np.float32), scaled_mask",
        FLOAT32,
    ),
    (
        "cache not returned",
        KEEP,
        "return x * scaled_mask",
        "dropout_forward returns out alone in training. How is backward to know what was kept?",
    ),
)

_of(
    "im2col",
    (
        "rows go through the windows' places to the right first, then down",
        "windows.transpose(0, 2, 3, 1, 4, 5)",
        "windows.transpose(0, 3, 2, 1, 4, 5)",
        "The rows come in another order: within an image the places go through the lines from left "
        "to right, one line after the other.",
    ),
    (
        "rows go through the images last",
        "windows.transpose(0, 2, 3, 1, 4, 5)",
        "windows.transpose(2, 3, 0, 1, 4, 5)",
        "The images take turns. All places of the first image come before those of the second.",
    ),
    (
        "channels last within a row",
        "windows.transpose(0, 2, 3, 1, 4, 5)",
        "windows.transpose(0, 2, 3, 4, 5, 1)",
        "Each row holds the right pixels in another order. A filter is (C, HH, WW); lay it flat and look which of its "
        "numbers comes second.",
    ),
    (
        "a window lies on its side",
        "windows.transpose(0, 2, 3, 1, 4, 5)",
        "windows.transpose(0, 2, 3, 1, 5, 4)",
        "Each row holds the right pixels, column by column. A filter laid flat goes line by line.",
    ),
    (
        "reshape without transpose",
        "windows.transpose(0, 2, 3, 1, 4, 5).reshape",
        "windows.reshape",
        "All numbers are there, but rows mix the windows of different places. Which axes have to stand next to one "
        "another before reshape joins them?",
    ),
    (
        "windows as columns",
        "return windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * HO * WO, C * HH * WW)",
        "return windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * HO * WO, C * HH * WW).T",
        "The windows are columns here. CS231n's im2col does it so, too; this one has a row for each window.",
    ),
    (
        "im2col takes every window whatever the stride",
        "[:, :, ::stride, ::stride]  # (N",
        "  # (N",
        "There are too many rows where the stride is above 1: windows begin at every stride-th pixel only.",
    ),
    (
        "im2col steps by the stride downwards only",
        "[:, :, ::stride, ::stride]  # (N",
        "[:, :, ::stride]  # (N",
        "Windows are `stride` pixels apart in one direction and neighbours in the other.",
    ),
    (
        "im2col exchanges height and width of the window",
        "sliding_window_view(x, (HH, WW), axis",
        "sliding_window_view(x, (WW, HH), axis",
        "The windows are as high as they should be wide. A square window does not show it.",
    ),
    (
        "col2im keeps the last window of each pixel",
        ("for i in range(HH):", "for j in range(WW):", "stride] += windows"),
        ("for i in reversed(range(HH)):", "for j in reversed(range(WW)):", "stride] = windows"),
        "A pixel that lies in several windows gets the share of the last one only. What becomes of the others?",
    ),
    (
        "col2im keeps one window for each pixel",
        "+= windows[:, :, i, j]",
        "= windows[:, :, i, j]",
        "Where windows overlap, a pixel keeps the share of a single one. Each window that was copied from it has a "
        "share for it.",
    ),
    (
        "col2im divides by the size of the window",
        "+= windows[:, :, i, j]",
        "+= windows[:, :, i, j] / (HH * WW)",
        "Everything in the image is too small by the same factor. im2col copies and does not average, so on the way "
        "back there is nothing to divide by.",
    ),
    (
        "col2im averages over the windows of a pixel",
        "    return x\n",
        "    ones = np.zeros(shape)\n"
        "    for i in range(HH):\n"
        "        for j in range(WW):\n"
        "            ones[:, :, i : i + stride * HO : stride, j : j + stride * WO : stride] += 1\n"
        "    return x / np.maximum(ones, 1)\n",
        "Where windows overlap, the pixel has the mean of their shares. Gradients that meet in one number: do they "
        "average, or what else?",
    ),
    (
        "col2im puts windows next to one another whatever the stride",
        "x[:, :, i : i + stride * HO : stride, j : j + stride * WO : stride] +=",
        "x[:, :, i : i + HO, j : j + WO] +=",
        "With a stride of 1 this does not show. Where does the second window begin with a stride of 2?",
    ),
    (
        "col2im exchanges the lines and columns of a window",
        ".transpose(0, 3, 4, 5, 1, 2)",
        ".transpose(0, 3, 5, 4, 1, 2)",
        "Each window comes back lying on its side: lines and columns within it are exchanged.",
    ),
    (
        "bias forgotten",
        "out = out + b",
        "out = out + 0 * b",
        "Every map is off by one number of its own. What is added to a product in a convolution?",
    ),
    (
        "bias added to each product",
        "out = out + b",
        "out = out + b * rows.shape[1]",
        "The bias comes in too often: once for each number of a window instead of once for each window.",
    ),
    (
        "out reshaped to (N, F, HO, WO) at once",
        "out.reshape(N, HO, WO, F).transpose(0, 3, 1, 2)",
        "out.reshape(N, F, HO, WO)",
        "With one filter this does not show; with several, the numbers of out are in the wrong places. The product has "
        "a row for each place and a column for each filter: what does reshape do with that order?",
    ),
    (
        "filters turned by 180 degrees",
        "rows @ w.reshape(F, -1).T  # (N",
        "rows @ w[:, :, ::-1, ::-1].reshape(F, -1).T  # (N",
        "That is the mathematicians' convolution: the filter is turned by 180 degrees. Networks lay it on as it is.",
    ),
    (
        "filters reshaped instead of transposed",
        "rows @ w.reshape(F, -1).T  # (N",
        "rows @ w.reshape(-1, F)  # (N",
        "With one filter this does not show. With several, a column of your matrix mixes the filters: each column must "
        "be one filter laid flat.",
    ),
    (
        "x is not padded",
        "np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))",
        "np.pad(x, ((0, 0), (0, 0), (0, 2 * pad), (0, 2 * pad)))",
        "All zeros of the padding are at the bottom and on the right. They belong on all four sides.",
    ),
    (
        "dout reshaped without transpose",
        "dout.transpose(0, 2, 3, 1).reshape(-1, F)",
        "dout.reshape(-1, F)",
        "With one filter this does not show. Forward ended in a reshape and a transpose: undo both, in the "
        "opposite order.",
    ),
    (
        "dw is a mean over the windows",
        "dw = (drows_out.T @ rows).reshape(w.shape)",
        "dw = (drows_out.T @ rows).reshape(w.shape) / len(rows)",
        "dw is too small by the number of windows. The mean over the images belongs to the loss, and dout has it "
        "already.",
    ),
    (
        "dw as (C, HH, WW, F), reshaped",
        "dw = (drows_out.T @ rows).reshape(w.shape)",
        "dw = (rows.T @ drows_out).reshape(w.shape)",
        "With one filter this does not show. The product you take has a column for each filter, and w has them first: "
        "reshape does not exchange axes.",
    ),
    (
        "db is a mean",
        "drows_out.sum(axis=0)",
        "drows_out.mean(axis=0)",
        "db is too small by the number of windows. Each of them gets the whole bias.",
    ),
    (
        "db is a row (1, F)",
        "drows_out.sum(axis=0)",
        "drows_out.sum(axis=0, keepdims=True)",
        "The bias gradient has the shape (1, F), b has (F,): what is left when you sum and keep that axis?",
    ),
    (
        "the padding is cut off by pad:-pad",
        "dpadded[:, :, pad : pad + H, pad : pad + W]",
        "dpadded[:, :, pad:-pad, pad:-pad]",
        "Without padding dx is empty: what does -0 mean as the end of a slice?",
    ),
    (
        "the padding is left on",
        "return dpadded[:, :, pad : pad + H, pad : pad + W].copy(), dw, db",
        "return dpadded, dw, db",
        "dx is larger than x: it is the gradient to the padded image. The zeros around it need none.",
    ),
    (
        "the padding is cut off at the bottom and on the right",
        "dpadded[:, :, pad : pad + H, pad : pad + W]",
        "dpadded[:, :, :H, :W]",
        "dx has the right shape and is shifted: the padding lies on all four sides.",
    ),
    (
        "gradients in the order dw, dx, db",
        "return dpadded[:, :, pad : pad + H, pad : pad + W].copy(), dw, db",
        "return dw, dpadded[:, :, pad : pad + H, pad : pad + W].copy(), db",
        ORDER,
    ),
)

_of(
    "layernorm",
    (
        "means over the batch: that is batch normalisation",
        (
            "mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)",
            "dxhat.mean(axis=1, keepdims=True), (dxhat * xhat).mean(axis=1, keepdims=True)",
        ),
        (
            "mean, var = x.mean(axis=0, keepdims=True), x.var(axis=0, keepdims=True)",
            "dxhat.mean(axis=0, keepdims=True), (dxhat * xhat).mean(axis=0, keepdims=True)",
        ),
        "This is batch normalisation. Here a row must not depend on the others: over which axis do its mean and "
        "variance go?",
    ),
    (
        "the whole array has one mean and variance",
        "mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)",
        "mean, var = x.mean(keepdims=True), x.var(keepdims=True)",
        "With a single row this does not show. All rows share one mean and one variance here; each needs its own.",
    ),
    (
        "unbiased variance",
        "x.var(axis=1, keepdims=True)",
        "x.var(axis=1, keepdims=True, ddof=1)",
        "The variance is divided by D - 1. The one asked for is biased: it is a plain mean of squares.",
    ),
    (
        "eps outside the root",
        "1 / np.sqrt(var + eps)",
        "1 / (np.sqrt(var) + eps)",
        "With a large eps out is a little off: eps is added to the standard deviation. It belongs to the variance.",
    ),
    (
        "eps forgotten",
        "1 / np.sqrt(var + eps)",
        "1 / np.sqrt(var)",
        "eps has no effect. A row of equal numbers would be divided by zero.",
    ),
    (
        "divided by the variance",
        "1 / np.sqrt(var + eps)",
        "1 / (var + eps)",
        "The rows are divided by their variance. In which unit is that, if x is in metres?",
    ),
    (
        "the mean stays",
        "(x - mean) * inv_std",
        "x * inv_std",
        "A row's mean is still in it: out has the right spread around the wrong middle.",
    ),
    (
        "beta forgotten",
        "return gamma * xhat + beta",
        "return gamma * xhat",
        "out is off by the same numbers in each row. What comes after the scale?",
    ),
    (
        "gamma forgotten",
        "return gamma * xhat + beta",
        "return xhat + beta",
        "gamma is missing, which nobody notices as long as it is 1. What happens to the normalised x before the shift?",
    ),
    (
        "gamma forgotten in dx",
        "dxhat = dout * gamma",
        "dxhat = dout",
        "dx knows nothing of gamma, which nobody notices as long as it is 1. gamma stands between the normalised "
        "x and out, so it is on the way back as well.",
    ),
    (
        "gamma comes in at the end, as in batch normalisation",
        ("dxhat = dout * gamma", "return inv_std * (dxhat"),
        ("dxhat = dout", "return gamma * inv_std * (dxhat"),
        "You multiply by gamma last, which nobody notices as long as it is 1. Batch normalisation allows it, "
        "since its means go over the batch. Here they go over entries with different gammas.",
    ),
    (
        "the way through the mean forgotten",
        "(dxhat - mean - xhat * projection)",
        "(dxhat - xhat * projection)",
        "One way from x to out is missing. If all of a row grows by 1, out does not change: what must the sum of dx "
        "over a row be?",
    ),
    (
        "the way through the variance forgotten",
        "(dxhat - mean - xhat * projection)",
        "(dxhat - mean)",
        "One way from x to out is missing: the variance depends on x, too.",
    ),
    (
        "only the direct way",
        "(dxhat - mean - xhat * projection)",
        "dxhat",
        "That is only the direct way from x to out. The mean and the variance of a row depend on x, too.",
    ),
    (
        "the means of backward go over the batch",
        "dxhat.mean(axis=1, keepdims=True), (dxhat * xhat).mean(axis=1, keepdims=True)",
        "dxhat.mean(axis=0, keepdims=True), (dxhat * xhat).mean(axis=0, keepdims=True)",
        "In dx the rows depend on one another. Over which axis did forward take its means?",
    ),
    (
        "sums in place of the means of backward",
        "dxhat.mean(axis=1, keepdims=True), (dxhat * xhat).mean(axis=1, keepdims=True)",
        "dxhat.sum(axis=1, keepdims=True), (dxhat * xhat).sum(axis=1, keepdims=True)",
        "What goes through mean and variance is D times too large: each entry has only a D-th part in the mean.",
    ),
    (
        "inv_std forgotten in dx",
        "return inv_std * (dxhat",
        "return (dxhat",
        "dx is off by one factor in each row. What does forward multiply by, last of all, before gamma?",
    ),
    (
        "dgamma without the normalised x",
        "(dout * xhat).sum(axis=0), dout.sum(axis=0)",
        "dout.sum(axis=0), dout.sum(axis=0)",
        "dgamma equals dbeta. What is gamma multiplied by in forward?",
    ),
    (
        "dgamma and dbeta are means",
        "(dout * xhat).sum(axis=0), dout.sum(axis=0)",
        "(dout * xhat).mean(axis=0), dout.mean(axis=0)",
        "dgamma and dbeta are N times too small. The mean over the rows belongs to the loss.",
    ),
    (
        "dgamma and dbeta sum over the features",
        "(dout * xhat).sum(axis=0), dout.sum(axis=0)",
        "(dout * xhat).sum(axis=1), dout.sum(axis=1)",
        "dgamma and dbeta have one number per row. Whose are gamma and beta: a row's, or a feature's?",
    ),
    (
        "dgamma and dbeta are rows (1, D)",
        "(dout * xhat).sum(axis=0), dout.sum(axis=0)",
        "(dout * xhat).sum(axis=0, keepdims=True), dout.sum(axis=0, keepdims=True)",
        "dgamma and dbeta have the shape (1, D); gamma and beta have (D,).",
    ),
    (
        "gradients in the order dx, dbeta, dgamma",
        "xhat * projection), dgamma, dbeta",
        "xhat * projection), dbeta, dgamma",
        ORDER,
    ),
)
