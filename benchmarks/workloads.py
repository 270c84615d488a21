"""What is timed. Every rival does the same work on the same numbers."""

from dataclasses import dataclass

import numpy as np

STYLE_LAYERS, CONTENT_LAYER = [1, 4, 7], 4  # of SqueezeNet
STYLE_WEIGHTS, CONTENT_WEIGHT, TV_WEIGHT = [30.0, 30.0, 30.0], 1.0, 20.0


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Attributes
    ----------
    name : str
    network : {"shipped", "cs231n", "squeezenet"}
    kind : {"gradient", "dream", "forward", "train", "style"}
        "gradient": one class score's gradient to each image. "dream": the gradient of half the squared activations
        of `layer`. "forward": scores only. "train": scores, all parameter gradients, Nesterov update. "style": an
        iteration of style transfer: content at layer 4, Gram matrices at 1, 4 and 7, total variation, Adam's update.
    images, side : int
        Batch size, and pixels of a side; for "style" the height of a picture with sides 3 : 4.
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

    @property
    def size(self):
        """Height and width of the images."""
        return self.side, self.side * 4 // 3 if self.kind == "style" else self.side

    def flops(self, model):
        """Floating-point operations of the products in it (two for a multiply-add)."""
        blocks, shape, work = model.named_blocks(), (3, *self.size), []
        for _, block in blocks:
            work.append(block.multiply_adds(shape))
            shape = block.output_shape(shape)
        if self.kind in ("dream", "style"):
            work = work[: (self.layer if self.kind == "dream" else max(STYLE_LAYERS)) + 1]
        passes = {"forward": 1, "gradient": 2, "dream": 2, "train": 3, "style": 2}[self.kind]
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
    Workload("score gradient, SqueezeNet, 224x224", "squeezenet", "gradient", 1, 224, 1.0),
    Workload("style transfer step, SqueezeNet, 192x256", "squeezenet", "style", 1, 192, 1.0),
]


def load_network(name):
    """The network of a workload: the shipped one, or another architecture with parameters drawn by a seed."""
    from pixelgrad.classifiers import Network, PretrainedCNN, cs231n_architecture, squeezenet_architecture

    if name == "shipped":
        return PretrainedCNN()
    if name == "squeezenet":
        model = Network(
            squeezenet_architecture(), input_size=(224, 224), pixel_mean=[118] * 3, pixel_std=[58] * 3, rng=0
        )
        model.params["W26"] *= 100  # as large as the others, so that scores differ
        return model
    return Network(cs231n_architecture(), mean_image=np.full((3, 64, 64), 118, np.float32), rng=0)


def inputs(workload):
    """Images (N, 3, side, side) in model space, and a class for each."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-110, 130, (workload.images, 3, *workload.size)).astype(np.float32)
    if workload.network == "squeezenet":
        X /= 58
    return X, rng.integers(0, 100, workload.images)
