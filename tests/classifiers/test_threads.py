"""Networks in several threads, many times over, and with another number of threads."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pixelgrad.classifiers import Network, PretrainedCNN
from pixelgrad.layers.fast.parallel import least_product, one_blas_thread, threads

CODE = """
import sys, numpy as np
from pixelgrad.classifiers import PretrainedCNN
from pixelgrad.layers.fast.parallel import threads
model = PretrainedCNN(dtype=sys.argv[1])
for N, side in ((1, 64), (9, 64), (1, 160)):
    X = np.random.default_rng(N).uniform(-100, 130, (N, 3, side, side)).astype(sys.argv[1])
    scores, cache = model.forward(X)
    dX, grads = model.backward(scores, cache, param_grads=True)
    np.savez(f"{sys.argv[2]}-{N}-{side}.npz", threads=threads(), scores=scores, dX=dX, **grads)
"""


@pytest.fixture(scope="module")
def model():
    return PretrainedCNN()


def gradient(model, X):
    scores, cache = model.forward(X)
    return scores, model.backward(scores, cache)[0]


@pytest.mark.slow
@pytest.mark.parametrize("N", [1, 12])
def test_two_threads_that_share_a_network_get_the_answers_of_one(N, model):
    rng = np.random.default_rng(0)
    batches = [rng.uniform(-100, 130, (N, 3, 64, 64)).astype(np.float32) for _ in range(12)]
    alone = [gradient(model, X) for X in batches]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda X: gradient(model, X), batches))
    for one, other in zip(alone, together):
        for a, b in zip(one, other):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * abs(a).max())


def test_what_another_thread_holds_does_not_decide_which_way_a_product_goes(model):
    X = np.random.default_rng(0).uniform(-100, 130, (1, 3, 64, 64)).astype(np.float32)
    alone, least = gradient(model, X), least_product()
    begun, done = threading.Event(), threading.Event()

    def hold():
        with one_blas_thread():
            begun.set()
            done.wait()

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert begun.wait(10)
        assert least_product() == least
        for a, b in zip(alone, gradient(model, X)):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * abs(a).max())
    finally:
        done.set()
        other.join()
    with one_blas_thread():
        assert least_product() < least or threads() == 1  # where BLAS has one thread, nothing changes


def test_a_change_of_parameters_is_noticed_also_in_place(model):
    model = model.astype(np.float32)
    X = np.random.default_rng(0).uniform(-100, 130, (10, 3, 64, 64)).astype(np.float32)
    for name in ("W1", "W7", "gamma3", "running_mean5", "running_var6", "beta2"):
        before, dX = gradient(model, X)
        model.params[name][...] *= 1.5
        after, dX_after = gradient(model, X)
        fresh = Network(
            model.architecture, {k: v.copy() for k, v in model.params.items()}, mean_image=np.zeros((3, 64, 64))
        )
        expected, dX_expected = gradient(fresh, X)
        np.testing.assert_allclose(after, expected, rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(dX_after, dX_expected, rtol=1e-4, atol=1e-5 * abs(dX_expected).max())
        assert np.abs(after - before).max() > 1e-3, name


@pytest.mark.slow
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-10)])
def test_one_two_and_more_threads_give_the_same(dtype, tolerance, tmp_path):
    results = []
    for count in (1, 2, 5):
        env = os.environ | {"OPENBLAS_NUM_THREADS": str(count), "OMP_NUM_THREADS": str(count)}
        out = tmp_path / str(count)
        subprocess.run([sys.executable, "-c", CODE, dtype, out], env=env, check=True, cwd=tmp_path)
        results.append({path.name.split("-", 1)[1]: np.load(path) for path in tmp_path.glob(f"{count}-*.npz")})
    assert len(results[0]) == 3 and results[0].keys() == results[1].keys() == results[2].keys()
    for key, one in results[0].items():
        for more in (results[1][key], results[2][key]):
            for name in set(one) - {"threads"}:
                np.testing.assert_allclose(more[name], one[name], rtol=1e-30, atol=tolerance * abs(one[name]).max())


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this system does not tell a process's memory")
def test_a_thousand_calls_leave_memory_where_it_was(model):
    small = np.zeros((1, 3, 64, 64), np.float32)
    large = np.zeros((10, 3, 64, 64), np.float32)

    def call(count):
        for k in range(count):
            gradient(model, large if k % 50 == 0 else small)

    call(100)  # until the allocator keeps what it will keep
    before = memory()
    call(1000)
    assert memory() - before < 20e6


def memory():
    """Resident bytes."""
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
