"""Blocks of work: each is done once, sums have one order, BLAS gets its threads back."""

import multiprocessing
import threading
import time
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from pixelgrad.layers.fast import parallel
from pixelgrad.layers.fast.parallel import (
    length,
    one_blas_thread,
    parallel_for,
    parallel_sum,
    split_blocks,
    split_range,
)


@pytest.fixture(autouse=True)
def three_threads():
    """As on a machine with three cores, whatever this one has."""
    with threadpool_limits(3, user_api="blas"):
        yield


def blas_threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_every_block_is_done_once_and_by_several_threads():
    done, seen, meet = [], set(), threading.Barrier(3, timeout=10)

    def new_worker():
        seen.add(threading.get_ident())
        meet.wait()  # passes only if three threads are at work
        return done.append

    parallel_for(list(range(20)), new_worker)
    assert sorted(done) == list(range(20)) and len(seen) == 3


def test_one_block_stays_in_this_thread_and_leaves_blas_its_threads():
    seen = []
    parallel_for([1], lambda: lambda block: seen.append((block, threading.get_ident(), blas_threads())))
    assert seen == [(1, threading.get_ident(), {3})]


def test_no_blocks_no_work():
    parallel_for([], lambda: lambda block: pytest.fail("called"))


def test_blas_has_one_thread_inside_and_its_own_number_again_outside():
    seen = []
    parallel_for([1, 2, 3, 4], lambda: lambda block: seen.append(blas_threads()))
    assert seen == [{1}] * 4 and blas_threads() == {3}
    with one_blas_thread() as outside:
        assert outside == 3 and blas_threads() == {1} and parallel.threads() == 3
        with one_blas_thread():
            parallel_for([1, 2], lambda: lambda block: None)
        assert blas_threads() == {1}, "the inner ones must not end the outer"
    assert blas_threads() == {3}


def test_an_error_comes_out_and_stops_the_rest():
    done = []

    def worker(block):
        if block == 0:
            raise ZeroDivisionError("block 0")
        time.sleep(0.01)
        done.append(block)

    with pytest.raises(ZeroDivisionError, match="block 0"):
        parallel_for(list(range(10_000)), lambda: worker)
    assert len(done) < 1000 and blas_threads() == {3}
    finished = len(done)
    time.sleep(0.05)
    assert len(done) == finished, "nobody works on after the call"


def test_an_error_in_another_thread_comes_out():
    here, begun = threading.get_ident(), threading.Event()

    def worker(block):
        if threading.get_ident() == here:
            assert begun.wait(10)
        else:
            begun.set()
            raise ZeroDivisionError("elsewhere")

    with pytest.raises(ZeroDivisionError, match="elsewhere"):
        parallel_for([1, 2], lambda: worker)
    assert blas_threads() == {3}


def test_numpys_buffer_is_as_it_was_also_after_an_error():
    before, inside = np.getbufsize(), []

    def worker(block):
        inside.append(np.getbufsize())
        raise ZeroDivisionError

    for blocks in ([1], [1, 2, 3]):
        with pytest.raises(ZeroDivisionError):
            parallel_for(blocks, lambda: worker)
        assert np.getbufsize() == before
    assert set(inside) == {parallel._BUFFER} and before != parallel._BUFFER


