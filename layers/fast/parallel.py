"""Blocks of work, shared by several threads.

NumPy releases the interpreter lock while it copies, adds and multiplies, so threads of our own keep every core busy in
everything a layer does; BLAS's threads help with the products only. The two do not mix: after a product BLAS's threads
stay awake for a while and wait for the next, and a network ran at half the speed. So BLAS gets one thread per product
while our threads work, for the time of a layer or of a network's whole pass, and gets its threads back afterwards.
Small work is a single block, and there BLAS keeps its threads. We use as many threads as BLAS would: one per core, or
what OPENBLAS_NUM_THREADS (or the variable of another BLAS) says.

`Blocking` holds the sizes that decide how work is split. They change the speed and the rounding, never the definition.
"""

import functools
import os
import threading
from collections import deque
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np
from threadpoolctl import ThreadpoolController

# NumPy copies rows of memory that are shorter than its buffer (8192 numbers) before it adds them, which takes twice as
# long as the addition.
_BUFFER = 1024

# The C library (glibc) returns large freed arrays to the system. "Large" follows the largest array freed so far, up to
# 32 MiB. Getting the memory back, page by page, took up to half of the time. One array, never touched, settles it.
np.empty(31 * 2**20, np.uint8)

_MOST_FOR_BLAS = 3 * 128 * 128  # numbers in what a network is given: four images of 64x64, or one of 128x128


@dataclass(frozen=True)
class Blocking:
    """Sizes that decide how the kernels split their work; the defaults were measured.

    Attributes
    ----------
    block_floats : int
        A block is at most this large, so that it stays in a core's cache.
    least_floats, least_product : int
        Work with at most so many floats, or fewer multiply-adds in a product, is one block: another thread would cost
        more than it saves.
    least_product_for_blas : int
        The same where BLAS has its threads: they cost less than ours, so a larger product is left to them.
    most_floats : int
        What is left to BLAS's threads is one block as well, of at most this size, so that memory does not grow with it.
    few_windows : int
        A convolution with fewer windows that is worth several blocks is split by its filters: reading them is what
        takes the time.
    planar_channels : int
        With fewer channels than this, col2im keeps one channel after the other instead of the channels of a pixel side
        by side.
    repeat_from : int
        In arrays with more numbers than this, a vector with one number per channel is repeated for each pixel of a row:
        NumPy is fast on long runs of memory.
    """

    block_floats: int = 600_000
    least_floats: int = 200_000
    least_product: int = 2_500_000
    least_product_for_blas: int = 160_000_000
    most_floats: int = 5_000_000
    few_windows: int = 200
    planar_channels: int = 16
    repeat_from: int = 100_000


BLOCKING = Blocking()


def threads():
    """How many threads may work at the same time."""
    return _blas().threads()


