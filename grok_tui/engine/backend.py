"""Which kernels compute a step. Chosen once at the start of a run, kept in run.json, and used again on resume."""

from dataclasses import asdict, dataclass

import torch

from ..errors import UsageError
from ..machine import is_intel
from ..science.torch_private import has_onednn


@dataclass(frozen=True)
class Backend:
    """Different kernels that give the same numbers, up to rounding.

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


def again(used: dict[str, str]) -> Backend:
    """The backend stored in run.json. Its key `seeds` is not part of it: it says how the seeds are stepped."""
    backend = Backend(**{name: kind for name, kind in used.items() if name != "seeds"})
    if backend.products == "onednn" and not has_onednn():
        raise UsageError("this run computed with oneDNN, which this torch lacks; resume it where torch has oneDNN")
    return backend
