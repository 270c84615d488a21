"""A network is a list of named layers and a loop over them."""

import copy
import difflib
import re
from contextlib import nullcontext
from typing import NamedTuple

import numpy as np

from ..layers.checks import RELU_RULES, check_choice, whole_number
from ..layers.fast.conv import channels_last_filters
from ..layers.fast.parallel import one_blas_thread
from ..layers.losses import softmax_loss
from .blocks import make_blocks, param_shapes
from .pixels import make_pixels
from .scores import softmax
from .weights import WeightsError, read_weights, write_weights

_MOST_FOR_BLAS = 3 * 128 * 128  # numbers in what a network is given: four images of 64x64, or one of 128x128


class Prediction(NamedTuple):
    """One line of `Network.predict`: class index, its name, its probability."""

    index: int
    name: str
    probability: float


class Network:
    """A feed-forward network.

    Parameters
    ----------
    architecture : list of dict
        The blocks, first to last; see `pixelgrad.classifiers.blocks`.
    params : dict of str to ndarray, optional
        Parameters by name (`W1`, `b1`, `gamma1`, ...). Without them they are drawn: weights from a normal
        distribution with variance 2 / fan-in (He et al. 2015, section 2.2), the last layer's a hundred times smaller.
    input_size : (int, int)
        Height and width of the images the network was made for, in pixels.
    class_names, wnids : list of str, optional
        Names and WordNet ids of the classes, in the order of the scores.
    mean_image : ndarray (3, H, W), optional
    pixel_mean, pixel_std : three numbers, optional
        How pixels become model space; see `pixelgrad.classifiers.pixels`.
    provenance : dict, optional
        Where the parameters come from.
    dtype : numpy dtype
        float32 or float64.
    rng : int or numpy.random.Generator, optional
        Draws the parameters where none are given; a fixed seed by default.

    Attributes
    ----------
    params : dict of str to ndarray
    layer_names : list of str
    """

    def __init__(
        self,
        architecture,
        params=None,
        *,
        input_size=(64, 64),
        class_names=None,
        wnids=None,
        mean_image=None,
        pixel_mean=None,
        pixel_std=None,
        provenance=None,
        dtype=np.float32,
        rng=None,
    ):
        self.architecture = copy.deepcopy(architecture)
        self.input_size = tuple(int(n) for n in input_size)
        named = make_blocks(self.architecture)
        self.layer_names = [name for name, _ in named]
        self._blocks = [block for _, block in named]
        self.pixels = make_pixels(mean_image, pixel_mean, pixel_std)
        self.dtype = np.dtype(dtype)
        shapes = param_shapes(named, self.input_size)
        if params is None:
            params = _draw(shapes, self.dtype, np.random.default_rng(0 if rng is None else rng))
        _check_params(params, shapes)
        self.params = {name: _parameter(params[name], self.dtype) for name in shapes}
        self.class_names = self._labels("class_names", class_names) or [f"class {k}" for k in range(self.num_classes)]
        self.wnids = self._labels("wnids", wnids)
        self.provenance = dict(provenance or {})

    # -- forward and backward -------------------------------------------------------------------------------------

    def forward(self, X, start=None, end=None, mode="test"):
        """Run the layers from `start` to `end`, both included.

        Parameters
        ----------
        X : ndarray (N, 3, H, W) in model space, or what the layer before `start` returns
        start, end : int or str, optional
            Layer index or name; the first and the last by default.
        mode : {"test", "train"}
            In "test" batch norm uses its running averages; in "train" the batch's, and updates the running ones.

        Returns
        -------
        out : ndarray
            Scores (N, K) where `end` is the last layer.
        cache : tuple
            For `backward`, any number of times.
        """
        first, last = self._span(start, end)
        if mode not in ("test", "train"):
            raise ValueError(f"forward: mode must be 'test' or 'train', got {mode!r}")
        self._check_input(X, first)
        caches, size = [], X.size
        with _threads_for(size):
            for i in range(first, last + 1):
                X, cache = self._blocks[i].forward(X, self.params, mode)
                caches.append(cache)
        return X, (first, mode, size, caches)

    def backward(self, dout, cache, relu_rule="standard", *, param_grads=None, input_grad=True):
        """Run the same layers backward.

        Parameters
        ----------
        dout : ndarray, of the shape of `forward`'s result
            Upstream gradient.
        cache : tuple
            From `forward`.
        relu_rule : {"standard", "guided", "deconv"}
            As in `relu_backward`.
        param_grads : bool, optional
            Gradients of the parameters, too. By default only after ``mode="train"``: otherwise they are frozen.
        input_grad : bool
            The gradient to X; training has no use for it.

        Returns
        -------
        dX : ndarray, of X's shape, or None without input_grad
        grads : dict of str to ndarray
            By parameter name; empty if the parameters are frozen.
        """
        check_choice("backward", "relu_rule", relu_rule, RELU_RULES)
        first, mode, size, caches = cache
        param_grads = mode == "train" if param_grads is None else param_grads
        grads = {}
        with _threads_for(size):
            for i in reversed(range(first, first + len(caches))):
                dout, block_grads = self._blocks[i].backward(
                    dout,
                    caches[i - first],
                    relu_rule=relu_rule,
                    param_grads=param_grads,
                    input_grad=input_grad or i > first,
                )
                grads |= block_grads
        return dout, grads

    def loss(self, X, y=None, *, mode=None, label_smoothing=0.0):
        """Scores of a batch; with labels, the softmax loss and all parameter gradients.

        Parameters
        ----------
        X : ndarray (N, 3, H, W), model space
        y : ndarray (N,) of int, optional
        mode : {"train", "test"}, optional
            "train" with labels, "test" without.
        label_smoothing : float
            As in `softmax_loss`.

        Returns
        -------
        scores : ndarray (N, K)
            Without y.
        loss, grads : float, dict
            With y.
        """
        if y is None and mode in (None, "test"):
            return self.scores(X)
        scores, cache = self.forward(X, mode=mode or "train")
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y, label_smoothing=label_smoothing)
        _, grads = self.backward(dscores, cache, param_grads=True, input_grad=False)
        return loss, grads

    def scores(self, X, *, batch_size=64):
        """Scores of any number of images, with memory for a batch only and nothing kept for a backward pass.

        Parameters
        ----------
        X : ndarray (N, 3, H, W), model space
        batch_size : int
            Images at a time.

        Returns
        -------
        ndarray (N, K)
        """
        self._check_input(X, 0)
        batch_size = whole_number("scores", "batch_size", batch_size, 1)
        parts = []
        for n in range(0, len(X), batch_size):
            part = X[n : n + batch_size]
            with _threads_for(part.size):
                for block in self._blocks:
                    part, _ = block.forward(part, self.params, "test")
            parts.append(part)
        return np.concatenate(parts)

    def probabilities(self, X):
        """Softmax of the scores of images in model space: (N, K), float64."""
        return softmax(self.scores(X).astype(np.float64))

    def predict(self, X, top=5):
        """The most probable classes of each image.

        Parameters
        ----------
        X : ndarray (N, 3, H, W), model space
        top : int
            How many.

        Returns
        -------
        list of list of Prediction
            For each image its `top` classes, most probable first: (index, name, probability).
        """
        probabilities = self.probabilities(X)
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
        return [
            [Prediction(int(k), self.class_names[k], float(p[k])) for k in best]
            for p, best in zip(probabilities, order)
        ]

    # -- pixels ---------------------------------------------------------------------------------------------------

    def preprocess(self, images):
        """uint8 pictures (H, W, 3) or (N, H, W, 3) -> model space (N, 3, H, W). Never resizes."""
        return self.pixels.preprocess(images, self.dtype)

    def deprocess(self, X, *, rescale=False):
        """Model space (N, 3, H, W) -> uint8 (N, H, W, 3), clipped; rescale=True stretches each image to 0..255."""
        return self.pixels.deprocess(X, rescale=rescale)

    def bounds(self, X):
        """Model-space values of black and white, lo and hi, as arrays that broadcast against X."""
        return self.pixels.bounds(X)

    @property
    def pixel_scale(self):
        """Model-space units in one grey level of 0..255; the mean over the channels where they differ."""
        return self.pixels.scale

    # -- what it is made of ---------------------------------------------------------------------------------------

    @property
    def num_classes(self):
        """How many scores the last layer gives."""
        shape = (3, *self.input_size)
        for block in self._blocks:
            shape = block.output_shape(shape)
        return shape[0]

    def layer_index(self, layer):
        """The index of a layer given by index or name; negative indices count from the end."""
        if isinstance(layer, str):
            if layer in self.layer_names:
                return self.layer_names.index(layer)
        elif isinstance(layer, int | np.integer) and not isinstance(layer, bool):
            if -len(self.layer_names) <= layer < len(self.layer_names):
                return int(layer) % len(self.layer_names)
        valid = ", ".join(f"{i} {name}" for i, name in enumerate(self.layer_names))
        raise ValueError(f"unknown layer {layer!r}; the layers are {valid}")

    def class_index(self, label):
        """The index of a class given by index, name (or one of its names) or WordNet id.

        Raises
        ------
        ValueError
            Nothing fits, or several do; the message lists the nearest names.
        """
        text = str(label).strip()
        if not text:
            raise ValueError("the name of a class is empty; give an index, a name or a WordNet id")
        if re.fullmatch("-?[0-9]+", text):
            if 0 <= int(text) < self.num_classes:
                return int(text)
            raise ValueError(f"class {text} is out of range: the network has classes 0 to {self.num_classes - 1}")
        if self.wnids and text in self.wnids:
            return self.wnids.index(text)
        synonyms = [{part.strip().lower() for part in name.split(",")} | {name.lower()} for name in self.class_names]
        wanted = text.lower()
        exact = [k for k, names in enumerate(synonyms) if wanted in names]
        if len(exact) == 1:
            return exact[0]
        partial = exact or [k for k, name in enumerate(self.class_names) if wanted in name.lower()]
        if partial:
            near = partial
        else:
            every = {name: k for k, names in enumerate(synonyms) for name in names}
            near = [every[name] for name in difflib.get_close_matches(wanted, every, n=5, cutoff=0.5)]
        near = [f"{k} {self.class_names[k]}" for k in dict.fromkeys(near[:8])]
        hint = f"did you mean {', '.join(near)}?" if near else "`pixelgrad summary --classes` lists all of them"
        raise ValueError(f"unknown class {text!r}; {hint}")

    def named_blocks(self):
        """The layers as a list of (name, block), first to last; see `pixelgrad.classifiers.blocks`."""
        return list(zip(self.layer_names, self._blocks))

    def output_shapes(self, input_size=None):
        """What each layer gives for one image of a size (H, W), without running it: {layer name: shape}."""
        shapes, shape = {}, (3, *(input_size or self.input_size))
        for name, block in zip(self.layer_names, self._blocks):
            shapes[name] = shape = block.output_shape(shape)
        return shapes

    def summary(self, input_size=None):
        """A table as text: every layer with its output shape, parameters and multiply-adds for one image."""
        shape, outputs = (3, *(input_size or self.input_size)), self.output_shapes(input_size)
        rows = [("", "layer", "output", "parameters", "multiply-adds"), ("", "input", _times(shape), "", "")]
        total_params = total_work = 0
        for i, (name, block) in enumerate(zip(self.layer_names, self._blocks)):
            trained = [s for n, s in block.param_shapes(shape).items() if not n.startswith("running")]
            count, work = sum(int(np.prod(s)) for s in trained), block.multiply_adds(shape)
            shape = outputs[name]
            rows.append((str(i), name, _times(shape), f"{count:,}", f"{work:,}"))
            total_params, total_work = total_params + count, total_work + work
        rows.append(("", "total", "", f"{total_params:,}", f"{total_work:,}"))
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        return "\n".join(
            "  ".join([r[0].rjust(widths[0]), r[1].ljust(widths[1]), *(r[i].rjust(widths[i]) for i in (2, 3, 4))])
            for r in rows
        )

    # -- copies and files -----------------------------------------------------------------------------------------

    def with_params(self, params):
        """The same network with other parameters: a view that shares everything else.

        Parameters
        ----------
        params : dict of str to ndarray
            Used as it is, not copied; training mode replaces running averages in it.
        """
        other = copy.copy(self)
        other.params = params
        return other

    def astype(self, dtype):
        """A copy of the network with parameters of another type, such as np.float64 for gradient checks."""
        other = copy.copy(self)
        other.dtype = np.dtype(dtype)
        other.params = {name: value.astype(dtype) for name, value in self.params.items()}
        other.provenance = dict(self.provenance)
        return other

    def save(self, path, *, dtype=np.float32, overwrite=False):
        """Write a weights file; dtype np.float16 halves it. Never overwrites unless asked."""
        write_weights(
            path,
            params=self.params,
            architecture=self.architecture,
            input_size=self.input_size,
            class_names=self.class_names,
            wnids=self.wnids,
            pixels=self.pixels,
            provenance=self.provenance,
            dtype=dtype,
            overwrite=overwrite,
        )

    @classmethod
    def load(cls, path, *, dtype=np.float32):
        """A network from a weights file that pixelgrad wrote. Raises WeightsError on anything else."""
        contents = read_weights(path)
        try:
            return Network(**contents, dtype=dtype)
        except ValueError as error:
            raise WeightsError(f"{path}: {error}") from error

    # -- details --------------------------------------------------------------------------------------------------

    def _span(self, start, end):
        first = 0 if start is None else self.layer_index(start)
        last = len(self._blocks) - 1 if end is None else self.layer_index(end)
        if first > last:
            raise ValueError(
                f"forward: start, layer {first} ({self.layer_names[first]}), comes after end, "
                f"layer {last} ({self.layer_names[last]})"
            )
        return first, last

    def _check_input(self, X, first):
        name = self.layer_names[first]
        if not isinstance(X, np.ndarray) or not np.issubdtype(X.dtype, np.floating):
            raise TypeError(
                f"forward: the input of layer {name} must be a float array, "
                f"got {getattr(X, 'dtype', type(X).__name__)}; "
                "model.preprocess(images) turns uint8 pictures into model space"
            )
        if X.ndim == 0 or X.shape[0] == 0:
            raise ValueError(f"forward: the batch is empty (input of the shape {X.shape})")
        if first == 0 and (X.ndim != 4 or X.shape[1] != 3):
            raise ValueError(
                f"forward: X must have the shape (N, 3, H, W), got {X.shape}; model.preprocess(images) returns such"
            )

    def _labels(self, what, labels):
        if labels is None:
            return None
        if len(labels) != self.num_classes:
            raise ValueError(f"{what}: {len(labels)} entries, but the network has {self.num_classes} classes")
        return [str(label) for label in labels]


