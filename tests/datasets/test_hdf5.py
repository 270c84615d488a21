"""HDF5 files are opened without locks: home folders on a network have none."""

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from pixelgrad.classifiers import Network, WeightsError
from pixelgrad.datasets.hdf5 import open_hdf5

HOLD = "import fcntl, sys; f = open(sys.argv[1], 'r+b'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); "
ARCHITECTURE = [{"type": "global_avg_pool"}, {"type": "affine", "units": 2}]
posix = pytest.mark.skipif(os.name != "posix", reason="needs flock")


@pytest.fixture
def locked(tmp_path):
    """A weights file on which another process holds a lock."""
    path = tmp_path / "locked.h5"
    Network(ARCHITECTURE, input_size=(8, 8)).save(path)
    command = [sys.executable, "-c", HOLD + "sys.stdin.read()", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        yield path
        other.stdin.close()


@posix
def test_weights_are_read_whoever_holds_a_lock(locked):
    assert Network.load(locked).num_classes == 2


@posix
def test_a_lock_that_cannot_be_done_without_is_explained(locked, monkeypatch):
    real = h5py.File
    monkeypatch.setattr(h5py, "File", lambda path, mode, locking=True: real(path, mode, locking=True))
    with pytest.raises(WeightsError, match=r"holds a lock on it.*HDF5_USE_FILE_LOCKING=FALSE"):
        Network.load(locked)


def test_a_new_file_takes_no_lock(tmp_path, monkeypatch):
    """As on a file system without locks, where HDF5 cannot even make a file."""
    asked, real = [], h5py.File

    def watch(*arguments, **options):
        asked.append(options.get("locking"))
        return real(*arguments, **options)

    monkeypatch.setattr(h5py, "File", watch)
    Network(ARCHITECTURE, input_size=(8, 8)).save(tmp_path / "new.h5")
    assert asked == [False]


@pytest.mark.parametrize("error", [TypeError("no keyword locking"), ValueError("HDF5 version >= 1.12.1 needed")])
def test_an_h5py_without_the_option_opens_files_with_a_lock(error, tmp_path, monkeypatch):
    real = h5py.File

    def old(path, mode, **options):
        if options:
            raise error
        return real(path, mode)

    monkeypatch.setattr(h5py, "File", old)
    with open_hdf5(tmp_path / "a.h5", "w") as file:
        file["x"] = np.arange(3)
    with open_hdf5(tmp_path / "a.h5") as file:
        assert file["x"][2] == 2
