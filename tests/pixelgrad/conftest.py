import numpy as np
import pytest
from PIL import Image

from pixelgrad.classifiers import Network


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
def photo(tmp_path):
    """A picture file with soft colours, 90x60."""
    coarse = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(coarse).resize((90, 60), Image.Resampling.BICUBIC).save(path)
    return path
