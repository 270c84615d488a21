import numpy as np
import pytest

from pixelgrad.layers import check_projection
from pixelgrad.visualization import gram_matrix, invert_features, style_transfer, synthesize_texture
from pixelgrad.visualization.image_ops import noise
from pixelgrad.visualization.optimizers import descend
from pixelgrad.visualization.style_transfer import layers_by_resolution, perceptual_objective, with_colors_of

STYLE_LAYERS = [0, 1]


@pytest.fixture
def content(images):
    return images[:1]


@pytest.fixture
def style(images):
    return images[1:, :, :24, :30]


def grams(model, X, layers=STYLE_LAYERS):
    return [gram_matrix(model.forward(X, end=layer)[0]) for layer in layers]


@pytest.mark.parametrize("normalize", [True, False])
def test_gradient_of_the_whole_objective(normalize, model, content, style):
    target, _ = model.forward(content, end=1)
    X = content + np.random.default_rng(1).standard_normal(content.shape)
    objective = perceptual_objective(
        model, (1, target, 0.7), (STYLE_LAYERS, grams(model, style), [2.0, 3.0]), 5.0, normalize
    )
    loss, dX, parts = objective(X)
    assert loss == sum(parts.values()) and all(part > 0 for part in parts.values())
    check_projection(lambda Z: objective(Z)[0], X, dX, h=1e-4, rtol=1e-5)
    for name in parts:  # each alone: the sum could hide a small one
        weights = {"content": 0.0, "style": 0.0, "tv": 0.0} | {name: 1.0}
        alone = perceptual_objective(
            model, (1, target, weights["content"]), (STYLE_LAYERS, grams(model, style), [weights["style"]] * 2),
            weights["tv"], normalize,
        )  # fmt: skip
        assert alone(X)[0] == pytest.approx(alone(X)[2][name])
        check_projection(lambda Z, f=alone: f(Z)[0], X, alone(X)[1], h=1e-4, rtol=1e-5)


def test_normalised_losses_are_shares_of_their_targets(model, content, style):
    black = 0 * content
    target, sought = model.forward(content, end=1)[0], grams(model, style)
    _, _, parts = perceptual_objective(model, (1, target, 2.0), (STYLE_LAYERS, sought, [1.0, 3.0]), 1.0, True)(black)
    feats = [model.forward(black, end=k)[0] for k in STYLE_LAYERS]
    np.testing.assert_allclose(parts["content"], 2 * ((feats[1] - target) ** 2).sum() / (target**2).sum())
    shares = [((gram_matrix(f) - g) ** 2).sum() / (g**2).sum() for f, g in zip(feats, sought)]
    np.testing.assert_allclose(parts["style"], shares[0] + 3 * shares[1])


def test_style_weights_behave_the_same_at_any_image_size(model, style):
    wide = np.concatenate([style, style, style], axis=3)
    losses = []
    for X in (style, wide):
        objective = perceptual_objective(model, None, ([0], grams(model, X, [0]), [1.0]), 0.0, True)
        losses.append(objective(X * 0.5)[0])
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.1)  # but for the borders


def test_without_style_and_from_noise_it_is_feature_inversion(model, content, style):
    target, _ = model.forward(content, end=1)
    start = noise(model, content.shape, np.random.default_rng(0))
    options = {"style_weights": 0, "tv_weight": 0, "init": "noise", "optimizer": "sgd", "num_iterations": 12}
    ours = style_transfer(content, style, model, content_layer=1, **options)
    theirs = invert_features(target, 1, model, X_init=start, l2_reg=0, blur_every=0, num_iterations=12)
    np.testing.assert_allclose(ours, theirs, atol=1e-8)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "lbfgs"])
def test_every_optimizer_goes_down_and_stays_within_bounds(optimizer, model, content, style):
    losses = []
    X = style_transfer(
        content, style, model, optimizer=optimizer, num_iterations=25, callback=lambda t, X, i: losses.append(i["loss"])
    )
    assert losses[-1] < 0.5 * losses[0]
    lo, hi = model.bounds(X)
    assert X.shape == content.shape and np.all(X >= lo) and np.all(X <= hi) and X.dtype == content.dtype


