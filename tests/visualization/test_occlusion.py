import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from pixelgrad.classifiers import Network
from pixelgrad.visualization.occlusion import FILLS, fill_like, occlusion_cost, occlusion_maps

H, W = 7, 9


def linear_network(head, rng=3):
    rng = np.random.default_rng(rng)
    mean = rng.uniform(80, 160, (3, H, W))
    return Network(head, input_size=(H, W), mean_image=mean, dtype=np.float64, rng=rng)


@pytest.fixture
def pictures():
    return np.random.default_rng(1).integers(0, 256, (2, H, W, 3), dtype=np.uint8)


HEADS = {
    "affine": [{"type": "affine", "units": 4}],
    "gap and affine": [{"type": "global_avg_pool"}, {"type": "affine", "units": 4}],
}


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("head", HEADS)
def test_occluding_a_linear_network_takes_away_weight_times_pixel_less_fill(pictures, head, fill):
    network = linear_network(HEADS[head])
    X, y = network.preprocess(pictures), [2, 1]
    if head == "affine":
        w = network.params["W1"].reshape(3, H, W, 4)
    else:
        w = np.broadcast_to(network.params["W1"][:, None, None] / (H * W), (3, H, W, 4))
    hidden = fill_like(X, fill, network, sigma=2)
    result = occlusion_maps(X, y, network, window=4, stride=3, fill=fill, blur_sigma=2)
    assert list(result.tops) == [0, 3] and list(result.lefts) == [0, 3, 5], "the last windows end at the border"
    for n, i, j in np.ndindex(result.grid.shape):
        square = (slice(result.tops[i], result.tops[i] + 4), slice(result.lefts[j], result.lefts[j] + 4))
        drop = (w[..., y[n]] * (X[n] - hidden[n]))[(slice(None), *square)].sum()
        np.testing.assert_allclose(result.grid[n, i, j], drop, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(result.value, network.scores(X)[[0, 1], y])


def test_a_pixel_gets_the_mean_of_the_windows_that_hide_it(pictures):
    network = linear_network(HEADS["affine"])
    result = occlusion_maps(network.preprocess(pictures), 0, network, window=4, stride=3)
    total, count = np.zeros((2, H, W)), np.zeros((H, W))
    for i, top in enumerate(result.tops):
        for j, left in enumerate(result.lefts):
            total[:, top : top + 4, left : left + 4] += result.grid[:, i, j, None, None]
            count[top : top + 4, left : left + 4] += 1
    np.testing.assert_allclose(result.maps, total / count, rtol=1e-12)


def test_fills_are_what_they_are_called(pictures):
    network = linear_network(HEADS["affine"])
    X = network.preprocess(pictures)
    shown = {fill: network.deprocess(fill_like(X, fill, network, sigma=1)) for fill in FILLS}
    assert (shown["black"] == 0).all() and np.isin(shown["grey"], (127, 128)).all()
    np.testing.assert_allclose(
        shown["mean"], np.broadcast_to(pictures.mean(axis=(1, 2), keepdims=True), shown["mean"].shape), atol=0.51
    )
    # Of the picture, not of its distance from the mean image, which has edges of its own.
    blurred = gaussian_filter(pictures.astype(float), (0, 1, 1, 0), mode="reflect")
    np.testing.assert_allclose(shown["blur"], blurred, atol=0.51)
    assert np.array_equal(*shown["noise"]) and shown["noise"].std() > 60


def test_one_window_as_large_as_the_image_hides_it_all(pictures):
    network = linear_network(HEADS["affine"])
    X = network.preprocess(pictures)[..., :H]
    square = Network(HEADS["affine"], input_size=(H, H), pixel_mean=[100.0] * 3, dtype=np.float64)
    result = occlusion_maps(X, 1, square, window=H, stride=H, objective="probability")
    grey = square.probabilities(fill_like(X, "grey", square))[:, 1]
    np.testing.assert_allclose(result.maps, np.broadcast_to((result.value - grey)[:, None, None], (2, H, H)))
    np.testing.assert_allclose(result.value, square.probabilities(X)[:, 1])


def test_the_cost_is_the_number_of_images_that_go_through(model, images, monkeypatch):
    seen, scores = [], Network.scores
    monkeypatch.setattr(Network, "scores", lambda self, X, **o: seen.append(len(X)) or scores(self, X, **o))
    occlusion_maps(images, 1, model, window=9, stride=5, batch_size=13)
    assert sum(seen) == occlusion_cost(images.shape, window=9, stride=5) == 2 * (1 + 6 * 7)
    assert max(seen) == 13, "never more at a time than asked for"


def test_images_do_not_influence_each_other_and_batches_do_not_show(model, images):
    for fill in ("noise", "blur", "mean"):
        together = occlusion_maps(images, [0, 4], model, fill=fill)
        alone = [occlusion_maps(images[n : n + 1], [k], model, fill=fill, batch_size=7) for n, k in ((0, 0), (1, 4))]
        np.testing.assert_allclose(together.maps, np.concatenate([a.maps for a in alone]), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    "option",
    [{"window": 12}, {"stride": 7}, {"objective": "probability"}, *({"fill": f} for f in FILLS if f != "grey")],
    ids=str,
)
def test_every_option_has_an_effect(model, images, option):
    assert not np.allclose(occlusion_maps(images, 1, model).maps, occlusion_maps(images, 1, model, **option).maps)


def test_sigma_and_seed_have_an_effect(model, images):
    for one, other in (
        ({"fill": "blur"}, {"fill": "blur", "blur_sigma": 2}),
        ({"fill": "noise"}, {"fill": "noise", "rng": 1}),
    ):
        a, b = (occlusion_maps(images, 1, model, **options).maps for options in (one, other))
        assert not np.allclose(a, b)
    again = [occlusion_maps(images, 1, model, fill="noise", rng=1).maps for _ in range(2)]
    np.testing.assert_array_equal(*again)


def test_arguments_stay_as_they_are(model, images):
    kept, params = images.copy(), {k: v.copy() for k, v in model.params.items()}
    occlusion_maps(images, 1, model)
    np.testing.assert_array_equal(images, kept)
    assert all(np.array_equal(model.params[k], v) for k, v in params.items())


def test_a_constant_image_of_the_fill_loses_nothing(model, images):
    plain = fill_like(images, "grey", model)
    result = occlusion_maps(plain, 1, model)
    np.testing.assert_allclose(result.maps, 0, atol=1e-9)


def test_progress_counts_the_occluded_images(model, images, capsys):
    occlusion_maps(images, 1, model, window=16, stride=16, progress=True)
    assert "12/12" in capsys.readouterr().err
    occlusion_maps(images, 1, model, window=16, stride=16)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"window": 33}, "33 pixels does not fit into an image side of 32"),
        ({"window": 0}, "window must be a whole number"),
        ({"stride": 17}, "left out"),
        ({"stride": 2.0}, "stride must be a whole number"),
        ({"fill": "pink"}, "must be one of 'black'.*, got 'pink'"),
        ({"objective": "loss"}, "must be one of 'score'.*, got 'loss'"),
        ({"batch_size": 0}, "batch_size"),
        ({"fill": "blur", "blur_sigma": -1}, "sigma must not be negative"),
    ],
)
def test_impossible_options_are_refused(model, images, options, words):
    with pytest.raises(ValueError, match=words):
        occlusion_maps(images, 1, model, **options)


