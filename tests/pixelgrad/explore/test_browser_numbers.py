"""In a real browser: what the microscope writes can be computed again from what it writes; nothing chosen is lost."""

import re

import numpy as np
import pytest

from pixelgrad.explore.street import Street

sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright: the browser's tests are skipped")
pytestmark = pytest.mark.slow


def numbers(text):
    return [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text.replace("−", "-"))]


def number(text):
    (found,) = numbers(text)
    return found


def unit(text):
    """One in the last digit of a number as it is shown."""
    return 10.0 ** -len(text.strip().partition(".")[2])


def senders(page):
    return page.locator("table.senders tr:not(:first-child):not(.rest):not(.total)")


def test_each_senders_row_can_be_computed_and_leads_to_a_neuron_of_that_gradient(opened):
    page = opened("microscope?model=standard&neuron=1,10,3,7&of=8,8")
    rows = senders(page).all()
    assert len(rows) > 10
    for row in rows:
        texts = row.locator("td").all_text_contents()
        gradient, gate, scale, at_sum, weight, sent = map(number, texts)
        assert abs(gradient * gate * scale - at_sum) <= 0.8 * unit(texts[3]) and gate in (0, 1)
        assert abs(at_sum * weight - sent) <= 0.51 * unit(texts[5])
    shown = [number(text) for text in page.locator("table.senders td[data-key=sent]").all_text_contents()]
    total = page.locator("table.senders .total td").text_content()
    assert abs(sum(shown) - number(total)) < 0.01 * unit(total)  # to the last digit
    heading = page.locator("h2").text_content().split("gradient ")[1]
    assert abs(number(heading) - number(total)) <= 0.51 * unit(total)
    gradient = rows[0].locator("td").first.text_content()
    at_sum = rows[0].locator("td").nth(3).text_content()
    rows[0].get_by_role("button").click()
    page.locator("h2", has_text=f"gradient {gradient}").wait_for()  # the same number there
    assert at_sum in page.locator(".own-gradient").text_content()
    assert page.evaluate("() => document.activeElement.className") == "scope"  # who walks on with the arrow keys can


def test_a_silent_neuron_says_that_it_passes_no_gradient_on(opened, model, picture):
    street = Street(model, model.preprocess(picture))
    maps, gradients = [out[0] for _, out in street.forward()][1], dict(street.backward(8, 8))
    c, i, j = np.argwhere((maps == 0) & (gradients[1][0] != 0))[0]
    page = opened(f"microscope?model=standard&neuron=1,{c},{i},{j}&of=8,8")
    text = page.locator(".own-gradient").text_content()
    assert "behind its ReLU" in text and "gets nothing" in text and re.search(r"× 0 × \S+ = 0 at its sum", text)


@pytest.mark.parametrize("neuron", ["1,10,3,7", "6,76,3,3", "4,5,0,0", "8,8"])
def test_the_value_can_be_computed_from_the_numbers_shown(opened, neuron):
    page = opened(f"microscope?model=standard&neuron={neuron}&of=8,8")
    digits = page.locator("table.steps [data-step=sum] td").text_content()
    parts = [number(text.split("sum ")[1]) for text in page.locator(".term h4 .numbers").all_text_contents()]
    parts += [
        number(text)
        for text in page.locator(".sum table.list:not(.steps):not(.senders) td:last-child").all_text_contents()
    ]
    parts += [number(text.split(": ")[1]) for text in page.locator(".sum > p.numbers").all_text_contents()]
    assert abs(sum(parts) - number(digits)) < 0.01 * unit(digits)
    for term in page.locator(".term").all():
        window, weights, products = (
            [number(text) for text in table.locator("td").all_text_contents()] for table in term.locator("table").all()
        )
        shown = term.locator("h4 .numbers").text_content().split("sum ")[1]
        assert abs(sum(products) - number(shown)) <= 0.8 * unit(shown)
        assert np.allclose(np.multiply(window, weights), products, atol=1.5e-6)
    for row in page.locator("table.steps tr[data-step]").all():
        text, value = row.locator("th").text_content(), row.locator("td").text_content()
        if text.startswith("batch norm"):
            gamma, before, mean, var, eps, beta = numbers(text.replace("− (−", "− (-").replace("− ", "  "))
            assert abs(gamma * (before - mean) / np.sqrt(var + eps) + beta - number(value)) <= 0.8 * unit(value)
        elif text.startswith("plus"):
            assert abs(number(digits) + number(text) - number(value)) <= 0.8 * unit(value)


def test_a_class_has_the_text_and_the_code_of_a_fully_connected_layer(opened):
    page = opened("microscope?model=standard&neuron=7,4&of=8,8")
    assert (
        "global_avg_pool" in page.locator(".explained pre.line").first.text_content()
        or page.locator(".explained", has_text="mean of one map").count()
    )
    page.locator("#view select").first.select_option("8")
    page.locator("h2", has_text="class espresso (8): score").wait_for()  # the chosen class, not unit 0
    assert "fully connected" in page.locator(".explained").first.text_content()
    assert "affine_forward" in page.locator(".explained details").first.text_content()
    assert "starts here, at class espresso, with the value 1" in page.locator(".sum").last.text_content()


