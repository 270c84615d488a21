import numpy as np
import pytest

from pixelgrad.classifiers import Network
from pixelgrad.visualization.cam import class_activation_maps, grad_cam, guided_grad_cam, upsample_maps
from pixelgrad.visualization.guided import guided_backprop
from pixelgrad.visualization.occlusion import fill_like

METHODS = [class_activation_maps, grad_cam, guided_grad_cam]


@pytest.mark.parametrize("upsample", [True, False])
@pytest.mark.parametrize("relu", [True, False])
def test_cam_is_the_number_of_positions_times_grad_cam(model, images, relu, upsample):
    options = {"relu": relu, "upsample": upsample}
    _, h, w = model.output_shapes()["conv2"]
    assert h != w
    cam = class_activation_maps(images, [0, 4], model, **options)
    np.testing.assert_allclose(cam, h * w * grad_cam(images, [0, 4], model, layer="conv2", **options), rtol=1e-9)
    np.testing.assert_allclose(cam, h * w * grad_cam(images, [0, 4], model, **options), rtol=1e-9)
    assert abs(cam).max() > 0 and (cam.min() < 0) == (not relu)


def test_the_mean_of_cam_is_the_score_less_the_bias(model, images):
    y = [0, 4]
    cam = class_activation_maps(images, y, model, upsample=False)
    expected = model.scores(images)[[0, 1], y] - model.params["b3"][y]
    np.testing.assert_allclose(cam.mean(axis=(1, 2)), expected, rtol=1e-9)


def test_grad_cam_by_its_definition_at_an_early_layer(model, images):
    """With numerical derivatives: moving a whole map by h changes the score by h times the sum of its gradient."""
    A, _ = model.forward(images, end="conv1")
    alpha, h = np.empty(A.shape[:2]), 1e-6
    for c in range(A.shape[1]):
        moved = A.copy()
        moved[:, c] += h
        up, _ = model.forward(moved, start="conv2")
        moved[:, c] -= 2 * h
        down, _ = model.forward(moved, start="conv2")
        alpha[:, c] = (up - down)[:, 3] / (2 * h) / A[0, 0].size
    expected = (alpha[:, :, None, None] * A).sum(axis=1)
    np.testing.assert_allclose(
        grad_cam(images, 3, model, layer="conv1", relu=False, upsample=False), expected, rtol=1e-4, atol=1e-6
    )


def test_with_relu_the_map_is_what_is_positive_of_the_signed_map(model, images):
    signed = grad_cam(images, 3, model, relu=False, upsample=False)
    np.testing.assert_array_equal(grad_cam(images, 3, model, upsample=False), np.maximum(signed, 0))


def test_a_map_that_is_negative_everywhere_becomes_zero_and_stays_finite(model, images):
    model.params["W3"] = -abs(model.params["W3"])
    assert grad_cam(images, 3, model, relu=False).max() <= 0
    for maps in (grad_cam(images, 3, model), guided_grad_cam(images, 3, model)):
        np.testing.assert_array_equal(maps, 0)


def test_guided_grad_cam_is_the_product(model, images):
    expected = guided_backprop(images, [0, 4], model) * grad_cam(images, [0, 4], model)[:, None]
    np.testing.assert_array_equal(guided_grad_cam(images, [0, 4], model), expected)
    early = guided_grad_cam(images, [0, 4], model, layer="conv1")
    assert early.shape == images.shape and not np.allclose(early, expected)


def test_a_network_of_the_head_alone_has_maps_of_pixels():
    network = Network(
        [{"type": "global_avg_pool"}, {"type": "affine", "units": 4}],
        input_size=(5, 6),
        pixel_mean=[100.0] * 3,
        dtype=np.float64,
    )
    X = np.random.default_rng(0).uniform(-90, 90, (2, 3, 5, 6))
    expected = np.einsum("cn,nchw->nhw", network.params["W1"][:, [1, 3]], X)
    np.testing.assert_allclose(class_activation_maps(X, [1, 3], network), expected, atol=1e-12)


# -- upsampling -------------------------------------------------------------------------------------------------------


def test_upsampling_is_bilinear_between_the_middles():
    small = np.array([[[0.0, 4.0], [8.0, 12.0]]])
    line = np.array([0, 1, 3, 4])  # at 0.25 and 0.75 of the way between the two middles, and flat outside
    expected = 2.0 * line[:, None] + line
    np.testing.assert_allclose(upsample_maps(small, (4, 4))[0], expected)


@pytest.mark.parametrize("size", [(32, 36), (33, 35), (8, 9), (17, 100), (64, 64)])
def test_upsampling_gives_the_size_asked_for_and_keeps_constants(size):
    maps = np.full((3, 8, 9), 2.5)
    out = upsample_maps(maps, size)
    assert out.shape == (3, *size)
    np.testing.assert_allclose(out, 2.5)
    if size == (8, 9):
        maps = np.random.default_rng(0).random((3, 8, 9))
        np.testing.assert_allclose(upsample_maps(maps, size), maps)


