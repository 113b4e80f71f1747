"""The one writer of a run directory: rows and events, each on disk before the next is made."""

from collections.abc import Sequence
from typing import Any

from ..errors import UsageError
from .events import Event
from .info import now
from .jsonl import Tail, append_line
from .rundir import RunDir
from .timeline import number, still_true


class RunWriter:
    """Writes metrics.csv and events.jsonl. From a checkpoint on it continues as if the run had never stopped."""

    def __init__(
        self, run: RunDir, columns: Sequence[str], *, checkpoint: dict[str, Any] | None, of_whole: bool = False
    ) -> None:
        """checkpoint: the meta of the one from which the run goes on; its rows and events are kept, later rows cut.

        of_whole: these are the files of a run of many seeds, whose checkpoints are the seeds'.
        """
        self.run = run
        self.columns = list(columns)
        self.warnings: list[str] = []
        self._checkpoint = checkpoint
        end_last_line(run)
        events = Tail(run.events_jsonl)()
        self.seq = max((number(event) for event in events), default=0)
        self._kept_seq = 0 if checkpoint is None else int(checkpoint["whole_seq" if of_whole else "seq"])
        self.is_branch = checkpoint is not None and not events
        if self.is_branch:
            self.seq = self._kept_seq  # the parent's events up to the checkpoint come before this run's
        true = [event for event in still_true([], events) if number(event) <= self._kept_seq]
        self.known: list[Event] = true
        """Events of an earlier life of the run that are still true."""
        if checkpoint is None or self.is_branch:
            run.metrics_csv.write_text(",".join(self.columns) + "\n", encoding="utf-8")
        else:
            self._cut_rows(int(checkpoint["step"]))
        self._metrics = run.metrics_csv.open("a", encoding="utf-8")

    def begin(self, step: int, about: dict[str, Any], repeat: Sequence[Event] = ()) -> None:
        """Record the event with which this life of the run begins; `repeat`: see `timeline.to_repeat`."""
        if self._checkpoint is None:
            self.event("started", step, **about)
        elif self.is_branch:
            self.event("branched", step, parent=self.run.info()["parent"], **about)
        else:
            self.event("resumed", step, checkpoint_seq=self._kept_seq, repeat=list(repeat), **about)
        for message in self.warnings:
            self.event("warning", step, message=message)

    def row(self, step: int, values: dict[str, float]) -> None:
        """Append one row; a measure that was not due stays blank."""
        cells = [str(step)] + [repr(values[name]) if name in values else "" for name in self.columns[1:]]
        self._metrics.write(",".join(cells) + "\n")
        self._metrics.flush()

    def event(self, type: str, step: int, **data: Any) -> None:
        """Append one event."""
        self.seq += 1
        append_line(self.run.events_jsonl, {"seq": self.seq, "time": now(), "type": type, "step": step, **data})

    def close(self) -> None:
        """Close the metrics file."""
        self._metrics.close()

    def _cut_rows(self, step: int) -> None:
        """Drop the rows past `step` and a torn last one. A file that has lost its header gets it again."""
        header = ",".join(self.columns).encode() + b"\n"
        try:
            file = self.run.metrics_csv.open("rb+")
        except FileNotFoundError:
            file = self.run.metrics_csv.open("wb+")
        with file:
            first = file.readline()
            if first == header:
                file.truncate(len(header) + self._whole_rows(file, step))
                return
            if first.startswith(b"step,"):
                raise UsageError(
                    f"{self.run.metrics_csv}: its columns are not those that this grok-tui measures; "
                    "start the run again with grok-tui run --config"
                )
            file.seek(0)  # the header is gone, the rows may not be
            rows = file.read(self._whole_rows(file, step, start=0))
            file.seek(0)
            file.write(header + rows)
            file.truncate()
            lost = "" if rows else f"; the rows up to step {step} are lost"
            self.warnings.append(f"metrics.csv had lost its header, which was written again{lost}")

    def _whole_rows(self, file: Any, step: int, start: int | None = None) -> int:
        """Bytes of whole rows up to `step`, from where the file stands. It then stands at `start`, if given."""
        kept = 0
        for line in file:
            cells = line.split(b",")
            if not line.endswith(b"\n") or len(cells) != len(self.columns) or not cells[0].isdigit():
                break
            if int(cells[0]) > step:
                break
            kept += len(line)
        if start is not None:
            file.seek(start)
        return kept


def end_last_line(run: RunDir) -> None:
    """Close a line of events.jsonl that a killed engine left torn, so that the next one stands alone."""
    try:
        with run.events_jsonl.open("rb+") as file:
            if file.seek(0, 2) and (file.seek(-1, 2), file.read(1))[1] != b"\n":
                file.write(b"\n")
    except FileNotFoundError:
        return
