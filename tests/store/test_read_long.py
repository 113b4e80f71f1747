"""Runs longer than a reader holds: what is read of them, and what reading costs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from grok_tui.store import reader as reader_module
from grok_tui.store.reader import RunReader, sampled
from grok_tui.store.rundir import RunDir, create
from small import small

COLUMNS = "step,train/loss,test/loss,kernel/drift"


@pytest.fixture
def long_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    """40,000 rows, of which a reader is allowed far fewer."""
    monkeypatch.setattr(reader_module, "MOST_ROWS", 4000)
    monkeypatch.setattr(reader_module, "EDGE_ROWS", 1000)
    monkeypatch.setattr(reader_module, "SAMPLED_BYTES", 200_000)
    run = create(tmp_path, small("modadd-fast"), preset="modadd-fast")
    append(run, 0, 40_000)
    return run


def append(run: RunDir, first: int, last: int) -> None:
    new = not run.metrics_csv.exists()
    with run.metrics_csv.open("a") as file:
        file.writelines([COLUMNS + "\n"] * new)
        for i in range(first, last):
            drift = "" if i % 9 else repr(float(i))
            file.write(f"{10 * i},{1 / (i + 1)!r},{i % 7}.5,{drift}\n")


def test_a_long_file_is_opened_by_its_ends_and_samples_between(long_run: RunDir) -> None:
    reader = RunReader(long_run)
    steps = reader.steps
    assert len(reader) < 8000
    assert steps[:900].tolist() == [10.0 * i for i in range(900)]
    assert steps[-900:].tolist() == [10.0 * i for i in range(39_100, 40_000)]
    assert (np.diff(steps) > 0).all()
    assert np.diff(steps).max() < 400, "no part of the run is left out"
    steps, values = reader.series("train/loss")
    assert values == pytest.approx(1 / (steps / 10 + 1))
    assert reader.last("test/loss") == 39_999 % 7 + 0.5
    assert reader.at("train/loss", 20_000 * 10) == pytest.approx(1 / 20_000, rel=0.02)


def test_a_refresh_reads_what_was_appended_and_nothing_else(long_run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = RunReader(long_run)
    taken: list[int] = []
    take = reader._append
    monkeypatch.setattr(reader, "_append", lambda chunk: (taken.append(len(chunk)), take(chunk))[1])
    monkeypatch.setattr(reader_module, "sampled", lambda *_: pytest.fail("opened again"))
    before = long_run.metrics_csv.stat().st_size
    append(long_run, 40_000, 40_010)
    assert reader.refresh()
    assert taken == [long_run.metrics_csv.stat().st_size - before]
    assert reader.steps[-10:].tolist() == [10.0 * i for i in range(40_000, 40_010)]


def test_a_run_that_grows_long_is_thinned_in_its_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "MOST_ROWS", 400)
    monkeypatch.setattr(reader_module, "EDGE_ROWS", 100)
    run = create(tmp_path, small("modadd-fast"), preset="modadd-fast")
    append(run, 0, 10)
    reader = RunReader(run)
    for first in range(10, 5000, 10):
        append(run, first, first + 10)
        reader.refresh()
    assert len(reader) <= 400
    assert reader.steps[:100].tolist() == [10.0 * i for i in range(100)]
    assert reader.steps[-100:].tolist() == [10.0 * i for i in range(4900, 5000)]
    assert (np.diff(reader.steps) > 0).all()


def test_samples_are_whole_lines_however_the_file_ends(long_run: RunDir) -> None:
    with long_run.metrics_csv.open("a") as file:
        file.write("400000,0.5")  # torn: its end is still to be written
    size = long_run.metrics_csv.stat().st_size
    descriptor = os.open(long_run.metrics_csv, os.O_RDONLY)
    chunk, offset = sampled(descriptor, size)
    os.close(descriptor)
    assert offset == size - len("400000,0.5")
    assert chunk.endswith(b"\n")
    assert all(line.count(b",") == 3 for line in chunk.splitlines())
    reader = RunReader(long_run)
    with long_run.metrics_csv.open("a") as file:
        file.write(",1.5,\n")
    assert reader.refresh()
    assert (reader.last("train/loss"), reader.last("test/loss")) == (0.5, 1.5)
