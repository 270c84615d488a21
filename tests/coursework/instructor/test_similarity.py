"""Pairs of submissions that are alike beyond what the exercise forces."""

import pytest

from pixelgrad.coursework.instructor.intake import take_in
from pixelgrad.coursework.instructor.make import edition_texts
from pixelgrad.coursework.instructor.similarity import (
    GRAM,
    WINDOW,
    fingerprints,
    normalised,
    similar_pairs,
    solutions_of,
    write_similarity,
)

POOL = """def max_pool_forward_naive(x, pool_param):
    # my own way
    N, C, H, W = x.shape
    PH, PW, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    rows, columns = 1 + (H - PH) // s, 1 + (W - PW) // s
    result = np.full((N, C, rows, columns), -np.inf)
    for place in np.ndindex(N, C, rows, columns):
        n, c, i, j = place
        piece = x[n, c, i * s : i * s + PH, j * s : j * s + PW].ravel().tolist()
        piece.sort(key=lambda value: -value)
        result[place] = piece[0] if len(piece) > 0 else np.nan
    return result, (x, pool_param)
"""
RENAMED = (
    POOL.replace("result", "answer").replace("piece", "p").replace("rows", "A").replace("# my own way", "# quite mine")
)
OTHER = """def max_pool_forward_naive(x, pool_param):
    ph, pw = pool_param["pool_height"], pool_param["pool_width"]
    windows = np.lib.stride_tricks.sliding_window_view(x, (ph, pw), axis=(2, 3))
    step = pool_param["stride"]
    return windows[:, :, ::step, ::step].max(axis=(-2, -1)), (x, pool_param)
"""


def test_names_comments_and_layout_do_not_count():
    assert fingerprints(POOL) == fingerprints(RENAMED) == fingerprints(POOL.replace("    ", "\t"))
    assert len(fingerprints(POOL) & fingerprints(OTHER)) < 5, "the signature, and what is returned"
    assert normalised("def f(a):\n    'doc'\n    return np.sum(a, axis=0)  # why\n")[1:] == [
        [],
        ["return", "np", ".", "sum", "(", "v", ",", "v", "=", "0", ")"],
    ]


def test_a_copied_passage_is_found_wherever_it_stands():
    """The guarantee of winnowing: of GRAM + WINDOW - 1 equal tokens a fingerprint is shared."""
    passage = " + ".join(str(k) for k in range((GRAM + WINDOW) // 2 + 1))
    for before in ("a = 1\n", "if x:\n    b = [1, 2, 3]\n", "c = f(1)[2]\nd = 7\n"):
        assert fingerprints(f"{before}y = {passage}\n") & fingerprints(f"z(5)\ny = {passage}\nq = {{}}\n")


def test_what_is_given_or_common_is_forced():
    own = {"ann": {"max_pool": POOL}, "ben": {"max_pool": RENAMED}, "cem": {"max_pool": OTHER}}
    (pair,) = similar_pairs(own, {})
    assert pair.names == ("ann", "ben") and pair.share == 1 and pair.exercises == ("max_pool",)
    assert similar_pairs(own, {"max_pool": [RENAMED]}) == []
    many = {f"s{k}": {"max_pool": POOL} for k in range(12)} | {f"t{k}": {"max_pool": OTHER} for k in range(12)}
    assert similar_pairs(many, {}) == [], "half of the class: that is how it is taught"


def test_broken_files_compare_nothing():
    assert solutions_of({"layers/naive.py": b"def f(:\n"}, ["max_pool"]) == {}
    assert fingerprints("def f(:\n  '''") == fingerprints("") == set()


@pytest.fixture
def handed_in(tmp_path):
    given = edition_texts(["max_pool"])["layers/naive.py"]
    for name, text in (("ann", POOL), ("ben", RENAMED), ("<b>cem", OTHER)):
        folder = tmp_path / "all" / name / "layers"
        folder.mkdir(parents=True)
        (folder / "naive.py").write_text(f"{given}\n\n{text}", encoding="utf-8")
    return take_in(tmp_path / "all").submissions


def test_the_page_shows_both_texts_side_by_side(handed_in, tmp_path):
    pairs = write_similarity(tmp_path / "page.html", handed_in, ["max_pool"])
    assert [pair.names for pair in pairs] == [("ann", "ben")]
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "cannot know" in page and page.count("<pre>") == 2 and "compared: 3." in page and "force: 1." in page
    assert "<mark>        piece.sort(key=lambda value: -value)</mark>" in page
    assert "# quite mine" in page and "<b>cem" not in page
    with pytest.raises(FileExistsError):
        write_similarity(tmp_path / "page.html", handed_in, ["max_pool"])


def test_solutions_of_the_course_are_not_alike(handed_in):
    """The course's own solution, handed in twice, is what the exercise forces as far as anybody can tell."""
    solved = edition_texts([])
    one = solutions_of(solved, ["max_pool"])
    assert similar_pairs({"ann": one, "ben": one}, {"max_pool": list(one.values())}) == []
