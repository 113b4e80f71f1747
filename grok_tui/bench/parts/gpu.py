"""On a GPU: captured steps replayed, against eager ones."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Bench, Note, Record


def run(bench: Bench) -> Iterator[Record]:
    """Say that there is none."""
    yield Note("no CUDA device: not measured")
