"""Package layout: the folders at the top of the repository are imported under one name, pixelgrad.

Everything else about the package (name, version, dependencies) stands in pyproject.toml.
"""

from setuptools import setup

FOLDERS = ["layers", "classifiers", "visualization", "datasets", "coursework"]

setup(
    packages=["pixelgrad", *(f"pixelgrad.{folder}" for folder in FOLDERS)],
    package_dir={f"pixelgrad.{folder}": folder for folder in FOLDERS},
    package_data={"pixelgrad.datasets": ["weights/*.h5"], "pixelgrad.coursework": ["answers.h5"]},
)