def test_padding_is_hatched_and_leads_nowhere(opened, settled):
    page = opened("microscope?model=standard&neuron=1,10,0,0&of=8,8")
    padding = page.locator(".term").first.locator("table").first.locator("td.padding")
    assert padding.count() == 7 and "padding" in padding.first.get_attribute("title")
    title = page.locator("h2").text_content()
    padding.first.locator("button").click(force=True)
    settled(page)
    assert page.locator("h2").text_content() == title


def test_the_windows_numbers_are_reached_with_tab_and_arrow_keys(opened):
    page = opened("microscope?model=standard&neuron=2,84,3,7&of=8,8")
    page.locator(".term .cell").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    readout = page.locator(".term .readout").first.text_content()
    assert "row 3, column 7" in readout and "×" in readout and "=" in readout
    assert page.locator(".term").first.locator(".cell[tabindex='0']").count() == 1
    page.keyboard.press("Enter")
    page.locator("h2", has_text="row 3, column 7").filter(has_text="conv2").wait_for()


def test_back_forward_and_reload_keep_what_was_chosen(opened, settled):
    page = opened("street")
    page.get_by_label("Network").select_option("robust")
    page.get_by_role("tab", name="Microscope").click()
    page.locator("table.steps .total").wait_for()
    first = page.locator("h2").text_content()
    page.locator(".scope").focus()
    page.keyboard.press("ArrowLeft")
    sync_api.expect(page.locator("h2")).not_to_have_text(first)
    second = page.locator("h2").text_content()
    page.go_back()
    sync_api.expect(page.locator("h2")).to_have_text(first)
    page.go_back()
    page.locator(".lanes").wait_for()  # the street, and not another site
    assert page.get_by_label("Network").input_value() == "robust"
    page.go_forward()
    page.go_forward()
    sync_api.expect(page.locator("h2")).to_have_text(second)
    page.reload()
    sync_api.expect(page.locator("h2")).to_have_text(second)
    assert page.get_by_label("Network").input_value() == "robust"
    page.get_by_role("tab", name="Where it looks").click()
    settled(page, "where")
    page.get_by_label("Left").select_option("rise")
    page.locator(".split span", has_text="RISE").wait_for()
    page.reload()
    page.locator(".split span", has_text="RISE").wait_for()
    assert page.get_by_label("Left").input_value() == "rise"


