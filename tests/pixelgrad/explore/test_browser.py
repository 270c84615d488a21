"""The page in a real browser: what it shows equals what NumPy computes.

It needs the Python package playwright, and Chromium from the system's packages (``apt-get install chromium``; or its
path in PIXELGRAD_CHROMIUM). With PIXELGRAD_SCREENSHOTS every view is saved in that folder.
"""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelgrad.datasets import load_image, sample_image
from pixelgrad.explore.export import LIMIT, export_page
from pixelgrad.visualization import compute_saliency_maps

sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright: the browser's tests are skipped")
pytestmark = pytest.mark.slow
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1400, "height": 900}
VIEWS = ("street", "microscope", "where", "hands", "grow")


def number(text):
    return float(text.replace("−", "-").strip().rstrip("%"))


def status(page):
    return page.locator(".status").text_content()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_view_fits_and_is_named_for_screen_readers(opened, view, scheme, size):
    page = opened(view, viewport=size, color_scheme=scheme)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= size["width"]
    assert page.get_by_role("tab", selected=True).count() == 1 and page.get_by_role("tabpanel").count() == 1
    unnamed = page.locator("main button, main select, main input, main canvas[role=img]").evaluate_all(
        "all => all.filter(e => !(e.ariaLabel || e.innerText || e.labels?.length)).map(e => e.outerHTML)"
    )
    assert not unnamed
    if folder := os.environ.get("PIXELGRAD_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{view}-{scheme}-{size['width']}.png", full_page=True)


def test_scores_on_the_page_are_the_networks(opened, model, picture):
    page = opened("street")
    for rank, prediction in enumerate(model.predict(model.preprocess(picture))[0][:3]):
        row = page.locator(".score-column li").nth(rank)
        assert row.locator(".name").text_content() == prediction.name.split(",")[0]
        assert abs(number(row.locator(".percent").text_content()) - 100 * prediction.probability) < 0.06


def test_a_chosen_neuron_shows_the_networks_value_and_gradient(opened, model, picture):
    page = opened("street")
    page.locator(".tiles").nth(2).click(position={"x": 30, "y": 50})
    text = page.locator(".inspector .numbers").text_content()
    assert status(page) == text  # which screen readers read out
    layer, channel, row, column, value = re.match(
        r"(\w+), channel (\d+), row (\d+), column (\d+): (\S+)$", text
    ).groups()
    X = model.preprocess(picture)
    at = (0, int(channel), int(row), int(column))
    assert layer == "conv3" and abs(number(value) - model.forward(X, end="conv3")[0][at]) < 1e-4
    page.get_by_role("button", name="gradient", exact=True).click()
    page.locator(".inspector .numbers", has_text="gradient").wait_for()
    shown = number(page.locator(".inspector .numbers").text_content().split("gradient ")[1])
    label = int(model.scores(X).argmax())
    feats, _ = model.forward(X, end="conv3")
    scores, cache = model.forward(feats, start="conv4")
    dscores = np.zeros_like(scores)
    dscores[0, label] = 1
    assert abs(shown - model.backward(dscores, cache)[0][at]) < 1e-5


def test_the_saliency_on_the_page_is_numpys(opened, model, picture, settled):
    page = opened("street")
    page.get_by_role("button", name="gradient", exact=True).click()
    page.locator(".photo:not(.empty)").nth(1).wait_for()
    settled(page)
    pixels = (
        page.locator(".photo")
        .nth(1)
        .evaluate("c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)")
    )
    found = np.array(pixels, float).reshape(64, 64, 4)[:, :, :3]
    strength = np.abs(found - np.array([250, 249, 246])).sum(axis=2)
    X = model.preprocess(picture)
    exact = compute_saliency_maps(X, int(model.scores(X).argmax()), model)[0]
    assert np.corrcoef(strength.ravel(), exact.ravel())[0, 1] > 0.9


