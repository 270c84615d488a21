"""Public signatures say their types; mypy checks the bodies against them on an installed copy (see pyproject.toml)."""

import importlib
import inspect
from pathlib import Path

import pytest

import pixelgrad

PACKAGES = ["layers", "layers.fast", "classifiers", "visualization", "visualization.plots", "visualization.gallery"]
PACKAGES += ["datasets", "coursework"]


def public(package):
    """(name, function) for every exported function, and every public method of an exported class."""
    module = importlib.import_module(f"pixelgrad.{package}")
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isfunction(thing):
            yield name, thing
        elif inspect.isclass(thing) and not issubclass(thing, tuple | Exception):
            for method, value in vars(thing).items():
                value = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
                ours = getattr(value, "__module__", "").startswith("pixelgrad")  # matplotlib adds methods of its own
                if inspect.isfunction(value) and ours and not method.startswith("_"):
                    yield f"{name}.{method}", value


@pytest.mark.parametrize("package", PACKAGES)
def test_public_signatures_are_annotated(package):
    bare = []
    for name, function in public(package):
        signature = inspect.signature(function)
        parameters = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
        bare += [f"{name}({p.name})" for p in parameters if p.annotation is p.empty]
        bare += [f"{name} -> ?"] if signature.return_annotation is signature.empty else []
    assert not bare


def test_the_package_says_that_it_is_typed():
    assert (Path(pixelgrad.__file__).parent / "py.typed").is_file()
