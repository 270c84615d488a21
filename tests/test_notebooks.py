"""The chapters are complete, and run from the first cell to the last: with all solutions, and with none."""

import base64
import io
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from pixelgrad.coursework.exercises.catalogue import EXERCISES, ROOT
from pixelgrad.coursework.instructor.chapters import (
    BLANK,
    _smaller,
    chapter_files,
    for_students,
    is_answer,
    run_chapter,
    write_for_students,
)
from pixelgrad.coursework.instructor.make import make_edition

CHAPTERS = chapter_files()

every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def cells(notebook, kind):
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def outputs(notebook, kind):
    """The texts, or the number of pictures, that each cell of code shows."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    if kind == "pictures":
        return [sum("image/png" in output.get("data", {}) for output in cell["outputs"]) for cell in code]
    return ["".join("".join(o.get("text", "")) for o in cell["outputs"]) for cell in code]


def asked(notebook):
    """The exercises that a chapter checks."""
    calls = re.findall(r"^report\((.*)\)$", "\n".join(cells(notebook, "code")), re.M)
    return re.findall(r'"(\w+)"', " ".join(calls))


def test_the_chapters_are_numbered_and_call_every_exercise_of_the_course():
    assert [path.stem[0] for path in CHAPTERS] == list("1234567")
    assert {name for path in CHAPTERS for name in asked(read(path))} == set(EXERCISES)


@every_chapter
def test_a_chapter_has_words_formulas_pictures_and_questions(path):
    notebook = read(path)
    words = cells(for_students(notebook), "markdown")  # without the model answers
    assert words[0].startswith(f"# {path.stem[0]}. ") and words[-1].startswith("## Try this")
    assert len(re.sub(r"\$.*?\$", "", " ".join(words), flags=re.S).split()) >= 700
    assert sum(text.count("$$") for text in words) >= 4
    assert sum(outputs(notebook, "pictures")) >= 4
    questions = re.findall(r"^> \*\*Question (\d)\.\*\*", "\n".join(words), re.M)
    assert questions in (["1", "2"], ["1", "2", "3"])


@every_chapter
def test_every_question_is_followed_by_its_model_answer(path):
    before = None
    answers = 0
    for cell in read(path)["cells"]:
        text = "".join(cell["source"])
        if is_answer(cell):
            assert text.startswith("**Model answer.**") and "> **Question" in before
            answers += 1
        else:
            assert "Model answer" not in text
            assert before is None or "> **Question" not in before
        before = text
    assert answers >= 2


@every_chapter
def test_stored_outputs_are_complete_and_hold_nothing_that_changes(path):
    notebook = read(path)
    assert notebook["nbformat"] == 4 and len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    counts = [cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    for cell in notebook["cells"]:
        assert "execution" not in cell["metadata"]
        if cell["cell_type"] == "code":
            compile("".join(cell["source"]), path.name, "exec")
            assert all(o["output_type"] != "error" and o.get("name") != "stderr" for o in cell["outputs"])
    said = "\n".join(outputs(notebook, "texts"))
    assert "To do first" not in said and "✗" not in said and str(ROOT) not in said
    assert path.stat().st_size < 1.5e6


def test_students_get_neither_answers_nor_outputs(tmp_path):
    for path in CHAPTERS:
        made = tmp_path / path.name
        write_for_students(made, path)
        notebook, text = read(made), made.read_text(encoding="utf-8")
        assert "Model answer" not in text and "image/png" not in text
        assert text.count(BLANK) == sum(map(is_answer, read(path)["cells"]))
        assert not any(map(is_answer, notebook["cells"]))
        assert len(notebook["cells"]) == len(read(path)["cells"])


def test_outputs_can_be_kept_for_the_documentation():
    notebook = for_students(read(CHAPTERS[0]), outputs=True)
    assert sum(outputs(notebook, "pictures")) >= 4 and "Model answer" not in json.dumps(notebook)


def test_a_stored_picture_keeps_the_colours_of_few_pixels():
    """Photographs fill a palette; the two oranges, the olive and the green of a plot's points are still told apart."""
    photograph = np.random.default_rng(0).integers(0, 40, (300, 300, 3)) + np.arange(0, 210, 0.7)[:300, None, None]
    picture = np.clip(photograph, 0, 255).astype(np.uint8)
    points = [(255, 127, 14), (255, 187, 120), (188, 189, 34), (44, 160, 44)]
    picture[:2, :8] = np.repeat(points, 2, axis=0)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    stored = _smaller(base64.b64encode(file.getvalue()).decode("ascii"))
    back = np.asarray(Image.open(io.BytesIO(base64.b64decode(stored))).convert("RGB"))
    assert np.abs(back[:2, :8].astype(int) - picture[:2, :8]).max() < 40


@pytest.mark.slow
@every_chapter
def test_a_chapter_runs_on_the_solutions(path, tmp_path):
    done, stored = run_chapter(path, folder=tmp_path), read(path)
    assert outputs(done, "pictures") == outputs(stored, "pictures")
    assert "To do first" not in "".join(outputs(done, "texts"))


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    """A student edition in which everything is to do, with the answers that the checker compares with."""
    made = make_edition(tmp_path_factory.mktemp("edition") / "course", answers=False)
    answers = "coursework/checker/answers.h5"
    shutil.copy(ROOT / answers, made / answers)
    return made


@pytest.mark.slow
@every_chapter
def test_a_chapter_runs_with_everything_to_do(path, edition):
    """A cell that waits for an exercise says so in one line; the cells below it run on."""
    done = run_chapter(edition / "notebooks" / path.name)
    said = outputs(done, "texts")
    code = [cell for cell in done["cells"] if cell["cell_type"] == "code"]
    assert all(output["output_type"] != "error" for cell in code for output in cell["outputs"])
    waiting = [text for text in said if "To do first: " in text]
    assert all(text.count("To do first: ") == 1 for text in waiting)
    named = {name for text in waiting for name in re.findall(r"To do first: (\w+) \(", text)}
    exercises = set(asked(read(path)))
    assert named <= set(EXERCISES) and named & exercises if exercises else not waiting
    assert sum(outputs(done, "pictures")) < sum(outputs(read(path), "pictures")) or not exercises
    for cell, text in zip(code, said):
        assert "To do first: " not in text or not sum("image/png" in o.get("data", {}) for o in cell["outputs"])
    assert code[-1]["execution_count"] == len(code)
