import numpy as np
import pytest

from pixelgrad.coursework.checker import markers
from pixelgrad.coursework.checker.markers import MarkerError
from pixelgrad.coursework.checker.packing import copied, pack, same, unpack

FILE = '''"""A module."""

import numpy as np


def double(x):
    """Twice x."""
    check(x)
    ### BEGIN SOLUTION
    y = x + x
    return y
    ### END SOLUTION


def triple(x):
    ### BEGIN SOLUTION
    return x + double(x)
    ### END SOLUTION


def check(x):
    assert x is not None
'''


def run(text, name, *arguments):
    namespace = {}
    exec(compile(text, "test", "exec"), namespace)
    return namespace[name](*arguments)


def test_a_stub_has_instructions_where_the_solution_was_and_nothing_of_it():
    stub = markers.stub(FILE, {"double": ("twice", "Return two times x. " * 12)})
    assert "y = x + x" not in stub and "SOLUTION" not in stub
    assert "# TODO (twice): Return two times x." in stub and max(map(len, stub.splitlines())) <= 120
    with pytest.raises(NotImplementedError, match="twice: double"):
        run(stub, "double", 2)
    assert "return x + double(x)" in stub  # not asked for: its solution stays
    with pytest.raises(AssertionError):
        run(stub, "double", None)  # what stands before the region stays, too
    assert stub.index("import numpy") < stub.index("import Todo") < stub.index("def double")


def test_without_anything_to_leave_out_only_the_markers_go():
    plain = markers.stub(FILE, {})
    assert "SOLUTION" not in plain and "Todo" not in plain and run(plain, "triple", 3) == 9


def test_the_solution_put_back_makes_the_file_again():
    assert markers.solution(FILE, "double") == "    y = x + x\n    return y\n"
    with pytest.raises(MarkerError, match="check has no solution"):
        markers.solution(FILE, "check")


def test_changes_are_made_once_and_in_the_solutions_only():
    changed = markers.changed(FILE, ["double"], [("x + x", "x * x")])
    assert run(changed, "double", 3) == 9
    for old, count in (("check", 0), ("x", 2)):
        with pytest.raises(MarkerError, match=f"{old!r} occurs {count} times"):
            markers.changed(FILE, ["double"], [(old, "z")])


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("    ### END SOLUTION\n\n\ndef triple", "\n\ndef triple", "begins inside the one that began in line 9"),
        ("double(x)\n    ### END SOLUTION", "double(x)", "line 16: this solution never ends"),
        ("    ### BEGIN SOLUTION\n    y", "    y", "line 11: a solution ends that never began"),
        ("    y = x + x\n    return y\n", "", "the solution is empty"),
        ("### BEGIN SOLUTION\n    y", "## BEGIN SOLUTION\n    y", "expected '### BEGIN SOLUTION' or"),
        ("def check(x):", "### BEGIN SOLUTION\nz = 1\n### END SOLUTION\ndef check(x):", "must be inside one function"),
        ("    return y\n", "    ### END SOLUTION\n    ### BEGIN SOLUTION\n    return y\n", "has a second solution"),
        ("def double(x):", "def double(x:", "not Python"),
    ],
)  # fmt: skip
def test_markers_out_of_order(old, new, message):
    assert old in FILE
    with pytest.raises(MarkerError, match=message):
        markers.regions(FILE.replace(old, new), "f.py")


TREE = {
    "a": {"x": np.arange(6.0).reshape(2, 3), "n": 3, "none": None, "text": "é", "yes": True},
    "b": [1.5, [np.float32(2), np.zeros((0, 4), np.int64)]],
    "scalar": np.array(2.5),
}


def test_packing_keeps_values_types_and_shapes():
    arrays = pack(TREE)
    assert all(isinstance(a, np.ndarray) and a.dtype.kind != "O" for a in arrays.values())
    again = unpack(arrays)
    assert (
        again["a"]["n"] == 3 and again["a"]["none"] is None and again["a"]["text"] == "é" and again["a"]["yes"] is True
    )
    np.testing.assert_array_equal(again["a"]["x"], TREE["a"]["x"])
    assert again["b"][1][0].dtype == np.float32 and again["b"][1][1].shape == (0, 4) and again["scalar"].shape == ()


def test_same_and_copied():
    tree = {"a": [np.arange(3.0), 1], "b": {"c": "x"}}
    other = copied(tree)
    assert same(tree, other) and other["a"][0] is not tree["a"][0]
    other["a"][0][1] = 9
    assert not same(tree, other)
    assert not same({"a": 1}, {"a": True}) and not same({"a": 1}, {"b": 1}) and not same([1], [1, 2])
    assert not same(np.zeros(2), np.zeros(2, np.float32)) and same(np.array([np.nan]), np.array([np.nan]))
