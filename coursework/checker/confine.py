"""The first thing a child process does is give up what it must not have. Only then is a student's code imported."""

import sys


def main():
    """Confine this process as the command line says, then run the job; see `runner`."""
    job, results, limits = sys.argv[1:4]
    sys.argv = sys.argv[:1]
    seconds, *limits = limits.split(",")
    memory, file_size, processes, user = (None if text == "None" else int(text) for text in limits)
    confine(memory, file_size, processes, user)
    from .harness import main as run

    run(job, results, float(seconds))


def confine(memory, file_size, processes, user):
    """Limit this process for good, as far as the system allows.

    Parameters
    ----------
    memory, file_size : int
        MiB.
    processes : int or None
        That this user may have at a time.
    user : int or None
        User and group id to become; needs root.
    """
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limits; time is watched from outside
        return
    limits = {"RLIMIT_AS": memory * 2**20, "RLIMIT_FSIZE": file_size * 2**20, "RLIMIT_CORE": 0}
    if processes is not None:
        limits["RLIMIT_NPROC"] = processes
    if user is not None:
        import os

        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    for name, most in limits.items():
        try:
            resource.setrlimit(getattr(resource, name), (most, most))
        except (AttributeError, ValueError, OSError):  # macOS knows some of them only by name
            continue
