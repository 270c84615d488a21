"""Known mistakes of the track *Seeing*, each as the smallest change to the right solution."""

from ..exercises.registry import Mistake


def _mistakes(exercise, *entries):
    return [Mistake(exercise, *entry) for entry in entries]


# Gradients of other objectives than the score, which students send back in its place: (name, its gradient by the scores
# of the classes {y}, hint). No exercise that starts from scores should be without one of them.
_OF_ALL = "np.exp(scores - scores.max(axis=1, keepdims=True))"
_SOFTMAX = f"{_OF_ALL} / {_OF_ALL}.sum(axis=1, keepdims=True)"
_OBJECTIVES = (
    (
        "gradient of the log-softmax",
        f"one_hot({{y}}, scores) - {_SOFTMAX}",
        "This is the gradient of the logarithm of the probability, and the gradients of all other classes are "
        "mixed into it. What is the derivative of the class's score alone?",
    ),
    (
        "the scores themselves go back",
        "1.0 * scores",
        "The scores themselves go into the backward pass. What belongs there is the derivative of one score with "
        "respect to all scores.",
    ),
    (
        "every class counts",
        "np.ones_like(scores)",
        "This is the gradient of the sum of all scores. Only one class is asked for.",
    ),
    (
        "the classes of all images in every row",
        "np.ones_like(scores) * np.isin(np.arange(scores.shape[1]), {y})",
        "What goes back holds, in every row, a 1 for the classes of all images. Row n belongs to image n alone: "
        "which one entry of it is 1?",
    ),
)


def _other_objectives(exercise, old, new, y="y", without=()):
    """The mistakes of other objectives; `new` is the old text with {} for the gradient by the scores."""
    entries = (entry for entry in _OBJECTIVES if entry[0] not in without)
    return _mistakes(exercise, *((name, old, new.format(what.format(y=y)), hint) for name, what, hint in entries))


_SALIENCY = _mistakes(
    "saliency",
    (
        "squares for magnitudes",
        "return np.abs(dX).max(axis=1)",
        "return (dX**2).max(axis=1)",
        "The map holds squares. They order the pixels as magnitudes do, but a pixel with twice the gradient counts "
        "four times.",
    ),
    (
        "gradient of the loss",
        "    dscores = one_hot(y, scores)",
        "    from ..layers.losses import softmax_loss\n    _, dscores = softmax_loss(scores, y)",
        "This is the gradient of the softmax loss, not of the score. Where the network is sure of the class the loss "
        "hardly reacts to anything. What is the derivative of the score itself by the scores?",
    ),
    (
        "gradient of the loss without the mean",
        "    dscores = one_hot(y, scores)",
        "    from ..classifiers.scores import softmax\n    dscores = softmax(scores) - one_hot(y, scores)",
        "This is the gradient of the softmax loss, not of the score; every class has a part in it. Which single number "
        "do you want the derivative of?",
    ),
    (
        "gradient of the probability",
        "    dscores = one_hot(y, scores)",
        "    from ..classifiers.scores import softmax\n    p = softmax(scores)\n"
        "    dscores = (p * one_hot(y, scores)).sum(axis=1, keepdims=True) * (one_hot(y, scores) - p)",
        "This is the gradient of the probability behind the softmax. Where the network is sure it almost vanishes; "
        "go back from the score before the softmax.",
    ),
    (
        "scores times one-hot",
        "dscores = one_hot(y, scores)",
        "dscores = scores * one_hot(y, scores)",
        "The gradient you send back is as large as the score itself. The derivative of a number by itself does not "
        "depend on how large the number is.",
    ),
    (
        "squared distance of the score from 1",
        "dscores = one_hot(y, scores)",
        "dscores = -2 * (1 - scores) * one_hot(y, scores)",
        "This is the gradient of (1 - score)^2. A saliency map asks for the score itself; a score of 1 means nothing "
        "special.",
    ),
    (
        "all classes together",
        "dscores = one_hot(y, scores)",
        "dscores = scores * 0 + 1",
        "This map is that of the sum of all scores. Only the class y of each image should be sent back.",
    ),
    (
        "the class of the first image for all",
        "one_hot(y, scores)",
        "one_hot(y[:1].repeat(len(y)), scores)",
        "All images get the map of the first image's class. y has a class for each image.",
    ),
    (
        "the highest class instead of y",
        "one_hot(y, scores)",
        "one_hot(scores.argmax(axis=1), scores)",
        "This is the map of the class with the highest score. Which class is asked for, y says.",
    ),
    (
        "no magnitude",
        "np.abs(dX).max(axis=1)",
        "dX.max(axis=1)",
        "The largest over the channels is taken with signs, so that what speaks against the class is lost. A saliency "
        "map is never negative: how strongly, not in which direction.",
    ),
    (
        "magnitude after the maximum",
        "np.abs(dX).max(axis=1)",
        "np.abs(dX.max(axis=1))",
        "Magnitude and maximum are in the wrong order: a strong negative channel has lost already when its sign is "
        "taken away.",
    ),
    (
        "negative gradients cut off",
        "np.abs(dX).max(axis=1)",
        "dX.clip(0).max(axis=1)",
        "Negative gradients are set to zero. A pixel that strongly lowers the score when it gets brighter is as "
        "salient as one that raises it.",
    ),
    (
        "sum over channels",
        ".max(axis=1)",
        ".sum(axis=1)",
        "The magnitudes of the channels are added. The map asked for is the largest of the three.",
    ),
    (
        "mean over channels",
        ".max(axis=1)",
        ".mean(axis=1)",
        "The magnitudes of the channels are averaged. The map asked for is the largest of the three.",
    ),
    (
        "maximum over the images",
        ".max(axis=1)",
        ".max(axis=0)",
        "The maximum runs over the images of the batch. X is (N, 3, H, W): which axis holds the channels?",
    ),
    (
        "maximum over the columns",
        ".max(axis=1)",
        ".max(axis=-1)",
        "The maximum runs over the last axis. X is (N, 3, H, W), channels are not last: which axis holds them?",
    ),
    (
        "no maximum",
        "np.abs(dX).max(axis=1)",
        "np.abs(dX)",
        "There are still three numbers a pixel. A saliency map has one, (N, H, W).",
    ),
    (
        "map scaled to 1",
        "    return np.abs(dX).max(axis=1)",
        "    saliency = np.abs(dX).max(axis=1)\n    return saliency / saliency.max()",
        "The map is divided by its maximum. Scaling is for the plot; returned are derivatives, in score per unit.",
    ),
    (
        "gradient times image",
        "np.abs(dX).max(axis=1)",
        "np.abs(dX * X).max(axis=1)",
        "The gradient is multiplied by the image. That is another technique (gradient times input); saliency is the "
        "gradient alone.",
    ),
    (
        "relu_rule not handed on",
        "cache, relu_rule=relu_rule",
        "cache",
        "The gradient is that of the standard rule, whatever relu_rule says. It is meant for the backward pass.",
    ),
    (
        "training mode",
        "model.forward(X)",
        'model.forward(X, mode="train")',
        "The network runs in training mode: batch norm uses the batch's statistics, so that an image's map depends on "
        "its neighbours, and the running averages change. Look at the default of forward's mode.",
    ),
    (
        "no return",
        "return np.abs(dX).max(axis=1)",
        "np.abs(dX).max(axis=1)",
        "The function ends without a return, so that it returns None.",
    ),
)

_LOOK = """        fooled = look(t, X_fooling, scores)
        if fooled.all() or t == max_iterations:
            break
"""
_NOT_FOOLED = "X_fooling = np.where(fooled[:, None, None, None], X_fooling, moved)"
_CHOSEN = f"        {_NOT_FOOLED}\n"

_FOOLING = _mistakes(
    "fooling",
    (
        "X changed in place",
        ("X_fooling = X.copy()", "X_fooling = np.where(fooled[:, None, None, None], X_fooling, moved)"),
        ("X_fooling = X", "X_fooling[~fooled] = moved[~fooled]"),
        "The images that were given are changed, too: both names mean one array, and the difference of the two images "
        "will be zero. What makes another array?",
    ),
    (
        "descends",
        "step(X_fooling, dX, ",
        "step(X_fooling, -dX, ",
        "The steps go downhill: the score of the target falls. Which way does a gradient point?",
    ),
    (
        "climbs the loss",
        "        dX, _ = model.backward(one_hot(target, scores), cache)",
        "        dX, _ = model.backward(softmax(scores) - one_hot(target, scores), cache)",
        "You climb the softmax loss of the target: the higher that is, the less the network sees the target. And the "
        "objective is the score, not the loss.",
    ),
    (
        "descends the loss instead of climbing the score",
        "        dX, _ = model.backward(one_hot(target, scores), cache)",
        "        dX, _ = model.backward(one_hot(target, scores) - softmax(scores), cache)",
        "You go down the softmax loss of the target. That would fool the network, too, but what is asked for is to "
        "climb the target's score, whatever the other scores do.",
    ),
    (
        "climbs the probability",
        "        dX, _ = model.backward(one_hot(target, scores), cache)",
        "        p, mark = softmax(scores), one_hot(target, scores)\n"
        "        dX, _ = model.backward((p * mark).sum(axis=1, keepdims=True) * (mark - p), cache)",
        "You climb the target's probability. As long as the network is sure of another class its gradient is almost "
        "zero; climb the score before the softmax.",
    ),
    (
        "scores times one-hot",
        "model.backward(one_hot(target, scores), cache)",
        "model.backward(scores * one_hot(target, scores), cache)",
        "The score itself is sent back as its derivative. Where it is negative, the step goes the wrong way. What is "
        "the derivative of a number by itself?",
    ),
    (
        "lowers the class seen now",
        "one_hot(target, scores)",
        "-one_hot(scores.argmax(axis=1), scores)",
        "You lower the score of the class the network sees now. The target's score is what should climb.",
    ),
    (
        "the target of the first image for all",
        "one_hot(target, scores)",
        "one_hot(target[:1].repeat(len(X)), scores)",
        "All images climb towards the first image's target. target has a class for each image.",
    ),
    (
        "not clipped",
        "moved = clip(step(X_fooling, dX, learning_rate, normalize=normalize), bounds)",
        "moved = step(X_fooling, dX, learning_rate, normalize=normalize)",
        "Pixels leave the range between black and white, so that nobody can show this image.",
    ),
    (
        "clipped to 0..255",
        "normalize=normalize), bounds)",
        "normalize=normalize), (0, 255))",
        "Pixels are clipped to 0..255. In model space the mean is subtracted, so black is not 0; the bounds of the "
        "model space are given.",
    ),
    (
        "clipped before the step",
        "clip(step(X_fooling, dX, learning_rate, normalize=normalize), bounds)",
        "step(clip(X_fooling, bounds), dX, learning_rate, normalize=normalize)",
        "The image is clipped before the step, so that the step leads beyond black and white again. Which comes last?",
    ),
    (
        "normalised over the whole batch",
        "step(X_fooling, dX, learning_rate, normalize=normalize)",
        "step(X_fooling, dX / (np.linalg.norm(dX) if normalize else 1), learning_rate, normalize=False)",
        "The gradient is divided by the norm of the whole batch, so that an image's step depends on its neighbours. "
        "Each image has a norm of its own.",
    ),
    (
        "never normalised",
        "normalize=normalize)",
        "normalize=False)",
        "The step is the gradient times the learning rate even where it should be normalised; gradients are tiny.",
    ),
    (
        "always normalised",
        "normalize=normalize)",
        "normalize=True)",
        "Steps are normalised even with normalize=False.",
    ),
    (
        "divided by the largest entry",
        "step(X_fooling, dX, learning_rate, normalize=normalize)",
        "step(X_fooling, dX / (abs(dX).max(axis=(1, 2, 3), keepdims=True) if normalize else 1), learning_rate, "
        "normalize=False)",
        "The gradient is divided by its largest entry. The length of a step is measured by the L2 norm.",
    ),
    (
        "fooled images go on",
        "X_fooling = np.where(fooled[:, None, None, None], X_fooling, moved)",
        "X_fooling = moved",
        "Images that fool the network already are changed further while others are not done yet.",
    ),
    (
        "stops when the first image fools",
        "fooled.all()",
        "fooled.any()",
        "The loop ends as soon as one image fools the network; the others are not done yet.",
    ),
    (
        "confidence ignored",
        "        fooled = look(t, X_fooling, scores)",
        "        look(t, X_fooling, scores)\n        fooled = scores.argmax(axis=1) == target",
        "An image counts as done once the target has the highest score, although more confidence may be asked for. "
        "What `look` returns knows of it.",
    ),
    (
        "one step only",
        "if fooled.all() or t == max_iterations:",
        "if fooled.all() or t == 1:",
        "The target's score has risen, but not enough: only one step is made. Go on until the network is fooled.",
    ),
    (
        "one step too few",
        "t == max_iterations",
        "t == max_iterations - 1",
        "There is one step less than max_iterations. The last turn of the loop is the one that only looks.",
    ),
    (
        "one step too many",
        "if fooled.all() or t == max_iterations:",
        "if fooled.all():",
        "There is one step more than max_iterations. `steps` has one turn more than steps are allowed.",
    ),
    (
        "gradient at the original image",
        "model.forward(X_fooling)",
        "model.forward(X)",
        "Scores and gradient are those of the original image in every step. They change as the image does.",
    ),
    (
        "gradient of the first step for all",
        "        dX, _ = model.backward",
        "        if t == 0:\n            dX, _ = model.backward",
        "All steps follow the gradient of the first one. As the image changes, so does the way up.",
    ),
    (
        "never done before the last step",
        "fooled.all() or t == max_iterations",
        "t == max_iterations",
        "The loop goes on when all images fool the network already, and the callback is called for steps that nobody "
        "takes.",
    ),
    (
        "looks after the step",
        (_LOOK, _CHOSEN),
        (
            "",
            _CHOSEN.replace(_NOT_FOOLED, "X_fooling = moved")
            + "        fooled = look(t, X_fooling, model.forward(X_fooling)[0])\n"
            "        if fooled.all() or t == max_iterations:\n            break\n",
        ),
        "Whether an image fools the network is asked only after a step: one that does so from the start is changed all "
        "the same, and there is a step too many.",
    ),
    (
        "looks after the step, with the scores before it",
        (_LOOK, _CHOSEN),
        (
            "",
            _CHOSEN.replace(_NOT_FOOLED, "X_fooling = moved") + "        fooled = look(t, moved, scores)\n"
            "        if fooled.all() or t == max_iterations:\n            break\n",
        ),
        "The step is taken first, and `look` is given the scores of the image before it. Scores and image belong "
        "together, and whoever fools the network takes no step.",
    ),
    (
        "every step from the original",
        "step(X_fooling, dX, ",
        "step(X, dX, ",
        "Every step starts at the original image, so that the steps before are lost.",
    ),
    (
        "training mode",
        "model.forward(X_fooling)",
        'model.forward(X_fooling, mode="train")',
        "The network runs in training mode: batch norm uses the batch's statistics and changes its running averages.",
    ),
    (
        "returns the original",
        "return X_fooling",
        "return X",
        "What is returned is the image that was given.",
    ),
    (
        "returns the difference",
        "return X_fooling",
        "return X_fooling - X",
        "What is returned is the change, not the changed image.",
    ),
    (
        "no return",
        "    return X_fooling\n",
        "",
        "The function ends without a return, so that it returns None.",
    ),
) + [
    Mistake(
        "fooling",
        "no limit of steps",
        ("for t in steps:", "if fooled.all() or t == max_iterations:"),
        ("t = 0\n    while True:", "if fooled.all():"),
        "The loop goes on until the network is fooled, which may be never. max_iterations limits it.",
        endless=True,
    )
]

