"""What a trainer yields, in the order in which it happens.

start:   Row of step 0, Event phase if one begins there, Kernel, Snapshot
loop:    Row                          when one is due, and Event phase if one begins with it
         Kernel, Snapshot             when one is due
         Snapshot, Event steered      before and after every change
         Event paused, continued, stepped, marked, paced, refused
         Progress                     about once per second
end:     Snapshot, Event finished | failed | interrupted
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from ..store.checkpoints import Checkpoint


@dataclass(frozen=True)
class Row:
    """The measures that were due at a step."""

    step: int
    values: dict[str, float]


@dataclass(frozen=True)
class Event:
    """Something that happened at a step."""

    type: str
    step: int
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kernel:
    """The kernel matrix at a step, shape (probe, probe), to be kept."""

    step: int
    matrix: Tensor


@dataclass(frozen=True)
class Snapshot:
    """All that the next step depends on, and why it was taken."""

    step: int
    checkpoint: Checkpoint
    why: str


@dataclass(frozen=True)
class Progress:
    """How far and how fast: recent steps per second, and the share of all time so far that went into measuring."""

    step: int
    steps_per_second: float
    measuring: float


Record = Row | Event | Kernel | Snapshot | Progress
SeedRecord = tuple[int | None, Record]
"""A record of one seed, by its number, or, with None, of the run as a whole. A run of one seed has only the latter."""
