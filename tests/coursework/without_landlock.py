"""Run a command as on a kernel without Landlock: `python tests/coursework/without_landlock.py COMMAND ...`."""

import ctypes
import os
import platform
import struct
import sys

from pixelgrad.coursework.checker import sandbox


def main():
    column, architecture = sandbox._MACHINES[platform.machine()]
    program = sandbox._filter([sandbox._CREATE_RULESET], sandbox._PRLIMIT[column], architecture)
    code, libc = ctypes.create_string_buffer(program, len(program)), ctypes.CDLL(None)
    libc.prctl(sandbox._NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    assert libc.prctl(sandbox._SET_SECCOMP, sandbox._FILTER, header, 0, 0) == 0
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
