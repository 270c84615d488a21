"""The gallery's figures of images that a network is shown or made to see: saliency, fooling, DeepDream and others."""

import numpy as np

from ...datasets import resize_image
from ..class_visualization import create_class_visualization
from ..dreaming import deepdream
from ..fooling import make_fooling_image
from ..image_ops import noise, resize
from ..inversion import invert_features
from ..objectives import guided
from ..plots.pictures import plot_fooling, plot_images, plot_progress, plot_saliency, short_name
from ..saliency import compute_saliency_maps
from .figure import GalleryFigure, map_layers, prediction_title

FOOLED = 0.5  # probability at which a fooling image is done
# Lemon, school bus, tarantula, banana, alp, goose, tractor, Egyptian cat: classes with a typical shape or colour.
TYPICAL = ("n07749582", "n04146614", "n01774750", "n07753592", "n09193705", "n01855672", "n04465501", "n02124075")
DREAM_SIDE = 288  # pixels of the longer side of the photograph that is dreamt about


def _saliency(subject, model, rng, progress):
    pictures = subject.square(model)
    X = model.preprocess(pictures)
    before = model.predict(X)
    y = np.array([best[0].index for best in before])
    saliency = compute_saliency_maps(X, y, model)
    titles = [f"{name}\n{prediction_title(best[0])}" for name, best in zip(subject.names, before)]
    caption = (
        "How much the score of the network's first class reacts to each pixel: the largest magnitude of the gradient "
        "over the three colours. The network was never told where the object is. Where it is sure of the class, the "
        "pixels that count gather on the object; where it is not, they scatter."
    )
    arrays = {"X": X, "y": y, "saliency": saliency}
    figure = plot_saliency(pictures, saliency, titles)
    return GalleryFigure(figure, caption, arrays, {"y": y.tolist()}, before=before)


def _fooling(subject, model, rng, progress):
    photographs = model.preprocess(subject.square(model)[:2])
    X = np.concatenate([photographs, noise(model, photographs[:1].shape, rng)])
    before = model.predict(X)
    # Targets: random classes, but never what the network sees anyway.
    seen = np.array([best[0].index for best in before])
    target = (seen + rng.integers(1, model.num_classes, size=len(X))) % model.num_classes
    X_fooling = make_fooling_image(X, target, model, confidence=FOOLED, progress=progress)
    after = model.predict(X_fooling)
    names = [*subject.names[:2], "noise"]
    pairs = [
        (f"{name}\n{prediction_title(b[0])}", f"fooling image\n{prediction_title(a[0])}")
        for name, b, a in zip(names, before, after)
    ]
    caption = (
        "A few steps up the gradient of another class's score, and the network sees that class, while people "
        "barely see a difference. The third column shows what was added (grey: nothing), the fourth the same ten times "
        "as strong. It works on pure noise as well."
    )
    figure = plot_fooling(model.deprocess(X), model.deprocess(X_fooling), pairs)
    arrays = {"X": X, "X_fooling": X_fooling, "target_y": target}
    options = {"target_y": target.tolist(), "confidence": FOOLED}
    return GalleryFigure(figure, caption, arrays, options, before, after)


def _class_visualization(subject, model, rng, progress):
    target = [model.wnids.index(wnid) for wnid in TYPICAL if wnid in (model.wnids or ())]
    if not target:
        target = np.unique(np.linspace(0, model.num_classes - 1, 8).astype(int))
    target = np.array(target)
    X = create_class_visualization(target, model, rng=rng, progress=progress)
    after = model.predict(X)
    chances = model.probabilities(X)[np.arange(len(target)), target]
    titles = [f"{short_name(model.class_names[k])}\np = {p:.3f}" for k, p in zip(target, chances)]
    caption = (
        "Starting from noise, each image was changed until the network found it as typical of one class as it can. "
        "These are not photographs. They show which shapes and colours the network has learnt to look for, often "
        "several times over, and what it does not know about the object."
    )
    figure = plot_images(model.deprocess(X), titles, columns=4)
    return GalleryFigure(figure, caption, {"X": X, "target_y": target}, {"target_y": target.tolist()}, after=after)


