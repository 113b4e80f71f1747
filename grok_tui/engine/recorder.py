"""Records into a run directory, and run.json in step with them."""

from __future__ import annotations

import os
import socket
from typing import Any, Protocol

import torch

from ..errors import FAILED, FINISHED, INTERRUPTED, TARGET_NOT_REACHED
from ..store import checkpoints
from ..store.run_writer import RunWriter
from ..store.rundir import RunDir, now
from .clock import Clock
from .records import Event, Kernel, Progress, Record, Row, Snapshot


class Training(Protocol):
    """What is recorded: one trainer, or an ensemble of them."""

    clock: Clock
    columns: list[str]

    @property
    def step(self) -> int:
        """The step at which it stands."""

    def result(self) -> dict[str, int | None]:
        """What run.json calls the result."""

    def about(self) -> dict[str, Any]:
        """How it is computed: device, path, parameters."""

    @property
    def skipped(self) -> dict[str, int]:
        """Rows and kernels that the measuring budget has forbidden."""

    @property
    def missed(self) -> bool:
        """Whether it was to stop at something that it has not reached."""


class Recorder:
    """Writes the records of one run."""

    def __init__(self, run: RunDir, training: Training, *, resume_step: int | None) -> None:
        self.run, self.training = run, training
        self.exit_code = FAILED
        about = training.about()
        versions = run.info()["versions"] | {"torch": torch.__version__}
        here = {"pid": os.getpid(), "host": socket.gethostname(), "versions": versions}
        run.update_info(status="running", ended=None, **about, **here)
        self.writer = RunWriter(run, training.columns, resume_step=resume_step)
        self.writer.event("started" if resume_step is None else "resumed", training.step, **about)

    def close(self) -> None:
        """Close the files."""
        self.writer.close()

    def write(self, record: Record) -> None:
        """Put one record where it belongs."""
        match record:
            case Row(step, values):
                self.writer.row(step, values)
            case Event(type, step, data):
                self.writer.event(type, step, **data)
                self._follow(record)
            case Snapshot(step, checkpoint, why):
                checkpoints.save(self.run.checkpoint(step), checkpoint)
                self.writer.event("checkpoint", step, why=why)
            case Kernel(step, matrix):
                checkpoints.save_kernel(self.run, step, matrix)
            case Progress(step, speed, _):
                self.run.update_info(progress=self._progress(step, speed), result=self.training.result())

    def _follow(self, event: Event) -> None:
        """Keep run.json in step with the events that change the run's status."""
        match event.type:
            case "paused":
                self.run.update_info(status="paused", progress=self._progress(event.step, 0.0))
            case "continued":
                self.run.update_info(status="running")
            case "paced":
                self.run.update_info(asked=self.run.info()["asked"] | {"pace": event.data["pace"]})
            case "phase":
                self.run.update_info(result=self.training.result())
            case "finished" | "failed" | "interrupted":
                finished = TARGET_NOT_REACHED if self.training.missed else FINISHED
                self.exit_code = {"finished": finished, "failed": FAILED}.get(event.type, INTERRUPTED)
                self.run.update_info(
                    status=event.type,
                    ended=now(),
                    result=self.training.result(),
                    error=event.data.get("reason"),
                    progress=self._progress(event.step, self.training.clock.speed),
                    skipped=self.training.skipped,
                )

    def _progress(self, step: int, steps_per_second: float) -> dict[str, Any]:
        """The part of run.json that says how far and how fast."""
        return {
            "step": step,
            "steps_per_second": round(steps_per_second, 1),
            "measuring": round(self.training.clock.measuring_share, 4),
            "skipped": self.training.skipped,
        }
