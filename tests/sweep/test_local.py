"""Runs in worker processes: all workers are used, and whatever kills one, the rows are those of a run left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grok_tui.engine.thread import TrainerThread
from grok_tui.errors import RunHeld
from grok_tui.store.rundir import RunDir, create
from grok_tui.store.timeline import history
from grok_tui.sweep.launcher import Launcher, Report
from grok_tui.sweep.local import Local
from grok_tui.sweep.plan import Cell, PlannedRun, plan
from small import small

PRESET = "modadd-fast"


def runs_of(folder: Path, steps: int, *seeds: int) -> list[PlannedRun]:
    return plan([Cell(f"{steps} steps", small(PRESET, f"train.steps={steps}"), PRESET)], seeds, folder)


def alone(folder: Path, planned: PlannedRun) -> RunDir:
    """The same run by a trainer's thread of this process."""
    run = create(folder, planned.config, preset=PRESET, device="cpu", threads=1)
    thread = TrainerThread(run)
    thread.start()
    thread.join()
    return run


def at_step(run: RunDir, step: int) -> bool:
    rows = run.metrics_csv.read_text().splitlines()[1:] if run.metrics_csv.exists() else []
    return bool(rows) and int(rows[-1].split(",")[0] or 0) >= step


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def listed(reports: Iterator[Report | None]) -> list[tuple[str, int]]:
    return [(report.what, report.run.seeds[0]) for report in reports if report]


def test_all_workers_train_and_the_runs_are_those_of_a_thread(tmp_path: Path) -> None:
    planned = runs_of(tmp_path, 150, 0, 1, 2, 3)
    launcher: Launcher = Local(2)
    reports = listed(launcher.train(planned))
    assert [seed for what, seed in reports if what == "started"] == [0, 1, 2, 3]
    assert sorted(seed for what, seed in reports if what == "ended") == [0, 1, 2, 3]
    infos = [each.run.info() for each in planned]
    assert {info["status"] for info in infos} == {"finished"}
    assert {info["used"]["threads"] for info in infos} == {1}
    pids = {info["pid"] for info in infos}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    run = alone(tmp_path / "alone", planned[3])
    assert run.metrics_csv.read_bytes() == planned[3].run.metrics_csv.read_bytes()
    assert [event["type"] for event in history(run)] == [event["type"] for event in history(planned[3].run)]


def test_a_killed_worker_is_replaced_and_no_run_is_lost(tmp_path: Path) -> None:
    first, other = runs_of(tmp_path, 3000, 0)[0], runs_of(tmp_path, 2000, 1)[0]
    last = runs_of(tmp_path, 20, 2)[0]
    reports, is_killed = [], False
    for report in Local(2).train([first, other, last]):
        reports += [report] if report else []
        if not is_killed and at_step(first.run, 60):
            is_killed = True
            os.kill(first.run.info()["pid"], signal.SIGKILL)
    of_first = [report for report in reports if report.run is first]
    assert [report.what for report in of_first] == ["started", "retried", "started", "ended"]
    assert "SIGKILL" in of_first[1].reason
    assert sorted((r.what, r.run.seeds[0]) for r in reports if r.run is not first) == [
        ("ended", 1), ("ended", 2), ("started", 1), ("started", 2),
    ]  # fmt: skip
    assert len([event for event in history(first.run) if event["type"] == "resumed"]) == 1
    assert not [event for event in history(other.run) if event["type"] == "resumed"]
    assert first.run.metrics_csv.read_bytes() == alone(tmp_path / "alone", first).metrics_csv.read_bytes()


def test_a_run_that_kills_every_worker_is_given_up_and_the_next_one_trains(tmp_path: Path) -> None:
    """SIGTERM counts too, though a worker saves before it ends."""
    deadly, other = runs_of(tmp_path, 10, 0, 1)
    signals = iter([signal.SIGKILL, signal.SIGTERM, signal.SIGKILL])
    reports = []
    for report in Local(1).train([deadly, other]):
        reports += [report] if report else []
        if report and report.what == "started" and report.run is deadly:
            (child,) = children()
            os.kill(child, next(signals))
    assert [report.what for report in reports if report.run is deadly] == [
        "started", "retried", "started", "retried", "started", "given up",
    ]  # fmt: skip
    assert reports[-1] == Report("ended", other)


def children() -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(os.getpid()), "-f", "sweep.worker"], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def test_stopping_saves_what_trains_and_the_next_launcher_goes_on(tmp_path: Path) -> None:
    launcher = Local(1)
    first, second = runs_of(tmp_path, 4000, 0, 1)
    for _ in launcher.train([first, second]):
        if at_step(first.run, 10):
            launcher.stop()
    assert first.outcome() == "interrupted"
    assert first.run.checkpoint_steps()[-1] == first.run.info()["progress"]["step"] < 4000
    assert not second.run.path.exists()
    assert listed(Local(1).train([first])) == [("started", 0), ("ended", 0)]
    assert first.has_ended
    assert first.run.metrics_csv.read_bytes() == alone(tmp_path / "alone", first).metrics_csv.read_bytes()


def test_workers_save_and_end_when_the_driver_is_killed(tmp_path: Path) -> None:
    (planned,) = runs_of(tmp_path, 100_000, 0)
    code = (
        "import sys; from pathlib import Path; from test_local import Local, runs_of\n"
        "for _ in Local(1).train(runs_of(Path(sys.argv[1]), 100_000, 0)): pass"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}) as process:
        until(lambda: at_step(planned.run, 10))
        process.kill()
    until(lambda: not planned.run.is_held())
    assert planned.outcome() == "interrupted"
    assert planned.run.checkpoint_steps()[-1] == planned.run.info()["progress"]["step"]
    until(lambda: not Path(f"/proc/{planned.run.info()['pid']}").exists())


def test_workers_ignore_the_terminal_and_files_of_the_users_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('a file of the user was imported')")
    monkeypatch.chdir(tmp_path)
    (planned,) = runs_of(Path("runs"), 20, 0)
    sessions = set()
    for report in Local(1).train([planned]):
        sessions |= {os.getsid(child) for child in children()} if report and report.what == "started" else set()
    assert planned.has_ended
    assert sessions - {os.getsid(0)} == sessions != set()


def test_a_run_that_another_engine_holds_is_refused(tmp_path: Path) -> None:
    held, other = runs_of(tmp_path, 10, 0, 1)
    held.prepare()
    lock = held.run.acquire()
    try:
        with pytest.raises(RunHeld, match="held by another engine"):
            list(Local(1).train([other, held]))
    finally:
        os.close(lock)
    assert not children()
