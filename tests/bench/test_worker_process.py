"""A candidate in a process of its own."""

from __future__ import annotations

import os
import sys

import pytest

from grok_tui.bench.records import steps_per_second, warmed
from grok_tui.bench.worker_process import WorkerProcess, speed
from grok_tui.errors import GrokError, UsageError


class Counter:
    """Counts steps; the process is marked before the candidate is loaded."""

    def __init__(self, start: int) -> None:
        self.steps, self.is_prepared = start, os.environ.get("PREPARED") == "yes"
        self.had_torch = "torch" in sys.modules

    def advance(self, steps: int) -> int:
        self.steps += steps
        return self.steps

    def about(self) -> tuple[int, bool, bool]:
        return os.getpid(), self.is_prepared, self.had_torch

    def refuse(self) -> None:
        raise UsageError("not here")

    def die(self) -> None:
        os._exit(3)


def prepare() -> None:
    os.environ["PREPARED"] = "yes"


def test_a_worker_is_prepared_first_and_keeps_its_candidate() -> None:
    with WorkerProcess(Counter, 10, prepare=prepare) as worker, WorkerProcess(Counter, 0) as other:
        pid, is_prepared, had_torch = worker.call(Counter.about)
        assert is_prepared
        assert pid != os.getpid()
        assert not had_torch
        assert other.call(Counter.about)[1] is False
        assert [worker.call(Counter.advance, 5) for _ in range(2)] == [15, 20]
        seconds, steps = worker.timed(Counter.advance, 1)
        assert steps == 21
        assert 0 <= seconds < 1
        assert speed(worker, 3) > 0


def test_a_measure_takes_some_steps_before_those_that_it_times() -> None:
    with WorkerProcess(Counter, 0) as worker:
        assert warmed(worker, 50)() > 0
        assert worker.call(Counter.advance, 0) == 50 + 6
        assert steps_per_second(worker, 0.001)() > 0


def test_errors_of_the_candidate_come_back_and_a_lost_process_is_named() -> None:
    with WorkerProcess(Counter, 0) as worker:
        with pytest.raises(UsageError, match="not here"):
            worker.call(Counter.refuse)
        assert worker.call(Counter.advance, 1) == 1
        with pytest.raises(GrokError, match="test_worker_process ended before it answered"):
            worker.call(Counter.die)
