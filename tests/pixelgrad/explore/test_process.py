"""The computing process: the newest request wins, and everything can be ended."""

import asyncio
import importlib
from pathlib import Path

import numpy as np
import pytest

from pixelgrad.explore import process
from pixelgrad.explore.messages import pack, unpack
from pixelgrad.explore.process import Computation

STUDENT = """
from pixelgrad.explore.worker import compute as compute_really
from pixelgrad.layers import naive

def endless(*_):
    open({BEGUN}, "w").close()
    while True:
        pass

def stubborn(*_):
    while True:
        try:
            endless()
        except BaseException:
            pass

def dying(*_):
    import os
    os._exit(1)

def compute(connection, options):
    naive.conv_forward_naive = {NAME}
    compute_really(connection, options)
"""


async def frames(job):
    found = []
    while (frame := await job.frames.get()) is not None:
        found.append(unpack(frame))
    return found


def run(scenario, options=None):
    """Run ``await scenario(computation)``, and end the process."""

    async def whole():
        computation = Computation(options or {"image": "portrait"})
        try:
            return await asyncio.wait_for(scenario(computation), 60)
        finally:
            computation.close()

    return asyncio.run(whole())


def forward(picture, engine="fast"):
    return pack({"kind": "forward", "engine": engine}, {"picture": picture})


def test_of_a_thousand_quick_clicks_the_last_is_answered(picture):
    async def scenario(computation):
        await frames(computation.submit(forward(picture)))  # the process is there, the network loaded
        requests = [
            pack({"kind": "gradient", "target": [8, k % 100], "rule": "standard"}, {"picture": picture})
            for k in range(1000)
        ]
        jobs = []
        for request in requests:
            jobs.append(computation.submit(request))
            await asyncio.sleep(0)
        return [await frames(job) for job in jobs]

    answers = run(scenario)
    assert [header["index"] for header, _ in answers[-1]] == [*range(8, -2, -1)]
    last = answers[-1][0][1]["gradient"]
    assert last[99] == 1 and last.sum() == 1
    assert all(found[-1][0].get("reason") == "superseded" or found[-1][0].get("index") == -1 for found in answers)
    assert sum(found[-1][0].get("reason") == "superseded" for found in answers) > 900


def test_an_interrupted_computation_leaves_nothing_wrong_behind(picture):
    async def scenario(computation):
        (*_, whole) = await frames(computation.submit(forward(picture)))
        for wait in (0.002, 0.005, 0.01, 0.02, 0.04) * 3:
            computation.submit(pack({"kind": "grow", "what": "dream", "layer": 3, "steps": 50}, {"picture": picture}))
            await asyncio.sleep(wait)
        (*_, again) = await frames(computation.submit(forward(picture)))
        return whole, again

    whole, again = run(scenario)
    assert np.array_equal(whole[1]["scores"], again[1]["scores"])


@pytest.mark.parametrize("name", ["endless", pytest.param("stubborn", marks=pytest.mark.slow)])
def test_a_students_endless_loop_ends_when_something_else_is_asked(picture, tmp_path, monkeypatch, name):
    begun = tmp_path / "begun"
    (tmp_path / f"student_{name}.py").write_text(STUDENT.replace("{NAME}", name).replace("{BEGUN}", repr(str(begun))))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(process, "compute", importlib.import_module(f"student_{name}").compute)
    monkeypatch.setattr(process, "GRACE", 1.0)

    async def scenario(computation):
        loop = computation.submit(forward(picture, "naive"))
        while not begun.exists():
            await asyncio.sleep(0.02)
        found = await asyncio.wait_for(frames(computation.submit(forward(picture))), 60)
        return await frames(loop), found

    loop, found = run(scenario)
    assert loop[-1][0]["reason"] == "superseded" and "scores" in found[-1][1]  # of a process that has started anew


def test_nothing_is_kept_after_the_end(picture):
    folders = []

    async def scenario(computation):
        folders.append(Path(computation._folder.name))
        job = computation.submit(forward(picture))
        await frames(job)
        (folders[0] / "left").write_text("by a process that was ended")

    run(scenario)
    assert not folders[0].exists()


@pytest.mark.slow
def test_a_process_that_dies_is_told_and_replaced(picture, tmp_path, monkeypatch):
    (tmp_path / "student_dying.py").write_text(STUDENT.replace("{NAME}", "dying"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(process, "compute", importlib.import_module("student_dying").compute)

    async def scenario(computation):
        died = await frames(computation.submit(forward(picture, "naive")))
        return died, await frames(computation.submit(forward(picture)))

    died, found = run(scenario)
    assert died[-1][0]["reason"] == "ended" and "scores" in found[-1][1]
