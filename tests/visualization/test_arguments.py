"""What people really write: arguments in another order, classes by name, pictures far too large."""

import inspect
import itertools
import warnings

import numpy as np
import pytest

import pixelgrad.visualization as V
from pixelgrad.classifiers import evaluate
from pixelgrad.datasets import resize_image, save_image
from pixelgrad.visualization.plots import plot_images, plot_maps, plot_saliency

WITH_MODEL = [
    name
    for name in V.__all__
    if not name.startswith("plot_")
    and "model" in inspect.signature(getattr(V, name)).parameters
    and name not in ("first_layer_filters",)  # one argument has one order
]


def positional(function):
    return [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]


@pytest.mark.parametrize("name", WITH_MODEL)
def test_a_network_in_the_wrong_place_is_named(name, model, images):
    function = getattr(V, name)
    values = {"model": model, "layer": 1, "y": np.array([1, 2]), "target_y": 1, "layers": None}
    values |= {"method": "blur", "strength": 0.7, "maps": np.zeros((2, 32, 36)), "result": None}
    names = positional(function)
    given = {n: values.get(n, images) for n in names}
    options = {"fgsm": {"eps": 8 / 255}, "pgd": {"eps": 8 / 255}, "neuron_gradient": {"channel": 0}}.get(name, {})
    for other in names:
        if other != "model":
            order = [{"model": other, other: "model"}.get(n, n) for n in names]
            with pytest.raises(TypeError, match="expected a network|exchanged") as caught:
                function(*(given[n] for n in order), **options)
            assert f"call {name}({', '.join(names)})" in str(caught.value)


@pytest.mark.parametrize("name", ["compute_saliency_maps", "grad_cam", "guided_backprop", "occlusion_maps"])
def test_every_order_of_three_arguments_but_the_right_one_is_explained(name, model, images):
    function = getattr(V, name)
    for order in list(itertools.permutations(range(3)))[1:]:
        given = [[images, 3, model][k] for k in order]
        with pytest.raises(TypeError, match=rf"call {name}\(X, y, model\)"):
            function(*given)


def test_save_and_resize_name_what_was_exchanged(tmp_path):
    picture = np.zeros((9, 9, 3), np.uint8)
    with pytest.raises(TypeError, match=r"path is an array \(9, 9, 3\).*call save_image\(path, image\)"):
        save_image(picture, tmp_path / "a.png")
    with pytest.raises(TypeError, match=r"path is an array.*call save_image\(path, image\)"):
        save_image(picture[None], "a.png")
    with pytest.raises(TypeError, match=r"image is a int, .*call resize_image\(image, size\)"):
        resize_image(8, picture)


def test_plots_name_what_was_exchanged():
    pictures, maps = np.zeros((2, 9, 9, 3), np.uint8), np.zeros((2, 9, 9))
    for plot, other in ((plot_saliency, "saliency"), (plot_maps, "maps")):
        with pytest.raises(TypeError, match=rf"call {plot.__name__}\(images, {other}"):
            plot(maps, pictures)
    with pytest.raises(TypeError, match=r"call plot_images\(images, titles\)"):
        plot_images(["a", "b"], pictures)


def test_other_functions_name_what_was_exchanged(model, images):
    picture, map_ = np.zeros((9, 9, 3), np.uint8), np.ones((9, 9))
    with pytest.raises(TypeError, match=r"call segment_object\(picture, map_\)"):
        V.segment_object(map_, picture)
    with pytest.raises(ValueError, match="content_weight must .* got an array"):
        V.content_loss(images, images, 1.0)
    with pytest.raises(TypeError, match="img must be a float array, got float"):
        V.tv_loss(1.0, images)
    with pytest.raises(TypeError, match=r"model is an array .*call evaluate\(model, X, y\)"):
        evaluate(np.zeros((2, 3, 8, 8), np.uint8), [0, 1], model)


NAMED = {
    "compute_saliency_maps": {},
    "class_activation_maps": {},
    "grad_cam": {},
    "guided_backprop": {},
    "deconvnet": {},
    "guided_grad_cam": {},
    "gradient_x_input": {},
    "smoothgrad": {"samples": 2},
    "integrated_gradients": {"steps": 2, "max_steps": 2},
    "occlusion_maps": {"window": 16, "stride": 16},
    "make_fooling_image": {"max_iterations": 2},
    "attack": {"max_iterations": 2, "targeted": True},
    "fgsm": {"eps": 8 / 255, "targeted": True},
    "pgd": {"eps": 8 / 255, "max_iterations": 2, "targeted": True},
    "sanity_check": {"method": "saliency"},
}


def numbers(result):
    """The arrays of floats in what a technique returned."""
    parts = vars(result).values() if hasattr(result, "__dict__") else result if isinstance(result, tuple) else [result]
    return [part for part in parts if isinstance(part, np.ndarray) and part.dtype.kind == "f"]


@pytest.mark.parametrize("name", NAMED)
def test_a_class_may_be_given_by_name_or_wordnet_id(name, model, images):
    model.class_names, model.wnids = (
        ["goldfish, Carassius auratus", "cat", "Egyptian cat", "dog", "bus"],
        [f"n0{k}" for k in range(5)],
    )
    options = dict(NAMED[name])
    extra = [options.pop("method")] if "method" in options else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        by_index, by_name, by_id, by_names = (
            getattr(V, name)(images, y, model, *extra, **options)
            for y in (np.array([2, 2]), "egyptian cat", "n02", ["Egyptian cat", "n02"])
        )
    assert len(numbers(by_index)) > 0
    for other in (by_name, by_id, by_names):
        for a, b in zip(numbers(by_index), numbers(other)):
            np.testing.assert_array_equal(a, b)


def test_a_class_to_visualize_may_be_given_by_name(model):
    model.class_names = ["goldfish", "cat", "dog", "bird", "bus"]
    a, b = (V.create_class_visualization(y, model, num_iterations=2) for y in ("dog", 2))
    np.testing.assert_array_equal(a, b)
    a, b = (V.create_class_visualization(y, model, num_iterations=2) for y in (["dog", "bus"], np.array([2, 4])))
    np.testing.assert_array_equal(a, b)


def test_an_unknown_name_lists_the_nearest(model, images):
    model.class_names = ["goldfish", "cat", "dog", "bird", "bus"]
    with pytest.raises(ValueError, match="unknown class 'goldfihs'; did you mean 0 goldfish"):
        V.compute_saliency_maps(images, "goldfihs", model)


@pytest.mark.parametrize(
    "name", ["compute_saliency_maps", "guided_grad_cam", "gradient_x_input", "class_activation_maps"]
)
def test_a_picture_far_too_large_gets_one_hint(name, model):
    X = np.zeros((1, 3, 200, 300))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        getattr(V, name)(X, 1, model)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert "300x200 pixels" in str(caught[0].message) and "36x32" in str(caught[0].message)
    assert "load_image(path, size=" in str(caught[0].message)


@pytest.mark.parametrize("shape", [(32, 36), (64, 72), (90, 100)])
def test_pictures_near_the_networks_size_get_no_hint(shape, model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        V.compute_saliency_maps(np.zeros((1, 3, *shape)), 1, model)
        V.deepdream(np.zeros((1, 3, 200, 300)), 1, model, num_iterations=1, num_octaves=1)  # of any size
