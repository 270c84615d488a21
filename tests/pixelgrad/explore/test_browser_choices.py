"""In a real browser: what is chosen is the choice of every view and outlasts a reload; an exported page offers what it
holds."""

import re

import numpy as np
import pytest
from PIL import Image

from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.datasets import sample_image
from pixelgrad.explore.export import LIMIT, export_page

sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright: the browser's tests are skipped")
pytestmark = pytest.mark.slow
expect = sync_api.expect


def field(page, label):
    """The choice with exactly this label."""
    return page.locator(".field").filter(has=page.get_by_text(label, exact=True)).locator("select").first


def chosen(page, label):
    return field(page, label).evaluate("e => e.selectedOptions[0]?.textContent")


# -- the address ------------------------------------------------------------------------------------------------------


def test_a_class_chosen_in_one_view_is_that_of_all_and_outlasts_a_reload(opened, settled):
    page = opened("where")
    field(page, "Class").select_option(label="teapot")
    expect(page.locator("figure .numbers")).to_contain_text("teapot")
    page.reload()
    settled(page, "where")
    assert chosen(page, "Class") == "teapot" and "teapot" in page.locator("figure .numbers").text_content()
    page.get_by_role("tab", name="Two-way street").click()
    settled(page, "street")
    assert chosen(page, "Gradient of") == "teapot"
    page.get_by_role("tab", name="Paint and fool").click()
    settled(page, "hands")
    assert "Score of teapot" in page.locator(".drop-text").text_content()
    page.get_by_role("tab", name="Growing images").click()
    settled(page, "grow")
    assert chosen(page, "Class") == "teapot"
    field(page, "Class").select_option(label="lemon")
    page.get_by_role("tab", name="Microscope").click()
    settled(page, "microscope")
    assert chosen(page, "Gradient of") == "lemon"
    field(page, "Photograph").select_option("coffee")  # which has a class of its own
    settled(page, "microscope")
    assert chosen(page, "Gradient of") == "espresso"
    page.get_by_role("tab", name="Where it looks").click()
    settled(page, "where")
    assert chosen(page, "Class") == "espresso"
    page.get_by_role("tab", name="Two-way street").click()
    settled(page, "street")
    assert chosen(page, "Gradient of") == "espresso" == page.locator(".score-column .name").first.text_content()


def test_the_class_outlasts_a_reload_while_a_neurons_gradient_is_shown(opened, settled):
    page = opened("street?model=standard&photograph=cat&class=12&of=2,16,2,9&shows=gradient")
    page.reload()
    settled(page, "street")
    assert "conv3, channel 16" in chosen(page, "Gradient of")
    page.get_by_role("tab", name="Where it looks").click()
    settled(page, "where")
    assert field(page, "Class").input_value() == "12"


def test_the_fooling_target_and_what_grows_outlast_a_reload(opened, settled):
    page = opened("hands")
    page.get_by_label("Target").select_option(label="school bus")
    expect(page.locator("#fool-scores")).to_contain_text("school bus")
    page.reload()
    settled(page, "hands")
    assert chosen(page, "Target") == "school bus" and "school bus" in page.locator("#fool-scores").text_content()
    page.get_by_role("tab", name="Growing images").click()
    settled(page, "grow")
    page.get_by_label("What grows").select_option("dream")
    page.get_by_label("Layer").select_option(label="conv3")
    expect(page.get_by_label("Layer")).to_have_value("2")
    settled(page)
    page.reload()
    settled(page, "grow")
    assert chosen(page, "What grows") == "DeepDream" and chosen(page, "Layer") == "conv3"


def test_the_street_shows_gradients_or_activations_as_before_a_reload(opened, settled):
    page = opened("street")
    pressed = page.locator(".segments button[aria-pressed=true]")
    page.get_by_role("button", name="gradient", exact=True).click()
    page.locator(".photo:not(.empty)").nth(1).wait_for()
    page.reload()
    settled(page, "street")
    assert pressed.text_content() == "gradient" and page.locator(".photo:not(.empty)").count() == 2
    page.get_by_role("button", name="activations").click()
    page.reload()
    settled(page, "street")
    assert pressed.text_content() == "activations" and page.locator(".photo:not(.empty)").count() == 1


DROP = """([bytes, name]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], name));
  dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
}"""


