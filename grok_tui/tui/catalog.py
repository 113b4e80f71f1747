"""The lists of presets, by source and claim, and of runs: the gallery shows both, and so do the side panes."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from rich.text import Text
from textual.containers import VerticalScroll
from textual.events import Click
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ..claims import registry
from ..claims.claim import SOURCES, Claim
from ..config import presets
from ..config.schema import THEORIES, RunConfig
from ..errors import UsageError
from ..numbers import compact
from ..store import runs as store_runs
from ..store.rundir import RunDir
from . import theme
from .run_view import is_live, seed_of, status_of
from .static_text import literal, styled

NEWEST = 60
"""How many runs are listed."""
START = "modadd-fast"
"""The preset to begin with: it groks within seconds."""


@dataclass(frozen=True)
class Entry:
    """A line of the list. Headings have no id and cannot be chosen."""

    id: str
    text: Text
    preset: str = ""
    run: RunDir | None = None


@dataclass(frozen=True)
class Listing:
    """The newest runs of a directory, newest first, and a line for each directory that is no run."""

    runs: list[tuple[RunDir, dict[str, Any]]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, runs: Path) -> "Listing":
        try:
            found, skipped = store_runs.listed(runs, newest=NEWEST)
        except OSError as error:
            return cls([], [f"{runs}: {error.strerror}"])
        return cls(found[::-1], skipped)

    def training(self, besides: RunDir | None = None) -> list[RunDir]:
        live = [run for run, info in self.runs if is_live(info)]
        return [run for run in live if besides is None or run.path != besides.path]

    def entries(self, words: str = "", current: str = "", width: int = 26, only_live: bool = False) -> list[Entry]:
        """A line for each run that contains all the words."""
        return [
            Entry(f"run:{run.id}", run_line(run, info, run.id == current, width), run=run)
            for run, info in self.runs
            if contains(f"{run.id} {info['status']} {status_of(info)[1]}", words) and (is_live(info) or not only_live)
        ]


def contains(text: str, words: str) -> bool:
    return all(word in text.lower() for word in words.lower().split())


@cache
def known_presets() -> dict[str, RunConfig | str]:
    """Every preset's config, or the one line that says what is wrong with it."""
    found: dict[str, RunConfig | str] = {}
    for name in presets.names():
        try:
            found[name] = presets.load_preset(name)
        except UsageError as error:
            found[name] = str(error)
    return found


def heading(text: str) -> Entry:
    return Entry("", styled(text, f"bold {theme.DIM}"))


def preset_entries(words: str = "", *, has_claims: bool = True) -> list[Entry]:
    """Presets under the claims of each source, then those that serve no claim by theory.

    A preset stands once: under the first of its claims, or the first that contains the words. Only presets that
    contain all the words, in themselves or in a claim, are listed.
    """
    known = {name: config for name, config in known_presets().items() if is_wanted(name, config, words)}
    entries: list[Entry] = []
    homes = {name: home(served, words) for name in known if (served := registry.of_preset(name))}
    for id, source in SOURCES.items():
        claims = [claim for claim in dict.fromkeys(homes.values()) if claim.source == id]
        if claims:
            entries.append(heading(source.title))
        for claim in sorted(claims, key=registry.CLAIMS.index):
            if has_claims:
                entries.append(Entry("", styled(f" {claim.title}", theme.DIM)))
            entries += [preset_entry(name, known[name], "   ") for name in claim.presets if homes.get(name) is claim]
    for theory in THEORIES:
        rest = [name for name in known if name not in homes and theory_of(known[name]) == theory]
        if rest:
            entries.append(heading(f"{'more: ' if registry.CLAIMS else ''}{theory or 'other'}"))
            entries += [preset_entry(name, known[name], "  ") for name in rest]
    return entries


def preset_entry(name: str, config: RunConfig | str, indent: str) -> Entry:
    """A preset's line; one that cannot be read stands out."""
    return Entry(
        f"preset:{name}", styled(f"{indent}{name}", theme.BAD if isinstance(config, str) else theme.TEXT), name
    )


def theory_of(config: RunConfig | str) -> str:
    return config.theory if isinstance(config, RunConfig) else ""


def is_wanted(name: str, config: RunConfig | str, words: str) -> bool:
    title = config.title if isinstance(config, RunConfig) else ""
    claims = registry.of_preset(name)
    return contains(" ".join([name, title, theory_of(config), *map(about, claims)]), words)


