"""By which ways a run computes: chosen once at its start, kept in run.json, and taken again when it is resumed."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch

from ..errors import UsageError
from ..science.products import has_onednn


@dataclass(frozen=True)
class StepPath:
    """The ways to the same numbers, up to rounding.

    products: the library of large float32 matrix products, onednn or torch.
    gradient: by hand where the network has one written out, or autograd.
    steps: eager, or graph: captured once and replayed (CUDA).
    """

    products: str = "torch"
    gradient: str = "autograd"
    steps: str = "eager"

    def as_dict(self) -> dict[str, str]:
        """As run.json keeps it."""
        return asdict(self)


def choose(device: torch.device, name: str = "fast") -> StepPath:
    """fast: what is fastest on this device. plain: torch's own products, autograd, one step after the other."""
    if name == "plain":
        return StepPath()
    if device.type == "cpu":
        return StepPath(products="onednn" if has_onednn() else "torch", gradient="by hand")
    return StepPath(steps="graph" if device.type == "cuda" else "eager")


def again(taken: dict[str, str]) -> StepPath:
    """The path that a run took before, from run.json; how many seeds are taken together follows from the work."""
    path = StepPath(**{name: way for name, way in taken.items() if name != "seeds"})
    if path.products == "onednn" and not has_onednn():
        raise UsageError(
            "this run's products were taken by oneDNN, which this torch lacks; resume it where it is there"
        )
    return path
