"""When rows and kernels are measured, and checkpoints saved.

Rows that truth needs are always taken: one per step in a short run, otherwise one whenever the step has grown by 2 %.
If such rows would cost more than training can bear, only 44 per decade are taken, and the trainer goes back to the last
row and measures in between when a phase begins (see `Trainer.go_back`). Further rows and kernels are limited by a
budget. All costs are counted, not timed, and exclude `measure.also`: the same config is always measured at the same
steps, whatever else is measured.
"""

from dataclasses import asdict, dataclass, field
from math import floor, log10
from typing import Any, Literal, NamedTuple

from ..config.schema import Measure

RESOLUTION = 0.02
"""The interval in which t_mem and t_grok lie is at most this share of the step."""
SHORT_RUN = 1000
"""Runs of up to so many steps know t_mem and t_grok to the step."""
COARSE_PER_DECADE = 44
"""Rows per decade of steps that are always taken; rounding leaves at least 40 in every decade above 10."""
FREE_SECONDS = 2.0
"""Nominal seconds that the required rows may cost in any run."""
DEAR = 0.05
"""Share of the training that the required rows may cost before only the coarse grid is required."""
FREE_KERNEL_SECONDS = 0.3
"""Nominal seconds of kernels over the whole run that are not charged to the budget, spread evenly over the decades."""
ROWS_SHARE = 0.6
"""Part of the budget that rows beyond the required ones may use; kernels take what is left."""

FIRST_CHECKPOINT, CHECKPOINTS_PER_DECADE = 10, 8
"""Checkpoints are log-spaced; the first after that of step 0 is saved at step 10."""
CHECKPOINT_SECONDS = 240.0
"""Most seconds between two checkpoints. One is saved at the end of a chunk or a row, so that five minutes are kept."""
KERNELS_KEPT_PER_DECADE = 4
"""Kernel matrices that are kept on disk, per decade of steps."""

Spacing = Literal["every step", "fine", "coarse"]


class Costs(NamedTuple):
    """Nominal seconds (see `op_cost`) of a step, a row and a kernel, without the measures in `measure.also`."""

    step: float
    row: float
    kernel: float


def next_on_grid(step: int, per_decade: int, max_gap: int) -> int:
    """The first step after `step` on the grid round(10^(k / per_decade)), at most `max_gap` away."""
    if step == 0:
        return 1
    k = floor(per_decade * log10(step) + 1e-9)
    while round(10 ** (k / per_decade)) <= step:
        k += 1
    return min(round(10 ** (k / per_decade)), step + max_gap)


def next_checkpoint(step: int, steps: int) -> int:
    """The step of the log-spaced checkpoint after `step`, in a run of so many steps."""
    return max(next_on_grid(step, CHECKPOINTS_PER_DECADE, steps), FIRST_CHECKPOINT)


def fine(step: int) -> int:
    """The next step of the fine grid: at most 2 % later, at least 1."""
    return step + max(1, int(RESOLUTION * step))


def choose_spacing(steps: int, costs: Costs) -> Spacing:
    """How densely the required rows lie in a run of so many steps."""
    training = steps * costs.step
    if steps <= SHORT_RUN:
        return "every step" if steps * costs.row <= max(training, FREE_SECONDS) else "coarse"
    count, step = 0, 0
    while step < steps:
        count, step = count + 1, fine(step)
    return "fine" if count * costs.row <= max(DEAR * training, FREE_SECONDS) else "coarse"


@dataclass
class Schedule:
    """What is due at each step of a run. `state` and `from_state` keep it in a checkpoint."""

    steps: int
    measure: dict[str, Any]
    costs: Costs
    spacing: Spacing
    work: float = 0.0
    """Nominal seconds of training so far."""
    last_row: int = -1
    next_extra: int = 0
    next_kernel: int = 0
    fine_until: int = 0
    """Up to this step the fine grid is required, because a phase begins there."""
    extra_rows: int = 0
    kernels: int = 0
    skipped: dict[str, int] = field(default_factory=lambda: {"rows": 0, "kernels": 0})
    """Rows and kernels that the budget has forbidden."""

    @classmethod
    def of(cls, costs: Costs, measure: Measure, steps: int) -> "Schedule":
        """The schedule of a new run."""
        names = ("per_decade", "max_gap", "kernel_per_decade", "kernel_max_gap", "budget")
        return cls(steps, {name: getattr(measure, name) for name in names}, costs, choose_spacing(steps, costs))

    @property
    def is_coarse(self) -> bool:
        """Whether the required rows are too far apart to date a phase."""
        return self.spacing == "coarse"

    def resolution(self, step: int) -> int:
        """Width in steps that the interval of a phase found at `step` may have."""
        return 1 if self.steps <= SHORT_RUN else max(1, int(RESOLUTION * step))

    def next_required(self) -> int:
        """The next step at which a row is required."""
        if self.last_row < 0:
            return 0
        if self.spacing == "every step" or (self.last_row < self.fine_until and self.steps <= SHORT_RUN):
            return self.last_row + 1
        if self.spacing == "fine" or self.last_row < self.fine_until:
            return fine(self.last_row)
        return next_on_grid(self.last_row, COARSE_PER_DECADE, self.steps)

    def take(self, step: int, *, last: bool) -> tuple[bool, bool]:
        """Return whether a row and whether a kernel is to be measured at `step`, and move on to what is due next.

        A kernel brings a row. The last step of a run has both.
        """
        row = last or step >= self.next_required()
        if step >= self.next_extra:
            self.next_extra = next_on_grid(step, self.measure["per_decade"], self.measure["max_gap"])
            row = row or self._affords_row()
        kernel = last and self.measure["kernel_per_decade"] > 0
        if self.measure["kernel_per_decade"] and step >= self.next_kernel:
            self.next_kernel = next_on_grid(step, self.measure["kernel_per_decade"], self.measure["kernel_max_gap"])
            kernel = kernel or self._affords_kernel(step)
        return row or kernel, kernel

    def _affords_row(self) -> bool:
        spent = (self.extra_rows + 1) * self.costs.row
        if spent > ROWS_SHARE * self.measure["budget"] * (self.work + spent):
            self.skipped["rows"] += 1
            return False
        self.extra_rows += 1
        return True

    def _affords_kernel(self, step: int) -> bool:
        free = max(FREE_KERNEL_SECONDS * log10(1 + step) / log10(1 + self.steps), self.costs.kernel)
        spent = max(0.0, (self.kernels + 1) * self.costs.kernel - free) + self.extra_rows * self.costs.row
        if spent > self.measure["budget"] * (self.work + spent) and (self.kernels + 1) * self.costs.kernel > free:
            self.skipped["kernels"] += 1
            return False
        self.kernels += 1
        return True

    def next_steps(self) -> list[int]:
        """The next steps at which something may be due."""
        kernel = [self.next_kernel] if self.measure["kernel_per_decade"] else []
        return [self.next_required(), self.next_extra, *kernel]

    def state(self) -> dict[str, Any]:
        """All of it, for a checkpoint."""
        return asdict(self) | {"costs": list(self.costs)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Schedule":
        """What `state` gave."""
        return cls(**(state | {"costs": Costs(*state["costs"]), "skipped": dict(state["skipped"])}))
