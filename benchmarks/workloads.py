"""What is timed. Every rival does the same work on the same numbers."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Attributes
    ----------
    name : str
    network : {"shipped", "cs231n"}
    kind : {"gradient", "dream", "forward", "train"}
        "gradient": one class score's gradient to each image. "dream": the gradient of half the squared activations
        of `layer`. "forward": scores only. "train": scores, all parameter gradients, Nesterov update.
    images, side : int
        Batch size, and pixels of a side.
    limit : float
        At most so many times PyTorch's time: what counts as done.
    layer : int
        Of a dream.
    """

    name: str
    network: str
    kind: str
    images: int
    side: int
    limit: float
    layer: int = 4

    def flops(self, model):
        """Floating-point operations of the products in it (two for a multiply-add)."""
        blocks, shape, work = model.named_blocks(), (3, self.side, self.side), []
        for _, block in blocks:
            work.append(block.multiply_adds(shape))
            shape = block.output_shape(shape)
        if self.kind == "dream":
            work = work[: self.layer + 1]
        passes = {"forward": 1, "gradient": 2, "dream": 2, "train": 3}[self.kind]
        total = passes * sum(work) - (work[0] if self.kind == "train" else 0)  # no gradient to training images
        return 2 * self.images * total


WORKLOADS = [
    Workload("score gradient, 1 image", "shipped", "gradient", 1, 64, 0.8),
    Workload("score gradient, 1 image, CS231n's network", "cs231n", "gradient", 1, 64, 0.8),
    Workload("score gradient, 32 images", "shipped", "gradient", 32, 64, 1.25),
    Workload("score gradient, 32 images, CS231n's network", "cs231n", "gradient", 32, 64, 1.25),
    Workload("DeepDream step, 256x256", "shipped", "dream", 1, 256, 1.1),
    Workload("DeepDream step, 512x512", "shipped", "dream", 1, 512, 1.1),
    Workload("scores of 256 images", "shipped", "forward", 256, 64, 1.25),
    Workload("training step, 128 images", "shipped", "train", 128, 64, 1.5),
]


def load_network(name):
    """The network of a workload: the shipped one, or CS231n's architecture with parameters drawn by a seed."""
    from pixelgrad.classifiers import Network, PretrainedCNN, cs231n_architecture

    if name == "shipped":
        return PretrainedCNN()
    return Network(cs231n_architecture(), mean_image=np.full((3, 64, 64), 118, np.float32), rng=0)


def inputs(workload):
    """Images (N, 3, side, side) in model space, and a class for each."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-110, 130, (workload.images, 3, workload.side, workload.side)).astype(np.float32)
    return X, rng.integers(0, 100, workload.images)
