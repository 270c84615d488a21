"""SqueezeNet 1.1, the small ImageNet network of CS231n's assignments.

F. Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size", 2016; version
1.1 is the authors' own revision. Its weights are not part of pixelgrad: `pixelgrad download squeezenet` and `pixelgrad
convert` make a weights file of those that torchvision publishes.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .._typing import Array
from ..datasets import squeezenet_weights
from .network import Network
from .weights import WeightsError, read_weights

NUM_FEATURES = 13  # layers 0 to 12 are torchvision's `features`

_HOW = "`pixelgrad download squeezenet` and `pixelgrad convert` make such a file"
_WHERE = "there is no squeezenet1_1.h5, neither in the folder that PIXELGRAD_DATA names nor in the current one"


def squeezenet_architecture(num_classes: int = 1000, *, pool_ceil: bool = True) -> list[dict[str, Any]]:
    """The architecture of SqueezeNet 1.1, block by block as torchvision counts them, the head after them.

    Parameters
    ----------
    num_classes : int
    pool_ceil : bool
        Whether a last pooling window may hang over the border, as in Caffe and PyTorch, but not in TensorFlow's port.

    Returns
    -------
    list of dict

    Examples
    --------
    >>> squeezenet_architecture()[0]
    {'type': 'conv', 'filters': 64, 'size': 3, 'stride': 2, 'relu': False}
    """
    pool = {"type": "max_pool", "size": 3, "stride": 2, "ceil_mode": pool_ceil}
    fire = [
        {"type": "fire", "squeeze": s, "expand1": 4 * s, "expand3": 4 * s} for s in (16, 16, 32, 32, 48, 48, 64, 64)
    ]
    return [
        {"type": "conv", "filters": 64, "size": 3, "stride": 2, "relu": False},
        {"type": "relu"},
        pool,
        *fire[:2],
        dict(pool),
        *fire[2:4],
        dict(pool),
        *fire[4:],
        {"type": "conv", "filters": num_classes, "size": 1, "relu": False},
        {"type": "relu"},
        {"type": "global_avg_pool"},
    ]


class SqueezeNet(Network):
    """SqueezeNet 1.1 with trained parameters.

    Layers 0 to 12 are those of torchvision's `features`; 13 to 15 are the head: a 1x1 convolution with a filter for
    each class, a ReLU, the mean over all positions. It takes images of any size from about 32 pixels on.

    Parameters
    ----------
    h5_file : str or Path, optional
        A weights file of pixelgrad's that holds a SqueezeNet; see `convert_squeezenet`. By default `squeezenet1_1.h5`
        in the folder that the environment variable PIXELGRAD_DATA names, or in the current one.
    pool_ceil : bool
        Whether a last pooling window may hang over the border, as where the weights were trained. False is the variant
        of TensorFlow, and of CS231n's assignment for it.
    class_names, wnids : list of str, optional
        For files without.
    dtype : numpy dtype
        float32 or float64.
    engine : {"fast", "im2col", "naive"}
        As in `Network`.

    Raises
    ------
    WeightsError
        The file is missing, damaged, or holds another network.
    """

    def __init__(
        self,
        h5_file: str | Path | None = None,
        *,
        pool_ceil: bool = True,
        class_names: list[str] | None = None,
        wnids: list[str] | None = None,
        dtype: DTypeLike = np.float32,
        engine: str = "fast",
    ) -> None:
        h5_file = squeezenet_weights() if h5_file is None else h5_file
        if h5_file is None:
            raise WeightsError(f"{_WHERE}; {_HOW}")
        contents = read_weights(h5_file)
        num_classes = contents["architecture"][-3].get("filters", 0) if len(contents["architecture"]) > 2 else 0
        either = [squeezenet_architecture(num_classes, pool_ceil=ceil) for ceil in (True, False)]
        if contents["architecture"] not in either:
            raise WeightsError(f"{h5_file} holds another network than SqueezeNet 1.1; {_HOW}")
        contents["architecture"] = squeezenet_architecture(num_classes, pool_ceil=pool_ceil)
        given = {"class_names": class_names, "wnids": wnids}
        contents |= {name: value for name, value in given.items() if value is not None}
        super().__init__(**contents, dtype=dtype, engine=engine)

    def extract_features(self, X: Array) -> list[Array]:
        """What layers 0 to 12 give for images in model space: a list of 13 arrays (N, C, H, W)."""
        features = []
        for layer in range(NUM_FEATURES):
            X, _ = self.forward(X, start=layer, end=layer)
            features.append(X)
        return features
