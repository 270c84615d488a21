"""The student edition: complete, without a word of the solutions, and green again once they are put back."""

import ast
import json
import subprocess
import sys
import zipfile

import pytest

from pixelgrad.cli import main
from pixelgrad.coursework.checker import markers
from pixelgrad.coursework.checker.judge import BLOCKED, PASSED, TODO
from pixelgrad.coursework.checker.packing import same
from pixelgrad.coursework.checker.store import read_answers
from pixelgrad.coursework.exercises.catalogue import EXERCISES, ROOT, exercise_files
from pixelgrad.coursework.instructor import make
from pixelgrad.coursework.instructor.make import FOLDERS, edition_texts, make_edition
from pixelgrad.coursework.instructor.mistakes import MISTAKES

FILES = exercise_files()
LONG = 30  # characters: shorter lines, such as `return out, cache`, stand in other places, too
# Files of the edition that may share a line with a solution by right: code of our own, but nothing about it.
OUR_CODE = [
    path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in path.parts
]
# What the instructions give away on purpose.
GIVEN = " ".join(text for exercise in EXERCISES.values() for text in exercise.instructions.values())
SAMPLE = ["saliency"]


def text_of(file):
    return (ROOT / file).read_text(encoding="utf-8")


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def solutions():
    """(file, function, text) of every solution."""
    return [
        (file, region.function, markers.solution(text_of(file), region.function, file))
        for file in FILES
        for region in markers.regions(text_of(file), file)
    ]


def telling_lines(text, elsewhere):
    return [line.strip() for line in text.splitlines() if len(line.strip()) > LONG and line.strip() not in elsewhere]


@pytest.fixture(scope="module")
def elsewhere():
    """All lines of our code outside solutions."""
    texts = edition_texts(list(EXERCISES))
    lines = set()
    for path in OUR_CODE:
        file = path.relative_to(ROOT).as_posix()
        lines |= {line.strip() for line in texts.get(file, path.read_text(encoding="utf-8")).splitlines()}
    return lines


@pytest.fixture(scope="module")
def contents(edition):
    """All files of the edition as text, as far as they are text; JSON's escapes undone."""
    made = {}
    for name, path in files_of(edition.path).items():
        content = path.read_bytes().decode("utf-8", errors="replace")
        made[name] = content + content.replace('\\"', '"').replace("\\n", "\n") if name.endswith(".ipynb") else content
    return made


# -- nothing of the solutions ------------------------------------------------------------------------------------------


def test_there_are_solutions_to_look_for(elsewhere):
    lines = [line for _, _, text in solutions() for line in telling_lines(text, elsewhere)]
    assert len(solutions()) >= 31 and len(lines) > 100
    assert {f for _, f, _ in solutions()} == {f for exercise in EXERCISES.values() for f in exercise.functions}


def test_no_solution_is_in_any_file(contents, elsewhere):
    found = []
    for _, function, text in solutions():
        wanted = [text.strip(), *telling_lines(text, elsewhere)]
        wanted = [words for words in wanted if len(words) > LONG]
        wanted = [words for words in wanted if words not in GIVEN]
        found += [(function, name) for name, all_ in contents.items() if any(w in all_ for w in wanted)]
    assert found == []


def test_no_mistake_is_in_any_file(contents, elsewhere):
    found = []
    for mistake in MISTAKES:
        wanted = [line for _, new in mistake.changes for line in telling_lines(new, elsewhere)]
        found += [(mistake.name, name) for name, all_ in contents.items() if any(w in all_ for w in wanted)]
    assert not found


def test_a_leak_would_be_found(contents, elsewhere):
    """The two tests above look for what really is in the instructor copy."""
    file, _, text = next(s for s in solutions() if s[1] == "conv_forward_naive")
    assert any(line in text_of(file) for line in telling_lines(text, elsewhere))
    mistakes = (ROOT / "coursework" / "instructor" / "mistakes_layers.py").read_text(encoding="utf-8")
    lines = [line for m in MISTAKES for _, new in m.changes for line in telling_lines(new, elsewhere)]
    assert sum(line in mistakes for line in lines) > 50


