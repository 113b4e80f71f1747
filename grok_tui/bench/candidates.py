"""Our side of the comparisons: the engine's own classes, used as runs use them."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from ..config.schema import RunConfig
from ..engine import devices
from ..engine.backend import choose
from ..engine.clock import Clock
from ..engine.gradient_learner import GradientLearner
from ..engine.trainer import Trainer
from ..errors import GrokError

CPU = torch.device("cpu")


def build(config: RunConfig) -> GradientLearner:
    """The learner of a run on the CPU."""
    return GradientLearner(config, CPU, choose(CPU))


def save_start(learner: GradientLearner, path: Path) -> None:
    """Write data and present weights to a file, from which a baseline starts."""
    data = learner.data
    tensors = {f"weights/{name}": w for name, w in learner.weights.items()}
    tensors |= {"train_x": data.train_x, "train_y": data.train_y, "test_x": data.test_x, "test_y": data.test_y}
    save_file({name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}, path)


class Learner:
    """A network that is trained, without measuring."""

    def __init__(self, config: RunConfig, threads: int) -> None:
        """threads: of the machine; it may take fewer, as a run does."""
        torch.set_num_threads(threads)
        devices.make_deterministic()
        self.config, self.clock = config, Clock(CPU, pace=0.0)
        self.learner = build(config)
        torch.set_num_threads(min(threads, devices.threads_for(self.learner.costs().step)))

    def save(self, path: Path) -> None:
        save_start(self.learner, path)

    def threads(self) -> int:
        """The threads that it trains on."""
        return torch.get_num_threads()

    def advance(self, steps: int) -> None:
        """Train in chunks, as a trainer does."""
        while steps > 0:
            chunk = min(steps, self.clock.chunk)
            with self.clock.training(chunk):
                self.learner.advance(chunk)
            steps -= chunk

    def curve(self, n: int) -> list[float]:
        """The train losses before each of the first n steps of a fresh training."""
        learner, losses = build(self.config), []
        for _ in range(n):
            losses.append(learner.evaluate()["train/loss"])
            learner.advance(1)
        return losses


class Kernel:
    """A network whose kernel on the probe is computed, again and again."""

    def __init__(self, config: RunConfig, threads: int) -> None:
        torch.set_num_threads(threads)
        self.learner = build(config)

    def save(self, path: Path) -> None:
        save_start(self.learner, path)

    @torch.no_grad()
    def advance(self, steps: int) -> None:
        """Compute the kernel so many times."""
        for _ in range(steps):
            self.kernel = self.learner.model.ntk(self.learner.weights, self.learner.probe)

    def save_kernel(self, path: Path) -> None:
        save_file({"kernel": self.kernel.contiguous()}, path)


class Seeds:
    """Several seeds as one run trains them, with all that it measures; only the writing of files is left out."""

    def __init__(self, config: RunConfig, seeds: int, threads: int) -> None:
        torch.set_num_threads(threads)
        devices.make_deterministic()
        self.trainer = Trainer(config, CPU, seeds=range(seeds))
        self._records = iter(self.trainer)

    def stepper(self) -> str:
        return self.trainer.stepper.name

    def save(self, folder: Path) -> Sequence[Path]:
        """The start of every seed, see `save_start`."""
        paths = [folder / f"seed_{seed.number}.safetensors" for seed in self.trainer.seeds]
        for seed, path in zip(self.trainer.seeds, paths, strict=True):
            if not isinstance(seed.learner, GradientLearner):
                raise GrokError("bench: a kernel machine has no weights to start from")
            save_start(seed.learner, path)
        return paths

    def advance(self, steps: int) -> int:
        """Train at least so many steps; returns how many they were."""
        start = self.trainer.step
        for _ in self._records:
            if self.trainer.step >= start + steps:
                break
        return self.trainer.step - start
