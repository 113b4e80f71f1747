"""When measures, kernels and checkpoints are due: log-spaced in step, and never more than their share of the work."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import floor, log10
from typing import TYPE_CHECKING, Any

from .op_cost import cost

if TYPE_CHECKING:
    from ..config.schema import Measure
    from .learner import Learner


def next_on_grid(step: int, per_decade: int, max_gap: int) -> int:
    """The first step after `step` on the grid round(10^(k / per_decade)), at most `max_gap` away."""
    if step == 0:
        return 1
    k = floor(per_decade * log10(step) + 1e-9)
    while round(10 ** (k / per_decade)) <= step:
        k += 1
    return min(round(10 ** (k / per_decade)), step + max_gap)


FREE_A_DECADE = 0.0045
"""Nominal seconds that rows may cost for each decade of steps before their share is asked.

So every decade of a short run is seen, and not its first steps alone. Of kernels only the first is free.
"""


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
    free: float = 0.0
    """nominal seconds a decade of steps"""
    next_step: int = 0
    taken: int = 0
    skipped: int = 0

    def spent(self, step: int) -> float:
        """What this stream's measurements have cost by `step` beyond what is free; the first one always is."""
        return max(0.0, self.taken * self.cost - max(self.free * log10(1 + step), self.cost))

    def is_due(self, step: int, work: float, elsewhere: float = 0.0) -> bool:
        """Whether to measure at `step`; moves on to the next step of the grid if that is reached.

        work: cost of the training up to here; elsewhere: cost of other measuring that counts against the share.
        """
        if not self.per_decade or step < self.next_step:
            return False
        self.next_step = next_on_grid(step, self.per_decade, self.max_gap)
        self.taken += 1
        spent = self.spent(step) + elsewhere
        if spent > self.share * (work + spent):
            self.taken -= 1
            self.skipped += 1
            return False
        return True

    def state(self) -> dict[str, Any]:
        """Where the stream stands, for a checkpoint."""
        return asdict(self)


ONCE = 2e-4
"""Nominal seconds that a measurement costs beyond what is counted: it finds the caches cold."""
ROWS_SHARE = 0.6
"""Part of the measuring budget that rows may use; kernels take what is left."""


@dataclass
class Schedule:
    """When a run's rows and kernels are due; what a step costs, and the steps so far have cost."""

    rows: Stream
    kernels: Stream
    step_cost: float
    work: float = 0.0

    @classmethod
    def of(cls, learner: Learner, measure: Measure) -> Schedule:
        """Count what a step, a row and a kernel cost the learner, which is left as it was."""
        before = learner.state()
        learner.advance(1)  # the optimizer makes its memory
        step = cost(lambda: learner.advance(1))
        learner.prepare()
        row = ONCE + cost(learner.evaluate)
        kernel = ONCE + cost(learner.measure_kernel) if measure.kernel_per_decade else 0.0
        learner.load(before)
        rows = Stream(measure.per_decade, measure.max_gap, ROWS_SHARE * measure.budget, row, FREE_A_DECADE)
        return cls(rows, Stream(measure.kernel_per_decade, measure.kernel_max_gap, measure.budget, kernel), step)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Schedule:
        """What `state` gave."""
        return cls(Stream(**state["rows"]), Stream(**state["kernels"]), state["step_cost"], state["work"])

    def due(self, step: int, *, last: bool) -> tuple[bool, bool]:
        """Whether a row, and whether a kernel is due at `step`; a kernel brings a row; both come last."""
        row = self.rows.is_due(step, self.work) or last
        brought = 0.0 if row else self.rows.cost
        kernel = self.kernels.is_due(step, self.work, self.rows.spent(step) + brought)
        if kernel and not row:
            self.rows.taken += 1
        kernel |= last and self.kernels.per_decade > 0
        return row or kernel, kernel

    def next_steps(self) -> list[int]:
        """The next steps of the grids."""
        return [stream.next_step for stream in (self.rows, self.kernels) if stream.per_decade]

    @property
    def skipped(self) -> dict[str, int]:
        """How many the budget has forbidden."""
        return {"rows": self.rows.skipped, "kernels": self.kernels.skipped}

    def state(self) -> dict[str, Any]:
        """Where the schedule stands, for a checkpoint."""
        return asdict(self)
