"""Reading a run while it grows: only what was appended since the last look, whatever state the files are in."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .commands import Tail
from .rundir import RunDir

Array = NDArray[np.float64]


class RunReader:
    """A run as it stands on disk. `refresh` takes in what is new and says whether anything was."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self.config = run.config()
        self.info: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.columns: list[str] = []
        self._rows: Array = np.empty((0, 0))
        self._count = 0
        self._offset = 0
        self._inode = -1
        self._tail = Tail(run.events_jsonl)
        self.refresh()

    def refresh(self) -> bool:
        """Read what was appended; true where a row, an event or the status is new."""
        info = self.run.info()
        events = self._tail()
        if any(event.get("type") == "resumed" for event in events):
            self._forget(-1)  # rows were cut, and the file may have grown past its old size since
        changed = bool(events) | self._read_rows() | (info != self.info)
        self.info = info
        self.events += events
        return changed

    def _read_rows(self) -> bool:
        try:
            with self.run.metrics_csv.open("rb") as file:
                stat = os.fstat(file.fileno())
                if stat.st_size < self._offset or stat.st_ino != self._inode:
                    self._forget(stat.st_ino)
                if stat.st_size == self._offset:
                    return False
                file.seek(self._offset)
                chunk = file.read()
        except FileNotFoundError:
            return False
        chunk = chunk[: chunk.rfind(b"\n") + 1]
        self._offset += len(chunk)
        if not self.columns and chunk:
            header, _, chunk = chunk.partition(b"\n")
            self.columns = header.decode().split(",")
        return self._append(chunk)

    def _forget(self, inode: int) -> None:
        self._inode, self._offset, self._count, self.columns = inode, 0, 0, []

    def _append(self, chunk: bytes) -> bool:
        width = len(self.columns)
        lines = [line for line in chunk.splitlines() if line.count(b",") == width - 1]
        if not lines:
            return False
        text = b"\n".join(lines).replace(b",,", b",nan,").replace(b",,", b",nan,")
        text = (text + b"\n").replace(b",\n", b",nan,").replace(b"\n", b",").rstrip(b",")
        try:
            new = np.fromstring(text.decode(), sep=",").reshape(-1, width)
        except ValueError:
            new = _numeric(lines, width)
        while self._rows.shape[1] != width or self._count + len(new) > len(self._rows):
            larger = np.empty((max(256, 2 * len(self._rows), self._count + len(new)), width))
            if self._count:
                larger[: self._count] = self._rows[: self._count]
            self._rows = larger
        self._rows[self._count : self._count + len(new)] = new
        self._count += len(new)
        return True

    def __len__(self) -> int:
        return self._count

    @property
    def steps(self) -> Array:
        """The step of every row."""
        return self._rows[: self._count, 0] if self._count else np.empty(0)

    def series(self, name: str) -> tuple[Array, Array]:
        """Steps and values of one column where it was measured; empty where the run has no such column."""
        if name not in self.columns or not self._count:
            return np.empty(0), np.empty(0)
        values = self._rows[: self._count, self.columns.index(name)]
        measured = ~np.isnan(values)
        return self.steps[measured], values[measured]

    def last(self, name: str) -> float | None:
        """The newest value of a column, or none."""
        values = self.series(name)[1]
        return float(values[-1]) if len(values) else None

    def at(self, name: str, step: float) -> float | None:
        """The value of a column at the last row up to `step`, or none."""
        steps, values = self.series(name)
        i = int(np.searchsorted(steps, step, side="right")) - 1
        return float(values[i]) if i >= 0 else None

    def of_type(self, *types: str) -> list[dict[str, Any]]:
        """The events of these types, in order."""
        return [event for event in self.events if event.get("type") in types]


def _numeric(lines: list[bytes], width: int) -> Array:
    """The lines that hold numbers, where some do not."""
    rows = []
    for line in lines:
        try:
            rows.append([float(cell or "nan") for cell in line.split(b",")])
        except ValueError:
            continue
    return np.array(rows, dtype=np.float64).reshape(-1, width)
