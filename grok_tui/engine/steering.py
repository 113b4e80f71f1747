"""Steering: the config's schedule, the steering of an earlier life of the run, and requests, between chunks of steps.

Nothing that is asked can end a run: what makes no sense at its step is refused, with the reason, as an event.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..config.steering import check_pace
from ..errors import UsageError
from .records import Event, SeedRecord
from .run_state import RunState
from .seed import Seed

Request = dict[str, Any]


class Steering:
    """Changes a run between its steps, and answers requests."""

    def __init__(self, run: RunState) -> None:
        self.run = run
        self.is_paused = False
        self.until_row: Request | None = None
        """While paused: the request to train until the next row."""
        self.pending: list[Request] = []

    @property
    def is_waiting(self) -> bool:
        """Whether training waits for a request."""
        return self.is_paused and self.until_row is None

    def poll(self) -> None:
        """Take in new requests."""
        self.pending += self.run.requests()

    def needs_row(self) -> bool:
        """Whether a row must be taken before knobs are set: a phase has to be dated by what was set before."""
        run = self.run
        may_change = run.step >= run.wait_until and self._will_change()
        return may_change and run.schedule.is_coarse and run.schedule.last_row < run.step

    def apply(self) -> Iterator[SeedRecord]:
        """Apply what the schedule, an earlier life of this run, and new requests ask for."""
        for request in [request for request in self.pending if request.get("op") == "stop"]:  # stopping never waits
            self.pending.remove(request)
            yield from self.answer(request)
        if self.run.step < self.run.wait_until:
            return  # a phase began: training is repeated up to there
        for seed in self.run.alive:
            yield from self._apply_schedule(seed)
            yield from self._repeat(seed)
        while self.pending and not self.until_row:
            yield from self.answer(self.pending.pop(0))

    def _will_change(self) -> bool:
        """Whether a knob is about to be set at this step."""
        step, seeds = self.run.step, self.run.alive
        has_entry = any(seed.due_entries(step) for seed in seeds)
        has_past = any(event["step"] <= step for seed in seeds for event in seed.repeated[:1])
        return has_entry or has_past or any(request.get("op") == "steer" for request in self.pending)

    def _apply_schedule(self, seed: Seed) -> Iterator[SeedRecord]:
        for i in seed.due_entries(self.run.step):
            for key, value in self.run.config.schedule[i].set.items():
                yield from self._set([seed], {key: value}, by="schedule")
            seed.scheduled.remove(i)

    def _repeat(self, seed: Seed) -> Iterator[SeedRecord]:
        """What a user did in an earlier life of the run, at the step at which it was done."""
        step, key = self.run.step, self.run.key(seed)
        while seed.repeated and seed.repeated[0]["step"] <= step:
            event = seed.repeated.pop(0)
            about = {"request": event.get("request")}
            if event["type"] == "steered":
                yield from self._set([seed], {event["key"]: event["new"]}, by="request", **about)
            else:
                mark = Event("marked", step, {"label": event.get("label", ""), **about})
                yield from ((to, mark) for to in dict.fromkeys((key, None) if seed is self.run.first else (key,)))

    def _set(self, seeds: Sequence[Seed], changes: Mapping[str, Any], by: str, **about: Any) -> Iterator[SeedRecord]:
        """Change knobs of `seeds` before the next step, or refuse all of the changes. The state before is kept."""
        run = self.run
        try:
            resolved = [[seed.resolve(key, value) for key, value in changes.items()] for seed in seeds]
        except (UsageError, ArithmeticError, ValueError, TypeError) as error:
            if seeds[0] is run.first:
                yield None, Event("refused", run.step, {"op": "steer", "reason": str(error), "by": by, **about})
            return
        yield from run.snapshot("steered")
        events = []
        for i in range(len(changes)):
            for seed, values in zip(seeds, resolved, strict=True):
                event = seed.change(*values[i], run.step, by=by, **about)
                yield run.key(seed), event
                events += [event] if seed is run.first else []
        run.stepper.set_knobs(run.seeds)
        if run.has_many:  # last, so that a request that the run has answered has reached every seed
            yield from ((None, event) for event in events)

    def answer(self, request: Request) -> Iterator[SeedRecord]:
        """Do what a request asks, or refuse it with the reason; either is an event that carries the request's id."""
        run, op, about = self.run, request.get("op"), {"request": request.get("id")}
        try:
            match op:
                case "steer":
                    changes = request.get("set")
                    if not isinstance(changes, dict) or not changes:
                        raise UsageError("steer: expected set = {key: value}")
                    yield from self._set(run.alive, {str(k): v for k, v in changes.items()}, by="request", **about)
                case "pause" if not self.is_paused:
                    self.is_paused = True
                    yield from run.snapshot("paused")
                    yield from run.tell("paused", **about)
                case "continue" if self.is_paused:
                    self.is_paused = False
                    run.clock.restart(run.step)
                    yield from run.tell("continued", **about)
                case "chunk" if self.is_paused and run.step < run.config.train.steps:
                    self.until_row = {"since": run.step, **about}
                case "stop":
                    run.stopping = run.stopping or "interrupted"
                    yield from run.tell("stopped", **about)
                case "mark":
                    yield from run.snapshot("marked")
                    yield from run.tell("marked", label=str(request.get("label") or "")[:40], **about)
                case "pace":
                    run.clock.pace = check_pace(request.get("pace"))
                    yield from run.tell("paced", pace=run.clock.pace, **about)
                case "pause" | "continue" | "chunk":
                    raise UsageError(f"{op}: the run is {'paused' if self.is_paused else 'not paused'}")
                case _:
                    raise UsageError(f"{str(op)[:40]}: no such request")
        except UsageError as error:
            yield None, Event("refused", run.step, {"op": str(op)[:40], "reason": str(error), **about})

    def row_taken(self) -> Iterator[SeedRecord]:
        """A row was measured: if a request asked to train until then, it is done."""
        if self.until_row is not None:
            steps, id, self.until_row = self.run.step - self.until_row["since"], self.until_row["request"], None
            yield from self.run.tell("stepped", steps=steps, request=id)

    def refuse_all(self) -> Iterator[SeedRecord]:
        """The run has ended: nothing more can be done."""
        for request in self.pending + self.run.requests():
            about = {"op": request.get("op"), "reason": "the run has ended", "request": request.get("id")}
            yield None, Event("refused", self.run.step, about)
