"""What a command reads is never overwritten, and names are checked before the work."""

import os

import pytest

PNG = b"\x89PNG"


def same(run, photo, name):
    """A copy of the photograph under another name, and its bytes."""
    path = run.folder / name
    path.write_bytes(photo.read_bytes())
    return path, path.read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        ("fool", "p-image.png", "--target", 3, "--out", "p.png"),
        ("fool", "p.png", "--target", 3, "--out", "p.png"),
        ("attack", "p-image.png", "--target", 3, "--out", "p.png"),
        ("saliency", "p.png", "--out", "./p.png"),
        ("counterfactual", "p.png", "--target", 3, "--out", "p.png"),
        ("cam", "p.png", "--out", "link.png"),
        ("faithfulness", "p-sanity.png", "--out", "p.png"),
        ("invert", "p.png", "--out", "p.png"),
        ("dream", "p.png", "--out", "p.png"),
        ("dream", "other.png", "--guide", "p.png", "--out", "p.png"),
        ("style", "p.png", "other.png", "--out", "p.png"),
        ("style", "other.png", "p.png", "--out", "p.png"),
        ("style", "p-20.png", "other.png", "--out", "p.png", "--save-iter", 10, "--num-iterations", 20),
        ("texture", "p.png", "--out", "p.png"),
        ("activations", "p.png", "--layer", 0, "--out", "p.png"),
        ("neighbours", "p.png", "--layer", 0, "--out", "p.png"),
        ("neuron", "--layer", 0, "--channel", 0, "--start", "p.png", "--out", "p.png"),
        ("gallery", "--image", "saliency.png", "--out", "."),
    ],
    ids=lambda arguments: " ".join(map(str, arguments)),
)
def test_no_command_overwrites_what_it_reads(arguments, run, photo):
    kept = {}
    for name in ("p.png", "p-image.png", "p-sanity.png", "p-20.png", "other.png", "saliency.png"):
        path, kept[path] = same(run, photo, name)
    if os.name == "posix":
        (run.folder / "link.png").symlink_to("p.png")
    elif "link.png" in arguments:
        pytest.skip("needs links")
    code, _, err = run(*arguments, "--force")
    assert code == 2 and "the command reads this file; choose another name" in err
    assert all(path.read_bytes() == content for path, content in kept.items())


def test_train_and_grade_never_overwrite_their_data(run, tmp_path):
    archive = run.folder / "tiny.zip"
    archive.write_bytes(b"data")
    code, _, err = run("train", archive, "--out", archive, "--force", model=None)
    assert code == 2 and "must end in .h5" in err and archive.read_bytes() == b"data"
    start = run.folder / "start.h5"
    start.write_bytes(b"weights")
    code, _, err = run("train", archive, "--init", start, "--out", start, "--force", model=None)
    assert code == 2 and "reads this file" in err and start.read_bytes() == b"weights"
    (run.folder / "submissions").mkdir()
    roster = run.folder / "roster.csv"
    roster.write_text("name\nAda\n")
    code, _, err = run("grade", "submissions", "--roster", roster, "--out", "roster.csv", "--force", model=None)
    assert code == 2 and "reads this file" in err and roster.read_text() == "name\nAda\n"


def test_a_picture_beside_the_input_is_overwritten_when_asked(run, photo):
    assert run("saliency", photo, "--out", "a.png")[0] == 0
    assert run("saliency", photo, "--out", "a.png", "--force")[0] == 0


@pytest.mark.parametrize("stem", ["a" * 246, "\u732b" * 80 + "abcdef"], ids=["ascii", "chinese"])
def test_a_name_of_250_bytes_is_written(stem, run, photo):
    assert len(os.fsencode(stem)) == 246
    assert run("saliency", photo, "--out", f"{stem}.png")[0] == 0
    assert (run.folder / f"{stem}.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    "arguments",
    [
        ("fool", "PHOTO", "--target", 3, "--out", "a" * 246 + ".png"),  # NAME-image.png is too long
        ("faithfulness", "PHOTO", "--out", "a" * 246 + ".png"),
        ("style", "PHOTO", "PHOTO", "--save-iter", 50, "--num-iterations", 100, "--out", "a" * 248 + ".png"),
        ("saliency", "PHOTO", "--out", "\u732b" * 90 + ".png"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_name_that_is_too_long_is_refused_before_the_work(arguments, run, photo, monkeypatch):
    def never(*_, **__):
        raise AssertionError("the work began")

    monkeypatch.setattr("pixelgrad.classifiers.PretrainedCNN.__init__", never)
    code, _, err = run(*(photo if a == "PHOTO" else a for a in arguments))
    assert code == 2 and "bytes, the file system takes at most" in err


def test_pictures_on_the_way_are_checked_before_the_work(run, photo):
    (run.folder / "s-20.png").write_bytes(b"mine")
    code, _, err = run("style", photo, photo, "--save-iter", 10, "--num-iterations", 20, "--out", "s.png")
    assert code == 2 and "s-20.png exists already" in err and not (run.folder / "s-10.png").exists()


@pytest.mark.parametrize("stem", ["\u732b" * 80, "\U0001f408" * 60, "e\u0301" * 83, "a" * 250])
def test_a_photograph_with_a_long_name_has_a_default_name_that_fits(stem, run, photo, default_name):
    path = run.folder / f"{stem}.png"
    path.write_bytes(photo.read_bytes())
    for command in (["saliency"], ["fool", "--target", "3"], ["faithfulness"]):
        name = default_name(command[0], path, *command[1:])
        assert len(os.fsencode(name)) <= 143 - len("-sanity.png")
    code, out, _ = run("saliency", path)
    assert code == 0 and len(list(run.folder.glob("saliency-*.png"))) == 1


def test_long_names_that_differ_late_have_different_default_names(default_name):
    assert default_name("saliency", "\u732b" * 60 + "1") != default_name("saliency", "\u732b" * 60 + "2")


@pytest.mark.parametrize("name", ["x" * 300, "\u732b" * 100 + ".png"])
def test_an_input_whose_name_is_too_long_does_not_exist(name, run):
    code, _, err = run("saliency", name)
    assert code == 2 and "there is no file" in err and "Errno" not in err
