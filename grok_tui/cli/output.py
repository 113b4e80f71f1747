"""The only place that prints: data to stdout, everything else to stderr. Text from files is printed literally."""

import errno
import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from ..errors import GrokError, plain
from ..numbers import finite


class OutputGone(GrokError):
    """What is printed no longer arrives: the reader of a pipe has gone, the disk is full, the terminal is closed."""

    def __init__(self, stream: str, error: Exception) -> None:
        super().__init__(f"{stream}: {getattr(error, 'strerror', None) or error}")
        self.is_reader_gone = getattr(error, "errno", None) == errno.EPIPE


def data(text: str) -> None:
    """Print lines of the command's answer."""
    _print("stdout", "\n".join(map(plain, text.split("\n"))))


def json_line(record: dict[str, Any]) -> None:
    """Print one JSON object; a number that is not finite becomes null."""
    _print("stdout", json.dumps(finite(record)))


def note(text: str) -> None:
    """Print a line for the person at the terminal. If stderr is gone, nobody can be told."""
    with suppress(OutputGone):
        _print("stderr", f"grok-tui: {plain(text)}")


def _print(stream: str, text: str) -> None:
    file = getattr(sys, stream)
    try:
        file.write(text + "\n")
        file.flush()
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):  # what is still in its buffer must not fail again when the process ends
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, file.fileno())
            os.close(null)
        raise OutputGone(stream, error) from None


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print aligned columns."""
    cells = [[plain(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for row in cells:
        data("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def is_terminal() -> bool:
    """Whether a screen can be drawn: a terminal on both ends that understands more than text."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class TrainingProgress:
    """A bar on a terminal, plain lines elsewhere, nothing if it is to be quiet."""

    def __init__(self, title: str, total: int, *, quiet: bool, unit: str = "steps", bar: bool = True) -> None:
        self.quiet = quiet
        self.is_bar = bar and sys.stderr.isatty() and not quiet
        if not self.is_bar:
            return
        rate = (TextColumn("{task.fields[speed]:,.0f}/s"), TimeRemainingColumn()) if unit == "steps" else ()
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn(f"{{task.completed:,.0f}} of {{task.total:,.0f}} {unit}"),
            *rate,
            TextColumn("{task.fields[says]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=Console(stderr=True, markup=False, emoji=False, highlight=False),
            transient=True,
            auto_refresh=False,  # an error of a thread that draws could not be caught
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task: TaskID = self._bar.add_task(plain(title), total=total, speed=0.0, says="")
        self._bar.start()

    def move(self, done: int, speed: float = 0.0, says: str | None = None) -> None:
        """Show how far and how fast, in units and units per second, and what happens now."""
        if self.is_bar:
            self._bar.update(self._task, completed=done, speed=speed, refresh=True)
            if says is not None:
                self._bar.update(self._task, says=plain(says), refresh=True)

    def say(self, text: str) -> None:
        """Show what happened."""
        if self.is_bar:
            self._bar.update(self._task, says=plain(text))
            self._bar.console.print(f"grok-tui: {plain(text)}")
            self._bar.refresh()
        elif not self.quiet:
            _print("stderr", f"grok-tui: {plain(text)}")

    def close(self) -> None:
        """Remove the bar."""
        if self.is_bar:
            self._bar.stop()
