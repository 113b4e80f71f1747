"""The trainer's background thread: it trains, and writes every record into the run directory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from ..errors import FAILED, GrokError
from ..store.jsonl import Tail
from ..store.requests import send
from ..store.run_writer import read_events
from ..store.rundir import RunDir, now

if TYPE_CHECKING:
    from .recorder import Recorder, Training
    from .records import Record


class TrainerThread(threading.Thread):
    """Trains one run, of one seed or many, to its end while it holds the run's lock.

    Torch is imported inside the thread. `observe` is called in it with every record of the run (of many seeds:
    those that speak for all), after it was written; it must return at once. When the thread has ended, `exit_code`
    says how.
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
        send(self.run_dir, "stop")

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
        from . import begin
        from .recorder import Recorder

        begun = begin.begin(self.run_dir, self._requests, resume=self.resume)
        with ExitStack() as files:

            def recorder(run: RunDir, training: Training) -> Recorder:
                made = Recorder(run, training, resume_step=begun.resumed_at)
                files.callback(made.close)
                return made

            try:
                main = recorder(self.run_dir, begun.training)
                seeds = {seed: recorder(self.run_dir.seed(seed), one) for seed, one in begun.seeds.items()}
                self._refuse_unheard(main, begun.training.step)
                for seed, record in begun.records:
                    (main if seed is None else seeds[seed]).write(record)
                    if seed is None and self._observe:
                        self._observe(record)
                self.exit_code = main.exit_code
            except OSError as error:
                raise GrokError(f"{self.run_dir.path}: cannot be written any more: {error.strerror}") from error

    def _refuse_unheard(self, recorder: Recorder, step: int) -> None:
        """Answer what was asked of an earlier engine of this run, which ended before it could."""
        answered = {event.get("request") for event in read_events(self.run_dir)}
        for request in Tail(self.run_dir.commands_jsonl, until=self._requests.offset)():
            if request.get("id") not in answered:
                refusal: dict[str, Any] = {"op": request.get("op"), "request": request.get("id")}
                reason = "the engine ended before it could answer"
                recorder.writer.event("refused", step, reason=reason, **refusal)
