"""From torchvision's weights to ours. The one place where PyTorch may be used, and only to read its own files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .._typing import Array
from .blocks import make_blocks, param_shapes
from .network import Network
from .squeezenet import squeezenet_architecture
from .weights import WeightsError, check_arrays

# torchvision's normalisation of ImageNet pictures, for pixels from 0 to 1.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def convert_squeezenet(
    arrays: Mapping[str, Array],
    *,
    class_names: list[str] | None = None,
    wnids: list[str] | None = None,
    provenance: dict[str, Any] | None = None,
) -> Network:
    """A network from torchvision's SqueezeNet 1.1.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        torchvision's parameters by name: `features.0.weight`, `features.3.squeeze.weight`, ..., `classifier.1.bias`;
        filters are (F, C, HH, WW).
    class_names, wnids : list of str, optional
        Names and WordNet ids, in the order of the scores; without them classes are called by number.
    provenance : dict, optional
        Where the arrays come from.

    Returns
    -------
    Network
        Whose `save` writes the weights file that `SqueezeNet` reads.

    Raises
    ------
    WeightsError
        An array is missing, extra, misshapen or not finite.
    """
    K = np.size(arrays.get("classifier.1.bias", ())) or 1000
    architecture = squeezenet_architecture(K)
    names = _torchvision_names()
    shapes = param_shapes(make_blocks(architecture), (224, 224))
    check_arrays("torchvision's SqueezeNet 1.1", arrays, {theirs: shapes[ours] for ours, theirs in names.items()})
    return Network(
        architecture,
        {ours: arrays[theirs] for ours, theirs in names.items()},
        input_size=(224, 224),
        class_names=class_names,
        wnids=wnids,
        pixel_mean=255 * np.array(IMAGENET_MEAN),
        pixel_std=255 * np.array(IMAGENET_STD),
        provenance=provenance,
    )


def read_torchvision(path: str | Path) -> dict[str, Array]:
    """The arrays of a torchvision weights file by name.

    Parameters
    ----------
    path : str or Path
        `.npz` with one array a parameter; or torchvision's own `.pth`, where PyTorch is installed. Neither is allowed
        to run code.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    WeightsError
        The file is missing, of another kind, or damaged; or PyTorch is needed and not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"weights file {path} does not exist; check the path")
    if path.suffix not in (".npz", ".pth", ".pt"):
        raise WeightsError(f"{path}: expected torchvision's weights as .npz or .pth, got {path.suffix or 'no suffix'}")
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as f:
                return {name: f[name] for name in f.files}
        import torch

        contents = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.numpy() for name, tensor in contents.items()}
    except ModuleNotFoundError as error:
        raise WeightsError(
            f"{path}: PyTorch is needed to read .pth files, and is not installed; pip install torch, or convert an .npz"
        ) from error
    except Exception as error:  # what a damaged file makes NumPy's and PyTorch's readers raise is of many kinds
        raise WeightsError(
            f"{path} cannot be read ({' '.join(str(error).split())[:200]}); download it again"
        ) from error


def _torchvision_names():
    """Our names of the parameters and torchvision's, in our order."""
    modules = ["features.0"]
    for layer, block in enumerate(squeezenet_architecture()):
        if block["type"] == "fire":
            modules += [f"features.{layer}.{part}" for part in ("squeeze", "expand1x1", "expand3x3")]
    modules.append("classifier.1")
    return {
        f"{ours}{n}": f"{module}.{theirs}"
        for n, module in enumerate(modules, 1)
        for ours, theirs in (("W", "weight"), ("b", "bias"))
    }
