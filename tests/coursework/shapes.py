"""Shapes in which submissions arrive. A plain module: no tests.

`SHAPES` is {name: shape(folder, solved)}: each writes into an empty folder what a course system or a student delivers,
from `solved`, {path: text} of all exercise files, and returns the path to grade and {row: what it must be}: ALL for
every file, a list of paths for some, or words of the explanation.
"""

import bz2
import codecs
import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile

ALL = "all files"
BASIC = ["layers/basic.py"]
SHAPES = {}


def shape(function):
    """Register a shape under its function's name, as words."""
    SHAPES[function.__name__.replace("_", " ")] = function
    return function


def write(folder, texts):
    for file, text in texts.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def zipped(texts, inside="", when=(2027, 1, 1, 0, 0, 0)):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, text in texts.items():
            archive.writestr(zipfile.ZipInfo(inside + file, when), text)
    return data.getvalue()


def tarred(texts, pack=bytes):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for file, text in texts.items():
            info = tarfile.TarInfo(f"./{file}")
            content = text if isinstance(text, bytes) else text.encode()
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return pack(data.getvalue())


def flat(solved):
    return {file.split("/")[-1]: text for file, text in solved.items()}


def old(solved):
    return {file: text + "\n# an earlier attempt\n" for file, text in solved.items()}


def _moodle(solved):
    return {
        "Müller Anna_1234567_assignsubmission_file_/submission.zip": zipped(solved, "course/"),
        "Lee Bo_1234568_assignsubmission_file_/basic.py": solved["layers/basic.py"],
        "Kim Cy_1234569_assignsubmission_file_/work.7z": b"7z\xbc\xaf\x27\x1c rest",
        "Kim Cy_1234569_assignsubmission_onlinetext_/onlinetext.html": "<p>see the file</p>",
        "Noll Di_1234570_assignsubmission_onlinetext_/onlinetext.html": "<p>I could not do it</p>",
    }


_MOODLE_ROWS = {"Müller Anna": ALL, "Lee Bo": BASIC, "Kim Cy": "hand in a zip file", "Noll Di": "onlinetext.html"}


@shape
def moodle_zip(folder, solved):
    write(folder, {"CS-HW1-42.zip": zipped(_moodle(solved))})
    return folder / "CS-HW1-42.zip", _MOODLE_ROWS


@shape
def moodle_unpacked(folder, solved):
    return write(folder, _moodle(solved)), _MOODLE_ROWS


@shape
def moodle_zip_in_a_folder(folder, solved):
    return write(folder, {"download.zip": zipped(_moodle(solved))}), _MOODLE_ROWS


@shape
def moodle_without_folders(folder, solved):
    texts = {"Lee Bo_7_assignsubmission_file_basic.py": solved["layers/basic.py"]}
    texts["Doe Jo_8_assignsubmission_file_submission.zip"] = zipped(solved)
    return write(folder, texts), {"Lee Bo": BASIC, "Doe Jo": ALL}


@shape
def two_of_one_name(folder, solved):
    texts = {f"Lee Bo_{n}_assignsubmission_file_/s.zip": zipped(solved) for n in (7, 8)}
    return write(folder, texts), {"Lee Bo 7": ALL, "Lee Bo 8": ALL}


def _canvas(solved):
    return {
        "doejane_12345_678900_submission.zip": zipped(old(solved)),
        "doejane_12345_678905_submission-1.zip": zipped(old(solved)),
        "doejane_12345_678910_submission-2.zip": zipped(solved),
        "leebo_LATE_12346_678911_basic.py": solved["layers/basic.py"],
        "leebo_LATE_12346_678912_losses-1.py": solved["layers/losses.py"],
        "kimcy_12347_text.html": "<p>nothing</p>",
    }


_CANVAS_ROWS = {"doejane": ALL, "leebo": ["layers/basic.py", "layers/losses.py"], "kimcy": "holds none"}


@shape
def canvas_zip(folder, solved):
    write(folder, {"submissions.zip": zipped(_canvas(solved))})
    return folder / "submissions.zip", _CANVAS_ROWS


@shape
def canvas_unpacked(folder, solved):
    return write(folder, _canvas(solved)), _CANVAS_ROWS


METADATA = """---
submission_501:
  :submitters:
  - :name: Jane Doe
    :sid: '31001'
    :email: jane@uni.edu
  - :name: "Bo O'Lee"
    :sid: '31002'
    :email: bo@uni.edu
  :created_at: 2027-01-01 10:00:00.000000000 Z
  :score: 3.0
  :history:
  - :id: 500
    :name: not a student
submission_502:
  :submitters:
  - :name: Cy Kim
    :sid:
    :email: cy@uni.edu
  :score:
"""


