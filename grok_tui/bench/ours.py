"""Our side of the comparisons, through the engine as runs go through it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from ..config import fields
from ..config.presets import load_preset
from ..engine import devices
from ..engine.backend import choose
from ..engine.clock import Clock
from ..engine.cuda_graph import LOT
from ..engine.gradient_learner import GradientLearner
from ..engine.learner import build_learner
from ..engine.schedule import Schedule
from ..engine.thread import TrainerThread
from ..errors import GrokError
from ..store.rundir import create


def save_start(learner: GradientLearner, path: str) -> None:
    """Data and present weights as a file, for a baseline to begin with."""
    data = learner.data
    tensors = {f"weights/{name}": w for name, w in learner.weights.items()}
    tensors |= {"train_x": data.train_x, "train_y": data.train_y, "test_x": data.test_x, "test_y": data.test_y}
    save_file({name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}, path)


class Learner:
    """A network that is trained."""

    def __init__(self, preset: str, sets: list[str], threads: int, device: str = "cpu", steps: str = "") -> None:
        """threads: how many there are; steps: eager or graph, none: as a run takes them."""
        torch.set_num_threads(threads)
        devices.make_deterministic()
        self.config, self.device = load_preset(preset, sets), torch.device(device)
        backend = choose(self.device)
        self.backend = replace(backend, steps=steps) if steps else backend
        self.learner, self.clock = self._build(), Clock(self.device, pace=0.0)
        self.choose_threads()

    def _build(self) -> GradientLearner:
        learner = build_learner(self.config, self.device, self.backend)
        assert isinstance(learner, GradientLearner)
        return learner

    def save(self, path: str) -> None:
        """See `save_start`."""
        save_start(self.learner, path)

    def choose_threads(self) -> None:
        """As many as a run of it is given."""
        torch.set_num_threads(devices.threads_for(Schedule.of(self.learner, self.config.measure).step_cost))

    def threads(self) -> int:
        """How many it trains on."""
        return torch.get_num_threads()

    def advance(self, steps: int) -> None:
        """Train in chunks, as a trainer does."""
        while steps > 0:
            chunk = min(steps, self.clock.chunk)
            with self.clock.training(chunk):
                self.learner.advance(chunk)
            steps -= chunk

    def curve(self, n: int, every: int = 1, rounded: str = "") -> list[float]:
        """n train losses of a training of its own, one before each `every` steps.

        rounded: a precision that the initial weights are rounded to.
        """
        learner, losses = self._build(), []
        if rounded:
            learner.net.flat.copy_({name: w.to(getattr(torch, rounded)) for name, w in learner.weights.items()})
        for _ in range(n):
            losses.append(learner.evaluate()["train/loss"])
            learner.advance(every)
        return losses

    def captures_after(self, weight_decay: float) -> int:
        """How often steps had to be captured, once the weight decay was turned and some more were taken."""
        assert self.learner.replay
        self.learner.turn(fields.replace(self.config, {"optim.weight_decay": weight_decay}))
        self.advance(3 * LOT)
        return self.learner.replay.captures


class Kernel(Learner):
    """A network whose kernel on the probe is taken."""

    def choose_threads(self) -> None:
        """All there are: nothing is computed before the memory is looked at."""

    @torch.no_grad()
    def advance(self, steps: int) -> None:
        """Take the kernel so many times."""
        for _ in range(steps):
            self.taken = self.learner.model.ntk(self.learner.weights, self.learner.probe)

    def memory(self) -> int:
        """Bytes by which this process grows, at its peak, while it takes a kernel."""
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
        self.advance(1)
        return resident("VmHWM") - before

    def save_kernel(self, path: str) -> None:
        """The kernel that was taken last."""
        save_file({"kernel": self.taken.contiguous()}, path)

    def distance(self, path: str) -> float:
        """Relative Frobenius distance of the kernel that was taken last from one in a file."""
        other = load_file(path)["kernel"]
        return float(torch.linalg.matrix_norm(self.taken.to(other) - other) / torch.linalg.matrix_norm(other))


def resident(name: str) -> int:
    """A line of /proc/self/status, in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])


class Seeds:
    """Several seeds as one run trains them, rows and kernels included; only writing is left out."""

    def __init__(
        self, preset: str, seeds: int, threads: int, sets: list[str] | None = None, device: str = "cpu"
    ) -> None:
        from ..engine.ensemble import Ensemble

        torch.set_num_threads(threads)
        devices.make_deterministic()
        self.ensemble = Ensemble(load_preset(preset, sets), torch.device(device), range(seeds))
        self._records = iter(self.ensemble)

    def way(self) -> str:
        """How the seeds are taken together."""
        return str(self.ensemble.about()["used"]["backend"]["seeds"])

    def save(self, folder: str) -> list[str]:
        """Every seed's start, see `save_start`."""
        paths = []
        for seed, trainer in self.ensemble.trainers.items():
            assert isinstance(trainer.learner, GradientLearner)
            paths.append(f"{folder}/seed_{seed}.safetensors")
            save_start(trainer.learner, paths[-1])
        return paths

    def advance(self, steps: int) -> int:
        """Train at least so many steps; returns how many it were."""
        start = self.ensemble.step
        for _ in self._records:
            if self.ensemble.step >= start + steps:
                break
        return self.ensemble.step - start


class Sizes:
    """Learners of many configs, one after the other."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def speed(self, preset: str, sets: list[str], seconds: float) -> float:
        """Steps a second, over about so long."""
        learner = Learner(preset, sets, self.threads)
        learner.advance(5)
        taken, begin = 0, perf_counter()
        while perf_counter() - begin < seconds:
            chunk = learner.clock.chunk
            learner.advance(chunk)
            taken += chunk
        return taken / (perf_counter() - begin)


class Runs:
    """Whole runs, as `grok-tui run` makes them."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.threads = torch.get_num_threads()

    def measured(self, preset: str, seconds: float) -> dict[str, Any]:
        """Run a preset for so long: its own record of how far it came and how much of that was measuring."""
        try:
            run = create(self.folder, load_preset(preset), preset=preset, device="cpu")
        except GrokError as error:
            return {"refused": str(error)}
        torch.set_num_threads(self.threads)  # each run chooses anew
        thread = TrainerThread(run)
        thread.start()
        while run.info()["status"] == "starting" and thread.is_alive():
            sleep(0.02)
        thread.join(timeout=seconds)
        thread.stop()
        thread.join()
        if thread.error:
            raise thread.error
        info = run.info()
        return {"skipped": info["skipped"], **info["progress"]}
