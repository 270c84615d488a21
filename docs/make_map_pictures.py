"""Make the pictures of the pages about attribution: docs/pictures/lrp.png, cam-family.png, paths.png, masks.png and
counterfactuals.png.

    python docs/make_map_pictures.py

They show photographs that installed packages carry, on the network that ships with this one.
"""

from pathlib import Path

import numpy as np

from pixelgrad._files import written_beside
from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.datasets import sample_image
from pixelgrad.visualization import (
    counterfactual,
    full_gradient,
    integrated_gradients,
    kernel_shap,
    lrp,
    rise,
    superpixels,
    vargrad,
)
from pixelgrad.visualization.methods import METHODS
from pixelgrad.visualization.plots import plot_methods
from pixelgrad.visualization.plots.pictures import plot_images, short_name

PICTURES = Path(__file__).resolve().parent / "pictures"


def main():
    model, picture = PretrainedCNN(), sample_image("coffee", size=64)
    X = model.preprocess(picture)
    ((best,),) = model.predict(X, top=1)
    y, title = best.index, f"{short_name(best.name)}, p = {best.probability:.2f}"

    rules = {f"LRP, {rules}": lrp(X, y, model, rules=rules).maps[0] for rules in ("0", "epsilon", "gamma", "z+")}
    rules["LRP, composite"] = lrp(X, y, model).maps[0]
    rules["DeepLIFT"] = METHODS["deep_lift"].maps(X, y, model)[0]
    rules["FullGrad"] = full_gradient(X, y, model).maps[0]
    save(plot_methods(picture, rules, title=title), "lrp.png")

    cams = {method.title: method.maps(X, y, model)[0] for name, method in METHODS.items() if name.endswith("cam")}
    cams |= {METHODS["grad_cam_plus_plus"].title: METHODS["grad_cam_plus_plus"].maps(X, y, model)[0]}
    cams.pop("guided Grad-CAM")
    save(plot_methods(picture, cams, title=title), "cam-family.png")

    paths = {"integrated gradients": integrated_gradients(X, y, model).maps[0]}
    for name in ("expected_gradients", "blur_integrated_gradients", "guided_integrated_gradients"):
        paths[METHODS[name].title] = METHODS[name].maps(X, y, model)[0]
    paths["VarGrad"] = vargrad(X, y, model)[0]
    save(plot_methods(picture, paths, title=title, columns=6), "paths.png")

    masks = {}
    for count in (100, 1000, 4000):
        map_ = rise(X, y, model, samples=count)[0]
        masks[f"RISE, {count} masks"] = map_ - map_.min()  # only differences mean something
    masks["KernelSHAP, grid"] = kernel_shap(X, y, model).maps[0]
    segments = superpixels(X, model, count=36)
    masks["KernelSHAP, superpixels"] = kernel_shap(X, y, model, segments=segments, samples=512).maps[0]
    save(plot_methods(picture, masks, title=title, columns=6), "masks.png")

    save(counterfactuals(picture, ("teapot", "pizza", "ice cream")), "counterfactuals.png")


def counterfactuals(picture, targets):
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


def save(figure, name):
    with written_beside(PICTURES / name, overwrite=True) as temporary:
        figure.savefig(temporary)


if __name__ == "__main__":
    main()
