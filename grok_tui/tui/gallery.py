"""The gallery: presets by what they show, runs below them, and a card of the one that is highlighted."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.events import Resize
from textual.widgets import Input

from ..claims import registry
from ..config import presets
from ..errors import UsageError
from . import theme
from .base_screen import BaseScreen
from .catalog import Catalog, Entry, heading, known_presets, preset_entries, run_entries
from .details import preset_card, run_card
from .keys import bindings
from .messages import PresetChosen, RunChosen
from .static_text import StaticText, both_ends, one_line, styled

FOOTER = [("choose", "start"), ("filter", "filter"), ("down up", "move"), ("help", "help"), ("quit", "quit")]


def shortened(path: Path, width: int = 34) -> str:
    """A path as short as it can be told."""
    text = str(path)
    for base, name in ((Path.cwd(), ""), (Path.home(), "~/")):
        if path.is_relative_to(base):
            text = f"{name}{path.relative_to(base)}"
            break
    return text if len(text) <= width else f"…{text[-width + 1 :]}"


LISTING = 2.0
"""Seconds between two listings of the runs."""


class Gallery(BaseScreen):
    """Choose what to run or to watch."""

    where = "gallery"
    BINDINGS: ClassVar[list[BindingType]] = bindings("gallery")

    def __init__(self, runs: Path, can_go_back: bool = False) -> None:
        super().__init__()
        self.runs = runs
        self.can_go_back = can_go_back
        self.needle = ""
        self.skipped: list[str] = []
        self._filled = self._cost = 0.0

    def compose(self) -> ComposeResult:
        """Title, list and card, filter, notice, keys."""
        yield StaticText(id="header", classes="bar")
        with Horizontal(id="gallery"):
            yield Catalog("gallery-list", first=f"preset:{presets.DEFAULT}")
            with VerticalScroll(id="card-scroll", can_focus=False):
                yield StaticText(id="card")
        line = Input(id="filter", compact=True, placeholder="show only what contains…")
        line.cursor_blink = False
        yield line
        yield StaticText(id="words")
        yield StaticText(id="footer", classes="bar")

    def on_mount(self) -> None:
        """Fill the list and keep the runs up to date."""
        self.query_one("#filter").display = False
        self.fill()
        self.query_one(Catalog).focus()
        self.set_interval(LISTING, self.look)

    def on_resize(self, event: Resize) -> None:
        """Rows that depend on the width."""
        self.set_class(self.size.width < 64, "-narrow")
        self.show_frame()
        self.call_after_refresh(self.show_card)

    def show_frame(self) -> None:
        """Header, notice and footer."""
        title = styled("grok-tui", f"bold {theme.BRIGHT}").append("  networks that grok, live", theme.DIM)
        where = styled(f"runs in {shortened(self.runs)}", theme.DIM)
        self.query_one("#header", StaticText).show(both_ends(title, where, max(self.size.width - 2, 0)))
        entries = list(FOOTER)
        if self.can_go_back:
            entries.insert(2, ("back", "back"))
        chosen = self.query_one(Catalog).chosen()
        if chosen and chosen.run:
            entries[0] = ("choose", "watch")
        self.show_footer(entries)
        self.show_said()

    def show_said(self) -> None:
        """The notice; or how many directories are no runs."""
        text = self.said or Text()
        if not self.said and self.skipped:
            more = f" (and {len(self.skipped) - 1} more)" if len(self.skipped) > 1 else ""
            text = styled(f"skipped {one_line(self.skipped[0])}{more}", theme.DIM)
        self.query_one("#words", StaticText).show(text)

    def look(self) -> None:
        """Fill the list anew; less often where there are so many runs that it takes long."""
        if monotonic() - self._filled > 50 * self._cost:
            self.fill()

    def fill(self) -> None:
        """List what there is now."""
        self._filled = monotonic()
        entries = preset_entries(self.needle)
        found, self.skipped = run_entries(self.runs, self.needle)
        if found:
            entries += [heading(""), heading("runs"), *found] if entries else [heading("runs"), *found]
        if not entries:
            entries = [heading(f"nothing contains {self.needle}")]
        self.query_one(Catalog).show(entries)
        self.show_card()
        self.show_said()
        self._cost = monotonic() - self._filled

    @on(Catalog.OptionHighlighted)
    def moved(self) -> None:
        """Another line: another card."""
        self.show_card()
        self.show_frame()

    def show_card(self) -> None:
        """The card of the highlighted line."""
        card, text = self.query_one("#card", StaticText), self.card(self.query_one(Catalog).chosen())
        if text != card.shown:
            card.shown = text
            card.update(text)

    def card(self, entry: Entry | None) -> Text:
        """What there is to know about a line."""
        width = self.query_one("#card").size.width or 60
        if entry and entry.preset:
            claims = registry.of_preset(entry.preset)
            return preset_card(entry.preset, known_presets()[entry.preset], claims, width)
        if entry and entry.run:
            try:
                return run_card(entry.run, entry.run.info(), width)
            except UsageError as error:
                return styled(str(error), theme.BAD)
        return Text()

    @on(Catalog.OptionSelected)
    def action_choose(self) -> None:
        """Start the preset, or watch the run."""
        entry = self.query_one(Catalog).chosen()
        if entry and entry.preset:
            self.post_message(PresetChosen(entry.preset))
        elif entry and entry.run:
            self.post_message(RunChosen(entry.run))

    def action_down(self) -> None:
        """Next line."""
        self.query_one(Catalog).action_cursor_down()

    def action_up(self) -> None:
        """Line before."""
        self.query_one(Catalog).action_cursor_up()

    def action_card(self, by: int) -> None:
        """Move the card."""
        self.query_one("#card-scroll", VerticalScroll).scroll_relative(y=4 * by, animate=False)

    def action_filter(self) -> None:
        """Type a text; the list follows."""
        line = self.query_one("#filter", Input)
        line.display = True
        line.focus()

    @on(Input.Changed, "#filter")
    def filter_typed(self, event: Input.Changed) -> None:
        """Show only what contains it."""
        self.needle = event.value.strip()
        self.fill()

    @on(Input.Submitted, "#filter")
    def filter_done(self) -> None:
        """Back to the list; the filter stays."""
        self.query_one("#filter").display = bool(self.needle)
        self.query_one(Catalog).focus()

    def action_back(self) -> None:
        """Clear the filter; with none, go back to the run."""
        line = self.query_one("#filter", Input)
        if line.display:
            line.value, line.display, self.needle = "", False, ""
            self.fill()
            self.query_one(Catalog).focus()
        elif self.can_go_back:
            self.app.action_return_to_run()  # type: ignore[attr-defined]
