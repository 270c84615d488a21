"""What a child hands back is read only where it is in order."""

import io
import json
import os
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from pixelgrad.coursework.checker.handed_back import UNREADABLE, outcomes_in
from pixelgrad.coursework.checker.harness import MOST_OF_ALL, MOST_OF_ONE
from pixelgrad.coursework.checker.judge import PASSED
from pixelgrad.coursework.checker.packing import pack
from pixelgrad.coursework.exercises.catalogue import EXERCISES

OUTCOMES = {"plain": {"outputs": {"out": np.ones(3)}, "kinds": {"dx": "a list"}, "raised": None, "changed": {"x": "f"}}}
RAISED = {"type": "E", "message": "m", "line": 1, "function": None}


def handed_back(path, tree=None, **arrays):
    np.savez(path, **({} if tree is None else pack(tree)) | arrays)


def with_outcome(**changes):
    return {"plain": OUTCOMES["plain"] | changes}


def test_what_is_in_order_is_read(tmp_path):
    handed_back(tmp_path / "x.npz", OUTCOMES)
    np.testing.assert_equal(outcomes_in(tmp_path / "x.npz"), OUTCOMES)
    handed_back(tmp_path / "y.npz", with_outcome(raised=RAISED))
    assert outcomes_in(tmp_path / "y.npz")["plain"]["raised"] == RAISED


@pytest.mark.parametrize(
    "tree",
    [
        [1, 2],
        {"plain": None},
        {"plain": {}},
        with_outcome(more=1),
        with_outcome(outputs={"out": 3.0}),
        with_outcome(outputs={"out": np.array(["text"])}),
        with_outcome(outputs={"out": np.zeros(2, complex)}),
        with_outcome(outputs=[1]),
        with_outcome(kinds={"out": ["a"]}),
        with_outcome(kinds={"out": "a" * 501}),
        with_outcome(kinds={"a" * 501: "out"}),
        with_outcome(changed=["x"]),
        with_outcome(changed={"x": 1}),
        with_outcome(changed={"x": "f" * 501}),
        with_outcome(changed=1),
        with_outcome(raised=True),
        with_outcome(raised={"type": "E"}),
        with_outcome(raised=RAISED | {"message": 1}),
        with_outcome(raised=RAISED | {"message": "m" * 501}),
        with_outcome(raised=RAISED | {"line": 10**9}),
        with_outcome(raised=RAISED | {"line": "1"}),
        with_outcome(raised=RAISED | {"function": ["f"]}),
    ],
    ids=lambda tree: str(tree)[:60],
)
def test_another_structure_is_not_taken(tmp_path, tree):
    handed_back(tmp_path / "x.npz", tree)
    assert outcomes_in(tmp_path / "x.npz") == UNREADABLE


def _npy(header, content=b""):
    header = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


def a_truncated_file(path):
    handed_back(path, OUTCOMES)
    path.write_bytes(path.read_bytes()[:-40])


def a_damaged_file(path):
    handed_back(path, OUTCOMES)
    content = bytearray(path.read_bytes())
    content[200:220] = b"\0" * 20
    path.write_bytes(content)


def no_archive(path):
    path.write_bytes(b"\x80\x04K\x01.")  # a pickle


def an_archive_without_description(path):
    handed_back(path, None, a0=np.ones(2))


def objects_that_run_code(path):
    handed_back(path, OUTCOMES, a0=np.array([{"a": print}], dtype=object))


def a_pipe(path):
    os.mkfifo(path)


def a_link(path):
    handed_back(path.with_name("other.npz"), OUTCOMES)
    path.symlink_to(path.with_name("other.npz"))


def a_link_to_zeros(path):
    path.symlink_to("/dev/zero")


def a_link_to_itself(path):
    path.symlink_to(path)


def a_folder(path):
    path.mkdir()


def nothing(path):
    pass


def an_array_that_swells(path):
    np.savez_compressed(path, **pack(OUTCOMES) | {"more": np.zeros(2**26)})


def a_description_that_swells(path):
    tree = with_outcome(kinds={f"output {n}": "a list" for n in range(200_000)})
    np.savez_compressed(path, **pack(tree))


def a_description_that_is_too_deep(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("json", "[" * 200_000)


def an_array_larger_than_its_file(path):
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in pack(OUTCOMES).items():
            with archive.open(f"{name}.npy", "w") as f:
                np.save(f, array)
        archive.writestr("more.npy", _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (70000000000,), }"))


def too_many_arrays(path):
    handed_back(path, OUTCOMES, **{f"more{n}": np.zeros(0) for n in range(10_001)})


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        a_truncated_file,
        a_damaged_file,
        no_archive,
        an_archive_without_description,
        objects_that_run_code,
        a_pipe,
        a_link,
        a_link_to_zeros,
        a_link_to_itself,
        a_folder,
        nothing,
        an_array_that_swells,
        a_description_that_swells,
        a_description_that_is_too_deep,
        an_array_larger_than_its_file,
        too_many_arrays,
    ],
    ids=lambda make: make.__name__.replace("_", " "),
)
def test_damaged_and_hostile_files_are_not_taken(tmp_path, make):
    make(tmp_path / "x.npz")
    made = time.process_time()
    assert outcomes_in(tmp_path / "x.npz") == UNREADABLE
    assert time.process_time() - made < 10  # reading all of it would take minutes


def many_places(path, size, count):
    """A short description that asks for the same array many times."""
    with zipfile.ZipFile(path, "w") as archive:
        array = np.zeros(size, np.uint8)
        tree = json.loads(bytes(pack({"c": with_outcome(outputs={"out": array})["plain"]})["json"]))
        tree["c"]["outputs"] |= {f"out{n}": tree["c"]["outputs"]["out"] for n in range(count)}
        for name, values in (("json", np.frombuffer(json.dumps(tree).encode(), np.uint8)), ("a0", array)):
            content = io.BytesIO()
            np.save(content, values)
            archive.writestr(f"{name}.npy", content.getvalue())


def test_one_array_in_many_places_is_read_once_and_counts_each_time(tmp_path):
    many_places(tmp_path / "x.npz", 900, 1000)
    outputs = outcomes_in(tmp_path / "x.npz")["c"]["outputs"]
    assert len(outputs) == 1001 and outputs["out"] is outputs["out7"]
    many_places(tmp_path / "x.npz", 90_000, 1000)
    assert outcomes_in(tmp_path / "x.npz") == UNREADABLE


def test_an_array_that_no_right_answer_needs_is_not_read(tmp_path, answers):
    sizes = [
        [a.size for outcome in answers(name).right.values() for a in outcome["outputs"].values()] for name in EXERCISES
    ]
    assert max(map(max, sizes)) < MOST_OF_ONE / 8 and max(map(sum, sizes)) < MOST_OF_ALL / 10
    many_places(tmp_path / "x.npz", 2**25, 10)
    tracemalloc.start()
    assert outcomes_in(tmp_path / "x.npz") == UNREADABLE
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_a_forged_file_ends_nothing(relu, check):
    """Written before the exercise is run, and looked at; the next exercises are run all the same."""
    forge = "os.mkfifo('relu.npz')\n    os.close(os.open('relu.npz', os.O_WRONLY))  # waits for a reader\n"
    project = relu("", f"import os\nif not os.path.lexists('relu.npz'):\n    {forge}")
    verdicts, _ = check(project, "relu", "softmax")
    assert verdicts["relu"].message == UNREADABLE and verdicts["softmax"].status == PASSED
