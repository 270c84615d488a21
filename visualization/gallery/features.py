"""The gallery's figures about the network itself: its filters, channels and neurons, and what is alike for it."""

from dataclasses import replace

import numpy as np
from PIL import Image

from ..embedding import pca, tsne
from ..filters import activation_maps, first_layer_filters
from ..image_sets import features_of
from ..neighbours import nearest_neighbours
from ..neurons import neuron_activation, visualize_neuron
from ..patches import top_patches
from ..plots.features import (
    plot_embedding,
    plot_filters,
    plot_neighbours,
    plot_neurons,
    plot_patches,
)
from ..plots.panels import lit
from ..plots.pictures import plot_images
from ..thumbnails import grid_cells, thumbnail_map
from .figure import GalleryFigure, map_layers

QUERIES = 6  # images whose neighbours are shown
NEURONS = 8
CHANNELS = 5  # of each layer whose activations are shown


def _filters(subject, model, rng, progress):
    tiles = first_layer_filters(model)
    caption = (
        "The filters of the first layer, as colours: edges in several directions, blobs, and pairs of opposite "
        "colours, as in most networks for photographs. The number of each row's first filter stands before it. Deeper "
        "layers' filters act on channels, not on colours, and say little when they are looked at."
    )
    return GalleryFigure(plot_filters(tiles), caption, {"tiles": tiles, "W1": model.params["W1"]})


def _activations(subject, model, rng, progress):
    picture = subject.square(model)[:1]
    X = model.preprocess(picture)
    pictures, titles, arrays = [], [], {"X": X}
    for layer in map_layers(model, 4):
        result = activation_maps(X, layer, model, top=4 * CHANNELS)
        chosen = _unlike(result.maps[0], CHANNELS)
        maps, channels = result.maps[0][chosen], result.channels[0][chosen]
        arrays |= {f"maps_{layer}": maps, f"channels_{layer}": channels}
        pictures += [picture[0], *(_lit(picture[0], map_) for map_ in maps)]
        titles += [f"{layer}: {' x '.join(map(str, maps.shape[1:]))} positions", *(f"channel {c}" for c in channels)]
    caption = (
        "What layers make of the photograph: it is lit where one of their most active channels answers. Channels of "
        "early layers answer to edges and colours wherever these are. Deeper ones answer in fewer places, and those "
        "of the last layer where the object is, if the network has found it."
    )
    figure = plot_images(pictures, titles, columns=1 + CHANNELS)
    return GalleryFigure(figure, caption, arrays, {"channels": CHANNELS}, model.predict(X))


def _unlike(maps, count):
    """Indices of maps in order, leaving out those much like one that is chosen already, as long as enough are left."""
    with np.errstate(invalid="ignore"):  # a map that is the same everywhere is like no other
        likeness = np.nan_to_num(np.corrcoef(maps.reshape(len(maps), -1)))
    chosen = []
    for k in range(len(maps)):
        if not any(likeness[k, j] > 0.7 for j in chosen):
            chosen.append(k)
    others = [k for k in range(len(maps)) if k not in chosen]
    return sorted((chosen + others)[:count])


def _lit(picture, map_):
    """A picture that is bright where a map, enlarged to its size, is large."""
    positive = Image.fromarray(np.maximum(map_, 0).astype(np.float32))
    share = np.asarray(positive.resize(picture.shape[1::-1], Image.Resampling.BILINEAR)) / max(map_.max(), 1e-12)
    return lit(picture, share, dark=0.12)


def _patches(subject, model, rng, progress):
    images = subject.image_set(model, rng).images
    layer = map_layers(model, 3)[-2:][0]
    count = model.output_shapes()[layer][0]
    channels = np.sort(rng.choice(count, min(4 * NEURONS, count), replace=False))
    result = _inside(top_patches(images, layer, model, channels=channels, top=8, progress=progress), NEURONS)
    channels = result.channels
    caption = (
        f"For {len(channels)} channels the patches that excite them most, among {subject.looked_through}, cut out by "
        "the part of the image that a neuron of this layer sees. They were chosen from more, since many channels "
        "answer most strongly to the edge of the padding: their patches would be mostly grey."
    )
    if subject.data is None:
        caption += " With a data set (--data) the choice is larger, and what a channel looks for shows more clearly."
    arrays = {"channels": channels, "patches": result.patches, "scores": result.scores}
    return GalleryFigure(plot_patches(result), caption, arrays, {"layer": layer, "images": len(images)})


