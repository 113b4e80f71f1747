"""JSON Lines: append one record, and read what was appended since the last look."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Append one JSON line in a single write, so that writers never interleave."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, (json.dumps(record) + "\n").encode())
    finally:
        os.close(descriptor)


class Tail:
    """The lines appended to a JSONL file since the last look. A torn last line waits until it is whole."""

    def __init__(self, path: Path, *, from_end: bool = False, until: int | None = None) -> None:
        self.path = path
        self.offset = path.stat().st_size if from_end and path.exists() else 0
        self.until = until
        """Where in the file to stop, in bytes; none: at its end."""

    def __call__(self) -> list[dict[str, Any]]:
        """Return the records that became whole since the last call; lines that are no JSON objects are passed over."""
        try:
            with self.path.open("rb") as file:
                if file.seek(0, os.SEEK_END) <= self.offset:
                    return []
                file.seek(self.offset)
                chunk = file.read(-1 if self.until is None else self.until - self.offset)
        except FileNotFoundError:
            return []
        whole = chunk.rfind(b"\n") + 1
        self.offset += whole
        records = []
        for line in chunk[:whole].splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                records.append(record)
        return records
