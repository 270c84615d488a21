"""The gallery's figures of every attribution method, for `gallery --full`: they take a minute."""

from ..methods import METHODS
from ..plots.maps import plot_methods
from .figure import GalleryFigure, prediction_title

FAMILIES = {
    "attribution-paths": ("Gradients, averaged and along paths", ("gradient", "path")),
    "attribution-rules": ("Relevance, shared out by rules", ("rule",)),
    "cam-family": ("The family of Grad-CAM", ("cam",)),
    "attribution-masks": ("What scores alone tell", ("perturbation",)),
}
CAPTIONS = {
    "attribution-paths": (
        "One question, nine answers by the gradient: at the image, averaged over noise, or added up along a path. All "
        "paths are complete: their maps sum up to a difference of scores, and yet differ."
    ),
    "attribution-rules": (
        "The score is handed back from layer to layer by a rule. Maps that look clean need not be right: guided "
        "backpropagation and the deconvnet hardly depend on the class."
    ),
    "cam-family": (
        "Maps of the last convolution, weighted in ten ways. Where global average pooling follows, four of them are "
        "the same map but for a factor, and EigenCAM does not look at the class at all."
    ),
    "attribution-masks": (
        "Parts of the photograph are hidden, and only the score is watched: by a moving square, under random masks, "
        "and in coalitions of cells as in a game. No gradient is needed, only patience."
    ),
}


def _family_figure(name):
    def figure(subject, model, rng, progress):
        picture = subject.square(model)[:1]
        X = model.preprocess(picture)
        before = model.predict(X)
        y = before[0][0].index
        families = FAMILIES[name][1]
        chosen = {key: method for key, method in METHODS.items() if method.family in families}
        if name == "cam-family" and model.layer_names[-2:-1] != ["global_avg_pool"]:
            chosen.pop("cam")  # it needs that head
        maps = {key: method.maps(X, y, model, rng=0)[0] for key, method in chosen.items()}
        shown = {METHODS[key].title: map_ for key, map_ in maps.items()}
        drawn = plot_methods(picture[0], shown, title=f"{subject.names[0]}\n{prediction_title(before[0][0])}")
        return GalleryFigure(drawn, CAPTIONS[name], {"X": X, **maps}, {"y": y}, before=before)

    return figure


FIGURES = {name: (title, _family_figure(name)) for name, (title, _) in FAMILIES.items()}
