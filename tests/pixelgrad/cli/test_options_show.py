"""Every option shows in the picture and in the name that a command gives it."""

import numpy as np
import pytest
from PIL import Image

BASES = {
    "saliency": ["PHOTO"],
    "fool": ["noise", "--target", "lemon", "--max-iterations", "3", "--confidence", "1"],
    "counterfactual": ["PHOTO", "--target", "lemon", "--confidence", "0.99999", "--max-steps", "3"],
    "invert": ["PHOTO", "--layer", "1", "--iterations", "4"],
    "dream": ["PHOTO", "--layer", "1", "--iterations", "2", "--octaves", "2"],
    "visualize": ["lemon", "--iterations", "5"],
}
EFFECTS = [
    ("saliency", ["--class", "lemon"], ["--class", "banana"]),
    ("saliency", [], ["--size", "48"]),
    ("fool", [], ["--seed", "5"]),
    ("fool", [], ["--learning-rate", "9"]),
    ("fool", [], ["--max-iterations", "6"]),
    ("fool", ["--learning-rate", "900"], ["--learning-rate", "900", "--raw"]),
    ("counterfactual", [], ["--target", "banana"]),
    ("counterfactual", [], ["--step", "0.5"]),
    ("counterfactual", [], ["--max-steps", "5"]),
    ("counterfactual", [], ["--size", "48"]),
    ("invert", [], ["--seed", "5"]),
    ("invert", [], ["--l2-reg", "0.01"]),
    ("invert", [], ["--tv-weight", "0.01"]),
    ("invert", ["--tv-weight", "0.01"], ["--tv-weight", "0.01", "--tv-beta", "1.2"]),
    ("invert", [], ["--blur-every", "1"]),
    ("invert", [], ["--learning-rate", "9"]),
    ("invert", ["--learning-rate", "900"], ["--learning-rate", "900", "--raw"]),
    ("dream", [], ["--seed", "5"]),
    ("dream", [], ["--octaves", "1"]),
    ("dream", [], ["--octave-scale", "1.2"]),
    ("dream", [], ["--max-jitter", "0"]),
    ("dream", [], ["--guide", "portrait"]),
    ("dream", [], ["--layer", "0:0.1,conv2/3:5"]),
    ("dream", ["--learning-rate", "90"], ["--learning-rate", "90", "--raw"]),
    ("visualize", [], ["--objective", "log_odds"]),
    ("visualize", [], ["--l2-reg", "0.01"]),
    ("visualize", [], ["--max-jitter", "0"]),
    ("visualize", [], ["--blur-every", "2"]),
    ("visualize", ["--learning-rate", "900"], ["--learning-rate", "900", "--raw"]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("command", "one", "other"), EFFECTS, ids=lambda value: " ".join(value) if value else "-")
def test_every_option_shows_in_the_picture(run, photo, once, command, one, other):
    def made(options, name):
        base = [str(photo) if word == "PHOTO" else word for word in BASES[command]]
        code, _, err = run(command, *base, *options, "--out", name, "-q")
        assert code in (0, 1) and not err, err
        return np.asarray(Image.open(run.folder / name))

    pictures = once((command, *one), lambda: made(one, "a.png")), made(other, "b.png")
    assert pictures[0].shape != pictures[1].shape or not np.array_equal(*pictures)


@pytest.mark.parametrize(("command", "one", "other"), EFFECTS, ids=lambda value: " ".join(value) if value else "-")
def test_every_option_shows_in_the_default_name(default_name, command, one, other):
    names = [default_name(command, *BASES[command], *options) for options in (one, other)]
    assert names[0] != names[1] and names[0] == default_name(command, *BASES[command], *one)


def test_default_names_say_what_was_asked_for(default_name, photo):
    assert default_name("saliency", "cat") == "saliency-cat.png"
    assert default_name("saliency", photo, "--class", "school bus") == "saliency-photo-class-school-bus.png"
    assert default_name("visualize", "lemon", "4", "--raw") == "class-lemon-4-raw.png"
    assert (
        default_name("fool", "noise", "--target", "7", "--confidence", "0.5")
        == "fooling-noise-target-7-confidence-0.5.png"
    )
    assert default_name("dream", "cat", "--layer", "conv4,conv5/17:20") == "dream-cat-layer-conv4,conv5-17-20.png"


def test_default_names_leave_out_what_does_not_show_in_the_picture(default_name):
    plain = default_name("visualize", "lemon")
    assert plain == default_name("visualize", "lemon", "-q", "--force", "--debug", "--max-jitter", "8", "--seed", "0")


def test_default_names_stay_short_and_differ(default_name):
    classes = [str(k) for k in range(200)]
    names = {default_name("visualize", *classes[:k]) for k in (198, 199, 200)}
    assert len(names) == 3 and all(len(name) < 130 for name in names)
