"""A run that trains in this process: the trainer in its thread, this thread prints and waits for signals."""

import queue
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..config.schema import RunConfig
from ..errors import INTERRUPTED, GrokError
from ..process import saving_signals
from ..store.events import describe
from ..store.rundir import RunDir
from . import output

if TYPE_CHECKING:
    from ..engine.records import Record

SAID = ("phase", "steered", "refused", "failed", "warning", "paused", "continued", "stopped")
"""Types of events that are printed."""


class Foreground:
    """Trains a run. If what it prints no longer arrives, it says so once and the training goes on."""

    def __init__(self, run: RunDir, config: RunConfig, *, json: bool, quiet: bool, **engine: Any) -> None:
        from ..engine.thread import TrainerThread

        self.run, self.config = run, config
        self.json, self.quiet = json, quiet
        self._gone: Exception | None = None
        self._records: queue.SimpleQueue[Record] = queue.SimpleQueue()
        self.thread = TrainerThread(run, observe=self._observe, **engine)

    def train(self) -> int:
        """Train to the end or to a signal; print what happens and, last, the result. Returns the exit code."""
        with saving_signals(self.thread.stop) as signals:
            self.thread.start()
            progress = output.TrainingProgress(
                self.run.info()["name"], self.config.train.steps, quiet=self.quiet or self.json
            )
            while self.thread.is_alive() or not self._records.empty():
                with suppress(queue.Empty):
                    self._print(self._records.get(timeout=0.1), progress)
            with suppress(Exception):
                progress.close()
        error = self.thread.error
        if error is not None and not isinstance(error, GrokError):
            with self.run.log.open("a", encoding="utf-8") as log:
                traceback.print_exception(error, file=log)
            raise GrokError(f"{type(error).__name__}: {error}; more is in {self.run.log}") from None
        self._print_result()
        if error is not None:
            raise error
        return 128 + signals[0] if signals and self.thread.exit_code == INTERRUPTED else self.thread.exit_code

    def _observe(self, record: "Record") -> None:
        """Called by the trainer with each record; an error here is recorded as a warning, and no record follows."""
        if self._gone is not None:
            raise self._gone
        self._records.put(record)

    def _print(self, record: "Record", progress: output.TrainingProgress) -> None:
        """Print a record; nothing that goes wrong with that may end the training."""
        if self._gone is not None:
            return
        try:
            self._show(record, progress)
        except Exception as error:
            self._gone = error
            with suppress(Exception):
                progress.close()
            output.note(f"{error}; training goes on, without output")

    def _show(self, record: "Record", progress: output.TrainingProgress) -> None:
        from ..engine.records import Event, Progress, Row

        match record:
            case Row(step, values) if self.json:
                output.json_line({"type": "row", "step": step, **values})
            case Event(type, step, data):
                if self.json:
                    output.json_line({"type": type, "step": step, **data})
                elif type in SAID:
                    progress.say(f"step {step:,}: {describe({'type': type, **data})}")
            case Progress(step, speed, _):
                progress.move(step, speed)

    def _print_result(self) -> None:
        info = self.run.info()
        result = {"t_mem": None, "t_grok": None, "delay": None} | info["result"]
        step = info["progress"]["step"]
        try:
            if self.json:
                about = {"run": self.run.id, "path": str(self.run.path), "status": info["status"], "step": step}
                output.json_line({"type": "result", **about, **result})
                return
            times = "  ".join(f"{key} {'-' if v is None else v}" for key, v in result.items() if key != "interval")
            output.data(f"{self.run.path}  {info['status']} at {step}  {times}")
        except output.OutputGone as error:
            if not error.is_reader_gone:
                output.note(str(error))
