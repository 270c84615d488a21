"""Other languages: nothing is left without a translation, and no translation loses a field."""

import json
import re
import string

import pytest
from babel.messages.mofile import read_mo

from pixelgrad._language import DOMAINS, LANGUAGES, VARIABLE, in_language, language
from pixelgrad._language import translated as _
from pixelgrad.coursework.checker.board import board, check
from pixelgrad.coursework.checker.texts import columns, padded, wrapped
from pixelgrad.coursework.instructor.make import make_edition
from pixelgrad.coursework.instructor.translations import catalogue, compiled, folder, missing

ALL = [(domain, code) for code in LANGUAGES[1:] for domain in (*DOMAINS, "chapters")]
CODE = re.compile(r"`[^`]+`")


def fields(text):
    """The names of a text's fields; none where it is no template."""
    try:
        return sorted(field for _text, field, *_rest in string.Formatter().parse(text) if field is not None)
    except ValueError:
        return []


@pytest.mark.parametrize(("domain", "code"), ALL)
def test_every_text_has_a_translation(domain, code):
    assert missing(domain, code) == []


@pytest.mark.parametrize(("domain", "code"), ALL)
def test_the_compiled_file_is_that_of_the_texts(domain, code):
    """`python -m pixelgrad.coursework.instructor.translations` brings both up to date."""
    with open(folder(domain, code) / f"{domain}.mo", "rb") as file:
        kept = {message.id: message.string for message in read_mo(file) if message.id}
    assert kept == {message.id: message.string for message in catalogue(domain, code) if message.id}
    assert compiled(catalogue(domain, code))


@pytest.mark.parametrize(("domain", "code"), ALL)
def test_fields_and_code_survive(domain, code):
    for message in catalogue(domain, code):
        if message.id:
            assert fields(message.string) == fields(message.id), message.id
            assert sorted(CODE.findall(message.string)) == sorted(CODE.findall(message.id)), message.id


def test_the_language_is_chosen_by_hand_by_the_variable_or_by_the_system(monkeypatch):
    for name in (VARIABLE, "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert language() == "zh"
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")  # which we do not have
    assert language() == "en" and _("as above") == "as above"
    monkeypatch.setenv(VARIABLE, "zh")
    assert language() == "zh" and _("as above") != "as above"
    with in_language("en"):
        assert _("as above") == "as above"
        with in_language(None):
            assert language() == "en"
    assert language() == "zh"


def test_the_board_and_the_childs_words_are_translated(monkeypatch):
    with in_language("zh"):
        verdicts, _printed = check(["relu"])
        words = board(verdicts)
    assert "relu" in words and re.search(r"[\u4e00-\u9fff]", words.splitlines()[1])


def test_an_edition_keeps_its_language(tmp_path):
    made = make_edition(tmp_path / "edition", exercises=["relu"], lang="zh", answers=False)
    assert json.loads((made / "coursework" / "edition.json").read_text(encoding="utf-8"))["lang"] == "zh"
    for file in ("README.md", "layers/basic.py", "notebooks/1-layers-and-gradients.ipynb"):
        assert re.search(r"[\u4e00-\u9fff]{4}", (made / file).read_text(encoding="utf-8")), file
    assert not (made / "README.zh.md").exists()
    assert not [*made.rglob("chapters.po"), *made.rglob("chapters.mo")]


def test_both_readmes_have_the_same_commands():
    """The code in a README is that of its translation, comments apart."""
    from pixelgrad.coursework.exercises.catalogue import ROOT

    for path in (ROOT / "README.md", ROOT / "coursework" / "instructor" / "edition" / "README.md"):
        texts = [path, path.with_name("README.zh.md")]
        blocks = [re.findall(r"```\w*\n(.*?)```", text.read_text(encoding="utf-8"), re.DOTALL) for text in texts]
        ours, theirs = ([re.sub(r"\s*#.*", "", block) for block in some] for some in blocks)
        assert ours == theirs, path


def test_chinese_takes_two_columns_and_breaks_anywhere_but_before_punctuation():
    assert columns("ab卷积") == 6 and padded("卷积", 6) == "卷积  "
    lines = wrapped("卷积的梯度少了一个因子，它在每个样本上都一样。see `dx` for it", 20, "  ")
    assert all(columns(line) <= 22 and line.startswith("  ") for line in lines)
    assert not any(line.strip()[0] in "，。" for line in lines)
    assert "".join(line.strip() for line in lines).replace(" ", "") == (
        "卷积的梯度少了一个因子，它在每个样本上都一样。see`dx`forit"
    )
