"""The one writer of a run directory: rows and events, each on disk before the next is made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .jsonl import Tail, append_line
from .rundir import RunDir, now


class RunWriter:
    """Writes metrics.csv and events.jsonl. After a resume it goes on as if the run had never stopped:
    rows past the checkpoint are cut and measured again, and what was already told is not told twice."""

    def __init__(self, run: RunDir, columns: Sequence[str], *, resume_step: int | None = None) -> None:
        self.run = run
        self.columns = list(columns)
        self._told: set[str] = set()
        self._seq = 0
        if resume_step is None:
            run.metrics_csv.write_text(",".join(self.columns) + "\n", encoding="utf-8")
        else:
            cut_rows_after(run.metrics_csv, resume_step, self.columns)
            end_last_line(run.events_jsonl)
            self._remember(resume_step)
        self._metrics = run.metrics_csv.open("a", encoding="utf-8")

    def _remember(self, step: int) -> None:
        for event in read_events(self.run):
            self._seq = max(self._seq, int(event.get("seq", 0)))
            if event.get("step", -1) >= step:
                self._told.add(_identity(event))

    def row(self, step: int, values: dict[str, float]) -> None:
        """Append one row; a measure that was not due stays blank."""
        cells = [str(step)] + [repr(values[name]) if name in values else "" for name in self.columns[1:]]
        self._metrics.write(",".join(cells) + "\n")
        self._metrics.flush()

    def event(self, type: str, step: int, **data: Any) -> None:
        """Append one event, unless a resumed run tells again what is already there."""
        event = {"seq": self._seq + 1, "time": now(), "type": type, "step": step, **data}
        if self._told and type not in LIFE and _identity(event) in self._told:
            return
        self._seq += 1
        append_line(self.run.events_jsonl, event)

    def close(self) -> None:
        """Close the metrics file."""
        self._metrics.close()


LIFE = ("started", "resumed", "finished", "failed", "interrupted", "paused", "continued", "refused")
"""Events of an engine's life: each happens anew when a run is resumed."""


def _identity(event: dict[str, Any]) -> str:
    what = {key: value for key, value in event.items() if key not in ("seq", "time", "request", "by")}
    return json.dumps(what, sort_keys=True)


def cut_rows_after(path: Path, step: int, columns: list[str]) -> None:
    """Drop the rows past `step`, and a torn last one."""
    kept = 0
    with path.open("rb+") as file:
        for line in file:
            first = line.split(b",", 1)[0]
            if not line.endswith(b"\n") or line.count(b",") != len(columns) - 1:
                break
            if first != b"step" and int(first) > step:
                break
            kept += len(line)
        file.truncate(kept)


def end_last_line(path: Path) -> None:
    """Close a line that a killed engine left torn, so that the next one stands alone."""
    with path.open("rb+") as file:
        if file.seek(0, 2) and (file.seek(-1, 2), file.read(1))[1] != b"\n":
            file.write(b"\n")


def read_events(run: RunDir) -> list[dict[str, Any]]:
    """Every event of a run so far."""
    return Tail(run.events_jsonl)()
