"""The training loop, as a generator of records. Headless runs, the trainer thread and the tests all run this one.

while steps are left:
    row, kernel, snapshot     where they are due
    steer                     the schedule, what a resumed run was told before, and requests
    advance                   a chunk of steps
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from time import sleep
from typing import Any

import torch

from ..config.fields import NORM, get, replace, steerable
from ..config.schema import RunConfig
from ..errors import UsageError
from ..science.phases import PhaseDetector
from ..store.checkpoints import Checkpoint
from .backend import Backend
from .clock import Clock
from .learner import build_learner
from .records import Event, Kernel, Record, Row, Snapshot
from .schedule import Schedule, next_on_grid
from .steering import check_pace, resolve

Request = dict[str, Any]

FIRST_CHECKPOINT = 10
"""The first after that of step 0."""
CHECKPOINTS_PER_DECADE = 8
KERNELS_KEPT_PER_DECADE = 4
IDLE_SECONDS = 0.03
"""How often a paused run looks for requests."""


class Trainer:
    """One run: iterate over it to train.

    backend: which kernels compute a step; None: the fastest.
    requests: gives the requests that came in since it was last called.
    told: the `steered` events of an earlier life of this run, applied again at their steps.
    checkpoint: go on from here; the records are then those that a run never stopped would have yielded.
    """

    def __init__(
        self,
        config: RunConfig,
        device: torch.device,
        backend: Backend | None = None,
        *,
        requests: Callable[[], list[Request]] = list,
        told: list[dict[str, Any]] | None = None,
        checkpoint: Checkpoint | None = None,
        stop_on: str | None = None,
        pace: float = 0.0,
    ) -> None:
        self.config = config
        self.requests = requests
        self.told = told or []
        self.stop_on = stop_on
        self.step = 0
        self.paused = False
        self.stopping: str | None = None
        self.device = device
        self.learner = build_learner(config, device, backend)
        self.columns = self.learner.columns
        self.phases = PhaseDetector(**{name: getattr(config.phase, name) for name in config.phase.__struct_fields__})
        self.scheduled = list(range(len(config.schedule)))  # entries still to come
        self.clock = Clock(device, pace)
        self.snapshot_step = -1  # of the newest snapshot
        self.next_checkpoint = 0
        self.next_kept_kernel = 0
        self.resumed = checkpoint is not None
        if checkpoint is None:
            self.schedule = Schedule.of(self.learner, config.measure)
        else:
            self._restore(checkpoint)

    def __iter__(self) -> Iterator[Record]:
        if not self.resumed:
            yield from self.measure()
        while True:
            yield from self.steer()
            while self.paused and not self.stopping:
                sleep(IDLE_SECONDS)
                yield from self.steer()
            if self.stopping or self.step >= self.config.train.steps:
                break
            yield from self.advance()
            yield from self.measure()
        yield from self.end()

    def advance(self) -> Iterator[Record]:
        """Take steps up to the next thing due, but no more than a chunk, so that requests are heard soon."""
        steps = min(self.clock.chunk, self.next_due() - self.step)
        with self.clock.training(steps):
            self.learner.advance(steps)
        self.count(steps)
        if progress := self.clock.progress(self.step):
            yield progress

    def count(self, steps: int) -> None:
        """`steps` more were taken."""
        self.step += steps
        self.schedule.work += steps * self.schedule.step_cost

    def next_due(self) -> int:
        """The next step at which something else than training happens."""
        due = [self.config.train.steps, self.next_checkpoint, *self.schedule.next_steps()]
        due += [step for i in self.scheduled if (step := self.config.schedule[i].step) is not None]
        due += [event["step"] for event in self.told]
        return min(step for step in due if step > self.step)

    def measure(self) -> Iterator[Record]:
        """Take the row, the kernel and the snapshot that are due at this step."""
        row_due, kernel_due = self.schedule.due(self.step, last=self.step == self.config.train.steps)
        if row_due:
            with self.clock.training(0):
                self.learner.prepare()
        with self.clock.measuring():
            values = self.learner.evaluate() if row_due else {}
            matrix, readings = self.learner.measure_kernel() if kernel_due else (None, {})
        if values:
            yield Row(self.step, values | readings)
            if not isfinite(values["train/loss"]) or not isfinite(values["norm/weight"]):
                self.stopping = "failed"
                return
            yield from self.enter_phases(values)
        if matrix is not None and self.step >= self.next_kept_kernel:
            self.next_kept_kernel = next_on_grid(self.step, KERNELS_KEPT_PER_DECADE, self.config.train.steps)
            yield Kernel(self.step, matrix)
        if self.step >= self.next_checkpoint:
            yield from self.snapshot("log-spaced")

    def enter_phases(self, values: dict[str, float]) -> Iterator[Record]:
        """Say which phases begin with this row, and keep the state at their beginning."""
        for phase in self.phases.see(self.step, values):
            self.learner.enter(phase)
            yield Event("phase", self.step, {"phase": phase})
            yield from self.snapshot(phase)
            if phase == "grokked" and self.stop_on == "grok":
                self.stopping = "finished"

    def snapshot(self, why: str) -> Iterator[Record]:
        """Keep this step, once, unless the weights are no longer finite."""
        if self.snapshot_step == self.step or not self.learner.is_finite():
            return
        self.snapshot_step = self.step
        if self.step >= self.next_checkpoint:
            following = next_on_grid(self.step, CHECKPOINTS_PER_DECADE, self.config.train.steps)
            self.next_checkpoint = max(following, FIRST_CHECKPOINT)
        yield Snapshot(self.step, Checkpoint(self.learner.state(), self._meta()), why)

    def steer(self) -> Iterator[Record]:
        """Apply what the schedule, an earlier life of this run, and new requests ask for."""
        for i in list(self.scheduled):
            entry = self.config.schedule[i]
            start = self.phases.reached.get(entry.on) if entry.on else entry.step
            if start is not None and self.step >= start:
                for key, value in entry.set.items():
                    yield from self.turn(key, value, by="schedule")
                self.scheduled.remove(i)
        while self.told and self.told[0]["step"] <= self.step:
            event = self.told.pop(0)
            yield from self.turn(event["key"], event["new"], by="request", request=event.get("request"))
        for request in self.requests():
            yield from self.answer(request)

    def turn(self, key: str, value: Any, **by: Any) -> Iterator[Record]:
        """Change one steerable field, or the norm, before the next step, keeping the state before it."""
        norm = self.learner.norm()
        key, new = resolve(self.config, key, value, norm)
        yield from self.snapshot("steered")
        if key == NORM:
            old, held = norm, self.learner.turn(self.config, norm=new)
        else:
            old = get(self.config, key)
            self.config = replace(self.config, {key: new})
            held = self.learner.turn(self.config)
        yield Event("steered", self.step, {"key": key, "old": old, "new": new, "optimizer": held, **by})

    def answer(self, request: Request) -> Iterator[Record]:
        """Do what a request asks, or refuse it with the reason; either is an event under the request's id."""
        op, ticket = request.get("op"), {"request": request.get("id")}
        try:
            match op:
                case "steer":
                    changes = request.get("set")
                    if not isinstance(changes, dict) or not changes:
                        raise UsageError("steer: expected set = {key: value}")
                    norm = self.learner.norm()
                    resolved = [resolve(self.config, key, value, norm) for key, value in changes.items()]
                    for key, value in resolved:
                        yield from self.turn(key, value, by="request", **ticket)
                case "pause" if not self.paused:
                    self.paused = True
                    yield from self.snapshot("paused")
                    yield Event("paused", self.step, ticket)
                case "continue" if self.paused:
                    self.paused = False
                    self.clock.restart(self.step)
                    yield Event("continued", self.step, ticket)
                case "chunk" if self.paused and self.step < self.config.train.steps:
                    before = self.step
                    yield from self.advance_one_row()
                    yield Event("stepped", self.step, {"steps": self.step - before, **ticket})
                case "stop":
                    self.stopping = "interrupted"
                    yield Event("stopped", self.step, ticket)
                case "mark":
                    yield Event("marked", self.step, {"label": str(request.get("label") or "")[:40], **ticket})
                case "pace":
                    self.clock.pace = check_pace(request.get("pace"))
                    yield Event("paced", self.step, {"pace": self.clock.pace, **ticket})
                case "pause" | "continue" | "chunk":
                    state = "paused" if self.paused else "not paused"
                    raise UsageError(f"{op}: the run is {state}")
                case _:
                    raise UsageError(f"{op}: no such request")
        except UsageError as error:
            yield Event("refused", self.step, {"op": op, "reason": str(error), **ticket})

    def advance_one_row(self) -> Iterator[Record]:
        """Train until the next row has been measured."""
        taken = self.schedule.rows.taken
        while self.schedule.rows.taken == taken and self.step < self.config.train.steps and not self.stopping:
            yield from self.advance()
            yield from self.measure()

    def end(self) -> Iterator[Record]:
        """Keep the last finite state and say how the run ended."""
        for request in self.requests():
            reason = {"op": request.get("op"), "reason": "the run has ended", "request": request.get("id")}
            yield Event("refused", self.step, reason)
        status = self.stopping or "finished"
        if status == "failed":
            yield Event("failed", self.step, {"reason": f"diverged: the loss is not finite at step {self.step}"})
            return
        yield from self.snapshot(status)
        yield Event(status, self.step, self.result())

    def result(self) -> dict[str, int | None]:
        """t_mem, t_grok and delay in steps, each none where it was not reached."""
        return {"t_mem": self.phases.t_mem, "t_grok": self.phases.t_grok, "delay": self.phases.delay}

    def about(self) -> dict[str, Any]:
        """How this is computed."""
        used = {
            "device": str(self.device),
            "backend": self.learner.backend.as_dict(),
            "threads": torch.get_num_threads(),
        }
        return {"used": used, "parameters": self.learner.parameters}

    @property
    def skipped(self) -> dict[str, int]:
        """Rows and kernels that the measuring budget has forbidden."""
        return self.schedule.skipped

    @property
    def missed(self) -> bool:
        """Whether it was to stop at grokking and has not grokked."""
        return self.stop_on == "grok" and self.phases.t_grok is None

    def _meta(self) -> dict[str, Any]:
        """The trainer's own state, beside the learner's."""
        return {
            "step": self.step,
            "reached": dict(self.phases.reached),
            "scheduled": list(self.scheduled),
            **self.schedule.state(),
            "next_checkpoint": self.next_checkpoint,
            "next_kept_kernel": self.next_kept_kernel,
            "steered": steerable(self.config),
        }

    def _restore(self, checkpoint: Checkpoint) -> None:
        meta = checkpoint.meta
        self.step = meta["step"]
        self.phases.reached = dict(meta["reached"])
        self.scheduled = list(meta["scheduled"])
        self.schedule = Schedule.from_state(meta)
        self.next_checkpoint, self.next_kept_kernel = meta["next_checkpoint"], meta["next_kept_kernel"]
        self.snapshot_step = self.step
        self.config = replace(self.config, meta["steered"])
        self.learner.load(checkpoint.tensors)
        self.learner.turn(self.config)
        self.clock.restart(self.step)
