"""Other languages: nothing is left without a translation, and no translation loses a field."""

import json
import re
import string

import pytest
from babel.messages.mofile import read_mo

from pixelgrad._language import DOMAINS, LANGUAGES, VARIABLE, in_language, language, retranslated
from pixelgrad._language import translated as _
from pixelgrad.coursework.checker.board import board, check
from pixelgrad.coursework.checker.importing import import_fault, not_imported
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


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("relu_forward returned None instead of (out, cache); does it end in a return?", ["(out, cache)", "return"]),
        ("affine_backward returned one value, a list; (dx, dw, db) was expected", ["list", "(dx, dw, db)"]),
        ("style_loss returned a list of 2 as dfeats; a list of 3 was expected, one a layer", ["2", "dfeats", "3"]),
        ("the objective returned 2 values; (loss, dX, info) was expected", ["2", "(loss, dX, info)"]),
        ("a matrix", ["matrix"]),
        ("an array of complex128", ["complex128"]),
        ("an array of int64 with the shape (400, 400), far too large", ["int64", "(400, 400)"]),
        ("what the functions return has 1,000,001 entries in all, too much to be kept", ["1,000,001"]),
        ("(in affine_forward, which was given x (3, 4), w (4, 2))", ["affine_forward", "x (3, 4), w (4, 2)"]),
        (
            "it is saved as UTF-16, which Python does not read; save it as UTF-8 (in the editor: Save with Encoding)",
            ["UTF-16", "UTF-8", "Save with Encoding"],
        ),
        (
            "conv_forward_naive calls pixelgrad.layers.im2col.im2col, which is given and solves the exercise: write it "
            "yourself",
            ["conv_forward_naive", "pixelgrad.layers.im2col.im2col"],
        ),
    ],
)
def test_words_of_a_childs_process_are_told_by_their_form(words, kept):
    """They are English, and nothing of them stays so but code."""
    with in_language("zh"):
        told = retranslated(words)
    rest = told
    for code in kept:
        assert code in told
        rest = rest.replace(code, "")
    assert re.search(r"[\u4e00-\u9fff]", rest) and not re.search(r"[a-z]+ [a-z]+", rest), told
    with in_language("en"):
        assert retranslated(words) == words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("SyntaxError in line 3: expected ':'", "SyntaxError，第 3 行: expected ':'"),
        ("AssertionError in line 3", "AssertionError，第 3 行"),
        ("ValueError in line 3: a must be positive", "ValueError，第 3 行: a must be positive"),
        ("ModuleNotFoundError: No module named 'a list'", "ModuleNotFoundError: No module named 'a list'"),
        (
            "SystemExit in line 9: it ends the whole program; do not call exit() outside the functions",
            "SystemExit，第 9 行: 它会结束整个程序；不要在函数之外调用 exit()",
        ),
    ],
)
def test_of_an_import_that_fails_all_but_pythons_own_words_is_translated(words, told):
    outcomes = not_imported(["a case"], "layers/basic.py", words)
    with in_language("en"):
        assert import_fault(outcomes) == ("layers/basic.py", words)
    with in_language("zh"):
        assert import_fault(outcomes) == ("layers/basic.py", told)


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