def test_numbers_under_the_microscope_add_up_and_arrow_keys_walk(opened, model, picture):
    page = opened("microscope")
    X, names = model.preprocess(picture), []
    for _ in range(9):
        title = page.locator("h2").text_content()
        if title.startswith("Photograph"):
            break
        groups = re.match(r"(\w+), (?:channel|unit) (\d+)(?:, row (\d+), column (\d+))?: ([^;]+)", title).groups()
        at = (0, *(int(g) for g in groups[1:4] if g is not None))
        assert abs(number(groups[4]) - model.forward(X, end=groups[0])[0][at]) < 1e-4
        value = number(page.locator("table.steps tr").nth(-3).locator("td").text_content())
        assert abs(value - number(page.locator("table.steps .total td").text_content())) < 1.01e-4
        sums = [number(text.split("sum ")[1]) for text in page.locator(".term h4 .numbers").all_text_contents()]
        others = page.locator(".sum > p.numbers").all_text_contents()
        sums += [number(text.split(": ")[1]) for text in others]
        total = number(page.locator("table.steps [data-step=sum] td").text_content())
        assert abs(sum(sums) - total) < 1e-3
        names.append(groups[0])
        page.locator(".scope").focus()
        page.keyboard.press("ArrowLeft")
        sync_api.expect(page.locator("h2")).not_to_have_text(title)
    assert names == [f"conv{k}" for k in range(7, 0, -1)]
    page.locator(".scope").focus()
    page.keyboard.press("ArrowRight")
    page.locator("h2", has_text="conv1").wait_for()
    page.locator(".field-photo canvas").click(position={"x": 100, "y": 50})
    page.locator("h2", has_text="Photograph, red").wait_for()


def test_two_networks_beside_each_other(opened, settled):
    page = opened("street")
    page.get_by_label("Beside it").select_option("robust")
    page.locator(".lane").nth(1).locator(".percent").first.wait_for()
    page.get_by_role("button", name="gradient", exact=True).click()
    page.locator(".lane").nth(1).locator(".photo:not(.empty)").nth(1).wait_for()
    settled(page)
    if folder := os.environ.get("PIXELGRAD_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / "two.png", full_page=True)
    page.locator(".lane").nth(1).locator(".tiles").nth(1).click(position={"x": 20, "y": 20})
    page.get_by_role("button", name="Under the microscope").click()
    page.locator("h2", has_text="conv2, channel 0").wait_for()
    assert page.get_by_label("Network").input_value() == "robust"  # it is that network's neuron
    assert page.get_by_label("Beside it").input_value() == "standard"


def test_methods_are_compared_by_slider_and_keyboard(opened):
    page = opened("where")
    for method, name in (("smoothgrad", "SmoothGrad"), ("occlusion", "occlusion")):
        page.get_by_label("Left").select_option(method)
        sync_api.expect(page.locator(".split span").first).to_contain_text(name)
    slider = page.get_by_label("Boundary between the two maps")
    slider.focus()
    page.keyboard.press("End")
    assert page.locator(".over").first.evaluate("c => c.style.clipPath").startswith("inset(0px 0% 0px 0px")


def test_painting_changes_the_scores_to_those_of_the_painted_picture(opened, model, picture, settled):
    page = opened("hands")
    before = page.locator(".paint").evaluate("c => Array.from(c.getContext('2d').getImageData(0, 0, 64, 64).data)")
    box = page.locator(".paint").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 100, steps=8)
    page.mouse.up()
    page.locator(".paint").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    settled(page)
    pixels = page.locator(".paint").evaluate("c => Array.from(c.getContext('2d').getImageData(0, 0, 64, 64).data)")
    painted = np.array(pixels, np.uint8).reshape(64, 64, 4)[:, :, :3]
    assert np.array_equal(np.array(before, np.uint8).reshape(64, 64, 4)[:, :, :3], picture)
    assert 81 < (painted == 128).all(axis=2).sum() < 2000
    (best, *_) = model.predict(model.preprocess(painted))[0]
    row = page.locator(".scores li").first
    assert row.locator(".name").text_content() == best.name.split(",")[0]
    assert abs(number(row.locator(".percent").text_content()) - 100 * best.probability) < 0.06


def test_the_fooling_slider_starts_at_the_photograph_and_changes_the_answer(opened):
    page = opened("hands")
    first = page.locator("#fool-scores .name").first
    seen = first.text_content()
    slider = page.get_by_label("Amount")
    assert "0.00 grey levels" in slider.get_attribute("aria-valuetext")
    leads = page.locator(".numbers", has_text="leads from").text_content()
    slider.focus()
    for _ in range(31):
        before = slider.get_attribute("aria-valuetext")
        page.keyboard.press("ArrowRight")
        if first.text_content() != seen:
            break
    at = number(slider.get_attribute("aria-valuetext").split(" grey")[0])
    assert at == number(leads.split("from ")[1].split(" grey")[0]) > number(before.split(" grey")[0])