def test_upsampling_keeps_a_peak_where_it_is():
    maps = np.zeros((1, 4, 5))
    maps[0, 1, 3] = 1
    rows, columns = np.nonzero(upsample_maps(maps, (32, 40))[0] > 0.8)
    assert rows.mean() == pytest.approx(1.5 * 8 - 0.5) and columns.mean() == pytest.approx(3.5 * 8 - 0.5)


# -- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_arguments_stay_as_they_are_and_images_apart(model, images, method):
    kept, params = images.copy(), {k: v.copy() for k, v in model.params.items()}
    together = method(images, [0, 4], model)
    alone = np.concatenate([method(images[n : n + 1], k, model) for n, k in ((0, 0), (1, 4))])
    np.testing.assert_allclose(together, alone, rtol=1e-8, atol=1e-10)
    assert together.shape[-2:] == (32, 36)
    np.testing.assert_array_equal(images, kept)
    assert all(np.array_equal(model.params[k], v) for k, v in params.items())


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_image_is_nothing_special(model, images, method):
    for fill in ("grey", "black"):
        assert np.isfinite(method(fill_like(images, fill, model), 1, model)).all()


@pytest.mark.parametrize("method", METHODS)
def test_any_image_size(model, method):
    X = np.random.default_rng(0).uniform(-50, 50, (1, 3, 41, 29))
    network = Network(model.architecture, model.params, pixel_mean=[110.0] * 3, dtype=np.float64)
    assert method(X, 2, network).shape[-2:] == (41, 29)


@pytest.mark.parametrize(
    "head",
    [
        [{"type": "affine", "units": 4}],
        [{"type": "global_avg_pool"}, {"type": "affine", "units": 4, "relu": True}],
        [{"type": "global_avg_pool"}, {"type": "affine", "units": 6}, {"type": "affine", "units": 4}],
        [{"type": "max_pool", "size": 2, "stride": 2}],
    ],
)
def test_cam_names_the_head_it_needs(head):
    conv = {"type": "conv", "filters": 4, "size": 3}
    network = Network([conv, *head], input_size=(8, 9), pixel_mean=[0.0] * 3, dtype=np.float64)
    X = np.random.default_rng(0).uniform(-50, 50, (1, 3, 8, 9))
    with pytest.raises(ValueError, match="must end in global average pooling.*it ends in .*grad_cam works"):
        class_activation_maps(X, 1, network)
    if len(network.output_shapes()[network.layer_names[-1]]) == 1:
        assert np.isfinite(grad_cam(X, 1, network)).all()


@pytest.mark.parametrize("separate", [True, False])
def test_where_classes_have_maps_of_their_own_cam_is_that_map(separate):
    last = {"type": "conv", "filters": 5, "size": 1, "relu": not separate}
    conv = {"type": "conv", "filters": 4, "size": 3, "stride": 2}
    head = [last, *([{"type": "relu"}] if separate else []), {"type": "global_avg_pool"}]
    network = Network([conv, *head], input_size=(17, 14), pixel_mean=[0.0] * 3, dtype=np.float64, rng=1)
    network.params["W2"] *= 1000
    X, y = np.random.default_rng(0).uniform(-50, 50, (3, 3, 17, 14)), np.array([4, 0, 2])
    scores = network.scores(X)[np.arange(3), y]
    maps = class_activation_maps(X, y, network, upsample=False)
    positive = class_activation_maps(X, y, network, upsample=False, relu=True)
    np.testing.assert_allclose(positive.mean(axis=(1, 2)), scores)
    np.testing.assert_array_equal(positive, np.maximum(maps, 0))
    assert (maps < 0).any() == separate
    if separate:  # Grad-CAM at the ReLU, h * w times
        np.testing.assert_allclose(positive, maps[0].size * grad_cam(X, y, network, layer=2, upsample=False))
        np.testing.assert_array_equal(grad_cam(X, y, network), grad_cam(X, y, network, layer=0))


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("global_avg_pool", "has no maps, its output is .8,.; layers with maps are 0 conv1, 1 conv2"),
        ("affine1", "is the last"),
        ("conv7", "unknown layer"),
    ],
)
def test_grad_cam_names_the_layers_that_have_maps(model, images, layer, words):
    for method in (grad_cam, guided_grad_cam):
        with pytest.raises(ValueError, match=words):
            method(images, 1, model, layer=layer)


def test_a_network_without_maps_is_refused():
    network = Network([{"type": "affine", "units": 4}], input_size=(4, 4), pixel_mean=[0.0] * 3, dtype=np.float64)
    with pytest.raises(ValueError, match="no layer with maps"):
        grad_cam(np.zeros((1, 3, 4, 4)), 1, network)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_no_image_and_no_class_is_refused(model, images, method):
    with pytest.raises(TypeError, match="preprocess"):
        method(model.deprocess(images), 0, model)
    with pytest.raises(ValueError, match="from 0 to 4"):
        method(images, 5, model)
    with pytest.raises(TypeError, match="upsampel"):
        method(images, 0, model, upsampel=True)
