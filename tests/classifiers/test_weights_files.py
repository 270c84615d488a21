"""Weights files: what is written comes back; whatever is damaged says what was found, expected, and what to do."""

import json
import shutil

import h5py
import numpy as np
import pytest

from pixelgrad.classifiers import Network, PretrainedCNN, WeightsError, tinyimagenet_architecture
from pixelgrad.classifiers import weights as weights_module

MEAN_IMAGE = np.random.default_rng(9).uniform(80, 160, (3, 12, 15)).astype(np.float32)
NAMES = [f"name {k}, other näme {k}" for k in range(7)]
WNIDS = [f"n{k:08d}" for k in range(7)]
PROVENANCE = {"command": "pixelgrad train", "seed": 3, "val_top1": 0.25, "note": None, "who": "Ångström"}


@pytest.fixture
def model(make_network):
    return make_network(
        class_names=NAMES, wnids=WNIDS, mean_image=MEAN_IMAGE, pixel_std=(50, 60, 70), provenance=PROVENANCE
    )


@pytest.fixture
def path(model, tmp_path):
    model.save(tmp_path / "weights.h5")
    return tmp_path / "weights.h5"


def refused(path, *fragments, load=Network.load):
    with pytest.raises(WeightsError) as caught:
        load(path)
    for fragment in (str(path), *fragments):
        assert fragment in str(caught.value), str(caught.value)


# -- round trips ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("load", [Network.load, PretrainedCNN])
def test_everything_comes_back(model, path, load):
    other = load(path)
    assert other.architecture == model.architecture and other.layer_names == model.layer_names
    assert other.class_names == NAMES and other.wnids == WNIDS and other.input_size == (12, 15)
    assert other.provenance == PROVENANCE
    assert np.array_equal(other.pixels.mean_image, MEAN_IMAGE)
    assert np.array_equal(other.pixels.mean, model.pixels.mean) and np.array_equal(other.pixels.std, model.pixels.std)
    assert list(other.params) == list(model.params)
    for name, value in model.params.items():
        assert other.params[name].dtype == np.float32 and np.array_equal(other.params[name], value), name


def test_pixels_and_names_may_be_missing(make_network, tmp_path):
    make_network().save(tmp_path / "a.h5")
    plain = Network.load(tmp_path / "a.h5")
    assert plain.wnids is None and plain.class_names == [f"class {k}" for k in range(7)]
    assert plain.pixels.mean is None and plain.pixels.mean_image is None
    make_network(pixel_mean=(1, 2, 3)).save(tmp_path / "b.h5")
    assert Network.load(tmp_path / "b.h5").pixels.mean.tolist() == [1, 2, 3]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_float16_rounds_filters_and_matrices_and_keeps_vectors(make_network, tmp_path, dtype):
    model = make_network()
    model.params["running_var1"][0] = 1e5  # more than float16 holds
    model.save(tmp_path / "w.h5", dtype=dtype)
    other = Network.load(tmp_path / "w.h5")
    for name, value in model.params.items():
        expected = value.astype(np.float16).astype(np.float32) if dtype == np.float16 and value.ndim > 1 else value
        assert np.array_equal(other.params[name], expected), name
    with h5py.File(tmp_path / "w.h5") as f:
        assert f["W1"].dtype == dtype
        assert f["b2"].dtype == (np.float64 if dtype == np.float64 else np.float32)


def test_float64_parameters_survive_in_float64(make_network, tmp_path):
    model = make_network(dtype=np.float64)
    model.params["W1"] += 1e-12
    model.params["b2"] += 1e-12
    model.save(tmp_path / "w.h5", dtype=np.float64)
    other = Network.load(tmp_path / "w.h5", dtype=np.float64)
    assert np.array_equal(other.params["W1"], model.params["W1"])
    assert np.array_equal(other.params["b2"], model.params["b2"])
    assert Network.load(tmp_path / "w.h5").params["W1"].dtype == np.float32


def test_the_attributes_are_those_of_the_format(path, model):
    with h5py.File(path) as f:
        assert f.attrs["format"] == "pixelgrad" and f.attrs["format_version"] == 1
        assert json.loads(f.attrs["architecture"]) == model.architecture
        assert json.loads(f.attrs["provenance"]) == PROVENANCE
        assert list(f.attrs["input_size"]) == [12, 15]
        assert list(f.attrs["class_names"]) == NAMES
        assert set(f) == {*model.params, "mean_image"}


def test_given_names_and_means_replace_those_of_the_file(path):
    names, wnids = [f"x{k}" for k in range(7)], [f"w{k}" for k in range(7)]
    model = PretrainedCNN(path, mean_image=MEAN_IMAGE + 1, class_names=names, wnids=wnids)
    assert model.class_names == names and model.wnids == wnids
    assert np.array_equal(model.pixels.mean_image, MEAN_IMAGE + 1)
    np.testing.assert_allclose(model.pixels.mean, (MEAN_IMAGE + 1).mean(axis=(1, 2)))
    assert PretrainedCNN(path, dtype=np.float64).params["W1"].dtype == np.float64


