"""Runs on worker processes: all workers used, and whatever kills one, the metrics are those of a run left alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from grok_tui.config.schema import RunConfig
from grok_tui.engine.pool import Pool, Report, Task
from grok_tui.engine.thread import TrainerThread
from grok_tui.store.run_writer import read_events
from grok_tui.store.rundir import RunDir, create
from small import small


def config(seed: int, steps: int) -> RunConfig:
    return small("modadd-fast", f"train.seed={seed}", f"train.steps={steps}")


def made(runs: Path, seed: int, steps: int) -> RunDir:
    return create(runs, config(seed, steps), preset="modadd-fast", device="cpu", id=f"run_{seed}", threads=1)


def task(runs: Path, seed: int, steps: int) -> Task:
    run = RunDir(runs / f"run_{seed}")

    def prepare() -> bool:
        if run.path.exists() and run.checkpoint_steps():
            return True
        if run.path.exists():
            shutil.rmtree(run.path)
        made(runs, seed, steps)
        return False

    return Task(run, prepare)


def alone(runs: Path, seed: int, steps: int) -> RunDir:
    """The same run by a trainer's thread of this process."""
    run = made(runs, seed, steps)
    thread = TrainerThread(run)
    thread.start()
    thread.join()
    return run


def at_step(run: RunDir, step: int) -> bool:
    rows = run.metrics_csv.read_text().splitlines()[1:] if run.metrics_csv.exists() else []
    return bool(rows) and int(rows[-1].split(",")[0] or 0) >= step


def told(reports: Iterator[Report | None]) -> list[tuple[str, str]]:
    return [(report.what, report.task.run.id) for report in reports if report]


def test_all_workers_train_and_the_runs_are_those_of_a_thread(tmp_path: Path) -> None:
    tasks = [task(tmp_path, seed, 150) for seed in range(4)]
    reports = told(Pool(2).train(tasks))
    assert [id for what, id in reports if what == "started"] == [f"run_{seed}" for seed in range(4)]
    assert sorted(id for what, id in reports if what == "ended") == [f"run_{seed}" for seed in range(4)]
    infos = [task.run.info() for task in tasks]
    assert {info["status"] for info in infos} == {"finished"}
    assert {info["used"]["threads"] for info in infos} == {1}
    pids = {info["pid"] for info in infos}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    run = alone(tmp_path / "alone", 3, 150)
    assert run.metrics_csv.read_bytes() == tasks[3].run.metrics_csv.read_bytes()
    assert [event["type"] for event in read_events(run)] == [event["type"] for event in read_events(tasks[3].run)]


def test_a_killed_worker_is_replaced_and_the_run_goes_on(tmp_path: Path) -> None:
    first = task(tmp_path, 0, 3000)
    reports, is_killed = [], False
    for report in Pool(1).train([first, task(tmp_path, 1, 20)]):
        reports += [report] if report else []
        if not is_killed and at_step(first.run, 60):
            is_killed = True
            os.kill(first.run.info()["pid"], signal.SIGKILL)
    assert [(report.what, report.task.run.id) for report in reports] == [
        ("started", "run_0"), ("again", "run_0"), ("started", "run_0"), ("ended", "run_0"), ("started", "run_1"),
        ("ended", "run_1"),
    ]  # fmt: skip
    assert "SIGKILL" in reports[1].says
    assert len([event for event in read_events(first.run) if event["type"] == "resumed"]) == 1
    assert first.run.metrics_csv.read_bytes() == alone(tmp_path / "alone", 0, 3000).metrics_csv.read_bytes()


def test_a_run_that_costs_every_worker_its_life_is_given_up(tmp_path: Path) -> None:
    """By SIGTERM too, which a worker takes as the order to save and end."""
    deadly = task(tmp_path, 0, 10)
    signals = iter([signal.SIGKILL, signal.SIGTERM, signal.SIGKILL])
    reports = []
    for report in Pool(1).train([deadly, task(tmp_path, 1, 10)]):
        reports += [report] if report else []
        if report and report.what == "started" and report.task is deadly:
            (child,) = children()
            os.kill(child, next(signals))
    assert [report.what for report in reports if report.task is deadly] == [
        "started", "again", "started", "again", "started", "given up",
    ]  # fmt: skip
    assert reports[-1].what == "ended"


def children() -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(os.getpid()), "-f", "engine.pool"], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def test_stopping_saves_what_trains_and_begins_nothing(tmp_path: Path) -> None:
    pool = Pool(1)
    first, second = task(tmp_path, 0, 100_000), task(tmp_path, 1, 10)
    for _ in pool.train([first, second]):
        pool.stopping = pool.stopping or at_step(first.run, 10)
    assert first.run.info()["status"] == "interrupted"
    assert first.run.checkpoint_steps()[-1] == first.run.info()["progress"]["step"]
    assert not second.run.path.exists()


def test_workers_save_and_end_when_the_pool_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from test_pool import Pool, task\n"
        "for _ in Pool(1).train([task(Path(sys.argv[1]), 0, 100_000)]): pass"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    command = [sys.executable, "-c", code, str(tmp_path)]
    run = RunDir(tmp_path / "run_0")
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}) as process:
        until(lambda: at_step(run, 10))
        process.kill()
    until(lambda: not run.is_held())
    assert run.info()["status"] == "interrupted"
    assert run.checkpoint_steps()[-1] == run.info()["progress"]["step"]
    until(lambda: not Path(f"/proc/{run.info()['pid']}").exists())


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