def test_adam_takes_the_steps_of_its_definition(model):
    X = np.zeros((1, 3, 4, 4))
    slopes = np.random.default_rng(0).uniform(1, 2, (3, *X.shape))
    count = iter(range(3))

    def objective(Z):
        return 0.0, slopes[next(count)], {}

    out = descend(
        objective, X, (-99, 99), model, optimizer="adam", learning_rate=2.0, num_iterations=3, callback=None,
        progress=False, desc="test",
    )  # fmt: skip
    m = v = x = 0
    for t in range(3):  # Kingma and Ba, algorithm 1, with a rate that falls along a line
        m, v = 0.9 * m + 0.1 * slopes[t], 0.999 * v + 0.001 * slopes[t] ** 2
        x = x - 2.0 * (1 - t / 3) * (m / (1 - 0.9 ** (t + 1))) / np.sqrt(v / (1 - 0.999 ** (t + 1)))
    np.testing.assert_allclose(out, x, rtol=1e-4)


def test_lbfgs_finds_the_minimum_of_a_parabola(model):
    lo, hi = np.full((1, 3, 1, 1), -1.0), np.full((1, 3, 1, 1), 1.0)
    target = np.random.default_rng(0).uniform(-1.5, 1.5, (1, 3, 4, 5))

    def objective(Z):
        return 3e-9 * np.sum((Z - target) ** 2), 6e-9 * (Z - target), {}

    options = {"callback": None, "progress": False, "desc": "test", "num_iterations": 20}
    X = descend(objective, 0 * target, (lo, hi), model, optimizer="lbfgs", learning_rate=None, **options)
    np.testing.assert_allclose(X, np.clip(target, -1, 1), atol=1e-5)
    with pytest.raises(ValueError, match="leave out learning_rate"):
        descend(objective, 0 * target, (lo, hi), model, optimizer="lbfgs", learning_rate=1.0, **options)


OPTIONS = {
    "image_size": 24,
    "style_size": 20,
    "content_layer": 0,
    "content_weight": 5.0,
    "style_layers": [0],
    "style_weights": [5000.0],
    "tv_weight": 2000.0,
    "normalize": False,
    "init": "noise",
    "learning_rate": 1.0,
    "num_iterations": 5,
    "num_scales": 1,
    "optimizer": "lbfgs",
    "preserve_colors": True,
}


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_changes_the_picture(name, model, content, style):
    content = np.concatenate([content, content], axis=2).repeat(2, axis=3)  # large enough for two scales
    usual = {"num_iterations": 4, "optimizer": "adam"}
    plain = style_transfer(content, style, model, **usual)
    other = style_transfer(content, style, model, **usual | {name: OPTIONS[name]})
    assert plain.shape != other.shape or not np.allclose(plain, other, atol=1e-3)
    assert other.shape[2:] == ((24, 27) if name == "image_size" else (64, 72))


def test_seed_and_start(model, content, style):
    def run(**options):
        return style_transfer(content, style, model, num_iterations=2, **options)

    np.testing.assert_array_equal(run(init="noise", rng=3), run(init="noise", rng=3))
    assert not np.allclose(run(init="noise", rng=3), run(init="noise", rng=4))
    np.testing.assert_array_equal(run(init=content), run())
    assert not np.allclose(run(init=content[:, :, ::-1].copy()), run())


def test_several_styles_are_blended_by_their_shares(model, content, images):
    styles = [images[:1, :, :20], images[1:]]

    def run(style, **options):
        return style_transfer(content, style, model, num_iterations=3, **options)

    np.testing.assert_allclose(run(styles, style_blend=[0, 2]), run(styles[1]), atol=1e-8)
    np.testing.assert_allclose(run(styles), run(styles[::-1], style_blend=[3, 3]), atol=1e-8)
    assert not np.allclose(run(styles), run(styles, style_blend=[1, 3]))


