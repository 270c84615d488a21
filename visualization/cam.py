"""Class activation maps: where in the image the last layers see a class.

- CAM: B. Zhou et al., "Learning deep features for discriminative localization", 2016, section 2. For networks that end
  in global average pooling and an affine layer: there the score is a sum over positions, and the map shows its terms.
  A network that ends in global average pooling alone, as M. Lin et al., "Network in network", 2014, section 3.2, has a
  map for each class already (SqueezeNet: with a ReLU between map and mean).
- Grad-CAM: R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization",
  2017, section 3. For any network and layer: maps are weighted by the mean of their gradients.
- guided Grad-CAM (section 3.2): the detail of guided backpropagation in the region of Grad-CAM.

In the layer that feeds global average pooling the two differ only by the factor h * w, the number of positions: the
gradient of the score to a map is its weight / (h * w) everywhere.
"""

from typing import Any

import numpy as np
from scipy.ndimage import zoom

from .._typing import Array, IntArray
from ..classifiers.blocks import Affine, GlobalAvgPool, Relu
from ..classifiers.network import Network
from ..classifiers.scores import one_hot
from .checks import check_images, check_labels, check_model
from .guided import guided_backprop

Layer = int | str | None  # by its index or name; None for a default


def class_activation_maps(
    X: Array, y: IntArray | int, model: Network, *, relu: bool = False, upsample: bool = True
) -> Any:
    """CAM: the sum of the last maps, weighted by the class's weights; or the class's own map, where the head has one.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
        It ends in global average pooling and an affine layer without ReLU, or in global average pooling alone.
    relu : bool
        Leave out what speaks against the class.
    upsample : bool
        To the size of the image, bilinearly; False: as the layer has it.

    Returns
    -------
    maps : ndarray (N, H, W), or (N, h, w)
        The mean over the layer's h * w positions, before the ReLU, is the score of the class less its bias. Where a
        ReLU comes before the pooling, the map is that before it, and with `relu` the mean of the map is the score.

    Raises
    ------
    ValueError, TypeError
        The network has another head, X is not a batch of images, or a class is out of range.

    Examples
    --------
    >>> cam = class_activation_maps(X, y, model, upsample=False)
    >>> bool(np.allclose(cam.mean() + model.params["b8"][y], model.scores(X)[0, y], rtol=1e-3))
    True
    """
    op = "class_activation_maps"
    check_images(op, X, model, size_matters=True)
    last, W = _head(op, model)
    y = check_labels(op, y, len(X), model)
    A = model.forward(X, end=last)[0] if last >= 0 else X  # (N, C, h, w)
    ### BEGIN SOLUTION
    if W is None:
        maps = A[np.arange(len(X)), y]
    else:
        maps = np.einsum("cn,nchw->nhw", W[:, y], A)
    # ReLU first, then enlarge.
    maps = np.maximum(maps, 0) if relu else maps
    return upsample_maps(maps, X.shape[2:]) if upsample else maps
    ### END SOLUTION


def grad_cam(
    X: Array,
    y: IntArray | int,
    model: Network,
    *,
    layer: Layer = None,
    relu: bool = True,
    upsample: bool = True,
) -> Any:
    """Grad-CAM: the sum of a layer's maps, each weighted by the mean of the score's gradient to it.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    layer : int or str, optional
        A layer that has maps, and others after it; by default the last whose maps are features, not classes.
    relu : bool
        Leave out what speaks against the class, as in the paper. A map that is negative everywhere becomes 0.
    upsample : bool
        To the size of the image, bilinearly; False: as the layer has it.

    Returns
    -------
    maps : ndarray (N, H, W), or (N, h, w)

    Raises
    ------
    ValueError, TypeError
        The layer has no maps or is the last one, X is not a batch of images, or a class is out of range.

    Notes
    -----
    ``alpha_c = mean over positions of dscore/dA_c``, ``map = max(0, sum_c alpha_c A_c)`` (equations 1 and 2).

    Examples
    --------
    >>> grad_cam(X, y, model, layer="conv7", upsample=False).shape
    (1, 8, 8)
    """
    op = "grad_cam"
    check_images(op, X, model, size_matters=True)
    layer = layer_with_maps(op, layer, model, X.shape[2:])
    y = check_labels(op, y, len(X), model)
    ### BEGIN SOLUTION
    A, _ = model.forward(X, end=layer)  # (N, C, h, w)
    scores, cache = model.forward(A, start=layer + 1)
    dA, _ = model.backward(one_hot(y, scores), cache)
    alpha = dA.mean(axis=(2, 3))  # (N, C)
    maps = np.einsum("nc,nchw->nhw", alpha, A)
    # ReLU first, then enlarge, as in the paper.
    maps = np.maximum(maps, 0) if relu else maps
    return upsample_maps(maps, X.shape[2:]) if upsample else maps
    ### END SOLUTION


