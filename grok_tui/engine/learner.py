"""What the trainer needs of anything that learns in steps."""

from typing import Protocol

import torch
from torch import Generator, Tensor

from ..config.schema import RunConfig
from .backend import Backend
from .schedule import Costs

STREAMS = ("data", "init", "batch")


def generator(seed: int, stream: str) -> Generator:
    """An independent random stream on the CPU, so that every device sees the same data and initial weights."""
    return Generator().manual_seed(len(STREAMS) * seed + STREAMS.index(stream))


def numbers(measures: dict[str, Tensor]) -> dict[str, float]:
    """Scalars as Python numbers, fetched from the device all at once."""
    device = next(iter(measures.values())).device
    widest = torch.float32 if device.type == "mps" else torch.float64
    return dict(zip(measures, torch.stack([m.to(device, widest) for m in measures.values()]).tolist(), strict=True))


class Learner(Protocol):
    """Learns in steps and can be measured between them."""

    columns: list[str]
    """Columns of metrics.csv, `step` first."""
    parameters: int
    backend: Backend

    def advance(self, steps: int) -> None:
        """Take steps."""

    def prepare(self) -> None:
        """Begin the next step as far as a row can share its work."""

    def evaluate(self) -> dict[str, float]:
        """The measures of one row, by column name."""

    def measure_kernel(self) -> tuple[Tensor, dict[str, float]]:
        """The kernel on the probe, shape (probe, probe), and the measures of it."""

    def costs(self) -> Costs:
        """Counted costs, without `measure.also`. The learner is left as it was."""

    def norm(self) -> float:
        """The norm that the knobs `norm` and `hold_norm` speak of."""

    def set_knobs(self, config: RunConfig, norm: float | None = None) -> dict[str, float]:
        """Take over the steerable fields of `config`, and rescale the weights to `norm` if given.

        Returns the knobs as optimizer and model hold them.
        """

    def on_phase(self, phase: str) -> None:
        """A phase begins here: keep what later measures compare with."""

    def is_finite(self) -> bool:
        """Whether all weights are finite."""

    def state(self) -> dict[str, Tensor]:
        """A copy of all that the next step depends on, as named tensors."""

    def load(self, state: dict[str, Tensor]) -> None:
        """Restore what `state` gave. Knobs are set before: an optimizer's state belongs to them."""
