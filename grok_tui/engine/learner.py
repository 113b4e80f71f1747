"""A network, its data and its optimizer: what a trainer advances and measures."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Generator, Tensor

from ..config.check import has_accuracy
from ..config.fields import values
from ..config.schema import RunConfig
from ..science import kernel as ntk
from ..science.losses import LOSSES, accuracy, targets
from ..science.models import MODELS, ScaledOutput
from ..science.norms import norm
from ..science.optimizers import build_optimizer, flatten_state, read_knobs, restore_state, turn_knobs
from ..science.tasks import TASKS

STREAMS = ("data", "init", "batch")


def generator(seed: int, stream: str) -> Generator:
    """An independent random stream on the CPU, so that every device sees the same data and initial weights."""
    return Generator().manual_seed(len(STREAMS) * seed + STREAMS.index(stream))


def numbers(measures: dict[str, Tensor]) -> dict[str, float]:
    """Scalars as Python numbers, fetched from the device all at once."""
    widest = torch.float32 if next(iter(measures.values())).device.type == "mps" else torch.float64
    return dict(zip(measures, torch.stack([m.to(widest) for m in measures.values()]).tolist(), strict=True))


class Learner(Protocol):
    """What the trainer needs of anything that learns in steps."""

    columns: list[str]
    parameters: int

    def advance(self, steps: int) -> None:
        """Take steps."""

    def prepare(self) -> None:
        """Begin the next step as far as a row can share its work."""

    def evaluate(self) -> dict[str, float]:
        """The measures of one row, by column name."""

    def measure_kernel(self) -> tuple[Tensor, dict[str, float]]:
        """The kernel on the probe, and what is read off it."""

    def turn(self, config: RunConfig) -> dict[str, float]:
        """Take over the steerable fields of `config`; return what is now in force."""

    def is_finite(self) -> bool:
        """Whether everything learnt is still a number."""

    def state(self) -> dict[str, Tensor]:
        """Everything the next step depends on."""

    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""


class GradientLearner:
    """Learns by the gradient of its loss: every step is one update of torch's optimizer."""

    def __init__(self, config: RunConfig, device: torch.device) -> None:
        seed, dtype = config.train.seed, getattr(torch, config.train.dtype)
        self.data = TASKS[config.task.name](generator(seed, "data"), **values(config, "task")).to(device, dtype)
        options = values(config, "model")
        alpha, scale, centered = (options.pop(key) for key in ("alpha", "init_scale", "centered"))
        net = MODELS[config.model.name](
            vocabulary=self.data.vocabulary,
            n_inputs=self.data.train_x.shape[1],
            n_outputs=self.data.n_outputs,
            **options,
        )
        start = net.init(generator(seed, "init"))
        self.weights = {name: (scale * w).to(device, dtype).requires_grad_() for name, w in start.items()}
        weights_0 = {name: w.detach().clone() for name, w in self.weights.items()} if centered else None
        self.model = ScaledOutput(net, alpha, weights_0)
        self.start_train = self.model.at_start(self.data.train_x)
        self.start_test = self.model.at_start(self.data.test_x)
        self.loss = LOSSES[config.loss.name](**values(config, "loss"))
        self.optimizer = build_optimizer(config.optim.name, self.weights.values(), config.optim.decay)
        self.batch_size = config.train.batch_size
        self.batches = generator(seed, "batch")
        self.probe = self.data.test_x[: config.measure.probe]
        self.probe_targets = targets(self.data.test_y[: config.measure.probe], self.data.n_outputs, dtype)
        self.kernel_0: Tensor | None = None
        self.tolerance = config.task.tolerance
        self.has_accuracy = has_accuracy(config)
        self.columns = self._columns()
        self.parameters = sum(w.numel() for w in self.weights.values())
        self._ready: Tensor | None = None  # train outputs, where the full-batch gradient is already in .grad
        self.turn(config)

    def _columns(self) -> list[str]:
        """The columns of metrics.csv, `step` first."""
        acc = ["train/acc", "test/acc"] if self.has_accuracy else []
        layers = [f"norm/{name}" for name in self.weights]
        kernel = ["kernel/drift", "kernel/distance", "kernel/alignment"]
        return ["step", "train/loss", "test/loss", *acc, "norm/weight", *layers, "norm/grad", *kernel]

    def advance(self, steps: int) -> None:
        """Take `steps` optimizer updates."""
        for _ in range(steps):
            if self._ready is None:
                self._gradient()
            self.optimizer.step()
            self._ready = None

    def prepare(self) -> None:
        """Take the next step's gradient; with full batches a row needs its train outputs and norm."""
        if self._ready is None and not self.batch_size:
            self._ready = self._gradient()

    def _gradient(self) -> Tensor:
        """Put the gradient of the next step's loss into .grad; return the outputs it was taken at."""
        x, y, start = self.data.train_x, self.data.train_y, self.start_train
        if self.batch_size:
            index = torch.randint(len(x), (self.batch_size,), generator=self.batches).to(x.device)
            x, y, start = x[index], y[index], None if start is None else start[index]
        self.optimizer.zero_grad(set_to_none=True)
        outputs = self.model(self.weights, x, start)
        self.loss(outputs, y).backward()
        return outputs.detach()

    def evaluate(self) -> dict[str, float]:
        """Losses, accuracies and norms at the current weights.

        After `prepare`, with full batches, a row costs the test data's forward pass and little more.
        """
        data = self.data
        self.prepare()
        train = self._full_gradient() if self._ready is None else self._ready
        with torch.no_grad():
            test = self.model(self.weights, data.test_x, self.start_test)
            measures = {"train/loss": self.loss(train, data.train_y), "test/loss": self.loss(test, data.test_y)}
            if self.has_accuracy:
                measures["train/acc"] = accuracy(train, data.train_y, self.tolerance)
                measures["test/acc"] = accuracy(test, data.test_y, self.tolerance)
            measures["norm/weight"] = norm(self.weights.values())
            measures |= {f"norm/{name}": torch.linalg.vector_norm(w) for name, w in self.weights.items()}
            measures["norm/grad"] = norm(w.grad for w in self.weights.values() if w.grad is not None)
            return numbers(measures)

    def _full_gradient(self) -> Tensor:
        """Put the full-batch gradient into .grad, though steps use batches; return the train outputs."""
        self.optimizer.zero_grad(set_to_none=True)
        outputs = self.model(self.weights, self.data.train_x, self.start_train)
        self.loss(outputs, self.data.train_y).backward()
        return outputs.detach()

    @torch.no_grad()
    def measure_kernel(self) -> tuple[Tensor, dict[str, float]]:
        """The trace NTK on the probe; the first one measured is the reference K_0."""
        kernel = self.model.ntk(self.weights, self.probe)
        if self.kernel_0 is None:
            self.kernel_0 = kernel
        measures = {
            "kernel/drift": ntk.drift(kernel, self.kernel_0),
            "kernel/distance": ntk.distance(kernel, self.kernel_0),
            "kernel/alignment": ntk.alignment(kernel, self.probe_targets),
        }
        return kernel, numbers(measures)

    def turn(self, config: RunConfig) -> dict[str, float]:
        """Take over the steerable fields; return them as optimizer and model hold them."""
        alpha, optim = config.model.alpha, config.optim
        if alpha != self.model.alpha:
            self.model.alpha, self._ready = alpha, None
        turn_knobs(
            self.optimizer,
            lr=optim.lr / alpha**2 if optim.lr_over_alpha2 else optim.lr,
            weight_decay=optim.weight_decay,
            momentum=optim.momentum,
            beta1=optim.beta1,
            beta2=optim.beta2,
        )
        return read_knobs(self.optimizer) | {"alpha": alpha}

    def is_finite(self) -> bool:
        """Whether no weight is inf or nan."""
        return all(bool(w.isfinite().all()) for w in self.weights.values())

    def _optimized(self) -> list[str]:
        """Names of the weights in the order in which the optimizer numbers them."""
        names = {id(w): name for name, w in self.weights.items()}
        return [names[id(w)] for group in self.optimizer.param_groups for w in group["params"]]

    def state(self) -> dict[str, Tensor]:
        """Weights, optimizer memory, the batches' random state and K_0, as named tensors."""
        tensors = {f"weights/{name}": w.detach() for name, w in self.weights.items()}
        tensors |= {f"optim/{name}": t for name, t in flatten_state(self.optimizer, self._optimized()).items()}
        tensors["rng/batches"] = self.batches.get_state()
        if self.kernel_0 is not None:
            tensors["kernel_0"] = self.kernel_0
        return {name: tensor.clone() for name, tensor in tensors.items()}

    @torch.no_grad()
    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave; the knobs must be turned again afterwards."""
        for name, w in self.weights.items():
            w.copy_(state[f"weights/{name}"])
        memory = {name.removeprefix("optim/"): t for name, t in state.items() if name.startswith("optim/")}
        restore_state(self.optimizer, self._optimized(), memory)
        self.batches.set_state(state["rng/batches"].cpu())
        kernel_0 = state.get("kernel_0")
        self.kernel_0 = None if kernel_0 is None else kernel_0.to(self.probe.device)
        self._ready = None