def test_nothing_is_there_that_is_not_for_students(edition):
    """What an edition may hold is a list of folders; whatever is not in it is not in the edition."""
    names = files_of(edition.path)
    rooms = {name.split("/")[1] for name in names if name.startswith("coursework/")}
    assert rooms == {"__init__.py", "checker", "edition.json", "exercises", "stubs"}
    assert {name.split("/")[0] for name in names} == {
        *("pixelgrad", "layers", "classifiers", "visualization", "datasets", "coursework", "notebooks", "tests"),
        *(".github", ".gitignore", "setup.py", "pyproject.toml", "LICENSE", "README.md"),
    }
    assert [name for name in names if name.startswith("tests/")] == ["tests/test_exercises.py"]
    assert not [name for name in names if name.endswith((".pyc", ".part")) or "__pycache__" in name or "{{" in name]


def test_no_markers_are_left(edition):
    for file in FILES:
        assert "SOLUTION" not in edition.text(file)
        assert "SOLUTION" not in edition.text(f"coursework/stubs/{file}.txt")
        assert edition.text(file) == edition.text(f"coursework/stubs/{file}.txt")


# -- complete ----------------------------------------------------------------------------------------------------------


def test_every_file_parses_and_is_filled_in(edition):
    for name, path in files_of(edition.path).items():
        if name.endswith(".py"):
            ast.parse(path.read_text(encoding="utf-8"), name)
        if name.endswith((".ipynb", ".json")):
            json.loads(path.read_text(encoding="utf-8"))
        if name.endswith((".md", ".yml", ".ipynb")):
            assert "{{" not in path.read_text(encoding="utf-8"), name
    for name in ("README.md", "LICENSE", "setup.py", "pyproject.toml", ".github/workflows/classroom.yml"):
        assert (edition.path / name).is_file()
    assert list((edition.path / "notebooks").glob("*.ipynb"))


def test_it_imports_and_its_commands_start(edition):
    code = "import pixelgrad.layers, pixelgrad.classifiers, pixelgrad.visualization, pixelgrad.datasets"
    rooms = (edition.path / "coursework" / room for room in ("checker", "exercises"))
    files = [path.relative_to(edition.path) for room in rooms for path in sorted(room.glob("*.py"))]
    modules = ["pixelgrad." + ".".join(path.with_suffix("").parts) for path in files]
    code += f"\nfor name in {modules!r}: __import__(name)\nfrom pixelgrad.layers import basic; print(basic.__file__)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=edition.path, capture_output=True, text=True, env={"PYTHONDONTWRITEBYTECODE": "1"}
    )
    assert done.returncode == 0 and done.stdout.strip() == str(edition.path / "layers" / "basic.py"), done.stderr
    words = edition.run("--help", check=0).stdout
    assert "check" in words and "instructors" not in words


def test_the_readme_says_what_to_do_first(edition):
    text = edition.text("README.md")
    assert "pixelgrad check affine --watch" in text and "layers/basic.py" in text
    assert all(f"| `{name}` |" in text for name in EXERCISES)


def test_every_function_has_its_instructions_above_its_todo(edition):
    for name, exercise in EXERCISES.items():
        for function, file in exercise.files.items():
            text = edition.text(file)
            assert f'raise Todo("{name}: {function}")' in text
            above = text[: text.index(f'raise Todo("{name}: {function}")')]
            words = " ".join(line.strip("# ") for line in above.splitlines()[-40:])
            assert f"TODO ({name}): {exercise.instructions[function]}" in words


