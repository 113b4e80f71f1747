"""Reading a run while it grows: only what was appended since the last look, whatever state the files are in."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .events import Event, EventTail
from .files import open_to_read
from .rundir import RunDir
from .timeline import still_true

Array = NDArray[np.float64]

MOST_ROWS = 65_536
"""Rows in memory. Of a longer run the first and the last EDGE_ROWS rows are complete; the others are sampled evenly."""
EDGE_ROWS = MOST_ROWS // 4
MOST_EVENTS = 200_000
MOST_COLUMNS = 400
LONGEST_ROW = 100_000
"""Bytes."""
SAMPLED_BYTES = 8_000_000
"""A file longer than this is not read whole when it is opened."""


class RunReader:
    """A run as it stands on disk. `refresh` reads what is new and says whether there was anything."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self.config = run.config()
        self.info: dict[str, Any] = {}
        self.events: list[Event] = []
        """The history of the run: its events without the superseded ones."""
        self.columns: list[str] = []
        self._rows: Array = np.empty((0, 0))
        self._count = 0
        self._offset = 0
        self._inode = -1
        self._tail = EventTail(run.events_jsonl)
        self.refresh()

    def refresh(self) -> bool:
        """Read what was appended; true if a row, an event or the status is new."""
        info = self.run.info()
        events = self._tail() if len(self.events) < MOST_EVENTS else []
        if any(event["type"] == "resumed" for event in events):
            self._forget(-1)  # rows were cut, and the file may have grown past its old size since
        changed = bool(events) | self._read_rows() | (info != self.info)
        self.info = info
        self.events = still_true(self.events, events) if events else self.events
        return changed

    def _read_rows(self) -> bool:
        try:
            with open_to_read(self.run.metrics_csv) as file:
                stat = os.fstat(file.fileno())
                if stat.st_size < self._offset or stat.st_ino != self._inode:
                    self._forget(stat.st_ino)
                if stat.st_size == self._offset:
                    return False
                if self._offset == 0 and stat.st_size > SAMPLED_BYTES:
                    chunk, self._offset = sampled(file.fileno(), stat.st_size)
                else:
                    chunk = os.pread(file.fileno(), SAMPLED_BYTES, self._offset)
                    whole = chunk.rfind(b"\n") + 1
                    self._offset += whole if whole or len(chunk) <= LONGEST_ROW else len(chunk)
        except OSError:  # missing, or not a file
            return False
        chunk = chunk[: chunk.rfind(b"\n") + 1]
        if not self.columns and chunk:
            header, _, chunk = chunk.partition(b"\n")
            self.columns = columns_of(header)
        return self._append(chunk)

    def _forget(self, inode: int) -> None:
        self._inode, self._offset, self._count, self.columns = inode, 0, 0, []

    def _append(self, chunk: bytes) -> bool:
        width = len(self.columns)
        lines = [line for line in chunk.splitlines() if line.count(b",") == width - 1]
        if not lines or not width:
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
        if self._count > MOST_ROWS:
            self._thin()
        return True

    def _thin(self) -> None:
        """Drop every second row of those between the first and the newest."""
        rows = self._rows[: self._count]
        kept = np.concatenate([rows[:EDGE_ROWS], rows[EDGE_ROWS:-EDGE_ROWS:2], rows[-EDGE_ROWS:]])
        self._count = len(kept)
        self._rows[: self._count] = kept

    def __len__(self) -> int:
        return self._count

    @property
    def steps(self) -> Array:
        """The step of every row."""
        return self._rows[: self._count, 0] if self._count else np.empty(0)

    def series(self, name: str) -> tuple[Array, Array]:
        """Steps and values of one column where it was measured; empty if the run has no such column."""
        if name not in self.columns or not self._count:
            return np.empty(0), np.empty(0)
        values = self._rows[: self._count, self.columns.index(name)]
        measured = ~np.isnan(values)
        return self.steps[measured], values[measured]

    def last(self, name: str) -> float | None:
        """The newest value of a column; None if there is none."""
        values = self.series(name)[1]
        return float(values[-1]) if len(values) else None

    def at(self, name: str, step: float) -> float | None:
        """The value of a column at the last row up to `step`; None if there is none."""
        steps, values = self.series(name)
        i = int(np.searchsorted(steps, step, side="right")) - 1
        return float(values[i]) if i >= 0 else None

    def of_type(self, *types: str) -> list[Event]:
        """The events of these types, in order."""
        return [event for event in self.events if event.get("type") in types]


def columns_of(header: bytes) -> list[str]:
    """The names in the header of a metrics.csv; none if it has lost its header."""
    names = header.decode(errors="replace").rstrip("\r").split(",", MOST_COLUMNS)
    return names if names[0] == "step" and len(names) <= MOST_COLUMNS else []


def sampled(file: int, size: int) -> tuple[bytes, int]:
    """Whole lines of a long file, as many as a reader holds, and the position at which the next line begins.

    These are the header, the first rows, the last rows, and rows between them at equal distances in bytes.
    """
    head = os.pread(file, SAMPLED_BYTES // 4, 0)
    head = head[: head.rfind(b"\n") + 1]
    tail_at = size - SAMPLED_BYTES // 4
    tail = os.pread(file, size - tail_at, tail_at)
    tail_at, tail = tail_at + tail.find(b"\n") + 1, tail[tail.find(b"\n") + 1 : tail.rfind(b"\n") + 1]
    longest = 2 * max(map(len, head.splitlines()[:2000]), default=0) + 2
    if longest > LONGEST_ROW:
        return head, size
    lines = []
    for at in np.linspace(len(head), tail_at, MOST_ROWS // 2, endpoint=False).astype(int).tolist():
        piece = os.pread(file, longest, at)
        begin = piece.find(b"\n") + 1
        end = piece.find(b"\n", begin) + 1
        if begin and end and at + end <= tail_at:
            lines.append(piece[begin:end])
    return b"".join([head, *lines, tail]), tail_at + len(tail)


def _numeric(lines: list[bytes], width: int) -> Array:
    """The rows of those lines that hold only numbers."""
    rows = []
    for line in lines:
        try:
            rows.append([float(cell or "nan") for cell in line.split(b",")])
        except ValueError:
            continue
    return np.array(rows, dtype=np.float64).reshape(-1, width)