_CLASS_VISUALIZATION = _mistakes(
    "class_visualization",
    (
        "descends, but keeps the penalty",
        "dX -= 2 * l2_reg * shifted",
        "dX = -dX - 2 * l2_reg * shifted",
        "The score of the class becomes lower from step to step. In which direction does it grow?",
    ),
    (
        "scores times one-hot",
        "dscores = one_hot(y, scores)",
        "dscores = scores * one_hot(y, scores)",
        "The score itself is sent back as its derivative. A negative score is pushed further down that way. What is "
        "the derivative of a number by itself?",
    ),
    (
        "gradient of the loss",
        "        dscores = one_hot(y, scores)\n",
        "        dscores = one_hot(y, scores) - softmax(scores)\n",
        "You go down the softmax loss instead of climbing the score: the other classes have a part in the gradient, "
        "and where the network is sure nothing is left of it.",
    ),
    (
        "gradient of the probability",
        "        dscores = one_hot(y, scores)\n",
        "        p, dscores = softmax(scores), one_hot(y, scores)\n"
        "        dscores = (p * dscores).sum(axis=1, keepdims=True) * (dscores - p)\n",
        "You climb the probability behind the softmax. Its gradient is almost zero wherever the network is sure; climb "
        "the score.",
    ),
    (
        "the first class for all images",
        "one_hot(y, scores)",
        "one_hot(y[:1].repeat(len(y)), scores)",
        "All images climb the score of the first class. y has a class for each image.",
    ),
    (
        "regulariser with the wrong sign",
        "dX -= 2 * l2_reg * shifted",
        "dX += 2 * l2_reg * shifted",
        "The penalty is added to what climbs, so that pixels run away to black and white. Is the norm of the image to "
        "become larger or smaller?",
    ),
    (
        "regulariser's factor 2 missing",
        "dX -= 2 * l2_reg * shifted",
        "dX -= l2_reg * shifted",
        "The regulariser is half as strong as it should be. What is the derivative of x^2?",
    ),
    (
        "no regulariser",
        "        dX -= 2 * l2_reg * shifted\n",
        "",
        "l2_reg changes nothing: the penalty is not part of the gradient.",
    ),
    (
        "regulariser of magnitudes",
        "dX -= 2 * l2_reg * shifted",
        "dX -= l2_reg * np.sign(shifted)",
        "The penalty is on the magnitudes of the pixels. The L2 penalty is on their squares.",
    ),
    (
        "regulariser divided by the norm",
        "dX -= 2 * l2_reg * shifted",
        "dX -= l2_reg * shifted / np.sqrt((shifted**2).sum(axis=(1, 2, 3), keepdims=True))",
        "This is the derivative of the norm. The penalty is the squared norm.",
    ),
    (
        "regulariser of the image before the shift",
        "dX -= 2 * l2_reg * shifted",
        "dX -= 2 * l2_reg * X",
        "The gradient is that of the shifted image, the regulariser's part that of the image before the shift. They do "
        "not lie on top of each other.",
    ),
    (
        "regulariser after the step",
        (
            "        dX -= 2 * l2_reg * shifted\n",
            "shifted = step(shifted, dX, learning_rate, normalize=normalize)",
        ),
        (
            "",
            "shifted = step(shifted, dX, learning_rate, normalize=normalize) - 2 * learning_rate * l2_reg * shifted",
        ),
        "The regulariser acts beside the step. It is a part of the gradient, and is normalised with it.",
    ),
    (
        "descends",
        "step(shifted, dX, ",
        "step(shifted, -dX, ",
        "The steps go downhill: the score falls. Which way does a gradient point?",
    ),
    (
        "never normalised",
        "normalize=normalize)",
        "normalize=False)",
        "The step is the gradient times the learning rate even where it should be normalised.",
    ),
    (
        "always normalised",
        "normalize=normalize)",
        "normalize=True)",
        "Steps are normalised even with normalize=False.",
    ),
    (
        "normalised over the whole batch",
        "step(shifted, dX, learning_rate, normalize=normalize)",
        "step(shifted, dX / (np.linalg.norm(dX) if normalize else 1), learning_rate, normalize=False)",
        "The gradient is divided by the norm of the whole batch. Each image has a norm of its own.",
    ),
    (
        "not clipped",
        "X = clip(jitter(shifted, -dy, -dx), bounds)",
        "X = jitter(shifted, -dy, -dx)",
        "Pixels leave the range between black and white.",
    ),
    (
        "clipped to 0..255",
        "jitter(shifted, -dy, -dx), bounds)",
        "jitter(shifted, -dy, -dx), (0, 255))",
        "Pixels are clipped to 0..255. In model space the mean is subtracted, so black is not 0: such images look "
        "washed out.",
    ),
    (
        "jitter not undone",
        "clip(jitter(shifted, -dy, -dx), bounds)",
        "clip(shifted, bounds)",
        "The image is shifted but not shifted back, and wanders about.",
    ),
    (
        "jitter undone with the same sign",
        "jitter(shifted, -dy, -dx)",
        "jitter(shifted, dy, dx)",
        "The shift is made twice instead of being undone.",
    ),
    (
        "jitter undone with rows for columns",
        "jitter(shifted, -dy, -dx)",
        "jitter(shifted, -dx, -dy)",
        "On the way back rows and columns are exchanged.",
    ),
    (
        "no jitter",
        "        shifted = jitter(X, dy, dx)\n",
        "        shifted, dy, dx = X, 0, 0\n",
        "max_jitter changes nothing: the gradient is taken at the image as it lies.",
    ),
    (
        "gradient of the image before the shift",
        "model.forward(shifted)",
        "model.forward(X)",
        "Scores and gradient are those of the image before the shift, the step is taken on the shifted one.",
    ),
    (
        "one shift for all steps",
        (
            "    for t in steps:\n",
            "        dy, dx = rng.integers(-max_jitter, max_jitter + 1, size=2)\n",
        ),
        (
            "    dy, dx = rng.integers(-max_jitter, max_jitter + 1, size=2)\n    for t in steps:\n",
            "",
        ),
        "All steps use the same shift. It is drawn anew for every step.",
    ),
    (
        "shifts one pixel too short",
        "max_jitter + 1",
        "max_jitter + (max_jitter == 0)",
        "Shifts by max_jitter itself never occur to one side. The upper end of rng.integers is not included.",
    ),
    (
        "blurred at every step",
        "(t + 1) % blur_every == 0 and t + 1 < num_iterations",
        "t + 1 < num_iterations",
        "The image is blurred after every step. How often, blur_every says.",
    ),
    (
        "blurred after the last step",
        " and t + 1 < num_iterations:",
        ":",
        "The image is blurred once more in the end. After the last step nothing would sharpen it again.",
    ),
    (
        "blur counted from 0",
        "(t + 1) % blur_every",
        "t % blur_every",
        "The blur comes one step early: t counts from 0, so that after step t there have been t + 1 steps.",
    ),
    (
        "never blurred",
        "X = blur(X, blur_sigma)",
        "pass",
        "blur_every changes nothing: the image is never blurred.",
    ),
    (
        "log odds ignored",
        'if objective == "log_odds":',
        "if False:",
        'objective="log_odds" changes nothing: what climbs is still the score alone.',
    ),
    (
        "log odds over all classes",
        "softmax(np.where(dscores == 1, -np.inf, scores))",
        "softmax(scores)",
        "For the log odds you subtract the softmax over all classes, which gives the log probability. The odds compare "
        "the class with the others; it is not among them.",
    ),
    (
        "the class itself with a score of 0 in the log odds",
        "np.where(dscores == 1, -np.inf, scores)",
        "np.where(dscores == 1, 0, scores)",
        "In the softmax of the log odds the class itself still has a share: a score of 0 is a score like any other. "
        "With which score does nothing of it remain?",
    ),
    (
        "the class itself left out after the softmax",
        "softmax(np.where(dscores == 1, -np.inf, scores))",
        "softmax(scores) * (dscores == 0)",
        "The probabilities of the other classes do not add up to 1 in your log odds. The softmax runs over these "
        "classes alone.",
    ),
    (
        "training mode",
        "model.forward(shifted)",
        'model.forward(shifted, mode="train")',
        "The network runs in training mode: batch norm uses the batch's statistics and changes its running averages.",
    ),
    (
        "no return",
        "    return X\n",
        "",
        "The function ends without a return, so that it returns None.",
    ),
)

_INVERSION = _mistakes(
    "inversion",
    (
        "squared difference as dout",
        "2 * difference / size",
        "difference**2 / size",
        "The squared distance itself goes into the backward pass. What belongs there is its derivative by the "
        "features, which keeps the sign of the difference.",
    ),
    (
        "squared norm as dout",
        "2 * difference / size",
        "(difference**2 / size).sum(axis=per_image, keepdims=True) + 0 * feats",
        "The loss itself goes into the backward pass. What belongs there is its derivative by the features, an array "
        "of their shape.",
    ),
    (
        "sign of the difference only",
        "2 * difference / size",
        "np.sign(difference) / size",
        "This is the gradient of the sum of magnitudes. The distance is a sum of squares.",
    ),
    (
        "product with the target",
        "2 * difference / size",
        "-target_feats / size",
        "This makes the features grow in the target's direction without end. They should come to lie near the target.",
    ),
    (
        "climbs the distance",
        "step(X, -dX, ",
        "step(X, dX, ",
        "The steps go uphill: the distance to the target grows. The objective is to be small.",
    ),
    (
        "target minus features",
        "difference = feats - target_feats",
        "difference = target_feats - feats",
        "The difference has the wrong sign for its derivative by the features: the distance to the target grows.",
    ),
    (
        "target not subtracted",
        "difference = feats - target_feats",
        "difference = feats",
        "The features are driven towards zero: the target does not occur in the difference.",
    ),
    (
        "regulariser with the wrong sign",
        "dX += 2 * l2_reg * X",
        "dX -= 2 * l2_reg * X",
        "The regulariser has the wrong sign: bright and dark pixels are rewarded. It is part of what is to become "
        "small.",
    ),
    (
        "regulariser's factor 2 missing",
        "dX += 2 * l2_reg * X",
        "dX += l2_reg * X",
        "The regulariser is half as strong as it should be. What is the derivative of x^2?",
    ),
    (
        "no regulariser",
        "        dX += 2 * l2_reg * X\n",
        "",
        "l2_reg changes nothing: the penalty is not part of the gradient.",
    ),
    (
        "regulariser overwrites the gradient",
        "dX += 2 * l2_reg * X",
        "dX = 2 * l2_reg * X",
        "The regulariser's gradient takes the place of the distance's instead of being added to it.",
    ),
    (
        "distance's factor 2 missing",
        "2 * difference / size",
        "difference / size",
        "The gradient of the distance is half of what it should be. What is the derivative of (a - b)^2?",
    ),
    (
        "not divided by the target's length",
        "2 * difference / size",
        "2 * difference",
        "The distance is not divided by the squared length of the target, so that the regularisers weigh differently "
        "at every layer.",
    ),
    (
        "divided by the number of features",
        "2 * difference / size",
        "2 * difference / feats[0].size",
        "The distance is a mean over the features. It is to be measured beside the squared length of the target.",
    ),
    (
        "divided by the length, not its square",
        "2 * difference / size",
        "2 * difference / np.sqrt(size)",
        "You divide by the length of the target. A squared distance is divided by a squared length.",
    ),
    (
        "target's length over the whole batch",
        "(target_feats**2).sum(axis=per_image, keepdims=True)",
        "(target_feats**2).sum(keepdims=True)",
        "The squared length is that of all targets together, so that an image's result depends on its neighbours.",
    ),
    (
        "division by zero",
        "    size = np.where(size > 0, size, 1)\n",
        "",
        "Features that are all zero have a length of zero, and dividing by it gives NaN.",
    ),
    (
        "one layer too early",
        "model.forward(X, end=end)",
        "model.forward(X, end=end - 1)",
        "The features come from one layer before the target's, so that the shapes do not match. `end` is included.",
    ),
    (
        "one layer too late",
        "model.forward(X, end=end)",
        "model.forward(X, end=end + 1)",
        "The features come from one layer after the target's, so that the shapes do not match. `end` is included.",
    ),
    (
        "features of the last layer",
        "model.forward(X, end=end)",
        "model.forward(X)",
        "The features come from the last layer, whatever the layer asked for.",
    ),
    (
        "training mode",
        "model.forward(X, end=end)",
        'model.forward(X, end=end, mode="train")',
        "The network runs in training mode: batch norm uses the batch's statistics and changes its running averages.",
    ),
    (
        "total variation ignored",
        "dX += tv_beta_loss(X, tv_weight, tv_beta)[1]",
        "pass",
        "tv_weight changes nothing: the total variation's gradient is not added.",
    ),
    (
        "total variation with the wrong sign",
        "dX += tv_beta_loss(",
        "dX -= tv_beta_loss(",
        "The total variation's gradient has the wrong sign, so that the image gets rougher.",
    ),
    (
        "total variation's loss for its gradient",
        "tv_beta_loss(X, tv_weight, tv_beta)[1]",
        "tv_beta_loss(X, tv_weight, tv_beta)[0]",
        "The value of the total variation is added to every pixel's gradient. The function returns loss and gradient.",
    ),
    (
        "steps do not shrink",
        "rate = learning_rate * (1 - t / num_iterations)",
        "rate = learning_rate",
        "All steps have the length of the first. They should shrink along a straight line, so that the descent "
        "settles.",
    ),
    (
        "the last step has no length",
        "1 - t / num_iterations",
        "1 - (t + 1) / num_iterations",
        "The steps shrink by one too early, and the last one has no length. t counts from 0.",
    ),
    (
        "never normalised",
        "normalize=normalize)",
        "normalize=False)",
        "The step is the gradient times the rate even where it should be normalised.",
    ),
    (
        "always normalised",
        "normalize=normalize)",
        "normalize=True)",
        "Steps are normalised even with normalize=False.",
    ),
    (
        "normalised over the whole batch",
        "step(X, -dX, rate, normalize=normalize)",
        "step(X, -dX / (np.linalg.norm(dX) or 1 if normalize else 1), rate, normalize=False)",
        "The gradient is divided by the norm of the whole batch. Each image has a norm of its own.",
    ),
    (
        "divided by a norm of zero",
        "step(X, -dX, rate, normalize=normalize)",
        "step(X, -dX / (np.sqrt((dX**2).sum(axis=(1, 2, 3), keepdims=True)) if normalize else 1), rate, "
        "normalize=False)",
        "A gradient of zero is divided by its norm, which gives NaN; it happens where a layer is dead. The given "
        "function `step` knows of it.",
    ),
    (
        "not clipped",
        "clip(step(X, -dX, rate, normalize=normalize), bounds)",
        "step(X, -dX, rate, normalize=normalize)",
        "Pixels leave the range between black and white.",
    ),
    (
        "clipped to 0..255",
        "normalize=normalize), bounds)",
        "normalize=normalize), (0, 255))",
        "Pixels are clipped to 0..255. In model space the mean is subtracted, so black is not 0.",
    ),
    (
        "blurred at every step",
        "(t + 1) % blur_every == 0 and t + 1 < num_iterations",
        "t + 1 < num_iterations",
        "The image is blurred after every step. How often, blur_every says.",
    ),
    (
        "blurred after the last step",
        " and t + 1 < num_iterations:",
        ":",
        "The image is blurred once more in the end. After the last step nothing would sharpen it again.",
    ),
    (
        "blur counted from 0",
        "(t + 1) % blur_every",
        "t % blur_every",
        "The blur comes one step early: t counts from 0, so that after step t there have been t + 1 steps.",
    ),
    (
        "never blurred",
        "X = blur(X, blur_sigma)",
        "pass",
        "blur_every changes nothing: the image is never blurred.",
    ),
    (
        "one loss for the whole batch",
        "(difference**2 / size).sum(axis=per_image)",
        "(difference**2 / size).sum()",
        "The callback is told one loss for the whole batch; each image has its own.",
    ),
    (
        "no return",
        "    return X\n",
        "",
        "The function ends without a return, so that it returns None.",
    ),
)

