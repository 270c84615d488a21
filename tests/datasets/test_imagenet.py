import io
import pickle
import zipfile

import numpy as np
import pytest

from pixelgrad.datasets import DataError, load_class_names, load_imagenet_val


def write_val(path, names, N=4, member=None):
    """An .npz as CS231n's, with the names pickled inside; or with other bytes in place of the pickle."""
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (N, 6, 7, 3), dtype=np.uint8), np.arange(N)
    np.savez(path, X=X, y=y, label_map=np.array(names, dtype=object))
    if member is not None:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": ()})
        with zipfile.ZipFile(path) as old:
            parts = {name: old.read(name) for name in old.namelist()}
        parts["label_map.npy"] = header.getvalue() + member
        with zipfile.ZipFile(path, "w") as new:
            for name, content in parts.items():
                new.writestr(name, content)
    return X, y


@pytest.mark.parametrize("kind", [str, np.str_])
def test_pictures_labels_and_names(kind, tmp_path):
    names = {0: kind("tench, Tinca tinca"), 7: kind("Grüße"), 999: kind("")}
    X, y = write_val(tmp_path / "imagenet_val_25.npz", names)
    read = load_imagenet_val(path=tmp_path)
    np.testing.assert_array_equal(read[0], X)
    np.testing.assert_array_equal(read[1], y)
    assert read[2] == {k: str(v) for k, v in names.items()} and all(type(v) is str for v in read[2].values())
    assert len(load_imagenet_val(2, path=tmp_path / "imagenet_val_25.npz")[0]) == 2


def test_the_folder_comes_from_the_environment(tmp_path, monkeypatch):
    write_val(tmp_path / "imagenet_val_25.npz", {0: "a"})
    monkeypatch.setenv("PIXELGRAD_DATA", str(tmp_path))
    assert len(load_imagenet_val()[0]) == 4
    monkeypatch.delenv("PIXELGRAD_DATA")
    monkeypatch.chdir(tmp_path)
    assert len(load_imagenet_val(1)[1]) == 1


class Evil:
    def __reduce__(self):
        return (open, ("harm.txt", "w"))


def test_a_pickle_is_not_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for protocol in (0, 2, 4):
        write_val(tmp_path / "evil.npz", {}, member=pickle.dumps(Evil(), protocol))
        with pytest.raises(DataError, match=r"evil.npz: its pickle asks for \w*io.open; not read"):
            load_imagenet_val(path=tmp_path / "evil.npz")
    member = pickle.dumps(np.array({0: Evil()}, dtype=object), 2)
    write_val(tmp_path / "inside.npz", {}, member=member)
    with pytest.raises(DataError, match="not read"):
        load_imagenet_val(path=tmp_path / "inside.npz")
    assert not (tmp_path / "harm.txt").exists()


@pytest.mark.parametrize("names", [["no", "dictionary"], {"key": "text"}, {0: 1}])
def test_other_contents_are_refused(names, tmp_path):
    write_val(tmp_path / "a.npz", names)
    with pytest.raises(DataError, match="a.npz: its label_map is no dictionary"):
        load_imagenet_val(path=tmp_path / "a.npz")


def test_bad_files_and_arguments(tmp_path):
    with pytest.raises(DataError, match="does not exist; `pixelgrad download imagenet-val-25` fetches it"):
        load_imagenet_val(path=tmp_path)
    (tmp_path / "a.npz").write_bytes(b"PK nonsense")
    with pytest.raises(DataError, match="cannot be read"):
        load_imagenet_val(path=tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", X=np.zeros((2, 3)), y=np.zeros(2), label_map=np.array({0: "a"}, dtype=object))
    with pytest.raises(DataError, match=r"holds pictures \(2, 3\)"):
        load_imagenet_val(path=tmp_path / "b.npz")
    for num in (0, 2.5, True):
        with pytest.raises(ValueError, match="num must be a whole number"):
            load_imagenet_val(num, path=tmp_path)


def test_the_real_file(shared_data):
    X, y, names = load_imagenet_val(path=shared_data("imagenet_val_25.npz"))
    assert X.shape == (25, 224, 224, 3) and len(names) == 999 and 134 not in names
    assert names[int(y[0])] == "hay"


def test_class_names(tmp_path, shared_data):
    path = tmp_path / "classes.txt"
    path.write_text("n01440764 tench, Tinca tinca\nn02124075 Egyptian cat\n\n", encoding="utf-8")
    assert load_class_names(path) == (["tench, Tinca tinca", "Egyptian cat"], ["n01440764", "n02124075"])
    for text, message in (
        ("n01440764 a\ntench\n", "line 2: expected a WordNet id and names"),
        ("", "line 1: expected .* got 'an empty file'"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            load_class_names(path)
    with pytest.raises(DataError, match="cannot be read as a list of classes"):
        load_class_names(tmp_path / "none.txt")
    names, wnids = load_class_names(shared_data("imagenet_classes.txt"))
    assert len(names) == len(set(wnids)) == 1000 and names[134] == "crane"
