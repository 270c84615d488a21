"""Package layout: the folders at the top of the repository are imported under one name, pixelgrad.

Everything else about the package (name, dependencies) stands in pyproject.toml, and the version in
pixelgrad/__init__.py.
"""

from setuptools import find_packages, setup

FOLDERS = ["layers", "classifiers", "visualization", "datasets", "coursework"]

nested = [f"{folder}.{package}" for folder in ["pixelgrad", *FOLDERS] for package in find_packages(folder)]

setup(
    packages=[
        "pixelgrad",
        *(f"pixelgrad.{folder}" for folder in FOLDERS),
        *(package if package.startswith("pixelgrad.") else f"pixelgrad.{package}" for package in nested),
    ],
    package_dir={f"pixelgrad.{folder}": folder for folder in FOLDERS},
    package_data={
        "pixelgrad": ["py.typed", "locale/*/LC_MESSAGES/*.mo"],
        "pixelgrad.explore": ["static/*"],
        "pixelgrad.datasets": ["weights/*.h5"],
        "pixelgrad.coursework.checker": ["answers.h5"],
    },
)