_ASK = "dfeats = objective(feats)"

_DREAM = _mistakes(
    "dream",
    (
        "magnitudes of the activations",
        _ASK,
        "dfeats = {k: abs(d) for k, d in objective(feats).items()}",
        "What goes back has lost its signs: where the activation is negative, it should become more negative.",
    ),
    (
        "the sum of the activations",
        _ASK,
        "dfeats = {k: np.ones_like(a) for k, a in feats.items()}",
        "Ones go into the backward pass: that is the gradient of the sum of the activations. DeepDream makes half"
        " their squares larger, or what the objective says; what is the gradient of that?",
    ),
    (
        "objective ignored",
        _ASK,
        "dfeats = dict(feats)",
        "The activations are always their own gradient here. With weights on layers and channels, or with a guide, "
        "what goes back is another array. Who knows it?",
    ),
    (
        "squares without the half",
        _ASK,
        "dfeats = {k: 2 * d for k, d in objective(feats).items()}",
        "The gradient is twice what the objective says. The half in front of the squares is in it already.",
    ),
    (
        "the objective for its gradient",
        _ASK,
        "dfeats = {k: 0.5 * feats[k] * d for k, d in objective(feats).items()}",
        "The value of the objective goes into the backward pass, place by place: features times gradient. What belongs "
        "there is the gradient alone.",
    ),
    (
        "gradient times features",
        _ASK,
        "dfeats = {k: feats[k] * d for k, d in objective(feats).items()}",
        "The squared activations, or a gradient multiplied by the activations, go into the backward pass. What "
        "grows is half the sum of the squares, and its gradient is the activations themselves; an objective "
        "returns a gradient already.",
    ),
    (
        "mean for sum",
        _ASK,
        "dfeats = {k: d / d[0].size for k, d in objective(feats).items()}",
        "The gradient is divided by the number of activations, as if a mean were to grow. Take it as it is.",
    ),
    (
        "only the strongest activation",
        _ASK,
        "dfeats = {k: d * (feats[k] == feats[k].max()) for k, d in objective(feats).items()}",
        "Only the largest activation dreams. All of the layer should, each by its strength.",
    ),
    (
        "objective asked twice",
        _ASK,
        "dfeats = objective(objective(feats))",
        "The objective is applied to its own result, so that weights count twice. It takes features and returns a "
        "gradient: once is enough.",
    ),
    (
        "only the last layer dreams",
        _ASK,
        "dfeats = {k: d * (k == max(layers)) for k, d in objective(feats).items()}",
        "With several layers only the last one has a gradient. All of them dream together.",
    ),
    (
        "objective asked once for all steps",
        _ASK,
        "dfeats = objective(feats) if t == 0 else dfeats",
        "The gradient at the layers is that of the first step in every step. The features change with the image; ask "
        "the objective anew.",
    ),
    (
        "descends",
        "step(shifted, dX, ",
        "step(shifted, -dX, ",
        "The steps go downhill: the activations get weaker. Which way does a gradient point?",
    ),
    (
        "jitter not undone",
        "clip(jitter(shifted, -dy, -dx), bounds)",
        "clip(shifted, bounds)",
        "The image is shifted but not shifted back, and wanders about.",
    ),
    (
        "jitter undone with the same sign",
        "jitter(shifted, -dy, -dx)",
        "jitter(shifted, dy, dx)",
        "The shift is made twice instead of being undone.",
    ),
    (
        "rows for columns in the jitter",
        "shifted = jitter(dream, dy, dx)",
        "shifted = jitter(dream, dx, dy)",
        "Rows and columns are exchanged on the way out but not on the way back.",
    ),
    (
        "no jitter",
        "                shifted = jitter(dream, dy, dx)\n",
        "                shifted, dy, dx = dream, 0, 0\n",
        "max_jitter changes nothing: the gradient is taken at the image as it lies.",
    ),
    (
        "features of the image before the shift",
        "forward_layers(model, shifted, layers)",
        "forward_layers(model, dream, layers)",
        "Features and gradient are those of the image before the shift, the step is taken on the shifted one.",
    ),
    (
        "every step from the photograph",
        "shifted = jitter(dream, dy, dx)",
        "shifted = jitter(photograph, dy, dx)",
        "Every step starts at the photograph, so that the steps before are lost.",
    ),
    (
        "not clipped",
        "clip(jitter(shifted, -dy, -dx), bounds)",
        "jitter(shifted, -dy, -dx)",
        "Pixels leave the range between black and white.",
    ),
    (
        "clipped to 0..255",
        "-dx), bounds)",
        "-dx), (0, 255))",
        "Pixels are clipped to 0..255. In model space the mean is subtracted, so black is not 0.",
    ),
    (
        "bounds of the full-size image",
        "-dx), bounds)",
        "-dx), model.bounds(X))",
        "The bounds are those of the full-size image and do not fit a smaller octave: where a mean image is "
        "subtracted, each size has its own. The octave's bounds are given.",
    ),
    (
        "never normalised",
        "normalize=normalize)",
        "normalize=False)",
        "The step is the gradient times the rate even where it should be normalised.",
    ),
    (
        "always normalised",
        "normalize=normalize)",
        "normalize=True)",
        "Steps are normalised even with normalize=False.",
    ),
    (
        "normalised over the whole batch",
        "step(shifted, dX, rate, normalize=normalize)",
        "step(shifted, dX / (np.linalg.norm(dX) or 1 if normalize else 1), rate, normalize=False)",
        "The gradient is divided by the norm of the whole batch. Each image has a norm of its own.",
    ),
    (
        "divided by a norm of zero",
        "step(shifted, dX, rate, normalize=normalize)",
        "step(shifted, dX / (np.sqrt((dX**2).sum(axis=(1, 2, 3), keepdims=True)) if normalize else 1), rate, "
        "normalize=False)",
        "A gradient of zero is divided by its norm, which gives NaN; it happens where a layer is dead. The given "
        "function `step` knows of it.",
    ),
    (
        "divided by the mean magnitude",
        "step(shifted, dX, rate, normalize=normalize)",
        "step(shifted, dX / ((abs(dX).mean(axis=(1, 2, 3), keepdims=True) + 1e-12) if normalize else 1), rate, "
        "normalize=False)",
        "The gradient is divided by its mean magnitude. The length of a step is measured by the L2 norm.",
    ),
)

_HIDDEN = "Z[square] = hidden[n][square]"

_OCCLUSION = _mistakes(
    "occlusion",
    (
        "patches accumulate in X",
        _HIDDEN,
        "X[n][square] = hidden[n][square]\n                Z[:] = X[n]",
        "The squares are painted into X itself, so that each window hides what the windows before it hid, too.",
    ),
    (
        "patches accumulate in a copy",
        ("occluded = X[image]  # a copy", _HIDDEN),
        (
            "occluded = X[image]\n            canvas = X.copy()",
            "canvas[n][square] = hidden[n][square]\n                Z[:] = canvas[n]",
        ),
        "Each window hides what the windows before it hid, too. Every window starts from a fresh copy of its image.",
    ),
    (
        "sign of the drop",
        "value[image] - class_value(scores, y[image], objective)",
        "class_value(scores, y[image], objective) - value[image]",
        "The drop has the wrong sign: where the class loses by being hidden, it should be positive.",
    ),
    (
        "the occluded value itself",
        "value[image] - class_value(",
        "class_value(",
        "This is the value of the occluded image. The drop is how much lower that is than the whole image's.",
    ),
    (
        "rows for columns",
        "slice(top, top + window), slice(left, left + window)",
        "slice(left, left + window), slice(top, top + window)",
        "Rows and columns of the window are exchanged. Images are (C, H, W): rows come first.",
    ),
    (
        "window one pixel short",
        "slice(top, top + window), slice(left, left + window)",
        "slice(top, top + window - 1), slice(left, left + window - 1)",
        "The window is one pixel short in both directions. The end of a slice is not included.",
    ),
    (
        "window one pixel long",
        "slice(top, top + window), slice(left, left + window)",
        "slice(top, top + window + 1), slice(left, left + window + 1)",
        "The window is one pixel long in both directions. The end of a slice is not included.",
    ),
    (
        "window centred at its corner",
        "slice(top, top + window), slice(left, left + window)",
        "slice(max(top - window // 2, 0), top - window // 2 + window), "
        "slice(max(left - window // 2, 0), left - window // 2 + window)",
        "The window lies around (top, left), and is cut off at the border. These are its first row and column.",
    ),
    (
        "filled with zeros",
        _HIDDEN,
        "Z[square] = 0",
        "The window is filled with zeros, whatever `fill` says: in model space that is the mean colour. What to fill "
        "in is given.",
    ),
    (
        "filled from the corner",
        _HIDDEN,
        "Z[square] = hidden[n][:, :window, :window]",
        "The filling comes from the corner of the filling image. It should come from the place of the window.",
    ),
    (
        "filling of the first image",
        _HIDDEN,
        "Z[square] = hidden[0][square]",
        "All windows are filled from the first image's filling. Each image has its own.",
    ),
    (
        "only one channel hidden",
        "slice(None), slice(top",
        "slice(0, 1), slice(top",
        "Only the first channel is hidden; green and blue still show what was there.",
    ),
    (
        "everything but the window hidden",
        _HIDDEN,
        "kept = Z[square].copy()\n                Z[:] = hidden[n]\n                Z[square] = kept",
        "Everything but the window is hidden. Which part of the image should stay as it is?",
    ),
    (
        "class of the first image for all",
        "class_value(scores, y[image], objective)",
        "class_value(scores, y[:1].repeat(len(image)), objective)",
        "All windows are measured by the first image's class. Each window has the class of its own image.",
    ),
    (
        "value of the first image for all",
        "value[image] - ",
        "value[0] - ",
        "All windows are compared with the first whole image. Each belongs to an image of its own.",
    ),
    (
        "the highest class instead of y",
        "class_value(scores, y[image], objective)",
        "class_value(scores, scores.argmax(axis=1), objective)",
        "The value is that of the class with the highest score in the occluded image. Which class is asked for, y "
        "says.",
    ),
    (
        "score whatever is asked for",
        "class_value(scores, y[image], objective)",
        'class_value(scores, y[image], "score")',
        "The drop is a drop of the score even where the probability is asked for.",
    ),
    (
        "relative drop",
        "drop[part] = value[image] - class_value(scores, y[image], objective)",
        "drop[part] = 1 - class_value(scores, y[image], objective) / value[image]",
        "The drop is divided by the whole image's value. It is a plain difference; scores may be zero or negative.",
    ),
    (
        "magnitude of the drop",
        "value[image] - class_value(scores, y[image], objective)",
        "abs(value[image] - class_value(scores, y[image], objective))",
        "The drop has lost its sign: hiding what speaks against the class raises its value, and that drop is negative.",
    ),
    (
        "negative drops cut off",
        "value[image] - class_value(scores, y[image], objective)",
        "(value[image] - class_value(scores, y[image], objective)).clip(0)",
        "Negative drops are set to zero. Hiding what speaks against the class raises its value; the map should "
        "show it.",
    ),
)

