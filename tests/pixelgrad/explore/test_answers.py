"""Answers equal what the package's functions return."""

import io
import re
import textwrap

import numpy as np
import pytest
from PIL import Image

from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.datasets import sample_image
from pixelgrad.explore.answers import Answers
from pixelgrad.explore.attribution import METHODS
from pixelgrad.explore.sources import MAIN_LINES, code_of_views, source_files
from pixelgrad.explore.texts import METHODS as METHOD_TEXTS
from pixelgrad.explore.texts import VIEWS
from pixelgrad.visualization import compute_saliency_maps, methods, occlusion_maps


@pytest.fixture(scope="module")
def answers():
    return Answers("portrait")


@pytest.fixture
def ask(answers, picture):
    """ask(kind, ...) -> the frames of the answer, as (header, arrays)."""

    def ask(kind, arrays=None, **request):
        frames = []
        given = {"picture": picture} if arrays is None else arrays
        answers.answer({"kind": kind, **request}, given, lambda header, values: frames.append((header, values)))
        return frames

    return ask


def test_forward_answers_with_every_layers_activations(ask, model, picture):
    *layers, last = ask("forward")
    X = model.preprocess(picture)
    for index, (header, arrays) in enumerate(layers):
        assert header["layer"] == model.layer_names[index] and arrays["maps"].dtype == np.float32
        assert np.allclose(arrays["maps"], model.forward(X, end=index)[0][0], rtol=1e-5, atol=1e-5)
    assert np.allclose(last[1]["probabilities"], model.probabilities(X)[0], atol=1e-6)


def test_the_gradient_at_the_photograph_is_the_saliency(ask, model, picture):
    frames = ask("gradient", target=[8, 17], rule="standard")
    assert [header["index"] for header, _ in frames] == [*range(8, -2, -1)]
    saliency = compute_saliency_maps(model.preprocess(picture), 17, model)[0]
    found = np.abs(frames[-1][1]["gradient"]).max(axis=0)
    assert np.allclose(found, saliency, atol=1e-5 * saliency.max())


def test_a_value_says_what_the_microscope_knows(ask, model, picture):
    ((header, arrays),) = ask("value", neuron=[2, 7, 3, 4], target=[8, 17], rule="standard")
    value = model.forward(model.preprocess(picture), end=2)[0][0, 7, 3, 4]
    assert np.isclose(header["value"], value) and abs(header["steps"][-1]["value"] - value) < 1e-4
    assert np.isclose((arrays["window"] * arrays["weights"]).sum(), header["steps"][0]["value"])
    assert np.isclose(sum(term["sent"] for term in header["above"]) + header["rest"], header["gradient"])
    ((pixel, _),) = ask("value", neuron=[-1, 0, 5, 6], target=[8, 17], rule="standard")
    assert pixel["field"] == [5, 6, 6, 7] and np.isclose(pixel["value"], model.preprocess(picture)[0, 0, 5, 6])


def test_all_methods_answer_with_a_map(ask, model, picture):
    maps = {name: ask("attribute", method=name, label=3)[-1][1]["map"] for name in METHODS}
    assert all(map_.shape == (64, 64) and np.isfinite(map_).all() for map_ in maps.values())
    assert np.allclose(maps["saliency"], compute_saliency_maps(model.preprocess(picture), 3, model)[0])
    exact = occlusion_maps(model.preprocess(picture), 3, model, window=16, stride=8).maps[0]
    assert np.allclose(maps["occlusion"], exact, atol=1e-4)


def test_the_fooling_line_leads_from_the_photograph_to_the_target(ask, model, picture):
    ((header, arrays),) = ask("fool", label=40)
    amounts, chances = arrays["amounts"], arrays["probabilities"]
    assert np.allclose(chances[0], model.probabilities(model.preprocess(picture))[0], atol=1e-5)
    assert np.isclose(amounts[20], header["length"], rtol=1e-5) and chances[20, 40] > 0.45 > chances[0, 40]
    moved = np.clip(np.rint(picture + amounts[20] * arrays["direction"]), 0, 255).astype(np.uint8)
    assert abs(model.probabilities(model.preprocess(moved))[0, 40] - chances[20, 40]) < 0.1
    assert np.isclose(np.sqrt((arrays["direction"] ** 2).mean()), 1, rtol=1e-3)


@pytest.mark.parametrize("what, rest", [("class", {"label": 4}), ("dream", {"layer": 2}), ("inversion", {"layer": 1})])
def test_loops_grow_and_go_on(ask, picture, what, rest):
    frames = ask("grow", what=what, steps=6, **rest)
    last = frames[-1]
    assert last[0]["t"] == 5 and last[1]["picture"].dtype == np.uint8
    more = ask("grow", what=what, steps=2, **rest, arrays={"picture": picture, "start": last[1]["picture"]})
    assert more[-1][1]["picture"].shape == last[1]["picture"].shape


