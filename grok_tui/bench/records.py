"""What a benchmark reports, and how two sides are measured in turn. Imports no torch."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from .worker_process import Candidate, WorkerProcess, speed

PARTS = ("transformer", "mlp", "committee", "seeds", "end-to-end", "ntk")


@dataclass(frozen=True)
class Measured:
    """One figure: its values, one per round, and a target for their median, if it has one."""

    what: str
    values: Sequence[float]
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def target(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return "" if self.at_most is None else f"<= {self.at_most:g}"

    @property
    def is_met(self) -> bool | None:
        """Whether the median reaches the target, which NaN never does; None if there is no target."""
        if self.at_least is not None:
            return self.median >= self.at_least
        return None if self.at_most is None else self.median <= self.at_most


@dataclass(frozen=True)
class Note:
    """A formula, or the conditions under which the figures next to it were measured."""

    text: str


Record = Measured | Note


@dataclass(frozen=True)
class Bench:
    """What every benchmark needs. say: prints progress for whoever waits; folder: for files, emptied afterwards."""

    quick: bool
    threads: int
    folder: Path
    say: Callable[[str], None]


Measure = Callable[[], float]

PAUSE = 0.3
"""Seconds before each side's turn: idle threads of the other side spin for a while before they sleep."""


def alternate(measures: Mapping[str, Measure], rounds: int) -> dict[str, list[float]]:
    """The values of each measure, one per round. The order is reversed from round to round."""
    values: dict[str, list[float]] = {name: [] for name in measures}
    for i in range(rounds):
        for name in list(measures)[:: -1 if i % 2 else 1]:
            sleep(PAUSE)
            values[name].append(measures[name]())
    return values


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """above / below, round by round: what slows down a whole round cancels."""
    return [a / b for a, b in zip(above, below, strict=True)]


def steps_per_second(worker: WorkerProcess[Candidate], seconds: float) -> Measure:
    """A measure that lasts about so many seconds. The number of steps is found out here, once."""
    rate = speed(worker, 1)
    for share in (0.02, 0.1, 0.3):
        steps = round(share * seconds * rate)
        rate = speed(worker, steps) if steps > 1 else rate
    return warmed(worker, max(1, round(seconds * rate)))


def warmed(worker: WorkerProcess[Candidate], steps: int) -> Measure:
    """Steps per second over so many steps, after a few that are not timed: the other side's turn emptied the caches."""

    def measure() -> float:
        worker.call(Candidate.advance, 1 + steps // 10)
        return speed(worker, steps)

    return measure
