"""The commands `attack` and `transfer` on a tiny network."""

import numpy as np
import pytest
from PIL import Image

from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.cli import main
from pixelgrad.datasets import load_image


@pytest.fixture
def run(weights, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    common = ["--model", str(weights), "--out", "attack.png"]
    return lambda *options, image=photo: main(["attack", str(image), *common, *map(str, options)])


@pytest.mark.parametrize("method", ["gradient", "pgd", "random_search", "finite_differences"])
def test_the_saved_picture_fools_as_the_report_says(method, run, weights, photo, capsys):
    model = PretrainedCNN(weights)
    seen = model.predict(model.preprocess(load_image(photo, size=32)))[0]
    code = run("--method", method, "--target", seen[1].name, "--eps", 14, "-q")
    now = model.predict(model.preprocess(load_image("attack-image.png")))[0][0]
    assert (code == 0) == (now.index == seen[1].index) and capsys.readouterr().out == ""
    if method in ("gradient", "pgd"):
        assert code == 0
    assert Image.open("attack.png").size[0] > 800


def test_the_report_names_size_control_and_defences(run, capsys):
    assert run("--eps", 14) == 0
    out = capsys.readouterr().out
    for fragment in (
        "fooled (after",
        "grey levels (RMS",
        "random noise",
        "after blur",
        "after jpeg 50",
        "attack.png",
    ):
        assert fragment in out


def test_an_attack_that_is_not_allowed_to_do_anything_fails_and_says_so(run, capsys):
    for method in ("gradient", "fgsm", "pgd"):
        assert run("--method", method, "--eps", 1e-6, "--force") == 1
        assert "NOT fooled" in capsys.readouterr().out
    assert run("--method", "random_search", "--budget", 3, "--eps", 0.001, "--force") == 1
    assert "3 queries" in capsys.readouterr().out


@pytest.mark.slow
def test_options_matter(run, tmp_path):
    def picture(*options):
        assert run("--force", "-q", *options) in (0, 1)  # fooled, or not: 2 is an error
        return np.asarray(Image.open("attack-image.png")).astype(int)

    base = picture("--eps", 14, "--confidence", 0.9)
    linf = ["--norm", "linf", "--eps", 0.5]
    for options in (linf, ["--max-iterations", 1], ["--eps", 2], ["--confidence", 0], ["--size", 40]):
        other = picture("--eps", 14, "--confidence", 0.9, *options)
        assert other.shape != base.shape or not np.array_equal(other, base), options
    seeds = [picture("--method", "random_search", "--eps", 0.05, "--seed", seed) for seed in (0, 1)]
    assert not np.array_equal(*seeds)


def test_noise_is_attacked_as_photographs_are(run, weights, capsys):
    """The picture that the attack begins with, drawn by --seed, is what the change is measured from."""
    noises = {seed: noise_of(weights, seed) for seed in (0, 1)}
    model = PretrainedCNN(weights)
    for seed, noisy in noises.items():
        seen = model.predict(model.preprocess(noisy))[0]
        assert run("--target", seen[1].name, "--eps", 14, "--seed", seed, "--force", image="noise") == 0
        after = np.asarray(Image.open("attack-image.png")).astype(float)
        rms = np.sqrt(((after - noisy) ** 2).mean())
        assert f": {rms:.2f} grey levels (RMS)" in capsys.readouterr().out
        assert model.predict(model.preprocess(after.astype(np.uint8)))[0][0].index == seen[1].index
    assert not np.array_equal(*noises.values())
    assert run("--size", 40, "-q", "--eps", 14, "--force", image="noise") in (0, 1)
    assert Image.open("attack-image.png").size == (40, 40)


def noise_of(weights, seed):
    from pixelgrad.visualization.image_ops import noise

    model = PretrainedCNN(weights)
    return model.deprocess(noise(model, (1, 3, 32, 32), np.random.default_rng(seed)))[0]


def test_the_help_says_what_the_limit_is_measured_in(capsys):
    with pytest.raises(SystemExit):
        main(["attack", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "largest change, where pixels go from 0 to 1: with l2 its length" in text


def test_attack_refuses(run, weights, photo, capsys):
    model = PretrainedCNN(weights)
    seen = model.predict(model.preprocess(load_image(photo, size=32)))[0][0].name
    assert run("--target", seen) == 2 and "sees" in capsys.readouterr().err
    assert run("--method", "random_search", "--norm", "linf") == 2 and "black box" in capsys.readouterr().err
    assert run("--target", "unicorn") == 2 and "unicorn" in capsys.readouterr().err
    assert run("--eps", 14) == 0 and run("--eps", 14) == 2, "nothing is overwritten"


@pytest.mark.parametrize(
    "options",
    [
        ["--method", "fgsm", "--max-iterations", 3],
        ["--method", "pgd", "--confidence", 0.9],
        ["--method", "random_search", "--confidence", 0.9],
        ["--budget", 10],
    ],
)
def test_options_that_the_method_does_not_have_are_refused(options, run, capsys):
    assert run(*options) == 2
    assert f"{options[-2]} has no effect with --method" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["gradient", "pgd", "random_search", "finite_differences"])
def test_ctrl_c_keeps_the_attack_so_far(method, run, monkeypatch, capsys):
    from pixelgrad.visualization import adversarial, black_box

    calls = []

    def counting(name, module):
        real = getattr(module, name)

        def function(*arguments):
            calls.append(1)
            if len(calls) > 2:
                raise KeyboardInterrupt
            return real(*arguments)

        monkeypatch.setattr(module, name, function)

    counting(*(("_direction", adversarial) if method in ("gradient", "pgd") else ("_within", black_box)))
    assert run("--method", method, "--target", "lemon", "--eps", 0.5) == 130
    printed = capsys.readouterr()
    assert "the picture so far is in attack.png" in printed.err
    assert ("after 2 steps, stopped" if method in ("gradient", "pgd") else " queries") in printed.out
    assert Image.open("attack-image.png").size == (32, 32)


def test_networks_of_one_name_are_told_apart_and_ctrl_c_keeps_rows(data, weights, tmp_path, monkeypatch, capsys):
    from pixelgrad.visualization import transfer

    monkeypatch.chdir(tmp_path)
    (tmp_path / "b").mkdir()
    twin = tmp_path / "b" / weights.name
    twin.write_bytes(weights.read_bytes())
    command = ["transfer", str(data), str(twin), "--model", str(weights), "--images", "3", "--eps", "14"]
    assert main([*command, "--out", "all.png"]) == 0
    assert capsys.readouterr().out.count("made for") == 2
    real, calls = transfer.attack, []

    def second_never_ends(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(
        transfer.transfer_matrix,
        "__kwdefaults__",
        {**transfer.transfer_matrix.__kwdefaults__, "attack_with": second_never_ends},
    )
    assert main([*command, "--out", "some.png"]) == 130
    printed = capsys.readouterr()
    assert printed.out.count("made for") == 1 and "1 of 2 networks were attacked" in printed.err


def test_transfer(data, weights, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    twin = tmp_path / "twin.h5"
    twin.write_bytes(weights.read_bytes())
    options = ["--model", str(weights), "--images", "3", "--eps", "14", "--out", "transfer.png"]
    assert main(["transfer", str(data), str(twin), *options]) == 0
    out = capsys.readouterr().out
    assert "made for tiny" in out and "fool twin" in out and Image.open("transfer.png").size[0] > 300
    assert main(["transfer", str(data), str(twin), *options]) == 2 and "--force" in capsys.readouterr().err


def test_at_the_limit_it_stops_where_asked(run, capsys):
    run("--eps", 0.2, "--target", "lemon", "--at-limit", "stop", "--confidence", 0.999)
    stopped = capsys.readouterr().out
    run("--eps", 0.2, "--target", "lemon", "--confidence", 0.999, "--force")
    went_on = capsys.readouterr().out
    assert "after 100 steps" in went_on and "after 100 steps" not in stopped and ", at the limit)" in stopped
    assert run("--method", "pgd", "--at-limit", "stop", "--force") == 2
    assert "--at-limit has no effect with --method pgd" in capsys.readouterr().err


def test_the_random_control_is_as_large_in_the_norm_of_the_attack(run, capsys):
    run("--method", "fgsm", "--eps", 0.02)
    assert "random noise of the same size everywhere" in capsys.readouterr().out
    run("--method", "pgd", "--eps", 1, "--force")
    assert "random noise of the same size:" in capsys.readouterr().out