_BACK = "model.backward(one_hot(y, scores), cache"

_GUIDED = _mistakes(
    "guided",
    (
        "the plain gradient",
        ', relu_rule="guided")',
        ")",
        "This is the plain gradient: the ReLUs let through negative gradients, too.",
    ),
    (
        "the deconvnet's rule",
        'relu_rule="guided"',
        'relu_rule="deconv"',
        "This is the deconvnet: it lets through what is positive, whether the ReLU was active or not. Guided "
        "backpropagation asks for both.",
    ),
    (
        "clamped at the image only",
        ', relu_rule="guided")\n    return dX',
        ")\n    return np.maximum(dX, 0)",
        "The plain gradient is clamped when it has arrived at the pixels. The rule holds at every ReLU on the way.",
    ),
    (
        "clamped at the image as well",
        "return dX",
        "return np.maximum(dX, 0)",
        "Negative values are removed at the pixels, too. There is no ReLU; what arrives keeps its sign.",
    ),
    (
        "gradient times active pixels",
        "return dX",
        "return dX * (X > 0)",
        "The pixels themselves are treated like a ReLU. The rule holds inside the network only.",
    ),
    (
        "gradient of the loss",
        "    dX, _ = " + _BACK,
        "    from ..classifiers.scores import softmax\n"
        "    dX, _ = model.backward(softmax(scores) - one_hot(y, scores), cache",
        "You go back from the softmax loss. Its gradient at the scores has other classes in it, and the opposite "
        "sign; start from the class's score.",
    ),
    (
        "gradient of the probability",
        "    dX, _ = " + _BACK,
        "    from ..classifiers.scores import softmax\n    p, mark = softmax(scores), one_hot(y, scores)\n"
        "    dX, _ = model.backward((p * mark).sum(axis=1, keepdims=True) * (mark - p), cache",
        "You go back from the probability behind the softmax; start from the score before it.",
    ),
    (
        "scores times one-hot",
        "one_hot(y, scores)",
        "scores * one_hot(y, scores)",
        "The score itself is sent back as its derivative. What is the derivative of a number by itself?",
    ),
    (
        "all classes together",
        "one_hot(y, scores)",
        "np.ones_like(scores)",
        "All scores are sent back together. Only that of class y should be.",
    ),
    (
        "the class of the first image for all",
        "one_hot(y, scores)",
        "one_hot(y[:1].repeat(len(y)), scores)",
        "All images get the first image's class. y has a class for each image.",
    ),
    (
        "one number a pixel",
        "return dX",
        "return abs(dX).max(axis=1)",
        "The channels are reduced to one number a pixel, as in a saliency map. All three are asked for, with signs.",
    ),
    (
        "magnitudes",
        "return dX",
        "return abs(dX)",
        "The signs are gone. What arrives at the pixels is returned as it is.",
    ),
    (
        "training mode",
        "model.forward(X)",
        'model.forward(X, mode="train")',
        "The network runs in training mode: batch norm uses the batch's statistics and changes its running averages.",
    ),
    (
        "no return",
        "    return dX\n",
        "",
        "The function ends without a return, so that it returns None.",
    ),
)

_RELU = "np.maximum(maps, 0) if relu else maps"
_ENLARGE = "upsample_maps(maps, X.shape[2:]) if upsample else maps"
_TOO_EARLY = (
    "    maps = np.maximum(maps, 0) if relu else maps\n"
    "    return upsample_maps(maps, X.shape[2:]) if upsample else maps",
    "    maps = upsample_maps(maps, X.shape[2:]) if upsample else maps\n"
    "    return np.maximum(maps, 0) if relu else maps",
)
_NEAREST = "maps.repeat(X.shape[2] // maps.shape[1], axis=1).repeat(X.shape[3] // maps.shape[2], axis=2)"

_CAM = _mistakes(
    "cam",
    (
        "maps not weighted",
        'np.einsum("cn,nchw->nhw", W[:, y], A)',
        "A.sum(axis=1)",
        "The maps are added without weights, so that every class gets the same picture.",
    ),
    (
        "rows of W for columns",
        'np.einsum("cn,nchw->nhw", W[:, y], A)',
        'np.einsum("nc,nchw->nhw", W[y], A)',
        "The weights are taken from the wrong axis of W. W is (C, K): which axis belongs to the classes?",
    ),
    (
        "ReLU before the sum",
        'maps = np.einsum("cn,nchw->nhw", W[:, y], A)',
        "maps = W[:, y].T[:, :, None, None] * A\n        maps = (np.maximum(maps, 0) if relu else maps).sum(axis=1)",
        "The ReLU is taken of each weighted map. What speaks for and against the class must meet in the sum first.",
    ),
    (
        "ReLU of the activations before the sum",
        'maps = np.einsum("cn,nchw->nhw", W[:, y], A)',
        'maps = np.einsum("cn,nchw->nhw", W[:, y], np.maximum(A, 0) if relu else A)',
        "The ReLU is taken of the layer's maps before they are weighted, and the weights have signs, too. It belongs "
        "to the sum.",
    ),
    (
        "class of the first image for all",
        "W[:, y]",
        "W[:, y[:1].repeat(len(y))]",
        "All images get the weights of the first image's class. y has a class for each image.",
    ),
    (
        "weights of all classes",
        'np.einsum("cn,nchw->nhw", W[:, y], A)',
        'np.einsum("ck,nchw->nhw", W, A)',
        "The weights of all classes are added. Only those of the image's class count.",
    ),
    (
        "mean for sum over the maps",
        'np.einsum("cn,nchw->nhw", W[:, y], A)',
        'np.einsum("cn,nchw->nhw", W[:, y], A) / len(W)',
        "The sum over the maps is divided by their number. The score is a sum over them.",
    ),
    (
        "divided by the number of places",
        'np.einsum("cn,nchw->nhw", W[:, y], A)',
        'np.einsum("cn,nchw->nhw", W[:, y], A) / A[0, 0].size',
        "The map is divided by the number of places. Its mean over the places is to be the score, not its sum.",
    ),
    (
        "only positive weights",
        "W[:, y]",
        "W[:, y].clip(0)",
        "Maps that speak against the class are left out. Their weights are negative, and belong to the sum.",
    ),
    (
        "magnitudes of the weights",
        "W[:, y]",
        "abs(W[:, y])",
        "The weights have lost their signs: what speaks against the class seems to speak for it.",
    ),
    (
        "bias added",
        'np.einsum("cn,nchw->nhw", W[:, y], A)',
        'np.einsum("cn,nchw->nhw", W[:, y], A) + list(model.params.values())[-1][y][:, None, None]',
        "The class's bias is added in every place. It is the same everywhere and says nothing of where; the map is "
        "the rest of the score.",
    ),
    (
        "the maps' mean subtracted",
        'np.einsum("cn,nchw->nhw", W[:, y], A)',
        'np.einsum("cn,nchw->nhw", W[:, y], A - A.mean(axis=(2, 3), keepdims=True))',
        "The mean of each map is subtracted. The map's mean over the places is to be the score without its bias.",
    ),
    (
        "all maps where each class has one",
        "maps = A[np.arange(len(X)), y]",
        "maps = A.sum(axis=1)",
        "Where each class has a map of its own all of them are added. Take that of class y.",
    ),
    (
        "maps of the first image's class",
        "maps = A[np.arange(len(X)), y]",
        "maps = A[:, y[0]]",
        "Where each class has a map of its own, all images get that of the first image's class.",
    ),
    (
        "maps of all images' classes",
        "maps = A[np.arange(len(X)), y]",
        "maps = A[:, y]",
        "Where each class has a map of its own, every image gets those of all images' classes. What pairs each image "
        "with its own class?",
    ),
    (
        "the first map whatever the class",
        "maps = A[np.arange(len(X)), y]",
        "maps = A[:, 0]",
        "Where each class has a map of its own, the first map is taken whatever the class is.",
    ),
    (
        "no ReLU",
        _RELU,
        "maps",
        "relu changes nothing: negative values stay.",
    ),
    (
        "ReLU always",
        _RELU,
        "np.maximum(maps, 0)",
        "Negative values are left out even where relu is False.",
    ),
    (
        "magnitudes for the ReLU",
        _RELU,
        "abs(maps) if relu else maps",
        "Negative values are turned into positive ones. The ReLU makes them zero.",
    ),
    (
        "enlarged before the ReLU",
        *_TOO_EARLY,
        "The map is enlarged first, and the ReLU comes then: negative values have run into their neighbours already.",
    ),
    (
        "never enlarged",
        _ENLARGE,
        "maps",
        "upsample changes nothing: the map keeps the layer's size.",
    ),
    (
        "enlarged without interpolation",
        _ENLARGE,
        _NEAREST + " if upsample else maps",
        "The map is enlarged by repeating its values. The given upsample_maps interpolates.",
    ),
    (
        "scaled to 0..1",
        _RELU,
        "np.maximum(maps, 0) if relu else maps\n    maps = maps / maps.max(axis=(1, 2), keepdims=True)",
        "The map is divided by its maximum, which gives NaN where it is zero everywhere. Scaling is for the plot.",
    ),
)

_ALPHA = "alpha = dA.mean(axis=(2, 3))"
_BACK_A = "dA, _ = model.backward(one_hot(y, scores), cache)"

_GRAD_CAM = _mistakes(
    "grad_cam",
    (
        "gradient of the probability",
        _BACK_A,
        "p, mark = np.exp(scores - scores.max(axis=1, keepdims=True)), one_hot(y, scores)\n"
        "    p = p / p.sum(axis=1, keepdims=True)\n"
        "    dA, _ = model.backward((p * mark).sum(axis=1, keepdims=True) * (mark - p), cache)",
        "The gradient is taken behind the softmax. Where the network is sure of the class it almost vanishes; start "
        "from the score.",
    ),
    (
        "gradient of the loss",
        "    " + _BACK_A,
        "    from ..layers.losses import softmax_loss\n    dA, _ = model.backward(softmax_loss(scores, y)[1], cache)",
        "The gradient is that of the softmax loss: other classes are in it, and it has the opposite sign. Start from "
        "the score.",
    ),
    (
        "scores times one-hot",
        "one_hot(y, scores)",
        "scores * one_hot(y, scores)",
        "The score itself is sent back as its derivative. What is the derivative of a number by itself?",
    ),
    (
        "the highest class instead of y",
        "one_hot(y, scores)",
        "one_hot(scores.argmax(axis=1), scores)",
        "The map is that of the class with the highest score. Which class is asked for, y says.",
    ),
    (
        "the class of the first image for all",
        "one_hot(y, scores)",
        "one_hot(y[:1].repeat(len(y)), scores)",
        "All images get the map of the first image's class. y has a class for each image.",
    ),
    (
        "weights from the image's gradient",
        _BACK_A,
        "dA, _ = model.backward(one_hot(y, scores), model.forward(X)[1])",
        "The gradient goes back to the pixels and has three channels. The weights come from the gradient to the "
        "layer's maps: where must the backward pass stop?",
    ),
    (
        "sum for mean of the gradient",
        _ALPHA,
        "alpha = dA.sum(axis=(2, 3))",
        "The weights are sums of the gradient over the places. They are to be means, so that layers of any size "
        "compare.",
    ),
    (
        "largest gradient",
        _ALPHA,
        "alpha = dA.max(axis=(2, 3))",
        "The weights are the largest gradients. They are to be means over the places.",
    ),
    (
        "weights averaged over the batch",
        "    " + _ALPHA,
        "    alpha = dA.mean(axis=(0, 2, 3))[None].repeat(len(X), axis=0)",
        "The weights are averaged over the images of the batch, too. Each image has its own.",
    ),
    (
        "weights divided by the number of images, too",
        "    " + _ALPHA,
        "    alpha = dA.mean(axis=(2, 3)) / len(X)",
        "The weights are divided by the number of images, too: a batch then has other maps than its images alone.",
    ),
    (
        "only positive weights",
        _ALPHA,
        "alpha = dA.mean(axis=(2, 3)).clip(0)",
        "The ReLU is taken of the weights. A map may speak against the class; the ReLU belongs to the sum.",
    ),
    (
        "only positive gradients",
        _ALPHA,
        "alpha = dA.clip(0).mean(axis=(2, 3))",
        "Negative gradients are left out of the mean. That is another technique (Grad-CAM++ goes this way).",
    ),
    (
        "magnitudes of the weights",
        _ALPHA,
        "alpha = abs(dA.mean(axis=(2, 3)))",
        "The weights have lost their signs: what speaks against the class seems to speak for it.",
    ),
    (
        "gradient times activation in each place",
        'np.einsum("nc,nchw->nhw", alpha, A)',
        "(dA * A).sum(axis=1)",
        "The gradient is multiplied place by place, without its mean over the places. Each map has one weight.",
    ),
    (
        "maps not weighted",
        'np.einsum("nc,nchw->nhw", alpha, A)',
        "A.sum(axis=1)",
        "The maps are added without weights, so that every class gets the same picture.",
    ),
    (
        "mean for sum over the maps",
        'np.einsum("nc,nchw->nhw", alpha, A)',
        'np.einsum("nc,nchw->nhw", alpha, A) / A.shape[1]',
        "The sum over the maps is divided by their number.",
    ),
    (
        "ReLU before the sum",
        'np.einsum("nc,nchw->nhw", alpha, A)',
        "(alpha[:, :, None, None] * A).clip(0).sum(axis=1)",
        "The ReLU is taken of each weighted map. What speaks for and against the class must meet in the sum first.",
    ),
    (
        "always the last layer",
        ("model.forward(X, end=layer)", "start=layer + 1"),
        (
            "model.forward(X, end=len(model.layer_names) - 3)",
            "start=len(model.layer_names) - 2",
        ),
        "The maps are always those of the last layer that has any. Which layer is asked for, `layer` says.",
    ),
    (
        "the layer runs twice",
        "start=layer + 1",
        "start=layer",
        "The second part of the network begins with the layer that the first part ended with. Both ends are included.",
    ),
    (
        "training mode",
        "model.forward(X, end=layer)",
        'model.forward(X, end=layer, mode="train")',
        "The network runs in training mode: batch norm uses the batch's statistics and changes its running averages.",
    ),
    (
        "no ReLU",
        _RELU,
        "maps",
        "relu changes nothing: negative values stay.",
    ),
    (
        "ReLU always",
        _RELU,
        "np.maximum(maps, 0)",
        "Negative values are left out even where relu is False.",
    ),
    (
        "enlarged before the ReLU",
        *_TOO_EARLY,
        "The map is enlarged first, and the ReLU comes then: negative values have run into their neighbours already.",
    ),
    (
        "never enlarged",
        _ENLARGE,
        "maps",
        "upsample changes nothing: the map keeps the layer's size.",
    ),
    (
        "enlarged without interpolation",
        _ENLARGE,
        _NEAREST + " if upsample else maps",
        "The map is enlarged by repeating its values. The given upsample_maps interpolates.",
    ),
    (
        "scaled to 0..1",
        _RELU,
        "np.maximum(maps, 0) if relu else maps\n    maps = maps / maps.max(axis=(1, 2), keepdims=True)",
        "The map is divided by its maximum: 0/0 gives NaN where it is zero everywhere. Scaling is for the plot.",
    ),
    (
        "gradient scaled by its norm",
        _ALPHA,
        "dA = dA / np.sqrt((dA**2).sum(axis=(1, 2, 3), keepdims=True))\n    alpha = dA.mean(axis=(2, 3))",
        "The gradient is divided by its norm first. Equation 1 has no such factor, and where the gradient is zero it "
        "gives NaN.",
    ),
)

