"""The decoded cache: used when it is right, made anew when it is not, never half-written."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from pixelgrad.datasets import DataError, _cache, load_tiny_imagenet, tiny_imagenet


@pytest.fixture
def decodings(monkeypatch):
    """A list that grows by one with every picture decoded."""
    names, real = [], tiny_imagenet.decode_picture

    def counting(data, where):
        names.append(where)
        return real(data, where)

    monkeypatch.setattr(tiny_imagenet, "decode_picture", counting)
    return names


def same(data, tiny):
    return all(np.array_equal(data[key], value) for key, value in tiny.expected.items())


@pytest.mark.parametrize("kind", ["tree", "zip"])
def test_the_second_load_decodes_nothing(tiny, decodings, kind):
    path = getattr(tiny, kind)()
    first = load_tiny_imagenet(path, cache_dir=tiny.cache)
    assert len(decodings) == 16
    second = load_tiny_imagenet(path, cache_dir=tiny.cache)
    assert len(decodings) == 16
    assert same(second, tiny)
    assert second["class_names"] == first["class_names"] and second["wnids"] == first["wnids"]
    np.testing.assert_array_equal(first["mean_image"], second["mean_image"])


def cut(path):
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size // 2)


def cut_by_one_byte(path):
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size - 1)


def make_foreign(path):
    path.write_bytes(b"something else altogether" * 1000)


def make_foreign_hdf5(path):
    with h5py.File(path, "w") as h5:
        h5["X_train"] = np.zeros(3)


def make_old(path):
    with h5py.File(path, "r+") as h5:
        header = json.loads(h5.attrs["header"])
        h5.attrs["header"] = json.dumps(header | {"version": header["version"] - 1})


def lose_blocks(path):
    with h5py.File(path, "r+") as h5:
        h5["X_val"][:] = 0


def lose_an_array(path):
    with h5py.File(path, "r+") as h5:
        del h5["mean_image"]


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "damage",
    [cut, cut_by_one_byte, make_foreign, make_foreign_hdf5, make_old, lose_blocks, lose_an_array, empty],
)
def test_a_damaged_old_or_foreign_cache_is_made_anew(tiny, decodings, damage):
    path = tiny.zip()
    load_tiny_imagenet(path, cache_dir=tiny.cache)
    (cache,) = tiny.cache.iterdir()
    damage(cache)
    assert same(load_tiny_imagenet(path, cache_dir=tiny.cache), tiny)
    assert len(decodings) == 32
    load_tiny_imagenet(path, cache_dir=tiny.cache)
    assert len(decodings) == 32
    assert list(tiny.cache.iterdir()) == [cache]


@pytest.mark.parametrize("kind", ["tree", "zip"])
def test_a_changed_source_is_noticed(tiny, constants, decodings, kind):
    path = getattr(tiny, kind)()
    load_tiny_imagenet(path, cache_dir=tiny.cache)
    tiny.files["val/images/val_3.JPEG"] = constants.jpeg(99)
    tiny.expected["X_val"][1] = constants.decoded(tiny.files["val/images/val_3.JPEG"])
    path = getattr(tiny, kind)()
    assert same(load_tiny_imagenet(path, cache_dir=tiny.cache), tiny)
    assert len(decodings) == 32


def test_a_touched_zip_is_decoded_again_and_a_touched_stray_file_is_not(tiny, decodings):
    path, tree = tiny.zip(), tiny.tree("tree")
    load_tiny_imagenet(path, cache_dir=tiny.cache)
    os.utime(path, (1, 1))
    load_tiny_imagenet(path, cache_dir=tiny.cache)
    assert len(decodings) == 32
    load_tiny_imagenet(tree, cache_dir=tiny.cache)
    os.utime(tree / ".DS_Store", (1, 1))
    load_tiny_imagenet(tree, cache_dir=tiny.cache)
    assert len(decodings) == 48


def test_the_cache_lies_beside_the_data(tiny, decodings):
    path = tiny.zip("data.zip")
    load_tiny_imagenet(path)
    assert (tiny.folder / "data.zip.pixelgrad-cache.h5").is_file()
    assert not (tiny.folder / "user-cache").exists()
    load_tiny_imagenet(path)
    assert len(decodings) == 16


def test_beside_read_only_data_the_users_cache_folder_is_used(tiny, decodings):
    os.mkdir(tiny.folder / "read-only")
    path = shutil.move(tiny.zip(), tiny.folder / "read-only")
    os.chmod(tiny.folder / "read-only", 0o555)  # respected by bits, for root too
    try:
        for _ in range(2):
            assert same(load_tiny_imagenet(path), tiny)
        assert os.listdir(tiny.folder / "read-only") == ["tiny.zip"]
    finally:
        os.chmod(tiny.folder / "read-only", 0o755)
    assert len(decodings) == 16
    (cache,) = (tiny.folder / "user-cache").rglob("*.h5")
    assert cache.parent == _cache.user_cache_folder()


def test_equal_names_in_different_folders_do_not_share_the_users_cache(tiny):
    first, second = (_cache.cache_paths(tiny.folder / name / "tiny.zip")[1] for name in "ab")
    assert first.parent == second.parent and first != second


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/pixelgrad"),
        ("linux", {"HOME": "/h"}, "/h/.cache/pixelgrad"),
        ("linux", {"XDG_CACHE_HOME": "not/absolute", "HOME": "/h"}, "/h/.cache/pixelgrad"),
        ("darwin", {"HOME": "/h"}, "/h/Library/Caches/pixelgrad"),
        ("win32", {"LOCALAPPDATA": "/l"}, "/l/pixelgrad/Cache"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the paths are written as on Unix")
def test_the_users_cache_folder_follows_the_systems_custom(monkeypatch, platform, variables, expected):
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert str(_cache.user_cache_folder()) == expected


def test_without_room_the_error_says_what_to_do(tiny, monkeypatch):
    usage = shutil.disk_usage(tiny.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=1000))
    with pytest.raises(OSError, match="has only 0 MB free.*cache_dir="):
        load_tiny_imagenet(tiny.zip())


def test_an_interrupted_decoding_leaves_nothing(tiny, monkeypatch):
    def interrupted(data, where):
        raise KeyboardInterrupt

    monkeypatch.setattr(tiny_imagenet, "decode_picture", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_tiny_imagenet(tiny.zip(), cache_dir=tiny.cache)
    assert list(tiny.cache.iterdir()) == []


def test_a_failed_rebuild_keeps_maps_of_the_old_cache_readable(tiny):
    path = tiny.zip()
    old = load_tiny_imagenet(path, cache_dir=tiny.cache)["X_train"]
    tiny.files["val/images/val_3.JPEG"] = b"garbage"
    path = tiny.zip()
    with pytest.raises(DataError):
        load_tiny_imagenet(path, cache_dir=tiny.cache)
    np.testing.assert_array_equal(old, tiny.expected["X_train"])


def test_two_processes_at_once_do_not_disturb_each_other(tiny):
    path = tiny.zip()
    code = (
        "import sys; from pixelgrad.datasets import load_tiny_imagenet\n"
        "print(load_tiny_imagenet(sys.argv[1], cache_dir=sys.argv[2])['X_train'].astype(int).sum())"
    )
    command = [sys.executable, "-c", code, str(path), str(tiny.cache)]
    options = {"stdout": subprocess.PIPE, "text": True, "cwd": Path(__file__).parents[2]}
    runs = [subprocess.Popen(command, **options) for _ in range(2)]
    sums = [int(run.communicate()[0]) for run in runs]
    assert sums == [tiny.expected["X_train"].astype(int).sum()] * 2
    assert len(list(tiny.cache.iterdir())) == 1


@pytest.mark.parametrize("other_first", [True, False])
def test_where_windows_keeps_a_mapped_cache_it_is_used_if_right(tiny, monkeypatch, other_first):
    real = tiny_imagenet.write_cache

    def refused(*arguments):
        if other_first:
            real(*arguments)
        raise PermissionError("the file is in use")

    monkeypatch.setattr(tiny_imagenet, "write_cache", refused)
    if other_first:
        assert same(load_tiny_imagenet(tiny.zip(), cache_dir=tiny.cache), tiny)
    else:
        with pytest.raises(PermissionError, match="in use"):
            load_tiny_imagenet(tiny.zip(), cache_dir=tiny.cache)
