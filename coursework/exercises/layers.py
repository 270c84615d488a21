"""The *Layers* track: the layers of a network, forward and backward, in plain loops and sums.

Each case of an exercise differs from the first, the plainest, in one thing, and its name says in which: students read
that name. Arrays are small enough to look at, with two decimals and no zeros among their values. rng decides on values
only.
"""

import numpy as np

from .masks import Masks
from .registry import Exercise, ReturnError, Stage

SMOOTHING = 0.1
BN_OPTIONS = {"mode": "train"}
CORRELATIONS = tuple(
    f"scipy.{name}"
    for name in (
        "signal.correlate",
        "signal.correlate2d",
        "signal.convolve",
        "signal.convolve2d",
        "signal.fftconvolve",
        "signal.oaconvolve",
        "ndimage.correlate",
        "ndimage.convolve",
    )
)


NO_BIAS = Stage("no-bias", 1, ("no bias",), "a layer without bias: b may be None, and then so is db")
FLOOR = "windows that do not fill the image: what is left over at the right and at the bottom is not looked at"


def _draw(rng, *shape):
    """Numbers of both signs with two decimals, none nearer to zero than 0.1."""
    return rng.choice([-1.0, 1.0], shape) * np.round(rng.uniform(0.1, 2, shape), 2)


# -- affine --------------------------------------------------------------------------------------------------------


def _affine_cases(rng):
    def case(shape, M):
        D = int(np.prod(shape[1:]))
        return {"x": _draw(rng, *shape), "w": _draw(rng, D, M), "b": _draw(rng, M), "dout": _draw(rng, shape[0], M)}

    return {
        "plain": case((1, 3), 2),
        "several images": case((4, 3), 2),
        "x with four axes": case((2, 2, 3, 2), 2),
        "as many images as features as outputs": case((3, 3), 3),
    }


def _affine_run(f, c, out):
    _, cache = out.take("affine_forward", f.affine_forward(c["x"], c["w"], c["b"]), "out", "_")
    out.take("affine_backward", f.affine_backward(c["dout"], cache), "dx", "dw", "db")
    out.take("affine_backward", f.affine_backward(c["dout"], cache), "dx_again", "dw_again", "db_again")


AFFINE = Exercise(
    id="affine",
    track="layers",
    title="The fully connected layer",
    files={"affine_forward": "layers/basic.py", "affine_backward": "layers/basic.py"},
    points=5,
    cases=_affine_cases,
    run=_affine_run,
    forward=("out",),
    paste="""
out, cache = affine_forward(c["x"], c["w"], c["b"])
dx, dw, db = affine_backward(c["dout"], cache)
""",
    instructions={
        "affine_forward": (
            "Flatten every image of x to a row of D numbers, in their order in memory, so that x becomes (N, D); then "
            "multiply by w (D, M) and add b (M,) to every row. Return out (N, M) and the cache (x, w, b), with x as "
            "it came."
        ),
        "affine_backward": (
            "Given dout (N, M), the gradient of the loss to out, find the gradients to x, w and b by the chain rule. "
            "Each has exactly the shape of what it belongs to. Return dx, dw, db in this order."
        ),
    },
    hints=(
        "Write down the shapes of dout, w and x side by side. Which products of two of them, transposed or not, have "
        "the shape of dx? Which that of dw?",
        "Every image uses the same w and the same b. What becomes of gradients that come along several ways?",
        "dx comes from dout and w, dw from the flattened x and dout, db from dout alone; one transposition in each of "
        "the products, and at the end dx needs the axes of x back.",
    ),
    reading="CS231n notes, 'Backpropagation, Intuitions', vectorised operations (cs231n.github.io/optimization-2)",
)


# -- relu ----------------------------------------------------------------------------------------------------------


def _relu_cases(rng):
    def case(*shape, **options):
        # All four pairs of signs occur, whatever is drawn.
        size, order = int(np.prod(shape)), rng.permutation(int(np.prod(shape)))
        signs = np.resize([[1, 1], [1, -1], [-1, 1], [-1, -1]], (size, 2))[order]
        x, dout = (np.abs(_draw(rng, size)) * signs[:, k] for k in (0, 1))
        return {"x": x.reshape(shape), "dout": dout.reshape(shape), "options": options}

    cases = {
        "plain": case(1, 4),
        "x with four axes": case(2, 2, 2, 3),
        "zeros in x": case(2, 6),
        "rule guided": case(2, 4, rule="guided"),
        "rule deconv": case(2, 4, rule="deconv"),
        "rule guided, zeros in x": case(3, 8, rule="guided"),
    }
    for name in ("zeros in x", "rule guided, zeros in x"):
        cases[name]["x"][:, ::3] = 0
    cases["rule guided, zeros in x"]["x"] *= 0.1  # positive is positive, however little
    return cases


