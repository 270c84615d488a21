"""A small TinyImageNet: three classes, a few random pictures, and the oddities of the real one."""

import io
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

WNIDS = ["n02124075", "n01443537", "n04067472"]  # not sorted: labels follow wnids.txt, not the alphabet
NAMES = ["Egyptian cat", "goldfish, Carassius auratus", "reel"]
# File numbers with gaps; 10 comes after 2 by number and before it by alphabet.
TRAIN = {"n02124075": [0, 1, 2, 10], "n01443537": [5, 40, 300], "n04067472": [7, 8]}
VAL = [("val_14.JPEG", 2), ("val_3.JPEG", 0), ("val_20.JPEG", 1), ("val_7.JPEG", 0)]
TEST = [0, 2, 10]


def jpeg(seed, *, grey=False, size=(64, 64)):
    """A JPEG file of smooth noise (bytes)."""
    shape = (8, 8) if grey else (8, 8, 3)
    small = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()


def decoded(data):
    """The oracle: what Pillow makes of a JPEG file, (3, 64, 64)."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).transpose(2, 0, 1)


def small_data_set():
    """All files of the small TinyImageNet (dict name -> bytes), and what loading it must give."""
    files = {"wnids.txt": "\n".join(WNIDS).encode()}
    words = ["n00001740\tentity", *(f"{wnid}\t{name}" for wnid, name in zip(WNIDS, NAMES))]
    files["words.txt"] = "\n".join(words).encode()
    train, y_train = [], []
    for label, wnid in enumerate(WNIDS):
        for number in TRAIN[wnid]:
            name = f"train/{wnid}/images/{wnid}_{number}.JPEG"
            files[name] = jpeg(1000 * label + number, grey=number == 40)
            train.append(name)
            y_train.append(label)
    files[f"train/{WNIDS[0]}/{WNIDS[0]}_boxes.txt"] = b"only one class has its boxes\n"
    lines = []
    for seed, (name, label) in enumerate(VAL, start=5000):
        files[f"val/images/{name}"] = jpeg(seed)
        lines.append(f"{name}\t{WNIDS[label]}\t0\t19\t63\t47")
    files["val/val_annotations.txt"] = "\n".join(lines).encode()
    for number in TEST:
        files[f"test/images/test_{number}.JPEG"] = jpeg(6000 + number)
    val, test = [f"val/images/{name}" for name, _ in VAL], [f"test/images/test_{n}.JPEG" for n in TEST]
    strays = [".DS_Store", "train/.DS_Store", f"train/{WNIDS[1]}/images/._x.JPEG", "test/images/Thumbs.db"]
    files |= dict.fromkeys(strays, b"not a picture")
    expected = {
        "X_train": np.stack([decoded(files[name]) for name in train]),
        "X_val": np.stack([decoded(files[name]) for name in val]),
        "X_test": np.stack([decoded(files[name]) for name in test]),
        "y_train": np.array(y_train),
        "y_val": np.array([label for _, label in VAL]),
    }
    return files, expected


class Builder:
    """Writes the (possibly changed) files as a folder or a zip."""

    def __init__(self, folder):
        self.folder = folder
        self.files, self.expected = small_data_set()
        self.cache = folder / "cache"

    def tree(self, name="tiny"):
        for path, data in self.files.items():
            file = self.folder / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return self.folder / name

    def zip(self, name="tiny.zip", top="tiny/", extra=()):
        with zipfile.ZipFile(self.folder / name, "w") as archive:
            for path, data in self.files.items():
                archive.writestr(top + path, data)
            for path, data in extra:
                archive.writestr(path, data)
        return self.folder / name


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A `Builder` in a temporary folder; the user's cache folder is a temporary one too."""
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "user-cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "user-cache"))
    return Builder(tmp_path)


@pytest.fixture
def constants():
    return SimpleNamespace(WNIDS=WNIDS, NAMES=NAMES, jpeg=jpeg, decoded=decoded)
