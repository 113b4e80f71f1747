"""When measures, kernels and checkpoints are due: log-spaced in step, and never more than their share of the work."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import floor, log10
from typing import Any


def next_on_grid(step: int, per_decade: int, max_gap: int) -> int:
    """The first step after `step` on the grid round(10^(k / per_decade)), at most `max_gap` away."""
    if step == 0:
        return 1
    k = floor(per_decade * log10(step) + 1e-9)
    while round(10 ** (k / per_decade)) <= step:
        k += 1
    return min(round(10 ** (k / per_decade)), step + max_gap)


FREE_SECONDS = 0.02
"""What measuring may cost before its share is asked, so that the first steps of a cheap network are seen."""


@dataclass
class Stream:
    """One kind of measure along a run.

    It is due on its grid, as long as measuring has cost less than `share` of all cost so far; what that
    forbids is skipped and counted. Costs are nominal seconds (see `cost`), so the schedule repeats exactly.
    """

    per_decade: int
    max_gap: int
    share: float
    cost: float
    next_step: int = 0
    taken: int = 0
    skipped: int = 0

    @property
    def spent(self) -> float:
        """What this stream's measurements have cost beyond what is free; the first one always is."""
        return max(0.0, self.taken * self.cost - max(FREE_SECONDS, self.cost))

    def is_due(self, step: int, work: float, elsewhere: float = 0.0) -> bool:
        """Whether to measure at `step`; moves on to the next step of the grid if that is reached.

        work: cost of the training up to here; elsewhere: cost of other measuring that counts against the share.
        """
        if not self.per_decade or step < self.next_step:
            return False
        self.next_step = next_on_grid(step, self.per_decade, self.max_gap)
        self.taken += 1
        spent = self.spent + elsewhere
        if spent > self.share * (work + spent):
            self.taken -= 1
            self.skipped += 1
            return False
        return True

    def state(self) -> dict[str, Any]:
        """Where the stream stands, for a checkpoint."""
        return asdict(self)