@shape
def gradescope_export(folder, solved):
    texts = {f"assignment_9_export/submission_501/{file}": text for file, text in flat(solved).items()}
    texts["assignment_9_export/submission_metadata.yml"] = METADATA
    write(folder, {"assignment_9_export.zip": zipped(texts)})
    return folder / "assignment_9_export.zip", {"Jane Doe": ALL, "Bo O'Lee": ALL, "Cy Kim": "submission_502"}


@shape
def github_classroom(folder, solved):
    texts = {f"hw1-{user}/{f}": t for user in ("jdoe", "bo-lee") for f, t in solved.items()}
    texts |= {"hw1-jdoe/.git/layers/basic.py": "junk"}
    return write(folder, texts), {"hw1-jdoe": ALL, "hw1-bo-lee": ALL}


@shape
def single_python_files(folder, solved):
    texts = {"doe.py": solved["layers/basic.py"], "basic_lee.py": solved["layers/basic.py"]}
    return write(folder, texts), {"doe": BASIC, "basic_lee": BASIC}


@shape
def one_python_file(folder, solved):
    write(folder, {"my homework.py": solved["layers/basic.py"]})
    return folder / "my homework.py", {"my homework": BASIC}


@shape
def flat_files(folder, solved):
    return write(folder / "in", flat(solved)), {"in": ALL}


@shape
def flat_files_of_a_class(folder, solved):
    return write(folder, {f"doe/{f}": t for f, t in flat(solved).items()}), {"doe": ALL}


@shape
def flat_files_in_a_zip(folder, solved):
    return write(folder, {"doe.zip": zipped(flat(solved))}), {"doe": ALL}


@shape
def zip_in_zip(folder, solved):
    return write(folder, {"doe.zip": zipped({"a/inner.zip": zipped(solved)})}), {"doe": ALL}


@shape
def zips_of_a_class_in_a_zip(folder, solved):
    write(folder, {"all.zip": zipped({"doe.zip": zipped(solved), "lee.zip": zipped(solved, "project/")})})
    return folder / "all.zip", {"doe": ALL, "lee": ALL}


@shape
def folders_of_a_class_in_a_zip(folder, solved):
    texts = {f"{name}/{file}": text for name in ("doe", "lee") for file, text in solved.items()}
    write(folder, {"all.zip": zipped(texts)})
    return folder / "all.zip", {"doe": ALL, "lee": ALL}


@shape
def too_many_zips_in_zips(folder, solved):
    data = zipped(solved)
    for _ in range(5):
        data = zipped({"inner.zip": data})
    return write(folder, {"doe.zip": data}), {"doe": "lies in 3 archives"}


@shape
def tar_files(folder, solved):
    packed = {"a.tar": bytes, "b.tar.gz": gzip.compress, "c.tgz": gzip.compress}
    packed |= {"d.tar.bz2": bz2.compress, "e.tar.xz": lzma.compress}
    rows = {name.split(".")[0]: ALL for name in packed}
    return write(folder, {name: tarred(solved, pack) for name, pack in packed.items()}), rows


@shape
def a_compressed_file(folder, solved):
    return write(folder, {"doe/basic.py.gz": gzip.compress(solved["layers/basic.py"].encode())}), {"doe": BASIC}


@shape
def copies_by_the_browser(folder, solved):
    names = ("basic (1).py", "basic(2).py", "basic - Copy.py", "basic copy 2.py", "basic-3.py", "basic.py.txt")
    texts = {f"{k}/{name}": solved["layers/basic.py"] for k, name in enumerate(names)}
    return write(folder, texts), {str(k): BASIC for k in range(len(names))}


@shape
def other_letter_case(folder, solved):
    return write(folder, {"doe/Layers/Basic.PY": solved["layers/basic.py"]}), {"doe": BASIC}


@shape
def folders_of_any_depth(folder, solved):
    texts = {f"doe/a/b c/d/e/f/{file}": text for file, text in solved.items()}
    return write(folder, texts), {"doe": ALL}


@shape
def files_of_a_mac(folder, solved):
    junk = {f"__MACOSX/layers/._{file.split('/')[-1]}": b"\0\5\26\7" for file in solved}
    junk |= {"layers/._basic.py": b"\0\5\26\7", ".DS_Store": b"\0", "__MACOSX/layers/basic.py": "junk"}
    return write(folder, {"doe.zip": zipped(solved | junk), "._doe.zip": b"\0\5\26\7"}), {"doe": ALL}


