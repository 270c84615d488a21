"""Not finite is an error: at the door, in weights, and in what is returned."""

import h5py
import numpy as np
import pytest

from pixelgrad.classifiers import Network, PretrainedCNN, WeightsError


def test_pixels_that_are_not_finite_are_named(make_network, images):
    model = make_network(pixel_mean=(120, 110, 100))
    X = model.preprocess(images(3))
    X[1, 0, 2, 3], X[2, 0, 0, 0] = np.nan, np.inf
    for ask in (model.predict, model.scores, model.probabilities, model.loss):
        with pytest.raises(ValueError, match="image 1 holds 1 values that are NaN or infinite"):
            ask(X)


def test_a_parameter_that_is_not_finite_is_told_from_a_pixel(make_network, images):
    model = make_network(pixel_mean=(120, 110, 100))
    model.params["W1"] = model.params["W1"] * np.nan
    X = model.preprocess(images(2))
    for ask in (model.predict, model.forward, model.loss):
        with pytest.raises(ValueError, match="the output of layer conv1 is not finite: parameter W1 holds NaN"):
            ask(X)


def test_the_layer_whose_values_overflow_is_named(make_network, images):
    model = make_network(pixel_mean=(120, 110, 100))
    last = model.layer_names[-1]
    name = [n for n in model.params if n.startswith("W")][-1]
    huge = model.with_params({**model.params, name: np.full_like(model.params[name], 3e38)})
    with pytest.raises(ValueError, match=f"the output of layer {last} is not finite: its values are too large"):
        huge.scores(model.preprocess(images(2)))


def test_a_gradient_that_is_not_finite_is_an_error(make_network, images):
    model = make_network(pixel_mean=(120, 110, 100))
    scores, cache = model.forward(model.preprocess(images(2)))
    with pytest.raises(ValueError, match="backward: dout: image 1 holds 1 values"):
        dout = np.zeros_like(scores)
        dout[1, 0] = np.nan
        model.backward(dout, cache)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_network_is_not_made_of_parameters_that_are_not_finite(make_network, value):
    model = make_network()
    bad = model.params["W1"].copy()
    bad[0, 0, 0, 0] = value
    with pytest.raises(ValueError, match="parameter W1 holds NaN or infinity"):
        Network(model.architecture, {**model.params, "W1": bad}, input_size=model.input_size)


@pytest.mark.parametrize("dtype", [np.float16, np.int32, complex])
def test_types_without_room_for_activations_are_refused(make_network, dtype):
    with pytest.raises(ValueError, match="astype: dtype must be float32 or float64"):
        make_network().astype(dtype)


@pytest.mark.parametrize("label", [3.0, True, None, [3]])
def test_what_is_not_a_class_is_refused_by_its_kind(make_network, label):
    with pytest.raises(TypeError, match="a class is given by its index, its name or its WordNet id"):
        make_network().class_index(label)


@pytest.mark.parametrize("top", [0, -1, 1.5, True, None])
def test_senseless_tops_are_refused(make_network, images, top):
    model = make_network(pixel_mean=(120, 110, 100))
    with pytest.raises(ValueError, match="predict: top must be a whole number, at least 1"):
        model.predict(model.preprocess(images(1)), top=top)
    assert len(model.predict(model.preprocess(images(1)), top=99)[0]) == model.num_classes


@pytest.mark.parametrize("load", [Network.load, PretrainedCNN])
def test_flipped_bits_in_weights_are_noticed(make_network, tmp_path, load):
    """One bit of each array in turn; the values stay finite, and only the checksum can tell."""
    make_network(mean_image=np.full((3, 12, 15), 100.0)).save(tmp_path / "w.h5")
    content = (tmp_path / "w.h5").read_bytes()
    with h5py.File(tmp_path / "w.h5") as f:
        places = {name: f[name].id.get_chunk_info(0).byte_offset for name in f}
    assert {"W1", "gamma1", "running_var1", "mean_image"} <= set(places)
    load(tmp_path / "w.h5")
    for place in places.values():
        damaged = bytearray(content)
        damaged[place + 1] ^= 1
        (tmp_path / "damaged.h5").write_bytes(damaged)
        with pytest.raises(WeightsError, match="does not match its checksum .*download or make it again"):
            load(tmp_path / "damaged.h5")


def test_files_without_checksums_still_load(make_network, tmp_path):
    model = make_network()
    model.save(tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5") as new, h5py.File(tmp_path / "old.h5", "w") as old:
        old.attrs.update(new.attrs)
        for name in new:
            assert new[name].fletcher32
            old.create_dataset(name, data=new[name][()])
    assert np.array_equal(Network.load(tmp_path / "old.h5").params["W1"], model.params["W1"])