def test_a_photograph_of_ones_own_is_described_and_its_loss_on_a_reload_announced(opened, settled, tmp_path):
    Image.fromarray(sample_image("coffee", size=(150, 120))).save(tmp_path / "mine.png")
    page = opened("street")
    assert not page.locator(".lost").is_visible() and not page.locator(".source-note").is_visible()
    page.evaluate(DROP, [list((tmp_path / "mine.png").read_bytes()), "mine.png"])
    note = page.locator(".source-note", has_text="mine.png")
    note.wait_for()
    assert "64 × 64 pixels" in note.text_content() and "100 classes" in note.text_content()
    expect(page.locator(".score-column .name").first).to_have_text("espresso")
    field(page, "Network").select_option("robust")  # which has not been asked about before
    settled(page)
    assert note.is_visible() and page.locator(".score-column .percent").count()
    page.reload()
    settled(page, "street")
    alert = page.get_by_role("alert")
    assert "does not keep" in alert.text_content() and "portrait" in alert.text_content() and alert.is_visible()
    assert field(page, "Photograph").input_value() == "portrait"
    assert chosen(page, "Gradient of") == page.locator(".score-column .name").first.text_content()
    field(page, "Photograph").select_option("cat")
    expect(page.locator(".lost")).to_be_hidden()


# -- the keyboard -----------------------------------------------------------------------------------------------------


def test_arrow_keys_walk_in_the_microscope_after_a_load_and_after_a_click_on_its_tab(opened, settled):
    page = opened("microscope?model=standard&neuron=3,5,4,4")
    title = page.locator("h2")
    page.keyboard.press("ArrowLeft")
    expect(title).to_contain_text("conv3")
    page.reload()
    settled(page, "microscope")
    page.keyboard.press("ArrowRight")
    expect(title).to_contain_text("conv4")
    page.get_by_role("tab", name="Two-way street").click()
    settled(page, "street")
    page.get_by_role("tab", name="Microscope").click()
    settled(page, "microscope")
    page.keyboard.press("ArrowLeft")
    expect(title).to_contain_text("conv3")
    assert page.get_by_role("tab", selected=True).text_content() == "Microscope"
    page.get_by_role("tab", name="Microscope").focus()  # by the keyboard, they still go from tab to tab
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", selected=True)).to_have_text("Where it looks")
    settled(page, "where")
    page.go_back()
    settled(page, "microscope")
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Alt+ArrowLeft")  # which is the browser's
    settled(page)
    assert "conv2" not in page.locator("h2").text_content()


# -- words ------------------------------------------------------------------------------------------------------------


def test_under_the_guided_rule_the_negative_gradient_is_the_reason(opened):
    page = opened("microscope?model=standard&photograph=cat&neuron=0,4,12,12&rule=guided")
    value, gradient = re.search(r": (\S+); gradient (\S+)", page.locator("h2").text_content()).groups()
    assert float(value) > 0 and gradient.startswith("−")
    text = page.locator(".own-gradient").text_content()
    assert "guided rule" in text and "not positive" in text and "lets nothing" not in text
    assert "ReLU (guided)" in page.locator(".senders").text_content()
    assert "guided rule let them" in page.locator(".sum").last.text_content()
    explained = page.locator(".explained").last.text_content()
    assert "back to standard" in explained and "[∂s/∂y > 0]" in explained
    page.get_by_label("ReLU rule").select_option("standard")
    expect(page.locator(".own-gradient")).to_contain_text("(ReLU open)")
    assert "Switch the ReLU rule to guided" in page.locator(".explained").last.text_content()


def test_a_lower_lanes_neuron_is_named_with_its_network_and_says_that_it_comes_first(opened):
    page = opened("street?model=standard&beside=robust&photograph=cat")
    page.locator(".lane").nth(1).locator(".percent").first.wait_for()
    page.locator(".lane").nth(1).locator(".tiles").nth(1).click(position={"x": 20, "y": 20})
    assert page.locator(".inspector .numbers").text_content().startswith("robust: conv2, channel 0")
    assert "robust becomes" in page.locator(".inspector .note").text_content()
    page.locator(".lane").first.locator(".tiles").nth(1).click(position={"x": 20, "y": 20})
    assert page.locator(".inspector .numbers").text_content().startswith("standard: ")
    assert page.locator(".inspector .note").text_content() == ""


def test_a_closed_relu_explains_why_a_lane_is_empty(opened):
    X = PretrainedCNN().preprocess(sample_image("cat", size=64))
    first, second = (PretrainedCNN(variant=name).forward(X, end="conv3")[0][0] for name in ("standard", "robust"))
    c, y, x = np.unravel_index(np.where(second == 0, first, 0).argmax(), first.shape)  # open in the first network only
    page = opened(f"street?model=standard&beside=robust&photograph=cat&of=2,{c},{y},{x}&shows=gradient")
    notes = page.locator(".photo-column .note")
    expect(notes.nth(1)).to_be_visible()
    assert "ReLU" in notes.nth(1).text_content() and not notes.first.is_visible()