def test_the_callback_counts_through_the_scales_and_nothing_is_changed(model, content, style):
    seen, copies = [], (content.copy(), style.copy())
    style_transfer(
        content,
        style,
        model,
        num_iterations=3,
        num_scales=2,
        callback=lambda t, X, i: seen.append((t, X.shape, set(i))),
    )
    # The network's pictures of 32 x 36 allow no octave below 24.
    assert [t for t, _, _ in seen] == [0, 1, 2]
    assert seen[0][2] == {"loss", "content", "style", "tv"}
    np.testing.assert_array_equal(content, copies[0])
    np.testing.assert_array_equal(style, copies[1])
    large = np.concatenate([content, content], axis=2).repeat(2, axis=3)
    seen.clear()
    style_transfer(
        large, style, model, num_iterations=2, num_scales=2, callback=lambda t, X, i: seen.append((t, X.shape[2:]))
    )
    assert seen == [(0, (32, 36)), (1, (32, 36)), (2, (64, 72)), (3, (64, 72))]


def test_pictures_on_the_way_have_the_colours_that_are_kept(model, content, style):
    seen = []
    options = {"num_iterations": 2, "preserve_colors": True, "callback": lambda t, X, info: seen.append(X)}
    np.testing.assert_array_equal(style_transfer(content, style, model, **options), seen[-1])


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "lbfgs"])
def test_no_iterations_change_nothing(optimizer, model, content, style):
    X = style_transfer(content, style, model, num_iterations=0, optimizer=optimizer)
    np.testing.assert_array_equal(X, content)