_PLUS_PLUS = "return (alpha * np.maximum(g, 0)).sum(axis=(2, 3), keepdims=True)"
_ALPHA_SAFE = "alpha = np.divide(g**2, below, out=np.zeros_like(g), where=below != 0)"
_MAP_SUM = "A.sum(axis=(2, 3), keepdims=True)"
_POSITIVE = "return np.maximum(g, 0)"

_LAYER_CAM = _mistakes(
    "layer_cam",
    (
        "LayerCAM: negative gradients kept",
        _POSITIVE,
        "return g.copy()",
        "layer_cam_weights returns the gradient as it is, which is HiResCAM. A position that speaks against the class "
        "should have no weight.",
    ),
    (
        "LayerCAM: magnitudes",
        _POSITIVE,
        "return np.abs(g)",
        "layer_cam_weights has lost the signs: positions that speak against the class count as if they spoke for it.",
    ),
    (
        "LayerCAM: the mean of a channel",
        _POSITIVE,
        "return np.maximum(g.mean(axis=(2, 3), keepdims=True), 0) * np.ones_like(g)",
        "layer_cam_weights gives all positions of a channel the same weight, as Grad-CAM does. Each has its own.",
    ),
    (
        "LayerCAM: the mean of the positive gradients",
        _POSITIVE,
        "return np.maximum(g, 0).mean(axis=(2, 3), keepdims=True)",
        "layer_cam_weights averages over the positions. What makes the method work at early layers is that each "
        "position keeps its own weight.",
    ),
    (
        "LayerCAM: weights of 0 and 1",
        _POSITIVE,
        "return (g > 0).astype(g.dtype)",
        "layer_cam_weights says where the gradient is positive, but not how large it is.",
    ),
    (
        "LayerCAM: the map itself",
        _POSITIVE,
        "return np.maximum(g, 0) * A",
        "layer_cam_weights multiplies by the maps already. That comes later; here only the weights are asked for.",
    ),
    (
        "LayerCAM: ReLU of the product",
        _POSITIVE,
        "return np.maximum(g * A, 0)",
        "layer_cam_weights takes the positive part of gradient times map. The weights depend on the gradient alone.",
    ),
    (
        "LayerCAM: only active positions",
        _POSITIVE,
        "return np.where(A > 0, np.maximum(g, 0), 0)",
        "layer_cam_weights looks at the maps, too. Where a map is 0 its weight has no effect, but it is that of the "
        "gradient all the same.",
    ),
    (
        "LayerCAM: the negative part",
        _POSITIVE,
        "return np.maximum(-g, 0)",
        "layer_cam_weights keeps what would lower the score. What sign does the gradient have where a stronger "
        "activation would raise it?",
    ),
    (
        "LayerCAM: scaled to 1",
        _POSITIVE,
        "weights = np.maximum(g, 0)\n    return weights / weights.max(axis=(1, 2, 3), keepdims=True)",
        "layer_cam_weights divides by the largest weight: 0/0 gives NaN where no gradient is positive. Scaling is for "
        "the plot.",
    ),
    (
        "LayerCAM: g changed in place",
        _POSITIVE,
        "g[g < 0] = 0\n    return g",
        "layer_cam_weights writes into g, which belongs to the caller.",
    ),
    (
        "LayerCAM: no return",
        _POSITIVE,
        "np.maximum(g, 0)",
        "layer_cam_weights ends without a return, so that it returns None.",
    ),
    (
        "Grad-CAM++: no alpha",
        _PLUS_PLUS,
        "return np.maximum(g, 0).sum(axis=(2, 3), keepdims=True)",
        "grad_cam_plus_plus_weights adds up the positive gradients without alpha, so that large objects count more "
        "than small ones.",
    ),
    (
        "Grad-CAM++: alpha alone",
        _PLUS_PLUS,
        "return alpha.sum(axis=(2, 3), keepdims=True)",
        "grad_cam_plus_plus_weights adds up alpha alone. It is the weight of something in the sum.",
    ),
    (
        "Grad-CAM++: negative gradients kept",
        _PLUS_PLUS,
        "return (alpha * g).sum(axis=(2, 3), keepdims=True)",
        "grad_cam_plus_plus_weights counts negative gradients, too. The factor behind alpha is the positive part.",
    ),
    (
        "Grad-CAM++: magnitudes of the gradient",
        _PLUS_PLUS,
        "return (alpha * np.abs(g)).sum(axis=(2, 3), keepdims=True)",
        "grad_cam_plus_plus_weights takes magnitudes of the gradient, so that negative ones count as positive ones.",
    ),
    (
        "Grad-CAM++: ReLU of the sum",
        _PLUS_PLUS,
        "return np.maximum((alpha * g).sum(axis=(2, 3), keepdims=True), 0)",
        "grad_cam_plus_plus_weights takes the positive part of the sum. It belongs to each position's gradient, before "
        "the sum.",
    ),
    (
        "Grad-CAM++: mean for sum",
        _PLUS_PLUS,
        _PLUS_PLUS.replace(".sum(", ".mean("),
        "grad_cam_plus_plus_weights averages over the positions. In Grad-CAM++ alpha does what the mean does in "
        "Grad-CAM.",
    ),
    (
        "Grad-CAM++: summed over the channels, too",
        _PLUS_PLUS,
        _PLUS_PLUS.replace("(2, 3)", "(1, 2, 3)"),
        "grad_cam_plus_plus_weights has one number for each image. Each channel has a weight of its own.",
    ),
    (
        "Grad-CAM++: factor 2 missing",
        "below = 2 * g**2",
        "below = g**2",
        "The denominator of alpha lacks a factor. Compare its first term with the formula.",
    ),
    (
        "Grad-CAM++: the map for its sum",
        _MAP_SUM,
        "A",
        "The denominator of alpha has the activation of each position where the sum over the whole map belongs.",
    ),
    (
        "Grad-CAM++: sum of the products",
        _MAP_SUM + " * g**3",
        "(A * g**3).sum(axis=(2, 3), keepdims=True)",
        "The denominator of alpha adds up the products of map and gradient. The sum runs over the map alone, and the "
        "gradient is that of the position.",
    ),
    (
        "Grad-CAM++: sum over all channels",
        _MAP_SUM,
        "A.sum(axis=(1, 2, 3), keepdims=True)",
        "The denominator of alpha has the sum of all channels' maps. Each channel has its own.",
    ),
    (
        "Grad-CAM++: sum over the batch",
        _MAP_SUM,
        "A.sum(axis=(0, 2, 3), keepdims=True)",
        "The denominator of alpha adds up the maps of all images, so that an image's weights depend on its neighbours.",
    ),
    (
        "Grad-CAM++: mean of the map",
        _MAP_SUM,
        "A.mean(axis=(2, 3), keepdims=True)",
        "The denominator of alpha has the mean of the map. It is to be the sum.",
    ),
    (
        "Grad-CAM++: positive part of the maps",
        _MAP_SUM,
        "np.maximum(A, 0).sum(axis=(2, 3), keepdims=True)",
        "The denominator of alpha leaves out what is negative in the maps. The sum runs over all of it.",
    ),
    (
        "Grad-CAM++: the square for the cube",
        "g**3",
        "g**2",
        "The denominator of alpha has the same power of the gradient in both terms. Look at the second one.",
    ),
    (
        "Grad-CAM++: division by 0",
        _ALPHA_SAFE,
        'with np.errstate(divide="ignore", invalid="ignore"):\n        alpha = g**2 / below',
        "alpha is 0/0 where the gradient is 0, or x/0 where the terms cancel, and one such position makes the whole "
        "weight NaN.",
    ),
    (
        "Grad-CAM++: a small number in the denominator",
        _ALPHA_SAFE,
        "alpha = g**2 / (below + 1e-7)",
        "A small number is added to the denominator of alpha. Where the two terms cancel, alpha is huge instead of 0.",
    ),
    (
        "Grad-CAM++: denominators of 0 become 1",
        _ALPHA_SAFE,
        "alpha = g**2 / np.where(below != 0, below, 1)",
        "Where the denominator of alpha is 0 it is replaced by 1. Then alpha is g^2 there, and not 0.",
    ),
    (
        "Grad-CAM++: magnitude of the denominator",
        "below = 2 * g**2 + A.sum(axis=(2, 3), keepdims=True) * g**3",
        "below = np.abs(2 * g**2 + A.sum(axis=(2, 3), keepdims=True) * g**3)",
        "The denominator of alpha has lost its sign. alpha may be negative where the map's sum is.",
    ),
    (
        "Grad-CAM++: alpha divided by its sum",
        _PLUS_PLUS,
        "total = alpha.sum(axis=(2, 3), keepdims=True)\n    alpha = alpha / np.where(total != 0, total, 1)\n    "
        + _PLUS_PLUS,
        "alpha is divided by its sum over the positions. Some programs do so; the paper's equation 19 does not.",
    ),
    (
        "Grad-CAM++: no return",
        _PLUS_PLUS,
        _PLUS_PLUS.removeprefix("return "),
        "grad_cam_plus_plus_weights ends without a return, so that it returns None.",
    ),
)

_SEEN = "seen = empty[n] + masks[:, None] * (X[n] - empty[n])  # (M, 3, H, W)"
_WEIGHTED = "total[n] += np.tensordot(value_of(seen, y[n]), masks, axes=1)"
_RISE_MEAN = "maps = total / (samples * keep)"

