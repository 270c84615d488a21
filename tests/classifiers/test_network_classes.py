"""A network's classes: scores, predictions, and the names by which a class is found."""

import numpy as np
import pytest

from pixelgrad.classifiers import Network, Prediction


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_scores_are_those_of_forward_whatever_the_batch(batch_size, make_network):
    model = make_network()
    X = np.random.default_rng(0).standard_normal((5, 3, 12, 15))
    expected = model.forward(X)[0]
    kept = X.copy()
    np.testing.assert_allclose(model.scores(X, batch_size=batch_size), expected, rtol=1e-12, atol=1e-12)
    assert np.array_equal(X, kept)


def test_scores_refuse(make_network):
    model = make_network()
    for batch_size in (0, 1.5):
        with pytest.raises(
            ValueError, match=f"scores: batch_size must be a whole number, at least 1; got {batch_size}"
        ):
            model.scores(np.zeros((2, 3, 12, 15)), batch_size=batch_size)
    with pytest.raises(ValueError, match="batch is empty"):
        model.scores(np.zeros((0, 3, 12, 15)))
    with pytest.raises(ValueError, match=r"\(4, 12, 15\)"):
        model.scores(np.zeros((4, 12, 15)))


def test_predictions_are_sorted_probabilities(named, inputs):
    X = inputs(5)
    scores = named.loss(X)
    predictions = named.predict(X, top=7)
    assert len(predictions) == 5
    for row, best in zip(scores.astype(float), predictions):
        assert all(isinstance(p, Prediction) for p in best)
        assert sum(p.probability for p in best) == pytest.approx(1, abs=1e-12)
        assert [p.index for p in best] == sorted(range(7), key=lambda k: -row[k])
        expected = np.exp(row) / np.exp(row).sum()
        for p in best:
            assert p.name == named.class_names[p.index]
            assert p.probability == pytest.approx(expected[p.index], rel=1e-9)
    assert [len(p) for p in named.predict(X, top=2)] == [2] * 5
    assert named.predict(X, top=2)[0] == predictions[0][:2]
    assert len(named.predict(X)[0]) == 5


def test_predictions_survive_scores_of_ten_thousand_and_put_equal_ones_in_order(named, inputs):
    named.params["W3" if "W7" not in named.params else "W7"][...] = 0
    named.params["b7"][...] = [1e4, 0, 1e4, -1e4, 0, 0, 0]
    best = named.predict(inputs(1), top=3)[0]
    assert [(p.index, p.probability) for p in best] == [(0, 0.5), (2, 0.5), (1, 0)]


def test_of_many_equal_scores_the_first_classes_come_first(make_network, inputs):
    model = make_network([{"type": "affine", "units": 90}])
    model.params["W1"][...] = 0
    model.params["b1"][...] = np.arange(90) % 2
    assert [p.index for p in model.predict(inputs(1))[0]] == [1, 3, 5, 7, 9]


@pytest.mark.parametrize(
    "label, index",
    [
        (3, 3),
        (np.int64(6), 6),
        ("5", 5),
        ("n00000002", 2),
        ("Egyptian cat", 1),
        ("  egyptian CAT ", 1),
        ("goldfish", 0),
        ("carassius auratus", 0),
        ("goldfish, Carassius auratus", 0),
        ("tabby cat", 2),
        ("hog", 6),
        ("frog", 4),
    ],
)
def test_a_class_is_found_by_index_wnid_or_one_of_its_names(named, label, index):
    assert named.class_index(label) == index


def test_the_error_for_an_unknown_class_helps(named):
    for label, expected in (("goldfsh", "0 goldfish"), ("cat", "1 Egyptian cat"), ("egyptian kat", "1 Egyptian cat")):
        with pytest.raises(ValueError, match=f"unknown class '{label}'; did you mean") as caught:
            named.class_index(label)
        assert expected in str(caught.value)
    with pytest.raises(ValueError, match="1 Egyptian cat, 2 tabby, tabby cat"):
        named.class_index("cat")
    with pytest.raises(ValueError, match="4 frog, toad, 5 toad"):  # a name of two classes
        named.class_index("toad")
    with pytest.raises(ValueError, match="unknown class 'xyzzy'; .*lists all"):
        named.class_index("xyzzy")
    for label in (7, -1, "7", "100"):
        with pytest.raises(ValueError, match=f"class {label} is out of range: the network has classes 0 to 6"):
            named.class_index(label)


def test_without_names_the_classes_are_numbered(model):
    assert model.class_names == [f"class {k}" for k in range(7)] and model.wnids is None
    assert model.class_index("class 3") == 3
    for what in ("class_names", "wnids"):
        with pytest.raises(ValueError, match=f"{what}: 2 entries, but the network has 7 classes"):
            Network(model.architecture, input_size=(12, 15), **{what: ["a", "b"]})