# -- what CI demands of every exercise ---------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=list(EXERCISES))
def test_every_exercise_has_all_that_belongs_to_it(exercise, answers):
    mistakes = [m for m in MISTAKES if m.exercise == exercise.id]
    assert len(mistakes) >= 3 and all(m.hint and m.name for m in mistakes)
    assert len({m.name for m in mistakes}) == len(mistakes)
    assert len(exercise.hints) == 3 and all(exercise.hints) and exercise.reading and exercise.points > 0
    assert set(exercise.instructions) == set(exercise.functions) and all(exercise.instructions.values())
    assert all(need in EXERCISES and need != exercise.id for need in exercise.needs)
    assert len(answers(exercise.id).right) >= 3  # a case is a test
    assert not any(outcome["raised"] for outcome in answers(exercise.id).right.values())


def test_markers_stand_in_exercise_files_only():
    for path in OUR_CODE:
        found = markers.regions(path.read_text(encoding="utf-8"), path.name)
        assert bool(found) == (path.relative_to(ROOT).as_posix() in FILES), path


@pytest.mark.parametrize(
    "old, new",
    [("### END SOLUTION", "# end"), ("### BEGIN SOLUTION", "### BEGIN SOLUTION\n    ### BEGIN SOLUTION")],
)
def test_an_edition_is_not_made_where_markers_are_out_of_order(tmp_path, monkeypatch, old, new):
    for file in FILES:
        (tmp_path / "instructor copy" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "instructor copy" / file).write_text(text_of(file), encoding="utf-8")
    path = tmp_path / "instructor copy" / "layers" / "basic.py"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    monkeypatch.setattr(make, "ROOT", tmp_path / "instructor copy")
    with pytest.raises(markers.MarkerError, match=r"layers/basic\.py, line \d+"):
        edition_texts(["relu"])


# -- putting solutions back --------------------------------------------------------------------------------------------


def statuses(check, project, *solved):
    verdicts, _ = check(project.solve(*solved))
    return {name: verdict.status for name, verdict in verdicts.items()}


def all_todo_but(**others):
    return {name: TODO for name in EXERCISES} | others


def needed_by(name):
    return [other for other in EXERCISES if name in EXERCISES[other].needs]


def test_everything_is_todo_at_first(edition, check):
    verdicts, printed = check(edition)
    assert {name: v.status for name, v in verdicts.items()} == all_todo_but()
    assert printed == "" and not any(v.points for v in verdicts.values())


def test_all_solutions_make_everything_green(project, check):
    assert set(statuses(check, project, *EXERCISES).values()) == {PASSED}


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_one_solution_turns_its_own_exercise_green(project, check, name):
    assert statuses(check, project, name) == all_todo_but(**{name: PASSED})


@pytest.mark.slow
@pytest.mark.parametrize("name", EXERCISES)
def test_every_solution_turns_exactly_its_own_exercise_green(project, check, name):
    needs = EXERCISES[name].needs
    assert statuses(check, project, name) == all_todo_but(**{name: BLOCKED if needs else PASSED})
    assert statuses(check, project, name, *needs) == all_todo_but(**{n: PASSED for n in (name, *needs)})
    for other in needed_by(name):  # waits for this one, and for this one only
        needs = [need for need in EXERCISES[other].needs if need != name]
        expected = all_todo_but(**{n: PASSED for n in needs}, **{other: BLOCKED})
        for need in needs:
            expected |= {need: BLOCKED} if name in EXERCISES[need].needs else {}
        assert statuses(check, project, other, *needs) == expected
        after = {n: PASSED for n in (name, other, *needs)}
        assert statuses(check, project, name, other, *needs) == all_todo_but(**after)


@pytest.mark.slow
def test_what_waited_is_unblocked(project, check):
    verdicts, _ = check(project.solve("style"), "style")
    assert verdicts["style"].status == BLOCKED and verdicts["style"].message.startswith("gram: ")
    verdicts, _ = check(project.solve("style", "gram"), "style")
    assert verdicts["style"].status == PASSED


