"""The training loop, as a generator of records. Every run, of one seed or many, is trained by this one.

while steps are left:
    row, kernel, snapshot     when they are due
    steer                     the schedule, the steering of an earlier life of the run, and requests
    advance                   a chunk of steps of every seed
"""

from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any

from ..science.phases import GROKKED, MEMORIZED
from .records import Event, Kernel, Row, SeedRecord
from .run_state import Back, RunState
from .schedule import CHECKPOINT_SECONDS, KERNELS_KEPT_PER_DECADE, Schedule, next_on_grid
from .seed import Seed, band
from .steering import Steering

IDLE_SECONDS = 0.03
"""How often a paused run looks for requests."""
TIMES = {MEMORIZED: "t_mem", GROKKED: "t_grok"}


class Trainer(RunState):
    """One run: iterate over it to train. The arguments are those of `RunState`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.steering = Steering(self)

    def __iter__(self) -> Iterator[SeedRecord]:
        self._entered = {phase for phase, name in TIMES.items() if self.has_many and self.result()[name] is not None}
        if self.is_new:
            yield from self.measure()
        while True:
            yield from self.steer()
            while self.steering.is_waiting and not self.stopping:
                sleep(IDLE_SECONDS)
                yield from self.steer()
            if self.stopping or self.step >= self.config.train.steps:
                break
            yield from self.advance()
            yield from self.measure()
        yield from self.end()

    def steer(self) -> Iterator[SeedRecord]:
        """Change what is to be changed before the next step."""
        self.steering.poll()
        if self.steering.needs_row():
            yield from self.measure(forced=True)
        yield from self.steering.apply()

    def advance(self) -> Iterator[SeedRecord]:
        """Take steps up to the next thing due, but no more than a chunk, so that requests are answered soon."""
        if self.schedule.is_coarse and self.step == self.schedule.last_row:
            tensors = [seed.learner.state() if seed.is_alive else {} for seed in self.seeds]
            self.back = Back(self.step, self.schedule.state(), tensors)
        seeds, steps = self.alive, min(self.clock.chunk, self.next_due() - self.step)
        with self.clock.training(steps):
            self.stepper.advance(steps, seeds)
        self.step += steps
        self.schedule.work += steps * self.schedule.costs.step
        if progress := self.clock.progress(self.step):
            yield None, progress

    def next_due(self) -> int:
        """The next step at which something else than training happens."""
        due = [self.config.train.steps, self.next_checkpoint, self.wait_until, *self.schedule.next_steps()]
        due += [step for seed in self.alive for step in seed.next_steps()]
        return min(step for step in due if step > self.step)

    def measure(self, *, forced: bool = False) -> Iterator[SeedRecord]:
        """Take the row, the kernels and the snapshot that are due at this step; forced: a row in any case."""
        row, kernel = self.schedule.take(self.step, last=self.step == self.config.train.steps)
        if (row or forced) and self.schedule.last_row < self.step:
            yield from self._measure_row(kernel)
        if self.schedule.last_row == self.step:
            yield from self.steering.row_taken()
        is_old = monotonic() - self.snapshot_time > CHECKPOINT_SECONDS
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
        if any(begun) and self.back and self.step - before > self.schedule.resolution(self.step):
            self.go_back(self.back)
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
                yield from self._enter(seed, phase, max(before, 0))
            if matrix is not None and kept:
                yield self.key(seed), Kernel(self.step, matrix)
        yield from self._sum_up([row for seed, row in zip(seeds, rows, strict=True) if seed.is_alive])

    def go_back(self, back: Back) -> None:
        """A phase begins somewhere since the last row: train again from there, with rows close enough to date it."""
        until = self.step
        for seed, tensors in zip(self.seeds, back.tensors, strict=True):
            if seed.is_alive:
                seed.learner.load(tensors)
        self.step = back.step
        self.schedule = Schedule.from_state(back.schedule)
        self.schedule.fine_until = self.wait_until = until
        self.clock.restart(self.step)

    def _enter(self, seed: Seed, phase: str, before: int) -> Iterator[SeedRecord]:
        """A phase of a seed begins with this row: keep its state."""
        seed.phases.enter(phase, before, self.step)
        seed.learner.on_phase(phase)
        yield self.key(seed), Event("phase", self.step, {"phase": phase, "after": before})
        yield self.key(seed), self.snapshot_of(seed, phase)

    def _fail(self, seed: Seed, reason: str) -> Iterator[SeedRecord]:
        seed.is_alive = False
        yield self.key(seed), Event("failed", self.step, {"reason": f"diverged at step {self.step}: {reason}"})
        if not self.alive:
            self.stopping = "failed"
            if self.has_many:
                yield None, Event("failed", self.step, {"reason": f"diverged by step {self.step}: every seed"})

    def _sum_up(self, rows: list[dict[str, float]]) -> Iterator[SeedRecord]:
        """The row and the phases of the run as a whole, and whether its target is reached."""
        if not rows:
            return
        if self.has_many:
            yield None, Row(self.step, band(rows))
            result = self.result()
            for phase, name in TIMES.items():
                if phase not in self._entered and result[name] is not None:
                    self._entered.add(phase)
                    after = result["interval"][name][0]
                    yield None, Event("phase", self.step, {"phase": phase, "after": after})
                    yield from self.snapshot(phase)
        if self.stop_on == "grok" and all(GROKKED in seed.phases.reached for seed in self.alive):
            self.stopping = "finished"

    def end(self) -> Iterator[SeedRecord]:
        """Keep the last finite state and say how the run ended."""
        yield from self.steering.refuse_all()
        self.stepper.close()
        status = self.stopping or "finished"
        if status == "failed":
            return  # an event has said so
        yield from self.snapshot(status)
        if self.has_many:
            yield from ((seed.number, Event(status, self.step, seed.result())) for seed in self.alive)
        yield None, Event(status, self.step, self.result())
