"""The student edition: the same project, with stubs in place of the chosen solutions."""

import json
import shutil
import tempfile
import zipfile
from pathlib import Path

from ..._language import in_language, language
from ..._language import translated as _
from ..checker import markers
from ..checker.board import known_exercise
from ..checker.store import ANSWERS, write_answers
from ..checker.student import STUBS
from ..exercises.catalogue import EDITION, EXERCISES, ROOT, check_stages
from .answers import make_answers
from .chapters import chapter_files, write_for_students

# What students get: these folders, and of the coursework the exercises and the checker, never coursework/instructor.
FOLDERS = ("pixelgrad", "layers", "classifiers", "visualization", "datasets", "notebooks")
COURSEWORK = ("coursework/exercises", "coursework/checker")
FILES = ("setup.py", "pyproject.toml", "LICENSE", "coursework/__init__.py")
TEMPLATES = Path(__file__).resolve().parent / "edition"


def make_edition(out, *, exercises=None, stages=None, title=None, lang=None, as_zip=False, seed=0, answers=True):
    """Write a student edition.

    Parameters
    ----------
    out : str or Path
        Folder to make; or, with as_zip, zip file (.zip is added where it is missing).
    exercises : sequence of str, optional
        What students are to write; all by default. What is not chosen keeps its solution.
    stages : sequence of str, optional
        The extensions that the edition's checker asks for beside the core; all by default.
    title : str, optional
        Of the README.
    lang : {"en", "zh"}, optional
        The language of README, instructions, chapters and, where nobody asks for another, of the checker's words.
        By default the language in use: that of the system.
    as_zip : bool
    seed : int
        Draws the inputs.
    answers : bool
        Put the file of answers into it, which the checker needs.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        A name is not that of an exercise, or of a stage.
    FileExistsError
        There is something at `out` already.
    MarkerError
        The markers of a solution are not in order.
    FileNotFoundError
        This is not a checkout of pixelgrad: the installed package lacks what is needed.
    """
    chosen = list(EXERCISES) if exercises is None else [name for name in EXERCISES if name in exercises]
    for name in exercises or ():
        known_exercise(name)
    check_stages(stages)
    if not chosen:
        raise ValueError("no exercise was chosen")
    if not (ROOT / "setup.py").is_file() or (ROOT / EDITION).exists():
        raise FileNotFoundError("student editions are made in a checkout of pixelgrad's own repository")
    out = Path(out)
    if as_zip and out.suffix.lower() != ".zip":
        out = out.with_name(f"{out.name}.zip")
    if out.exists():
        raise FileExistsError(f"{out} exists already; give another name, or remove it")
    if not out.parent.is_dir():
        raise FileNotFoundError(f"the folder {out.parent} does not exist")
    with tempfile.TemporaryDirectory(prefix=".edition-", dir=out.parent) as temporary:
        project = Path(temporary) / (out.stem if as_zip else out.name)
        with in_language(lang):
            title = title or _("Seeing inside convolutional networks")
            _write(project, chosen, stages, title, seed if answers else None)
        if as_zip:
            made = _zipped(project, Path(temporary) / "edition.zip")
        else:
            made = project
        made.rename(out)
    return out


def edition_texts(chosen):
    """The exercise files of an edition, {path from the root: text}: stubs for the chosen, no markers anywhere."""
    instructions = {}
    for name in chosen:
        exercise = EXERCISES[name]
        for function, file in exercise.files.items():
            instructions.setdefault(file, {})[function] = (name, _(exercise.instructions[function]))
    texts = {}
    for file in dict.fromkeys(file for exercise in EXERCISES.values() for file in exercise.files.values()):
        texts[file] = markers.stub((ROOT / file).read_text(encoding="utf-8"), instructions.get(file, {}), file)
    return texts


def _write(project, chosen, stages, title, seed):
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc", "*.part", ".*")
    for folder in (*FOLDERS, *COURSEWORK):
        shutil.copytree(ROOT / folder, project / folder, ignore=ignore)
    for chapter in chapter_files(project):
        write_for_students(chapter, exercises=chosen)
    for name in FILES:
        shutil.copy(ROOT / name, project / name)
    texts = edition_texts(chosen)
    for file, text in texts.items():
        (project / file).write_text(text, encoding="utf-8")
        if "raise Todo(" in text:
            stub = project / STUBS / f"{file}.txt"
            stub.parent.mkdir(parents=True, exist_ok=True)
            stub.write_text(text, encoding="utf-8")
    made_of = {"title": title, "exercises": chosen, "lang": language()} | ({"stages": list(stages)} if stages else {})
    (project / EDITION).write_text(json.dumps(made_of), encoding="utf-8")
    answers_file = project / ANSWERS.relative_to(ROOT)
    answers_file.unlink(missing_ok=True)
    if seed is not None:
        write_answers(answers_file, make_answers(chosen, seed=seed))
    _write_templates(project, chosen, stages, title)


def _write_templates(project, chosen, stages, title):
    """README (of README.zh.md for Chinese), test file and workflow; each {{NAME}} in them is filled in."""
    points = {name: sum(stage.points for stage in EXERCISES[name].stages((), stages)) for name in chosen}
    rows = [
        f"| `{name}` | {_(EXERCISES[name].title)} | {', '.join(dict.fromkeys(EXERCISES[name].files.values()))} "
        f"| {points[name]} |"
        for name in chosen
    ]
    first = EXERCISES[chosen[0]]
    values = {
        "TITLE": title,
        "EXERCISES": "\n".join(rows),
        "FIRST": chosen[0],
        "FIRST_FILE": next(iter(first.files.values())),
        "POINTS": str(sum(points.values())),
    }
    own = f"README.{language()}.md"
    for template in sorted(path for path in TEMPLATES.rglob("*") if path.is_file()):
        if template.name != (own if (TEMPLATES / own).is_file() else "README.md") and template.name.startswith(
            "README"
        ):
            continue
        text = template.read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace("{{" + name + "}}", value)
        target = project / template.relative_to(TEMPLATES).as_posix().replace("dot-", ".").replace(own, "README.md")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _zipped(project, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for file in sorted(project.rglob("*")):
            if file.is_file():
                archive.write(file, Path(project.name) / file.relative_to(project))
    return path
