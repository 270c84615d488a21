"""The commands about layers and neurons: filters, activations, patches, neighbours, embed, neuron."""

import re
from pathlib import Path

import numpy as np

from .neuron import add_neuron
from .options import above_zero, add_common, at_least
from .shared import (
    FIGURES,
    IMAGE_HELP,
    Latest,
    add_command,
    add_model,
    add_model_and_size,
    check_output,
    end_with_ctrl_c,
    layer_of,
    load_model,
    picture_of,
    save_figure,
    say,
    stopped_by_ctrl_c,
)

CROPS, IMAGES, MAP = 400, 2000, 600  # images to look through: of samples, of a data set, and for a map of thumbnails
_LAYER_BEFORE_SCORES = "-2"


def add_feature_commands(commands):
    p = add_command(commands, "filters", filters, "the filters of a layer: colours in the first, weights in the others")
    p.add_argument("--layer", default="0", help="layer index or name (default: 0)")
    p.add_argument(
        "--shared-scale", action="store_true", help="first layer: one scale for all, so that weak ones are pale"
    )
    add_model(p, engine=False)
    add_common(p, out="filters.png", out_help="picture to write", seed=False, by_options=True)

    p = add_command(commands, "activations", activations, "the maps that a layer makes of a picture, most active first")
    p.add_argument("image", metavar="IMAGE", help=IMAGE_HELP)
    p.add_argument("--layer", default="2", help="layer index or name (default: 2)")
    p.add_argument("--top", type=at_least(1), default=24, help="channels to show (default: 24)")
    p.add_argument(
        "--by", choices=("mean", "max"), default="mean", help="a channel's activity: of its map the ... (default: mean)"
    )
    add_model_and_size(p)
    add_common(p, out="activations.png", out_help="picture to write", seed=False, by_options=True)

    p = add_command(commands, "patches", patches, "which patches of many images excite a channel most")
    p.add_argument("--layer", default="4", help="layer index or name (default: 4)")
    p.add_argument(
        "--channel", dest="channels", type=at_least(0), nargs="+", help="channels (default: eight, drawn by --seed)"
    )
    p.add_argument("--top", type=at_least(1), default=9, help="patches for each channel (default: 9)")
    p.add_argument("--per-image", type=at_least(1), default=1, help="at most so many from one image (default: 1)")
    _image_set_options(p)
    add_model(p)
    add_common(p, out="patches.png", out_help="picture to write", by_options=True)

    p = add_command(
        commands, "neighbours", neighbours, "the images that a layer takes for most alike, and those in pixels"
    )
    p.add_argument(
        "queries", nargs="+", metavar="IMAGE", help=f"{IMAGE_HELP}; or the number of one of the images searched"
    )
    p.add_argument(
        "--layer", default=_LAYER_BEFORE_SCORES, help="layer index or name (default: that before the scores)"
    )
    p.add_argument("--count", type=at_least(1), default=5, help="neighbours of each (default: 5)")
    p.add_argument(
        "--metric", choices=("euclidean", "cosine"), default="euclidean", help="distance (default: euclidean)"
    )
    _image_set_options(p)
    add_model(p)
    add_common(p, out="neighbours.png", out_help="picture to write", by_options=True)

    p = add_command(
        commands, "embed", embed, "many images in the plane, close together where a layer takes them for alike"
    )
    p.add_argument("--method", choices=("pca", "tsne"), default="tsne", help="(default: tsne)")
    p.add_argument(
        "--layer", default=_LAYER_BEFORE_SCORES, help="layer index or name (default: that before the scores)"
    )
    p.add_argument("--perplexity", type=above_zero, default=30.0, help="t-SNE: neighbours of a point (default: 30)")
    p.add_argument("--iterations", type=at_least(1), default=1000, help="t-SNE: steps (default: 1000)")
    _image_set_options(p, MAP)
    add_model(p)
    add_common(p, out="embedding.png", out_help="picture to write", by_options=True)

    add_neuron(commands)


# -- commands ---------------------------------------------------------------------------------------------------------