# -- choosing, zipping, refusing ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_is_not_chosen_keeps_its_solution(make_project):
    project = make_project(exercises=["tv", "relu"], title="Our course", seed=3)
    assert "raise Todo" in project.text("layers/basic.py") and "raise Todo" not in project.text("layers/losses.py")
    shown = json.loads(project.run("check", "--json", check=1).stdout)["exercises"]
    assert [(one["id"], one["status"]) for one in shown] == [("relu", "todo"), ("tv", "todo")]
    assert project.text("README.md").startswith("# Our course\n") and "`affine`" not in project.text("README.md")
    functions = ast.parse(project.text("layers/basic.py"))
    bodies = {node.name: ast.unparse(node) for node in functions.body if isinstance(node, ast.FunctionDef)}
    assert "raise Todo" in bodies["relu_forward"] and "raise Todo" not in bodies["affine_forward"]
    assert not (project.path / "coursework" / "stubs" / "layers" / "losses.py.txt").exists()


@pytest.mark.slow
def test_a_zip_holds_the_same(tmp_path, make_project):
    folder = make_project(exercises=["relu"]).path
    path = make_edition(tmp_path / "course.zip", exercises=["relu"], as_zip=True)
    with zipfile.ZipFile(path) as archive:
        assert {name.removeprefix("course/") for name in archive.namelist()} == set(files_of(folder))
        assert all(name.startswith("course/") for name in archive.namelist())
        archive.extractall(tmp_path / "unpacked")
    for name, file in files_of(tmp_path / "unpacked" / "course").items():
        if not name.endswith(".h5"):
            assert file.read_bytes() == (folder / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["course.zip", "other", "unpacked"]


def test_a_zip_is_called_so(tmp_path, capsys):
    assert main(["coursework", "make", str(tmp_path / "seeing 1.0"), "--exercises", "relu", "--zip"]) == 0
    assert "seeing 1.0.zip: a student edition" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "seeing 1.0.zip") as archive:
        assert all(name.startswith("seeing 1.0/") for name in archive.namelist())
    with pytest.raises(FileExistsError, match="seeing 1.0.zip exists already"):
        make_edition(tmp_path / "seeing 1.0", as_zip=True)


@pytest.mark.parametrize("as_zip", [False, True])
def test_what_exists_is_left_alone(tmp_path, as_zip):
    name = "course.zip" if as_zip else "course"
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=f"{name} exists already"):
        make_edition(tmp_path / "course", as_zip=as_zip)
    assert files_of(tmp_path) == {f"{name}/mine.txt": tmp_path / name / "mine.txt"}


def test_what_cannot_be_made_is_refused(tmp_path, edition):
    with pytest.raises(ValueError, match="no exercise 'nonsense'; the exercises are affine, relu"):
        make_edition(tmp_path / "course", exercises=["relu", "nonsense"])
    with pytest.raises(ValueError, match="no exercise was chosen"):
        make_edition(tmp_path / "course", exercises=[])
    with pytest.raises(FileNotFoundError, match="does not exist"):
        make_edition(tmp_path / "nowhere" / "course")
    assert not list(tmp_path.iterdir())
    done = edition.run("coursework", "make", tmp_path / "course", check=2)  # it cannot make editions itself
    assert "invalid choice: 'coursework'" in done.stderr and not (tmp_path / "course").exists()


def test_the_command(tmp_path, capsys):
    assert main(["coursework", "make", str(tmp_path / "course"), "--exercises", "relu, tv"]) == 0
    assert "README says what to do first" in capsys.readouterr().out
    assert main(["coursework", "make", str(tmp_path / "course"), "--exercises", "relu"]) == 2
    assert main(["coursework", "make", str(tmp_path / "more"), "--exercises", "gelu"]) == 2
    error = capsys.readouterr().err
    assert "exists already" in error and "the exercises are affine, relu" in error


def test_making_it_twice_makes_the_same_answers(tmp_path, edition):
    """The seed decides; so a course can be made again after a small change."""
    made = [make_edition(tmp_path / f"{n}", exercises=["relu"], seed=seed) for n, seed in enumerate((0, 0, 1))]
    first, again, other = (read_answers(path=path / "coursework" / "checker" / "answers.h5")["relu"] for path in made)
    assert same(first.inputs, again.inputs) and same(first.right, again.right)
    assert not same(first.inputs, other.inputs)
