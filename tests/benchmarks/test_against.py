"""`python -m benchmarks --against CHECKOUT`: what is timed, how often, and what decides."""

import json

import pytest

import benchmarks.__main__ as bench
from benchmarks.workloads import WORKLOADS


class FakeWorker:
    """Answers with the seconds that it was given, one for each turn; the last of them for ever."""

    def __init__(self, seconds):
        self.seconds, self.turns = list(seconds), 0

    def ask(self, **command):
        if command.get("time", 0) > 1:
            self.turns += 1
            return {"seconds": [self.seconds[min(self.turns, len(self.seconds)) - 1]] * command["time"]}
        return {"seconds": [0.01]}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(bench, "PAUSE", 0)


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").touch()
    (tmp_path / "benchmarks" / "worker.py").write_text("print('started', flush=True)\n")
    return tmp_path


@pytest.fixture
def compare(monkeypatch, checkout):
    """compare(seconds of this checkout, the other's being 1) -> exit code and what was written."""

    def run(seconds):
        monkeypatch.setattr(bench, "Worker", lambda rival, threads, other=None: FakeWorker([1] if other else seconds))
        path = checkout / "out" / "times.json"
        code = bench.main(["--against", str(checkout), "--only", WORKLOADS[1].name, "--json", str(path)])
        return code, json.loads(path.read_text())

    return run


def test_nine_turns_decide_where_they_are_below_the_limit(compare):
    code, results = compare([1.04] * 5 + [2.0] * 4)
    (row,) = results["workloads"]
    assert code == 0 and row["ratios"] == [1.04] * 5 + [2.0] * 4 and row["ratio"] == 1.04
    assert row["seconds"][0] == [1.04, 1] and row["workload"]["name"] == WORKLOADS[1].name


@pytest.mark.parametrize(("later", "code"), [(1.0, 0), (1.2, 1)])
def test_where_nine_are_above_it_all_27_are_judged_once(later, code, compare):
    found, results = compare([1.1] * 9 + [later] * 18)
    (row,) = results["workloads"]
    assert found == code and len(row["ratios"]) == 27 and row["ratio"] == later


def test_a_median_that_passes_for_a_moment_does_not_end_the_comparison(compare):
    code, results = compare([1.1] * 5 + [1.0] * 4 + [1.0] * 2 + [1.1] * 16)
    assert code == 1 and len(results["workloads"][0]["ratios"]) == 27


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--against", "CHECKOUT", "--quick"], "--quick has no effect with --against"),
        (["--against", "CHECKOUT", "--only", "nothing"], "no workload's name holds 'nothing'; they are 'score"),
        (["--only", "nothing"], "no workload's name holds 'nothing'"),
        (["--against", "CHECKOUT/none"], "none is not a checkout of pixelgrad"),
    ],
)
def test_misuse_is_refused(arguments, words, checkout, capsys):
    with pytest.raises(SystemExit) as stop:
        bench.main([word.replace("CHECKOUT", str(checkout)) for word in arguments])
    assert stop.value.code == 2 and words in " ".join(capsys.readouterr().err.split())


def test_a_checkout_that_takes_pixelgrad_from_elsewhere_is_refused(checkout, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(bench.HERE))
    with pytest.raises(RuntimeError, match=f"imports pixelgrad from {bench.HERE}"):
        bench.Worker("pixelgrad", 1, checkout)
    (checkout / "pixelgrad.py").write_text("1 / 0")
    with pytest.raises(RuntimeError, match="ended before it had imported pixelgrad"):
        bench.Worker("pixelgrad", 1, checkout)
    (checkout / "pixelgrad.py").write_text("")
    with bench.Worker("pixelgrad", 1, checkout) as worker:
        assert worker.process.stdout.readline() == "started\n"


def test_a_worker_of_this_checkout_answers():
    with bench.Worker("pixelgrad", 1) as worker:
        assert worker.ask(peak=True)["gflops"] > 0
