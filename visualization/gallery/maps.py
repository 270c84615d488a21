"""The gallery's figures about evidence: what in a photograph a class's score depends on, and how far to trust that."""

import numpy as np

from ..adversarial import attack, random_control
from ..cam import grad_cam
from ..faithfulness import METHODS, insertion_deletion, sanity_check
from ..occlusion import occlusion_maps
from ..plots.attacks import plot_attack
from ..plots.faithfulness import METHOD_NAMES, RANDOM_ORDER, plot_insertion_deletion, plot_sanity
from ..plots.maps import (
    plot_maps,
    plot_methods,
    plot_occlusion,
    plot_segmentation,
)
from ..saliency import compute_saliency_maps
from ..segmentation import segment_object
from .figure import GalleryFigure, prediction_title

CONFIDENCE, EPS = 0.5, 3.5  # of the attack


def _all_methods(subject, model, rng, progress):
    picture = subject.square(model)[:1]
    X = model.preprocess(picture)
    before = model.predict(X)
    y = before[0][0].index
    maps = {name: METHODS[name](X, y, model)[0] for name in METHODS}
    caption = (
        "Eight answers to one question: which pixels speak for the class? Some average gradients over noisy copies or "
        "over the way from black, some change what ReLUs send back, one looks at a deep layer only; the figures "
        "further down put them to the test."
    )
    shown = {METHOD_NAMES[name]: map_ for name, map_ in maps.items()}
    figure = plot_methods(picture[0], shown, title=f"{subject.names[0]}\n{prediction_title(before[0][0])}")
    return GalleryFigure(figure, caption, {"X": X, "y": np.array(y), **maps}, {"y": y}, before=before)


def _grad_cam(subject, model, rng, progress):
    pictures = subject.square(model)
    X = model.preprocess(pictures)
    before = model.predict(X)
    y = np.array([best[0].index for best in before])
    maps = grad_cam(X, y, model)
    titles = [f"{name}\n{prediction_title(best[0])}" for name, best in zip(subject.names, before)]
    caption = (
        "The maps of the last convolution, weighted by how much the class's score depends on each, show in which "
        "region the evidence lies. They are as coarse as the layer. Where a map is bright there is evidence for the "
        "class; evidence against it is left out."
    )
    figure = plot_maps(pictures, maps, titles, label="Grad-CAM")
    return GalleryFigure(figure, caption, {"X": X, "y": y, "maps": maps}, {"y": y.tolist()}, before=before)


