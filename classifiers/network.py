"""A network is a list of named layers and a loop over them."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .._typing import Array, Cache, Images, IntArray
from ..layers.checks import RELU_RULES, check_choice, whole_number
from ..layers.fast.parallel import threads_for
from ..layers.losses import softmax_loss
from . import checks
from .blocks import make_blocks, param_shapes
from .engines import ENGINES
from .parameters import draw_parameters, stored_parameter
from .pixels import make_pixels
from .predictions import Prediction, Predictions, Ranking
from .scores import softmax
from .summary import find_class, find_layer, network_html, network_text, summary_table
from .weights import WeightsError, read_weights, write_weights


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
    engine : {"fast", "im2col", "naive"}
        Which functions compute the layers; see `pixelgrad.classifiers.engines`. All give the same numbers.

    Attributes
    ----------
    engine : str
    params : dict of str to ndarray
    layer_names : list of str

    Examples
    --------
    >>> Network([{"type": "affine", "units": 10}], input_size=(8, 8)).num_classes
    10
    """

    def __init__(
        self,
        architecture: list[dict[str, Any]],
        params: dict[str, Array] | None = None,
        *,
        input_size: tuple[int, int] = (64, 64),
        class_names: list[str] | None = None,
        wnids: list[str] | None = None,
        mean_image: Array | None = None,
        pixel_mean: Sequence[float] | Array | None = None,
        pixel_std: Sequence[float] | Array | None = None,
        provenance: dict[str, Any] | None = None,
        dtype: DTypeLike = np.float32,
        rng: int | np.random.Generator | None = None,
        engine: str = "fast",
    ) -> None:
        check_choice("Network", "engine", engine, ENGINES)
        self.engine = engine
        self.architecture = copy.deepcopy(architecture)
        height, width = input_size
        self.input_size = int(height), int(width)
        named = make_blocks(self.architecture)
        self.layer_names = [name for name, _ in named]
        self._blocks = [block for _, block in named]
        self.pixels = make_pixels(mean_image, pixel_mean, pixel_std)
        self.dtype = checks.checked_dtype("Network", dtype)
        shapes = param_shapes(named, self.input_size)
        if params is None:
            params = draw_parameters(shapes, self.dtype, np.random.default_rng(0 if rng is None else rng))
        checks.check_parameters(params, shapes)
        self.params = {name: stored_parameter(params[name], self.dtype) for name in shapes}
        names = checks.checked_labels("class_names", class_names, self.num_classes)
        self.class_names = names or [f"class {k}" for k in range(self.num_classes)]
        self.wnids = checks.checked_labels("wnids", wnids, self.num_classes)
        self.provenance = dict(provenance or {})

    # -- forward and backward -------------------------------------------------------------------------------------

    def forward(
        self, X: Array, start: int | str | None = None, end: int | str | None = None, mode: str = "test"
    ) -> tuple[Array, Cache]:
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
        checks.check_input(X, first, self.layer_names[first])
        caches, size, out = [], X.size, X
        with threads_for(size):
            for i in range(first, last + 1):
                out, cache = self._blocks[i].forward(out, self.params, mode, ENGINES[self.engine])
                caches.append(cache)
        if mode == "test":
            blocks = self.named_blocks()[first : last + 1]
            checks.check_finite_output("forward", out, X, blocks, self.params, ENGINES[self.engine])
        return out, (self.engine, first, mode, size, caches)

    def backward(
        self,
        dout: Array,
        cache: Cache,
        relu_rule: str = "standard",
        *,
        param_grads: bool | None = None,
        input_grad: bool = True,
    ) -> tuple[Array | Any, dict[str, Array]]:
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
        engine, first, mode, size, caches = cache
        if engine != self.engine:
            raise ValueError(
                f"backward: this cache was made by the engine {engine!r}, but the network runs on {self.engine!r}; "
                f"call model.with_engine({engine!r}).backward, or run forward again"
            )
        param_grads = mode == "train" if param_grads is None else param_grads
        grads: dict[str, Array] = {}
        dlast = dout
        with threads_for(size):
            for i in reversed(range(first, first + len(caches))):
                dout, block_grads = self._blocks[i].backward(
                    dout,
                    caches[i - first],
                    ENGINES[engine],
                    relu_rule=relu_rule,
                    param_grads=param_grads,
                    input_grad=input_grad or i > first,
                )
                grads |= block_grads
        if mode == "test" and input_grad:
            checks.check_finite_gradient(dout, dlast, self.layer_names[first], self.params)
        return dout, grads

    def loss(
        self, X: Array, y: IntArray | None = None, *, mode: str | None = None, label_smoothing: float = 0.0
    ) -> Any:
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

    def scores(self, X: Array, *, batch_size: int = 64) -> Array:
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
        checks.check_input(X, 0, self.layer_names[0])
        batch_size = whole_number("scores", "batch_size", batch_size, 1)
        parts = []
        for n in range(0, len(X), batch_size):
            part = X[n : n + batch_size]
            with threads_for(part.size):
                for block in self._blocks:
                    part, _ = block.forward(part, self.params, "test", ENGINES[self.engine])
            parts.append(part)
        scores = np.concatenate(parts)
        checks.check_finite_output("scores", scores, X, self.named_blocks(), self.params, ENGINES[self.engine])
        return scores

    def probabilities(self, X: Array) -> Array:
        """Softmax of the scores of images in model space: (N, K), float64."""
        return softmax(self.scores(X).astype(np.float64))

    def predict(self, X: Array, top: int = 5) -> Predictions:
        """The most probable classes of each image.

        Parameters
        ----------
        X : ndarray (N, 3, H, W), model space
        top : int
            How many, at least 1; more than there are classes gives all.

        Returns
        -------
        list of list of Prediction
            For each image its `top` classes, most probable first: (index, name, probability). It prints as a table, and
            a notebook shows bars.
        """
        top = whole_number("predict", "top", top, 1)
        probabilities = self.probabilities(X)
        checks.warn_of_size(X, self.input_size)
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
        return Predictions(
            Ranking(Prediction(int(k), self.class_names[k], float(p[k])) for k in best)
            for p, best in zip(probabilities, order)
        )

    # -- pixels ---------------------------------------------------------------------------------------------------

    def preprocess(self, images: Images) -> Array:
        """uint8 pictures (H, W, 3) or (N, H, W, 3) -> model space (N, 3, H, W). Never resizes."""
        return self.pixels.preprocess(images, self.dtype)

    def deprocess(self, X: Array, *, rescale: bool = False) -> Images:
        """Model space (N, 3, H, W) -> uint8 (N, H, W, 3), clipped; rescale=True stretches each image to 0..255."""
        return self.pixels.deprocess(X, rescale=rescale)

    def bounds(self, X: Array) -> tuple[Array, Array]:
        """Model-space values of black and white, lo and hi, as arrays that broadcast against X."""
        return self.pixels.bounds(X)

    @property
    def pixel_scale(self) -> float:
        """Model-space units in one grey level of 0..255; the mean over the channels where they differ."""
        return self.pixels.scale

    # -- what it is made of ---------------------------------------------------------------------------------------

    @property
    def num_classes(self) -> int:
        """How many scores the last layer gives."""
        shape = (3, *self.input_size)
        for block in self._blocks:
            shape = block.output_shape(shape)
        return shape[0]

    def layer_index(self, layer: int | str) -> int:
        """The index of a layer given by index or name; negative indices count from the end."""
        return find_layer(layer, self.layer_names)

    def class_index(self, label: int | str) -> int:
        """The index of a class given by index, name (or one of its names) or WordNet id; see `summary.find_class`."""
        return find_class(label, self.class_names, self.wnids)

    def named_blocks(self) -> list[tuple[str, Any]]:
        """The layers as a list of (name, block), first to last; see `pixelgrad.classifiers.blocks`."""
        return list(zip(self.layer_names, self._blocks))

    def output_shapes(self, input_size: tuple[int, int] | None = None) -> dict[str, tuple[int, ...]]:
        """What each layer gives for one image of a size (H, W), without running it: {layer name: shape}."""
        shapes, shape = {}, (3, *(input_size or self.input_size))
        for name, block in zip(self.layer_names, self._blocks):
            shapes[name] = shape = block.output_shape(shape)
        return shapes

    def summary(self, input_size: tuple[int, int] | None = None) -> str:
        """A table as text: every layer with its output shape, parameters and multiply-adds for one image."""
        return summary_table(self.named_blocks(), input_size or self.input_size)

    def __repr__(self) -> str:
        return network_text(self)

    def _repr_html_(self) -> str:
        return network_html(self)

    # -- copies and files -----------------------------------------------------------------------------------------

    def with_engine(self, engine: str) -> "Network":
        """The same network, computed by another engine: a view that shares parameters and running averages.

        Parameters
        ----------
        engine : {"fast", "im2col", "naive"}
        """
        check_choice("with_engine", "engine", engine, ENGINES)
        other = copy.copy(self)
        other.engine = engine
        return other

    def with_params(self, params: dict[str, Array]) -> "Network":
        """The same network with other parameters: a view that shares everything else.

        Parameters
        ----------
        params : dict of str to ndarray
            Used as it is, not copied; training mode replaces running averages in it.
        """
        other = copy.copy(self)
        other.params = params
        return other

    def astype(self, dtype: DTypeLike) -> "Network":
        """A copy of the network with parameters of another type, such as np.float64 for gradient checks."""
        other = copy.copy(self)
        other.dtype = checks.checked_dtype("astype", dtype)
        other.params = {name: value.astype(dtype) for name, value in self.params.items()}
        other.provenance = dict(self.provenance)
        return other

    def save(self, path: str | Path, *, dtype: DTypeLike = np.float32, overwrite: bool = False) -> None:
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
    def load(cls, path: str | Path, *, dtype: DTypeLike = np.float32, engine: str = "fast") -> "Network":
        """A network from a weights file that pixelgrad wrote. Raises WeightsError on anything else."""
        contents = read_weights(path)
        check_choice("Network.load", "engine", engine, ENGINES)
        try:
            return Network(**contents, dtype=dtype, engine=engine)
        except ValueError as error:
            raise WeightsError(f"{path}: {error}") from error

    # -- details --------------------------------------------------------------------------------------------------

    def _span(self, start, end):
        first = 0 if start is None else self.layer_index(start)
        last = len(self._blocks) - 1 if end is None else self.layer_index(end)
        if first > last:
            a, b = self.layer_names[first], self.layer_names[last]
            raise ValueError(f"forward: start, layer {first} ({a}), comes after end, layer {last} ({b})")
        return first, last
