"""A recursive feature machine: every step solves a kernel regression and learns features from its solution."""

from typing import NamedTuple

import torch
from torch import Tensor

from ..config.check import has_accuracy
from ..config.fields import values
from ..config.schema import RunConfig
from ..science.feature_machine import KERNELS, as_vectors, solve, square_root
from ..science.losses import LOSSES, accuracy, targets
from ..science.tasks import TASKS
from .backend import Backend
from .kernel_measures import KernelMeasures
from .learner import generator, numbers
from .op_cost import ONCE, cost
from .schedule import Costs


class Solution(NamedTuple):
    """The kernel machine of one M on the train examples."""

    kernel: Tensor
    """(n, n)"""
    dual: Tensor
    """(n, c)"""
    outputs: Tensor
    """(n, c)"""


class FeatureLearner:
    """A kernel machine and its feature matrix M; step t is taken after t updates of M, and M_0 = I is step 0.

    `train.dtype` is the precision in which M and the data are held. All else is float64, on the CPU where the device is
    MPS, which has none, so that the train loss is 0 to rounding whatever the kernel.
    """

    def __init__(self, config: RunConfig, device: torch.device) -> None:
        self.backend = Backend()
        self.device = torch.device("cpu") if device.type == "mps" else device
        self.dtype = getattr(torch, config.train.dtype)
        self.kernel = KERNELS[config.model.kernel](config.model.bandwidth)
        data = TASKS[config.task.name](generator(config.train.seed, "data"), **values(config, "task"))
        data = data.to(self.device, self.dtype).to(self.device, torch.float64)
        self.train_x, self.test_x = (as_vectors(x, data.vocabulary) for x in (data.train_x, data.test_x))
        self.m = torch.eye(self.train_x.shape[1], dtype=self.dtype, device=self.device)
        self.data = data.labelled(lambda x: self.kernel_of(as_vectors(x, data.vocabulary)))
        self.train_y = targets(self.data.train_y, data.n_outputs, torch.float64)
        self.loss = LOSSES[config.loss.name](**values(config, "loss"))
        self.ridge = config.optim.ridge
        self.has_kernels = config.measure.kernel_per_decade > 0
        self.steps = 0
        self.probe = self.test_x[: config.measure.probe]
        probe_y = targets(self.data.test_y[: config.measure.probe], data.n_outputs, torch.float64)
        self.meter = KernelMeasures(probe_y, spectrum="spectrum" in config.measure.also)
        self.tolerance = config.task.tolerance
        self.has_accuracy = has_accuracy(config)
        acc = ["train/acc", "test/acc"] if self.has_accuracy else []
        self.columns = ["step", "train/loss", "test/loss", *acc, "norm/weight", *self.meter.columns]
        self.parameters = self.m.numel() + self.train_y.numel()
        self._solution: Solution | None = None  # where the kernel machine of the current M is solved already

    def kernel_of(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        """k_M of every x with every z, or with every x; float64."""
        return self.kernel(x, x if z is None else z, self.m.double())

    def advance(self, steps: int) -> None:
        """Take `steps` iterations: solve for the current M, and learn the next M from the solution."""
        for _ in range(steps):
            solution = self.solution()
            agop = self.kernel.agop(self.train_x, self.m.double(), solution.kernel, solution.dual)
            self.m, self._solution = square_root(agop).to(self.dtype), None
        self.steps += steps

    def prepare(self) -> None:
        """Solve for the current M: a row shares that with the next step."""
        self.solution()

    def solution(self) -> Solution:
        """The kernel machine of the current M, solved once."""
        if self._solution is None:
            kernel = self.kernel_of(self.train_x)
            dual = solve(kernel, self.train_y, self.ridge)
            self._solution = Solution(kernel, dual, kernel @ dual)
        return self._solution

    def evaluate(self) -> dict[str, float]:
        """Losses, accuracies and ‖M‖_F; after `prepare` a row costs the test kernel and little more."""
        data, solution = self.data, self.solution()
        test = self.kernel_of(self.test_x, self.train_x) @ solution.dual
        measures = {
            "train/loss": self.loss(solution.outputs, data.train_y),
            "test/loss": self.loss(test, data.test_y),
        }
        if self.has_accuracy:
            measures["train/acc"] = accuracy(solution.outputs, data.train_y, self.tolerance)
            measures["test/acc"] = accuracy(test, data.test_y, self.tolerance)
        measures["norm/weight"] = torch.linalg.matrix_norm(self.m)
        return numbers(measures)

    def measure_kernel(self) -> tuple[Tensor, dict[str, float]]:
        """k_M on the probe; the first one measured is the reference K_0."""
        kernel = self.kernel_of(self.probe)
        return kernel, self.meter.read(kernel, self.steps)

    def norm(self) -> float:
        """‖M‖_F."""
        return torch.linalg.matrix_norm(self.m).item()

    def set_knobs(self, config: RunConfig, norm: float | None = None) -> dict[str, float]:
        """Take over the ridge. There is no norm to set: M has no scale of its own."""
        if config.optim.ridge != self.ridge:
            self.ridge, self._solution = config.optim.ridge, None
        return {"ridge": self.ridge}

    def on_phase(self, phase: str) -> None:
        """Nothing here is measured from the beginning of a phase."""

    def costs(self) -> Costs:
        """Counted costs of an iteration, a row and a kernel, without `measure.also`. The learner is left as it was."""
        before, meter = self.state(), self.meter
        self.meter = KernelMeasures(meter.targets, spectrum=False)
        self.prepare()
        step = cost(lambda: self.advance(1))
        self.prepare()
        row = ONCE + cost(self.evaluate)
        kernel = ONCE + cost(self.measure_kernel) if self.has_kernels else 0.0
        self.meter = meter
        self.load(before)
        return Costs(step, row, kernel)

    def is_finite(self) -> bool:
        """Whether no entry of M is inf or nan."""
        return bool(self.m.isfinite().all())

    def state(self) -> dict[str, Tensor]:
        """M, the steps taken, and what kernels are compared with; all else follows from M."""
        tensors = {"m": self.m, "steps": torch.tensor(self.steps), **self.meter.state()}
        return {name: tensor.clone() for name, tensor in tensors.items()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Restore what `state` gave; the ridge is set before."""
        self.m = state["m"].to(self.device)
        self.steps = int(state["steps"])
        self.meter.load(state)
        self._solution = None