def guided_grad_cam(X: Array, y: IntArray | int, model: Network, *, layer: Layer = None) -> Array:
    """Guided backpropagation times Grad-CAM.

    Parameters
    ----------
    X : ndarray (N, 3, H, W)
        Images in model space.
    y : ndarray (N,) of int, or int
        A class for each image, or one for all.
    model : Network
    layer : int or str, optional
        Of Grad-CAM.

    Returns
    -------
    ndarray (N, 3, H, W)
        `channel_map` makes maps of it.

    Examples
    --------
    >>> guided_grad_cam(X, y, model).shape
    (1, 3, 64, 64)
    """
    check_images("guided_grad_cam", X, model, size_matters=True)
    return guided_backprop(X, y, model) * grad_cam(X, y, model, layer=layer)[:, None]


def upsample_maps(maps, size):
    """Maps (N, h, w) at another size (H, W), bilinearly: each value stands for the middle of its part of the image."""
    (h, w), (H, W) = maps.shape[1:], size
    return zoom(maps, (1, H / h, W / w), order=1, mode="nearest", grid_mode=True)


def layer_features(op, X, y, model, layer):
    """The layer's index, the classes (N,), and the layer's features (N, C, h, w)."""
    check_model(op, model, X=X, y=y)
    check_images(op, X, model, size_matters=True)
    layer = layer_with_maps(op, layer, model, X.shape[2:])
    return layer, check_labels(op, y, len(X), model), model.forward(X, end=layer)[0]


def weighted_maps(A, weights, relu, upsample, size):
    """The sum over the channels, weights (N, C, 1, 1) or (N, C, h, w); then the ReLU, and then the enlargement."""
    maps = (weights * A).sum(axis=1)
    if relu:
        maps = np.maximum(maps, 0)
    return upsample_maps(maps, size) if upsample else maps


def _head(op, model):
    """The index of the last layer with maps, and the affine layer's weights (C, K), or None: each class has a map."""
    names, blocks = zip(*model.named_blocks())
    if isinstance(blocks[-1], GlobalAvgPool):
        return len(blocks) - (3 if len(blocks) > 1 and isinstance(blocks[-2], Relu) else 2), None
    if len(blocks) >= 2:
        pool, affine = blocks[-2:]
        if isinstance(pool, GlobalAvgPool) and isinstance(affine, Affine) and not (affine.relu or affine.batchnorm):
            return len(blocks) - 3, model.params[f"W{affine.number}"]
    raise ValueError(
        f"{op}: the network must end in global average pooling, or in that and an affine layer without ReLU; "
        f"it ends in {', '.join(names[-2:])}. grad_cam works for any network"
    )


def layer_with_maps(op, layer, model, size):
    """The index of a layer that gives maps to the layers after it."""
    shapes = list(model.output_shapes(size).values())
    valid = [i for i, shape in enumerate(shapes[:-1]) if len(shape) == 3]
    if not valid:
        raise ValueError(f"{op}: the network has no layer with maps (C, h, w) before its last one")
    index = _last_features(model, valid) if layer is None else model.layer_index(layer)
    if index not in valid:
        what = "is the last" if index == len(shapes) - 1 else "has no maps"
        raise ValueError(
            f"{op}: layer {index} ({model.layer_names[index]}) {what}, its output is {shapes[index]}; "
            f"layers with maps are {', '.join(f'{i} {model.layer_names[i]}' for i in valid)}"
        )
    return index


def _last_features(model, valid):
    """The last layer with maps that are features: where classes have maps of their own, the one before those."""
    blocks = [block for _, block in model.named_blocks()]
    if isinstance(blocks[-1], GlobalAvgPool):
        last = len(blocks) - (3 if len(blocks) > 1 and isinstance(blocks[-2], Relu) else 2)
        return max((i for i in valid if i < last), default=valid[-1])
    return valid[-1]
