"""Blocks of work for several threads.

NumPy lets other Python threads run while it copies, adds and multiplies, so that threads of our own keep every core
busy in all that a layer does; BLAS's own threads only help with the products. Both at once get into each other's way
(after a product BLAS's threads stay awake for a while, waiting for the next): a network ran at half the speed. So BLAS
is held to one thread per product while our threads work, by a layer or by a network for a whole pass, and given its
threads back afterwards. A few small images are not worth several blocks; there BLAS keeps its threads. How many there
are is what BLAS would use itself: all cores, or what OPENBLAS_NUM_THREADS (or the variable of another BLAS) says.
"""

import functools
import os
import threading
from collections import deque
from contextlib import suppress
from queue import SimpleQueue

import numpy as np
from threadpoolctl import ThreadpoolController

# Blocks are at most so large, to stay in a core's cache.
_BLOCK_FLOATS = 600_000
# Work below these sizes (floats to go through, multiply-adds) is one block: another thread would cost more than it
# saves. BLAS's threads cost less, so that a product is left to them, up to a larger size, where this thread does not
# hold them.
_LEAST_FLOATS = 200_000
_LEAST_PRODUCT = 2_500_000
_LEAST_PRODUCT_FOR_BLAS = 160_000_000
# What is left to BLAS's threads is one block, too, but memory must not grow with it.
_MOST_FLOATS = 5_000_000


# NumPy copies rows of memory that are shorter than its buffer (8192 numbers) before it adds them, which takes twice as
# long as the addition.
_BUFFER = 1024

# The C library (glibc) gives freed memory back to the system from a size on that follows the largest array freed so
# far, up to 32 MiB; to get it again, page by page, took up to half of the time. One array, never touched, settles it.
np.empty(31 * 2**20, np.uint8)


def threads():
    """How many threads may work at a time."""
    return _blas().threads()


def deal(blocks, new_worker):
    """Do every block of work, in as many threads as there are.

    Parameters
    ----------
    blocks : list
        What the workers are called with, in any order; no two may write to the same place.
    new_worker : callable () -> callable (block)
        Called once in each thread, where it may make the buffers that its worker uses again and again.
    """
    waiting = deque(blocks)

    def work():
        try:
            worker = new_worker()
            while True:
                try:
                    block = waiting.popleft()
                except IndexError:
                    return
                worker(block)
        except BaseException:
            waiting.clear()  # nobody starts another block of what has failed
            raise

    if len(blocks) <= 1:
        return _with_buffer(work)
    entered, left, errors, bell = [], [], [], threading.Lock()
    bell.acquire()

    def help_out():
        entered.append(True)  # before it takes a block: who comes after `waiting` is empty has nothing to do
        try:
            if waiting:
                work()
        except BaseException as error:
            errors.append(error)
        finally:
            left.append(True)
            with suppress(RuntimeError):  # somebody else has rung it just now
                bell.release()

    def wait_for_others():
        while len(left) < len(entered):
            bell.acquire(timeout=1)

    with one_blas_thread() as most:
        try:
            _helpers(os.getpid()).ask(help_out, min(most, len(blocks)) - 1)
            _with_buffer(work)
        except BaseException:  # Ctrl-C, whenever it comes
            waiting.clear()
            raise
        finally:
            try:
                wait_for_others()
            except BaseException:  # Ctrl-C while waiting: nobody may write on after we have left
                waiting.clear()
                wait_for_others()
                raise
    if errors:
        raise errors[0]


def _with_buffer(work):
    before = np.getbufsize()
    try:
        np.setbufsize(_BUFFER)  # of this thread
        work()
    finally:
        np.setbufsize(before)


def total(blocks, new_worker):
    """The sum of what the workers return, always added in the same order: rounding must not depend on who was first.

    Arguments are as in `deal`.
    """
    shares = [blocks[part] for part in cut(len(blocks), threads())]
    sums = [None] * len(shares)

    def new_adder():
        worker = new_worker()

        def add(k):
            for block in shares[k]:
                result = worker(block)
                if sums[k] is None:
                    sums[k] = result
                else:
                    sums[k] += result

        return add

    deal(range(len(shares)), new_adder)
    for other in sums[1:]:
        sums[0] += other
    return sums[0]