GREY = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, 64, 64);
  return data.filter((_, i) => i % 4 === 0 && [0, 1, 2].every((k) => data[i + k] === 128)).length;
}"""


def test_paint_survives_another_network_and_the_original_comes_back(opened, settled):
    page = opened("hands")
    canvas = page.locator(".paint")
    original = canvas.evaluate(GREY)
    canvas.focus()
    page.keyboard.press(" ")
    settled(page)
    assert canvas.evaluate(GREY) >= 81
    page.get_by_label("Network").select_option("robust")
    settled(page)
    assert canvas.evaluate(GREY) >= 81
    whole, painted, drop = numbers(page.locator(".drop-text").text_content().replace("− ", "  "))[-3:]
    assert abs(whole - painted - drop) < 1e-9 and drop != 0
    page.get_by_role("button", name="Use as the photograph").click()
    settled(page)
    assert canvas.evaluate(GREY) >= 81 and page.get_by_label("Photograph").first.input_value() == "own"
    page.get_by_role("button", name="Restore the photograph").click()
    settled(page)
    assert canvas.evaluate(GREY) == original and page.get_by_label("Photograph").first.input_value() == "portrait"


def test_an_answer_about_the_painting_comes_too_late_for_the_restored_photograph(opened, settled):
    page, held = opened("hands"), []
    before = page.locator(".scores").first.text_content()
    page.route("**/ask", lambda route: held.append(route), times=1)
    page.locator(".paint").focus()
    with page.expect_request("**/ask"):
        page.keyboard.press(" ")
    page.get_by_role("button", name="Restore the photograph").click()
    (painting,) = held
    painting.continue_()
    settled(page)
    assert page.locator(".scores").first.text_content() == before


def test_a_painting_does_not_take_the_place_of_a_new_target_nor_the_other_way_round(opened, settled):
    page = opened("hands")
    page.route("**/ask", lambda route: None, times=1)  # never answered
    with page.expect_request("**/ask"):
        page.get_by_label("Target").select_option(label="school bus")
    page.locator(".paint").focus()
    page.keyboard.press(" ")
    sync_api.expect(page.locator("#fool-scores")).to_contain_text("school bus")
    settled(page)
    painted, drop = page.locator(".scores").first.text_content(), page.locator(".drop-text").text_content()
    page.keyboard.press("ArrowDown")
    page.route("**/ask", lambda route: None, times=1)
    with page.expect_request("**/ask"):
        page.keyboard.press(" ")
    page.get_by_label("Target").select_option(label="teapot")
    sync_api.expect(page.locator(".drop-text")).not_to_have_text(drop)
    settled(page)
    assert page.locator(".scores").first.text_content() != painted
    assert "teapot" in page.locator("#fool-scores").text_content()


def test_two_maps_chosen_one_right_after_the_other_are_both_shown(opened, settled):
    page = opened("where")
    for left, right in (("rise", "occlusion"), ("smoothgrad", "saliency")):
        page.route("**/ask", lambda route: None, times=1)
        with page.expect_request("**/ask"):
            page.get_by_label("Left").select_option(left)
        page.get_by_label("Right").select_option(right)
        settled(page)
        names = [
            field.evaluate("e => e.selectedOptions[0].text") for field in map(page.get_by_label, ("Left", "Right"))
        ]
        assert page.locator(".compare .split span").all_text_contents() == names
    maps = [canvas.evaluate("c => c.toDataURL()") for canvas in page.locator(".over").all()]
    page.route("**/ask", lambda route: None, times=1)
    with page.expect_request("**/ask"):
        page.get_by_label("Class").select_option(label="teapot")
    page.get_by_label("Right").select_option("occlusion")
    settled(page)
    page.get_by_label("Right").select_option("saliency")
    settled(page)
    for canvas, before in zip(page.locator(".over").all(), maps, strict=True):
        assert canvas.evaluate("c => c.toDataURL()") != before  # of the other class, on both sides


def test_who_goes_back_to_a_map_before_the_other_has_come_sees_the_first(opened, settled):
    page = opened("where")
    for label, other in (("Left", "rise"), ("Class", "50")):
        first, caption = page.get_by_label(label).input_value(), page.locator(".compare .split").text_content()
        before = page.locator(".over").first.evaluate("c => c.toDataURL()")
        page.route("**/ask", lambda route: None, times=1)
        with page.expect_request("**/ask"):
            page.get_by_label(label).select_option(other)
        page.get_by_label(label).select_option(first)
        settled(page)  # what was on its way is given up
        assert page.locator(".over").first.evaluate("c => c.toDataURL()") == before
        assert page.locator(".compare .split").text_content() == caption


@pytest.mark.parametrize("view", ["where", "hands"])
def test_what_is_chosen_while_a_photograph_comes_in_belongs_to_it(opened, settled, view):
    plain = opened(f"{view}?model=standard&photograph=coffee")
    page, held = opened(f"{view}?model=standard&photograph=portrait"), []

    def hold(route):
        if b"scores" in route.request.post_data_buffer and not held:
            held.append(route)  # never answered
        else:
            route.continue_()

    page.route("**/ask", hold)
    with page.expect_request(lambda request: b"scores" in (request.post_data_buffer or b"")):
        page.get_by_label("Photograph").first.select_option("coffee")
    if view == "where":
        page.get_by_label("Left").select_option("occlusion")
        plain.get_by_label("Left").select_option("occlusion")
        for one in (plain, page):
            one.get_by_label("Right").select_option("saliency")
            settled(one)
        canvases = ".over, .under, .plain"
    else:
        page.locator(".paint").focus()
        page.keyboard.press(" ")  # there is nothing to paint on as yet
        assert page.locator(".busy").count()
        held[0].continue_()
        settled(page)
        for one in (plain, page):
            one.locator(".paint").focus()
            one.keyboard.press(" ")
            settled(one)
        canvases = ".paint"
        assert page.locator(".drop-text").text_content() == plain.locator(".drop-text").text_content()
    read = "all => all.map((c) => c.toDataURL())"
    assert page.locator(canvases).evaluate_all(read) == plain.locator(canvases).evaluate_all(read)
    assert page.locator(".status.wrong").count() == 0


def test_the_gradient_that_is_asked_for_while_activations_come_in_follows_them(opened, settled):
    page, held = opened("street"), []
    seen = page.locator(".score-column .name").first.text_content()

    def hold(route):
        if b"forward" in route.request.post_data_buffer and not held:
            held.append(route)
        else:
            route.continue_()

    page.route("**/ask", hold)
    with page.expect_request(lambda request: b"forward" in (request.post_data_buffer or b"")):
        page.get_by_label("Photograph").first.select_option("coffee")
    page.get_by_role("button", name="gradient", exact=True).click()
    settled(page)
    name = page.locator(".score-column .name").first.text_content()
    assert name != seen and page.locator(".photo:not(.empty)").count() == 2
    assert name in page.locator(".status").text_content()


def test_a_second_network_is_offered_only_where_it_is_shown(opened):
    page = opened("street")
    beside = page.get_by_label("Beside it")
    assert beside.is_visible() and beside.locator("option[value=standard]").evaluate("o => o.disabled")
    page.get_by_role("tab", name="Paint and fool").click()
    assert not beside.is_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_scores_are_seen_without_scrolling(opened, width):
    page = opened("street", viewport={"width": width, "height": 844})
    for row in page.locator(".score-column .percent").all()[:4]:
        box = row.bounding_box()
        assert box["x"] + box["width"] <= width - 8 and box["y"] + box["height"] < 844
    name = page.locator(".score-column .name").first
    assert name.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    score, percent = (page.locator(f".score-column .{key}").first.text_content() for key in ("score", "percent"))
    assert number(score) > 5 and 0 < number(percent) <= 100
