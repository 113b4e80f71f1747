"""What every launcher of a sweep offers, whether it trains on this machine or on a cluster."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from .plan import PlannedRun


@dataclass(frozen=True)
class Report:
    """What happened to a run."""

    what: Literal["started", "ended", "retried", "given up"]
    """ended: the engine has left the run, whatever its outcome; retried: its worker died, and it will start again"""
    run: PlannedRun
    reason: str = ""
    """why the run is retried or given up"""


class Launcher(Protocol):
    """Trains planned runs, several at a time. The run directories are the only result."""

    def train(self, runs: Iterable[PlannedRun]) -> Generator[Report | None]:
        """Train `runs` in their order, each prepared just before it starts. Yields None now and then while it waits.

        Closing the generator saves what trains and returns when no engine is left.
        """
        ...

    def stop(self) -> None:
        """Save every run that trains and start no other; `train` then ends. May be called from a signal handler."""
        ...