def product(a, b):
    """`a @ b` for stacks of matrices, (N, P, K) and (N, K, Q), the longest of P, K, Q shared among threads."""
    N, P, K = a.shape
    Q = b.shape[2]
    longest = max(P, K, Q)
    with one_blas_thread():
        parts = cut(longest, threads() if N * P * K * Q > _LEAST_PRODUCT else 1)
        if len(parts) == 1:
            return a @ b
        if longest == K:
            return total(parts, lambda: lambda part: a[:, :, part] @ b[:, part])
        out = np.empty((N, P, Q), np.result_type(a, b))

        def worker(part):
            if longest == P:
                np.matmul(a[:, part], b, out=out[:, part])
            else:
                np.matmul(a, b[:, :, part], out=out[:, :, part])

        deal(parts, lambda: worker)
        return out


def one_blas_thread():
    """A context in which BLAS uses one thread a product; gives how many it would use outside."""
    return _blas()


def least_product():
    """The number of multiply-adds from which on a product is worth sharing among threads of our own."""
    return _LEAST_PRODUCT if _blas().held() or threads() == 1 else _LEAST_PRODUCT_FOR_BLAS


def least_windows(filters):
    """The number of floats from which on windows, to be multiplied with so many filters, are worth cutting."""
    return min(least_product() // filters, _MOST_FLOATS)


def pieces(N, H, floats_per_row, least=None):
    """Cut N images of H rows into blocks (images, rows), two slices: whole images, or bands of one.

    `least` is the size in floats below which the work is one block.
    """
    floats = N * H * floats_per_row
    if floats <= (_LEAST_FLOATS if least is None else least):
        return [(slice(0, N), slice(0, H))]
    workers = threads()
    count = workers * -(-floats // (workers * _BLOCK_FLOATS))  # so that no thread waits for the last block
    if count <= N:
        return [(images, slice(0, H)) for images in cut(N, count)]
    return [(slice(n, n + 1), rows) for n in range(N) for rows in cut(H, -(-count // N))]


def cut(total, count):
    """Cut range(total) into `count` slices of nearly one size, none empty."""
    edges = [total * k // count for k in range(count + 1)]
    return [slice(a, b) for a, b in zip(edges, edges[1:]) if b > a]


def length(part):
    """How many a slice holds."""
    return part.stop - part.start


class _Blas:
    """The threads of the BLAS that NumPy is linked to."""

    def __init__(self):
        self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        self._lock = threading.Lock()
        self._users = 0
        self._before = []
        self._own = threading.local()  # how often this thread is among the users

    def threads(self):
        with self._lock:
            return max(self._before if self._users else self._ask())

    def held(self):
        """Whether this thread holds it. What others hold must not decide which way a product goes."""
        return getattr(self._own, "count", 0) > 0

    def __enter__(self):
        with self._lock:
            if self._users == 0:
                self._before = self._ask()
            most, own = max(self._before), getattr(self._own, "count", 0) + 1
            self._users += 1  # nothing is called between here and `try`, so that Ctrl-C cannot come
            self._own.count = own
            try:
                if self._users == 1:
                    self._tell([1] * len(self._before))
            except BaseException:  # Ctrl-C
                self._leave()
                raise
            return most

    def __exit__(self, *_):
        with self._lock:
            self._leave()

    def _leave(self):
        self._users -= 1
        self._own.count -= 1
        if self._users == 0:
            self._tell(self._before)

    def _ask(self):
        # A BLAS that cannot be asked, such as Apple's, works beside our threads as it is.
        return [library.get_num_threads() for library in self._libraries] or [os.cpu_count() or 1]

    def _tell(self, counts):
        for library, count in zip(self._libraries, counts):
            library.set_num_threads(count)


@functools.cache
def _blas():
    return _Blas()


class _Helpers:
    """Threads that wait for work. The futures of an executor take twice as long from hand to hand."""

    def __init__(self):
        self._jobs, self._count, self._lock = SimpleQueue(), 0, threading.Lock()

    def ask(self, job, count):
        """Have a job, a function without arguments, done by up to `count` threads as soon as they are free."""
        with self._lock:
            try:
                while self._count < count:
                    threading.Thread(target=self._serve, name="pixelgrad", daemon=True).start()
                    self._count += 1
            except RuntimeError:  # no threads to be had (any more): whoever asks does all of it
                count = self._count
        for _ in range(count):
            self._jobs.put(job)

    def _serve(self):
        np.setbufsize(_BUFFER)
        while True:
            job = self._jobs.get()
            job()
            del job  # it holds on to arrays


@functools.cache
def _helpers(process):
    """The threads of a process; a forked one has its own."""
    return _Helpers()


def _after_fork():
    """The child has none of the parent's threads: nobody there would end a hold, or give back a lock."""
    if _blas.cache_info().currsize:
        parent = _blas()
        if parent._users:
            parent._tell(parent._before)
        _blas.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
