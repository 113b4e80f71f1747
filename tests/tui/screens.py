"""Reading a screen under test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

from grok_tui.store.info import now
from grok_tui.store.jsonl import append_line
from grok_tui.store.rundir import RunDir
from grok_tui.tui.app import GrokApp

SIZES = [(80, 24), (120, 36), (200, 60)]


class Engine:
    """Stands in for a spawned engine: it holds the run's lock and does nothing."""

    def __init__(self, run: RunDir, resume: bool, lock: int | None) -> None:
        self.run, self.resume, self.lock = run, resume, run.acquire() if lock is None else lock

    def poll(self) -> None:
        return None


def text(app: GrokApp) -> list[str]:
    """The rows of the screen, as a terminal would show them."""
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]


def shows(app: GrokApp, what: str) -> bool:
    return any(what in row for row in text(app))


async def until(pilot: Pilot[Any], condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for a condition; fail with what the screen shows."""
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    await pilot.pause()
    assert condition(), "\n".join(text(pilot.app))  # type: ignore[arg-type]


def requests(run: RunDir) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.commands_jsonl.read_text().splitlines()]


def tell(run: RunDir, type: str, step: int, **data: Any) -> None:
    """Append an event, as the engine would."""
    append_line(run.events_jsonl, {"seq": 99, "time": now(), "type": type, "step": step, **data})
