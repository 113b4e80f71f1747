"""A run of a million rows: how soon it is on the screen, and in how much memory."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Iterator
from math import exp
from pathlib import Path

from ...store.rundir import RunDir
from ..records import Bench, Measured, Note, Record, at_most
from ..sides import environment
from ..terminal import Terminal
from .cli import command

ROWS = 1_000_000
CHART = "log y"
"""A text that stands on the screen with the chart."""


def run(bench: Bench) -> Iterator[Record]:
    """Attach to it several times."""
    bench.say(f"million: writing {ROWS:,} rows")
    run = written(bench.folder)
    size = run.metrics_csv.stat().st_size
    yield Note(f"attach to a run whose metrics.csv has {ROWS:,} rows, {size / 1e6:.0f} MB; 160 x 48")
    seconds, megabytes = [], []
    for i in range(2 if bench.quick else 5):
        bench.say(f"million: attach {i + 1}")
        with Terminal(bench.folder, "attach", run.id, until=CHART) as app:
            app.wait(lambda app=app: app.painted, "the chart")  # type: ignore[misc]
            seconds.append(app.painted or 0.0)
            megabytes.append(app.most_memory() / 1e6)
    yield Measured("start to chart", seconds, "s", at_most(2))
    yield Measured("most memory of the app", megabytes, "MB", at_most(200))


def written(folder: Path) -> RunDir:
    """A real run that goes on, on paper, with falling losses."""
    start = [*command("grok_tui"), "run", "--preset", "modadd-fast", "--steps", "10", "--quiet"]
    subprocess.run(start, cwd=folder, capture_output=True, check=True, env=environment())
    run = RunDir(next((folder / "runs").iterdir()))
    with run.metrics_csv.open(newline="") as file:
        *_, last = csv.DictReader(file)
    rest = [name for name in last if name not in ("step", "train/loss", "test/loss")]
    assert list(last)[:3] == ["step", "train/loss", "test/loss"]
    tail = ",".join(last[name] for name in rest)
    with run.metrics_csv.open("a") as file:
        for step in range(11, ROWS + 1):
            file.write(f"{step},{4 * exp(-step / 1e4):.9g},{4 * exp(-step / 1e5):.9g},{tail}\n")
    run.update_info(steps=ROWS, progress=run.info()["progress"] | {"step": ROWS})
    return run