def _occlusion(subject, model, rng, progress):
    chosen = sorted({0, len(subject.names) - 1})  # the first photograph and the last
    pictures, names = subject.square(model)[chosen], [subject.names[k] for k in chosen]
    X = model.preprocess(pictures)
    before = model.predict(X)
    y = np.array([best[0].index for best in before])
    window = max(2, min(model.input_size) // 4)
    stride = max(1, window // 4)
    result = occlusion_maps(X, y, model, window=window, stride=stride, fill="mean", progress=progress)
    titles = [f"{name}\n{prediction_title(best[0])}" for name, best in zip(names, before)]
    caption = (
        "A square of the photograph's mean colour moves over it while we watch the score of the class. Where the score "
        "drops, the square hid something that counts (red). Where it rises (blue), it hid something that spoke against "
        "the class, or is itself taken for something. The method needs no gradients, only patience."
    )
    figure = plot_occlusion(pictures, result, titles, window=window)
    arrays = {"X": X, "y": y, "maps": result.maps, "grid": result.grid}
    return GalleryFigure(figure, caption, arrays, {"y": y.tolist(), "window": window, "stride": stride}, before=before)


def _segmentation(subject, model, rng, progress):
    pictures = subject.square(model)
    X = model.preprocess(pictures)
    before = model.predict(X)
    y = np.array([best[0].index for best in before])
    maps = compute_saliency_maps(X, y, model)
    found = [segment_object(picture, map_, threshold="colours") for picture, map_ in zip(pictures, maps)]
    titles = [f"{name}\n{prediction_title(best[0])}" for name, best in zip(subject.names, before)]
    caption = (
        "The object, cut out roughly by a network that was trained on what is in a picture, never on where. Pixels "
        "where the saliency map is largest and smallest give the colours of object and background, and the colours "
        "decide about all other pixels. Where the two share colours the cut takes too much, or too little."
    )
    arrays = {"X": X, "y": y, "maps": maps, "masks": np.array([s.mask for s in found])}
    return GalleryFigure(
        plot_segmentation(pictures, maps, found, titles), caption, arrays, {"y": y.tolist()}, before=before
    )


def _insertion_deletion(subject, model, rng, progress):
    X = model.preprocess(subject.square(model)[:1])
    before = model.predict(X)
    y = before[0][0].index
    curves = {
        METHOD_NAMES[name]: insertion_deletion(method(X, y, model), X, y, model, steps=16, rng=0)
        for name, method in METHODS.items()
    }
    curves[RANDOM_ORDER] = insertion_deletion(np.zeros((1, *X.shape[2:])), X, y, model, steps=16, rng=0)
    caption = (
        "Can a map be trusted? Delete the pixels it ranks highest, and the class should vanish at once; put them into "
        "a blurred picture, and it should appear at once. The two tests need not agree; a map that is no better than a "
        "random order in either says nothing about this network and this picture."
    )
    arrays = {name: curve.insertion for name, curve in curves.items()}
    areas = {name: [float(c.deletion_auc[0]), float(c.insertion_auc[0])] for name, c in curves.items()}
    figure = plot_insertion_deletion(curves, heading=f"{subject.names[0]}: {prediction_title(before[0][0])}")
    return GalleryFigure(figure, caption, {"X": X, **arrays}, {"y": y, "areas": areas}, before=before)


def _sanity_check(subject, model, rng, progress):
    X = model.preprocess(subject.square(model)[:1])
    before = model.predict(X)
    y = before[0][0].index
    checks = {METHOD_NAMES[name]: sanity_check(X, y, model, name, rng=0) for name in METHODS}
    caption = (
        "The weights of the layers are randomised one after the other, from the last one down. A map that shows what "
        "the network has learnt must change beyond recognition. A map that stays the same shows the edges of the "
        "photograph, not the network."
    )
    arrays = {name: check.correlation for name, check in checks.items()}
    figure = plot_sanity(checks, heading=f"{subject.names[0]}: {prediction_title(before[0][0])}")
    return GalleryFigure(figure, caption, {"X": X, **arrays}, {"y": y}, before=before)


def _attack(subject, model, rng, progress):
    chosen = subject.busiest(model)
    picture = subject.square(model)[chosen : chosen + 1]
    X = model.preprocess(picture)
    before = model.predict(X)
    target = (before[0][0].index + int(rng.integers(1, model.num_classes))) % model.num_classes
    options = {"targeted": True, "norm": "l2", "eps": EPS, "confidence": CONFIDENCE}
    result = attack(X, target, model, **options, progress=progress)
    after = model.predict(result.X)
    noisy = model.predict(random_control(result, X, model, rng=rng))
    chance = result.trace["probability"][:, 0]
    caption = (
        f"An attack that is measured: the change has an L2 norm of at most {EPS} where pixels go from 0 to 1, and "
        f"grows until the target is more likely than not. It ended after {result.steps[0]} steps ({result.reason[0]}), "
        f"with a root mean square of {result.rms[0]:.1f} grey levels. Random noise of the same size leaves the network "
        f"with {prediction_title(noisy[0][0])}."
    )
    titles = [
        f"{subject.names[chosen]}\n{prediction_title(before[0][0])}",
        f"attacked\n{prediction_title(after[0][0])}",
    ]
    trace = {"probability of the target": (np.arange(len(chance)), chance)}
    figure = plot_attack(picture[0], model.deprocess(result.X)[0], trace, titles)
    options |= {"target": target, "l2": float(result.l2[0]), "linf": float(result.linf[0]), "reason": result.reason[0]}
    return GalleryFigure(figure, caption, {"X": X, "X_attacked": result.X}, options, before, after)


FIGURES = {
    "attack": ("Attacks, measured", _attack),
    "saliency-methods": ("Eight maps of what matters", _all_methods),
    "grad-cam": ("Grad-CAM", _grad_cam),
    "occlusion": ("Occlusion", _occlusion),
    "segmentation": ("Objects cut out", _segmentation),
    "insertion-deletion": ("Insertion and deletion", _insertion_deletion),
    "sanity-check": ("Randomised layers", _sanity_check),
}
