"""The side pane: presets, runs, events or config."""

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from ..numbers import grouped
from ..store.events import describe
from ..store.reader import RunReader
from . import theme
from .base_screen import host_of
from .catalog import Catalog, Listing, heading, preset_entries, scroll
from .charts.marks import marks_of
from .details import config_text
from .static_text import StaticText, styled

PANES = ("chart", "presets", "runs", "events", "config")
"""The first is no pane at all."""
LISTS = ("presets", "runs")
COLOURS = {"refused": theme.WARN, "warning": theme.WARN, "failed": theme.BAD, "paced": theme.DIM, "stepped": theme.DIM}


def events_text(reader: RunReader) -> Text:
    lines = []
    for event in reversed(reader.events[-400:]):
        marks = marks_of([event]) if event["type"] != "resumed" else []
        text = f"mark {marks[0].text}" if event["type"] == "marked" else marks[0].text if marks else describe(event)
        if text:
            colour = marks[0].colour if marks else COLOURS.get(event["type"], theme.TEXT)
            line = styled(f"{grouped(event['step']):>7} ", theme.DIM).append(text, colour)
            lines.append(line.append(" by schedule" if event.get("by") == "schedule" and marks else "", theme.DIM))
    return Text("\n").join(lines)


class Side(Vertical):
    """One of the panes at a time, under a row that names them all."""

    def __init__(self, reader: RunReader) -> None:
        super().__init__(id="side")
        self.reader = reader
        self.number = 0

    def compose(self) -> ComposeResult:
        yield StaticText(id="side-names")
        yield Catalog("side-list")
        with VerticalScroll(id="side-scroll"):
            yield StaticText(id="side-text")

    @property
    def pane(self) -> str:
        return PANES[self.number]

    def show(self, number: int, listing: Listing) -> None:
        self.display = number > 0
        changed = number != self.number
        self.number = number
        if not number:
            return
        if changed:
            self.show_names()
        if self.pane in LISTS:
            self.show_list(changed, listing)
            return
        text = self.query_one("#side-text", StaticText)
        text.show(events_text(self.reader) if self.pane == "events" else config_text(self.reader), layout=True)

    def show_names(self) -> None:
        """The names of the panes between their keys, the one on show bright."""
        each = [styled(name, f"bold {theme.BRIGHT}" if name == self.pane else theme.DIM) for name in PANES[1:]]
        names = Text(" ").join([styled("[", theme.DIM), *each, styled("]", theme.DIM)])
        self.query_one("#side-names", StaticText).show(names)
        self.query_one("#side-list").display = self.pane in LISTS
        self.query_one("#side-scroll").display = self.pane not in LISTS

    def show_list(self, changed: bool, listing: Listing) -> None:
        current = self.reader.run.id
        entries, first = listing.entries(current=current), f"run:{current}"
        if self.pane == "presets":
            runs = [heading(""), heading("runs"), *entries] if entries else []
            entries, first = [*preset_entries(has_claims=False), *runs], f"preset:{self.reader.info.get('preset')}"
        self.query_one(Catalog).show(entries, first if changed else "")

    def move(self, by: int) -> str:
        """Through the list, or through the text; returns why not, if it cannot move."""
        if self.pane in LISTS:
            return self.query_one(Catalog).move(by)
        return scroll(self.query_one("#side-scroll", VerticalScroll), 2 * by)

    def on_option_list_option_selected(self, event: Catalog.OptionSelected) -> None:
        event.stop()
        entry = self.query_one(Catalog).chosen()
        if entry and entry.preset:
            host_of(self).start_preset(entry.preset)
        elif entry and entry.run:
            host_of(self).watch_run(entry.run)
