"""The same weights in PyTorch: Captum, zennit and pytorch-grad-cam give the same numbers, where they are installed.

Outputs are compared before they are rectified, scaled or resized.
"""

import numpy as np
import pytest

from pixelgrad.classifiers import Network
from pixelgrad.visualization import deep_lift, grad_cam_plus_plus, hires_cam, layer_cam, lrp, xgrad_cam

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
TOLERANCE = 1e-4
Y = 2


@pytest.fixture
def network():
    architecture = [
        {"type": "conv", "filters": 5, "size": 3, "stride": 2},
        {"type": "conv", "filters": 6, "size": 3, "pad": 1},
        {"type": "affine", "units": 7, "relu": True},
        {"type": "affine", "units": 4},
    ]
    rng = np.random.default_rng(3)
    network = Network(architecture, input_size=(15, 17), pixel_mean=[110.0] * 3, dtype=np.float64, rng=3)
    for name, value in network.params.items():
        if name.startswith("b"):
            network.params[name] = 0.3 * rng.standard_normal(value.shape)
    network.params["W1"] *= 0.02
    network.params["W4"] *= 1e4  # gradients far above the 1e-6 that pytorch-grad-cam adds to denominators
    return network


@pytest.fixture
def twin(network):
    """The same network as a torch module."""
    p, nn = {name: torch.tensor(value) for name, value in network.params.items()}, torch.nn
    convs = [nn.Conv2d(3, 5, 3, stride=2), nn.Conv2d(5, 6, 3, padding=1)]
    affines = [nn.Linear(6 * 7 * 8, 7), nn.Linear(7, 4)]
    module = nn.Sequential(
        convs[0], nn.ReLU(), convs[1], nn.ReLU(), nn.Flatten(), affines[0], nn.ReLU(), affines[1]
    ).double()
    with torch.no_grad():
        for n, layer in enumerate([*convs, *affines], start=1):
            layer.weight.copy_(p[f"W{n}"] if n < 3 else p[f"W{n}"].T)
            layer.bias.copy_(p[f"b{n}"])
    return module.eval()


X = np.random.default_rng(4).uniform(-105, 140, (2, 3, 15, 17))


def close(ours, theirs):
    theirs = np.asarray(theirs.detach() if hasattr(theirs, "detach") else theirs)
    np.testing.assert_allclose(ours, theirs, atol=TOLERANCE * abs(theirs).max(), rtol=0)


def test_the_twin_has_the_same_scores(network, twin):
    close(network.scores(X), twin(torch.tensor(X)))


def test_deep_lift_of_captum(network, twin):
    attr = pytest.importorskip("captum.attr", reason="Captum is not installed")
    theirs = attr.DeepLift(twin).attribute(torch.tensor(X), torch.tensor(0.5 * X), target=Y)
    close(deep_lift(X, Y, network, baseline=0.5 * X).attributions, theirs)


@pytest.mark.parametrize("rule", ["gamma", "z+", "zb"])
def test_rules_of_zennit(network, twin, rule):
    rules = pytest.importorskip("zennit.rules", reason="zennit is not installed")
    from zennit.composites import NameMapComposite

    lo, hi = (torch.tensor(np.broadcast_to(bound, X.shape).copy()) for bound in network.bounds(X))
    small = {"epsilon": 1e-9}
    theirs = {
        "gamma": lambda: rules.Gamma(gamma=0.25, stabilizer=1e-9),
        "z+": lambda: rules.ZPlus(stabilizer=1e-9, zero_params="bias"),
        "zb": lambda: rules.Epsilon(**small),
    }[rule]
    box = rules.ZBox(low=lo, high=hi, stabilizer=1e-9, zero_params="bias")
    # Scores may be negative, and there zennit's gamma favours negative weights: the last layer has the rule 0.
    names = [
        (["0"], box),
        *(([str(k)], theirs()) for k in (2, 5)),
        (["7"], rules.Epsilon(**small)),
        *(([str(k)], rules.Pass()) for k in (1, 3, 6)),
    ]
    data = torch.tensor(X, requires_grad=True)
    with NameMapComposite(names).context(twin) as changed:
        scores = changed(data)
        start = torch.zeros_like(scores)
        start[:, Y] = scores[:, Y].detach()
        (relevance,) = torch.autograd.grad(scores, data, start)
    of_layers = {"gamma": "gamma", "z+": "z+", "zb": "0"}[rule]
    ours = {"conv1": "zb", "conv2": of_layers, "affine1": of_layers, "affine2": "0"}
    close(lrp(X, Y, network, rules=ours).relevance, relevance)


@pytest.mark.parametrize(
    ("method", "name"),
    [
        (hires_cam, "HiResCAM"),
        (layer_cam, "LayerCAM"),
        (xgrad_cam, "XGradCAM"),
        (grad_cam_plus_plus, "GradCAMPlusPlus"),
    ],
)
def test_cams_of_pytorch_grad_cam(network, twin, method, name):
    library = pytest.importorskip("pytorch_grad_cam", reason="pytorch-grad-cam is not installed")
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    targets, data = [ClassifierOutputTarget(Y)] * len(X), torch.tensor(X)
    with getattr(library, name)(model=twin, target_layers=[twin[3]]) as cam:
        cam(input_tensor=data, targets=targets)
        A, g = (np.stack([np.asarray(part) for part in parts]) for parts in (
            cam.activations_and_grads.activations[0], cam.activations_and_grads.gradients[0]))  # fmt: skip
        theirs = cam.get_cam_image(data, twin[3], targets, A, g, False)
    close(method(X, Y, network, layer="conv2", relu=False, upsample=False), theirs)
