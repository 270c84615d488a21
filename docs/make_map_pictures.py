"""Make the pictures of the pages about attribution: docs/pictures/NAME.png for the names in PICTURES.

    python docs/make_map_pictures.py [NAME ...]

They show photographs that installed packages carry, on the network that ships with this one.
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np

from pixelgrad._files import written_beside
from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.datasets import sample_image
from pixelgrad.visualization import (
    centred_blob,
    counterfactual,
    full_gradient,
    integrated_gradients,
    kernel_shap,
    lrp,
    rise,
    superpixels,
    vargrad,
)
from pixelgrad.visualization.faithfulness import rank_correlation
from pixelgrad.visualization.methods import METHODS
from pixelgrad.visualization.plots import plot_methods
from pixelgrad.visualization.plots.pictures import plot_images, short_name

DOCS = Path(__file__).resolve().parent
EXAMPLE = (
    *("saliency", "smoothgrad", "gradient_x_input", "integrated_gradients", "expected_gradients"),
    *("blur_integrated_gradients", "lrp", "guided", "deconvnet", "cam", "occlusion", "kernel_shap"),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"of {', '.join(PICTURES)} (default: all)")
    names = parser.parse_args().names or list(PICTURES)
    unknown = [name for name in names if name not in PICTURES]
    if unknown:
        parser.error(f"there is no picture {unknown[0]!r}; they are {', '.join(PICTURES)}")
    model, picture = PretrainedCNN(), sample_image("coffee", size=64)
    X = model.preprocess(picture)
    ((best,),) = model.predict(X, top=1)
    for name in names:
        figure = PICTURES[name](picture, X, best.index, model, f"{short_name(best.name)}, p = {best.probability:.2f}")
        with written_beside(DOCS / "pictures" / f"{name}.png", overwrite=True) as temporary:
            figure.savefig(temporary)


def rules(picture, X, y, model, title):
    maps = {f"LRP, {rules}": lrp(X, y, model, rules=rules).maps[0] for rules in ("0", "epsilon", "gamma", "z+")}
    maps["LRP, composite"] = lrp(X, y, model).maps[0]
    maps["DeepLIFT"] = METHODS["deep_lift"].maps(X, y, model)[0]
    maps["FullGrad"] = full_gradient(X, y, model).maps[0]
    return plot_methods(picture, maps, title=title)


def cam_family(picture, X, y, model, title):
    maps = {method.title: method.maps(X, y, model)[0] for name, method in METHODS.items() if name.endswith("cam")}
    maps |= {METHODS["grad_cam_plus_plus"].title: METHODS["grad_cam_plus_plus"].maps(X, y, model)[0]}
    maps.pop("guided Grad-CAM")
    return plot_methods(picture, maps, title=title)


def paths(picture, X, y, model, title):
    maps = {"integrated gradients": integrated_gradients(X, y, model).maps[0]}
    for name in ("expected_gradients", "blur_integrated_gradients", "guided_integrated_gradients"):
        maps[METHODS[name].title] = METHODS[name].maps(X, y, model)[0]
    maps["VarGrad"] = vargrad(X, y, model)[0]
    return plot_methods(picture, maps, title=title, columns=6)


def masks(picture, X, y, model, title):
    maps = {}
    for count in (100, 1000, 4000):
        map_ = rise(X, y, model, samples=count)[0]
        maps[f"RISE, {count} masks"] = map_ - map_.min()  # only differences mean something
    maps["KernelSHAP, grid"] = kernel_shap(X, y, model).maps[0]
    segments = superpixels(X, model, count=36)
    maps["KernelSHAP, superpixels"] = kernel_shap(X, y, model, segments=segments, samples=512).maps[0]
    return plot_methods(picture, maps, title=title, columns=6)


def example(picture, X, y, model, title):
    """Maps of one photograph as the comparison of methods makes them; the heading names the two least alike."""
    maps = {METHODS[name].title: METHODS[name].maps(X, y, model)[0] for name in EXAMPLE}
    alike = {(a, b): rank_correlation(maps[a].ravel(), maps[b].ravel()) for a, b in combinations(maps, 2)}
    a, b = min(alike, key=lambda pair: alike[pair])
    heading = f"least alike: {a} and {b}, rank correlation over pixels {alike[a, b]:.2f}"
    maps["centred blob"] = centred_blob(picture.shape[:2])
    return plot_methods(picture, maps, title=title, heading=heading)


def counterfactuals(picture, X, y, model, title, targets=("teapot", "pizza", "ice cream")):
    """The photograph, and what each network makes of it on the way to other classes."""
    images, titles = [], []
    for variant in ("standard", "robust"):
        model = PretrainedCNN(variant=variant)
        X = model.preprocess(picture)
        y = np.array([model.class_index(name) for name in targets])
        result = counterfactual(X.repeat(len(y), axis=0), y, model, max_steps=80)
        images += [picture, *model.deprocess(result.images)]
        titles += [f"{variant} network"]
        titles += [
            f"{name}, p = {p:.2f}\nL2 distance {d:.1f}"
            for name, p, d in zip(targets, result.probability[:, -1], result.distance)
        ]
    return plot_images(np.stack(images), titles, columns=1 + len(targets))


PICTURES = {
    "lrp": rules,
    "cam-family": cam_family,
    "paths": paths,
    "masks": masks,
    "counterfactuals": counterfactuals,
    "which-map-example": example,
}

if __name__ == "__main__":
    main()
