"""The gallery's figures of images that a network is shown or made to see: saliency, fooling, DeepDream and others."""

import numpy as np

from ...datasets import resize_image
from ..class_visualization import create_class_visualization
from ..dreaming import deepdream
from ..fooling import make_fooling_image
from ..image_ops import grey_levels, noise, resize
from ..inversion import invert_features
from ..objectives import guided
from ..plots.pictures import plot_fooling, plot_images, plot_saliency_columns, short_name
from ..saliency import compute_saliency_maps
from .figure import GalleryFigure, map_layers, prediction_title

FOOLED = 0.5  # probability at which a fooling image is done
# Lemon, school bus, tarantula, goose, alp, Egyptian cat; banana, tractor, monarch, goldfish, king penguin, teapot:
# classes with a typical shape or colour. The first six are shown always, all of them by `gallery --full`.
TYPICAL = ("n07749582", "n04146614", "n01774750", "n01855672", "n09193705", "n02124075")
TYPICAL_FULL = (*TYPICAL, "n07753592", "n04465501", "n02279972", "n01443537", "n02056570", "n04398044")
INVERSION_STEPS, INVERSION_STEPS_FULL = 150, 300
DREAM_SIDE, DREAM_SIDE_FULL = 224, 480  # pixels of the longer side of the photograph that is dreamt about
DREAM_STEP = 1.5  # grey levels


def _saliency(subject, model, rng, progress):
    pictures = subject.square(model)
    columns, arrays, before = {}, {}, []
    for name, network in subject.networks(model).items():
        X = network.preprocess(pictures)
        seen = network.predict(X)
        y = np.array([best[0].index for best in seen])
        saliency = compute_saliency_maps(X, y, network)
        columns[name] = (saliency, [prediction_title(best[0]) for best in seen])
        arrays |= {_key("X", name): X, _key("y", name): y, _key("saliency", name): saliency}
        before += seen
    caption = (
        "How much the score of the network's first class reacts to each pixel: the largest magnitude of the gradient "
        "over the three colours. The network was never told where the object is. On some photographs the pixels that "
        "count gather on it, on others they scatter."
    )
    if subject.twin is not None:
        caption += (
            " The robust network has the same layers and was trained on the same images, but while it was being "
            "attacked: it learnt not to care about single pixels, and its gradient tends to follow contours."
        )
    figure = plot_saliency_columns(pictures, columns, subject.names)
    return GalleryFigure(figure, caption, arrays, {"y": arrays[_key("y", next(iter(columns)))].tolist()}, before=before)


def _fooling(subject, model, rng, progress):
    chosen = [subject.busiest(model)]
    pictures, names = subject.square(model)[chosen], [*(subject.names[k] for k in chosen), "noise"]
    start = noise(model, (1, 3, *model.input_size), rng)
    seen = model.probabilities(np.concatenate([model.preprocess(pictures), start])).argmax(axis=1)
    # Targets: random classes, but never what the network sees anyway. The twin is fooled into the same.
    target = (seen + rng.integers(1, model.num_classes, size=len(seen))) % model.num_classes
    arrays, before, after, rows = {"target_y": target}, [], [], []
    for name, network in subject.networks(model).items():
        X = np.concatenate([network.preprocess(pictures), start])
        X_fooling = make_fooling_image(X, target, network, confidence=FOOLED, progress=progress)
        arrays |= {_key("X", name): X, _key("X_fooling", name): X_fooling}
        was, now = network.predict(X), network.predict(X_fooling)
        before += was
        after += now
        images = zip(network.deprocess(X), network.deprocess(X_fooling), names, was, now)
        rows.append(
            [
                (a, b, f"{of}\n{prediction_title(w[0])}", f"{name or 'fooling image'}\n{prediction_title(n[0])}")
                for a, b, of, w, n in images
            ]
        )
    originals, fooling, titles, fooling_titles = zip(*(row for of_one_image in zip(*rows) for row in of_one_image))
    caption = (
        "A few steps up the gradient of another class's score, and the network sees that class, while people "
        "barely see a difference. The third column shows what was added (grey: nothing), the fourth the same "
        "made stronger. It works on pure noise as well."
    )
    if subject.twin is not None:
        caption += (
            " To fool the robust network much more must be added, and what is added begins to look like something."
        )
    figure = plot_fooling(np.stack(originals), np.stack(fooling), list(zip(titles, fooling_titles)))
    options = {"target_y": target.tolist(), "confidence": FOOLED}
    return GalleryFigure(figure, caption, arrays, options, before, after)


def _class_visualization(subject, model, rng, progress):
    typical = TYPICAL_FULL if subject.full else TYPICAL
    target = [model.wnids.index(wnid) for wnid in typical if wnid in (model.wnids or ())]
    if not target:
        target = np.unique(np.linspace(0, model.num_classes - 1, len(typical)).astype(int))
    target = np.array(target)
    arrays, after, tiles, seed = {"target_y": target}, [], [], _seed(rng)
    for name, network in subject.networks(model).items():
        X = create_class_visualization(target, network, rng=seed, progress=progress)
        arrays[_key("X", name)] = X
        chances = network.probabilities(X)[np.arange(len(target)), target]
        lines = [f"{short_name(model.class_names[k])}\n{name or f'p = {p:.3f}'}" for k, p in zip(target, chances)]
        tiles.append(list(zip(network.deprocess(X), lines)))
        after += network.predict(X)
    columns = min(len(TYPICAL), len(target))  # a row for each network, so that the same class stands in a column
    rows = [row for start in range(0, len(target), columns) for row in (t[start : start + columns] for t in tiles)]
    caption = (
        "Starting from noise, each image was changed until the network found it as typical of one class as it can. "
        "These are not photographs. They show which shapes and colours the network has learnt to look for, often "
        "several times over, and what it does not know about the object."
    )
    if subject.twin is not None:
        caption += " In the robust network's images most classes are easy to recognise."
    pictures, titles = zip(*(tile for row in rows for tile in row))
    figure = plot_images(pictures, titles, columns=columns, tile=2.1)
    return GalleryFigure(figure, caption, arrays, {"target_y": target.tolist()}, after=after)


