"""The gallery as a whole, on the tiny network."""

import html.parser
import json
from dataclasses import replace
from multiprocessing import active_children

import numpy as np
import pytest
from PIL import Image

from pixelgrad.classifiers import Network
from pixelgrad.datasets import resize_image
from pixelgrad.visualization.gallery import features, pictures, style
from pixelgrad.visualization.gallery.build import FIGURES, MORE_FIGURES, make_gallery
from pixelgrad.visualization.gallery.figure import Subject
from pixelgrad.visualization.image_sets import ImageSet
from pixelgrad.visualization.methods import METHODS
from pixelgrad.visualization.patches import top_patches


@pytest.fixture
def tiny(model):
    return model.astype(np.float32)


@pytest.fixture
def picture():
    coarse = np.random.default_rng(0).integers(0, 256, (7, 10, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((100, 70), Image.Resampling.BICUBIC))


@pytest.fixture
def short(monkeypatch):
    """Small dreams, few steps: the gallery's plumbing is tested here, not its pictures."""
    monkeypatch.setattr(pictures, "DREAM_SIDE", 70)
    monkeypatch.setattr(style, "SAMPLE", 32)
    monkeypatch.setattr(style, "PAINTED_SIDE", 64)
    for room, name, limit in (
        (pictures, "create_class_visualization", {"num_iterations": 3}),
        (pictures, "invert_features", {"num_iterations": 3}),
        (pictures, "deepdream", {"num_iterations": 2}),
        (pictures, "make_fooling_image", {"max_iterations": 4}),
        (features, "visualize_neuron", {"num_iterations": 3}),
        (style, "synthesize_texture", {"num_iterations": 2}),
        (style, "grow_texture", {"window": 5}),
        (style, "style_transfer", {"num_iterations": 2}),
    ):
        technique = getattr(room, name)
        monkeypatch.setattr(
            room,
            name,
            lambda *args, technique=technique, limit=limit, **options: technique(*args, **options | limit),
        )


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.sources, self.links, self.ids = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.sources += [v for k, v in attributes.items() if k == "src"]
        self.links += [v for k, v in attributes.items() if k == "href"]
        self.ids += [v for k, v in attributes.items() if k == "id"]


@pytest.mark.slow
def test_it_writes_pictures_arrays_a_manifest_and_a_page(tiny, picture, short, tmp_path):
    index = make_gallery(tmp_path / "out", tiny, image=picture, image_name="a <b> photo", seed=3)
    assert index == tmp_path / "out" / "index.html"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert set(manifest["figures"]) == set(FIGURES) and manifest["seed"] == 3
    assert {"pixelgrad", "numpy", "python"} <= set(manifest["versions"])
    for name, entry in manifest["figures"].items():
        assert {"seconds", "options", "predictions_before", "predictions_after"} <= set(entry)
        with Image.open(tmp_path / "out" / f"{name}.png") as figure:
            assert np.asarray(figure.convert("L")).std() > 5
        with np.load(tmp_path / "out" / f"{name}.npz") as arrays:
            assert all(np.isfinite(arrays[key]).all() for key in arrays) and len(arrays) >= 2
    text = index.read_text()
    page = Page(text)
    assert all(source.startswith("data:image/png;base64,") for source in page.sources), "nothing from elsewhere"
    assert len(page.sources) == len(FIGURES)
    assert {link.lstrip("#") for link in page.links} == set(FIGURES) <= set(page.ids)
    assert "a &lt;b&gt; photo" in text and "<b>" not in text


@pytest.mark.slow
def test_the_same_seed_gives_the_same_arrays(tiny, picture, short, tmp_path):
    for name in ("a", "b"):
        make_gallery(tmp_path / name, tiny, image=picture, seed=1)
    for name in FIGURES:
        with np.load(tmp_path / "a" / f"{name}.npz") as a, np.load(tmp_path / "b" / f"{name}.npz") as b:
            for key in a:
                np.testing.assert_array_equal(a[key], b[key])


@pytest.mark.slow
def test_another_seed_gives_other_arrays_and_predictions_belong_to_them(tiny, picture, short, tmp_path):
    for seed in (1, 2):
        make_gallery(tmp_path / str(seed), tiny, image=picture, seed=seed)
    with np.load(tmp_path / "1" / "fooling.npz") as a, np.load(tmp_path / "2" / "fooling.npz") as b:
        assert not np.array_equal(a["X_fooling"], b["X_fooling"])
        before, after = tiny.predict(a["X"]), tiny.predict(a["X_fooling"])
        assert all(target != best[0].index for target, best in zip(a["target_y"], before))
    entry = json.loads((tmp_path / "1" / "manifest.json").read_text())["figures"]["fooling"]
    for stored, computed in ((entry["predictions_before"], before), (entry["predictions_after"], after)):
        assert [[p["index"] for p in best] for best in stored] == [[p.index for p in best] for best in computed]


@pytest.mark.slow
def test_a_head_for_one_image_size_only(picture, short, tmp_path):
    """As CS231n's network has: the dream is larger, the predictions are not."""
    architecture = [
        {"type": "conv", "filters": 4, "size": 3, "stride": 4, "pad": 1, "batchnorm": True},
        {"type": "affine", "units": 2},
    ]
    network = Network(architecture, input_size=(32, 32), pixel_mean=(120, 110, 100))
    assert make_gallery(tmp_path, network, image=picture).exists()


@pytest.mark.slow
def test_two_processes_make_what_one_makes(tiny, picture, tmp_path):
    only = ["saliency", "fooling", "grad-cam", "activations"]
    for jobs in (1, 2):
        make_gallery(tmp_path / str(jobs), tiny, twin=tiny, image=picture, only=only, jobs=jobs)
    manifests = [json.loads((tmp_path / jobs / "manifest.json").read_text()) for jobs in "12"]
    assert [list(m["figures"]) for m in manifests] == [["saliency", "fooling", "grad-cam", "activations"]] * 2
    for name in only:
        assert (tmp_path / "1" / f"{name}.png").read_bytes() == (tmp_path / "2" / f"{name}.png").read_bytes()
        with np.load(tmp_path / "1" / f"{name}.npz") as a, np.load(tmp_path / "2" / f"{name}.npz") as b:
            assert set(a) == set(b)
            for key in a:
                np.testing.assert_array_equal(a[key], b[key])


@pytest.mark.slow
def test_ctrl_c_ends_the_processes_and_keeps_what_is_done(tiny, picture, tmp_path, monkeypatch):
    """The bar is told of every figure that is done: there the first one is followed by Ctrl-C."""

    def stop(self):
        raise KeyboardInterrupt

    monkeypatch.setattr("tqdm.std.tqdm.update", lambda self, n=1: stop(self))
    with pytest.raises(KeyboardInterrupt, match="1 of 4 techniques"):
        make_gallery(tmp_path, tiny, image=picture, only=["saliency", "fooling", "grad-cam", "inversion"], jobs=2)
    assert len(Page((tmp_path / "index.html").read_text()).sources) == 1 and not active_children()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_an_error_in_a_process_is_the_callers(tiny, picture, tmp_path):
    broken = tiny.astype(np.float32)
    broken.params["W3"][...] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        make_gallery(tmp_path, broken, image=picture, only=["saliency", "grad-cam"], jobs=2)
    assert not active_children()


@pytest.mark.slow
def test_a_twin_is_shown_beside_the_network(tiny, picture, short, tmp_path):
    twin = tiny.astype(np.float32)
    twin.params["W1"] = twin.params["W1"][::-1].copy()
    only = ["saliency", "class-visualization", "inversion", "fooling"]
    make_gallery(tmp_path / "one", tiny, image=picture, only=only)
    make_gallery(tmp_path / "two", tiny, twin=twin, image=picture, only=only)
    for name in only:
        with np.load(tmp_path / "one" / f"{name}.npz") as one, np.load(tmp_path / "two" / f"{name}.npz") as two:
            assert any(key.endswith("of the robust network") for key in two), name
            for key in one:
                own = key if key in two else f"{key} of the standard network"
                np.testing.assert_array_equal(one[key], two[own])
    assert "robust network" in (tmp_path / "two" / "index.html").read_text()
    assert "robust network" not in (tmp_path / "one" / "index.html").read_text()


def test_the_twins_column_is_the_twins(tiny, picture):
    twin, subject = tiny.astype(np.float32), Subject(["one"], [picture])
    twin.params["W1"] = twin.params["W1"][::-1].copy()
    both = pictures._saliency(replace(subject, twin=twin), tiny, np.random.default_rng(0), False).arrays
    alone = pictures._saliency(subject, twin, np.random.default_rng(0), False).arrays
    np.testing.assert_array_equal(both["saliency of the robust network"], alone["saliency"])
    assert not np.array_equal(both["saliency of the standard network"], alone["saliency"])


def test_activations_are_lit_where_they_are_positive():
    map_ = np.full((4, 4), -3.0, np.float32)
    map_[:, 2:] = 2.0
    shown = features._lit(np.full((8, 8, 3), 200, np.uint8), map_)
    assert (shown[:, -1] == 200).all() and (shown[:, 0] == 24).all(), "negative activations are as dark as none"


def test_maps_much_like_one_that_is_shown_are_left_out_while_others_are_left():
    a, b = np.random.default_rng(0).random((2, 4, 4))
    maps = np.stack([a, 2 * a + 1, b, -a])
    assert features._unlike(maps, 3) == [0, 2, 3]
    assert features._unlike(maps, 4) == [0, 1, 2, 3]  # no others are left
    assert features._unlike(np.zeros((2, 4, 4)), 2) == [0, 1]


def test_channels_whose_patches_lie_inside_come_before_those_at_the_rim(tiny):
    images = np.random.default_rng(0).integers(0, 255, (4, 3, *tiny.input_size), dtype=np.uint8)
    found = top_patches(images, "conv2", tiny, channels=[0, 1, 2, 3], top=2)
    patches = np.full_like(found.patches, 7)
    for channel, rows in enumerate((3, 1, 4, 0)):  # of grey, at the rim of each patch
        patches[channel, :, :rows] = 128
    kept = features._inside(replace(found, patches=patches), 2)
    assert kept.channels.tolist() == [1, 3]
    np.testing.assert_array_equal(kept.scores, found.scores[[1, 3]])


@pytest.mark.slow
def test_the_seed_decides_about_what_is_made_and_networks_begin_alike(tiny, picture, short):
    subject = Subject(["one", "two"], [picture, picture[::-1]], twin=tiny)
    for make, key in (
        (pictures._class_visualization, "X"),
        (pictures._inversion, "X_conv2"),
        (pictures._deepdream, "X_conv2"),
        (features._neurons, "X_conv2"),
    ):
        made = [make(subject, tiny, np.random.default_rng(seed), False).arrays for seed in (0, 0, 1)]
        own, twins = f"{key} of the standard network", f"{key} of the robust network"
        np.testing.assert_array_equal(made[0][own], made[1][own])
        np.testing.assert_array_equal(made[0][own], made[0][twins], err_msg="the same network twice")
        assert not np.array_equal(made[0][own], made[2][own]), make.__name__


def test_the_part_of_a_photograph_that_is_shown_at_the_networks_size(tiny, picture):
    subject = Subject(["one", "two"], [picture, picture], {"two": (slice(0, 30), slice(5, 35))})
    whole, part = subject.square(tiny)
    np.testing.assert_array_equal(whole, resize_image(picture, tiny.input_size))
    np.testing.assert_array_equal(part, resize_image(picture[:30, 5:35], tiny.input_size))


def test_full_pictures_are_larger(tiny, picture, short, monkeypatch):
    monkeypatch.setattr(pictures, "DREAM_SIDE_FULL", 90)
    sides = {}
    for full in (False, True):
        made = pictures._deepdream(Subject(["one"], [picture], full=full), tiny, np.random.default_rng(0), False)
        sides[full] = made.arrays["X"].shape
    assert sides == {False: (1, 3, 64, 70), True: (1, 3, 64, 90)}


def test_a_technique_that_there_is_not_is_refused(tiny, picture, tmp_path):
    with pytest.raises(ValueError, match="no technique is called salience; there are saliency, fooling"):
        make_gallery(tmp_path / "out", tiny, image=picture, only=["salience"])
    assert not (tmp_path / "out").exists()


def test_networks_without_maps_or_with_one_class_are_refused(picture, tmp_path):
    for architecture, words in (
        ([{"type": "affine", "units": 3}], "no convolutions"),
        ([{"type": "conv", "filters": 2, "size": 3}, {"type": "affine", "units": 1}], "two or more"),
    ):
        with pytest.raises(ValueError, match=words):
            make_gallery(
                tmp_path / "out", Network(architecture, input_size=(8, 8), pixel_mean=(1, 1, 1)), image=picture
            )
    assert not (tmp_path / "out").exists()


def test_the_second_photograph_guides_a_dream_of_the_first(tiny, picture, short):
    def dreamt(*photographs):
        subject = Subject(["one", "two"][: len(photographs)], list(photographs))
        return pictures._deepdream(subject, tiny, np.random.default_rng(0), False)

    alone, guided, by_another = dreamt(picture), dreamt(picture, picture[::-1]), dreamt(picture, 255 - picture)
    assert "X_guided" not in alone.arrays and "guided" not in alone.caption
    assert "guided" in guided.caption and set(guided.arrays) == {*alone.arrays, "X_guided"}
    assert not np.array_equal(guided.arrays["X_guided"], by_another.arrays["X_guided"])
    assert all(not np.array_equal(guided.arrays["X_guided"], X) for name, X in alone.arrays.items() if name != "X")
    assert len(guided.after) == len(alone.after) + 1


@pytest.mark.parametrize("terminal", [True, False])
def test_bars_within_the_bar_are_for_terminals_only(tiny, picture, short, tmp_path, monkeypatch, capsys, terminal):
    asked = []
    first = dict(list(FIGURES.items())[:1])
    title, make = first["saliency"]
    monkeypatch.setattr(
        "pixelgrad.visualization.gallery.build.FIGURES",
        {"saliency": (title, lambda *a: asked.append(a[-1]) or make(*a))},
    )
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    make_gallery(tmp_path, tiny, image=picture, progress=True)
    make_gallery(tmp_path, tiny, image=picture, overwrite=True)
    assert asked == [terminal, False] and "technique" in capsys.readouterr().err


def test_an_older_gallery_is_kept_unless_forced(tiny, picture, tmp_path, monkeypatch):
    monkeypatch.setattr("pixelgrad.visualization.gallery.build.FIGURES", {"saliency": FIGURES["saliency"]})
    (tmp_path / "saliency.png").write_text("precious")
    with pytest.raises(FileExistsError, match=r"saliency\.png.*--force"):
        make_gallery(tmp_path, tiny, image=picture)
    assert [p.name for p in tmp_path.iterdir()] == ["saliency.png"]
    make_gallery(tmp_path, tiny, image=picture, overwrite=True)
    assert (tmp_path / "saliency.png").read_bytes().startswith(b"\x89PNG")


def test_ctrl_c_leaves_a_page_with_what_is_done(tiny, picture, short, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(pictures, "invert_features", stop)
    with pytest.raises(KeyboardInterrupt, match=f"3 of {len(FIGURES)} techniques"):
        make_gallery(tmp_path, tiny, image=picture)
    assert len(Page((tmp_path / "index.html").read_text()).sources) == 3
    assert not list(tmp_path.glob("inversion*")) and not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_a_network_with_other_layers_and_classes_will_do(picture, short, tmp_path):
    architecture = [
        {"type": "conv", "filters": 4, "size": 3, "stride": 2, "pad": 1},
        {"type": "max_pool", "size": 2, "stride": 2},
        {"type": "global_avg_pool"},
        {"type": "affine", "units": 3},
    ]
    network = Network(architecture, input_size=(24, 24), pixel_mean=(120, 110, 100), pixel_std=(60, 60, 60))
    assert make_gallery(tmp_path, network, image=picture).exists()


@pytest.mark.slow
def test_every_attribution_method_is_shown_with_full_or_by_name(tiny, picture, tmp_path):
    assert not set(MORE_FIGURES) & set(FIGURES)
    shown = set()
    for name in set(MORE_FIGURES) - {"counterfactuals"}:
        index = make_gallery(tmp_path / name, tiny, image=picture, only=[name])
        with np.load(index.parent / f"{name}.npz") as arrays:
            shown |= set(arrays) - {"X"}
            assert all(np.isfinite(arrays[key]).all() for key in arrays)
    assert shown == set(METHODS) - (set() if tiny.layer_names[-2] == "global_avg_pool" else {"cam"})


def test_counterfactuals_of_both_networks_are_shown_by_name(tiny, picture, tmp_path):
    index = make_gallery(tmp_path, tiny, twin=tiny, image=picture, only=["counterfactuals"])
    entry = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["figures"]["counterfactuals"]
    with np.load(index.parent / "counterfactuals.npz") as arrays:
        count = len(arrays["y"])
        assert arrays["standard_network"].shape == arrays["robust_network"].shape == (count, 3, *tiny.input_size)
    (seen,), after = entry["predictions_before"], entry["predictions_after"]
    assert seen[0]["index"] not in entry["options"]["y"] and len(after) == 2 * count


def test_full_adds_them_to_the_others(tiny, picture, tmp_path, monkeypatch):
    made = []
    some = {"saliency": FIGURES["saliency"]}, {"attribution-rules": MORE_FIGURES["attribution-rules"]}
    for name, figures in zip(("FIGURES", "MORE_FIGURES"), some):
        monkeypatch.setattr(f"pixelgrad.visualization.gallery.build.{name}", figures)
    for full in (False, True):
        index = make_gallery(tmp_path / str(full), tiny, image=picture, full=full)
        made.append(sorted(path.stem for path in index.parent.glob("*.png")))
    assert made == [["saliency"], ["attribution-rules", "saliency"]]


def test_a_data_set_is_looked_through_where_one_is_given(tiny, picture, tmp_path):
    rng = np.random.default_rng(0)
    size = [side + 2 for side in tiny.input_size]  # is made the network's
    data = ImageSet(rng.integers(0, 256, (9, 3, *size), dtype=np.uint8), np.arange(9) % 3, ["a", "b", "c"])
    near = [
        features.FIGURES["neighbours"][1](Subject(["photo"], [picture], data=given), tiny, rng, False)
        for given in (None, data)
    ]
    assert "crops" in near[0].caption and "9 images of the data set" in near[1].caption
    assert list(near[1].arrays["queries"]) == [0, 1, 2]  # the first of each class
    assert near[1].arrays["nearest in network"].max() <= 8
    make_gallery(tmp_path, tiny, image=picture, data=data, only=["patches", "filters"], jobs=2)
    assert "9 images of the data set" in (tmp_path / "index.html").read_text()
