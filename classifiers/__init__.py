"""Networks, weights files and training.

- `Network`: a list of named layers with forward, backward, predict, save and load
- `PretrainedCNN`: the TinyImageNet network that ships with the package, or CS231n's original
- `SqueezeNet`: version 1.1 for ImageNet, from a file that `convert_squeezenet` makes of torchvision's weights
- `fold_batchnorm`: the same function without batch normalisation, one thing a layer
- `Solver`, `Augmentation`, `Adversary`, `evaluate`: the training loop and how good its result is
"""

from .adversary import Adversary
from .augmentation import Augmentation
from .evaluation import Evaluation, evaluate
from .folding import fold_batchnorm
from .network import Network
from .predictions import Prediction
from .pretrained import PretrainedCNN, cs231n_architecture, tinyimagenet_architecture
from .solver import Solver
from .squeezenet import SqueezeNet, squeezenet_architecture
from .torchvision import convert_squeezenet, read_torchvision
from .weights import WeightsError

__all__ = [
    "Adversary",
    "Augmentation",
    "Evaluation",
    "Network",
    "Prediction",
    "PretrainedCNN",
    "Solver",
    "SqueezeNet",
    "WeightsError",
    "convert_squeezenet",
    "cs231n_architecture",
    "evaluate",
    "fold_batchnorm",
    "read_torchvision",
    "squeezenet_architecture",
    "tinyimagenet_architecture",
]
