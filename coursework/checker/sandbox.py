"""A sandbox for the calling process and all that it will start: Linux's own, which needs no rights.

Landlock (all that is needed since Linux 6.2) allows reading and writing below given paths and nowhere else; seccomp
refuses system calls, such as those that open sockets. Neither can be undone. What the kernel lacks is not used, and the
result says what works.

References
----------
Landlock, https://docs.kernel.org/userspace-api/landlock.html; seccomp, seccomp(2).
"""

import ctypes
import os
import platform
import struct
import sys

LANDLOCK_ENOUGH = 3  # the first version that also stops a file from being truncated
LANDLOCK_SIGNALS = 6  # the first version that keeps signals inside

_READ_FILES = 0b101  # execute, read
_LIST = 0b1000
_READ = _READ_FILES | _LIST
_WRITE_FILES = 0b010 | 1 << 14 | 1 << 15  # write, truncate, control devices
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on all machines
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # EPERM

# System calls by name, with their numbers on (x86_64, aarch64). They reach other processes, or memory that no limit
# counts, or they change what the sandbox stands on.
_REFUSED = {
    "socket": (41, 198),
    "connect": (42, 203),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "userfaultfd": (323, 282),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "pidfd_getfd": (438, 438),
}
# What a process may do to others, and to files that it may not open, where their owner is the same user.
_REFUSED_AMONG_OWN = {
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "utimensat": (280, 88),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
}
_PRLIMIT = (302, 261)  # allowed for oneself
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def sandbox(read, write, *, listed=(), own_user=True):
    """Restrict this process for good.

    Parameters
    ----------
    read, write : sequence of str
        Files and folders that may be read, and that may be read and written. What does not exist is passed over.
    listed : sequence of str
        Folders of which the names may be read, here and below.
    own_user : bool
        No other process has our user id. Where one has, signals and changes of rights are refused, too.

    Returns
    -------
    dict of str to bool
        "files" and "calls": whether Landlock and seccomp are at work.
    """
    if not sys.platform.startswith("linux"):
        return {"files": False, "calls": False}
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return {"files": _restrict_files(libc, read, write, listed), "calls": _refuse_calls(libc, own_user)}


def landlock_version(libc=None):
    """The version of Landlock that this kernel has; 0 for none."""
    if not sys.platform.startswith("linux"):
        return 0
    libc = libc or ctypes.CDLL(None, use_errno=True)
    return max(0, libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1))


def _restrict_files(libc, read, write, listed):
    version = landlock_version(libc)
    if version < LANDLOCK_ENOUGH:
        return False
    files = (1 << (15 if version < 5 else 16)) - 1
    network, scope = 0b11 * (version >= 4), 0b11 * (version >= LANDLOCK_SIGNALS)
    attribute = struct.pack("QQQ", files, network, scope)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = libc.syscall(_CREATE_RULESET, attribute, ctypes.c_size_t(len(attribute)), 0)
    if ruleset < 0:
        return False
    try:
        devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"]
        own = ["/proc/self"]  # by which threadpoolctl finds the libraries that are loaded
        for paths, rights in (
            (read, _READ),
            (own, _READ),
            (listed, _LIST),
            (write, files),
            (devices, _READ | _WRITE_FILES),
        ):
            for path in paths:
                _allow_below(libc, ruleset, path, rights & files)
        return libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _allow_below(libc, ruleset, path, rights):
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _READ_FILES | _WRITE_FILES
        libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


def _refuse_calls(libc, own_user):
    if platform.machine() not in _MACHINES:
        return False
    column, architecture = _MACHINES[platform.machine()]
    calls = _REFUSED if own_user else _REFUSED | _REFUSED_AMONG_OWN
    program = _filter([numbers[column] for numbers in calls.values()], _PRLIMIT[column], architecture)
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    return libc.prctl(_SET_SECCOMP, _FILTER, header, 0, 0) == 0


def _filter(numbers, prlimit, architecture):
    """The filter as a program of the Berkeley Packet Filter: 8 bytes an instruction."""

    def instruction(code, value, yes=0, no=0):
        return struct.pack("HBBI", code, yes, no, value)

    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    refuse, allow = instruction(give, _REFUSE), instruction(give, _ALLOW)
    program = [instruction(load, 4), instruction(equal, architecture, 1, 0), refuse, instruction(load, 0)]
    program += [instruction(at_least, 0x40000000, 0, 1), refuse]  # the x32 numbers of the same calls
    for number in numbers:
        if number is not None:
            program += [instruction(equal, number, 0, 1), refuse]
    # prlimit(0, ...) is about oneself; the first argument's lower half stands at byte 16.
    program += [instruction(equal, prlimit, 0, 3), instruction(load, 16), instruction(equal, 0, 1, 0), refuse]
    return b"".join([*program, allow])
