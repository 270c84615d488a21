"""Networks and predictions as text and in notebooks, and classes whose names are numbers."""

import pytest

from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.classifiers.summary import find_class


def test_a_network_says_its_layers_and_where_its_weights_come_from():
    model = PretrainedCNN()
    text, page = repr(model), model._repr_html_()
    for shown in (text, page):
        assert "PretrainedCNN: 100 classes, images of 64 x 64" in shown
        assert "conv7" in shown and "256 x 8 x 8" in shown and model.provenance["data"] in shown


def test_a_network_without_origin_says_so_and_escapes_what_it_shows(make_network):
    model = make_network()
    assert "drawn at random, or of unknown origin" in repr(model) and "unknown origin" in model._repr_html_()
    model.provenance = {"command": "<script>"}
    assert "<script>" not in model._repr_html_() and "&lt;script&gt;" in model._repr_html_()


def test_predictions_print_a_bar_for_each_class_and_stay_a_list(make_network, images):
    model = make_network(pixel_mean=(120, 110, 100))
    model.class_names = [f"<b>{name}</b>" for name in model.class_names]
    X = model.preprocess(images(2))
    found = model.predict(X, top=3)
    assert isinstance(found, list) and isinstance(found[0], list) and len(found) == 2
    assert repr(found).startswith("image 0\n") and repr(found).count("%") == 6
    page = found._repr_html_()
    assert page.count("<tr>") == 6 and "&lt;b&gt;" in page and "<b>" not in page
    one = model.predict(X[:1], top=1)
    assert "image 0" not in repr(one) and f"{one[0][0].probability:.1%}" in repr(one)
    widths = [float(part.split("em")[0]) for part in page.split("width:")[1:] if part[0] != "1"]
    assert widths


NAMES = [str(k) for k in range(1, 101)]  # "1" is class 0


@pytest.mark.parametrize("text", ["5", " 5 ", "1", "99"])
def test_a_number_that_is_also_a_name_is_ambiguous(text):
    with pytest.raises(ValueError, match=rf"class '{text.strip()}' is ambiguous.*index:{text.strip()} or name:"):
        find_class(text, NAMES)


def test_index_and_name_decide():
    assert find_class("index:5", NAMES) == 5 and find_class("name:5", NAMES) == 4
    assert find_class(5, NAMES) == 5  # a number is an index
    assert find_class("100", NAMES) == 99 and find_class("0", NAMES) == 0  # these are one only
    assert find_class("name:goldfish", ["cat", "goldfish, Carassius auratus"]) == 1
    with pytest.raises(ValueError, match="class 100 is out of range"):
        find_class("index:100", NAMES)
    with pytest.raises(ValueError, match="unknown class 'x'"):
        find_class("name:x", NAMES)


def test_numbers_that_name_their_own_index_are_not_ambiguous():
    assert find_class("5", [str(k) for k in range(10)]) == 5


def test_one_of_several_names_counts_too():
    with pytest.raises(ValueError, match="class '2' is ambiguous"):
        find_class("2", ["two, 2", "one, 1", "none"])
