"""The page's files and texts belong together, and the exported page is made of the same ones."""

import json
import re

import numpy as np
import pytest

from pixelgrad._language import in_language
from pixelgrad.explore.export import bundled_scripts, quantized, request_key, thinned
from pixelgrad.explore.messages import pack
from pixelgrad.explore.page import STATIC, page_html, page_settings, script_json
from pixelgrad.explore.texts import TEXTS, VIEWS, WORDS

SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(STATIC.glob("*.js"))}
EVERYTHING = "\n".join(SCRIPTS.values())


def test_every_text_that_the_page_asks_for_is_there_and_every_text_is_asked_for():
    used = set(re.findall(r'\bsay\(\s*"([\w-]+)"', EVERYTHING))
    assert not used - set(WORDS)
    built = {
        name
        for name in WORDS
        if name.split("-")[0]
        in ("rule", "step", "what", "value", "axis", "pace", "sent", "sentSilent", "open", "family")
    }
    quoted = set(re.findall(r'"([\w-]+)"', EVERYTHING))
    assert not set(WORDS) - quoted - built - {"theNetworks"}


@pytest.mark.parametrize("language", TEXTS)
def test_every_language_has_all_texts_with_the_same_names_in_them(language):
    assert set(TEXTS[language]) == set(TEXTS["en"])
    for part, english in TEXTS["en"].items():
        assert set(TEXTS[language][part]) == set(english)
        for key, text in english.items():
            other = TEXTS[language][part][key]
            if isinstance(text, str):
                assert set(re.findall(r"\{(\w+)\}", other)) == set(re.findall(r"\{(\w+)\}", text)), key
            elif isinstance(text, dict):
                assert set(other) == set(text) and all(other.values()), key
            else:
                assert len(other) == len(text) and all(other), key


def test_the_page_speaks_the_language_in_use():
    with in_language("zh"):
        html = page_html(page_settings(networks=["standard"]))
    assert 'lang="zh"' in html and json.dumps(TEXTS["zh"]["words"]["street"]) in html
    with in_language("en"):
        html = page_html(page_settings(networks=["standard"]))
    assert 'lang="en"' in html and "Two-way street" in html


def test_a_view_is_explained_by_two_sentences_a_formula_and_a_question():
    for name, view in VIEWS.items():
        sentences = re.findall(r"[.:!?](?:\s|$)", view["text"].replace(": ", "; "))
        assert len(sentences) == 2, name
        assert view["formula"] and view["question"].rstrip().endswith(("?", "tells.")), name


def test_the_page_holds_no_markup_from_strings_and_nothing_from_elsewhere():
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", EVERYTHING)
    for text in (*SCRIPTS.values(), *(path.read_text(encoding="utf-8") for path in STATIC.glob("*.*ml"))):
        assert "http" not in text.replace("http-equiv", "")
    assert "url(" not in (STATIC / "explorer.css").read_text(encoding="utf-8")


def test_modules_can_stand_in_one_script():
    """Without imports and exports, since their names at the top are all different."""
    names = re.findall(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)", EVERYTHING, re.M)
    assert len(names) == len(set(names)) > 60
    script = bundled_scripts()
    assert not re.search(r"^(import|export) ", script, re.M) and len(script) > 30_000
    assert all(len(text.splitlines()) <= 400 for text in SCRIPTS.values())


def test_settings_cannot_end_their_script_element():
    assert "<" not in script_json({"name": "</script><script>alert(1)</script>\u2028"})
    html = page_html(page_settings(networks=["standard"], given="</script><b>"))
    assert "</script><b>" not in html
    found = re.search(r'id="settings">(.*?)</script>', html, re.S)[1]
    assert json.loads(found)["given"] == "</script><b>"


def test_requests_are_found_by_the_same_text_in_page_and_recorder():
    key = request_key({"model": "standard", "kind": "gradient", "target": [8, 3], "rule": "guided"}, "cät")
    assert key == '[["kind","gradient"],["model","standard"],["rule","guided"],["target",[8,3]],["photograph","cät"]]'


def test_recorded_maps_keep_their_numbers_to_a_part_of_each_channels_largest():
    maps = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)
    maps[1] = 0
    header, arrays = quantized(({"index": 1}, {"maps": maps, "scores": maps[0, 0]}))
    scales = np.array(header["scales"]["maps"])[:, None, None]
    found = arrays["maps"].view(np.int8) / 127 * scales
    assert np.abs(found - maps).max() <= 0.51 / 127 * np.abs(maps).max() and np.array_equal(
        arrays["scores"], maps[0, 0]
    )
    assert len(pack(header, arrays)) < 700


def test_of_a_loop_a_few_frames_are_kept_the_last_among_them():
    frames = [({"t": t}, {}) for t in range(100)]
    kept = [header["t"] for header, _ in thinned(frames)]
    assert kept[0] == 0 and kept[-1] == 99 and len(kept) < 15 and [f[0]["t"] for f in thinned(frames[:2])] == [0, 1]


def test_a_recording_holds_every_class_for_every_network_and_a_walk_through_all_layers(monkeypatch):
    from pixelgrad.explore import export

    kept = {"scores", "forward", "describe", "picture", "gradient", "value"}
    recorder, answer = export.Recorder({"image": "portrait"}, "standard"), export.Answers.answer
    wanted = lambda self, request, *rest: answer(self, request, *rest) if request["kind"] in kept else None  # noqa: E731
    monkeypatch.setattr(export.Answers, "answer", wanted)
    monkeypatch.setattr(export, "thinned", list)
    assert set(recorder.record()) >= {"gradient", "value"}
    manifest, keys = recorder.manifest, list(recorder._answered)
    for photograph, classes in manifest["classes"].items():
        for network in ("standard", "robust"):
            for label in classes:
                request = {"model": network, "engine": "fast", "kind": "gradient", "target": [8, label]}
                assert request_key({**request, "rule": "standard"}, photograph) in keys
                walk = manifest["walks"][f"{network}/{photograph}/{label}"]
                assert sorted(neuron[0] for neuron in walk) == list(range(-1, 9))


def test_a_network_too_large_for_the_page_is_refused_before_the_work(monkeypatch, tmp_path):
    from pixelgrad.explore import export

    monkeypatch.setattr(export, "MOST_ACTIVATIONS", 1000)
    monkeypatch.setattr(export.Recorder, "record", lambda self: pytest.fail("worked all the same"))
    with pytest.raises(ValueError, match="activations"):
        export.export_page(tmp_path / "page.html", {"image": "portrait"})
