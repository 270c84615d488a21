"""What a released project has: one version, files that name only what exists, CI on all systems."""

import re
import sys
from pathlib import Path

import pytest
import yaml

import pixelgrad

ROOT = Path(__file__).resolve().parent.parent


def test_the_version_stands_in_one_place():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in project and "pixelgrad.__version__" in project
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == pixelgrad.__version__
    assert f"## {pixelgrad.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_contributing_names_files_and_functions_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    files = set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", text))
    assert len(files) > 15 and all((ROOT / file).exists() for file in files)
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py") if ".venv" not in path.parts)
    for name in re.findall(r"`(_?[a-z]+_[a-z_]+)`", text):
        assert re.search(rf"\b{name}\b", code), name


def test_ci_runs_on_all_systems_and_the_oldest_and_newest_python():
    job = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]["test"]
    assert job["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[1]
    assert oldest == job["strategy"]["matrix"]["python"][0] and len(job["strategy"]["matrix"]["python"]) == 2
    assert yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]


@pytest.mark.parametrize("folder", ["layers", "classifiers", "visualization", "datasets", "pixelgrad"])
def test_no_module_needs_what_windows_lacks(folder):
    """fcntl, resource, pwd and os.fork exist on POSIX only."""
    lacking = re.compile(r"^\s*(?:import|from) (?:fcntl|resource|pwd|grp|termios)\b|os\.fork\b|os\.setsid\b", re.M)
    for path in (ROOT / folder).rglob("*.py"):
        assert not lacking.search(path.read_text(encoding="utf-8")), path


def test_default_names_hold_no_path_separators_of_any_system(monkeypatch):
    from pixelgrad.cli.commands import make_parser
    from pixelgrad.cli.options import name_by_options

    for image in ("a\\b\\photo.png", "C:\\Users\\me\\photo.png", "../up/photo.png", 'what?"<>|*:.png'):
        args = make_parser().parse_args(["saliency", image])
        assert not set('/\\:*?"<>|') & set(name_by_options(args.run.args[0], args)), image


def test_the_command_line_starts_without_the_signals_and_limits_of_posix(monkeypatch):
    """As on Windows: no pathconf, no umask that means anything, a console that is not UTF-8."""
    import os

    from pixelgrad._files import check_destination

    monkeypatch.delattr(os, "pathconf", raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    check_destination(ROOT / "new.png")
    with pytest.raises(OSError, match="300 characters"):
        check_destination(ROOT / ("n" * 296 + ".png"))