def test_kept_colours(model, content):
    X = content[:, :, ::-1, ::-1].copy()
    kept = with_colors_of(content, X, model)
    lo, hi = model.bounds(content)
    weights = np.array([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)
    inside = ((kept > lo) & (kept < hi)).all(axis=1)
    np.testing.assert_allclose((weights * (kept - X)).sum(axis=1)[inside], 0, atol=1e-4)  # the lightness of X ...
    for a, b in ((0, 1), (1, 2)):  # ... and the differences of colours of the content
        np.testing.assert_allclose(
            (kept[:, a] - kept[:, b])[inside], (content[:, a] - content[:, b])[inside], atol=1e-4
        )
    np.testing.assert_allclose(with_colors_of(content, content, model), content, atol=1e-6)


def test_layers_by_resolution(model):
    assert layers_by_resolution(model, (32, 36)) == {2: [0, 1]}


@pytest.mark.parametrize(
    "options, message",
    [
        ({"style_layers": ["conv9"]}, "unknown layer 'conv9'"),
        ({"style_layers": [2]}, "layer global_avg_pool has no maps"),
        ({"style_layers": []}, "no layer to match"),
        ({"style_weights": [1, 2, 3]}, "2 layers need as many weights, got 3|1 layers need as many weights, got 3"),
        ({"style_weights": -1}, "weight must not be negative"),
        ({"style_blend": [1, 1]}, "style_blend needs 1 numbers"),
        ({"content_weight": -1}, "content_weight must not be negative"),
        ({"tv_weight": float("nan")}, "tv_weight must not be negative"),
        ({"optimizer": "newton"}, "must be one of 'adam', 'sgd', 'lbfgs'.*, got 'newton'"),
        ({"init": "grey"}, "must be one of 'content', 'noise'.*, got 'grey'"),
        ({"init": np.zeros((1, 3, 5, 5))}, "init must have the content image's shape"),
        ({"num_scales": 0}, "num_scales must be a whole number"),
        ({"image_size": 3}, "image_size must be a whole number of at least 16"),
        ({"style_size": 3}, "style_size must be a whole number of at least 16"),
    ],
)
def test_wrong_options(options, message, model, content, style):
    with pytest.raises(ValueError, match=message):
        style_transfer(content, style, model, **options)


def test_wrong_images(model, images):
    with pytest.raises(ValueError, match="one image at a time, got a batch of 2"):
        style_transfer(images, images[:1], model)
    with pytest.raises(ValueError, match="there is no style image"):
        style_transfer(images[:1], [], model)
    with pytest.raises(TypeError, match="float array in model space"):
        style_transfer(images[:1].astype(np.uint8), images[:1], model)


# -- texture synthesis ------------------------------------------------------------------------------------------------


def test_a_texture_has_the_grams_of_its_sample(model, content):
    start = noise(model, content.shape, np.random.default_rng(0))
    X = synthesize_texture(content, model, tv_weight=0, num_iterations=60)

    def distance(X):
        sought = grams(model, content)
        return sum(((a - b) ** 2).sum() / (b**2).sum() for a, b in zip(grams(model, X), sought))

    assert distance(X) < 1e-3 * distance(start)
    assert np.abs(X - content).mean() > 5  # and is another picture


def test_a_texture_begins_as_weak_noise_about_the_colour_of_its_sample(model):
    sample = model.preprocess(np.full((32, 36, 3), (200, 90, 30), np.uint8))  # the model's mean image is not even
    start = synthesize_texture(sample, model, num_iterations=0, num_scales=1)
    above_black = (start - model.bounds(start)[0]) / model.pixel_scale
    np.testing.assert_allclose(above_black.mean(axis=(2, 3))[0], (200, 90, 30), atol=1)
    np.testing.assert_allclose(above_black.std(axis=(2, 3)), 8, atol=1)


def test_texture_of_another_size(model, content):
    X = synthesize_texture(content, model, size=(24, 40), num_iterations=40, tv_weight=0)
    assert X.shape == (1, 3, 24, 40)
    ours, sought = gram_matrix(model.forward(X, end=0)[0]), grams(model, content, [0])[0]
    np.testing.assert_allclose(ours, sought, rtol=0.15, atol=0.05 * sought.max())


def test_gatys_weighting_is_the_sum_of_his_equations(model, content):
    losses, start = [], noise(model, content.shape, np.random.default_rng(3))
    for weighting in ("gatys", "relative"):
        synthesize_texture(
            content, model, weights=[2.0, 5.0], weighting=weighting, tv_weight=0, X_init=start, num_scales=1,
            num_iterations=1, optimizer="sgd", callback=lambda t, X, info: losses.append(info["style"]),
        )  # fmt: skip

    def sums(X):  # over the positions, as in equation 1
        maps = [model.forward(X, end=layer)[0][0] for layer in STYLE_LAYERS]
        return [(np.einsum("iyx,jyx->ij", F, F), 4 * len(F) ** 2 * F[0].size ** 2) for F in maps]

    def energies(X):  # equation 3
        return [((G - g) ** 2).sum() / size for (G, size), (g, _) in zip(sums(X), sums(content))]

    layer_sizes = [(g**2).sum() / size for g, size in sums(content)]
    gatys = 7 * np.dot([2, 5], energies(start)) / np.dot([2, 5], layer_sizes)
    relative = np.dot([2, 5], np.divide(energies(start), layer_sizes))
    np.testing.assert_allclose(losses, [gatys, relative], rtol=1e-9)


TEXTURE_OPTIONS = {
    "layers": [0],
    "weights": [1.0, 50.0],
    "weighting": "gatys",
    "tv_weight": 5.0,
    "num_iterations": 8,
    "optimizer": "adam",
    "rng": 7,
    "num_scales": 1,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTURE_OPTIONS)
def test_each_option_of_textures_has_an_effect(name, model, content):
    large = content.repeat(2, axis=2).repeat(2, axis=3)
    plain = synthesize_texture(large, model, num_iterations=5)
    other = synthesize_texture(large, model, **{"num_iterations": 5} | {name: TEXTURE_OPTIONS[name]})
    assert not np.allclose(plain, other, atol=1e-3)
    slower = synthesize_texture(large, model, optimizer="adam", num_iterations=5, learning_rate=0.1)
    assert not np.allclose(slower, synthesize_texture(large, model, optimizer="adam", num_iterations=5), atol=1e-3)


def test_a_texture_that_is_there_stays(model, content):
    X = synthesize_texture(content, model, X_init=content, tv_weight=0, num_iterations=3)
    np.testing.assert_allclose(X, content, atol=1e-6)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"size": (64, 64, 3)}, "size must be"),
        ({"size": (8, 64)}, "height must be a whole number of at least 16"),
        ({"layers": [3]}, "has no maps"),
        ({"weights": [1]}, "2 layers need as many weights, got 1"),
        ({"X_init": np.zeros((1, 3, 20, 20))}, "X_init must have the size of the result"),
        ({"optimizer": "x"}, "got 'x'"),
        ({"weighting": "equal"}, "must be one of.*, got 'equal'"),
        ({"tv_weight": -1}, "tv_weight"),
    ],
)
def test_wrong_texture_options(options, message, model, content):
    with pytest.raises(ValueError, match=message):
        synthesize_texture(content, model, **options)
