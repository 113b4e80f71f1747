"""A network that learns by the gradient of its loss: every step is one update of an optimizer."""

from dataclasses import replace

import torch
from torch import Tensor

from ..config.check import has_accuracy
from ..config.fields import values
from ..config.names import BINARY_LOSSES
from ..config.schema import RunConfig
from ..science.kernel import Weights
from ..science.linearized import Linearized
from ..science.losses import LOSSES, accuracy, targets
from ..science.matmul import PRODUCTS
from ..science.models import MODELS, ScaledOutput
from ..science.phases import MEMORIZED
from ..science.tasks import TASKS
from .backend import Backend
from .cuda_graph import Replay
from .kernel_measures import KernelMeasures
from .learner import generator, numbers
from .measures import EXTRAS, columns, regression_loss
from .op_cost import ONCE, cost
from .optimization import Optimization
from .schedule import Costs


class GradientLearner:
    """A network, its data and its optimizer; beside it, where it is asked for, its linearised twin."""

    def __init__(self, config: RunConfig, device: torch.device, backend: Backend = Backend()) -> None:  # noqa: B008
        seed, dtype, also = config.train.seed, getattr(torch, config.train.dtype), config.measure.also
        data = TASKS[config.task.name](generator(seed, "data"), **values(config, "task")).to(device, dtype)
        n_outputs = 1 if config.loss.name in BINARY_LOSSES else data.n_outputs
        options = values(config, "model")
        alpha, scale, centered = (options.pop(key) for key in ("alpha", "init_scale", "centered"))
        net = MODELS[config.model.name](
            vocabulary=data.vocabulary,
            n_inputs=data.train_x.shape[1],
            n_outputs=n_outputs,
            product=PRODUCTS[backend.products],
            **options,
        )
        start = net.initial_weights(generator(seed, "init"))
        self.weights_0: Weights = {name: (scale * w).to(device, dtype) for name, w in start.items()}
        self.model = ScaledOutput(net, alpha, self.weights_0 if centered else None)
        self.data = data.labelled(lambda x: self.model.ntk(self.weights_0, x))
        self.config = config
        self.also = tuple(also)
        self.start_train = self.model.at_start(data.train_x)
        self.start_test = self.model.at_start(data.test_x)
        self.loss = LOSSES[config.loss.name](**values(config, "loss"))
        by_hand = backend.gradient == "by hand" and net.has_backward
        self.backend = backend if by_hand else replace(backend, gradient="autograd")
        backward = self.model.backward if by_hand else None
        self.net = Optimization.of(self.model, self.weights_0, self.loss, config.optim, backward)
        linearized = Linearized(self.model, self.weights_0)
        self.twin = Optimization.of(linearized, self.weights_0, self.loss, config.optim) if "twin" in also else None
        self.k0_loss = regression_loss(self) if "regression" in also else None
        self.weights_mem: Weights | None = None
        """The weights at t_mem, once it is there and something compares with them."""
        self.batch_size = config.train.batch_size
        self.batches = generator(seed, "batch")
        self.steps = 0
        self.probe = self.data.test_x[: config.measure.probe]
        probe_targets = targets(self.data.test_y[: config.measure.probe], n_outputs, dtype)
        self.meter = KernelMeasures(probe_targets, spectrum="spectrum" in also)
        self.tolerance = config.task.tolerance
        self.has_accuracy = has_accuracy(config)
        self.parameters = sum(w.numel() for w in self.weights.values())
        self.columns = self._columns()
        self.replay = Replay(self._step) if backend.steps == "graph" and not self.batch_size else None
        self._ready: Tensor | None = None  # train outputs, where the full-batch gradient is already taken
        self.set_knobs(config)

    @property
    def weights(self) -> Weights:
        """The network's weights by name."""
        return self.net.weights

    def _columns(self) -> list[str]:
        """The columns of metrics.csv, `step` first."""
        acc = ["train/acc", "test/acc"] if self.has_accuracy else []
        norms = ["norm/weight", "norm/V", *(f"norm/{name}" for name in self.weights), "norm/grad"]
        extras = columns(self.also)
        return ["step", "train/loss", "test/loss", *acc, *norms, *extras, *self.meter.columns]

    def advance(self, steps: int) -> None:
        """Take `steps` optimizer updates."""
        with self.net.without_recording() if self.twin is None else torch.no_grad():
            if self.replay:
                self._ready = None  # what is captured begins with a gradient
                self.replay(steps)
            else:
                for _ in range(steps):
                    self._step()
        self.count(steps)

    def _step(self) -> None:
        if self._ready is None:
            self._gradient()
        self.net.step()
        if self.twin:
            self.twin.step()
        self._ready = None

    def count(self, steps: int) -> None:
        """Count steps that were taken here or by a batch."""
        self.steps += steps
        self._ready = None

    def draw(self) -> Tensor:
        """Indices of the next batch."""
        return torch.randint(len(self.data.train_x), (self.batch_size,), generator=self.batches)

    @torch.no_grad()
    def prepare(self) -> None:
        """Take the next step's gradient; with full batches a row needs its train outputs and norm."""
        if self._ready is None and not self.batch_size:
            self._ready = self._gradient()

    def _gradient(self) -> Tensor:
        """Take the gradient of the next step's loss; return the outputs it was taken at."""
        x, y, start = self.data.train_x, self.data.train_y, self.start_train
        if self.batch_size:
            index = self.draw().to(x.device)
            x, y, start = x[index], y[index], None if start is None else start[index]
        if self.twin:
            self.twin.gradient(x, y, start)
        return self.net.gradient(x, y, start)

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Losses, accuracies, norms and what else is asked for, at the current weights.

        After `prepare`, with full batches, a row costs the test data's forward pass and little more.
        """
        data = self.data
        self.prepare()
        train = self._ready
        if train is None:  # steps use batches
            train = self.net.gradient(data.train_x, data.train_y, self.start_train)
        test = self.model(self.weights, data.test_x, self.start_test)
        measures = {"train/loss": self.loss(train, data.train_y), "test/loss": self.loss(test, data.test_y)}
        if self.has_accuracy:
            measures["train/acc"] = accuracy(train, data.train_y, self.tolerance)
            measures["test/acc"] = accuracy(test, data.test_y, self.tolerance)
        measures["norm/weight"] = self.net.flat.norm()
        measures["norm/V"] = measures["norm/weight"].square()
        measures |= {f"norm/{name}": torch.linalg.vector_norm(w) for name, w in self.weights.items()}
        measures["norm/grad"] = self.net.grad.norm()
        for name in self.also:
            if name in EXTRAS:
                measures |= EXTRAS[name](self)
        return numbers(measures)

    @torch.no_grad()
    def measure_kernel(self) -> tuple[Tensor, dict[str, float]]:
        """The trace NTK on the probe."""
        kernel = self.model.ntk(self.weights, self.probe)
        return kernel, self.meter.read(kernel, self.steps)

    def norm(self) -> float:
        """The norm of the weights that decay."""
        return self.net.norm().item()

    @torch.no_grad()
    def set_knobs(self, config: RunConfig, norm: float | None = None) -> dict[str, float]:
        """Take over the steerable fields, and rescale the weights to `norm` if given.

        Returns the knobs as optimizer and model hold them.
        """
        alpha, hold = config.model.alpha, config.optim.hold_norm
        if self.replay and (alpha, hold) != (self.model.alpha, self.net.hold_norm):
            self.replay.forget()
        if alpha != self.model.alpha:
            self.model.alpha, self._ready = alpha, None
        if norm is not None:
            self.net.rescale(norm)
            self._ready = None
        if self.twin:
            self.twin.hold(hold)
            self.twin.set_hyperparameters(config.optim, alpha)
        self.net.hold(hold)
        return self.net.set_hyperparameters(config.optim, alpha) | {"hold_norm": hold, "alpha": alpha}

    def on_phase(self, phase: str) -> None:
        """Keep the weights at t_mem if angles are measured from them."""
        if phase == MEMORIZED and "angle" in self.config.measure.also:
            self.weights_mem = {name: w.detach().clone() for name, w in self.weights.items()}

    def costs(self) -> Costs:
        """Counted costs of a step, a row and a kernel, without `measure.also`. The learner is left as it was."""
        before = self.state()
        twin, also, meter = self.twin, self.also, self.meter
        self.twin, self.also, self.meter = None, (), KernelMeasures(meter.targets, spectrum=False)
        self.advance(1)  # the optimizer makes its state
        step = cost(lambda: self.advance(1))
        self.prepare()
        row = ONCE + cost(self.evaluate)
        kernel = ONCE + cost(self.measure_kernel) if self.config.measure.kernel_per_decade else 0.0
        self.twin, self.also, self.meter = twin, also, meter
        self.load(before)
        return Costs(step, row, kernel)

    def is_finite(self) -> bool:
        """Whether no weight is inf or nan."""
        return self.net.flat.is_finite()

    def state(self) -> dict[str, Tensor]:
        """All fits, the batches' random state, and what measures compare with, as named tensors."""
        tensors = self.net.state() | self.meter.state()
        tensors |= {"rng/batches": self.batches.get_state(), "steps": torch.tensor(self.steps)}
        if self.twin:
            tensors |= {f"twin/{name}": t for name, t in self.twin.state().items()}
        if self.weights_mem:
            tensors |= {f"mem/{name}": w for name, w in self.weights_mem.items()}
        return {name: tensor.clone() for name, tensor in tensors.items()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Restore what `state` gave. Knobs are set before: an optimizer's state belongs to them."""
        self.net.load(state)
        if self.twin:
            self.twin.load(under("twin/", state))
        mem = under("mem/", state)
        self.weights_mem = {name: w.to(self.probe.device) for name, w in mem.items()} or None
        self.meter.load(state)
        self.batches.set_state(state["rng/batches"].cpu())
        self.steps = int(state["steps"])
        self._ready = None


def under(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, by the rest of their names."""
    return {name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)}
