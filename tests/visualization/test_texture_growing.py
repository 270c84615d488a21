"""Grown textures against plain loops, and against samples whose continuation is known."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from pixelgrad.visualization.texture_growing import _steps, grow_texture

ORDERS = ("scan", "outward")


def noise(shape=(24, 28), levels=256, seed=5):
    """A random picture, a little smoothed so that places differ in how well they fit."""
    x = np.random.default_rng(seed).integers(0, levels, (*shape, 3))
    return ((x + np.roll(x, 1, axis=0) + np.roll(x, 1, axis=1)) // 3).astype(np.uint8)


def tiled(tile, shape):
    """A picture (H, W, 3) of copies of a tile (h, w, 3)."""
    rows, columns = (-(-n // m) for n, m in zip(shape, tile.shape))
    return np.tile(tile, (rows, columns, 1))[: shape[0], : shape[1]]


def colours(picture):
    return {tuple(pixel) for pixel in picture.reshape(-1, 3)}


def twice(picture, shape):
    """A level at the size (H, W) of the next finer one."""
    where = np.indices(shape[:2]) / 2
    return np.stack([map_coordinates(picture[..., c], where, order=3, mode="nearest") for c in range(3)], axis=2)


def reference(image, shape, window, levels, order, tolerance, seed):
    """The definition, pixel by pixel and place by place, in float64."""
    rng = np.random.default_rng(seed)
    samples, shapes = [image.astype(float)], [shape]
    kernel = np.exp(-(np.arange(-4, 5) ** 2) / 2)
    kernel /= kernel.sum()
    for _ in range(levels - 1):
        padded = np.pad(samples[-1], ((4, 4), (4, 4), (0, 0)), mode="symmetric")
        H, W, _ = samples[-1].shape
        down = sum(k * padded[i : i + H] for i, k in enumerate(kernel))
        samples.append(sum(k * down[:, i : i + W] for i, k in enumerate(kernel))[::2, ::2])
        shapes.append(tuple((n + 1) // 2 for n in shapes[-1]))
    half, result = window // 2, None
    for level in reversed(range(levels)):
        sample, (H, W), below = samples[level], shapes[level], None
        if result is not None:
            below, sample_below = twice(result, (H, W)), twice(samples[level + 1], sample.shape)
        luck, known, result = rng.random((H, W)), set(), np.zeros((H, W, 3))
        if order == "scan":
            pixels = list(np.ndindex(H, W))
        else:  # those of a step in the opposite order: it must not matter
            pixels = [pixel for step in _steps((H, W), half, order) for pixel in list(zip(*step))[::-1]]
        for y, x in pixels:
            distances = {}
            for v, u in np.ndindex(sample.shape[0] - 2 * half, sample.shape[1] - 2 * half):
                v, u, d = v + half, u + half, 0.0
                for i, j in np.ndindex(window, window):
                    i, j = i - half, j - half
                    if (y + i, x + j) in known:
                        g = np.exp(-(i * i + j * j) / (2 * (window / 6.4) ** 2))
                        d += g * ((result[y + i, x + j] - sample[v + i, u + j]) ** 2).sum()
                for i, j in np.ndindex(half // 2 * 2 + 1, half // 2 * 2 + 1) if below is not None else ():
                    i, j = 2 * (i - half // 2), 2 * (j - half // 2)
                    if 0 <= y + i < H and 0 <= x + j < W:
                        g = np.exp(-(i * i + j * j) / (2 * (window / 6.4) ** 2))
                        d += g * ((below[y + i, x + j] - sample_below[v + i, u + j]) ** 2).sum()
                distances[v, u] = d
            limit = (1 + tolerance) * min(distances.values()) + 1e-9
            fits = [place for place, d in distances.items() if d <= limit]
            result[y, x] = sample[fits[int(luck[y, x] * len(fits))]]
            known.add((y, x))
    return np.rint(result).astype(np.uint8)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("levels", "tolerance"), [(1, 0), (2, 0), (2, 0.5)])
def test_the_result_is_that_of_plain_loops(order, levels, tolerance):
    image, shape = noise((12, 13)), (9, 11)
    made = grow_texture(image, size=shape, window=5, levels=levels, order=order, tolerance=tolerance, rng=3)
    np.testing.assert_array_equal(made, reference(image, shape, 5, levels, order, tolerance, 3))


@pytest.mark.parametrize("order", ORDERS)
def test_places_that_fit_equally_well_are_equally_likely(order):
    """In black and white many do: rounding must not choose among them."""
    image, shape = np.random.default_rng(2).choice(np.array([[3] * 3, [201] * 3], np.uint8), (14, 15)), (9, 11)
    made = grow_texture(image, size=shape, window=3, levels=1, order=order, tolerance=0, rng=3)
    np.testing.assert_array_equal(made, reference(image, shape, 3, 1, order, 0, 3))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [(13, 22), (22, 13), (1, 9), (30, 2), (1, 1)])
@pytest.mark.parametrize("half", [1, 3])
def test_every_pixel_has_its_turn_and_none_sees_another_of_its_step(order, shape, half):
    turn, number = np.full(shape, -1), 0
    for ys, xs in _steps(shape, half, order):
        apart = np.maximum(np.abs(ys[:, None] - ys), np.abs(xs[:, None] - xs))
        assert (apart[~np.eye(len(ys), dtype=bool)] > half).all()
        assert (turn[ys, xs] == -1).all()
        turn[ys, xs] = number
        number += 1
    assert turn.min() == 0
    if order == "outward":
        y, x = np.indices(shape)
        ring = np.maximum(np.abs(y - shape[0] // 2), np.abs(x - shape[1] // 2))
        assert (np.diff(ring.ravel()[np.argsort(turn.ravel(), kind="stable")]) >= 0).all()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [(19, 33), (33, 19), (5, 4), (1, 1)])
def test_every_pixel_is_one_of_the_sample_and_the_size_is_kept(order, size):
    image = noise()
    made = grow_texture(image, size=size, window=5, levels=2, order=order)
    assert made.shape == (*size, 3) and made.dtype == np.uint8
    assert colours(made) <= colours(image)


def test_one_number_means_a_square():
    image = noise()
    np.testing.assert_array_equal(
        grow_texture(image, size=9, window=5, levels=2), grow_texture(image, size=(9, 9), window=5, levels=2)
    )


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (3, 130, 77)])
def test_a_constant_stays_constant(order, colour):
    image = np.full((24, 24, 3), colour, dtype=np.uint8)
    made = grow_texture(image, size=(20, 31), window=5, levels=3, order=order, tolerance=0.5)
    np.testing.assert_array_equal(made, np.broadcast_to(np.array(colour, np.uint8), (20, 31, 3)))


PERIODIC = {
    "columns": tiled(np.array([[[250, 0, 0], [0, 200, 0], [0, 0, 0], [90, 90, 255]]], np.uint8), (1, 4)),
    "rows": tiled(np.array([[[250, 0, 0]], [[0, 200, 0]], [[30, 30, 30]]], np.uint8), (3, 1)),
    "checkerboard": np.kron(np.eye(2), np.ones((2, 2)))[..., None].repeat(3, 2).astype(np.uint8) * 255,
    "tiles": noise((6, 8), seed=1),
}


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("name", PERIODIC)
def test_periods_continue_exactly(name, levels, order):
    tile = PERIODIC[name]
    shape = (26, 37)
    continued = [
        tiled(np.roll(tile, (i, j), axis=(0, 1)), shape).tobytes()
        for i in range(len(tile))
        for j in range(len(tile[0]))
    ]
    shifts = set()
    for seed in range(4):
        made = grow_texture(tiled(tile, (40, 44)), size=shape, window=9, levels=levels, order=order, rng=seed)
        assert made.tobytes() in continued
        shifts.add(made.tobytes())
    assert len(shifts) > 1, "it should not always begin at the same place"


@pytest.mark.parametrize("order", ORDERS)
def test_the_seed_decides_and_nothing_else(order):
    image = noise()
    options = {"size": (15, 17), "window": 5, "levels": 2, "order": order}
    first = grow_texture(image, **options)
    others = [grow_texture(image, rng=seed, **options) for seed in (1, 2, 3)]
    np.testing.assert_array_equal(first, grow_texture(image, **options))
    np.testing.assert_array_equal(others[0], grow_texture(image, rng=np.random.default_rng(1), **options))
    assert len({made.tobytes() for made in (first, *others)}) == 4


def test_the_sample_stays_as_it_is():
    image = noise()
    kept = image.copy()
    image.setflags(write=False)
    grow_texture(image, size=8, window=5, levels=2)
    np.testing.assert_array_equal(image, kept)


def test_a_view_of_a_picture_is_as_good_as_a_copy():
    image = noise((48, 28))[::2, ::-1]
    np.testing.assert_array_equal(
        grow_texture(image, size=8, window=5, levels=2), grow_texture(image.copy(), size=8, window=5, levels=2)
    )


@pytest.mark.parametrize("change", [{"window": 7}, {"levels": 1}, {"order": "outward"}, {"tolerance": 1}, {"rng": 4}])
def test_every_option_changes_the_result(change):
    options = {"size": 20, "window": 5, "levels": 2, "order": "scan", "tolerance": 0, "rng": 0}
    assert not np.array_equal(grow_texture(noise(), **options), grow_texture(noise(), **(options | change)))


@pytest.mark.parametrize("order", ORDERS)
def test_the_callback_comes_once_a_row_and_last_with_the_result(order):
    image, calls = noise(), []

    def callback(t, picture, info):
        assert picture.shape == (14, 9, 3) and picture.dtype == np.uint8
        calls.append((t, picture.copy(), info["level"], info["done"]))
        picture[...] = 0  # the caller's own

    options = {"size": (14, 9), "window": 5, "levels": 2, "order": order}
    made = grow_texture(image, callback=callback, **options)
    np.testing.assert_array_equal(made, grow_texture(image, **options))
    assert [t for t, *_ in calls] == list(range(7 + 14))
    assert [level for _, _, level, _ in calls] == [1] * 7 + [0] * 14
    np.testing.assert_array_equal(calls[-1][1], made)
    np.testing.assert_allclose([done for *_, done in calls[7:]], np.arange(1, 15) / 14, atol=1 / 14)
    assert calls[6][3] == calls[-1][3] == 1
    assert colours(calls[7 + 6][1]) - colours(image), "half of it is still of the coarser level"


def test_a_bar_only_when_asked(capsys):
    grow_texture(noise(), size=6, window=5, levels=2)
    quiet = capsys.readouterr()
    grow_texture(noise(), size=6, window=5, levels=2, progress=True)
    loud = capsys.readouterr()
    assert quiet.out == quiet.err == loud.out == "" and "45/45" in loud.err


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"image": noise() / 255}, TypeError, "image must be uint8"),
        ({"image": noise().tolist()}, TypeError, "image must be uint8 .* got list"),
        ({"image": noise()[..., 0]}, ValueError, r"shape \(H, W, 3\), got \(24, 28\)"),
        ({"image": noise()[None]}, ValueError, r"shape \(H, W, 3\)"),
        ({"image": np.zeros((0, 9, 3), np.uint8)}, ValueError, "the sample is 0 x 5"),
        ({"levels": 4}, ValueError, "3 x 4 on the coarsest of 4 levels, smaller than the window of 5"),
        ({"window": 15}, ValueError, "12 x 14 on the coarsest of 2 levels"),
        ({"levels": 0}, ValueError, "levels must be a whole number of at least 1"),
        ({"window": 6}, ValueError, "window must be odd"),
        ({"window": 1}, ValueError, "window must be a whole number of at least 3"),
        ({"window": 5.0}, ValueError, "window must be a whole number"),
        ({"size": 0}, ValueError, "height must be a whole number"),
        ({"size": (4, -1)}, ValueError, "width must be a whole number"),
        ({"size": (4, 4, 3)}, ValueError, r"size must be a number or \(H, W\), got \(4, 4, 3\)"),
        ({"order": "spiral"}, ValueError, "'outward', 'scan'"),
        ({"tolerance": -0.1}, ValueError, "tolerance must not be negative"),
        ({"tolerance": np.nan}, ValueError, "tolerance must not be negative"),
        ({"windows": 5}, TypeError, "windows"),
    ],
)
def test_impossible_options_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        grow_texture(**({"image": noise(), "size": 8, "window": 5, "levels": 2} | options))