@shape
def tools_leave_files_behind(folder, solved):
    places = ("build/lib", ".venv/lib/site-packages/pixelgrad", ".ipynb_checkpoints", "__pycache__", ".git/x")
    junk = {f"doe/{place}/layers/basic.py": "junk = 1" for place in places}
    junk |= {"doe/coursework/stubs/layers/basic.py.txt": "def relu_forward(x): ..."}
    return write(folder, {f"doe/{f}": t for f, t in solved.items()} | junk), {"doe": ALL}


@shape
def the_whole_project(folder, solved):
    """With all its other modules, some of which define functions of the same names."""
    root = os.path.join(os.path.dirname(__file__), "..", "..")
    texts = {}
    for top in ("layers", "classifiers", "visualization", "pixelgrad", "coursework/checker", "coursework/exercises"):
        for here, _, files in os.walk(os.path.join(root, top)):
            for name in files:
                if name.endswith(".py"):
                    path = os.path.join(here, name)
                    with open(path, "rb") as f:
                        texts[os.path.relpath(path, root).replace(os.sep, "/")] = f.read()
    return write(folder, {"doe.zip": zipped(texts | solved, "seeing-2027/")}), {"doe": ALL}


@shape
def two_attempts(folder, solved):
    """The later one counts, by the report that `submit` puts in; else by the dates of the files."""
    report = {made: json.dumps({"made": f"2027-0{made}-01T10:00:00+01:00"}) for made in (1, 2)}
    texts = {
        "doe/submission.zip": zipped(solved | {"report.json": report[2]}, when=(2027, 1, 1, 0, 0, 0)),
        "doe/submission (1).zip": zipped(old(solved) | {"report.json": report[1]}, when=(2027, 9, 1, 0, 0, 0)),
        "lee/a.zip": zipped(old(solved), when=(2027, 1, 1, 0, 0, 0)),
        "lee/b.zip": zipped(solved, when=(2027, 1, 2, 0, 0, 0)),
        **{f"kim/attempt {n}/{f}": t for n, texts in ((9, old(solved)), (10, solved)) for f, t in texts.items()},
    }
    return write(folder, texts), {"doe": ALL, "lee": ALL, "kim": ALL}


@shape
def the_same_file_twice(folder, solved):
    texts = {f"doe/{file}": text for file, text in solved.items()}
    return write(folder, texts | {"doe/basic.py": solved["layers/basic.py"]}), {"doe": ALL}


@shape
def two_that_differ(folder, solved):
    texts = {"doe/basic.py": solved["layers/basic.py"], "doe/new/basic.py": old(solved)["layers/basic.py"]}
    texts |= {"lee/one.py": solved["layers/basic.py"], "lee/two.py": old(solved)["layers/basic.py"]}
    return write(folder, texts), {"doe": "which is layers/basic.py?", "lee": "one.py, two.py"}


@shape
def byte_order_marks(folder, solved):
    text = solved["layers/basic.py"]
    encoded = {
        "utf-8": codecs.BOM_UTF8 + text.encode(),
        "utf-16": text.encode("utf-16"),
        "utf-16 be": codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
        "utf-16 without": text.encode("utf-16-le"),
        "utf-32": text.encode("utf-32"),
    }
    return write(folder, {f"{n}/layers/basic.py": t for n, t in encoded.items()}), dict.fromkeys(encoded, BASIC)


@shape
def ends_of_lines(folder, solved):
    text = solved["layers/basic.py"]
    texts = {"windows": text.replace("\n", "\r\n"), "mac": text.replace("\n", "\r")}
    return write(folder, {f"{n}/layers/basic.py": t for n, t in texts.items()}), dict.fromkeys(texts, BASIC)


@shape
def names_from_windows(folder, solved):
    return write(folder, {"doe.zip": zipped({f.replace("/", "\\"): t for f, t in solved.items()})}), {"doe": ALL}


@shape
def a_notebook(folder, solved):
    texts = {"doe.ipynb": "{}", "lee/layers.ipynb": "{}", "kim.zip": zipped({"x/y.ipynb": "{}"})}
    return write(folder, texts), dict.fromkeys(["doe", "lee", "kim"], "holds a notebook")


@shape
def closed_archives(folder, solved):
    texts = {"doe.7z": b"7z\xbc\xaf\x27\x1c", "lee.rar": b"Rar!\x1a\x07\x00", "kim.zip": b"Rar!\x1a\x07\x00"}
    return write(folder, texts), dict.fromkeys(["doe", "lee", "kim"], "hand in a zip file")


@shape
def nothing_of_use(folder, solved):
    texts = {"doe/essay.docx": "PK", "lee/x.zip": b"PK\3\4 nonsense", "kim.tar.gz": b"\x1f\x8b nonsense"}
    write(folder, texts)
    (folder / "empty").mkdir()
    return folder, {"doe": "essay.docx", "lee": "damaged", "kim": "damaged", "empty": "it is empty"}
