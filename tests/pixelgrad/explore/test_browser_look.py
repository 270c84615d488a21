"""In a real browser: what can be seen can be read, nothing lies over the footer, and what is too wide says so."""

import re

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright: the browser's tests are skipped")
pytestmark = pytest.mark.slow
PHONE, LAPTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}

CELLS = """cells => cells.map((cell) => {
  const text = cell.querySelector("button") ?? cell;
  const { backgroundImage, backgroundColor } = getComputedStyle(cell);
  const under = backgroundImage === "none" ? backgroundColor : backgroundImage;
  return [cell.textContent, getComputedStyle(text).color, under, cell.className];
})"""


def luminance(rgb):
    parts = [value / 3294 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in rgb]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def colours(text):
    """All colours of a CSS value, each (r, g, b); none of them may be transparent."""
    assert "transparent" not in text and "rgba(" not in text, text
    return [tuple(map(float, found)) for found in re.findall(r"rgb\((\d+), (\d+), (\d+)\)", text)]


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_numbers_of_a_window_at_the_border_can_be_read(opened, scheme):
    page = opened("microscope?model=standard&photograph=cat&neuron=0,0,0,0", viewport=LAPTOP, color_scheme=scheme)
    cells = page.locator(".cells td").evaluate_all(CELLS)
    assert sum("padding" in kind for *_, kind in cells) == 9 * 20  # of 3 colours and 3 tables, two rows and columns
    assert all(("gradient" in under) == ("padding" in kind) for *_, under, kind in cells)  # it is hatched
    for text, ink, under, _ in cells:
        ((*ink,),) = colours(ink)
        found = colours(under)
        assert text and found and min(contrast(ink, colour) for colour in found) >= 4.5, (text, ink, under)


@pytest.mark.parametrize("view", ["street?model=standard&beside=robust", "hands", "where"])
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_nothing_lies_over_the_footer(opened, view, size):
    page = opened(view, viewport=size)
    covered = """() => {
      const footer = document.querySelector("footer");
      const { top, width } = footer.getBoundingClientRect();
      const at = (i) => document.elementFromPoint(((i + 0.5) / 40) * width, top + 12);
      return Array.from({ length: 40 }, (_, i) => at(i)).filter((found) => !footer.contains(found)).length;
    }"""
    for n in range(24):
        page.evaluate("y => scrollTo(0, y)", 37 * n)
        assert page.evaluate(covered) == 0


@pytest.mark.parametrize("neuron", ["1,4,0,5", "0,0,0,0", "4,5,0,0", "8,8"])
@pytest.mark.parametrize("width", [1280, 1100, 390])
def test_tables_fit_or_say_that_they_scroll(opened, neuron, width):
    page = opened(
        f"microscope?model=robust&photograph=coffee&neuron={neuron}", viewport={"width": width, "height": 844}
    )
    boxes = page.locator(".sideways").evaluate_all(
        """all => all.map((box) => [box.scrollWidth > box.clientWidth + 1, !box.previousSibling.hidden,
          box.previousSibling.getBoundingClientRect().height])"""
    )
    for overflows, told, height in boxes:
        assert overflows == told and (not told or height > 10)
        assert not (overflows and width == 1280)
    inside = """all => all.every((table) => table.closest(".sideways") ||
      table.getBoundingClientRect().right <= table.closest(".card").getBoundingClientRect().right)"""
    assert page.locator("#view table").evaluate_all(inside)
    if width == 390 and neuron != "8,8":  # who sends what, and the sum, are in view; the steps between scroll
        assert any(overflows for overflows, *_ in boxes)
        page.locator(".senders").evaluate("table => { table.parentElement.scrollLeft = 100; }")
        for place in ("td[data-key=sent]", ".total td", ".total .whole", ".link"):
            box = page.locator(f".senders {place}").first.bounding_box()
            assert 0 <= box["x"] and box["x"] + box["width"] <= width


def test_the_columns_of_all_channels_stand_below_each_other(opened):
    page = opened("microscope?model=robust&photograph=coffee&neuron=1,4,0,5", viewport=LAPTOP)
    edges = """all => all.map((one) => Array.from(one.querySelectorAll("tr:first-of-type td"), (cell) =>
      Math.round(cell.getBoundingClientRect().right)).join())"""
    found = page.locator(".term .tables").evaluate_all(edges)
    assert len(found) == 4 and len(set(found)) == 1 and found[0].count(",") == 11


def test_an_enlarged_map_ends_above_the_footer(opened):
    page = opened("street", viewport=LAPTOP)
    page.locator(".tiles").first.click(position={"x": 40, "y": 40})
    box = page.locator(".inspector .large-map").first.bounding_box()
    assert box["y"] + box["height"] <= page.locator("footer").bounding_box()["y"]


def test_names_and_notes_of_layers_are_not_cut_off_and_tiles_begin_at_one_height(opened):
    page = opened("street", viewport=LAPTOP)
    assert page.locator(".layers b, .layers small").evaluate_all(
        "all => all.every((e) => e.scrollWidth <= e.clientWidth)"
    )
    tops = page.locator(".layers .tiles").evaluate_all(
        "all => all.map((e) => Math.round(e.getBoundingClientRect().top))"
    )
    assert len(set(tops)) == 1


def test_a_tap_shows_all_digits_of_a_number_and_another_one_goes_there(opened):
    page = opened("microscope?model=standard&neuron=1,10,3,7&of=8,8", viewport=PHONE, has_touch=True)
    title = page.locator("h2").text_content()
    cell = page.locator(".term .cell:not([aria-disabled])").nth(5)
    cell.tap()
    sync_api.expect(page.locator(".term .readout").first).to_have_text(
        re.compile(r"row \d+, column \d+: \S+ × \S+ = \S+")
    )
    assert page.locator("h2").text_content() == title
    cell.tap()
    page.locator("h2", has_text="conv1").wait_for()


def test_the_whole_function_is_code_with_its_line_marked_and_whole(opened):
    page = opened("microscope?model=standard&neuron=8,3&of=8,8", viewport=LAPTOP)
    page.locator("details", has_text="The whole function").first.locator("summary").click()
    whole = page.locator(".explained details pre").first
    assert whole.locator("mark").text_content().strip().startswith("out = x.reshape(")
    assert whole.locator("mark").is_visible() and "Parameters" not in whole.text_content()
    assert whole.evaluate("e => e.scrollWidth <= e.clientWidth")
