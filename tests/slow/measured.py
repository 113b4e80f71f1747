"""Figures of the slow tests, printed as `grok-tui bench` prints its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grok_tui.bench.records import Measured
from grok_tui.bench.report import line


def figure(what: str, values: Sequence[float], unit: str = "", **target: Any) -> None:
    """Print a figure, and fail if it misses its target, `at_least` or `at_most`."""
    measured = Measured(what, values, unit, **target)
    print(f"\n{line(measured)}", end="")
    assert measured.is_met is not False, line(measured)
