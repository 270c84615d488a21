"""The methods of `attribute` beyond the gradient: which options each has, and how it is called."""

from .options import above_zero, at_least, fraction, not_negative
from .shared import layer_of

CAMS = (
    "cam",
    "grad_cam",
    "grad_cam_plus_plus",
    "layer_cam",
    "hires_cam",
    "xgrad_cam",
    "score_cam",
    "ablation_cam",
    "eigen_cam",
)
PATHS = ("expected_gradients", "blur_integrated_gradients", "guided_integrated_gradients")
MORE = ("vargrad", "full_gradient", *PATHS, "deep_lift", "lrp", *CAMS, "occlusion", "rise", "kernel_shap")
SIGNED = ("gradient_x_input", "integrated_gradients", *PATHS, "deep_lift", "lrp", "occlusion", "kernel_shap")
ALWAYS_SIGNED = ("occlusion", "kernel_shap")
NEVER_SIGNED = ("vargrad", "full_gradient", "rise")
ONE_NUMBER = ("full_gradient", *CAMS, "occlusion", "rise", "kernel_shap")  # maps from the start: no channels to reduce
# Options that only some methods have; given with another they are refused, not ignored.
METHOD_OPTIONS = {
    "samples": ("smoothgrad", "vargrad", "expected_gradients", "rise", "kernel_shap"),
    "noise": ("smoothgrad", "vargrad"),
    "seed": ("smoothgrad", "vargrad", "expected_gradients", "rise", "kernel_shap"),
    "baseline": ("integrated_gradients", "guided_integrated_gradients", "deep_lift", "rise", "kernel_shap"),
    "steps": ("integrated_gradients", "blur_integrated_gradients", "guided_integrated_gradients"),
    "layer": ("guided_grad_cam", *(name for name in CAMS if name != "cam")),
    "rules": ("lrp",),
    "epsilon": ("lrp",),
    "gamma": ("lrp",),
    "max_sigma": ("blur_integrated_gradients",),
    "max_distance": ("guided_integrated_gradients",),
    "grid": ("rise", "kernel_shap"),
    "superpixels": ("kernel_shap",),
}


def add_more_options(parser):
    """The options of single methods."""
    rules = ("composite", "0", "epsilon", "gamma", "z+")
    parser.add_argument("--rules", choices=rules, help="of lrp, for the layers (default: composite)")
    parser.add_argument("--epsilon", type=not_negative, help="of lrp, part of the denominators (default: 0.25)")
    parser.add_argument("--gamma", type=not_negative, help="of lrp, for positive weights (default: 0.25)")
    parser.add_argument(
        "--max-sigma", type=above_zero, metavar="PIXELS", help="of blur_integrated_gradients (default: a quarter)"
    )
    parser.add_argument(
        "--max-distance",
        type=fraction,
        metavar="PART",
        help="from the straight line, for guided_integrated_gradients (default: 0.1)",
    )
    parser.add_argument("--grid", type=at_least(2), metavar="CELLS", help="along a side: rise (7), kernel_shap (6)")
    parser.add_argument("--superpixels", type=at_least(2), metavar="N", help="for kernel_shap, in place of a grid")


def check_more(args):
    """Refuse what makes no sense with the method, and say why."""
    method, signed = args.method, getattr(args, "signed", None)
    for option, methods in METHOD_OPTIONS.items():
        if getattr(args, option, None) is not None and method not in methods:
            option = option.replace("_", "-")
            raise ValueError(f"--{option} has no effect on {method}; it is for {', '.join(methods)}")
    if method == "eigen_cam" and args.label is not None:
        raise ValueError("--class has no effect on eigen_cam: its map is the same for all classes")
    if method in ONE_NUMBER and getattr(args, "channels", None) is not None:
        raise ValueError(f"--channels has no effect on {method}: it gives one number a pixel")
    if method in NEVER_SIGNED and signed == "yes":
        raise ValueError(f"--signed yes: {method} is never negative")
    if method in ALWAYS_SIGNED and signed == "no":
        raise ValueError(f"--signed no: the maps of {method} have a sign, and it matters")
    if method == "lrp":
        for option, rules in (("epsilon", (None, "composite", "epsilon")), ("gamma", (None, "composite", "gamma"))):
            if getattr(args, option, None) is not None and args.rules not in rules:
                raise ValueError(f"--{option} has no effect with --rules {args.rules}")
    if getattr(args, "superpixels", None) is not None and args.grid is not None:
        raise ValueError("--superpixels takes the place of --grid; give one of them")