def _relu_run(f, c, out):
    _, cache = out.take("relu_forward", f.relu_forward(c["x"]), "out", "_")
    out.take("relu_backward", f.relu_backward(c["dout"], cache, **c["options"]), "dx")
    out.take("relu_backward", f.relu_backward(c["dout"], cache, **c["options"]), "dx_again")


RELU = Exercise(
    id="relu",
    track="layers",
    title="ReLU, and its three backward rules",
    files={"relu_forward": "layers/basic.py", "relu_backward": "layers/basic.py"},
    points=5,
    extensions=(
        Stage("zero", 1, ("zeros in x",), "no gradient where x is exactly 0"),
        Stage(
            "rules",
            1,
            ("rule guided", "rule deconv", "rule guided, zeros in x"),
            "the rules 'guided' and 'deconv' in relu_backward",
        ),
    ),
    cases=_relu_cases,
    run=_relu_run,
    forward=("out",),
    paste="""
out, cache = relu_forward(c["x"])
dx = relu_backward(c["dout"], cache, **c["options"])
""",
    instructions={
        "relu_forward": (
            "Return out, which is x where x is positive and 0 elsewhere, and the cache: x, or anything of its shape "
            "that tells where it was positive. x itself must stay as it is."
        ),
        "relu_backward": (
            "Return dx, of x's shape. Under the rule 'standard' the gradient dout passes where x was positive, and is "
            "stopped elsewhere, also where x was exactly 0. Then the two other rules, as the docstring says; they ask "
            "about the sign of dout. dout must stay as it is."
        ),
    },
    hints=(
        "Every entry is on its own, so x may have any shape: no loops and no axes are needed.",
        "A comparison of an array with a number gives an array of true and false. What happens if you multiply by it?",
        "'standard' asks where x is positive, 'deconv' where dout is, 'guided' both at once.",
    ),
    reading=(
        "CS231n notes, 'Backpropagation, Intuitions', patterns in backward flow (cs231n.github.io/optimization-2); "
        "Springenberg et al. 2015, 'Striving for Simplicity', section 3.4"
    ),
)


# -- softmax -------------------------------------------------------------------------------------------------------


def _softmax_cases(rng):
    def case(N, K, **options):
        # No two labels alike, which would hide what happens to the labels of other images.
        return {"x": _draw(rng, N, K), "y": rng.permutation(K)[:N], "options": options}

    cases = {
        "plain": case(1, 3),
        "several images": case(4, 5),
        "as many images as classes": case(4, 4),
        "large scores": case(2, 3),
        "scores far below zero": case(2, 3),
        "one image far above the other": case(2, 3),
        "right class improbable": case(1, 3),
        "label smoothing": case(2, 4, label_smoothing=SMOOTHING),
    }
    cases["large scores"]["x"] += 1000
    cases["scores far below zero"]["x"] -= 1000
    cases["one image far above the other"]["x"][0] += 1000
    improbable = cases["right class improbable"]
    improbable["x"][0, improbable["y"]] -= 1000
    return cases


def _softmax_run(f, c, out):
    out.take("softmax_loss", f.softmax_loss(c["x"], c["y"], **c["options"]), "loss", "dx")


SOFTMAX = Exercise(
    id="softmax",
    track="layers",
    title="The softmax loss",
    files={"softmax_loss": "layers/losses.py"},
    points=6,
    extensions=(
        Stage(
            "extremes",
            1,
            ("one image far above the other", "right class improbable"),
            "scores so far apart that probabilities vanish, with neither infinity nor NaN",
        ),
        Stage("smoothing", 1, ("label smoothing",), "label_smoothing"),
    ),
    cases=_softmax_cases,
    run=_softmax_run,
    forward=("loss",),
    paste="""
loss, dx = softmax_loss(c["x"], c["y"], **c["options"])
""",
    instructions={
        "softmax_loss": (
            "For each image the softmax turns its K scores into probabilities; its loss is minus the logarithm of "
            "the right class's probability. Return the mean over the N images, one number, and its gradient dx (N, K) "
            "to the scores. Scores may be in the thousands, of either sign, and still nothing may overflow or become "
            "NaN. With label_smoothing > 0 the target is no longer one class but the distribution of the docstring, "
            "and the loss is minus the sum of target times logarithm of probability."
        )
    },
    hints=(
        "Begin without label smoothing, with one image, on paper: what are the probabilities of the scores 1, 2, 3? "
        "What changes if you add 1000 to all three?",
        "The logarithm of a fraction is a difference. Written so, a probability that is too small for the computer "
        "never has to be computed before its logarithm.",
        "The gradient to the scores is a difference of two distributions, what the network says and what it should "
        "say; with label smoothing only the second one changes. Do not forget that the loss is a mean.",
    ),
    ready=(
        "scipy.special.softmax",
        "scipy.special.log_softmax",
    ),
    reading="CS231n notes, 'Linear Classification', Softmax classifier (cs231n.github.io/linear-classify)",
)


# -- svm -----------------------------------------------------------------------------------------------------------


