"""Names are measured as file systems do, links stay links, and a replaced file keeps its permissions."""

import os
import sys

import pytest

from pixelgrad._files import check_destination, written_beside

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX's links and permissions")


def write(path, text="new", **options):
    with written_beside(path, **options) as temporary:
        temporary.write_text(text)


@pytest.mark.parametrize(
    "stem", ["a" * 251, "猫" * 83 + "ab", "\U0001f408" * 62 + "abc"], ids=["ascii", "chinese", "emoji"]
)
def test_the_longest_name_that_the_file_system_takes_is_written(stem, tmp_path):
    path = tmp_path / f"{stem}.png"
    assert len(os.fsencode(path.name)) in (255, 254)
    write(path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@posix
@pytest.mark.parametrize("stem", ["a" * 252, "猫" * 84, "é" * 126], ids=["ascii", "chinese", "accents"])
def test_a_name_with_too_many_bytes_is_refused_before_the_work(stem, tmp_path):
    with pytest.raises(OSError, match=r"the name has 25\d bytes, the file system takes at most 255"):
        check_destination(tmp_path / f"{stem}.png")


@posix
def test_a_file_system_with_shorter_names_is_asked_for_its_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "pathconf", lambda folder, name: {"PC_NAME_MAX": 143, "PC_PATH_MAX": 4096}[name])
    with pytest.raises(OSError, match="has 144 bytes, the file system takes at most 143"):
        check_destination(tmp_path / f"{'a' * 140}.png")


@posix
def test_the_temporary_file_counts_where_the_whole_path_is_nearly_too_long(tmp_path, monkeypatch):
    limit = len(os.fsencode(tmp_path)) + len("/.pixelgrad-12345678.png")  # and no room for the zero byte
    monkeypatch.setattr(os, "pathconf", lambda folder, name: {"PC_NAME_MAX": 255, "PC_PATH_MAX": limit}[name])
    with pytest.raises(OSError, match=f"its whole path has {limit} bytes, the file system takes at most {limit - 1}"):
        check_destination(tmp_path / "a.png")
    check_destination(tmp_path / "a.h5")  # a shorter temporary name


def test_windows_counts_units_of_utf_16(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(os, "pathconf", raising=False)
    check_destination(tmp_path / ("猫" * 80 + ".png"))  # 84 units, 244 bytes
    with pytest.raises(OSError, match="256 characters"):
        check_destination(tmp_path / ("\U0001f408" * 126 + ".png"))


@posix
def test_what_a_link_points_to_is_written_and_the_link_stays(tmp_path):
    (tmp_path / "disk").mkdir()
    target, link = tmp_path / "disk" / "real.png", tmp_path / "link.png"
    target.write_text("old")
    link.symlink_to(target)
    write(link, overwrite=True)
    assert link.is_symlink() and target.read_text() == "new"
    assert [p.name for p in (tmp_path / "disk").iterdir()] == ["real.png"]


@posix
def test_a_chain_of_links_and_a_relative_link_stay_links(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "real.png").write_text("old")
    (tmp_path / "middle.png").symlink_to("disk/real.png")
    (tmp_path / "link.png").symlink_to("middle.png")
    write(tmp_path / "link.png", overwrite=True)
    assert (tmp_path / "link.png").is_symlink() and (tmp_path / "middle.png").is_symlink()
    assert (tmp_path / "disk" / "real.png").read_text() == "new"


@posix
def test_a_link_to_what_does_not_exist_yet_makes_it(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link.png").symlink_to("disk/real.png")
    write(tmp_path / "link.png")
    assert (tmp_path / "link.png").is_symlink() and (tmp_path / "disk" / "real.png").read_text() == "new"


@posix
def test_links_that_lead_nowhere_are_refused(tmp_path):
    (tmp_path / "away.png").symlink_to("missing/real.png")
    with pytest.raises(FileNotFoundError, match="missing does not exist"):
        check_destination(tmp_path / "away.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    with pytest.raises(FileExistsError, match="leads nowhere"):
        check_destination(tmp_path / "loop.png")


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_replaced_file_keeps_its_permissions(mode, tmp_path):
    path = tmp_path / "private.png"
    path.write_text("old")
    path.chmod(mode)
    write(path, overwrite=True)
    assert path.stat().st_mode & 0o777 == mode and path.read_text() == "new"


@posix
def test_a_file_system_without_permissions_is_written_all_the_same(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    write(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_text() == "new"
