"""Scratch folders are gone afterwards, whatever was put into them."""

import os

import pytest

from pixelgrad.coursework.checker.folders import remove_folder, scratch_folder


@pytest.mark.parametrize("depth", [1, 1500, 6000])
def test_folders_in_folders_are_removed(tmp_path, depth):
    here = os.getcwd()
    try:
        with scratch_folder("pixelgrad-test-") as folder:
            os.chdir(folder)
            for _ in range(depth):
                os.mkdir("a long name for a folder"[: 24 if depth > 2000 else 1])
                os.chdir("a long name for a folder"[: 24 if depth > 2000 else 1])
                with open("file", "w"):
                    pass
    finally:
        os.chdir(here)
    assert not folder.exists()


def test_links_are_not_followed_and_closed_folders_are_opened(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kept").write_text("x")
    (tmp_path / "scratch" / "closed" / "in").mkdir(parents=True)
    (tmp_path / "scratch" / "link").symlink_to(tmp_path / "mine")
    (tmp_path / "scratch" / "closed" / "link").symlink_to(tmp_path / "mine")
    (tmp_path / "scratch" / "closed").chmod(0)
    remove_folder(tmp_path / "scratch")
    assert not (tmp_path / "scratch").exists() and (tmp_path / "mine" / "kept").read_text() == "x"
    remove_folder(tmp_path / "scratch")  # nothing there is fine