def filters(args):
    from ..visualization.filters import first_layer_filters, layer_filters
    from ..visualization.plots.features import plot_filters, plot_layer_filters

    check_output(args, args.out, suffixes=FIGURES)
    model = load_model(args)
    layer = layer_of(model, args.layer)
    name = model.layer_names[layer]
    if layer == 0:
        tiles = first_layer_filters(model, shared_scale=args.shared_scale)
        figure = plot_filters(tiles, heading=f"{len(tiles)} filters of {name}")
        shown = f"{len(tiles)} filters of {name}"
    elif args.shared_scale:
        raise ValueError("--shared-scale is for the colour filters of the first layer; leave out --layer")
    else:
        tiles, rows, columns = layer_filters(model, layer)
        figure = plot_layer_filters(tiles, rows, columns, name)
        shown = f"the weights of {len(rows)} filters of {name} on {len(columns)} channels"
    save_figure(args, figure)
    say(args, f"{shown} in {args.out}")


def activations(args):
    from ..visualization.filters import activation_maps
    from ..visualization.plots.features import plot_activations

    check_output(args, args.out, suffixes=FIGURES)
    model = load_model(args)
    layer = layer_of(model, args.layer)
    picture = picture_of(args.image, args.size or model.input_size)
    maps = activation_maps(model.preprocess(picture), layer, model, top=args.top, by=args.by)
    heading = f"{maps.layer}: the {maps.channels.shape[1]} most active channels, by the {args.by} of their maps"
    save_figure(args, plot_activations(picture, maps, heading=heading))
    first = ", ".join(str(c) for c in maps.channels[0, :5])
    say(args, f"{maps.layer}: most active are the channels {first}; in {args.out}")


def patches(args):
    from ..visualization.patches import top_patches
    from ..visualization.plots.features import plot_patches

    check_output(args, args.out, suffixes=FIGURES)
    model = load_model(args)
    layer = layer_of(model, args.layer)
    rng = np.random.default_rng(args.seed)
    searched = _image_set(args, model, rng)
    channels = args.channels
    if channels is None:
        count = model.output_shapes()[model.layer_names[layer]][0]
        channels = np.sort(rng.choice(count, min(8, count), replace=False))
    latest = Latest()

    def search():
        latest.X = top_patches(
            searched.images,
            layer,
            model,
            channels=channels,
            top=args.top,
            per_image=args.per_image,
            callback=latest,
            progress=not args.quiet,
        )

    interrupted = stopped_by_ctrl_c(search)
    result = latest.finished()
    save_figure(args, plot_patches(result))
    size = "whole images" if result.field.whole_image else f"{result.field.size}x{result.field.size} pixels"
    say(args, f"{result.layer}: the best patches ({size}) of {len(searched.images)} images in {args.out}")
    end_with_ctrl_c(interrupted, args.out, f"{latest.info.get('images', 0)} images were searched")


def neighbours(args):
    from ..datasets import resize_image
    from ..visualization.neighbours import nearest_neighbours
    from ..visualization.plots.features import plot_neighbours

    check_output(args, args.out, suffixes=FIGURES)
    model = load_model(args)
    layer = layer_of(model, args.layer)
    searched = _image_set(args, model, np.random.default_rng(args.seed))
    pictures = searched.images.transpose(0, 2, 3, 1)  # (N, H, W, 3)
    queries, own, titles = [], [], []
    for text in args.queries:
        number = _number_of(text, len(pictures))
        own.append(-1 if number is None else number)
        picture = picture_of(text, None) if number is None else pictures[number]
        queries.append(resize_image(picture, pictures.shape[1:3]))
        titles.append(Path(text).stem if number is None else searched.names[searched.labels[number]])
    wanted = np.stack(queries).transpose(0, 3, 1, 2)
    found = {}
    for name, where in ((model.layer_names[layer], layer), ("pixels", None)):
        near = nearest_neighbours(
            wanted,
            searched.images,
            where,
            model,
            count=args.count,
            metric=args.metric,
            own_index=own,
            progress=not args.quiet,
        )
        labels = [
            [f"{searched.names[searched.labels[n]]}, {d:.3g}" for n, d in zip(*row)]
            for row in zip(near.images, near.distances)
        ]
        found[name] = (pictures[near.images], labels)
        first = ", ".join(f"{title}: {row[0]}" for title, row in zip(titles, labels))
        say(args, f"nearest in {name}: {first}")
    save_figure(args, plot_neighbours(queries, found, titles, heading=f"nearest of {len(pictures)} images"))
    say(args, f"all in {args.out}")