def test_after_a_stop_going_on_ends_where_the_steps_end(opened):
    page = opened("grow")
    page.get_by_label("Steps").fill("60")
    page.get_by_label("Steps").press("Tab")
    field(page, "Pace").select_option("slow")
    page.get_by_role("button", name="Start").click()
    page.locator(".grow-side .numbers", has_text=re.compile(r"step \d+,")).wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Start")).to_be_enabled()
    assert "step 60," in page.locator(".grow-side .numbers").text_content()


# -- an exported page -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "page.html"
    assert export_page(path, {"image": "cat"}) == path.stat().st_size <= LIMIT
    return path.as_uri()


def test_an_exported_page_offers_only_classes_and_rules_that_it_holds(opened, exported, settled):
    page = opened("street", address=exported)
    rows = page.locator(".score-column li button")
    held = page.get_by_label("Gradient of").locator("option").all_text_contents()
    assert 2 <= len(held) < 8
    for row in rows.all():
        assert row.is_enabled() == (row.locator(".name").text_content() in held)
    for name in held:
        for model in ("standard", "robust"):
            page.get_by_label("Network").select_option(model)
            page.get_by_label("Gradient of").select_option(label=name)
            expect(page.locator(".status")).to_have_text(f"Gradient of class {name}.")
            assert page.locator(".photo:not(.empty)").count() == 2
            rules = page.get_by_label("ReLU rule").locator("option")
            for rule in rules.evaluate_all("all => all.filter((o) => !o.disabled).map((o) => o.value)"):
                page.get_by_label("ReLU rule").select_option(rule)
                expect(page.locator(".status")).to_have_text(f"Gradient of class {name}.")
            for tab, view in (("Where it looks", "where"), ("Microscope", "microscope"), ("Paint and fool", "hands")):
                page.get_by_role("tab", name=tab).click()
                settled(page, view)
                assert page.locator(".status.wrong").count() == 0, (name, model, view)
            page.get_by_role("tab", name="Two-way street").click()
            settled(page, "street")
    page.get_by_label("Gradient of").select_option(label="banana")  # which neither of them sees
    expect(page.locator(".status")).to_have_text("Gradient of class banana.")
    disabled = "all => all.filter((o) => o.disabled).map((o) => o.value)"
    assert page.get_by_label("ReLU rule").locator("option").evaluate_all(disabled) == ["guided", "deconv"]


def test_an_exported_page_leads_to_no_neuron_that_it_does_not_hold(opened, exported, settled):
    page = opened("microscope?model=standard&photograph=cat&neuron=1,0,0,0", address=exported)
    assert "conv7" in page.locator("h2").text_content()  # in place of two empty cards
    seen = [page.locator("h2").text_content()]
    for layer in range(-1, 9):
        page.get_by_label("Layer").select_option(str(layer))
        expect(page.locator("h2")).not_to_have_text(seen[-1])
        seen.append(page.locator("h2").text_content())
        assert page.locator(".card .sum").first.text_content() and page.locator(".card .sum").last.text_content()
        assert page.get_by_label(re.compile("Channel|Unit|Colour")).is_disabled()
        assert page.locator(".status.wrong").count() == 0
    page.locator(".field-photo canvas").click(position={"x": 20, "y": 20})
    expect(page.locator(".status")).to_contain_text("not computed beforehand")
    assert page.locator("h2").text_content() == seen[-1]
    page.get_by_role("tab", name="Two-way street").click()
    settled(page, "street")
    page.locator(".tiles").first.click(position={"x": 5, "y": 5})
    for name in ("Gradient of this channel's sum", "Gradient of this neuron", "Under the microscope"):
        assert page.get_by_role("button", name=name).is_disabled()


def test_an_exported_page_is_not_painted_on(opened, exported):
    page = opened("hands", address=exported)
    canvas = page.locator(".paint")
    read = "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"
    before = np.array(canvas.evaluate(read))
    canvas.click()
    expect(page.locator(".status")).to_contain_text("needs the running explorer")
    assert np.array_equal(canvas.evaluate(read), before)
    for name in ("Restore the photograph", "Use as the photograph"):
        assert page.get_by_role("button", name=name).is_disabled()