def _svm_cases(rng):
    def case(N, K, first=0):
        """Rows by turns: some classes within the margin and one not, none within, all within."""
        y = rng.permutation(np.arange(N) % K)
        x = np.empty((N, K))
        for n in range(N):
            # The half of the last digit keeps every margin away from the kink.
            right = np.round(rng.uniform(-1, 1), 2) + 0.005
            others = np.round(right + rng.uniform(-0.8, 1.5, K - 1), 2)
            far = np.round(right - rng.uniform(1.5, 3, K - 1), 2)
            kind = (n + first) % 3
            if kind == 0:
                others[0] = far[0]
            elif kind == 1:
                others = far
            x[n] = np.insert(rng.permutation(others), y[n], right)
        return {"x": x, "y": y}

    return {
        "plain": case(1, 4),
        "right class far ahead": case(1, 4, first=1),
        "several images": case(3, 5),
        "as many images as classes": case(4, 4),
    }


def _svm_run(f, c, out):
    out.take("svm_loss", f.svm_loss(c["x"], c["y"]), "loss", "dx")


SVM = Exercise(
    id="svm",
    track="layers",
    title="The multi-class hinge loss",
    files={"svm_loss": "layers/losses.py"},
    points=5,
    cases=_svm_cases,
    run=_svm_run,
    forward=("loss",),
    paste="""
loss, dx = svm_loss(c["x"], c["y"])
""",
    instructions={
        "svm_loss": (
            "Every wrong class should score at least 1 below the right one. The loss of an image is the sum, over its "
            "wrong classes, of what is missing to that margin, and nothing where the margin is kept. Return the mean "
            "over the N images, one number, and its gradient dx (N, K) to the scores."
        )
    },
    hints=(
        "Write it as two loops first, over images and over classes, and skip the right class.",
        "Which two scores does one wrong class that is within the margin pull at, and in which directions?",
        "In a row of dx each class within the margin has the same value, and the right class balances them: the row "
        "sums to zero.",
    ),
    reading="CS231n notes, 'Linear Classification', Multiclass SVM loss (cs231n.github.io/linear-classify)",
)


# -- conv ----------------------------------------------------------------------------------------------------------


def _conv_cases(rng):
    def case(N=1, C=1, F=1, H=4, W=4, HH=3, WW=3, stride=1, pad=1):
        HO, WO = (H + 2 * pad - HH) // stride + 1, (W + 2 * pad - WW) // stride + 1
        return {
            "x": _draw(rng, N, C, H, W),
            "w": _draw(rng, F, C, HH, WW),
            "b": _draw(rng, F),
            "conv_param": {"stride": stride, "pad": pad},
            "dout": _draw(rng, N, F, HO, WO),
        }

    return {
        "plain": case(),
        "several images": case(N=2),
        "several channels": case(C=3),
        "several filters": case(F=2),
        "not square": case(H=3, W=5),
        "filter not square": case(HH=3, WW=2),
        "stride 2": case(H=5, W=5, stride=2),
        "no padding": case(pad=0),
        "all of it at once": case(N=2, C=3, F=2, H=6, W=5, HH=2, WW=3, stride=2, pad=1),
        "no bias": case() | {"b": None},
        "windows that do not fill the image": case(H=4, W=5, stride=2),
    }


def _conv_run(f, c, out):
    value = f.conv_forward_naive(c["x"], c["w"], c["b"], c["conv_param"])
    _, cache = out.take("conv_forward_naive", value, "out", "_")
    db = "_" if c["b"] is None else "db"
    out.take("conv_backward_naive", f.conv_backward_naive(c["dout"], cache), "dx", "dw", db)
    out.take("conv_backward_naive", f.conv_backward_naive(c["dout"], cache), "dx_again", "dw_again", "_")


CONV = Exercise(
    id="conv",
    track="layers",
    title="Convolution, in loops",
    files={"conv_forward_naive": "layers/naive.py", "conv_backward_naive": "layers/naive.py"},
    points=10,
    extensions=(NO_BIAS, Stage("floor", 1, ("windows that do not fill the image",), FLOOR)),
    cases=_conv_cases,
    run=_conv_run,
    forward=("out",),
    paste="""
out, cache = conv_forward_naive(c["x"], c["w"], c["b"], c["conv_param"])
dx, dw, db = conv_backward_naive(c["dout"], cache)
""",
    instructions={
        "conv_forward_naive": (
            "Put `pad` rows and columns of zeros around every image. Lay every filter (C, HH, WW) on every place of "
            "the padded image, `stride` pixels apart, and sum up the products; add the filter's bias once. Return out "
            "(N, F, HO, WO) and the cache (x, w, b, conv_param). b may be None: then nothing is added. Loops are "
            "welcome. N, F, HH, WW, HO and WO are there already."
        ),
        "conv_backward_naive": (
            "Walk over the same windows as forward. Each entry of dout belongs to one image, one filter and one "
            "window: give the window and the filter their share of it. Return dx (N, C, H, W), dw (F, C, HH, WW) and "
            "db (F,), or None for db where b is None. Nothing is prepared: the sizes are in your cache and in dout."
        ),
    },
    hints=(
        "Four loops: images, filters, rows of out, columns of out. Which pixels of the padded image does "
        "out[n, f, i, j] see? Draw it for stride 2.",
        "One pixel lies in many windows, one weight is used at every place: how do their gradients come together?",
        "Gather the gradient to the padded image first, in an array of the padded image's size, and cut the padding "
        "off at the end, in a way that also works where there is none.",
    ),
    ready=CORRELATIONS,
    reading="CS231n notes, 'Convolutional Networks', Convolutional layer (cs231n.github.io/convolutional-networks)",
)