def embed(args):
    from ..visualization.embedding import pca, tsne
    from ..visualization.image_sets import features_of
    from ..visualization.plots.features import plot_embedding
    from ..visualization.thumbnails import grid_cells, thumbnail_map

    check_output(args, args.out, suffixes=FIGURES)
    model = load_model(args)
    layer = layer_of(model, args.layer)
    searched = _image_set(args, model, np.random.default_rng(args.seed), MAP)
    latest, options = Latest(), {"perplexity": args.perplexity, "num_iterations": args.iterations}

    def place():
        features = features_of(searched.images, layer, model, progress=not args.quiet)
        if args.method == "pca":
            result = pca(features)
            latest(0, result.points, {"share": result.share.sum()})
        else:
            features = pca(features, dims=min(50, *features.shape)).points
            tsne(features, **options, callback=latest, progress=not args.quiet)

    interrupted = stopped_by_ctrl_c(place)
    Y, done = latest.finished(), f"{latest.t + 1} of {args.iterations} steps were done"
    how = f"t-SNE, perplexity {args.perplexity:g}" + (f", {done}" if interrupted else "")
    if args.method == "pca":
        how = f"PCA, {latest.info['share']:.0%} of the variance"
    pictures = searched.images.transpose(0, 2, 3, 1)
    pictures = pictures[:, :: max(1, pictures.shape[1] // 32), :: max(1, pictures.shape[2] // 32)]  # thumbnails
    map_ = thumbnail_map(pictures, grid_cells(Y))
    heading = f"{len(Y)} images by {model.layer_names[layer]} ({how})"
    save_figure(args, plot_embedding(Y, map_, searched.labels, searched.names, heading=heading))
    say(args, f"{heading}, and a map of them, in {args.out}")
    end_with_ctrl_c(interrupted, args.out, done)


# -- what they share --------------------------------------------------------------------------------------------------


def _image_set_options(parser, images=IMAGES):
    parser.add_argument(
        "--data",
        metavar="PATH",
        help="TinyImageNet, its folder or its zip file, to look through its validation images "
        "(default: crops of the sample photographs)",
    )
    parser.add_argument("--cache", metavar="DIR", help="with --data: folder for the decoded images")
    parser.add_argument(
        "--images",
        type=at_least(1),
        metavar="N",
        help=f"look through so many, drawn by --seed (default: {images} of a data set, {CROPS} crops)",
    )


def _image_set(args, model, rng, images=IMAGES):
    """What the options ask for: images of a data set, or crops of the sample photographs."""
    from ..visualization.image_sets import ImageSet, sample_crops

    if args.data is None:
        if args.cache is not None:
            raise ValueError("--cache is for the data set that --data names")
        from ..datasets import sample_names

        crops, source = sample_crops(args.images or CROPS, size=model.input_size, rng=rng)
        return ImageSet(crops, source, sample_names())
    return images_of_data(args, args.images or images, rng)


def images_of_data(args, count, rng):
    """Up to `count` validation images of the data set that --data names, drawn at random (ImageSet)."""
    from ..datasets import DataError, load_tiny_imagenet
    from ..visualization.image_sets import ImageSet
    from ..visualization.plots.pictures import short_name

    data = load_tiny_imagenet(args.data, cache_dir=args.cache, progress=not args.quiet)
    if data["y_val"] is None or not len(data["y_val"]):
        raise DataError(f"{args.data} has no validation images with labels to look through")
    available = len(data["X_val"])
    chosen = np.sort(rng.choice(available, min(count, available), replace=False))
    names = [short_name(name) for name in data["class_names"]]
    return ImageSet(np.asarray(data["X_val"][chosen]), data["y_val"][chosen], names)


def _number_of(text, N):
    """The number of an image of the set that a query is, or None if it names a picture."""
    if not re.fullmatch("[0-9]+", text) or Path(text).is_file():
        return None
    if int(text) >= N:
        raise ValueError(f"there is no image {text}: those searched have the numbers 0 to {N - 1}")
    return int(text)