_RISE = _mistakes(
    "rise",
    (
        "not divided by keep",
        _RISE_MEAN,
        "maps = total / samples",
        "The sum is divided by the number of masks only. A pixel is seen in part of the masks: what makes up for that?",
    ),
    (
        "not divided by samples",
        _RISE_MEAN,
        "maps = total / keep",
        "The map grows with the number of masks. It should be a mean, which more masks make more exact.",
    ),
    (
        "not divided at all",
        _RISE_MEAN,
        "maps = total",
        "This is the weighted sum of the masks. It is to be divided by `samples` and by `keep`.",
    ),
    (
        "divided by what is hidden",
        _RISE_MEAN,
        "maps = total / (samples * (1 - keep))",
        "The sum is divided by the probability that a cell is hidden. `keep` is the probability that it is seen.",
    ),
    (
        "divided by the sum of the masks",
        ("for masks in batches:", _RISE_MEAN),
        (
            "coverage = np.zeros(X.shape[2:])\n    for masks in batches:\n        coverage += masks.sum(axis=0)",
            "maps = total / np.maximum(coverage, 1e-12)",
        ),
        "Each pixel is divided by how often it was seen in these masks. Equation 6 divides by how often that is "
        "expected, which is the same for all pixels.",
    ),
    (
        "mean over the batches of masks",
        ("for masks in batches:", _RISE_MEAN),
        (
            "count = 0\n    for masks in batches:\n        count += 1",
            "maps = total / (count * keep)",
        ),
        "The sum is divided by the number of batches. A batch holds many masks, and the last one fewer.",
    ),
    (
        "mean of the batches' means",
        ("for masks in batches:", _WEIGHTED, _RISE_MEAN),
        (
            "count = 0\n    for masks in batches:\n        count += 1",
            "total[n] += np.tensordot(value_of(seen, y[n]), masks, axes=1) / len(masks)",
            "maps = total / (count * keep)",
        ),
        "Each batch of masks is averaged, and then these means. The last batch may be smaller, and its masks would "
        "count more than the others.",
    ),
    (
        "only the last batch",
        "total[n] += ",
        "total[n] = ",
        "Each batch of masks replaces what the batches before it have added up.",
    ),
    (
        "all images in every map",
        "total[n] += ",
        "total += ",
        "Every image's masks are added to the maps of all images. total[n] belongs to image n.",
    ),
    (
        "batches gone through for each image",
        "for masks in batches:\n        for n in range(len(X)):",
        "for n in range(len(X)):\n        for masks in batches:",
        "`batches` can be gone through once only. After the first image it is used up, and the other maps stay 0: each "
        "batch of masks is for all images.",
    ),
    (
        "masks upside down",
        "masks[:, None] * (X[n] - empty[n])",
        "(1 - masks[:, None]) * (X[n] - empty[n])",
        "What a mask should show is hidden, and the rest is seen. The image is seen where the mask is 1.",
    ),
    (
        "hidden parts weighted",
        _WEIGHTED,
        "total[n] += np.tensordot(value_of(seen, y[n]), 1 - masks, axes=1)",
        "The value of a masked image goes to what is hidden in it. Which pixels let the network see the class?",
    ),
    (
        "nothing put in place of what is hidden",
        _SEEN,
        "seen = masks[:, None] * X[n]",
        "The image is multiplied by the mask alone. In model space 0 is the mean colour; what stands where nothing is "
        "seen is given.",
    ),
    (
        "what is hidden added to the image",
        _SEEN,
        "seen = X[n] + (1 - masks[:, None]) * empty[n]",
        "The image is seen everywhere, and the filling is added to it. Where a mask is 0 the image must be gone.",
    ),
    (
        "filled from the first image",
        _SEEN,
        "seen = empty[0] + masks[:, None] * (X[n] - empty[0])",
        "All images are filled from the first image's filling. Each has its own.",
    ),
    (
        "the first image for all",
        _SEEN,
        "seen = empty[0] + masks[:, None] * (X[0] - empty[0])",
        "All maps are those of the first image. X[n] is the image of the map n.",
    ),
    (
        "class of the first image for all",
        "(seen, y[n])",
        "(seen, y[0])",
        "All images are measured by the first image's class. y has a class for each image.",
    ),
    (
        "the highest class instead of y",
        "value_of(seen, y[n])",
        "value_of(seen, int(model.scores(seen)[0].argmax()))",
        "The value is that of the class with the highest score. Which class is asked for, y says.",
    ),
    (
        "masks of 0 and 1",
        "masks[:, None] * (X[n] - empty[n])",
        "(masks[:, None] > 0.5) * (X[n] - empty[n])",
        "The masks are made hard before they cover the image. In between 0 and 1 it is a mixture.",
    ),
    (
        "hard masks weighted",
        _WEIGHTED,
        "total[n] += np.tensordot(value_of(seen, y[n]), masks > 0.5, axes=1)",
        "The masks are made hard before they are added up. A pixel that is half seen gets half of the value.",
    ),
    (
        "only one channel hidden",
        _SEEN,
        "seen = X[n] * np.ones((len(masks), 1, 1, 1))\n"
        "            seen[:, 0] = empty[n, 0] + masks * (X[n, 0] - empty[n, 0])",
        "Only the first channel is hidden; green and blue still show what was there.",
    ),
    (
        "masks not weighted",
        _WEIGHTED,
        "total[n] += masks.sum(axis=0)",
        "The masks are added without weights, so that the map shows the masks and nothing of the image.",
    ),
    (
        "value of the whole image",
        _WEIGHTED,
        "total[n] += np.tensordot(value_of(X[n] + 0 * seen, y[n]), masks, axes=1)",
        "Every mask gets the value of the whole image. It is to be that of the image under this mask.",
    ),
    (
        "values averaged over the masks",
        _WEIGHTED,
        "total[n] += value_of(seen, y[n]).mean() * masks.sum(axis=0)",
        "All masks of a batch get the same weight, the mean of their values. Each mask has its own.",
    ),
    (
        "masks averaged, not weighted one by one",
        _WEIGHTED,
        "total[n] += value_of(seen, y[n]).sum() * masks.mean(axis=0) / len(masks)",
        "Values and masks are added up separately. Multiply each mask by its value first, then add.",
    ),
    (
        "drop of the value",
        _WEIGHTED,
        "total[n] += np.tensordot(value_of(X[n : n + 1], y[n]) - value_of(seen, y[n]), masks, axes=1)",
        "The weight of a mask is how much the value drops under it. That is occlusion; RISE takes the value itself.",
    ),
    (
        "less the mean value",
        _WEIGHTED,
        "value = value_of(seen, y[n])\n            total[n] += np.tensordot(value - value.mean(), masks, axes=1)",
        "The mean value is subtracted from the weights. Equation 6 takes the values as they are.",
    ),
    (
        "values divided by their sum",
        _WEIGHTED,
        "value = value_of(seen, y[n])\n            total[n] += np.tensordot(value / value.sum(), masks, axes=1)",
        "The weights are divided by their sum in the batch. Equation 6 takes the values as they are.",
    ),
    (
        "magnitudes of the values",
        "np.tensordot(value_of(seen, y[n]), masks",
        "np.tensordot(np.abs(value_of(seen, y[n])), masks",
        "The values have lost their signs. A score may be negative, and then lowers what the mask shows.",
    ),
    (
        "negative values cut off",
        "np.tensordot(value_of(seen, y[n]), masks",
        "np.tensordot(value_of(seen, y[n]).clip(0), masks",
        "Negative values are set to zero. A score may be negative, and then lowers what the mask shows.",
    ),
    (
        "score whatever is asked for",
        "value_of(seen, y[n])",
        "model.scores(seen)[:, y[n]]",
        "The weights are scores even where probabilities are asked for. value_of knows which it is.",
    ),
    (
        "scaled to 0..1",
        _RISE_MEAN,
        "low, high = total.min(axis=(1, 2), keepdims=True), total.max(axis=(1, 2), keepdims=True)\n"
        "    maps = (total - low) / (high - low)",
        "The map is scaled from 0 to 1. Scaling is for the plot; returned is a mean of values.",
    ),
    (
        "X changed in place",
        _SEEN,
        "X[n] -= empty[n]\n            seen = empty[n] + masks[:, None] * X[n]",
        "The images that were given are changed. `-=` writes into the array: which operation does not?",
    ),
)

_LRP_Z = "z, cache = model.forward(a, start=layer, end=layer)"
_RMS = "rms = np.sqrt((z**2).mean(axis=tuple(range(1, z.ndim)), keepdims=True))"
_SIGNED_EPSILON = "np.where(z < 0, z - epsilon * rms, z + epsilon * rms)"
_RATIO = "ratio = np.divide(R, z, out=np.zeros_like(R), where=z != 0)"
_SHARE_BACK = "back, _ = model.backward(ratio, cache)"

_LRP = _mistakes(
    "lrp",
    (
        "not times the inputs",
        "return a * back",
        "return back",
        "What comes back through the layer is returned as it is. An input's contribution has another factor: which "
        "part of a_j w_jk is still missing?",
    ),
    (
        "not divided by the outputs",
        _SHARE_BACK,
        "back, _ = model.backward(R, cache)",
        "R itself goes back through the layer. What each input gets is a share of it: of which sum?",
    ),
    (
        "multiplied by the outputs",
        _RATIO,
        "ratio = R * z",
        "R is multiplied by the outputs. A share is a part divided by the whole.",
    ),
    (
        "ratio upside down",
        _RATIO,
        "ratio = np.divide(z, R, out=np.zeros_like(R), where=R != 0)",
        "The outputs are divided by their relevance. What is shared out, and into how much?",
    ),
    (
        "the outputs go back",
        _SHARE_BACK,
        "back, _ = model.backward(z, cache)",
        "The outputs go back through the layer, and R has no effect. It is the relevance that is handed on.",
    ),
    (
        "ones go back",
        _SHARE_BACK,
        "back, _ = model.backward(np.ones_like(R), cache)",
        "Ones go back through the layer, and R has no effect. How much of its relevance does an output hand on for "
        "each unit of z?",
    ),
    (
        "no epsilon",
        _SIGNED_EPSILON,
        "z.copy()",
        "epsilon has no effect: this is the rule 0.",
    ),
    (
        "epsilon without sign",
        _SIGNED_EPSILON,
        "z + epsilon * rms",
        "Epsilon is added to negative outputs, too, and brings their denominators nearer to 0, or beyond it.",
    ),
    (
        "epsilon with the wrong sign",
        _SIGNED_EPSILON,
        "np.where(z < 0, z + epsilon * rms, z - epsilon * rms)",
        "Epsilon makes the denominators smaller in magnitude. It is there to make them larger.",
    ),
    (
        "epsilon with the sign of R",
        _SIGNED_EPSILON,
        "np.where(R < 0, z - epsilon * rms, z + epsilon * rms)",
        "Epsilon has the sign of the relevance. It is to make the denominator larger in magnitude: whose sign counts?",
    ),
    (
        "sign 0 of 0",
        _SIGNED_EPSILON,
        "z + epsilon * rms * np.sign(z)",
        "np.sign(0) is 0, so that an output of exactly 0 gets no epsilon. Here 0 counts as positive.",
    ),
    (
        "magnitude of the denominator",
        _SIGNED_EPSILON,
        "np.abs(z) + epsilon * rms",
        "The denominators have lost their signs. An input that speaks against a negative output gets the wrong sign.",
    ),
    (
        "epsilon not scaled",
        _SIGNED_EPSILON,
        "np.where(z < 0, z - epsilon, z + epsilon)",
        "Epsilon is added as it is. It is a part of the outputs' root mean square, so that it means the same in every "
        "layer.",
    ),
    (
        "root mean square of the whole batch",
        _RMS,
        "rms = np.sqrt((z**2).mean())",
        "The root mean square is that of the whole batch, so that an image's relevance depends on its neighbours.",
    ),
    (
        "root mean square over the batch at each output",
        _RMS,
        "rms = np.sqrt((z**2).mean(axis=0, keepdims=True))",
        "The root mean square is taken over the images. Each image has one, over all its outputs.",
    ),
    (
        "root mean square of each position",
        _RMS,
        "rms = np.sqrt((z**2).mean(axis=1, keepdims=True))",
        "The root mean square is taken over the channels only. An image has one for the whole layer.",
    ),
    (
        "root mean square of each channel",
        _RMS,
        "rms = np.sqrt((z**2).mean(axis=tuple(range(2, z.ndim)), keepdims=True))",
        "The root mean square is that of each channel. An image has one for the whole layer.",
    ),
    (
        "root mean square along the last axis",
        _RMS,
        "rms = np.sqrt((z**2).mean(axis=-1, keepdims=True))",
        "The root mean square is taken along the last axis only. An image has one for the whole layer.",
    ),
    (
        "mean square without root",
        _RMS,
        "rms = (z**2).mean(axis=tuple(range(1, z.ndim)), keepdims=True)",
        "The mean square lacks its root: it is not in the units of z.",
    ),
    (
        "norm for root mean square",
        _RMS,
        "rms = np.sqrt((z**2).sum(axis=tuple(range(1, z.ndim)), keepdims=True))",
        "This is the norm of the outputs, which grows with their number. A mean does not.",
    ),
    (
        "mean magnitude",
        _RMS,
        "rms = np.abs(z).mean(axis=tuple(range(1, z.ndim)), keepdims=True)",
        "This is the mean magnitude of the outputs. Asked for is the root of their mean square.",
    ),
    (
        "standard deviation",
        _RMS,
        "rms = z.std(axis=tuple(range(1, z.ndim)), keepdims=True)",
        "This is the standard deviation of the outputs: their mean was subtracted before squaring.",
    ),
    (
        "largest output",
        _RMS,
        "rms = np.abs(z).max(axis=tuple(range(1, z.ndim)), keepdims=True)",
        "Epsilon is a part of the largest output. It is to be a part of the root mean square.",
    ),
    (
        "division by 0",
        _RATIO,
        'with np.errstate(divide="ignore", invalid="ignore"):\n        ratio = R / z',
        "An output of exactly 0 makes infinity or NaN, and the backward pass spreads it. Such an output hands nothing "
        "on.",
    ),
    (
        "a small number in the denominator",
        _RATIO,
        "ratio = R / (z + 1e-9)",
        "A small number is added to every denominator. Where the output is 0 its inputs get enormous relevances that "
        "cancel.",
    ),
    (
        "denominators of 0 become 1",
        _RATIO,
        "ratio = R / np.where(z != 0, z, 1)",
        "Denominators of 0 are replaced by 1, so that outputs to which nothing was contributed hand relevance on.",
    ),
    (
        "biases left out",
        _LRP_Z,
        "z, cache = model.forward(a, start=layer, end=layer)\n"
        "    z = z - model.forward(np.zeros_like(a), start=layer, end=layer)[0]",
        "The denominators are the outputs without their biases. z is what the layer returns; biases keep their share.",
    ),
    (
        "biases counted twice",
        _LRP_Z,
        "z, cache = model.forward(a, start=layer, end=layer)\n"
        "    z = z + model.forward(np.zeros_like(a), start=layer, end=layer)[0]",
        "The biases are in the denominators twice. model.forward adds them already.",
    ),
    (
        "only positive outputs",
        "where=z != 0",
        "where=z > 0",
        "Outputs below 0 hand nothing on. Their relevance is shared out like that of the others.",
    ),
    (
        "negative relevance cut off",
        "return a * back",
        "return np.maximum(a * back, 0)",
        "Negative relevance is set to zero. An input may speak against the class.",
    ),
    (
        "magnitudes of the inputs",
        "return a * back",
        "return np.abs(a) * back",
        "The inputs have lost their signs. A contribution is the input, as it is, times its weight.",
    ),
    (
        "squares of the inputs",
        "return a * back",
        "return a**2 * back",
        "The inputs count twice. A contribution has each of its two factors once.",
    ),
    (
        "scaled so that nothing is lost",
        "return a * back",
        "shares, axes = a * back, tuple(range(1, a.ndim))\n    kept = R.sum(axis=tuple(range(1, R.ndim)))\n"
        "    return shares * (kept / shares.sum(axis=axes)).reshape(-1, *[1] * (a.ndim - 1))",
        "The result is scaled so that its sum is that of R. What biases and epsilon have taken is lost, and should be.",
    ),
    (
        "all layers from here",
        "start=layer, end=layer",
        "start=layer",
        "All layers from this one to the last run. R belongs to the outputs of one layer.",
    ),
    (
        "all layers up to here",
        "start=layer, end=layer",
        "end=layer",
        "The layers before this one run, too, on what they have computed already. `a` are the inputs of this layer.",
    ),
    (
        "R changed in place",
        _RATIO,
        "ratio = np.divide(R, z, out=R, where=z != 0)",
        "The ratio is written into R, which belongs to the caller. What makes another array?",
    ),
    (
        "no return",
        "return a * back",
        "a * back",
        "The function ends without a return, so that it returns None.",
    ),
)

_CONTENT_LOSS = "loss = content_weight * np.square(difference, dtype=np.float64).sum()"

