"""JSON Lines: append one record, and read what was appended since the last look."""

import errno
import json
import os
from pathlib import Path
from typing import Any

from .files import open_regular, open_to_read

LONGEST_LINE = 1_000_000
"""Bytes. A longer line is passed over."""
BLOCK = 2 * LONGEST_LINE
MOST_BYTES, MOST_RECORDS = 64_000_000, 200_000
"""What one look takes in; the next look goes on from there."""


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Append one JSON line in a single write, so that writers never interleave; OSError if it does not fit."""
    line = (json.dumps(record) + "\n").encode()
    descriptor = open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        if os.write(descriptor, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)


class Tail:
    """The lines appended to a JSONL file since the last look. A torn last line waits until it is whole."""

    def __init__(self, path: Path, *, from_end: bool = False, until: int | None = None) -> None:
        self.path = path
        self.offset = path.lstat().st_size if from_end and os.path.lexists(path) else 0
        self.until = until
        """Where in the file to stop, in bytes; None: at its end."""
        self._is_inside = False  # of a line that is too long

    def __call__(self) -> list[dict[str, Any]]:
        """Return the records that became whole since the last call; lines that are no JSON objects are passed over."""
        records: list[dict[str, Any]] = []
        try:
            with open_to_read(self.path) as file:
                size = os.fstat(file.fileno()).st_size
                end = min(size if self.until is None else self.until, self.offset + MOST_BYTES)
                while self.offset < end and len(records) < MOST_RECORDS:
                    chunk = os.pread(file.fileno(), min(BLOCK, end - self.offset), self.offset)
                    whole = chunk.rfind(b"\n") + 1
                    if not whole and len(chunk) <= LONGEST_LINE:
                        break
                    self.offset += whole or len(chunk)
                    lines = chunk[:whole].split(b"\n")[self._is_inside :]
                    self._is_inside = not whole
                    records += [record for line in lines if (record := parsed(line)) is not None]
        except OSError:  # missing, or not a file
            pass
        return records


def parsed(line: bytes) -> dict[str, Any] | None:
    """The JSON object in a line; None if there is none."""
    if not line or len(line) > LONGEST_LINE:
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
