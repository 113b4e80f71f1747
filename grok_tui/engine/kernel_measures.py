"""What is read off a learner's kernel along a run: against the first one, the last one, and the labels."""

from torch import Tensor

from ..config.measures import MEASURES
from ..science import kernel as ntk
from .learner import numbers

USUAL = ("kernel drift", "kernel distance", "kernel velocity", "kernel alignment", "column alignment")
"""Measures of the kernel that every run takes."""


class KernelMeasures:
    """Reads kernels of one run in the order in which they are measured."""

    def __init__(self, targets: Tensor, *, spectrum: bool) -> None:
        self.targets = targets
        self.spectrum = spectrum
        self.kernel_0: Tensor | None = None
        self.last: Tensor | None = None
        self.last_step = 0
        names = [*USUAL, *(["spectrum"] if spectrum else [])]
        self.columns = [column for name in names for column in MEASURES[name].columns]

    def read(self, kernel: Tensor, step: int) -> dict[str, float]:
        """What this kernel, measured at `step`, shows; the first one is the reference K_0."""
        first = kernel if self.kernel_0 is None else self.kernel_0
        last = kernel if self.last is None else self.last
        measures = {
            "kernel/drift": ntk.drift(kernel, first),
            "kernel/distance": ntk.distance(kernel, first),
            "kernel/velocity": ntk.velocity(kernel, last, max(step - self.last_step, 1)),
            "kernel/alignment": ntk.alignment(kernel, self.targets),
            "kernel/column_alignment": ntk.column_alignment(kernel, self.targets),
        }
        if self.spectrum:
            eigenvalues = ntk.eigenvalues(kernel)
            rank, *top = MEASURES["spectrum"].columns
            measures[rank] = ntk.effective_rank(eigenvalues)
            measures |= dict(zip(top, eigenvalues, strict=False))
        self.kernel_0, self.last, self.last_step = first, kernel, step
        return numbers(measures)

    def state(self) -> dict[str, Tensor]:
        """The kernels that later ones are compared with."""
        if self.kernel_0 is None or self.last is None:
            return {}
        step = self.targets.new_tensor(self.last_step, dtype=None).long()
        return {"kernel/first": self.kernel_0, "kernel/last": self.last, "kernel/last_step": step}

    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave, or forget all."""
        first, last = state.get("kernel/first"), state.get("kernel/last")
        self.kernel_0 = None if first is None else first.to(self.targets.device)
        self.last = None if last is None else last.to(self.targets.device)
        self.last_step = int(state["kernel/last_step"]) if "kernel/last_step" in state else 0
