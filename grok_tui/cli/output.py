"""The only place that prints: data to stdout, everything else to stderr."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


def data(text: str) -> None:
    """Print a line of the command's answer."""
    print(text, flush=True)


def json_line(record: dict[str, Any]) -> None:
    """Print one JSON object; a number that is not finite becomes null."""
    print(json.dumps(_finite(record)), flush=True)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def note(text: str) -> None:
    """Print a line for the person at the terminal."""
    print(f"grok-tui: {text}", file=sys.stderr, flush=True)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print aligned columns."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for row in cells:
        data("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def is_terminal() -> bool:
    """Whether a screen can be drawn: a terminal on both ends that understands more than text."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class TrainingProgress:
    """A bar on a terminal, plain lines elsewhere, nothing where it is to be quiet."""

    def __init__(self, title: str, steps: int, *, quiet: bool) -> None:
        self.quiet = quiet
        self.is_bar = sys.stderr.isatty() and not quiet
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} steps  {task.fields[speed]:,.0f}/s"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[says]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID = self._bar.add_task(title, total=steps, speed=0.0, says="")
        if self.is_bar:
            self._bar.start()

    def move(self, step: int, speed: float) -> None:
        """Show how far and how fast, in steps and steps a second."""
        if self.is_bar:
            self._bar.update(self._task, completed=step, speed=speed)

    def say(self, text: str) -> None:
        """Show what happened."""
        if self.is_bar:
            self._bar.update(self._task, says=text)
            self._bar.console.print(f"grok-tui: {text}", highlight=False)
        elif not self.quiet:
            note(text)

    def close(self) -> None:
        """Take the bar away."""
        if self.is_bar:
            self._bar.stop()
