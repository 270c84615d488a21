"""Figures of what the techniques return, drawn without pyplot."""

from .attacks import plot_attack, plot_transfer
from .concepts import plot_concepts
from .faithfulness import plot_insertion_deletion, plot_sanity
from .features import (
    plot_activations,
    plot_embedding,
    plot_filters,
    plot_layer_filters,
    plot_neighbours,
    plot_neurons,
    plot_patches,
)
from .figure import Figure
from .look import Look, open_picture
from .maps import (
    plot_gradient_pictures,
    plot_maps,
    plot_methods,
    plot_occlusion,
    plot_segmentation,
)
from .pictures import plot_evaluation, plot_fooling, plot_history, plot_images, plot_progress, plot_saliency
from .ranking import plot_agreement, plot_ranking

__all__ = [
    "Figure",
    "Look",
    "open_picture",
    "plot_activations",
    "plot_agreement",
    "plot_attack",
    "plot_concepts",
    "plot_embedding",
    "plot_evaluation",
    "plot_filters",
    "plot_fooling",
    "plot_gradient_pictures",
    "plot_history",
    "plot_images",
    "plot_insertion_deletion",
    "plot_layer_filters",
    "plot_maps",
    "plot_methods",
    "plot_neighbours",
    "plot_neurons",
    "plot_occlusion",
    "plot_patches",
    "plot_progress",
    "plot_ranking",
    "plot_saliency",
    "plot_sanity",
    "plot_segmentation",
    "plot_transfer",
]