def about(claim: Claim) -> str:
    """The texts of a claim that a filter searches."""
    source = SOURCES[claim.source]
    return f"{claim.id} {claim.title} {source.title} {source.paper}"


def home(claims: list[Claim], words: str) -> Claim:
    return next((claim for claim in claims if contains(about(claim), words)), claims[0])


def run_line(run: RunDir, info: dict[str, Any], is_current: bool = False, width: int = 26) -> Text:
    """`● modadd-fast s0   step 3.4k`, or `grok 772` if it has grokked."""
    sign, _, colour = status_of(info)
    t_grok = info["result"].get("t_grok")
    right = f"step {compact(info['progress']['step'])}" if t_grok is None else f"grok {compact(t_grok)}"
    name, seed = info["name"] or run.id, seed_of(info)
    room = max(width - 13 - len(seed) - 1, 4)
    name = name if len(name) <= room else f"{name[: room - 1]}…"
    line = styled("▸" if is_current else " ", theme.TEXT).append(sign, colour)
    line.append(f" {name} {seed}".ljust(width - 11), theme.TEXT)
    return line.append(f"{right:>9}", theme.DIM if t_grok is None else theme.GOOD)


def scroll(view: VerticalScroll, by: int) -> str:
    """Move a text by some rows; returns why not, if it cannot be moved."""
    is_there = view.scroll_y >= view.max_scroll_y if by > 0 else view.scroll_y <= 0
    view.scroll_relative(y=by, animate=False)
    return ("this is the end" if by > 0 else "this is the beginning") if is_there else ""


class Catalog(OptionList):
    """An option list that is rebuilt only when its lines have changed, and keeps its place."""

    def __init__(self, id: str, first: str = "") -> None:
        super().__init__(id=id, compact=True, markup=False)
        self.first = first
        """The line to start on."""
        self.entries: list[Entry] = []
        self._clicked: str = ""

    def show(self, entries: list[Entry], first: str = "") -> None:
        """List these; with `first` given, begin there."""
        self.first = first or self.first
        if not first and [(e.id, e.text) for e in entries] == [(e.id, e.text) for e in self.entries]:
            return
        chosen = None if first else self.chosen()
        self.entries = entries
        self.set_options([Option(literal(e.text), id=e.id or None, disabled=not e.id) for e in entries])
        ids = [entry.id for entry in entries]
        wanted = chosen.id if chosen and chosen.id in ids else self.first
        if wanted in ids:
            self.highlighted = ids.index(wanted)
        else:
            self.highlighted = next((i for i, id in enumerate(ids) if id), None)
        if chosen is None:
            self.call_after_refresh(self.centre)

    def on_click(self, event: Click) -> None:
        """Select a line; a second click on it chooses it. One click may only have brought the window forward."""
        event.prevent_default()
        number = event.style.meta.get("option")
        if number is None or not self.entries[number].id:
            return
        is_second = self._clicked == self.entries[number].id and number == self.highlighted
        self.highlighted, self._clicked = number, self.entries[number].id
        if is_second:
            self._clicked = ""
            self.action_select()

    def move(self, by: int) -> str:
        """To the next line, or to the one before; returns why not, if there is no other."""
        self.focus()
        before = self.highlighted
        self.action_cursor_down() if by > 0 else self.action_cursor_up()
        return "there is no other line" if self.highlighted == before else ""

    def on_resize(self) -> None:
        self.call_after_refresh(self.centre)

    def centre(self) -> None:
        """Bring the line into the middle, so that what stands around it is seen."""
        self.scroll_to(y=(self.highlighted or 0) - self.scrollable_content_region.height // 2, animate=False)

    def scroll_to_highlight(self, top: bool = False) -> None:
        """Bring the line into view, and the headings right above it."""
        super().scroll_to_highlight(top)
        if self.highlighted is None or top:
            return
        above = self.highlighted
        while above and not self.entries[above - 1].id:
            above -= 1
        if above < self.scroll_offset.y:
            self.scroll_to(y=above, animate=False, immediate=True)

    def chosen(self) -> Entry | None:
        if self.highlighted is None or self.highlighted >= len(self.entries):
            return None
        return self.entries[self.highlighted]
