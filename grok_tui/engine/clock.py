"""Wall time around training: how large a chunk may be, how fast a watched run goes, and where the time went.

Nothing here changes a number that is computed, or the step at which it is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from time import perf_counter, sleep

import torch

from .records import Progress

CHUNK_SECONDS = 0.03
"""A chunk lasts about this long, so that a request is heard within it."""

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
        """Count the speed from here, after time in which nothing was trained."""
        self._told = (perf_counter(), step)

    @contextmanager
    def training(self, steps: int) -> Iterator[None]:
        """Time `steps` steps, learn from it how many fit a chunk, and wait where the pace asks for it.

        0 steps: only begin one.
        """
        start = perf_counter()
        yield
        self._synchronize()
        seconds = perf_counter() - start
        self._training += seconds
        if not steps:
            return
        self._step_seconds = min(seconds / steps, 1.5 * self._step_seconds)
        self.chunk = max(1, int(CHUNK_SECONDS * min(1 / self._step_seconds, self.pace or inf)))
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
        """A progress record where the last one is about a second old."""
        now, (then, told) = perf_counter(), self._told
        if now - then < PROGRESS_SECONDS:
            return None
        self._told = (now, step)
        self.speed = (step - told) / (now - then)
        return Progress(step, self.speed, self.measuring_share)
