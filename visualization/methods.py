"""Every method that makes maps, by name, with one signature: maps(X, y, model, rng=None) -> (N, H, W).

Each comes with the settings that the comparison of `ranking` uses: at most 128 passes, or 24 gradients, a map.
`faithfulness.METHODS` are the eight that the course compares.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import faithfulness
from .attribution import integrated_gradients, smoothgrad
from .cam import class_activation_maps
from .cam_weights import grad_cam_plus_plus, hires_cam, layer_cam, xgrad_cam
from .cam_without_gradients import ablation_cam, eigen_cam, score_cam
from .deeplift import deep_lift
from .fullgrad import full_gradient
from .kernel_shap import kernel_shap
from .lrp import lrp
from .occlusion import occlusion_maps
from .path_attribution import blur_integrated_gradients, expected_gradients, guided_integrated_gradients
from .rise import rise
from .vargrad import vargrad


@dataclass(frozen=True)
class Method:
    """A method by its name for people, what it costs, and a function of images, classes and a network."""

    title: str
    family: str  # "gradient", "path", "rule", "cam" or "perturbation"
    maps: Callable[..., Any]


def _plain(name):
    """A method of `faithfulness`, which draws nothing at random."""
    return lambda X, y, model, rng=None: faithfulness.METHODS[name](X, y, model)


def _cam(function):
    return lambda X, y, model, rng=None: function(X, y, model)


def _occlusion(X, y, model):
    """Of a quarter of the image's side, moved by half of that."""
    window = max(2, min(X.shape[2:]) // 4)
    return occlusion_maps(X, y, model, window=window, stride=window // 2).maps


METHODS = {
    "saliency": Method("saliency", "gradient", _plain("saliency")),
    "smoothgrad": Method(
        "SmoothGrad", "gradient", lambda X, y, model, rng=None: smoothgrad(X, y, model, samples=16, rng=rng)
    ),
    "vargrad": Method("VarGrad", "gradient", lambda X, y, model, rng=None: vargrad(X, y, model, samples=16, rng=rng)),
    "gradient_x_input": Method("gradient x input", "gradient", _plain("gradient_x_input")),
    "full_gradient": Method("FullGrad", "gradient", lambda X, y, model, rng=None: full_gradient(X, y, model).maps),
    "integrated_gradients": Method(
        "integrated gradients",
        "path",
        lambda X, y, model, rng=None: integrated_gradients(X, y, model, steps=24, max_steps=24).maps,
    ),
    "expected_gradients": Method(
        "expected gradients",
        "path",
        lambda X, y, model, rng=None: expected_gradients(X, y, model, samples=24, rng=rng).maps,
    ),
    "blur_integrated_gradients": Method(
        "blur integrated gradients",
        "path",
        lambda X, y, model, rng=None: blur_integrated_gradients(X, y, model, steps=24).maps,
    ),
    "guided_integrated_gradients": Method(
        "guided integrated gradients",
        "path",
        lambda X, y, model, rng=None: guided_integrated_gradients(X, y, model, steps=23).maps,
    ),
    "deep_lift": Method("DeepLIFT", "rule", lambda X, y, model, rng=None: deep_lift(X, y, model).maps),
    "lrp": Method("LRP", "rule", lambda X, y, model, rng=None: lrp(X, y, model).maps),
    "guided": Method("guided backpropagation", "rule", _plain("guided")),
    "deconvnet": Method("deconvnet", "rule", _plain("deconvnet")),
    "cam": Method("CAM", "cam", _cam(lambda X, y, model: class_activation_maps(X, y, model, relu=True))),
    "grad_cam": Method("Grad-CAM", "cam", _plain("grad_cam")),
    "grad_cam_plus_plus": Method("Grad-CAM++", "cam", _cam(grad_cam_plus_plus)),
    "layer_cam": Method("LayerCAM", "cam", _cam(layer_cam)),
    "hires_cam": Method("HiResCAM", "cam", _cam(hires_cam)),
    "xgrad_cam": Method("XGrad-CAM", "cam", _cam(xgrad_cam)),
    "score_cam": Method("Score-CAM", "cam", _cam(lambda X, y, model: score_cam(X, y, model, channels=64))),
    "ablation_cam": Method("Ablation-CAM", "cam", _cam(ablation_cam)),
    "eigen_cam": Method("EigenCAM", "cam", _cam(lambda X, y, model: eigen_cam(X, model))),
    "guided_grad_cam": Method("guided Grad-CAM", "cam", _plain("guided_grad_cam")),
    "occlusion": Method("occlusion", "perturbation", lambda X, y, model, rng=None: _occlusion(X, y, model)),
    "rise": Method("RISE", "perturbation", lambda X, y, model, rng=None: rise(X, y, model, samples=128, rng=rng)),
    "kernel_shap": Method(
        "KernelSHAP",
        "perturbation",
        lambda X, y, model, rng=None: kernel_shap(X, y, model, segments=5, samples=96, rng=rng).maps,
    ),
}
