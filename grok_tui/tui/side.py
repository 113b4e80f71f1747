"""The side pane: presets, runs, events or config."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from ..numbers import grouped, short
from ..store.reader import RunReader
from . import theme
from .catalog import Catalog, heading, preset_entries, run_entries
from .details import config_text
from .marks import WORDS, Mark, steering
from .messages import PresetChosen, RunChosen
from .static_text import StaticText, styled

PANES = ("chart", "presets", "runs", "events", "config")
"""The first is no pane at all."""


def event_text(event: dict[str, Any]) -> Text:
    """What one event says, in few words."""
    kind = event.get("type")
    match kind:
        case "phase":
            word, colour = WORDS.get(str(event.get("phase")), (str(event.get("phase")), theme.TEXT))
            return styled(word, colour)
        case "steered":
            mark = Mark(0, "", theme.STEER, str(event.get("key")), event.get("old"), event.get("new"))
            by = " by schedule" if event.get("by") == "schedule" else ""
            return styled(steering(mark).text, theme.STEER).append(by, theme.DIM)
        case "refused":
            return styled(f"refused: {event.get('reason')}", theme.WARN)
        case "failed":
            return styled(f"failed: {event.get('reason')}", theme.BAD)
        case "warning":
            return styled(str(event.get("message")), theme.WARN)
        case "marked":
            return styled(f"mark {event.get('label') or ''}", theme.TEXT)
        case "started":
            return styled(f"started on {event.get('device')}", theme.TEXT)
        case "checkpoint":
            return styled(f"saved, {event.get('why')}", theme.FAINT)
        case "paced":
            pace = event.get("pace") or 0
            return styled(f"pace {short(float(pace))}/s" if pace else "full speed", theme.DIM)
        case "stepped":
            return styled(f"{event.get('steps')} steps", theme.DIM)
    return styled(str(kind), theme.TEXT)


def events_text(reader: RunReader) -> Text:
    """What happened, newest first."""
    lines = []
    for event in reversed(reader.events[-400:]):
        if event.get("type") == "checkpoint" and event.get("why") == "log-spaced":
            continue
        line = styled(f"{grouped(event.get('step', 0)):>7} ", theme.DIM).append_text(event_text(event))
        lines.append(line)
    return Text("\n").join(lines)


class Side(Vertical):
    """One of the panes at a time, under a row that names them all."""

    def __init__(self, runs: Path, current: str, preset: str) -> None:
        super().__init__(id="side")
        self.runs = runs
        self.current = current
        self.preset = preset
        self.number = 0
        self.cost = 0.0
        """Seconds that the last listing of the runs took."""

    def compose(self) -> ComposeResult:
        """The names, a list, and a text."""
        yield StaticText(id="side-names")
        yield Catalog("side-list")
        with VerticalScroll(id="side-scroll"):
            yield StaticText(id="side-text")

    def show(self, number: int, reader: RunReader | None) -> None:
        """Show a pane, up to date."""
        self.display = number > 0
        changed = number != self.number
        self.number = number
        if not number:
            return
        if changed:
            self.show_names()
        if PANES[number] in ("presets", "runs"):
            self.show_list(changed)
        elif reader is not None:
            text = self.query_one("#side-text", StaticText)
            shown = events_text(reader) if PANES[number] == "events" else config_text(reader.config)
            if shown != text.shown:
                text.shown = shown
                text.update(shown)

    def show_names(self) -> None:
        """The panes' names, the one on show bright."""
        names = Text()
        for name in PANES[1:]:
            names.append(name, f"bold {theme.TEXT}" if name == PANES[self.number] else theme.FAINT).append(" ")
        self.query_one("#side-names", StaticText).show(names)
        is_list = PANES[self.number] in ("presets", "runs")
        self.query_one("#side-list").display = is_list
        self.query_one("#side-scroll").display = not is_list

    def show_list(self, changed: bool) -> None:
        """Presets and the runs below them, or the runs alone."""
        started = perf_counter()
        entries, _ = run_entries(self.runs, current=self.current)
        self.cost = perf_counter() - started
        if PANES[self.number] == "presets":
            entries = [*preset_entries(), heading(""), heading("runs"), *entries] if entries else preset_entries()
        first = f"run:{self.current}" if PANES[self.number] == "runs" else f"preset:{self.preset}"
        self.query_one(Catalog).show(entries, first if changed else "")

    def on_option_list_option_selected(self, event: Catalog.OptionSelected) -> None:
        """Enter on a line."""
        event.stop()
        entry = self.query_one(Catalog).chosen()
        if entry and entry.preset:
            self.post_message(PresetChosen(entry.preset))
        elif entry and entry.run:
            self.post_message(RunChosen(entry.run))
