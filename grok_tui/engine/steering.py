"""Steering: the schedule, the steering of an earlier life of the run, and requests, applied between two chunks of steps.

Nothing that is asked can end a run: what makes no sense at its step is refused, with the reason, as an event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..config.steering import check_pace
from ..errors import UsageError
from .records import Event, SeedRecord
from .seed import Seed

if TYPE_CHECKING:
    from .trainer import Trainer

Request = dict[str, Any]


class Steering:
    """Changes a trainer between its steps, and answers the requests that come in."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.is_paused = False
        self.until_row: Request | None = None
        """The request to train until the next row, while paused."""
        self.pending: list[Request] = []

    @property
    def is_waiting(self) -> bool:
        """Whether training waits for a request."""
        return self.is_paused and self.until_row is None

    def apply(self) -> Iterator[SeedRecord]:
        """Apply what the schedule, an earlier life of this run, and new requests ask for."""
        self.pending += self.trainer.requests()
        while any(request.get("op") == "stop" for request in self.pending):  # stopping never waits
            at = next(i for i, request in enumerate(self.pending) if request.get("op") == "stop")
            yield from self.answer(self.pending.pop(at))
        if self.trainer.step < self.trainer.wait_until:
            return
        if (
            self.trainer.schedule.is_coarse
            and self.trainer.schedule.last_row < self.trainer.step
            and self._will_change()
        ):
            yield from self.trainer.measure(forced=True)
            if self.trainer.step < self.trainer.wait_until:
                return  # a phase began: training is repeated up to here
        for seed in self.trainer.alive:
            yield from self._apply_schedule(seed)
            yield from self._repeat(seed)
        while self.pending and not self.until_row:
            yield from self.answer(self.pending.pop(0))

    def _will_change(self) -> bool:
        """Whether a knob is about to be set at this step."""
        has_entry = any(seed.due_entries(self.trainer.step) for seed in self.trainer.alive)
        has_past = any(event["step"] <= self.trainer.step for seed in self.trainer.alive for event in seed.repeated[:1])
        return has_entry or has_past or any(request.get("op") == "steer" for request in self.pending)

    def _apply_schedule(self, seed: Seed) -> Iterator[SeedRecord]:
        for i in seed.due_entries(self.trainer.step):
            for key, value in self.trainer.config.schedule[i].set.items():
                yield from self._set([seed], {key: value}, by="schedule")
            seed.scheduled.remove(i)

    def _repeat(self, seed: Seed) -> Iterator[SeedRecord]:
        """What a user did in an earlier life of the run, at the step at which it was done."""
        while seed.repeated and seed.repeated[0]["step"] <= self.trainer.step:
            event = seed.repeated.pop(0)
            about = {"request": event.get("request")}
            if event["type"] == "steered":
                yield from self._set([seed], {event["key"]: event["new"]}, by="request", **about)
                continue
            for key in dict.fromkeys(
                [self.trainer.key(seed), None] if seed is self.trainer.first else [self.trainer.key(seed)]
            ):
                yield key, Event("marked", self.trainer.step, {"label": event.get("label", ""), **about})

    def _set(self, seeds: list[Seed], changes: Mapping[str, Any], by: str, **about: Any) -> Iterator[SeedRecord]:
        """Change knobs of `seeds` before the next step, or refuse all of the changes. The state before is kept."""
        try:
            resolved = [[seed.resolve(key, value) for key, value in changes.items()] for seed in seeds]
        except (UsageError, ArithmeticError, ValueError, TypeError) as error:
            if seeds[0] is self.trainer.first:
                yield (
                    None,
                    Event("refused", self.trainer.step, {"op": "steer", "reason": str(error), "by": by, **about}),
                )
            return
        yield from self.trainer.snapshot("steered")
        for i in range(len(changes)):
            for seed, values in zip(seeds, resolved, strict=True):
                event = seed.change(*values[i], self.trainer.step, by=by, **about)
                for key in dict.fromkeys(
                    [self.trainer.key(seed), None] if seed is self.trainer.first else [self.trainer.key(seed)]
                ):
                    yield key, event
        self.trainer.stepper.set_knobs(self.trainer.seeds)

    def answer(self, request: Request) -> Iterator[SeedRecord]:
        """Do what a request asks, or refuse it with the reason; either is an event that carries the request's id."""
        op, about = request.get("op"), {"request": request.get("id")}
        try:
            match op:
                case "steer":
                    changes = request.get("set")
                    if not isinstance(changes, dict) or not changes:
                        raise UsageError("steer: expected set = {key: value}")
                    yield from self._set(
                        self.trainer.alive, {str(k): v for k, v in changes.items()}, by="request", **about
                    )
                case "pause" if not self.is_paused:
                    self.is_paused = True
                    yield from self.trainer.snapshot("paused")
                    yield from self.trainer.tell("paused", **about)
                case "continue" if self.is_paused:
                    self.is_paused, self.until_row = False, None
                    self.trainer.clock.restart(self.trainer.step)
                    yield from self.trainer.tell("continued", **about)
                case "chunk" if (
                    self.is_paused and not self.until_row and self.trainer.step < self.trainer.config.train.steps
                ):
                    self.until_row = {"since": self.trainer.step, **about}
                case "stop":
                    self.trainer.stopping = self.trainer.stopping or "interrupted"
                    yield from self.trainer.tell("stopped", **about)
                case "mark":
                    yield from self.trainer.snapshot("marked")
                    yield from self.trainer.tell("marked", label=str(request.get("label") or "")[:40], **about)
                case "pace":
                    self.trainer.clock.pace = check_pace(request.get("pace"))
                    yield from self.trainer.tell("paced", pace=self.trainer.clock.pace, **about)
                case "pause" | "continue" | "chunk":
                    raise UsageError(f"{op}: the run is {'paused' if self.is_paused else 'not paused'}")
                case _:
                    raise UsageError(f"{str(op)[:40]}: no such request")
        except UsageError as error:
            yield None, Event("refused", self.trainer.step, {"op": op, "reason": str(error), **about})

    def row_taken(self) -> Iterator[SeedRecord]:
        """A row was measured: if training until it was asked for, that is done."""
        if self.until_row is not None:
            steps, id, self.until_row = self.trainer.step - self.until_row["since"], self.until_row["request"], None
            yield from self.trainer.tell("stepped", steps=steps, request=id)

    def refuse_all(self) -> Iterator[SeedRecord]:
        """The run has ended: nothing more can be done."""
        for request in self.pending + self.trainer.requests():
            about = {"op": request.get("op"), "reason": "the run has ended", "request": request.get("id")}
            yield None, Event("refused", self.trainer.step, about)
