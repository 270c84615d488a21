"""`python -m benchmarks`: one table of times, ratios and memory, also written as JSON.

Each rival runs in a process of its own, since thread pools disturb each other; they take turns, so that a change of
the machine's speed meets all of them. What counts is the ratio of medians within one run.

With `--against CHECKOUT` the rival is pixelgrad itself, as it stands in another checkout; the exit code is 1 if this
checkout is slower in any workload.
"""

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median

import numpy as np
from tqdm import tqdm

from .workloads import WORKLOADS

# These make OpenBLAS use the kernels of another processor; every rival is to choose its own.
FORCED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
PAUSE = 0.1  # seconds before a turn: threads of the last rival stop spinning
HERE = Path(__file__).resolve().parent.parent
TURNS, MORE_TURNS = 9, 18  # paired turns against another checkout, and further ones where those are above the limit
LIMIT = 1.05  # largest ratio to the other checkout's time
# A worker first says which pixelgrad it imports: a checkout without one would time the installed package.
START = """
import runpy
from pathlib import Path
import pixelgrad
print(Path(pixelgrad.__file__).resolve(), flush=True)
runpy.run_module("benchmarks.worker", run_name="__main__")
"""


class Worker:
    """A rival's process, which imports the pixelgrad of its checkout."""

    def __init__(self, rival, threads, checkout=HERE):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, rival],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=checkout,
            env={k: v for k, v in os.environ.items() if k not in FORCED} | dict.fromkeys(names, str(threads)),
        )
        package = self.process.stdout.readline().strip()
        if not package:
            self.__exit__()
            raise RuntimeError(f"the benchmark process in {checkout} ended before it had imported pixelgrad")
        if not Path(package).is_relative_to(Path(checkout).resolve()):
            self.__exit__()
            raise RuntimeError(f"the benchmark process in {checkout} imports pixelgrad from {package}, another one")

    def ask(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a benchmark process ended early while doing {command}")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Workers:
    """A process for each rival: new ones for every workload, since a process keeps memory it has freed; or lasting."""

    def __init__(self, rivals, threads, *, lasting):
        self.rivals, self.threads, self.lasting = rivals, threads, lasting
        self.processes = {}

    def ready(self):
        if not (self.lasting and self.processes):
            self.__exit__()
            self.processes = {rival: Worker(rival, self.threads) for rival in self.rivals}
        return self.processes

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self.processes.values():
            worker.__exit__()


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no memory, no scaling: about a minute")
    parser.add_argument("--only", metavar="TEXT", help="workloads whose name holds this text")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for every rival (default: all cores)")
    parser.add_argument(
        "--json", metavar="FILE", help="(default: runs/benchmark.json; with --against runs/benchmark-against.json)"
    )
    parser.add_argument("--against", metavar="CHECKOUT", type=Path, help="compare with pixelgrad in another checkout")
    args = parser.parse_args(argv)
    workloads = [w for w in WORKLOADS if not args.only or args.only in w.name]
    if not workloads:
        parser.error(f"no workload's name holds {args.only!r}; they are {', '.join(repr(w.name) for w in WORKLOADS)}")
    if args.against:
        if args.quick:
            parser.error("--quick has no effect with --against")
        if not (args.against / "benchmarks" / "worker.py").is_file():
            parser.error(f"{args.against} is not a checkout of pixelgrad; --against takes its folder")
        rows = against(args.against, workloads, args.threads)
        results = {"machine": machine(args.threads), "against": str(args.against), "limit": LIMIT, "workloads": rows}
        _write(args.json or "runs/benchmark-against.json", results)
        return int(any(row["ratio"] > LIMIT for row in rows))

    rivals = ["pixelgrad", "im2col"]
    if importlib.util.find_spec("torch"):
        rivals += ["pytorch", "pytorch channels_last"]
    else:
        print("PyTorch is not installed: its columns stay empty (pip install torch)", file=sys.stderr)
    if forced := [f"{name}={os.environ[name]}" for name in FORCED if os.environ.get(name)]:
        print(f"{', '.join(forced)} is set here and left out: every library chooses its own kernels", file=sys.stderr)
    with Worker("pixelgrad", args.threads) as worker:
        peak = worker.ask(peak=True)["gflops"]
    rows = []
    with Workers(rivals, args.threads, lasting=args.quick) as workers:
        for workload in tqdm(workloads, unit="workload", desc="benchmark"):
            rows.append(measure(workload, workers.ready(), peak=peak, quick=args.quick))
    print(table(rows, args.threads, peak))
    results = {"machine": machine(args.threads), "sgemm_gflops": peak, "workloads": rows}
    if not args.quick and not args.only:
        results["scaling"] = scaling(args.threads)
        print(scaling_table(results["scaling"]))
    _write(args.json or "runs/benchmark.json", results)
    return 0


def against(checkout, workloads, threads):
    """Time this checkout and another one in turns; a row for each workload, with the median of the turns' ratios."""
    print(f"{threads} threads; milliseconds here and there, median of the paired turns' ratios (quartiles)")
    rows = []
    for workload in tqdm(workloads, unit="workload", desc="benchmark"):
        with Worker("pixelgrad", threads) as here, Worker("pixelgrad", threads, checkout) as there:
            pairs = paired_turns(workload, here, there)
        ratios = pairs[:, 0] / pairs[:, 1]
        mine, theirs = np.median(pairs, axis=0)
        low, middle, high = np.percentile(ratios, [25, 50, 75])
        tqdm.write(
            f"{workload.name:44s} {_ms(mine):>8s} {_ms(theirs):>8s}  {middle:.3f} ({low:.3f}-{high:.3f}), "
            f"{len(pairs)} turns" + ("" if middle <= LIMIT else f", above {LIMIT}")
        )
        rows.append(
            {
                "workload": asdict(workload),
                "seconds": pairs.tolist(),
                "ratios": ratios.tolist(),
                "ratio": float(middle),
                "quartiles": [float(low), float(high)],
            }
        )
    return rows


def paired_turns(workload, here, there):
    """Seconds of both in each turn, (turns, 2): TURNS of them, and MORE_TURNS where their ratio is above the limit.

    More turns are all taken before anyone looks at them: to stop at the first look that passes would let slow code
    pass by chance.
    """
    repeats = {}
    for worker in (here, there):
        worker.ask(load=asdict(workload))
        worker.ask(time=1)
        repeats[worker] = max(1, round(0.2 / worker.ask(time=1)["seconds"][0]))

    def turn(k):
        seconds = {}
        for worker in (here, there) if k % 2 else (there, here):  # neither always has the second turn
            time.sleep(PAUSE)
            worker.ask(time=1)
            seconds[worker] = median(worker.ask(time=repeats[worker])["seconds"])
        return seconds[here], seconds[there]

    pairs = [turn(k) for k in range(TURNS)]
    if median(a / b for a, b in pairs) > LIMIT:
        pairs += [turn(k) for k in range(TURNS, TURNS + MORE_TURNS)]
    return np.array(pairs)


def measure(workload, workers, *, peak, quick):
    """Time one workload: rounds in which every rival runs for a fraction of a second, one after the other."""
    times, memory, repeats = {rival: [] for rival in workers}, dict.fromkeys(workers), {}
    turn = 0.1 if quick else 0.2  # seconds
    for rival, worker in workers.items():
        flops = worker.ask(load=asdict(workload))["flops"]
        if not quick:
            memory[rival] = worker.ask(memory=True)["bytes"]
        worker.ask(time=1)
        first = worker.ask(time=1)["seconds"]
        repeats[rival] = max(1, round(turn / first[0]))
        if quick and first[0] > 5 * turn:  # long enough to be told from noise by one look
            times[rival], repeats[rival] = first, 0
    for _ in range(2 if quick else 9):
        for rival, worker in workers.items():
            if not repeats[rival]:
                continue
            time.sleep(PAUSE)
            worker.ask(time=1)  # wakes the threads and fills the caches; not counted
            times[rival] += worker.ask(time=repeats[rival])["seconds"]
    medians = {rival: median(t) for rival, t in times.items()}
    torch = min((r for r in workers if r.startswith("pytorch")), key=medians.get, default=None)
    ours = medians["pixelgrad"]
    return {
        "workload": asdict(workload),
        "seconds": medians,
        "quartiles": {r: np.percentile(t, [25, 75]).tolist() for r, t in times.items()},
        "peak_bytes": memory,
        "pytorch_best": torch,
        "ratio_pytorch": ours / medians[torch] if torch else None,
        "ratio_im2col": ours / medians["im2col"],
        "ratio_memory": memory["pixelgrad"] / memory[torch] if torch and memory[torch] else None,
        "gflops": flops / ours / 1e9,
        "share_of_peak": flops / ours / 1e9 / peak,
    }


def table(rows, threads, peak):
    lines = [
        f"{threads} threads, sgemm peak {peak:.0f} GFLOP/s; median milliseconds (quartiles), ratio to the other's time",
        f"{'workload':44s} {'pixelgrad':>22s} {'PyTorch':>9s} {'ratio':>6s} {'limit':>6s} {'im2col':>9s} {'ratio':>6s}"
        f" {'GFLOP/s':>8s} {'of peak':>8s} {'memory MB, ratio':>17s}",
    ]
    for row in rows:
        seconds, (low, high) = row["seconds"], row["quartiles"]["pixelgrad"]
        torch = row["pytorch_best"]
        memory = row["peak_bytes"]["pixelgrad"]
        lines.append(
            f"{row['workload']['name']:44s} {_ms(seconds['pixelgrad']):>8s} ({_ms(low)}-{_ms(high)})".ljust(67)
            + f" {_ms(seconds[torch]) if torch else '-':>9s} {_number(row['ratio_pytorch']):>6s}"
            + f" {row['workload']['limit']:6.2f} {_ms(seconds['im2col']):>9s} {_number(row['ratio_im2col']):>6s}"
            + f" {row['gflops']:8.0f} {row['share_of_peak']:8.0%}"
            + f" {memory / 2**20 if memory is not None else float('nan'):10.1f} {_number(row['ratio_memory']):>6s}"
        )
    return "\n".join(lines)


def scaling(threads):
    """Time of a score gradient against the number of images and against the image's side, with fitted exponents."""
    base = next(w for w in WORKLOADS if w.kind == "gradient")
    series = {
        "images": [(n, replace(base, images=n)) for n in (1, 2, 4, 8, 16, 32, 64, 128)],
        "pixels": [(side**2, replace(base, side=side)) for side in (64, 128, 256, 512)],
    }
    results = {}
    for name, cases in series.items():
        points = []
        for size, workload in tqdm(cases, desc=f"scaling with {name}"):
            with Worker("pixelgrad", threads) as worker:
                worker.ask(load=asdict(workload))
                worker.ask(time=2)
                points.append((size, median(worker.ask(time=7)["seconds"])))
        sizes, seconds = np.log(np.array(points)).T
        results[name] = {"points": points, "exponent": float(np.polyfit(sizes, seconds, 1)[0])}
    return results


def scaling_table(results):
    lines = []
    for name, result in results.items():
        lines.append(f"\ntime of a score gradient against {name}: exponent {result['exponent']:.2f}")
        lines += [f"{size:10d} {_ms(seconds):>10s} ms" for size, seconds in result["points"]]
    return "\n".join(lines)


def _write(path, results):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1))


def machine(threads):
    return {"processor": platform.processor(), "python": platform.python_version(), "threads": threads}


def _ms(seconds):
    return f"{1000 * seconds:.2f}" if seconds < 0.1 else f"{1000 * seconds:.0f}"


def _number(value):
    return "-" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(main())
