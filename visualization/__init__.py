"""Techniques that show what a convolutional network sees, each a short loop over `model.forward` and `model.backward`.

- `compute_saliency_maps`: which pixels a class score depends on
- `make_fooling_image`: a barely visible change, and a different class
- `create_class_visualization`: the image most typical of a class
- `invert_features`: the image behind a layer's features
- `deepdream`: whatever a layer sees, amplified; `objectives` has mixtures of layers and channels, and guides
- `smoothgrad`, `gradient_x_input`, `integrated_gradients`, `guided_backprop`, `deconvnet`: other maps of the evidence
- `class_activation_maps`, `grad_cam`, `guided_grad_cam`, `occlusion_maps`: where the evidence for a class lies
- `lrp`, `deep_lift`, `full_gradient`, `vargrad`, `expected_gradients`, `blur_integrated_gradients`,
  `guided_integrated_gradients`: evidence shared out by rules, along other paths, and over biases
- `grad_cam_plus_plus`, `layer_cam`, `hires_cam`, `xgrad_cam`, `score_cam`, `ablation_cam`, `eigen_cam`: Grad-CAM with
  other weights
- `rise`, `kernel_shap`, `superpixels`: what scores alone tell
- `concept_test`, `concept_vector`, `counterfactual`: what a class depends on, in words and in pairs of images
- `segment_object`: the object, cut out where a map is large
- `insertion_deletion`, `sanity_check`, `road`, `infidelity`, `max_sensitivity`, `smooth_sanity_check`,
  `class_sensitivity`, `pointing_game`, `energy_inside`, `sparseness`, `complexity`, `centred_blob`: whether a map can
  be trusted, and read; `measure_maps`, `summarise`, `identical_methods`, `agreement`: all of that for every method
- `neuron_gradient`: the same pictures of any channel or position of a layer
- `attack`, `fgsm`, `pgd`, `black_box_attack`, `transfer_matrix`: fooling, measured and limited
- `first_layer_filters`, `layer_filters`, `activation_maps`: the weights of layers, and their response to an image
- `receptive_field`, `top_patches`: what each channel reacts to most, cut out of thousands of images
- `nearest_neighbours`, `pca`, `tsne`: which images a layer finds similar
- `visualize_neuron`, `facet_starts`: activation maximization for a neuron, a channel or a layer; the facets of a class
- `invert_layers`: feature inversion from every layer in turn
- `style_transfer`: the content of one picture in the style of another, with `content_loss`, `gram_matrix`, `style_loss`
- `synthesize_texture`, `grow_texture`: more of the same texture, with a network and without
- `tv_loss`, `tv_beta_loss`: total variation

Images go in and come out in model space, (N, 3, H, W). `callback(t, X, info)` follows a loop while it runs.
`pixelgrad.visualization.plots` draws the results; its functions can be imported from here, too.
"""

from typing import Any

from .adversarial import attack, defend, fgsm, pgd, random_control
from .attribution import gradient_x_input, integrated_gradients, smoothgrad
from .black_box import black_box_attack
from .cam import class_activation_maps, grad_cam, guided_grad_cam
from .cam_weights import grad_cam_plus_plus, hires_cam, layer_cam, xgrad_cam
from .cam_without_gradients import ablation_cam, eigen_cam, score_cam
from .class_visualization import create_class_visualization
from .concepts import concept_test, concept_vector
from .counterfactuals import counterfactual
from .deeplift import deep_lift
from .dreaming import deepdream
from .embedding import pca, tsne
from .facets import facet_starts
from .faithfulness import insertion_deletion, sanity_check
from .filters import activation_maps, first_layer_filters, layer_filters
from .fooling import make_fooling_image
from .fullgrad import full_gradient
from .guided import deconvnet, guided_backprop, neuron_gradient
from .inversion import invert_features, invert_layers
from .kernel_shap import kernel_shap, superpixels
from .lrp import lrp
from .map_comparisons import class_sensitivity, max_sensitivity, smooth_sanity_check
from .map_metrics import centred_blob, complexity, energy_inside, pointing_game, sparseness
from .map_tests import infidelity, road
from .neighbours import nearest_neighbours
from .neurons import neuron_activation, visualize_neuron
from .occlusion import occlusion_cost, occlusion_maps
from .patches import receptive_field, top_patches
from .path_attribution import blur_integrated_gradients, expected_gradients, guided_integrated_gradients
from .ranking import measure_maps
from .ranking_statistics import agreement, identical_methods, summarise
from .rise import rise
from .saliency import compute_saliency_maps
from .segmentation import segment_object
from .style_losses import content_loss, gram_matrix, gram_matrix_backward, style_loss
from .style_transfer import style_transfer
from .texture import synthesize_texture
from .texture_growing import grow_texture
from .thumbnails import grid_cells, thumbnail_map
from .total_variation import tv_beta_loss, tv_loss
from .transfer import transfer_matrix
from .vargrad import vargrad

__all__ = [
    "ablation_cam",
    "activation_maps",
    "agreement",
    "attack",
    "black_box_attack",
    "blur_integrated_gradients",
    "centred_blob",
    "class_activation_maps",
    "class_sensitivity",
    "complexity",
    "compute_saliency_maps",
    "concept_test",
    "concept_vector",
    "content_loss",
    "counterfactual",
    "create_class_visualization",
    "deconvnet",
    "deep_lift",
    "deepdream",
    "defend",
    "eigen_cam",
    "energy_inside",
    "expected_gradients",
    "facet_starts",
    "fgsm",
    "first_layer_filters",
    "full_gradient",
    "grad_cam",
    "grad_cam_plus_plus",
    "gradient_x_input",
    "gram_matrix",
    "gram_matrix_backward",
    "grid_cells",
    "grow_texture",
    "guided_backprop",
    "guided_grad_cam",
    "guided_integrated_gradients",
    "hires_cam",
    "identical_methods",
    "infidelity",
    "insertion_deletion",
    "integrated_gradients",
    "invert_features",
    "invert_layers",
    "kernel_shap",
    "layer_cam",
    "layer_filters",
    "lrp",
    "make_fooling_image",
    "max_sensitivity",
    "measure_maps",
    "nearest_neighbours",
    "neuron_activation",
    "neuron_gradient",
    "occlusion_cost",
    "occlusion_maps",
    "pca",
    "pgd",
    "pointing_game",
    "random_control",
    "receptive_field",
    "rise",
    "road",
    "sanity_check",
    "score_cam",
    "segment_object",
    "smooth_sanity_check",
    "smoothgrad",
    "sparseness",
    "style_loss",
    "style_transfer",
    "summarise",
    "superpixels",
    "synthesize_texture",
    "thumbnail_map",
    "top_patches",
    "transfer_matrix",
    "tsne",
    "tv_beta_loss",
    "tv_loss",
    "vargrad",
    "visualize_neuron",
    "xgrad_cam",
]


def __getattr__(name: str) -> Any:
    """The plot functions. They are looked up when they are asked for, since matplotlib takes long to import."""
    if name.startswith("plot_"):
        from . import plots

        return getattr(plots, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    from . import plots

    return sorted([*globals(), *(name for name in plots.__all__ if name.startswith("plot_"))])
