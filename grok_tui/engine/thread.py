"""The trainer's background thread: it trains, and writes every record into the run directory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from ..errors import FAILED, GrokError, UsageError
from ..store.info import now
from ..store.jsonl import Tail
from ..store.requests import send
from ..store.rundir import RunDir
from ..store.timeline import answered

if TYPE_CHECKING:
    from .records import Record
    from .run_files import RunFiles

HEARTBEAT_SECONDS = 5.0
"""How often the time stamp of the run's lock is renewed: a reader that cannot see the lock sees that it is alive."""


class TrainerThread(threading.Thread):
    """Trains one run, of one seed or many, to its end while it holds the run's lock.

    Torch is imported inside the thread. `observe` is called in it with every record of the run as a whole, after the
    record was written; it must return at once, and an error in it is recorded once and ends the observing, not the
    training. When the thread has ended, `exit_code` says how.
    """

    def __init__(
        self,
        run: RunDir,
        *,
        resume: bool = False,
        observe: Callable[[Record], None] | None = None,
        lock: int | None = None,
        requests_from: int | None = None,
    ) -> None:
        """requests_from: bytes of commands.jsonl that were asked of an earlier engine; None: all that are there now
        if it resumes, none if it starts."""
        super().__init__(name=f"trainer {run.id}", daemon=True)
        self.run_dir = run
        self.resume = resume
        self.exit_code = FAILED
        self.error: BaseException | None = None
        self._observe = observe
        self._lock = run.acquire() if lock is None else lock
        self._requests = Tail(run.commands_jsonl, from_end=resume)
        if requests_from is not None:
            self._requests.offset = requests_from
        self._earlier = self._requests.offset
        self._ended = threading.Event()

    def stop(self) -> None:
        """Ask the trainer to save and stop; it does so within a chunk of steps."""
        send(self.run_dir, "stop")

    def run(self) -> None:
        """Train. What goes wrong becomes the run's status and `error`."""
        threading.Thread(target=self._beat, daemon=True).start()
        try:
            self._train()
        except BaseException as error:
            self.error = error
            reason = str(error) if isinstance(error, GrokError) else f"{type(error).__name__}: {error}"
            status = "interrupted" if self.resume and isinstance(error, UsageError) else "failed"
            with suppress(OSError, GrokError):  # the directory may be gone
                self.run_dir.update_info(status=status, ended=now(), error=reason)
            if isinstance(error, GrokError):
                self.exit_code = error.exit_code
        finally:
            self._ended.set()
            with suppress(OSError):
                os.utime(self.run_dir.lock, (0, 0))  # no sign of life any more
            os.close(self._lock)

    def _beat(self) -> None:
        """Show that the engine is alive to readers on hosts that do not see its lock."""
        while not self._ended.wait(HEARTBEAT_SECONDS):
            with suppress(OSError):
                os.utime(self.run_dir.lock)

    def _train(self) -> None:
        from . import prepare_process

        prepare_process()
        from .resume import open_trainer
        from .run_files import RunFiles

        trainer, metas = open_trainer(self.run_dir, self._new_requests, resume=self.resume)
        with ExitStack() as files:
            try:
                meta = next(iter(metas.values()), None)
                whole = RunFiles(self.run_dir, trainer, checkpoint=meta)
                files.callback(whole.close)
                of_seed: dict[int | None, RunFiles] = {None: whole}
                for seed in trainer.seeds if trainer.has_many else ():
                    if metas and seed.number not in metas:
                        continue  # it has diverged in an earlier life
                    run, meta = self.run_dir.seed(seed.number), metas.get(seed.number)
                    of_seed[seed.number] = RunFiles(run, trainer, checkpoint=meta, seed=seed, whole=whole)
                    files.callback(of_seed[seed.number].close)
                self._refuse_unanswered(whole)
                for number, record in trainer:
                    of_seed[number].write(record)
                    if number is None:
                        self._show(record, whole)
                self.exit_code = whole.exit_code
            except OSError as error:
                raise GrokError(f"{self.run_dir.path}: cannot be written any more: {error.strerror}") from error

    def _show(self, record: Record, files: RunFiles) -> None:
        """Pass a record on to whoever watches in this process; one who fails is not shown another."""
        if self._observe is None:
            return
        try:
            self._observe(record)
        except Exception as error:
            self._observe = None
            files.warn(f"watching ended: {type(error).__name__}: {error}")

    def _new_requests(self) -> list[dict[str, Any]]:
        """Requests since the last look. One whose id is no text gets none, so that it is refused by reason alone."""
        return [
            request if isinstance(request.get("id"), str | None) else {"op": "a request without a text as id"}
            for request in self._requests()
        ]

    def _refuse_unanswered(self, files: RunFiles) -> None:
        """Answer what was asked of an earlier engine of this run, which ended before it could answer."""
        known = answered(self.run_dir)
        for request in Tail(self.run_dir.commands_jsonl, until=self._earlier)():
            id = request.get("id")
            if isinstance(id, str) and id not in known:
                reason = "the engine ended before it could answer"
                files.writer.event("refused", files.trainer.step, op=request.get("op"), request=id, reason=reason)
