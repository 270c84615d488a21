"""The first thing a child process does is give up what it must not have. Only then is a student's code imported."""

import json
import os
import sys


def main():
    """Confine this process as the command line says, then run the job; see `runner`."""
    job, results, limits = sys.argv[1:4]
    sys.argv = sys.argv[:1]
    limits = json.loads(limits)
    seconds = limits.pop("seconds")
    if "readable" in limits:
        limits["readable"].append(job)
    confine(results, **limits)
    from .harness import main as run

    run(job, results, seconds)


def confine(results, *, memory, file_size, processes=None, user=None, readable=None):
    """Limit this process for good, as far as the system allows.

    Parameters
    ----------
    results : str
        The folder that it works in, and may write to.
    memory, file_size : int
        MiB.
    processes : int, optional
        That this user may have at a time.
    user : int, optional
        User and group id to become; needs root.
    readable : list of str, optional
        Files and folders that it may read; by default everything.
    """
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limits; time is watched from outside
        return
    if readable is not None:
        os.chdir(results)
        os.umask(0o077)
    limits = {"RLIMIT_AS": memory * 2**20, "RLIMIT_FSIZE": file_size * 2**20, "RLIMIT_CORE": 0}
    if processes is not None:
        limits["RLIMIT_NPROC"] = processes
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    for name, most in limits.items():
        try:
            resource.setrlimit(getattr(resource, name), (most, most))
        except (AttributeError, ValueError, OSError):  # macOS knows some of them only by name
            continue
    if readable is not None:
        from .sandbox import sandbox

        # Python lists the folders of its libraries to find modules in them.
        sandbox(readable, [results], listed=sys.path, own_user=user is not None)
