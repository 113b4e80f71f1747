"""What the trainer advances and measures: anything that learns in steps and can be asked how it stands."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Generator, Tensor

from ..config.schema import RunConfig
from .backend import Backend, choose

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
    """What the trainer needs of anything that learns in steps."""

    columns: list[str]
    parameters: int
    backend: Backend
    """By which ways it computes."""

    def advance(self, steps: int) -> None:
        """Take steps."""

    def prepare(self) -> None:
        """Begin the next step as far as a row can share its work."""

    def evaluate(self) -> dict[str, float]:
        """The measures of one row, by column name."""

    def measure_kernel(self) -> tuple[Tensor, dict[str, float]]:
        """The kernel on the probe, and what is read off it."""

    def norm(self) -> float:
        """The norm that steering speaks of."""

    def turn(self, config: RunConfig, norm: float | None = None) -> dict[str, float]:
        """Take over the steerable fields of `config`, and rescale the weights to `norm` where it is given.

        Returns what is now in force.
        """

    def enter(self, phase: str) -> None:
        """A phase begins here: keep what later measures compare with."""

    def is_finite(self) -> bool:
        """Whether everything learnt is still a number."""

    def state(self) -> dict[str, Tensor]:
        """Everything the next step depends on."""

    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave; the knobs must be turned again afterwards."""


def build_learner(config: RunConfig, device: torch.device, backend: Backend | None = None) -> Learner:
    """The learner that the optimizer's name stands for; backend: which kernels compute a step; None: the fastest."""
    backend = backend or choose(device)
    if config.optim.name == "rfm":
        from .feature_learner import FeatureLearner

        return FeatureLearner(config, device)
    from .gradient_learner import GradientLearner

    return GradientLearner(config, device, backend)