def _inside(result, count):
    """The channels of a TopPatches whose patches show least of what lies outside the images, in order."""
    grey = (result.patches == 128).all(axis=-1).mean(axis=(1, 2, 3))
    kept = np.sort(np.argsort(grey, kind="stable")[:count])
    names = ("channels", "scores", "images", "positions", "patches")
    return replace(result, **{name: getattr(result, name)[kept] for name in names})


def _last_features(model):
    """The layer whose output describes an image as a whole: global average pooling, or else the last maps."""
    pooled = [name for name in model.layer_names if name.startswith("global_avg_pool")]
    return (pooled or map_layers(model, 1))[-1]


def _neighbours(subject, model, rng, progress):
    given = subject.image_set(model, rng)
    images, labels, names = given.images, given.labels, given.names
    pictures = images.transpose(0, 2, 3, 1)
    own = np.array([np.flatnonzero(labels == k)[0] for k in np.unique(labels)[:QUERIES]])
    layer, found, arrays = _last_features(model), {}, {"queries": own}
    for name, where in (("network", layer), ("pixels", None)):
        near = nearest_neighbours(images[own], images, where, model, count=6, own_index=list(own), progress=progress)
        found[name] = (pictures[near.images], [[names[labels[n]] for n in row] for row in near.images])
        arrays[f"nearest in {name}"] = near.images
    caption = (
        f"Among {subject.looked_through}, those most like the first of each row: for the network's last features, and "
        "pixel by pixel. Pixels compare colours in places; for the network what is shown counts more than where."
    )
    titles = [names[labels[n]] for n in own]
    return GalleryFigure(plot_neighbours(list(pictures[own]), found, titles), caption, arrays, {"layer": layer})


def _embedding(subject, model, rng, progress):
    given = subject.image_set(model, rng)
    images, labels, names = given.images, given.labels, given.names
    layer = _last_features(model)
    features = features_of(images, layer, model, progress=progress)
    Y = tsne(pca(features, dims=min(30, *features.shape)).points, perplexity=20, num_iterations=500, progress=progress)
    pictures = images.transpose(0, 2, 3, 1)
    step = max(1, pictures.shape[1] // 32)
    map_ = thumbnail_map(pictures[:, ::step, ::step], grid_cells(Y))
    caption = (
        f"{subject.looked_through.capitalize()}, laid out by t-SNE so that those with like features lie side by side. "
    )
    if subject.data is None:
        caption += "The network was never told which crop comes from which photograph (the colours on the left)."
    else:
        caption += "Classes that look alike are neighbours: to the network the map is one of looks, not of words."
    figure = plot_embedding(Y, map_, labels, names)
    return GalleryFigure(figure, caption, {"Y": Y, "labels": labels}, {"layer": layer, "perplexity": 20})


def _neurons(subject, model, rng, progress):
    networks = subject.networks(model)
    layers = map_layers(model, 4)[1:] or map_layers(model, 1)
    layers, columns = (layers[-2:], 4) if len(networks) > 1 else (layers, 6)
    pictures, names, activity, dead, arrays = [], [], [], [], {}
    for layer in layers:
        count = model.output_shapes()[layer][0]
        channels, seed = np.sort(rng.choice(count, min(columns, count), replace=False)), int(rng.integers(2**31))
        arrays[f"channels_{layer}"] = channels
        for name, network in networks.items():
            last = {}
            X = visualize_neuron(
                layer,
                network,
                channel=channels,
                rng=seed,
                progress=progress,
                callback=lambda t, X, info, to=last: to.update(info),
            )
            pictures += list(network.deprocess(X))
            names += [f"{name}\n{layer}, channel {c}".strip() for c in channels]
            activity += list(neuron_activation(X, layer, network, channel=channels))
            dead += list(last["dead"])
            arrays[f"X_{layer} of the {name}" if name else f"X_{layer}"] = X
    caption = (
        "From noise, images that excite one channel each, at several depths of the network: the deeper the layer, the "
        "more do strokes and textures become parts of things."
    )
    if subject.twin is not None:
        caption += (
            " Both networks were trained from the same earlier weights, and many channels still answer to the same "
            "things: what the standard network's images hint at, the robust network's show."
        )
    figure = plot_neurons(pictures, names, activity, dead=dead, columns=columns)
    return GalleryFigure(figure, caption, arrays, {"layers": layers})


FIGURES = {
    "filters": ("Filters of the first layer", _filters),
    "activations": ("Activations", _activations),
    "patches": ("Patches that excite most", _patches),
    "neurons": ("Images made for channels", _neurons),
    "neighbours": ("Nearest neighbours", _neighbours),
    "embedding": ("A map by t-SNE", _embedding),
}