def test_what_is_no_image_and_no_class_is_refused(model, images):
    with pytest.raises(TypeError, match="preprocess"):
        occlusion_maps(model.deprocess(images), 0, model)
    with pytest.raises(ValueError, match="from 0 to 4"):
        occlusion_maps(images, 5, model)
    with pytest.raises(TypeError, match="widow"):
        occlusion_maps(images, 0, model, widow=3)
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        occlusion_cost((32, 32))


def test_the_callback_gets_what_has_been_measured_so_far(pictures):
    """A pixel's drop is the mean over the windows measured; NaN where there is none yet."""
    network = linear_network(HEADS["affine"])
    X, parts = network.preprocess(pictures), []
    options = {"window": 4, "stride": 3, "batch_size": 5}
    whole = occlusion_maps(X, 1, network, **options, callback=lambda *given: parts.append(given))
    assert [t for t, _, _ in parts] == [0, 1, 2]
    assert [info for _, _, info in parts] == [{"measured": n, "windows": 12} for n in (5, 10, 12)]
    for _, part, info in parts:
        known = np.arange(12) < info["measured"]
        np.testing.assert_array_equal(part.grid.ravel(), np.where(known, whole.grid.ravel(), np.nan))
        total, count = np.zeros((2, 2, H, W))
        for place in np.flatnonzero(known):
            n, i, j = np.unravel_index(place, whole.grid.shape)
            square = (n, slice(whole.tops[i], whole.tops[i] + 4), slice(whole.lefts[j], whole.lefts[j] + 4))
            total[square] += whole.grid[n, i, j]
            count[square] += 1
        assert np.array_equal(np.isnan(part.maps), count == 0)
        np.testing.assert_allclose(part.maps[count > 0], (total[count > 0] / count[count > 0]), rtol=1e-12)
    np.testing.assert_array_equal(parts[-1][1].maps, whole.maps)
