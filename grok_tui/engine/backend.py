"""By which ways a run computes: chosen once at its start, kept in run.json, and taken again when it is resumed."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from ..errors import UsageError
from ..science.matmul import has_onednn


@dataclass(frozen=True)
class Backend:
    """The ways to the same numbers, up to rounding.

    products: how matrix products are taken, see `PRODUCTS`: torch, mkl or onednn.
    gradient: by hand where the network has one written out, or autograd.
    steps: eager, or graph: captured once and replayed (CUDA).
    """

    products: str = "torch"
    gradient: str = "autograd"
    steps: str = "eager"

    def as_dict(self) -> dict[str, str]:
        """As run.json keeps it."""
        return asdict(self)


def choose(device: torch.device, name: str = "fast") -> Backend:
    """fast: what is fastest on this device. plain: torch's own products, autograd, one step after the other."""
    if name == "plain":
        return Backend()
    if device.type == "cpu":
        return Backend(products=fastest_products(), gradient="by hand")
    return Backend(steps="graph" if device.type == "cuda" else "eager")


def fastest_products() -> str:
    """By the processor's maker, not by the clock: one machine always takes the same, and so gets the same bits."""
    if torch.backends.mkl.is_available() and is_intel():
        return "mkl"
    return "onednn" if has_onednn() else "torch"


def is_intel() -> bool:
    """Whether the processor is Intel's, as MKL asks: by its vendor's name."""
    try:
        return "GenuineIntel" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return "GenuineIntel" in platform.processor()


def again(taken: dict[str, str]) -> Backend:
    """The path that a run took before, from run.json; how many seeds are taken together follows from the work."""
    path = Backend(**{name: way for name, way in taken.items() if name != "seeds"})
    if path.products == "onednn" and not has_onednn():
        raise UsageError(
            "this run's products were taken by oneDNN, which this torch lacks; resume it where it is there"
        )
    return path