# -- max_pool ------------------------------------------------------------------------------------------------------


def _place(image, *places):
    """Exchange pixels so that the largest comes to the first of the places, the next largest to the second, ..."""
    for value, place in zip(np.sort(image, axis=None)[::-1], places):
        image[image == value], image[place] = image[place], value


def _max_pool_cases(rng):
    def case(N=1, C=1, H=4, W=4, height=2, width=2, stride=2, ceil_mode=False):
        count = [
            -(-(size - window) // stride) if ceil_mode else (size - window) // stride
            for size, window in ((H, height), (W, width))
        ]
        pool_param = {"pool_height": height, "pool_width": width, "stride": stride}
        return {
            "x": rng.permutation(np.round(np.arange(1, N * C * H * W + 1) / 10, 1)).reshape(N, C, H, W),
            "pool_param": pool_param | ({"ceil_mode": True} if ceil_mode else {}),
            "dout": _draw(rng, N, C, count[0] + 1, count[1] + 1),
        }

    cases = {
        "plain": case(),
        "several images": case(N=2),
        "several channels": case(C=3),
        "not square": case(H=2, W=6),
        "window not square": case(height=2, width=3, stride=1),
        "overlapping windows": case(stride=1),
        "gaps between windows": case(H=5, W=5, stride=3),
        "negative values": case(),
        "ties": case(),
        "windows that do not fill the image": case(H=4, W=5),
        "ceil_mode": case(H=3, W=5, ceil_mode=True),
    }
    cases["negative values"]["x"] *= -1
    # In windows that hang over the border all is negative: a border of zeros would be larger.
    x = cases["ceil_mode"]["x"]
    x[:, :, -1:], x[..., -1:] = -np.abs(x[:, :, -1:]), -np.abs(x[..., -1:])
    # The largest of four windows; and of three, before a fourth that is the other's.
    _place(cases["overlapping windows"]["x"][0, 0], (2, 2), (1, 1))
    _place(cases["window not square"]["x"][0, 0], (0, 2), (2, 1))  # in 2 x 3 pixels, not in 2 x 2; and only in 3 x 2
    # In each window three are the largest, and the first of them is not the first of the window.
    x = cases["ties"]["x"][0, 0]
    x[0::2, 1::2] = x[1::2, 0::2] = x[1::2, 1::2] = x.max() + np.round(rng.uniform(0.1, 1, (2, 2)), 2)
    return cases


def _max_pool_run(f, c, out):
    value = f.max_pool_forward_naive(c["x"], c["pool_param"])
    _, cache = out.take("max_pool_forward_naive", value, "out", "_")
    out.take("max_pool_backward_naive", f.max_pool_backward_naive(c["dout"], cache), "dx")
    out.take("max_pool_backward_naive", f.max_pool_backward_naive(c["dout"], cache), "dx_again")


MAX_POOL = Exercise(
    id="max_pool",
    track="layers",
    title="Max pooling, in loops",
    files={"max_pool_forward_naive": "layers/naive.py", "max_pool_backward_naive": "layers/naive.py"},
    points=7,
    extensions=(
        Stage("floor", 1, ("windows that do not fill the image",), FLOOR),
        Stage("ties", 1, ("ties",), "the whole gradient at the first, row by row, of several equally large pixels"),
        Stage("ceil-mode", 1, ("ceil_mode",), "ceil_mode: last windows that hang over the border"),
    ),
    cases=_max_pool_cases,
    run=_max_pool_run,
    forward=("out",),
    paste="""
out, cache = max_pool_forward_naive(c["x"], c["pool_param"])
dx = max_pool_backward_naive(c["dout"], cache)
""",
    instructions={
        "max_pool_forward_naive": (
            "Windows of `height` x `width` pixels, `stride` pixels apart; out holds the largest value of each, channel "
            "by channel. Return out (N, C, HO, WO) and the cache (x, pool_param). With ceil_mode the last windows may "
            "hang over the border: only what lies inside the image counts. Height, width, stride, HO and WO are there "
            "already."
        ),
        "max_pool_backward_naive": (
            "Return dx (N, C, H, W). Each entry of dout goes, whole, to the pixel that was the largest of its window; "
            "where several are equally large, to the first of them, row by row. Windows may overlap."
        ),
    },
    hints=(
        "Look at one window of one channel first. Which rows and columns of x does it cover at out's place i, j?",
        "In backward you need to know not how large the maximum is but where: NumPy finds the place of the first "
        "largest entry, counted through the flattened window.",
        "Turn that place into a row and a column of the window, and those into a row and a column of the image. One "
        "pixel may be the largest of more than one window.",
    ),
    ready=(
        "scipy.ndimage.maximum_filter",
        "scipy.ndimage.grey_dilation",
    ),
    reading="CS231n notes, 'Convolutional Networks', Pooling layer (cs231n.github.io/convolutional-networks)",
)


# -- batchnorm -----------------------------------------------------------------------------------------------------


TEST_BACKWARD = "gradients in test mode, too: visualisation goes back through a network that is not training"


def _running(rng, D):
    return {"running_mean": _draw(rng, D), "running_var": np.round(rng.uniform(0.5, 2, D), 2)}


def _batchnorm_cases(rng):
    def case(N=4, D=2, plain=True, running=False, **options):
        return {
            "x": np.round(2 * _draw(rng, N, D) + 1, 2),
            "gamma": np.ones(D) if plain else _draw(rng, D),
            "beta": np.zeros(D) if plain else _draw(rng, D),
            "bn_param": BN_OPTIONS | (_running(rng, D) if running else {}) | options,
            "dout": _draw(rng, N, D),
        }

    return {
        "plain": case(),
        "gamma and beta": case(plain=False),
        "running averages given": case(running=True),
        "another momentum": case(running=True, momentum=0.75),
        "large eps": case(eps=0.5),
        "test mode": _forward_only(case(D=3, plain=False, running=True, mode="test", eps=0.5)),
        "test mode, one image": _forward_only(case(N=1, D=3, plain=False, running=True, mode="test", eps=0.5)),
        "gradients in test mode": case(D=3, plain=False, running=True, mode="test", eps=0.5),
        "gradients in test mode, one image": case(N=1, D=3, plain=False, running=True, mode="test", eps=0.5),
        "old running averages": _forward_only(case(running=True)) | {"old_too": True},
    }


def _forward_only(case):
    """The case without an upstream gradient: backward is not called."""
    return {name: value for name, value in case.items() if name != "dout"}


def _batchnorm_run(f, c, out, name="batchnorm"):
    forward, backward = getattr(f, f"{name}_forward"), getattr(f, f"{name}_backward")
    old = [c["bn_param"].get(key) for key in ("running_mean", "running_var")]
    _, cache = out.take(f"{name}_forward", forward(c["x"], c["gamma"], c["beta"], c["bn_param"]), "out", "_")
    running = [c["bn_param"].get(key) for key in ("running_mean", "running_var")]
    if any(one is None for one in running):
        raise ReturnError(
            _("{name}_forward left no running averages in bn_param: store them under their names", name=name)
        )
    out.take("bn_param", running, "running_mean", "running_var")
    if c.get("old_too"):
        out.take("bn_param", old, "the old running_mean", "the old running_var")
    if "dout" not in c:
        return
    out.take(f"{name}_backward", backward(c["dout"], cache), "dx", "dgamma", "dbeta")
    out.take(f"{name}_backward", backward(c["dout"], cache), "dx_again", "dgamma_again", "dbeta_again")


BATCHNORM = Exercise(
    id="batchnorm",
    track="layers",
    title="Batch normalisation",
    files={"batchnorm_forward": "layers/norm.py", "batchnorm_backward": "layers/norm.py"},
    points=10,
    extensions=(
        Stage("test-backward", 1, ("gradients in test mode", "gradients in test mode, one image"), TEST_BACKWARD),
        Stage("old-averages", 1, ("old running averages",), "new arrays for the running averages: the old ones stay"),
    ),
    cases=_batchnorm_cases,
    run=_batchnorm_run,
    forward=("out", "running_mean", "running_var", "the old running_mean", "the old running_var"),
    paste="""
out, cache = batchnorm_forward(c["x"], c["gamma"], c["beta"], c["bn_param"])
running_mean, running_var = c["bn_param"]["running_mean"], c["bn_param"]["running_var"]
dx, dgamma, dbeta = batchnorm_backward(c["dout"], cache)
""",
    instructions={
        "batchnorm_forward": (
            "In training mode: subtract from every feature its mean over the batch, divide by the square root of its "
            "(biased) variance plus eps; then scale by gamma and shift by beta. Write new running averages of mean and "
            "variance into bn_param: `momentum` parts of the old one and the rest of the batch's; absent ones count as "
            "zeros. In test mode: normalise with the running averages of bn_param, and write nothing. Return out "
            "(N, D) and a cache with what your backward needs, in both modes."
        ),
        "batchnorm_backward": (
            "Return dx (N, D), dgamma (D,) and dbeta (D,) for both modes. In training mode the batch's mean and "
            "variance depend on x as well: follow all three ways from x to out. In test mode they are constants."
        ),
    },
    hints=(
        "Begin with test mode: there the layer only scales and shifts each feature. The cache must tell backward which "
        "mode it was.",
        "Draw training mode as a graph with a node for the mean, one for the variance and one for the normalised x, "
        "and go back through it node by node: a sum in forward spreads the gradient in backward.",
        "What reaches the normalised x loses two things on the way to x: its mean over the batch, and its part along "
        "the normalised x itself. Both are means over the batch, and the whole is scaled once.",
    ),
    ready=("scipy.stats.zscore",),
    reading="Ioffe and Szegedy 2015, 'Batch Normalization', section 3, algorithms 1 and 2",
    may_change=("bn_param",),
)


# -- spatial_batchnorm ---------------------------------------------------------------------------------------------


def _spatial_batchnorm_cases(rng):
    def case(N=1, C=2, H=3, W=3, plain=True, running=False, **options):
        return {
            "x": np.round(2 * _draw(rng, N, C, H, W) + 1, 2),
            "gamma": np.ones(C) if plain else _draw(rng, C),
            "beta": np.zeros(C) if plain else _draw(rng, C),
            "bn_param": BN_OPTIONS | (_running(rng, C) if running else {}) | options,
            "dout": _draw(rng, N, C, H, W),
        }

    return {
        "plain": case(),
        "several images": case(N=2),
        "not square": case(H=2, W=4),
        "gamma and beta": case(plain=False),
        "running averages given": case(running=True),
        "test mode": _forward_only(case(plain=False, running=True, mode="test")),
        "gradients in test mode": case(plain=False, running=True, mode="test"),
        "all of it at once": case(N=2, C=3, H=2, W=4, plain=False, running=True, momentum=0.75, eps=0.5),
    }


def _spatial_batchnorm_run(f, c, out):
    _batchnorm_run(f, c, out, "spatial_batchnorm")


SPATIAL_BATCHNORM = Exercise(
    id="spatial_batchnorm",
    track="layers",
    title="Batch normalisation of images",
    files={"spatial_batchnorm_forward": "layers/norm.py", "spatial_batchnorm_backward": "layers/norm.py"},
    points=5,
    extensions=(Stage("test-backward", 1, ("gradients in test mode",), TEST_BACKWARD),),
    cases=_spatial_batchnorm_cases,
    run=_spatial_batchnorm_run,
    forward=("out", "running_mean", "running_var", "the old running_mean", "the old running_var"),
    paste="""
out, cache = spatial_batchnorm_forward(c["x"], c["gamma"], c["beta"], c["bn_param"])
running_mean, running_var = c["bn_param"]["running_mean"], c["bn_param"]["running_var"]
dx, dgamma, dbeta = spatial_batchnorm_backward(c["dout"], cache)
""",
    instructions={
        "spatial_batchnorm_forward": (
            "One mean and one variance per channel, over all images and all positions. Bring x (N, C, H, W) into a "
            "form in which batchnorm_forward does the work, with C features, and bring its result back. Hand bn_param "
            "on, so that the running averages (C,) end up in it. Return out (N, C, H, W) and a cache for backward."
        ),
        "spatial_batchnorm_backward": (
            "The same way for the gradients, with batchnorm_backward: return dx (N, C, H, W), dgamma (C,) and "
            "dbeta (C,)."
        ),
    },
    hints=(
        "For batchnorm a sample is a row of features. What is a sample here, if the features are the channels?",
        "A reshape only ever regroups neighbours in memory. Which axis has to be last before you flatten the others?",
        "Going back is the same two steps in the opposite order, with the opposite exchange of axes.",
    ),
    ready=("scipy.stats.zscore",),
    reading="Ioffe and Szegedy 2015, 'Batch Normalization', section 3.2",
    needs=("batchnorm",),
    may_change=("bn_param",),
)


# -- dropout -------------------------------------------------------------------------------------------------------


def _telling_seed(rng, shape, p):
    """A seed whose mask keeps some entries and drops some, and differs from that of another seed or for another p."""
    while True:
        seed = int(rng.integers(2**31))
        numbers, other = (np.random.default_rng(s).random(shape) for s in (seed, 0))
        mask = numbers < p
        masks = [numbers < 1 - p, other < p] + ([np.broadcast_to(mask[0], shape)] if shape[0] > 1 else [])
        legacy = np.random.RandomState(seed).random(shape) < p  # what CS231n's own line draws
        if 0 < mask.mean() < 1 and 0 < legacy.mean() < 1 and not any((mask == wrong).all() for wrong in masks):
            return seed


def _dropout_cases(rng):
    def case(*shape, p=0.7, mode="train"):
        seed = _telling_seed(rng, shape, p)
        return {
            "x": _draw(rng, *shape),
            "dropout_param": {"p": p, "mode": mode, "seed": seed},
            "dout": _draw(rng, *shape),
        }

    return {
        "plain": case(1, 6),
        "several images": case(3, 4),
        "x with four axes": case(2, 2, 2, 3),
        "p below a half": case(3, 4, p=0.4),
        "test mode": case(2, 4, mode="test"),
    }


def _dropout_run(f, c, out):
    masks = Masks(f, c["dropout_param"], c["x"].shape)
    x, dout = c["x"].copy(), c["dout"].copy()
    value, cache = out.checked("dropout_forward", f.dropout_forward(c["x"], c["dropout_param"]), "out", "_")
    out.take("dropout_forward", masks.translated(value, x), "out")
    for name in ("dx", "dx_again"):
        value = out.checked("dropout_backward", f.dropout_backward(c["dout"], cache), name)
        out.take("dropout_backward", masks.translated(value, dout), name)
    if masks.complaint:  # last: what came back is looked at, too
        raise ReturnError(masks.complaint)


DROPOUT = Exercise(
    id="dropout",
    drawn=False,
    track="layers",
    title="Inverted dropout",
    files={"dropout_forward": "layers/basic.py", "dropout_backward": "layers/basic.py"},
    points=4,
    cases=_dropout_cases,
    run=_dropout_run,
    forward=("out",),
    paste="""
out, cache = dropout_forward(c["x"], c["dropout_param"])
dx = dropout_backward(c["dout"], cache)
""",
    instructions={
        "dropout_forward": (
            "In training mode keep each entry of x with probability p; the others become 0. Draw one number per entry, "
            "from a generator that dropout_param['seed'] seeds, an int: the same seed gives the same mask. Any of "
            "NumPy's generators will do. What is kept is scaled so that the expected value of out is x. In test mode "
            "nothing happens. Return out, of x's shape, and a cache for backward; x itself must stay as it is."
        ),
        "dropout_backward": (
            "Return dx, of dout's shape: what forward did to x happens to dout. It must work in both modes."
        ),
    },
    hints=(
        "Which single array, of x's shape, tells all that was done to x?",
        "If of ten entries seven are kept on average, by what must those seven be multiplied to make up "
        "for the other three?",
        "Backward needs what forward used, not another draw of it; and something in the cache must tell it that in "
        "test mode there was nothing.",
    ),
    reading="Srivastava et al. 2014, 'Dropout'; CS231n notes, 'Neural Networks 2' (cs231n.github.io/neural-networks-2)",
)


# -- im2col --------------------------------------------------------------------------------------------------------


def _im2col_cases(rng):
    def case(N=1, C=1, F=1, H=4, W=4, HH=2, WW=2, stride=1, pad=0):
        def places(pad):
            return [(size + 2 * pad - window) // stride + 1 for size, window in ((H, HH), (W, WW))]

        return {
            "x": _draw(rng, N, C, H, W),
            "HH": HH,
            "WW": WW,
            "stride": stride,
            "drows": _draw(rng, N * int(np.prod(places(0))), C * HH * WW),
            "w": _draw(rng, F, C, HH, WW),
            "b": _draw(rng, F),
            "conv_param": {"stride": stride, "pad": pad},
            "dout": _draw(rng, N, F, *places(pad)),
        }

    return {
        "plain": case(),
        "several images": case(N=2),
        "several channels": case(C=3),
        "several filters": case(F=2),
        "not square": case(H=3, W=5),
        "window not square": case(HH=3, WW=2),
        "stride 2": case(stride=2),
        "gaps between windows": case(H=5, W=5, stride=3),
        "padding": case(pad=1),
        "all of it at once": case(N=2, C=3, F=2, H=6, W=5, HH=2, WW=3, stride=2, pad=1),
        "no bias": case() | {"b": None},
        "windows that do not fill the image": case(H=4, W=5, stride=2),
    }


def _im2col_run(f, c, out):
    window = c["HH"], c["WW"], c["stride"]
    out.take("im2col", f.im2col(c["x"], *window), "rows")
    out.take("col2im", f.col2im(c["drows"], c["x"].shape, *window), "image")
    value = f.conv_forward_im2col(c["x"], c["w"], c["b"], c["conv_param"])
    _, cache = out.take("conv_forward_im2col", value, "out", "_")
    db = "_" if c["b"] is None else "db"
    out.take("conv_backward_im2col", f.conv_backward_im2col(c["dout"], cache), "dx", "dw", db)
    out.take("conv_backward_im2col", f.conv_backward_im2col(c["dout"], cache), "dx_again", "dw_again", "_")


IM2COL = Exercise(
    id="im2col",
    track="layers",
    title="Convolution as a matrix product",
    files=dict.fromkeys(("im2col", "col2im", "conv_forward_im2col", "conv_backward_im2col"), "layers/im2col.py"),
    points=10,
    extensions=(NO_BIAS, Stage("floor", 1, ("windows that do not fill the image",), FLOOR)),
    cases=_im2col_cases,
    run=_im2col_run,
    forward=("rows", "image", "out"),
    paste="""
rows = im2col(c["x"], c["HH"], c["WW"], c["stride"])
image = col2im(c["drows"], c["x"].shape, c["HH"], c["WW"], c["stride"])
out, cache = conv_forward_im2col(c["x"], c["w"], c["b"], c["conv_param"])
dx, dw, db = conv_backward_im2col(c["dout"], cache)
""",
    instructions={
        "im2col": (
            "Copy every window of every image into a row (N * HO * WO, C * HH * WW). The rows go through the images, "
            "within an image through the windows' places down, and within a line of places to the right; a row is a "
            "window (C, HH, WW) laid flat. sliding_window_view is imported; loops are welcome. x is padded already."
        ),
        "col2im": (
            "The way back: add each row, as a window (C, HH, WW), to the pixels that im2col copied it from, in an "
            "image of zeros of the given shape. Pixels in several windows get several shares."
        ),
        "conv_forward_im2col": (
            "Pad x with zeros, make rows of its windows with im2col, and multiply them by the filters, each laid flat: "
            "one matrix product. Add b, which may be None. Give the result the shape (N, F, HO, WO). Return it and a "
            "cache. N, F, HH, WW, HO and WO are there already."
        ),
        "conv_backward_im2col": (
            "Lay dout out as forward's product was, (N * HO * WO, F). The gradients of a matrix product are two matrix "
            "products; col2im makes the one for the rows into the padded image's. Return dx (N, C, H, W), "
            "dw (F, C, HH, WW) and db (F,), or None for db where b is None. Nothing is prepared: the sizes are in your "
            "cache."
        ),
    },
    hints=(
        "out[n, f, i, j] is one row of the windows' matrix times one filter laid flat. Which row, and which filter?",
        "reshape keeps the order of the numbers in memory and transpose changes it. Write the axes of each array "
        "beside each reshape: the axes that are joined must stand next to one another, in the right order.",
        "im2col copies, so col2im adds: a pixel that was copied into four rows gets four shares. Entry (i, j) of all "
        "windows at once is one strided slice of the image.",
    ),
    ready=CORRELATIONS,
    reading="CS231n notes, 'Convolutional Networks', Implementation as Matrix Multiplication",
)


# -- layernorm -----------------------------------------------------------------------------------------------------


def _layernorm_cases(rng):
    def case(N=1, D=4, plain=True, **ln_param):
        return {
            "x": np.round(2 * _draw(rng, N, D) + 1, 2),
            "gamma": np.ones(D) if plain else _draw(rng, D),
            "beta": np.zeros(D) if plain else _draw(rng, D),
            "ln_param": ln_param,
            "dout": _draw(rng, N, D),
        }

    return {
        "plain": case(),
        "several rows": case(N=3),
        "as many rows as features": case(N=4),
        "gamma and beta": case(plain=False),
        "large eps": case(eps=0.5),
        "all of it at once": case(N=3, D=5, plain=False, eps=0.5),
    }


def _layernorm_run(f, c, out):
    value = f.layernorm_forward(c["x"], c["gamma"], c["beta"], c["ln_param"])
    _, cache = out.take("layernorm_forward", value, "out", "_")
    out.take("layernorm_backward", f.layernorm_backward(c["dout"], cache), "dx", "dgamma", "dbeta")
    out.take("layernorm_backward", f.layernorm_backward(c["dout"], cache), "dx_again", "dgamma_again", "dbeta_again")


LAYERNORM = Exercise(
    id="layernorm",
    track="layers",
    title="Layer normalisation",
    files={"layernorm_forward": "layers/norm.py", "layernorm_backward": "layers/norm.py"},
    points=5,
    cases=_layernorm_cases,
    run=_layernorm_run,
    forward=("out",),
    paste="""
out, cache = layernorm_forward(c["x"], c["gamma"], c["beta"], c["ln_param"])
dx, dgamma, dbeta = layernorm_backward(c["dout"], cache)
""",
    instructions={
        "layernorm_forward": (
            "Subtract from every row its own mean, and divide by the square root of its (biased) variance plus eps; "
            "then scale by gamma and shift by beta, which belong to the features. There is no training or test mode. "
            "Return out (N, D) and a cache with what your backward needs. eps is there already."
        ),
        "layernorm_backward": (
            "Return dx (N, D), dgamma (D,) and dbeta (D,). A row's mean and variance depend on all of its entries: "
            "follow all three ways from x to out."
        ),
    },
    hints=(
        "Which axis do the means of batch normalisation run over, and which one do these?",
        "gamma differs from entry to entry of a row here. So at which point on the way back does it come in?",
        "dgamma and dbeta are those of batch normalisation. In dx the means now run along each row, over what reaches "
        "the normalised x.",
    ),
    ready=("scipy.stats.zscore",),
    reading="Ba, Kiros, Hinton 2016, 'Layer Normalization', section 3; CS231n, assignment 2",
)

EXERCISES = [
    *(AFFINE, RELU, SOFTMAX, SVM, CONV, MAX_POOL, IM2COL),
    *(BATCHNORM, SPATIAL_BATCHNORM, LAYERNORM, DROPOUT),
]
