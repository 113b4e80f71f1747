"""The gallery: presets by what they show, runs below them, and a card of the line that is highlighted."""

from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.events import Resize
from textual.widgets import Input

from ..claims import registry
from ..errors import UsageError
from . import theme
from .base_screen import BaseScreen, host_of
from .catalog import START, Catalog, Entry, Listing, heading, known_presets, preset_entries, preset_entry, scroll
from .details import preset_card, run_card
from .keys import bindings
from .static_text import StaticText, both_ends, one_line, styled

FOOTER = [("choose", "start"), ("down up", "move"), ("filter", "filter"), ("card-down card-up", "read on")]
SUBTITLE = "networks that grok: they fit the train data early, and the test data much later"
NARROW = 64
"""Columns below which there is no room for the card."""
LAST = [("help", "help"), ("quit", "quit")]


def shortened(path: Path, width: int = 34) -> str:
    """A path, shortened by what is plain: the working directory, the home directory."""
    text = str(path)
    for base, name in ((Path.cwd(), ""), (Path.home(), "~/")):
        if path.is_relative_to(base):
            text = f"{name}{path.relative_to(base)}"
            break
    return text if len(text) <= width else f"…{text[-width + 1 :]}"


class Gallery(BaseScreen):
    """Choose what to run or to watch."""

    where = "gallery"
    BINDINGS: ClassVar[list[BindingType]] = bindings("gallery")

    def __init__(self, runs: Path, can_go_back: bool = False) -> None:
        super().__init__()
        self.runs = runs
        self.can_go_back = can_go_back
        self.needle = ""

    def compose(self) -> ComposeResult:
        yield StaticText(id="header", classes="bar")
        with Horizontal(id="gallery"):
            yield Catalog("gallery-list", first=f"preset:{START}")
            with VerticalScroll(id="card-scroll", can_focus=False):
                yield StaticText(id="card")
        line = Input(id="filter", compact=True, placeholder="show only lines that contain these words")
        line.cursor_blink = False
        yield line
        yield StaticText(id="words")
        yield StaticText(id="footer", classes="bar")

    def on_mount(self) -> None:
        self.query_one("#filter").display = False
        self.fill()
        self.query_one(Catalog).focus()

    def on_resize(self, event: Resize) -> None:
        self.set_class(self.size.width < NARROW, "-narrow")
        self.show_frame()
        self.call_after_refresh(self.fill)

    def show_frame(self) -> None:
        subtitle = SUBTITLE if self.size.width >= 120 else "networks that grok"
        title = styled("grok-tui", f"bold {theme.BRIGHT}").append(f"  {subtitle}", theme.DIM)
        count = len(self.listing.training())
        where = styled(f"{count} training  " if count else "", theme.GOOD)
        where.append(f"directory {shortened(self.runs)}", theme.DIM)
        self.query_one("#header", StaticText).show(both_ends(title, where, max(self.size.width - 2, 0)))
        entries, chosen = list(FOOTER), self.query_one(Catalog).chosen()
        if chosen and chosen.run:
            entries[0] = ("choose", "watch")
            if chosen.run.id in {run.id for run in self.listing.training()}:
                entries.insert(1, ("stop", "stop"))
        if self.can_go_back:
            entries.insert(2, ("back", "back"))
        self.show_footer([*entries, *LAST])
        self.show_words()

    def show_words(self) -> None:
        """The notice; or how many directories are no runs."""
        text, skipped = self.notice or Text(), self.listing.skipped
        if not self.notice and skipped:
            more = f" (and {len(skipped) - 1} more)" if len(skipped) > 1 else ""
            text = styled(f"skipped {one_line(skipped[0])}{more}", theme.DIM)
        elif not self.notice and self.needle:
            presets = sum(bool(entry.preset) for entry in self.query_one(Catalog).entries)
            runs = sum(bool(entry.run) for entry in self.query_one(Catalog).entries)
            text = styled(f"/{self.needle}: {presets} presets, {runs} runs; esc clears the filter", theme.DIM)
        self.query_one("#words", StaticText).show(text)

    def show_listing(self, listing: Listing) -> None:
        self.listing = listing
        if self.is_mounted:
            self.fill()

    def fill(self) -> None:
        """List what there is: what trains now, the preset to begin with, all presets, all runs."""
        catalog = self.query_one(Catalog)
        width = max((catalog.size.width or 46) - 3, 28)
        live = self.listing.entries(self.needle, width=width, only_live=True)
        entries = [heading("training now"), *live, heading("")] if live else []
        presets = preset_entries(self.needle)
        if not self.needle and START in known_presets():
            entries += [heading("start here"), preset_entry(START, known_presets()[START], "  "), heading("")]
            presets = [entry for entry in presets if entry.preset != START]
        ids = {entry.id for entry in live}
        ended = [entry for entry in self.listing.entries(self.needle, width=width) if entry.id not in ids]
        entries += presets
        entries += [heading(""), heading("runs"), *ended] if ended else []
        if not any(entry.id for entry in entries):
            entries = [heading(f"nothing contains {self.needle}")]
        named = next((entry.id for entry in entries if self.needle and self.needle in entry.preset), "")
        catalog.show(entries, named if self.focused is self.query_one("#filter") else "")
        self.show_card()
        self.show_frame()

    @on(Catalog.OptionHighlighted)
    def highlighted(self) -> None:
        self.show_card()
        self.show_frame()

    def show_card(self) -> None:
        self.query_one("#card", StaticText).show(self.card(self.query_one(Catalog).chosen()), layout=True)

    def card(self, entry: Entry | None) -> Text:
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
        entry = self.query_one(Catalog).chosen()
        if entry and entry.preset:
            host_of(self).start_preset(entry.preset)
        elif entry and entry.run:
            host_of(self).watch_run(entry.run)

    def action_stop(self) -> None:
        entry = self.query_one(Catalog).chosen()
        if entry and entry.run:
            host_of(self).stop_run(entry.run)
        else:
            self.say("s stops a run: move to one first")

    def action_move(self, by: int) -> None:
        self.say(self.query_one(Catalog).move(by))

    def action_card(self, by: int) -> None:
        view = self.query_one("#card-scroll", VerticalScroll)
        self.say(scroll(view, 4 * by) if self.size.width >= NARROW else f"the description needs {NARROW} columns")

    def action_filter(self) -> None:
        """Type some words; the list follows."""
        line = self.query_one("#filter", Input)
        line.display = True
        line.focus()

    @on(Input.Changed, "#filter")
    def filter_typed(self, event: Input.Changed) -> None:
        self.needle = event.value.strip()
        self.fill()

    @on(Input.Submitted, "#filter")
    def filter_done(self) -> None:
        self.query_one("#filter").display = bool(self.needle)
        self.query_one(Catalog).focus()

    def action_back(self) -> None:
        """Clear the filter; if there is none, go back to the run."""
        line = self.query_one("#filter", Input)
        if line.display:
            line.value, line.display, self.needle = "", False, ""
            self.fill()
            self.query_one(Catalog).focus()
        elif self.can_go_back:
            host_of(self).watch_run(None)
        else:
            self.say("there is no run to go back to; q leaves")