def _inversion(subject, model, rng, progress):
    picture = subject.square(model)[:1]
    layers = map_layers(model, 5) if subject.full else map_layers(model, 4)[1:] or map_layers(model, 1)
    arrays, options, after = {"X": model.preprocess(picture)}, {}, []
    pictures, titles, seed = [], [], _seed(rng)
    for name, network in subject.networks(model).items():
        pictures.append(picture[0])
        titles.append(f"{subject.names[0]}, photograph\n{name}")
        X = network.preprocess(picture)
        for layer in layers:
            losses = []
            feats, _ = network.forward(X, end=layer)
            X_inverted = invert_features(
                feats,
                layer,
                network,
                num_iterations=INVERSION_STEPS_FULL if subject.full else INVERSION_STEPS,
                rng=seed,
                progress=progress,
                callback=lambda t, X, info, to=losses: to.append(info["loss"]),
            )
            fell = float(losses[0][0] / losses[-1][0])
            pictures.append(network.deprocess(X_inverted)[0])
            titles.append(f"from {layer}\nloss 1/{fell:.0f} of the start's")
            options[_key(layer, name)] = {"loss_first": float(losses[0][0]), "loss_last": float(losses[-1][0])}
            arrays[_key(f"X_{layer}", name)] = X_inverted
            after += network.predict(X_inverted)
    caption = (
        "What a layer knows of a photograph: an image was made from weak noise whose features at that layer come close "
        "to the photograph's (the loss is their distance). Early layers keep nearly everything; deeper ones keep "
        "shapes in their places, and lose detail and colour."
    )
    if subject.twin is not None:
        caption += " The robust network's layers keep more of what people see."
    figure = plot_images(pictures, titles, columns=1 + len(layers))
    return GalleryFigure(figure, caption, arrays, options, before=model.predict(arrays["X"]), after=after)


def _deepdream(subject, model, rng, progress):
    main = subject.names.index("cat") if "cat" in subject.names else 0  # fur has much to dream about
    picture = subject.pictures[main]
    scale = (DREAM_SIDE_FULL if subject.full else DREAM_SIDE) / max(picture.shape[:2])
    picture = resize_image(picture, tuple(max(64, round(n * scale)) for n in picture.shape[:2]))
    layers = map_layers(model, 4)[-2:]
    pictures, titles, arrays, dreams = [picture], [f"{subject.names[main]}, photograph"], {}, []
    seed = _seed(rng)
    for name, network in subject.networks(model).items():
        X = network.preprocess(picture)
        arrays[_key("X", name)] = X
        for layer in layers:
            dream = _dream(X, layer, network, rng=seed, progress=progress)
            arrays[_key(f"X_{layer}", name)] = dream
            dreams.append((network, dream))
            pictures.append(network.deprocess(dream)[0])
            titles.append(f"dream of {layer}" + f"\n{name}" * bool(name))
    caption = (
        "Whatever a layer sees faintly in the photograph is made stronger, step by step, first in a small copy of it "
        "and then in larger ones. The earlier of the two layers dreams of strokes and textures, the later one of parts "
        "of the things that the network was trained on."
    )
    if len(subject.pictures) > 1:
        other = 1 if main == 0 else 0
        guide = resize_image(subject.pictures[other], tuple(n // 2 for n in picture.shape[:2]))
        layer, (name, network) = layers[0], list(subject.networks(model).items())[-1]
        objective = guided(network.preprocess(guide), layer, network)
        X = network.preprocess(picture)
        dream = _dream(X, None, network, objective=objective, rng=seed, progress=progress)
        arrays["X_guided"] = dream
        dreams.append((network, dream))
        pictures.append(network.deprocess(dream)[0])
        titles.append(f"dream of {layer}, guided by {subject.names[other]}" + f"\n{name}" * bool(name))
        caption += (
            f" The last dream is guided: what {layer} sees in {subject.names[other]} is what grows in "
            f"{subject.names[main]}."
        )
    figure = plot_images(pictures, titles, columns=2, tile=4.2)
    # Predictions are for the network's own input size: not every network takes another.
    before = model.predict(resize(model.preprocess(picture), model.input_size, model))
    after = [network.predict(resize(dream, network.input_size, network))[0] for network, dream in dreams]
    return GalleryFigure(figure, caption, arrays, {"layers": layers}, before, after)


def _dream(X, layer, model, **options):
    """A dream stronger than by default: the photograph is to become something else."""
    rate = grey_levels(model, X, DREAM_STEP)
    return deepdream(X, layer, model, num_octaves=4, learning_rate=rate, **options)


def _seed(rng):
    """A seed for calls that are to begin alike: the same noise and shifts for every network."""
    return int(rng.integers(2**31))


def _key(array, network):
    """The name of an array in a file with the results of one network, or of several."""
    return f"{array} of the {network}" if network else array


FIGURES = {
    "saliency": ("Saliency maps", _saliency),
    "fooling": ("Fooling images", _fooling),
    "class-visualization": ("Class visualisation", _class_visualization),
    "inversion": ("Feature inversion", _inversion),
    "deepdream": ("DeepDream", _deepdream),
}