# -- damage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("load", [Network.load, PretrainedCNN])
def test_a_missing_file(tmp_path, load):
    refused(tmp_path / "none.h5", "does not exist", "check the path", load=load)


@pytest.mark.parametrize("load", [Network.load, PretrainedCNN])
@pytest.mark.parametrize("content", [b"", b"<html>404 Not Found</html>\n" * 50, b"\x89HDF", b"\0" * 5000])
def test_an_empty_file_or_one_of_another_kind(tmp_path, content, load):
    path = tmp_path / "weights.h5"
    path.write_bytes(content)
    refused(path, "not an HDF5 file", f"({len(content):,} bytes)", "expected a weights file", load=load)


def test_a_folder(tmp_path):
    refused(tmp_path, "cannot be read")


@pytest.mark.parametrize("load", [Network.load, PretrainedCNN])
@pytest.mark.parametrize("part", [0.001, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_truncated_file_at_any_length(path, part, load):
    content = path.read_bytes()
    length = max(1, int(len(content) * part))
    path.write_bytes(content[:length])
    refused(path, f"({length:,} bytes)", load=load)
    if part >= 0.3:
        refused(path, "cut short", "download or make it again", "46,308,080 bytes", load=load)


@pytest.mark.parametrize("error", [OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError, UnicodeError])
def test_whatever_h5py_raises_on_a_damaged_file_is_a_weights_error(path, monkeypatch, error):
    # Bytes are not damaged at random here: on some of such files the HDF5 library itself never returns.
    def fail(self, name):
        raise error("bad heap")

    monkeypatch.setattr(h5py.File, "__getitem__", fail)
    refused(path, "cannot be read as a weights file", "bytes)", "bad heap")


def change(path, f):
    with h5py.File(path, "r+") as file:
        f(file)


def replace(name, value):
    def f(file):
        del file[name]
        file[name] = value

    return f


@pytest.mark.parametrize("load", [Network.load, PretrainedCNN])
@pytest.mark.parametrize(
    "damage, fragments",
    [
        (lambda f: f.pop("gamma1"), ["missing: gamma1", "make or download it again"]),
        (lambda f: f.create_dataset("W99", data=np.zeros(3)), ["extra: W99"]),
        (replace("W3", np.zeros((6, 5, 2, 3))), ["W3 has the shape (6, 5, 2, 3), expected (6, 5, 2, 2)"]),
        (replace("b4", np.zeros((1, 4))), ["b4 has the shape (1, 4), expected (4,)"]),
        (replace("b4", np.float32(0)), ["b4 has the shape (), expected (4,)"]),
        (replace("b4", np.arange(4)), ["b4 has the type int64, expected floating-point"]),
        (replace("b4", "text"), ["b4 has the shape (), expected (4,)"]),
        (replace("b4", np.array([1, np.nan, np.nan, 2])), ["b4 holds 2 values that are NaN or infinite"]),
        (replace("b4", np.array([1, np.inf, 0, 2])), ["b4 holds 1 values that are NaN or infinite"]),
        (replace("running_var1", np.array([1, -0.5, 0, 2])), ["running_var1 has a negative variance, -0.5", "damaged"]),
        (replace("mean_image", np.zeros((12, 15))), ["mean_image", "(12, 15)"]),
        (replace("mean_image", np.full((3, 12, 15), np.nan)), ["mean_image must be finite"]),
        (lambda f: f.create_group("more"), ["expected arrays only", "group 'more'"]),
        (lambda f: f.attrs.__setitem__("format", "keras"), ["format is 'keras'", "expected 'pixelgrad'"]),
        (lambda f: f.attrs.__delitem__("format"), ["format is None", "expected 'pixelgrad'"]),
        (lambda f: f.attrs.__setitem__("format_version", 2), ["format version 2", "reads version 1", "install"]),
        (lambda f: f.attrs.__delitem__("format_version"), ["format version None", "reads version 1"]),
        (lambda f: f.attrs.__setitem__("architecture", "[{"), ["description cannot be read", "again"]),
        (lambda f: f.attrs.__setitem__("architecture", 3), ["description cannot be read"]),
        (lambda f: f.attrs.__setitem__("architecture", "[]"), ["description cannot be read", "at least one"]),
        (lambda f: f.attrs.__delitem__("architecture"), ["description cannot be read", "architecture"]),
        (lambda f: f.attrs.__delitem__("provenance"), ["description cannot be read", "provenance"]),
        (lambda f: f.attrs.__setitem__("architecture", '[{"type": "attention"}]'), ["'attention'", "known are conv"]),
        (lambda f: f.attrs.__setitem__("architecture", '[{"type": "affine", "units": "7"}]'), ["units", "'7'"]),
        (lambda f: f.attrs.__setitem__("architecture", '[{"type": "global_avg_pool"}, 5]'), ["block 1"]),
        (lambda f: f.attrs.__setitem__("input_size", 64), ["description cannot be read"]),
        (lambda f: f.attrs.__setitem__("input_size", [12, -15]), ["description cannot be read"]),
        (lambda f: f.attrs.__setitem__("input_size", [1, 1]), ["description cannot be read", "max_pool"]),
        (lambda f: f.attrs.__setitem__("class_names", ["a", "b"]), ["class_names: 2 entries", "7 classes"]),
        (lambda f: f.attrs.__setitem__("class_names", 5), ["description cannot be read"]),
        (lambda f: f.attrs.__setitem__("wnids", ["a"]), ["wnids: 1 entries"]),
        (lambda f: f.attrs.__setitem__("pixel_std", [1, 0, 1]), ["pixel_std must be positive"]),
        (lambda f: f.attrs.__setitem__("pixel_mean", [1, 0]), ["pixel_mean must be three finite numbers"]),
    ],
)
def test_whatever_is_wrong_in_a_file_is_named(path, damage, fragments, load):
    change(path, damage)
    refused(path, *fragments, load=load)


def test_a_link_to_nowhere(path):
    def link(f):
        del f["W1"]
        f["W1"] = h5py.SoftLink("/nowhere")

    change(path, link)
    refused(path)


def test_weights_errors_are_value_errors():
    assert issubclass(WeightsError, ValueError)


# -- saving --------------------------------------------------------------------------------------------------------


def test_nothing_is_overwritten_unasked(model, path, monkeypatch):
    before = path.read_bytes()
    model.params["W1"] = 2 * model.params["W1"]
    with pytest.raises(FileExistsError, match="exists already.*overwrite=True") as caught:
        model.save(path)
    assert str(path) in str(caught.value) and path.read_bytes() == before
    with monkeypatch.context() as patch:
        patch.setattr(h5py, "File", None)  # refused before any work, not after it
        with pytest.raises(FileExistsError):
            model.save(path)
    model.save(path, overwrite=True)
    assert np.array_equal(Network.load(path).params["W1"], model.params["W1"])


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    "interruption", [RuntimeError("disk on fire"), KeyboardInterrupt(), OSError(28, "No space left")]
)
def test_nothing_is_half_written_when_saving_is_interrupted(
    model, path, tmp_path, monkeypatch, overwrite, interruption
):
    before = path.read_bytes()
    target = path if overwrite else tmp_path / "new.h5"
    create, calls = h5py.File.create_dataset, []

    def create_then_stop(self, *args, **options):
        calls.append(1)
        if len(calls) > 3:
            raise interruption
        return create(self, *args, **options)

    monkeypatch.setattr(h5py.File, "create_dataset", create_then_stop)
    with pytest.raises(type(interruption)) as caught:
        model.save(target, overwrite=overwrite)
    if isinstance(interruption, OSError):
        assert str(target) in str(caught.value) and "No space left" in str(caught.value)
    assert len(calls) == 4
    assert [p.name for p in tmp_path.iterdir()] == ["weights.h5"] and path.read_bytes() == before


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_network_with_nan_is_not_saved(model, tmp_path, value):
    model.params["W3"][0, 0, 0, 0] = value
    with pytest.raises(WeightsError, match="cannot save .*W3 holds NaN, infinity, or values too large for float32"):
        model.save(tmp_path / "new.h5")
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("error")
def test_what_float16_cannot_hold_is_not_saved_in_it(model, tmp_path):
    model.params["W3"][0, 0, 0, 0] = 1e5
    with pytest.raises(WeightsError, match="W3 holds .* too large for float16"):
        model.save(tmp_path / "new.h5", dtype=np.float16)
    assert not list(tmp_path.iterdir())
    model.save(tmp_path / "new.h5")


def test_other_types_and_missing_folders_are_refused(model, tmp_path):
    with pytest.raises(ValueError, match="dtype must be float16, float32 or float64, got int32"):
        model.save(tmp_path / "new.h5", dtype=np.int32)
    with pytest.raises(FileNotFoundError, match="the folder .* does not exist; make it first"):
        model.save(tmp_path / "no" / "new.h5")
    model.provenance["array"] = np.zeros(3)
    with pytest.raises(TypeError):
        model.save(tmp_path / "new.h5")
    assert not list(tmp_path.iterdir())


# -- CS231n's original file ----------------------------------------------------------------------------------------


def cs231n_params(num_classes=100):
    """Cheap and different everywhere: every array counts up from its own start."""
    from pixelgrad.classifiers import cs231n_architecture
    from pixelgrad.classifiers.blocks import make_blocks, param_shapes

    params = {}
    for k, (name, shape) in enumerate(param_shapes(make_blocks(cs231n_architecture(num_classes)), (64, 64)).items()):
        values = np.resize(np.arange(2039, dtype=np.float16) / 256 + k / 8, np.prod(shape, dtype=int))
        params[name] = values.reshape(shape)
    return params


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    """A file with CS231n's layout, some arrays transposed as in theirs, and what should come out."""
    params = cs231n_params()
    path = tmp_path_factory.mktemp("cs231n") / "pretrained_model.h5"
    with h5py.File(path, "w") as f:
        for name, value in params.items():
            turned = name in ("W1", "W4", "W10", "W11")
            stored = value.T if turned else value
            if name in ("b3", "gamma7"):
                stored = value[None]
            if name == "running_var2":
                stored = value[:, None]
            f[name] = stored
    return path, params


def test_cs231ns_file_loads_with_arrays_stored_transposed(original):
    path, params = original
    model = PretrainedCNN(path)
    assert model.params.keys() == params.keys()
    for name, value in params.items():
        assert np.array_equal(model.params[name], value.astype(np.float32)), name
    assert model.class_names[99] == "class 99" and model.wnids is None and model.input_size == (64, 64)
    assert "CS231n" in model.provenance["source"]
    assert model.layer_names == [*(f"conv{i}" for i in range(1, 10)), "affine1", "affine2"]

    image = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(ValueError, match="preprocess: .*no mean image.*mean_image="):
        model.preprocess(image)
    mean_image = np.full((3, 64, 64), 100, np.float32)
    model = PretrainedCNN(path, mean_image=mean_image, class_names=[f"c{k}" for k in range(100)])
    assert np.all(model.preprocess(image) == -100) and model.class_names[5] == "c5"


def copied(original, tmp_path, damage):
    path = tmp_path / "pretrained_model.h5"
    shutil.copy(original[0], path)
    change(path, damage)
    return path


@pytest.mark.parametrize(
    "damage, fragments",
    [
        (lambda f: f.pop("W5"), ["missing: W5"]),
        (lambda f: f.pop("b11"), ["missing: b11"]),
        (lambda f: f.create_dataset("more", data=np.zeros(2)), ["extra: more"]),
        (replace("b3", np.zeros((2, 64))), ["b3", "(2, 64)", "(128,)"]),
        (replace("W10", np.zeros((4096, 511), np.float16)), ["W10 has the shape (4096, 511), expected (4096, 512)"]),
        (replace("running_var3", np.full(128, -1.0)), ["running_var3 has a negative variance"]),
        (replace("b11", np.zeros(0)), ["b11", "(0,)"]),
        (replace("b11", "text"), ["W11"]),
    ],
)
def test_a_damaged_file_of_cs231ns_is_named(original, tmp_path, damage, fragments):
    refused(copied(original, tmp_path, damage), *fragments, load=PretrainedCNN)


def test_a_truncated_file_of_cs231ns_says_how_long_it_should_be(original, tmp_path):
    path = tmp_path / "pretrained_model.h5"
    path.write_bytes(original[0].read_bytes()[:1_000_000])
    refused(path, "cut short (1,000,000 bytes)", "46,308,080 bytes when it is complete", load=PretrainedCNN)


def test_a_square_matrix_is_taken_as_it_is():
    params = cs231n_params(512)
    assert params["W11"].shape == (512, 512)
    stored = dict(params, W10=params["W10"].T)
    contents = weights_module_read(stored)
    assert np.array_equal(contents["params"]["W11"], params["W11"])
    assert np.array_equal(contents["params"]["W10"], params["W10"])


def weights_module_read(arrays):
    from pixelgrad.classifiers.pretrained import _read_cs231n

    return _read_cs231n("file.h5", arrays)


def test_network_load_points_to_the_way_for_cs231ns_file(original):
    refused(original[0], "not a weights file of pixelgrad", "PretrainedCNN(h5_file=...)")


def test_the_version_that_is_written_is_the_one_that_is_read():
    assert weights_module.FORMAT_VERSION == 1


def test_a_file_takes_hardly_more_room_than_its_arrays(tmp_path):
    """Arrays of odd sizes were once padded to chunks that did not fit, by up to three quarters."""
    model = Network(tinyimagenet_architecture(7, widths=[32, 64, 96, 128, 224, 256, 384]), input_size=(64, 64), rng=0)
    model.save(tmp_path / "odd.h5", dtype=np.float16)
    arrays = sum(value.size * (2 if value.ndim > 1 else 4) for value in model.params.values())
    assert arrays < (tmp_path / "odd.h5").stat().st_size < arrays + 120_000  # the mean image, and what HDF5 needs
