"""Wall time around training: how large a chunk of steps may be, the pace of a watched run, and where time went.

Nothing here changes a number that is computed, or the step at which it is measured.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from time import perf_counter, sleep

import torch

from .records import Progress

CHUNK_SECONDS = 0.03
"""A chunk lasts about this long, so that a request is answered within it."""
PROGRESS_SECONDS = 1.0


class Clock:
    """Times one trainer."""

    def __init__(self, device: torch.device, pace: float) -> None:
        self.device = device
        self.pace = pace
        self.chunk = 1
        self.speed = 0.0
        self._training = self._measuring = 0.0
        self._step_seconds = inf
        self.restart(0)

    def restart(self, step: int) -> None:
        """Measure the speed from `step` on, after time in which nothing was trained."""
        self._since = (perf_counter(), step)

    @contextmanager
    def training(self, steps: int) -> Iterator[None]:
        """Time `steps` steps, learn from it how many fit into a chunk, and wait if the pace asks for it.

        0 steps: only the beginning of one.
        """
        start = perf_counter()
        yield
        self._synchronize()
        seconds = perf_counter() - start
        self._training += seconds
        if not steps:
            return
        self._step_seconds = min(seconds / steps, 1.5 * self._step_seconds)
        self.chunk = max(1, int(CHUNK_SECONDS * min(1 / max(self._step_seconds, 1e-9), self.pace or inf)))
        if self.pace:
            sleep(max(0.0, steps / self.pace - seconds))

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Time a measurement."""
        start = perf_counter()
        yield
        self._measuring += perf_counter() - start

    def _synchronize(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()

    @property
    def measuring_share(self) -> float:
        """Share of the computing so far that went into measuring, 0 to 1."""
        total = self._training + self._measuring
        return self._measuring / total if total else 0.0

    def progress(self, step: int) -> Progress | None:
        """A progress record if the last one is about a second old."""
        now, (then, since) = perf_counter(), self._since
        if now - then < PROGRESS_SECONDS:
            return None
        self._since = (now, step)
        self.speed = max(0.0, (step - since) / (now - then))
        return Progress(step, self.speed, self.measuring_share)
