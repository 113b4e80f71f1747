"""Writes a trainer's records into a run directory, and keeps run.json in step with them."""

from __future__ import annotations

import os
import socket
from typing import Any

import torch

from ..errors import FAILED, FINISHED, INTERRUPTED, TARGET_NOT_REACHED
from ..store import checkpoints
from ..store.info import now
from ..store.run_writer import RunWriter
from ..store.rundir import RunDir
from .records import Event, Kernel, Progress, Record, Row, Snapshot
from .seed import Seed
from .trainer import Trainer


class RunFiles:
    """The files of one run, or of one seed of it (then `seed` is given and `whole` are the files of the run)."""

    def __init__(
        self,
        run: RunDir,
        trainer: Trainer,
        *,
        checkpoint: dict[str, Any] | None,
        seed: Seed | None = None,
        whole: RunFiles | None = None,
    ) -> None:
        """checkpoint: meta of the checkpoint from which the run goes on; None: it starts."""
        self.run, self.trainer, self.seed, self.whole = run, trainer, seed, whole
        self.exit_code = FAILED
        about = trainer.about()
        info = run.info()
        here = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "versions": info["versions"] | {"torch": torch.__version__},
        }
        columns = trainer.columns
        if trainer.has_many and seed is None:
            columns = ["step", *(f"{name}{edge}" for name in columns[1:] for edge in ("", "@low", "@high"))]
        self.writer = RunWriter(run, columns, checkpoint=checkpoint, of_whole=trainer.has_many and seed is None)
        run.update_info(status="running", ended=None, error=None, **about, **here)
        limit = trainer.config.measure.disk * 1e6 / len(trainer.seeds)
        self.checkpoints = checkpoints.Kept(run, int(limit), self.writer.known)  # before the log says `resumed`
        self.writer.begin(trainer.step, about, (seed or trainer.first).repeated)

    def close(self) -> None:
        """Close the files."""
        self.writer.close()

    def write(self, record: Record) -> None:
        """Put one record into the file to which it belongs."""
        match record:
            case Row(step, values):
                self.writer.row(step, values)
            case Event(type, step, data):
                self.writer.event(type, step, **data)
                self._follow(record)
            case Snapshot(step, checkpoint, why):
                checkpoint.meta["seq"] = self.writer.seq
                checkpoint.meta["whole_seq"] = self.whole.writer.seq if self.whole else self.writer.seq
                if error := self.checkpoints.save(step, checkpoint, why):
                    self.writer.event("warning", step, message=error)
                else:
                    self.writer.event("checkpoint", step, why=why)
            case Kernel(step, matrix):
                checkpoints.save_kernel(self.run, step, matrix)
            case Progress(step, speed, _):
                self.run.update_info(progress=self._progress(step, speed), result=self.result())

    def warn(self, message: str) -> None:
        """Record something that went wrong beside the training."""
        self.writer.event("warning", self.trainer.step, message=message)

    def result(self) -> dict[str, Any]:
        """What run.json calls the result."""
        return self.seed.result() if self.seed else self.trainer.result()

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
                self.run.update_info(result=self.result())
            case "finished" | "failed" | "interrupted":
                finished = TARGET_NOT_REACHED if self.trainer.has_missed else FINISHED
                self.exit_code = {"finished": finished, "failed": FAILED}.get(event.type, INTERRUPTED)
                self.run.update_info(
                    status=event.type,
                    ended=now(),
                    result=self.result(),
                    error=event.data.get("reason"),
                    progress=self._progress(event.step, self.trainer.clock.speed),
                )

    def _progress(self, step: int, steps_per_second: float) -> dict[str, Any]:
        """The part of run.json that says how far and how fast."""
        return {
            "step": step,
            "steps_per_second": round(steps_per_second, 1),
            "measuring": round(self.trainer.clock.measuring_share, 4),
            "skipped": self.trainer.schedule.skipped,
        }