def _threads_for(size):
    """BLAS's threads are best for a few small images, our own (see `layers.threads`) for anything larger."""
    return nullcontext() if size <= _MOST_FOR_BLAS else one_blas_thread()


def _parameter(value, dtype):
    """A copy of a parameter; filters in the order of memory that convolutions like best."""
    value = np.array(value, dtype=dtype)
    return channels_last_filters(value) if value.ndim == 4 else value


def _draw(shapes, dtype, rng):
    params, last = {}, next((name for name in reversed(shapes) if name.startswith("W")), None)
    for name, shape in shapes.items():
        if name.startswith("W"):
            fan_in = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
            # A small last layer starts training from even odds for all classes.
            scale = np.sqrt(2 / fan_in) * (0.01 if name == last else 1)
            params[name] = (scale * rng.standard_normal(shape)).astype(dtype)
        else:
            ones = name.startswith(("gamma", "running_var"))
            params[name] = np.full(shape, 1.0 if ones else 0.0, dtype=dtype)
    return params


def _check_params(params, shapes):
    missing, extra = [n for n in shapes if n not in params], [n for n in params if n not in shapes]
    if missing or extra:
        raise ValueError(f"parameters do not fit the architecture: missing {missing[:8]}, extra {extra[:8]}")
    for name, shape in shapes.items():
        if np.shape(params[name]) != shape:
            raise ValueError(f"parameter {name} has the shape {np.shape(params[name])}, the architecture needs {shape}")


def _times(shape):
    return " x ".join(map(str, shape))
