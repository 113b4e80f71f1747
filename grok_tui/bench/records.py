"""What the benchmark says."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Target:
    """What a figure has to reach: `>= limit` or `<= limit`."""

    sign: str
    limit: float

    def is_met(self, value: float) -> bool:
        """Whether it is reached; a value that is no number reaches nothing."""
        return value >= self.limit if self.sign == ">=" else value <= self.limit


def at_least(limit: float) -> Target:
    """More is better."""
    return Target(">=", limit)


def at_most(limit: float) -> Target:
    """Less is better."""
    return Target("<=", limit)


@dataclass(frozen=True)
class Measured:
    """One figure, taken once or once a round."""

    what: str
    values: Sequence[float]
    unit: str = ""
    target: Target | None = None

    @property
    def median(self) -> float:
        """Over the rounds."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The lowest round."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The highest round."""
        return max(self.values)

    @property
    def is_met(self) -> bool | None:
        """Whether the median reaches the target; none where there is none."""
        return None if self.target is None else self.target.is_met(self.median)


@dataclass(frozen=True)
class Note:
    """A formula, or what the figures around it were taken of."""

    text: str


Record = Measured | Note


@dataclass(frozen=True)
class Bench:
    """What a part is told. say: how it goes, to whoever waits; folder: for files, emptied afterwards."""

    quick: bool
    threads: int
    folder: Path
    say: Callable[[str], None]
