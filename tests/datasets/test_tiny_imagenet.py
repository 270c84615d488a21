"""TinyImageNet as CS231n's dictionary: exact pixels, labels, order, and errors that name the culprit."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from pixelgrad.datasets import DataError, load_tiny_imagenet, load_tiny_imagenet_boxes, tiny_imagenet


def check(data, expected):
    for key, value in expected.items():
        np.testing.assert_array_equal(data[key], value, err_msg=key)
        assert data[key].dtype == value.dtype, key


@pytest.mark.parametrize("kind", ["tree", "zip"])
def test_pixels_and_labels_are_those_of_the_files(tiny, constants, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = load_tiny_imagenet(getattr(tiny, kind)(), cache_dir=tiny.cache)
    check(data, tiny.expected)
    assert data["wnids"] == constants.WNIDS
    assert data["class_names"] == constants.NAMES
    assert data["y_test"] is None


def test_keys_are_cs231ns_and_wnids(tiny):
    data = load_tiny_imagenet(tiny.zip(), cache_dir=tiny.cache)
    splits = {f"{a}_{split}" for a in "Xy" for split in ("train", "val", "test")}
    assert set(data) == splits | {"class_names", "mean_image", "wnids"}


def test_a_grey_picture_has_three_equal_channels(tiny):
    X = load_tiny_imagenet(tiny.zip(), cache_dir=tiny.cache)["X_train"]
    grey = [i for i in range(len(X)) if (X[i, 0] == X[i, 1]).all() and (X[i, 0] == X[i, 2]).all()]
    assert grey == [5]


@pytest.mark.parametrize("again", [False, True])
def test_pictures_are_read_only_memory_maps(tiny, again):
    path = tiny.zip()
    for _ in range(1 + again):
        data = load_tiny_imagenet(path, cache_dir=tiny.cache)
    for split in ("train", "val", "test"):
        assert isinstance(data[f"X_{split}"], np.memmap)
        assert not data[f"X_{split}"].flags.writeable


def test_mean_image_is_the_mean_over_training_pictures(tiny):
    data = load_tiny_imagenet(tiny.zip(), cache_dir=tiny.cache)
    assert data["mean_image"].dtype == np.float32
    np.testing.assert_allclose(data["mean_image"], tiny.expected["X_train"].mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_subtract_mean_gives_floats_less_the_mean_image(tiny, dtype):
    path = tiny.zip()
    data = load_tiny_imagenet(path, subtract_mean=True, dtype=dtype, cache_dir=tiny.cache)
    for split in ("train", "val", "test"):
        X = data[f"X_{split}"]
        assert type(X) is np.ndarray and X.dtype == dtype
        np.testing.assert_allclose(X + data["mean_image"], tiny.expected[f"X_{split}"], atol=1e-4)
    check(load_tiny_imagenet(path, cache_dir=tiny.cache), tiny.expected)  # the cache still holds uint8


def test_a_dtype_that_cannot_be_negative_is_refused(tiny):
    with pytest.raises(TypeError, match="uint8"):
        load_tiny_imagenet(tiny.zip(), dtype=np.uint8)


def test_test_labels_are_used_where_there_are_any(tiny, constants):
    lines = [f"test_{n}.JPEG\t{constants.WNIDS[label]}" for n, label in [(10, 1), (0, 2), (2, 1)]]
    tiny.files["test/test_annotations.txt"] = "\n".join(lines).encode()
    data = load_tiny_imagenet(tiny.zip(), cache_dir=tiny.cache)
    np.testing.assert_array_equal(data["y_test"], [1, 2, 1])
    np.testing.assert_array_equal(data["X_test"], tiny.expected["X_test"][[2, 0, 1]])


def test_without_test_pictures_x_test_is_empty(tiny):
    tiny.files = {name: data for name, data in tiny.files.items() if not name.startswith("test/")}
    for _ in range(2):
        assert load_tiny_imagenet(tiny.zip(), cache_dir=tiny.cache)["X_test"].shape == (0, 3, 64, 64)


def test_macosx_entries_and_windows_line_ends_do_no_harm(tiny):
    tiny.files["wnids.txt"] = tiny.files["wnids.txt"].replace(b"\n", b"\r\n") + b"\r\n\r\n"
    extra = [("__MACOSX/tiny/wnids.txt", b"x"), ("__MACOSX/tiny/train/._n02124075", b"x")]
    check(load_tiny_imagenet(tiny.zip(extra=extra), cache_dir=tiny.cache), tiny.expected)


def test_a_zip_without_a_top_folder_and_a_folder_around_the_folder_load_too(tiny):
    check(load_tiny_imagenet(tiny.zip(top=""), cache_dir=tiny.cache), tiny.expected)
    check(load_tiny_imagenet(tiny.tree("outer/tiny").parent, cache_dir=tiny.cache), tiny.expected)


@pytest.mark.parametrize("kind", ["tree", "zip"])
@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty"])
def test_a_damaged_picture_is_named(tiny, kind, damage):
    name = "train/n01443537/images/n01443537_300.JPEG"
    data = tiny.files[name]
    tiny.files[name] = {"truncated": data[: len(data) // 2], "garbage": b"garbage" * 99, "empty": b""}[damage]
    with pytest.raises(DataError, match=r"n01443537_300\.JPEG.*damaged.*again") as caught:
        load_tiny_imagenet(getattr(tiny, kind)(), cache_dir=tiny.cache)
    assert "\n" not in str(caught.value)
    assert list(tiny.cache.iterdir()) == []


def test_a_picture_whose_bytes_in_the_zip_changed_is_named(tiny):
    path = tiny.zip()
    raw = bytearray(path.read_bytes())
    at = raw.index(tiny.files["val/images/val_20.JPEG"])
    raw[at + 400] ^= 255
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"val_20\.JPEG.*damaged"):
        load_tiny_imagenet(path, cache_dir=tiny.cache)


def test_a_picture_of_another_size_is_named(tiny, constants):
    tiny.files["val/images/val_7.JPEG"] = constants.jpeg(1, size=(64, 48))
    with pytest.raises(DataError, match=r"val_7\.JPEG.*64x48 pixels, expected 64x64"):
        load_tiny_imagenet(tiny.zip(), cache_dir=tiny.cache)


@pytest.mark.parametrize("kind", ["tree", "zip"])
@pytest.mark.parametrize("missing", ["wnids.txt", "words.txt", "val/val_annotations.txt"])
def test_a_missing_list_is_named(tiny, kind, missing):
    del tiny.files[missing]
    with pytest.raises(DataError, match=missing):
        load_tiny_imagenet(getattr(tiny, kind)(), cache_dir=tiny.cache)


def test_lists_that_do_not_fit_the_pictures_are_refused(tiny):
    full = dict(tiny.files)
    cases = [
        ("wnids.txt", b"n02124075\nn02124075", "twice"),
        ("wnids.txt", b"", "empty"),
        ("wnids.txt", full["wnids.txt"] + b"\nn09999999", "n09999999"),  # no name and no pictures
        ("words.txt", b"n00001740\tentity", "n02124075"),
        ("val/val_annotations.txt", b"val_14.JPEG\tn00000000\t0\t1\t2\t3", "line 1"),
        ("val/val_annotations.txt", b"val_99.JPEG\tn02124075\t0\t1\t2\t3", r"val_99\.JPEG .*is missing"),
        ("val/val_annotations.txt", b"\xff\xfe\x00", "not text"),
        ("train/n09999999/images/n09999999_0.JPEG", b"", r"not in wnids\.txt"),
    ]
    for name, data, message in cases:
        tiny.files = full | {name: data}
        with pytest.raises(DataError, match=message):
            load_tiny_imagenet(tiny.zip(), cache_dir=tiny.cache)


def test_a_class_without_pictures_is_refused(tiny):
    tiny.files = {name: data for name, data in tiny.files.items() if not name.startswith("train/n04067472")}
    with pytest.raises(DataError, match="n04067472.*has no pictures"):
        load_tiny_imagenet(tiny.zip(), cache_dir=tiny.cache)


def test_missing_cut_short_and_foreign_sources_get_one_clear_error(tiny):
    with pytest.raises(FileNotFoundError, match="nowhere.*does not exist"):
        load_tiny_imagenet(tiny.folder / "nowhere")
    path = tiny.zip()
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match="not a complete zip file.*download it again"):
        load_tiny_imagenet(path, cache_dir=tiny.cache)


@pytest.mark.parametrize("evil", ["../evil.txt", "/etc/evil.txt", "C:/evil.txt", "tiny/..\\evil.txt"])
def test_a_zip_with_paths_that_climb_out_is_refused(tiny, evil):
    with pytest.raises(DataError, match="evil"):
        load_tiny_imagenet(tiny.zip(extra=[(evil, b"x")]), cache_dir=tiny.cache)


def test_progress_goes_to_stderr_and_only_when_asked_for(tiny, capsys):
    path = tiny.zip()
    load_tiny_imagenet(path, cache_dir=tiny.folder / "quiet")
    assert capsys.readouterr() == ("", "")
    load_tiny_imagenet(path, cache_dir=tiny.cache, progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "16/16" in err


@pytest.mark.slow
def test_the_real_tiny_imagenet_loads_in_little_memory_and_is_decoded_once(shared_data, tmp_path, monkeypatch):
    path = shared_data("tiny-imagenet-100-A.zip")
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell a process's peak of memory")
    code = (
        "import sys; from pixelgrad.datasets import load_tiny_imagenet\n"
        "data = load_tiny_imagenet(sys.argv[1], cache_dir=sys.argv[2])\n"
        "status = open('/proc/self/status').read()\n"  # getrusage begins at the peak of the process that started it
        "print(status.split('VmHWM:')[1].split()[0])"
    )
    command = [sys.executable, "-c", code, str(path), str(tmp_path)]
    run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert int(run.stdout) * 1024 < 1.5e9
    monkeypatch.setattr(tiny_imagenet, "_decode_chunk", None)  # nobody may call it again
    data = load_tiny_imagenet(path, cache_dir=tmp_path)
    K = len(data["class_names"])
    assert K == len(data["wnids"]) == 100 and data["class_names"][0] == "Egyptian cat"
    np.testing.assert_array_equal(np.bincount(data["y_train"]), np.full(K, 500))
    np.testing.assert_array_equal(np.bincount(data["y_val"]), np.full(K, len(data["X_val"]) // K))
    assert data["X_train"].shape == (50000, 3, 64, 64) and len(data["X_test"]) == 5000
    assert 100 < data["mean_image"].mean() < 130


# -- boxes ------------------------------------------------------------------------------------------------------------


def test_boxes_come_in_the_order_of_the_validation_pictures(tmp_path):
    (tmp_path / "val").mkdir()
    (tmp_path / "wnids.txt").write_text("n01\n")
    listed = tmp_path / "val" / "val_annotations.txt"
    listed.write_text("val_3.JPEG\tn01\t0\t19\t63\t47\nval_1.JPEG\tn01\t36\t0\t44\t6\n")
    boxes = load_tiny_imagenet_boxes(tmp_path)
    np.testing.assert_array_equal(boxes, [[19, 0, 48, 64], [0, 36, 7, 45]])
    for line, words in (("val_1.JPEG\tn01", "line 1: expected a box"), ("a\tn01\t5\t0\t4\t6", "line 1: no box within")):
        listed.write_text(line + "\n")
        with pytest.raises(DataError, match=words):
            load_tiny_imagenet_boxes(tmp_path)


def test_real_boxes_cover_half_of_the_picture(shared_data):
    boxes = load_tiny_imagenet_boxes(shared_data("tiny-imagenet-100-A.zip"))
    assert boxes.shape == (2500, 4)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / 64**2
    assert 0.4 < area.mean() < 0.6
