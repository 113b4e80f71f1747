"""Many seeds of one config in lockstep: an ordinary trainer a seed, one answer to every request, medians for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from time import sleep
from typing import Any, TypeVar

import numpy as np
import torch

from ..config.fields import replace
from ..config.schema import RunConfig
from ..errors import UsageError
from ..store.checkpoints import Checkpoint
from .backend import Backend
from .clock import Clock
from .gradient_learner import GradientLearner
from .op_cost import cost
from .records import Event, Record, Row
from .stack import Stack
from .trainer import IDLE_SECONDS, Request, Trainer

LOW, HIGH = 10, 90
"""The percentiles over seeds between which the band lies."""
STACKED_BELOW = 2e-4
"""Nominal seconds a step under which a CPU, too, is faster with all seeds in one operation."""

T = TypeVar("T")
SeedRecord = tuple[int | None, Record]
"""A record of one seed, or, where there is none, of the ensemble."""


class Ensemble:
    """Iterate over it to train; every seed takes the same steps and is steered at the same step."""

    def __init__(
        self,
        config: RunConfig,
        device: torch.device,
        seeds: Sequence[int],
        backend: Backend | None = None,
        *,
        requests: Callable[[], list[Request]] = list,
        told: Sequence[list[dict[str, Any]]] = (),
        checkpoints: Sequence[Checkpoint] = (),
        stop_on: str | None = None,
        pace: float = 0.0,
    ) -> None:
        """told, checkpoints: those of each seed, to go on from."""
        self.config, self.requests, self.stop_on = config, requests, stop_on
        self.trainers = {
            seed: Trainer(
                replace(config, {"train.seed": seed}),
                device,
                backend,
                told=told[i] if told else None,
                checkpoint=checkpoints[i] if checkpoints else None,
            )
            for i, seed in enumerate(seeds)
        }
        self.training = dict(self.trainers)
        """The seeds that have not ended."""
        self.resumed = bool(checkpoints)
        self.clock = Clock(device, pace)
        self.clock.restart(self.step)
        self.stack = self._stacked(device)
        self.threads = torch.get_num_threads()
        self.pool = self._workers() if self._in_threads(device) else None
        self._told: set[str] = set()  # phases that half of the seeds have reached
        self.columns = ["step"]
        for name in self.first.columns[1:]:
            self.columns += [name, f"{name}@low", f"{name}@high"]

    def _stacked(self, device: torch.device) -> Stack | None:
        """All seeds in one operation, where nothing sets them apart and it is faster than one after the other."""
        learners = [trainer.learner for trainer in self.trainers.values()]
        gradient = [learner for learner in learners if isinstance(learner, GradientLearner) and not learner.twin]
        apart = len(gradient) < len(learners) or any(entry.on for entry in self.config.schedule)
        large = device.type == "cpu" and self.first.schedule.step_cost > STACKED_BELOW
        return None if apart or large else self._counted(Stack(gradient))

    def _counted(self, stack: Stack) -> Stack:
        """A step costs each seed its part of the stack's, so that rows keep to their share of it."""
        if not self.resumed:
            before = [learner.state() for learner in stack.learners]
            step = cost(lambda: stack.advance(1)) / len(before)
            for learner, state, trainer in zip(stack.learners, before, self.trainers.values(), strict=True):
                learner.load(state)
                trainer.schedule.step_cost = step
        return stack

    def _in_threads(self, device: torch.device) -> bool:
        """Whether the seeds take their steps side by side, each on one thread of the CPU.

        Not beside twins, whose forward mode is one of the whole process.
        """
        twins = "twin" in self.config.measure.also
        return not (self.stack or twins) and device.type == "cpu" and self.first.schedule.step_cost > STACKED_BELOW

    def _workers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, initializer=torch.set_num_threads, initargs=(1,))

    @property
    def first(self) -> Trainer:
        """The seed that answers for all."""
        return next(iter((self.training or self.trainers).values()))

    @property
    def step(self) -> int:
        """The step at which all stand."""
        return self.first.step

    def __iter__(self) -> Iterator[SeedRecord]:
        if self.resumed:
            self._told = {phase for phase in ("memorized", "grokked") if self._median_step(phase) is not None}
        else:
            yield from self.measure()
        while True:
            yield from self.steer()
            while self.first.paused and not self.first.stopping:
                sleep(IDLE_SECONDS)
                yield from self.steer()
            if not self.training or self.first.stopping or self.step >= self.config.train.steps:
                break
            yield from self.advance()
        yield from self.end()

    def advance(self) -> Iterator[SeedRecord]:
        """Take steps up to the next thing due for any seed, and measure what is due."""
        seeds = list(self.training.values())
        steps = min(self.clock.chunk, *(seed.next_due() - seed.step for seed in seeds))
        with self.clock.training(steps):
            if self.stack:
                self.stack.advance(steps)
            else:
                self._of_each(lambda seed: seed.learner.advance(steps), seeds)
        for seed in seeds:
            seed.count(steps)
        if progress := self.clock.progress(self.step):
            yield None, progress
        yield from self.measure()

    def _of_each(self, work: Callable[[Trainer], T], seeds: Sequence[Trainer]) -> list[T]:
        """work(seed) of every seed, side by side where they are taken so."""
        return list(self.pool.map(work, seeds) if self.pool else map(work, seeds))

    def measure(self) -> Iterator[SeedRecord]:
        """What is due of every seed; where that is a row, also the row of medians."""
        rows = []
        with self.clock.measuring():
            measured = self._of_each(lambda seed: list(seed.measure()), list(self.training.values()))
        for (seed, trainer), records in zip(list(self.training.items()), measured, strict=True):
            if trainer.stopping == "failed":
                records += list(trainer.end())
                del self.training[seed]
            else:
                rows += [record.values for record in records if isinstance(record, Row)]
            for record in records:
                yield seed, record
        if rows:
            yield None, Row(self.step, band(rows))
            yield from self._enter_phases()

    def _enter_phases(self) -> Iterator[SeedRecord]:
        """Say which phases half of the seeds have reached by now."""
        for phase in ("memorized", "grokked"):
            if phase not in self._told and self._median_step(phase) is not None:
                self._told.add(phase)
                yield None, Event("phase", self.step, {"phase": phase})
        if self.stop_on == "grok" and all("grokked" in seed.phases.reached for seed in self.training.values()):
            for seed in self.training.values():
                seed.stopping = "finished"

    def steer(self) -> Iterator[SeedRecord]:
        """Have every seed do what is asked; the first one's answer is that of all."""
        requests = self.requests()
        for request in requests:
            if request.get("op") == "chunk":
                yield from self._chunk(request)
        others = [request for request in requests if request.get("op") != "chunk"]
        speaker, steered = self.first, False
        for number, trainer in self.training.items():
            trainer.requests = lambda: others
            for record in trainer.steer():
                yield number, record
                if isinstance(record, Event):
                    steered |= record.type == "steered"
                    if trainer is speaker:
                        yield None, record
            trainer.requests = list
        self.clock.pace = speaker.clock.pace if others else self.clock.pace
        if steered and self.stack:
            self.stack.turn(speaker.config)

    def _chunk(self, request: Request) -> Iterator[SeedRecord]:
        """Paused: train until the next row."""
        ticket, before = {"request": request.get("id")}, self.step
        if not self.first.paused or before >= self.config.train.steps:
            reason = str(UsageError("chunk: the run is not paused"))
            yield None, Event("refused", before, {"op": "chunk", "reason": reason, **ticket})
            return
        rows = self.first.schedule.rows
        taken = rows.taken
        while rows.taken == taken and self.training and self.step < self.config.train.steps:
            yield from self.advance()
        yield None, Event("stepped", self.step, {"steps": self.step - before, **ticket})

    def end(self) -> Iterator[SeedRecord]:
        """Keep every seed's last state and say how it ended."""
        for request in self.requests():
            reason = {"op": request.get("op"), "reason": "the run has ended", "request": request.get("id")}
            yield None, Event("refused", self.step, reason)
        for number, trainer in self.training.items():
            for record in trainer.end():
                yield number, record
        if self.pool:
            self.pool.shutdown()
        if not self.training:
            yield (
                None,
                Event("failed", self.step, {"reason": f"diverged: no seed's loss is finite at step {self.step}"}),
            )
        else:
            yield None, Event(self.first.stopping or "finished", self.step, self.result())

    def _median_step(self, phase: str) -> int | None:
        """The median over all seeds of the step at which it begins; none before half of them have reached it."""
        return median([seed.phases.reached.get(phase) for seed in self.trainers.values()])

    def result(self) -> dict[str, int | None]:
        """Medians over the seeds of t_mem, t_grok and delay, and how many seeds have got there."""
        phases = [seed.phases for seed in self.trainers.values()]
        counts = {name: sum(name in phase.reached for phase in phases) for name in ("memorized", "grokked")}
        medians = {name: median([getattr(phase, name) for phase in phases]) for name in ("t_mem", "t_grok", "delay")}
        return medians | counts

    def about(self) -> dict[str, Any]:
        """As a seed's own, and how the seeds are taken together."""
        about = self.first.about()
        way = "stacked" if self.stack else "in threads" if self.pool else "in turn"
        used = about["used"] | {"backend": about["used"]["backend"] | {"seeds": way}, "threads": self.threads}
        return about | {"used": used}

    @property
    def skipped(self) -> dict[str, int]:
        """Of every seed the same."""
        return self.first.schedule.skipped

    @property
    def missed(self) -> bool:
        """Whether a seed was to grok and has not."""
        return self.stop_on == "grok" and any("grokked" not in seed.phases.reached for seed in self.trainers.values())


def median(steps: Sequence[int | None]) -> int | None:
    """The median, where a seed that is not there yet counts as later than all others; none if that is the median."""
    middle = np.median([inf if step is None else step for step in steps])
    return int(middle) if middle < inf else None


def band(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Median, 10th and 90th percentile over the seeds' rows, by column: X, X@low, X@high."""
    values: dict[str, float] = {}
    for name in rows[0]:
        seen = [row[name] for row in rows if name in row]
        low, middle, high = np.percentile(seen, [LOW, 50, HIGH])
        values |= {name: float(middle), f"{name}@low": float(low), f"{name}@high": float(high)}
    return values