def test_an_interrupt_while_others_are_asked_leaves_nobody_at_work(monkeypatch):
    ask, done = parallel._Helpers.ask, []

    def interrupted(self, job, count):
        ask(self, job, count)
        raise KeyboardInterrupt

    def worker(block):
        time.sleep(0.005)
        done.append(block)

    monkeypatch.setattr(parallel._Helpers, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        parallel_for(list(range(10_000)), lambda: worker)
    finished = len(done)
    time.sleep(0.05)
    assert len(done) == finished < 1000 and blas_threads() == {3}


def test_threads_that_wait_hold_on_to_nothing():
    big = np.zeros(1000)
    kept = weakref.ref(big)
    parallel_for([1, 2, 3], lambda big=big: lambda block: big.sum())
    del big
    deadline = time.monotonic() + 10
    while kept() is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert kept() is None


def test_sums_do_not_depend_on_who_is_first():
    numbers = np.random.default_rng(0).standard_normal(50).astype(np.float32) * np.logspace(-5, 5, 50, dtype=np.float32)
    rng = np.random.default_rng(1)

    def worker(block):
        time.sleep(rng.uniform(0, 0.002))
        return np.array([numbers[block]])

    results = {float(parallel_sum(list(range(50)), lambda: worker)[0]) for _ in range(5)}
    assert len(results) == 1
    np.testing.assert_allclose(results.pop(), numbers.astype(np.float64).sum(), rtol=1e-5)


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 30), st.integers(1, 10_000), st.integers(0, 1_000_000))
def test_blocks_cover_every_row_of_every_image_once(N, H, floats_per_row, least):
    covered = np.zeros((N, H), int)
    blocks = split_blocks(N, H, floats_per_row, least=least)
    for images, rows in blocks:
        assert length(images) > 0 and length(rows) > 0
        covered[images, rows] += 1
        whole = length(rows) == H
        assert whole or length(images) == 1
    assert np.all(covered == 1)
    assert (len(blocks) == 1) >= (N * H * floats_per_row <= least)


def test_large_work_is_split_into_blocks_that_stay_in_the_cache_and_share_evenly():
    blocks = split_blocks(100, 10, 4_000)
    assert len(blocks) % 3 == 0
    sizes = [length(images) * length(rows) * 4_000 for images, rows in blocks]
    assert max(sizes) <= parallel.BLOCKING.block_floats + 40_000 and sum(sizes) == 4_000_000


@given(st.integers(0, 100), st.integers(1, 120))
def test_split_range_leaves_nothing_out_and_nothing_empty(total, count):
    parts = split_range(total, count)
    assert [k for part in parts for k in range(part.start, part.stop)] == list(range(total))
    assert all(length(part) > 0 for part in parts) and len(parts) == min(total, count)
    assert not parts or max(map(length, parts)) - min(map(length, parts)) <= 1


def _parallel_for_in_child(queue):
    done = []
    parallel_for(list(range(10)), lambda: done.append)
    queue.put(sorted(done))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_process_has_threads_of_its_own():
    parallel_for([1, 2, 3], lambda: lambda block: None)  # this process's threads exist now
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_parallel_for_in_child, args=(queue,))
    child.start()
    assert queue.get(timeout=20) == list(range(10))
    child.join(20)


def _held_in_child(queue):
    queue.put((parallel._blas().held(), blas_threads()))
    _parallel_for_in_child(queue)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_process_forked_in_the_middle_of_work_is_not_held():
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    with one_blas_thread():
        child = context.Process(target=_held_in_child, args=(queue,))
        child.start()
    assert queue.get(timeout=20) == (False, {3})
    assert queue.get(timeout=20) == list(range(10))
    child.join(20)


def test_an_interrupt_while_blas_is_told_leaves_it_as_it_was(monkeypatch):
    blas = parallel._blas()
    tell = blas._tell

    def interrupted(counts):
        tell(counts)
        if set(counts) == {1}:
            raise KeyboardInterrupt

    monkeypatch.setattr(blas, "_tell", interrupted)
    with pytest.raises(KeyboardInterrupt):
        parallel_for([1, 2, 3], lambda: lambda block: None)
    assert blas_threads() == {3} and not blas.held() and blas._users == 0 and parallel.threads() == 3


def test_without_threads_to_be_had_this_one_does_the_work(monkeypatch):
    class NoThread:
        def __init__(self, **_):
            pass

        def start(self):
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(parallel.threading, "Thread", NoThread)
    monkeypatch.setattr(parallel, "_helpers", lambda process: parallel._Helpers())
    done = []
    parallel_for(list(range(5)), lambda: done.append)
    assert sorted(done) == list(range(5))


@pytest.mark.parametrize("shape", [(2, 5, 4, 3), (1, 400, 90, 80), (2, 60, 900, 50), (1, 50, 60, 900)])
def test_a_shared_product_is_the_product(shape, monkeypatch):
    N, P, K, Q = shape
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((N, P, K)), rng.standard_normal((N, K, Q))
    np.testing.assert_allclose(parallel.product(a, b), a @ b, rtol=1e-10, atol=1e-10)
    f = a.astype(np.float32)
    assert parallel.product(f, b.astype(np.float32)).dtype == np.float32
