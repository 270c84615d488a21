"""Zip files from strangers: unpacked whole and inside their folder, or not at all."""

import stat
import zipfile

import pytest

from pixelgrad.datasets import DataError, unpack_zip


def make_zip(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def everything(folder):
    return sorted(str(p.relative_to(folder)).replace("\\", "/") for p in folder.rglob("*"))


def test_files_and_folders_come_out_as_they_went_in(tmp_path):
    members = [("top/a.txt", b"a"), ("top/empty/", b""), ("top/deep/b.txt", b"b" * 10**5)]
    members.append(("single.txt", b""))
    path = make_zip(tmp_path / "a.zip", [*members, ("__MACOSX/._a.txt", b"x")], zipfile.ZIP_DEFLATED)
    out = tmp_path / "new" / "out"
    assert unpack_zip(path, out) == [out / "top", out / "single.txt"]
    names = ["single.txt", "top", "top/a.txt", "top/deep", "top/deep/b.txt", "top/empty"]
    assert everything(out) == names
    assert (out / "top/deep/b.txt").read_bytes() == b"b" * 10**5


def link(name):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("member", "why"),
    [
        ("../evil", "climbs out"),
        ("top/../../evil", "climbs out"),
        ("..", "climbs out"),
        ("/evil", "absolute"),
        ("C:/evil", "absolute"),
        ("c:evil", "absolute"),
        ("top\\..\\..\\evil", "not portable"),
        ("top/evil:stream", "not portable"),
        (link("top/evil"), "symbolic link"),
    ],
)
def test_unsafe_members_are_refused_before_anything_is_written(tmp_path, member, why):
    path = make_zip(tmp_path / "a.zip", [("top/a.txt", b"a"), (member, b"/etc/passwd")])
    with pytest.raises(DataError, match=why):
        unpack_zip(path, tmp_path / "out")
    assert everything(tmp_path) == ["a.zip"]


def test_a_zip_bomb_is_refused(tmp_path):
    path = make_zip(tmp_path / "a.zip", [("zeros", bytes(2 * 2**20))], zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match="zip bomb"):
        unpack_zip(path, tmp_path / "out")


def test_the_limit_counts_all_members_together(tmp_path):
    path = make_zip(tmp_path / "a.zip", [("a", bytes(600)), ("b", bytes(600))])
    with pytest.raises(DataError, match=r"1,200 bytes.*limit of 1,000.*max_bytes"):
        unpack_zip(path, tmp_path / "out", max_bytes=1000)
    unpack_zip(path, tmp_path / "out", max_bytes=1200)


def test_nothing_existing_is_touched(tmp_path):
    path = make_zip(tmp_path / "a.zip", [("top/a.txt", b"new")])
    (tmp_path / "out" / "top").mkdir(parents=True)
    (tmp_path / "out" / "top" / "a.txt").write_bytes(b"old")
    with pytest.raises(FileExistsError, match="top exists already"):
        unpack_zip(path, tmp_path / "out")
    assert (tmp_path / "out/top/a.txt").read_bytes() == b"old"


def test_a_damaged_member_is_named_and_leaves_nothing(tmp_path):
    path = make_zip(tmp_path / "a.zip", [("top/a.txt", b"a"), ("top/b.txt", b"precious")])
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"precious")] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"top/b\.txt.*damaged"):
        unpack_zip(path, tmp_path / "out")
    assert everything(tmp_path / "out") == []


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")  # from making the bad file
@pytest.mark.parametrize("second", ["top/a.txt", "top/a.txt/b.txt"])
def test_members_in_each_others_way_are_refused(tmp_path, second):
    path = make_zip(tmp_path / "a.zip", [("top/a.txt", b"a"), (second, b"b")])
    with pytest.raises(DataError, match=r"a\.txt"):
        unpack_zip(path, tmp_path / "out")
    assert everything(tmp_path / "out") == []


def test_files_that_are_no_zip_or_cut_short(tmp_path):
    path = make_zip(tmp_path / "a.zip", [("top/a.txt", bytes(1000))])
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match="not a complete zip file"):
        unpack_zip(path, tmp_path / "out")
    with pytest.raises(FileNotFoundError):
        unpack_zip(tmp_path / "nowhere.zip", tmp_path / "out")
