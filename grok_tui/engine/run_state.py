"""A run between two steps: its seeds, its schedule, its clock; and how this is kept in checkpoints."""

from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..config.fields import replace
from ..config.schema import RunConfig
from ..science.phases import GROKKED
from ..store.checkpoints import Checkpoint
from .backend import Backend, choose
from .clock import Clock
from .feature_learner import FeatureLearner
from .gradient_learner import GradientLearner
from .learner import Learner
from .op_cost import cost
from .records import Event, SeedRecord, Snapshot
from .schedule import Costs, Schedule, next_checkpoint
from .seed import Seed, joint_result
from .steppers import build_stepper, choose_stepper

BACK = "back/"
"""Prefix in a checkpoint of the tensors of `Back`."""


class Back(NamedTuple):
    """The state at the last row, from which training can be repeated to measure more finely."""

    step: int
    schedule: dict[str, Any]
    tensors: list[dict[str, Tensor]]


def build_learner(config: RunConfig, device: torch.device, backend: Backend | None = None) -> Learner:
    """The learner that the optimizer's name stands for; backend: which kernels compute a step; None: the fastest."""
    if config.optim.name == "rfm":
        return FeatureLearner(config, device)
    return GradientLearner(config, device, backend or choose(device))


class RunState:
    """All seeds of one run at one step.

    seeds: numbers of the seeds, trained together at the same steps; None: the one of the config.
    stepper: how the seeds are advanced, see `steppers`; None: the fastest.
    requests: returns the requests that came in since it was last called.
    """

    def __init__(
        self,
        config: RunConfig,
        device: torch.device,
        backend: Backend | None = None,
        *,
        seeds: Sequence[int] | None = None,
        stepper: str | None = None,
        requests: Callable[[], list[dict[str, Any]]] = list,
        stop_on: str | None = None,
        pace: float = 0.0,
    ) -> None:
        self.config, self.device, self.requests, self.stop_on = config, device, requests, stop_on
        self.step = 0
        self.is_new = True
        """False if it goes on from a checkpoint, see `resume.restore`."""
        self.stopping: str | None = None
        """The status with which the run is about to end."""
        self.clock = Clock(device, pace)
        self.back: Back | None = None
        """The state at the last row, if rows are too far apart to date a phase."""
        self.wait_until = 0
        """After going back, nothing is steered until this step is reached again."""
        self.snapshot_step, self.snapshot_time = -1, monotonic()
        self.next_checkpoint = self.next_kept_kernel = 0
        configs = [replace(config, {"train.seed": number}) for number in (seeds or [config.train.seed])]
        self.seeds = [Seed(one, build_learner(one, device, backend)) for one in configs]
        self.has_many = len(self.seeds) > 1
        costs = self.seeds[0].learner.costs()
        self.stepper_name = stepper or choose_stepper(config, device, self.seeds, costs.step)
        self.stepper = build_stepper(self.stepper_name, self.seeds)
        self.schedule = Schedule.of(self._of_a_batch(costs), config.measure, config.train.steps)

    def _of_a_batch(self, costs: Costs) -> Costs:
        """The costs per seed, if all seeds are stepped in one batch."""
        if self.stepper_name != "batched":
            return costs
        before = [seed.learner.state() for seed in self.seeds]
        self.stepper.advance(1, self.seeds)
        step = cost(lambda: self.stepper.advance(1, self.seeds)) / len(self.seeds)
        for seed, state in zip(self.seeds, before, strict=True):
            seed.learner.load(state)
        return costs._replace(step=step)

    @property
    def alive(self) -> list[Seed]:
        """The seeds whose loss has not diverged."""
        return [seed for seed in self.seeds if seed.is_alive]

    @property
    def first(self) -> Seed:
        """The seed whose answer to a request is that of the run as a whole."""
        return (self.alive or self.seeds)[0]

    @property
    def columns(self) -> list[str]:
        """Columns of the metrics.csv of a seed."""
        return self.seeds[0].learner.columns

    def key(self, seed: Seed) -> int | None:
        """How the records of a seed are marked, see `SeedRecord`."""
        return seed.number if self.has_many else None

    def tell(self, type: str, **data: Any) -> Iterator[SeedRecord]:
        """An event of the run as a whole, and of each seed that is still training."""
        if self.has_many:
            yield from ((seed.number, Event(type, self.step, data)) for seed in self.alive)
        yield None, Event(type, self.step, data)

    def snapshot(self, why: str) -> Iterator[SeedRecord]:
        """Keep this step of every seed, once, unless its weights are no longer finite."""
        if self.snapshot_step == self.step:
            return
        self.snapshot_step, self.snapshot_time = self.step, monotonic()
        if self.step >= self.next_checkpoint:
            self.next_checkpoint = next_checkpoint(self.step, self.config.train.steps)
        for seed in self.alive:
            if seed.learner.is_finite():
                yield self.key(seed), self.snapshot_of(seed, why)

    def snapshot_of(self, seed: Seed, why: str) -> Snapshot:
        """The state of one seed at this step."""
        tensors = seed.learner.state()
        meta = {
            "step": self.step,
            "schedule": self.schedule.state(),
            "next_checkpoint": self.next_checkpoint,
            "next_kept_kernel": self.next_kept_kernel,
            "wait_until": self.wait_until,
            **seed.meta(),
        }
        if self.back is not None and self.schedule.last_row < self.step:
            back = self.back.tensors[self.seeds.index(seed)]
            tensors |= {f"{BACK}{name}": tensor for name, tensor in back.items()}
            meta["back"] = {"step": self.back.step, "schedule": self.back.schedule}
        return Snapshot(self.step, Checkpoint(tensors, meta), why)

    def result(self) -> dict[str, Any]:
        """t_mem, t_grok and delay with their intervals; of many seeds their medians."""
        return joint_result(self.seeds) if self.has_many else self.seeds[0].result()

    def about(self) -> dict[str, Any]:
        """What is used: device, backend, threads; and the number of parameters."""
        learner = self.seeds[0].learner
        backend = learner.backend.as_dict() | ({"seeds": self.stepper_name} if self.has_many else {})
        used = {"device": str(self.device), "backend": backend, "threads": self.stepper.threads}
        return {"used": used, "parameters": learner.parameters}

    @property
    def has_missed(self) -> bool:
        """Whether it was to stop at grokking and a seed has not grokked."""
        return self.stop_on == "grok" and any(GROKKED not in seed.phases.reached for seed in self.seeds)