def run_more(args, model, X, label, latest, progress):
    """The result of one of MORE, attributions (1, 3, H, W) or a map (1, H, W), and a note for the report."""
    from ..visualization import occlusion, path_attribution
    from ..visualization.deeplift import deep_lift
    from ..visualization.fullgrad import full_gradient
    from ..visualization.kernel_shap import kernel_shap, superpixels
    from ..visualization.lrp import lrp
    from ..visualization.rise import rise
    from ..visualization.vargrad import vargrad

    method = args.method
    if method in CAMS:
        return _cam(args, model, X, label, latest, progress)
    if method == "vargrad":
        options = given(samples=args.samples, noise_level=args.noise, rng=args.seed, channels=args.channels)
        return vargrad(X, label, model, **options, progress=progress), ""
    if method == "full_gradient":
        return full_gradient(X, label, model).maps, ""
    if method == "lrp":
        result = lrp(X, label, model, **given(rules=args.rules, epsilon=args.epsilon, gamma=args.gamma))
        return result.relevance, f" (score {result.score[0]:.3f}, relevance of the pixels {result.totals[-1, 0]:.3f})"
    if method == "occlusion":
        return occlusion.occlusion_maps(X, label, model, progress=progress).maps, ""
    if method == "rise":
        options = given(samples=args.samples, grid=args.grid, fill=args.baseline, rng=args.seed)
        return rise(X, label, model, **options, callback=latest, progress=progress), ""
    if method == "kernel_shap":
        segments = args.grid
        if args.superpixels:
            segments = superpixels(X, model, count=args.superpixels)
        options = given(segments=segments, samples=args.samples, fill=args.baseline, rng=args.seed)
        result = kernel_shap(X, label, model, **options, progress=progress)
        error = "exact" if result.exact else f"standard errors up to {result.errors.max():.2g}"
        return result.maps, f" (largest part {result.values.max():.3g}, {error})"
    if method == "deep_lift":
        result = deep_lift(X, label, model, **given(baseline=args.baseline))
    elif method == "expected_gradients":
        options = given(samples=args.samples, rng=args.seed)
        result = path_attribution.expected_gradients(X, label, model, **options, progress=progress)
    elif method == "blur_integrated_gradients":
        options = given(steps=args.steps, max_sigma=args.max_sigma)
        result = path_attribution.blur_integrated_gradients(X, label, model, **options, progress=progress)
    else:
        options = given(steps=args.steps, max_distance=args.max_distance, baseline=args.baseline)
        result = path_attribution.guided_integrated_gradients(
            X, label, model, **options, callback=latest, progress=progress
        )
    total, difference = result.gap[0] + result.difference[0], result.difference[0]
    return result.attributions, f" (sum {total:.3f}, scores differ by {difference:.3f})"


def _cam(args, model, X, label, latest, progress):
    from .. import visualization

    options = {"relu": args.signed != "yes"}
    if args.layer is not None:
        options["layer"] = layer_of(model, args.layer)
    if args.method == "cam":
        return visualization.class_activation_maps(X, label, model, **options), ""
    if args.method == "eigen_cam":
        return visualization.eigen_cam(X, model, **options), ""
    if args.method in ("score_cam", "ablation_cam"):
        options |= {"callback": latest, "progress": progress}
    return getattr(visualization, args.method)(X, label, model, **options), ""


def given(**options):
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}
