"""The gallery's figure of counterfactuals, for `gallery --full`: the photograph on its way to other classes."""

import numpy as np

from ..counterfactuals import counterfactual
from ..plots.pictures import plot_images, short_name
from .figure import GalleryFigure, prediction_title

TARGETS, CONFIDENCE, STEPS = 3, 0.9, 80


def _counterfactuals(subject, model, rng, progress):
    picture = subject.square(model)[:1]
    before = model.predict(model.preprocess(picture))
    others = np.delete(np.arange(model.num_classes), before[0][0].index)
    y = rng.choice(others, min(TARGETS, len(others)), replace=False)
    names = [short_name(model.class_names[k]) for k in y]
    images, titles, arrays, after = [], [], {"y": y}, []
    for name, network in subject.networks(model).items():
        X = network.preprocess(picture).repeat(len(y), axis=0)
        options = {"confidence": CONFIDENCE, "max_steps": STEPS}
        result = counterfactual(X, y, network, **options, progress=progress)
        images += [picture[0], *network.deprocess(result.images)]
        titles += [f"{subject.names[0]}\n{name or prediction_title(before[0][0])}"]
        chances = zip(names, result.probability[:, -1], result.distance)
        titles += [f"{target}, p = {p:.2f}\nL2 distance {d:.1f}" for target, p, d in chances]
        arrays[name.replace(" ", "_") or "X"] = result.images
        after += network.predict(result.images)
    caption = (
        "What would have to be different for the network to see another class? The photograph walks towards it in "
        "small steps. On the standard network that takes noise which hardly shows; a network that was trained against "
        "attacks asks for something that people see, too."
    )
    figure = plot_images(np.stack(images), titles, columns=1 + len(y))
    return GalleryFigure(figure, caption, arrays, options | {"y": y.tolist()}, before, after)


FIGURES = {"counterfactuals": ("Counterfactuals", _counterfactuals)}
