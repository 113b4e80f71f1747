"""A run of a million rows: how soon it is on the screen, and in how much memory."""

from __future__ import annotations

import csv
from math import exp
from pathlib import Path
from time import perf_counter

import pytest

from grok_tui.store.rundir import RunDir
from measured import figure
from small import GrokTui
from terminal import Terminal

pytestmark = pytest.mark.slow
ROWS = 1_000_000


def extended(run: RunDir) -> None:
    """Continue a real run's metrics.csv with falling losses."""
    with run.metrics_csv.open(newline="") as file:
        *_, last = csv.DictReader(file)
    assert list(last)[:3] == ["step", "train/loss", "test/loss"]
    tail = ",".join(list(last.values())[3:])
    with run.metrics_csv.open("a") as file:
        for step in range(int(last["step"]) + 1, ROWS + 1):
            file.write(f"{step},{4 * exp(-step / 1e4):.9g},{4 * exp(-step / 1e5):.9g},{tail}\n")
    run.update_info(steps=ROWS, progress=run.info()["progress"] | {"step": ROWS})


def test_a_million_rows_are_on_the_screen_in_two_seconds(tmp_path: Path, grok_tui: GrokTui) -> None:
    done = grok_tui("run", "--preset", "modadd-fast", "--steps", "10", "--quiet")
    assert done.returncode == 0, done.stderr
    run = RunDir(next((tmp_path / "runs").iterdir()))
    extended(run)
    print(f"\n  metrics.csv: {ROWS:,} rows, {run.metrics_csv.stat().st_size / 1e6:.0f} MB", end="")
    seconds, megabytes = [], []
    for _ in range(4):
        with Terminal(tmp_path, "attach", run.id, columns=160, lines=48) as app:
            app.wait_for("1M")  # the last step of the axis
            seconds.append(perf_counter() - app.started_at)
            status = Path(f"/proc/{app.child.pid}/status").read_text()
            megabytes.append(next(int(row.split()[1]) for row in status.splitlines() if row.startswith("VmHWM")) / 1e3)
    figure("most memory of the app", megabytes, "MB", at_most=200)
    figure("start to chart", seconds, "s", at_most=2)
