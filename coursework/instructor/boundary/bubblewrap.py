"""bubblewrap: namespaces for ordinary users, made by a program of its own (`bwrap`)."""

import shutil

_SCRATCH = str(16 << 20)  # bytes of each folder that programs expect to be writable


def bubblewrap(command, readable, writable):
    """The command line that runs a command where it sees these paths, and writes to one of them."""
    line = [shutil.which("bwrap") or "bwrap", "--unshare-all", "--die-with-parent", "--new-session"]
    line += ["--proc", "/proc", "--dev", "/dev"]
    for folder in ("/dev/shm", "/tmp"):
        line += ["--size", _SCRATCH, "--tmpfs", folder]
    for path in readable:
        line += ["--ro-bind", path, path]
    return [*line, "--bind", writable, writable, "--remount-ro", "/", "--chdir", writable, *command]