def test_a_class_visualisation_grows_stops_and_goes_on(opened):
    page = opened("grow")
    page.get_by_label("Steps").fill("900")
    page.get_by_label("Steps").press("Tab")
    seen = set()
    page.get_by_role("button", name="Start").click()
    for _ in range(100):
        page.wait_for_timeout(350)
        seen.add(page.locator(".growing").evaluate("c => c.toDataURL()"))
        if len(seen) > 3:
            break
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Go on").click()
    assert len(seen) > 3
    sync_api.expect(page.get_by_role("button", name="Start")).to_be_disabled()
    page.get_by_role("button", name="Stop").click()
    sync_api.expect(page.get_by_role("button", name="Start")).to_be_enabled()


@pytest.mark.parametrize("what", ["dream", "inversion"])
def test_the_other_loops_run_to_their_end(opened, what):
    page = opened("grow")
    page.get_by_label("What grows").select_option(what)
    page.get_by_label("Steps").fill("6")
    page.get_by_label("Steps").press("Tab")
    page.get_by_role("button", name="Start").click()
    page.locator(".grow-side .numbers", has_text="step 6").wait_for()


DROP = """([bytes, name]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], name));
  dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
}"""


def test_a_dropped_photograph_is_looked_at(opened, model, tmp_path, settled):
    photo = sample_image("portrait", size=(150, 120))[:, ::-1]
    Image.fromarray(photo).save(tmp_path / "mine.png")
    page = opened("street")
    page.evaluate(DROP, [list((tmp_path / "mine.png").read_bytes()), "mine.png"])
    settled(page)
    own = load_image(tmp_path / "mine.png", size=64)
    (best, *_) = model.predict(model.preprocess(own))[0]
    row = page.locator(".score-column li").first
    assert row.locator(".name").text_content() == best.name.split(",")[0]
    assert abs(number(row.locator(".percent").text_content()) - 100 * best.probability) < 0.06
    assert page.get_by_label("Photograph").first.input_value() == "own"


def test_a_picture_is_taken_with_the_camera(opened, settled):
    page = opened("street")
    before = page.locator(".photo").first.evaluate("c => c.toDataURL()")
    page.get_by_role("button", name="Camera").click()
    page.get_by_role("button", name="Take the picture").click()
    sync_api.expect(page.get_by_label("Photograph").first).to_have_value("own")
    settled(page)
    assert page.locator(".photo").first.evaluate("c => c.toDataURL()") != before
    assert page.locator("dialog").count() == 0


def test_a_file_that_is_no_picture_is_refused_in_words(browser, server, settled):
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.address)
    settled(page, "street")
    page.evaluate(DROP, [list(b"nothing"), "mine.png"])
    page.locator(".status.wrong", has_text="not a picture").wait_for()
    page.get_by_role("button", name="gradient", exact=True).click()  # and the page goes on with the old photograph
    page.locator(".photo:not(.empty)").nth(1).wait_for()
    context.close()


def test_many_quick_clicks_end_in_the_last(opened, settled):
    page = opened("street")
    page.get_by_role("button", name="gradient", exact=True).click()
    rows = page.locator(".score-column li button")
    for _ in range(10):
        rows.evaluate_all("all => { for (const one of all) one.click(); }")
    last = rows.last.locator(".name").text_content()
    settled(page)
    assert page.locator(".score-column button[aria-pressed=true] .name").text_content() == last


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "page.html"
    size = export_page(path, {"image": "portrait"})
    assert size == path.stat().st_size <= LIMIT
    return path


@pytest.mark.parametrize("view", VIEWS)
def test_the_exported_page_opens_without_any_network(opened, exported, settled, view):
    page = opened(view, address=exported.as_uri(), offline=True, ready=False)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.reload()
    settled(page, view)
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [page.url.split("#")[0]]
    assert "one file" in page.locator(".recorded").text_content()
    if view == "microscope":
        assert "difference" in page.locator("table.steps").text_content()
        page.locator(".scope").focus()
        for layer in ("conv6", "conv5"):
            page.keyboard.press("ArrowLeft")
            page.locator("h2", has_text=layer).wait_for()
    if view == "grow":
        page.get_by_role("button", name="Start").click()
        page.locator(".grow-side .numbers", has_text="step 120").wait_for()
    if view == "hands":
        before = page.locator(".paint").evaluate("c => c.toDataURL()")
        page.locator(".paint").focus()
        page.keyboard.press(" ")
        page.locator(".status", has_text="needs the running explorer").wait_for()
        assert page.locator(".paint").evaluate("c => c.toDataURL()") == before  # no grey with the scores of before