def test_an_upload_is_opened_by_the_packages_loader(ask):
    photo = sample_image("portrait", size=(90, 120))
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "PNG")
    ((header, arrays),) = ask("upload", {"file": np.frombuffer(file.getvalue(), np.uint8)})
    assert arrays["picture"].shape == (64, 64, 3) and header["notes"] == []
    with pytest.raises(ValueError, match="the photograph is not a picture") as error:
        ask("upload", {"file": np.frombuffer(b"nothing of the kind", np.uint8)})
    assert "/tmp" not in str(error.value)


def test_a_decompression_bomb_is_refused_by_its_header(ask):
    file = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(file, "PNG")  # 100 megapixels in 12 kB
    with pytest.raises(ValueError, match="pixels"):
        ask("upload", {"file": np.frombuffer(file.getvalue(), np.uint8)})


@pytest.mark.parametrize(
    "request_",
    [
        {"kind": "nothing"},
        {"kind": 3},
        {"kind": "picture", "name": "/etc/passwd"},
        {"kind": "picture", "name": "../portrait"},
        {"kind": "describe", "model": "/etc/passwd"},
        {"kind": "describe", "model": "file"},
        {"kind": "forward", "engine": "quick"},
        {"kind": "gradient", "target": [8], "rule": "standard"},
        {"kind": "gradient", "target": [9, 0], "rule": "standard"},
        {"kind": "gradient", "target": [8, 100], "rule": "standard"},
        {"kind": "gradient", "target": [8, True], "rule": "standard"},
        {"kind": "gradient", "target": [8, 0], "rule": "other"},
        {"kind": "attribute", "method": "__class__", "label": 0},
        {"kind": "attribute", "method": "saliency", "label": -1},
        {"kind": "grow", "what": "class", "label": 0, "steps": 10**9},
        {"kind": "value", "neuron": [0, 0, -1, 0]},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(answers, picture, request_):
    with pytest.raises(ValueError):
        answers.answer(request_, {"picture": picture}, lambda *_: None)


def test_a_picture_of_another_form_is_refused(answers):
    for picture in (np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3), np.float32), np.zeros((4000, 8, 3), np.uint8)):
        with pytest.raises(ValueError):
            answers.answer({"kind": "scores"}, {"picture": picture}, lambda *_: None)


def test_a_layer_that_fails_is_named(answers, picture, monkeypatch):
    from pixelgrad.layers import naive

    def broken(*_):
        raise IndexError("index 7 is out of bounds")

    monkeypatch.setattr(naive, "conv_forward_naive", broken)
    with pytest.raises(ValueError, match="conv1 fails, IndexError: index 7"):
        answers.answer({"kind": "forward", "engine": "naive"}, {"picture": picture}, lambda *_: None)


def test_a_weights_file_is_the_network_called_file(tmp_path, model):
    model.save(tmp_path / "mine.h5")
    answers = Answers("portrait", str(tmp_path / "mine.h5"))
    assert "file" in answers.networks() and answers.class_names("file") == PretrainedCNN().class_names


def test_every_view_and_method_shows_the_line_that_computes_it():
    code = code_of_views()
    more = {"forward-more", "gradient-more"}
    assert set(code) == (set(VIEWS) - {"attribute"}) | set(METHODS) | more and set(METHODS) <= set(MAIN_LINES)
    for name, entry in code.items():
        path = source_files()[entry["file"]]
        line = path.read_text(encoding="utf-8").splitlines()[entry["line"] - 1]
        assert line.strip() == entry["text"].splitlines()[0] and not entry["text"].startswith("def "), name
        assert entry["text"].count("(") == entry["text"].count(")"), name  # no call is cut in two
        before, main, after = entry["function"]
        assert textwrap.dedent(main) == entry["text"], name
        assert "def " in before and not re.search(r"### |-----", before + after), name  # code without its documentation
    assert set(METHODS) == set(METHOD_TEXTS)


def test_the_methods_are_those_of_the_package_with_their_signs(ask):
    families = {name: method.family for name, method in methods.METHODS.items()}
    assert {name: method.family for name, method in METHODS.items()} == families
    for name, method in METHODS.items():
        ((header, arrays),) = ask("attribute", method=name, label=8)
        assert header["signed"] == method.signed and (method.signed or arrays["map"].min() >= 0), name


def test_class_names_have_the_other_language_behind_the_english():
    shown = []
    Answers("portrait", language="zh").answer({"kind": "describe"}, {}, lambda header, _: shown.append(header))
    assert any(re.match(r"espresso [\u4e00-\u9fff]+$", name) for name in shown[0]["classes"])
