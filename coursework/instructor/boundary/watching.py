"""What all processes of a job use together, as Linux tells under /proc, and what they wrote."""

import os
from contextlib import suppress

_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_BLOCK = 512  # bytes, of st_blocks


def descendants(pid):
    """The ids of all processes below one, in any session: a list."""
    if not os.path.exists(f"/proc/{pid}/task/{pid}/children"):
        return _descendants_by_parent(pid)
    found, waiting = [], [pid]
    while waiting:
        place = f"/proc/{waiting.pop()}/task"
        with suppress(OSError):  # it has ended
            for thread in os.listdir(place):
                with suppress(OSError), open(f"{place}/{thread}/children") as f:
                    children = [int(word) for word in f.read().split()]
                    found += children
                    waiting += children
    return found


def _descendants_by_parent(pid):
    """The same where the kernel does not list children."""
    children = {}
    for one in _all_processes():
        with suppress(OSError, ValueError, IndexError):
            children.setdefault(int(_stat(one)[1]), []).append(one)
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def processes_of(user):
    """The ids of a user's processes."""
    found = []
    for pid in _all_processes():
        with suppress(OSError):
            if os.stat(f"/proc/{pid}").st_uid == user:
                found.append(pid)
    return found


def threads_of(user):
    """How many threads a user has."""
    count = 0
    for pid in processes_of(user):
        with suppress(OSError):
            count += len(os.listdir(f"/proc/{pid}/task"))
    return count


def _all_processes():
    with suppress(OSError):
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return []


def _stat(pid):
    """The fields of /proc/PID/stat behind the name, which may hold anything: state, parent, ..."""
    with open(f"/proc/{pid}/stat", "rb") as f:
        return f.read().rpartition(b")")[2].split()


def activity(pids):
    """{pid: (seconds of processor time, whether it runs or reads)} of processes, of those that still live."""
    found = {}
    for pid in pids:
        with suppress(OSError, ValueError, IndexError):
            fields = _stat(pid)
            found[pid] = sum(map(int, fields[11:13])) / _TICK, fields[0] in (b"R", b"D")
    return found


class Usage:
    """Adds up what processes use, also of those that have ended since."""

    def __init__(self):
        self._seconds = {}

    def seconds(self, pids):
        """Processor time of all processes ever seen."""
        for pid in pids:
            with suppress(OSError, IndexError):
                fields = _stat(pid)
                # Its own, and that of its children that it has waited for; those were perhaps never seen alive.
                self._seconds[pid, fields[19]] = sum(map(int, fields[11:13])) / _TICK
        reaped = os.times()
        return max(sum(self._seconds.values()), reaped.children_user + reaped.children_system)


def memory(pids, enough):
    """Bytes of memory that processes hold, those that they share counted once where it comes close to `enough`."""
    resident = sum(_resident(pid) for pid in pids)
    return resident if resident <= enough else sum(_proportional(pid) for pid in pids)


def _resident(pid):
    with suppress(OSError, IndexError), open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * _PAGE
    return 0


def _proportional(pid):
    """Resident memory; of what several processes share, this one's part."""
    with suppress(OSError, IndexError), open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("Pss:"))
    return _resident(pid)


def disk(folder, most_files):
    """(bytes, entries) below a folder; the count ends beyond `most_files`, and so does the work."""
    size = count = 0
    waiting = [folder]
    while waiting:
        # Folders in folders may be thousands deep, and a path of them longer than the system takes.
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                count += 1
                if count > most_files:
                    return size, count
                with suppress(OSError):
                    size += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
    return size, count
