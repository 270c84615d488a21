"""The network that ships with the package, and CS231n's original one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .._typing import Array
from ..datasets import SHIPPED, shipped_weights
from ..layers.checks import check_choice
from .blocks import make_blocks, param_shapes
from .engines import ENGINES
from .network import Network
from .weights import WeightsError, check_arrays, read_hdf5, read_weights


def tinyimagenet_architecture(
    num_classes: int = 100, *, widths: Sequence[int] = (32, 64, 96, 128, 224, 256, 384)
) -> list[dict[str, Any]]:
    """The architecture of the shipped network: seven conv-bn-relu blocks, global average pooling, affine.

    Parameters
    ----------
    num_classes : int
    widths : seven int
        Filters of the convolutions.

    Returns
    -------
    list of dict

    Notes
    -----
    Where the stride is 2 the filters' size is even: then equally many kernel positions see each pixel, and the gradient
    to the image has no grid in it (Odena et al. 2016, Deconvolution and checkerboard artifacts, Distill).

    Examples
    --------
    >>> tinyimagenet_architecture(num_classes=10)[-1]
    {'type': 'affine', 'units': 10}
    """
    sizes = ((6, 2), (4, 2), (3, 1), (4, 2), (3, 1), (3, 1), (3, 1))
    if len(widths) != len(sizes):
        raise ValueError(f"tinyimagenet_architecture: {len(sizes)} widths are needed, got {len(widths)}")
    convs = [
        {"type": "conv", "filters": F, "size": k, "stride": s, "pad": (k - 1) // 2, "bias": False, "batchnorm": True}
        for F, (k, s) in zip(widths, sizes)
    ]
    return [*convs, {"type": "global_avg_pool"}, {"type": "affine", "units": num_classes}]


def cs231n_architecture(num_classes: int = 100) -> list[dict[str, Any]]:
    """CS231n's pretrained TinyImageNet network: nine conv-bn-relu blocks, affine-bn-relu 512, affine.

    Examples
    --------
    >>> len(cs231n_architecture())
    11
    """
    filters, strides = (64, 64, 128, 128, 256, 256, 512, 512, 1024), (2, 1, 2, 1, 2, 1, 2, 1, 2)
    convs = []
    for i, (F, stride) in enumerate(zip(filters, strides)):
        size = 5 if i == 0 else 3
        convs.append(
            {"type": "conv", "filters": F, "size": size, "stride": stride, "pad": size // 2, "batchnorm": True}
        )
    head = {"type": "affine", "units": 512, "batchnorm": True, "relu": True}
    return [*convs, head, {"type": "affine", "units": num_classes}]


class PretrainedCNN(Network):
    """A network with trained parameters.

    Parameters
    ----------
    h5_file : str or Path, optional
        A weights file of pixelgrad's, or CS231n's original `pretrained_model.h5`, which holds neither a mean image
        nor class names. By default a network that ships with the package.
    variant : {"standard", "robust"}
        Which of the two shipped networks. They have the same data and architecture; "robust" was trained on attacked
        images (Madry et al. 2018), and its gradients show what people see, too. Without effect, and refused, beside
        `h5_file`.
    mean_image : ndarray (3, 64, 64), optional
        For files without one.
    class_names, wnids : list of str, optional
        Likewise.
    dtype : numpy dtype
        float32 or float64.
    engine : {"fast", "im2col", "naive"}
        As in `Network`.

    Raises
    ------
    WeightsError
        The file is missing, truncated, of another kind, or not usable.

    Examples
    --------
    >>> model = PretrainedCNN(variant="robust")
    >>> model.num_classes, model.layer_names[0]
    (100, 'conv1')
    """

    def __init__(
        self,
        h5_file: str | Path | None = None,
        *,
        variant: str = "standard",
        mean_image: Array | None = None,
        class_names: list[str] | None = None,
        wnids: list[str] | None = None,
        dtype: DTypeLike = np.float32,
        engine: str = "fast",
    ) -> None:
        check_choice("PretrainedCNN", "engine", engine, ENGINES)
        check_choice("PretrainedCNN", "variant", variant, SHIPPED)
        if h5_file is not None and variant != "standard":
            raise ValueError(f"PretrainedCNN: give h5_file or variant={variant!r}, not both")
        path = shipped_weights(variant) if h5_file is None else h5_file
        attributes, arrays = read_hdf5(path)
        contents = _read_cs231n(path, arrays) if "format" not in attributes and "W11" in arrays else read_weights(path)
        given = {"mean_image": mean_image, "class_names": class_names, "wnids": wnids}
        contents |= {name: value for name, value in given.items() if value is not None}
        if mean_image is not None:
            contents["pixel_mean"] = None  # follows from the mean image
        try:
            super().__init__(**contents, dtype=dtype, engine=engine)
        except ValueError as error:
            raise WeightsError(f"{path}: {error}") from error


def _read_cs231n(path, arrays):
    """CS231n's file: its own architecture, and arrays that may be stored transposed."""
    architecture = cs231n_architecture(num_classes=np.size(arrays.get("b11", ())) or 100)
    expected = param_shapes(make_blocks(architecture), (64, 64))
    # Nothing in the file says which way round an array is: only its shape does. A square matrix is taken as it is.
    params = {}
    for name, value in arrays.items():
        value = np.squeeze(value) if name in expected and len(expected[name]) == 1 else np.asarray(value)
        shape = expected.get(name)
        params[name] = value.T if value.shape != shape and value.T.shape == shape else value
    check_arrays(path, params, expected)
    return {
        "architecture": architecture,
        "params": params,
        "input_size": (64, 64),
        "provenance": {"source": "CS231n, pretrained_model.h5"},
    }
