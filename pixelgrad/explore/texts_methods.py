"""What the page says of each attribution method, in English: its name, a formula, and a sentence."""

METHODS = {
    "saliency": (
        "saliency",
        "|∂s_{k}/∂x|, largest of the three colours",
        "Bright pixels are those where a small change moves the score most, up or down.",
    ),
    "smoothgrad": (
        "SmoothGrad",
        "mean over noise n of ∂s_{k}/∂x at x + n",
        "The gradient of many noisy copies, averaged: what flickers from copy to copy cancels.",
    ),
    "vargrad": (
        "VarGrad",
        "variance over noise n of ∂s_{k}/∂x at x + n",
        "Bright pixels are those whose gradient changes most when the photograph is noisy.",
    ),
    "gradient_x_input": (
        "gradient × input",
        "x · ∂s_{k}/∂x",
        "How much of the score each pixel would bring, if the network were a straight line.",
    ),
    "full_gradient": (
        "FullGrad",
        "Σ_{l} |b_{l} · ∂s_{k}/∂b_{l}| + |x · ∂s_{k}/∂x|",
        "The score is shared out among the pixels and the biases of all layers, each at its place.",
    ),
    "integrated_gradients": (
        "integrated gradients",
        "(x − x_{0}) · mean over a of ∂s_{k}/∂x at x_{0} + a (x − x_{0})",
        "Walk from a blank image to the photograph and add up what each pixel gains on the way.",
    ),
    "expected_gradients": (
        "expected gradients",
        "mean over x_{0}, a of (x − x_{0}) · ∂s_{k}/∂x at x_{0} + a (x − x_{0})",
        "As integrated gradients, but from many real photographs instead of one blank image.",
    ),
    "blur_integrated_gradients": (
        "blur integrated gradients",
        "Σ_{σ} ∂s_{k}/∂x_{σ} · Δx_{σ}",
        "Walk from a blurred photograph to the sharp one: each detail is credited as it appears.",
    ),
    "guided_integrated_gradients": (
        "guided integrated gradients",
        "∫ ∂s_{k}/∂x dx, pixels with small gradients first",
        "A bent walk to the photograph, which avoids places where the gradient is wild.",
    ),
    "deep_lift": (
        "DeepLIFT",
        "(x − x_{0}) · m, at a ReLU m = Δy/Δx",
        "Compares every neuron with its value for a blank image, and shares out the difference.",
    ),
    "lrp": (
        "LRP",
        "R_{i} = Σ_{j} x_{i} w_{ij} / Σ_{i} x_{i} w_{ij} · R_{j}",
        "The score flows back like water: each neuron shares what it got among those that fed it.",
    ),
    "guided": (
        "guided backpropagation",
        "∂s_{k}/∂x, where each ReLU lets only positive gradients pass",
        "Crisp outlines, but they hardly depend on the class: try another one.",
    ),
    "deconvnet": (
        "deconvnet",
        "∂s_{k}/∂x, where the ReLU is applied to the gradient instead",
        "Positive gradients pass whether a neuron was active or not.",
    ),
    "cam": (
        "CAM",
        "max(0, Σ_{c} w_{ck} A_{c})",
        "The last maps, added up with the weights that the class's score has for their means.",
    ),
    "grad_cam": (
        "Grad-CAM",
        "max(0, Σ_{c} α_{c} A_{c}), α_{c} = mean of ∂s_{k}/∂A_{c}",
        "Maps whose growth would help the class are added up: coarse, but about the class.",
    ),
    "grad_cam_plus_plus": (
        "Grad-CAM++",
        "max(0, Σ_{c} A_{c} Σ_{ij} α_{cij} max(0, g_{cij}))",
        "As Grad-CAM, with more weight for small places, so that several objects are all found.",
    ),
    "layer_cam": (
        "LayerCAM",
        "max(0, Σ_{c} max(0, g_{c}) · A_{c})",
        "Every position has a weight of its own, its positive gradient.",
    ),
    "hires_cam": (
        "HiResCAM",
        "max(0, Σ_{c} g_{c} · A_{c})",
        "Gradient times activation at every position, without the mean that Grad-CAM takes first.",
    ),
    "xgrad_cam": (
        "XGrad-CAM",
        "max(0, Σ_{c} α_{c} A_{c}), α_{c} = Σ A_{c} g_{c} / Σ A_{c}",
        "As Grad-CAM, but gradients count where the map is active.",
    ),
    "score_cam": (
        "Score-CAM",
        "α = softmax of s_{k}(x · A_{c})",
        "Each map is used as a mask on the photograph; maps that keep the score high count most.",
    ),
    "ablation_cam": (
        "Ablation-CAM",
        "α_{c} = (s_{k} − s_{k} without A_{c}) / s_{k}",
        "Each map is switched off in turn, and counts as much as the score drops.",
    ),
    "eigen_cam": (
        "EigenCAM",
        "first principal component of A",
        "What most maps have in common; no class is asked for.",
    ),
    "guided_grad_cam": (
        "guided Grad-CAM",
        "guided backpropagation · Grad-CAM",
        "Crisp outlines, cut out where Grad-CAM sees the class.",
    ),
    "occlusion": (
        "occlusion",
        "s_{k}(x) − s_{k}(x with a grey square)",
        "A grey square moves over the photograph: blue where covering lowers the score.",
    ),
    "rise": (
        "RISE",
        "mean of m · p_{k}(x · m) over random masks m",
        "Hundreds of random masks: pixels are bright if the class was seen whenever they were visible.",
    ),
    "kernel_shap": (
        "KernelSHAP",
        "s_{k}(parts S) ≈ φ_{0} + Σ_{i in S} φ_{i}",
        "The photograph is cut into parts, and each gets its fair share of the score (Shapley's).",
    ),
}
