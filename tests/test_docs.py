"""The README and the documentation name what exists, and their code runs."""

import re

import pytest

from pixelgrad import visualization
from pixelgrad.coursework.exercises.catalogue import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md")) + sorted((DOCS / "techniques").glob("*.md"))
TECHNIQUES = [path for path in PAGES if path.parent.name == "techniques" and path.stem != "index"]
SECTIONS = ["## Options", "## When it misleads", "## References"]


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)


def test_the_readme_fits_on_two_screens_and_its_links_lead_somewhere():
    assert len(README.splitlines()) <= 90
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", README)]
    assert len(links) > 10
    for link in links:
        assert (ROOT / link).exists(), link


def test_ci_installs_as_the_readme_says():
    first, second = blocks(README, "sh")[0].strip().splitlines()
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r'-e "\.\[gallery,test\]"', first) and '-e ".[gallery,test]"' in ci
    assert second.startswith("pixelgrad gallery ") and "\npixelgrad gallery " in ci
    build = re.search(r"python -m sphinx docs", README) and re.search(r"python -m sphinx -W \S+ -q docs", ci)
    assert build and '-e ".[docs]"' in README and '-e ".[docs]"' in ci


def test_the_code_of_the_readme_runs():
    names = {}
    exec(blocks(README, "python")[0], names)
    assert names["saliency"].shape == (1, 64, 64) and (names["saliency"] >= 0).all()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_between_pages_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
        target = link.split("#")[0].replace("chapters/", "notebooks/")  # the build copies the chapters from there
        if link.startswith("http") or "_pictures/" in link or target.endswith("notebooks/index.md"):
            continue
        place = path.parent / target
        place = ROOT / target.removeprefix("../") if "notebooks/" in target else place
        assert place.exists(), link


def test_every_picture_of_a_page_is_one_that_a_chapter_shows():
    tags = set()
    for chapter in (ROOT / "notebooks").glob("*.ipynb"):
        tags |= set(re.findall(r'"picture:([\w-]+)"', chapter.read_text(encoding="utf-8")))
    used = {name for path in PAGES for name in re.findall(r"_pictures/([\w-]+)\.png", path.read_text(encoding="utf-8"))}
    assert used and used <= tags


def test_every_technique_has_a_page():
    text = "\n".join(path.read_text(encoding="utf-8") for path in TECHNIQUES)
    named = set(re.findall(r"pixelgrad\.visualization\.(\w+)", text))
    helpers = {"gram_matrix_backward", "tv_beta_loss"}  # parts of others
    assert set(visualization.__all__) - named == helpers


@pytest.mark.parametrize("path", TECHNIQUES, ids=lambda path: path.stem)
def test_a_technique_has_formula_picture_options_and_references(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("$$") >= 2 and len(re.findall(r"^!\[", text, re.M)) == 1 and len(blocks(text, "python")) == 1
    assert [line for line in text.splitlines() if line.startswith("## ")] == SECTIONS


@pytest.mark.slow
@pytest.mark.parametrize("path", TECHNIQUES, ids=lambda path: path.stem)
def test_the_code_of_a_technique_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(path.read_text(encoding="utf-8"), "python")
    exec(code, {})
    assert ".savefig(" not in code or list(tmp_path.glob("*.png"))
