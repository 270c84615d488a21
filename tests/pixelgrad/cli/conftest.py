import numpy as np
import pytest
from PIL import Image

from pixelgrad.classifiers import Network
from pixelgrad.cli import main
from pixelgrad.cli.commands import make_parser
from pixelgrad.cli.options import name_by_options


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A weights file of a tiny network with five named classes."""
    conv = {"type": "conv", "size": 3, "stride": 2, "pad": 1, "bias": False, "batchnorm": True}
    architecture = [
        conv | {"filters": 6},
        conv | {"filters": 8},
        {"type": "global_avg_pool"},
        {"type": "affine", "units": 5},
    ]
    network = Network(
        architecture,
        input_size=(32, 32),
        mean_image=np.full((3, 32, 32), 120.0),
        class_names=["Egyptian cat", "goldfish, Carassius auratus", "banana", "school bus", "lemon"],
        wnids=["n02124075", "n01443537", "n07753592", "n04146614", "n07749582"],
    )
    network.params["W3"] *= 500
    network.params["running_var1"] *= 5000
    path = tmp_path_factory.mktemp("weights") / "tiny.h5"
    network.save(path)
    return path


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, weights):
    """run(*arguments) -> exit code, standard output, standard error; in an empty folder, with the tiny network."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*arguments, model=weights):
        arguments = [str(a) for a in arguments]
        if model and arguments[0] not in ("download", "train"):
            arguments += ["--model", str(model)]
        try:
            code = main(arguments)
        except SystemExit as stop:  # argparse's own refusals
            code = stop.code
        out, err = capsys.readouterr()
        return code, out, err

    run.folder = folder
    return run


@pytest.fixture
def default_name():
    """default_name(*arguments) -> the name of what the command would write."""

    def name(*arguments):
        args = make_parser().parse_args([str(a) for a in arguments])
        assert args.out is None
        return name_by_options(args.run.args[0], args)

    return name


@pytest.fixture(scope="module")
def once():
    """once(key, make) -> what make() gave the first time: most options are compared with the same picture."""
    known = {}

    def get(key, make):
        if key not in known:
            known[key] = make()
        return known[key]

    return get


@pytest.fixture
def photo(tmp_path):
    """A picture file with soft colours, 90x60."""
    coarse = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(coarse).resize((90, 60), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture
def data(tmp_path):
    """Two classes of six training and two validation pictures, in TinyImageNet's layout."""
    rng, root = np.random.default_rng(0), tmp_path / "tiny"
    wnids = ["n01443537", "n02124075"]
    (root / "val" / "images").mkdir(parents=True)
    (root / "wnids.txt").write_text("\n".join(wnids) + "\n")
    (root / "words.txt").write_text("n01443537\tgoldfish\nn02124075\tEgyptian cat\n")
    lines = []
    for k, wnid in enumerate(wnids):
        folder = root / "train" / wnid / "images"
        folder.mkdir(parents=True)
        for i in range(6):
            save(folder / f"{wnid}_{i}.JPEG", rng, k)
        for i in range(2):
            name = f"val_{2 * k + i}.JPEG"
            save(root / "val" / "images" / name, rng, k)
            lines.append(f"{name}\t{wnid}\t0\t0\t62\t62\n")
    (root / "val" / "val_annotations.txt").write_text("".join(lines))
    return root


def save(path, rng, k):
    picture = rng.integers(0, 120, (64, 64, 3)) + 100 * k
    Image.fromarray(picture.astype(np.uint8)).save(path)