_CONTENT = _mistakes(
    "content",
    (
        "mean for sum",
        (_CONTENT_LOSS, "difference *= 2 * content_weight"),
        (_CONTENT_LOSS.replace("sum", "mean"), "difference *= 2 * content_weight / difference.size"),
        "Loss and gradient are means over the features. Content loss is a sum; as a mean it has next to no weight "
        "beside the style.",
    ),
    (
        "mean for sum in the loss",
        _CONTENT_LOSS,
        _CONTENT_LOSS.replace("sum", "mean"),
        "The loss is a mean over the features. It is to be a sum.",
    ),
    (
        "half the squares",
        (_CONTENT_LOSS, "difference *= 2 * content_weight"),
        (_CONTENT_LOSS.replace("= ", "= 0.5 * "), "difference *= content_weight"),
        "Loss and gradient are half of what they should be. Gatys's paper has a factor 1/2; here it is left out.",
    ),
    (
        "gradient's factor 2 missing",
        "difference *= 2 * content_weight",
        "difference *= content_weight",
        "The gradient is half of what the loss needs. What is the derivative of (a - b)^2?",
    ),
    (
        "weight missing in the gradient",
        "difference *= 2 * content_weight",
        "difference *= 2",
        "The weight has no part in the gradient, which is one of the weighted loss.",
    ),
    (
        "weight missing in the loss",
        "loss = content_weight * ",
        "loss = ",
        "The weight has no part in the loss: it is a factor of the sum.",
    ),
    (
        "weight ignored",
        (_CONTENT_LOSS, "difference *= 2 * content_weight"),
        (_CONTENT_LOSS.replace("content_weight * ", ""), "difference *= 2"),
        "The weight has no effect, neither on the loss nor on its gradient.",
    ),
    (
        "sign of the gradient",
        "difference = content_current - content_original",
        "difference = content_original - content_current",
        "The gradient has the wrong sign; the loss, being squared, does not notice. By which of the two arrays is it a "
        "derivative?",
    ),
    (
        "features changed in place",
        "    difference = content_current - content_original\n",
        "    difference = content_current\n    difference -= content_original\n",
        "The given features are changed: an assignment in place writes into the array it was given.",
    ),
    (
        "norm for its square",
        _CONTENT_LOSS,
        "loss = content_weight * np.sqrt(np.square(difference).sum())",
        "The loss is the length of the difference. It is to be its square.",
    ),
    (
        "magnitudes for squares",
        (_CONTENT_LOSS, "difference *= 2 * content_weight"),
        ("loss = content_weight * abs(difference).sum()", "difference = content_weight * np.sign(difference)"),
        "Loss and gradient are those of magnitudes. Content loss is a sum of squares.",
    ),
    (
        "divided by the number of images",
        (_CONTENT_LOSS, "difference *= 2 * content_weight"),
        (_CONTENT_LOSS + " / len(difference)", "difference *= 2 * content_weight / len(difference)"),
        "Loss and gradient are divided by the number of images. The sum goes over all images.",
    ),
    (
        "a loss for each feature",
        "np.square(difference, dtype=np.float64).sum()\n",
        "np.square(difference, dtype=np.float64)\n",
        "The squares are not summed. The loss is one number.",
    ),
    (
        "no return",
        "    return float(loss), difference\n",
        "",
        "The function ends without a return, so that it returns None.",
    ),
)

_GRAM_PRODUCT = "gram = product(rows.transpose(0, 2, 1), rows)"
_GRAM_NORMALISED = "return gram / (C * H * W) if normalize else gram"
_BOTH = "both = dgram + dgram.transpose(0, 2, 1)"
_BOTH_NORMALISED = "both /= C * H * W"
_FORWARD_ROWS = "rows = features.transpose(0, 2, 3, 1).reshape(N, H * W, C)  # a view"
_FEATURES_BACK = "return dfeatures.reshape(N, H, W, C).transpose(0, 3, 1, 2)"

_GRAM = _mistakes(
    "gram",
    (
        "normaliser missing",
        (_GRAM_NORMALISED, _BOTH_NORMALISED),
        ("return gram", "pass"),
        "normalize has no effect: the matrix is not divided by C * H * W.",
    ),
    (
        "normaliser missing forward",
        _GRAM_NORMALISED,
        "return gram",
        "normalize has no effect on the forward pass: the matrix is not divided by C * H * W.",
    ),
    (
        "normaliser missing backward",
        _BOTH_NORMALISED,
        "pass",
        "normalize has no effect on the backward pass. What is divided forward is divided backward, too.",
    ),
    (
        "normaliser twice",
        _GRAM_NORMALISED,
        "return gram / (C * H * W) ** 2 if normalize else gram",
        "The matrix is divided by C * H * W twice.",
    ),
    (
        "always normalised",
        (_GRAM_NORMALISED, "    if normalize:\n        both"),
        ("return gram / (C * H * W)", "    if True:\n        both"),
        "The matrix is divided by C * H * W even where normalize is False.",
    ),
    (
        "divided by the places only",
        (_GRAM_NORMALISED, _BOTH_NORMALISED),
        ("return gram / (H * W) if normalize else gram", "both /= H * W"),
        "The normaliser leaves out the channels: it is C * H * W.",
    ),
    (
        "divided by the images, too",
        (_GRAM_NORMALISED, _BOTH_NORMALISED),
        ("return gram / (N * C * H * W) if normalize else gram", "both /= N * C * H * W"),
        "The normaliser counts the images, too: a batch then has other matrices than its images alone.",
    ),
    (
        "reshape without transpose",
        _FORWARD_ROWS,
        "rows = features.reshape(N, H * W, C)  # a view",
        "Channels and places are mixed: (C, H, W) was reshaped to (H * W, C). A reshape keeps the order in memory; "
        "moving the channels' axis needs a transpose.",
    ),
    (
        "products of places",
        _GRAM_PRODUCT,
        "gram = rows @ rows.transpose(0, 2, 1)",
        "The matrix is (H * W, H * W): products of places, summed over the channels. It is to be the other way round.",
    ),
    (
        "all images in one matrix",
        _GRAM_PRODUCT,
        "gram = rows.reshape(-1, C).T @ rows.reshape(-1, C)",
        "All images are summed into one matrix. Each has its own, (N, C, C).",
    ),
    (
        "covariance",
        _GRAM_PRODUCT,
        "rows = rows - rows.mean(axis=1, keepdims=True)\n    gram = rows.transpose(0, 2, 1) @ rows",
        "The mean of each channel is subtracted first; that makes it a covariance. The Gram matrix takes features as "
        "they are.",
    ),
    (
        "each pair of channels once",
        _GRAM_PRODUCT,
        "gram = np.triu(rows.transpose(0, 2, 1) @ rows)",
        "Half of the matrix is zero. Each pair of channels stands in it twice.",
    ),
    (
        "dgram taken for symmetric",
        _BOTH,
        "both = 2 * dgram",
        "This is right for a symmetric dgram only. The two places of a feature in the matrix get different gradients.",
    ),
    (
        "one of the two paths",
        _BOTH,
        "both = 1 * dgram",
        "One of two paths is missing: each feature stands in the matrix in a row and in a column. If dgram is "
        "symmetric, it is just the factor 2.",
    ),
    (
        "one of the two paths, transposed",
        _BOTH,
        "both = 1 * dgram.transpose(0, 2, 1)",
        "One of two paths is missing: each feature stands in the matrix in a row and in a column. There are two "
        "gradients for it in dgram, one of which is used here.",
    ),
    (
        "dgram taken for symmetric, transposed",
        _BOTH,
        "both = 2 * dgram.transpose(0, 2, 1)",
        "One of the two gradients of each feature is counted twice in the place of the other. They are the same for a "
        "symmetric dgram only.",
    ),
    (
        "dgram changed in place",
        _BOTH,
        "both = dgram\n    both += dgram.transpose(0, 2, 1).copy()",
        "The given dgram is changed: an assignment in place writes into the array it was given.",
    ),
    (
        "gradient not transposed back",
        _FEATURES_BACK,
        "return dfeatures.reshape(N, C, H, W)",
        "The gradient is reshaped to (N, C, H, W) without moving the channels' axis back: channels and places are "
        "mixed.",
    ),
    (
        "rows and columns exchanged in the gradient",
        _FEATURES_BACK,
        "return dfeatures.reshape(N, W, H, C).transpose(0, 3, 2, 1)",
        "Rows and columns of the places are exchanged on the way back: H and W are in another order than in the "
        "features.",
    ),
    (
        "gradient without the features",
        "dfeatures = product(rows, both)",
        "dfeatures = np.ones_like(rows) @ both",
        "The features have no part in the gradient. The derivative of a product has the other factor in it.",
    ),
    (
        "no return",
        "    " + _GRAM_NORMALISED + "\n",
        "",
        "gram_matrix ends without a return, so that it returns None.",
    ),
)

_STYLE_LOSS = "loss += weight * np.square(difference, dtype=np.float64).sum()"
_STYLE_BACK = "dfeats.append(gram_matrix_backward(2 * weight * difference, feats[layer]))"

_STYLE = _mistakes(
    "style",
    (
        "weights squared",
        (_STYLE_LOSS, _STYLE_BACK),
        (_STYLE_LOSS.replace("weight *", "weight**2 *"), _STYLE_BACK.replace("weight *", "weight**2 *")),
        "The weight of a layer comes in twice: once is enough, outside the square.",
    ),
    (
        "loss of the last layer only",
        "loss += ",
        "loss = ",
        "The loss is that of the last style layer: each layer overwrites the ones before.",
    ),
    (
        "gradients overwrite each other",
        _STYLE_BACK,
        "dfeats = [gram_matrix_backward(2 * weight * difference, feats[layer])]",
        "Only one gradient is left: each layer overwrites the ones before, so that only one style layer counts.",
    ),
    (
        "gradient of the last layer for all",
        "    return float(loss), dfeats",
        "    return float(loss), dfeats[-1:] * len(dfeats)",
        "All layers have the gradient of the last one. Is there one array that all of them share?",
    ),
    (
        "weights ignored",
        (_STYLE_LOSS, _STYLE_BACK),
        (_STYLE_LOSS.replace("weight * ", ""), _STYLE_BACK.replace("weight * ", "")),
        "The style weights have no effect, neither on the loss nor on its gradients.",
    ),
    (
        "weights missing in the loss",
        "loss += weight * ",
        "loss += ",
        "The style weights are missing in the loss.",
    ),
    (
        "weights missing in the gradients",
        "2 * weight * difference",
        "2 * difference",
        "The style weights are missing in the gradients.",
    ),
    (
        "the first weight for all",
        "        difference = ",
        "        weight = style_weights[0]\n        difference = ",
        "All layers have the weight of the first. Each style layer has its own.",
    ),
    (
        "weights by layer index",
        "        difference = ",
        "        weight = (list(style_weights) + 4 * [1.0])[layer]\n        difference = ",
        "The weights are looked up by layer index. They are in the order of style_layers: the first belongs to the "
        "first style layer.",
    ),
    (
        "features by position",
        "        difference = ",
        "        layer = style_layers.index(layer)\n        difference = ",
        "The features are taken in their order: the first, the second, ... Which layers count, style_layers says.",
    ),
    (
        "layers in ascending order",
        "zip(style_layers, style_targets, style_weights)",
        "sorted(zip(style_layers, style_targets, style_weights), key=lambda one: one[0])",
        "The gradients come in ascending order of the layers. They are to come in the order of style_layers.",
    ),
    (
        "factor 2 missing",
        "2 * weight * difference",
        "weight * difference",
        "The gradients are half of what the loss needs. What is the derivative of (a - b)^2?",
    ),
    (
        "sign of the gradients",
        "gram_matrix(feats[layer]) - target",
        "target - gram_matrix(feats[layer])",
        "The gradients have the wrong sign; the loss, being squared, does not notice.",
    ),
    (
        "target not subtracted",
        "gram_matrix(feats[layer]) - target",
        "gram_matrix(feats[layer])",
        "The target has no effect: the Gram matrix itself is driven towards zero.",
    ),
    (
        "Gram matrices not normalised",
        ("gram_matrix(feats[layer]) - target", "difference, feats[layer]))"),
        ("gram_matrix(feats[layer], False) - target", "difference, feats[layer], False))"),
        "The Gram matrices are not normalised, the targets are.",
    ),
    (
        "backward not normalised",
        "difference, feats[layer]))",
        "difference, feats[layer], False))",
        "The way back takes the Gram matrices for ones that are not normalised.",
    ),
    (
        "mean for sum",
        (_STYLE_LOSS, "2 * weight * difference"),
        (_STYLE_LOSS.replace("sum", "mean"), "2 * weight * difference / difference.size"),
        "Loss and gradients are means over the entries of the Gram matrices. They are to be sums.",
    ),
    (
        "magnitudes for squares",
        (_STYLE_LOSS, "2 * weight * difference"),
        ("loss += weight * abs(difference).sum()", "weight * np.sign(difference)"),
        "Loss and gradients are those of magnitudes. Style loss is a sum of squares.",
    ),
    (
        "gradient by the Gram matrix",
        _STYLE_BACK,
        "dfeats.append(2 * weight * difference)",
        "The gradients are those by the Gram matrices. They still have to go back to the features.",
    ),
    (
        "features compared place by place",
        "np.square(difference, dtype=np.float64).sum()",
        "np.square(feats[layer] - feats[layer].mean(axis=(2, 3), keepdims=True)).sum()",
        "The loss compares features and not Gram matrices.",
    ),
    (
        "no return",
        "    return float(loss), dfeats\n",
        "",
        "The function ends without a return, so that it returns None.",
    ),
)

_DIFFERENCES = "down, right = img[:, :, 1:] - img[:, :, :-1], img[:, :, :, 1:] - img[:, :, :, :-1]"
_TV_SUM = "(np.square(down, dtype=np.float64).sum() + np.square(right, dtype=np.float64).sum())"

