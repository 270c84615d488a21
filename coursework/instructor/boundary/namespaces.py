"""Namespaces: mounts, processes, network and IPC of a job's own; needs root's right to mount (CAP_SYS_ADMIN).

The job gets an empty file system, into which what it may see is mounted. `mount` and its like are called through the C
library: a program for each of some hundred mounts would take longer than the grading.
"""

import ctypes
import os

_NEW_MOUNTS, _NEW_NAMES, _NEW_IPC, _NEW_PIDS, _NEW_NETWORK = 0x20000, 0x4000000, 0x8000000, 0x20000000, 0x40000000
_READ_ONLY, _NO_SUID, _NO_DEVICES, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_DEVICES = ("null", "zero", "full", "random", "urandom")
SCRATCH = "size=16m,nr_inodes=1000,mode=1777"  # of each folder that programs expect to be writable


def new_processes():
    """Put the next child of this process, and all below it, into a process namespace: when it ends, they all do."""
    _unshare(_NEW_PIDS)


def enter(new_root, readable, writable):
    """Give this process its own view of the machine.

    Parameters
    ----------
    new_root : str
        An empty folder, on which the new file system is mounted.
    readable, writable : sequence of str
        What it holds.
    """
    _unshare(_NEW_MOUNTS | _NEW_NAMES | _NEW_IPC | _NEW_NETWORK)
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _mount("tmpfs", new_root, "tmpfs", _NO_SUID | _NO_DEVICES, "size=16m,nr_inodes=20000,mode=755")
    for folder in ("/tmp", "/dev/shm"):  # before all else: what is shown may lie in them
        os.makedirs(new_root + folder)
        _mount("tmpfs", new_root + folder, "tmpfs", _NO_SUID | _NO_DEVICES, SCRATCH)
    for name in _DEVICES:
        _show(f"/dev/{name}", new_root, 0, devices=True)
    for path in readable:
        _show(path, new_root, _READ_ONLY)
    for path in writable:
        _show(path, new_root, 0)
    os.makedirs(f"{new_root}/proc")
    _mount("proc", f"{new_root}/proc", "proc", _NO_SUID | _NO_DEVICES)
    os.chroot(new_root)
    os.chdir("/")


def _show(path, new_root, flags, devices=False):
    """Mount a file or a folder of the machine at the same place of the new file system."""
    target = new_root + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(path, target, None, _BIND)
    _mount(None, target, None, _BIND | _REMOUNT | _NO_SUID | flags | (0 if devices else _NO_DEVICES))


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _unshare(flags):
    if _libc().unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), f"unshare: {os.strerror(ctypes.get_errno())}")


def _mount(source, target, kind, flags, options=None):
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    if _libc().mount(*words, ctypes.c_ulong(flags), None if options is None else options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}: {os.strerror(ctypes.get_errno())}")
