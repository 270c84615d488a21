"""Make the pictures of the page about the explorer: docs/pictures/explorer-*.png.

    python docs/make_explorer_pictures.py

They are photographs of the page itself, in Chromium, which playwright drives (`browser` extra); PIXELGRAD_CHROMIUM
names its program where it is not found.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from pixelgrad._files import written_beside

DOCS = Path(__file__).resolve().parent
WIDTH = 1280
COMMAND = [sys.executable, "-m", "pixelgrad", "explore", "coffee", "--no-browser"]


def main():
    chromium = os.environ.get("PIXELGRAD_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with (
        subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True) as explorer,
        sync_playwright() as playwright,
    ):
        try:
            address = next(word for line in explorer.stdout for word in line.split() if word.startswith("http"))
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, (view, height, act) in PICTURES.items():
                page = browser.new_page(viewport={"width": WIDTH, "height": height})
                page.goto(f"{address}#{view}")
                act(page)
                page.wait_for_timeout(1500)  # all drawn
                with written_beside(DOCS / "pictures" / f"explorer-{name}.png", overwrite=True) as temporary:
                    page.screenshot(path=temporary, type="png")
                page.close()
            browser.close()
        finally:
            explorer.terminate()


def street(page):
    page.locator(".score-column .percent").first.wait_for()
    page.get_by_label("Beside it").select_option(label="robust")
    page.locator(".score-column .percent").nth(8).wait_for()  # the second network's
    page.locator("[data-key=gradient]").click()


def microscope(page):
    page.locator("h2", has_text=":").wait_for()


def hands(page):
    page.locator("#fool-scores .percent").first.wait_for()
    page.get_by_label("Target").select_option(label="banana")
    box = page.locator(".paint").bounding_box()
    page.mouse.move(box["x"] + 85, box["y"] + 75)
    page.mouse.down()
    page.mouse.move(box["x"] + 155, box["y"] + 110, steps=12)
    page.mouse.up()
    slider = page.get_by_label("Amount")
    slider.focus()
    for _ in range(60):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(30)
        if page.locator("#fool-scores .name").first.text_content() == "banana":
            break
    for _ in range(3):
        page.keyboard.press("ArrowRight")


PICTURES = {
    "street": ("street", 1410, street),
    "microscope": ("microscope?model=standard&photograph=coffee&neuron=1,10,3,7", 1420, microscope),
    "hands": ("hands", 900, hands),
}


if __name__ == "__main__":
    main()