_TV = _mistakes(
    "tv",
    (
        "first row for all rows but the last",
        (_DIFFERENCES, "dimg[:, :, :-1] -= down", "dimg[:, :, :, :-1] -= right"),
        (
            "down, right = img[:, :, 1:] - img[:, :, :1:], img[:, :, :, 1:] - img[:, :, :, :1:]",
            "dimg[:, :, :1:] -= down.sum(axis=2, keepdims=True)",
            "dimg[:, :, :, :1:] -= right.sum(axis=3, keepdims=True)",
        ),
        "Every row is compared with the first one, and every column. The slice `:1:` is one row high and is broadcast "
        "without a word.",
    ),
    (
        "first row for all rows but the last, without its gradient",
        _DIFFERENCES,
        "down, right = img[:, :, 1:] - img[:, :, :1:], img[:, :, :, 1:] - img[:, :, :, :1:]",
        "The differences are those to the first row and the first column. The slice `:1:` is one row high and is "
        "broadcast without a word.",
    ),
    (
        "vertical only",
        _DIFFERENCES,
        "down, right = img[:, :, 1:] - img[:, :, :-1], 0 * img[:, :, :, 1:]",
        "Only differences between rows count. Columns have neighbours, too.",
    ),
    (
        "horizontal only",
        _DIFFERENCES,
        "down, right = 0 * img[:, :, 1:], img[:, :, :, 1:] - img[:, :, :, :-1]",
        "Only differences between columns count. Rows have neighbours, too.",
    ),
    (
        "neighbour above left out of the gradient",
        "    dimg[:, :, :-1] -= down\n",
        "",
        "The gradient leaves out one neighbour: each vertical difference pulls at two pixels, not one.",
    ),
    (
        "neighbour on the left left out of the gradient",
        "    dimg[:, :, :, :-1] -= right\n",
        "",
        "The gradient leaves out one neighbour: each horizontal difference pulls at two pixels, not one.",
    ),
    (
        "gradient at one end of each difference",
        ("    dimg[:, :, :-1] -= down\n", "    dimg[:, :, :, :-1] -= right\n"),
        ("", ""),
        "Each difference changes the gradient of only one of its two pixels. The other is pulled the other way.",
    ),
    (
        "gradient overwritten",
        "dimg[:, :, :, 1:] += right",
        "dimg[:, :, :, 1:] = right",
        "The horizontal part of the gradient overwrites the vertical part instead of being added to it.",
    ),
    (
        "same sign at both ends",
        ("dimg[:, :, :-1] -= down", "dimg[:, :, :, :-1] -= right"),
        ("dimg[:, :, :-1] += down", "dimg[:, :, :, :-1] += right"),
        "Both pixels of a difference are pulled the same way. One of them stands in it with a minus.",
    ),
    (
        "sign of the gradient",
        "dimg *= 2 * tv_weight",
        "dimg *= -2 * tv_weight",
        "The gradient has the wrong sign: the image would get rougher.",
    ),
    (
        "factor 2 missing",
        "dimg *= 2 * tv_weight",
        "dimg *= tv_weight",
        "The gradient is half of what the loss needs. What is the derivative of x^2?",
    ),
    (
        "weight missing in the gradient",
        "dimg *= 2 * tv_weight",
        "dimg *= 2",
        "The weight has no part in the gradient, which is one of the weighted loss.",
    ),
    (
        "weight missing in the loss",
        "loss = tv_weight * ",
        "loss = ",
        "The weight has no part in the loss: it is a factor of the sum.",
    ),
    (
        "magnitudes for squares",
        (_DIFFERENCES, _TV_SUM, "dimg *= 2 * tv_weight"),
        (
            _DIFFERENCES + "\n    size = abs(down).sum() + abs(right).sum()\n"
            "    down, right = np.sign(down), np.sign(right)",
            "size",
            "dimg *= tv_weight",
        ),
        "Loss and gradient are those of the magnitudes of the differences. They are to be squared.",
    ),
    (
        "magnitudes for squares in the loss",
        _TV_SUM,
        "(abs(down).sum() + abs(right).sum())",
        "The loss adds magnitudes. It is to be a sum of squares.",
    ),
    (
        "root of the sum",
        "loss = tv_weight * " + _TV_SUM,
        "loss = tv_weight * np.sqrt" + _TV_SUM,
        "The loss is the root of the sum of squares. No root is asked for.",
    ),
    (
        "mean for sum",
        (_TV_SUM, "dimg *= 2 * tv_weight"),
        (_TV_SUM + " / img.size", "dimg *= 2 * tv_weight / img.size"),
        "Loss and gradient are divided by the number of pixels. They are to be sums.",
    ),
    (
        "divided by the number of images",
        (_TV_SUM, "dimg *= 2 * tv_weight"),
        (_TV_SUM + " / len(img)", "dimg *= 2 * tv_weight / len(img)"),
        "Loss and gradient are divided by the number of images. The sum goes over all of them.",
    ),
    (
        "neighbours around the border",
        (
            _DIFFERENCES,
            "dimg[:, :, 1:] += down",
            "dimg[:, :, :-1] -= down",
            "dimg[:, :, :, 1:] += right",
            "dimg[:, :, :, :-1] -= right",
        ),
        (
            "down, right = np.roll(img, -1, axis=2) - img, np.roll(img, -1, axis=3) - img",
            "dimg += np.roll(down, 1, axis=2)",
            "dimg -= down",
            "dimg += np.roll(right, 1, axis=3)",
            "dimg -= right",
        ),
        "The last row has the first one for a neighbour, and so have the columns: np.roll goes around. Nothing lies "
        "beyond the border.",
    ),
    (
        "zeros beyond the border",
        (_DIFFERENCES, "dimg[:, :, 1:] += down", "dimg[:, :, :-1] -= down")
        + ("dimg[:, :, :, 1:] += right", "dimg[:, :, :, :-1] -= right"),
        (
            "down, right = np.diff(img, axis=2, append=0), np.diff(img, axis=3, append=0)",
            "dimg[:, :, 1:] += down[:, :, :-1]",
            "dimg -= down",
            "dimg[:, :, :, 1:] += right[:, :, :, :-1]",
            "dimg -= right",
        ),
        "The last row is compared with zeros, and so is the last column. Nothing lies beyond the border, not even "
        "zeros.",
    ),
    (
        "channels as neighbours",
        (_TV_SUM, "dimg *= 2 * tv_weight"),
        (
            "(np.square(down).sum() + np.square(right).sum() + np.square(img[:, 1:] - img[:, :-1]).sum())",
            "dimg[:, 1:] += img[:, 1:] - img[:, :-1]\n    dimg[:, :-1] -= img[:, 1:] - img[:, :-1]\n"
            "    dimg *= 2 * tv_weight",
        ),
        "Channels count as neighbours, too. Axis 1 of (N, C, H, W) holds the channels.",
    ),
    (
        "the image changed in place",
        "dimg = np.zeros_like(img)",
        "dimg = img\n    dimg[:] = 0",
        "The gradient is written into the given image. Make an array of its own for it.",
    ),
    (
        "gradient starts at the image",
        "dimg = np.zeros_like(img)",
        "dimg = img.copy()",
        "The gradient starts at the image instead of at zero.",
    ),
    (
        "no return",
        "    return float(loss), dimg\n",
        "",
        "The function ends without a return, so that it returns None.",
    ),
)

_STYLE_ADDED = "dfeats[layer] = dfeats[layer] + d if layer in dfeats else d"
_CONTENT_ADDED = "dfeats[content_layer] = dfeats[content_layer] + d if content_layer in dfeats else d"
_RETURNED = "return sum(parts.values()), dX + dtv, parts"

_STYLE_TRANSFER = _mistakes(
    "style_transfer",
    (
        "content overwrites style",
        _CONTENT_ADDED,
        "dfeats[content_layer] = d",
        "Where the content layer is a style layer, too, the content's gradient takes the place of the style's.",
    ),
    (
        "a layer's second gradient overwrites the first",
        _STYLE_ADDED,
        "dfeats[layer] = d",
        "Where a layer occurs twice among the style layers, its second gradient takes the place of the first.",
    ),
    (
        "gradients of one layer overwrite each other",
        (_STYLE_ADDED, _CONTENT_ADDED),
        ("dfeats[layer] = d", "dfeats[content_layer] = d"),
        "Where a layer is used twice, for style alone or for style and content, its last gradient takes the place of "
        "those before.",
    ),
    (
        "style gives way to content",
        _CONTENT_ADDED,
        "dfeats.setdefault(content_layer, d)",
        "Where the content layer is a style layer, too, the content has no gradient.",
    ),
    (
        "style gradients in ascending order",
        "zip(style_layers, dstyle)",
        "zip(sorted(style_layers), dstyle)",
        "The style gradients go to the wrong layers: they come in the order of style_layers, whatever that is.",
    ),
    (
        "total variation missing in the gradient",
        "dX + dtv",
        "dX",
        "The total variation is missing in the gradient.",
    ),
    (
        "total variation missing in the loss",
        "return sum(parts.values())",
        'return sum(parts.values()) - parts["tv"]',
        "The total variation is missing in the loss.",
    ),
    (
        "total variation with the wrong sign",
        "dX + dtv",
        "dX - dtv",
        "The total variation's gradient is subtracted. Gradients of a sum add up.",
    ),
    (
        "total variation with the weight as given",
        "tv_factor(X)",
        "tv_weight",
        "With normalize the weight of the total variation is not tv_weight itself. The given function tv_factor knows.",
    ),
    (
        "content missing in the gradient",
        "            " + _CONTENT_ADDED + "\n",
        "            dfeats[content_layer] = dfeats.get(content_layer, 0 * d)\n",
        "The content is missing in the gradient: no layer is pulled towards it.",
    ),
    (
        "content missing in the loss",
        "return sum(parts.values())",
        'return parts["style"] + parts["tv"]',
        "The content is missing in the loss, which is the sum of all parts.",
    ),
    (
        "content with the wrong sign",
        _CONTENT_ADDED,
        "dfeats[content_layer] = dfeats.get(content_layer, 0) - d",
        "The content's gradient has the wrong sign: the picture moves away from the content. Is it subtracted, or are "
        "features and target exchanged?",
    ),
    (
        "weight of the content ignored",
        "content_loss(content_weight, ",
        "content_loss(1.0, ",
        "The content's weight has no effect. Which of the given names holds it?",
    ),
    (
        "weights of the style ignored",
        "style_loss(feats, style_layers, grams, style_weights)",
        "style_loss(feats, style_layers, grams, [1.0] * len(grams))",
        "The style weights have no effect. Which of the given names holds them?",
    ),
    (
        "normalised weights forgotten",
        "style_loss(feats, style_layers, grams, style_weights)",
        "style_loss(feats, style_layers, grams, style[2])",
        "The style weights are those given to the function. With normalize they were changed above; use these.",
    ),
    (
        "gradient of the style only at the deepest layer",
        "for layer, d in zip(style_layers, dstyle):\n            " + _STYLE_ADDED,
        "for layer, d in zip(style_layers, dstyle):\n            d = d if layer == max(style_layers) else 0 * d\n"
        "            " + _STYLE_ADDED,
        "Only the deepest style layer has a gradient. Each adds its own on the way back.",
    ),
    (
        "content always looked for",
        "if content is not None:",
        "if True:",
        "Without content there is no layer, target or weight for it. Ask before you use them.",
    ),
    (
        "gradient times weights twice",
        "for layer, d in zip(style_layers, dstyle):\n",
        "for layer, d, weight in zip(style_layers, dstyle, style_weights):\n            d = weight * d\n",
        "The style gradients are multiplied by the weights a second time: style_loss has done it already.",
    ),
    (
        "mean of the parts",
        "return sum(parts.values())",
        "return sum(parts.values()) / len(parts)",
        "The loss is a mean of its parts. It is their sum.",
    ),
    (
        "no return",
        "    return objective\n",
        "",
        "perceptual_objective ends without a return. What is asked for is the function that was defined inside.",
    ),
    (
        "gradient by the features",
        "dX + dtv, parts",
        "dfeats[max(dfeats)], parts",
        "What is returned are gradients at the layers. They still have to go back to the image.",
    ),
    (
        "step in the place of the gradient",
        "dX + dtv, parts",
        "X - dX - dtv, parts",
        "What is returned is a changed image. The objective only tells the gradient; others take the steps.",
    ),
)

_RATE = "rate = learning_rate * (1 - t / num_iterations)"
_CONSTANT = "rate = learning_rate"
_AT_A_CONSTANT_RATE = _mistakes(
    "inversion",
    *(
        (f"{name}, at a constant rate", (old, _RATE), (new, _CONSTANT), hint)
        for name, old, new, hint in (
            (
                "climbs the distance, but not the penalty",
                "        dX += 2 * l2_reg * X\n",
                "        dX = 2 * l2_reg * X - dX\n",
                "The features move away from the target: the distance is to become smaller. Downhill is against the "
                "gradient.",
            ),
            (
                "target not subtracted",
                "difference = feats - target_feats",
                "difference = feats",
                "The features are driven towards zero: the target does not occur in the difference.",
            ),
            (
                "regulariser with the wrong sign",
                "dX += 2 * l2_reg * X",
                "dX -= 2 * l2_reg * X",
                "The penalty's gradient is subtracted, so that a large image is rewarded and pixels run to black "
                "and white. The penalty is a part of the loss that is to become small.",
            ),
        )
    ),
)
_ONE_HOT = "dscores = one_hot(y, scores)"
_OTHER_OBJECTIVES = [
    *_other_objectives("saliency", _ONE_HOT, "dscores = {}", without=("every class counts",)),
    *_other_objectives(
        "fooling",
        "model.backward(one_hot(target, scores), cache)",
        "model.backward({}, cache)",
        y="target",
        without=("gradient of the log-softmax",),
    ),
    *_other_objectives("class_visualization", _ONE_HOT, "dscores = {}", without=("gradient of the log-softmax",)),
    *_other_objectives("guided", _BACK, "model.backward({}, cache", without=("every class counts",)),
    *_other_objectives("grad_cam", _BACK_A, "dA, _ = model.backward({}, cache)"),
]

MISTAKES = [
    *_OTHER_OBJECTIVES,
    *_AT_A_CONSTANT_RATE,
    *_SALIENCY,
    *_FOOLING,
    *_CLASS_VISUALIZATION,
    *_INVERSION,
    *_DREAM,
    *_OCCLUSION,
    *_GUIDED,
    *_CAM,
    *_GRAD_CAM,
    *_LAYER_CAM,
    *_RISE,
    *_LRP,
    *_CONTENT,
    *_GRAM,
    *_STYLE,
    *_TV,
    *_STYLE_TRANSFER,
]