def parallel_for(blocks, new_worker):
    """Do every block of work, in as many threads as there are.

    The loop ``for block in blocks: worker(block)``, in parallel.

    Parameters
    ----------
    blocks : list
        What the workers are called with, in any order. No two blocks may write to the same place.
    new_worker : callable () -> callable (block)
        Called once in each thread. Buffers that a worker reuses from block to block are made here.
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
            waiting.clear()  # no thread starts another block of failed work
            raise

    if len(blocks) <= 1:
        return _with_buffer(work)
    entered, left, errors, wakeup = [], [], [], threading.Lock()
    wakeup.acquire()

    def help_out():
        entered.append(True)  # before it takes a block: a thread that finds `waiting` empty has nothing to do
        try:
            if waiting:
                work()
        except BaseException as error:
            errors.append(error)
        finally:
            left.append(True)
            with suppress(RuntimeError):  # another thread has released it just now
                wakeup.release()

    def wait_for_others():
        while len(left) < len(entered):
            wakeup.acquire(timeout=1)

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
            except BaseException:  # Ctrl-C while waiting: no thread may go on writing after we return
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


def parallel_sum(blocks, new_worker):
    """The sum of what the workers return, always added in the same order, so that rounding does not depend on timing.

    Arguments are as in `parallel_for`.
    """
    shares = [blocks[part] for part in split_range(len(blocks), threads())]
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

    parallel_for(range(len(shares)), new_adder)
    for other in sums[1:]:
        sums[0] += other
    return sums[0]


def product(a, b, *, blocking=BLOCKING):
    """`a @ b` for stacks of matrices, (N, P, K) and (N, K, Q); threads share the longest of P, K and Q."""
    N, P, K = a.shape
    Q = b.shape[2]
    longest = max(P, K, Q)
    with one_blas_thread():
        parts = split_range(longest, threads() if N * P * K * Q > blocking.least_product else 1)
        if len(parts) == 1:
            return a @ b
        if longest == K:
            return parallel_sum(parts, lambda: lambda part: a[:, :, part] @ b[:, part])
        out = np.empty((N, P, Q), np.result_type(a, b))

        def worker(part):
            if longest == P:
                np.matmul(a[:, part], b, out=out[:, part])
            else:
                np.matmul(a, b[:, :, part], out=out[:, :, part])

        parallel_for(parts, lambda: worker)
        return out


def one_blas_thread():
    """A context in which BLAS uses one thread per product; its value is how many BLAS uses outside."""
    return _blas()


def threads_for(size):
    """Whose threads a network uses: BLAS's for a few small images, ours for anything larger; a context.

    Parameters
    ----------
    size : int
        Numbers in what the network is given.
    """
    return nullcontext() if size <= _MOST_FOR_BLAS else one_blas_thread()


def least_product(blocking=BLOCKING):
    """From how many multiply-adds on a product is worth sharing among our own threads."""
    return blocking.least_product if _blas().held() or threads() == 1 else blocking.least_product_for_blas


def least_windows(filters, blocking=BLOCKING):
    """From how many floats on windows are worth splitting that are multiplied with so many filters."""
    return min(least_product(blocking) // filters, blocking.most_floats)


def split_blocks(N, H, floats_per_row, *, least=None, blocking=BLOCKING):
    """Split N images of H rows into blocks (images, rows), two slices: whole images, or bands of rows of one image.

    Work of at most `least` floats is one block; by default `blocking.least_floats`.
    """
    floats = N * H * floats_per_row
    if floats <= (blocking.least_floats if least is None else least):
        return [(slice(0, N), slice(0, H))]
    workers = threads()
    count = workers * -(-floats // (workers * blocking.block_floats))  # so that no thread waits for the last block
    if count <= N:
        return [(images, slice(0, H)) for images in split_range(N, count)]
    return [(slice(n, n + 1), rows) for n in range(N) for rows in split_range(H, -(-count // N))]


def split_range(total, count):
    """Split range(total) into `count` slices of nearly equal length, none of them empty."""
    edges = [total * k // count for k in range(count + 1)]
    return [slice(a, b) for a, b in zip(edges, edges[1:]) if b > a]


def length(part):
    """The length of a slice."""
    return part.stop - part.start


class _Blas:
    """The threads of the BLAS that NumPy is linked to."""

    def __init__(self):
        self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        self._lock = threading.Lock()
        self._users = 0
        self._before = []
        self._own = threading.local()  # how often this thread counts among the users

    def threads(self):
        with self._lock:
            return max(self._before if self._users else self._ask())

    def held(self):
        """Whether this thread has set BLAS to one thread. Other threads must not decide how a product is split."""
        return getattr(self._own, "count", 0) > 0

    def __enter__(self):
        with self._lock:
            if self._users == 0:
                self._before = self._ask()
            most, own = max(self._before), getattr(self._own, "count", 0) + 1
            self._users += 1  # nothing is called between here and `try`, so Ctrl-C cannot interrupt
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
        # A BLAS that cannot be asked, such as Apple's, keeps its threads beside ours.
        return [library.get_num_threads() for library in self._libraries] or [os.cpu_count() or 1]

    def _tell(self, counts):
        for library, count in zip(self._libraries, counts):
            library.set_num_threads(count)


@functools.cache
def _blas():
    return _Blas()


class _Helpers:
    """Threads that wait for work. Handing work over by an executor's futures takes twice as long."""

    def __init__(self):
        self._jobs, self._count, self._lock = SimpleQueue(), 0, threading.Lock()

    def ask(self, job, count):
        """Have up to `count` threads call a job, a function without arguments, as soon as they are free."""
        with self._lock:
            try:
                while self._count < count:
                    threading.Thread(target=self._serve, name="pixelgrad", daemon=True).start()
                    self._count += 1
            except RuntimeError:  # the system gives no (more) threads: the caller does all of it
                count = self._count
        for _ in range(count):
            self._jobs.put(job)

    def _serve(self):
        np.setbufsize(_BUFFER)
        while True:
            job = self._jobs.get()
            job()
            del job  # it keeps arrays alive


@functools.cache
def _helpers(process):
    """The threads of a process; a forked one has its own."""
    return _Helpers()


def _after_fork():
    """A forked child has none of the parent's threads: nothing there would give BLAS its threads back."""
    if _blas.cache_info().currsize:
        parent = _blas()
        if parent._users:
            parent._tell(parent._before)
        _blas.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
