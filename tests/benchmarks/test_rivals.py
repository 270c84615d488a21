"""The rivals of the benchmark do the same work: otherwise their times could not be compared."""

import importlib.util

import numpy as np
import pytest

from benchmarks.rivals import PREPARE
from benchmarks.workloads import Workload, load_network

RIVALS = [name for name in PREPARE if not name.startswith("pytorch") or importlib.util.find_spec("torch")]


WORKLOADS = [
    Workload("a", "shipped", "dream", 1, 80, 1.0),
    Workload("b", "shipped", "forward", 3, 64, 1.0),
]
SLOWER_WORKLOADS = [
    Workload("c", "shipped", "gradient", 2, 64, 1.0),
    Workload("d", "shipped", "train", 4, 64, 1.0),
    Workload("e", "squeezenet", "gradient", 1, 97, 1.0),
    Workload("f", "squeezenet", "style", 1, 96, 1.0),
]


@pytest.mark.parametrize(
    "workload",
    WORKLOADS + [pytest.param(workload, marks=pytest.mark.slow) for workload in SLOWER_WORKLOADS],
    ids=lambda workload: f"{workload.network} {workload.kind}",
)
def test_all_rivals_get_the_same_numbers(workload):
    """Training: the scores after two updates, which depend on every gradient and on the update rule."""
    results = {}
    for name in RIVALS:
        run = PREPARE[name](workload, load_network(workload.network))
        for _ in range(3 if workload.kind == "train" else 1):
            results[name] = run()
    ours = results.pop("pixelgrad")
    for name, theirs in results.items():
        # In the mean: of SqueezeNet's pooling windows a few nearly tie, and Adam's first step is the gradient's sign.
        assert np.abs(theirs - ours).mean() <= 1e-3 * np.abs(ours).mean(), name
        if workload.network == "shipped":
            np.testing.assert_allclose(theirs, ours, atol=1e-4 * np.abs(ours).max(), err_msg=name)


def test_operations_are_counted_as_in_the_summary():
    model = load_network("shipped")
    forward = Workload("f", "shipped", "forward", 1, 64, 1.0).flops(model)
    assert forward == 2 * 144_872_960
    assert Workload("g", "shipped", "gradient", 3, 64, 1.0).flops(model) == 6 * forward