def _inversion(subject, model, rng, progress):
    picture = subject.square(model)[:1]
    X = model.preprocess(picture)
    layers = map_layers(model, 5)
    results, titles, options = [], [], {}
    for layer in layers:
        losses = []
        feats, _ = model.forward(X, end=layer)
        X_inverted = invert_features(
            feats,
            layer,
            model,
            rng=rng,
            progress=progress,
            callback=lambda t, X, info, to=losses: to.append(info["loss"]),
        )
        results.append(X_inverted)
        fell = float(losses[0][0] / losses[-1][0])
        titles.append(f"from {layer}\nloss 1/{fell:.0f} of the start's")
        options[layer] = {"loss_first": float(losses[0][0]), "loss_last": float(losses[-1][0])}
    after = model.predict(np.concatenate(results))
    caption = (
        "What a layer knows of a photograph: an image was made from weak noise whose features at that layer come close "
        "to the photograph's (the loss is their distance). Early layers keep nearly every pixel; deeper ones keep "
        "shapes in their places, and lose fine detail and colour."
    )
    pictures = [picture[0], *(model.deprocess(r)[0] for r in results)]
    figure = plot_progress(pictures, [f"{subject.names[0]}\nphotograph", *titles])
    arrays = {"X": X, **{f"X_{layer}": r for layer, r in zip(layers, results)}}
    return GalleryFigure(figure, caption, arrays, options, before=model.predict(X), after=after)


def _deepdream(subject, model, rng, progress):
    picture = subject.pictures[0]
    scale = DREAM_SIDE / max(picture.shape[:2])
    picture = resize_image(picture, tuple(max(64, round(n * scale)) for n in picture.shape[:2]))
    X = model.preprocess(picture)
    layers = map_layers(model, 4)[1:] or map_layers(model, 1)
    results = {layer: deepdream(X, layer, model, rng=rng, progress=progress) for layer in layers}
    caption = (
        "Whatever a layer sees faintly in the photograph is made stronger, step by step, first in a small copy of it "
        "and then in larger ones. Early layers dream of strokes and textures, late ones of parts of the things the "
        "network was trained on."
    )
    pictures = [picture, *(model.deprocess(r)[0] for r in results.values())]
    titles = [f"{subject.names[0]}, photograph", *(f"dream of {layer}" for layer in layers)]
    if len(subject.pictures) > 1:
        guide = resize_image(subject.pictures[1], tuple(n // 2 for n in picture.shape[:2]))
        layer = layers[len(layers) // 2]
        objective = guided(model.preprocess(guide), layer, model)
        results["guided"] = deepdream(X, None, model, objective=objective, rng=rng, progress=progress)
        pictures += [guide, model.deprocess(results["guided"])[0]]
        titles += [f"{subject.names[1]}, the guide", f"dream of {layer}, guided"]
        caption += (
            f" The last dream is guided: what {layer} sees in {subject.names[1]} is what grows in {subject.names[0]}."
        )
    figure = plot_images(pictures, titles, columns=2, tile=4.2)
    arrays = {"X": X, **{f"X_{layer}": r for layer, r in results.items()}}
    # Predictions are for the network's own input size: not every network takes another.
    before, *after = (model.predict(resize(r, model.input_size, model))[0] for r in (X, *results.values()))
    return GalleryFigure(figure, caption, arrays, {"layers": layers}, [before], after)


FIGURES = {
    "saliency": ("Saliency maps", _saliency),
    "fooling": ("Fooling images", _fooling),
    "class-visualization": ("Class visualisation", _class_visualization),
    "inversion": ("Feature inversion", _inversion),
    "deepdream": ("DeepDream", _deepdream),
}
