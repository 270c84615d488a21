"""Activation maximization: the image that a neuron, a channel or a layer responds to most strongly.

D. Erhan et al., "Visualizing higher-layer features of a deep network", 2009; K. Simonyan, A. Vedaldi and
A. Zisserman, "Deep inside convolutional networks", 2014, section 2; J. Yosinski et al., "Understanding neural networks
through deep visualization", 2015, section 3. Gradient ascent from noise or from a photograph, held back by penalties
and blurs without which the image would be noise. One neuron may respond to several kinds of images: `facet_starts`
finds them.

A neuron behind a ReLU that is silent has a gradient of zero, and plain ascent would never leave the noise it starts
from. Here its value before the ReLU is maximized until it wakes (of a silent channel the neuron in the middle: all
places at once wake less easily than one), and the image starts anew where even that has no gradient.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._progress import progress_bar
from .._typing import Array, IntArray
from ..classifiers.blocks import GlobalAvgPool, Pool
from ..classifiers.network import Network
from .checks import check_images, check_model, check_not_negative, check_positive, check_whole
from .image_ops import blur, clip, grey_levels, jitter, noise, step, step_length, unit
from .patches import check_channels, receptive_field
from .total_variation import tv_beta_loss

CONTRAST = 50.0  # grey levels (root mean square) of a usual photograph: the unit in which penalties measure images
MAX_RESTARTS = 3
NARROW = 24  # pixels: neurons that see no more than this need no blur


def visualize_neuron(
    layer: int | str,
    model: Network,
    *,
    channel: int | IntArray | None = None,
    position: tuple[int, int] | str | None = None,
    X_init: Array | None = None,
    learning_rate: float | None = None,
    normalize: bool = True,
    num_iterations: int = 100,
    l2_reg: float | None = None,
    tv_weight: float = 0.0,
    tv_beta: float = 2.0,
    max_jitter: int | None = None,
    blur_every: int | None = None,
    blur_sigma: float = 0.5,
    rng: int | np.random.Generator | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool | None = None,
) -> Array:
    """Start from noise, or from images, and maximize the activation of a neuron, a channel or a layer.

    Parameters
    ----------
    layer : int or str
    model : Network
    channel : int, or ndarray (N,) of int, optional
        A channel, or one for each image of a batch; of an affine layer, a unit: of the last, a class. What is
        maximized is the mean over the channel's map; with None, the whole layer: half its squared activations, as in
        DeepDream.
    position : (int, int) or "centre", optional
        Maximize one neuron of the channel: row and column in its map.
    X_init : ndarray (N, 3, H, W), optional
        Where to start, in model space; one image serves all channels. By default noise of the network's input size.
    learning_rate : float, optional
        Length of a step in model space (with normalize), or the factor of the gradient (without; then there is no
        default). By default a step changes the pixels that the neuron sees by 4 grey levels (root mean square).
    normalize : bool
        Divide each image's gradient by its L2 norm, before penalties are taken off; False: take it as it is.
    num_iterations : int
    l2_reg : float, optional
        Pull towards the mean colour. With 1 it balances the neuron's pull at a contrast of 50 grey levels (root mean
        square), with 0.5 at 100: see Notes. By default 0.5 from noise, and 0 from X_init, which would fade otherwise.
    tv_weight : float
        Pull towards smooth images, by `tv_beta_loss`, on the same scale.
    tv_beta : float
        Exponent of the total variation, above 0.
    max_jitter : int, optional
        Before each step the image is shifted by up to so many pixels in both directions, and back after it. By default
        4; 0 with a position, since a neuron at a place would be smeared.
    blur_every : int, optional
        Blur after every so many steps; 0 for never, which is the default for neurons that see at most 24 pixels: what
        they look for may be as fine as pixels are. By default 4 for all others, whose images would be noise.
    blur_sigma : float
        Of the blur, in pixels.
    rng : int or numpy.random.Generator, optional
        For noise and jitter; a fixed seed by default.
    callback : callable, optional
        callback(t, X, info) after each step. info has arrays (N,): "activation", what is maximized, before the step;
        "silent" (bool), whether it had no gradient and was maximized before its ReLU; "restarts" (int), how often it
        was started from other noise since even that had none; "dead" (bool), whether it was given up after 3 restarts.
        The image of a dead neuron is noise and says nothing.
    progress : bool, optional
        A bar on standard error; by default in notebooks, where a call takes long.

    Returns
    -------
    X : ndarray (N, 3, H, W)
        In model space, within the pixel bounds of the network.

    Raises
    ------
    ValueError, TypeError
        An unknown layer, channel or position, or an option out of range.

    Notes
    -----
    With g the gradient of the activation, x = X / (50 grey levels) and D the number of pixel values that the neuron
    sees, a step follows::

        g / ||g||  -  d/dx (l2_reg ||x||^2 / 2 + tv_weight TV(x)) / sqrt(D)

    so that the same weights suit every layer, whatever the size of its activations, and every network.

    Examples
    --------
    >>> visualize_neuron("conv2", model, channel=3, num_iterations=2).shape
    (1, 3, 64, 64)
    """
    op = "visualize_neuron"
    check_model(op, model, layer=layer)
    rng = np.random.default_rng(0 if rng is None else rng)
    end = model.layer_index(layer)
    count = 1 if channel is None else np.size(channel)
    X = noise(model, (count, 3, *model.input_size), rng) if X_init is None else X_init
    check_images(op, X, model)
    X = np.repeat(X, count, axis=0) if len(X) == 1 else X
    if channel is not None and position is None and isinstance(model.named_blocks()[end][1], GlobalAvgPool):
        end = max(end - 1, 0)  # the mean over a map is what is maximized anyway; from here single places can be woken
    units, waking, seen = _units(op, model, end, channel, position, X)
    l2_reg = (0.5 if X_init is None else 0.0) if l2_reg is None else l2_reg
    max_jitter = (4 if position is None else 0) if max_jitter is None else max_jitter
    field = receptive_field(model, end)
    narrow = field.size is not None and field.size <= NARROW
    blur_every = (0 if narrow else 4) if blur_every is None else blur_every
    check_whole(op, 0, num_iterations=num_iterations, max_jitter=max_jitter, blur_every=blur_every)
    check_not_negative(op, l2_reg=l2_reg, tv_weight=tv_weight, blur_sigma=blur_sigma)
    check_positive(op, tv_beta=tv_beta)
    learning_rate = step_length(op, model, seen, learning_rate, normalize=normalize, rms=4)
    contrast, size = CONTRAST * model.pixel_scale, grey_levels(model, seen, CONTRAST)  # of a pixel, of an image

    bounds = model.bounds(X)
    X = clip(X, bounds)
    restarts = np.zeros(len(X), dtype=int)
    for t in progress_bar(range(num_iterations), progress=progress, desc="activation maximization", unit="step"):
        dy, dx = rng.integers(-max_jitter, max_jitter + 1, size=2)
        shifted = jitter(X, dy, dx)
        activation, dX, silent = _activation_gradient(model, end, shifted, units, waking)
        stuck = ~dX.any(axis=(1, 2, 3))
        dX = unit(dX) if normalize else dX
        dX = dX - X.dtype.type(l2_reg / size) * shifted
        if tv_weight:
            _, roughness = tv_beta_loss(shifted / X.dtype.type(contrast), tv_weight, tv_beta)
            dX -= roughness * X.dtype.type(contrast / size)
        stepped = clip(jitter(step(shifted, dX, learning_rate, normalize=False), -dy, -dx), bounds)
        if blur_every and (t + 1) % blur_every == 0 and t + 1 < num_iterations:
            stepped = blur(stepped, blur_sigma)
        dead = stuck & (restarts >= MAX_RESTARTS)
        again = stuck & ~dead
        if stuck.any():  # penalties and blur alone would turn the noise into grey
            restarts = restarts + again
            stepped[dead] = X[dead]
            stepped[again] = noise(model, stepped[again].shape, rng)
        X = stepped
        if callback:
            callback(t, X, {"activation": activation, "silent": silent, "restarts": restarts, "dead": dead})
    return X.copy() if num_iterations == 0 else X


def neuron_activation(
    X: Array,
    layer: int | str,
    model: Network,
    *,
    channel: int | None = None,
    position: tuple[int, int] | str | None = None,
) -> Array:
    """What `visualize_neuron` maximizes, for images in model space (N, 3, H, W): ndarray (N,). Arguments as there.

    Examples
    --------
    >>> neuron_activation(X, "conv3", model, channel=5).shape
    (1,)
    """
    op = "neuron_activation"
    check_images(op, X, model)
    end = model.layer_index(layer)
    units, _, _ = _units(op, model, end, channel, position, X)
    return _activation(model.forward(X, end=end)[0], units)


def _units(op, model, end, channel, position, X):
    """What to maximize, as weights on the layer (N, C, H, W) or (N, C), None for the whole of it; likewise what to wake
    where that is silent; and a stand-in (1, 3, h, w) of the size of what is seen of the image.
    """
    name = model.layer_names[end]
    shape = model.output_shapes(X.shape[2:])[name]
    image = np.broadcast_to(X.dtype.type(0), (1, *X.shape[1:]))
    units, rows = np.zeros((len(X), *shape), dtype=X.dtype), np.arange(len(X))
    middle = tuple(n // 2 for n in shape[1:])
    if channel is None:
        if position is not None:
            raise ValueError(f"{op}: a position needs a channel")
        place = (slice(None), slice(None), *middle)
        units[place] = 1
        return None, units, image
    channels = check_channels(op, channel, shape[0], name)
    if len(channels) not in (1, len(X)):
        raise ValueError(f"{op}: {len(X)} images need {len(X)} channels or one for all, got {len(channels)}")
    channels = np.broadcast_to(channels, len(X))
    if position is None:
        waking = units.copy()
        place = (rows, channels, *middle)
        waking[place] = 1
        units[rows, channels] = 1 / np.prod(shape[1:], dtype=int)
        return units, waking, image
    if len(shape) != 3:
        raise ValueError(f"{op}: layer {name} has no map, so leave out the position")
    position = middle if isinstance(position, str) and position == "centre" else position
    i, j = _checked_position(op, name, position, shape)
    units[rows, channels, i, j] = 1
    top, bottom, left, right = receptive_field(model, end).box((i, j), X.shape[2:])
    seen = image[:, :, max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    return units, units, seen if seen.size else image  # a unit may see nothing but padding


def _checked_position(op, name, position, shape):
    whole = np.shape(position) == (2,) and all(isinstance(i, int | np.integer) for i in position)
    if not whole or not (0 <= position[0] < shape[1] and 0 <= position[1] < shape[2]):
        raise ValueError(
            f"{op}: a position in layer {name} is (row, column), from (0, 0) to {(shape[1] - 1, shape[2] - 1)}, or "
            f'"centre"; got {position!r}'
        )
    return position


def _activation_gradient(model, end, X, units, waking):
    """The activation (N,) of what is maximized, its gradient (N, 3, H, W), and for which images it was silent.

    Where the gradient is zero throughout, it is replaced by that of the neurons to be woken, before their ReLU. The
    rule of the deconvnet gives it: it lets everything positive through, whether the ReLU was active or not, and
    what comes down to it from the layer, through pooling at most, is positive. (Fire has another ReLU inside,
    which goes by the same rule: there this is a direction to try, not the gradient.)
    """
    last = _last_with_weights(model, end)
    below, cache_below = (X, None) if last == 0 else model.forward(X, end=last - 1)
    feats, cache = model.forward(below, start=last, end=end)

    def gradient(dfeats, rule):
        dX, _ = model.backward(dfeats, cache, relu_rule=rule)
        return dX if cache_below is None else model.backward(dX, cache_below)[0]

    dX = gradient(feats if units is None else units, "standard")
    silent = ~dX.any(axis=(1, 2, 3))
    if silent.any():
        dX = np.where(silent[:, None, None, None], gradient(waking, "deconv"), dX)
    return _activation(feats, units), dX, silent


def _activation(feats, units):
    return (0.5 * feats**2 if units is None else feats * units).sum(axis=tuple(range(1, feats.ndim)))


def _last_with_weights(model, end):
    """The index of the last layer up to `end` that is not pooling."""
    pooling = [isinstance(block, Pool | GlobalAvgPool) for _, block in model.named_blocks()[: end + 1]]
    return max((i for i, pools in enumerate(pooling) if not pools), default=0)
