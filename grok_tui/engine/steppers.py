"""How the seeds of a run are advanced: one by one, in threads, or batched into one tensor computation.

Chosen once when a run starts, stored in run.json, and the same after a resume.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from ..config.schema import RunConfig
from .cuda_graph import Replay
from .gradient_learner import GradientLearner
from .optimization import Optimization
from .seed import Seed

BATCHED_BELOW = 2e-4
"""Nominal seconds per step. Below it a CPU, too, is faster with all seeds in one operation."""

T = TypeVar("T")


class Stepper(Protocol):
    """Advances all seeds of a run."""

    name: str

    @property
    def threads(self) -> int:
        """CPU threads that compute."""

    def advance(self, steps: int, seeds: Sequence[Seed]) -> None:
        """Take `steps` steps of every seed."""

    def set_knobs(self, seeds: Sequence[Seed]) -> None:
        """The knobs of the seeds have changed; `seeds` are all, also those that have diverged."""

    def each(self, work: Callable[[Seed], T], seeds: Sequence[Seed]) -> list[T]:
        """work(seed) for each seed."""

    def close(self) -> None:
        """Free what it holds."""


class OneByOne:
    """One seed after the other."""

    name = "one by one"

    @property
    def threads(self) -> int:
        """CPU threads that compute."""
        return torch.get_num_threads()

    def advance(self, steps: int, seeds: Sequence[Seed]) -> None:
        """Take `steps` steps of every seed."""
        for seed in seeds:
            seed.learner.advance(steps)

    def set_knobs(self, seeds: Sequence[Seed]) -> None:
        """Nothing to do: the learners have their knobs."""

    def each(self, work: Callable[[Seed], T], seeds: Sequence[Seed]) -> list[T]:
        """work(seed) for each seed."""
        return [work(seed) for seed in seeds]

    def close(self) -> None:
        """Nothing is held."""


class Threads(OneByOne):
    """Each seed in a worker thread that computes on one CPU thread."""

    name = "threads"

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(self.threads, initializer=torch.set_num_threads, initargs=(1,))

    def advance(self, steps: int, seeds: Sequence[Seed]) -> None:
        """Take `steps` steps of every seed."""
        self.each(lambda seed: seed.learner.advance(steps), seeds)

    def each(self, work: Callable[[Seed], T], seeds: Sequence[Seed]) -> list[T]:
        """work(seed) for each seed, side by side."""
        return list(self.pool.map(work, seeds))

    def close(self) -> None:
        """End the worker threads."""
        self.pool.shutdown()


class Batched(OneByOne):
    """All seeds in one tensor computation whose first dimension is the seed.

    The learners' weights and optimizer state become views of it; they measure, save and load through these views.
    A seed that has diverged stays in the batch: it does not change the others' numbers.
    """

    name = "batched"

    def __init__(self, seeds: Sequence[Seed]) -> None:
        learners = [seed.learner for seed in seeds if isinstance(seed.learner, GradientLearner)]
        first = learners[0]
        self.learners = learners
        backward = first.net.backward if first.model.net.backward_stacks else None
        self.net = Optimization.stacked([learner.net for learner in learners], backward)
        self.x, self.y = (torch.stack([getattr(one.data, name) for one in learners]) for name in ("train_x", "train_y"))
        starts = [learner.start_train for learner in learners if learner.start_train is not None]
        self.start = torch.stack(starts) if starts else None
        self.index = torch.arange(len(learners), device=self.x.device).unsqueeze(1)
        self.replay = Replay(self._step) if first.backend.steps == "graph" and not first.batch_size else None
        self.alpha = 0.0
        self.is_holding = False
        self.set_knobs(seeds)

    def advance(self, steps: int, seeds: Sequence[Seed]) -> None:
        """Take `steps` steps of every seed."""
        with self.net.without_recording():
            if self.replay:
                self.replay(steps)
            else:
                for _ in range(steps):
                    self._step()
        for learner in self.learners:
            learner.count(steps)

    def _step(self) -> None:
        self.net.gradient(*self._batch())
        self.net.step()

    def _batch(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """The examples of the next step: all, or what each seed's own random stream draws."""
        if not self.learners[0].batch_size:
            return self.x, self.y, self.start
        index = torch.stack([learner.draw() for learner in self.learners]).to(self.x.device)
        start = None if self.start is None else self.start[self.index, index]
        return self.x[self.index, index], self.y[self.index, index], start

    def set_knobs(self, seeds: Sequence[Seed]) -> None:
        """Take over the knobs: one value for all seeds, except for the held norm, which each seed has of its own."""
        config = next((seed.config for seed in seeds if seed.is_alive), seeds[0].config)
        held = [seed.config.optim.hold_norm for seed in seeds]
        alpha, is_holding = config.model.alpha, bool(config.optim.hold_norm)
        self.learners[0].model.alpha = alpha  # the function that the batch computes
        self.net.set_hyperparameters(config.optim, alpha)
        self.net.hold(held if is_holding else 0.0)
        if self.replay and (alpha, is_holding) != (self.alpha, self.is_holding):
            self.replay.forget()
        self.alpha, self.is_holding = alpha, is_holding


STEPPERS = ("one by one", "threads", "batched")


def build_stepper(name: str, seeds: Sequence[Seed]) -> Stepper:
    """The stepper called `name`."""
    if name == "batched":
        return Batched(seeds)
    return Threads() if name == "threads" else OneByOne()


def choose_stepper(config: RunConfig, device: torch.device, seeds: Sequence[Seed], step_cost: float) -> str:
    """The fastest way that gives each seed the numbers it would have alone.

    Batched is ruled out if seeds can differ in a knob other than the norm (a scheduled change at a phase), and for
    twins and kernel machines. Threads are ruled out for twins: torch's forward-mode AD state is global.
    """
    if len(seeds) == 1:
        return "one by one"
    has_twin = "twin" in config.measure.also
    by_gradient = all(isinstance(seed.learner, GradientLearner) for seed in seeds)
    can_batch = by_gradient and not has_twin and not any(entry.on for entry in config.schedule)
    is_small = step_cost <= BATCHED_BELOW
    if can_batch and (is_small or device.type != "cpu"):
        return "batched"
    return "threads" if device.type == "cpu" and not has_twin and not is_small else "one by one"
