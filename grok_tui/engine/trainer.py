"""The training loop, as a generator of records. Every run, of one seed or many, is trained by this one.

while steps are left:
    row, kernel, snapshot     when they are due
    steer                     the schedule, the steering of an earlier life of the run, and requests
    advance                   a chunk of steps of every seed
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic, sleep
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..config.fields import replace
from ..config.schema import RunConfig
from ..config.steering import check_pace
from ..errors import UsageError
from ..science.phases import GROKKED, MEMORIZED
from ..store.checkpoints import Checkpoint
from .backend import Backend, choose
from .clock import Clock
from .feature_learner import FeatureLearner
from .gradient_learner import GradientLearner
from .learner import Learner
from .op_cost import cost
from .records import Event, Kernel, Row, SeedRecord, Snapshot
from .schedule import Schedule, next_on_grid
from .seed import Seed, band, joint_result
from .steppers import build_stepper, choose_stepper

Request = dict[str, Any]

FIRST_CHECKPOINT = 10
"""The first after that of step 0."""
CHECKPOINTS_PER_DECADE = 8
CHECKPOINT_SECONDS = 240.0
"""Most seconds between two checkpoints. One is saved at the end of a chunk or a row, so that five minutes are kept."""
KERNELS_KEPT_PER_DECADE = 4
IDLE_SECONDS = 0.03
"""How often a paused run looks for requests."""
BACK = "back/"
"""Prefix in a checkpoint of the state to which a run may have to go back."""


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


class Trainer:
    """One run: iterate over it to train.

    seeds: numbers of the seeds, trained together at the same steps; None: the one of the config.
    stepper: how the seeds are advanced, see `steppers`; None: the fastest.
    requests: returns the requests that came in since it was last called.
    checkpoints: go on from these, one per seed by its number. The records are then those that a run never stopped
        would have yielded.
    failed: by number, the results of seeds that have diverged before.
    repeat: by seed number, `steered` and `marked` events of an earlier life of the run, repeated at their steps.
    """

    def __init__(
        self,
        config: RunConfig,
        device: torch.device,
        backend: Backend | None = None,
        *,
        seeds: Sequence[int] | None = None,
        stepper: str | None = None,
        requests: Callable[[], list[Request]] = list,
        checkpoints: Mapping[int, Checkpoint] | None = None,
        failed: Mapping[int, dict[str, Any]] | None = None,
        repeat: Mapping[int, list[dict[str, Any]]] | None = None,
        stop_on: str | None = None,
        pace: float = 0.0,
    ) -> None:
        self.config, self.device, self.requests, self.stop_on = config, device, requests, stop_on
        self.step = 0
        self.stopping: str | None = None
        self.clock = Clock(device, pace)
        self.is_paused = False
        self._until_row: Request | None = None  # the request to train until the next row, while paused
        self._pending: list[Request] = []
        self._wait_until = 0  # after going back, requests wait until this step
        self._back: Back | None = None
        self._entered: set[str] = set()  # phases that half of the seeds have reached
        self._snapshot_step, self._snapshot_time = -1, monotonic()
        self.next_checkpoint = self.next_kept_kernel = 0
        configs = [replace(config, {"train.seed": n}) for n in (seeds or [config.train.seed])]
        self.seeds = [Seed(one, build_learner(one, device, backend)) for one in configs]
        self.has_many = len(self.seeds) > 1
        self.is_resumed = bool(checkpoints)
        costs = self.seeds[0].learner.costs()
        self.stepper_name = stepper or choose_stepper(config, device, self.seeds, costs.step)
        self.stepper = build_stepper(self.stepper_name, self.seeds)
        if checkpoints:
            self._restore(checkpoints, failed or {}, repeat or {})
        else:
            if self.stepper_name == "batched":
                costs = costs._replace(step=self._batched_cost())
            self.schedule = Schedule.of(costs, config.measure, config.train.steps)

    def _batched_cost(self) -> float:
        """Counted cost of a step per seed, if all seeds are stepped in one batch."""
        before = [seed.learner.state() for seed in self.seeds]
        self.stepper.advance(1, self.seeds)
        step = cost(lambda: self.stepper.advance(1, self.seeds)) / len(self.seeds)
        for seed, state in zip(self.seeds, before, strict=True):
            seed.learner.load(state)
        return step

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

    def __iter__(self) -> Iterator[SeedRecord]:
        if not self.is_resumed:
            yield from self.measure()
        while True:
            yield from self.steer()
            while self.is_paused and not self._until_row and not self.stopping:
                sleep(IDLE_SECONDS)
                yield from self.steer()
            if self.stopping or self.step >= self.config.train.steps:
                break
            yield from self.advance()
            yield from self.measure()
        yield from self.end()

    def key(self, seed: Seed) -> int | None:
        """How the records of a seed are marked."""
        return seed.number if self.has_many else None

    def tell(self, type: str, **data: Any) -> Iterator[SeedRecord]:
        """An event of the run as a whole, and of each seed that is still training."""
        if self.has_many:
            yield from ((seed.number, Event(type, self.step, data)) for seed in self.alive)
        yield None, Event(type, self.step, data)

    def advance(self) -> Iterator[SeedRecord]:
        """Take steps up to the next thing due, but no more than a chunk, so that requests are answered soon."""
        if self.schedule.is_coarse and self.step == self.schedule.last_row:
            tensors = [seed.learner.state() if seed.is_alive else {} for seed in self.seeds]
            self._back = Back(self.step, self.schedule.state(), tensors)
        seeds, steps = self.alive, min(self.clock.chunk, self.next_due() - self.step)
        with self.clock.training(steps):
            self.stepper.advance(steps, seeds)
        self.step += steps
        self.schedule.work += steps * self.schedule.costs.step
        if progress := self.clock.progress(self.step):
            yield None, progress

    def next_due(self) -> int:
        """The next step at which something else than training happens."""
        due = [self.config.train.steps, self.next_checkpoint, self._wait_until, *self.schedule.next_steps()]
        due += [step for seed in self.alive for step in seed.next_steps()]
        return min(step for step in due if step > self.step)

    def measure(self, *, forced: bool = False) -> Iterator[SeedRecord]:
        """Take the row, the kernels and the snapshot that are due at this step; forced: a row in any case."""
        row, kernel = self.schedule.take(self.step, last=self.step == self.config.train.steps)
        if (row or forced) and self.schedule.last_row < self.step:
            yield from self._measure_row(kernel)
        if self._until_row is not None and self.schedule.last_row == self.step:
            since, request, self._until_row = self._until_row["since"], self._until_row["id"], None
            yield from self.tell("stepped", steps=self.step - since, request=request)
        is_old = monotonic() - self._snapshot_time > CHECKPOINT_SECONDS
        if self.step >= self.next_checkpoint or is_old:
            yield from self.snapshot("log-spaced" if self.step >= self.next_checkpoint else "timed")

    def _measure_row(self, kernel: bool) -> Iterator[SeedRecord]:
        """The row of every seed at this step, and what begins or ends with it."""
        seeds, before = self.alive, self.schedule.last_row
        with self.clock.training(0):
            self.stepper.each(lambda seed: seed.learner.prepare(), seeds)
        with self.clock.measuring():
            rows = self.stepper.each(lambda seed: seed.learner.evaluate(), seeds)
        begun = [seed.phases.beginning(row) for seed, row in zip(seeds, rows, strict=True)]
        if any(begun) and self._back and self.step - before > self.schedule.resolution(self.step):
            self.go_back()
            return
        has_kernels = self.config.measure.kernel_per_decade > 0
        kept = kernel and self.step >= self.next_kept_kernel
        if kept:
            self.next_kept_kernel = next_on_grid(self.step, KERNELS_KEPT_PER_DECADE, self.config.train.steps)
        self.schedule.last_row = self.step
        for seed, row, phases in zip(seeds, rows, begun, strict=True):
            matrix = None
            if kernel or (phases and has_kernels):
                with self.clock.measuring():
                    matrix, readings = seed.learner.measure_kernel()
                row |= readings
            yield self.key(seed), Row(self.step, row)
            if reason := seed.diverged(row, before):
                yield from self._fail(seed, reason)
                continue
            seed.last_row = row
            for phase in phases:
                yield from self._enter(seed, phase, before)
            if matrix is not None and kept:
                yield self.key(seed), Kernel(self.step, matrix)
        yield from self._sum_up([row for seed, row in zip(seeds, rows, strict=True) if seed.is_alive])

    def go_back(self) -> None:
        """A phase begins somewhere since the last row: train again from there, with rows close enough to date it."""
        assert self._back is not None
        until = self.step
        for seed, tensors in zip(self.seeds, self._back.tensors, strict=True):
            if seed.is_alive:
                seed.learner.load(tensors)
        self.step = self._back.step
        self.schedule = Schedule.from_state(self._back.schedule)
        self.schedule.fine_until = self._wait_until = until
        self.clock.restart(self.step)

    def _enter(self, seed: Seed, phase: str, before: int) -> Iterator[SeedRecord]:
        """A phase of a seed begins with this row: keep its state."""
        seed.phases.enter(phase, max(before, 0), self.step)
        seed.learner.on_phase(phase)
        yield self.key(seed), Event("phase", self.step, {"phase": phase, "after": max(before, 0)})
        if self.has_many:
            yield seed.number, self._snapshot_of(seed, phase)
        else:
            yield from self.snapshot(phase)

    def _fail(self, seed: Seed, reason: str) -> Iterator[SeedRecord]:
        seed.is_alive = False
        yield self.key(seed), Event("failed", self.step, {"reason": f"diverged at step {self.step}: {reason}"})
        if not self.alive:
            self.stopping = "failed"
            if self.has_many:
                yield None, Event("failed", self.step, {"reason": f"diverged at step {self.step}: every seed's loss"})

    def _sum_up(self, rows: list[dict[str, float]]) -> Iterator[SeedRecord]:
        """The row and the phases of the run as a whole, and whether its target is reached."""
        if not rows:
            return
        if self.has_many:
            yield None, Row(self.step, band(rows))
            result = self.result()
            for phase, name in ((MEMORIZED, "t_mem"), (GROKKED, "t_grok")):
                if phase not in self._entered and result[name] is not None:
                    self._entered.add(phase)
                    after = result["interval"][name][0]
                    yield None, Event("phase", self.step, {"phase": phase, "after": after})
                    yield from self.snapshot(phase)
        if self.stop_on == "grok" and all(GROKKED in seed.phases.reached for seed in self.alive):
            self.stopping = "finished"

    def snapshot(self, why: str) -> Iterator[SeedRecord]:
        """Keep this step of every seed, once, unless its weights are no longer finite."""
        if self._snapshot_step == self.step:
            return
        self._snapshot_step, self._snapshot_time = self.step, monotonic()
        if self.step >= self.next_checkpoint:
            following = next_on_grid(self.step, CHECKPOINTS_PER_DECADE, self.config.train.steps)
            self.next_checkpoint = max(following, FIRST_CHECKPOINT)
        for seed in self.alive:
            if seed.learner.is_finite():
                yield self.key(seed), self._snapshot_of(seed, why)

    def _snapshot_of(self, seed: Seed, why: str) -> Snapshot:
        tensors = seed.learner.state()
        meta = {
            "step": self.step,
            "schedule": self.schedule.state(),
            "next_checkpoint": self.next_checkpoint,
            "next_kept_kernel": self.next_kept_kernel,
            "wait_until": self._wait_until,
            **seed.meta(),
        }
        if self._back is not None and self.schedule.last_row < self.step:
            back = self._back.tensors[self.seeds.index(seed)]
            tensors |= {f"{BACK}{name}": tensor for name, tensor in back.items()}
            meta["back"] = {"step": self._back.step, "schedule": self._back.schedule}
        return Snapshot(self.step, Checkpoint(tensors, meta), why)

    def steer(self) -> Iterator[SeedRecord]:
        """Apply what the schedule, an earlier life of this run, and new requests ask for."""
        self._pending += self.requests()
        while any(request.get("op") == "stop" for request in self._pending):  # stopping never waits
            at = next(i for i, request in enumerate(self._pending) if request.get("op") == "stop")
            yield from self.answer(self._pending.pop(at))
        if self.step < self._wait_until:
            return
        if self.schedule.is_coarse and self.schedule.last_row < self.step and self._will_change():
            yield from self.measure(forced=True)
            if self.step < self._wait_until:
                return  # a phase began: training is repeated up to here
        for seed in self.alive:
            yield from self._apply_schedule(seed)
            yield from self._repeat(seed)
        while self._pending and not self._until_row:
            yield from self.answer(self._pending.pop(0))

    def _will_change(self) -> bool:
        """Whether a knob is about to be set at this step."""
        has_entry = any(seed.due_entries(self.step) for seed in self.alive)
        has_past = any(event["step"] <= self.step for seed in self.alive for event in seed.repeated[:1])
        return has_entry or has_past or any(request.get("op") == "steer" for request in self._pending)

    def _apply_schedule(self, seed: Seed) -> Iterator[SeedRecord]:
        for i in seed.due_entries(self.step):
            for key, value in self.config.schedule[i].set.items():
                yield from self._set([seed], {key: value}, by="schedule")
            seed.scheduled.remove(i)

    def _repeat(self, seed: Seed) -> Iterator[SeedRecord]:
        """What a user did in an earlier life of the run, at the step at which it was done."""
        while seed.repeated and seed.repeated[0]["step"] <= self.step:
            event = seed.repeated.pop(0)
            about = {"request": event.get("request")}
            if event["type"] == "steered":
                yield from self._set([seed], {event["key"]: event["new"]}, by="request", **about)
                continue
            for key in dict.fromkeys([self.key(seed), None] if seed is self.first else [self.key(seed)]):
                yield key, Event("marked", self.step, {"label": event.get("label", ""), **about})

    def _set(self, seeds: list[Seed], changes: Mapping[str, Any], by: str, **about: Any) -> Iterator[SeedRecord]:
        """Change knobs of `seeds` before the next step, or refuse all of the changes. The state before is kept."""
        try:
            resolved = [[seed.resolve(key, value) for key, value in changes.items()] for seed in seeds]
        except (UsageError, ArithmeticError, ValueError, TypeError) as error:
            if seeds[0] is self.first:
                yield None, Event("refused", self.step, {"op": "steer", "reason": str(error), "by": by, **about})
            return
        yield from self.snapshot("steered")
        for i in range(len(changes)):
            for seed, values in zip(seeds, resolved, strict=True):
                event = seed.change(*values[i], self.step, by=by, **about)
                for key in dict.fromkeys([self.key(seed), None] if seed is self.first else [self.key(seed)]):
                    yield key, event
        self.stepper.set_knobs(self.seeds)

    def answer(self, request: Request) -> Iterator[SeedRecord]:
        """Do what a request asks, or refuse it with the reason; either is an event that carries the request's id."""
        op, about = request.get("op"), {"request": request.get("id")}
        try:
            match op:
                case "steer":
                    changes = request.get("set")
                    if not isinstance(changes, dict) or not changes:
                        raise UsageError("steer: expected set = {key: value}")
                    yield from self._set(self.alive, {str(k): v for k, v in changes.items()}, by="request", **about)
                case "pause" if not self.is_paused:
                    self.is_paused = True
                    yield from self.snapshot("paused")
                    yield from self.tell("paused", **about)
                case "continue" if self.is_paused:
                    self.is_paused, self._until_row = False, None
                    self.clock.restart(self.step)
                    yield from self.tell("continued", **about)
                case "chunk" if self.is_paused and not self._until_row and self.step < self.config.train.steps:
                    self._until_row = {"since": self.step, **about, "id": request.get("id")}
                case "stop":
                    self.stopping = self.stopping or "interrupted"
                    yield from self.tell("stopped", **about)
                case "mark":
                    yield from self.snapshot("marked")
                    yield from self.tell("marked", label=str(request.get("label") or "")[:40], **about)
                case "pace":
                    self.clock.pace = check_pace(request.get("pace"))
                    yield from self.tell("paced", pace=self.clock.pace, **about)
                case "pause" | "continue" | "chunk":
                    raise UsageError(f"{op}: the run is {'paused' if self.is_paused else 'not paused'}")
                case _:
                    raise UsageError(f"{str(op)[:40]}: no such request")
        except UsageError as error:
            yield None, Event("refused", self.step, {"op": op, "reason": str(error), **about})

    def end(self) -> Iterator[SeedRecord]:
        """Keep the last finite state and say how the run ended."""
        for request in self._pending + self.requests():
            about = {"op": request.get("op"), "reason": "the run has ended", "request": request.get("id")}
            yield None, Event("refused", self.step, about)
        self.stepper.close()
        status = self.stopping or "finished"
        if status == "failed":
            return  # said when it happened
        yield from self.snapshot(status)
        if self.has_many:
            for seed in self.alive:
                yield seed.number, Event(status, self.step, seed.result())
        yield None, Event(status, self.step, self.result())

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

    def _restore(
        self,
        checkpoints: Mapping[int, Checkpoint],
        failed: Mapping[int, dict[str, Any]],
        repeat: Mapping[int, list[dict[str, Any]]],
    ) -> None:
        """Go on from checkpoints: knobs first, then the tensors, which belong to them."""
        for seed in self.seeds:
            if seed.number in checkpoints:
                seed.restore(checkpoints[seed.number].meta)
                seed.repeated = list(repeat.get(seed.number, []))
            else:
                seed.restore_failed(failed[seed.number])
        self.stepper.set_knobs(self.seeds)
        back_tensors: list[dict[str, Tensor]] = []
        for seed in self.seeds:
            kept = checkpoints[seed.number].tensors if seed.is_alive else {}
            back_tensors.append({n.removeprefix(BACK): t for n, t in kept.items() if n.startswith(BACK)})
            if seed.is_alive:
                seed.learner.load({n: t for n, t in kept.items() if not n.startswith(BACK)})
        meta = next(iter(checkpoints.values())).meta
        self.step = self._snapshot_step = meta["step"]
        self._wait_until = meta["wait_until"]
        self.schedule = Schedule.from_state(meta["schedule"])
        self.schedule.steps = self.config.train.steps  # a finished run may be given more steps
        if "back" in meta:
            self._back = Back(meta["back"]["step"], meta["back"]["schedule"], back_tensors)
        self.next_checkpoint, self.next_kept_kernel = meta["next_checkpoint"], meta["next_kept_kernel"]
        self.clock.restart(self.step)
        if self.has_many:
            result = self.result()
            self._entered = {p for p, name in ((MEMORIZED, "t_mem"), (GROKKED, "t_grok")) if result[name] is not None}
