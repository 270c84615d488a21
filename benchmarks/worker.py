"""A rival in a process of its own: reads commands as JSON lines, answers with JSON lines.

`{"load": {workload fields}}`, `{"time": repeats}`, `{"memory": true}`, `{"peak": true}`, `{"result": path}`.
"""

import json
import sys
import time

import numpy as np

from .rivals import PREPARE
from .workloads import Workload, load_network


def main(rival):
    run = model = None
    for line in sys.stdin:
        command = json.loads(line)
        if "load" in command:
            workload = Workload(**command["load"])
            model = load_network(workload.network)
            run = PREPARE[rival](workload, model)
            answer = {"flops": workload.flops(model)}
        elif "memory" in command:
            answer = {"bytes": _peak_of(run)}
        elif "time" in command:
            answer = {"seconds": [_seconds(run) for _ in range(command["time"])]}
        elif "result" in command:
            np.save(command["result"], run())
            answer = {}
        else:
            answer = {"gflops": _sgemm_peak()}
        print(json.dumps(answer), flush=True)


def _seconds(run):
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _peak_of(run):
    """Peak resident memory of the first run above what the process held before it, in bytes; None off Linux."""
    try:
        with open("/proc/self/clear_refs", "w") as f:
            f.write("5")  # start the high-water mark anew
        before = _status("VmHWM")
        run()
        return _status("VmHWM") - before
    except OSError:
        run()
        return None


def _status(key):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(key))


def _sgemm_peak():
    """GFLOP/s of a large matrix product: the best of ten."""
    a = np.random.default_rng(0).standard_normal((2048, 2048), dtype=np.float32)
    return 2 * 2048**3 / min(_seconds(lambda: a @ a) for _ in range(10)) / 1e9


if __name__ == "__main__":
    main(sys.argv[1])
