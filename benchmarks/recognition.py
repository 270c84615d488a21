"""`python -m benchmarks.recognition`: does an independent network see what our pictures are to show?

For every class an image is made by `create_class_visualization` with its defaults, enlarged to 224x224, and shown to
SqueezeNet with ImageNet's weights. The images recognised are those whose class comes first, or among the first five, of
SqueezeNet's 1000. SqueezeNet is not part of pixelgrad: `squeezenet1_1.h5`, or torchvision's `squeezenet1_1.npz`, and
`imagenet_classes.txt` are looked for in the folder that PIXELGRAD_DATA names.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from pixelgrad.classifiers import PretrainedCNN, SqueezeNet, convert_squeezenet, read_torchvision
from pixelgrad.datasets import load_class_names, resize_image
from pixelgrad.visualization import create_class_visualization


def recognition(pictures, wnids, judge, judge_wnids):
    """The place of each picture's class in the judge's order.

    Parameters
    ----------
    pictures : sequence of ndarray (H, W, 3), uint8
    wnids : sequence of str
        The class that each is to show.
    judge : Network
    judge_wnids : list of str
        Of the judge's scores.

    Returns
    -------
    ndarray (N,) of int
        0 where the class comes first.
    """
    large = np.stack([resize_image(picture, judge.input_size) for picture in pictures])
    scores = judge.scores(judge.preprocess(large))
    wanted = np.array([judge_wnids.index(wnid) for wnid in wnids])
    own = scores[np.arange(len(wanted)), wanted]
    return (scores > own[:, None]).sum(axis=1)


def load_judge(folder):
    """SqueezeNet, and the WordNet ids of its classes."""
    _, wnids = load_class_names(folder / "imagenet_classes.txt")
    if (folder / "squeezenet1_1.h5").is_file():
        return SqueezeNet(folder / "squeezenet1_1.h5"), wnids
    return convert_squeezenet(read_torchvision(folder / "squeezenet1_1.npz")), wnids


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recognition", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--model", nargs="*", default=["standard", "robust"], metavar="NAME", help="standard, robust or a weights file"
    )
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="noise to start from; figures are means")
    parser.add_argument("--blur-every", type=int, help="as in create_class_visualization, like those that follow")
    parser.add_argument("--num-iterations", type=int)
    parser.add_argument("--num-octaves", type=int)
    parser.add_argument("--objective")
    parser.add_argument("--rms", type=float, help="length of a step in grey levels, at the network's own size")
    parser.add_argument("--side", type=int, help="of the images, in pixels")
    args = parser.parse_args()
    judge, judge_wnids = load_judge(Path(os.environ.get("PIXELGRAD_DATA", ".")))
    names = ("blur_every", "num_iterations", "num_octaves", "objective")
    for name in args.model:
        model = PretrainedCNN(variant=name) if name in ("standard", "robust") else PretrainedCNN(name)
        options = {k: v for k in names if (v := getattr(args, k)) is not None}
        if args.side:
            options["size"] = (args.side, args.side)
        if args.rms:
            options["learning_rate"] = args.rms * model.pixel_scale * np.sqrt(3 * np.prod(model.input_size))
        places = []
        for seed in range(args.seeds):
            X = create_class_visualization(
                np.arange(model.num_classes), model, rng=seed, progress=sys.stderr.isatty(), **options
            )
            places.append(recognition(model.deprocess(X), model.wnids, judge, judge_wnids))
        places = np.array(places)
        print(
            f"{name}: of {places.size} class visualisations SqueezeNet puts {np.mean(places == 0):.0%} first, "
            f"{np.mean(places < 5):.0%} among the first five"
        )


if __name__ == "__main__":
    main()
