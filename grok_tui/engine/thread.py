"""The trainer's background thread: it trains, and writes every record into the run directory."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from ..errors import FAILED, FINISHED, INTERRUPTED, TARGET_NOT_REACHED, GrokError
from ..store.commands import Tail, append
from ..store.rundir import RunDir, now
from ..store.write import RunWriter, read_events

if TYPE_CHECKING:
    from .records import Record
    from .trainer import Trainer


class TrainerThread(threading.Thread):
    """Trains one run to its end while it holds the run's lock.

    Torch is imported inside the thread. `observe` is called in it with every record, after it was written; it
    must return at once. When the thread has ended, `exit_code` says how.
    """

    def __init__(
        self,
        run: RunDir,
        *,
        resume: bool = False,
        observe: Callable[[Record], None] | None = None,
        lock: int | None = None,
    ) -> None:
        super().__init__(name=f"trainer {run.id}", daemon=True)
        self.run_dir = run
        self.resume = resume
        self.exit_code = FAILED
        self.error: BaseException | None = None
        self._observe = observe
        self._lock = run.acquire() if lock is None else lock
        self._requests = Tail(run.commands_jsonl, from_end=resume)

    def stop(self) -> None:
        """Ask the trainer to save and stop; it does so within a chunk of steps."""
        append(self.run_dir, "stop")

    def run(self) -> None:
        """Train; whatever goes wrong ends as the run's status and in `error`."""
        try:
            self._train()
        except BaseException as error:
            self.error = error
            reason = str(error) if isinstance(error, GrokError) else f"{type(error).__name__}: {error}"
            with suppress(OSError):  # the directory may be gone
                self.run_dir.update_info(status="failed", ended=now(), error=reason)
            if isinstance(error, GrokError):
                self.exit_code = error.exit_code
        finally:
            os.close(self._lock)

    def _train(self) -> None:
        import torch

        from ..store import checkpoints
        from . import devices
        from . import path as paths
        from .trainer import Trainer

        info = self.run_dir.info()
        devices.make_deterministic()
        config = self.run_dir.config()
        device = devices.choose(info["device"])
        devices.check_dtypes(config, device)
        if "threads" in info:
            torch.set_num_threads(info["threads"])
        step, checkpoint = checkpoints.newest(self.run_dir) if self.resume else (None, None)
        trainer = Trainer(
            config,
            device,
            paths.again(info["path"]) if isinstance(info["path"], dict) else paths.choose(device, info["path"]),
            requests=self._requests,
            told=self._told_from(step),
            checkpoint=checkpoint,
            stop_on=info["stop_on"],
            pace=info["pace"],
        )
        if "threads" not in info and device.type == "cpu":
            torch.set_num_threads(devices.threads_for(trainer.step_cost))
        threads = torch.get_num_threads()
        about = {"device": str(device), "threads": threads, "path": trainer.learner.path.as_dict()}
        about["parameters"] = trainer.learner.parameters
        versions = info["versions"] | {"torch": torch.__version__}
        here = {"pid": os.getpid(), "host": socket.gethostname(), "versions": versions}
        try:
            self.run_dir.update_info(status="running", ended=None, **about, **here)
            with closing(RunWriter(self.run_dir, trainer.learner.columns, resume_step=step)) as writer:
                writer.event("resumed" if self.resume else "started", trainer.step, **about)
                self._refuse_unheard(writer, trainer.step)
                for record in trainer:
                    self._write(writer, record, trainer)
        except OSError as error:
            raise GrokError(f"{self.run_dir.path}: cannot be written any more: {error.strerror}") from error

    def _told_from(self, step: int | None) -> list[dict[str, Any]]:
        """The requests that an earlier life of the run was steered by, from `step` on."""
        if step is None:
            return []
        events = read_events(self.run_dir)
        return [e for e in events if e.get("type") == "steered" and e.get("by") == "request" and e["step"] >= step]

    def _refuse_unheard(self, writer: RunWriter, step: int) -> None:
        """Answer what was asked of an earlier engine of this run, which ended before it could."""
        answered = {event.get("request") for event in read_events(self.run_dir)}
        for request in Tail(self.run_dir.commands_jsonl, until=self._requests.offset)():
            if request.get("id") not in answered:
                reason = "the engine ended before it could answer"
                writer.event("refused", step, op=request.get("op"), reason=reason, request=request.get("id"))

    def _write(self, writer: RunWriter, record: Record, trainer: Trainer) -> None:
        from ..store import checkpoints
        from .records import Event, Kernel, Progress, Row, Snapshot

        match record:
            case Row(step, values):
                writer.row(step, values)
            case Event(type, step, data):
                writer.event(type, step, **data)
                self._follow(record, trainer)
            case Snapshot(step, checkpoint, why):
                checkpoints.save(self.run_dir.checkpoint(step), checkpoint)
                writer.event("checkpoint", step, why=why)
            case Kernel(step, matrix):
                checkpoints.save_kernel(self.run_dir, step, matrix)
            case Progress(step, speed, measuring):
                self.run_dir.update_info(progress=progress(step, speed, measuring), result=trainer.result())
        if self._observe:
            self._observe(record)

    def _follow(self, event: Any, trainer: Trainer) -> None:
        """Keep run.json in step with the events that change the run's status."""
        match event.type:
            case "paused":
                self.run_dir.update_info(
                    status="paused", progress=progress(event.step, 0.0, trainer.clock.measuring_share)
                )
            case "continued":
                self.run_dir.update_info(status="running")
            case "paced":
                self.run_dir.update_info(pace=event.data["pace"])
            case "phase":
                self.run_dir.update_info(result=trainer.result())
            case "finished" | "failed" | "interrupted":
                missed = trainer.stop_on == "grok" and trainer.phases.t_grok is None
                self.exit_code = {"finished": TARGET_NOT_REACHED if missed else FINISHED, "failed": FAILED}.get(
                    event.type, INTERRUPTED
                )
                self.run_dir.update_info(
                    status=event.type,
                    ended=now(),
                    result=trainer.result(),
                    error=event.data.get("reason"),
                    progress=progress(event.step, trainer.clock.speed, trainer.clock.measuring_share),
                    skipped={"rows": trainer.rows.skipped, "kernels": trainer.kernels.skipped},
                )


def progress(step: int, steps_per_second: float, measuring: float) -> dict[str, float]:
    """The part of run.json that says how far and how fast."""
    return {"step": step, "steps_per_second": round(steps_per_second, 1), "measuring": round(measuring, 4)}
